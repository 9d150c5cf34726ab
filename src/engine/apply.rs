//! The only function that changes a state.
//!
//! Live runs and replays share it: a replay is a fold of `apply` and nothing else. It decides
//! nothing; it checks that the event can follow and keeps what it says. An event that cannot
//! follow is a typed error, never a panic: a journal may be damaged.

use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{Otherwise, Plan};

use crate::dependencies::passes_at_once;
use crate::duty::Source;
use crate::event::{Event, Fact};
use crate::gate_run::GateStage;
use crate::item::{Answer, Item};
use crate::items::doom;
use crate::landing::Landed;
use crate::node_state::{Attempt, AttemptEnd, Feedback, NodeState};
use crate::occasion::Occasion;
use crate::outcome::{Ending, FailReason, SkipReason};
use crate::situation::Pending;
use crate::state::{NeedState, PhaseStep, State};
use crate::status::{IllegalTransition, Move, RunStatus, next_status};

/// Folds one event into `state`.
pub fn apply(plan: &Plan, state: &mut State, event: &Event) -> Result<(), IllegalTransition> {
    if let Some(node) = event.fact.subject() {
        known(state.has(node), event.fact.kind(), "node", node.0)?;
    }
    state.now_ms = state.now_ms.max(event.at_ms);
    state.fold(plan, &event.fact)?;
    state.tally_event(plan, event);
    Ok(())
}

impl State {
    /// One arm a kind; what it means stands in the file of its concern.
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
            Fact::PhaseOpened { phase } => self.on_phase(fact, *phase, PhaseStep::Open),
            Fact::PhaseClosed { phase } => self.on_phase(fact, *phase, PhaseStep::Close),

            Fact::SyncOpened { node } => self.on_sync_opened(plan, fact, *node),
            Fact::SyncExpired { node, otherwise } => {
                self.on_sync_expired(plan, fact, *node, *otherwise)
            }
            Fact::SyncPassed { node } => self.on_sync_passed(plan, fact, *node),
            Fact::MilestoneReached { node } | Fact::JoinPassed { node } => {
                self.on_passed(plan, fact, *node)
            }
            Fact::NeedExpired {
                node,
                need,
                otherwise,
            } => self.on_need_expired(plan, fact, *node, *need, *otherwise),
            Fact::WantExpired { node, want, .. } => self.on_want_expired(plan, fact, *node, *want),
            Fact::WindowOpened { node } => {
                self.nodes[*node].window_open = true;
                self.start_clocks(plan, *node);
                self.refresh(plan, *node);
                Ok(())
            }
            Fact::ConditionHeld { node, .. } => {
                self.edit(plan, *node, |node| node.condition_held = true)
            }

            Fact::Assigned {
                node,
                attempt,
                agents,
            } => self.on_assigned(
                plan,
                fact,
                *node,
                Attempt::new(*attempt, agents, self.now_ms),
            ),
            Fact::Started { node, attempt } => self.on_started(plan, fact, *node, *attempt),
            Fact::Unassigned { node, attempt } => {
                self.expect_attempt(fact, *node, *attempt)?;
                self.change(plan, fact, *node, Move::Unassign, |_| {})
            }
            Fact::Unspawned { node, attempt } => self.on_unspawned(plan, fact, *node, *attempt),
            Fact::Spawned {
                node,
                attempt,
                process,
            } => self.on_note(plan, fact, *node, *attempt, |of| {
                of.process = Some(process.clone())
            }),
            Fact::Terminating { node, attempt, why } => {
                self.on_note(plan, fact, *node, *attempt, |of| {
                    of.terminating = Some(*why)
                })
            }
            Fact::Exited {
                node,
                attempt,
                outcome,
                ..
            } => {
                let end = AttemptEnd::Exited {
                    at_ms: self.now_ms,
                    outcome: outcome.clone(),
                };
                self.on_exited(plan, fact, *node, *attempt, end)
            }
            Fact::Interrupted { node, attempt } => {
                let end = AttemptEnd::Interrupted { at_ms: self.now_ms };
                self.on_exited(plan, fact, *node, *attempt, end)
            }
            Fact::InDoubt { node, attempt } => self.on_in_doubt(plan, fact, *node, *attempt),
            Fact::RetryScheduled {
                node,
                due_ms,
                counted,
                ..
            } => self.on_retry_scheduled(plan, fact, *node, *due_ms, *counted),
            Fact::RetryDue { node } => self.edit(plan, *node, |node| node.backoff_until_ms = None),
            Fact::Review { node, attempt } => self.on_review(plan, fact, *node, *attempt),
            Fact::Rework {
                node,
                attempt,
                by,
                note,
            } => {
                let feedback = Feedback {
                    attempt: *attempt,
                    by: by.clone(),
                    note: note.clone(),
                };
                self.on_rework(plan, fact, *node, feedback)
            }
            Fact::Landing { node, attempt } => self.on_landing(plan, fact, *node, *attempt),
            Fact::Landed {
                node,
                attempt,
                commit,
                tree,
            } => {
                let landed = Landed {
                    commit: commit.clone(),
                    tree: tree.clone(),
                };
                self.on_landed(plan, fact, *node, *attempt, landed)
            }
            Fact::NotLanded { node, attempt, why } => {
                self.on_not_landed(plan, fact, *node, *attempt, why)
            }
            Fact::Completed { node, attempt } => {
                self.modes_left = 0;
                let of = self.nodes.get(*node).and_then(|of| of.attempt.as_ref());
                for agent in of.iter().flat_map(|attempt| &attempt.agents) {
                    self.agent_states[*agent].times_isolated = 0;
                }
                self.on_completed(plan, fact, *node, *attempt)
            }
            Fact::Failed { node, why, halts } => self.on_failed(plan, fact, *node, why, *halts),
            Fact::Skipped { node, why } => {
                let ending = Some(Ending::Skipped(why.clone()));
                self.on_ended(plan, fact, *node, Move::Skip, ending)
            }
            Fact::Cancelled { node } => self.on_ended(plan, fact, *node, Move::Cancel, None),
            Fact::Reopened { node, .. } => self.on_reopened(plan, fact, *node),

