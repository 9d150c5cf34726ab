//! The rules of a frozen plan: what applies beside the work.
//!
//! The same as the model's, without spans, with parameters filled in and agents as ids.

pub use coord_lang::model::{Ending, Period, Role, Spends};

use crate::plan::{Approval, Check, Plan, Program};
use coord_lang::expr::{Comparison, Expr, Value};
use coord_lang::ids::{
    AgentId, BudgetId, ChannelId, ConflictId, DomainId, EscalationId, GateId, HandoffId,
    IncidentId, MetricId, ModeId, NodeId, RecurringId, ResourceId, Table, TemplateId, WorkflowId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything beside the work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rules {
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub escalations: Table<EscalationId, Escalation>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub conflicts: Table<ConflictId, Conflict>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub domains: Table<DomainId, Domain>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub handoffs: Table<HandoffId, Handoff>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub incidents: Table<IncidentId, Incident>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub modes: Table<ModeId, Mode>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub recurring: Table<RecurringId, Recurring>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub channels: Table<ChannelId, Channel>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub templates: Table<TemplateId, Page>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub metrics: Table<MetricId, Metric>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
    /// What attempts may use up.
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub budgets: Table<BudgetId, Budget>,
    /// The folder of the living file tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl Rules {
    pub fn is_empty(&self) -> bool {
        *self == Rules::default()
    }
}

/// Who is asked, told or obeyed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    pub agents: Vec<AgentId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Anybody that the project declares.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Notify {
        who: Party,
        via: Option<ChannelId>,
    },
    Escalate {
        to: EscalationId,
        level: Option<u32>,
    },
    Retry(Option<u32>),
    Reassign(Option<AgentId>),
    Isolate,
    Redistribute,
    Recover(Program),
    Rollback,
    Start {
        workflow: WorkflowId,
        arguments: Vec<(String, String)>,
    },
    Halt,
    Enter(ModeId),
    Leave(ModeId),
    SetPriority(u8),
    Record(String),
    Fail,
    Skip,
    Proceed,
    Warn,
    Continue,
}

/// Actions in the order in which they are tried: each is for when the one before cannot be done.
pub type Chain = Vec<Action>;

/// What attempts may use up before somebody allows more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// Whose attempts; None: those of everybody together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    pub of: Spends,
    /// Tokens, milliseconds, or thousandths of the currency.
    pub most: i64,
    /// What is done once it is spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Chain,
}

impl Budget {
    /// "tokens of core", "USD of the run".
    pub fn title(&self, plan: &Plan) -> String {
        let whose = match self.agent {
            Some(agent) => plan.agents[agent].name.as_str(),
            None => "the run",
        };
        format!("{} of {whose}", self.of.name())
    }

    /// An amount of it in words: "1200 tokens", "2.5 USD", "1h 30m".
    pub fn amount(&self, n: i64) -> String {
        match &self.of {
            Spends::Tokens => format!("{n} tokens"),
            Spends::Time => time(n),
            Spends::Cost(currency) => {
                let thousandths = format!("{:03}", n % 1000);
                let decimals = thousandths.trim_end_matches('0');
                let point = if decimals.is_empty() { "" } else { "." };
                format!("{}{point}{decimals} {currency}", n / 1000)
            }
        }
    }
}

