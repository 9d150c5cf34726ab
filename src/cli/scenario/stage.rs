//! Plays one scenario in virtual time.

use super::super::virtual_time::{self, LONGEST_MS, STEPS};
use super::world::Script;
use coord_engine::simulation::Simulation;
use coord_engine::{About, Event, Input, Of, Options, State, Status};
use coord_lang::ids::{MilestoneId, NodeId, PhaseId, SyncId};
use coord_lang::model::{Given, Model, Observed, Scenario, When, WorkRef};
use coord_lang::time::DAY_MS;
use coord_plan::plan::Plan;
use std::collections::BTreeMap;

/// What came of a scenario.
pub(super) struct Played {
    pub(super) plan: Plan,
    pub(super) events: Vec<Event>,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) state: State,
    /// Since when a node was first seen waiting for what had failed.
    pub(super) blocked: BTreeMap<NodeId, i64>,
    /// What was given and refused.
    pub(super) refused: Vec<String>,
}

pub(super) fn play(plan: &Plan, scenario: &Scenario) -> Played {
    let start_ms = virtual_time::start_ms(plan);
    let givens = || scenario.givens.iter().map(|given| &given.value);
    let mut cues: Vec<(i64, Input)> = givens().filter_map(|given| cue(plan, given)).collect();
    cues.sort_by_key(|(at, _)| *at);
    // whatever is given happens in the run, also when its work is done by then
    let last = cues.iter().map(|(at, _)| start_ms + at).max();
    let options = Options {
        stay_until_ms: last.map(|at| at + 1),
        ..virtual_time::options(plan)
    };
    let script = || Script::new(givens());
    let mut crashes: Vec<i64> = givens()
        .filter_map(|given| match given {
            Given::Crash { at_ms } => Some(start_ms + at_ms),
            _ => None,
        })
        .collect();
    crashes.sort_unstable();

    let mut simulation = Simulation::new(plan, script(), start_ms);
    let mut refused = Vec::new();
    if let Err(refusal) = simulation.start("scenario", options) {
        refused.push(refusal.to_string());
    }
    for (at, input) in &cues {
        simulation.give_at(start_ms + at, input.clone());
    }
    let until = start_ms + horizon(scenario);
    let mut blocked = BTreeMap::new();
    for _ in 0..STEPS {
        note_blocked(plan, simulation.state(), &mut blocked);
        if simulation.state().status().is_ended() {
            break;
        }
        let Some(next) = simulation.next_ms() else {
            break;
        };
        let idle = simulation.next_of_work_ms().is_none();
        if next > start_ms + LONGEST_MS || (idle && next > until) {
            break;
        }
        if let Some(at) = crashes.first().copied().filter(|at| *at <= next) {
            crashes.remove(0);
            let world = script();
            let events = simulation.events().to_vec();
            let resumed = Simulation::recover(plan, world, &events, at, Vec::new());
            match resumed {
                Ok(again) => simulation = again,
                Err(illegal) => {
                    refused.push(illegal.to_string());
                    break;
                }
            }
            for (when, input) in cues.iter().filter(|(when, _)| start_ms + when > at) {
                simulation.give_at(start_ms + when, input.clone());
            }
            continue;
        }
        simulation.advance();
    }
    refused.extend(simulation.refusals().iter().map(ToString::to_string));
    Played {
        plan: plan.clone(),
        events: simulation.events().to_vec(),
        start_ms,
        end_ms: simulation.now_ms(),
        state: simulation.state().clone(),
        blocked,
        refused,
    }
}

/// How long to wait for what comes again and again, once nothing else moves.
fn horizon(scenario: &Scenario) -> i64 {
    let mut until = DAY_MS;
    for expect in &scenario.expects {
        let expect = &expect.value;
        until = until.max(match expect.when {
            When::At(ms) | When::Before(ms) | When::After(ms) | When::Within(ms) => ms + 1,
            When::Ever => match expect.what {
                // once a month at the least
                Observed::Digest(_) => 62 * DAY_MS,
                _ => 0,
            },
        });
    }
    until
}

