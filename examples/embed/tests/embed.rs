//! The example does what it says, both ways.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Output};

fn embed(args: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_embed"))
        .args(args)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    assert!(status.success(), "{args:?}: {status}\n{out}\n{err}");
    out
}

#[test]
fn what_is_built_is_shown_as_text_that_compiles_to_the_same() {
    let text = embed(&["show"]);
    assert!(text.starts_with("edition 2026\n\nproject release-notes \"Release notes\" {\n"));
    let read = coord::compile(&text).unwrap();
    assert_eq!(read.text(), text);
    assert_eq!(read.plan().tasks().count(), 5);
    assert!(read.warnings().is_empty(), "{:?}", read.warnings());
}

#[test]
fn it_is_planned_with_two_writers() {
    let plan = embed(&["plan"]);
    // three notes of two hours for two writers, the text, and putting it out
    assert!(plan.starts_with("5 tasks, done after 7 hours\n"), "{plan}");
    assert!(plan.contains("critical: text\n"), "{plan}");
}

#[test]
fn it_is_rehearsed_in_virtual_time() {
    let run = embed(&["rehearse"]);
    assert!(run.contains("note-planner: completed, tries: 2\n"), "{run}");
    assert!(run.contains("publish: completed, tries: 1\n"), "{run}");
    assert!(run.contains("completed after "), "{run}");
}

#[test]
fn it_runs_for_real_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let run = embed(&["run", &path]);
    for line in [
        "done: note-parser\n",
        "asked: One text of all notes (editor)\n",
        "note-planner: completed, tries: 2\n",
        "completed\n",
    ] {
        assert!(run.contains(line), "{line} is not in\n{run}");
    }
    let published = std::fs::read_to_string(folder.path().join("published.md")).unwrap();
    assert_eq!(
        published,
        "- The parser is faster.\n- The planner is faster.\n- The runner is faster.\n"
    );
    let again = embed(&["run", &path]);
    assert!(again.contains("completed\n"), "{again}");
    assert!(Path::new(&path).join(".coord-state/journal.db").exists());
}
