//! Large plans: a step does not depend on how many tasks there are, and nothing recurses.
//!
//! The sizes here keep a debug build quick; `cargo test --release -- --ignored --nocapture figures`
//! prints the figures for 100,000 tasks.

use coord_lang::ids::NodeId;
use coord_plan::plan::{Driver, Plan, Wanted};

use super::draft::Draft;
use crate::{Action, Input, Options, Outcome, RunStatus, State, action_of, replay, step};

fn wide(tasks: u32) -> Plan {
    let mut draft = Draft::new();
    for i in 0..tasks {
        draft.task(&format!("t{i}"), |_| {});
    }
    draft.plan
}

fn chain(tasks: u32) -> Plan {
    let mut plan = Draft { plan: wide(tasks) };
    for i in 1..tasks {
        plan.need(NodeId(i), NodeId(i - 1), Wanted::Done);
    }
    plan.plan
}

/// Every two neighbours exclude each other: as many lanes as pairs.
fn paired(tasks: u32) -> Plan {
    let mut plan = Draft { plan: wide(tasks) };
    for i in (1..tasks).step_by(2) {
        plan.exclude(NodeId(i), NodeId(i - 1));
    }
    plan.plan
}

/// Runs everything to success, first come first served; the number of events.
fn run_through(plan: &Plan) -> (State, Vec<crate::Event>) {
    let mut state = State::new(plan);
    let options = Options {
        cores: 8,
        lookahead: 64,
        ..Options::default()
    };
    let mut events = step(
        plan,
        &mut state,
        0,
        Input::Start {
            run: "r".into(),
            options,
        },
    )
    .unwrap();
    let mut next = 0;
    while next < events.len() {
        let action = action_of(&state, &events[next]);
        next += 1;
        if let Some(Action::Spawn { node, attempt, .. }) = action {
            let (outcome, outputs) = (Outcome::Exit(0), Default::default());
            let end = Input::AttemptEnded {
                node,
                attempt,
                outcome,
                outputs,
                log: None,
            };
            events.extend(step(plan, &mut state, next as i64, end).unwrap());
        }
    }
    (state, events)
}

#[test]
fn wide_and_deep_and_crowded_plans_run_to_their_end() {
    for plan in [wide(5_000), chain(5_000), paired(5_000)] {
        let (state, events) = run_through(&plan);
        assert_eq!(state.status(), RunStatus::Completed);
        assert_eq!(events.len(), 2 + 4 * 5_000);
        assert!(replay(&plan, &events).unwrap() == state);
    }
}

#[test]
fn a_deep_chain_of_skips_does_not_recurse() {
    let mut draft = Draft { plan: wide(20_000) };
    draft.need(NodeId(1), NodeId(0), Wanted::Failed);
    for i in 2..20_000 {
        draft.need(NodeId(i), NodeId(i - 1), Wanted::Failed);
    }
    let (state, _) = run_through(&draft.plan);
    assert_eq!(state.status(), RunStatus::Completed);
}

#[test]
fn many_lanes_are_no_hindrance() {
    let mut draft = Draft::new();
    let agents: Vec<_> = (0..500)
        .map(|i| draft.agent(&format!("a{i}"), 1, Driver::Shell))
        .collect();
    for i in 0..5_000 {
        let agent = agents[i % agents.len()];
        draft.task(&format!("t{i}"), |task| {
            task.by = coord_plan::plan::By::All(vec![agent])
        });
    }
    assert_eq!(run_through(&draft.plan).0.status(), RunStatus::Completed);
}

#[test]
#[ignore = "prints figures; run in release"]
#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn figures() {
    for (name, plan) in [
        ("wide", wide(100_000)),
        ("chain", chain(100_000)),
        ("paired", paired(100_000)),
    ] {
        let start = std::time::Instant::now();
        let (state, events) = run_through(&plan);
        let ran = start.elapsed();
        let start = std::time::Instant::now();
        let again = replay(&plan, &events).unwrap();
        println!(
            "{name}: {} events, run {ran:?}, fold {:?}",
            events.len(),
            start.elapsed()
        );
        assert!(again == state);
        let start = std::time::Instant::now();
        let json: Vec<String> = events
            .iter()
            .map(|e| serde_json::to_string(e).unwrap())
            .collect();
        let bytes: usize = json.iter().map(String::len).sum();
        println!(
            "{name}: {} bytes an event, written in {:?}",
            bytes / events.len(),
            start.elapsed()
        );
        let start = std::time::Instant::now();
        let read: Vec<crate::Event> = json
            .iter()
            .map(|e| serde_json::from_str(e).unwrap())
            .collect();
        println!("{name}: read in {:?}", start.elapsed());
        assert_eq!(read.len(), events.len());
    }
}
