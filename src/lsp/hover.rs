//! `textDocument/hover`: names with what the plan says of them, and words of the language.

use super::analysis::Analysis;
use super::position::{offset, range};
use coord_lang::editor::hover;
use coord_lang::source::{FileId, Span};
use coord_plan::clock::Clock;
use coord_plan::outlook::{Load, Outlook};
use gen_lsp_types as lsp;

/// Of a longer list, the first are told.
const LIST_LIMIT: usize = 12;

pub(super) fn hover(analysis: &Analysis, file: FileId, at: lsp::Position) -> Option<lsp::Hover> {
    let source = analysis.source(file);
    let at = offset(source, at);
    if let Some((span, declaration)) = hover::name(&analysis.index, file, at as u32) {
        let facts = facts(analysis, declaration.kind, &declaration.name);
        let text = hover::declaration(&analysis.index, declaration, &facts);
        return Some(shown(text, range(source, span)));
    }
    let (row, bytes) = hover::keyword(source.text(), at)?;
    let span = Span::new(file, bytes.start, bytes.end);
    Some(shown(hover::row(row), range(source, span)))
}

fn shown(value: String, range: lsp::Range) -> lsp::Hover {
    lsp::Hover {
        contents: lsp::MarkupContent {
            kind: lsp::MarkupKind::Markdown,
            value,
        }
        .into(),
        range: Some(range),
    }
}

/// What the plan says, a line each.
fn facts(analysis: &Analysis, kind: &str, name: &str) -> Vec<(String, String)> {
    let mut facts = match kind {
        "task" | "sync" | "milestone" | "phase" => match analysis.outlook(name) {
            Some((outlook, clock)) => lines(&outlook, &clock),
            None => Vec::new(),
        },
        "agent" | "human" => analysis.load(name).map_or_else(Vec::new, busy),
        _ => Vec::new(),
    };
    if !facts.is_empty() && !analysis.plan_is_current {
        facts.push((
            "as planned".into(),
            "before the mistakes that this project has now".into(),
        ));
    }
    facts
}

fn busy(load: Load) -> Vec<(String, String)> {
    vec![
        ("tasks".into(), load.tasks.to_string()),
        ("busy".into(), format!("{} %", load.per_mille / 10)),
    ]
}

fn lines(outlook: &Outlook, clock: &Clock) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut say = |name: &str, value: String| facts.push((name.to_string(), value));
    if !outlook.owners.is_empty() {
        let joint = if outlook.any { " or " } else { ", " };
        say("owner", outlook.owners.join(joint));
    }
    if outlook.contingent {
        say("expected", "no: only when something fails".into());
    } else {
        say("starts", clock.at(outlook.start_ms));
        say("ends", clock.at(outlook.finish_ms));
        let slack = match outlook.critical {
            true => "none: it is critical".to_string(),
            false => clock.lasting(outlook.slack_ms),
        };
        say("slack", slack);
    }
    if outlook.unestimated {
        say("estimate", "missing: it counts as no time".into());
    }
    if !outlook.waits_for.is_empty() {
        say("waits for", list(&outlook.waits_for));
    }
    facts
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(LIST_LIMIT).map(|n| format!("`{n}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LIST_LIMIT) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
