//! Random projects with rules of every kind, lived through in virtual time.

use coord_engine::trials::course::{Crashes, trial};

use super::{Goal, Trial};

pub(crate) const CALM: Trial = Trial {
    name: "courses",
    promise: "all",
    says: "no course of events in a random project breaks a promise",
    goal: Goal::Trials(100_000),
    unit: "events",
    run: |_, seed| trial(seed, Crashes::None),
};

pub(crate) const CRASHES: Trial = Trial {
    name: "crashes",
    promise: "all",
    says: "the same, cut off and taken up again",
    goal: Goal::Trials(100_000),
    unit: "events",
    run: |_, seed| trial(seed, Crashes::Many),
};
