//! Why a node is where it is: the facts behind `coord why`.
//!
//! BLOCKED is derived: a created or assigned node that cannot start, with every reason. A chain
//! of reasons is a flat list of explained nodes in order of discovery; reasons name nodes, so
//! that the list is a tree (or, where causes are shared, a graph) to whoever walks it.

use std::collections::{BTreeSet, VecDeque};

use coord_lang::ids::{AgentId, BudgetId, ModeId, NodeId, ResourceId};
use coord_plan::plan::{Plan, Wanted};

use crate::gate_run::{GateRunId, GateStage};
use crate::item::ItemId;
use crate::outcome::{Ending, Termination};
use crate::situation::{Of, Pending, SituationId};
use crate::state::{NeedState, State};
use crate::status::{RunStatus, Status};

/// How many nodes one answer explains at most.
const EXPLAINED: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Need number `need` is open: one of `on` has to end as `wanted`.
    Need {
        need: u32,
        on: Vec<NodeId>,
        wanted: Wanted,
        due_ms: Option<i64>,
    },
    /// A want that is still waited for.
    Want {
        want: u32,
        on: NodeId,
        due_ms: Option<i64>,
    },
    /// The calendar.
    Window {
        until_ms: i64,
    },
    Backoff {
        until_ms: i64,
    },
    /// A gate is open; `item` when it waits for a person.
    Gate {
        run: GateRunId,
        item: Option<ItemId>,
    },
    /// Every slot of the agent is taken, by these.
    Agent {
        agent: AgentId,
        held_by: Vec<NodeId>,
    },
    Resource {
        resource: ResourceId,
        wants: u32,
        free: u32,
        held_by: Vec<NodeId>,
    },
    /// Their write claims intersect with one of this task's.
    Claim {
        claim: ResourceId,
        held_by: Vec<NodeId>,
    },
    /// A task that was passed over too often goes first.
    Reserved {
        for_node: NodeId,
    },
    /// As many tasks at work as the run may have.
    Parallel {
        most: u32,
    },
    /// Others are before it in the order of starting.
    Order {
        first: NodeId,
    },
    Run {
        status: RunStatus,
    },
    /// A mode is on, and nothing new starts.
    Mode {
        mode: ModeId,
    },
    /// Right after a mode only so many start at once.
    Restart {
        most: u32,
    },
    /// The agent gets no work.
    Isolated {
        agent: AgentId,
    },
    /// Nothing begins before somebody allows more.
    Spent {
        budget: BudgetId,
    },
    /// Somebody or something said that there is nothing left of it.
    Exhausted {
        resource: ResourceId,
    },
    /// A handoff that is to be accepted, or people who decide what becomes of a limit, of a gate
    /// or of a failure.
    Situation {
        situation: SituationId,
    },
    /// A gate did not hold, and what becomes of it is to be decided.
    Held {
        run: GateRunId,
    },
    /// Somebody has to answer.
    Item {
        item: ItemId,
    },
    AtWork {
        attempt: u32,
        since_ms: Option<i64>,
    },
    Terminating {
        attempt: u32,
        why: Termination,
    },
    /// It was completed, and its undo has run.
    TakenBack,
    Ended(Ending),
}

impl Reason {
    /// The nodes that this reason points to.
    pub fn nodes(&self) -> Vec<NodeId> {
        match self {
            Reason::Need { on, .. } => on.clone(),
            Reason::Want { on, .. } => vec![*on],
            Reason::Agent { held_by, .. }
            | Reason::Resource { held_by, .. }
            | Reason::Claim { held_by, .. } => held_by.clone(),
            Reason::Reserved { for_node } => vec![*for_node],
            Reason::Order { first } => vec![*first],
            Reason::Window { .. }
            | Reason::Backoff { .. }
            | Reason::Gate { .. }
            | Reason::Parallel { .. }
            | Reason::Run { .. }
            | Reason::Mode { .. }
            | Reason::Restart { .. }
            | Reason::Isolated { .. }
            | Reason::Spent { .. }
            | Reason::Exhausted { .. }
            | Reason::Situation { .. }
            | Reason::Held { .. }
            | Reason::Item { .. }
            | Reason::AtWork { .. }
            | Reason::Terminating { .. }
            | Reason::TakenBack
            | Reason::Ended(_) => Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub node: NodeId,
    pub status: Status,
    pub reasons: Vec<Reason>,
}

/// A causal chain; the first is the node that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    pub nodes: Vec<Explained>,
    /// The chain was longer than what is explained here.
    pub cut: bool,
}

impl Why {
    pub fn get(&self, node: NodeId) -> Option<&Explained> {
        self.nodes.iter().find(|explained| explained.node == node)
    }

