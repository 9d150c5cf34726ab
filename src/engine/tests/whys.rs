use coord_plan::plan::*;

use super::bench::Bench;
use super::draft::{Draft, retry};
use crate::{Input, Reason, RunStatus, is_blocked, reasons, why};

#[test]
fn every_way_of_being_blocked_has_its_reason() {
    let mut draft = Draft::new();
    let one = draft.agent("one", 1, Driver::Shell);
    let gpu = draft.resource("gpu", 1);
    let a = draft.task("a", |task| {
        task.by = By::All(vec![one]);
        task.uses = vec![(gpu, 1)];
    });
    let b = draft.task("b", |task| {
        task.by = By::All(vec![one]);
        task.uses = vec![(gpu, 1)];
    });
    let claim = draft.exclude(a, b);
    let c = draft.task("c", |_| {});
    draft.after(c, &[b]);
    let d = draft.task("d", |task| task.retry = retry(1, 60_000));
    let mut bench = Bench::start(draft);
    bench.break_down(d);
    let of = |node| reasons(&bench.plan, &bench.state, node);
    assert_eq!(
        of(b),
        [
            Reason::Agent {
                agent: one,
                held_by: vec![a]
            },
            Reason::Resource {
                resource: gpu,
                wants: 1,
                free: 0,
                held_by: vec![a]
            },
            Reason::Claim {
                claim,
                held_by: vec![a]
            },
        ]
    );
    let need = Reason::Need {
        need: 0,
        on: vec![b],
        wanted: Wanted::Done,
        due_ms: None,
    };
    assert_eq!(of(c), [need]);
    assert_eq!(of(d), [Reason::Backoff { until_ms: 61_000 }]);
    assert_eq!(
        of(a),
        [Reason::AtWork {
            attempt: 1,
            since_ms: Some(1_000)
        }]
    );
    assert!(is_blocked(&bench.plan, &bench.state, c) && !is_blocked(&bench.plan, &bench.state, a));
}

#[test]
fn a_chain_leads_to_its_root() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    let c = draft.task("c", |_| {});
    draft.after(b, &[a]);
    draft.after(c, &[b]);
    let mut bench = Bench::start(draft);
    bench.break_down(a);
    let why = why(&bench.plan, &bench.state, c);
    let chain: Vec<_> = why.nodes.iter().map(|explained| explained.node).collect();
    assert_eq!(chain, [c, b, a]);
    assert!(
        why.roots().any(|(explained, reason)| {
            explained.node == a && matches!(reason, Reason::Ended(_))
        })
    );
}

#[test]
fn a_stopping_run_says_so() {
    let mut draft = Draft::new();
    let a = draft.task("a", |_| {});
    let b = draft.task("b", |_| {});
    draft.after(b, &[a]);
    let mut bench = Bench::start(draft);
    bench.give(Input::Stop { by: None });
    let of = reasons(&bench.plan, &bench.state, b);
    assert_eq!(
        of[0],
        Reason::Run {
            status: RunStatus::Draining
        }
    );
}

#[test]
fn a_very_long_chain_is_cut_and_said_to_be() {
    let mut draft = Draft::new();
    let nodes: Vec<_> = (0..1_000)
        .map(|i| draft.task(&format!("t{i}"), |_| {}))
        .collect();
    nodes
        .windows(2)
        .for_each(|pair| draft.after(pair[1], &[pair[0]]));
    let state = crate::State::new(&draft.plan);
    let why = why(&draft.plan, &state, nodes[999]);
    assert!(why.cut && why.nodes.len() == 200);
}
