use coord_lang::expr::{Comparison, Expr, Value};
use coord_lang::ids::TaskId;
use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, approval, limit, run};
use crate::{Action, Ending, FailReason, GateFault, GateStage, RunStatus, Status, Verdict};

fn guarded(
    evidence: Vec<Evidence>,
    on_fail: GateFailure,
    after: bool,
) -> (Draft, coord_lang::ids::NodeId) {
    let mut draft = Draft::new();
    let gate = draft.gate(evidence, Vec::new(), on_fail);
    let a = draft.task("a", |task| {
        if after {
            task.ensures.push(gate)
        } else {
            task.requires.push(gate)
        }
    });
    (draft, a)
}

#[test]
fn a_required_gate_passes_before_the_task_is_assigned() {
    let (draft, a) = guarded(vec![run(), run()], GateFailure::Halt, false);
    let mut bench = Bench::start(draft);
    assert_eq!(
        (bench.status(a), bench.count("check.started")),
        (Status::Created, 1)
    );
    bench.check(true);
    bench.check(true);
    assert_eq!(
        (bench.status(a), bench.count("gate.passed")),
        (Status::InProgress, 1)
    );
}

#[test]
fn an_ensured_gate_holds_the_task_in_review() {
    let (draft, a) = guarded(vec![run()], GateFailure::Halt, true);
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    assert_eq!(bench.status(a), Status::Review);
    bench.check(true);
    assert_eq!(
        (bench.status(a), bench.run_status()),
        (Status::Completed, RunStatus::Completed)
    );
}

#[test]
fn a_failed_check_fails_what_it_guards_with_the_evidence() {
    let (draft, a) = guarded(vec![run()], GateFailure::Halt, true);
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    bench.check(false);
    let Some(Ending::Failed(FailReason::Gate { why, .. })) =
        bench.state.node(a).ending.as_deref().cloned()
    else {
        panic!()
    };
    assert_eq!(
        why,
        GateFault::Check {
            check: 0,
            evidence: "seen".into()
        }
    );
}

#[test]
fn a_gate_that_warns_goes_on() {
    let (draft, a) = guarded(vec![run(), run()], GateFailure::Warn, true);
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    bench.check(false);
    assert_eq!(
        (bench.status(a), bench.count("gate.warned")),
        (Status::Completed, 1)
    );
}

#[test]
fn a_gate_that_retries_runs_all_its_checks_again_so_many_times() {
    let (draft, a) = guarded(vec![run(), run()], GateFailure::Retry(1), false);
    let mut bench = Bench::start(draft);
    bench.check(true);
    bench.check(false);
    assert_eq!(
        bench
            .running_check()
            .map(|check| (check.check, check.round)),
        Some((0, 2))
    );
    bench.check(true);
    bench.check(false);
    assert_eq!(bench.status(a), Status::Failed);
}

#[test]
fn conditions_people_and_files_are_evidence_too() {
    let completed = Expr::Compare {
        op: Comparison::Equal,
        left: Box::new(Expr::State(TaskId(0))),
        right: Box::new(Expr::Literal(Value::Text("review".into()))),
    };
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let evidence = vec![
        Evidence::When(completed),
        Evidence::Person(vec![ann]),
        Evidence::Exists("out.txt".into()),
    ];
    let gate = draft.gate(evidence, Vec::new(), GateFailure::Halt);
    let a = draft.task("a", |task| task.ensures.push(gate));
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    let item = bench.item(a, "confirm");
    assert!(bench.actions.contains(&Action::Notify { item }));
    bench.answer(item, "ann", Verdict::Approve);
    bench.check(true);
    assert_eq!(bench.status(a), Status::Completed);
}

#[test]
fn what_a_person_does_not_confirm_is_a_failed_check() {
    let (draft, a) = guarded(vec![Evidence::Person(Vec::new())], GateFailure::Halt, false);
    let mut bench = Bench::start(draft);
    let item = bench.item(a, "confirm");
    bench.answer(item, "anybody", Verdict::Reject);
    assert_eq!(bench.status(a), Status::Failed);
}

#[test]
fn checks_run_no_more_at_once_than_there_are_cores() {
    let mut draft = Draft::new();
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    for i in 0..9 {
        draft.task(&format!("t{i}"), |task| task.requires.push(gate));
    }
    let bench = Bench::start(draft);
    assert_eq!(bench.count("check.started"), 4);
}

#[test]
fn approvals_of_a_gate_come_after_its_checks_and_a_no_before_work_fails() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let gate = draft.gate(vec![run()], vec![approval(1, &[ann])], GateFailure::Warn);
    let a = draft.task("a", |task| task.requires.push(gate));
    let mut bench = Bench::start(draft);
    assert_eq!(bench.state.open_items().count(), 0);
    bench.check(true);
    let item = bench.item(a, "approve");
    bench.answer(item, "ann", Verdict::Reject);
    assert_eq!(bench.status(a), Status::Failed);
}

#[test]
fn a_no_to_the_gate_after_the_work_sends_the_task_back() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let gate = draft.gate(vec![run()], vec![approval(1, &[ann])], GateFailure::Halt);
    let a = draft.task("a", |task| task.ensures.push(gate));
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    bench.check(true);
    let item = bench.item(a, "approve");
    bench.answer(item, "ann", Verdict::Reject);
    assert_eq!(
        (bench.status(a), bench.state.node(a).attempt_number()),
        (Status::InProgress, 2)
    );
    bench.succeed(a);
    bench.check(true);
    let item = bench.item(a, "approve");
    bench.answer(item, "ann", Verdict::Approve);
    assert_eq!(
        (bench.status(a), bench.count("gate.opened")),
        (Status::Completed, 2)
    );
}

#[test]
fn the_limit_of_a_gates_approval_counts_too() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let within = Approval {
        within: limit(100, Otherwise::Proceed),
        ..approval(1, &[ann])
    };
    let gate = draft.gate(Vec::new(), vec![within], GateFailure::Halt);
    let a = draft.task("a", |task| task.requires.push(gate));
    let mut bench = Bench::start(draft);
    bench.pass(100);
    assert_eq!(
        (bench.status(a), bench.count("item.expired")),
        (Status::InProgress, 1)
    );
}

#[test]
fn a_check_whose_task_was_skipped_is_ended_and_forgotten() {
    let (draft, a) = guarded(vec![run()], GateFailure::Halt, false);
    let mut bench = Bench::start(draft);
    let check = bench.running_check().unwrap();
    bench.give(crate::Input::Skip {
        node: a,
        by: None,
        reason: "no".into(),
    });
    assert_eq!(bench.actions, [Action::TerminateCheck { check }]);
    assert_eq!(
        bench.run_status(),
        RunStatus::Running,
        "the check is still at work"
    );
    bench.give(crate::Input::CheckEnded {
        check,
        passed: false,
        evidence: String::new(),
    });
    assert_eq!(bench.run_status(), RunStatus::Completed);
    assert_eq!(
        bench.state.gate_run(check.gate).unwrap().stage,
        GateStage::Dropped
    );
}

#[test]
fn a_gate_that_passed_must_pass_again_after_rework() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    let a = draft.task("a", |task| {
        task.ensures.push(gate);
        task.approvals.push(approval(1, &[ann]));
    });
    let mut bench = Bench::start(draft);
    for verdict in [Verdict::Reject, Verdict::Approve] {
        bench.succeed(a);
        bench.check(true);
        let item = bench.item(a, "approve");
        bench.answer(item, "ann", verdict);
    }
    assert_eq!(
        (bench.status(a), bench.count("gate.passed")),
        (Status::Completed, 2)
    );
}