    /// Where the chain ends: reasons that no other node stands behind.
    pub fn roots(&self) -> impl Iterator<Item = (&Explained, &Reason)> {
        self.nodes.iter().flat_map(|explained| {
            let ends = explained
                .reasons
                .iter()
                .filter(|reason| reason.nodes().is_empty());
            ends.map(move |reason| (explained, reason))
        })
    }
}

/// The causal chain behind the state of `node`.
pub fn why(plan: &Plan, state: &State, node: NodeId) -> Why {
    let mut why = Why::default();
    let mut seen = BTreeSet::from([node]);
    let mut next = VecDeque::from([node]);
    while let Some(node) = next.pop_front() {
        if why.nodes.len() == EXPLAINED {
            why.cut = true;
            break;
        }
        let reasons = reasons(plan, state, node);
        let behind = reasons.iter().flat_map(Reason::nodes);
        next.extend(behind.filter(|other| state.has(*other) && seen.insert(*other)));
        why.nodes.push(Explained {
            node,
            status: state.nodes[node].status,
            reasons,
        });
    }
    why
}

/// Why `node` is where it is, without the causes behind. Empty for what is simply done, and for
/// what starts with the next step.
pub fn reasons(plan: &Plan, state: &State, node: NodeId) -> Vec<Reason> {
    let mut out = Vec::new();
    match state.nodes[node].status {
        Status::Created | Status::Assigned => before_start(plan, state, node, &mut out),
        Status::InProgress => at_work(state, node, &mut out),
        Status::Review | Status::InDoubt => waits_for_people(state, node, &mut out),
        Status::Completed | Status::Failed | Status::Skipped | Status::Cancelled => {
            let ending = state.nodes[node].ending.as_deref();
            out.extend(ending.cloned().map(Reason::Ended));
            out.extend(state.nodes[node].undone.then_some(Reason::TakenBack));
            if state.nodes[node].status == Status::Failed {
                situations(state, &mut out, node, |id| {
                    state.situations[id].about.node == Some(node)
                });
            }
        }
    }
    out
}

fn before_start(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    if state.status != RunStatus::Running {
        out.push(Reason::Run {
            status: state.status,
        });
    }
    let mode = state.mode.filter(|_| state.is_stopped_by_mode(plan, node));
    out.extend(mode.map(|mode| Reason::Mode { mode }));
    needs(plan, state, node, out);
    situations(state, out, node, |id| state.holds_up(id, node));
    let of = &state.nodes[node];
    if of.unmet == 0 {
        wants(plan, state, node, out);
    }
    if let Some(until_ms) = state.window(plan, node).filter(|_| !of.window_open) {
        out.push(Reason::Window { until_ms });
    }
    out.extend(
        of.backoff_until_ms
            .map(|until_ms| Reason::Backoff { until_ms }),
    );
    gate(state, node, out);
    if state.is_ready(plan, node) {
        competition(plan, state, node, out);
    }
}

impl State {
    /// True for an open situation that `node` cannot go on without.
    fn holds_up(&self, id: SituationId, node: NodeId) -> bool {
        let about = &self.situations[id].about;
        let waits = |of: &Of| matches!(of, Of::Handoff(_));
        let parent = about.situation.map(|parent| &self.situations[parent].of);
        let handoff = waits(&self.situations[id].of) || parent.is_some_and(waits);
        let pending = about.pending.and_then(|pending| pending.node(self));
        if about.behind.is_some() {
            return about.node == Some(node);
        }
        (handoff && about.node == Some(node)) || pending == Some(node)
    }

