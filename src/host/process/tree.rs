//! The descendants of a subreaper: finding them in `/proc`, and killing them to the last.
//!
//! It scans all of `/proc` rather than `/proc/<pid>/task/*/children`: many kernels are built
//! without the latter, and only trees that do not end by themselves are ever scanned.
//! It does not know why a tree has to go.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that keeps appearing faster than it is found gets killed in the next round instead.
const MAX_FREEZE_ROUNDS: usize = 32;
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Longer than `/proc/<pid>/stat` ever is: 52 numbers and a name of 64 bytes.
const STAT_BYTES: usize = 2048;

/// A process as `/proc/<pid>/stat` shows it. Pid and start time name it for as long as the
/// machine is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
    /// In clock ticks since boot: field 22.
    pub(super) start_time: u64,
    dead: bool,
}

impl Process {
    /// `None` when there is no such process.
    pub(super) fn read(pid: i32) -> Option<Self> {
        let mut stat = [0; STAT_BYTES];
        let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
        let length = file.read(&mut stat).ok()?;
        Self::parse(pid, &stat[..length])
    }

    /// The program's name stands in brackets and may hold anything, also brackets.
    fn parse(pid: i32, stat: &[u8]) -> Option<Self> {
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = str::from_utf8(stat.get(name_end + 2..)?)
            .ok()?
            .split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let start_time = fields.nth(15)?.parse().ok()?;
        Some(Process {
            pid,
            parent,
            session,
            start_time,
            dead: matches!(state, "Z" | "X"),
        })
    }

    /// Whether it only waits to be reaped.
    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Signals this very process: the pidfd cannot move on to another one, and the start time
    /// tells whether it was opened in time.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = Pid::from_raw(self.pid).ok_or(io::ErrorKind::InvalidInput)?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        match Process::read(self.pid) {
            Some(now) if now.start_time == self.start_time => {
                Ok(pidfd_send_signal(handle, signal)?)
            }
            Some(_) | None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// All processes that can be seen.
pub(super) fn all_processes() -> io::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(Process::read).collect())
}

/// All descendants of `root`, parents before children; `spared` children and what is below them
/// are left out.
pub(super) fn descendants(root: i32, spared: impl Fn(i32) -> bool) -> io::Result<Vec<Process>> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all_processes()? {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = children.remove(&root).unwrap_or_default();
    found.retain(|child| !spared(child.pid));
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let below = children.remove(&process.pid).unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    Ok(found)
}

/// Children of a subreaper that are to be killed with all their descendants.
pub(super) trait Brood {
    /// Reaps what is dead; tells whether any child of the brood is left.
    fn reap(&mut self) -> bool;
    /// The brood and its descendants, parents first.
    fn descendants(&self) -> Vec<Process>;
    /// Returns when a child has died, or after `pause`.
    fn await_death(&self, pause: Duration);
}

/// Kills the brood until none is left, and returns 0; or the number of processes that did not
/// die within `patience`, because they run as another user or hang in the kernel.
pub(super) fn exterminate(brood: &mut impl Brood, patience: Duration) -> u32 {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    while brood.reap() {
        let doomed = freeze(brood);
        signal_all(&doomed, Signal::KILL);
        if start.elapsed() > patience {
            return living(brood);
        }
        brood.await_death(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    0
}

/// Stops all of the brood until no new one shows. Killing at once would let a fork bomb refill
/// the room that each death makes, and let parents answer to the death of their children.
fn freeze(brood: &impl Brood) -> Vec<Process> {
    let mut frozen = Vec::new();
    let mut seen = HashSet::new();
    for _ in 0..MAX_FREEZE_ROUNDS {
        let mut fresh = brood.descendants();
        fresh.retain(|process| seen.insert((process.pid, process.start_time)));
        if fresh.is_empty() {
            break;
        }
        signal_all(&fresh, Signal::STOP);
        frozen.append(&mut fresh);
    }
    frozen
}

/// Signals what can be signalled: a process that is gone needs none, and one that may not be
/// signalled shows up as a survivor.
pub(super) fn signal_all(processes: &[Process], signal: Signal) {
    for process in processes {
        let _gone_or_foreign = process.signal(signal);
    }
}

fn living(brood: &impl Brood) -> u32 {
    let living = brood
        .descendants()
        .iter()
        .filter(|process| !process.is_dead())
        .count();
    u32::try_from(living).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_skipped() {
        let stat = b"42 (a) S 1 (b)) T 7 42 43 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9876 0 0";
        let process = Process::parse(42, stat).unwrap();
        assert_eq!(
            (process.parent, process.session, process.start_time),
            (7, 43, 9876)
        );
    }

    #[test]
    fn a_foreign_start_time_is_never_signalled() {
        let mut own = Process::read(std::process::id() as i32).unwrap();
        own.start_time += 1;
        assert_eq!(
            own.signal(Signal::KILL).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
