//! A gate is decided once, by as many different people as it wants; what comes twice or late is
//! refused, and what was decided is carried out even when the power fails in between.

use std::collections::BTreeSet;

use coord_lang::ids::AgentId;
use coord_plan::plan::GateFailure;

use super::draft::{Draft, approval};
use crate::audit::audit;
use crate::simulation::Dice;
use crate::{Ask, Closed, Fact, Input, ItemId, Options, RunStatus, State, Verdict, replay, step};

/// One schedule of answers and crashes. The number of answers.
pub fn trial(seed: u64) -> Result<u64, String> {
    let mut dice = Dice(seed ^ 0xDEC1);
    let mut draft = Draft::new();
    let people = ["ann", "bob", "cid"].map(|name| draft.human(name));
    let quorum = 1 + dice.below(3) as u32;
    let doer = dice.percent(30).then_some(people[0]);
    let gate = draft.gate(
        vec![],
        vec![approval(quorum.min(2), &people)],
        GateFailure::Halt,
    );
    let node = draft.task("t", |task| {
        task.requires = vec![gate];
        if let Some(doer) = doer {
            task.by = coord_plan::plan::By::All(vec![doer]);
            task.program = None;
        }
    });
    let plan = draft.plan;
    let mut state = State::new(&plan);
    let start = Input::Start {
        run: "r".into(),
        options: Options::default(),
    };
    let mut events = step(&plan, &mut state, 0, start).map_err(|why| why.to_string())?;
    let names = [
        None,
        Some("ann"),
        Some("bob"),
        Some("cid"),
        Some("local"),
        Some("eve"),
    ];
    let mut answers = 0;
    for at_ms in 1..40 {
        let asked = state.items().count() as u64;
        let item = ItemId(1 + dice.below(asked + 1) as u32);
        let of = state.item(item);
        let was_open = of.is_some_and(|item| item.is_open());
        if of.is_some_and(|item| matches!(item.ask, Ask::Work)) {
            break;
        }
        let answer = Input::Answer {
            item,
            by: names[dice.below(names.len() as u64) as usize].map(str::to_string),
            verdict: match dice.percent(12) {
                true => Verdict::Reject,
                false => Verdict::Approve,
            },
            to: None,
            note: String::new(),
            outputs: Default::default(),
        };
        let committed = events.len();
        if let Ok(new) = step(&plan, &mut state, at_ms, answer) {
            if !was_open {
                return Err(format!("item {} is closed and took an answer", item.0));
            }
            answers += 1;
            events.extend(new);
        }
        if dice.percent(20) {
            // what was written last, or a part of it, is lost with the power
            let kept = committed + dice.below((events.len() - committed + 1) as u64) as usize;
            events.truncate(kept);
            state = replay(&plan, &events).map_err(|illegal| illegal.to_string())?;
            let resume = Input::Resume {
                never_spawned: vec![],
                options: None,
            };
            if let Ok(new) = step(&plan, &mut state, at_ms, resume) {
                events.extend(new);
            }
        }
    }
    audit(&plan, &events).map_err(|breach| format!("{breach:?}"))?;
    let mut decided = BTreeSet::new();
    for event in &events {
        if let Fact::GatePassed { run, .. } | Fact::GateFailed { run, .. } = &event.fact
            && !decided.insert(*run)
        {
            return Err(format!("gate run {} is decided twice", run.0));
        }
    }
    let passed = events
        .iter()
        .any(|e| matches!(e.fact, Fact::GatePassed { .. }));
    let begun = state.node(node).attempts > 0;
    if passed != begun && state.status() == RunStatus::Running {
        return Err(format!("passed: {passed}, begun: {begun}"));
    }
    for (_, item) in state.items() {
        if item.closed != Some(Closed::Answered) || !matches!(item.ask, Ask::Approve { .. }) {
            continue;
        }
        if item.answers.iter().any(|answer| !answer.verdict.agrees()) {
            continue;
        }
        let voices: BTreeSet<_> = item.answers.iter().map(|a| a.by.clone()).collect();
        let of = |name: &str| {
            people
                .iter()
                .find(|p| plan.agents[**p].name == name)
                .copied()
        };
        let allowed = |agent: Option<AgentId>| agent.is_some() && agent != doer;
        let known = voices.iter().all(|v| allowed(v.as_deref().and_then(of)));
        if voices.len() < item.quorum as usize || !known {
            return Err(format!("decided by {voices:?}"));
        }
    }
    Ok(answers)
}
