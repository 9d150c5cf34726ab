//! The metrics that follow from the journal alone.
//!
//! A [`Tally`] is a fold of a run's events beside its state; [`Tally::value`] is a metric at a
//! moment. No clock, no disk: the same journal gives the same values. Shares are percents, and
//! means are over what has ended by then.
//!
//! | metric | is |
//! |---|---|
//! | `task.completion` | completed tasks, of all tasks that were not skipped |
//! | `task.on-time` | of the tasks with a deadline or an estimate that have ended or are overdue: those completed by their deadline, or within the high end of their estimate |
//! | `task.per-day` | completed tasks per day; the first day counts whole |
//! | `task.rework` | of the tasks that have begun: those sent back by a review, or tried again by an order or a rule |
//! | `handoff.success` | accepted handoffs, of all that came to an end |
//! | `review.pass` | reviews that let the work pass, of all that came to an end |
//! | `blocker.resolution` | mean time from a task's failure or doubt to its end, and from any other escalation to its answer |
//! | `blocked.share` | time that tasks waited though all that they need was there, of that and the time at work |
//! | `agent.utilization` | time at work, of the time that the agents of the run's tasks had |
//! | `coordination.overhead` | time that people were asked something beside doing work, of that and the time at work |
//! | `estimate.accuracy` | mean, over completed tasks with an estimate: the smaller of the likely and the actual time, divided by the larger |
//! | `escalation.count` | ladders that were opened |
//! | `conflict.resolution` | mean time from a conflict to its decision |
//! | `response.time` | mean time from a question to the answer that decided it |

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use coord_lang::expr::{Comparison, Value};
use coord_lang::ids::{AgentId, MetricId, NodeId};
use coord_lang::model::Builtin;
use coord_lang::time::DAY_MS;
use coord_plan::calendar::Calendar;
use coord_plan::plan::{Plan, Span, Task};
use coord_plan::rules::{Goal, MetricSource};

use crate::event::{Event, Fact};
use crate::input::Input;
use crate::item::{Ask, Closed, ItemId};
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::scope::compares;
use crate::scores::Scores;
use crate::situation::{About, How, Of, SituationId};
use crate::state::State;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;

/// How many, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) count: i64,
    pub(crate) of: i64,
}

impl Sum {
    fn add(&mut self, value: i64) {
        self.count += 1;
        self.of = self.of.saturating_add(value);
    }

    pub(crate) fn mean(self) -> Option<i64> {
        (self.count > 0).then(|| self.of / self.count)
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) good: i64,
    pub(crate) all: i64,
}

impl Share {
    fn add(&mut self, good: bool) {
        self.good += i64::from(good);
        self.all += 1;
    }

    fn percent(self) -> Option<Value> {
        share(self.good, self.all)
    }
}

/// What is counted of a run beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Attempts under way.
    at_work: BTreeMap<NodeId, (i64, Vec<AgentId>)>,
    worked: i64,
    busy: BTreeMap<AgentId, i64>,
    waited: i64,
    begun: BTreeSet<NodeId>,
    again: BTreeSet<NodeId>,
    in_review: BTreeSet<NodeId>,
    reviews: Share,
    /// Tasks that cannot go on, and since when.
    blockers: BTreeMap<NodeId, i64>,
    resolved: Sum,
    situations: BTreeMap<SituationId, i64>,
    escalations: i64,
    conflicts: Sum,
    handoffs: Share,
    /// Open questions, and whether they ask for work.
    asked: BTreeMap<ItemId, (i64, bool)>,
    /// Of those that do not: how many, and the sum of the moments since when.
    coordinating: Sum,
    coordinated: i64,
    answered: Sum,
    scores: Scores,
}

impl Tally {
    /// Counts one event; `state` has it applied.
    pub fn see(&mut self, state: &State, event: &Event) {
        let at = event.at_ms;
        match &event.fact {
            Fact::Started { node, .. } => self.begins(state, *node, at),
            Fact::Exited { node, .. }
            | Fact::Interrupted { node, .. }
            | Fact::Unspawned { node, .. }
            | Fact::Unassigned { node, .. } => self.rests(*node, at),
            Fact::Review { node, .. } => {
                self.rests(*node, at);
                self.in_review.insert(*node);
            }
            Fact::Rework { node, .. } => {
                self.reviewed(*node, false);
                self.again.insert(*node);
            }
            Fact::Reopened { node, .. } => {
                self.again.insert(*node);
            }
            Fact::Completed { node, .. } => {
                self.reviewed(*node, true);
                self.ends(*node, at);
            }
            Fact::Failed { node, .. } => {
                self.reviewed(*node, false);
                self.rests(*node, at);
                self.blockers.entry(*node).or_insert(at);
            }
            Fact::InDoubt { node, .. } => {
                self.rests(*node, at);
                self.blockers.entry(*node).or_insert(at);
            }
            Fact::Skipped { node, .. } | Fact::Cancelled { node } => self.ends(*node, at),
            Fact::ItemOpened { item, ask, .. } => {
                let work = matches!(ask, Ask::Work);
                self.asked.insert(*item, (at, work));
                if !work {
                    self.coordinating.add(at);
                }
            }
            Fact::ItemAnswered { item, .. }
            | Fact::ItemExpired { item, .. }
            | Fact::ItemClosed { item, .. } => self.closes(state, *item, at),
            Fact::Rule(fact) => self.see_rule(state, fact, at),
            _ => {}
        }
    }

