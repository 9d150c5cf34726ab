//! The machine's clock.
//!
//! Instants are ms since 1970 UTC. A run's time never goes backwards: it follows the boot clock
//! from the moment the process started, so that neither a jump of the wall clock nor a
//! suspended machine fires a timer early or stops it.

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// A clock that starts at the wall's time and then only follows the time since boot.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall_ms: i64,
    boot_ms: i64,
}

impl Clock {
    /// Starts now, and not before `not_before_ms`: a journal's last event.
    pub fn start(not_before_ms: i64) -> Clock {
        let wall_ms = Timestamp::now().as_millisecond().max(not_before_ms);
        Clock {
            wall_ms,
            boot_ms: boot_ms(),
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.wall_ms + (boot_ms() - self.boot_ms).max(0)
    }
}

fn boot_ms() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// The wall clock, for what is no part of a run.
pub fn wall_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `2026-11-21T06:16:55.120Z`.
pub fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |t| format!("{t:.3}"))
}
