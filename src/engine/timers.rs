//! Time limits: every timer is derived from recorded facts, so none is lost or reset by a crash.

use coord_lang::ids::{AgentId, NodeId, RecurringId, WorkflowId};
use coord_plan::plan::{NodeKind, Plan, Span};
use serde::{Deserialize, Serialize};

use crate::event::Fact;
use crate::item::ItemId;
use crate::occasion::Occasion;
use crate::outcome::{Outcome, Termination};
use crate::rule_fact::RuleFact;
use crate::situation::SituationId;
use crate::state::{NeedState, State};
use crate::status::Status;
use crate::turn::Turn;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum TimerKind {
    /// The calendar lets the task begin.
    Window,
    Backoff,
    NeedLimit(u32),
    WantLimit(u32),
    Timeout,
    Sync,
    ItemLimit(ItemId),
    /// At work for longer than estimated, or past its deadline.
    Late,
    /// At work for twice as long as estimated.
    Stalled,
}

/// Timers of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum RuleTimer {
    /// The limit of a question in a situation.
    Item(ItemId),
    /// The whole time of a ladder, or the time before a conflict is passed on.
    Overdue(SituationId),
    /// Something has lasted as long as a reaction says.
    Watch(u32, Occasion),
}

/// What comes again and again, and keeps no run alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Background {
    Sync(RecurringId),
    Workflow(WorkflowId),
    Health(AgentId),
}

impl State {
    pub(crate) fn refresh_timers(&mut self, plan: &Plan, node: NodeId) {
        let wanted = self.timers_of(plan, node);
        if wanted == self.nodes[node].timers {
            return;
        }
        for (due, kind) in std::mem::take(&mut self.nodes[node].timers) {
            self.timers.remove(&(due, node, kind));
        }
        self.timers
            .extend(wanted.iter().map(|(due, kind)| (*due, node, *kind)));
        self.nodes[node].timers = wanted;
    }

    fn timers_of(&self, plan: &Plan, node: NodeId) -> Vec<(i64, TimerKind)> {
        let mut timers = Vec::new();
        if self.started_ms.is_none() {
            return timers;
        }
        match self.nodes[node].status {
            Status::Created | Status::Assigned => self.start_timers(plan, node, &mut timers),
            Status::InProgress => {
                timers.extend(self.timeout(plan, node));
                self.lateness(plan, node, &mut timers);
            }
            Status::Review => timers.extend(self.sync_limit(plan, node)),
            Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled
            | Status::InDoubt => {}
        }
        self.item_timers(node, &mut timers);
        timers
    }

    fn start_timers(&self, plan: &Plan, node: NodeId, timers: &mut Vec<(i64, TimerKind)>) {
        let state = &self.nodes[node];
        if state.doom.is_some() {
            return;
        }
        if !state.window_open {
            timers.extend(self.window(plan, node).map(|due| (due, TimerKind::Window)));
        }
        timers.extend(state.backoff_until_ms.map(|due| (due, TimerKind::Backoff)));
        if state.unmet > 0 {
            self.need_timers(plan, node, timers);
        } else if state.wants_open > 0 {
            self.want_timers(plan, node, timers);
        }
    }

    fn need_timers(&self, plan: &Plan, node: NodeId, timers: &mut Vec<(i64, TimerKind)>) {
        let first = self.index.first_need(node);
        for i in self.index.limited_needs(node).iter().copied() {
            let need = &plan.nodes[node].needs[i as usize];
            if let Some(limit) = &need.within
                && let Some(since) = self.limit_since(node, i)
                && self.needs[(first + i) as usize] == NeedState::Open
                && !self.nodes[node].held_needs.contains(&i)
            {
                timers.push((since.saturating_add(limit.ms), TimerKind::NeedLimit(i)));
            }
        }
    }

    /// Since when the limit of a need counts.
    pub(crate) fn limit_since(&self, node: NodeId, need: u32) -> Option<i64> {
        let of = &self.nodes[node];
        let renewed = of.renewed_needs.iter().find(|(other, _)| *other == need);
        renewed.map(|(_, at_ms)| *at_ms).or(of.limits_since_ms)
    }

