//! What came of one simulated run, and of all of them together.

use super::world::is_person;
use coord_engine::{Ask, Event, Fact, Item, Of, RuleFact, RunStatus, State, Status, Waiting};
use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::rules::Happening;
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Completed,
    Failed,
    Cancelled,
    /// Somebody is asked who never answers, and no limit says what then.
    Unanswered,
    /// It went on for longer than anybody would wait.
    TooLong,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Failed => "failed",
            End::Cancelled => "cancelled",
            End::Unanswered => "unanswered",
            End::TooLong => "too-long",
        }
    }

    pub(super) fn sentence(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Failed => "failed",
            End::Cancelled => "cancelled",
            End::Unanswered => "wait for an answer for ever",
            End::TooLong => "went on for more than three years",
        }
    }
}

/// One run.
pub(super) struct Ran {
    pub(super) end: End,
    pub(super) lasts_ms: i64,
    agents: Vec<Share>,
    fired: BTreeMap<(&'static str, String), u32>,
    waits: Vec<Wait>,
    missed: Vec<NodeId>,
    unanswered: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    busy_ms: i64,
    /// How long ready work waited because every slot was taken.
    waited_for_ms: i64,
}

struct Wait {
    node: NodeId,
    started: bool,
    waited_ms: i64,
}

pub(super) fn end_of(state: &State, too_long: bool) -> End {
    match state.status() {
        RunStatus::Completed => End::Completed,
        RunStatus::Failed => End::Failed,
        RunStatus::Cancelled => End::Cancelled,
        _ if too_long => End::TooLong,
        _ if state.waiting() == Waiting::ForPeople => End::Unanswered,
        _ => End::Failed,
    }
}

pub(super) fn ran(
    plan: &Plan,
    state: &State,
    events: &[Event],
    start_ms: i64,
    cores: u32,
    too_long: bool,
) -> Ran {
    let end_ms = events.last().map_or(start_ms, |event| event.at_ms);
    let end = end_of(state, too_long);
    let waits = waits(plan, state, start_ms, end_ms);
    let asked = state.open_items().filter(|_| end == End::Unanswered);
    Ran {
        end,
        lasts_ms: end_ms - start_ms,
        agents: agents(plan, events, &waits, state, end_ms, cores),
        fired: fired(plan, state, events),
        missed: missed(plan, state, start_ms),
        unanswered: asked
            .map(|(_, item)| asked_for(plan, state, item))
            .collect(),
        waits: waits.into_iter().map(|(wait, _)| wait).collect(),
    }
}

/// What is asked, in words that are the same in every run.
fn asked_for(plan: &Plan, state: &State, item: &Item) -> String {
    let about = item.node.map_or(String::new(), |node| {
        format!(" of {}", plan.nodes[node].name)
    });
    match item.ask {
        Ask::Situation { situation, .. } => {
            let title = state
                .situation(situation)
                .map(|of| state.title(plan, of.of));
            format!("{} of {}", item.ask.name(), title.unwrap_or_default())
        }
        Ask::Confirm { gate, .. }
        | Ask::Approve {
            gate: Some(gate), ..
        } => {
            let gate = state
                .gate_run(gate)
                .map(|run| plan.gates[run.gate].name.as_str());
            format!("{} of gate {}", item.ask.name(), gate.unwrap_or_default())
        }
        _ => format!("{}{about}", item.ask.name()),
    }
}

/// Every task with the time from when everything it needs is there until it starts.
fn waits(plan: &Plan, state: &State, start_ms: i64, end_ms: i64) -> Vec<(Wait, (i64, i64))> {
    let of = |(node, frozen): (NodeId, &coord_plan::plan::Node)| {
        let now = state.node(node);
        let window = frozen.not_before_ms.map_or(start_ms, |ms| start_ms + ms);
        let ready = now.needs_met_ms?.max(window).max(start_ms);
        let never = now.first_started_ms.is_none();
        if never && now.status.ended_well() {
            return None;
        }
        let until = now.first_started_ms.unwrap_or(end_ms).max(ready);
        let wait = Wait {
            node,
            started: !never,
            waited_ms: until - ready,
        };
        Some((wait, (ready, until)))
    };
    let ready: Vec<(Wait, (i64, i64))> = state
        .tasks(plan)
        .filter_map(|(node, frozen, _)| of((node, frozen)))
        .collect();
    let seen: std::collections::BTreeSet<NodeId> = ready.iter().map(|(w, _)| w.node).collect();
    let never = state.tasks(plan).filter(|(node, _, _)| {
        let now = state.node(*node);
        !seen.contains(node) && now.first_started_ms.is_none() && !now.status.ended_well()
    });
    let never = never.map(|(node, _, _)| {
        let wait = Wait {
            node,
            started: false,
            waited_ms: 0,
        };
        (wait, (end_ms, end_ms))
    });
    let never: Vec<_> = never.collect();
    ready.into_iter().chain(never).collect()
}

fn agents(
    plan: &Plan,
    events: &[Event],
    waits: &[(Wait, (i64, i64))],
    state: &State,
    end_ms: i64,
    cores: u32,
) -> Vec<Share> {
    let mut shares = vec![Share::default(); plan.agents.len()];
    let mut loads = vec![(0u32, 0i64); plan.agents.len()];
    let mut full: Vec<Vec<(i64, i64)>> = vec![Vec::new(); plan.agents.len()];
    let mut teams: BTreeMap<NodeId, Vec<AgentId>> = BTreeMap::new();
    let capacity = |agent: AgentId| match plan.agents[agent].capacity {
        0 => cores,
        n => n,
    };
    let mut change = |agent: AgentId, at_ms: i64, up: bool| {
        let (load, since) = &mut loads[agent.index()];
        shares[agent.index()].busy_ms += i64::from((*load).min(capacity(agent))) * (at_ms - *since);
        if *load >= capacity(agent) && at_ms > *since {
            full[agent.index()].push((*since, at_ms));
        }
        *since = at_ms;
        *load = if up {
            *load + 1
        } else {
            load.saturating_sub(1)
        };
    };
    for event in events {
        match &event.fact {
            Fact::Assigned { node, agents, .. } => drop(teams.insert(*node, agents.clone())),
            Fact::Started { node, .. } => {
                for agent in teams.get(node).into_iter().flatten() {
                    change(*agent, event.at_ms, true);
                }
            }
            // the work of people ends with its answer, of which the exit follows at once
            Fact::Exited { node, .. } | Fact::Interrupted { node, .. } => {
                for agent in teams.remove(node).into_iter().flatten() {
                    change(agent, event.at_ms, false);
                }
            }
            _ => {}
        }
    }
    plan.agents
        .ids()
        .for_each(|agent| change(agent, end_ms, false));
    let mut wanted: Vec<Vec<(i64, i64)>> = vec![Vec::new(); plan.agents.len()];
    for (wait, span) in waits.iter().filter(|(_, span)| span.1 > span.0) {
        let done = state.node(wait.node).attempt.as_ref();
        let by = plan.task(wait.node).map(|task| task.by.agents());
        let asked = done.map(|a| a.agents.as_slice()).or(by).unwrap_or_default();
        for agent in asked {
            wanted[agent.index()].push(*span);
        }
    }
    for (agent, share) in shares.iter_mut().enumerate() {
        share.waited_for_ms = common(&united(&mut wanted[agent]), &full[agent]);
    }
    shares
}

fn united(spans: &mut [(i64, i64)]) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans.iter().copied() {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

/// How long two rows of spans, each in order and apart, have in common.
fn common(a: &[(i64, i64)], b: &[(i64, i64)]) -> i64 {
    let (mut i, mut j, mut sum) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        sum += (x.1.min(y.1) - x.0.max(y.0)).max(0);
        if x.1 < y.1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    sum
}

fn fired(plan: &Plan, state: &State, events: &[Event]) -> BTreeMap<(&'static str, String), u32> {
    let mut fired = BTreeMap::new();
    let mut count = |kind, what| *fired.entry((kind, what)).or_insert(0) += 1;
    for event in events {
        match &event.fact {
            Fact::Rule(RuleFact::SituationOpened { of, .. }) => {
                let kind = match of {
                    Of::Escalation(_) => "ladder",
                    Of::Conflict(_) => "conflict",
                    Of::Incident(_) => "incident",
                    Of::Handoff(_) => "handoff",
                };
                count(kind, state.title(plan, *of));
            }
            Fact::Rule(RuleFact::ReactionFired { reaction, .. }) => {
                if let Some(rule) = plan.rules.reactions.get(*reaction as usize) {
                    count("reaction", happening(plan, &rule.on));
                }
            }
            Fact::GateFailed { run, .. } => {
                if let Some(run) = state.gate_run(*run) {
                    count("gate failed", plan.gates[run.gate].name.clone());
                }
            }
            Fact::Rule(RuleFact::ModeEntered { mode, .. }) => {
                count("mode", plan.rules.modes[*mode].name.clone());
            }
            _ => {}
        }
    }
    fired
}

/// What a reaction is about, as it is written.
pub(crate) fn happening(plan: &Plan, on: &Happening) -> String {
    let node = |id: &Option<NodeId>| id.map(|id| plan.nodes[id].name.clone());
    let agent = |id: &Option<AgentId>| id.map(|id| plan.agents[id].name.clone());
    let rules = &plan.rules;
    let (word, of) = match on {
        Happening::TaskFailed(id) => ("task.failed", node(id)),
        Happening::TaskBlocked(id) => ("task.blocked", node(id)),
        Happening::TaskLate(id) => ("task.late", node(id)),
        Happening::TaskStalled(id) => ("task.stalled", node(id)),
        Happening::TaskCompleted(id) => ("task.completed", node(id)),
        Happening::AgentFailed(id) => ("agent.failed", agent(id)),
        Happening::AgentBlocked(id) => ("agent.blocked", agent(id)),
        Happening::ConflictOpen(id) => (
            "conflict.open",
            id.map(|id| rules.conflicts[id].kind.clone()),
        ),
        Happening::GateFailed(id) => ("gate.failed", id.map(|id| plan.gates[id].name.clone())),
        Happening::ApprovalWaiting => ("approval.waiting", None),
        Happening::IncidentOpen(id) => (
            "incident.open",
            id.map(|id| rules.incidents[id].name.clone()),
        ),
        Happening::ResourceExhausted(id) => (
            "resource.exhausted",
            id.map(|id| plan.resources[id].name.clone()),
        ),
        Happening::EscalationOpen(id) => (
            "escalation.open",
            id.map(|id| rules.escalations[id].name.clone()),
        ),
        Happening::RunStarted => ("run.started", None),
        Happening::RunFinished => ("run.finished", None),
        Happening::ChangeMade(_) => ("change.made", None),
        Happening::Metric { metric, .. } => ("metric", Some(rules.metrics[*metric].name.clone())),
    };
    of.map_or(word.to_string(), |of| format!("{word} {of}"))
}

fn missed(plan: &Plan, state: &State, start_ms: i64) -> Vec<NodeId> {
    let due = |kind: &NodeKind| match kind {
        NodeKind::Task(task) => task.deadline_ms,
        NodeKind::Milestone(milestone) => milestone.due_ms,
        NodeKind::Sync(_) | NodeKind::Join => None,
    };
    let late = plan.nodes.iter().filter(|(id, node)| {
        let now = state.node(*id);
        let ended = now.ended_ms.filter(|_| now.status.ended_well());
        let skipped = now.status == Status::Skipped;
        due(&node.kind).is_some_and(|due| {
            !skipped && !state.sleeps(plan, *id) && ended.is_none_or(|at| at > start_ms + due)
        })
    });
    late.map(|(id, _)| id).collect()
}

/// All runs together.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) runs: usize,
    /// How long those lasted that completed, in order; where none did, those that ended.
    pub(super) lasts_ms: Vec<i64>,
    pub(super) completes: bool,
    pub(super) ends: BTreeMap<End, usize>,
    pub(super) agents: Vec<AgentTally>,
    pub(super) fired: BTreeMap<(&'static str, String), FiredTally>,
    pub(super) starved: Vec<Starved>,
    pub(super) missed: Vec<(NodeId, usize)>,
    pub(super) unanswered: Vec<(String, usize)>,
}

pub(super) struct AgentTally {
    pub(super) agent: AgentId,
    /// Of what it could do, in the mean.
    pub(super) load: f64,
    /// The part of the time in which ready work waited for it, in the mean.
    pub(super) waited_for: f64,
    pub(super) person: bool,
}

#[derive(Default)]
pub(super) struct FiredTally {
    pub(super) runs: usize,
    pub(super) times: u64,
}

pub(super) struct Starved {
    pub(super) node: NodeId,
    /// Runs in which it never started.
    pub(super) never: usize,
    pub(super) mean_wait_ms: i64,
}

pub(super) fn tally(plan: &Plan, ran: &[Ran], cores: u32) -> Tally {
    let mut all = Tally {
        runs: ran.len(),
        completes: ran.iter().any(|run| run.end == End::Completed),
        ..Tally::default()
    };
    let mut waits: BTreeMap<NodeId, (usize, i64, i64)> = BTreeMap::new();
    let mut missed: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut unanswered: BTreeMap<String, usize> = BTreeMap::new();
    for run in ran {
        *all.ends.entry(run.end).or_insert(0) += 1;
        let ended = !matches!(run.end, End::Unanswered | End::TooLong);
        if run.end == End::Completed || (ended && !all.completes) {
            all.lasts_ms.push(run.lasts_ms);
        }
        for ((kind, what), times) in &run.fired {
            let of = all.fired.entry((kind, what.clone())).or_default();
            of.runs += 1;
            of.times += u64::from(*times);
        }
        for wait in &run.waits {
            let of = waits.entry(wait.node).or_insert((0, 0, 0));
            of.0 += usize::from(!wait.started);
            of.1 += wait.waited_ms;
            of.2 += 1;
        }
        for node in &run.missed {
            *missed.entry(*node).or_insert(0) += 1;
        }
        let mut asked = run.unanswered.clone();
        asked.sort();
        asked.dedup();
        for what in asked {
            *unanswered.entry(what).or_insert(0) += 1;
        }
    }
    all.lasts_ms.sort_unstable();
    all.agents = all_agents(plan, ran, cores);
    all.starved = (waits.into_iter())
        .map(|(node, (never, sum, seen))| Starved {
            node,
            never,
            mean_wait_ms: sum / seen.max(1),
        })
        .filter(|of| of.never > 0 || of.mean_wait_ms > 0)
        .collect();
    (all.starved).sort_by_key(|of| (usize::MAX - of.never, -of.mean_wait_ms, of.node));
    all.missed = missed.into_iter().collect();
    all.missed
        .sort_by_key(|(node, times)| (usize::MAX - times, *node));
    all.unanswered = unanswered.into_iter().collect();
    all.unanswered.sort_by_key(|(_, times)| usize::MAX - times);
    all
}

fn all_agents(plan: &Plan, ran: &[Ran], cores: u32) -> Vec<AgentTally> {
    let timed = || ran.iter().filter(|run| run.lasts_ms > 0);
    let runs = timed().count().max(1) as f64;
    let of = |agent: AgentId| {
        let capacity = match plan.agents[agent].capacity {
            0 => cores,
            n => n,
        };
        let part = |ms: i64, run: &Ran| ms as f64 / run.lasts_ms as f64;
        let share = |run: &Ran| run.agents[agent.index()];
        let busy: f64 = timed().map(|run| part(share(run).busy_ms, run)).sum();
        let waited: f64 = timed().map(|run| part(share(run).waited_for_ms, run)).sum();
        AgentTally {
            agent,
            load: busy / runs / f64::from(capacity),
            waited_for: waited / runs,
            person: is_person(plan, agent),
        }
    };
    let mut agents: Vec<AgentTally> = plan.agents.ids().map(of).collect();
    agents.retain(|of| of.load > 0.0 || of.waited_for > 0.0);
    agents.sort_by(|a, b| {
        let first = b.waited_for.total_cmp(&a.waited_for);
        first
            .then(b.load.total_cmp(&a.load))
            .then(a.agent.cmp(&b.agent))
    });
    agents
}

/// The length that so many of a hundred runs do not exceed.
pub(super) fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}
