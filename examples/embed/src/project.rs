//! The coordination, put together for the parts that changed.

use crate::LABEL;
use coord::build::{
    Agent, Approval, Artifact, Check, Draft, Gate, Human, Limit, Phase, Program, Retry, Task, wh,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A note for each part that changed, then one text, which the editor approves.
pub(crate) fn release_notes(parts: &[&str]) -> Draft {
    let notes = parts.iter().map(|part| {
        Task::new(format!("note-{part}"))
            .title(format!("What changed in the {part}"))
            .by("writers")
            .takes(wh(1.0)..wh(3.0))
            .retry(Retry::times(1).every(Duration::from_millis(10)))
            .idempotent()
            .ask(format!("Say in one sentence what changed in the {part}."))
            .meta("part", part)
    });
    Draft::new("release-notes")
        .title("Release notes")
        .parallel(4)
        .with(Human::new("editor").title("Who answers for every word"))
        .with(
            Agent::new("writers")
                .role("Writes for people who have no time")
                .via_label(LABEL)
                .capacity(2),
        )
        .with(Gate::new("short").check(Check::run(
            "at most 500 characters",
            Program::sh("test \"$(wc -c < notes.md)\" -le 500"),
        )))
        .with(Phase::new("notes").title("Notes").with_all(notes))
        .with(
            Task::new("text")
                .title("One text of all notes")
                .by("writers")
                .needs("notes")
                .takes(wh(2.0))
                .produces(Artifact::new("notes").title("The text").path("notes.md"))
                .ensures("short")
                .approve(Approval::by("editor").within(Limit::within(24 * HOUR))),
        )
        .with(
            Task::new("publish")
                .needs("text")
                .takes(wh(1.0))
                .run(Program::sh("cp notes.md published.md\necho \"size=$(wc -c < published.md)\" >> \"$COORD_OUTPUTS\"")),
        )
}
