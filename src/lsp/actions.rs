//! `textDocument/codeAction`: the edits that diagnostics carry.

use super::analysis::Analysis;
use super::diagnostics::converted;
use super::position::{bytes, location};
use coord_lang::diagnostic::{Diagnostic, Fix};
use coord_lang::source::FileId;
use gen_lsp_types as lsp;
use std::collections::HashMap;

pub(super) fn actions(
    analysis: &Analysis,
    file: FileId,
    params: &lsp::CodeActionParams,
) -> Vec<lsp::CodeAction> {
    let wanted = |kinds: &Vec<lsp::CodeActionKind>| {
        let fits = |kind: &lsp::CodeActionKind| {
            matches!(
                kind,
                lsp::CodeActionKind::QuickFix | lsp::CodeActionKind::Empty
            )
        };
        kinds.iter().any(fits)
    };
    if !params.context.only.as_ref().is_none_or(wanted) {
        return Vec::new();
    }
    let asked = bytes(analysis.source(file), params.range);
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
        is_preferred: Some(true),
        edit: Some(lsp::WorkspaceEdit {
            changes: Some(HashMap::from([(place.uri, vec![edit])])),
            ..lsp::WorkspaceEdit::default()
        }),
        ..lsp::CodeAction::default()
    }
}
