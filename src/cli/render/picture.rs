//! A plan as pictures for other programs: a page, a drawing, a calendar, a table, a mermaid chart.
//!
//! What people wrote is escaped for the language that it is written into, here and nowhere else.

mod csv;
mod ical;
mod page;
mod svg;
mod timeline;

pub(crate) use csv::csv;
pub(crate) use ical::ical;
pub(crate) use page::page;
pub(crate) use svg::svg;
pub(crate) use timeline::timeline;

use super::outlook::Outlook;
use coord_lang::ids::{NodeId, PhaseId};
use coord_plan::plan::NodeKind;

/// A row of a picture in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Phase(PhaseId),
    /// Before what is in no phase, when there are phases.
    Outside,
    Node(NodeId),
}

/// All tasks, syncs and milestones by phase, in the order of their starts.
fn rows(outlook: &Outlook) -> Vec<Row> {
    let plan = outlook.plan;
    let mut groups: Vec<Vec<NodeId>> = vec![Vec::new(); plan.phases.len() + 1];
    for (id, node) in plan.nodes.iter() {
        if node.kind != NodeKind::Join {
            let phase = outlook.phase_of(id).map(|phase| phase.0 as usize);
            groups[phase.unwrap_or(plan.phases.len())].push(id);
        }
    }
    let headers = plan.phases.ids().map(|phase| Some(Row::Phase(phase)));
    let outside = plan.active_phases().next().map(|_| Row::Outside);
    let mut rows = Vec::new();
    for (header, mut nodes) in headers.chain([outside]).zip(groups) {
        if nodes.is_empty() {
            continue;
        }
        nodes.sort_by_key(|&id| {
            let times = &outlook.schedule.nodes[id];
            let is_task = plan.task(id).is_some();
            let from = if is_task {
                times.start_ms
            } else {
                times.finish_ms
            };
            (from, !is_task, times.finish_ms, id)
        });
        rows.extend(header);
        rows.extend(nodes.into_iter().map(Row::Node));
    }
    rows
}

/// Text inside an element or an attribute of XML and HTML; what XML cannot hold is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
