//! What people see and what is held against it: channels, templates, metrics, dashboards,
//! drawings, promises, scenarios.

use super::{Every, Party, Program, Template, WorkRef};
use crate::expr::{Comparison, Expr, Value};
use crate::ids::{
    AgentId, ChannelId, ConflictId, DomainId, EscalationId, GateId, HandoffId, IncidentId,
    MetricId, ModeId, ParamId, RecurringId, ResourceId, TaskId, TemplateId, WorkflowId,
};
use crate::source::{Span, Spanned};
use crate::time::Moment;

/// `channel NAME { … }`: where notices go.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub target: Option<Spanned<Target>>,
    /// Collects notices and sends them together.
    pub every: Option<Spanned<Every>>,
    pub format: Option<TemplateId>,
    pub reply_ms: Option<Spanned<i64>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    File(String),
    Http(Template),
    Stdout,
}

/// `template NAME` and its fence.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// The tag of its fence: `markdown`, `yaml`, ….
    pub language: String,
    pub text: String,
    /// Every `${path}` in it, in order.
    pub fields: Vec<Spanned<String>>,
    pub span: Span,
}

/// What a metric is computed from.
#[derive(Clone, Debug)]
pub enum MetricSource {
    Builtin(Builtin),
    Run(Program),
    /// Entered by a person at each sync.
    Person(Party),
}

/// The metrics that coord computes from the journal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Builtin {
    TaskOnTime,
    TaskCompletion,
    HandoffSuccess,
    ReviewPass,
    BlockerResolution,
    BlockedShare,
    AgentUtilization,
    CoordinationOverhead,
    EstimateAccuracy,
    EscalationCount,
    ConflictResolution,
    TaskThroughput,
    TaskRework,
    ResponseTime,
}

impl Builtin {
    pub const ALL: [(&'static str, Builtin); 14] = [
        ("task.on-time", Builtin::TaskOnTime),
        ("task.completion", Builtin::TaskCompletion),
        ("handoff.success", Builtin::HandoffSuccess),
        ("review.pass", Builtin::ReviewPass),
        ("blocker.resolution", Builtin::BlockerResolution),
        ("blocked.share", Builtin::BlockedShare),
        ("agent.utilization", Builtin::AgentUtilization),
        ("coordination.overhead", Builtin::CoordinationOverhead),
        ("estimate.accuracy", Builtin::EstimateAccuracy),
        ("escalation.count", Builtin::EscalationCount),
        ("conflict.resolution", Builtin::ConflictResolution),
        ("task.per-day", Builtin::TaskThroughput),
        ("task.rework", Builtin::TaskRework),
        ("response.time", Builtin::ResponseTime),
    ];

    pub fn name(self) -> &'static str {
        Builtin::ALL
            .iter()
            .find(|(_, b)| *b == self)
            .map_or("", |(n, _)| n)
    }