    fn want_timers(&self, plan: &Plan, node: NodeId, timers: &mut Vec<(i64, TimerKind)>) {
        let Some(since) = self.nodes[node].needs_met_ms else {
            return;
        };
        let first = self.index.first_want(node);
        for (i, want) in (0u32..).zip(&plan.nodes[node].wants) {
            let state = self.wants[(first + i) as usize];
            if !state.ended && !state.expired {
                timers.push((
                    since.saturating_add(want.within_ms),
                    TimerKind::WantLimit(i),
                ));
            }
        }
    }

    fn timeout(&self, plan: &Plan, node: NodeId) -> Option<(i64, TimerKind)> {
        let limit = plan.task(node)?.timeout_ms?;
        let attempt = self.nodes[node].attempt.as_ref()?;
        let open = attempt.end.is_none() && attempt.terminating.is_none();
        let due = attempt.started_ms?.saturating_add(limit);
        open.then_some((due, TimerKind::Timeout))
    }

    /// Only where a reaction asks for it.
    fn lateness(&self, plan: &Plan, node: NodeId, timers: &mut Vec<(i64, TimerKind)>) {
        let state = &self.nodes[node];
        let (Some(task), Some(attempt)) = (plan.task(node), &state.attempt) else {
            return;
        };
        let Some(started) = attempt.started_ms.filter(|_| attempt.end.is_none()) else {
            return;
        };
        let high = state.long_ms;
        if self.index.tracks_late && !state.late {
            let deadline = (task.deadline_ms)
                .zip(plan.origin_ms.filter(|_| self.options.respect_calendar))
                .map(|(deadline, origin)| origin.saturating_add(deadline));
            let late = high.map(|ms| started.saturating_add(ms)).into_iter();
            timers.extend(late.chain(deadline).min().map(|due| (due, TimerKind::Late)));
        }
        if self.index.tracks_stalled && !state.stalled {
            let long = high.map(|ms| started.saturating_add(ms.saturating_mul(2)));
            timers.extend(long.map(|due| (due, TimerKind::Stalled)));
        }
    }

    fn sync_limit(&self, plan: &Plan, node: NodeId) -> Option<(i64, TimerKind)> {
        let NodeKind::Sync(sync) = &plan.nodes[node].kind else {
            return None;
        };
        let limit = sync.within.as_ref()?;
        let state = &self.nodes[node];
        let since = state.first_started_ms?;
        (!state.sync_expired).then_some((since.saturating_add(limit.ms), TimerKind::Sync))
    }

    fn item_timers(&self, node: NodeId, timers: &mut Vec<(i64, TimerKind)>) {
        let state = &self.nodes[node];
        let gate = state.gate.map(|run| &self.gate_runs[run].asking.open);
        for item in state.asking.open.iter().chain(gate.into_iter().flatten()) {
            timers.extend(
                self.items[*item]
                    .due_ms
                    .map(|due| (due, TimerKind::ItemLimit(*item))),
            );
        }
    }

    /// How long an amount of time that begins now is on the clock. Where the project does not say
    /// when it starts, its hours count from the start of the run.
    pub fn elapsed(&self, plan: &Plan, span: Span) -> i64 {
        if !span.working {
            return span.ms;
        }
        let origin = plan.origin_ms.or(self.started_ms).unwrap_or(self.now_ms);
        let from = self.now_ms.saturating_sub(origin);
        let calendar = self.index.calendar.get_or_init(plan);
        let start = calendar.next_working(from);
        calendar.add_working(start, span.ms).saturating_sub(from)
    }

    /// Now, or when working hours begin in a run that keeps to the calendar.
    pub(crate) fn work_begins(&self, plan: &Plan) -> i64 {
        match plan.origin_ms.filter(|_| self.options.respect_calendar) {
            Some(origin) => {
                let calendar = self.index.calendar.get_or_init(plan);
                let from = calendar.next_working(self.now_ms.saturating_sub(origin));
                origin.saturating_add(from)
            }
            None => self.now_ms,
        }
    }

