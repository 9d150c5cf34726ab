//! A project put together by a program: typed, escaped, and shown as `.coord` text.
//!
//! A [`Draft`] collects statements. It writes them as the text that `coord fmt` would leave as it
//! is, and compiles that text the usual way. So a draft can be shown, committed and reviewed; its
//! mistakes are the diagnostics of the language, each with its place in that text; and nothing a
//! file can say means something else here. Names, texts, times and programs are escaped: a title
//! with quotes or `${` in it is that title, and a name that is none is a mistake, not a statement.
//!
//! What has no method here goes in by `statement`, which is read like the line of a file.
//!
//! ```
//! use coord::build::{Agent, Day, Draft, Human, Phase, Task, wd};
//!
//! let project = Draft::new("shop")
//!     .title("Web shop release")
//!     .starts(Day::new(2026, 3, 2))
//!     .with(Human::new("lead"))
//!     .with(Agent::new("backend").title("API and database").owns("api/**"))
//!     .with(
//!         Phase::new("build")
//!             .with(Task::new("schema").by("backend").takes(wd(1.0)..wd(2.0)).run(["make", "schema"]))
//!             .with(Task::new("api").by("backend").needs("schema").takes(wd(3.0)).run(["make", "api"])),
//!     )
//!     .with(Task::new("ship").by("lead").needs("build").takes(wd(0.5)))
//!     .compile()?;
//! assert_eq!(project.plan().tasks().count(), 3);
//! assert!(project.text().contains("task api {\n    by backend\n    needs schema\n"));
//! # Ok::<(), coord::Mistakes>(())
//! ```
//!
//! A mistake says where, why and what to do, as `coord check` does:
//!
//! ```
//! use coord::build::{Agent, Draft, Task};
//!
//! let wrong = Draft::new("shop")
//!     .with(Agent::new("backend"))
//!     .with(Task::new("api").by("bakend").run(["make"]))
//!     .compile()
//!     .unwrap_err();
//! let first = wrong.iter().next().unwrap();
//! assert_eq!(first.code, "E0201");
//! assert_eq!(first.help.as_deref(), Some("did you mean `backend`?"));
//! assert_eq!(wrong.to_string(), "\
//! draft.coord:8:6: E0201 no agent named `bakend`
//!   help: did you mean `backend`?");
//! ```

mod action;
mod block;
mod draft;
mod guards;
mod rules;
mod value;
mod who;
mod work;

pub use action::{Action, Approval, Budget, Condition, Limit, Who};
pub use draft::{Draft, Part};
pub use guards::{Check, Gate, Resource};
pub use rules::{
    Calendar, Conflict, Domain, Escalation, Handoff, Incident, Level, Mode, Reaction, Recurring,
};
pub use value::{Day, Due, Every, Names, Program, Takes, Text, Time, Weekday, wd, wh};
pub use who::{Agent, Artifact, Group, Human, Owns, Via};
pub use work::{
    By, Criticality, Milestone, Needs, Parallel, Phase, Priority, Retry, Sequence, Sync, Task,
    Work, Workflow,
};

/// What every statement with a block has.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[must_use]
        pub struct $name {
            pub(super) block: super::block::Block,
        }

        impl $name {
            /// Takes its name: letters, digits, `_` and inner `-`, starting with a letter or `_`.
            /// Another name is a mistake that compiling tells.
            pub fn new(name: impl AsRef<str>) -> $name {
                $name {
                    block: super::block::Block::named($word, name.as_ref()),
                }
            }

            /// Its title, for people.
            pub fn title(mut self, title: impl AsRef<str>) -> $name {
                self.block.set_title(title.as_ref());
                self
            }

            /// What there is to say about it: a doc comment, shown in hovers, listings and briefs.
            pub fn doc(mut self, doc: impl AsRef<str>) -> $name {
                self.block.set_doc(doc.as_ref());
                self
            }

            /// Lines of its block that have no method here, read like those of a file.
            pub fn statement(mut self, text: impl AsRef<str>) -> $name {
                self.block.raw(text.as_ref());
                self
            }
        }
    };
}
pub(crate) use statement;
