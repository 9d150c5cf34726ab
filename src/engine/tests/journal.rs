//! Events as a journal keeps them.

use coord_lang::ids::{Id, NodeId};

use super::bench::Bench;
use super::draft::Draft;
use super::random::random_plan;
use crate::simulation::{Chance, Dice, Simulation};
use crate::{Event, Fact, IllegalTransition, Options, RunStatus, State, Status, apply, replay};

#[test]
fn an_event_is_a_small_object_with_its_kind() {
    let fact = Fact::Started {
        node: NodeId(3),
        attempt: 1,
    };
    let event = Event { at_ms: 5, fact };
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(
        text,
        r#"{"at_ms":5,"kind":"task.started","node":3,"attempt":1}"#
    );
}

#[test]
fn every_kind_is_what_its_json_says_and_comes_back_equal() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let plan = random_plan(&mut Dice(seed));
        let mut world = Simulation::new(&plan, Chance::new(seed), 0);
        world
            .start(
                "r",
                Options {
                    cores: 2,
                    lookahead: 2,
                    ..Options::default()
                },
            )
            .unwrap();
        world.run(5_000);
        for event in world.events() {
            let json = serde_json::to_value(event).unwrap();
            assert_eq!(json["kind"], event.fact.kind());
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), *event);
            seen.insert(event.fact.kind());
        }
    }

    assert!(seen.len() >= 30, "{seen:?}");
}

#[test]
fn an_event_that_cannot_follow_is_refused_on_replay() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    let again = Event {
        at_ms: 9_999,
        fact: Fact::Started {
            node: a,
            attempt: 1,
        },
    };
    let illegal = apply(&bench.plan, &mut bench.state, &again).unwrap_err();
    let from = Status::Completed;
    assert_eq!(
        illegal,
        IllegalTransition::Node {
            node: a,
            from,
            kind: "task.started"
        }
    );
    assert_eq!(
        illegal.to_string(),
        "`task.started` cannot follow when node 0 is completed"
    );
    let events = [Event {
        at_ms: 0,
        fact: Fact::RunPaused,
    }];
    let illegal = replay(&bench.plan, &events).unwrap_err();
    let from = RunStatus::NotStarted;
    assert_eq!(
        illegal,
        IllegalTransition::Run {
            from,
            kind: "run.paused"
        }
    );
}

/// Events of one run thrown at another, in any order: an error or not, but never a panic.
#[test]
fn a_damaged_journal_never_panics() {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let plan = random_plan(&mut dice);
        let other = random_plan(&mut dice);
        let mut world = Simulation::new(&other, Chance::new(seed), 0);
        world.start("r", Options::default()).unwrap();
        world.run(2_000);
        let mut state = State::new(&plan);
        for _ in 0..world.events().len() * 2 {
            let event = &world.events()[dice.below(world.events().len() as u64) as usize];
            drop(apply(&plan, &mut state, event));
        }
        for event in world.events() {
            drop(apply(&plan, &mut state, event));
        }
        assert!(plan.nodes.len() >= NodeId(0).index());
    }
}
