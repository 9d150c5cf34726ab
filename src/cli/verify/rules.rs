//! What needs no exploring: defects that are there in every course.

use super::finding::{At, Finding};
use coord_lang::expr::Expr;
use coord_lang::ids::{AgentId, EscalationId, GateId, Id, ModeId, NodeId, WorkflowId};
use coord_plan::plan::{
    Approval, By, Driver, Evidence, Node, NodeKind, OnFail, Plan, Task, Wanted,
};
use coord_plan::rules::{Action, Chain, Happening, Level, Party};
use std::collections::BTreeSet;

pub(super) fn findings(plan: &Plan) -> Vec<Finding> {
    let mut found = Vec::new();
    approvals(plan, &mut found);
    ladders(plan, &mut found);
    same_again(plan, &mut found);
    who_failed(plan, &mut found);
    gate_circles(plan, &mut found);
    let reach = Reach::of(plan);
    never_starts(plan, &reach, &mut found);
    workflows(plan, &reach, &mut found);
    found
}

fn names(plan: &Plan, agents: &[AgentId]) -> String {
    let names: Vec<String> = agents
        .iter()
        .map(|agent| format!("`{}`", plan.agents[*agent].name))
        .collect();
    match names.split_last() {
        None => "nobody".to_string(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Approvals that nobody may give: whoever could does the work.
fn approvals(plan: &Plan, out: &mut Vec<Finding>) {
    for (id, node, task) in plan.tasks() {
        for approval in &task.approvals {
            let what = format!("the approval of `{}`", node.name);
            approval_of(plan, id, task, approval, &what, At::Node(id), out);
        }
        for gate in task.requires.iter().chain(&task.ensures) {
            for approval in &plan.gates[*gate].approvals {
                let what = format!(
                    "the approval of gate `{}` for `{}`",
                    plan.gates[*gate].name, node.name
                );
                approval_of(plan, id, task, approval, &what, At::Gate(*gate), out);
            }
        }
    }
}

fn approval_of(
    plan: &Plan,
    node: NodeId,
    task: &Task,
    approval: &Approval,
    what: &str,
    at: At,
    out: &mut Vec<Finding>,
) {
    if approval.of.is_empty() {
        return;
    }
    // whoever certainly does it: all of a team, or the only one there is
    let doers: &[AgentId] = match &task.by {
        By::All(all) => all,
        By::Any(any) if any.len() == 1 => any,
        By::Any(_) => &[],
    };
    let may = approval.of.iter().filter(|agent| !doers.contains(agent));
    let may = may.count() as u32;
    let needed = approval.quorum.max(1);
    if may >= needed || approval.of.len() < needed as usize {
        return;
    }
    let who = names(plan, &approval.of);
    let name = &plan.nodes[node].name;
    let message = match may {
        0 => format!("{what} can be given by nobody: {who} may, and does `{name}` itself"),
        n => format!(
            "{what} can be given by nobody: it takes {needed} of {who}, and only {n} of them does not do `{name}` itself"
        ),
    };
    out.push(Finding::new("approval", message, at));
}

/// A rung that waits for ever keeps those behind it from being asked.
fn ladders(plan: &Plan, out: &mut Vec<Finding>) {
    for (id, ladder) in plan.rules.escalations.iter() {
        gap(
            &format!("ladder `{}`", ladder.name),
            &ladder.levels,
            None,
            At::Ladder(id),
            out,
        );
    }
    for (id, conflict) in plan.rules.conflicts.iter() {
        let what = format!("conflict `{}`", conflict.kind);
        gap(
            &what,
            &conflict.levels,
            conflict.escalate_after_ms,
            At::Conflict(id),
            out,
        );
    }
}

fn gap(what: &str, levels: &[Level], usual_ms: Option<i64>, at: At, out: &mut Vec<Finding>) {
    for (i, level) in levels.iter().enumerate() {
        let Some(next) = levels.get(i + 1) else { break };
        if level.within_ms.or(usual_ms).is_none() {
            let message = format!(
                "{what} never comes to `{}`: `{}` before it has no time limit",
                next.name, level.name
            );
            out.push(Finding::new("ladder gap", message, at.level(i)));
        }
    }
}

/// Ladders that ask only those who did not answer in time.
fn same_again(plan: &Plan, out: &mut Vec<Finding>) {
    let mut ask = |chain: &Chain, silent: &[AgentId], what: String, at: At| {
        if silent.is_empty() {
            return;
        }
        for (ladder, from) in opened(chain) {
            let of = &plan.rules.escalations[ladder];
            let asks = from.map_or(of.levels.as_slice(), |from| {
                of.levels.get(from as usize..).unwrap_or_default()
            });
            if reaches_only(asks, silent) {
                let who = names(plan, silent);
                let name = &of.name;
                let message = format!(
                    "when {what} is not answered in time, ladder `{name}` asks nobody else: it reaches only {who}, who did not answer"
                );
                out.push(Finding::new("ladder", message, at.clone()));
            }
        }
    };
    for (id, node, task) in plan.tasks() {
        for approval in &task.approvals {
            if let Some(limit) = &approval.within {
                let what = format!("the approval of `{}`", node.name);
                ask(&limit.also, &approval.of, what, At::Node(id));
            }
        }
    }
    for (id, gate) in plan.gates.iter() {
        for approval in &gate.approvals {
            if let Some(limit) = &approval.within {
                let what = format!("the approval of gate `{}`", gate.name);
                ask(&limit.also, &approval.of, what, At::Gate(id));
            }
        }
    }
    for (id, node) in plan.nodes.iter() {
        let NodeKind::Sync(sync) = &node.kind else {
            continue;
        };
        let mut of: Vec<AgentId> = Vec::new();
        for requirement in &sync.requires {
            of.extend(&requirement.by);
        }
        let anybody = sync.requires.iter().any(|r| r.by.is_empty());
        if let Some(limit) = sync
            .within
            .as_ref()
            .filter(|_| !anybody && sync.gates.is_empty())
        {
            of.sort_unstable();
            of.dedup();
            ask(
                &limit.also,
                &of,
                format!("sync `{}`", node.name),
                At::Node(id),
            );
        }
    }
    for (id, conflict) in plan.rules.conflicts.iter() {
        let chain: Chain = conflict
            .escalate_to
            .map(|to| Action::Escalate { to, level: None })
            .into_iter()
            .collect();
        let decider = conflict.decide.as_ref().map(|decision| &decision.by);
        let decider = decider.filter(|party| party.roles.is_empty() && !party.everybody);
        if let Some(party) = decider.filter(|_| conflict.levels.is_empty()) {
            let what = format!("conflict `{}`", conflict.kind);
            ask(&chain, &party.agents, what, At::Conflict(id));
        }
    }
}

/// True when every rung asks some of these, and nobody else.
fn reaches_only(levels: &[Level], agents: &[AgentId]) -> bool {
    let known =
        |party: &Party| !party.everybody && party.roles.is_empty() && !party.agents.is_empty();
    let mut asked = levels.iter().flat_map(|level| &level.by.agents);
    !levels.is_empty()
        && levels.iter().all(|level| known(&level.by))
        && asked.all(|agent| agents.contains(agent))
}

/// Ladders that ask only those whose work failed. People may well decide about their own.
fn who_failed(plan: &Plan, out: &mut Vec<Finding>) {
    for (id, node, task) in plan.tasks() {
        let doers: &[AgentId] = match &task.by {
            By::All(all) => all,
            By::Any(any) if any.len() == 1 => any,
            By::Any(_) => continue,
        };
        let person = |agent: &AgentId| plan.agents[*agent].driver == Driver::Human;
        if doers.iter().any(person) {
            continue;
        }
        let own = task.more.iter().map(|more| &more.on_fail);
        let fails = plan.rules.reactions.iter();
        let fails = fails.filter(|rule| rule.on == Happening::TaskFailed(Some(id)));
        let chains = own.chain(fails.flat_map(|rule| &rule.actions));
        for (ladder, from) in chains.flat_map(|chain| opened(chain)) {
            let of = &plan.rules.escalations[ladder];
            let from = from.unwrap_or(0) as usize;
            let asks = of.levels.get(from..).unwrap_or_default();
            if reaches_only(asks, doers) {
                let message = format!(
                    "when `{}` fails, ladder `{}` reaches only those who failed: {}",
                    node.name,
                    of.name,
                    names(plan, doers)
                );
                out.push(Finding::new("ladder", message, At::Node(id)));
            }
        }
    }
}

/// The ladders that a chain opens, and from which rung.
fn opened(chain: &[Action]) -> impl Iterator<Item = (EscalationId, Option<u32>)> + '_ {
    chain.iter().filter_map(|action| match action {
        Action::Escalate { to, level } => Some((*to, *level)),
        _ => None,
    })
}

/// Gates each of which looks at work that waits for another of them.
fn gate_circles(plan: &Plan, out: &mut Vec<Finding>) {
    let mut told: BTreeSet<Vec<GateId>> = BTreeSet::new();
    for (gate, _) in plan.gates.iter() {
        let Some(circle) = circle(plan, gate) else {
            continue;
        };
        let mut same = circle.clone();
        same.sort_unstable();
        if !told.insert(same) {
            continue;
        }
        let of = |gate: &GateId| format!("`{}`", plan.gates[*gate].name);
        let row: Vec<String> = circle.iter().chain([&gate]).map(of).collect();
        let message = format!(
            "gates wait for each other: {}; each wants work to be done that waits for the next",
            row.join(" → ")
        );
        out.push(Finding::new("circular gates", message, At::Gate(gate)));
    }
}

/// The shortest way from a gate to itself.
fn circle(plan: &Plan, start: GateId) -> Option<Vec<GateId>> {
    let mut seen = BTreeSet::new();
    let mut todo = std::collections::VecDeque::from([vec![start]]);
    while let Some(way) = todo.pop_front() {
        for next in waits_for(plan, *way.last()?) {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                let mut longer = way.clone();
                longer.push(next);
                todo.push_back(longer);
            }
        }
    }
    None
}

/// The gates before work that this gate wants to be completed.
fn waits_for(plan: &Plan, gate: GateId) -> BTreeSet<GateId> {
    let mut todo: Vec<NodeId> = Vec::new();
    for check in &plan.gates[gate].checks {
        if let Evidence::When(expr) = &check.evidence {
            todo.extend(done_in(expr));
        }
    }
    let mut seen: BTreeSet<NodeId> = BTreeSet::new();
    let mut gates = BTreeSet::new();
    while let Some(node) = todo.pop() {
        if !seen.insert(node) {
            continue;
        }
        if let Some(task) = plan.task(node) {
            gates.extend(task.requires.iter().chain(&task.ensures));
        }
        for need in &plan.nodes[node].needs {
            if need.or.is_empty() && need.wanted == Wanted::Done && need.within.is_none() {
                todo.push(need.on);
            }
        }
    }
    gates
}

/// Tasks that have to be completed for the condition to hold.
fn done_in(expr: &Expr) -> Vec<NodeId> {
    use coord_lang::expr::{Comparison, Value};
    match expr {
        Expr::And(all) => all.iter().flat_map(done_in).collect(),
        Expr::Compare {
            op: Comparison::Equal,
            left,
            right,
        } => match (&**left, &**right) {
            (Expr::State(task), Expr::Literal(Value::Text(text)))
            | (Expr::Literal(Value::Text(text)), Expr::State(task))
                if text == "completed" =>
            {
                vec![Plan::task_node(*task)]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What may become of each node at the most.
pub(super) struct Reach {
    may: Vec<May>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct May {
    start: bool,
    done: bool,
    fail: bool,
    /// It is passed by as a branch that was not taken, or by its own rules.
    skip: bool,
}

impl Reach {
    fn of(plan: &Plan) -> Reach {
        let mut may = vec![May::default(); plan.nodes.len()];
        loop {
            let before = may.clone();
            for (id, node) in plan.nodes.iter() {
                may[id.index()] = may_of(plan, node, &before);
            }
            if before == may {
                return Reach { may };
            }
        }
    }

    pub(super) fn starts(&self, node: NodeId) -> bool {
        self.may[node.index()].start
    }
}

fn may_of(_: &Plan, node: &Node, may: &[May]) -> May {
    let ends = |on: NodeId, wanted: Wanted| {
        let of = may[on.index()];
        match wanted {
            Wanted::Done => of.done,
            Wanted::Failed => of.fail,
            Wanted::Finished => of.done || of.fail || of.skip,
            Wanted::Skipped => of.skip,
        }
    };
    let met = node
        .needs
        .iter()
        .all(|need| need.within.is_some() || need.nodes().any(|on| ends(on, need.wanted)));
    let branch = node.needs.iter().any(|need| need.wanted != Wanted::Done);
    let passed_by = |on: NodeId| may[on.index()].skip;
    let skipped = branch || node.needs.iter().any(|need| need.nodes().any(passed_by));
    match &node.kind {
        NodeKind::Task(task) => May {
            start: met,
            // a skip by its own `when` counts as done
            done: met,
            fail: met && task.on_fail != OnFail::Skip,
            skip: skipped
                || task.when.is_some()
                || task.on_fail == OnFail::Skip
                || limited(node, task),
        },
        NodeKind::Sync(_) => May {
            start: met,
            done: met,
            fail: met,
            skip: true,
        },
        NodeKind::Milestone(_) | NodeKind::Join => May {
            start: met,
            done: met,
            fail: false,
            skip: skipped,
        },
    }
}

/// A time limit, a ladder or a gate may end it another way.
fn limited(node: &Node, task: &Task) -> bool {
    node.needs.iter().any(|need| need.within.is_some())
        || task.more.is_some()
        || !task.approvals.is_empty()
        || !task.requires.is_empty()
        || !task.ensures.is_empty()
}

fn never_starts(plan: &Plan, reach: &Reach, out: &mut Vec<Finding>) {
    for (id, node) in plan.nodes.iter() {
        if reach.starts(id) || node.kind == NodeKind::Join {
            continue;
        }
        let dead = node.needs.iter().find(|need| {
            let ways = need.nodes();
            need.within.is_none() && ways.into_iter().all(|on| !may_end(reach, on, need.wanted))
        });
        let Some(need) = dead else { continue };
        let on = &plan.nodes[need.on].name;
        let why = match need.wanted {
            Wanted::Failed => format!("it waits for `{on}` to fail, which it cannot"),
            Wanted::Skipped => format!("it waits for `{on}` to be skipped, which it never is"),
            // what it waits for is told already
            Wanted::Done | Wanted::Finished => continue,
        };
        let never = match node.kind {
            NodeKind::Milestone(_) => "be reached",
            NodeKind::Task(_) | NodeKind::Sync(_) | NodeKind::Join => "start",
        };
        let message = format!("{} `{}` can never {never}: {why}", kind(node), node.name);
        out.push(Finding::new("never starts", message, At::Node(id)));
    }
}

pub(super) fn kind(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Task(_) => "task",
        NodeKind::Sync(_) => "sync",
        NodeKind::Milestone(_) => "milestone",
        NodeKind::Join => "phase",
    }
}

fn may_end(reach: &Reach, on: NodeId, wanted: Wanted) -> bool {
    let of = reach.may[on.index()];
    match wanted {
        Wanted::Done => of.done,
        Wanted::Failed => of.fail,
        Wanted::Finished => of.done || of.fail || of.skip,
        Wanted::Skipped => of.skip,
    }
}

/// Workflows that only work starts which never starts itself.
fn workflows(plan: &Plan, reach: &Reach, out: &mut Vec<Finding>) {
    let calls = |workflow: WorkflowId| -> Vec<NodeId> {
        let calls = plan.tasks().filter(|(_, _, task)| {
            let more = task.more.as_ref().and_then(|more| more.call.as_ref());
            more.is_some_and(|(called, _)| *called == workflow)
        });
        calls.map(|(id, _, _)| id).collect()
    };
    for (id, workflow) in plan.workflows.iter() {
        let callers = calls(id);
        let by_rule = chains(plan).any(|chain| {
            chain
                .iter()
                .any(|action| matches!(action, Action::Start { workflow, .. } if *workflow == id))
        });
        let incidents = plan.rules.incidents.values();
        let by_incident = incidents.into_iter().any(|of| of.start == Some(id));
        let otherwise =
            workflow.every.is_some() || by_rule || by_incident || plan.entry == Some(id);
        if otherwise || callers.is_empty() || callers.iter().any(|node| reach.starts(*node)) {
            continue;
        }
        let by: Vec<String> = callers
            .iter()
            .map(|node| format!("`{}`", plan.nodes[*node].name))
            .collect();
        let message = format!(
            "workflow `{}` never starts: only {} calls it, which can never start",
            workflow.name,
            by.join(", ")
        );
        out.push(Finding::new("workflow", message, At::Workflow(id)));
    }
}

/// True when some rule leaves the mode: for a reason that may come from outside.
pub(super) fn leaves(plan: &Plan, mode: ModeId) -> bool {
    chains(plan).any(|chain| chain.contains(&Action::Leave(mode)))
}

/// Every row of actions that the plan has.
fn chains(plan: &Plan) -> impl Iterator<Item = &Chain> {
    let rules = &plan.rules;
    let levels = (rules.escalations.values()).flat_map(|of| &of.levels);
    let levels = levels.chain(rules.conflicts.values().flat_map(|of| &of.levels));
    let of_rules = (rules.reactions.iter().flat_map(|of| &of.actions))
        .chain(levels.flat_map(|level| &level.actions))
        .chain(rules.conflicts.values().flat_map(|of| &of.actions))
        .chain(rules.incidents.values().flat_map(|of| &of.actions))
        .chain(rules.handoffs.values().map(|of| &of.accept_otherwise));
    let of_work = plan.tasks().flat_map(|(_, _, task)| {
        let limits = task.approvals.iter().filter_map(|of| of.within.as_ref());
        let more = task.more.iter().map(|more| &more.on_fail);
        limits.map(|limit| &limit.also).chain(more)
    });
    let of_nodes = plan.nodes.values().flat_map(|node| {
        let needs = node.needs.iter().filter_map(|need| need.within.as_deref());
        let sync = match &node.kind {
            NodeKind::Sync(sync) => sync.within.as_ref(),
            NodeKind::Task(_) | NodeKind::Milestone(_) | NodeKind::Join => None,
        };
        needs.chain(sync).map(|limit| &limit.also)
    });
    let of_gates = plan.gates.values().flat_map(|gate| {
        let limits = gate.approvals.iter().filter_map(|of| of.within.as_ref());
        limits.map(|limit| &limit.also).chain([&gate.on_fail_do])
    });
    of_rules.chain(of_work).chain(of_nodes).chain(of_gates)
}
