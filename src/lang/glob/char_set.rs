//! A set of characters that may stand inside a path segment.
//!
//! Owns range arithmetic and the choice of the plainest character of a set (what a person would
//! rather read in a witness path). Knows nothing about patterns.
//!
//! Invariant: ranges are inclusive, sorted, disjoint, and hold only scalar values that can occur
//! in a segment: never NUL, `/` or a surrogate.

/// Everything a segment may hold. Control characters are in: a pattern may not contain them, but
/// a file on disk may, and `*` has to see that file.
const SEGMENT_CHARS: [(u32, u32); 3] = [(0x01, 0x2e), (0x30, 0xd7ff), (0xe000, 0x10_ffff)];

/// Plain characters, most readable first; see [`oddness`].
const PLAIN_FIRST: &str = "xyzabcdefghijklmnopqrstuvw0123456789XYZABCDEFGHIJKLMNOPQRSTUVW_-.+=@,%~:#&!;^'()[]{}$\"`*?<>|\\ ";

/// How many characters of a set without plain ASCII are looked at to find a letter.
const LETTER_SEARCH_LIMIT: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CharSet {
    ranges: Box<[(u32, u32)]>,
}

impl CharSet {
    pub(super) fn any() -> Self {
        Self {
            ranges: Box::new(SEGMENT_CHARS),
        }
    }

    pub(super) fn one(c: char) -> Self {
        Self::from_ranges(vec![(u32::from(c), u32::from(c))])
    }

    /// Takes ranges in any order, overlapping or not, and drops what no segment can hold.
    pub(super) fn from_ranges(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self {
            ranges: common_ranges(&merged, &SEGMENT_CHARS).into(),
        }
    }

    /// Segment characters outside this set.
    pub(super) fn negated(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for &(low, high) in &self.ranges {
            if low > next {
                gaps.push((next, low - 1));
            }
            next = high + 1;
        }
        gaps.push((next, u32::from(char::MAX)));
        // The last gap is backwards when the set reaches the last scalar value.
        gaps.retain(|(low, high)| low <= high);
        Self::from_ranges(gaps)
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        Self {
            ranges: common_ranges(&self.ranges, &other.ranges).into(),
        }
    }

    pub(super) fn without(&self, c: char) -> Self {
        self.intersection(&Self::one(c).negated())
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (self.ranges.get(i), other.ranges.get(j)) {
            if a.1 < b.0 {
                i += 1;
            } else if b.1 < a.0 {
                j += 1;
            } else {
                return true;
            }
        }
        false
    }

    pub(super) fn contains(&self, c: char) -> bool {
        let c = u32::from(c);
        let after = self.ranges.partition_point(|range| range.0 <= c);
        after.checked_sub(1).is_some_and(|i| self.ranges[i].1 >= c)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The only character of the set, if there is exactly one.
    pub(super) fn single(&self) -> Option<char> {
        match *self.ranges {
            [(low, high)] if low == high => char::from_u32(low),
            _ => None,
        }
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The character of the set that reads best, `x` above all; `None` for the empty set.
    pub(super) fn plainest(&self) -> Option<char> {
        if let Some(c) = PLAIN_FIRST.chars().find(|&c| self.contains(c)) {
            return Some(c);
        }
        let mut chars = self.chars().filter(|c| !c.is_ascii());
        let letter = chars
            .by_ref()
            .take(LETTER_SEARCH_LIMIT)
            .find(|c| c.is_alphabetic());
        letter
            .or_else(|| {
                self.chars()
                    .take(LETTER_SEARCH_LIMIT)
                    .find(|c| !c.is_control())
            })
            .or_else(|| self.chars().next())
    }

    fn chars(&self) -> impl Iterator<Item = char> {
        self.ranges
            .iter()
            .flat_map(|&(low, high)| low..=high)
            .filter_map(char::from_u32)
    }
}

/// How strange a character looks in a witness path; 0 is best.
pub(super) fn oddness(c: char) -> u32 {
    match c {
        '/' => 0,
        _ if c.is_ascii_alphanumeric() => 0,
        '_' | '-' | '.' => 1,
        ' ' => 4,
        _ if c.is_ascii_graphic() => 2,
        _ if c.is_alphanumeric() => 3,
        _ if c.is_control() => 6,
        _ => 5,
    }
}

fn common_ranges(a: &[(u32, u32)], b: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (mut i, mut j) = (0, 0);
    let mut common = Vec::new();
    while let (Some(&(a_low, a_high)), Some(&(b_low, b_high))) = (a.get(i), b.get(j)) {
        let (low, high) = (a_low.max(b_low), a_high.min(b_high));
        if low <= high {
            common.push((low, high));
        }
        if a_high < b_high {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}
