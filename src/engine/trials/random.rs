//! Random plans, directly as values.

use coord_lang::expr::{Comparison, Expr, Value};
use coord_lang::ids::{AgentId, GateId, NodeId, TaskId};
use coord_plan::plan::*;

use super::draft::{Draft, approval, limit, run};
use crate::simulation::Dice;

pub fn random_plan(dice: &mut Dice) -> Plan {
    random_draft(dice, true).plan
}

/// A plan whose course does not depend on when things happen.
pub fn timeless_plan(dice: &mut Dice, idempotent: Option<bool>) -> Plan {
    let mut plan = random_draft(dice, false).plan;
    for (_, node) in plan.nodes.iter_mut() {
        if let (NodeKind::Task(task), Some(idempotent)) = (&mut node.kind, idempotent) {
            task.idempotent = idempotent;
        }
    }
    plan
}

fn random_draft(dice: &mut Dice, timely: bool) -> Draft {
    let mut draft = Draft::new();
    draft.agent("shell", 1 + dice.below(3) as u32, Driver::Shell);
    draft.agent("worker", 1, Driver::Shell);
    for name in ["ann", "bob", "cid"] {
        draft.human(name);
    }
    draft.resource("gpu", 1 + dice.below(3) as u32);
    draft.resource("disk", 1 + dice.below(2) as u32);
    draft.plan.parallel = dice.percent(30).then(|| 1 + dice.below(4) as u32);
    draft.plan.stop_on_failure = timely && dice.percent(10);
    for _ in 0..dice.below(4) {
        random_gate(&mut draft, dice, timely);
    }
    let tasks = 1 + dice.below(20) as u32;
    (0..tasks).for_each(|i| random_task(&mut draft, dice, i, timely));
    (0..dice.below(3)).for_each(|i| random_sync(&mut draft, dice, i, timely));
    for i in 0..dice.below(3) {
        draft.milestone(&format!("m{i}"));
    }
    for i in 0..dice.below(2) {
        draft.join(&format!("j{i}"));
    }
    random_edges(&mut draft, dice, timely);
    for _ in 0..dice.below(4) {
        let (a, b) = (
            dice.below(tasks.into()) as u32,
            dice.below(tasks.into()) as u32,
        );
        if a != b {
            draft.exclude(NodeId(a), NodeId(b));
        }
    }
    draft
}

fn random_gate(draft: &mut Draft, dice: &mut Dice, timely: bool) {
    let checks = (0..dice.below(3))
        .map(|_| match dice.below(4) {
            0 => Evidence::Person(random_people(dice)),
            1 => Evidence::Exists("x".into()),
            2 => Evidence::When(Expr::Literal(Value::Bool(!dice.percent(15)))),
            _ => run(),
        })
        .collect();
    let on_fail = match dice.below(3) {
        0 => GateFailure::Halt,
        1 => GateFailure::Warn,
        _ => GateFailure::Retry(dice.below(3) as u32),
    };
    let approvals = (0..dice.below(2))
        .map(|_| random_approval(dice, timely))
        .collect();
    draft.gate(checks, approvals, on_fail);
}

fn random_people(dice: &mut Dice) -> Vec<AgentId> {
    (3..6).filter(|_| dice.percent(60)).map(AgentId).collect()
}

fn random_approval(dice: &mut Dice, timely: bool) -> Approval {
    let quorum = 1 + dice.below(2) as u32;
    let of: Vec<AgentId> = if dice.percent(30) {
        vec![]
    } else {
        (3..6).map(AgentId).collect()
    };
    let within = random_limit(dice, timely);
    Approval {
        within,
        ..approval(quorum, &of)
    }
}

fn random_limit(dice: &mut Dice, timely: bool) -> Option<Limit> {
    let otherwise = match dice.below(4) {
        0 => Otherwise::Fail,
        1 => Otherwise::Skip,
        2 => Otherwise::Proceed,
        _ => Otherwise::Halt,
    };
    let ms = 1 + dice.below(9_000) as i64;
    (timely && dice.percent(30))
        .then(|| limit(ms, otherwise))
        .flatten()
}

