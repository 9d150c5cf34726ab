//! The examples: without a warning, as the formatter would write them, and what they run runs.

use crate::fixture::coord_files;
use crate::space::Space;
use coord_lang::diagnostic::one_line;
use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use std::path::PathBuf;

fn examples() -> Vec<(PathBuf, String)> {
    let files = coord_files("examples");
    assert!(files.len() >= 10);
    files
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn examples_are_clean() {
    for (path, text) in examples() {
        let sources = Sources::single(path.display().to_string(), text);
        let compiled = compile(
            &sources,
            &Settings {
                need_values: true,
                ..Settings::default()
            },
        );
        let said: Vec<String> = compiled
            .diagnostics
            .iter()
            .map(|d| one_line(&sources, d))
            .collect();
        assert!(said.is_empty(), "{}", said.join("\n"));
        assert!(compiled.plan.is_some() && compiled.schedule.is_some());
    }
}

#[test]
fn examples_are_short() {
    for (path, text) in examples() {
        assert!(
            (8..=45).contains(&text.lines().count()),
            "{}",
            path.display()
        );
        assert!(
            text.starts_with("# "),
            "{} starts with what it shows",
            path.display()
        );
    }
}

#[test]
fn examples_are_formatted() {
    for (path, text) in examples() {
        let ran = Space::new()
            .file("main.coord", text)
            .coord(&["fmt", "--check"])
            .run();
        assert_eq!(ran.status.code(), Some(0), "{}: {ran}", path.display());
    }
}

/// Where people are asked, a run that does not wait for them ends with 3.
#[test]
fn examples_run() {
    for (path, text) in examples() {
        let people = text.contains("human");
        let ran = Space::new()
            .file("main.coord", text)
            .coord(&["run", "--no-wait"])
            .run();
        assert_eq!(
            ran.status.code(),
            Some(if people { 3 } else { 0 }),
            "{}: {ran}",
            path.display()
        );
    }
}
