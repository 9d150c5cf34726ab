//! `coord plan`: when it ends, what is critical and who is busy; as a picture or as JSON.

use super::args::{Common, Plan as Args, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::project::{self, Loaded};
use super::render::sheet::Look;
use super::render::{diagnostics, explain_plan, plan_json};
use super::screen::Screen;
use coord_lang::diagnostic::Diagnostic;
use coord_plan::compile::Settings;
use coord_plan::levelling::Options;
use coord_plan::plan::Plan;
use coord_plan::schedule::Schedule;
use std::path::Path;

/// Narrower than that nothing is to be seen; wider nobody can follow a line.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=240;
const DEFAULT_WIDTH: usize = 100;

pub(crate) fn plan(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let project = &args.project;
    let loaded = project::load(common, project.file.as_deref(), &project.set, settings())?;
    let Some((plan, schedule)) = sound(common, screen, &loaded) else {
        return Ok(Exit::Wrong);
    };
    let text = match args.format {
        TextOrJson::Json => plan_json::text(plan, schedule),
        TextOrJson::Text => explain_plan::text(plan, schedule, look(screen, args)),
    };
    deliver(screen, args.output.as_deref(), &text)?;
    Ok(if loaded.compiled.has_errors() {
        Exit::Wrong
    } else {
        Exit::Done
    })
}

/// The schedule counts on the cores of this machine, as a run does.
fn settings() -> Settings {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    Settings {
        schedule: Options {
            cores,
            ..Options::default()
        },
        ..Settings::default()
    }
}

/// Says what is wrong; the plan and its schedule when nothing is.
pub(crate) fn sound<'a>(
    common: &Common,
    screen: &Screen,
    loaded: &'a Loaded,
) -> Option<(&'a Plan, &'a Schedule)> {
    let compiled = &loaded.compiled;
    let found = &compiled.diagnostics;
    if compiled.has_errors() {
        screen.err(&diagnostics::text(&loaded.sources, found, screen.style()));
        // a date that cannot be kept is when people need the picture most
        if only_dates(found) {
            screen.err(&format!("{}\n", diagnostics::count(found)));
            return compiled.plan.as_ref().zip(compiled.schedule.as_ref());
        }
        screen.err(&format!("{}: no plan\n", diagnostics::count(found)));
        return None;
    }
    if !found.is_empty() && !common.quiet {
        let check = format!("coord check {}", loaded.file.display());
        screen.err(&format!(
            "{}: `{check}` shows what\n",
            diagnostics::count(found)
        ));
    }
    compiled.plan.as_ref().zip(compiled.schedule.as_ref())
}

/// True when every error is a deadline that cannot be met.
fn only_dates(found: &[Diagnostic]) -> bool {
    found
        .iter()
        .filter(|d| d.is_error())
        .all(|d| matches!(d.code, "E0601" | "E0602"))
}

fn look(screen: &Screen, args: &Args) -> Look {
    let screen_width = if args.output.is_some() {
        None
    } else {
        screen.width()
    };
    let width = args.width.or(screen_width).unwrap_or(DEFAULT_WIDTH);
    Look {
        width: width.clamp(*WIDTHS.start(), *WIDTHS.end()),
        color: args.output.is_none() && screen.color_out(),
    }
}

/// Writes a result where it is wanted.
pub(crate) fn deliver(screen: &Screen, output: Option<&Path>, text: &str) -> Outcome {
    let Some(path) = output else {
        screen.out(text);
        return Ok(Exit::Done);
    };
    match std::fs::write(path, text) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::environment(format!(
            "cannot write `{}`: {error}",
            path.display()
        ))
        .help("name another file")),
    }
}
