//! A new name for something, in every place that speaks of it.

use super::index::{Declaration, Index};
use crate::source::Span;
use unicode_xid::UnicodeXID;

/// Every place that a rename of `declaration` to `name` has to write; or why it cannot be.
pub fn rename(index: &Index, declaration: &Declaration, name: &str) -> Result<Vec<Span>, String> {
    legal(name)?;
    if let Some(other) = rival(index, declaration, name) {
        return Err(format!(
            "`{name}` is {} {} already: choose another name",
            article(other.kind),
            other.kind
        ));
    }
    let mut places = vec![declaration.span];
    places.extend(index.uses_of(declaration));
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// The rule of the grammar: a letter or `_`, then letters, digits, `_`, and hyphens inside.
fn legal(name: &str) -> Result<(), String> {
    let mut rest = name.chars();
    let starts = rest.next().is_some_and(|c| c == '_' || c.is_xid_start());
    let goes_on = rest.all(|c| c == '-' || c.is_xid_continue());
    if !starts || !goes_on || name.ends_with('-') || name.contains("--") {
        return Err(format!(
            "`{name}` is no name: names start with a letter and hold letters, digits, `_` and single `-`"
        ));
    }
    if name.len() > crate::syntax::MAX_IDENTIFIER {
        return Err(format!(
            "this name has {} bytes; the limit is {}",
            name.len(),
            crate::syntax::MAX_IDENTIFIER
        ));
    }
    if crate::lower::is_built_in(name) {
        return Err(format!("`{name}` is built in and cannot be declared"));
    }
    Ok(())
}

/// Something else that bears the name in the same namespace.
fn rival<'i>(index: &'i Index, own: &Declaration, name: &str) -> Option<&'i Declaration> {
    index.named(name).find(|other| {
        let same_owner = !own.is_inside() || other.owner == own.owner;
        namespace(other.kind) == namespace(own.kind) && same_owner && other.span != own.span
    })
}

/// Who and work are namespaces of several kinds; any other kind is one of its own.
fn namespace(kind: &'static str) -> &'static str {
    match kind {
        "agent" | "human" | "group" => "who",
        "task" | "phase" | "sync" | "milestone" => "work",
        other => other,
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}
