//! A genetic search.
use super::compact::{Compact, Way};
use super::random::Random;
use super::room::Room;
use super::scheme::{Placed, Scheme};

#[derive(Clone)]
pub(super) struct Individual {
    pub(super) value: u64,
    pub(super) placed: Placed,
    pub(super) way: Way,
    /// all nodes as they are placed the other way
    list: Vec<u32>,
    /// position in list
    at: Vec<u32>,
}

pub(super) struct Tune { v: Vec<f64> }
impl Tune {
    #[allow(clippy::all)]
    fn get() -> &'static Tune {
        static T: std::sync::OnceLock<Tune> = std::sync::OnceLock::new();
        T.get_or_init(|| {
            let d = [60.0, 1.0, 3.0, 0.25, 0.5, 2.0, 30.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            let mut v = d.to_vec();
            if let Ok(t) = std::env::var("TUNE") {
                for kv in t.split(',') { let (k, x) = kv.split_once('=').unwrap(); v[k.parse::<usize>().unwrap()] = x.parse().unwrap(); }
            }
            Tune { v }
        })
    }
    fn u(&self, i: usize) -> usize { self.v[i] as usize }
}

pub(super) struct Genetic<'c, const W: usize, R> {
    compact: &'c Compact,
    scheme: Scheme<'c, W, R>,
    random: Random,
    extra: u64,
    pub(super) best: Option<Individual>,
    left: Vec<Individual>,
    right: Vec<Individual>,
    stale: usize,
    size: usize,
    round_best: u64,
    buckets: Vec<u32>,
    pub(super) schedules: u64,
    goal: u32,
    budget: u64,
}

impl<'c, const W: usize, R: Room<W>> Genetic<'c, W, R> {
    pub(super) fn new(compact: &'c Compact, seed: u64, goal: u32, budget: u64) -> Self {
        Genetic { compact, scheme: Scheme::new(compact), random: Random::new(seed), extra: 0, best: None, left: vec![], right: vec![], stale: 0, size: Tune::get().u(0), round_best: u64::MAX, buckets: vec![], schedules: 0, goal, budget }
    }
    pub(super) fn work(&self) -> u64 { self.scheme.work() + self.extra }
    fn over(&self) -> bool {
        self.work() >= self.budget || self.best.as_ref().is_some_and(|b| b.placed.makespan <= self.goal && b.value as u32 == 0)
    }

    fn evaluate(&mut self, way: Way, list: &[u32]) -> Individual {
        self.schedules += 1;
        let mut placed = Placed::empty(self.compact);
        self.scheme.place(way, list, &mut placed);
        let (list, at) = self.reversed(way, &placed);
        let late = if self.compact.deadlines.is_empty() { 0 } else { self.compact.lateness(&placed.starts(self.compact, way)) };
        let value = u64::from(placed.makespan) << 32 | u64::from(late);
        let ind = Individual { value, placed, way, list, at };
        if self.best.as_ref().is_none_or(|b| value < b.value) { self.best = Some(ind.clone()); }
        ind
    }

    fn reversed(&mut self, way: Way, placed: &Placed) -> (Vec<u32>, Vec<u32>) {
        let n = self.compact.len();
        let mut list = vec![0u32; n];
        let mut at = vec![0u32; n];
        let mk = placed.makespan as usize;
        if mk < 8 * n + 64 {
            self.buckets.clear();
            self.buckets.resize(mk + 2, 0);
            for i in 0..n { self.buckets[mk - (placed.start[i] + self.compact.length[i]) as usize + 1] += 1; }
            for t in 1..mk + 2 { self.buckets[t] += self.buckets[t - 1]; }
            let mut put = |i: usize| {
                let b = &mut self.buckets[mk - (placed.start[i] + self.compact.length[i]) as usize];
                list[*b as usize] = i as u32; at[i] = *b; *b += 1;
            };
            match way { Way::Forward => (0..n).rev().for_each(&mut put), Way::Backward => (0..n).for_each(&mut put) }
        } else {
            for (i, x) in list.iter_mut().enumerate() { *x = i as u32; }
            match way {
                Way::Forward => list.sort_unstable_by_key(|&i| (u32::MAX - (placed.start[i as usize] + self.compact.length[i as usize]), u32::MAX - i)),
                Way::Backward => list.sort_unstable_by_key(|&i| (u32::MAX - (placed.start[i as usize] + self.compact.length[i as usize]), i)),
            }
            for (p, &i) in list.iter().enumerate() { at[i as usize] = p as u32; }
        }
        (list, at)
    }

    /// regret based biased sampling by latest finish
    fn sample(&mut self) -> Vec<u32> {
        let c = self.compact; let n = c.len();
        let mut missing: Vec<u32> = (0..n as u32).map(|i| c.before.of(i).len() as u32).collect();
        let mut ready: Vec<u32> = (0..n as u32).filter(|&i| missing[i as usize] == 0).collect();
        let mut list = Vec::with_capacity(n);
        while !ready.is_empty() {
            let least = ready.iter().map(|&i| c.tail[i as usize]).min().unwrap_or(0);
            let total: u64 = ready.iter().map(|&i| u64::from(c.tail[i as usize] - least) + 1).sum();
            let mut pick = self.random.below(total as usize) as u64;
            let mut x = 0;
            for (k, &i) in ready.iter().enumerate() {
                let w = u64::from(c.tail[i as usize] - least) + 1; x = k;
                if pick < w { break; } pick -= w;
            }
            let i = ready.swap_remove(x); list.push(i);
            for &s in c.after.of(i) { missing[s as usize] -= 1; if missing[s as usize] == 0 { ready.push(s); } }
        }
        list
    }

