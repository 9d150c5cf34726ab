//! Floor 2: from a model to a frozen plan and its schedule.

pub mod plan;
