//! `textDocument/formatting`: what `coord fmt` writes.

use super::documents::{ALONE, Document};
use super::position::position;
use coord_lang::diagnostic::has_errors;
use coord_lang::format::format;
use gen_lsp_types as lsp;

/// The edit that formats; none where `coord fmt` would leave the file as it is.
pub(super) fn format_document(document: &Document) -> Vec<lsp::TextEdit> {
    let (tree, found) = document.parsed.tree(ALONE);
    if has_errors(&found) {
        return Vec::new();
    }
    let source = document.source();
    let new = format(source, &tree);
    let old = source.text();
    if new == old {
        return Vec::new();
    }
    let start = common(old.chars(), new.chars());
    let rest = (&old[start..], &new[start..]);
    let end = common(rest.0.chars().rev(), rest.1.chars().rev());
    vec![lsp::TextEdit {
        range: lsp::Range {
            start: position(source, start as u32),
            end: position(source, (old.len() - end) as u32),
        },
        new_text: new[start..new.len() - end].to_string(),
    }]
}

/// The bytes that both have in common, character by character.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    let same = a.zip(b).take_while(|(a, b)| a == b);
    same.map(|(c, _)| c.len_utf8()).sum()
}
