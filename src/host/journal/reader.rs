//! The reading side: a read-only connection that works beside a live writer and at rest.
//!
//! Owns the verification of the chain while reading. Makes no file beside a journal that was
//! closed or whose log is there, and holds no snapshot longer than one page of events.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::audit;
use super::chain::{self, Chain, Hash, RunFacts};
use super::connection::{Access, Database};
use super::{EventView, JournalError, JournalRead, RunKey, RunRow, RunSummary, StoredRun};

/// Events per statement. An open snapshot keeps the writer's log from restarting, so a reader
/// lets go between pages.
const PAGE_EVENTS: usize = 4096;

const EVENTS: &str = "SELECT seq, at_ms, generation, hash, kind, subject, body FROM event \
     WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
const RUNS: &str = "SELECT run, after_seq, id, created_at_ms, file, source_digest, meta, \
     plan_digest, hash, length(plan) FROM run ORDER BY run";
const RUN_BY_ID: &str = "SELECT run, after_seq, id, created_at_ms, file, source_digest, meta, \
     plan_digest, hash, plan FROM run WHERE id = ?1";
const RUN_BY_KEY: &str = "SELECT run, after_seq, id, created_at_ms, file, source_digest, meta, \
     plan_digest, hash FROM run WHERE run = ?1";

/// A verified, read-only view of a journal file.
pub struct Reader {
    database: Database,
}

