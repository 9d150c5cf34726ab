//! The program `git`, called so that nothing an agent can leave behind decides what coord sees:
//! no hooks, no file monitor, no sparse checkout, and an index of coord's own where it matters.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use thiserror::Error;

/// `merge-tree --write-tree` came with this one.
pub(super) const OLDEST: (u32, u32) = (2, 38);

const SETTINGS: [&str; 15] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.fileMode=true",
    "core.symlinks=true",
    "core.ignoreCase=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.sparseCheckout=false",
    "core.quotePath=false",
    "core.safecrlf=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.addEmbeddedRepo=false",
];

#[derive(Clone, Debug, Error)]
pub(crate) enum GitError {
    #[error("`git {what}` cannot be called: {why}")]
    Call { what: String, why: String },
    #[error("`git {what}` failed: {said}")]
    Failed { what: String, said: String },
}

impl GitError {
    /// What git itself said, in one line.
    pub(crate) fn said(&self) -> &str {
        match self {
            GitError::Call { why, .. } => why,
            GitError::Failed { said, .. } => said,
        }
    }
}

/// One call that is being put together.
#[must_use]
pub(super) struct Git {
    command: Command,
    what: String,
    input: Vec<u8>,
}

/// Where a call looks.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    /// In a folder, with the repository that it belongs to.
    Folder(&'a Path),
    /// In the repository of this git folder, with no files.
    Store(&'a Path),
}

impl Git {
    pub(super) fn new(at: At<'_>, args: &[&str]) -> Git {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_OPTIONAL_LOCKS", "0");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        match at {
            At::Folder(folder) => command.current_dir(folder),
            At::Store(folder) => command.env("GIT_DIR", folder).current_dir(folder),
        };
        command.args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        let what = args.iter().find(|arg| !arg.starts_with('-'));
        Git {
            command,
            what: what.copied().unwrap_or_default().to_string(),
            input: Vec::new(),
        }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Git {
        self.command.arg(arg);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Git {
        self.command.env(name, value);
        self
    }

    /// What it reads.
    pub(super) fn input(mut self, bytes: Vec<u8>) -> Git {
        self.input = bytes;
        self
    }

    /// Calls it, and gives what it printed, whatever its exit status.
    pub(super) fn output(mut self) -> Result<Output, GitError> {
        let failed = |what: &str, error: std::io::Error| GitError::Call {
            what: what.to_string(),
            why: error.to_string(),
        };
        if !self.input.is_empty() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = (self.command.spawn()).map_err(|error| failed(&self.what, error))?;
        let input = std::mem::take(&mut self.input);
        // git reads while it prints: both ends are kept moving
        let feeding = child.stdin.take().map(|mut stdin| {
            std::thread::spawn(move || {
                let _git_may_not_listen = stdin.write_all(&input);
            })
        });
        let output = child.wait_with_output();
        if let Some(feeding) = feeding {
            let _written = feeding.join();
        }
        output.map_err(|error| failed(&self.what, error))
    }

    /// Calls it; anything but success is an error.
    pub(super) fn bytes(self) -> Result<Vec<u8>, GitError> {
        let what = self.what.clone();
        let output = self.output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(failure(&what, &output))
    }

    pub(super) fn run(self) -> Result<(), GitError> {
        self.bytes().map(|_| ())
    }

    /// Its one line.
    pub(super) fn line(self) -> Result<String, GitError> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_string())
    }

    /// Its one line, or None when it says no.
    pub(super) fn maybe(self) -> Result<Option<String>, GitError> {
        let output = self.output()?;
        let line = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_string();
        Ok((output.status.success() && !line.is_empty()).then_some(line))
    }
}

pub(super) fn failure(what: &str, output: &Output) -> GitError {
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let said = match said.as_slice() {
        [] => format!("it ended with {}", output.status),
        lines => lines[..lines.len().min(3)].join("; "),
    };
    GitError::Failed {
        what: what.to_string(),
        said,
    }
}

/// The parts of a text that NUL ends.
pub(super) fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// The version of the program, if it is there.
pub(super) fn version() -> Result<(u32, u32), GitError> {
    let line = Git::new(At::Folder(Path::new("/")), &["version"]).line()?;
    let number = line.split(' ').nth(2).unwrap_or_default();
    let mut numbers = number.split('.').map(|n| n.parse().unwrap_or(0));
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}
