//! Ladders: their order, their times, and whom they reach.

use crate::diagnostic::Diagnostic;
use crate::ids::{AgentId, EscalationId};
use crate::lower::Facts;
use crate::model::{Action, By, Chain, Conflict, Escalation, Happening, Level, Model, Reaction};
use crate::source::{Span, Spanned};
use crate::time::format_ms;

pub(super) fn check(model: &Model, facts: &Facts, out: &mut Vec<Diagnostic>) {
    for ladder in model.escalations.values() {
        in_order(&ladder.levels, facts, out);
        levels(model, &ladder.levels, ladder.sla_ms.is_some(), out);
        sla(ladder, out);
        if ladder.levels.is_empty() && !facts.incomplete {
            no_level(ladder, out);
        }
    }
    for conflict in model.conflicts.values() {
        in_order(&conflict.levels, facts, out);
        levels(model, &conflict.levels, false, out);
        decider(conflict, out);
    }
    opened_out_of_order(model, out);
    reaches_who_failed(model, out);
}

fn no_level(ladder: &Escalation, out: &mut Vec<Diagnostic>) {
    let name = &ladder.name;
    out.push(
        Diagnostic::new(
            "E0820",
            name.span,
            format!("ladder `{}` has no level", name.value),
        )
        .label("nobody is asked")
        .help("as in `level L1 \"Team lead\" by lead within 30m`"),
    );
}

fn in_order(levels: &[Level], facts: &Facts, out: &mut Vec<Diagnostic>) {
    if facts.incomplete {
        return; // a level that could not be read may stand in between
    }
    for pair in levels.windows(2) {
        jump(&pair[0], &pair[1], out);
    }
}

fn levels(model: &Model, levels: &[Level], has_end: bool, out: &mut Vec<Diagnostic>) {
    for (index, level) in levels.iter().enumerate() {
        if let Some(first) = levels[..index].iter().find(|l| same_party(l, level)) {
            asked_again(model, first, level, out);
        }
        let is_last = index + 1 == levels.len();
        if level.within_ms.is_none() && !(is_last && has_end) {
            endless(level, is_last, out);
        }
    }
}

/// `L3` as `L` and 3.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (word, number) = name.split_at(name.len() - digits);
    Some((word, number.parse().ok()?))
}

/// E0801: names that are numbered are numbered in order.
fn jump(before: &Level, level: &Level, out: &mut Vec<Diagnostic>) {
    let (Some((a, from)), Some((b, to))) =
        (numbered(&before.name.value), numbered(&level.name.value))
    else {
        return;
    };
    if a != b || from.checked_add(1) == Some(to) {
        return;
    }
    let (from, to) = (&before.name, &level.name);
    out.push(
        Diagnostic::new(
            "E0801",
            to.span,
            format!("levels jump from `{}` to `{}`", from.value, to.value),
        )
        .label("out of order")
        .related(from.span, "the level before it")
        .help("number the levels in the order in which they are asked"),
    );
}

fn same_party(a: &Level, b: &Level) -> bool {
    let sorted = |level: &Level| {
        let mut agents = level.by.agents.clone();
        let mut roles = level.by.roles.clone();
        agents.sort_unstable();
        roles.sort_unstable();
        (agents, roles, level.quorum)
    };
    sorted(a) == sorted(b)
}

/// E0811: whoever did not answer is asked once more.
fn asked_again(model: &Model, first: &Level, level: &Level, out: &mut Vec<Diagnostic>) {
    let who = match (level.by.agents.as_slice(), level.by.roles.as_slice()) {
        ([agent], []) => format!("`{}`", model.agents[*agent].name.value),
        ([], [role]) => format!("`{}`", role.name()),
        _ => "the party".to_string(),
    };
    out.push(
        Diagnostic::new(
            "E0811",
            level.by.span,
            format!(
                "`{}` escalates to {who}, which is already at `{}`",
                level.name.value, first.name.value
            ),
        )
        .label("asked again")
        .related(first.by.span, "asked here")
        .help("name somebody else, or give the first of them more time"),
    );
}

/// W0313: a level behind which nothing comes.
fn endless(level: &Level, is_last: bool, out: &mut Vec<Diagnostic>) {
    let name = &level.name;
    let label = if is_last {
        "the ladder stays open when nobody answers"
    } else {
        "the next level never opens"
    };
    out.push(
        Diagnostic::new(
            "W0313",
            name.span,
            format!("level `{}` waits for people without a limit", name.value),
        )
        .label(label)
        .help("write `within 4h` behind who is asked"),
    );
}

/// W0803: the last level opens after the ladder's time is over.
fn sla(ladder: &Escalation, out: &mut Vec<Diagnostic>) {
    let Some(sla) = &ladder.sla_ms else { return };
    let times: Vec<i64> = (ladder.levels.iter())
        .filter_map(|l| l.within_ms.as_ref().map(|ms| ms.value))
        .collect();
    let sum = times.iter().fold(0_i64, |sum, ms| sum.saturating_add(*ms));
    if sum <= sla.value {
        return;
    }
    let count = times.len();
    let levels = if count == 1 {
        "level takes"
    } else {
        "levels take"
    };
    let mut d = Diagnostic::new(
        "W0803",
        sla.span,
        format!(
            "{count} {levels} {}, more than the {} of the whole ladder",
            format_ms(sum),
            format_ms(sla.value)
        ),
    )
    .label("over before the last level is");
    for level in &ladder.levels {
        if let Some(ms) = &level.within_ms {
            d = d.related(ms.span, format!("`{}`", level.name.value));
        }
    }
    out.push(d.help("give the levels less time, or the ladder more"));
}

