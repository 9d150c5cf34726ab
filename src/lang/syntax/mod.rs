//! Text to tree. Never fails: a mistake is a diagnostic and a node that says nothing.
//!
//! `scan` looks at the bytes before anything else (encoding, limits), `parse` runs the grammar
//! and builds the tree, `tree` is the result. Knows shapes only, no keyword.

mod group;
pub(crate) mod lexeme;
mod moved;
mod parse;
mod pieces;
mod plain;
mod scan;
mod stretches;
pub mod tree;

pub use parse::parse;
pub use pieces::{Parsed, Pieces};
pub use scan::Limits;
pub(crate) use scan::MAX_IDENTIFIER;
