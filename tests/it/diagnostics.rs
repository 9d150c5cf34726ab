//! Every diagnostic, shown as the user sees it.
//!
//! `tests/cases/check` holds a file for each code, with notes at the places; `snapshots/check`
//! shows each of them together with what is printed.

use crate::fixture::{EMPTY, Fixture};
use crate::space::Space;
use coord_lang::diagnostic::{Diagnostic, one_line};
use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Codes that no text causes, with the test that covers each.
const NOT_OF_A_TEXT: [(&str, &str); 1] = [(
    "E0710",
    "surroundings: a program that this machine lacks, said when a run starts",
)];

type Found = BTreeSet<(usize, String)>;

fn found(sources: &Sources, diagnostics: &[Diagnostic]) -> Found {
    diagnostics
        .iter()
        .map(|d| (sources.start(d.primary.span).line, d.code.to_string()))
        .collect()
}

/// The same through the program.
fn found_by_program(fixture: &Fixture) -> Found {
    let ran = space_of(fixture)
        .coord(&["check", "--format", "json", &fixture.name])
        .run();
    let files: serde_json::Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|e| panic!("{}: {e}\n{ran}", fixture.name));
    let all = files
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|f| f["diagnostics"].as_array().unwrap());
    all.map(|d| {
        (
            d["range"]["start"]["line"].as_u64().unwrap() as usize + 1,
            d["code"].as_str().unwrap().to_string(),
        )
    })
    .collect()
}

fn space_of(fixture: &Fixture) -> Space {
    let mut space = Space::new().file(&fixture.name, &fixture.text);
    for file in &fixture.files {
        space = space.folder(".git").file(file, "");
    }
    for file in fixture.beside.iter().flatten() {
        space = space.file(file, EMPTY);
    }
    space
}

