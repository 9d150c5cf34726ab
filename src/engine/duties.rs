//! Carrying out what rules say: one action after the other, each with the facts it brings.
//!
//! The actions of a chain are alternatives: the next is tried when one cannot be done, or when
//! its program fails. An action and its consequences are recorded in one turn.

use coord_lang::ids::NodeId;
use coord_plan::plan::{Plan, Program};
use coord_plan::rules::Action;

use crate::apply::known;
use crate::duty::{Duty, DutyId, DutyStage, Source};
use crate::event::Fact;
use crate::interventions::may_be_skipped;
use crate::outcome::SkipReason;
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of, Pending};
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus, Status};
use crate::turn::Turn;

/// Actions at one moment; more than that, and rules bring each other about for ever.
const AT_ONCE: u32 = 1_000;

/// How often rules give a task that fails to somebody else.
const REASSIGNED: u32 = 5;
/// So often rules leave a mode without anything getting done: entering and leaving it may be what
/// keeps the work from its end.
const MODES_LEFT: u32 = 5;

/// How an action went.
enum Act {
    Done,
    /// The host is to run its program.
    Runs,
}

impl State {
    /// The program that the host runs for a duty at work.
    pub fn duty_program<'p>(&self, plan: &'p Plan, duty: DutyId) -> Option<&'p Program> {
        let of = self.duties.get(&duty)?;
        let DutyStage::AtWork(number) = of.stage else {
            return None;
        };
        match of.source {
            Source::Mode { mode, entered } => {
                let rule = &plan.rules.modes[mode];
                let programs = if entered { &rule.enter } else { &rule.exit };
                programs.get(number as usize)
            }
            _ => match self
                .chain(plan, of.source, of.chain)?
                .get(of.step as usize)?
            {
                Action::Recover(program) => Some(program),
                _ => None,
            },
        }
    }

    /// Which of its programs a duty is at; 0 for the first.
    pub fn duty_number(&self, duty: DutyId) -> u32 {
        match self.duties.get(&duty).map(|of| of.stage) {
            Some(DutyStage::AtWork(number) | DutyStage::Helped(number)) => number,
            Some(DutyStage::Due | DutyStage::Failed) | None => 0,
        }
    }

    /// What a duty is about, for the environment of its program.
    pub fn duty_about(&self, duty: DutyId) -> Option<&About> {
        self.duties.get(&duty).map(|of| &of.about)
    }

    /// Duties whose program is under way.
    pub fn duties_at_work(&self) -> impl Iterator<Item = DutyId> + '_ {
        let at_work = |of: &Duty| matches!(of.stage, DutyStage::AtWork(_));
        self.duties
            .iter()
            .filter(move |(_, of)| at_work(of))
            .map(|(id, _)| *id)
    }

    pub(crate) fn on_action(
        &mut self,
        kind: &'static str,
        id: DutyId,
        edit: impl FnOnce(&mut Duty),
    ) -> Result<(), IllegalTransition> {
        let there = self.duties.get_mut(&id);
        known(there.is_some(), kind, "action", id.0)?;
        if let Some(duty) = there {
            edit(duty);
            match duty.stage {
                DutyStage::AtWork(_) => self.duties_due.remove(&id),
                DutyStage::Due | DutyStage::Helped(_) | DutyStage::Failed => {
                    self.duties_due.insert(id)
                }
            };
        }
        Ok(())
    }

    pub(crate) fn on_action_taken(
        &mut self,
        kind: &'static str,
        id: DutyId,
    ) -> Result<(), IllegalTransition> {
        let there = self.duties.remove(&id).is_some();
        self.duties_due.remove(&id);
        known(there, kind, "action", id.0)
    }

    pub(crate) fn on_action_refused(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: DutyId,
    ) -> Result<(), IllegalTransition> {
        let Some(duty) = self.duties.get(&id) else {
            return known(false, kind, "action", id.0);
        };
        let chain = self
            .chain(plan, duty.source, duty.chain)
            .map_or(0, <[Action]>::len);
        if (duty.step as usize) + 1 >= chain {
            return self.on_action_taken(kind, id);
        }
        self.on_action(kind, id, |duty| {
            duty.step += 1;
            duty.stage = DutyStage::Due;
        })
    }
}

