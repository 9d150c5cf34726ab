//! The world of a scenario: everything goes well but for what is given.

use coord_engine::simulation::{Deed, Finding, Reply, World};
use coord_engine::{Ask, CheckId, DutyId, Item, ItemId, Of, Outcome, Part, State, Verdict};
use coord_lang::ids::{AgentId, GateId, HandoffId, NodeId};
use coord_lang::model::{Given, Resolution};
use coord_plan::plan::{Driver, Estimate, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// How long somebody takes to answer, where nothing else is given.
const ANSWER_MS: i64 = 60_000;

/// How long a program of a rule takes.
const ACTION_MS: i64 = 5 * 60_000;

/// So many times; None: every time.
type Times = Option<u32>;

pub(super) struct Script {
    fails: BTreeMap<NodeId, Times>,
    takes: BTreeMap<NodeId, i64>,
    outputs: BTreeMap<NodeId, BTreeMap<String, String>>,
    silent: BTreeSet<AgentId>,
    answers: BTreeMap<AgentId, (Option<Resolution>, i64)>,
    rejects: BTreeMap<AgentId, Times>,
    gates: BTreeMap<GateId, Times>,
    refused: BTreeMap<HandoffId, Times>,
    recovery_fails: bool,
    /// Since when agents are ill, and since when they are well again.
    ill: BTreeMap<AgentId, i64>,
    well: BTreeMap<AgentId, i64>,
    /// Whose illness a check has found.
    told: BTreeSet<AgentId>,
}

impl Script {
    pub(super) fn new<'g>(givens: impl Iterator<Item = &'g Given>) -> Self {
        let mut script = Script {
            fails: BTreeMap::new(),
            takes: BTreeMap::new(),
            outputs: BTreeMap::new(),
            silent: BTreeSet::new(),
            answers: BTreeMap::new(),
            rejects: BTreeMap::new(),
            gates: BTreeMap::new(),
            refused: BTreeMap::new(),
            recovery_fails: false,
            ill: BTreeMap::new(),
            well: BTreeMap::new(),
            told: BTreeSet::new(),
        };
        givens.for_each(|given| script.take(given));
        script
    }

    fn take(&mut self, given: &Given) {
        match given {
            Given::TaskFails { task, times } => {
                self.fails.insert(Plan::task_node(*task), *times);
            }
            Given::TaskTakes { task, ms } => {
                self.takes.insert(Plan::task_node(*task), *ms);
            }
            Given::TaskOutputs { task, name, value } => {
                let of = self.outputs.entry(Plan::task_node(*task)).or_default();
                of.insert(name.clone(), value.clone());
            }
            Given::Silent(agents) => self.silent.extend(agents),
            Given::Answers {
                agents,
                with,
                after_ms,
            } => {
                for agent in agents {
                    self.silent.remove(agent);
                    self.answers.insert(*agent, (*with, *after_ms));
                }
            }
            Given::Rejects { agents, times } => {
                self.rejects
                    .extend(agents.iter().map(|agent| (*agent, *times)));
            }
            Given::GateFails { gate, times } => {
                self.gates.insert(*gate, *times);
            }
            Given::HandoffRefused { handoff, times } => {
                self.refused.insert(*handoff, *times);
            }
            Given::AgentFails { agent, at_ms } => {
                self.ill.insert(*agent, *at_ms);
            }
            Given::AgentRecovers { agent, at_ms } => {
                self.well.insert(*agent, *at_ms);
            }
            Given::RecoveryFails => self.recovery_fails = true,
            // these happen at their time
            Given::Halts { .. }
            | Given::Escalation { .. }
            | Given::Conflict { .. }
            | Given::Incident { .. }
            | Given::Metric { .. }
            | Given::ResourceGone { .. }
            | Given::Mode { .. }
            | Given::Set { .. }
            | Given::Crash { .. } => {}
        }
    }

    /// As long as it is likely to take, by the calendar where that is working time.
    fn duration(&self, plan: &Plan, state: &State, node: NodeId) -> i64 {
        if let Some(ms) = self.takes.get(&node) {
            return *ms;
        }
        let estimate = plan.task(node).and_then(|task| task.estimate);
        let Some(Estimate { likely, .. }) = estimate else {
            return 0;
        };
        state.elapsed(plan, likely)
    }

    /// Who of those who may answer does, as many as are needed.
    fn voices(&self, plan: &Plan, state: &State, item: &Item) -> Vec<Option<AgentId>> {
        let does = |agent: &AgentId| {
            let attempt = item.node.and_then(|node| state.node(node).attempt.as_ref());
            matches!(item.ask, Ask::Approve { .. })
                && attempt.is_some_and(|attempt| attempt.agents.contains(agent))
        };
        if item.of.is_empty() {
            let all_silent = plan.agents.ids().all(|a| self.silent.contains(&a));
            let nobody = all_silent && !self.silent.is_empty();
            return if nobody { Vec::new() } else { vec![None] };
        }
        let mut voices: Vec<AgentId> = item
            .of
            .iter()
            .copied()
            .filter(|agent| !self.silent.contains(agent) && !does(agent))
            .collect();
        voices.sort_by_key(|agent| self.answers.get(agent).map_or(ANSWER_MS, |a| a.1));
        voices.truncate(item.quorum.max(1) as usize);
        voices.into_iter().map(Some).collect()
    }

    fn verdict(&mut self, state: &State, item: &Item, by: Option<AgentId>) -> Verdict {
        let resolution = by
            .and_then(|agent| self.answers.get(&agent))
            .and_then(|a| a.0);
        match item.ask {
            Ask::Work => {
                let fails = item.node.is_some_and(|node| once(&mut self.fails, node));
                if fails {
                    Verdict::Reject
                } else {
                    Verdict::Done
                }
            }
            Ask::Doubt | Ask::Undo => Verdict::Retry,
            Ask::Report { .. } | Ask::Budget { .. } => Verdict::Done,
            Ask::Confirm { gate, .. }
            | Ask::Approve {
                gate: Some(gate), ..
            } => {
                let gate = state.gate_run(gate).map(|run| run.gate);
                let fails = gate.is_some_and(|gate| once(&mut self.gates, gate));
                let rejects = by.is_some_and(|agent| once(&mut self.rejects, agent));
                if fails || rejects {
                    Verdict::Reject
                } else {
                    Verdict::Approve
                }
            }
            Ask::Approve { gate: None, .. } | Ask::Require { .. } => {
                match by.is_some_and(|agent| once(&mut self.rejects, agent)) {
                    true => Verdict::Reject,
                    false => Verdict::Approve,
                }
            }
            Ask::Situation { situation, part } => match part {
                Part::Level(_) | Part::Decide => match resolution {
                    Some(Resolution::Retry) => Verdict::Retry,
                    Some(Resolution::Skip) => Verdict::Skip,
                    Some(Resolution::Reassign) => Verdict::Reassign,
                    Some(Resolution::Abort) => Verdict::Abort,
                    Some(Resolution::Accept) => Verdict::Accept,
                    None => Verdict::Done,
                },
                Part::Accept => {
                    let of = state.situation(situation).map(|s| s.of);
                    let refused = match of {
                        Some(Of::Handoff(id)) => once(&mut self.refused, id),
                        _ => false,
                    };
                    if refused {
                        Verdict::Reject
                    } else {
                        Verdict::Accept
                    }
                }
                Part::View | Part::Respond | Part::Confirm(_) | Part::Give(_) => Verdict::Done,
            },
        }
    }
}

