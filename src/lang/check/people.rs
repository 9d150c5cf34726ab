//! Approvals, confirmations and the waits on people.

use crate::diagnostic::Diagnostic;
use crate::ids::AgentId;
use crate::model::{Approval, Model};

pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for task in model.tasks.values() {
        let doers = task.by.as_ref().map_or(&[][..], |b| b.value.agents());
        for approval in &task.approvals {
            own_work(model, &task.name.value, doers, approval, out);
            endless(approval, out);
        }
    }
    for gate in model.gates.values() {
        gate.approvals.iter().for_each(|a| endless(a, out));
    }
    for sync in model.syncs.values() {
        if let (Some(first), None) = (sync.requires.first(), &sync.within) {
            out.push(
                Diagnostic::new(
                    "W0313",
                    first.text.span,
                    format!("`{}` waits for people without a limit", sync.name.value),
                )
                .label("nothing happens when nobody confirms it")
                .help("write `within 24h else proceed` in the sync, or `else fail`"),
            );
        }
    }
}

/// W0814: nobody is left to approve but those who did the work.
fn own_work(
    model: &Model,
    task: &str,
    doers: &[AgentId],
    approval: &Approval,
    out: &mut Vec<Diagnostic>,
) {
    let others = approval.of.iter().filter(|a| !doers.contains(a)).count();
    if others >= approval.quorum as usize {
        return;
    }
    let Some(own) = approval.of.iter().find(|a| doers.contains(a)) else {
        return;
    };
    let name = &model.agents[*own].name.value;
    out.push(
        Diagnostic::new(
            "W0814",
            approval.span,
            format!("`{name}` approves its own task `{task}`"),
        )
        .label("who does the work does not count as an approver, so this can never be reached")
        .help("name somebody else"),
    );
}

/// W0313: an approval that may take for ever.
fn endless(approval: &Approval, out: &mut Vec<Diagnostic>) {
    if approval.within.is_none() {
        out.push(
            Diagnostic::new(
                "W0313",
                approval.span,
                "this waits for people without a limit",
            )
            .label("nothing happens when nobody answers")
            .help("write `within 24h else fail`, or `skip`, `proceed`, `halt`"),
        );
    }
}
