//! One trial a file: what is promised, how often it is tried, and how one seed of it goes.

use std::fmt;
use std::path::PathBuf;

mod courses;

/// Every trial, in the order in which they run.
pub(crate) const ALL: &[Trial] = &[courses::CALM, courses::CRASHES];

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
    #[allow(dead_code, reason = "not every set of trials has one")]
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
    #[allow(dead_code, reason = "trials of the machine alone do not need it")]
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
