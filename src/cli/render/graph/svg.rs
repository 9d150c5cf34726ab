//! The graph as a drawing (SVG), and the same drawing on a page.
//!
//! A large graph is drawn as its phases; without phases, as what is critical or holds the end.

use super::layout::{Graph, Layout, layout};
use super::{Drawing, EdgeKind};
use crate::cli::render::drawing::begin;
use crate::cli::render::picture::escaped;
use crate::cli::render::sheet::{cut, tame};
use coord_lang::ids::{Id, NodeId, PhaseId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// More nodes are too many to look at one by one.
const MOST_NODES: usize = 400;
const WIDE: f64 = 170.0;
const COLUMN: f64 = 250.0;
const HIGH: f64 = 42.0;
const EDGE: f64 = 24.0;
const TOP: f64 = 56.0;

const STYLE: &str = "\
.box{fill:#f5f7f9;stroke:#6d9dc5}.sync{fill:#e0f2f1;stroke:#00796b}
.milestone{fill:#ede7f6;stroke:#5e35b1}.join{fill:#9aa5b0}.critical{stroke:#d9822b;stroke-width:3}
path{fill:none;stroke:#9aa5b0}path.wants,path.artifact{stroke-dasharray:5 3}path.critical{stroke:#d9822b;stroke-width:2.5}
.off{opacity:.15}
@media(prefers-color-scheme:dark){.box{fill:#1c2228;stroke:#4f81ad}.sync{fill:#11302d}.milestone{fill:#241d33;stroke:#9a80d0}path{stroke:#5c6670}}
";

pub(crate) fn svg(plan: &Plan, schedule: &Schedule) -> String {
    let drawing = Drawing::new(plan, schedule);
    let boxes = Boxes::of(&drawing);
    boxes.draw(&tame(plan.title.as_deref().unwrap_or(&plan.project)))
}

/// One page with the drawing in it.
pub(crate) fn page(plan: &Plan, schedule: &Schedule) -> String {
    let title = escaped(&tame(plan.title.as_deref().unwrap_or(&plan.project)));
    let (before, after) = TEMPLATE.split_once("{{svg}}").unwrap_or((TEMPLATE, ""));
    let drawing = svg(plan, schedule);
    format!("{}{drawing}{after}", before.replace("{{title}}", &title))
}

const TEMPLATE: &str = include_str!("page.html");

/// What is drawn as one box.
struct Boxed {
    class: String,
    lines: Vec<String>,
    told: String,
    height: f64,
    wide: f64,
}

/// A graph of boxes, its nodes in topological order.
struct Boxes {
    boxes: Vec<Boxed>,
    edges: BTreeMap<(usize, usize), (&'static str, bool)>,
    note: String,
}

impl Boxes {
    fn of(drawing: &Drawing) -> Boxes {
        let plan = drawing.plan;
        let count = plan.nodes.len();
        if count <= MOST_NODES {
            return Boxes::nodes(drawing, &|_| true, String::new());
        }
        if plan.active_phases().count() > 1 {
            return Boxes::phases(drawing);
        }
        let chain: BTreeSet<NodeId> = drawing.schedule.chain.iter().map(|l| l.node).collect();
        let mut left = MOST_NODES;
        let kept: BTreeSet<NodeId> = plan
            .order
            .iter()
            .copied()
            .filter(|id| {
                let matters = chain.contains(id) || drawing.is_critical(*id);
                let kept = matters && left > 0;
                left -= usize::from(kept);
                kept
            })
            .collect();
        let note = format!(
            "{} of {count} nodes: what is critical or holds the end",
            kept.len()
        );
        Boxes::nodes(drawing, &|id| kept.contains(&id), note)
    }

    fn nodes(drawing: &Drawing, keep: &dyn Fn(NodeId) -> bool, note: String) -> Boxes {
        let plan = drawing.plan;
        let kept = plan
            .order
            .iter()
            .copied()
            .filter(|id| keep(*id) && !lone_join(plan, *id));
        let number: BTreeMap<NodeId, usize> = kept.enumerate().map(|(n, id)| (id, n)).collect();
        let mut by_number: Vec<(usize, NodeId)> = number.iter().map(|(id, n)| (*n, *id)).collect();
        by_number.sort_unstable();
        let boxes = by_number
            .iter()
            .map(|(_, id)| boxed(drawing, *id))
            .collect();
        let mut edges = BTreeMap::new();
        for edge in &drawing.edges {
            let (Some(from), Some(to)) = (number.get(&edge.from), number.get(&edge.to)) else {
                continue;
            };
            // what is only wanted may come later
            if from >= to {
                continue;
            }
            let class = match edge.kind {
                EdgeKind::Wants => "wants",
                EdgeKind::Artifact => "artifact",
                EdgeKind::Needs | EdgeKind::Sequence | EdgeKind::Phase => "",
            };
            let known = edges.entry((*from, *to)).or_insert((class, false));
            known.1 |= edge.critical;
        }
        Boxes { boxes, edges, note }
    }

    /// A box for each phase, and one for what is in none.
    fn phases(drawing: &Drawing) -> Boxes {
        let plan = drawing.plan;
        // of the phases in the order of their first nodes, as far as that is an order
        let mut number: BTreeMap<Option<PhaseId>, usize> = BTreeMap::new();
        let mut order: Vec<Option<PhaseId>> = Vec::new();
        for id in &plan.order {
            let phase = plan.nodes[*id].phase;
            if plan.nodes[*id].kind == NodeKind::Join && phase.is_none() {
                continue;
            }
            number.entry(phase).or_insert_with(|| {
                order.push(phase);
                order.len() - 1
            });
        }
        let boxes = order
            .iter()
            .map(|phase| phase_box(drawing, *phase))
            .collect();
        let mut edges: BTreeMap<(usize, usize), (&'static str, bool)> = BTreeMap::new();
        for (from, to, critical) in between_phases(drawing) {
            let (Some(from), Some(to)) = (number.get(&from), number.get(&to)) else {
                continue;
            };
            // what leads back between two phases is not drawn: columns go one way
            if from < to {
                edges.entry((*from, *to)).or_insert(("", false)).1 |= critical;
            }
        }
        let note = format!("{} nodes, drawn as their phases", plan.nodes.len());
        Boxes { boxes, edges, note }
    }

    fn draw(&self, title: &str) -> String {
        let order: Vec<usize> = (0..self.boxes.len()).collect();
        let edges: Vec<(usize, usize)> = self.edges.keys().copied().collect();
        let heights: Vec<f64> = self.boxes.iter().map(|b| b.height).collect();
        let found = layout(&Graph {
            order: &order,
            edges: &edges,
            heights: &heights,
            gap: 14.0,
        });
        let width = found.columns.max(1) as f64 * COLUMN - (COLUMN - WIDE) + 2.0 * EDGE;
        let height = found.height + TOP + EDGE;
        let size = (width.round() as i64, height.round() as i64);
        let mut out = begin(size, EDGE as i64, title, STYLE);
        if !self.note.is_empty() {
            let _ = writeln!(
                out,
                "<text class=\"dim\" x=\"{EDGE}\" y=\"42\">{}</text>",
                escaped(&self.note)
            );
        }
        for (number, (ends, (class, critical))) in self.edges.iter().enumerate() {
            self.edge(
                *ends,
                class,
                *critical,
                &found,
                &found.ways[number],
                &mut out,
            );
        }
        for (number, one) in self.boxes.iter().enumerate() {
            one.draw(
                number,
                x_of(found.places[number].0),
                found.places[number].1 + TOP,
                &mut out,
            );
        }
        out.push_str("</svg>\n");
        out
    }

    fn edge(
        &self,
        (from, to): (usize, usize),
        class: &str,
        critical: bool,
        found: &Layout,
        way: &[(usize, f64)],
        out: &mut String,
    ) {
        let right = |node: usize| {
            let (column, y) = found.places[node];
            (x_of(column) + self.boxes[node].wide, y + TOP)
        };
        let mut at = right(from);
        let mut path = format!("M{:.1} {:.1}", at.0, at.1);
        let (column, y) = found.places[to];
        let ends = way.iter().copied().chain([(column, y)]);
        for (number, (column, y)) in ends.enumerate() {
            let next = (x_of(column), y + TOP);
            let half = (at.0 + next.0) / 2.0;
            let _ = write!(
                path,
                "C{half:.1} {:.1} {half:.1} {:.1} {:.1} {:.1}",
                at.1, next.1, next.0, next.1
            );
            at = next;
            if number < way.len() {
                at.0 += WIDE;
                let _ = write!(path, "H{:.1}", at.0);
            }
        }
        let critical = if critical { " critical" } else { "" };
        let _ = writeln!(
            out,
            "<path class=\"{class}{critical}\" data-from=\"{from}\" data-to=\"{to}\" d=\"{path}\"/>"
        );
    }
}

fn x_of(column: usize) -> f64 {
    EDGE + column as f64 * COLUMN
}

impl Boxed {
    fn draw(&self, number: usize, x: f64, middle: f64, out: &mut String) {
        let top = middle - self.height / 2.0;
        let _ = writeln!(
            out,
            "<g data-node=\"{number}\"><title>{}</title><rect class=\"{}\" x=\"{x:.1}\" y=\"{top:.1}\" \
             width=\"{:.0}\" height=\"{:.0}\" rx=\"4\"/>",
            escaped(&self.told),
            self.class,
            self.wide,
            self.height
        );
        let lines = self.lines.len() as f64;
        for (line, text) in self.lines.iter().enumerate() {
            let y = middle + (line as f64 - (lines - 1.0) / 2.0) * 15.0 + 4.0;
            let class = if line > 0 { " class=\"dim\"" } else { "" };
            let _ = writeln!(
                out,
                "<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                x + 8.0,
                escaped(&cut(text, 24))
            );
        }
        out.push_str("</g>\n");
    }
}

/// A join that ties nothing together.
fn lone_join(plan: &Plan, id: NodeId) -> bool {
    let node = &plan.nodes[id];
    node.kind == NodeKind::Join && node.needs.is_empty()
}

fn boxed(drawing: &Drawing, id: NodeId) -> Boxed {
    let node = &drawing.plan.nodes[id];
    let critical = if drawing.is_critical(id) {
        " critical"
    } else {
        ""
    };
    let class = match node.kind {
        NodeKind::Task(_) => "box",
        NodeKind::Sync(_) => "sync",
        NodeKind::Milestone(_) => "milestone",
        NodeKind::Join => {
            return Boxed {
                class: "join".into(),
                lines: Vec::new(),
                told: "all of these".into(),
                height: 8.0,
                wide: 8.0,
            };
        }
    };
    let lines = drawing.label_lines(id);
    let phase = node.phase.map(|phase| drawing.phase_title(phase));
    Boxed {
        class: format!("{class}{critical}"),
        told: lines
            .iter()
            .cloned()
            .chain(phase)
            .collect::<Vec<_>>()
            .join("\n"),
        lines,
        height: HIGH,
        wide: WIDE,
    }
}

fn phase_box(drawing: &Drawing, phase: Option<PhaseId>) -> Boxed {
    let tasks: Vec<NodeId> = drawing
        .nodes_in(phase)
        .filter(|id| drawing.plan.task(*id).is_some())
        .collect();
    let critical = tasks.iter().filter(|id| drawing.is_critical(**id)).count();
    let name = match phase {
        Some(phase) => drawing.phase_title(phase),
        None => "Outside the phases".into(),
    };
    let class = if critical > 0 { "box critical" } else { "box" };
    let size = format!("{} tasks, {critical} critical", tasks.len());
    Boxed {
        class: class.into(),
        told: format!("{name}\n{size}"),
        lines: vec![name, size],
        height: HIGH,
        wide: WIDE,
    }
}

/// Which phases wait for which, over joins outside of phases too.
fn between_phases(drawing: &Drawing) -> Vec<(Option<PhaseId>, Option<PhaseId>, bool)> {
    let plan = drawing.plan;
    // what stands behind a join that is in no phase: the phases that it waits for
    let mut behind: Vec<BTreeSet<Option<PhaseId>>> = vec![BTreeSet::new(); plan.nodes.len()];
    for id in &plan.order {
        let node = &plan.nodes[*id];
        if node.kind != NodeKind::Join || node.phase.is_some() {
            behind[id.index()] = BTreeSet::from([node.phase]);
            continue;
        }
        let mut all = BTreeSet::new();
        for on in node.needs.iter().flat_map(|need| need.nodes()) {
            all.extend(behind[on.index()].iter().copied());
        }
        behind[id.index()] = all;
    }
    let mut found: BTreeMap<(Option<PhaseId>, Option<PhaseId>), bool> = BTreeMap::new();
    for edge in &drawing.edges {
        let to = plan.nodes[edge.to].phase;
        if plan.nodes[edge.to].kind == NodeKind::Join && to.is_none() {
            continue;
        }
        for from in behind[edge.from.index()].iter().filter(|from| **from != to) {
            *found.entry((*from, to)).or_default() |= edge.critical;
        }
    }
    found
        .into_iter()
        .map(|((from, to), c)| (from, to, c))
        .collect()
}
