//! Conditions, and whether the order in which work ends can change what they find.

use coord_lang::expr::Expr;
use coord_lang::ids::{GateId, NodeId};
use coord_plan::plan::{Evidence, Need, NodeKind, Plan};
use std::collections::BTreeSet;

/// The gates before and after a piece of work.
pub(super) fn gates_of(plan: &Plan, node: NodeId) -> Vec<GateId> {
    match &plan.nodes[node].kind {
        NodeKind::Task(task) => task.requires.iter().chain(&task.ensures).copied().collect(),
        NodeKind::Sync(sync) => sync.gates.clone(),
        NodeKind::Milestone(_) | NodeKind::Join => Vec::new(),
    }
}

/// True when the conditions of a gate look at nothing but work that is over by then.
pub(super) fn gate_is_settled(plan: &Plan, node: NodeId, gate: GateId) -> bool {
    let before = before(plan, node);
    plan.gates[gate]
        .checks
        .iter()
        .all(|check| match &check.evidence {
            Evidence::When(expr) => looks_back(expr, &before),
            Evidence::Run(_) | Evidence::Person(_) | Evidence::Exists(_) => true,
        })
}

/// The same for everything that `node` and the work before it hang on.
pub(super) fn is_settled(plan: &Plan, node: NodeId) -> bool {
    let own = |id: NodeId| {
        let when = plan.task(id).and_then(|task| task.when.as_ref());
        let gates = gates_of(plan, id);
        when.is_none_or(|expr| looks_back(expr, &before(plan, id)))
            && gates.iter().all(|gate| gate_is_settled(plan, id, *gate))
    };
    own(node) && behind(plan, node, |_| true).into_iter().all(own)
}

/// Everything that has ended, one way or another, when `node` begins.
fn before(plan: &Plan, node: NodeId) -> BTreeSet<NodeId> {
    behind(plan, node, |need| {
        need.or.is_empty() && need.within.is_none()
    })
}

/// Everything that `node` waits for, near or far, by the needs that count.
fn behind(plan: &Plan, node: NodeId, counts: impl Fn(&Need) -> bool) -> BTreeSet<NodeId> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        let needs = plan.nodes[node].needs.iter();
        for on in needs.filter(|need| counts(need)).flat_map(Need::nodes) {
            if seen.insert(on) {
                todo.push(on);
            }
        }
    }
    seen
}

fn looks_back(expr: &Expr, before: &BTreeSet<NodeId>) -> bool {
    match expr {
        // what only a real run can tell
        Expr::Output { .. } | Expr::Subject(_) | Expr::Param(_) => false,
        Expr::State(task) => before.contains(&Plan::task_node(*task)),
        Expr::And(all) | Expr::Or(all) => all.iter().all(|of| looks_back(of, before)),
        Expr::Not(of) => looks_back(of, before),
        Expr::Compare { left, right, .. } => looks_back(left, before) && looks_back(right, before),
        Expr::Literal(_) => true,
    }
}
