//! The logical path: dependencies, windows and the calendar, as if agents and resources had no
//! limits.
//!
//! The critical path method (Kelley & Walker 1959; Kelley 1961) over the whole graph of needs,
//! with lengths laid on the calendar: forwards the earliest times, backwards the latest ones that
//! keep the logical makespan. It does not know agents, resources or claims.
//!
//! - A node starts when its last need is there, and not before its window; working time starts at
//!   the next working instant.
//! - An `any of` need is there with its earliest alternative. Backwards only that one (the first
//!   of equals) is held to it; the others may be as late as the end.
//! - Retries, gates and approvals take no time; a task without an estimate takes none either and
//!   is listed.
//! - Slack is the latest start less the earliest, on the clock. A node without length that only a
//!   pause separates from its latest time has none.
//! - Contingent nodes (see [`network`]) are laid where they could begin, without length, with all
//!   the slack there is, and are never critical.

pub mod network;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use crate::calendar::Calendar;
use crate::calendars::Calendars;
use crate::plan::{Estimate, NodeKind, Origin, Plan, Span, Wanted};
use coord_lang::ids::{Id, NodeId, Table};
use network::{Group, Network};

/// The logical times of a node, in ms from the origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logical {
    pub earliest_start_ms: i64,
    pub earliest_finish_ms: i64,
    pub latest_start_ms: i64,
    pub latest_finish_ms: i64,
    /// How much later it may start without making the whole later.
    pub slack_ms: i64,
    /// Any delay of it delays the whole: no slack, and not contingent.
    pub critical: bool,
    /// The plan does not expect it to happen.
    pub contingent: bool,
}

/// One step of the critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub node: NodeId,
    pub why: Why,
}

/// What a node of the critical path starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing holds it: it starts with the plan.
    Start,
    /// Its own window (`not before`).
    Window,
    /// The end of an earlier step; joins between the two are left out.
    Need {
        on: NodeId,
        origin: Origin,
        wanted: Wanted,
    },
}

/// The logical schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriticalPath {
    pub nodes: Table<NodeId, Logical>,
    /// When everything that is expected has ended, with likely, low and high estimates.
    pub makespan_ms: i64,
    pub low_makespan_ms: i64,
    pub high_makespan_ms: i64,
    /// One longest path, from its start to the end: tasks, syncs and milestones.
    pub path: Vec<Step>,
    /// Tasks without an estimate, in plan order.
    pub missing_estimates: Vec<NodeId>,
}

/// Lengths on the calendar.
impl Calendar {
    /// When something of that length that may go ahead at `t` begins.
    pub fn begin(&self, span: Span, t: i64) -> i64 {
        if span.working && span.ms > 0 {
            self.next_working(t)
        } else {
            t
        }
    }

    pub fn finish(&self, span: Span, start: i64) -> i64 {
        if span.working {
            self.add_working(start, span.ms)
        } else {
            start.saturating_add(span.ms.max(0))
        }
    }

    /// The latest start that ends by `limit`.
    pub fn latest_start(&self, span: Span, limit: i64) -> i64 {
        if span.working {
            self.sub_working(limit, span.ms)
        } else {
            limit.saturating_sub(span.ms.max(0))
        }
    }
}

pub fn critical_path(network: &Network, calendars: &Calendars) -> CriticalPath {
    let plan = network.plan;
    let forward = Forward::run(network, calendars, &network.spans);
    let nodes = backward(network, calendars, &forward);
    let path = trace(network, calendars, &forward, &nodes);
    let makespan_with = |pick: fn(Estimate) -> Span| {
        let spans = with_estimates(network, pick);
        Forward::run(network, calendars, &spans).makespan
    };
    CriticalPath {
        makespan_ms: forward.makespan,
        low_makespan_ms: makespan_with(|estimate| estimate.low),
        high_makespan_ms: makespan_with(|estimate| estimate.high),
        path,
        missing_estimates: missing_estimates(plan),
        nodes,
    }
}

/// One longest path when every task takes as little as it may.
pub(crate) fn low_path(plan: &Plan, calendars: &Calendars) -> Vec<Step> {
    let mut network = Network::new(plan);
    network.spans = with_estimates(&network, |estimate| estimate.low);
    let forward = Forward::run(&network, calendars, &network.spans);
    let nodes = backward(&network, calendars, &forward);
    trace(&network, calendars, &forward, &nodes)
}

fn with_estimates(network: &Network, pick: fn(Estimate) -> Span) -> Table<NodeId, Span> {
    let estimate = |id| network.plan.task(id).and_then(|task| task.estimate);
    let pick = |id| match estimate(id) {
        Some(estimate) if !network.contingent[id] => pick(estimate),
        _ => network.spans[id],
    };
    network.plan.nodes.ids().map(pick).collect()
}

fn missing_estimates(plan: &Plan) -> Vec<NodeId> {
    plan.tasks()
        .filter(|(_, _, task)| task.estimate.is_none())
        .map(|(id, _, _)| id)
        .collect()
}

/// The earliest times.
struct Forward {
    start: Table<NodeId, i64>,
    finish: Table<NodeId, i64>,
    /// Which alternative satisfies each group, by group number.
    by: Vec<NodeId>,
    makespan: i64,
}

impl Forward {
    fn run(network: &Network, calendars: &Calendars, spans: &Table<NodeId, Span>) -> Forward {
        let zeros = || network.plan.nodes.ids().map(|_| 0).collect();
        let mut forward = Forward {
            start: zeros(),
            finish: zeros(),
            by: vec![NodeId(0); network.group_count()],
            makespan: 0,
        };
        for &id in &network.plan.order {
            let ready = forward.ready(network, id);
            (forward.start[id], forward.finish[id]) = calendars.place(id, spans[id], ready);
            if !network.contingent[id] {
                forward.makespan = forward.makespan.max(forward.finish[id]);
            }
        }
        forward
    }

