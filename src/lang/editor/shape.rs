//! The shapes of the schema table, read: which words and which kinds of values may come next.
//!
//! A shape is written for people (`WORK… [within D [else ACTION]] | all`), so this is an
//! approximation on the generous side: it offers what some reading of the shape allows.

use crate::schema::{Place, ROWS, Row, takes_name};

/// One symbol of a shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Symbol<'r> {
    /// A word to be written as it stands.
    Word(&'r str),
    /// A place for a value: `WHO`, `D`, `GATE`.
    Hole(&'r str),
    /// A text in quotes.
    Text,
    Open,
    Close,
    Bar,
}

/// The symbols of `row`'s shape, in order.
pub fn symbols(row: &'static Row) -> Vec<Symbol<'static>> {
    let shape = row.shape;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = shape[at..].chars().next() {
        let next = at + c.len_utf8();
        match c {
            '[' => found.push(Symbol::Open),
            ']' => found.push(Symbol::Close),
            '|' => found.push(Symbol::Bar),
            '"' => {
                found.push(Symbol::Text);
                at = shape[next..]
                    .find('"')
                    .map_or(shape.len(), |n| next + n + 1);
                continue;
            }
            // `2x` is a value, and no word
            c if c.is_ascii_digit() => {
                let rest = shape[at..].find(|c: char| !c.is_ascii_alphanumeric());
                at = rest.map_or(shape.len(), |n| at + n);
                continue;
            }
            c if c.is_ascii_alphabetic() => {
                let end = shape[at..]
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                    .map_or(shape.len(), |n| at + n);
                let word = &shape[at..end];
                let upper = word.chars().all(|c| c.is_ascii_uppercase());
                found.push(if upper {
                    Symbol::Hole(word)
                } else {
                    Symbol::Word(word)
                });
                at = end;
                continue;
            }
            _ => {}
        }
        at = next;
    }
    found
}

/// What may follow the word of the statement and these arguments, which are tokens of the text.
pub fn next(row: &'static Row, args: &[&str]) -> Vec<Symbol<'static>> {
    let symbols = symbols(row);
    let open = args.iter().rposition(|arg| matches!(*arg, "[" | "]"));
    let open = open.filter(|at| args[*at] == "[");
    // inside a list stands whatever could have stood in its place
    let before = &args[..open.unwrap_or(args.len())];
    let word = (before.iter().enumerate().rev()).find_map(|(at, arg)| {
        let places = 0..symbols.len();
        let places: Vec<usize> = places
            .filter(|place| symbols[*place] == Symbol::Word(arg))
            .collect();
        (!places.is_empty()).then_some((at, places))
    });
    let mut found = Vec::new();
    match word {
        // right behind a word of the shape
        Some((at, places)) if at + 1 == before.len() => {
            for place in places {
                follow(&symbols, place + 1, &mut found);
            }
        }
        // behind the value that fills the hole behind a word
        Some((_, places)) => {
            for place in places {
                behind_a_value(&symbols, place + 1, &mut found);
            }
        }
        None if before.is_empty() => {
            alternatives(&symbols, 0, &mut found);
        }
        // behind the value that fills one of the first holes
        None => {
            let mut firsts = Vec::new();
            alternatives(&symbols, 0, &mut firsts);
            for first in firsts {
                if matches!(symbols[first], Symbol::Hole(_) | Symbol::Text) {
                    behind_a_value(&symbols, first, &mut found);
                }
            }
        }
    }
    let mut offered: Vec<Symbol<'static>> = Vec::new();
    for symbol in found.into_iter().map(|at| symbols[at]) {
        let fits = open.is_none() || matches!(symbol, Symbol::Hole(_));
        if fits && !offered.contains(&symbol) {
            offered.push(symbol);
        }
    }
    offered
}

fn behind_a_value(symbols: &[Symbol<'static>], from: usize, found: &mut Vec<usize>) {
    let mut values = from..symbols.len();
    let value = values.find(|at| matches!(symbols[*at], Symbol::Hole(_) | Symbol::Text));
    if let Some(value) = value {
        follow(symbols, value + 1, found);
    }
}

/// The firsts of every alternative of the group that starts at `at`; the place behind the group.
fn alternatives(symbols: &[Symbol<'static>], mut at: usize, found: &mut Vec<usize>) -> usize {
    let mut first = true;
    while at < symbols.len() {
        match symbols[at] {
            Symbol::Close => return at + 1,
            Symbol::Bar => first = true,
            Symbol::Open => {
                let mut inner = Vec::new();
                at = alternatives(symbols, at + 1, &mut inner);
                if first {
                    found.extend(inner); // optional: what comes behind it is a first as well
                }
                continue;
            }
            Symbol::Word(_) | Symbol::Hole(_) | Symbol::Text => {
                if first {
                    found.push(at);
                }
                first = false;
            }
        }
        at += 1;
    }
    at
}

/// What may stand at `at`, in the middle of a group.
fn follow(symbols: &[Symbol<'static>], mut at: usize, found: &mut Vec<usize>) {
    while at < symbols.len() {
        match symbols[at] {
            // the alternative ends here: go on behind its group
            Symbol::Bar => {
                let mut depth = 0usize;
                while at < symbols.len() {
                    match symbols[at] {
                        Symbol::Open => depth += 1,
                        Symbol::Close if depth == 0 => break,
                        Symbol::Close => depth -= 1,
                        _ => {}
                    }
                    at += 1;
                }
                at += 1;
            }
            Symbol::Close => at += 1,
            Symbol::Open => at = alternatives(symbols, at + 1, found),
            Symbol::Word(_) | Symbol::Hole(_) | Symbol::Text => {
                found.push(at);
                return;
            }
        }
    }
}

/// The kinds of declarations, by the words that declare them, that a hole stands for; `before`
/// is the word in front of it, as `task` is in `given task T fails`.
pub fn kinds(row: &'static Row, before: Option<&str>, hole: &str) -> Vec<&'static str> {
    match hole {
        "WHO" | "AGENT" | "AGENTS" => vec!["agent", "human", "group"],
        "WORK" => vec!["task", "phase", "sync", "milestone"],
        "CONDITION" | "CLAIM" => vec!["task", "param", "metric"],
        "LADDER" => vec!["escalation"],
        "LEVEL" => vec!["level"],
        _ => match declaring(&hole.to_ascii_lowercase()).or(before.and_then(declaring)) {
            Some(kind) => vec![kind],
            None if matches!(hole, "A" | "B") => as_first(row),
            None => Vec::new(),
        },
    }
}

/// `A` and `B` of a list are what stands alone in front of it.
fn as_first(row: &'static Row) -> Vec<&'static str> {
    let first = symbols(row).into_iter().find_map(|symbol| match symbol {
        Symbol::Hole(hole) if !matches!(hole, "A" | "B") => Some(kinds(row, None, hole)),
        _ => None,
    });
    first.unwrap_or_default()
}

/// The word, when a statement of files declares something with it.
fn declaring(word: &str) -> Option<&'static str> {
    let mut rows = ROWS.iter();
    rows.find(|row| row.word == word && takes_name(row) && row.places.contains(&Place::File))
        .map(|row| row.word)
}

/// The kinds of declarations that `row` speaks of anywhere.
pub fn all_kinds(row: &'static Row) -> Vec<&'static str> {
    let mut before = None;
    let mut found = Vec::new();
    for symbol in symbols(row) {
        match symbol {
            Symbol::Hole(hole) => found.extend(kinds(row, before, hole)),
            Symbol::Word(word) => {
                before = Some(word);
                continue;
            }
            _ => {}
        }
        before = None;
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// True for a word that the statement itself has beside names.
pub fn is_own_word(row: &'static Row, word: &str) -> bool {
    let mut symbols = symbols(row).into_iter();
    symbols.any(|symbol| matches!(symbol, Symbol::Word(own) if own == word))
}

/// The words that a hole stands for, when they are a closed list.
pub fn words(hole: &str) -> &'static [&'static str] {
    match hole {
        "ACTION" => &[
            "fail",
            "skip",
            "proceed",
            "halt",
            "notify",
            "escalate",
            "retry",
            "reassign",
            "redistribute",
            "recover",
            "rollback",
            "start",
            "enter",
            "set",
            "record",
        ],
        "EVENT" => &[
            "task.failed",
            "task.blocked",
            "task.late",
            "task.stalled",
            "agent.failed",
            "agent.blocked",
            "conflict.open",
            "gate.failed",
            "approval.waiting",
            "incident.open",
            "resource.exhausted",
            "run.started",
            "run.finished",
            "metric",
        ],
        "TYPE" => &[
            "text", "int", "percent", "duration", "date", "url", "path", "bool",
        ],
        "WEEKDAY" | "DAY" => WEEKDAYS,
        "PERIOD" => PERIODS,
        "CONDITION" | "CLAIM" => &["not", "and", "or", "true", "false"],
        "YEAR" => &["2026"],
        _ => &[],
    }
}

const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const PERIODS: &[&str] = &[
    "day",
    "week",
    "month",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The units that a number may take in a hole: each with what it means.
pub fn units(hole: &str) -> &'static [(&'static str, &'static str)] {
    match hole {
        "D" | "LOW" | "LIKELY" | "HIGH" | "PERIOD" => &[
            ("ms", "milliseconds"),
            ("s", "seconds"),
            ("m", "minutes"),
            ("h", "hours on the clock"),
            ("d", "days of 24 hours"),
            ("w", "weeks of 7 days"),
            ("wh", "working hours of the calendar"),
            ("wd", "working days of the calendar"),
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Place, find};

    fn offered(place: Place, word: &str, args: &[&str]) -> String {
        let row = find(place, word).expect("a row");
        let shown = next(row, args).into_iter().map(|symbol| match symbol {
            Symbol::Word(word) | Symbol::Hole(word) => word.to_string(),
            Symbol::Text => "\"\"".to_string(),
            other => format!("{other:?}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shapes_say_what_comes_next() {
        assert_eq!(offered(Place::Phase, "after", &[]), "PHASE start");
        assert_eq!(offered(Place::Phase, "after", &["start"]), "of");
        assert_eq!(offered(Place::Phase, "after", &["start", "of"]), "PHASE");
        assert_eq!(offered(Place::Sync, "within", &["24h"]), "else");
        assert_eq!(offered(Place::Sync, "within", &["24h", "else"]), "ACTION");
        assert_eq!(offered(Place::Task, "approve", &["by"]), "any WHO");
        assert_eq!(offered(Place::Task, "uses", &[]), "RESOURCE");
        assert_eq!(offered(Place::Task, "priority", &[]), "P0 P1 P2 P3");
    }

    #[test]
    fn holes_name_kinds() {
        let row = |place, word| find(place, word).expect("a row");
        assert_eq!(all_kinds(row(Place::Task, "ensures")), ["gate"]);
        assert_eq!(all_kinds(row(Place::Task, "uses")), ["resource"]);
        assert!(all_kinds(row(Place::Task, "timeout")).is_empty());
        let given = all_kinds(row(Place::Test, "given"));
        assert!(
            ["task", "gate", "conflict", "mode"]
                .iter()
                .all(|k| given.contains(k))
        );
    }
}
