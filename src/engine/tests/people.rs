use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, approval, limit};
use crate::{ItemId, Outcome, Refusal, RunStatus, Status, Verdict, Waiting};

#[test]
fn a_persons_task_is_an_item_that_is_done_or_rejected() {
    for (verdict, expected) in [
        (Verdict::Done, Status::Completed),
        (Verdict::Reject, Status::Failed),
    ] {
        let mut draft = Draft::new();
        let ann = draft.human("ann");
        let a = draft.chore("a", ann);
        let mut bench = Bench::start(draft);
        assert_eq!(
            (bench.status(a), bench.state.waiting()),
            (Status::InProgress, Waiting::ForPeople)
        );
        let item = bench.item(a, "work");
        bench.answer(item, "ann", verdict);
        assert_eq!(
            (bench.status(a), bench.state.waiting()),
            (expected, Waiting::Ended)
        );
    }
}

#[test]
fn outputs_of_a_person_are_outputs_of_the_task() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.chore("a", ann);
    let mut bench = Bench::start(draft);
    let outputs = [("version".to_string(), "2".to_string())].into();
    let item = bench.item(a, "work");
    let (by, note) = (None, String::new());
    bench.give(crate::Input::Answer {
        item,
        by,
        verdict: Verdict::Done,
        to: None,
        note,
        outputs,
    });
    assert_eq!(bench.state.node(a).outputs["version"], "2");
    let answer = bench.state.item(item).unwrap().deciding().unwrap();
    assert_eq!(
        answer.by.as_deref(),
        Some("ann"),
        "an item for one person is that person's"
    );
}

#[test]
fn a_person_has_one_item_of_work_at_a_time() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.chore("a", ann);
    draft.chore("b", ann);
    let mut bench = Bench::start(draft);
    assert_eq!(bench.state.open_items().count(), 1);
    let item = bench.item(a, "work");
    bench.answer(item, "ann", Verdict::Done);
    assert_eq!(bench.state.open_items().count(), 1);
}

fn reviewed(quorum: u32, within: Option<Limit>) -> (Bench, coord_lang::ids::NodeId, ItemId) {
    let mut draft = Draft::new();
    let people = ["ann", "bob", "cid"].map(|name| draft.human(name));
    let worker = draft.agent("worker", 1, Driver::Shell);
    let of = [&people[..], &[worker]].concat();
    let a = draft.task("a", |task| {
        task.by = By::All(vec![worker]);
        task.approvals = vec![Approval {
            within,
            ..approval(quorum, &of)
        }];
    });
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    let item = bench.item(a, "approve");
    (bench, a, item)
}

#[test]
fn a_quorum_counts_distinct_people() {
    let (mut bench, a, item) = reviewed(2, None);
    bench.answer(item, "ann", Verdict::Approve);
    assert_eq!(bench.status(a), Status::Review);
    let again = bench
        .try_answer(item, Some("ann"), Verdict::Approve)
        .unwrap_err();
    assert_eq!(again.to_string(), "ann has already answered item 1");
    bench.answer(item, "bob", Verdict::Approve);
    assert_eq!(bench.status(a), Status::Completed);
}

#[test]
fn whoever_did_the_task_may_not_approve_it() {
    let (mut bench, _, item) = reviewed(1, None);
    let own = bench
        .try_answer(item, Some("worker"), Verdict::Approve)
        .unwrap_err();
    assert_eq!(own.to_string(), "worker does `a` and may not approve it");
}

#[test]
fn answers_are_taken_only_from_those_who_are_asked_once_and_in_kind() {
    let (mut bench, _, item) = reviewed(1, None);
    let cases = [
        (item, Some("eve"), Verdict::Approve),
        (item, None, Verdict::Approve),
        (item, Some("ann"), Verdict::Skip),
        (ItemId(9), Some("ann"), Verdict::Approve),
    ];
    let refused: Vec<String> = cases
        .map(|(item, by, verdict)| bench.try_answer(item, by, verdict).unwrap_err().to_string())
        .into();
    assert_eq!(
        refused,
        [
            "item 1 is not for eve, but for ann, bob, cid, worker",
            "item 1 needs to know who answers: ann, bob, cid, worker",
            "`skip` is no answer to an item of kind approve",
            "there is no item 9",
        ]
    );
}

#[test]
fn a_settled_item_says_by_whom() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.chore("a", ann);
    let bob = draft.human("bob");
    draft.chore("b", bob);
    let mut bench = Bench::start(draft);
    let item = bench.item(a, "work");
    bench.answer(item, "ann", Verdict::Done);
    let late = bench
        .try_answer(item, Some("ann"), Verdict::Done)
        .unwrap_err();
    assert_eq!(late.to_string(), "item 1 is already answered by ann");
}

#[test]
fn a_no_sends_the_task_back_with_feedback_and_does_not_use_up_its_retries() {
    let (mut bench, a, item) = reviewed(2, None);
    bench.answer(item, "ann", Verdict::Approve);
    bench.answer(item, "bob", Verdict::Reject);
    let node = bench.state.node(a);
    assert_eq!(
        (node.status, node.attempt_number(), node.failures),
        (Status::InProgress, 2, 0)
    );
    let feedback = &node.feedback[0];
    assert_eq!(
        (feedback.by.as_deref(), feedback.note.as_str()),
        (Some("bob"), "because")
    );
    bench.succeed(a);
    let again = bench.item(a, "approve");
    bench.answer(again, "ann", Verdict::Approve);
    assert_eq!(
        bench.status(a),
        Status::Review,
        "the first yes was for another attempt"
    );
}

#[test]
fn an_approval_that_does_not_come_in_time_does_what_it_says() {
    let cases = [
        (Otherwise::Fail, Status::Failed, RunStatus::Failed),
        (Otherwise::Skip, Status::Skipped, RunStatus::Completed),
        (Otherwise::Proceed, Status::Completed, RunStatus::Completed),
        (Otherwise::Halt, Status::Failed, RunStatus::Failed),
    ];
    for (otherwise, status, run) in cases {
        let (mut bench, a, item) = reviewed(1, limit(100, otherwise));
        bench.pass(99);
        assert_eq!(bench.status(a), Status::Review);
        bench.pass(1);
        assert_eq!(
            (bench.status(a), bench.run_status()),
            (status, run),
            "{otherwise:?}"
        );
        let late = bench
            .try_answer(item, Some("ann"), Verdict::Approve)
            .unwrap_err();
        assert!(matches!(late, Refusal::RunEnded { .. }));
    }
}

#[test]
fn several_approvals_are_asked_for_at_once_and_a_no_withdraws_the_others() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let bob = draft.human("bob");
    let a = draft.task("a", |task| {
        task.approvals = vec![approval(1, &[ann]), approval(1, &[bob])];
    });
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    assert_eq!(bench.state.open_items().count(), 2);
    let item = bench.item(a, "approve");
    bench.answer(item, "ann", Verdict::Reject);
    assert_eq!(
        (bench.count("item.closed"), bench.state.open_items().count()),
        (1, 0)
    );
    bench.end(a, Outcome::Exit(0));
    assert_eq!(bench.state.open_items().count(), 2);
}
