//! The frozen plan: what a run is pinned to.
//!
//! A [`Plan`] is a model with its parameters filled in, its structure turned into nodes and
//! needs, and nothing left to decide. It is acyclic and complete; the same model gives the same
//! plan in the same order. It carries names, never spans. Its JSON is the compiled form
//! (`"ir": 1`) that a journal keeps.
//!
//! Nodes come in this order: every task (so a task's [`TaskId`] and its [`NodeId`] have the same
//! number), then syncs, milestones and joins.

use crate::calendar::Hours;
use crate::rules::{Chain, Every, Rules};
use coord_lang::expr::Expr;
use coord_lang::ids::{
    AgentId, DomainId, GateId, HandoffId, NodeId, ParamId, PhaseId, ResourceId, Table, TaskId,
    WorkflowId,
};
use coord_lang::time::Effort;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the compiled form.
pub const IR: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub ir: u32,
    pub project: String,
    pub title: Option<String>,
    /// The instant that every time of a schedule counts from, in ms since 1970 UTC. None when
    /// the project does not say when it starts.
    pub origin_ms: Option<i64>,
    pub timezone: String,
    /// When work is done.
    #[serde(default, skip_serializing_if = "Hours::is_default")]
    pub hours: Hours,
    /// Most tasks at work at once; None leaves it to the machine.
    pub parallel: Option<u32>,
    /// A failed task stops the run from starting more.
    pub stop_on_failure: bool,
    pub agents: Table<AgentId, Agent>,
    pub resources: Table<ResourceId, Resource>,
    pub gates: Table<GateId, Gate>,
    pub phases: Table<PhaseId, Phase>,
    pub nodes: Table<NodeId, Node>,
    /// A topological order of all nodes.
    pub order: Vec<NodeId>,
    /// The procedures beside `main`.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub workflows: Table<WorkflowId, Workflow>,
    /// The workflow that a run of this plan is about; absent for `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<WorkflowId>,
    /// Where the values of its secrets are; never what they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// What applies beside the work.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
}

/// A value that programs get and nobody is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Secret {
    pub name: String,
    pub from: SecretSource,
}

/// Where a secret is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// A variable of coord's own environment.
    Env(String),
    /// A file; relative to the project's folder.
    File(String),
}

/// A procedure beside `main`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Workflow {
    pub name: String,
    pub title: Option<String>,
    /// Its parameters, with their defaults, in the order of the call.
    pub params: Vec<(String, Option<String>)>,
    /// What conditions call them, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub param_ids: Vec<ParamId>,
    /// When it starts by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
}

impl Plan {
    /// The node of a task.
    pub fn task_node(task: TaskId) -> NodeId {
        NodeId(task.0)
    }

    /// The task of a node, when it is one.
    pub fn task(&self, node: NodeId) -> Option<&Task> {
        match &self.nodes[node].kind {
            NodeKind::Task(task) => Some(task),
            NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
        }
    }

    pub fn task_mut(&mut self, node: NodeId) -> Option<&mut Task> {
        match &mut self.nodes[node].kind {
            NodeKind::Task(task) => Some(task),
            NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
        }
    }

