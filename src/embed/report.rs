//! What a run came to.

use coord_engine::{Event, State, Status};
use coord_host::driver::End;
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a run came to, in virtual time or for real.
#[derive(Debug)]
pub struct Report {
    pub(crate) end: End,
    pub(crate) plan: Arc<Plan>,
    pub(crate) state: State,
}

impl Report {
    /// How it ended, or why it stands still.
    pub fn end(&self) -> End {
        self.end
    }

    /// True when all of it ended well.
    pub fn is_completed(&self) -> bool {
        self.end == End::Completed
    }

    /// Its name, as `coord runs` lists it.
    pub fn run(&self) -> &str {
        self.state.run()
    }

    /// The plan that it was pinned to.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The tasks that are, or have been, part of it, by name: those of workflows that never started
    /// are not.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        let tasks = self.state.tasks(&self.plan);
        tasks.map(|(_, node, _)| node.name.as_str())
    }

    /// Everything that is known of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What became of a task, a sync or a milestone; None when the plan has none of that name.
    pub fn status(&self, name: &str) -> Option<Status> {
        let node = self.plan.find(name)?;
        Some(self.state.node(node).status)
    }

    /// What a task has put out, by name; None when the plan has none of that name.
    pub fn outputs(&self, task: &str) -> Option<&BTreeMap<String, String>> {
        let node = self.plan.find(task)?;
        Some(&self.state.node(node).outputs)
    }

    /// How often a task was tried; None when the plan has none of that name.
    pub fn attempts(&self, task: &str) -> Option<u32> {
        let node = self.plan.find(task)?;
        Some(self.state.node(node).attempts)
    }

    /// How long it took, on its own clock; None before its end.
    pub fn took_ms(&self) -> Option<i64> {
        Some(self.state.ended_ms()? - self.state.started_ms()?)
    }
}

/// One thing that happened in a run, and what it led to.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its number in the journal; in virtual time, in the run.
    pub seq: i64,
    /// When, and what.
    pub event: &'a Event,
    /// The plan that its numbers are about.
    pub plan: &'a Plan,
    /// The state with it, and with what may have happened since.
    pub state: &'a State,
}

impl Seen<'_> {
    /// Its kind, as in `task.completed`: the words of `coord schema events`.
    pub fn kind(&self) -> &'static str {
        self.event.fact.kind()
    }

    /// The name of the task, sync or milestone that it is about; None for the run's own events.
    pub fn about(&self) -> Option<&str> {
        let node: NodeId = self.event.fact.subject()?;
        Some(&self.plan.nodes[node].name)
    }
}

/// Called with everything that happens; in a real run, once it is durable.
pub(crate) type Watch = Box<dyn FnMut(&Seen<'_>) + Send>;
