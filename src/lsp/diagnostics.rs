//! Diagnostics as the protocol has them: the same shape as `coord check --format json`.

use super::analysis::Analysis;
use super::position::{location, range};
use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::source::{FileId, SourceFile, Sources};
use gen_lsp_types as lsp;

/// Most findings that one file shows; errors come first.
const MAX_SHOWN: usize = 500;

/// What is said about one file of a project.
pub(super) fn of_file(analysis: &Analysis, file: FileId) -> Vec<lsp::Diagnostic> {
    let own = analysis.diagnostics.iter();
    let own: Vec<&Diagnostic> = own.filter(|d| d.primary.span.file == file).collect();
    let shown = shown(&own).into_iter();
    shown.map(|d| converted(&analysis.sources, d)).collect()
}

/// All of them in order; of too many the errors first.
fn shown<'d>(all: &[&'d Diagnostic]) -> Vec<&'d Diagnostic> {
    if all.len() <= MAX_SHOWN {
        return all.to_vec();
    }
    let (mut shown, warnings): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        all.iter().partition(|d| d.is_error());
    shown.extend(warnings);
    shown.truncate(MAX_SHOWN);
    shown
}

/// What is found in a text alone, before its project is known.
pub(super) fn of_text(source: &SourceFile, found: &[Diagnostic]) -> Vec<lsp::Diagnostic> {
    let mut sources = Sources::default();
    sources.add(source.name(), source.text());
    found.iter().map(|d| converted(&sources, d)).collect()
}

/// One finding.
pub(super) fn converted(sources: &Sources, d: &Diagnostic) -> lsp::Diagnostic {
    let related = d
        .related
        .iter()
        .map(|label| lsp::DiagnosticRelatedInformation {
            location: location(sources, label.span),
            message: label.text.clone(),
        });
    let file = sources.file(d.primary.span.file);
    let fix = d.fix.as_ref().map(|fix| {
        let range = range(sources.file(fix.span.file), fix.span);
        serde_json::json!({ "fix": { "title": fix.title, "range": range, "newText": fix.replacement } })
    });
    lsp::Diagnostic {
        range: range(file, d.primary.span),
        severity: Some(match d.severity {
            diagnostic::Severity::Error => lsp::DiagnosticSeverity::Error,
            diagnostic::Severity::Warning => lsp::DiagnosticSeverity::Warning,
        }),
        code: Some(d.code.into()),
        source: Some("coord".into()),
        message: match &d.help {
            Some(help) => format!("{}\nhelp: {help}", d.message),
            None => d.message.clone(),
        }
        .into(),
        related_information: Some(related.collect()),
        data: fix,
        ..lsp::Diagnostic::default()
    }
}
