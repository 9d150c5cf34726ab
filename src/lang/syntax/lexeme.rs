//! Where comments, quoted texts and fences end, byte by byte: what must be known before brackets
//! can be counted.

/// The end of the line that holds `at`, its break left out.
pub(crate) fn line_end(text: &[u8], at: usize) -> usize {
    text[at..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(text.len(), |n| at + n)
}

/// The end of a quoted text; an unclosed one ends with its line, before a ` {` that ends it.
pub(crate) fn quoted_end(text: &[u8], at: usize, quote: u8) -> usize {
    let end = line_end(text, at);
    let mut i = at + 1;
    while i < end {
        match text[i] {
            b'\\' if quote == b'"' => i += 2,
            b if b == quote => return i + 1,
            _ => i += 1,
        }
    }
    let line = text[at..end].trim_ascii_end();
    if line.ends_with(b"{") {
        at + line.len() - 1
    } else {
        end
    }
}

/// The end of the fence that opens at `at`: behind its closing ticks, or of the text.
pub(crate) fn fence_end(text: &[u8], at: usize) -> usize {
    let ticks = text[at..].iter().take_while(|b| **b == b'`').count();
    let mut line = line_end(text, at);
    while line < text.len() {
        let start = line + 1;
        let end = line_end(text, start.min(text.len()));
        let body = text.get(start..end).unwrap_or(b"").trim_ascii_start();
        if body.iter().take_while(|b| **b == b'`').count() == ticks {
            return start + (end - start - body.len()) + ticks;
        }
        line = end;
    }
    text.len()
}
