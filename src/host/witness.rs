//! Which attempts were ever spawned: a witness outside the journal.
//!
//! One record is written just before each spawn, without a flush. Within one boot of the machine
//! the page cache outlives any crash of a process, so an attempt without a record is known never
//! to have run. After another boot nothing is known.

use coord_lang::ids::NodeId;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) struct Witness {
    file: File,
}

impl Witness {
    /// Opens the record of a run, made when it is not there; `boot` names this boot.
    pub(crate) fn open(path: &Path, boot: &str) -> io::Result<Witness> {
        let fresh = std::fs::read_to_string(boot_path(path)).map_or(true, |b| b != boot);
        let mut options = OpenOptions::new();
        options.create(true);
        if fresh {
            options.write(true).truncate(true);
        } else {
            options.append(true);
        }
        let file = options.open(path)?;
        std::fs::write(boot_path(path), boot)?;
        Ok(Witness { file })
    }

    /// To be called before the attempt's process is asked for.
    pub(crate) fn spawning(&mut self, node: NodeId, attempt: u32) -> io::Result<()> {
        let mut record = [0u8; 8];
        record[..4].copy_from_slice(&node.0.to_le_bytes());
        record[4..].copy_from_slice(&attempt.to_le_bytes());
        self.file.write_all(&record)
    }
}

/// The attempts that may have been spawned; None when that is not known, because the machine has
/// booted since.
pub(crate) fn spawned(path: &Path, boot: &str) -> Option<HashSet<(NodeId, u32)>> {
    if std::fs::read_to_string(boot_path(path)).ok()? != boot {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let word = |at: &[u8]| at.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
    Some(bytes.chunks(8).filter(|c| c.len() == 8).map(|c| (NodeId(word(&c[..4])), word(&c[4..]))).collect())
}

fn boot_path(path: &Path) -> PathBuf {
    path.with_extension("boot")
}
