//! What `coord`, the reaper and the shims say to each other, as bytes.
//!
//! `coord` and the reaper run the same executable, so there is no version in here. Descriptors
//! travel beside the bytes. This file reads and writes no socket.

use std::ffi::CStr;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::kernel::Stage;

/// `coord` to reaper: fork a shim that serves the attached socket.
pub(super) const NEW_SHIM: u8 = b'S';
/// `coord` to reaper: kill the shim whose pid follows, and its orphans; then close the attached
/// descriptor.
pub(super) const END_SHIM: u8 = b'E';
/// `coord` to shim: SIGTERM to the whole tree.
pub(super) const TERMINATE: u8 = b'T';
/// `coord` to shim: kill the whole tree.
pub(super) const KILL: u8 = b'K';
/// `coord` to shim: run the program that follows, with three attached descriptors.
pub(super) const RUN: u8 = b'R';

/// The tag and the length of what follows it.
pub(super) const RUN_HEADER_BYTES: usize = 5;
/// Far above what the kernel accepts as arguments and environment (about 6 MiB).
pub(super) const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// All replies have one length, so that reading them needs no state.
pub(super) const REPLY_BYTES: usize = 8 * REPLY_SLOTS;
const REPLY_SLOTS: usize = 8;

/// A request to run a program, as `coord` writes it.
pub(super) struct RunFrame(Vec<u8>);

impl RunFrame {
    /// Strings must be free of NUL; the caller has checked.
    pub(super) fn new(
        argv: &[impl AsRef<OsStr>],
        env: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)],
        cwd: &Path,
        leftover_grace: Duration,
    ) -> Self {
        let mut bytes = vec![RUN, 0, 0, 0, 0];
        let grace_ms = u32::try_from(leftover_grace.as_millis()).unwrap_or(u32::MAX);
        for number in [grace_ms, count(argv.len()), count(env.len())] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        push_string(&mut bytes, &[cwd.as_os_str()]);
        for argument in argv {
            push_string(&mut bytes, &[argument.as_ref()]);
        }
        for (name, value) in env {
            push_string(
                &mut bytes,
                &[name.as_ref(), OsStr::new("="), value.as_ref()],
            );
        }
        let length = count(bytes.len() - RUN_HEADER_BYTES);
        bytes[1..RUN_HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
        RunFrame(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn push_string(bytes: &mut Vec<u8>, parts: &[&OsStr]) {
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.push(0);
}

/// A request to run a program, as the shim reads it.
pub(super) struct RunRequest<'a> {
    pub(super) leftover_grace: Duration,
    pub(super) cwd: &'a CStr,
    pub(super) argv: Vec<&'a CStr>,
    pub(super) env: Vec<&'a CStr>,
}

impl<'a> RunRequest<'a> {
    /// The body without its header; `None` when it is not one.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut rest = body;
        let grace_ms = take_number(&mut rest)?;
        let argument_count = take_number(&mut rest)?;
        let env_count = take_number(&mut rest)?;
        Some(RunRequest {
            leftover_grace: Duration::from_millis(grace_ms.into()),
            cwd: take_string(&mut rest)?,
            argv: (0..argument_count)
                .map(|_| take_string(&mut rest))
                .collect::<Option<_>>()?,
            env: (0..env_count)
                .map(|_| take_string(&mut rest))
                .collect::<Option<_>>()?,
        })
    }
}

fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let (number, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_le_bytes(*number))
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a CStr> {
    let string = CStr::from_bytes_until_nul(rest).ok()?;
    *rest = &rest[string.count_bytes() + 1..];
    Some(string)
}

/// Shim (or, when it cannot fork, reaper) to `coord`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// The first words of a shim: before them nothing is asked of it, so that a reaper that dies
    /// with the request for a shim leaves no program in doubt.
    Ready {
        shim_pid: i32,
    },
    Started {
        pid: i32,
        start_time: u64,
    },
    Failed {
        stage: Stage,
        errno: i32,
    },
    Ended {
        raw_status: i32,
        killed: u32,
        survivors: u32,
        user: Duration,
        system: Duration,
        max_rss_kib: u64,
    },
}

