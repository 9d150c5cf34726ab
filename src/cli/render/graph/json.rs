//! The graph as JSON: `coord.graph/1`. A join's id is its number, as in `coord.plan/1`.

use super::{Drawing, Edge, wanted_name};
use crate::cli::render::plan_json::id_of;
use coord_lang::ids::NodeId;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    project: &'a str,
    phases: Vec<PhaseJson<'a>>,
    nodes: Vec<NodeJson<'a>>,
    edges: Vec<EdgeJson<'a>>,
    critical_path: Vec<&'a str>,
}

#[derive(Serialize)]
struct PhaseJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    id: Cow<'a, str>,
    /// `task`, `sync`, `milestone` or `join`.
    kind: &'static str,
    title: Option<&'a str>,
    phase: Option<&'a str>,
    agents: Vec<&'a str>,
    critical: bool,
}

#[derive(Serialize)]
struct EdgeJson<'a> {
    from: Cow<'a, str>,
    to: Cow<'a, str>,
    /// `needs`, `artifact`, `sequence`, `phase` or `wants`.
    kind: &'static str,
    /// `done`, `failed`, `finished` or `skipped`.
    wanted: &'static str,
    /// One of several that would do.
    alternative: bool,
    critical: bool,
}

pub(crate) fn json(plan: &Plan, schedule: &Schedule) -> String {
    let drawing = Drawing::new(plan, schedule);
    let document = Document {
        schema: "coord.graph/1",
        project: &plan.project,
        phases: plan
            .phases
            .values()
            .map(|phase| PhaseJson {
                id: &phase.name,
                title: phase.title.as_deref(),
            })
            .collect(),
        nodes: plan.nodes.ids().map(|id| node(&drawing, id)).collect(),
        edges: drawing.edges.iter().map(|e| edge(plan, e)).collect(),
        critical_path: schedule
            .critical_path
            .iter()
            .map(|step| plan.nodes[step.node].name.as_str())
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn node<'a>(drawing: &Drawing<'a>, id: NodeId) -> NodeJson<'a> {
    let plan = drawing.plan;
    let node = &plan.nodes[id];
    let (kind, agents) = match &node.kind {
        NodeKind::Task(task) => ("task", task.by.agents()),
        NodeKind::Sync(sync) => ("sync", sync.participants.as_slice()),
        NodeKind::Milestone(_) => ("milestone", [].as_slice()),
        NodeKind::Join => ("join", [].as_slice()),
    };
    NodeJson {
        id: id_of(plan, id),
        kind,
        title: node.title.as_deref(),
        phase: node.phase.map(|phase| plan.phases[phase].name.as_str()),
        agents: agents
            .iter()
            .map(|&agent| plan.agents[agent].name.as_str())
            .collect(),
        critical: drawing.is_critical(id),
    }
}

fn edge<'a>(plan: &'a Plan, edge: &Edge) -> EdgeJson<'a> {
    EdgeJson {
        from: id_of(plan, edge.from),
        to: id_of(plan, edge.to),
        kind: edge.kind.name(),
        wanted: wanted_name(edge.wanted),
        alternative: edge.alternative,
        critical: edge.critical,
    }
}
