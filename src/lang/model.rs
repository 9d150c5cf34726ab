//! The checked meaning of a project: what the text declares, with names resolved to ids.
//!
//! Spans stay with the values, so that later phases can point at what they judge. A model may be
//! built from text with errors in it; what could not be understood is simply absent, and the
//! diagnostics say why.

use crate::expr::Expr;
use crate::glob::Glob;
use crate::ids::{
    AgentId, GateId, GroupId, MilestoneId, ParamId, PhaseId, ResourceId, SyncId, Table, TaskId,
};
use crate::source::{Span, Spanned};
use crate::time::{Estimate, Moment};

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
    pub meta: Vec<(String, String)>,
    /// Most tasks at work at once.
    pub parallel: Option<Spanned<u32>>,
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
}

/// How an agent is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Driver {
    #[default]
    Shell,
    Human,
}

/// Anything that acts: `agent` or `human`.
#[derive(Clone, Debug)]
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
    /// Tasks at work at once.
    pub capacity: u32,
    pub driver: Driver,
    pub env: Vec<(String, String)>,
    pub meta: Vec<(String, String)>,
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

#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Gate {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub checks: Vec<Check>,
    pub approvals: Vec<Approval>,
    pub on_fail: GateFailure,
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

#[derive(Clone, Debug)]
pub struct Phase {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    /// Absent: after the phase written before it.
    pub after: Option<Spanned<After>>,
    pub weeks: Option<Spanned<Weeks>>,
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
#[derive(Clone, Debug)]
pub struct Sync {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub phase: Option<PhaseId>,
    pub participants: Vec<AgentId>,
    pub requires: Vec<Requirement>,
    pub gates: Vec<Spanned<GateId>>,
    pub agenda: Vec<String>,
    pub within: Option<Limit>,
}

/// `require "…" [by WHO]`: something that a person confirms.
#[derive(Clone, Debug)]
pub struct Requirement {
    pub text: Spanned<String>,
    /// Who may confirm; the participants when empty.
    pub by: Vec<AgentId>,
}

#[derive(Clone, Debug)]
pub struct Milestone {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
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
    /// More than one for `needs any of […]`.
    pub any_of: Vec<WorkRef>,
    pub wanted: Wanted,
    pub within: Option<Limit>,
    pub span: Span,
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

/// The unit of work.
#[derive(Clone, Debug)]
pub struct Task {
    pub name: Spanned<String>,
    pub title: Option<String>,
    pub doc: String,
    pub phase: Option<PhaseId>,
    /// Absent when nobody is named; then `local` does it, if it has a program.
    pub by: Option<Spanned<By>>,
    pub needs: Vec<Need>,
    pub wants: Vec<Want>,
    /// Agents' artifacts that this task needs: `needs backend.api`.
    pub needs_artifacts: Vec<NeedArtifact>,
    pub when: Option<Spanned<Expr>>,
    pub takes: Option<Spanned<Estimate>>,
    pub run: Option<Program>,
    pub steps: Vec<String>,
    pub writes: Vec<Spanned<Glob>>,
    pub reads: Vec<Spanned<Glob>>,
    pub produces: Vec<Artifact>,
    pub uses: Vec<Uses>,
    pub priority: Priority,
    pub deadline: Option<Spanned<Moment>>,
    pub due: Option<Spanned<Due>>,
    pub criticality: Option<Spanned<Criticality>>,
    pub requires: Vec<Spanned<GateId>>,
    pub ensures: Vec<Spanned<GateId>>,
    pub approvals: Vec<Approval>,
    pub timeout_ms: Option<Spanned<i64>>,
    pub retry: Option<Retry>,
    pub idempotent: bool,
    pub env: Vec<(String, Template)>,
    pub dir: Option<Spanned<String>>,
    pub on_fail: OnFail,
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