impl Reply {
    pub(super) fn to_bytes(self) -> [u8; REPLY_BYTES] {
        let slots = match self {
            Reply::Ready { shim_pid } => [4, number(shim_pid), 0, 0, 0, 0, 0, 0],
            Reply::Started { pid, start_time } => [1, number(pid), start_time, 0, 0, 0, 0, 0],
            Reply::Failed { stage, errno } => {
                [2, stage_number(stage), number(errno), 0, 0, 0, 0, 0]
            }
            Reply::Ended {
                raw_status,
                killed,
                survivors,
                user,
                system,
                max_rss_kib,
            } => [
                3,
                number(raw_status),
                killed.into(),
                survivors.into(),
                micros(user),
                micros(system),
                max_rss_kib,
                0,
            ],
        };
        let mut bytes = [0; REPLY_BYTES];
        for (place, slot) in bytes.chunks_exact_mut(8).zip(slots) {
            place.copy_from_slice(&slot.to_le_bytes());
        }
        bytes
    }

    /// `None` when the bytes are no reply.
    pub(super) fn parse(bytes: &[u8; REPLY_BYTES]) -> Option<Self> {
        let mut slots = [0; REPLY_SLOTS];
        let (chunks, _) = bytes.as_chunks();
        for (slot, chunk) in slots.iter_mut().zip(chunks) {
            *slot = u64::from_le_bytes(*chunk);
        }
        let [tag, first, second, third, fourth, fifth, sixth, _] = slots;
        match tag {
            1 => Some(Reply::Started {
                pid: first as i32,
                start_time: second,
            }),
            2 => Some(Reply::Failed {
                stage: stage(first)?,
                errno: second as i32,
            }),
            3 => Some(Reply::Ended {
                raw_status: first as i32,
                killed: second as u32,
                survivors: third as u32,
                user: Duration::from_micros(fourth),
                system: Duration::from_micros(fifth),
                max_rss_kib: sixth,
            }),
            4 => Some(Reply::Ready {
                shim_pid: first as i32,
            }),
            _ => None,
        }
    }
}

/// Sign-extends, so that the cast back in `parse` gives the same value.
fn number(value: i32) -> u64 {
    i64::from(value) as u64
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn stage_number(stage: Stage) -> u64 {
    match stage {
        Stage::Fork => 0,
        Stage::Directory => 1,
        Stage::Execute => 2,
    }
}

fn stage(number: u64) -> Option<Stage> {
    [Stage::Fork, Stage::Directory, Stage::Execute]
        .into_iter()
        .find(|stage| stage_number(*stage) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_the_way() {
        let env = [("HOME", "/root"), ("EMPTY", "")];
        let frame = RunFrame::new(
            &["echo", "", "a b"],
            &env,
            Path::new("/tmp"),
            Duration::from_millis(7),
        );
        let request = RunRequest::parse(&frame.bytes()[RUN_HEADER_BYTES..]).unwrap();
        assert_eq!(request.argv, [c"echo", c"", c"a b"]);
        assert_eq!(request.env, [c"HOME=/root", c"EMPTY="]);
        assert_eq!(
            (request.cwd, request.leftover_grace),
            (c"/tmp", Duration::from_millis(7))
        );
    }

    #[test]
    fn a_cut_request_is_refused() {
        let frame = RunFrame::new(&["echo"], &[("A", "b")], Path::new("/"), Duration::ZERO);
        let body = &frame.bytes()[RUN_HEADER_BYTES..];
        assert!((0..body.len()).all(|end| RunRequest::parse(&body[..end]).is_none()));
    }

    #[test]
    fn replies_survive_the_way() {
        let replies = [
            Reply::Ready { shim_pid: 6 },
            Reply::Started {
                pid: 7,
                start_time: u64::MAX,
            },
            Reply::Failed {
                stage: Stage::Directory,
                errno: 2,
            },
            Reply::Ended {
                raw_status: 0x8b,
                killed: 3,
                survivors: 1,
                user: Duration::from_micros(5),
                system: Duration::from_micros(6),
                max_rss_kib: 9,
            },
        ];
        for reply in replies {
            assert_eq!(Reply::parse(&reply.to_bytes()), Some(reply));
        }
    }
}
