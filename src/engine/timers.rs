//! Time limits: every timer is derived from recorded facts, so none is lost or reset by a crash.

use coord_lang::ids::NodeId;
use coord_plan::plan::{NodeKind, Plan};

use crate::event::Fact;
use crate::item::{Ask, ItemId};
use crate::outcome::{Outcome, Termination};
use crate::state::{NeedState, State};
use crate::status::Status;
use crate::turn::Turn;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKind {
    /// The calendar lets the task begin.
    Window,
    Backoff,
    NeedLimit(u32),
    WantLimit(u32),
    Timeout,
    Sync,
    ItemLimit(ItemId),
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
            Status::InProgress => timers.extend(self.timeout(plan, node)),
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
        let Some(since) = self.nodes[node].limits_since_ms else {
            return;
        };
        let first = self.index.first_need(node);
        for (i, need) in (0u32..).zip(&plan.nodes[node].needs) {
            if let Some(limit) = &need.within
                && self.needs[(first + i) as usize] == NeedState::Open
            {
                timers.push((since.saturating_add(limit.ms), TimerKind::NeedLimit(i)));
            }
        }
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

    /// When the calendar lets `node` begin, if the run asks the calendar.
    pub(crate) fn window(&self, plan: &Plan, node: NodeId) -> Option<i64> {
        let origin = plan.origin_ms.filter(|_| self.options.respect_calendar)?;
        Some(origin.saturating_add(plan.nodes[node].not_before_ms?))
    }
}

impl Turn<'_> {
    /// Records what the earliest timer that is due means.
    pub(crate) fn fire_timer(&mut self) -> bool {
        if self.state.next_due().is_none_or(|due| due > self.at_ms) {
            return false;
        }
        let Some((_, node, kind)) = self.state.timers.first().copied() else {
            return false;
        };
        let fact = self.meaning(node, kind);
        self.emit(fact);
        true
    }

    fn meaning(&self, node: NodeId, kind: TimerKind) -> Fact {
        match kind {
            TimerKind::Window => Fact::WindowOpened { node },
            TimerKind::Backoff => Fact::RetryDue { node },
            TimerKind::NeedLimit(need) => {
                let limit = &self.plan.nodes[node].needs[need as usize].within;
                Fact::NeedExpired {
                    node,
                    need,
                    otherwise: otherwise_of(limit.as_ref()),
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
                let otherwise = otherwise_of(self.approval_limit(item));
                Fact::ItemExpired {
                    item,
                    node,
                    otherwise,
                }
            }
        }
    }

    /// A process is ordered to end; a person's time is simply up.
    fn timeout_meaning(&self, node: NodeId) -> Fact {
        let attempt = self.state.nodes[node].attempt_number();
        if self.state.index.is_machine(node) {
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

    fn approval_limit(&self, item: ItemId) -> Option<&coord_plan::plan::Limit> {
        let item = &self.state.items[item];
        match item.ask {
            Ask::Approve {
                gate: Some(run),
                approval,
            } => {
                let gate = self.state.gate_runs[run].gate;
                self.plan.gates[gate].approvals[approval as usize]
                    .within
                    .as_ref()
            }
            Ask::Approve {
                gate: None,
                approval,
            } => self.plan.task(item.node)?.approvals[approval as usize]
                .within
                .as_ref(),
            Ask::Work | Ask::Confirm { .. } | Ask::Require { .. } | Ask::Doubt => None,
        }
    }
}

fn otherwise_of(limit: Option<&coord_plan::plan::Limit>) -> coord_plan::plan::Otherwise {
    limit.map_or(coord_plan::plan::Otherwise::Fail, |limit| limit.otherwise)
}
