//! A plan as a table (RFC 4180), for spreadsheets.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@` for a formula; such a cell gets
//! an apostrophe in front, which spreadsheets do not show.

use crate::cli::render::outlook::Outlook;
use coord_lang::ids::NodeId;
use coord_plan::clock::Clock;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;

const HEAD: [&str; 17] = [
    "kind",
    "id",
    "title",
    "phase",
    "agents",
    "start",
    "finish",
    "start_s",
    "finish_s",
    "takes",
    "slack_s",
    "critical",
    "holds_end",
    "due",
    "late",
    "priority",
    "needs",
];

pub(crate) fn csv(plan: &Plan, schedule: &Schedule) -> String {
    let outlook = Outlook::new(plan, schedule);
    let mut out = HEAD.join(",");
    out.push_str("\r\n");
    for row in super::rows(&outlook) {
        if let super::Row::Node(node) = row {
            let cells: Vec<String> = cells(&outlook, node).iter().map(|c| cell(c)).collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
        }
    }
    out
}

fn cells(outlook: &Outlook, id: NodeId) -> Vec<String> {
    let (plan, times) = (outlook.plan, &outlook.schedule.nodes[id]);
    let clock = Clock::of(plan);
    let at = |ms: i64| clock.rfc3339(ms).unwrap_or_default();
    let secs = |ms: i64| match ms % 1000 {
        0 => (ms / 1000).to_string(),
        _ => (ms as f64 / 1000.0).to_string(),
    };
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_string();
    let task = plan.task(id);
    let due = outlook.due_ms(id);
    let needs = plan.nodes[id].needs.iter().flat_map(|need| need.nodes());
    let needs: Vec<String> = needs.map(|on| outlook.name(on)).collect();
    vec![
        match plan.nodes[id].kind {
            NodeKind::Task(_) => "task",
            NodeKind::Sync(_) => "sync",
            NodeKind::Milestone(_) => "milestone",
            NodeKind::Join => "join",
        }
        .into(),
        outlook.name(id),
        outlook.title(id),
        outlook
            .phase_of(id)
            .map_or_else(String::new, |phase| outlook.phase(phase)),
        outlook.who(id),
        at(times.start_ms),
        at(times.finish_ms),
        secs(times.start_ms),
        secs(times.finish_ms),
        outlook.takes(id),
        secs(times.logical.slack_ms),
        yes(times.logical.critical),
        yes(outlook.is_in_chain(id)),
        due.map(at).unwrap_or_default(),
        due.map(|_| yes(outlook.is_late(id))).unwrap_or_default(),
        task.map(|task| format!("P{}", task.priority))
            .unwrap_or_default(),
        needs.join(" "),
    ]
}

/// Quoted where it has to be, and never a formula.
fn cell(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let starts = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = match starts && !number {
        true => format!("'{text}"),
        false => text.to_string(),
    };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula_and_each_is_one_cell() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@a"), "'@a");
        assert_eq!(cell("-3.5"), "-3.5");
        assert_eq!(cell("-a"), "'-a");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
