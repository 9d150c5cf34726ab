//! The rules of a run by their names, with a helping hand for names that are not there.

use super::exit::Failure;
use coord_host::run::Run;
use coord_lang::ids::{
    AgentId, ConflictId, DomainId, EscalationId, Id, IncidentId, MetricId, ModeId, ResourceId,
    Table, WorkflowId,
};
use coord_lang::schema;

/// Names that a help lists before it says only how many there are.
const LISTED: usize = 8;

pub(crate) fn agent(run: &Run, name: &str) -> Result<AgentId, Failure> {
    find(run, "agent", name, &run.plan.agents, |of| &of.name)
}

pub(crate) fn domain(run: &Run, name: &str) -> Result<DomainId, Failure> {
    find(run, "domain", name, &run.plan.rules.domains, |of| &of.name)
}

pub(crate) fn escalation(run: &Run, name: &str) -> Result<EscalationId, Failure> {
    let all = &run.plan.rules.escalations;
    find(run, "escalation", name, all, |of| &of.name)
}

pub(crate) fn conflict(run: &Run, kind: &str) -> Result<ConflictId, Failure> {
    let all = &run.plan.rules.conflicts;
    find(run, "kind of conflict", kind, all, |of| &of.kind)
}

pub(crate) fn incident(run: &Run, name: &str) -> Result<IncidentId, Failure> {
    find(run, "incident", name, &run.plan.rules.incidents, |of| {
        &of.name
    })
}

pub(crate) fn mode(run: &Run, name: &str) -> Result<ModeId, Failure> {
    find(run, "mode", name, &run.plan.rules.modes, |of| &of.name)
}

pub(crate) fn workflow(run: &Run, name: &str) -> Result<WorkflowId, Failure> {
    find(run, "workflow", name, &run.plan.workflows, |of| &of.name)
}

pub(crate) fn metric(run: &Run, name: &str) -> Result<MetricId, Failure> {
    find(run, "metric", name, &run.plan.rules.metrics, |of| &of.name)
}

/// Claims are resources too, which nobody declared.
pub(crate) fn resource(run: &Run, name: &str) -> Result<ResourceId, Failure> {
    let all = run.plan.resources.iter().filter(|(_, of)| !of.claim);
    let named: Vec<(ResourceId, &str)> = all.map(|(id, of)| (id, of.name.as_str())).collect();
    pick(run, "resource", name, &named)
}

fn find<I: Id, T>(
    run: &Run,
    what: &str,
    name: &str,
    all: &Table<I, T>,
    of: impl Fn(&T) -> &String,
) -> Result<I, Failure> {
    let named: Vec<(I, &str)> = all
        .iter()
        .map(|(id, rule)| (id, of(rule).as_str()))
        .collect();
    pick(run, what, name, &named)
}

fn pick<I: Id>(run: &Run, what: &str, name: &str, all: &[(I, &str)]) -> Result<I, Failure> {
    if let Some((id, _)) = all.iter().find(|(_, other)| *other == name) {
        return Ok(*id);
    }
    let names = || all.iter().map(|(_, other)| *other);
    let failure = Failure::wrong(format!("run `{}` has no {what} `{name}`", run.id));
    let meant = schema::closest(name, names());
    Err(if !meant.is_empty() {
        failure.help(format!("did you mean {}?", schema::one_of(meant)))
    } else if all.is_empty() {
        failure.help(format!("its project declares no {what} at all"))
    } else if all.len() <= LISTED {
        failure.help(format!("there is {}", schema::one_of(names())))
    } else {
        failure.help(format!(
            "there are {} of them, such as {}",
            all.len(),
            schema::one_of(names().take(LISTED))
        ))
    })
}
