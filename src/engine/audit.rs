//! The second opinion: holds a journal against what every run promises.
//!
//! It shares no code with the machine: it folds the events its own, simpler way and names the
//! first breach. Every suite that produces a journal can call it.

use std::collections::{BTreeMap, BTreeSet};

use coord_lang::ids::{AgentId, Id, NodeId, ResourceId};
use coord_plan::plan::{Driver, Otherwise, Plan, Wanted};

use crate::event::{Event, Fact};
use crate::options::Options;
use crate::outcome::Outcome;
use crate::rule_fact::RuleFact;
use crate::situation::{Pending, SituationId};
use crate::status::Status;

/// What the log says that may not be, and at which event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub at: usize,
    pub what: String,
}

/// Checks the whole log of one run.
pub fn audit(plan: &Plan, events: &[Event]) -> Result<(), Breach> {
    let mut audit = Audit::new(plan);
    for (at, event) in events.iter().enumerate() {
        audit.read(event).map_err(|what| Breach { at, what })?;
    }
    Ok(())
}

struct Audit<'p> {
    plan: &'p Plan,
    options: Options,
    status: Vec<Status>,
    attempts: Vec<u32>,
    /// Tries that are allowed for without `retry`: rework and crashes.
    free_tries: Vec<u32>,
    agents_of: BTreeMap<NodeId, Vec<AgentId>>,
    at_work: BTreeSet<NodeId>,
    claiming: BTreeSet<NodeId>,
    waived: BTreeSet<(NodeId, u32)>,
    /// The rung of each open situation.
    situations: BTreeMap<SituationId, Option<u32>>,
    isolated: BTreeSet<AgentId>,
    in_mode: bool,
    open_items: BTreeSet<u32>,
    closed_items: BTreeSet<u32>,
    stopping: bool,
    ended: bool,
    at_ms: i64,
}

impl<'p> Audit<'p> {
    fn new(plan: &'p Plan) -> Self {
        Audit {
            plan,
            options: Options::default(),
            status: (plan.nodes.ids())
                .map(|node| match plan.is_active(node) {
                    true => Status::Created,
                    // the work of other workflows never begins
                    false => Status::Skipped,
                })
                .collect(),
            attempts: vec![0; plan.nodes.len()],
            free_tries: vec![0; plan.nodes.len()],
            agents_of: BTreeMap::new(),
            at_work: BTreeSet::new(),
            claiming: BTreeSet::new(),
            waived: BTreeSet::new(),
            situations: BTreeMap::new(),
            isolated: BTreeSet::new(),
            in_mode: false,
            open_items: BTreeSet::new(),
            closed_items: BTreeSet::new(),
            stopping: false,
            ended: false,
            at_ms: i64::MIN,
        }
    }

    fn read(&mut self, event: &Event) -> Result<(), String> {
        holds(event.at_ms >= self.at_ms, || "time runs backwards".into())?;
        self.at_ms = event.at_ms;
        let reopens = matches!(event.fact, Fact::RunReopened { .. });
        holds(!self.ended || reopens, || {
            format!("`{}` after the end", event.fact.kind())
        })?;
        self.read_fact(&event.fact)
    }

