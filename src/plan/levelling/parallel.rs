//! The parallel scheme as an event queue: time moves from event to event, and whatever can start
//! then starts, in order (Bedworth & Bailey 1982; Kolisch 1996).
//!
//! Tasks that take the same wait in one line. A line that cannot go on waits at the one thing
//! that stops its first task (a pool, all agents of an `any of`, the next opening) and is looked
//! at again only when that has something free. So the work per event is about the number of lines
//! that it frees, not the number of tasks that wait, and a plan of 100,000 tasks is near linear.

use super::problem::{Demand, NONE, Problem, Solution, When};
use coord_lang::ids::{Id, NodeId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// At the same time things end before others become ready and before hours open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finish(u32),
    Ready(u32),
    Opening,
}

/// Tasks of one demand, waiting.
#[derive(Default)]
struct Line {
    waiting: BinaryHeap<Reverse<(u32, u32)>>,
    /// Counts up whenever the line moves: what waits somewhere with an old count is void.
    turn: u32,
    /// Waits at something.
    parked: bool,
}

/// A line that waits at something: void when it has moved since.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Parked {
    /// The place of its first task.
    place: u32,
    line: u32,
    turn: u32,
}

/// Lines that wait for the same amount of a pool.
struct Queue {
    amount: i64,
    parked: BinaryHeap<Reverse<Parked>>,
}

impl Queue {
    /// The first that still waits; what does not is dropped.
    fn first(&mut self, waits: impl Fn(&Parked) -> bool) -> Option<Parked> {
        while let Some(Reverse(parked)) = self.parked.peek() {
            if waits(parked) {
                return Some(*parked);
            }
            self.parked.pop();
        }
        None
    }
}

#[derive(Default)]
struct Pool {
    free: i64,
    queues: Vec<Queue>,
    freed: bool,
    /// What gave some of it back last, and when.
    ended: Option<(i64, u32)>,
}

impl Pool {
    fn park(&mut self, amount: i64, parked: Parked) {
        let queue = match self
            .queues
            .iter_mut()
            .position(|queue| queue.amount == amount)
        {
            Some(at) => &mut self.queues[at],
            None => self.queues.push_mut(Queue {
                amount,
                parked: BinaryHeap::new(),
            }),
        };
        queue.parked.push(Reverse(parked));
    }
}

/// What stops a task.
enum Stop {
    Pool(u32),
    /// No agent is there: some are busy, some rest until then.
    AnyOf(Option<i64>),
    Pause(i64),
}

struct Run<'a, 'n> {
    problem: &'a Problem<'n>,
    order: &'a [u32],
    events: BinaryHeap<Reverse<(i64, Event)>>,
    lines: Vec<Line>,
    pools: Vec<Pool>,
    /// Lines to look at now.
    candidates: BinaryHeap<Reverse<Parked>>,
    freed: Vec<u32>,
    /// Lines that wait for an opening, by its time.
    closed: BTreeMap<i64, Vec<u32>>,
    missing: Vec<u32>,
    satisfied: Vec<bool>,
    work: Vec<i64>,
    passed: Vec<u32>,
    length: Vec<i64>,
    /// Of each node what ended last before it could start; [`NONE`] when nothing did.
    cause: Vec<u32>,
    solution: Solution,
}

pub(super) fn schedule(problem: &Problem, order: &[u32]) -> Solution {
    let mut run = Run::new(problem, order);
    run.run();
    run.solution
}

/// The same scheme again and again, each time with other lengths, in the same memory.
pub(super) struct Replay<'a, 'n>(Run<'a, 'n>);

impl<'a, 'n> Replay<'a, 'n> {
    pub(super) fn new(problem: &'a Problem<'n>, order: &'a [u32]) -> Replay<'a, 'n> {
        Replay(Run::new(problem, order))
    }

    /// The lengths of the next time. What takes nothing has none.
    pub(super) fn lengths(&mut self) -> &mut [i64] {
        &mut self.0.length
    }

    pub(super) fn run(&mut self) -> &Solution {
        self.0.reset();
        self.0.run();
        &self.0.solution
    }

    /// What a node waited for last, of the last time.
    pub(super) fn cause(&self, node: u32) -> Option<u32> {
        Some(self.0.cause[node as usize]).filter(|&cause| cause != NONE)
    }
}

