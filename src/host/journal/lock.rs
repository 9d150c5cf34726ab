//! One writer per project: a lock that the kernel releases when its process dies.
//!
//! Owns `COORD_HOME/lock` and what is written in it. Does not know the journal: the writer takes a
//! [`ProjectLock`] as proof and keeps it until its thread has ended.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::JournalError;

/// The winner writes its name right after it locks; a loser waits this long for it.
const NAME_TRIES: u32 = 200;
const NAME_PAUSE: Duration = Duration::from_millis(5);
/// More than this is not one of ours.
const NAME_LIMIT_BYTES: u64 = 64 * 1024;

/// Who holds the lock, as written in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    pub pid: u32,
    pub host: String,
    pub started_at_ms: i64,
    /// The command line as a person would type it, such as `coord run release.coord`.
    pub command: String,
}

impl LockHolder {
    /// This process, now.
    pub fn this_process(command: impl Into<String>) -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            started_at_ms: now_ms(),
            command: command.into(),
        }
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid,
            host,
            started_at_ms,
            command,
        } = self;
        write!(
            out,
            "pid {pid} on {host} has been running `{}` for ",
            command.escape_debug()
        )?;
        match now_ms().saturating_sub(*started_at_ms).max(0) / 1000 {
            seconds @ 0..120 => write!(out, "{seconds} s"),
            seconds @ 120..7200 => write!(out, "{} min", seconds / 60),
            seconds => write!(out, "{} h", seconds / 3600),
        }
    }
}

/// Proof that this process is the project's writer, as long as it lives.
///
/// The descriptor is closed in programs that are started: a task never inherits the lock.
#[derive(Debug)]
pub struct ProjectLock {
    file: File,
    path: PathBuf,
}

impl ProjectLock {
    /// Takes the lock at `path` or says who has it. Never waits for it.
    ///
    /// Crash after: the kernel releases it; the name left in the file is overwritten by the next
    /// owner.
    pub fn acquire(path: &Path, holder: &LockHolder) -> Result<Self, JournalError> {
        let failed = |error: &io::Error| JournalError::io(path, "lock", error);
        let mut file = open(path).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        write_name(&mut file, holder).map_err(|error| failed(&error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // The name goes before the lock does, so that a loser never reads the one before.
        // Failing to is harmless, and closing the file releases the lock anyway.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)
}

fn locked(path: &Path, file: &mut File) -> JournalError {
    let by = (0..NAME_TRIES).find_map(|attempt| {
        if attempt > 0 {
            thread::sleep(NAME_PAUSE);
        }
        read_name(file)
    });
    JournalError::Locked {
        path: path.to_owned(),
        by,
    }
}

fn read_name(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.rewind().ok()?;
    Read::take(&mut *file, NAME_LIMIT_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    let name: LockHolder = serde_json::from_str(&text).ok()?;
    is_alive(name.pid).then_some(name)
}

/// False for the name that a killed owner left behind: the next one has the lock already and is
/// about to write its own. The name is only for people, so a pid that was given out again does no
/// harm; the lock itself is the kernel's.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // the state stands behind the program's name, which may hold anything
    let state = stat.rsplit(')').next().map(str::trim_start);
    !state.is_some_and(|rest| rest.starts_with(['Z', 'X']))
}

fn write_name(file: &mut File, holder: &LockHolder) -> io::Result<()> {
    let text = serde_json::to_string(holder).map_err(io::Error::other)?;
    rustix::fs::fchmod(&*file, rustix::fs::Mode::from_raw_mode(0o600))?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Network file systems are refused, so the holder is on this machine or in a container of it.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_else(|_| "this machine".to_owned())
}
