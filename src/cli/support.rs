//! What a run can do of what a project may say.
//!
//! A statement that a run would silently not obey is worse than none: what cannot be done at all
//! is refused before anything starts, what is only read is named.

use super::exit::Failure;
use super::screen::Screen;
use coord_host::reach::Drivers;
use coord_host::support::{cannot_do, only_read};
use coord_plan::plan::Plan;

/// Refuses what this program cannot do; says on standard error what it reads and does not act on.
pub(crate) fn can_run(screen: &Screen, quiet: bool, plan: &Plan) -> Result<(), Failure> {
    if let Some(cannot) = cannot_do(plan, &Drivers::default()) {
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

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
