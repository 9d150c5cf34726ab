//! What agents, resources and the machine have room for.

use coord_engine::trials::course::{Crashes, trial};

use super::{Goal, Trial};

pub(crate) const CAPACITIES: Trial = Trial {
    name: "capacities",
    promise: "I15",
    says: "no capacity is ever exceeded, also right after a crash",
    goal: Goal::Counted(1_000_000, "events"),
    unit: "events",
    // its own seeds: those of the other trials are lived through there
    run: |_, seed| trial(seed + 1_000_000, Crashes::Many),
};
