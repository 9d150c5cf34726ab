//! What the floor above says in sentences; this one writes them down.

use coord_engine::{Event, Item, State};
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
