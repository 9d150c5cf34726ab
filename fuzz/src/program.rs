//! Programs made from the statement table: every statement where it may stand, its arguments by
//! its shape, and now and then something that is wrong.

use super::choices::Choices;
use coord_lang::schema::{self, Body, Place, Row};

/// Names of every kind, so that references often meet a declaration.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "main"];

const ODD: [&str; 36] = [
    "\"",
    "'",
    "```",
    "```sh\n",
    "\n```\n",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    "..",
    "->",
    "==",
    "=",
    "|",
    "#",
    "##",
    "\n",
    "\r\n",
    "\r",
    "\u{feff}",
    "\u{202e}",
    "\u{a0}",
    "é",
    "😀",
    "\u{0}",
    "9999999999999999999",
    "9e9",
    "1h2d",
    "100000d",
    "2025-02-30",
    "25:61",
    "${",
];

/// A program of up to a few dozen statements.
pub fn text(choices: &mut Choices<'_>) -> String {
    let mut maker = Maker {
        choices,
        out: String::new(),
        declared: 0,
    };
    if !maker.choices.rarely(16) {
        maker.out.push_str("edition 2026\n");
    }
    while !maker.choices.is_empty() && maker.out.len() < 6_000 {
        maker.statement(Place::File, 0);
    }
    maker.out
}

struct Maker<'c, 'd> {
    choices: &'c mut Choices<'d>,
    out: String,
    declared: usize,
}

impl Maker<'_, '_> {
    fn statement(&mut self, place: Place, depth: usize) {
        let place = if self.choices.rarely(48) {
            Place::Task
        } else {
            place
        };
        let rows: Vec<&Row> = schema::in_place(place).collect();
        if rows.is_empty() {
            return;
        }
        let row = self.choices.pick(&rows);
        match self.choices.below(40) {
            39 => self.out.push_str("## a doc\n"),
            38 => self.out.push_str("# a note\n"),
            37 => self.out.push('\n'),
            _ => {}
        }
        self.out.push_str(row.word);
        if self.choices.below(4) == 0 {
            let args = row.example.strip_prefix(row.word).unwrap_or("");
            self.out.push_str(args.split('\n').next().unwrap_or(""));
        } else {
            self.arguments(row);
        }
        self.block(row, depth);
        self.out.push('\n');
    }

    fn block(&mut self, row: &Row, depth: usize) {
        let inner = match row.body {
            Body::None => return,
            Body::Optional(_) if self.choices.below(3) == 0 => return,
            Body::Optional(place) | Body::Required(place) => place,
        };
        self.out.push_str(" {\n");
        let most = if depth > 4 { 0 } else { 6 };
        for _ in 0..self.choices.below(most + 1) {
            self.statement(inner, depth + 1);
        }
        self.out.push('}');
    }

    fn arguments(&mut self, row: &Row) {
        let shape: Vec<&str> = shape(row.shape);
        let end = self.group(&shape, 0, row);
        self.odd();
        debug_assert!(end >= shape.len());
    }

    /// Writes one alternative of the group that starts at `at`; the place behind its end.
    fn group(&mut self, shape: &[&str], at: usize, row: &Row) -> usize {
        let (starts, end) = alternatives(shape, at);
        let mut at = self.choices.pick(&starts);
        while at < end && shape[at] != "|" {
            match shape[at] {
                "[" => {
                    let (_, behind) = alternatives(shape, at + 1);
                    match self.choices.below(4) {
                        0 => {}
                        1 => {
                            self.out.push_str(" [");
                            self.group(shape, at + 1, row);
                            self.out.push(']');
                        }
                        _ => {
                            self.group(shape, at + 1, row);
                        }
                    }
                    at = behind;
                }
                symbol => self.symbol(symbol, row),
            }
            at += 1;
        }
        end
    }

    fn symbol(&mut self, symbol: &str, row: &Row) {
        self.odd();
        let hole = symbol.chars().all(|c| c.is_ascii_uppercase());
        match symbol {
            ".." | ":" | "," | "(" | ")" => self.out.push_str(symbol),
            _ if symbol.starts_with('"') => {
                let text = self.choices.pick(&TEXTS);
                self.out.push_str(text);
            }
            _ if !hole => {
                if !self.out.ends_with("..") {
                    self.out.push(' ');
                }
                self.out
                    .push_str(if symbol == "fence" { FENCE } else { symbol });
            }
            _ => {
                if !self.out.ends_with("..") {
                    self.out.push(' ');
                }
                self.hole(symbol, row);
            }
        }
    }

    fn hole(&mut self, hole: &str, row: &Row) {
        match hole {
            "NAME" if self.choices.below(3) > 0 && schema::takes_name(row) => {
                let name = NAMES[self.declared % NAMES.len()];
                self.declared += 1;
                self.out.push_str(name);
            }
            "CONDITION" | "CLAIM" => {
                let text = super::condition::text(self.choices);
                self.out.push_str(&text);
            }
            "ACTION" => {
                let text = self.choices.pick(&ACTIONS);
                self.out.push_str(text);
            }
            _ => {
                let values = values(hole);
                let value = if values.is_empty() || self.choices.rarely(24) {
                    self.choices.pick(&ANYTHING)
                } else {
                    self.choices.pick(values)
                };
                self.out.push_str(value);
            }
        }
    }

