use coord_lang::expr::{Comparison, Expr, Value};
use coord_lang::ids::TaskId;
use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, limit};
use crate::{Ending, Fact, FailReason, RunStatus, SkipReason, Status};

#[test]
fn a_task_starts_when_what_it_needs_is_done() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    assert_eq!(
        bench.statuses(&[a, b]),
        [Status::InProgress, Status::Created]
    );
    bench.succeed(a);
    assert_eq!(
        bench.statuses(&[a, b]),
        [Status::Completed, Status::InProgress]
    );
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn failure_leaves_dependents_blocked_and_then_fails_the_run() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let other = draft.task("other", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.statuses(&[a, b]), [Status::Failed, Status::Created]);
    assert_eq!(
        bench.run_status(),
        RunStatus::Running,
        "`other` still moves"
    );
    bench.succeed(other);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    let expected = Fact::RunFailed {
        failed: 1,
        blocked: 1,
        failed_nodes: vec![a],
        blocked_nodes: vec![b],
    };
    assert_eq!(bench.events.last().unwrap().fact, expected);
}

#[test]
fn any_of_is_met_by_the_first() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.task("c", |_| {});
    draft.need(c, a, Wanted::Done).or = vec![b];
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.status(c), Status::Created);
    bench.succeed(b);
    assert_eq!(bench.status(c), Status::InProgress);
}

#[test]
fn a_branch_not_taken_is_skipped_and_lets_what_follows_pass() {
    let mut draft = Draft::new();
    let deploy = draft.task("deploy", |_| {});
    let rollback = draft.task("rollback", |_| {});
    let tell = draft.task("tell", |_| {});
    let always = draft.task("always", |_| {});
    draft.need(rollback, deploy, Wanted::Failed);
    draft.after(tell, &[rollback]);
    draft.need(always, rollback, Wanted::Finished);
    let mut bench = Bench::start(draft);
    bench.succeed(deploy);
    assert_eq!(bench.status(rollback), Status::Skipped);
    let why = SkipReason::NotTaken {
        need: 0,
        on: deploy,
    };
    assert_eq!(
        bench.state.node(rollback).ending.as_deref(),
        Some(&Ending::Skipped(why))
    );
    assert_eq!(bench.statuses(&[tell, always]), [Status::InProgress; 2]);
}

#[test]
fn a_handler_runs_when_what_it_watches_failed() {
    let mut draft = Draft::new();
    let deploy = draft.task("deploy", |_| {});
    let rollback = draft.task("rollback", |_| {});
    draft.need(rollback, deploy, Wanted::Failed);
    let mut bench = Bench::start(draft);
    bench.break_down(deploy);
    assert_eq!(bench.status(rollback), Status::InProgress);
    bench.succeed(rollback);
    assert_eq!(bench.run_status(), RunStatus::Failed, "something did fail");
}

#[test]
fn wanting_skipped_is_impossible_once_completed_and_open_while_failed() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let wants_a = draft.task("wants_a", |_| {});
    let wants_b = draft.task("wants_b", |_| {});
    draft.need(wants_a, a, Wanted::Skipped);
    draft.need(wants_b, b, Wanted::Skipped);
    let mut bench = Bench::start(draft);
    bench.break_down(b);
    bench.succeed(a);
    assert_eq!(
        bench.statuses(&[wants_a, wants_b]),
        [Status::Skipped, Status::Created]
    );
}

fn output_is(task: u32, value: i64) -> Expr {
    Expr::Compare {
        op: Comparison::Equal,
        left: Box::new(Expr::Output {
            task: TaskId(task),
            name: "n".into(),
        }),
        right: Box::new(Expr::Literal(Value::Int(value))),
    }
}

#[test]
fn a_condition_decides_when_the_needs_are_there() {
    for (n, expected) in [("1", Status::InProgress), ("2", Status::Skipped)] {
        let mut draft = Draft::new();
        let a = draft.task("a", |_| {});
        let b = draft.task("b", |task| task.when = Some(output_is(0, 1)));
        draft.after(b, &[a]);
        let mut bench = Bench::start(draft);
        assert_eq!(bench.status(b), Status::Created);
        bench.end_with(a, crate::Outcome::Exit(0), &[("n", n)]);
        assert_eq!(bench.status(b), expected);
    }
}

#[test]
fn a_condition_without_an_answer_fails_the_task() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |task| task.when = Some(output_is(0, 1)));
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    let Some(Ending::Failed(FailReason::Condition { why })) =
        bench.state.node(b).ending.as_deref().cloned()
    else {
        panic!("{:?}", bench.state.node(b));
    };
    assert_eq!(why, "`a` wrote no output `n`");
}

