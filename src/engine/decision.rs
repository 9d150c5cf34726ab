//! What is to be decided about a node now: the agenda.
//!
//! Invariants: `decision` is a function of recorded facts alone, so a state folded from any
//! prefix of a journal knows what is left to decide; carrying a decision out records at least
//! one event, which changes the answer.

use coord_lang::expr::Outcome as Truth;
use coord_lang::ids::{GateId, HandoffId, NodeId, WorkflowId};
use coord_plan::plan::{Approval, NodeKind, Plan, Sync, Task};

use crate::dependencies::passes_at_once;
use crate::event::Fact;
use crate::gate_run::{GateRunId, Place};
use crate::item::{Ask, ItemId};
use crate::outcome::{Ending, FailReason, SkipReason, Termination};
use crate::scope::Values;
use crate::state::State;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Close a question, or end a check, of a stage that was left.
    Withdraw,
    Cancel,
    /// A limit or a gate has settled its end.
    Doom,
    /// A need is impossible: a branch not taken.
    NotTaken,
    /// A milestone or join whose needs are there.
    Pass,
    OpenSync,
    /// What a giver did is offered to this task's agent.
    HandOff(NodeId, HandoffId),
    Condition,
    OpenGate(GateId, Place),
    Gate(GateRunId),
    AskWork,
    /// Work at hand has to end: it is taken away.
    TakeAway(Termination),
    /// A workflow does it: it is started, or over.
    Call(WorkflowId),
    /// A person has answered the work item.
    EndWork(ItemId),
    Judge,
    AskApproval,
    Rework(ItemId),
    /// What was done apart is to become part of what the others build on.
    Land,
    /// It does not fit there.
    TurnBack,
    Complete,
    AskRequirement,
    RefuseSync(ItemId),
    PassSync,
    AskDoubt,
    SettleDoubt(ItemId),
}

impl State {
    pub(crate) fn decision(&self, plan: &Plan, node: NodeId) -> Option<Decision> {
        let leftovers = &self.nodes[node].leftovers;
        let has_left = !leftovers.items.is_empty() || leftovers.check.is_some();
        match self.status {
            RunStatus::NotStarted
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => None,
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling
            | RunStatus::Paused
                if has_left =>
            {
                Some(Decision::Withdraw)
            }
            RunStatus::Cancelling => self.when_cancelling(node),
            RunStatus::Running | RunStatus::Draining | RunStatus::Halting | RunStatus::Paused => {
                self.by_status(plan, node)
            }
        }
    }

    fn when_cancelling(&self, node: NodeId) -> Option<Decision> {
        let state = &self.nodes[node];
        let ordered = state
            .attempt
            .as_ref()
            .is_some_and(|a| a.terminating.is_some());
        let waits_for_process =
            (state.is_at_work() && state.holds_process && ordered) || self.landings.contains(&node);
        let touched =
            state.status.has_begun() || (state.status == Status::Created && state.gate.is_some());
        (touched && !waits_for_process).then_some(Decision::Cancel)
    }

    fn by_status(&self, plan: &Plan, node: NodeId) -> Option<Decision> {
        match self.nodes[node].status {
            Status::Created => self.before_work(plan, node),
            Status::Assigned => self.settled_before_work(node),
            Status::InProgress => self.during_work(plan, node),
            Status::Review => match &plan.nodes[node].kind {
                NodeKind::Task(task) => self.after_work(node, task),
                NodeKind::Sync(sync) => self.during_sync(node, sync),
                NodeKind::Milestone(_) | NodeKind::Join => None,
            },
            Status::InDoubt => self.in_doubt(node),
            Status::Completed | Status::Failed | Status::Skipped | Status::Cancelled => None,
        }
    }

    fn settled_before_work(&self, node: NodeId) -> Option<Decision> {
        let state = &self.nodes[node];
        if state.doom.is_some() {
            return Some(Decision::Doom);
        }
        (state.impossible > 0).then_some(Decision::NotTaken)
    }

    fn before_work(&self, plan: &Plan, node: NodeId) -> Option<Decision> {
        if let Some(settled) = self.settled_before_work(node) {
            return Some(settled);
        }
        let state = &self.nodes[node];
        if !self.needs_are_there(node) || !state.window_open {
            return None;
        }
        match &plan.nodes[node].kind {
            NodeKind::Task(task) => self.admission(node, task),
            NodeKind::Sync(_) => Some(Decision::OpenSync),
            NodeKind::Milestone(_) | NodeKind::Join => Some(Decision::Pass),
        }
    }

