//! Snapshots: what a long run's journal comes to, so that it need not be folded again.
//!
//! A snapshot is a cache beside the journal. It names the event it stands behind by its link in
//! the hash chain, which covers every event before it; one that does not fit the journal, is
//! damaged, or is of another version of the program counts for nothing, and so does a missing one.

use crate::journal::{Hash, Journal, JournalRead, RunKey, SqliteJournal};
use crate::run::Run;
use coord_engine::{State, snapshot};
use coord_plan::plan::Plan;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Events after which a new snapshot is worth its writing.
pub const EVERY: u64 = 50_000;
/// Largest snapshot that is written or read.
const MOST_BYTES: u64 = 1 << 30;
const MAGIC: &[u8; 8] = b"coordsn1";
const HEADER: usize = 8 + 32 + 8 + 8 + 8 + 32 + 32;

/// A state and the event that it stands behind.
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) seq: i64,
    pub(crate) events: u64,
}

/// The folder of snapshots of a journal.
pub(crate) fn folder(home: &Path) -> PathBuf {
    home.join("snapshots")
}

/// The snapshot of a run, if there is one that fits its plan and its journal.
pub(crate) fn load(
    journal: &dyn JournalRead,
    run: RunKey,
    id: &str,
    plan: &Plan,
) -> Option<Snapshot> {
    let bytes = read(&path(&folder(journal.home()?), id)).ok()?;
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let mut at = Fields(header);
    let fits = at.take::<8>()? == *MAGIC
        && at.take::<32>()? == version()
        && i64::from_le_bytes(at.take()?) == run.0;
    let (seq, events) = (
        i64::from_le_bytes(at.take()?),
        u64::from_le_bytes(at.take()?),
    );
    let (link, digest) = (at.take::<32>()?, at.take::<32>()?);
    let whole = digest == *blake3::hash(body).as_bytes();
    let of_this_journal = || {
        journal
            .link(run, seq)
            .is_ok_and(|found| found == Some(link))
    };
    (fits && whole && of_this_journal()).then_some(())?;
    let state = snapshot::read(plan, body).ok()?;
    Some(Snapshot { state, seq, events })
}

/// The bytes of a state behind the event `seq`; `link` is that event's.
fn encode(run: RunKey, seq: i64, events: u64, link: &Hash, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&version());
    bytes.extend_from_slice(&run.0.to_le_bytes());
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(&events.to_le_bytes());
    bytes.extend_from_slice(link);
    bytes.extend_from_slice(blake3::hash(body).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Keeps a snapshot, in place of the one before.
///
/// Crash inside: the one before is there. What the page cache loses shows in the digest.
pub(crate) fn keep(home: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() as u64 > MOST_BYTES {
        return Ok(());
    }
    let folder = folder(home);
    std::fs::create_dir_all(&folder)?;
    let new = folder.join(format!("{id}.new"));
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    drop(file);
    std::fs::rename(new, path(&folder, id))
}

pub(crate) fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.state"))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn version() -> [u8; 32] {
    *blake3::hash(snapshot::FORMAT.as_bytes()).as_bytes()
}

/// Takes snapshots of a run while it goes on.
pub(crate) struct Keeper {
    every: u64,
    /// Events in the last one.
    last: u64,
    /// A state whose event may not be durable yet.
    waiting: Option<Taken>,
}

struct Taken {
    seq: i64,
    events: u64,
    body: Vec<u8>,
}

impl Keeper {
    pub(crate) fn new(run: &Run, every: u64) -> Keeper {
        Keeper {
            // writing a state takes as long as folding some events for each node
            every: every.max(2 * run.plan.nodes.len() as u64),
            last: run.skipped,
            waiting: None,
        }
    }

    /// To be called when every event of the state has been handed to the journal. Gives the bytes
    /// of a snapshot once its last event is durable.
    pub(crate) fn look(&mut self, run: &Run, journal: &SqliteJournal) -> Option<Vec<u8>> {
        if self.waiting.is_none() && run.events >= self.last + self.every {
            self.take(run);
        }
        self.ready(run, journal)
    }

    /// The last look at a run: what came since is worth less.
    pub(crate) fn last_look(&mut self, run: &Run, journal: &SqliteJournal) -> Option<Vec<u8>> {
        if run.events >= self.last + self.every / 4 {
            self.take(run);
        }
        self.ready(run, journal)
    }

    fn take(&mut self, run: &Run) {
        self.last = run.events;
        self.waiting = snapshot::write(&run.state).ok().map(|body| Taken {
            seq: run.last_seq,
            events: run.events,
            body,
        });
    }

    fn ready(&mut self, run: &Run, journal: &SqliteJournal) -> Option<Vec<u8>> {
        let durable = journal.durable_seq();
        let taken = self.waiting.take_if(|taken| taken.seq <= durable)?;
        let link = journal.link(run.key, taken.seq).ok()??;
        Some(encode(run.key, taken.seq, taken.events, &link, &taken.body))
    }
}

/// What is left of a header.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}
