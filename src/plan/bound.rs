//! A proven lower bound of the makespan: what no schedule of the plan can beat.
//!
//! It owns no schedule. Two kinds of argument, of which the largest counts:
//!
//! - **The critical path**, with the calendar.
//! - **Energy.** Some tasks share something of a known capacity: an agent, a resource, a write
//!   claim, all the agents of an `any of`, `parallel`. None of them starts before the earliest of their earliest starts; what they take, divided by the
//!   capacity, has to go by; and after the last of them at least the shortest of their tails. This
//!   holds for every subset, and the best subset is looked for: all pairs of a least head and a
//!   least tail in small sets (the one-machine bound of Carlier 1982), all heads and all tails on
//!   their own in large ones.
//!
//! Energy is counted twice, by the clock and on the working axis, where pauses do not count; both
//! are true, also when a plan mixes the two. With several calendars each has a working axis, where
//! what is done in its working time counts. A tail goes by needs without alternatives only, since
//! another alternative might do.

use crate::calendars::Calendars;
use crate::critical_path::CriticalPath;
use crate::critical_path::network::Network;
use crate::levelling::Options;
use crate::plan::{By, Plan, Resource};
use coord_lang::ids::{AgentId, Id, NodeId, ResourceId};
use coord_lang::time::{HOUR_MS, MINUTE_MS, format_ms};
use std::collections::BTreeSet;

/// Up to so many tasks, all pairs of head and tail are tried.
const PAIRS_LIMIT: usize = 300;
/// So many sets of agents from `any of` are looked at, the first ones.
const ANY_SETS_LIMIT: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerBound {
    pub ms: i64,
    pub reason: Reason,
}

/// Why nothing can be shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    CriticalPath,
    Energy(Energy),
    /// Everything shorter was ruled out by search ([`crate::levelling`]).
    Search,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Energy {
    pub of: Shared,
    /// Tasks at a time, or units of a resource.
    pub capacity: i64,
    /// What has to be done, in ms; of a resource, ms times units.
    pub work_ms: i64,
    /// Whether `work_ms` is working time.
    pub working: bool,
    /// How many tasks it is.
    pub tasks: usize,
}

/// What tasks share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    Agent(AgentId),
    AnyOf(Vec<AgentId>),
    /// A declared resource, or a write claim.
    Resource(ResourceId),
    Parallel,
}

pub fn lower_bound(
    network: &Network,
    calendars: &Calendars,
    logical: &CriticalPath,
    options: &Options,
) -> LowerBound {
    let mut bounds = Bounds::new(network, calendars, logical);
    for (shared, capacity, users) in shared_things(network, options) {
        bounds.energy(shared, capacity, &users);
    }
    bounds.best
}

impl LowerBound {
    /// `agent frontend has 5wd of work, one task at a time`.
    pub fn describe(&self, plan: &Plan, day_ms: i64) -> String {
        match &self.reason {
            Reason::CriticalPath => "the critical path".into(),
            Reason::Search => "everything shorter was tried and ruled out".into(),
            Reason::Energy(energy) => energy.describe(plan, day_ms),
        }
    }
}

impl Energy {
    fn describe(&self, plan: &Plan, day_ms: i64) -> String {
        let work = self.work(day_ms);
        let name = |agent: &AgentId| plan.agents[*agent].name.as_str();
        let at_a_time = match self.capacity {
            1 => "one task at a time".to_owned(),
            slots => format!("{slots} tasks at a time"),
        };
        match &self.of {
            Shared::Agent(agent) => {
                format!("agent {} has {work} of work, {at_a_time}", name(agent))
            }
            Shared::AnyOf(agents) => {
                let names: Vec<&str> = agents.iter().map(name).collect();
                format!(
                    "agents {} have {work} of work, {at_a_time}",
                    names.join(", ")
                )
            }
            Shared::Resource(resource) => self.describe_resource(&plan.resources[*resource], &work),
            Shared::Parallel => format!("{work} of work, {at_a_time}"),
        }
    }

