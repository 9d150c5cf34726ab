//! What the plan says of one node: who does it, when, with how much room, behind what. For
//! hosts that show a node at a time.

use crate::plan::{NodeKind, Plan};
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
    /// How many nodes wait for it.
    pub waited_for_by: usize,
}

/// The outlook of a task, sync or milestone, by its name; of a phase, that of its end.
pub fn outlook(plan: &Plan, schedule: &Schedule, name: &str) -> Option<Outlook> {
    let phase = || plan.phases.values().find(|p| p.name == name).map(|p| p.end);
    let id = plan.find(name).or_else(phase)?;
    let node = schedule.nodes.get(id)?;
    let task = plan.task(id);
    let by = task.map(|task| &task.by);
    Some(Outlook {
        owners: by.map_or_else(Vec::new, |by| {
            let names = by.agents().iter();
            names.map(|a| plan.agents[*a].name.clone()).collect()
        }),
        any: matches!(by, Some(crate::plan::By::Any(_))),
        start_ms: node.start_ms,
        finish_ms: node.finish_ms,
        slack_ms: node.logical.slack_ms,
        critical: node.logical.critical,
        contingent: node.logical.contingent,
        unestimated: task.is_some_and(|task| task.estimate.is_none()),
        waits_for: waits_for(plan, id),
        waited_for_by: waited_for_by(plan, id),
    })
}

/// Joins are no work: what they wait for stands in their place.
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

fn waited_for_by(plan: &Plan, id: NodeId) -> usize {
    let waits =
        |needs: &[crate::plan::Need]| needs.iter().any(|need| need.nodes().any(|n| n == id));
    let nodes = plan.nodes.values();
    nodes.filter(|node| waits(&node.needs)).count()
}
