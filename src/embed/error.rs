//! Why a run did not begin, or did not come to its end.

use coord_engine::Refusal;
use coord_host::driver::DriveError;
use coord_host::journal::JournalError;
use coord_host::run::RunError;
use std::io;
use std::path::PathBuf;

/// Why a run did not begin, or did not come to its end. Tasks that fail are no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The run cannot be done so: what it is, and the way out. Nothing was started.
    #[error("{0}\n  help: {1}")]
    NotPossible(String, String),
    /// The project's folder cannot be entered. Nothing was started.
    #[error("cannot enter the project's folder `{}`: {source}", folder.display())]
    Folder {
        /// The folder that was given.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The helper that starts programs does not start. Nothing was started.
    #[error("cannot start the helper of programs: {0}")]
    Helper(#[source] io::Error),
    /// This thread cannot wait for anything. Nothing was started.
    #[error("cannot start the event loop: {0}")]
    Runtime(#[source] io::Error),
    /// The journal cannot be opened, written or trusted. What is recorded is safe.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such run, or it is damaged.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Every run has ended: there is none to go on with.
    #[error("there is no run here that has not ended")]
    NothingLeft,
    /// The run was interrupted by what it could not do; it can be taken up.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// In virtual time: an input that the run cannot take.
    #[error("{0}")]
    Refused(Refusal),
    /// In virtual time: it still moves after so many events, and would go on for ever.
    #[error("still going on after {0} events")]
    Endless(usize),
}
