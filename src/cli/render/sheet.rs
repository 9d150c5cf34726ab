//! Lines of a picture: colour, columns, and what is cut at the edge.
//!
//! A [`Sheet`] collects [`Line`]s and never lets one be wider than its width. It owns the escape
//! sequences of colours; nobody else writes any. It does not know plans.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a piece of text is. Without colour only the text itself says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Critical,
    Late,
    Good,
    Work,
    Event,
}

impl Ink {
    fn escape(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Strong => "\x1b[1m",
            Ink::Faint => "\x1b[2m",
            Ink::Critical => "\x1b[1;33m",
            Ink::Late => "\x1b[1;31m",
            Ink::Good => "\x1b[32m",
            Ink::Work => "\x1b[34m",
            Ink::Event => "\x1b[36m",
        }
    }
}

/// Columns that `text` takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns; what is cut ends with `…`.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_string();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next + 1 > room {
            break;
        }
        used = next;
        kept.push(c);
    }
    if room > 0 {
        kept.push('…');
    }
    kept
}

/// What somebody wrote, as text that no terminal obeys and that stays on its line.
pub(crate) fn tame(text: &str) -> String {
    text.chars()
        .map(|c| if is_wild(c) { ' ' } else { c })
        .collect()
}

fn is_wild(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line, written from left to right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pieces: Vec<(Ink, String)>,
    used: usize,
}

impl Line {
    pub(crate) fn new() -> Line {
        Line::default()
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    #[must_use]
    pub(crate) fn add(mut self, ink: Ink, text: impl Into<String>) -> Line {
        let text = text.into();
        self.used += columns(&text);
        self.pieces.push((ink, text));
        self
    }

    #[must_use]
    pub(crate) fn plain(self, text: impl Into<String>) -> Line {
        self.add(Ink::Plain, text)
    }

    /// Goes on at column `at`, or where it is when that is further.
    #[must_use]
    pub(crate) fn to(self, at: usize) -> Line {
        let missing = at.saturating_sub(self.used);
        self.plain(" ".repeat(missing))
    }

    /// `text` in exactly `room` columns.
    #[must_use]
    pub(crate) fn fit(self, ink: Ink, text: &str, room: usize) -> Line {
        let end = self.used + room;
        self.add(ink, cut(text, room)).to(end)
    }

    /// `text` in exactly `room` columns, at their right.
    #[must_use]
    pub(crate) fn fit_right(self, ink: Ink, text: &str, room: usize) -> Line {
        let text = cut(text, room);
        let start = self.used + room - columns(&text);
        self.to(start).add(ink, text)
    }

    #[must_use]
    pub(crate) fn cells(mut self, cells: &Cells) -> Line {
        for (ink, text) in cells.runs() {
            self = self.add(ink, text);
        }
        self
    }

    /// The pieces that fit into `room`, without blanks at the end.
    fn visible(&self, room: usize) -> Vec<(Ink, String)> {
        let mut left = room;
        let mut shown = Vec::new();
        for (ink, text) in &self.pieces {
            let text = cut(text, left);
            left -= columns(&text);
            shown.push((*ink, text));
        }
        while let Some((_, last)) = shown.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            shown.pop();
        }
        shown
    }
}

/// A row of cells, one column each, to draw into.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    cells: Vec<(char, Ink)>,
}

impl Cells {
    pub(crate) fn blank(columns: usize) -> Cells {
        Cells {
            cells: vec![(' ', Ink::Plain); columns],
        }
    }

    /// Draws at `at`; outside nothing happens.
    pub(crate) fn put(&mut self, at: usize, c: char, ink: Ink) {
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = (c, ink);
        }
    }

    pub(crate) fn fill(&mut self, range: std::ops::Range<usize>, c: char, ink: Ink) {
        for at in range {
            self.put(at, c, ink);
        }
    }

    /// Writes text of narrow characters from `at` on.
    pub(crate) fn write(&mut self, at: usize, text: &str, ink: Ink) {
        for (index, c) in text.chars().enumerate() {
            self.put(at + index, c, ink);
        }
    }

    /// Writes `text` where `range` is blank, and one cell around it; false when there is no room.
    pub(crate) fn write_if_free(&mut self, at: usize, text: &str, ink: Ink) -> bool {
        let end = at + text.chars().count();
        let around = at.saturating_sub(1)..(end + 1).min(self.cells.len());
        let free = end <= self.cells.len() && self.cells[around].iter().all(|(c, _)| *c == ' ');
        if free {
            self.write(at, text, ink);
        }
        free
    }

    fn runs(&self) -> Vec<(Ink, String)> {
        let mut runs: Vec<(Ink, String)> = Vec::new();
        for &(c, ink) in &self.cells {
            match runs.last_mut() {
                Some((last, text)) if *last == ink => text.push(c),
                _ => runs.push((ink, c.to_string())),
            }
        }
        runs
    }
}

