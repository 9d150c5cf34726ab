//! The search for plans that have no compact form: the best list is changed bit by bit, placed by
//! the general schemes, and kept when it is no worse (iterated local search; with
//! forward-backward improvement of every step where the order is free).

use super::problem::{Problem, Solution};
use super::random::Random;
use super::{End, Options, Stop, parallel, serial};
use coord_lang::ids::{Id, NodeId};

/// What a general placement costs, counted in those of the compact search.
const PLACEMENT: u64 = 10;
/// After so many changes in vain for each node, and some more, nothing is expected any more.
const VAIN: usize = 20;
const VAIN_LEAST: usize = 500;
/// Changes are made of up to so many moves.
const MOVES: usize = 4;

/// The best that comes of `from`, how it ended, and the work it took.
pub(super) fn wander(
    problem: &Problem,
    from: &Solution,
    is_best: impl Fn(&Solution) -> bool,
    options: &Options,
    stop: &Stop,
) -> (Solution, End, u64) {
    let mut walk = Walk {
        problem,
        random: Random::new(options.seed),
        place: vec![0; from.start.len()],
        work: 0,
    };
    let mut best = from.clone();
    let mut vain = 0;
    let end = loop {
        if is_best(&best) {
            break End::Optimal;
        }
        if vain > VAIN_LEAST + VAIN * best.start.len() {
            break End::NothingBetter;
        }
        if walk.work >= options.budget {
            break End::Budget;
        }
        if stop.is_raised() {
            break End::Stopped;
        }
        let next = walk.step(&best);
        let (before, after) = (walk.value(&best), walk.value(&next));
        vain = if after < before { 0 } else { vain + 1 };
        if after <= before {
            best = next;
        }
    };
    (best, end, walk.work)
}

struct Walk<'a, 'n> {
    problem: &'a Problem<'n>,
    random: Random,
    place: Vec<u32>,
    work: u64,
}

impl Walk<'_, '_> {
    fn value(&self, solution: &Solution) -> (i64, i64) {
        (solution.makespan, self.problem.lateness(solution))
    }

    fn step(&mut self, from: &Solution) -> Solution {
        let problem = self.problem;
        let mut list: Vec<u32> = (0..from.start.len() as u32).collect();
        list.sort_unstable_by_key(|&node| {
            (from.start[node as usize], problem.position[node as usize])
        });
        self.shake(&mut list);
        if !problem.equally_urgent() {
            self.count(1);
            return parallel::schedule(problem, &self.order(&list));
        }
        self.count(3);
        let forward = serial::schedule(problem, &list);
        let justified = serial::justify(problem, &forward);
        match self.value(&justified) < self.value(&forward) {
            true => justified,
            false => forward,
        }
    }

    fn count(&mut self, schedules: u64) {
        self.work += schedules * PLACEMENT * self.place.len() as u64;
    }

    /// Moves a few nodes to other places that their needs allow.
    fn shake(&mut self, list: &mut [u32]) {
        for (at, &node) in list.iter().enumerate() {
            self.place[node as usize] = at as u32;
        }
        for _ in 0..=self.random.below(MOVES) {
            let from = self.random.below(list.len());
            let (lowest, end) = self.range(NodeId(list[from]), list.len());
            if end <= lowest {
                continue;
            }
            let to = lowest + self.random.below(end - lowest);
            match to < from {
                true => list[to..=from].rotate_right(1),
                false => list[from..=to].rotate_left(1),
            }
            let least = from.min(to);
            for (at, &node) in list[least..=from.max(to)].iter().enumerate() {
                self.place[node as usize] = (least + at) as u32;
            }
        }
    }

    /// Places after all that a node needs and before all that needs it.
    fn range(&self, node: NodeId, nodes: usize) -> (usize, usize) {
        let network = self.problem.network;
        let place = |node: NodeId| self.place[node.index()] as usize;
        let groups = network.groups(node).iter();
        let before = groups
            .flat_map(|&group| network.members(group))
            .map(|&need| place(need) + 1);
        let followers = network.followers(node).iter();
        let after = followers.map(|&group| place(network.group(group as usize).owner));
        (before.max().unwrap_or(0), after.min().unwrap_or(nodes))
    }

    /// The list as an order that keeps to urgency first.
    fn order(&self, list: &[u32]) -> Vec<u32> {
        let mut nodes = list.to_vec();
        nodes.sort_by_key(|&node| self.problem.priority[node as usize]);
        let mut order = vec![0; nodes.len()];
        for (place, &node) in nodes.iter().enumerate() {
            order[node as usize] = place as u32;
        }
        order
    }
}