impl Turn<'_> {
    pub(crate) fn carry_out_duty(&mut self) -> bool {
        let may = self.state.status.is_live() && self.state.status != RunStatus::Cancelling;
        let Some(id) = self.state.duties_due.first().copied().filter(|_| may) else {
            return false;
        };
        let Some(duty) = self.state.duties.get(&id).cloned() else {
            panic!("BUG: action {} is due and not there", id.0)
        };
        match (duty.source, duty.stage) {
            (Source::Mode { .. }, stage) => self.next_program(id, &duty, stage),
            (_, DutyStage::Due) => self.try_action(id, &duty),
            (_, DutyStage::Helped(_)) => self.after_help(id, &duty),
            (_, DutyStage::Failed) => self.rule(RuleFact::ActionRefused {
                duty: id,
                why: duty.failure,
            }),
            (_, DutyStage::AtWork(_)) => panic!("BUG: action {} is due and at work", id.0),
        }
        true
    }

    /// The programs of a mode run one after the other; one that fails is told and passed by.
    fn next_program(&mut self, id: DutyId, duty: &Duty, stage: DutyStage) {
        let Source::Mode { mode, entered } = duty.source else {
            return;
        };
        let rule = &self.plan.rules.modes[mode];
        let count = if entered {
            rule.enter.len()
        } else {
            rule.exit.len()
        } as u32;
        let next = match stage {
            DutyStage::Due => 0,
            DutyStage::Helped(number) | DutyStage::AtWork(number) => number + 1,
            DutyStage::Failed => {
                let word = if entered { "enter" } else { "exit" };
                let name = &rule.name;
                let text = format!("a program to {word} {name} failed: {}", duty.failure);
                self.rule(RuleFact::NoteRecorded {
                    about: About::default(),
                    text,
                });
                return self.rule(RuleFact::ActionTaken { duty: id });
            }
        };
        if next < count {
            self.rule(RuleFact::ActionStarted {
                duty: id,
                program: next,
            });
        } else {
            self.rule(RuleFact::ActionTaken { duty: id });
        }
    }

    fn try_action(&mut self, id: DutyId, duty: &Duty) {
        let plan = self.plan;
        let chain = self.state.chain(plan, duty.source, duty.chain);
        let Some(action) = chain.and_then(|chain| chain.get(duty.step as usize)) else {
            return self.rule(RuleFact::ActionTaken { duty: id });
        };
        self.actions += 1;
        if self.actions > AT_ONCE {
            return self.rule(RuleFact::ActionRefused {
                duty: id,
                why: "rules go round in circles: each brings about the next".to_string(),
            });
        }
        match self.act(action, duty) {
            Ok(Act::Done) => self.rule(RuleFact::ActionTaken { duty: id }),
            Ok(Act::Runs) => self.rule(RuleFact::ActionStarted {
                duty: id,
                program: 0,
            }),
            Err(why) => self.rule(RuleFact::ActionRefused { duty: id, why }),
        }
    }

    /// A program of `recover` ended well: the agents that it is about are back.
    fn after_help(&mut self, id: DutyId, duty: &Duty) {
        for agent in &duty.about.agents {
            let of = &self.state.agent_states[*agent];
            if of.isolated || of.failed_since_ms.is_some() {
                self.rule(RuleFact::AgentBack { agent: *agent });
            }
        }
        self.rule(RuleFact::ActionTaken { duty: id });
    }

    fn act(&mut self, action: &Action, duty: &Duty) -> Result<Act, String> {
        let about = &duty.about;
        match action {
            Action::Notify { who, via } => {
                let of = self.state.who(self.plan, who, about);
                let text = self.state.headline(self.plan, duty);
                self.rule(RuleFact::NoticeSent {
                    of,
                    via: *via,
                    about: about.clone(),
                    text,
                });
            }
            Action::Escalate { to, level } => {
                let of = Of::Escalation(*to);
                if self.state.came_out_of(about, of) {
                    let title = self.state.title(self.plan, of);
                    return Err(format!("{title} is what this came out of"));
                }
                let note = self.state.headline(self.plan, duty);
                self.open_situation(of, about.clone(), None, note, level.unwrap_or(0));
            }
            Action::Retry(times) => self.retry_by_rule(about, times.unwrap_or(1))?,
            Action::Reassign(to) => {
                let node = about.node.ok_or("it is about no task")?;
                let of = &self.state.nodes[node];
                let again = of.reopened.max(of.reassigned);
                if again >= REASSIGNED {
                    return Err(format!(
                        "it was given to others or tried again {again} times"
                    ));
                }
                self.reassign(node, *to)?;
                self.reopen(node, None);
            }
            Action::Isolate => self.isolate(about)?,
            Action::Redistribute => self.redistribute(about)?,
            Action::Recover(_) => return Ok(Act::Runs),
            Action::Rollback => self.roll_back()?,
            Action::Start {
                workflow,
                arguments,
            } => {
                self.start_workflow(*workflow, arguments.clone(), about.clone())?;
                self.rank_incident(*workflow, about);
            }
            Action::Halt => {
                let why = self.state.headline(self.plan, duty);
                self.halt_by_rule(why);
            }
            Action::Enter(mode) => match self.state.mode {
                None => {
                    let because = self.state.headline(self.plan, duty);
                    self.rule(RuleFact::ModeEntered {
                        mode: *mode,
                        by: None,
                        because,
                    });
                }
                Some(on) if on == *mode => {}
                Some(_) => return Err("another mode is on".to_string()),
            },
            Action::Leave(mode) => match self.state.mode {
                Some(on) if on == *mode && self.state.modes_left >= MODES_LEFT => {
                    return Err(format!(
                        "rules left a mode {MODES_LEFT} times and no task was completed in \
                         between: a person leaves it"
                    ));
                }
                Some(on) if on == *mode => self.rule(RuleFact::ModeLeft {
                    mode: *mode,
                    by: None,
                }),
                Some(_) | None => return Err("it is not on".to_string()),
            },
            Action::SetPriority(priority) => {
                let node = about.node.ok_or("it is about no task")?;
                if self.plan.task(node).is_none() {
                    return Err("it is no task".to_string());
                }
                self.rule(RuleFact::Prioritized {
                    node,
                    priority: *priority,
                });
            }
            Action::Record(text) => self.rule(RuleFact::NoteRecorded {
                about: about.clone(),
                text: text.clone(),
            }),
            Action::Fail => {
                let node = about.node.ok_or("it is about no task")?;
                let why = self.state.headline(self.plan, duty);
                if self.state.nodes[node].is_at_work() {
                    return Err("it is at work".to_string());
                }
                self.fail_by_rule(node, why);
            }
            Action::Skip => {
                let node = about.node.ok_or("it is about no task")?;
                self.skip_by_rule(node, duty)?;
            }
            Action::Proceed => self.settle_pending(about, true),
            Action::Warn | Action::Continue => {}
        }
        Ok(Act::Done)
    }

    fn retry_by_rule(&mut self, about: &About, times: u32) -> Result<(), String> {
        let node = about.node.ok_or("it is about no task")?;
        let of = &self.state.nodes[node];
        if of.status != Status::Failed {
            return Err(format!("it is {}", of.status.name()));
        }
        if of.reopened >= times {
            return Err(format!("it was tried again {} times", of.reopened));
        }
        self.reopen(node, None);
        Ok(())
    }

    fn skip_by_rule(&mut self, node: NodeId, duty: &Duty) -> Result<(), String> {
        let status = self.state.nodes[node].status;
        if !may_be_skipped(&self.plan.nodes[node].kind, status) {
            return Err(format!("it is {}", status.name()));
        }
        let reason = self.state.headline(self.plan, duty);
        self.emit(Fact::Skipped {
            node,
            why: SkipReason::Person { by: None, reason },
        });
        Ok(())
    }

    pub(crate) fn take_action_end(
        &mut self,
        duty: DutyId,
        ok: bool,
        evidence: String,
    ) -> Result<(), Refusal> {
        let of = self.state.duties.get(&duty);
        if !of.is_some_and(|of| matches!(of.stage, DutyStage::AtWork(_))) {
            return Err(Refusal::NoSuchRule {
                what: "action at work",
            });
        }
        self.rule(RuleFact::ActionEnded { duty, ok, evidence });
        Ok(())
    }
}