/// True when `what` still happens once more; counts it.
fn once<K: Ord>(left: &mut BTreeMap<K, Times>, what: K) -> bool {
    match left.get_mut(&what) {
        None | Some(Some(0)) => false,
        Some(None) => true,
        Some(Some(times)) => {
            *times -= 1;
            true
        }
    }
}

impl World for Script {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let takes_ms = self.duration(plan, state, node);
        // whoever is reached over a driver may be silent, and turn work down, as people may
        let attempt = state.node(node).attempt.as_ref();
        let driven: Vec<AgentId> = attempt
            .iter()
            .flat_map(|attempt| attempt.agents.iter().copied())
            .filter(|agent| !matches!(plan.agents[*agent].driver, Driver::Shell | Driver::Human))
            .collect();
        if driven.iter().any(|agent| self.silent.contains(agent)) {
            return None;
        }
        let rejects = driven.iter().any(|agent| once(&mut self.rejects, *agent));
        let fails = once(&mut self.fails, node) || rejects;
        let outcome = if fails {
            Outcome::Exit(1)
        } else {
            Outcome::Exit(0)
        };
        let mut outputs = self.outputs.get(&node).cloned().unwrap_or_default();
        if fails {
            outputs.clear();
        }
        Some(Deed {
            takes_ms,
            outcome,
            outputs,
        })
    }

    fn check(&mut self, _: &Plan, state: &State, check: CheckId) -> Finding {
        let gate = state.gate_run(check.gate).map(|run| run.gate);
        let fails = gate.is_some_and(|gate| once(&mut self.gates, gate));
        Finding {
            takes_ms: 0,
            passed: !fails,
            evidence: if fails {
                "as given".into()
            } else {
                String::new()
            },
        }
    }

    /// As given; what recovered it is not undone by the next check.
    fn health(&mut self, _: &Plan, state: &State, agent: AgentId) -> Finding {
        let now = state.now_ms() - state.started_ms().unwrap_or(0);
        let since = self.ill.get(&agent).filter(|at| **at <= now).copied();
        let over = self.well.get(&agent).is_some_and(|at| *at <= now);
        let known = state.agent(agent).failed_since_ms.is_some();
        let ill = since.is_some() && !over && (known || self.told.insert(agent));
        Finding {
            takes_ms: 0,
            passed: !ill,
            evidence: if ill {
                "as given".into()
            } else {
                String::new()
            },
        }
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let Some(of) = state.item(item).cloned() else {
            return Vec::new();
        };
        let voices = self.voices(plan, state, &of);
        let work = matches!(of.ask, Ask::Work);
        let takes = of
            .node
            .filter(|_| work)
            .map(|node| self.duration(plan, state, node));
        let reply = |by: Option<AgentId>| {
            let given = by.and_then(|agent| self.answers.get(&agent)).map(|a| a.1);
            Reply {
                after_ms: given.or(takes).unwrap_or(ANSWER_MS),
                verdict: self.verdict(state, &of, by),
                by: by.map(|agent| plan.agents[agent].name.clone()),
                to: None,
                note: "as given".to_string(),
            }
        };
        voices.into_iter().map(reply).collect()
    }

    fn action(&mut self, _: &Plan, _: &State, _: DutyId) -> Finding {
        Finding {
            takes_ms: ACTION_MS,
            passed: !self.recovery_fails,
            evidence: String::new(),
        }
    }
}
