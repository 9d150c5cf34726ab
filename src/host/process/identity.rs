//! Processes that may have outlived a `coord` that was killed together with its reaper.
//!
//! A pid alone names nobody: it is reused. Pid, start time and boot id together do.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::tree::{self, Process, all_processes, signal_all};

/// How long a sweep goes on looking for processes that appear while it kills.
const SWEEP_PATIENCE: Duration = Duration::from_secs(5);
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

/// One process in one boot of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    pub pid: i32,
    /// Clock ticks since boot: field 22 of `/proc/<pid>/stat`.
    pub start_time: u64,
}

impl ProcessIdentity {
    /// Whether this very process is there, if only as a zombie.
    pub fn exists(&self) -> bool {
        self.process().is_some()
    }

    fn process(&self) -> Option<Process> {
        Process::read(self.pid).filter(|process| process.start_time == self.start_time)
    }
}

/// An environment variable that names one attempt, such as `COORD_ATTEMPT=<run>/<task>/<n>`.
#[derive(Debug, Clone)]
pub struct Marker {
    pub name: OsString,
    pub value: OsString,
}

/// Changes with every boot; identities of another boot are nobody's.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim_end()
        .to_owned())
}

/// Kills what is left of earlier attempts: each main program with its session and descendants,
/// and whatever carries one of the markers in its environment. Returns how many were found.
/// Identities must be of this boot. Blocks for as long as it takes, at most some seconds.
pub fn sweep(identities: &[ProcessIdentity], marker: Option<&Marker>) -> io::Result<usize> {
    let start = Instant::now();
    let mut found = 0;
    loop {
        let victims = victims(identities, marker)?;
        if victims.is_empty() || start.elapsed() > SWEEP_PATIENCE {
            return Ok(found);
        }
        // Stopped first, so that no parent answers to the death of its children.
        signal_all(&victims, Signal::STOP);
        signal_all(&victims, Signal::KILL);
        found += victims.len();
        thread::sleep(SWEEP_PAUSE);
    }
}

/// The living processes of the attempts.
fn victims(identities: &[ProcessIdentity], marker: Option<&Marker>) -> io::Result<Vec<Process>> {
    let mut victims = Vec::new();
    for main in identities.iter().filter_map(ProcessIdentity::process) {
        victims.push(main);
        victims.extend(tree::descendants(main.pid, |_| false)?);
        victims.extend(
            all_processes()?
                .into_iter()
                .filter(|other| other.session == main.pid),
        );
    }
    if let Some(marker) = marker {
        victims.extend(
            all_processes()?
                .into_iter()
                .filter(|process| carries(process, marker)),
        );
    }
    victims.sort_by_key(|process| process.pid);
    victims.dedup_by_key(|process| process.pid);
    let own_pid = i32::try_from(std::process::id()).unwrap_or(0);
    victims.retain(|process| !process.is_dead() && process.pid != own_pid);
    Ok(victims)
}

fn carries(process: &Process, marker: &Marker) -> bool {
    let entry = [marker.name.as_bytes(), b"=", marker.value.as_bytes()].concat();
    let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == entry)
}
