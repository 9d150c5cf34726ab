//! A tree, statement by statement, with what the schema table says of each.

use crate::schema::{self, Body, Place, Row};
use crate::source::Span;
use crate::syntax::tree::{Arg, ArgKind, Item, Piece, Statement, Tree, statements};
use std::path::{Component, Path, PathBuf};

/// One statement on the way.
pub struct Visit<'a, 's> {
    /// The kind of block that it stands in; None inside what the table does not know.
    pub place: Option<Place>,
    pub row: Option<&'static Row>,
    pub statement: &'a Statement<'s>,
    /// The statements around it, outermost first.
    pub parents: &'a [&'a Statement<'s>],
}

impl<'a, 's> Visit<'a, 's> {
    /// The name that it declares: in files and wherever else work may stand, a statement that
    /// starts with a name declares it; so does `produces`, wherever it is.
    pub fn declares(&self) -> Option<(&'s str, Span)> {
        let (row, place) = (self.row?, self.place?);
        if !schema::takes_name(row) || !(holds_work(place) || row.word == ARTIFACT) {
            return None;
        }
        let first = self.statement.args.first()?;
        Some((first.word()?, first.span))
    }

    /// The name that it declares inside of something that has one: a level of a ladder, a field of
    /// a handoff, a variable of a task that is written out.
    pub fn declares_inside(&self) -> Option<(&'s str, Span)> {
        let row = self.row.filter(|row| INSIDE.contains(&row.word))?;
        let first = self.statement.args.first()?;
        Some((
            first.word().filter(|_| schema::takes_name(row))?,
            first.span,
        ))
    }
}

/// The statements that name a part of what they stand in.
pub const INSIDE: [&str; 3] = ["level", "field", "each"];

/// The statement that names an artifact.
pub const ARTIFACT: &str = "produces";

/// True for blocks in which tasks may stand.
pub fn holds_work(place: Place) -> bool {
    schema::find(place, "task").is_some()
}

/// The kind of block that a statement of `place` opens.
pub fn opens(place: Place, word: &str) -> Option<Place> {
    match schema::find(place, word)?.body {
        Body::None => None,
        Body::Optional(inner) | Body::Required(inner) => Some(inner),
    }
}

/// Calls `visit` for every statement, in written order.
pub fn walk<'a, 's>(tree: &'a Tree<'s>, visit: &mut dyn FnMut(&Visit<'_, 's>)) {
    level(&tree.items, Some(Place::File), &mut Vec::new(), visit);
}

fn level<'a, 's>(
    items: &'a [Item<'s>],
    place: Option<Place>,
    parents: &mut Vec<&'a Statement<'s>>,
    visit: &mut dyn FnMut(&Visit<'_, 's>),
) {
    for statement in statements(items) {
        let row = place.and_then(|place| schema::find(place, statement.word));
        visit(&Visit {
            place,
            row,
            statement,
            parents,
        });
        if let Some(block) = &statement.block {
            let inner = place.and_then(|place| opens(place, statement.word));
            parents.push(statement);
            level(&block.items, inner, parents, visit);
            parents.pop();
        }
    }
}

/// The title of a declaration: the text in quotes behind its name.
pub fn title(statement: &Statement<'_>) -> Option<String> {
    text(statement.args.get(1)?)
}

/// The text of an argument, when it is one and nothing is filled in there.
fn text(arg: &Arg<'_>) -> Option<String> {
    match &arg.kind {
        ArgKind::Text(pieces) => match pieces.as_slice() {
            [Piece::Text(text)] => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// False for texts without a `use` line, which are most: their trees are not needed for [`uses`].
pub fn may_use(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_start().starts_with("use"))
}

/// The file that `use "PATH"` names in a file of `folder`: without `.`, and without `..` where a
/// name stands before it.
pub fn used_file(folder: &Path, path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(
                    out.components().next_back(),
                    Some(Component::Normal(_) | Component::RootDir)
                ) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The files that a tree names with `use`, and where.
pub fn uses(tree: &Tree<'_>) -> Vec<(String, Span)> {
    let named = statements(&tree.items).filter(|s| s.word == "use");
    named
        .filter_map(|statement| {
            let first = statement.args.first()?;
            Some((text(first)?, first.span))
        })
        .collect()
}
