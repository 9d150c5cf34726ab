//! Work of an incident takes what it needs from work that is less urgent.
//!
//! Only where the incident says `preempts`, and only from tasks at work that are `idempotent`:
//! they are ended, hold what they claim until they are dead, and begin again when there is room.
//! Nothing is ended unless that lets the task of the incident start, and no task more than
//! five times.

use std::collections::BTreeSet;

use coord_lang::ids::{NodeId, WorkflowId};
use coord_plan::plan::Plan;

use crate::blocked::{Reason, reasons};
use crate::outcome::Termination;
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of, SituationId};
use crate::state::State;
use crate::status::RunStatus;
use crate::turn::Turn;

/// So often a task gives way: what is ended again and again never gets done.
const GIVES_WAY: u32 = 5;

impl State {
    /// The workflow of an open incident that takes precedence, with its priority.
    fn preempting(&self, plan: &Plan, id: SituationId) -> Option<(WorkflowId, u8)> {
        let Of::Incident(incident) = self.situations[id].of else {
            return None;
        };
        let rule = &plan.rules.incidents[incident];
        let workflow = rule.start.filter(|_| rule.preempts)?;
        (self.situations[id].is_open() && self.workflow_is_running(workflow))
            .then_some((workflow, rule.priority))
    }

    /// Who is to end so that `node` can start; None: it cannot be helped, or is on its way.
    fn in_the_way(&self, plan: &Plan, node: NodeId, priority: u8) -> Option<BTreeSet<NodeId>> {
        let mut out = BTreeSet::new();
        for reason in reasons(plan, self, node) {
            let (held_by, missing): (Vec<NodeId>, u32) = match &reason {
                Reason::Agent { held_by, .. } => (held_by.clone(), 1),
                Reason::Claim { held_by, .. } => (held_by.clone(), held_by.len() as u32),
                Reason::Resource {
                    held_by,
                    wants,
                    free,
                    ..
                } => (held_by.clone(), wants.saturating_sub(*free)),
                Reason::Parallel { .. } => {
                    let machine = |n: &NodeId| self.nodes[*n].holds_process;
                    (self.holders.iter().copied().filter(machine).collect(), 1)
                }
                // a later task is let pass
                Reason::Order { .. } | Reason::Reserved { .. } => continue,
                _ => return None,
            };
            let gives = |n: &NodeId| match &reason {
                Reason::Resource { resource, .. } => {
                    let uses = self.index.uses(*n).iter();
                    uses.filter(|(of, _)| of == resource).map(|(_, n)| *n).sum()
                }
                _ => 1,
            };
            let ending = held_by.iter().filter(|n| self.is_ending(**n));
            let mut given: u32 = ending
                .chain(out.iter().filter(|n| held_by.contains(n)))
                .map(gives)
                .sum();
            let mut victims: Vec<NodeId> = held_by
                .iter()
                .copied()
                .filter(|n| self.may_give_way(plan, *n, priority))
                .collect();
            // the least urgent first, of those the one that has done the least
            victims.sort_by_key(|n| {
                let since = self.nodes[*n].attempt.as_ref().and_then(|a| a.started_ms);
                std::cmp::Reverse((self.rank(plan, *n).0, since, *n))
            });
            for victim in victims
                .into_iter()
                .filter(|n| !out.contains(n))
                .collect::<Vec<_>>()
            {
                if given >= missing {
                    break;
                }
                given += gives(&victim);
                out.insert(victim);
            }
            if given < missing {
                return None;
            }
        }
        Some(out)
    }

    fn is_ending(&self, node: NodeId) -> bool {
        let attempt = self.nodes[node].attempt.as_ref();
        self.nodes[node].is_at_work() && attempt.is_some_and(|a| a.terminating.is_some())
    }

    fn may_give_way(&self, plan: &Plan, node: NodeId, priority: u8) -> bool {
        self.nodes[node].is_at_work()
            && !self.is_ending(node)
            && self.nodes[node].gave_way < GIVES_WAY
            && self.rank(plan, node).0 > priority
            && plan.task(node).is_some_and(|task| task.idempotent)
    }
}

impl Turn<'_> {
    /// The work of an incident stands before all that is less urgent.
    pub(crate) fn rank_incident(&mut self, workflow: WorkflowId, about: &About) {
        let Some(id) = about.situation else { return };
        let found = self.state.preempting(self.plan, id);
        let Some((_, priority)) = found.filter(|(of, _)| *of == workflow) else {
            return;
        };
        for node in self.state.index.nodes_of(workflow).to_vec() {
            if self.plan.task(node).is_some() && self.state.rank(self.plan, node).0 > priority {
                self.rule(RuleFact::Prioritized { node, priority });
            }
        }
    }

    pub(crate) fn preempt(&mut self) -> bool {
        if !self.state.index.preempts || self.state.status != RunStatus::Running {
            return false;
        }
        let open: Vec<SituationId> = self.state.open_incidents.iter().copied().collect();
        for id in open {
            let Some((workflow, priority)) = self.state.preempting(self.plan, id) else {
                continue;
            };
            let ready = |node: &NodeId| self.state.is_ready(self.plan, *node);
            let nodes = self.state.index.nodes_of(workflow).iter().copied();
            let waiting: Vec<NodeId> = nodes.filter(ready).collect();
            for node in waiting {
                let ends = self.state.in_the_way(self.plan, node, priority);
                let ends = ends.filter(|ends| !ends.is_empty());
                if let Some(ends) = ends {
                    for victim in ends {
                        self.rule(RuleFact::Preempted {
                            node: victim,
                            behind: node,
                            situation: id,
                        });
                        self.take_away(victim, Termination::TakenAway);
                    }
                    return true;
                }
            }
        }
        false
    }
}
