//! The witness beside the database: how far the journal had come, in 96 bytes of their own.
//!
//! A database that lost its end (a deleted `-wal`, the `.db` copied alone) is a perfectly valid
//! database, and its hash chain is a perfectly valid chain. Only something outside of it can tell.
//! The head is overwritten after every commit and never flushed: it may lag behind the database
//! after a power cut, which is harmless, and can never be ahead of it, because the commit before
//! it was flushed. Its entry in the folder is flushed once, when it is made: a missing head was
//! taken away by somebody.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use super::JournalError;
use super::chain::Hash;

const MAGIC: &[u8; 8] = b"coordhd1";
const LEN: usize = 96;
const SUM_AT: usize = 88;
/// A read may meet the writer's overwrite half-way; the next one will not, for long.
const TRIES: u32 = 20;

/// The end of a journal: how many runs and events, and the hash of the last of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub(super) runs: i64,
    pub(super) seq: i64,
    pub(super) run_hash: Hash,
    pub(super) event_hash: Hash,
}

pub(super) fn path_for(database: &Path) -> PathBuf {
    database.with_extension("head")
}

/// Reads the head beside `database`; `None` when there is none.
pub(super) fn read(database: &Path) -> Result<Option<Head>, JournalError> {
    let path = path_for(database);
    for _ in 0..TRIES {
        match read_once(&path) {
            Ok(bytes) => match decode(&bytes) {
                Some(head) => return Ok(Some(head)),
                None => thread::sleep(Duration::from_millis(1)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(JournalError::io(&path, "read", &error)),
        }
    }
    Err(JournalError::damaged(
        database,
        format!("its witness `{}` is damaged", path.display()),
    ))
}

/// The head file, held open by the writer.
pub(super) struct HeadFile {
    path: PathBuf,
    file: File,
}

impl HeadFile {
    /// Opens the head beside `database`, or makes it with `head` in it.
    ///
    /// Crash inside: there is no head, or a whole one; it is renamed into place.
    pub(super) fn open(database: &Path, head: &Head) -> Result<Self, JournalError> {
        let path = path_for(database);
        let file = Self::open_or_make(&path, head)
            .map_err(|error| JournalError::io(&path, "open", &error))?;
        Ok(Self { path, file })
    }

    fn open_or_make(path: &Path, head: &Head) -> io::Result<File> {
        match options().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, head),
            other => other,
        }
    }

    /// Overwrites the witness. Crash before: it lags, which is accepted. After: it agrees.
    pub(super) fn record(&self, head: &Head) -> Result<(), JournalError> {
        self.file
            .write_all_at(&encode(head), 0)
            .map_err(|error| JournalError::io(&self.path, "write", &error))
    }
}

fn make(path: &Path, head: &Head) -> io::Result<File> {
    let new = path.with_extension("head-new");
    let mut file = options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o600))?;
    file.write_all(&encode(head))?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

fn read_once(path: &Path) -> io::Result<Vec<u8>> {
    let file = options().read(true).open(path)?;
    let mut bytes = Vec::with_capacity(LEN + 1);
    file.take(LEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Never through a symbolic link, never blocking on a pipe somebody put there.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    options
}

fn encode(head: &Head) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&head.runs.to_le_bytes());
    bytes[16..24].copy_from_slice(&head.seq.to_le_bytes());
    bytes[24..56].copy_from_slice(&head.run_hash);
    bytes[56..88].copy_from_slice(&head.event_hash);
    let sum = sum(&bytes);
    bytes[SUM_AT..].copy_from_slice(&sum);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Head> {
    let whole = bytes.len() == LEN && bytes.starts_with(MAGIC) && bytes[SUM_AT..] == sum(bytes);
    whole.then_some(())?;
    Some(Head {
        runs: i64::from_le_bytes(bytes[8..16].try_into().ok()?),
        seq: i64::from_le_bytes(bytes[16..24].try_into().ok()?),
        run_hash: bytes[24..56].try_into().ok()?,
        event_hash: bytes[56..88].try_into().ok()?,
    })
}

fn sum(bytes: &[u8]) -> [u8; LEN - SUM_AT] {
    let mut sum = [0; LEN - SUM_AT];
    sum.copy_from_slice(&blake3::hash(&bytes[..SUM_AT]).as_bytes()[..LEN - SUM_AT]);
    sum
}
