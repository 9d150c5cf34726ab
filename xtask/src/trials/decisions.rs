//! Approvals that come together, twice, late and around crashes.

use coord_engine::trials::decisions::trial;

use super::{Goal, Trial};

pub(crate) const DECISIONS: Trial = Trial {
    name: "decisions",
    promise: "I16",
    says: "a gate is decided once, by different people, and the decision is carried out",
    goal: Goal::Trials(100_000),
    unit: "answers",
    run: |_, seed| trial(seed),
};
