//! Needs and wants: what a node waits for before it may begin.
//!
//! Rules:
//! - `Done` holds when the node completed or was skipped, however it came to be skipped: by its
//!   own `when`, as a branch not taken, by `on fail skip`, by a limit, or by a person. It never
//!   becomes impossible, because a failed node may be retried.
//! - `Failed` and `Skipped` become impossible when the node ended otherwise for good; a node with
//!   an impossible need is skipped ("branch not taken").
//! - The limit of a need counts from when every need *without* a limit is there; that of a want
//!   from when all needs are there; neither before the calendar lets the node begin, nor, in a run that keeps to the calendar,
//!   before working hours do.
//! - What was once met can be undone only by `coord retry`, and only for those not yet begun.

use std::sync::Arc;

use coord_lang::ids::NodeId;
use coord_plan::plan::{Need, NodeKind, Plan, Wanted};

use crate::index::Slot;
use crate::state::{NeedState, State};
use crate::status::Status;

impl State {
    pub(crate) fn tell_dependents(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        for edge in index.dependents(node) {
            match edge.slot {
                Slot::Need(slot) => self.update_need(plan, edge.node, slot),
                Slot::Want(slot) => self.update_want(edge.node, slot, node),
            }
            self.refresh(plan, edge.node);
        }
    }

    /// Sets the clocks of a node whose needs may all be there from the start.
    pub(crate) fn start_clocks(&mut self, plan: &Plan, node: NodeId) {
        let now_ms = self.work_begins(plan);
        let state = &mut self.nodes[node];
        // what may not begin yet keeps nobody waiting
        let met = state.unmet == 0 && state.window_open;
        let unlimited = state.unmet_unlimited == 0 && state.window_open;
        state.needs_met_ms = met.then(|| state.needs_met_ms.unwrap_or(now_ms));
        state.limits_since_ms = unlimited.then(|| state.limits_since_ms.unwrap_or(now_ms));
    }

    pub(crate) fn set_need(&mut self, plan: &Plan, node: NodeId, slot: u32, to: NeedState) {
        let from = std::mem::replace(&mut self.needs[slot as usize], to);
        let need = &plan.nodes[node].needs[(slot - self.index.first_need(node)) as usize];
        let change = |count: &mut u32, was: bool, is: bool| {
            *count = *count + u32::from(is) - u32::from(was);
        };
        let state = &mut self.nodes[node];
        change(&mut state.unmet, is_unmet(from), is_unmet(to));
        if need.within.is_none() {
            change(&mut state.unmet_unlimited, is_unmet(from), is_unmet(to));
        }
        let impossible = |s| s == NeedState::Impossible;
        change(&mut state.impossible, impossible(from), impossible(to));
        self.note_need(plan, node, slot);
        self.start_clocks(plan, node);
        if to == NeedState::Met && need.within.is_some() {
            self.withdraw_need(plan, node, slot - self.index.first_need(node));
        }
    }

    /// True when the needs are there and no want is waited for.
    pub(crate) fn needs_are_there(&self, node: NodeId) -> bool {
        let state = &self.nodes[node];
        state.unmet == 0 && state.wants_open == 0
    }

    /// A failed node starts over: limits that passed count again.
    pub(crate) fn reset_needs(&mut self, plan: &Plan, node: NodeId) {
        let first = self.index.first_need(node);
        for slot in first..first + plan.nodes[node].needs.len() as u32 {
            let need = &plan.nodes[node].needs[(slot - first) as usize];
            let to = self.judge_need(need);
            self.set_need(plan, node, slot, to);
        }
        let state = &mut self.nodes[node];
        state.needs_met_ms = None;
        state.limits_since_ms = None;
        self.start_clocks(plan, node);
    }

    fn update_need(&mut self, plan: &Plan, node: NodeId, slot: u32) {
        let from = self.needs[slot as usize];
        let need = &plan.nodes[node].needs[(slot - self.index.first_need(node)) as usize];
        let to = self.judge_need(need);
        if from != to && from != NeedState::Waived {
            self.set_need(plan, node, slot, to);
        }
    }

    fn update_want(&mut self, node: NodeId, slot: u32, on: NodeId) {
        let ended = self.nodes[on].status.is_ended();
        let want = &mut self.wants[slot as usize];
        let was_open = !want.ended && !want.expired;
        want.ended = ended;
        let is_open = !want.ended && !want.expired;
        let count = &mut self.nodes[node].wants_open;
        *count = *count + u32::from(is_open) - u32::from(was_open);
    }

    pub(crate) fn expire_want(&mut self, node: NodeId, slot: u32) {
        let want = &mut self.wants[slot as usize];
        let was_open = !want.ended && !want.expired;
        want.expired = true;
        self.nodes[node].wants_open -= u32::from(was_open);
    }

    /// The first need that can no longer be met, with the node that sees to that.
    pub(crate) fn impossible_need(&self, plan: &Plan, node: NodeId) -> Option<(u32, NodeId)> {
        let first = self.index.first_need(node);
        let needs = plan.nodes[node].needs.iter().enumerate();
        needs
            .map(|(i, need)| (i as u32, need))
            .find(|(i, _)| self.needs[(first + i) as usize] == NeedState::Impossible)
            .map(|(i, need)| (i, need.on))
    }

    pub(crate) fn judge_need(&self, need: &Need) -> NeedState {
        let mut all_never = true;
        for node in need.nodes() {
            match fit(need.wanted, self.nodes[node].status) {
                Fit::Holds => return NeedState::Met,
                Fit::Open => all_never = false,
                Fit::Never => {}
            }
        }
        if all_never {
            NeedState::Impossible
        } else {
            NeedState::Open
        }
    }
}

enum Fit {
    Holds,
    Open,
    Never,
}

fn is_unmet(need: NeedState) -> bool {
    match need {
        NeedState::Open | NeedState::Impossible => true,
        NeedState::Met | NeedState::Waived => false,
    }
}

fn fit(wanted: Wanted, status: Status) -> Fit {
    match (wanted, status) {
        (
            _,
            Status::Created
            | Status::Assigned
            | Status::InProgress
            | Status::Review
            | Status::InDoubt,
        ) => Fit::Open,
        (Wanted::Done, Status::Completed | Status::Skipped) => Fit::Holds,
        (Wanted::Done, Status::Failed | Status::Cancelled) => Fit::Open,
        (Wanted::Failed, Status::Failed) => Fit::Holds,
        (Wanted::Failed, Status::Completed | Status::Skipped | Status::Cancelled) => Fit::Never,
        (
            Wanted::Finished,
            Status::Completed | Status::Failed | Status::Skipped | Status::Cancelled,
        ) => Fit::Holds,
        (Wanted::Skipped, Status::Skipped) => Fit::Holds,
        (Wanted::Skipped, Status::Failed) => Fit::Open,
        (Wanted::Skipped, Status::Completed | Status::Cancelled) => Fit::Never,
    }
}

/// True for nodes that pass without doing anything.
pub(crate) fn passes_at_once(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Milestone(_) | NodeKind::Join => true,
        NodeKind::Task(_) | NodeKind::Sync(_) => false,
    }
}
