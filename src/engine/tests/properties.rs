//! What holds for every plan and every course of events. A failure names its seed.

use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;

use super::draft::nodes;
use super::random::{random_plan, timeless_plan};
use crate::audit::audit;
use crate::simulation::{Chance, Dice, Simulation};
use crate::{
    Event, Fact, Input, Options, RunStatus, State, Status, Waiting, apply, key, pending_actions,
    replay, snapshot,
};

const STEPS: usize = 20_000;

fn options(dice: &mut Dice) -> Options {
    Options {
        stay_until_ms: None,
        cores: 1 + dice.below(4) as u32,
        lookahead: dice.below(4) as u32,
        parallel: dice.percent(20).then(|| 1 + dice.below(3) as u32),
        fail_fast: false,
        respect_calendar: false,
    }
}

/// From worlds in which all goes well to worlds in which little does.
fn world(seed: u64) -> Chance {
    let mut dice = Dice(seed ^ 0xF00D);
    Chance {
        fails_percent: dice.below(4) * 10,
        check_fails_percent: dice.below(3) * 10,
        rejects_percent: dice.below(3) * 10,
        ..Chance::new(seed)
    }
}

fn simulate(plan: &Plan, seed: u64) -> Simulation<'_, Chance> {
    let mut dice = Dice(seed ^ 0xABCD);
    let mut world = world(seed);
    world.silent_percent = if dice.percent(20) { 20 } else { 0 };
    let mut simulation = Simulation::new(plan, world, 0);
    simulation.start("r", options(&mut dice)).unwrap();
    assert!(simulation.run(STEPS), "seed {seed} does not come to rest");
    simulation
}

#[test]
fn every_log_keeps_every_promise() {
    for seed in 0..800 {
        let plan = random_plan(&mut Dice(seed));
        let simulation = simulate(&plan, seed);
        assert_eq!(audit(&plan, simulation.events()), Ok(()), "seed {seed}");
    }
}

#[test]
fn a_replay_comes_to_the_same_state() {
    for seed in 0..300 {
        let plan = random_plan(&mut Dice(seed));
        let simulation = simulate(&plan, seed);
        let again = replay(&plan, simulation.events()).unwrap();
        assert!(again == *simulation.state(), "seed {seed}");
    }
}

/// Wherever a log is cut, the state as bytes and the rest of the log come to the same state.
#[test]
fn a_snapshot_and_the_rest_come_to_the_same_state() {
    for seed in 0..300 {
        let plan = random_plan(&mut Dice(seed));
        let simulation = simulate(&plan, seed);
        cut_anywhere(&plan, seed, simulation.events(), simulation.state());
    }
}

pub(super) fn cut_anywhere(plan: &Plan, seed: u64, events: &[Event], end: &State) {
    let cut = Dice(seed ^ 0xCAFE).below(events.len() as u64 + 1) as usize;
    let folded = replay(plan, &events[..cut]).unwrap();
    let mut bytes = Vec::new();
    snapshot::write(&folded, &mut bytes).unwrap();
    let mut state = snapshot::read(plan, &bytes).unwrap();
    assert!(state == folded, "seed {seed}, cut {cut}");
    for event in &events[cut..] {
        apply(plan, &mut state, event).unwrap();
    }
    assert!(state == *end, "seed {seed}, cut {cut}");
}

#[test]
fn a_snapshot_of_another_plan_is_refused() {
    let (one, two) = (random_plan(&mut Dice(1)), random_plan(&mut Dice(2)));
    let mut bytes = Vec::new();
    snapshot::write(&State::new(&one), &mut bytes).unwrap();
    assert!(snapshot::read(&two, &bytes).is_err());
    assert!(snapshot::read(&one, &bytes[..bytes.len() / 2]).is_err());
}

#[test]
fn the_same_seed_gives_the_same_log() {
    for seed in 0..30 {
        let plan = random_plan(&mut Dice(seed));
        assert_eq!(
            simulate(&plan, seed).events(),
            simulate(&plan, seed).events(),
            "seed {seed}"
        );
    }
}

/// A run that nothing will ever wake again has ended, or waits for somebody.
#[test]
fn no_run_is_silently_stuck() {
    for seed in 0..800 {
        let plan = random_plan(&mut Dice(seed));
        let simulation = simulate(&plan, seed);
        let waiting = simulation.state().waiting();
        assert!(
            matches!(waiting, Waiting::Ended | Waiting::ForPeople),
            "seed {seed} is {waiting:?}"
        );
    }
}

