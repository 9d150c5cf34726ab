//! What people are asked: one item in an inbox per question.

use coord_lang::ids::{AgentId, BudgetId, Id, NodeId, RecurringId};
use serde::{Deserialize, Serialize};

use crate::gate_run::GateRunId;
use crate::situation::SituationId;
use crate::subject::Subject;

/// Dense, in order of opening, from 1: people read these numbers out to each other.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ItemId(pub u32);

impl Id for ItemId {
    fn from_index(index: usize) -> Self {
        ItemId(index as u32 + 1)
    }
    /// An index past every table for the number 0, which no item has.
    fn index(self) -> usize {
        self.0.wrapping_sub(1) as usize
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Do the task.
    #[default]
    Work,
    /// Confirm check `check` of a gate.
    Confirm { gate: GateRunId, check: u32 },
    /// Approve what the task did (`gate` None) or what a gate guards.
    Approve {
        gate: Option<GateRunId>,
        approval: u32,
    },
    /// Confirm requirement number `requirement` of a sync.
    Require { requirement: u32 },
    /// Say what became of an attempt that was cut off.
    Doubt,
    /// Answer in a situation.
    Situation { situation: SituationId, part: Part },
    /// Confirm requirement number `requirement` of a sync that comes again and again.
    Report { sync: RecurringId, requirement: u32 },
    /// An undo failed: say what becomes of it.
    Undo,
    /// A budget is spent: may as much again be used?
    Budget { budget: BudgetId },
}

/// What somebody has to do in a situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Decide on rung number so many.
    Level(u32),
    /// Decide a conflict that has no rungs.
    Decide,
    /// Say what one thinks of a conflict; whoever decides need not wait for it.
    View,
    /// Be there, in an incident.
    Respond,
    /// Confirm line number so many before an incident is closed.
    Confirm(u32),
    /// Confirm line number so many of a handoff, as its giver or its receiver.
    Give(u32),
    /// Accept a handoff, or ask back.
    Accept,
}

impl Ask {
    pub fn name(self) -> &'static str {
        match self {
            Ask::Work => "work",
            Ask::Confirm { .. } => "confirm",
            Ask::Approve { .. } => "approve",
            Ask::Require { .. } => "require",
            Ask::Doubt => "doubt",
            Ask::Situation { part, .. } => match part {
                Part::Level(_) | Part::Decide => "decide",
                Part::View => "view",
                Part::Respond => "respond",
                Part::Confirm(_) | Part::Give(_) => "confirm",
                Part::Accept => "accept",
            },
            Ask::Report { .. } => "report",
            Ask::Undo => "undo",
            Ask::Budget { .. } => "budget",
        }
    }

    /// True when `verdict` answers this question.
    pub fn takes(self, verdict: Verdict) -> bool {
        match self {
            Ask::Work => matches!(verdict, Verdict::Done | Verdict::Reject | Verdict::Fail),
            Ask::Confirm { .. } | Ask::Require { .. } | Ask::Approve { .. } => {
                matches!(verdict, Verdict::Done | Verdict::Approve | Verdict::Reject)
            }
            Ask::Doubt | Ask::Undo => matches!(
                verdict,
                Verdict::Done | Verdict::Retry | Verdict::Skip | Verdict::Fail | Verdict::Reject
            ),
            Ask::Situation { part, .. } => part.takes(verdict),
            Ask::Report { .. } => matches!(verdict, Verdict::Done | Verdict::Approve),
            Ask::Budget { .. } => matches!(
                verdict,
                Verdict::Done
                    | Verdict::Approve
                    | Verdict::Accept
                    | Verdict::Retry
                    | Verdict::Reject
                    | Verdict::Fail
            ),
        }
    }
}

