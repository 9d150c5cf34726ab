//! The colours of a text: what every part of it is.

use super::index::Index;
use super::shape::{self, Symbol};
use super::walk::walk;
use crate::schema::Row;
use crate::source::{SourceFile, Span};
use crate::syntax::tree::{Arg, ArgKind, Item, Piece, Tree};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A statement's word.
    Keyword,
    /// A word of a statement's shape.
    Modifier,
    Comment,
    Doc,
    Text,
    /// `${…}` in a text.
    Interpolation,
    Number,
    Operator,
    /// The body of a fence.
    Fence,
    /// A name; the word that declares it, when it is known.
    Name(Option<&'static str>),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token {
    pub span: Span,
    pub kind: Kind,
    /// The name is declared here.
    pub declares: bool,
}

/// The tokens of a file in order, none inside another. `index` names the kinds of names; without
/// one (the project is not read yet) they stay plain.
pub fn tokens(source: &SourceFile, tree: &Tree<'_>, index: Option<&Index>) -> Vec<Token> {
    let mut colours = Colours {
        found: Vec::new(),
        index,
    };
    for comment in &tree.comments {
        colours.put(*comment, Kind::Comment);
    }
    for item in &tree.items {
        if let Item::LoneDoc(doc) = item {
            colours.put(*doc, Kind::Doc);
        }
    }
    walk(tree, &mut |visit| {
        let statement = visit.statement;
        for doc in &statement.doc {
            colours.put(*doc, Kind::Doc);
        }
        if visit.row.is_some() {
            colours.put(statement.word_span, Kind::Keyword);
        }
        let words = visit.row.map_or_else(Vec::new, words_of);
        let own = visit.declares().or_else(|| visit.declares_inside());
        let own = own.map(|(_, span)| (span, visit.row));
        for arg in &statement.args {
            match own {
                Some((span, row)) if span == arg.span => colours.found.push(Token {
                    span,
                    kind: Kind::Name(row.map(|r| r.word)),
                    declares: true,
                }),
                _ => colours.argument(arg, &words),
            }
        }
    });
    let mut found = colours.found;
    found.sort_unstable();
    let mut end = 0;
    found.retain(|token| {
        let fits = token.span.start >= end && !token.span.is_empty();
        if fits {
            end = token.span.end;
        }
        fits
    });
    debug_assert!(
        found
            .iter()
            .all(|t| t.span.end as usize <= source.text().len())
    );
    found
}

struct Colours<'i> {
    found: Vec<Token>,
    index: Option<&'i Index>,
}

impl Colours<'_> {
    fn put(&mut self, span: Span, kind: Kind) {
        self.found.push(Token {
            span,
            kind,
            declares: false,
        });
    }

    fn argument(&mut self, arg: &Arg<'_>, words: &[&str]) {
        match &arg.kind {
            ArgKind::Word(word) => self.word(word, arg.span, words),
            ArgKind::Number(_)
            | ArgKind::Percent(_)
            | ArgKind::Date(_)
            | ArgKind::DateTime(_)
            | ArgKind::Time(_) => self.put(arg.span, Kind::Number),
            ArgKind::Text(pieces) => self.text(arg.span, pieces),
            ArgKind::Op(_) => self.put(arg.span, Kind::Operator),
            ArgKind::List(elements) => {
                for arg in elements.iter().flatten() {
                    self.argument(arg, words);
                }
            }
            ArgKind::Group(args) => {
                for arg in args {
                    self.argument(arg, words);
                }
            }
            ArgKind::Fence(fence) => {
                self.put(fence.tag_span, Kind::Modifier);
                self.put(fence.body_span, Kind::Fence);
            }
            ArgKind::Broken => {}
        }
    }

    fn word(&mut self, word: &str, span: Span, words: &[&str]) {
        let used = self.index.and_then(|index| {
            let reference = index.used_at(span.file, span.start)?;
            Some((reference.span, index.declared_at(reference.declared)?.kind))
        });
        match used {
            // of `build.outputs.x` only `build` is the name
            Some((name, kind)) => {
                self.put(name, Kind::Name(Some(kind)));
                let rest = Span {
                    start: (name.end + 1).min(span.end),
                    ..span
                };
                let second = self
                    .index
                    .and_then(|index| index.used_at(span.file, rest.start))
                    .filter(|second| second.span != name);
                self.put(rest, Kind::Name(second.map(|_| super::walk::ARTIFACT)));
            }
            None if words.contains(&word) || matches!(word, "all" | "any" | "true" | "false") => {
                self.put(span, Kind::Modifier);
            }
            None => self.put(span, Kind::Name(None)),
        }
    }

    /// A text, parted where something is filled in.
    fn text(&mut self, span: Span, pieces: &[Piece<'_>]) {
        let mut from = span;
        for piece in pieces {
            if let Piece::Interpolation(_, at) = piece {
                self.put(
                    Span {
                        end: at.start,
                        ..from
                    },
                    Kind::Text,
                );
                self.put(*at, Kind::Interpolation);
                from.start = at.end;
            }
        }
        self.put(from, Kind::Text);
    }
}

fn words_of(row: &'static Row) -> Vec<&'static str> {
    let words = shape::symbols(row).into_iter();
    words
        .filter_map(|symbol| match symbol {
            Symbol::Word(word) => Some(word),
            Symbol::Hole(hole) => Some(hole),
            _ => None,
        })
        .chain(["and", "or", "not"])
        .collect()
}
