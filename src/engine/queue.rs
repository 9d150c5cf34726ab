//! Who starts next: lanes of ready tasks, what work at hand holds, and one reservation.
//!
//! Order is priority, then the longer way to the end, then the plan's own order. A task starts
//! when one slot of each of its agents (or of one of them), all of its resources and all of its
//! claims (which are resources too) are free: all or nothing. Slots and resources are given back
//! with the end of an attempt, claims once that end is known for sure. A task that cannot start
//! is passed by; so that a big one is not passed by for ever, the one that has been passed over
//! [`PASSED_OVER_LIMIT`] times for want of resources gets *the* reservation: until it starts, no
//! other task takes any of its resources. There is one reservation at a time, and its holder
//! waits only for work that will end, so reservations cannot wait for each other.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

use coord_lang::ids::{AgentId, NodeId, ResourceId};
use coord_plan::plan::Plan;

use crate::index::{BayId, Index, LaneId, Rank, TeamId};
use crate::state::State;
use crate::status::{RunStatus, Status};

/// How many later tasks may take what a ready task waits for before it gets a reservation.
pub const PASSED_OVER_LIMIT: u32 = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaneState {
    pub(crate) ready: BTreeSet<Rank>,
    /// Its place among the lanes of its bay: by its first, while that waits for claims, and while
    /// nothing but agents and resources is between it and a start.
    waits: Option<Rank>,
    held: Option<Rank>,
    open: Option<Rank>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BayState {
    /// Lanes with something ready.
    waiting: BTreeSet<(Rank, LaneId)>,
    /// Those that do not have their claims.
    held: BTreeSet<(Rank, LaneId)>,
    /// Those that have them.
    lanes: BTreeSet<(Rank, LaneId)>,
    /// Its place among the bays of its team that have their resources.
    open: Option<Rank>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TeamState {
    /// Bays that have their resources.
    bays: BTreeSet<(Rank, BayId)>,
    /// Its place among the teams that can start something now.
    open: Option<Rank>,
}

impl State {
    /// The place of a task in the order of starting.
    pub(crate) fn rank(&self, plan: &Plan, node: NodeId) -> Rank {
        let given = self.priorities.get(&node).copied();
        let own = || plan.task(node).map_or(u8::MAX, |task| task.priority);
        let priority = given.unwrap_or_else(own);
        (priority, plan.nodes[node].rank_ms.saturating_neg(), node)
    }

    /// Before the order or the team of a task changes.
    pub(crate) fn leave_lane(&mut self, plan: &Plan, node: NodeId) {
        let Some(lane) = self.index.lane_of(node) else {
            return;
        };
        let rank = self.rank(plan, node);
        let state = &mut self.nodes[node];
        let was_ready = std::mem::take(&mut state.in_lane);
        if std::mem::take(&mut state.in_unassigned) {
            self.unassigned.remove(&rank);
        }
        if self.reservation == Some(node) {
            self.release_reservation(plan);
        }
        if was_ready {
            self.lanes[lane].ready.remove(&rank);
            self.refresh_lane(plan, lane);
        }
    }

    /// True when nothing but capacity, resources and claims is between `node` and its start.
    pub(crate) fn is_ready(&self, plan: &Plan, node: NodeId) -> bool {
        let state = &self.nodes[node];
        let waits = match state.status {
            Status::Created | Status::Assigned => true,
            Status::InProgress
            | Status::Review
            | Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled
            | Status::InDoubt => false,
        };
        waits
            && self.started_ms.is_some()
            && self.needs_are_there(node)
            && state.doom.is_none()
            && state.window_open
            && state.backoff_until_ms.is_none()
            && !self.is_stopped_by_mode(plan, node)
            && self.handoffs_are_there(node)
            && plan.task(node).is_some_and(|task| {
                (task.when.is_none() || state.condition_held)
                    && state.requires_passed as usize == task.requires.len()
            })
    }

    pub(crate) fn refresh_queue(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        let Some(lane) = index.lane_of(node) else {
            return;
        };
        let ready = self.is_ready(plan, node);
        let state = &mut self.nodes[node];
        let created = state.status == Status::Created;
        let in_unassigned = ready && created && index.may_look_ahead(node);
        let was_ready = std::mem::replace(&mut state.in_lane, ready);
        let was_in_unassigned = std::mem::replace(&mut state.in_unassigned, in_unassigned);
        if was_ready != ready {
            let rank = self.rank(plan, node);
            toggle(&mut self.lanes[lane].ready, rank, ready);
            self.refresh_lane(plan, lane);
        }
        if was_in_unassigned != in_unassigned {
            let rank = self.rank(plan, node);
            toggle(&mut self.unassigned, rank, in_unassigned);
        }
        if !ready && self.reservation == Some(node) {
            self.release_reservation(plan);
        }
    }

    /// Takes and gives back slots, resources and claims as the node's attempt demands.
    pub(crate) fn refresh_holdings(&mut self, plan: &Plan, node: NodeId) {
        let slots = self.nodes[node].is_at_work();
        let claims = self.nodes[node].should_hold_claims();
        let state = &mut self.nodes[node];
        let had_slots = std::mem::replace(&mut state.holds_slots, slots);
        let had_claims = std::mem::replace(&mut state.holds_claims, claims);
        if slots || claims {
            self.holders.insert(node);
        } else if had_slots || had_claims {
            self.holders.remove(&node);
        }
        if had_slots != slots {
            self.move_slots(plan, node, slots);
            self.move_resources(plan, node, slots, false);
        }
        if had_claims != claims {
            self.move_resources(plan, node, claims, true);
        }
        self.note_doubt(plan, node);
    }

    fn move_slots(&mut self, plan: &Plan, node: NodeId, take: bool) {
        let index = Arc::clone(&self.index);
        let held = self.nodes[node].holds_process;
        let process = if take { index.is_machine(node) } else { held };
        self.nodes[node].holds_process = take && process;
        if process {
            shift(&mut self.machine_at_work, 1, take);
        }
        shift(&mut self.at_work, 1, take);
        let agents = self.nodes[node]
            .attempt
            .as_ref()
            .map_or(Vec::new(), |a| a.agents.clone());
        for agent in agents {
            self.move_agent(plan, &index, agent, take);
        }
    }

    /// Teams only care whether an agent is free at all.
    fn move_agent(&mut self, plan: &Plan, index: &Index, agent: AgentId, take: bool) {
        let was_free = self.agent_is_free(plan, agent);
        shift(&mut self.agents[agent], 1, take);
        if was_free != self.agent_is_free(plan, agent) {
            for team in &index.teams_of_agent[agent] {
                self.refresh_team(plan, *team);
            }
        }
    }

    /// Either the resources of a task or its claims.
    fn move_resources(&mut self, plan: &Plan, node: NodeId, take: bool, claims: bool) {
        let index = Arc::clone(&self.index);
        for (resource, amount) in index.uses(node) {
            if plan.resources[*resource].claim == claims {
                shift(&mut self.resources[*resource], *amount, take);
                self.refresh_users_of(plan, &index, *resource);
            }
        }
    }

    fn refresh_users_of(&mut self, plan: &Plan, index: &Index, resource: ResourceId) {
        for lane in &index.lanes_of_claim[resource] {
            self.refresh_lane(plan, *lane);
        }
        for bay in &index.bays_of_resource[resource] {
            self.refresh_bay(plan, *bay);
        }
    }

    /// After an agent came or went.
    pub(crate) fn refresh_teams_of(&mut self, plan: &Plan, agent: AgentId) {
        let index = Arc::clone(&self.index);
        for team in &index.teams_of_agent[agent] {
            self.refresh_team(plan, *team);
        }
    }

    /// After a resource came or went.
    pub(crate) fn refresh_resource(&mut self, plan: &Plan, resource: ResourceId) {
        let index = Arc::clone(&self.index);
        self.refresh_users_of(plan, &index, resource);
    }

    pub(crate) fn refresh_every_team(&mut self, plan: &Plan) {
        let index = Arc::clone(&self.index);
        for team in index.teams.ids() {
            self.refresh_team(plan, team);
        }
    }

    fn refresh_lane(&mut self, plan: &Plan, lane: LaneId) {
        let free = self.has_claims(plan, lane);
        let first = self.lanes[lane].ready.first().copied();
        let candidate = self.candidate(plan, lane);
        let open =
            candidate.filter(|(_, _, node)| free && !self.claims_reserved(plan, lane, *node));
        let id = self.index.lanes[lane].bay;
        let (of, bay) = (&mut self.lanes[lane], &mut self.bays[id]);
        move_in(&mut bay.waiting, &mut of.waits, first, lane);
        move_in(&mut bay.held, &mut of.held, first.filter(|_| !free), lane);
        if move_in(&mut bay.lanes, &mut of.open, open, lane) {
            self.refresh_bay(plan, id);
        }
    }

    fn refresh_bay(&mut self, plan: &Plan, bay: BayId) {
        let open = self.first_of_bay(bay);
        let open = open.filter(|_| self.has_all(plan, &self.index.bays[bay].uses));
        let team = self.index.bays[bay].team;
        let (of, bays) = (&mut self.bays[bay], &mut self.teams[team].bays);
        if move_in(bays, &mut of.open, open, bay) {
            self.refresh_team(plan, team);
        }
    }

    /// What a bay would start first; the holder of the reservation alone, where it is wanted.
    fn first_of_bay(&self, bay: BayId) -> Option<Rank> {
        let of = &self.index.bays[bay];
        let first = self.bays[bay].lanes.first().map(|(rank, _)| *rank);
        match self.reservation {
            Some(holder) if share(&of.uses, self.index.uses(holder)) => {
                let lane = self.index.lane_of(holder)?;
                let own = self.lanes[lane].open;
                own.filter(|_| self.index.lanes[lane].bay == bay)
            }
            Some(_) | None => first,
        }
    }

    fn refresh_team(&mut self, plan: &Plan, team: TeamId) {
        let first = self.teams[team].bays.first().map(|(rank, _)| *rank);
        let open = first.filter(|_| self.has_agents(plan, team));
        let was = std::mem::replace(&mut self.teams[team].open, open);
        if was == open {
            return;
        }
        let teams = if self.index.teams[team].machine {
            &mut self.open_machine
        } else {
            &mut self.open_people
        };
        if let Some(rank) = was {
            teams.remove(&rank);
        }
        if let Some(rank) = open {
            teams.insert(rank);
        }
    }

    /// The first of a lane; in the lane of the reservation, its holder.
    fn candidate(&self, plan: &Plan, lane: LaneId) -> Option<Rank> {
        let ready = &self.lanes[lane].ready;
        match self.reservation {
            Some(holder) if self.index.lane_of(holder) == Some(lane) => {
                Some(self.rank(plan, holder)).filter(|rank| ready.contains(rank))
            }
            Some(_) | None => ready.first().copied(),
        }
    }

    /// What a team would start first, of what has its resources.
    pub(crate) fn first_of_team(&self, team: TeamId) -> Option<NodeId> {
        self.teams[team].bays.first().map(|((_, _, node), _)| *node)
    }

    pub(crate) fn team_is_free(&self, plan: &Plan, team: TeamId) -> bool {
        self.has_agents(plan, team)
    }

    fn has_agents(&self, plan: &Plan, team: TeamId) -> bool {
        let team = &self.index.teams[team];
        let mut agents = team.agents.iter();
        if team.any {
            team.agents.is_empty() || agents.any(|agent| self.agent_is_free(plan, *agent))
        } else {
            agents.all(|agent| self.agent_is_free(plan, *agent))
        }
    }

    fn has_all(&self, plan: &Plan, uses: &[(ResourceId, u32)]) -> bool {
        let mut uses = uses.iter();
        uses.all(|(resource, amount)| self.free(plan, *resource) >= *amount)
    }

    fn has_claims(&self, plan: &Plan, lane: LaneId) -> bool {
        let mut uses = self.index.lanes[lane].uses.iter();
        uses.all(|(resource, amount)| {
            !plan.resources[*resource].claim || self.free(plan, *resource) >= *amount
        })
    }

    pub(crate) fn is_reserved_from(&self, lane: LaneId, candidate: NodeId) -> bool {
        let Some(holder) = self.reservation.filter(|holder| *holder != candidate) else {
            return false;
        };
        share(&self.index.lanes[lane].uses, self.index.uses(holder))
    }

    /// The same by claims alone.
    fn claims_reserved(&self, plan: &Plan, lane: LaneId, candidate: NodeId) -> bool {
        let Some(holder) = self.reservation.filter(|holder| *holder != candidate) else {
            return false;
        };
        let wanted = self.index.uses(holder);
        let mut uses = self.index.lanes[lane].uses.iter();
        uses.any(|(resource, _)| {
            plan.resources[*resource].claim && wanted.iter().any(|(other, _)| other == resource)
        })
    }

    pub(crate) fn capacity(&self, plan: &Plan, agent: AgentId) -> u32 {
        match plan.agents[agent].capacity {
            0 => self.options.cores.max(1),
            some => some,
        }
    }

    pub(crate) fn agent_is_free(&self, plan: &Plan, agent: AgentId) -> bool {
        self.agents[agent] < self.capacity(plan, agent)
            && !self.agent_states[agent].isolated
            && self.spent(plan, agent).is_none()
    }

    pub(crate) fn free(&self, plan: &Plan, resource: ResourceId) -> u32 {
        if self.exhausted.contains(&resource) {
            return 0;
        }
        plan.resources[resource]
            .capacity
            .saturating_sub(self.resources[resource])
    }

    /// Most machine tasks at work at once; what people do is not counted.
    pub(crate) fn parallel(&self, plan: &Plan) -> Option<u32> {
        self.options
            .parallel
            .or(plan.parallel)
            .map(|most| most.max(1))
    }

    /// The first in order that can start now.
    pub(crate) fn next_start(&self, plan: &Plan) -> Option<NodeId> {
        if self.status != RunStatus::Running {
            return None;
        }
        if self.ramp.is_some_and(|most| self.at_work >= most.max(1)) {
            return None;
        }
        let room = self
            .parallel(plan)
            .is_none_or(|most| self.machine_at_work < most);
        let machine = self.open_machine.first().filter(|_| room);
        let first = [machine, self.open_people.first()]
            .into_iter()
            .flatten()
            .min();
        first.map(|(_, _, node)| *node)
    }

    /// The agents for an attempt: all, or the free one with the least to do.
    pub(crate) fn pick_agents(&self, plan: &Plan, node: NodeId) -> Vec<AgentId> {
        let Some(team) = self.index.team_of(node) else {
            return Vec::new();
        };
        if !team.any {
            return team.agents.clone();
        }
        let free = team
            .agents
            .iter()
            .filter(|agent| self.agent_is_free(plan, **agent));
        free.min_by_key(|agent| self.agents[**agent])
            .or(team.agents.first())
            .map_or(Vec::new(), |agent| vec![*agent])
    }

    /// `node` is about to start: counts that against those before it that it leaves behind,
    /// though they have their agents.
    pub(crate) fn note_passed_over(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        let started = self.rank(plan, node);
        for (resource, _) in index.uses(node) {
            for first in self.left_behind(plan, *resource, started) {
                self.pass_over(plan, first);
            }
        }
    }

    /// The firsts of the lanes that want `resource`, stand before `before`, and have their agents
    /// but not all of their resources.
    fn left_behind(&self, plan: &Plan, resource: ResourceId, before: Rank) -> Vec<NodeId> {
        let mut found: Vec<(LaneId, NodeId)> = Vec::new();
        for lane in &self.index.lanes_of_claim[resource] {
            let first = self.lanes[*lane].ready.first().copied();
            let of = &self.index.lanes[*lane];
            if let Some(first) = first.filter(|first| *first < before)
                && self.has_agents(plan, of.team)
                && !self.has_all(plan, &of.uses)
            {
                found.push((*lane, first.2));
            }
        }
        for bay in &self.index.bays_of_resource[resource] {
            let (of, state) = (&self.index.bays[*bay], &self.bays[*bay]);
            let all = !self.has_all(plan, &of.uses);
            let lanes = if all { &state.waiting } else { &state.held };
            let lanes = lanes.range(..(before, LaneId(0)));
            if self.has_agents(plan, of.team) {
                found.extend(lanes.map(|((_, _, first), lane)| (*lane, *first)));
            }
        }
        found.sort();
        found.into_iter().map(|(_, first)| first).collect()
    }

    /// The firsts of the lanes that want more of `resource` than there is, lane by lane.
    pub(crate) fn short_of(&self, plan: &Plan, resource: ResourceId) -> Vec<NodeId> {
        let free = self.free(plan, resource);
        let short = |uses: &[(ResourceId, u32)]| {
            let of = uses.iter().filter(|(of, _)| *of == resource);
            free < of.map(|(_, amount)| *amount).sum()
        };
        let mut found: Vec<(LaneId, NodeId)> = Vec::new();
        for lane in &self.index.lanes_of_claim[resource] {
            let first = self.lanes[*lane].ready.first();
            let first = first.filter(|_| short(&self.index.lanes[*lane].uses));
            found.extend(first.map(|(_, _, first)| (*lane, *first)));
        }
        for bay in &self.index.bays_of_resource[resource] {
            if short(&self.index.bays[*bay].uses) {
                let waiting = self.bays[*bay].waiting.iter();
                found.extend(waiting.map(|((_, _, first), lane)| (*lane, *first)));
            }
        }
        found.sort();
        found.into_iter().map(|(_, first)| first).collect()
    }

    fn pass_over(&mut self, plan: &Plan, node: NodeId) {
        let state = &mut self.nodes[node];
        state.passed_over = state.passed_over.saturating_add(1);
        let starving = state.passed_over >= PASSED_OVER_LIMIT;
        if starving && self.reservation.is_none() && !self.waits_for_doubt(node) {
            self.reservation = Some(node);
            self.refresh_sharing(plan, node);
        }
    }

    /// Nobody is made to wait for what only a person can bring to an end.
    fn note_doubt(&mut self, plan: &Plan, node: NodeId) {
        let in_doubt = self.nodes[node].status == Status::InDoubt;
        let changed = if in_doubt {
            self.doubts.insert(node)
        } else {
            self.doubts.remove(&node)
        };
        if changed
            && self
                .reservation
                .is_some_and(|holder| self.waits_for_doubt(holder))
        {
            self.release_reservation(plan);
        }
    }

    fn waits_for_doubt(&self, node: NodeId) -> bool {
        let uses = self.index.uses(node);
        self.doubts
            .iter()
            .any(|doubt| share(uses, self.index.uses(*doubt)))
    }

    fn release_reservation(&mut self, plan: &Plan) {
        if let Some(holder) = self.reservation.take() {
            self.refresh_sharing(plan, holder);
        }
    }

    /// After `node` got the reservation, or lost it.
    fn refresh_sharing(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        if let Some(lane) = index.lane_of(node) {
            self.refresh_lane(plan, lane);
        }
        for (resource, _) in index.uses(node) {
            self.refresh_users_of(plan, &index, *resource);
        }
    }
}

fn share(some: &[(ResourceId, u32)], others: &[(ResourceId, u32)]) -> bool {
    some.iter()
        .any(|(resource, _)| others.iter().any(|(other, _)| other == resource))
}

/// Moves `one` to another place, or takes it out; true when anything changed.
fn move_in<T: Ord + Copy>(
    set: &mut BTreeSet<(Rank, T)>,
    place: &mut Option<Rank>,
    to: Option<Rank>,
    one: T,
) -> bool {
    let was = std::mem::replace(place, to);
    if was == to {
        return false;
    }
    if let Some(rank) = was {
        set.remove(&(rank, one));
    }
    if let Some(rank) = to {
        set.insert((rank, one));
    }
    true
}

fn toggle(set: &mut BTreeSet<Rank>, rank: Rank, insert: bool) {
    if insert {
        set.insert(rank);
    } else {
        set.remove(&rank);
    }
}

fn shift(count: &mut u32, by: u32, up: bool) {
    *count = if up {
        count.saturating_add(by)
    } else {
        count.saturating_sub(by)
    };
}