    fn describe_resource(&self, resource: &Resource, work: &str) -> String {
        let name = &resource.name;
        match (resource.claim, self.capacity) {
            (true, _) => format!("what writes {name} takes {work} and cannot be done at once"),
            (false, 1) => format!("resource {name} has {work} of use, one unit at a time"),
            (false, units) => format!("resource {name} has {work} of use, {units} units at a time"),
        }
    }

    fn work(&self, day_ms: i64) -> String {
        let ms = self.work_ms;
        if !self.working {
            format_ms(ms)
        } else if day_ms > 0 && ms % day_ms == 0 {
            format!("{}wd", ms / day_ms)
        } else if ms % HOUR_MS == 0 {
            format!("{}wh", ms / HOUR_MS)
        } else {
            let minutes = ms.div_euclid(MINUTE_MS);
            format!("{}wh{}m", minutes / 60, minutes % 60)
        }
    }
}

/// Who uses something, and how much of it.
type Users = Vec<(NodeId, i64)>;

fn shared_things(network: &Network, options: &Options) -> Vec<(Shared, i64, Users)> {
    let plan = network.plan;
    let slots = |agent: AgentId| match plan.agents[agent].capacity {
        0 => i64::from(options.cores.max(1)),
        capacity => i64::from(capacity),
    };
    let mut agents: Vec<Users> = vec![Vec::new(); plan.agents.len()];
    let mut resources: Vec<Users> = vec![Vec::new(); plan.resources.len()];
    let mut everything: Users = Vec::new();
    for (id, _, task) in plan.tasks().filter(|(id, _, _)| network.spans[*id].ms > 0) {
        everything.push((id, 1));
        for &(resource, amount) in &task.uses {
            resources[resource.index()].push((id, amount.into()));
        }
        if let Some(sole) = sole_agents(&task.by) {
            for agent in sole {
                agents[agent.index()].push((id, 1));
            }
        }
    }
    let mut things = Vec::new();
    for (id, users) in plan.agents.ids().zip(agents) {
        things.push((Shared::Agent(id), slots(id), users));
    }
    for (id, users) in plan.resources.ids().zip(resources) {
        let capacity = i64::from(plan.resources[id].capacity.max(1));
        things.push((Shared::Resource(id), capacity, merge(users, capacity)));
    }
    if let Some(parallel) = plan.parallel {
        things.push((Shared::Parallel, parallel.max(1).into(), everything));
    }
    things.extend(any_sets(network).into_iter().map(|(set, users)| {
        let capacity = set.iter().map(|&agent| slots(agent)).sum();
        (Shared::AnyOf(set.into_iter().collect()), capacity, users)
    }));
    things
}

/// The agents that a task has for certain.
fn sole_agents(by: &By) -> Option<BTreeSet<AgentId>> {
    match by {
        By::All(agents) => Some(agents.iter().copied().collect()),
        By::Any(agents) if agents.len() == 1 => Some(agents.iter().copied().collect()),
        By::Any(_) => None,
    }
}

/// One amount for each task, none above the capacity.
fn merge(users: Users, capacity: i64) -> Users {
    let mut merged: Users = Vec::with_capacity(users.len());
    for (node, amount) in users {
        match merged.last_mut() {
            Some(last) if last.0 == node => last.1 += amount,
            _ => merged.push((node, amount)),
        }
    }
    for user in &mut merged {
        user.1 = user.1.min(capacity);
    }
    merged
}

