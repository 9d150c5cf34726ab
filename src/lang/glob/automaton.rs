//! The automaton of one glob, over paths written with a `/` after every segment.
//!
//! Owns compilation from items and the matching of one path. Knows nothing of spelling, and
//! nothing of other globs.
//!
//! Only real paths are accepted: no empty segment, no `.` or `..` segment. That rule is built
//! into the states, so products and differences never report a path that cannot exist.
//!
//! Size: `n` items give at most `4 n` states, with brace structure costing edges, not states.

use std::collections::HashMap;
use std::convert::Infallible;

use super::char_set::CharSet;
use super::pattern::{Item, ItemId, Pattern};
use super::witness::{Graph, best_word};

pub(super) type State = u32;

pub(super) const START: State = 0;

/// What an edge reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Label {
    Slash,
    One(char),
    Set(CharSet),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    /// Index into the automaton's labels.
    pub(super) label: u32,
    pub(super) to: State,
}

/// Nondeterministic, without empty moves, every state on some accepted path.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// The edges of state `s` are `edges[first_edge[s]..first_edge[s + 1]]`.
    first_edge: Vec<u32>,
    edges: Vec<Edge>,
    labels: Vec<Label>,
    /// The one accepting state; it has no edges, for a path has one final `/`.
    accept: State,
}

/// The product of two automata would pass its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Label {
    pub(super) fn reads(&self, c: char) -> bool {
        match self {
            Self::Slash => c == '/',
            Self::One(one) => *one == c,
            Self::Set(set) => set.contains(c),
        }
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Slash, Self::Slash) => true,
            (Self::One(c), label) | (label, Self::One(c)) => label.reads(*c),
            (Self::Set(a), Self::Set(b)) => a.meets(b),
            (Self::Slash, Self::Set(_)) | (Self::Set(_), Self::Slash) => false,
        }
    }

    /// What both read, if they share anything.
    pub(super) fn common(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => {
                let both = a.intersection(b);
                (!both.is_empty()).then_some(Self::Set(both))
            }
            (Self::Set(_), label) | (label, _) => self.meets(other).then(|| label.clone()),
        }
    }

    pub(super) fn plainest(&self) -> Option<char> {
        match self {
            Self::Slash => Some('/'),
            Self::One(c) => Some(*c),
            Self::Set(set) => set.plainest(),
        }
    }

    /// The most readable character both read.
    pub(super) fn plainest_common(&self, other: &Self) -> Option<char> {
        match (self, other) {
            (Self::Slash, Self::Slash) => Some('/'),
            (Self::One(c), label) | (label, Self::One(c)) => label.reads(*c).then_some(*c),
            (Self::Set(a), Self::Set(b)) => a.intersection(b).plainest(),
            (Self::Slash, Self::Set(_)) | (Self::Set(_), Self::Slash) => None,
        }
    }
}

impl Automaton {
    /// Accepts at least one path: a segment that is not literal can always be filled, and the
    /// pattern's rules keep literal segments valid.
    pub(super) fn compile(pattern: &Pattern) -> Self {
        Compiler::new(pattern).run().trimmed()
    }

    /// Accepts what both accept. The outer error says that more than `edge_limit` pairs of edges
    /// would have to be looked at; the inner `None`, that no path is left.
    pub(super) fn product(a: &Self, b: &Self, edge_limit: usize) -> Result<Option<Self>, TooLarge> {
        let mut states = HashMap::from([((START, START), START)]);
        let mut pairs = vec![(START, START)];
        let mut labels = Labels::default();
        let mut first_edge = vec![0];
        let mut edges = Vec::new();
        let mut looked_at = 0;
        let mut done = 0;
        while let Some(&(p, q)) = pairs.get(done) {
            let (from_p, from_q) = (a.edges(p), b.edges(q));
            looked_at += from_p.len() * from_q.len();
            if looked_at > edge_limit {
                return Err(TooLarge);
            }
            for (&x, &y) in from_p
                .iter()
                .flat_map(|x| from_q.iter().map(move |y| (x, y)))
            {
                if let Some(label) = a.label(x).common(b.label(y)) {
                    let next = pairs.len() as State;
                    let to = *states.entry((x.to, y.to)).or_insert_with(|| {
                        pairs.push((x.to, y.to));
                        next
                    });
                    edges.push(Edge {
                        label: labels.intern(label),
                        to,
                    });
                }
            }
            first_edge.push(edges.len() as u32);
            done += 1;
        }
        let Some(&accept) = states.get(&(a.accept, b.accept)) else {
            return Ok(None);
        };
        Ok(Some(
            Self {
                first_edge,
                edges,
                labels: labels.list,
                accept,
            }
            .trimmed(),
        ))
    }

