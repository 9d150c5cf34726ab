//! The one way to write a `.coord` file: from a tree and its text to the text as it should be.
//!
//! `token` flattens the file into everything that is not white space, `space` says where two
//! tokens of a head are parted, `head` lays out a statement's arguments, `fence` moves fences,
//! `layout` does lines, blocks, comments and blank lines. The formatter is total: whatever the
//! parser could not read is copied as it stands. It knows shapes and next to no words, has no
//! options, and never aligns columns.
//!
//! The rules:
//!
//! - Lines end with LF, the file with exactly one. Trailing white space, tabs between tokens and
//!   a byte order mark go. An empty file stays empty. Two spaces per block level.
//! - One statement per line, one space between arguments. Inside `[ ]` and `( )` no space at the
//!   brackets and before a comma, one behind it.
//! - `..` is tight where it was written with space on both sides, and behind the value of an open
//!   range (`6..`). `NAME: TYPE` has a space only behind the colon. `->`, `|` and comparisons
//!   stand between spaces. Other operators, as in `Europe/Berlin` or `p - 1`, are left as written,
//!   and so is everything that would be read differently if it were pulled apart or together.
//! - `(` follows its name as written; always tight in `workflow NAME(…)`, `call NAME(…)` and
//!   `start NAME(…)`, never tight behind a word of conditions such as `and` or `not`.
//! - Texts, numbers, dates and names are copied. A fence's body moves with its closing line, which
//!   stands below its statement, so that its dedented text is the same; CRLF becomes LF in it.
//! - A list stands on one line when the statement, up to its ` {`, then fits into 100 columns;
//!   otherwise, or with a comment in it, it has one element per line, each with a comma. It is
//!   not broken when that could not bring the rest of the line below 100 columns.
//! - Parentheses are broken for the same reasons, behind each comma and where the user broke
//!   them; commas in them are never added or removed.
//! - `{` ends the head's line, `}` stands alone. A block without content is `{}`. A block that was
//!   written on one line stays there when it holds one plain statement (no block, comment or
//!   fence) and fits into 80 columns.
//! - A blank line between items stays, several become one; none at the start or the end of a
//!   block, a file or a broken list, and none below a doc comment. One is inserted between two
//!   neighbours at the top level that both take several lines by a block or a fence.
//! - A comment stays where it is: behind what it was written behind, one space away, or on a line
//!   of its own, indented like what surrounds it. Its text is not touched.
//! - A statement head with a syntax error, and a line that is no statement, are copied as they
//!   stand. Items lacking a comma in a list get it. A file that could not be read at all (a limit
//!   was passed) is returned as it is.

mod fence;
mod head;
mod layout;
mod part;
mod space;
#[cfg(test)]
mod tests;
mod token;

pub use part::format_part;

use crate::source::SourceFile;
use crate::stack::with_room;
use crate::syntax::tree::Tree;
use token::Kind;

/// The text of `source` as it should be written; `tree` is what the parser made of it.
///
/// Nothing but white space and commas differs between the two texts. Formatting the result again
/// changes nothing, if the source has no syntax errors.
pub fn format(source: &SourceFile, tree: &Tree<'_>) -> String {
    with_room(|| format_here(source, tree))
}

fn format_here(source: &SourceFile, tree: &Tree<'_>) -> String {
    let tokens = token::tokens(source.text(), &tree.items);
    if tree.items.is_empty() && !tokens.iter().all(|t| t.kind == Kind::Comment) {
        return source.text().to_string();
    }
    let formatted = layout::print(&tokens);
    if keeps_text(source.text(), &formatted) {
        formatted
    } else {
        unchanged(source)
    }
}

/// The last line of defence of a tool that overwrites files. Only comments that end in a lone CR
/// before another argument are known to come here: their order changes.
fn unchanged(source: &SourceFile) -> String {
    debug_assert!(source.text().contains('\r'), "BUG: the formatter lost text");
    source.text().to_string()
}

/// True when the two differ in white space and commas only.
fn keeps_text(before: &str, after: &str) -> bool {
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    before
        .bytes()
        .filter(is_kept)
        .eq(after.bytes().filter(is_kept))
}

fn is_kept(byte: &u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',')
}
