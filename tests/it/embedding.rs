//! A run of another program is a run like any other: the command looks at it, answers for people,
//! and goes on with it where no driver of that program is needed.

use crate::space::Space;
use coord::build::{Agent, Draft, Human, Program, Task};
use coord::{Done, End, Job, Local, Project, Reach, Stop};

fn local(space: &Space) -> Local {
    Local::new(space.path(""))
        .home(space.path(".coord-state"))
        .helper(env!("CARGO_BIN_EXE_coord"))
        .no_wait()
        .drive(Reach::Label("mine".into()), |job: &Job, _: &Stop| {
            Done::well().output("by", &job.agents[0])
        })
}

fn draft() -> Draft {
    Draft::new("letters")
        .with(Human::new("lead"))
        .with(Agent::new("writer").via_label("mine"))
}

fn project(draft: Draft) -> Project {
    draft.compile().unwrap()
}

#[test]
fn the_command_answers_and_goes_on_with_what_a_program_left() {
    let space = Space::new();
    let sent = Program::sh("echo \"$COORD_OUTPUT_DRAFT_BY\" > sent.txt");
    let project = project(
        draft()
            .with(Task::new("draft").by("writer").approve("lead"))
            .with(Task::new("send").needs("draft").run(sent)),
    );
    let report = local(&space).run(&project).unwrap();
    assert_eq!(report.end(), End::WaitingForPeople);

    let status = space.coord(&["status"]).run();
    assert!(status.stdout.contains("draft"), "{}", status.stdout);
    let inbox = space.coord(&["inbox"]).run().exits(0);
    assert!(inbox.stdout.contains("draft"), "{}", inbox.stdout);
    let _approved = space.coord(&["approve", "draft"]).run().exits(0);
    // the driver's part is done: a program is all that is left
    let _completed = space.coord(&["resume"]).run().exits(0);
    let sent = std::fs::read_to_string(space.path("sent.txt")).unwrap();
    assert_eq!(sent, "writer\n");
}

#[test]
fn a_program_goes_on_with_what_the_command_may_not() {
    let space = Space::new();
    let project = project(
        draft()
            .with(Task::new("think").by("lead"))
            .with(Task::new("draft").by("writer").needs("think"))
            .with(Task::new("send").needs("draft").run(["true"])),
    );
    let report = local(&space).run(&project).unwrap();
    assert_eq!(report.end(), End::WaitingForPeople);
    let _done = space.coord(&["done", "think"]).run().exits(0);
    let refused = space.coord(&["resume"]).run().exits(2);
    assert!(
        refused.stderr.contains("reached `via remote`")
            && refused.stderr.contains("coord::Local::resume"),
        "{}",
        refused.stderr
    );
    let report = local(&space).resume(Some(report.run())).unwrap();
    assert!(report.is_completed(), "{:?}", report.end());
    let status = space.coord(&["status"]).run().exits(0);
    assert!(status.stdout.contains("completed"), "{}", status.stdout);
}
