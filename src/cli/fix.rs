//! `coord fix`: applies the edits that diagnostics carry.
//!
//! Edits that do not touch each other are made together, then the result is compiled again, until
//! nothing is left to do. An edit after which there are more errors than before is not made.

use super::args::{Common, Fix as Args};
use super::check::{beside, read};
use super::exit::{Exit, Failure, Outcome};
use super::files::projects_of;
use super::fmt::{difference, replace};
use super::project;
use super::render::diagnostics;
use super::screen::Screen;
use coord_lang::diagnostic::{Diagnostic, Fix};
use coord_lang::source::{SourceFile, Sources};
use coord_plan::compile::{Settings, compile};
use std::path::Path;

/// Most rounds over one file; a round makes at least one edit, and nearly always all of them.
const ROUNDS: usize = 100;

pub(crate) fn fix(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let mut end = Exit::Done;
    let (mut made, mut files, mut left) = (0, 0, Vec::new());
    let limits = project::limits(common)?;
    for file in projects_of(&args.paths, &limits)? {
        let sources = read(&file, STDIN, &limits)?;
        let settings = Settings {
            limits,
            paths: beside(&file),
            ..Settings::default()
        };
        let mended = mended(sources, &settings);
        if !mended.done.is_empty() {
            made += mended.done.len();
            files += mended.changed().count();
            if !common.quiet {
                screen.err(&mended.done.concat());
            }
        }
        deliver(screen, args, &file, &mended)?;
        left.extend(mended.left);
    }
    if args.dry_run && made > 0 {
        end = Exit::Failed;
    }
    if left.iter().any(Diagnostic::is_error) {
        end = Exit::Wrong;
    }
    if !common.quiet {
        let would = if args.dry_run || args.diff {
            "would fix"
        } else {
            "fixed"
        };
        let plural = if files == 1 { "" } else { "s" };
        screen.err(&format!(
            "{would} {made} in {files} file{plural}; {} left\n",
            diagnostics::count(&left)
        ));
    }
    Ok(end)
}

fn deliver(screen: &Screen, args: &Args, file: &Path, mended: &Mended) -> Result<(), Failure> {
    let stdin = file == Path::new("-");
    if stdin && !args.diff && !args.dry_run {
        let first = mended.new.iter().next();
        screen.out(first.map_or("", |(_, file)| file.text()));
    }
    for (old, new) in mended.changed() {
        if args.diff {
            screen.out(&difference(old.name(), old.text(), new.text()));
        } else if !(args.dry_run || stdin && new.name() == STDIN) {
            replace(Path::new(new.name()), new.text())?;
        }
    }
    Ok(())
}

/// The name that a text from standard input has.
const STDIN: &str = "stdin.coord";

/// What became of the files of one project.
struct Mended {
    old: Sources,
    new: Sources,
    /// A line for each edit that was made.
    done: Vec<String>,
    left: Vec<Diagnostic>,
}

impl Mended {
    /// The files that are others now, as they were and as they are.
    fn changed(&self) -> impl Iterator<Item = (&SourceFile, &SourceFile)> {
        let pairs = self.old.iter().zip(self.new.iter());
        pairs
            .map(|((_, old), (_, new))| (old, new))
            .filter(|(old, new)| old.text() != new.text())
    }
}

/// One edit and the line that tells of it.
struct Edit {
    fix: Fix,
    told: String,
}

fn mended(sources: Sources, settings: &Settings) -> Mended {
    let old = sources.clone();
    let mut done = Vec::new();
    let mut now = sources;
    let mut found = compile(&now, settings).diagnostics;
    for _ in 0..ROUNDS {
        let edits = edits(&now, &found);
        let Some((next, after, count)) = better(&now, &found, &edits, settings) else {
            break;
        };
        done.extend(count.iter().map(|edit| edit.told.clone()));
        (now, found) = (next, after);
    }
    Mended {
        new: now,
        old,
        done,
        left: found,
    }
}

/// All edits together when that does no harm, else the first one that does none.
fn better<'e>(
    now: &Sources,
    found: &[Diagnostic],
    edits: &'e [Edit],
    settings: &Settings,
) -> Option<(Sources, Vec<Diagnostic>, &'e [Edit])> {
    let one_by_one = edits.chunks(1).filter(|_| edits.len() > 1);
    std::iter::once(edits)
        .filter(|all| !all.is_empty())
        .chain(one_by_one)
        .find_map(|part| {
            let next = applied(now, part);
            let after = compile(&next, settings).diagnostics;
            let harmless = errors(&after) <= errors(found) && texts(&next).ne(texts(now));
            harmless.then_some((next, after, part))
        })
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|d| d.is_error()).count()
}

/// The edits that touch no other, in order of their places.
fn edits(sources: &Sources, found: &[Diagnostic]) -> Vec<Edit> {
    let mut all: Vec<(&Diagnostic, &Fix)> = found
        .iter()
        .filter_map(|d| d.fix.as_ref().map(|fix| (d, fix)))
        .collect();
    all.sort_by_key(|(_, fix)| fix.span);
    let mut edits: Vec<Edit> = Vec::new();
    for (d, fix) in all {
        let free = edits.last().is_none_or(|before| {
            let before = before.fix.span;
            fix.span.file != before.file
                || fix.span.start > before.end
                || (fix.span.start == before.end && !fix.span.is_empty())
        });
        if free {
            let file = sources.file(fix.span.file);
            let at = file.line_column(fix.span.start);
            edits.push(Edit {
                fix: fix.clone(),
                told: format!("{}:{at}: {} {}\n", file.name(), d.code, told(sources, fix)),
            });
        }
    }
    edits
}

/// What an edit does, in the texts themselves where they are short.
fn told(sources: &Sources, fix: &Fix) -> String {
    let (old, new) = (sources.text(fix.span), fix.replacement.as_str());
    let short = |text: &str| !text.trim().is_empty() && !text.contains('\n') && text.len() < 60;
    if short(old) && short(new) {
        format!("`{old}` is `{new}` now")
    } else {
        fix.title.clone()
    }
}

/// The same files with these edits made.
fn applied(sources: &Sources, edits: &[Edit]) -> Sources {
    let mut out = sources.clone();
    for (id, file) in sources.iter() {
        let own: Vec<&Fix> = edits
            .iter()
            .map(|edit| &edit.fix)
            .filter(|fix| fix.span.file == id)
            .collect();
        if own.is_empty() {
            continue;
        }
        let mut text = file.text().to_string();
        for fix in own.iter().rev() {
            text.replace_range(fix.span.range(), &fix.replacement);
        }
        out.replace(id, text);
    }
    out
}

fn texts(sources: &Sources) -> impl Iterator<Item = &str> {
    sources.iter().map(|(_, file)| file.text())
}
