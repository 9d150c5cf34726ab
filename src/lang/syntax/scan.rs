//! What is looked at before the grammar runs: the limits, and characters that must not be there.
//!
//! The scan knows strings, comments and fences, so that a bracket in a text does not count. It
//! keeps nesting far below what any stack can take, with the same answer everywhere.

use super::lexeme::{fence_end, line_end, quoted_end};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

/// What one file may be. Raised by a host with `--limit`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: usize,
    /// Blocks, lists and parentheses inside each other.
    pub nesting: usize,
    /// Tasks of a project.
    pub tasks: usize,
    /// Dependencies of one task.
    pub needs: usize,
    /// Dependencies of all tasks together.
    pub edges: usize,
    /// Tasks that one task with `each` stands for.
    pub each: usize,
    /// Files of one project.
    pub files: usize,
    /// Bytes of all files of a project.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            file_bytes: 16 << 20,
            nesting: 64,
            tasks: 100_000,
            needs: 10_000,
            edges: 1_000_000,
            each: 1_024,
            files: 256,
            text_bytes: 64 << 20,
        }
    }
}

/// Longest identifier, in bytes.
pub(crate) const MAX_IDENTIFIER: usize = 128;
/// Longest text in quotes, in bytes.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// Reports what forbids parsing (true) and characters that must not be there.
pub(super) fn scan(file: FileId, text: &str, limits: &Limits, out: &mut Vec<Diagnostic>) -> bool {
    if text.len() > limits.file_bytes {
        out.push(
            Diagnostic::new(
                "E0908",
                Span::new(file, 0, 0),
                format!(
                    "this file has {} bytes; the limit `file-bytes` is {}",
                    text.len(),
                    limits.file_bytes
                ),
            )
            .help(format!(
                "split the project, or raise it with `--limit file-bytes={}`",
                text.len()
            )),
        );
        return true;
    }
    invisible_characters(file, text, out);
    nesting(file, text.as_bytes(), limits.nesting, out)
}

fn invisible_characters(file: FileId, text: &str, out: &mut Vec<Diagnostic>) {
    if text.is_ascii()
        && !text
            .bytes()
            .any(|b| b < b' ' && !matches!(b, b'\n' | b'\t'))
    {
        return;
    }
    for (at, c) in text.char_indices() {
        // a lone carriage return looks like nothing and hides what stands before it
        let is_lone_cr = c == '\r' && text.as_bytes().get(at + 1) != Some(&b'\n');
        if !(forbidden(c) || is_lone_cr) || (c == '\u{FEFF}' && at == 0) {
            continue;
        }
        out.push(
            Diagnostic::new(
                "E0013",
                Span::new(file, at, at + c.len_utf8()),
                format!(
                    "invisible or direction-changing character U+{:04X}",
                    c as u32
                ),
            )
            .label("here")
            .fix(
                Span::new(file, at, at + c.len_utf8()),
                "",
                "delete it: what is read has to be what is run",
            ),
        );
    }
}

/// Control characters, zero-width characters and everything that reorders text on screen.
pub(super) fn forbidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        && c != '\u{200d}'
}

/// Reports the first bracket past `limit`; true when there is one.
fn nesting(file: FileId, text: &[u8], limit: usize, out: &mut Vec<Diagnostic>) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'#' => at = line_end(text, at),
            b'"' => at = quoted_end(text, at, b'"'),
            b'\'' => at = quoted_end(text, at, b'\''),
            b'`' if text[at..].starts_with(b"```") => at = fence_end(text, at),
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > limit {
                    out.push(
                        Diagnostic::new(
                            "E0011",
                            Span::new(file, at, at + 1),
                            format!("nesting is {depth} levels deep here; the limit is {limit}"),
                        )
                        .label("this bracket is one too many")
                        .help("move the inner blocks up into declarations of their own"),
                    );
                    return true;
                }
                at += 1;
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    false
}
