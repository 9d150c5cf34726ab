//! What a glob has that others have not.
//!
//! Owns the lazy subset construction: the others are followed as one set of states, and the walk
//! looks for a path that the left side accepts and the set does not. The number of such sets can
//! be exponential in the length of a glob, so the walk has a budget and may give up; it never
//! answers wrongly.

use std::collections::HashMap;

use super::automaton::{Automaton, Edge, Label, State};
use super::char_set::CharSet;
use super::witness::{Graph, best_word};

/// Elementary steps (an edge looked at, a character class tried) of one search; up to 20 ms.
const STEP_BUDGET: usize = 1_000_000;

/// The search passed its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GaveUp;

/// The best path, written with its final `/`, that `left` accepts and none of `others` does.
pub(super) fn remaining_word(
    left: &Automaton,
    others: &[&Automaton],
) -> Result<Option<String>, GaveUp> {
    // Often the best path of the left side alone will do, and then sets need not be followed.
    let first_choice = left.best_word();
    let is_free = |word: &String| !others.iter().any(|other| other.accepts(word.chars()));
    match first_choice.filter(is_free) {
        Some(word) => Ok(Some(word)),
        None => best_word(&mut Difference::new(left, others)?),
    }
}

/// State `subset * |left| + p` stands for the pair of `subset` and state `p` of `left`.
struct Difference<'a> {
    left: &'a Automaton,
    /// Classes that each label of `left` reads.
    left_classes: Vec<Vec<ClassId>>,
    subsets: Subsets,
    alphabet: Alphabet,
    budget: Budget,
}

impl<'a> Difference<'a> {
    fn new(left: &'a Automaton, others: &[&'a Automaton]) -> Result<Self, GaveUp> {
        let mut budget = Budget { left: STEP_BUDGET };
        let labels = left
            .labels()
            .iter()
            .chain(others.iter().flat_map(|other| other.labels()));
        let alphabet = Alphabet::new(labels, &mut budget)?;
        let mut left_classes = Vec::with_capacity(left.labels().len());
        for label in left.labels() {
            let classes = alphabet.classes_of(label);
            budget.spend(classes.len())?;
            left_classes.push(classes);
        }
        let union = Union::new(others, &alphabet, &mut budget)?;
        // The walk keeps a number per pair, which this charges to the subsets.
        let subset_cost = (alphabet.len() + left.state_count()) / 2;
        let mut subsets = Subsets::new(union, alphabet.len(), subset_cost);
        subsets.add_start(&mut budget)?;
        Ok(Self {
            left,
            left_classes,
            subsets,
            alphabet,
            budget,
        })
    }
}

impl Graph for Difference<'_> {
    type Abort = GaveUp;

    fn is_goal(&self, state: u32) -> bool {
        let width = self.left.state_count() as u32;
        state % width == self.left.accept() && !self.subsets.accepts(state / width)
    }

    fn moves(&mut self, state: u32, moves: &mut Vec<(char, u32)>) -> Result<(), GaveUp> {
        let width = self.left.state_count() as u32;
        let subset = state / width;
        for edge in self.left.edges(state % width) {
            for &class in &self.left_classes[edge.label as usize] {
                self.budget.spend(1)?;
                let next = self.subsets.step(subset, class, &mut self.budget)?;
                moves.push((self.alphabet.plainest(class), next * width + edge.to));
            }
        }
        Ok(())
    }
}

struct Budget {
    left: usize,
}

impl Budget {
    fn spend(&mut self, steps: usize) -> Result<(), GaveUp> {
        self.left = self.left.checked_sub(steps).ok_or(GaveUp)?;
        Ok(())
    }
}

/// A class of characters that no label tells apart.
type ClassId = u32;

const SLASH_CLASS: ClassId = 0;

struct Alphabet {
    /// First code point of each interval, sorted; an interval ends where the next one starts.
    starts: Vec<u32>,
    /// The class of each interval.
    class_of: Vec<ClassId>,
    /// By class.
    plainest: Vec<char>,
}

