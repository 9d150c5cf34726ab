//! Globs: which paths they match, and what two of them have in common.
//!
//! Owns the meaning of a glob, decided by automata and never by sample paths. Knows nothing of
//! disks, owners or source files: paths and patterns come in as text, byte offsets go out.
//!
//! Reading order: `pattern` takes the text apart, `segment_rules` judges the segments, `error` says
//! what is wrong; `char_set` and `automaton` are the meaning; `witness` finds the path to show,
//! `product` in two globs, `difference` in one and not in others; `overlap` handles many globs.
//!
//! # Meaning
//!
//! A path is relative to the project root: segments joined by `/`, none of them empty, `.` or
//! `..`. Other texts are no paths, and no glob matches them. Characters are compared one by one
//! and case counts; a leading dot is nothing special.
//!
//! | Written | Matches |
//! |---|---|
//! | `*` | any run of characters inside one segment, also none |
//! | `?` | one character inside a segment |
//! | `**` | as a whole segment: any number of segments, also none; as the last one: at least one |
//! | `[ab]` `[a-z]` `[!a]` `[^a]` | one character of the class, never `/`; a leading `]` is a member |
//! | `{a,b}` | either; nested up to [`MAX_BRACE_DEPTH`], and an alternative may hold `/` |
//! | `\` | the next character as it is; not before letters, digits and `/` |
//! | a trailing `/` | what lies beneath: `dir/` is `dir/**` |
//!
//! So `infra/**` does not match `infra`, `**/x` matches `x`, and `a/**/b` matches `a/b`. Braces
//! choose among meanings, not letters: in `*{a,}*` two `*` may meet, and never make a `**`.
//!
//! # Bounds
//!
//! [`MAX_BYTES`], [`MAX_DOUBLE_STARS`], [`MAX_ALTERNATIVES`] and [`MAX_BRACE_DEPTH`] bound one
//! glob; a trailing `/` counts as a `**`. An automaton has about 4 states per byte at most. Matching
//! takes `path * edges` steps, `intersect` and `meets` at most `edges_a * edges_b`. `minus` and
//! `relation` could be exponential: they have a budget of steps and answer
//! [`Remainder::Unknown`] and [`Relation::Unknown`] when it is spent. The same globs always get
//! the same answer.

mod automaton;
mod char_set;
mod difference;
mod error;
mod overlap;
mod pattern;
mod product;
mod segment_rules;
mod witness;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};

use self::automaton::Automaton;
use self::pattern::Pattern;
use self::product::Meeting;

pub use self::error::{GlobError, GlobErrorKind, WayOut};
pub use self::overlap::{CandidatePairs, candidate_pairs, intersecting_pairs};

/// Longest glob in bytes.
pub const MAX_BYTES: usize = 512;
/// Most `**` in one glob.
pub const MAX_DOUBLE_STARS: usize = 4;
/// Most alternatives that the braces of one glob may multiply to.
pub const MAX_ALTERNATIVES: usize = 64;
/// Deepest nesting of braces.
pub const MAX_BRACE_DEPTH: usize = 4;

/// Pairs of edges that [`Glob::intersect_minus`] looks at before it gives up.
const PRODUCT_EDGE_LIMIT: usize = 50_000;

/// A checked glob, which matches at least one path. Equality and hash are those of the spelling:
/// `a/` and `a/**` are different values, and their relation is [`Relation::Equal`].
#[derive(Clone)]
pub struct Glob {
    source: Box<str>,
    automaton: Automaton,
    /// What every matching path starts with, when it is written with a final `/`.
    lead: String,
    /// What every matching path ends with, last character first.
    reversed_tail: String,
    /// What each of the first segments starts with; see `Pattern::segment_leads`.
    segment_leads: Vec<String>,
    /// Length of the whole literal segments at the start of `lead`, without the last `/`.
    literal_prefix_len: usize,
    direct_children_only: bool,
}

/// How the paths of one glob lie to those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// No path in common.
    Disjoint,
    /// The same paths.
    Equal,
    /// All paths of the other, and more.
    Contains,
    /// Only paths of the other, and not all of them.
    ContainedIn,
    /// Some in common, some on either side alone.
    Crossing,
    /// Some in common; the rest was too costly to decide. To be treated as crossing.
    Unknown,
}

/// What is left of a glob after others are taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remainder {
    Nothing,
    /// Something: the shortest path of it.
    Path(String),
    /// Too costly to decide. To be treated as something.
    Unknown,
}

