//! The levelled schedule: the logical path with agents, resources, claims and `parallel` counted.
//!
//! The problem is the resource-constrained project scheduling problem (RCPSP) with calendars,
//! alternatives. It is NP-hard: good priority rules give a plan at once, and a search makes it
//! better for as long as it may. Cheap bounds are [`crate::bound`]'s; the search may prove more.
//! It does not explain itself (that is [`crate::schedule`]).
//!
//! What holds:
//! - An agent has `capacity` slots; `local` (capacity 0) has one per core. `by [a, b]` takes a slot
//!   of each, `by any of` one of the agent that has it done first (of equals the one with the
//!   least work so far, then the first written). Resources, write claims among them, are taken
//!   while the task is at work,
//!   `parallel` counts tasks at work. A demand above its capacity counts as the whole capacity.
//! - A task is not interrupted: in working time it keeps its agent overnight. A task without
//!   length takes nothing.
//! - **Order.** Among tasks that are ready, the more urgent `priority` goes first, and only then
//!   what a rule says, as in a run. When all tasks are equally urgent, forward-backward
//!   improvement may reorder everything.
//! - The same plan gives the same schedule: all ties are broken by plan order, and effort is
//!   counted in placements of single tasks, not in seconds. A [`Stop`] that is raised from
//!   outside is the exception, and is told ([`End::Stopped`]).
//!
//! First the instant plan. Up to [`Options::search_limit`] nodes, six rules through two generation
//! schemes, each with forward-backward improvement; above, three rules through the event-driven
//! scheme, which is near linear. Then, when that may not be the shortest and there is a budget,
//! the `search`: a genetic search and a prover on the `compact` form of the problem. Where the
//! order of urgency or several calendars leave no such form, `wander` changes the best order bit
//! by bit.
//!
//! Sources: serial and parallel schedule generation, Kelley 1963, Bedworth & Bailey 1982, and
//! Kolisch 1996 (*Serial and parallel resource-constrained project scheduling methods
//! revisited*), also for the rules; forward-backward improvement, Li & Willis 1992, in the form of
//! Tormos & Lova 2001. The search names its own.

mod compact;
pub mod forecast;
mod genetic;
mod parallel;
mod problem;
mod prover;
mod random;
mod room;
mod rules;
mod scheme;
mod search;
mod serial;
mod wander;

use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use compact::Compact;
use coord_lang::ids::{AgentId, NodeId, Table};
use problem::{Problem, Solution};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// About what one thread does in a second, measured on projects of 120 tasks.
pub const PLACEMENTS_PER_SECOND: u64 = 40_000_000;

/// What a schedule depends on besides the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Slots of an agent with capacity 0: the cores of the machine.
    pub cores: u32,
    /// Up to so many nodes, many rules are tried.
    pub search_limit: usize,
    /// How much the search may do beyond the rules, on each of its threads: placements of single
    /// tasks, of which [`PLACEMENTS_PER_SECOND`] take about a second. 0 leaves it at the rules.
    pub budget: u64,
    /// Where the search's random numbers start.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cores: 2,
            search_limit: 2_500,
            budget: 0,
            seed: 1,
        }
    }
}

/// Times and agents of every node, in ms from the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levelled {
    pub start: Table<NodeId, i64>,
    pub finish: Table<NodeId, i64>,
    /// Who does it: nobody for what is no task or takes no time.
    pub agents: Table<NodeId, Vec<AgentId>>,
    pub makespan_ms: i64,
    /// No schedule is shorter: what was known before, or what the search proved.
    pub bound_ms: i64,
    pub end: End,
    /// Placements that the search counted, of all its threads.
    pub work: u64,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// There was none: rules alone, which are enough or all there was time for.
    Rules,
    /// Nothing shorter exists.
    Optimal,
    /// It found nothing better for a long time.
    NothingBetter,
    /// It did what it was allowed to do.
    Budget,
    /// Somebody raised the [`Stop`]: with more time it might have come out differently.
    Stopped,
}

/// Raised by whoever has a clock, to end a search before its budget. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Levels a plan that no schedule can do in less than `bound_ms`.
pub fn level(
    network: &Network,
    calendars: &Calendars,
    options: &Options,
    bound_ms: i64,
    stop: &Stop,
) -> Levelled {
    let problem = Problem::new(network, calendars, options);
    let mut search = Search {
        problem: &problem,
        bound_ms,
        best: None,
        end: End::Rules,
        work: 0,
    };
    if network.len() <= options.search_limit {
        search.try_many();
        search.improve(options, stop);
    } else {
        search.try_few();
    }
    let mut levelled = match &search.best {
        Some((_, best)) => problem.on_the_clock(best),
        None => problem.on_the_clock(&Solution::empty(network.len())),
    };
    levelled.bound_ms = search.bound_ms;
    levelled.end = search.end;
    levelled.work = search.work;
    levelled
}

