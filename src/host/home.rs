//! `COORD_HOME`: the folder that holds a project's journal, lock, logs and artifacts.
//!
//! Owns the folder's mode and the proof that it can be written to. Does not know what is in the
//! files it names.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::journal::{JournalError, LockHolder, ProjectLock};

/// What a run needs before its first checkpoint, with room to spare.
const PROBE_BYTES: usize = 1 << 20;

/// A home that exists, is on a local disk and belongs to this user alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Opens the home at `path`, making it (0700) if it is not there.
    ///
    /// Crash inside: there is no folder or an empty one.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            _ => {}
        }
        Self::existing(path)
    }

    /// Opens the home at `path` without making it: for commands that only read.
    pub fn existing(path: &Path) -> Result<Self, JournalError> {
        let failed = |error: io::Error| JournalError::io(path, "open", &error);
        let path = path.canonicalize().map_err(failed)?;
        check_owner(&path, &fs::metadata(&path).map_err(failed)?)?;
        check_local(&path)?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn journal_path(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    pub fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Makes this process the project's writer, or says who is.
    pub fn lock(&self, command: &str) -> Result<ProjectLock, JournalError> {
        ProjectLock::acquire(&self.lock_path(), &LockHolder::this_process(command))
    }

    /// Proves before any task starts that the home can be written to and has space.
    ///
    /// Crash inside: nothing is left, the file has no name while it is written.
    pub fn preflight(&self) -> Result<(), JournalError> {
        let probe = self.path.join(format!("preflight-{}", std::process::id()));
        write_probe(&probe).map_err(|error| JournalError::io(&self.path, "write to", &error))
    }
}

fn make(path: &Path) -> Result<(), JournalError> {
    let failed = |error: io::Error| JournalError::io(path, "make", &error);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    // The umask takes bits away from the mode above; a home without them is of no use.
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)
}

/// Files inside are 0600; what must not be is a folder in which others can put theirs.
fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), JournalError> {
    let unsafe_because = |what: String| {
        Err(JournalError::Unsafe {
            path: path.to_owned(),
            what,
        })
    };
    let me = rustix::process::geteuid().as_raw();
    if !metadata.is_dir() {
        return unsafe_because("it is not a folder; set COORD_HOME to one".to_owned());
    }
    if metadata.uid() != me {
        let what = format!(
            "it belongs to user {} and this is user {me}; set COORD_HOME to a folder of your own",
            metadata.uid()
        );
        return unsafe_because(what);
    }
    match metadata.mode() & 0o022 {
        0 => Ok(()),
        _ => unsafe_because(format!(
            "other users can write to it; run `chmod 700 {}`",
            path.display()
        )),
    }
}

fn write_probe(probe: &Path) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(probe)?;
    fs::remove_file(probe)?;
    file.write_all(&vec![0; PROBE_BYTES])?;
    file.sync_all()
}

#[cfg(target_os = "linux")]
fn check_local(path: &Path) -> Result<(), JournalError> {
    let found = rustix::fs::statfs(path)
        .map_err(|errno| JournalError::io(path, "open", &io::Error::from(errno)))?;
    match network_file_system(found.f_type as u32) {
        Some(kind) => Err(JournalError::NetworkFileSystem {
            path: path.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn check_local(_: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// Magic numbers of `statfs(2)`. 9p and FUSE are let through: containers and virtual machines show
/// their own local disks that way.
#[cfg(target_os = "linux")]
fn network_file_system(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        0x517b => Some("SMB"),
        0x5346_414f => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}
