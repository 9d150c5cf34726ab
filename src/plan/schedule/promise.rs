//! What a schedule says of the project's promises (`expect`).
//!
//! A promise that speaks of the plan is measured in the levelled schedule, and held against what
//! no schedule can do better: a promise that even this breaks can never hold. What a forecast or
//! a run has to judge stays open; the reason is named. A promise with both a value and a day has
//! to keep both.

use super::chain;
use super::{AgentLoad, Schedule};
use crate::bound::Reason;
use crate::calendars::Calendars;
use crate::clock::lasting;
use crate::critical_path::low_path;
use crate::critical_path::network::Network;
use crate::levelling::Levelled;
use crate::levelling::forecast::Forecast;
use crate::plan::{By, Plan};
use crate::rules::{Claim, Expect, Measured};
use coord_lang::expr::{Comparison, Expr, Value};
use coord_lang::ids::{AgentId, NodeId, TaskId};
use coord_lang::time::WEEK_MS;

/// A promise, and what the schedule makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Its number in the plan's rules.
    pub number: usize,
    pub verdict: Verdict,
    /// What it comes to in this schedule.
    pub figure: Option<Figure>,
    /// What no schedule can be better than, where it is not the figure itself.
    pub best: Option<Figure>,
    /// The tasks on the way that decides, in order; empty where no way does.
    pub path: Vec<NodeId>,
    /// The lower bound alone decides, and is more than the critical path.
    pub by_bound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This schedule keeps it.
    Kept,
    /// This schedule breaks it; another one might not.
    Broken,
    /// No schedule of the plan can keep it.
    Impossible,
    /// Not decided by the schedule.
    Open(Open),
}

/// Who decides what a schedule does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A percentile: how sure it is, not how long it is.
    Forecast,
    Run,
    /// Somebody who says so.
    Person,
    /// It is about work that the plan does not expect to happen.
    Contingent,
    /// It is about work that this plan is not about.
    OtherWorkflow,
    /// Nothing says how long anything takes.
    NoEstimates,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Ms since the origin.
    Instant(i64),
    /// Ms.
    Length(i64),
    /// In thousandths of a percent point.
    Percent(i64),
}

impl Figure {
    pub(crate) fn value(self) -> i64 {
        match self {
            Figure::Instant(n) | Figure::Length(n) | Figure::Percent(n) => n,
        }
    }

    /// `9d 8h`, `82.5%`.
    pub fn in_words(self) -> String {
        match self {
            Figure::Instant(ms) | Figure::Length(ms) => lasting(ms),
            Figure::Percent(milli) => format!("{}%", (milli as f64 / 100.0).round() / 10.0),
        }
    }
}

/// Judges every promise of a plan. `schedule` is all but its promises.
pub(super) fn promises(
    network: &Network,
    calendars: &Calendars,
    levelled: &Levelled,
    schedule: &Schedule,
) -> Vec<Promise> {
    let judge = Judge {
        plan: network.plan,
        network,
        calendars,
        levelled,
        schedule,
    };
    let expects = network.plan.rules.expects.iter().enumerate();
    expects
        .map(|(number, expect)| judge.promise(number, expect))
        .collect()
}

/// Judges what only a forecast can: promises of a percentile that the schedule leaves open.
pub(super) fn judge_by(plan: &Plan, forecast: &Forecast, promises: &mut [Promise]) {
    for promise in promises {
        let Some(expect) = plan.rules.expects.get(promise.number) else {
            continue;
        };
        let Claim::Measure { of, op, value } = &expect.claim else {
            continue;
        };
        let (Measured::Percentile(percent), Value::Duration(limit)) = (of, value) else {
            continue;
        };
        let figure = forecast.percentile(u32::from(*percent));
        if promise.verdict == Verdict::Open(Open::Forecast) {
            let kept = op.holds(figure.cmp(limit)) && expect.by_ms.is_none_or(|by| figure <= by);
            promise.verdict = match kept {
                true => Verdict::Kept,
                false => Verdict::Broken,
            };
            promise.figure = Some(Figure::Instant(figure));
        }
    }
}

/// What something measured can be.
#[derive(Clone, Copy)]
struct Range {
    now: Option<Figure>,
    /// No schedule has less, or more; None for no limit that is known.
    least: Option<i64>,
    most: Option<i64>,
}

impl Range {
    fn exactly(figure: Figure) -> Range {
        Range {
            now: Some(figure),
            least: Some(figure.value()),
            most: Some(figure.value()),
        }
    }

    fn holds_now(&self, op: Comparison, limit: i64) -> bool {
        self.now
            .is_some_and(|now| op.holds(now.value().cmp(&limit)))
    }

