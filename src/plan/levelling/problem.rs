//! The scheduling problem in the form that the schemes read, and its way back to the clock.
//!
//! When all lengths are working time, the problem is solved on the working axis, where there are
//! no pauses: a schedule there and one on the clock are the same thing. When all lengths are on
//! the clock, no calendar is needed either. Only a plan that mixes the two, or whose agents have
//! calendars of their own, asks the calendar in every step.

use super::{Levelled, Options};
use crate::calendar::Calendar;
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::critical_path::positions;
use crate::plan::{By, Span, Task};
use coord_lang::ids::{AgentId, Id, NodeId, Table};
use std::collections::BTreeMap;

pub(super) const NONE: u32 = u32::MAX;

/// Which axis times are on.
#[derive(Clone, Copy)]
enum Axis<'c> {
    Elapsed,
    /// Working time since the origin.
    Working(&'c Calendar),
    /// The clock, with working time laid on the calendar of each task.
    Mixed(&'c Calendars),
}

/// What a task takes; tasks that take the same share one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    /// Pools and amounts.
    pub(super) fixed: Vec<(u32, i64)>,
    /// One slot of one of these.
    pub(super) any: Vec<u32>,
    pub(super) hours: When,
}

/// When tasks may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    Always,
    /// In the hours of the calendar with this number.
    In(u32),
    /// In those of whoever of `any of` is chosen.
    Chosen,
}

pub(super) struct Problem<'n> {
    pub(super) network: &'n Network<'n>,
    axis: Axis<'n>,
    /// The length of each node, on the problem's axis or of working time when mixed.
    pub(super) length: Vec<i64>,
    pub(super) release: Vec<i64>,
    /// Index of each node's demand; [`NONE`] when it takes nothing.
    pub(super) demand: Vec<u32>,
    pub(super) demands: Vec<Demand>,
    /// Capacities: agents, then resources, then `parallel`.
    pub(super) pools: Vec<i64>,
    pub(super) priority: Vec<u8>,
    /// Positions in the plan's order.
    pub(super) position: Vec<u32>,
    /// Tasks that should have ended by an instant.
    pub(super) deadlines: Vec<(u32, i64)>,
}

/// A schedule on the problem's axis.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub(super) start: Vec<i64>,
    pub(super) finish: Vec<i64>,
    /// The agent chosen of `any of`, else [`NONE`].
    pub(super) chosen: Vec<u32>,
    pub(super) makespan: i64,
}

impl Solution {
    pub(super) fn empty(nodes: usize) -> Solution {
        Solution {
            start: vec![0; nodes],
            finish: vec![0; nodes],
            chosen: vec![NONE; nodes],
            makespan: 0,
        }
    }
}

