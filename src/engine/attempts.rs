//! How attempts end and what that makes of their task.
//!
//! Rules:
//! - an attempt that coord ordered to end is judged by the order, not by its exit code;
//! - `retry` counts attempts that failed by themselves; crashes and rework do not use it up;
//! - an end that is not known (a crash, a lost process) is tried again only if the task is
//!   `idempotent`; after a lost process that uses up `retry`.

use coord_lang::ids::NodeId;
use coord_plan::plan::{OnFail, Plan, Retry, Task};

use crate::apply::{check_agents, known};
use crate::duty::Source;
use crate::event::Fact;
use crate::item::{ItemId, Verdict};
use crate::node_state::{Attempt, AttemptEnd, Feedback};
use crate::occasion::Occasion;
use crate::outcome::{Ending, FailReason, Outcome, SkipReason, Termination};
use crate::refusal::Refusal;
use crate::state::State;
use crate::status::{IllegalTransition, Move, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Only the attempt at work may report; a late one is refused and logged by the host.
    pub(crate) fn check_attempt(&self, node: NodeId, attempt: u32) -> Result<(), Refusal> {
        self.check_open()?;
        if !self.state.has(node) {
            return Err(Refusal::NoSuchNode { node });
        }
        let state = &self.state.nodes[node];
        let at_work = state.is_at_work() && state.holds_process;
        let current = at_work.then(|| state.attempt_number());
        if current == Some(attempt) {
            return Ok(());
        }
        Err(Refusal::NotThisAttempt {
            task: self.name(node),
            attempt,
            current,
        })
    }

    pub(crate) fn judge(&mut self, node: NodeId) {
        let Some(attempt) = self.state.nodes[node].attempt.clone() else {
            return;
        };
        match &attempt.end {
            Some(AttemptEnd::Interrupted { .. }) => self.after_interruption(node, attempt.number),
            Some(AttemptEnd::Exited { outcome, .. }) => {
                self.after_exit(node, attempt.number, judged(&attempt, outcome));
            }
            None => {}
        }
    }

    fn after_interruption(&mut self, node: NodeId, attempt: u32) {
        if self.plan.task(node).is_some_and(|task| task.idempotent) {
            self.emit(Fact::RetryScheduled {
                node,
                attempt,
                due_ms: self.at_ms,
                counted: false,
            });
        } else {
            self.emit(Fact::InDoubt { node, attempt });
        }
    }

    fn after_exit(&mut self, node: NodeId, attempt: u32, outcome: Outcome) {
        let Some(task) = self.plan.task(node) else {
            return;
        };
        let why = (self.state.nodes[node].attempt.as_ref()).and_then(|a| a.terminating);
        if let Some(Termination::TakenAway | Termination::Halted) = why {
            return self.emit(Fact::RetryScheduled {
                node,
                attempt,
                due_ms: self.at_ms,
                counted: false,
            });
        }
        if outcome.is_success() {
            self.after_success(node, attempt, task);
        } else if let Outcome::Breach(breach) = outcome {
            self.breach(node, breach);
        } else if matches!(outcome, Outcome::Lost(_)) && !task.idempotent {
            self.emit(Fact::InDoubt { node, attempt });
        } else if let Some(due_ms) = self.next_try(node, task, &outcome) {
            self.emit(Fact::RetryScheduled {
                node,
                attempt,
                due_ms,
                counted: true,
            });
        } else {
            self.fail(node, FailReason::Outcome(outcome), false);
        }
    }

    fn after_success(&mut self, node: NodeId, attempt: u32, task: &Task) {
        if task.ensures.is_empty() && task.approvals.is_empty() && !task.works_apart() {
            self.emit(Fact::Completed { node, attempt });
        } else {
            self.emit(Fact::Review { node, attempt });
        }
    }

    fn next_try(&self, node: NodeId, task: &Task, outcome: &Outcome) -> Option<i64> {
        let failures = self.state.nodes[node].failures;
        let retry = task.retry.as_ref()?;
        let again = failures < retry.times && is_retried(retry, outcome);
        again.then(|| self.at_ms.saturating_add(backoff_ms(retry, failures)))
    }

    /// The one place where a task, sync or gate makes its node fail.
    pub(crate) fn fail(&mut self, node: NodeId, why: FailReason, halts: bool) {
        let on_fail = self
            .plan
            .task(node)
            .map_or(OnFail::Block, |task| task.on_fail);
        let stops = halts || self.plan.stop_on_failure || self.state.options.fail_fast;
        match on_fail {
            OnFail::Skip if !halts => {
                self.emit(Fact::Skipped {
                    node,
                    why: SkipReason::Failure(why),
                });
            }
            OnFail::Halt => self.emit(Fact::Failed {
                node,
                why,
                halts: true,
            }),
            OnFail::Skip | OnFail::Block => self.emit(Fact::Failed {
                node,
                why,
                halts: stops,
            }),
        }
    }

    pub(crate) fn complete(&mut self, node: NodeId) {
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Completed { node, attempt });
    }

    /// What a person answered becomes the end of the attempt.
    pub(crate) fn end_work(&mut self, node: NodeId, item: ItemId) {
        let Some(answer) = self.state.items[item].answers.last() else {
            return;
        };
        let outcome = if answer.verdict.agrees() {
            Outcome::Done
        } else {
            Outcome::Rejected {
                by: answer.by.clone(),
                note: answer.note.clone(),
            }
        };
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Exited {
            node,
            attempt,
            outcome,
            outputs: Default::default(),
            log: None,
        });
    }

    pub(crate) fn rework(&mut self, node: NodeId, item: ItemId) {
        let attempt = self.state.nodes[node].attempt_number();
        let answer = self.state.items[item].answers.last();
        let (by, note) = answer.map_or((None, String::new()), |a| (a.by.clone(), a.note.clone()));
        self.emit(Fact::Rework {
            node,
            attempt,
            by,
            note,
        });
    }

    pub(crate) fn settle_doubt(&mut self, node: NodeId, item: ItemId) {
        let Some(answer) = self.state.items[item].answers.last().cloned() else {
            return;
        };
        let attempt = self.state.nodes[node].attempt_number();
        let (by, note) = (answer.by, answer.note);
        match answer.verdict {
            Verdict::Done | Verdict::Approve | Verdict::Accept => {
                if let Some(task) = self.plan.task(node) {
                    self.after_success(node, attempt, task);
                }
            }
            Verdict::Retry => {
                let due_ms = self.at_ms;
                self.emit(Fact::RetryScheduled {
                    node,
                    attempt,
                    due_ms,
                    counted: false,
                });
            }
            Verdict::Skip => {
                self.emit(Fact::Skipped {
                    node,
                    why: SkipReason::Person { by, reason: note },
                });
            }
            Verdict::Fail | Verdict::Reject | Verdict::Reassign | Verdict::Abort => {
                self.fail(node, FailReason::Doubt { by, note }, false);
            }
        }
    }
}

