//! The journal of a real run: an SQLite file in the project's home.
//!
//! Owns how a journal is made and opened for writing, and the numbering of runs and events.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::audit::{self, SCHEMA};
use super::connection::{self, APPLICATION_ID, Access, Database};
use super::head::{self, Head, HeadFile};
use super::reader::sync_folder;
use super::writer::{Order, Stored, Writer};
use super::{
    Done, EventView, FORMAT, Hash, Journal, JournalError, JournalRead, NewEvent, ProjectLock,
    Reader, RunKey, RunRow, RunSummary, SeqRange, StoredRun,
};
use crate::home::Home;

/// The writer's journal. Reads see what is durable.
pub struct SqliteJournal {
    // Dropped in this order: an open reader would keep the writer from closing the file, and the
    // lock goes when the writer's thread has ended.
    reader: Reader,
    writer: Writer,
    _lock: ProjectLock,
    path: PathBuf,
    last_run: i64,
    last_seq: i64,
    /// The last events of `last_seq`, not yet on their way to the disk.
    held: Vec<NewEvent>,
    /// Ids of runs made here, which may not be durable and so not readable yet.
    new_ids: BTreeSet<String>,
}

impl SqliteJournal {
    /// Opens the journal of `home`, making it if there is none. The lock proves that this process
    /// is the only writer, and is kept until the journal is closed.
    ///
    /// Crash inside: there is no journal, or an empty one, or the one that was there.
    pub fn open(home: &Home, lock: ProjectLock) -> Result<Self, JournalError> {
        let path = home.journal_path();
        let database = open_or_make(&path)?;
        let head = audit::admit(&database)?;
        Self::start(database, head, lock)
    }

    fn start(database: Database, head: Head, lock: ProjectLock) -> Result<Self, JournalError> {
        let path = database.path.clone();
        let file = HeadFile::open(&path, &head)?;
        file.record(&head)?;
        connection::make_durable(&database)?;
        let reader = Reader::beside_writer(&path)?;
        Ok(Self {
            reader,
            writer: Writer::start(database, file, head)?,
            _lock: lock,
            path,
            last_run: head.runs,
            last_seq: head.seq,
            held: Vec::new(),
            new_ids: BTreeSet::new(),
        })
    }

    /// A further reader, for another thread of this process.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        Reader::beside_writer(&self.path)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until everything appended or held is durable, then closes the journal into one file.
    /// Dropping does the same and loses only the error, and what is held.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.flush_held()?;
        let Self {
            reader, mut writer, ..
        } = self;
        drop(reader);
        writer.close()
    }

    /// Takes a batch that nothing waits for yet: it is stored with the next one that is appended,
    /// and costs no flush of its own.
    ///
    /// Crash before that: it is not there.
    pub fn hold(&mut self, batch: Vec<NewEvent>) -> Result<SeqRange, JournalError> {
        let unknown = batch
            .iter()
            .find(|event| !(1..=self.last_run).contains(&event.run.0));
        if let Some(event) = unknown {
            return Err(JournalError::UnknownRun { run: event.run });
        }
        let range = SeqRange::after(self.last_seq, batch.len());
        self.held.extend(batch);
        self.last_seq = range.last;
        Ok(range)
    }

    /// Events that are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Stores what is held.
    pub fn flush(&mut self, done: Done) -> Result<SeqRange, JournalError> {
        self.append(Vec::new(), done)
    }

    fn flush_held(&mut self) -> Result<(), JournalError> {
        if self.held() > 0 {
            self.flush(Box::new(drop))?;
        }
        Ok(())
    }

    fn refuse_second(&self, id: &str) -> Result<(), JournalError> {
        match self.new_ids.contains(id) || self.reader.run(id)?.is_some() {
            true => Err(JournalError::RunExists { id: id.to_owned() }),
            false => Ok(()),
        }
    }
}

impl Journal for SqliteJournal {
    fn create_run(&mut self, run: RunRow, done: Done) -> Result<RunKey, JournalError> {
        self.refuse_second(&run.id)?;
        self.flush_held()?;
        let id = run.id.clone();
        let key = RunKey(self.last_run + 1);
        let range = SeqRange::after(self.last_seq, 0);
        self.writer.send(Order {
            what: Stored::Run(key, run),
            range,
            done,
        })?;
        self.last_run = key.0;
        self.new_ids.insert(id);
        Ok(key)
    }

