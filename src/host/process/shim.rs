//! The process between `coord` and one program's tree: starts it, watches it, kills it, reports.
//!
//! A shim serves one program at a time, as often as it is asked, and ends with its control socket.
//! It does not know why a program runs, nor where its output goes.

use std::ffi::{CStr, CString, OsStr};
use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal, kill_process_group};

use super::kernel::{self, Image, LaunchFailure, Reap, Reaped, Stack, Stage};
use super::tree::{self, Brood, Process};
use super::wire::{KILL, MAX_REQUEST_BYTES, RUN, RUN_HEADER_BYTES, Reply, RunRequest, TERMINATE};

/// Where programs are looked for when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";
/// How long a killed tree may take to die: the kernel may have a lot of memory to free.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// How long a killed process group usually needs; only then is `/proc` scanned for others.
const GROUP_PATIENCE: Duration = Duration::from_millis(5);
/// Holds the requests that are not unusually long.
const READ_BYTES: usize = 16 * 1024;
/// stdin, stdout and stderr of the program.
const STANDARD_FDS: usize = 3;

/// What a finished shim tells the reaper by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShimEnd {
    /// No descendant is left.
    Clean,
    /// The reaper has to look for descendants.
    Dirty,
}

/// Serves the control socket until it closes. Runs in a fresh fork of the reaper.
pub(super) fn serve(control: UnixStream, deaths: &OwnedFd) -> io::Result<ShimEnd> {
    kernel::set_name(c"coord-shim");
    super::reaper::become_subreaper()?;
    let mut shim = Shim {
        control,
        deaths,
        stack: Stack::new(),
        pid: own_pid(),
        run: Run::default(),
    };
    shim.reply(Reply::Ready { shim_pid: shim.pid })?;
    while let Some(request) = shim.receive()? {
        if shim.perform(request)? == ShimEnd::Dirty {
            return Ok(ShimEnd::Dirty);
        }
    }
    Ok(ShimEnd::Clean)
}

pub(super) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

struct Shim<'a> {
    control: UnixStream,
    deaths: &'a OwnedFd,
    stack: Stack,
    pid: i32,
    run: Run,
}

/// What is known about the program that runs now.
#[derive(Default)]
struct Run {
    main_pid: i32,
    main_status: Option<i32>,
    /// The tree was asked to end.
    terminating: bool,
    killing: bool,
    killed: u32,
    user: Duration,
    system: Duration,
    max_rss_kib: u64,
}

/// A request as it came: the body still in bytes.
struct Request {
    body: Vec<u8>,
    stdio: [OwnedFd; STANDARD_FDS],
}

/// What a shim watches for.
#[derive(Debug, Clone, Copy)]
enum Until {
    MainEnds,
    TreeEnds { deadline: Option<Instant> },
}

impl Until {
    fn pause(self) -> Option<Duration> {
        match self {
            Until::MainEnds => None,
            Until::TreeEnds { deadline } => {
                deadline.map(|end| end.saturating_duration_since(Instant::now()))
            }
        }
    }
}

/// Why a shim stopped watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// What it watched for has come.
    Ended,
    /// `coord` asked for the end, or is gone.
    Kill,
}

