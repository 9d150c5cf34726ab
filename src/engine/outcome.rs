//! How attempts and nodes end, and why: the facts behind every failed, skipped or reworked task.

use coord_lang::ids::{GateId, NodeId};
use serde::{Deserialize, Serialize};

use crate::item::ItemId;

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Exit(i32),
    Signal(i32),
    TimedOut,
    /// There never was a process.
    SpawnFailed(String),
    /// The host lost sight of it: what it did is not known.
    Lost(String),
    Cancelled,
    /// The program ended well, and what it promised to produce is not there.
    NoArtifact(String),
    /// The program ended well, and wrote where it may not.
    Breach(Breach),
    /// A person did it.
    Done,
    /// A person could not or would not.
    Rejected {
        by: Option<String>,
        note: String,
    },
}

/// What an attempt wrote outside of its claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Breach {
    /// The first of the paths, each with what is wrong about it.
    pub paths: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u32,
    /// The agents whose ground it is, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// The file that shows what was written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Breach {
    /// What happened, in one sentence.
    pub fn sentence(&self) -> String {
        let more = match self.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let evidence = match self.evidence.as_str() {
            "" => String::new(),
            file => format!("; {file} shows what was written"),
        };
        format!(
            "wrote outside of its claims: {}{more}{evidence}",
            self.paths.join(", ")
        )
    }
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        match self {
            Outcome::Exit(code) => *code == 0,
            Outcome::Done => true,
            Outcome::Signal(_)
            | Outcome::TimedOut
            | Outcome::SpawnFailed(_)
            | Outcome::Lost(_)
            | Outcome::Cancelled
            | Outcome::NoArtifact(_)
            | Outcome::Breach(_)
            | Outcome::Rejected { .. } => false,
        }
    }
}

/// Why a task or sync failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailReason {
    Outcome(Outcome),
    /// Need number `need` did not come in time.
    NeedExpired {
        need: u32,
    },
    /// Its `when` has no answer.
    Condition {
        why: String,
    },
    Gate {
        gate: GateId,
        why: GateFault,
    },
    /// An approval did not come in time.
    ApprovalExpired {
        item: ItemId,
    },
    /// A requirement of the sync was answered with a no.
    Requirement {
        item: ItemId,
    },
    SyncExpired,
    /// A rule or whoever was asked ended it.
    Rule {
        why: String,
    },
    /// What it did cannot become part of what the others build on.
    Landing {
        why: String,
    },
    /// A person said that the attempt in doubt failed.
    Doubt {
        by: Option<String>,
        note: String,
    },
}

/// Why a gate did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateFault {
    Check { check: u32, evidence: String },
    Rejected { item: ItemId },
}

/// Why a node was passed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Its `when` came to false; with the values at that moment.
    Condition {
        found: String,
    },
    /// It wanted an end that `on` can no longer come to: a branch not taken.
    NotTaken {
        need: u32,
        on: NodeId,
    },
    NeedExpired {
        need: u32,
    },
    ApprovalExpired {
        item: ItemId,
    },
    SyncExpired,
    /// It failed, and its `on fail` says skip.
    Failure(FailReason),
    Person {
        by: Option<String>,
        reason: String,
    },
}

/// What a node in an end state came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    Failed(FailReason),
    Skipped(SkipReason),
}

/// An end that has been decided by a limit or a gate and only has to be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doom {
    pub(crate) ending: Ending,
    /// The run stops with it.
    pub(crate) halts: bool,
}

/// Why an attempt is ordered to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Termination {
    Timeout,
    Cancel,
    /// Its agent was isolated, or somebody else is to do it.
    TakenAway,
    /// Whoever may halt its domain did.
    Halted,
}

/// Why a run starts nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopping {
    /// Somebody asked for a pause.
    Drain {
        by: Option<String>,
    },
    /// A failure stops the run.
    Halt {
        node: NodeId,
    },
    /// A rule, or a ladder that nobody answered, halts the run.
    Rule {
        why: String,
    },
    Cancel {
        by: Option<String>,
        reason: String,
    },
}
