//! Who starts next: lanes of ready tasks, what work at hand holds, and one reservation.
//!
//! Order is priority, then the longer way to the end, then the plan's own order. A task starts
//! when one slot of each of its agents (or of one of them), all of its resources and all of its
//! claims are free: all or nothing. A task that cannot start is passed by; so that a big one is
//! not passed by for ever, the one that has been passed over [`PASSED_OVER_LIMIT`] times for
//! want of resources or claims gets *the* reservation: until it starts, no other task takes its
//! resources or its claims. There is one reservation at a time, and its holder waits only for
//! work that will end, so reservations cannot wait for each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use coord_lang::ids::{AgentId, NodeId, ResourceId};
use coord_plan::plan::Plan;

use crate::index::{Index, LaneId, Rank};
use crate::state::State;
use crate::status::{RunStatus, Status};

/// How many later tasks may take what a ready task waits for before it gets a reservation.
pub const PASSED_OVER_LIMIT: u32 = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneState {
    /// Ready tasks whose claims are free.
    pub(crate) ready: BTreeSet<Rank>,
    /// Its place in the set of lanes that can start something now.
    open: Option<Rank>,
}

pub(crate) fn rank(plan: &Plan, node: NodeId) -> Rank {
    let priority = plan.task(node).map_or(u8::MAX, |task| task.priority);
    (priority, plan.nodes[node].rank_ms.saturating_neg(), node)
}

