//! Holds what happened against what a scenario expects.

use super::stage::{Played, node};
use coord_engine::{Ask, Fact, How, ItemId, Of, RuleFact, SituationId, Status, Stopping};
use coord_lang::ids::{AgentId, NodeId};
use coord_lang::model::{
    Becomes, Model, Observed, Outcome, RunEnd, Situation, SituationStep, When,
};

/// One expectation that did not come true.
pub(super) struct Miss {
    pub(super) span: coord_lang::source::Span,
    pub(super) seen: String,
}

/// When something happened, from the start of the run, and since when it could have.
#[derive(Clone, Copy)]
struct Seen {
    at_ms: i64,
    opened_ms: i64,
}

pub(super) fn judge(
    model: &Model,
    played: &Played,
    expects: &[coord_lang::source::Spanned<Outcome>],
) -> Vec<Miss> {
    let judge = Judge { model, played };
    expects
        .iter()
        .filter_map(|expect| {
            let seen = judge.miss(&expect.value)?;
            Some(Miss {
                span: expect.span,
                seen,
            })
        })
        .collect()
}

struct Judge<'a> {
    model: &'a Model,
    played: &'a Played,
}

impl Judge<'_> {
    /// What was seen instead; None when the expectation holds.
    fn miss(&self, expect: &Outcome) -> Option<String> {
        let seen = match &expect.what {
            Observed::Order { first, then } => return self.order(expect, *first, *then),
            what => self.seen(what),
        };
        let fits = |seen: &Seen| match expect.when {
            When::Ever => true,
            When::At(ms) => (seen.at_ms - ms).abs() < 1_000,
            When::Before(ms) => seen.at_ms < ms,
            When::After(ms) => seen.at_ms >= ms,
            When::Within(ms) => seen.at_ms - seen.opened_ms <= ms,
        };
        let holds = match (expect.negated, expect.when) {
            (true, _) => !seen.iter().any(fits),
            // nothing of it before that time
            (false, When::After(_)) => !seen.is_empty() && seen.iter().all(fits),
            (false, _) => seen.iter().any(fits),
        };
        if holds {
            return None;
        }
        Some(match seen.as_slice() {
            [] => format!("it never happened in {}", span(self.end())),
            [one] => format!("it happened at {}", span(one.at_ms)),
            many => {
                let times: Vec<String> = many.iter().take(5).map(|s| span(s.at_ms)).collect();
                format!("it happened at {}", times.join(", "))
            }
        })
    }

    fn end(&self) -> i64 {
        self.played.end_ms - self.played.start_ms
    }

    fn order(
        &self,
        expect: &Outcome,
        first: coord_lang::model::WorkRef,
        then: coord_lang::model::WorkRef,
    ) -> Option<String> {
        let position = |work| {
            let node = node(self.model, &self.played.plan, work)?;
            let starts = |fact: &Fact| begins(fact, node);
            self.played.events.iter().position(|e| starts(&e.fact))
        };
        let (one, other) = (position(first), position(then));
        let before = match (one, other) {
            (Some(one), Some(other)) => one < other,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if before != expect.negated {
            return None;
        }
        let at = |position: Option<usize>| {
            position.map_or_else(
                || "never".to_string(),
                |i| span(self.played.events[i].at_ms - self.played.start_ms),
            )
        };
        Some(format!(
            "the one began at {}, the other at {}",
            at(one),
            at(other)
        ))
    }

    fn seen(&self, what: &Observed) -> Vec<Seen> {
        match what {
            Observed::Work {
                work,
                becomes: Becomes::Blocked,
            } => self.blocked(*work),
            Observed::Work { work, becomes } => self.work(*work, *becomes),
            Observed::Asks { of, agents } => self.asks(*of, agents),
            Observed::Asked(agents) => self.asked(agents),
            Observed::Situation { of, step } => self.situation(*of, *step),
            Observed::DoneBy { task, agent } => self.done_by(NodeId(task.0), *agent),
            Observed::Gate { gate, passes } => self.facts(|fact| match fact {
                Fact::GatePassed { run, .. } => *passes && self.is_gate(*run, *gate),
                Fact::GateFailed { run, .. }
                | Fact::GateHeld { run, .. }
                | Fact::GateWarned { run, .. } => !*passes && self.is_gate(*run, *gate),
                _ => false,
            }),
            Observed::Warned(task) => self.facts(|fact| {
                matches!(fact, Fact::WantExpired { node, .. } | Fact::GateWarned { node, .. } if node.0 == task.0)
            }),
            Observed::Reassigned(task) => self.rules(|fact| {
                matches!(fact, RuleFact::Reassigned { node, .. } if node.0 == task.0)
            }),
            Observed::Undone(task) => self.rules(|fact| {
                matches!(fact, RuleFact::UndoEnded { node, ok: true, .. } if node.0 == task.0)
            }),
            Observed::Mode { mode, entered } => self.rules(|fact| match fact {
                RuleFact::ModeEntered { mode: of, .. } => *entered && of == mode,
                RuleFact::ModeLeft { mode: of, .. } => !*entered && of == mode,
                _ => false,
            }),
            Observed::Workflow {
                workflow,
                completes,
            } => self.rules(|fact| match fact {
                RuleFact::WorkflowStarted { workflow: of, .. } => !*completes && of == workflow,
                RuleFact::WorkflowEnded {
                    workflow: of,
                    well: true,
                } => *completes && of == workflow,
                _ => false,
            }),
            Observed::Agent { agent, isolated } => self.rules(|fact| match fact {
                RuleFact::AgentIsolated { agent: of } => *isolated && of == agent,
                RuleFact::AgentBack { agent: of } => !*isolated && of == agent,
                _ => false,
            }),
            Observed::Notified { agents, via } => self.rules(|fact| match fact {
                RuleFact::NoticeSent { of, via: by, .. } => {
                    let told = |agent: &AgentId| of.is_empty() || of.contains(agent);
                    agents.iter().all(told) && (via.is_none() || via == by)
                }
                _ => false,
            }),
            Observed::Handoff(handoff) => self.rules(|fact| match fact {
                RuleFact::SituationClosed {
                    situation,
                    resolution,
                } => {
                    let of = self.played.state.situation(*situation).map(|s| s.of);
                    let taken = matches!(resolution.how, How::Settled | How::Accepted);
                    taken && of == Some(Of::Handoff(*handoff))
                }
                _ => false,
            }),
            Observed::Digest(sync) => {
                self.rules(|fact| matches!(fact, RuleFact::SyncHeld { sync: of } if of == sync))
            }
            Observed::Run(end) => self.facts(|fact| match end {
                RunEnd::Completes => matches!(fact, Fact::RunCompleted),
                RunEnd::Fails => matches!(fact, Fact::RunFailed { .. }),
                RunEnd::Halts => matches!(
                    fact,
                    Fact::RunStopping {
                        why: Stopping::Halt { .. } | Stopping::Rule { .. }
                    }
                ),
            }),
            Observed::Order { .. } => Vec::new(),
        }
    }

    fn facts(&self, fits: impl Fn(&Fact) -> bool) -> Vec<Seen> {
        let events = self.played.events.iter().filter(|e| fits(&e.fact));
        events.map(|e| self.at(e.at_ms)).collect()
    }

    fn rules(&self, fits: impl Fn(&RuleFact) -> bool) -> Vec<Seen> {
        self.facts(|fact| matches!(fact, Fact::Rule(rule) if fits(rule)))
    }

    fn at(&self, at_ms: i64) -> Seen {
        Seen {
            at_ms: at_ms - self.played.start_ms,
            opened_ms: 0,
        }
    }

    fn is_gate(&self, run: coord_engine::GateRunId, gate: coord_lang::ids::GateId) -> bool {
        self.played
            .state
            .gate_run(run)
            .is_some_and(|run| run.gate == gate)
    }

    fn work(&self, work: coord_lang::model::WorkRef, becomes: Becomes) -> Vec<Seen> {
        let Some(wanted) = node(self.model, &self.played.plan, work) else {
            return Vec::new();
        };
        self.facts(|fact| match becomes {
            Becomes::Starts => begins(fact, wanted),
            Becomes::Completes => match fact {
                Fact::Completed { node, .. }
                | Fact::SyncPassed { node }
                | Fact::MilestoneReached { node }
                | Fact::JoinPassed { node } => *node == wanted,
                _ => false,
            },
            Becomes::Fails => matches!(fact, Fact::Failed { node, .. } if *node == wanted),
            Becomes::Skipped => matches!(fact, Fact::Skipped { node, .. } if *node == wanted),
            Becomes::Cancelled => matches!(fact, Fact::Cancelled { node } if *node == wanted),
            Becomes::Blocked => false,
        })
    }

    fn blocked(&self, work: coord_lang::model::WorkRef) -> Vec<Seen> {
        let wanted = node(self.model, &self.played.plan, work);
        let since = wanted.and_then(|node| {
            let kept = self.played.state.node(node).blocked_since_ms;
            self.played.blocked.get(&node).copied().or(kept)
        });
        since.map(|at_ms| self.at(at_ms)).into_iter().collect()
    }

    fn done_by(&self, wanted: NodeId, agent: AgentId) -> Vec<Seen> {
        let state = self.played.state.node(wanted);
        let by = |of: &coord_engine::Attempt| of.agents.contains(&agent);
        let well = state.status == Status::Completed && state.attempt.as_ref().is_some_and(by);
        let at = state.ended_ms.filter(|_| well);
        at.map(|at_ms| self.at(at_ms)).into_iter().collect()
    }

    fn situation(&self, of: Situation, step: SituationStep) -> Vec<Seen> {
        self.rules(|fact| match (step, fact) {
            (SituationStep::Opens, RuleFact::SituationOpened { of: what, .. }) => *what == kind(of),
            (SituationStep::Reaches(wanted), RuleFact::SituationReached { situation, level }) => {
                *level == wanted && self.is_of(*situation, of)
            }
            (SituationStep::Closes, RuleFact::SituationClosed { situation, .. }) => {
                self.is_of(*situation, of)
            }
            _ => false,
        })
    }

    fn is_of(&self, id: SituationId, of: Situation) -> bool {
        self.played
            .state
            .situation(id)
            .is_some_and(|s| s.of == kind(of))
    }

    /// The situation itself, or one that came out of it.
    fn comes_of(&self, id: SituationId, of: Situation) -> Option<SituationId> {
        let mut next = Some(id);
        while let Some(at) = next {
            if self.is_of(at, of) {
                return Some(at);
            }
            let parent = self.played.state.situation(at)?.about.situation;
            next = parent.filter(|earlier| *earlier < at);
        }
        None
    }

    /// Everybody of `agents` was asked: when the last of them was.
    fn asks(&self, of: Situation, agents: &[AgentId]) -> Vec<Seen> {
        let mut opened: Vec<(SituationId, ItemId)> = Vec::new();
        for (id, item) in self.played.state.items() {
            if let Ask::Situation { situation, .. } = item.ask
                && let Some(root) = self.comes_of(situation, of)
            {
                opened.push((root, id));
            }
        }
        let mut seen = Vec::new();
        // one question that reaches them all, or several of the same situation
        for root in self.roots(&opened) {
            let items: Vec<ItemId> = opened
                .iter()
                .filter(|(r, _)| *r == root)
                .map(|o| o.1)
                .collect();
            let since = self.played.state.situation(root).map_or(0, |s| s.opened_ms);
            let of_item = |id: &ItemId| self.played.state.item(*id);
            let asked = |agent: &AgentId| {
                items
                    .iter()
                    .filter_map(of_item)
                    .filter(|item| item.of.is_empty() || item.of.contains(agent))
                    .map(|item| item.opened_ms)
                    .collect::<Vec<_>>()
            };
            let each: Vec<Vec<i64>> = agents.iter().map(asked).collect();
            if each.iter().any(Vec::is_empty) {
                continue;
            }
            let mut times: Vec<i64> = each.concat();
            times.sort_unstable();
            times.dedup();
            // a time counts when everybody had been asked by then
            let all_by = |at: &i64| each.iter().all(|of| of.iter().any(|t| t <= at));
            seen.extend(times.iter().filter(|at| all_by(at)).map(|at| Seen {
                at_ms: at - self.played.start_ms,
                opened_ms: since - self.played.start_ms,
            }));
        }
        seen
    }

    fn roots(&self, opened: &[(SituationId, ItemId)]) -> Vec<SituationId> {
        let mut roots: Vec<SituationId> = opened.iter().map(|o| o.0).collect();
        roots.sort();
        roots.dedup();
        roots
    }

    /// An item that one of them may answer, for each.
    fn asked(&self, agents: &[AgentId]) -> Vec<Seen> {
        let items = || self.played.state.items().map(|(_, item)| item);
        let first = |agent: &AgentId| {
            let of = items().filter(|item| item.of.contains(agent));
            of.map(|item| item.opened_ms).min()
        };
        let each: Option<Vec<i64>> = agents.iter().map(first).collect();
        let last = each.and_then(|times| times.into_iter().max());
        last.map(|at_ms| self.at(at_ms)).into_iter().collect()
    }
}

fn begins(fact: &Fact, wanted: NodeId) -> bool {
    match fact {
        Fact::Started { node, .. }
        | Fact::SyncOpened { node }
        | Fact::MilestoneReached { node }
        | Fact::JoinPassed { node } => *node == wanted,
        _ => false,
    }
}

fn kind(of: Situation) -> Of {
    match of {
        Situation::Escalation(id) => Of::Escalation(id),
        Situation::Conflict(id) => Of::Conflict(id),
        Situation::Incident(id) => Of::Incident(id),
    }
}

/// A time of a scenario, as it is written.
pub(super) fn span(ms: i64) -> String {
    coord_lang::time::format_ms(ms)
}
