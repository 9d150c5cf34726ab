//! Where conditions get their values: outputs and states of the run.

use coord_lang::expr::{Scope, Value};
use coord_lang::ids::{ParamId, TaskId};
use coord_plan::plan::Plan;

use crate::state::State;

pub(crate) struct Values<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: &'a State,
}

impl Scope for Values<'_> {
    /// A plan has its parameters filled in.
    fn param(&self, _: ParamId) -> Option<Value> {
        None
    }

    fn output(&self, task: TaskId, name: &str) -> Option<String> {
        self.state
            .nodes
            .get(Plan::task_node(task))?
            .outputs
            .get(name)
            .cloned()
    }

    fn state(&self, task: TaskId) -> String {
        let node = self.state.nodes.get(Plan::task_node(task));
        node.map_or("created", |node| node.status.name())
            .to_string()
    }

    fn task_name(&self, task: TaskId) -> String {
        let node = self.plan.nodes.get(Plan::task_node(task));
        node.map_or_else(|| format!("task {}", task.0), |node| node.name.clone())
    }
}
