//! What applies beside the work: ladders, conflicts, domains, handoffs, incidents, reactions,
//! modes, workflows.

use super::{Check, ParamType, Priority, Program, Template, Work};
use crate::expr::{Comparison, Expr, Value};
use crate::glob::Glob;
use crate::ids::{
    AgentId, ChannelId, ConflictId, EscalationId, ModeId, ParamId, TaskId, WorkflowId,
};
use crate::source::{Span, Spanned};
use crate::time::Effort;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A party that exists only in a situation, found when the situation is there.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Who owns the ground in question; of several, the first.
    Owner,
    Owners,
    Reviewers,
    Decider,
    /// The giver of a handoff.
    Sender,
    /// The taker of a handoff.
    Receiver,
    /// Who leads the incident or the domain.
    Lead,
    /// The agents that the event is about.
    Affected,
    OnCall,
}

impl Role {
    pub const ALL: [(&'static str, Role); 9] = [
        ("owner", Role::Owner),
        ("owners", Role::Owners),
        ("reviewers", Role::Reviewers),
        ("decider", Role::Decider),
        ("sender", Role::Sender),
        ("receiver", Role::Receiver),
        ("lead", Role::Lead),
        ("affected", Role::Affected),
        ("on-call", Role::OnCall),
    ];

    pub fn name(self) -> &'static str {
        Role::ALL
            .iter()
            .find(|(_, r)| *r == self)
            .map_or("", |(n, _)| n)
    }
}

/// Agents and roles that are asked, told or obeyed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    pub agents: Vec<AgentId>,
    pub roles: Vec<Role>,
    /// Written as `all` or `any`; then `agents` are all there are.
    pub everybody: bool,
    pub span: Span,
}

impl Party {
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty() && self.roles.is_empty() && !self.everybody
    }
}

/// What is done when something happens or a limit passes.
#[derive(Clone, Debug)]
pub enum Action {
    Notify {
        who: Party,
        via: Option<ChannelId>,
    },
    /// Opens a ladder, at its first level or at the one named.
    Escalate {
        to: EscalationId,
        level: Option<u32>,
    },
    Retry(Option<u32>),
    /// To this agent, or to whoever can.
    Reassign(Option<AgentId>),
    /// No new work for the agent that the event is about; what it reports is refused.
    Isolate,
    /// The work of the agent that the event is about goes to others; where the event is about
    /// none, the work that waits is spread anew.
    Redistribute,
    Recover(Program),
    /// `undo` of what was completed, in reverse order.
    Rollback,
    Start {
        workflow: WorkflowId,
        arguments: Vec<Argument>,
    },
    /// The run starts nothing more.
    Halt,
    Enter(ModeId),
    Leave(ModeId),
    SetPriority(Priority),
    Record(Template),
    Fail,
    Skip,
    Proceed,
    Warn,
    Continue,
}

/// One action, and another one for when it cannot be done or does not help.
#[derive(Clone, Debug)]
pub struct Chain {
    pub action: Action,
    pub span: Span,
    pub otherwise: Option<Box<Chain>>,
}

impl Chain {
    /// The actions in the order in which they are tried.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        std::iter::successors(Some(self), |c| c.otherwise.as_deref()).map(|c| &c.action)
    }
}

/// `name: value` of a call.
#[derive(Clone, Debug)]
pub struct Argument {
    pub name: Spanned<String>,
    pub param: Option<ParamId>,
    pub value: Spanned<Template>,
}

/// `escalation NAME { … }`: a ladder.
#[derive(Clone, Debug, Default)]
pub struct Escalation {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub levels: Vec<Level>,
    /// Over the whole ladder.
    pub sla_ms: Option<Spanned<i64>>,
    pub otherwise: Ending,
}

/// One rung.
#[derive(Clone, Debug)]
pub struct Level {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub by: Party,
    /// Distinct answers needed.
    pub quorum: u32,
    /// Unanswered for this long, the next rung opens.
    pub within_ms: Option<Spanned<i64>>,
    pub actions: Vec<Chain>,
}

/// How a ladder that nobody answered is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    #[default]
    Halt,
    Fail,
    Enter(ModeId),
}

/// `conflict KIND { … }`.
#[derive(Clone, Debug, Default)]
pub struct Conflict {
    /// `ownership`, `resource` and `priority` are found by coord itself.
    pub kind: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub detect: Vec<String>,
    pub owner: Option<Party>,
    pub reviewers: Option<Party>,
    /// How many of the affected have to agree, when agreement settles it.
    pub consensus: Option<Spanned<u32>>,
    pub decide: Option<Decision>,
    pub levels: Vec<Level>,
    pub escalate: Option<EscalateAfter>,
    pub otherwise: Ending,
    pub actions: Vec<Chain>,
}

/// `decide WHO within D`.
#[derive(Clone, Debug)]
pub struct Decision {
    pub by: Party,
    pub within_ms: Option<Spanned<i64>>,
}

/// `escalate after D [to LADDER]`.
#[derive(Clone, Copy, Debug)]
pub struct EscalateAfter {
    pub after_ms: i64,
    pub to: Option<EscalationId>,
    pub span: Span,
}

/// `domain NAME { … }`: a row of the coordination matrix.
#[derive(Clone, Debug, Default)]
pub struct Domain {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub lead: Option<Party>,
    pub support: Option<Party>,
    pub reviewers: Option<Party>,
    pub approvals: Vec<super::Approval>,
    pub may_halt: Option<Party>,
    pub paths: Vec<Spanned<Glob>>,
    /// The folder that decision records go to.
    pub record: Option<Spanned<String>>,
}

