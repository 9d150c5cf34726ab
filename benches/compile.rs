//! Measures the compiler: how much text a second it reads and checks.
//!
//! ```sh
//! cargo bench -p coord-plan --bench compile -- [MEGABYTES] [ROUNDS]
//! cargo bench -p coord-plan --bench compile -- write FILE [MEGABYTES]
//! cargo bench -p coord-plan --bench compile -- read FILE [ROUNDS]
//! ```
//!
//! The text is that of the projects in `workflows`, again and again up to so many megabytes, as one
//! file of one valid project: each copy has names of its own and a folder of its own. `write` puts
//! it into a file, for the command line and a profiler; `read` measures any file. Of the rounds the fastest counts, by the
//! clock and by the processor's time of all threads.

#![expect(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program reads files and a clock"
)]

use coord_lang::check::check;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::editor::index::Index;
use coord_lang::lower::lower;
use coord_lang::source::{FileId, SourceFile, Sources, Span};
use coord_lang::syntax::tree::{Arg, ArgKind, Statement, Tree, statements};
use coord_lang::syntax::{Limits, parse};
use coord_plan::freeze::freeze;
use coord_plan::levelling::Options;
use coord_plan::schedule::schedule;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

const MEGABYTES: usize = 10;
const ROUNDS: usize = 5;
/// What a project says once, whatever it is made of.
const ONCE: [&str; 7] = [
    "edition",
    "project",
    "use",
    "param",
    "diagram",
    "dashboard",
    "expect",
];
/// Whose texts are paths.
const PATHS: [&str; 3] = ["owns", "paths", "writes"];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let number = |at: usize, default: usize| args.get(at).map_or(Ok(default), |text| text.parse());
    if args.first().is_some_and(|word| word == "write") {
        let file = args.get(1).ok_or("write needs a FILE")?;
        std::fs::write(file, text(number(2, MEGABYTES)? << 20)?)?;
        return Ok(());
    }
    if args.first().is_some_and(|word| word == "read") {
        let file = args.get(1).ok_or("read needs a FILE")?;
        return measure(&std::fs::read_to_string(file)?, number(2, ROUNDS)?);
    }
    measure(&text(number(0, MEGABYTES)? << 20)?, number(1, ROUNDS)?)
}

// ---- the text --------------------------------------------------------------------------------

/// The projects of `workflows` over and over, `bytes` long or a little longer.
fn text(bytes: usize) -> Result<String, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let projects: Vec<Project> = folders
        .iter()
        .map(|folder| Project::read(folder))
        .collect::<Result<_, _>>()?;
    let mut all =
        String::from("edition 2026\n\nproject all {\n  timezone UTC\n  starts 2025-09-01\n}\n");
    let params = projects.iter().flat_map(|project| &project.params);
    for param in params.collect::<BTreeSet<_>>() {
        all.push_str(&format!(
            "param {param}: text default \"http://127.0.0.1:1\"\n"
        ));
    }
    let mut copy = 0;
    while all.len() < bytes {
        for (at, project) in projects.iter().enumerate() {
            project.copy(&mut all, &format!("{at}-{copy}"));
        }
        copy += 1;
    }
    Ok(all)
}

/// A project's files, and where something has to be put in so that it is another one.
struct Project {
    /// Names of parameters: all copies share them.
    params: Vec<String>,
    files: Vec<(String, BTreeMap<usize, Change>)>,
}

enum Change {
    /// Behind a name.
    Name,
    /// In front of a path.
    Path,
    /// Left out up to here.
    Omit(usize),
}

impl Project {
    fn read(folder: &Path) -> Result<Project, Box<dyn Error>> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.retain(|file| file.extension().is_some_and(|end| end == "coord"));
        files.sort();
        let mut sources = Sources::default();
        for file in &files {
            sources.add(file.display().to_string(), std::fs::read_to_string(file)?);
        }
        let trees = trees(&sources);
        let (_, facts, _) = lower(&sources, &trees, &Limits::default());
        let index = Index::new(&sources, &trees, &facts.references);
        let mut files: Vec<(String, BTreeMap<usize, Change>)> = sources
            .iter()
            .map(|(_, file)| (file.text().to_string(), BTreeMap::new()))
            .collect();
        let mut change = |at: Span, change: Change| {
            let place = match change {
                Change::Name => at.end,
                Change::Path => at.start + 1,
                Change::Omit(_) => at.start,
            };
            files[at.file.0 as usize].1.insert(place as usize, change);
        };
        let renamed = |at: Span| index.declared_at(at).is_some_and(|d| d.kind != "param");
        let declared = index.declarations().iter().map(|d| (d.span, d.span));
        let used = index.references().iter().map(|r| (r.span, r.declared));
        for (name, declared) in declared.chain(used) {
            // the index takes the word of a statement for a name where both are the same
            let (before, from) = sources.file(name.file).text().split_at(name.start as usize);
            let is_word = before.ends_with("given ") && from.starts_with("resource ");
            if renamed(declared) && !is_word {
                change(name, Change::Name);
            }
        }
        for tree in &trees {
            for statement in statements(&tree.items) {
                let inside = statement.block.iter().flat_map(|b| b.statements());
                for all in inside.filter(|_| statement.word == "agent").filter(is_all) {
                    change(all.span, Change::Omit(all.span.end as usize));
                }
                if ONCE.contains(&statement.word) {
                    let omitted = Change::Omit(statement.span.end as usize);
                    change(statement.span, omitted);
                }
                paths(statement, &mut |at| change(at, Change::Path));
                // who is told has no place in the index
                if statement.word == "on" {
                    told(statement, &mut |who, at| {
                        if index.named(who).next().is_some() {
                            change(at, Change::Name);
                        }
                    });
                }
            }
        }
        let params = index.declarations().iter().filter(|d| d.kind == "param");
        let params = params.map(|d| d.name.clone()).collect();
        Ok(Project { params, files })
    }

    fn copy(&self, out: &mut String, number: &str) {
        for (text, changes) in &self.files {
            let mut from = 0;
            for (at, change) in changes {
                if *at < from {
                    continue; // inside of what is left out
                }
                out.push_str(&text[from..*at]);
                from = *at;
                match change {
                    Change::Name => out.push_str(&format!("-{number}")),
                    Change::Path => out.push_str(&format!("copy-{number}/")),
                    Change::Omit(end) => from = *end,
                }
            }
            out.push_str(&text[from..]);
        }
    }
}

