//! Why a node is when it is: what holds it, link by link, and what would move it.
//!
//! What would move it is found by doing it: each holder is taken away alone, and the work is laid
//! out anew in the order that it had. So a gain is what this one change brings while everything
//! else stays as it was decided; a search that may decide anew can only find more.

use super::Schedule;
use super::chain::{self, Hold, Link};
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::levelling::{self, Levelled};
use crate::plan::{Estimate, Need, NodeKind, Plan, Span};
use coord_lang::ids::{AgentId, NodeId, ResourceId, Table};
use std::collections::BTreeSet;

/// So many placements may trying all changes take, and so many changes are tried in any case.
const PLACEMENTS: usize = 400_000;
const LEAST_CHANGES: usize = 8;
const MOST_CHANGES: usize = 64;

/// Why a node is when it is. Times are ms from the plan's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub node: NodeId,
    /// From what starts with the plan, or a date, to the node.
    pub chain: Vec<Step>,
    /// What brings its end or its start forward, the most first.
    pub moves: Vec<Move>,
    /// What brings nothing alone, in the order of the chain, the nearest first.
    pub still: Vec<Change>,
    /// Changes that were not tried: the chain is too long.
    pub untried: usize,
}

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub link: Link,
    /// When its holder let go of it. From then until it starts, nobody of it works.
    pub free_ms: i64,
}

/// One change to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// `node` does not wait for `on`.
    Drop { node: NodeId, on: NodeId },
    /// The agent does one task more at a time.
    Hands(AgentId),
    /// So many units of a resource more.
    Units(ResourceId, u32),
    /// `node` writes somewhere else.
    Elsewhere { node: NodeId, claim: ResourceId },
    /// One more task at work at a time.
    Parallel,
    /// It need not wait for a day.
    Undated(NodeId),
    /// Days off and weekends are worked like other days.
    NoDaysOff,
    /// The agent works in the hours of the project.
    ProjectHours(AgentId),
    /// It takes half as long.
    Half(NodeId),
}

/// What a change brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub change: Change,
    pub start_ms: i64,
    pub finish_ms: i64,
    pub makespan_ms: i64,
    /// By how much its end is sooner, and that of everything.
    pub sooner_ms: i64,
    pub makespan_sooner_ms: i64,
}

/// Explains when a node is in a schedule of this plan.
pub fn why(plan: &Plan, schedule: &Schedule, node: NodeId) -> Why {
    let chain = steps(plan, schedule, node);
    let mut changes = changes(plan, schedule, &chain);
    let most = (PLACEMENTS / plan.nodes.len().max(1)).clamp(LEAST_CHANGES, MOST_CHANGES);
    let untried = changes.len().saturating_sub(most);
    changes.truncate(most);
    let trial = Trial::new(plan, schedule, node);
    let tried: Vec<Move> = changes.into_iter().map(|c| trial.moved(c)).collect();
    let (mut moves, still): (Vec<Move>, Vec<Move>) = tried
        .into_iter()
        .partition(|m| m.sooner_ms > 0 || m.makespan_sooner_ms > 0);
    moves.sort_by_key(|m| (-m.sooner_ms, -m.makespan_sooner_ms));
    Why {
        node,
        chain,
        moves,
        still: still.into_iter().map(|m| m.change).collect(),
        untried,
    }
}

/// What holds what until a node of a schedule of this plan ends.
pub fn steps(plan: &Plan, schedule: &Schedule, node: NodeId) -> Vec<Step> {
    let (network, calendars) = (Network::new(plan), Calendars::of(plan));
    let links = chain::chain_to(&network, &calendars, &levelled(schedule), node);
    let step = |link: Link| Step {
        free_ms: free_ms(&network, schedule, &link),
        link,
    };
    links.into_iter().map(step).collect()
}

fn levelled(schedule: &Schedule) -> Levelled {
    let nodes = || schedule.nodes.values();
    Levelled {
        start: nodes().map(|n| n.start_ms).collect(),
        finish: nodes().map(|n| n.finish_ms).collect(),
        agents: nodes().map(|n| n.agents.clone()).collect(),
        makespan_ms: schedule.makespan_ms,
        bound_ms: schedule.lower_bound.ms,
        end: schedule.end,
        work: schedule.work,
    }
}

