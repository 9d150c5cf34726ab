//! What is known of one node. Read freely; only `apply` writes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use coord_lang::ids::AgentId;

use crate::event::Process;
use crate::gate_run::GateRunId;
use crate::item::{Asking, ItemId};
use crate::landing::{Landed, Landing};
use crate::outcome::{Doom, Ending, Outcome, Termination};
use crate::status::Status;
use crate::subject::Subject;
use crate::timers::TimerKind;

/// One try at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1, over all tries of the node.
    pub number: u32,
    pub agents: Vec<AgentId>,
    pub assigned_ms: i64,
    pub started_ms: Option<i64>,
    pub process: Option<Process>,
    pub terminating: Option<Termination>,
    pub end: Option<AttemptEnd>,
}

impl Attempt {
    pub(crate) fn new(number: u32, agents: &[AgentId], assigned_ms: i64) -> Self {
        Attempt {
            number,
            agents: agents.to_vec(),
            assigned_ms,
            started_ms: None,
            process: None,
            terminating: None,
            end: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptEnd {
    Exited {
        at_ms: i64,
        outcome: Outcome,
    },
    /// A crash hid its end.
    Interrupted {
        at_ms: i64,
    },
}

/// What a reviewer wants changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub attempt: u32,
    pub by: Option<String>,
    pub note: String,
}

/// Questions and checks of a stage that was left; they are still to be withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leftovers {
    pub(crate) items: Vec<ItemId>,
    pub(crate) check: Option<GateRunId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    pub status: Status,
    /// 0; a new one would be opened by running a completed task again.
    pub generation: u32,
    /// Tries so far, over crashes, retries and rework.
    pub attempts: u32,
    /// Tries that used up the task's `retry` since somebody last ordered one.
    pub failures: u32,
    /// The current try, or the last one.
    pub attempt: Option<Attempt>,
    pub first_started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub ending: Option<Box<Ending>>,
    pub outputs: BTreeMap<String, String>,
    pub feedback: Vec<Feedback>,
    /// No new try before this.
    pub backoff_until_ms: Option<i64>,
    /// The gate that is open now.
    pub gate: Option<GateRunId>,
    /// Work, approvals, requirements or doubt: what people are asked now.
    pub asking: Asking,
    /// What is let through at the stage that is open.
    pub subject: Option<Box<Subject>>,
    /// What has changed since it was let through.
    pub changed: Vec<String>,
    /// How often in a row that happened, with nothing else at work and no word from a person in
    /// between.
    pub(crate) voided: u32,
    /// When the last need came, while all are there.
    pub needs_met_ms: Option<i64>,

    pub(crate) unmet: u32,
    /// Unmet needs without a limit of their own.
    pub(crate) unmet_unlimited: u32,
    pub(crate) impossible: u32,
    pub(crate) wants_open: u32,
    /// When the last need without a limit came, while all of those are there.
    pub(crate) limits_since_ms: Option<i64>,
    pub(crate) window_open: bool,
    pub(crate) condition_held: bool,
    pub(crate) requires_passed: u32,
    pub(crate) ensures_passed: u32,
    pub(crate) sync_expired: bool,
    /// Since when it cannot go on without help, where a reaction asks for that.
    pub blocked_since_ms: Option<i64>,
    /// It is at work for longer than it was estimated.
    pub late: bool,
    pub stalled: bool,
    /// How long its try at work may take by its estimate, where a reaction asks for that.
    pub(crate) long_ms: Option<i64>,
    /// Its place among what can be undone.
    pub(crate) undoable_ms: Option<i64>,
    /// What it did was taken back.
    pub undone: bool,
    /// How often it was tried again after it had failed.
    pub reopened: u32,
    /// Where what its last attempt did apart has landed.
    pub landed: Option<Box<Landed>>,
    /// How often it was turned back at landing.
    pub turned_back: u32,
    /// Why it was turned back just now.
    pub(crate) not_landed: Option<Box<Landing>>,
    /// How often it was given to somebody else.
    pub(crate) reassigned: u32,
    /// How often it was ended for the work of an incident.
    pub(crate) gave_way: u32,
    /// It is the work of a workflow, and not over.
    pub(crate) calls: bool,
    pub(crate) was_held: bool,
    /// Those who wait for it know that it does not end well, or not in its time, without help.
    pub(crate) held: bool,
    /// Its open needs that wait for nothing but what is held.
    pub(crate) held_up: u32,
    /// Needs whose limit has passed and about which people are to decide.
    pub(crate) held_needs: Vec<u32>,
    /// Needs whose limit counts anew, and since when.
    pub(crate) renewed_needs: Vec<(u32, i64)>,
    pub(crate) doom: Option<Box<Doom>>,
    pub(crate) leftovers: Leftovers,

    /// How many later tasks took what this one waits for.
    pub(crate) passed_over: u32,
    /// Its slots were taken for a process: who does it may change before they are given back.
    pub(crate) holds_process: bool,
    pub(crate) holds_slots: bool,
    pub(crate) holds_claims: bool,
    pub(crate) in_lane: bool,
    pub(crate) in_unassigned: bool,
    pub(crate) in_agenda: bool,
    pub(crate) timers: Vec<(i64, TimerKind)>,
}

impl NodeState {
    /// The number of the current try; 0 before the first.
    pub fn attempt_number(&self) -> u32 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.number)
    }

    /// True when the current try has been started and nothing is known of its end.
    pub fn is_at_work(&self) -> bool {
        self.status == Status::InProgress
            && self
                .attempt
                .as_ref()
                .is_some_and(|attempt| attempt.end.is_none())
    }

    /// Claims outlive the slots: until the end is known for sure.
    pub(crate) fn should_hold_claims(&self) -> bool {
        match self.status {
            Status::InDoubt => true,
            Status::InProgress => self
                .attempt
                .as_ref()
                .is_some_and(|attempt| match &attempt.end {
                    None | Some(AttemptEnd::Interrupted { .. }) => true,
                    Some(AttemptEnd::Exited { outcome, .. }) => matches!(outcome, Outcome::Lost(_)),
                }),
            Status::Created
            | Status::Assigned
            | Status::Review
            | Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled => false,
        }
    }
}
