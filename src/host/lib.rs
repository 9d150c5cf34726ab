//! Floor 4: the machine around the engine.
//!
//! Reading order: [`home`] and [`journal`] keep what happened; [`run`] reads it back, from a [`snapshot`] where there is one; [`record`]
//! is the form in between, [`published`] the one for other programs; [`process`] starts and ends
//! programs; [`driver`] is the one loop that connects them with the engine; [`reach`] is for agents
//! that are no programs, and [`bench`] is what their drivers work with; `gates` looks at what is let
//! through, and `subject` says what an approval is given for; [`control`] is how other commands speak to it. `witness`, `artifacts`,
//! `work`, `environment`, `brief` and [`clock`] are its tools; [`ground`] is git and who may write
//! where, with `apart` and `landing` for the driver; [`repository`] lists the files that globs speak of; [`support`] says what a run can
//! do of what a plan may say; [`leftovers`] are what ended runs keep on disk, and [`secrets`] are
//! handed to programs and kept out of all the rest. What it writes for people: `notices` (through `post`, `page` and `place`),
//! `digest`, `documents`, `context`, in the words of [`speech`].

mod apart;
pub mod artifacts;
pub mod bench;
pub mod brief;
pub mod clock;
mod context;
pub mod control;
mod digest;
mod documents;
pub mod driver;
mod effects;
pub mod environment;
mod gates;
pub mod ground;
mod health;
pub mod home;
pub mod journal;
mod landing;
pub mod leftovers;
pub mod measure;
mod notices;
mod page;
mod place;
mod post;
pub mod process;
pub mod published;
pub mod reach;
pub mod record;
pub mod repository;
pub mod run;
pub mod secrets;
pub mod snapshot;
pub mod speech;
mod subject;
pub mod support;
mod witness;
mod work;

pub use apart::leave_ground;
