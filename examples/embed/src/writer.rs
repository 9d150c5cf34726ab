//! The driver that speaks for the agents. Where a real one calls a model, this one makes
//! something up.

use coord::{Done, Driver, Job, Stop};
use std::time::Duration;

/// Writes notes, and puts them together.
pub(crate) struct Writer;

impl Driver for Writer {
    fn attempt(&self, job: &Job, stop: &Stop) -> Done {
        match job.task.strip_prefix("note-") {
            Some(part) => note(part, job.attempt),
            None => text(job, stop),
        }
    }
}

/// The planner's note takes two tries: the first is not worth keeping.
fn note(part: &str, attempt: u32) -> Done {
    if part == "planner" && attempt == 1 {
        return Done::failed("nothing came to mind").took(Duration::from_secs(600));
    }
    Done::well().output("note", format!("The {part} is faster."))
}

fn text(job: &Job, stop: &Stop) -> Done {
    let notes = job.outputs.values().filter_map(|of| of.get("note"));
    let text: String = notes.map(|note| format!("- {note}\n")).collect();
    if stop.is_asked() {
        return Done::failed("asked to stop");
    }
    // in a rehearsal there is no folder, and nothing happens to the world
    if job.folder.as_os_str().is_empty() {
        return Done::well();
    }
    match std::fs::write(job.folder.join("notes.md"), &text) {
        Ok(()) => Done::well().log(text),
        Err(error) => Done::failed(format!("cannot write notes.md: {error}")),
    }
}
