//! What a plan implies and no event changes: who waits for whom, and which tasks compete.
//!
//! Built once per state, shared by its clones. A *lane* is the set of tasks that need the same
//! agents, the same resources and the same claims: within a lane the first in order always goes
//! first, so only the first of each lane has to be looked at. Lanes that differ in their claims
//! only stand in one *bay*, so that a resource that falls free concerns few; bays of the same
//! agents share a *team*, so that an agent who falls free does.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use coord_lang::glob::Glob;
use coord_lang::ids::{AgentId, HandoffId, Id, NodeId, PhaseId, ResourceId, Table, WorkflowId};
use coord_plan::calendar::Calendar;
use coord_plan::plan::{By, Driver, Plan, Task};
use coord_plan::rules::Happening;

use crate::contention::Found;
use crate::handoffs::givers;
use crate::occasion::{Kind, kind};
use crate::workflows::nodes_by_workflow;

/// Number of a need or want in the flat tables of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Need(u32),
    Want(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) node: NodeId,
    pub(crate) slot: Slot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LaneId(pub(crate) u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TeamId(pub(crate) u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct BayId(pub(crate) u32);

coord_lang::counts_from_zero!(LaneId, TeamId, BayId);

/// Whom a task is done by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Team {
    /// True: one of the agents; false: all of them.
    pub(crate) any: bool,
    pub(crate) agents: Vec<AgentId>,
    /// Spawned by the host, not done by a person.
    pub(crate) machine: bool,
}

/// Tasks of the same agents and the same resources, whatever they claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bay {
    pub(crate) team: TeamId,
    /// Resources, each once, without write claims.
    pub(crate) uses: Vec<(ResourceId, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) team: TeamId,
    pub(crate) bay: BayId,
    /// Resources and write claims, each once.
    pub(crate) uses: Vec<(ResourceId, u32)>,
}

/// Place in the order of starting: the smaller, the sooner.
pub(crate) type Rank = (u8, i64, NodeId);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    need_start: Vec<u32>,
    want_start: Vec<u32>,
    edge_start: Vec<u32>,
    edges: Vec<Edge>,
    pub(crate) teams: Table<TeamId, Team>,
    pub(crate) bays: Table<BayId, Bay>,
    pub(crate) lanes: Table<LaneId, Lane>,
    lane_of: Table<NodeId, Option<LaneId>>,
    team_ids: BTreeMap<Team, TeamId>,
    bay_ids: BTreeMap<Bay, BayId>,
    lane_ids: BTreeMap<Lane, LaneId>,
    tasks_of_team: Table<TeamId, BTreeSet<NodeId>>,
    /// The needs with a limit of their own, of the nodes that have any.
    limited_needs: BTreeMap<NodeId, Vec<u32>>,
    pub(crate) teams_of_agent: Table<AgentId, Vec<TeamId>>,
    pub(crate) bays_of_resource: Table<ResourceId, Vec<BayId>>,
    pub(crate) lanes_of_claim: Table<ResourceId, Vec<LaneId>>,
    /// Phases that open and close with a node.
    pub(crate) opens: BTreeMap<NodeId, Vec<PhaseId>>,
    pub(crate) closes: BTreeMap<NodeId, Vec<PhaseId>>,
    /// Who hands over to a node, and how.
    pub(crate) givers: BTreeMap<NodeId, Vec<(NodeId, HandoffId)>>,
    /// The reactions to each kind of event.
    pub(crate) reactions: BTreeMap<Kind, Vec<u32>>,
    /// Tasks whose completion changes ground that a reaction watches.
    pub(crate) changers: BTreeSet<NodeId>,
    /// Reactions ask what is blocked, late, stalled.
    pub(crate) tracks_blocked: bool,
    pub(crate) tracks_late: bool,
    pub(crate) tracks_stalled: bool,
    /// The rules for conflicts that are found.
    pub(crate) found: Found,
    /// An incident takes precedence over work at hand.
    pub(crate) preempts: bool,
    workflow_nodes: Vec<Vec<NodeId>>,
    /// The workflow that does a task.
    calls: BTreeMap<NodeId, WorkflowId>,
    pub(crate) calendar: LazyCalendar,
}

