//! Agents that fail: isolated, relieved, and back.
//!
//! An isolated agent gets no work, and what it was at is taken away; the attempt that it had is
//! over, so a late result of it is refused. Its tasks go to whoever stands by for it, else to
//! an agent that can do what it can; work that writes goes to a stand-by only.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{Driver, Plan};

use crate::apply::{check_agents, known};
use crate::duty::Source;
use crate::event::Fact;
use crate::occasion::{Kind, Occasion};
use crate::outcome::{Outcome, Termination};
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::situation::About;
use crate::state::State;
use crate::status::{IllegalTransition, Status};
use crate::turn::Turn;

/// How often in a row the agent itself has to fail before that counts as its failure.
pub(crate) const FAILURES_IN_A_ROW: u32 = 3;

/// What is known of an agent beside its load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    pub isolated: bool,
    /// How often it was isolated since it last completed a task.
    pub(crate) times_isolated: u32,
    /// Since when it is known to have failed.
    pub failed_since_ms: Option<i64>,
    /// Attempts in a row that never came to a result.
    pub failures: u32,
    /// Health checks in a row that failed.
    pub checks_failed: u32,
    /// The work that showed that it has failed; nothing where somebody or something said so.
    pub(crate) failed_at: Option<NodeId>,
    /// Its tasks that are blocked.
    pub blocked: u32,
}

/// So often rules isolate an agent without anything getting done: isolating it and taking it back
/// may be what keeps its work from its end.
const ISOLATED: u32 = 5;

impl State {
    pub fn agent(&self, agent: AgentId) -> &AgentState {
        &self.agent_states[agent]
    }

    /// How many agents have failed and are not back.
    pub(crate) fn agents_failed(&self) -> usize {
        let failed = |a: &&AgentState| a.failed_since_ms.is_some();
        self.agent_states.values().filter(failed).count()
    }

    pub(crate) fn on_agent_failed(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        agent: AgentId,
    ) -> Result<(), IllegalTransition> {
        known(agent.index() < plan.agents.len(), kind, "agent", agent.0)?;
        let now_ms = self.now_ms;
        let found_ill = self.ill.remove(&agent);
        let of = &mut self.agent_states[agent];
        of.failures = 0;
        of.failed_at = of.failed_at.filter(|_| found_ill);
        let new = of.failed_since_ms.is_none();
        of.failed_since_ms.get_or_insert(now_ms);
        if !new {
            return Ok(());
        }
        let on = Occasion::Agent(agent);
        self.begins(plan, Kind::AgentFailed, on);
        let ruled = self.index.reactions.contains_key(&Kind::AgentFailed);
        if !ruled {
            let about = self.about(plan, on);
            self.add_duties(plan, Source::Failover, about);
        }
        Ok(())
    }

    pub(crate) fn on_agent_isolated(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        agent: AgentId,
        isolated: bool,
    ) -> Result<(), IllegalTransition> {
        known(agent.index() < plan.agents.len(), kind, "agent", agent.0)?;
        let of = &mut self.agent_states[agent];
        of.isolated = isolated;
        of.times_isolated += u32::from(isolated);
        if !isolated {
            of.failed_since_ms = None;
            of.failed_at = None;
            of.failures = 0;
            of.checks_failed = 0;
            self.ceases(Kind::AgentFailed, Occasion::Agent(agent));
        }
        self.refresh_teams_of(plan, agent);
        if self.index.tracks_blocked {
            for node in self.index.tasks_of(agent) {
                self.refresh_blocked(plan, node);
            }
        }
        Ok(())
    }

    pub(crate) fn on_reassigned(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        agents: &[AgentId],
    ) -> Result<(), IllegalTransition> {
        check_agents(plan, fact, agents)?;
        let there = plan.task(node).is_some() && !agents.is_empty();
        known(there, fact.kind(), "task", node.0)?;
        self.leave_lane(plan, node);
        Arc::make_mut(&mut self.index).reassign(plan, node, agents);
        self.given_to.push((node, agents.to_vec()));
        self.nodes[node].reassigned += 1;
        while self.lanes.len() < self.index.lanes.len() {
            self.lanes.push(Default::default());
        }
        while self.bays.len() < self.index.bays.len() {
            self.bays.push(Default::default());
        }
        while self.teams.len() < self.index.teams.len() {
            self.teams.push(Default::default());
        }
        self.refresh(plan, node);
        Ok(())
    }

