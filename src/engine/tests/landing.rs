//! What is done apart lands, goes back, or fails; nothing lands that nobody waits for.

use coord_lang::ids::{AgentId, ConflictId, Id, NodeId};
use coord_plan::plan::*;
use coord_plan::rules::{Conflict, Ending};

use super::bench::Bench;
use super::draft::Draft;
use crate::{
    Action, Breach, Input, Landing, MOST_TURNED_BACK, Of, Outcome, Refusal, RunStatus, Status,
    pending_actions,
};

fn apart(draft: &mut Draft, name: &str) -> NodeId {
    draft.task(name, |task| {
        task.more = Some(Box::new(TaskRules {
            isolate: true,
            ..TaskRules::default()
        }));
    })
}

fn landed() -> Landing {
    Landing::Landed {
        commit: "c".into(),
        tree: "t".into(),
    }
}

fn clash() -> Landing {
    Landing::Clash {
        paths: vec!["a".into()],
        note: "others have changed `a`".into(),
    }
}

#[track_caller]
fn land(bench: &mut Bench, node: NodeId, landing: Landing) {
    let attempt = bench.state.node(node).attempt_number();
    bench.give(Input::LandingEnded {
        node,
        attempt,
        landing,
    });
}

#[test]
fn it_is_completed_when_it_has_landed() {
    let mut draft = Draft::new();
    let a = apart(&mut draft, "a");
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    assert_eq!(bench.status(a), Status::Review);
    assert_eq!(
        bench.actions,
        [Action::Land {
            node: a,
            attempt: 1
        }]
    );
    land(&mut bench, a, landed());
    assert_eq!(bench.status(a), Status::Completed);
    assert_eq!(bench.run_status(), RunStatus::Completed);
    assert_eq!(bench.state.node(a).landed.as_ref().unwrap().tree, "t");
}

#[test]
fn what_clashes_goes_back_so_often_and_no_more() {
    let mut draft = Draft::new();
    let a = apart(&mut draft, "a");
    let mut bench = Bench::start(draft);
    for time in 1..=MOST_TURNED_BACK {
        bench.succeed(a);
        land(&mut bench, a, clash());
        let of = bench.state.node(a);
        assert_eq!(
            (of.attempt_number(), of.feedback.len()),
            (time + 1, time as usize)
        );
    }
    bench.succeed(a);
    land(&mut bench, a, clash());
    assert_eq!(bench.status(a), Status::Failed);
    assert_eq!(bench.run_status(), RunStatus::Failed);
}

#[test]
fn only_the_attempt_that_is_waited_for_lands() {
    let mut draft = Draft::new();
    let a = apart(&mut draft, "a");
    let mut bench = Bench::start(draft);
    let late = |attempt| Input::LandingEnded {
        node: a,
        attempt,
        landing: landed(),
    };
    let refused = |result| matches!(result, Err(Refusal::NotThisAttempt { .. }));
    assert!(refused(bench.try_give(late(1))), "it is still at work");
    bench.succeed(a);
    land(&mut bench, a, clash());
    bench.succeed(a);
    assert!(
        refused(bench.try_give(late(1))),
        "the first attempt was turned back"
    );
    land(&mut bench, a, landed());
    assert!(bench.try_give(late(2)).is_err(), "it landed before");
}

#[test]
fn a_landing_is_done_again_after_a_crash() {
    let mut draft = Draft::new();
    let a = apart(&mut draft, "a");
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    bench.crash(bench.events.len(), Vec::new());
    assert_eq!(
        pending_actions(&bench.state),
        [Action::Land {
            node: a,
            attempt: 1
        }]
    );
    land(&mut bench, a, landed());
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_cancelled_run_waits_for_what_is_landing() {
    let mut draft = Draft::new();
    let a = apart(&mut draft, "a");
    let b = draft.task("b", |_| {});
    let mut bench = Bench::start(draft);
    bench.succeed(a);
    bench.give(Input::Cancel {
        by: None,
        reason: String::new(),
    });
    bench.end(b, Outcome::Signal(15));
    assert_eq!(bench.status(a), Status::Review);
    land(&mut bench, a, landed());
    assert_eq!(bench.status(a), Status::Completed);
    assert_eq!(bench.run_status(), RunStatus::Cancelled);
}

#[test]
fn a_breach_fails_the_task_and_opens_the_conflict_of_its_kind() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.task("a", |task| {
        task.retry = Some(retry());
    });
    draft.plan.rules.conflicts.push(ownership());
    let mut bench = Bench::start(draft);
    let breach = Breach {
        paths: vec!["`x` (it is new)".into()],
        owners: vec!["ann".into()],
        ..Breach::default()
    };
    bench.end(a, Outcome::Breach(breach));
    assert_eq!(
        bench.status(a),
        Status::Failed,
        "a breach is not tried again"
    );
    let (_, situation) = bench.state.open_situations().next().unwrap();
    assert_eq!(situation.of, Of::Conflict(ConflictId::from_index(0)));
    assert_eq!(situation.about.agents, [AgentId(0), ann]);
    assert!(situation.note.contains("`x`"), "{}", situation.note);
}

fn retry() -> Retry {
    Retry {
        times: 5,
        every_ms: 0,
        factor_milli: 1000,
        up_to_ms: 0,
        on_exit: Vec::new(),
        on_timeout: false,
    }
}

fn ownership() -> Conflict {
    Conflict {
        kind: "ownership".into(),
        title: None,
        owner: None,
        reviewers: None,
        consensus: None,
        decide: None,
        levels: Vec::new(),
        escalate_after_ms: None,
        escalate_to: None,
        otherwise: Ending::Halt,
        actions: Vec::new(),
    }
}
