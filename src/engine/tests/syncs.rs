use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, limit, run};
use crate::{RunStatus, Status, Verdict};

fn meeting(within: Option<Limit>) -> (Bench, coord_lang::ids::NodeId, coord_lang::ids::NodeId) {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let bob = draft.human("bob");
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let sync = draft.sync("review", |sync| {
        sync.participants = vec![ann, bob];
        sync.requires = vec![
            Requirement {
                text: "demo shown".into(),
                by: vec![ann],
            },
            Requirement {
                text: "risks known".into(),
                by: Vec::new(),
            },
        ];
        sync.gates = vec![gate];
        sync.within = within;
    });
    draft.after(sync, &[a]);
    draft.after(b, &[sync]);
    let mut bench = Bench::start(draft);
    assert_eq!(bench.status(sync), Status::Created);
    bench.succeed(a);
    (bench, sync, b)
}

#[test]
fn a_sync_passes_when_everything_is_confirmed_and_its_gates_hold() {
    let (mut bench, sync, b) = meeting(None);
    assert_eq!(bench.status(sync), Status::Review);
    let first = bench.item(sync, "require");
    let stranger = bench
        .try_answer(first, Some("bob"), Verdict::Approve)
        .unwrap_err();
    assert_eq!(stranger.to_string(), "item 1 is not for bob, but for ann");
    bench.check(true);
    bench.answer(first, "ann", Verdict::Approve);
    assert_eq!(bench.status(b), Status::Created);
    let second = bench.item(sync, "require");
    bench.answer(second, "bob", Verdict::Done);
    assert_eq!(
        bench.statuses(&[sync, b]),
        [Status::Completed, Status::InProgress]
    );
    assert_eq!(bench.count("sync.passed"), 1);
}

#[test]
fn a_no_fails_the_sync_and_a_retry_asks_again() {
    let (mut bench, sync, b) = meeting(None);
    bench.check(true);
    let first = bench.item(sync, "require");
    bench.answer(first, "ann", Verdict::Reject);
    assert_eq!(
        bench.statuses(&[sync, b]),
        [Status::Failed, Status::Created]
    );
    assert_eq!(
        (bench.run_status(), bench.state.open_items().count()),
        (RunStatus::Failed, 0)
    );
    bench.give(crate::Input::Retry {
        node: sync,
        by: Some("ann".into()),
    });
    assert_eq!(
        (bench.status(sync), bench.state.open_items().count()),
        (Status::Review, 2)
    );
}

#[test]
fn a_failed_gate_fails_the_sync() {
    let (mut bench, sync, _) = meeting(None);
    bench.check(false);
    assert_eq!(
        (bench.status(sync), bench.state.open_items().count()),
        (Status::Failed, 0)
    );
}

#[test]
fn a_sync_whose_time_is_up_does_what_it_says() {
    let cases = [
        (Otherwise::Fail, Status::Failed, Status::Created),
        (Otherwise::Skip, Status::Skipped, Status::InProgress),
        (Otherwise::Proceed, Status::Completed, Status::InProgress),
        (Otherwise::Halt, Status::Failed, Status::Created),
    ];
    for (otherwise, of_sync, of_b) in cases {
        let (mut bench, sync, b) = meeting(limit(100, otherwise));
        bench.pass(99);
        assert_eq!(bench.status(sync), Status::Review);
        bench.pass(1);
        assert_eq!(bench.statuses(&[sync, b]), [of_sync, of_b], "{otherwise:?}");
        assert_eq!(bench.state.open_items().count(), 0, "{otherwise:?}");
    }
}