    fn ready(&mut self, network: &Network, id: NodeId) -> i64 {
        let mut ready = network.release(id);
        for number in network.group_range(id) {
            let by = earliest(network.members(network.group(number)), &self.finish);
            self.by[number] = by;
            ready = ready.max(self.finish[by]);
        }
        ready
    }
}

/// The first of the earliest.
fn earliest(members: &[NodeId], finish: &Table<NodeId, i64>) -> NodeId {
    let mut best = members[0];
    for &member in &members[1..] {
        if finish[member] < finish[best] {
            best = member;
        }
    }
    best
}

fn backward(network: &Network, calendars: &Calendars, forward: &Forward) -> Table<NodeId, Logical> {
    let pauses = network.uses_working;
    let mut limit: Table<NodeId, i64> =
        network.plan.nodes.ids().map(|_| forward.makespan).collect();
    let mut nodes: Table<NodeId, Logical> = network
        .plan
        .nodes
        .ids()
        .map(|_| Logical::default())
        .collect();
    for &id in network.plan.order.iter().rev() {
        let (start, finish) = (forward.start[id], forward.finish[id]);
        if network.contingent[id] {
            nodes[id] = off_plan(start, forward.makespan);
            continue;
        }
        let span = network.spans[id];
        let latest = calendars.latest_start(id, span, limit[id]);
        for number in network.group_range(id) {
            let by = forward.by[number];
            limit[by] = limit[by].min(latest);
        }
        let pause = || calendars.project().working_between(start, latest) == 0;
        let only_a_pause = pauses && span.ms <= 0 && pause();
        let latest = if only_a_pause { start } else { latest };
        nodes[id] = Logical {
            earliest_start_ms: start,
            earliest_finish_ms: finish,
            latest_start_ms: latest,
            latest_finish_ms: calendars.place(id, span, latest).1,
            slack_ms: latest - start,
            critical: latest == start,
            contingent: false,
        };
    }
    nodes
}

fn off_plan(start: i64, makespan: i64) -> Logical {
    let latest = start.max(makespan);
    Logical {
        earliest_start_ms: start,
        earliest_finish_ms: start,
        latest_start_ms: latest,
        latest_finish_ms: latest,
        slack_ms: latest - start,
        critical: false,
        contingent: true,
    }
}

/// Walks back from the end, from each node to the need that it started with.
fn trace(
    network: &Network,
    calendars: &Calendars,
    forward: &Forward,
    nodes: &Table<NodeId, Logical>,
) -> Vec<Step> {
    let mut walk: Vec<(NodeId, Option<Group>)> = Vec::new();
    let mut at = last(network, forward);
    while let Some(node) = at {
        let driving = driving(network, calendars, forward, nodes, node);
        walk.push((node, driving.map(|(_, group)| group)));
        at = driving.map(|(number, _)| forward.by[number]);
    }
    walk.reverse();
    steps(network, &walk)
}

/// The walk without its joins.
fn steps(network: &Network, walk: &[(NodeId, Option<Group>)]) -> Vec<Step> {
    let is_join = |node: NodeId| network.plan.nodes[node].kind == NodeKind::Join;
    let waits = walk
        .first()
        .is_some_and(|&(first, _)| network.release(first) > 0);
    let mut path: Vec<Step> = Vec::new();
    for &(node, via) in walk.iter().filter(|&&(node, _)| !is_join(node)) {
        let need = via.map(|group| &network.plan.nodes[node].needs[group.need as usize]);
        let why = match (need, path.last()) {
            (Some(need), Some(before)) => Why::Need {
                on: before.node,
                origin: need.origin,
                wanted: need.wanted,
            },
            _ if waits => Why::Window,
            _ => Why::Start,
        };
        path.push(Step { node, why });
    }
    path
}

/// The node that everything ends with: the first of them that is no join, where there is one.
fn last(network: &Network, forward: &Forward) -> Option<NodeId> {
    let mut ends = network
        .plan
        .nodes
        .iter()
        .filter(|&(id, _)| !network.contingent[id] && forward.finish[id] == forward.makespan);
    let first = ends.next()?;
    let real = std::iter::once(first)
        .chain(ends)
        .find(|(_, node)| node.kind != NodeKind::Join);
    Some(real.map_or(first.0, |(id, _)| id))
}

/// The need that a node starts with; of several the one with the least slack, then the latest.
fn driving(
    network: &Network,
    calendars: &Calendars,
    forward: &Forward,
    nodes: &Table<NodeId, Logical>,
    node: NodeId,
) -> Option<(usize, Group)> {
    let drives = |number: &usize| {
        let ended = forward.finish[forward.by[*number]];
        calendars.place(node, network.spans[node], ended).0 == forward.start[node]
    };
    let number = network
        .group_range(node)
        .filter(drives)
        .min_by_key(|&number| {
            let by = forward.by[number];
            (nodes[by].slack_ms, -forward.finish[by], number)
        })?;
    Some((number, network.group(number)))
}

/// The position of each node in the plan's topological order.
pub(crate) fn positions(plan: &Plan) -> Vec<u32> {
    let mut positions = vec![0u32; plan.nodes.len()];
    for (position, id) in plan.order.iter().enumerate() {
        positions[id.index()] = position as u32;
    }
    positions
}
