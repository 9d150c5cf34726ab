//! `textDocument/codeAction`: the edits that diagnostics carry, one by one or all that are sure.

use super::analysis::Analysis;
use super::diagnostics::converted;
use super::format;
use super::position::{bytes, location};
use coord_lang::diagnostic::{Diagnostic, Fix};
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::Limits;
use coord_plan::compile::Settings;
use coord_plan::mend::mend;
use gen_lsp_types as lsp;
use std::collections::HashMap;

pub(super) fn actions(
    analysis: &Analysis,
    file: FileId,
    limits: Limits,
    params: &lsp::CodeActionParams,
) -> Vec<lsp::CodeAction> {
    let only = params.context.only.as_deref();
    let mut found = Vec::new();
    if only.is_none_or(|kinds| kinds.iter().any(|kind| holds(kind, QUICK_FIX))) {
        found.extend(quick_fixes(analysis, file, params.range));
    }
    // it compiles the project anew: only for who asks for it
    let all = only.is_some_and(|kinds| kinds.iter().any(|kind| holds(kind, FIX_ALL)));
    if all {
        found.extend(fix_all(analysis, file, limits));
    }
    found
}

const QUICK_FIX: &str = "quickfix";

/// Of our own, so that it can be asked for alone.
pub(super) const FIX_ALL: &str = "source.fixAll.coord";

/// True when `asked` is `kind` or a kind above it, as `source` is.
fn holds(asked: &lsp::CodeActionKind, kind: &str) -> bool {
    let asked: String = asked.clone().into();
    let below = kind.strip_prefix(asked.as_str());
    asked.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn quick_fixes(analysis: &Analysis, file: FileId, range: lsp::Range) -> Vec<lsp::CodeAction> {
    let asked = bytes(analysis.source(file), range);
    let here = analysis.diagnostics.iter().filter(|d| {
        let span = d.primary.span;
        span.file == file && span.start as usize <= asked.end && asked.start <= span.end as usize
    });
    here.filter_map(|d| Some(action(analysis, d, d.fix.as_ref()?)))
        .collect()
}

fn action(analysis: &Analysis, diagnostic: &Diagnostic, fix: &Fix) -> lsp::CodeAction {
    let place = location(&analysis.sources, fix.span);
    let edit = lsp::TextEdit {
        range: place.range,
        new_text: fix.replacement.clone(),
    };
    lsp::CodeAction {
        title: fix.title.clone(),
        kind: Some(lsp::CodeActionKind::QuickFix),
        diagnostics: Some(vec![converted(&analysis.sources, diagnostic)]),
        is_preferred: Some(fix.is_sure),
        edit: Some(changes(place.uri, edit)),
        ..lsp::CodeAction::default()
    }
}

/// What `coord fix` would write into this file, and into no other.
fn fix_all(analysis: &Analysis, file: FileId, limits: Limits) -> Option<lsp::CodeAction> {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let mended = mend(analysis.sources.clone(), &settings, Some(file));
    let (old, new): (&SourceFile, &SourceFile) = mended.changed().next()?;
    let uri = super::uri::uri_of(old.name());
    let edit = format::edit(old, 0..old.text().len(), new.text())?;
    Some(lsp::CodeAction {
        title: match mended.done.len() {
            1 => "fix what is sure, in 1 place".to_string(),
            n => format!("fix what is sure, in {n} places"),
        },
        kind: Some(FIX_ALL.to_string().into()),
        edit: Some(changes(uri, edit)),
        ..lsp::CodeAction::default()
    })
}

fn changes(uri: lsp::Uri, edit: lsp::TextEdit) -> lsp::WorkspaceEdit {
    lsp::WorkspaceEdit {
        changes: Some(HashMap::from([(uri, vec![edit])])),
        ..lsp::WorkspaceEdit::default()
    }
}
