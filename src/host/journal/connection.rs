//! How SQLite is opened and configured, and what is looked at before it is let near a file.
//!
//! Owns the header check and the rule that no file open in SQLite is opened by other means: POSIX
//! drops *all* of a process's locks on a file when any descriptor of it is closed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::{FORMAT, JournalError};

/// "cord", in the file's header for `file(1)` and for us.
pub(super) const APPLICATION_ID: u32 = 0x636f_7264;
/// Readers never block a writer in WAL mode; this is for the moments of opening and closing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is cut back to this when it restarts after a reader held it open.
const LOG_LIMIT_BYTES: u32 = 16 << 20;
/// Between marking a file as WAL and making its log a writer needs a flush or two.
const LOG_TRIES: u32 = 25;
const LOG_PAUSE: Duration = Duration::from_millis(10);
const HEADER_LEN: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// One open connection with the path it serves.
pub(super) struct Database {
    pub(super) path: PathBuf,
    // Dropped in this order: the claim must outlive the connection.
    pub(super) connection: Connection,
    _claim: Claim,
}

impl Database {
    /// Opens an existing journal file. A file that is no journal, or a newer one, is refused
    /// before SQLite sees it, so that not even a `-wal` is made beside it.
    pub(super) fn open(path: &Path, access: Access) -> Result<Self, JournalError> {
        let path = resolve(path)?;
        let claim = Claim::take(&path, access)?;
        let connection = connect(&path, access)
            .map_err(|error| refine(&path, JournalError::sqlite(&path, "open", error)))?;
        Ok(Self {
            path,
            connection,
            _claim: claim,
        })
    }

    pub(super) fn error(&self, doing: &'static str, error: rusqlite::Error) -> JournalError {
        JournalError::sqlite(&self.path, doing, error)
    }
}

