//! Undo: what was done is taken back, the last first.
//!
//! A rollback undoes what ended well and has an `undo`, one after the other. One that fails stops
//! there, and a person says whether it is tried again, was done by hand, or is left.

use std::collections::BTreeSet;

use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::apply::known;
use crate::item::{Ask, ItemId, Verdict};
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus, Status};
use crate::turn::Turn;

/// Where a rollback is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoing {
    /// What is still to be undone; the last is next.
    pub left: Vec<NodeId>,
    pub at_work: bool,
    /// The last one failed, and this asks a person about it.
    pub asked: Option<ItemId>,
    pub(crate) failed: bool,
    pub(crate) answered: Option<ItemId>,
}

impl State {
    pub fn undoing(&self) -> &Undoing {
        &self.undoing
    }

    /// What can be undone, and is not about to be, in the order in which it was completed.
    pub(crate) fn undoable(&self) -> Vec<NodeId> {
        let left: BTreeSet<NodeId> = self.undoing.left.iter().copied().collect();
        let nodes = self.undoable.iter().map(|(_, node)| *node);
        nodes.filter(|node| !left.contains(node)).collect()
    }

    pub(crate) fn refresh_undo(&mut self, plan: &Plan, node: NodeId) {
        let more = plan.task(node).and_then(|task| task.more.as_ref());
        if more.is_none_or(|more| more.undo.is_none()) {
            return;
        }
        let of = &mut self.nodes[node];
        let done = of.status == Status::Completed && !of.undone;
        let ended_ms = done.then(|| of.ended_ms.unwrap_or(0));
        let was = std::mem::replace(&mut of.undoable_ms, ended_ms);
        if was == ended_ms {
            return;
        }
        if let Some(at) = was {
            self.undoable.remove(&(at, node));
        }
        if let Some(at) = ended_ms {
            self.undoable.insert((at, node));
        }
    }

    pub(crate) fn on_undo_ordered(
        &mut self,
        kind: &'static str,
        nodes: &[NodeId],
    ) -> Result<(), IllegalTransition> {
        for node in nodes {
            known(self.has(*node), kind, "node", node.0)?;
        }
        // what is being undone comes to its end first, by itself or with the help of people
        let of = &mut self.undoing;
        let begun = of.at_work || of.failed;
        let at_hand = begun.then(|| of.left.pop()).flatten();
        of.left.extend(nodes);
        of.left.extend(at_hand);
        Ok(())
    }

    pub(crate) fn on_undo_started(
        &mut self,
        kind: &'static str,
        node: NodeId,
        started: bool,
    ) -> Result<(), IllegalTransition> {
        known(
            self.undoing.left.last() == Some(&node),
            kind,
            "undo of node",
            node.0,
        )?;
        self.undoing.at_work = started;
        self.undoing.failed = false;
        self.undoing.answered = None;
        self.undoing.asked = None;
        Ok(())
    }

    pub(crate) fn on_undo_ended(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        node: NodeId,
        ok: bool,
    ) -> Result<(), IllegalTransition> {
        let next = self.undoing.left.last() == Some(&node);
        known(next, kind, "undo of node", node.0)?;
        self.undoing.at_work = false;
        self.undoing.answered = None;
        self.undoing.asked = None;
        self.undoing.failed = !ok;
        if ok {
            self.undoing.left.pop();
            self.nodes[node].undone = true;
            self.refresh_undo(plan, node);
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// Orders everything that can be undone to be.
    pub(crate) fn roll_back(&mut self) -> Result<(), String> {
        let nodes = self.state.undoable();
        if nodes.is_empty() {
            return Err("nothing that was completed has an `undo`".to_string());
        }
        self.rule(RuleFact::UndoOrdered { nodes });
        Ok(())
    }

    /// One step of a rollback.
    pub(crate) fn undo(&mut self) -> bool {
        let undoing = &self.state.undoing;
        let Some(node) = undoing.left.last().copied() else {
            return false;
        };
        if undoing.at_work {
            return false;
        }
        if let Some(item) = undoing.answered {
            self.settle_undo(node, item);
            return true;
        }
        if undoing.failed {
            let asks = undoing.asked.is_none();
            if asks {
                self.ask(node, Ask::Undo, Vec::new(), None);
            }
            return asks;
        }
        // work at hand ends before anything is taken back
        let quiet = self.state.machine_at_work == 0 && self.state.checks_at_work.is_empty();
        let may = match self.state.status {
            RunStatus::Running | RunStatus::Draining | RunStatus::Paused => true,
            RunStatus::Halting | RunStatus::Cancelling => quiet,
            RunStatus::NotStarted
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => false,
        };
        if may {
            self.rule(RuleFact::UndoStarted { node });
        }
        may
    }

    fn settle_undo(&mut self, node: NodeId, item: ItemId) {
        let answer = self.state.items[item].answers.last().cloned();
        let verdict = answer.as_ref().map_or(Verdict::Retry, |a| a.verdict);
        let evidence = answer.map_or(String::new(), |a| a.note);
        match verdict {
            Verdict::Retry => self.rule(RuleFact::UndoStarted { node }),
            _ => self.rule(RuleFact::UndoEnded {
                node,
                ok: true,
                evidence,
            }),
        }
    }

    pub(crate) fn take_undo(
        &mut self,
        node: NodeId,
        ok: bool,
        evidence: String,
    ) -> Result<(), Refusal> {
        let undoing = &self.state.undoing;
        if !undoing.at_work || undoing.left.last() != Some(&node) {
            return Err(Refusal::NoSuchRule {
                what: "undo at work",
            });
        }
        self.rule(RuleFact::UndoEnded { node, ok, evidence });
        Ok(())
    }
}
