//! `coord doctor`: whether runs can be trusted to this machine and this folder.

use super::args::{Common, Doctor};
use super::crash_test;
use super::exit::{Exit, Outcome};
use super::gc::{runs as runs_of, size};
use super::home;
use super::screen::Screen;
use coord_host::home::Home;
use coord_host::journal::{JournalRead, Reader};
use coord_host::process::{Reaper, boot_id};
use std::path::{Path, PathBuf};

/// One thing that was looked at.
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    /// What was found, or what is wrong with it.
    pub(crate) found: Result<String, String>,
}

pub(crate) fn doctor(common: &Common, screen: &Screen, args: &Doctor) -> Outcome {
    let folder = home::path(common, Path::new("."));
    let mut findings = vec![
        helper(),
        boot(),
        state_folder(&folder),
        journal(&folder.join("journal.db")),
    ];
    if args.crash_test {
        findings.extend(crash_test::run(&beside(&folder), args.kills, args.seed));
    }
    let width = findings.iter().map(|f| f.what.len()).max().unwrap_or(0);
    for Finding { what, found } in &findings {
        let (sign, text) = match found {
            Ok(text) => ("ok  ", text),
            Err(text) => ("BAD ", text),
        };
        screen.out(&format!("{sign} {what:width$}  {text}\n"));
    }
    if args.crash_test {
        screen.out("kill -9 ends processes, not the machine: this says nothing of a power cut\n");
    }
    Ok(match findings.iter().all(|f| f.found.is_ok()) {
        true => Exit::Done,
        false => Exit::Environment,
    })
}

fn helper() -> Finding {
    let started = Reaper::start(Path::new("/proc/self/exe"));
    Finding {
        what: "programs",
        found: match started {
            Ok(_) => Ok("the helper that starts them starts".into()),
            Err(error) => Err(format!(
                "the helper that starts them does not start: {error}"
            )),
        },
    }
}

fn boot() -> Finding {
    Finding {
        what: "boot id",
        found: match boot_id() {
            Ok(_) => Ok("known: what a crash left is told from what another boot left".into()),
            Err(error) => Err(format!("not known: {error}")),
        },
    }
}

/// Where runs are kept, or would be: a folder that is not there yet is tried beside its place.
fn state_folder(folder: &Path) -> Finding {
    let tried = match folder.exists() {
        true => Home::existing(folder).and_then(|home| home.preflight()),
        false => {
            let trial = beside(folder);
            let tried = Home::open(&trial).and_then(|home| home.preflight());
            let _gone = std::fs::remove_dir(&trial);
            tried
        }
    };
    Finding {
        what: "state folder",
        found: match tried {
            Ok(()) => Ok(format!(
                "{} is on a local disk, yours alone, and can be written",
                folder.display()
            )),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn journal(path: &Path) -> Finding {
    let look = || {
        let reader = Reader::open(path)?;
        reader.verify()?;
        Ok((reader.runs()?.len(), reader.last_seq()?))
    };
    let found = match path.exists() {
        false => Ok("none yet".into()),
        true => look()
            .map(|(runs, events)| {
                let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
                let (runs, size) = (runs_of(runs), size(bytes));
                format!("{runs}, {events} events, {size}: every link holds")
            })
            .map_err(|error: coord_host::journal::JournalError| error.to_string()),
    };
    Finding {
        what: "journal",
        found,
    }
}

/// A folder of its own on the same disk.
fn beside(folder: &Path) -> PathBuf {
    let name = format!(".coord-doctor-{}", std::process::id());
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.join(name),
        _ => PathBuf::from(name),
    }
}