/// Lays the work out in the order of these starts, each task at its earliest place among those
/// before it; a large plan by the event-driven scheme.
pub fn follow(
    network: &Network,
    calendars: &Calendars,
    options: &Options,
    starts: &Table<NodeId, i64>,
) -> Levelled {
    let problem = Problem::new(network, calendars, options);
    let mut nodes: Vec<u32> = (0..network.len() as u32).collect();
    nodes.sort_unstable_by_key(|&node| (starts[NodeId(node)], problem.position[node as usize]));
    let mut order = vec![0; nodes.len()];
    for (place, &node) in nodes.iter().enumerate() {
        order[node as usize] = place as u32;
    }
    let solution = match network.len() <= options.search_limit {
        true => serial::schedule(&problem, &rules::list(&problem, &order)),
        false => parallel::schedule(&problem, &order),
    };
    problem.on_the_clock(&solution)
}

/// The best schedule so far.
struct Search<'a, 'n> {
    problem: &'a Problem<'n>,
    bound_ms: i64,
    best: Option<((i64, i64), Solution)>,
    end: End,
    work: u64,
}

impl Search<'_, '_> {
    fn try_few(&mut self) {
        for rule in rules::FEW {
            let order = rules::order(self.problem, rule);
            self.offer(parallel::schedule(self.problem, &order));
            if self.is_done() {
                return;
            }
        }
    }

    fn try_many(&mut self) {
        let mut seen: Vec<Vec<u32>> = Vec::new();
        for rule in rules::MANY {
            let order = rules::order(self.problem, rule);
            if seen.contains(&order) {
                continue;
            }
            for parallel in [true, false] {
                let solution = if parallel {
                    parallel::schedule(self.problem, &order)
                } else {
                    serial::schedule(self.problem, &rules::list(self.problem, &order))
                };
                self.offer_improved(solution);
                if self.is_done() {
                    return;
                }
            }
            seen.push(order);
        }
    }

    /// Takes a schedule, and what becomes of it as long as justifying it makes it shorter.
    fn offer_improved(&mut self, mut solution: Solution) {
        loop {
            self.offer(solution.clone());
            if self.is_done() || !self.problem.equally_urgent() {
                return;
            }
            let better = serial::justify(self.problem, &solution);
            if better.makespan >= solution.makespan {
                self.offer(better);
                return;
            }
            solution = better;
        }
    }

    /// Spends the budget.
    fn improve(&mut self, options: &Options, stop: &Stop) {
        let Some((_, first)) = &self.best else {
            return;
        };
        if options.budget == 0 || self.is_done() {
            return;
        }
        let compact = match self.problem.equally_urgent() {
            true => Compact::new(self.problem),
            false => None,
        };
        let found = compact.and_then(|compact| {
            let lower = compact.units(self.problem.clock_to_axis(self.bound_ms));
            let list = compact.list(&first.start);
            let found = search::search(&compact, &list, lower, options, stop)?;
            let proven = self
                .problem
                .clock_makespan(i64::from(found.lower) * compact.unit);
            Some((found, proven))
        });
        let (solution, end, work) = match found {
            Some((found, proven)) => {
                self.bound_ms = self.bound_ms.max(proven);
                (found.solution, found.end, found.work)
            }
            None => {
                let is_best = |solution: &Solution| self.cannot_be_better(&self.value(solution));
                let (best, end, work) = wander::wander(self.problem, first, is_best, options, stop);
                (Some(best), end, work)
            }
        };
        if let Some(solution) = solution {
            self.offer(solution);
        }
        self.end = end;
        self.work = work;
    }

    fn value(&self, solution: &Solution) -> (i64, i64) {
        (solution.makespan, self.problem.lateness(solution))
    }

    fn offer(&mut self, solution: Solution) {
        let value = self.value(&solution);
        if self.best.as_ref().is_none_or(|(best, _)| value < *best) {
            self.best = Some((value, solution));
        }
    }

    fn is_done(&self) -> bool {
        self.best
            .as_ref()
            .is_some_and(|(value, _)| self.cannot_be_better(value))
    }

    /// Nothing shorter exists, and no deadline is missed.
    fn cannot_be_better(&self, &(makespan, lateness): &(i64, i64)) -> bool {
        lateness == 0 && self.problem.clock_makespan(makespan) <= self.bound_ms
    }
}
