//! The real program where files may only grow so far, as on a disk that is nearly full.

use std::collections::BTreeMap;
use std::path::Path;

use super::program::{Project, said};
use super::{Goal, Setting, Trial};

const TASKS: usize = 40;
/// Blocks of 512 bytes: from a file that holds no journal to one that holds all of it.
const FEWEST_BLOCKS: u64 = 1;
const MOST_BLOCKS: u64 = 160;

pub(crate) const SMALL_FILES: Trial = Trial {
    name: "small-files",
    promise: "I25",
    says: "a journal that cannot grow stops the run honestly, and it goes on when it can",
    goal: Goal::Trials(500),
    unit: "runs",
    run,
};

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let project = Project::new(setting, SMALL_FILES.name, seed, &text())?;
    let blocks = FEWEST_BLOCKS + seed % (MOST_BLOCKS - FEWEST_BLOCKS);
    let coord = project.program().display();
    let limited = format!("ulimit -f {blocks}; exec '{coord}' run --run-id r --progress none");
    let first = project.shell(&limited)?;
    let begun = begun(project.path());
    let ends_honestly = match first.status.code() {
        Some(0) => begun.len() == TASKS,
        Some(1 | 4) => true,
        _ => false,
    };
    if !ends_honestly {
        return Err(format!("{blocks} blocks: {}", said(&first)));
    }
    for _ in 0..TASKS {
        let again = project.call(&["resume", "r", "--no-wait"])?;
        match again.status.code() {
            Some(0) => break,
            // the run itself could not be written: it is made now
            Some(2) => drop(project.call(&["run", "--run-id", "r"])?),
            _ => settle(&project)?,
        }
    }
    let begun = self::begun(project.path());
    let status = project.call(&["status", "r"])?;
    match begun.len() == TASKS && status.status.success() {
        true => Ok(1),
        false => Err(format!(
            "{blocks} blocks: {} began; {}",
            begun.len(),
            said(&status)
        )),
    }
}

/// Tries again what is in doubt, and what a full disk failed.
fn settle(project: &Project<'_>) -> Result<(), String> {
    for task in 0..TASKS {
        project.call(&["retry", "r", &format!("t{task}")])?;
    }
    Ok(())
}

/// How often each task began.
fn begun(folder: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(folder.join("begun")).unwrap_or_default();
    let mut begun = BTreeMap::new();
    for line in text.lines() {
        *begun.entry(line.to_string()).or_default() += 1;
    }
    begun
}

fn text() -> String {
    let mut text = String::from("edition 2026\n");
    for task in 0..TASKS {
        let needs = match task {
            0 => String::new(),
            n => format!("  needs t{}\n", n - 1),
        };
        text.push_str(&format!(
            "\ntask t{task} {{\n  timeout 60s\n{needs}  run ```sh\n    echo t{task} >> begun\n  ```\n}}\n"
        ));
    }
    text
}
