//! Attempts and back-offs over crashes.

use coord_engine::trials::attempts::trial;

use super::{Goal, Trial};

pub(crate) const ATTEMPTS: Trial = Trial {
    name: "attempts",
    promise: "I10",
    says: "never more attempts than allowed; no crash resets a back-off",
    goal: Goal::Trials(1_000),
    unit: "crashes",
    run: |_, seed| trial(seed),
};
