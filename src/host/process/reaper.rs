//! The reaper: a small process that forks shims, and takes care of the trees of shims that died.
//!
//! It knows which shims live, and nothing of what they run. It ends when `coord` has gone and the
//! last shim after it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::SocketType;
use rustix::net::sockopt::socket_type;
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper, setsid};

use super::kernel::{self, Fork, Reap, Stage};
use super::shim::{self, ShimEnd, await_death, drain_deaths, own_pid, receive_with_fds};
use super::tree::{self, Brood, Process};
use super::wire::{END_SHIM, NEW_SHIM, Reply};

/// How long the orphans of a dead shim may take to die.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(10);
const FIRST_FREE_FD: i32 = 3;
const SUCCESS: i32 = 0;
const FAILURE: i32 = 1;

/// The whole of `coord reaper`: serves the socket on stdin until `coord` closes it. Returns the
/// exit code. To be called before any thread is started.
pub fn reaper_main() -> i32 {
    match Reaper::prepare().and_then(Reaper::serve) {
        Ok(()) => SUCCESS,
        Err(error) => {
            eprintln!("coord reaper: {error}");
            FAILURE
        }
    }
}

/// Makes the descendants whose parents die children of this process.
pub(super) fn become_subreaper() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

struct Reaper {
    /// `None` once `coord` has gone.
    socket: Option<OwnedFd>,
    deaths: OwnedFd,
    shims: HashSet<i32>,
    /// A shim died without having cleaned up.
    orphans_possible: bool,
    pid: i32,
}

impl Reaper {
    /// Leaves everything behind that belongs to the terminal, the folder and the caller.
    fn prepare() -> io::Result<Self> {
        refuse_terminals()?;
        kernel::close_from(FIRST_FREE_FD);
        let socket = fcntl_dupfd_cloexec(io::stdin(), FIRST_FREE_FD)?;
        // Fails only for a process group leader, which then has a group of its own already.
        let _leader = setsid();
        kernel::quiet_signals();
        kernel::set_name(c"coord-reaper");
        std::env::set_current_dir("/")?;
        become_subreaper()?;
        let reaper = Reaper {
            socket: Some(socket),
            deaths: kernel::child_deaths()?,
            shims: HashSet::new(),
            orphans_possible: false,
            pid: own_pid(),
        };
        discard_standard_fds()?;
        Ok(reaper)
    }

    fn serve(mut self) -> io::Result<()> {
        while self.socket.is_some() || !self.shims.is_empty() {
            let request = self.wait()?;
            self.settle();
            if request {
                self.obey()?;
            }
        }
        Ok(())
    }

    /// Waits for a request or a death; tells whether there is a request (or the end of them).
    fn wait(&self) -> io::Result<bool> {
        let mut wanted = vec![PollFd::new(&self.deaths, PollFlags::IN)];
        wanted.extend(
            self.socket
                .iter()
                .map(|socket| PollFd::new(socket, PollFlags::IN)),
        );
        match poll(&mut wanted, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(wanted
            .get(1)
            .is_some_and(|socket| !socket.revents().is_empty()))
    }

    /// Reaps the dead and kills what dead shims left behind.
    fn settle(&mut self) {
        drain_deaths(&self.deaths);
        self.reap_dead();
        if self.orphans_possible {
            self.orphans_possible = false;
            tree::exterminate(self, ORPHAN_PATIENCE);
        }
    }

    fn reap_dead(&mut self) {
        while let Reap::Dead(dead) = kernel::reap_one() {
            if self.shims.remove(&dead.pid) && dead.raw_status != 0 {
                self.orphans_possible = true;
            }
        }
    }

    /// Every request is one message with one descriptor.
    fn obey(&mut self) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        let mut message = [0; 8];
        let mut fds = Vec::new();
        let length = receive_with_fds(socket, &mut message, &mut fds).unwrap_or(0);
        match (&message[..length], fds.pop()) {
            ([], _) => self.socket = None,
            ([NEW_SHIM], Some(fd)) => self.fork_shim(UnixStream::from(fd))?,
            ([END_SHIM, pid @ ..], Some(done)) => {
                self.end_shim(pid);
                drop(done);
            }
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a request")),
        }
        Ok(())
    }

    fn fork_shim(&mut self, control: UnixStream) -> io::Result<()> {
        match kernel::fork() {
            Ok(Fork::Child) => self.become_shim(control),
            Ok(Fork::Parent(pid)) => {
                self.shims.insert(pid);
                Ok(())
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                let failed = Reply::Failed {
                    stage: Stage::Fork,
                    errno,
                };
                // Nobody to tell when coord is gone; the closed socket says it then.
                let _gone = io::Write::write_all(&mut &control, &failed.to_bytes());
                Ok(())
            }
        }
    }

    /// The new process keeps nothing of the reaper but its signal descriptor.
    fn become_shim(&mut self, control: UnixStream) -> ! {
        self.socket = None;
        self.shims.clear();
        // A signal descriptor shows the signals of whoever reads it, so a copy serves the shim.
        let clean = matches!(shim::serve(control, &self.deaths), Ok(ShimEnd::Clean));
        process::exit(if clean { SUCCESS } else { FAILURE })
    }

    /// Kills a shim that does not answer, or has died, and whatever it left behind.
    fn end_shim(&mut self, pid: &[u8]) {
        let pid = pid.try_into().map(i32::from_le_bytes).unwrap_or(0);
        if !self.shims.contains(&pid) {
            return;
        }
        // It is our child and not reaped, so the pid is its own.
        if let Some(pid) = Pid::from_raw(pid) {
            let _dead = kill_process(pid, Signal::KILL);
        }
        while self.shims.contains(&pid) {
            await_death(&self.deaths, ORPHAN_PATIENCE);
            self.reap_dead();
        }
        self.settle();
    }
}

/// For the reaper, the brood is what shims left behind.
impl Brood for Reaper {
    fn reap(&mut self) -> bool {
        self.reap_dead();
        !self.descendants().is_empty()
    }

    fn descendants(&self) -> Vec<Process> {
        tree::descendants(self.pid, |child| self.shims.contains(&child)).unwrap_or_default()
    }

    fn await_death(&self, pause: Duration) {
        await_death(&self.deaths, pause);
    }
}

/// Somebody who types `coord reaper` would get a process that heeds no Ctrl-C.
fn refuse_terminals() -> io::Result<()> {
    match socket_type(io::stdin()) {
        Ok(SocketType::SEQPACKET) => Ok(()),
        Ok(_) | Err(_) => Err(io::Error::other("only coord itself can start this")),
    }
}

/// Frees what the caller's stdin, stdout and stderr were, so that nobody waits for us to close
/// them; and takes their places, so that no descriptor of ours is ever one of the three.
fn discard_standard_fds() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    (0..FIRST_FREE_FD).try_for_each(|place| kernel::put_in_place(null.as_fd(), place))
}
