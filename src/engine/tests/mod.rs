//! Behaviours of the machine, one file per concern; `properties` holds for random plans what the
//! others show on small ones. `trials` makes plans, `bench` drives the machine by hand and, after
//! every step, holds the live state against a replay and the log against the audit.

use crate::trials::{draft, random};

mod bench;
mod budgets;
mod calls;
mod capacity;
mod circles;
mod coordination;
mod gates;
mod interventions;
mod journal;
mod landing;
mod limits;
mod metrics;
mod needs;
mod people;
mod properties;
mod recovery;
mod retries;
mod ruled;
mod scale;
mod space;
mod syncs;
mod trials;
mod undo;
mod whys;