    /// What its value is measured in.
    pub fn measure(self) -> Measure {
        match self {
            Builtin::BlockerResolution | Builtin::ConflictResolution | Builtin::ResponseTime => {
                Measure::Duration
            }
            Builtin::EscalationCount | Builtin::TaskThroughput => Measure::Number,
            Builtin::TaskOnTime
            | Builtin::TaskCompletion
            | Builtin::HandoffSuccess
            | Builtin::ReviewPass
            | Builtin::BlockedShare
            | Builtin::AgentUtilization
            | Builtin::CoordinationOverhead
            | Builtin::EstimateAccuracy
            | Builtin::TaskRework => Measure::Percent,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    Percent,
    Duration,
    Number,
}

/// `metric NAME { … }`.
#[derive(Clone, Debug, Default)]
pub struct Metric {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub target: Option<Goal>,
    pub from: Option<Spanned<MetricSource>>,
    pub unit: Option<String>,
}

/// `target >= 90%`, `target 40..50`.
#[derive(Clone, PartialEq, Debug)]
pub enum Goal {
    Compared {
        op: Comparison,
        value: Spanned<Value>,
    },
    /// Both ends included.
    Between {
        low: Spanned<Value>,
        high: Spanned<Value>,
    },
}

/// `dashboard NAME { … }`.
#[derive(Clone, Debug, Default)]
pub struct Dashboard {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub refresh_ms: Option<Spanned<i64>>,
    pub widgets: Vec<Widget>,
}

#[derive(Clone, Debug)]
pub struct Widget {
    pub kind: Spanned<WidgetKind>,
    pub title: Option<String>,
    /// The metrics it shows; all of them when empty.
    pub metrics: Vec<MetricId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WidgetKind {
    ProgressBar,
    AgentStatus,
    BlockerList,
    Timeline,
    Metrics,
    Graph,
    Alerts,
    Gantt,
    Inbox,
    Conflicts,
    Resources,
    Capacity,
    Incidents,
}

impl WidgetKind {
    pub const ALL: [(&'static str, WidgetKind); 13] = [
        ("progress-bar", WidgetKind::ProgressBar),
        ("agent-status", WidgetKind::AgentStatus),
        ("blocker-list", WidgetKind::BlockerList),
        ("timeline", WidgetKind::Timeline),
        ("metrics", WidgetKind::Metrics),
        ("graph", WidgetKind::Graph),
        ("alerts", WidgetKind::Alerts),
        ("gantt", WidgetKind::Gantt),
        ("inbox", WidgetKind::Inbox),
        ("conflicts", WidgetKind::Conflicts),
        ("resources", WidgetKind::Resources),
        ("capacity", WidgetKind::Capacity),
        ("incidents", WidgetKind::Incidents),
    ];
}

/// `diagram NAME { … }`: a drawing held against the declared contracts.
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// True for `arrows dependency -> dependent`, the other way round for false.
    pub from_dependency: bool,
    pub edges: Vec<Edge>,
}

/// `edge A -> B`; absent ends stand for `all`.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub from: Option<AgentId>,
    pub to: Option<AgentId>,
    pub span: Span,
}

/// `expect "T" EXPR [by DATE]`: a promise.
#[derive(Clone, Debug)]
pub struct Expect {
    pub title: Spanned<String>,
    pub doc: String,
    pub claim: Spanned<Claim>,
    pub by: Option<Spanned<Moment>>,
}

/// What a promise is about.
#[derive(Clone, Debug)]
pub enum Claim {
    /// `plan.p80 <= 8w`, `agent.qa.load <= 95%`, `task.ship.slack >= 1d`.
    Measure {
        of: Measured,
        op: Comparison,
        value: Value,
    },
    /// Decided when the run ends.
    Condition(Expr),
    /// A metric of the project reaches its value.
    Metric {
        metric: MetricId,
        op: Comparison,
        value: Value,
    },
    /// A person confirms it.
    Person,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measured {
    /// From the start to the end of the plan.
    Finish,
    /// That in so many of a hundred cases.
    Percentile(u8),
    CriticalPath,
    LowerBound,
    Load(AgentId),
    Slack(TaskId),
    EndOf(WorkRef),
}

/// `test "T" { given …; expect … }`: a scenario in virtual time.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub title: Spanned<String>,
    pub doc: String,
    /// The workflow that is run, by `of W`; `main` when absent.
    pub workflow: Option<Spanned<WorkflowId>>,
    pub givens: Vec<Spanned<Given>>,
    pub expects: Vec<Spanned<Outcome>>,
}

/// What is different from everything going well. Times count from the start of the run.
#[derive(Clone, Debug)]
pub enum Given {
    /// `given task T fails [N times]`; every time when absent.
    TaskFails { task: TaskId, times: Option<u32> },
    /// `given task T takes D`
    TaskTakes { task: TaskId, ms: i64 },
    /// `given task T outputs NAME "V"`
    TaskOutputs {
        task: TaskId,
        name: String,
        value: String,
    },
    /// `given WHO silent`: they answer nothing.
    Silent(Vec<AgentId>),
    /// `given WHO answers [RESOLUTION] after D`
    Answers {
        agents: Vec<AgentId>,
        with: Option<Resolution>,
        after_ms: i64,
    },
    /// `given WHO rejects [N times]`
    Rejects {
        agents: Vec<AgentId>,
        times: Option<u32>,
    },
    /// `given WHO halts DOMAIN at D`
    Halts {
        agents: Vec<AgentId>,
        domain: DomainId,
        at_ms: i64,
    },
    /// `given agent A fails [at D]`
    AgentFails { agent: AgentId, at_ms: i64 },
    /// `given agent A recovers at D`
    AgentRecovers { agent: AgentId, at_ms: i64 },
    /// `given recovery fails`: programs of `recover` do not help.
    RecoveryFails,
    /// `given gate G fails [N times]`
    GateFails { gate: GateId, times: Option<u32> },
    /// `given escalation E opens [at D]`
    Escalation {
        escalation: EscalationId,
        at_ms: i64,
    },
    /// `given conflict K opens [at D] [between [A, B]]`
    Conflict {
        kind: ConflictId,
        at_ms: i64,
        between: Vec<AgentId>,
    },
    /// `given incident P0 opens [at D] [by A]`
    Incident {
        incident: IncidentId,
        at_ms: i64,
        by: Option<AgentId>,
    },
    /// `given metric M is V [at D]`
    Metric {
        metric: MetricId,
        value: Value,
        at_ms: i64,
    },
    /// `given resource R exhausted [at D]`
    ResourceGone { resource: ResourceId, at_ms: i64 },
    /// `given mode M entered [at D]`, `… left at D`
    Mode {
        mode: ModeId,
        entered: bool,
        at_ms: i64,
    },
    /// `given handoff H refused [N times]`
    HandoffRefused {
        handoff: HandoffId,
        times: Option<u32>,
    },
    /// `given param NAME "V"`
    Set { param: ParamId, value: String },
    /// `given crash at D`: the machine stops, and the run is resumed.
    Crash { at_ms: i64 },
}

/// How an escalation is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolution {
    Retry,
    Skip,
    Reassign,
    Abort,
    Accept,
}

impl Resolution {
    pub const ALL: [(&'static str, Resolution); 5] = [
        ("retry", Resolution::Retry),
        ("skip", Resolution::Skip),
        ("reassign", Resolution::Reassign),
        ("abort", Resolution::Abort),
        ("accept", Resolution::Accept),
    ];
}

/// What has to be seen in a scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub what: Observed,
    pub when: When,
    /// `expect no …`, `expect … never …`.
    pub negated: bool,
}

/// When it has to be seen, counted from the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Ever,
    At(i64),
    Before(i64),
    After(i64),
    /// Counted from when the situation opened.
    Within(i64),
}

