//! What `test`, `simulate` and `verify` have in common: the machine and the day of a run that is
//! played in virtual time. The same everywhere, so that what comes out is.

use coord_engine::Options;
use coord_lang::time::DAY_MS;
use coord_plan::plan::Plan;

/// No run goes on for longer.
pub(crate) const LONGEST_MS: i64 = 3 * 366 * DAY_MS;
/// More than this many things that happen are a loop.
pub(crate) const STEPS: usize = 2_000_000;
/// Machine tasks at work at once, as on a machine of some size.
pub(crate) const CORES: u32 = 8;
/// Monday, 2025-01-06: where a project that does not say when it starts begins.
const SOME_MONDAY_MS: i64 = 1_736_121_600_000;

/// When the run starts.
pub(crate) fn start_ms(plan: &Plan) -> i64 {
    plan.origin_ms.unwrap_or(SOME_MONDAY_MS)
}

/// A project that says when it starts keeps to its calendar.
pub(crate) fn options(plan: &Plan) -> Options {
    Options {
        cores: CORES,
        respect_calendar: plan.origin_ms.is_some(),
        ..Options::default()
    }
}