#[test]
fn the_limit_of_a_need_counts_from_when_everything_else_is_there() {
    let expected = [
        (Otherwise::Fail, Status::Failed, RunStatus::Running),
        (Otherwise::Skip, Status::Skipped, RunStatus::Running),
        (Otherwise::Proceed, Status::InProgress, RunStatus::Running),
        (Otherwise::Halt, Status::Failed, RunStatus::Halting),
    ];
    for (otherwise, status, run) in expected {
        let mut draft = Draft::new();
        let slow = draft.task("slow", |_| {});
        let first = draft.task("first", |_| {});
        let b = draft.task("b", |_| {});
        draft.after(b, &[first]);
        draft.need(b, slow, Wanted::Done).within = limit(100, otherwise).map(Box::new);
        let mut bench = Bench::start(draft);
        bench.pass(1_000);
        bench.succeed(first);
        bench.pass(99);
        assert_eq!(bench.status(b), Status::Created);
        bench.pass(1);
        assert_eq!(
            (bench.status(b), bench.run_status()),
            (status, run),
            "{otherwise:?}"
        );
    }
}

#[test]
fn a_limited_need_that_comes_in_time_forgets_its_limit() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.need(b, a, Wanted::Done).within = limit(100, Otherwise::Fail).map(Box::new);
    let mut bench = Bench::start(draft);
    bench.pass(50);
    bench.succeed(a);
    assert_eq!(
        (bench.status(b), bench.state.next_due()),
        (Status::InProgress, None)
    );
}

#[test]
fn a_want_without_a_limit_does_not_wait() {
    let mut draft = Draft::new();
    let slow = draft.task("slow", |_| {});
    let b = draft.task("b", |_| {});
    draft.want(b, slow, 0);
    let bench = Bench::start(draft);
    assert_eq!(bench.status(b), Status::InProgress);
    assert_eq!(bench.count("want.expired"), 1);
}

#[test]
fn a_want_waits_up_to_its_limit_and_not_for_what_has_ended() {
    let mut draft = Draft::new();
    let slow = draft.task("slow", |_| {});
    let failing = draft.task("failing", |_| {});
    let b = draft.task("b", |_| {});
    draft.want(b, slow, 100);
    draft.want(b, failing, 1_000);
    let mut bench = Bench::start(draft);
    bench.break_down(failing);
    bench.pass(99);
    assert_eq!(bench.status(b), Status::Created);
    bench.pass(1);
    assert_eq!(
        (bench.status(b), bench.count("want.expired")),
        (Status::InProgress, 1)
    );
}

#[test]
fn a_retry_takes_back_what_a_waiting_task_had_been_given() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let hold = draft.task("hold", |_| {});
    let handler = draft.task("handler", |_| {});
    draft.need(handler, a, Wanted::Failed);
    draft.after(handler, &[hold]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    bench.give(crate::Input::Retry { node: a, by: None });
    bench.succeed(hold);
    assert_eq!(
        bench.status(handler),
        Status::Created,
        "`a` is no longer failed"
    );
    bench.succeed(a);
    assert_eq!(bench.status(handler), Status::Skipped);
}

#[test]
fn milestones_and_joins_pass_at_once_and_phases_open_and_close_with_them() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let reached = draft.milestone("reached");
    let end = draft.join("phase one ends");
    draft.after(reached, &[a]);
    draft.after(end, &[a, reached]);
    draft.after(b, &[end]);
    let one = draft.phase("one", None, end);
    let two = draft.phase("two", Some(end), b);
    let mut bench = Bench::start(draft);
    assert_eq!(bench.state.phase(one), crate::PhaseState::Open);
    assert_eq!(bench.state.phase(two), crate::PhaseState::NotOpen);
    bench.succeed(a);
    assert_eq!(bench.statuses(&[reached, end]), [Status::Completed; 2]);
    assert_eq!(bench.state.phase(one), crate::PhaseState::Closed);
    assert_eq!(bench.state.phase(two), crate::PhaseState::Open);
    bench.succeed(b);
    assert_eq!(
        (bench.count("phase.closed"), bench.run_status()),
        (2, RunStatus::Completed)
    );
}

#[test]
fn the_calendar_counts_only_when_the_run_asks_for_it() {
    for (respect_calendar, expected) in [(false, Status::InProgress), (true, Status::Created)] {
        let mut draft = Draft::new();
        let a = draft.task("a", |_| {});
        draft.plan.origin_ms = Some(1_000);
        draft.plan.nodes[a].not_before_ms = Some(500);
        let options = crate::Options {
            respect_calendar,
            ..crate::Options::default()
        };
        let mut bench = Bench::start_with(draft, options);
        bench.pass(499);
        assert_eq!(bench.status(a), expected);
        bench.pass(1);
        assert_eq!(bench.status(a), Status::InProgress);
    }
}
