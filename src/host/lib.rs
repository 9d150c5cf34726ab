//! Floor 4: the machine around the engine.
//!
//! Reading order: [`home`] and [`journal`] keep what happened; [`run`] reads it back; [`record`]
//! is the form in between, [`published`] the one for other programs; [`process`] starts and ends programs; [`driver`] is the one loop that
//! connects them with the engine; [`control`] is how other commands speak to it. `witness`, `artifacts`,
//! `work`, `environment`, `brief` and [`clock`] are its tools.

mod artifacts;
pub mod brief;
pub mod clock;
pub mod control;
pub mod driver;
mod effects;
pub mod environment;
pub mod home;
pub mod journal;
mod notices;
pub mod process;
pub mod published;
pub mod record;
pub mod run;
mod witness;
mod work;
