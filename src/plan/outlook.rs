//! What the plan says of one node: who does it, when, with how much room, behind what. For
//! hosts that show a node at a time.

use crate::plan::{By, NodeKind, Plan};
use crate::schedule::Schedule;
use coord_lang::ids::NodeId;

/// Times are ms from the plan's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Who is named for it; one of them does it when there are several and `any` is set.
    pub owners: Vec<String>,
    pub any: bool,
    /// In the levelled schedule.
    pub start_ms: i64,
    pub finish_ms: i64,
    /// How much later it may start without making the whole later.
    pub slack_ms: i64,
    /// Any delay of it delays the whole.
    pub critical: bool,
    /// The plan does not expect it to happen.
    pub contingent: bool,
    /// A task without `takes`: it counts as no time.
    pub unestimated: bool,
    /// What it waits for, by name, in written order.
    pub waits_for: Vec<String>,
}

/// The outlook of a task, phase, sync or milestone, by its name.
pub fn outlook(plan: &Plan, schedule: &Schedule, name: &str) -> Option<Outlook> {
    match plan.find(name) {
        Some(id) => node(plan, schedule, id),
        None => phase(plan, schedule, name),
    }
}

fn node(plan: &Plan, schedule: &Schedule, id: NodeId) -> Option<Outlook> {
    let node = schedule.nodes.get(id)?;
    let task = plan.task(id);
    let by = task.map(|task| &task.by);
    Some(Outlook {
        owners: by.map_or_else(Vec::new, |by| {
            let names = by.agents().iter();
            names.map(|a| plan.agents[*a].name.clone()).collect()
        }),
        any: matches!(by, Some(By::Any(_))),
        start_ms: node.start_ms,
        finish_ms: node.finish_ms,
        slack_ms: node.logical.slack_ms,
        critical: node.logical.critical,
        contingent: node.logical.contingent,
        unestimated: task.is_some_and(|task| task.estimate.is_none()),
        waits_for: waits_for(plan, id),
    })
}

/// A phase lasts from the first start in it until it passes, and waits for what opens it.
fn phase(plan: &Plan, schedule: &Schedule, name: &str) -> Option<Outlook> {
    let (id, phase) = plan.phases.iter().find(|(_, phase)| phase.name == name)?;
    let span = schedule.phases.get(id)?;
    Some(Outlook {
        start_ms: span.levelled_ms.map_or(span.end_ms, |(start, _)| start),
        finish_ms: span.end_ms,
        waits_for: phase.open.map_or_else(Vec::new, |open| named(plan, open)),
        ..node(plan, schedule, phase.end)?
    })
}

/// What the plan says of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub tasks: u32,
    /// The share of its time that it is busy, in thousandths.
    pub per_mille: i64,
}

/// The load of an agent or a human, by name; None for who has nothing to do.
pub fn load(plan: &Plan, schedule: &Schedule, name: &str) -> Option<Load> {
    let (id, _) = plan.agents.iter().find(|(_, agent)| agent.name == name)?;
    let load = schedule.agents.get(id).filter(|load| load.tasks > 0)?;
    Some(Load {
        tasks: load.tasks,
        per_mille: load.per_mille(),
    })
}

/// A node by its name; a join is no work, and what it waits for stands in its place.
fn named(plan: &Plan, id: NodeId) -> Vec<String> {
    match plan.nodes[id].kind {
        NodeKind::Join => waits_for(plan, id),
        _ => vec![plan.nodes[id].name.clone()],
    }
}

fn waits_for(plan: &Plan, id: NodeId) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::from([id]);
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        for on in plan.nodes[next].needs.iter().flat_map(|need| need.nodes()) {
            if !seen.insert(on) {
                continue;
            }
            match plan.nodes[on].kind {
                NodeKind::Join => open.push(on),
                _ => names.push(plan.nodes[on].name.clone()),
            }
        }
    }
    names
}
