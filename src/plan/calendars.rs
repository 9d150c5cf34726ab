//! Who works when: the calendar that each task is laid on.
//!
//! The hours of the project apply wherever nothing else is said. An agent may have its own; then
//! what it does is done in those. A task of several agents is at work when all of them are. A
//! person without hours of its own works in those of the project; a machine without does not hold
//! the others up: only what machines alone do is laid on the project's hours. Who does a task of
//! `any of` decides about its hours.

use crate::calendar::{Calendar, Hours};
use crate::critical_path::network::Network;
use crate::plan::{Agent, By, Driver, Plan, Span};
use coord_lang::ids::{AgentId, Id, NodeId};
use std::collections::BTreeMap;

/// The calendar of the project.
const DEFAULT: u32 = 0;
/// In the place of a number: who is chosen decides.
const CHOSEN: u32 = u32::MAX;

/// All calendars of a plan, by number.
#[derive(Clone, Debug)]
pub struct Calendars {
    all: Vec<Calendar>,
    /// The single calendars that each is the common part of, in order.
    parts: Vec<Vec<u32>>,
    /// What each agent works by when it is alone.
    agents: Vec<u32>,
    /// Agents that others have to wait for.
    holds: Vec<bool>,
    /// Of each node; empty when all have the project's.
    nodes: Vec<u32>,
    /// Of the nodes where who is chosen decides, each calendar once.
    choices: BTreeMap<NodeId, Vec<u32>>,
}

impl Calendars {
    pub fn of(plan: &Plan) -> Calendars {
        let mut calendars = Calendars {
            all: vec![Calendar::of(plan)],
            parts: vec![vec![DEFAULT]],
            agents: vec![DEFAULT; plan.agents.len()],
            holds: plan.agents.values().map(is_person).collect(),
            nodes: Vec::new(),
            choices: BTreeMap::new(),
        };
        calendars.add_agents(plan);
        if calendars.all.len() > 1 {
            calendars.add_nodes(plan);
        }
        calendars
    }

    fn add_agents(&mut self, plan: &Plan) {
        let mut known: Vec<(&Hours, u32)> = vec![(&plan.hours, DEFAULT)];
        for (id, agent) in plan.agents.iter() {
            let Some(hours) = own_hours(agent) else {
                continue;
            };
            self.holds[id.index()] = true;
            self.agents[id.index()] = match known.iter().find(|(other, _)| *other == hours) {
                Some((_, number)) => *number,
                None => {
                    let number = self.all.len() as u32;
                    self.all.push(Calendar::of_agent(plan, hours));
                    self.parts.push(vec![number]);
                    known.push((hours, number));
                    number
                }
            };
        }
    }

    fn add_nodes(&mut self, plan: &Plan) {
        self.nodes = vec![DEFAULT; plan.nodes.len()];
        let mut common: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        for (id, _, task) in plan.tasks() {
            let number = match &task.by {
                By::All(agents) => {
                    let parts = self.held_by(agents);
                    match parts.as_slice() {
                        [one] => *one,
                        _ => *common
                            .entry(parts)
                            .or_insert_with_key(|parts| self.add_common(parts)),
                    }
                }
                By::Any(agents) => {
                    let numbers = agents.iter().map(|agent| self.agents[agent.index()]);
                    match sorted(numbers).as_slice() {
                        [] => DEFAULT,
                        [one] => *one,
                        many => {
                            self.choices.insert(id, many.to_vec());
                            CHOSEN
                        }
                    }
                }
            };
            self.nodes[id.index()] = number;
        }
    }

    fn add_common(&mut self, parts: &[u32]) -> u32 {
        let calendars: Vec<&Calendar> = parts.iter().map(|part| self.get(*part)).collect();
        let common = Calendar::common(&calendars);
        self.all.push(common);
        self.parts.push(parts.to_vec());
        self.all.len() as u32 - 1
    }

    /// The single calendars that all of these agents keep to together.
    fn held_by(&self, agents: &[AgentId]) -> Vec<u32> {
        let holding = agents.iter().filter(|agent| self.holds[agent.index()]);
        let parts = sorted(holding.map(|agent| self.agents[agent.index()]));
        if parts.is_empty() {
            vec![DEFAULT]
        } else {
            parts
        }
    }

