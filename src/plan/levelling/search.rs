//! The search beyond the rules: two islands of the genetic search on two threads, and in turn with
//! the second of them the prover.
//!
//! What comes out depends on the plan, the seed and the amount of work, never on how fast a thread
//! is: the work is cut into rounds, everybody does its share of a round to the end, and results
//! are exchanged between rounds alone.

use super::compact::{Compact, MOST_WORDS};
use super::genetic::{Genetic, Island};
use super::problem::{NONE, Solution};
use super::prover::{Answer, Prover};
use super::room::{Grid, Room, Steps, words};
use super::scheme::Placed;
use super::{End, Options, Stop};
use std::thread;

/// Above, what the prover might rule out is not worth its time.
const PROVER_LIMIT: usize = 300;
/// Makespans in units from here on are too long for the solver's numbers.
const PROVER_HORIZON: u32 = 1 << 26;
/// Up to so many nodes the prover has its thread for itself after the first round, or most of it;
/// above, every fourth round.
const PROVER_FIRST: usize = 40;
const PROVER_OFTEN: usize = 70;
/// What a step of the prover costs, counted like placements: in itself, and for each node.
const STEP: u64 = 1_600;
const STEP_NODE: u64 = 26;
/// Work of the first round.
const FIRST_ROUND: u64 = 50_000;
/// Up to a mean length of so many units, time is kept by unit.
const GRID_LIMIT: u64 = 64;

/// What came of it.
pub(super) struct Found {
    /// The best schedule, when any was found.
    pub(super) solution: Option<Solution>,
    /// No makespan is below, in units.
    pub(super) lower: u32,
    pub(super) end: End,
    /// Placements, of all threads.
    pub(super) work: u64,
}

/// Searches from the schedule that the rules found, given as nodes in the order of their starts,
/// knowing that no makespan is below `lower`. None when the plan has too many pools.
pub(super) fn search(
    compact: &Compact,
    first: &[u32],
    lower: u32,
    options: &Options,
    stop: &Stop,
) -> Option<Found> {
    let islands = [
        island(compact, options.seed, options.budget)?,
        island(compact, options.seed ^ (1 << 63), options.budget)?,
    ];
    let mut search = Search {
        compact,
        islands,
        proving: Proving {
            compact,
            prover: None,
            lower,
            ceiling: u32::MAX,
            found: None,
            work: 0,
        },
        rounds: 0,
    };
    search.invite(first);
    let end = search.run(options.budget, stop);
    Some(Found {
        solution: search.solution(),
        lower: search.proving.lower,
        end,
        work: search.proving.work
            + search
                .islands
                .iter()
                .map(|island| island.work())
                .sum::<u64>(),
    })
}

fn island<'c>(compact: &'c Compact, seed: u64, work: u64) -> Option<Box<dyn Island + 'c>> {
    match words(&compact.lanes) {
        1 => Some(sized::<1>(compact, seed, work)),
        2 => Some(sized::<2>(compact, seed, work)),
        3..=4 => Some(sized::<4>(compact, seed, work)),
        5..=MOST_WORDS => Some(sized::<MOST_WORDS>(compact, seed, work)),
        _ => None,
    }
}

fn sized<const W: usize>(compact: &Compact, seed: u64, work: u64) -> Box<dyn Island + '_> {
    let placed = (0..compact.len()).filter(|&node| compact.take[node] != NONE);
    let lengths: Vec<u64> = placed.map(|node| compact.length[node].into()).collect();
    let sum: u64 = lengths.iter().sum();
    match sum <= GRID_LIMIT * lengths.len() as u64 {
        true => on::<W, Grid<W>>(compact, seed, work),
        false => on::<W, Steps<W>>(compact, seed, work),
    }
}

fn on<const W: usize, R: Room<W> + Send + 'static>(
    compact: &Compact,
    seed: u64,
    work: u64,
) -> Box<dyn Island + '_> {
    Box::new(Genetic::<W, R>::new(compact, seed, work))
}

struct Search<'c> {
    compact: &'c Compact,
    islands: [Box<dyn Island + 'c>; 2],
    proving: Proving<'c>,
    rounds: u32,
}

