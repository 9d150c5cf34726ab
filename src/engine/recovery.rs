//! Taking up a run that another process left.
//!
//! By the time of a resume every process of the run is dead (the host sees to that). What was
//! written down and is known never to have been spawned is simply spawned (where one of several
//! agents had been picked, one is picked again); what may have run
//! without its end being recorded is *interrupted*: an idempotent task is tried again, any other
//! is in doubt and a person says what became of it. Checks look and do not touch: they run again.
//! What people are at stays open.

use coord_lang::ids::NodeId;

use crate::action::Action;
use crate::event::Fact;
use crate::node_state::NodeState;
use crate::options::Options;
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::state::State;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;

impl Turn<'_> {
    pub(crate) fn resume(
        &mut self,
        never_spawned: &[(NodeId, u32)],
        options: Option<Options>,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        self.emit(Fact::RunResumed { options });
        for node in self.plan.nodes.ids() {
            self.recover_attempt(node, never_spawned);
        }
        let checks: Vec<_> = self.state.checks_at_work.iter().copied().collect();
        for run in checks {
            let gate = &self.state.gate_runs[run];
            let (check, node) = (gate.current(run), gate.node);
            self.emit(Fact::CheckInterrupted { check, node });
        }
        let duties: Vec<_> = self.state.duties_at_work().collect();
        for duty in duties {
            self.rule(RuleFact::ActionInterrupted { duty });
        }
        if let Some(node) = self.state.undoing.left.last().copied()
            && self.state.undoing.at_work
        {
            self.rule(RuleFact::UndoInterrupted { node });
        }
        Ok(())
    }

    fn recover_attempt(&mut self, node: NodeId, never_spawned: &[(NodeId, u32)]) {
        let attempt = self.state.nodes[node].attempt_number();
        if self.state.nodes[node].is_at_work() && self.state.nodes[node].holds_process {
            let of = self.state.nodes[node].attempt.as_ref();
            let seen = of.is_some_and(|attempt| attempt.process.is_some());
            if seen || !never_spawned.contains(&(node, attempt)) {
                return self.emit(Fact::Interrupted { node, attempt });
            }
            self.emit(Fact::Unspawned { node, attempt });
        }
        let assigned = self.state.nodes[node].status == Status::Assigned;
        if assigned && !self.state.index.has_fixed_team(node) {
            self.emit(Fact::Unassigned { node, attempt });
        }
    }
}

/// Every effect that `state` counts on being under way.
///
/// For a host that has folded a journal and taken its `Resume` step: either perform the actions
/// of that step's events, or these, not both. Notices of open items are repeated.
pub fn pending_actions(state: &State) -> Vec<Action> {
    if !state.status.is_live() && state.status != RunStatus::Paused {
        return Vec::new();
    }
    let mut actions = Vec::new();
    for (node, of) in state.nodes.iter() {
        if let Some(attempt) = of.attempt.as_ref().filter(|_| of.is_at_work())
            && of.holds_process
        {
            let number = attempt.number;
            match attempt.terminating {
                Some(why) => actions.push(Action::Terminate {
                    node,
                    attempt: number,
                    why,
                }),
                None if attempt.process.is_none() => actions.push(Action::Spawn {
                    node,
                    attempt: number,
                    agents: attempt.agents.clone(),
                }),
                None => {}
            }
        }
    }
    let bound = |(node, of): (NodeId, &NodeState)| {
        let waits = matches!(
            of.status,
            Status::Created | Status::Assigned | Status::Review
        );
        let looked_at = of.subject.is_some() || of.gate.is_some();
        (waits && looked_at).then_some(Action::Look { node })
    };
    actions.extend(state.nodes.iter().filter_map(bound));
    for node in &state.landings {
        let attempt = state.nodes[*node].attempt_number();
        actions.push(Action::Land {
            node: *node,
            attempt,
        });
    }
    for run in &state.checks_at_work {
        let gate = &state.gate_runs[*run];
        if gate.is_open() {
            actions.push(Action::run_check(state, gate.current(*run)));
        }
    }
    actions.extend(
        state
            .duties_at_work()
            .map(|duty| Action::RunProgram { duty }),
    );
    actions.extend(state.measuring().map(|metric| Action::Measure { metric }));
    if let Some(node) = state.undoing.left.last().copied()
        && state.undoing.at_work
    {
        actions.push(Action::Undo { node });
    }
    actions.extend(
        state
            .open_items
            .iter()
            .map(|item| Action::Notify { item: *item }),
    );
    actions
}
