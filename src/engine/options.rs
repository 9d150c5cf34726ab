//! What a host decides about a run before it starts, or when it takes it up again.

use serde::{Deserialize, Serialize};

/// Facts of the machine and of the call. They are journaled with `run.started` and
/// `run.resumed`, so that a replay needs nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Stands in for an agent's capacity of 0, and bounds how many checks run at once.
    pub cores: u32,
    /// Most machine tasks at work at once; overrides the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// How many machine tasks may be assigned beyond what there is room for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lookahead: u32,
    /// The first failure stops the run, whatever the plan says.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fail_fast: bool,
    /// Tasks wait for the earliest start that the plan's calendar gives them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub respect_calendar: bool,
    /// The run does not end before this time: what it reacts to may still happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay_until_ms: Option<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cores: 1,
            parallel: None,
            lookahead: 0,
            fail_fast: false,
            respect_calendar: false,
            stay_until_ms: None,
        }
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !*b
}
