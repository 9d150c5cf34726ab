//! A project on disk for one test, and the program `coord` in it.
//!
//! ```text
//! Space::new().file("main.coord", text).coord(&["check"]).run().exits(2)
//! ```
//!
//! Nothing of the machine gets in: the environment is empty but for PATH, the state folder and the
//! home folder are inside the space, there is no colour, and paths read as `[SPACE]`.

use std::ffi::OsString;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// No call takes longer; one that does is ended and fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that goes away by itself.
pub(crate) struct Space {
    folder: TempDir,
}

impl Space {
    #[must_use]
    pub(crate) fn new() -> Space {
        Space {
            folder: tempfile::Builder::new()
                .prefix("coord-it-")
                .tempdir()
                .unwrap(),
        }
    }

    /// Writes a file, and the folders above it.
    #[must_use]
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Space {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    #[must_use]
    pub(crate) fn folder(self, name: &str) -> Space {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A call of the program in this folder; `run` makes it.
    pub(crate) fn coord(&self, args: &[&str]) -> Call<'_> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coord"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear();
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
        command
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("COORD_HOME", self.path(".coord-state"));
        command
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100");
        Call {
            space: self,
            command,
            stdin: Vec::new(),
        }
    }

    /// Texts with this folder's path as `[SPACE]`.
    fn filtered(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let real = std::fs::canonicalize(self.folder.path()).unwrap_or_default();
        [real.as_path(), self.folder.path()]
            .iter()
            .fold(text, |text, path| filter(&text, path))
    }
}

fn filter(text: &str, path: &Path) -> String {
    match path.to_str() {
        Some(path) if !path.is_empty() => text.replace(path, "[SPACE]"),
        _ => text.to_string(),
    }
}

/// A call that is being put together.
#[must_use]
pub(crate) struct Call<'s> {
    space: &'s Space,
    command: Command,
    stdin: Vec<u8>,
}

impl<'s> Call<'s> {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In a folder of the space instead of the space itself, with that folder's own state.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.command
            .current_dir(self.space.path(folder))
            .env_remove("COORD_HOME");
        self
    }

    pub(crate) fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = text.as_ref().to_vec();
        self
    }

    /// Calls it and waits for its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ran {
        self.start().wait()
    }

    /// Calls it, and lets it run.
    #[track_caller]
    pub(crate) fn start(mut self) -> Started<'s> {
        let piped = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = std::mem::take(&mut self.stdin);
        std::thread::spawn(move || {
            let _ = input.write_all(&text); // a program that does not listen is fine
        });
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        Started {
            space: self.space,
            shown: format!("{:?}", self.command),
            child,
            stdout,
            stderr,
        }
    }
}

/// A call at work. Dropped, it is ended.
#[must_use]
pub(crate) struct Started<'s> {
    space: &'s Space,
    shown: String,
    child: Child,
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<Vec<u8>>,
}

impl Started<'_> {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let (Ok(stdout), Ok(stderr)) = (
            self.stdout.recv_timeout(PATIENCE),
            self.stderr.recv_timeout(PATIENCE),
        ) else {
            panic!("{} did not end within {PATIENCE:?}", self.shown);
        };
        let status = self.child.wait().unwrap();
        Ran {
            status,
            stdout: self.space.filtered(&stdout),
            stderr: self.space.filtered(&stderr),
        }
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    receive
}

/// What came of a call. As text it is what a user sees, for snapshots.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails, with everything that was said, when the exit status is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status.code() {
            Some(code) => writeln!(f, "exit status: {code}")?,
            None => writeln!(f, "{}", self.status)?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
