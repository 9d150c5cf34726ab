//! What a change would do to a plan: the end, who is busiest, what is due, and which tasks move.

use super::outlook::Outlook;
use super::sheet::{Ink, Line, Look, Sheet, columns, tame};
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::Plan;
use coord_plan::schedule::{Due, Schedule};

/// Of more tasks that move, those that move most.
const MOVES: usize = 20;

/// `before` and `after` have the same nodes and agents.
pub(crate) fn text(
    before: (&Plan, &Schedule),
    after: (&Plan, &Schedule),
    changes: &[String],
    look: Look,
) -> String {
    let before = Outlook::new(before.0, before.1);
    let after = Outlook::new(after.0, after.1);
    let mut sheet = Sheet::new(look);
    for (number, change) in changes.iter().enumerate() {
        let word = if number == 0 { "What if" } else { "    and" };
        sheet.line(
            Line::new()
                .plain(format!("{word}  "))
                .add(Ink::Strong, tame(change)),
        );
    }
    sheet.blank();
    ends(&before, &after, &mut sheet);
    busiest(&before, &after, &mut sheet);
    dues(&before, &after, &mut sheet);
    moves(&before, &after, &mut sheet);
    sheet.into_text()
}

fn ends(before: &Outlook, after: &Outlook, sheet: &mut Sheet) {
    let (old, new) = (before.schedule, after.schedule);
    row(before, sheet, "finish", old.makespan_ms, new.makespan_ms);
    let logical = (old.logical_makespan_ms, new.logical_makespan_ms);
    row(before, sheet, "by needs alone", logical.0, logical.1);
    if let (Some(old), Some(new)) = (&old.forecast, &new.forecast)
        && (old.is_uncertain() || new.is_uncertain())
    {
        for percent in [50, 80, 95] {
            let name = format!("with {percent} %");
            let (old, new) = (old.percentile(percent), new.percentile(percent));
            row(before, sheet, &name, old, new);
        }
    }
}

fn row(outlook: &Outlook, sheet: &mut Sheet, name: &str, old: i64, new: i64) {
    let line = Line::new().to(2).fit(Ink::Plain, name, 16);
    let (line, (ink, gist)) = (line.plain(outlook.at(old)), moved(outlook, old, new));
    let line = match old == new {
        true => line,
        false => line.plain(" → ").add(Ink::Strong, outlook.at(new)),
    };
    sheet.line(line.add(ink, format!("  {gist}")));
}

/// `1wd 4wh sooner`.
fn moved(outlook: &Outlook, old: i64, new: i64) -> (Ink, String) {
    match new.cmp(&old) {
        std::cmp::Ordering::Less => (Ink::Good, format!("{} sooner", outlook.between(new, old))),
        std::cmp::Ordering::Equal => (Ink::Faint, "as before".into()),
        std::cmp::Ordering::Greater => (Ink::Late, format!("{} later", outlook.between(old, new))),
    }
}

/// Who is busiest: who decides when more hands would help.
fn busiest(before: &Outlook, after: &Outlook, sheet: &mut Sheet) {
    let (Some(old), Some(new)) = (busiest_of(before.schedule), busiest_of(after.schedule)) else {
        return;
    };
    let told = |outlook: &Outlook, agent: AgentId| {
        let percent = (outlook.schedule.agents[agent].per_mille() + 5) / 10;
        format!("{} {percent}%", outlook.agent(agent))
    };
    let line = Line::new().to(2).fit(Ink::Plain, "busiest", 16);
    let line = line.plain(told(before, old)).plain(" → ");
    let line = line.add(Ink::Strong, told(after, new));
    sheet.line(match old == new {
        true => line,
        false => line.add(
            Ink::Faint,
            format!("  {} has {}", after.agent(old), {
                let percent = (after.schedule.agents[old].per_mille() + 5) / 10;
                format!("{percent}% then")
            }),
        ),
    });
}

fn busiest_of(schedule: &Schedule) -> Option<AgentId> {
    let busy = schedule.agents.iter().filter(|(_, load)| load.tasks > 0);
    busy.min_by_key(|(agent, load)| (-load.per_mille(), *agent))
        .map(|(agent, _)| agent)
}

/// What is due and is met now, or no more.
fn dues(before: &Outlook, after: &Outlook, sheet: &mut Sheet) {
    let old = before
        .schedule
        .deadlines
        .iter()
        .chain(&before.schedule.milestones);
    let new = after
        .schedule
        .deadlines
        .iter()
        .chain(&after.schedule.milestones);
    let turned = |(old, new): (&Due, &Due)| (old.is_met() != new.is_met()).then_some(*new);
    for due in old.zip(new).filter_map(turned) {
        let (ink, word) = match due.is_met() {
            true => (Ink::Good, "is met now"),
            false => (Ink::Late, "is missed now"),
        };
        let line = Line::new().to(2).fit(Ink::Plain, "due", 16);
        let line = line.plain(format!(
            "{} by {}  ",
            after.name(due.node),
            after.by(due.due_ms)
        ));
        sheet.line(line.add(ink, word));
    }
}

fn moves(before: &Outlook, after: &Outlook, sheet: &mut Sheet) {
    let finish = |outlook: &Outlook, node: NodeId| outlook.schedule.nodes[node].finish_ms;
    let start = |outlook: &Outlook, node: NodeId| outlook.schedule.nodes[node].start_ms;
    let tasks = before.plan.tasks().map(|(id, _, _)| id);
    let mut moved_tasks: Vec<NodeId> = tasks
        .filter(|id| {
            finish(before, *id) != finish(after, *id) || start(before, *id) != start(after, *id)
        })
        .collect();
    let all = before.plan.tasks().count();
    sheet.heading(
        "Tasks that move",
        &format!("{} of {all}", moved_tasks.len()),
    );
    let by = |id: &NodeId| {
        let far = (finish(after, *id) - finish(before, *id)).abs();
        (std::cmp::Reverse(far), *id)
    };
    moved_tasks.sort_by_key(by);
    let names = moved_tasks
        .iter()
        .take(MOVES)
        .map(|id| columns(&before.name(*id)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    for &id in moved_tasks.iter().take(MOVES) {
        let line = Line::new()
            .to(2)
            .fit(Ink::Plain, &before.name(id), room)
            .plain("  ");
        let (old, new) = (finish(before, id), finish(after, id));
        let (ink, gist) = moved(before, old, new);
        let ends = format!("ends {} → {}", before.at(old), after.at(new));
        let handed = match before.who(id) == after.who(id) {
            true => String::new(),
            false => format!(", by {} instead of {}", after.who(id), before.who(id)),
        };
        sheet.line(line.plain(ends).add(ink, format!("  {gist}{handed}")));
    }
    if moved_tasks.len() > MOVES {
        let more = moved_tasks.len() - MOVES;
        sheet.wrapped(2, Ink::Faint, &format!("and {more} more"));
    }
}
