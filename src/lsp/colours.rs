//! `textDocument/semanticTokens`: tokens as differences of lines and UTF-16 columns.

use super::analysis::Analysis;
use coord_lang::editor::tokens::{Kind, Token, tokens};
use coord_lang::source::{FileId, SourceFile};
use gen_lsp_types as lsp;

/// The types that tokens have, by their number.
const TYPES: [&str; 13] = [
    "keyword",
    "modifier",
    "comment",
    "string",
    "macro",
    "number",
    "operator",
    "variable",
    "class",
    "function",
    "namespace",
    "parameter",
    "property",
];

pub(super) fn legend() -> lsp::SemanticTokensLegend {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_string()).collect();
    lsp::SemanticTokensLegend {
        token_types: names(&TYPES),
        token_modifiers: names(&["declaration", "documentation"]),
    }
}

/// The colours of the lines that hold these bytes.
pub(super) fn colours(
    analysis: &Analysis,
    file: FileId,
    shown: std::ops::Range<u32>,
) -> lsp::SemanticTokens {
    let source = analysis.source(file);
    let (tree, _) = analysis.parsed(file).tree_of(file, shown.clone());
    let mut wire = Wire::default();
    for token in tokens(source, &tree, Some(&analysis.index)) {
        if token.span.end > shown.start && token.span.start < shown.end {
            wire.put(source, token);
        }
    }
    lsp::SemanticTokens {
        result_id: None,
        data: wire.data,
    }
}

#[derive(Default)]
struct Wire {
    data: Vec<lsp::SemanticToken>,
    line: usize,
    column: usize,
}

impl Wire {
    /// One line at a time: most clients know no token of several lines.
    fn put(&mut self, source: &SourceFile, token: Token) {
        let first = source.line_index(token.span.start);
        let last = source.line_index(token.span.end);
        for line in first..=last {
            let start = source.line_offset(line);
            let text = source.line(line);
            let from = (token.span.start as usize).max(start) - start;
            let to = (token.span.end as usize - start).min(text.len());
            let part = text.get(from..to).unwrap_or("");
            let part_start = from + part.len() - part.trim_start().len();
            if !part.trim().is_empty() {
                let column = text[..part_start].encode_utf16().count();
                self.emit(line, column, part.trim().encode_utf16().count(), token);
            }
        }
    }

    fn emit(&mut self, line: usize, column: usize, length: usize, token: Token) {
        let before = if line == self.line { self.column } else { 0 };
        self.data.push(lsp::SemanticToken {
            delta_line: (line - self.line) as u32,
            delta_start: (column - before) as u32,
            length: length as u32,
            token_type: number(token.kind),
            token_modifiers_bitset: u32::from(token.declares)
                | u32::from(token.kind == Kind::Doc) << 1,
        });
        (self.line, self.column) = (line, column);
    }
}

fn number(kind: Kind) -> u32 {
    let name = match kind {
        Kind::Keyword => "keyword",
        Kind::Modifier => "modifier",
        Kind::Comment | Kind::Doc => "comment",
        Kind::Text | Kind::Fence => "string",
        Kind::Interpolation => "macro",
        Kind::Number => "number",
        Kind::Operator => "operator",
        Kind::Name(Some("agent" | "human" | "group" | "tier")) => "class",
        Kind::Name(Some("task" | "sync" | "milestone")) => "function",
        Kind::Name(Some("phase" | "workflow" | "project")) => "namespace",
        Kind::Name(Some("param" | "secret" | "parameter" | "each")) => "parameter",
        Kind::Name(Some("produces" | "field")) => "property",
        Kind::Name(_) => "variable",
    };
    TYPES.iter().position(|t| *t == name).unwrap_or(0) as u32
}
