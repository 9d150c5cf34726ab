//! What holds what in a levelled schedule: one chain from its start to its end, each link with
//! the reason why it could not start sooner.
//!
//! It reads times only, so it explains any schedule, however it was made. Where several things
//! end just when a node starts, the one that is hardest to change is named: a need, then a claim,
//! an agent, a resource, `parallel`; of equals the first in the plan.

use crate::calendar::Calendar;
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::levelling::Levelled;
use crate::plan::{NodeKind, Origin, Task, Wanted};
use coord_lang::ids::{AgentId, NodeId, ResourceId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub node: NodeId,
    pub holds: Hold,
}

/// Why a node starts when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It starts with the plan.
    Start,
    /// Its own window.
    Window,
    /// It needs the link before; joins between the two are left out.
    Need {
        on: NodeId,
        origin: Origin,
        wanted: Wanted,
    },
    /// The link before writes to the same place.
    Claim {
        claim: ResourceId,
        with: NodeId,
    },
    /// The agent was busy with the link before.
    Agent {
        agent: AgentId,
        with: NodeId,
    },
    Resource {
        resource: ResourceId,
        with: NodeId,
    },
    /// As many tasks as `parallel` allows were at work, the link before among them.
    Parallel {
        with: NodeId,
    },
}

/// When everything that a node needs is there.
pub(super) fn ready(network: &Network, levelled: &Levelled, node: NodeId) -> i64 {
    let needs = network.groups(node).iter().map(|&group| {
        network
            .members(group)
            .iter()
            .map(|&member| levelled.finish[member])
            .min()
            .unwrap_or(0)
    });
    needs.max().unwrap_or(0).max(network.release(node))
}

pub fn chain(network: &Network, calendars: &Calendars, levelled: &Levelled) -> Vec<Link> {
    let tracer = Tracer::new(network, calendars, levelled);
    tracer.chain(tracer.last())
}

/// What holds what until one node ends.
pub(super) fn chain_to(
    network: &Network,
    calendars: &Calendars,
    levelled: &Levelled,
    node: NodeId,
) -> Vec<Link> {
    Tracer::new(network, calendars, levelled).chain(Some(node))
}

/// What a node started with. The order is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    kind: Kind,
    before: NodeId,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The number of the need.
    Need(u32),
    Claim(ResourceId),
    Agent(AgentId),
    Resource(ResourceId),
    Parallel,
}

struct Tracer<'a, 'p> {
    network: &'a Network<'p>,
    calendars: &'a Calendars,
    levelled: &'a Levelled,
    /// Nodes that take time, by when they end.
    ends: Vec<(i64, NodeId)>,
}

impl<'a, 'p> Tracer<'a, 'p> {
    fn new(
        network: &'a Network<'p>,
        calendars: &'a Calendars,
        levelled: &'a Levelled,
    ) -> Tracer<'a, 'p> {
        let takes_time = network.spans.iter().filter(|(_, span)| span.ms > 0);
        let mut ends: Vec<(i64, NodeId)> = takes_time
            .map(|(id, _)| (levelled.finish[id], id))
            .collect();
        ends.sort_unstable();
        Tracer {
            network,
            calendars,
            levelled,
            ends,
        }
    }

    /// From what starts with the plan, or a window, to `end`.
    fn chain(&self, end: Option<NodeId>) -> Vec<Link> {
        let mut walk: Vec<(NodeId, Option<Cause>)> = Vec::new();
        let mut at = end;
        while let Some(node) = at {
            let cause = self.cause(node);
            at = cause.map(|cause| cause.before);
            walk.push((node, cause));
        }
        walk.reverse();
        self.links(&walk)
    }

    /// The first node that everything ends with; no join, where there is another.
    fn last(&self) -> Option<NodeId> {
        let plan = self.network.plan;
        let ends = plan.nodes.iter().filter(|(id, _)| {
            !self.network.contingent[*id] && self.levelled.finish[*id] == self.levelled.makespan_ms
        });
        ends.min_by_key(|(id, node)| (node.kind == NodeKind::Join, *id))
            .map(|(id, _)| id)
    }

