use super::bench::Bench;
use super::draft::{Draft, approval, retry};
use crate::{Action, Input, Outcome, RunStatus, Status, Termination, Verdict, Waiting};

#[test]
fn a_retry_gives_a_failed_task_its_budget_again_and_reopens_the_run() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.retry = retry(1, 0));
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    bench.break_down(a);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    bench.give(Input::Retry {
        node: a,
        by: Some("ann".into()),
    });
    assert_eq!(
        (bench.run_status(), bench.status(a)),
        (RunStatus::Running, Status::InProgress)
    );
    bench.break_down(a);
    bench.succeed(a);
    bench.succeed(b);
    assert_eq!(
        (bench.state.node(a).attempts, bench.run_status()),
        (4, RunStatus::Completed)
    );
}

#[test]
fn only_what_failed_can_be_retried_and_only_what_waits_or_failed_can_be_skipped() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |task| task.approvals = vec![approval(1, &[ann])]);
    let mut bench = Bench::start(draft);
    let no = bench
        .try_give(Input::Retry { node: a, by: None })
        .unwrap_err();
    assert_eq!(
        no.to_string(),
        "`a` has not failed, so it cannot be retried: it is in-progress"
    );
    let skip = |node| Input::Skip {
        node,
        by: None,
        reason: "never mind".into(),
    };
    let no = bench.try_give(skip(a)).unwrap_err();
    assert_eq!(no.to_string(), "`a` cannot be skipped: it is in-progress");
    bench.succeed(b);
    let no = bench.try_give(skip(b)).unwrap_err();
    assert_eq!(no.to_string(), "`b` cannot be skipped: it is review");
}

#[test]
fn a_skip_lets_what_follows_go_on() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.task("c", |_| {});
    draft.after(b, &[a]);
    draft.after(c, &[b]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    bench.give(Input::Skip {
        node: a,
        by: Some("ann".into()),
        reason: "not needed".into(),
    });
    assert_eq!(
        bench.statuses(&[a, b]),
        [Status::Skipped, Status::InProgress]
    );
    bench.give(Input::Skip {
        node: c,
        by: None,
        reason: "not needed".into(),
    });
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_stop_drains_pauses_and_goes_on_after_a_resume() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.chore("c", ann);
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.give(Input::Stop { by: None });
    assert_eq!(bench.run_status(), RunStatus::Draining);
    bench.succeed(a);
    assert_eq!(
        (bench.status(b), bench.state.waiting()),
        (Status::Created, Waiting::Paused)
    );
    let item = bench.item(c, "work");
    bench.answer(item, "ann", Verdict::Done);
    assert_eq!(
        (bench.status(c), bench.run_status()),
        (Status::Completed, RunStatus::Paused)
    );
    bench.give(Input::Resume {
        never_spawned: Vec::new(),
        options: None,
    });
    assert_eq!(
        (bench.status(b), bench.run_status()),
        (Status::InProgress, RunStatus::Running)
    );
    let again = bench.try_give(Input::Start {
        run: "x".into(),
        options: Default::default(),
    });
    assert_eq!(
        again.unwrap_err().to_string(),
        "the run has already started"
    );
}

#[test]
fn a_cancel_ends_everything_and_is_final() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let at_work = draft.task("at_work", |_| {});
    let waiting = draft.task("waiting", |_| {});
    let chore = draft.chore("chore", ann);
    let in_review = draft.task("in_review", |task| {
        task.approvals = vec![approval(1, &[ann])]
    });
    draft.after(waiting, &[at_work]);
    let mut bench = Bench::start(draft);
    bench.succeed(in_review);
    bench.give(Input::Cancel {
        by: None,
        reason: "wrong plan".into(),
    });
    let why = Termination::Cancel;
    assert_eq!(
        bench.actions,
        [Action::Terminate {
            node: at_work,
            attempt: 1,
            why
        }]
    );
    assert_eq!(bench.statuses(&[chore, in_review]), [Status::Cancelled; 2]);
    assert_eq!(
        (bench.run_status(), bench.state.open_items().count()),
        (RunStatus::Cancelling, 0)
    );
    bench.end(at_work, Outcome::Signal(15));
    assert_eq!(bench.statuses(&[at_work, waiting]), [Status::Cancelled; 2]);
    assert_eq!(
        (bench.run_status(), bench.state.unfinished()),
        (RunStatus::Cancelled, 0)
    );
    let late = bench
        .try_give(Input::Retry {
            node: at_work,
            by: None,
        })
        .unwrap_err();
    assert_eq!(late.to_string(), "the run has ended: it is cancelled");
}

#[test]
fn a_paused_run_can_be_cancelled() {
    let mut draft = Draft::new();
    draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    bench.give(Input::Stop { by: None });
    let a = bench.started()[0];
    bench.break_down(a);
    assert_eq!(
        bench.run_status(),
        RunStatus::Failed,
        "all has ended: nothing to pause"
    );
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.give(Input::Stop { by: None });
    bench.succeed(a);
    bench.give(Input::Cancel {
        by: None,
        reason: String::new(),
    });
    assert_eq!(
        (bench.run_status(), bench.status(b)),
        (RunStatus::Cancelled, Status::Cancelled)
    );
}

#[test]
fn a_halted_run_keeps_its_open_items_for_when_it_is_reopened() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.task("a", |_| {});
    let chore = draft.chore("chore", ann);
    draft.plan.stop_on_failure = true;
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    let item = bench.item(chore, "work");
    assert!(bench.try_answer(item, Some("ann"), Verdict::Done).is_err());
    bench.give(Input::Skip {
        node: a,
        by: None,
        reason: "known".into(),
    });
    bench.answer(item, "ann", Verdict::Done);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}