    pub(super) fn state_count(&self) -> usize {
        self.first_edge.len() - 1
    }

    pub(super) fn accept(&self) -> State {
        self.accept
    }

    pub(super) fn labels(&self) -> &[Label] {
        &self.labels
    }

    pub(super) fn label(&self, edge: Edge) -> &Label {
        &self.labels[edge.label as usize]
    }

    pub(super) fn edges(&self, state: State) -> &[Edge] {
        let state = state as usize;
        &self.edges[self.first_edge[state] as usize..self.first_edge[state + 1] as usize]
    }

    /// Whether a path, read with its final `/`, is accepted. Time: path length times edges.
    pub(super) fn accepts(&self, word: impl Iterator<Item = char>) -> bool {
        let mut current = vec![START];
        let mut next = Vec::new();
        // The step in which a state was last entered, so that it is entered once per step.
        let mut entered = vec![usize::MAX; self.state_count()];
        for (step, c) in word.enumerate() {
            for &state in &current {
                for &edge in self.edges(state) {
                    if self.label(edge).reads(c) && entered[edge.to as usize] != step {
                        entered[edge.to as usize] = step;
                        next.push(edge.to);
                    }
                }
            }
            if next.is_empty() {
                return false;
            }
            std::mem::swap(&mut current, &mut next);
            next.clear();
        }
        current.contains(&self.accept)
    }

    /// The best path that is accepted, written with its final `/`.
    pub(super) fn best_word(&self) -> Option<String> {
        let plainest = self.labels.iter().map(Label::plainest).collect();
        match best_word(&mut Alone {
            automaton: self,
            plainest,
        }) {
            Ok(word) => word,
            Err(never) => match never {},
        }
    }

    /// Without the states from which no path can be completed. The start leads somewhere.
    fn trimmed(&self) -> Self {
        let live = self.live_states();
        let mut renumbered = Vec::with_capacity(live.len());
        let mut count = 0;
        for &is_live in &live {
            renumbered.push(count);
            count += u32::from(is_live);
        }
        let mut trimmed = Self {
            first_edge: vec![0],
            edges: Vec::with_capacity(self.edges.len()),
            labels: self.labels.clone(),
            accept: renumbered[self.accept as usize],
        };
        for state in (0..self.state_count()).filter(|&state| live[state]) {
            let kept = self
                .edges(state as State)
                .iter()
                .filter(|edge| live[edge.to as usize]);
            trimmed.edges.extend(kept.map(|edge| Edge {
                to: renumbered[edge.to as usize],
                ..*edge
            }));
            trimmed.first_edge.push(trimmed.edges.len() as u32);
        }
        trimmed
    }

    /// Which states lead to the accepting one.
    fn live_states(&self) -> Vec<bool> {
        let mut into = vec![Vec::new(); self.state_count()];
        for state in 0..self.state_count() as State {
            for edge in self.edges(state) {
                into[edge.to as usize].push(state);
            }
        }
        let mut live = vec![false; self.state_count()];
        let mut open = vec![self.accept];
        while let Some(state) = open.pop() {
            if !std::mem::replace(&mut live[state as usize], true) {
                open.extend_from_slice(&into[state as usize]);
            }
        }
        live
    }
}

/// An automaton as a graph to find its best path in.
struct Alone<'a> {
    automaton: &'a Automaton,
    /// By label.
    plainest: Vec<Option<char>>,
}

impl Graph for Alone<'_> {
    type Abort = Infallible;

    fn is_goal(&self, state: State) -> bool {
        state == self.automaton.accept
    }

    fn moves(&mut self, state: State, moves: &mut Vec<(char, State)>) -> Result<(), Infallible> {
        for edge in self.automaton.edges(state) {
            moves.extend(self.plainest[edge.label as usize].map(|c| (c, edge.to)));
        }
        Ok(())
    }
}

/// What the current segment of the path holds, as far as validity cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    Valid,
}

struct Compiler<'p> {
    pattern: &'p Pattern,
    labels: Labels,
    states: HashMap<(ItemId, Segment), State>,
    /// States in order of their numbers.
    entries: Vec<(ItemId, Segment)>,
    /// The closure in which an item was last seen.
    seen: Vec<State>,
}

