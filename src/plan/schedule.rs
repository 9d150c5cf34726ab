//! The schedule of a plan: what `coord plan` tells.
//!
//! It puts together what the other files of this floor find: the logical path, the levelled
//! schedule, the lower bound, what holds what, and how agents, phases, deadlines and milestones
//! come out. It decides nothing itself. All times are ms from the plan's origin (without one,
//! from 09:00 of a Monday in UTC).
//!
//! A schedule takes every likely estimate as it is and expects every task to be done at the first
//! try. [`check::validate`] holds it against the plan by a way of its own.

pub mod chain;
pub mod check;
pub mod overload;
pub mod promise;
#[cfg(test)]
mod tests;
pub mod why;

use crate::bound::{LowerBound, Reason, lower_bound};
use crate::calendar::Calendar;
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::critical_path::{CriticalPath, Logical, Step, critical_path};
use crate::levelling::forecast::{self, Forecast};
use crate::levelling::{End, Levelled, Options, Stop, level};
use crate::plan::{NodeKind, Plan};
use chain::Link;
use coord_lang::ids::{AgentId, Id, NodeId, PhaseId, ResourceId, Table};
use promise::Promise;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub options: Options,
    pub nodes: Table<NodeId, NodeSchedule>,
    /// The end of the levelled schedule.
    pub makespan_ms: i64,
    /// The end without limits of agents and resources; with low and high estimates too.
    pub logical_makespan_ms: i64,
    pub logical_low_ms: i64,
    pub logical_high_ms: i64,
    pub lower_bound: LowerBound,
    /// The makespan is the lower bound: nothing shorter exists.
    pub optimal: bool,
    /// How the search for it ended, and how many placements it counted.
    pub end: End,
    pub work: u64,
    /// One longest path of needs.
    pub critical_path: Vec<Step>,
    /// What holds what in the levelled schedule, from its start to its end.
    pub chain: Vec<Link>,
    pub agents: Table<AgentId, AgentLoad>,
    pub phases: Table<PhaseId, PhaseSpan>,
    pub deadlines: Vec<Due>,
    pub milestones: Vec<Due>,
    /// Tasks without an estimate: they count as nothing.
    pub missing_estimates: Vec<NodeId>,
    /// Tasks that only a claim made wait.
    pub turns: Vec<Turn>,
    /// What becomes of the project's promises, in their order.
    pub promises: Vec<Promise>,
    /// How it may come out; None until [`Schedule::foresee`].
    pub forecast: Option<Box<Forecast>>,
}

impl Schedule {
    /// Adds a forecast, and judges by it the promises that speak of how sure something is.
    pub fn foresee(&mut self, plan: &Plan, settings: &forecast::Settings) {
        let Some(forecast) = forecast::forecast(plan, self, settings) else {
            return;
        };
        promise::judge_by(plan, &forecast, &mut self.promises);
        self.forecast = Some(Box::new(forecast));
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSchedule {
    pub logical: Logical,
    pub start_ms: i64,
    pub finish_ms: i64,
    /// Who does it; nobody when it takes no time.
    pub agents: Vec<AgentId>,
}

/// What an agent has to do until everything is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentLoad {
    pub tasks: u32,
    /// Slots, with the machine's cores filled in.
    pub slots: u32,
    /// The lengths of its tasks: ms of working time and ms on the clock.
    pub working_ms: i64,
    pub elapsed_ms: i64,
    /// The time its slots are taken, and the time of one slot until the makespan. Both count
    /// its own working time only when the plan has any, else all time.
    pub busy_ms: i64,
    pub available_ms: i64,
}

impl AgentLoad {
    /// The share of its time that it is busy, in thousandths.
    pub fn per_mille(&self) -> i64 {
        let available = i128::from(self.available_ms) * i128::from(self.slots);
        match available {
            0 => 0,
            available => (i128::from(self.busy_ms) * 1000 / available) as i64,
        }
    }
}

/// When a phase is worked on: from the first start to the last finish of what is in it, None when
/// nothing in it is expected to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    pub logical_ms: Option<(i64, i64)>,
    pub levelled_ms: Option<(i64, i64)>,
    /// When it passes, its sync included.
    pub logical_end_ms: i64,
    pub end_ms: i64,
    /// By how much it passes after its window; negative when before, None without a window's end.
    pub logical_late_ms: Option<i64>,
    pub late_ms: Option<i64>,
}

/// Something that should have ended by an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub node: NodeId,
    pub due_ms: i64,
    pub logical_finish_ms: i64,
    pub finish_ms: i64,
}

impl Due {
    /// By how much it is missed; negative is what is left.
    pub fn late_ms(&self) -> i64 {
        self.finish_ms - self.due_ms
    }

