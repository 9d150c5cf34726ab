//! What the other generators leave out, put on a random plan: workflows that are called, phases,
//! windows of the calendar, work done apart, health, metrics of every source, conflicts that are
//! found, and reactions to everything.

use coord_lang::expr::{Comparison, Expr, Subject, Value};
use coord_lang::ids::*;
use coord_lang::model::{Builtin, Period};
use coord_plan::plan::*;
use coord_plan::rules::*;

use super::course::BEGIN_MS;
use super::draft::{approval, program};
use super::rules::{random_chain, random_chains, random_party};
use crate::simulation::Dice;

/// Puts the rest of the language on a plan.
pub(super) fn widen(plan: &mut Plan, dice: &mut Dice) {
    called_workflow(plan, dice);
    calls(plan, dice);
    phases(plan, dice);
    calendar(plan, dice);
    agents(plan, dice);
    tasks(plan, dice);
    gates(plan, dice);
    coordination(plan, dice);
    metrics(plan, dice);
    for _ in 0..dice.below(5) {
        let reaction = reaction(plan, dice);
        plan.rules.reactions.push(reaction);
    }
}

fn workflow(name: &str, params: Vec<(String, Option<String>)>) -> Workflow {
    Workflow {
        name: name.into(),
        title: None,
        params,
        param_ids: vec![],
        every: None,
    }
}

/// A workflow that calls nothing, of one to three tasks one after the other.
fn called_workflow(plan: &mut Plan, dice: &mut Dice) {
    let param = ("what".to_string(), Some("nothing".to_string()));
    let called = plan.workflows.push(workflow("called", vec![param]));
    let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
    let mut before: Option<NodeId> = None;
    for i in 0..1 + dice.below(3) {
        let like = tasks[dice.below(tasks.len() as u64) as usize];
        let mut node = plan.nodes[like].clone();
        node.name = format!("called{i}");
        node.workflow = Some(called);
        node.wants.clear();
        node.needs.clear();
        node.needs.extend(before.map(|on| Need {
            on,
            or: vec![],
            wanted: Wanted::Done,
            within: None,
            origin: Origin::Sequence,
        }));
        if let NodeKind::Task(task) = &mut node.kind {
            // what it looks at may be of another workflow
            task.when = None;
        }
        let id = plan.nodes.push(node);
        plan.order.push(id);
        before = Some(id);
    }
}

/// Tasks of the entry that are the work of a workflow, and tasks of one workflow that are the work
/// of the other.
fn calls(plan: &mut Plan, dice: &mut Dice) {
    let (starts, called) = (WorkflowId(0), WorkflowId(1));
    for (_, node) in plan.nodes.iter_mut() {
        let callee = match node.workflow {
            None if dice.percent(60) => called,
            None => starts,
            Some(of) if of == starts => called,
            Some(_) => continue,
        };
        let NodeKind::Task(task) = &mut node.kind else {
            continue;
        };
        if !dice.percent(12) {
            continue;
        }
        task.by = By::All(vec![]);
        task.program = None;
        let more = task.more.get_or_insert_default();
        let arguments = match callee == called {
            true => vec![("what".to_string(), "something".to_string())],
            false => vec![],
        };
        more.call = Some((callee, arguments));
    }
}

fn phases(plan: &mut Plan, dice: &mut Dice) {
    let own: Vec<NodeId> = (plan.nodes.iter())
        .filter(|(_, node)| node.workflow.is_none())
        .map(|(id, _)| id)
        .collect();
    if own.is_empty() {
        return;
    }
    for i in 0..dice.below(3) {
        let pick = |dice: &mut Dice| own[dice.below(own.len() as u64) as usize];
        let end = pick(dice);
        let open = dice.percent(60).then(|| pick(dice));
        let phase = plan.phases.push(Phase {
            name: format!("p{i}"),
            title: None,
            open: open.filter(|open| open.0 < end.0),
            end,
            window_ms: None,
            workflow: None,
        });
        plan.nodes[end].phase = Some(phase);
    }
}

/// Some may not begin before their time, and some are due.
fn calendar(plan: &mut Plan, dice: &mut Dice) {
    if dice.percent(30) {
        plan.origin_ms = Some(dice.below(100_000) as i64);
    }
    for (_, node) in plan.nodes.iter_mut() {
        if dice.percent(10) {
            node.not_before_ms = Some(BEGIN_MS + dice.below(60_000) as i64);
        }
        if let NodeKind::Task(task) = &mut node.kind {
            task.deadline_ms = (dice.percent(15)).then(|| BEGIN_MS + dice.below(90_000) as i64);
        }
    }
    for (_, workflow) in plan.workflows.iter_mut() {
        if workflow.every.is_some() && dice.percent(30) {
            let period = [Period::Day, Period::WorkingDay, Period::Month];
            workflow.every = Some(Every {
                period: period[dice.below(3) as usize].clone(),
                at: Some((9 * 3_600, "UTC".into())),
            });
        }
    }
}

fn agents(plan: &mut Plan, dice: &mut Dice) {
    for (_, agent) in plan.agents.iter_mut() {
        if agent.driver == Driver::Shell && agent.name == "worker" && dice.percent(50) {
            agent.driver = match dice.below(4) {
                0 => Driver::Http("http://localhost/".into()),
                1 => Driver::Acp(vec!["agent".into()]),
                2 => Driver::A2a("http://localhost/".into()),
                _ => Driver::Remote("worker".into()),
            };
        }
        if let Some(profile) = &mut agent.profile {
            profile.health = dice.percent(20).then(|| Health {
                program: program(),
                every_ms: 1_000 + dice.below(10_000) as i64,
            });
        }
    }
}

