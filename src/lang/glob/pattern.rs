//! From text to items: the grammar of globs.
//!
//! Owns spelling: escapes, classes, braces and limits; `segment_rules` judges the segments that
//! result. Knows nothing of matching; the automaton is built from the items.
//!
//! Items lie in one flat list and braces are jumps in it, so nothing here recurses and the item
//! graph is the automaton's skeleton. Walking from item 0 over [`Pattern::shortcuts`] and to the
//! next item enumerates the brace expansions; there are at most [`MAX_ALTERNATIVES`] of them,
//! which is what lets the segment rules be checked on every expansion.

use super::char_set::CharSet;
use super::error::{GlobError, GlobErrorKind, WayOut};
use super::segment_rules::check_segments;
use super::{MAX_ALTERNATIVES, MAX_BRACE_DEPTH, MAX_BYTES, MAX_DOUBLE_STARS};

/// Where an item stands in the list.
pub(super) type ItemId = usize;

/// One step of a pattern. Paths are read with a `/` after every segment, the last one included,
/// so that `**` is "any number of segments" everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    One(char),
    Set(CharSet),
    /// `*`.
    Star,
    /// `**`, at the start of a segment; always followed by [`Item::InsideDoubleStar`].
    DoubleStar,
    /// Within a segment that `**` crosses.
    InsideDoubleStar,
    Slash,
    /// `{`: the first items of the alternatives.
    Open(Vec<ItemId>),
    /// `,` or `}`: on to what follows the braces.
    Jump(ItemId),
    /// The `/` that ends every path.
    FinalSlash,
    Accept,
}

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) items: Vec<Item>,
    /// Moves without reading that the items themselves do not say, sorted: over a `**` that
    /// crosses no segment, out of one that ends the pattern, and from a trailing `/` to the
    /// `**` it stands for.
    pub(super) skips: Vec<(ItemId, ItemId)>,
    pub(super) final_slash: ItemId,
}

impl Pattern {
    pub(super) fn parse(source: &str) -> Result<Self, GlobError> {
        check_text(source)?;
        let mut parser = Parser::new(source);
        parser.items()?;
        let Parser {
            mut items,
            mut offsets,
            double_stars,
            ..
        } = parser;

        let final_slash = items.len();
        items.push(Item::FinalSlash);
        offsets.push(source.len());
        items.push(Item::Accept);
        offsets.push(source.len());

        let mut pattern = Self {
            items,
            skips: Vec::new(),
            final_slash,
        };
        let trailing_slash = check_segments(&pattern, source, &offsets)?;
        if let Some(offset) = trailing_slash
            && double_stars == MAX_DOUBLE_STARS
        {
            return Err(mistake(GlobErrorKind::TooManyDoubleStars, offset, 1));
        }
        pattern.add_skips();
        Ok(pattern)
    }

    /// The moves of brace structure alone: from an item to items, without reading anything.
    pub(super) fn shortcuts(&self, item: ItemId) -> &[ItemId] {
        match &self.items[item] {
            Item::Open(branches) => branches,
            Item::Jump(to) => std::slice::from_ref(to),
            Item::One(_)
            | Item::Set(_)
            | Item::Star
            | Item::DoubleStar
            | Item::InsideDoubleStar
            | Item::Slash
            | Item::FinalSlash
            | Item::Accept => &[],
        }
    }

    pub(super) fn skips_from(&self, item: ItemId) -> impl Iterator<Item = ItemId> {
        let first = self.skips.partition_point(|skip| skip.0 < item);
        self.skips[first..]
            .iter()
            .take_while(move |skip| skip.0 == item)
            .map(|skip| skip.1)
    }

    /// The literal characters every matching path starts with, `/` included.
    pub(super) fn lead(&self) -> String {
        let mut lead = String::new();
        for (id, item) in self.items.iter().enumerate() {
            match item {
                Item::One(c) => lead.push(*c),
                Item::Slash => lead.push('/'),
                // After a trailing slash more has to follow.
                Item::FinalSlash if !self.follows_slash(id) => lead.push('/'),
                Item::FinalSlash
                | Item::Set(_)
                | Item::Star
                | Item::DoubleStar
                | Item::InsideDoubleStar
                | Item::Open(_)
                | Item::Jump(_)
                | Item::Accept => break,
            }
        }
        lead
    }

