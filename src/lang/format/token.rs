//! The file as one run of tokens: everything that is not white space, in the order of the text.
//!
//! The tree says what is a word, an argument or a fence. What lies between its nodes (braces,
//! commas, comments) is read from the text itself, so that nothing can be missed.

use crate::source::Span;
use crate::syntax::tree::{Arg, ArgKind, Item, Statement};

/// What a token is, as far as layout cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A statement's word; or a whole head that could not be read.
    Word,
    Name,
    Number,
    /// A text, a date, a time or a percent.
    Value,
    Op,
    Fence,
    Comma,
    Open(Bracket),
    Close(Bracket),
    BlockOpen,
    BlockClose,
    Comment,
    /// A `##` line above its declaration.
    Doc,
    /// Something that stands on a line of its own and says nothing.
    Line,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bracket {
    List,
    Group,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    pub(super) text: &'s str,
    /// Line breaks before it; more than two count as two.
    pub(super) newlines: u8,
    /// True when anything at all stood between it and the token before.
    pub(super) spaced: bool,
}

/// All tokens of `text`, which was parsed into `items`.
pub(super) fn tokens<'s>(text: &'s str, items: &[Item<'_>]) -> Vec<Token<'s>> {
    let at = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut reader = Reader {
        text,
        at,
        tokens: Vec::with_capacity(text.len() / 6),
    };
    reader.items(items);
    reader.gap(text.len());
    reader.tokens
}

/// The index behind the bracket that closes the one at `open`.
pub(super) fn past_close(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

struct Reader<'s> {
    text: &'s str,
    /// Everything before this byte is in `tokens`.
    at: usize,
    tokens: Vec<Token<'s>>,
}

impl<'s> Reader<'s> {
    fn items(&mut self, items: &[Item<'_>]) {
        for item in items {
            match item {
                Item::Statement(statement) => self.statement(statement),
                Item::LoneDoc(span) | Item::Broken(span) => self.take(Kind::Line, *span),
            }
        }
    }

    /// Braces are left to `gap`: a block that lacked its `}` was mended in the tree only.
    fn statement(&mut self, statement: &Statement<'_>) {
        for doc in &statement.doc {
            self.take(Kind::Doc, *doc);
        }
        if statement.is_broken() {
            self.take(Kind::Word, statement.head_span());
        } else {
            self.take(Kind::Word, statement.word_span);
            let block = statement.block.as_ref().map(|b| b.span.start as usize + 1);
            self.args(&statement.args, block);
        }
        if let Some(block) = &statement.block {
            self.items(&block.items);
        }
    }

    /// Arguments on one line, up to `end` if there is one. Only a lone CR can put comments
    /// between them: these move behind.
    fn args(&mut self, args: &[Arg<'_>], end: Option<usize>) {
        let mut moved = Vec::new();
        for arg in args {
            self.gap_without_comments(arg.span.start as usize, &mut moved);
            self.arg(arg);
        }
        if let Some(end) = end {
            self.gap_without_comments(end, &mut moved);
        }
        self.tokens.append(&mut moved);
    }

    fn gap_without_comments(&mut self, to: usize, moved: &mut Vec<Token<'s>>) {
        let mark = self.tokens.len();
        self.gap(to);
        moved.extend(self.tokens.extract_if(mark.., |t| t.kind == Kind::Comment));
    }

    fn arg(&mut self, arg: &Arg<'_>) {
        match &arg.kind {
            ArgKind::Word(_) => self.take(Kind::Name, arg.span),
            ArgKind::Number(_) => self.take(Kind::Number, arg.span),
            ArgKind::Percent(_)
            | ArgKind::Date(_)
            | ArgKind::DateTime(_)
            | ArgKind::Time(_)
            | ArgKind::Text(_) => self.take(Kind::Value, arg.span),
            ArgKind::Op(_) => self.take(Kind::Op, arg.span),
            ArgKind::Fence(_) => self.take(Kind::Fence, arg.span),
            ArgKind::Broken => self.take(Kind::Word, arg.span),
            ArgKind::List(elements) => self.list(elements, arg.span),
            ArgKind::Group(args) => self.group(args, arg.span),
        }
    }

    fn list(&mut self, elements: &[Vec<Arg<'_>>], span: Span) {
        self.take(
            Kind::Open(Bracket::List),
            Span {
                end: span.start + 1,
                ..span
            },
        );
        for (index, element) in elements.iter().enumerate() {
            if let Some(first) = element.first() {
                self.before_element(index, first.span.start as usize);
            }
            self.args(element, None);
        }
        self.take(
            Kind::Close(Bracket::List),
            Span {
                start: span.end - 1,
                ..span
            },
        );
    }

    fn group(&mut self, args: &[Arg<'_>], span: Span) {
        self.take(
            Kind::Open(Bracket::Group),
            Span {
                end: span.start + 1,
                ..span
            },
        );
        for arg in args {
            self.arg(arg);
        }
        self.take(
            Kind::Close(Bracket::Group),
            Span {
                start: span.end - 1,
                ..span
            },
        );
    }

    /// Between two list elements is a comma, even where it was forgotten.
    fn before_element(&mut self, index: usize, start: usize) {
        let mark = self.tokens.len();
        self.gap(start);
        if index > 0 && !self.tokens[mark..].iter().any(|t| t.kind == Kind::Comma) {
            let comma = Token {
                kind: Kind::Comma,
                text: ",",
                newlines: 0,
                spaced: false,
            };
            self.tokens.insert(mark, comma);
        }
    }

    fn take(&mut self, kind: Kind, span: Span) {
        let start = (span.start as usize).max(self.at);
        self.gap(start);
        self.push(kind, start, (span.end as usize).max(start));
    }

    /// Reads up to `to`, where no node of the tree is.
    fn gap(&mut self, to: usize) {
        while let Some(start) = self.next_visible(to) {
            let rest = &self.text[start..to];
            let (kind, len) = match rest.as_bytes()[0] {
                b'#' => (Kind::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
                b',' => (Kind::Comma, 1),
                b'{' => (Kind::BlockOpen, 1),
                b'}' => (Kind::BlockClose, 1),
                _ => (Kind::Line, rest.find(is_gap_end).unwrap_or(rest.len())),
            };
            self.push(kind, start, start + len);
        }
    }

    fn next_visible(&self, to: usize) -> Option<usize> {
        let rest = self.text.get(self.at..to)?.trim_start_matches(is_white);
        (!rest.is_empty()).then(|| to - rest.len())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let white = self.text.get(self.at..start).unwrap_or("");
        let text = self
            .text
            .get(start..end)
            .unwrap_or("")
            .trim_end_matches(is_white);
        let breaks = white.bytes().filter(|b| *b == b'\n').take(2).count();
        let newlines = if breaks > 1 { 2 } else { breaks as u8 };
        self.at = end.max(self.at);
        if !text.is_empty() {
            self.tokens.push(Token {
                kind,
                text,
                newlines,
                spaced: !white.is_empty(),
            });
        }
    }
}

/// The grammar's white space; any other is text.
fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_gap_end(c: char) -> bool {
    is_white(c) || matches!(c, '#' | ',' | '{' | '}')
}
