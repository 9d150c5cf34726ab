//! `coord check`: every diagnostic of every file, in one pass.

use super::Screen;
use super::args::{Check, CheckFormat, Common};
use super::exit::{Exit, Failure, Outcome};
use super::files;
use super::project;
use super::render::diagnostics::{self, Found};
use super::render::{github, sarif};
use coord_host::repository;
use coord_lang::source::Sources;
use coord_lang::syntax::Limits;
use coord_plan::compile::{Settings, compile};
use serde_json::Value;
use std::path::Path;

pub(crate) fn check(common: &Common, screen: &Screen, args: &Check) -> Outcome {
    let mut worst = Exit::Done;
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    let limits = project::limits(common)?;
    for file in files::projects_of(&args.paths, &limits)? {
        let sources = match read(&file, &args.stdin_filename, &limits) {
            Ok(sources) => sources,
            Err(failure) => {
                unreadable.push(failure);
                continue;
            }
        };
        let settings = Settings {
            limits,
            paths: beside(&file),
            ..Settings::default()
        };
        let compiled = compile(&sources, &settings);
        if compiled.has_errors() {
            worst = Exit::Wrong;
        }
        found.push(Found {
            sources,
            diagnostics: compiled.diagnostics,
        });
    }
    match args.format {
        CheckFormat::Text => text(common, screen, &found),
        CheckFormat::Json => screen.json(&published(&found)),
        CheckFormat::Sarif => screen.json(&sarif::sarif(&found)),
        CheckFormat::Github => screen.out(&github::github(&found)),
    }
    let Some(last) = unreadable.pop() else {
        return Ok(worst);
    };
    for failure in &unreadable {
        screen.failure(failure);
    }
    Err(last)
}

fn text(common: &Common, screen: &Screen, found: &[Found]) {
    for Found {
        sources,
        diagnostics,
    } in found
    {
        screen.err(&diagnostics::text(sources, diagnostics, screen.style()));
    }
    if !common.quiet && !found.is_empty() {
        let all = found.iter().flat_map(|f| &f.diagnostics);
        let files: usize = found.iter().map(|f| f.sources.iter().count()).sum();
        let plural = if files == 1 { "" } else { "s" };
        screen.err(&format!(
            "{} in {files} file{plural}\n",
            diagnostics::count(all)
        ));
    }
}

fn published(found: &[Found]) -> Value {
    let each = found.iter().map(
        |Found {
             sources,
             diagnostics,
         }| diagnostics::lsp(sources, diagnostics, &uri_of),
    );
    let files = each.flat_map(|value| match value {
        Value::Array(files) => files,
        _ => Vec::new(),
    });
    Value::Array(files.collect())
}

pub(crate) fn read(file: &Path, stdin_name: &str, limits: &Limits) -> Result<Sources, Failure> {
    if file == Path::new("-") {
        files::read_stdin(stdin_name, limits)
    } else {
        files::read(file, limits)
    }
}

/// The project's files, for globs that match none.
pub(crate) fn beside(file: &Path) -> Option<Vec<String>> {
    if file == Path::new("-") {
        return None;
    }
    repository::files(&project::folder_of(file))
}

/// A `file:` URI for a path; a made-up name stays as it is.
fn uri_of(name: &str) -> String {
    let Ok(path) = std::fs::canonicalize(name) else {
        return name.to_string();
    };
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(byte as char),
            b if b.is_ascii_alphanumeric() => uri.push(b as char),
            b => uri.push_str(&format!("%{b:02X}")),
        }
    }
    uri
}
