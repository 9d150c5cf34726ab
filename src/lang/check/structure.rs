//! Who does a task and how; what retries and timeouts promise.

use crate::diagnostic::Diagnostic;
use crate::ids::MilestoneId;
use crate::lower::Facts;
use crate::model::{After, By, Model, OnFail, Task, Wanted, Work, WorkRef};
use crate::source::Span;
use std::collections::BTreeSet;

pub(super) fn check(model: &Model, facts: &Facts, out: &mut Vec<Diagnostic>) {
    for (id, task) in model.tasks.iter() {
        if !facts.incomplete_tasks.contains(&id) {
            who_does_it(model, task, out);
        }
        promises(task, out);
        outcomes(model, &task.needs, out);
    }
    let ordered = milestones_in_order(model);
    for (id, milestone) in model.milestones.iter() {
        outcomes(model, &milestone.needs, out);
        if milestone.needs.is_empty() && !facts.incomplete_graph && !ordered.contains(&id) {
            out.push(
                Diagnostic::new(
                    "E0312",
                    milestone.name.span,
                    format!("nothing completes milestone `{}`", milestone.name.value),
                )
                .label("it needs nothing, so it says nothing")
                .help("write `needs TASK` in its block"),
            );
        }
    }
    contracts(model, out);
    phases(model, out);
    if !facts.incomplete {
        starts(model, out);
    }
}

/// Milestones that come after something in a `sequence`.
fn milestones_in_order(model: &Model) -> BTreeSet<MilestoneId> {
    let mut found = BTreeSet::new();
    let bodies = model
        .phases
        .values()
        .flat_map(|p| &p.body)
        .chain(&model.body);
    let mut stack: Vec<(&Work, bool)> = bodies.map(|work| (work, false)).collect();
    while let Some((work, behind)) = stack.pop() {
        match work {
            Work::Milestone(id) if behind => {
                found.insert(*id);
            }
            Work::Sequence(inner, _) => {
                stack.extend(inner.iter().enumerate().map(|(i, w)| (w, behind || i > 0)))
            }
            Work::Parallel(inner, _) => stack.extend(inner.iter().map(|w| (w, behind))),
            Work::Milestone(_) | Work::Task(_) | Work::Phase(_) | Work::Sync(_) => {}
        }
    }
    found
}

/// E0110: more than one of `run`, `ask` and `call`.
fn one_way(task: &Task, out: &mut Vec<Diagnostic>) {
    let ways = [
        ("run", task.run.as_ref().map(|p| p.span())),
        ("ask", task.ask.as_ref().map(|a| a.span)),
        ("call", task.call.as_ref().map(|c| c.span)),
    ];
    let mut given = ways.iter().filter_map(|(word, at)| at.map(|at| (word, at)));
    if let (Some((first, at)), Some((second, again))) = (given.next(), given.next()) {
        out.push(
            Diagnostic::new(
                "E0110",
                again,
                format!("`{first}` and `{second}` in one task: a task does its work one way"),
            )
            .label("a second way")
            .related(at, "the first one")
            .help("keep one of them, or make two tasks"),
        );
    }
}

