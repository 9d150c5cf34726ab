//! The declarations of one file as a tree, for outlines and breadcrumbs.

use super::walk::opens;
use crate::schema::{self, Place};
use crate::source::Span;
use crate::syntax::tree::{Arg, Item, Statement, Tree, statements};

/// One entry, with what stands inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name; the word of a block that has none.
    pub name: String,
    pub title: Option<String>,
    /// The word of its statement.
    pub kind: &'static str,
    pub whole: Span,
    /// What to select: the name, else the word.
    pub name_span: Span,
    pub children: Vec<Symbol>,
}

/// The outline of a file: every statement that has a name, and every block of work.
pub fn outline(tree: &Tree<'_>) -> Vec<Symbol> {
    level(&tree.items, Place::File)
}

fn level(items: &[Item<'_>], place: Place) -> Vec<Symbol> {
    statements(items)
        .filter_map(|statement| symbol(statement, place))
        .collect()
}

fn symbol(statement: &Statement<'_>, place: Place) -> Option<Symbol> {
    let row = schema::find(place, statement.word)?;
    let named = statement
        .args
        .first()
        .filter(|_| schema::takes_name(row))
        .and_then(|arg| Some((arg.word()?, arg.span)));
    let inner = opens(place, statement.word);
    let children = match (&statement.block, inner) {
        (Some(block), Some(inner)) => level(&block.items, inner),
        _ => Vec::new(),
    };
    let (name, name_span) = match named {
        Some((name, span)) => (name, span),
        None if statement.block.is_some() => (row.word, statement.word_span),
        None => return None,
    };
    Some(Symbol {
        name: name.to_string(),
        title: super::walk::title(statement),
        kind: row.word,
        whole: statement
            .args
            .last()
            .map_or(statement.span, |a: &Arg<'_>| statement.span.to(a.span)),
        name_span,
        children,
    })
}
