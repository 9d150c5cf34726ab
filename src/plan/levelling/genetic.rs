//! A genetic search over lists of tasks: two populations, one of schedules pushed to the start and
//! one of schedules pushed to the end, that breed each other.
//!
//! A child of two schedules of one population is placed the other way and joins the other
//! population, so that every single placing is also half of a forward-backward improvement
//! (Debels & Vanhoucke 2007, *A decomposition-based genetic algorithm for the RCPSP*, whose
//! bi-population this is). A child takes a stretch of one parent as it is, a busy one of a few
//! (the peak crossover of Valls, Ballestín & Quintanilla 2008, *A hybrid genetic algorithm for the
//! RCPSP*), and the rest in the order of the other parent (Hartmann 1998). It takes the place of
//! the schedule with its own number when it is no worse. First lists are drawn by biased random
//! sampling on latest finish times (Kolisch & Drexl 1996). A population that stands still is given
//! up for a new one; the best schedule stays.
//!
//! Work is counted in placements, so that the same seed and the same amount of work give the same
//! result on every machine.

use super::compact::{Compact, Way};
use super::random::Random;
use super::room::Room;
use super::scheme::{Placed, Scheme};

/// The share of a list that a child takes in one stretch, in thousandths.
const STRETCH: std::ops::Range<usize> = 50..350;
/// Of so many stretches the busiest is taken.
const STRETCHES: usize = 3;
/// A child has fewer random moves than this.
const MOVES: usize = 3;
/// A population that brought nothing new for so many generations is given up.
const STILL: u32 = 30;
/// So many populations in a row without a better schedule: there is nothing to be expected.
const VAIN: u32 = 6;
const SIZES: std::ops::RangeInclusive<usize> = 20..=1_000;

#[derive(Clone)]
pub(super) struct Individual {
    /// The smaller, the better: makespan, then lateness.
    pub(super) value: u64,
    pub(super) placed: Placed,
    /// All nodes in the order in which they are placed the other way, and each node's place there.
    list: Vec<u32>,
    place: Vec<u32>,
}

/// What one island of the search can be asked for.
pub(super) trait Island: Send {
    /// Goes on until so much work is done in all, or a makespan of `goal` is reached in time.
    fn advance(&mut self, work: u64, goal: u32);
    fn best(&self) -> Option<&Individual>;
    /// Places nodes in the order of their starts in a schedule that others found, and takes it in.
    fn invite(&mut self, list: &[u32]);
    /// Whether more work is unlikely to bring anything.
    fn is_exhausted(&self) -> bool;
    fn work(&self) -> u64;
}

pub(super) struct Genetic<'c, const W: usize, R> {
    compact: &'c Compact,
    scheme: Scheme<'c, W, R>,
    random: Random,
    size: usize,
    /// Pushed to the start, and to the end.
    early: Vec<Individual>,
    late: Vec<Individual>,
    best: Option<Individual>,
    guests: Vec<Individual>,
    still: u32,
    vain: u32,
    /// The best of this population, and of all when it began.
    value: u64,
    value_before: u64,
    /// Work beside placing.
    bred: u64,
    until: u64,
    goal: u32,
    counts: Vec<u32>,
}

impl<const W: usize, R: Room<W> + Send> Island for Genetic<'_, W, R> {
    fn advance(&mut self, work: u64, goal: u32) {
        self.until = work;
        self.goal = goal;
        while !self.is_over() {
            if self.late.len() < self.size {
                self.populate();
            } else if self.still >= STILL {
                self.give_up();
            } else {
                self.generation();
            }
        }
    }

    fn best(&self) -> Option<&Individual> {
        self.best.as_ref()
    }

    fn invite(&mut self, list: &[u32]) {
        let guest = self.placed(Way::Forward, list);
        self.guests.push(guest);
    }

    fn is_exhausted(&self) -> bool {
        self.vain >= VAIN
    }

    fn work(&self) -> u64 {
        self.scheme.work() + self.bred
    }
}

