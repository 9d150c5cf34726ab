//! Who has more to do than there is time for, if everything else went by needs alone.
//!
//! An agent is overloaded in a phase when what it does there takes longer, with all its slots busy,
//! than the phase would take if everybody could do everything at once; in a plan without phases,
//! the same of the whole plan.

use super::Schedule;
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::plan::Plan;
use coord_lang::ids::{AgentId, Id, PhaseId};

/// More work than time. Working time of the agent when the plan has any, else all time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overload {
    pub agent: AgentId,
    /// None for the whole plan.
    pub phase: Option<PhaseId>,
    pub work_ms: i64,
    /// What needs alone take, by the agent's hours, for one of its slots.
    pub time_ms: i64,
    pub slots: u32,
}

impl Overload {
    fn excess_ms(&self) -> i64 {
        let room = self.time_ms.saturating_mul(i64::from(self.slots));
        self.work_ms.saturating_sub(room)
    }
}

/// Every overload, the largest first.
pub fn overloads(plan: &Plan, schedule: &Schedule) -> Vec<Overload> {
    let uses_working = Network::new(plan).uses_working;
    let calendars = Calendars::of(plan);
    let counted = |agent: AgentId, from: i64, to: i64| match uses_working {
        true => calendars.agent(agent).working_between(from, to),
        false => to - from,
    };
    let agents = plan.agents.len();
    let by_phase = plan.active_phases().next().is_some();
    let places = if by_phase { plan.phases.len() } else { 1 };
    let mut work = vec![0i64; agents * places];
    for (id, node) in schedule.nodes.iter() {
        let place = match by_phase {
            true => plan.nodes[id].phase.map(Id::index),
            false => Some(0),
        };
        let Some(place) = place else { continue };
        for &agent in &node.agents {
            work[place * agents + agent.index()] += counted(agent, node.start_ms, node.finish_ms);
        }
    }
    let mut found = Vec::new();
    for place in 0..places {
        let phase = by_phase.then(|| PhaseId::from_index(place));
        let times = match phase {
            Some(phase) => schedule.phases[phase].logical_ms,
            None => Some((0, schedule.logical_makespan_ms)),
        };
        let Some((from, to)) = times else { continue };
        for agent in plan.agents.ids() {
            let overload = Overload {
                agent,
                phase,
                work_ms: work[place * agents + agent.index()],
                time_ms: counted(agent, from, to),
                slots: schedule.agents[agent].slots,
            };
            if overload.work_ms > 0 && overload.excess_ms() > 0 {
                found.push(overload);
            }
        }
    }
    found.sort_by_key(|overload| std::cmp::Reverse(overload.excess_ms()));
    found
}
