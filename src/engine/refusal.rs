//! Why an input is turned down. A refusal changes nothing.

use std::fmt;

use coord_lang::ids::NodeId;

use crate::gate_run::CheckId;
use crate::item::{Closed, ItemId, Verdict};
use crate::status::{RunStatus, Status};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotStarted,
    AlreadyStarted,
    RunEnded {
        status: RunStatus,
    },
    /// The run is already on its way to an end or a pause.
    AlreadyStopping {
        status: RunStatus,
    },
    NoSuchNode {
        node: NodeId,
    },
    NoSuchItem {
        item: ItemId,
    },
    ItemClosed {
        item: ItemId,
        how: Closed,
        by: Option<String>,
    },
    AlreadyAnswered {
        item: ItemId,
        by: String,
    },
    /// Only these may answer.
    NotYours {
        item: ItemId,
        by: String,
        of: Vec<String>,
    },
    /// The answer counts only with a name.
    NameNeeded {
        item: ItemId,
        of: Vec<String>,
    },
    RequesterMayNotApprove {
        by: String,
        task: String,
    },
    VerdictDoesNotFit {
        verdict: Verdict,
        ask: &'static str,
    },
    /// A result of an attempt that is not, or no longer, at work.
    NotThisAttempt {
        task: String,
        attempt: u32,
        current: Option<u32>,
    },
    NotThisCheck {
        check: CheckId,
    },
    NotFailed {
        name: String,
        status: Status,
    },
    CannotSkip {
        name: String,
        status: Status,
    },
    CannotReassign {
        name: String,
        why: String,
    },
    /// Only these may do that.
    NotAllowed {
        by: Option<String>,
        of: Vec<String>,
        what: String,
    },
    ModeIsOn {
        name: String,
    },
    ModeIsOff,
    WorkflowNotStarted {
        why: String,
    },
    NoSuchRule {
        what: &'static str,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotStarted => f.write_str("the run has not started"),
            Refusal::AlreadyStarted => f.write_str("the run has already started"),
            Refusal::RunEnded { status } => {
                write!(f, "the run has ended: it is {}", status.name())
            }
            Refusal::AlreadyStopping { status } => {
                write!(f, "the run is already {}", status.name())
            }
            Refusal::NoSuchNode { node } => write!(f, "there is no node {}", node.0),
            Refusal::NoSuchItem { item } => write!(f, "there is no item {}", item.0),
            Refusal::ItemClosed {
                item,
                how: Closed::Voided,
                ..
            } => {
                write!(
                    f,
                    "what item {} asked about has changed since; it is asked again",
                    item.0
                )
            }
            Refusal::ItemClosed {
                item,
                how,
                by: Some(by),
            } => {
                write!(f, "item {} is already {} by {by}", item.0, how.name())
            }
            Refusal::ItemClosed {
                item,
                how,
                by: None,
            } => {
                write!(f, "item {} is already {}", item.0, how.name())
            }
            Refusal::AlreadyAnswered { item, by } => {
                write!(f, "{by} has already answered item {}", item.0)
            }
            Refusal::NotYours { item, by, of } => {
                write!(
                    f,
                    "item {} is not for {by}, but for {}",
                    item.0,
                    of.join(", ")
                )
            }
            Refusal::NameNeeded { item, of } if of.is_empty() => {
                write!(f, "item {} needs to know who answers", item.0)
            }
            Refusal::NameNeeded { item, of } => {
                write!(
                    f,
                    "item {} needs to know who answers: {}",
                    item.0,
                    of.join(", ")
                )
            }
            Refusal::RequesterMayNotApprove { by, task } => {
                write!(f, "{by} does `{task}` and may not approve it")
            }
            Refusal::VerdictDoesNotFit { verdict, ask } => {
                write!(
                    f,
                    "`{}` is no answer to an item of kind {ask}",
                    verdict.name()
                )
            }
            Refusal::NotThisAttempt {
                task,
                attempt,
                current: Some(current),
            } => {
                write!(
                    f,
                    "attempt {attempt} of `{task}` is not at work; the current one is {current}"
                )
            }
            Refusal::NotThisAttempt {
                task,
                attempt,
                current: None,
            } => {
                write!(f, "attempt {attempt} of `{task}` is not at work")
            }
            Refusal::NotThisCheck { check } => {
                write!(
                    f,
                    "check {} of gate run {} is not at work",
                    check.check, check.gate.0
                )
            }
            Refusal::NotFailed { name, status } => {
                write!(
                    f,
                    "`{name}` has not failed, so it cannot be retried: it is {}",
                    status.name()
                )
            }
            Refusal::CannotSkip { name, status } => {
                write!(f, "`{name}` cannot be skipped: it is {}", status.name())
            }
            Refusal::CannotReassign { name, why } => {
                write!(f, "`{name}` cannot be given to somebody else: {why}")
            }
            Refusal::NotAllowed { by, of, what } => {
                let who = by.as_deref().unwrap_or("whoever you are");
                write!(f, "{who} may not {what}: {} may", of.join(", "))
            }
            Refusal::ModeIsOn { name } => write!(f, "the mode {name} is on"),
            Refusal::ModeIsOff => f.write_str("that mode is not on"),
            Refusal::WorkflowNotStarted { why } => f.write_str(why),
            Refusal::NoSuchRule { what } => write!(f, "there is no such {what}"),
        }
    }
}

impl std::error::Error for Refusal {}
