//! Judgements on a model that need no graph and no calendar: one family of rules a file.

mod chains;
mod ladders;
mod ownership;
mod people;
mod situations;
mod structure;
mod templates;
mod unused;

use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use crate::model::Model;
use crate::stack::with_room;

/// Everything there is to say about `model` alone. `paths` are the project's files, when a host
/// has looked: globs that match none of them are worth a word.
pub fn check(model: &Model, facts: &Facts, paths: Option<&[String]>) -> Vec<Diagnostic> {
    with_room(|| check_here(model, facts, paths))
}

fn check_here(model: &Model, facts: &Facts, paths: Option<&[String]>) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    structure::check(model, facts, &mut out);
    ownership::check(model, paths, &mut out);
    people::check(model, facts, &mut out);
    ladders::check(model, facts, &mut out);
    situations::check(model, &mut out);
    templates::check(model, &mut out);
    unused::check(model, facts, &mut out);
    out
}
