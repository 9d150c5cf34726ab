//! The promises of a plan while it is being carried out.
//!
//! A schedule of what is left knows when things will end, but not what was done before: the load of
//! an agent counts all that it has done and will do until the end, and slack is what is left of
//! it until the end that was planned.

use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::plan::Plan;
use crate::remaining::{End, Progress};
use crate::rules::{Claim, Measured};
use crate::schedule::promise::{Figure, Promise, Verdict, share};
use crate::schedule::{AgentLoad, Schedule};
use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, NodeId, Table};

/// A plan on its way. All times count from the same origin.
pub struct Way<'a> {
    pub plan: &'a Plan,
    pub planned: &'a Schedule,
    /// The schedule of what is left.
    pub rest: &'a Schedule,
    pub progress: &'a Table<NodeId, Progress>,
}

impl Way<'_> {
    /// When a node began, or is expected to.
    pub fn start_ms(&self, node: NodeId) -> i64 {
        match &self.progress[node] {
            Progress::Open => self.rest.nodes[node].start_ms,
            Progress::Running { since_ms, .. } => *since_ms,
            Progress::Ended { start_ms, .. } => *start_ms,
        }
    }

    /// When it ended, or is expected to.
    pub fn finish_ms(&self, node: NodeId) -> i64 {
        self.ended_ms(node)
            .unwrap_or(self.rest.nodes[node].finish_ms)
    }

    /// Whether it is expected to happen, or has.
    pub fn is_expected(&self, node: NodeId) -> bool {
        self.progress[node] != Progress::Open || !self.rest.nodes[node].logical.contingent
    }

    /// The end of everything.
    pub fn end_ms(&self) -> i64 {
        let nodes = self.plan.nodes.ids().filter(|id| self.is_expected(*id));
        nodes.map(|id| self.finish_ms(id)).max().unwrap_or(0)
    }

    /// Every promise, by what was and what is to be expected.
    pub fn promises(&self) -> Vec<Promise> {
        let promises = self.rest.promises.iter();
        promises.map(|promise| self.judged(promise)).collect()
    }

    /// What has failed is not over: it holds up what needs it.
    fn ended_ms(&self, node: NodeId) -> Option<i64> {
        match &self.progress[node] {
            Progress::Ended { finish_ms, end, .. } if *end != End::Failed => Some(*finish_ms),
            Progress::Ended { .. } | Progress::Running { .. } | Progress::Open => None,
        }
    }

    fn judged(&self, promise: &Promise) -> Promise {
        let expect = self.plan.rules.expects.get(promise.number);
        let Some(Claim::Measure { of, op, value }) = expect.map(|expect| &expect.claim) else {
            return promise.clone();
        };
        let figure = match of {
            Measured::Load(agent) => Some(Figure::Percent(self.load(*agent))),
            Measured::Slack(node) if self.is_expected(*node) => {
                Some(Figure::Length(self.slack_ms(*node)))
            }
            _ => None,
        };
        let (Some(figure), Value::Duration(limit) | Value::Percent(limit)) = (figure, value) else {
            return promise.clone();
        };
        // what the plan leaves open (another workflow's, one without estimates) stays open
        let planned = self.planned.promises.iter();
        let mut planned = planned.filter(|planned| planned.number == promise.number);
        if planned.any(|planned| matches!(planned.verdict, Verdict::Open(_))) {
            return promise.clone();
        }
        Promise {
            verdict: match op.holds(figure.value().cmp(limit)) {
                true => Verdict::Kept,
                false => Verdict::Broken,
            },
            figure: Some(figure),
            best: None,
            by_bound: false,
            ..promise.clone()
        }
    }

    /// How much later it may end by needs alone without making the planned end later; negative
    /// when that is over.
    fn slack_ms(&self, node: NodeId) -> i64 {
        let expected = self.rest.nodes[node].logical.earliest_finish_ms;
        let finish = self.ended_ms(node).unwrap_or(expected);
        self.planned.nodes[node].logical.latest_finish_ms - finish
    }

    /// The share of an agent's time until the end that it was and will be busy, in thousandths of a
    /// percent.
    fn load(&self, agent: AgentId) -> i64 {
        let network = Network::new(self.plan);
        let calendars = Calendars::of(self.plan);
        let counted = |from: i64, to: i64| match network.uses_working {
            true => calendars.agent(agent).working_between(from, to),
            false => to - from,
        };
        let tasks = self.plan.tasks().map(|(id, _, _)| id);
        let own = tasks.filter(|id| self.is_expected(*id) && self.doers(*id).contains(&agent));
        share(&AgentLoad {
            busy_ms: own
                .map(|id| counted(self.start_ms(id), self.finish_ms(id)))
                .sum(),
            available_ms: counted(0, self.end_ms()),
            ..self.planned.agents[agent]
        })
    }

    fn doers(&self, node: NodeId) -> &[AgentId] {
        match &self.progress[node] {
            Progress::Open => &self.rest.nodes[node].agents,
            Progress::Running { agents, .. } | Progress::Ended { agents, .. } => agents,
        }
    }
}
