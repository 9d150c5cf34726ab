//! The journal: runs and their events, append-only, durable before anyone is told so.
//!
//! Owns the boundary between the driver and storage: the row types, the two traits and the one
//! error. Rows are opaque here; the journal does not know what an event means, which task follows
//! which, or what a plan contains. It knows no tokio: durability is reported by a callback.
//!
//! Reading order:
//! - `error`: what can go wrong, with the way out
//! - `chain`: the hash chain of a run
//! - `head`: the witness beside the database
//! - `lock`: one writer per project
//! - `connection`: how SQLite is opened and configured
//! - `audit`: what is verified at open
//! - `reader`, `writer`: the two sides of the SQLite journal; `sqlite` puts them together
//! - `memory`: the same boundary for the virtual host

mod audit;
mod chain;
mod connection;
mod error;
mod head;
mod lock;
mod memory;
mod reader;
mod sqlite;
mod writer;

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

pub use chain::Hash;
pub use error::{IoFault, JournalError};
pub use lock::{LockHolder, ProjectLock};
pub use memory::MemoryJournal;
pub use reader::Reader;
pub use sqlite::{Adopted, SqliteJournal, adopt};

/// The format this build writes, and the newest one it reads (`PRAGMA user_version`).
pub const FORMAT: u32 = 1;

/// A run's number in its journal, dense from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey(pub i64);

impl fmt::Display for RunKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// A run as its creator gives it; never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub id: String,
    pub created_at_ms: i64,
    pub file: String,
    pub source_digest: String,
    /// The frozen plan, JSON.
    pub plan: Vec<u8>,
    /// Whatever else the creator wants to keep, JSON.
    pub meta: String,
}

/// A run as stored: its row, its number and the journal position at which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    pub run: RunKey,
    pub after_seq: i64,
    pub row: RunRow,
}

/// A run in a list: everything but the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    pub run: RunKey,
    pub id: String,
    pub created_at_ms: i64,
    pub file: String,
    pub source_digest: String,
    pub meta: String,
    pub plan_bytes: i64,
}

/// An event to store. Its `seq` is given by [`Journal::append`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub run: RunKey,
    pub at_ms: i64,
    pub kind: Cow<'static, str>,
    /// The task or other thing the event is about.
    pub subject: Option<String>,
    /// Counts `rerun`s of the subject; a `task.completed` is stored once in each.
    pub generation: i64,
    /// JSON.
    pub body: String,
}

/// An event as stored, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub seq: i64,
    pub run: RunKey,
    pub at_ms: i64,
    pub kind: String,
    pub subject: Option<String>,
    pub generation: i64,
    pub body: String,
}

/// An event as stored, borrowed from the storage for the length of one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventView<'a> {
    pub seq: i64,
    pub run: RunKey,
    pub at_ms: i64,
    pub kind: &'a str,
    pub subject: Option<&'a str>,
    pub generation: i64,
    pub body: &'a str,
}

impl EventView<'_> {
    pub fn to_row(self) -> EventRow {
        EventRow {
            seq: self.seq,
            run: self.run,
            at_ms: self.at_ms,
            kind: self.kind.to_owned(),
            subject: self.subject.map(str::to_owned),
            generation: self.generation,
            body: self.body.to_owned(),
        }
    }
}

impl NewEvent {
    fn view(&self, seq: i64) -> EventView<'_> {
        EventView {
            seq,
            run: self.run,
            at_ms: self.at_ms,
            kind: &self.kind,
            subject: self.subject.as_deref(),
            generation: self.generation,
            body: &self.body,
        }
    }
}

/// The events of one batch: `first..=last`, empty when `last < first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    pub first: i64,
    pub last: i64,
}

impl SeqRange {
    fn after(seq: i64, len: usize) -> Self {
        Self {
            first: seq + 1,
            last: seq + len as i64,
        }
    }

    pub fn is_empty(self) -> bool {
        self.last < self.first
    }

    pub fn len(self) -> usize {
        (self.last - self.first + 1).max(0) as usize
    }
}

/// Called once, on the writer's thread, when a batch is durable or will never be.
///
/// It must hand the news over and return: a slow one delays every later commit.
pub type Done = Box<dyn FnOnce(Result<SeqRange, JournalError>) + Send>;

/// What can be read from a journal, live or at rest. Reading changes nothing.
pub trait JournalRead {
    /// All runs in the order they were made, without their plans.
    fn runs(&self) -> Result<Vec<RunSummary>, JournalError>;

    /// One run with its plan, verified against its hash; `None` when no run has this id.
    fn run(&self, id: &str) -> Result<Option<StoredRun>, JournalError>;

    /// Shows the durable events of `run` after `after_seq` (0 for all), in order, each one only
    /// after its link in the hash chain was verified. Stops early on `Break`.
    ///
    /// Verification starts from the stored hash at `after_seq`; only a read from 0 proves the
    /// whole run.
    fn visit_events(
        &self,
        run: RunKey,
        after_seq: i64,
        visit: &mut dyn FnMut(EventView<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError>;

    /// The link of the event `seq` of `run` in the hash chain, as stored; None when it is not there.
    fn link(&self, _run: RunKey, _seq: i64) -> Result<Option<Hash>, JournalError> {
        Ok(None)
    }

    /// Shows the durable events of `run` that are of one of these kinds, in order, without their
    /// links: for what was verified before.
    fn visit_kinds(
        &self,
        run: RunKey,
        kinds: &[&str],
        visit: &mut dyn FnMut(EventView<'_>),
    ) -> Result<(), JournalError> {
        self.visit_events(run, 0, &mut |event| {
            if kinds.contains(&event.kind) {
                visit(event);
            }
            ControlFlow::Continue(())
        })
    }

    /// The folder that the journal lies in, where it lies in one.
    fn home(&self) -> Option<&Path> {
        None
    }

    /// The last durable event of the journal, 0 when it has none.
    fn last_seq(&self) -> Result<i64, JournalError>;

    /// [`JournalRead::visit_events`] into a vector.
    fn events(&self, run: RunKey, after_seq: i64) -> Result<Vec<EventRow>, JournalError> {
        let mut rows = Vec::new();
        self.visit_events(run, after_seq, &mut |event| {
            rows.push(event.to_row());
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }
}

/// The one writer of a journal.
///
/// Sequence numbers are given at once, so that the engine can speak of events before they are
/// durable; `done` says when they are. Nothing may be done in the world on account of an event
/// before its `done` said `Ok`. After the first error of storage every call and every waiting
/// `done` gets that same error: nothing is retried, because after a failed flush the kernel may
/// have thrown away what it could not write.
pub trait Journal: JournalRead {
    /// Stores a run. Its events may be appended at once: they become durable with it or after it.
    ///
    /// Crash before `done`: the run may or may not exist, wholly. After `done`: it exists.
    fn create_run(&mut self, run: RunRow, done: Done) -> Result<RunKey, JournalError>;

    /// Stores a batch, all of it or nothing, after everything appended earlier.
    /// An empty batch is a barrier: its `done` comes after everything earlier is durable.
    ///
    /// Crash before `done`: the batch may or may not be there, wholly, and never without all
    /// earlier ones. After `done`: it is there.
    fn append(&mut self, batch: Vec<NewEvent>, done: Done) -> Result<SeqRange, JournalError>;

    /// The last event known durable; everything up to it survives any crash.
    fn durable_seq(&self) -> i64;

    /// The error that stopped the writer, if one did.
    fn failure(&self) -> Option<JournalError>;
}
