//! The writing side: one thread that owns the one write connection.
//!
//! Owns the order of commits and what happens when one fails. While a commit is in flight further
//! batches queue up, and the next transaction takes all of them (group commit), so the flush is
//! paid once for all that was ready. Knows no tokio and gives no sequence numbers: those are given
//! by `SqliteJournal`, in the order in which batches enter the queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::chain::{self, Chain, Hash, RunFacts};
use super::connection::Database;
use super::head::{Head, HeadFile};
use super::{Done, EventView, IoFault, JournalError, NewEvent, RunKey, RunRow, SeqRange};

/// Batches that may wait for the disk. The driver waits for durability before it acts, so only a
/// stalled disk fills this; then waiting is the right thing for the driver to do.
const QUEUE_BATCHES: usize = 4096;
/// Rows after which a group is closed: bounds the log and the time to the first acknowledgement.
const GROUP_ROWS: usize = 16 * 1024;
/// Pages of log after which it is copied into the database, SQLite's own default.
const CHECKPOINT_PAGES: usize = 1000;
/// What a commit writes besides its rows: the leaves of a table and two indexes, rounded up.
const COMMIT_PAGES: usize = 4;
/// A row's bytes beyond its texts: hash, numbers, index entries.
const ROW_BYTES: usize = 96;
const PAGE_BYTES: usize = 4096;

