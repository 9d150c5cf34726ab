//! Work has one lease: messages of agents come late, twice or never, agents are given up and come
//! back, and what an attempt that is over reports changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use coord_lang::ids::AgentId;
use coord_plan::plan::{By, Driver, Plan, Profile};

use super::draft::Draft;
use crate::audit::audit;
use crate::simulation::Dice;
use crate::{Action, Event, Input, Options, Outcome, State, Termination, action_of, step};

/// What is on its way, by time.
type Wire = BTreeMap<(i64, u64), Input>;

/// One course of partitions, delays and duplicates. The number of messages.
pub fn trial(seed: u64) -> Result<u64, String> {
    let mut dice = Dice(seed ^ 0xFA11);
    let plan = two_agents(&mut dice);
    let mut state = State::new(&plan);
    let mut wire = Wire::new();
    let mut sent = 0;
    let start = Input::Start {
        run: "r".into(),
        options: Options::default(),
    };
    let mut events = step(&plan, &mut state, 0, start).map_err(|why| why.to_string())?;
    send(&state, &events, 0, &mut dice, &mut wire, &mut sent);
    let mut taken = BTreeSet::new();
    for _ in 0..300 {
        let coming = wire.first_key_value().map(|((at, _), _)| *at);
        let due = state.next_due();
        let (at_ms, input) = match (coming, due) {
            (None, None) => break,
            (_, Some(due)) if coming.is_none_or(|at| due < at) => (due, Input::Tick),
            _ => match wire.pop_first() {
                Some(((at, _), input)) => (at, input),
                None => break,
            },
        };
        let result = match &input {
            Input::AttemptEnded { node, attempt, .. } => Some((*node, *attempt)),
            _ => None,
        };
        let current = result.is_some_and(|(node, attempt)| {
            state.node(node).is_at_work() && state.node(node).attempt_number() == attempt
        });
        let before = state.clone();
        match (step(&plan, &mut state, at_ms, input), result) {
            (Ok(new), of) => {
                if let Some(of) = of
                    && (!current || !taken.insert(of))
                {
                    return Err(format!("attempt {} of node {} is over", of.1, of.0.0));
                }
                send(&state, &new, at_ms, &mut dice, &mut wire, &mut sent);
                events.extend(new);
            }
            (Err(_), _) if state != before => return Err("a refusal changed something".into()),
            (Err(refusal), Some(_)) if current => return Err(refusal.to_string()),
            (Err(_), _) => {}
        }
    }
    audit(&plan, &events).map_err(|breach| format!("{breach:?}"))?;
    Ok(sent)
}

fn two_agents(dice: &mut Dice) -> Plan {
    let mut draft = Draft::new();
    let agents = ["one", "other"].map(|n| draft.agent(n, 1, Driver::Remote(n.into())));
    for (agent, standby) in [(agents[0], agents[1]), (agents[1], agents[0])] {
        draft.plan.agents[agent].profile = Some(Box::new(Profile {
            standby: vec![standby],
            ..Profile::default()
        }));
    }
    for i in 0..1 + dice.below(5) {
        let by = agents[dice.below(2) as usize];
        let idempotent = dice.percent(50);
        draft.task(&format!("t{i}"), |task| {
            task.by = By::All(vec![by]);
            task.idempotent = idempotent;
            task.retry = super::draft::retry(2, 500);
            task.timeout_ms = Some(20_000);
        });
    }
    draft.plan
}

/// The agent does what it is told, and says so late, twice, or never; where it says nothing it is
/// given up, and it may come back.
fn send(
    state: &State,
    events: &[Event],
    now: i64,
    dice: &mut Dice,
    wire: &mut Wire,
    sent: &mut u64,
) {
    let mut put = |at: i64, input: Input| {
        *sent += 1;
        wire.insert((at, *sent), input);
    };
    for action in events.iter().filter_map(|event| action_of(state, event)) {
        let (node, attempt, outcome, agents) = match action {
            Action::Spawn {
                node,
                attempt,
                agents,
            } => {
                let outcome = match dice.below(10) {
                    0 => Outcome::Exit(1),
                    1 => Outcome::Lost("no answer".into()),
                    _ => Outcome::Exit(0),
                };
                (node, attempt, outcome, agents)
            }
            Action::Terminate {
                node, attempt, why, ..
            } => {
                let _: Termination = why;
                (node, attempt, Outcome::Signal(15), Vec::<AgentId>::new())
            }
            _ => continue,
        };
        let ended = Input::AttemptEnded {
            node,
            attempt,
            outcome,
            outputs: Default::default(),
            log: None,
        };
        let partition = !agents.is_empty() && dice.percent(25);
        let delay = dice.below(if partition { 60_000 } else { 3_000 }) as i64;
        if dice.percent(30) {
            put(now + delay + dice.below(30_000) as i64, ended.clone());
        }
        put(now + delay, ended);
        if let Some(agent) = agents.first().copied().filter(|_| partition) {
            let gone = now + dice.below(5_000) as i64;
            let why = "it does not answer".to_string();
            put(gone, Input::AgentFailed { agent, why });
            put(gone + dice.below(20_000) as i64, Input::AgentBack { agent });
        }
    }
}