    /// What each of the first segments of every matching path starts with; a literal segment
    /// has its `/`. Goes up to the first `**` or brace, behind which segments have no number.
    pub(super) fn segment_leads(&self) -> Vec<String> {
        let mut leads = Vec::new();
        let mut lead = String::new();
        let mut is_literal = true;
        for (id, item) in self.items.iter().enumerate() {
            match item {
                Item::One(c) if is_literal => lead.push(*c),
                Item::One(_) => {}
                Item::Set(_) | Item::Star => is_literal = false,
                Item::FinalSlash if self.follows_slash(id) => break,
                Item::Slash | Item::FinalSlash => {
                    lead.extend(is_literal.then_some('/'));
                    leads.push(std::mem::take(&mut lead));
                    is_literal = true;
                }
                Item::DoubleStar
                | Item::InsideDoubleStar
                | Item::Open(_)
                | Item::Jump(_)
                | Item::Accept => break,
            }
        }
        leads.push(lead);
        let said = leads
            .iter()
            .rposition(|lead| !lead.is_empty())
            .map_or(0, |last| last + 1);
        leads.truncate(said);
        leads
    }

    /// The literal characters every matching path ends with, last one first, without the final
    /// `/`.
    pub(super) fn reversed_tail(&self) -> String {
        let mut tail = String::new();
        let mut id = self.final_slash;
        if self.follows_slash(id) {
            return tail;
        }
        while let Some(before) = id.checked_sub(1) {
            id = before;
            match &self.items[id] {
                Item::One(c) => tail.push(*c),
                Item::Slash if !self.follows_double_star(id) => tail.push('/'),
                Item::Slash
                | Item::FinalSlash
                | Item::Set(_)
                | Item::Star
                | Item::DoubleStar
                | Item::InsideDoubleStar
                | Item::Open(_)
                | Item::Jump(_)
                | Item::Accept => break,
            }
        }
        tail
    }

    /// Ends in a segment that is `*` alone, and `**` and a trailing `/` occur nowhere.
    pub(super) fn ends_in_lone_star(&self) -> bool {
        let crosses = self.items.contains(&Item::DoubleStar);
        let star = self
            .final_slash
            .checked_sub(1)
            .filter(|&id| self.items[id] == Item::Star);
        !crosses && star.is_some_and(|id| id == 0 || self.follows_slash(id))
    }

    fn follows_slash(&self, id: ItemId) -> bool {
        id.checked_sub(1)
            .is_some_and(|before| self.items[before] == Item::Slash)
    }

    /// Whether this `/` may be skipped with the `**` before it; also true, to be careful, behind
    /// braces, which may end in `**`.
    fn follows_double_star(&self, id: ItemId) -> bool {
        id.checked_sub(1).is_some_and(|before| {
            matches!(self.items[before], Item::InsideDoubleStar | Item::Jump(_))
        })
    }

    fn add_skips(&mut self) {
        let mut skips = Vec::new();
        let mut trailing = Vec::new();
        for id in 0..self.final_slash {
            match self.items[id] {
                Item::DoubleStar => {
                    for next in self.next_read(id + 2) {
                        match self.items[next] {
                            Item::Slash => skips.push((id, next + 1)),
                            Item::FinalSlash => skips.push((id + 1, next)),
                            // The segment rules leave nothing else to follow a `**`.
                            _ => {}
                        }
                    }
                }
                Item::Slash if self.next_read(id + 1).contains(&self.final_slash) => {
                    trailing.push(id + 1);
                }
                _ => {}
            }
        }
        if !trailing.is_empty() {
            // One `**` behind the pattern serves all trailing slashes.
            let double_star = self.items.len();
            self.items
                .extend([Item::DoubleStar, Item::InsideDoubleStar]);
            skips.push((double_star + 1, self.final_slash));
            skips.extend(trailing.into_iter().map(|from| (from, double_star)));
        }
        skips.sort_unstable();
        skips.dedup();
        self.skips = skips;
    }

