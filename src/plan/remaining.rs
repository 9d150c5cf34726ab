//! What is left of a plan while it is being carried out: a plan of its own, to be scheduled like
//! any other.
//!
//! What has ended is a mark at the time of its end. What is at work goes on with those who are at
//! it, before everything else, for as long as its estimate still leaves given how long it has
//! taken ([`left`]). What is still to come waits for the rest of its needs, and never starts
//! before now.

use crate::calendars::Calendars;
use crate::plan::{By, Estimate, Need, NodeKind, Plan, Span, Wanted};
use coord_lang::ids::{AgentId, NodeId, Table};

/// What has become of a node. Times are ms from the plan's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Still to come, or to be done again.
    Open,
    Running {
        since_ms: i64,
        agents: Vec<AgentId>,
    },
    Ended {
        end: End,
        start_ms: i64,
        finish_ms: i64,
        /// Who did it.
        agents: Vec<AgentId>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// Skipped or cancelled.
    Skipped,
    Failed,
}

/// The plan from now on.
pub fn remaining(
    plan: &Plan,
    progress: &Table<NodeId, Progress>,
    now_ms: i64,
    windows: bool,
) -> Plan {
    let calendars = Calendars::of(plan);
    let mut rest = plan.clone();
    for (id, node) in rest.nodes.iter_mut() {
        if !windows {
            node.not_before_ms = None;
        }
        match &progress[id] {
            Progress::Ended {
                end: End::Failed, ..
            } if blocks(plan, id) => {
                // nothing behind it goes on before it is done after all
                node.needs.clear();
                from(&mut node.not_before_ms, now_ms);
            }
            Progress::Ended { finish_ms, .. } => {
                node.needs.clear();
                node.wants.clear();
                node.not_before_ms = Some((*finish_ms).max(0));
                node.kind = NodeKind::Join;
            }
            Progress::Running { since_ms, agents } => {
                node.needs.clear();
                node.wants.clear();
                node.not_before_ms = Some(now_ms.max(0));
                let calendar = calendars.placed(id, agents);
                if let NodeKind::Task(task) = &mut node.kind {
                    if !agents.is_empty() {
                        task.by = By::All(agents.clone());
                    }
                    task.estimate = task.estimate.map(|estimate| {
                        let taken = match estimate.likely.working {
                            true => calendar.working_between(*since_ms, now_ms),
                            false => now_ms - since_ms,
                        };
                        left(estimate, taken)
                    });
                }
            }
            Progress::Open => {
                node.needs.retain(|need| !is_met(need, progress));
                from(&mut node.not_before_ms, now_ms);
            }
        }
    }
    put_running_first(&mut rest, progress);
    rest
}

fn from(not_before_ms: &mut Option<i64>, now_ms: i64) {
    let now_ms = now_ms.max(0);
    *not_before_ms = Some(not_before_ms.unwrap_or(0).max(now_ms));
}

/// Whether anything waits for a node to be done.
fn blocks(plan: &Plan, failed: NodeId) -> bool {
    let needs = plan.nodes.values().flat_map(|node| &node.needs);
    let mut needs = needs.filter(|need| need.nodes().any(|on| on == failed));
    needs.any(|need| need.wanted == Wanted::Done)
}

/// Whether a need has come already.
fn is_met(need: &Need, progress: &Table<NodeId, Progress>) -> bool {
    need.nodes().any(|on| match &progress[on] {
        Progress::Ended { end, .. } => match need.wanted {
            Wanted::Done => matches!(end, End::Done | End::Skipped),
            Wanted::Failed => *end == End::Failed,
            Wanted::Finished => true,
            Wanted::Skipped => *end == End::Skipped,
        },
        Progress::Open | Progress::Running { .. } => false,
    })
}

/// Those who are at work are not taken away for something else.
fn put_running_first(plan: &mut Plan, progress: &Table<NodeId, Progress>) {
    let runs = |p: &Progress| matches!(p, Progress::Running { .. });
    if !progress.values().any(runs) {
        return;
    }
    for (id, node) in plan.nodes.iter_mut() {
        if let NodeKind::Task(task) = &mut node.kind {
            task.priority = match runs(&progress[id]) {
                true => 0,
                false => task.priority.saturating_add(1),
            };
        }
    }
}

/// What an estimate still leaves of a task that has taken `taken` ms.
///
/// The length is thought of as triangular over low, likely and high, given that it is more than
/// what it has taken. Before its low that only takes the time off all three. Past its likely
/// length, what is left falls off evenly to high, and its likely length is the median of that.
/// Past high nothing is known: it counts as a tenth of what it has taken, up to half of it.
pub fn left(estimate: Estimate, taken: i64) -> Estimate {
    let taken = taken.max(0);
    let span = |ms: i64| Span {
        ms: ms.max(1),
        ..estimate.likely
    };
    let off = |of: Span| of.ms - taken;
    if taken >= estimate.high.ms {
        return Estimate {
            low: span(1),
            likely: span(taken / 10),
            high: span(taken / 2),
        };
    }
    let high = off(estimate.high);
    let likely = match off(estimate.likely) {
        likely if likely > 0 => likely,
        _ => high - (high as f64 / std::f64::consts::SQRT_2).round() as i64,
    };
    Estimate {
        low: span(off(estimate.low).min(likely)),
        likely: span(likely),
        high: span(high),
    }
}

/// By how much a kind of work differs from its estimates, in thousandths of the likely length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    pub low: i64,
    pub likely: i64,
    pub high: i64,
}

/// The estimate that experience makes of one.
pub fn calibrated(estimate: Estimate, ratio: Ratio) -> Estimate {
    let of = |per_mille: i64| {
        let ms = i128::from(estimate.likely.ms) * i128::from(per_mille) / 1000;
        Span {
            ms: i64::try_from(ms).unwrap_or(i64::MAX / 8).max(1),
            ..estimate.likely
        }
    };
    Estimate {
        low: of(ratio.low.min(ratio.likely)),
        likely: of(ratio.likely),
        high: of(ratio.high.max(ratio.likely)),
    }
}

#[cfg(test)]
mod tests {
    use super::{calibrated, left};
    use crate::plan::{Estimate, Span};

    fn estimate(low: i64, likely: i64, high: i64) -> Estimate {
        let span = |ms| Span { ms, working: true };
        Estimate {
            low: span(low),
            likely: span(likely),
            high: span(high),
        }
    }

    fn ms(estimate: Estimate) -> (i64, i64, i64) {
        (estimate.low.ms, estimate.likely.ms, estimate.high.ms)
    }

    #[test]
    fn what_is_left_depends_on_what_it_has_taken() {
        let whole = estimate(1000, 2000, 5000);
        assert_eq!(ms(left(whole, 0)), (1000, 2000, 5000));
        assert_eq!(ms(left(whole, 500)), (500, 1500, 4500));
        assert_eq!(ms(left(whole, 1500)), (1, 500, 3500));
        // on the falling side: the median of what is left up to high
        assert_eq!(ms(left(whole, 3000)), (1, 586, 2000));
        assert_eq!(ms(left(whole, 10_000)), (1, 1000, 5000));
        assert_eq!(ms(left(estimate(10, 10, 10), 10)), (1, 1, 5));
    }

    #[test]
    fn experience_scales_the_likely_length() {
        let ratio = super::Ratio {
            low: 800,
            likely: 1500,
            high: 2000,
        };
        assert_eq!(
            ms(calibrated(estimate(1, 1000, 1001), ratio)),
            (800, 1500, 2000)
        );
    }
}
