use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, retry};
use crate::{Action, Ending, FailReason, Input, Outcome, Refusal, RunStatus, Status, Termination};

#[test]
fn a_failed_attempt_is_retried_after_its_back_off_and_then_fails() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(2, 100));
    let mut bench = Bench::start(draft);
    for attempt in 1..=2 {
        assert_eq!(bench.state.node(a).attempt_number(), attempt);
        bench.break_down(a);
        bench.pass(99);
        assert_eq!(bench.status(a), Status::Created);
        bench.pass(1);
        assert_eq!(bench.status(a), Status::InProgress);
    }
    bench.break_down(a);
    assert_eq!(
        (bench.status(a), bench.state.node(a).attempts),
        (Status::Failed, 3)
    );
    assert_eq!(bench.run_status(), RunStatus::Failed);
}

#[test]
fn a_retry_without_back_off_starts_in_the_same_step() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(1, 0));
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(
        (bench.status(a), bench.state.node(a).attempt_number()),
        (Status::InProgress, 2)
    );
    assert_eq!(bench.count("task.retry-due"), 0);
}

#[test]
fn only_the_named_failures_are_retried() {
    let filtered = |on_exit: Vec<i32>, on_timeout| {
        Some(Retry {
            on_exit,
            on_timeout,
            ..retry(5, 0).unwrap()
        })
    };
    let cases = [
        (
            filtered(vec![75], false),
            Outcome::Exit(75),
            Status::InProgress,
        ),
        (filtered(vec![75], false), Outcome::Exit(1), Status::Failed),
        (
            filtered(vec![], true),
            Outcome::TimedOut,
            Status::InProgress,
        ),
        (filtered(vec![], true), Outcome::Exit(1), Status::Failed),
        (retry(1, 0), Outcome::Signal(9), Status::InProgress),
        (
            retry(1, 0),
            Outcome::SpawnFailed("no such file".into()),
            Status::InProgress,
        ),
    ];
    for (policy, outcome, expected) in cases {
        let mut draft = Draft::new();
        let a = draft.task("a", |task| task.retry = policy.clone());
        let mut bench = Bench::start(draft);
        bench.end(a, outcome.clone());
        assert_eq!(bench.status(a), expected, "{policy:?} {outcome:?}");
    }
}

#[test]
fn a_timeout_terminates_and_its_end_counts_as_timed_out_whatever_the_exit_code() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.timeout_ms = Some(100));
    let mut bench = Bench::start(draft);
    bench.pass(100);
    let why = Termination::Timeout;
    assert_eq!(
        bench.actions,
        [Action::Terminate {
            node: a,
            attempt: 1,
            why
        }]
    );
    assert_eq!(
        (bench.status(a), bench.state.next_due()),
        (Status::InProgress, None)
    );
    bench.end(a, Outcome::Exit(0));
    let why = FailReason::Outcome(Outcome::TimedOut);
    assert_eq!(
        bench.state.node(a).ending.as_deref(),
        Some(&Ending::Failed(why))
    );
}

#[test]
fn a_persons_time_is_up_without_anybody_to_terminate() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.chore("a", ann);
    let NodeKind::Task(task) = &mut draft.plan.nodes[a].kind else {
        unreachable!()
    };
    task.timeout_ms = Some(100);
    let mut bench = Bench::start(draft);
    bench.pass(100);
    assert_eq!(bench.status(a), Status::Failed);
    assert_eq!(
        (bench.count("item.closed"), bench.state.open_items().count()),
        (1, 0)
    );
}

#[test]
fn on_fail_skip_skips_with_the_failure_as_reason() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.on_fail = OnFail::Skip);
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(
        bench.statuses(&[a, b]),
        [Status::Skipped, Status::InProgress]
    );
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn on_fail_halt_drains_and_fails() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.on_fail = OnFail::Halt);
    let b = draft.task("b", |_| {});
    let c = draft.task("c", |_| {});
    draft.after(c, &[b]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.run_status(), RunStatus::Halting);
    bench.succeed(b);
    assert_eq!(
        bench.statuses(&[b, c]),
        [Status::Completed, Status::Created]
    );
    assert_eq!(bench.run_status(), RunStatus::Failed);
}

#[test]
fn fail_fast_is_a_halt_for_every_failure() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let options = crate::Options {
        cores: 1,
        fail_fast: true,
        ..crate::Options::default()
    };
    let mut bench = Bench::start_with(draft, options);
    bench.break_down(a);
    assert_eq!(
        (bench.status(b), bench.run_status()),
        (Status::Created, RunStatus::Failed)
    );
}

#[test]
fn a_late_or_doubled_end_is_refused() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(1, 0));
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    let late = Input::AttemptEnded {
        node: a,
        attempt: 1,
        outcome: Outcome::Exit(0),
        outputs: Default::default(),
        log: None,
    };
    let refusal = bench.try_give(late).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::NotThisAttempt {
            task: "a".into(),
            attempt: 1,
            current: Some(2)
        }
    );
    assert_eq!(
        refusal.to_string(),
        "attempt 1 of `a` is not at work; the current one is 2"
    );
}
