//! `coord report` and `coord measure`: the record of a run, and what a person measures.

use super::args::{Common, Measure, Report as Args, ReportFormat};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::plan::deliver;
use super::render::report::{self, html, markdown, page};
use super::screen::Screen;
use coord_host::control::{Carried, Order, Request, give};
use coord_host::measure::last_number;
use coord_host::run::Run;
use coord_lang::ids::MetricId;
use coord_plan::rules::{Goal, MetricSource};

pub(crate) fn report(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let id = home::run(&reader, args.run.as_deref())?.id;
    let mut record = report::Record::default();
    let run = Run::fold(&reader, &id, &mut |plan, state, _, event| {
        record.see(plan, state, event);
    })
    .map_err(|error| home::run_failure(&reader, error))?;
    let report = record.report(&run);
    let text = match args.format {
        ReportFormat::Md => markdown::text(&page::page(&report)),
        ReportFormat::Html => html::text(&page::page(&report)),
        ReportFormat::Json => format!(
            "{:#}\n",
            serde_json::to_value(&report)
                .map_err(|e| Failure::environment(format!("the report cannot be written: {e}")))?
        ),
    };
    deliver(screen, args.output.as_deref(), &text)
}

/// What a person found: `coord measure quality 93%`.
pub(crate) fn measure(common: &Common, screen: &Screen, args: &Measure) -> Outcome {
    let home = home::existing(common)?;
    let run = home::open_run(&home::reader(&home)?, args.run.as_deref())?;
    let metric = metric_named(&run, &args.metric)?;
    let rule = &run.plan.rules.metrics[metric];
    let by = who_measures(&run, metric, args.r#as.as_deref())?;
    let like = rule.target.as_ref().map(|goal| match goal {
        Goal::Compared { value, .. } => value.clone(),
        Goal::Between { low, .. } => low.clone(),
    });
    let value = last_number(&args.value, like.as_ref()).ok_or_else(|| {
        Failure::wrong(format!("`{}` is no number", args.value))
            .help("as in `coord measure quality 93%`, `4.5` or `4h`")
    })?;
    let said = format!("{} is {value}", rule.name);
    let request = Request {
        run: run.id.clone(),
        order: Order::Measured { metric, value, by },
    };
    let carried = give(&home, request, &home::command_line()).map_err(home::control_failure)?;
    if !common.quiet {
        let next = match carried {
            Carried::Live => String::new(),
            Carried::Recorded(_) => {
                format!("; nobody runs it now: `coord resume {}` goes on", run.id)
            }
        };
        screen.err(&format!("{said}{next}\n"));
    }
    Ok(Exit::Done)
}

fn metric_named(run: &Run, name: &str) -> Result<MetricId, Failure> {
    let metrics = &run.plan.rules.metrics;
    if let Some((id, _)) = metrics.iter().find(|(_, metric)| metric.name == name) {
        return Ok(id);
    }
    let names: Vec<&str> = metrics
        .values()
        .map(|metric| metric.name.as_str())
        .collect();
    let failure = Failure::wrong(format!("run `{}` has no metric `{name}`", run.id));
    Err(
        match coord_lang::schema::closest(name, names.iter().copied()).first() {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None if names.is_empty() => failure.help("declare one: `metric quality { by lead }`"),
            None => failure.help(format!("there are {}", names.join(", "))),
        },
    )
}

/// Only who is to measure does; what coord computes nobody says.
fn who_measures(
    run: &Run,
    metric: MetricId,
    given: Option<&str>,
) -> Result<Option<String>, Failure> {
    let rule = &run.plan.rules.metrics[metric];
    let of = match &rule.from {
        MetricSource::Person(of) => of,
        MetricSource::Builtin(from) => {
            return Err(Failure::wrong(format!(
                "`{}` is computed by coord, from `{from}`",
                rule.name
            ))
            .help("`coord report` shows its value"));
        }
        MetricSource::Run(_) => {
            return Err(
                Failure::wrong(format!("`{}` is measured by its program", rule.name))
                    .help("it runs at syncs and at the end of the run"),
            );
        }
    };
    let names: Vec<&str> = of
        .iter()
        .map(|a| run.plan.agents[*a].name.as_str())
        .collect();
    match (given, names.as_slice()) {
        (Some(name), names) if names.is_empty() || names.contains(&name) => {
            Ok(Some(name.to_string()))
        }
        (None, [only]) => Ok(Some((*only).to_string())),
        (None, []) => Ok(None),
        (_, names) => Err(Failure::wrong(format!(
            "`{}` is measured by {}",
            rule.name,
            names.join(", ")
        ))
        .help(format!("say who you are: `--as {}`", names[0]))),
    }
}