    // ---- which ---------------------------------------------------------------------------------

    /// The calendar of the project.
    pub fn project(&self) -> &Calendar {
        &self.all[DEFAULT as usize]
    }

    /// What an agent works by when it is alone.
    pub fn agent(&self, agent: AgentId) -> &Calendar {
        self.get(self.agents[agent.index()])
    }

    /// What these agents work by together, one by one.
    pub fn each_of(&self, agents: &[AgentId]) -> Vec<&Calendar> {
        let parts = self.held_by(agents).into_iter();
        parts.map(|part| self.get(part)).collect()
    }

    /// The calendar of a node that these agents do.
    pub fn placed(&self, node: NodeId, agents: &[AgentId]) -> &Calendar {
        self.chosen(node, agents.first().copied())
    }

    /// The calendar of a node, when this agent is the one of `any of`.
    pub(crate) fn chosen(&self, node: NodeId, agent: Option<AgentId>) -> &Calendar {
        match self.number(node) {
            Some(number) => self.get(number),
            None => agent.map_or_else(|| self.project(), |agent| self.agent(agent)),
        }
    }

    /// The number of a node's calendar; None when who is chosen decides.
    pub(crate) fn number(&self, node: NodeId) -> Option<u32> {
        let number = self.nodes.get(node.index()).copied().unwrap_or(DEFAULT);
        Some(number).filter(|&number| number != CHOSEN)
    }

    pub(crate) fn get(&self, number: u32) -> &Calendar {
        &self.all[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The calendars that a node may be laid on.
    fn choices(&self, node: NodeId) -> impl Iterator<Item = u32> + '_ {
        let own = self.number(node);
        let many = self.choices.get(&node).filter(|_| own.is_none());
        own.into_iter().chain(many.into_iter().flatten().copied())
    }

    /// Whether nothing of a node is done while a calendar rests.
    pub(crate) fn is_within(&self, node: NodeId, number: u32) -> bool {
        let outer = &self.parts[number as usize];
        let inside = |choice: u32| {
            let parts = &self.parts[choice as usize];
            // hours that never meet are laid out as if there were no pauses
            let pauses = !self.get(choice).never_works();
            choice == number || (pauses && outer.iter().all(|part| parts.contains(part)))
        };
        self.choices(node).all(inside)
    }

    /// The one calendar that all working time of a plan is laid on, when there is one.
    pub(crate) fn only(&self, network: &Network) -> Option<&Calendar> {
        if self.all.len() == 1 {
            return Some(self.project());
        }
        let works = network.spans.iter().filter(|(_, s)| s.working && s.ms > 0);
        let mut numbers = works.map(|(id, _)| self.number(id));
        let Some(first) = numbers.next() else {
            return Some(self.project());
        };
        let first = first?;
        numbers
            .all(|number| number == Some(first))
            .then(|| self.get(first))
    }

    // ---- when, whoever does it -----------------------------------------------------------------

    /// The earliest place of a node that may go ahead at `t`, by whoever has it done first.
    pub(crate) fn place(&self, node: NodeId, span: Span, t: i64) -> (i64, i64) {
        let place = |number: u32| {
            let calendar = self.get(number);
            let start = calendar.begin(span, t);
            (start, calendar.finish(span, start))
        };
        let places = self.choices(node).map(place);
        places
            .min_by_key(|&(start, finish)| (finish, -start))
            .unwrap_or((t, t))
    }

    /// The latest start that ends by `limit`, by whoever can start last.
    pub(crate) fn latest_start(&self, node: NodeId, span: Span, limit: i64) -> i64 {
        let starts = self
            .choices(node)
            .map(|number| self.get(number).latest_start(span, limit));
        starts.max().unwrap_or(limit)
    }
}

/// The hours that an agent names for itself.
fn own_hours(agent: &Agent) -> Option<&Hours> {
    agent.profile.as_ref()?.hours.as_ref()
}

fn is_person(agent: &Agent) -> bool {
    agent.driver == Driver::Human
}

/// Each once, in order.
fn sorted(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
