//! Time: timers come from facts, and time never runs backwards.

use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, limit, retry};
use crate::{Input, Status, Waiting};

#[test]
fn the_next_timer_is_the_earliest_of_all() {
    let mut draft = Draft::new();
    draft.task("slow", |task| task.timeout_ms = Some(500));
    draft.task("slower", |task| task.timeout_ms = Some(900));
    let bench = Bench::start(draft);
    assert_eq!(bench.state.next_due(), Some(1_500));
}

#[test]
fn a_clock_that_runs_backwards_fires_nothing() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.timeout_ms = Some(500));
    let mut bench = Bench::start(draft);
    bench.now_ms = -1_000_000;
    bench.give(Input::Tick);
    assert_eq!(
        (bench.status(a), bench.events.last().unwrap().at_ms),
        (Status::InProgress, 1_000)
    );
}

#[test]
fn a_clock_that_jumps_ahead_fires_everything_once_in_order() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.need(b, a, Wanted::Done).within = limit(100, Otherwise::Proceed).map(Box::new);
    draft.task("c", |task| task.timeout_ms = Some(50));
    let mut bench = Bench::start(draft);
    bench.now_ms += 1_000_000;
    bench.give(Input::Tick);
    bench.give(Input::Tick);
    let kinds = bench.kinds();
    let fired: Vec<_> = kinds
        .iter()
        .filter(|k| k.ends_with("ing") || k.ends_with("expired"))
        .collect();
    assert_eq!(fired, [&"task.terminating", &"need.expired"]);
}

#[test]
fn back_off_is_kept_over_a_crash() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(1, 10_000));
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.state.waiting(), Waiting::ForTime);
    let due = bench.state.next_due();
    bench.now_ms += 5_000;
    bench.crash(bench.events.len(), Vec::new());
    assert_eq!(bench.state.next_due(), due);
}

#[test]
fn a_paused_run_has_no_timers() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(1, 100));
    let mut bench = Bench::start(draft);
    bench.give(Input::Stop { by: None });
    bench.break_down(a);
    assert_eq!(bench.state.next_due(), None);
    bench.now_ms += 1_000;
    bench.give(Input::Tick);
    assert_eq!(bench.status(a), Status::Created);
    bench.give(Input::Resume {
        never_spawned: Vec::new(),
        options: None,
    });
    assert_eq!(bench.status(a), Status::InProgress);
}

#[test]
fn a_limit_is_not_reset_by_what_happens_meanwhile_nor_by_a_crash() {
    let mut draft = Draft::new();
    let slow = draft.task("slow", |task| task.idempotent = true);
    let other = draft.task("other", |_| {});
    let b = draft.task("b", |_| {});
    draft.need(b, slow, Wanted::Done).within = limit(100, Otherwise::Skip).map(Box::new);
    draft.need(b, other, Wanted::Done).within = limit(500, Otherwise::Skip).map(Box::new);
    let mut bench = Bench::start(draft);
    bench.pass(60);
    bench.succeed(other);
    bench.crash(bench.events.len(), Vec::new());
    assert_eq!(bench.state.next_due(), Some(1_100));
    bench.pass(40);
    assert_eq!(bench.status(b), Status::Skipped);
}