    /// Attempts that say something about the agent rather than about the work.
    pub(crate) fn note_outcome(&mut self, plan: &Plan, node: NodeId, outcome: &Outcome) {
        let attempt = self.nodes[node].attempt.as_ref();
        let agents = attempt.map_or(&[][..], |attempt| &attempt.agents);
        let ill = matches!(outcome, Outcome::Lost(_) | Outcome::SpawnFailed(_));
        for agent in agents.iter().filter(|a| plan.agents[**a].name != "local") {
            let of = &mut self.agent_states[*agent];
            of.failures = if ill { of.failures + 1 } else { 0 };
            if of.failures >= FAILURES_IN_A_ROW && of.failed_since_ms.is_none() {
                of.failed_at = Some(node);
                self.ill.insert(*agent);
            }
        }
    }

    /// Who takes over from `from` in doing `node`, of those who are well.
    pub(crate) fn substitute(&self, plan: &Plan, node: NodeId, from: AgentId) -> Option<AgentId> {
        let task = plan.task(node)?;
        let machine = self.index.is_machine(node);
        let fits = |agent: &AgentId| {
            let driver = &plan.agents[*agent].driver;
            *agent != from
                && self.spent(plan, *agent).is_none()
                && !self.agent_states[*agent].isolated
                && self.agent_states[*agent].failed_since_ms.is_none()
                && (!machine || !matches!(driver, Driver::Human))
        };
        let profile = plan.agents[from].profile.as_ref();
        let standby = profile.and_then(|p| p.standby.iter().copied().find(|a| fits(a)));
        let skills = profile.map_or(&[][..], |p| &p.skills);
        let can = |agent: &AgentId| {
            let of = plan.agents[*agent].profile.as_ref();
            let has = |skill: &String| of.is_some_and(|p| p.skills.contains(skill));
            !skills.is_empty() && skills.iter().all(has)
        };
        let whoever = || {
            let free = task.writes.is_empty();
            plan.agents.ids().find(|a| free && fits(a) && can(a))
        };
        standby.or_else(whoever)
    }
}

