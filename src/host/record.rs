//! Engine events as journal rows, and back.

use crate::journal::{EventView, NewEvent, RunKey};
use coord_engine::{Event, Fact, State};
use coord_plan::plan::Plan;
use std::borrow::Cow;

/// The row of an event. A fact of a node carries the node's name as its subject.
pub fn row(run: RunKey, plan: &Plan, state: &State, event: &Event) -> NewEvent {
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
