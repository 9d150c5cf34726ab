//! Ladders that nobody answers.

use coord_engine::trials::ladders::trial;

use super::{Goal, Trial};

pub(crate) const LADDERS: Trial = Trial {
    name: "ladders",
    promise: "I19",
    says: "the rungs of a ladder come in order, once each and in time",
    goal: Goal::Trials(10_000),
    unit: "crashes",
    run: |_, seed| trial(seed),
};