    /// The items that come next after brace structure is followed, `id` itself if it is no brace.
    fn next_read(&self, id: ItemId) -> Vec<ItemId> {
        let mut found = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let shortcuts = self.shortcuts(id);
            if shortcuts.is_empty() {
                found.push(id);
            }
            open.extend_from_slice(shortcuts);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// What can be judged before the text is taken apart.
fn check_text(source: &str) -> Result<(), GlobError> {
    if source.is_empty() {
        return Err(mistake(GlobErrorKind::Empty, 0, 0));
    }
    if source.len() > MAX_BYTES {
        let kind = GlobErrorKind::TooLong {
            bytes: source.len(),
        };
        return Err(mistake(kind, 0, source.len()));
    }
    if let Some((offset, found)) = source.char_indices().find(|(_, c)| c.is_control()) {
        return Err(mistake(
            GlobErrorKind::Control { found },
            offset,
            found.len_utf8(),
        ));
    }
    // Told before the backslashes of such a path are.
    if let [letter, b':', ..] = source.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(mistake(GlobErrorKind::LeavesRoot(WayOut::Drive), 0, 2));
    }
    Ok(())
}

pub(super) fn mistake(kind: GlobErrorKind, offset: usize, len: usize) -> GlobError {
    GlobError { kind, offset, len }
}

/// An open brace.
struct Brace {
    offset: usize,
    open: ItemId,
    branches: Vec<ItemId>,
    jumps: Vec<ItemId>,
    /// Expansions of the alternatives closed so far.
    closed: usize,
    /// Expansions of what precedes the brace at its own level.
    before: usize,
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    items: Vec<Item>,
    /// Byte offset of each item, for mistakes found later.
    offsets: Vec<usize>,
    braces: Vec<Brace>,
    /// Expansions of the level being read, up to here.
    expansions: usize,
    double_stars: usize,
}

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Self {
        Self {
            source,
            at: 0,
            items: Vec::with_capacity(source.len() + 2),
            offsets: Vec::with_capacity(source.len() + 2),
            braces: Vec::new(),
            expansions: 1,
            double_stars: 0,
        }
    }

    fn items(&mut self) -> Result<(), GlobError> {
        while let Some((offset, c)) = self.next() {
            match c {
                '/' => self.push(Item::Slash, offset),
                '*' => self.star(offset)?,
                '?' => self.push(Item::Set(CharSet::any()), offset),
                '[' => self.class(offset)?,
                '{' => self.open(offset)?,
                ',' if !self.braces.is_empty() => self.comma(offset)?,
                '}' => self.close(offset)?,
                '\\' => {
                    let escaped = self.escaped(offset)?;
                    self.push(Item::One(escaped), offset);
                }
                _ => self.push(Item::One(c), offset),
            }
        }
        match self.braces.last() {
            Some(brace) => Err(mistake(GlobErrorKind::UnclosedBrace, brace.offset, 1)),
            None => Ok(()),
        }
    }

    fn star(&mut self, offset: usize) -> Result<(), GlobError> {
        while self.peek() == Some('*') {
            self.next();
        }
        let len = self.at - offset;
        match len {
            1 => self.push(Item::Star, offset),
            2 if self.double_stars == MAX_DOUBLE_STARS => {
                return Err(mistake(GlobErrorKind::TooManyDoubleStars, offset, len));
            }
            2 => {
                self.double_stars += 1;
                self.push(Item::DoubleStar, offset);
                self.push(Item::InsideDoubleStar, offset);
            }
            _ => return Err(mistake(GlobErrorKind::DoubleStarNotAlone, offset, len)),
        }
        Ok(())
    }

    fn open(&mut self, offset: usize) -> Result<(), GlobError> {
        if self.braces.len() == MAX_BRACE_DEPTH {
            return Err(mistake(GlobErrorKind::BracesTooDeep, offset, 1));
        }
        if self.peek() == Some('}') {
            return Err(mistake(GlobErrorKind::EmptyBraces, offset, 2));
        }
        let open = self.items.len();
        self.push(Item::Open(Vec::new()), offset);
        self.braces.push(Brace {
            offset,
            open,
            branches: vec![open + 1],
            jumps: Vec::new(),
            closed: 0,
            before: std::mem::replace(&mut self.expansions, 1),
        });
        Ok(())
    }

