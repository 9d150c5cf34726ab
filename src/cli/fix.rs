//! `coord fix`: makes the edits that diagnostics carry, in all files of a project.

use super::args::{Common, Fix as Args};
use super::check::{beside, read};
use super::exit::{Exit, Failure, Outcome};
use super::files::projects_of;
use super::fmt::{difference, replace};
use super::project;
use super::render::diagnostics;
use super::screen::Screen;
use coord_lang::diagnostic::Diagnostic;
use coord_plan::compile::Settings;
use coord_plan::mend::{Mended, mend};
use std::path::Path;

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
        let mended = mend(sources, &settings, None);
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
