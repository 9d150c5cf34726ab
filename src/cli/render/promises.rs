//! The promises of a plan: what this schedule keeps, what it breaks, what is decided elsewhere.

use super::outlook::Outlook;
use super::sheet::{Ink, Line, Sheet, columns, cut, tame};
use coord_plan::rules::Expect;
use coord_plan::schedule::promise::{Figure, Open, Promise, Verdict};

/// Of a longer way, so many tasks at its end are told.
const WAY_LIMIT: usize = 12;

pub(crate) fn promises(outlook: &Outlook, sheet: &mut Sheet) {
    let all = &outlook.schedule.promises;
    if all.is_empty() {
        return;
    }
    let number = |wanted: fn(Verdict) -> bool| all.iter().filter(|p| wanted(p.verdict)).count();
    let open = match number(|v| matches!(v, Verdict::Open(_))) {
        0 => String::new(),
        n => format!(", {n} not decided by the plan"),
    };
    let kept = number(|v| v == Verdict::Kept);
    sheet.heading("Promises", &format!("{kept} of {} kept{open}", all.len()));
    let told = all
        .iter()
        .filter_map(|p| Some((p, outlook.plan.rules.expects.get(p.number)?)));
    let told: Vec<(&Promise, &Expect)> = told.collect();
    let names = told.iter().map(|(_, expect)| columns(&tame(&expect.title)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    for (promise, expect) in told {
        let (verdict, ink) = match promise.verdict {
            Verdict::Kept => ("kept", Ink::Good),
            Verdict::Broken => ("! broken", Ink::Late),
            Verdict::Impossible => ("! never", Ink::Late),
            Verdict::Open(_) => ("open", Ink::Faint),
        };
        let title = cut(&tame(&expect.title), room);
        let line = Line::new().to(2).fit(ink, verdict, 9);
        let line = line.fit(Ink::Plain, &title, room).plain("  ");
        sheet.hanging(line, Ink::Faint, &told_of(outlook, promise, expect));
    }
}

/// What was promised, what it comes to, and the way that decides.
fn told_of(outlook: &Outlook, promise: &Promise, expect: &Expect) -> String {
    let by = expect.by_ms.map(|by| format!("by {}", outlook.by(by)));
    let promised = [tame(&expect.claim(outlook.plan)), by.unwrap_or_default()];
    let promised: Vec<String> = promised.into_iter().filter(|w| !w.is_empty()).collect();
    let mut parts = vec![promised.join(" ")];
    parts.extend(promise.figure.map(|figure| shown(outlook, figure)));
    match promise.verdict {
        Verdict::Open(open) => parts.push(decided_by(open).to_string()),
        Verdict::Impossible => parts.push(match promise.best {
            Some(best) => format!("at best {}", shown(outlook, best)),
            None => "no schedule keeps it".to_string(),
        }),
        Verdict::Broken => parts.push(match promise.best {
            Some(best) => format!("no schedule is better than {}", shown(outlook, best)),
            None => "another schedule might keep it".to_string(),
        }),
        Verdict::Kept => parts.extend(unsure(outlook)),
    }
    if !matches!(promise.verdict, Verdict::Kept | Verdict::Open(_)) {
        parts.extend(way(outlook, promise));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// `9d 8h, ends Fri 22 Aug 17:00`, `1d 4h`, `82.5%`.
fn shown(outlook: &Outlook, figure: Figure) -> String {
    match figure {
        Figure::Instant(ms) if outlook.clock.is_dated() => {
            format!("{}, ends {}", figure.in_words(), outlook.clock.at(ms))
        }
        Figure::Instant(_) | Figure::Length(_) | Figure::Percent(_) => figure.in_words(),
    }
}

fn decided_by(open: Open) -> &'static str {
    match open {
        Open::Forecast => "judged by a forecast",
        Open::Run => "judged by the run",
        Open::Person => "somebody confirms it",
        Open::Contingent => "about work that the plan does not expect to happen",
        Open::OtherWorkflow => "about work of another workflow",
        Open::NoEstimates => "nothing says how long anything takes",
    }
}

/// What is kept may be so only because some lengths are not known.
fn unsure(outlook: &Outlook) -> Option<String> {
    match outlook.schedule.missing_estimates.len() {
        0 => None,
        1 => Some("a task without an estimate counts as no time".to_string()),
        n => Some(format!("{n} tasks without an estimate count as no time")),
    }
}

fn way(outlook: &Outlook, promise: &Promise) -> Option<String> {
    let nodes = &promise.path;
    let skip = nodes.len().saturating_sub(WAY_LIMIT);
    let names: Vec<String> = nodes[skip..].iter().map(|n| outlook.name(*n)).collect();
    let dots = if skip > 0 { "… → " } else { "" };
    (!names.is_empty()).then(|| format!("the way is {dots}{}", names.join(" → ")))
}