    fn comma(&mut self, offset: usize) -> Result<(), GlobError> {
        let jump = self.items.len();
        // The target is filled in at the closing brace.
        self.push(Item::Jump(jump), offset);
        if let Some(brace) = self.braces.last_mut() {
            brace.jumps.push(jump);
            brace.branches.push(jump + 1);
            brace.closed = sum(brace.closed, self.expansions, brace.offset)?;
            self.expansions = 1;
        }
        Ok(())
    }

    fn close(&mut self, offset: usize) -> Result<(), GlobError> {
        let Some(mut brace) = self.braces.pop() else {
            return Err(mistake(GlobErrorKind::UnopenedBrace, offset, 1));
        };
        brace.jumps.push(self.items.len());
        self.push(Item::Jump(0), offset);
        let after = self.items.len();
        for jump in brace.jumps {
            self.items[jump] = Item::Jump(after);
        }
        self.items[brace.open] = Item::Open(brace.branches);

        let inside = sum(brace.closed, self.expansions, brace.offset)?;
        self.expansions = product(brace.before, inside, brace.offset)?;
        Ok(())
    }

    fn class(&mut self, offset: usize) -> Result<(), GlobError> {
        let negated = matches!(self.peek(), Some('!' | '^'));
        if negated {
            self.next();
        }
        let mut ranges = Vec::new();
        let mut slash = None;
        let first = self.at;
        loop {
            let Some((at, c)) = self.next() else {
                return Err(mistake(GlobErrorKind::UnclosedClass, offset, 1));
            };
            match c {
                // As the first member, `]` is itself.
                ']' if at != first => break,
                '/' => slash = slash.or(Some(at)),
                _ => {
                    let from = if c == '\\' { self.escaped(at)? } else { c };
                    let to = self.range_end()?.unwrap_or(from);
                    if to < from {
                        let kind = GlobErrorKind::BackwardsRange { from, to };
                        return Err(mistake(kind, at, self.at - at));
                    }
                    ranges.push((u32::from(from), u32::from(to)));
                }
            }
        }
        if let Some(at) = slash {
            return Err(mistake(GlobErrorKind::SlashInClass, at, 1));
        }
        let listed = CharSet::from_ranges(ranges);
        let set = if negated { listed.negated() } else { listed };
        // `[a]` is `a`, so that `[.][.]` is seen for what it is.
        let item = set.single().map_or(Item::Set(set), Item::One);
        self.push(item, offset);
        Ok(())
    }

    /// After the lower end of a range: the upper end, if a `-` with one follows.
    fn range_end(&mut self) -> Result<Option<char>, GlobError> {
        let mut ahead = self.source[self.at..].chars();
        let is_range = ahead.next() == Some('-') && !matches!(ahead.next(), Some(']' | '/') | None);
        if !is_range {
            return Ok(None);
        }
        self.next();
        match self.next() {
            Some((at, '\\')) => self.escaped(at).map(Some),
            next => Ok(next.map(|(_, c)| c)),
        }
    }

    /// The character after the `\` at `offset`.
    fn escaped(&mut self, offset: usize) -> Result<char, GlobError> {
        match self.next() {
            None => Err(mistake(GlobErrorKind::DanglingEscape, offset, 1)),
            Some((_, escaped)) if escaped.is_alphanumeric() || escaped == '/' => {
                let kind = GlobErrorKind::NeedlessEscape { escaped };
                Err(mistake(kind, offset, self.at - offset))
            }
            Some((_, escaped)) => Ok(escaped),
        }
    }

    fn push(&mut self, item: Item, offset: usize) {
        self.items.push(item);
        self.offsets.push(offset);
    }

    fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let c = self.peek()?;
        let offset = self.at;
        self.at += c.len_utf8();
        Some((offset, c))
    }
}

fn sum(a: usize, b: usize, brace: usize) -> Result<usize, GlobError> {
    within_limit(a.checked_add(b), brace)
}

fn product(a: usize, b: usize, brace: usize) -> Result<usize, GlobError> {
    within_limit(a.checked_mul(b), brace)
}

fn within_limit(expansions: Option<usize>, brace: usize) -> Result<usize, GlobError> {
    expansions
        .filter(|&n| n <= MAX_ALTERNATIVES)
        .ok_or_else(|| mistake(GlobErrorKind::TooManyAlternatives, brace, 1))
}
