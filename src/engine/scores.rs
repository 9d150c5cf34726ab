//! What each task counts for in the metrics over all tasks, and the sums of it.
//!
//! A task is scored again when an event has changed it, so that a metric costs the same however
//! many tasks there are. What depends on the moment is kept in the order of time.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{Plan, Task};

use crate::metrics::{Share, Sum, due_ms, is_on_time, lasted, share};
use crate::state::State;
use crate::status::Status;

/// What one task counts for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Score {
    counts: bool,
    done: bool,
    /// Of what has ended.
    on_time: Option<bool>,
    /// The deadline of what has not ended.
    due: Option<i64>,
    /// It has begun and not ended, and only its estimate says how long it may take.
    estimated: bool,
    /// Since when it could have begun and has not.
    waits: Option<i64>,
    accuracy: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scores {
    of: BTreeMap<NodeId, Score>,
    counted: i64,
    done: i64,
    on_time: Share,
    due: BTreeSet<(i64, NodeId)>,
    estimated: BTreeSet<NodeId>,
    waiting: BTreeSet<(i64, NodeId)>,
    waiting_since: i64,
    accuracy: Sum,
    /// Those whom the tasks name.
    agents: BTreeSet<AgentId>,
}

impl Scores {
    /// A task may have changed; `begun` is true when it ever was at work.
    pub(crate) fn update(&mut self, plan: &Plan, state: &State, node: NodeId, begun: bool) {
        let Some(task) = plan.task(node).filter(|_| !state.sleeps(plan, node)) else {
            return;
        };
        let new = score(plan, state, node, task, begun);
        if !self.of.contains_key(&node) {
            self.agents.extend(task.by.agents());
        }
        let old = self.of.insert(node, new.clone()).unwrap_or_default();
        if old != new {
            self.count(node, &old, -1);
            self.count(node, &new, 1);
        }
    }

    fn count(&mut self, node: NodeId, score: &Score, by: i64) {
        self.counted += by * i64::from(score.counts);
        self.done += by * i64::from(score.done);
        if let Some(on_time) = score.on_time {
            self.on_time.good += by * i64::from(on_time);
            self.on_time.all += by;
        }
        if let Some(accuracy) = score.accuracy {
            self.accuracy.count += by;
            self.accuracy.of += by * accuracy;
        }
        if let Some(due) = score.due {
            keep(&mut self.due, (due, node), by > 0);
        }
        if score.estimated {
            keep(&mut self.estimated, node, by > 0);
        }
        if let Some(since) = score.waits {
            keep(&mut self.waiting, (since, node), by > 0);
            self.waiting_since += by * since;
        }
    }

    pub(crate) fn done(&self) -> i64 {
        self.done
    }

    pub(crate) fn completion(&self) -> Option<Value> {
        share(self.done, self.counted)
    }

    pub(crate) fn accuracy(&self) -> Option<Value> {
        self.accuracy.mean().map(Value::Percent)
    }

    pub(crate) fn agents(&self) -> &BTreeSet<AgentId> {
        &self.agents
    }

    pub(crate) fn on_time(&self, plan: &Plan, state: &State, now_ms: i64) -> Option<Value> {
        let overdue = self.due.range(..(now_ms, NodeId(0))).count();
        let long = |node: &&NodeId| {
            let task = plan.task(**node);
            task.is_some_and(|task| is_on_time(plan, state, **node, task, now_ms).is_some())
        };
        let long = self.estimated.iter().filter(long).count();
        share(
            self.on_time.good,
            self.on_time.all + overdue as i64 + long as i64,
        )
    }

    /// How long those wait that could have begun, in all.
    pub(crate) fn waiting(&self, now_ms: i64) -> i64 {
        let later = self.waiting.range((now_ms, NodeId(0))..);
        let (mut count, mut since) = (self.waiting.len() as i64, self.waiting_since);
        for (at, _) in later {
            count -= 1;
            since -= at;
        }
        count * now_ms - since
    }
}

fn keep<T: Ord>(set: &mut BTreeSet<T>, one: T, in_it: bool) {
    if in_it {
        set.insert(one);
    } else {
        set.remove(&one);
    }
}

fn score(plan: &Plan, state: &State, node: NodeId, task: &Task, begun: bool) -> Score {
    let of = state.node(node);
    let ended = of.status.is_ended();
    let due = due_ms(plan, state, task);
    let waits = matches!(of.status, Status::Created | Status::Assigned) && !begun;
    Score {
        counts: of.status != Status::Skipped,
        done: of.status == Status::Completed,
        on_time: (is_on_time(plan, state, node, task, state.now_ms())).filter(|_| ended),
        due: due.filter(|_| !ended),
        estimated: !ended
            && due.is_none()
            && task.estimate.is_some()
            && of.first_started_ms.is_some(),
        waits: of.needs_met_ms.filter(|_| waits),
        accuracy: accuracy(plan, state, node, task),
    }
}

/// The smaller of what was likely and what it took, of the larger.
fn accuracy(plan: &Plan, state: &State, node: NodeId, task: &Task) -> Option<i64> {
    let of = state.node(node);
    let (Some(estimate), Some(from), Some(to), Status::Completed) =
        (task.estimate, of.first_started_ms, of.ended_ms, of.status)
    else {
        return None;
    };
    let actual = lasted(plan, state, from, to, estimate.likely).max(0);
    let likely = estimate.likely.ms;
    match share(actual.min(likely), actual.max(likely)) {
        Some(Value::Percent(p)) => Some(p),
        _ => None,
    }
}