impl<'p> Compiler<'p> {
    fn new(pattern: &'p Pattern) -> Self {
        Self {
            pattern,
            labels: Labels::default(),
            states: HashMap::with_capacity(pattern.items.len() * 2),
            entries: Vec::with_capacity(pattern.items.len() * 2),
            seen: vec![State::MAX; pattern.items.len()],
        }
    }

    fn run(mut self) -> Automaton {
        let mut first_edge = vec![0];
        let mut edges: Vec<Edge> = Vec::with_capacity(self.pattern.items.len() * 3);
        self.state(0, Segment::Empty);
        let mut done = 0;
        while let Some(&(id, segment)) = self.entries.get(done) {
            let mut out = Vec::new();
            for item in self.closure(done as State, id) {
                self.edges_of(item, segment, &mut out);
            }
            out.sort_unstable();
            out.dedup();
            edges.append(&mut out);
            first_edge.push(edges.len() as u32);
            done += 1;
        }
        let accept = self.state(self.pattern.final_slash + 1, Segment::Empty);
        // Not reached by any edge: still a state, so that the tables agree.
        first_edge.resize(self.entries.len() + 1, edges.len() as u32);
        Automaton {
            first_edge,
            edges,
            labels: self.labels.list,
            accept,
        }
    }

    /// The items reached from `id` without reading.
    fn closure(&mut self, stamp: State, id: ItemId) -> Vec<ItemId> {
        let mut reached = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut self.seen[id], stamp) == stamp {
                continue;
            }
            reached.push(id);
            open.extend_from_slice(self.pattern.shortcuts(id));
            open.extend(self.pattern.skips_from(id));
            if self.pattern.items[id] == Item::Star {
                open.push(id + 1);
            }
        }
        reached
    }

    fn edges_of(&mut self, id: ItemId, segment: Segment, out: &mut Vec<Edge>) {
        let pattern = self.pattern;
        match &pattern.items[id] {
            Item::One(c) => self.read_one(*c, segment, id + 1, out),
            Item::Set(set) => self.read_set(set, segment, id + 1, out),
            Item::Star => self.read_set(&CharSet::any(), segment, id, out),
            Item::DoubleStar => self.read_set(&CharSet::any(), segment, id + 1, out),
            Item::InsideDoubleStar => {
                self.read_set(&CharSet::any(), segment, id, out);
                self.read_slash(segment, id - 1, out);
            }
            Item::Slash | Item::FinalSlash => self.read_slash(segment, id + 1, out),
            Item::Open(_) | Item::Jump(_) | Item::Accept => {}
        }
    }

    fn read_slash(&mut self, segment: Segment, to: ItemId, out: &mut Vec<Edge>) {
        if segment == Segment::Valid {
            let label = self.labels.intern(Label::Slash);
            out.push(Edge {
                label,
                to: self.state(to, Segment::Empty),
            });
        }
    }

    fn read_one(&mut self, c: char, segment: Segment, to: ItemId, out: &mut Vec<Edge>) {
        let after = match segment {
            Segment::Empty if c == '.' => Segment::Dot,
            Segment::Dot if c == '.' => Segment::DotDot,
            Segment::Empty | Segment::Dot | Segment::DotDot | Segment::Valid => Segment::Valid,
        };
        let label = self.labels.intern(Label::One(c));
        out.push(Edge {
            label,
            to: self.state(to, after),
        });
    }

    fn read_set(&mut self, set: &CharSet, segment: Segment, to: ItemId, out: &mut Vec<Edge>) {
        let dot_matters = matches!(segment, Segment::Empty | Segment::Dot) && set.contains('.');
        if dot_matters {
            self.read_one('.', segment, to, out);
        }
        let rest = if dot_matters {
            set.without('.')
        } else {
            set.clone()
        };
        if !rest.is_empty() {
            let label = self.labels.intern(Label::Set(rest));
            out.push(Edge {
                label,
                to: self.state(to, Segment::Valid),
            });
        }
    }

    fn state(&mut self, id: ItemId, segment: Segment) -> State {
        let next = self.entries.len() as State;
        *self.states.entry((id, segment)).or_insert_with(|| {
            self.entries.push((id, segment));
            next
        })
    }
}

/// Labels by number, each once.
#[derive(Default)]
struct Labels {
    list: Vec<Label>,
    numbers: HashMap<Label, u32>,
}

impl Labels {
    fn intern(&mut self, label: Label) -> u32 {
        let next = self.list.len() as u32;
        *self.numbers.entry(label).or_insert_with_key(|label| {
            self.list.push(label.clone());
            next
        })
    }
}
