//! The folds of coordination: one arm a kind; what it means stands in the file of its concern.

use coord_plan::plan::Plan;

use crate::apply::known;
use crate::duty::DutyStage;
use crate::event::Fact;
use crate::gate_run::GateStage;
use crate::occasion::{Kind, Occasion};
use crate::outcome::{Doom, Ending, FailReason, SkipReason};
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of, Pending};
use crate::state::{NeedState, State};
use crate::status::{IllegalTransition, RunStatus, Status};
use crate::turn::Turn;

impl State {
    pub(crate) fn fold_rule(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        rule: &RuleFact,
    ) -> Result<(), IllegalTransition> {
        let kind = rule.kind();
        match rule {
            RuleFact::SituationOpened {
                situation,
                of,
                about,
                by,
                note,
                start,
            } => self.on_situation_opened(plan, kind, *situation, *of, about, by, note, *start),
            RuleFact::SituationReached { situation, level } => {
                self.on_situation_reached(plan, kind, *situation, *level)
            }
            RuleFact::SituationAnswered { situation } => {
                self.on_situation_answered(plan, kind, *situation)
            }
            RuleFact::SituationOverdue { situation } => {
                self.on_situation_overdue(plan, kind, *situation)
            }
            RuleFact::SituationClosed {
                situation,
                resolution,
            } => {
                self.expect_situation(kind, *situation)?;
                let of = &self.situations[*situation];
                if matches!(of.of, Of::Handoff(_)) {
                    let about = of.about.clone();
                    self.on_handoff_closed(&about, resolution.how);
                }
                self.on_situation_closed(plan, kind, *situation, resolution)
            }
            RuleFact::LimitSettled { pending, waived } => {
                self.on_limit_settled(plan, kind, *pending, *waived)
            }

            RuleFact::ReactionFired { reaction, on } => {
                self.on_reaction_fired(plan, kind, *reaction, *on, true)
            }
            RuleFact::ReactionPassedOver { reaction, on, .. } => {
                self.on_reaction_fired(plan, kind, *reaction, *on, false)
            }
            RuleFact::ActionStarted { duty, program } => self.on_action(kind, *duty, |duty| {
                duty.stage = DutyStage::AtWork(*program);
            }),
            RuleFact::ActionInterrupted { duty } => self.on_action(kind, *duty, |duty| {
                // what was under way is started again
                duty.stage = match duty.stage {
                    DutyStage::AtWork(number) if number > 0 => DutyStage::Helped(number - 1),
                    _ => DutyStage::Due,
                };
            }),
            RuleFact::ActionEnded { duty, ok, evidence } => self.on_action(kind, *duty, |duty| {
                let number = match duty.stage {
                    DutyStage::AtWork(number) => number,
                    _ => 0,
                };
                duty.stage = if *ok {
                    DutyStage::Helped(number)
                } else {
                    DutyStage::Failed
                };
                duty.failure.clone_from(evidence);
            }),
            RuleFact::ActionTaken { duty } => self.on_action_taken(kind, *duty),
            RuleFact::ActionRefused { duty, .. } => self.on_action_refused(plan, kind, *duty),

            RuleFact::NoticeSent { about, .. } | RuleFact::NoteRecorded { about, .. } => {
                self.expect_about(plan, kind, about)
            }
            RuleFact::DecisionRecorded { .. } => Ok(()),
            RuleFact::WorkflowStarted {
                workflow,
                arguments,
                about,
            } => {
                self.expect_about(plan, kind, about)?;
                self.on_workflow_started(plan, kind, *workflow, arguments, about)
            }
            RuleFact::WorkflowEnded { workflow, .. } => {
                self.on_workflow_ended(plan, kind, *workflow)
            }
            RuleFact::SchedulePassedOver { workflow, .. } => {
                let there = plan.workflows.get(*workflow).is_some();
                known(there, kind, "workflow", workflow.0)?;
                self.after_schedule(plan, *workflow);
                Ok(())
            }
            RuleFact::ModeEntered { mode, .. } => self.on_mode_entered(plan, kind, *mode),
            RuleFact::ModeLeft { mode, by } => {
                self.modes_left += u32::from(by.is_none());
                self.on_mode_left(plan, kind, *mode)
            }
            RuleFact::AgentFailed { agent, .. } => self.on_agent_failed(plan, kind, *agent),
            RuleFact::AgentIsolated { agent } => self.on_agent_isolated(plan, kind, *agent, true),
            RuleFact::AgentBack { agent } => self.on_agent_isolated(plan, kind, *agent, false),
            RuleFact::Reassigned { node, agents } => self.on_reassigned(plan, fact, *node, agents),
            RuleFact::Preempted { node, behind, .. } => {
                known(self.has(*behind), kind, "node", behind.0)?;
                self.nodes[*node].gave_way += 1;
                Ok(())
            }
            RuleFact::HealthAsked { agent } => self.on_health_asked(plan, kind, *agent),
            RuleFact::HealthFailed { agent, .. } => self.on_health(plan, kind, *agent, false),
            RuleFact::HealthPassed { agent } => self.on_health(plan, kind, *agent, true),
            RuleFact::ApprovalBound { node, subject } => self.on_bound(kind, *node, subject),
            RuleFact::ApprovalVoided {
                node,
                subject,
                changed,
            } => self.on_voided(plan, kind, *node, subject.as_ref(), changed),
            RuleFact::Late { node } => {
                self.nodes[*node].late = true;
                if self.nodes[*node].is_at_work() {
                    self.overdue.insert(*node);
                }
                self.note_held(plan, *node);
                self.begins(plan, Kind::TaskLate, Occasion::Node(*node));
                self.refresh(plan, *node);
                Ok(())
            }
            RuleFact::Stalled { node } => {
                self.nodes[*node].stalled = true;
                self.begins(plan, Kind::TaskStalled, Occasion::Node(*node));
                self.refresh(plan, *node);
                Ok(())
            }
            RuleFact::Stopped {
                node,
                by,
                reason,
                skipped,
            } => {
                known(plan.task(*node).is_some(), kind, "task", node.0)?;
                let ending = match skipped {
                    true => Ending::Skipped(SkipReason::Person {
                        by: by.clone(),
                        reason: reason.clone(),
                    }),
                    false => Ending::Failed(FailReason::Rule {
                        why: stopped(by.as_deref(), reason),
                    }),
                };
                self.nodes[*node].doom = Some(Box::new(Doom {
                    ending,
                    halts: false,
                }));
                self.refresh(plan, *node);
                Ok(())
            }
            RuleFact::Prioritized { node, priority } => {
                known(plan.task(*node).is_some(), kind, "task", node.0)?;
                self.leave_lane(plan, *node);
                self.priorities.insert(*node, *priority);
                self.refresh(plan, *node);
                Ok(())
            }
            RuleFact::DomainHalted { domain, by, reason } => {
                let name = plan.rules.domains.get(*domain).map(|d| d.name.as_str());
                known(name.is_some(), kind, "domain", domain.0)?;
                let who = by.as_deref().unwrap_or("somebody");
                let name = name.unwrap_or_default();
                let why = match reason.as_str() {
                    "" => format!("{who} halted {name}"),
                    reason => format!("{who} halted {name}: {reason}"),
                };
                self.halt_domain(plan, *domain, &why);
                Ok(())
            }
            RuleFact::ResourceExhausted { resource } => {
                self.expect_resource(plan, kind, *resource)?;
                if self.exhausted.insert(*resource) {
                    self.begins(plan, Kind::ResourceExhausted, Occasion::Resource(*resource));
                }
                self.refresh_resource(plan, *resource);
                Ok(())
            }
            RuleFact::ResourceBack { resource } => {
                self.expect_resource(plan, kind, *resource)?;
                self.exhausted.remove(resource);
                self.ceases(Kind::ResourceExhausted, Occasion::Resource(*resource));
                self.refresh_resource(plan, *resource);
                Ok(())
            }
            RuleFact::MetricMeasured { metric, value, .. } => {
                self.on_metric_over(*metric);
                self.on_measured(plan, kind, *metric, value)
            }
            RuleFact::MetricAsked { metric } => {
                let there = plan.rules.metrics.get(*metric).is_some();
                known(there, kind, "metric", metric.0)?;
                self.on_metric_asked(plan, *metric);
                Ok(())
            }
            RuleFact::MetricMissed { metric, .. } => {
                let there = plan.rules.metrics.get(*metric).is_some();
                known(there, kind, "metric", metric.0)?;
                self.on_metric_over(*metric);
                Ok(())
            }
            RuleFact::SyncHeld { sync } => self.on_sync_held(plan, kind, *sync),
            RuleFact::RunFinishing => {
                self.finish_told = true;
                // a run that is halted is only measured: nothing is begun in it any more
                if self.status != RunStatus::Halting || self.is_over() {
                    self.begins(plan, Kind::RunFinished, Occasion::Run);
                }
                Ok(())
            }
            RuleFact::BudgetSpent { budget, .. } => self.on_budget_spent(plan, kind, *budget),
            RuleFact::UndoOrdered { nodes } => self.on_undo_ordered(kind, nodes),
            RuleFact::UndoStarted { node } => self.on_undo_started(kind, *node, true),
            RuleFact::UndoInterrupted { node } => self.on_undo_started(kind, *node, false),
            RuleFact::UndoEnded { node, ok, .. } => self.on_undo_ended(plan, kind, *node, *ok),
        }
    }