    fn can_hold(&self, op: Comparison, limit: i64) -> bool {
        let least_is = |fits: fn(&i64, &i64) -> bool| self.least.is_none_or(|l| fits(&l, &limit));
        let most_is = |fits: fn(&i64, &i64) -> bool| self.most.is_none_or(|m| fits(&m, &limit));
        match op {
            Comparison::Less => least_is(i64::lt),
            Comparison::LessOrEqual => least_is(i64::le),
            Comparison::Greater => most_is(i64::gt),
            Comparison::GreaterOrEqual => most_is(i64::ge),
            Comparison::Equal => least_is(i64::le) && most_is(i64::ge),
            Comparison::NotEqual => {
                self.least.is_none() || self.least != self.most || self.least != Some(limit)
            }
        }
    }
}

struct Judge<'a, 'p> {
    plan: &'p Plan,
    network: &'a Network<'p>,
    calendars: &'a Calendars,
    levelled: &'a Levelled,
    schedule: &'a Schedule,
}

impl Judge<'_, '_> {
    fn promise(&self, number: usize, expect: &Expect) -> Promise {
        match &expect.claim {
            Claim::Measure { of, op, value } => self.measure(number, expect, *of, *op, value),
            Claim::Condition(condition) => self.condition(number, expect, condition),
            Claim::Metric { .. } => undecided(number, Open::Run),
            Claim::Person => undecided(number, Open::Person),
        }
    }

    // ---- measures ------------------------------------------------------------------------------

