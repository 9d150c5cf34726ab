//! The checked meaning of a project: what the text declares, with names resolved to ids.
//!
//! Spans stay with the values, so that later phases can point at what they judge. A model may be
//! built from text with errors in it; what could not be understood is simply absent, and the
//! diagnostics say why.

pub use rules::{
    Accept, Action, Argument, Call, Chain, Confirmation, Conflict, Decision, Domain, Ending,
    EscalateAfter, Escalation, Handoff, HandoffField, Happening, Incident, Level, Mode, Party,
    Reaction, Role, Workflow,
};
pub use seeing::{
    Becomes, Builtin, Channel, Claim, Dashboard, Diagram, Edge, Expect, Given, Goal, Measure,
    Measured, Metric, MetricSource, Observed, Outcome, Page, Resolution, RunEnd, Scenario,
    Situation, SituationStep, Target, When, Widget, WidgetKind,
};

mod rules;
mod seeing;

use crate::expr::Expr;
use crate::glob::Glob;
use crate::ids::{
    AgentId, CalendarId, ChannelId, ConflictId, DashboardId, DiagramId, DomainId, EscalationId,
    GateId, GroupId, HandoffId, IncidentId, MetricId, MilestoneId, ModeId, ParamId, PhaseId,
    RecurringId, ResourceId, SecretId, SyncId, Table, TaskId, TemplateId, TierId, WorkflowId,
};
use crate::source::{Span, Spanned};
use crate::time::{Date, Estimate, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

/// Everything that one project declares.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub project: Project,
    pub params: Table<ParamId, Param>,
    /// Agents and humans; the first is the built-in `local`.
    pub agents: Table<AgentId, Agent>,
    pub groups: Table<GroupId, Group>,
    pub resources: Table<ResourceId, Resource>,
    pub gates: Table<GateId, Gate>,
    pub phases: Table<PhaseId, Phase>,
    pub tasks: Table<TaskId, Task>,
    pub syncs: Table<SyncId, Sync>,
    pub milestones: Table<MilestoneId, Milestone>,
    /// The top level of the workflow `main`, in written order.
    pub body: Vec<Work>,
    /// The procedures beside `main`. Their work stands in the same tables.
    pub workflows: Table<WorkflowId, Workflow>,
    pub secrets: Table<SecretId, Secret>,
    pub calendars: Table<CalendarId, Calendar>,
    pub tiers: Table<TierId, Tier>,
    pub escalations: Table<EscalationId, Escalation>,
    pub conflicts: Table<ConflictId, Conflict>,
    pub domains: Table<DomainId, Domain>,
    pub handoffs: Table<HandoffId, Handoff>,
    pub incidents: Table<IncidentId, Incident>,
    pub reactions: Vec<Reaction>,
    pub modes: Table<ModeId, Mode>,
    pub recurring: Table<RecurringId, Recurring>,
    pub channels: Table<ChannelId, Channel>,
    pub templates: Table<TemplateId, Page>,
    pub metrics: Table<MetricId, Metric>,
    pub dashboards: Table<DashboardId, Dashboard>,
    pub diagrams: Table<DiagramId, Diagram>,
    pub expects: Vec<Expect>,
    pub scenarios: Vec<Scenario>,
}

impl Model {
    /// The built-in agent: the shell on this machine.
    pub const LOCAL: AgentId = AgentId(0);

    /// The name under which `work` is known.
    pub fn work_name(&self, work: WorkRef) -> &str {
        match work {
            WorkRef::Task(id) => &self.tasks[id].name.value,
            WorkRef::Phase(id) => &self.phases[id].name.value,
            WorkRef::Sync(id) => &self.syncs[id].name.value,
            WorkRef::Milestone(id) => &self.milestones[id].name.value,
        }
    }

    /// Where `work` is declared.
    pub fn work_span(&self, work: WorkRef) -> Span {
        match work {
            WorkRef::Task(id) => self.tasks[id].name.span,
            WorkRef::Phase(id) => self.phases[id].name.span,
            WorkRef::Sync(id) => self.syncs[id].name.span,
            WorkRef::Milestone(id) => self.milestones[id].name.span,
        }
    }
}

