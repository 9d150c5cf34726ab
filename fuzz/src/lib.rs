//! What has to hold for every text, and texts worth trying.
//!
//! The targets of `cargo fuzz` are one line each over this. The tests of the project take the
//! same modules with numbers that are the same every time.

pub mod choices;
pub mod condition;
pub mod globs;
pub mod hold;
pub mod program;
