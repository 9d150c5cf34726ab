//! What the floor above says in sentences; this one writes them down.

use coord_engine::{Ending, Event, Item, Reason, State, reasons};
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;

/// The words of notices, digests and documents.
#[derive(Clone, Copy)]
pub struct Speech {
    /// An event as a line; None for what says nothing to people.
    pub event: fn(&Plan, &State, &Event) -> Option<String>,
    /// Why a task does not go on, one clause a reason.
    pub reasons: fn(&Plan, &State, NodeId) -> Vec<String>,
    /// What an item asks.
    pub question: fn(&Plan, &State, &Item) -> String,
}

impl Speech {
    /// Enough for a host that has no words of its own.
    pub fn plain() -> Speech {
        Speech {
            event: |plan, _, event| {
                let node = event.fact.subject();
                let of = node.map_or("run", |node| plan.nodes[node].name.as_str());
                Some(format!("{of}: {}", event.fact.kind()))
            },
            reasons: |plan, state, node| {
                let found = reasons(plan, state, node);
                found.iter().map(|why| plain_reason(plan, why)).collect()
            },
            question: |plan, _, item| {
                let of = item.node.map_or("", |node| plan.nodes[node].name.as_str());
                format!("{} {of}", item.ask.name()).trim_end().to_string()
            },
        }
    }
}

fn plain_reason(plan: &Plan, why: &Reason) -> String {
    match why {
        Reason::Need { on, .. } => {
            let names: Vec<&str> = on.iter().map(|n| plan.nodes[*n].name.as_str()).collect();
            format!("waits for {}", names.join(", "))
        }
        Reason::Item { item } => format!("waits for an answer to item {}", item.0),
        Reason::Gate { .. } => "waits at a gate".to_string(),
        Reason::Ended(Ending::Failed(_)) => "failed".to_string(),
        Reason::Ended(Ending::Skipped(_)) => "skipped".to_string(),
        _ => "waits for its turn".to_string(),
    }
}
