//! What a person orders about one node: try it again, or go on without it.

use coord_lang::ids::NodeId;
use coord_plan::plan::NodeKind;

use crate::event::Fact;
use crate::outcome::SkipReason;
use crate::refusal::Refusal;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// A failed task gets its whole `retry` again and keeps its generation and its key.
    pub(crate) fn order_retry(&mut self, node: NodeId, by: Option<String>) -> Result<(), Refusal> {
        self.check_node(node)?;
        let status = self.state.nodes[node].status;
        if status != Status::Failed {
            return Err(Refusal::NotFailed {
                name: self.name(node),
                status,
            });
        }
        self.reopen_run(by.clone());
        self.emit(Fact::Reopened { node, by });
        self.void_behind(node);
        Ok(())
    }

    pub(crate) fn order_skip(
        &mut self,
        node: NodeId,
        by: Option<String>,
        reason: String,
    ) -> Result<(), Refusal> {
        self.check_node(node)?;
        let status = self.state.nodes[node].status;
        if !may_be_skipped(&self.plan.nodes[node].kind, status) {
            return Err(Refusal::CannotSkip {
                name: self.name(node),
                status,
            });
        }
        self.reopen_run(by.clone());
        self.emit(Fact::Skipped {
            node,
            why: SkipReason::Person { by, reason },
        });
        Ok(())
    }

    /// A failed run can still be helped; a completed or cancelled one is over.
    pub(crate) fn check_node(&self, node: NodeId) -> Result<(), Refusal> {
        if self.state.status != RunStatus::Failed {
            self.check_open()?;
        }
        if !self.state.has(node) {
            return Err(Refusal::NoSuchNode { node });
        }
        Ok(())
    }

    /// The same of what is about no node: there has to be work left.
    pub(crate) fn check_helped(&self) -> Result<(), Refusal> {
        match self.state.status {
            RunStatus::Failed if self.state.unfinished > 0 => Ok(()),
            _ => self.check_open(),
        }
    }

    pub(crate) fn reopen_run(&mut self, by: Option<String>) {
        if self.state.status == RunStatus::Failed {
            self.emit(Fact::RunReopened { by });
        }
    }
}

/// Work under way is rejected or cancelled, not skipped; a task in review has done its work, and
/// skipping it would be a way around its reviewers.
pub(crate) fn may_be_skipped(kind: &NodeKind, status: Status) -> bool {
    match status {
        Status::Created | Status::Assigned | Status::Failed | Status::InDoubt => true,
        Status::Review => matches!(kind, NodeKind::Sync(_)),
        Status::InProgress | Status::Completed | Status::Skipped | Status::Cancelled => false,
    }
}
