//! Incidents, modes and reactions, held against each other.

use super::chains;
use crate::diagnostic::Diagnostic;
use crate::expr::Type;
use crate::ids::ModeId;
use crate::model::{Action, Ending, Goal, Happening, Incident, Measure, MetricSource, Model};
use crate::source::Spanned;
use crate::time::{DAY_MS, Effort};

pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    slower_than_below(model, out);
    modes(model, out);
    told(model, out);
    let events = model.reactions.iter().map(|r| &r.on);
    let starts = model.workflows.values().flat_map(|w| &w.on);
    for on in events.chain(starts) {
        measured_alike(model, on, out);
    }
}

/// E0506: an event of a metric that is compared with something of another kind than it is.
fn measured_alike(model: &Model, on: &Spanned<Happening>, out: &mut Vec<Diagnostic>) {
    let Happening::Metric { metric, value, .. } = &on.value else {
        return;
    };
    let metric = &model.metrics[*metric];
    let is = match (&metric.from.as_ref().map(|f| &f.value), &metric.target) {
        (Some(MetricSource::Builtin(builtin)), _) => match builtin.measure() {
            Measure::Percent => Type::Percent,
            Measure::Duration => Type::Duration,
            Measure::Number => Type::Int,
        },
        (_, Some(Goal::Compared { value, .. } | Goal::Between { low: value, .. })) => {
            value.value.ty()
        }
        _ => return, // what a program prints shows when it prints it
    };
    if value.ty() == is {
        return;
    }
    out.push(
        Diagnostic::new(
            "E0506",
            on.span,
            format!(
                "{} cannot be compared with `{}`, which is {}",
                value.ty().name(),
                metric.name.value,
                is.name()
            ),
        )
        .label(format!("{} is needed", is.name()))
        .related(metric.name.span, "the metric")
        .help("compare values of one kind"),
    );
}

/// W0804: the graver incident has the longer time.
fn slower_than_below(model: &Model, out: &mut Vec<Diagnostic>) {
    let timed = || {
        model
            .incidents
            .values()
            .filter_map(|i| i.respond.as_ref().map(|r| (i, r)))
    };
    for (lesser, fast) in timed() {
        let graver = timed().find(|(graver, slow)| {
            graver.priority < lesser.priority && on_the_clock(slow.value) > on_the_clock(fast.value)
        });
        let Some((graver, slow)) = graver else {
            continue;
        };
        out.push(
            Diagnostic::new(
                "W0804",
                fast.span,
                format!("{} answers faster than {}", called(lesser), called(graver)),
            )
            .label(format!("{} of priority {:?}", fast.value, lesser.priority))
            .related(
                slow.span,
                format!("{} of priority {:?}", slow.value, graver.priority),
            )
            .help("give the graver one less time, or set their `priority`"),
        );
    }
}

fn called(incident: &Incident) -> String {
    format!("`{}`", incident.name.value)
}

fn on_the_clock(effort: Effort) -> i64 {
    match effort {
        Effort::Elapsed(ms) | Effort::Working(ms) => ms,
        Effort::WorkingDays(milli) => milli.saturating_mul(DAY_MS / 1000),
    }
}

/// W0815: a mode that is entered by rule, and that nothing speaks of leaving.
fn modes(model: &Model, out: &mut Vec<Diagnostic>) {
    let chains = chains::all(model);
    let actions = || chains.iter().flat_map(|c| c.actions());
    let ends_in = |mode: ModeId| {
        let ladders = model.escalations.values().map(|l| l.otherwise);
        let conflicts = model.conflicts.values().map(|c| c.otherwise);
        ladders.chain(conflicts).any(|e| e == Ending::Enter(mode))
    };
    for (id, mode) in model.modes.iter() {
        let entered = ends_in(id) || actions().any(|a| matches!(a, Action::Enter(m) if *m == id));
        let left = actions().any(|a| matches!(a, Action::Leave(m) if *m == id));
        let planned = !mode.exit.is_empty() || mode.restart.is_some();
        if entered && !left && !planned {
            let name = &mode.name;
            out.push(
                Diagnostic::new(
                    "W0815",
                    name.span,
                    format!("nothing leaves mode `{}`", name.value),
                )
                .label("entered by a rule, left by none")
                .help(format!(
                    "write `do leave {}` in a reaction, or `restart 2 at a time` for when a person leaves it",
                    name.value
                )),
            );
        }
    }
}

/// W0809: nobody is told but the one that cannot listen.
fn told(model: &Model, out: &mut Vec<Diagnostic>) {
    for reaction in &model.reactions {
        let Happening::AgentFailed(Some(failed)) = reaction.on.value else {
            continue;
        };
        for chain in &reaction.actions {
            let Action::Notify { who, .. } = &chain.action else {
                continue;
            };
            if who.roles.is_empty() && who.agents == [failed] {
                let name = &model.agents[failed].name.value;
                out.push(
                    Diagnostic::new(
                        "W0809",
                        who.span,
                        format!("this notifies nobody but `{name}`, which failed"),
                    )
                    .label("not there to read it")
                    .related(reaction.on.span, "the event")
                    .help("notify somebody else"),
                );
            }
        }
    }
}