            Fact::GateOpened {
                run,
                node,
                gate,
                place,
            } => {
                known(
                    run.index() == self.gate_runs.len(),
                    fact.kind(),
                    "gate run",
                    run.0,
                )?;
                self.on_gate_opened(plan, fact, *node, *gate, *place)
            }
            Fact::GateRetried { run, round, .. } => self.on_gate_retried(plan, fact, *run, *round),
            Fact::GatePassed { run, .. } => {
                self.on_gate_settled(plan, fact, *run, GateStage::Passed)
            }
            Fact::GateWarned { run, .. } => {
                self.on_gate_settled(plan, fact, *run, GateStage::Warned)
            }
            Fact::GateHeld { run, .. } => self.on_gate_held(plan, fact, *run),
            Fact::GateFailed { run, why, .. } => self.on_gate_failed(plan, fact, *run, why),
            Fact::CheckStarted { check, .. } => self.on_check_started(plan, fact, *check),
            Fact::CheckInterrupted { check, .. } => self.on_check_interrupted(plan, fact, *check),
            Fact::CheckTerminating { check, node } => {
                self.on_check_terminating(plan, fact, *check, *node)
            }
            Fact::CheckEnded {
                check,
                passed,
                evidence,
                ..
            } => self.on_check_ended(plan, fact, *check, *passed, evidence),

            Fact::ItemOpened {
                item,
                node,
                attempt,
                ask,
                of,
                quorum,
                due_ms,
            } => {
                known(
                    item.index() == self.items.len(),
                    fact.kind(),
                    "item",
                    item.0,
                )?;
                let (node, attempt, quorum) = (*node, *attempt, *quorum);
                let (opened_ms, due_ms, of) = (self.now_ms, *due_ms, of.clone());
                let item = Item {
                    ask: *ask,
                    node,
                    attempt,
                    of,
                    quorum,
                    opened_ms,
                    due_ms,
                    ..Item::default()
                };
                self.on_item_opened(plan, fact, item)
            }
            Fact::ItemAnswered {
                item,
                by,
                verdict,
                to,
                note,
                ..
            } => {
                let (at_ms, verdict, to) = (self.now_ms, *verdict, *to);
                let answer = Answer {
                    at_ms,
                    by: by.clone(),
                    verdict,
                    to,
                    note: note.clone(),
                };
                self.on_item_answered(plan, fact, *item, answer)
            }
            Fact::ItemExpired {
                item, otherwise, ..
            } => self.on_item_expired(plan, fact, *item, *otherwise),
            Fact::ItemClosed { item, why, .. } => self.on_item_closed(plan, fact, *item, *why),
            Fact::Rule(rule) => self.fold_rule(plan, fact, rule),
        }
    }

    fn on_need_expired(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        need: u32,
        otherwise: Otherwise,
    ) -> Result<(), IllegalTransition> {
        let there = (need as usize) < plan.nodes[node].needs.len();
        known(there, fact.kind(), "need", need)?;
        let source = Source::Need(node, need);
        match otherwise {
            Otherwise::Proceed => {
                let slot = self.index.first_need(node) + need;
                self.set_need(plan, node, slot, NeedState::Waived);
                self.add_duties(plan, source, self.about(plan, Occasion::Node(node)));
            }
            Otherwise::Escalate => {
                self.nodes[node].held_needs.push(need);
                self.hold_for_people(plan, source, Pending::Need { node, need });
            }
            Otherwise::Fail | Otherwise::Skip | Otherwise::Halt => {
                let fail = FailReason::NeedExpired { need };
                self.nodes[node].doom = doom(otherwise, fail, SkipReason::NeedExpired { need });
                self.add_duties(plan, source, self.about(plan, Occasion::Node(node)));
            }
        }
        self.refresh(plan, node);
        Ok(())
    }

    fn on_want_expired(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        want: u32,
    ) -> Result<(), IllegalTransition> {
        let there = (want as usize) < plan.nodes[node].wants.len();
        known(there, fact.kind(), "want", want)?;
        self.expire_want(node, self.index.first_want(node) + want);
        self.refresh(plan, node);
        Ok(())
    }

    fn on_passed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        known(
            passes_at_once(&plan.nodes[node].kind),
            fact.kind(),
            "join",
            node.0,
        )?;
        self.on_ended(plan, fact, node, Move::Pass, None)
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
        state.status = to.ok_or(IllegalTransition::Node {
            node,
            from,
            kind: fact.kind(),
        })?;
        edit(state);
        self.after_status(plan, node, from);
        Ok(())
    }
}

pub(crate) fn check_agents(
    plan: &Plan,
    fact: &Fact,
    agents: &[AgentId],
) -> Result<(), IllegalTransition> {
    agents.iter().try_for_each(|agent| {
        known(
            agent.index() < plan.agents.len(),
            fact.kind(),
            "agent",
            agent.0,
        )
    })
}

/// What an event names must be there: a journal is not trusted.
pub(crate) fn known(
    there: bool,
    kind: &'static str,
    what: &'static str,
    number: u32,
) -> Result<(), IllegalTransition> {
    if there {
        Ok(())
    } else {
        Err(IllegalTransition::Unknown { kind, what, number })
    }
}
