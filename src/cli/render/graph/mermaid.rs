//! The graph as a mermaid flowchart.

use super::{Drawing, Edge, EdgeKind};
use coord_lang::ids::{Id, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use std::fmt::Write as _;

/// Mermaid refuses more edges unless the page that shows it raises `maxEdges`.
const MERMAID_EDGES: usize = 500;

const CLASSES: &str = "  classDef critical fill:#fff3cd,stroke:#c0392b,stroke-width:3px,color:#222
  classDef sync fill:#e0f2f1,stroke:#00796b,color:#222
  classDef milestone fill:#ede7f6,stroke:#5e35b1,color:#222
  classDef join fill:#999,stroke:#999,color:#999
";

pub(crate) fn mermaid(plan: &Plan, schedule: &Schedule) -> String {
    let drawing = Drawing::new(plan, schedule);
    let mut out = String::new();
    if drawing.edges.len() > MERMAID_EDGES {
        let _ = writeln!(
            out,
            "%% {} edges: give mermaid `maxEdges: {0}`",
            drawing.edges.len()
        );
    }
    out.push_str("flowchart LR\n");
    for phase in plan.active_phases() {
        let title = escape(&drawing.phase_title(phase));
        let _ = writeln!(out, "  subgraph p{}[\"{title}\"]", phase.index());
        drawing
            .nodes_in(Some(phase))
            .for_each(|id| node(&drawing, id, "    ", &mut out));
        out.push_str("  end\n");
    }
    drawing
        .nodes_in(None)
        .for_each(|id| node(&drawing, id, "  ", &mut out));
    drawing.edges.iter().for_each(|edge| arrow(edge, &mut out));
    out.push_str(CLASSES);
    classes(&drawing, &mut out);
    link_styles(&drawing, &mut out);
    out
}

fn node(drawing: &Drawing, id: NodeId, indent: &str, out: &mut String) {
    let lines: Vec<String> = drawing
        .label_lines(id)
        .iter()
        .map(|line| escape(line))
        .collect();
    let label = lines.join("<br/>");
    let shape = match &drawing.plan.nodes[id].kind {
        NodeKind::Task(_) => format!("[\"{label}\"]"),
        NodeKind::Sync(_) => format!("{{\"{label}\"}}"),
        NodeKind::Milestone(_) => format!("([\"{label}\"])"),
        NodeKind::Join => "((\" \"))".into(),
    };
    let _ = writeln!(out, "{indent}n{}{shape}", id.index());
}

fn arrow(edge: &Edge, out: &mut String) {
    let line = match edge.kind {
        EdgeKind::Needs | EdgeKind::Artifact => "-->",
        EdgeKind::Sequence | EdgeKind::Phase | EdgeKind::Wants => "-.->",
    };
    let label = match edge.label() {
        "" => String::new(),
        label => format!("|{label}|"),
    };
    let _ = writeln!(
        out,
        "  n{} {line}{label} n{}",
        edge.from.index(),
        edge.to.index()
    );
}

fn classes(drawing: &Drawing, out: &mut String) {
    let kind = |id: NodeId| match &drawing.plan.nodes[id].kind {
        NodeKind::Join => "join",
        _ if drawing.is_critical(id) => "critical",
        NodeKind::Task(_) => "",
        NodeKind::Sync(_) => "sync",
        NodeKind::Milestone(_) => "milestone",
    };
    for class in ["critical", "sync", "milestone", "join"] {
        let nodes = drawing.plan.nodes.ids().filter(|&id| kind(id) == class);
        let nodes: Vec<String> = nodes.map(|id| format!("n{}", id.index())).collect();
        if !nodes.is_empty() {
            let _ = writeln!(out, "  class {} {class}", nodes.join(","));
        }
    }
}

/// Mermaid counts links from 0, in the order in which they are written.
fn link_styles(drawing: &Drawing, out: &mut String) {
    let styles = [
        "stroke:#c0392b,stroke-width:3px",
        "stroke-dasharray:6 4",
        "stroke-dasharray:1 4",
    ];
    for style in styles {
        let numbers = drawing.edges.iter().enumerate();
        let numbers = numbers.filter(|(_, edge)| link_style(edge, &styles) == Some(style));
        let numbers: Vec<String> = numbers.map(|(number, _)| number.to_string()).collect();
        if !numbers.is_empty() {
            let _ = writeln!(out, "  linkStyle {} {style}", numbers.join(","));
        }
    }
}

fn link_style<'s>(edge: &Edge, [critical, dashed, dotted]: &[&'s str; 3]) -> Option<&'s str> {
    match edge.kind {
        _ if edge.critical => Some(critical),
        EdgeKind::Needs | EdgeKind::Artifact => None,
        EdgeKind::Sequence | EdgeKind::Phase => Some(dashed),
        EdgeKind::Wants => Some(dotted),
    }
}

/// Text for inside `"…"`: everything that mermaid or HTML would take for more than text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' | '`' | '\\' | '*' | '_' | '[' | ']' | '{' | '}' | '(' | ')' | '|' | ';' | '%' => {
                let _ = write!(out, "#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