impl Glob {
    /// Reads a glob, or says what is wrong with it and where.
    pub fn parse(source: &str) -> Result<Self, GlobError> {
        let pattern = Pattern::parse(source)?;
        let lead = pattern.lead();
        Ok(Self {
            source: source.into(),
            automaton: Automaton::compile(&pattern),
            reversed_tail: pattern.reversed_tail(),
            segment_leads: pattern.segment_leads(),
            literal_prefix_len: lead.rfind('/').unwrap_or(0),
            lead,
            direct_children_only: pattern.ends_in_lone_star(),
        })
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether `path` is a path of this glob; see the module's notes on what a path is.
    pub fn matches(&self, path: &str) -> bool {
        let starts_right = match self.lead.strip_suffix('/') {
            // The final `/` of the path is only implied, so `a` starts with the lead `a/`.
            Some(bare) if path.len() == bare.len() => path == bare,
            _ => path.starts_with(&self.lead),
        };
        starts_right && self.automaton.accepts(path.chars().chain(['/']))
    }

    /// The shortest path that this glob matches, and the most readable one of that length.
    pub fn example(&self) -> String {
        // There is one; see `Automaton::compile`.
        self.automaton.best_word().map(as_path).unwrap_or_default()
    }

    /// Whether some path is matched by both.
    pub fn meets(&self, other: &Self) -> bool {
        overlap::may_meet(self, other) && Meeting::default().meet(&self.automaton, &other.automaton)
    }

    /// The shortest path that both match, and the most readable one of that length.
    pub fn intersect(&self, other: &Self) -> Option<String> {
        if !overlap::may_meet(self, other) {
            return None;
        }
        product::common_word(&self.automaton, &other.automaton).map(as_path)
    }

    /// A path that this glob matches and none of `others` does.
    pub fn minus(&self, others: &[&Self]) -> Remainder {
        if others.contains(&self) {
            return Remainder::Nothing;
        }
        remainder(
            &self.automaton,
            others.iter().filter(|other| overlap::may_meet(self, other)),
        )
    }

    /// A path that both match and none of `excepted` does: `intersect` for claims with exceptions.
    pub fn intersect_minus(&self, other: &Self, excepted: &[&Self]) -> Remainder {
        let Some(witness) = self.intersect(other) else {
            return Remainder::Nothing;
        };
        // Mostly the path to show is not excepted, and the costly search can be left out.
        if !excepted.iter().any(|glob| glob.matches(&witness)) {
            return Remainder::Path(witness);
        }
        match Automaton::product(&self.automaton, &other.automaton, PRODUCT_EDGE_LIMIT) {
            Err(automaton::TooLarge) => Remainder::Unknown,
            Ok(None) => Remainder::Nothing,
            Ok(Some(both)) => {
                let relevant =
                    |glob: &&&Self| overlap::may_meet(self, glob) && overlap::may_meet(other, glob);
                remainder(&both, excepted.iter().filter(relevant))
            }
        }
    }

    /// How the paths of this glob lie to those of `other`. For witnesses, ask
    /// [`Glob::intersect`] and, either way round, [`Glob::minus`].
    pub fn relation(&self, other: &Self) -> Relation {
        if self == other {
            return Relation::Equal;
        }
        if !self.meets(other) {
            return Relation::Disjoint;
        }
        match (self.minus(&[other]), other.minus(&[self])) {
            (Remainder::Nothing, Remainder::Nothing) => Relation::Equal,
            (Remainder::Path(_), Remainder::Nothing) => Relation::Contains,
            (Remainder::Nothing, Remainder::Path(_)) => Relation::ContainedIn,
            (Remainder::Path(_), Remainder::Path(_)) => Relation::Crossing,
            (Remainder::Unknown, _) | (_, Remainder::Unknown) => Relation::Unknown,
        }
    }

    /// The leading segments without wildcards, braces and classes, as a path: `a/b` for `a/b/*c`,
    /// empty for `**`. Every matching path is this path or lies beneath it.
    pub fn literal_prefix(&self) -> &str {
        self.lead.get(..self.literal_prefix_len).unwrap_or("")
    }

    /// Whether the last segment is a lone `*` and there is no `**`, as in `stacks/*`: such a glob
    /// takes in the children of a folder, but not what is inside them.
    pub fn covers_direct_children_only(&self) -> bool {
        self.direct_children_only
    }
}

fn remainder<'g>(left: &Automaton, others: impl Iterator<Item = &'g &'g Glob>) -> Remainder {
    let others: Vec<&Automaton> = others.map(|other| &other.automaton).collect();
    match difference::remaining_word(left, &others) {
        Ok(None) => Remainder::Nothing,
        Ok(Some(word)) => Remainder::Path(as_path(word)),
        Err(difference::GaveUp) => Remainder::Unknown,
    }
}

/// Without the final `/` that automata read.
fn as_path(mut word: String) -> String {
    word.pop();
    word
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Glob").field(&self.source).finish()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.source)
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Glob {}

impl Hash for Glob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}
