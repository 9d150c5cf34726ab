//! Giving out work.
//!
//! Two steps: `task.assigned` writes the attempt down and holds nothing; `task.started` takes
//! slots, resources and claims, and is what makes the host spawn. Machine tasks may be assigned
//! up to `lookahead` beyond what there is room for, so that a slot that falls free can be filled
//! with an attempt that is durable already.

use crate::event::Fact;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;
use coord_lang::ids::NodeId;

impl Turn<'_> {
    pub(crate) fn start_task(&mut self) -> bool {
        let Some(node) = self.state.next_start(self.plan) else {
            return false;
        };
        if self.state.nodes[node].status == Status::Created {
            self.assign(node);
        }
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Started { node, attempt });
        true
    }

    pub(crate) fn assign_ahead(&mut self) -> bool {
        let state = &self.state;
        let wanted =
            state.status == RunStatus::Running && state.assigned_waiting < state.options.lookahead;
        let Some((_, _, node)) = state.unassigned.first().copied().filter(|_| wanted) else {
            return false;
        };
        self.assign(node);
        true
    }

    fn assign(&mut self, node: NodeId) {
        let attempt = self.state.nodes[node].attempts + 1;
        let agents = self.state.pick_agents(self.plan, node);
        self.emit(Fact::Assigned {
            node,
            attempt,
            agents,
        });
    }

    pub(crate) fn ask_work(&mut self, node: NodeId) {
        let agents = self.state.nodes[node]
            .attempt
            .as_ref()
            .map(|a| a.agents.clone());
        self.ask(
            node,
            crate::item::Ask::Work,
            agents.unwrap_or_default(),
            None,
        );
    }
}
