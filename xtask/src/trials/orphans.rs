//! Trees of processes that resist, and every way in which a run lets go of them.

use std::time::{Duration, Instant};

use super::program::{GRACE_MS, Project, said};
use super::{Goal, Setting, Trial};

/// Processes of the tree that sleep, each in another way.
const SLEEPERS: usize = 5;
/// After the grace nobody is left.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);
const STARTS_WITHIN: Duration = Duration::from_secs(10);

pub(crate) const ORPHANS: Trial = Trial {
    name: "orphans",
    promise: "I21",
    says: "nobody of a task is left a second after it was ended, in whatever way",
    goal: Goal::Trials(1_000),
    unit: "ms, of all together",
    run,
};

/// How a run lets go of its task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Cancelled,
    TimedOut,
    Failed,
    Interrupted,
    Terminated,
    Killed,
    /// With the programs that watch its tasks: taking it up again has to clear it.
    AllKilled,
}

const ENDS: [End; 7] = [
    End::Cancelled,
    End::TimedOut,
    End::Failed,
    End::Interrupted,
    End::Terminated,
    End::Killed,
    End::AllKilled,
];

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let end = ENDS[seed as usize % ENDS.len()];
    let mark = format!("31557.{}{:06}", std::process::id(), seed);
    let project = Project::new(setting, ORPHANS.name, seed, &text(&mark, end))?;
    let mut live = project.begin(&["run", "--run-id", "r", "-q"])?;
    until(STARTS_WITHIN, || sleepers(&mark).len() >= SLEEPERS)
        .ok_or_else(|| format!("{end:?}: its tree does not start"))?;
    let pid = live.id();
    match end {
        End::Cancelled => drop(project.call(&["cancel", "r"])?),
        End::TimedOut => {}
        End::Failed => {
            std::fs::write(project.path().join("fail"), "").map_err(|e| e.to_string())?
        }
        End::Interrupted => {
            drop(project.shell(&format!("kill -INT {pid}; sleep 0.05; kill -INT {pid}"))?)
        }
        End::Terminated => {
            drop(project.shell(&format!("kill -TERM {pid}; sleep 0.05; kill -TERM {pid}"))?)
        }
        End::Killed => drop(project.shell(&format!("kill -KILL {pid}"))?),
        End::AllKilled => {
            let kill =
                format!("kill -STOP {pid}; kill -KILL {pid} $(cat /proc/{pid}/task/*/children)");
            drop(project.shell(&kill)?);
            let ended = live.wait().map_err(|e| e.to_string())?;
            let again = project.call(&["resume", "r", "--no-wait"])?;
            if again.status.code() != Some(3) {
                return Err(format!("{ended}, then {}", said(&again)));
            }
        }
    }
    let begun = Instant::now();
    // what a timeout leaves alone until it comes is not late
    let extra = match end {
        End::TimedOut => Duration::from_secs(2),
        _ => Duration::ZERO,
    };
    let patience = Duration::from_millis(GRACE_MS) + PATIENCE + extra;
    let gone = until(patience, || sleepers(&mark).is_empty());
    let left = sleepers(&mark);
    drop(live.kill());
    drop(live.wait());
    match gone {
        Some(()) => Ok(begun.elapsed().as_millis() as u64),
        None => {
            let killed: Vec<String> = left.iter().map(ToString::to_string).collect();
            drop(project.shell(&format!("kill -KILL {}", killed.join(" ")))?);
            Err(format!("{end:?}: {} are left", left.len()))
        }
    }
}

fn until(patience: Duration, holds: impl Fn() -> bool) -> Option<()> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > patience {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
    Some(())
}

/// Processes that sleep as long as `mark` says; who is dead and not waited for has no command.
fn sleepers(mark: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = command.split(|byte| *byte == 0);
        let sleeps = words.next()? == b"sleep" && words.next()? == mark.as_bytes();
        sleeps.then_some(pid)
    });
    pids.collect()
}

/// A session of its own, a process nobody hears of, one whose parent is gone, one that is stopped,
/// one that has taken its hands off the pipes; all of them deaf to what is polite.
fn text(mark: &str, end: End) -> String {
    let timeout = match end {
        End::TimedOut => "1500ms",
        _ => "60s",
    };
    format!(
        "edition 2026
task evil {{
  timeout {timeout}
  run ```sh
    trap '' TERM INT HUP
    setsid sleep {mark} &
    nohup sleep {mark} >/dev/null 2>&1 &
    (sleep {mark} & ) &
    sleep {mark} & p=$!; until grep -q sleep /proc/$p/comm; do sleep 0.01; done; kill -STOP $p
    sleep {mark} </dev/null >/dev/null 2>&1 &
    until test -e fail; do sleep 0.01; done
    exit 1
  ```
}}
"
    )
}