#[test]
fn fixtures_cause_what_they_note_and_nothing_else() {
    let mut wrong = String::new();
    for fixture in Fixture::all() {
        let (sources, compiled) = (fixture.sources(), fixture.compile());
        let noted: Found = fixture
            .notes
            .iter()
            .map(|n| (n.line, n.code.clone()))
            .collect();
        let mut differ = |who: &str, found: &Found| {
            for (line, code) in noted.difference(found) {
                let _ = writeln!(
                    wrong,
                    "{}:{line}: {code} is noted, but {who} does not report it",
                    fixture.name
                );
            }
            for (line, code) in found.difference(&noted) {
                let _ = writeln!(
                    wrong,
                    "{}:{line}: {code} is reported by {who}, but not noted",
                    fixture.name
                );
            }
        };
        differ("the library", &found(&sources, &compiled.diagnostics));
        if !fixture.values_needed {
            differ("the program", &found_by_program(&fixture));
        }
        for note in &fixture.notes {
            let said = compiled
                .diagnostics
                .iter()
                .any(|d| d.code == note.code && d.message.contains(&note.message));
            if !said {
                let _ = writeln!(
                    wrong,
                    "{}:{}: no {} says “{}”",
                    fixture.name, note.line, note.code, note.message
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn fixtures_read_well() {
    let mut different = Vec::new();
    for fixture in Fixture::all() {
        let shown = if fixture.values_needed {
            let sources = fixture.sources();
            fixture
                .compile()
                .diagnostics
                .iter()
                .map(|d| one_line(&sources, d) + "\n")
                .collect()
        } else {
            space_of(&fixture)
                .coord(&["check", &fixture.name])
                .run()
                .to_string()
        };
        let name = fixture.name.trim_end_matches(".coord");
        let text = format!("{}\n{shown}", fixture.text);
        let settings = insta::Settings::clone_current();
        let same = catch_unwind(AssertUnwindSafe(|| {
            let mut settings = settings;
            settings.set_snapshot_path("snapshots/check");
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(name, text));
        }));
        if same.is_err() {
            different.push(name.to_string());
        }
    }
    assert!(
        different.is_empty(),
        "look at what changed, then accept it with INSTA_UPDATE=always: {different:?}"
    );
}

#[test]
fn every_code_of_the_sources_has_a_fixture() {
    let codes = codes_of_the_sources();
    let covered: BTreeSet<String> = Fixture::all()
        .iter()
        .flat_map(|f| f.compile().diagnostics)
        .map(|d| d.code.to_string())
        .collect();
    let elsewhere = |code: &String| NOT_OF_A_TEXT.iter().any(|(other, _)| other == code);
    let missing: Vec<&String> = codes
        .difference(&covered)
        .filter(|c| !elsewhere(c))
        .collect();
    assert!(
        missing.is_empty(),
        "write tests/cases/check/CODE-what-it-is.coord for {missing:?}"
    );
}

/// Every code that the program can say.
pub(crate) fn codes_of_the_sources() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    codes_of(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut codes,
    );
    assert!(
        codes.len() > 80,
        "the scan found {} codes only",
        codes.len()
    );
    codes
}

/// Codes as they stand at the start of string literals.
fn codes_of(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_of(&path, codes);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let literals = text.split('"').skip(1).filter_map(|rest| rest.get(..5));
            codes.extend(literals.filter(|c| is_code(c)).map(str::to_string));
        }
    }
}

fn is_code(text: &str) -> bool {
    text.starts_with(['E', 'W'])
        && text[1..].bytes().all(|b| b.is_ascii_digit())
        && !text.ends_with("0000")
}

#[test]
fn fixtures_are_named_after_their_code() {
    for fixture in Fixture::all() {
        let code = &fixture.name[..5];
        assert!(
            fixture.notes.iter().any(|n| n.code == code),
            "{} causes no {code}",
            fixture.name
        );
    }
}

/// Place, cause and way out, one sentence, in the user's words.
#[test]
fn every_diagnostic_is_complete() {
    for fixture in Fixture::all() {
        for d in fixture.compile().diagnostics {
            let context = format!("{}: {d:#?}", fixture.name);
            assert!(!d.primary.text.is_empty(), "no label: {context}");
            assert!(
                d.related.iter().all(|l| !l.text.is_empty()),
                "an empty label: {context}"
            );
            assert!(
                d.help.as_ref().is_some_and(|h| !h.is_empty()),
                "no help: {context}"
            );
            assert!(
                !d.message.ends_with(['.', '!']) && !d.message.contains(". "),
                "not one sentence: {context}"
            );
            assert!(
                !d.message.starts_with(|c: char| c.is_uppercase()),
                "a capital: {context}"
            );
            for word in [
                "token",
                "parse",
                "syntax",
                "identifier",
                "literal",
                "expression",
                "Some(",
                "None",
            ] {
                // those of budgets are the user's
                let message = d.message.replace("200000 tokens", "");
                assert!(
                    !message.contains(word),
                    "`{word}` is not the user's word: {context}"
                );
            }
        }
    }
}

/// A fix may be applied as it stands, and what it was for is gone.
#[test]
fn every_fix_helps() {
    let mut useless = String::new();
    for fixture in Fixture::all() {
        let before = fixture.compile().diagnostics;
        for d in &before {
            let Some(fix) = &d.fix else { continue };
            let mut text = fixture.text.clone();
            text.replace_range(fix.span.range(), &fix.replacement);
            let after = fixture
                .compile_text(&Sources::single(&fixture.name, text))
                .diagnostics;
            let same = |all: &[Diagnostic]| {
                all.iter()
                    .filter(|o| o.code == d.code && o.message == d.message)
                    .count()
            };
            let errors =
                |all: &[Diagnostic]| all.iter().filter(|o| o.code.starts_with("E00")).count();
            if same(&after) >= same(&before) || errors(&after) > errors(&before) {
                let codes: Vec<&str> = after.iter().map(|d| d.code).collect();
                let _ = writeln!(
                    useless,
                    "{}: {} {} — {} leaves {codes:?}",
                    fixture.name, d.code, d.message, fix.title
                );
            }
        }
    }
    assert!(useless.is_empty(), "\n{useless}");
}

/// Seven mistakes of seven kinds: each is reported once, and none hides another.
#[test]
fn seven_mistakes_are_seven_reports() {
    let text = r#"edition 2026

agent backend "API specialist" {
  via human
  owns "api/**"
}

agent frontend "Web specialist" {
  via human
  owns "api/**"
}

task design {
  by bakend
  do "Draw the interfaces"
}

task build {
  run ["make"]
  takes 4hours
}

task test {
  run ["make" "test"]
  neds build
}

task deploy {
  run ["make", "deploy"]
  deadline 2025-02-30
}

task docs {
  takes 2d
}
"#;
    let ran = Space::new()
        .file("main.coord", text)
        .coord(&["check"])
        .run()
        .exits(2);
    insta::assert_snapshot!(ran);
    let sources = Sources::single("main.coord", text);
    let compiled = compile(&sources, &Settings::default());
    let codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(
        codes,
        [
            "E0401", "E0201", "E0502", "E0005", "E0101", "E0504", "E0103"
        ]
    );
    for d in &compiled.diagnostics {
        assert!(
            !d.primary.text.is_empty() && d.help.as_ref().is_some_and(|h| !h.is_empty()),
            "{d:?}"
        );
    }
}
