//! What a yes is given for: approvals, confirmations and the passes of gates are bound to it.
//!
//! The host says what the work of a node consists of: its command, folder, environment, agent,
//! what it takes and, after it was done, what it made. The first answer to that binds the stage
//! (before work, review, or a sync). When a later one differs, everything that people said and
//! gates found at that stage is void: it is asked and checked again, with the difference. A check
//! that itself writes what it looks at would be checked for ever: after `MOST_VOIDED` times in a
//! row, with nothing else at work and without a word from a person, the node fails. The machine computes no digest; it compares
//! those that come in.

use coord_lang::ids::NodeId;
use coord_plan::plan::{NodeKind, Plan};
use serde::{Deserialize, Serialize};

use crate::apply::known;
use crate::event::Fact;
use crate::gate_run::Place;
use crate::item::{Ask, Item, ItemId};
use crate::outcome::{Doom, Ending, FailReason};
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::situation::{Pending, SituationId};
use crate::state::State;
use crate::status::{IllegalTransition, Status};
use crate::turn::Turn;

/// How often in a row what was found may be void before it is given up.
const MOST_VOIDED: u32 = 5;

/// Everything that is hashed, and the digest of all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub digest: String,
    pub parts: Vec<Part>,
}

/// One thing that a yes is given for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// As in `command`, `artifact backend.binary`.
    pub what: String,
    /// What it is, or its digest where that is long or for nobody's eyes.
    pub value: String,
}

impl Subject {
    /// What is different in `now`, a line for each part.
    pub fn changes(&self, now: &Subject) -> Vec<String> {
        let find = |parts: &[Part], what: &str| {
            let mut parts = parts.iter();
            parts.find(|p| p.what == what).map(|p| p.value.clone())
        };
        let mut changes = Vec::new();
        for part in &self.parts {
            let (what, was) = (&part.what, &part.value);
            match find(&now.parts, what) {
                None => changes.push(format!("{what}: was {was}, is gone")),
                Some(is) if is != *was => changes.push(format!("{what}: was {was}, is {is}")),
                Some(_) => {}
            }
        }
        let new = now.parts.iter();
        let new = new.filter(|part| find(&self.parts, &part.what).is_none());
        changes.extend(new.map(|part| format!("{}: is new, {}", part.what, part.value)));
        changes
    }
}

impl State {
    /// Where a yes about `node` can be bound now: the stage that is open, or, of a task that was
    /// let through and is not spawned yet, the one that it has passed.
    pub fn stage(&self, plan: &Plan, node: NodeId) -> Option<Place> {
        let of = &self.nodes[node];
        if of.doom.is_some() {
            return None;
        }
        let passing = of.gate.is_some() || of.requires_passed > 0;
        match of.status {
            Status::Created | Status::Assigned => passing.then_some(Place::Before),
            Status::InProgress => {
                let attempt = of.attempt.as_ref()?;
                let waits = attempt.process.is_none() && attempt.terminating.is_none();
                (passing && waits && of.is_at_work() && of.holds_process).then_some(Place::Before)
            }
            Status::Review => Some(match plan.nodes[node].kind {
                NodeKind::Sync(_) => Place::Sync,
                NodeKind::Task(_) | NodeKind::Milestone(_) | NodeKind::Join => Place::After,
            }),
            Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled
            | Status::InDoubt => None,
        }
    }

    pub(crate) fn on_bound(
        &mut self,
        kind: &'static str,
        node: NodeId,
        subject: &Subject,
    ) -> Result<(), IllegalTransition> {
        known(
            !self.nodes[node].status.is_ended(),
            kind,
            "open node",
            node.0,
        )?;
        self.nodes[node].subject = Some(Box::new(subject.clone()));
        for id in self.items_of(node) {
            let item = &mut self.items[id];
            if item.closed.is_none() && item.is_bound() {
                item.subject = Some(Box::new(subject.clone()));
            }
        }
        Ok(())
    }

    /// What is asked about a node at its stage, with what is still to be withdrawn of the stage
    /// before.
    fn items_of(&self, node: NodeId) -> Vec<ItemId> {
        let of = &self.nodes[node];
        let gate = of.gate.map(|run| &self.gate_runs[run]);
        let asked = gate.and_then(|gate| gate.asked_check());
        let open = gate.map(|gate| &gate.asking.open).into_iter().flatten();
        let open = of.asking.open.iter().chain(open);
        open.chain(&of.leftovers.items)
            .copied()
            .chain(asked)
            .collect()
    }