/// What a run does when a task fails: goes on with what does not depend on it, or starts nothing
/// more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnFailure {
    #[default]
    Continue,
    Stop,
}

/// The `project` statement; absent parts are at their defaults.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Absent when the project has no `project` statement.
    pub name: Option<Spanned<String>>,
    pub title: Option<String>,
    pub doc: String,
    /// An IANA name; UTC when absent.
    pub timezone: Option<Spanned<String>>,
    pub starts: Option<Spanned<Moment>>,
    pub version: Option<String>,
    pub owner: Option<String>,
    /// How often this coordination is looked at again.
    pub review: Option<Spanned<Every>>,
    /// The folder of the living file tree.
    pub context: Option<Spanned<String>>,
    pub meta: Vec<(String, String)>,
    /// Most tasks at work at once.
    pub parallel: Option<Spanned<u32>>,
    /// What all attempts together may use up, one of a kind.
    pub budgets: Vec<Budget>,
    pub on_failure: OnFailure,
    pub allows: Vec<Allow>,
}

/// `allow W0603 because "…"`: a warning that is known and accepted.
#[derive(Clone, Debug)]
pub struct Allow {
    pub code: Spanned<String>,
    pub because: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamType {
    Text,
    Int,
    Percent,
    Duration,
    Date,
    Url,
    Path,
    Bool,
}

impl ParamType {
    pub const ALL: [(&'static str, ParamType); 8] = [
        ("text", ParamType::Text),
        ("int", ParamType::Int),
        ("percent", ParamType::Percent),
        ("duration", ParamType::Duration),
        ("date", ParamType::Date),
        ("url", ParamType::Url),
        ("path", ParamType::Path),
        ("bool", ParamType::Bool),
    ];

    pub fn name(self) -> &'static str {
        ParamType::ALL
            .iter()
            .find(|(_, t)| *t == self)
            .map_or("", |(n, _)| n)
    }
}

/// A value given from outside with `--set NAME=VALUE`.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: Spanned<String>,
    pub ty: ParamType,
    /// In its text form.
    pub default: Option<Spanned<String>>,
    pub doc: String,
    /// The workflow whose parameter it is; absent for the project's own.
    pub workflow: Option<WorkflowId>,
}

/// Again and again: `every 4h`, `every day at 09:00 UTC`, `every [monday, friday] at 15:00 UTC`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Every {
    pub period: Period,
    pub at: Option<TimeOfDay>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// Milliseconds on the clock.
    Elapsed(i64),
    Day,
    /// Each working day of the calendar in force.
    WorkingDay,
    /// 1 is Monday.
    Weekdays(Vec<u8>),
    Month,
}

/// `09:00 Europe/Berlin`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeOfDay {
    /// Seconds of the day.
    pub second: u32,
    /// An IANA name; the project's zone when absent.
    pub zone: Option<String>,
}

/// `secret NAME`: a value that is read at the start and never shown.
#[derive(Clone, Debug)]
pub struct Secret {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub from: SecretSource,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// A variable of coord's own environment.
    Env(String),
    File(String),
}

/// `calendar NAME { … }`: when work is done.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// Monday first.
    pub working: [bool; 7],
    /// From and to, in seconds of the day, in order and apart.
    pub hours: Vec<(u32, u32)>,
    pub holidays: Vec<Holiday>,
    /// An IANA name; the project's zone when absent.
    pub timezone: Option<Spanned<String>>,
}

/// Days without work, both ends included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holiday {
    pub first: Date,
    pub last: Date,
    pub title: Option<String>,
    pub span: Span,
}

/// `tier NAME "T" rank N`.
#[derive(Clone, Debug, Default)]
pub struct Tier {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub rank: u32,
}

/// How an agent is reached.
#[derive(Clone, Debug, Default)]
pub enum Driver {
    #[default]
    Shell,
    Human,
    Http(Spanned<String>),
    /// The Agent Client Protocol, spoken with this program.
    Acp(Vec<Spanned<Template>>),
    /// A tool of a Model Context Protocol server.
    /// A tool of a server that listens at this address.
    McpWeb {
        url: Spanned<String>,
        tool: String,
    },
    Mcp {
        argv: Vec<Spanned<Template>>,
        tool: String,
    },
    A2a(Spanned<String>),
    /// A worker that carries this label.
    Remote(String),
}

