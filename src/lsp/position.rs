//! Lines and UTF-16 columns on one side, byte offsets on the other.

use coord_lang::source::{SourceFile, Sources, Span};
use gen_lsp_types::{Location, Position, Range};

/// The byte that a position means; past the end of a line it is that end.
pub(super) fn offset(source: &SourceFile, position: Position) -> usize {
    let line = position.line as usize;
    let start = source.line_offset(line);
    let mut units = 0;
    for (at, c) in source.line(line).char_indices() {
        if units + c.len_utf16() > position.character as usize {
            return start + at;
        }
        units += c.len_utf16();
    }
    start + source.line(line).len()
}

/// The bytes that a range means, in order.
pub(super) fn bytes(source: &SourceFile, range: Range) -> std::ops::Range<usize> {
    let start = offset(source, range.start);
    start..offset(source, range.end).max(start)
}

/// The same as offsets of spans.
pub(super) fn part(source: &SourceFile, range: Range) -> std::ops::Range<u32> {
    let bytes = bytes(source, range);
    bytes.start as u32..bytes.end as u32
}

pub(super) fn position(source: &SourceFile, offset: u32) -> Position {
    let (line, character) = source.utf16_position(offset);
    Position {
        line: line as u32,
        character: character as u32,
    }
}

pub(super) fn range(source: &SourceFile, span: Span) -> Range {
    Range {
        start: position(source, span.start),
        end: position(source, span.end),
    }
}

/// A span as an address and a range.
pub(super) fn location(sources: &Sources, span: Span) -> Location {
    let file = sources.file(span.file);
    Location {
        uri: super::uri::uri_of(file.name()),
        range: range(file, span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_utf16_units() {
        let source = SourceFile::new("a", "ä😀x\r\n\nend");
        let at = |line, character| offset(&source, Position { line, character });
        // 'ä' is one unit and two bytes, '😀' two units and four bytes
        assert_eq!([at(0, 0), at(0, 1), at(0, 3), at(0, 4)], [0, 2, 6, 7]);
        // inside a pair is before it; past a line's end is its end; past the text is its end
        assert_eq!([at(0, 2), at(0, 99), at(1, 5), at(9, 0)], [2, 7, 9, 13]);
        for byte in [0, 2, 6, 7, 9, 10, 13] {
            assert_eq!(offset(&source, position(&source, byte)), byte as usize);
        }
    }
}
