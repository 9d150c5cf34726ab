//! Runs the grammar and builds the tree; every error node becomes one diagnostic.

use super::scan::{self, Limits, MAX_IDENTIFIER, MAX_TEXT};
use super::tree::{Arg, ArgKind, Block, Fence, Item, Piece, Statement, Tree};
use super::{plain, stretches};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span};
use crate::stack::with_room;
use pest::Parser;
use pest::iterators::Pair;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/coord.pest"]
struct Grammar;

/// Parses one file. The tree is empty when a limit forbids reading it.
pub fn parse<'s>(
    id: FileId,
    source: &'s SourceFile,
    limits: &Limits,
) -> (Tree<'s>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    if scan::scan(id, source.text(), limits, &mut diagnostics) {
        return (unread(id), diagnostics);
    }
    let stretches = match diagnostics.is_empty() {
        true => stretches::parse(id, source)
            .or_else(|| plain::stretch(id, source, 0..source.text().len())),
        false => None,
    };
    let (tree, mut found) = match stretches {
        Some(stretches) => finish(id, source, stretches),
        None => parse_unscanned(id, source),
    };
    without_consequences(source, &mut found);
    diagnostics.extend(found);
    (tree, diagnostics)
}

/// Leaves out the lines that are no statements because of the one before: what is left of a list
/// whose bracket is wrong or missing.
pub(super) fn without_consequences(source: &SourceFile, found: &mut Vec<Diagnostic>) {
    let follows = |d: &Diagnostic| matches!(d.code, "E0006" | "E0016");
    let line = |span: Span| source.line_index(span.start);
    let mut order: Vec<usize> = (0..found.len())
        .filter(|i| follows(&found[*i]) || found[*i].code == "E0012")
        .collect();
    order.sort_by_key(|i| found[*i].primary.span.start);
    let mut last = None;
    let mut dropped = vec![false; found.len()];
    for index in order {
        let d = &found[index];
        let ends = d.related.iter().map(|label| line(label.span));
        let ends = ends.fold(line(d.primary.span), usize::max);
        dropped[index] = follows(d) && last.is_some_and(|l| line(d.primary.span) <= l + 1);
        // commas without brackets are a mistake of their own
        last = (dropped[index] || d.code != "E0016").then_some(ends);
    }
    let mut dropped = dropped.into_iter();
    found.retain(|_| dropped.next() != Some(true));
}

fn unread<'s>(id: FileId) -> Tree<'s> {
    Tree {
        file: id,
        unread: true,
        ..Tree::default()
    }
}

/// Parses a text that the scan has let through.
pub(super) fn parse_unscanned<'s>(
    id: FileId,
    source: &'s SourceFile,
) -> (Tree<'s>, Vec<Diagnostic>) {
    let Some(stretch) = stretch(id, source, 0..source.text().len()) else {
        // The grammar takes every text, so only the call limit can have stopped it.
        let span = Span::new(id, 0, 0);
        let tangled = Diagnostic::new(
            "E0908",
            span,
            "this file is too tangled to read: the limit of parser steps is reached",
        )
        .help("look for a bracket or a quote that is never closed");
        return (unread(id), vec![tangled]);
    };
    finish(id, source, stretch)
}

/// What the grammar makes of a stretch of a text, in places of the whole text.
#[derive(Default)]
pub(super) struct Stretch<'s> {
    pub(super) items: Vec<Item<'s>>,
    pub(super) comments: Vec<Span>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Stretch<'_> {
    /// True when its last block has no `}`.
    pub(super) fn ends_unclosed(&self) -> bool {
        ends_unclosed(&self.items)
    }
}

/// Parses these bytes as if they were a file; None when the limit of steps is reached.
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
    raise_call_limit(bytes.len());
    let mut pairs = Grammar::parse(Rule::file, &source.text()[bytes.clone()]).ok()?;
    let mut builder = Builder {
        id,
        source,
        from: bytes.start,
        diagnostics: Vec::new(),
        comments: Vec::new(),
    };
    let items = pairs
        .next()
        .map_or_else(Vec::new, |file| builder.items(file));
    Some(Stretch {
        items,
        comments: builder.comments,
        diagnostics: builder.diagnostics,
    })
}

