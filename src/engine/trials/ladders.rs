//! The rungs of a ladder are reached in order, once each and at their time, over all crashes.

use coord_lang::ids::EscalationId;
use coord_plan::rules::{Ending, Escalation, Level, Party};

use super::draft::Draft;
use crate::audit::audit;
use crate::simulation::{Chance, Dice, Simulation};
use crate::{Event, Fact, Input, Of, Options, RuleFact};

/// A ladder that nobody answers, with crashes around every rung. The number of crashes.
pub fn trial(seed: u64) -> Result<u64, String> {
    let mut dice = Dice(seed ^ 0x1ADD);
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let task = draft.chore("t", ann);
    let within: Vec<i64> = (0..2 + dice.below(3))
        .map(|_| 1 + dice.below(9_000) as i64)
        .collect();
    let level = |ms: &i64| Level {
        name: "L".into(),
        title: None,
        by: Party {
            agents: vec![ann],
            ..Party::default()
        },
        quorum: 1,
        within_ms: Some(*ms),
        actions: vec![],
    };
    draft.plan.rules.escalations.push(Escalation {
        name: "e".into(),
        title: None,
        levels: within.iter().map(level).collect(),
        sla_ms: None,
        otherwise: Ending::Fail,
    });
    let plan = draft.plan;
    let silent = Chance {
        silent_percent: 100,
        ..Chance::new(seed)
    };
    let mut simulation = Simulation::new(&plan, silent.clone(), 0);
    (simulation.start("r", Options::default())).map_err(|refusal| refusal.to_string())?;
    let raise = Input::Raise {
        of: Of::Escalation(EscalationId(0)),
        about: crate::About {
            node: Some(task),
            ..Default::default()
        },
        by: None,
        note: String::new(),
    };
    simulation
        .input(raise)
        .map_err(|refusal| refusal.to_string())?;
    // what was on the disk before the last step is never lost
    let mut durable = simulation.events().len();
    let mut crashes = 0;
    for _ in 0..200 {
        while dice.percent(60) {
            // before a rung, right behind it, or between its facts
            let lost = dice.below(4) as usize;
            let kept = (simulation.events().len() - lost).max(durable);
            let events = simulation.events()[..kept].to_vec();
            let now = simulation.now_ms();
            simulation = Simulation::recover(&plan, silent.clone(), &events, now, vec![])
                .map_err(|illegal| illegal.to_string())?;
            crashes += 1;
        }
        durable = simulation.events().len();
        if !simulation.advance() {
            break;
        }
    }
    audit(&plan, simulation.events()).map_err(|breach| format!("{breach:?}"))?;
    rungs_hold(simulation.events(), &within)?;
    Ok(crashes)
}

fn rungs_hold(events: &[Event], within: &[i64]) -> Result<(), String> {
    let mut due = 0;
    let mut next = 0;
    for event in events {
        if let Fact::Rule(RuleFact::SituationReached { level, .. }) = event.fact {
            if level != next || event.at_ms != due {
                return Err(format!(
                    "rung {level} at {}, and not rung {next} at {due}",
                    event.at_ms
                ));
            }
            due += within[level as usize];
            next += 1;
        }
    }
    match next as usize == within.len() {
        true => Ok(()),
        false => Err(format!("{next} of {} rungs", within.len())),
    }
}
