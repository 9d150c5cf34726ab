//! Where two neighbours in a statement's head are parted by a space.
//!
//! White space may only be added or taken where the same tokens are read again; `merges` and the
//! narrow conditions of `..` and `:` see to that.

use super::token::{Bracket, Kind, Token};

/// Words of conditions, behind which parentheses are no call.
const CONDITION_WORDS: [&str; 9] = [
    "and", "or", "not", "in", "when", "where", "if", "is", "expect",
];
/// Words behind which `NAME(…)` is a call or a signature.
const CALL_WORDS: [&str; 3] = ["workflow", "call", "start"];

/// True when a space stands before `tokens[at]`, which follows another token of the same head.
pub(super) fn before(tokens: &[Token<'_>], at: usize) -> bool {
    wanted(tokens, at) && !merges(tokens, at)
}

fn wanted(tokens: &[Token<'_>], at: usize) -> bool {
    let (left, right) = (tokens[at - 1], tokens[at]);
    match (left.kind, right.kind) {
        (_, Kind::Comma | Kind::Close(_)) | (Kind::Open(_), _) => false,
        (Kind::Comma | Kind::Word, _) => true,
        (Kind::Op, Kind::Op) => right.spaced || stands_apart(left.text),
        (_, Kind::Op) => before_op(tokens, at),
        (Kind::Op, _) => behind_op(tokens, at),
        (Kind::Name, Kind::Open(Bracket::Group)) => before_group(tokens, at),
        _ => true,
    }
}

fn before_op(tokens: &[Token<'_>], at: usize) -> bool {
    let (left, op) = (tokens[at - 1], tokens[at]);
    match op.text {
        ".." if spread_range(tokens, at) || open_range(tokens, at) => false,
        ":" if left.kind == Kind::Name => false,
        text => stands_apart(text) || op.spaced,
    }
}

fn behind_op(tokens: &[Token<'_>], at: usize) -> bool {
    let (op, right) = (tokens[at - 1], tokens[at]);
    match op.text {
        ".." if spread_range(tokens, at - 1) => false,
        ":" if at > 1 && tokens[at - 2].kind == Kind::Name => true,
        text => stands_apart(text) || right.spaced,
    }
}

fn stands_apart(op: &str) -> bool {
    matches!(op, "->" | "|" | "==" | "!=" | "<" | "<=" | ">" | ">=")
}

/// A range to be pulled together: `2d ..3d`; with names only if spaced on both sides, since a name
/// may be the next clause, as in `6.. by lead`.
fn spread_range(tokens: &[Token<'_>], dots: usize) -> bool {
    let (Some(left), Some(right)) = (tokens.get(dots.wrapping_sub(1)), tokens.get(dots + 1)) else {
        return false;
    };
    let spread = tokens[dots].spaced && right.spaced;
    match (left.kind, right.kind) {
        (Kind::Number | Kind::Value, Kind::Number | Kind::Value) => true,
        (Kind::Name, Kind::Name | Kind::Number | Kind::Value) => spread,
        _ => false,
    }
}

/// `6 ..` with nothing behind it that could be its upper end.
fn open_range(tokens: &[Token<'_>], dots: usize) -> bool {
    let ends = tokens.get(dots + 1).is_none_or(|behind| match behind.kind {
        Kind::Number | Kind::Value => false,
        Kind::Name | Kind::Op => behind.spaced,
        _ => true,
    });
    ends && matches!(tokens[dots - 1].kind, Kind::Number | Kind::Value)
}

fn before_group(tokens: &[Token<'_>], at: usize) -> bool {
    let is_call = at > 1
        && matches!(tokens[at - 2].kind, Kind::Word | Kind::Name)
        && CALL_WORDS.contains(&tokens[at - 2].text);
    !is_call && (tokens[at].spaced || CONDITION_WORDS.contains(&tokens[at - 1].text))
}

/// True when the digits before `tokens[at]` would be read as a date or a time, were they parted
/// from it: `2025-08-13-x` is no date, `2025-08-13 -x` starts with one.
fn merges(tokens: &[Token<'_>], at: usize) -> bool {
    let goes_on = |c: char| c == '-' || c == ':' || unicode_xid::UnicodeXID::is_xid_continue(c);
    let Some([first, op, last]) = at.checked_sub(3).map(|n| &tokens[n..at]) else {
        return false;
    };
    let is_pair = first.kind == Kind::Number && last.kind == Kind::Number;
    let is_tight = !op.spaced && !last.spaced && !tokens[at].spaced;
    is_pair && is_tight && matches!(op.text, "-" | ":") && tokens[at].text.starts_with(goes_on)
}