impl Reader {
    /// Opens and verifies the journal at `path`. Refuses by name what is no journal, newer,
    /// damaged or truncated, and leaves all of those untouched.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let reader = Self::beside_writer(path)?;
        audit::admit(&reader.database)?;
        Ok(reader)
    }

    /// A further reader of a journal that this process has already verified.
    pub(super) fn beside_writer(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            database: Database::open(path, Access::Read)?,
        })
    }

    /// Reads every run and every event and verifies all of it, whatever the size.
    pub fn verify(&self) -> Result<(), JournalError> {
        for summary in self.runs()? {
            self.run(&summary.id)?;
            self.visit_events(summary.run, 0, &mut |_| ControlFlow::Continue(()))?;
        }
        Ok(())
    }

    /// Writes a consistent copy, one closed file, also while the writer is at work. Refuses to
    /// overwrite. To use it, put it in place of `journal.db` and remove `journal.head`, which
    /// belongs to the journal it replaces.
    ///
    /// Crash before it returns: at most a file with `.partial` at its end is left. After: the copy
    /// is on disk.
    pub fn backup(&self, to: &Path) -> Result<(), JournalError> {
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let failed = |error: io::Error| JournalError::io(to, "write the backup", &error);
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let partial = make_private(&partial).map_err(failed)?;
        let copied = self.copy_into(&partial).and_then(|()| {
            File::open(&partial)
                .and_then(|file| file.sync_all())
                .map_err(failed)?;
            fs::rename(&partial, to)
                .and_then(|()| sync_folder(to))
                .map_err(failed)
        });
        if copied.is_err() {
            // The copy failed already; what is left of it is named in the doc.
            let _ = fs::remove_file(&partial);
        }
        copied
    }

    fn copy_into(&self, partial: &Path) -> Result<(), JournalError> {
        let Some(name) = partial.to_str() else {
            let what = "its name is not UTF-8".to_owned();
            return Err(JournalError::Unsafe {
                path: partial.to_owned(),
                what,
            });
        };
        let connection = &self.database.connection;
        let failed = |error| JournalError::sqlite(partial, "write the backup", error);
        connection
            .pragma_update(None, "query_only", false)
            .map_err(failed)?;
        let copied = connection.execute("VACUUM INTO ?1", [name]).map_err(failed);
        connection
            .pragma_update(None, "query_only", true)
            .map_err(failed)?;
        copied.map(drop)
    }

    fn failed(&self, error: rusqlite::Error) -> JournalError {
        self.database.error("read", error)
    }

    fn damaged(&self, run: RunKey, seq: Option<i64>, what: &str) -> JournalError {
        let path = self.database.path.clone();
        JournalError::Damaged {
            path,
            run: Some(run),
            seq,
            what: what.to_owned(),
        }
    }

    /// Where the chain of `run` stands after `after_seq`.
    fn link_at(
        &self,
        run: RunKey,
        after_seq: i64,
        chain: &mut Chain,
    ) -> Result<Hash, JournalError> {
        let connection = &self.database.connection;
        let sql = "SELECT hash FROM event WHERE run = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1";
        let mut statement = connection
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        let stored: Option<Hash> = statement
            .query_row(params![run.0, after_seq], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(error))?;
        match stored {
            Some(hash) => Ok(hash),
            None => self.genesis(run, chain),
        }
    }

    fn genesis(&self, run: RunKey, chain: &mut Chain) -> Result<Hash, JournalError> {
        let connection = &self.database.connection;
        let mut statement = connection
            .prepare_cached(RUN_BY_KEY)
            .map_err(|error| self.failed(error))?;
        let mut rows = statement
            .query([run.0])
            .map_err(|error| self.failed(error))?;
        match rows.next().map_err(|error| self.failed(error))? {
            Some(row) => self.verified_run(row, chain).map(|run| run.hash),
            None => Err(JournalError::UnknownRun { run }),
        }
    }

    /// The facts of a run row, after its hash was recomputed from them.
    fn verified_run(&self, row: &Row<'_>, chain: &mut Chain) -> Result<RunRecord, JournalError> {
        let record = RunRecord::from_row(row).map_err(|error| self.failed(error))?;
        match chain.genesis(&record.facts()) == record.hash {
            true => Ok(record),
            false => Err(self.damaged(record.run, None, "the run's hash does not match its row")),
        }
    }

    fn verified_plan(&self, row: &Row<'_>) -> Result<StoredRun, JournalError> {
        let record = self.verified_run(row, &mut Chain::default())?;
        let plan: Vec<u8> = row.get(9).map_err(|error| self.failed(error))?;
        match chain::plan_digest(&plan) == record.plan_digest {
            true => Ok(record.with_plan(plan)),
            false => Err(self.damaged(record.run, None, "the plan does not match its digest")),
        }
    }

    fn summary(&self, row: &Row<'_>, chain: &mut Chain) -> Result<RunSummary, JournalError> {
        let record = self.verified_run(row, chain)?;
        let plan_bytes = row.get(9).map_err(|error| self.failed(error))?;
        Ok(record.summary(plan_bytes))
    }

    /// Visits one page of events; says whether there may be another.
    fn visit_page(
        &self,
        at: &mut Position,
        chain: &mut Chain,
        visit: &mut dyn FnMut(EventView<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, JournalError> {
        let connection = &self.database.connection;
        let failed = |error| self.failed(error);
        let mut statement = connection.prepare_cached(EVENTS).map_err(failed)?;
        let mut rows = statement
            .query(params![at.run.0, at.seq, PAGE_EVENTS as i64])
            .map_err(failed)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let (event, stored) = event_of(at.run, row).map_err(failed)?;
            let link = chain.link(&at.hash, &event);
            if link != stored {
                return Err(self.damaged(at.run, Some(event.seq), "the hash chain is broken"));
            }
            (at.seq, at.hash, count) = (event.seq, link, count + 1);
            if visit(event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(match count < PAGE_EVENTS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }
}

impl JournalRead for Reader {
    fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        let failed = |error| self.failed(error);
        let mut chain = Chain::default();
        let mut statement = self
            .database
            .connection
            .prepare_cached(RUNS)
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            runs.push(self.summary(row, &mut chain)?);
        }
        Ok(runs)
    }

    fn run(&self, id: &str) -> Result<Option<StoredRun>, JournalError> {
        let failed = |error| self.failed(error);
        let mut statement = self
            .database
            .connection
            .prepare_cached(RUN_BY_ID)
            .map_err(failed)?;
        let mut rows = statement.query([id]).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        row.map(|row| self.verified_plan(row)).transpose()
    }

    fn visit_events(
        &self,
        run: RunKey,
        after_seq: i64,
        visit: &mut dyn FnMut(EventView<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let mut chain = Chain::default();
        let hash = self.link_at(run, after_seq, &mut chain)?;
        let mut at = Position {
            run,
            seq: after_seq,
            hash,
        };
        while self.visit_page(&mut at, &mut chain, visit)?.is_continue() {}
        Ok(())
    }

    fn link(&self, run: RunKey, seq: i64) -> Result<Option<Hash>, JournalError> {
        let sql = "SELECT hash FROM event WHERE seq = ?1 AND run = ?2";
        self.database
            .connection
            .query_row(sql, params![seq, run.0], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(error))
    }

    fn visit_kinds(
        &self,
        run: RunKey,
        kinds: &[&str],
        visit: &mut dyn FnMut(EventView<'_>),
    ) -> Result<(), JournalError> {
        let failed = |error| self.failed(error);
        let places = vec!["?"; kinds.len()].join(", ");
        // in the order of the table: one pass over it is faster than a row of the index each
        let sql = format!(
            "SELECT seq, at_ms, generation, hash, kind, subject, body FROM event NOT INDEXED \
             WHERE kind IN ({places}) AND run = {} ORDER BY seq",
            run.0
        );
        let connection = &self.database.connection;
        let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(kinds))
            .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (event, _) = event_of(run, row).map_err(failed)?;
            visit(event);
        }
        Ok(())
    }

    fn home(&self) -> Option<&Path> {
        self.database.path.parent()
    }

    fn last_seq(&self) -> Result<i64, JournalError> {
        self.database
            .connection
            .query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| {
                row.get(0)
            })
            .map_err(|error| self.failed(error))
    }
}

