//! The search for the path to show: shortest first, then the most readable.
//!
//! Owns the breadth-first walk and the choice among paths of one length. Knows nothing of globs:
//! it walks any graph whose edges read characters.

use super::char_set::oddness;

/// A graph of numbered states. Numbers are dense, and `START` is the first.
pub(super) trait Graph {
    /// Why a walk may end without an answer.
    type Abort;

    fn is_goal(&self, state: u32) -> bool;

    /// Adds to `moves` every character that can be read in `state`, with the state it leads to.
    fn moves(&mut self, state: u32, moves: &mut Vec<(char, u32)>) -> Result<(), Self::Abort>;
}

const START: u32 = 0;
const NO_NODE: u32 = u32::MAX;

struct Node {
    state: u32,
    parent: u32,
    read: char,
    /// Sum over the characters read so far.
    oddness: u32,
}

struct Walk {
    nodes: Vec<Node>,
    /// The node of each state met so far.
    node_of: Vec<u32>,
    /// Where the layer being filled starts in `nodes`; its nodes can still be bettered.
    layer: usize,
}

/// The characters on the best walk from the start to a goal, `None` if there is none. Every state
/// is expanded at most once, so the graph's size bounds the time.
pub(super) fn best_word<G: Graph>(graph: &mut G) -> Result<Option<String>, G::Abort> {
    let mut walk = Walk {
        nodes: Vec::new(),
        node_of: Vec::new(),
        layer: 0,
    };
    walk.offer(START, NO_NODE, '/', 0);
    let mut moves = Vec::new();
    let mut layer = 0..walk.nodes.len();
    while !layer.is_empty() {
        walk.layer = layer.end;
        for parent in layer {
            let Node {
                state,
                oddness: so_far,
                ..
            } = walk.nodes[parent];
            moves.clear();
            graph.moves(state, &mut moves)?;
            for &(c, to) in &moves {
                walk.offer(to, parent as u32, c, so_far + oddness(c));
            }
        }
        layer = walk.layer..walk.nodes.len();
        let goals = layer
            .clone()
            .filter(|&node| graph.is_goal(walk.nodes[node].state));
        if let Some(goal) = goals.min_by_key(|&node| walk.nodes[node].oddness) {
            return Ok(Some(walk.word(goal)));
        }
    }
    Ok(None)
}

impl Walk {
    /// Enters `state` into the layer being filled, if it is new or better read this way.
    fn offer(&mut self, state: u32, parent: u32, read: char, oddness: u32) {
        let node = Node {
            state,
            parent,
            read,
            oddness,
        };
        let index = state as usize;
        if index >= self.node_of.len() {
            self.node_of.resize(index + 1, NO_NODE);
        }
        match self.node_of[index] {
            NO_NODE => {
                self.node_of[index] = self.nodes.len() as u32;
                self.nodes.push(node);
            }
            known if known as usize >= self.layer => {
                let known = &mut self.nodes[known as usize];
                if oddness < known.oddness {
                    *known = node;
                }
            }
            _ => {}
        }
    }

    fn word(&self, mut node: usize) -> String {
        let mut reversed = Vec::new();
        while self.nodes[node].parent != NO_NODE {
            reversed.push(self.nodes[node].read);
            node = self.nodes[node].parent as usize;
        }
        reversed.into_iter().rev().collect()
    }
}
