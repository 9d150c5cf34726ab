//! Modes, agents and resources that are out, handoffs, and why a node waits for them.

use coord_lang::ids::{AgentId, EscalationId, ModeId, NodeId, ResourceId};
use coord_plan::plan::{Driver, GateFailure, Limit, Otherwise, TaskRules, Wanted, Workflow};
use coord_plan::rules::{Action, Ending, Escalation, Handoff, Level, Mode, Party};

use crate::{
    About, How, Input, Of, Outcome, Reason, RunStatus, Status, Verdict, Waiting, is_blocked,
    reasons,
};

use super::bench::Bench;
use super::draft::{Draft, approval, run};

fn mode(draft: &mut Draft) -> ModeId {
    draft.plan.rules.modes.push(Mode {
        name: "safe-mode".into(),
        title: None,
        enter: Vec::new(),
        exit: Vec::new(),
        restart: None,
        cancels: false,
    })
}

#[test]
fn a_run_in_a_mode_waits_for_somebody_to_leave_it() {
    let mut draft = Draft::new();
    let (a, b) = (draft.task("a", |_| {}), draft.task("b", |_| {}));
    draft.after(b, &[a]);
    let mode = mode(&mut draft);
    let mut bench = Bench::start(draft);
    bench.give(Input::EnterMode {
        mode,
        by: None,
        because: String::new(),
    });
    bench.succeed(a);
    assert_eq!(bench.run_status(), RunStatus::Running);
    assert_eq!(bench.state.waiting(), Waiting::ForPeople);
    assert_eq!(
        reasons(&bench.plan, &bench.state, b),
        [Reason::Mode { mode }]
    );
    assert!(is_blocked(&bench.plan, &bench.state, b));
    bench.give(Input::LeaveMode { mode, by: None });
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn after_a_mode_only_so_many_start_at_once() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let (b, c) = (draft.task("b", |_| {}), draft.task("c", |_| {}));
    draft.after(b, &[a]);
    draft.after(c, &[a]);
    let mode = mode(&mut draft);
    draft.plan.rules.modes[mode].restart = Some(1);
    let mut bench = Bench::start(draft);
    bench.give(Input::EnterMode {
        mode,
        by: None,
        because: String::new(),
    });
    bench.succeed(a);
    bench.give(Input::LeaveMode { mode, by: None });
    assert_eq!(bench.status(b), Status::InProgress);
    assert_eq!(
        reasons(&bench.plan, &bench.state, c),
        [Reason::Restart { most: 1 }]
    );
    bench.succeed(b);
    assert_eq!(bench.status(c), Status::InProgress);
}

fn by(draft: &mut Draft, name: &str, agent: AgentId) -> NodeId {
    draft.task(name, |task| {
        task.by = coord_plan::plan::By::All(vec![agent])
    })
}