    /// The same as if agents and resources had no limits.
    pub fn logical_late_ms(&self) -> i64 {
        self.logical_finish_ms - self.due_ms
    }

    pub fn is_met(&self) -> bool {
        self.finish_ms <= self.due_ms
    }
}

/// Two tasks that write to the same place, of which the second waited for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub claim: ResourceId,
    pub first: NodeId,
    pub then: NodeId,
    /// From when everything that `then` needs was there until it started.
    pub waited_ms: i64,
}

/// Schedules a plan on its calendars.
pub fn schedule(plan: &Plan, options: &Options) -> Schedule {
    schedule_on(plan, &Calendars::of(plan), options, &Stop::default())
}

/// Schedules a plan; `stop` ends the search early.
pub fn schedule_on(plan: &Plan, calendars: &Calendars, options: &Options, stop: &Stop) -> Schedule {
    let network = Network::new(plan);
    let logical = critical_path(&network, calendars);
    let mut bound = lower_bound(&network, calendars, &logical, options);
    let levelled = level(&network, calendars, options, bound.ms, stop);
    if levelled.bound_ms > bound.ms {
        bound = LowerBound {
            ms: levelled.bound_ms,
            reason: Reason::Search,
        };
    }
    let facts = Facts {
        network: &network,
        calendars,
        levelled: &levelled,
    };
    let mut schedule = facts.schedule(logical, bound, options);
    schedule.promises = promise::promises(&network, calendars, &levelled, &schedule);
    debug_assert_eq!(check::validate_on(plan, calendars, &schedule), Ok(()));
    schedule
}

/// What is told of a levelled schedule.
struct Facts<'a, 'p> {
    network: &'a Network<'p>,
    calendars: &'a Calendars,
    levelled: &'a Levelled,
}

impl Facts<'_, '_> {
    fn schedule(&self, logical: CriticalPath, bound: LowerBound, options: &Options) -> Schedule {
        let plan = self.network.plan;
        Schedule {
            options: *options,
            makespan_ms: self.levelled.makespan_ms,
            logical_makespan_ms: logical.makespan_ms,
            logical_low_ms: logical.low_makespan_ms,
            logical_high_ms: logical.high_makespan_ms,
            optimal: self.levelled.makespan_ms == bound.ms,
            lower_bound: bound,
            end: self.levelled.end,
            work: self.levelled.work,
            chain: chain::chain(self.network, self.calendars, self.levelled),
            agents: self.loads(options),
            phases: self.phases(&logical),
            deadlines: self.deadlines(&logical),
            milestones: self.milestones(&logical),
            turns: self.turns(),
            nodes: plan.nodes.ids().map(|id| self.node(id, &logical)).collect(),
            critical_path: logical.path,
            missing_estimates: logical.missing_estimates,
            promises: Vec::new(),
            forecast: None,
        }
    }

    fn node(&self, id: NodeId, logical: &CriticalPath) -> NodeSchedule {
        NodeSchedule {
            logical: logical.nodes[id],
            start_ms: self.levelled.start[id],
            finish_ms: self.levelled.finish[id],
            agents: self.levelled.agents[id].clone(),
        }
    }

    fn loads(&self, options: &Options) -> Table<AgentId, AgentLoad> {
        let empty = |id: AgentId, capacity: u32| AgentLoad {
            slots: if capacity == 0 {
                options.cores.max(1)
            } else {
                capacity
            },
            available_ms: self.counted(id, 0, self.levelled.makespan_ms),
            ..AgentLoad::default()
        };
        let mut loads: Table<AgentId, AgentLoad> = self
            .network
            .plan
            .agents
            .iter()
            .map(|(id, agent)| empty(id, agent.capacity))
            .collect();
        for (id, agents) in self.levelled.agents.iter() {
            let span = self.network.spans[id];
            for (at, &agent) in agents.iter().enumerate() {
                if agents[..at].contains(&agent) {
                    continue;
                }
                let load = &mut loads[agent];
                load.tasks += 1;
                load.busy_ms +=
                    self.counted(agent, self.levelled.start[id], self.levelled.finish[id]);
                let length = if span.working {
                    &mut load.working_ms
                } else {
                    &mut load.elapsed_ms
                };
                *length += span.ms;
            }
        }
        loads
    }

    /// The time between two instants that counts for the load of an agent.
    fn counted(&self, agent: AgentId, from: i64, to: i64) -> i64 {
        if self.network.uses_working {
            self.calendars.agent(agent).working_between(from, to)
        } else {
            to - from
        }
    }