fn time(ms: i64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let part = |n: i64, unit: &str| (n > 0).then(|| format!("{n}{unit}"));
    let parts = [part(hours, "h"), part(minutes, "m"), part(seconds, "s")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => format!("{}.{:03}s", ms / 1000, ms % 1000),
        false => parts.join(" "),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Escalation {
    pub name: String,
    pub title: Option<String>,
    pub levels: Vec<Level>,
    pub sla_ms: Option<i64>,
    pub otherwise: Ending,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    pub name: String,
    pub title: Option<String>,
    pub by: Party,
    pub quorum: u32,
    pub within_ms: Option<i64>,
    pub actions: Vec<Chain>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    pub kind: String,
    pub title: Option<String>,
    pub owner: Option<Party>,
    pub reviewers: Option<Party>,
    pub consensus: Option<u32>,
    pub decide: Option<Decision>,
    pub levels: Vec<Level>,
    pub escalate_after_ms: Option<i64>,
    pub escalate_to: Option<EscalationId>,
    pub otherwise: Ending,
    pub actions: Vec<Chain>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    pub by: Party,
    pub within_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Domain {
    pub name: String,
    pub title: Option<String>,
    pub lead: Option<Party>,
    pub support: Option<Party>,
    pub reviewers: Option<Party>,
    pub approvals: Vec<Approval>,
    pub may_halt: Option<Party>,
    pub paths: Vec<String>,
    pub record: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handoff {
    pub name: String,
    pub title: Option<String>,
    /// What is confirmed, and by whom: true for the receiver.
    pub requires: Vec<(String, bool)>,
    pub checks: Vec<Check>,
    /// Names and types of the values that the giver fills in; true for any number of them.
    pub fields: Vec<(String, String, bool)>,
    pub accept_within_ms: Option<i64>,
    pub accept_otherwise: Chain,
    pub format: Option<TemplateId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    pub name: String,
    pub title: Option<String>,
    /// 0 is the most urgent.
    pub priority: u8,
    /// On the clock or in working time.
    pub respond: Option<crate::plan::Span>,
    pub declare: Option<Party>,
    pub lead: Option<Party>,
    pub requires: Option<Party>,
    /// What has to be confirmed before it is closed; by its lead when absent.
    pub confirms: Vec<(String, Option<Party>)>,
    pub start: Option<WorkflowId>,
    /// Its work takes what it needs from work that is less urgent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preempts: bool,
    pub actions: Vec<Chain>,
}

/// What a reaction waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    TaskFailed(Option<NodeId>),
    TaskBlocked(Option<NodeId>),
    TaskLate(Option<NodeId>),
    TaskStalled(Option<NodeId>),
    TaskCompleted(Option<NodeId>),
    AgentFailed(Option<AgentId>),
    AgentBlocked(Option<AgentId>),
    ConflictOpen(Option<ConflictId>),
    GateFailed(Option<GateId>),
    ApprovalWaiting,
    IncidentOpen(Option<IncidentId>),
    ResourceExhausted(Option<ResourceId>),
    EscalationOpen(Option<EscalationId>),
    RunStarted,
    RunFinished,
    ChangeMade(Vec<String>),
    Metric {
        metric: MetricId,
        op: Comparison,
        value: Value,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    pub on: Happening,
    pub for_ms: Option<i64>,
    pub when: Option<Expr>,
    pub because: Option<String>,
    pub actions: Vec<Chain>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mode {
    pub name: String,
    pub title: Option<String>,
    pub enter: Vec<Program>,
    pub exit: Vec<Program>,
    pub restart: Option<u32>,
    pub cancels: bool,
}

/// Again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Every {
    pub period: Period,
    /// Seconds of the day and an IANA name.
    pub at: Option<(u32, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recurring {
    pub name: String,
    pub title: Option<String>,
    pub every: Option<Every>,
    pub participants: Vec<AgentId>,
    pub requires: Vec<crate::plan::Requirement>,
    pub agenda: Vec<String>,
    pub within: Option<crate::plan::Limit>,
    pub via: Option<ChannelId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    pub name: String,
    pub title: Option<String>,
    pub target: Target,
    pub every: Option<Every>,
    pub format: Option<TemplateId>,
    pub reply_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    File(String),
    Http(String),
    Stdout,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    pub name: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    pub name: String,
    pub title: Option<String>,
    pub target: Option<Goal>,
    pub from: MetricSource,
    pub unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    Compared { op: Comparison, value: Value },
    Between { low: Value, high: Value },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricSource {
    /// By its name in the language: `task.on-time`.
    Builtin(String),
    Run(Program),
    /// Said by one of these; empty: by anybody.
    Person(Vec<AgentId>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expect {
    pub title: String,
    pub claim: Claim,
    /// In ms from the origin.
    pub by_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    Measure {
        of: Measured,
        op: Comparison,
        value: Value,
    },
    Condition(Expr),
    Metric {
        metric: MetricId,
        op: Comparison,
        value: Value,
    },
    Person,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    Finish,
    Percentile(u8),
    CriticalPath,
    LowerBound,
    Load(AgentId),
    Slack(NodeId),
    EndOf(NodeId),
}
