//! `coord test`: the scenarios of a project's `test` blocks, in virtual time.

mod judge;
mod stage;
mod world;

use super::Screen;
use super::args::{Common, Test, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::files;
use super::project;
use super::render::words;
use coord_lang::model::{Given, Model, Scenario};
use coord_lang::source::{Sources, Span};
use coord_lang::syntax::Limits;
use coord_plan::compile::{Compiled, Settings, compile};
use coord_plan::freeze::Bindings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) fn test(common: &Common, screen: &Screen, args: &Test) -> Outcome {
    let limits = project::limits(common)?;
    let paths = match args.paths.as_slice() {
        [] => vec![PathBuf::from(".")],
        given => given.to_vec(),
    };
    let mut all = Vec::new();
    for file in files::projects_of(&folders_of(&paths), &limits)? {
        all.extend(of_project(screen, &file, &limits, args)?);
    }
    let failed = all.iter().filter(|ran| !ran.passed()).count();
    match args.format {
        TextOrJson::Json => screen.json(&Value::Array(all.iter().map(Ran::json).collect())),
        TextOrJson::Text => {
            for ran in &all {
                screen.out(&ran.text(common.quiet));
            }
            screen.err(&summary(all.len(), failed, args));
        }
    }
    Ok(if failed > 0 { Exit::Failed } else { Exit::Done })
}

fn summary(all: usize, failed: usize, args: &Test) -> String {
    match (all, failed, &args.only) {
        (0, _, Some(only)) => format!("no test has `{only}` in its title\n"),
        (0, _, None) => "no `test` blocks here\n".to_string(),
        (1, 0, _) => "1 test holds\n".to_string(),
        (_, 0, _) => format!("{all} tests hold\n"),
        (_, _, _) => format!("{failed} of {all} tests do not hold\n"),
    }
}

/// What became of one scenario.
struct Ran {
    file: String,
    title: String,
    line: usize,
    virtual_ms: i64,
    real_ms: u128,
    trace: Vec<String>,
    misses: Vec<(usize, String, String)>,
}

impl Ran {
    fn passed(&self) -> bool {
        self.misses.is_empty()
    }

    fn text(&self, quiet: bool) -> String {
        let mark = if self.passed() { '✓' } else { '✗' };
        if self.passed() && quiet {
            return String::new();
        }
        let mut out = format!(
            "{mark} {}  ({} in {} ms)\n",
            self.title,
            judge::span(self.virtual_ms),
            self.real_ms
        );
        for line in &self.trace {
            out.push_str(&format!("    {line}\n"));
        }
        for (line, expected, seen) in &self.misses {
            out.push_str(&format!(
                "    {}:{line}: {expected}\n      {seen}\n",
                self.file
            ));
        }
        out
    }

    fn json(&self) -> Value {
        let misses = self.misses.iter().map(
            |(line, expected, seen)| json!({ "line": line, "expected": expected, "seen": seen }),
        );
        json!({
            "file": self.file,
            "line": self.line,
            "test": self.title,
            "passed": self.passed(),
            "virtual_s": self.virtual_ms as f64 / 1000.0,
            "misses": misses.collect::<Vec<_>>(),
        })
    }
}

fn of_project(
    screen: &Screen,
    file: &Path,
    limits: &Limits,
    args: &Test,
) -> Result<Vec<Ran>, Failure> {
    let sources = files::read(file, limits)?;
    let plain = Settings {
        limits: *limits,
        ..Settings::default()
    };
    let compiled = compile(&sources, &plain);
    if compiled.has_errors() {
        return Err(project::mistakes(screen, &sources, &compiled, file));
    }
    let wanted = |scenario: &&Scenario| {
        let only = args.only.as_deref();
        only.is_none_or(|part| scenario.title.value.contains(part))
    };
    let mut plans: BTreeMap<(Option<String>, Bindings), Compiled> = BTreeMap::new();
    let mut ran = Vec::new();
    for scenario in compiled.model.scenarios.iter().filter(wanted) {
        let started = Instant::now();
        let key = key(&compiled.model, scenario);
        let compiled = plans.entry(key.clone()).or_insert_with(|| {
            let settings = Settings {
                workflow: key.0,
                bindings: key.1,
                ..plain.clone()
            };
            compile(&sources, &settings)
        });
        ran.push(one(&sources, compiled, scenario, started, args.trace));
    }
    Ok(ran)
}