fn judged(attempt: &Attempt, outcome: &Outcome) -> Outcome {
    match (attempt.terminating, outcome) {
        (_, Outcome::Lost(_)) | (None, _) => outcome.clone(),
        (Some(Termination::Timeout), _) => Outcome::TimedOut,
        (Some(Termination::Cancel | Termination::TakenAway | Termination::Halted), _) => {
            Outcome::Cancelled
        }
    }
}

fn is_retried(retry: &Retry, outcome: &Outcome) -> bool {
    if retry.on_exit.is_empty() && !retry.on_timeout {
        return true;
    }
    match outcome {
        Outcome::Exit(code) => retry.on_exit.contains(code),
        Outcome::TimedOut => retry.on_timeout,
        Outcome::Signal(_)
        | Outcome::SpawnFailed(_)
        | Outcome::Lost(_)
        | Outcome::Cancelled
        | Outcome::NoArtifact(_)
        | Outcome::Breach(_)
        | Outcome::Done
        | Outcome::Rejected { .. } => false,
    }
}

/// `every` × `factor` to the number of failures before, at most `up to`.
fn backoff_ms(retry: &Retry, failures: u32) -> i64 {
    let most = if retry.up_to_ms > 0 {
        retry.up_to_ms
    } else {
        i64::MAX
    };
    let mut ms = retry.every_ms.max(0);
    for _ in 0..failures {
        let next = ms
            .checked_mul(retry.factor_milli)
            .map_or(most, |product| product / 1000);
        if next <= ms || ms >= most {
            break;
        }
        ms = next;
    }
    ms.min(most)
}

