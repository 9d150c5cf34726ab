//! A difference as lines for a terminal.

use super::{Diff, EntryJson, FieldJson, Times};
use crate::cli::render::sheet::{Ink, Line, Look, Sheet, columns, cut};

/// Of more tasks that only move, those that move most.
const MOVES: usize = 12;
/// Of a longer value, its beginning.
const VALUE_ROOM: usize = 160;

pub(crate) fn text(diff: &Diff, look: Look) -> String {
    let mut sheet = Sheet::new(look);
    let line = Line::new().add(Ink::Strong, &diff.project);
    sheet.line(
        line.plain("  ")
            .plain(format!("{} → {}", diff.old, diff.new)),
    );
    let counts = &diff.counts;
    let words = format!(
        "{} kept, {} changed, {} new, {} gone, {} illegal",
        counts.kept, counts.changed, counts.new, counts.gone, counts.illegal
    );
    sheet.wrapped(0, Ink::Faint, &words);
    if diff.old_errors > 0 {
        let words = format!("the old version has {} mistakes itself", diff.old_errors);
        sheet.wrapped(0, Ink::Faint, &words);
    }
    cost(diff, &mut sheet);
    for (status, title) in [
        ("illegal", "Does not check"),
        ("changed", "Changed"),
        ("new", "New"),
        ("gone", "Gone"),
    ] {
        section(diff, status, title, &mut sheet);
    }
    moves(diff, &mut sheet);
    sheet.into_text()
}

fn cost(diff: &Diff, sheet: &mut Sheet) {
    let Some(cost) = &diff.cost else {
        sheet.blank();
        sheet.wrapped(2, Ink::Faint, "no cost in time: one of the two has no plan");
        return;
    };
    sheet.blank();
    time(sheet, "finish", &cost.makespan);
    time(sheet, "by needs alone", &cost.logical_makespan);
    let percentiles = [("50", &cost.p50), ("80", &cost.p80), ("95", &cost.p95)];
    for (percent, times) in percentiles {
        if let Some(times) = times {
            time(sheet, &format!("with {percent} %"), times);
        }
    }
    for (name, path) in [
        ("critical path", &cost.critical_path),
        ("holds the end", &cost.chain),
    ] {
        let line = Line::new().to(2).fit(Ink::Plain, name, 16);
        let way = |way: &[String]| way.join(" → ");
        match path.changed {
            false => sheet.hanging(line, Ink::Faint, "as before"),
            true => {
                sheet.hanging(line, Ink::Plain, &format!("now {}", way(&path.new)));
                let line = Line::new().to(2 + 16);
                sheet.hanging(line, Ink::Faint, &format!("was {}", way(&path.old)));
            }
        }
    }
    for due in &cost.deadlines {
        let (ink, word) = match (due.old_met, due.new_met) {
            (_, Some(false)) => (Ink::Late, "missed now"),
            (Some(false), Some(true)) => (Ink::Good, "met now"),
            (None, Some(true)) => (Ink::Good, "new and met"),
            (_, None) => (Ink::Faint, "no longer due"),
            (Some(true), Some(true)) => continue,
        };
        let line = Line::new().to(2).fit(Ink::Plain, "deadline", 16);
        let line = line.add(ink, word).plain(format!("  {}  ", due.name));
        sheet.hanging(line, Ink::Faint, &due.text);
    }
    for promise in cost.promises.iter().filter(|p| p.old != p.new) {
        let ink = match promise.new {
            Some("broken" | "impossible") => Ink::Late,
            Some("kept") => Ink::Good,
            _ => Ink::Faint,
        };
        let was = promise.old.unwrap_or("not there");
        let now = promise.new.unwrap_or("gone");
        let line = Line::new().to(2).fit(Ink::Plain, "promise", 16);
        let value = promise.value.as_deref().map(|v| format!("  {v}"));
        let value = value.unwrap_or_default();
        let words = format!("{}{value}", promise.text);
        sheet.hanging(
            line.add(ink, format!("{was} → {now}  ")),
            Ink::Plain,
            &words,
        );
    }
    for load in &cost.agents {
        let line = Line::new().to(2).fit(Ink::Plain, "load", 16);
        let percent = |share: f64| format!("{:.0}%", share * 100.0);
        let words = format!(
            "{} {} → {}",
            load.name,
            percent(load.old),
            percent(load.new)
        );
        sheet.line(line.plain(words));
    }
}

