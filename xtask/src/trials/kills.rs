//! The real program, killed by `kill -9` at random moments and taken up again.

use std::process::Command;

use super::{Folder, Goal, Setting, Trial};

/// Kills of one trial.
const KILLS: u64 = 4;

pub(crate) const KILLS_OF_RUNS: Trial = Trial {
    name: "kills",
    promise: "I1-I5",
    says: "a run that is killed loses no result, repeats no effect and goes on",
    goal: Goal::Counted(1_000, "kills"),
    unit: "kills",
    run,
};

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let folder = Folder::new("kills", seed)?;
    let tested = Command::new(&setting.coord)
        .args(["doctor", "--crash-test", "--kills"])
        .args([KILLS.to_string(), "--seed".into(), seed.to_string()])
        .current_dir(folder.path())
        .env_remove("COORD_HOME")
        .output()
        .map_err(|error| format!("{}: {error}", setting.coord.display()))?;
    match tested.status.success() {
        true => Ok(KILLS),
        false => Err(String::from_utf8_lossy(&tested.stdout).into_owned()),
    }
}
