//! The reaper as `coord` sees it: starts it, gets shims from it, runs programs in them.
//!
//! Shims that are done with a program wait here for the next one: that saves a fork per task.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};

use super::child::{Child, OutputStreams};
use super::spawn_error::SpawnError;
use super::wire::{END_SHIM, NEW_SHIM, REPLY_BYTES, Reply, RunFrame};

/// An idle shim costs about 200 KiB; more than this many tasks rarely end at the same moment.
const MAX_IDLE_SHIMS: usize = 64;
/// The reaper's socket is full only while the reaper kills orphans.
const BUSY_REAPER_PAUSE: Duration = Duration::from_millis(1);
const DYING_REAPER_PAUSE: Duration = Duration::from_millis(5);
/// More than a killed reaper or shim needs; without end only if something kills them all.
const SHIM_ATTEMPTS: usize = 100;
/// The reaper gives up on orphans after 10 s.
const END_SHIM_PATIENCE: Duration = Duration::from_secs(15);
const MAX_FDS: usize = 3;

/// What to run, completely: nothing of `coord`'s own environment is added.
#[derive(Debug)]
pub struct SpawnSpec {
    /// The program and its arguments. Without a slash, the program is looked for in the absolute
    /// folders of `env`'s PATH (or, if it has none, in the usual ones).
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    /// Absolute, or relative to `coord`'s own.
    pub cwd: PathBuf,
    pub stdin: Stdin,
    /// How long processes that outlive the main program may take to end by themselves.
    pub leftover_grace: Duration,
}

/// What the program reads.
#[derive(Debug)]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    Null,
    /// For example the read end of a pipe.
    Fd(OwnedFd),
}

impl SpawnSpec {
    /// Runs `argv` in `cwd` with an empty environment, nothing to read and no grace.
    pub fn new<S: Into<OsString>>(argv: impl IntoIterator<Item = S>, cwd: &Path) -> Self {
        SpawnSpec {
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            cwd: cwd.to_owned(),
            stdin: Stdin::Null,
            leftover_grace: Duration::ZERO,
        }
    }

    fn check(&self) -> Result<(), SpawnError> {
        let broken_name = |name: &OsStr| name.is_empty() || has_byte(name, b'=');
        let problem = if self.argv.first().is_none_or(|program| program.is_empty()) {
            Some("an empty program name")
        } else if self.argv.iter().any(|argument| has_byte(argument, 0)) {
            Some("an argument with a NUL byte")
        } else if self
            .env
            .iter()
            .any(|(name, value)| has_byte(name, 0) || has_byte(value, 0))
        {
            Some("an environment variable with a NUL byte")
        } else if self.env.iter().any(|(name, _)| broken_name(name)) {
            Some("an environment variable whose name is empty or has a `=`")
        } else if has_byte(self.cwd.as_os_str(), 0) {
            Some("a working directory with a NUL byte")
        } else {
            None
        };
        problem.map_or(Ok(()), |what| Err(SpawnError::Malformed { what }))
    }

    fn frame(&self) -> Result<RunFrame, SpawnError> {
        self.check()?;
        let cwd = std::path::absolute(&self.cwd).map_err(|source| SpawnError::Directory {
            cwd: self.cwd.clone(),
            source,
        })?;
        Ok(RunFrame::new(
            &self.argv,
            &self.env,
            &cwd,
            self.leftover_grace,
        ))
    }
}

fn has_byte(string: &OsStr, byte: u8) -> bool {
    string.as_bytes().contains(&byte)
}

/// The handle to the reaper process. Clones share it; it ends with the last one and the last
/// [`Child`].
#[derive(Debug, Clone)]
pub struct Reaper {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    exe: PathBuf,
    null: File,
    process: Mutex<ReaperProcess>,
    idle: Mutex<Vec<Shim>>,
}

#[derive(Debug)]
struct ReaperProcess {
    socket: Arc<OwnedFd>,
    process: process::Child,
}

/// The control socket of a shim, and so its life.
#[derive(Debug)]
pub(super) struct Shim {
    pub(super) control: UnixStream,
    /// The reaper that forked it: only that one can end it.
    reaper: Arc<OwnedFd>,
    pid: i32,
}

