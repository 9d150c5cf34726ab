//! The serial scheme on the compact form, in both directions of time (Kelley 1963).
//!
//! A list placed forward gives a schedule where nothing can go earlier by itself; one placed
//! backward is the same thing seen from the end. In a backward schedule that starts something
//! before its window, everything is moved later by as much as that takes.

use super::compact::{Compact, Way};
use super::problem::NONE;
use super::room::{Lanes, Room, Words};

/// A schedule in the coordinates of its way: starts count from the start, or from the end.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) start: Vec<u32>,
    /// The pool chosen of `any`, by node, when there are such tasks at all.
    pub(super) chosen: Vec<u32>,
    pub(super) makespan: u32,
}

/// How a node is placed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing it takes can be short.
    Free,
    Fixed,
    Choice,
}

pub(super) struct Scheme<'c, const W: usize, R> {
    compact: &'c Compact,
    room: R,
    kinds: Vec<Kind>,
    /// What each node takes.
    demand: Vec<Words<W>>,
    /// By kind of take: each pool with the demand that has a slot of it.
    choices: Vec<Vec<(u32, Words<W>)>>,
    /// Work by lane, to choose the least busy of equals.
    busy: Vec<u32>,
    placements: u64,
}

impl<'c, const W: usize, R: Room<W>> Scheme<'c, W, R> {
    pub(super) fn new(compact: &'c Compact) -> Scheme<'c, W, R> {
        let lanes: Lanes<W> = Lanes::new(&compact.lanes);
        let kind = |&take: &u32| match compact.takes.get(take as usize) {
            None => Kind::Free,
            Some(take) if take.any.is_empty() => Kind::Fixed,
            Some(_) => Kind::Choice,
        };
        let fixed = |&take: &u32| match compact.takes.get(take as usize) {
            None => [0; W],
            Some(take) => lanes.pack(take.fixed.iter().copied()),
        };
        let mut choices = Vec::new();
        for take in &compact.takes {
            let with = |&lane: &u32| {
                let amounts = take.fixed.iter().copied().chain([(lane, 1)]);
                (lane, lanes.pack(amounts))
            };
            choices.push(take.any.iter().map(with).collect());
        }
        Scheme {
            compact,
            kinds: compact.take.iter().map(kind).collect(),
            demand: compact.take.iter().map(fixed).collect(),
            choices,
            busy: vec![0; compact.lanes.len()],
            room: R::new(lanes),
            placements: 0,
        }
    }

    /// Counts what was done so far; it does not depend on the machine.
    pub(super) fn work(&self) -> u64 {
        self.placements + self.room.effort()
    }

    /// Places nodes in the order of `list`, where what a node needs comes before it.
    pub(super) fn place(&mut self, way: Way, list: &[u32], placed: &mut Placed) {
        let compact = self.compact;
        self.room.clear();
        self.busy.fill(0);
        self.placements += list.len() as u64;
        let mut makespan = 0;
        for &node in list {
            let at = node as usize;
            let mut ready = match way {
                Way::Forward => compact.release[at],
                Way::Backward => 0,
            };
            for &need in compact.needs(way, node) {
                let need = need as usize;
                ready = ready.max(placed.start[need] + compact.length[need]);
            }
            let start = self.put(node, ready, &mut placed.chosen);
            placed.start[at] = start;
            makespan = makespan.max(start + compact.length[at]);
        }
        placed.makespan = makespan;
        if way == Way::Backward && compact.windows {
            self.move_into_windows(placed);
        }
    }

    #[inline]
    fn put(&mut self, node: u32, ready: u32, chosen: &mut [u32]) -> u32 {
        let at = node as usize;
        let length = self.compact.length[at];
        match self.kinds[at] {
            Kind::Free => ready,
            Kind::Fixed => {
                let demand = self.demand[at];
                let start = self.room.find(ready, length, &demand);
                self.room.take(start, length, &demand);
                start
            }
            Kind::Choice => self.put_choice(at, ready, chosen),
        }
    }

    fn put_choice(&mut self, at: usize, ready: u32, chosen: &mut [u32]) -> u32 {
        let length = self.compact.length[at];
        let mut best = (u32::MAX, u32::MAX, NONE, [0; W]);
        for &(lane, demand) in &self.choices[self.compact.take[at] as usize] {
            let start = self.room.find(ready, length, &demand);
            let busy = self.busy[lane as usize];
            if (start, busy) < (best.0, best.1) {
                best = (start, busy, lane, demand);
            }
        }
        let (start, _, lane, demand) = best;
        self.room.take(start, length, &demand);
        self.busy[lane as usize] += length;
        chosen[at] = self.compact.pools[lane as usize];
        start
    }

    fn move_into_windows(&self, placed: &mut Placed) {
        let compact = self.compact;
        let early = |at: usize| {
            let start = placed.makespan - placed.start[at] - compact.length[at];
            compact.release[at].saturating_sub(start)
        };
        // in coordinates from the end nothing moves but the start of everything
        placed.makespan += (0..compact.len()).map(early).max().unwrap_or(0);
    }
}

impl Placed {
    pub(super) fn empty(compact: &Compact) -> Placed {
        let choices = compact.takes.iter().any(|take| !take.any.is_empty());
        Placed {
            start: vec![0; compact.len()],
            chosen: if choices {
                vec![NONE; compact.len()]
            } else {
                Vec::new()
            },
            makespan: 0,
        }
    }

    /// The starts counted from the start.
    pub(super) fn starts(&self, compact: &Compact, way: Way) -> Vec<u32> {
        match way {
            Way::Forward => self.start.clone(),
            Way::Backward => {
                let starts = self.start.iter().zip(&compact.length);
                starts
                    .map(|(start, length)| self.makespan - start - length)
                    .collect()
            }
        }
    }
}