impl Shim<'_> {
    /// The next request, or `None` when `coord` is gone or closed the socket.
    fn receive(&mut self) -> io::Result<Option<Request>> {
        let mut fds = Vec::new();
        let mut bytes = vec![0; READ_BYTES];
        let mut filled = 0;
        loop {
            let length = receive_some(&self.control, &mut bytes[filled..], &mut fds)?;
            if length == 0 {
                return Ok(None);
            }
            filled += length;
            filled = without_stale_commands(&mut bytes, filled);
            let needed = frame_length(&bytes[..filled])?;
            if filled == needed && filled > 0 {
                break;
            }
            bytes.resize(needed.max(READ_BYTES), 0);
        }
        bytes.truncate(filled);
        let stdio = <[OwnedFd; STANDARD_FDS]>::try_from(fds).map_err(|_| malformed())?;
        Ok(Some(Request {
            body: bytes.split_off(RUN_HEADER_BYTES),
            stdio,
        }))
    }

    fn perform(&mut self, request: Request) -> io::Result<ShimEnd> {
        self.run = Run::default();
        match self.start(request) {
            Err(failure) => {
                let LaunchFailure { stage, errno } = failure;
                self.reply(Reply::Failed { stage, errno })?;
                Ok(ShimEnd::Clean)
            }
            Ok(leftover_grace) => self.attend(leftover_grace),
        }
    }

    /// Starts the program and drops its end of the pipes, so that only the tree holds them.
    fn start(&mut self, request: Request) -> Result<Duration, LaunchFailure> {
        let unreadable = LaunchFailure {
            stage: Stage::Execute,
            errno: libc::EINVAL,
        };
        let run = RunRequest::parse(&request.body).ok_or(unreadable)?;
        let program = run.argv.first().ok_or(unreadable)?;
        let [stdin, stdout, stderr] = &request.stdio;
        let image = Image {
            candidates: &candidates(program, &run.env),
            argv: &run.argv,
            env: &run.env,
            cwd: run.cwd,
            stdin: stdin.as_fd(),
            stdout: stdout.as_fd(),
            stderr: stderr.as_fd(),
        };
        self.run.main_pid = kernel::launch(&image, &mut self.stack)?;
        Ok(run.leftover_grace)
    }

    /// From a started program to its report.
    fn attend(&mut self, leftover_grace: Duration) -> io::Result<ShimEnd> {
        // An unreaped child keeps its entry in /proc, also when it has ended already.
        let start_time = Process::read(self.run.main_pid).map_or(0, |main| main.start_time);
        let pid = self.run.main_pid;
        // When coord is gone already, the first look at the control socket finds that out.
        let _gone = self.reply(Reply::Started { pid, start_time });
        let mut cause = self.watch(Until::MainEnds);
        if cause == Cause::Ended && self.reap() {
            cause = self.watch(self.end_of_leftovers(leftover_grace));
        }
        let survivors = self.end_tree(cause);
        self.reply(self.ended(survivors))?;
        Ok(if survivors == 0 {
            ShimEnd::Clean
        } else {
            ShimEnd::Dirty
        })
    }

    /// A tree that was asked to end has until `coord` loses patience: that is its grace, and its
    /// main program may well be the first to go.
    fn end_of_leftovers(&self, leftover_grace: Duration) -> Until {
        let asked = self.run.terminating;
        let deadline = (!asked).then(|| Instant::now() + leftover_grace);
        Until::TreeEnds { deadline }
    }

    fn watch(&mut self, until: Until) -> Cause {
        while !self.reached(until) {
            let pause = until.pause();
            if wait_for(&self.control, self.deaths, pause) && self.obey() == Cause::Kill {
                return Cause::Kill;
            }
        }
        Cause::Ended
    }

    fn reached(&mut self, until: Until) -> bool {
        let children_left = self.reap();
        match until {
            Until::MainEnds => self.run.main_status.is_some(),
            Until::TreeEnds { deadline } => {
                !children_left || deadline.is_some_and(|deadline| Instant::now() >= deadline)
            }
        }
    }

    /// Reads the commands that have come.
    fn obey(&mut self) -> Cause {
        let mut commands = [0; 16];
        let length = self.control.read(&mut commands).unwrap_or(0);
        if length == 0 || commands[..length].contains(&KILL) {
            return Cause::Kill;
        }
        if commands[..length].contains(&TERMINATE) {
            self.terminate();
        }
        Cause::Ended
    }

    /// SIGTERM for each process once; stopped ones are woken to see it.
    fn terminate(&mut self) {
        self.run.terminating = true;
        let tree = self.descendants();
        tree::signal_all(&tree, Signal::TERM);
        tree::signal_all(&tree, Signal::CONT);
    }

    fn end_tree(&mut self, cause: Cause) -> u32 {
        self.run.killing = true;
        if cause == Cause::Kill && self.run.main_status.is_none() {
            self.kill_group();
        }
        tree::exterminate(self, KILL_PATIENCE)
    }

    /// Most trees stay in the group of their main program, and a group dies at once, forks in
    /// flight included. The main program is not reaped yet, so the group's number is its own.
    fn kill_group(&mut self) {
        let Some(group) = Pid::from_raw(self.run.main_pid) else {
            return;
        };
        let _gone = kill_process_group(group, Signal::KILL);
        let deadline = Instant::now() + GROUP_PATIENCE;
        while self.reap() && Instant::now() < deadline {
            self.await_death(deadline.saturating_duration_since(Instant::now()));
        }
    }

    fn ended(&self, survivors: u32) -> Reply {
        let Run {
            main_status,
            killed,
            user,
            system,
            max_rss_kib,
            ..
        } = self.run;
        Reply::Ended {
            // A main program that survives SIGKILL has no status yet, but SIGKILL it will be.
            raw_status: main_status.unwrap_or(libc::SIGKILL),
            killed,
            survivors,
            user,
            system,
            max_rss_kib,
        }
    }

    fn reply(&self, reply: Reply) -> io::Result<()> {
        (&self.control).write_all(&reply.to_bytes())
    }

    fn account(&mut self, dead: Reaped) {
        let run = &mut self.run;
        run.user += dead.user;
        run.system += dead.system;
        run.max_rss_kib = run.max_rss_kib.max(dead.max_rss_kib);
        if dead.pid == run.main_pid && run.main_status.is_none() {
            run.main_status = Some(dead.raw_status);
        } else if run.killing && dead.raw_status == libc::SIGKILL {
            run.killed += 1;
        }
    }
}