/// `needs all`: of two such agents each waits for the other.
fn is_all(statement: &&Statement<'_>) -> bool {
    statement.word == "needs" && statement.args.first().and_then(Arg::word) == Some("all")
}

fn paths(statement: &Statement<'_>, found: &mut dyn FnMut(Span)) {
    if PATHS.contains(&statement.word) {
        texts(&statement.args, found);
    }
    for inner in statement.block.iter().flat_map(|b| b.statements()) {
        paths(inner, found);
    }
}

fn told<'s>(statement: &Statement<'s>, found: &mut dyn FnMut(&'s str, Span)) {
    for pair in statement.args.windows(2) {
        if let (Some("notify" | "to"), Some(who)) = (pair[0].word(), pair[1].word()) {
            found(who, pair[1].span);
        }
    }
    for inner in statement.block.iter().flat_map(|b| b.statements()) {
        told(inner, found);
    }
}

fn texts(args: &[Arg<'_>], found: &mut dyn FnMut(Span)) {
    for arg in args {
        match &arg.kind {
            ArgKind::Text(_) => found(arg.span),
            ArgKind::List(elements) => elements.iter().for_each(|e| texts(e, found)),
            _ => {}
        }
    }
}

fn trees(sources: &Sources) -> Vec<Tree<'_>> {
    let read = |(id, file): (FileId, _)| parse(id, file, &Limits::default()).0;
    sources.iter().map(read).collect()
}

// ---- the figures -----------------------------------------------------------------------------

#[derive(Default)]
struct Phase {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Phase {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), cpu_s());
        let result = work();
        self.wall.push(start.elapsed().as_secs_f64());
        self.cpu.push(cpu_s() - before);
        result
    }

    fn row(&self, name: &str, bytes: usize) {
        let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let (wall, cpu) = (least(&self.wall), least(&self.cpu));
        let speed = |time: f64| bytes as f64 / 1e6 / time;
        println!(
            "| {name} | {wall:.3} | {cpu:.3} | {:.1} | {:.1} |",
            speed(wall),
            speed(cpu)
        );
    }
}

fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn measure(text: &str, rounds: usize) -> Result<(), Box<dyn Error>> {
    let sources = Sources::single("all.coord", text);
    let limits = Limits {
        tasks: usize::MAX,
        ..Limits::default()
    };
    let [
        mut read,
        mut lowered,
        mut checked,
        mut frozen,
        mut scheduled,
        mut all,
    ] = [(); 6].map(|()| Phase::default());
    for round in 0..rounds {
        let mut problems: Vec<Diagnostic> = Vec::new();
        all.time(|| {
            let source: &SourceFile = sources.file(FileId(0));
            let (tree, found) = read.time(|| parse(FileId(0), source, &limits));
            problems.extend(found);
            let trees = [tree];
            let (model, facts, found) = lowered.time(|| lower(&sources, &trees, &limits));
            problems.extend(found);
            problems.extend(checked.time(|| check(&model, &facts, None)));
            let out = frozen.time(|| freeze(&model, None, &BTreeMap::default(), false));
            problems.extend(out.diagnostics);
            let plan = out.plan.as_ref();
            let schedule = scheduled.time(|| plan.map(|plan| schedule(plan, &Options::default())));
            std::hint::black_box(schedule);
            if round == 0 {
                println!("{} bytes, {} tasks\n", text.len(), model.tasks.len());
            }
        });
        if round == 0 {
            let errors = problems.iter().filter(|d| d.is_error());
            for error in errors.clone().take(20) {
                let at = sources.start(error.primary.span);
                println!("{at} {}: {}", error.code, error.message);
            }
            let errors = errors.count();
            if errors > 0 {
                return Err(format!("{errors} errors in the text").into());
            }
        }
    }
    println!("| | wall s | CPU s | MB/s by wall | MB/s by CPU |");
    println!("|---|---|---|---|---|");
    let bytes = text.len();
    read.row("parse", bytes);
    lowered.row("lower", bytes);
    checked.row("check", bytes);
    frozen.row("freeze", bytes);
    scheduled.row("schedule, by rules", bytes);
    all.row("all of it", bytes);
    Ok(())
}
