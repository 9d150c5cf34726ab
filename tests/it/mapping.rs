//! Each project that was written from a document says where every section of it went; what it
//! names must be there.
//!
//! `workflows/*/MAPPING.md` holds a table `| section of the document | where |`. Where is one or
//! more `file: statement-head`, separated by `;`: the file lies beside the table, and one of its
//! lines starts with the head.

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
