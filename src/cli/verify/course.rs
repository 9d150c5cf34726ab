//! The courses that a run may take: what may come next in a state, and what makes two states alike.
//!
//! Of all that is under way the first is decided first. What goes on like that and well costs
//! nothing; a failure, a no, a time limit that passes, and what ends before its turn cost one.

use coord_engine::{
    Action, Ask, Input, Item, ItemId, Landing, Outcome, Part, State, Verdict, pending_actions,
};
use coord_plan::plan::Plan;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What may come next.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) at_ms: i64,
    pub(super) input: Input,
    /// True for what does not go well.
    pub(super) mishap: bool,
}

/// Everything that may come next, good things first; empty when nothing moves any more.
pub(super) fn moves(plan: &Plan, state: &State) -> Vec<Move> {
    if state.status().is_ended() {
        return Vec::new();
    }
    let due = state.next_due_of_work();
    let now_ms = state.now_ms();
    let mut under_way = pending_actions(state).into_iter().filter_map(outcomes);
    let asked: Vec<ItemId> = state.open_items().map(|(id, _)| id).collect();
    let mut said = asked.iter().filter_map(|id| answers(plan, state, *id));
    let mut moves = (under_way.next())
        .or_else(|| said.next())
        .unwrap_or_default();
    // something else may end well before it
    for mut other in under_way.chain(said) {
        other.truncate(1);
        moves.extend(other.into_iter().map(|(input, _)| (input, true)));
    }
    let busy = !moves.is_empty();
    // work goes on in no time: only limits that people or work let pass take time
    let at_ms = now_ms.saturating_add(1);
    let mut found: Vec<Move> = moves
        .drain(..)
        .map(|(input, mishap)| Move {
            at_ms,
            input,
            mishap,
        })
        .collect();
    found.extend(due.map(|due| Move {
        at_ms: due.max(now_ms),
        input: Input::Tick,
        mishap: busy,
    }));
    found
}

fn outcomes(action: Action) -> Option<Vec<(Input, bool)>> {
    let attempt = |node, attempt, outcome| Input::AttemptEnded {
        node,
        attempt,
        outcome,
        outputs: BTreeMap::new(),
        log: None,
    };
    let evidence = String::new;
    Some(match action {
        Action::Spawn {
            node, attempt: n, ..
        } => vec![
            (attempt(node, n, Outcome::Exit(0)), false),
            (attempt(node, n, Outcome::Exit(1)), true),
        ],
        Action::Land { node, attempt } => {
            let landing = Landing::Landed {
                commit: String::new(),
                tree: String::new(),
            };
            let clash = Landing::Clash {
                paths: Vec::new(),
                note: String::new(),
            };
            [landing, clash]
                .map(|landing| {
                    let mishap = !matches!(landing, Landing::Landed { .. });
                    let ended = Input::LandingEnded {
                        node,
                        attempt,
                        landing,
                    };
                    (ended, mishap)
                })
                .to_vec()
        }
        Action::Terminate {
            node, attempt: n, ..
        } => vec![(attempt(node, n, Outcome::Signal(15)), false)],
        Action::RunCheck { check, .. } | Action::TerminateCheck { check } => [true, false]
            .map(|passed| {
                let evidence = evidence();
                let ended = Input::CheckEnded {
                    check,
                    passed,
                    evidence,
                };
                (ended, !passed)
            })
            .to_vec(),
        Action::RunProgram { duty } => [true, false]
            .map(|ok| {
                let evidence = evidence();
                (Input::ActionEnded { duty, ok, evidence }, !ok)
            })
            .to_vec(),
        Action::Undo { node } => [true, false]
            .map(|ok| {
                let evidence = evidence();
                (Input::UndoEnded { node, ok, evidence }, !ok)
            })
            .to_vec(),
        Action::Measure { metric } => {
            let why = "nothing measures it here".to_string();
            vec![(Input::NotMeasured { metric, why }, false)]
        }
        Action::CheckHealth { agent } => [true, false]
            .map(|well| {
                let evidence = evidence();
                let checked = Input::HealthChecked {
                    agent,
                    well,
                    evidence,
                };
                (checked, !well)
            })
            .to_vec(),
        Action::Notify { .. }
        | Action::Look { .. }
        | Action::Tell { .. }
        | Action::Digest { .. }
        | Action::Record { .. }
        | Action::HandOver { .. } => return None,
    })
}

