//! Snapshots: what a long run's journal comes to, so that it need not be folded again.
//!
//! A snapshot is a cache beside the journal. It names the event it stands behind by its link in
//! the hash chain, which covers every event before it; one that does not fit the journal, is
//! damaged, or is of another version of the program counts for nothing, and so does a missing one.

use crate::home::Home;
use crate::journal::{Hash, Journal, JournalRead, RunKey, SqliteJournal};
use crate::run::Run;
use coord_engine::{State, snapshot};
use coord_plan::plan::Plan;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Events after which a new snapshot is worth its writing.
pub const EVERY: u64 = 50_000;
/// Largest snapshot that is written or read.
const MOST_BYTES: u64 = 1 << 30;
const MAGIC: &[u8; 8] = b"coordsn1";
/// Bytes that go to the file at once.
const BUFFER: usize = 1 << 20;
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

/// A file that becomes the snapshot of a run, once its last event is durable.
///
/// Crash before: the one before is there. What the page cache loses shows in the digest.
struct Draft {
    file: File,
    seq: i64,
    events: u64,
    digest: Hash,
}

impl Draft {
    /// Writes the state as it is; a header is still missing.
    fn write(home: &Path, run: &Run) -> io::Result<Draft> {
        let folder = folder(home);
        std::fs::create_dir_all(&folder)?;
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(new(&folder, &run.id))?;
        file.seek(SeekFrom::Start(HEADER as u64))?;
        let mut body = BufWriter::with_capacity(
            BUFFER,
            Body {
                file: &file,
                hasher: blake3::Hasher::new(),
                bytes: 0,
            },
        );
        snapshot::write(&run.state, &mut body).map_err(io::Error::other)?;
        let body = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        let digest = *body.hasher.finalize().as_bytes();
        Ok(Draft {
            seq: run.last_seq,
            events: run.events,
            digest,
            file,
        })
    }

    /// Makes it the snapshot, in place of the one before; `link` is that of its last event.
    fn keep(self, home: &Path, run: &Run, link: &Hash) -> io::Result<()> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&version());
        header.extend_from_slice(&run.key.0.to_le_bytes());
        header.extend_from_slice(&self.seq.to_le_bytes());
        header.extend_from_slice(&self.events.to_le_bytes());
        header.extend_from_slice(link);
        header.extend_from_slice(&self.digest);
        self.file.write_all_at(&header, 0)?;
        let folder = folder(home);
        std::fs::rename(new(&folder, &run.id), path(&folder, &run.id))
    }
}

/// The body of a snapshot on its way into its file.
struct Body<'f> {
    file: &'f File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Body<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.bytes > MOST_BYTES - HEADER as u64 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is not to become a snapshot takes no space.
fn discard(home: &Path, run: &Run) {
    let _there_may_be_none = std::fs::remove_file(new(&folder(home), &run.id));
}

fn new(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.new"))
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

/// Takes snapshots of a run while it goes on. That one could not be written is nobody's concern.
pub(crate) struct Keeper {
    every: u64,
    /// Events in the last one.
    last: u64,
    /// A state whose event may not be durable yet.
    waiting: Option<Draft>,
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

    /// To be called when every event of the state has been handed to the journal.
    pub(crate) fn look(&mut self, home: &Home, run: &Run, journal: &SqliteJournal) {
        if self.waiting.is_none() && run.events >= self.last + self.every {
            self.take(home, run);
        }
        self.keep(home, run, journal);
    }

    /// The last look at a run: what came since is worth less.
    pub(crate) fn last_look(&mut self, home: &Home, run: &Run, journal: &SqliteJournal) {
        if run.events >= self.last + self.every / 4 {
            self.take(home, run);
        }
        self.keep(home, run, journal);
        if self.waiting.take().is_some() {
            discard(home.path(), run);
        }
    }

    fn take(&mut self, home: &Home, run: &Run) {
        self.last = run.events;
        self.waiting = Draft::write(home.path(), run).ok();
        if self.waiting.is_none() {
            discard(home.path(), run);
        }
    }

    fn keep(&mut self, home: &Home, run: &Run, journal: &SqliteJournal) {
        let durable = journal.durable_seq();
        let Some(draft) = self.waiting.take_if(|draft| draft.seq <= durable) else {
            return;
        };
        let kept = match journal.link(run.key, draft.seq) {
            Ok(Some(link)) => draft.keep(home.path(), run, &link).is_ok(),
            Ok(None) | Err(_) => false,
        };
        if !kept {
            discard(home.path(), run);
        }
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