impl<'a, 'n> Run<'a, 'n> {
    fn new(problem: &'a Problem<'n>, order: &'a [u32]) -> Run<'a, 'n> {
        let network = problem.network;
        let nodes = order.len();
        let free = |&capacity: &i64| Pool {
            free: capacity,
            ..Pool::default()
        };
        Run {
            problem,
            order,
            events: BinaryHeap::new(),
            lines: problem.demands.iter().map(|_| Line::default()).collect(),
            pools: problem.pools.iter().map(free).collect(),
            candidates: BinaryHeap::new(),
            freed: Vec::new(),
            closed: BTreeMap::new(),
            missing: network
                .plan
                .nodes
                .ids()
                .map(|id| network.groups(id).len() as u32)
                .collect(),
            satisfied: vec![false; network.group_count()],
            work: vec![0; network.plan.agents.len()],
            passed: Vec::new(),
            length: problem.length.clone(),
            cause: vec![NONE; nodes],
            solution: Solution::empty(nodes),
        }
    }

    fn run(&mut self) {
        self.begin();
        while let Some(&Reverse((now, _))) = self.events.peek() {
            self.take_events(now);
            self.start_what_can(now);
        }
    }

    /// As it was before the first event, but for the lengths.
    fn reset(&mut self) {
        let network = self.problem.network;
        for (missing, id) in self.missing.iter_mut().zip(network.plan.nodes.ids()) {
            *missing = network.groups(id).len() as u32;
        }
        for line in &mut self.lines {
            line.waiting.clear();
            (line.turn, line.parked) = (0, false);
        }
        for (pool, &capacity) in self.pools.iter_mut().zip(&self.problem.pools) {
            pool.queues
                .iter_mut()
                .for_each(|queue| queue.parked.clear());
            (pool.free, pool.freed, pool.ended) = (capacity, false, None);
        }
        self.events.clear();
        self.candidates.clear();
        self.freed.clear();
        self.closed.clear();
        self.passed.clear();
        self.satisfied.fill(false);
        self.work.fill(0);
        self.cause.fill(NONE);
        self.solution.start.fill(0);
        self.solution.finish.fill(0);
        self.solution.chosen.fill(NONE);
        self.solution.makespan = 0;
    }

    fn begin(&mut self) {
        for node in (0..self.order.len()).filter(|&node| self.missing[node] == 0) {
            self.events.push(Reverse((
                self.problem.release[node],
                Event::Ready(node as u32),
            )));
        }
    }

    fn take_events(&mut self, now: i64) {
        while let Some(&Reverse((at, event))) = self.events.peek() {
            if at > now {
                break;
            }
            self.events.pop();
            match event {
                Event::Finish(node) => self.finish(node as usize, now),
                Event::Ready(node) => self.arrive(node as usize, now),
                Event::Opening => self.open(now),
            }
        }
    }

    fn finish(&mut self, node: usize, now: i64) {
        let problem = self.problem;
        if let Some(demand) = problem.demand_of(node) {
            for &(pool, amount) in &demand.fixed {
                self.give_back(pool, amount);
                self.pools[pool as usize].ended = Some((now, node as u32));
            }
        }
        let chosen = self.solution.chosen[node];
        if chosen != NONE {
            self.give_back(chosen, 1);
            self.pools[chosen as usize].ended = Some((now, node as u32));
        }
        self.pass(node, now);
    }

    fn give_back(&mut self, pool: u32, amount: i64) {
        let entry = &mut self.pools[pool as usize];
        entry.free += amount;
        if !entry.freed {
            entry.freed = true;
            self.freed.push(pool);
        }
    }

    /// A node has ended: what waited for it may be ready, and nodes without length end at once.
    fn pass(&mut self, node: usize, now: i64) {
        let network = self.problem.network;
        self.passed.push(node as u32);
        while let Some(node) = self.passed.pop() {
            for &group in network.followers(NodeId(node)) {
                if std::mem::replace(&mut self.satisfied[group as usize], true) {
                    continue;
                }
                let owner = network.group(group as usize).owner.index();
                self.missing[owner] -= 1;
                if self.missing[owner] > 0 {
                    continue;
                }
                self.cause[owner] = node;
                if self.problem.release[owner] > now {
                    let ready = Event::Ready(owner as u32);
                    self.events
                        .push(Reverse((self.problem.release[owner], ready)));
                } else if self.problem.demand[owner] == NONE {
                    self.note_passed(owner, now);
                } else {
                    self.join_line(owner);
                }
            }
        }
    }

    fn note_passed(&mut self, node: usize, now: i64) {
        self.solution.start[node] = now;
        self.solution.finish[node] = now;
        if !self.problem.network.contingent[NodeId(node as u32)] {
            self.solution.makespan = self.solution.makespan.max(now);
        }
        self.passed.push(node as u32);
    }

