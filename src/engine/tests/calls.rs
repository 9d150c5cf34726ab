//! Tasks that are the work of a workflow: one call after the other, each once.

use coord_lang::ids::{NodeId, WorkflowId};
use coord_plan::plan::{By, TaskRules, Workflow};

use super::bench::Bench;
use super::draft::Draft;
use crate::{Input, RunStatus, Status};

/// A workflow of one task.
fn workflow(draft: &mut Draft) -> NodeId {
    draft.plan.workflows.push(Workflow {
        name: "w".into(),
        title: None,
        params: vec![],
        param_ids: vec![],
        every: None,
    });
    let work = draft.task("work", |_| {});
    draft.plan.nodes[work].workflow = Some(WorkflowId(0));
    work
}

fn caller(draft: &mut Draft, name: &str) -> NodeId {
    draft.task(name, |task| {
        task.by = By::All(vec![]);
        task.program = None;
        task.more = Some(Box::new(TaskRules {
            call: Some((WorkflowId(0), vec![])),
            ..TaskRules::default()
        }));
    })
}

#[test]
fn who_has_called_takes_the_end_before_the_next_calls() {
    let mut draft = Draft::new();
    let work = workflow(&mut draft);
    let first = draft.task("first", |_| {});
    let behind = caller(&mut draft, "behind");
    draft.after(behind, &[first]);
    let at_once = caller(&mut draft, "at once");
    let mut bench = Bench::start(draft);
    assert_eq!(bench.status(at_once), Status::InProgress);
    bench.succeed(first);
    assert_eq!(bench.status(behind), Status::InProgress, "it waits to call");
    bench.succeed(work);
    assert_eq!(bench.status(at_once), Status::Completed);
    bench.succeed(work);
    assert_eq!(bench.status(behind), Status::Completed);
    assert_eq!(bench.count("workflow.started"), 2);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn who_waits_to_call_does_so_when_work_that_was_tried_again_is_over() {
    let mut draft = Draft::new();
    let work = workflow(&mut draft);
    let one = caller(&mut draft, "one");
    let late = draft.task("late", |_| {});
    let other = caller(&mut draft, "other");
    draft.after(other, &[late]);
    let mut bench = Bench::start(draft);
    bench.break_down(work);
    assert_eq!(bench.status(one), Status::Failed);
    bench.give(Input::Retry {
        node: work,
        by: None,
    });
    bench.succeed(late);
    assert_eq!(bench.status(other), Status::InProgress, "it waits to call");
    bench.succeed(work);
    bench.succeed(work);
    assert_eq!(bench.status(other), Status::Completed);
}
