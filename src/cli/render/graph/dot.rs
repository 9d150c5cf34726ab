//! The graph in graphviz' language.

use super::{Drawing, Edge, EdgeKind};
use coord_lang::ids::{Id, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use std::fmt::Write as _;

const HEAD: &str = "  rankdir=LR;
  node [shape=box, style=filled, fillcolor=white, fontname=\"Helvetica,Arial,sans-serif\"];
  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10];
";
const CRITICAL: &str = "color=\"#c0392b\", penwidth=3";

pub(crate) fn dot(plan: &Plan, schedule: &Schedule) -> String {
    let drawing = Drawing::new(plan, schedule);
    let mut out = format!("digraph \"{}\" {{\n{HEAD}", escape(&plan.project));
    for phase in plan.active_phases() {
        let title = escape(&drawing.phase_title(phase));
        let _ = writeln!(
            out,
            "  subgraph cluster_{} {{\n    label=\"{title}\";",
            phase.index()
        );
        drawing
            .nodes_in(Some(phase))
            .for_each(|id| node(&drawing, id, "    ", &mut out));
        out.push_str("  }\n");
    }
    drawing
        .nodes_in(None)
        .for_each(|id| node(&drawing, id, "  ", &mut out));
    drawing.edges.iter().for_each(|edge| arrow(edge, &mut out));
    out.push_str("}\n");
    out
}

fn node(drawing: &Drawing, id: NodeId, indent: &str, out: &mut String) {
    let lines: Vec<String> = drawing
        .label_lines(id)
        .iter()
        .map(|line| escape(line))
        .collect();
    let label = format!("label=\"{}\"", lines.join("\\n"));
    let shape = match &drawing.plan.nodes[id].kind {
        NodeKind::Task(_) => label,
        NodeKind::Sync(_) => format!("{label}, shape=diamond, fillcolor=\"#e0f2f1\""),
        NodeKind::Milestone(_) => {
            format!("{label}, style=\"filled,rounded\", fillcolor=\"#ede7f6\"")
        }
        NodeKind::Join => "label=\"\", shape=point".into(),
    };
    let is_join = drawing.plan.nodes[id].kind == NodeKind::Join;
    let mark = if drawing.is_critical(id) && !is_join {
        format!(", {CRITICAL}")
    } else {
        String::new()
    };
    let _ = writeln!(out, "{indent}n{} [{shape}{mark}];", id.index());
}

fn arrow(edge: &Edge, out: &mut String) {
    let mut attributes = Vec::new();
    match edge.kind {
        EdgeKind::Needs | EdgeKind::Artifact => {}
        EdgeKind::Sequence | EdgeKind::Phase => attributes.push("style=dashed".to_string()),
        EdgeKind::Wants => attributes.push("style=dotted".to_string()),
    }
    if !edge.label().is_empty() {
        attributes.push(format!("label=\"{}\"", edge.label()));
    }
    if edge.critical {
        attributes.push(CRITICAL.to_string());
    }
    let attributes = match attributes.is_empty() {
        true => String::new(),
        false => format!(" [{}]", attributes.join(", ")),
    };
    let _ = writeln!(
        out,
        "  n{} -> n{}{attributes};",
        edge.from.index(),
        edge.to.index()
    );
}

/// Text for inside `"…"`. Graphviz reads `&name;` as HTML does, and `\` as the start of more.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}
