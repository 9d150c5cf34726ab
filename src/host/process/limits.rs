//! What `coord` changes about itself as a process.

use rustix::process::{Resource, getrlimit, setrlimit};

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