fn time(sheet: &mut Sheet, name: &str, times: &Times) {
    let line = Line::new()
        .to(2)
        .fit(Ink::Plain, name, 16)
        .plain(&times.old);
    let (line, ink) = match times.sign {
        0 => (line, Ink::Faint),
        sign => {
            let line = line.plain(" → ").add(Ink::Strong, &times.new);
            (line, if sign > 0 { Ink::Late } else { Ink::Good })
        }
    };
    sheet.line(line.add(ink, format!("  {}", times.text)));
}

fn section(diff: &Diff, status: &str, title: &str, sheet: &mut Sheet) {
    let entries = || diff.entries.iter().filter(|e| e.status == status);
    let errors = if status == "illegal" {
        &diff.errors[..]
    } else {
        &[]
    };
    if entries().next().is_none() && errors.is_empty() {
        return;
    }
    let number = entries().count();
    sheet.heading(
        title,
        &if number > 0 {
            number.to_string()
        } else {
            String::new()
        },
    );
    for error in errors {
        let line = Line::new().to(2).add(Ink::Late, &error.code).plain("  ");
        sheet.hanging(
            line,
            Ink::Plain,
            &format!("{}; {}", error.message, error.at),
        );
    }
    for entry in entries() {
        one(entry, sheet);
    }
}

fn one(entry: &EntryJson, sheet: &mut Sheet) {
    let (mark, ink) = match entry.status {
        "new" => ("+", Ink::Good),
        "gone" => ("-", Ink::Late),
        "illegal" => ("!", Ink::Late),
        _ => ("~", Ink::Critical),
    };
    let line = Line::new().to(2).add(ink, mark).plain(" ");
    let line = line.add(Ink::Faint, format!("{} ", entry.kind));
    let line = line.add(Ink::Strong, cut(&entry.name, sheet.width() / 2));
    let title = entry.title.as_deref().unwrap_or_default();
    let ends = match (&entry.ends, entry.status) {
        (Some(ends), "new") => format!("  ends {ends}"),
        (Some(ends), "gone") => format!("  {ends}"),
        _ => String::new(),
    };
    sheet.line(line.plain(format!(" {title}")).add(Ink::Faint, ends));
    for error in &entry.errors {
        let line = Line::new().to(6).add(Ink::Late, &error.code).plain("  ");
        sheet.hanging(
            line,
            Ink::Plain,
            &format!("{}; {}", error.message, error.at),
        );
    }
    let room = entry
        .fields
        .iter()
        .map(|f| columns(&f.field))
        .max()
        .unwrap_or(0);
    for field in &entry.fields {
        let line = Line::new()
            .to(6)
            .fit(Ink::Plain, &field.field, room.max(4))
            .plain("  ");
        sheet.hanging(line, Ink::Plain, &values(field));
    }
    if entry.status == "changed"
        && let Some(ends) = &entry.ends
    {
        let line = Line::new()
            .to(6)
            .fit(Ink::Faint, "ends", room.max(4))
            .plain("  ");
        sheet.hanging(line, Ink::Faint, ends);
    }
}

/// `old → new`; of longer lists, what goes and what comes.
pub(super) fn values(field: &FieldJson) -> String {
    let value = |values: &[String]| match values {
        [] => "–".to_string(),
        values => cut(&values.join(", "), VALUE_ROOM),
    };
    let lists = field.old.len() > 1 || field.new.len() > 1;
    let moved = field.added.is_empty() && field.removed.is_empty();
    if !lists || moved {
        return format!("{} → {}", value(&field.old), value(&field.new));
    }
    let signed = |sign: &'static str, values: &[String]| {
        let values = values.iter();
        values
            .map(|v| format!("{sign}{}", cut(v, VALUE_ROOM)))
            .collect::<Vec<_>>()
    };
    let mut parts = signed("-", &field.removed);
    parts.extend(signed("+", &field.added));
    parts.join("  ")
}

fn moves(diff: &Diff, sheet: &mut Sheet) {
    if diff.moves.is_empty() {
        return;
    }
    let gist = format!("{}; they say the same as before", diff.moves.len());
    sheet.heading("Tasks that move", &gist);
    let names = diff.moves.iter().take(MOVES).map(|m| columns(&m.name));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    for one in diff.moves.iter().take(MOVES) {
        let line = Line::new()
            .to(2)
            .fit(Ink::Plain, &one.name, room)
            .plain("  ");
        sheet.hanging(line, Ink::Faint, &one.text);
    }
    if diff.moves.len() > MOVES {
        let more = format!("and {} more", diff.moves.len() - MOVES);
        sheet.wrapped(2, Ink::Faint, &more);
    }
}
