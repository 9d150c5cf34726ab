//! Floor 4: the machine around the engine.
//!
//! Reading order: [`home`] and [`journal`] keep what happened; [`run`] reads it back; [`record`]
//! is the form in between; [`process`] starts and ends programs; [`driver`] is the one loop that
//! connects them with the engine; [`control`] is how other commands speak to it. `witness`, `artifacts`,
//! `work`, `environment`, `brief` and [`clock`] are its tools; [`repository`] lists the files that globs
//! speak of.

mod artifacts;
pub mod brief;
pub mod clock;
pub mod control;
pub mod driver;
pub mod environment;
pub mod home;
pub mod journal;
pub mod process;
pub mod record;
pub mod repository;
pub mod run;
mod witness;
mod work;