/// When what holds a link has ended.
fn free_ms(network: &Network, schedule: &Schedule, link: &Link) -> i64 {
    match link.holds {
        Hold::Start => 0,
        Hold::Window => network.release(link.node),
        Hold::Need { on: with, .. }
        | Hold::Claim { with, .. }
        | Hold::Agent { with, .. }
        | Hold::Resource { with, .. }
        | Hold::Parallel { with } => schedule.nodes[with].finish_ms,
    }
}

// ---- what may be changed -----------------------------------------------------------------------

/// Each holder once, from the node back to the start, then what is about all of the chain.
fn changes(plan: &Plan, schedule: &Schedule, chain: &[Step]) -> Vec<Change> {
    let mut seen = BTreeSet::new();
    let mut changes = Vec::new();
    let mut add = |change: Change| {
        if seen.insert(change) {
            changes.push(change);
        }
    };
    for step in chain.iter().rev() {
        let node = step.link.node;
        if plan.task(node).is_some_and(|task| task.estimate.is_some()) {
            add(Change::Half(node));
        }
        match step.link.holds {
            Hold::Start => {}
            Hold::Window => add(Change::Undated(node)),
            Hold::Need { on, .. } => add(Change::Drop { node, on }),
            Hold::Claim { claim, .. } => add(Change::Elsewhere { node, claim }),
            Hold::Agent { agent, .. } => add(Change::Hands(agent)),
            Hold::Resource { resource, .. } => {
                add(Change::Units(resource, used(plan, node, resource)))
            }
            Hold::Parallel { .. } => add(Change::Parallel),
        }
    }
    if rests(plan, schedule, chain) {
        add(Change::NoDaysOff);
    }
    let agents: BTreeSet<AgentId> = chain
        .iter()
        .flat_map(|step| schedule.nodes[step.link.node].agents.iter().copied())
        .collect();
    for agent in agents {
        let profile = plan.agents[agent].profile.as_ref();
        if profile.is_some_and(|profile| profile.hours.is_some()) {
            add(Change::ProjectHours(agent));
        }
    }
    changes
}

fn used(plan: &Plan, node: NodeId, resource: ResourceId) -> u32 {
    let uses = plan.task(node).map_or(&[][..], |task| &task.uses);
    let own = uses.iter().filter(|(id, _)| *id == resource);
    own.map(|(_, amount)| *amount).sum::<u32>().max(1)
}

/// Whether anything of the chain keeps to working hours.
fn rests(plan: &Plan, schedule: &Schedule, chain: &[Step]) -> bool {
    chain.iter().any(|step| {
        let task = plan.task(step.link.node);
        let estimate = task.and_then(|task| task.estimate);
        let times = &schedule.nodes[step.link.node];
        let pauses = times.start_ms > step.free_ms
            || estimate.is_some_and(|e| times.finish_ms - times.start_ms > e.likely.ms);
        estimate.is_some_and(|estimate| estimate.likely.working) && pauses
    })
}

// ---- what comes of it --------------------------------------------------------------------------

struct Trial<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    node: NodeId,
    starts: Table<NodeId, i64>,
    /// The same work in the same order without any change: no gain is the layout's own.
    before: (i64, i64),
}

impl<'a> Trial<'a> {
    fn new(plan: &'a Plan, schedule: &'a Schedule, node: NodeId) -> Trial<'a> {
        let starts = schedule.nodes.values().map(|n| n.start_ms).collect();
        let mut trial = Trial {
            plan,
            schedule,
            node,
            starts,
            before: (0, 0),
        };
        let again = trial.follow(plan);
        trial.before = (again.finish[node], again.makespan_ms);
        trial
    }

    fn follow(&self, plan: &Plan) -> Levelled {
        let (network, calendars) = (Network::new(plan), Calendars::of(plan));
        levelling::follow(&network, &calendars, &self.schedule.options, &self.starts)
    }

    fn moved(&self, change: Change) -> Move {
        let mut plan = self.plan.clone();
        apply(&mut plan, change, self.schedule.options.cores);
        let after = self.follow(&plan);
        let times = &self.schedule.nodes[self.node];
        // what was possible still is, whatever the order makes of it
        let sooner_ms = (self.before.0 - after.finish[self.node]).max(0);
        let makespan_sooner_ms = (self.before.1 - after.makespan_ms).max(0);
        let start_ms = match sooner_ms {
            0 => times.start_ms,
            _ => after.start[self.node].min(times.start_ms),
        };
        Move {
            change,
            start_ms,
            finish_ms: times.finish_ms - sooner_ms,
            makespan_ms: self.schedule.makespan_ms - makespan_sooner_ms,
            sooner_ms,
            makespan_sooner_ms,
        }
    }
}

