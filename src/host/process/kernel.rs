//! The system calls that safe Rust cannot make, and the only `unsafe` code of the host.
//!
//! It owns no policy: what to start and when to kill is decided by its callers. Everything here
//! but [`ignore_signal`] is called only from the single-threaded reaper and its shims.
#![expect(
    unsafe_code,
    reason = "fork, clone, execve, wait4 and signal dispositions have no safe form"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// Enough for `start_program`, which keeps nothing big on its stack.
const STACK_BYTES: usize = 64 * 1024;
/// Linux numbers its signals from 1 to 64.
const LAST_SIGNAL: c_int = 64;
/// What a child that could not become the program exits with; nobody sees it.
const NOT_STARTED: c_int = 127;

/// Which side of a [`fork`] this is.
pub(super) enum Fork {
    Parent(i32),
    Child,
}

/// Copies the calling process, which must have one thread only.
pub(super) fn fork() -> io::Result<Fork> {
    // SAFETY: the reaper has one thread, so the copy holds no lock of a thread that is gone.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// A program, ready to be started.
pub(super) struct Image<'a> {
    /// Paths to try in turn; what is missing or forbidden is passed over, as a shell does.
    pub(super) candidates: &'a [CString],
    pub(super) argv: &'a [&'a CStr],
    pub(super) env: &'a [&'a CStr],
    pub(super) cwd: &'a CStr,
    pub(super) stdin: BorrowedFd<'a>,
    pub(super) stdout: BorrowedFd<'a>,
    pub(super) stderr: BorrowedFd<'a>,
}

/// How far the start of a program got before it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No new process was to be had.
    Fork,
    /// The working directory could not be entered.
    Directory,
    /// No candidate could be executed.
    Execute,
}

/// Why a program did not start.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaunchFailure {
    pub(super) stage: Stage,
    pub(super) errno: i32,
}

/// The stack that a child borrows until it has become the program.
pub(super) struct Stack(Box<[MaybeUninit<u128>]>);

impl Stack {
    pub(super) fn new() -> Self {
        Stack(Box::new_uninit_slice(STACK_BYTES / size_of::<u128>()))
    }

    fn top(&mut self) -> *mut c_void {
        self.0.as_mut_ptr_range().end.cast()
    }
}

/// What parent and child share while the parent is suspended.
struct Launch {
    candidates: Vec<*const c_char>,
    argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    cwd: *const c_char,
    stdio: [RawFd; 3],
    open_mask: libc::sigset_t,
    failure: Option<LaunchFailure>,
}

/// Starts the program in a session of its own, with three descriptors, no blocked signal and
/// nothing else of ours. The child shares our memory until it execs: that saves the copy of the
/// page tables, and its failure comes back without a pipe.
pub(super) fn launch(image: &Image<'_>, stack: &mut Stack) -> Result<i32, LaunchFailure> {
    let mut shared = Launch {
        candidates: image.candidates.iter().map(|path| path.as_ptr()).collect(),
        argv: null_terminated(image.argv),
        env: null_terminated(image.env),
        cwd: image.cwd.as_ptr(),
        stdio: [
            image.stdin.as_raw_fd(),
            image.stdout.as_raw_fd(),
            image.stderr.as_raw_fd(),
        ],
        open_mask: empty_mask(),
        failure: None,
    };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument = (&raw mut shared).cast();
    // SAFETY: the stack and `shared` outlive the child's use of them, because CLONE_VFORK suspends
    // us until it has exec'd or exited; `start_program` neither unwinds nor allocates.
    let pid = unsafe { libc::clone(start_program, stack.top(), flags, argument) };
    if pid == -1 {
        return Err(LaunchFailure {
            stage: Stage::Fork,
            errno: last_errno(),
        });
    }
    match shared.failure {
        None => Ok(pid),
        Some(failure) => {
            discard(pid);
            Err(failure)
        }
    }
}

fn null_terminated(strings: &[&CStr]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Runs in the child, on the borrowed stack, inside our memory.
extern "C" fn start_program(argument: *mut c_void) -> c_int {
    // SAFETY: `launch` passes its own `Launch` and does not touch it before we are gone.
    let shared = unsafe { &mut *argument.cast::<Launch>() };
    let failure = become_program(shared);
    shared.failure = Some(failure);
    // SAFETY: ends this process only, without the exit handlers that belong to the parent.
    unsafe { libc::_exit(NOT_STARTED) }
}

/// Returns only when the program could not be started.
fn become_program(shared: &Launch) -> LaunchFailure {
    // SAFETY: plain system calls on values of our own; every pointer comes from a CStr that lives
    // in the suspended parent. Descriptors are above 2, so no dup2 overwrites a later source.
    unsafe {
        libc::setsid();
        for (place, fd) in shared.stdio.iter().enumerate() {
            libc::dup2(*fd, place as RawFd);
        }
        if libc::chdir(shared.cwd) == -1 {
            return LaunchFailure {
                stage: Stage::Directory,
                errno: last_errno(),
            };
        }
    }
    close_from(3);
    // SAFETY: the mask is initialised, the old one is not asked for.
    unsafe {
        libc::sigprocmask(
            libc::SIG_SETMASK,
            &raw const shared.open_mask,
            ptr::null_mut(),
        )
    };
    LaunchFailure {
        stage: Stage::Execute,
        errno: execute_first(shared),
    }
}

/// Tries the candidates; a forbidden one is reported before a missing one.
fn execute_first(shared: &Launch) -> c_int {
    let mut reason = libc::ENOENT;
    for path in &shared.candidates {
        // SAFETY: path, argv and env are null-terminated and outlive the call.
        unsafe { libc::execve(*path, shared.argv.as_ptr(), shared.env.as_ptr()) };
        match last_errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => reason = libc::EACCES,
            other => return other,
        }
    }
    reason
}