/// The plan's calendar, laid out when somebody asks for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LazyCalendar(OnceLock<Box<Calendar>>);

impl LazyCalendar {
    pub(crate) fn get_or_init(&self, plan: &Plan) -> &Calendar {
        self.0.get_or_init(|| Box::new(Calendar::of(plan)))
    }
}

/// It follows from the plan alone.
impl PartialEq for LazyCalendar {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LazyCalendar {}

impl Index {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut index = Index {
            need_start: starts(plan.nodes.values().map(|n| n.needs.len())),
            want_start: starts(plan.nodes.values().map(|n| n.wants.len())),
            teams_of_agent: plan.agents.ids().map(|_| Vec::new()).collect(),
            bays_of_resource: plan.resources.ids().map(|_| Vec::new()).collect(),
            lanes_of_claim: plan.resources.ids().map(|_| Vec::new()).collect(),
            ..Index::default()
        };
        index.add_edges(plan);
        index.add_lanes(plan);
        index.add_limits(plan);
        index.add_phases(plan);
        index.add_reactions(plan);
        index.workflow_nodes = nodes_by_workflow(plan);
        index.add_calls(plan);
        if !plan.rules.handoffs.is_empty() {
            for node in plan.nodes.ids() {
                let of = givers(plan, &index, node);
                if !of.is_empty() {
                    index.givers.insert(node, of);
                }
            }
        }
        index
    }

    /// The nodes of a workflow.
    pub(crate) fn nodes_of(&self, workflow: WorkflowId) -> &[NodeId] {
        (self.workflow_nodes.get(workflow.index())).map_or(&[], Vec::as_slice)
    }

    /// The workflow that does a task.
    pub(crate) fn calls(&self, node: NodeId) -> Option<WorkflowId> {
        self.calls.get(&node).copied()
    }

    fn add_calls(&mut self, plan: &Plan) {
        for (id, _, task) in plan.tasks() {
            if let Some(workflow) = called(task) {
                self.calls.insert(id, workflow);
            }
        }
    }

    /// From now on, these do it together.
    pub(crate) fn reassign(&mut self, plan: &Plan, node: NodeId, agents: &[AgentId]) {
        let Some(task) = plan.task(node) else {
            return;
        };
        let team = Team {
            any: false,
            agents: agents.to_vec(),
            machine: team_is_machine(plan, task, agents),
        };
        let team = self.team_id(team);
        let lane = self.lane_id(plan, team, uses(task));
        self.join_lane(node, lane);
    }

    fn team_id(&mut self, team: Team) -> TeamId {
        if let Some(id) = self.team_ids.get(&team) {
            return *id;
        }
        let id = self.teams.push(team.clone());
        for agent in &team.agents {
            self.teams_of_agent[*agent].push(id);
        }
        self.tasks_of_team.push(BTreeSet::new());
        self.team_ids.insert(team, id);
        id
    }

    fn bay_id(&mut self, bay: Bay) -> BayId {
        if let Some(id) = self.bay_ids.get(&bay) {
            return *id;
        }
        let id = self.bays.push(bay.clone());
        for (resource, _) in &bay.uses {
            self.bays_of_resource[*resource].push(id);
        }
        self.bay_ids.insert(bay, id);
        id
    }

    fn lane_id(&mut self, plan: &Plan, team: TeamId, uses: Vec<(ResourceId, u32)>) -> LaneId {
        let is_claim = |(resource, _): &(ResourceId, u32)| plan.resources[*resource].claim;
        let (claims, free): (Vec<_>, Vec<_>) = uses.iter().copied().partition(is_claim);
        let bay = self.bay_id(Bay { team, uses: free });
        let lane = Lane { team, bay, uses };
        if let Some(id) = self.lane_ids.get(&lane) {
            return *id;
        }
        let id = self.lanes.push(lane.clone());
        for (claim, _) in claims {
            self.lanes_of_claim[claim].push(id);
        }
        self.lane_ids.insert(lane, id);
        id
    }