/// The folds of `task.*`.
impl State {
    pub(crate) fn on_assigned(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: Attempt,
    ) -> Result<(), IllegalTransition> {
        known(plan.task(node).is_some(), fact.kind(), "task", node.0)?;
        check_agents(plan, fact, &attempt.agents)?;
        let next = self.nodes[node].attempts.saturating_add(1);
        expect_number(fact, node, attempt.number, next)?;
        self.change(plan, fact, node, Move::Assign, |state| {
            state.attempts = attempt.number;
            state.attempt = Some(attempt);
        })
    }

    pub(crate) fn on_started(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        if self.nodes[node].status == Status::Assigned {
            self.note_passed_over(plan, node);
        }
        let now_ms = self.now_ms;
        let tracks = self.index.tracks_late || self.index.tracks_stalled;
        let estimate = plan
            .task(node)
            .and_then(|task| task.estimate)
            .filter(|_| tracks);
        let long_ms = estimate.map(|estimate| self.elapsed(plan, estimate.high));
        self.change(plan, fact, node, Move::Start, |state| {
            state.long_ms = long_ms;
            state.first_started_ms.get_or_insert(now_ms);
            state.passed_over = 0;
            if let Some(attempt) = &mut state.attempt {
                attempt.started_ms = Some(now_ms);
            }
        })?;
        self.withdraw_contention(plan, node);
        Ok(())
    }

    pub(crate) fn on_unspawned(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        self.change(plan, fact, node, Move::Unspawn, |state| {
            if let Some(attempt) = &mut state.attempt {
                attempt.started_ms = None;
                attempt.terminating = None;
            }
        })
    }

    /// Something about the attempt at work that leaves it where it is.
    pub(crate) fn on_note(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
        edit: impl FnOnce(&mut Attempt),
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        if !self.nodes[node].is_at_work() {
            let from = self.nodes[node].status;
            return Err(IllegalTransition::Node {
                node,
                from,
                kind: fact.kind(),
            });
        }
        self.change(plan, fact, node, Move::Note, |state| {
            if let Some(attempt) = &mut state.attempt {
                edit(attempt);
            }
        })
    }

    /// The outputs of a person came with the answer.
    pub(crate) fn on_exited(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
        end: AttemptEnd,
    ) -> Result<(), IllegalTransition> {
        self.on_note(plan, fact, node, attempt, |of| of.end = Some(end))?;
        if let Fact::Exited { outputs, .. } = fact
            && self.index.is_machine(node)
        {
            self.nodes[node].outputs = outputs.clone();
        }
        let taken_away = matches!(
            fact,
            Fact::Exited {
                outcome: Outcome::Cancelled,
                ..
            }
        );
        // what it called goes on, and is taken up when it is begun again
        if !taken_away {
            self.on_call_over(plan, node);
        }
        if let Fact::Exited {
            outcome, outputs, ..
        } = fact
        {
            self.note_outcome(plan, node, outcome);
            self.note_usage(plan, node, outputs);
        }
        self.nodes[node].voided = 0;
        self.leave_stage(plan, node);
        Ok(())
    }

    pub(crate) fn on_retry_scheduled(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        due_ms: i64,
        counted: bool,
    ) -> Result<(), IllegalTransition> {
        let now_ms = self.now_ms;
        self.change(plan, fact, node, Move::Retry, |state| {
            state.failures += u32::from(counted);
            state.backoff_until_ms = (due_ms > now_ms).then_some(due_ms);
        })?;
        self.leave_stage(plan, node);
        Ok(())
    }

    pub(crate) fn on_rework(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        feedback: Feedback,
    ) -> Result<(), IllegalTransition> {
        self.change(plan, fact, node, Move::Rework, |state| {
            state.feedback.push(feedback)
        })?;
        self.leave_stage(plan, node);
        Ok(())
    }