impl Alphabet {
    fn new<'l>(
        labels: impl Iterator<Item = &'l Label>,
        budget: &mut Budget,
    ) -> Result<Self, GaveUp> {
        let (mut literals, mut sets) = (Vec::new(), Vec::new());
        for label in labels {
            budget.spend(1)?;
            match label {
                Label::Slash => {}
                Label::One(c) => literals.push(u32::from(*c)),
                Label::Set(set) => sets.push(set),
            }
        }
        literals.sort_unstable();
        literals.dedup();
        sets.sort_unstable_by_key(|set| set.ranges());
        sets.dedup();

        let mut starts = vec![0];
        starts.extend(literals.iter().flat_map(|&c| [c, c + 1]));
        let ends = sets
            .iter()
            .flat_map(|set| set.ranges())
            .flat_map(|&(low, high)| [low, high + 1]);
        starts.extend(ends);
        starts.sort_unstable();
        starts.dedup();
        budget.spend(starts.len() * (sets.len() + 1))?;

        let class_of = classes(&starts, &literals, &sets);
        let plainest = plainest_by_class(&starts, &class_of);
        Ok(Self {
            starts,
            class_of,
            plainest,
        })
    }

    /// Number of classes.
    fn len(&self) -> usize {
        self.plainest.len()
    }

    fn plainest(&self, class: ClassId) -> char {
        self.plainest[class as usize]
    }

    fn classes_of(&self, label: &Label) -> Vec<ClassId> {
        match label {
            Label::Slash => vec![SLASH_CLASS],
            Label::One(c) => vec![self.class_at(u32::from(*c))],
            Label::Set(set) => {
                let mut classes = Vec::new();
                for &(low, high) in set.ranges() {
                    let first = self.interval_at(low);
                    let past = self.starts.partition_point(|&start| start <= high);
                    classes.extend_from_slice(&self.class_of[first..past]);
                }
                classes.sort_unstable();
                classes.dedup();
                classes
            }
        }
    }

    fn class_at(&self, code: u32) -> ClassId {
        self.class_of[self.interval_at(code)]
    }

    fn interval_at(&self, code: u32) -> usize {
        // The first interval starts at 0, so there is one.
        self.starts.partition_point(|&start| start <= code) - 1
    }
}

/// Splits the intervals into classes: one per literal, the others by the sets they lie in.
/// Class 0 is kept for `/`; characters that nothing reads get a class that nothing asks for.
fn classes(starts: &[u32], literals: &[u32], sets: &[&CharSet]) -> Vec<ClassId> {
    let literal_classes = literals.len() as ClassId;
    let mut class_of: Vec<ClassId> = starts
        .iter()
        .map(|start| {
            literals
                .binary_search(start)
                .map_or(0, |i| i as ClassId + 1)
        })
        .collect();
    // While refining, 0 is what no set has split off yet.
    let mut count = literal_classes + 1;
    for set in sets {
        let mut split_into = vec![None; count as usize];
        for (start, class) in starts.iter().zip(&mut class_of) {
            let is_literal = (1..=literal_classes).contains(class);
            if !is_literal && char::from_u32(*start).is_some_and(|c| set.contains(c)) {
                *class = *split_into[*class as usize].get_or_insert_with(|| {
                    count += 1;
                    count - 1
                });
            }
        }
    }
    // Splitting leaves gaps in the numbers; they cost a table entry each, so close them.
    let mut renumbered = vec![None; count as usize];
    let mut next = SLASH_CLASS + 1;
    for class in &mut class_of {
        *class = *renumbered[*class as usize].get_or_insert_with(|| {
            next += 1;
            next - 1
        });
    }
    class_of
}

fn plainest_by_class(starts: &[u32], class_of: &[ClassId]) -> Vec<char> {
    let count = class_of.iter().max().map_or(1, |&max| max as usize + 1);
    let mut ranges = vec![Vec::new(); count];
    for (i, &class) in class_of.iter().enumerate() {
        let past = starts
            .get(i + 1)
            .copied()
            .unwrap_or(u32::from(char::MAX) + 1);
        if starts[i] < past {
            ranges[class as usize].push((starts[i], past - 1));
        }
    }
    // A class without characters is `/` or one that no label reads.
    ranges
        .into_iter()
        .map(|r| CharSet::from_ranges(r).plainest().unwrap_or('/'))
        .collect()
}

/// The others, side by side, with their states numbered through.
struct Union {
    first_edge: Vec<u32>,
    edges: Vec<Edge>,
    accepting: Vec<bool>,
    starts: Vec<State>,
    /// `reads[label]` is a bit per class.
    reads: Vec<Vec<u64>>,
}

