//! What templates fill in, held against what there is to fill in.

use crate::diagnostic::Diagnostic;
use crate::ids::TemplateId;
use crate::model::{Model, Page};
use crate::schema::{closest, one_of};
use std::collections::BTreeSet;

/// Known everywhere.
const ALWAYS: [&str; 7] = [
    "project.name",
    "project.title",
    "project.version",
    "run.id",
    "run.name",
    "run.state",
    "run.at",
];

/// Of a handoff, besides its own fields.
const HANDOFF: [&str; 13] = [
    "handoff.name",
    "handoff.title",
    "handoff.from",
    "handoff.to",
    "handoff.at",
    "handoff.task",
    "handoff.completed",
    "handoff.artifacts",
    "handoff.dependencies",
    "handoff.known-issues",
    "handoff.success-criteria",
    "handoff.notes",
    "handoff.run",
];

const NOTICE: [&str; 13] = [
    "notice.id",
    "notice.from",
    "notice.to",
    "notice.at",
    "notice.priority",
    "notice.kind",
    "notice.subject",
    "notice.text",
    "notice.run",
    "notice.task",
    "notice.artifacts",
    "notice.dependencies",
    "notice.tags",
];

const DIGEST: [&str; 9] = [
    "digest.name",
    "digest.title",
    "digest.at",
    "digest.since",
    "digest.completed",
    "digest.in-progress",
    "digest.blocked",
    "digest.next",
    "digest.notices",
];

/// Of the task or the agent that it is about.
const SUBJECT: [&str; 12] = [
    "task.name",
    "task.title",
    "task.agent",
    "task.state",
    "task.priority",
    "task.phase",
    "agent.name",
    "agent.title",
    "agent.role",
    "agent.state",
    "agent.task",
    "agent.health",
];

pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for (id, page) in model.templates.iter() {
        let known = known_to(model, id);
        for field in &page.fields {
            let path = field.value.as_str();
            let is_param = model
                .params
                .values()
                .any(|p| p.workflow.is_none() && p.name.value == path);
            if is_param || known.contains(path) {
                continue;
            }
            unknown(page, path, field.span, &known, out);
        }
    }
}

/// What a template may fill in, by what is written with it; everything when nothing is.
fn known_to(model: &Model, id: TemplateId) -> BTreeSet<String> {
    let handoffs: Vec<_> = (model.handoffs.values())
        .filter(|h| h.format == Some(id))
        .collect();
    let channel = model.channels.values().any(|c| c.format == Some(id));
    let unused = handoffs.is_empty() && !channel;
    let mut known: BTreeSet<String> = ALWAYS
        .iter()
        .chain(&SUBJECT)
        .map(ToString::to_string)
        .collect();
    if channel || unused {
        known.extend(NOTICE.iter().chain(&DIGEST).map(ToString::to_string));
    }
    if !handoffs.is_empty() || unused {
        known.extend(HANDOFF.iter().map(ToString::to_string));
    }
    let fields = handoffs.iter().flat_map(|h| &h.fields);
    known.extend(fields.map(|f| format!("handoff.{}", f.name.value)));
    known
}

fn unknown(
    page: &Page,
    path: &str,
    span: crate::source::Span,
    known: &BTreeSet<String>,
    out: &mut Vec<Diagnostic>,
) {
    let d = Diagnostic::new(
        "E0511",
        span,
        format!("`${{{path}}}` is unknown in template `{}`", page.name.value),
    )
    .label("nothing to fill in");
    let names = || known.iter().map(String::as_str);
    let root = path.split('.').next().unwrap_or(path);
    let own: Vec<&str> = names()
        .filter(|n| n.split('.').next() == Some(root))
        .collect();
    let near = match path.split_once('.') {
        // `handoff.` alone is no likeness
        Some((_, field)) if !own.is_empty() => {
            let fields = own.iter().filter_map(|n| n.split_once('.').map(|(_, f)| f));
            closest(field, fields)
                .first()
                .map(|f| format!("{root}.{f}"))
        }
        _ => closest(path, names()).first().map(ToString::to_string),
    };
    out.push(match near {
        Some(meant) => d.fix(
            span,
            format!("${{{meant}}}"),
            format!("did you mean `${{{meant}}}`?"),
        ),
        None if !own.is_empty() => d.help(format!("there are {}", one_of(own))),
        None => d.help("write `\\$` for a plain dollar sign"),
    });
}