    /// Into review: what earlier attempts passed does not count for this one.
    pub(crate) fn on_review(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        known(plan.task(node).is_some(), fact.kind(), "task", node.0)?;
        self.change(plan, fact, node, Move::Review, |state| {
            state.ensures_passed = 0;
            state.landed = None;
        })?;
        self.leave_stage(plan, node);
        Ok(())
    }

    pub(crate) fn on_in_doubt(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        self.change(plan, fact, node, Move::Doubt, |_| {})?;
        self.leave_stage(plan, node);
        Ok(())
    }

    pub(crate) fn on_completed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        self.on_ended(plan, fact, node, Move::Complete, None)
    }

    pub(crate) fn on_failed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        why: &FailReason,
        halts: bool,
    ) -> Result<(), IllegalTransition> {
        self.on_ended(
            plan,
            fact,
            node,
            Move::Fail,
            Some(Ending::Failed(why.clone())),
        )?;
        let about = self.about(plan, Occasion::Node(node));
        self.add_duties(plan, Source::Task(node), about);
        self.halt_wanted = self.halt_wanted.or(halts.then_some(node));
        Ok(())
    }

    pub(crate) fn on_ended(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        step: Move,
        ending: Option<Ending>,
    ) -> Result<(), IllegalTransition> {
        self.change(plan, fact, node, step, |state| {
            state.ending = ending.map(Box::new);
            state.doom = None;
            state.backoff_until_ms = None;
        })?;
        self.leave_stage(plan, node);
        Ok(())
    }

    pub(crate) fn on_reopened(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        self.change(plan, fact, node, Move::Reopen, |state| {
            state.failures = 0;
            state.turned_back = 0;
            state.reopened += 1;
            state.held_needs.clear();
            state.renewed_needs.clear();
            state.ending = None;
            state.doom = None;
            state.condition_held = false;
            state.requires_passed = 0;
            state.ensures_passed = 0;
            state.subject = None;
            state.changed.clear();
            state.voided = 0;
            state.sync_expired = false;
        })?;
        self.ask_for_budgets_again(plan);
        self.reset_needs(plan, node);
        self.refresh(plan, node);
        Ok(())
    }
}

impl State {
    /// Facts of attempts are about the current one.
    pub(crate) fn expect_attempt(
        &self,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        expect_number(fact, node, attempt, self.nodes[node].attempt_number())
    }
}

fn expect_number(
    fact: &Fact,
    node: NodeId,
    attempt: u32,
    expected: u32,
) -> Result<(), IllegalTransition> {
    if attempt == expected {
        return Ok(());
    }
    Err(IllegalTransition::Attempt {
        node,
        attempt,
        kind: fact.kind(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(every_ms: i64, factor_milli: i64, up_to_ms: i64) -> Retry {
        Retry {
            times: 9,
            every_ms,
            factor_milli,
            up_to_ms,
            on_exit: vec![],
            on_timeout: false,
        }
    }

    #[test]
    fn back_off_grows_by_its_factor_up_to_its_cap() {
        let of = retry(1000, 2000, 5000);
        let waits: Vec<i64> = (0..5).map(|n| backoff_ms(&of, n)).collect();
        assert_eq!(waits, [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn back_off_never_overflows() {
        assert_eq!(backoff_ms(&retry(i64::MAX, 9000, 0), 100), i64::MAX);
        assert_eq!(
            backoff_ms(&retry(i64::MAX / 2, 9000, 0), u32::MAX),
            i64::MAX
        );
    }

    #[test]
    fn a_filter_retries_only_what_it_names() {
        let of = Retry {
            on_exit: vec![75],
            on_timeout: true,
            ..retry(0, 1000, 0)
        };
        assert!(is_retried(&of, &Outcome::Exit(75)) && is_retried(&of, &Outcome::TimedOut));
        assert!(!is_retried(&of, &Outcome::Exit(1)) && !is_retried(&of, &Outcome::Signal(9)));
    }
}
