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
    path: PathBuf,
    boot: String,
    file: Option<File>,
}

impl Witness {
    /// The record of a run; `boot` names this boot. Of a run that is taken up, nothing is touched
    /// before the first spawn: by then it is durable what became of the attempts that the old
    /// record is about.
    pub(crate) fn new(path: PathBuf, boot: String) -> Witness {
        Witness {
            path,
            boot,
            file: None,
        }
    }

    /// Opens the record, made anew when it is of another boot.
    ///
    /// Crash inside: nothing is known, as after another boot.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true);
        if boot_of(&self.path).is_some_and(|boot| boot == self.boot) {
            return options.append(true).open(&self.path);
        }
        let file = options.write(true).truncate(true).open(&self.path)?;
        let mark = boot_path(&self.path);
        let new = mark.with_extension("new");
        std::fs::write(&new, &self.boot)?;
        std::fs::rename(&new, &mark)?;
        Ok(file)
    }

    /// To be called before the first event of a new run.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.file = Some(self.open()?);
        Ok(())
    }

    /// To be called before the attempt's process is asked for.
    pub(crate) fn spawning(&mut self, node: NodeId, attempt: u32) -> io::Result<()> {
        let mut record = [0u8; 8];
        record[..4].copy_from_slice(&node.0.to_le_bytes());
        record[4..].copy_from_slice(&attempt.to_le_bytes());
        if self.file.is_none() {
            self.begin()?;
        }
        self.file
            .as_mut()
            .map_or(Ok(()), |file| file.write_all(&record))
    }
}

/// The attempts that may have been spawned; None when that is not known, because the machine has
/// booted since.
pub(crate) fn spawned(path: &Path, boot: &str) -> Option<HashSet<(NodeId, u32)>> {
    if boot_of(path)? != boot {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let word = |at: &[u8]| at.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
    Some(
        bytes
            .chunks(8)
            .filter(|c| c.len() == 8)
            .map(|c| (NodeId(word(&c[..4])), word(&c[4..])))
            .collect(),
    )
}

fn boot_of(path: &Path) -> Option<String> {
    std::fs::read_to_string(boot_path(path)).ok()
}

fn boot_path(path: &Path) -> PathBuf {
    path.with_extension("boot")
}