    fn join_lane(&mut self, node: NodeId, lane: LaneId) {
        if let Some(old) = self.lane_of[node].replace(lane) {
            self.tasks_of_team[self.lanes[old].team].remove(&node);
        }
        self.tasks_of_team[self.lanes[lane].team].insert(node);
    }

    /// Tasks that an agent is among those for, in the order of the plan.
    pub(crate) fn tasks_of(&self, agent: AgentId) -> BTreeSet<NodeId> {
        let teams = self.teams_of_agent[agent].iter();
        teams
            .flat_map(|team| self.tasks_of_team[*team].iter().copied())
            .collect()
    }

    /// The needs of a node that have a limit of their own.
    pub(crate) fn limited_needs(&self, node: NodeId) -> &[u32] {
        self.limited_needs.get(&node).map_or(&[], Vec::as_slice)
    }

    fn add_reactions(&mut self, plan: &Plan) {
        for (i, reaction) in (0..).zip(&plan.rules.reactions) {
            self.reactions
                .entry(kind(&reaction.on))
                .or_default()
                .push(i);
            if let Happening::ChangeMade(globs) = &reaction.on {
                let globs: Vec<Glob> = globs.iter().filter_map(|g| Glob::parse(g).ok()).collect();
                let changes = |task: &Task| {
                    let mut writes = task.writes.iter().filter_map(|w| Glob::parse(w).ok());
                    writes.any(|w| globs.iter().any(|g| g.intersect(&w).is_some()))
                };
                let tasks = plan.tasks().filter(|(_, _, task)| changes(task));
                self.changers.extend(tasks.map(|(id, _, _)| id));
            }
        }
        let has = |kind: Kind| self.reactions.contains_key(&kind);
        self.tracks_blocked = has(Kind::TaskBlocked) || has(Kind::AgentBlocked);
        self.found = Found::of(plan);
        self.preempts = plan.rules.incidents.values().any(|rule| rule.preempts);
        self.tracks_late = has(Kind::TaskLate) || self.tracks_blocked || self.found.any();
        self.tracks_stalled = has(Kind::TaskStalled);
    }

    /// The flat number of the first need of `node`.
    pub(crate) fn first_need(&self, node: NodeId) -> u32 {
        self.need_start[node.index()]
    }

    pub(crate) fn first_want(&self, node: NodeId) -> u32 {
        self.want_start[node.index()]
    }

    pub(crate) fn need_count(&self) -> usize {
        self.need_start.last().map_or(0, |n| *n as usize)
    }

    pub(crate) fn want_count(&self) -> usize {
        self.want_start.last().map_or(0, |n| *n as usize)
    }

    /// Who waits for `node`.
    pub(crate) fn dependents(&self, node: NodeId) -> &[Edge] {
        let i = node.index();
        &self.edges[self.edge_start[i] as usize..self.edge_start[i + 1] as usize]
    }

    /// The lane of a task; None for syncs, milestones and joins.
    pub(crate) fn lane_of(&self, node: NodeId) -> Option<LaneId> {
        self.lane_of[node]
    }

    /// The team of a task.
    pub(crate) fn team_of(&self, node: NodeId) -> Option<&Team> {
        self.lane_of[node].map(|lane| &self.teams[self.lanes[lane].team])
    }

    /// What a task takes while it is at work; empty for all other nodes.
    pub(crate) fn uses(&self, node: NodeId) -> &[(ResourceId, u32)] {
        self.lane_of[node].map_or(&[], |lane| &self.lanes[lane].uses)
    }

    pub(crate) fn is_machine(&self, node: NodeId) -> bool {
        self.team_of(node).is_some_and(|team| team.machine)
    }

    /// True when it is known beforehand who does it.
    pub(crate) fn has_fixed_team(&self, node: NodeId) -> bool {
        self.team_of(node)
            .is_some_and(|team| !team.any || team.agents.len() == 1)
    }

    /// True when it may be assigned before there is room.
    pub(crate) fn may_look_ahead(&self, node: NodeId) -> bool {
        self.is_machine(node) && self.has_fixed_team(node)
    }

