//! Lines, blocks, comments and blank lines.

use super::head::{HeadWriter, Writer, flat_width};
use super::token::{Kind, Token};

/// Columns of a statement with its block on one line.
const ONE_LINE_WIDTH: usize = 80;

/// The text that `tokens` make.
pub(super) fn print(tokens: &[Token<'_>]) -> String {
    let mut printer = Printer {
        tokens,
        out: Writer::default(),
        depth: 0,
        fresh: true,
        takes_comment: false,
        tall: false,
    };
    let mut at = 0;
    while at < tokens.len() {
        at = printer.item(at);
    }
    printer.out.finish()
}

struct Printer<'t> {
    tokens: &'t [Token<'t>],
    out: Writer,
    depth: usize,
    /// True at the start of the file and of a block: no blank line here.
    fresh: bool,
    /// True when the line written last can be followed by a comment.
    takes_comment: bool,
    /// True behind a top-level declaration that takes several lines.
    tall: bool,
}

/// How the block of a statement is written.
enum Shape {
    None,
    Empty,
    /// On the head's line; the index of its `}`.
    OneLine(usize),
    Expanded,
}

impl Printer<'_> {
    /// Writes what starts at `at`; returns where to go on.
    fn item(&mut self, at: usize) -> usize {
        let token = self.tokens[at];
        match token.kind {
            Kind::Comment if token.newlines == 0 && self.takes_comment => {
                self.out.push(" ");
                self.out.push(token.text);
                self.takes_comment = false;
                at + 1
            }
            Kind::Comment | Kind::Doc | Kind::Line => self.own_line(at),
            Kind::BlockOpen => self.stray_open(at),
            Kind::BlockClose => self.close(at),
            _ => self.statement(at),
        }
    }

    fn own_line(&mut self, at: usize) -> usize {
        self.start_line(at);
        self.out.push(self.tokens[at].text);
        self.takes_comment = !self.tokens[at].text.starts_with('#');
        at + 1
    }

    fn stray_open(&mut self, at: usize) -> usize {
        if self.takes_comment {
            self.out.push(" ");
        } else {
            self.start_line(at);
        }
        self.open();
        at + 1
    }

    fn open(&mut self) {
        self.out.push("{");
        self.depth += 1;
        self.fresh = true;
        self.takes_comment = true;
    }

    fn close(&mut self, at: usize) -> usize {
        self.depth = self.depth.saturating_sub(1);
        self.fresh = true;
        self.start_line(at);
        self.out.push("}");
        self.takes_comment = true;
        self.tall = self.depth == 0;
        at + 1
    }

    fn statement(&mut self, at: usize) -> usize {
        let end = head_end(self.tokens, at);
        self.start_line(at);
        self.takes_comment = true;
        match self.shape(at, end) {
            Shape::None => {
                self.head(at, end, 0);
                self.tall = self.depth == 0 && self.has_fence(at, end);
                end
            }
            Shape::Empty => {
                self.head(at, end, 3);
                self.out.push(" {}");
                end + 2
            }
            Shape::OneLine(close) => {
                self.flat(at, end);
                self.out.push(" { ");
                self.flat(end + 1, close);
                self.out.push(" }");
                close + 1
            }
            Shape::Expanded => {
                self.head(at, end, 2);
                self.out.push(" ");
                self.open();
                end + 1
            }
        }
    }

    fn head(&mut self, start: usize, end: usize, suffix: usize) {
        let mut head = HeadWriter {
            tokens: self.tokens,
            out: &mut self.out,
        };
        head.write(start..end, self.depth, suffix);
    }

    fn flat(&mut self, start: usize, end: usize) {
        HeadWriter {
            tokens: self.tokens,
            out: &mut self.out,
        }
        .write_flat(start..end);
    }

    /// How to write the block behind the head `tokens[start..end]`.
    fn shape(&self, start: usize, end: usize) -> Shape {
        let kind = |at: usize| self.tokens.get(at).map(|t| t.kind);
        if kind(end) != Some(Kind::BlockOpen) {
            return Shape::None;
        }
        if kind(end + 1) == Some(Kind::BlockClose) {
            return Shape::Empty;
        }
        self.one_line(start, end)
            .map_or(Shape::Expanded, Shape::OneLine)
    }

    /// The `}` of a block that was written on one line, is simple and short.
    fn one_line(&self, start: usize, open: usize) -> Option<usize> {
        let first = open + 1;
        if self.tokens.get(first)?.kind != Kind::Word {
            return None;
        }
        let close = head_end(self.tokens, first);
        let was_one_line = self
            .tokens
            .get(first..=close)?
            .iter()
            .all(|t| t.newlines == 0);
        if !was_one_line || self.tokens[close].kind != Kind::BlockClose {
            return None;
        }
        let head = flat_width(self.tokens, start..open, ONE_LINE_WIDTH)?;
        let inner = flat_width(self.tokens, first..close, ONE_LINE_WIDTH)?;
        let width = 2 * self.depth + head + " { ".len() + inner + " }".len();
        (width <= ONE_LINE_WIDTH).then_some(close)
    }

    fn start_line(&mut self, at: usize) {
        let written = self.tokens[at].newlines > 1 && !self.is_documented(at);
        let blank = !self.fresh && (written || (self.tall && self.tall_follows(at)));
        self.out.line(self.depth, blank);
        self.fresh = false;
        self.tall = false;
    }

    fn is_documented(&self, at: usize) -> bool {
        at > 0 && self.tokens[at - 1].kind == Kind::Doc
    }

    /// True when what starts at `at` is, below its comments and without a blank line, a
    /// declaration of several lines.
    fn tall_follows(&self, at: usize) -> bool {
        let is_note = |t: &Token<'_>| matches!(t.kind, Kind::Comment | Kind::Doc);
        let mut word = at;
        while self.tokens.get(word).is_some_and(is_note) {
            word += 1;
            let Some(next) = self.tokens.get(word) else {
                return false;
            };
            if next.newlines > 1 && !self.is_documented(word) {
                return false;
            }
        }
        let end = head_end(self.tokens, word);
        self.has_fence(word, end) || matches!(self.shape(word, end), Shape::Expanded)
    }

    fn has_fence(&self, start: usize, end: usize) -> bool {
        self.tokens[start..end]
            .iter()
            .any(|t| t.kind == Kind::Fence)
    }
}

/// Where the head ends that starts at `start`; the first token always belongs to it.
fn head_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if index > start && depth == 0 && ends_head(token.kind) {
            return index;
        }
    }
    tokens.len()
}

fn ends_head(kind: Kind) -> bool {
    match kind {
        Kind::Word
        | Kind::BlockOpen
        | Kind::BlockClose
        | Kind::Comment
        | Kind::Doc
        | Kind::Line => true,
        Kind::Name
        | Kind::Number
        | Kind::Value
        | Kind::Op
        | Kind::Fence
        | Kind::Comma
        | Kind::Open(_)
        | Kind::Close(_) => false,
    }
}
