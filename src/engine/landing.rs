//! Landing: what was done apart, in a worktree, becomes part of what everybody builds on.
//!
//! A task that works apart is reviewed where it works, then lands: the host merges what it did
//! with what has landed so far, runs its gates on that, and says what came of it. What does not
//! fit goes back to its owner with the reason, so often and no more; what was written outside of
//! the claims never lands, and is a conflict of kind `ownership`.

use coord_lang::ids::{AgentId, ConflictId, GateId, NodeId};
use coord_plan::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::event::Fact;
use crate::outcome::{Breach, FailReason, Outcome};
use crate::refusal::Refusal;
use crate::situation::{About, Of};
use crate::state::State;
use crate::status::{IllegalTransition, Status};
use crate::turn::Turn;

/// How often one task is turned back at landing before it fails.
pub const MOST_TURNED_BACK: u32 = 3;
/// The kind of conflict that coord itself finds when a claim was not kept.
const OWNERSHIP: &str = "ownership";

/// What came of a landing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landing {
    /// It is part of what everybody builds on now, and its gates held on that tree.
    Landed { commit: String, tree: String },
    /// Others changed the same places.
    Clash { paths: Vec<String>, note: String },
    /// A gate does not hold together with what has landed.
    Gate { gate: GateId, evidence: String },
    /// It wrote where it may not.
    Breach(Breach),
    /// It cannot be done at all.
    Failed(String),
}

/// Where it landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    pub commit: String,
    pub tree: String,
}

impl State {
    /// True while the host has it to land.
    pub fn is_landing(&self, node: NodeId, attempt: u32) -> bool {
        self.landings.contains(&node) && self.nodes[node].attempt_number() == attempt
    }

    pub(crate) fn on_landing(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_review(fact, node, attempt)?;
        self.landings.insert(node);
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_landed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
        landed: Landed,
    ) -> Result<(), IllegalTransition> {
        self.expect_review(fact, node, attempt)?;
        self.landings.remove(&node);
        self.nodes[node].landed = Some(Box::new(landed));
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_not_landed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
        why: &Landing,
    ) -> Result<(), IllegalTransition> {
        self.expect_review(fact, node, attempt)?;
        self.landings.remove(&node);
        self.nodes[node].turned_back += 1;
        self.nodes[node].not_landed = Some(Box::new(why.clone()));
        self.refresh(plan, node);
        Ok(())
    }

    fn expect_review(
        &self,
        fact: &Fact,
        node: NodeId,
        attempt: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_attempt(fact, node, attempt)?;
        let from = self.nodes[node].status;
        if from == Status::Review {
            return Ok(());
        }
        Err(IllegalTransition::Node {
            node,
            from,
            kind: fact.kind(),
        })
    }
}

impl Turn<'_> {
    pub(crate) fn land(&mut self, node: NodeId) {
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Landing { node, attempt });
    }

    /// Only the attempt that is to land does: one that was given to somebody else comes too late.
    pub(crate) fn take_landing(
        &mut self,
        node: NodeId,
        attempt: u32,
        landing: Landing,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        if !self.state.has(node) {
            return Err(Refusal::NoSuchNode { node });
        }
        if !self.state.is_landing(node, attempt) {
            let landing = self.state.landings.contains(&node);
            return Err(Refusal::NotThisAttempt {
                task: self.name(node),
                attempt,
                current: landing.then(|| self.state.nodes[node].attempt_number()),
            });
        }
        match landing {
            Landing::Landed { commit, tree } => {
                self.emit(Fact::Landed {
                    node,
                    attempt,
                    commit,
                    tree,
                });
                self.complete(node);
            }
            why @ (Landing::Clash { .. }
            | Landing::Gate { .. }
            | Landing::Breach(_)
            | Landing::Failed(_)) => self.emit(Fact::NotLanded { node, attempt, why }),
        }
        Ok(())
    }

    /// What did not land goes back to its owner, or fails.
    pub(crate) fn turn_back(&mut self, node: NodeId) {
        let Some(why) = self.state.nodes[node].not_landed.clone() else {
            return;
        };
        let times = self.state.nodes[node].turned_back;
        let note = match *why {
            Landing::Breach(breach) => return self.breach(node, breach),
            Landing::Failed(why) => return self.fail(node, FailReason::Landing { why }, false),
            Landing::Landed { .. } => return,
            Landing::Clash { note, .. } => note,
            Landing::Gate { gate, evidence } => {
                let gate = &self.plan.gates[gate].name;
                format!("gate `{gate}` does not hold together with what has landed: {evidence}")
            }
        };
        if times > MOST_TURNED_BACK {
            let why = format!("turned back {times} times: {note}");
            return self.fail(node, FailReason::Landing { why }, false);
        }
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Rework {
            node,
            attempt,
            by: None,
            note,
        });
    }

    /// Written outside of its claims: it fails, and the conflict opens that the project declares
    /// for that.
    pub(crate) fn breach(&mut self, node: NodeId, breach: Breach) {
        let agents = self.concerned(node, &breach);
        let note = breach.sentence();
        self.fail(node, FailReason::Outcome(Outcome::Breach(breach)), false);
        let Some(conflict) = ownership(self.plan) else {
            return;
        };
        let about = About {
            node: Some(node),
            agents,
            ..About::default()
        };
        self.open_situation(Of::Conflict(conflict), about, None, note, 0);
    }

    /// Who did it, then those whose ground it is.
    fn concerned(&self, node: NodeId, breach: &Breach) -> Vec<AgentId> {
        let attempt = self.state.nodes[node].attempt.as_ref();
        let mut agents = attempt.map_or(Vec::new(), |attempt| attempt.agents.clone());
        for (id, agent) in self.plan.agents.iter() {
            if breach.owners.contains(&agent.name) && !agents.contains(&id) {
                agents.push(id);
            }
        }
        agents
    }
}

fn ownership(plan: &Plan) -> Option<ConflictId> {
    let mut conflicts = plan.rules.conflicts.iter();
    conflicts
        .find(|(_, conflict)| conflict.kind == OWNERSHIP)
        .map(|(id, _)| id)
}
