//! Workflows that start inside a run: by a rule, an incident, a schedule or a person.
//!
//! The work of a workflow stands in the plan from the beginning and sleeps. When the workflow
//! starts, its nodes are created anew; one that is under way is not started again.

use std::collections::BTreeMap;

use coord_lang::ids::{Id, NodeId, WorkflowId};
use coord_plan::plan::{Node, Plan, Task};
use serde::{Deserialize, Serialize};

use crate::apply::known;
use crate::event::Fact;
use crate::outcome::Outcome;
use crate::rule_fact::RuleFact;
use crate::situation::About;
use crate::state::{NeedState, PhaseState, PhaseStep, State, WantState, new_node};
use crate::status::{IllegalTransition, Status};
use crate::turn::Turn;

/// How often rules start a workflow again in a row because of what its own work brought about.
///
/// A repair that fails is a failure like any other, and a rule that answers every failure with
/// the repair would start it for ever. What comes of ordinary work begins a new row, so that a
/// run of months may repair as often as it has to.
const AGAIN: u32 = 5;

/// What is known of one workflow beside the entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowState {
    /// How often it was started.
    pub starts: u32,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    /// Values of its parameters.
    pub arguments: Vec<(String, String)>,
    /// How often each workflow was started in the row of causes that led to this start.
    pub(crate) row: BTreeMap<WorkflowId, u32>,
    /// The task that it does the work of, until that knows how it went.
    pub(crate) called_by: Option<NodeId>,
    /// Its work goes on in spite of a mode.
    pub(crate) exempt: bool,
    /// Its nodes that have not ended.
    pub(crate) unfinished: u32,
}

impl WorkflowState {
    pub fn is_running(&self) -> bool {
        // one of its tasks may have been tried again after its end
        self.started_ms.is_some() && (self.ended_ms.is_none() || self.unfinished > 0)
    }
}

impl State {
    pub fn workflow(&self, workflow: WorkflowId) -> Option<&WorkflowState> {
        self.workflows.get(workflow)
    }

