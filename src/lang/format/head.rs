//! Lays out a statement's word and arguments: on one line, or with broken brackets.

use super::fence;
use super::space;
use super::token::{Bracket, Kind, Token, past_close};
use std::ops::Range;

/// Columns of a line.
const WIDTH: usize = 100;

/// The text so far and the column it has come to.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    column: usize,
}

impl Writer {
    /// Appends to the line.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        match text.rfind('\n') {
            Some(at) => self.column = columns(&text[at + 1..]),
            None => self.column += columns(text),
        }
    }

    /// Starts a line, below a blank one if wanted; the first line of all is there already.
    pub(super) fn line(&mut self, level: usize, blank: bool) {
        if !self.text.is_empty() {
            self.text.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.text.extend(std::iter::repeat_n("  ", level));
        self.column = 2 * level;
    }

    /// The finished text.
    pub(super) fn finish(mut self) -> String {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}

fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}

/// The columns that `tokens[range]` takes on one line; none if more than `budget` or if it cannot
/// stand on one line.
pub(super) fn flat_width(
    tokens: &[Token<'_>],
    range: Range<usize>,
    budget: usize,
) -> Option<usize> {
    let mut width = 0;
    for at in range.clone() {
        let token = tokens[at];
        let several_lines = matches!(token.kind, Kind::Comment | Kind::Fence);
        if several_lines || (token.kind == Kind::Word && token.text.contains('\n')) {
            return None;
        }
        if !is_trailing_comma(tokens, at) {
            let gap = at > range.start && space::before(tokens, at);
            width += usize::from(gap) + columns(token.text);
        }
        if width > budget {
            return None;
        }
    }
    Some(width)
}

/// A list on one line ends without a comma.
fn is_trailing_comma(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at].kind == Kind::Comma
        && tokens
            .get(at + 1)
            .is_some_and(|t| t.kind == Kind::Close(Bracket::List))
}

/// Writes heads, or parts of them, into a [`Writer`].
pub(super) struct HeadWriter<'w, 't> {
    pub(super) tokens: &'t [Token<'t>],
    pub(super) out: &'w mut Writer,
}

impl HeadWriter<'_, '_> {
    /// Writes `tokens[range]` at block level `level`; `suffix` columns will follow it.
    pub(super) fn write(&mut self, range: Range<usize>, level: usize, suffix: usize) {
        let mut at = range.start;
        while at < range.end {
            if at > range.start && space::before(self.tokens, at) {
                self.out.push(" ");
            }
            let token = self.tokens[at];
            at = match token.kind {
                Kind::Open(bracket) => self.bracket(bracket, at, &range, level, suffix),
                Kind::Fence => {
                    self.out
                        .push(&fence::moved(token.text, &"  ".repeat(level)));
                    at + 1
                }
                _ => {
                    self.out.push(token.text);
                    at + 1
                }
            };
        }
    }

    /// Writes `tokens[range]` on one line.
    pub(super) fn write_flat(&mut self, range: Range<usize>) {
        for at in range.clone() {
            if is_trailing_comma(self.tokens, at) {
                continue;
            }
            if at > range.start && space::before(self.tokens, at) {
                self.out.push(" ");
            }
            self.out.push(self.tokens[at].text);
        }
    }

    /// Writes the list or group at `open`, or just its bracket when what is in it goes on by
    /// itself; returns where to go on.
    fn bracket(
        &mut self,
        bracket: Bracket,
        open: usize,
        range: &Range<usize>,
        level: usize,
        suffix: usize,
    ) -> usize {
        let end = past_close(self.tokens, open);
        if self.fits(open..end, range.end, level, suffix) {
            self.write_flat(open..end);
            return end;
        }
        let rows = rows(self.tokens, bracket, open, end);
        if !rows.is_worth_breaking(bracket) {
            self.out.push(self.tokens[open].text);
            return open + 1;
        }
        self.broken(&rows, open, end, level);
        end
    }

    /// True when `tokens[bracket]` goes onto the line, or breaking it would not help the rest.
    fn fits(&self, bracket: Range<usize>, end: usize, level: usize, suffix: usize) -> bool {
        let Some(width) = flat_width(self.tokens, bracket.clone(), WIDTH) else {
            return false;
        };
        let column = self.out.column + width;
        let tail = self.tail_width(bracket.end, end, suffix);
        column + tail <= WIDTH || (column <= WIDTH && 2 * level + 1 + tail > WIDTH)
    }