    /// Finds a task, sync or milestone by name; linear.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes
            .iter()
            .find(|(_, n)| n.name == name && n.kind != NodeKind::Join)
            .map(|(id, _)| id)
    }

    /// True for work of the workflow that a run of this plan is about.
    pub fn is_active(&self, node: NodeId) -> bool {
        self.nodes[node].workflow == self.entry
    }

    /// This plan with the work of all other workflows turned into nothing: joins that nobody
    /// needs. Ids stay what they are.
    pub fn active(&self) -> Plan {
        let mut plan = self.clone();
        let entry = plan.entry;
        for (_, node) in plan.nodes.iter_mut() {
            if node.workflow != entry {
                node.kind = NodeKind::Join;
                node.needs.clear();
                node.wants.clear();
                node.not_before_ms = None;
                node.rank_ms = 0;
                node.phase = None;
            }
        }
        plan
    }

    /// The phases of the workflow that a run of this plan is about.
    pub fn active_phases(&self) -> impl Iterator<Item = PhaseId> + '_ {
        let phases = self.phases.iter();
        phases
            .filter(|(_, phase)| phase.workflow == self.entry)
            .map(|(id, _)| id)
    }

    /// All tasks with their nodes.
    pub fn tasks(&self) -> impl Iterator<Item = (NodeId, &Node, &Task)> {
        self.nodes.iter().filter_map(|(id, node)| match &node.kind {
            NodeKind::Task(task) => Some((id, node, &**task)),
            NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    pub name: String,
    pub title: Option<String>,
    pub role: Option<String>,
    /// Tasks at work at once; 0 means as many as this machine has cores (the agent `local`).
    pub capacity: u32,
    pub driver: Driver,
    pub env: Vec<(String, String)>,
    /// The wave of its contracts: 0 needs nobody.
    pub wave: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Box<Profile>>,
}

/// What the brief of an agent and the rules about it need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// Its name and its rank.
    pub tier: Option<(String, u32)>,
    pub focus: Option<String>,
    pub authority: Option<String>,
    pub contact: Option<String>,
    pub does: Vec<String>,
    pub tools: Vec<String>,
    pub owns: Vec<String>,
    /// Those of them that others may write, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<String>,
    /// What is not meant by one of them: the glob of `owns`, and the glob that is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<(String, String)>,
    pub skills: Vec<String>,
    /// Who takes over, in order.
    pub standby: Vec<AgentId>,
    pub secrets: Vec<String>,
    /// What it is asked with over the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Where it answers later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
    /// How it is found out whether it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// When it works, where it says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

/// A secret that requests to an agent carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Auth {
    pub secret: String,
    /// None: `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// Where an agent answers later, signed with a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Callback {
    pub secret: String,
    pub at: String,
}

/// A program that is run again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    pub program: Program,
    pub every_ms: i64,
}

/// How an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    Shell,
    Human,
    Http(String),
    Acp(Vec<String>),
    Mcp { argv: Vec<String>, tool: String },
    McpWeb { url: String, tool: String },
    A2a(String),
    Remote(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// The glob, when this is a write claim.
    pub name: String,
    pub title: Option<String>,
    pub capacity: u32,
    /// True when this stands for write claims that intersect, not for a declared resource.
    #[serde(default)]
    pub claim: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    pub name: String,
    pub title: Option<String>,
    pub checks: Vec<Check>,
    pub approvals: Vec<Approval>,
    pub on_fail: GateFailure,
    /// What is done when it fails, beside that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_fail_do: Chain,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub title: String,
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    Run(Program),
    When(Expr),
    /// Confirmed by one of these; empty: by anybody.
    Person(Vec<AgentId>),
    Exists(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateFailure {
    /// What the gate guards fails.
    Halt,
    /// It goes ahead with a warning.
    Warn,
    /// The checks run again, this many more times.
    Retry(u32),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Distinct people needed.
    pub quorum: u32,
    pub of: Vec<AgentId>,
    pub within: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    pub ms: i64,
    pub otherwise: Otherwise,
    /// What is done beside that: a ladder, a notice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Chain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    Fail,
    Skip,
    Proceed,
    Halt,
    /// People decide: the ladder that `also` opens.
    Escalate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    pub name: String,
    pub title: Option<String>,
    /// Opens when this node passes; None opens at once.
    pub open: Option<NodeId>,
    /// Passes when everything inside ended well and its sync, if it has one, has passed.
    pub end: NodeId,
    /// The window in ms from the origin, when the phase names weeks or days.
    pub window_ms: Option<(i64, Option<i64>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
}

/// One thing that has to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Unique among tasks, syncs and milestones. A join's name is only for people.
    pub name: String,
    pub title: Option<String>,
    pub phase: Option<PhaseId>,
    pub needs: Vec<Need>,
    pub wants: Vec<Want>,
    /// Never starts before, in ms from the origin.
    pub not_before_ms: Option<i64>,
    /// Longest way from its start to the end of everything, in ms of estimates: the larger, the
    /// sooner it is started among equals.
    pub rank_ms: i64,
    /// The workflow it belongs to; absent for `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
    pub kind: NodeKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    Task(Box<Task>),
    Sync(Box<Sync>),
    Milestone(Milestone),
    /// Passes as soon as what it needs has ended well; does nothing.
    Join,
}

/// A dependency: passes when the node (or one of the alternatives) ends as wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Need {
    pub on: NodeId,
    /// The rest of `any of […]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<NodeId>,
    pub wanted: Wanted,
    /// Apart, as few have one and there may be a million needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<Limit>>,
    pub origin: Origin,
}

impl Need {
    /// Every node that can satisfy this.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::once(self.on).chain(self.or.iter().copied())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// Completed, or skipped by its own `when`.
    Done,
    Failed,
    Finished,
    Skipped,
}

/// Where a need comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Written with `needs`.
    Declared,
    /// From `sequence`.
    Sequence,
    /// From the order of phases, or a phase's own barrier.
    Phase,
    /// From an artifact.
    Artifact,
}

