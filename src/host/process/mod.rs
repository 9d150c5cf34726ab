//! Processes: starting a task's program, stopping its whole tree, keeping its output.
//!
//! Three kinds of process take part:
//!
//! ```text
//! coord ──socket──▶ reaper ──forks──▶ shim ──forks and execs──▶ program ─▶ its descendants
//!    └────────────── control socket (lifeline) ──▶┘
//! ```
//!
//! The *reaper* is `coord reaper`: tiny, single-threaded, started once, so that its forks are
//! cheap. A *shim* runs one program at a time. It is the subreaper of everything that program
//! starts, so daemons, new sessions and double forks stay its descendants. When the control
//! socket closes, also because `coord` was killed with SIGKILL, the shim kills the tree.
//!
//! This module does not know plans, attempts, retries or timeouts: the driver decides when a
//! program starts and stops, this module makes it so.
//!
//! Reading order: `spawner` and `child` (the side of `coord`), `wire` (what the processes
//! say to each other), `reaper` and `shim` (the other side), `tree` (finding and killing
//! descendants), `identity` (pids that outlive `coord`), `output` and `live_line` (what a
//! program prints), `kernel` (all `unsafe` code).

mod child;
mod identity;
mod kernel;
mod limits;
mod live_line;
mod output;
mod reaper;
mod shim;
mod spawn_error;
mod spawner;
mod tree;
mod wire;

pub use child::{Child, Ending, ExitReport, OutputStreams};
pub use identity::{Marker, ProcessIdentity, boot_id, sweep};
pub use limits::{hide_from_other_processes, prepare_coordinator};
pub use live_line::{LiveLine, Stream};
pub use output::{DEFAULT_CAP_BYTES, Mask, OutputSpec, OutputSummary, pump};
pub use reaper::reaper_main;
pub use spawn_error::SpawnError;
pub use spawner::{Reaper, SpawnSpec, Stdin};
