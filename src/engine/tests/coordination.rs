//! Modes, agents and resources that are out, handoffs, and why a node waits for them.

use coord_lang::ids::{AgentId, ModeId, NodeId, ResourceId};
use coord_plan::plan::{Driver, TaskRules};
use coord_plan::rules::{Ending, Escalation, Handoff, Level, Mode, Party};

use crate::{Input, Reason, RunStatus, Status, Verdict, Waiting, is_blocked, reasons};

use super::bench::Bench;
use super::draft::Draft;

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
    bench.end(job, crate::Outcome::Cancelled);
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

/// `build` takes over from `draw`; nobody accepts in time, and `lead` is asked.
fn handed_over() -> (Bench, NodeId) {
    let mut draft = Draft::new();
    let (designer, developer) = (draft.human("designer"), draft.human("developer"));
    let lead = draft.human("lead");
    let rules = &mut draft.plan.rules;
    let ladder = rules.escalations.push(Escalation {
        name: "blocked".into(),
        title: None,
        levels: vec![Level {
            name: "L1".into(),
            title: None,
            by: Party {
                agents: vec![lead],
                ..Party::default()
            },
            quorum: 1,
            within_ms: None,
            actions: Vec::new(),
        }],
        sla_ms: None,
        otherwise: Ending::Halt,
    });
    let handoff = rules.handoffs.push(Handoff {
        name: "component".into(),
        title: None,
        requires: Vec::new(),
        checks: Vec::new(),
        fields: Vec::new(),
        accept_within_ms: Some(1000),
        accept_otherwise: vec![coord_plan::rules::Action::Escalate {
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
