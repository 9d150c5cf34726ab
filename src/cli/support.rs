//! What a run can do of what a project may say.
//!
//! A statement that a run would silently not obey is worse than none: what cannot be done at all
//! is refused before anything starts.

use super::exit::Failure;
use coord_host::reach::Drivers;
use coord_host::run::Run;
use coord_host::support::cannot_do;
use coord_plan::plan::Plan;

/// Who speaks for agents; coding agents get this program as a server of tools.
pub(crate) fn drivers() -> Drivers {
    coord_agents::drivers(std::env::current_exe().ok())
}

/// Refuses what this program cannot do.
pub(crate) fn can_run(plan: &Plan) -> Result<(), Failure> {
    if let Some(cannot) = cannot_do(plan, &drivers(), &|_| true) {
        return Err(Failure::wrong(cannot.what).help(cannot.help));
    }
    Ok(())
}

/// Refuses to go on with what only the program that started the run can do.
pub(crate) fn can_go_on(run: &Run) -> Result<(), Failure> {
    let left = |node| !run.state.node(node).status.is_ended();
    match cannot_do(&run.plan, &drivers(), &left) {
        Some(cannot) => Err(Failure::wrong(cannot.what).help(
            "a program that has a driver for it started this run: go on with it there, by `coord::Local::resume`",
        )),
        None => Ok(()),
    }
}
