use super::check::{Breach, validate, validate_on};
use super::*;
use crate::bound::{Reason, Shared};
use crate::critical_path::sample::{
    Shape, add_agent, add_milestone, add_task, elapsed, empty_plan, exclude, give_hours, need,
    random_plan, task_mut, working,
};
use crate::plan::{By, Wanted};
use chain::Hold;
use coord_lang::ids::Id;
use coord_lang::time::{DAY_MS, HOUR_MS};
use proptest::prelude::*;

fn shape(tasks: u64, time: u64) -> Shape {
    Shape {
        tasks,
        time,
        unit_ms: 30 * 60_000,
        alternatives: true,
        branches: true,
        limits: true,
        windows: true,
        urgencies: false,
    }
}

/// Week 1 of seed 002: three agents with three tasks each that need nothing.
fn week_one() -> Plan {
    let mut plan = empty_plan();
    plan.origin_ms = Some(1_754_870_400_000); // Monday 2025-08-11, 00:00 UTC
    for agent in ["infrastructure", "frontend", "backend"] {
        let agent = add_agent(&mut plan, agent, 1);
        for days in [2, 1, 2] {
            let span = working(days * 8 * HOUR_MS);
            add_task(&mut plan, By::All(vec![agent]), Some(span), vec![]);
        }
    }
    plan
}

#[test]
fn week_one_takes_two_days_of_logic_and_five_of_people() {
    let plan = week_one();
    let schedule = schedule(&plan, &Options::default());
    let evening = |day: i64| day * DAY_MS + 17 * HOUR_MS;
    assert_eq!(schedule.logical_makespan_ms, evening(1), "Tuesday");
    assert_eq!(schedule.makespan_ms, evening(4), "Friday");
    assert_eq!(schedule.lower_bound.ms, evening(4));
    assert!(schedule.optimal);
    assert_eq!(
        schedule.lower_bound.describe(&plan, 8 * HOUR_MS),
        "agent infrastructure has 5wd of work, one task at a time"
    );
    assert!(
        schedule
            .agents
            .values()
            .all(|load| load.per_mille() == 1000 && load.tasks == 3)
    );
    assert_eq!(schedule.chain.len(), 3);
    assert_eq!(schedule.chain[0].holds, Hold::Start);
    assert!(matches!(schedule.chain[1].holds, Hold::Agent { .. }));
    assert!(schedule.turns.is_empty());
}

#[test]
fn claims_take_turns() {
    let mut plan = empty_plan();
    let by = By::All(vec![add_agent(&mut plan, "a", 5)]);
    let first = add_task(&mut plan, by.clone(), Some(elapsed(10)), vec![]);
    let second = add_task(&mut plan, by, Some(elapsed(7)), vec![]);
    let claim = exclude(&mut plan, first, second);
    let schedule = schedule(&plan, &Options::default());
    assert_eq!((schedule.makespan_ms, schedule.optimal), (17, true));
    assert_eq!(
        schedule.turns,
        [Turn {
            claim,
            first,
            then: second,
            waited_ms: 10
        }]
    );
    let Reason::Energy(energy) = &schedule.lower_bound.reason else {
        panic!("no energy")
    };
    assert_eq!(energy.of, Shared::Resource(claim));
    assert_eq!(schedule.chain[1].holds, Hold::Claim { claim, with: first });
}

#[test]
fn the_more_urgent_goes_first() {
    let mut plan = empty_plan();
    let by = By::All(vec![add_agent(&mut plan, "a", 1)]);
    let long = add_task(&mut plan, by.clone(), Some(elapsed(100)), vec![]);
    let _after = add_task(
        &mut plan,
        By::All(vec![]),
        Some(elapsed(100)),
        vec![need(long)],
    );
    let urgent = add_task(&mut plan, by, Some(elapsed(10)), vec![]);
    task_mut(&mut plan, urgent).priority = 0;
    let schedule = schedule(&plan, &Options::default());
    assert_eq!(schedule.nodes[urgent].start_ms, 0);
    assert_eq!(schedule.makespan_ms, 210);
}

