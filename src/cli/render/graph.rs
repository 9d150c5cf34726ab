//! The graph of a plan: drawn (SVG, a page), and as other tools draw it (mermaid, dot, JSON).
//!
//! One list of nodes and one of edges, in the order of the plan; the formats only write them down.
//! An edge goes from what comes first to what waits for it.

mod dot;
mod json;
mod layout;
mod mermaid;
mod svg;

pub(crate) use dot::dot;
pub(crate) use json::json;
pub(crate) use mermaid::mermaid;
pub(crate) use svg::{page, svg};

use super::sheet::tame;
use coord_lang::ids::{NodeId, PhaseId};
use coord_plan::critical_path::Why;
use coord_plan::plan::{NodeKind, Origin, Plan, Wanted};
use coord_plan::schedule::Schedule;
use std::collections::BTreeSet;

/// Everything that the formats write.
struct Drawing<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    edges: Vec<Edge>,
}

struct Edge {
    from: NodeId,
    to: NodeId,
    kind: EdgeKind,
    wanted: Wanted,
    /// One of several that would do.
    alternative: bool,
    /// Part of the critical path.
    critical: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EdgeKind {
    Needs,
    Artifact,
    Sequence,
    Phase,
    Wants,
}

impl<'a> Drawing<'a> {
    fn new(plan: &'a Plan, schedule: &'a Schedule) -> Drawing<'a> {
        let critical = critical_edges(plan, schedule);
        let mut edges = Vec::new();
        for (to, node) in plan.nodes.iter() {
            for need in &node.needs {
                edges.extend(need.nodes().map(|from| Edge {
                    from,
                    to,
                    kind: EdgeKind::of(need.origin),
                    wanted: need.wanted,
                    alternative: !need.or.is_empty(),
                    critical: critical.contains(&(from, to)),
                }));
            }
            edges.extend(node.wants.iter().map(|want| Edge {
                from: want.on,
                to,
                kind: EdgeKind::Wants,
                wanted: Wanted::Done,
                alternative: false,
                critical: false,
            }));
        }
        Drawing {
            plan,
            schedule,
            edges,
        }
    }

    /// The nodes of a phase, or those of none.
    fn nodes_in(&self, phase: Option<PhaseId>) -> impl Iterator<Item = NodeId> {
        self.plan
            .nodes
            .iter()
            .filter(move |(_, node)| node.phase == phase)
            .map(|(id, _)| id)
    }

    fn phase_title(&self, phase: PhaseId) -> String {
        let phase = &self.plan.phases[phase];
        tame(phase.title.as_deref().unwrap_or(&phase.name))
    }

    fn is_critical(&self, node: NodeId) -> bool {
        self.schedule.nodes[node].logical.critical
    }

    /// Name and title, a line each.
    fn label_lines(&self, node: NodeId) -> Vec<String> {
        let node = &self.plan.nodes[node];
        std::iter::once(node.name.as_str())
            .chain(node.title.as_deref())
            .map(tame)
            .collect()
    }
}

impl EdgeKind {
    fn of(origin: Origin) -> EdgeKind {
        match origin {
            Origin::Declared => EdgeKind::Needs,
            Origin::Artifact => EdgeKind::Artifact,
            Origin::Sequence => EdgeKind::Sequence,
            Origin::Phase => EdgeKind::Phase,
        }
    }

    fn name(self) -> &'static str {
        match self {
            EdgeKind::Needs => "needs",
            EdgeKind::Artifact => "artifact",
            EdgeKind::Sequence => "sequence",
            EdgeKind::Phase => "phase",
            EdgeKind::Wants => "wants",
        }
    }
}

impl Edge {
    /// What is written at it; nothing at a plain need.
    fn label(&self) -> &'static str {
        match (self.kind, self.wanted, self.alternative) {
            (EdgeKind::Wants, _, _) => "wants",
            (_, Wanted::Failed, _) => "failed",
            (_, Wanted::Finished, _) => "finished",
            (_, Wanted::Skipped, _) => "skipped",
            (_, Wanted::Done, true) => "any of",
            (_, Wanted::Done, false) => "",
        }
    }
}

fn wanted_name(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Done => "done",
        Wanted::Failed => "failed",
        Wanted::Finished => "finished",
        Wanted::Skipped => "skipped",
    }
}

/// The edges between the steps of the critical path, with the joins between them.
fn critical_edges(plan: &Plan, schedule: &Schedule) -> BTreeSet<(NodeId, NodeId)> {
    let mut edges = BTreeSet::new();
    for step in &schedule.critical_path {
        if let Why::Need { on, .. } = step.why {
            let way = way_through_joins(plan, on, step.node);
            edges.extend(way.windows(2).map(|pair| (pair[0], pair[1])));
        }
    }
    edges
}

/// From `from` to `to`, over nothing but joins.
fn way_through_joins(plan: &Plan, from: NodeId, to: NodeId) -> Vec<NodeId> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![to]];
    while let Some(way) = ways.pop() {
        let Some(&first) = way.last() else { continue };
        for on in plan.nodes[first].needs.iter().flat_map(|need| need.nodes()) {
            let mut longer = way.clone();
            longer.push(on);
            if on == from {
                longer.reverse();
                return longer;
            }
            if plan.nodes[on].kind == NodeKind::Join && seen.insert(on) {
                ways.push(longer);
            }
        }
    }
    Vec::new()
}
