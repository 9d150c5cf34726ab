//! Floor 2: from a model to a frozen plan and its schedule.
//!
//! Reading order: [`plan`] is the frozen form; [`freeze`] makes it from a model, with [`graph`],
//! [`cycles`], [`claims`] and [`waves`] at its side; `schedule` lays it on a calendar.

pub mod anchor;
mod claims;
mod cycles;
pub mod freeze;
pub mod graph;
pub mod plan;
mod waves;
