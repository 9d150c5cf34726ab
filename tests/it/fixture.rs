//! `.coord` files with the mistakes that they should cause written beside them.
//!
//! `# error: E0101 is not a statement` expects that code, and in its message that text, which may
//! be left out. At the end of a line the note is about this line, alone on its line it is about
//! the nearest line above that is no note. Each `^`, as in `# error^: E0105`, leads one line
//! higher. Warnings are noted as `# warning: W0108`.
//!
//! The first line may say what the compiler is told besides: `# with: values needed` (every
//! parameter must have a value, as for a run) or `# with: files README.md api/main.go` (these are
//! the files of the project, which is a repository) or `# with: beside agents.coord` (these files
//! lie beside it, empty but for their edition, and can be used).

use coord_lang::source::{FileId, Link, Sources};
use coord_plan::compile::{Compiled, Settings, compile};
use std::path::{Path, PathBuf};

/// What stands in a file that a fixture may use.
pub(crate) const EMPTY: &str = "edition 2026\n";

pub(crate) struct Fixture {
    /// The name of its file.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) values_needed: bool,
    pub(crate) files: Vec<String>,
    /// Files that it may use; None when nobody looks for files.
    pub(crate) beside: Option<Vec<String>>,
    pub(crate) notes: Vec<Note>,
}

/// One expected diagnostic.
pub(crate) struct Note {
    pub(crate) line: usize,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Fixture {
    /// Every fixture of `tests/cases/check`, by name.
    pub(crate) fn all() -> Vec<Fixture> {
        coord_files("tests/cases/check")
            .iter()
            .map(|path| Fixture::read(path))
            .collect()
    }

    fn read(path: &Path) -> Fixture {
        let text = std::fs::read_to_string(path).unwrap();
        let with = text
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("# with: "))
            .unwrap_or("");
        let names = |of: &str| -> Option<Vec<String>> {
            let names = with.strip_prefix(of)?.split(' ');
            Some(names.map(str::to_string).collect())
        };
        Fixture {
            name: path.file_name().unwrap().to_str().unwrap().to_string(),
            values_needed: with == "values needed",
            files: names("files ").unwrap_or_default(),
            beside: names("beside "),
            notes: notes(&text),
            text,
        }
    }

    pub(crate) fn sources(&self) -> Sources {
        let mut sources = Sources::single(&self.name, &self.text);
        let Some(beside) = &self.beside else {
            return sources;
        };
        let added = |name: &String| (name.clone(), sources.add(name, EMPTY));
        let files: Vec<(String, FileId)> = beside.iter().map(added).collect();
        let uses = self.text.lines().filter_map(|l| l.strip_prefix("use \""));
        for path in uses.filter_map(|rest| rest.split('"').next()) {
            let found = files.iter().find(|(name, _)| name == path);
            let to = match found {
                Some((_, file)) => Link::File(*file),
                None => Link::Unreadable {
                    why: "there is no such file".into(),
                    near: None,
                },
            };
            sources.link(FileId(0), path, to);
        }
        sources
    }

    pub(crate) fn compile(&self) -> Compiled {
        self.compile_text(&self.sources())
    }

    /// Compiles another text as this fixture is compiled.
    pub(crate) fn compile_text(&self, sources: &Sources) -> Compiled {
        let here = self
            .files
            .iter()
            .cloned()
            .chain([self.name.clone()])
            .collect();
        let paths = if self.files.is_empty() {
            None
        } else {
            Some(here)
        };
        compile(
            sources,
            &Settings {
                need_values: self.values_needed,
                paths,
                ..Settings::default()
            },
        )
    }
}

fn notes(text: &str) -> Vec<Note> {
    let mut about = 0;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((before, up, note)) = note_in(line) else {
            about = index + 1;
            continue;
        };
        if !before.trim().is_empty() {
            about = index + 1;
        }
        let (code, message) = note.split_once(' ').unwrap_or((note, ""));
        found.push(Note {
            line: about - up,
            code: code.to_string(),
            message: message.to_string(),
        });
    }
    found
}

/// What stands before a note, how far up it leads, and what it says.
fn note_in(line: &str) -> Option<(&str, usize, &str)> {
    let at = line.find("# error").or_else(|| line.find("# warning"))?;
    let (word, note) = line[at..].split_once(": ")?;
    let carets = word.bytes().filter(|b| *b == b'^').count();
    Some((&line[..at], carets, note))
}

/// The `.coord` files of a folder of this repository, sorted.
pub(crate) fn coord_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "coord") && p.is_file())
        .collect();
    files.sort();
    files
}

/// The folders of `workflows`, each a project of several files.
pub(crate) fn projects() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let mut found: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("workflows/{}", entry.file_name().to_str().unwrap()))
        .collect();
    found.sort();
    found
}