    fn odd(&mut self) {
        if self.choices.rarely(96) {
            let odd = self.choices.pick(&ODD);
            self.out.push_str(odd);
        }
    }
}

/// `"Title"`, words, operators and brackets of a shape.
fn shape(shape: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = shape;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => rest[1..].find('"').map_or(rest.len(), |n| n + 2),
            '.' if rest.starts_with("..") => 2,
            c if c.is_alphanumeric() => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.'))
                .map_or(rest.len(), |n| n)
                .min(rest.find("..").unwrap_or(rest.len())),
            c => c.len_utf8(),
        };
        let (symbol, tail) = rest.split_at(length);
        if !matches!(symbol, " " | "…" | ";" | "`") {
            found.push(symbol);
        }
        rest = tail;
    }
    found
}

/// Where the alternatives of a group start, and the place of its end.
fn alternatives(shape: &[&str], from: usize) -> (Vec<usize>, usize) {
    let mut starts = vec![from];
    let mut depth = 0usize;
    let mut at = from;
    while at < shape.len() {
        match shape[at] {
            "[" => depth += 1,
            "]" if depth == 0 => break,
            "]" => depth -= 1,
            "|" if depth == 0 => starts.push(at + 1),
            _ => {}
        }
        at += 1;
    }
    (starts, at)
}

const FENCE: &str = "```sh\n  echo \"$A\"\n  ```";
const TEXTS: [&str; 14] = [
    " \"Title\"",
    " \"src/**\"",
    " \"src/a/*\"",
    " \"${a}\"",
    " \"${a.outputs.x}\"",
    " 'raw'",
    " \"\"",
    " \"a.coord\"",
    " [\"true\"]",
    " [\"sh\", \"-c\", \"exit 3\"]",
    " \"{a,b}/**\"",
    " \"../x\"",
    " \"https://a.example\"",
    " \"\\u{20AC}\"",
];
const ACTIONS: [&str; 20] = [
    "fail",
    "skip",
    "proceed",
    "halt",
    "notify a",
    "notify all via b",
    "escalate to a",
    "escalate to any of [a, b]",
    "retry 2",
    "reassign to b",
    "reassign a to b",
    "redistribute a",
    "recover a",
    "rollback",
    "rollback a",
    "start a",
    "start main(a: \"x\")",
    "enter a",
    "leave a",
    "skip else halt else notify c",
];
const ANYTHING: [&str; 30] = [
    "a",
    "b",
    "c",
    "main",
    "all",
    "local",
    "a.b",
    "[a, b]",
    "any of [a, b]",
    "agents where tier.rank < 2",
    "all except b",
    "1",
    "0",
    "7",
    "2d",
    "3wd",
    "90%",
    "2x",
    "2025-08-13",
    "2025-08-10T14:00Z",
    "09:00",
    "09:00..12:30",
    "1..3",
    "\"text\"",
    "(a: 1)",
    "12USD/h",
    "- 1d",
    "P0",
    "L1",
    "->",
];

/// What may stand in a hole.
fn values(hole: &str) -> &'static [&'static str] {
    match hole {
        "YEAR" => &["2026", "2025"],
        "D" | "LOW" | "LIKELY" | "HIGH" => &[
            "0s", "1ms", "30m", "4h", "1h30m", "2d", "2wd", "6wh", "52w", "3653d",
        ],
        "N" | "M" | "V" => &[
            "1", "2", "3", "0", "16", "1000", "100000", "80%", "4.5", "2h",
        ],
        "DATE" | "FIRST" | "LAST" => &[
            "2025-08-11",
            "2025-08-13",
            "2024-02-29",
            "9998-12-31",
            "2025-08-10T14:00Z",
            "2025-08-10T14:00+02:00",
            "0001-01-01",
        ],
        "FROM" | "TO" | "TIME" => &["09:00", "17:00", "00:00", "23:59", "12:30"],
        "ZONE" => &["UTC", "Europe/Berlin", "America/New_York", "Mars/Base"],
        "DAY" | "WEEKDAY" => &["monday", "tuesday", "sunday", "[monday, friday]"],
        "PERIOD" => &["day", "week", "month", "2h", "monday", "weekday", "30s"],
        "TYPE" => &[
            "text", "int", "percent", "duration", "date", "url", "path", "bool",
        ],
        "VALUE" => &["\"x\"", "3", "90%", "2h", "true", "a"],
        "RATE" => &["12USD/h", "800EUR/d"],
        "CODE" => &["W0603", "W0101", "3", "[1, 2]"],
        "EVENT" => &[
            "task.failed",
            "task.blocked",
            "task.late",
            "agent.failed",
            "conflict.open",
            "gate.failed",
            "incident.open",
            "run.started",
            "run.finished",
            "a.passes",
            "metric a > 3",
        ],
        "LEVEL" => &["L1", "a", "P0"],
        "WHO" | "AGENT" | "WORK" | "NAME" | "A" | "B" | "T" | "PHASE" | "GROUP" | "LADDER" => {
            &["a", "b", "c", "[a, b]", "any of [a, b]", "all", "d"]
        }
        _ => &["a", "b", "c", "d", "main"],
    }
}
