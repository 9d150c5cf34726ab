use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, run};
use crate::{Action, Input, Outcome, Process, RunStatus, Status, Verdict, pending_actions};

fn interrupted(idempotent: bool) -> (Bench, coord_lang::ids::NodeId) {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.idempotent = idempotent);
    let mut bench = Bench::start(draft);
    let process = Process {
        pid: 7,
        identity: String::new(),
    };
    bench.give(Input::AttemptSpawned {
        node: a,
        attempt: 1,
        process,
    });
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    (bench, a)
}

#[test]
fn an_interrupted_idempotent_task_is_tried_again_without_using_up_its_retries() {
    let (bench, a) = interrupted(true);
    let node = bench.state.node(a);
    assert_eq!(
        (node.status, node.attempt_number(), node.failures),
        (Status::InProgress, 2, 0)
    );
}

#[test]
fn an_interrupted_effect_is_never_silently_repeated() {
    let cases = [
        (Verdict::Done, Status::Completed, 1),
        (Verdict::Retry, Status::InProgress, 2),
        (Verdict::Skip, Status::Skipped, 1),
        (Verdict::Fail, Status::Failed, 1),
    ];
    for (verdict, expected, attempts) in cases {
        let (mut bench, a) = interrupted(false);
        assert_eq!(
            (bench.status(a), bench.run_status()),
            (Status::InDoubt, RunStatus::Running)
        );
        assert!(
            !bench
                .actions
                .iter()
                .any(|action| matches!(action, Action::Spawn { .. }))
        );
        let item = bench.item(a, "doubt");
        bench.answer(item, "anybody", verdict);
        assert_eq!(
            (bench.status(a), bench.state.node(a).attempts),
            (expected, attempts)
        );
    }
}

#[test]
fn what_was_never_spawned_is_simply_spawned() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    let all = bench.events.len();
    bench.crash(all, vec![(a, 1)]);
    assert_eq!(
        (bench.status(a), bench.state.node(a).attempts),
        (Status::InProgress, 1)
    );
    assert_eq!(bench.actions, pending_actions(&bench.state));
    assert_eq!(bench.actions.len(), 1);
}

#[test]
fn an_assignment_that_never_started_just_starts() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    let assigned = bench
        .kinds()
        .iter()
        .position(|kind| *kind == "task.assigned")
        .unwrap();
    bench.crash(assigned + 1, Vec::new());
    assert_eq!(
        (bench.status(a), bench.state.node(a).attempts),
        (Status::InProgress, 1)
    );
}

#[test]
fn a_result_whose_consequences_were_lost_has_them_after_the_crash() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    let exited = bench
        .kinds()
        .iter()
        .position(|kind| *kind == "task.exited")
        .unwrap();
    bench.crash(exited + 1, Vec::new());
    assert_eq!(
        bench.statuses(&[a, b]),
        [Status::Completed, Status::InProgress]
    );
}

#[test]
fn claims_are_held_while_in_doubt_but_slots_are_not() {
    let mut draft = Draft::new();
    let one = draft.agent("one", 1, Driver::Shell);
    let mut task = |name: &str| draft.task(name, |task| task.by = By::All(vec![one]));
    let (a, b, c) = (task("a"), task("b"), task("c"));
    draft.exclude(a, b);
    let mut bench = Bench::start(draft);
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    assert_eq!(
        bench.statuses(&[a, b, c]),
        [Status::InDoubt, Status::Created, Status::InProgress]
    );
    let item = bench.item(a, "doubt");
    bench.answer(item, "x", Verdict::Done);
    bench.succeed(c);
    assert_eq!(bench.status(b), Status::InProgress);
}

#[test]
fn a_lost_process_is_in_doubt_too() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    bench.end(a, Outcome::Lost("the reaper died".into()));
    assert_eq!(bench.status(a), Status::InDoubt);
}

#[test]
fn a_doubt_that_is_done_still_goes_through_review() {
    let mut draft = Draft::new();
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    let a = draft.task("a", |task| task.ensures.push(gate));
    let mut bench = Bench::start(draft);
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    let item = bench.item(a, "doubt");
    bench.answer(item, "x", Verdict::Done);
    assert_eq!(bench.status(a), Status::Review);
    bench.check(true);
    assert_eq!(bench.status(a), Status::Completed);
}

