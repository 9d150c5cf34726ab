//! Why a text is not a glob.
//!
//! Owns the facts and one sentence per mistake. Knows the pattern only by byte offsets; where the
//! pattern stands in a `.coord` file is the caller's to add.

use std::fmt;

use super::{MAX_ALTERNATIVES, MAX_BRACE_DEPTH, MAX_BYTES, MAX_DOUBLE_STARS};

/// A mistake in a glob and where it is: `len` bytes from `offset`, both on character boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobError {
    pub kind: GlobErrorKind,
    pub offset: usize,
    pub len: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobErrorKind {
    /// The pattern, or one alternative of its braces, is empty.
    Empty,
    TooLong {
        bytes: usize,
    },
    Control {
        found: char,
    },
    UnclosedClass,
    UnclosedBrace,
    /// A `}` without its `{`.
    UnopenedBrace,
    /// `{}`.
    EmptyBraces,
    BackwardsRange {
        from: char,
        to: char,
    },
    SlashInClass,
    /// A `\` with nothing after it.
    DanglingEscape,
    /// A `\` before a letter, a digit or `/`: most likely a Windows path.
    NeedlessEscape {
        escaped: char,
    },
    /// `**` shares its segment with something else, as in `a**` or `***`.
    DoubleStarNotAlone,
    TooManyDoubleStars,
    TooManyAlternatives,
    BracesTooDeep,
    /// `a//b`.
    EmptySegment,
    /// A `.` segment.
    DotSegment,
    LeavesRoot(WayOut),
}

/// How a pattern tries to leave the project root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// A leading `/`.
    Absolute,
    /// A `..` segment.
    Parent,
    /// A leading `~`.
    Home,
    /// A leading `C:`.
    Drive,
}

impl GlobError {
    /// What to write instead.
    pub fn help(&self) -> &'static str {
        match &self.kind {
            GlobErrorKind::Empty => "write `**` for everything in the project",
            GlobErrorKind::TooLong { .. } => "split it into several globs",
            GlobErrorKind::Control { .. } => "remove the character",
            GlobErrorKind::UnclosedClass => "close it with `]`, or write `\\[` for the character",
            GlobErrorKind::UnclosedBrace => "close it with `}`, or write `\\{` for the character",
            GlobErrorKind::UnopenedBrace => "write `\\}` for the character",
            GlobErrorKind::EmptyBraces => "put alternatives between the braces, or remove them",
            GlobErrorKind::BackwardsRange { .. } => "swap the two ends",
            GlobErrorKind::SlashInClass => "leave `/` out: a class stays inside one segment",
            GlobErrorKind::DanglingEscape => "write `\\\\` for a backslash",
            GlobErrorKind::NeedlessEscape { .. } => "separate segments with `/`",
            GlobErrorKind::DoubleStarNotAlone => "write `*` here, or `**` as a whole segment",
            GlobErrorKind::TooManyDoubleStars | GlobErrorKind::TooManyAlternatives => {
                "split it into several globs"
            }
            GlobErrorKind::BracesTooDeep => "write the inner alternatives out",
            GlobErrorKind::EmptySegment => "remove one `/`",
            GlobErrorKind::DotSegment => "leave `.` out: globs start at the project root",
            GlobErrorKind::LeavesRoot(_) => "write a path relative to the project root",
        }
    }
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            GlobErrorKind::Empty => f.write_str("empty glob"),
            GlobErrorKind::TooLong { bytes } => {
                write!(f, "glob of {bytes} bytes, the limit is {MAX_BYTES}")
            }
            GlobErrorKind::Control { found } => {
                write!(f, "control character U+{:04X} in a glob", u32::from(*found))
            }
            GlobErrorKind::UnclosedClass => f.write_str("`[` is never closed"),
            GlobErrorKind::UnclosedBrace => f.write_str("`{` is never closed"),
            GlobErrorKind::UnopenedBrace => f.write_str("`}` without a `{`"),
            GlobErrorKind::EmptyBraces => f.write_str("`{}` holds no alternatives"),
            GlobErrorKind::BackwardsRange { from, to } => {
                write!(f, "range `{from}-{to}` runs backwards")
            }
            GlobErrorKind::SlashInClass => f.write_str("`/` inside a character class"),
            GlobErrorKind::DanglingEscape => f.write_str("`\\` escapes nothing"),
            GlobErrorKind::NeedlessEscape { escaped } => {
                write!(f, "`\\{escaped}` is not an escape")
            }
            GlobErrorKind::DoubleStarNotAlone => {
                f.write_str("`**` is not alone in its path segment")
            }
            GlobErrorKind::TooManyDoubleStars => {
                write!(f, "more than {MAX_DOUBLE_STARS} `**` in one glob")
            }
            GlobErrorKind::TooManyAlternatives => {
                write!(f, "braces give more than {MAX_ALTERNATIVES} alternatives")
            }
            GlobErrorKind::BracesTooDeep => {
                write!(f, "braces nested more than {MAX_BRACE_DEPTH} deep")
            }
            GlobErrorKind::EmptySegment => f.write_str("empty path segment"),
            GlobErrorKind::DotSegment => f.write_str("`.` segment in a glob"),
            GlobErrorKind::LeavesRoot(way) => {
                let how = match way {
                    WayOut::Absolute => "starts with `/`",
                    WayOut::Parent => "has a `..` segment",
                    WayOut::Home => "starts with `~`",
                    WayOut::Drive => "starts with a drive letter",
                };
                write!(f, "glob leaves the project root: it {how}")
            }
        }
    }
}

impl std::error::Error for GlobError {}
