//! Where conditions get their values: outputs and states of the run.

use coord_lang::expr::{Comparison, Expr, Outcome, Scope, Subject, Value};
use coord_lang::ids::{ParamId, TaskId};
use coord_plan::plan::Plan;

use crate::situation::{About, Of};
use crate::state::State;

pub(crate) struct Values<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: &'a State,
    /// What a reaction reacts to.
    pub(crate) about: Option<&'a About>,
}

impl Scope for Values<'_> {
    /// A plan has its parameters filled in, but for those of workflows that start in the run.
    fn param(&self, id: ParamId) -> Option<Value> {
        let (workflow, position) = self.plan.workflows.iter().find_map(|(workflow, of)| {
            let position = of.param_ids.iter().position(|param| *param == id)?;
            Some((workflow, position))
        })?;
        let name = &self.plan.workflows[workflow].params.get(position)?.0;
        let text = self.state.argument(self.plan, workflow, name)?;
        Some(match (text, text.parse()) {
            ("true", _) => Value::Bool(true),
            ("false", _) => Value::Bool(false),
            (_, Ok(number)) => Value::Int(number),
            (text, Err(_)) => Value::Text(text.to_string()),
        })
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

    fn subject(&self, subject: Subject) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.to_string()));
        if subject == Subject::AgentsFailed {
            return Some(Value::Int(self.state.agents_failed() as i64));
        }
        let about = self.about?;
        let task = || self.plan.task(about.node?);
        let incident = || self.state.incident_of(self.plan, about);
        match subject {
            Subject::TaskName => text(&self.plan.nodes[about.node?].name),
            Subject::TaskPriority => {
                let node = about.node?;
                let given = self.state.priorities.get(&node).copied();
                text(&format!("P{}", given.unwrap_or(task()?.priority)))
            }
            Subject::TaskCriticality => text(task()?.more.as_ref()?.criticality.as_deref()?),
            Subject::TaskAgent | Subject::AgentName => {
                text(&self.plan.agents[*about.agents.first()?].name)
            }
            Subject::TaskPhase => {
                let phase = self.plan.nodes[about.node?].phase?;
                text(&self.plan.phases[phase].name)
            }
            Subject::GateName => text(&self.plan.gates[about.gate?].name),
            Subject::ConflictKind => {
                let situation = &self.state.situations[about.situation?];
                match situation.of {
                    Of::Conflict(id) => text(&self.plan.rules.conflicts[id].kind),
                    Of::Escalation(_) | Of::Incident(_) | Of::Handoff(_) => None,
                }
            }
            Subject::IncidentName => text(&incident()?.name),
            Subject::IncidentLevel => text(&format!("P{}", incident()?.priority)),
            Subject::AgentsFailed => None,
        }
    }
}

/// True when `value` stands to `limit` as `op` says.
pub(crate) fn compares(value: &Value, op: Comparison, limit: &Value) -> bool {
    struct Nothing;
    impl Scope for Nothing {
        fn param(&self, _: ParamId) -> Option<Value> {
            None
        }
        fn output(&self, _: TaskId, _: &str) -> Option<String> {
            None
        }
        fn state(&self, _: TaskId) -> String {
            String::new()
        }
        fn task_name(&self, _: TaskId) -> String {
            String::new()
        }
    }
    let compare = Expr::Compare {
        op,
        left: Box::new(Expr::Literal(value.clone())),
        right: Box::new(Expr::Literal(limit.clone())),
    };
    compare.holds(&Nothing) == Outcome::True
}
