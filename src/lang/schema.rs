//! The statement table: which words there are, where they stand, what they take.
//!
//! One row per statement and place. Lowering, completion, hover, the reference manual and every
//! "did you mean" read this table; nothing else knows a keyword.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of block a statement stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    File,
    Project,
    Agent,
    Human,
    Group,
    Task,
    Phase,
    Parallel,
    Sequence,
    Sync,
    Milestone,
    Gate,
    Resource,
    Workflow,
    Calendar,
    Tier,
    Escalation,
    Conflict,
    Domain,
    Handoff,
    Incident,
    On,
    Mode,
    Channel,
    Metric,
    Dashboard,
    Diagram,
    Test,
    /// A `sync` outside of the phases.
    Recurring,
}

impl Place {
    /// The keyword that opens such a block; "file" for the top level.
    pub fn name(self) -> &'static str {
        match self {
            Place::File => "file",
            Place::Project => "project",
            Place::Agent => "agent",
            Place::Human => "human",
            Place::Group => "group",
            Place::Task => "task",
            Place::Phase => "phase",
            Place::Parallel => "parallel",
            Place::Sequence => "sequence",
            Place::Sync => "sync",
            Place::Milestone => "milestone",
            Place::Gate => "gate",
            Place::Resource => "resource",
            Place::Workflow => "workflow",
            Place::Calendar => "calendar",
            Place::Tier => "tier",
            Place::Escalation => "escalation",
            Place::Conflict => "conflict",
            Place::Domain => "domain",
            Place::Handoff => "handoff",
            Place::Incident => "incident",
            Place::On => "on",
            Place::Mode => "mode",
            Place::Channel => "channel",
            Place::Metric => "metric",
            Place::Dashboard => "dashboard",
            Place::Diagram => "diagram",
            Place::Test => "test",
            Place::Recurring => "sync",
        }
    }
}

/// How often a statement may stand in one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    Once,
    Many,
}

/// Whether a statement opens a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// Never.
    None,
    /// It may; the block is of this kind.
    Optional(Place),
    /// It must.
    Required(Place),
}

/// One statement in one set of places.
#[derive(Debug)]
pub struct Row {
    pub word: &'static str,
    pub places: &'static [Place],
    /// What follows the word, as the manual prints it.
    pub shape: &'static str,
    pub times: Times,
    pub body: Body,
    /// What holds when it is absent; empty when nothing does.
    pub default: &'static str,
    pub doc: &'static str,
    /// A line that is right, for messages and the manual.
    pub example: &'static str,
    pub since: u32,
}

pub use table::ROWS;

mod table;

/// The rows for `word`, wherever it may stand.
pub fn rows_of(word: &str) -> impl Iterator<Item = &'static Row> {
    BY_WORD.get(word).into_iter().flatten().copied()
}

/// The rows of each word, in the order of the table: it is asked once for every statement.
static BY_WORD: LazyLock<HashMap<&'static str, Vec<&'static Row>>> = LazyLock::new(|| {
    let mut by_word: HashMap<&'static str, Vec<&'static Row>> = HashMap::new();
    for row in ROWS {
        by_word.entry(row.word).or_default().push(row);
    }
    by_word
});

/// The word itself, when some statement has it.
pub fn rows_of_first(word: &str) -> Option<&'static str> {
    rows_of(word).next().map(|row| row.word)
}

/// The row for `word` in `place`.
pub fn find(place: Place, word: &str) -> Option<&'static Row> {
    rows_of(word).find(|row| row.places.contains(&place))
}

/// Every statement that may stand in `place`, in the order of the table.
pub fn in_place(place: Place) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.places.contains(&place))
}

/// Statements that may stand first where blocks begin: they name what they declare.
pub fn takes_name(row: &Row) -> bool {
    row.shape.starts_with("NAME") || row.shape.starts_with("KIND")
}

/// Statements that a doc comment may stand above: what has a name, and rules that have none.
pub fn takes_doc(row: &Row) -> bool {
    let rule = matches!(row.word, "on" | "expect" | "test");
    takes_name(row) || rule && row.places.contains(&Place::File)
}

/// The candidates for what was probably meant, best first, at most three.
pub fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let allowed = match word.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let lower = word.to_lowercase();
    let mut scored: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let distance = strsim::osa_distance(&lower, &other);
            let part = lower.len() >= 3
                && (other.starts_with(&lower) || lower.starts_with(&other) && other.len() >= 3);
            (distance <= allowed || part).then_some((distance.min(allowed + 1), candidate))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.truncate(3);
    scored.into_iter().map(|(_, candidate)| candidate).collect()
}

/// True when `word` is plainly a slip of the fingers for the first of `near`: one letter in four
/// may be wrong, two at most, nothing else comes as close, and all numbers agree (`task-3` is not
/// `task-1`).
pub fn is_slip(word: &str, near: &[&str]) -> bool {
    let Some((meant, others)) = near.split_first() else {
        return false;
    };
    let folded = |text: &str| text.to_lowercase().replace('_', "-");
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let distance = |other: &str| strsim::osa_distance(&folded(word), &folded(other));
    let wrong = distance(meant);
    let allowed = (word.chars().count() / 4).min(2);
    wrong <= allowed && digits(word) == digits(meant) && others.iter().all(|o| distance(o) > wrong)
}

/// "`a`", "`a` or `b`", "`a`, `b` or `c`".
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_alone() {
        assert!(is_slip("bakend", &["backend"]));
        assert!(is_slip("Web_app", &["web-app"]));
        assert!(is_slip("fronteds", &["frontend"]));
        assert!(!is_slip("back", &["backend"]), "too far");
        assert!(!is_slip("qa", &["qb"]), "too short");
        assert!(!is_slip("task-3", &["task-1"]), "another number");
        assert!(!is_slip("aple", &["able", "axle"]), "two as close");
        assert!(is_slip("neds", &["needs", "reads"]));
        assert!(!is_slip("server", &[]));
    }

    #[test]
    fn no_word_has_two_rows_for_one_place() {
        for (i, a) in ROWS.iter().enumerate() {
            for b in &ROWS[i + 1..] {
                let clash = a.word == b.word && a.places.iter().any(|p| b.places.contains(p));
                assert!(!clash, "`{}` stands twice in one place", a.word);
            }
        }
    }

    #[test]
    fn candidates_are_close() {
        let words = || ["escalate", "needs", "wants", "writes"].into_iter();
        assert_eq!(closest("escalat", words()), ["escalate"]);
        assert_eq!(closest("neds", words()), ["needs"]);
        assert!(closest("banana", words()).is_empty());
    }
}
