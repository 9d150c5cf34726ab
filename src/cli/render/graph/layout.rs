//! Where the nodes of a graph are drawn: in columns, each node behind all that it waits for.
//!
//! After Sugiyama, Tagawa & Toda 1981: columns by the longest way, stand-ins where an edge passes a
//! column, then sweeps that put each node at the middle of its neighbours. Ties go by the order of
//! the plan, so that the same graph gives the same picture. The library that was tried
//! (rust-sugiyama 0.4) took 23 s for 800 nodes with its good ranking, and another order each time.

/// Sweeps to and fro; more show nothing new.
const SWEEPS: usize = 12;
const SETTLING: usize = 16;

/// What is to be laid out. Every edge leads to a node of a higher number in `order`.
pub(super) struct Graph<'g> {
    /// A topological order of all nodes.
    pub(super) order: &'g [usize],
    pub(super) edges: &'g [(usize, usize)],
    /// Heights of the nodes, and the room between two of a column.
    pub(super) heights: &'g [f64],
    pub(super) gap: f64,
}

/// Columns from the left and middles from the top.
pub(super) struct Layout {
    pub(super) places: Vec<(usize, f64)>,
    /// For each edge the places of its stand-ins, from left to right.
    pub(super) ways: Vec<Vec<(usize, f64)>>,
    pub(super) columns: usize,
    pub(super) height: f64,
}

pub(super) fn layout(graph: &Graph) -> Layout {
    let mut laying = Laying::new(graph);
    laying.sweep();
    laying.settle();
    laying.layout(graph)
}

struct Laying {
    /// Nodes, then stand-ins.
    column: Vec<usize>,
    height: Vec<f64>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    columns: Vec<Vec<usize>>,
    /// The stand-ins of each edge.
    standins: Vec<Vec<usize>>,
    y: Vec<f64>,
    gap: f64,
}

impl Laying {
    fn new(graph: &Graph) -> Laying {
        let column = columns_of(graph);
        let count = column.iter().max().map_or(0, |last| last + 1);
        let mut laying = Laying {
            before: vec![Vec::new(); column.len()],
            after: vec![Vec::new(); column.len()],
            columns: vec![Vec::new(); count],
            standins: Vec::with_capacity(graph.edges.len()),
            height: graph.heights.to_vec(),
            y: Vec::new(),
            gap: graph.gap,
            column,
        };
        for &node in graph.order {
            laying.columns[laying.column[node]].push(node);
        }
        for &(from, to) in graph.edges {
            laying.add_edge(from, to);
        }
        laying
    }

    fn add_edge(&mut self, from: usize, to: usize) {
        let mut last = from;
        let mut standins = Vec::new();
        for column in self.column[from] + 1..self.column[to] {
            let standin = self.column.len();
            self.column.push(column);
            self.height.push(4.0);
            self.before.push(Vec::new());
            self.after.push(Vec::new());
            self.columns[column].push(standin);
            self.join(last, standin);
            standins.push(standin);
            last = standin;
        }
        self.join(last, to);
        self.standins.push(standins);
    }

