//! The tree: statements with their arguments and blocks, borrowed from the text.

use crate::source::{FileId, Span};

/// One parsed file.
#[derive(Debug, Default)]
pub struct Tree<'s> {
    pub file: FileId,
    pub items: Vec<Item<'s>>,
    /// `#` comments, in order of place.
    pub comments: Vec<Span>,
    /// A limit forbade reading it: what it lacks means nothing.
    pub unread: bool,
}

/// One entry of a block or a file.
#[derive(Debug)]
pub enum Item<'s> {
    Statement(Statement<'s>),
    /// A doc comment that no statement followed.
    LoneDoc(Span),
    /// A line or a brace that is no statement; reported already.
    Broken(Span),
}

/// `word args… { block }`.
#[derive(Debug)]
pub struct Statement<'s> {
    pub word: &'s str,
    pub word_span: Span,
    pub args: Vec<Arg<'s>>,
    pub block: Option<Block<'s>>,
    /// The `##` lines above it.
    pub doc: Vec<Span>,
    /// From the word to the end of the block or of the last argument.
    pub span: Span,
}

impl Statement<'_> {
    /// True when an argument could not be read: then nothing is concluded from this statement.
    pub fn is_broken(&self) -> bool {
        self.args.iter().any(Arg::is_broken)
    }

    /// The word and its arguments, without the block.
    pub fn head_span(&self) -> Span {
        self.args
            .last()
            .map_or(self.word_span, |a| self.word_span.to(a.span))
    }
}

#[derive(Debug)]
pub struct Block<'s> {
    pub items: Vec<Item<'s>>,
    /// From `{` to `}`.
    pub span: Span,
    /// False when the file ended first.
    pub closed: bool,
}

impl<'s> Block<'s> {
    pub fn statements(&self) -> impl Iterator<Item = &Statement<'s>> {
        statements(&self.items)
    }
}

/// The statements among `items`.
pub fn statements<'a, 's>(items: &'a [Item<'s>]) -> impl Iterator<Item = &'a Statement<'s>> {
    items.iter().filter_map(|item| match item {
        Item::Statement(statement) => Some(statement),
        Item::LoneDoc(_) | Item::Broken(_) => None,
    })
}

#[derive(Debug)]
pub struct Arg<'s> {
    pub kind: ArgKind<'s>,
    pub span: Span,
}

impl<'s> Arg<'s> {
    pub fn is_broken(&self) -> bool {
        match &self.kind {
            ArgKind::Broken => true,
            ArgKind::List(elements) => elements.iter().flatten().any(Arg::is_broken),
            ArgKind::Group(args) => args.iter().any(Arg::is_broken),
            _ => false,
        }
    }

    /// The word, when it is one.
    pub fn word(&self) -> Option<&'s str> {
        match self.kind {
            ArgKind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// What it is, for sentences: `a duration`, `a list`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            ArgKind::Word(_) => "a name",
            ArgKind::Number(text) if text.bytes().all(|b| b.is_ascii_digit() || b == b'_') => {
                "a number"
            }
            ArgKind::Number(_) => "a number with a unit",
            ArgKind::Percent(_) => "a percent",
            ArgKind::Date(_) => "a date",
            ArgKind::DateTime(_) => "an instant",
            ArgKind::Time(_) => "a time of day",
            ArgKind::Text(_) => "a text",
            ArgKind::List(_) => "a list",
            ArgKind::Group(_) => "parentheses",
            ArgKind::Op(_) => "an operator",
            ArgKind::Fence(_) => "a fence",
            ArgKind::Broken => "something unreadable",
        }
    }
}

#[derive(Debug)]
pub enum ArgKind<'s> {
    /// A name, maybe with dots.
    Word(&'s str),
    /// Digits and letters; units are judged later.
    Number(&'s str),
    Percent(&'s str),
    Date(&'s str),
    DateTime(&'s str),
    Time(&'s str),
    /// A quoted text in pieces.
    Text(Vec<Piece<'s>>),
    /// Elements between commas, each one or more arguments.
    List(Vec<Vec<Arg<'s>>>),
    Group(Vec<Arg<'s>>),
    Op(&'s str),
    /// Apart, because it is large and rare.
    Fence(Box<Fence<'s>>),
    /// Reported already.
    Broken,
}

/// Several lines between ticks: its tag and its dedented text.
#[derive(Clone, Debug)]
pub struct Fence<'s> {
    pub tag: &'s str,
    pub tag_span: Span,
    pub text: String,
    pub body_span: Span,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'s> {
    Text(String),
    /// `${path}`
    Interpolation(&'s str, Span),
}