/// What may be said to a question, by the first who may.
fn answers(plan: &Plan, state: &State, id: ItemId) -> Option<Vec<(Input, bool)>> {
    let item = state.item(id)?;
    let by = speaker(plan, state, id, item)?;
    let say = |verdict| Input::Answer {
        item: id,
        by: Some(by.clone()),
        verdict,
        to: None,
        note: String::new(),
        outputs: BTreeMap::new(),
    };
    let all = verdicts(item.ask).iter().enumerate();
    Some(all.map(|(i, verdict)| (say(*verdict), i > 0)).collect())
}

/// The usual answer first.
fn verdicts(ask: Ask) -> &'static [Verdict] {
    match ask {
        Ask::Work | Ask::Confirm { .. } | Ask::Require { .. } | Ask::Approve { .. } => {
            &[Verdict::Done, Verdict::Reject]
        }
        Ask::Doubt | Ask::Undo => &[Verdict::Done, Verdict::Retry, Verdict::Skip],
        Ask::Report { .. } => &[Verdict::Done],
        Ask::Budget { .. } => &[Verdict::Done, Verdict::Reject],
        Ask::Situation { part, .. } => match part {
            Part::Level(_) | Part::Decide => &[
                Verdict::Done,
                Verdict::Retry,
                Verdict::Accept,
                Verdict::Skip,
                Verdict::Reassign,
                Verdict::Abort,
            ],
            Part::Accept => &[Verdict::Accept, Verdict::Reject],
            Part::View | Part::Respond | Part::Confirm(_) | Part::Give(_) => &[Verdict::Done],
        },
    }
}

/// The first of those who may answer whom the engine hears.
pub(super) fn speaker(plan: &Plan, state: &State, id: ItemId, item: &Item) -> Option<String> {
    let names: Vec<String> = match item.of.as_slice() {
        [] => vec![format!("person {}", item.answers.len() + 1)],
        of => of
            .iter()
            .map(|agent| plan.agents[*agent].name.clone())
            .collect(),
    };
    let verdict = verdicts(item.ask).first().copied()?;
    names.into_iter().find(|name| {
        let input = Input::Answer {
            item: id,
            by: Some(name.clone()),
            verdict,
            to: None,
            note: String::new(),
            outputs: BTreeMap::new(),
        };
        // a refused input changes nothing, and one that is taken changes the copy alone
        coord_engine::step(plan, &mut state.clone(), state.now_ms(), input).is_ok()
    })
}

/// Equal for states that differ in times and numbers alone.
pub(super) fn likeness(plan: &Plan, state: &State) -> u64 {
    let mut hash = DefaultHasher::new();
    (state.status() as u8).hash(&mut hash);
    for (_, node) in state.nodes() {
        (node.status as u8, node.failures, node.reopened).hash(&mut hash);
        (node.feedback.len(), node.undone, node.late, node.stalled).hash(&mut hash);
        let waits = (
            node.needs_met_ms.is_some(),
            node.backoff_until_ms.is_some(),
            node.gate.is_some(),
        );
        waits.hash(&mut hash);
        let terminating = |attempt: &coord_engine::Attempt| attempt.terminating.is_some();
        node.attempt
            .as_ref()
            .is_some_and(terminating)
            .hash(&mut hash);
        node.attempt.as_ref().map(|a| &a.agents).hash(&mut hash);
    }
    for (_, run) in state.gate_runs() {
        if run.is_open() {
            (run.node, run.gate.0, run.round, run.check).hash(&mut hash);
            format!("{:?}", std::mem::discriminant(&run.stage)).hash(&mut hash);
        }
    }
    for (_, item) in state.open_items() {
        (item.node, item.ask.name(), item.answers.len()).hash(&mut hash);
    }
    for (_, of) in state.situations() {
        (format!("{:?}", of.of), of.level, of.about.node).hash(&mut hash);
        of.closed
            .as_ref()
            .map(|(_, how)| how.how.name())
            .hash(&mut hash);
    }
    state.mode().map(|mode| mode.0).hash(&mut hash);
    for agent in plan.agents.ids() {
        let of = state.agent(agent);
        (of.isolated, of.failed_since_ms.is_some(), of.failures).hash(&mut hash);
    }
    for workflow in plan.workflows.ids() {
        state
            .workflow(workflow)
            .map(|w| (w.starts, w.is_running()))
            .hash(&mut hash);
    }
    state.next_due_of_work().is_some().hash(&mut hash);
    hash.finish()
}
