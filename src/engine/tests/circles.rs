//! Rules that bring themselves about come to an end.

use coord_lang::ids::{EscalationId, NodeId, WorkflowId};
use coord_plan::rules::{Action, Ending, Escalation, Happening, Level, Party, Reaction};

use super::bench::Bench;
use super::draft::{Draft, program};
use crate::{Fact, Input, RuleFact, Status};

fn on(happening: Happening, chain: Vec<Action>) -> Reaction {
    Reaction {
        on: happening,
        for_ms: None,
        when: None,
        because: None,
        actions: vec![chain],
    }
}

fn start() -> Action {
    Action::Start {
        workflow: WorkflowId(0),
        arguments: vec![],
    }
}

/// `work` in the run, `repair` in a workflow that every failure starts.
fn repaired() -> (Draft, NodeId, NodeId) {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let work = draft.task("work", |_| {});
    // the run goes on for as long as somebody is at this
    draft.chore("other", ann);
    let repair = draft.task("repair", |_| {});
    draft.plan.workflows.push(coord_plan::plan::Workflow {
        name: "repair".into(),
        title: None,
        params: vec![],
        param_ids: vec![],
        every: None,
    });
    draft.plan.nodes[repair].workflow = Some(WorkflowId(0));
    let noted = Action::Record("it does not help".into());
    let rule = on(Happening::TaskFailed(None), vec![start(), noted]);
    draft.plan.rules.reactions.push(Reaction {
        for_ms: Some(1_000),
        ..rule
    });
    (draft, work, repair)
}

fn starts(bench: &Bench) -> u32 {
    bench.state.workflow(WorkflowId(0)).unwrap().starts
}

#[test]
fn a_repair_that_fails_is_started_again_so_often_and_then_the_next_action_is_tried() {
    let (draft, work, repair) = repaired();
    let mut bench = Bench::start(draft);
    bench.break_down(work);
    bench.pass(1_000);
    let mut failed = 0;
    while bench.status(repair) == Status::InProgress {
        bench.break_down(repair);
        bench.pass(1_000);
        failed += 1;
    }
    assert_eq!((failed, starts(&bench)), (6, 6));
    assert_eq!(bench.count("action.refused"), 1);
    assert_eq!(bench.count("note.recorded"), 1);
    bench.pass(1_000_000);
    assert_eq!(starts(&bench), 6);
}

#[test]
fn what_comes_of_other_work_begins_a_new_row() {
    let (draft, work, repair) = repaired();
    let mut bench = Bench::start(draft);
    for _ in 0..10 {
        bench.break_down(work);
        bench.pass(1_000);
        bench.succeed(repair);
        bench.give(Input::Retry {
            node: work,
            by: None,
        });
    }
    assert_eq!(starts(&bench), 10);
    assert_eq!(bench.count("action.refused"), 0);
}

#[test]
fn a_ladder_does_not_open_itself_out_of_itself() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let work = draft.task("work", |_| {});
    let again = Action::Escalate {
        to: EscalationId(0),
        level: None,
    };
    draft.plan.rules.escalations.push(Escalation {
        name: "leads".into(),
        title: None,
        levels: vec![Level {
            name: "one".into(),
            title: None,
            by: Party {
                agents: vec![ann],
                ..Party::default()
            },
            quorum: 1,
            within_ms: None,
            actions: vec![vec![again.clone()]],
        }],
        sla_ms: None,
        otherwise: Ending::Fail,
    });
    let rule = on(Happening::TaskFailed(None), vec![again]);
    draft.plan.rules.reactions.push(rule);
    let mut bench = Bench::start(draft);
    bench.break_down(work);
    assert_eq!(bench.count("situation.opened"), 1);
    assert_eq!(bench.count("action.refused"), 1);
}

#[test]
fn a_rollback_that_comes_while_another_is_at_it_waits_for_what_is_at_hand() {
    let mut draft = Draft::new();
    let undo = |task: &mut coord_plan::plan::Task| {
        task.more.get_or_insert_default().undo = Some(program());
    };
    let first = draft.task("first", undo);
    let second = draft.task("second", undo);
    let third = draft.task("third", |_| {});
    let fourth = draft.task("fourth", |_| {});
    for node in [third, fourth] {
        let rule = on(Happening::TaskFailed(Some(node)), vec![Action::Rollback]);
        draft.plan.rules.reactions.push(rule);
    }
    let mut bench = Bench::start(draft);
    bench.succeed(first);
    bench.break_down(third);
    bench.succeed(second);
    bench.break_down(fourth);
    for node in [first, second] {
        assert!(bench.state.undoing().at_work);
        bench.give(Input::UndoEnded {
            node,
            ok: true,
            evidence: String::new(),
        });
    }
    let undone = bench
        .events
        .iter()
        .filter(|event| matches!(event.fact, Fact::Rule(RuleFact::UndoEnded { ok: true, .. })));
    assert_eq!(undone.count(), 2);
}
