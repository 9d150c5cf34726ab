//! Floor 1: from text to a checked model.
//!
//! Reading order: [`source`] and [`diagnostic`] are the vocabulary; [`syntax`] turns text into a
//! tree and never fails; [`schema`] is the table of statements; [`lower`] turns trees into the
//! [`model`]; `check` judges it; [`format`] writes a tree back; [`editor`] answers what editors
//! ask; [`difference`] compares two versions; [`explain`] holds the long text of each diagnostic.
//! Nothing here reads a file, a clock or
//! the environment.

pub mod check;
pub mod diagnostic;
pub mod difference;
pub mod editor;
pub mod explain;
pub mod expr;
pub mod format;
pub mod glob;
pub mod ids;
pub mod lower;
pub mod model;
pub mod schema;
pub mod source;
pub mod stack;
pub mod syntax;
pub mod time;
pub mod value;
