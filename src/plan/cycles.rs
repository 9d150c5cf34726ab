//! Cycles, explained: one shortest closed way per component, each step with its declaration.

use crate::graph::Graph;
use crate::plan::{Node, Origin};
use coord_lang::diagnostic::Diagnostic;
use coord_lang::ids::{Id, NodeId, Table};
use coord_lang::model::Model;
use coord_lang::source::Span;

/// A dependency with the place that declared it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) origin: Origin,
    pub(crate) span: Span,
}

/// A diagnostic for each component.
pub(crate) fn explain(
    model: &Model,
    nodes: &Table<NodeId, Node>,
    edges: &[Edge],
    graph: &Graph,
    components: &[Vec<usize>],
) -> Vec<Diagnostic> {
    components.iter().map(|component| one(model, nodes, edges, graph, component)).collect()
}

fn one(model: &Model, nodes: &Table<NodeId, Node>, edges: &[Edge], graph: &Graph, component: &[usize]) -> Diagnostic {
    let way = graph.shortest_cycle(component);
    let steps: Vec<Edge> = (0..way.len())
        .filter_map(|i| {
            let (from, to) = (way[i], way[(i + 1) % way.len()]);
            let mut between = edges.iter().filter(|e| e.from.index() == from && e.to.index() == to);
            let first = between.next()?;
            // a written need explains more than an order
            Some(*std::iter::once(first).chain(between).find(|e| e.origin == Origin::Declared).unwrap_or(first))
        })
        .collect();
    let name = |id: NodeId| nodes[id].name.as_str();
    let declared = steps.iter().find(|e| matches!(e.origin, Origin::Declared | Origin::Artifact)).or(steps.first());
    let Some(declared) = declared.copied() else {
        return Diagnostic::new("E0301", Span::default(), "some tasks wait for each other");
    };
    if steps.len() == 1 {
        return Diagnostic::new("E0302", declared.span, format!("`{}` needs itself", name(declared.to)))
            .label("leads back to itself")
            .help("delete it");
    }
    if let Some(d) = later_phase(model, nodes, &steps, declared) {
        return d;
    }
    cycle(nodes, &steps, declared, component)
}

/// E0307: a task needs something of a later phase.
fn later_phase(model: &Model, nodes: &Table<NodeId, Node>, steps: &[Edge], declared: Edge) -> Option<Diagnostic> {
    if !steps.iter().any(|e| e.origin == Origin::Phase) {
        return None;
    }
    let own = nodes[declared.to].phase?;
    let other = nodes[declared.from].phase?;
    if own == other {
        return None;
    }
    let (own, other) = (&model.phases[own], &model.phases[other]);
    Some(
        Diagnostic::new(
            "E0307",
            declared.span,
            format!(
                "`{}` of phase `{}` needs `{}` of the later phase `{}`",
                nodes[declared.to].name, own.name.value, nodes[declared.from].name, other.name.value
            ),
        )
        .label("this opens only later")
        .related(own.name.span, "this phase has to end")
        .related(other.name.span, "before this one opens")
        .help("move one of the two tasks, or let the phases overlap with `after start`"),
    )
}

fn cycle(nodes: &Table<NodeId, Node>, steps: &[Edge], declared: Edge, component: &[usize]) -> Diagnostic {
    let mut names: Vec<&str> = steps.iter().map(|e| nodes[e.to].name.as_str()).collect();
    names.reverse(); // read as "a needs b needs c"
    let first = names.first().copied().unwrap_or("");
    let closed = format!("{} → {first}", names.join(" → "));
    let more = component.len().saturating_sub(steps.len());
    let also = if more > 0 { format!(" ({more} more are caught in it)") } else { String::new() };
    let message = format!("{} tasks wait for each other: {closed}{also}", steps.len());
    let mut d = Diagnostic::new("E0301", declared.span, message);
    for step in steps.iter().rev() {
        let (after, before) = (&nodes[step.to].name, &nodes[step.from].name);
        let text = match step.origin {
            Origin::Declared => format!("`{after}` needs `{before}`"),
            Origin::Sequence => format!("`{after}` comes after `{before}` in this sequence"),
            Origin::Phase => format!("`{after}` comes after `{before}` by the order of phases"),
            Origin::Artifact => format!("`{after}` needs what `{before}` makes"),
        };
        d = if step.span == declared.span && d.primary.text.is_empty() { d.label(text) } else { d.related(step.span, text) };
    }
    d.help("delete one of these, the one that matters least")
}
