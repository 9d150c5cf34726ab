//! What is measured, when, and what it comes to, in virtual time.

use coord_lang::expr::{Comparison, Value};
use coord_lang::ids::MetricId;
use coord_plan::plan::*;
use coord_plan::rules::{Goal, Metric, MetricSource};

use super::bench::Bench;
use super::draft::{Draft, approval, program};
use crate::metrics::{builtin, meets};
use crate::{Action, Input, Options, RunStatus, Verdict, pending_actions, replay};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn metric(draft: &mut Draft, from: MetricSource) -> MetricId {
    draft.plan.rules.metrics.push(Metric {
        name: "m".into(),
        title: None,
        target: None,
        from,
        unit: None,
    })
}

fn computed(draft: &mut Draft, name: &str) -> MetricId {
    metric(draft, MetricSource::Builtin(name.into()))
}

fn hours(low: i64, high: i64) -> Option<Estimate> {
    let span = |hours: i64| Span {
        ms: hours * HOUR,
        working: false,
    };
    Some(Estimate {
        low: span(low),
        likely: span(low),
        high: span(high),
    })
}

/// A metric by the journal alone.
fn tallied(bench: &Bench, name: &str) -> Option<Value> {
    let mut draft = Draft {
        plan: bench.plan.clone(),
    };
    computed(&mut draft, name);
    let state = replay(&draft.plan, &bench.events).unwrap();
    let tally = state.tally.as_deref()?;
    tally.value(&draft.plan, &state, builtin(name)?, bench.now_ms)
}

#[test]
fn estimates_and_deadlines_are_held_against_what_tasks_took() {
    let mut draft = Draft::new();
    let a = draft.task("a", |task| task.estimate = hours(2, 3));
    let b = draft.task("b", |task| task.estimate = hours(1, 1));
    let c = draft.task("c", |task| task.deadline_ms = Some(2 * HOUR));
    draft.after(b, &[a]);
    let names = ["task.on-time", "task.completion", "estimate.accuracy"];
    let ids = names.map(|name| computed(&mut draft, name));
    let mut bench = Bench::start(draft);
    bench.pass(HOUR);
    bench.succeed(a); // 1h of 2h..3h
    bench.succeed(c); // an hour before its deadline
    bench.pass(2 * HOUR);
    assert_eq!(
        tallied(&bench, "task.completion"),
        Some(Value::Percent(66_666))
    );
    assert_eq!(
        tallied(&bench, "task.on-time"),
        Some(Value::Percent(66_666)),
        "b is over its estimate already"
    );
    bench.succeed(b); // 2h of 1h
    assert_eq!(bench.run_status(), RunStatus::Completed);
    let found = ids.map(|id| bench.state.metric(id).cloned());
    assert_eq!(
        found,
        [66_666, 100_000, 50_000].map(|milli| Some(Value::Percent(milli)))
    );
}

#[test]
fn agents_are_busy_for_a_part_of_their_time_and_tasks_wait_for_them() {
    let mut draft = Draft::new();
    let ann = draft.agent("ann", 1, Driver::Shell);
    let task =
        |draft: &mut Draft, name: &str| draft.task(name, |task| task.by = By::All(vec![ann]));
    let (a, b) = (task(&mut draft, "a"), task(&mut draft, "b"));
    let mut bench = Bench::start(draft);
    bench.pass(HOUR);
    bench.succeed(a);
    bench.pass(HOUR);
    // two hours of work in two hours; b waited for one
    assert_eq!(
        tallied(&bench, "agent.utilization"),
        Some(Value::Percent(100_000))
    );
    assert_eq!(
        tallied(&bench, "blocked.share"),
        Some(Value::Percent(33_333))
    );
    bench.succeed(b);
    assert_eq!(tallied(&bench, "task.per-day"), Some(Value::Decimal(2_000)));
}

#[test]
fn reviews_rework_and_answers_are_counted() {
    let mut draft = Draft::new();
    let (ann, lead) = (draft.human("ann"), draft.human("lead"));
    let a = draft.chore("a", ann);
    draft.task_mut(a).approvals.push(approval(1, &[lead]));
    let mut bench = Bench::start(draft);
    for verdict in [Verdict::Reject, Verdict::Approve] {
        bench.pass(20 * MINUTE);
        let work = bench.item(a, "work");
        bench.answer(work, "ann", Verdict::Done);
        bench.pass(10 * MINUTE);
        let review = bench.item(a, "approve");
        bench.answer(review, "lead", verdict);
    }
    assert_eq!(bench.run_status(), RunStatus::Completed);
    let found = |name| tallied(&bench, name);
    assert_eq!(found("review.pass"), Some(Value::Percent(50_000)));
    assert_eq!(found("task.rework"), Some(Value::Percent(100_000)));
    assert_eq!(found("response.time"), Some(Value::Duration(15 * MINUTE)));
    // twenty minutes of questions beside forty of work
    assert_eq!(found("coordination.overhead"), Some(Value::Percent(33_333)));
    assert_eq!(found("handoff.success"), None, "there was none");
}

#[test]
fn a_failure_is_resolved_when_its_task_is_done() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let id = computed(&mut draft, "blocker.resolution");
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    assert_eq!(bench.state.metric(id), None);
    assert_eq!(bench.count("metric.missed"), 1);
    bench.pass(HOUR);
    bench.give(Input::Retry { node: a, by: None });
    bench.pass(HOUR);
    bench.succeed(a);
    assert_eq!(bench.run_status(), RunStatus::Completed);
    assert_eq!(bench.state.metric(id), Some(&Value::Duration(2 * HOUR)));
}

#[test]
fn the_end_waits_for_programs_that_measure_also_across_a_crash() {
    for measured in [true, false] {
        let mut draft = Draft::new();
        let a = draft.task("a", |_| {});
        let metric = metric(&mut draft, MetricSource::Run(program()));
        let mut bench = Bench::start(draft);
        bench.succeed(a);
        assert_eq!(bench.actions, [Action::Measure { metric }]);
        assert_eq!(bench.run_status(), RunStatus::Running);
        bench.crash(bench.events.len(), Vec::new());
        assert_eq!(pending_actions(&bench.state), [Action::Measure { metric }]);
        bench.give(match measured {
            true => Input::Measured {
                metric,
                value: Value::Int(7),
                by: None,
            },
            false => Input::NotMeasured {
                metric,
                why: "no number".into(),
            },
        });
        assert_eq!(bench.run_status(), RunStatus::Completed);
        assert_eq!(bench.state.metric(metric).is_some(), measured);
    }
}

#[test]
fn a_run_that_is_halted_is_measured_too() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let id = computed(&mut draft, "task.completion");
    let options = Options {
        cores: 1,
        parallel: Some(1),
        fail_fast: true,
        ..Options::default()
    };
    let mut bench = Bench::start_with(draft, options);
    bench.break_down(a);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    assert_eq!(bench.started(), [a], "{b:?} never began");
    assert_eq!(bench.state.metric(id), Some(&Value::Percent(0)));
}

#[test]
fn a_range_holds_both_of_its_ends() {
    let goal = Goal::Between {
        low: Value::Int(40),
        high: Value::Int(50),
    };
    let met = |n: i64| meets(&goal, &Value::Int(n));
    assert!(met(40) && met(50) && !met(39) && !met(51));
    let goal = Goal::Compared {
        op: Comparison::GreaterOrEqual,
        value: Value::Percent(90_000),
    };
    assert!(meets(&goal, &Value::Percent(90_000)));
    assert!(!meets(&goal, &Value::Percent(89_999)));
}
