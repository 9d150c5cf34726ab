//! Priority rules: which of the tasks that are ready goes first.
//!
//! Kolisch 1996 compares them; all are taken on plain lengths, blind to calendars.

use super::problem::Problem;
use coord_lang::ids::{Id, NodeId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Latest finish first.
    Lft,
    /// Latest start first.
    Lst,
    /// The rank that a run goes by.
    Rank,
    /// Least slack.
    Slack,
    /// Most successors, near and far.
    Mts,
    /// Greatest length of itself and what follows at once.
    Grpw,
}

pub(super) const MANY: [Rule; 6] = [
    Rule::Lft,
    Rule::Lst,
    Rule::Rank,
    Rule::Mts,
    Rule::Slack,
    Rule::Grpw,
];
pub(super) const FEW: [Rule; 3] = [Rule::Lst, Rule::Rank, Rule::Lft];

/// The place of each node in the order of urgency, rule, deadline, plan order.
pub(super) fn order(problem: &Problem, rule: Rule) -> Vec<u32> {
    let values = values(problem, rule);
    let mut deadlines = vec![i64::MAX; values.len()];
    for &(node, deadline) in &problem.deadlines {
        deadlines[node as usize] = deadline;
    }
    let mut nodes: Vec<u32> = (0..values.len() as u32).collect();
    nodes.sort_unstable_by_key(|&node| {
        let at = node as usize;
        (
            problem.priority[at],
            values[at],
            deadlines[at],
            problem.position[at],
        )
    });
    let mut order = vec![0; nodes.len()];
    for (place, &node) in nodes.iter().enumerate() {
        order[node as usize] = place as u32;
    }
    order
}

/// Every node after all that it needs, the first in `order` first.
pub(super) fn list(problem: &Problem, order: &[u32]) -> Vec<u32> {
    let network = problem.network;
    let mut missing: Vec<u32> = vec![0; order.len()];
    for id in network.plan.nodes.ids() {
        for &group in network.groups(id) {
            missing[id.index()] += network.members(group).len() as u32;
        }
    }
    let mut ready: BinaryHeap<Reverse<(u32, u32)>> = (0..order.len())
        .filter(|&node| missing[node] == 0)
        .map(|node| Reverse((order[node], node as u32)))
        .collect();
    let mut list = Vec::with_capacity(order.len());
    while let Some(Reverse((_, node))) = ready.pop() {
        list.push(node);
        for &group in network.followers(NodeId(node)) {
            let owner = network.group(group as usize).owner;
            let missing = &mut missing[owner.index()];
            *missing -= 1;
            if *missing == 0 {
                ready.push(Reverse((order[owner.index()], owner.0)));
            }
        }
    }
    list
}

/// The smaller, the sooner.
fn values(problem: &Problem, rule: Rule) -> Vec<i64> {
    match rule {
        Rule::Rank => problem
            .network
            .plan
            .nodes
            .values()
            .map(|node| -node.rank_ms)
            .collect(),
        Rule::Mts => successors(problem),
        Rule::Grpw => grpw(problem),
        Rule::Lft | Rule::Lst | Rule::Slack => {
            let (head, tail) = head_and_tail(problem);
            let value = |at: usize| match rule {
                Rule::Lft => -tail[at],
                Rule::Lst => -tail[at] - problem.length[at],
                _ => -tail[at] - problem.length[at] - head[at],
            };
            (0..head.len()).map(value).collect()
        }
    }
}

/// The longest ways to each node's start and from its end. Of `any of` the alternative that ends
/// first is on the way.
pub(super) fn head_and_tail(problem: &Problem) -> (Vec<i64>, Vec<i64>) {
    let network = problem.network;
    let mut head = problem.release.clone();
    let mut tail = vec![0i64; head.len()];
    let mut by = vec![NodeId(0); network.group_count()];
    let end = |head: &[i64], node: NodeId| head[node.index()] + problem.length[node.index()];
    for &id in &network.plan.order {
        for number in network.group_range(id) {
            let members = network.members(network.group(number)).iter().copied();
            let Some(first) = members.min_by_key(|&member| end(&head, member)) else {
                continue;
            };
            by[number] = first;
            head[id.index()] = head[id.index()].max(end(&head, first));
        }
    }
    for &id in network
        .plan
        .order
        .iter()
        .rev()
        .filter(|&&id| !network.contingent[id])
    {
        let way = tail[id.index()] + problem.length[id.index()];
        for number in network.group_range(id) {
            let before = &mut tail[by[number].index()];
            *before = (*before).max(way);
        }
    }
    (head, tail)
}

fn grpw(problem: &Problem) -> Vec<i64> {
    let network = problem.network;
    let follow = |&group: &u32| problem.length[network.group(group as usize).owner.index()];
    let weight = |id: NodeId| {
        problem.length[id.index()] + network.followers(id).iter().map(follow).sum::<i64>()
    };
    network.plan.nodes.ids().map(|id| -weight(id)).collect()
}

/// Counts tasks after each node, with one set of bits each: only for small plans.
fn successors(problem: &Problem) -> Vec<i64> {
    let network = problem.network;
    let nodes = network.len();
    let words = nodes.div_ceil(64);
    let mut after = vec![0u64; words * nodes];
    for &id in network.plan.order.iter().rev() {
        for &group in network.followers(id) {
            let owner = network.group(group as usize).owner.index();
            if problem.length[owner] > 0 {
                after[id.index() * words + owner / 64] |= 1 << (owner % 64);
            }
            for word in 0..words {
                after[id.index() * words + word] |= after[owner * words + word];
            }
        }
    }
    let count = |set: &[u64]| {
        -set.iter()
            .map(|word| i64::from(word.count_ones()))
            .sum::<i64>()
    };
    (0..nodes)
        .map(|node| count(&after[node * words..(node + 1) * words]))
        .collect()
}