fn note_blocked(plan: &Plan, state: &State, blocked: &mut BTreeMap<NodeId, i64>) {
    if state.failed() == 0 {
        return;
    }
    for (id, _, _) in state.tasks(plan) {
        if state.node(id).status == Status::Created
            && !blocked.contains_key(&id)
            && !state.failed_before(plan, id).is_empty()
        {
            blocked.insert(id, state.now_ms());
        }
    }
}

fn is_checked(plan: &Plan, agent: coord_lang::ids::AgentId) -> bool {
    let profile = plan.agents[agent].profile.as_ref();
    profile.is_some_and(|profile| profile.health.is_some())
}

/// What happens at a time of its own.
fn cue(plan: &Plan, given: &Given) -> Option<(i64, Input)> {
    let raise = |of: Of, agents: &[coord_lang::ids::AgentId], by: Option<String>| Input::Raise {
        of,
        about: About {
            agents: agents.to_vec(),
            ..About::default()
        },
        by,
        note: "as given".to_string(),
    };
    let name = |agent: coord_lang::ids::AgentId| plan.agents[agent].name.clone();
    Some(match given {
        Given::Halts {
            agents,
            domain,
            at_ms,
        } => (
            *at_ms,
            Input::HaltDomain {
                domain: *domain,
                by: agents.first().map(|agent| name(*agent)),
                reason: "as given".to_string(),
            },
        ),
        // its check finds it
        Given::AgentFails { agent, .. } | Given::AgentRecovers { agent, .. }
            if is_checked(plan, *agent) =>
        {
            return None;
        }
        Given::AgentFails { agent, at_ms } => (
            *at_ms,
            Input::AgentFailed {
                agent: *agent,
                why: "as given".to_string(),
            },
        ),
        Given::AgentRecovers { agent, at_ms } => (*at_ms, Input::AgentBack { agent: *agent }),
        Given::Escalation { escalation, at_ms } => {
            (*at_ms, raise(Of::Escalation(*escalation), &[], None))
        }
        Given::Conflict {
            kind,
            at_ms,
            between,
        } => (*at_ms, raise(Of::Conflict(*kind), between, None)),
        Given::Incident {
            incident,
            at_ms,
            by,
        } => {
            let declares = plan.rules.incidents[*incident].declare.as_ref();
            let first = declares.and_then(|party| party.agents.first().copied());
            let by = by.or(first).map(name);
            (*at_ms, raise(Of::Incident(*incident), &[], by))
        }
        Given::Metric {
            metric,
            value,
            at_ms,
        } => (
            *at_ms,
            Input::Measured {
                metric: *metric,
                value: value.clone(),
                by: None,
            },
        ),
        Given::ResourceGone { resource, at_ms } => (
            *at_ms,
            Input::ResourceExhausted {
                resource: *resource,
            },
        ),
        Given::Mode {
            mode,
            entered: true,
            at_ms,
        } => (
            *at_ms,
            Input::EnterMode {
                mode: *mode,
                by: None,
                because: "as given".to_string(),
            },
        ),
        Given::Mode {
            mode,
            entered: false,
            at_ms,
        } => (
            *at_ms,
            Input::LeaveMode {
                mode: *mode,
                by: None,
            },
        ),
        _ => return None,
    })
}

/// The node that stands for a piece of work.
pub(super) fn node(model: &Model, plan: &Plan, work: WorkRef) -> Option<NodeId> {
    let sync = |id: SyncId| plan.find(&model.syncs[id].name.value);
    let milestone = |id: MilestoneId| plan.find(&model.milestones[id].name.value);
    let phase = |id: PhaseId| plan.phases.get(id).map(|phase| phase.end);
    match work {
        WorkRef::Task(id) => Some(Plan::task_node(id)),
        WorkRef::Sync(id) => sync(id),
        WorkRef::Milestone(id) => milestone(id),
        WorkRef::Phase(id) => phase(id),
    }
}