    fn see_rule(&mut self, state: &State, fact: &RuleFact, at: i64) {
        match fact {
            RuleFact::SituationOpened { situation, of, .. } => {
                self.situations.insert(*situation, at);
                self.escalations += i64::from(matches!(of, Of::Escalation(_)));
            }
            RuleFact::SituationClosed {
                situation,
                resolution,
            } => {
                let (Some(since), Some(of)) = (
                    self.situations.remove(situation),
                    state.situation(*situation),
                ) else {
                    return;
                };
                if resolution.how == How::Withdrawn {
                    return;
                }
                match of.of {
                    // one about a task that cannot go on is that task's
                    Of::Escalation(_) => {
                        let counted = of
                            .about
                            .node
                            .is_some_and(|n| self.blockers.contains_key(&n));
                        if !counted {
                            self.resolved.add(at - since);
                        }
                    }
                    Of::Conflict(_) => self.conflicts.add(at - since),
                    Of::Handoff(_) => self.handoffs.add(resolution.how.accepts()),
                    Of::Incident(_) => {}
                }
            }
            _ => {}
        }
    }

    fn begins(&mut self, state: &State, node: NodeId, at: i64) {
        let of = state.node(node);
        if self.begun.insert(node)
            && let Some(ready) = of.needs_met_ms
        {
            self.waited += (at - ready).max(0);
        }
        let agents = of.attempt.as_ref().map(|a| a.agents.clone());
        self.at_work.insert(node, (at, agents.unwrap_or_default()));
    }

    fn rests(&mut self, node: NodeId, at: i64) {
        let Some((since, agents)) = self.at_work.remove(&node) else {
            return;
        };
        self.worked += at - since;
        for agent in agents {
            *self.busy.entry(agent).or_default() += at - since;
        }
    }

    fn ends(&mut self, node: NodeId, at: i64) {
        self.rests(node, at);
        self.in_review.remove(&node);
        if let Some(since) = self.blockers.remove(&node) {
            self.resolved.add(at - since);
        }
    }

    fn reviewed(&mut self, node: NodeId, passed: bool) {
        if self.in_review.remove(&node) {
            self.reviews.add(passed);
        }
    }

    fn closes(&mut self, state: &State, item: ItemId, at: i64) {
        let Some(why) = state.item(item).and_then(|of| of.closed) else {
            return; // others have to say the same
        };
        let Some((since, work)) = self.asked.remove(&item) else {
            return;
        };
        if !work {
            self.coordinating.count -= 1;
            self.coordinating.of -= since;
            self.coordinated += at - since;
        }
        if why == Closed::Answered {
            self.answered.add(at - since);
        }
    }

    /// A metric at `now_ms`; None when there is nothing yet that it could be computed from.
    pub fn value(&self, plan: &Plan, state: &State, metric: Builtin, now_ms: i64) -> Option<Value> {
        let started = state.started_ms()?;
        let elapsed = (now_ms - started).max(0);
        let scores = self.scores(plan, state);
        match metric {
            Builtin::TaskCompletion => scores.completion(),
            Builtin::TaskOnTime => scores.on_time(plan, state, now_ms),
            Builtin::TaskThroughput => {
                let done = scores.done();
                let milli = i128::from(done) * 1000 * i128::from(DAY_MS);
                Some(Value::Decimal(
                    (milli / i128::from(elapsed.max(DAY_MS))) as i64,
                ))
            }
            Builtin::TaskRework => share(self.again.len() as i64, self.begun.len() as i64),
            Builtin::HandoffSuccess => self.handoffs.percent(),
            Builtin::ReviewPass => self.reviews.percent(),
            Builtin::BlockerResolution => self.resolved.mean().map(Value::Duration),
            Builtin::BlockedShare => {
                let waiting = self.waited + scores.waiting(now_ms);
                share(waiting, waiting + self.worked_by(now_ms))
            }
            Builtin::AgentUtilization => {
                self.utilization(plan, scores.agents(), state, now_ms, elapsed)
            }
            Builtin::CoordinationOverhead => {
                let open = self.coordinating.count * now_ms - self.coordinating.of;
                let asked = self.coordinated + open;
                share(asked, asked + self.worked_by(now_ms))
            }
            Builtin::EstimateAccuracy => scores.accuracy(),
            Builtin::EscalationCount => Some(Value::Int(self.escalations)),
            Builtin::ConflictResolution => self.conflicts.mean().map(Value::Duration),
            Builtin::ResponseTime => self.answered.mean().map(Value::Duration),
        }
    }

