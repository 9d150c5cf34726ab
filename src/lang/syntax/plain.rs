//! Reads without the grammar what is written as it should be, which is nearly all of any text and
//! ten times as fast.
//!
//! The grammar is what decides. This reader knows the shapes of plain ASCII statements and gives up
//! at the first byte that could mean anything else: a mistake, a letter of another alphabet outside
//! of a text. The grammar then reads that statement of the top level, and says
//! what is wrong with it. A test reads every fixture, whole and broken, both ways.

use super::group::group;
use super::parse::{self, Stretch, dedent, trimmed};
use super::pieces::is_uncertain;
use super::scan::{MAX_IDENTIFIER, MAX_TEXT};
use super::tree::{Arg, ArgKind, Block, Fence, Item, Piece, Statement};
use crate::source::{FileId, SourceFile, Span};
use crate::stack::with_room;
use std::ops::Range;

/// Brackets inside each other, above which the grammar reads.
const DEEPEST: usize = 64;
/// The grammar's operators, in its order.
const OPERATORS: [&str; 17] = [
    "->", ">=", "<=", "==", "!=", "..", ">", "<", "|", "=", "+", "-", "*", "/", ":", "?", "~",
];

/// Reads these bytes as if they were a file. None when they have to be read by the grammar as a
/// whole.
pub(super) fn stretch<'s>(
    id: FileId,
    source: &'s SourceFile,
    bytes: Range<usize>,
) -> Option<Stretch<'s>> {
    with_room(|| stretch_here(id, source, bytes))
}

fn stretch_here<'s>(
    id: FileId,
    source: &'s SourceFile,
    bytes: Range<usize>,
) -> Option<Stretch<'s>> {
    let mut all = Stretch::default();
    let mut reader = Reader {
        id,
        text: &source.text()[..bytes.end],
        at: bytes.start,
        depth: 0,
        args: Vec::new(),
        items: Vec::new(),
        elements: Vec::new(),
        comments: Vec::new(),
    };
    while reader.at < bytes.end {
        let (start, comments) = (reader.at, reader.comments.len());
        if let Some(item) = reader.top_level() {
            all.items.extend(item);
            continue;
        }
        reader.forget(comments);
        let end = group(source.text(), start, bytes.end)?.end;
        let part = parse::stretch(id, source, start..end)?;
        let text = &source.text()[start..end];
        if part.ends_unclosed() || is_uncertain(text, &part.items, &part.diagnostics) {
            return None;
        }
        all.items.extend(part.items);
        reader.comments.extend(part.comments);
        all.diagnostics.extend(part.diagnostics);
        reader.at = end;
    }
    all.comments = reader.comments;
    Some(all)
}

/// Each method gives None for what is not plain; where it stands is then of no use.
struct Reader<'s> {
    id: FileId,
    /// Up to the end of what is read.
    text: &'s str,
    at: usize,
    depth: usize,
    /// What statements, blocks and lists that are being read hold so far, the innermost last:
    /// lists of the tree are then as long as what they hold.
    args: Vec<Arg<'s>>,
    items: Vec<Item<'s>>,
    elements: Vec<Vec<Arg<'s>>>,
    comments: Vec<Span>,
}

