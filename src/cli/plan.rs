//! `coord plan`: when it ends, what is critical and who is busy; as a picture or as JSON.

use super::args::{Common, Plan as Args, PlanFormat, TextOrJson};
use super::diff::{self, Comparison};
use super::exit::{Exit, Failure, Outcome};
use super::project::{self, Loaded};
use super::render::sheet::Look;
use super::render::{
    diagnostics, diff as difference, explain_plan, graph, picture, plan_json, what_if, why,
};
use super::screen::Screen;
use super::since;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::ids::NodeId;
use coord_lang::schema::{closest, one_of};
use coord_plan::calendars::Calendars;
use coord_plan::compile::Settings;
use coord_plan::levelling::forecast;
use coord_plan::levelling::{Options, PLACEMENTS_PER_SECOND, Stop};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::promise::{Promise, Verdict};
use coord_plan::schedule::why::why;
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
    let (project, search) = (&args.project, Search::of(args));
    if let Some(old) = &args.compare {
        return compare(common, screen, args, old);
    }
    if let Some(run) = &args.since {
        return since::since(common, screen, args, &search, run);
    }
    let mut loaded = project::load(
        common,
        project.file.as_deref(),
        &project.set,
        search.settings(),
    )?;
    let compiled = &mut loaded.compiled;
    if let (Some(plan), Some(schedule)) = (&compiled.plan, &mut compiled.schedule) {
        search.foresee(plan, schedule);
    }
    let Some((plan, schedule)) = sound(common, screen, &loaded) else {
        return Ok(Exit::Wrong);
    };
    let taught = match args.learn {
        true => Some(since::learned(common, screen, plan)?),
        false => None,
    };
    let taught = taught.map(|plan| {
        let schedule = search.schedule(&plan);
        (plan, schedule)
    });
    let (plan, schedule) = taught.as_ref().map_or((plan, schedule), |(p, s)| (p, s));
    let changed = match args.what_if.as_slice() {
        [] => None,
        changes => Some(what_if(plan, changes, &search)?),
    };
    if let Some(name) = &args.why {
        let (plan, schedule) = changed.as_ref().map_or((plan, schedule), |(p, s)| (p, s));
        return explain(screen, args, plan, schedule, name);
    }
    let before = (plan, schedule);
    let (plan, schedule) = changed.as_ref().map_or(before, |(p, s)| (p, s));
    let text = match args.format {
        PlanFormat::Text if changed.is_some() => {
            what_if::text(before, (plan, schedule), &args.what_if, look(screen, args))
        }
        PlanFormat::Text => explain_plan::text(plan, schedule, look(screen, args)),
        PlanFormat::Json => plan_json::text(plan, schedule),
        PlanFormat::Html => picture::page(plan, schedule),
        PlanFormat::Svg => picture::svg(plan, schedule),
        PlanFormat::Csv => picture::csv(plan, schedule),
        PlanFormat::Mermaid => picture::timeline(plan, schedule),
        PlanFormat::Dot => graph::dot(plan, schedule),
        PlanFormat::Ical => picture::ical(plan, schedule).ok_or_else(|| {
            Failure::wrong("a plan without a start has no dates for a calendar")
                .help("say `starts` with a day in the project")
        })?,
    };
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

/// The two forms that everything has which is no picture.
pub(crate) fn text_or_json(args: &Args, what: &str) -> Result<TextOrJson, Failure> {
    match args.format {
        PlanFormat::Text => Ok(TextOrJson::Text),
        PlanFormat::Json => Ok(TextOrJson::Json),
        PlanFormat::Html
        | PlanFormat::Svg
        | PlanFormat::Csv
        | PlanFormat::Ical
        | PlanFormat::Mermaid
        | PlanFormat::Dot => Err(Failure::wrong(format!("{what} is no picture"))
            .help("`--format text` or `--format json`")),
    }
}

/// Says what has changed since another version of the project.
fn compare(common: &Common, screen: &Screen, args: &Args, old: &str) -> Outcome {
    let format = text_or_json(args, "--compare")?;
    let comparison = Comparison {
        common,
        set: &args.project.set,
        search: &Search::of(args),
    };
    let file = args
        .project
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let (old, new) = comparison.sides(old, file.as_deref())?;
    let document = difference::document(&old, &new);
    let text = match format {
        TextOrJson::Json => difference::json(&document),
        TextOrJson::Text => difference::text(&document, look(screen, args)),
    };
    deliver(screen, args.output.as_deref(), &text)?;
    Ok(diff::exit(&document, false))
}