fn who_does_it(model: &Model, task: &Task, out: &mut Vec<Diagnostic>) {
    let name = &task.name;
    one_way(task, out);
    if task.call.is_some() {
        return;
    }
    match (&task.by, &task.run) {
        (None, None) => out.push(
            Diagnostic::new(
                "E0103",
                name.span,
                format!(
                    "task `{}` has neither `by` nor `run`: nobody does it",
                    name.value
                ),
            )
            .label("nobody does this")
            .help("write `by AGENT` for who does it, or `run [\"program\"]` for a program"),
        ),
        (Some(by), None) => {
            let shell = by
                .value
                .agents()
                .iter()
                .find(|a| model.agents[**a].driver.is_shell());
            if let Some(agent) = shell.map(|a| &model.agents[*a]) {
                out.push(
                    Diagnostic::new(
                        "E0111",
                        name.span,
                        format!(
                            "agent `{}` is `via shell`, but task `{}` has no `run`",
                            agent.name.value, name.value
                        ),
                    )
                    .label("no program to run")
                    .related(agent.name.span, "its programs run on this machine")
                    .help(format!(
                        "write `run [\"program\"]` here, or `via human` in `{}`",
                        agent.name.value
                    )),
                );
            }
        }
        (Some(by), Some(run)) => {
            let all = by.value.agents();
            if all.iter().all(|a| model.agents[*a].driver.is_human()) {
                let agent = &model.agents[all[0]];
                out.push(
                    Diagnostic::new(
                        "E0113",
                        run.span(),
                        format!(
                            "`{}` is asked through the inbox and runs no program",
                            agent.name.value
                        ),
                    )
                    .label("nobody would run this")
                    .related(agent.name.span, "reached `via human`")
                    .help("write the work as `do \"…\"`, or name an agent `via shell`"),
                );
            }
        }
        (None, Some(_)) => {}
    }
}

fn promises(task: &Task, out: &mut Vec<Diagnostic>) {
    if let Some(retry) = &task.retry
        && retry.times > 0
        && !task.idempotent
    {
        out.push(
            Diagnostic::new(
                "W0709",
                retry.span,
                format!(
                    "`{}` is tried again, but is not `idempotent`",
                    task.name.value
                ),
            )
            .label("half of the work may be there already")
            .help("write `idempotent` if doing it twice is as good as once"),
        );
    }
    let holds = task
        .uses
        .first()
        .map(|u| u.span)
        .or(task.writes.first().map(|w| w.span));
    if let (Some(holds), true, None) = (holds, task.run.is_some(), &task.timeout_ms) {
        out.push(
            Diagnostic::new(
                "W0705",
                task.name.span,
                format!("`{}` runs unattended without a timeout", task.name.value),
            )
            .label("could run for ever")
            .related(holds, "and would hold this all the while")
            .help("write `timeout 30m`, with what it may take at most"),
        );
    }
}

/// W0314: what can never come true.
fn outcomes(model: &Model, needs: &[crate::model::Need], out: &mut Vec<Diagnostic>) {
    for need in needs.iter().filter(|n| n.wanted == Wanted::Failed) {
        let never = need.works().find_map(|work| match work {
            WorkRef::Task(id) if model.tasks[id].on_fail == OnFail::Skip => {
                Some((work, "its failure counts as skipped"))
            }
            WorkRef::Milestone(_) => Some((work, "a milestone does no work")),
            WorkRef::Phase(id) if model.phases[id].sync.is_none() => {
                Some((work, "a phase ends well or not at all"))
            }
            _ => None,
        });
        if let Some((work, why)) = never {
            let name = model.work_name(work);
            out.push(
                Diagnostic::new(
                    "W0314",
                    need.span,
                    format!("this can never start: nothing lets `{name}` fail"),
                )
                .label(why)
                .related(model.work_span(work), "declared here")
                .help("name the task whose failure is meant"),
            );
        }
    }
}

/// W0311: work flows between agents that have no contract.
fn contracts(model: &Model, out: &mut Vec<Diagnostic>) {
    if model
        .agents
        .values()
        .all(|a| a.needs.is_empty() && a.wants.is_empty())
    {
        return; // this project does not use contracts
    }
    let mut seen: BTreeSet<(u32, u32)> = BTreeSet::new();
    for task in model.tasks.values() {
        let Some(own) = single(task) else { continue };
        let agent = &model.agents[own];
        let on_task = task
            .needs
            .iter()
            .flat_map(|n| n.works().map(move |w| (w, n.span)));
        let on_artifact = task
            .needs_artifacts
            .iter()
            .filter_map(|n| n.producer.map(|p| (WorkRef::Task(p), n.span)));
        for (work, span) in on_task.chain(on_artifact) {
            let WorkRef::Task(other) = work else { continue };
            let Some(giver) = single(&model.tasks[other]) else {
                continue;
            };
            let declared = agent
                .needs
                .iter()
                .chain(&agent.wants)
                .any(|c| c.on == giver);
            if giver != own
                && !declared
                && giver != Model::LOCAL
                && own != Model::LOCAL
                && seen.insert((own.0, giver.0))
            {
                let (a, b) = (&agent.name.value, &model.agents[giver].name.value);
                out.push(
                    Diagnostic::new(
                        "W0311",
                        span,
                        format!("`{a}` depends on `{b}` here, but declares no contract with it"),
                    )
                    .label(format!(
                        "`{}` is done by `{b}`",
                        model.tasks[other].name.value
                    ))
                    .related(
                        agent.name.span,
                        format!("`needs {b}` or `wants {b}` is missing here"),
                    )
                    .help(format!("write `needs {b}` in `{a}`")),
                );
            }
        }
    }
}

