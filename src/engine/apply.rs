//! The only function that changes a state.
//!
//! Live runs and replays share it: a replay is a fold of `apply` and nothing else. It decides
//! nothing; it checks that the event can follow and keeps what it says. An event that cannot
//! follow is a typed error, never a panic: a journal may be damaged.

use coord_lang::ids::{Id, NodeId};
use coord_plan::plan::{NodeKind, Otherwise, Plan};

use crate::event::{Event, Fact};
use crate::gate_run::{GateRunId, GateStage};
use crate::item::{Answer, Ask, Item, ItemId};
use crate::items::doom;
use crate::node_state::{Attempt, AttemptEnd, Feedback, NodeState};
use crate::outcome::{Ending, FailReason, SkipReason};
use crate::state::{NeedState, PhaseStep, State};
use crate::status::{IllegalTransition, Move, RunStatus, next_status};

/// Folds one event into `state`.
pub fn apply(plan: &Plan, state: &mut State, event: &Event) -> Result<(), IllegalTransition> {
    state.check_names(plan, &event.fact)?;
    state.now_ms = state.now_ms.max(event.at_ms);
    state.fold(plan, &event.fact)
}

impl State {
    fn fold(&mut self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        match fact {
            Fact::RunStarted { run, options } => self.on_run_started(plan, fact, run, options),
            Fact::RunResumed { options } => self.on_run_resumed(plan, fact, options.as_ref()),
            Fact::RunStopping { why } => self.on_run_stopping(plan, fact, why),
            Fact::RunPaused => self.on_run_paused(fact),
            Fact::RunReopened { .. } => self.on_run_reopened(plan, fact),
            Fact::RunCompleted => self.on_run_ended(fact, RunStatus::Completed),
            Fact::RunFailed { .. } => self.on_run_ended(fact, RunStatus::Failed),
            Fact::RunCancelled => self.on_run_cancelled(plan, fact),
            Fact::PhaseOpened { phase } => {
                self.on_phase(*phase, PhaseStep::Open);
                Ok(())
            }
            Fact::PhaseClosed { phase } => {
                self.on_phase(*phase, PhaseStep::Close);
                Ok(())
            }
            Fact::SyncOpened { node } => self.on_review(plan, fact, *node),
            Fact::SyncExpired { node, otherwise } => self.on_sync_expired(plan, *node, *otherwise),
            Fact::SyncPassed { node } => self.on_ended(plan, fact, *node, Move::Complete, None),
            Fact::MilestoneReached { node } | Fact::JoinPassed { node } => {
                self.on_ended(plan, fact, *node, Move::Pass, None)
            }
            Fact::NeedExpired { node, need, otherwise } => {
                self.on_need_expired(plan, *node, *need, *otherwise)
            }
            Fact::WantExpired { node, want, .. } => self.on_want_expired(plan, *node, *want),
            Fact::WindowOpened { node } => self.edit(plan, *node, |node| node.window_open = true),
            Fact::ConditionHeld { node, .. } => {
                self.edit(plan, *node, |node| node.condition_held = true)
            }
            Fact::RetryDue { node } => {
                self.edit(plan, *node, |node| node.backoff_until_ms = None)
            }
            Fact::Assigned { .. }
            | Fact::Started { .. }
            | Fact::Spawned { .. }
            | Fact::Unspawned { .. }
            | Fact::Terminating { .. }
            | Fact::Exited { .. }
            | Fact::Interrupted { .. }
            | Fact::InDoubt { .. }
            | Fact::RetryScheduled { .. }
            | Fact::Review { .. }
            | Fact::Rework { .. }
            | Fact::Completed { .. }
            | Fact::Failed { .. }
            | Fact::Skipped { .. }
            | Fact::Cancelled { .. }
            | Fact::Reopened { .. } => self.fold_task(plan, fact),
            Fact::GateOpened { .. }
            | Fact::GateRetried { .. }
            | Fact::GatePassed { .. }
            | Fact::GateWarned { .. }
            | Fact::GateFailed { .. }
            | Fact::CheckStarted { .. }
            | Fact::CheckInterrupted { .. }
            | Fact::CheckTerminating { .. }
            | Fact::CheckEnded { .. } => self.fold_gate(plan, fact),
            Fact::ItemOpened { .. }
            | Fact::ItemAnswered { .. }
            | Fact::ItemExpired { .. }
            | Fact::ItemClosed { .. } => self.fold_item(plan, fact),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "`fold` has named every kind")]
    fn fold_task(&mut self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        match fact {
            Fact::Assigned { node, attempt, agents } => {
                let attempt = Attempt {
                    number: *attempt,
                    agents: agents.clone(),
                    assigned_ms: self.now_ms,
                    started_ms: None,
                    process: None,
                    terminating: None,
                    end: None,
                };
                self.on_assigned(plan, fact, *node, attempt)
            }
            Fact::Started { node, .. } => self.on_started(plan, fact, *node),
            Fact::Unspawned { node, .. } => self.on_unspawned(plan, fact, *node),
            Fact::Spawned { node, process, .. } => {
                self.on_note(plan, fact, *node, |attempt| attempt.process = Some(process.clone()))
            }
            Fact::Terminating { node, why, .. } => {
                self.on_note(plan, fact, *node, |attempt| attempt.terminating = Some(*why))
            }
            Fact::Exited { node, outcome, .. } => {
                let end = AttemptEnd::Exited { at_ms: self.now_ms, outcome: outcome.clone() };
                self.on_exited(plan, fact, *node, end)
            }
            Fact::Interrupted { node, .. } => {
                let end = AttemptEnd::Interrupted { at_ms: self.now_ms };
                self.on_exited(plan, fact, *node, end)
            }
            Fact::InDoubt { node, .. } => self.on_in_doubt(plan, fact, *node),
            Fact::RetryScheduled { node, due_ms, counted, .. } => {
                self.on_retry_scheduled(plan, fact, *node, *due_ms, *counted)
            }
            Fact::Review { node, .. } => self.on_review(plan, fact, *node),
            Fact::Rework { node, attempt, by, note } => {
                let feedback = Feedback { attempt: *attempt, by: by.clone(), note: note.clone() };
                self.on_rework(plan, fact, *node, feedback)
            }
            Fact::Completed { node, .. } => self.on_ended(plan, fact, *node, Move::Complete, None),
            Fact::Failed { node, why, halts } => {
                let ending = Some(Ending::Failed(why.clone()));
                self.on_ended(plan, fact, *node, Move::Fail, ending)?;
                self.halt_wanted = self.halt_wanted.or(halts.then_some(*node));
                Ok(())
            }
            Fact::Skipped { node, why } => {
                let ending = Some(Ending::Skipped(why.clone()));
                self.on_ended(plan, fact, *node, Move::Skip, ending)
            }
            Fact::Cancelled { node } => self.on_ended(plan, fact, *node, Move::Cancel, None),
            Fact::Reopened { node, .. } => self.on_reopened(plan, fact, *node),
            _ => Ok(()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "`fold` has named every kind")]
    fn fold_gate(&mut self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        match fact {
            Fact::GateOpened { node, gate, place, .. } => {
                self.on_gate_opened(plan, fact, *node, *gate, *place)
            }
            Fact::GateRetried { run, round, .. } => {
                self.on_gate_retried(plan, fact, *run, *round)
            }
            Fact::GatePassed { run, .. } => {
                self.on_gate_settled(plan, fact, *run, GateStage::Passed)
            }
            Fact::GateWarned { run, .. } => {
                self.on_gate_settled(plan, fact, *run, GateStage::Warned)
            }
            Fact::GateFailed { run, why, .. } => self.on_gate_failed(plan, fact, *run, why),
            Fact::CheckStarted { check, .. } => self.on_check_started(plan, fact, *check),
            Fact::CheckInterrupted { check, .. } => {
                self.on_check_interrupted(plan, fact, *check)
            }
            Fact::CheckTerminating { node, .. } => self.on_check_terminating(plan, *node),
            Fact::CheckEnded { check, passed, evidence, .. } => {
                self.on_check_ended(plan, fact, *check, *passed, evidence)
            }
            _ => Ok(()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "`fold` has named every kind")]
    fn fold_item(&mut self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        match fact {
            Fact::ItemOpened { node, attempt, ask, of, quorum, due_ms, .. } => {
                let item = Item {
                    ask: *ask,
                    node: *node,
                    attempt: *attempt,
                    of: of.clone(),
                    quorum: *quorum,
                    opened_ms: self.now_ms,
                    due_ms: *due_ms,
                    answers: Vec::new(),
                    closed: None,
                };
                self.on_item_opened(plan, fact, item)
            }
            Fact::ItemAnswered { item, by, verdict, note, .. } => {
                let answer = Answer {
                    at_ms: self.now_ms,
                    by: by.clone(),
                    verdict: *verdict,
                    note: note.clone(),
                };
                self.on_item_answered(plan, fact, *item, answer)
            }
            Fact::ItemExpired { item, otherwise, .. } => {
                self.on_item_expired(plan, fact, *item, *otherwise)
            }
            Fact::ItemClosed { item, why, .. } => self.on_item_closed(plan, fact, *item, *why),
            _ => Ok(()),
        }
    }

    fn on_need_expired(
        &mut self,
        plan: &Plan,
        node: NodeId,
        need: u32,
        otherwise: Otherwise,
    ) -> Result<(), IllegalTransition> {
        if otherwise == Otherwise::Proceed {
            let slot = self.index.first_need(node) + need;
            self.set_need(plan, node, slot, NeedState::Waived);
        } else {
            let fail = FailReason::NeedExpired { need };
            self.nodes[node].doom = doom(otherwise, fail, SkipReason::NeedExpired { need });
        }
        self.refresh(plan, node);
        Ok(())
    }

    fn on_want_expired(
        &mut self,
        plan: &Plan,
        node: NodeId,
        want: u32,
    ) -> Result<(), IllegalTransition> {
        self.expire_want(node, self.index.first_want(node) + want);
        self.refresh(plan, node);
        Ok(())
    }

    /// A sync whose time is up either ends, or passes as if everything had been confirmed.
    fn on_sync_expired(
        &mut self,
        plan: &Plan,
        node: NodeId,
        otherwise: Otherwise,
    ) -> Result<(), IllegalTransition> {
        let NodeKind::Sync(sync) = &plan.nodes[node].kind else { return Ok(()) };
        if otherwise == Otherwise::Proceed {
            self.leave_stage(plan, node);
            let state = &mut self.nodes[node];
            state.asking.asked = sync.requires.len() as u32;
            state.asking.settled = sync.requires.len() as u32;
            state.ensures_passed = sync.gates.len() as u32;
        } else {
            let doom = doom(otherwise, FailReason::SyncExpired, SkipReason::SyncExpired);
            self.nodes[node].doom = doom;
        }
        self.refresh(plan, node);
        Ok(())
    }

    fn edit(
        &mut self,
        plan: &Plan,
        node: NodeId,
        edit: impl FnOnce(&mut NodeState),
    ) -> Result<(), IllegalTransition> {
        edit(&mut self.nodes[node]);
        self.refresh(plan, node);
        Ok(())
    }

    /// Moves a node along the transition table, and brings up to date what follows from it.
    pub(crate) fn change(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        step: Move,
        edit: impl FnOnce(&mut NodeState),
    ) -> Result<(), IllegalTransition> {
        let state = &mut self.nodes[node];
        let from = state.status;
        let to = next_status(from, step);
        state.status = to.ok_or(IllegalTransition::Node { node, from, kind: fact.kind() })?;
        edit(state);
        self.after_status(plan, node, from);
        Ok(())
    }
}

/// Everything that an event names must be there: a journal is not trusted.
impl State {
    fn check_names(&self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        let kind = fact.kind();
        if let Some(node) = fact.subject() {
            known(node.index() < plan.nodes.len(), kind, "node", node.0)?;
        }
        self.check_kind(plan, fact)?;
        self.check_attempt_number(fact)?;
        match fact {
            Fact::Assigned { agents, .. } => check_agents(plan, kind, agents),
            Fact::PhaseOpened { phase } | Fact::PhaseClosed { phase } => {
                known(phase.index() < plan.phases.len(), kind, "phase", phase.0)
            }
            Fact::NeedExpired { node, need, .. } => {
                known((*need as usize) < plan.nodes[*node].needs.len(), kind, "need", *need)
            }
            Fact::WantExpired { node, want, .. } => {
                known((*want as usize) < plan.nodes[*node].wants.len(), kind, "want", *want)
            }
            Fact::GateOpened { run, gate, .. } => {
                known(gate.index() < plan.gates.len(), kind, "gate", gate.0)?;
                known(run.index() == self.gate_runs.len(), kind, "gate run", run.0)
            }
            Fact::GateRetried { run, node, .. }
            | Fact::GatePassed { run, node }
            | Fact::GateWarned { run, node, .. }
            | Fact::GateFailed { run, node, .. } => self.check_gate(kind, *run, *node),
            Fact::CheckStarted { check, node }
            | Fact::CheckInterrupted { check, node }
            | Fact::CheckTerminating { check, node }
            | Fact::CheckEnded { check, node, .. } => self.check_gate(kind, check.gate, *node),
            Fact::ItemOpened { item, node, ask, of, .. } => {
                known(item.index() == self.items.len(), kind, "item", item.0)?;
                check_agents(plan, kind, of)?;
                self.check_ask(plan, kind, *node, *ask)
            }
            Fact::ItemAnswered { item, .. }
            | Fact::ItemExpired { item, .. }
            | Fact::ItemClosed { item, .. } => self.check_item(kind, *item),
            Fact::RunStarted { .. }
            | Fact::RunResumed { .. }
            | Fact::RunStopping { .. }
            | Fact::RunPaused
            | Fact::RunReopened { .. }
            | Fact::RunCompleted
            | Fact::RunFailed { .. }
            | Fact::RunCancelled
            | Fact::SyncOpened { .. }
            | Fact::SyncExpired { .. }
            | Fact::SyncPassed { .. }
            | Fact::MilestoneReached { .. }
            | Fact::JoinPassed { .. }
            | Fact::WindowOpened { .. }
            | Fact::ConditionHeld { .. }
            | Fact::Started { .. }
            | Fact::Spawned { .. }
            | Fact::Unspawned { .. }
            | Fact::Terminating { .. }
            | Fact::Exited { .. }
            | Fact::Interrupted { .. }
            | Fact::InDoubt { .. }
            | Fact::RetryScheduled { .. }
            | Fact::RetryDue { .. }
            | Fact::Review { .. }
            | Fact::Rework { .. }
            | Fact::Completed { .. }
            | Fact::Failed { .. }
            | Fact::Skipped { .. }
            | Fact::Cancelled { .. }
            | Fact::Reopened { .. } => Ok(()),
        }
    }

    fn check_gate(
        &self,
        kind: &'static str,
        run: GateRunId,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        let fits = self.gate_runs.get(run).is_some_and(|gate| gate.node == node);
        known(fits, kind, "gate run", run.0)
    }

    fn check_item(&self, kind: &'static str, item: ItemId) -> Result<(), IllegalTransition> {
        known(self.items.get(item).is_some(), kind, "item", item.0)
    }

    fn check_ask(
        &self,
        plan: &Plan,
        kind: &'static str,
        node: NodeId,
        ask: Ask,
    ) -> Result<(), IllegalTransition> {
        match ask {
            Ask::Confirm { gate, .. } => self.check_gate(kind, gate, node),
            Ask::Approve { gate: Some(gate), approval } => {
                self.check_gate(kind, gate, node)?;
                let all = plan.gates[self.gate_runs[gate].gate].approvals.len();
                known((approval as usize) < all, kind, "approval", approval)
            }
            Ask::Approve { gate: None, approval } => {
                let all = plan.task(node).map_or(0, |task| task.approvals.len());
                known((approval as usize) < all, kind, "approval", approval)
            }
            Ask::Work | Ask::Require { .. } | Ask::Doubt => Ok(()),
        }
    }

    /// Facts of attempts are about the current one; a new one is the next.
    fn check_attempt_number(&self, fact: &Fact) -> Result<(), IllegalTransition> {
        let (node, attempt, expected) = match fact {
            Fact::Assigned { node, attempt, .. } => {
                (*node, *attempt, self.nodes[*node].attempts.saturating_add(1))
            }
            Fact::Started { node, attempt }
            | Fact::Spawned { node, attempt, .. }
            | Fact::Unspawned { node, attempt }
            | Fact::Terminating { node, attempt, .. }
            | Fact::Exited { node, attempt, .. }
            | Fact::Interrupted { node, attempt }
            | Fact::InDoubt { node, attempt }
            | Fact::RetryScheduled { node, attempt, .. }
            | Fact::Review { node, attempt }
            | Fact::Rework { node, attempt, .. }
            | Fact::Completed { node, attempt } => {
                (*node, *attempt, self.nodes[*node].attempt_number())
            }
            _ => return Ok(()),
        };
        if attempt == expected {
            return Ok(());
        }
        Err(IllegalTransition::Attempt { node, attempt, kind: fact.kind() })
    }

    /// Tasks are assigned, syncs open, joins pass.
    fn check_kind(&self, plan: &Plan, fact: &Fact) -> Result<(), IllegalTransition> {
        let kind_of = |node: &NodeId| &plan.nodes[*node].kind;
        let (node, fits) = match fact {
            Fact::Assigned { node, .. } | Fact::Review { node, .. } => {
                (node, matches!(kind_of(node), NodeKind::Task(_)))
            }
            Fact::SyncOpened { node } | Fact::SyncExpired { node, .. } | Fact::SyncPassed { node } => {
                (node, matches!(kind_of(node), NodeKind::Sync(_)))
            }
            Fact::MilestoneReached { node } | Fact::JoinPassed { node } => {
                (node, matches!(kind_of(node), NodeKind::Milestone(_) | NodeKind::Join))
            }
            _ => return Ok(()),
        };
        known(fits, fact.kind(), "node of the right kind", node.0)
    }
}

fn check_agents(
    plan: &Plan,
    kind: &'static str,
    agents: &[coord_lang::ids::AgentId],
) -> Result<(), IllegalTransition> {
    agents
        .iter()
        .try_for_each(|agent| known(agent.index() < plan.agents.len(), kind, "agent", agent.0))
}

fn known(
    there: bool,
    kind: &'static str,
    what: &'static str,
    number: u32,
) -> Result<(), IllegalTransition> {
    if there { Ok(()) } else { Err(IllegalTransition::Unknown { kind, what, number }) }
}
