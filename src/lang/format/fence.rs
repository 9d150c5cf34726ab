//! Moves a fence to a new indentation, so that its dedented text stays the same.

/// The lines of the fence `text`, indented by `indent`, the opening one excepted.
pub(super) fn moved(text: &str, indent: &str) -> String {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let fence = &text[..ticks];
    let inner = &text[ticks..text.len().saturating_sub(ticks).max(ticks)];
    let body_and_break = inner.trim_end_matches([' ', '\t']);
    let old_indent = inner.len() - body_and_break.len();
    let (tag, body) = split_tag(without_last_break(body_and_break));

    let tag = tag.trim_matches([' ', '\t']);
    let gap = if tag.starts_with('`') { " " } else { "" };
    let mut out = format!("{fence}{gap}{tag}");
    for line in body.iter().flat_map(|b| b.split('\n')) {
        let line = dedented(line.trim_end_matches('\r'), old_indent);
        out.push('\n');
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(line);
        }
    }
    out.push('\n');
    out.push_str(indent);
    out.push_str(fence);
    out
}

fn without_last_break(text: &str) -> &str {
    let stripped = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'));
    stripped.or_else(|| text.strip_suffix('\r')).unwrap_or(text)
}

/// The tag's line, and the text behind its line break; none if the fence closes right there.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    let (tag, rest) = text.split_at(end);
    let body = rest
        .strip_prefix("\r\n")
        .or_else(|| rest.strip_prefix('\n'))
        .unwrap_or(rest);
    (tag, (!rest.is_empty()).then_some(body))
}

fn dedented(line: &str, indent: usize) -> &str {
    let strip = line
        .bytes()
        .take(indent)
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    &line[strip..]
}
