//! Every chain of actions, wherever it is written.

use crate::model::{Approval, Chain, Level, Limit, Model};

/// All of them, each from its first action.
pub(super) fn all(model: &Model) -> Vec<&Chain> {
    let mut found = Vec::new();
    for reaction in &model.reactions {
        found.extend(&reaction.actions);
    }
    for ladder in model.escalations.values() {
        of_levels(&ladder.levels, &mut found);
    }
    for conflict in model.conflicts.values() {
        of_levels(&conflict.levels, &mut found);
        found.extend(&conflict.actions);
    }
    for incident in model.incidents.values() {
        found.extend(&incident.actions);
    }
    for handoff in model.handoffs.values() {
        found.extend(handoff.accept.iter().filter_map(|a| a.otherwise.as_ref()));
    }
    for domain in model.domains.values() {
        of_approvals(&domain.approvals, &mut found);
    }
    for gate in model.gates.values() {
        found.extend(&gate.on_fail_do);
        of_approvals(&gate.approvals, &mut found);
    }
    for task in model.tasks.values() {
        found.extend(&task.on_fail_do);
        of_approvals(&task.approvals, &mut found);
        task.needs
            .iter()
            .for_each(|n| of_limit(n.within.as_deref(), &mut found));
    }
    for sync in model.syncs.values() {
        of_limit(sync.within.as_ref(), &mut found);
    }
    for sync in model.recurring.values() {
        of_limit(sync.within.as_ref(), &mut found);
    }
    found
}

fn of_levels<'m>(levels: &'m [Level], found: &mut Vec<&'m Chain>) {
    found.extend(levels.iter().flat_map(|l| &l.actions));
}

fn of_approvals<'m>(approvals: &'m [Approval], found: &mut Vec<&'m Chain>) {
    for approval in approvals {
        of_limit(approval.within.as_ref(), found);
    }
}

fn of_limit<'m>(limit: Option<&'m Limit>, found: &mut Vec<&'m Chain>) {
    found.extend(limit.and_then(|l| l.also.as_deref()));
}