    /// The value of a parameter of a workflow that was started in this run.
    pub fn argument<'s>(
        &'s self,
        plan: &'s Plan,
        workflow: WorkflowId,
        name: &str,
    ) -> Option<&'s str> {
        let given = self.workflows.get(workflow)?.arguments.iter();
        let given = given
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str());
        let params = plan.workflows.get(workflow)?.params.iter();
        let usual = params
            .filter(|(n, _)| n == name)
            .find_map(|(_, usual)| usual.as_deref());
        given.or(usual)
    }

    /// The parameters of the workflow that `node` is work of, with their values; what has none is
    /// left out.
    pub fn arguments<'s>(&'s self, plan: &'s Plan, node: NodeId) -> Vec<(&'s str, &'s str)> {
        let workflow = plan.nodes[node].workflow;
        let of = workflow.and_then(|workflow| Some((workflow, plan.workflows.get(workflow)?)));
        let Some((workflow, of)) = of else {
            return Vec::new();
        };
        (of.params.iter())
            .filter_map(|(name, _)| Some((&**name, self.argument(plan, workflow, name)?)))
            .collect()
    }

    /// `text` of work of a workflow with the values of its parameters filled in; what has none
    /// stays as it is written.
    pub fn fill<'t>(&self, plan: &Plan, node: NodeId, text: &'t str) -> std::borrow::Cow<'t, str> {
        let workflow = plan.nodes[node].workflow.filter(|w| plan.entry != Some(*w));
        let Some(workflow) = workflow.filter(|_| text.contains("${")) else {
            return text.into();
        };
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let named = after.split_once('}');
            let value = named.and_then(|(name, _)| self.argument(plan, workflow, name));
            match (named, value) {
                (Some((_, behind)), Some(value)) => {
                    out.push_str(value);
                    rest = behind;
                }
                _ => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out.into()
    }

    pub(crate) fn workflow_is_running(&self, workflow: WorkflowId) -> bool {
        self.workflows
            .get(workflow)
            .is_some_and(WorkflowState::is_running)
    }

    /// True for work of a workflow that has not been started.
    pub fn sleeps(&self, plan: &Plan, node: NodeId) -> bool {
        let workflow = plan.nodes[node].workflow;
        workflow != plan.entry
            && workflow.is_none_or(|w| self.workflows.get(w).is_none_or(|of| of.starts == 0))
    }

    /// The tasks that are, or have been, part of this run.
    pub fn tasks<'p>(
        &self,
        plan: &'p Plan,
    ) -> impl Iterator<Item = (NodeId, &'p Node, &'p Task)> + use<'p, '_> {
        plan.tasks().filter(|(id, _, _)| !self.sleeps(plan, *id))
    }

    pub(crate) fn on_workflow_started(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        workflow: WorkflowId,
        arguments: &[(String, String)],
        about: &About,
    ) -> Result<(), IllegalTransition> {
        let called_by = about
            .node
            .filter(|node| self.index.calls(*node) == Some(workflow));
        let free = self
            .workflows
            .get(workflow)
            .is_some_and(|of| !of.is_running());
        known(
            free && plan.entry != Some(workflow),
            kind,
            "workflow",
            workflow.0,
        )?;
        let nodes = self.index.nodes_of(workflow).to_vec();
        let nodes_are_none = nodes.is_empty();
        let starts = self.workflows[workflow].starts + 1;
        let mut row = self.row_behind(plan, about);
        if called_by.is_none() {
            *row.entry(workflow).or_default() += 1;
        }
        let caller = self.caller_at_turn(workflow);
        self.workflows[workflow] = WorkflowState {
            row,
            starts,
            started_ms: Some(self.now_ms),
            ended_ms: None,
            arguments: arguments.to_vec(),
            called_by,
            exempt: called_by.is_none_or(|caller| self.is_exempt(plan, caller)),
            unfinished: nodes.len() as u32,
        };
        for node in &nodes {
            self.wake(plan, *node, starts - 1);
        }
        for node in &nodes {
            self.judge_all_needs(plan, *node);
            self.nodes[*node].window_open = self.window(plan, *node).is_none();
            self.start_clocks(plan, *node);
        }
        for (id, phase) in plan
            .phases
            .iter()
            .filter(|(_, p)| p.workflow == Some(workflow))
        {
            self.phases[id] = PhaseState::NotOpen;
            if phase.open.is_none() {
                self.phases_due.insert((PhaseStep::Open, id));
            }
        }
        for node in nodes {
            self.refresh(plan, node);
        }
        self.after_schedule(plan, workflow);
        self.tell_caller(plan, workflow, caller);
        self.tell_situations(plan);
        if nodes_are_none {
            self.workflows_due.insert(workflow);
        }
        Ok(())
    }

    fn wake(&mut self, plan: &Plan, node: NodeId, generation: u32) {
        let old = &self.nodes[node];
        let failed = old.status == Status::Failed;
        let attempts = old.attempts;
        self.failed -= u32::from(failed);
        self.unfinished += 1;
        let mut new = new_node(&plan.nodes[node], true);
        new.generation = generation;
        // attempts are numbered over all starts, so that a late result is never mistaken
        new.attempts = attempts;
        (new.held, new.held_up) = (old.held, old.held_up);
        new.undoable_ms = old.undoable_ms;
        self.nodes[node] = new;
        self.note_held(plan, node);
    }

    fn judge_all_needs(&mut self, plan: &Plan, node: NodeId) {
        let first = self.index.first_need(node);
        for i in 0..plan.nodes[node].needs.len() as u32 {
            self.needs[(first + i) as usize] = NeedState::Open;
            self.note_need(plan, node, first + i);
        }
        let first = self.index.first_want(node);
        for i in 0..plan.nodes[node].wants.len() as u32 {
            self.wants[(first + i) as usize] = WantState::default();
        }
    }

    /// A node of a workflow ended, or began again.
    pub(crate) fn count_in_workflow(&mut self, plan: &Plan, node: NodeId, ended: bool) {
        let Some(workflow) = plan.nodes[node].workflow.filter(|w| plan.entry != Some(*w)) else {
            return;
        };
        if self.workflows.get(workflow).is_none() {
            return;
        }
        let caller = self.caller_at_turn(workflow);
        let of = &mut self.workflows[workflow];
        let was_running = of.is_running();
        if ended {
            of.unfinished = of.unfinished.saturating_sub(1);
        } else {
            of.unfinished += 1;
        }
        let is_running = of.is_running();
        if is_running && of.unfinished == 0 {
            self.workflows_due.insert(workflow);
        } else {
            self.workflows_due.remove(&workflow);
        }
        if was_running != is_running {
            self.tell_situations(plan);
            self.tell_caller(plan, workflow, caller);
        }
    }

    /// An incident is not confirmed to be over while its workflow is under way.
    fn tell_situations(&mut self, plan: &Plan) {
        for id in self.open_incidents.clone() {
            self.refresh_situation(plan, id);
        }
    }

    /// With the run.
    pub(crate) fn end_workflows(&mut self) {
        self.workflows_due.clear();
        let now_ms = self.now_ms;
        for (_, of) in self.workflows.iter_mut() {
            if of.is_running() {
                of.ended_ms = Some(now_ms);
            }
        }
    }

    pub(crate) fn on_workflow_ended(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        workflow: WorkflowId,
    ) -> Result<(), IllegalTransition> {
        known(
            self.workflow_is_running(workflow),
            kind,
            "workflow",
            workflow.0,
        )?;
        self.workflows_due.remove(&workflow);
        self.workflows[workflow].ended_ms = Some(self.now_ms);
        self.tell_caller(plan, workflow, None);
        self.tell_situations(plan);
        Ok(())
    }
}