    fn measure(
        &self,
        number: usize,
        expect: &Expect,
        of: Measured,
        op: Comparison,
        value: &Value,
    ) -> Promise {
        let range = match self.range(of) {
            Ok(range) => range,
            Err(open) => return undecided(number, open),
        };
        let limit = match value {
            Value::Duration(n) | Value::Percent(n) => *n,
            Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
                return undecided(number, Open::Run);
            }
        };
        let by = expect.by_ms.filter(|_| is_instant(of));
        let limits = || {
            let by = by.map(|by| (Comparison::LessOrEqual, by));
            std::iter::once((op, limit)).chain(by)
        };
        let verdict = if limits().any(|(op, limit)| !range.can_hold(op, limit)) {
            Verdict::Impossible
        } else if matches!(of, Measured::Percentile(_)) {
            Verdict::Open(Open::Forecast)
        } else if limits().all(|(op, limit)| range.holds_now(op, limit)) {
            Verdict::Kept
        } else {
            Verdict::Broken
        };
        let best = match of {
            Measured::Load(_) => range.most.map(Figure::Percent),
            Measured::Slack(_) => None,
            _ => range.least.map(Figure::Instant),
        };
        let by_bound = verdict == Verdict::Impossible
            && matches!(of, Measured::Finish | Measured::LowerBound)
            && self.schedule.lower_bound.reason != Reason::CriticalPath;
        Promise {
            number,
            verdict,
            figure: range.now,
            best: best.filter(|best| range.now != Some(*best)),
            path: self.path(of, verdict),
            by_bound,
        }
    }

    fn range(&self, of: Measured) -> Result<Range, Open> {
        let schedule = self.schedule;
        self.decidable(of)?;
        Ok(match of {
            Measured::Finish => Range {
                now: Some(Figure::Instant(schedule.makespan_ms)),
                least: Some(schedule.lower_bound.ms),
                most: None,
            },
            Measured::Percentile(_) => Range {
                now: None,
                least: Some(schedule.logical_low_ms),
                most: None,
            },
            Measured::CriticalPath => Range::exactly(Figure::Instant(schedule.logical_makespan_ms)),
            Measured::LowerBound => Range {
                now: Some(Figure::Instant(schedule.lower_bound.ms)),
                least: Some(schedule.lower_bound.ms),
                most: Some(schedule.makespan_ms),
            },
            Measured::Slack(node) => {
                Range::exactly(Figure::Length(schedule.nodes[node].logical.slack_ms))
            }
            Measured::EndOf(node) => Range {
                now: Some(Figure::Instant(schedule.nodes[node].finish_ms)),
                least: Some(schedule.nodes[node].logical.earliest_finish_ms),
                most: None,
            },
            Measured::Load(agent) => Range {
                now: Some(Figure::Percent(share(&schedule.agents[agent]))),
                least: Some(0),
                most: Some(self.most_load(agent)),
            },
        })
    }

    /// Whether a schedule of this plan has anything to say about it.
    fn decidable(&self, of: Measured) -> Result<(), Open> {
        match of {
            Measured::Slack(node) | Measured::EndOf(node) => {
                if !self.plan.is_active(node) {
                    return Err(Open::OtherWorkflow);
                }
                if self.network.contingent[node] {
                    return Err(Open::Contingent);
                }
            }
            Measured::Finish
            | Measured::Percentile(_)
            | Measured::CriticalPath
            | Measured::LowerBound
            | Measured::Load(_) => {
                if self.plan.entry.is_some() {
                    return Err(Open::OtherWorkflow);
                }
            }
        }
        if self.schedule.makespan_ms == 0 {
            return Err(Open::NoEstimates);
        }
        Ok(())
    }

    /// The largest share of its time that an agent can be busy: all that it may get to do, in the
    /// shortest of all schedules. Everything, where lengths of two kinds or calendars are mixed.
    fn most_load(&self, agent: AgentId) -> i64 {
        const ALL: i64 = 100_000;
        let several = self.calendars.only(self.network).is_none();
        if self.network.uses_working && (self.network.uses_elapsed || several) {
            return ALL;
        }
        let may_do = |by: &By| by.agents().contains(&agent);
        let tasks = self.plan.tasks().filter(|(_, _, task)| may_do(&task.by));
        let busy_ms = tasks.map(|(id, _, _)| self.network.spans[id].ms).sum();
        let bound = self.schedule.lower_bound.ms;
        let available_ms = match self.network.uses_working {
            true => self.calendars.agent(agent).working_between(0, bound),
            false => bound,
        };
        let most = AgentLoad {
            busy_ms,
            available_ms,
            ..self.schedule.agents[agent]
        };
        match available_ms {
            0 => ALL,
            _ => share(&most).min(ALL),
        }
    }

    // ---- conditions ----------------------------------------------------------------------------

    /// A condition is judged by the run; one that needs tasks to have ended by a day can be out of
    /// reach before.
    fn condition(&self, number: usize, expect: &Expect, condition: &Expr) -> Promise {
        let mut tasks = Vec::new();
        completed(condition, &mut tasks);
        let nodes = tasks.into_iter().map(Plan::task_node);
        let mut nodes: Vec<NodeId> = nodes
            .filter(|node| self.plan.is_active(*node) && !self.network.contingent[*node])
            .collect();
        nodes.sort_by_key(|node| self.schedule.nodes[*node].finish_ms);
        let earliest = |node: &NodeId| self.schedule.nodes[*node].logical.earliest_finish_ms;
        let hardest = nodes.iter().copied().max_by_key(earliest);
        let (Some(by), Some(last), Some(hardest)) = (expect.by_ms, nodes.last().copied(), hardest)
        else {
            return undecided(number, Open::Run);
        };
        let finish_ms = self.schedule.nodes[last].finish_ms;
        let verdict = if earliest(&hardest) > by {
            Verdict::Impossible
        } else if finish_ms > by {
            Verdict::Broken
        } else {
            Verdict::Open(Open::Run)
        };
        let decides = match verdict {
            Verdict::Impossible => hardest,
            Verdict::Kept | Verdict::Broken | Verdict::Open(_) => last,
        };
        Promise {
            number,
            verdict,
            figure: Some(Figure::Instant(finish_ms)),
            best: Some(Figure::Instant(earliest(&hardest))).filter(|b| b.value() != finish_ms),
            path: self.path(Measured::EndOf(decides), verdict),
            by_bound: false,
        }
    }

    // ---- ways ----------------------------------------------------------------------------------

    /// The tasks that make something as long as it is: by needs alone when nothing can change
    /// that, else with who is there.
    fn path(&self, of: Measured, verdict: Verdict) -> Vec<NodeId> {
        let (schedule, by_logic) = (self.schedule, verdict == Verdict::Impossible);
        let steps = || schedule.critical_path.iter().map(|step| step.node);
        let links = || schedule.chain.iter().map(|link| link.node);
        let way: Vec<NodeId> = match of {
            Measured::Load(_) => Vec::new(),
            Measured::Percentile(_) if by_logic => {
                let steps = low_path(self.plan, self.calendars);
                steps.into_iter().map(|step| step.node).collect()
            }
            Measured::Percentile(_) | Measured::CriticalPath => steps().collect(),
            Measured::LowerBound if schedule.lower_bound.reason == Reason::CriticalPath => {
                steps().collect()
            }
            Measured::LowerBound => Vec::new(),
            Measured::Finish if !by_logic => links().collect(),
            Measured::Finish if schedule.lower_bound.reason == Reason::CriticalPath => {
                steps().collect()
            }
            Measured::Finish => links().collect(),
            Measured::EndOf(node) if by_logic => self.before(node),
            Measured::EndOf(node) => {
                let links = chain::chain_to(self.network, self.calendars, self.levelled, node);
                links.into_iter().map(|link| link.node).collect()
            }
            Measured::Slack(node) => {
                let mut way = self.before(node);
                way.extend(self.after(node));
                way
            }
        };
        let is_task = |node: &NodeId| self.plan.task(*node).is_some();
        way.into_iter().filter(is_task).collect()
    }

    /// By needs alone, what `node` waits for longest, and `node` itself.
    fn before(&self, node: NodeId) -> Vec<NodeId> {
        let logical = |node: NodeId| &self.schedule.nodes[node].logical;
        let mut way = vec![node];
        let mut at = node;
        loop {
            let start = logical(at).earliest_start_ms;
            let groups = self.network.groups(at).iter();
            let needed = groups.flat_map(|group| self.network.members(*group).iter().copied());
            let Some(before) = needed
                .filter(|n| logical(*n).earliest_finish_ms <= start)
                .max_by_key(|n| (logical(*n).earliest_finish_ms, std::cmp::Reverse(*n)))
            else {
                break;
            };
            way.push(before);
            at = before;
        }
        way.reverse();
        way
    }

    /// By needs alone, what waits for `node` with the least slack, to the end.
    fn after(&self, node: NodeId) -> Vec<NodeId> {
        let logical = |node: NodeId| &self.schedule.nodes[node].logical;
        let mut way = Vec::new();
        let mut at = node;
        loop {
            let groups = self.network.followers(at).iter();
            let owners = groups.map(|number| self.network.group(*number as usize).owner);
            let Some(next) = owners
                .filter(|n| !self.network.contingent[*n])
                .min_by_key(|n| (logical(*n).latest_start_ms, *n))
            else {
                break;
            };
            way.push(next);
            at = next;
        }
        way
    }
}

