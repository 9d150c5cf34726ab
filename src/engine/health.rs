//! Health checks of agents: a program that is run again and again.
//!
//! A check that fails opens the agent's circuit: it has failed, and what the project says about
//! that is done; where it says nothing, the agent is isolated and its work goes to others. The
//! checks go on, and one that passes closes the circuit again. A run in which nothing else can
//! move waits for a few of them.

use coord_lang::ids::{AgentId, Id};
use coord_plan::plan::Plan;

use crate::apply::known;
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::state::State;
use crate::status::IllegalTransition;
use crate::timers::Background;
use crate::turn::Turn;

/// So many checks in a row that fail are recorded, and waited for when nothing else moves.
pub(crate) const HOPE: u32 = 10;

impl State {
    pub(crate) fn start_health(&mut self, plan: &Plan) {
        for agent in plan.agents.ids() {
            self.set_next_check(plan, agent);
        }
    }

    fn set_next_check(&mut self, plan: &Plan, agent: AgentId) {
        let profile = plan.agents[agent].profile.as_ref();
        let Some(health) = profile.and_then(|profile| profile.health.as_ref()) else {
            return;
        };
        let what = Background::Health(agent);
        self.background.retain(|(_, other)| *other != what);
        let due = self.now_ms.saturating_add(health.every_ms.max(1));
        self.background.insert((due, what));
    }

    pub(crate) fn on_health_asked(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        agent: AgentId,
    ) -> Result<(), IllegalTransition> {
        known(agent.index() < plan.agents.len(), kind, "agent", agent.0)?;
        self.set_next_check(plan, agent);
        Ok(())
    }

    pub(crate) fn on_health(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        agent: AgentId,
        well: bool,
    ) -> Result<(), IllegalTransition> {
        known(agent.index() < plan.agents.len(), kind, "agent", agent.0)?;
        let of = &mut self.agent_states[agent];
        of.checks_failed = if well { 0 } else { of.checks_failed + 1 };
        Ok(())
    }

    /// When the next check of an agent that may yet be well again is due.
    pub(crate) fn next_hope(&self) -> Option<i64> {
        let hopes = |agent: &AgentId| (1..HOPE).contains(&self.agent_states[*agent].checks_failed);
        let due = self.background.iter().find(|(_, what)| match what {
            Background::Health(agent) => hopes(agent),
            Background::Sync(_) | Background::Workflow(_) => false,
        });
        due.map(|(due, _)| *due)
    }
}

impl Turn<'_> {
    pub(crate) fn take_health(
        &mut self,
        agent: AgentId,
        well: bool,
        evidence: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        self.check_agent(agent)?;
        let of = self.state.agent_states[agent].clone();
        let out = of.isolated || of.failed_since_ms.is_some();
        if well && of.checks_failed > 0 {
            self.rule(RuleFact::HealthPassed { agent });
            if out {
                self.rule(RuleFact::AgentBack { agent });
            }
        } else if !well && of.checks_failed < HOPE {
            let why = evidence.clone();
            self.rule(RuleFact::HealthFailed { agent, why });
            if of.failed_since_ms.is_none() {
                let why = format!("its health check failed: {evidence}");
                self.rule(RuleFact::AgentFailed { agent, why });
            }
        }
        Ok(())
    }
}