impl State {
    /// The starts that led to what `about` is about: those behind the work that it is, or that
    /// made its agents fail.
    fn row_behind(&self, plan: &Plan, about: &About) -> BTreeMap<WorkflowId, u32> {
        let agents = about.agents.iter();
        let failed_at = agents.filter_map(|agent| self.agent_states[*agent].failed_at);
        let mut row = BTreeMap::new();
        for node in about.node.into_iter().chain(failed_at) {
            let workflow = plan.nodes[node].workflow;
            let behind = workflow.and_then(|workflow| self.workflows.get(workflow));
            for (workflow, starts) in behind.iter().flat_map(|of| &of.row) {
                let most = row.entry(*workflow).or_insert(0);
                *most = (*most).max(*starts);
            }
        }
        row
    }

    /// The task that is to call a workflow, or to take its end as its own: one call after the
    /// other, and nobody calls before the one that did has taken the end.
    pub(crate) fn caller_at_turn(&self, workflow: WorkflowId) -> Option<NodeId> {
        if self.workflow_is_running(workflow) {
            return None;
        }
        let called = self.workflows[workflow].called_by;
        let called = called.filter(|node| self.nodes[*node].calls);
        called.or_else(|| {
            let all = (workflow, NodeId(0))..=(workflow, NodeId(u32::MAX));
            self.calling.range(all).next().map(|(_, node)| *node)
        })
    }

    /// Notes whether a task has called its workflow, or waits to.
    pub(crate) fn refresh_call(&mut self, plan: &Plan, node: NodeId) {
        let Some(workflow) = self.index.calls(node) else {
            return;
        };
        let of = &mut self.nodes[node];
        let over = of.attempt.as_ref().is_none_or(|a| a.end.is_some());
        let calls = of.status == Status::InProgress && !over;
        if std::mem::replace(&mut of.calls, calls) == calls {
            return;
        }
        let before = self.caller_at_turn(workflow);
        if calls {
            self.calling.insert((workflow, node));
        } else {
            self.calling.remove(&(workflow, node));
        }
        for other in before.into_iter().chain(self.caller_at_turn(workflow)) {
            self.refresh_agenda(plan, other);
        }
    }

