//! One use of a gate: bound to the node it guards and to the attempt it judges.

use coord_lang::ids::{GateId, NodeId};
use serde::{Deserialize, Serialize};

use crate::item::{Asking, ItemId};

/// Dense, in order of opening.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct GateRunId(pub u32);

coord_lang::counts_from_zero!(GateRunId);

/// One run of one check. A result that names an older round is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckId {
    pub gate: GateRunId,
    pub check: u32,
    /// From 1; grows when a gate with `on fail retry` starts over.
    pub round: u32,
}

/// Which side of the work the gate stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// `requires`: before the task is assigned.
    Before,
    /// `ensures`: after a successful attempt.
    After,
    /// A gate of a sync.
    Sync,
}

/// Where a gate's use is. Checks go one after the other in written order, so that people are not
/// asked about what a program has already found wanting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateStage {
    /// Check number `check` is next.
    CheckDue,
    CheckAtWork,
    CheckAsked(ItemId),
    CheckFailed,
    /// All checks passed; its approvals are asked for.
    Approving,
    /// A check failed, and a ladder is to decide.
    Held,
    /// The ladder lets it go ahead.
    Overruled,
    Passed,
    /// Went ahead in spite of a failed check.
    Warned,
    Failed,
    /// What it guarded ended another way.
    Dropped,
}

/// Who finds out about a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Due {
    /// The machine: it is a condition.
    Machine,
    Person,
    /// The host: a program is run, a file is looked for.
    Host,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    pub check: u32,
    pub round: u32,
    pub passed: bool,
    pub evidence: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRun {
    pub node: NodeId,
    pub gate: GateId,
    pub place: Place,
    pub attempt: u32,
    pub round: u32,
    pub check: u32,
    pub stage: GateStage,
    /// Who finds out about the check that is due.
    pub due: Due,
    /// How many approvals the gate asks for after its checks.
    pub approvals: u32,
    pub asking: Asking,
    pub results: Vec<CheckResult>,
}

impl GateRun {
    pub(crate) fn new(node: NodeId, gate: GateId, place: Place, attempt: u32) -> Self {
        GateRun {
            node,
            gate,
            place,
            attempt,
            round: 1,
            check: 0,
            stage: GateStage::CheckDue,
            due: Due::Host,
            approvals: 0,
            asking: Asking::default(),
            results: Vec::new(),
        }
    }

    /// The name of the check that is next, at work or just ended.
    pub fn current(&self, id: GateRunId) -> CheckId {
        CheckId {
            gate: id,
            check: self.check,
            round: self.round,
        }
    }

    /// The item of the check that a person confirms now.
    pub fn asked_check(&self) -> Option<ItemId> {
        match self.stage {
            GateStage::CheckAsked(item) => Some(item),
            GateStage::CheckDue
            | GateStage::CheckAtWork
            | GateStage::CheckFailed
            | GateStage::Held
            | GateStage::Overruled
            | GateStage::Approving
            | GateStage::Passed
            | GateStage::Warned
            | GateStage::Failed
            | GateStage::Dropped => None,
        }
    }

    /// True while it still has something to find out.
    pub fn is_open(&self) -> bool {
        match self.stage {
            GateStage::CheckDue
            | GateStage::CheckAtWork
            | GateStage::CheckAsked(_)
            | GateStage::CheckFailed
            | GateStage::Held
            | GateStage::Overruled
            | GateStage::Approving => true,
            GateStage::Passed | GateStage::Warned | GateStage::Failed | GateStage::Dropped => false,
        }
    }
}