/// The judgements that need the whole file.
fn finish<'s>(id: FileId, source: &'s SourceFile, all: Stretch<'s>) -> (Tree<'s>, Vec<Diagnostic>) {
    let mut items = all.items;
    let mut builder = Builder {
        id,
        source,
        from: 0,
        diagnostics: all.diagnostics,
        comments: all.comments,
    };
    builder.close_blocks(&mut items);
    builder.brace_indentation(&items);
    let Builder {
        mut comments,
        diagnostics,
        ..
    } = builder;
    comments.sort();
    (
        Tree {
            file: id,
            items,
            comments,
            unread: false,
        },
        diagnostics,
    )
}

/// The parser's step limit is one value for the whole process: it only ever grows, with the
/// largest file seen. Plain text takes under 40 steps a byte.
fn raise_call_limit(bytes: usize) {
    static CURRENT: AtomicUsize = AtomicUsize::new(0);
    let wanted = 200_000 + 96 * bytes;
    if CURRENT.fetch_max(wanted, Ordering::Relaxed) < wanted {
        pest::set_call_limit(NonZeroUsize::new(wanted));
    }
}

struct Builder<'s> {
    id: FileId,
    source: &'s SourceFile,
    /// Where the text that is parsed starts in its file.
    from: usize,
    diagnostics: Vec<Diagnostic>,
    comments: Vec<Span>,
}

