//! What a run can do of what a plan may say.
//!
//! A statement that a run would silently not obey is worse than none: what cannot be done at all
//! is refused before anything starts.

use crate::environment::find_program;
use crate::reach::Drivers;
use coord_lang::ids::NodeId;
use coord_plan::plan::{By, Driver, Evidence, Plan, Program};
use coord_plan::rules::MetricSource;
use std::collections::{BTreeMap, BTreeSet};

/// Something that a run cannot do, and what to do instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cannot {
    /// One sentence.
    pub what: String,
    /// The way out.
    pub help: &'static str,
}

/// The first thing in `plan` that a run with these drivers cannot do, of the tasks that are `left`
/// to do.
pub fn cannot_do(plan: &Plan, drivers: &Drivers, left: &dyn Fn(NodeId) -> bool) -> Option<Cannot> {
    for (_, node, task) in plan.tasks().filter(|(id, _, _)| left(*id)) {
        let name = &node.name;
        let agents = task.by.agents().iter().map(|a| &plan.agents[*a]);
        let unreached = agents
            .filter(|a| drivers.of(a).is_none())
            .find_map(|a| Some((a, reached_over(&a.driver)?)));
        if let Some((agent, word)) = unreached {
            return Some(Cannot {
                what: format!(
                    "`{}`, who does `{name}`, is reached `via {word}`, which a run cannot do yet",
                    agent.name
                ),
                help: "use `via human` and answer for it with `coord done`, or `via shell` and a program that calls it",
            });
        }
    }
    None
}

fn reached_over(driver: &Driver) -> Option<&'static str> {
    match driver {
        Driver::Shell | Driver::Human => None,
        Driver::Http(_) => Some("http"),
        Driver::Acp(_) => Some("acp"),
        Driver::Mcp { .. } | Driver::McpWeb { .. } => Some("mcp"),
        Driver::A2a(_) => Some("a2a"),
        Driver::Remote(_) => Some("remote"),
    }
}

/// Programs that `plan` names without a path and that are not on this machine, each with the
/// first task, gate or agent that needs it.
pub fn missing_programs(plan: &Plan, drivers: &Drivers) -> BTreeSet<(String, String)> {
    let mut missing = BTreeSet::new();
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let of_programs = programs(plan, drivers).map(|(program, whose, env)| {
        let name = match program {
            Program::Argv(argv) => argv.first().cloned().unwrap_or_default(),
            Program::Script { language, .. } => language.clone(),
        };
        (name, whose, env)
    });
    for (name, whose, env) in of_programs.chain(spoken_with(plan, drivers)) {
        let own_path = env.iter().any(|(key, _)| key == "PATH");
        if name.contains('/') || own_path {
            continue;
        }
        let there = *known
            .entry(name.clone())
            .or_insert_with(|| find_program(&name).is_some());
        if !there {
            missing.insert((name, whose.to_string()));
        }
    }
    missing
}

/// True when a run of `plan` with these drivers starts programs for sure: of tasks, of gates, and
/// to take work back.
pub fn starts_programs(plan: &Plan, drivers: &Drivers) -> bool {
    let mut more = plan.tasks().filter_map(|(_, _, task)| task.more.as_ref());
    programs(plan, drivers).next().is_some()
        || spoken_with(plan, drivers).next().is_some()
        || more.any(|more| more.undo.is_some())
}

/// Programs that are agents, of agents who do something: name, agent, variables.
fn spoken_with<'p>(
    plan: &'p Plan,
    drivers: &'p Drivers,
) -> impl Iterator<Item = (String, &'p str, &'p [(String, String)])> {
    let at_work: BTreeSet<_> = (plan.tasks())
        .flat_map(|(_, _, task)| task.by.agents().iter().copied())
        .collect();
    let agents = at_work.into_iter().map(|id| &plan.agents[id]);
    agents
        .filter(|agent| drivers.of(agent).is_some())
        .filter_map(|agent| match &agent.driver {
            Driver::Acp(argv) | Driver::Mcp { argv, .. } => {
                let name = argv.first().cloned().unwrap_or_default();
                Some((name, agent.name.as_str(), agent.env.as_slice()))
            }
            _ => None,
        })
}

type Needed<'p> = (&'p Program, &'p str, &'p [(String, String)]);

fn programs<'p>(plan: &'p Plan, drivers: &'p Drivers) -> impl Iterator<Item = Needed<'p>> {
    let of_tasks = plan.tasks().filter_map(|(_, node, task)| {
        let program = task.program.as_ref()?;
        let driven = match &task.by {
            // whoever is picked: all of them have to be driven
            By::Any(any) => any.iter().all(|a| drivers.of(&plan.agents[*a]).is_some()),
            By::All(all) => drivers.of_first(plan, all).is_some(),
        };
        (!driven).then_some((program, node.name.as_str(), task.env.as_slice()))
    });
    let checks = plan
        .gates
        .values()
        .flat_map(|gate| gate.checks.iter().map(move |check| (gate, check)));
    let of_gates = checks.filter_map(|(gate, check)| match &check.evidence {
        Evidence::Run(program) => Some((program, gate.name.as_str(), &[][..])),
        Evidence::When(_) | Evidence::Person(_) | Evidence::Exists(_) => None,
    });
    let metrics = plan.rules.metrics.values();
    let of_metrics = metrics.filter_map(|metric| match &metric.from {
        MetricSource::Run(program) => Some((program, metric.name.as_str(), &[][..])),
        MetricSource::Builtin(_) | MetricSource::Person(_) => None,
    });
    of_tasks.chain(of_gates).chain(of_metrics)
}
