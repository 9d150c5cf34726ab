//! Holds a schedule against its plan. It shares no code with what made it, but the calendar and
//! which nodes are contingent.

use super::Schedule;
use crate::calendar::Calendar;
use crate::calendars::Calendars;
use crate::critical_path::network::contingent;
use crate::plan::{By, Plan, Span};
use coord_lang::ids::{AgentId, Id, NodeId, ResourceId, Table};
use std::collections::BTreeMap;

/// What a schedule does that the plan forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Not a schedule of this plan.
    Nodes,
    /// Starts before its window, or outside of working hours.
    Start {
        node: NodeId,
    },
    /// Takes another time than its estimate says.
    Length {
        node: NodeId,
    },
    /// Starts before the need with this number is there.
    Need {
        node: NodeId,
        need: usize,
    },
    /// Not the agents that the task names.
    Agents {
        node: NodeId,
    },
    AgentOverload {
        agent: AgentId,
        at_ms: i64,
    },
    /// A resource, or a claim that excludes tasks from each other.
    ResourceOverload {
        resource: ResourceId,
        at_ms: i64,
    },
    ParallelOverload {
        at_ms: i64,
    },
    Makespan,
    /// Ends before the lower bound, which then is none.
    LowerBound,
}

/// The time between two instants in which everybody works, shift by shift.
fn together(who: &[&Calendar], from: i64, to: i64) -> i64 {
    if let [one] = who {
        return one.working_between(from, to);
    }
    let mut sum = 0;
    let mut at = from;
    while at < to {
        let open = who.iter().map(|calendar| calendar.next_working(at));
        match open.max() {
            Some(open) if open > at => at = open,
            _ => {
                let closing = who.iter().map(|calendar| calendar.closing(at));
                let end = closing.min().unwrap_or(to).min(to);
                sum += end - at;
                at = end;
            }
        }
    }
    sum
}

pub fn validate(plan: &Plan, schedule: &Schedule) -> Result<(), Breach> {
    validate_on(plan, &Calendars::of(plan), schedule)
}

pub fn validate_on(plan: &Plan, calendars: &Calendars, schedule: &Schedule) -> Result<(), Breach> {
    if schedule.nodes.len() != plan.nodes.len() {
        return Err(Breach::Nodes);
    }
    let check = Check {
        plan,
        calendars,
        schedule,
        off: contingent(plan),
    };
    for id in plan.nodes.ids() {
        check.times(id)?;
        check.needs(id)?;
        check.agents(id)?;
    }
    check.loads()?;
    check.ends()
}

struct Check<'a> {
    plan: &'a Plan,
    calendars: &'a Calendars,
    schedule: &'a Schedule,
    off: Table<NodeId, bool>,
}

