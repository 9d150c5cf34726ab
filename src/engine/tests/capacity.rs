use coord_lang::ids::AgentId;
use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::Draft;
use crate::{Action, Options, PASSED_OVER_LIMIT, Status};

fn in_progress(bench: &Bench) -> usize {
    bench
        .state
        .nodes()
        .filter(|(_, node)| node.status == Status::InProgress)
        .count()
}

#[test]
fn an_agent_does_as_many_tasks_as_it_has_capacity() {
    let mut draft = Draft::new();
    let two = draft.agent("two", 2, Driver::Shell);
    for i in 0..5 {
        draft.task(&format!("t{i}"), |task| task.by = By::All(vec![two]));
    }
    let mut bench = Bench::start(draft);
    assert_eq!(in_progress(&bench), 2);
    let first = bench.started()[0];
    bench.succeed(first);
    assert_eq!((in_progress(&bench), bench.started().len()), (2, 3));
}

#[test]
fn capacity_zero_is_the_cores_of_the_machine() {
    let mut draft = Draft::new();
    for i in 0..9 {
        draft.task(&format!("t{i}"), |_| {});
    }
    assert_eq!(in_progress(&Bench::start(draft)), 4);
}

#[test]
fn all_takes_a_slot_of_each_and_any_the_one_with_the_least_to_do() {
    let mut draft = Draft::new();
    let a = draft.agent("a", 2, Driver::Shell);
    let b = draft.agent("b", 2, Driver::Shell);
    draft.task("pair", |task| {
        task.by = By::All(vec![a, b]);
        task.priority = 0;
    });
    draft.task("of a", |task| {
        task.by = By::All(vec![a]);
        task.priority = 1;
    });
    let any = draft.task("any", |task| task.by = By::Any(vec![a, b]));
    let late = draft.task("late", |task| task.by = By::Any(vec![a, b]));
    let bench = Bench::start(draft);
    assert_eq!((bench.state.load(a), bench.state.load(b)), (2, 2));
    assert_eq!(bench.state.node(any).attempt.as_ref().unwrap().agents, [b]);
    assert_eq!(bench.status(late), Status::Created);
}

#[test]
fn the_cap_of_the_run_counts_processes_and_not_people() {
    let mut draft = Draft::new();
    draft.plan.parallel = Some(1);
    let ann = draft.human("ann");
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.chore("c", ann);
    let bench = Bench::start(draft);
    assert_eq!(
        bench.statuses(&[a, b, c]),
        [Status::InProgress, Status::Created, Status::InProgress]
    );
}

#[test]
fn order_is_priority_then_the_longer_way_then_the_plan() {
    let mut draft = Draft::new();
    let one = draft.agent("one", 1, Driver::Shell);
    let mut task = |name: &str, priority: u8| {
        draft.task(name, |task| {
            task.by = By::All(vec![one]);
            task.priority = priority;
        })
    };
    let (a, b, c, d) = (task("a", 2), task("b", 2), task("c", 2), task("d", 0));
    draft.plan.nodes[c].rank_ms = 10;
    let mut bench = Bench::start(draft);
    for node in [d, c, a, b] {
        assert_eq!(bench.status(node), Status::InProgress);
        bench.succeed(node);
    }
}

#[test]
fn resources_are_taken_all_at_once_or_not_at_all() {
    let mut draft = Draft::new();
    let gpu = draft.resource("gpu", 2);
    let disk = draft.resource("disk", 1);
    let a = draft.task("a", |task| task.uses = vec![(gpu, 1)]);
    let b = draft.task("b", |task| task.uses = vec![(gpu, 2), (disk, 1)]);
    let c = draft.task("c", |task| task.uses = vec![(disk, 1)]);
    let mut bench = Bench::start(draft);
    assert_eq!(
        bench.statuses(&[a, b, c]),
        [Status::InProgress, Status::Created, Status::InProgress]
    );
    bench.succeed(a);
    assert_eq!(
        (bench.status(b), bench.state.taken(gpu)),
        (Status::Created, 0)
    );
    bench.succeed(c);
    assert_eq!(
        (bench.status(b), bench.state.taken(gpu)),
        (Status::InProgress, 2)
    );
}

