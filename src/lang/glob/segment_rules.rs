//! What the segments of a glob may be.
//!
//! Owns the rules that braces can break from afar: no empty, `.` or `..` segment, `**` alone in its
//! segment, nothing that leaves the project root. They are held against every brace expansion.
//! Knows items, not how they were read.

use super::error::{GlobError, GlobErrorKind, WayOut};
use super::pattern::{Item, ItemId, Pattern, mistake};

/// Holds the rules against every brace expansion. `offsets` says where each item was written. On
/// success, the offset of a trailing `/` if an expansion has one.
pub(super) fn check_segments(
    pattern: &Pattern,
    source: &str,
    offsets: &[usize],
) -> Result<Option<usize>, GlobError> {
    ExpansionCheck {
        pattern,
        source,
        offsets,
    }
    .run()
}

/// What a segment holds so far, as far as the rules care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    DoubleStar,
    Other,
}

/// One expansion being walked.
#[derive(Clone, Copy)]
struct Walk {
    id: ItemId,
    segment: Segment,
    /// Offset of the segment's first item, or of the `/` before it while there is none.
    segment_offset: usize,
    /// Items read that are not brace structure, up to 2: what `~` and `C:` look at.
    read: u8,
    /// The first item read is an unescaped ASCII letter.
    letter_first: bool,
}

struct ExpansionCheck<'p> {
    pattern: &'p Pattern,
    source: &'p str,
    offsets: &'p [usize],
}

impl ExpansionCheck<'_> {
    fn run(&self) -> Result<Option<usize>, GlobError> {
        let mut trailing_slash = None;
        let mut open = vec![Walk {
            id: 0,
            segment: Segment::Empty,
            segment_offset: 0,
            read: 0,
            letter_first: false,
        }];
        while let Some(mut walk) = open.pop() {
            loop {
                let shortcuts = self.pattern.shortcuts(walk.id);
                if !shortcuts.is_empty() {
                    // Reversed, so that the first alternative's mistake is told first.
                    open.extend(shortcuts.iter().rev().map(|&id| Walk { id, ..walk }));
                    break;
                }
                if self.pattern.items[walk.id] == Item::FinalSlash {
                    if self.end(&walk)? {
                        trailing_slash = trailing_slash.or(Some(walk.segment_offset));
                    }
                    break;
                }
                walk = self.step(walk)?;
            }
        }
        Ok(trailing_slash)
    }

    fn step(&self, mut walk: Walk) -> Result<Walk, GlobError> {
        let offset = self.offsets[walk.id];
        self.check_start(&walk, offset)?;
        let before = walk.segment;
        if before == Segment::Empty {
            walk.segment_offset = offset;
        }
        walk.segment = match &self.pattern.items[walk.id] {
            Item::Slash => {
                self.end_of_segment(&walk, offset)?;
                walk.segment_offset = offset;
                Segment::Empty
            }
            Item::DoubleStar if before == Segment::Empty => Segment::DoubleStar,
            Item::InsideDoubleStar => Segment::DoubleStar,
            Item::DoubleStar => {
                return Err(mistake(GlobErrorKind::DoubleStarNotAlone, offset, 2));
            }
            _ if before == Segment::DoubleStar => {
                let kind = GlobErrorKind::DoubleStarNotAlone;
                return Err(mistake(kind, walk.segment_offset, 2));
            }
            Item::One('.') => match before {
                Segment::Empty => Segment::Dot,
                Segment::Dot => Segment::DotDot,
                Segment::DotDot | Segment::DoubleStar | Segment::Other => Segment::Other,
            },
            _ => Segment::Other,
        };
        walk.letter_first |= walk.read == 0 && self.is_bare(offset, |c| c.is_ascii_alphabetic());
        walk.read = walk.read.saturating_add(1).min(2);
        walk.id += 1;
        Ok(walk)
    }

    /// `~` and drive letters, which only mean something at the very start.
    fn check_start(&self, walk: &Walk, offset: usize) -> Result<(), GlobError> {
        let way = match walk.read {
            0 if self.is_bare(offset, |c| c == '~') => WayOut::Home,
            1 if walk.letter_first && self.is_bare(offset, |c| c == ':') => WayOut::Drive,
            _ => return Ok(()),
        };
        Err(mistake(GlobErrorKind::LeavesRoot(way), offset, 1))
    }

    fn end_of_segment(&self, walk: &Walk, slash: usize) -> Result<(), GlobError> {
        match walk.segment {
            Segment::Empty if walk.read == 0 => Err(mistake(
                GlobErrorKind::LeavesRoot(WayOut::Absolute),
                slash,
                1,
            )),
            Segment::Empty => Err(mistake(GlobErrorKind::EmptySegment, slash, 1)),
            Segment::Dot => Err(mistake(GlobErrorKind::DotSegment, walk.segment_offset, 1)),
            Segment::DotDot => {
                let kind = GlobErrorKind::LeavesRoot(WayOut::Parent);
                Err(mistake(kind, walk.segment_offset, 2))
            }
            Segment::DoubleStar | Segment::Other => Ok(()),
        }
    }

    /// The end of an expansion; true if it ends in `/`.
    fn end(&self, walk: &Walk) -> Result<bool, GlobError> {
        match walk.segment {
            Segment::Empty if walk.read == 0 => Err(mistake(GlobErrorKind::Empty, 0, 0)),
            Segment::Empty => Ok(true),
            Segment::Dot | Segment::DotDot | Segment::DoubleStar | Segment::Other => {
                self.end_of_segment(walk, self.source.len()).map(|()| false)
            }
        }
    }

    /// Whether the character written at `offset` is unescaped and satisfies `is`.
    fn is_bare(&self, offset: usize, is: impl Fn(char) -> bool) -> bool {
        self.source[offset..].starts_with(is)
    }
}