#[test]
fn deadlines_and_milestones_say_by_how_much() {
    let mut plan = week_one();
    let last = NodeId(2);
    task_mut(&mut plan, last).deadline_ms = Some(2 * DAY_MS);
    let milestone = add_milestone(&mut plan, (0..9).map(|id| need(NodeId(id))).collect());
    if let NodeKind::Milestone(due) = &mut plan.nodes[milestone].kind {
        due.due_ms = Some(5 * DAY_MS);
    }
    let schedule = schedule(&plan, &Options::default());
    let due = schedule.deadlines[0];
    assert_eq!(due.logical_late_ms(), -7 * HOUR_MS);
    assert!(
        due.is_met(),
        "the order of equals is free, so the one with a deadline goes first"
    );
    assert_eq!(schedule.milestones[0].late_ms(), -7 * HOUR_MS);
}

#[test]
fn any_of_spreads_work() {
    let mut plan = empty_plan();
    let agents: Vec<AgentId> = ["a", "b", "c"]
        .iter()
        .map(|name| add_agent(&mut plan, name, 1))
        .collect();
    for _ in 0..9 {
        add_task(
            &mut plan,
            By::Any(agents.clone()),
            Some(elapsed(10)),
            vec![],
        );
    }
    let schedule = schedule(&plan, &Options::default());
    assert_eq!((schedule.makespan_ms, schedule.optimal), (30, true));
    assert!(schedule.agents.values().all(|load| load.tasks == 3));
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let plan = week_one();
    let good = schedule(&plan, &Options::default());
    let breach = |change: fn(&mut Schedule)| {
        let mut bad = good.clone();
        change(&mut bad);
        validate(&plan, &bad).unwrap_err()
    };
    assert_eq!(breach(|s| s.makespan_ms += 1), Breach::Makespan);
    assert_eq!(breach(|s| s.lower_bound.ms += 1), Breach::LowerBound);
    assert_eq!(
        breach(|s| s.nodes[NodeId(0)].start_ms = 0),
        Breach::Start { node: NodeId(0) }
    );
    assert_eq!(
        breach(|s| s.nodes[NodeId(0)].finish_ms += 1),
        Breach::Length { node: NodeId(0) }
    );
    assert_eq!(
        breach(|s| s.nodes[NodeId(0)].agents.clear()),
        Breach::Agents { node: NodeId(0) }
    );
    let overload = breach(|s| s.nodes[NodeId(1)] = s.nodes[NodeId(1)].clone().at(9 * HOUR_MS));
    let expected = Breach::AgentOverload {
        agent: AgentId(0),
        at_ms: 9 * HOUR_MS,
    };
    assert_eq!(overload, expected);
}

