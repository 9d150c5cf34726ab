//! Parsing in pieces, so that an edit costs what it changes.
//!
//! A text is cut at lines where no bracket is open: one piece a statement, and inside large
//! blocks one piece a statement again. A piece that was parsed before is not parsed again; its
//! part of the tree is copied to where it stands now. The result is the one that [`parse`] gives:
//! wherever a piece might be read differently alone than in its file (a bracket that does not
//! match, a fence without end, a brace at another block's indentation), the file is not cut.

#[cfg(test)]
mod tests;

use super::group::{Group, group};
use super::lexeme;
use super::moved::Move;
use super::parse::{parse, parse_unscanned, without_consequences};
use super::scan::{self, Limits};
use super::tree::{Block, Item, Statement, Tree};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// Blocks from this many bytes on are cut into their statements; tests have smaller files.
const LARGE: usize = if cfg!(test) { 512 } else { 4 << 10 };

struct Fragment<'s> {
    items: Vec<Item<'s>>,
    comments: Vec<Span>,
    diagnostics: Vec<Diagnostic>,
    /// Its text may mean something else where it stands.
    is_uncertain: bool,
}

self_cell::self_cell! {
    /// A text and what it parsed to, with places counted from its start.
    struct Piece {
        owner: SourceFile,
        #[covariant]
        dependent: Fragment,
    }
}

impl Piece {
    fn parsed(text: &str) -> Piece {
        Piece::new(SourceFile::new("", text), |source| {
            let (tree, diagnostics) = parse_unscanned(FileId(0), source);
            Fragment {
                is_uncertain: is_uncertain(text, &tree.items, &diagnostics),
                items: tree.items,
                comments: tree.comments,
                diagnostics,
            }
        })
    }

    /// The one statement that it is, when nothing was found wrong with it.
    fn head(&self) -> Option<&Statement<'_>> {
        let fragment = self.borrow_dependent();
        match fragment.items.as_slice() {
            [Item::Statement(head)] if head.block.is_none() && fragment.diagnostics.is_empty() => {
                Some(head)
            }
            _ => None,
        }
    }
}