    fn phases(&self, logical: &CriticalPath) -> Table<PhaseId, PhaseSpan> {
        let plan = self.network.plan;
        let mut phases: Table<PhaseId, PhaseSpan> = plan
            .phases
            .ids()
            .map(|id| self.phase_end(id, logical))
            .collect();
        for (id, node) in plan.nodes.iter() {
            let Some(phase) = node.phase.filter(|_| !self.network.contingent[id]) else {
                continue;
            };
            if node.kind == NodeKind::Join {
                continue;
            }
            let times = &logical.nodes[id];
            let span = &mut phases[phase];
            widen(
                &mut span.logical_ms,
                times.earliest_start_ms,
                times.earliest_finish_ms,
            );
            widen(
                &mut span.levelled_ms,
                self.levelled.start[id],
                self.levelled.finish[id],
            );
        }
        phases
    }

    fn phase_end(&self, id: PhaseId, logical: &CriticalPath) -> PhaseSpan {
        let phase = &self.network.plan.phases[id];
        let until = phase.window_ms.and_then(|(_, until)| until);
        let logical_end_ms = logical.nodes[phase.end].earliest_finish_ms;
        let end_ms = self.levelled.finish[phase.end];
        PhaseSpan {
            logical_ms: None,
            levelled_ms: None,
            logical_end_ms,
            end_ms,
            logical_late_ms: until.map(|until| logical_end_ms - until),
            late_ms: until.map(|until| end_ms - until),
        }
    }

    fn deadlines(&self, logical: &CriticalPath) -> Vec<Due> {
        let tasks = self.network.plan.tasks();
        let due = tasks.filter_map(|(id, _, task)| Some((id, task.deadline_ms?)));
        self.dues(due, logical)
    }

    fn milestones(&self, logical: &CriticalPath) -> Vec<Due> {
        let nodes = self.network.plan.nodes.iter();
        let due = nodes.filter_map(|(id, node)| match &node.kind {
            NodeKind::Milestone(milestone) => Some((id, milestone.due_ms?)),
            NodeKind::Task(_) | NodeKind::Sync(_) | NodeKind::Join => None,
        });
        self.dues(due, logical)
    }

    fn dues(&self, due: impl Iterator<Item = (NodeId, i64)>, logical: &CriticalPath) -> Vec<Due> {
        let expected = due.filter(|(id, _)| !self.network.contingent[*id]);
        expected
            .map(|(node, due_ms)| Due {
                node,
                due_ms,
                logical_finish_ms: logical.nodes[node].earliest_finish_ms,
                finish_ms: self.levelled.finish[node],
            })
            .collect()
    }

    fn turns(&self) -> Vec<Turn> {
        let plan = self.network.plan;
        let mut users: Vec<Vec<(i64, NodeId, u32)>> = vec![Vec::new(); plan.resources.len()];
        for (id, _, task) in plan
            .tasks()
            .filter(|(id, _, _)| self.network.spans[*id].ms > 0)
        {
            for &(claim, amount) in task.uses.iter().filter(|(id, _)| plan.resources[*id].claim) {
                users[claim.index()].push((self.levelled.finish[id], id, amount));
            }
        }
        let mut turns = Vec::new();
        for (claim, mut users) in plan.resources.ids().zip(users) {
            users.sort_unstable();
            for &(_, then, amount) in &users {
                turns.extend(self.turn(claim, &users, then, amount));
            }
        }
        turns.sort_unstable_by_key(|turn: &Turn| (turn.then, turn.first, turn.claim));
        turns
    }

    /// The first user of a claim whose end let `then` start, when nothing else held it.
    fn turn(
        &self,
        claim: ResourceId,
        users: &[(i64, NodeId, u32)],
        then: NodeId,
        amount: u32,
    ) -> Option<Turn> {
        let (span, start) = (self.network.spans[then], self.levelled.start[then]);
        let ready = chain::ready(self.network, self.levelled, then);
        let plan = self.network.plan;
        let mut agents = self.levelled.agents[then].clone();
        agents.retain(|&agent| plan.agents[agent].capacity == 1);
        let capacity = plan.resources[claim].capacity;
        let calendar: &Calendar = self.calendars.placed(then, &self.levelled.agents[then]);
        let after_ready = users.partition_point(|&(finish, _, _)| finish <= ready);
        let ended = users[after_ready..]
            .iter()
            .take_while(|&&(finish, _, _)| finish <= start);
        let mut held = ended.filter(|&&(finish, first, other)| {
            amount.saturating_add(other) > capacity
                && calendar.begin(span, finish) == start
                && !self.levelled.agents[first]
                    .iter()
                    .any(|agent| agents.contains(agent))
        });
        held.next().map(|&(_, first, _)| Turn {
            claim,
            first,
            then,
            waited_ms: start - ready,
        })
    }
}

fn widen(span: &mut Option<(i64, i64)>, start: i64, finish: i64) {
    let (from, to) = span.unwrap_or((start, finish));
    *span = Some((from.min(start), to.max(finish)));
}
