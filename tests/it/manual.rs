//! The reference manual: put together from the statement table, the chapters in `grammar/manual`
//! and the long texts of the diagnostics. `UPDATE_DOCS=1 cargo test manual` writes it anew.

use crate::documents::fences;
use crate::space::Space;
use coord_lang::diagnostic::{Diagnostic, one_line};
use coord_lang::explain;
use coord_lang::glob;
use coord_lang::schema::{Body, Place, ROWS, Row, Times, in_place};
use coord_lang::source::Sources;
use coord_lang::syntax::Limits;
use coord_plan::compile::{Settings, compile};
use std::fmt::Write;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn part(name: &str) -> String {
    let path = root().join("grammar/manual").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

// ---- the document --------------------------------------------------------------------------

fn manual() -> String {
    let mut out = String::from(
        "# The `.coord` language\n\n\
         The reference. It is put together from the statement table (`src/lang/schema.rs`), the chapters in\n\
         `grammar/manual` and the long texts of the diagnostics: change those, then run\n\
         `UPDATE_DOCS=1 cargo test manual`. Every program in it is formatted and checked by a test.\n\n",
    );
    let chapters: Vec<String> = [
        "10-ground.md",
        "20-names.md",
        "30-time.md",
        "40-needs.md",
        "50-lifecycle.md",
        "60-ownership.md",
        "70-coordination.md",
    ]
    .map(part)
    .into();
    let chapters: Vec<String> = chapters
        .into_iter()
        .chain([
            statements(),
            part("80-expressions.md"),
            part("85-seeing.md"),
            limits(),
            diagnostics(),
        ])
        .collect();
    for line in chapters.concat().lines() {
        if let Some(title) = line.strip_prefix("## ")
            && !is_doc_comment(title)
        {
            let _ = writeln!(out, "- [{title}](#{})", anchor(title));
        }
    }
    out.push('\n');
    out.push_str(&chapters.join("\n"));
    out
}

/// `##` at the start of a line is a doc comment inside of programs.
fn is_doc_comment(title: &str) -> bool {
    title.ends_with('.')
}

fn anchor(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The places in the order in which the table first speaks of them.
fn places() -> Vec<Place> {
    let mut places = vec![Place::File];
    for row in ROWS {
        if let Body::Optional(place) | Body::Required(place) = row.body
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

/// The heading of a place; two kinds of blocks may have one keyword.
fn heading(place: Place) -> String {
    match place {
        Place::File => "Files".into(),
        Place::Recurring => "`sync` outside of phases".into(),
        _ => format!("`{}`", place.name()),
    }
}

fn statements() -> String {
    let mut out = String::from(
        "## Statements\n\n\
         A table for each kind of block. *Shape* is what follows the word: CAPITALS stand for what you write, `[ ]` holds\n\
         what may be left out, `|` separates choices, `…` is one or a list of several. *Times*: once, or as often as needed.\n\n",
    );
    for place in places() {
        let _ = writeln!(out, "### {}\n", heading(place));
        for row in ROWS.iter().filter(|row| opens(row, place)) {
            let _ = writeln!(
                out,
                "{}\n\n    {}\n",
                row.doc,
                format!("{} {}", row.word, row.shape).trim_end()
            );
        }
        out.push_str(&table(place));
        if let Some(example) = example_of(place) {
            let ticks = if example.contains("```") {
                "````"
            } else {
                "```"
            };
            let _ = writeln!(out, "\n{ticks}coord\n{example}{ticks}");
        }
        out.push('\n');
    }
    out
}

fn opens(row: &Row, place: Place) -> bool {
    row.body == Body::Optional(place) || row.body == Body::Required(place)
}

fn table(place: Place) -> String {
    let mut out = String::from(
        "| statement | times | default | meaning | for example |\n|---|---|---|---|---|\n",
    );
    for row in in_place(place) {
        let times = match row.times {
            Times::Once => "once",
            Times::Many => "many",
        };
        let example = row.example.lines().next().unwrap_or("");
        let _ = writeln!(
            out,
            "| {} | {times} | {} | {} | {} |",
            code(format!("{} {}", row.word, row.shape).trim_end()),
            cell(row.default),
            cell(row.doc),
            code(example),
        );
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// As code inside of a table; backticks are told by more backticks.
fn code(text: &str) -> String {
    if text.contains('`') {
        format!("```` {} ````", cell(text))
    } else {
        format!("`{}`", cell(text))
    }
}

/// The example of `grammar/manual/statements.md` under the name of the place.
fn example_of(place: Place) -> Option<String> {
    let text = part("statements.md");
    let name = match place {
        Place::Recurring => "recurring sync",
        _ => place.name(),
    };
    let (_, rest) = text.split_once(&format!("\n## {name}\n"))?;
    fences(rest, "coord").into_iter().next()
}

fn limits() -> String {
    let limits = Limits::default();
    let rows = [
        ("bytes of one file", limits.file_bytes, "file-bytes"),
        (
            "blocks and brackets inside each other",
            limits.nesting,
            "nesting",
        ),
        (
            "parentheses of a condition inside each other",
            coord_lang::lower::MAX_CONDITION_DEPTH,
            "",
        ),
        ("tasks of a project", limits.tasks, "tasks"),
        ("dependencies of one task", limits.needs, "needs"),
        ("tasks that one `each` stands for", limits.each, "each"),
        ("files of one project", limits.files, "files"),
        ("bytes of a glob", glob::MAX_BYTES, ""),
        ("`**` in a glob", glob::MAX_DOUBLE_STARS, ""),
        (
            "alternatives of a glob's `{a,b}`",
            glob::MAX_ALTERNATIVES,
            "",
        ),
        ("diagnostics shown", coord_lang::diagnostic::MAX_SHOWN, ""),
    ];
    let mut out = String::from(
        "## Limits\n\n\
         They keep a damaged or generated file from exhausting the machine. They are checked before the work and are the same\n\
         everywhere. Past one, the message names it and the figure. What has a name is raised with `--limit NAME=N`.\n\n\
         | limit | is | name |\n|---|---|---|\n",
    );
    for (what, figure, name) in rows {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("`{name}`")
        };
        let _ = writeln!(out, "| {what} | {figure} | {name} |");
    }
    out
}

fn diagnostics() -> String {
    let mut out = String::from(
        "## Diagnostics\n\n\
         E is an error, W a warning; the number never changes its meaning. `coord explain CODE` tells more, with a wrong and a\n\
         right example. A warning that is fine in a project is allowed there, with the reason: `allow W0603 because \"…\"`.\n",
    );
    for range in explain::ranges() {
        let file = format!("../src/lang/explain/{}", range_file(range.digits));
        let _ = writeln!(out, "\n### {} {}\n", range.digits, range.title);
        for entry in range.entries {
            let heading = format!("{} {}", entry.code, entry.title);
            let _ = writeln!(
                out,
                "- [{}]({file}#{}) {}",
                entry.code,
                anchor(&heading),
                entry.title
            );
        }
    }
    out
}

fn range_file(digits: &str) -> String {
    let folder = std::fs::read_dir(root().join("src/lang/explain")).unwrap();
    folder
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .find(|name| name.starts_with(digits))
        .unwrap()
}

#[test]
fn the_reference_manual_is_up_to_date() {
    let path = root().join("grammar/REFERENCE.md");
    let written = manual();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(written.lines()).find(|(a, b)| a != b);
    assert!(
        there == written,
        "grammar/REFERENCE.md is not what the sources say; write it with \
         UPDATE_DOCS=1 cargo test manual. First difference: {differs:?}"
    );
}

// ---- its programs --------------------------------------------------------------------------

/// A program of a document as a file holds it.
fn program(text: &str) -> String {
    if text.starts_with("edition ") {
        text.to_string()
    } else {
        format!("edition 2026\n\n{text}")
    }
}

fn found(text: &str) -> (Sources, Vec<Diagnostic>) {
    let sources = Sources::single("main.coord", text);
    let found = compile(&sources, &Settings::default()).diagnostics;
    (sources, found)
}

#[test]
fn every_program_of_the_manual_is_formatted_and_without_a_mistake() {
    let mut said = String::new();
    for text in fences(&manual(), "coord") {
        let program = program(&text);
        let (sources, found) = found(&program);
        for d in &found {
            let _ = writeln!(said, "{}\n{text}", one_line(&sources, d));
        }
        let formatted = Space::new().coord(&["fmt", "-"]).stdin(&program).run();
        if formatted.stdout != program {
            let _ = writeln!(said, "{program}\nis written\n{}", formatted.stdout);
        }
    }
    assert!(said.is_empty(), "{said}");
}

#[test]
fn every_kind_of_block_has_an_example() {
    for place in places() {
        assert!(
            example_of(place).is_some(),
            "write an example of {place:?} in grammar/manual/statements.md"
        );
    }
}

// ---- the examples of the table -------------------------------------------------------------

/// Statements that the table has and the compiler does not read yet; this list has to shrink.
const NOT_YET: [(&str, Place); 2] = [("ask", Place::Task), ("on", Place::Workflow)];

/// What examples of the table refer to, a declaration a paragraph. One that the example declares
/// itself is left out.
fn stage(example: &str) -> String {
    let text = std::fs::read_to_string(root().join("tests/cases/manual/stage.coord")).unwrap();
    let declares = |line: &str| -> Vec<String> {
        line.split([' ', '(', '{'])
            .take(2)
            .map(str::to_string)
            .collect()
    };
    let own: Vec<Vec<String>> = example
        .lines()
        .filter(|line| !line.starts_with(' ') || line.contains('{'))
        .map(|line| declares(line.trim()))
        .collect();
    text.split("\n\n")
        .filter(|paragraph| {
            let first = paragraph.lines().next().unwrap_or("");
            !own.contains(&declares(first))
        })
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A statement of the table where it may stand, with what a whole program needs around it.
fn in_its_place(row: &Row, place: Place) -> String {
    let mut text = row.example.to_string();
    if text.ends_with("```markdown") {
        text.push_str("\n  Some words\n```");
    }
    if let Body::Required(inside) = row.body {
        text = block(&text, &filling(inside, "").replace("task ", "task inner-"));
    } else if let Body::Optional(inside) = row.body {
        text = match filling(inside, "") {
            "" => text,
            filling => block(&text, filling),
        };
    }
    wrapped(text, row.word, place)
}

fn wrapped(text: String, word: &str, place: Place) -> String {
    let Some(opener) = ROWS.iter().find(|row| opens(row, place)) else {
        return text;
    };
    let filled = match filling(place, word) {
        "" => text,
        filling => format!("{filling}\n{text}"),
    };
    let head = match place {
        Place::Task => "task example \"Example\"", // the statement may look at `build`
        _ => opener.example,
    };
    wrapped(block(head, &filled), opener.word, opener.places[0])
}

fn block(head: &str, body: &str) -> String {
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    format!("{head} {{\n{body}}}")
}

/// What a block needs besides `word` to be whole.
fn filling(place: Place, word: &str) -> &'static str {
    match (place, word) {
        (Place::Task, "run" | "by" | "ask" | "call") => "",
        (Place::Task, "when") => "needs build\nrun [\"true\"]",
        (Place::Task, _) => "run [\"true\"]",
        (Place::Agent, "auth" | "callback") => "via http \"https://agents.example.org\"",
        (Place::Milestone, "needs") => "",
        (Place::Milestone, _) => "needs deploy",
        (Place::Gate, "check") => "",
        (Place::Gate, _) => "check \"it is there\" exists \"README.md\"",
        (Place::Phase, "task" | "parallel" | "sequence") => "",
        (Place::Phase, _) => "task of-phase { run [\"true\"] }",
        (Place::Parallel, _) => "task at-once { run [\"true\"] }",
        (Place::Sequence, _) => "task in-turn { run [\"true\"] }",
        (Place::Workflow, _) => "task deploy { run [\"true\"] }",
        (Place::Escalation, "level") => "",
        (Place::Escalation, _) => "level L1 by lead within 30m",
        (Place::Channel, "file" | "http" | "stdout") => "",
        (Place::Channel, _) => "stdout",
        (Place::Recurring, "every") => "",
        (Place::Recurring, _) => "every day at 09:00 UTC",
        (Place::Group, "") => "members [backend, frontend]",
        (Place::Calendar, "") => "working [monday, tuesday]",
        _ => "",
    }
}

#[test]
fn every_example_of_the_table_is_right_where_it_may_stand() {
    let mut said = String::new();
    for row in ROWS {
        for place in row.places {
            let example = in_its_place(row, *place);
            let text = match row.word {
                "edition" => stage(&example),
                _ => format!("{}\n\n{example}\n", stage(&example)),
            };
            let (sources, found) = found(&text);
            let errors: Vec<String> = found
                .iter()
                .filter(|d| d.is_error())
                .map(|d| one_line(&sources, d))
                .collect();
            let listed = NOT_YET.contains(&(row.word, *place));
            if listed && errors.is_empty() {
                let _ = writeln!(
                    said,
                    "`{}` in {place:?} is read by now: take it off NOT_YET\n",
                    row.word
                );
            } else if !listed && !errors.is_empty() {
                let errors = errors.join("\n  ");
                let _ = writeln!(said, "`{}` in {place:?}\n{example}\n  {errors}\n", row.word);
            }
        }
    }
    assert!(said.is_empty(), "{said}");
}

#[test]
fn chapters_are_short() {
    for entry in std::fs::read_dir(root().join("grammar/manual")).unwrap() {
        let path = entry.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 600, "{}", path.display());
    }
}
