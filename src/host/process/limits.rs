//! What `coord` changes about itself as a process.

use rustix::process::{DumpableBehavior, Resource, getrlimit, set_dumpable_behavior, setrlimit};

use super::kernel::ignore_signal;

/// Turns signals that would kill `coord` in the middle of a write into errors, and allows as many
/// open descriptors as the machine does. To be called after the reaper has started, so that tasks
/// keep the limits they would have without `coord`.
pub fn prepare_coordinator() {
    ignore_signal(libc::SIGXFSZ);
    ignore_signal(libc::SIGPIPE);
    let mut open_files = getrlimit(Resource::Nofile);
    open_files.current = open_files.maximum;
    // With fewer descriptors `coord` still works, only for fewer tasks at once.
    let _refused = setrlimit(Resource::Nofile, open_files);
}

/// Other processes of this user may no longer look into this one, and it leaves no core: what it
/// was given in its environment stays its own. Root may look into everything.
pub fn hide_from_other_processes() {
    // Only an unknown system refuses; there the variable is as safe as it was before.
    let _unknown = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