/// The sets that `any of` chooses from, each with all tasks that have to stay inside it.
fn any_sets(network: &Network) -> Vec<(BTreeSet<AgentId>, Users)> {
    let plan = network.plan;
    let mut sets: BTreeSet<BTreeSet<AgentId>> = BTreeSet::new();
    for (_, _, task) in plan.tasks() {
        if let By::Any(agents) = &task.by
            && agents.len() > 1
            && sets.len() < ANY_SETS_LIMIT
        {
            sets.insert(agents.iter().copied().collect());
        }
    }
    let inside = |set: &BTreeSet<AgentId>, by: &By| -> i64 {
        match by {
            By::Any(agents) => agents.iter().all(|agent| set.contains(agent)).into(),
            By::All(agents) => {
                let distinct: BTreeSet<&AgentId> = agents.iter().collect();
                distinct
                    .into_iter()
                    .filter(|agent| set.contains(agent))
                    .count() as i64
            }
        }
    };
    let users = |set: &BTreeSet<AgentId>| -> Users {
        let tasks = plan.tasks().filter(|(id, _, _)| network.spans[*id].ms > 0);
        tasks
            .map(|(id, _, task)| {
                (
                    id,
                    if task.by.agents().is_empty() {
                        0
                    } else {
                        inside(set, &task.by)
                    },
                )
            })
            .filter(|&(_, amount)| amount > 0)
            .collect()
    };
    sets.into_iter()
        .map(|set| (set.clone(), users(&set)))
        .collect()
}

/// One user of something: not before `head`, takes `energy`, and `tail` comes after it.
#[derive(Clone, Copy)]
struct User {
    head: i64,
    energy: i64,
    tail: i64,
}

/// The best argument of some users: how long everything takes, and what its set takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Argument {
    end: i64,
    energy: i64,
    tasks: usize,
}

struct Bounds<'a, 'p> {
    network: &'a Network<'p>,
    calendars: &'a Calendars,
    logical: &'a CriticalPath,
    clock_tails: Vec<i64>,
    /// By calendar: the lengths of what is done while it does not rest.
    working_tails: Vec<Vec<i64>>,
    best: LowerBound,
}

impl<'a, 'p> Bounds<'a, 'p> {
    fn new(
        network: &'a Network<'p>,
        calendars: &'a Calendars,
        logical: &'a CriticalPath,
    ) -> Bounds<'a, 'p> {
        let numbers = 0..calendars.len() as u32;
        let on_axis = |axis| tails(network, |id| counts(network, calendars, id, axis));
        Bounds {
            network,
            calendars,
            logical,
            clock_tails: tails(network, |_| true),
            working_tails: numbers.map(on_axis).collect(),
            best: LowerBound {
                ms: logical.makespan_ms,
                reason: Reason::CriticalPath,
            },
        }
    }

    fn energy(&mut self, of: Shared, capacity: i64, users: &[(NodeId, i64)]) {
        let axes = 0..self.calendars.len() as u32;
        let working = axes.filter_map(|axis| {
            let argument = self.working_argument(capacity, users, axis)?;
            let end = self.calendars.get(axis).end_of(argument.end);
            Some((end, argument.energy, argument.tasks, true))
        });
        let working: Vec<(i64, i64, usize, bool)> = working.collect();
        let clock = self
            .clock_argument(capacity, users)
            .map(|argument| (argument.end, argument.energy, argument.tasks, false));
        for (ms, work_ms, tasks, working) in working.into_iter().chain(clock) {
            if ms > self.best.ms {
                let energy = Energy {
                    of: of.clone(),
                    capacity,
                    work_ms,
                    working,
                    tasks,
                };
                self.best = LowerBound {
                    ms,
                    reason: Reason::Energy(energy),
                };
            }
        }
    }

    /// On the working axis of a calendar, by what is done in its working time alone.
    fn working_argument(
        &self,
        capacity: i64,
        users: &[(NodeId, i64)],
        axis: u32,
    ) -> Option<Argument> {
        let calendar = self.calendars.get(axis);
        let working = users
            .iter()
            .filter(|(node, _)| counts(self.network, self.calendars, *node, axis));
        let users = working.map(|&(node, amount)| User {
            head: calendar.worked(self.logical.nodes[node].earliest_start_ms),
            energy: self.network.spans[node].ms.saturating_mul(amount),
            tail: self.working_tails[axis as usize][node.index()],
        });
        best_argument(capacity, users.collect())
    }

