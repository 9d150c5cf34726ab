//! A state as bytes, so that a long log need not be folded again.
//!
//! A snapshot is a cache: whoever keeps one has to know of which plan and which log it is, and
//! folds the log when it is of another program or cannot be read.

use coord_plan::plan::Plan;

use crate::state::State;
use std::io::Write;
use std::sync::Arc;

/// Changes whenever a state means something else; programs of different versions do not read each
/// other's snapshots.
pub const FORMAT: &str = concat!(env!("CARGO_PKG_VERSION"), "/3");

/// Writes the bytes of a state. A state of many tasks is large: they need not all be in memory.
pub fn write(state: &State, to: &mut impl Write) -> Result<(), String> {
    rmp_serde::encode::write_named(to, state).map_err(|error| error.to_string())
}

/// The state of these bytes, which were written for this plan.
pub fn read(plan: &Plan, bytes: &[u8]) -> Result<State, String> {
    let mut state: State = rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut empty = State::new(plan);
    let index = Arc::make_mut(&mut empty.index);
    for (node, agents) in &state.given_to {
        if plan.nodes.get(*node).is_none() || agents.iter().any(|a| plan.agents.get(*a).is_none()) {
            return Err("it is of another plan".into());
        }
        index.reassign(plan, *node, agents);
    }
    let lengths = |of: &State| {
        [
            of.nodes.len(),
            of.needs.len(),
            of.wants.len(),
            of.phases.len(),
            of.agents.len(),
            of.resources.len(),
            of.agent_states.len(),
            of.workflows.len(),
        ]
    };
    let lanes = |state: &State| [state.lanes.len(), state.bays.len(), state.teams.len()];
    let known = [
        empty.index.lanes.len(),
        empty.index.bays.len(),
        empty.index.teams.len(),
    ];
    if lengths(&state) != lengths(&empty) || lanes(&state) != known {
        return Err("it is of another plan".into());
    }
    state.index = empty.index;
    Ok(state)
}