/// A dependency that is waited for only so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Want {
    pub on: NodeId,
    pub within_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    pub by: By,
    pub when: Option<Expr>,
    pub estimate: Option<Estimate>,
    pub program: Option<Program>,
    pub steps: Vec<String>,
    pub doc: String,
    pub writes: Vec<String>,
    pub reads: Vec<String>,
    pub produces: Vec<Artifact>,
    /// Artifacts that it gets: (agent.artifact, path).
    pub takes_artifacts: Vec<(String, Option<String>)>,
    pub uses: Vec<(ResourceId, u32)>,
    /// 0 is the most urgent.
    pub priority: u8,
    /// In ms from the origin.
    pub deadline_ms: Option<i64>,
    pub requires: Vec<GateId>,
    pub ensures: Vec<GateId>,
    pub approvals: Vec<Approval>,
    pub timeout_ms: Option<i64>,
    pub retry: Option<Retry>,
    pub idempotent: bool,
    pub env: Vec<(String, String)>,
    pub dir: Option<String>,
    pub on_fail: OnFail,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<TaskRules>>,
}

/// What only some tasks have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TaskRules {
    /// The prompt of an agent that is asked.
    pub ask: Option<String>,
    /// The workflow that does it, and its arguments.
    pub call: Option<(WorkflowId, Vec<(String, String)>)>,
    pub undo: Option<Program>,
    pub handoff: Option<HandoffId>,
    pub domain: Option<DomainId>,
    /// By name.
    pub secrets: Vec<String>,
    pub isolate: bool,
    pub after_hours: bool,
    /// What is done when it fails, beside `on_fail`.
    pub on_fail: Chain,
    /// As it is claimed.
    pub criticality: Option<String>,
}

impl Task {
    /// Work that nothing is said of but who does it.
    pub fn by(by: By) -> Task {
        Task {
            by,
            when: None,
            estimate: None,
            program: None,
            steps: Vec::new(),
            doc: String::new(),
            writes: Vec::new(),
            reads: Vec::new(),
            produces: Vec::new(),
            takes_artifacts: Vec::new(),
            uses: Vec::new(),
            priority: 2,
            deadline_ms: None,
            requires: Vec::new(),
            ensures: Vec::new(),
            approvals: Vec::new(),
            timeout_ms: None,
            retry: None,
            idempotent: false,
            env: Vec::new(),
            dir: None,
            on_fail: OnFail::Block,
            more: None,
        }
    }

    /// True for work in a worktree of its own. What a workflow does is its tasks' affair.
    pub fn works_apart(&self) -> bool {
        let more = self.more.as_ref();
        more.is_some_and(|more| more.isolate && more.call.is_none())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    pub low: Span,
    pub likely: Span,
    pub high: Span,
}

/// An amount of time: on the clock, or of working time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    pub ms: i64,
    /// True: `ms` is working time that the calendar spreads out.
    pub working: bool,
}

impl Span {
    /// Lays a written effort on a working day of `day_ms`.
    pub fn from_effort(effort: Effort, day_ms: i64) -> Span {
        match effort {
            Effort::Elapsed(ms) => Span { ms, working: false },
            Effort::Working(ms) => Span { ms, working: true },
            Effort::WorkingDays(milli) => Span {
                ms: milli.saturating_mul(day_ms) / 1000,
                working: true,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    Argv(Vec<String>),
    Script { language: String, text: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    pub name: String,
    pub title: Option<String>,
    pub path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retry {
    pub times: u32,
    pub every_ms: i64,
    pub factor_milli: i64,
    pub up_to_ms: i64,
    /// Exit codes that are retried; empty with `on_timeout` false: every failure.
    pub on_exit: Vec<i32>,
    pub on_timeout: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFail {
    Block,
    Halt,
    Skip,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sync {
    pub participants: Vec<AgentId>,
    pub requires: Vec<Requirement>,
    pub gates: Vec<GateId>,
    pub agenda: Vec<String>,
    pub within: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    pub text: String,
    /// Who may confirm; empty: anybody.
    pub by: Vec<AgentId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Milestone {
    pub due_ms: Option<i64>,
}
