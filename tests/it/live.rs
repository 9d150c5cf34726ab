//! Runs seen from outside: what they say without the time of day, and waiting for what comes.

use crate::space::{Ran, Space, Started};
use serde_json::Value;
use std::time::{Duration, Instant};

/// What comes at all comes sooner, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// A project of these statements.
pub(crate) fn project(statements: &str) -> Space {
    Space::new().file("main.coord", format!("edition 2026\n\n{statements}"))
}

/// `task NAME { … run SCRIPT }`.
pub(crate) fn script(name: &str, fields: &str, text: &str) -> String {
    format!(
        "task {name} {{\n  timeout 60s\n  {fields}\n  run ```sh\n    {}\n  ```\n}}\n",
        text.replace('\n', "\n    ")
    )
}

/// Waits until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(PAUSE);
    }
}

/// Waits until a file is there, and gives its text.
#[track_caller]
pub(crate) fn until_file(space: &Space, name: &str) -> String {
    until(name, || {
        std::fs::read_to_string(space.path(name))
            .ok()
            .filter(|text| text.ends_with('\n'))
    })
}

/// Starts `coord run` of run `r` without waiting for it.
pub(crate) fn start<'s>(space: &'s Space, more: &[&str]) -> Started<'s> {
    space
        .coord(&[&["run", "--run-id", "r"], more].concat())
        .start()
}

/// Runs `coord run` of run `r` to its end.
#[track_caller]
pub(crate) fn run(space: &Space, more: &[&str]) -> Ran {
    start(space, more).wait()
}

/// Calls `coord`, and expects that it goes well.
#[track_caller]
pub(crate) fn fine(space: &Space, args: &[&str]) -> Ran {
    space.coord(args).run().exits(0)
}

/// `coord status --format json` of the last run.
#[track_caller]
pub(crate) fn status(space: &Space) -> Value {
    serde_json::from_str(&fine(space, &["status", "--format", "json"]).stdout).unwrap()
}

/// A field of a task, as text.
#[track_caller]
pub(crate) fn of_task(space: &Space, task: &str, field: &str) -> String {
    let status = status(space);
    let tasks = status["tasks"].as_array().unwrap();
    let found = tasks
        .iter()
        .find(|t| t["id"] == task)
        .unwrap_or_else(|| panic!("no task {task}: {status}"));
    found[field]
        .as_str()
        .map_or_else(|| found[field].to_string(), str::to_string)
}

/// The journal's events of the last run.
#[track_caller]
pub(crate) fn events(space: &Space) -> Vec<Value> {
    lines(&fine(space, &["logs", "--events"]).stdout)
}

/// A text of JSON lines.
#[track_caller]
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// A text without what differs from run to run: times, durations, digests.
pub(crate) fn timeless(text: impl ToString) -> String {
    let mut out = String::new();
    let text = text.to_string();
    for word in text.split_inclusive([' ', '\n', ',']) {
        let end = word.trim_end_matches([' ', '\n', ',']).len();
        let (word, rest) = word.split_at(end);
        out.push_str(shown(word).as_deref().unwrap_or(word));
        out.push_str(rest);
    }
    out
}

fn shown(word: &str) -> Option<String> {
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let (word, sentence_end) = word.split_at(word.trim_end_matches(['.', ':']).len());
    match shape.trim_end_matches(['.', ':']) {
        "99:99:99" => Some(format!("[TIME]{sentence_end}")),
        "9999-99-99T99:99:99.999Z" | "9999-99-99T99:99" => Some(format!("[AT]{sentence_end}")),
        "9.9s" | "99s" | "9s" | "999ms" | "99ms" | "9ms" => Some(format!("[TOOK]{sentence_end}")),
        _ if word.starts_with("blake3:") => Some("blake3:[DIGEST]".into()),
        _ => None,
    }
}
