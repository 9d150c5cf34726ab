//! What is left of the pools over time, all pools of a unit of time in a few words.
//!
//! [`Grid`] keeps every unit of time, which is the fastest for short tasks; [`Steps`] keeps the
//! times at which anything changes, whatever their distance.

/// The lanes of all pools.
pub(super) type Words<const W: usize> = [u64; W];

/// Lanes and their guard bits.
#[derive(Clone, Debug)]
pub(super) struct Lanes<const W: usize> {
    pub(super) full: Words<W>,
    guard: Words<W>,
    /// The word and the lowest bit of each lane.
    places: Vec<(usize, u32)>,
}

/// How many words lanes of these capacities take.
pub(super) fn words(capacities: &[i64]) -> usize {
    let (mut words, mut used) = (1, 0);
    for &capacity in capacities {
        let width = width(capacity);
        if used + width > 64 {
            words += 1;
            used = 0;
        }
        used += width;
    }
    words
}

/// Bits for `0..=capacity` and the guard.
fn width(capacity: i64) -> u32 {
    65 - capacity.leading_zeros()
}

impl<const W: usize> Lanes<W> {
    pub(super) fn new(capacities: &[i64]) -> Lanes<W> {
        let mut lanes = Lanes {
            full: [0; W],
            guard: [0; W],
            places: Vec::with_capacity(capacities.len()),
        };
        let (mut word, mut used) = (0, 0);
        for &capacity in capacities {
            let width = width(capacity);
            if used + width > 64 {
                word += 1;
                used = 0;
            }
            lanes.full[word] |= (capacity as u64) << used;
            lanes.guard[word] |= 1 << (used + width - 1);
            lanes.places.push((word, used));
            used += width;
        }
        lanes
    }

    pub(super) fn pack(&self, amounts: impl Iterator<Item = (u32, i64)>) -> Words<W> {
        let mut packed = [0; W];
        for (lane, amount) in amounts {
            let (word, bit) = self.places[lane as usize];
            packed[word] += (amount as u64) << bit;
        }
        packed
    }

    #[inline]
    fn fits(&self, free: &Words<W>, demand: &Words<W>) -> bool {
        let mut fits = true;
        for word in 0..W {
            let left = (free[word] | self.guard[word]).wrapping_sub(demand[word]);
            fits &= left & self.guard[word] == self.guard[word];
        }
        fits
    }
}

/// Where tasks are placed.
pub(super) trait Room<const W: usize> {
    fn new(lanes: Lanes<W>) -> Self;
    fn clear(&mut self);
    /// The first time at or after `ready` that has room throughout.
    fn find(&mut self, ready: u32, length: u32, demand: &Words<W>) -> u32;
    /// Takes what was found.
    fn take(&mut self, start: u32, length: u32, demand: &Words<W>);
    /// Steps taken so far beside one for each placement.
    fn effort(&self) -> u64;
}

pub(super) struct Grid<const W: usize> {
    lanes: Lanes<W>,
    free: Vec<Words<W>>,
    /// From here on everything is free.
    top: usize,
    effort: u64,
}

impl<const W: usize> Room<W> for Grid<W> {
    fn new(lanes: Lanes<W>) -> Grid<W> {
        Grid {
            lanes,
            free: Vec::new(),
            top: 0,
            effort: 0,
        }
    }

    fn clear(&mut self) {
        self.free[..self.top].fill(self.lanes.full);
        self.top = 0;
    }

    #[inline]
    fn find(&mut self, ready: u32, length: u32, demand: &Words<W>) -> u32 {
        let mut start = ready as usize;
        let length = length as usize;
        'next: loop {
            let end = (start + length).min(self.top);
            if start >= end {
                break;
            }
            for (at, free) in self.free[start..end].iter().enumerate().rev() {
                if !self.lanes.fits(free, demand) {
                    start += at + 1;
                    continue 'next;
                }
            }
            break;
        }
        self.effort += (start + length - ready as usize) as u64;
        start as u32
    }

    #[inline]
    fn take(&mut self, start: u32, length: u32, demand: &Words<W>) {
        let (start, end) = (start as usize, (start + length) as usize);
        if end > self.free.len() {
            self.free.resize(end + end / 2, self.lanes.full);
        }
        for free in &mut self.free[start..end] {
            for word in 0..W {
                free[word] -= demand[word];
            }
        }
        self.top = self.top.max(end);
    }

    fn effort(&self) -> u64 {
        self.effort / 16
    }
}

pub(super) struct Steps<const W: usize> {
    lanes: Lanes<W>,
    /// From when on how much is free; the first is at 0, after the last everything is free.
    times: Vec<u32>,
    free: Vec<Words<W>>,
    effort: u64,
}

impl<const W: usize> Steps<W> {
    /// The step that a time is in.
    #[inline]
    fn at(&self, time: u32) -> usize {
        self.times.partition_point(|&step| step <= time) - 1
    }

    fn split(&mut self, time: u32) -> usize {
        let at = self.at(time);
        if self.times[at] == time {
            return at;
        }
        self.effort += ((self.times.len() - at) / 8) as u64;
        self.times.insert(at + 1, time);
        self.free.insert(at + 1, self.free[at]);
        at + 1
    }
}

impl<const W: usize> Room<W> for Steps<W> {
    fn new(lanes: Lanes<W>) -> Steps<W> {
        Steps {
            times: vec![0],
            free: vec![lanes.full],
            lanes,
            effort: 0,
        }
    }

    fn clear(&mut self) {
        self.times.truncate(1);
        self.free.truncate(1);
        self.free[0] = self.lanes.full;
    }

    fn find(&mut self, ready: u32, length: u32, demand: &Words<W>) -> u32 {
        let mut start = ready;
        let first = self.at(start);
        let mut at = first;
        while at < self.times.len() && self.times[at] < start + length {
            if !self.lanes.fits(&self.free[at], demand) {
                // the last step is all free, so that there is a next one
                start = self.times[at + 1];
            }
            at += 1;
        }
        self.effort += (at - first) as u64;
        start
    }

    fn take(&mut self, start: u32, length: u32, demand: &Words<W>) {
        let first = self.split(start);
        let end = self.split(start + length);
        for free in &mut self.free[first..end] {
            for word in 0..W {
                free[word] -= demand[word];
            }
        }
    }

    fn effort(&self) -> u64 {
        self.effort / 4
    }
}