impl Turn<'_> {
    /// An agent that failed several times in a row is taken to be ill.
    pub(crate) fn find_ill_agents(&mut self) -> bool {
        let Some(agent) = self.state.ill.first().copied() else {
            return false;
        };
        self.rule(RuleFact::AgentFailed {
            agent,
            why: format!("{FAILURES_IN_A_ROW} attempts in a row came to no result"),
        });
        true
    }

    pub(crate) fn agent_failed(&mut self, agent: AgentId, why: String) -> Result<(), Refusal> {
        self.check_open()?;
        self.check_agent(agent)?;
        if self.state.agent_states[agent].failed_since_ms.is_none() {
            self.rule(RuleFact::AgentFailed { agent, why });
        }
        Ok(())
    }

    pub(crate) fn agent_back(&mut self, agent: AgentId) -> Result<(), Refusal> {
        self.check_helped()?;
        self.check_agent(agent)?;
        let of = &self.state.agent_states[agent];
        if of.isolated || of.failed_since_ms.is_some() {
            self.reopen_run(None);
            self.rule(RuleFact::AgentBack { agent });
        }
        Ok(())
    }

    pub(crate) fn check_agent(&self, agent: AgentId) -> Result<(), Refusal> {
        match agent.index() < self.plan.agents.len() {
            true => Ok(()),
            false => Err(Refusal::NoSuchRule { what: "agent" }),
        }
    }

    /// No new work, and what it is at is taken away.
    pub(crate) fn isolate(&mut self, about: &About) -> Result<(), String> {
        if about.agents.is_empty() {
            return Err("it is about no agent".to_string());
        }
        let stays = |agent: &&AgentId| {
            let of = &self.state.agent_states[**agent];
            !of.isolated && of.times_isolated >= ISOLATED
        };
        if let Some(agent) = about.agents.iter().find(stays) {
            let name = &self.plan.agents[*agent].name;
            return Err(format!(
                "`{name}` was isolated {ISOLATED} times and completed no task in between"
            ));
        }
        for agent in &about.agents {
            if !self.state.agent_states[*agent].isolated {
                self.rule(RuleFact::AgentIsolated { agent: *agent });
            }
            for node in self.at_work_of(*agent) {
                self.take_away(node, Termination::TakenAway);
            }
        }
        Ok(())
    }

    fn at_work_of(&self, agent: AgentId) -> Vec<NodeId> {
        let of = |node: &NodeId| {
            let state = &self.state.nodes[*node];
            let mine = |a: &crate::node_state::Attempt| a.agents.contains(&agent);
            state.is_at_work() && state.attempt.as_ref().is_some_and(mine)
        };
        let holders = self.state.holders.iter().copied();
        holders.filter(of).collect()
    }

    /// What the agents that it is about were to do goes to others.
    pub(crate) fn redistribute(&mut self, about: &About) -> Result<(), String> {
        let mut left = Vec::new();
        for agent in &about.agents {
            let failed = self.state.agent_states[*agent].failed_since_ms.is_some();
            if !failed && !self.state.agent_states[*agent].isolated {
                continue;
            }
            for node in self.work_of(*agent) {
                if self.reassign_from(node, *agent, None).is_err() {
                    left.push(self.name(node));
                }
            }
        }
        match left.first() {
            None => Ok(()),
            Some(first) if left.len() == 1 => Err(format!("nobody else can do `{first}`")),
            Some(first) => Err(format!(
                "nobody else can do `{first}` and {} more",
                left.len() - 1
            )),
        }
    }

    /// Tasks that only `agent` can do as things stand, and that are not over.
    fn work_of(&self, agent: AgentId) -> Vec<NodeId> {
        let of = |node: &NodeId| {
            let status = self.state.nodes[*node].status;
            let team = self.state.index.team_of(*node);
            let mine = team.is_some_and(|team| {
                let others = |a: &AgentId| !self.state.agent_states[*a].isolated && *a != agent;
                team.agents.contains(&agent) && !(team.any && team.agents.iter().any(others))
            });
            let waits = match status {
                Status::Created | Status::Assigned | Status::InProgress => true,
                Status::Review
                | Status::InDoubt
                | Status::Completed
                | Status::Failed
                | Status::Skipped
                | Status::Cancelled => false,
            };
            mine && waits
        };
        let all = self.state.index.tasks_of(agent).into_iter();
        all.filter(of).collect()
    }

    /// Gives a task to `to`, or to whoever takes over from one of its agents.
    pub(crate) fn reassign(&mut self, node: NodeId, to: Option<AgentId>) -> Result<(), String> {
        let (from, to) = self.doer_and_taker(node, to)?;
        self.reassign_from(node, from, Some(to))
    }

    fn doer_and_taker(
        &self,
        node: NodeId,
        to: Option<AgentId>,
    ) -> Result<(AgentId, AgentId), String> {
        let Some(team) = self.state.index.team_of(node) else {
            return Err("it is no task".to_string());
        };
        let Some(from) = team.agents.first().copied() else {
            return Err("nobody in particular does it".to_string());
        };
        Ok((from, self.taker(node, from, to)?))
    }

    fn taker(&self, node: NodeId, from: AgentId, to: Option<AgentId>) -> Result<AgentId, String> {
        let found = to.or_else(|| self.state.substitute(self.plan, node, from));
        let Some(to) = found else {
            return Err("nobody else can do it".to_string());
        };
        let human = |agent: AgentId| self.plan.agents[agent].driver == Driver::Human;
        let task = self.plan.task(node);
        if task.is_some_and(|t| t.program.is_some()) && human(to) && !human(from) {
            return Err(format!(
                "`{}` is a person, and a program does it",
                self.plan.agents[to].name
            ));
        }
        Ok(to)
    }

    fn reassign_from(
        &mut self,
        node: NodeId,
        from: AgentId,
        to: Option<AgentId>,
    ) -> Result<(), String> {
        let to = self.taker(node, from, to)?;
        self.take_away(node, Termination::TakenAway);
        let was = &self.state.nodes[node];
        if was.status == Status::Assigned {
            let attempt = was.attempt_number();
            self.emit(Fact::Unassigned { node, attempt });
        }
        let team = self.state.index.team_of(node);
        let mut agents: Vec<AgentId> = match team {
            Some(team) if !team.any => team.agents.clone(),
            _ => vec![from],
        };
        agents
            .iter_mut()
            .filter(|a| **a == from)
            .for_each(|a| *a = to);
        agents.dedup();
        self.rule(RuleFact::Reassigned { node, agents });
        Ok(())
    }

    pub(crate) fn order_reassign(
        &mut self,
        node: NodeId,
        to: Option<AgentId>,
        by: Option<String>,
    ) -> Result<(), Refusal> {
        self.check_node(node)?;
        if let Some(agent) = to {
            self.check_agent(agent)?;
        }
        let status = self.state.nodes[node].status;
        if matches!(
            status,
            Status::Completed | Status::Skipped | Status::Cancelled
        ) {
            return Err(Refusal::CannotReassign {
                name: self.name(node),
                why: format!("it is {}", status.name()),
            });
        }
        let refused = |turn: &Self, why: String| Refusal::CannotReassign {
            name: turn.name(node),
            why,
        };
        let (from, to) = self
            .doer_and_taker(node, to)
            .map_err(|why| refused(self, why))?;
        self.reopen_run(by.clone());
        self.reassign_from(node, from, Some(to))
            .map_err(|why| refused(self, why))?;
        self.reopen(node, by);
        Ok(())
    }
}
