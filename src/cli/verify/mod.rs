//! `coord verify`: looks for defects in what may come of a plan.

mod conditions;
mod course;
mod explore;
mod finding;
mod rules;

use super::Screen;
use super::args::{Common, TextOrJson, Verify};
use super::exit::{Exit, Outcome};
use super::project::{self, Loaded};
use super::render::words;
use coord_lang::ids::NodeId;
use coord_plan::compile::Settings;
use coord_plan::plan::{NodeKind, Plan};
use explore::{Bounds, Course, Seen, explore, replayed};
use finding::{At, Finding};
use serde_json::{Value, json};

/// Sentences of a trace that are shown; of a longer one the last.
const SHOWN: usize = 12;

pub(crate) fn verify(common: &Common, screen: &Screen, args: &Verify) -> Outcome {
    let project = &args.project;
    let settings = Settings {
        workflow: project.workflow.clone(),
        // as a run of that procedure would ask for them
        need_values: project.workflow.is_some(),
        ..Settings::default()
    };
    let loaded = project::load(common, project.file.as_deref(), &project.set, settings)?;
    let plan = loaded.whole(screen)?;
    let bounds = Bounds {
        mishaps: args.depth as usize,
        states: args.states as usize,
    };
    let seen = explore(plan, bounds);
    let mut found = rules::findings(plan);
    explored(plan, &seen, &mut found);
    match args.format {
        TextOrJson::Json => screen.json(&as_json(&loaded, plan, &seen, &found)),
        TextOrJson::Text => {
            screen.out(&as_text(&loaded, plan, &found));
            screen.err(&summary(&seen, &found, bounds));
        }
    }
    let clean = found.is_empty();
    Ok(if clean { Exit::Done } else { Exit::Failed })
}

/// What exploring brought to light.
fn explored(plan: &Plan, seen: &Seen, found: &mut Vec<Finding>) {
    for (nodes, dead) in &seen.dead {
        let Some(first) = nodes.first() else { continue };
        let message = format!(
            "nothing moves and nobody is asked: {} {} ({})",
            words::names(plan, nodes),
            if nodes.len() == 1 { "waits" } else { "wait" },
            dead.why
        );
        found.push(
            Finding::new("dead wait", message, At::Node(*first)).after(told(plan, &dead.course)),
        );
    }
    for ((node, _), (asked, course)) in &seen.unanswerable {
        let message = format!("nobody may answer: {asked}");
        let at = node.map_or(At::Project, At::Node);
        let known = node.is_some_and(|node| is_named(found, &plan.nodes[node].name));
        if !known {
            found.push(Finding::new("unanswerable", message, at).after(told(plan, course)));
        }
    }
    if seen.cut {
        return;
    }
    gates(plan, seen, found);
    // a mode that something from outside leaves holds work up in these courses alone
    let held = seen.modes.iter().any(|mode| rules::leaves(plan, *mode));
    if !seen.unknown && !held {
        idle(plan, seen, found);
    }
}

/// In no course that was looked at.
fn in_no_course(seen: &Seen) -> String {
    match (seen.more_mishaps, seen.mishaps) {
        (false, _) => "in no course".to_string(),
        (true, 1) => "in no course with at most 1 mishap".to_string(),
        (true, n) => format!("in no course with at most {n} mishaps"),
    }
}

fn is_named(found: &[Finding], name: &str) -> bool {
    let name = format!("`{name}`");
    found.iter().any(|of| of.message.contains(&name))
}

/// Gates that were opened, and never let anything pass.
fn gates(plan: &Plan, seen: &Seen, found: &mut Vec<Finding>) {
    for (gate, course) in &seen.gates_opened {
        let name = &plan.gates[*gate].name;
        let guards = |node: &NodeId| conditions::gates_of(plan, *node).contains(gate);
        let mut guarded = plan.nodes.ids().filter(guards);
        let settled = guarded.all(|node| conditions::gate_is_settled(plan, node, *gate));
        if seen.gates_passed.contains(gate) || is_named(found, name) || !settled {
            continue;
        }
        let message = format!("gate `{name}` passes {}", in_no_course(seen));
        found.push(Finding::new("gate", message, At::Gate(*gate)).after(told(plan, course)));
    }
}

