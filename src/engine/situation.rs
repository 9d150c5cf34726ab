//! Situations: what asks people beside the work. A ladder, a conflict, an incident, a handoff.

use coord_lang::ids::{
    AgentId, BudgetId, ConflictId, EscalationId, GateId, HandoffId, Id, IncidentId, MetricId,
    NodeId, ResourceId,
};
use serde::{Deserialize, Serialize};

use crate::gate_run::GateRunId;
use crate::item::{Asking, ItemId, Verdict};
use crate::timers::RuleTimer;

/// Dense, in order of opening, from 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SituationId(pub u32);

impl Id for SituationId {
    fn from_index(index: usize) -> Self {
        SituationId(index as u32 + 1)
    }
    fn index(self) -> usize {
        self.0.wrapping_sub(1) as usize
    }
}

/// Which rule of the plan it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    Escalation(EscalationId),
    Conflict(ConflictId),
    Incident(IncidentId),
    Handoff(HandoffId),
}

/// A time limit or a gate whose consequence waits for a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pending {
    Need { node: NodeId, need: u32 },
    Item(ItemId),
    Sync(NodeId),
    Gate(GateRunId),
    Budget(BudgetId),
}

/// What a situation, or something that is done, is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The giver's work, of a handoff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub giver: Option<NodeId>,
    /// The work that it waits for, of a conflict that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<NodeId>,
    /// Those it concerns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricId>,
    /// What it came out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub situation: Option<SituationId>,
    /// What its answer settles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// How it came to an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub how: How,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who takes over, of a reassignment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<AgentId>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Decided; nothing more is done.
    Settled,
    /// What failed or is late is accepted: the work goes on without it.
    Accepted,
    Retry,
    Skip,
    Reassign,
    Abort,
    /// Nobody answered in time.
    Exhausted,
    /// What it was about is over.
    Withdrawn,
}

impl How {
    /// The word of listings.
    pub fn name(self) -> &'static str {
        match self {
            How::Settled => "settled",
            How::Accepted => "accepted",
            How::Retry => "retry",
            How::Skip => "skip",
            How::Reassign => "reassign",
            How::Abort => "abort",
            How::Exhausted => "unanswered",
            How::Withdrawn => "withdrawn",
        }
    }

    /// True when the work goes on with what was given.
    pub fn accepts(self) -> bool {
        matches!(
            self,
            How::Settled | How::Accepted | How::Skip | How::Reassign
        )
    }

    /// What an answer to a decision means.
    pub(crate) fn of_verdict(verdict: Verdict) -> How {
        match verdict {
            Verdict::Done | Verdict::Approve => How::Settled,
            Verdict::Accept => How::Accepted,
            Verdict::Retry => How::Retry,
            Verdict::Skip => How::Skip,
            Verdict::Reassign => How::Reassign,
            Verdict::Abort | Verdict::Reject | Verdict::Fail => How::Abort,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    pub of: Of,
    pub about: About,
    /// Who raised it; None: a rule did.
    pub by: Option<String>,
    pub note: String,
    pub opened_ms: i64,
    /// The rung that is open.
    pub level: Option<u32>,
    pub level_since_ms: i64,
    /// The questions of this stage.
    pub asking: Asking,
    /// The ladder that it was passed on to.
    pub passed_on: Option<SituationId>,
    pub closed: Option<(i64, Resolution)>,

    /// The first rung.
    pub(crate) start: u32,
    /// How far an incident has come: 0 answering, 1 resolving.
    pub(crate) stage: u32,
    /// How many of the stage's questions were settled or ran out of time.
    pub(crate) over: u32,
    /// The rung ran out of time.
    pub(crate) expired: bool,
    /// Its `escalate after`, or its whole time, has passed.
    pub(crate) overdue: bool,
    pub(crate) decided: Option<Resolution>,
    pub(crate) leftovers: Vec<ItemId>,
    pub(crate) timers: Vec<(i64, RuleTimer)>,
}

impl Situation {
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}
