//! The brief: what an agent or a person gets with a task, as Markdown.

use coord_engine::State;
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{Plan, Task};
use std::fmt::Write;

/// True when there is more to say than that a program is run: somebody is named, or something is
/// written down. Making a file for each of ten thousand plain tasks costs more than running them.
pub fn says_something(plan: &Plan, state: &State, node: NodeId, task: &Task) -> bool {
    let named = task.by.agents().iter().any(|a| *a != AgentId(0));
    let texts = !task.doc.is_empty() || !task.steps.is_empty() || plan.nodes[node].title.is_some();
    let paths = !task.writes.is_empty() || !task.reads.is_empty() || !task.produces.is_empty();
    named
        || texts
        || paths
        || !task.takes_artifacts.is_empty()
        || !state.node(node).feedback.is_empty()
}

/// What every plain task of a run is told.
pub fn plain(run: &str) -> String {
    format!(
        "# A task of run `{run}`\n\nIts name is in `COORD_TASK`; its program is all there is to it.\n"
    )
}

/// The text; the same for the same plan and state.
pub fn markdown(
    plan: &Plan,
    state: &State,
    node: NodeId,
    task: &Task,
    agents: &[AgentId],
) -> String {
    let mut out = String::new();
    let of = &plan.nodes[node];
    let title = of.title.as_deref().unwrap_or(&of.name);
    let _ = writeln!(
        out,
        "# {title}\n\nTask `{}` of run `{}`.",
        of.name,
        state.run()
    );
    section(&mut out, "What it is", task.doc.lines());
    for agent in agents.iter().map(|a| &plan.agents[*a]) {
        let role = agent
            .role
            .as_deref()
            .or(agent.title.as_deref())
            .unwrap_or("");
        let _ = writeln!(
            out,
            "\nFor `{}`{}{role}.",
            agent.name,
            if role.is_empty() { "" } else { ": " }
        );
    }
    section(
        &mut out,
        "Check-list",
        task.steps.iter().map(String::as_str),
    );
    section(
        &mut out,
        "You write",
        task.writes.iter().map(String::as_str),
    );
    section(&mut out, "You read", task.reads.iter().map(String::as_str));
    let artifact = |a: &coord_plan::plan::Artifact| match &a.path {
        Some(path) => format!("{} in `{path}`", a.name),
        None => a.name.clone(),
    };
    section(&mut out, "You produce", task.produces.iter().map(artifact));
    let taken = |(name, path): &(String, Option<String>)| match path {
        Some(path) => format!("{name} in `{path}`"),
        None => name.clone(),
    };
    section(&mut out, "You get", task.takes_artifacts.iter().map(taken));
    let gates = task
        .ensures
        .iter()
        .flat_map(|g| plan.gates[*g].checks.iter().map(|c| c.title.as_str()));
    section(&mut out, "It counts as done when", gates);
    let feedback = state
        .node(node)
        .feedback
        .iter()
        .map(|f| format!("{}: {}", f.by.as_deref().unwrap_or("a reviewer"), f.note));
    section(&mut out, "Changes asked for", feedback);
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = impl AsRef<str>>) {
    let mut lines = lines.filter(|l| !l.as_ref().trim().is_empty()).peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(out, "- {}", line.as_ref());
    }
}
