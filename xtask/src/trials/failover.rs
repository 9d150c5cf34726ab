//! Agents behind a line that delays, doubles and loses what they say.

use coord_engine::trials::failover::trial;

use super::{Goal, Trial};

pub(crate) const FAILOVER: Trial = Trial {
    name: "failover",
    promise: "I20",
    says: "work has one lease; what an attempt that is over reports is dropped",
    goal: Goal::Trials(10_000),
    unit: "messages",
    run: |_, seed| trial(seed),
};