    /// The columns from `start` to the next place where the line may break.
    fn tail_width(&self, start: usize, end: usize, suffix: usize) -> usize {
        let is_break = |t: &Token<'_>| matches!(t.kind, Kind::Open(_) | Kind::Fence);
        let stop = self.tokens[start..end].iter().position(is_break);
        let tail = start..stop.map_or(end, |n| start + n + 1);
        let extra = if stop.is_none() { suffix } else { 0 };
        let fence = usize::from(stop.is_some_and(|n| self.tokens[start + n].kind == Kind::Fence));
        let gap = usize::from(!tail.is_empty() && space::before(self.tokens, tail.start));
        flat_width(self.tokens, tail.start..tail.end - fence, WIDTH)
            .map_or(WIDTH + 1, |width| gap + width + extra)
    }

    fn broken(&mut self, rows: &Rows<'_>, open: usize, end: usize, level: usize) {
        self.out.push(self.tokens[open].text);
        self.comment(rows.opener);
        for row in &rows.rows {
            self.out.line(level + 1, row.blank);
            self.write(row.range.clone(), level + 1, usize::from(row.comma));
            if row.comma {
                self.out.push(",");
            }
            self.comment(row.comment);
        }
        self.out.line(level, false);
        self.out.push(self.tokens[end - 1].text);
    }

    fn comment(&mut self, comment: Option<&str>) {
        if let Some(text) = comment {
            self.out.push(" ");
            self.out.push(text);
        }
    }
}

/// The content of a bracket, line by line.
#[derive(Default)]
struct Rows<'t> {
    /// A comment behind the opening bracket.
    opener: Option<&'t str>,
    rows: Vec<Row<'t>>,
    /// True when tokens may still be added to the last row.
    goes_on: bool,
}

struct Row<'t> {
    /// Empty for the second of two commas in a group.
    range: Range<usize>,
    comma: bool,
    comment: Option<&'t str>,
    blank: bool,
    is_comment: bool,
}

impl<'t> Rows<'t> {
    fn is_worth_breaking(&self, bracket: Bracket) -> bool {
        let list_has_content = bracket == Bracket::List && !self.rows.is_empty();
        let comma = self
            .rows
            .first()
            .is_some_and(|row| row.comma || row.comment.is_some());
        list_has_content
            || self.opener.is_some()
            || self.rows.len() > 1
            || comma
            || self.rows.iter().any(|row| row.is_comment)
    }

    fn push(&mut self, range: Range<usize>, token: &Token<'t>) -> &mut Row<'t> {
        let blank = token.newlines > 1 && !self.rows.is_empty();
        let is_comment = token.kind == Kind::Comment;
        self.rows.push(Row {
            range,
            comma: false,
            comment: None,
            blank,
            is_comment,
        });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    fn comma(&mut self, at: usize, token: &Token<'t>) {
        self.goes_on = false;
        match self.rows.iter_mut().rfind(|row| !row.is_comment) {
            Some(row) if !row.comma => row.comma = true,
            _ => self.push(at..at, token).comma = true,
        }
    }

    fn comment(&mut self, at: usize, token: &Token<'t>) {
        self.goes_on = false;
        let same_line = token.newlines == 0;
        match self.rows.last_mut() {
            Some(row) if same_line && row.comment.is_none() && !row.is_comment => {
                row.comment = Some(token.text);
            }
            None if same_line && self.opener.is_none() => self.opener = Some(token.text),
            _ => {
                self.push(at..at + 1, token);
            }
        }
    }

    fn content(&mut self, bracket: Bracket, range: Range<usize>, token: &Token<'t>) {
        let keeps_break = bracket == Bracket::Group && token.newlines > 0;
        match self.rows.last_mut() {
            Some(row) if self.goes_on && !keeps_break => row.range.end = range.end,
            _ => {
                self.push(range, token);
            }
        }
        self.goes_on = true;
    }
}

/// The rows of the bracket `tokens[open..end]`: one per list element, all with a comma; in a group
/// one per comma and per line of the user.
fn rows<'t>(tokens: &'t [Token<'t>], bracket: Bracket, open: usize, end: usize) -> Rows<'t> {
    let mut rows = Rows::default();
    let mut at = open + 1;
    while at + 1 < end {
        let token = &tokens[at];
        let mut next = at + 1;
        match token.kind {
            Kind::Comma => rows.comma(at, token),
            Kind::Comment => rows.comment(at, token),
            Kind::Open(_) => {
                next = past_close(tokens, at);
                rows.content(bracket, at..next, token);
            }
            _ => rows.content(bracket, at..next, token),
        }
        at = next;
    }
    if bracket == Bracket::List {
        rows.rows
            .iter_mut()
            .for_each(|row| row.comma = !row.is_comment);
    }
    rows
}