impl Expect {
    /// As it is written: `plan.finish <= 8w`. Empty for what has no words of its own.
    pub fn claim(&self, plan: &Plan) -> String {
        match &self.claim {
            Claim::Measure { of, op, value } => {
                let name = |node: &NodeId| &plan.nodes[*node].name;
                let of = match of {
                    Measured::Finish => "plan.finish".to_string(),
                    Measured::Percentile(percent) => format!("plan.p{percent}"),
                    Measured::CriticalPath => "plan.critical-path".to_string(),
                    Measured::LowerBound => "plan.lower-bound".to_string(),
                    Measured::Load(agent) => format!("{}.load", plan.agents[*agent].name),
                    Measured::Slack(node) => format!("{}.slack", name(node)),
                    Measured::EndOf(node) => format!("{}.end", name(node)),
                };
                format!("{of} {} {}", op.symbol(), limit(value))
            }
            Claim::Metric { metric, op, value } => {
                let metric = &plan.rules.metrics[*metric].name;
                format!("metric.{metric} {} {}", op.symbol(), limit(value))
            }
            Claim::Condition(_) | Claim::Person => String::new(),
        }
    }
}

/// A value as people write it: whole weeks as weeks.
fn limit(value: &Value) -> String {
    match value {
        Value::Duration(ms) if *ms > 0 && ms % WEEK_MS == 0 => format!("{}w", ms / WEEK_MS),
        other => other.to_string(),
    }
}

fn undecided(number: usize, open: Open) -> Promise {
    Promise {
        number,
        verdict: Verdict::Open(open),
        figure: None,
        best: None,
        path: Vec::new(),
        by_bound: false,
    }
}

/// Whether it is a point in time, that a day can be held against.
fn is_instant(of: Measured) -> bool {
    match of {
        Measured::Finish
        | Measured::Percentile(_)
        | Measured::CriticalPath
        | Measured::LowerBound
        | Measured::EndOf(_) => true,
        Measured::Load(_) | Measured::Slack(_) => false,
    }
}

/// The share of its time that an agent is busy, in thousandths of a percent point.
pub(crate) fn share(load: &AgentLoad) -> i64 {
    let available = i128::from(load.available_ms) * i128::from(load.slots);
    match available {
        0 => 0,
        available => {
            let share = (i128::from(load.busy_ms) * 100_000 + available / 2) / available;
            i64::try_from(share).unwrap_or(i64::MAX)
        }
    }
}

/// The tasks without whose completion the condition does not hold.
fn completed(condition: &Expr, tasks: &mut Vec<TaskId>) {
    match condition {
        Expr::And(parts) => parts.iter().for_each(|part| completed(part, tasks)),
        Expr::Compare {
            op: Comparison::Equal,
            left,
            right,
        } => match (left.as_ref(), right.as_ref()) {
            (Expr::State(task), Expr::Literal(Value::Text(state)))
            | (Expr::Literal(Value::Text(state)), Expr::State(task))
                if state == "completed" =>
            {
                tasks.push(*task);
            }
            _ => {}
        },
        _ => {}
    }
}