fn random_task(draft: &mut Draft, dice: &mut Dice, i: u32, timely: bool) {
    let gates = draft.plan.gates.len() as u64;
    let gate =
        |dice: &mut Dice| (gates > 0 && dice.percent(20)).then(|| GateId(dice.below(gates) as u32));
    draft.task(&format!("t{i}"), |task| {
        task.by = match dice.below(6) {
            0 => By::All(vec![AgentId(1)]),
            1 => By::All(vec![AgentId(1), AgentId(2)]),
            2 => By::Any(vec![AgentId(1), AgentId(2)]),
            3 => By::All(vec![AgentId(3 + dice.below(3) as u32)]),
            _ => By::All(vec![AgentId(0)]),
        };
        if task.by.agents()[0].0 >= 3 {
            task.program = None;
        }
        task.priority = dice.below(4) as u8;
        if dice.percent(25) {
            task.uses.push((coord_lang::ids::ResourceId(0), 1));
        }
        if dice.percent(15) {
            task.uses.push((coord_lang::ids::ResourceId(1), 1));
        }
        task.requires.extend(gate(dice));
        task.ensures.extend(gate(dice));
        if dice.percent(15) {
            task.approvals.push(random_approval(dice, timely));
        }
        task.timeout_ms = (timely && dice.percent(20)).then(|| 1 + dice.below(4_000) as i64);
        task.retry = dice.percent(40).then(|| random_retry(dice));
        task.idempotent = dice.percent(50);
        task.on_fail = match dice.below(8) {
            0 => OnFail::Skip,
            1 if timely => OnFail::Halt,
            _ => OnFail::Block,
        };
        if i > 0 && dice.percent(15) {
            task.when = Some(random_condition(dice, i));
        }
    });
}

fn random_retry(dice: &mut Dice) -> Retry {
    Retry {
        times: dice.below(4) as u32,
        every_ms: dice.below(2_000) as i64,
        factor_milli: 1_000 + dice.below(1_500) as i64,
        up_to_ms: 5_000,
        on_exit: if dice.percent(30) { vec![75] } else { vec![] },
        on_timeout: dice.percent(30),
    }
}

/// About a task that this one needs too, see `random_edges`.
fn random_condition(dice: &mut Dice, i: u32) -> Expr {
    Expr::Compare {
        op: Comparison::Less,
        left: Box::new(Expr::Output {
            task: TaskId(i - 1),
            name: "n".into(),
        }),
        right: Box::new(Expr::Literal(Value::Int(dice.below(10) as i64))),
    }
}

fn random_sync(draft: &mut Draft, dice: &mut Dice, i: u64, timely: bool) {
    let gates = draft.plan.gates.len() as u64;
    draft.sync(&format!("s{i}"), |sync| {
        sync.participants = random_people(dice);
        for n in 0..dice.below(3) {
            sync.requires.push(Requirement {
                text: format!("r{n}"),
                by: random_people(dice),
            });
        }
        if gates > 0 && dice.percent(40) {
            sync.gates.push(GateId(dice.below(gates) as u32));
        }
        sync.within = random_limit(dice, timely);
    });
}

/// Edges from higher numbers to lower ones only, so that there is no cycle.
fn random_edges(draft: &mut Draft, dice: &mut Dice, timely: bool) {
    for i in 1..draft.plan.nodes.len() as u32 {
        let node = NodeId(i);
        for _ in 0..dice.below(3) {
            let on = NodeId(dice.below(i.into()) as u32);
            let wanted = match dice.below(16) {
                0 => Wanted::Failed,
                1 => Wanted::Finished,
                2 => Wanted::Skipped,
                _ => Wanted::Done,
            };
            let or = dice
                .percent(15)
                .then(|| NodeId(dice.below(i.into()) as u32));
            let within = random_limit(dice, timely);
            let need = draft.need(node, on, wanted);
            need.within = within.map(Box::new);
            need.or = or.filter(|or| *or != on).into_iter().collect();
        }
        if timely && dice.percent(15) {
            let on = NodeId(dice.below(i.into()) as u32);
            draft.want(node, on, dice.below(5_000) as i64);
        }
        if draft
            .plan
            .task(node)
            .is_some_and(|task| task.when.is_some())
        {
            draft.need(node, NodeId(i - 1), Wanted::Finished);
        }
    }
}
