//! Random rules of every kind on top of random plans.

use coord_lang::expr::{Comparison, Value};
use coord_lang::ids::*;
use coord_plan::plan::*;
use coord_plan::rules::*;

use super::breadth::widen;
use super::draft::program;
use super::random::random_plan;
use crate::simulation::Dice;

/// A random plan with rules of every kind, and a workflow beside the entry.
pub fn ruled_plan(dice: &mut Dice) -> Plan {
    let mut plan = random_plan(dice);
    sleep_some(&mut plan, dice);
    for id in plan.agents.ids().collect::<Vec<_>>() {
        let standby = AgentId(dice.below(plan.agents.len() as u64) as u32);
        plan.agents[id].profile = Some(Box::new(Profile {
            standby: if standby == id { vec![] } else { vec![standby] },
            skills: if dice.percent(50) {
                vec!["s".into()]
            } else {
                vec![]
            },
            ..Profile::default()
        }));
    }
    plan.rules.modes.push(Mode {
        name: "safe-mode".into(),
        title: None,
        enter: (0..dice.below(3)).map(|_| program()).collect(),
        exit: (0..dice.below(2)).map(|_| program()).collect(),
        restart: dice.percent(50).then(|| 1 + dice.below(2) as u32),
        cancels: dice.percent(50),
    });
    for i in 0..2 {
        let ladder = random_ladder(dice, i);
        plan.rules.escalations.push(ladder);
    }
    for i in 0..3 {
        let conflict = random_conflict(dice, i);
        plan.rules.conflicts.push(conflict);
    }
    for i in 0..2 {
        plan.rules.incidents.push(Incident {
            name: format!("P{i}"),
            title: None,
            priority: i,
            respond: Some(Span {
                ms: 1 + dice.below(9_000) as i64,
                working: false,
            }),
            declare: None,
            lead: Some(random_party(dice)),
            requires: dice.percent(50).then(|| random_party(dice)),
            confirms: (0..dice.below(2))
                .map(|n| (format!("c{n}"), None))
                .collect(),
            start: dice.percent(50).then_some(WorkflowId(0)),
            preempts: dice.percent(50),
            actions: random_chains(dice),
        });
    }
    plan.rules.handoffs.push(Handoff {
        name: "h".into(),
        title: None,
        requires: (0..dice.below(3))
            .map(|n| (format!("r{n}"), n % 2 == 1))
            .collect(),
        checks: vec![],
        fields: vec![],
        accept_within_ms: dice.percent(60).then(|| 1 + dice.below(9_000) as i64),
        accept_otherwise: if dice.percent(60) {
            random_chain(dice)
        } else {
            vec![]
        },
        format: None,
    });
    plan.rules.domains.push(Domain {
        name: "d".into(),
        title: None,
        lead: None,
        support: None,
        reviewers: None,
        approvals: vec![],
        may_halt: None,
        paths: vec![],
        record: None,
    });
    plan.rules.metrics.push(Metric {
        name: "m".into(),
        title: None,
        target: None,
        from: MetricSource::Person(vec![]),
        unit: None,
    });
    plan.rules.recurring.push(Recurring {
        name: "daily".into(),
        title: None,
        every: Some(Every {
            period: Period::Elapsed(2_000 + dice.below(20_000) as i64),
            at: None,
        }),
        participants: vec![AgentId(3)],
        requires: vec![Requirement {
            text: "fine".into(),
            by: vec![],
        }],
        agenda: vec![],
        within: None,
        via: None,
    });
    for _ in 0..dice.below(6) {
        let reaction = random_reaction(dice);
        plan.rules.reactions.push(reaction);
    }
    for_tasks(&mut plan, dice);
    widen(&mut plan, dice);
    plan
}

/// The last tasks belong to a workflow of their own, with edges among themselves only.
fn sleep_some(plan: &mut Plan, dice: &mut Dice) {
    plan.workflows.push(coord_plan::plan::Workflow {
        name: "w".into(),
        title: None,
        params: vec![],
        param_ids: vec![],
        every: dice.percent(20).then_some(Every {
            period: Period::Elapsed(3_000),
            at: None,
        }),
    });
    let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
    let asleep = tasks.len() / 4;
    let last = tasks[tasks.len() - asleep..].to_vec();
    let is_asleep = |id: &NodeId| last.contains(id);
    for id in plan.nodes.ids().collect::<Vec<_>>() {
        let own = is_asleep(&id);
        let node = &mut plan.nodes[id];
        node.workflow = own.then_some(WorkflowId(0));
        node.needs
            .retain(|n| n.nodes().all(|on| is_asleep(&on) == own));
        node.wants.retain(|w| is_asleep(&w.on) == own);
        if let NodeKind::Task(task) = &mut node.kind
            && task.when.is_some()
        {
            // it looks at the task before it, which may be of the other side
            task.when = None;
        }
    }
}

pub(super) fn random_party(dice: &mut Dice) -> Party {
    let roles = [
        Role::Owner,
        Role::Owners,
        Role::Affected,
        Role::Lead,
        Role::Decider,
    ];
    match dice.below(4) {
        0 => Party {
            roles: vec![roles[dice.below(roles.len() as u64) as usize]],
            ..Party::default()
        },
        1 => Party {
            everybody: true,
            ..Party::default()
        },
        _ => Party {
            agents: (3..6).filter(|_| dice.percent(60)).map(AgentId).collect(),
            ..Party::default()
        },
    }
}

