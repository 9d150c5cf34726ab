//! The statement table: which words there are, where they stand, what they take.
//!
//! One row per statement and place. Lowering, completion, hover, the reference manual and every
//! "did you mean" read this table; nothing else knows a keyword.

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

use Body::{None as NoBody, Optional, Required};
use Place::{
    Agent, File, Gate, Group, Human, Milestone, Parallel, Phase, Project, Resource, Sequence, Sync,
    Task,
};
use Times::{Many, Once};

const WORK: &[Place] = &[File, Phase, Parallel, Sequence];

#[expect(
    clippy::too_many_arguments,
    reason = "a row of a table reads best as one line"
)]
const fn row(
    word: &'static str,
    places: &'static [Place],
    shape: &'static str,
    times: Times,
    body: Body,
    default: &'static str,
    doc: &'static str,
    example: &'static str,
) -> Row {
    Row {
        word,
        places,
        shape,
        times,
        body,
        default,
        doc,
        example,
        since: 2026,
    }
}

/// The table. Order is the order of the manual.
pub static ROWS: &[Row] = &[
    // files
    row(
        "edition",
        &[File],
        "YEAR",
        Once,
        NoBody,
        "2026",
        "The edition of the language that this file is written in; the first statement of every file.",
        "edition 2026",
    ),
    row(
        "project",
        &[File],
        "NAME [\"Title\"]",
        Once,
        Optional(Project),
        "",
        "Names the project and holds what applies to all of it.",
        "project shop \"The web shop\"",
    ),
    row(
        "param",
        &[File],
        "NAME: TYPE [default VALUE]",
        Many,
        NoBody,
        "",
        "A value given from outside with `--set NAME=VALUE`. Types: text int percent duration date url path bool.",
        "param region: text default \"eu\"",
    ),
    row(
        "timezone",
        &[Project],
        "ZONE",
        Once,
        NoBody,
        "UTC",
        "The time zone that dates and working hours are in.",
        "timezone Europe/Berlin",
    ),
    row(
        "starts",
        &[Project],
        "DATE",
        Once,
        NoBody,
        "now",
        "The day the project starts; every time of the plan counts from here.",
        "starts 2025-08-11",
    ),
    row(
        "version",
        &[Project],
        "TEXT",
        Once,
        NoBody,
        "",
        "The version of this coordination, for people.",
        "version \"1.2\"",
    ),
    row(
        "owner",
        &[Project],
        "WHO",
        Once,
        NoBody,
        "",
        "Who answers for this project.",
        "owner \"Platform team\"",
    ),
    row(
        "review",
        &[Project],
        "every PERIOD",
        Once,
        NoBody,
        "",
        "How often this coordination is looked at again.",
        "review every month",
    ),
    row(
        "meta",
        &[Project, Agent, Human],
        "KEY VALUE",
        Many,
        NoBody,
        "",
        "Anything else that you want to keep here; coord does not look at it.",
        "meta ticket \"FWK-7\"",
    ),
    row(
        "parallel",
        &[Project],
        "N",
        Once,
        NoBody,
        "as many as this machine has cores",
        "Most tasks at work at once.",
        "parallel 8",
    ),
    row(
        "on",
        &[Project],
        "failure continue | stop",
        Once,
        NoBody,
        "continue",
        "What a run does when a task fails: `continue` with what does not depend on it, or `stop` starting more.",
        "on failure stop",
    ),
    row(
        "allow",
        &[Project],
        "CODE because \"…\"",
        Many,
        NoBody,
        "",
        "Accepts a warning, with the reason why it is fine here.",
        "allow W0603 because \"estimates follow in week 2\"",
    ),
    // who acts
    row(
        "agent",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Optional(Agent),
        "",
        "Anything that acts: a program, a service, an AI agent, a team.",
        "agent backend \"API specialist\"",
    ),
    row(
        "human",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Optional(Human),
        "",
        "A person, a board or a role on call: an agent that is asked instead of started.",
        "human tech-lead \"Tech lead\"",
    ),
    row(
        "group",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Required(Group),
        "",
        "A named set of agents, usable wherever agents are.",
        "group builders",
    ),
    row(
        "members",
        &[Group],
        "AGENT…",
        Many,
        NoBody,
        "",
        "Who belongs to the group.",
        "members [backend, frontend]",
    ),
    row(
        "id",
        &[Agent, Human],
        "TEXT",
        Once,
        NoBody,
        "",
        "The name that other systems know this agent by.",
        "id \"agent-001\"",
    ),
    row(
        "role",
        &[Agent, Human],
        "\"…\"",
        Once,
        NoBody,
        "",
        "What this agent is, in a few words; part of its brief.",
        "role \"Master coordinator\"",
    ),
    row(
        "focus",
        &[Agent, Human],
        "\"…\"",
        Once,
        NoBody,
        "",
        "What this agent attends to first; part of its brief.",
        "focus \"REST APIs and data\"",
    ),
    row(
        "contact",
        &[Human],
        "\"…\"",
        Once,
        NoBody,
        "",
        "Where this person is reached.",
        "contact \"lead@example.org\"",
    ),
    row(
        "does",
        &[Agent, Human],
        "\"…\"",
        Many,
        NoBody,
        "",
        "A responsibility; part of the brief.",
        "does \"Review every migration\"",
    ),
    row(
        "tool",
        &[Agent, Human],
        "\"…\"",
        Many,
        NoBody,
        "",
        "A tool or an access that this agent has; part of the brief.",
        "tool \"flyctl\"",
    ),
    row(
        "owns",
        &[Agent, Human],
        "\"GLOB\" [shared] [except \"GLOB\"] | area \"…\"",
        Many,
        NoBody,
        "",
        "Paths that this agent answers for and writes. `shared` permits overlap; `except` leaves a part to others; `area` names what is no path.",
        "owns \"api/**\" except \"api/vendor/**\"",
    ),
    row(
        "needs",
        &[Agent, Human],
        "AGENT… | all",
        Many,
        NoBody,
        "",
        "A contract: this agent cannot work without what those give.",
        "needs infrastructure",
    ),
    row(
        "wants",
        &[Agent, Human],
        "AGENT… | all",
        Many,
        NoBody,
        "",
        "A contract that helps and never blocks.",
        "wants design",
    ),
    row(
        "produces",
        &[Agent, Human, Task],
        "NAME [\"Title\" [\"PATH\"]]",
        Many,
        NoBody,
        "",
        "An artifact. On an agent it is a promise, on a task the work that keeps it.",
        "produces api-endpoints \"API endpoints\" \"api/openapi.json\"",
    ),
    row(
        "capacity",
        &[Agent, Human],
        "N",
        Once,
        NoBody,
        "1",
        "Tasks at work at once.",
        "capacity 2",
    ),
    row(
        "via",
        &[Agent],
        "shell | human",
        Once,
        NoBody,
        "shell",
        "How this agent is reached: its programs run here, or it is asked through the inbox.",
        "via human",
    ),
    row(
        "env",
        &[Agent, Task],
        "NAME \"VALUE\"",
        Many,
        NoBody,
        "",
        "An environment variable for the programs of this agent or task.",
        "env PORT \"8080\"",
    ),
    row(
        "resource",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Optional(Resource),
        "",
        "A pool that tasks take from while they are at work.",
        "resource gpu",
    ),
    row(
        "capacity",
        &[Resource],
        "N",
        Once,
        NoBody,
        "1",
        "How much there is.",
        "capacity 4",
    ),
    // work
    row(
        "phase",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Required(Phase),
        "",
        "A part of the work. Phases run in written order, each after the sync of the one before it.",
        "phase foundation \"Foundation\"",
    ),
    row(
        "after",
        &[Phase],
        "PHASE… | start [of PHASE]",
        Once,
        NoBody,
        "the phase written before",
        "What this phase follows instead of the one written before it.",
        "after [design, review]",
    ),
    row(
        "weeks",
        &[Phase],
        "N | N..M | N..",
        Once,
        NoBody,
        "",
        "The weeks of the project, from 1, that this phase is meant for. It does not open before the first.",
        "weeks 2..3",
    ),
    row(
        "parallel",
        WORK,
        "",
        Many,
        Required(Parallel),
        "",
        "Work that has no order of its own. A bare phase body is parallel already.",
        "parallel",
    ),
    row(
        "sequence",
        WORK,
        "",
        Many,
        Required(Sequence),
        "",
        "Work in which each waits for the one before.",
        "sequence",
    ),
    row(
        "task",
        WORK,
        "NAME [\"Title\"]",
        Many,
        Optional(Task),
        "",
        "The unit of work.",
        "task build \"Build the site\"",
    ),
    row(
        "sync",
        &[Phase],
        "NAME [\"Title\"]",
        Once,
        Optional(Sync),
        "",
        "A barrier at the end of the phase: passes when all its tasks ended well, every `require` is confirmed and every gate holds.",
        "sync foundation-done \"End of week 1\"",
    ),
    row(
        "milestone",
        WORK,
        "NAME [\"Title\"]",
        Many,
        Optional(Milestone),
        "",
        "An instant that others may need.",
        "milestone launch \"Launch\"",
    ),
    row(
        "by",
        &[Task],
        "AGENT | [A, B] | any of GROUP",
        Once,
        NoBody,
        "local, when there is a `run`",
        "Who does it. A list does it together; `any of` picks one.",
        "by backend",
    ),
    row(
        "needs",
        &[Task, Milestone],
        "WORK… [failed | finished | skipped] [within D [else ACTION]] | any of [A, B] | AGENT.ARTIFACT | all",
        Many,
        NoBody,
        "",
        "Waits for these to end well. Past the limit: `else fail` (default), `skip`, `proceed` or `halt`.",
        "needs [schema, auth] within 24h else proceed",
    ),
    row(
        "wants",
        &[Task],
        "WORK… [within D]",
        Many,
        NoBody,
        "",
        "Waits for these no longer than the limit (default: not at all), then goes ahead with a warning.",
        "wants metrics within 48h",
    ),
    row(
        "when",
        &[Task],
        "CONDITION",
        Once,
        NoBody,
        "",
        "Decided when everything needed is there; when it does not hold, the task is skipped.",
        "when build.outputs.changed == \"yes\"",
    ),
    row(
        "takes",
        &[Task],
        "D | LOW..HIGH | LOW..LIKELY..HIGH",
        Once,
        NoBody,
        "0 in the plan, and listed as missing",
        "How long the work takes, without waiting. `2d` is 48 hours on the clock, `2wd` two working days.",
        "takes 4wd..5wd",
    ),
    row(
        "run",
        &[Task],
        "[\"program\", \"argument\"…] | fence",
        Once,
        NoBody,
        "",
        "The program that does the task: an argument list (no shell), or a script in a fence.",
        "run [\"make\", \"all\"]",
    ),
    row(
        "do",
        &[Task],
        "\"…\"",
        Many,
        NoBody,
        "",
        "A line of the check-list in the brief.",
        "do \"Write the migration\"",
    ),
    row(
        "writes",
        &[Task],
        "\"GLOB\"…",
        Many,
        NoBody,
        "what its agent owns",
        "Paths that this task changes. Two tasks whose claims intersect are never at work at once.",
        "writes \"db/**\"",
    ),
    row(
        "reads",
        &[Task],
        "\"GLOB\"…",
        Many,
        NoBody,
        "",
        "Paths that this task looks at.",
        "reads \"docs/**\"",
    ),
    row(
        "uses",
        &[Task],
        "RESOURCE [N]",
        Many,
        NoBody,
        "",
        "Takes from a resource while at work; all of its resources at once or none.",
        "uses gpu 2",
    ),
    row(
        "priority",
        &[Task],
        "P0 | P1 | P2 | P3",
        Once,
        NoBody,
        "P2",
        "Which of two that could start goes first.",
        "priority P1",
    ),
    row(
        "deadline",
        &[Task],
        "DATE",
        Once,
        NoBody,
        "",
        "The day by whose end it has to be done; the plan is held against it.",
        "deadline 2025-08-13",
    ),
    row(
        "due",
        &[Task, Milestone],
        "DATE | WEEKDAY | week N",
        Once,
        NoBody,
        "",
        "Like `deadline`, also as a week of the project or a day of its first week.",
        "due week 8",
    ),
    row(
        "criticality",
        &[Task],
        "critical | high | medium | low",
        Once,
        NoBody,
        "",
        "A claim about slack, checked against the plan.",
        "criticality critical",
    ),
    row(
        "requires",
        &[Task],
        "GATE…",
        Many,
        NoBody,
        "",
        "Gates that have to hold before it starts.",
        "requires budget-approved",
    ),
    row(
        "ensures",
        &[Task],
        "GATE…",
        Many,
        NoBody,
        "",
        "Gates that have to hold before it counts as completed.",
        "ensures tests-pass",
    ),
    row(
        "approve",
        &[Task, Gate],
        "by WHO | N of WHO [within D [else ACTION]]",
        Many,
        NoBody,
        "",
        "People who have to agree before it counts.",
        "approve 2 of leads within 24h",
    ),
    row(
        "timeout",
        &[Task],
        "D",
        Once,
        NoBody,
        "none",
        "Longest time at work; past it the task's programs are ended and it fails.",
        "timeout 30m",
    ),
    row(
        "retry",
        &[Task],
        "N [every D] [factor 2x] [up to D] [on [exit CODE, timeout]]",
        Once,
        NoBody,
        "0",
        "Tries again after a failure, up to N more times.",
        "retry 3 every 10s factor 2x up to 5m",
    ),
    row(
        "idempotent",
        &[Task],
        "",
        Once,
        NoBody,
        "no",
        "May run again after a crash without asking a person.",
        "idempotent",
    ),
    row(
        "dir",
        &[Task],
        "\"PATH\"",
        Once,
        NoBody,
        "the project's folder",
        "The folder that its program runs in.",
        "dir \"frontend\"",
    ),
    row(
        "on",
        &[Task],
        "fail continue | skip | halt",
        Once,
        NoBody,
        "continue",
        "What a failure means: dependents wait for somebody to act, or it counts as skipped, or the run starts nothing more.",
        "on fail skip",
    ),
    row(
        "at",
        &[Sync],
        "end",
        Once,
        NoBody,
        "end",
        "When the sync takes place.",
        "at end",
    ),
    row(
        "participants",
        &[Sync],
        "AGENT… | all",
        Many,
        NoBody,
        "",
        "Who takes part, and may confirm what has no `by`.",
        "participants all",
    ),
    row(
        "require",
        &[Sync],
        "\"…\" [by WHO]",
        Many,
        NoBody,
        "",
        "Something that a person confirms.",
        "require \"API contracts finalized\" by backend",
    ),
    row(
        "gate",
        &[Sync],
        "GATE…",
        Many,
        NoBody,
        "",
        "Gates that have to hold.",
        "gate integration-ready",
    ),
    row(
        "agenda",
        &[Sync],
        "\"…\"",
        Many,
        NoBody,
        "",
        "What is talked about; part of the digest.",
        "agenda \"API availability\"",
    ),
    row(
        "within",
        &[Sync],
        "D [else ACTION]",
        Once,
        NoBody,
        "no limit",
        "How long the confirmations may take.",
        "within 24h else proceed",
    ),
    // guards
    row(
        "gate",
        &[File],
        "NAME [\"Title\"]",
        Many,
        Required(Gate),
        "",
        "Conditions that stand before or behind work.",
        "gate tests-pass \"Tests pass\"",
    ),
    row(
        "check",
        &[Gate],
        "\"Title\" [run [\"program\"…] | run fence | when CONDITION | by WHO | exists \"PATH\"]",
        Many,
        NoBody,
        "confirmed by a person",
        "One condition. Without evidence, somebody has to confirm it by hand.",
        "check \"unit tests\" run [\"make\", \"test\"]",
    ),
    row(
        "on",
        &[Gate],
        "fail halt | warn | retry N",
        Once,
        NoBody,
        "halt",
        "What happens when the gate does not hold.",
        "on fail retry 2",
    ),
];

/// The rows for `word`, wherever it may stand.
pub fn rows_of(word: &str) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.word == word)
}

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
    row.shape.starts_with("NAME")
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
