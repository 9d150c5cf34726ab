//! Duties: actions of rules that are to be carried out, each with what it is about.

use coord_lang::ids::{
    BudgetId, ConflictId, EscalationId, GateId, HandoffId, IncidentId, ModeId, NodeId,
};
use coord_plan::plan::Plan;
use coord_plan::rules::{Action, Chain};
use serde::{Deserialize, Serialize};

use crate::item::{Ask, ItemId};
use crate::situation::About;
use crate::state::State;

/// Dense, in order of coming up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DutyId(pub u32);

/// Where in the plan its actions stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    Reaction(u32),
    EscalationLevel(EscalationId, u32),
    ConflictLevel(ConflictId, u32),
    Conflict(ConflictId),
    Incident(IncidentId),
    Need(NodeId, u32),
    Sync(NodeId),
    /// The limit of an approval.
    Item(ItemId),
    /// The receiver of a handoff does not accept in time.
    Handoff(HandoffId),
    Gate(GateId),
    Task(NodeId),
    Budget(BudgetId),
    Mode {
        mode: ModeId,
        entered: bool,
    },
    /// What is done about a failed agent where no rule says so.
    Failover,
}

/// Isolate it, and give its work to others.
static FAILOVER: [Action; 2] = [Action::Isolate, Action::Redistribute];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DutyStage {
    Due,
    /// The host runs program number so many of it.
    AtWork(u32),
    /// Program number so many ended well.
    Helped(u32),
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Duty {
    pub(crate) source: Source,
    /// Which of the source's chains.
    pub(crate) chain: u32,
    /// Which action of the chain.
    pub(crate) step: u32,
    pub(crate) stage: DutyStage,
    pub(crate) about: About,
    /// Why its program failed.
    pub(crate) failure: String,
}

impl State {
    /// How many chains a source has.
    pub(crate) fn chain_count(&self, plan: &Plan, source: Source) -> u32 {
        let mut count = 0;
        while self.chain(plan, source, count).is_some() {
            count += 1;
        }
        count
    }

    /// Chain number `n` of a source; empty ones are none.
    pub(crate) fn chain<'p>(&self, plan: &'p Plan, source: Source, n: u32) -> Option<&'p [Action]> {
        let rules = &plan.rules;
        let one = |chain: &'p Chain| (n == 0).then_some(chain.as_slice());
        let nth = |chains: &'p [Chain]| chains.get(n as usize).map(Vec::as_slice);
        let found = match source {
            Source::Reaction(i) => nth(&rules.reactions.get(i as usize)?.actions),
            Source::EscalationLevel(id, level) => {
                nth(&rules.escalations[id].levels.get(level as usize)?.actions)
            }
            Source::ConflictLevel(id, level) => {
                nth(&rules.conflicts[id].levels.get(level as usize)?.actions)
            }
            Source::Conflict(id) => nth(&rules.conflicts[id].actions),
            Source::Incident(id) => nth(&rules.incidents[id].actions),
            Source::Need(node, need) => {
                one(&plan.nodes[node].needs[need as usize].within.as_ref()?.also)
            }
            Source::Sync(node) => match &plan.nodes[node].kind {
                coord_plan::plan::NodeKind::Sync(sync) => one(&sync.within.as_ref()?.also),
                _ => None,
            },
            Source::Item(item) => one(&self.limit_of_item(plan, item)?.also),
            Source::Handoff(id) => one(&rules.handoffs[id].accept_otherwise),
            Source::Gate(gate) => one(&plan.gates[gate].on_fail_do),
            Source::Task(node) => one(&plan.task(node)?.more.as_ref()?.on_fail),
            Source::Budget(id) => one(&rules.budgets[id].otherwise),
            Source::Failover => FAILOVER.chunks(1).nth(n as usize),
            // its programs are no actions
            Source::Mode { .. } => None,
        };
        found.filter(|chain| !chain.is_empty())
    }

    /// The limit of an approval, wherever it stands.
    pub(crate) fn limit_of_item<'p>(
        &self,
        plan: &'p Plan,
        item: ItemId,
    ) -> Option<&'p coord_plan::plan::Limit> {
        let item = self.items.get(item)?;
        let approval = match item.ask {
            Ask::Approve {
                gate: Some(run),
                approval,
            } => &plan.gates[self.gate_runs[run].gate].approvals[approval as usize],
            Ask::Approve {
                gate: None,
                approval,
            } => &plan.task(item.node?)?.approvals[approval as usize],
            Ask::Work
            | Ask::Confirm { .. }
            | Ask::Require { .. }
            | Ask::Doubt
            | Ask::Situation { .. }
            | Ask::Report { .. }
            | Ask::Undo
            | Ask::Budget { .. } => return None,
        };
        approval.within.as_ref()
    }
}

/// True when a chain ends with people who decide what becomes of it.
pub(crate) fn escalates(chain: &[Action]) -> bool {
    chain
        .iter()
        .any(|action| matches!(action, Action::Escalate { .. }))
}