    fn admission(&self, node: NodeId, task: &Task) -> Option<Decision> {
        let state = &self.nodes[node];
        if task.when.is_some() && !state.condition_held {
            return Some(Decision::Condition);
        }
        if let Some((giver, handoff)) = self.handoff_due(node) {
            return Some(Decision::HandOff(giver, handoff));
        }
        if !self.handoffs_are_there(node) {
            return None;
        }
        self.gate_decision(node, &task.requires, state.requires_passed, Place::Before)
    }

    fn gate_decision(
        &self,
        node: NodeId,
        gates: &[GateId],
        passed: u32,
        place: Place,
    ) -> Option<Decision> {
        match self.nodes[node].gate {
            Some(run) => self.gate_step(run).map(|_| Decision::Gate(run)),
            None => gates
                .get(passed as usize)
                .map(|gate| Decision::OpenGate(*gate, place)),
        }
    }

    fn during_work(&self, plan: &Plan, node: NodeId) -> Option<Decision> {
        let state = &self.nodes[node];
        if state
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.end.is_some())
        {
            return Some(Decision::Judge);
        }
        if let Some(why) = self.taken_away(plan, node) {
            return Some(Decision::TakeAway(why));
        }
        if state.holds_process {
            return None;
        }
        if let Some(workflow) = self.index.calls(node) {
            let turn = self.caller_at_turn(workflow) == Some(node);
            return turn.then_some(Decision::Call(workflow));
        }
        match state.asking.answered {
            Some(item) => Some(Decision::EndWork(item)),
            None => (state.asking.asked == 0).then_some(Decision::AskWork),
        }
    }

    fn after_work(&self, node: NodeId, task: &Task) -> Option<Decision> {
        let state = &self.nodes[node];
        if state.doom.is_some() {
            return Some(Decision::Doom);
        }
        if state.not_landed.is_some() {
            return Some(Decision::TurnBack);
        }
        let passed = state.ensures_passed;
        if state.gate.is_some() || (passed as usize) < task.ensures.len() {
            return self.gate_decision(node, &task.ensures, passed, Place::After);
        }
        if let Some(item) = state.asking.rejected {
            return Some(Decision::Rework(item));
        }
        if (state.asking.asked as usize) < task.approvals.len() {
            return Some(Decision::AskApproval);
        }
        if (state.asking.settled as usize) < task.approvals.len() {
            return None;
        }
        if !task.works_apart() || state.landed.is_some() {
            return Some(Decision::Complete);
        }
        // there is nobody to land it while the run is paused
        let may = self.status != RunStatus::Paused && !self.landings.contains(&node);
        may.then_some(Decision::Land)
    }

    fn during_sync(&self, node: NodeId, sync: &Sync) -> Option<Decision> {
        let state = &self.nodes[node];
        if state.doom.is_some() {
            return Some(Decision::Doom);
        }
        if let Some(item) = state.asking.rejected {
            return Some(Decision::RefuseSync(item));
        }
        if (state.asking.asked as usize) < sync.requires.len() {
            return Some(Decision::AskRequirement);
        }
        let passed = state.ensures_passed;
        if state.gate.is_some() || (passed as usize) < sync.gates.len() {
            return self.gate_decision(node, &sync.gates, passed, Place::Sync);
        }
        (state.asking.settled as usize == sync.requires.len()).then_some(Decision::PassSync)
    }

    fn in_doubt(&self, node: NodeId) -> Option<Decision> {
        let asking = &self.nodes[node].asking;
        match asking.answered {
            Some(item) => Some(Decision::SettleDoubt(item)),
            None => (asking.asked == 0).then_some(Decision::AskDoubt),
        }
    }
}