#[test]
fn a_run_that_failed_for_want_of_an_agent_goes_on_when_it_is_back() {
    let mut draft = Draft::new();
    let worker = draft.agent("worker", 1, Driver::Shell);
    let spare = draft.agent("spare", 1, Driver::Shell);
    let job = by(&mut draft, "job", worker);
    let other = by(&mut draft, "other", worker);
    draft.after(other, &[job]);
    let mut bench = Bench::start(draft);
    bench.give(Input::AgentFailed {
        agent: worker,
        why: "silent".into(),
    });
    bench.end(job, Outcome::Cancelled);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    let isolated = Reason::Isolated { agent: worker };
    assert!(reasons(&bench.plan, &bench.state, job).contains(&isolated));
    bench.give(Input::Reassign {
        node: job,
        to: Some(spare),
        by: None,
    });
    assert_eq!(bench.status(job), Status::InProgress);
    bench.succeed(job);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    bench.give(Input::AgentBack { agent: worker });
    bench.succeed(other);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_resource_that_is_there_again_reopens_the_run() {
    let mut draft = Draft::new();
    let gpu: ResourceId = draft.resource("gpu", 2);
    let (a, b) = (
        draft.task("a", |_| {}),
        draft.task("b", |t| t.uses.push((gpu, 1))),
    );
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.give(Input::ResourceExhausted { resource: gpu });
    bench.succeed(a);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    let exhausted = Reason::Exhausted { resource: gpu };
    assert!(reasons(&bench.plan, &bench.state, b).contains(&exhausted));
    bench.give(Input::ResourceBack { resource: gpu });
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
    let over = bench.try_give(Input::ResourceBack { resource: gpu });
    assert!(over.is_err(), "a completed run is over");
}

/// A ladder of one rung, which `who` has.
pub(super) fn ladder(draft: &mut Draft, who: AgentId) -> EscalationId {
    draft.plan.rules.escalations.push(Escalation {
        name: "blocked".into(),
        title: None,
        levels: vec![Level {
            name: "L1".into(),
            title: None,
            by: Party {
                agents: vec![who],
                ..Party::default()
            },
            quorum: 1,
            within_ms: None,
            actions: Vec::new(),
        }],
        sla_ms: None,
        otherwise: Ending::Halt,
    })
}

/// `build` takes over from `draw`; nobody accepts in time, and `lead` is asked.
fn handed_over() -> (Bench, NodeId) {
    let mut draft = Draft::new();
    let (designer, developer) = (draft.human("designer"), draft.human("developer"));
    let lead = draft.human("lead");
    let ladder = ladder(&mut draft, lead);
    let handoff = draft.plan.rules.handoffs.push(Handoff {
        name: "component".into(),
        title: None,
        requires: Vec::new(),
        checks: Vec::new(),
        fields: Vec::new(),
        accept_within_ms: Some(1000),
        accept_otherwise: vec![Action::Escalate {
            to: ladder,
            level: None,
        }],
        format: None,
    });
    let draw = draft.chore("draw", designer);
    let build = draft.chore("build", developer);
    draft.after(build, &[draw]);
    draft.task_mut(draw).more = Some(Box::new(TaskRules {
        handoff: Some(handoff),
        ..TaskRules::default()
    }));
    let mut bench = Bench::start(draft);
    let item = bench.item(draw, "work");
    bench.answer(item, "designer", Verdict::Done);
    let waits: Vec<Reason> = reasons(&bench.plan, &bench.state, build);
    assert!(matches!(waits[..], [Reason::Situation { .. }]), "{waits:?}");
    bench.pass(2000);
    (bench, build)
}

#[test]
fn a_handoff_that_is_accepted_up_the_ladder_lets_the_work_go_on() {
    let (mut bench, build) = handed_over();
    let item = bench.item(build, "decide");
    bench.answer(item, "lead", Verdict::Accept);
    assert_eq!(bench.status(build), Status::InProgress);
    assert_eq!(bench.state.open_situations().count(), 0);
}

#[test]
fn a_handoff_that_is_left_out_up_the_ladder_leaves_its_work_out() {
    let (mut bench, build) = handed_over();
    let item = bench.item(build, "decide");
    bench.answer(item, "lead", Verdict::Skip);
    assert_eq!(bench.status(build), Status::Skipped);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

fn how_it_closed(bench: &Bench) -> Vec<How> {
    let closed = bench
        .state
        .situations()
        .filter_map(|(_, of)| of.closed.as_ref());
    closed.map(|(_, resolution)| resolution.how).collect()
}

#[test]
fn a_ladder_about_a_failure_is_withdrawn_when_the_task_ends_well_after_all() {
    let mut draft = Draft::new();
    let lead = draft.human("lead");
    let to = ladder(&mut draft, lead);
    let escalate = vec![Action::Escalate { to, level: None }];
    let a = draft.task("a", |task| {
        task.more = Some(Box::new(TaskRules {
            on_fail: escalate,
            ..TaskRules::default()
        }));
    });
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    bench.give(Input::Retry { node: a, by: None });
    assert_eq!(how_it_closed(&bench), []);
    bench.succeed(a);
    assert_eq!(how_it_closed(&bench), [How::Withdrawn]);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_ladder_about_a_need_is_withdrawn_when_what_is_needed_comes_late() {
    let mut draft = Draft::new();
    let lead = draft.human("lead");
    let to = ladder(&mut draft, lead);
    let (a, b) = (draft.task("a", |_| {}), draft.task("b", |_| {}));
    draft.need(b, a, Wanted::Done).within = Some(Box::new(Limit {
        ms: 1000,
        otherwise: Otherwise::Escalate,
        also: vec![Action::Escalate { to, level: None }],
    }));
    let mut bench = Bench::start(draft);
    bench.pass(2000);
    let decision = bench.item(b, "decide");
    let waits = reasons(&bench.plan, &bench.state, b);
    assert!(
        waits.iter().any(|r| matches!(r, Reason::Situation { .. })),
        "{waits:?}"
    );
    bench.succeed(a);
    assert_eq!(bench.status(b), Status::InProgress);
    assert_eq!(how_it_closed(&bench), [How::Withdrawn]);
    assert!(!bench.state.item(decision).unwrap().is_open());
    bench.succeed(b);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

/// Somebody raises a ladder about a task at work, which is answered with `verdict`.
fn about_work(verdict: Verdict) -> (Bench, NodeId) {
    let mut draft = Draft::new();
    let lead = draft.human("lead");
    let to = ladder(&mut draft, lead);
    let a = draft.task("a", |_| {});
    let mut bench = Bench::start(draft);
    bench.give(Input::Raise {
        of: Of::Escalation(to),
        about: About {
            node: Some(a),
            ..About::default()
        },
        by: Some("lead".into()),
        note: "too slow".into(),
    });
    let item = bench.item(a, "decide");
    bench.answer(item, "lead", verdict);
    (bench, a)
}

#[test]
fn an_answer_about_work_at_hand_ends_it_first() {
    for (verdict, status, run) in [
        (Verdict::Abort, Status::Failed, RunStatus::Failed),
        (Verdict::Skip, Status::Skipped, RunStatus::Completed),
        (Verdict::Retry, Status::InProgress, RunStatus::Running),
    ] {
        let (mut bench, a) = about_work(verdict);
        assert_eq!(bench.status(a), Status::InProgress, "{verdict:?}");
        assert_eq!(bench.count("task.terminating"), 1, "{verdict:?}");
        bench.end(a, Outcome::Cancelled);
        assert_eq!(
            (bench.status(a), bench.run_status()),
            (status, run),
            "{verdict:?}"
        );
    }
    let (mut bench, a) = about_work(Verdict::Accept);
    assert_eq!(bench.count("task.terminating"), 0, "it goes on as it is");
    bench.succeed(a);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_task_in_review_is_left_out_by_whoever_decides_about_its_approval() {
    let mut draft = Draft::new();
    let (boss, lead) = (draft.human("boss"), draft.human("lead"));
    let to = ladder(&mut draft, lead);
    let a = draft.task("a", |task| {
        let mut approval = approval(1, &[boss]);
        approval.within = Some(Limit {
            ms: 1000,
            otherwise: Otherwise::Escalate,
            also: vec![Action::Escalate { to, level: None }],
        });
        task.approvals.push(approval);
    });
    for (verdict, status) in [
        (Verdict::Skip, Status::Skipped),
        (Verdict::Abort, Status::Failed),
        (Verdict::Accept, Status::Completed),
        (Verdict::Done, Status::Completed),
        (Verdict::Retry, Status::Review),
    ] {
        let mut bench = Bench::start(Draft {
            plan: draft.plan.clone(),
        });
        bench.succeed(a);
        bench.pass(2000);
        let item = bench.item(a, "decide");
        bench.answer(item, "lead", verdict);
        assert_eq!(bench.status(a), status, "{verdict:?}");
        assert_eq!(bench.state.open_situations().count(), 0, "{verdict:?}");
    }
}

#[test]
fn a_gate_is_decided_by_whoever_is_asked() {
    let mut draft = Draft::new();
    let lead = draft.human("lead");
    let to = ladder(&mut draft, lead);
    let gate = draft.gate(vec![run()], Vec::new(), GateFailure::Halt);
    draft.plan.gates[gate].on_fail_do = vec![Action::Escalate { to, level: None }];
    let a = draft.task("a", |task| task.ensures.push(gate));
    for (verdict, status) in [
        (Verdict::Skip, Status::Skipped),
        (Verdict::Abort, Status::Failed),
        (Verdict::Accept, Status::Completed),
        (Verdict::Retry, Status::Review),
    ] {
        let mut bench = Bench::start(Draft {
            plan: draft.plan.clone(),
        });
        bench.succeed(a);
        bench.check(false);
        let waits = reasons(&bench.plan, &bench.state, a);
        assert!(matches!(waits[0], Reason::Held { .. }), "{waits:?}");
        let item = bench.item(a, "decide");
        bench.answer(item, "lead", verdict);
        assert_eq!(bench.status(a), status, "{verdict:?}");
        assert_eq!(bench.running_check().is_some(), verdict == Verdict::Retry);
    }
}

/// `b` waits too long for `a`, which `worker` does and `fails` at; `verdict` is the answer.
fn late(fails: bool, verdict: Verdict) -> (Bench, NodeId, NodeId) {
    let mut draft = Draft::new();
    let lead = draft.human("lead");
    let to = ladder(&mut draft, lead);
    let worker = draft.agent("worker", 1, Driver::Shell);
    let a = by(&mut draft, "a", worker);
    let b = draft.task("b", |_| {});
    draft.need(b, a, Wanted::Done).within = Some(Box::new(Limit {
        ms: 1000,
        otherwise: Otherwise::Escalate,
        also: vec![Action::Escalate { to, level: None }],
    }));
    let mut bench = Bench::start(draft);
    if fails {
        bench.break_down(a);
    }
    bench.pass(2000);
    let item = bench.item(b, "decide");
    bench.give(Input::Answer {
        item,
        by: Some("lead".into()),
        verdict,
        to: Some(AgentId(0)).filter(|_| verdict == Verdict::Reassign),
        note: String::new(),
        outputs: Default::default(),
    });
    (bench, a, b)
}

#[test]
fn an_answer_about_a_late_need_does_what_it_says() {
    use Status::{Created, Failed, InProgress, Skipped};
    for (fails, verdict, a_is, b_is) in [
        (false, Verdict::Accept, InProgress, InProgress),
        (false, Verdict::Skip, InProgress, Skipped),
        (false, Verdict::Abort, InProgress, Failed),
        (false, Verdict::Retry, InProgress, Created),
        (true, Verdict::Retry, InProgress, Created),
        (true, Verdict::Reassign, InProgress, Created),
        (true, Verdict::Accept, Failed, InProgress),
    ] {
        let (bench, a, b) = late(fails, verdict);
        let found = (bench.status(a), bench.status(b));
        assert_eq!(found, (a_is, b_is), "{fails} {verdict:?}");
    }
    let (mut bench, a, b) = late(false, Verdict::Reassign);
    assert_eq!(bench.count("task.reassigned"), 1);
    bench.end(a, Outcome::Cancelled);
    assert_eq!(
        bench.state.node(a).attempt.as_ref().unwrap().agents,
        [AgentId(0)]
    );
    bench.pass(2000);
    let _again = bench.item(b, "decide");
    assert_eq!(bench.count("need.expired"), 2, "the limit counts anew");
}

#[test]
fn a_workflow_is_not_started_anew_while_one_of_its_tasks_is_tried_again() {
    let mut draft = Draft::new();
    let (main, mend) = (draft.task("main", |_| {}), draft.task("mend", |_| {}));
    let hotfix = draft.plan.workflows.push(Workflow {
        name: "hotfix".into(),
        title: None,
        params: Vec::new(),
        param_ids: Vec::new(),
        every: None,
    });
    draft.plan.nodes[mend].workflow = Some(hotfix);
    let mut bench = Bench::start(draft);
    let start = || Input::StartWorkflow {
        workflow: hotfix,
        arguments: Vec::new(),
    };
    bench.give(start());
    bench.break_down(mend);
    assert_eq!(bench.count("workflow.ended"), 1);
    bench.give(Input::Retry {
        node: mend,
        by: None,
    });
    assert!(bench.try_give(start()).is_err(), "it is at work");
    bench.succeed(mend);
    bench.give(start());
    bench.succeed(mend);
    bench.succeed(main);
    assert_eq!(bench.state.machine_at_work(), 0);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn what_a_person_takes_over_from_a_driven_agent_waits_for_its_end() {
    let mut draft = Draft::new();
    let worker = draft.agent("worker", 1, Driver::Acp(vec!["agent".into()]));
    let ann = draft.human("ann");
    let a = draft.chore("a", worker);
    let mut bench = Bench::start(draft);
    assert_eq!(bench.state.machine_at_work(), 1);
    bench.give(Input::Reassign {
        node: a,
        to: Some(ann),
        by: None,
    });
    assert_eq!(bench.state.open_items().count(), 0, "it is still at it");
    bench.end(a, Outcome::Cancelled);
    assert_eq!(bench.state.machine_at_work(), 0);
    let item = bench.item(a, "work");
    bench.answer(item, "ann", Verdict::Done);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}