/// What a duty is about, in a sentence.
impl State {
    pub(crate) fn headline(&self, plan: &Plan, duty: &Duty) -> String {
        let what = self.occurrence(plan, duty);
        let because = match duty.source {
            Source::Reaction(i) => plan.rules.reactions[i as usize].because.as_deref(),
            _ => None,
        };
        match because {
            Some(because) => format!("{what}: {because}"),
            None => what,
        }
    }

    fn occurrence(&self, plan: &Plan, duty: &Duty) -> String {
        use coord_plan::rules::Happening as H;
        let about = &duty.about;
        let node = about.node.map(|node| plan.nodes[node].name.as_str());
        let task = node.unwrap_or("a task");
        let agent = about
            .agents
            .first()
            .map_or("an agent", |a| &plan.agents[*a].name);
        let situation = about
            .situation
            .map(|id| self.title(plan, self.situations[id].of));
        let situation = situation.unwrap_or_else(|| "a situation".to_string());
        let gate = about.gate.map_or("a gate", |gate| &plan.gates[gate].name);
        match duty.source {
            Source::Reaction(i) => match &plan.rules.reactions[i as usize].on {
                H::TaskFailed(_) => format!("`{task}` failed"),
                H::TaskBlocked(_) => format!("`{task}` is blocked"),
                H::TaskLate(_) => format!("`{task}` is late"),
                H::TaskStalled(_) => format!("`{task}` makes no progress"),
                H::TaskCompleted(_) => format!("`{task}` is completed"),
                H::AgentFailed(_) => format!("`{agent}` failed"),
                H::AgentBlocked(_) => format!("`{agent}` is blocked"),
                H::ConflictOpen(_) | H::IncidentOpen(_) | H::EscalationOpen(_) => {
                    self.opened_because(about, &situation)
                }
                H::GateFailed(_) => format!("gate `{gate}` failed at `{task}`"),
                H::ApprovalWaiting => format!("`{task}` waits for an approval"),
                H::ResourceExhausted(_) => {
                    let name = about
                        .resource
                        .map_or("a resource", |r| &plan.resources[r].name);
                    format!("`{name}` is exhausted")
                }
                H::RunStarted => "the run started".to_string(),
                H::RunFinished => "the run is over".to_string(),
                H::ChangeMade(_) => format!("`{task}` changed what is watched"),
                H::Metric { metric, op, value } => {
                    let name = &plan.rules.metrics[*metric].name;
                    let now = self.metrics.get(metric).map(ToString::to_string);
                    let now = now.unwrap_or_default();
                    format!("`{name}` is {now} ({} {value})", op.symbol())
                }
            },
            Source::EscalationLevel(..)
            | Source::ConflictLevel(..)
            | Source::Conflict(_)
            | Source::Incident(_) => self.opened_because(about, &situation),
            Source::Need(..) => format!("`{task}` waits too long for what it needs"),
            Source::Sync(_) => format!("sync `{task}` was not held in time"),
            Source::Item(_) => format!("nobody approved `{task}` in time"),
            Source::Handoff(_) => format!("the handoff to `{task}` was not accepted in time"),
            Source::Gate(_) => format!("gate `{gate}` failed at `{task}`"),
            Source::Task(_) => format!("`{task}` failed"),
            Source::Budget(id) => {
                let budget = plan.rules.budgets[id].title(plan);
                format!("the budget is spent: {budget}")
            }
            Source::Mode { mode, .. } => plan.rules.modes[mode].name.clone(),
            Source::Failover => format!("`{agent}` failed"),
        }
    }

    fn opened_because(&self, about: &About, title: &str) -> String {
        let note = about
            .situation
            .map_or("", |id| self.situations[id].note.as_str());
        if note.is_empty() {
            title.to_string()
        } else {
            format!("{title}: {note}")
        }
    }
}

impl Pending {
    /// The node that waits.
    pub(crate) fn node(self, state: &State) -> Option<NodeId> {
        match self {
            Pending::Need { node, .. } | Pending::Sync(node) => Some(node),
            Pending::Item(item) => state.items[item].node,
            Pending::Gate(run) => Some(state.gate_runs[run].node),
            Pending::Budget(_) => None,
        }
    }
}