/// The write-ahead log of a database.
pub(super) fn log_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// An absolute path to a regular file. Links in the folder part are followed, the file itself
/// must not be one; an absolute path can also never be read as a `file:` URI, which SQLite as we
/// compile it would otherwise honour.
fn resolve(path: &Path) -> Result<PathBuf, JournalError> {
    if path.as_os_str().as_bytes().starts_with(b"file:") {
        let what = "names that begin with `file:` are not accepted".to_owned();
        return Err(JournalError::Unsafe {
            path: path.to_owned(),
            what,
        });
    }
    let failed = |error: io::Error| JournalError::io(path, "open", &error);
    let Some(name) = path.file_name() else {
        return Err(JournalError::not_a_journal(path, "it is a folder"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let path = folder.canonicalize().map_err(failed)?.join(name);
    let kind = fs::symlink_metadata(&path).map_err(failed)?.file_type();
    match kind.is_file() {
        true => Ok(path),
        false if kind.is_symlink() => Err(JournalError::not_a_journal(&path, "it is a link")),
        false => Err(JournalError::not_a_journal(
            &path,
            "it is not a regular file",
        )),
    }
}

fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    distrust(&connection)?;
    match access {
        Access::Read => connection.pragma_update(None, "query_only", true)?,
        Access::Write => prepare_to_write(&connection)?,
    }
    Ok(connection)
}

/// The file may come from anybody: nothing in it is evaluated that we did not put there.
fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(option, on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    // A file cut short under a mapping is a SIGBUS; under a read it is an error.
    connection.pragma_update(None, "mmap_size", 0)
}

fn prepare_to_write(connection: &Connection) -> rusqlite::Result<()> {
    // Closing must not write: a refused or failed journal stays as it is. See `Writer` for the
    // clean close.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT_BYTES)?;
    // SQLite swallows errors of its automatic checkpoints, and an error of a flush must be fatal.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Turns WAL on and proves that commits will be flushed.
pub(super) fn make_durable(database: &Database) -> Result<(), JournalError> {
    let failed = |error| database.error("open", error);
    let pragma = |name| format!("PRAGMA {name}");
    let connection = &database.connection;
    let mode: String = connection
        .query_row(&pragma("journal_mode = WAL"), [], |row| row.get(0))
        .map_err(failed)?;
    let level: i64 = connection
        .query_row(&pragma("synchronous"), [], |row| row.get(0))
        .map_err(failed)?;
    match (mode.as_str(), level) {
        ("wal", 2) => Ok(()),
        _ => Err(JournalError::Unsafe {
            path: database.path.clone(),
            what: format!(
                "SQLite gave journal_mode={mode}, synchronous={level} instead of wal, 2 (FULL)"
            ),
        }),
    }
}

/// SQLite says "unable to open" for everything; the file system knows better.
fn refine(path: &Path, error: JournalError) -> JournalError {
    use rustix::fs::{Access, access};
    match access(path, Access::READ_OK | Access::WRITE_OK) {
        Err(errno) => JournalError::io(path, "open", &errno.into()),
        Ok(()) => error,
    }
}

type FileKey = (u64, u64);

/// Files this process has open in SQLite, by device and inode, with the number of connections.
static CLAIMED: Mutex<BTreeMap<FileKey, usize>> = Mutex::new(BTreeMap::new());

/// Permission to open a file in SQLite; its header was checked by the first claim in this process.
struct Claim(FileKey);

impl Claim {
    fn take(path: &Path, access: Access) -> Result<Self, JournalError> {
        let failed = |error: io::Error| JournalError::io(path, "open", &error);
        // Held over the check, so that no connection opens while the file is looked at.
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = fs::metadata(path).map_err(failed)?;
        let key = (metadata.dev(), metadata.ino());
        if !claimed.contains_key(&key) {
            check_header(path, access)?;
        }
        *claimed.entry(key).or_insert(0) += 1;
        Ok(Self(key))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = claimed.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                claimed.remove(&self.0);
            }
        }
    }
}

/// What the first hundred bytes of a file say.
struct Header {
    pages: u64,
    page_bytes: u64,
    file_bytes: u64,
    wal: bool,
}

fn check_header(path: &Path, access: Access) -> Result<(), JournalError> {
    for _ in 0..LOG_TRIES {
        let header = read_header(path)?;
        if !header.wal {
            return check_length(path, &header);
        }
        // A writer compares with the witness instead: it owns the lock, so nobody is just opening.
        if access == Access::Write || log_path(path).exists() {
            return Ok(());
        }
        thread::sleep(LOG_PAUSE);
    }
    let log = log_path(path);
    let what = format!(
        "it was not closed and its log `{}` is missing",
        log.display()
    );
    Err(JournalError::truncated(path, what))
}

/// A closed journal is one file that knows its own length.
fn check_length(path: &Path, header: &Header) -> Result<(), JournalError> {
    let expected = header.pages * header.page_bytes;
    match header.file_bytes < expected {
        true => {
            let what = format!("it has {} of {expected} bytes", header.file_bytes);
            Err(JournalError::truncated(path, what))
        }
        false => Ok(()),
    }
}

fn read_header(path: &Path) -> Result<Header, JournalError> {
    let (bytes, file_bytes) =
        read_start(path).map_err(|error| JournalError::io(path, "read", &error))?;
    let word = |at: usize| -> u32 {
        let bytes = bytes
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    };
    if bytes.is_empty() {
        return Err(JournalError::not_a_journal(path, "it is empty"));
    }
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(JournalError::not_a_journal(
            path,
            "it is not an SQLite database",
        ));
    }
    if bytes.len() < HEADER_LEN {
        return Err(JournalError::truncated(
            path,
            format!("it has {file_bytes} bytes"),
        ));
    }
    if word(68) != APPLICATION_ID {
        let what = "it is an SQLite database of another program";
        return Err(JournalError::not_a_journal(path, what));
    }
    match word(60) {
        0 => return Err(JournalError::damaged(path, "it has no format version")),
        found if found > FORMAT => {
            return Err(JournalError::Newer {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        _ => {}
    }
    let page_bytes = u64::from(word(16) >> 16);
    Ok(Header {
        pages: u64::from(word(28)),
        page_bytes: if page_bytes == 1 { 65536 } else { page_bytes },
        file_bytes,
        wal: bytes[19] == 2,
    })
}

fn read_start(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)?;
    let file_bytes = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(HEADER_LEN);
    file.take(HEADER_LEN as u64).read_to_end(&mut bytes)?;
    Ok((bytes, file_bytes))
}