    fn append(&mut self, batch: Vec<NewEvent>, done: Done) -> Result<SeqRange, JournalError> {
        let range = self.hold(batch)?;
        let events = std::mem::take(&mut self.held);
        self.writer.send(Order {
            range: SeqRange::after(range.last - events.len() as i64, events.len()),
            what: Stored::Events(events),
            done,
        })?;
        Ok(range)
    }

    fn durable_seq(&self) -> i64 {
        self.writer.durable_seq()
    }

    fn failure(&self) -> Option<JournalError> {
        self.writer.failure()
    }
}

impl JournalRead for SqliteJournal {
    fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        self.reader.runs()
    }

    fn run(&self, id: &str) -> Result<Option<StoredRun>, JournalError> {
        self.reader.run(id)
    }

    fn visit_events(
        &self,
        run: RunKey,
        after_seq: i64,
        visit: &mut dyn FnMut(EventView<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        self.reader.visit_events(run, after_seq, visit)
    }

    fn link(&self, run: RunKey, seq: i64) -> Result<Option<Hash>, JournalError> {
        self.reader.link(run, seq)
    }

    fn visit_kinds(
        &self,
        run: RunKey,
        kinds: &[&str],
        visit: &mut dyn FnMut(EventView<'_>),
    ) -> Result<(), JournalError> {
        self.reader.visit_kinds(run, kinds, visit)
    }

    fn home(&self) -> Option<&Path> {
        self.reader.home()
    }

    fn last_seq(&self) -> Result<i64, JournalError> {
        self.reader.last_seq()
    }
}

/// What [`adopt`] accepted, beside what the witness had seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    pub runs: i64,
    pub last_seq: i64,
    pub witnessed_seq: Option<i64>,
}

/// The way out of [`JournalError::Truncated`] and [`JournalError::WitnessMissing`] when nothing
/// can be put back: verifies every row that is left and makes the witness agree with it. What was
/// lost stays lost, so only a person may ask for this.
///
/// Crash inside: the journal is refused as before, or adopted.
pub fn adopt(home: &Home, lock: &ProjectLock) -> Result<Adopted, JournalError> {
    let path = home.journal_path();
    debug_assert_eq!(lock.path(), home.lock_path());
    let database = Database::open(&path, Access::Write)?;
    let end = audit::examine(&database)?;
    Reader::beside_writer(&path)?.verify()?;
    let witness = head::read(&path).ok().flatten();
    HeadFile::open(&path, &end)?.record(&end)?;
    Ok(Adopted {
        runs: end.runs,
        last_seq: end.seq,
        witnessed_seq: witness.map(|witness| witness.seq),
    })
}

fn open_or_make(path: &Path) -> Result<Database, JournalError> {
    let missing =
        fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if missing {
        if let Some(witness) = head::read(path)? {
            let what = format!(
                "the file is missing, but its witness saw event {} of {} runs",
                witness.seq, witness.runs
            );
            return Err(JournalError::truncated(path, what));
        }
        make(path)?;
    }
    Database::open(path, Access::Write)
}

/// Makes an empty journal under another name and renames it: a crash leaves no journal or a whole
/// one.
fn make(path: &Path) -> Result<(), JournalError> {
    let new = path.with_extension("db-new");
    let failed = |error: io::Error| JournalError::io(path, "make", &error);
    make_private(&new).map_err(failed)?;
    fill(&new).map_err(|error| JournalError::sqlite(path, "make", error))?;
    File::open(&new)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    fs::rename(&new, path)
        .and_then(|()| sync_folder(path))
        .map_err(failed)
}

/// Mode 0600 whatever the umask; SQLite gives its `-wal` and `-shm` the mode of the database.
fn make_private(new: &Path) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o600))?;
    Ok(())
}