fn tasks(plan: &mut Plan, dice: &mut Dice) {
    for (_, node) in plan.nodes.iter_mut() {
        let NodeKind::Task(task) = &mut node.kind else {
            continue;
        };
        if dice.percent(30) {
            let paths = ["src/a/**", "src/**", "docs/x.md"];
            let path = paths[dice.below(3) as usize];
            task.writes.push(path.into());
            task.more.get_or_insert_default().isolate = dice.percent(50);
        }
        if let Some(more) = &mut task.more {
            more.criticality = dice.percent(20).then(|| "critical".into());
        }
        for approval in &mut task.approvals {
            escalates(&mut approval.within, dice);
        }
    }
    for (_, node) in plan.nodes.iter_mut() {
        if let NodeKind::Sync(sync) = &mut node.kind {
            escalates(&mut sync.within, dice);
        }
    }
}

/// What is not there in time goes to a ladder.
fn escalates(limit: &mut Option<Limit>, dice: &mut Dice) {
    if let Some(limit) = limit
        && dice.percent(40)
    {
        limit.otherwise = Otherwise::Escalate;
        limit.also = vec![Action::Escalate {
            to: EscalationId(dice.below(2) as u32),
            level: None,
        }];
    }
}

fn gates(plan: &mut Plan, dice: &mut Dice) {
    for (_, gate) in plan.gates.iter_mut() {
        if dice.percent(40) {
            gate.on_fail_do = random_chain(dice);
        }
        for approval in &mut gate.approvals {
            escalates(&mut approval.within, dice);
        }
    }
}

fn coordination(plan: &mut Plan, dice: &mut Dice) {
    let kinds = ["ownership", "resource", "priority"];
    for (kind, (_, conflict)) in kinds.iter().zip(plan.rules.conflicts.iter_mut()) {
        if dice.percent(40) {
            conflict.kind = kind.to_string();
        }
    }
    for (_, domain) in plan.rules.domains.iter_mut() {
        let mut party = || dice.percent(50).then(|| random_party(dice));
        domain.lead = party();
        domain.reviewers = party();
        domain.may_halt = party();
        domain.approvals = vec![approval(1, &[AgentId(3)])];
    }
    for (_, incident) in plan.rules.incidents.iter_mut() {
        if dice.percent(30) {
            incident.declare = Some(random_party(dice));
        }
    }
    for (_, sync) in plan.rules.recurring.iter_mut() {
        if dice.percent(30) {
            sync.every = Some(Every {
                period: Period::Weekdays(vec![1, 4]),
                at: Some((9 * 3_600, "UTC".into())),
            });
        }
    }
}

fn metrics(plan: &mut Plan, dice: &mut Dice) {
    let mut add = |name: &str, from: MetricSource| {
        plan.rules.metrics.push(Metric {
            name: name.into(),
            title: None,
            target: None,
            from,
            unit: None,
        });
    };
    for (name, _) in Builtin::ALL {
        if dice.percent(25) {
            add(name, MetricSource::Builtin(name.to_string()));
        }
    }
    if dice.percent(30) {
        add("found", MetricSource::Run(program()));
    }
    if dice.percent(30) {
        add("said", MetricSource::Person(vec![AgentId(3), AgentId(4)]));
    }
}

fn reaction(plan: &Plan, dice: &mut Dice) -> Reaction {
    let node = NodeId(dice.below(plan.nodes.len() as u64) as u32);
    let task = plan.task(node).map(|_| node);
    let on = match dice.below(12) {
        0 => Happening::ResourceExhausted(dice.percent(50).then_some(ResourceId(0))),
        1 => Happening::EscalationOpen(dice.percent(50).then_some(EscalationId(0))),
        2 => Happening::RunStarted,
        3 => Happening::ChangeMade(vec!["src/**".into()]),
        4 => Happening::TaskFailed(task),
        5 => Happening::TaskBlocked(task),
        6 => Happening::TaskLate(task),
        7 => Happening::AgentFailed(Some(AgentId(dice.below(6) as u32))),
        8 => Happening::ConflictOpen(Some(ConflictId(dice.below(3) as u32))),
        9 => Happening::IncidentOpen(Some(IncidentId(0))),
        10 if !plan.gates.is_empty() => Happening::GateFailed(Some(GateId(0))),
        _ => Happening::Metric {
            metric: MetricId(dice.below(plan.rules.metrics.len() as u64) as u32),
            op: Comparison::Less,
            value: Value::Percent(50_000),
        },
    };
    let mut actions = random_chains(dice);
    if dice.percent(30) {
        let arguments = vec![("what".to_string(), "a failure".to_string())];
        actions.push(vec![Action::Start {
            workflow: WorkflowId(1),
            arguments,
        }]);
    }
    if dice.percent(10) {
        actions.push(vec![Action::Warn, Action::Continue]);
    }
    Reaction {
        on,
        for_ms: dice.percent(30).then(|| dice.below(6_000) as i64),
        when: dice.percent(40).then(|| condition(dice)),
        because: None,
        actions,
    }
}

fn condition(dice: &mut Dice) -> Expr {
    let (subject, value) = match dice.below(5) {
        0 => (Subject::AgentsFailed, Value::Int(1)),
        1 => (Subject::TaskPriority, Value::Text("P1".into())),
        2 => (Subject::TaskCriticality, Value::Text("critical".into())),
        3 => (Subject::ConflictKind, Value::Text("resource".into())),
        _ => (Subject::IncidentLevel, Value::Text("P0".into())),
    };
    let compare = Expr::Compare {
        op: if subject == Subject::AgentsFailed {
            Comparison::GreaterOrEqual
        } else {
            Comparison::Equal
        },
        left: Box::new(Expr::Subject(subject)),
        right: Box::new(Expr::Literal(value)),
    };
    match dice.percent(30) {
        true => Expr::Not(Box::new(compare)),
        false => compare,
    }
}