fn single(task: &Task) -> Option<crate::ids::AgentId> {
    match task.by.as_ref().map(|b| &b.value) {
        Some(By::All(agents)) if agents.len() == 1 => agents.first().copied(),
        _ => None,
    }
}

fn phases(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut previous: Option<&crate::model::Phase> = None;
    for phase in model.phases.values() {
        if let Some(After::Start) = phase.after.as_ref().map(|a| &a.value)
            && let Some(before) = previous
            && phase.weeks.is_none()
            && before.weeks.is_none()
        {
            out.push(
                Diagnostic::new(
                    "W0308",
                    phase.name.span,
                    format!(
                        "phases `{}` and `{}` have no order and no weeks",
                        before.name.value, phase.name.value
                    ),
                )
                .label("may run at any time beside the other")
                .related(before.name.span, "the other one")
                .help("write `after` or `weeks` to say when it takes place"),
            );
        }
        week_order(model, phase, out);
        previous = Some(phase);
    }
}

/// E0609: after a phase whose weeks come later.
fn week_order(model: &Model, phase: &crate::model::Phase, out: &mut Vec<Diagnostic>) {
    let Some(After::Phases(before)) = phase.after.as_ref().map(|a| &a.value) else {
        return;
    };
    let Some(own) = &phase.weeks else { return };
    for other in before.iter().map(|p| &model.phases[*p]) {
        let Some(theirs) = &other.weeks else { continue };
        if own.first < theirs.first {
            out.push(
                Diagnostic::new(
                    "E0609",
                    own.span,
                    format!(
                        "`{}` comes after `{}`, but opens in an earlier week",
                        phase.name.value, other.name.value
                    ),
                )
                .label(format!("opens in week {}", own.first))
                .related(theirs.span, format!("opens in week {}", theirs.first))
                .help("move the weeks, or drop the `after`"),
            );
        }
    }
}

/// W0610: weeks and dates mean nothing without a start.
fn starts(model: &Model, out: &mut Vec<Diagnostic>) {
    if model.project.starts.is_some() {
        return;
    }
    let weeks = model
        .phases
        .values()
        .filter_map(|p| p.weeks.as_ref().map(|w| (w.span, "weeks")));
    let due = |d: &crate::source::Spanned<crate::model::Due>| (d.span, "a due day");
    let dues = model.tasks.values().filter_map(|t| t.due.as_ref().map(due));
    let others = model
        .milestones
        .values()
        .filter_map(|m| m.due.as_ref().map(due));
    let deadlines = model
        .tasks
        .values()
        .filter_map(|t| t.deadline.as_ref().map(|d| (d.span, "a deadline")));
    let first: Option<(Span, &str)> = weeks
        .chain(dues)
        .chain(others)
        .chain(deadlines)
        .min_by_key(|(span, _)| *span);
    if let Some((span, what)) = first {
        out.push(
            Diagnostic::new(
                "W0610",
                span,
                format!("{what} without `starts`: the plan cannot say when that is"),
            )
            .label("counted from the start of the project")
            .help("write `starts 2025-08-11` in `project`"),
        );
    }
}
