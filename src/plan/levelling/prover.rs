//! Proves that nothing shorter exists, or finds what is shorter: a constraint solver that learns
//! from every dead end (lazy clause generation, Ohrimenko, Stuckey & Codish 2009; for this problem
//! Schutt, Feydy, Stuckey & Wallace 2011, *Explaining the cumulative propagator*).
//!
//! It is asked whether a makespan can be had at all, and a no is a lower bound. Tasks that choose
//! between agents take from all of these together, which may make a yes of a no, never a no of a
//! yes. A compact form that has decided between alternatives must not come here: a no would be
//! about that decision alone.

use super::compact::{Compact, Take};
use super::problem::NONE;
use pumpkin_conflict_resolvers::resolvers::ResolutionResolver;
use pumpkin_constraints::{cumulative, less_than_or_equals};
use pumpkin_core::branching::{Brancher, BrancherEvent, SelectionContext};
use pumpkin_core::predicate;
use pumpkin_core::predicates::Predicate;
use pumpkin_core::results::{
    ProblemSolution, SatisfactionResultUnderAssumptions, SolutionReference,
};
use pumpkin_core::termination::TerminationCondition;
use pumpkin_core::variables::{DomainId, TransformableVariable};
use pumpkin_core::{DefaultBrancher, Solver};
use std::cell::Cell;
use std::rc::Rc;

/// Sums that the solver counts in stay below.
const LARGEST: i64 = 1 << 30;

/// What became of a question.
pub(super) enum Answer {
    /// No schedule is that short.
    No,
    /// Starts of all nodes, in units. With choices of agents it need not be a schedule.
    Yes(Vec<u32>),
    /// The effort ran out.
    Unknown,
}

/// Counts the solver's steps. It ends only right after a decision: a solver that is stopped at the
/// root of its search cannot go on later.
struct Effort {
    left: u64,
    decided: Rc<Cell<bool>>,
}

impl TerminationCondition for Effort {
    fn should_stop(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.decided.replace(false) && self.left == 0
    }
}

/// The solver's own way of choosing, which tells when it has chosen.
#[derive(Debug)]
struct Chooser {
    inner: DefaultBrancher,
    decided: Rc<Cell<bool>>,
}

impl Brancher for Chooser {
    fn next_decision(&mut self, context: &mut SelectionContext) -> Option<Predicate> {
        self.decided.set(true);
        self.inner.next_decision(context)
    }

    fn on_conflict(&mut self) {
        self.inner.on_conflict();
    }

    fn on_backtrack(&mut self) {
        self.inner.on_backtrack();
    }

    fn on_solution(&mut self, solution: SolutionReference) {
        self.inner.on_solution(solution);
    }

    fn on_unassign_integer(&mut self, variable: DomainId, value: i32) {
        self.inner.on_unassign_integer(variable, value);
    }

    fn on_appearance_in_conflict_predicate(&mut self, predicate: Predicate) {
        self.inner.on_appearance_in_conflict_predicate(predicate);
    }

    fn on_restart(&mut self) {
        self.inner.on_restart();
    }

    fn synchronise(&mut self, context: &mut SelectionContext) {
        self.inner.synchronise(context);
    }

    fn is_restart_pointless(&mut self) -> bool {
        self.inner.is_restart_pointless()
    }

    fn subscribe_to_events(&self) -> Vec<BrancherEvent> {
        self.inner.subscribe_to_events()
    }
}

pub(super) struct Prover<'c> {
    compact: &'c Compact,
    solver: Solver,
    brancher: Chooser,
    resolver: ResolutionResolver,
    starts: Vec<DomainId>,
    makespan: DomainId,
    /// No makespan is below.
    lower: u32,
}