    fn expect_resource(
        &self,
        plan: &Plan,
        kind: &'static str,
        resource: coord_lang::ids::ResourceId,
    ) -> Result<(), IllegalTransition> {
        let there = plan.resources.get(resource).is_some();
        known(there, kind, "resource", resource.0)
    }

    /// Its work ends: what runs is told to, what waits fails at its turn.
    fn halt_domain(&mut self, plan: &Plan, domain: coord_lang::ids::DomainId, why: &str) {
        self.halted_domains.insert(domain);
        let of = |node: &coord_lang::ids::NodeId| {
            let more = plan.task(*node).and_then(|task| task.more.as_ref());
            more.is_some_and(|more| more.domain == Some(domain))
        };
        for node in plan.nodes.ids().filter(of) {
            if !self.nodes[node].status.is_ended() {
                self.nodes[node].doom = Some(Box::new(Doom {
                    ending: Ending::Failed(FailReason::Rule { why: why.into() }),
                    halts: false,
                }));
                self.refresh(plan, node);
            }
        }
    }

    /// A limit passed, or a gate failed, and a ladder is to decide.
    pub(crate) fn hold_for_people(
        &mut self,
        plan: &Plan,
        source: crate::duty::Source,
        pending: Pending,
    ) {
        let Some(node) = pending.node(self) else {
            return;
        };
        let about = About {
            node: Some(node),
            agents: self.doers(plan, node).to_vec(),
            pending: Some(pending),
            gate: match pending {
                Pending::Gate(run) => Some(self.gate_runs[run].gate),
                Pending::Need { .. } | Pending::Item(_) | Pending::Sync(_) | Pending::Budget(_) => {
                    None
                }
            },
            ..About::default()
        };
        self.add_duties(plan, source, about);
    }

