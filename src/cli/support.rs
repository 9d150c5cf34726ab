//! What a run can do of what a project may say.
//!
//! A statement that a run would silently not obey is worse than none: what cannot be done at all
//! is refused before anything starts, what is only read is named.

use super::exit::Failure;
use super::screen::Screen;
use coord_plan::plan::{Driver, Plan};

/// Refuses what this program cannot do; says on standard error what it reads and does not act on.
pub(crate) fn can_run(screen: &Screen, quiet: bool, plan: &Plan) -> Result<(), Failure> {
    undoable(plan)?;
    let read_only = only_read(plan);
    if !read_only.is_empty() && !quiet {
        screen.err(&format!(
            "warning: this run does not act on the {} of the project: they are checked and shown only\n",
            listed(&read_only)
        ));
    }
    Ok(())
}

fn undoable(plan: &Plan) -> Result<(), Failure> {
    for (_, node, task) in plan.tasks() {
        let name = &node.name;
        let agents = task.by.agents().iter().map(|a| &plan.agents[*a]);
        let unreached = agents.clone().find(|a| reached_over(&a.driver).is_some());
        if let Some((agent, word)) = unreached.and_then(|a| Some((a, reached_over(&a.driver)?))) {
            return Err(Failure::wrong(format!(
                "`{}`, who does `{name}`, is reached `via {word}`, which a run cannot do yet",
                agent.name
            ))
            .help("use `via human` and answer for it with `coord done`, or `via shell` and a program that calls it"));
        }
        let Some(more) = &task.more else { continue };
        let what = if more.call.is_some() {
            Some("calls a workflow")
        } else if more.isolate {
            Some("works in a worktree of its own")
        } else if !more.secrets.is_empty() {
            Some("takes a secret")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(
                Failure::wrong(format!("task `{name}` {what}, which a run cannot do yet"))
                    .help("`coord check` and `coord plan` take it as it is"),
            );
        }
    }
    Ok(())
}

fn reached_over(driver: &Driver) -> Option<&'static str> {
    match driver {
        Driver::Shell | Driver::Human => None,
        Driver::Http(_) => Some("http"),
        Driver::Acp(_) => Some("acp"),
        Driver::Mcp { .. } => Some("mcp"),
        Driver::A2a(_) => Some("a2a"),
        Driver::Remote(_) => Some("remote"),
    }
}

fn only_read(plan: &Plan) -> Vec<&'static str> {
    let rules = &plan.rules;
    [
        ("metrics", !rules.metrics.is_empty()),
        ("promises", !rules.expects.is_empty()),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
