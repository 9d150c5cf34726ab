//! Floor 2: from a model to a frozen plan and its schedule.
//!
//! Reading order: [`compile`] is the whole front end in one call; [`plan`] is the frozen form;
//! [`freeze`] makes it from a model, with [`graph`], `cycles`, `loops`, `claims`, `waves`
//! and `drawings` at its side;
//! [`schedule`] lays it on [`calendars`], each a [`calendar`], with [`critical_path`], [`levelling`] and [`bound`];
//! `judge` says what does not fit; [`outlook`] tells one node at a time; [`mend`] makes the edits
//! that diagnostics carry; [`what_if`] changes a plan to see what would be; [`remaining`] is what is
//! left of one on its way, and [`live`] what becomes of its promises.

pub mod anchor;
pub mod bound;
pub mod calendar;
pub mod calendars;
mod claims;
pub mod clock;
pub mod compile;
pub mod critical_path;
mod cycles;
mod drawings;
pub mod freeze;
mod freeze_rules;
pub mod graph;
mod judge;
pub mod levelling;
pub mod live;
mod loops;
pub mod mend;
pub mod outlook;
pub mod plan;
pub mod recurrence;
pub mod remaining;
pub mod rules;
pub mod schedule;
mod waves;
pub mod what_if;
