//! A smallest set of lines whose deletion leaves no loop.

use crate::graph::Graph;
use coord_lang::source::Span;
use std::collections::{BTreeMap, HashSet};

/// Most lines that a smallest set is searched for.
const DEEPEST: usize = 6;
/// Most edges that the search looks at, over all graphs that it builds.
const MOST_EDGES: usize = 200_000;

/// Edges between the nodes `0..nodes`: some stay, others stand in lines that may be deleted.
pub(crate) struct Loops {
    pub(crate) nodes: usize,
    pub(crate) kept: Vec<(usize, usize)>,
    /// The edges of each line.
    pub(crate) lines: Vec<Vec<(usize, usize)>>,
}

impl Loops {
    /// The fewest lines to delete besides those `gone`; None when that is not found in time. Loops
    /// of what stays are left alone.
    pub(crate) fn smallest(&self, gone: &HashSet<usize>) -> Option<Vec<usize>> {
        let edges = self.kept.len() + self.lines.iter().map(Vec::len).sum::<usize>();
        let mut graphs = MOST_EDGES / edges.max(1);
        for depth in 0..=DEEPEST {
            let mut all = gone.clone();
            if self.loopless(&mut all, depth, &mut graphs) {
                let mut more: Vec<usize> = all.difference(gone).copied().collect();
                more.sort_unstable();
                return Some(more);
            }
            if graphs == 0 {
                break;
            }
        }
        None
    }

    /// Whether taking out at most `depth` more lines leaves no loop; they are in `gone` then.
    fn loopless(&self, gone: &mut HashSet<usize>, depth: usize, graphs: &mut usize) -> bool {
        if *graphs == 0 {
            return false;
        }
        *graphs -= 1;
        let way = self.in_loop(gone);
        if way.is_empty() || depth == 0 {
            return way.is_empty();
        }
        for line in way {
            gone.insert(line);
            if self.loopless(gone, depth - 1, graphs) {
                return true;
            }
            gone.remove(&line);
        }
        false
    }

    /// The lines, in order, that lie on one short loop of what is left.
    pub(crate) fn in_loop(&self, gone: &HashSet<usize>) -> Vec<usize> {
        let left = || (0..self.lines.len()).filter(|line| !gone.contains(line));
        let written = left().flat_map(|line| self.lines[line].iter().copied());
        let graph = Graph::new(self.nodes, self.kept.iter().copied().chain(written));
        let Err(components) = graph.topological() else {
            return Vec::new();
        };
        for component in &components {
            let way = graph.shortest_cycle(component);
            let step = |i: usize| (way[i], way[(i + 1) % way.len()]);
            let steps: HashSet<(usize, usize)> = (0..way.len()).map(step).collect();
            let on_it = |line: &usize| self.lines[*line].iter().any(|e| steps.contains(e));
            let found: Vec<usize> = left().filter(on_it).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// What one written line says: its subject needs each of these. What a group or a list stands for
/// goes together.
#[derive(Default)]
pub(crate) struct Line {
    subject: String,
    needs: Vec<String>,
    edges: Vec<(usize, usize)>,
}

/// The lines of one component, in written order.
#[derive(Default)]
pub(crate) struct Lines {
    by_place: BTreeMap<(Span, usize), Line>,
}

impl Lines {
    /// `subject needs on`, declared at `span`, as an edge of the component.
    pub(crate) fn add(&mut self, span: Span, subject: &str, on: &str, edge: (usize, usize)) {
        let line = self.by_place.entry((span, edge.1)).or_default();
        line.subject = subject.to_string();
        line.needs.push(format!("`{on}`"));
        line.edges.push(edge);
    }

    /// A smallest set of lines without which a component of so many nodes has no loop, in words.
    pub(crate) fn way_out(&self, nodes: usize, kept: Vec<(usize, usize)>) -> Option<String> {
        let lines: Vec<&Line> = self.by_place.values().collect();
        let loops = Loops {
            nodes,
            kept,
            lines: lines.iter().map(|line| line.edges.clone()).collect(),
        };
        let gone = loops.smallest(&HashSet::new())?;
        let said = gone.iter().map(|i| {
            let needs = lines[*i].needs.join(" and ");
            format!("`{}` needs {needs}", lines[*i].subject)
        });
        let said: Vec<String> = said.collect();
        match said.as_slice() {
            [] => None,
            [one] => Some(format!("delete one line, and no loop is left: {one}")),
            many => Some(format!(
                "delete these {}, no smaller set is enough: {}",
                many.len(),
                many.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loops(lines: &[(usize, usize)]) -> Loops {
        Loops {
            nodes: 6,
            kept: Vec::new(),
            lines: lines.iter().map(|edge| vec![*edge]).collect(),
        }
    }

    #[test]
    fn one_line_that_all_loops_share_is_enough() {
        let all = loops(&[(1, 0), (0, 1), (0, 2), (2, 1), (0, 3), (3, 1)]);
        assert_eq!(all.smallest(&HashSet::new()), Some(vec![0]));
    }

    #[test]
    fn two_loops_apart_need_two() {
        let all = loops(&[(0, 1), (1, 0), (2, 3), (3, 2), (1, 2)]);
        assert_eq!(all.smallest(&HashSet::new()).map(|l| l.len()), Some(2));
    }

    #[test]
    fn what_stays_is_not_deleted() {
        let mut all = loops(&[(1, 0)]);
        all.kept = vec![(0, 1), (4, 5), (5, 4)];
        assert_eq!(all.smallest(&HashSet::new()), Some(vec![0]));
    }
}