impl<'s> Reader<'s> {
    /// The next statement and what stands above it; nothing at the end.
    fn top_level(&mut self) -> Option<Option<Item<'s>>> {
        let doc = self.above()?;
        if self.peek().is_none() {
            return doc.is_empty().then_some(None);
        }
        let statement = self.statement(doc)?;
        self.blanks();
        match self.peek() {
            None | Some(b'\n' | b'#') => Some(Some(Item::Statement(statement))),
            Some(_) => None,
        }
    }

    /// Drops what a statement that was not plain has left.
    fn forget(&mut self, comments: usize) {
        self.comments.truncate(comments);
        self.args.clear();
        self.items.clear();
        self.elements.clear();
        self.depth = 0;
    }

    fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(self.id, start, self.at)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) || self.is_long_break() {
            self.at += 1;
        }
    }

    /// A carriage return before the line break that it belongs to.
    fn is_long_break(&self) -> bool {
        self.peek() == Some(b'\r') && self.byte(1) == Some(b'\n')
    }

    /// Steps over blanks and line breaks.
    fn breaks(&mut self) {
        self.blanks();
        while self.peek() == Some(b'\n') {
            self.at += 1;
            self.blanks();
        }
    }

    /// Steps over comments and empty lines, and returns the doc lines among them.
    fn above(&mut self) -> Option<Vec<Span>> {
        let mut doc = Vec::new();
        loop {
            self.breaks();
            match (self.peek(), self.byte(1)) {
                (Some(b'#'), Some(b'#')) => doc.push(self.line()?),
                (Some(b'#'), _) => self.comment()?,
                _ => return Some(doc),
            }
        }
    }

    fn comment(&mut self) -> Option<()> {
        let span = self.line()?;
        self.comments.push(span);
        Some(())
    }

    /// What is left of this line.
    fn line(&mut self) -> Option<Span> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        self.at += length.unwrap_or(rest.len());
        (self.peek() != Some(b'\r') || self.is_long_break()).then(|| self.span_from(start))
    }

    /// Up to the end of its line or of its block, or behind its own block.
    fn statement(&mut self, doc: Vec<Span>) -> Option<Statement<'s>> {
        let start = self.at;
        let word = self.identifier()?;
        let word_span = self.span_from(start);
        let before = self.args.len();
        let mut block = None;
        loop {
            self.blanks();
            match (self.peek(), self.byte(1)) {
                (None | Some(b'\n' | b'}'), _) => break,
                (Some(b'{'), _) => {
                    block = Some(self.block()?);
                    break;
                }
                (Some(b'#'), next) if next != Some(b'#') => self.comment()?,
                (Some(b'`'), _) => {
                    let fence = self.fence()?;
                    self.args.push(fence);
                }
                _ => {
                    let arg = self.argument()?;
                    self.args.push(arg);
                }
            }
        }
        let args: Vec<Arg<'s>> = self.args.drain(before..).collect();
        // what people bring along from other languages is told by the other parser
        let habit = |arg: &Arg<'_>| matches!(arg.kind, ArgKind::Op("=" | ":" | "->"));
        if args.first().is_some_and(habit) {
            return None;
        }
        let end = block.as_ref().map(|block| block.span);
        let end = end.or(args.last().map(|arg| arg.span)).unwrap_or(word_span);
        Some(Statement {
            word,
            word_span,
            args,
            block,
            doc,
            span: word_span.to(end),
        })
    }

    fn block(&mut self) -> Option<Block<'s>> {
        let start = self.at;
        self.open()?;
        let before = self.items.len();
        loop {
            let doc = self.above()?;
            if self.peek() == Some(b'}') {
                if !doc.is_empty() {
                    return None;
                }
                break;
            }
            let statement = self.statement(doc)?;
            self.blanks();
            if !matches!(self.peek(), Some(b'\n' | b'}' | b'#')) {
                return None;
            }
            self.items.push(Item::Statement(statement));
        }
        self.close();
        Some(Block {
            items: self.items.drain(before..).collect(),
            span: self.span_from(start),
            closed: true,
        })
    }

    fn open(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        (self.depth < DEEPEST).then_some(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Anything but a fence, which stands in no list.
    fn argument(&mut self) -> Option<Arg<'s>> {
        let start = self.at;
        let kind = match self.peek()? {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => ArgKind::Word(self.path()?),
            b'0'..=b'9' => self.scalar()?,
            b'"' => self.text()?,
            b'\'' => self.raw()?,
            b'[' => self.list()?,
            b'(' => self.parentheses()?,
            _ => self.operator()?,
        };
        Some(Arg {
            kind,
            span: self.span_from(start),
        })
    }

    fn identifier(&mut self) -> Option<&'s str> {
        let start = self.at;
        self.step_over_identifier()?;
        let name = &self.text[start..self.at];
        (name.len() <= MAX_IDENTIFIER).then_some(name)
    }

    fn step_over_identifier(&mut self) -> Option<()> {
        if !matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_')) {
            return None;
        }
        self.at += 1;
        loop {
            match (self.peek(), self.byte(1)) {
                (Some(b), _) if is_word_byte(b) => self.at += 1,
                (Some(b'-'), Some(b)) if is_word_byte(b) => self.at += 2,
                // it may be a letter
                (Some(b), _) if !b.is_ascii() => return None,
                _ => return Some(()),
            }
        }
    }

    fn path(&mut self) -> Option<&'s str> {
        let start = self.at;
        self.step_over_identifier()?;
        while self.peek() == Some(b'.') {
            match self.byte(1) {
                Some(b'.') => break,
                Some(b'*') => self.at += 2,
                _ => {
                    self.at += 1;
                    self.step_over_identifier()?;
                }
            }
        }
        let path = &self.text[start..self.at];
        (path.len() <= MAX_IDENTIFIER).then_some(path)
    }

    /// Starts with a digit.
    fn scalar(&mut self) -> Option<ArgKind<'s>> {
        let start = self.at;
        let kind = match self.digits() {
            4 if self.peek() == Some(b'-') => {
                self.two_digits_behind(b'-')?;
                self.two_digits_behind(b'-')?;
                ArgKind::Date
            }
            1..=2 if self.peek() == Some(b':') => {
                self.two_digits_behind(b':')?;
                ArgKind::Time
            }
            _ => {
                if self.peek() == Some(b'.') && self.byte(1).is_some_and(|b| b.is_ascii_digit()) {
                    self.at += 1;
                    self.digits();
                }
                match self.peek() {
                    Some(b'%') => {
                        self.at += 1;
                        return Some(ArgKind::Percent(&self.text[start..self.at]));
                    }
                    Some(b'a'..=b'z' | b'A'..=b'Z') => {
                        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
                            self.at += 1;
                        }
                    }
                    _ => {}
                }
                ArgKind::Number
            }
        };
        let ends = match (self.peek(), self.byte(1)) {
            (Some(b'.'), Some(b'.')) => true,
            (Some(b'.' | b'-' | b':' | b'/' | b'%'), _) => false,
            (Some(b), _) => b.is_ascii() && !is_word_byte(b),
            (None, _) => true,
        };
        ends.then(|| kind(&self.text[start..self.at]))
    }

    /// Steps over digits and counts them.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn two_digits_behind(&mut self, mark: u8) -> Option<()> {
        if self.peek() != Some(mark) {
            return None;
        }
        self.at += 1;
        (self.digits() == 2).then_some(())
    }

    /// A text in double quotes.
    fn text(&mut self) -> Option<ArgKind<'s>> {
        let start = self.at;
        self.at += 1;
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            text.push_str(self.characters());
            let escape = match (self.peek()?, self.byte(1)) {
                (b'"', _) => break,
                (b'\\', Some(b'n')) => '\n',
                (b'\\', Some(b't')) => '\t',
                (b'\\', Some(b @ (b'"' | b'\\' | b'$'))) => char::from(b),
                (b'$', Some(b'$')) => '$',
                (b'$', Some(b'{')) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(self.interpolation()?);
                    continue;
                }
                (b'$', _) => {
                    text.push('$');
                    self.at += 1;
                    continue;
                }
                _ => return None,
            };
            text.push(escape);
            self.at += 2;
        }
        self.at += 1;
        if !text.is_empty() || pieces.is_empty() {
            pieces.reserve_exact(1);
            pieces.push(Piece::Text(text));
        }
        (self.at - start <= MAX_TEXT).then_some(ArgKind::Text(pieces))
    }

    /// What stands for itself in a text.
    fn characters(&mut self) -> &'s str {
        let rest = &self.text[self.at..];
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'$' | b'\n' | b'\r');
        let length = rest.as_bytes().iter().position(special);
        let characters = &rest[..length.unwrap_or(rest.len())];
        self.at += characters.len();
        characters
    }

    /// `${path}`
    fn interpolation(&mut self) -> Option<Piece<'s>> {
        let start = self.at;
        self.at += 2;
        let path = self.path()?;
        if self.peek() != Some(b'}') {
            return None;
        }
        self.at += 1;
        Some(Piece::Interpolation(path, self.span_from(start)))
    }

    /// A text in single quotes.
    fn raw(&mut self) -> Option<ArgKind<'s>> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b'\'' | b'\n' | b'\r'))?;
        if rest[length] != b'\'' || length + 2 > MAX_TEXT {
            return None;
        }
        self.at = start + length + 1;
        let text = self.text[start..start + length].to_string();
        Some(ArgKind::Text(vec![Piece::Text(text)]))
    }

    fn list(&mut self) -> Option<ArgKind<'s>> {
        self.open()?;
        let before = self.elements.len();
        self.breaks();
        while self.peek() != Some(b']') {
            let element = self.element()?;
            self.elements.push(element);
            self.breaks();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    self.breaks();
                }
                b']' => {}
                _ => return None,
            }
        }
        self.close();
        Some(ArgKind::List(self.elements.drain(before..).collect()))
    }

    /// One or more arguments, up to a comma, a line break or the end of their list.
    fn element(&mut self) -> Option<Vec<Arg<'s>>> {
        let before = self.args.len();
        loop {
            let arg = self.argument()?;
            let is_text = |arg: &Arg<'_>| matches!(arg.kind, ArgKind::Text(_));
            let last = self.args[before..].last();
            // a comma is missing
            if is_text(&arg) && last.is_some_and(is_text) {
                return None;
            }
            self.args.push(arg);
            self.blanks();
            if matches!(self.peek()?, b',' | b']' | b'\n') {
                return Some(self.args.drain(before..).collect());
            }
        }
    }

    fn parentheses(&mut self) -> Option<ArgKind<'s>> {
        self.open()?;
        let before = self.args.len();
        loop {
            self.breaks();
            match self.peek()? {
                b')' => break,
                b',' => self.at += 1,
                _ => {
                    let arg = self.argument()?;
                    self.args.push(arg);
                }
            }
        }
        self.close();
        Some(ArgKind::Group(self.args.drain(before..).collect()))
    }

    fn operator(&mut self) -> Option<ArgKind<'s>> {
        let rest = &self.text.as_bytes()[self.at..];
        let found = |operator: &&&str| rest.starts_with(operator.as_bytes());
        let operator = OPERATORS.iter().find(found)?;
        let start = self.at;
        self.at += operator.len();
        Some(ArgKind::Op(&self.text[start..self.at]))
    }

    /// Several lines between ticks.
    fn fence(&mut self) -> Option<Arg<'s>> {
        let start = self.at;
        let ticks = self.ticks();
        if ticks < 3 {
            return None;
        }
        let tag_start = self.at;
        let tag_span = self.line()?;
        let body = self.at;
        loop {
            let (end, indent) = (self.at, self.next_line()?);
            if self.ticks() == ticks {
                let (raw, tag) = (&self.text[body..end], &self.text[tag_start..body]);
                let fence = Fence {
                    tag: tag.trim(),
                    tag_span: trimmed(tag_span, tag),
                    text: dedent(raw, indent),
                    body_span: Span::new(self.id, body, end),
                };
                return Some(Arg {
                    kind: ArgKind::Fence(Box::new(fence)),
                    span: self.span_from(start),
                });
            }
            self.line()?;
        }
    }

    /// Steps over a line break and counts the blanks behind it.
    fn next_line(&mut self) -> Option<usize> {
        self.at += usize::from(self.is_long_break());
        if self.peek() != Some(b'\n') {
            return None;
        }
        self.at += 1;
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        Some(self.at - start)
    }

    fn ticks(&mut self) -> usize {
        let start = self.at;
        while self.peek() == Some(b'`') {
            self.at += 1;
        }
        self.at - start
    }
}

