//! The exit codes that drivers end attempts with, for `retry … on exit`. They are those of
//! `sysexits.h`, and of shells.

/// The agent failed, or says so.
pub(crate) const FAILED: i32 = 1;
/// It answered what cannot be understood.
pub(crate) const PROTOCOL: i32 = 76;
/// It is busy, or not there now: trying again later may do.
pub(crate) const LATER: i32 = 75;
/// It was not allowed to do what it wanted, or refuses.
pub(crate) const DENIED: i32 = 77;
/// The project itself has to be changed.
pub(crate) const CONFIG: i32 = 78;
/// Its program cannot be started.
pub(crate) const NOT_THERE: i32 = 127;
