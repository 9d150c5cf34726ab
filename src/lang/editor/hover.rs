//! What a word at a position means, as Markdown.

use super::cursor::cursor;
use super::index::{Declaration, Index};
use super::shape::{self, Symbol};
use crate::schema::{self, Place, Row};
use crate::source::{FileId, Span};

/// A statement's word at `offset`, or one of its shape: the row, and the word's bytes.
pub fn keyword(text: &str, offset: usize) -> Option<(&'static Row, std::ops::Range<usize>)> {
    let bytes = text.as_bytes();
    let inside = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
    let before = bytes.get(..offset)?.iter().rev().take_while(|b| inside(b));
    let start = offset - before.count();
    let end = offset + bytes[offset..].iter().take_while(|b| inside(b)).count();
    let word = text.get(start..end).filter(|word| !word.is_empty())?;
    let cursor = cursor(text, start);
    if cursor.quoted || (start > 0 && bytes[start - 1] == b'.') {
        return None;
    }
    let place = cursor.place?;
    let row = match cursor.word {
        None => schema::find(place, word)?,
        Some(statement) => {
            let row = schema::find(place, statement)?;
            shape::symbols(row)
                .contains(&Symbol::Word(word))
                .then_some(row)?
        }
    };
    Some((row, start..end))
}

/// The row of the table, as the manual has it.
pub fn row(row: &Row) -> String {
    let mut out = format!(
        "```coord\n{}\n```\n\n{}\n",
        format!("{} {}", row.word, row.shape).trim_end(),
        row.doc
    );
    if !row.default.is_empty() {
        out.push_str(&format!("\nDefault: {}\n", row.default));
    }
    let places: Vec<&str> = row.places.iter().copied().map(Place::name).collect();
    out.push_str(&format!(
        "\nIn {}, as in `{}`\n",
        schema::one_of(places),
        row.example
    ));
    out
}

/// A declaration: its head, its doc comment, and `facts` that a host has computed.
pub fn declaration(index: &Index, declaration: &Declaration, facts: &[(String, String)]) -> String {
    let title = declaration.title.as_ref();
    let title = title.map_or(String::new(), |title| format!(" \"{title}\""));
    let mut out = format!(
        "```coord\n{} {}{title}\n```\n",
        declaration.kind, declaration.name
    );
    if !declaration.doc.is_empty() {
        out.push_str(&format!("\n{}\n", declaration.doc));
    }
    let uses = index.uses_of(declaration).len();
    let used = match uses {
        0 => "nowhere".to_string(),
        1 => "in 1 place".to_string(),
        n => format!("in {n} places"),
    };
    out.push('\n');
    if let (true, Some(owner)) = (declaration.is_inside(), &declaration.owner) {
        out.push_str(&format!("- of: {owner}\n"));
    }
    for (name, value) in facts {
        out.push_str(&format!("- {name}: {value}\n"));
    }
    out.push_str(&format!("- used {used}\n"));
    out
}

/// The name at a position, when there is one.
pub fn name(index: &Index, file: FileId, offset: u32) -> Option<(Span, &Declaration)> {
    let named = index.at(file, offset)?;
    Some((named.span, named.declaration))
}
