//! Incidents, modes and reactions, held against each other.

use super::chains;
use crate::diagnostic::Diagnostic;
use crate::ids::ModeId;
use crate::model::{Action, Ending, Happening, Incident, Model};
use crate::time::{DAY_MS, Effort};

pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    slower_than_below(model, out);
    modes(model, out);
    told(model, out);
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