/// What may stand inside of a name.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;
    use crate::syntax::parse::{parse, parse_unscanned, without_consequences};

    const PLAIN: &str = r##"edition 2026
# about
project site "Site" { start 2026-01-05 }  # one line

## What is built,
## in two lines.
task build-1 "Build" {
  by any of [a, b]   # who
  takes 2d..3.5d
  needs [x.outputs.y, build-2 failed,
    "a" ,
    'b',
  ]
  due friday 17:30
  chance 50%
  env A "a \"b\" ${p.q} $x $$ \n ü"
  when (x.y >= 3, z != "u")
  run ```sh
    echo `x`
      indented
  ```
  list []
  reads local.*
}
phase p { task q { done } }
last"##;

    /// What the reader makes of a text without the grammar.
    fn alone(text: &str) -> Option<usize> {
        let source = SourceFile::new("a.coord", text);
        let mut items = 0;
        let mut reader = Reader {
            id: FileId(0),
            text: source.text(),
            at: 0,
            depth: 0,
            args: Vec::new(),
            items: Vec::new(),
            elements: Vec::new(),
            comments: Vec::new(),
        };
        while reader.at < text.len() {
            items += usize::from(reader.top_level()?.is_some());
        }
        Some(items)
    }

    fn agrees(text: &str) {
        let source = SourceFile::new("a.coord", text);
        let (plain, found) = parse(FileId(1), &source, &Limits::default());
        let (grammar, mut expected) = parse_unscanned(FileId(1), &source);
        without_consequences(&source, &mut expected);
        assert_eq!(format!("{plain:?}"), format!("{grammar:?}"), "in\n{text}");
        assert_eq!(found, expected, "in\n{text}");
    }

    #[test]
    fn plain_statements_need_no_grammar() {
        assert_eq!(alone(PLAIN), Some(5));
        agrees(PLAIN);
        let long = PLAIN.replace('\n', "\r\n");
        assert_eq!(alone(&long), Some(5));
        agrees(&long);
    }

    /// Every byte of the plain text in turn is another one, or the last.
    #[test]
    fn what_is_not_plain_is_left_to_the_grammar() {
        for at in 0..PLAIN.len() {
            if !PLAIN.is_char_boundary(at) || !PLAIN.is_char_boundary(at + 1) {
                continue;
            }
            agrees(&PLAIN[..at]);
            for other in [
                "\n", " ", "-", ".", "..", ",", "{", "}", "\"", "#", "é", "9", "_", "`",
            ] {
                agrees(&format!("{}{other}{}", &PLAIN[..at], &PLAIN[at + 1..]));
            }
        }
    }
}
