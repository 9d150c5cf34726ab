//! Engine events as journal rows, and back.

use crate::journal::{EventView, NewEvent, RunKey};
use coord_engine::{Event, Fact, RuleFact, State};
use coord_lang::ids::WorkflowId;
use coord_plan::plan::Plan;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The rows of events that came one after the other; `state` has all of them applied.
pub fn rows(run: RunKey, plan: &Plan, state: &State, events: &[Event]) -> Vec<NewEvent> {
    // what was said before a workflow started anew is about its work as it was then
    let mut later: BTreeMap<WorkflowId, i64> = BTreeMap::new();
    let mut rows: Vec<NewEvent> = (events.iter().rev())
        .map(|event| {
            let mut row = row(run, plan, state, event);
            let workflow = event
                .fact
                .subject()
                .and_then(|node| plan.nodes[node].workflow);
            let starts = workflow.and_then(|w| later.get(&w)).copied().unwrap_or(0);
            row.generation = (row.generation - starts).max(0);
            if let Fact::Rule(RuleFact::WorkflowStarted { workflow, .. }) = &event.fact {
                *later.entry(*workflow).or_default() += 1;
            }
            row
        })
        .collect();
    rows.reverse();
    rows
}

/// A fact of a node carries the node's name as its subject.
fn row(run: RunKey, plan: &Plan, state: &State, event: &Event) -> NewEvent {
    let node = event.fact.subject();
    NewEvent {
        run,
        at_ms: event.at_ms,
        kind: Cow::Borrowed(event.fact.kind()),
        subject: node.map(|n| plan.nodes[n].name.clone()),
        generation: node.map_or(0, |n| i64::from(state.node(n).generation)),
        body: body(event),
    }
}

/// What a row keeps of an event beside its columns.
pub fn body(event: &Event) -> String {
    serde_json::to_string(&event.fact).unwrap_or_default()
}

/// The event of a row; the error names what is wrong with the body.
pub fn event(view: EventView<'_>) -> Result<Event, String> {
    let fact: Fact = serde_json::from_str(view.body).map_err(|e| e.to_string())?;
    if fact.kind() != view.kind {
        return Err(format!(
            "the row says {}, its body {}",
            view.kind,
            fact.kind()
        ));
    }
    Ok(Event {
        at_ms: view.at_ms,
        fact,
    })
}

/// An event as other programs read it: one object with `seq`, `at`, `run`, `kind` and the rest,
/// nodes by their names.
pub fn public(plan: &Plan, run: &str, seq: i64, at_ms: i64, body: &str) -> serde_json::Value {
    let mut object = match serde_json::from_str(body) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    for (key, name) in [("node", "task"), ("on", "on")] {
        let Some(id) = object.get(key).and_then(serde_json::Value::as_u64) else {
            continue;
        };
        if let Some(node) = plan.nodes.get(coord_lang::ids::NodeId(id as u32)) {
            let _ = object.remove(key);
            object.insert(name.into(), node.name.clone().into());
        }
    }
    // a gate's use has a number of its own; `run` is the run's name everywhere
    if let Some(number) = object.remove("run").filter(serde_json::Value::is_number) {
        object.insert("gate_run".into(), number);
    }
    named_agents(plan, &mut object);
    let mut out = serde_json::Map::new();
    out.insert("seq".into(), seq.into());
    out.insert("at".into(), crate::clock::rfc3339(at_ms).into());
    out.insert("run".into(), run.into());
    if let Some(kind) = object.remove("kind") {
        out.insert("kind".into(), kind);
    }
    out.extend(object);
    serde_json::Value::Object(out)
}

fn named_agents(plan: &Plan, object: &mut serde_json::Map<String, serde_json::Value>) {
    for key in ["agents", "of"] {
        let Some(serde_json::Value::Array(ids)) = object.get_mut(key) else {
            continue;
        };
        for id in ids {
            let agent = id
                .as_u64()
                .and_then(|n| plan.agents.get(coord_lang::ids::AgentId(n as u32)));
            if let Some(agent) = agent {
                *id = agent.name.clone().into();
            }
        }
    }
}