fn apply(plan: &mut Plan, change: Change, cores: u32) {
    match change {
        Change::Drop { node, on } => drop_need(plan, node, on),
        Change::Hands(agent) => {
            let capacity = &mut plan.agents[agent].capacity;
            let now = if *capacity == 0 { cores } else { *capacity };
            *capacity = now.saturating_add(1);
        }
        Change::Units(resource, units) => {
            let capacity = &mut plan.resources[resource].capacity;
            *capacity = capacity.saturating_add(units);
        }
        Change::Elsewhere { node, claim } => {
            if let Some(task) = plan.task_mut(node) {
                task.uses.retain(|(used, _)| *used != claim);
            }
        }
        Change::Parallel => plan.parallel = plan.parallel.map(|n| n.saturating_add(1)),
        Change::Undated(node) => undate(plan, node),
        Change::NoDaysOff => no_days_off(plan),
        Change::ProjectHours(agent) => {
            if let Some(profile) = &mut plan.agents[agent].profile {
                profile.hours = None;
            }
        }
        Change::Half(node) => halve(plan, node),
    }
}

/// Takes one node out of what another waits for, also from behind joins.
fn drop_need(plan: &mut Plan, node: NodeId, on: NodeId) {
    let mut kept: Vec<Need> = Vec::new();
    for need in std::mem::take(&mut plan.nodes[node].needs) {
        let behind = behind_joins(plan, &need);
        if !need.nodes().any(|by| by == on) && !behind.contains(&on) {
            kept.push(need);
            continue;
        }
        let rest = behind.iter().filter(|by| **by != on);
        kept.extend(rest.map(|&by| Need {
            on: by,
            or: Vec::new(),
            ..need.clone()
        }));
    }
    plan.nodes[node].needs = kept;
}

/// What a need waits for behind joins; nothing for a need of anything else.
fn behind_joins(plan: &Plan, need: &Need) -> BTreeSet<NodeId> {
    let is_join = |id: NodeId| plan.nodes[id].kind == NodeKind::Join;
    let mut open: Vec<NodeId> = need.nodes().filter(|id| is_join(*id)).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(join) = open.pop() {
        for on in plan.nodes[join].needs.iter().flat_map(Need::nodes) {
            match is_join(on) {
                true if seen.insert(on) => open.push(on),
                true => {}
                false => {
                    found.insert(on);
                }
            }
        }
    }
    found
}

/// The node, and the joins that it waits for, may start on any day.
fn undate(plan: &mut Plan, node: NodeId) {
    let mut open = vec![node];
    let mut seen = BTreeSet::from([node]);
    while let Some(id) = open.pop() {
        plan.nodes[id].not_before_ms = None;
        let needs: Vec<NodeId> = plan.nodes[id].needs.iter().flat_map(Need::nodes).collect();
        let joins = needs
            .into_iter()
            .filter(|on| plan.nodes[*on].kind == NodeKind::Join);
        open.extend(joins.filter(|on| seen.insert(*on)));
    }
}

fn no_days_off(plan: &mut Plan) {
    let own = plan.agents.iter_mut().filter_map(|(_, agent)| {
        let profile = agent.profile.as_mut()?;
        profile.hours.as_mut()
    });
    for hours in own.chain([&mut plan.hours]) {
        hours.weekdays = [true; 7];
        hours.holidays.clear();
    }
}

fn halve(plan: &mut Plan, node: NodeId) {
    let half = |span: Span| Span {
        ms: span.ms / 2,
        ..span
    };
    if let Some(task) = plan.task_mut(node)
        && let Some(estimate) = &mut task.estimate
    {
        *estimate = Estimate {
            low: half(estimate.low),
            likely: half(estimate.likely),
            high: half(estimate.high),
        };
    }
}