    fn arrive(&mut self, node: usize, now: i64) {
        if self.problem.release[node] > 0 {
            self.cause[node] = NONE;
        }
        if self.problem.demand[node] != NONE {
            return self.join_line(node);
        }
        self.note_passed(node, now);
        if let Some(node) = self.passed.pop() {
            self.pass(node as usize, now);
        }
    }

    /// Adds a task to its line; a parked line that it now leads is looked at again.
    fn join_line(&mut self, node: usize) {
        let line = self.problem.demand[node];
        let place = self.order[node];
        let entry = &mut self.lines[line as usize];
        let leads = entry
            .waiting
            .peek()
            .is_none_or(|&Reverse((first, _))| place < first);
        entry.waiting.push(Reverse((place, node as u32)));
        if leads {
            self.call(line);
        }
    }

    /// Puts a line among the candidates.
    fn call(&mut self, line: u32) {
        let entry = &mut self.lines[line as usize];
        entry.parked = false;
        entry.turn += 1;
        if let Some(&Reverse((place, _))) = entry.waiting.peek() {
            self.candidates.push(Reverse(Parked {
                place,
                line,
                turn: entry.turn,
            }));
        }
    }

    fn open(&mut self, now: i64) {
        for line in self.closed.remove(&now).unwrap_or_default() {
            if self.lines[line as usize].parked {
                self.call(line);
            }
        }
    }

    fn start_what_can(&mut self, now: i64) {
        for pool in std::mem::take(&mut self.freed) {
            self.pools[pool as usize].freed = false;
            self.call_next(pool);
        }
        while let Some(Reverse(Parked { line, turn, .. })) = self.candidates.pop() {
            if self.lines[line as usize].turn == turn {
                self.advance(line, now);
            }
        }
    }

    /// Calls the first of the lines that wait for a pool and now fit.
    fn call_next(&mut self, pool: u32) {
        let entry = &mut self.pools[pool as usize];
        let lines = &self.lines;
        let waits = |parked: &Parked| {
            let line = &lines[parked.line as usize];
            line.parked && line.turn == parked.turn
        };
        let free = entry.free;
        let fitting = entry.queues.iter_mut().filter(|queue| queue.amount <= free);
        let first = fitting.filter_map(|queue| Some((queue.first(waits)?.place, queue)));
        let Some((_, queue)) = first.min_by_key(|&(place, _)| place) else {
            return;
        };
        if let Some(Reverse(parked)) = queue.parked.pop() {
            self.call(parked.line);
            self.waits_on(pool);
        }
    }

    fn amount(&self, line: u32, pool: u32) -> i64 {
        let fixed = &self.problem.demands[line as usize].fixed;
        fixed
            .iter()
            .find(|&&(taken, _)| taken == pool)
            .map_or(1, |&(_, amount)| amount)
    }

    /// Remembers that others may still be called for what is left of a pool.
    fn waits_on(&mut self, pool: u32) {
        let entry = &mut self.pools[pool as usize];
        if !entry.freed {
            entry.freed = true;
            self.freed.push(pool);
        }
    }

    /// Starts the first task of a line, or parks it.
    fn advance(&mut self, line: u32, now: i64) {
        let Some(&Reverse((_, node))) = self.lines[line as usize].waiting.peek() else {
            return;
        };
        match self.stop(line, now) {
            None => {
                self.lines[line as usize].waiting.pop();
                self.start(node as usize, now);
                self.call(line);
            }
            Some(stop) => self.park(line, stop),
        }
        for pool in std::mem::take(&mut self.freed) {
            self.pools[pool as usize].freed = false;
            self.call_next(pool);
        }
    }

    fn stop(&self, line: u32, now: i64) -> Option<Stop> {
        let demand = &self.problem.demands[line as usize];
        if let When::In(calendar) = demand.hours
            && let Some(opening) = self.problem.opening(calendar, now)
        {
            return Some(Stop::Pause(opening));
        }
        let short = |&&(pool, amount): &&(u32, i64)| self.pools[pool as usize].free < amount;
        if let Some(&(pool, _)) = demand.fixed.iter().find(short) {
            return Some(Stop::Pool(pool));
        }
        if demand.any.is_empty() || self.there(demand, now).next().is_some() {
            return None;
        }
        let rest = self
            .free(demand)
            .filter_map(|agent| self.rests(demand, agent, now));
        Some(Stop::AnyOf(rest.min()))
    }

