//! `coord explain`: the long text of a diagnostic, or the list of all of them.

use super::args::{Explain, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::screen::Screen;
use coord_lang::explain::{Entry, codes, find, ranges};
use coord_lang::schema;
use serde_json::{Value, json};

/// Longest lines of a text, however wide the terminal is.
const COMFORTABLE: usize = 88;

pub(crate) fn explain(screen: &Screen, args: &Explain) -> Outcome {
    match &args.code {
        None => list(screen, args.format),
        Some(code) => one(screen, code, args.format)?,
    }
    Ok(Exit::Done)
}

fn list(screen: &Screen, format: TextOrJson) {
    if format == TextOrJson::Json {
        let all = ranges().into_iter().flat_map(|range| range.entries);
        screen.json(&Value::Array(all.map(|entry| as_json(&entry)).collect()));
        return;
    }
    let mut text = String::new();
    for range in ranges() {
        text.push_str(&format!("{} {}\n", range.digits, range.title));
        for entry in &range.entries {
            text.push_str(&format!("  {}  {}\n", entry.code, entry.title));
        }
    }
    screen.out(&text);
}

fn one(screen: &Screen, code: &str, format: TextOrJson) -> Result<(), Failure> {
    let entry = find(code).ok_or_else(|| unknown(code))?;
    match format {
        TextOrJson::Json => screen.json(&as_json(&entry)),
        TextOrJson::Text => screen.out(&as_text(&entry, screen)),
    }
    Ok(())
}

fn as_json(entry: &Entry) -> Value {
    json!({
        "code": entry.code,
        "severity": severity(entry.code),
        "title": entry.title,
        "text": entry.text,
        "wrong": entry.wrong.text,
        "right": entry.right.text,
    })
}

fn severity(code: &str) -> &'static str {
    if code.starts_with('W') {
        "warning"
    } else {
        "error"
    }
}

fn as_text(entry: &Entry, screen: &Screen) -> String {
    let width = screen.width().unwrap_or(COMFORTABLE).clamp(40, COMFORTABLE);
    let (bold, off) = if screen.color_out() {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    let mut out = format!(
        "{bold}{} ({}): {}{off}\n\n",
        entry.code,
        severity(entry.code),
        entry.title
    );
    for paragraph in entry.text.split("\n\n") {
        out.push_str(&wrapped(paragraph, width));
        out.push('\n');
    }
    for (name, example) in [("Wrong", &entry.wrong), ("Right", &entry.right)] {
        out.push_str(&format!("{bold}{name}{off}\n\n"));
        for line in example.text.lines() {
            out.push_str(format!("    {line}").trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A paragraph in lines of at most `width` columns, where its words allow it.
fn wrapped(paragraph: &str, width: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in paragraph.split_whitespace() {
        let long = word.chars().count();
        if column > 0 && column + 1 + long > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
    }
    out.push('\n');
    out
}

/// The number is the identity of a code, so one with another letter is the likely one.
fn unknown(code: &str) -> Failure {
    let digits = code.trim_start_matches(|c: char| !c.is_ascii_digit());
    let all = codes();
    let same_number = digits
        .parse::<u32>()
        .ok()
        .and_then(|n| all.iter().find(|known| known[1..].parse() == Ok(n)));
    let meant = same_number
        .copied()
        .or_else(|| schema::closest(code, all.iter().copied()).first().copied());
    let failure = Failure::wrong(format!("there is no diagnostic `{code}`"));
    match meant {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("`coord explain` lists them"),
    }
}