#[test]
fn checks_without_a_result_are_run_again_and_peoples_work_stays_open() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    let a = draft.task("a", |task| task.requires.push(gate));
    let chore = draft.chore("chore", ann);
    let mut bench = Bench::start(draft);
    let item = bench.item(chore, "work");
    let check = bench.running_check().unwrap();
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    assert_eq!(bench.running_check(), Some(check));
    assert_eq!(bench.item(chore, "work"), item);
    assert_eq!(
        pending_actions(&bench.state),
        [
            Action::Look { node: a },
            Action::RunCheck {
                check,
                node: a,
                gate
            },
            Action::Notify { item }
        ]
    );
}

#[test]
fn a_crash_while_stopping_for_a_failure_still_stops() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.on_fail = OnFail::Halt);
    let b = draft.task("b", |task| task.idempotent = true);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    let failed = bench
        .kinds()
        .iter()
        .position(|kind| *kind == "task.failed")
        .unwrap();
    bench.crash(failed + 1, Vec::new());
    assert_eq!(
        (bench.status(b), bench.run_status()),
        (Status::Created, RunStatus::Failed)
    );
}

#[test]
fn a_crash_while_cancelling_still_cancels() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    bench.give(Input::Cancel {
        by: None,
        reason: String::new(),
    });
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    assert_eq!(
        (bench.status(a), bench.run_status()),
        (Status::Cancelled, RunStatus::Cancelled)
    );
}

#[test]
fn an_agent_that_was_picked_before_a_crash_is_picked_again() {
    let mut draft = Draft::new();
    let a = draft.agent("a", 1, Driver::Shell);
    let b = draft.agent("b", 1, Driver::Shell);
    let gpu = draft.resource("gpu", 1);
    let first = draft.task("first", |_| {});
    draft.task("holder", |task| {
        task.by = By::All(vec![a]);
        task.uses = vec![(gpu, 1)];
        task.idempotent = true;
        task.priority = 3;
    });
    let urgent = draft.task("urgent", |task| {
        task.by = By::All(vec![b]);
        task.uses = vec![(gpu, 1)];
        task.priority = 0;
    });
    let any = draft.task("any", |task| task.by = By::Any(vec![a, b]));
    draft.after(urgent, &[first]);
    draft.after(any, &[first]);
    let mut bench = Bench::start(draft);
    bench.succeed(first);
    assert_eq!(bench.state.node(any).attempt.as_ref().unwrap().agents, [b]);
    let all = bench.events.len();
    bench.crash(all - 1, Vec::new());
    assert_eq!(
        bench.statuses(&[urgent, any]),
        [Status::InProgress, Status::InProgress]
    );
    assert_eq!(bench.state.node(any).attempt.as_ref().unwrap().agents, [a]);
}

#[test]
fn nobody_waits_behind_a_task_that_waits_for_a_doubt() {
    let mut draft = Draft::new();
    let gpu = draft.resource("gpu", 2);
    let doubted = draft.task("doubted", |task| task.priority = 0);
    let big = draft.task("big", |task| {
        task.uses = vec![(gpu, 2)];
        task.priority = 1;
    });
    draft.exclude(doubted, big);
    let small: Vec<_> = (0..30)
        .map(|i| {
            draft.task(&format!("s{i}"), |task| {
                task.uses = vec![(gpu, 1)];
                task.idempotent = true;
            })
        })
        .collect();
    let mut bench = Bench::start(draft);
    let all = bench.events.len();
    bench.crash(all, Vec::new());
    for node in &small {
        bench.succeed(*node);
    }
    assert_eq!(
        bench.statuses(&[doubted, big]),
        [Status::InDoubt, Status::Created]
    );
    let item = bench.item(doubted, "doubt");
    bench.answer(item, "x", Verdict::Done);
    assert_eq!(bench.status(big), Status::InProgress);
}
