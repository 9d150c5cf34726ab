//! The serial scheme: one task after the other, each at its earliest place among those already
//! placed (Kelley 1963), and forward-backward improvement by it (Li & Willis 1992).

use super::problem::{Demand, NONE, Problem, Solution};
use coord_lang::ids::{Id, NodeId};

/// Places nodes in the order of `list`, in which every node comes after one that satisfies each
/// of its needs.
pub(super) fn schedule(problem: &Problem, list: &[u32]) -> Solution {
    let mut placing = Placing::new(problem);
    for &node in list {
        placing.place_forward(node as usize);
    }
    placing.solution
}

/// Moves everything as late as it goes, the last first, and then as early as it goes again. The
/// first move knows no windows and takes lengths as they came out; so it only gives an order.
pub(super) fn justify(problem: &Problem, solution: &Solution) -> Solution {
    let mut late_first: Vec<u32> = (0..solution.start.len() as u32).collect();
    late_first.sort_unstable_by_key(|&node| {
        (
            -solution.finish[node as usize],
            !problem.position[node as usize],
        )
    });
    let mirrored = mirrored(problem, solution, &late_first);
    let mut early_first = late_first;
    early_first
        .sort_unstable_by_key(|&node| (-mirrored[node as usize], problem.position[node as usize]));
    schedule(problem, &early_first)
}

/// Ends of all nodes in mirrored time: how long before the end of everything each may start.
fn mirrored(problem: &Problem, solution: &Solution, list: &[u32]) -> Vec<i64> {
    let network = problem.network;
    let mut placing = Placing::new(problem);
    placing.mirror = Some(solution);
    let mut earliest = vec![0i64; list.len()];
    for &node in list {
        let node = node as usize;
        let finish = placing.place_at(node, earliest[node], solution.chosen[node]);
        if network.contingent[NodeId(node as u32)] {
            continue;
        }
        for &group in network.groups(NodeId(node as u32)) {
            let members = network.members(group).iter().map(|member| member.index());
            if let Some(by) = members.min_by_key(|&member| solution.finish[member]) {
                earliest[by] = earliest[by].max(finish);
            }
        }
    }
    placing.solution.finish
}

struct Placing<'a, 'n> {
    problem: &'a Problem<'n>,
    /// Lengths are those of this schedule, and there is no calendar.
    mirror: Option<&'a Solution>,
    profiles: Vec<Profile>,
    placed: Vec<bool>,
    work: Vec<i64>,
    solution: Solution,
}

impl<'a, 'n> Placing<'a, 'n> {
    fn new(problem: &'a Problem<'n>) -> Placing<'a, 'n> {
        let nodes = problem.length.len();
        Placing {
            problem,
            mirror: None,
            profiles: problem
                .pools
                .iter()
                .map(|&capacity| Profile::new(capacity))
                .collect(),
            placed: vec![false; nodes],
            work: vec![0; problem.network.plan.agents.len()],
            solution: Solution::empty(nodes),
        }
    }

    fn place_forward(&mut self, node: usize) {
        let ready = self.ready(node);
        let agent = match self.problem.demand_of(node) {
            Some(demand) if demand.any.len() > 1 => self.choose(node, demand, ready),
            Some(demand) => demand.any.first().copied().unwrap_or(NONE),
            None => NONE,
        };
        let finish = self.place_at(node, ready, agent);
        if !self.problem.network.contingent[NodeId(node as u32)] {
            self.solution.makespan = self.solution.makespan.max(finish);
        }
    }

    /// When all needs are there, by what is placed.
    fn ready(&self, node: usize) -> i64 {
        let network = self.problem.network;
        let mut ready = self.problem.release[node];
        for &group in network.groups(NodeId(node as u32)) {
            let members = network.members(group).iter().map(|member| member.index());
            let ended = members.filter(|&member| self.placed[member]);
            ready = ready.max(
                ended
                    .map(|member| self.solution.finish[member])
                    .min()
                    .unwrap_or(0),
            );
        }
        ready
    }

