//! `coord plan`: when it ends, what is critical and who is busy; as a picture or as JSON.

use super::args::{Common, Plan as Args, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::project::{self, Loaded};
use super::render::sheet::Look;
use super::render::{diagnostics, explain_plan, plan_json, what_if};
use super::screen::Screen;
use coord_lang::diagnostic::Diagnostic;
use coord_plan::calendars::Calendars;
use coord_plan::compile::Settings;
use coord_plan::levelling::forecast;
use coord_plan::levelling::{Options, PLACEMENTS_PER_SECOND, Stop};
use coord_plan::plan::Plan;
use coord_plan::schedule::promise::{Promise, Verdict};
use coord_plan::schedule::{Schedule, schedule_on};
use coord_plan::what_if::change;
use std::path::Path;
use std::time::Duration;

/// Narrower than that nothing is to be seen; wider nobody can follow a line.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=240;
const DEFAULT_WIDTH: usize = 100;
/// So many times its budget a search may take by the clock, and a little more.
const GUARD: u32 = 4;
const GUARD_LEAST: Duration = Duration::from_secs(2);

pub(crate) fn plan(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let project = &args.project;
    let mut loaded = project::load(
        common,
        project.file.as_deref(),
        &project.set,
        settings(args),
    )?;
    let compiled = &mut loaded.compiled;
    if let (Some(plan), Some(schedule)) = (&compiled.plan, &mut compiled.schedule) {
        foresee(plan, schedule, args);
    }
    let Some((plan, schedule)) = sound(common, screen, &loaded) else {
        return Ok(Exit::Wrong);
    };
    let changed = match args.what_if.as_slice() {
        [] => None,
        changes => Some(what_if(plan, changes, args)?),
    };
    let text = match (args.format, &changed) {
        (TextOrJson::Json, Some((plan, schedule))) => plan_json::text(plan, schedule),
        (TextOrJson::Json, None) => plan_json::text(plan, schedule),
        (TextOrJson::Text, Some((after, changed))) => {
            let (before, after) = ((plan, schedule), (after, changed));
            what_if::text(before, after, &args.what_if, look(screen, args))
        }
        (TextOrJson::Text, None) => explain_plan::text(plan, schedule, look(screen, args)),
    };
    let schedule = changed.as_ref().map_or(schedule, |(_, schedule)| schedule);
    deliver(screen, args.output.as_deref(), &text)?;
    if loaded.compiled.has_errors() {
        return Ok(Exit::Wrong);
    }
    let broken = |promise: &&Promise| promise.verdict == Verdict::Broken;
    match schedule.promises.iter().filter(broken).count() {
        0 => Ok(Exit::Done),
        n => {
            let (s, does) = if n == 1 { ("", "does") } else { ("s", "do") };
            screen.err(&format!(
                "{n} promise{s} {does} not hold in this schedule\n"
            ));
            Ok(Exit::Failed)
        }
    }
}

/// The plan with changes, and its schedule.
fn what_if(plan: &Plan, changes: &[String], args: &Args) -> Result<(Plan, Schedule), Failure> {
    let mut plan = plan.clone();
    for words in changes {
        change(&mut plan, words)
            .map_err(|mistake| Failure::wrong(mistake.message).help(mistake.help))?;
    }
    let (calendars, settings) = (Calendars::of(&plan), settings(args));
    let mut schedule = schedule_on(&plan, &calendars, &settings.schedule, &settings.stop);
    foresee(&plan, &mut schedule, args);
    Ok((plan, schedule))
}

/// Adds the forecast.
fn foresee(plan: &Plan, schedule: &mut Schedule, args: &Args) {
    let usual = forecast::Settings::of(plan);
    let settings = forecast::Settings {
        samples: args.samples.unwrap_or(usual.samples),
        seed: args.seed,
        ..usual
    };
    schedule.foresee(plan, &settings);
}

/// The schedule counts on the cores of this machine, as a run does.
fn settings(args: &Args) -> Settings {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let budget_ms = args.budget.as_millis() as u64;
    Settings {
        workflow: args.project.workflow.clone(),
        schedule: Options {
            cores,
            budget: budget_ms.saturating_mul(PLACEMENTS_PER_SECOND) / 1000,
            seed: args.seed,
            ..Options::default()
        },
        stop: guard(args.budget),
        ..Settings::default()
    }
}

/// Ends a search that takes far longer than it should, on a machine that is slow or busy. The
/// thread goes with the program.
fn guard(budget: Duration) -> Stop {
    let stop = Stop::default();
    if !budget.is_zero() {
        let (limit, raised) = (budget * GUARD + GUARD_LEAST, stop.clone());
        // without a thread there is no guard, and the work is still limited
        let _ = std::thread::Builder::new().spawn(move || {
            std::thread::sleep(limit);
            raised.raise();
        });
    }
    stop
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

/// True when every error is a deadline or a promise that cannot be met.
fn only_dates(found: &[Diagnostic]) -> bool {
    found
        .iter()
        .filter(|d| d.is_error())
        .all(|d| matches!(d.code, "E0601" | "E0602" | "E0611"))
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
