//! `coord verify`: looks for defects in what may come of a plan.

mod course;
mod explore;
mod finding;
mod rules;

use super::Screen;
use super::args::{Common, TextOrJson, Verify};
use super::exit::{Exit, Failure, Outcome};
use super::project::{self, Loaded};
use super::render::{diagnostics, words};
use coord_lang::expr::Expr;
use coord_plan::compile::Settings;
use coord_plan::plan::{Evidence, NodeKind, Plan};
use explore::{Bounds, Course, Seen, explore, replayed};
use finding::{At, Finding};
use serde_json::{Value, json};

/// Sentences of a trace that are shown; of a longer one the last.
const SHOWN: usize = 12;

pub(crate) fn verify(common: &Common, screen: &Screen, args: &Verify) -> Outcome {
    let project = &args.project;
    let settings = Settings {
        workflow: project.workflow.clone(),
        ..Settings::default()
    };
    let loaded = project::load(common, project.file.as_deref(), &project.set, settings)?;
    let compiled = &loaded.compiled;
    let Some(plan) = compiled.whole().filter(|_| !compiled.has_errors()) else {
        screen.err(&diagnostics::text(
            &loaded.sources,
            &compiled.diagnostics,
            screen.style(),
        ));
        return Err(
            Failure::wrong(format!("{} has mistakes", loaded.file.display()))
                .help("`coord check` shows them alone"),
        );
    };
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
        let told_already = found.iter().any(|other| other.what == "approval");
        if !told_already {
            found.push(Finding::new("unanswerable", message, at).after(told(plan, course)));
        }
    }
    for (gate, course) in &seen.gates_opened {
        let blind = plan.gates[*gate]
            .checks
            .iter()
            .any(|check| match &check.evidence {
                Evidence::When(expr) => depends_on_outside(expr),
                Evidence::Run(_) | Evidence::Person(_) | Evidence::Exists(_) => false,
            });
        if seen.gates_passed.contains(gate) || seen.cut || blind {
            continue;
        }
        let name = &plan.gates[*gate].name;
        let message = format!("gate `{name}` passes in no course");
        found.push(Finding::new("gate", message, At::Gate(*gate)).after(told(plan, course)));
    }
    if seen.cut || seen.unknown || seen.more_mishaps && !unconditional(plan) {
        return;
    }
    for (id, node) in plan.nodes.iter() {
        let idle = node.kind == NodeKind::Join || node.workflow != plan.entry;
        let known = found
            .iter()
            .any(|of| of.message.contains(&format!("`{}`", node.name)));
        if idle || known || seen.started.contains(&id) {
            continue;
        }
        let blind = plan.task(id).and_then(|task| task.when.as_ref());
        if blind.is_some_and(depends_on_outside) {
            continue;
        }
        let message = format!("{} `{}` starts in no course", rules::kind(node), node.name);
        found.push(Finding::new("never starts", message, At::Node(id)));
    }
}

/// True when what starts does not hang on how often something goes wrong.
fn unconditional(_: &Plan) -> bool {
    true
}

fn depends_on_outside(expr: &Expr) -> bool {
    match expr {
        Expr::Output { .. } | Expr::Subject(_) | Expr::Param(_) => true,
        Expr::And(all) | Expr::Or(all) => all.iter().any(depends_on_outside),
        Expr::Not(of) => depends_on_outside(of),
        Expr::Compare { left, right, .. } => depends_on_outside(left) || depends_on_outside(right),
        Expr::Literal(_) | Expr::State(_) => false,
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
