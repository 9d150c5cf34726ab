//! Declarations that nothing refers to.

use crate::diagnostic::Diagnostic;
use crate::ids::Id;
use crate::lower::{Facts, Kind};
use crate::model::Model;
use crate::source::Spanned;

pub(super) fn check(model: &Model, facts: &Facts, out: &mut Vec<Diagnostic>) {
    if facts.incomplete {
        return; // what could not be read may have used them
    }
    let unused = |kind: Kind, index: usize| !facts.used.contains(&(kind, index as u32));
    let mut say = |kind: &str, name: &Spanned<String>, code, help: &str| {
        out.push(
            Diagnostic::new(
                code,
                name.span,
                format!("nothing uses {kind} `{}`", name.value),
            )
            .label("declared, never used")
            .help(help),
        );
    };
    for (_, resource) in model
        .resources
        .iter()
        .filter(|(id, _)| unused(Kind::Resource, id.index()))
    {
        say(
            "resource",
            &resource.name,
            "W0207",
            "write `uses` in the tasks that take from it, or delete it",
        );
    }
    for (_, group) in model
        .groups
        .iter()
        .filter(|(id, _)| unused(Kind::Group, id.index()))
    {
        say(
            "group",
            &group.name,
            "W0207",
            "name it where its members are meant, or delete it",
        );
    }
    for (_, param) in model
        .params
        .iter()
        .filter(|(id, _)| unused(Kind::Param, id.index()))
    {
        say(
            "parameter",
            &param.name,
            "W0207",
            "write `${…}` in an `env` or a `run` list, or delete it",
        );
    }
    for (_, ladder) in model
        .escalations
        .iter()
        .filter(|(id, _)| unused(Kind::Escalation, id.index()))
    {
        say(
            "escalation",
            &ladder.name,
            "W0207",
            "write `escalate to` where it should open, or delete it",
        );
    }
    for (_, page) in model
        .templates
        .iter()
        .filter(|(id, _)| unused(Kind::Template, id.index()))
    {
        say(
            "template",
            &page.name,
            "W0207",
            "write `format` in a channel or a handoff, or delete it",
        );
    }
    for (_, gate) in model.gates.iter().filter(|(id, gate)| {
        let applies = !gate.applies_to.is_empty() || !gate.applies_to_domains.is_empty();
        unused(Kind::Gate, id.index()) && !applies
    }) {
        out.push(
            Diagnostic::new(
                "W0812",
                gate.name.span,
                format!("no task requires gate `{}`", gate.name.value),
            )
            .label("stands before nothing")
            .help("write `requires` or `ensures` in a task, or `gate` in a sync"),
        );
    }
}