    fn cause(&self, node: NodeId) -> Option<Cause> {
        self.need(node).or_else(|| self.other(node))
    }

    fn need(&self, node: NodeId) -> Option<Cause> {
        self.network.groups(node).iter().find_map(|&group| {
            let mut members = self.network.members(group).iter().copied();
            let before = members.find(|&by| self.starts_with(node, self.levelled.finish[by]))?;
            Some(Cause {
                kind: Kind::Need(group.need),
                before,
            })
        })
    }

    fn starts_with(&self, node: NodeId, ended: i64) -> bool {
        self.calendar(node).begin(self.network.spans[node], ended) == self.levelled.start[node]
    }

    fn calendar(&self, node: NodeId) -> &Calendar {
        self.calendars.placed(node, &self.levelled.agents[node])
    }

    /// A task that ended when this one started and shares something with it.
    fn other(&self, node: NodeId) -> Option<Cause> {
        let span = self.network.spans[node];
        let start = self.levelled.start[node];
        if span.ms <= 0 || self.starts_with(node, self.network.release(node)) {
            return None;
        }
        let pause_from = match span.working {
            true => {
                let calendar = self.calendar(node);
                calendar.end_of(calendar.worked(start))
            }
            false => start,
        };
        let first = self.ends.partition_point(|&(end, _)| end < pause_from);
        let ended = self.ends[first..]
            .iter()
            .take_while(|&&(end, _)| end <= start);
        ended
            .filter_map(|&(_, before)| self.shared(node, before))
            .min()
    }

    fn shared(&self, node: NodeId, before: NodeId) -> Option<Cause> {
        let kind = self.shared_kind(node, before)?;
        Some(Cause { kind, before })
    }

    fn shared_kind(&self, node: NodeId, before: NodeId) -> Option<Kind> {
        let plan = self.network.plan;
        let (task, other) = (plan.task(node)?, plan.task(before)?);
        let resource = |claim| {
            let mut shared = shared_resources(task, other);
            shared.find(|&resource| plan.resources[resource].claim == claim)
        };
        let busy = &self.levelled.agents[before];
        let agent = || task.by.agents().iter().find(|agent| busy.contains(agent));
        None.or_else(|| resource(true).map(Kind::Claim))
            .or_else(|| agent().copied().map(Kind::Agent))
            .or_else(|| resource(false).map(Kind::Resource))
            .or_else(|| plan.parallel.map(|_| Kind::Parallel))
    }

    /// The walk without its joins.
    fn links(&self, walk: &[(NodeId, Option<Cause>)]) -> Vec<Link> {
        let plan = self.network.plan;
        let waits = walk
            .first()
            .is_some_and(|&(first, _)| self.network.release(first) > 0);
        let mut links: Vec<Link> = Vec::new();
        for &(node, cause) in walk {
            if plan.nodes[node].kind == NodeKind::Join {
                continue;
            }
            let holds = match (cause, links.last()) {
                (Some(cause), Some(before)) => self.hold(node, cause.kind, before.node),
                _ if waits => Hold::Window,
                _ => Hold::Start,
            };
            links.push(Link { node, holds });
        }
        links
    }

    fn hold(&self, node: NodeId, kind: Kind, with: NodeId) -> Hold {
        match kind {
            Kind::Need(number) => {
                let need = &self.network.plan.nodes[node].needs[number as usize];
                Hold::Need {
                    on: with,
                    origin: need.origin,
                    wanted: need.wanted,
                }
            }
            Kind::Claim(claim) => Hold::Claim { claim, with },
            Kind::Agent(agent) => Hold::Agent { agent, with },
            Kind::Resource(resource) => Hold::Resource { resource, with },
            Kind::Parallel => Hold::Parallel { with },
        }
    }
}

/// The resources and claims that two tasks both take from.
fn shared_resources<'a>(a: &'a Task, b: &'a Task) -> impl Iterator<Item = ResourceId> + 'a {
    let takes = |id| {
        b.uses
            .iter()
            .any(|&(used, amount)| used == id && amount > 0)
    };
    a.uses
        .iter()
        .filter(move |(id, amount)| *amount > 0 && takes(*id))
        .map(|&(id, _)| id)
}
