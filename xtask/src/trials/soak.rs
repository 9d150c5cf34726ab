//! One long run of many short tasks, watched from outside.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use super::program::Project;
use super::{Goal, Setting, Trial};

const TASKS: usize = 200_000;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// From the first looks to the last.
const GROWTH_KIB: u64 = 20 * 1024;
const DESCRIPTORS: u64 = 5;
const LOG_BYTES: u64 = 64 << 20;
/// Looks at each end that are compared.
const COMPARED: usize = 10;

pub(crate) const SOAK: Trial = Trial {
    name: "soak",
    promise: "I23",
    says: "a run of 200,000 tasks keeps its memory, descriptors and log",
    goal: Goal::Trials(1),
    unit: "looks",
    run,
};

/// What a process has at one moment.
struct Look {
    memory_kib: u64,
    descriptors: u64,
    zombies: u64,
    log_bytes: u64,
}

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let project = Project::new(setting, SOAK.name, seed, &text())?;
    let limit = format!("tasks={TASKS}");
    let mut live = project.begin(&["run", "--run-id", "r", "-q", "--limit", &limit])?;
    let mut looks = Vec::new();
    let ended = loop {
        if let Some(ended) = live.try_wait().map_err(|e| e.to_string())? {
            break ended;
        }
        // the first ones are of a run that is still being read
        let log = project.path().join(".coord-state/journal.db-wal");
        looks.extend(look(&live, &log).filter(|look| look.log_bytes > 0));
        std::thread::sleep(LOOK_EVERY);
    };
    if !ended.success() {
        return Err(format!("the run ends with {ended}"));
    }
    judge(&looks)?;
    Ok(looks.len() as u64)
}

fn judge(looks: &[Look]) -> Result<(), String> {
    if looks.len() < 2 * COMPARED {
        return Err(format!("only {} looks", looks.len()));
    }
    let (first, last) = (&looks[..COMPARED], &looks[looks.len() - COMPARED..]);
    let most = |looks: &[Look], of: fn(&Look) -> u64| looks.iter().map(of).max().unwrap_or(0);
    let grown = |of: fn(&Look) -> u64| (most(first, of), most(last, of));
    let (before, after) = grown(|look| look.memory_kib);
    if after > before + GROWTH_KIB {
        return Err(format!("memory goes from {before} to {after} KiB"));
    }
    let (before, after) = grown(|look| look.descriptors);
    if after > before + DESCRIPTORS {
        return Err(format!("descriptors go from {before} to {after}"));
    }
    let zombies = most(last, |look| look.zombies);
    if zombies > DESCRIPTORS {
        return Err(format!("{zombies} children are dead and not waited for"));
    }
    // the plan itself comes first, in one piece
    match most(&looks[looks.len() / 2..], |look| look.log_bytes) {
        log if log > LOG_BYTES => Err(format!("the log comes to {log} bytes")),
        _ => Ok(()),
    }
}

fn look(live: &Child, log: &Path) -> Option<Look> {
    let pid = live.id();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let memory = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let is_dead = |pid: &&str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    };
    Some(Look {
        memory_kib: memory.split_whitespace().nth(1)?.parse().ok()?,
        descriptors: descriptors as u64,
        zombies: children.split_whitespace().filter(is_dead).count() as u64,
        log_bytes: std::fs::metadata(log).map_or(0, |meta| meta.len()),
    })
}

fn text() -> String {
    let mut text = String::from("edition 2026\n");
    for n in 0..TASKS {
        text.push_str(&format!(
            "task t{n} {{\n  timeout 60s\n  run [\"true\"]\n}}\n"
        ));
    }
    text
}
