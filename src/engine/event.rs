//! The facts of a run: what a journal keeps and a state is folded from.
//!
//! Invariants: a fact carries everything that its application needs, so that a replay decides
//! nothing; nodes are numbers here, the host adds names at the edge. The serialized form is an
//! object tagged with `kind`; kinds are a promise to readers of journals.

use std::collections::BTreeMap;

use coord_lang::ids::{AgentId, GateId, NodeId, PhaseId};
use coord_plan::plan::Otherwise;
use serde::{Deserialize, Serialize};

use crate::gate_run::{CheckId, GateRunId, Place};
use crate::item::{Ask, Closed, ItemId, Verdict};
use crate::landing::Landing;
use crate::options::Options;
use crate::outcome::{FailReason, GateFault, Outcome, SkipReason, Stopping, Termination};
use crate::rule_fact::RuleFact;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at_ms: i64,
    #[serde(flatten)]
    pub fact: Fact,
}

/// A process as the host knows it; enough to never signal a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// Boot and start time, in the host's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub identity: String,
}

/// What the host says of an attempt's output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFacts {
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The last lines, for reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Fact {
    #[serde(rename = "run.started")]
    RunStarted { run: String, options: Options },
    #[serde(rename = "run.resumed")]
    RunResumed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Options>,
    },
    #[serde(rename = "run.stopping")]
    RunStopping { why: Stopping },
    #[serde(rename = "run.paused")]
    RunPaused,
    /// A failed run goes on because somebody retried or skipped what held it.
    #[serde(rename = "run.reopened")]
    RunReopened { by: Option<String> },
    #[serde(rename = "run.completed")]
    RunCompleted,
    /// Counts, and the first few of each by node.
    #[serde(rename = "run.failed")]
    RunFailed {
        failed: u32,
        blocked: u32,
        failed_nodes: Vec<NodeId>,
        blocked_nodes: Vec<NodeId>,
    },
    /// Everything that had not begun is cancelled with this.
    #[serde(rename = "run.cancelled")]
    RunCancelled,

    #[serde(rename = "phase.opened")]
    PhaseOpened { phase: PhaseId },
    #[serde(rename = "phase.closed")]
    PhaseClosed { phase: PhaseId },
    #[serde(rename = "sync.opened")]
    SyncOpened { node: NodeId },
    #[serde(rename = "sync.expired")]
    SyncExpired { node: NodeId, otherwise: Otherwise },
    #[serde(rename = "sync.passed")]
    SyncPassed { node: NodeId },
    #[serde(rename = "milestone.reached")]
    MilestoneReached { node: NodeId },
    #[serde(rename = "join.passed")]
    JoinPassed { node: NodeId },

    #[serde(rename = "need.expired")]
    NeedExpired {
        node: NodeId,
        need: u32,
        otherwise: Otherwise,
    },
    #[serde(rename = "want.expired")]
    WantExpired { node: NodeId, want: u32, on: NodeId },
    #[serde(rename = "task.window-opened")]
    WindowOpened { node: NodeId },
    #[serde(rename = "task.condition-held")]
    ConditionHeld { node: NodeId, found: String },

    #[serde(rename = "task.assigned")]
    Assigned {
        node: NodeId,
        attempt: u32,
        agents: Vec<AgentId>,
    },
    /// A crash came between assignment and start, and the agent that was picked may be busy by
    /// now: it is picked again.
    #[serde(rename = "task.unassigned")]
    Unassigned { node: NodeId, attempt: u32 },
    #[serde(rename = "task.started")]
    Started { node: NodeId, attempt: u32 },
    #[serde(rename = "task.spawned")]
    Spawned {
        node: NodeId,
        attempt: u32,
        process: Process,
    },
    /// It was started, and is known never to have been spawned.
    #[serde(rename = "task.unspawned")]
    Unspawned { node: NodeId, attempt: u32 },
    #[serde(rename = "task.terminating")]
    Terminating {
        node: NodeId,
        attempt: u32,
        why: Termination,
    },
    #[serde(rename = "task.exited")]
    Exited {
        node: NodeId,
        attempt: u32,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<LogFacts>,
    },
    /// A crash came between its start and the record of its end.
    #[serde(rename = "task.interrupted")]
    Interrupted { node: NodeId, attempt: u32 },
    #[serde(rename = "task.in-doubt")]
    InDoubt { node: NodeId, attempt: u32 },
    #[serde(rename = "task.retry-scheduled")]
    RetryScheduled {
        node: NodeId,
        attempt: u32,
        due_ms: i64,
        /// False when the attempt that ended does not use up the task's `retry`.
        counted: bool,
    },
    #[serde(rename = "task.retry-due")]
    RetryDue { node: NodeId },
    #[serde(rename = "task.review")]
    Review { node: NodeId, attempt: u32 },
    #[serde(rename = "task.rework")]
    Rework {
        node: NodeId,
        attempt: u32,
        by: Option<String>,
        note: String,
    },
    /// Its work, done apart, is to become part of what the others build on.
    #[serde(rename = "task.landing")]
    Landing { node: NodeId, attempt: u32 },
    /// The tree is the one that its gates held on.
    #[serde(rename = "task.landed")]
    Landed {
        node: NodeId,
        attempt: u32,
        commit: String,
        tree: String,
    },
    #[serde(rename = "task.not-landed")]
    NotLanded {
        node: NodeId,
        attempt: u32,
        why: Landing,
    },
    #[serde(rename = "task.completed")]
    Completed { node: NodeId, attempt: u32 },
    #[serde(rename = "task.failed")]
    Failed {
        node: NodeId,
        why: FailReason,
        /// The run starts nothing more because of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        halts: bool,
    },
    #[serde(rename = "task.skipped")]
    Skipped { node: NodeId, why: SkipReason },
    #[serde(rename = "task.cancelled")]
    Cancelled { node: NodeId },
    /// Somebody ordered a failed task to be tried again.
    #[serde(rename = "task.reopened")]
    Reopened { node: NodeId, by: Option<String> },

    #[serde(rename = "gate.opened")]
    GateOpened {
        run: GateRunId,
        node: NodeId,
        gate: GateId,
        place: Place,
    },
    #[serde(rename = "gate.retried")]
    GateRetried {
        run: GateRunId,
        node: NodeId,
        round: u32,
    },
    #[serde(rename = "gate.passed")]
    GatePassed { run: GateRunId, node: NodeId },
    #[serde(rename = "gate.warned")]
    GateWarned {
        run: GateRunId,
        node: NodeId,
        why: GateFault,
    },
    /// A ladder is to decide about a gate that failed.
    #[serde(rename = "gate.held")]
    GateHeld {
        run: GateRunId,
        node: NodeId,
        why: GateFault,
    },
    #[serde(rename = "gate.failed")]
    GateFailed {
        run: GateRunId,
        node: NodeId,
        why: GateFault,
    },
    #[serde(rename = "check.started")]
    CheckStarted { check: CheckId, node: NodeId },
    /// A crash came between its start and its result; it is run again.
    #[serde(rename = "check.interrupted")]
    CheckInterrupted { check: CheckId, node: NodeId },
    #[serde(rename = "check.terminating")]
    CheckTerminating { check: CheckId, node: NodeId },
    #[serde(rename = "check.ended")]
    CheckEnded {
        check: CheckId,
        node: NodeId,
        passed: bool,
        evidence: String,
    },

    #[serde(rename = "item.opened")]
    ItemOpened {
        item: ItemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        attempt: u32,
        ask: Ask,
        of: Vec<AgentId>,
        quorum: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_ms: Option<i64>,
    },
    #[serde(rename = "item.answered")]
    ItemAnswered {
        item: ItemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        by: Option<String>,
        verdict: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
    },
    #[serde(rename = "item.expired")]
    ItemExpired {
        item: ItemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        otherwise: Otherwise,
    },
    #[serde(rename = "item.closed")]
    ItemClosed {
        item: ItemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        why: Closed,
    },

    /// What coordination brought about.
    #[serde(untagged)]
    Rule(RuleFact),
}