/// Something that asks people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Situation {
    Escalation(EscalationId),
    Conflict(ConflictId),
    Incident(IncidentId),
}

#[derive(Clone, Debug)]
pub enum Observed {
    /// `expect X starts`, `completes`, …
    Work { work: WorkRef, becomes: Becomes },
    /// `expect X starts before Y`: the one ends or starts before the other starts.
    Order { first: WorkRef, then: WorkRef },
    /// `expect X starts with a warning`
    Warned(TaskId),
    /// `expect X done by A`
    DoneBy { task: TaskId, agent: AgentId },
    /// `expect X reassigned`
    Reassigned(TaskId),
    /// `expect undo of X`
    Undone(TaskId),
    /// `expect escalation E opens`, `reaches L2`, `closes`
    Situation { of: Situation, step: SituationStep },
    /// `expect conflict K asks WHO`
    Asks { of: Situation, agents: Vec<AgentId> },
    /// `expect gate G passes`, `fails`
    Gate { gate: GateId, passes: bool },
    /// `expect mode M entered`, `left`
    Mode { mode: ModeId, entered: bool },
    /// `expect workflow W starts`, `completes`
    Workflow {
        workflow: WorkflowId,
        completes: bool,
    },
    /// `expect agent A isolated`, `back`
    Agent { agent: AgentId, isolated: bool },
    /// `expect WHO notified [via CH]`
    Notified {
        agents: Vec<AgentId>,
        via: Option<ChannelId>,
    },
    /// `expect WHO asked`: an item for it is in the inbox.
    Asked(Vec<AgentId>),
    /// `expect handoff H accepted`
    Handoff(HandoffId),
    /// `expect digest of SYNC`, `expect sync S held`
    Digest(RecurringId),
    /// `expect run completes`, `fails`, `halts`
    Run(RunEnd),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SituationStep {
    Opens,
    /// The index of the level.
    Reaches(u32),
    Closes,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Becomes {
    Starts,
    Completes,
    Fails,
    Skipped,
    Blocked,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnd {
    Completes,
    Fails,
    Halts,
}
