//! Proves that nothing shorter exists, or finds what is shorter: a constraint solver that learns
//! from every dead end (lazy clause generation, Ohrimenko, Stuckey & Codish 2009; for this problem
//! Schutt, Feydy, Stuckey & Wallace 2011, *Explaining the cumulative propagator*).
//!
//! It is asked whether a makespan can be had at all, and a no is a lower bound. Tasks that choose
//! between agents take from all of these together, which may make a yes of a no, never a no of a
//! yes. Where each of those agents does one task at a time and they are not too many, who does what
//! is decided, too: two tasks of one agent come one after the other. Then a yes is a schedule. A
//! compact form that has decided between alternatives must not come here: a no would be
//! about that decision alone.

use super::compact::{Compact, Take};
use super::problem::NONE;
use super::scheme::Placed;
use pumpkin_conflict_resolvers::resolvers::ResolutionResolver;
use pumpkin_constraints::{cumulative, less_than_or_equals};
use pumpkin_core::branching::{Brancher, BrancherEvent, SelectionContext};
use pumpkin_core::predicate;
use pumpkin_core::predicates::Predicate;
use pumpkin_core::results::{
    ProblemSolution, SatisfactionResultUnderAssumptions, SolutionReference,
};
use pumpkin_core::termination::TerminationCondition;
use pumpkin_core::variables::{DomainId, Literal, TransformableVariable};
use pumpkin_core::{DefaultBrancher, Solver};
use std::cell::Cell;
use std::rc::Rc;

/// Sums that the solver counts in stay below.
const LARGEST: i64 = 1 << 30;
/// Up to so many pairs of tasks that may get the same agent, it is decided who does what.
const MOST_PAIRS: usize = 3_000;

/// What became of a question.
pub(super) enum Answer {
    /// No schedule is that short.
    No,
    /// Starts of all nodes, in units. With choices of agents it need not be a schedule, unless
    /// [`Prover::is_exact`].
    Yes(Placed),
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
    /// By node: the lanes that it may choose, where that is decided.
    choices: Vec<Vec<(u32, Literal)>>,
    is_exact: bool,
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
            choices: vec![Vec::new(); compact.len()],
            is_exact: true,
            lower,
        };
        prover.add_needs();
        prover.add_lanes();
        prover.add_choices();
        prover
    }

    /// Whether a yes is a schedule.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
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
        let compact = self.compact;
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
                let start: Vec<u32> = self.starts.iter().map(start).collect();
                let mut placed = Placed::empty(compact);
                for (at, chosen) in placed.chosen.iter_mut().enumerate() {
                    let taken = |choice: &&(u32, Literal)| solution.get_literal_value(choice.1);
                    let lane = self.choices[at].iter().find(taken).map(|(lane, _)| *lane);
                    if let Some(lane) = lane.or_else(|| only_choice(compact, at)) {
                        *chosen = compact.pools[lane as usize];
                    }
                }
                let ends = start.iter().zip(&compact.length);
                placed.makespan = ends
                    .map(|(start, length)| start + length)
                    .max()
                    .unwrap_or(0);
                placed.start = start;
                Answer::Yes(placed)
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

    /// Who does what, and that nobody does two things at once.
    fn add_choices(&mut self) {
        let users: Vec<(usize, Vec<u32>, bool)> = (0..self.compact.len())
            .filter_map(|at| self.user(at))
            .collect();
        if !users.iter().any(|(_, _, chooses)| *chooses) {
            return;
        }
        let shares = |one: &[u32], two: &[u32]| one.iter().any(|lane| two.contains(lane));
        let pairs: Vec<(usize, usize)> = (0..users.len())
            .flat_map(|two| (0..two).map(move |one| (one, two)))
            .filter(|&(one, two)| users[one].2 || users[two].2)
            .filter(|&(one, two)| shares(&users[one].1, &users[two].1))
            .collect();
        let choosers = users.iter().filter(|(_, _, chooses)| *chooses);
        let mut lanes = choosers.flat_map(|(_, lanes, _)| lanes);
        let alone = lanes.all(|lane| self.compact.lanes[*lane as usize] == 1);
        if !alone || pairs.len() > MOST_PAIRS {
            self.is_exact = false;
            return;
        }
        for (at, lanes, chooses) in &users {
            if *chooses {
                self.add_choice(*at, lanes);
            }
        }
        for (one, two) in pairs {
            let ((one, lanes, _), (two, others, _)) = (&users[one], &users[two]);
            let shared = lanes.iter().filter(|lane| others.contains(lane));
            let shared: Vec<u32> = shared.copied().collect();
            self.add_turns(*one, *two, &shared);
        }
        // it chooses for what was there when it was made
        self.brancher.inner = self.solver.default_brancher();
    }

    /// A node with the agents that it takes, and whether it chooses one of them.
    fn user(&self, at: usize) -> Option<(usize, Vec<u32>, bool)> {
        let take = self.compact.takes.get(self.compact.take[at] as usize)?;
        if self.compact.length[at] == 0 {
            return None;
        }
        match take.any.len() {
            0 | 1 => {
                let fixed = take.fixed.iter().map(|&(lane, _)| lane);
                let lanes: Vec<u32> = fixed.chain(take.any.iter().copied()).collect();
                Some((at, lanes, false))
            }
            _ => Some((at, take.any.clone(), true)),
        }
    }

    fn add_choice(&mut self, at: usize, lanes: &[u32]) {
        let choices: Vec<(u32, Literal)> = lanes
            .iter()
            .map(|&lane| (lane, self.solver.new_literal()))
            .collect();
        let tag = self.solver.new_constraint_tag();
        let one = choices
            .iter()
            .map(|(_, literal)| literal.get_true_predicate());
        self.solver.add_clause(one, tag);
        self.choices[at] = choices;
    }

    /// When both get the same agent, one comes after the other.
    fn add_turns(&mut self, one: usize, two: usize, shared: &[u32]) {
        let turns = [(one, two), (two, one)].map(|(first, then)| {
            let comes = self.solver.new_literal();
            let tag = self.solver.new_constraint_tag();
            let terms = vec![self.starts[first].scaled(1), self.starts[then].scaled(-1)];
            let order = less_than_or_equals(terms, -(self.compact.length[first] as i32), tag);
            self.solver.add_constraint(order).implied_by(comes);
            comes.get_true_predicate()
        });
        for &lane in shared {
            let not = |at: usize| {
                let mut choices = self.choices[at].iter();
                let choice = choices.find(|(of, _)| *of == lane);
                choice.map(|(_, literal)| literal.get_false_predicate())
            };
            let clause = not(one).into_iter().chain(not(two)).chain(turns);
            let clause: Vec<Predicate> = clause.collect();
            let tag = self.solver.new_constraint_tag();
            self.solver.add_clause(clause, tag);
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
        if wanted <= capacity {
            return;
        }
        if wanted > LARGEST {
            self.is_exact = false;
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

/// The pool of a choice that is none.
fn only_choice(compact: &Compact, at: usize) -> Option<u32> {
    let take = compact.takes.get(compact.take[at] as usize)?;
    match take.any[..] {
        [only] => Some(only),
        _ => None,
    }
}
