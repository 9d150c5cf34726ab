//! `coord fmt`: files in their one form.

use super::args::{Common, Fmt};
use super::exit::{Exit, Failure, Outcome};
use super::files;
use super::project;
use super::render::diagnostics;
use super::screen::Screen;
use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::format::format;
use coord_lang::source::Sources;
use coord_lang::syntax::parse;
use std::io::Write;
use std::path::Path;

pub(crate) fn fmt(common: &Common, screen: &Screen, args: &Fmt) -> Outcome {
    let mut exit = Exit::Done;
    for file in files::files_of(&args.paths, &project::limits(common)?)? {
        let stdin = file == Path::new("-");
        let sources = if stdin {
            project::read_stdin("stdin.coord")?
        } else {
            project::read(&file)?
        };
        let (text, errors) = formatted(common, &sources)?;
        if !errors.is_empty() {
            screen.err(&diagnostics::text(&sources, &errors, screen.style()));
            screen.err(&format!(
                "{} is left as it is: mend its syntax first\n",
                file.display()
            ));
            exit = Exit::Wrong;
            continue;
        }
        let old = sources.iter().next().map_or("", |(_, f)| f.text());
        if stdin && !args.check && !args.diff {
            screen.out(&text);
        } else if text != old {
            if args.diff {
                screen.out(&difference(&file.display().to_string(), old, &text));
            }
            if args.check || args.diff {
                if args.check && !common.quiet {
                    screen.err(&format!("{} would change\n", file.display()));
                }
                exit = if exit == Exit::Done {
                    Exit::Failed
                } else {
                    exit
                };
            } else {
                replace(&file, &text)?;
            }
        }
    }
    Ok(if args.diff && !args.check && exit == Exit::Failed {
        Exit::Done
    } else {
        exit
    })
}

fn formatted(common: &Common, sources: &Sources) -> Result<(String, Vec<Diagnostic>), Failure> {
    let limits = project::limits(common)?;
    let Some((id, file)) = sources.iter().next() else {
        return Ok((String::new(), Vec::new()));
    };
    let (tree, mut found) = parse(id, file, &limits);
    found.retain(Diagnostic::is_error);
    diagnostic::sort(&mut found);
    Ok((format(file, &tree), found))
}

/// Writes beside the file and renames, so that a crash leaves the old or the new text.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let failed =
        |e: std::io::Error| Failure::environment(format!("cannot write `{}`: {e}", file.display()));
    let target = std::fs::canonicalize(file).map_err(failed)?;
    let mut beside = target.clone().into_os_string();
    beside.push(".tmp");
    let mut out = std::fs::File::create(&beside).map_err(failed)?;
    out.write_all(text.as_bytes())
        .and_then(|()| out.sync_all())
        .map_err(failed)?;
    if let Ok(meta) = std::fs::metadata(&target) {
        let _kept_if_possible = std::fs::set_permissions(&beside, meta.permissions());
    }
    std::fs::rename(&beside, &target).map_err(failed)
}

/// The lines that change, between the common start and the common end.
pub(crate) fn difference(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - start;
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = format!("--- {name}\n+++ {name}\n@@ line {} @@\n", start + 1);
    for line in &old[start..old.len() - end] {
        out.push_str(&format!("-{line}\n"));
    }
    for line in &new[start..new.len() - end] {
        out.push_str(&format!("+{line}\n"));
    }
    out
}
