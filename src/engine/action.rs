//! What the host does once an event is durable.

use coord_lang::ids::{AgentId, ChannelId, DomainId, GateId, MetricId, NodeId, RecurringId};

use crate::duty::DutyId;
use crate::event::{Event, Fact};
use crate::gate_run::CheckId;
use crate::item::ItemId;
use crate::outcome::Termination;
use crate::rule_fact::RuleFact;
use crate::situation::{About, Of, SituationId};
use crate::state::State;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the task's program. Its `task.assigned` must be durable first.
    Spawn {
        node: NodeId,
        attempt: u32,
        agents: Vec<AgentId>,
    },
    /// Run, or look for, what check `check.check` of `gate` names.
    RunCheck {
        check: CheckId,
        node: NodeId,
        gate: GateId,
    },
    /// Make what the attempt did apart part of what the others build on; what came of it comes
    /// back as an input.
    Land { node: NodeId, attempt: u32 },
    /// End an attempt: politely, then by force. Its end comes back as an input.
    Terminate {
        node: NodeId,
        attempt: u32,
        why: Termination,
    },
    /// End a check whose result no longer matters; its end comes back as an input.
    TerminateCheck { check: CheckId },
    /// Say what the work of a node consists of, if anybody lets it through; it comes back as an
    /// input.
    Look { node: NodeId },
    /// Tell people that an item is open, after a look at what it is about.
    Notify { item: ItemId },
    /// Run the program of a rule's action; its end comes back as an input.
    RunProgram { duty: DutyId },
    /// Run a task's `undo`; its end comes back as an input.
    Undo { node: NodeId },
    /// Put a notice where its channel, or its receivers', is.
    Tell {
        of: Vec<AgentId>,
        via: Option<ChannelId>,
        about: About,
        text: String,
    },
    /// Write the digest of a recurring sync.
    Digest { sync: RecurringId },
    /// Run the program of a metric; its number comes back as an input.
    Measure { metric: MetricId },
    /// Run the health check of an agent; how it went comes back as an input.
    CheckHealth { agent: AgentId },
    /// Write the document of a handoff that was accepted.
    HandOver { situation: SituationId },
    /// Write the record of a decision.
    Record {
        domain: Option<DomainId>,
        by: Option<String>,
        title: String,
        text: String,
    },
}

impl Action {
    pub(crate) fn run_check(state: &State, check: CheckId) -> Action {
        let run = &state.gate_runs[check.gate];
        Action::RunCheck {
            check,
            node: run.node,
            gate: run.gate,
        }
    }
}

/// The effect of a durable event, if it has one. `state` has the event applied.
pub fn action_of(state: &State, event: &Event) -> Option<Action> {
    match &event.fact {
        Fact::Started { node, attempt } => spawn(state, *node, *attempt),
        Fact::GateOpened { node, .. } => Some(Action::Look { node: *node }),
        Fact::Terminating { node, attempt, why } => Some(Action::Terminate {
            node: *node,
            attempt: *attempt,
            why: *why,
        }),
        Fact::Landing { node, attempt } => Some(Action::Land {
            node: *node,
            attempt: *attempt,
        }),
        Fact::CheckStarted { check, .. } => Some(Action::run_check(state, *check)),
        Fact::CheckTerminating { check, .. } => Some(Action::TerminateCheck { check: *check }),
        Fact::ItemOpened { item, .. } => Some(Action::Notify { item: *item }),
        Fact::RunStarted { .. }
        | Fact::RunResumed { .. }
        | Fact::RunStopping { .. }
        | Fact::RunPaused
        | Fact::RunReopened { .. }
        | Fact::RunCompleted
        | Fact::RunFailed { .. }
        | Fact::RunCancelled
        | Fact::PhaseOpened { .. }
        | Fact::PhaseClosed { .. }
        | Fact::SyncOpened { .. }
        | Fact::SyncExpired { .. }
        | Fact::SyncPassed { .. }
        | Fact::MilestoneReached { .. }
        | Fact::JoinPassed { .. }
        | Fact::NeedExpired { .. }
        | Fact::WantExpired { .. }
        | Fact::WindowOpened { .. }
        | Fact::ConditionHeld { .. }
        | Fact::Assigned { .. }
        | Fact::Unassigned { .. }
        | Fact::Spawned { .. }
        | Fact::Unspawned { .. }
        | Fact::Exited { .. }
        | Fact::Interrupted { .. }
        | Fact::InDoubt { .. }
        | Fact::RetryScheduled { .. }
        | Fact::RetryDue { .. }
        | Fact::Review { .. }
        | Fact::Rework { .. }
        | Fact::Landed { .. }
        | Fact::NotLanded { .. }
        | Fact::Completed { .. }
        | Fact::Failed { .. }
        | Fact::Skipped { .. }
        | Fact::Cancelled { .. }
        | Fact::Reopened { .. }
        | Fact::GateRetried { .. }
        | Fact::GatePassed { .. }
        | Fact::GateWarned { .. }
        | Fact::GateHeld { .. }
        | Fact::GateFailed { .. }
        | Fact::CheckInterrupted { .. }
        | Fact::CheckEnded { .. }
        | Fact::ItemAnswered { .. }
        | Fact::ItemExpired { .. }
        | Fact::ItemClosed { .. } => None,
        Fact::Rule(fact) => action_of_rule(state, fact),
    }
}

fn action_of_rule(state: &State, fact: &RuleFact) -> Option<Action> {
    match fact {
        RuleFact::Reassigned { node, .. } => Some(Action::Look { node: *node }),
        RuleFact::ActionStarted { duty, .. } => Some(Action::RunProgram { duty: *duty }),
        RuleFact::UndoStarted { node } => Some(Action::Undo { node: *node }),
        RuleFact::NoticeSent {
            of,
            via,
            about,
            text,
        } => Some(Action::Tell {
            of: of.clone(),
            via: *via,
            about: about.clone(),
            text: text.clone(),
        }),
        RuleFact::HealthAsked { agent } => Some(Action::CheckHealth { agent: *agent }),
        RuleFact::MetricAsked { metric } => {
            let metric = *metric;
            (state.measuring.contains(&metric)).then_some(Action::Measure { metric })
        }
        RuleFact::SituationClosed {
            situation,
            resolution,
        } => {
            let of = state.situation(*situation)?.of;
            let accepted = matches!(of, Of::Handoff(_)) && resolution.how.accepts();
            accepted.then_some(Action::HandOver {
                situation: *situation,
            })
        }
        RuleFact::SyncHeld { sync } => Some(Action::Digest { sync: *sync }),
        RuleFact::DecisionRecorded {
            domain,
            by,
            title,
            text,
        } => Some(Action::Record {
            domain: *domain,
            by: by.clone(),
            title: title.clone(),
            text: text.clone(),
        }),
        _ => None,
    }
}

fn spawn(state: &State, node: NodeId, attempt: u32) -> Option<Action> {
    let current = state.nodes[node].attempt.as_ref()?;
    let spawns = state.index.is_machine(node) && current.number == attempt;
    spawns.then(|| Action::Spawn {
        node,
        attempt,
        agents: current.agents.clone(),
    })
}