/// The workflow and the values that a scenario is about.
fn key(model: &Model, scenario: &Scenario) -> (Option<String>, Bindings) {
    let workflow = scenario.workflow.as_ref();
    let name = workflow.map(|w| model.workflows[w.value].name.value.clone());
    let set = scenario
        .givens
        .iter()
        .filter_map(|given| match &given.value {
            Given::Set { param, value } => {
                Some((model.params[*param].name.value.clone(), value.clone()))
            }
            _ => None,
        });
    (name, set.collect())
}

fn one(
    sources: &Sources,
    compiled: &Compiled,
    scenario: &Scenario,
    started: Instant,
    trace: bool,
) -> Ran {
    let (file, line) = place(sources, scenario.title.span);
    let mut ran = Ran {
        file,
        title: scenario.title.value.clone(),
        line,
        virtual_ms: 0,
        real_ms: 0,
        trace: Vec::new(),
        misses: Vec::new(),
    };
    let Some(plan) = compiled.whole() else {
        let seen = "the project has no plan with these values".to_string();
        ran.misses
            .push((line, format!("test \"{}\"", ran.title), seen));
        return ran;
    };
    let played = stage::play(plan, scenario);
    for miss in judge::judge(&compiled.model, &played, &scenario.expects) {
        let (_, at) = place(sources, miss.span);
        ran.misses
            .push((at, written(sources, miss.span), miss.seen));
    }
    if !ran.passed() {
        for refused in &played.refused {
            let said = format!("what was given was refused: {refused}");
            ran.misses
                .push((line, format!("test \"{}\"", ran.title), said));
        }
    }
    if trace {
        ran.trace = traced(&played);
    }
    ran.virtual_ms = played.end_ms - played.start_ms;
    ran.real_ms = started.elapsed().as_millis();
    ran
}

/// What happened, a line each, with the time since the start.
fn traced(played: &stage::Played) -> Vec<String> {
    let line = |event: &coord_engine::Event| {
        let (mark, text) = words::event(&played.plan, &played.state, event)?;
        let at = judge::span(event.at_ms - played.start_ms);
        let first = text.lines().next().unwrap_or_default();
        Some(format!("{at:>10} {mark} {first}"))
    };
    played.events.iter().filter_map(line).collect()
}

/// The given paths, and every folder below given folders.
fn folders_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    while let Some(path) = todo.pop() {
        let has_programs = |folder: &Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries
                .map(|e| e.path())
                .any(|p| p.is_file() && p.extension().is_some_and(|x| x == "coord"))
        };
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let hidden = |p: &PathBuf| {
            let name = p.file_name().map(|n| n.to_string_lossy().into_owned());
            name.is_none_or(|n| n.starts_with('.') || n == "target" || n == "node_modules")
        };
        let mut below: Vec<PathBuf> = entries
            .map(|e| e.path())
            .filter(|p| p.is_dir() && !hidden(p))
            .collect();
        below.sort();
        todo.extend(below.into_iter().rev());
        if has_programs(&path) {
            found.push(path);
        }
    }
    found
}

fn place(sources: &Sources, span: Span) -> (String, usize) {
    let file = sources.file(span.file);
    let name = file.name();
    let name = name.strip_prefix("./").unwrap_or(name);
    (name.to_string(), file.line_index(span.start) + 1)
}

/// The line that an expectation stands in, as it was written.
fn written(sources: &Sources, span: Span) -> String {
    let file = sources.file(span.file);
    file.line(file.line_index(span.start)).trim().to_string()
}
