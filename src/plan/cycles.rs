//! Cycles, explained: one shortest closed way per component, each step with its declaration.

use crate::graph::Graph;
use crate::loops::Lines;
use crate::plan::{Node, NodeKind, Origin};
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
    components
        .iter()
        .map(|component| one(model, nodes, edges, graph, component))
        .collect()
}

fn one(
    model: &Model,
    nodes: &Table<NodeId, Node>,
    edges: &[Edge],
    graph: &Graph,
    component: &[usize],
) -> Diagnostic {
    let way = graph.shortest_cycle(component);
    let steps: Vec<Edge> = (0..way.len())
        .filter_map(|i| {
            let (from, to) = (way[i], way[(i + 1) % way.len()]);
            let mut between = edges
                .iter()
                .filter(|e| e.from.index() == from && e.to.index() == to);
            let first = between.next()?;
            // a written need explains more than an order
            Some(
                *std::iter::once(first)
                    .chain(between)
                    .find(|e| e.origin == Origin::Declared)
                    .unwrap_or(first),
            )
        })
        .collect();
    let name = |id: NodeId| nodes[id].name.as_str();
    let declared = steps
        .iter()
        .find(|e| matches!(e.origin, Origin::Declared | Origin::Artifact))
        .or(steps.first());
    let Some(declared) = declared.copied() else {
        return Diagnostic::new("E0301", Span::default(), "some tasks wait for each other");
    };
    if steps.len() == 1 {
        return Diagnostic::new(
            "E0302",
            declared.span,
            format!("`{}` needs itself", name(declared.to)),
        )
        .label("leads back to itself")
        .help("delete it");
    }
    if let Some(d) = later_phase(model, nodes, &steps, declared) {
        return d;
    }
    cycle(model, nodes, edges, &steps, component)
}

/// E0307: a task needs something of a later phase.
fn later_phase(
    model: &Model,
    nodes: &Table<NodeId, Node>,
    steps: &[Edge],
    declared: Edge,
) -> Option<Diagnostic> {
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
                nodes[declared.to].name,
                own.name.value,
                nodes[declared.from].name,
                other.name.value
            ),
        )
        .label("this opens only later")
        .related(own.name.span, "this phase has to end")
        .related(other.name.span, "before this one opens")
        .help("move one of the two tasks, or let the phases overlap with `after start`"),
    )
}

fn cycle(
    model: &Model,
    nodes: &Table<NodeId, Node>,
    edges: &[Edge],
    steps: &[Edge],
    component: &[usize],
) -> Diagnostic {
    // read as "a needs b needs c", from the need that is written first
    let mut steps: Vec<&Edge> = steps.iter().rev().collect();
    let written = |e: &Edge| {
        (
            !matches!(e.origin, Origin::Declared | Origin::Artifact),
            e.span,
        )
    };
    let first = (0..steps.len())
        .min_by_key(|i| written(steps[*i]))
        .unwrap_or(0);
    steps.rotate_left(first);
    if let Some(d) = phases(model, nodes, &steps) {
        return d;
    }
    let names: Vec<String> = steps
        .iter()
        .map(|e| format!("`{}`", nodes[e.to].name))
        .collect();
    let closed = format!("{} → {}", names.join(" → "), names[0]);
    let more = component.len().saturating_sub(steps.len());
    let also = if more > 0 {
        format!(" ({more} more are caught in it)")
    } else {
        String::new()
    };
    let tasks = steps
        .iter()
        .all(|e| matches!(nodes[e.to].kind, NodeKind::Task(_)));
    let what = if tasks {
        format!("{} tasks wait", steps.len())
    } else {
        "these wait".to_string()
    };
    let mut d = Diagnostic::new(
        "E0301",
        steps[0].span,
        format!("{what} for each other: {closed}{also}"),
    );
    for (index, step) in steps.iter().enumerate() {
        let (after, before) = (&nodes[step.to].name, &nodes[step.from].name);
        let text = match step.origin {
            Origin::Declared => format!("`{after}` needs `{before}`"),
            Origin::Sequence => format!("`{after}` comes after `{before}` in this sequence"),
            Origin::Phase => format!("`{after}` comes after `{before}` by the order of phases"),
            Origin::Artifact => format!("`{after}` needs what `{before}` makes"),
        };
        d = if index == 0 {
            d.label(text)
        } else {
            d.related(step.span, text)
        };
    }
    let help = if more > 0 {
        smallest_set(nodes, edges, component)
    } else {
        None
    };
    d.help(help.unwrap_or_else(|| "delete one of these, the one that matters least".into()))
}

/// A smallest set of written needs without which the component has no loop, in words. Orders of
/// phases and sequences stay.
fn smallest_set(
    nodes: &Table<NodeId, Node>,
    edges: &[Edge],
    component: &[usize],
) -> Option<String> {
    let inside = |id: NodeId| component.binary_search(&id.index()).ok();
    let mut kept = Vec::new();
    let mut lines = Lines::default();
    for edge in edges {
        let (Some(from), Some(to)) = (inside(edge.from), inside(edge.to)) else {
            continue;
        };
        if matches!(edge.origin, Origin::Declared | Origin::Artifact) {
            let (subject, on) = (&nodes[edge.to].name, &nodes[edge.from].name);
            lines.add(edge.span, subject, on, (from, to));
        } else {
            kept.push((from, to));
        }
    }
    lines.way_out(component.len(), kept)
}

/// Phases that come after each other, whatever is in them.
fn phases(model: &Model, nodes: &Table<NodeId, Node>, steps: &[&Edge]) -> Option<Diagnostic> {
    if steps.iter().any(|e| e.origin != Origin::Phase) {
        return None;
    }
    let mut way: Vec<(Span, &str)> = Vec::new();
    for step in steps {
        let phase = &model.phases[nodes[step.to].phase?];
        let own = phase.after.as_ref().map_or(phase.name.span, |a| a.span);
        if way.last().is_none_or(|(_, name)| *name != phase.name.value) && step.span == own {
            way.push((own, &phase.name.value));
        }
    }
    let first = (0..way.len()).min_by_key(|i| way[*i].0)?;
    way.rotate_left(first);
    let names: Vec<String> = way.iter().map(|(_, name)| format!("`{name}`")).collect();
    let message = match names.as_slice() {
        [own] => format!("phase {own} comes after itself"),
        many => format!(
            "{} phases wait for each other: {} → {}",
            many.len(),
            many.join(" → "),
            many[0]
        ),
    };
    let mut d = Diagnostic::new("E0301", way[0].0, message)
        .help("let one of them come `after start`, or after another phase");
    for (index, (span, name)) in way.iter().enumerate() {
        let before = names.get((index + 1) % names.len())?;
        let text = format!("`{name}` comes after {before}");
        d = if index == 0 {
            d.label(text)
        } else {
            d.related(*span, text)
        };
    }
    Some(d)
}