/// What swallows brackets, or misses one, may reach beyond the piece.
pub(super) fn is_uncertain(text: &str, items: &[Item<'_>], diagnostics: &[Diagnostic]) -> bool {
    let reaches = |d: &Diagnostic| matches!(d.code, "E0002" | "E0003" | "E0004" | "E0908");
    let swallows = || text.contains(['{', '}']) || text.contains("```");
    items.iter().any(has_broken) && swallows() || diagnostics.iter().any(reaches)
}

fn has_broken(item: &Item<'_>) -> bool {
    match item {
        Item::Broken(_) => true,
        Item::LoneDoc(_) => false,
        Item::Statement(s) => s
            .block
            .as_ref()
            .is_some_and(|block| block.items.iter().any(has_broken)),
    }
}

/// A piece, and where it starts in its file.
enum Placed {
    Whole(Arc<Piece>, u32),
    /// A head whose block, over these bytes, was cut again.
    Cut {
        head: Arc<Piece>,
        at: u32,
        block: (u32, u32),
        inner: Vec<Placed>,
    },
}

impl Placed {
    fn start(&self) -> u32 {
        match self {
            Placed::Whole(_, at) | Placed::Cut { at, .. } => *at,
        }
    }

    fn end(&self) -> u32 {
        match self {
            Placed::Whole(piece, at) => at + piece.borrow_owner().text().len() as u32,
            Placed::Cut { block, .. } => block.1,
        }
    }
}

/// A parsed text. Cheap to share; the tree is made when it is asked for.
pub struct Parsed {
    source: SourceFile,
    limits: Limits,
    /// None: the file is not cut.
    pieces: Option<Vec<Placed>>,
    /// What the scan of the whole text found.
    scanned: Vec<Diagnostic>,
}

/// The pieces of the last text, to be used again for the next.
#[derive(Default)]
pub struct Pieces {
    known: HashMap<Arc<str>, Arc<Piece>>,
}

impl Pieces {
    /// Reads `source`; what it has in common with the last text is not read again.
    pub fn parse(&mut self, source: SourceFile, limits: &Limits) -> Parsed {
        let mut scanned = Vec::new();
        let text = source.text();
        let mut pieces = None;
        if !scan::scan(FileId(0), text, limits, &mut scanned) && scanned.is_empty() {
            let mut cutter = Cutter {
                text,
                known: &self.known,
                used: HashMap::with_capacity(self.known.len()),
            };
            pieces = cutter.level(0, text.len(), None);
            if pieces.is_some() {
                self.known = cutter.used;
            }
        }
        Parsed {
            limits: *limits,
            pieces,
            scanned,
            source,
        }
    }
}

impl Parsed {
    pub fn source(&self) -> &SourceFile {
        &self.source
    }

    /// What [`parse`] makes of the text, as file `id`.
    pub fn tree<'a>(&'a self, id: FileId) -> (Tree<'a>, Vec<Diagnostic>) {
        self.tree_of(id, 0..u32::MAX)
    }

    /// What parsing found; None when that needs all of the text to be read.
    pub fn found(&self, id: FileId) -> Option<Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut open: Vec<&[Placed]> = vec![self.pieces.as_ref()?];
        while let Some(level) = open.pop() {
            for placed in level {
                let (piece, by) = match placed {
                    Placed::Whole(piece, at) => (piece, *at),
                    Placed::Cut {
                        head, at, inner, ..
                    } => {
                        open.push(inner);
                        (head, *at)
                    }
                };
                let to = Move { file: id, by };
                let own = piece.borrow_dependent().diagnostics.iter();
                found.extend(own.map(|d| to.diagnostic(d)));
            }
        }
        without_consequences(&self.source, &mut found);
        Some(found)
    }

    /// The same without most of what lies outside of these bytes, for who only looks at a part.
    pub fn tree_of<'a>(
        &'a self,
        id: FileId,
        shown: std::ops::Range<u32>,
    ) -> (Tree<'a>, Vec<Diagnostic>) {
        let Some(pieces) = &self.pieces else {
            return parse(id, &self.source, &self.limits);
        };
        let mut tree = Tree {
            file: id,
            ..Tree::default()
        };
        let at_start = Move { file: id, by: 0 };
        let mut diagnostics: Vec<Diagnostic> = self
            .scanned
            .iter()
            .map(|d| at_start.diagnostic(d))
            .collect();
        let mut assembly = Assembly {
            file: id,
            shown,
            comments: Vec::new(),
            diagnostics: &mut diagnostics,
        };
        tree.items = assembly.items(pieces);
        tree.comments = assembly.comments;
        tree.comments.sort_unstable();
        without_consequences(&self.source, &mut diagnostics);
        (tree, diagnostics)
    }
}

struct Assembly<'d> {
    file: FileId,
    shown: std::ops::Range<u32>,
    comments: Vec<Span>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Assembly<'_> {
    fn items<'a>(&mut self, pieces: &'a [Placed]) -> Vec<Item<'a>> {
        let mut items = Vec::with_capacity(pieces.len());
        for placed in pieces {
            if placed.start() >= self.shown.end || placed.end() <= self.shown.start {
                continue;
            }
            match placed {
                Placed::Whole(piece, at) => {
                    let to = self.moved(piece, *at);
                    let fragment = piece.borrow_dependent();
                    items.extend(fragment.items.iter().map(|item| to.item(item)));
                }
                Placed::Cut {
                    head,
                    at,
                    block,
                    inner,
                } => {
                    let to = self.moved(head, *at);
                    let inner = self.items(inner);
                    let head = head.head().map(|head| to.statement(head));
                    items.extend(head.map(|head| Item::Statement(self.with(head, *block, inner))));
                }
            }
        }
        items
    }

    /// Takes over what a piece has beside its items.
    fn moved(&mut self, piece: &Piece, by: u32) -> Move {
        let to = Move {
            file: self.file,
            by,
        };
        let fragment = piece.borrow_dependent();
        self.comments
            .extend(fragment.comments.iter().map(|c| to.span(*c)));
        self.diagnostics
            .extend(fragment.diagnostics.iter().map(|d| to.diagnostic(d)));
        to
    }

    /// The statement of a head with its block.
    fn with<'a>(
        &self,
        mut head: Statement<'a>,
        block: (u32, u32),
        items: Vec<Item<'a>>,
    ) -> Statement<'a> {
        let span = Span {
            file: self.file,
            start: block.0,
            end: block.1,
        };
        head.span = head.word_span.to(span);
        head.block = Some(Block {
            items,
            span,
            closed: true,
        });
        head
    }
}