    fn child(&mut self, a: &Individual, b: &Individual) -> Vec<u32> {
        let t = Tune::get();
        let c = self.compact; let n = c.len();
        let f = t.v[3] + t.v[4] * (self.random.below(1 << 20) as f64 / (1 << 20) as f64);
        let len = ((n as f64 * f) as usize).clamp(1, n);
        let mut best = (f32::MIN, 0);
        for _ in 0..t.u(2) {
            let st = self.random.below(n - len + 1);
            let seg = &a.list[st..st + len];
            let hi = { let i = a.list[st] as usize; a.placed.start[i] + c.length[i] };
            let lo = seg.iter().map(|&i| a.placed.start[i as usize]).min().unwrap_or(0);
            let w: f32 = seg.iter().map(|&i| c.weight[i as usize]).sum();
            let d = w / (hi - lo).max(1) as f32;
            if d > best.0 { best = (d, st); }
        }
        let (q1, q2) = (best.1, best.1 + len);
        let mut list = Vec::with_capacity(n);
        list.extend(b.list.iter().copied().filter(|&i| (a.at[i as usize] as usize) < q1));
        list.extend_from_slice(&a.list[q1..q2]);
        list.extend(b.list.iter().copied().filter(|&i| a.at[i as usize] as usize >= q2));
        list
    }

    fn mutate(&mut self, way: Way, list: &mut [u32], count: usize) {
        let c = self.compact; let n = list.len();
        let mut at = vec![0u32; n];
        for (p, &i) in list.iter().enumerate() { at[i as usize] = p as u32; }
        for _ in 0..count {
            let x = self.random.below(n);
            let i = list[x];
            let lo = c.needs(way, i).iter().map(|&p| at[p as usize] as usize + 1).max().unwrap_or(0);
            let hi = c.needs(way.other(), i).iter().map(|&p| at[p as usize] as usize).min().unwrap_or(n);
            if hi <= lo + 1 { continue; }
            let y = lo + self.random.below(hi - lo);
            if y < x { list[y..=x].rotate_right(1); } else { list[x..=y].rotate_left(1); }
            for p in x.min(y)..=x.max(y) { at[list[p] as usize] = p as u32; }
        }
    }

    fn start(&mut self) {
        self.left.clear(); self.right.clear();
        while self.left.len() < self.size && !self.over() {
            let list = self.sample();
            self.extra += list.len() as u64;
            let ind = self.evaluate(Way::Forward, &list);
            self.left.push(ind);
        }
        // first right: direct
        for k in 0..self.left.len() { if self.over() { return; } let list = self.left[k].list.clone(); let ind = self.evaluate(Way::Backward, &list); self.right.push(ind); }
        self.stale = 0;
        self.round_best = u64::MAX;
    }

    fn generation(&mut self, way: Way) {
        let t = Tune::get();
        let n = self.compact.len();
        let from = std::mem::take(if way == Way::Backward { &mut self.left } else { &mut self.right });
        let mut into = std::mem::take(if way == Way::Backward { &mut self.right } else { &mut self.left });
        for i in 0..from.len() {
            if self.over() { break; }
            let a = &from[i];
            let pick = |g: &mut Self| { let x = g.random.below(from.len()); let y = g.random.below(from.len()); if from[x].value < from[y].value { x } else { y } };
            let m = pick(self);
            let b = &from[m];
            let (a, b) = if t.u(7) == 1 && self.random.below(2) == 0 { (b, a) } else { (a, b) };
            let mut list = self.child(a, b);
            let same = i == m || a.value == b.value && a.list == b.list;
            let count = if same { n / 8 + 1 } else { self.random.below(t.u(5) + 1) + n * t.u(8) / 100 };
            self.mutate(way, &mut list, count);
            self.extra += n as u64 / 2;
            let ind = self.evaluate(way, &list);
            match t.u(1) {
                0 => if ind.value <= into[i].value { into[i] = ind; },
                1 => { into[i] = ind; }
                _ => into.push(ind),
            }
        }
        if t.u(1) >= 2 {
            into.sort_by_key(|x| x.value);
            into.dedup_by(|x, y| x.value == y.value && x.placed.start == y.placed.start);
            into.truncate(self.size);
            while into.len() < self.size && !self.over() { let mut l = self.sample(); if way == Way::Backward { l.reverse(); } let ind = self.evaluate(way, &l); into.push(ind); }
        } 
        if way == Way::Backward { self.left = from; self.right = into; } else { self.right = from; self.left = into; }
    }

    pub(super) fn run(&mut self) {
        let t = Tune::get();
        while !self.over() {
            self.start();
            while !self.over() && self.stale < t.u(6) {
                self.generation(Way::Backward);
                if self.over() { break; }
                self.generation(Way::Forward);
                let now = self.left.iter().chain(&self.right).map(|x| x.value).min().unwrap_or(0);
                if now < self.round_best { self.round_best = now; self.stale = 0; } else { self.stale += 1; }
            }
            if t.u(9) == 1 { self.size = self.size * 2; }
        }
    }
}
