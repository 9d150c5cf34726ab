//! Random projects, random courses of events, and what holds for every one of them.
//!
//! Each trial is a function of a seed: the tests of this crate try a few seeds of each, and
//! `cargo xtask torture` as many as it is told. `draft` and `random` make plans, `rules` and
//! `breadth` put rules of every kind on them.

pub mod attempts;
mod breadth;
pub mod course;
pub mod decisions;
pub mod draft;
pub mod failover;
pub mod ladders;
pub mod random;
pub mod rules;
