//! What a forecast says is held against schedules that are made another way: plans with drawn
//! lengths written into them, one by one.

use super::*;
use crate::critical_path::sample::{Dice, Shape, give_hours, random_plan, task_mut};
use crate::levelling::{Options, parallel};
use crate::plan::{Estimate, Span};
use crate::schedule::schedule;
use coord_lang::time::HOUR_MS;
use proptest::prelude::*;

fn shape(tasks: u64, time: u64) -> Shape {
    Shape {
        tasks,
        time,
        unit_ms: HOUR_MS,
        alternatives: true,
        branches: true,
        limits: true,
        windows: true,
        urgencies: false,
    }
}

fn settings(samples: u32, seed: u64) -> Settings {
    Settings {
        samples,
        seed,
        threads: 2,
    }
}

/// The plan with one way for every length to come out.
fn drawn(plan: &Plan, dice: &mut Dice) -> Plan {
    let mut plan = plan.clone();
    let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
    for id in tasks {
        let task = task_mut(&mut plan, id);
        task.estimate = task.estimate.map(|estimate| {
            let likely = draw(estimate, dice);
            Estimate { likely, ..estimate }
        });
    }
    plan
}

/// By rejection: a point under the triangle.
fn draw(estimate: Estimate, dice: &mut Dice) -> Span {
    let share = |dice: &mut Dice| dice.below(1 << 24) as f64 / f64::from(1 << 24);
    let (low, likely) = (estimate.low.ms as f64, estimate.likely.ms as f64);
    let high = estimate.high.ms as f64;
    if low >= high {
        return estimate.likely;
    }
    loop {
        let at = low + share(dice) * (high - low);
        let height = match at < likely {
            true => (at - low) / (likely - low),
            false => (high - at) / (high - likely),
        };
        if share(dice) < height {
            let ms = (at.round() as i64).max(1);
            return Span {
                ms,
                ..estimate.likely
            };
        }
    }
}

/// The end of a plan by the parallel scheme, in the order of the schedule of the estimates.
fn end_of(plan: &Plan, calendars: &Calendars, order: &[u32], options: &Options) -> i64 {
    let network = Network::new(plan);
    let problem = Problem::new(&network, calendars, options);
    let solution = parallel::schedule(&problem, order);
    problem.on_the_clock(&solution).makespan_ms
}

fn order_of(plan: &Plan, schedule: &Schedule) -> Vec<u32> {
    let network = Network::new(plan);
    let calendars = Calendars::of(plan);
    order(
        &Problem::new(&network, &calendars, &schedule.options),
        schedule,
    )
}

/// So many that two percent points are three standard errors of a share.
const DRAWN: u32 = 6000;

#[test]
fn eight_of_ten_schedules_end_by_the_80_percent() {
    for (seed, time) in [(1, 0), (2, 1), (3, 2)] {
        let mut plan = random_plan(seed, shape(25, time));
        give_hours(&mut plan, seed);
        let schedule = schedule(&plan, &Options::default());
        let found = forecast(&plan, &schedule, &settings(10_000, 1)).unwrap();
        let order = order_of(&plan, &schedule);
        let calendars = Calendars::of(&plan);
        let mut dice = Dice::new(seed + 100);
        let ends: Vec<i64> = (0..DRAWN)
            .map(|_| {
                end_of(
                    &drawn(&plan, &mut dice),
                    &calendars,
                    &order,
                    &schedule.options,
                )
            })
            .collect();
        for percent in [50, 80, 95] {
            let at = found.percentile(percent);
            let below =
                ends.iter().filter(|end| **end < at).count() as f64 * 100.0 / f64::from(DRAWN);
            let by =
                ends.iter().filter(|end| **end <= at).count() as f64 * 100.0 / f64::from(DRAWN);
            // ends that fall on one instant, such as the end of a day, count for both sides
            let wanted = f64::from(percent);
            let holds = below <= wanted + 2.0 && by >= wanted - 2.0;
            assert!(holds, "seed {seed}: p{percent} holds in {below}..{by} %");
        }
    }
}

#[test]
fn what_may_not_vary_comes_out_as_scheduled() {
    let mut plan = random_plan(5, shape(20, 1));
    let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
    for id in tasks {
        let task = task_mut(&mut plan, id);
        task.estimate = task.estimate.map(|estimate| Estimate {
            low: estimate.likely,
            high: estimate.likely,
            ..estimate
        });
    }
    let schedule = schedule(&plan, &Options::default());
    let found = forecast(&plan, &schedule, &settings(100, 1)).unwrap();
    assert!(!found.is_uncertain());
    assert_eq!(found.percentile(95), schedule.makespan_ms);
    assert_eq!(found.drivers(&plan), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Memory that is used again remembers nothing.
    #[test]
    fn a_replay_is_the_parallel_scheme(seed: u64, tasks in 1u64..30, time in 0u64..3) {
        let mut plan = random_plan(seed, shape(tasks, time));
        give_hours(&mut plan, seed);
        let options = Options::default();
        let schedule = schedule(&plan, &options);
        let order = order_of(&plan, &schedule);
        let network = Network::new(&plan);
        let calendars = Calendars::of(&plan);
        let problem = Problem::new(&network, &calendars, &options);
        let mut replay = Replay::new(&problem, &order);
        let mut dice = Dice::new(seed);
        for _ in 0..4 {
            let other = drawn(&plan, &mut dice);
            let other_network = Network::new(&other);
            let lengths: Vec<i64> = other_network.spans.values().map(|s| s.ms.max(0)).collect();
            replay.lengths().copy_from_slice(&lengths);
            let solution = replay.run().clone();
            let other = Problem::new(&other_network, &calendars, &options);
            let expected = parallel::schedule(&other, &order);
            prop_assert_eq!(&solution.start, &expected.start);
            prop_assert_eq!(&solution.finish, &expected.finish);
            for node in 0..lengths.len() as u32 {
                if let Some(cause) = replay.cause(node) {
                    let ended = solution.finish[cause as usize];
                    prop_assert!(ended <= solution.start[node as usize]);
                }
            }
        }
    }

    #[test]
    fn any_number_of_threads_finds_the_same(seed: u64, threads in 1usize..6) {
        let plan = random_plan(seed, shape(20, seed % 3));
        let schedule = schedule(&plan, &Options::default());
        let one = forecast(&plan, &schedule, &Settings { threads: 1, ..settings(97, seed) });
        let many = forecast(&plan, &schedule, &Settings { threads, ..settings(97, seed) });
        prop_assert_eq!(one, many);
    }
}