    /// What was said and found at this stage counts no more.
    pub(crate) fn on_voided(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        node: NodeId,
        subject: Option<&Subject>,
        changed: &[String],
    ) -> Result<(), IllegalTransition> {
        let open = matches!(
            self.nodes[node].status,
            Status::Created | Status::Assigned | Status::Review
        );
        known(open, kind, "open stage of node", node.0)?;
        let alone = self.machine_at_work == 0;
        self.leave_stage(plan, node);
        let state = &mut self.nodes[node];
        match state.status {
            Status::Review => state.ensures_passed = 0,
            _ => state.requires_passed = 0,
        }
        state.subject = subject.cloned().map(Box::new);
        state.changed = changed.to_vec();
        // others at work may have changed it, and will not for ever
        state.voided += u32::from(subject.is_some() && alone);
        if state.voided > MOST_VOIDED {
            let changed = changed.first().map_or("", String::as_str);
            let why = format!(
                "what it was let through for has changed {} times in a row, last {changed}",
                state.voided
            );
            state.doom = Some(Box::new(Doom {
                ending: Ending::Failed(FailReason::Rule { why }),
                halts: false,
            }));
        }
        self.withdraw_pending(plan, node);
        self.refresh(plan, node);
        Ok(())
    }

    /// People were to decide about a limit or a gate of a stage that begins anew.
    fn withdraw_pending(&mut self, plan: &Plan, node: NodeId) {
        let over = |id: &SituationId| {
            let pending = self.situations[*id].about.pending;
            pending
                .is_some_and(|p| !matches!(p, Pending::Need { .. }) && p.node(self) == Some(node))
        };
        let over: Vec<_> = self.open_about(node).filter(over).collect();
        for id in over {
            self.withdraw_situation(plan, id);
        }
    }
}

impl Item {
    /// True for a question whose yes holds only for what it was given for.
    pub fn is_bound(&self) -> bool {
        match self.ask {
            Ask::Approve { .. } | Ask::Confirm { .. } | Ask::Require { .. } => true,
            Ask::Work
            | Ask::Doubt
            | Ask::Situation { .. }
            | Ask::Report { .. }
            | Ask::Undo
            | Ask::Budget { .. } => false,
        }
    }
}

impl Turn<'_> {
    pub(crate) fn take_look(&mut self, node: NodeId, subject: Subject) -> Result<(), Refusal> {
        self.check_open()?;
        if !self.state.has(node) {
            return Err(Refusal::NoSuchNode { node });
        }
        if self.state.stage(self.plan, node).is_none() {
            return Ok(());
        }
        let Some(was) = &self.state.nodes[node].subject else {
            self.rule(RuleFact::ApprovalBound { node, subject });
            return Ok(());
        };
        if was.digest == subject.digest {
            return Ok(());
        }
        let changed = was.changes(&subject);
        self.void(node, Some(subject), changed);
        Ok(())
    }

    /// A node that failed is done again: whoever was let through because of how it had ended is
    /// looked at again.
    pub(crate) fn void_behind(&mut self, node: NodeId) {
        let mut behind: Vec<NodeId> = (self.state.index.dependents(node).iter())
            .map(|edge| edge.node)
            .collect();
        behind.dedup();
        for after in behind {
            let waits = matches!(
                self.state.nodes[after].status,
                Status::Created | Status::Assigned
            );
            if waits && self.state.stage(self.plan, after).is_some() {
                let changed = vec![format!("`{}` is done again", self.name(node))];
                self.void(after, None, changed);
            }
        }
    }

    /// A task that was about to start is back before its gates first.
    fn void(&mut self, node: NodeId, subject: Option<Subject>, changed: Vec<String>) {
        let attempt = self.state.nodes[node].attempt_number();
        if self.state.nodes[node].status == Status::InProgress {
            self.emit(Fact::Unspawned { node, attempt });
        }
        if self.state.nodes[node].status == Status::Assigned {
            self.emit(Fact::Unassigned { node, attempt });
        }
        self.rule(RuleFact::ApprovalVoided {
            node,
            subject,
            changed,
        });
    }
}