impl<'n> Problem<'n> {
    pub(super) fn new(
        network: &'n Network<'n>,
        calendars: &'n Calendars,
        options: &Options,
    ) -> Problem<'n> {
        let plan = network.plan;
        let only = calendars.only(network).filter(|_| !network.uses_elapsed);
        let axis = match only {
            _ if !network.uses_working => Axis::Elapsed,
            Some(calendar) => Axis::Working(calendar),
            None => Axis::Mixed(calendars),
        };
        let mut problem = Problem {
            network,
            axis,
            length: network.spans.values().map(|span| span.ms.max(0)).collect(),
            release: Vec::new(),
            demand: Vec::new(),
            demands: Vec::new(),
            pools: pools(network, options),
            priority: plan
                .nodes
                .ids()
                .map(|id| plan.task(id).map_or(0, |t| t.priority))
                .collect(),
            position: positions(plan),
            deadlines: Vec::new(),
        };
        let to_axis = |t| problem.clock_to_axis(t);
        let releases: Vec<i64> = plan
            .nodes
            .ids()
            .map(|id| to_axis(network.release(id)).max(0))
            .collect();
        let deadline = |(id, _, task): (NodeId, _, &Task)| {
            task.deadline_ms
                .filter(|_| !network.contingent[id])
                .map(|ms| (id.0, to_axis(ms)))
        };
        let deadlines = plan.tasks().filter_map(deadline).collect();
        problem.release = releases;
        problem.deadlines = deadlines;
        problem.add_demands();
        problem
    }

    pub(super) fn demand_of(&self, node: usize) -> Option<&Demand> {
        self.demands.get(self.demand[node] as usize)
    }

    /// When a node that may go ahead at `t` begins; `agent` is the one of `any of`, else [`NONE`].
    pub(super) fn begin(&self, node: usize, agent: u32, t: i64) -> i64 {
        match self.axis {
            Axis::Mixed(calendars) => {
                let id = NodeId(node as u32);
                let calendar = calendars.chosen(id, some(agent));
                calendar.begin(self.network.spans[id], t)
            }
            Axis::Elapsed | Axis::Working(_) => t,
        }
    }

    pub(super) fn finish(&self, node: usize, agent: u32, start: i64) -> i64 {
        self.finish_after(node, agent, start, self.length[node])
    }

    /// When a node that takes `length` ends.
    pub(super) fn finish_after(&self, node: usize, agent: u32, start: i64, length: i64) -> i64 {
        match self.axis {
            Axis::Mixed(calendars) => {
                let id = NodeId(node as u32);
                let calendar = calendars.chosen(id, some(agent));
                let span = Span {
                    ms: length,
                    ..self.network.spans[id]
                };
                calendar.finish(span, start)
            }
            Axis::Elapsed | Axis::Working(_) => start + length,
        }
    }

    /// An instant of the problem's axis on the clock, as the end of something.
    pub(super) fn axis_to_clock(&self, t: i64) -> i64 {
        match self.axis {
            Axis::Working(calendar) if t > 0 => calendar.end_of(calendar.worked(0) + t),
            Axis::Working(_) | Axis::Elapsed | Axis::Mixed(_) => t,
        }
    }

    /// The next opening of a calendar, when there is a pause at `t`.
    pub(super) fn opening(&self, number: u32, t: i64) -> Option<i64> {
        self.pause(t, |calendars| calendars.get(number))
    }

    /// The next opening of an agent, when it rests at `t`.
    pub(super) fn opening_of(&self, agent: u32, t: i64) -> Option<i64> {
        self.pause(t, |calendars| calendars.agent(AgentId(agent)))
    }

    fn pause<'c>(&'c self, t: i64, which: impl Fn(&'c Calendars) -> &'c Calendar) -> Option<i64> {
        match self.axis {
            Axis::Mixed(calendars) => {
                Some(which(calendars).next_working(t)).filter(|&next| next > t)
            }
            Axis::Elapsed | Axis::Working(_) => None,
        }
    }

    /// Whether rules may be set aside for a shorter schedule.
    pub(super) fn equally_urgent(&self) -> bool {
        let mut urgencies = (0..self.length.len())
            .filter(|&node| self.demand[node] != NONE)
            .map(|node| self.priority[node]);
        match urgencies.next() {
            Some(first) => urgencies.all(|urgency| urgency == first),
            None => true,
        }
    }

    /// By how much deadlines are missed, in all.
    pub(super) fn lateness(&self, solution: &Solution) -> i64 {
        let late =
            |&(node, deadline): &(u32, i64)| (solution.finish[node as usize] - deadline).max(0);
        self.deadlines.iter().map(late).sum()
    }

    pub(super) fn clock_to_axis(&self, t: i64) -> i64 {
        match self.axis {
            Axis::Working(calendar) => calendar.working_between(0, t),
            Axis::Elapsed | Axis::Mixed(_) => t,
        }
    }

    pub(super) fn clock_makespan(&self, makespan: i64) -> i64 {
        match self.axis {
            Axis::Working(calendar) => calendar.add_working(0, makespan),
            Axis::Elapsed | Axis::Mixed(_) => makespan,
        }
    }

    /// The schedule in ms from the origin. Nodes without length are laid anew: they pass as soon
    /// as what they need has ended, also during a pause.
    pub(super) fn on_the_clock(&self, solution: &Solution) -> Levelled {
        let plan = self.network.plan;
        let zeros = || plan.nodes.ids().map(|_| 0).collect();
        let mut levelled = Levelled {
            start: zeros(),
            finish: zeros(),
            agents: plan
                .nodes
                .ids()
                .map(|id| self.agents(id, solution))
                .collect(),
            makespan_ms: 0,
            bound_ms: 0,
            end: super::End::Rules,
            work: 0,
        };
        for &id in &plan.order {
            let (start, finish) = self.clock_times(id, solution, &levelled.finish);
            levelled.start[id] = start;
            levelled.finish[id] = finish;
            if !self.network.contingent[id] {
                levelled.makespan_ms = levelled.makespan_ms.max(finish);
            }
        }
        levelled
    }

    fn clock_times(
        &self,
        id: NodeId,
        solution: &Solution,
        finished: &Table<NodeId, i64>,
    ) -> (i64, i64) {
        let at = id.index();
        if self.demand[at] == NONE {
            let ready = self.network.groups(id).iter().map(|&group| {
                let members = self.network.members(group).iter();
                members.map(|&member| finished[member]).min().unwrap_or(0)
            });
            let start = ready.max().unwrap_or(0).max(self.network.release(id));
            return (start, start);
        }
        match self.axis {
            Axis::Working(calendar) => {
                let origin = calendar.worked(0);
                let start = calendar.start_of(origin + solution.start[at]);
                (start, calendar.end_of(origin + solution.finish[at]))
            }
            Axis::Elapsed | Axis::Mixed(_) => (solution.start[at], solution.finish[at]),
        }
    }

    fn agents(&self, id: NodeId, solution: &Solution) -> Vec<AgentId> {
        if self.demand[id.index()] == NONE {
            return Vec::new();
        }
        match self.network.plan.task(id).map(|task| &task.by) {
            Some(By::All(agents)) => agents.clone(),
            Some(By::Any(_)) => match solution.chosen[id.index()] {
                NONE => Vec::new(),
                agent => vec![AgentId(agent)],
            },
            None => Vec::new(),
        }
    }

    fn add_demands(&mut self) {
        let mut known: BTreeMap<Demand, u32> = BTreeMap::new();
        let plan = self.network.plan;
        for id in plan.nodes.ids() {
            let task = plan.task(id).filter(|_| self.length[id.index()] > 0);
            let demand = task.map(|task| self.demand_for(task, self.when(id)));
            self.demand.push(match demand {
                Some(demand) => {
                    let next = known.len() as u32;
                    *known.entry(demand).or_insert(next)
                }
                None => NONE,
            });
        }
        let mut demands: Vec<(u32, Demand)> = known.into_iter().map(|(d, i)| (i, d)).collect();
        demands.sort_by_key(|&(index, _)| index);
        self.demands = demands.into_iter().map(|(_, demand)| demand).collect();
    }

    fn demand_for(&self, task: &Task, hours: When) -> Demand {
        let agents = self.network.plan.agents.len() as u32;
        let parallel = self.pools.len() as u32 - 1;
        let mut fixed: Vec<(u32, i64)> = task
            .uses
            .iter()
            .map(|&(resource, amount)| (agents + resource.0, amount.into()))
            .collect();
        if self.network.plan.parallel.is_some() {
            fixed.push((parallel, 1));
        }
        let mut any = Vec::new();
        match &task.by {
            By::All(agents) => fixed.extend(agents.iter().map(|agent| (agent.0, 1))),
            By::Any(agents) => {
                for agent in agents {
                    if !any.contains(&agent.0) {
                        any.push(agent.0);
                    }
                }
            }
        }
        Demand {
            fixed: self.merged(fixed),
            any,
            hours,
        }
    }

    fn when(&self, id: NodeId) -> When {
        match self.axis {
            Axis::Mixed(calendars) if self.network.spans[id].working => {
                calendars.number(id).map_or(When::Chosen, When::In)
            }
            Axis::Mixed(_) | Axis::Elapsed | Axis::Working(_) => When::Always,
        }
    }

    pub(super) fn is_mixed(&self) -> bool {
        matches!(self.axis, Axis::Mixed(_))
    }

    /// One amount per pool, none above the capacity. An agent counts once.
    fn merged(&self, mut fixed: Vec<(u32, i64)>) -> Vec<(u32, i64)> {
        let agents = self.network.plan.agents.len() as u32;
        fixed.sort_unstable();
        fixed.dedup_by(|next, before| {
            let same = next.0 == before.0;
            if same && next.0 >= agents {
                before.1 += next.1;
            }
            same
        });
        for (pool, amount) in &mut fixed {
            *amount = (*amount).min(self.pools[*pool as usize]);
        }
        fixed.retain(|&(_, amount)| amount > 0);
        fixed
    }
}

fn some(agent: u32) -> Option<AgentId> {
    Some(AgentId(agent)).filter(|_| agent != NONE)
}

fn pools(network: &Network, options: &Options) -> Vec<i64> {
    let plan = network.plan;
    let agents = plan.agents.values().map(|agent| match agent.capacity {
        0 => options.cores,
        capacity => capacity,
    });
    let resources = plan.resources.values().map(|resource| resource.capacity);
    let parallel = plan.parallel.unwrap_or(u32::MAX);
    agents
        .chain(resources)
        .chain([parallel])
        .map(|slots| i64::from(slots.max(1)))
        .collect()
}
