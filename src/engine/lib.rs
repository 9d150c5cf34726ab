//! Floor 3: the pure state machine that a plan runs on.
//!
//! An [`Input`] wakes it, [`step`] decides and records [`Event`]s, [`apply`] folds them into the
//! [`State`], [`action_of`] says what the host does once an event is durable. It knows no clock,
//! disk, process, network or chance: same plan and same events, same state; same inputs at the
//! same times, same events.
//!
//! What the host owns: time (`at_ms`, and a `Tick` at [`State::next_due`]), durability (events
//! before their actions), processes (spawned at most once per attempt, dead before a `Resume`).
//!
//! Reading order: `event`, `input`, `action` and `outcome` are the vocabulary; `status` is the
//! transition table; `state`, `node_state`, `item` and `gate_run` are what is known; `apply`
//! folds; `step` and `turn` take an input; `decision` says what is to be decided about a node;
//! then one file per concern: `dependencies`, `queue`, `assignment`, `attempts`, `gates`,
//! `items`, `subject`, `syncs`, `timers`, `run`, `interventions`, `recovery`; `blocked` answers why; `simulation` is
//! the virtual host and `audit` holds a journal against what is promised.
//!
//! Coordination stands beside the work: `rule_fact` is its vocabulary and `rules` folds it;
//! `situation` and `situations` are ladders, conflicts, incidents and (`handoffs`) handoffs;
//! `occasion` and `reactions` are what happens and what follows, `duty` and `duties` the actions
//! that are carried out; `parties` finds who is meant, `agents` who takes over, `health` who has to
//! be relieved; `contention` finds conflicts, `preemption` makes room; `modes`,
//! `workflows`, `recurring`, `landing` and `undo` are what their names say.
#![forbid(unsafe_code)]

mod action;
mod agents;
mod apply;
mod assignment;
mod attempts;
pub mod audit;
mod blocked;
mod budgets;
mod contention;
mod decision;
mod dependencies;
mod duties;
mod duty;
mod event;
mod gate_run;
mod gates;
mod handoffs;
mod health;
mod index;
mod input;
mod interventions;
mod item;
mod items;
mod key;
mod landing;
pub mod metrics;
mod modes;
mod node_state;
mod occasion;
mod options;
mod outcome;
mod parties;
mod preemption;
pub mod promises;
mod queue;
mod reactions;
mod recovery;
mod recurring;
mod refusal;
mod rule_fact;
mod rules;
mod run;
mod scope;
mod scores;
pub mod simulation;
mod situation;
mod situations;
pub mod snapshot;
mod state;
mod status;
mod step;
mod subject;
mod syncs;
mod timers;
mod turn;
mod undo;
mod workflows;

#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "trials"))]
#[doc(hidden)]
pub mod trials;

pub use action::{Action, action_of};
pub use agents::AgentState;
pub use apply::apply;
pub use blocked::{Explained, Reason, Why, is_blocked, reasons, why};
pub use budgets::Spending;
pub use duty::DutyId;
pub use event::{Event, Fact, LogFacts, Process};
pub use gate_run::{CheckId, CheckResult, Due, GateRun, GateRunId, GateStage, Place};
pub use input::Input;
pub use item::{Answer, Ask, Asking, Closed, Item, ItemId, Part, Verdict};
pub use key::key;
pub use landing::{Landed, Landing, MOST_TURNED_BACK};
pub use node_state::{Attempt, AttemptEnd, Feedback, NodeState};
pub use occasion::Occasion;
pub use options::Options;
pub use outcome::{
    Breach, Ending, FailReason, GateFault, Outcome, SkipReason, Stopping, Termination,
};
pub use queue::PASSED_OVER_LIMIT;
pub use recovery::pending_actions;
pub use refusal::Refusal;
pub use rule_fact::RuleFact;
pub use situation::{About, How, Of, Pending, Resolution, Situation, SituationId};
pub use state::{PhaseState, State, Waiting};
pub use status::{IllegalTransition, Move, RunStatus, Status, next_status};
pub use step::step;
pub use subject::{Part as SubjectPart, Subject};
pub use workflows::WorkflowState;

use coord_plan::plan::Plan;

/// The state after `events`: what recovery is.
pub fn replay<'e>(
    plan: &Plan,
    events: impl IntoIterator<Item = &'e Event>,
) -> Result<State, IllegalTransition> {
    let mut state = State::new(plan);
    events
        .into_iter()
        .try_for_each(|event| apply(plan, &mut state, event))?;
    Ok(state)
}
