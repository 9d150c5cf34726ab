//! A run that was killed and taken up again, beside the same run that was left alone.

use coord_engine::simulation::Dice;
use serde_json::{Value, json};

use super::program::{Project, kill_after};
use super::{Goal, Setting, Trial};

const TASKS: u64 = 10;
/// Most kills of the one run.
const KILLS: u64 = 3;

pub(crate) const RESUMED: Trial = Trial {
    name: "resumed",
    promise: "I5",
    says: "a run that was killed and went on ends as one that was left alone",
    goal: Goal::Trials(2_000),
    unit: "kills",
    run,
};

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let text = text(seed);
    let calm = Project::new(setting, "calm", seed, &text)?;
    let calm_ended = calm.start()?.wait().map_err(|e| e.to_string())?;
    let killed = Project::new(setting, RESUMED.name, seed, &text)?;
    let mut dice = Dice(seed);
    let mut kills = 0;
    for _ in 0..KILLS {
        let mut live = killed.start()?;
        if !kill_after(&mut live, dice.below(120))? {
            break;
        }
        kills += 1;
    }
    let killed_ended = killed.start()?.wait().map_err(|e| e.to_string())?;
    let (left, right) = (end_of(&calm)?, end_of(&killed)?);
    match calm_ended == killed_ended && left == right {
        true => Ok(kills),
        false => Err(format!(
            "{calm_ended}, {left}\nand after {kills} kills {killed_ended}, {right}"
        )),
    }
}

/// How each task ended, what it put out, and that it began behind what it needs.
fn end_of(project: &Project<'_>) -> Result<Value, String> {
    let ran = project.call(&["status", "r", "--format", "json"])?;
    let status: Value = serde_json::from_slice(&ran.stdout).map_err(|e| e.to_string())?;
    let tasks = status["tasks"].as_array().ok_or("no tasks")?;
    let mut ends = Vec::new();
    for task in tasks {
        let name = task["id"].as_str().unwrap_or_default();
        let made = std::fs::read_to_string(project.path().join(format!("{name}.sum")));
        ends.push(json!([
            name,
            task["state"],
            task["outputs"],
            made.unwrap_or_default()
        ]));
    }
    Ok(Value::Array(ends))
}

/// Each task sums up what those that it needs have left, so that a wrong order shows.
fn text(seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut text = String::from("edition 2026\n");
    for n in 0..TASKS {
        let mut needs: Vec<u64> = (0..dice.below(3).min(n)).map(|_| dice.below(n)).collect();
        needs.sort_unstable();
        needs.dedup();
        let files: Vec<String> = needs.iter().map(|need| format!("t{need}.sum")).collect();
        let needs: String = (needs.iter())
            .map(|need| format!("  needs t{need}\n"))
            .collect();
        let fails = match dice.below(12) {
            0 => "exit 3",
            _ => "true",
        };
        text.push_str(&format!(
            "task t{n} {{\n{needs}  idempotent\n  timeout 60s\n  run ```sh\n    (echo {seed} {n}; cat {} </dev/null) | cksum > t{n}.sum\n    echo \"sum=$(cat t{n}.sum)\" >> $COORD_OUTPUTS\n    {fails}\n  ```\n}}\n",
            files.join(" ")
        ));
    }
    text
}