impl<'c> Prover<'c> {
    /// For schedules of a makespan from `lower`, which is proven, to `upper`.
    pub(super) fn new(compact: &'c Compact, lower: u32, upper: u32) -> Prover<'c> {
        let mut solver = Solver::default();
        let latest = |at: usize| upper.saturating_sub(compact.tail[at] + compact.length[at]);
        let mut domain =
            |from: u32, to: u32| solver.new_bounded_integer(from as i32, to.max(from) as i32);
        let starts: Vec<DomainId> = (0..compact.len())
            .map(|at| domain(compact.head[at], latest(at)))
            .collect();
        let makespan = domain(lower, upper);
        let brancher = Chooser {
            inner: solver.default_brancher(),
            decided: Rc::default(),
        };
        let mut prover = Prover {
            compact,
            solver,
            brancher,
            resolver: ResolutionResolver::default(),
            starts,
            makespan,
            lower,
        };
        prover.add_needs();
        prover.add_lanes();
        prover
    }

    /// Whether there is a schedule with a makespan of at most `at_most`. Spends so many steps of
    /// `effort` at most, and takes off what it spent.
    pub(super) fn ask(&mut self, at_most: u32, effort: &mut u64) -> Answer {
        if at_most < self.lower || self.solver.is_inconsistent() {
            return Answer::No;
        }
        let mut budget = Effort {
            left: *effort,
            decided: Rc::clone(&self.brancher.decided),
        };
        let assumed = [predicate![self.makespan <= at_most as i32]];
        let result = self.solver.satisfy_under_assumptions(
            &mut self.brancher,
            &mut budget,
            &mut self.resolver,
            &assumed,
        );
        let answer = match result {
            SatisfactionResultUnderAssumptions::Satisfiable(found) => {
                let solution = found.solution();
                let start = |&start: &DomainId| solution.get_integer_value(start) as u32;
                Answer::Yes(self.starts.iter().map(start).collect())
            }
            SatisfactionResultUnderAssumptions::UnsatisfiableUnderAssumptions(_)
            | SatisfactionResultUnderAssumptions::Unsatisfiable(_) => Answer::No,
            SatisfactionResultUnderAssumptions::Unknown(_) => Answer::Unknown,
        };
        *effort = budget.left;
        if let Answer::No = answer {
            self.lower = at_most + 1;
        }
        answer
    }

    fn add_needs(&mut self) {
        let compact = self.compact;
        for node in 0..compact.len() as u32 {
            let at = node as usize;
            for &before in compact.before.of(node) {
                self.add_order(
                    self.starts[before as usize],
                    self.starts[at],
                    compact.length[before as usize],
                );
            }
            if compact.after.of(node).is_empty() {
                self.add_order(self.starts[at], self.makespan, compact.length[at]);
            }
        }
    }

    /// `after` comes at least so long after `before`.
    fn add_order(&mut self, before: DomainId, after: DomainId, length: u32) {
        let tag = self.solver.new_constraint_tag();
        let terms = vec![before.scaled(1), after.scaled(-1)];
        let order = less_than_or_equals(terms, -(length as i32), tag);
        self.solver.add_constraint(order).post();
    }

    fn add_lanes(&mut self) {
        for lane in 0..self.compact.lanes.len() as u32 {
            let amount = |take: &Take| {
                let mut fixed = take.fixed.iter();
                let fixed = fixed.find(|(taken, _)| *taken == lane);
                match take.any[..] {
                    [only] if only == lane => 1,
                    _ => fixed.map_or(0, |&(_, amount)| amount),
                }
            };
            self.add_cumulative(self.compact.lanes[lane as usize], amount);
        }
        let mut sets: Vec<Vec<u32>> = Vec::new();
        for take in self.compact.takes.iter().filter(|take| take.any.len() > 1) {
            let mut set = take.any.clone();
            set.sort_unstable();
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        for set in sets {
            let capacity = set
                .iter()
                .map(|&lane| self.compact.lanes[lane as usize])
                .sum();
            let amount = |take: &Take| {
                let inside = |lane: &u32| set.contains(lane);
                let chosen = !take.any.is_empty() && take.any.iter().all(inside);
                let fixed = take.fixed.iter().filter(|(lane, _)| inside(lane));
                i64::from(chosen) + fixed.map(|(_, amount)| amount).sum::<i64>()
            };
            self.add_cumulative(capacity, amount);
        }
    }

    fn add_cumulative(&mut self, capacity: i64, amount: impl Fn(&Take) -> i64) {
        let compact = self.compact;
        let amounts: Vec<i64> = compact.takes.iter().map(amount).collect();
        let users: Vec<(usize, i64)> = (0..compact.len())
            .filter(|&at| compact.take[at] != NONE && compact.length[at] > 0)
            .map(|at| (at, amounts[compact.take[at] as usize]))
            .filter(|&(_, amount)| amount > 0)
            .collect();
        let wanted: i64 = users.iter().map(|&(_, amount)| amount).sum();
        // what the solver's numbers cannot hold is left out, and its bound is weaker for that
        if wanted <= capacity || wanted > LARGEST {
            return;
        }
        let tag = self.solver.new_constraint_tag();
        let constraint = cumulative(
            users.iter().map(|&(at, _)| self.starts[at]),
            users.iter().map(|&(at, _)| compact.length[at] as i32),
            users.iter().map(|&(_, amount)| amount as i32),
            capacity as i32,
            tag,
        );
        self.solver.add_constraint(constraint).post();
    }
}
