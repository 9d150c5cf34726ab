//! The small process that starts the programs of a real run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once `main` has called [`helper`].
static CALLED: AtomicBool = AtomicBool::new(false);

/// Lets this program start the programs of tasks: to be the first line of `main`.
///
/// The programs of a run are started by a helper, a tiny process that stays when this one dies and
/// then ends all that is left. It is this program once more, called in a way of its own: in that
/// process this function does the helper's work and never returns. In every other it returns at
/// once. Before it, `main` must not start a thread nor print.
///
/// A program whose `main` does not call it can name another with [`crate::Local::helper`], such as
/// `coord` itself; one whose runs start no programs needs neither.
pub fn helper() {
    let mut args = std::env::args_os();
    let called_as = (args.next(), args.next(), args.next());
    if let (Some(coord), Some(reaper), None) = called_as
        && coord == "coord"
        && reaper == "reaper"
    {
        std::process::exit(coord_host::process::reaper_main());
    }
    CALLED.store(true, Ordering::Relaxed);
}

/// The program that is started as the helper: the given one, or this one.
pub(crate) fn program(given: Option<&Path>) -> Option<PathBuf> {
    let own = || {
        CALLED
            .load(Ordering::Relaxed)
            .then(|| "/proc/self/exe".into())
    };
    given.map(Path::to_path_buf).or_else(own)
}