    fn worked_by(&self, now_ms: i64) -> i64 {
        let open: i64 = self.at_work.values().map(|(since, _)| now_ms - since).sum();
        self.worked + open
    }

    /// Those that the machine keeps; of a tally beside a journal, made from its state.
    fn scores(&self, plan: &Plan, state: &State) -> Cow<'_, Scores> {
        if !self.scores.is_empty() {
            return Cow::Borrowed(&self.scores);
        }
        let mut scores = Scores::default();
        for (node, _, _) in state.tasks(plan) {
            scores.update(plan, state, node, self.begun.contains(&node));
        }
        Cow::Owned(scores)
    }

    fn utilization(
        &self,
        plan: &Plan,
        agents: &BTreeSet<AgentId>,
        state: &State,
        now_ms: i64,
        elapsed: i64,
    ) -> Option<Value> {
        let capacity = |agent: &AgentId| match plan.agents[*agent].capacity {
            0 => i64::from(state.options().cores.max(1)),
            some => i64::from(some),
        };
        let had: i64 = agents
            .iter()
            .map(|a| capacity(a).saturating_mul(elapsed))
            .sum();
        let open = self.at_work.values().flat_map(|(since, of)| {
            let busy = now_ms - since;
            of.iter().map(move |agent| (agent, busy))
        });
        let busy: i64 = (self.busy.iter().map(|(agent, ms)| (agent, *ms)))
            .chain(open)
            .filter(|(agent, _)| agents.contains(agent))
            .map(|(_, ms)| ms)
            .sum();
        share(busy.min(had), had)
    }
}

/// In thousandths of a percent point.
pub(crate) fn share(part: i64, whole: i64) -> Option<Value> {
    (whole > 0).then(|| Value::Percent((i128::from(part) * 100_000 / i128::from(whole)) as i64))
}

/// None while that is not known, and for what has neither deadline nor estimate.
pub fn is_on_time(
    plan: &Plan,
    state: &State,
    node: NodeId,
    task: &Task,
    now_ms: i64,
) -> Option<bool> {
    let of = state.node(node);
    let due = due_ms(plan, state, task);
    let high = task.estimate.map(|estimate| estimate.high);
    match of.status {
        Status::Skipped | Status::Cancelled => None,
        Status::Completed => {
            let end = of.ended_ms?;
            match (due, high, of.first_started_ms) {
                (Some(due), _, _) => Some(end <= due),
                (None, Some(high), Some(start)) => {
                    Some(lasted(plan, state, start, end, high) <= high.ms)
                }
                (None, _, _) => None,
            }
        }
        Status::Failed => (due.is_some() || high.is_some()).then_some(false),
        Status::Created
        | Status::Assigned
        | Status::InProgress
        | Status::Review
        | Status::InDoubt => {
            let overdue = due.is_some_and(|due| due < now_ms);
            let long = match (due, high, of.first_started_ms) {
                (None, Some(high), Some(start)) => {
                    lasted(plan, state, start, now_ms, high) > high.ms
                }
                _ => false,
            };
            (overdue || long).then_some(false)
        }
    }
}

/// A deadline counts from the origin of the plan when the run keeps to the calendar, else from
/// its own start.
pub(crate) fn due_ms(plan: &Plan, state: &State, task: &Task) -> Option<i64> {
    let from = match plan.origin_ms.filter(|_| state.options().respect_calendar) {
        Some(origin) => origin,
        None => state.started_ms()?,
    };
    Some(from.saturating_add(task.deadline_ms?))
}

/// How long it took, in the time that `like` is given in: working time is the calendar's when
/// the run keeps to it.
pub(crate) fn lasted(plan: &Plan, state: &State, from: i64, to: i64, like: Span) -> i64 {
    match plan.origin_ms.filter(|_| state.options().respect_calendar) {
        Some(origin) if like.working => {
            Calendar::of(plan).working_between(from - origin, to - origin)
        }
        _ => to - from,
    }
}

