//! Conflicts that are found by themselves, where the project says what becomes of them.
//!
//! A task that is ready waits for something that another holds. That is how things go, as long as
//! the holder keeps to what it promised: the longest time of its estimate. Past that, or when
//! nobody knows what became of the holder, the wait is a conflict: of kind `priority` when the one
//! that waits is more urgent than the holder, else of kind `ownership` when both claim the same
//! ground for different agents, else of kind `resource`. Each is found once for an attempt of the
//! holder, and is over when the task that waits has started.

use coord_lang::ids::{AgentId, ConflictId, NodeId, ResourceId};
use coord_plan::plan::Plan;

use crate::event::Fact;
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of};
use crate::state::State;
use crate::status::{RunStatus, Status};
use crate::turn::Turn;

/// The rules of a plan for what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    ownership: Option<ConflictId>,
    resource: Option<ConflictId>,
    priority: Option<ConflictId>,
}

impl Found {
    pub(crate) fn of(plan: &Plan) -> Found {
        let named = |kind: &str| {
            let mut rules = plan.rules.conflicts.iter();
            rules.find(|(_, rule)| rule.kind == kind).map(|(id, _)| id)
        };
        Found {
            ownership: named("ownership"),
            resource: named("resource"),
            priority: named("priority"),
        }
    }

    pub(crate) fn any(self) -> bool {
        self.ownership.is_some() || self.resource.is_some() || self.priority.is_some()
    }
}

/// `waits` could start if `holder` gave back what it holds.
struct Contention {
    rule: ConflictId,
    waits: NodeId,
    holder: NodeId,
    resource: Option<ResourceId>,
}

impl State {
    /// The first conflict that nobody has been told of.
    fn contention(&self, plan: &Plan) -> Option<Contention> {
        let holders = self.overdue.iter().chain(&self.doubts);
        holders
            .flat_map(|holder| self.behind(plan, *holder))
            .find(|found| !self.found.contains(&self.pair(found.waits, found.holder)))
    }

    pub(crate) fn pair(&self, waits: NodeId, holder: NodeId) -> (NodeId, NodeId, u32) {
        (waits, holder, self.nodes[holder].attempt_number())
    }

    fn behind(&self, plan: &Plan, holder: NodeId) -> Vec<Contention> {
        let mut found = Vec::new();
        for (resource, _) in self.index.uses(holder) {
            let claim = plan.resources[*resource].claim;
            let holds = &self.nodes[holder];
            if !(if claim {
                holds.holds_claims
            } else {
                holds.holds_slots
            }) {
                continue;
            }
            let short = self.short_of(plan, *resource).into_iter();
            for waits in short.filter(|node| *node != holder) {
                found.extend(self.kind_of(plan, waits, holder, Some(*resource)));
            }
        }
        if self.nodes[holder].holds_slots {
            let busy = self.nodes[holder].attempt.iter().flat_map(|a| &a.agents);
            for team in busy.flat_map(|agent| &self.index.teams_of_agent[*agent]) {
                let waits = self.first_of_team(*team).filter(|node| *node != holder);
                if let Some(waits) = waits.filter(|_| !self.team_is_free(plan, *team)) {
                    found.extend(self.kind_of(plan, waits, holder, None));
                }
            }
        }
        found
    }

    fn kind_of(
        &self,
        plan: &Plan,
        waits: NodeId,
        holder: NodeId,
        resource: Option<ResourceId>,
    ) -> Option<Contention> {
        let rules = self.index.found;
        let urgent = self.rank(plan, waits).0 < self.rank(plan, holder).0;
        let claim = resource.is_some_and(|resource| plan.resources[resource].claim);
        let priority = rules.priority.filter(|_| urgent);
        let rule = priority.or_else(|| match (resource, claim) {
            (None, _) => None,
            (Some(_), false) => rules.resource,
            (Some(_), true) => {
                let others = self.doers(plan, waits) != self.doers(plan, holder);
                rules.ownership.filter(|_| others)
            }
        })?;
        Some(Contention {
            rule,
            waits,
            holder,
            resource,
        })
    }

    /// It has what it waited for.
    pub(crate) fn withdraw_contention(&mut self, plan: &Plan, node: NodeId) {
        if self.found.is_empty() {
            return;
        }
        let over = |id: &crate::situation::SituationId| {
            let about = &self.situations[*id].about;
            about.behind.is_some() && about.node == Some(node)
        };
        let over: Vec<_> = self.open_about(node).filter(over).collect();
        for id in over {
            self.withdraw_situation(plan, id);
        }
    }
}

impl Turn<'_> {
    pub(crate) fn find_contention(&mut self) -> bool {
        if !self.state.index.found.any() || self.state.status != RunStatus::Running {
            return false;
        }
        let Some(found) = self.state.contention(self.plan) else {
            return false;
        };
        let mut agents = self.state.doers(self.plan, found.waits).to_vec();
        agents.extend(self.state.doers(self.plan, found.holder));
        let note = self.contention_note(&found);
        let about = About {
            node: Some(found.waits),
            behind: Some(found.holder),
            agents: each_once(agents),
            resource: found.resource,
            ..About::default()
        };
        self.open_another(Of::Conflict(found.rule), about, None, note, 0);
        true
    }

    fn contention_note(&self, found: &Contention) -> String {
        let (waits, holder) = (self.name(found.waits), self.name(found.holder));
        let what = match found.resource {
            Some(resource) => format!("`{}`", self.plan.resources[resource].name),
            None => "its agent".to_string(),
        };
        let how = match self.state.nodes[found.holder].status {
            Status::InDoubt => "and nobody knows what became of it",
            _ => "for longer than it promised",
        };
        format!("`{waits}` waits for {what}, which `{holder}` holds {how}")
    }

    /// Answers to a conflict about a wait: the holder gives way, or the one that waits does.
    pub(crate) fn give_way(&mut self, holder: NodeId) {
        let again = (self.plan.task(holder)).is_some_and(|task| task.idempotent);
        if again {
            self.take_away(holder, crate::outcome::Termination::TakenAway);
        } else {
            let text = format!(
                "`{}` goes on: it is not `idempotent`, so it is not begun again",
                self.name(holder)
            );
            self.emit(Fact::Rule(RuleFact::NoteRecorded {
                about: About::default(),
                text,
            }));
        }
    }
}

fn each_once(agents: Vec<AgentId>) -> Vec<AgentId> {
    let mut seen = std::collections::BTreeSet::new();
    let mut agents = agents;
    agents.retain(|agent| seen.insert(*agent));
    agents
}