impl Part {
    fn takes(self, verdict: Verdict) -> bool {
        match self {
            Part::Level(_) | Part::Decide => true,
            Part::View | Part::Accept => matches!(
                verdict,
                Verdict::Done | Verdict::Approve | Verdict::Accept | Verdict::Reject
            ),
            Part::Respond | Part::Confirm(_) | Part::Give(_) => {
                matches!(verdict, Verdict::Done | Verdict::Approve | Verdict::Accept)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Done,
    Approve,
    Reject,
    Retry,
    Skip,
    Fail,
    /// It goes on as it is.
    Accept,
    /// Somebody else is to do it.
    Reassign,
    Abort,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Done => "done",
            Verdict::Approve => "approve",
            Verdict::Reject => "reject",
            Verdict::Retry => "retry",
            Verdict::Skip => "skip",
            Verdict::Fail => "fail",
            Verdict::Accept => "accept",
            Verdict::Reassign => "reassign",
            Verdict::Abort => "abort",
        }
    }

    /// True for a yes to a question that has only yes and no.
    pub fn agrees(self) -> bool {
        match self {
            Verdict::Done | Verdict::Approve | Verdict::Accept => true,
            Verdict::Reject
            | Verdict::Retry
            | Verdict::Skip
            | Verdict::Fail
            | Verdict::Reassign
            | Verdict::Abort => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub at_ms: i64,
    /// None: whoever sat at the terminal.
    pub by: Option<String>,
    pub verdict: Verdict,
    /// Whom a reassignment names.
    pub to: Option<AgentId>,
    pub note: String,
}

/// Why an item is no longer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    Answered,
    /// Its time limit passed.
    Expired,
    /// What it asked about has ended another way.
    Withdrawn,
    /// What it asked about has changed; it is asked again.
    Voided,
}

impl Closed {
    pub fn name(self) -> &'static str {
        match self {
            Closed::Answered => "answered",
            Closed::Expired => "expired",
            Closed::Withdrawn => "withdrawn",
            Closed::Voided => "voided",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub ask: Ask,
    /// The work that it is about; None in a situation that is about none.
    pub node: Option<NodeId>,
    /// The attempt that the question is about; 0 before the first.
    pub attempt: u32,
    /// Who may answer; empty: anybody.
    pub of: Vec<AgentId>,
    /// Distinct people whose yes is needed.
    pub quorum: u32,
    pub opened_ms: i64,
    pub due_ms: Option<i64>,
    pub answers: Vec<Answer>,
    /// What a yes is given for, where that is bound.
    pub subject: Option<Box<Subject>>,
    /// What has changed since it was asked before.
    pub changed: Vec<String>,
    pub closed: Option<Closed>,
}

impl Item {
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// The answer that decided, once there is one.
    pub fn deciding(&self) -> Option<&Answer> {
        self.answers
            .last()
            .filter(|_| self.closed == Some(Closed::Answered))
    }

    /// True when `answer`, given next, settles the question.
    pub(crate) fn decided_by(&self, verdict: Verdict) -> bool {
        match self.ask {
            Ask::Approve { .. } => {
                !verdict.agrees() || self.answers.len() as u32 + 1 >= self.quorum.max(1)
            }
            // so many have to say the same
            Ask::Situation { .. } => {
                let same = self.answers.iter().filter(|a| a.verdict == verdict).count();
                same as u32 + 1 >= self.quorum.max(1)
            }
            Ask::Work
            | Ask::Confirm { .. }
            | Ask::Require { .. }
            | Ask::Doubt
            | Ask::Report { .. }
            | Ask::Undo
            | Ask::Budget { .. } => true,
        }
    }
}

/// How far a row of questions (approvals, requirements) has come. Questions are opened in
/// written order, all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// How many have been opened.
    pub asked: u32,
    /// How many have come to a yes, or were let go by their limit.
    pub settled: u32,
    /// The one that came to a no.
    pub rejected: Option<ItemId>,
    /// The one that was answered last.
    pub answered: Option<ItemId>,
    /// Those still open.
    pub open: Vec<ItemId>,
}
