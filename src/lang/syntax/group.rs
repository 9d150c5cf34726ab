//! Where a statement ends, without parsing it: at a line where no bracket is open.

use super::lexeme;

/// A statement with what stands above it.
pub(super) struct Group {
    /// Behind its line break.
    pub(super) end: usize,
    /// Its block's braces; (0, 0) when it has several.
    pub(super) block: Option<(usize, usize)>,
}

/// The statement that starts at `start`, with what stands above it, up to the end of its line.
pub(super) fn group(text: &str, start: usize, to: usize) -> Option<Group> {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut block = None;
    let mut opened = 0;
    let mut is_empty = true;
    let mut at = start;
    while at < to {
        let byte = bytes[at];
        match byte {
            b'\n' if open.is_empty() && !is_empty => {
                return Some(Group { end: at + 1, block });
            }
            // a doc comment behind a statement belongs to the next one
            b'#' if open.is_empty() && !is_empty && bytes.get(at + 1) == Some(&b'#') => {
                return None;
            }
            b'#' => {
                at = lexeme::line_end(bytes, at);
                continue;
            }
            b'"' | b'\'' => {
                is_empty = false;
                at = lexeme::quoted_end(bytes, at, byte);
                continue;
            }
            b'`' if bytes[at..].starts_with(b"```") => {
                let end = lexeme::fence_end(bytes, at);
                if open.iter().any(|b| *b != b'{') || end >= to {
                    return None;
                }
                is_empty = false;
                at = end;
                continue;
            }
            b'{' | b'[' | b'(' => {
                if open.is_empty() && byte == b'{' {
                    opened = at;
                }
                open.push(byte);
            }
            b'}' | b']' | b')' => {
                let matching = match byte {
                    b'}' => b'{',
                    b']' => b'[',
                    _ => b'(',
                };
                if open.pop() != Some(matching) {
                    return None;
                }
                if open.is_empty() && byte == b'}' {
                    block = match block {
                        None => Some((opened, at)),
                        Some(_) => Some((0, 0)), // two blocks on the way: not plain
                    };
                }
            }
            // a carriage return alone ends a comment and no line
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => return None,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => is_empty = false,
        }
        at += 1;
    }
    (open.is_empty()).then_some(Group { end: to, block })
}
