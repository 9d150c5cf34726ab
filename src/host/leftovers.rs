//! What runs that have ended keep beside the journal: logs, artifacts, patches, snapshots.
//!
//! The journal itself is the record and is never made shorter. Runs that have not ended, and the
//! one that a process is at now, are never touched.

use crate::control;
use crate::home::Home;
use crate::journal::{JournalRead, Reader};
use crate::run::{self, Run, RunError};
use crate::snapshot;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a content may be without a name.
const JUST_KEPT: Duration = Duration::from_secs(3600);

/// Which runs are to go: those that both fields say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Which {
    /// All but so many of the last that have ended.
    pub keep: Option<usize>,
    /// Those that ended before this moment.
    pub ended_before_ms: Option<i64>,
}

/// What one run leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leftover {
    pub run: String,
    pub ended_ms: i64,
    pub files: u64,
    pub bytes: u64,
    paths: Vec<PathBuf>,
}

/// What would go, oldest first. Changes nothing.
pub fn find(home: &Home, reader: &Reader, which: Which) -> Result<Vec<Leftover>, RunError> {
    let mut found = Vec::new();
    let mut ended = 0;
    for summary in reader.runs()?.iter().rev() {
        let run = Run::load(reader, &summary.id)?;
        let Some(ended_ms) = run.state.ended_ms() else {
            continue;
        };
        if !run.state.status().is_ended() || control::is_live(home, &run.id) {
            continue;
        }
        ended += 1;
        let kept = which.keep.is_some_and(|keep| ended <= keep)
            || which
                .ended_before_ms
                .is_some_and(|before| ended_ms >= before);
        if kept || !is_a_name(&run.id) {
            continue;
        }
        let leftover = leftover(home, &run.id, ended_ms);
        found.extend(leftover.filter(|left| left.files > 0));
    }
    found.reverse();
    Ok(found)
}

/// Removes it. Crash inside: some of it is left, and found the next time.
pub fn remove(leftover: &Leftover) -> io::Result<()> {
    for path in &leftover.paths {
        let is_folder = std::fs::symlink_metadata(path)?.is_dir();
        match is_folder {
            // links inside are removed, not followed
            true => std::fs::remove_dir_all(path)?,
            false => std::fs::remove_file(path)?,
        }
    }
    Ok(())
}

/// Removes contents that no run names any more, but for what has just been kept: its name may
/// still be coming.
pub fn prune(home: &Home) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let Ok(folders) = std::fs::read_dir(run::store(home)) else {
        return Ok(());
    };
    for folder in folders.flatten() {
        for entry in std::fs::read_dir(folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let meta = entry.metadata()?;
            let age = meta.modified()?.elapsed().unwrap_or_default();
            if meta.is_file() && meta.nlink() == 1 && age > JUST_KEPT {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// A journal may come from anybody: a name that leads elsewhere is left alone.
fn is_a_name(run: &str) -> bool {
    !run.is_empty() && !run.starts_with('.') && !run.contains(['/', '\0'])
}

fn leftover(home: &Home, run: &str, ended_ms: i64) -> Option<Leftover> {
    let all = [
        run::logs(home, run),
        run::artifacts(home, run),
        run::patches(home, run),
        snapshot::path(&snapshot::folder(home.path()), run),
    ];
    let paths = all
        .into_iter()
        .filter(|path| std::fs::symlink_metadata(path).is_ok())
        .collect();
    let mut left = Leftover {
        run: run.to_string(),
        ended_ms,
        files: 0,
        bytes: 0,
        paths,
    };
    for path in left.paths.clone() {
        left.count(&path);
    }
    Some(left)
}

impl Leftover {
    fn count(&mut self, path: &Path) {
        let Ok(meta) = std::fs::symlink_metadata(path) else {
            return;
        };
        if !meta.is_dir() {
            self.files += 1;
            self.bytes += meta.len();
            return;
        }
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            self.count(&entry.path());
        }
    }
}
