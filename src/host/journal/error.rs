//! What can go wrong with a journal or its home, as facts; the sentence names the file, the cause
//! and the way out. Owns no rendering: exit status and colour belong to the command line.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::{LockHolder, RunKey};

/// Cloned freely: the error that stops a writer is given to everyone who waits for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("`{}` is not a coord journal: {what}; move it away or set COORD_HOME to another folder", path.display())]
    NotAJournal { path: PathBuf, what: String },

    #[error(
        "`{}` was written by a newer coord (journal format {found}, this one knows {known}); it was left untouched, use the newer coord",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },

    #[error(
        "the journal `{}` is damaged{}: {what}; nothing was changed, restore a backup",
        path.display(), place(run.as_ref(), seq.as_ref())
    )]
    Damaged {
        path: PathBuf,
        run: Option<RunKey>,
        seq: Option<i64>,
        what: String,
    },

    #[error(
        "the journal `{}` has lost its end: {what}; nothing was changed, put the missing file back or restore a backup",
        path.display()
    )]
    Truncated { path: PathBuf, what: String },

    #[error(
        "the journal `{}` was not closed and its witness `{}` is missing, so nobody can say whether its end is there; put the file back or restore a backup",
        path.display(), path.with_extension("head").display()
    )]
    WitnessMissing { path: PathBuf },

    #[error(
        "the journal `{}` was interrupted while it was being opened or closed and only a writer can finish that; run `coord resume`",
        path.display()
    )]
    HalfClosed { path: PathBuf },

    #[error("`{}` is in use: {}", path.display(), holder(by.as_ref()))]
    Locked {
        path: PathBuf,
        by: Option<LockHolder>,
    },

    #[error(
        "`{}` is on a network file system ({kind}), where locks and flushes cannot be trusted; set COORD_HOME to a folder on a local disk",
        path.display()
    )]
    NetworkFileSystem { path: PathBuf, kind: &'static str },

    #[error("`{}` cannot hold a journal: {what}", path.display())]
    Unsafe { path: PathBuf, what: String },

    #[error("cannot {doing} `{}`: {fault}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        fault: IoFault,
    },

    #[error("a run `{id}` exists already; choose another run id or resume it")]
    RunExists { id: String },

    #[error("there is no run number {run} in this journal")]
    UnknownRun { run: RunKey },

    #[error("the journal refused an event: {what}")]
    Refused { what: String },

    #[error(
        "another process wrote to `{}` while this one owned it; this one stopped, run `coord resume` when the other is done",
        path.display()
    )]
    Overtaken { path: PathBuf },

    #[error("the journal's writer has stopped")]
    WriterGone,
}

/// Why the operating system said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IoFault {
    #[error("the disk is full; free some space there and run the command again")]
    DiskFull,
    #[error("the disk quota is used up; free some space there and run the command again")]
    QuotaUsedUp,
    #[error("it is read-only; make it writable or set COORD_HOME to another folder")]
    ReadOnly,
    #[error("permission denied; check its owner and mode or set COORD_HOME to another folder")]
    Permission,
    #[error("it does not exist")]
    Missing,
    #[error("it is locked by another program; close that program and run the command again")]
    Busy,
    #[error("{0}; check the disk")]
    Other(String),
}

fn place(run: Option<&RunKey>, seq: Option<&i64>) -> String {
    match (run, seq) {
        (Some(run), Some(seq)) => format!(" at event {seq} of run number {run}"),
        (Some(run), None) => format!(" in run number {run}"),
        (None, Some(seq)) => format!(" at event {seq}"),
        (None, None) => String::new(),
    }
}

fn holder(by: Option<&LockHolder>) -> String {
    match by {
        Some(holder) => format!("{holder}; wait for it or stop it"),
        None => "another coord owns it; wait for it or stop it".to_owned(),
    }
}

impl IoFault {
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull,
            io::ErrorKind::QuotaExceeded => Self::QuotaUsedUp,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl JournalError {
    pub(crate) fn io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            doing,
            fault: IoFault::of(error),
        }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            run: None,
            seq: None,
            what: what.into(),
        }
    }

    pub(super) fn not_a_journal(path: &Path, what: impl Into<String>) -> Self {
        Self::NotAJournal {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn truncated(path: &Path, what: impl Into<String>) -> Self {
        Self::Truncated {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// SQLite's error in the words of this boundary.
    pub(super) fn sqlite(path: &Path, doing: &'static str, error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            // A column of the wrong type, text that is not UTF-8: our own rows never are that.
            return Self::damaged(path, text);
        };
        let fault = match failure.code {
            ErrorCode::DatabaseCorrupt => return Self::damaged(path, text),
            ErrorCode::NotADatabase => return Self::not_a_journal(path, text),
            ErrorCode::ConstraintViolation => return Self::Refused { what: text },
            ErrorCode::ReadOnly if needs_writer(failure.extended_code) => {
                return Self::HalfClosed {
                    path: path.to_owned(),
                };
            }
            ErrorCode::DiskFull => IoFault::DiskFull,
            ErrorCode::ReadOnly => IoFault::ReadOnly,
            ErrorCode::PermissionDenied => IoFault::Permission,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => IoFault::Busy,
            _ => IoFault::Other(format!("{text} (SQLite code {})", failure.extended_code)),
        };
        Self::Io {
            path: path.to_owned(),
            doing,
            fault,
        }
    }
}

/// A rollback journal or a write-ahead log waits for recovery, which a reader may not do.
fn needs_writer(extended_code: i32) -> bool {
    use rusqlite::ffi::{
        SQLITE_READONLY_CANTINIT, SQLITE_READONLY_RECOVERY, SQLITE_READONLY_ROLLBACK,
    };
    [
        SQLITE_READONLY_CANTINIT,
        SQLITE_READONLY_RECOVERY,
        SQLITE_READONLY_ROLLBACK,
    ]
    .contains(&extended_code)
}
