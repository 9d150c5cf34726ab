//! What an editor may fold away: blocks, lists, fences and runs of comments.

use super::walk::walk;
use crate::source::{SourceFile, Span};
use crate::syntax::tree::{Arg, ArgKind, Tree};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Comment,
    Region,
}

/// Lines, from 0, that fold into the first of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fold {
    pub first: usize,
    pub last: usize,
    pub kind: Kind,
}

/// Everything in `tree` that spans several lines.
pub fn folds(source: &SourceFile, tree: &Tree<'_>) -> Vec<Fold> {
    let mut found = Vec::new();
    let mut comments = tree.comments.clone();
    walk(tree, &mut |visit| {
        comments.extend(&visit.statement.doc);
        if let Some(block) = &visit.statement.block {
            found.extend(lines(source, block.span));
        }
        arguments(source, &visit.statement.args, &mut found);
    });
    comments.sort_unstable();
    found.extend(runs(source, &comments));
    found.sort_unstable();
    found.dedup();
    found
}

fn arguments(source: &SourceFile, args: &[Arg<'_>], found: &mut Vec<Fold>) {
    for arg in args {
        if matches!(
            arg.kind,
            ArgKind::List(_) | ArgKind::Group(_) | ArgKind::Fence(_)
        ) {
            found.extend(lines(source, arg.span));
        }
    }
}

/// From the line of the opener to the line before the closer, so that both stay visible.
fn lines(source: &SourceFile, span: Span) -> Option<Fold> {
    let first = source.line_index(span.start);
    let last = source.line_index(span.end.saturating_sub(1));
    (last > first + 1).then(|| Fold {
        first,
        last: last - 1,
        kind: Kind::Region,
    })
}

/// Comments on lines of their own that follow each other.
fn runs(source: &SourceFile, comments: &[Span]) -> Vec<Fold> {
    let mut found: Vec<Fold> = Vec::new();
    let own = comments.iter().filter(|c| {
        let line = source.line_index(c.start);
        source.line(line).trim_start().starts_with('#')
    });
    for line in own.map(|c| source.line_index(c.start)) {
        match found.last_mut() {
            Some(run) if run.last + 1 == line => run.last = line,
            _ => found.push(Fold {
                first: line,
                last: line,
                kind: Kind::Comment,
            }),
        }
    }
    found.retain(|run| run.last > run.first);
    found
}