fn fill(new: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(new, flags)?;
    // The header must hold both numbers before a log exists: they are read without SQLite.
    connection.execute_batch(&format!(
        "BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; \
         {SCHEMA} COMMIT;"
    ))?;
    connection.close().map_err(|(_, error)| error)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The path of a journal in a folder that goes away with it.
    struct Closed(PathBuf);

    impl std::ops::Deref for Closed {
        type Target = Path;
        fn deref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Closed {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.parent().unwrap());
        }
    }

    /// A closed journal with one run and one event, in a folder of its own.
    fn closed_journal(name: &str) -> Closed {
        let folder = std::env::temp_dir().join(format!("coord-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let home = Home::open(&folder).unwrap();
        let mut journal = SqliteJournal::open(&home, home.lock("test").unwrap()).unwrap();
        let row = RunRow {
            id: "r".into(),
            created_at_ms: 1,
            file: "f".into(),
            source_digest: "d".into(),
            plan: vec![1, 2, 3],
            meta: "{}".into(),
        };
        let run = journal.create_run(row, Box::new(drop)).unwrap();
        let event = NewEvent {
            run,
            at_ms: 1,
            kind: "task.completed".into(),
            subject: Some("A".into()),
            generation: 0,
            body: "{}".into(),
        };
        journal.append(vec![event], Box::new(drop)).unwrap();
        journal.close().unwrap();
        Closed(home.journal_path())
    }

    fn execute(path: &Path, sql: &str) -> Result<(), String> {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(sql)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_never_changed_or_removed() {
        let path = closed_journal("append-only");
        for sql in [
            "UPDATE event SET body = '[]'",
            "DELETE FROM event",
            "UPDATE run SET meta = '[]'",
            "DELETE FROM run",
            "PRAGMA recursive_triggers = ON; REPLACE INTO event SELECT * FROM event",
        ] {
            let refused = execute(&path, sql).unwrap_err();
            assert!(
                refused.contains("the journal is append-only"),
                "{sql}: {refused}"
            );
        }
        let second = "INSERT INTO event SELECT 2, run, at_ms, generation, hash, kind, subject, \
             body FROM event";
        assert!(
            execute(&path, second)
                .unwrap_err()
                .contains("UNIQUE constraint failed")
        );
        Reader::open(&path).unwrap().verify().unwrap();
    }

    #[test]
    fn a_journal_with_foreign_tables_is_refused_before_they_are_evaluated() {
        for sql in [
            "CREATE TABLE extra (x)",
            "CREATE VIEW v AS SELECT load_extension('x') FROM event",
            "CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT readfile('/etc/passwd'); END",
            "DROP TRIGGER event_is_never_updated",
            "DROP INDEX completed_once",
        ] {
            let path = closed_journal("foreign");
            execute(&path, sql).unwrap();
            let error = Reader::open(&path).err().unwrap();
            assert!(
                matches!(error, JournalError::Damaged { .. }),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn rows_changed_by_someone_who_removed_the_triggers_break_the_chain() {
        let triggers = "SELECT group_concat(sql, ';') || ';' FROM sqlite_schema \
             WHERE type = 'trigger'";
        for sql in [
            "UPDATE event SET body = '[]'",
            "UPDATE event SET at_ms = at_ms + 1",
            "UPDATE event SET subject = 'B'",
            "UPDATE event SET generation = 1",
            "UPDATE run SET plan = x'00'",
            "UPDATE run SET meta = '[]'",
            "UPDATE run SET after_seq = 1",
        ] {
            let path = closed_journal("chain");
            let connection = Connection::open(&*path).unwrap();
            let restore: String = connection
                .query_row(triggers, [], |row| row.get(0))
                .unwrap();
            connection
                .execute_batch(
                    "DROP TRIGGER run_is_never_updated; DROP TRIGGER event_is_never_updated;",
                )
                .unwrap();
            connection.execute_batch(sql).unwrap();
            let missing = restore.split("END;").filter(|sql| sql.contains("UPDATE"));
            for trigger in missing {
                connection.execute_batch(&format!("{trigger}END;")).unwrap();
            }
            drop(connection);
            let error = Reader::open(&path).unwrap().verify().unwrap_err();
            assert!(
                matches!(error, JournalError::Damaged { .. }),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn a_second_owner_stops_the_first() {
        let path = closed_journal("overtaken");
        let home = Home::open(path.parent().unwrap()).unwrap();
        let event = |body: &str| NewEvent {
            run: RunKey(1),
            at_ms: 2,
            kind: "note".into(),
            subject: None,
            generation: 0,
            body: body.into(),
        };
        let (send, told) = std::sync::mpsc::channel();
        let done = || -> Done {
            let send = send.clone();
            Box::new(move |result| send.send(result).unwrap())
        };
        let mut first = SqliteJournal::open(&home, home.lock("first").unwrap()).unwrap();
        fs::remove_file(home.lock_path()).unwrap();
        let mut second = SqliteJournal::open(&home, home.lock("second").unwrap()).unwrap();
        second.append(vec![event("second")], done()).unwrap();
        told.recv().unwrap().unwrap();
        first.append(vec![event("first")], done()).unwrap();
        let stopped = told.recv().unwrap().unwrap_err();
        assert!(
            matches!(stopped, JournalError::Overtaken { .. }),
            "{stopped}"
        );
        assert_eq!(second.events(RunKey(1), 1).unwrap()[0].body, "second");
    }
}