const INSERT_RUN: &str = "INSERT INTO run (run, id, created_at_ms, after_seq, file, \
     source_digest, meta, plan_digest, hash, plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INSERT_EVENT: &str = "INSERT INTO event (seq, run, at_ms, generation, hash, kind, subject, \
     body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const LAST_LINK: &str = "SELECT coalesce((SELECT hash FROM event WHERE run = ?1 \
     ORDER BY seq DESC LIMIT 1), (SELECT hash FROM run WHERE run = ?1))";

/// The handle to the writer's thread.
pub(super) struct Writer {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
    status: Arc<Status>,
}

/// What the thread lets everybody see.
struct Status {
    durable_seq: AtomicI64,
    failure: OnceLock<JournalError>,
}

/// One thing to store, with who is to be told.
pub(super) struct Order {
    pub(super) what: Stored,
    /// The events of `what`; for a run the empty range at the position where it is made.
    pub(super) range: SeqRange,
    pub(super) done: Done,
}

pub(super) enum Stored {
    Run(RunKey, RunRow),
    Events(Vec<NewEvent>),
}

impl Writer {
    /// Starts the thread on a journal that was verified and ends at `head`.
    pub(super) fn start(
        database: Database,
        file: HeadFile,
        head: Head,
    ) -> Result<Self, JournalError> {
        let path = database.path.clone();
        let status = Arc::new(Status {
            durable_seq: AtomicI64::new(head.seq),
            failure: OnceLock::new(),
        });
        let mut shop = Shop {
            version: version_of(&database)?,
            database,
            file,
            head,
            links: HashMap::new(),
            chain: Chain::default(),
            log_pages: 0,
            status: Arc::clone(&status),
        };
        let (orders, queue) = sync_channel(QUEUE_BATCHES);
        let thread = thread::Builder::new()
            .name("coord-journal".to_owned())
            .spawn(move || {
                shop.serve(&queue);
                shop.close()
            })
            .map_err(|error| JournalError::io(&path, "start the writer of", &error))?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
            status,
        })
    }

    pub(super) fn send(&self, order: Order) -> Result<(), JournalError> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        let orders = self.orders.as_ref().ok_or(JournalError::WriterGone)?;
        orders.send(order).map_err(|_| JournalError::WriterGone)
    }

    pub(super) fn durable_seq(&self) -> i64 {
        self.status.durable_seq.load(Ordering::Acquire)
    }

    pub(super) fn failure(&self) -> Option<JournalError> {
        self.status.failure.get().cloned()
    }

    /// Waits until everything sent is durable or refused, then closes the journal into one file.
    ///
    /// Crash inside: the journal opens as after any crash.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        drop(self.orders.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(closed)) => closed,
            Some(Err(_)) => Err(JournalError::WriterGone),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`; rows that were acknowledged are safe either way.
        let _ = self.close();
    }
}

/// Everything the thread owns.
struct Shop {
    database: Database,
    file: HeadFile,
    head: Head,
    /// The last link of each run written to.
    links: HashMap<RunKey, Hash>,
    chain: Chain,
    /// Counts every commit of another connection, see [`Shop::begin`].
    version: i64,
    /// Pages of log written since the last checkpoint, estimated from above.
    log_pages: usize,
    status: Arc<Status>,
}

impl Shop {
    fn serve(&mut self, queue: &Receiver<Order>) {
        while let Ok(first) = queue.recv() {
            let group = gather(first, queue);
            match self.status.failure.get().cloned() {
                Some(error) => refuse(group, &error),
                None => self.store(group),
            }
        }
    }

    fn store(&mut self, group: Vec<Order>) {
        match self.commit(&group) {
            Ok(()) => self.acknowledge(group),
            Err(error) => {
                self.fail(error.clone());
                refuse(group, &error);
            }
        }
    }

    /// One transaction for the whole group.
    ///
    /// Crash before the commit returns: all of it or none of it is there. After: all of it.
    fn commit(&mut self, group: &[Order]) -> Result<(), JournalError> {
        if group.iter().all(Order::is_barrier) {
            return Ok(());
        }
        self.begin()?;
        let mut head = self.head;
        for order in group {
            self.insert(order, &mut head)?;
        }
        self.execute("COMMIT", "write")?;
        self.head = head;
        Ok(())
    }

    /// Takes the write lock and proves that nobody else wrote since we last did: a second owner,
    /// after a lock file was deleted by hand, stops us here instead of mixing with us.
    fn begin(&mut self) -> Result<(), JournalError> {
        self.execute("BEGIN IMMEDIATE", "write")?;
        match version_of(&self.database)? == self.version {
            true => Ok(()),
            false => Err(JournalError::Overtaken {
                path: self.database.path.clone(),
            }),
        }
    }

    fn insert(&mut self, order: &Order, head: &mut Head) -> Result<(), JournalError> {
        match &order.what {
            Stored::Run(run, row) => self.insert_run(*run, order.range.last, row, head),
            Stored::Events(events) => self.insert_events(order.range, events, head),
        }
    }

    fn insert_run(
        &mut self,
        run: RunKey,
        after_seq: i64,
        row: &RunRow,
        head: &mut Head,
    ) -> Result<(), JournalError> {
        let digest = chain::plan_digest(&row.plan);
        let hash = self
            .chain
            .genesis(&RunFacts::of(run, after_seq, row, &digest));
        let stored = self
            .database
            .connection
            .prepare_cached(INSERT_RUN)
            .and_then(|mut insert| {
                insert.execute(params![
                    run.0,
                    row.id,
                    row.created_at_ms,
                    after_seq,
                    row.file,
                    row.source_digest,
                    row.meta,
                    digest,
                    hash,
                    row.plan
                ])
            });
        stored.map_err(|error| self.database.error("write", error))?;
        self.links.insert(run, hash);
        self.log_pages += (row.plan.len() + row.meta.len()) / PAGE_BYTES + 1;
        (head.runs, head.run_hash) = (run.0, hash);
        Ok(())
    }

    fn insert_events(
        &mut self,
        range: SeqRange,
        events: &[NewEvent],
        head: &mut Head,
    ) -> Result<(), JournalError> {
        let connection = &self.database.connection;
        let failed = |error| JournalError::sqlite(&self.database.path, "write", error);
        let mut insert = connection.prepare_cached(INSERT_EVENT).map_err(failed)?;
        let mut bytes = 0;
        for (seq, event) in (range.first..).zip(events) {
            let event = event.view(seq);
            let link = match self.links.get_mut(&event.run) {
                Some(link) => link,
                None => {
                    let link = last_link(&self.database, event.run)?;
                    self.links.entry(event.run).or_insert(link)
                }
            };
            *link = self.chain.link(link, &event);
            insert
                .execute(params![
                    seq,
                    event.run.0,
                    event.at_ms,
                    event.generation,
                    &link[..],
                    event.kind,
                    event.subject,
                    event.body
                ])
                .map_err(|error| explain(&self.database, &event, error))?;
            bytes += event.kind.len() + event.body.len() + ROW_BYTES;
            (head.seq, head.event_hash) = (seq, *link);
        }
        self.log_pages += bytes / PAGE_BYTES + 1;
        Ok(())
    }

    /// Witness first, so that nothing acknowledged can be cut off unseen, then the callbacks, then
    /// the housekeeping nobody waits for.
    fn acknowledge(&mut self, group: Vec<Order>) {
        if let Err(error) = self.file.record(&self.head) {
            // The group is durable and is acknowledged as that; nothing after it is taken.
            self.fail(error);
        }
        self.status
            .durable_seq
            .store(self.head.seq, Ordering::Release);
        for order in group {
            (order.done)(Ok(order.range));
        }
        self.log_pages += COMMIT_PAGES;
        if self.log_pages > CHECKPOINT_PAGES && self.status.failure.get().is_none() {
            self.checkpoint();
        }
    }

    /// Copies the log into the database. Readers may keep part of it back; that part goes with a
    /// later one. Crash inside: the log is still there and is copied again.
    fn checkpoint(&mut self) {
        self.log_pages = 0;
        if let Err(error) = self.execute("PRAGMA wal_checkpoint(PASSIVE)", "write") {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: JournalError) {
        if !self.database.connection.is_autocommit() {
            // The transaction is lost in any case; an error here adds nothing to the first one.
            let _ = self.database.connection.execute_batch("ROLLBACK");
        }
        let _ = self.status.failure.set(error);
    }

    /// Leaves one closed file without a log: it can be copied, and read without making files.
    /// Readers that are still open prevent that; then the log stays, as after a crash.
    fn close(self) -> Result<(), JournalError> {
        if let Some(error) = self.status.failure.get() {
            return Err(error.clone());
        }
        let connection = &self.database.connection;
        let closed = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.execute_batch("PRAGMA journal_mode = DELETE"));
        match closed.map_err(|error| self.database.error("close", error)) {
            Err(JournalError::Io {
                fault: IoFault::Busy,
                ..
            })
            | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn execute(&self, sql: &str, doing: &'static str) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.database.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        };
        run().map_err(|error| self.database.error(doing, error))
    }
}

impl Order {
    fn is_barrier(&self) -> bool {
        matches!(&self.what, Stored::Events(events) if events.is_empty())
    }

    fn rows(&self) -> usize {
        match &self.what {
            Stored::Run(..) => 1,
            Stored::Events(events) => events.len(),
        }
    }
}

/// Everything that is ready now, up to the bound.
fn gather(first: Order, queue: &Receiver<Order>) -> Vec<Order> {
    let mut rows = first.rows();
    let mut group = vec![first];
    while rows < GROUP_ROWS {
        let Ok(order) = queue.try_recv() else { break };
        rows += order.rows();
        group.push(order);
    }
    group
}

fn refuse(group: Vec<Order>, error: &JournalError) {
    for order in group {
        (order.done)(Err(error.clone()));
    }
}

fn version_of(database: &Database) -> Result<i64, JournalError> {
    let read = || -> rusqlite::Result<i64> {
        let mut statement = database.connection.prepare_cached("PRAGMA data_version")?;
        statement.query_row([], |row| row.get(0))
    };
    read().map_err(|error| database.error("read", error))
}

fn last_link(database: &Database, run: RunKey) -> Result<Hash, JournalError> {
    let read = || -> rusqlite::Result<Option<Option<Hash>>> {
        let mut statement = database.connection.prepare_cached(LAST_LINK)?;
        statement.query_row([run.0], |row| row.get(0)).optional()
    };
    let link = read().map_err(|error| database.error("read", error))?;
    link.flatten().ok_or(JournalError::UnknownRun { run })
}

/// A constraint that was hit, in the words of the event that hit it.
fn explain(database: &Database, event: &EventView<'_>, error: rusqlite::Error) -> JournalError {
    match database.error("write", error) {
        JournalError::Refused { what } => JournalError::Refused {
            what: format!(
                "`{}` of `{}` (generation {}) in run number {}: {what}",
                event.kind,
                event.subject.unwrap_or("-"),
                event.generation,
                event.run
            ),
        },
        other => other,
    }
}