    fn add_edges(&mut self, plan: &Plan) {
        let mut all: Vec<(NodeId, Edge)> = Vec::new();
        for (id, node) in plan.nodes.iter() {
            for (i, need) in node.needs.iter().enumerate() {
                let slot = Slot::Need(self.first_need(id) + i as u32);
                all.extend(need.nodes().map(|on| (on, Edge { node: id, slot })));
            }
            for (i, want) in node.wants.iter().enumerate() {
                let slot = Slot::Want(self.first_want(id) + i as u32);
                all.push((want.on, Edge { node: id, slot }));
            }
        }
        all.sort_by_key(|(on, _)| *on);
        let mut counts = vec![0; plan.nodes.len()];
        all.iter().for_each(|(on, _)| counts[on.index()] += 1);
        self.edge_start = starts(counts.into_iter());
        self.edges = all.into_iter().map(|(_, edge)| edge).collect();
    }

    fn add_lanes(&mut self, plan: &Plan) {
        for id in plan.nodes.ids() {
            self.lane_of.push(None);
            let Some(task) = plan.task(id) else {
                continue;
            };
            let team = self.team_id(team(plan, task));
            let lane = self.lane_id(plan, team, uses(task));
            self.join_lane(id, lane);
        }
    }

    fn add_limits(&mut self, plan: &Plan) {
        for (id, node) in plan.nodes.iter() {
            let needs = (0..).zip(&node.needs);
            let limited = needs.filter(|(_, need)| need.within.is_some());
            let limited: Vec<u32> = limited.map(|(i, _)| i).collect();
            if !limited.is_empty() {
                self.limited_needs.insert(id, limited);
            }
        }
    }

    fn add_phases(&mut self, plan: &Plan) {
        for (id, phase) in plan.phases.iter() {
            self.closes.entry(phase.end).or_default().push(id);
            if let Some(open) = phase.open {
                self.opens.entry(open).or_default().push(id);
            }
        }
    }
}

/// Prefix sums with the total at the end.
fn starts(counts: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut total = 0;
    let mut out = vec![0];
    out.extend(counts.map(|n| {
        total += n as u32;
        total
    }));
    out
}

/// A task is a machine's when the host does its attempts: when one of its agents is a shell and
/// it has a program (or it has no agents at all), or is reached over a driver. `any of` then picks
/// among those only.
fn team(plan: &Plan, task: &Task) -> Team {
    // whoever does the work of the workflow is busy with that
    if called(task).is_some() {
        return Team {
            any: false,
            agents: Vec::new(),
            machine: false,
        };
    }
    let spawned = |agent: &AgentId| is_spawned(plan, task, *agent);
    let named = task.by.agents();
    let machine = team_is_machine(plan, task, named);
    let any = matches!(task.by, By::Any(_));
    let mut agents: Vec<AgentId> = Vec::new();
    for agent in named
        .iter()
        .filter(|agent| !(any && machine) || spawned(agent))
    {
        if !agents.contains(agent) {
            agents.push(*agent);
        }
    }
    Team {
        any,
        agents,
        machine,
    }
}

/// True when the host does the attempts at a task that these do.
pub(crate) fn team_is_machine(plan: &Plan, task: &Task, agents: &[AgentId]) -> bool {
    match agents {
        [] => task.program.is_some(),
        named => named.iter().any(|agent| is_spawned(plan, task, *agent)),
    }
}

/// A program is started for a shell, and a driver called for whoever is reached over one.
fn is_spawned(plan: &Plan, task: &Task, agent: AgentId) -> bool {
    match plan.agents[agent].driver {
        Driver::Shell => task.program.is_some(),
        Driver::Human => false,
        Driver::Http(_)
        | Driver::Acp(_)
        | Driver::Mcp { .. }
        | Driver::McpWeb { .. }
        | Driver::A2a(_)
        | Driver::Remote(_) => true,
    }
}

fn called(task: &Task) -> Option<WorkflowId> {
    Some(task.more.as_ref()?.call.as_ref()?.0)
}

fn uses(task: &Task) -> Vec<(ResourceId, u32)> {
    let mut all: BTreeMap<ResourceId, u32> = BTreeMap::new();
    for (resource, amount) in &task.uses {
        let sum = all.entry(*resource).or_default();
        *sum = sum.saturating_add(*amount);
    }
    all.into_iter().collect()
}
