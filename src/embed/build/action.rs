//! What is done, who is meant, and under which condition.

use super::value::{Names, Program, Text, decimal, duration, name, quoted};
use std::time::Duration;

/// Who is meant: names of agents, humans and groups, or a set of them.
///
/// A `&str` or a list of names is these. Where the language gives roles to a situation (`owners`,
/// `reviewers`, `sender` and the like), their names may stand here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who(String);

impl Who {
    /// Everybody.
    pub fn all() -> Who {
        Who("all".into())
    }

    /// Everybody but these.
    pub fn all_except(names: impl Into<Names>) -> Who {
        Who(format!("all except {}", names.into().written()))
    }

    /// Whoever it is.
    pub fn any() -> Who {
        Who("any".into())
    }

    /// Agents that carry a tag.
    pub fn tagged(tag: &str) -> Who {
        Who(format!("agents tagged {}", name(tag)))
    }

    pub(super) fn written(&self) -> &str {
        &self.0
    }
}

impl<N: Into<Names>> From<N> for Who {
    fn from(names: N) -> Who {
        Who(names.into().written())
    }
}

/// A condition, as it stands behind `when`.
///
/// ```
/// use coord::build::{Condition, Draft, Program, Task};
///
/// let project = Draft::new("demo")
///     .with(Task::new("build").run(Program::sh("echo changed=yes >> \"$COORD_OUTPUTS\"")))
///     .with(
///         Task::new("ship")
///             .needs("build")
///             .when(Condition::output("build", "changed", "yes"))
///             .run(["true"]),
///     )
///     .compile()?;
/// assert!(project.text().contains(r#"when build.outputs.changed == "yes""#));
/// # Ok::<(), coord::Mistakes>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition(String);

impl Condition {
    /// As it would be written in a file, on one line. What is no condition is a mistake that
    /// compiling tells.
    pub fn new(text: impl AsRef<str>) -> Condition {
        Condition(text.as_ref().replace(['\n', '\r'], " "))
    }

    /// An output of a task has this value.
    pub fn output(task: &str, output: &str, value: &str) -> Condition {
        let (task, output) = (name(task), name(output));
        Condition(format!("{task}.outputs.{output} == {}", quoted(value)))
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Condition) -> Condition {
        Condition(format!("({}) and ({})", self.0, other.0))
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Condition) -> Condition {
        Condition(format!("({}) or ({})", self.0, other.0))
    }

    /// It does not hold.
    #[must_use]
    pub fn negated(self) -> Condition {
        Condition(format!("not ({})", self.0))
    }

    pub(super) fn written(&self) -> &str {
        &self.0
    }
}

/// What is done when something happens, fails or takes too long; others may stand behind it.
///
/// Which of them fit where is the language's to say: one that does not is a mistake that
/// compiling tells.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Action(String);

impl Action {
    fn of(text: impl Into<String>) -> Action {
        Action(text.into())
    }

    /// Tells somebody. Takes who.
    pub fn notify(who: impl Into<Who>) -> Action {
        Action(format!("notify {}", who.into().written()))
    }

    /// Tells somebody over a channel. Takes who, and the channel's name.
    pub fn notify_via(who: impl Into<Who>, channel: &str) -> Action {
        Action(format!(
            "notify {} via {}",
            who.into().written(),
            name(channel)
        ))
    }

    /// Opens a ladder. Takes the name of an escalation.
    pub fn escalate(ladder: &str) -> Action {
        Action(format!("escalate to {}", name(ladder)))
    }

    /// Opens a ladder at one of its levels. Takes the names of both.
    pub fn escalate_at(ladder: &str, level: &str) -> Action {
        Action(format!("escalate to {} {}", name(ladder), name(level)))
    }

    /// Tries again, up to that many times.
    pub fn retry(times: u32) -> Action {
        Action(format!("retry {times}"))
    }

    /// Gives the task to another agent. Takes its name; None: to whoever stands by or can.
    pub fn reassign(to: Option<&str>) -> Action {
        match to {
            Some(agent) => Action(format!("reassign to {}", name(agent))),
            None => Action::of("reassign"),
        }
    }

    /// Gives the agent no more work.
    pub fn isolate_agent() -> Action {
        Action::of("isolate agent")
    }

    /// Spreads the work that waits anew.
    pub fn redistribute() -> Action {
        Action::of("redistribute")
    }

    /// Runs a program that makes things well. Takes its argument list.
    pub fn recover<T: Into<Text>>(argv: impl IntoIterator<Item = T>) -> Action {
        let argv: Vec<Text> = argv.into_iter().map(Into::into).collect();
        Action(format!("recover run {}", super::value::argv(&argv)))
    }

    /// Takes back what was done.
    pub fn rollback() -> Action {
        Action::of("rollback")
    }

