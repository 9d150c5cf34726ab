//! The edits that diagnostics carry, made.
//!
//! Edits that do not touch each other are made together, then the result is compiled again, until
//! nothing is left to do. An edit after which there are more errors than before is not made, nor is
//! one that is a guess.

use crate::compile::{Settings, compile};
use coord_lang::diagnostic::{Diagnostic, Fix};
use coord_lang::source::{FileId, SourceFile, Sources};

/// Most rounds over one project; a round makes at least one edit, and nearly always all of them.
const ROUNDS: usize = 100;

/// What became of the files of one project.
pub struct Mended {
    pub old: Sources,
    pub new: Sources,
    /// A line for each edit that was made.
    pub done: Vec<String>,
    pub left: Vec<Diagnostic>,
}

impl Mended {
    /// The files that are others now, as they were and as they are.
    pub fn changed(&self) -> impl Iterator<Item = (&SourceFile, &SourceFile)> {
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

/// Makes every edit that is sure and does no harm, in all files, or in the one file that is given.
pub fn mend(sources: Sources, settings: &Settings, within: Option<FileId>) -> Mended {
    let old = sources.clone();
    let mut done = Vec::new();
    let mut now = sources;
    let mut found = compile(&now, settings).diagnostics;
    for _ in 0..ROUNDS {
        let edits = edits(&now, &found, within);
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
fn edits(sources: &Sources, found: &[Diagnostic], within: Option<FileId>) -> Vec<Edit> {
    let wanted = |fix: &&Fix| fix.is_sure && within.is_none_or(|file| fix.span.file == file);
    let mut all: Vec<(&Diagnostic, &Fix)> = found
        .iter()
        .filter_map(|d| d.fix.as_ref().filter(wanted).map(|fix| (d, fix)))
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