impl Search<'_> {
    fn run(&mut self, budget: u64, stop: &Stop) -> End {
        let mut done = 0u64;
        loop {
            if self.value() <= u64::from(self.proving.lower) << 32 {
                return End::Optimal;
            }
            if !self.proving.is_useful() && self.is_exhausted() {
                return End::NothingBetter;
            }
            if done >= budget {
                return End::Budget;
            }
            if stop.is_raised() {
                return End::Stopped;
            }
            let most = (budget / 16).max(FIRST_ROUND);
            let share = (done / 2).clamp(FIRST_ROUND, most).min(budget - done);
            self.round(share);
            done += share;
            self.rounds += 1;
        }
    }

    fn is_exhausted(&self) -> bool {
        self.islands.iter().all(|island| island.is_exhausted())
    }

    /// The smaller the plan, the more there is to prove and the less to improve.
    fn is_provers_turn(&self) -> bool {
        let nodes = self.compact.len();
        let turn = if nodes <= PROVER_FIRST {
            self.rounds > 0
        } else if nodes <= PROVER_OFTEN {
            !self.rounds.is_multiple_of(3)
        } else {
            self.rounds % 4 == 3
        };
        self.proving.is_useful() && (turn || self.is_exhausted())
    }

    /// A share of work on each of two threads.
    fn round(&mut self, share: u64) {
        let (goal, known) = (self.proving.lower, self.value() >> 32);
        let prove = self.is_provers_turn();
        let [one, two] = &mut self.islands;
        let (first, second) = (one.work() + share, two.work() + share);
        let lists = beside(
            || one.advance(first, goal),
            || match prove {
                true => self.proving.advance(share, known as u32),
                false => {
                    two.advance(second, goal);
                    Vec::new()
                }
            },
        );
        for list in lists {
            self.invite(&list);
        }
    }

    fn invite(&mut self, list: &[u32]) {
        for island in &mut self.islands {
            island.invite(list);
        }
    }

    /// The best schedule and its value; of equals the one of the first island.
    fn best(&self) -> Option<(u64, &Placed)> {
        let bred = self.islands.iter().filter_map(|island| island.best());
        let bred = bred.map(|best| (best.value, &best.placed));
        let proven = self
            .proving
            .found
            .iter()
            .map(|(value, found)| (*value, found));
        bred.chain(proven).min_by_key(|(value, _)| *value)
    }

    fn value(&self) -> u64 {
        self.best().map_or(u64::MAX, |(value, _)| value)
    }

    fn solution(&self) -> Option<Solution> {
        let (_, placed) = self.best()?;
        let compact = self.compact;
        let starts = &placed.start;
        let mut solution = Solution::empty(compact.plan_nodes);
        for (at, &node) in compact.nodes.iter().enumerate() {
            let node = node as usize;
            let end = starts[at] + compact.length[at];
            solution.start[node] = i64::from(starts[at]) * compact.unit;
            solution.finish[node] = i64::from(end) * compact.unit;
            solution.chosen[node] = match (compact.sure[at], placed.chosen.get(at)) {
                (NONE, Some(&chosen)) => chosen,
                (sure, _) => sure,
            };
        }
        solution.makespan = i64::from(placed.makespan) * compact.unit;
        Some(solution)
    }
}

/// What is proven, and whether more can be.
struct Proving<'c> {
    compact: &'c Compact,
    prover: Option<Prover<'c>>,
    /// No makespan is below.
    lower: u32,
    /// There is something so short, as far as the prover sees the plan.
    ceiling: u32,
    /// The best schedule that it found, with its value, where what it finds are schedules.
    found: Option<(u64, Placed)>,
    work: u64,
}

impl<'c> Proving<'c> {
    fn is_useful(&self) -> bool {
        let small = self.compact.len() <= PROVER_LIMIT;
        small && !self.compact.decided && self.lower < self.ceiling
    }

    /// Asks whether there is anything shorter than `known`, and when that is too hard a question,
    /// whether it can be a good deal shorter. Returns what was found, as lists.
    fn advance(&mut self, share: u64, known: u32) -> Vec<Vec<u32>> {
        self.ceiling = match known < PROVER_HORIZON {
            true => self.ceiling.min(known),
            false => self.lower,
        };
        self.work += share;
        let steps = share / (STEP + STEP_NODE * self.compact.len() as u64) + 1;
        let (lower, ceiling) = (self.lower, self.ceiling);
        if lower >= ceiling {
            return Vec::new();
        }
        let mut prover = match self.prover.take() {
            Some(prover) => prover,
            None => Prover::new(self.compact, lower, ceiling),
        };
        let mut lists = Vec::new();
        let mut direct = steps * 3 / 4 + 1;
        let mut top = ceiling;
        while direct > 0 && self.lower < self.ceiling {
            top = self.ceiling - 1;
            if !self.ask(&mut prover, top, &mut direct, &mut lists) {
                break;
            }
        }
        let mut left = steps / 4;
        while left > 0 && self.lower < top.min(self.ceiling) {
            let middle = self.lower + (top - self.lower) / 2;
            let mut part = left / 3 + 1;
            left -= part.min(left);
            if !self.ask(&mut prover, middle, &mut part, &mut lists) {
                top = middle;
            }
            left += part;
        }
        self.prover = Some(prover);
        lists
    }

    /// False when there is no answer.
    fn ask(
        &mut self,
        prover: &mut Prover<'c>,
        at_most: u32,
        steps: &mut u64,
        lists: &mut Vec<Vec<u32>>,
    ) -> bool {
        match prover.ask(at_most, steps) {
            Answer::No => self.lower = self.lower.max(at_most + 1),
            Answer::Yes(placed) => {
                self.ceiling = self.ceiling.min(placed.makespan);
                let mut list: Vec<u32> = (0..placed.start.len() as u32).collect();
                list.sort_by_key(|&node| placed.start[node as usize]);
                lists.push(list);
                let late = self.compact.lateness(&placed.start);
                let value = u64::from(placed.makespan) << 32 | u64::from(late);
                let best = self.found.as_ref();
                if prover.is_exact() && best.is_none_or(|(best, _)| value < *best) {
                    self.found = Some((value, placed));
                }
            }
            Answer::Unknown => return false,
        }
        true
    }
}

/// Runs the first beside the second, or before it when no thread is to be had.
fn beside<T>(first: impl FnOnce() + Send, second: impl FnOnce() -> T) -> T {
    let first = std::sync::Mutex::new(Some(first));
    let take = || first.lock().ok().and_then(|mut first| first.take());
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || {
            if let Some(first) = take() {
                first();
            }
        });
        if thread.is_err()
            && let Some(first) = take()
        {
            first();
        }
        second()
    })
}