#[test]
fn tasks_whose_claims_intersect_are_never_at_work_at_once() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.task("c", |_| {});
    draft.exclude(a, b);
    draft.exclude(b, c);
    let mut bench = Bench::start(draft);
    assert_eq!(
        bench.statuses(&[a, b, c]),
        [Status::InProgress, Status::Created, Status::InProgress]
    );
    bench.succeed(a);
    assert_eq!(bench.status(b), Status::Created);
    bench.succeed(c);
    assert_eq!(bench.status(b), Status::InProgress);
}

#[test]
fn a_big_task_is_not_starved_by_small_ones() {
    let mut draft = Draft::new();
    let gpu = draft.resource("gpu", 2);
    let opener = draft.task("opener", |task| {
        task.uses = vec![(gpu, 1)];
        task.priority = 0;
    });
    let big = draft.task("big", |task| {
        task.uses = vec![(gpu, 2)];
        task.priority = 1;
    });
    for i in 0..50 {
        draft.task(&format!("s{i}"), |task| task.uses = vec![(gpu, 1)]);
    }
    let mut bench = Bench::start(draft);
    bench.succeed(opener);
    let mut ended = 1;
    while bench.status(big) == Status::Created {
        let at_work: Vec<_> = bench
            .started()
            .into_iter()
            .filter(|n| bench.status(*n) == Status::InProgress)
            .collect();
        bench.succeed(at_work[0]);
        ended += 1;
        assert!(ended < 2 * PASSED_OVER_LIMIT, "the big task starves");
    }
    assert_eq!(bench.status(big), Status::InProgress);
}

#[test]
fn a_wide_claim_is_not_starved_by_narrow_ones() {
    let mut draft = Draft::new();
    let first = draft.task("first", |task| task.priority = 0);
    let wide = draft.task("wide", |task| task.priority = 1);
    draft.exclude(first, wide);
    for i in 0..50 {
        let narrow = draft.task(&format!("n{i}"), |_| {});
        draft.exclude(wide, narrow);
    }
    let mut bench = Bench::start(draft);
    let mut ended = 0;
    while bench.status(wide) == Status::Created {
        let at_work: Vec<_> = bench
            .started()
            .into_iter()
            .filter(|n| bench.status(*n) == Status::InProgress)
            .collect();
        bench.succeed(at_work[0]);
        ended += 1;
        assert!(ended < 3 * PASSED_OVER_LIMIT, "the wide task starves");
    }
}

#[test]
fn work_is_assigned_ahead_of_room_but_holds_nothing() {
    let mut draft = Draft::new();
    let gpu = draft.resource("gpu", 1);
    let nodes: Vec<_> = (0..5)
        .map(|i| draft.task(&format!("t{i}"), |task| task.uses = vec![(gpu, 1)]))
        .collect();
    let options = Options {
        cores: 4,
        lookahead: 2,
        ..Options::default()
    };
    let mut bench = Bench::start_with(draft, options);
    assert_eq!(
        bench.statuses(&nodes),
        [
            Status::InProgress,
            Status::Assigned,
            Status::Assigned,
            Status::Created,
            Status::Created
        ]
    );
    assert_eq!(bench.state.taken(gpu), 1);
    let before = bench.events.len();
    bench.succeed(nodes[0]);
    let new: Vec<_> = bench.events[before..]
        .iter()
        .map(|event| event.fact.kind())
        .collect();
    assert_eq!(
        new,
        [
            "task.exited",
            "task.completed",
            "task.started",
            "task.assigned"
        ]
    );
    let agents = vec![AgentId(0)];
    assert_eq!(
        bench.actions,
        [Action::Spawn {
            node: nodes[1],
            attempt: 1,
            agents
        }]
    );
}

#[test]
fn people_and_any_of_get_no_work_ahead() {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let a = draft.agent("a", 1, Driver::Shell);
    let b = draft.agent("b", 1, Driver::Shell);
    for i in 0..3 {
        draft.chore(&format!("c{i}"), ann);
    }
    for i in 0..4 {
        draft.task(&format!("t{i}"), |t| t.by = By::Any(vec![a, b]));
    }
    let options = Options {
        lookahead: 9,
        ..Options::default()
    };
    let bench = Bench::start_with(draft, options);
    assert!(
        bench
            .state
            .nodes()
            .all(|(_, node)| node.status != Status::Assigned)
    );
}
