//! The trials of single promises, a few seeds each: `cargo xtask torture` tries as many as are
//! promised.

use crate::trials::{attempts, decisions, failover, ladders};

fn hold(seeds: u64, trial: fn(u64) -> Result<u64, String>) {
    let counted: u64 = (0..seeds)
        .map(|seed| trial(seed).unwrap_or_else(|why| panic!("seed {seed}: {why}")))
        .sum();
    assert!(counted > seeds / 2, "it tries nothing: {counted}");
}

#[test]
fn attempts_are_never_more_than_allowed_and_no_back_off_is_reset() {
    hold(1_000, attempts::trial);
}

#[test]
fn a_gate_is_decided_once_whatever_comes_twice_or_late() {
    hold(1_000, decisions::trial);
}

#[test]
fn rungs_come_in_order_once_each_and_in_time() {
    hold(500, ladders::trial);
}

#[test]
fn what_an_attempt_that_is_over_reports_is_dropped() {
    hold(200, failover::trial);
}