/// E0802 and W0313 of a conflict's decider.
fn decider(conflict: &Conflict, out: &mut Vec<Diagnostic>) {
    let Some(decide) = &conflict.decide else {
        return;
    };
    let Some(within) = &decide.within_ms else {
        if conflict.escalate.is_none_or(|e| e.after_ms == 0) {
            out.push(
                Diagnostic::new(
                    "W0313",
                    decide.by.span,
                    format!(
                        "conflict `{}` waits for its decider without a limit",
                        conflict.kind.value
                    ),
                )
                .label("nothing happens when nobody decides")
                .help("write `within 24h` behind who decides"),
            );
        }
        return;
    };
    if let Some(escalate) = &conflict.escalate
        && escalate.after_ms < within.value
    {
        out.push(
            Diagnostic::new(
                "E0802",
                escalate.span,
                format!(
                    "`after {}` stands behind `within {}`",
                    format_ms(escalate.after_ms),
                    format_ms(within.value)
                ),
            )
            .label("takes over before the decider's time is over")
            .related(within.span, "the time to decide")
            .help("escalate later, or give less time to decide"),
        );
    }
}

/// E0802: reactions that open a ladder's higher level before its lower one.
fn opened_out_of_order(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut opened: Vec<(&Reaction, EscalationId, u32, &Spanned<i64>)> = Vec::new();
    for reaction in &model.reactions {
        let Some(time) = &reaction.for_ms else {
            continue;
        };
        for (to, level, _) in reaction.actions.iter().flat_map(escalations) {
            opened.push((reaction, to, level, time));
        }
    }
    for (i, (higher, ladder, above, soon)) in opened.iter().enumerate() {
        let behind = opened
            .iter()
            .enumerate()
            .find(|(j, (lower, to, level, late))| {
                *j != i
                    && to == ladder
                    && level < above
                    && late.value > soon.value
                    && lower.on.value == higher.on.value
                    && lower.when == higher.when
            });
        if let Some((_, (_, _, _, late))) = behind {
            out.push(
                Diagnostic::new(
                    "E0802",
                    soon.span,
                    format!(
                        "`for {}` stands behind `for {}`",
                        format_ms(soon.value),
                        format_ms(late.value)
                    ),
                )
                .label("the higher level opens first")
                .related(late.span, "the lower level opens here")
                .help("let the higher level wait longer than the lower one"),
            );
        }
    }
}

/// The ladders that a chain opens, each with its first level.
fn escalations(chain: &Chain) -> Vec<(EscalationId, u32, Span)> {
    let links = std::iter::successors(Some(chain), |c| c.otherwise.as_deref());
    links
        .filter_map(|link| match link.action {
            Action::Escalate { to, level } => Some((to, level.unwrap_or_default(), link.span)),
            _ => None,
        })
        .collect()
}

/// E0818: an agent's failure is escalated to nobody but that agent.
fn reaches_who_failed(model: &Model, out: &mut Vec<Diagnostic>) {
    for reaction in &model.reactions {
        let Some(failed) = who_failed(model, &reaction.on.value) else {
            continue;
        };
        for chain in &reaction.actions {
            reaches_only(model, chain, failed, out);
        }
    }
    for task in model.tasks.values() {
        let sole = task.by.as_ref().and_then(|by| match &by.value {
            By::All(agents) | By::Any(agents) => only(agents),
        });
        if let (Some(agent), Some(chain)) = (sole, &task.on_fail_do) {
            reaches_only(model, chain, Some(agent), out);
        }
    }
}

/// Who failed: a certain agent, or (none inside) anybody; none when nobody did.
fn who_failed(model: &Model, on: &Happening) -> Option<Option<AgentId>> {
    match on {
        Happening::AgentFailed(agent) | Happening::AgentBlocked(agent) => Some(*agent),
        Happening::TaskFailed(Some(task)) => {
            let by = model.tasks[*task].by.as_ref()?;
            only(by.value.agents()).map(Some)
        }
        _ => None,
    }
}

fn only(agents: &[AgentId]) -> Option<AgentId> {
    match agents {
        [one] => Some(*one),
        _ => None,
    }
}

fn reaches_only(model: &Model, chain: &Chain, failed: Option<AgentId>, out: &mut Vec<Diagnostic>) {
    for (to, first, span) in escalations(chain) {
        let ladder = &model.escalations[to];
        let levels = ladder.levels.get(first as usize..).unwrap_or_default();
        if levels.iter().any(|l| !l.by.roles.is_empty()) {
            continue; // who that is shows when it happens
        }
        let mut reached: Vec<AgentId> = levels.iter().flat_map(|l| l.by.agents.clone()).collect();
        reached.sort_unstable();
        reached.dedup();
        let Some(agent) = only(&reached) else {
            continue;
        };
        let is_human = model.agents[agent].driver.is_human();
        if is_human || failed.is_some_and(|f| f != agent) {
            continue;
        }
        let name = &model.agents[agent].name.value;
        out.push(
            Diagnostic::new(
                "E0818",
                span,
                format!(
                    "everyone that `{}` can reach may be the one that failed",
                    ladder.name.value
                ),
            )
            .label(format!("asks `{name}` alone"))
            .related(ladder.name.span, "the ladder")
            .help("let it end at a human, or at another agent"),
        );
    }
}
