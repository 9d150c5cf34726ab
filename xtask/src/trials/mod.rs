//! One trial a file: what is promised, how often it is tried, and how one seed of it goes.

use std::fmt;
use std::path::{Path, PathBuf};

mod attempts;
mod capacities;
mod courses;
mod decision_kills;
mod decisions;
mod failover;
mod kills;
mod ladders;
mod orphans;
mod power_cuts;
mod program;
mod resumed;
mod rung_kills;
mod small_files;
mod soak;

/// Every trial, in the order in which they run.
pub(crate) const ALL: &[Trial] = &[
    courses::CALM,
    courses::CRASHES,
    attempts::ATTEMPTS,
    capacities::CAPACITIES,
    decisions::DECISIONS,
    ladders::LADDERS,
    failover::FAILOVER,
    kills::KILLS_OF_RUNS,
    rung_kills::RUNG_KILLS,
    decision_kills::DECISION_KILLS,
    resumed::RESUMED,
    orphans::ORPHANS,
    power_cuts::POWER_CUTS,
    small_files::SMALL_FILES,
    soak::SOAK,
];

pub(crate) struct Trial {
    pub(crate) name: &'static str,
    /// The number of the promise.
    pub(crate) promise: &'static str,
    pub(crate) says: &'static str,
    pub(crate) goal: Goal,
    /// What a trial counts.
    pub(crate) unit: &'static str,
    /// How one seed goes: how much it counted, or what does not hold.
    pub(crate) run: fn(&Setting, u64) -> Result<u64, String>,
}

/// How much is enough.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    Trials(u64),
    /// Trials until so many of these are counted.
    Counted(u64, &'static str),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::Trials(n) => write!(f, "{n} trials"),
            Goal::Counted(n, what) => write!(f, "{n} {what}"),
        }
    }
}

/// Where trials of the real program find it.
pub(crate) struct Setting {
    pub(crate) coord: PathBuf,
}

impl Setting {
    /// The program that was built beside this one.
    pub(crate) fn new() -> Self {
        let own = std::env::current_exe().unwrap_or_default();
        Setting {
            coord: own.with_file_name("coord"),
        }
    }
}

/// A folder for one trial. It goes away with the trial.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(trial: &str, seed: u64) -> Result<Folder, String> {
        let name = format!("coord-torture-{}-{trial}-{seed}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        Ok(Folder(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
