//! From an input to the facts that follow from it.

use coord_lang::ids::{DomainId, ResourceId};
use coord_plan::plan::Plan;
use coord_plan::rules::Party;

use crate::event::{Event, Fact};
use crate::input::Input;
use crate::outcome::Stopping;
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of};
use crate::state::State;
use crate::status::RunStatus;
use crate::turn::Turn;

/// Takes one input: checks it against the state, then records what follows, in order.
///
/// The events are already applied to `state`. The host makes them durable, then performs
/// [`crate::action_of`] each. A refused input leaves the state as it was.
pub fn step(
    plan: &Plan,
    state: &mut State,
    at_ms: i64,
    input: Input,
) -> Result<Vec<Event>, Refusal> {
    let mut turn = Turn::new(plan, state, at_ms);
    turn.take(input)?;
    turn.settle();
    Ok(turn.events)
}

impl Turn<'_> {
    fn take(&mut self, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Start { run, options } => {
                if self.state.status != RunStatus::NotStarted {
                    return Err(Refusal::AlreadyStarted);
                }
                self.emit(Fact::RunStarted { run, options });
                Ok(())
            }
            Input::Resume {
                never_spawned,
                options,
            } => self.resume(&never_spawned, options),
            Input::AttemptSpawned {
                node,
                attempt,
                process,
            } => {
                self.check_attempt(node, attempt)?;
                self.emit(Fact::Spawned {
                    node,
                    attempt,
                    process,
                });
                Ok(())
            }
            Input::AttemptEnded {
                node,
                attempt,
                outcome,
                outputs,
                log,
            } => {
                self.check_attempt(node, attempt)?;
                self.emit(Fact::Exited {
                    node,
                    attempt,
                    outcome,
                    outputs,
                    log,
                });
                Ok(())
            }
            Input::LandingEnded {
                node,
                attempt,
                landing,
            } => self.take_landing(node, attempt, landing),
            Input::CheckEnded {
                check,
                passed,
                evidence,
            } => self.take_check(check, passed, evidence),
            Input::Answer {
                item,
                by,
                verdict,
                to,
                note,
                outputs,
            } => {
                self.check_answer(item, by.as_deref(), verdict)?;
                if let Some(agent) = to {
                    self.check_agent(agent)?;
                }
                let node = self.state.items[item].node;
                let by = by.or_else(|| self.only_addressee(item));
                self.emit(Fact::ItemAnswered {
                    item,
                    node,
                    by,
                    verdict,
                    to,
                    note,
                    outputs,
                });
                Ok(())
            }
            Input::Retry { node, by } => self.order_retry(node, by),
            Input::Skip { node, by, reason } => self.order_skip(node, by, reason),
            Input::Cancel { by, reason } => self.order_cancel(by, reason),
            Input::Stop { by } => self.order_stop(by),
            Input::Tick => Ok(()),
            rule => self.take_rule(rule),
        }
    }

    /// Refuses what comes before the start or after the end.
    pub(crate) fn check_open(&self) -> Result<(), Refusal> {
        let status = self.state.status;
        match status {
            RunStatus::NotStarted => Err(Refusal::NotStarted),
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
                Err(Refusal::RunEnded { status })
            }
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling
            | RunStatus::Paused => Ok(()),
        }
    }

    /// What rules, people and agents say beside the work.
    fn take_rule(&mut self, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Reassign { node, to, by } => self.order_reassign(node, to, by),
            Input::Raise {
                of,
                about,
                by,
                note,
            } => self.raise(of, about, by, note),
            Input::ActionEnded { duty, ok, evidence } => self.take_action_end(duty, ok, evidence),
            Input::UndoEnded { node, ok, evidence } => self.take_undo(node, ok, evidence),
            Input::AgentFailed { agent, why } => self.agent_failed(agent, why),
            Input::HealthChecked {
                agent,
                well,
                evidence,
            } => self.take_health(agent, well, evidence),
            Input::AgentBack { agent } => self.agent_back(agent),
            Input::EnterMode { mode, by, because } => self.order_mode(mode, by, because),
            Input::LeaveMode { mode, by } => self.order_leave(mode, by),
            Input::HaltDomain { domain, by, reason } => self.order_halt(domain, by, reason),
            Input::StartWorkflow {
                workflow,
                arguments,
            } => {
                self.check_open()?;
                self.start_workflow(workflow, arguments, Default::default())
                    .map_err(|why| Refusal::WorkflowNotStarted { why })
            }
            Input::Measured { metric, value, by } => {
                self.check_open()?;
                if self.plan.rules.metrics.get(metric).is_none() {
                    return Err(Refusal::NoSuchRule { what: "metric" });
                }
                self.rule(RuleFact::MetricMeasured { metric, value, by });
                Ok(())
            }
            Input::NotMeasured { metric, why } => self.take_not_measured(metric, why),
            note @ Input::Note { .. } => self.take_note(note),
            Input::ResourceExhausted { resource } => self.order_resource(resource, true),
            Input::ResourceBack { resource } => self.order_resource(resource, false),
            Input::Looked { node, subject } => self.take_look(node, subject),
            Input::Decide {
                domain,
                by,
                title,
                text,
            } => {
                self.check_open()?;
                self.rule(RuleFact::DecisionRecorded {
                    domain,
                    by,
                    title,
                    text,
                });
                Ok(())
            }
            Input::Start { .. }
            | Input::Resume { .. }
            | Input::AttemptSpawned { .. }
            | Input::AttemptEnded { .. }
            | Input::LandingEnded { .. }
            | Input::CheckEnded { .. }
            | Input::Answer { .. }
            | Input::Retry { .. }
            | Input::Skip { .. }
            | Input::Cancel { .. }
            | Input::Stop { .. }
            | Input::Tick => Ok(()),
        }
    }

    /// Only who may declare an incident does.
    fn raise(
        &mut self,
        of: Of,
        about: About,
        by: Option<String>,
        note: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        if self.state.expect_about(self.plan, "raise", &about).is_err() {
            return Err(Refusal::NoSuchRule { what: "subject" });
        }
        if let Of::Incident(id) = of
            && let Some(who) = &self.plan.rules.incidents[id].declare
        {
            let title = self.state.title(self.plan, of);
            self.check_party(who, &by, &format!("declare {title}"))?;
        }
        self.open_another(of, about, by, note, 0);
        Ok(())
    }

    fn check_party(&self, party: &Party, by: &Option<String>, what: &str) -> Result<(), Refusal> {
        let names: Vec<String> = (self.state.who(self.plan, party, &About::default()).iter())
            .map(|agent| self.plan.agents[*agent].name.clone())
            .collect();
        let named = by.as_ref().is_some_and(|by| names.contains(by));
        // whoever sits at the terminal is anybody
        if party.everybody || names.is_empty() || named {
            return Ok(());
        }
        Err(Refusal::NotAllowed {
            by: by.clone(),
            of: names,
            what: what.to_string(),
        })
    }

    fn order_halt(
        &mut self,
        domain: DomainId,
        by: Option<String>,
        reason: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        let Some(rule) = self.plan.rules.domains.get(domain) else {
            return Err(Refusal::NoSuchRule { what: "domain" });
        };
        let who = rule.may_halt.clone().unwrap_or_default();
        self.check_party(&who, &by, &format!("halt {}", rule.name))?;
        self.rule(RuleFact::DomainHalted { domain, by, reason });
        Ok(())
    }

    fn order_resource(&mut self, resource: ResourceId, gone: bool) -> Result<(), Refusal> {
        if gone {
            self.check_open()?;
        } else {
            self.check_helped()?;
        }
        if self.plan.resources.get(resource).is_none() {
            return Err(Refusal::NoSuchRule { what: "resource" });
        }
        if gone {
            self.rule(RuleFact::ResourceExhausted { resource });
        } else if self.state.is_exhausted(resource) {
            self.reopen_run(None);
            self.rule(RuleFact::ResourceBack { resource });
        }
        Ok(())
    }

    fn order_cancel(&mut self, by: Option<String>, reason: String) -> Result<(), Refusal> {
        self.check_open()?;
        if self.state.status == RunStatus::Cancelling {
            return Err(Refusal::AlreadyStopping {
                status: self.state.status,
            });
        }
        self.emit(Fact::RunStopping {
            why: Stopping::Cancel { by, reason },
        });
        // what was done and can be taken back is; nothing of that kind is no failure
        self.roll_back().ok();
        Ok(())
    }

    fn order_stop(&mut self, by: Option<String>) -> Result<(), Refusal> {
        self.check_open()?;
        let status = self.state.status;
        match status {
            RunStatus::Running => {
                self.emit(Fact::RunStopping {
                    why: Stopping::Drain { by },
                });
                Ok(())
            }
            RunStatus::NotStarted
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling
            | RunStatus::Paused
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => Err(Refusal::AlreadyStopping { status }),
        }
    }
}
