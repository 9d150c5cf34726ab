//! The levelled schedule: the logical path with agents, resources, claims and `parallel` counted.
//!
//! The problem is the resource-constrained project scheduling problem (RCPSP) with calendars,
//! alternatives. It is NP-hard; this is the quick planner, which takes
//! good priority rules and keeps the best schedule. It owns no proof (that is [`crate::bound`])
//! and does not explain itself (that is [`crate::schedule`]).
//!
//! What holds:
//! - An agent has `capacity` slots; `local` (capacity 0) has one per core. `by [a, b]` takes a slot
//!   of each, `by any of` one of the agent that can start it first (of equals the one with the
//!   least work so far, then the first written). Resources, write claims among them, are taken
//!   while the task is at work,
//!   `parallel` counts tasks at work. A demand above its capacity counts as the whole capacity.
//! - A task is not interrupted: in working time it keeps its agent overnight. A task without
//!   length takes nothing.
//! - **Order.** Among tasks that are ready, the more urgent `priority` goes first, and only then
//!   what a rule says, as in a run. When all tasks are equally urgent, forward-backward
//!   improvement may reorder everything.
//! - The same plan gives the same schedule: all ties are broken by plan order, and effort is
//!   counted in schedules, not in seconds.
//!
//! Up to [`Options::search_limit`] nodes, six rules through two generation schemes, each with
//! forward-backward improvement; above, three rules through the event-driven scheme, which is
//! near linear.
//!
//! Sources: serial and parallel schedule generation, Kelley 1963, Bedworth & Bailey 1982, and
//! Kolisch 1996 (*Serial and parallel resource-constrained project scheduling methods
//! revisited*), also for the rules; forward-backward improvement, Li & Willis 1992, in the form of
//! Tormos & Lova 2001.

mod compact;
mod genetic;
mod parallel;
mod problem;
mod prover;
mod random;
mod room;
mod rules;
mod scheme;
mod serial;

use crate::calendar::Calendar;
use crate::critical_path::network::Network;
use coord_lang::ids::{AgentId, NodeId, Table};
use problem::{Problem, Solution};

/// What a schedule depends on besides the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Slots of an agent with capacity 0: the cores of the machine.
    pub cores: u32,
    /// Up to so many nodes, many rules are tried.
    pub search_limit: usize,
    /// How much the search may do beyond the rules: placements of single tasks.
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
}

/// Levels a plan; stops early at a makespan of `bound_ms`, which cannot be beaten.
pub fn level(network: &Network, calendar: &Calendar, options: &Options, bound_ms: i64) -> Levelled {
    let problem = Problem::new(network, calendar, options);
    let mut search = Search {
        problem: &problem,
        bound_ms,
        best: None,
    };
    if network.len() <= options.search_limit {
        search.try_many();
    } else {
        search.try_few();
    }
    if !search.is_done() && options.budget > 0 && let Some(compact) = compact::Compact::new(&problem) {
        let goal = if compact.unit > 0 { (0..compact.len()).map(|i| compact.head[i]+compact.length[i]).max().unwrap_or(0) } else {0};
        let goal = goal.max((bound_ms / compact.unit) as u32);
        let mut g = genetic::Genetic::<1, room::Grid<1>>::new(&compact, options.seed, goal, options.budget);
        g.run();
        let pb: u64 = option_env_num();
        if pb > 0 && let Some(b) = g.best.as_ref().map(|b| b.placed.makespan) && b > goal {
            let mut p = prover::Prover::new(&compact, goal, b - 1);
            let mut e = pb;
            let mut hi = b;
            loop {
                match p.ask(hi - 1, &mut e) {
                    prover::Answer::No => { break; }
                    prover::Answer::Unknown => { break; }
                    prover::Answer::Yes(s) => { hi = s.iter().zip(&compact.length).map(|(a, l)| a + l).max().unwrap_or(0); if hi <= goal { break; } }
                }
            }
            if p.lower() == hi { PROVED.fetch_add(1, std::sync::atomic::Ordering::Relaxed); }
            if hi < b { BETTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed); }
            STEPS.fetch_add(pb - e, std::sync::atomic::Ordering::Relaxed);
        }
        if let Some(b) = &g.best {
            let starts = b.placed.starts(&compact, b.way);
            let mut solution = Solution::empty(network.len());
            for (at, &node) in compact.nodes.iter().enumerate() {
                solution.start[node as usize] = i64::from(starts[at]) * compact.unit;
                solution.finish[node as usize] = i64::from(starts[at] + compact.length[at]) * compact.unit;
            }
            solution.makespan = i64::from(b.placed.makespan) * compact.unit;
            search.offer(solution);
        }
    }
    match search.best {
        Some((_, best)) => problem.on_the_clock(&best),
        None => problem.on_the_clock(&Solution::empty(network.len())),
    }
}

/// The best schedule so far.
struct Search<'a, 'n> {
    problem: &'a Problem<'n>,
    bound_ms: i64,
    best: Option<((i64, i64), Solution)>,
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

    fn offer(&mut self, solution: Solution) {
        let value = (solution.makespan, self.problem.lateness(&solution));
        if self.best.as_ref().is_none_or(|(best, _)| value < *best) {
            self.best = Some((value, solution));
        }
    }

    /// Nothing shorter exists, and no deadline is missed.
    fn is_done(&self) -> bool {
        self.best.as_ref().is_some_and(|((makespan, lateness), _)| {
            *lateness == 0 && self.problem.clock_makespan(*makespan) <= self.bound_ms
        })
    }
}

pub static PROVED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
pub static BETTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
pub static STEPS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
fn option_env_num() -> u64 { std::env::var("PROVE").ok().and_then(|x| x.parse().ok()).unwrap_or(0) }
