//! Orders, components and ways in a directed graph of dense numbers.
//!
//! The only file that names petgraph. Everything here is iterative: a chain of a million nodes
//! is as good as any other graph.

use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::VecDeque;

/// Nodes `0..n` with edges from what comes first to what waits for it.
pub struct Graph {
    inner: DiGraph<(), ()>,
}

impl Graph {
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
        let mut inner = DiGraph::with_capacity(nodes, nodes);
        for _ in 0..nodes {
            inner.add_node(());
        }
        for (from, to) in edges {
            inner.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
        Graph { inner }
    }

    /// Every node behind all that it waits for, or the components that forbid it: each a list of
    /// nodes in ascending order that wait for each other.
    pub fn topological(&self) -> Result<Vec<usize>, Vec<Vec<usize>>> {
        match petgraph::algo::toposort(&self.inner, None) {
            Ok(order) => Ok(order.into_iter().map(NodeIndex::index).collect()),
            Err(_) => Err(self.cycles()),
        }
    }

    fn cycles(&self) -> Vec<Vec<usize>> {
        let mut found: Vec<Vec<usize>> = petgraph::algo::kosaraju_scc(&self.inner)
            .into_iter()
            .filter(|c| c.len() > 1 || self.inner.contains_edge(c[0], c[0]))
            .map(|c| c.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
            .collect();
        found.iter_mut().for_each(|c| c.sort_unstable());
        found.sort();
        found
    }

    /// A shortest closed way inside `component`, starting and ending at one of its nodes (the
    /// last node is not the first again). Breadth first from the lowest node that lies on one.
    pub fn shortest_cycle(&self, component: &[usize]) -> Vec<usize> {
        let mut best: Vec<usize> = Vec::new();
        // Large components: a few starts are enough to find a short way, and stay linear.
        for start in component.iter().take(64) {
            if let Some(way) = self.way_back(*start, component)
                && (best.is_empty() || way.len() < best.len())
            {
                best = way;
            }
            if best.len() <= 2 && !best.is_empty() {
                break;
            }
        }
        best
    }

    fn way_back(&self, start: usize, component: &[usize]) -> Option<Vec<usize>> {
        let mut from: std::collections::HashMap<usize, usize> = std::collections::HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let mut next: Vec<usize> = self
                .inner
                .neighbors(NodeIndex::new(node))
                .map(NodeIndex::index)
                .collect();
            next.sort_unstable();
            for to in next {
                if to == start {
                    let mut way = vec![node];
                    let mut at = node;
                    while at != start {
                        at = from[&at];
                        way.push(at);
                    }
                    way.reverse();
                    return Some(way);
                }
                if component.binary_search(&to).is_ok() && !from.contains_key(&to) {
                    from.insert(to, node);
                    queue.push_back(to);
                }
            }
        }
        None
    }
}

/// For each of up to 64 `sources`, a bit on every node that it reaches; `order` is topological,
/// `before(node)` yields the direct predecessors.
pub fn reached_by<'a, I: Iterator<Item = usize>>(
    order: &[usize],
    sources: &[usize],
    before: impl Fn(usize) -> I + 'a,
) -> Vec<u64> {
    let mut bits = vec![0u64; order.len()];
    for (bit, source) in sources.iter().take(64).enumerate() {
        bits[*source] |= 1 << bit;
    }
    for node in order {
        let reached = before(*node).fold(bits[*node], |all, p| all | bits[p]);
        bits[*node] = reached;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_has_an_order_and_no_cycle() {
        let n = 300_000;
        let order = Graph::new(n, (1..n).map(|i| (i - 1, i)))
            .topological()
            .unwrap();
        assert_eq!(order[0], 0);
        assert_eq!(order[n - 1], n - 1);
    }

    #[test]
    fn the_shortest_of_two_cycles_is_shown() {
        let graph = Graph::new(5, [(0, 1), (1, 2), (2, 3), (3, 0), (1, 0), (3, 4)]);
        let components = graph.topological().unwrap_err();
        assert_eq!(components, [vec![0, 1, 2, 3]]);
        assert_eq!(graph.shortest_cycle(&components[0]), [0, 1]);
    }
}