impl Check<'_> {
    fn span(&self, id: NodeId) -> Span {
        let estimate = self
            .plan
            .task(id)
            .filter(|_| !self.off[id])
            .and_then(|t| t.estimate);
        estimate.map_or(
            Span {
                ms: 0,
                working: false,
            },
            |estimate| estimate.likely,
        )
    }

    fn takes_time(&self, id: NodeId) -> bool {
        self.span(id).ms > 0
    }

    fn times(&self, id: NodeId) -> Result<(), Breach> {
        let (start, finish) = (
            self.schedule.nodes[id].start_ms,
            self.schedule.nodes[id].finish_ms,
        );
        let span = self.span(id);
        let agents = &self.schedule.nodes[id].agents;
        let who = self.calendars.each_of(agents);
        // those who are never at work together are laid out as if there were no pauses
        let never = self.calendars.placed(id, agents).never_works();
        let works = |calendar: &&Calendar| calendar.next_working(start) == start;
        let in_hours = !span.working || span.ms == 0 || never || who.iter().all(works);
        if start < self.plan.nodes[id].not_before_ms.unwrap_or(0) || start < 0 || !in_hours {
            return Err(Breach::Start { node: id });
        }
        let passed = match span.working {
            true if never => finish - start,
            true => together(&who, start, finish),
            false => finish - start,
        };
        // working time ends with work, not after a pause
        let ends_early =
            span.working && span.ms > 0 && !never && together(&who, start, finish - 1) >= span.ms;
        if passed != span.ms || ends_early || (span.ms == 0 && finish != start) {
            return Err(Breach::Length { node: id });
        }
        Ok(())
    }

    fn needs(&self, id: NodeId) -> Result<(), Breach> {
        let start = self.schedule.nodes[id].start_ms;
        for (number, need) in self.plan.nodes[id].needs.iter().enumerate() {
            let mut expected = need
                .nodes()
                .filter(|&on| self.off[id] || !self.off[on])
                .peekable();
            let nothing_to_wait_for = expected.peek().is_none();
            if !nothing_to_wait_for
                && !expected.any(|on| self.schedule.nodes[on].finish_ms <= start)
            {
                return Err(Breach::Need {
                    node: id,
                    need: number,
                });
            }
        }
        Ok(())
    }

    fn agents(&self, id: NodeId) -> Result<(), Breach> {
        let chosen = &self.schedule.nodes[id].agents;
        let right = match self.plan.task(id).map(|task| &task.by) {
            _ if !self.takes_time(id) => chosen.is_empty(),
            Some(By::All(agents)) => chosen == agents,
            Some(By::Any(agents)) if agents.is_empty() => chosen.is_empty(),
            Some(By::Any(agents)) => matches!(chosen[..], [one] if agents.contains(&one)),
            None => chosen.is_empty(),
        };
        if right {
            Ok(())
        } else {
            Err(Breach::Agents { node: id })
        }
    }

    fn loads(&self) -> Result<(), Breach> {
        let mut agents = vec![Vec::new(); self.plan.agents.len()];
        let mut resources = vec![Vec::new(); self.plan.resources.len()];
        let mut parallel = Vec::new();
        for (id, _, task) in self.plan.tasks().filter(|(id, _, _)| self.takes_time(*id)) {
            parallel.push((id, 1));
            let mut chosen = self.schedule.nodes[id].agents.clone();
            chosen.sort_unstable();
            chosen.dedup();
            chosen
                .iter()
                .for_each(|agent| agents[agent.index()].push((id, 1)));
            let mut used: BTreeMap<ResourceId, i64> = BTreeMap::new();
            for &(resource, amount) in &task.uses {
                *used.entry(resource).or_default() += i64::from(amount);
            }
            for (resource, amount) in used {
                let capacity = i64::from(self.plan.resources[resource].capacity.max(1));
                resources[resource.index()].push((id, amount.min(capacity)));
            }
        }
        for (agent, users) in self.plan.agents.ids().zip(agents) {
            let slots = match self.plan.agents[agent].capacity {
                0 => self.schedule.options.cores.max(1),
                slots => slots,
            };
            self.fits(users, slots)
                .map_err(|at_ms| Breach::AgentOverload { agent, at_ms })?;
        }
        for (resource, users) in self.plan.resources.ids().zip(resources) {
            let capacity = self.plan.resources[resource].capacity.max(1);
            self.fits(users, capacity)
                .map_err(|at_ms| Breach::ResourceOverload { resource, at_ms })?;
        }
        let cap = self.plan.parallel.map_or(u32::MAX, |cap| cap.max(1));
        self.fits(parallel, cap)
            .map_err(|at_ms| Breach::ParallelOverload { at_ms })
    }

    /// The instant at which the users take more than there is.
    fn fits(&self, users: Vec<(NodeId, i64)>, capacity: u32) -> Result<(), i64> {
        let mut changes: Vec<(i64, i64)> = Vec::with_capacity(2 * users.len());
        for (id, amount) in users {
            changes.push((self.schedule.nodes[id].start_ms, amount));
            changes.push((self.schedule.nodes[id].finish_ms, -amount));
        }
        changes.sort_unstable();
        let mut taken = 0;
        for (at, change) in changes {
            taken += change;
            if taken > i64::from(capacity) {
                return Err(at);
            }
        }
        Ok(())
    }

    fn ends(&self) -> Result<(), Breach> {
        let ends = self.schedule.nodes.iter().filter(|(id, _)| !self.off[*id]);
        if ends.map(|(_, node)| node.finish_ms).max().unwrap_or(0) != self.schedule.makespan_ms {
            return Err(Breach::Makespan);
        }
        if self.schedule.lower_bound.ms > self.schedule.makespan_ms {
            return Err(Breach::LowerBound);
        }
        Ok(())
    }
}
