//! What a reaction reacts to: an event, or something that lasts.

use coord_lang::ids::{AgentId, Id, MetricId, NodeId, ResourceId};
use coord_plan::plan::Plan;
use coord_plan::rules::Happening;
use serde::{Deserialize, Serialize};

use crate::gate_run::GateRunId;
use crate::item::ItemId;
use crate::situation::{About, Of, SituationId};
use crate::state::State;

/// The thing that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    Node(NodeId),
    Agent(AgentId),
    Situation(SituationId),
    Item(ItemId),
    Gate(GateRunId),
    Resource(ResourceId),
    Metric(MetricId),
    Run,
}

/// The events of the language, without their filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    TaskFailed,
    TaskBlocked,
    TaskLate,
    TaskStalled,
    TaskCompleted,
    AgentFailed,
    AgentBlocked,
    ConflictOpen,
    GateFailed,
    ApprovalWaiting,
    IncidentOpen,
    ResourceExhausted,
    EscalationOpen,
    RunStarted,
    RunFinished,
    ChangeMade,
    Metric,
}

pub(crate) fn kind(on: &Happening) -> Kind {
    match on {
        Happening::TaskFailed(_) => Kind::TaskFailed,
        Happening::TaskBlocked(_) => Kind::TaskBlocked,
        Happening::TaskLate(_) => Kind::TaskLate,
        Happening::TaskStalled(_) => Kind::TaskStalled,
        Happening::TaskCompleted(_) => Kind::TaskCompleted,
        Happening::AgentFailed(_) => Kind::AgentFailed,
        Happening::AgentBlocked(_) => Kind::AgentBlocked,
        Happening::ConflictOpen(_) => Kind::ConflictOpen,
        Happening::GateFailed(_) => Kind::GateFailed,
        Happening::ApprovalWaiting => Kind::ApprovalWaiting,
        Happening::IncidentOpen(_) => Kind::IncidentOpen,
        Happening::ResourceExhausted(_) => Kind::ResourceExhausted,
        Happening::EscalationOpen(_) => Kind::EscalationOpen,
        Happening::RunStarted => Kind::RunStarted,
        Happening::RunFinished => Kind::RunFinished,
        Happening::ChangeMade(_) => Kind::ChangeMade,
        Happening::Metric { .. } => Kind::Metric,
    }
}

impl State {
    /// True when the filter of a reaction lets `on` through.
    pub(crate) fn concerns(&self, happening: &Happening, on: Occasion) -> bool {
        let open_of = |wanted: Of| match on {
            Occasion::Situation(id) => self.situations.get(id).is_some_and(|s| s.of == wanted),
            _ => false,
        };
        match happening {
            Happening::TaskFailed(of)
            | Happening::TaskBlocked(of)
            | Happening::TaskLate(of)
            | Happening::TaskStalled(of)
            | Happening::TaskCompleted(of) => of.is_none_or(|wanted| on == Occasion::Node(wanted)),
            Happening::AgentFailed(of) | Happening::AgentBlocked(of) => {
                of.is_none_or(|wanted| on == Occasion::Agent(wanted))
            }
            Happening::ConflictOpen(of) => of.is_none_or(|id| open_of(Of::Conflict(id))),
            Happening::IncidentOpen(of) => of.is_none_or(|id| open_of(Of::Incident(id))),
            Happening::EscalationOpen(of) => of.is_none_or(|id| open_of(Of::Escalation(id))),
            Happening::GateFailed(of) => of.is_none_or(|wanted| match on {
                Occasion::Gate(run) => self.gate_runs.get(run).is_some_and(|r| r.gate == wanted),
                _ => false,
            }),
            Happening::ResourceExhausted(of) => {
                of.is_none_or(|wanted| on == Occasion::Resource(wanted))
            }
            Happening::Metric { metric, .. } => on == Occasion::Metric(*metric),
            Happening::ChangeMade(_)
            | Happening::ApprovalWaiting
            | Happening::RunStarted
            | Happening::RunFinished => true,
        }
    }

    /// What the actions of a reaction to `on` are about.
    pub(crate) fn about(&self, plan: &Plan, on: Occasion) -> About {
        match on {
            Occasion::Node(node) => About {
                node: Some(node),
                agents: self.doers(plan, node).to_vec(),
                ..About::default()
            },
            Occasion::Agent(agent) => About {
                agents: vec![agent],
                ..About::default()
            },
            Occasion::Situation(id) => {
                let mut about = self.situations[id].about.clone();
                about.situation = Some(id);
                about.pending = None;
                about
            }
            Occasion::Item(item) => {
                let node = self.items[item].node;
                About {
                    node,
                    agents: node.map_or(Vec::new(), |node| self.doers(plan, node).to_vec()),
                    ..About::default()
                }
            }
            Occasion::Gate(run) => {
                let gate = &self.gate_runs[run];
                About {
                    node: Some(gate.node),
                    gate: Some(gate.gate),
                    agents: self.doers(plan, gate.node).to_vec(),
                    ..About::default()
                }
            }
            Occasion::Resource(resource) => About {
                resource: Some(resource),
                ..About::default()
            },
            Occasion::Metric(metric) => About {
                metric: Some(metric),
                ..About::default()
            },
            Occasion::Run => About::default(),
        }
    }

    /// True when there is such a thing: a journal is not trusted.
    pub(crate) fn there_is(&self, on: Occasion) -> bool {
        match on {
            Occasion::Node(node) => self.has(node),
            Occasion::Agent(agent) => agent.index() < self.agents.len(),
            Occasion::Situation(id) => self.situations.get(id).is_some(),
            Occasion::Item(item) => self.items.get(item).is_some(),
            Occasion::Gate(run) => self.gate_runs.get(run).is_some(),
            Occasion::Resource(resource) => resource.index() < self.resources.len(),
            Occasion::Metric(_) | Occasion::Run => true,
        }
    }
}