/// People stop, resume, cancel, retry and skip at random moments.
#[test]
fn promises_hold_while_people_interfere() {
    for seed in 0..200 {
        let mut dice = Dice(seed ^ 0x5EED);
        let plan = random_plan(&mut Dice(seed));
        let mut simulation = Simulation::new(&plan, world(seed), 0);
        simulation.start("r", options(&mut dice)).unwrap();
        for _ in 0..300 {
            if dice.percent(15) {
                drop(simulation.input(interference(&mut dice, &plan)));
            }
            simulation.advance();
        }
        assert_eq!(audit(&plan, simulation.events()), Ok(()), "seed {seed}");
        let again = replay(&plan, simulation.events()).unwrap();
        assert!(again == *simulation.state(), "seed {seed}");
        if simulation.state().status() == RunStatus::Draining {
            assert!(
                simulation.state().waiting() == Waiting::Running,
                "seed {seed}"
            );
        }
    }
}

/// Only inputs that no process is needed for: a resume means that all are dead.
fn interference(dice: &mut Dice, plan: &Plan) -> Input {
    let node = NodeId(dice.below(plan.nodes.len() as u64) as u32);
    match dice.below(40) {
        0..=14 => Input::Retry { node, by: None },
        15..=29 => Input::Skip {
            node,
            by: None,
            reason: "r".into(),
        },
        30..=38 => Input::Tick,
        _ if dice.percent(30) => Input::Cancel {
            by: None,
            reason: "c".into(),
        },
        _ => Input::Stop { by: None },
    }
}

fn ends(plan: &Plan, state: &State) -> (RunStatus, Vec<Status>) {
    (
        state.status(),
        nodes(plan).map(|node| state.node(node).status).collect(),
    )
}

/// Those started attempts of a prefix whose batch had not been committed whole.
fn never_spawned(simulation: &Simulation<'_, Chance>, cut: usize) -> Vec<(NodeId, u32)> {
    let committed = simulation
        .commits()
        .iter()
        .copied()
        .filter(|at| *at <= cut)
        .max()
        .unwrap_or(0);
    let lost = simulation.events()[committed..cut].iter();
    lost.filter_map(|event| match &event.fact {
        Fact::Started { node, attempt } => Some((*node, *attempt)),
        _ => None,
    })
    .collect()
}

#[test]
fn a_crash_at_any_event_changes_nothing_but_the_time() {
    for seed in 0..40 {
        let plan = timeless_plan(&mut Dice(seed), Some(true));
        let whole = simulate_timeless(&plan, seed);
        let expected = ends(&plan, whole.state());
        for cut in 1..whole.events().len() {
            let lost = never_spawned(&whole, cut);
            let (events, at_ms) = (&whole.events()[..cut], whole.events()[cut - 1].at_ms + 7);
            let mut again = Simulation::recover(&plan, world(seed), events, at_ms, lost).unwrap();
            again.run(STEPS);
            assert_eq!(
                ends(&plan, again.state()),
                expected,
                "seed {seed}, cut at {cut}"
            );
            assert_eq!(
                audit(&plan, again.events()),
                Ok(()),
                "seed {seed}, cut at {cut}"
            );
        }
    }
}

fn simulate_timeless(plan: &Plan, seed: u64) -> Simulation<'_, Chance> {
    let mut simulation = Simulation::new(plan, world(seed), 0);
    simulation
        .start("r", options(&mut Dice(seed ^ 0xABCD)))
        .unwrap();
    assert!(simulation.run(STEPS), "seed {seed} does not come to rest");
    simulation
}

#[test]
fn a_crash_never_repeats_what_may_have_happened() {
    for seed in 0..30 {
        let plan = timeless_plan(&mut Dice(seed), Some(false));
        let whole = simulate_timeless(&plan, seed);
        for cut in 1..whole.events().len() {
            let events = &whole.events()[..cut];
            let before = replay(&plan, events).unwrap();
            let open: Vec<NodeId> = nodes(&plan)
                .filter(|node| {
                    before.node(*node).is_at_work() && plan.task(*node).unwrap().program.is_some()
                })
                .collect();
            let at_ms = events[cut - 1].at_ms;
            let again = Simulation::recover(&plan, world(seed), events, at_ms, Vec::new()).unwrap();
            if again.state().status() != RunStatus::Running {
                continue;
            }
            for node in open {
                assert_eq!(
                    again.state().node(node).status,
                    Status::InDoubt,
                    "seed {seed} at {cut}"
                );
            }
        }
    }
}