/// True when `value` is as the target of a metric wants it.
pub fn meets(goal: &Goal, value: &Value) -> bool {
    match goal {
        Goal::Compared { op, value: wanted } => compares(value, *op, wanted),
        Goal::Between { low, high } => {
            compares(value, Comparison::GreaterOrEqual, low)
                && compares(value, Comparison::LessOrEqual, high)
        }
    }
}

/// The built-in metric of that name.
pub fn builtin(name: &str) -> Option<Builtin> {
    let known = Builtin::ALL.iter().find(|(known, _)| *known == name);
    known.map(|(_, builtin)| *builtin)
}

/// True when a plan has a metric that is counted from its journal.
pub(crate) fn counts(plan: &Plan) -> bool {
    let mut metrics = plan.rules.metrics.values();
    metrics.any(|metric| matches!(metric.from, MetricSource::Builtin(_)))
}

/// True when a plan has a metric that is measured without a person.
pub(crate) fn measures(plan: &Plan) -> bool {
    let mut metrics = plan.rules.metrics.values();
    metrics.any(|metric| !matches!(metric.from, MetricSource::Person(_)))
}

impl State {
    /// What an event means to the metrics, after it was folded.
    pub(crate) fn tally_event(&mut self, plan: &Plan, event: &Event) {
        if let Some(mut tally) = self.tally.take() {
            tally.see(self, event);
            for node in std::mem::take(&mut self.touched) {
                let begun = tally.begun.contains(&node);
                tally.scores.update(plan, self, node, begun);
            }
            self.tally = Some(tally);
        }
        let is_due: fn(&MetricSource) -> bool = match &event.fact {
            Fact::SyncPassed { .. } | Fact::Rule(RuleFact::SyncHeld { .. }) => |_| true,
            // people are asked while the run can still hear of it
            Fact::RunStarted { .. } => |from| matches!(from, MetricSource::Person(_)),
            Fact::Rule(RuleFact::RunFinishing) => |from| !matches!(from, MetricSource::Person(_)),
            _ => return,
        };
        let due = plan.rules.metrics.iter().filter(|(_, m)| is_due(&m.from));
        self.measures_due.extend(due.map(|(id, _)| id));
    }

    /// Metrics whose program is at work.
    pub fn measuring(&self) -> impl Iterator<Item = MetricId> + '_ {
        self.measuring.iter().copied()
    }

    pub(crate) fn on_metric_asked(&mut self, plan: &Plan, metric: MetricId) {
        self.measures_due.remove(&metric);
        // a person measures when he likes, and nobody waits for it
        if !matches!(plan.rules.metrics[metric].from, MetricSource::Person(_)) {
            self.measuring.insert(metric);
        }
    }

    pub(crate) fn on_metric_over(&mut self, metric: MetricId) {
        self.measures_due.remove(&metric);
        self.measuring.remove(&metric);
    }
}

impl Turn<'_> {
    /// Measures what a sync, or the end of the run, wants to know.
    pub(crate) fn measure(&mut self) -> bool {
        let may = self.state.status.is_live() && self.state.status != RunStatus::Cancelling;
        let due = self.state.measures_due.first().copied();
        let Some(metric) = due.filter(|_| may) else {
            return false;
        };
        match &self.plan.rules.metrics[metric].from {
            MetricSource::Builtin(name) => {
                let tally = self.state.tally.as_deref().zip(builtin(name));
                let value = tally.and_then(|(tally, builtin)| {
                    tally.value(self.plan, self.state, builtin, self.at_ms)
                });
                self.rule(match value {
                    Some(value) => RuleFact::MetricMeasured {
                        metric,
                        value,
                        by: None,
                    },
                    None => RuleFact::MetricMissed {
                        metric,
                        why: String::new(),
                    },
                });
            }
            MetricSource::Run(_) => self.rule(RuleFact::MetricAsked { metric }),
            MetricSource::Person(of) => {
                let name = &self.plan.rules.metrics[metric].name;
                self.rule(RuleFact::NoticeSent {
                    of: of.clone(),
                    via: None,
                    about: About::default(),
                    text: format!("say what `{name}` is: `coord measure {name} VALUE`"),
                });
                self.rule(RuleFact::MetricAsked { metric });
            }
        }
        true
    }

    pub(crate) fn take_not_measured(
        &mut self,
        metric: MetricId,
        why: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        if self.plan.rules.metrics.get(metric).is_none() {
            return Err(Refusal::NoSuchRule { what: "metric" });
        }
        self.rule(RuleFact::MetricMissed { metric, why });
        Ok(())
    }

    /// What the host has to say for the record.
    pub(crate) fn take_note(&mut self, input: Input) -> Result<(), Refusal> {
        self.check_open()?;
        if let Input::Note { text } = input {
            self.rule(RuleFact::NoteRecorded {
                about: Default::default(),
                text,
            });
        }
        Ok(())
    }
}
