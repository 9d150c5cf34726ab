//! `coord report` and `coord measure`: the record of a run, and what a person measures.

use super::args::{Common, Report as Args, ReportFormat};
use super::exit::{Failure, Outcome};
use super::home;
use super::plan::deliver;
use super::render::report::{self, html, markdown, page};
use super::screen::Screen;
use coord_host::measure::last_number;
use coord_host::run::Run;
use coord_lang::expr::Value;
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

/// What a person found, and who it counts for; the metric's target says what it is a number of.
pub(crate) fn found(
    run: &Run,
    metric: MetricId,
    text: &str,
    given: Option<&str>,
) -> Result<(Option<Value>, Option<String>), Failure> {
    let rule = &run.plan.rules.metrics[metric];
    let by = who_measures(run, metric, given)?;
    let like = rule.target.as_ref().map(|goal| match goal {
        Goal::Compared { value, .. } => value.clone(),
        Goal::Between { low, .. } => low.clone(),
    });
    Ok((last_number(text, like.as_ref()), by))
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