    fn read_fact(&mut self, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::RunStarted { options, .. } => {
                self.options = options.clone();
                Ok(())
            }
            Fact::RunResumed { options } => {
                self.options = options.clone().unwrap_or(self.options.clone());
                self.stopping = false;
                Ok(())
            }
            Fact::RunStopping { .. } => {
                self.stopping = true;
                Ok(())
            }
            Fact::RunReopened { .. } => {
                self.stopping = false;
                self.ended = false;
                Ok(())
            }
            Fact::RunCompleted => {
                self.ended = true;
                let well = self.status.iter().all(|status| status.ended_well());
                holds(self.situations.is_empty(), || {
                    "completed with a situation open".into()
                })?;
                holds(well, || "completed with work that did not end well".into())
            }
            Fact::RunFailed { .. } => {
                self.ended = true;
                holds(!self.machine_at_work(), || {
                    "failed with work under way".into()
                })
            }
            Fact::RunCancelled => {
                self.ended = true;
                holds(self.at_work.is_empty(), || {
                    "cancelled with work under way".into()
                })
            }
            Fact::NeedExpired {
                node,
                need,
                otherwise: Otherwise::Proceed,
            } => {
                self.waived.insert((*node, *need));
                Ok(())
            }
            Fact::SyncOpened { node } => {
                self.needs_hold(*node)?;
                self.to(*node, Status::Review)
            }
            Fact::MilestoneReached { node } | Fact::JoinPassed { node } => {
                self.needs_hold(*node)?;
                self.to(*node, Status::Completed)
            }
            Fact::SyncPassed { node } | Fact::Completed { node, .. } => {
                self.release(*node);
                self.to(*node, Status::Completed)
            }
            Fact::Assigned {
                node,
                attempt,
                agents,
            } => self.assigned(*node, *attempt, agents),
            Fact::Started { node, attempt } => self.started(*node, *attempt),
            Fact::Unassigned { node, .. } => {
                self.free_tries[node.index()] += 1;
                self.to(*node, Status::Created)
            }
            Fact::Unspawned { node, .. } => {
                self.release(*node);
                self.to(*node, Status::Assigned)
            }
            Fact::Exited { node, outcome, .. } => {
                self.at_work.remove(node);
                if !matches!(outcome, Outcome::Lost(_)) {
                    self.claiming.remove(node);
                }
                holds(self.is(*node, Status::InProgress), || {
                    "an exit without a start".into()
                })
            }
            Fact::Interrupted { node, .. } => {
                self.at_work.remove(node);
                holds(self.is(*node, Status::InProgress), || {
                    "an interruption of nothing".into()
                })
            }
            Fact::InDoubt { node, .. } => {
                let idempotent = self.plan.task(*node).is_some_and(|task| task.idempotent);
                holds(!idempotent, || {
                    "an idempotent task is never in doubt".into()
                })?;
                self.to(*node, Status::InDoubt)
            }
            Fact::RetryScheduled { node, counted, .. } => {
                self.free_tries[node.index()] += u32::from(!counted);
                self.release(*node);
                self.to(*node, Status::Created)
            }
            Fact::Rework { node, .. } => {
                self.free_tries[node.index()] += 1;
                self.to(*node, Status::Created)
            }
            Fact::Review { node, .. } => {
                self.release(*node);
                self.to(*node, Status::Review)
            }
            Fact::Failed { node, .. } => {
                self.release(*node);
                self.to(*node, Status::Failed)
            }
            Fact::Skipped { node, .. } => {
                self.release(*node);
                self.to(*node, Status::Skipped)
            }
            Fact::Cancelled { node } => {
                self.release(*node);
                self.to(*node, Status::Cancelled)
            }
            Fact::Reopened { node, .. } => {
                holds(self.is(*node, Status::Failed), || {
                    "reopened what had not failed".into()
                })?;
                self.status[node.index()] = Status::Created;
                let times = self.plan.task(*node).and_then(|t| t.retry.as_ref());
                self.free_tries[node.index()] += 1 + times.map_or(0, |retry| retry.times);
                self.waived.retain(|(other, _)| other != node);
                Ok(())
            }
            Fact::ItemOpened { item, .. } => {
                let new = !self.closed_items.contains(&item.0) && self.open_items.insert(item.0);
                holds(new, || "an item was opened twice".into())
            }
            Fact::ItemAnswered { item, .. } => {
                let open = self.open_items.contains(&item.0);
                holds(open, || "an answer to an item that is not open".into())
            }
            Fact::ItemExpired { item, .. } | Fact::ItemClosed { item, .. } => {
                let open = self.open_items.remove(&item.0);
                self.closed_items.insert(item.0);
                holds(open, || "an item was closed twice".into())
            }
            Fact::Rule(fact) => self.read_rule(fact),
            Fact::RunPaused
            | Fact::PhaseOpened { .. }
            | Fact::PhaseClosed { .. }
            | Fact::SyncExpired { .. }
            | Fact::NeedExpired { .. }
            | Fact::WantExpired { .. }
            | Fact::WindowOpened { .. }
            | Fact::ConditionHeld { .. }
            | Fact::Spawned { .. }
            | Fact::Terminating { .. }
            | Fact::RetryDue { .. }
            | Fact::Landing { .. }
            | Fact::Landed { .. }
            | Fact::NotLanded { .. }
            | Fact::GateOpened { .. }
            | Fact::GateRetried { .. }
            | Fact::GatePassed { .. }
            | Fact::GateWarned { .. }
            | Fact::GateHeld { .. }
            | Fact::GateFailed { .. }
            | Fact::CheckStarted { .. }
            | Fact::CheckInterrupted { .. }
            | Fact::CheckTerminating { .. }
            | Fact::CheckEnded { .. } => Ok(()),
        }
    }

    fn read_rule(&mut self, fact: &RuleFact) -> Result<(), String> {
        match fact {
            RuleFact::SituationOpened { situation, .. } => {
                let new = self.situations.insert(*situation, None).is_none();
                holds(new, || "a situation was opened twice".into())
            }
            RuleFact::SituationReached { situation, level } => {
                let rung = self.situations.get_mut(situation);
                let Some(rung) = rung else {
                    return Err("a rung of a situation that is not open".into());
                };
                let in_order = rung.is_none_or(|last| *level == last + 1);
                *rung = Some(*level);
                holds(in_order, || "rungs out of order".into())
            }
            RuleFact::SituationClosed { situation, .. } => {
                let open = self.situations.remove(situation).is_some();
                holds(open, || "a situation was closed twice".into())
            }
            RuleFact::LimitSettled {
                pending: Pending::Need { node, need },
                waived: true,
            } => {
                self.waived.insert((*node, *need));
                Ok(())
            }
            RuleFact::WorkflowStarted { workflow, .. } => {
                for (id, node) in self.plan.nodes.iter() {
                    if node.workflow == Some(*workflow) {
                        self.status[id.index()] = Status::Created;
                        let retry = self.plan.task(id).and_then(|t| t.retry.as_ref());
                        self.free_tries[id.index()] += 1 + retry.map_or(0, |r| r.times);
                        self.waived.retain(|(other, _)| *other != id);
                    }
                }
                Ok(())
            }
            RuleFact::ModeEntered { .. } => {
                let off = !std::mem::replace(&mut self.in_mode, true);
                holds(off, || "a mode inside a mode".into())
            }
            RuleFact::ModeLeft { .. } => {
                let on = std::mem::replace(&mut self.in_mode, false);
                holds(on, || "left a mode that was not on".into())
            }
            RuleFact::AgentIsolated { agent } => {
                self.isolated.insert(*agent);
                Ok(())
            }
            RuleFact::AgentBack { agent } => {
                self.isolated.remove(agent);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn is(&self, node: NodeId, status: Status) -> bool {
        self.status[node.index()] == status
    }

    /// Ends are final; only a failure can still be skipped (or reopened, elsewhere).
    fn to(&mut self, node: NodeId, to: Status) -> Result<(), String> {
        let from = self.status[node.index()];
        let legal = !from.is_ended() || (from == Status::Failed && to == Status::Skipped);
        self.status[node.index()] = to;
        holds(legal, || {
            format!(
                "node {} was {} and became {}",
                node.0,
                from.name(),
                to.name()
            )
        })
    }

    fn machine_at_work(&self) -> bool {
        self.at_work.iter().any(|node| self.is_machine(*node))
    }

    fn is_machine(&self, node: NodeId) -> bool {
        self.plan.task(node).is_some_and(|task| {
            let agents = task.by.agents();
            let program = task.program.is_some();
            (agents.is_empty() && program)
                || agents.iter().any(|a| match self.plan.agents[*a].driver {
                    Driver::Shell => program,
                    Driver::Human => false,
                    _ => true,
                })
        })
    }

    fn release(&mut self, node: NodeId) {
        self.at_work.remove(&node);
        self.claiming.remove(&node);
    }

    fn needs_hold(&self, node: NodeId) -> Result<(), String> {
        for (i, need) in (0u32..).zip(&self.plan.nodes[node].needs) {
            let there = need
                .nodes()
                .any(|on| fits(need.wanted, self.status[on.index()]));
            let waived = self.waived.contains(&(node, i));
            holds(there || waived, || {
                format!("node {} began before need {i}", node.0)
            })?;
        }
        Ok(())
    }

    fn assigned(&mut self, node: NodeId, attempt: u32, agents: &[AgentId]) -> Result<(), String> {
        self.needs_hold(node)?;
        self.agents_of.insert(node, agents.to_vec());
        self.attempts[node.index()] += 1;
        let count = self.attempts[node.index()];
        holds(attempt == count, || {
            format!("attempt {attempt} of node {} is a gap", node.0)
        })?;
        let times = self.plan.task(node).and_then(|task| task.retry.as_ref());
        let most = 1 + times.map_or(0, |retry| retry.times) + self.free_tries[node.index()];
        holds(count <= most, || {
            format!("node {} has {count} attempts of {most}", node.0)
        })?;
        self.to(node, Status::Assigned)
    }

    fn started(&mut self, node: NodeId, attempt: u32) -> Result<(), String> {
        holds(!self.stopping, || {
            format!("node {} started in a stopping run", node.0)
        })?;
        holds(self.is(node, Status::Assigned), || {
            "a start without an assignment".into()
        })?;
        holds(self.attempts[node.index()] == attempt, || {
            "a start of another attempt".into()
        })?;
        self.needs_hold(node)?;
        let exempt = self.plan.nodes[node].workflow != self.plan.entry;
        holds(!self.in_mode || exempt, || {
            format!("node {} started in a mode", node.0)
        })?;
        let of = self.agents_of.get(&node).map_or(&[][..], Vec::as_slice);
        holds(!of.iter().any(|a| self.isolated.contains(a)), || {
            format!("node {} started with an isolated agent", node.0)
        })?;
        self.at_work.insert(node);
        self.claiming.insert(node);
        self.capacities_hold()?;
        self.to(node, Status::InProgress)
    }

    fn capacities_hold(&self) -> Result<(), String> {
        let mut agents: BTreeMap<AgentId, u32> = BTreeMap::new();
        let mut resources: BTreeMap<ResourceId, u32> = BTreeMap::new();
        let mut machine = 0;
        for node in &self.at_work {
            let of = self.agents_of.get(node).map_or(&[][..], Vec::as_slice);
            of.iter()
                .for_each(|agent| *agents.entry(*agent).or_default() += 1);
            machine += u32::from(self.is_machine(*node));
        }
        for node in self.at_work.union(&self.claiming) {
            let Some(task) = self.plan.task(*node) else {
                continue;
            };
            for (id, amount) in &task.uses {
                let held = if self.plan.resources[*id].claim {
                    &self.claiming
                } else {
                    &self.at_work
                };
                *resources.entry(*id).or_default() += if held.contains(node) { *amount } else { 0 };
            }
        }
        for (agent, load) in agents {
            let capacity = match self.plan.agents[agent].capacity {
                0 => self.options.cores.max(1),
                some => some,
            };
            holds(load <= capacity, || {
                format!("agent {} has {load} of {capacity}", agent.0)
            })?;
        }
        for (id, taken) in resources {
            let capacity = self.plan.resources[id].capacity;
            holds(taken <= capacity, || {
                format!("resource {} has {taken} of {capacity}", id.0)
            })?;
        }
        let most = self
            .options
            .parallel
            .or(self.plan.parallel)
            .map(|most| most.max(1))
            .unwrap_or(u32::MAX);
        holds(machine <= most, || format!("{machine} at work of {most}"))
    }
}

fn fits(wanted: Wanted, status: Status) -> bool {
    match wanted {
        Wanted::Done => status.ended_well(),
        Wanted::Failed => status == Status::Failed,
        Wanted::Finished => status.is_ended(),
        Wanted::Skipped => status == Status::Skipped,
    }
}

fn holds(it: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if it { Ok(()) } else { Err(what()) }
}