    fn free<'d>(&self, demand: &'d Demand) -> impl Iterator<Item = u32> + use<'_, 'a, 'n, 'd> {
        let any = demand.any.iter().copied();
        any.filter(|&agent| self.pools[agent as usize].free > 0)
    }

    /// Until when an agent rests that would decide about the hours.
    fn rests(&self, demand: &Demand, agent: u32, now: i64) -> Option<i64> {
        match demand.hours {
            When::Chosen => self.problem.opening_of(agent, now),
            When::Always | When::In(_) => None,
        }
    }

    /// The agents that could start now.
    fn there<'d>(
        &self,
        demand: &'d Demand,
        now: i64,
    ) -> impl Iterator<Item = u32> + use<'_, 'a, 'n, 'd> {
        let free = self.free(demand);
        free.filter(move |&agent| self.rests(demand, agent, now).is_none())
    }

    /// Of those who could start now the one that has it done first, with the least work so far.
    fn choose(&self, demand: &Demand, node: usize, now: i64) -> Option<u32> {
        let finish = |agent: u32| match demand.hours {
            When::Chosen => self
                .problem
                .finish_after(node, agent, now, self.length[node]),
            When::Always | When::In(_) => 0,
        };
        let there = self.there(demand, now);
        there.min_by_key(|&agent| (finish(agent), self.work[agent as usize]))
    }

    fn start(&mut self, node: usize, now: i64) {
        let problem = self.problem;
        let demand = &problem.demands[problem.demand[node] as usize];
        for &(pool, amount) in &demand.fixed {
            self.pools[pool as usize].free -= amount;
            self.count_work(pool, node);
        }
        if let Some(agent) = self.choose(demand, node, now) {
            self.pools[agent as usize].free -= 1;
            self.count_work(agent, node);
            self.solution.chosen[node] = agent;
        }
        let chosen = self.solution.chosen[node];
        self.note_cause(node, demand, now);
        let finish = problem.finish_after(node, chosen, now, self.length[node]);
        self.solution.start[node] = now;
        self.solution.finish[node] = finish;
        self.solution.makespan = self.solution.makespan.max(finish);
        self.events
            .push(Reverse((finish, Event::Finish(node as u32))));
    }

    /// A task that starts waited for the last of its needs, or for who had what it takes: whoever
    /// gave back something just now, or, when it starts at an opening, all of something after its
    /// needs were there.
    fn note_cause(&mut self, node: usize, demand: &Demand, now: i64) {
        let ready = match self.cause[node] {
            NONE => 0,
            cause => self.solution.finish[cause as usize],
        };
        let ready = ready.max(self.problem.release[node]);
        if ready >= now {
            return;
        }
        let chosen = Some(self.solution.chosen[node]).filter(|&agent| agent != NONE);
        let fixed = demand.fixed.iter().copied();
        let ended = fixed
            .chain(chosen.map(|agent| (agent, 1)))
            .filter_map(|(pool, amount)| {
                let (at, ended) = self.pools[pool as usize].ended?;
                let all = self.problem.pools[pool as usize] == amount;
                (at == now || (all && at > ready)).then_some((at, ended))
            });
        if let Some((_, ended)) = ended.max_by_key(|&(at, ended)| (at, std::cmp::Reverse(ended))) {
            self.cause[node] = ended;
        }
    }

    fn count_work(&mut self, pool: u32, node: usize) {
        if let Some(work) = self.work.get_mut(pool as usize) {
            *work += self.length[node];
        }
    }

    fn park(&mut self, line: u32, stop: Stop) {
        let entry = &mut self.lines[line as usize];
        entry.parked = true;
        let Some(&Reverse((place, _))) = entry.waiting.peek() else {
            return;
        };
        let parked = Parked {
            place,
            line,
            turn: entry.turn,
        };
        match stop {
            Stop::Pool(pool) => {
                let amount = self.amount(line, pool);
                self.pools[pool as usize].park(amount, parked);
            }
            Stop::AnyOf(opening) => {
                for &agent in &self.problem.demands[line as usize].any {
                    let pool = &mut self.pools[agent as usize];
                    // one who is free and rests is waited for by the clock alone
                    if pool.free <= 0 {
                        pool.park(1, parked);
                    }
                }
                if let Some(opening) = opening {
                    self.wait_for(line, opening);
                }
            }
            Stop::Pause(opening) => self.wait_for(line, opening),
        }
    }

    fn wait_for(&mut self, line: u32, opening: i64) {
        let lines = self.closed.entry(opening).or_default();
        if lines.is_empty() {
            self.events.push(Reverse((opening, Event::Opening)));
        }
        lines.push(line);
    }
}