impl Driver {
    pub fn is_human(&self) -> bool {
        matches!(self, Driver::Human)
    }

    pub fn is_shell(&self) -> bool {
        matches!(self, Driver::Shell)
    }

    /// The word after `via`.
    pub fn word(&self) -> &'static str {
        match self {
            Driver::Shell => "shell",
            Driver::Human => "human",
            Driver::Http(_) => "http",
            Driver::Acp(_) => "acp",
            Driver::Mcp { .. } | Driver::McpWeb { .. } => "mcp",
            Driver::A2a(_) => "a2a",
            Driver::Remote(_) => "remote",
        }
    }
}

/// `health run [argv] every 30s`.
#[derive(Clone, Debug)]
pub struct Health {
    pub run: Program,
    pub every_ms: i64,
    pub span: Span,
}

/// `cost 12USD/h`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rate {
    /// In thousandths of the currency.
    pub milli: i64,
    pub currency: String,
    pub per_ms: i64,
}

/// `budget 200000 tokens`, `budget 20USD`, `budget 2h`, with what is done once it is spent.
#[derive(Clone, Debug)]
pub struct Budget {
    pub of: Spends,
    /// Tokens, milliseconds, or thousandths of the currency.
    pub most: i64,
    pub otherwise: Option<Chain>,
    pub span: Span,
}

/// What a budget is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spends {
    Tokens,
    /// Time at work.
    Time,
    /// Money in this currency.
    Cost(String),
}

impl Spends {
    /// In words: "tokens", "time at work", "USD".
    pub fn name(&self) -> &str {
        match self {
            Spends::Tokens => "tokens",
            Spends::Time => "time at work",
            Spends::Cost(currency) => currency,
        }
    }
}

/// Anything that acts: `agent` or `human`.
#[derive(Clone, Debug, Default)]
pub struct Agent {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub id: Option<String>,
    pub role: Option<String>,
    pub focus: Option<String>,
    pub contact: Option<String>,
    pub does: Vec<String>,
    pub tools: Vec<String>,
    pub owns: Vec<Owns>,
    pub areas: Vec<Spanned<String>>,
    /// Contracts with other agents that must hold before this one can work.
    pub needs: Vec<Contract>,
    /// Contracts that help and never block.
    pub wants: Vec<Contract>,
    pub produces: Vec<Artifact>,
    /// Declared as `human`: `all` of a contract leaves it out.
    pub person: bool,
    /// Tasks at work at once.
    pub capacity: u32,
    pub driver: Driver,
    pub env: Vec<(String, String)>,
    pub meta: Vec<(String, String)>,
    pub tier: Option<Spanned<TierId>>,
    /// `authority full`, in its own words.
    pub authority: Option<String>,
    pub talks_to: Option<Party>,
    pub skills: Vec<Spanned<String>>,
    pub tags: Vec<Spanned<String>>,
    /// Who takes over, in order.
    pub standby: Vec<Spanned<AgentId>>,
    pub calendar: Option<Spanned<CalendarId>>,
    pub cost: Option<Rate>,
    /// What its attempts may use up, one of a kind.
    pub budgets: Vec<Budget>,
    pub secrets: Vec<Spanned<SecretId>>,
    /// What it is asked with, of an agent that is reached over the web.
    pub auth: Option<Auth>,
    /// Where it answers later.
    pub callback: Option<Callback>,
    /// Programs that tasks of this agent may name.
    pub commands: Vec<(Spanned<String>, Program)>,
    pub health: Option<Health>,
}

/// `auth TOKEN`, `auth TOKEN as "X-Api-Key"`.
#[derive(Clone, Debug)]
pub struct Auth {
    pub secret: SecretId,
    /// None: `Authorization: Bearer`.
    pub header: Option<String>,
    pub span: Span,
}

/// `callback TOKEN at "URL"`.
#[derive(Clone, Debug)]
pub struct Callback {
    pub secret: SecretId,
    pub at: Spanned<String>,
    pub span: Span,
}

/// One side of a contract between agents.
#[derive(Clone, Debug)]
pub struct Contract {
    pub on: AgentId,
    pub span: Span,
    /// Written as `all`, so it stands for every other agent.
    pub from_all: bool,
}

