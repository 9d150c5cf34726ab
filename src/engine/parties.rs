//! Who is meant: agents by name, and roles that exist only in a situation.
//!
//! A role that nobody fills leaves the party empty, and an empty party is anybody.

use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{By, NodeKind, Plan};
use coord_plan::rules::{Conflict, Domain, Incident, Party, Role};

use crate::situation::{About, Of};
use crate::state::State;

impl State {
    /// Who does, or is going to do, the work of a node; of a sync, its participants.
    pub fn doers<'s>(&'s self, plan: &'s Plan, node: NodeId) -> &'s [AgentId] {
        match (&self.nodes[node].attempt, &plan.nodes[node].kind) {
            (Some(attempt), _) if !attempt.agents.is_empty() => &attempt.agents,
            (_, NodeKind::Task(task)) => match self.index.team_of(node) {
                Some(team) if !team.agents.is_empty() => &team.agents,
                _ => task.by.agents(),
            },
            (_, NodeKind::Sync(sync)) => &sync.participants,
            (_, NodeKind::Milestone(_) | NodeKind::Join) => &[],
        }
    }

    /// Who may do a task, before one of them is picked.
    pub fn team(&self, node: NodeId) -> &[AgentId] {
        self.index.team_of(node).map_or(&[], |team| &team.agents)
    }

    /// Those who may not judge the work of a node: whoever does it for sure.
    pub(crate) fn sure_doers<'s>(&'s self, plan: &'s Plan, node: NodeId) -> &'s [AgentId] {
        match (&self.nodes[node].attempt, &plan.nodes[node].kind) {
            (Some(attempt), _) => &attempt.agents,
            (None, NodeKind::Task(task)) => match &task.by {
                By::All(agents) => agents,
                By::Any(_) => &[],
            },
            (None, NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join) => &[],
        }
    }

    /// The agents of a party, each once, in written order.
    pub(crate) fn who(&self, plan: &Plan, party: &Party, about: &About) -> Vec<AgentId> {
        let mut all = party.agents.clone();
        for role in &party.roles {
            all.extend(self.in_role(plan, *role, about));
        }
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|agent| seen.insert(*agent));
        all
    }

    fn in_role(&self, plan: &Plan, role: Role, about: &About) -> Vec<AgentId> {
        let party = |party: Option<&Party>| party.map_or(Vec::new(), |p| p.agents.clone());
        match role {
            Role::Owner => self.owners(plan, about).into_iter().take(1).collect(),
            Role::Owners => self.owners(plan, about),
            Role::Reviewers => {
                let conflict = self.conflict_of(plan, about);
                let reviewers = conflict.and_then(|c| c.reviewers.as_ref());
                let domain = || domain_of(plan, about).and_then(|d| d.reviewers.as_ref());
                party(reviewers.or_else(domain))
            }
            Role::Decider => {
                let conflict = self.conflict_of(plan, about);
                let decides = conflict.and_then(|c| c.decide.as_ref()).map(|d| &d.by);
                party(decides.or_else(|| domain_of(plan, about).and_then(|d| d.lead.as_ref())))
            }
            Role::Sender => about
                .giver
                .map_or(Vec::new(), |n| self.doers(plan, n).to_vec()),
            Role::Receiver => about
                .node
                .map_or(Vec::new(), |n| self.doers(plan, n).to_vec()),
            Role::Lead => {
                let incident = self.incident_of(plan, about);
                let lead = incident.and_then(|i| i.lead.as_ref());
                let lead = lead.or_else(|| domain_of(plan, about).and_then(|d| d.lead.as_ref()));
                match lead {
                    Some(lead) if lead.roles.contains(&Role::Lead) => lead.agents.clone(),
                    Some(lead) => self.who(plan, lead, about),
                    None => Vec::new(),
                }
            }
            Role::Affected => self.affected(plan, about),
            Role::OnCall => {
                let on_call = |agent: &coord_plan::plan::Agent| {
                    let skills = agent.profile.as_ref().map(|p| &p.skills);
                    skills.is_some_and(|s| s.iter().any(|skill| skill == "on-call"))
                };
                let agents = plan.agents.iter().filter(|(_, agent)| on_call(agent));
                agents.map(|(id, _)| id).collect()
            }
        }
    }

    fn affected(&self, plan: &Plan, about: &About) -> Vec<AgentId> {
        if !about.agents.is_empty() {
            return about.agents.clone();
        }
        about
            .node
            .map_or(Vec::new(), |node| self.doers(plan, node).to_vec())
    }

    fn owners(&self, plan: &Plan, about: &About) -> Vec<AgentId> {
        let affected = self.affected(plan, about);
        if !affected.is_empty() {
            return affected;
        }
        let owner = self.conflict_of(plan, about).and_then(|c| c.owner.as_ref());
        let owner = owner.or_else(|| domain_of(plan, about).and_then(|d| d.lead.as_ref()));
        owner.map_or(Vec::new(), |party| party.agents.clone())
    }

    fn conflict_of<'p>(&self, plan: &'p Plan, about: &About) -> Option<&'p Conflict> {
        self.origin(about, |of| match of {
            Of::Conflict(id) => Some(&plan.rules.conflicts[id]),
            Of::Escalation(_) | Of::Incident(_) | Of::Handoff(_) => None,
        })
    }

    pub(crate) fn incident_of<'p>(&self, plan: &'p Plan, about: &About) -> Option<&'p Incident> {
        self.origin(about, |of| match of {
            Of::Incident(id) => Some(&plan.rules.incidents[id]),
            Of::Escalation(_) | Of::Conflict(_) | Of::Handoff(_) => None,
        })
    }

    /// Looks back along what a situation came out of.
    fn origin<T>(&self, about: &About, pick: impl Fn(Of) -> Option<T>) -> Option<T> {
        let mut next = about.situation;
        while let Some(id) = next {
            let situation = self.situations.get(id)?;
            if let Some(found) = pick(situation.of) {
                return Some(found);
            }
            // a situation comes out of an earlier one
            next = situation.about.situation.filter(|earlier| *earlier < id);
        }
        None
    }
}

fn domain_of<'p>(plan: &'p Plan, about: &About) -> Option<&'p Domain> {
    let task = plan.task(about.node?)?;
    let domain = task.more.as_ref()?.domain?;
    plan.rules.domains.get(domain)
}