impl Union {
    fn new(
        others: &[&Automaton],
        alphabet: &Alphabet,
        budget: &mut Budget,
    ) -> Result<Self, GaveUp> {
        let words = alphabet.len().div_ceil(64);
        let mut union = Self {
            first_edge: vec![0],
            edges: Vec::new(),
            accepting: Vec::new(),
            starts: Vec::new(),
            reads: Vec::new(),
        };
        for other in others {
            let (first_state, first_label) = (union.accepting.len(), union.reads.len());
            union.starts.push(first_state as State);
            for label in other.labels() {
                let classes = alphabet.classes_of(label);
                budget.spend(words + classes.len())?;
                let mut bits = vec![0; words];
                for class in classes {
                    bits[class as usize / 64] |= 1 << (class % 64);
                }
                union.reads.push(bits);
            }
            for state in 0..other.state_count() as State {
                let edges = other.edges(state);
                budget.spend(edges.len() + 1)?;
                union.edges.extend(edges.iter().map(|edge| Edge {
                    label: edge.label + first_label as u32,
                    to: edge.to + first_state as State,
                }));
                union.first_edge.push(union.edges.len() as u32);
                union.accepting.push(state == other.accept());
            }
        }
        Ok(union)
    }

    fn edges(&self, state: State) -> &[Edge] {
        let state = state as usize;
        &self.edges[self.first_edge[state] as usize..self.first_edge[state + 1] as usize]
    }

    fn reads(&self, edge: Edge, class: ClassId) -> bool {
        self.reads[edge.label as usize][class as usize / 64] >> (class % 64) & 1 == 1
    }
}

type SubsetId = u32;

const NOT_YET: SubsetId = SubsetId::MAX;

/// Sets of states of the union, each once, and the steps between them as far as they were asked
/// for.
struct Subsets {
    union: Union,
    class_count: usize,
    /// Steps to charge for each new subset, besides its members.
    subset_cost: usize,
    members: Vec<Box<[State]>>,
    accepting: Vec<bool>,
    numbers: HashMap<Box<[State]>, SubsetId>,
    /// `steps[subset * class_count + class]`.
    steps: Vec<SubsetId>,
}

impl Subsets {
    fn new(union: Union, class_count: usize, subset_cost: usize) -> Self {
        Self {
            union,
            class_count,
            subset_cost,
            members: Vec::new(),
            accepting: Vec::new(),
            numbers: HashMap::new(),
            steps: Vec::new(),
        }
    }

    /// Subset 0, so that state 0 of the walk is where both sides start.
    fn add_start(&mut self, budget: &mut Budget) -> Result<SubsetId, GaveUp> {
        self.number(self.union.starts.clone(), budget)
    }

    fn accepts(&self, subset: SubsetId) -> bool {
        self.accepting[subset as usize]
    }

    fn step(
        &mut self,
        subset: SubsetId,
        class: ClassId,
        budget: &mut Budget,
    ) -> Result<SubsetId, GaveUp> {
        let index = subset as usize * self.class_count + class as usize;
        if self.steps[index] == NOT_YET {
            let mut reached = Vec::new();
            for &state in &*self.members[subset as usize] {
                let edges = self.union.edges(state);
                budget.spend(edges.len())?;
                let read = edges.iter().filter(|&&edge| self.union.reads(edge, class));
                reached.extend(read.map(|edge| edge.to));
            }
            reached.sort_unstable();
            reached.dedup();
            self.steps[index] = self.number(reached, budget)?;
        }
        Ok(self.steps[index])
    }

    fn number(&mut self, members: Vec<State>, budget: &mut Budget) -> Result<SubsetId, GaveUp> {
        if let Some(&known) = self.numbers.get(members.as_slice()) {
            return Ok(known);
        }
        // Memory counts as steps: bounding one bounds the other.
        budget.spend(members.len() + self.subset_cost)?;
        let id = self.members.len() as SubsetId;
        let members = members.into_boxed_slice();
        self.accepting.push(
            members
                .iter()
                .any(|&state| self.union.accepting[state as usize]),
        );
        self.numbers.insert(members.clone(), id);
        self.members.push(members);
        self.steps
            .resize(self.members.len() * self.class_count, NOT_YET);
        Ok(id)
    }
}
