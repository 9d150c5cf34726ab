//! The lifecycle: one total table that live runs and replays share.
//!
//! `CREATED → ASSIGNED → IN_PROGRESS → (REVIEW →) COMPLETED`. BLOCKED is no status: it is a
//! created node that cannot start, and `blocked` says why. A sync is created, then in review
//! while people and gates hold it, then completed; milestones and joins pass at once.

use std::fmt;

use coord_lang::ids::NodeId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing has begun: it waits for something, or for another try.
    #[default]
    Created,
    /// An attempt is written down and holds nothing yet.
    Assigned,
    /// The attempt holds its agents, resources and claims.
    InProgress,
    /// The work is done and is being judged.
    Review,
    Completed,
    Failed,
    Skipped,
    Cancelled,
    /// An attempt was cut off and may or may not have had its effect.
    InDoubt,
}

impl Status {
    /// As conditions and listings spell it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Created => "created",
            Status::Assigned => "assigned",
            Status::InProgress => "in-progress",
            Status::Review => "review",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Cancelled => "cancelled",
            Status::InDoubt => "in-doubt",
        }
    }

    /// True when nothing happens to it any more by itself.
    pub fn is_ended(self) -> bool {
        match self {
            Status::Completed | Status::Failed | Status::Skipped | Status::Cancelled => true,
            Status::Created
            | Status::Assigned
            | Status::InProgress
            | Status::Review
            | Status::InDoubt => false,
        }
    }

    pub fn ended_well(self) -> bool {
        matches!(self, Status::Completed | Status::Skipped)
    }

    /// True when an attempt or a judgement of it is under way.
    pub(crate) fn has_begun(self) -> bool {
        match self {
            Status::Assigned | Status::InProgress | Status::Review | Status::InDoubt => true,
            Status::Created
            | Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled => false,
        }
    }
}

/// What a fact does to the status of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Assign,
    Unassign,
    Start,
    Unspawn,
    /// Spawned, terminating, exited, interrupted: the attempt learns something.
    Note,
    Doubt,
    Retry,
    /// Enters review: a task after its work, a sync when its needs are there.
    Review,
    Rework,
    Complete,
    /// A milestone or a join passes.
    Pass,
    Fail,
    Skip,
    Cancel,
    Reopen,
}

/// The transition table.
pub fn next_status(from: Status, step: Move) -> Option<Status> {
    use Move::{
        Assign, Cancel, Complete, Doubt, Fail, Note, Pass, Reopen, Retry, Review, Rework, Skip,
        Start, Unassign, Unspawn,
    };
    match (from, step) {
        (Status::Created, Assign) => Some(Status::Assigned),
        (Status::Created, Review) => Some(Status::Review),
        (Status::Created, Pass) => Some(Status::Completed),
        (Status::Created, Fail) => Some(Status::Failed),
        (Status::Created, Skip) => Some(Status::Skipped),
        (Status::Created, Cancel) => Some(Status::Cancelled),

        (Status::Assigned, Unassign) => Some(Status::Created),
        (Status::Assigned, Start) => Some(Status::InProgress),
        (Status::Assigned, Fail) => Some(Status::Failed),
        (Status::Assigned, Skip) => Some(Status::Skipped),
        (Status::Assigned, Cancel) => Some(Status::Cancelled),

        (Status::InProgress, Note) => Some(Status::InProgress),
        (Status::InProgress, Unspawn) => Some(Status::Assigned),
        (Status::InProgress, Doubt) => Some(Status::InDoubt),
        (Status::InProgress, Retry) => Some(Status::Created),
        (Status::InProgress, Review) => Some(Status::Review),
        (Status::InProgress, Complete) => Some(Status::Completed),
        (Status::InProgress, Fail) => Some(Status::Failed),
        (Status::InProgress, Skip) => Some(Status::Skipped),
        (Status::InProgress, Cancel) => Some(Status::Cancelled),

        (Status::Review, Rework) => Some(Status::Created),
        (Status::Review, Complete) => Some(Status::Completed),
        (Status::Review, Fail) => Some(Status::Failed),
        (Status::Review, Skip) => Some(Status::Skipped),
        (Status::Review, Cancel) => Some(Status::Cancelled),

        (Status::InDoubt, Retry) => Some(Status::Created),
        (Status::InDoubt, Review) => Some(Status::Review),
        (Status::InDoubt, Complete) => Some(Status::Completed),
        (Status::InDoubt, Fail) => Some(Status::Failed),
        (Status::InDoubt, Skip) => Some(Status::Skipped),
        (Status::InDoubt, Cancel) => Some(Status::Cancelled),

        (Status::Failed, Reopen) => Some(Status::Created),
        (Status::Failed, Skip) => Some(Status::Skipped),

        (
            Status::Created,
            Start | Unassign | Unspawn | Note | Doubt | Retry | Rework | Complete | Reopen,
        )
        | (
            Status::Assigned,
            Assign | Unspawn | Note | Doubt | Retry | Review | Rework | Complete | Pass | Reopen,
        )
        | (Status::InProgress, Assign | Start | Unassign | Rework | Pass | Reopen)
        | (
            Status::Review,
            Assign | Start | Unassign | Unspawn | Note | Doubt | Retry | Review | Pass | Reopen,
        )
        | (
            Status::InDoubt,
            Assign | Start | Unassign | Unspawn | Note | Doubt | Rework | Pass | Reopen,
        )
        | (
            Status::Failed,
            Assign | Start | Unassign | Unspawn | Note | Doubt | Retry | Review | Rework | Complete
            | Pass | Fail | Cancel,
        )
        | (
            Status::Completed | Status::Skipped | Status::Cancelled,
            Assign | Start | Unassign | Unspawn | Note | Doubt | Retry | Review | Rework | Complete
            | Pass | Fail | Skip | Cancel | Reopen,
        ) => None,
    }
}

