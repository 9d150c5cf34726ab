//! What may be written at a position: statements of the block, then what the statement's shape
//! allows there.

use super::cursor::{Cursor, cursor};
use super::index::{Declaration, Index};
use super::shape::{self, Symbol};
use super::walk::ARTIFACT;
use crate::lower::STATES;
use crate::schema::{self, Body, Row, Times};

/// Most items of one answer; more are found by typing on.
pub const MAX_ITEMS: usize = 200;

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A statement's word.
    Statement,
    /// A word of a statement's shape.
    Keyword,
    /// A declared name; the word that declares it.
    Name(&'static str),
    /// A number with its unit.
    Unit,
    /// A value of a closed list.
    Value,
}

/// One proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    pub label: String,
    pub kind: Kind,
    /// One line beside it.
    pub detail: String,
    pub doc: String,
    /// For a declaration with a block: the whole of it, `$1` where its name goes and `$0` where
    /// its content does.
    pub snippet: Option<String>,
}

/// The proposals, and where the typed word that they replace starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proposals {
    pub start: usize,
    pub items: Vec<Item>,
    /// There are more than [`MAX_ITEMS`].
    pub cut: bool,
}

/// Proposes for byte `offset` of `text`; `index` is what the project declares.
pub fn complete(text: &str, offset: usize, index: &Index) -> Proposals {
    let cursor = cursor(text, offset);
    let mut items = if cursor.quoted {
        Vec::new()
    } else {
        match cursor.word {
            None => statements(&cursor),
            Some(word) => cursor
                .place
                .and_then(|place| schema::find(place, word))
                .map_or_else(Vec::new, |row| arguments(row, &cursor, index)),
        }
    };
    let mut labels = std::collections::HashSet::new();
    items.retain(|item| labels.insert(item.label.clone()));
    let dot = cursor.typed.rfind('.').map_or(0, |at| at + 1);
    let typed = &cursor.typed[dot..];
    let cut = rank(&mut items, typed);
    Proposals {
        start: offset - typed.len(),
        items,
        cut,
    }
}

/// Keeps what holds `typed`, what starts with it first; true when some were left out.
fn rank(items: &mut Vec<Item>, typed: &str) -> bool {
    let typed = typed.to_lowercase();
    if !typed.is_empty() {
        items.retain(|item| item.kind == Kind::Unit || item.label.to_lowercase().contains(&typed));
        items.sort_by_key(|item| !item.label.to_lowercase().starts_with(&typed));
    }
    let cut = items.len() > MAX_ITEMS;
    items.truncate(MAX_ITEMS);
    cut
}

fn statements(cursor: &Cursor<'_>) -> Vec<Item> {
    let Some(place) = cursor.place else {
        return Vec::new();
    };
    let given = |row: &&Row| row.times == Times::Once && cursor.siblings.contains(&row.word);
    schema::in_place(place)
        .filter(|row| !given(row))
        .map(statement)
        .collect()
}

fn statement(row: &'static Row) -> Item {
    let block = !matches!(row.body, Body::None);
    let snippet = match (schema::takes_name(row), block) {
        (true, true) => Some(format!("{} ${{1:name}} {{\n  $0\n}}", row.word)),
        (false, true) if row.shape.is_empty() => Some(format!("{} {{\n  $0\n}}", row.word)),
        _ => None,
    };
    Item {
        label: row.word.to_string(),
        kind: Kind::Statement,
        detail: format!("{} {}", row.word, row.shape).trim_end().to_string(),
        doc: format!("{}\n\n    {}", row.doc, row.example),
        snippet,
    }
}

fn arguments(row: &'static Row, cursor: &Cursor<'_>, index: &Index) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some((head, _)) = cursor.typed.rsplit_once('.') {
        parts(head, row, index, &mut items);
        return items;
    }
    let number = cursor
        .typed
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit());
    for symbol in shape::next(row, &cursor.args) {
        match symbol {
            Symbol::Word(word) if !number => items.push(plain(word, Kind::Keyword, row.word)),
            Symbol::Hole(hole) => fill(hole, row, cursor, index, &mut items),
            _ => {}
        }
    }
    items
}

/// What a hole takes: units behind a number, else names and words.
fn fill(hole: &str, row: &'static Row, cursor: &Cursor<'_>, index: &Index, items: &mut Vec<Item>) {
    let digits: String = cursor
        .typed
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    for (unit, meaning) in shape::units(hole) {
        let number = if digits.is_empty() { "1" } else { &digits };
        let label = format!("{number}{unit}");
        if label.starts_with(cursor.typed) || digits.is_empty() {
            items.push(plain(&label, Kind::Unit, meaning));
        }
    }
    if !digits.is_empty() {
        return;
    }
    if schema::takes_name(row) && hole == "NAME" {
        return; // a new name is the user's own
    }
    for word in shape::words(hole) {
        items.push(plain(word, Kind::Value, ""));
    }
    let kinds = shape::kinds(row, cursor.args.last().copied(), hole);
    let fitting = index.declarations().iter();
    let fitting = fitting.filter(|d| kinds.contains(&d.kind) && !cursor.args.contains(&&*d.name));
    // a level of the ladder that stands before it
    let fitting = fitting.filter(|d| {
        let owner = d.owner.as_deref();
        !d.is_inside() || owner.is_some_and(|owner| cursor.args.contains(&owner))
    });
    items.extend(fitting.map(name));
}

/// Behind a dot: the artifacts of an agent, or what a condition may ask of a task.
fn parts(head: &str, row: &'static Row, index: &Index, items: &mut Vec<Item>) {
    let artifacts = index.declarations().iter();
    let artifacts = artifacts.filter(|d| d.kind == ARTIFACT && d.owner.as_deref() == Some(head));
    for artifact in artifacts {
        if !items.iter().any(|item| item.label == artifact.name) {
            items.push(name(artifact));
        }
    }
    let asks = shape::all_kinds(row).contains(&"param");
    if asks && index.named(head).any(|d| d.kind == "task") {
        let states = STATES.join(", ");
        items.push(plain("state", Kind::Value, &states));
        items.push(plain("outputs", Kind::Value, "what the task wrote"));
    }
}

fn name(declaration: &Declaration) -> Item {
    Item {
        label: declaration.name.clone(),
        kind: Kind::Name(declaration.kind),
        detail: match &declaration.title {
            Some(title) => format!("{} \"{title}\"", declaration.kind),
            None => declaration.kind.to_string(),
        },
        doc: declaration.doc.clone(),
        snippet: None,
    }
}

fn plain(label: &str, kind: Kind, detail: &str) -> Item {
    Item {
        label: label.to_string(),
        kind,
        detail: detail.to_string(),
        doc: String::new(),
        snippet: None,
    }
}
