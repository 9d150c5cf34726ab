//! Random rules on top of random plans, and what holds for every course of events with them.
//!
//! A failure names its seed; `COORD_SEED=512 COORD_CRASHES=1 cargo test -p coord-engine show --
//! --ignored --nocapture` shows how it ended, and `COORD_SEEDS=1000` tries more of them.

use super::properties::cut_anywhere;
use crate::trials::course::{Crashes, plan, play, trial};

#[expect(clippy::disallowed_methods, reason = "a test may be told to try more")]
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

fn hold(usual: u64, crashes: Crashes) {
    for seed in 0..told("COORD_SEEDS").unwrap_or(usual) {
        let held = trial(seed, crashes);
        assert!(held.is_ok(), "seed {seed}, crashes {crashes:?}: {held:?}");
    }
}

#[test]
fn every_promise_holds_under_every_rule() {
    hold(250, Crashes::None);
}

#[test]
fn every_promise_holds_under_every_rule_and_crashes() {
    hold(150, Crashes::Many);
}

#[test]
#[ignore = "shows one seed"]
fn show() {
    let seed = told("COORD_SEED").unwrap_or(0);
    let crashes = match told("COORD_CRASHES") {
        Some(1) => Crashes::Many,
        _ => Crashes::None,
    };
    let plan = plan(seed, crashes);
    let simulation = play(&plan, seed, crashes);
    let events = simulation.events();
    for event in &events[events
        .len()
        .saturating_sub(told("COORD_LAST").unwrap_or(60) as usize)..]
    {
        let fact = serde_json::to_string(&event.fact).unwrap();
        let short: String = fact.chars().take(200).collect();
        println!("{} {short}", event.at_ms);
    }
    let state = simulation.state();
    println!("{:?}, {:?}", state.status(), state.waiting());
    println!(
        "at work: {} tasks, checks {:?}, actions {:?}, {:?}",
        state.machine_at_work(),
        state.checks_at_work,
        state.duties_at_work().collect::<Vec<_>>(),
        state.undoing(),
    );
    println!("{:?}", trial(seed, crashes));
}

/// A snapshot anywhere changes nothing, also with every rule.
#[test]
fn a_log_with_rules_may_be_cut_anywhere() {
    for seed in 0..told("COORD_SEEDS").unwrap_or(80) {
        let plan = plan(seed, Crashes::None);
        let simulation = play(&plan, seed, Crashes::None);
        cut_anywhere(&plan, seed, simulation.events(), simulation.state());
    }
}
