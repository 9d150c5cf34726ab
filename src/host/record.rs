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
