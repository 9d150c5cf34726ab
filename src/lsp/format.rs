//! `textDocument/formatting` and `rangeFormatting`: what `coord fmt` writes.

use super::documents::{ALONE, Document};
use super::position::{bytes, position};
use coord_lang::diagnostic::has_errors;
use coord_lang::format::{format, format_part};
use coord_lang::source::SourceFile;
use gen_lsp_types as lsp;
use std::ops::Range;

/// The edit that formats; none where `coord fmt` would leave the file as it is.
pub(super) fn format_document(document: &Document) -> Vec<lsp::TextEdit> {
    let (tree, found) = document.parsed.tree(ALONE);
    if has_errors(&found) {
        return Vec::new();
    }
    let source = document.source();
    let new = format(source, &tree);
    edit(source, 0..source.text().len(), &new)
        .into_iter()
        .collect()
}

/// The edit that formats the lines of a range.
pub(super) fn format_range(document: &Document, range: lsp::Range) -> Vec<lsp::TextEdit> {
    let (tree, found) = document.parsed.tree(ALONE);
    let source = document.source();
    // a mark before the text is no part of what both texts have
    if has_errors(&found) || source.text().starts_with('\u{feff}') {
        return Vec::new();
    }
    let (old, new) = format_part(source, &tree, bytes(source, range));
    edit(source, old, &new).into_iter().collect()
}

/// The smallest edit that writes `new` instead of `old`; None when they are the same.
pub(super) fn edit(source: &SourceFile, old: Range<usize>, new: &str) -> Option<lsp::TextEdit> {
    let before = &source.text()[old.clone()];
    if before == new {
        return None;
    }
    let start = common(before.chars(), new.chars());
    let rest = (&before[start..], &new[start..]);
    let end = common(rest.0.chars().rev(), rest.1.chars().rev());
    Some(lsp::TextEdit {
        range: lsp::Range {
            start: position(source, (old.start + start) as u32),
            end: position(source, (old.end - end) as u32),
        },
        new_text: new[start..new.len() - end].to_string(),
    })
}

/// The bytes that both have in common, character by character.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    let same = a.zip(b).take_while(|(a, b)| a == b);
    same.map(|(c, _)| c.len_utf8()).sum()
}