impl Reaper {
    /// Starts `exe reaper`, whose `main` has to call `reaper_main`. `/proc/self/exe` is the best
    /// `exe`: it stays valid when the file is replaced. Needs no runtime; call it early, before
    /// [`prepare_coordinator`](super::prepare_coordinator) raises limits that tasks should not
    /// inherit.
    pub fn start(exe: &Path) -> io::Result<Reaper> {
        let shared = Shared {
            exe: exe.to_owned(),
            null: File::options().read(true).open("/dev/null")?,
            process: Mutex::new(ReaperProcess::start(exe)?),
            idle: Mutex::new(Vec::new()),
        };
        Ok(Reaper {
            shared: Arc::new(shared),
        })
    }

    /// The pid of the reaper process.
    pub fn pid(&self) -> u32 {
        lock(&self.shared.process).process.id()
    }

    /// Starts a program. When the result is [`SpawnError::Lost`] it may have run for a moment;
    /// with any other error it has not. Dropping the child kills its tree.
    pub async fn spawn(&self, spec: SpawnSpec) -> Result<Child, SpawnError> {
        let frame = spec.frame()?;
        let no_room = |source| SpawnError::Resources { source };
        let (stdout, stdout_end) = output_pipe().map_err(no_room)?;
        let (stderr, stderr_end) = output_pipe().map_err(no_room)?;
        let stdin = match &spec.stdin {
            Stdin::Null => self.shared.null.as_fd(),
            Stdin::Fd(fd) => fd.as_fd(),
        };
        let fds = [stdin, stdout_end.as_fd(), stderr_end.as_fd()];
        let mut shim = self.shared.shim_with_request(&frame, &fds).await?;
        match shim.read_reply().await {
            Some(Reply::Started { pid, start_time }) => {
                let output = OutputStreams {
                    stdout: Some(stdout),
                    stderr,
                };
                Ok(Child::new(
                    pid,
                    start_time,
                    output,
                    shim,
                    Arc::clone(&self.shared),
                ))
            }
            Some(Reply::Failed { stage, errno }) => {
                self.shared.put_back(shim);
                Err(SpawnError::from_stage(stage, errno, &spec))
            }
            Some(Reply::Ready { .. } | Reply::Ended { .. }) | None => {
                let _ended = shim.end().await;
                Err(SpawnError::Lost)
            }
        }
    }
}

/// Our end of a control socket, and that of the shim.
fn control_pair() -> io::Result<(UnixStream, OwnedFd)> {
    let (control, shim_end) = std::os::unix::net::UnixStream::pair()?;
    control.set_nonblocking(true)?;
    Ok((UnixStream::from_std(control)?, shim_end.into()))
}

/// The read end for us, the write end for the program.
fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

impl Shared {
    /// A shim that has been sent the request.
    async fn shim_with_request(
        &self,
        frame: &RunFrame,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Shim, SpawnError> {
        loop {
            let idle = lock(&self.idle).pop();
            let fresh = idle.is_none();
            let mut shim = match idle {
                Some(shim) => shim,
                None => self.new_shim().await?,
            };
            // An idle shim that somebody killed has not got the request, so another one may.
            match shim.send(frame.bytes(), fds).await {
                Ok(()) => return Ok(shim),
                Err(source) if fresh => return Err(SpawnError::Reaper { source }),
                Err(_) => {}
            }
        }
    }

    /// A shim that is ready. A reaper that was killed, also while it was asked, is replaced.
    async fn new_shim(&self) -> Result<Shim, SpawnError> {
        for _ in 0..SHIM_ATTEMPTS {
            let reaper = self
                .living_reaper()
                .map_err(|source| SpawnError::Reaper { source })?;
            if let Some(shim) = Shim::request(&reaper).await? {
                return Ok(shim);
            }
            // A reaper that is dying closes its socket a moment before it can be collected.
            sleep(DYING_REAPER_PAUSE).await;
        }
        Err(SpawnError::Reaper {
            source: io::ErrorKind::BrokenPipe.into(),
        })
    }

    /// The shims of a reaper that was killed live on without it.
    fn living_reaper(&self) -> io::Result<Arc<OwnedFd>> {
        let mut reaper = lock(&self.process);
        if reaper.process.try_wait()?.is_some() {
            *reaper = ReaperProcess::start(&self.exe)?;
        }
        Ok(Arc::clone(&reaper.socket))
    }

    pub(super) fn put_back(&self, shim: Shim) {
        let mut idle = lock(&self.idle);
        if idle.len() < MAX_IDLE_SHIMS {
            idle.push(shim);
        }
    }
}

async fn send_to_reaper(reaper: &OwnedFd, message: &[u8], fd: BorrowedFd<'_>) -> io::Result<()> {
    loop {
        match send_with_fds(reaper.as_fd(), message, &[fd], SendFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(BUSY_REAPER_PAUSE).await;
            }
            other => return other.map(|_| ()),
        }
    }
}