impl Turn<'_> {
    /// Carries out the first decision of the agenda.
    pub(crate) fn decide(&mut self) -> bool {
        let Some(node) = self.state.agenda.first().copied() else {
            return false;
        };
        let Some(decision) = self.state.decision(self.plan, node) else {
            panic!(
                "BUG: node {} is on the agenda with nothing to decide",
                node.0
            )
        };
        self.carry_out(node, decision);
        true
    }

    fn carry_out(&mut self, node: NodeId, decision: Decision) {
        match decision {
            Decision::Withdraw => self.withdraw(node),
            Decision::Cancel => self.cancel_node(node),
            Decision::Doom => self.seal(node),
            Decision::NotTaken => self.not_taken(node),
            Decision::Pass => self.pass(node),
            Decision::OpenSync => self.emit(Fact::SyncOpened { node }),
            Decision::HandOff(giver, handoff) => self.hand_off(node, giver, handoff),
            Decision::Condition => self.test_condition(node),
            Decision::OpenGate(gate, place) => self.open_gate(node, gate, place),
            Decision::Gate(run) => self.advance_gate(run),
            Decision::AskWork => self.ask_work(node),
            Decision::TakeAway(why) => self.take_away(node, why),
            Decision::Call(workflow) => self.call(node, workflow),
            Decision::EndWork(item) => self.end_work(node, item),
            Decision::Judge => self.judge(node),
            Decision::AskApproval => self.ask_approval(node),
            Decision::Rework(item) => self.rework(node, item),
            Decision::Land => self.land(node),
            Decision::TurnBack => self.turn_back(node),
            Decision::Complete => self.complete(node),
            Decision::AskRequirement => self.ask_requirement(node),
            Decision::RefuseSync(item) => self.fail(node, FailReason::Requirement { item }, false),
            Decision::PassSync => self.emit(Fact::SyncPassed { node }),
            Decision::AskDoubt => self.ask(node, Ask::Doubt, Vec::new(), None),
            Decision::SettleDoubt(item) => self.settle_doubt(node, item),
        }
    }

    fn cancel_node(&mut self, node: NodeId) {
        let attempt = self.state.nodes[node].attempt_number();
        if self.state.nodes[node].is_at_work() && self.state.nodes[node].holds_process {
            self.emit(Fact::Terminating {
                node,
                attempt,
                why: Termination::Cancel,
            });
        } else {
            self.emit(Fact::Cancelled { node });
        }
    }

    fn seal(&mut self, node: NodeId) {
        let Some(doom) = self.state.nodes[node].doom.clone() else {
            return;
        };
        match doom.ending {
            Ending::Failed(why) => self.fail(node, why, doom.halts),
            Ending::Skipped(why) => self.emit(Fact::Skipped { node, why }),
        }
    }

    fn not_taken(&mut self, node: NodeId) {
        if let Some((need, on)) = self.state.impossible_need(self.plan, node) {
            self.emit(Fact::Skipped {
                node,
                why: SkipReason::NotTaken { need, on },
            });
        }
    }

    fn pass(&mut self, node: NodeId) {
        let kind = &self.plan.nodes[node].kind;
        debug_assert!(passes_at_once(kind));
        match kind {
            NodeKind::Milestone(_) => self.emit(Fact::MilestoneReached { node }),
            NodeKind::Join | NodeKind::Task(_) | NodeKind::Sync(_) => {
                self.emit(Fact::JoinPassed { node });
            }
        }
    }

    /// `when`: true goes on, false skips, no answer fails.
    fn test_condition(&mut self, node: NodeId) {
        let Some(when) = self.plan.task(node).and_then(|task| task.when.as_ref()) else {
            return;
        };
        let values = Values {
            plan: self.plan,
            state: self.state,
            about: None,
        };
        let found = when.explain(&values);
        match when.holds(&values) {
            Truth::True => self.emit(Fact::ConditionHeld { node, found }),
            Truth::False => {
                self.emit(Fact::Skipped {
                    node,
                    why: SkipReason::Condition { found },
                });
            }
            Truth::Unknown(why) => self.fail(node, FailReason::Condition { why }, false),
        }
    }

    fn ask_approval(&mut self, node: NodeId) {
        let next = self.state.nodes[node].asking.asked;
        let Some(task) = self.plan.task(node) else {
            return;
        };
        self.ask_to_approve(node, None, next, &task.approvals[next as usize]);
    }

    pub(crate) fn ask_to_approve(
        &mut self,
        node: NodeId,
        gate: Option<GateRunId>,
        number: u32,
        approval: &Approval,
    ) {
        let ask = Ask::Approve {
            gate,
            approval: number,
        };
        self.ask(node, ask, approval.of.clone(), Some(approval));
    }

    fn ask_requirement(&mut self, node: NodeId) {
        let next = self.state.nodes[node].asking.asked;
        let NodeKind::Sync(sync) = &self.plan.nodes[node].kind else {
            return;
        };
        let named = &sync.requires[next as usize].by;
        let of = if named.is_empty() {
            &sync.participants
        } else {
            named
        };
        self.ask(node, Ask::Require { requirement: next }, of.clone(), None);
    }
}
