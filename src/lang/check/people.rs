//! Approvals, confirmations and the waits on people.

use crate::diagnostic::Diagnostic;
use crate::ids::AgentId;
use crate::lower::Facts;
use crate::model::{Approval, Handoff, Model};
use crate::source::Span;

pub(super) fn check(model: &Model, facts: &Facts, out: &mut Vec<Diagnostic>) {
    for task in model.tasks.values() {
        let doers = task.by.as_ref().map_or(&[][..], |b| b.value.agents());
        for approval in &task.approvals {
            own_work(model, &task.name.value, doers, approval, approval.span, out);
            endless(approval, out);
        }
        if let Some(domain) = &task.domain {
            for approval in &model.domains[domain.value].approvals {
                own_work(model, &task.name.value, doers, approval, domain.span, out);
            }
        }
    }
    for gate in model.gates.values() {
        gate.approvals.iter().for_each(|a| endless(a, out));
    }
    for domain in model.domains.values() {
        domain.approvals.iter().for_each(|a| endless(a, out));
    }
    for handoff in model.handoffs.values().filter(|_| !facts.incomplete) {
        unaccepted(handoff, out);
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
    at: Span,
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
    let d = Diagnostic::new(
        "W0814",
        at,
        format!("`{name}` approves its own task `{task}`"),
    )
    .label("who does the work does not count as an approver, so this can never be reached")
    .help("name somebody else");
    out.push(if at == approval.span {
        d
    } else {
        d.related(approval.span, "asked for here")
    });
}

/// W0313: a handoff whose receiver may take for ever.
fn unaccepted(handoff: &Handoff, out: &mut Vec<Diagnostic>) {
    if handoff.accept.is_some() {
        return;
    }
    let name = &handoff.name;
    out.push(
        Diagnostic::new(
            "W0313",
            name.span,
            format!(
                "handoff `{}` waits for its receiver without a limit",
                name.value
            ),
        )
        .label("nothing happens when it is not accepted")
        .help("write `accept within 4h`"),
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
