//! The facts of coordination: what rules, people and agents brought about beside the work.

use coord_lang::expr::Value;
use coord_lang::ids::{
    AgentId, BudgetId, ChannelId, DomainId, MetricId, ModeId, NodeId, RecurringId, ResourceId,
    WorkflowId,
};
use serde::{Deserialize, Serialize};

use crate::duty::DutyId;
use crate::occasion::Occasion;
use crate::situation::{About, Of, Pending, Resolution, SituationId};
use crate::subject::Subject;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum RuleFact {
    #[serde(rename = "situation.opened")]
    SituationOpened {
        situation: SituationId,
        of: Of,
        about: About,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// The first rung.
        #[serde(default, skip_serializing_if = "is_zero")]
        start: u32,
    },
    #[serde(rename = "situation.reached")]
    SituationReached { situation: SituationId, level: u32 },
    /// All who had to answer an incident have, or their time is up: it is to be resolved.
    #[serde(rename = "situation.answered")]
    SituationAnswered { situation: SituationId },
    /// The whole time of a ladder, or the time before a conflict is passed on, is over.
    #[serde(rename = "situation.overdue")]
    SituationOverdue { situation: SituationId },
    #[serde(rename = "situation.closed")]
    SituationClosed {
        situation: SituationId,
        #[serde(flatten)]
        resolution: Resolution,
    },
    /// What a limit or a gate that waited for a ladder comes to.
    #[serde(rename = "limit.settled")]
    LimitSettled { pending: Pending, waived: bool },

    #[serde(rename = "reaction.fired")]
    ReactionFired { reaction: u32, on: Occasion },
    /// It lasted long enough, and its condition does not hold.
    #[serde(rename = "reaction.passed-over")]
    ReactionPassedOver {
        reaction: u32,
        on: Occasion,
        found: String,
    },

    #[serde(rename = "action.started")]
    ActionStarted { duty: DutyId, program: u32 },
    /// A crash came between its start and its end; it is run again.
    #[serde(rename = "action.interrupted")]
    ActionInterrupted { duty: DutyId },
    #[serde(rename = "action.ended")]
    ActionEnded {
        duty: DutyId,
        ok: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        evidence: String,
    },
    #[serde(rename = "action.taken")]
    ActionTaken { duty: DutyId },
    /// It could not be done, or did not help; the next of its chain is tried.
    #[serde(rename = "action.refused")]
    ActionRefused { duty: DutyId, why: String },

    #[serde(rename = "notice.sent")]
    NoticeSent {
        of: Vec<AgentId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<ChannelId>,
        about: About,
        text: String,
    },
    #[serde(rename = "note.recorded")]
    NoteRecorded { about: About, text: String },
    #[serde(rename = "decision.recorded")]
    DecisionRecorded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<DomainId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        title: String,
        text: String,
    },

    #[serde(rename = "workflow.started")]
    WorkflowStarted {
        workflow: WorkflowId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<(String, String)>,
        about: About,
    },
    #[serde(rename = "workflow.ended")]
    WorkflowEnded { workflow: WorkflowId, well: bool },

    /// Its time came while it was still under way.
    #[serde(rename = "schedule.passed-over")]
    SchedulePassedOver { workflow: WorkflowId, why: String },

    #[serde(rename = "mode.entered")]
    ModeEntered {
        mode: ModeId,
        by: Option<String>,
        because: String,
    },
    #[serde(rename = "mode.left")]
    ModeLeft { mode: ModeId, by: Option<String> },

    #[serde(rename = "agent.failed")]
    AgentFailed { agent: AgentId, why: String },
    /// The host is to run its health check.
    #[serde(rename = "health.asked")]
    HealthAsked { agent: AgentId },
    #[serde(rename = "health.failed")]
    HealthFailed { agent: AgentId, why: String },
    /// After it had failed.
    #[serde(rename = "health.passed")]
    HealthPassed { agent: AgentId },
    /// No new work for it; what it reports is refused.
    #[serde(rename = "agent.isolated")]
    AgentIsolated { agent: AgentId },
    #[serde(rename = "agent.back")]
    AgentBack { agent: AgentId },

    /// What its attempts may use up is used up, in the unit of the budget.
    #[serde(rename = "budget.spent")]
    BudgetSpent { budget: BudgetId, used: i64 },
    /// It is ended so that `behind`, work of an incident, can start.
    #[serde(rename = "task.preempted")]
    Preempted {
        node: NodeId,
        behind: NodeId,
        situation: SituationId,
    },
    /// What everybody who lets it through lets through.
    #[serde(rename = "approval.bound")]
    ApprovalBound { node: NodeId, subject: Subject },
    /// It has changed since: what was said and found is void.
    #[serde(rename = "approval.voided")]
    ApprovalVoided {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Subject>,
        /// What is different, a line each.
        changed: Vec<String>,
    },
    #[serde(rename = "task.reassigned")]
    Reassigned { node: NodeId, agents: Vec<AgentId> },
    #[serde(rename = "task.late")]
    Late { node: NodeId },
    #[serde(rename = "task.stalled")]
    Stalled { node: NodeId },
    /// Its work is ended: people decided that it fails, or that it is left out.
    #[serde(rename = "task.stopped")]
    Stopped {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        skipped: bool,
    },
    #[serde(rename = "task.prioritized")]
    Prioritized { node: NodeId, priority: u8 },

    #[serde(rename = "domain.halted")]
    DomainHalted {
        domain: DomainId,
        by: Option<String>,
        reason: String,
    },
    #[serde(rename = "resource.exhausted")]
    ResourceExhausted { resource: ResourceId },
    #[serde(rename = "resource.back")]
    ResourceBack { resource: ResourceId },
    #[serde(rename = "metric.measured")]
    MetricMeasured {
        metric: MetricId,
        value: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The host is to run its program.
    #[serde(rename = "metric.asked")]
    MetricAsked { metric: MetricId },
    /// It has no value: there is nothing yet to compute it from, or its program failed.
    #[serde(rename = "metric.missed")]
    MetricMissed {
        metric: MetricId,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    #[serde(rename = "sync.held")]
    SyncHeld { sync: RecurringId },

    /// Everything is over but what the end of the run brings about.
    #[serde(rename = "run.finishing")]
    RunFinishing,

    #[serde(rename = "undo.ordered")]
    UndoOrdered { nodes: Vec<NodeId> },
    #[serde(rename = "undo.started")]
    UndoStarted { node: NodeId },
    #[serde(rename = "undo.interrupted")]
    UndoInterrupted { node: NodeId },
    #[serde(rename = "undo.ended")]
    UndoEnded {
        node: NodeId,
        ok: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        evidence: String,
    },
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl RuleFact {
    /// The dotted kind, as in the serialized form.
    pub fn kind(&self) -> &'static str {
        match self {
            RuleFact::SituationOpened { .. } => "situation.opened",
            RuleFact::SituationReached { .. } => "situation.reached",
            RuleFact::SituationAnswered { .. } => "situation.answered",
            RuleFact::SituationOverdue { .. } => "situation.overdue",
            RuleFact::SituationClosed { .. } => "situation.closed",
            RuleFact::LimitSettled { .. } => "limit.settled",
            RuleFact::ReactionFired { .. } => "reaction.fired",
            RuleFact::ReactionPassedOver { .. } => "reaction.passed-over",
            RuleFact::ActionStarted { .. } => "action.started",
            RuleFact::ActionInterrupted { .. } => "action.interrupted",
            RuleFact::ActionEnded { .. } => "action.ended",
            RuleFact::ActionTaken { .. } => "action.taken",
            RuleFact::ActionRefused { .. } => "action.refused",
            RuleFact::NoticeSent { .. } => "notice.sent",
            RuleFact::NoteRecorded { .. } => "note.recorded",
            RuleFact::DecisionRecorded { .. } => "decision.recorded",
            RuleFact::WorkflowStarted { .. } => "workflow.started",
            RuleFact::WorkflowEnded { .. } => "workflow.ended",
            RuleFact::SchedulePassedOver { .. } => "schedule.passed-over",
            RuleFact::ModeEntered { .. } => "mode.entered",
            RuleFact::ModeLeft { .. } => "mode.left",
            RuleFact::AgentFailed { .. } => "agent.failed",
            RuleFact::AgentIsolated { .. } => "agent.isolated",
            RuleFact::AgentBack { .. } => "agent.back",
            RuleFact::BudgetSpent { .. } => "budget.spent",
            RuleFact::HealthAsked { .. } => "health.asked",
            RuleFact::HealthFailed { .. } => "health.failed",
            RuleFact::HealthPassed { .. } => "health.passed",
            RuleFact::Preempted { .. } => "task.preempted",
            RuleFact::ApprovalBound { .. } => "approval.bound",
            RuleFact::ApprovalVoided { .. } => "approval.voided",
            RuleFact::Reassigned { .. } => "task.reassigned",
            RuleFact::Late { .. } => "task.late",
            RuleFact::Stalled { .. } => "task.stalled",
            RuleFact::Stopped { .. } => "task.stopped",
            RuleFact::Prioritized { .. } => "task.prioritized",
            RuleFact::DomainHalted { .. } => "domain.halted",
            RuleFact::ResourceExhausted { .. } => "resource.exhausted",
            RuleFact::ResourceBack { .. } => "resource.back",
            RuleFact::MetricMeasured { .. } => "metric.measured",
            RuleFact::MetricAsked { .. } => "metric.asked",
            RuleFact::MetricMissed { .. } => "metric.missed",
            RuleFact::SyncHeld { .. } => "sync.held",
            RuleFact::RunFinishing => "run.finishing",
            RuleFact::UndoOrdered { .. } => "undo.ordered",
            RuleFact::UndoStarted { .. } => "undo.started",
            RuleFact::UndoInterrupted { .. } => "undo.interrupted",
            RuleFact::UndoEnded { .. } => "undo.ended",
        }
    }

    /// The node that the fact is about, when it is about one.
    pub fn subject(&self) -> Option<NodeId> {
        match self {
            RuleFact::Reassigned { node, .. }
            | RuleFact::Preempted { node, .. }
            | RuleFact::ApprovalBound { node, .. }
            | RuleFact::ApprovalVoided { node, .. }
            | RuleFact::Late { node }
            | RuleFact::Stalled { node }
            | RuleFact::Stopped { node, .. }
            | RuleFact::Prioritized { node, .. }
            | RuleFact::UndoStarted { node }
            | RuleFact::UndoInterrupted { node }
            | RuleFact::UndoEnded { node, .. } => Some(*node),
            RuleFact::SituationOpened { about, .. }
            | RuleFact::NoticeSent { about, .. }
            | RuleFact::NoteRecorded { about, .. } => about.node,
            _ => None,
        }
    }
}