fn random_levels(dice: &mut Dice) -> Vec<Level> {
    (0..dice.below(4))
        .map(|i| Level {
            name: format!("L{i}"),
            title: None,
            by: random_party(dice),
            quorum: 1 + dice.below(2) as u32,
            within_ms: (dice.percent(85)).then(|| 1 + dice.below(9_000) as i64),
            actions: if dice.percent(20) {
                random_chains(dice)
            } else {
                vec![]
            },
        })
        .collect()
}

fn random_last(dice: &mut Dice) -> Ending {
    match dice.below(3) {
        0 => Ending::Halt,
        1 => Ending::Fail,
        _ => Ending::Enter(ModeId(0)),
    }
}

fn random_ladder(dice: &mut Dice, i: u64) -> Escalation {
    Escalation {
        name: format!("e{i}"),
        title: None,
        levels: random_levels(dice),
        sla_ms: dice.percent(30).then(|| 1 + dice.below(20_000) as i64),
        otherwise: random_last(dice),
    }
}

fn random_conflict(dice: &mut Dice, i: u64) -> Conflict {
    let levels = if dice.percent(40) {
        random_levels(dice)
    } else {
        vec![]
    };
    Conflict {
        kind: format!("k{i}"),
        title: None,
        owner: dice.percent(40).then(|| random_party(dice)),
        reviewers: dice.percent(40).then(|| random_party(dice)),
        consensus: dice.percent(20).then(|| 1 + dice.below(3) as u32),
        decide: dice.percent(40).then(|| Decision {
            by: random_party(dice),
            within_ms: dice.percent(70).then(|| 1 + dice.below(9_000) as i64),
        }),
        levels,
        escalate_after_ms: dice.percent(40).then(|| dice.below(9_000) as i64),
        escalate_to: dice.percent(50).then(|| EscalationId(dice.below(2) as u32)),
        otherwise: random_last(dice),
        actions: if dice.percent(20) {
            random_chains(dice)
        } else {
            vec![]
        },
    }
}

pub(super) fn random_chains(dice: &mut Dice) -> Vec<Chain> {
    (0..dice.below(3)).map(|_| random_chain(dice)).collect()
}

pub(super) fn random_chain(dice: &mut Dice) -> Chain {
    (0..1 + dice.below(2))
        .map(|_| random_action(dice))
        .collect()
}

fn random_action(dice: &mut Dice) -> Action {
    match dice.below(20) {
        0 | 1 => Action::Notify {
            who: random_party(dice),
            via: None,
        },
        2 | 3 => Action::Escalate {
            to: EscalationId(dice.below(2) as u32),
            level: dice.percent(20).then_some(1),
        },
        4 | 5 => Action::Retry(Some(1 + dice.below(2) as u32)),
        6 => Action::Reassign(dice.percent(50).then(|| AgentId(dice.below(6) as u32))),
        7 => Action::Isolate,
        8 => Action::Redistribute,
        9 => Action::Recover(program()),
        10 => Action::Rollback,
        11 | 12 => Action::Start {
            workflow: WorkflowId(0),
            arguments: vec![],
        },
        13 if dice.percent(30) => Action::Halt,
        14 => Action::Enter(ModeId(0)),
        15 | 16 => Action::Leave(ModeId(0)),
        17 => Action::SetPriority(dice.below(4) as u8),
        18 if dice.percent(50) => Action::Fail,
        18 => Action::Skip,
        19 => Action::Proceed,
        _ => Action::Record("noted".into()),
    }
}

fn random_reaction(dice: &mut Dice) -> Reaction {
    let on = match dice.below(14) {
        0 | 1 => Happening::TaskFailed(None),
        2 => Happening::TaskBlocked(None),
        3 => Happening::TaskLate(None),
        4 => Happening::TaskStalled(None),
        5 => Happening::TaskCompleted(dice.percent(50).then_some(NodeId(0))),
        6 => Happening::AgentFailed(None),
        7 => Happening::AgentBlocked(None),
        8 => Happening::ConflictOpen(None),
        9 => Happening::GateFailed(None),
        10 => Happening::ApprovalWaiting,
        11 => Happening::IncidentOpen(None),
        12 => Happening::RunFinished,
        _ => Happening::Metric {
            metric: MetricId(0),
            op: Comparison::Greater,
            value: Value::Int(3),
        },
    };
    Reaction {
        on,
        for_ms: dice.percent(40).then(|| dice.below(6_000) as i64),
        when: None,
        because: None,
        actions: random_chains(dice),
    }
}

fn for_tasks(plan: &mut Plan, dice: &mut Dice) {
    let ms = |ms: u64| Span {
        ms: ms as i64,
        working: false,
    };
    for (_, node) in plan.nodes.iter_mut() {
        let NodeKind::Task(task) = &mut node.kind else {
            continue;
        };
        if dice.percent(60) {
            let high = 1 + dice.below(4_000);
            task.estimate = Some(Estimate {
                low: ms(0),
                likely: ms(high / 2),
                high: ms(high),
            });
        }
        task.more = Some(Box::new(TaskRules {
            undo: dice.percent(40).then(program),
            handoff: dice.percent(25).then_some(HandoffId(0)),
            domain: dice.percent(25).then_some(DomainId(0)),
            on_fail: if dice.percent(20) {
                random_chain(dice)
            } else {
                vec![]
            },
            ..TaskRules::default()
        }));
        for need in node.needs.iter_mut() {
            if let Some(limit) = &mut need.within
                && dice.percent(50)
            {
                limit.otherwise = Otherwise::Escalate;
                limit.also = vec![Action::Escalate {
                    to: EscalationId(0),
                    level: None,
                }];
            }
        }
    }
}
