//! `textDocument/completion`: from the text as it is now, and the names of the last analysis.

use super::documents::Document;
use super::position::{offset, position};
use coord_lang::editor::completion::{Item, Kind, complete};
use coord_lang::editor::index::Index;
use gen_lsp_types as lsp;

/// What may be written at a position; `snippets` when the client can fill places in.
pub(super) fn completion(
    document: &Document,
    at: lsp::Position,
    index: &Index,
    snippets: bool,
) -> lsp::CompletionList {
    let source = document.source();
    let at = offset(source, at);
    let proposals = complete(source.text(), at, index);
    let range = lsp::Range {
        start: position(source, proposals.start as u32),
        end: position(source, at as u32),
    };
    let items = proposals.items.into_iter().enumerate();
    lsp::CompletionList {
        is_incomplete: proposals.cut,
        items: items
            .map(|(rank, item)| converted(item, rank, range, snippets))
            .collect(),
        ..lsp::CompletionList::default()
    }
}

fn converted(item: Item, rank: usize, range: lsp::Range, snippets: bool) -> lsp::CompletionItem {
    let snippet = item.snippet.filter(|_| snippets);
    let filled = snippet.is_some();
    let edit = lsp::TextEdit {
        range,
        new_text: snippet.unwrap_or_else(|| item.label.clone()),
    };
    let doc = Some(item.doc).filter(|doc| !doc.is_empty());
    lsp::CompletionItem {
        kind: Some(kind(item.kind)),
        detail: Some(item.detail).filter(|detail| !detail.is_empty()),
        documentation: doc.map(|value| {
            lsp::MarkupContent {
                kind: lsp::MarkupKind::Markdown,
                value,
            }
            .into()
        }),
        sort_text: Some(format!("{rank:04}")),
        insert_text_format: filled.then_some(lsp::InsertTextFormat::Snippet),
        text_edit: Some(edit.into()),
        label: item.label,
        ..lsp::CompletionItem::default()
    }
}

fn kind(kind: Kind) -> lsp::CompletionItemKind {
    match kind {
        Kind::Statement | Kind::Keyword => lsp::CompletionItemKind::Keyword,
        Kind::Unit => lsp::CompletionItemKind::Unit,
        Kind::Value => lsp::CompletionItemKind::EnumMember,
        Kind::Name("agent" | "human" | "group") => lsp::CompletionItemKind::Class,
        Kind::Name("task" | "milestone" | "sync") => lsp::CompletionItemKind::Function,
        Kind::Name("phase") => lsp::CompletionItemKind::Module,
        Kind::Name("param") => lsp::CompletionItemKind::Variable,
        Kind::Name(_) => lsp::CompletionItemKind::Reference,
    }
}
