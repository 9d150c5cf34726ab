//! Source texts and places in them.
//!
//! Owns the mapping from byte offsets to lines and columns. Knows nothing of the language, and
//! never reads a file: a host hands the texts in.

use std::collections::HashMap;
use std::fmt;

/// Index of a file in [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub u32);

/// A half-open byte range in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span {
            file,
            start: start as u32,
            end: end.max(start) as u32,
        }
    }

    /// The smallest range that covers both; both must be of one file.
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty range just behind this one.
    pub fn after(self) -> Span {
        Span {
            start: self.end,
            ..self
        }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// True for a place between two bytes.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The byte range, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it was written.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs `value` with `span`.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A line and a column, both from 1, the column in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for LineColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One text with its name as the user would type it.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// Indexes the lines of `text`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> SourceFile {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, b)| *b == b'\n')
                .map(|(i, _)| i as u32 + 1),
        );
        SourceFile {
            name: name.into(),
            text,
            line_starts,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line, from 0, that holds byte `offset`.
    pub fn line_index(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|s| *s <= offset) - 1
    }

    /// The text of line `index` (from 0) without its line break.
    pub fn line(&self, index: usize) -> &str {
        let Some(&start) = self.line_starts.get(index) else {
            return "";
        };
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |e| *e as usize);
        self.text
            .get(start as usize..end)
            .unwrap_or("")
            .trim_end_matches(['\n', '\r'])
    }

    /// From the start of the line that holds `offset` on: found by walking back, which is faster
    /// than a search among all lines.
    fn line_with(&self, offset: u32) -> &str {
        let at = (offset as usize).min(self.text.len());
        let before = &self.text.as_bytes()[..at];
        let start = before.iter().rposition(|b| *b == b'\n');
        self.text.get(start.map_or(0, |n| n + 1)..).unwrap_or("")
    }

    /// The byte offset where line `index` (from 0) starts.
    pub fn line_offset(&self, index: usize) -> usize {
        self.line_starts
            .get(index)
            .map_or(self.text.len(), |s| *s as usize)
    }

    /// Columns of white space at the start of the line that holds `offset`; a tab counts as two.
    pub fn line_indent(&self, offset: u32) -> usize {
        let line = self.line_with(offset);
        let spaces = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
        spaces.map(|c| if c == '\t' { 2 } else { 1 }).sum()
    }

    /// How to start a new line before byte `offset`: where the white space before it begins, and
    /// the line break with the indentation of its line.
    pub fn line_break_before(&self, offset: u32) -> (usize, String) {
        let index = self.line_index(offset);
        let before = self.text.get(..offset as usize).unwrap_or("");
        let line = self.line(index);
        let indent = &line[..line.len() - line.trim_start().len()];
        (before.trim_end().len(), format!("\n{indent}"))
    }

    /// The first character of the line that holds `offset`, past white space.
    pub fn line_first(&self, offset: u32) -> Option<char> {
        self.line_with(offset).trim_start().chars().next()
    }

    /// Line and column of byte `offset`, for people.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.line_index(offset);
        let start = self.line_starts[line] as usize;
        let upto = self.text.get(start..offset as usize).unwrap_or("");
        LineColumn {
            line: line + 1,
            column: upto.chars().count() + 1,
        }
    }

    /// Line (from 0) and column in UTF-16 code units (from 0), as the Language Server Protocol
    /// counts.
    pub fn utf16_position(&self, offset: u32) -> (usize, usize) {
        let line = self.line_index(offset);
        let start = self.line_starts[line] as usize;
        let upto = self.text.get(start..offset as usize).unwrap_or("");
        (line, upto.encode_utf16().count())
    }
}

/// Where a `use` leads, as the host that read the files found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Link {
    File(FileId),
    Unreadable {
        why: String,
        /// What was probably meant, as it would be written.
        near: Option<String>,
    },
    /// Out of the project's folder.
    Leaves,
    /// More files in a chain than this.
    TooDeep(usize),
    /// More files in the project than this.
    TooMany(usize),
    /// More text in the project than so many bytes.
    TooLarge(usize),
}

/// The files of one compilation. A [`Span`] is only meaningful together with these.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// By the file that uses and by the path as it is written there.
    links: HashMap<(FileId, String), Link>,
}

impl Sources {
    /// One file alone.
    pub fn single(name: impl Into<String>, text: impl Into<String>) -> Sources {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    }

    /// Adds a file and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(SourceFile::new(name, text));
        FileId(self.files.len() as u32 - 1)
    }

    /// Says where `path`, as it is written in `from`, leads.
    pub fn link(&mut self, from: FileId, path: impl Into<String>, to: Link) {
        self.links.insert((from, path.into()), to);
    }

    /// Where `path`, as it is written in `from`, leads; None when nobody looked.
    pub fn linked(&self, from: FileId, path: &str) -> Option<&Link> {
        self.links.get(&(from, path.to_string()))
    }

    /// The same files with another text in one of them.
    pub fn replace(&mut self, id: FileId, text: impl Into<String>) {
        let file = &mut self.files[id.0 as usize];
        *file = SourceFile::new(file.name.clone(), text);
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files with their ids, in order of addition.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(i, f)| (FileId(i as u32), f))
    }

    /// The text that `span` covers.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text().get(span.range()).unwrap_or("")
    }

    /// Line and column where `span` starts.
    pub fn start(&self, span: Span) -> LineColumn {
        self.file(span.file).line_column(span.start)
    }
}