/// The state of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    #[default]
    NotStarted,
    Running,
    /// Nothing more starts; it pauses when running work has ended.
    Draining,
    /// Nothing more starts; it fails when running work has ended.
    Halting,
    Cancelling,
    Paused,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::NotStarted => "not-started",
            RunStatus::Running => "running",
            RunStatus::Draining => "stopping",
            RunStatus::Halting => "halting",
            RunStatus::Cancelling => "cancelling",
            RunStatus::Paused => "paused",
            RunStatus::Completed => "completed",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    pub fn is_ended(self) -> bool {
        matches!(
            self,
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled
        )
    }

    /// True when a host is at it: time passes and work ends.
    pub fn is_live(self) -> bool {
        match self {
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling => true,
            RunStatus::NotStarted
            | RunStatus::Paused
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => false,
        }
    }
}

/// What a journal may not say: an event that does not follow from the events before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IllegalTransition {
    Node {
        node: NodeId,
        from: Status,
        kind: &'static str,
    },
    Run {
        from: RunStatus,
        kind: &'static str,
    },
    /// The event is about an attempt that is not the current one.
    Attempt {
        node: NodeId,
        attempt: u32,
        kind: &'static str,
    },
    /// The event names something that the plan or the run does not have.
    Unknown {
        kind: &'static str,
        what: &'static str,
        number: u32,
    },
    Gate {
        run: u32,
        kind: &'static str,
    },
    Item {
        item: u32,
        kind: &'static str,
    },
}

impl fmt::Display for IllegalTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IllegalTransition::Node { node, from, kind } => {
                write!(
                    f,
                    "`{kind}` cannot follow when node {} is {}",
                    node.0,
                    from.name()
                )
            }
            IllegalTransition::Run { from, kind } => {
                write!(f, "`{kind}` cannot follow when the run is {}", from.name())
            }
            IllegalTransition::Attempt {
                node,
                attempt,
                kind,
            } => {
                write!(
                    f,
                    "`{kind}` names attempt {attempt} of node {}, which is not at work",
                    node.0
                )
            }
            IllegalTransition::Unknown { kind, what, number } => {
                write!(f, "`{kind}` names {what} {number}, which there is not")
            }
            IllegalTransition::Gate { run, kind } => {
                write!(f, "`{kind}` does not fit the stage of gate run {run}")
            }
            IllegalTransition::Item { item, kind } => {
                write!(f, "`{kind}` does not fit the state of item {item}")
            }
        }
    }
}

impl std::error::Error for IllegalTransition {}
