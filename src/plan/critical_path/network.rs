//! The needs of a plan as flat tables: what every pass over the graph reads.
//!
//! A need is a *group* of nodes of which the earliest satisfies it: one node, or the alternatives
//! of `any of`. `wants` are not here: they never hold anything up.
//!
//! **Contingent nodes.** A plan expects every task to be done. A need for a node to be `failed`
//! or `skipped` therefore waits for something that the plan does not expect, and a task with such
//! a need is contingent: it is off the plan, takes no time and no agent, and holds nothing up. So
//! is a task that needs a contingent node (with no other alternative), and a sync, milestone or
//! join that needs nothing else; one that needs other nodes too just does not wait for it.

use crate::plan::{NodeKind, Plan, Span, Wanted};
use coord_lang::ids::{Id, NodeId, Table};

const NOTHING: Span = Span {
    ms: 0,
    working: false,
};

/// One need of one node. Its index among all is its number.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub owner: NodeId,
    /// Which of the owner's needs it is.
    pub need: u32,
    first_member: u32,
    end_member: u32,
}

/// The graph of needs. It borrows the plan and repeats nothing of it but lengths.
pub struct Network<'p> {
    pub plan: &'p Plan,
    /// The likely length of each node; nothing for syncs, milestones, joins, contingent tasks and
    /// tasks without an estimate.
    pub spans: Table<NodeId, Span>,
    pub contingent: Table<NodeId, bool>,
    /// Whether any working time is in the plan, and any time on the clock.
    pub uses_working: bool,
    pub uses_elapsed: bool,
    groups: Vec<Group>,
    members: Vec<NodeId>,
    /// Where each node's groups start; one more than there are nodes.
    group_starts: Vec<u32>,
    /// The groups that each node is in, by node.
    follower_starts: Vec<u32>,
    followers: Vec<u32>,
}

impl<'p> Network<'p> {
    pub fn new(plan: &'p Plan) -> Network<'p> {
        let contingent = contingent(plan);
        let spans: Table<NodeId, Span> = plan
            .nodes
            .ids()
            .map(|id| likely(plan, id, contingent[id]))
            .collect();
        let uses = |working| {
            spans
                .values()
                .any(|span| span.ms > 0 && span.working == working)
        };
        let mut network = Network {
            plan,
            uses_working: uses(true),
            uses_elapsed: uses(false),
            spans,
            contingent,
            groups: Vec::new(),
            members: Vec::new(),
            group_starts: Vec::with_capacity(plan.nodes.len() + 1),
            follower_starts: Vec::new(),
            followers: Vec::new(),
        };
        network.add_groups();
        network.add_followers();
        network
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The needs of a node that hold it up.
    pub fn groups(&self, node: NodeId) -> &[Group] {
        &self.groups[self.group_range(node)]
    }

    pub fn group_range(&self, node: NodeId) -> std::ops::Range<usize> {
        let at = node.index();
        self.group_starts[at] as usize..self.group_starts[at + 1] as usize
    }

    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub fn group(&self, number: usize) -> Group {
        self.groups[number]
    }

    /// The alternatives of a need.
    pub fn members(&self, group: Group) -> &[NodeId] {
        &self.members[group.first_member as usize..group.end_member as usize]
    }

    /// The numbers of the groups that a node is in.
    pub fn followers(&self, node: NodeId) -> &[u32] {
        let at = node.index();
        &self.followers[self.follower_starts[at] as usize..self.follower_starts[at + 1] as usize]
    }

    /// The earliest that a node may start whatever it needs.
    pub fn release(&self, node: NodeId) -> i64 {
        self.plan.nodes[node].not_before_ms.unwrap_or(0).max(0)
    }

    fn add_groups(&mut self) {
        for (owner, node) in self.plan.nodes.iter() {
            self.group_starts.push(self.groups.len() as u32);
            for (number, need) in node.needs.iter().enumerate() {
                let first_member = self.members.len() as u32;
                for on in need.nodes() {
                    if self.contingent[owner] || !self.contingent[on] {
                        self.members.push(on);
                    }
                }
                let end_member = self.members.len() as u32;
                if end_member > first_member {
                    let need = number as u32;
                    self.groups.push(Group {
                        owner,
                        need,
                        first_member,
                        end_member,
                    });
                }
            }
        }
        self.group_starts.push(self.groups.len() as u32);
    }

    fn add_followers(&mut self) {
        let mut starts = vec![0u32; self.len() + 1];
        for member in &self.members {
            starts[member.index() + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        self.followers = vec![0; self.members.len()];
        for (number, group) in self.groups.iter().enumerate() {
            for member in &self.members[group.first_member as usize..group.end_member as usize] {
                let slot = &mut next[member.index()];
                self.followers[*slot as usize] = number as u32;
                *slot += 1;
            }
        }
        self.follower_starts = starts;
    }
}

fn likely(plan: &Plan, node: NodeId, contingent: bool) -> Span {
    let estimate = plan
        .task(node)
        .filter(|_| !contingent)
        .and_then(|task| task.estimate);
    estimate.map_or(NOTHING, |estimate| estimate.likely)
}

/// The nodes that the plan does not expect to happen.
pub fn contingent(plan: &Plan) -> Table<NodeId, bool> {
    let mut off: Table<NodeId, bool> = plan.nodes.ids().map(|_| false).collect();
    for &id in &plan.order {
        let node = &plan.nodes[id];
        let mut missing = node.needs.iter().map(|need| match need.wanted {
            Wanted::Failed | Wanted::Skipped => true,
            Wanted::Done | Wanted::Finished => need.nodes().all(|on| off[on]),
        });
        off[id] = match node.kind {
            NodeKind::Task(_) => missing.any(|missing| missing),
            NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => {
                !node.needs.is_empty() && missing.all(|missing| missing)
            }
        };
    }
    off
}