impl Fact {
    /// The dotted kind, as in the serialized form.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::RunStarted { .. } => "run.started",
            Fact::RunResumed { .. } => "run.resumed",
            Fact::RunStopping { .. } => "run.stopping",
            Fact::RunPaused => "run.paused",
            Fact::RunReopened { .. } => "run.reopened",
            Fact::RunCompleted => "run.completed",
            Fact::RunFailed { .. } => "run.failed",
            Fact::RunCancelled => "run.cancelled",
            Fact::PhaseOpened { .. } => "phase.opened",
            Fact::PhaseClosed { .. } => "phase.closed",
            Fact::SyncOpened { .. } => "sync.opened",
            Fact::SyncExpired { .. } => "sync.expired",
            Fact::SyncPassed { .. } => "sync.passed",
            Fact::MilestoneReached { .. } => "milestone.reached",
            Fact::JoinPassed { .. } => "join.passed",
            Fact::NeedExpired { .. } => "need.expired",
            Fact::WantExpired { .. } => "want.expired",
            Fact::WindowOpened { .. } => "task.window-opened",
            Fact::ConditionHeld { .. } => "task.condition-held",
            Fact::Assigned { .. } => "task.assigned",
            Fact::Unassigned { .. } => "task.unassigned",
            Fact::Started { .. } => "task.started",
            Fact::Spawned { .. } => "task.spawned",
            Fact::Unspawned { .. } => "task.unspawned",
            Fact::Terminating { .. } => "task.terminating",
            Fact::Exited { .. } => "task.exited",
            Fact::Interrupted { .. } => "task.interrupted",
            Fact::InDoubt { .. } => "task.in-doubt",
            Fact::RetryScheduled { .. } => "task.retry-scheduled",
            Fact::RetryDue { .. } => "task.retry-due",
            Fact::Review { .. } => "task.review",
            Fact::Rework { .. } => "task.rework",
            Fact::Landing { .. } => "task.landing",
            Fact::Landed { .. } => "task.landed",
            Fact::NotLanded { .. } => "task.not-landed",
            Fact::Completed { .. } => "task.completed",
            Fact::Failed { .. } => "task.failed",
            Fact::Skipped { .. } => "task.skipped",
            Fact::Cancelled { .. } => "task.cancelled",
            Fact::Reopened { .. } => "task.reopened",
            Fact::GateOpened { .. } => "gate.opened",
            Fact::GateRetried { .. } => "gate.retried",
            Fact::GatePassed { .. } => "gate.passed",
            Fact::GateWarned { .. } => "gate.warned",
            Fact::GateHeld { .. } => "gate.held",
            Fact::GateFailed { .. } => "gate.failed",
            Fact::CheckStarted { .. } => "check.started",
            Fact::CheckInterrupted { .. } => "check.interrupted",
            Fact::CheckTerminating { .. } => "check.terminating",
            Fact::CheckEnded { .. } => "check.ended",
            Fact::ItemOpened { .. } => "item.opened",
            Fact::ItemAnswered { .. } => "item.answered",
            Fact::ItemExpired { .. } => "item.expired",
            Fact::ItemClosed { .. } => "item.closed",
            Fact::Rule(fact) => fact.kind(),
        }
    }

    /// The node that the fact is about; None for facts of the run and of phases.
    pub fn subject(&self) -> Option<NodeId> {
        match self {
            Fact::RunStarted { .. }
            | Fact::RunResumed { .. }
            | Fact::RunStopping { .. }
            | Fact::RunPaused
            | Fact::RunReopened { .. }
            | Fact::RunCompleted
            | Fact::RunFailed { .. }
            | Fact::RunCancelled
            | Fact::PhaseOpened { .. }
            | Fact::PhaseClosed { .. } => None,
            Fact::SyncOpened { node }
            | Fact::SyncExpired { node, .. }
            | Fact::SyncPassed { node }
            | Fact::MilestoneReached { node }
            | Fact::JoinPassed { node }
            | Fact::NeedExpired { node, .. }
            | Fact::WantExpired { node, .. }
            | Fact::WindowOpened { node }
            | Fact::ConditionHeld { node, .. }
            | Fact::Assigned { node, .. }
            | Fact::Unassigned { node, .. }
            | Fact::Started { node, .. }
            | Fact::Spawned { node, .. }
            | Fact::Unspawned { node, .. }
            | Fact::Terminating { node, .. }
            | Fact::Exited { node, .. }
            | Fact::Interrupted { node, .. }
            | Fact::InDoubt { node, .. }
            | Fact::RetryScheduled { node, .. }
            | Fact::RetryDue { node }
            | Fact::Review { node, .. }
            | Fact::Rework { node, .. }
            | Fact::Landing { node, .. }
            | Fact::Landed { node, .. }
            | Fact::NotLanded { node, .. }
            | Fact::Completed { node, .. }
            | Fact::Failed { node, .. }
            | Fact::Skipped { node, .. }
            | Fact::Cancelled { node }
            | Fact::Reopened { node, .. }
            | Fact::GateOpened { node, .. }
            | Fact::GateRetried { node, .. }
            | Fact::GatePassed { node, .. }
            | Fact::GateWarned { node, .. }
            | Fact::GateHeld { node, .. }
            | Fact::GateFailed { node, .. }
            | Fact::CheckStarted { node, .. }
            | Fact::CheckInterrupted { node, .. }
            | Fact::CheckTerminating { node, .. }
            | Fact::CheckEnded { node, .. } => Some(*node),
            Fact::ItemOpened { node, .. }
            | Fact::ItemAnswered { node, .. }
            | Fact::ItemExpired { node, .. }
            | Fact::ItemClosed { node, .. } => *node,
            Fact::Rule(fact) => fact.subject(),
        }
    }
}
