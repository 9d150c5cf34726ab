//! Syncs: barriers that people hold.
//!
//! A sync opens when its needs are there: every `require` is asked of the people named with it
//! (else of the participants, else of anybody), all at once; its gates go one after the other
//! beside that. It passes when all are confirmed. A no fails it, and so does a failed gate;
//! `coord retry` asks again. Its limit counts from its opening.

use coord_lang::ids::NodeId;
use coord_plan::plan::{NodeKind, Otherwise, Plan, Sync};

use crate::apply::known;
use crate::duty::Source;
use crate::event::Fact;
use crate::items::doom;
use crate::occasion::Occasion;
use crate::outcome::{FailReason, SkipReason};
use crate::situation::Pending;
use crate::state::State;
use crate::status::{IllegalTransition, Move};

impl State {
    pub(crate) fn on_sync_opened(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        known(sync(plan, node).is_some(), fact.kind(), "sync", node.0)?;
        let now_ms = self.now_ms;
        self.change(plan, fact, node, Move::Review, |state| {
            state.first_started_ms = Some(now_ms);
        })
    }

    pub(crate) fn on_sync_passed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        known(sync(plan, node).is_some(), fact.kind(), "sync", node.0)?;
        self.on_ended(plan, fact, node, Move::Complete, None)
    }

    /// A sync whose time is up either ends, or passes as if everything had been confirmed.
    pub(crate) fn on_sync_expired(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        otherwise: Otherwise,
    ) -> Result<(), IllegalTransition> {
        known(sync(plan, node).is_some(), fact.kind(), "sync", node.0)?;
        self.nodes[node].sync_expired = true;
        let about = self.about(plan, Occasion::Node(node));
        match otherwise {
            Otherwise::Proceed => {
                self.let_sync_pass(plan, node);
                self.add_duties(plan, Source::Sync(node), about);
            }
            Otherwise::Escalate => {
                self.hold_for_people(plan, Source::Sync(node), Pending::Sync(node));
            }
            Otherwise::Fail | Otherwise::Skip | Otherwise::Halt => {
                let doom = doom(otherwise, FailReason::SyncExpired, SkipReason::SyncExpired);
                self.nodes[node].doom = doom;
                self.add_duties(plan, Source::Sync(node), about);
            }
        }
        self.refresh(plan, node);
        Ok(())
    }

    /// As if everything had been confirmed.
    pub(crate) fn let_sync_pass(&mut self, plan: &Plan, node: NodeId) {
        let Some(sync) = sync(plan, node) else {
            return;
        };
        self.leave_stage(plan, node);
        let state = &mut self.nodes[node];
        state.asking.asked = sync.requires.len() as u32;
        state.asking.settled = sync.requires.len() as u32;
        state.ensures_passed = sync.gates.len() as u32;
    }
}

fn sync(plan: &Plan, node: NodeId) -> Option<&Sync> {
    match &plan.nodes[node].kind {
        NodeKind::Sync(sync) => Some(sync),
        NodeKind::Task(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
    }
}