/// `handoff NAME { … }`: what has to be there when work goes from one agent to another.
#[derive(Clone, Debug, Default)]
pub struct Handoff {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub requires: Vec<Confirmation>,
    pub checks: Vec<Check>,
    pub fields: Vec<HandoffField>,
    /// The receiver's time to accept or ask back.
    pub accept: Option<Accept>,
    pub format: Option<crate::ids::TemplateId>,
}

/// `require "…" [by WHO]` in a situation.
#[derive(Clone, Debug)]
pub struct Confirmation {
    pub text: Spanned<String>,
    /// Absent: the giver of a handoff, the lead of an incident.
    pub by: Option<Party>,
}

#[derive(Clone, Debug)]
pub struct HandoffField {
    pub name: Spanned<String>,
    pub ty: ParamType,
    /// A `list`: any number of texts.
    pub many: bool,
}

#[derive(Clone, Debug)]
pub struct Accept {
    pub within_ms: i64,
    pub otherwise: Option<Chain>,
    pub span: Span,
}

/// `incident P0 { … }`.
#[derive(Clone, Debug, Default)]
pub struct Incident {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub priority: Priority,
    /// How fast somebody has to answer; on the clock or in working time.
    pub respond: Option<Spanned<Effort>>,
    pub declare: Option<Party>,
    pub lead: Option<Party>,
    /// Who has to take part.
    pub requires: Option<Party>,
    /// What has to be confirmed before it is closed.
    pub confirms: Vec<Confirmation>,
    pub start: Option<Spanned<WorkflowId>>,
    /// The values of that workflow's parameters.
    pub arguments: Vec<Argument>,
    /// Its work takes what it needs from work that is less urgent.
    pub preempts: bool,
    pub actions: Vec<Chain>,
}

/// What a reaction or a workflow waits for.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    TaskFailed(Option<TaskId>),
    TaskBlocked(Option<TaskId>),
    TaskLate(Option<TaskId>),
    TaskStalled(Option<TaskId>),
    TaskCompleted(Option<TaskId>),
    AgentFailed(Option<AgentId>),
    AgentBlocked(Option<AgentId>),
    ConflictOpen(Option<ConflictId>),
    GateFailed(Option<crate::ids::GateId>),
    ApprovalWaiting,
    IncidentOpen(Option<crate::ids::IncidentId>),
    ResourceExhausted(Option<crate::ids::ResourceId>),
    EscalationOpen(Option<EscalationId>),
    RunStarted,
    RunFinished,
    ChangeMade(Vec<Spanned<Glob>>),
    /// `metric NAME > V`.
    Metric {
        metric: crate::ids::MetricId,
        op: Comparison,
        value: Value,
    },
}

impl Happening {
    /// The word of the event.
    pub fn word(&self) -> &'static str {
        match self {
            Happening::TaskFailed(_) => "task.failed",
            Happening::TaskBlocked(_) => "task.blocked",
            Happening::TaskLate(_) => "task.late",
            Happening::TaskStalled(_) => "task.stalled",
            Happening::TaskCompleted(_) => "task.completed",
            Happening::AgentFailed(_) => "agent.failed",
            Happening::AgentBlocked(_) => "agent.blocked",
            Happening::ConflictOpen(_) => "conflict.open",
            Happening::GateFailed(_) => "gate.failed",
            Happening::ApprovalWaiting => "approval.waiting",
            Happening::IncidentOpen(_) => "incident.open",
            Happening::ResourceExhausted(_) => "resource.exhausted",
            Happening::EscalationOpen(_) => "escalation.open",
            Happening::RunStarted => "run.started",
            Happening::RunFinished => "run.finished",
            Happening::ChangeMade(_) => "change",
            Happening::Metric { .. } => "metric",
        }
    }

    /// True when it speaks of one task.
    pub fn is_about_a_task(&self) -> bool {
        matches!(
            self,
            Happening::TaskFailed(_)
                | Happening::TaskBlocked(_)
                | Happening::TaskLate(_)
                | Happening::TaskStalled(_)
                | Happening::TaskCompleted(_)
                | Happening::GateFailed(_)
                | Happening::ApprovalWaiting
        )
    }

    /// True when it speaks of one agent; a task's event speaks of who does it.
    pub fn is_about_an_agent(&self) -> bool {
        self.is_about_a_task()
            || matches!(self, Happening::AgentFailed(_) | Happening::AgentBlocked(_))
    }
}

/// `on EVENT [for D] [when E] [because "…"] { do ACTION }`.
#[derive(Clone, Debug)]
pub struct Reaction {
    pub on: Spanned<Happening>,
    /// How long it has to last.
    pub for_ms: Option<Spanned<i64>>,
    pub when: Option<Spanned<Expr>>,
    pub because: Option<String>,
    pub actions: Vec<Chain>,
    pub doc: String,
    pub span: Span,
}

/// `mode NAME { … }`: no new assignments while it is on.
#[derive(Clone, Debug, Default)]
pub struct Mode {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub enter: Vec<Program>,
    pub exit: Vec<Program>,
    /// Tasks that may start at once right after it was left.
    pub restart: Option<Spanned<u32>>,
    /// Work in progress is cancelled instead of drained.
    pub cancels: bool,
}

/// `workflow NAME(p: type) { … }`: a procedure with its own graph.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// Parameters of its own, in the order of the call.
    pub params: Vec<ParamId>,
    pub on: Vec<Spanned<Happening>>,
    pub every: Option<Spanned<super::Every>>,
    pub body: Vec<Work>,
}

/// What a task does instead of running a program.
#[derive(Clone, Debug)]
pub struct Call {
    pub workflow: WorkflowId,
    pub arguments: Vec<Argument>,
    pub span: Span,
}