    fn join(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    /// Orders each column by its neighbours, to and fro, and keeps the order with the fewest
    /// crossings.
    fn sweep(&mut self) {
        let mut best = (self.crossings(), self.columns.clone());
        for sweep in 0..SWEEPS {
            let forth = sweep % 2 == 0;
            for step in 1..self.columns.len() {
                let at = if forth {
                    step
                } else {
                    self.columns.len() - 1 - step
                };
                self.order_column(at, forth);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    fn order_column(&mut self, at: usize, forth: bool) {
        let place = self.places();
        let mut keyed: Vec<(f64, usize, usize)> = self.columns[at]
            .iter()
            .enumerate()
            .map(|(was, &node)| {
                let near = if forth {
                    &self.before[node]
                } else {
                    &self.after[node]
                };
                let sum: usize = near.iter().map(|other| place[*other]).sum();
                let middle = match near.len() {
                    0 => was as f64,
                    n => sum as f64 / n as f64,
                };
                (middle, was, node)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.columns[at] = keyed.into_iter().map(|(_, _, node)| node).collect();
    }

    fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.column.len()];
        for column in &self.columns {
            for (at, &node) in column.iter().enumerate() {
                place[node] = at;
            }
        }
        place
    }

    fn crossings(&self) -> usize {
        let place = self.places();
        self.columns
            .iter()
            .map(|c| self.crossings_after(c, &place))
            .sum()
    }

    /// Pairs of edges that cross behind a column: inversions, counted with a Fenwick tree.
    fn crossings_after(&self, column: &[usize], place: &[usize]) -> usize {
        let mut ends: Vec<usize> = Vec::new();
        for &node in column {
            let mut own: Vec<usize> = self.after[node].iter().map(|to| place[*to]).collect();
            own.sort_unstable();
            ends.extend(own);
        }
        let most = ends.iter().max().map_or(0, |most| most + 1);
        let mut tree = vec![0usize; most + 1];
        let mut crossings = 0;
        for (seen, &end) in ends.iter().enumerate() {
            let mut at = end + 1;
            let mut up_to = 0;
            while at > 0 {
                up_to += tree[at];
                at &= at - 1;
            }
            crossings += seen - up_to;
            let mut at = end + 1;
            while at <= most {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
        crossings
    }

    /// Moves each node towards the middle of its neighbours, as far as its column lets it.
    fn settle(&mut self) {
        self.y = vec![0.0; self.column.len()];
        for at in 0..self.columns.len() {
            self.spread(at, |_| None);
        }
        for round in 0..SETTLING {
            let forth = round % 2 == 0;
            for step in 0..self.columns.len() {
                let at = if forth {
                    step
                } else {
                    self.columns.len() - 1 - step
                };
                let wanted: Vec<Option<f64>> = self.columns[at]
                    .iter()
                    .map(|&node| self.middle(node))
                    .collect();
                self.spread(at, |place| wanted[place]);
            }
        }
    }

    fn middle(&self, node: usize) -> Option<f64> {
        let near = self.before[node].iter().chain(&self.after[node]);
        let (sum, count) = near.fold((0.0, 0), |(sum, n), other| (sum + self.y[*other], n + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Puts a column at the places that its nodes want, in their order and apart: what overlaps
    /// is put together and centred.
    fn spread(&mut self, at: usize, wanted: impl Fn(usize) -> Option<f64>) {
        // blocks of nodes that touch: the offset of the first, the sum of what they want, how many
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        let column = std::mem::take(&mut self.columns[at]);
        let mut offset = 0.0;
        let mut offsets = Vec::with_capacity(column.len());
        for (place, &node) in column.iter().enumerate() {
            let half = self.height[node] / 2.0;
            offset += half;
            offsets.push(offset);
            let want = wanted(place).unwrap_or(self.y[node]) - offset;
            offset += half + self.gap;
            let mut block = (want, want, 1);
            while let Some(&(first, sum, n)) = blocks.last() {
                if first <= block.0 {
                    break;
                }
                blocks.pop();
                let (sum, n) = (sum + block.1, n + block.2);
                block = (sum / n as f64, sum, n);
            }
            blocks.push(block);
        }
        let mut place = 0;
        for (base, _, n) in blocks {
            for _ in 0..n {
                self.y[column[place]] = base + offsets[place];
                place += 1;
            }
        }
        self.columns[at] = column;
    }

    fn layout(self, graph: &Graph) -> Layout {
        let edge = |node: usize, sign: f64| self.y[node] + sign * self.height[node] / 2.0;
        let all = 0..self.column.len();
        let top = all.clone().map(|n| edge(n, -1.0)).fold(f64::MAX, f64::min);
        let bottom = all.map(|n| edge(n, 1.0)).fold(f64::MIN, f64::max);
        let place = |node: usize| (self.column[node], self.y[node] - top);
        let nodes = graph.heights.len();
        Layout {
            places: (0..nodes).map(place).collect(),
            ways: self
                .standins
                .iter()
                .map(|way| way.iter().map(|node| place(*node)).collect())
                .collect(),
            columns: self.columns.len(),
            height: if nodes == 0 { 0.0 } else { bottom - top },
        }
    }
}

/// The longest way to each node; what waits for nothing stands next to what waits for it.
fn columns_of(graph: &Graph) -> Vec<usize> {
    let count = graph.heights.len();
    let mut before = vec![Vec::new(); count];
    let mut after = vec![Vec::new(); count];
    for &(from, to) in graph.edges {
        before[to].push(from);
        after[from].push(to);
    }
    let mut column = vec![0usize; count];
    for &node in graph.order {
        let first = before[node].iter().map(|by: &usize| column[*by] + 1);
        column[node] = first.max().unwrap_or(0);
    }
    for &node in graph.order.iter().rev() {
        if before[node].is_empty()
            && let Some(next) = after[node].iter().map(|to: &usize| column[*to]).min()
        {
            column[node] = next.saturating_sub(1);
        }
    }
    column
}

#[cfg(test)]
mod tests {
    use super::{Graph, layout};

    #[test]
    fn nodes_stand_behind_what_they_wait_for_and_apart() {
        let edges = [(0, 2), (1, 2), (0, 3), (3, 4), (2, 4), (0, 4)];
        let heights = [40.0; 5];
        let found = layout(&Graph {
            order: &[0, 1, 2, 3, 4],
            edges: &edges,
            heights: &heights,
            gap: 10.0,
        });
        assert_eq!(found.columns, 3);
        for (from, to) in edges {
            assert!(found.places[from].0 < found.places[to].0);
        }
        for a in 0..5 {
            for b in 0..a {
                let (a, b) = (found.places[a], found.places[b]);
                assert!(a.0 != b.0 || (a.1 - b.1).abs() >= 49.9, "{a:?} {b:?}");
            }
        }
        assert_eq!(found.ways[5].len(), 1);
    }

    #[test]
    fn a_large_graph_is_laid_out_at_once() {
        let count = 5_000;
        let order: Vec<usize> = (0..count).collect();
        let edges: Vec<(usize, usize)> = (50..count)
            .flat_map(|to| [(to - 50, to), (to - 1 - to % 50, to)])
            .collect();
        let found = layout(&Graph {
            order: &order,
            edges: &edges,
            heights: &vec![40.0; count],
            gap: 10.0,
        });
        assert_eq!(found.places.len(), count);
    }
}
