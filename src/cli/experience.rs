//! What the runs of a project have shown of its estimates: how long tasks took, as shares of
//! their likely length.

use super::exit::Failure;
use super::home;
use coord_engine::{AttemptEnd, Status};
use coord_host::journal::{JournalRead, Reader};
use coord_host::run::Run;
use coord_plan::calendars::Calendars;
use coord_plan::plan::Plan;
use coord_plan::remaining::{Ratio, calibrated};
use std::collections::BTreeMap;

/// The last runs tell most; older ones are left out.
const RUNS: usize = 50;
/// From so many times on, a task is judged by itself, and all tasks together.
const OWN: usize = 3;
const TOGETHER: usize = 5;

/// Shares of likely lengths, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Experience {
    by_task: BTreeMap<String, Vec<i64>>,
    all: Vec<i64>,
    pub(crate) runs: usize,
}

/// What a number of shares comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) samples: usize,
    pub(crate) ratio: Ratio,
}

/// Looks through the last runs of a project.
pub(crate) fn of_project(reader: &Reader, project: &str) -> Result<Experience, Failure> {
    let mut experience = Experience::default();
    let runs = reader.runs().map_err(home::journal_failure)?;
    for summary in runs.iter().rev().take(RUNS) {
        // a run that cannot be read says nothing about estimates
        let Ok(run) = Run::load(reader, &summary.id) else {
            continue;
        };
        if run.plan.project == project {
            experience.add(&run);
        }
    }
    experience.all.sort_unstable();
    for shares in experience.by_task.values_mut() {
        shares.sort_unstable();
    }
    Ok(experience)
}

impl Experience {
    fn add(&mut self, run: &Run) {
        let Some(started_ms) = run.state.started_ms() else {
            return;
        };
        let mut plan = Plan::clone(&run.plan);
        let kept = run.state.options().respect_calendar;
        let origin_ms = plan.origin_ms.filter(|_| kept).unwrap_or(started_ms);
        plan.origin_ms = Some(origin_ms);
        let calendars = Calendars::of(&plan);
        let before = self.all.len();
        for (id, node, task) in plan.tasks() {
            let found = run.state.node(id);
            let (Status::Completed, Some(attempt)) = (found.status, &found.attempt) else {
                continue;
            };
            let (Some(from), Some(AttemptEnd::Exited { at_ms, .. }), Some(estimate)) =
                (attempt.started_ms, &attempt.end, task.estimate)
            else {
                continue;
            };
            let taken = match estimate.likely.working {
                true => calendars
                    .placed(id, &attempt.agents)
                    .working_between(from - origin_ms, at_ms - origin_ms),
                false => at_ms - from,
            };
            if taken > 0 && estimate.likely.ms > 0 {
                let share = taken.saturating_mul(1000) / estimate.likely.ms;
                self.all.push(share);
                self.by_task
                    .entry(node.name.clone())
                    .or_default()
                    .push(share);
            }
        }
        self.runs += usize::from(self.all.len() > before);
    }

    /// All tasks together; None without any.
    pub(crate) fn together(&self) -> Option<Summary> {
        summary(&self.all, 1)
    }

    /// What is known of a task: by itself when it was done often enough, else by all.
    pub(crate) fn of(&self, task: &str) -> Option<Summary> {
        let own = self.by_task.get(task).and_then(|all| summary(all, OWN));
        own.or_else(|| summary(&self.all, TOGETHER))
    }

    /// Estimates as experience has them; says of how many tasks.
    pub(crate) fn teach(&self, plan: &mut Plan) -> usize {
        let mut taught = 0;
        for (_, node) in plan.nodes.iter_mut() {
            let Some(summary) = self.of(&node.name) else {
                continue;
            };
            let coord_plan::plan::NodeKind::Task(task) = &mut node.kind else {
                continue;
            };
            if let Some(estimate) = &mut task.estimate {
                *estimate = calibrated(*estimate, summary.ratio);
                taught += 1;
            }
        }
        taught
    }
}

/// The median, with what nine of ten are above and below.
fn summary(shares: &[i64], least: usize) -> Option<Summary> {
    if shares.len() < least.max(1) {
        return None;
    }
    let rank = |percent: usize| shares[(shares.len() * percent).div_ceil(100).max(1) - 1];
    Some(Summary {
        samples: shares.len(),
        ratio: Ratio {
            low: rank(10).max(1),
            likely: rank(50).max(1),
            high: rank(90).max(1),
        },
    })
}