/// How wide a picture is, whether it has colours, and what is today in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// In ms since 1970 UTC; None leaves today out.
    pub(crate) now_ms: Option<i64>,
}

/// A picture that grows line by line.
#[derive(Debug)]
pub(crate) struct Sheet {
    look: Look,
    text: String,
}

impl Sheet {
    pub(crate) fn new(look: Look) -> Sheet {
        Sheet {
            look,
            text: String::new(),
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.look.width
    }

    pub(crate) fn line(&mut self, line: Line) {
        for (ink, text) in line
            .visible(self.look.width)
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
        {
            let escape = if self.look.color { ink.escape() } else { "" };
            self.text.push_str(escape);
            self.text.push_str(&text);
            if !escape.is_empty() {
                self.text.push_str("\x1b[0m");
            }
        }
        self.text.push('\n');
    }

    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// What is today in it, in ms since 1970 UTC.
    pub(crate) fn now_ms(&self) -> Option<i64> {
        self.look.now_ms
    }

    /// The first line of a section: what it is about, and what it comes to.
    pub(crate) fn heading(&mut self, title: &str, gist: &str) {
        self.blank();
        let line = Line::new().add(Ink::Strong, title);
        if gist.is_empty() || line.used() + 2 + columns(gist) <= self.look.width {
            self.line(line.plain("  ").add(Ink::Faint, gist));
        } else {
            self.line(line);
            self.wrapped(2, Ink::Faint, gist);
        }
    }

    /// Words over as many lines as they need, from column `indent` on.
    pub(crate) fn wrapped(&mut self, indent: usize, ink: Ink, text: &str) {
        self.hanging(Line::new().to(indent), ink, text);
    }

    /// Words behind `start`; further lines begin where the words began.
    pub(crate) fn hanging(&mut self, start: Line, ink: Ink, text: &str) {
        let indent = start.used();
        let mut line = Some(start);
        for words in wrap(text.split(' '), " ", self.room(indent)) {
            let before = line.take().unwrap_or_else(|| Line::new().to(indent));
            self.line(before.add(ink, words));
        }
        if let Some(start) = line {
            self.line(start);
        }
    }

    /// Entries side by side, none of them broken.
    pub(crate) fn entries(&mut self, indent: usize, ink: Ink, entries: &[String]) {
        for words in wrap(entries.iter().map(String::as_str), "   ", self.room(indent)) {
            self.line(Line::new().to(indent).add(ink, words));
        }
    }

    fn room(&self, indent: usize) -> usize {
        self.look.width.saturating_sub(indent).max(1)
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// `words` put into lines of at most `room` columns.
fn wrap<'a>(words: impl Iterator<Item = &'a str>, gap: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + columns(gap) + columns(word) <= room => {
                line.push_str(gap);
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_cut_by_columns() {
        assert_eq!(cut("日本語の題名", 7), "日本語…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn no_line_is_wider_than_its_sheet() {
        let mut sheet = Sheet::new(Look {
            width: 10,
            color: false,
            now_ms: None,
        });
        sheet.line(Line::new().plain("12345678").add(Ink::Late, "9 and more"));
        sheet.wrapped(4, Ink::Plain, "some words that go on");
        assert_eq!(
            sheet.into_text(),
            "123456789…\n    some\n    words\n    that\n    go on\n"
        );
    }

    #[test]
    fn colour_is_closed_on_the_same_line() {
        let mut sheet = Sheet::new(Look {
            width: 20,
            color: true,
            now_ms: None,
        });
        sheet.line(Line::new().add(Ink::Late, "late").plain("   "));
        assert_eq!(sheet.into_text(), "\x1b[1;31mlate\x1b[0m\n");
    }

    #[test]
    fn what_somebody_wrote_cannot_move_the_cursor() {
        assert_eq!(tame("a\x1b[2Jb\nc\u{202e}d"), "a [2Jb c d");
    }
}