    /// Starts a workflow. Takes its name.
    pub fn start(workflow: &str) -> Action {
        Action(format!("start {}", name(workflow)))
    }

    /// Starts nothing more.
    pub fn halt() -> Action {
        Action::of("halt")
    }

    /// Enters a mode. Takes its name.
    pub fn enter(mode: &str) -> Action {
        Action(format!("enter {}", name(mode)))
    }

    /// Leaves a mode. Takes its name.
    pub fn leave(mode: &str) -> Action {
        Action(format!("leave {}", name(mode)))
    }

    /// Makes the task more or less urgent.
    pub fn set_priority(priority: super::Priority) -> Action {
        Action(format!("set priority {}", priority.written()))
    }

    /// Writes a line into the run's documents.
    pub fn record(text: impl Into<Text>) -> Action {
        Action(format!("record {}", text.into().written()))
    }

    /// Lets the task fail.
    pub fn fail() -> Action {
        Action::of("fail")
    }

    /// Skips the task.
    pub fn skip() -> Action {
        Action::of("skip")
    }

    /// Goes ahead, with a warning.
    pub fn proceed() -> Action {
        Action::of("proceed")
    }

    /// Goes ahead, with a warning: of a gate.
    pub fn warn() -> Action {
        Action::of("warn")
    }

    /// What is done when this is not possible, or has not helped.
    pub fn or_else(self, next: Action) -> Action {
        Action(format!("{} else {}", self.0, next.0))
    }

    pub(super) fn written(&self) -> &str {
        &self.0
    }
}

/// What attempts may use up, and what is done once it is spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    most: String,
    otherwise: Option<Action>,
}

impl Budget {
    fn of(most: String) -> Budget {
        Budget {
            most,
            otherwise: None,
        }
    }

    /// So many tokens. 0 is a mistake that compiling tells.
    pub fn tokens(n: u64) -> Budget {
        Budget::of(format!("{n} tokens"))
    }

    /// So much money. Takes the amount and the currency's three letters.
    pub fn cost(amount: f64, currency: &str) -> Budget {
        let currency: String = currency.chars().filter(char::is_ascii_alphabetic).collect();
        Budget::of(format!("{}{currency}", decimal(amount)))
    }

    /// So much time at work.
    pub fn time(most: Duration) -> Budget {
        Budget::of(duration(most))
    }

    /// What is done once it is spent. Without it, anybody is asked.
    #[must_use]
    pub fn or_else(mut self, action: Action) -> Budget {
        self.otherwise = Some(action);
        self
    }

    pub(super) fn written(&self) -> String {
        match &self.otherwise {
            Some(action) => format!("{} else {}", self.most, action.written()),
            None => self.most.clone(),
        }
    }
}

/// A time limit, and what happens past it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    within: Duration,
    otherwise: Option<Action>,
}

impl Limit {
    /// Within that time; past it, what the language does there by itself (mostly: it fails).
    pub fn within(within: Duration) -> Limit {
        Limit {
            within,
            otherwise: None,
        }
    }

    /// What is done past it.
    #[must_use]
    pub fn or_else(mut self, action: Action) -> Limit {
        self.otherwise = Some(action);
        self
    }

    /// `24h else proceed`.
    pub(super) fn written(&self) -> String {
        let within = duration(self.within);
        match &self.otherwise {
            Some(action) => format!("{within} else {}", action.written()),
            None => within,
        }
    }
}

impl From<Duration> for Limit {
    fn from(within: Duration) -> Limit {
        Limit::within(within)
    }
}

/// Who has to agree, how many of them, and by when.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Approval {
    of: String,
    limit: Option<Limit>,
}

impl Approval {
    /// One of these has to agree.
    pub fn by(who: impl Into<Who>) -> Approval {
        Approval {
            of: format!("by {}", who.into().written()),
            limit: None,
        }
    }

    /// So many distinct people of these have to agree. More than there are is a mistake that
    /// compiling tells.
    pub fn quorum(n: u32, of: impl Into<Who>) -> Approval {
        Approval {
            of: format!("{n} of {}", of.into().written()),
            limit: None,
        }
    }

    /// How long they may take.
    pub fn within(mut self, limit: impl Into<Limit>) -> Approval {
        self.limit = Some(limit.into());
        self
    }

    pub(super) fn written(&self) -> String {
        match &self.limit {
            Some(limit) => format!("{} within {}", self.of, limit.written()),
            None => self.of.clone(),
        }
    }
}

impl From<&str> for Approval {
    fn from(who: &str) -> Approval {
        Approval::by(who)
    }
}

/// Adds `HEAD PROGRAM` to a block: a list on its line, or a fence.
pub(super) fn push_program(block: &mut super::block::Block, head: &str, program: Program) {
    match program {
        Program::Argv(argv) => block.line(head, super::value::argv(&argv)),
        Program::Script { language, text } => block.fence(head.to_string(), &language, &text),
    }
}
