//! Decisions of the real program, which is killed while people decide.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;

use coord_engine::simulation::Dice;
use serde_json::Value;

use super::program::{Project, kill_after, said};
use super::{Goal, Setting, Trial};

/// Kills of one trial.
const KILLS: u64 = 6;
const TASKS: usize = 5;
const PEOPLE: [&str; 3] = ["ann", "bob", "cid"];
/// Rounds of answers after the last kill that are enough for all of them.
const ROUNDS: usize = 20;

pub(crate) const DECISION_KILLS: Trial = Trial {
    name: "decision-kills",
    promise: "I16",
    says: "a gate of a run that is killed is decided once, and nothing that was told is lost",
    goal: Goal::Counted(500, "kills"),
    unit: "kills",
    run,
};

/// A person and the number of the item that he was told to have answered.
type Told = BTreeSet<(u64, &'static str)>;

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let project = Project::new(setting, DECISION_KILLS.name, seed, &text())?;
    let mut dice = Dice(seed);
    let mut told = Told::new();
    let mut kills = 0;
    for _ in 0..KILLS {
        let mut live = project.start()?;
        let answers = answer_some(&project, &mut dice)?;
        let killed = kill_after(&mut live, dice.below(60))?;
        collect(answers, &mut told)?;
        if !killed {
            break;
        }
        kills += 1;
    }
    let mut live = project.start()?;
    for _ in 0..ROUNDS {
        if live.try_wait().map_err(|e| e.to_string())?.is_some() {
            break;
        }
        for item in open(&project)? {
            for who in PEOPLE {
                collect(vec![(item, who, approve(&project, item, who)?)], &mut told)?;
            }
        }
    }
    let ended = live.wait().map_err(|e| e.to_string())?;
    if !ended.success() {
        let status = project.call(&["status", "r"])?;
        return Err(format!("the run ends with {ended}; {}", said(&status)));
    }
    judge(&project.events()?, &told)?;
    Ok(kills)
}

/// Numbers of the open items.
fn open(project: &Project<'_>) -> Result<Vec<u64>, String> {
    let ran = project.call(&["inbox", "--format", "json"])?;
    let items: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    let items = items.as_array().into_iter().flatten();
    Ok(items.filter_map(|item| item["item"].as_u64()).collect())
}

type Answering = (u64, &'static str, Child);

/// Some people answer some items at the same time, whether a process listens or not.
fn answer_some(project: &Project<'_>, dice: &mut Dice) -> Result<Vec<Answering>, String> {
    let mut answers = Vec::new();
    for item in open(project)? {
        for who in PEOPLE {
            if dice.below(3) == 0 {
                answers.push((item, who, approve(project, item, who)?));
            }
        }
    }
    Ok(answers)
}

fn approve(project: &Project<'_>, item: u64, who: &'static str) -> Result<Child, String> {
    project.begin(&["approve", &item.to_string(), "--as", who])
}

/// Waits for answers, and notes those of which it was told that they count.
fn collect(answers: Vec<Answering>, told: &mut Told) -> Result<(), String> {
    for (item, who, mut answering) in answers {
        let ended = answering.wait().map_err(|e| e.to_string())?;
        if ended.success() && !told.insert((item, who)) {
            return Err(format!("{who} was told twice that item {item} is approved"));
        }
    }
    Ok(())
}

fn judge(events: &[Value], told: &Told) -> Result<(), String> {
    let mut given: BTreeMap<(u64, String), usize> = BTreeMap::new();
    let mut passed: BTreeMap<String, usize> = BTreeMap::new();
    let mut completed: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        let task = || event["task"].as_str().unwrap_or_default().to_string();
        match event["kind"].as_str().unwrap_or_default() {
            "item.answered" => {
                let by = event["by"].as_str().unwrap_or_default().to_string();
                let item = event["item"].as_u64().unwrap_or_default();
                *given.entry((item, by)).or_default() += 1;
            }
            "gate.passed" => *passed.entry(task()).or_default() += 1,
            "task.completed" => *completed.entry(task()).or_default() += 1,
            "task.started" if passed.get(&task()) != Some(&1) => {
                return Err(format!("it was not let through: {event}"));
            }
            _ => {}
        }
    }
    if let Some(twice) = given.iter().find(|(_, times)| **times > 1) {
        return Err(format!("answered more than once: {twice:?}"));
    }
    for (item, who) in told {
        if !given.contains_key(&(*item, who.to_string())) {
            return Err(format!(
                "{who} was told, and item {item} knows nothing of it"
            ));
        }
    }
    for (what, counted) in [("passed", passed), ("completed", completed)] {
        if counted.len() != TASKS || counted.values().any(|times| *times != 1) {
            return Err(format!("{what}: {counted:?}"));
        }
    }
    Ok(())
}

fn text() -> String {
    let mut text = String::from("edition 2026\n");
    for who in PEOPLE {
        text.push_str(&format!("human {who}\n"));
    }
    text.push_str(&format!(
        "group leads {{\n  members [{}]\n}}\ngate go {{ approve 2 of leads }}\n",
        PEOPLE.join(", ")
    ));
    for n in 0..TASKS {
        text.push_str(&format!(
            "task t{n} {{\n  requires go\n  idempotent\n  timeout 60s\n  run [\"true\"]\n}}\n"
        ));
    }
    text
}
