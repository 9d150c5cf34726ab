//! coord inside another Rust program.
//!
//! A coordination is text ([`compile`], [`Compile`]) or is put together ([`build`]); both come to
//! the same [`Project`], with the same diagnostics. It has a frozen [`plan`], a [`schedule`], and
//! it runs: for real with [`Local`], or in virtual time with [`Virtual`]. Drivers of your own
//! ([`Driver`]: any closure) do the work of the agents that no program speaks for, [`People`]
//! answer what people are asked; the same ones fit both hosts.
//!
//! ```
//! use coord::build::{Agent, Draft, Human, Task, wd};
//! use coord::{Answer, Done, Job, Local, Question, Reach, Stop, Virtual};
//!
//! // built; `coord::compile(text)` takes it as text
//! let project = Draft::new("report")
//!     .with(Human::new("editor"))
//!     .with(Agent::new("analyst").via_label("model").capacity(2))
//!     .with(Task::new("sales").by("analyst").takes(wd(1.0)))
//!     .with(Task::new("costs").by("analyst").takes(wd(2.0)))
//!     .with(
//!         Task::new("summary")
//!             .by("analyst")
//!             .needs(["sales", "costs"])
//!             .takes(wd(1.0))
//!             .approve("editor"),
//!     )
//!     .compile()?;
//!
//! // planned: two working days, one more for the summary
//! assert_eq!(project.plan().tasks().count(), 3);
//! assert!(project.schedule().optimal);
//!
//! // run in virtual time, and for real
//! fn analyst(job: &Job, _stop: &Stop) -> Done {
//!     Done::well().output("text", format!("what there is to say of {}", job.task))
//! }
//! fn editor(_asked: &Question) -> Option<Answer> {
//!     Some(Answer::yes().note("fine"))
//! }
//! let rehearsed = Virtual::new()
//!     .drive(Reach::Label("model".into()), analyst)
//!     .people(editor)
//!     .run(&project)?;
//! assert!(rehearsed.is_completed());
//!
//! let folder = tempfile::tempdir()?;
//! let done = Local::new(folder.path())
//!     .drive(Reach::Label("model".into()), analyst)
//!     .people(editor)
//!     .run(&project)?;
//! assert!(done.is_completed());
//! assert_eq!(done.outputs("summary").unwrap()["text"], "what there is to say of summary");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A real run keeps its journal beside the project; the command `coord` looks at it, answers for
//! people, and goes on with it. Runs that start programs need [`helper`] in `main`.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod build;
mod compile;
mod error;
mod helper;
mod local;
mod orders;
mod report;
mod virtual_time;

pub use compile::{Compile, Mistakes, Project, compile_text as compile};
pub use error::Error;
pub use helper::helper;
pub use local::Local;
pub use orders::Orders;
pub use report::{Report, Seen};
pub use virtual_time::Virtual;

pub use coord_engine::{Ask, Event, Fact, ItemId, RunStatus, State, Status, Verdict};
pub use coord_host::bench::{Bench, Talk};
pub use coord_host::brief::Brief;
pub use coord_host::driver::End;
pub use coord_host::reach::{Answer, Done, Driver, Drivers, Job, People, Question, Reach, Stop};
pub use coord_lang::diagnostic::{Diagnostic, Severity};
pub use coord_lang::{ids, model};
pub use coord_plan::{levelling, plan, schedule};

/// The example of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