impl Brood for Shim<'_> {
    fn reap(&mut self) -> bool {
        loop {
            match kernel::reap_one() {
                Reap::Dead(dead) => self.account(dead),
                Reap::AllAlive => return true,
                Reap::NoChildren => return false,
            }
        }
    }

    fn descendants(&self) -> Vec<Process> {
        // Without /proc the group kill has to do; exterminate runs out of patience and says so.
        tree::descendants(self.pid, |_| false).unwrap_or_default()
    }

    fn await_death(&self, pause: Duration) {
        await_death(self.deaths, pause);
    }
}

/// Returns when a child has died, or after `pause`.
pub(super) fn await_death(deaths: &OwnedFd, pause: Duration) {
    let mut wanted = [PollFd::new(deaths, PollFlags::IN)];
    let _timeout_or_death = poll(&mut wanted, Some(&timespec(pause)));
    drain_deaths(deaths);
}

/// Waits for a command or the death of a child; tells whether there is a command (or the end).
fn wait_for(control: &UnixStream, deaths: &OwnedFd, pause: Option<Duration>) -> bool {
    let mut wanted = [
        PollFd::new(control, PollFlags::IN),
        PollFd::new(deaths, PollFlags::IN),
    ];
    let timeout = pause.map(timespec);
    if poll(&mut wanted, timeout.as_ref()).is_err() {
        return false;
    }
    let [control_ready, death] = wanted.map(|fd| !fd.revents().is_empty());
    if death {
        drain_deaths(deaths);
    }
    control_ready
}

/// Empties the signal descriptor; how many signals there were says nothing, they are merged.
pub(super) fn drain_deaths(deaths: &OwnedFd) {
    let mut records = [0_u8; 512];
    let _empty = rustix::io::read(deaths, &mut records);
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// One read, with the descriptors that came along. A socket that broke reads as closed.
fn receive_some(
    control: &UnixStream,
    bytes: &mut [u8],
    fds: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    match receive_with_fds(control, bytes, fds) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(0),
        other => other,
    }
}

/// One message or piece of a stream, with the descriptors that came along.
pub(super) fn receive_with_fds(
    socket: impl AsFd,
    bytes: &mut [u8],
    fds: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STANDARD_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(bytes)];
    let received = recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok(received.bytes)
}

/// A command that crossed with the report of the last program is not for the next one.
fn without_stale_commands(bytes: &mut [u8], filled: usize) -> usize {
    let stale = bytes[..filled]
        .iter()
        .take_while(|byte| [TERMINATE, KILL].contains(byte))
        .count();
    bytes.copy_within(stale..filled, 0);
    filled - stale
}

/// How many bytes there have to be before more is known or all is there.
fn frame_length(bytes: &[u8]) -> io::Result<usize> {
    match bytes {
        [] | [RUN] | [RUN, _] | [RUN, _, _] | [RUN, _, _, _] => Ok(RUN_HEADER_BYTES),
        [RUN, a, b, c, d, ..] => {
            let body = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            if body > MAX_REQUEST_BYTES {
                Err(malformed())
            } else {
                Ok(RUN_HEADER_BYTES + body)
            }
        }
        _ => Err(malformed()),
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a request")
}

/// The paths at which a program may be. One with a slash is a path already. Entries of PATH that
/// are not absolute are skipped: they would find what somebody left in the working directory.
fn candidates(program: &CStr, env: &[&CStr]) -> Vec<CString> {
    if program.to_bytes().contains(&b'/') {
        return vec![program.to_owned()];
    }
    let path = env
        .iter()
        .find_map(|entry| entry.to_bytes().strip_prefix(b"PATH="));
    let name = OsStr::from_bytes(program.to_bytes());
    path.unwrap_or(DEFAULT_PATH)
        .split(|byte| *byte == b':')
        .filter(|folder| folder.starts_with(b"/"))
        .map(|folder| Path::new(OsStr::from_bytes(folder)).join(name))
        .filter_map(|path| CString::new(path.into_os_string().as_bytes()).ok())
        .collect()
}
