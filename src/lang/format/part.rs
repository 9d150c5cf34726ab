//! Formats some lines of a file and leaves the others as they are.
//!
//! Both texts, as it is and as it should be, are the same but for white space and commas, so that
//! a place in one is found in the other by counting everything else.

use super::{format, is_kept};
use crate::editor::walk::walk;
use crate::source::SourceFile;
use crate::syntax::tree::{ArgKind, Tree};
use std::ops::Range;

/// What has to be replaced, by which text, so that the lines that hold `part` are as they should
/// be. A fence is formatted as a whole.
pub fn format_part(
    source: &SourceFile,
    tree: &Tree<'_>,
    part: Range<usize>,
) -> (Range<usize>, String) {
    let old = source.text();
    let new = format(source, tree);
    let lines = whole_lines(source, with_fences(tree, part));
    let first = kept_in(&old[..lines.start]);
    let last = first + kept_in(&old[lines.clone()]);
    let from = past(old, first)..past(old, last);
    let to = past(&new, first)..past(&new, last);
    let (behind_old, behind_new) = tails(&old[from.end..], &new[to.end..]);
    (
        from.start..from.end + behind_old,
        new[to.start..to.end + behind_new].to_string(),
    )
}

/// `part`, and all of each fence that it touches.
fn with_fences(tree: &Tree<'_>, part: Range<usize>) -> Range<usize> {
    let mut wider = part;
    walk(tree, &mut |visit| {
        let fences = visit.statement.args.iter();
        for fence in fences.filter(|a| matches!(a.kind, ArgKind::Fence { .. })) {
            let span = fence.span.range();
            if span.start < wider.end && wider.start < span.end {
                wider = wider.start.min(span.start)..wider.end.max(span.end);
            }
        }
    });
    wider
}

/// A line of which only the start is in `part` counts when `part` is nothing else.
fn whole_lines(source: &SourceFile, part: Range<usize>) -> Range<usize> {
    let start = source.line_offset(source.line_index(part.start as u32));
    let mut line = source.line_index(part.end as u32);
    if source.line_offset(line) == part.end && part.end > start {
        line -= 1;
    }
    start..source.line_offset(line) + source.line(line).len()
}

fn kept_in(text: &str) -> usize {
    text.bytes().filter(is_kept).count()
}

/// The offset behind the first `count` bytes that both texts have.
fn past(text: &str, count: usize) -> usize {
    let mut kept = text.bytes().enumerate().filter(|(_, b)| is_kept(b));
    match count.checked_sub(1) {
        Some(before) => kept.nth(before).map_or(text.len(), |(at, _)| at + 1),
        None => 0,
    }
}

/// How much of what follows is the end of the same line; nothing where the two lines end in
/// different ways.
fn tails(old: &str, new: &str) -> (usize, usize) {
    let (a, b) = (gap_in_line(old), gap_in_line(new));
    match (a, b) {
        (Some(a), Some(b)) if commas(&old[..a]) == commas(&new[..b]) => (a, b),
        _ => (0, 0),
    }
}

/// White space and commas up to the end of the line; None when something else comes before.
fn gap_in_line(text: &str) -> Option<usize> {
    let gap = text.bytes().take_while(|b| !is_kept(b));
    let end = gap.take_while(|b| !matches!(b, b'\n' | b'\r')).count();
    (text.len() == end || matches!(text.as_bytes()[end], b'\n' | b'\r')).then_some(end)
}

fn commas(text: &str) -> usize {
    text.matches(',').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::has_errors;
    use crate::source::FileId;
    use crate::syntax::{Limits, parse};

    fn formatted(text: &str) -> String {
        let source = SourceFile::new("x.coord", text);
        let (tree, found) = parse(FileId(0), &source, &Limits::default());
        assert!(!has_errors(&found), "{text}\n{found:?}");
        format(&source, &tree)
    }

    /// Whatever part is formatted, the text means what it meant; all of it is as `format` has it.
    #[test]
    fn a_formatted_part_changes_no_meaning() {
        let text = include_str!("../../../tests/cases/format/everything.in.coord");
        let text = text.trim_start_matches('\u{feff}');
        let whole = formatted(text);
        let source = SourceFile::new("x.coord", text);
        let (tree, _) = parse(FileId(0), &source, &Limits::default());
        let lines = text.lines().count();
        for first in (0..lines).step_by(2) {
            for last in [first + 3, lines] {
                let part = source.line_offset(first)..source.line_offset(last);
                let (old, new) = format_part(&source, &tree, part);
                let mut after = text.to_string();
                after.replace_range(old, &new);
                assert_eq!(
                    formatted(&after),
                    whole,
                    "lines {first} to {last}:\n{after}"
                );
            }
        }
        let (old, new) = format_part(&source, &tree, 0..text.len());
        let mut after = text.to_string();
        after.replace_range(old, &new);
        assert_eq!(after.trim_end(), whole.trim_end());
    }
}
