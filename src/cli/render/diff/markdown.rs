//! A difference as Markdown, for a comment on a pull request.

use super::text::values;
use super::{Cost, Diff, EntryJson, ErrorJson, Times};
use std::fmt::Write as _;

/// A comment is no book: of longer lists the first.
const ENTRIES: usize = 60;
const MOVES: usize = 12;

pub(crate) fn markdown(diff: &Diff) -> String {
    let mut out = String::new();
    let counts = &diff.counts;
    let _ = writeln!(out, "### Plan of {}\n", code(&diff.project));
    let _ = writeln!(
        out,
        "{} → {}: {} kept, **{} changed**, **{} new**, **{} gone**, {} illegal\n",
        code(&diff.old),
        code(&diff.new),
        counts.kept,
        counts.changed,
        counts.new,
        counts.gone,
        counts.illegal
    );
    if let Some(cost) = &diff.cost {
        times(cost, &mut out);
        verdicts(cost, &mut out);
    }
    for error in &diff.errors {
        let _ = writeln!(out, "- ❌ {}", mistake(error));
    }
    for (status, title) in [
        ("illegal", "Does not check"),
        ("changed", "Changed"),
        ("new", "New"),
        ("gone", "Gone"),
    ] {
        section(diff, status, title, &mut out);
    }
    moves(diff, &mut out);
    out
}

fn times(cost: &Cost, out: &mut String) {
    out.push_str("| | before | now | |\n|---|---|---|---|\n");
    let rows = [
        ("finish", Some(&cost.makespan)),
        ("by needs alone", Some(&cost.logical_makespan)),
        ("with 50 %", cost.p50.as_ref()),
        ("with 80 %", cost.p80.as_ref()),
        ("with 95 %", cost.p95.as_ref()),
    ];
    for (name, times) in rows {
        if let Some(times) = times {
            let _ = writeln!(
                out,
                "| {name} | {} | {} | {} |",
                times.old,
                times.new,
                strong(times)
            );
        }
    }
    out.push('\n');
}

fn strong(times: &Times) -> String {
    match times.sign {
        0 => times.text.clone(),
        _ => format!("**{}**", times.text),
    }
}

fn verdicts(cost: &Cost, out: &mut String) {
    let mut any = false;
    let mut line = |text: String| {
        any = true;
        let _ = writeln!(out, "- {text}");
    };
    for (name, path) in [
        ("critical path", &cost.critical_path),
        ("what holds the end", &cost.chain),
    ] {
        if path.changed {
            let way = path.new.iter().map(|name| code(name));
            line(format!(
                "{name} now: {}",
                way.collect::<Vec<_>>().join(" → ")
            ));
        }
    }
    for due in &cost.deadlines {
        let sign = match due.new_met {
            Some(false) => "❌ deadline missed now",
            Some(true) => "✅ deadline met now",
            None => "no longer due",
        };
        line(format!("{sign}: {}, {}", code(&due.name), due.text));
    }
    for promise in cost.promises.iter().filter(|p| p.old != p.new) {
        let sign = match promise.new {
            Some("broken" | "impossible") => "❌",
            Some("kept") => "✅",
            _ => "•",
        };
        let was = promise.old.unwrap_or("not there");
        let now = promise.new.unwrap_or("gone");
        line(format!(
            "{sign} promise {was} → {now}: {}",
            code(&promise.text)
        ));
    }
    for load in &cost.agents {
        line(format!(
            "load of {}: {:.0} % → {:.0} %",
            code(&load.name),
            load.old * 100.0,
            load.new * 100.0
        ));
    }
    if any {
        out.push('\n');
    }
}

fn section(diff: &Diff, status: &str, title: &str, out: &mut String) {
    let entries: Vec<&EntryJson> = diff.entries.iter().filter(|e| e.status == status).collect();
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "#### {title}\n");
    for entry in entries.iter().take(ENTRIES) {
        let ends = match (&entry.ends, status) {
            (Some(ends), "gone") => format!("; {ends}"),
            (Some(ends), _) => format!("; ends {ends}"),
            (None, _) => String::new(),
        };
        let _ = writeln!(out, "- {} {}{ends}", entry.kind, code(&entry.name));
        for error in &entry.errors {
            let _ = writeln!(out, "  - ❌ {}", mistake(error));
        }
        for field in &entry.fields {
            let _ = writeln!(out, "  - {}: {}", field.field, code(&values(field)));
        }
    }
    if entries.len() > ENTRIES {
        let _ = writeln!(out, "- and {} more", entries.len() - ENTRIES);
    }
    out.push('\n');
}

fn mistake(error: &ErrorJson) -> String {
    format!(
        "{} {} at {}",
        error.code,
        code(&error.message),
        code(&error.at)
    )
}

fn moves(diff: &Diff, out: &mut String) {
    if diff.moves.is_empty() {
        return;
    }
    let number = diff.moves.len();
    let _ = writeln!(
        out,
        "<details><summary>Tasks that only move: {number}</summary>\n"
    );
    for one in diff.moves.iter().take(MOVES) {
        let _ = writeln!(out, "- {} {}", code(&one.name), one.text);
    }
    if number > MOVES {
        let _ = writeln!(out, "- and {} more", number - MOVES);
    }
    out.push_str("\n</details>\n");
}

/// What somebody wrote, as code: fenced by more backticks than it has in a row.
fn code(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}