impl State {
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
        let in_lane = ready && self.nodes[node].claims_against == 0;
        let state = &mut self.nodes[node];
        let created = state.status == Status::Created;
        let in_unassigned = ready && created && index.may_look_ahead(node);
        let was_in_lane = std::mem::replace(&mut state.in_lane, in_lane);
        let was_in_unassigned = std::mem::replace(&mut state.in_unassigned, in_unassigned);
        if was_in_lane != in_lane {
            toggle(&mut self.lanes[lane].ready, rank(plan, node), in_lane);
            self.refresh_lane(plan, lane);
        }
        if was_in_unassigned != in_unassigned {
            toggle(&mut self.unassigned, rank(plan, node), in_unassigned);
        }
        if !ready && self.reservation == Some(node) {
            self.release_reservation(plan, node);
        }
    }

    /// Takes and gives back slots, resources and claims as the node's attempt demands.
    pub(crate) fn refresh_holdings(&mut self, plan: &Plan, node: NodeId) {
        let slots = self.nodes[node].is_at_work();
        let claims = self.nodes[node].should_hold_claims();
        let state = &mut self.nodes[node];
        let had_slots = std::mem::replace(&mut state.holds_slots, slots);
        let had_claims = std::mem::replace(&mut state.holds_claims, claims);
        if had_slots != slots {
            self.move_slots(plan, node, slots);
        }
        if had_claims != claims {
            self.press_claims(plan, node, claims);
        }
    }

    fn move_slots(&mut self, plan: &Plan, node: NodeId, take: bool) {
        let index = Arc::clone(&self.index);
        let Some(lane) = index.lane_of(node) else {
            return;
        };
        let lane = &index.lanes[lane];
        if lane.machine {
            shift(&mut self.machine_at_work, 1, take);
        }
        let agents = self.nodes[node]
            .attempt
            .as_ref()
            .map_or(Vec::new(), |a| a.agents.clone());
        for agent in agents {
            self.move_agent(plan, &index, agent, take);
        }
        for (resource, amount) in &lane.uses {
            shift(&mut self.resources[*resource], *amount, take);
            self.refresh_lanes_of(plan, &index, *resource);
        }
    }

    /// Lanes only care whether an agent is free at all.
    fn move_agent(&mut self, plan: &Plan, index: &Index, agent: AgentId, take: bool) {
        let was_free = self.agent_is_free(plan, agent);
        shift(&mut self.agents[agent], 1, take);
        if was_free != self.agent_is_free(plan, agent) {
            for lane in &index.lanes_of_agent[agent] {
                self.refresh_lane(plan, *lane);
            }
        }
    }

    fn refresh_lanes_of(&mut self, plan: &Plan, index: &Index, resource: ResourceId) {
        for lane in &index.lanes_of_resource[resource] {
            self.refresh_lane(plan, *lane);
        }
    }

    /// Makes those that `node` excludes wait, or lets them go.
    fn press_claims(&mut self, plan: &Plan, node: NodeId, press: bool) {
        let index = Arc::clone(&self.index);
        for other in index.excluded(node) {
            shift(&mut self.nodes[*other].claims_against, 1, press);
            self.refresh_queue(plan, *other);
        }
    }

    pub(crate) fn refresh_every_lane(&mut self, plan: &Plan) {
        let index = Arc::clone(&self.index);
        for lane in index.lanes.ids() {
            self.refresh_lane(plan, lane);
        }
    }

    fn refresh_lane(&mut self, plan: &Plan, lane: LaneId) {
        let candidate = self
            .candidate(plan, lane)
            .filter(|rank| self.lane_fits(plan, lane, rank.2));
        let was = std::mem::replace(&mut self.lanes[lane].open, candidate);
        if was == candidate {
            return;
        }
        let open = if self.index.lanes[lane].machine {
            &mut self.open_machine
        } else {
            &mut self.open_people
        };
        if let Some(rank) = was {
            open.remove(&(rank, lane));
        }
        if let Some(rank) = candidate {
            open.insert((rank, lane));
        }
    }

    /// The first of a lane; in the lane of a reservation over resources, its holder.
    fn candidate(&self, plan: &Plan, lane: LaneId) -> Option<Rank> {
        let ready = &self.lanes[lane].ready;
        match self.reservation {
            Some(holder)
                if self.index.lane_of(holder) == Some(lane)
                    && !self.index.lanes[lane].uses.is_empty() =>
            {
                Some(rank(plan, holder)).filter(|rank| ready.contains(rank))
            }
            Some(_) | None => ready.first().copied(),
        }
    }

    fn lane_fits(&self, plan: &Plan, lane: LaneId, candidate: NodeId) -> bool {
        let has_agents = self.has_agents(plan, lane);
        has_agents && self.has_resources(plan, lane) && !self.is_reserved_from(lane, candidate)
    }

    fn has_agents(&self, plan: &Plan, lane: LaneId) -> bool {
        let lane = &self.index.lanes[lane];
        let mut agents = lane.agents.iter();
        if lane.any {
            lane.agents.is_empty() || agents.any(|agent| self.agent_is_free(plan, *agent))
        } else {
            agents.all(|agent| self.agent_is_free(plan, *agent))
        }
    }

    fn has_resources(&self, plan: &Plan, lane: LaneId) -> bool {
        let mut uses = self.index.lanes[lane].uses.iter();
        uses.all(|(resource, amount)| self.free(plan, *resource) >= *amount)
    }

    pub(crate) fn is_reserved_from(&self, lane: LaneId, candidate: NodeId) -> bool {
        let Some(holder) = self.reservation.filter(|holder| *holder != candidate) else {
            return false;
        };
        let Some(held) = self.index.lane_of(holder) else {
            return false;
        };
        let held = &self.index.lanes[held].uses;
        let mut uses = self.index.lanes[lane].uses.iter();
        uses.any(|(resource, _)| held.iter().any(|(other, _)| other == resource))
    }

    pub(crate) fn capacity(&self, plan: &Plan, agent: AgentId) -> u32 {
        match plan.agents[agent].capacity {
            0 => self.options.cores.max(1),
            some => some,
        }
    }

    pub(crate) fn agent_is_free(&self, plan: &Plan, agent: AgentId) -> bool {
        self.agents[agent] < self.capacity(plan, agent)
    }

    pub(crate) fn free(&self, plan: &Plan, resource: ResourceId) -> u32 {
        plan.resources[resource]
            .capacity
            .saturating_sub(self.resources[resource])
    }

    /// Most machine tasks at work at once; what people do is not counted.
    pub(crate) fn parallel(&self, plan: &Plan) -> Option<u32> {
        self.options.parallel.or(plan.parallel)
    }

    /// The first in order that can start now.
    pub(crate) fn next_start(&self, plan: &Plan) -> Option<NodeId> {
        if self.status != RunStatus::Running {
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
        first.map(|(rank, _)| rank.2)
    }

    /// The agents for an attempt: all, or the free one with the least to do.
    pub(crate) fn pick_agents(&self, plan: &Plan, node: NodeId) -> Vec<AgentId> {
        let Some(lane) = self.index.lane_of(node).map(|lane| &self.index.lanes[lane]) else {
            return Vec::new();
        };
        if !lane.any {
            return lane.agents.clone();
        }
        let free = lane
            .agents
            .iter()
            .filter(|agent| self.agent_is_free(plan, **agent));
        free.min_by_key(|agent| self.agents[**agent])
            .or(lane.agents.first())
            .map_or(Vec::new(), |agent| vec![*agent])
    }

    /// `node` has just started: counts it against those before it that it left behind.
    pub(crate) fn note_passed_over(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        let Some(lane) = index.lane_of(node) else {
            return;
        };
        let started = rank(plan, node);
        for (resource, _) in &index.lanes[lane].uses {
            for other in index.lanes_of_resource[*resource]
                .iter()
                .filter(|other| **other != lane)
            {
                if let Some(first) = self.lanes[*other].ready.first().copied()
                    && first < started
                    && self.has_agents(plan, *other)
                    && !self.has_resources(plan, *other)
                {
                    self.pass_over(plan, first.2);
                }
            }
        }
        for other in index.excluded(node) {
            if rank(plan, *other) < started && self.is_ready(plan, *other) {
                self.pass_over(plan, *other);
            }
        }
    }

    fn pass_over(&mut self, plan: &Plan, node: NodeId) {
        let state = &mut self.nodes[node];
        state.passed_over = state.passed_over.saturating_add(1);
        if state.passed_over >= PASSED_OVER_LIMIT && self.reservation.is_none() {
            self.reservation = Some(node);
            self.press_claims(plan, node, true);
            self.refresh_lanes_sharing(plan, node);
        }
    }

    fn release_reservation(&mut self, plan: &Plan, node: NodeId) {
        self.reservation = None;
        self.press_claims(plan, node, false);
        self.refresh_lanes_sharing(plan, node);
    }

    fn refresh_lanes_sharing(&mut self, plan: &Plan, node: NodeId) {
        let index = Arc::clone(&self.index);
        let Some(lane) = index.lane_of(node) else {
            return;
        };
        for (resource, _) in &index.lanes[lane].uses {
            self.refresh_lanes_of(plan, &index, *resource);
        }
    }
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