/// How far a read has come, with the hash that the next event must follow.
struct Position {
    run: RunKey,
    seq: i64,
    hash: Hash,
}

fn event_of<'a>(run: RunKey, row: &'a Row<'_>) -> rusqlite::Result<(EventView<'a>, Hash)> {
    let event = EventView {
        seq: row.get(0)?,
        run,
        at_ms: row.get(1)?,
        generation: row.get(2)?,
        kind: row.get_ref(4)?.as_str()?,
        subject: row.get_ref(5)?.as_str_or_null()?,
        body: row.get_ref(6)?.as_str()?,
    };
    Ok((event, row.get(3)?))
}

/// A run row as stored, without its plan.
struct RunRecord {
    run: RunKey,
    after_seq: i64,
    id: String,
    created_at_ms: i64,
    file: String,
    source_digest: String,
    meta: String,
    plan_digest: Hash,
    hash: Hash,
}

impl RunRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: RunKey(row.get(0)?),
            after_seq: row.get(1)?,
            id: row.get(2)?,
            created_at_ms: row.get(3)?,
            file: row.get(4)?,
            source_digest: row.get(5)?,
            meta: row.get(6)?,
            plan_digest: row.get(7)?,
            hash: row.get(8)?,
        })
    }

    fn facts(&self) -> RunFacts<'_> {
        RunFacts {
            run: self.run,
            after_seq: self.after_seq,
            id: &self.id,
            created_at_ms: self.created_at_ms,
            file: &self.file,
            source_digest: &self.source_digest,
            meta: &self.meta,
            plan_digest: &self.plan_digest,
        }
    }

    fn summary(self, plan_bytes: i64) -> RunSummary {
        RunSummary {
            run: self.run,
            id: self.id,
            created_at_ms: self.created_at_ms,
            file: self.file,
            source_digest: self.source_digest,
            meta: self.meta,
            plan_bytes,
        }
    }

    fn with_plan(self, plan: Vec<u8>) -> StoredRun {
        let row = RunRow {
            id: self.id,
            created_at_ms: self.created_at_ms,
            file: self.file,
            source_digest: self.source_digest,
            plan,
            meta: self.meta,
        };
        StoredRun {
            run: self.run,
            after_seq: self.after_seq,
            row,
        }
    }
}

/// An empty file of mode 0600 with an absolute name: SQLite would otherwise make it under the
/// umask, and read a name that begins with `file:` as a URI.
fn make_private(path: &Path) -> io::Result<PathBuf> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o600))?;
    path.canonicalize()
}

pub(super) fn sync_folder(of: &Path) -> io::Result<()> {
    match of.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