impl<'c, const W: usize, R: Room<W> + Send> Genetic<'c, W, R> {
    /// An island that is meant to do so much work.
    pub(super) fn new(compact: &'c Compact, seed: u64, work: u64) -> Genetic<'c, W, R> {
        let lists = work as f64 / compact.len().max(1) as f64;
        let size = (0.4 * lists.sqrt()) as usize;
        Genetic {
            compact,
            scheme: Scheme::new(compact),
            random: Random::new(seed),
            size: size.clamp(*SIZES.start(), *SIZES.end()),
            early: Vec::new(),
            late: Vec::new(),
            best: None,
            guests: Vec::new(),
            still: 0,
            vain: 0,
            value: u64::MAX,
            value_before: u64::MAX,
            bred: 0,
            until: 0,
            goal: 0,
            counts: Vec::new(),
        }
    }

    fn is_over(&self) -> bool {
        let reached = |best: &Individual| best.value <= u64::from(self.goal) << 32;
        self.work() >= self.until || self.is_exhausted() || self.best.as_ref().is_some_and(reached)
    }

    fn best_value(&self) -> u64 {
        self.best.as_ref().map_or(u64::MAX, |best| best.value)
    }

    /// Adds one schedule to a population that is not complete.
    fn populate(&mut self) {
        let at = self.late.len();
        if self.early.len() > at {
            let list = self.early[at].list.clone();
            let late = self.placed(Way::Backward, &list);
            self.late.push(late);
            return;
        }
        let early = match self.guests.pop() {
            Some(guest) => guest,
            None => {
                let list = self.sample();
                self.bred += list.len() as u64;
                self.placed(Way::Forward, &list)
            }
        };
        self.early.push(early);
    }

    fn give_up(&mut self) {
        self.vain = match self.best_value() < self.value_before {
            true => 0,
            false => self.vain + 1,
        };
        self.early.clear();
        self.late.clear();
        self.still = 0;
        self.value = u64::MAX;
        self.value_before = self.best_value();
    }

    fn generation(&mut self) {
        self.breed(Way::Backward);
        self.breed(Way::Forward);
        while let Some(guest) = self.guests.pop() {
            let at = self.random.below(self.early.len());
            self.early[at] = guest;
        }
        let all = self.early.iter().chain(&self.late);
        let value = all.map(|one| one.value).min().unwrap_or(u64::MAX);
        self.still = if value < self.value {
            0
        } else {
            self.still + 1
        };
        self.value = value;
    }

    /// A child for every schedule of the population that is pushed `way`.
    fn breed(&mut self, way: Way) {
        let (parents, mut heirs) = match way {
            Way::Backward => (
                std::mem::take(&mut self.early),
                std::mem::take(&mut self.late),
            ),
            Way::Forward => (
                std::mem::take(&mut self.late),
                std::mem::take(&mut self.early),
            ),
        };
        for (at, heir) in heirs.iter_mut().enumerate() {
            if self.is_over() {
                break;
            }
            let mate = self.tournament(&parents);
            let list = self.child(way, &parents[at], &parents[mate]);
            let child = self.placed(way, &list);
            if child.value <= heir.value {
                *heir = child;
            }
        }
        (self.early, self.late) = match way {
            Way::Backward => (parents, heirs),
            Way::Forward => (heirs, parents),
        };
    }

    fn tournament(&mut self, among: &[Individual]) -> usize {
        let (one, two) = (
            self.random.below(among.len()),
            self.random.below(among.len()),
        );
        if among[one].value < among[two].value {
            one
        } else {
            two
        }
    }

    fn child(&mut self, way: Way, one: &Individual, two: &Individual) -> Vec<u32> {
        let (giver, other) = match self.random.below(2) {
            0 => (two, one),
            _ => (one, two),
        };
        let nodes = giver.list.len();
        self.bred += nodes as u64 / 2;
        let share = STRETCH.start + self.random.below(STRETCH.len());
        let length = (nodes * share / 1000).clamp(1, nodes);
        let from = self.stretch(giver, length);
        let stretch = from as u32..(from + length) as u32;
        let place = |node: &u32| giver.place[*node as usize];
        let mut list = Vec::with_capacity(nodes);
        list.extend(
            other
                .list
                .iter()
                .copied()
                .filter(|node| place(node) < stretch.start),
        );
        list.extend_from_slice(&giver.list[from..from + length]);
        list.extend(
            other
                .list
                .iter()
                .copied()
                .filter(|node| place(node) >= stretch.end),
        );
        let moves = match one.list == two.list {
            true => nodes / 8 + 1,
            false => self.random.below(MOVES),
        };
        self.shake(way, &mut list, moves);
        list
    }

    /// Where the busiest of a few stretches begins.
    fn stretch(&mut self, of: &Individual, length: usize) -> usize {
        let mut busiest = (f32::MIN, 0);
        for _ in 0..STRETCHES {
            let from = self.random.below(of.list.len() - length + 1);
            let density = self.density(of, &of.list[from..from + length]);
            if density > busiest.0 {
                busiest = (density, from);
            }
        }
        busiest.1
    }

    /// What nodes that are placed one after the other take, by the time they take together.
    fn density(&self, of: &Individual, nodes: &[u32]) -> f32 {
        let start = |node: u32| of.placed.start[node as usize];
        let end = |node: u32| start(node) + self.compact.length[node as usize];
        let last = nodes.first().map_or(0, |&node| end(node));
        let first = nodes.iter().map(|&node| start(node)).min().unwrap_or(0);
        let weight: f32 = nodes
            .iter()
            .map(|&node| self.compact.weight[node as usize])
            .sum();
        weight / (last - first).max(1) as f32
    }

    /// Moves nodes to other places that their needs allow.
    fn shake(&mut self, way: Way, list: &mut [u32], moves: usize) {
        if moves == 0 {
            return;
        }
        let compact = self.compact;
        let mut place = vec![0u32; list.len()];
        for (at, &node) in list.iter().enumerate() {
            place[node as usize] = at as u32;
        }
        for _ in 0..moves {
            let from = self.random.below(list.len());
            let before = compact
                .needs(way, list[from])
                .iter()
                .map(|&need| place[need as usize] + 1);
            let after = compact
                .needs(way.other(), list[from])
                .iter()
                .map(|&next| place[next as usize]);
            let lowest = before.max().unwrap_or(0) as usize;
            let end = after.min().map_or(list.len(), |next| next as usize);
            let to = lowest + self.random.below(end - lowest);
            match to < from {
                true => list[to..=from].rotate_right(1),
                false => list[from..=to].rotate_left(1),
            }
            for at in from.min(to)..=from.max(to) {
                place[list[at] as usize] = at as u32;
            }
        }
    }

    /// A list by chance, where a late tail makes a late place likely.
    fn sample(&mut self) -> Vec<u32> {
        let compact = self.compact;
        let nodes = compact.len() as u32;
        let mut missing: Vec<u32> = (0..nodes)
            .map(|node| compact.before.of(node).len() as u32)
            .collect();
        let mut ready: Vec<u32> = (0..nodes)
            .filter(|&node| missing[node as usize] == 0)
            .collect();
        let mut list = Vec::with_capacity(nodes as usize);
        while !ready.is_empty() {
            let picked = self.pick(&ready);
            let node = ready.swap_remove(picked);
            list.push(node);
            for &next in compact.after.of(node) {
                missing[next as usize] -= 1;
                if missing[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        list
    }

    fn pick(&mut self, ready: &[u32]) -> usize {
        let tail = |node: &u32| self.compact.tail[*node as usize] as usize;
        let least = ready.iter().map(tail).min().unwrap_or(0);
        let weight = |node: &u32| tail(node) - least + 1;
        let mut left = self.random.below(ready.iter().map(weight).sum());
        for (at, node) in ready.iter().enumerate() {
            if left < weight(node) {
                return at;
            }
            left -= weight(node);
        }
        0
    }

    /// Places a list and remembers the best schedule, which is always one that is pushed to the
    /// start.
    fn placed(&mut self, way: Way, list: &[u32]) -> Individual {
        let individual = self.individual(way, list);
        if individual.value < self.best_value() {
            let early = match way {
                Way::Forward => individual.clone(),
                Way::Backward => self.individual(Way::Forward, &individual.list),
            };
            if early.value < self.best_value() {
                self.best = Some(early);
            }
        }
        individual
    }

    fn individual(&mut self, way: Way, list: &[u32]) -> Individual {
        let mut placed = Placed::empty(self.compact);
        self.scheme.place(way, list, &mut placed);
        let late = match self.compact.deadlines.is_empty() {
            true => 0,
            false => self.compact.lateness(&placed.starts(self.compact, way)),
        };
        let (list, place) = self.turned(way, &placed);
        Individual {
            value: u64::from(placed.makespan) << 32 | u64::from(late),
            placed,
            list,
            place,
        }
    }

    /// All nodes, the last to end first, and each node's place. Of nodes that end at once those
    /// come first that may need others.
    fn turned(&mut self, way: Way, placed: &Placed) -> (Vec<u32>, Vec<u32>) {
        let nodes = self.compact.len();
        let before_end = |node: usize| {
            (placed.makespan - placed.start[node] - self.compact.length[node]) as usize
        };
        let in_turn = |at: usize| match way {
            Way::Forward => nodes - 1 - at,
            Way::Backward => at,
        };
        let mut list = vec![0u32; nodes];
        let mut place = vec![0u32; nodes];
        if placed.makespan as usize > 8 * nodes + 64 {
            for (at, node) in list.iter_mut().enumerate() {
                *node = in_turn(at) as u32;
            }
            list.sort_by_key(|&node| before_end(node as usize));
            for (at, &node) in list.iter().enumerate() {
                place[node as usize] = at as u32;
            }
            return (list, place);
        }
        // times are few: counting them is faster than comparing
        self.counts.clear();
        self.counts.resize(placed.makespan as usize + 2, 0);
        for node in 0..nodes {
            self.counts[before_end(node) + 1] += 1;
        }
        for time in 1..self.counts.len() {
            self.counts[time] += self.counts[time - 1];
        }
        for node in (0..nodes).map(in_turn) {
            let next = &mut self.counts[before_end(node)];
            list[*next as usize] = node as u32;
            place[node] = *next;
            *next += 1;
        }
        (list, place)
    }
}
