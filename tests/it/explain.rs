//! The long texts of the diagnostics: their wrong examples cause them, their right ones do not.

use crate::space::Space;
use coord_lang::explain::{Entry, Example, codes, ranges};
use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use std::fmt::Write;

/// Codes whose examples are words: no single text causes them.
const PROSE: [&str; 3] = ["E0710", "E0903", "E0904"];

fn entries() -> Vec<Entry> {
    ranges().into_iter().flat_map(|r| r.entries).collect()
}

/// The codes that come of an example, in order of their places.
fn reported(code: &str, example: &Example) -> Vec<&'static str> {
    let paths = match example.files {
        "" => None,
        files => Some(files.split(' ').map(str::to_string).collect()),
    };
    let settings = Settings {
        need_values: example.values_needed,
        paths,
        ..Settings::default()
    };
    let sources = Sources::single("main.coord", example.program(code));
    let found = compile(&sources, &settings).diagnostics;
    found.iter().map(|d| d.code).collect()
}

#[test]
fn wrong_examples_cause_their_code_and_right_ones_nothing() {
    let mut said = String::new();
    for entry in entries() {
        let code = entry.code;
        if PROSE.contains(&code) {
            assert!(
                !entry.wrong.compiles,
                "{code} is a program: take it off PROSE"
            );
            continue;
        }
        let (wrong, right) = (reported(code, &entry.wrong), reported(code, &entry.right));
        if wrong.is_empty() || wrong.iter().any(|c| *c != code) {
            let _ = writeln!(said, "{code}: the wrong example causes {wrong:?}");
        }
        if !right.is_empty() {
            let _ = writeln!(said, "{code}: the right example causes {right:?}");
        }
    }
    assert!(said.is_empty(), "\n{said}");
}

#[test]
fn right_examples_are_formatted() {
    let mut said = String::new();
    for entry in entries() {
        if PROSE.contains(&entry.code) {
            continue;
        }
        let text = entry.right.program(entry.code);
        let ran = Space::new().coord(&["fmt", "-"]).stdin(&text).run();
        if ran.stdout != text {
            let _ = writeln!(said, "{}\n{ran}", entry.code);
        }
    }
    assert!(said.is_empty(), "\n{said}");
}

/// What the compiler can say is explained.
#[test]
fn every_code_of_the_sources_is_explained() {
    let explained = codes();
    let missing: Vec<String> = crate::diagnostics::codes_of_the_sources()
        .into_iter()
        .filter(|code| !explained.contains(&code.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "write an entry in src/lang/explain for {missing:?}"
    );
}

/// What is explained is said somewhere.
#[test]
fn every_code_that_is_explained_is_said() {
    let said = crate::diagnostics::codes_of_the_sources();
    let silent: Vec<&str> = codes().into_iter().filter(|c| !said.contains(*c)).collect();
    assert!(silent.is_empty(), "nothing says {silent:?}");
}

#[test]
fn one_code_reads_well() {
    let ran = Space::new().coord(&["explain", "e0302"]).run().exits(0);
    insta::assert_snapshot!(ran);
}

#[test]
fn the_list_goes_by_range() {
    let ran = Space::new().coord(&["explain"]).run().exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "00 Syntax");
    assert_eq!(lines[1], "  E0001  a string is not closed on its line");
    let listed = lines.iter().filter(|l| l.starts_with("  ")).count();
    assert_eq!(listed, codes().len());
}

#[test]
fn an_unknown_code_is_answered_with_the_closest() {
    for (asked, meant) in [("E201", "E0201"), ("W0201", "E0201"), ("0201", "E0201")] {
        let ran = Space::new().coord(&["explain", asked]).run().exits(2);
        assert!(
            ran.stderr.contains(&format!("did you mean `{meant}`?")),
            "{asked}: {ran}"
        );
    }
    let ran = Space::new().coord(&["explain", "banana"]).run().exits(2);
    assert!(ran.stderr.contains("`coord explain` lists them"), "{ran}");
}

#[test]
fn programs_get_the_same_texts() {
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&Space::new().coord(args).run().exits(0).stdout).unwrap()
    };
    let one = json(&["explain", "W0306", "--format", "json"]);
    assert_eq!(one["code"], "W0306");
    assert_eq!(one["severity"], "warning");
    assert!(
        one["wrong"]
            .as_str()
            .unwrap()
            .contains("needs [design, build]")
    );
    assert!(one["right"].as_str().unwrap().contains("needs build"));
    let all = json(&["explain", "--format", "json"]);
    assert_eq!(all.as_array().unwrap().len(), codes().len());
}