async fn wait_for_close(pipe: OwnedFd) -> io::Result<()> {
    let mut nothing = [0];
    pipe::Receiver::from_owned_fd(pipe)?
        .read(&mut nothing)
        .await
        .map(|_| ())
}

impl ReaperProcess {
    fn start(exe: &Path) -> io::Result<Self> {
        let (socket, reaper_end) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let process = Command::new(exe)
            .arg0("coord")
            .arg("reaper")
            .env_clear()
            .envs(of_the_loader())
            .stdin(Stdio::from(reaper_end))
            .stdout(Stdio::null())
            .spawn()?;
        Ok(ReaperProcess {
            socket: Arc::new(socket),
            process,
        })
    }
}

/// All that the helper gets of coord's environment, because a task can read its helper's.
fn of_the_loader() -> impl Iterator<Item = (OsString, OsString)> {
    let of_the_loader =
        |name: &OsStr| name.as_bytes().starts_with(b"LD_") || name.as_bytes().starts_with(b"DYLD_");
    std::env::vars_os().filter(move |(name, _)| of_the_loader(name))
}

impl Drop for ReaperProcess {
    /// Collects the reaper if it has ended already. It cannot be waited for here: it ends after
    /// its socket and its shims.
    fn drop(&mut self) {
        let _still_running = self.process.try_wait();
    }
}

impl Shim {
    /// Has the reaper fork a shim; `None` when the reaper is gone.
    async fn request(reaper: &Arc<OwnedFd>) -> Result<Option<Self>, SpawnError> {
        let no_room = |source| SpawnError::Resources { source };
        let (control, shim_end) = control_pair().map_err(no_room)?;
        match send_to_reaper(reaper, &[NEW_SHIM], shim_end.as_fd()).await {
            Ok(()) => drop(shim_end),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
            Err(source) => return Err(SpawnError::Reaper { source }),
        }
        let mut shim = Shim {
            control,
            reaper: Arc::clone(reaper),
            pid: 0,
        };
        match shim.read_reply().await {
            Some(Reply::Ready { shim_pid }) => Ok(Some(Shim {
                pid: shim_pid,
                ..shim
            })),
            Some(Reply::Failed { errno, .. }) => Err(no_room(io::Error::from_raw_os_error(errno))),
            Some(Reply::Started { .. } | Reply::Ended { .. }) | None => Ok(None),
        }
    }

    async fn send(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let control = &self.control;
        let send = || send_with_fds(control.as_fd(), bytes, fds, SendFlags::empty());
        let sent = control.async_io(Interest::WRITABLE, send).await?;
        self.control.write_all(&bytes[sent..]).await
    }

    /// Has the reaper kill this shim with all it left behind; tells whether that was done.
    pub(super) async fn end(&self) -> bool {
        let done = async {
            let (done, done_end) = output_pipe()?;
            let [a, b, c, d] = self.pid.to_le_bytes();
            send_to_reaper(&self.reaper, &[END_SHIM, a, b, c, d], done_end.as_fd()).await?;
            drop(done_end);
            wait_for_close(done).await
        };
        matches!(timeout(END_SHIM_PATIENCE, done).await, Ok(Ok(())))
    }

    /// `None` when the shim is gone.
    async fn read_reply(&mut self) -> Option<Reply> {
        let mut bytes = [0; REPLY_BYTES];
        self.control.read_exact(&mut bytes).await.ok()?;
        Reply::parse(&bytes)
    }
}

fn send_with_fds(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
    flags: SendFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(fds));
    Ok(sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        flags | SendFlags::NOSIGNAL,
    )?)
}

/// A panic elsewhere leaves these lists valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