/// Crashes among stops, skips, retries, limits and time-outs: no promise is broken, and what
/// comes to rest has ended or waits for somebody.
#[test]
fn promises_hold_when_everything_happens_at_once() {
    for seed in 0..200 {
        let mut dice = Dice(seed ^ 0xA11);
        let plan = random_plan(&mut Dice(seed));
        let mut simulation = Simulation::new(&plan, world(seed), 0);
        simulation.start("r", options(&mut dice)).unwrap();
        for _ in 0..200 {
            simulation.advance();
            if dice.percent(10) {
                drop(simulation.input(interference(&mut dice, &plan)));
            }
            if dice.percent(5) {
                let keep = simulation.events().len() - dice.below(4) as usize;
                let events = simulation.events()[..keep.max(1)].to_vec();
                let now_ms = simulation.now_ms();
                simulation =
                    Simulation::recover(&plan, world(seed), &events, now_ms, Vec::new()).unwrap();
            }
        }
        simulation.run(STEPS);
        assert_eq!(audit(&plan, simulation.events()), Ok(()), "seed {seed}");
        assert!(
            replay(&plan, simulation.events()).unwrap() == *simulation.state(),
            "seed {seed}"
        );
        let rests = [Waiting::Ended, Waiting::ForPeople, Waiting::Paused];
        let waiting = simulation.state().waiting();
        assert!(rests.contains(&waiting), "seed {seed} is {waiting:?}");
    }
}

/// A crash during recovery, and one more during that.
#[test]
fn crashes_may_follow_each_other() {
    for seed in 0..200 {
        let mut dice = Dice(seed ^ 0xC0DE);
        let plan = timeless_plan(&mut Dice(seed), Some(true));
        let whole = simulate_timeless(&plan, seed);
        let expected = ends(&plan, whole.state());
        let mut events = whole.events().to_vec();
        let mut last = None;
        for _ in 0..4 {
            let cut = 1 + dice.below(events.len() as u64 - 1) as usize;
            events.truncate(cut);
            let at_ms = events[cut - 1].at_ms;
            let mut again =
                Simulation::recover(&plan, world(seed), &events, at_ms, Vec::new()).unwrap();
            again.run(STEPS);
            events = again.events().to_vec();
            last = Some(ends(&plan, again.state()));
        }
        assert_eq!(last, Some(expected), "seed {seed}");
        assert_eq!(audit(&plan, &events), Ok(()), "seed {seed}");
    }
}

#[test]
fn pending_actions_are_what_the_resume_step_asks_for() {
    for seed in 0..200 {
        let plan = random_plan(&mut Dice(seed));
        let whole = simulate(&plan, seed);
        let cut = whole.events().len() / 2;
        let mut state = replay(&plan, &whole.events()[..cut.max(1)]).unwrap();
        let at_ms = state.now_ms();
        let resume = Input::Resume {
            never_spawned: Vec::new(),
            options: None,
        };
        let Ok(events) = crate::step(&plan, &mut state, at_ms, resume) else {
            continue;
        };
        let asked: Vec<_> = events
            .iter()
            .filter_map(|e| crate::action_of(&state, e))
            .collect();
        let pending = pending_actions(&state);
        // told again, and looked at again
        let still = |action: &&crate::Action| {
            !matches!(
                action,
                crate::Action::Notify { .. } | crate::Action::Look { .. }
            )
        };
        assert!(
            pending.iter().filter(still).all(|a| asked.contains(a)),
            "seed {seed}"
        );
        assert!(
            asked.iter().filter(still).all(|a| pending.contains(a)),
            "seed {seed}"
        );
    }
}

#[test]
fn keys_are_the_same_for_every_attempt_at_the_same_work() {
    let plan = random_plan(&mut Dice(3));
    let simulation = simulate(&plan, 3);
    for node in nodes(&plan) {
        let of = simulation.state().node(node);
        let name = &plan.nodes[node].name;
        assert_eq!(key("r", name, of.generation), key("r", name, 0));
    }
}
