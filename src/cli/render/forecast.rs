//! How a plan may come out: the ends of its phases, the chances of what is due, and which tasks
//! make the end late.

use super::outlook::Outlook;
use super::sheet::{Ink, Line, Sheet, columns, cut};
use coord_lang::ids::NodeId;
use coord_plan::levelling::forecast::Forecast;
use coord_plan::schedule::Due;

/// So many of the tasks that make the end late are told.
const DRIVERS: usize = 5;
/// Of many that are due, the most doubtful.
const DUES: usize = 12;
const AT_ROOM: usize = 22;

/// `likely (p50), Tue 2 Sep 17:00 with 80 % (p80), …`, to be told behind the first percentile.
pub(crate) fn gist(outlook: &Outlook, forecast: &Forecast) -> String {
    let at = |percent| outlook.at(forecast.percentile(percent));
    format!(
        "likely (p50), {} with 80 % (p80), {} with 95 % (p95)",
        at(80),
        at(95)
    )
}

/// The forecast that there is something to tell of.
pub(crate) fn told<'a>(outlook: &Outlook<'a>) -> Option<&'a Forecast> {
    let forecast = outlook.schedule.forecast.as_deref();
    forecast.filter(|forecast| forecast.is_uncertain())
}

pub(crate) fn forecast(outlook: &Outlook, sheet: &mut Sheet) {
    let Some(forecast) = told(outlook) else {
        return;
    };
    let gist = format!(
        "{} times played through with lengths drawn from the estimates",
        forecast.samples
    );
    sheet.heading("How it may come out", &gist);
    ends(outlook, forecast, sheet);
    chances(outlook, forecast, sheet);
    drivers(outlook, forecast, sheet);
}

/// When each phase and the whole end.
fn ends(outlook: &Outlook, forecast: &Forecast, sheet: &mut Sheet) {
    let plan = outlook.plan;
    let phases: Vec<_> = plan.active_phases().collect();
    let names = phases.iter().map(|phase| columns(&outlook.phase(*phase)));
    let room = names.max().unwrap_or(0).max("the end".len());
    let room = room.min(sheet.width() * 3 / 10) + 2;
    let head = Line::new().to(2 + room).fit(Ink::Faint, "p50", AT_ROOM);
    sheet.line(head.fit(Ink::Faint, "p80", AT_ROOM).add(Ink::Faint, "p95"));
    let mut row = |name: &str, at: &dyn Fn(u32) -> Option<i64>| {
        let at = |percent| at(percent).map_or_else(|| "–".to_string(), |ms| outlook.at(ms));
        let line = Line::new()
            .to(2)
            .fit(Ink::Plain, &cut(name, room - 2), room);
        let line = line.fit(Ink::Plain, &at(50), AT_ROOM);
        sheet.line(line.fit(Ink::Strong, &at(80), AT_ROOM).plain(at(95)));
    };
    for phase in phases {
        row(&outlook.phase(phase), &|percent| {
            forecast.phase(plan, phase, percent)
        });
    }
    row("the end", &|percent| Some(forecast.percentile(percent)));
}

/// How likely it is that what is due is done by then.
fn chances(outlook: &Outlook, forecast: &Forecast, sheet: &mut Sheet) {
    let schedule = outlook.schedule;
    let dues = schedule.deadlines.iter().chain(&schedule.milestones);
    let chance = |due: &Due| Some((forecast.chance(due.node, due.due_ms)?, *due));
    let mut dues: Vec<(u32, Due)> = dues.filter_map(chance).collect();
    if dues.is_empty() {
        return;
    }
    dues.sort_by_key(|(chance, due)| (*chance, due.due_ms, due.node));
    dues.truncate(DUES);
    let names = dues.iter().map(|(_, due)| columns(&outlook.name(due.node)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    sheet.blank();
    for (chance, due) in dues {
        let ink = match chance {
            ..500 => Ink::Late,
            500..800 => Ink::Critical,
            _ => Ink::Good,
        };
        let line = Line::new().to(2).fit_right(ink, &percent(chance), 6);
        let line = line
            .plain("  ")
            .fit(Ink::Plain, &outlook.name(due.node), room);
        sheet.line(line.plain(format!("  by {}", outlook.by(due.due_ms))));
    }
}

/// `82 %`; only what always was is 100 %.
fn percent(per_mille: u32) -> String {
    match per_mille {
        0 => "0 %".into(),
        1..10 => "<1 %".into(),
        991..1000 => ">99 %".into(),
        n => format!("{} %", (n + 5) / 10),
    }
}

/// The tasks that make the end late.
fn drivers(outlook: &Outlook, forecast: &Forecast, sheet: &mut Sheet) {
    let drivers = forecast.drivers(outlook.plan);
    if drivers.is_empty() {
        return;
    }
    let told: Vec<NodeId> = drivers.into_iter().take(DRIVERS).collect();
    let names = told.iter().map(|node| columns(&outlook.name(*node)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    sheet.blank();
    sheet.wrapped(2, Ink::Faint, "the end is late most of all because of");
    for node in told {
        let critical = percent(forecast.criticality(node));
        let line = Line::new().to(2).fit_right(Ink::Critical, &critical, 6);
        let line = line.plain("  ").fit(Ink::Plain, &outlook.name(node), room);
        let gist = format!("  of the time critical, takes {}", range(outlook, node));
        sheet.line(line.add(Ink::Faint, gist));
    }
}

/// `2wd to 5wd`.
fn range(outlook: &Outlook, node: NodeId) -> String {
    let Some(task) = outlook.plan.task(node) else {
        return String::new();
    };
    let length = |span| outlook.length(task.by.agents(), span);
    task.estimate.map_or_else(String::new, |estimate| {
        format!("{} to {}", length(estimate.low), length(estimate.high))
    })
}