    /// Whose turn it is may be another now than `before`.
    fn tell_caller(&mut self, plan: &Plan, workflow: WorkflowId, before: Option<NodeId>) {
        for node in before.into_iter().chain(self.caller_at_turn(workflow)) {
            self.refresh(plan, node);
        }
    }

    /// A task knows now how the workflow that it called went.
    pub(crate) fn on_call_over(&mut self, plan: &Plan, node: NodeId) {
        if let Some(workflow) = self.index.calls(node)
            && self.workflows[workflow].called_by == Some(node)
        {
            self.workflows[workflow].called_by = None;
            self.tell_caller(plan, workflow, Some(node));
        }
    }
}

impl Turn<'_> {
    /// Starts the workflow that does a task, or takes its end as the task's.
    pub(crate) fn call(&mut self, node: NodeId, workflow: WorkflowId) {
        let of = &self.state.workflows[workflow];
        if of.called_by != Some(node) {
            let more = self.plan.task(node).and_then(|task| task.more.as_ref());
            let call = more.and_then(|more| more.call.as_ref());
            let arguments = call.map_or_else(Vec::new, |(_, arguments)| arguments.clone());
            let about = About {
                node: Some(node),
                ..About::default()
            };
            return self.rule(RuleFact::WorkflowStarted {
                workflow,
                arguments,
                about,
            });
        }
        let nodes = self.state.index.nodes_of(workflow);
        let well = nodes
            .iter()
            .all(|n| self.state.nodes[*n].status.ended_well());
        let attempt = self.state.nodes[node].attempt_number();
        self.emit(Fact::Exited {
            node,
            attempt,
            outcome: if well {
                Outcome::Done
            } else {
                Outcome::Exit(1)
            },
            outputs: Default::default(),
            log: None,
        });
    }

    pub(crate) fn start_workflow(
        &mut self,
        workflow: WorkflowId,
        arguments: Vec<(String, String)>,
        about: About,
    ) -> Result<(), String> {
        let Some(of) = self.state.workflows.get(workflow) else {
            return Err("there is no such workflow".to_string());
        };
        if of.is_running() {
            let name = &self.plan.workflows[workflow].name;
            return Err(format!("workflow `{name}` is already under way"));
        }
        if self.plan.entry == Some(workflow) {
            return Err("it is what this run is about".to_string());
        }
        let row = self.state.row_behind(self.plan, &about);
        if row.get(&workflow).is_some_and(|starts| *starts > AGAIN) {
            let name = &self.plan.workflows[workflow].name;
            return Err(format!(
                "workflow `{name}` was started {AGAIN} times again because of what its own work \
                 brought about"
            ));
        }
        self.rule(RuleFact::WorkflowStarted {
            workflow,
            arguments,
            about,
        });
        Ok(())
    }

    pub(crate) fn end_workflow(&mut self) -> bool {
        let Some(workflow) = self.state.workflows_due.first().copied() else {
            return false;
        };
        let nodes = self.state.index.nodes_of(workflow);
        let well = nodes
            .iter()
            .all(|node| self.state.nodes[*node].status.ended_well());
        self.rule(RuleFact::WorkflowEnded { workflow, well });
        true
    }
}

/// The nodes of each workflow.
pub(crate) fn nodes_by_workflow(plan: &Plan) -> Vec<Vec<NodeId>> {
    let mut nodes = vec![Vec::new(); plan.workflows.len()];
    for (id, node) in plan.nodes.iter() {
        if let Some(workflow) = node.workflow
            && let Some(of) = nodes.get_mut(workflow.index())
        {
            of.push(id);
        }
    }
    nodes
}
