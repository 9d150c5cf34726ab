//! A plan as a Gantt chart of mermaid.

use super::{Row, rows};
use crate::cli::render::outlook::Outlook;
use coord_lang::ids::{Id, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// Where a plan without a start is laid: a Monday. The axis shows no dates then.
const ANY_MONDAY_MS: i64 = 20_458 * 86_400_000;

pub(crate) fn timeline(plan: &Plan, schedule: &Schedule) -> String {
    let outlook = Outlook::new(plan, schedule);
    let title = plan.title.as_deref().unwrap_or(&plan.project);
    let mut out = format!("gantt\n  title {}\n", plain(title));
    out.push_str("  dateFormat YYYY-MM-DDTHH:mm:ss\n");
    let axis = if plan.origin_ms.is_some() {
        "%-d %b"
    } else {
        "day %j"
    };
    let _ = writeln!(out, "  axisFormat {axis}");
    let zone = TimeZone::get(&plan.timezone).unwrap_or(TimeZone::UTC);
    for row in rows(&outlook) {
        match row {
            Row::Phase(phase) => {
                let _ = writeln!(out, "  section {}", plain(&outlook.phase(phase)));
            }
            Row::Outside => out.push_str("  section Outside the phases\n"),
            Row::Node(id) if outlook.is_contingent(id) => {}
            Row::Node(id) => task(&outlook, &zone, id, &mut out),
        }
    }
    out
}

fn task(outlook: &Outlook, zone: &TimeZone, id: NodeId, out: &mut String) {
    let times = &outlook.schedule.nodes[id];
    let at = |ms: i64| {
        let origin = outlook.plan.origin_ms.unwrap_or(ANY_MONDAY_MS);
        let at = Timestamp::from_millisecond(origin.saturating_add(ms)).ok();
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
        at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let crit = if times.logical.critical { "crit, " } else { "" };
    let name = plain(&format!("{} {}", outlook.name(id), outlook.title(id)));
    let is_task = matches!(outlook.plan.nodes[id].kind, NodeKind::Task(_));
    let line = match is_task && times.finish_ms > times.start_ms {
        true => format!(
            "{crit}n{}, {}, {}",
            id.index(),
            at(times.start_ms),
            at(times.finish_ms)
        ),
        false => format!(
            "{crit}milestone, n{}, {}, 0s",
            id.index(),
            at(times.finish_ms)
        ),
    };
    let _ = writeln!(out, "    {name} :{line}");
}

/// Mermaid has no way to write what it takes for its own signs: they are left out.
fn plain(text: &str) -> String {
    let kept = text.chars().map(|c| match c {
        ':' | ';' | '#' | ',' | '%' | '<' | '>' | '{' | '}' | '"' | '`' => ' ',
        c if c.is_control() => ' ',
        c => c,
    });
    let kept: String = kept.collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    words.join(" ")
}
