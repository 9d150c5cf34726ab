//! A piece of a tree, copied to the place in its file where its text stands.

use super::tree::{Arg, ArgKind, Block, Fence, Item, Piece, Statement};
use crate::diagnostic::{Diagnostic, Label};
use crate::source::{FileId, Span};

/// How far a piece is from where it was parsed, and in which file it belongs.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) file: FileId,
    pub(super) by: u32,
}

impl Move {
    pub(super) fn span(self, span: Span) -> Span {
        Span {
            file: self.file,
            start: span.start + self.by,
            end: span.end + self.by,
        }
    }

    pub(super) fn item<'s>(self, item: &Item<'s>) -> Item<'s> {
        match item {
            Item::Statement(statement) => Item::Statement(self.statement(statement)),
            Item::LoneDoc(span) => Item::LoneDoc(self.span(*span)),
            Item::Broken(span) => Item::Broken(self.span(*span)),
        }
    }

    pub(super) fn statement<'s>(self, statement: &Statement<'s>) -> Statement<'s> {
        Statement {
            word: statement.word,
            word_span: self.span(statement.word_span),
            args: self.args(&statement.args),
            block: statement.block.as_ref().map(|block| Block {
                items: block.items.iter().map(|item| self.item(item)).collect(),
                span: self.span(block.span),
                closed: block.closed,
            }),
            doc: statement.doc.iter().map(|doc| self.span(*doc)).collect(),
            span: self.span(statement.span),
        }
    }

    fn args<'s>(self, args: &[Arg<'s>]) -> Vec<Arg<'s>> {
        args.iter().map(|arg| self.arg(arg)).collect()
    }

    fn arg<'s>(self, arg: &Arg<'s>) -> Arg<'s> {
        let kind = match &arg.kind {
            ArgKind::Word(text) => ArgKind::Word(text),
            ArgKind::Number(text) => ArgKind::Number(text),
            ArgKind::Percent(text) => ArgKind::Percent(text),
            ArgKind::Date(text) => ArgKind::Date(text),
            ArgKind::DateTime(text) => ArgKind::DateTime(text),
            ArgKind::Time(text) => ArgKind::Time(text),
            ArgKind::Op(text) => ArgKind::Op(text),
            ArgKind::Text(pieces) => ArgKind::Text(pieces.iter().map(|p| self.text(p)).collect()),
            ArgKind::List(elements) => {
                ArgKind::List(elements.iter().map(|e| self.args(e)).collect())
            }
            ArgKind::Group(args) => ArgKind::Group(self.args(args)),
            ArgKind::Fence(fence) => ArgKind::Fence(Box::new(Fence {
                tag: fence.tag,
                tag_span: self.span(fence.tag_span),
                text: fence.text.clone(),
                body_span: self.span(fence.body_span),
            })),
            ArgKind::Broken => ArgKind::Broken,
        };
        Arg {
            kind,
            span: self.span(arg.span),
        }
    }

    fn text<'s>(self, piece: &Piece<'s>) -> Piece<'s> {
        match piece {
            Piece::Text(text) => Piece::Text(text.clone()),
            Piece::Interpolation(path, span) => Piece::Interpolation(path, self.span(*span)),
        }
    }

    pub(super) fn diagnostic(self, diagnostic: &Diagnostic) -> Diagnostic {
        let mut moved = diagnostic.clone();
        let label = |label: &mut Label| label.span = self.span(label.span);
        label(&mut moved.primary);
        moved.related.iter_mut().for_each(label);
        if let Some(fix) = &mut moved.fix {
            fix.span = self.span(fix.span);
        }
        moved
    }
}