/// `owns "glob" [shared] [except "glob"]…`.
#[derive(Clone, Debug)]
pub struct Owns {
    pub glob: Spanned<Glob>,
    pub shared: bool,
    pub except: Vec<Spanned<Glob>>,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub members: Vec<AgentId>,
}

/// A pool that tasks take from while they are at work.
#[derive(Clone, Debug)]
pub struct Resource {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub capacity: u32,
}

/// A set of conditions before or after work.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub checks: Vec<Check>,
    pub approvals: Vec<Approval>,
    pub on_fail: GateFailure,
    /// What `on fail` does beyond that: a rollback, a ladder.
    pub on_fail_do: Option<Chain>,
    /// Tasks of these agents, and of these domains, require it without naming it.
    pub applies_to: Vec<AgentId>,
    pub applies_to_domains: Vec<DomainId>,
}

/// One condition of a gate.
#[derive(Clone, Debug)]
pub struct Check {
    pub title: Spanned<String>,
    pub evidence: Evidence,
}

/// How a check is decided.
#[derive(Clone, Debug)]
pub enum Evidence {
    Run(Program),
    When(Expr),
    /// Confirmed by one of these.
    Person(Vec<AgentId>),
    /// A path of the project is there.
    Exists(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GateFailure {
    #[default]
    Halt,
    Warn,
    Retry(u32),
}

/// `approve by WHO [within D [else …]]` or `approve N of GROUP …`.
#[derive(Clone, Debug)]
pub struct Approval {
    pub span: Span,
    /// Distinct people needed.
    pub quorum: u32,
    pub of: Vec<AgentId>,
    pub within: Option<Limit>,
}

/// A time limit and what happens past it.
#[derive(Clone, Debug)]
pub struct Limit {
    pub ms: i64,
    pub otherwise: Otherwise,
    /// What is done beside `otherwise`: a ladder, a notice.
    pub also: Option<Box<Chain>>,
    pub span: Span,
}

/// What happens when a limit passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Otherwise {
    /// The task fails and says why.
    #[default]
    Fail,
    /// The task is skipped.
    Skip,
    /// The task goes ahead with a warning.
    Proceed,
    /// The run starts nothing more.
    Halt,
}

/// One entry of a body, in written order.
#[derive(Clone, Debug)]
pub enum Work {
    Task(TaskId),
    Phase(PhaseId),
    Sync(SyncId),
    Milestone(MilestoneId),
    Parallel(Vec<Work>, Span),
    Sequence(Vec<Work>, Span),
}

/// Something of the work namespace that others may need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WorkRef {
    Task(TaskId),
    Phase(PhaseId),
    Sync(SyncId),
    Milestone(MilestoneId),
}

#[derive(Clone, Debug, Default)]
pub struct Phase {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// The workflow it belongs to; absent for `main`.
    pub workflow: Option<WorkflowId>,
    /// Absent: after the phase written before it.
    pub after: Option<Spanned<After>>,
    pub weeks: Option<Spanned<Weeks>>,
    /// `window A..B`: it neither opens before the first day nor may end after the last.
    pub window: Option<Spanned<(Moment, Moment)>>,
    pub body: Vec<Work>,
    /// Every task inside, however deep, in written order.
    pub tasks: Vec<TaskId>,
    pub sync: Option<SyncId>,
}

/// What a phase follows instead of the one written before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum After {
    /// `after p`, `after [p, q]`: the ends of these.
    Phases(Vec<PhaseId>),
    /// `after start`: nothing.
    Start,
    /// `after start of p`.
    StartOf(PhaseId),
}

/// `weeks 2..3`, counted from the project's start, from 1; open at the end when `last` is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weeks {
    pub first: u32,
    pub last: Option<u32>,
}

/// A barrier at the end of a phase.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub phase: Option<PhaseId>,
    pub workflow: Option<WorkflowId>,
    pub participants: Vec<AgentId>,
    pub requires: Vec<Requirement>,
    pub gates: Vec<Spanned<GateId>>,
    pub agenda: Vec<String>,
    pub within: Option<Limit>,
}