    /// True when people decide what becomes of need number `need`, whose limit passed.
    fn is_decided_on(&self, node: NodeId, need: u32) -> bool {
        let wanted = Pending::Need { node, need };
        let mut open = self.open_about(node);
        open.any(|id| self.situations[id].about.pending == Some(wanted))
    }
}

fn situations(
    state: &State,
    out: &mut Vec<Reason>,
    node: NodeId,
    fits: impl Fn(SituationId) -> bool,
) {
    let open = state.open_about(node);
    out.extend(
        open.filter(|id| fits(*id))
            .map(|situation| Reason::Situation { situation }),
    );
}

fn needs(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let first = state.index.first_need(node);
    for (i, need) in (0u32..).zip(&plan.nodes[node].needs) {
        match state.needs[(first + i) as usize] {
            NeedState::Open | NeedState::Impossible => {
                let since = state.limit_since(node, i);
                let due_ms = need
                    .within
                    .as_ref()
                    .and_then(|limit| Some(since?.saturating_add(limit.ms)))
                    .filter(|_| !state.is_decided_on(node, i));
                let on = need.nodes().collect();
                out.push(Reason::Need {
                    need: i,
                    on,
                    wanted: need.wanted,
                    due_ms,
                });
            }
            NeedState::Met | NeedState::Waived => {}
        }
    }
}

fn wants(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let first = state.index.first_want(node);
    for (i, want) in (0u32..).zip(&plan.nodes[node].wants) {
        let of = state.wants[(first + i) as usize];
        if !of.ended && !of.expired {
            let since = state.nodes[node].needs_met_ms;
            let due_ms = since.map(|since| since.saturating_add(want.within_ms));
            out.push(Reason::Want {
                want: i,
                on: want.on,
                due_ms,
            });
        }
    }
}

fn gate(state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let Some(run) = state.nodes[node].gate else {
        return;
    };
    if state.gate_runs[run].stage == GateStage::Held {
        out.push(Reason::Held { run });
        return;
    }
    let open: Vec<ItemId> = gate_items(state, run);
    if open.is_empty() {
        out.push(Reason::Gate { run, item: None });
    }
    out.extend(open.into_iter().map(|item| Reason::Gate {
        run,
        item: Some(item),
    }));
}

fn gate_items(state: &State, run: GateRunId) -> Vec<ItemId> {
    let gate = &state.gate_runs[run];
    gate.asked_check()
        .into_iter()
        .chain(gate.asking.open.iter().copied())
        .collect()
}

/// What others hold of what a ready task wants.
fn competition(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let Some(lane) = state.index.lane_of(node) else {
        return;
    };
    let before = out.len();
    agents(plan, state, node, out);
    resources(plan, state, node, out);
    if let Some(holder) = state
        .reservation
        .filter(|_| state.is_reserved_from(lane, node))
    {
        out.push(Reason::Reserved { for_node: holder });
    }
    let machine = state.index.is_machine(node);
    let most = state
        .parallel(plan)
        .filter(|most| machine && state.machine_at_work >= *most);
    out.extend(most.map(|most| Reason::Parallel { most }));
    let few = state.ramp.map(|most| most.max(1));
    out.extend(
        few.filter(|most| state.at_work >= *most)
            .map(|most| Reason::Restart { most }),
    );
    if out.len() == before {
        let first = state.lanes[lane].ready.first().map(|(_, _, first)| *first);
        let others = first.filter(|first| *first != node);
        out.extend(others.map(|first| Reason::Order { first }));
    }
}

fn agents(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let Some(team) = state.index.team_of(node) else {
        return;
    };
    let busy = |agent: &&AgentId| !state.agent_is_free(plan, **agent);
    if team.any && !team.agents.iter().all(|agent| busy(&agent)) {
        return;
    }
    out.extend(team.agents.iter().filter(busy).map(|agent| {
        if state.agent_states[*agent].isolated {
            return Reason::Isolated { agent: *agent };
        }
        if let Some(budget) = state.spent(plan, *agent) {
            return Reason::Spent { budget };
        }
        Reason::Agent {
            agent: *agent,
            held_by: who(state, |other| {
                let of = &state.nodes[other];
                of.holds_slots
                    && of
                        .attempt
                        .as_ref()
                        .is_some_and(|a| a.agents.contains(agent))
            }),
        }
    }));
}

fn resources(plan: &Plan, state: &State, node: NodeId, out: &mut Vec<Reason>) {
    for (resource, wants) in state.index.uses(node).iter().copied() {
        let free = state.free(plan, resource);
        if free >= wants {
            continue;
        }
        if state.exhausted.contains(&resource) {
            out.push(Reason::Exhausted { resource });
            continue;
        }
        let claim = plan.resources[resource].claim;
        let held_by = who(state, |other| {
            let of = &state.nodes[other];
            let holds = if claim {
                of.holds_claims
            } else {
                of.holds_slots
            };
            holds
                && state
                    .index
                    .uses(other)
                    .iter()
                    .any(|(used, _)| *used == resource)
        });
        out.push(match claim {
            true => Reason::Claim {
                claim: resource,
                held_by,
            },
            false => Reason::Resource {
                resource,
                wants,
                free,
                held_by,
            },
        });
    }
}

/// Of those that hold anything.
fn who(state: &State, fits: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    let holders = state.holders.iter().copied();
    holders.filter(|id| fits(*id)).collect()
}

fn at_work(state: &State, node: NodeId, out: &mut Vec<Reason>) {
    let of = &state.nodes[node];
    out.extend(
        of.asking
            .open
            .iter()
            .map(|item| Reason::Item { item: *item }),
    );
    if let Some(attempt) = &of.attempt {
        let number = attempt.number;
        out.push(match attempt.terminating {
            Some(why) => Reason::Terminating {
                attempt: number,
                why,
            },
            None => Reason::AtWork {
                attempt: number,
                since_ms: attempt.started_ms,
            },
        });
    }
}

fn waits_for_people(state: &State, node: NodeId, out: &mut Vec<Reason>) {
    out.extend(
        state.nodes[node]
            .asking
            .open
            .iter()
            .map(|item| Reason::Item { item: *item }),
    );
    gate(state, node, out);
    situations(state, out, node, |id| state.holds_up(id, node));
}

/// True when the node is BLOCKED: not begun, and something is in its way.
pub fn is_blocked(plan: &Plan, state: &State, node: NodeId) -> bool {
    match state.nodes[node].status {
        Status::Created | Status::Assigned => !reasons(plan, state, node).is_empty(),
        Status::InProgress
        | Status::Review
        | Status::Completed
        | Status::Failed
        | Status::Skipped
        | Status::Cancelled
        | Status::InDoubt => false,
    }
}