impl NodeSchedule {
    /// Moved to a morning.
    fn at(mut self, start_ms: i64) -> NodeSchedule {
        self.start_ms = start_ms;
        self.finish_ms = start_ms + 8 * HOUR_MS;
        self
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_schedule_holds(
        seed: u64, tasks in 1u64..50, time in 0u64..3, urgencies: bool, own_hours: bool,
    ) {
        let mut plan = random_plan(seed, Shape { urgencies, ..shape(tasks, time) });
        if own_hours {
            give_hours(&mut plan, seed);
        }
        let calendars = Calendars::of(&plan);
        for (search_limit, budget) in [(0, 0), (2_500, 0), (2_500, 20_000)] {
            let options = Options { cores: 3, search_limit, budget, seed };
            let schedule = schedule_on(&plan, &calendars, &options, &Stop::default());
            prop_assert_eq!(validate_on(&plan, &calendars, &schedule), Ok(()));
            prop_assert!(schedule.logical_makespan_ms <= schedule.lower_bound.ms);
            prop_assert!(schedule.lower_bound.ms <= schedule.makespan_ms);
            chain_is_unbroken(&schedule)?;
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_same_plan_gives_the_same_schedule(seed: u64, tasks in 1u64..30) {
        let options = Options { budget: 200_000, seed, ..Options::default() };
        for time in 0..3 {
            let plan = random_plan(seed, shape(tasks, time));
            prop_assert_eq!(schedule(&plan, &options), schedule(&plan, &options));
        }
    }
}

fn chain_is_unbroken(schedule: &Schedule) -> Result<(), TestCaseError> {
    for (at, link) in schedule.chain.iter().enumerate() {
        let before = match link.holds {
            Hold::Start | Hold::Window => {
                prop_assert_eq!(at, 0, "{:?}", schedule.chain);
                continue;
            }
            Hold::Need { on, .. } => on,
            Hold::Claim { with, .. }
            | Hold::Agent { with, .. }
            | Hold::Resource { with, .. }
            | Hold::Parallel { with } => with,
        };
        prop_assert_eq!(schedule.chain[at - 1].node, before);
        prop_assert!(schedule.nodes[before].finish_ms <= schedule.nodes[link.node].start_ms);
    }
    if let Some(first) = schedule.chain.first() {
        let plan_start = schedule.nodes[first.node].start_ms;
        let window = first.holds == Hold::Window;
        prop_assert!(
            window || plan_start <= 7 * DAY_MS,
            "starts with the plan: {:?}",
            schedule
        );
    }
    Ok(())
}

/// The shortest makespan of a small plan: every order, every choice of agents and alternatives,
/// each task at the first half hour that is free by looking at all others.
struct Brute<'a> {
    plan: &'a Plan,
    calendars: &'a Calendars,
    cores: u32,
    off: Table<NodeId, bool>,
    best: i64,
    times: Vec<Option<(i64, i64)>>,
    agents: Vec<Vec<AgentId>>,
}

const STEP_MS: i64 = 30 * 60_000;

impl Brute<'_> {
    fn span(&self, id: NodeId) -> crate::plan::Span {
        let estimate = self
            .plan
            .task(id)
            .filter(|_| !self.off[id])
            .and_then(|t| t.estimate);
        estimate.map_or(elapsed(0), |estimate| estimate.likely)
    }

    fn ready(&self, id: NodeId) -> Option<i64> {
        let mut ready = self.plan.nodes[id].not_before_ms.unwrap_or(0);
        for need in &self.plan.nodes[id].needs {
            let mut expected = need
                .nodes()
                .filter(|&on| self.off[id] || !self.off[on])
                .peekable();
            if expected.peek().is_none() {
                continue;
            }
            ready = ready.max(
                expected
                    .filter_map(|on| Some(self.times[on.index()]?.1))
                    .min()?,
            );
        }
        Some(ready)
    }

    fn search(&mut self) {
        if self.times.iter().all(Option::is_some) {
            let ends = self.plan.nodes.ids().filter(|&id| !self.off[id]);
            let makespan = ends.filter_map(|id| Some(self.times[id.index()]?.1)).max();
            self.best = self.best.min(makespan.unwrap_or(0));
            return;
        }
        for id in self.plan.nodes.ids() {
            if self.times[id.index()].is_some() {
                continue;
            }
            let Some(ready) = self.ready(id) else {
                continue;
            };
            for agents in self.choices(id) {
                self.agents[id.index()] = agents;
                self.times[id.index()] = Some(self.first_free(id, ready));
                self.search();
                self.times[id.index()] = None;
            }
            // what takes no time and has all it may wait for is in nobody's way: no other order
            let needs = &self.plan.nodes[id].needs;
            let all_placed =
                |need: &crate::plan::Need| need.nodes().all(|on| self.times[on.index()].is_some());
            if self.span(id).ms == 0 && needs.iter().all(all_placed) {
                return;
            }
        }
    }

    fn choices(&self, id: NodeId) -> Vec<Vec<AgentId>> {
        match self.plan.task(id).map(|task| &task.by) {
            _ if self.span(id).ms == 0 => vec![Vec::new()],
            Some(By::Any(any)) if !any.is_empty() => any.iter().map(|&a| vec![a]).collect(),
            Some(By::All(all)) => vec![all.clone()],
            _ => vec![Vec::new()],
        }
    }

    fn first_free(&self, id: NodeId, ready: i64) -> (i64, i64) {
        let span = self.span(id);
        if span.ms == 0 {
            return (ready, ready);
        }
        let mut start = ready;
        loop {
            let calendar = self.calendars.placed(id, &self.agents[id.index()]);
            if !span.working || calendar.next_working(start) == start {
                let finish = calendar.finish(span, start);
                let mut at = start;
                while at < finish && self.fits(id, at) {
                    at += STEP_MS;
                }
                if at >= finish {
                    return (start, finish);
                }
            }
            start += STEP_MS;
        }
    }

    /// Whether there is room for one more at an instant.
    fn fits(&self, id: NodeId, at: i64) -> bool {
        let running: Vec<NodeId> = self
            .plan
            .nodes
            .ids()
            .filter(|other| {
                let times = self.times[other.index()];
                *other != id && times.is_some_and(|(start, end)| start <= at && at < end)
            })
            .collect();
        let agents_fit = self.agents[id.index()].iter().all(|agent| {
            let busy = running
                .iter()
                .filter(|o| self.agents[o.index()].contains(agent))
                .count();
            let capacity = match self.plan.agents[*agent].capacity {
                0 => self.cores,
                capacity => capacity,
            };
            busy < capacity as usize
        });
        let uses = |node: NodeId, resource| {
            let uses = self.plan.task(node).map_or(&[][..], |task| &task.uses);
            uses.iter()
                .filter(|(used, _)| *used == resource)
                .map(|(_, n)| *n)
                .sum::<u32>()
        };
        let resources_fit = self.plan.resources.iter().all(|(resource, pool)| {
            let taken: u32 = running.iter().map(|&other| uses(other, resource)).sum();
            taken + uses(id, resource) <= pool.capacity || uses(id, resource) == 0
        });
        let parallel_fits = self
            .plan
            .parallel
            .is_none_or(|cap| running.len() < cap as usize);
        agents_fit && resources_fit && parallel_fits
    }
}

fn optimum(plan: &Plan, calendars: &Calendars, cores: u32) -> i64 {
    let nodes = plan.nodes.len();
    let mut brute = Brute {
        plan,
        calendars,
        cores,
        off: crate::critical_path::network::contingent(plan),
        best: i64::MAX,
        times: vec![None; nodes],
        agents: vec![Vec::new(); nodes],
    };
    brute.search();
    brute.best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_is_shorter_than_the_bound(
        seed: u64, tasks in 1u64..8, time in 0u64..3, own_hours: bool,
    ) {
        let mut plan = random_plan(seed, shape(tasks, time));
        if own_hours {
            give_hours(&mut plan, seed);
        }
        plan.origin_ms = plan.origin_ms.map(|origin| origin - origin % STEP_MS);
        let calendars = Calendars::of(&plan);
        let options = Options { budget: 300_000, ..Options::default() };
        let schedule = schedule(&plan, &options);
        let optimum = optimum(&plan, &calendars, options.cores);
        prop_assert!(schedule.lower_bound.ms <= optimum, "{:?}", schedule.lower_bound);
        prop_assert!(optimum <= schedule.makespan_ms);
        prop_assert!(!schedule.optimal || optimum == schedule.makespan_ms);
        prop_assert_eq!(validate_on(&plan, &calendars, &schedule), Ok(()));
    }
}

#[test]
fn a_branch_for_a_failure_holds_nothing_up() {
    let mut plan = empty_plan();
    let agent = add_agent(&mut plan, "a", 1);
    let by = || By::All(vec![agent]);
    let build = add_task(&mut plan, by(), Some(elapsed(10)), vec![]);
    let failed = crate::plan::Need {
        wanted: Wanted::Failed,
        ..need(build)
    };
    let repair = add_task(&mut plan, by(), Some(elapsed(500)), vec![failed]);
    let ship = add_task(&mut plan, by(), Some(elapsed(10)), vec![need(build)]);
    let schedule = schedule(&plan, &Options::default());
    assert_eq!((schedule.makespan_ms, schedule.optimal), (20, true));
    assert!(schedule.nodes[repair].agents.is_empty());
    assert_eq!(
        schedule
            .chain
            .iter()
            .map(|link| link.node)
            .collect::<Vec<_>>(),
        [build, ship]
    );
}

#[test]
fn an_empty_plan_has_an_empty_schedule() {
    let schedule = schedule(&empty_plan(), &Options::default());
    assert_eq!((schedule.makespan_ms, schedule.optimal), (0, true));
}
