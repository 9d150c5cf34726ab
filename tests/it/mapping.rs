//! Each project that was written from a document says where every section of it went; what it
//! names must be there.
//!
//! `workflows/*/MAPPING.md` holds a table `| section of the document | where |`. Where is one or
//! more `file: statement-head`, separated by `;`: the file lies beside the table, and one of its
//! lines starts with the head.
//!
//! `workflows/README.md` is one table of all of them, with the lines that they lead to; it is
//! written anew by `UPDATE_DOCS=1 cargo test mapping`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// One cell of the second column, taken apart.
struct Place {
    file: String,
    head: String,
}

/// One row of a table.
struct Row {
    section: String,
    places: Vec<Place>,
}

#[test]
fn every_mapped_statement_is_in_its_file() {
    let mut missing = Vec::new();
    for table in tables() {
        let folder = table.parent().unwrap();
        for row in rows(&table) {
            for place in &row.places {
                if let Some(why) = absent(folder, place) {
                    missing.push(format!("{}: {}: {why}", table.display(), row.section));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_section_has_a_place_and_stands_once() {
    for table in tables() {
        let rows = rows(&table);
        let mut sections: Vec<&str> = rows.iter().map(|r| r.section.as_str()).collect();
        assert!(sections.len() >= 10, "{} is short", table.display());
        for row in &rows {
            assert!(
                !row.section.is_empty() && !row.places.is_empty(),
                "{}: `{}` leads nowhere",
                table.display(),
                row.section
            );
        }
        sections.sort_unstable();
        let all = sections.len();
        sections.dedup();
        assert_eq!(sections.len(), all, "{} repeats itself", table.display());
    }
}

#[test]
fn the_table_of_all_projects_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/README.md");
    let written = all_in_one();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(written.lines()).find(|(a, b)| a != b);
    assert!(
        there == written,
        "workflows/README.md is not what the projects say; write it with \
         UPDATE_DOCS=1 cargo test mapping. First difference: {differs:?}"
    );
}

/// Every section of every document, with the lines of its project.
fn all_in_one() -> String {
    let mut out = String::from(
        "# Projects that were written from documents\n\n\
         Each of these projects was a document first. The table says which lines of the project every\n\
         section of its document became. It is put together from the `MAPPING.md` of each project:\n\
         change that, then run `UPDATE_DOCS=1 cargo test mapping`.\n\n\
         | project | section of the document | lines |\n|---|---|---|\n",
    );
    for table in tables() {
        let folder = table.parent().unwrap();
        let project = folder.file_name().unwrap().to_str().unwrap();
        for row in rows(&table) {
            let places = row.places.iter().map(|p| link(folder, project, p));
            let places: Vec<String> = places.collect();
            let _ = writeln!(
                out,
                "| [{project}]({project}) | {} | {} |",
                row.section,
                places.join(", ")
            );
        }
    }
    out
}

/// `[agents.coord:12](services/agents.coord#L12)`
fn link(folder: &Path, project: &str, place: &Place) -> String {
    let Place { file, head } = place;
    let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
    let line = text.lines().position(|line| starts(line.trim(), head));
    match line {
        Some(index) => format!("[{file}:{0}]({project}/{file}#L{0})", index + 1),
        None => panic!("{project}/{file} has no `{head}`"),
    }
}

/// The tables of all projects.
fn tables() -> Vec<PathBuf> {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let mut found: Vec<PathBuf> = fs::read_dir(workflows)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("MAPPING.md"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no workflows/*/MAPPING.md");
    found
}

fn rows(table: &Path) -> Vec<Row> {
    let text = fs::read_to_string(table).unwrap();
    let cells = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'))
        .filter_map(|line| line.split_once('|'))
        .map(|(section, places)| (section.trim(), places.trim()));
    cells
        .filter(|(section, _)| *section != "section of the document" && !section.starts_with("--"))
        .map(|(section, places)| Row {
            section: section.to_string(),
            places: places.split(';').map(|p| place(table, p)).collect(),
        })
        .collect()
}

fn place(table: &Path, text: &str) -> Place {
    let text = text.trim().trim_matches('`');
    let Some((file, head)) = text.split_once(": ") else {
        panic!("{}: `{text}` is no `file: head`", table.display());
    };
    Place {
        file: file.to_string(),
        head: head.trim().to_string(),
    }
}

/// Why a place is not there.
fn absent(folder: &Path, place: &Place) -> Option<String> {
    let Ok(text) = fs::read_to_string(folder.join(&place.file)) else {
        return Some(format!("there is no {}", place.file));
    };
    let found = text.lines().any(|line| starts(line.trim(), &place.head));
    (!found).then(|| format!("{} has no `{}`", place.file, place.head))
}

/// Whether `line` starts with `head`, and with no longer name than it.
fn starts(line: &str, head: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    line.strip_prefix(head)
        .is_some_and(|rest| !(head.ends_with(in_name) && rest.starts_with(in_name)))
}