/// Reaps a child that exited instead of becoming the program.
fn discard(pid: i32) {
    // SAFETY: `pid` is our own child and unreaped; no status is asked for.
    while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } == -1 && last_errno() == libc::EINTR {}
}

/// One reaped child and what it cost, its own reaped children included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reaped {
    pub(super) pid: i32,
    /// As `wait` gives it; `ExitStatus::from_raw` reads it.
    pub(super) raw_status: i32,
    pub(super) user: Duration,
    pub(super) system: Duration,
    pub(super) max_rss_kib: u64,
}

/// What a look for dead children found.
pub(super) enum Reap {
    Dead(Reaped),
    /// There are children, all of them alive.
    AllAlive,
    NoChildren,
}

/// Reaps one dead child, without waiting.
pub(super) fn reap_one() -> Reap {
    let mut raw_status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both out-pointers are valid for the call.
    let pid = unsafe { libc::wait4(-1, &mut raw_status, libc::WNOHANG, usage.as_mut_ptr()) };
    match pid {
        -1 => Reap::NoChildren,
        0 => Reap::AllAlive,
        // SAFETY: `rusage` is plain numbers, zeroed before the call filled it.
        _ => Reap::Dead(reaped(pid, raw_status, unsafe { usage.assume_init() })),
    }
}

fn reaped(pid: i32, raw_status: i32, usage: libc::rusage) -> Reaped {
    Reaped {
        pid,
        raw_status,
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    }
}

fn duration(time: libc::timeval) -> Duration {
    let micros = time
        .tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_usec);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Gives every signal its default action and then blocks them all: the reaper and its shims act
/// on sockets, and no stray SIGTERM may end them before their trees.
pub(super) fn quiet_signals() {
    for signal in 1..=LAST_SIGNAL {
        default_action(signal);
    }
    let mut all = empty_mask();
    // SAFETY: `all` is an initialised set, the old mask is not asked for.
    unsafe {
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, ptr::null_mut());
    }
}

/// Asks the kernel itself, because the C library refuses the signals that it keeps for itself,
/// and whoever started `coord` may have ignored those too.
fn default_action(signal: c_int) {
    // In the kernel's own layout: SIG_DFL, no flags, no restorer, an empty mask.
    let action = [0_u64; 4];
    let mask_bytes: usize = 8;
    let none = ptr::null_mut::<c_void>();
    // SAFETY: `action` is as big as the kernel reads; SIG_DFL runs no code of ours. SIGKILL and
    // SIGSTOP are refused, which is right.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            &raw const action,
            none,
            mask_bytes,
        )
    };
}

fn empty_mask() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set it is given.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Ignores a signal in this process and, until they reset it, in its children.
pub(super) fn ignore_signal(signal: c_int) {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// A non-blocking descriptor that is readable when a child has died.
pub(super) fn child_deaths() -> io::Result<OwnedFd> {
    let mut set = empty_mask();
    // SAFETY: `set` is initialised; the descriptor is new and ours alone.
    unsafe {
        libc::sigaddset(&mut set, libc::SIGCHLD);
        match libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Puts a copy of `fd` in the place of a standard descriptor.
pub(super) fn put_in_place(fd: BorrowedFd<'_>, place: RawFd) -> io::Result<()> {
    // SAFETY: only 0, 1 and 2 are replaced, which no OwnedFd of the reaper or a shim holds.
    match unsafe { libc::dup2(fd.as_raw_fd(), place) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Closes every descriptor from `first` on. Kernels before 5.9 cannot; there close-on-exec, which
/// all our descriptors carry, has to do.
pub(super) fn close_from(first: RawFd) {
    // SAFETY: called before the reaper opens anything, or in a child about to exec.
    unsafe { libc::syscall(libc::SYS_close_range, first, c_int::MAX, 0) };
}

/// Sets the name that `ps` shows.
pub(super) fn set_name(name: &CStr) {
    // SAFETY: the name is null-terminated and copied by the kernel.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

fn last_errno() -> c_int {
    io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO)
}
