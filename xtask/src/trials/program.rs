//! The real program, in a folder of its own.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Folder, Setting};

/// Between the polite request to end and the kill.
pub(crate) const GRACE_MS: u64 = 100;

/// One project that a trial runs.
pub(crate) struct Project<'s> {
    setting: &'s Setting,
    folder: Folder,
}

impl Project<'_> {
    pub(crate) fn new<'s>(
        setting: &'s Setting,
        trial: &str,
        seed: u64,
        text: &str,
    ) -> Result<Project<'s>, String> {
        let folder = Folder::new(trial, seed)?;
        std::fs::write(folder.path().join("main.coord"), text).map_err(|e| e.to_string())?;
        Ok(Project { setting, folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn program(&self) -> &Path {
        &self.setting.coord
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.setting.coord);
        command.args(args).current_dir(self.path());
        command.env_remove("COORD_HOME");
        command.env("COORD_GRACE", format!("{GRACE_MS}ms"));
        command
    }

    pub(crate) fn call(&self, args: &[&str]) -> Result<Output, String> {
        self.command(args).output().map_err(|e| e.to_string())
    }

    /// The same of another program.
    pub(crate) fn shell(&self, text: &str) -> Result<Output, String> {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", text]).current_dir(self.path());
        shell
            .env_remove("COORD_HOME")
            .output()
            .map_err(|e| e.to_string())
    }

    /// Begins a call that says nothing.
    pub(crate) fn begin(&self, args: &[&str]) -> Result<Child, String> {
        let mut command = self.command(args);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        silent.spawn().map_err(|e| e.to_string())
    }

    /// Begins the run `r`, or goes on with it; says nothing.
    pub(crate) fn start(&self) -> Result<Child, String> {
        let begun = self.call(&["status", "r"])?.status.success();
        let args: &[&str] = match begun {
            true => &["resume", "r", "-q"],
            false => &["run", "--run-id", "r", "-q"],
        };
        self.begin(args)
    }

    /// Every event of the run.
    pub(crate) fn events(&self) -> Result<Vec<Value>, String> {
        let ran = self.call(&["logs", "r", "--events"])?;
        let text = String::from_utf8_lossy(&ran.stdout);
        let read = text
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|e| format!("{e}: {line}")));
        read.collect()
    }
}

/// Waits so long, and kills what then still runs: true. False: it had ended.
pub(crate) fn kill_after(child: &mut Child, ms: u64) -> Result<bool, String> {
    thread::sleep(Duration::from_millis(ms));
    let gone = |e: io::Error| e.to_string();
    if child.try_wait().map_err(gone)?.is_some() {
        return Ok(false);
    }
    child.kill().map_err(gone)?;
    let ended = child.wait().map_err(gone)?;
    Ok(ended.code().is_none())
}

pub(crate) fn said(ran: &Output) -> String {
    format!("{}: {}", ran.status, String::from_utf8_lossy(&ran.stderr))
}