/// A sync that comes again and again: it writes a digest from the journal, and asks its
/// participants where it has `require`.
#[derive(Clone, Debug, Default)]
pub struct Recurring {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub every: Option<Spanned<Every>>,
    pub participants: Vec<AgentId>,
    pub requires: Vec<Requirement>,
    pub agenda: Vec<String>,
    pub within: Option<Limit>,
    pub via: Option<ChannelId>,
}

/// `require "…" [by WHO]`: something that a person confirms.
#[derive(Clone, Debug)]
pub struct Requirement {
    pub text: Spanned<String>,
    /// Who may confirm; the participants when empty.
    pub by: Vec<AgentId>,
}

#[derive(Clone, Debug, Default)]
pub struct Milestone {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub workflow: Option<WorkflowId>,
    pub needs: Vec<Need>,
    pub due: Option<Spanned<Due>>,
}

/// A day or a week by which something has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Moment(Moment),
    /// The end of this week of the project, from 1.
    Week(u32),
    /// The end of the first such day on or after the start: 1 is Monday.
    Weekday(u8),
}

/// Which end of a dependency lets its dependent go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wanted {
    /// Completed, or skipped by its own `when`.
    #[default]
    Done,
    Failed,
    /// Any end.
    Finished,
    Skipped,
}

/// `needs X [failed|finished|skipped] [within D [else …]]`.
#[derive(Clone, Debug)]
pub struct Need {
    pub on: WorkRef,
    /// The rest of `needs any of […]`.
    pub or: Vec<WorkRef>,
    pub wanted: Wanted,
    /// Apart, as few have one and there may be a million needs.
    pub within: Option<Box<Limit>>,
    pub span: Span,
}

impl Need {
    /// Everything that can satisfy this.
    pub fn works(&self) -> impl Iterator<Item = WorkRef> + '_ {
        std::iter::once(self.on).chain(self.or.iter().copied())
    }
}

/// `wants X [within D]`.
#[derive(Clone, Debug)]
pub struct Want {
    pub on: WorkRef,
    pub within_ms: i64,
    pub span: Span,
}

/// Who does a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    /// All of these together.
    All(Vec<AgentId>),
    /// One of these.
    Any(Vec<AgentId>),
}

impl By {
    pub fn agents(&self) -> &[AgentId] {
        match self {
            By::All(agents) | By::Any(agents) => agents,
        }
    }
}

/// A program to run: an argument vector, or a script for an interpreter.
#[derive(Clone, Debug)]
pub enum Program {
    Argv(Vec<Spanned<Template>>, Span),
    Script {
        language: Spanned<String>,
        text: String,
        span: Span,
    },
}

impl Program {
    pub fn span(&self) -> Span {
        match self {
            Program::Argv(_, span) | Program::Script { span, .. } => *span,
        }
    }
}

/// Text with `${path}` in it, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template {
    pub parts: Vec<TemplatePart>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TemplatePart {
    Text(String),
    Param(ParamId),
}

impl Template {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Template {
        Template {
            parts: vec![TemplatePart::Text(text.into())],
        }
    }

    /// The text, when nothing is to be filled in.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TemplatePart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Bytes of what stands there, without the values of parameters.
    pub fn written(&self) -> usize {
        let texts = self.parts.iter().map(|part| match part {
            TemplatePart::Text(text) => text.len(),
            TemplatePart::Param(_) => 0,
        });
        texts.sum()
    }

    /// Fills in the parameters.
    pub fn fill(&self, mut value: impl FnMut(ParamId) -> String) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Param(id) => value(*id),
            })
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Priority {
    P0,
    P1,
    #[default]
    P2,
    P3,
}

impl Priority {
    pub const ALL: [(&'static str, Priority); 4] = [
        ("P0", Priority::P0),
        ("P1", Priority::P1),
        ("P2", Priority::P2),
        ("P3", Priority::P3),
    ];
}

/// `produces NAME ["T"] ["path"]`.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub path: Option<Spanned<String>>,
}

/// `retry N [every D] [factor 2x] [up to D] [on exit 75, timeout]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Retry {
    pub times: u32,
    pub every_ms: i64,
    /// In thousandths: 2x is 2000.
    pub factor_milli: i64,
    pub up_to_ms: i64,
    /// Empty: every failure is retried.
    pub on: Vec<RetryOn>,
    pub span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryOn {
    Exit(i32),
    Timeout,
}

