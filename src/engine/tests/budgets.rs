//! Budgets: what holds attempts back, who is asked, and what an answer does.

use coord_lang::ids::{AgentId, BudgetId, NodeId};
use coord_plan::plan::{By, Driver};
use coord_plan::rules::{Action, Budget, Spends};

use crate::{Ask, Item, ItemId, Outcome, Reason, RunStatus, Status, Verdict, reasons};

use super::bench::Bench;
use super::coordination::ladder;
use super::draft::Draft;

const WELL: Outcome = Outcome::Exit(0);

/// Tasks of `worker`, one after the other, under a budget of that agent.
fn chain(budget: Spends, most: i64, names: &[&str]) -> (Draft, AgentId, Vec<NodeId>) {
    let mut draft = Draft::new();
    let worker = draft.agent("worker", 1, Driver::Acp(vec!["agent".into()]));
    draft.plan.rules.budgets.push(Budget {
        agent: Some(worker),
        of: budget,
        most,
        otherwise: Vec::new(),
    });
    let tasks = tasks(&mut draft, worker, names);
    (draft, worker, tasks)
}

fn tasks(draft: &mut Draft, agent: AgentId, names: &[&str]) -> Vec<NodeId> {
    let mut tasks: Vec<NodeId> = Vec::new();
    for name in names {
        let task = draft.task(name, |task| task.by = By::All(vec![agent]));
        if let Some(last) = tasks.last() {
            draft.after(task, &[*last]);
        }
        tasks.push(task);
    }
    tasks
}

#[track_caller]
fn asked(bench: &Bench) -> (ItemId, Item) {
    let mut open = bench.state.open_items();
    let (id, item) = open.next().expect("somebody is asked");
    assert!(matches!(item.ask, Ask::Budget { .. }), "{item:?}");
    assert!(open.next().is_none());
    (id, item.clone())
}

#[test]
fn nothing_more_begins_until_somebody_allows_as_much_again() {
    let (draft, _, tasks) = chain(Spends::Tokens, 100, &["a", "b", "c"]);
    let mut bench = Bench::start(draft);
    bench.end_with(tasks[0], WELL, &[("usage.total-tokens", "99")]);
    assert_eq!(bench.status(tasks[1]), Status::InProgress);
    bench.end_with(
        tasks[1],
        WELL,
        &[("usage.input-tokens", "1"), ("usage.output-tokens", "5")],
    );
    let (item, _) = asked(&bench);
    assert_eq!(bench.status(tasks[2]), Status::Created);
    let spent = Reason::Spent {
        budget: BudgetId(0),
    };
    assert_eq!(reasons(&bench.plan, &bench.state, tasks[2]), [spent]);
    bench.answer(item, "lead", Verdict::Approve);
    assert_eq!(bench.status(tasks[2]), Status::InProgress);
    let of = bench.state.spending(BudgetId(0));
    assert_eq!((of.used, of.allowed, of.spent), (105, 205, false));
    bench.succeed(tasks[2]);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_no_fails_what_would_begin_and_a_retry_asks_again() {
    let (draft, _, tasks) = chain(Spends::Cost("USD".into()), 1_000, &["a", "b"]);
    let mut bench = Bench::start(draft);
    bench.end_with(tasks[0], WELL, &[("usage.cost", "1.0001 USD")]);
    let (item, _) = asked(&bench);
    bench.answer(item, "lead", Verdict::Reject);
    assert_eq!(bench.status(tasks[1]), Status::Failed);
    assert_eq!(bench.run_status(), RunStatus::Failed);
    bench.give(crate::Input::Retry {
        node: tasks[1],
        by: None,
    });
    let (again, _) = asked(&bench);
    assert!(again > item);
    bench.answer(again, "lead", Verdict::Approve);
    bench.succeed(tasks[1]);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn another_currency_is_another_budget_and_time_at_work_is_one_too() {
    let (mut draft, worker, tasks) = chain(Spends::Cost("USD".into()), 1_000, &["a", "b"]);
    draft.plan.rules.budgets.push(Budget {
        agent: None,
        of: Spends::Time,
        most: 60_000,
        otherwise: Vec::new(),
    });
    let lead = draft.human("lead");
    let chore = draft.chore("chore", lead);
    draft.after(chore, &[tasks[0]]);
    let _ = worker;
    let mut bench = Bench::start(draft);
    bench.now_ms += 60_000;
    bench.end_with(tasks[0], WELL, &[("usage.cost", "5 EUR")]);
    assert_eq!(bench.state.spending(BudgetId(0)).used, 0);
    assert!(bench.state.spending(BudgetId(1)).spent);
    assert_eq!(bench.status(tasks[1]), Status::Created);
    // people are not held back
    assert_eq!(bench.status(chore), Status::InProgress);
}

#[test]
fn what_is_used_up_at_the_end_is_nobodys_question() {
    let (draft, _, tasks) = chain(Spends::Tokens, 100, &["a"]);
    let mut bench = Bench::start(draft);
    bench.end_with(tasks[0], WELL, &[("usage.total-tokens", "1000")]);
    assert_eq!(bench.state.items().count(), 0);
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_question_that_nothing_waits_for_any_more_is_withdrawn() {
    let (draft, _, tasks) = chain(Spends::Tokens, 100, &["a", "b"]);
    let mut bench = Bench::start(draft);
    bench.end_with(tasks[0], WELL, &[("usage.total-tokens", "1000")]);
    let (item, _) = asked(&bench);
    bench.give(crate::Input::Skip {
        node: tasks[1],
        by: None,
        reason: "too dear".into(),
    });
    assert!(!bench.state.item(item).unwrap().is_open());
    assert_eq!(bench.run_status(), RunStatus::Completed);
}

#[test]
fn a_ladder_is_asked_in_its_place() {
    for (verdict, status) in [
        (Verdict::Accept, Status::InProgress),
        (Verdict::Retry, Status::InProgress),
        (Verdict::Skip, Status::Failed),
        (Verdict::Abort, Status::Created),
    ] {
        let (mut draft, _, tasks) = chain(Spends::Tokens, 100, &["a", "b"]);
        let lead = draft.human("lead");
        let to = ladder(&mut draft, lead);
        draft.plan.rules.budgets[BudgetId(0)].otherwise =
            vec![Action::Escalate { to, level: None }];
        let mut bench = Bench::start(draft);
        bench.end_with(tasks[0], WELL, &[("usage.total-tokens", "100")]);
        let mut open = bench.state.open_items();
        let (item, asked) = open.next().expect("the ladder asks");
        assert!(matches!(asked.ask, Ask::Situation { .. }));
        drop(open);
        bench.answer(item, "lead", verdict);
        assert_eq!(bench.status(tasks[1]), status, "{verdict:?}");
    }
}
