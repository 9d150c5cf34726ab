//! The problem as the search reads it: small whole numbers, flat tables, no calendar.
//!
//! Times are counted in units, the largest that divides all lengths and windows. Nodes are
//! numbered by their place in the plan's order, so that a need always has the smaller number;
//! contingent nodes are left out. Of a need with alternatives the one that can end first is taken
//! for good. What tasks take is packed into words: each pool has a lane that is as wide as its
//! capacity needs and one guard bit more, so that one subtraction compares all lanes at once.
//!
//! A plan that mixes working and elapsed time, or is too large for the words, has no such form.

use super::problem::{NONE, Problem};
use super::rules;
use coord_lang::ids::{Id, NodeId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Most words that all lanes together may take.
pub(super) const MOST_WORDS: usize = 8;
/// Times stay below, so that sums do too.
const FAR: i64 = 1 << 30;

/// Which way time runs: from the start, or from the end with all needs turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Backward,
}

impl Way {
    pub(super) fn other(self) -> Way {
        match self {
            Way::Forward => Way::Backward,
            Way::Backward => Way::Forward,
        }
    }
}

/// For each node some others, in one table.
#[derive(Debug)]
pub(super) struct Links {
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Links {
    fn new(nodes: usize, pairs: &mut Vec<(u32, u32)>) -> Links {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0u32; nodes + 1];
        for &(from, _) in pairs.iter() {
            starts[from as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let targets = pairs.iter().map(|&(_, to)| to).collect();
        Links { starts, targets }
    }

    #[inline]
    pub(super) fn of(&self, node: u32) -> &[u32] {
        let at = node as usize;
        &self.targets[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// A pool's lane, and what a task takes of it.
pub(super) type Amount = (u32, i64);

/// What tasks of one kind take.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) fixed: Vec<Amount>,
    /// One slot of one of these pools, by the number of their lane.
    pub(super) any: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Compact {
    /// The node of the plan that each number stands for.
    pub(super) nodes: Vec<u32>,
    pub(super) length: Vec<u32>,
    pub(super) release: Vec<u32>,
    pub(super) before: Links,
    pub(super) after: Links,
    /// Index of what each node takes, [`NONE`] for nothing.
    pub(super) take: Vec<u32>,
    pub(super) takes: Vec<Take>,
    /// Of `any` the pool that is never short, when there is one.
    pub(super) sure: Vec<u32>,
    /// Capacities by lane, and the pool that each lane stands for.
    pub(super) lanes: Vec<i64>,
    pub(super) pools: Vec<u32>,
    /// (node, time) in units; later is late.
    pub(super) deadlines: Vec<(u32, u32)>,
    pub(super) windows: bool,
    pub(super) unit: i64,
    /// Nodes of the plan, with those that are left out.
    pub(super) plan_nodes: usize,
    /// Whether a need with alternatives was decided.
    pub(super) decided: bool,
    /// Longest ways to each node's start and from its end.
    pub(super) head: Vec<u32>,
    pub(super) tail: Vec<u32>,
    /// What each node takes of everything, as a share of capacities: length times the sum.
    pub(super) weight: Vec<f32>,
}

impl Compact {
    pub(super) fn new(problem: &Problem) -> Option<Compact> {
        if problem.is_mixed() {
            return None;
        }
        let plan = problem.network.plan;
        let kept = |id: &&NodeId| !problem.network.contingent[**id];
        let nodes: Vec<u32> = plan.order.iter().filter(kept).map(|id| id.0).collect();
        let unit = unit(problem, &nodes);
        let sum: i64 = nodes
            .iter()
            .map(|&node| problem.length[node as usize] / unit)
            .fold(0, i64::saturating_add);
        let release = |node: u32| problem.release[node as usize] / unit;
        let last = nodes.iter().map(|&node| release(node)).max().unwrap_or(0);
        if sum.saturating_add(last) >= FAR {
            return None;
        }
        let mut number = vec![NONE; problem.length.len()];
        for (at, &node) in nodes.iter().enumerate() {
            number[node as usize] = at as u32;
        }
        let (mut needs, decided) = needs(problem, &nodes, &number);
        let after = Links::new(nodes.len(), &mut needs);
        let mut needs: Vec<(u32, u32)> = needs.into_iter().map(|(from, to)| (to, from)).collect();
        let before = Links::new(nodes.len(), &mut needs);
        let deadline = |&(node, time): &(u32, i64)| {
            (number[node as usize], (time / unit).clamp(0, FAR) as u32)
        };
        let mut compact = Compact {
            length: nodes
                .iter()
                .map(|&node| (problem.length[node as usize] / unit) as u32)
                .collect(),
            release: nodes.iter().map(|&node| release(node) as u32).collect(),
            before,
            after,
            take: Vec::new(),
            takes: Vec::new(),
            sure: Vec::new(),
            lanes: Vec::new(),
            pools: Vec::new(),
            deadlines: problem.deadlines.iter().map(deadline).collect(),
            windows: last > 0,
            unit,
            plan_nodes: problem.length.len(),
            decided,
            head: Vec::new(),
            tail: Vec::new(),
            weight: Vec::new(),
            nodes,
        };
        compact.add_takes(problem);
        compact.add_ways();
        Some(compact)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A length of time, in units that are begun.
    pub(super) fn units(&self, time: i64) -> u32 {
        ((time + self.unit - 1) / self.unit).clamp(0, FAR) as u32
    }

    /// All nodes in the order of their starts in a schedule of the plan, but none before what it
    /// needs here, which may be another alternative than the one it started after.
    pub(super) fn list(&self, start: &[i64]) -> Vec<u32> {
        let nodes = self.len() as u32;
        let entry = |node: u32| Reverse((start[self.nodes[node as usize] as usize], node));
        let mut missing: Vec<usize> = (0..nodes).map(|node| self.before.of(node).len()).collect();
        let first = (0..nodes).filter(|&node| missing[node as usize] == 0);
        let mut ready: BinaryHeap<Reverse<(i64, u32)>> = first.map(entry).collect();
        let mut list = Vec::with_capacity(self.len());
        while let Some(Reverse((_, node))) = ready.pop() {
            list.push(node);
            for &next in self.after.of(node) {
                missing[next as usize] -= 1;
                if missing[next as usize] == 0 {
                    ready.push(entry(next));
                }
            }
        }
        list
    }

    /// What has to be placed before a node.
    #[inline]
    pub(super) fn needs(&self, way: Way, node: u32) -> &[u32] {
        match way {
            Way::Forward => self.before.of(node),
            Way::Backward => self.after.of(node),
        }
    }

    /// By how much deadlines are missed, in all.
    pub(super) fn lateness(&self, start: &[u32]) -> u32 {
        let late = |&(node, time): &(u32, u32)| {
            (start[node as usize] + self.length[node as usize]).saturating_sub(time)
        };
        self.deadlines.iter().map(late).fold(0, u32::saturating_add)
    }

    /// Lanes for the pools that can ever be short.
    fn add_takes(&mut self, problem: &Problem) {
        let mut wanted = vec![0i64; problem.pools.len()];
        for &node in &self.nodes {
            if let Some(demand) = problem.demand_of(node as usize) {
                for &(pool, amount) in &demand.fixed {
                    wanted[pool as usize] = wanted[pool as usize].saturating_add(amount);
                }
                for &pool in &demand.any {
                    wanted[pool as usize] = wanted[pool as usize].saturating_add(1);
                }
            }
        }
        let mut lane = vec![NONE; wanted.len()];
        for (pool, &wanted) in wanted.iter().enumerate() {
            if wanted > problem.pools[pool] {
                lane[pool] = self.lanes.len() as u32;
                self.lanes.push(problem.pools[pool]);
                self.pools.push(pool as u32);
            }
        }
        for demand in &problem.demands {
            let fixed = demand.fixed.iter().copied();
            // who is never short can always do it
            let free = demand.any.iter().any(|&pool| lane[pool as usize] == NONE);
            self.takes.push(Take {
                fixed: fixed
                    .map(|(pool, amount)| (lane[pool as usize], amount))
                    .filter(|&(lane, _)| lane != NONE)
                    .collect(),
                any: match free {
                    true => Vec::new(),
                    false => demand.any.iter().map(|&pool| lane[pool as usize]).collect(),
                },
            });
        }
        let takes = |&node: &u32| match problem.demand[node as usize] {
            NONE => NONE,
            take if self.takes[take as usize].is_nothing() => NONE,
            take => take,
        };
        self.take = self.nodes.iter().map(takes).collect();
        let sure = |&node: &u32| {
            let demand = problem.demand_of(node as usize)?;
            let mut any = demand.any.iter().copied();
            any.find(|&pool| lane[pool as usize] == NONE)
        };
        let nodes = self.nodes.iter();
        self.sure = nodes.map(|node| sure(node).unwrap_or(NONE)).collect();
        self.weight = (0..self.len()).map(|node| self.weigh(node)).collect();
    }

    fn weigh(&self, node: usize) -> f32 {
        let Some(take) = self.takes.get(self.take[node] as usize) else {
            return 0.0;
        };
        let share = |&(lane, amount): &Amount| amount as f32 / self.lanes[lane as usize] as f32;
        let fixed: f32 = take.fixed.iter().map(share).sum();
        let any: f32 = take.any.first().map_or(0.0, |&lane| {
            1.0 / (self.lanes[lane as usize] as f32 * take.any.len() as f32)
        });
        (fixed + any) * self.length[node] as f32
    }

    fn add_ways(&mut self) {
        let nodes = self.len();
        self.head = self.release.clone();
        self.tail = vec![0; nodes];
        for node in 0..nodes {
            let end = self.head[node] + self.length[node];
            for &next in self.after.of(node as u32) {
                let head = &mut self.head[next as usize];
                *head = (*head).max(end);
            }
        }
        for node in (0..nodes).rev() {
            let ways = self.after.of(node as u32).iter();
            let longest = ways.map(|&next| self.tail[next as usize] + self.length[next as usize]);
            self.tail[node] = longest.max().unwrap_or(0);
        }
    }
}

impl Take {
    fn is_nothing(&self) -> bool {
        self.fixed.is_empty() && self.any.is_empty()
    }
}

/// The largest unit that all lengths and windows are whole numbers of.
fn unit(problem: &Problem, nodes: &[u32]) -> i64 {
    let times = nodes.iter().flat_map(|&node| {
        let node = node as usize;
        [problem.length[node], problem.release[node]]
    });
    times.fold(0, gcd).max(1)
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Pairs of numbers: the first has to end before the second starts. And whether one of several
/// alternatives was taken anywhere.
fn needs(problem: &Problem, nodes: &[u32], number: &[u32]) -> (Vec<(u32, u32)>, bool) {
    let network = problem.network;
    let (head, _) = rules::head_and_tail(problem);
    let end = |node: NodeId| head[node.index()] + problem.length[node.index()];
    let mut needs = Vec::new();
    let mut decided = false;
    for (at, &node) in nodes.iter().enumerate() {
        for &group in network.groups(NodeId(node)) {
            let members = network.members(group).iter().copied();
            decided |= members.len() > 1;
            if let Some(first) = members.min_by_key(|&member| end(member)) {
                needs.push((number[first.index()], at as u32));
            }
        }
    }
    needs.retain(|&(from, _)| from != NONE);
    (needs, decided)
}
