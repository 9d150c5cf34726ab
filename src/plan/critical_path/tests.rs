use super::sample::{
    Shape, add_agent, add_milestone, add_task, any_need, elapsed, empty_plan, give_hours, need,
    random_plan, working,
};
use super::*;
use crate::plan::{By, Need};
use coord_lang::time::{DAY_MS, HOUR_MS};
use proptest::prelude::*;

fn paths(plan: &Plan) -> CriticalPath {
    critical_path(&Network::new(plan), &Calendars::of(plan))
}

fn shape(tasks: u64, time: u64) -> Shape {
    Shape {
        tasks,
        time,
        unit_ms: 1_000,
        alternatives: false,
        branches: false,
        limits: false,
        windows: false,
        urgencies: false,
    }
}

/// Longest paths by relaxing every edge until nothing moves, knowing no order.
fn oracle(plan: &Plan) -> (Vec<i64>, Vec<i64>, i64) {
    let length = |id: NodeId| {
        plan.task(id)
            .and_then(|t| t.estimate)
            .map_or(0, |e| e.likely.ms)
    };
    let count = plan.nodes.len();
    let mut start = vec![0i64; count];
    loop {
        let before = start.clone();
        for (id, node) in plan.nodes.iter() {
            for need in &node.needs {
                let ended = need
                    .nodes()
                    .map(|on| start[on.index()] + length(on))
                    .min()
                    .unwrap();
                start[id.index()] = start[id.index()].max(ended);
            }
        }
        if before == start {
            break;
        }
    }
    let end = |id: NodeId| start[id.index()] + length(id);
    let makespan = plan.nodes.ids().map(end).max().unwrap_or(0);
    let mut latest: Vec<i64> = plan.nodes.ids().map(|id| makespan - length(id)).collect();
    loop {
        let before = latest.clone();
        for (id, node) in plan.nodes.iter() {
            for need in &node.needs {
                let on = need.nodes().min_by_key(|&on| end(on)).unwrap();
                latest[on.index()] = latest[on.index()].min(latest[id.index()] - length(on));
            }
        }
        if before == latest {
            break;
        }
    }
    (start, latest, makespan)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn agrees_with_relaxing_every_edge(seed: u64, tasks in 1u64..60, alternatives: bool) {
        let plan = random_plan(seed, Shape { alternatives, ..shape(tasks, 0) });
        let (start, latest, makespan) = oracle(&plan);
        let paths = paths(&plan);
        prop_assert_eq!(paths.makespan_ms, makespan);
        for (id, times) in paths.nodes.iter() {
            prop_assert_eq!(times.earliest_start_ms, start[id.index()]);
            prop_assert_eq!(times.latest_start_ms, latest[id.index()]);
            prop_assert_eq!(times.slack_ms, latest[id.index()] - start[id.index()]);
        }
    }

    #[test]
    fn the_path_is_unbroken_and_as_long_as_the_plan(seed: u64, tasks in 1u64..40, time in 0u64..3) {
        let unit_ms = 40 * 60_000;
        let mut plan = random_plan(seed, Shape {
            unit_ms, alternatives: true, branches: true, windows: true, ..shape(tasks, time)
        });
        if seed % 2 == 0 {
            give_hours(&mut plan, seed);
        }
        let paths = paths(&plan);
        if let Some(last) = paths.path.last() {
            prop_assert_eq!(paths.nodes[last.node].earliest_finish_ms, paths.makespan_ms);
        }
        for (at, step) in paths.path.iter().enumerate() {
            match step.why {
                Why::Need { on, .. } => prop_assert_eq!(paths.path[at - 1].node, on),
                Why::Window | Why::Start => prop_assert_eq!(at, 0),
            }
            prop_assert!(!paths.nodes[step.node].contingent);
        }
        prop_assert!(paths.nodes.values().all(|times| times.slack_ms >= 0));
        prop_assert!(paths.low_makespan_ms <= paths.makespan_ms);
        prop_assert!(paths.makespan_ms <= paths.high_makespan_ms);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What slack means, also with pauses: a window at the latest start changes nothing, one a
    /// millisecond later makes everything late.
    #[test]
    fn slack_is_exact(seed: u64, tasks in 1u64..16, time in 0u64..3, own_hours: bool) {
        let unit_ms = 40 * 60_000;
        let mut plan = random_plan(seed, Shape { unit_ms, windows: true, ..shape(tasks, time) });
        if own_hours {
            give_hours(&mut plan, seed);
        }
        let calendars = Calendars::of(&plan);
        let makespan = |plan: &Plan| critical_path(&Network::new(plan), &calendars).makespan_ms;
        let before = paths(&plan);
        for (id, times) in before.nodes.iter() {
            if times.earliest_finish_ms == times.earliest_start_ms {
                continue;
            }
            let mut delayed = plan.clone();
            delayed.nodes[id].not_before_ms = Some(times.latest_start_ms);
            prop_assert_eq!(makespan(&delayed), before.makespan_ms);
            delayed.nodes[id].not_before_ms = Some(times.latest_start_ms + 1);
            prop_assert!(makespan(&delayed) > before.makespan_ms);
        }
    }
}

#[test]
fn a_milestone_before_the_night_is_critical() {
    let mut plan = empty_plan();
    let agent = add_agent(&mut plan, "a", 1);
    let by = By::All(vec![agent]);
    let first = add_task(&mut plan, by.clone(), Some(working(8 * HOUR_MS)), vec![]);
    let middle = add_milestone(&mut plan, vec![need(first)]);
    let last = add_task(&mut plan, by, Some(working(HOUR_MS)), vec![need(middle)]);
    let paths = paths(&plan);
    assert_eq!(paths.nodes[middle].earliest_start_ms, 8 * HOUR_MS);
    assert!(
        [first, middle, last]
            .iter()
            .all(|&id| paths.nodes[id].critical)
    );
    assert_eq!(paths.nodes[last].earliest_start_ms, DAY_MS);
    assert_eq!(
        paths.path.iter().map(|step| step.node).collect::<Vec<_>>(),
        [first, middle, last]
    );
}

#[test]
fn what_waits_for_a_failure_is_off_the_plan() {
    let mut plan = empty_plan();
    let agent = add_agent(&mut plan, "a", 1);
    let by = || By::All(vec![agent]);
    let build = add_task(&mut plan, by(), Some(elapsed(10)), vec![]);
    let failed = Need {
        wanted: Wanted::Failed,
        ..need(build)
    };
    let repair = add_task(&mut plan, by(), Some(elapsed(500)), vec![failed]);
    let after = add_task(&mut plan, by(), Some(elapsed(500)), vec![need(repair)]);
    let either = add_task(
        &mut plan,
        by(),
        Some(elapsed(5)),
        vec![any_need(&[repair, build])],
    );
    let end = add_milestone(&mut plan, vec![need(build), need(after), need(either)]);
    let paths = paths(&plan);
    assert_eq!(paths.makespan_ms, 15);
    let off: Vec<NodeId> = paths
        .nodes
        .iter()
        .filter(|(_, times)| times.contingent)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(off, [repair, after]);
    assert_eq!(
        paths.path.iter().map(|s| s.node).collect::<Vec<_>>(),
        [build, either, end][..2]
    );
    assert_eq!(paths.nodes[end].earliest_finish_ms, 15);
}

#[test]
fn tasks_without_an_estimate_are_listed() {
    let mut plan = empty_plan();
    let by = By::All(vec![add_agent(&mut plan, "a", 1)]);
    let known = add_task(&mut plan, by.clone(), Some(elapsed(7)), vec![]);
    let unknown = add_task(&mut plan, by, None, vec![need(known)]);
    let paths = paths(&plan);
    assert_eq!(
        (paths.makespan_ms, paths.missing_estimates),
        (7, vec![unknown])
    );
}

#[test]
fn a_chain_of_a_million_is_no_problem() {
    let mut plan = empty_plan();
    let by = By::All(vec![]);
    let mut before = add_task(&mut plan, by.clone(), Some(elapsed(1)), vec![]);
    for _ in 1..1_000_000 {
        before = add_task(&mut plan, by.clone(), Some(elapsed(1)), vec![need(before)]);
    }
    let paths = paths(&plan);
    assert_eq!(
        (paths.makespan_ms, paths.path.len()),
        (1_000_000, 1_000_000)
    );
}