impl<'s> Builder<'s> {
    fn span(&self, pair: &Pair<'s, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.id, self.from + span.start(), self.from + span.end())
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn items(&mut self, container: Pair<'s, Rule>) -> Vec<Item<'s>> {
        let inner = container.into_inner();
        let mut items = Vec::with_capacity(inner.len().saturating_sub(1));
        let mut doc: Vec<Span> = Vec::new();
        for pair in inner {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::comment => self.comments.push(span),
                Rule::doc => doc.push(span),
                Rule::stmt => {
                    let statement = self.statement(pair, std::mem::take(&mut doc));
                    self.one_per_line(&items, &statement);
                    items.push(Item::Statement(statement));
                }
                Rule::stray_close => {
                    self.lone_doc(&mut items, &mut doc);
                    self.report(
                        Diagnostic::new("E0004", span, "this `}` closes nothing")
                            .label("no block is open here")
                            .fix(
                                span,
                                "",
                                "delete it, or look for a block that was closed too early",
                            ),
                    );
                    items.push(Item::Broken(span));
                }
                Rule::bad_line => {
                    self.lone_doc(&mut items, &mut doc);
                    self.bad_line(span);
                    items.push(Item::Broken(trimmed(span, pair.as_str())));
                }
                _ => {}
            }
        }
        self.lone_doc(&mut items, &mut doc);
        items
    }

    fn lone_doc(&mut self, items: &mut Vec<Item<'s>>, doc: &mut Vec<Span>) {
        let Some(first) = doc.first().copied() else {
            return;
        };
        self.report(
            Diagnostic::new("W0015", first, "this doc comment documents nothing")
                .label("no declaration follows it")
                .fix(
                    Span::new(self.id, first.start as usize, first.start as usize + 2),
                    "#",
                    "use `#` for a plain comment",
                ),
        );
        items.extend(doc.drain(..).map(Item::LoneDoc));
    }

    fn one_per_line(&mut self, before: &[Item<'s>], statement: &Statement<'s>) {
        let Some(Item::Statement(last)) = before.last() else {
            return;
        };
        let same_line = || {
            let between = last.span.end as usize..statement.span.start as usize;
            !self.source.text().as_bytes()[between].contains(&b'\n')
        };
        if last.block.is_some() && same_line() {
            let start = statement.word_span.start;
            let (from, line_break) = self.source.line_break_before(start);
            self.report(
                Diagnostic::new(
                    "E0007",
                    statement.head_span(),
                    format!(
                        "only one statement per line: move `{}` down",
                        statement.word
                    ),
                )
                .label("another statement starts here")
                .fix(
                    Span::new(self.id, from, start as usize),
                    line_break,
                    "start a new line here",
                ),
            );
        }
    }

    fn bad_line(&mut self, span: Span) {
        let text = &self.source.text()[span.range()];
        let first = text.chars().next().unwrap_or(' ');
        let at = Span::new(
            self.id,
            span.start as usize,
            span.start as usize + first.len_utf8(),
        );
        if scan::forbidden(first) {
            return; // reported as an invisible character
        }
        let (message, help) = match first {
            '{' => (
                "this `{` belongs to no statement".to_string(),
                "put it on the line of the statement that it opens",
            ),
            ']' | ')' => (
                format!("this `{first}` closes nothing"),
                "delete it, or open the bracket before it",
            ),
            ';' => (
                "statements end with their line, not with `;`".to_string(),
                "delete it",
            ),
            '"' | '\'' => (
                "a line starts with a statement, found a text".to_string(),
                "write the statement's word first, as in `does \"…\"`",
            ),
            '@' => (
                "`@` cannot start a value; agents are named without `@`".to_string(),
                "write the plain name",
            ),
            c if c.is_ascii_digit() => (
                "a line starts with a statement, found a number".to_string(),
                "write the statement's word first, as in `takes 2d`",
            ),
            c => (
                format!("`{c}` cannot start a statement"),
                "start the line with a word, as in `task build { … }`",
            ),
        };
        self.report(
            Diagnostic::new("E0006", at, message)
                .label("no statement starts like this")
                .help(help),
        );
    }

    fn statement(&mut self, pair: Pair<'s, Rule>, doc: Vec<Span>) -> Statement<'s> {
        let start = self.from + pair.as_span().start();
        let mut word = ("", Span::new(self.id, start, start));
        let parts = pair.into_inner();
        let behind = parts.clone().next_back();
        let beside = 1 + usize::from(behind.is_some_and(|p| p.as_rule() == Rule::block));
        let mut args = Vec::with_capacity(parts.len().saturating_sub(beside));
        let mut block = None;
        let mut commas = Vec::new();
        let before = self.diagnostics.len();
        let mut broken = false;
        for part in parts {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::comment => self.comments.push(span),
                Rule::word => word = (part.as_str(), span),
                Rule::block => block = Some(self.block(part)),
                Rule::late_doc => {
                    self.comments.push(span);
                    self.report(
                        Diagnostic::new("W0015", span, "this doc comment documents nothing")
                            .label("a doc comment stands above its declaration")
                            .fix(
                                Span::new(self.id, span.start as usize, span.start as usize + 2),
                                "#",
                                "use `#` for a plain comment",
                            ),
                    );
                }
                Rule::junk if part.as_str() == "," => {
                    commas.push(args.len());
                    broken = true;
                    args.push(Arg {
                        kind: ArgKind::Broken,
                        span,
                    });
                }
                _ => {
                    let arg = self.argument(part);
                    // At most one syntax error per statement head: the rest follows from it.
                    if broken && block.is_none() && self.diagnostics.len() > before + 1 {
                        self.diagnostics.truncate(before + 1);
                    }
                    broken |= arg.is_broken();
                    args.push(arg);
                }
            }
        }
        if word.0.len() > MAX_IDENTIFIER {
            self.too_long(word.1, "name", word.0.len(), MAX_IDENTIFIER);
        }
        if self.diagnostics.len() == before || block.is_some() {
            self.bare_list(&args, &commas);
        }
        self.familiar_mistakes(&mut args);
        let end = block
            .as_ref()
            .map(|b: &Block<'_>| b.span)
            .or(args.last().map(|a| a.span))
            .unwrap_or(word.1);
        Statement {
            word: word.0,
            word_span: word.1,
            args,
            block,
            doc,
            span: word.1.to(end),
        }
    }

    fn too_long(&mut self, span: Span, what: &str, actual: usize, limit: usize) {
        self.report(
            Diagnostic::new(
                "E0908",
                span,
                format!("this {what} has {actual} bytes; the limit is {limit}"),
            )
            .label("too long")
            .help("make it shorter"),
        );
    }

    /// `needs a, b`: the values from before the first comma to behind the last, as a list.
    fn bare_list(&mut self, args: &[Arg<'s>], commas: &[usize]) {
        let (Some(first), Some(last)) = (commas.first(), commas.last()) else {
            return;
        };
        let from = args[first.saturating_sub(1)].span;
        let to = args
            .get(last + 1)
            .unwrap_or(&args[last - usize::from(*last > 0)])
            .span;
        let list = from.to(to);
        let text = self.source.text()[list.range()].trim_matches([',', ' ', '\t']);
        let right = format!("[{text}]");
        self.report(
            Diagnostic::new("E0016", args[*first].span, "a list stands in brackets")
                .label("no comma belongs here")
                .fix(list, right.clone(), format!("write `{right}`")),
        );
    }

    /// What people bring along from other languages.
    fn familiar_mistakes(&mut self, args: &mut [Arg<'s>]) {
        let Some(first) = args.first_mut() else {
            return;
        };
        match first.kind {
            ArgKind::Op("=") => {
                let span = first.span;
                self.report(
                    Diagnostic::new("E0009", span, "statements take no `=`")
                        .label("delete this")
                        .fix(
                            span,
                            "",
                            "write the value right behind the word, as in `owns \"x/**\"`",
                        ),
                );
                first.kind = ArgKind::Broken;
            }
            ArgKind::Op(":") => {
                let span = first.span;
                self.report(
                    Diagnostic::new("E0009", span, "statements take no `:` behind their word")
                        .label("delete this")
                        .fix(
                            span,
                            "",
                            "write the value right behind the word, as in `takes 2d`",
                        ),
                );
                first.kind = ArgKind::Broken;
            }
            ArgKind::Op("->") => {
                let span = first.span;
                self.report(
                    Diagnostic::new("E0010", span, "an arrow does not declare a dependency")
                        .label("which way it points is read differently by everybody")
                        .help("write `needs a` in the block of the one that waits"),
                );
                first.kind = ArgKind::Broken;
            }
            _ => {}
        }
    }

    fn block(&mut self, pair: Pair<'s, Rule>) -> Block<'s> {
        let span = self.span(&pair);
        let closed = pair.as_str().ends_with('}')
            && pair
                .clone()
                .into_inner()
                .last()
                .is_some_and(|p| p.as_rule() == Rule::close);
        Block {
            items: self.items(pair),
            span,
            closed,
        }
    }

    fn argument(&mut self, pair: Pair<'s, Rule>) -> Arg<'s> {
        let span = self.span(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::path => {
                if text.len() > MAX_IDENTIFIER {
                    self.too_long(span, "name", text.len(), MAX_IDENTIFIER);
                }
                ArgKind::Word(text)
            }
            Rule::number => ArgKind::Number(text),
            Rule::ratio => ArgKind::Percent(text),
            Rule::date => ArgKind::Date(text),
            Rule::datetime => ArgKind::DateTime(text),
            Rule::time => ArgKind::Time(text),
            Rule::op => ArgKind::Op(text),
            Rule::raw => {
                self.text_length(span);
                ArgKind::Text(vec![Piece::Text(text[1..text.len() - 1].to_string())])
            }
            Rule::string => self.string(pair, span),
            Rule::list => self.list(pair, span),
            Rule::group => self.group(pair, span),
            Rule::fence => self.fence(pair),
            Rule::bad_string => {
                self.bad_string(span, text);
                ArgKind::Broken
            }
            Rule::bad_fence => {
                let opener = Span::new(self.id, span.start as usize, span.start as usize + 3);
                self.report(
                    Diagnostic::new("E0002", opener, "this fence is never closed")
                        .label("opened here")
                        .help("close it with ``` on a line of its own"),
                );
                ArgKind::Broken
            }
            _ => {
                self.junk(span, text);
                ArgKind::Broken
            }
        };
        Arg {
            kind,
            span: trimmed(span, text),
        }
    }

    fn junk(&mut self, span: Span, text: &str) {
        let c = text.chars().next().unwrap_or(' ');
        if scan::forbidden(c) {
            return; // reported as an invisible character
        }
        let d = match c {
            '@' => Diagnostic::new(
                "E0006",
                span,
                "`@` cannot start a value; agents are named without `@`",
            )
            .label("delete this")
            .fix(span, "", "write the plain name"),
            ';' => Diagnostic::new(
                "E0006",
                span,
                "statements end with their line, not with `;`",
            )
            .label("delete this")
            .fix(span, "", "delete the `;`"),
            '.' => Diagnostic::new("E0006", span, "`.` stands inside a name or a number only")
                .label("nothing goes on from here")
                .help("days are written year-month-day, as in `2025-08-13`"),
            ']' | ')' => Diagnostic::new("E0012", span, format!("this `{c}` closes nothing"))
                .label("no bracket is open here")
                .fix(span, "", "delete it"),
            '“' | '”' | '‘' | '’' | '„' => self.typographic(span, c),
            _ => Diagnostic::new("E0006", span, format!("`{c}` cannot start a value"))
                .label("here")
                .help("put texts in quotes, as in `\"…\"`"),
        };
        self.report(d);
    }

    /// `“text”`, with the whole text in the fix.
    fn typographic(&self, span: Span, quote: char) -> Diagnostic {
        let behind = self.source.text()[span.end as usize..]
            .lines()
            .next()
            .unwrap_or("");
        let end = behind
            .char_indices()
            .find(|(_, c)| matches!(c, '“' | '”' | '‘' | '’' | '"'));
        let d = Diagnostic::new("E0006", span, format!("`{quote}` is a typographic quote"))
            .label("texts stand in straight quotes");
        match end {
            Some((at, close)) => {
                let right = format!("\"{}\"", &behind[..at]);
                let whole = Span {
                    end: span.end + (at + close.len_utf8()) as u32,
                    ..span
                };
                d.fix(whole, right.clone(), format!("write `{right}`"))
            }
            None => d.fix(span, "\"", "write `\"`"),
        }
    }

    fn bad_string(&mut self, span: Span, text: &str) {
        let quote = text.chars().next().unwrap_or('"');
        let end = Span::new(self.id, span.end as usize, span.end as usize);
        self.report(
            Diagnostic::new(
                "E0001",
                trimmed(span, text),
                "a text opened here is never closed on this line",
            )
            .label(format!("opened with {quote}"))
            .fix(
                end,
                quote.to_string(),
                format!("close it with `{quote}`, or use a ``` fence for several lines"),
            ),
        );
    }

    fn text_length(&mut self, span: Span) {
        if span.len() > MAX_TEXT {
            self.too_long(span, "text", span.len(), MAX_TEXT);
        }
    }

    fn string(&mut self, pair: Pair<'s, Rule>, span: Span) -> ArgKind<'s> {
        self.text_length(span);
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut reported = false;
        for part in pair.into_inner() {
            let at = self.span(&part);
            match part.as_rule() {
                Rule::chars => text.push_str(part.as_str()),
                Rule::escape => match unescape(part.as_str()) {
                    Some(c) => text.push(c),
                    None => self.bad_escape(at, part.as_str(), &mut reported),
                },
                Rule::interp => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    let path = part.into_inner().next().map_or("", |p| p.as_str());
                    pieces.push(Piece::Interpolation(path, at));
                }
                _ => self.bad_escape(at, part.as_str(), &mut reported),
            }
        }
        if !text.is_empty() || pieces.is_empty() {
            pieces.reserve_exact(1);
            pieces.push(Piece::Text(text));
        }
        if reported {
            ArgKind::Broken
        } else {
            ArgKind::Text(pieces)
        }
    }

    fn bad_escape(&mut self, span: Span, text: &str, reported: &mut bool) {
        if std::mem::replace(reported, true) {
            return;
        }
        let d = if text.starts_with("${") {
            Diagnostic::new("E0008", span, "this `${` does not hold a name")
                .label("a name and `}` should follow")
                .help("write `${name}`, or `\\$` for a plain dollar sign")
        } else {
            Diagnostic::new("E0008", span, format!("`{text}` is not an escape"))
                .label("here")
                .help(
                    "use `\\\"` `\\\\` `\\n` `\\t` `\\$` or `\\u{…}`; in '…' nothing is an escape",
                )
        };
        self.report(d);
    }

    fn list(&mut self, pair: Pair<'s, Rule>, span: Span) -> ArgKind<'s> {
        let inner = pair.into_inner();
        let mut elements: Vec<Vec<Arg<'s>>> = Vec::with_capacity(inner.len().saturating_sub(1));
        let before = self.diagnostics.len();
        let mut unclosed = false;
        for part in inner {
            let at = self.span(&part);
            match part.as_rule() {
                Rule::comment => self.comments.push(at),
                Rule::elem => self.elements(part, &mut elements),
                Rule::missing_comma => {
                    let comments: Vec<Span> = part.into_inner().map(|c| self.span(&c)).collect();
                    self.comments.extend(comments);
                    let end = elements
                        .last()
                        .and_then(|e| e.last())
                        .map_or(at, |a| a.span)
                        .after();
                    if self.diagnostics.len() == before {
                        self.report(
                            Diagnostic::new("E0005", end, "missing `,` between list items")
                                .label("put a comma here")
                                .fix(end, ",", "write `,` behind this item"),
                        );
                    }
                }
                Rule::unclosed_list => unclosed = true,
                _ => {}
            }
        }
        if unclosed {
            self.diagnostics.truncate(before);
            self.unclosed(span, '[', ']');
            return ArgKind::Broken;
        }
        ArgKind::List(elements)
    }

    /// Two texts side by side lack a comma and are two elements; anything else is left to its
    /// reader.
    fn elements(&mut self, pair: Pair<'s, Rule>, elements: &mut Vec<Vec<Arg<'s>>>) {
        let inner = pair.into_inner();
        let mut args: Vec<Arg<'s>> = Vec::with_capacity(inner.len());
        for part in inner {
            if part.as_rule() == Rule::comment {
                let at = self.span(&part);
                self.comments.push(at);
                continue;
            }
            let arg = self.argument(part);
            let texts = |a: &Arg<'_>| matches!(a.kind, ArgKind::Text(_));
            if let Some(last) = args.last()
                && texts(last)
                && texts(&arg)
            {
                let end = last.span.after();
                self.report(
                    Diagnostic::new("E0005", end, "missing `,` between list items")
                        .label("put a comma here")
                        .fix(end, ",", "write `,` behind this item"),
                );
                elements.push(std::mem::take(&mut args));
            }
            args.push(arg);
        }
        elements.push(args);
    }

    fn group(&mut self, pair: Pair<'s, Rule>, span: Span) -> ArgKind<'s> {
        let before = self.diagnostics.len();
        let mut args = Vec::new();
        for part in pair.into_inner() {
            let at = self.span(&part);
            match part.as_rule() {
                Rule::comment => self.comments.push(at),
                Rule::group_end => {}
                Rule::unclosed_list => {
                    self.diagnostics.truncate(before);
                    self.unclosed(span, '(', ')');
                    return ArgKind::Broken;
                }
                _ => args.push(self.argument(part)),
            }
        }
        ArgKind::Group(args)
    }

    fn unclosed(&mut self, span: Span, open: char, close: char) {
        let found = self.source.text()[span.end as usize..]
            .trim_start_matches([' ', '\t'])
            .chars()
            .next();
        let opener = Span::new(self.id, span.start as usize, span.start as usize + 1);
        let message = match found {
            Some(c) if !c.is_whitespace() => {
                format!("`{open}` opened here, `{c}` found instead of `{close}`")
            }
            _ => format!("`{open}` opened here is never closed"),
        };
        self.report(
            Diagnostic::new("E0012", opener, message)
                .label("opened here")
                .help(format!("close it with `{close}`")),
        );
    }

    fn fence(&mut self, pair: Pair<'s, Rule>) -> ArgKind<'s> {
        let mut tag = "";
        let mut tag_span = self.span(&pair);
        let mut raw = "";
        let mut body_span = tag_span;
        let mut close = "";
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::lang => {
                    tag = part.as_str().trim();
                    tag_span = trimmed(self.span(&part), part.as_str());
                }
                Rule::body => {
                    raw = part.as_str();
                    body_span = self.span(&part);
                }
                Rule::fence_close => close = part.as_str(),
                _ => {}
            }
        }
        let indent = close
            .trim_start_matches(['\r', '\n'])
            .chars()
            .take_while(|c| matches!(c, ' ' | '\t'))
            .count();
        ArgKind::Fence(Box::new(Fence {
            tag,
            tag_span,
            text: dedent(raw, indent),
            body_span,
        }))
    }

    // ---- braces ------------------------------------------------------------------------------

    /// Finds, for every block that the file never closes, the statement that probably lacks its
    /// `}`, by indentation, and gives what follows back to the level that it is written on.
    fn close_blocks(&mut self, items: &mut Vec<Item<'s>>) {
        for _ in 0..64 {
            // an unclosed fence takes every `}` behind it along
            if !ends_unclosed(items) || self.diagnostics.iter().any(|d| d.code == "E0002") {
                return;
            }
            if !self.split_by_indent(items) {
                self.report_unclosed_to_end(items);
                return;
            }
        }
    }

    /// True when a culprit was found and mended in `items` or below.
    fn split_by_indent(&mut self, items: &mut Vec<Item<'s>>) -> bool {
        for index in 0..items.len() {
            let Item::Statement(statement) = &mut items[index] else {
                continue;
            };
            let indent = self.source.line_indent(statement.span.start);
            let own_line = self.source.line_index(statement.span.start);
            let Some(block) = &mut statement.block else {
                continue;
            };
            if self.split_by_indent(&mut block.items) {
                return true;
            }
            let outdented = block.items.iter().position(|item| {
                let start = item_start(item);
                self.source.line_index(start) > own_line && self.source.line_indent(start) <= indent
            });
            let Some(at) = outdented else { continue };
            let rest: Vec<Item<'s>> = block.items.drain(at..).collect();
            let was_closed = std::mem::replace(&mut block.closed, true);
            let first = item_start(&rest[0]);
            let head = statement.head_span();
            let line = self.source.line_column(first).line;
            self.report(
                Diagnostic::new(
                    "E0003",
                    head,
                    format!(
                        "{} is missing `}}`, probably before line {line}",
                        self.name_of(head)
                    ),
                )
                .label("opened here")
                .related(self.character(first), "this line is not indented deeper")
                .fix(
                    Span::new(self.id, self.line_start(first), self.line_start(first)),
                    format!("{}}}\n", " ".repeat(indent)),
                    "close the block before this line",
                ),
            );
            items.splice(index + 1..index + 1, rest);
            if was_closed {
                close_last_open(items);
            }
            return true;
        }
        false
    }

    /// The one character at `offset`.
    fn character(&self, offset: u32) -> Span {
        let at = offset as usize;
        let rest = self.source.text().get(at..).unwrap_or("");
        let length = rest.chars().next().map_or(0, char::len_utf8);
        Span::new(self.id, at, at + length)
    }

    fn line_start(&self, offset: u32) -> usize {
        self.source.line_offset(self.source.line_index(offset))
    }

    fn name_of(&self, head: Span) -> String {
        let text = &self.source.text()[head.range()];
        let short: String = text
            .split('\n')
            .next()
            .unwrap_or("")
            .chars()
            .take(40)
            .collect();
        format!("`{}`", short.trim_end())
    }

    fn report_unclosed_to_end(&mut self, items: &[Item<'s>]) {
        let mut innermost: Option<&Statement<'s>> = None;
        let mut level = items;
        while let Some(Item::Statement(statement)) = level.last() {
            let Some(block) = &statement.block else { break };
            if !block.closed {
                innermost = Some(statement);
            }
            level = &block.items;
        }
        let Some(statement) = innermost else { return };
        let head = statement.head_span();
        let end = self.source.text().len();
        let message = format!("{} is missing `}}`", self.name_of(head));
        self.report(
            Diagnostic::new("E0003", head, message)
                .label("opened here")
                .fix(
                    Span::new(self.id, end, end),
                    "}\n",
                    "close it at the end of the file",
                ),
        );
    }

    /// A `}` that stands under one statement and closes another.
    fn brace_indentation(&mut self, items: &[Item<'s>]) {
        if self
            .diagnostics
            .iter()
            .any(|d| matches!(d.code, "E0003" | "E0004"))
        {
            return;
        }
        let mut stack: Vec<(&[Item<'s>], Outer)> = vec![(items, Outer::new())];
        while let Some((level, outer)) = stack.pop() {
            for item in level {
                let Item::Statement(statement) = item else {
                    continue;
                };
                let Some(block) = &statement.block else {
                    continue;
                };
                let close = block.span.end.saturating_sub(1);
                let written = statement.span.start as usize..close as usize;
                let same_line = !self.source.text().as_bytes()[written].contains(&b'\n');
                let holds_blocks = (block.items.iter())
                    .any(|i| matches!(i, Item::Statement(s) if s.block.is_some()));
                if same_line && !holds_blocks {
                    continue;
                }
                let open_indent = self.source.line_indent(statement.span.start);
                let close_indent = self.source.line_indent(close);
                if block.closed
                    && !same_line
                    && close_indent < open_indent
                    && self.source.line_first(close) == Some('}')
                    && let Some((_, matching)) =
                        outer.iter().find(|(indent, _)| *indent == close_indent)
                {
                    let at = Span::new(self.id, close as usize, close as usize + 1);
                    let (this, other) =
                        (self.name_of(statement.head_span()), self.name_of(*matching));
                    self.report(
                        Diagnostic::new(
                            "W0014",
                            at,
                            format!(
                                "this `}}` closes {this}, though its indentation matches {other}"
                            ),
                        )
                        .label("closes the inner block")
                        .related(statement.head_span(), "this block ends there")
                        .help("indent it, or look for a missing `}` above"),
                    );
                }
                if !holds_blocks {
                    continue;
                }
                let mut inner = outer.clone();
                inner.push((open_indent, statement.head_span()));
                stack.push((&block.items, inner));
            }
        }
    }
}

/// The blocks around one, each with its indentation and its head.
type Outer = Vec<(usize, Span)>;

fn item_start(item: &Item<'_>) -> u32 {
    match item {
        Item::Statement(s) => s.doc.first().map_or(s.span.start, |d| d.start),
        Item::LoneDoc(span) | Item::Broken(span) => span.start,
    }
}

/// True when the last block, or one inside it, has no `}`.
fn ends_unclosed(items: &[Item<'_>]) -> bool {
    let mut level = items;
    while let Some(Item::Statement(statement)) = level.last() {
        let Some(block) = &statement.block else {
            return false;
        };
        if !block.closed {
            return true;
        }
        level = &block.items;
    }
    false
}

/// The `}` that a mended block gives back closes the innermost block still open around it.
fn close_last_open(items: &mut [Item<'_>]) {
    if let Some(Item::Statement(statement)) = items.last_mut()
        && let Some(block) = &mut statement.block
        && !block.closed
    {
        block.closed = true;
    }
}

/// The span without trailing white space of `text`, which it covers.
pub(super) fn trimmed(span: Span, text: &str) -> Span {
    Span {
        end: span.start + text.trim_end_matches([' ', '\t', '\r', '\n']).len() as u32,
        ..span
    }
}

fn unescape(text: &str) -> Option<char> {
    match text {
        "\\n" => Some('\n'),
        "\\t" => Some('\t'),
        "\\\"" => Some('"'),
        "\\\\" => Some('\\'),
        "\\$" | "$$" => Some('$'),
        _ => {
            let code = text.strip_prefix("\\u{")?.strip_suffix('}')?;
            u32::from_str_radix(code, 16).ok().and_then(char::from_u32)
        }
    }
}

/// A fence's text without its first line break and without up to `indent` columns on each line;
/// the same whether the file has CRLF or LF.
pub(super) fn dedent(raw: &str, indent: usize) -> String {
    let Some(body) = raw.strip_prefix("\r\n").or_else(|| raw.strip_prefix('\n')) else {
        return String::new();
    };
    let mut out = String::with_capacity(body.len() + 1);
    for line in body.split('\n') {
        let strip = line
            .bytes()
            .take(indent)
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        out.push_str(line[strip..].trim_end_matches('\r'));
        out.push('\n');
    }
    out
}