/// `on fail …` of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnFail {
    /// Dependents stay blocked until somebody acts.
    #[default]
    Block,
    /// The run starts nothing more.
    Halt,
    /// The task counts as skipped: dependents go on.
    Skip,
}

/// A claim that the plan is held against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Criticality {
    Critical,
    High,
    Medium,
    Low,
}

impl Criticality {
    pub const ALL: [(&'static str, Criticality); 4] = [
        ("critical", Criticality::Critical),
        ("high", Criticality::High),
        ("medium", Criticality::Medium),
        ("low", Criticality::Low),
    ];
}

/// The unit of work. What few tasks say is in [`TaskMore`], and is read and written as if it
/// stood here.
#[derive(Clone, Debug, Default)]
pub struct Task {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub phase: Option<PhaseId>,
    /// The workflow it belongs to; absent for `main`.
    pub workflow: Option<WorkflowId>,
    /// Absent when nobody is named; then `local` does it, if it has a program.
    pub by: Option<Spanned<By>>,
    pub needs: Vec<Need>,
    pub takes: Option<Spanned<Estimate>>,
    pub run: Option<Program>,
    pub steps: Vec<String>,
    pub writes: Vec<Spanned<Glob>>,
    pub uses: Vec<Uses>,
    pub priority: Priority,
    pub idempotent: bool,
    pub on_fail: OnFail,
    pub(crate) more: Option<Box<TaskMore>>,
}

/// Fields that most tasks do not have: a hundred thousand tasks do not pay for them.
#[derive(Clone, Debug, Default)]
pub struct TaskMore {
    /// The values of its `each` variables, when it was written once for many.
    pub each: Vec<(String, String)>,
    pub wants: Vec<Want>,
    /// Agents' artifacts that this task needs: `needs backend.api`.
    pub needs_artifacts: Vec<NeedArtifact>,
    pub when: Option<Spanned<Expr>>,
    pub reads: Vec<Spanned<Glob>>,
    pub produces: Vec<Artifact>,
    pub deadline: Option<Spanned<Moment>>,
    pub due: Option<Spanned<Due>>,
    pub criticality: Option<Spanned<Criticality>>,
    pub requires: Vec<Spanned<GateId>>,
    pub ensures: Vec<Spanned<GateId>>,
    pub approvals: Vec<Approval>,
    pub timeout_ms: Option<Spanned<i64>>,
    pub retry: Option<Retry>,
    pub env: Vec<(String, Template)>,
    pub dir: Option<Spanned<String>>,
    /// What `on fail` does beyond that: a ladder, a reassignment.
    pub on_fail_do: Option<Chain>,
    /// The prompt of an agent that is asked.
    pub ask: Option<Spanned<Template>>,
    pub call: Option<Call>,
    pub undo: Option<Program>,
    pub handoff: Option<Spanned<HandoffId>>,
    pub domain: Option<Spanned<DomainId>>,
    pub secrets: Vec<Spanned<SecretId>>,
    /// Works in a git worktree of its own.
    pub isolate: bool,
    pub meta: Vec<(String, String)>,
    /// May be done outside of working hours.
    pub after_hours: bool,
}

static NOTHING_MORE: LazyLock<TaskMore> = LazyLock::new(TaskMore::default);

impl Deref for Task {
    type Target = TaskMore;

    fn deref(&self) -> &TaskMore {
        self.more.as_deref().unwrap_or(&NOTHING_MORE)
    }
}

impl DerefMut for Task {
    fn deref_mut(&mut self) -> &mut TaskMore {
        self.more.get_or_insert_default()
    }
}

/// `needs agent.artifact`.
#[derive(Clone, Debug)]
pub struct NeedArtifact {
    pub agent: AgentId,
    pub artifact: String,
    /// The task that makes it, when one does.
    pub producer: Option<TaskId>,
    pub span: Span,
}

/// `uses RESOURCE [N]`.
#[derive(Clone, Debug)]
pub struct Uses {
    pub resource: ResourceId,
    pub amount: u32,
    pub span: Span,
}
