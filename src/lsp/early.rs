//! What can be said of a large text before it is compiled: its syntax as it is now, and the rest
//! as it was, moved along with the text.

use coord_lang::diagnostic::Diagnostic;
use gen_lsp_types as lsp;
use lsp::TextDocumentContentChangeEvent as Change;
use lsp::{Position, Range};

/// Texts from this many bytes on are told of in two steps.
pub(super) const LARGE: usize = 128 << 10;

/// One edit: what it replaced, and where its new text ends.
pub(super) struct Edit {
    replaced: Range,
    end: Position,
}

/// The edits of a change, in order; None when it replaces everything.
pub(super) fn edits(changes: &[Change]) -> Option<Vec<Edit>> {
    let edit = |change: &Change| match change {
        Change::TextDocumentContentChangePartial(part) => Some(Edit {
            replaced: part.range,
            end: end_of(part.range.start, &part.text),
        }),
        Change::TextDocumentContentChangeWholeDocument(_) => None,
    };
    changes.iter().map(edit).collect()
}

/// Where `text` ends that starts at `start`.
fn end_of(start: Position, text: &str) -> Position {
    let lines = text.matches('\n').count() as u32;
    let last = text.rsplit('\n').next().unwrap_or("");
    let before = if lines == 0 { start.character } else { 0 };
    Position {
        line: start.line + lines,
        character: before + last.encode_utf16().count() as u32,
    }
}

/// `old` where it stands after the edits; what they touched is left out.
pub(super) fn moved(old: &[lsp::Diagnostic], edits: &[Edit]) -> Vec<lsp::Diagnostic> {
    let moved = old.iter().filter_map(|diagnostic| {
        let mut range = diagnostic.range;
        for edit in edits {
            range = edit.range(range)?;
        }
        Some(lsp::Diagnostic {
            range,
            // its places are of the text of before
            data: None,
            ..diagnostic.clone()
        })
    });
    moved.collect()
}

impl Edit {
    fn range(&self, range: Range) -> Option<Range> {
        let untouched = range.end < self.replaced.start || self.replaced.end < range.start;
        untouched.then(|| Range {
            start: self.position(range.start),
            end: self.position(range.end),
        })
    }

    fn position(&self, at: Position) -> Position {
        let old = self.replaced.end;
        if at < old {
            return at;
        }
        Position {
            line: at.line - old.line + self.end.line,
            character: match at.line == old.line {
                true => at.character - old.character + self.end.character,
                false => at.character,
            },
        }
    }
}

/// True for what the parser finds.
pub(super) fn is_syntax(diagnostic: &lsp::Diagnostic) -> bool {
    matches!(&diagnostic.code, Some(lsp::Code::String(code)) if code[1..].starts_with("00"))
}

/// The same of a finding that is not converted yet.
pub(super) fn is_of_syntax(diagnostic: &Diagnostic) -> bool {
    diagnostic.code[1..].starts_with("00")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    fn typed(start: Position, end: Position, text: &str) -> Edit {
        Edit {
            replaced: Range { start, end },
            end: end_of(start, text),
        }
    }

    #[test]
    fn places_move_with_the_text() {
        let edit = typed(at(2, 4), at(2, 6), "😀\nab");
        assert_eq!(edit.position(at(2, 3)), at(2, 3));
        assert_eq!(edit.position(at(2, 8)), at(3, 4));
        assert_eq!(edit.position(at(5, 1)), at(6, 1));
        let joined = typed(at(1, 3), at(2, 0), "");
        assert_eq!(joined.position(at(2, 5)), at(1, 8));
        assert_eq!(joined.position(at(4, 5)), at(3, 5));
        let touched = Range {
            start: at(2, 5),
            end: at(2, 9),
        };
        assert_eq!(edit.range(touched), None);
    }
}
