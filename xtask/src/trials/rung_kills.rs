//! Ladders of the real program, which is killed around their rungs.

use std::collections::BTreeMap;

use coord_engine::simulation::Dice;
use serde_json::Value;

use super::program::{Project, kill_after};
use super::{Goal, Setting, Trial};

/// Kills of one trial.
const KILLS: u64 = 6;
const LADDERS: usize = 3;
const RUNGS: usize = 5;
/// How long a rung waits for its answer.
const WAITS_MS: i64 = 40;
const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) const RUNG_KILLS: Trial = Trial {
    name: "rung-kills",
    promise: "I19",
    says: "rungs of a run that is killed come in order, once each and not early",
    goal: Goal::Counted(500, "kills"),
    unit: "kills",
    run,
};

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let project = Project::new(setting, RUNG_KILLS.name, seed, &text())?;
    let mut dice = Dice(seed);
    let mut kills = 0;
    for _ in 0..KILLS {
        let mut live = project.start()?;
        if !kill_after(&mut live, 20 + dice.below(150))? {
            break;
        }
        kills += 1;
    }
    let ended = project.start()?.wait().map_err(|e| e.to_string())?;
    // nobody answers: the tasks failed
    if ended.code() != Some(1) {
        return Err(format!("the run ends with {ended}"));
    }
    judge(&project.events()?)?;
    Ok(kills)
}

/// What is known of one ladder.
#[derive(Default)]
struct Climbed {
    rungs: Vec<String>,
    /// When the last rung was asked, in the day.
    asked_ms: Option<i64>,
    /// Items that ask a rung.
    asked: usize,
    closed: usize,
}

fn judge(events: &[Value]) -> Result<(), String> {
    let mut ladders: BTreeMap<u64, Climbed> = BTreeMap::new();
    for event in events {
        let kind = event["kind"].as_str().unwrap_or_default();
        let asks = &event["ask"]["situation"]["situation"];
        let Some(of) = event["situation"].as_u64().or(asks.as_u64()) else {
            continue;
        };
        let of = ladders.entry(of).or_default();
        match kind {
            "situation.reached" => {
                if let (Some(asked), Some(now)) = (of.asked_ms, ms_of_day(event))
                    && (now - asked).rem_euclid(DAY_MS) < WAITS_MS
                {
                    return Err(format!("{} ms after the one before: {event}", now - asked));
                }
                of.rungs
                    .push(event["rung"].as_str().unwrap_or_default().into());
            }
            "item.opened" => {
                of.asked += 1;
                of.asked_ms = Some(ms_of_day(event).ok_or("an event without a time")?);
            }
            "situation.closed" => of.closed += 1,
            _ => {}
        }
    }
    let wanted: Vec<String> = (1..=RUNGS).map(|n| format!("L{n}")).collect();
    if ladders.len() != LADDERS {
        return Err(format!("{} ladders opened", ladders.len()));
    }
    for (id, of) in ladders {
        if of.rungs != wanted || of.asked != RUNGS || of.closed != 1 {
            return Err(format!(
                "ladder {id}: {:?}, {} asked, closed {} times",
                of.rungs, of.asked, of.closed
            ));
        }
    }
    Ok(())
}

/// As in `2026-11-25T18:44:29.542Z`.
fn ms_of_day(event: &Value) -> Option<i64> {
    let clock = event["at"].as_str()?.get(11..23)?;
    let part = |range: std::ops::Range<usize>| clock.get(range)?.parse::<i64>().ok();
    let seconds = (part(0..2)? * 60 + part(3..5)?) * 60 + part(6..8)?;
    Some(seconds * 1_000 + part(9..12)?)
}

fn text() -> String {
    let mut text = String::from("edition 2026\n");
    for n in 1..=RUNGS {
        text.push_str(&format!("human h{n}\n"));
    }
    text.push_str("escalation climb {\n");
    for n in 1..=RUNGS {
        text.push_str(&format!("  level L{n} by h{n} within {WAITS_MS}ms\n"));
    }
    text.push_str("  otherwise fail\n}\n");
    for n in 1..=LADDERS {
        text.push_str(&format!(
            "task t{n} {{\n  idempotent\n  timeout 60s\n  run [\"sh\", \"-c\", \"sleep 0.0{n}; false\"]\n  on fail escalate to climb\n}}\n"
        ));
    }
    text
}