struct Cutter<'t, 'k> {
    text: &'t str,
    known: &'k HashMap<Arc<str>, Arc<Piece>>,
    used: HashMap<Arc<str>, Arc<Piece>>,
}

impl Cutter<'_, '_> {
    /// The pieces between two line starts; None when this level cannot be cut. `outer` is the
    /// indentation of the block around it.
    fn level(&mut self, from: usize, to: usize, outer: Option<usize>) -> Option<Vec<Placed>> {
        let mut placed = Vec::new();
        let mut start = from;
        while start < to {
            let group = group(self.text, start, to)?;
            if outer.is_some_and(|indent| !self.stays_inside(start, group.end, indent)) {
                return None;
            }
            let piece = match self.cut(start, &group) {
                Some(cut) => cut,
                None => Placed::Whole(self.piece(start, group.end)?, start as u32),
            };
            placed.push(piece);
            start = group.end;
        }
        Some(placed)
    }

    /// The piece of these bytes, known or parsed; None when it cannot stand alone.
    fn piece(&mut self, start: usize, end: usize) -> Option<Arc<Piece>> {
        let text = &self.text[start..end];
        if let Some(piece) = self.used.get(text) {
            return Some(piece.clone());
        }
        let (key, piece) = match self.known.get_key_value(text) {
            Some((key, piece)) => (key.clone(), piece.clone()),
            None => (Arc::from(text), Arc::new(Piece::parsed(text))),
        };
        if piece.borrow_dependent().is_uncertain {
            return None;
        }
        self.used.insert(key, piece.clone());
        Some(piece)
    }

    /// Cuts a large block that is written plainly: `{` ends its line, `}` stands alone under the
    /// line that it closes.
    fn cut(&mut self, start: usize, group: &Group) -> Option<Placed> {
        let (open, close) = group.block?;
        let (text, bytes) = (self.text, self.text.as_bytes());
        let body = lexeme::line_end(bytes, open);
        let close_line = text[..close].rfind('\n')? + 1;
        let plain = close - open > LARGE
            && text[open + 1..body].trim().is_empty()
            && text[close_line..close].trim().is_empty()
            && text[close + 1..group.end].trim().is_empty()
            && body < close_line;
        let head_line = text[..open].rfind('\n').map_or(0, |at| at + 1);
        let indent = indent_of(text, head_line);
        if !plain || indent != indent_of(text, close_line) {
            return None;
        }
        let head = self.piece(start, open)?;
        head.head()?;
        let inner = self.level(body + 1, close_line, Some(indent))?;
        Some(Placed::Cut {
            head,
            at: start as u32,
            block: (open as u32, close as u32 + 1),
            inner,
        })
    }

    /// True when every line is indented deeper than the block around.
    fn stays_inside(&self, start: usize, end: usize, indent: usize) -> bool {
        let mut at = start;
        while at < end {
            let next = lexeme::line_end(self.text.as_bytes(), at) + 1;
            let blank = self.text[at..next.min(end)].trim().is_empty();
            if !blank && indent_of(self.text, at) <= indent {
                return false;
            }
            at = next;
        }
        true
    }
}

/// Columns of white space at the start of the line that starts at `at`; a tab counts as two.
fn indent_of(text: &str, at: usize) -> usize {
    let spaces = text.as_bytes()[at..].iter();
    let spaces = spaces.take_while(|b| matches!(b, b' ' | b'\t'));
    spaces.map(|b| if *b == b'\t' { 2 } else { 1 }).sum()
}
