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
    let secrets = model.secrets.iter().map(|(id, x)| (id.index(), &x.name));
    let calendars = model.calendars.iter().map(|(id, x)| (id.index(), &x.name));
    let tiers = model.tiers.iter().map(|(id, x)| (id.index(), &x.name));
    let templates = model.templates.iter().map(|(id, x)| (id.index(), &x.name));
    let channels = model.channels.iter().map(|(id, x)| (id.index(), &x.name));
    for (kind, index, name, help) in secrets
        .map(|(i, n)| {
            (
                Kind::Secret,
                i,
                n,
                "write `secret` in the tasks or agents that get it, or delete it",
            )
        })
        .chain(calendars.map(|(i, n)| {
            (
                Kind::Calendar,
                i,
                n,
                "write `calendar` in an agent, call it `default`, or delete it",
            )
        }))
        .chain(tiers.map(|(i, n)| (Kind::Tier, i, n, "write `tier` in an agent, or delete it")))
        .chain(templates.map(|(i, n)| {
            (
                Kind::Template,
                i,
                n,
                "write `format` in a channel or a handoff, or delete it",
            )
        }))
        .chain(channels.map(|(i, n)| {
            (
                Kind::Channel,
                i,
                n,
                "write `via` in a notice or a sync, or delete it",
            )
        }))
    {
        let applies_anyway = kind == Kind::Calendar && name.value == "default";
        if unused(kind, index) && !applies_anyway {
            say(kind.noun(), name, "W0207", help);
        }
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