/// Work that never starts, where nothing before it is to blame.
fn idle(plan: &Plan, seen: &Seen, found: &mut Vec<Finding>) {
    let never = |id: NodeId| plan.nodes[id].workflow == plan.entry && !seen.started.contains(&id);
    let barred: Vec<_> = (seen.gates_opened.keys())
        .filter(|gate| !seen.gates_passed.contains(gate))
        .collect();
    for (id, node) in plan.nodes.iter() {
        let behind = |need: &coord_plan::plan::Need| need.nodes().all(never);
        let gated = || {
            let gates = conditions::gates_of(plan, id);
            gates.iter().any(|gate| barred.contains(&gate))
        };
        if node.kind == NodeKind::Join
            || !never(id)
            || node.needs.iter().any(behind)
            || is_named(found, &node.name)
            || gated()
            || !conditions::is_settled(plan, id)
        {
            continue;
        }
        let does = match node.kind {
            NodeKind::Milestone(_) => "is reached",
            _ => "starts",
        };
        let kind = rules::kind(node);
        let message = format!("{kind} `{}` {does} {}", node.name, in_no_course(seen));
        found.push(Finding::new("never starts", message, At::Node(id)));
    }
}

/// A course in sentences.
fn told(plan: &Plan, course: &Course) -> Vec<String> {
    let mut told = Vec::new();
    replayed(plan, course, &mut |state, event| {
        if let Some((mark, text)) = words::event(plan, state, event) {
            let first = text.lines().next().unwrap_or_default();
            told.push(format!("{mark} {first}"));
        }
    });
    told
}

fn as_text(loaded: &Loaded, plan: &Plan, found: &[Finding]) -> String {
    let mut out = String::new();
    for finding in found {
        let place = finding.place(&loaded.sources, &loaded.compiled.model, plan);
        let place = place.map_or_else(
            || loaded.file.display().to_string(),
            |(file, line)| format!("{file}:{line}"),
        );
        out.push_str(&format!("{place}: {}\n", finding.message));
        let skipped = finding.trace.len().saturating_sub(SHOWN);
        if skipped > 0 {
            out.push_str(&format!("    … {skipped} steps before\n"));
        }
        for line in finding.trace.iter().skip(skipped) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

fn summary(seen: &Seen, found: &[Finding], bounds: Bounds) -> String {
    let states = match seen.states {
        1 => "1 state".to_string(),
        n => format!("{n} states"),
    };
    let mishaps = match bounds.mishaps {
        1 => "1 mishap".to_string(),
        n => format!("{n} mishaps"),
    };
    let bound = match (seen.cut, seen.more_mishaps) {
        (true, _) => "; the bound was reached, `--states` looks further".to_string(),
        (false, true) => format!("; courses with more than {mishaps} were left out"),
        (false, false) => "; these are all there are".to_string(),
    };
    let found = match found.len() {
        0 => "nothing found".to_string(),
        1 => "1 defect found".to_string(),
        n => format!("{n} defects found"),
    };
    format!("{found} in {states}{bound}\n")
}

fn as_json(loaded: &Loaded, plan: &Plan, seen: &Seen, found: &[Finding]) -> Value {
    let findings = found.iter().map(|finding| {
        let place = finding.place(&loaded.sources, &loaded.compiled.model, plan);
        json!({
            "what": finding.what,
            "message": finding.message,
            "file": place.as_ref().map(|(file, _)| file),
            "line": place.as_ref().map(|(_, line)| line),
            "trace": finding.trace,
        })
    });
    json!({
        "project": plan.project,
        "states": seen.states,
        "bound_reached": seen.cut,
        "more_mishaps": seen.more_mishaps,
        "findings": findings.collect::<Vec<_>>(),
    })
}