    /// The agent that has it done first; of equals the one with the least work so far.
    fn choose(&self, node: usize, demand: &Demand, ready: i64) -> u32 {
        let finish = |agent: u32| self.earliest(node, demand, agent, ready).1;
        let agents = demand.any.iter().copied();
        agents
            .min_by_key(|&agent| (finish(agent), self.work[agent as usize]))
            .unwrap_or(NONE)
    }

    fn place_at(&mut self, node: usize, ready: i64, agent: u32) -> i64 {
        let problem = self.problem;
        let (start, finish) = match problem.demand_of(node) {
            Some(demand) => {
                let (start, finish) = self.earliest(node, demand, agent, ready);
                for &(pool, amount) in &demand.fixed {
                    self.profiles[pool as usize].take(start, finish, amount);
                }
                if agent != NONE {
                    self.profiles[agent as usize].take(start, finish, 1);
                    self.work[agent as usize] += problem.length[node];
                }
                (start, finish)
            }
            None => (ready, ready),
        };
        self.placed[node] = true;
        self.solution.start[node] = start;
        self.solution.finish[node] = finish;
        self.solution.chosen[node] = agent;
        finish
    }

    /// The first place at or after `ready` where nothing is short.
    fn earliest(&self, node: usize, demand: &Demand, agent: u32, ready: i64) -> (i64, i64) {
        let any = [(agent, 1)];
        let any = if agent == NONE { &any[..0] } else { &any[..] };
        let mut place = self.place(node, agent, ready);
        loop {
            let before = place;
            for &(pool, amount) in demand.fixed.iter().chain(any) {
                let from = |t| self.place(node, agent, t);
                place = self.profiles[pool as usize].fit(place, amount, from);
            }
            if place == before {
                return place;
            }
        }
    }

    /// Where a node is that may go ahead at `t`.
    fn place(&self, node: usize, agent: u32, t: i64) -> (i64, i64) {
        if let Some(mirror) = self.mirror {
            return (t, t + mirror.finish[node] - mirror.start[node]);
        }
        let start = self.problem.begin(node, agent, t);
        (start, self.problem.finish(node, agent, start))
    }
}

/// What is taken of a pool over time.
struct Profile {
    capacity: i64,
    /// From when, how much, in order of time; the first is before all time, and after the last
    /// nothing is taken.
    points: Vec<(i64, i64)>,
}

impl Profile {
    fn new(capacity: i64) -> Profile {
        Profile {
            capacity,
            points: vec![(i64::MIN, 0)],
        }
    }

    /// The first place at or after `place` that has `amount` left throughout.
    fn fit(&self, place: (i64, i64), amount: i64, from: impl Fn(i64) -> (i64, i64)) -> (i64, i64) {
        let room = self.capacity - amount;
        let (mut start, mut finish) = place;
        let mut at = self.at(start);
        loop {
            if self.points[at].1 > room {
                at += 1;
                (start, finish) = from(self.points[at].0);
                while self
                    .points
                    .get(at + 1)
                    .is_some_and(|point| point.0 <= start)
                {
                    at += 1;
                }
            } else if self
                .points
                .get(at + 1)
                .is_none_or(|point| point.0 >= finish)
            {
                return (start, finish);
            } else {
                at += 1;
            }
        }
    }

    fn take(&mut self, start: i64, finish: i64, amount: i64) {
        let first = self.split(start);
        let end = self.split(finish);
        for point in &mut self.points[first..end] {
            point.1 += amount;
        }
    }

    /// The index of the point at `t`, which is added when there is none.
    fn split(&mut self, t: i64) -> usize {
        let at = self.at(t);
        if self.points[at].0 == t {
            return at;
        }
        self.points.insert(at + 1, (t, self.points[at].1));
        at + 1
    }

    fn at(&self, t: i64) -> usize {
        self.points.partition_point(|point| point.0 <= t) - 1
    }
}
