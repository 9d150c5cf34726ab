//! What a run can do of what a project may say.
//!
//! A statement that a run would silently not obey is worse than none: what cannot be done at all
//! is refused before anything starts, what is only read is named.

use super::exit::Failure;
use super::screen::Screen;
use coord_host::reach::Drivers;
use coord_host::run::Run;
use coord_host::support::{cannot_do, only_read};
use coord_plan::plan::Plan;

/// Refuses what this program cannot do; says on standard error what it reads and does not act on.
pub(crate) fn can_run(screen: &Screen, quiet: bool, plan: &Plan) -> Result<(), Failure> {
    if let Some(cannot) = cannot_do(plan, &Drivers::default(), &|_| true) {
        return Err(Failure::wrong(cannot.what).help(cannot.help));
    }
    let read_only = only_read(plan);
    if !read_only.is_empty() && !quiet {
        screen.err(&format!(
            "warning: this run does not act on the {} of the project: they are checked and shown only\n",
            listed(&read_only)
        ));
    }
    Ok(())
}

/// Refuses to go on with what only the program that started the run can do.
pub(crate) fn can_go_on(run: &Run) -> Result<(), Failure> {
    let left = |node| !run.state.node(node).status.is_ended();
    match cannot_do(&run.plan, &Drivers::default(), &left) {
        Some(cannot) => Err(Failure::wrong(cannot.what).help(
            "a program that has a driver for it started this run: go on with it there, by `coord::Local::resume`",
        )),
        None => Ok(()),
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