    /// When the calendar lets `node` begin, if the run asks the calendar.
    pub(crate) fn window(&self, plan: &Plan, node: NodeId) -> Option<i64> {
        let origin = plan.origin_ms.filter(|_| self.options.respect_calendar)?;
        Some(origin.saturating_add(plan.nodes[node].not_before_ms?))
    }
}

impl Turn<'_> {
    /// Records what the earliest timer that is due means.
    pub(crate) fn fire_timer(&mut self) -> bool {
        let Some(due) = self.state.next_due().filter(|due| *due <= self.at_ms) else {
            return false;
        };
        if let Some((at, node, kind)) = self.state.timers.first().copied()
            && at == due
        {
            let fact = self.meaning(node, kind);
            self.emit(fact);
        } else if let Some((at, timer)) = self.state.rule_timers.first().copied()
            && at == due
        {
            self.fire_rule_timer(timer);
        } else if let Some((at, background)) = self.state.background.first().copied()
            && at == due
        {
            self.fire_background(background);
        } else {
            // the time to stay is up
            return false;
        }
        true
    }

    fn fire_rule_timer(&mut self, timer: RuleTimer) {
        match timer {
            RuleTimer::Item(item) => {
                let node = self.state.items[item].node;
                self.emit(Fact::ItemExpired {
                    item,
                    node,
                    otherwise: coord_plan::plan::Otherwise::Escalate,
                });
            }
            RuleTimer::Overdue(situation) => self.rule(RuleFact::SituationOverdue { situation }),
            RuleTimer::Watch(reaction, on) => self.judge_reaction(reaction, on),
        }
    }

    fn meaning(&self, node: NodeId, kind: TimerKind) -> Fact {
        match kind {
            TimerKind::Late => Fact::Rule(RuleFact::Late { node }),
            TimerKind::Stalled => Fact::Rule(RuleFact::Stalled { node }),
            TimerKind::Window => Fact::WindowOpened { node },
            TimerKind::Backoff => Fact::RetryDue { node },
            TimerKind::NeedLimit(need) => {
                let limit = &self.plan.nodes[node].needs[need as usize].within;
                Fact::NeedExpired {
                    node,
                    need,
                    otherwise: otherwise_of(limit.as_deref()),
                }
            }
            TimerKind::WantLimit(want) => {
                let on = self.plan.nodes[node].wants[want as usize].on;
                Fact::WantExpired { node, want, on }
            }
            TimerKind::Timeout => self.timeout_meaning(node),
            TimerKind::Sync => {
                let limit = match &self.plan.nodes[node].kind {
                    NodeKind::Sync(sync) => sync.within.as_ref(),
                    NodeKind::Task(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
                };
                Fact::SyncExpired {
                    node,
                    otherwise: otherwise_of(limit),
                }
            }
            TimerKind::ItemLimit(item) => {
                let otherwise = otherwise_of(self.state.limit_of_item(self.plan, item));
                Fact::ItemExpired {
                    item,
                    node: Some(node),
                    otherwise,
                }
            }
        }
    }

    /// A process is ordered to end; a person's time is simply up.
    fn timeout_meaning(&self, node: NodeId) -> Fact {
        let attempt = self.state.nodes[node].attempt_number();
        if self.state.nodes[node].holds_process {
            Fact::Terminating {
                node,
                attempt,
                why: Termination::Timeout,
            }
        } else {
            let outcome = Outcome::TimedOut;
            Fact::Exited {
                node,
                attempt,
                outcome,
                outputs: Default::default(),
                log: None,
            }
        }
    }
}

fn otherwise_of(limit: Option<&coord_plan::plan::Limit>) -> coord_plan::plan::Otherwise {
    limit.map_or(coord_plan::plan::Otherwise::Fail, |limit| limit.otherwise)
}
