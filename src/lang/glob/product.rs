//! What two globs have in common.
//!
//! Owns the product of two automata, walked lazily. The product has at most `|A| * |B|` states,
//! which the limits on globs keep near a million, so nothing here needs a budget.

use std::convert::Infallible;

use super::automaton::{Automaton, START, State};
use super::witness::{Graph, best_word};

/// The best path both accept, written with its final `/`.
pub(super) fn common_word(a: &Automaton, b: &Automaton) -> Option<String> {
    let common = vec![Common::Unknown; a.labels().len() * b.labels().len()];
    match best_word(&mut Product { a, b, common }) {
        Ok(word) => word,
        Err(never) => match never {},
    }
}

/// The best character two labels share, once asked for.
#[derive(Clone, Copy)]
enum Common {
    Unknown,
    None,
    Char(char),
}

/// State `p * |B| + q` stands for the pair `(p, q)`.
struct Product<'a> {
    a: &'a Automaton,
    b: &'a Automaton,
    /// By label of `a`, then label of `b`.
    common: Vec<Common>,
}

impl Product<'_> {
    fn common(&mut self, label_a: u32, label_b: u32) -> Option<char> {
        let index = label_a as usize * self.b.labels().len() + label_b as usize;
        match self.common[index] {
            Common::Char(c) => Some(c),
            Common::None => None,
            Common::Unknown => {
                let (label_a, label_b) = (label_a as usize, label_b as usize);
                let c = self.a.labels()[label_a].plainest_common(&self.b.labels()[label_b]);
                self.common[index] = c.map_or(Common::None, Common::Char);
                c
            }
        }
    }
}

impl Graph for Product<'_> {
    type Abort = Infallible;

    fn is_goal(&self, state: u32) -> bool {
        let width = self.b.state_count() as u32;
        (state / width, state % width) == (self.a.accept(), self.b.accept())
    }

    fn moves(&mut self, state: u32, moves: &mut Vec<(char, u32)>) -> Result<(), Infallible> {
        let width = self.b.state_count() as u32;
        let (a, b) = (self.a, self.b);
        for &x in a.edges(state / width) {
            for &y in b.edges(state % width) {
                if let Some(c) = self.common(x.label, y.label) {
                    moves.push((c, x.to * width + y.to));
                }
            }
        }
        Ok(())
    }
}

/// Asks of many pairs whether they meet at all; keeps its tables from one pair to the next.
#[derive(Default)]
pub(super) struct Meeting {
    seen: Vec<u64>,
    open: Vec<(State, State)>,
}

impl Meeting {
    pub(super) fn meet(&mut self, a: &Automaton, b: &Automaton) -> bool {
        let width = b.state_count();
        self.seen.clear();
        self.seen.resize((a.state_count() * width).div_ceil(64), 0);
        self.open.clear();
        self.open.push((START, START));
        while let Some((p, q)) = self.open.pop() {
            if (p, q) == (a.accept(), b.accept()) {
                return true;
            }
            for &x in a.edges(p) {
                for &y in b.edges(q) {
                    let index = x.to as usize * width + y.to as usize;
                    let (word, bit) = (index / 64, 1 << (index % 64));
                    if self.seen[word] & bit == 0 && a.label(x).meets(b.label(y)) {
                        self.seen[word] |= bit;
                        self.open.push((x.to, y.to));
                    }
                }
            }
        }
        false
    }
}
