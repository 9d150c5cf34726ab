//! What an editor asks about a text, answered as plain data.
//!
//! Everything is driven by the schema table and by one notion: a name at a place stands for a
//! declaration ([`index`]). Statements that the table gains are completed, explained, folded and
//! coloured without a word here. Knows no protocol: offsets are bytes, a host converts.
//!
//! Reading order: [`walk`] goes through a tree with the table beside it; [`index`] knows what is
//! declared and where it is used; [`cursor`] says from the text alone where a position is;
//! [`shape`] reads the table's shapes; the others answer one question each.

pub mod completion;
pub mod cursor;
pub mod folding;
pub mod hover;
pub mod index;
pub mod outline;
pub mod rename;
pub mod shape;
pub mod tokens;
pub mod walk;