    /// By the clock: working time takes at least as long as it is. Without tasks in elapsed time
    /// the working axis says more.
    fn clock_argument(&self, capacity: i64, users: &[(NodeId, i64)]) -> Option<Argument> {
        let works = |(node, _): &(NodeId, i64)| self.network.spans[*node].working;
        if self.calendars.len() == 1 && users.iter().all(works) {
            return None;
        }
        let users = users.iter().map(|&(node, amount)| User {
            head: self.logical.nodes[node].earliest_start_ms,
            energy: self.network.spans[node].ms.saturating_mul(amount),
            tail: self.clock_tails[node.index()],
        });
        best_argument(capacity, users.collect())
    }
}

/// Whether a node is done in working time, and none of it while a calendar rests.
fn counts(network: &Network, calendars: &Calendars, node: NodeId, axis: u32) -> bool {
    network.spans[node].working && calendars.is_within(node, axis)
}

/// The longest way after each node that every schedule has to go, counting some lengths.
fn tails(network: &Network, counts: impl Fn(NodeId) -> bool) -> Vec<i64> {
    let mut tails = vec![0i64; network.len()];
    for &id in network
        .plan
        .order
        .iter()
        .rev()
        .filter(|&&id| !network.contingent[id])
    {
        let span = network.spans[id];
        let length = if counts(id) { span.ms.max(0) } else { 0 };
        let way = tails[id.index()] + length;
        for &group in network.groups(id) {
            if let [only] = network.members(group) {
                tails[only.index()] = tails[only.index()].max(way);
            }
        }
    }
    tails
}

fn best_argument(capacity: i64, users: Vec<User>) -> Option<Argument> {
    if users.is_empty() {
        None
    } else if users.len() <= PAIRS_LIMIT {
        by_pairs(capacity, users)
    } else {
        by_heads(capacity, users.clone()).max(by_tails(capacity, users))
    }
}

fn argument(capacity: i64, head: i64, energy: i64, tail: i64, tasks: usize) -> Argument {
    let time = energy.saturating_add(capacity - 1) / capacity;
    Argument {
        end: head.saturating_add(time).saturating_add(tail),
        energy,
        tasks,
    }
}

/// For each least head and each least tail, all users between.
fn by_pairs(capacity: i64, mut users: Vec<User>) -> Option<Argument> {
    users.sort_unstable_by_key(|user| -user.tail);
    let heads: BTreeSet<i64> = users.iter().map(|user| user.head).collect();
    let from_head = |head: i64| {
        let mut energy = 0i64;
        let mut tasks = 0;
        let later = users.iter().filter(move |user| user.head >= head);
        later.map(move |user| {
            energy = energy.saturating_add(user.energy);
            tasks += 1;
            argument(capacity, head, energy, user.tail, tasks)
        })
    };
    heads.into_iter().flat_map(from_head).max()
}

/// All users from a head on, whatever their tails.
fn by_heads(capacity: i64, mut users: Vec<User>) -> Option<Argument> {
    users.sort_unstable_by_key(|user| -user.head);
    let (mut energy, mut tail) = (0i64, i64::MAX);
    let grown = users.iter().enumerate().map(|(at, user)| {
        energy = energy.saturating_add(user.energy);
        tail = tail.min(user.tail);
        argument(capacity, user.head, energy, tail, at + 1)
    });
    grown.max()
}

/// All users with a tail at least so long, whatever their heads.
fn by_tails(capacity: i64, mut users: Vec<User>) -> Option<Argument> {
    users.sort_unstable_by_key(|user| -user.tail);
    let (mut energy, mut head) = (0i64, i64::MAX);
    let grown = users.iter().enumerate().map(|(at, user)| {
        energy = energy.saturating_add(user.energy);
        head = head.min(user.head);
        argument(capacity, head, energy, user.tail, at + 1)
    });
    grown.max()
}
