//! A running program, seen from `coord`: its stop buttons and its report.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until, timeout};

use super::identity::{ProcessIdentity, sweep};
use super::spawner::{Shared, Shim};
use super::wire::{KILL, REPLY_BYTES, Reply, TERMINATE};

/// A shim gives up on what cannot be killed after 10 s and says so. One that says nothing for
/// longer does not work, for example because it was stopped.
const SHIM_PATIENCE: Duration = Duration::from_secs(15);

/// The read ends of what the program prints.
#[derive(Debug)]
pub struct OutputStreams {
    /// `None` when somebody else reads it.
    pub stdout: Option<OwnedFd>,
    pub stderr: OwnedFd,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
    /// Its shim was killed, so nobody saw the end; what was left of the tree has been killed.
    Lost,
}

/// The end of a program, and of its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitReport {
    pub ending: Ending,
    /// How many processes besides the main program had to be killed.
    pub killed: u32,
    /// How many could not be killed: they run as another user, or hang in the kernel.
    pub survivors: u32,
    /// CPU time of all processes of the tree that were waited for.
    pub user: Duration,
    pub system: Duration,
    /// Of the biggest process. The first 2 MiB or so may be those of the shim.
    pub max_rss_kib: u64,
}

impl ExitReport {
    const LOST: ExitReport = ExitReport {
        ending: Ending::Lost,
        killed: 0,
        survivors: 0,
        user: Duration::ZERO,
        system: Duration::ZERO,
        max_rss_kib: 0,
    };

    fn from_reply(reply: Reply) -> Option<Self> {
        match reply {
            Reply::Ended {
                raw_status,
                killed,
                survivors,
                user,
                system,
                max_rss_kib,
            } => {
                let ending = Ending::from_raw(raw_status);
                Some(ExitReport {
                    ending,
                    killed,
                    survivors,
                    user,
                    system,
                    max_rss_kib,
                })
            }
            Reply::Ready { .. } | Reply::Started { .. } | Reply::Failed { .. } => None,
        }
    }
}

impl Ending {
    fn from_raw(raw_status: i32) -> Self {
        let status = ExitStatus::from_raw(raw_status);
        match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exited(code),
            (None, Some(signal)) => Ending::Signaled(signal),
            (None, None) => Ending::Lost,
        }
    }
}

/// A running program. Dropping it kills the whole tree.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    start_time: u64,
    output: Option<OutputStreams>,
    /// `None` once the program has ended and the shim has gone back.
    shim: Option<Shim>,
    shared: Arc<Shared>,
    kill_sent: Option<Instant>,
    reply: ReplyBuffer,
    report: ExitReport,
}

impl Child {
    pub(super) fn new(
        pid: i32,
        start_time: u64,
        output: OutputStreams,
        shim: Shim,
        shared: Arc<Shared>,
    ) -> Self {
        Child {
            pid,
            start_time,
            output: Some(output),
            shim: Some(shim),
            shared,
            kill_sent: None,
            reply: ReplyBuffer::default(),
            report: ExitReport::LOST,
        }
    }

    /// What names the main program beyond the life of `coord`.
    pub fn identity(&self) -> ProcessIdentity {
        ProcessIdentity {
            pid: self.pid,
            start_time: self.start_time,
        }
    }

    /// What the program prints; `None` the second time. Whoever does not read it blocks the
    /// program, whoever drops it breaks its pipe.
    pub fn take_output(&mut self) -> Option<OutputStreams> {
        self.output.take()
    }

    /// What the program says on standard output, for whoever speaks with it; the rest is for
    /// [`take_output`](Self::take_output).
    pub fn take_main_output(&mut self) -> io::Result<OwnedFd> {
        let stdout = self.output.as_mut().and_then(|output| output.stdout.take());
        let taken = || io::Error::other("its output is read already");
        stdout.ok_or_else(taken)
    }

    /// Sends SIGTERM to the whole tree, and wakes what is stopped. From now on the tree has ended
    /// when its last process has, so whoever calls this has to call [`kill`](Self::kill) in time.
    pub fn terminate(&mut self) {
        self.command(TERMINATE);
    }

    /// Kills the whole tree; [`wait`](Self::wait) tells when it is gone.
    pub fn kill(&mut self) {
        self.kill_sent.get_or_insert_with(Instant::now);
        self.command(KILL);
    }

    /// A shim that is gone shows in `wait`; a socket that is full holds this command already.
    fn command(&self, command: u8) {
        if let Some(shim) = &self.shim {
            let _gone_or_full = shim.control.try_write(&[command]);
        }
    }

    /// Returns when no process of the tree is left. May be dropped and called again.
    pub async fn wait(&mut self) -> ExitReport {
        let Some(shim) = &mut self.shim else {
            return self.report;
        };
        let reply = match self.kill_sent {
            None => self.reply.fill(shim).await,
            Some(sent) => tokio::select! {
                reply = self.reply.fill(shim) => reply,
                () = sleep_until(sent + SHIM_PATIENCE) => None,
            },
        };
        match reply.and_then(ExitReport::from_reply) {
            Some(report) => self.finish(report),
            None => self.mourn().await,
        }
        self.report
    }

    /// Asks for the end, and enforces it after `grace`.
    pub async fn stop(&mut self, grace: Duration) -> ExitReport {
        self.terminate();
        if let Ok(report) = timeout(grace, self.wait()).await {
            return report;
        }
        self.kill();
        self.wait().await
    }

    fn finish(&mut self, report: ExitReport) {
        self.report = report;
        if let Some(shim) = self.shim.take()
            && report.survivors == 0
        {
            self.shared.put_back(shim);
        }
    }

    /// The shim is gone, or as good as: returns when its orphans are gone too.
    async fn mourn(&mut self) {
        let Some(shim) = &self.shim else { return };
        if !shim.end().await {
            // Without a reaper, what is left of the tree is found by its main program only.
            let identity = self.identity();
            let _swept = tokio::task::spawn_blocking(move || sweep(&[identity], None)).await;
        }
        self.shim = None;
    }
}

/// A reply that may come in pieces, kept over dropped waits.
#[derive(Debug)]
struct ReplyBuffer {
    bytes: [u8; REPLY_BYTES],
    filled: usize,
}

impl Default for ReplyBuffer {
    fn default() -> Self {
        ReplyBuffer {
            bytes: [0; REPLY_BYTES],
            filled: 0,
        }
    }
}

impl ReplyBuffer {
    /// `None` when the shim is gone.
    async fn fill(&mut self, shim: &mut Shim) -> Option<Reply> {
        while self.filled < REPLY_BYTES {
            match shim.control.read(&mut self.bytes[self.filled..]).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.filled += length,
            }
        }
        Reply::parse(&self.bytes)
    }
}