/// Says why something is when it is.
fn explain(screen: &Screen, args: &Args, plan: &Plan, schedule: &Schedule, name: &str) -> Outcome {
    let format = text_or_json(args, "--why")?;
    let found = why(plan, schedule, node(plan, name)?);
    let text = match format {
        TextOrJson::Json => why::json(plan, schedule, &found),
        TextOrJson::Text => why::text(plan, schedule, &found, look(screen, args)),
    };
    deliver(screen, args.output.as_deref(), &text)
}

/// A task, sync or milestone, or the end of a phase.
fn node(plan: &Plan, name: &str) -> Result<NodeId, Failure> {
    let phase = || {
        let mut phases = plan.active_phases().map(|id| &plan.phases[id]);
        phases
            .find(|phase| phase.name == name)
            .map(|phase| phase.end)
    };
    if let Some(node) = plan.find(name).or_else(phase) {
        return Ok(node);
    }
    let works = plan.nodes.values().filter(|n| n.kind != NodeKind::Join);
    let names: Vec<&str> = works
        .map(|node| node.name.as_str())
        .chain(plan.active_phases().map(|id| plan.phases[id].name.as_str()))
        .collect();
    let help = match closest(name, names.iter().copied()) {
        near if !near.is_empty() => format!("did you mean {}?", one_of(near)),
        _ if names.is_empty() => "the plan has none".into(),
        _ => format!("there is {}", one_of(names.iter().take(8).copied())),
    };
    let message = format!("no task, sync, milestone or phase is called `{name}`");
    Err(Failure::wrong(message).help(help))
}

/// The plan with changes, and its schedule.
fn what_if(plan: &Plan, changes: &[String], search: &Search) -> Result<(Plan, Schedule), Failure> {
    let mut plan = plan.clone();
    for words in changes {
        change(&mut plan, words)
            .map_err(|mistake| Failure::wrong(mistake.message).help(mistake.help))?;
    }
    let schedule = search.schedule(&plan);
    Ok((plan, schedule))
}

/// How a schedule is looked for, and how often it is played through.
pub(crate) struct Search {
    pub(crate) workflow: Option<String>,
    pub(crate) budget: Duration,
    pub(crate) seed: u64,
    pub(crate) samples: Option<u32>,
}

impl Search {
    fn of(args: &Args) -> Search {
        Search {
            workflow: args.project.workflow.clone(),
            budget: args.budget,
            seed: args.seed,
            samples: args.samples,
        }
    }

    /// The schedule counts on the cores of this machine, as a run does.
    pub(crate) fn settings(&self) -> Settings {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let budget_ms = self.budget.as_millis() as u64;
        Settings {
            workflow: self.workflow.clone(),
            schedule: Options {
                cores,
                budget: budget_ms.saturating_mul(PLACEMENTS_PER_SECOND) / 1000,
                seed: self.seed,
                ..Options::default()
            },
            stop: guard(self.budget),
            ..Settings::default()
        }
    }

    /// The schedule of a plan, with its forecast.
    pub(crate) fn schedule(&self, plan: &Plan) -> Schedule {
        let (calendars, settings) = (Calendars::of(plan), self.settings());
        let mut schedule = schedule_on(plan, &calendars, &settings.schedule, &settings.stop);
        self.foresee(plan, &mut schedule);
        schedule
    }

    /// Adds the forecast.
    pub(crate) fn foresee(&self, plan: &Plan, schedule: &mut Schedule) {
        let usual = forecast::Settings::of(plan);
        let settings = forecast::Settings {
            samples: self.samples.unwrap_or(usual.samples),
            seed: self.seed,
            ..usual
        };
        schedule.foresee(plan, &settings);
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
    look_of(screen, args.width, args.output.is_some())
}

/// How wide a picture is, and whether it has colours: a file has none.
pub(crate) fn look_of(screen: &Screen, width: Option<usize>, to_file: bool) -> Look {
    let screen_width = if to_file { None } else { screen.width() };
    let width = width.or(screen_width).unwrap_or(DEFAULT_WIDTH);
    Look {
        width: width.clamp(*WIDTHS.start(), *WIDTHS.end()),
        color: !to_file && screen.color_out(),
        now_ms: Some(coord_host::clock::wall_ms()),
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