    fn on_limit_settled(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        pending: Pending,
        waived: bool,
    ) -> Result<(), IllegalTransition> {
        let about = About {
            pending: Some(pending),
            ..About::default()
        };
        self.expect_about(plan, kind, &about)?;
        match pending {
            Pending::Need { node, need } => {
                let slot = self.index.first_need(node) + need;
                if waived {
                    self.set_need(plan, node, slot, NeedState::Waived);
                } else {
                    let now_ms = self.now_ms;
                    let of = &mut self.nodes[node];
                    of.held_needs.retain(|other| *other != need);
                    of.renewed_needs.retain(|(other, _)| *other != need);
                    of.renewed_needs.push((need, now_ms));
                }
                self.refresh(plan, node);
            }
            Pending::Item(item) => {
                let Some(node) = self.items[item].node else {
                    return Ok(());
                };
                if waived {
                    self.let_go(item);
                } else {
                    // it is asked again, with everything that is asked beside it
                    self.leave_stage(plan, node);
                }
                self.refresh(plan, node);
            }
            Pending::Sync(node) => {
                if self.nodes[node].status == Status::Review {
                    match waived {
                        true => self.let_sync_pass(plan, node),
                        false => self.leave_stage(plan, node),
                    }
                }
                self.refresh(plan, node);
            }
            // whoever has it tried again wants it to go on
            Pending::Budget(id) => self.raise_budget(plan, id),
            Pending::Gate(run) => {
                let node = self.gate_runs[run].node;
                let gate = &mut self.gate_runs[run];
                if gate.stage == GateStage::Held && waived {
                    gate.stage = GateStage::Overruled;
                } else if gate.stage == GateStage::Held {
                    gate.check = 0;
                    gate.round += 1;
                    self.stand_at_check(plan, run);
                }
                self.refresh(plan, node);
            }
        }
        Ok(())
    }
}

/// Why a task fails that somebody stopped.
pub(crate) fn stopped(by: Option<&str>, reason: &str) -> String {
    let by = by.unwrap_or("whoever was asked");
    match reason {
        "" => format!("{by} decided to stop"),
        reason => format!("{by} decided to stop: {reason}"),
    }
}

impl Turn<'_> {
    pub(crate) fn rule(&mut self, fact: RuleFact) {
        self.emit(Fact::Rule(fact));
    }
}
