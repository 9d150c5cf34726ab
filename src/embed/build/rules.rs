//! What applies beside the work: calendars, ladders, conflicts, domains, handoffs, incidents,
//! modes, reactions, recurring syncs.

use super::action::{Action, Approval, Condition, Limit, Who, push_program};
use super::block::Block;
use super::guards::Check;
use super::value::{Day, Every, Names, Program, Weekday, duration, name, quoted, zone_written};
use std::time::Duration;

super::statement! {
    /// When work is done. The one named `default` applies everywhere; an agent may name its own.
    Calendar, "calendar"
}

super::statement! {
    /// A ladder: each level is asked in turn until somebody answers.
    Escalation, "escalation"
}

super::statement! {
    /// What happens when a conflict of that kind is found or raised; `ownership`, `resource` and
    /// `priority` are found by coord itself.
    Conflict, "conflict"
}

super::statement! {
    /// A row of the coordination matrix: who leads, supports, reviews, approves and may halt the
    /// work of a domain.
    Domain, "domain"
}

super::statement! {
    /// A contract on a dependency between two agents: what the giver shows, and how long the
    /// receiver has to accept or ask back.
    Handoff, "handoff"
}

super::statement! {
    /// A severity: how fast somebody answers, who may declare it, who leads, what starts.
    Incident, "incident"
}

super::statement! {
    /// A mode of the whole run: nothing new is assigned while it is on.
    Mode, "mode"
}

super::statement! {
    /// A sync point that comes again and again: it writes a digest, and asks its participants
    /// where it has a `require`.
    Recurring, "sync"
}

impl Calendar {
    /// The days on which work is done; Monday to Friday when it is not said.
    pub fn working(mut self, days: impl IntoIterator<Item = Weekday>) -> Calendar {
        let days: Vec<&str> = days.into_iter().map(Weekday::written).collect();
        self.block.line("working", format!("[{}]", days.join(", ")));
        self
    }

    /// The hours of a working day; 9 to 17 when it is not said. Takes stretches of hour and minute
    /// from and to. Ones that overlap are a mistake that compiling tells.
    pub fn hours(mut self, stretches: impl IntoIterator<Item = ((u8, u8), (u8, u8))>) -> Calendar {
        let stretches: Vec<String> = stretches
            .into_iter()
            .map(|(from, to)| format!("{:02}:{:02}..{:02}:{:02}", from.0, from.1, to.0, to.1))
            .collect();
        self.block
            .line("hours", format!("[{}]", stretches.join(", ")));
        self
    }

    /// A day without work, with its name. May be said again.
    pub fn holiday(mut self, day: Day, title: impl AsRef<str>) -> Calendar {
        let holiday = format!("{} {}", day.written(), quoted(title.as_ref()));
        self.block.line("holiday", holiday);
        self
    }

    /// Days without work, both ends included. May be said again.
    pub fn holidays(mut self, first: Day, last: Day, title: impl AsRef<str>) -> Calendar {
        let days = format!("{}..{}", first.written(), last.written());
        self.block
            .line("holiday", format!("{days} {}", quoted(title.as_ref())));
        self
    }

    /// The time zone of its hours, as in `America/New_York`.
    pub fn timezone(mut self, zone: &str) -> Calendar {
        self.block.line("timezone", zone_written(zone));
        self
    }
}

/// A rung of a ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Level {
    name: String,
    title: Option<String>,
    by: String,
    within: Option<Duration>,
    action: Option<Action>,
}

impl Level {
    /// Takes its name and who is asked.
    pub fn new(name: impl Into<String>, who: impl Into<Who>) -> Level {
        Level {
            name: name.into(),
            title: None,
            by: who.into().written().to_string(),
            within: None,
            action: None,
        }
    }

    /// Takes its name, and how many of whom have to answer.
    pub fn quorum(name: impl Into<String>, n: u32, of: impl Into<Who>) -> Level {
        let mut level = Level::new(name, of);
        level.by = format!("{n} of {}", level.by);
        level
    }

    /// Its title, for people.
    pub fn title(mut self, title: impl Into<String>) -> Level {
        self.title = Some(title.into());
        self
    }

    /// How long they have before the next level opens.
    pub fn within(mut self, time: Duration) -> Level {
        self.within = Some(time);
        self
    }

    /// What is done when it opens.
    pub fn on_open(mut self, action: Action) -> Level {
        self.action = Some(action);
        self
    }

    fn written(&self) -> String {
        let mut out = name(&self.name);
        if let Some(title) = &self.title {
            out.push_str(&format!(" {}", quoted(title)));
        }
        out.push_str(&format!(" by {}", self.by));
        if let Some(time) = self.within {
            out.push_str(&format!(" within {}", duration(time)));
        }
        if let Some(action) = &self.action {
            out.push_str(&format!(" do {}", action.written()));
        }
        out
    }
}

impl Escalation {
    /// The next level. May be said again.
    pub fn level(mut self, level: Level) -> Escalation {
        self.block.line("level", level.written());
        self
    }

    /// How long the whole ladder may take.
    pub fn sla(mut self, time: Duration) -> Escalation {
        self.block.line("sla", duration(time));
        self
    }

    /// How a ladder that nobody answered is closed: [`Action::halt`] (when it is not said) or
    /// [`Action::fail`].
    pub fn otherwise(mut self, action: Action) -> Escalation {
        self.block.line("otherwise", action.written());
        self
    }

    /// The mode that is entered when nobody answered, by name.
    pub fn otherwise_mode(mut self, mode: impl AsRef<str>) -> Escalation {
        self.block.line("otherwise", name(mode.as_ref()));
        self
    }
}

impl Conflict {
    /// How it is noticed, for people. May be said again.
    pub fn detect(mut self, text: impl AsRef<str>) -> Conflict {
        self.block.line("detect", quoted(text.as_ref()));
        self
    }

    /// Who is asked first.
    pub fn owner(mut self, who: impl Into<Who>) -> Conflict {
        self.block.line("owner", who.into().written());
        self
    }

    /// Who is heard.
    pub fn reviewers(mut self, who: impl Into<Who>) -> Conflict {
        self.block.line("reviewers", who.into().written());
        self
    }

    /// So many of the affected who agree settle it.
    pub fn consensus(mut self, n: u32) -> Conflict {
        self.block.line("consensus", n.to_string());
        self
    }

    /// Who decides when they do not agree, and by when.
    pub fn decide(mut self, who: impl Into<Who>, within: Option<Duration>) -> Conflict {
        let mut decide = who.into().written().to_string();
        if let Some(time) = within {
            decide.push_str(&format!(" within {}", duration(time)));
        }
        self.block.line("decide", decide);
        self
    }

    /// The next level. May be said again.
    pub fn level(mut self, level: Level) -> Conflict {
        self.block.line("level", level.written());
        self
    }

    /// When the next level takes over.
    pub fn escalate_after(mut self, time: Duration) -> Conflict {
        self.block
            .line("escalate", format!("after {}", duration(time)));
        self
    }
}

impl Domain {
    /// Who leads.
    pub fn lead(mut self, who: impl Into<Who>) -> Domain {
        self.block.line("lead", who.into().written());
        self
    }

    /// Who helps.
    pub fn support(mut self, who: impl Into<Who>) -> Domain {
        self.block.line("support", who.into().written());
        self
    }

    /// Who is heard.
    pub fn reviewers(mut self, who: impl Into<Who>) -> Domain {
        self.block.line("reviewers", who.into().written());
        self
    }

    /// People who have to agree before its work counts. May be said again.
    pub fn approve(mut self, approval: impl Into<Approval>) -> Domain {
        self.block.line("approve", approval.into().written());
        self
    }

    /// Who may halt its work.
    pub fn may_halt(mut self, who: impl Into<Who>) -> Domain {
        self.block.line("may halt", who.into().written());
        self
    }

    /// The ground it is about: globs.
    pub fn paths(mut self, globs: impl Into<Names>) -> Domain {
        self.block.line("paths", globs.into().texts());
        self
    }

    /// The folder of its decision records.
    pub fn record(mut self, folder: impl AsRef<str>) -> Domain {
        self.block.line("record", quoted(folder.as_ref()));
        self
    }
}

impl Handoff {
    /// Something that the giver confirms. May be said again.
    pub fn require(mut self, text: impl AsRef<str>) -> Handoff {
        self.block.line("require", quoted(text.as_ref()));
        self
    }

    /// A condition that is checked before the receiver is asked. May be said again.
    pub fn check(mut self, check: Check) -> Handoff {
        check.add_to(&mut self.block);
        self
    }

    /// A value that the giver fills in: its name and its type, as of a parameter, or `list`.
    pub fn field(mut self, field: impl AsRef<str>, ty: &str) -> Handoff {
        self.block
            .line("field", format!("{} {}", name(field.as_ref()), name(ty)));
        self
    }

    /// How long the receiver may take.
    pub fn accept_within(mut self, limit: impl Into<Limit>) -> Handoff {
        self.block
            .line("accept", format!("within {}", limit.into().written()));
        self
    }
}

impl Incident {
    /// How it stands among others.
    pub fn priority(mut self, priority: super::Priority) -> Incident {
        self.block.line("priority", priority.written());
        self
    }

    /// How soon somebody has to answer.
    pub fn respond_within(mut self, time: Duration) -> Incident {
        self.block
            .line("respond", format!("within {}", duration(time)));
        self
    }

    /// Who may declare it; anybody when it is not said.
    pub fn declare_by(mut self, who: impl Into<Who>) -> Incident {
        self.block
            .line("declare", format!("by {}", who.into().written()));
        self
    }

    /// Who leads.
    pub fn lead(mut self, who: impl Into<Who>) -> Incident {
        self.block.line("lead", who.into().written());
        self
    }

    /// Who has to take part.
    pub fn requires(mut self, who: impl Into<Who>) -> Incident {
        self.block.line("requires", who.into().written());
        self
    }

    /// The workflow that it starts, by name.
    pub fn start(mut self, workflow: impl AsRef<str>) -> Incident {
        self.block.line("start", name(workflow.as_ref()));
        self
    }

    /// Its work takes what it needs from less urgent work that is idempotent.
    pub fn preempts(mut self) -> Incident {
        self.block.line("preempts", "");
        self
    }

    /// What is done when it opens. May be said again.
    pub fn action(mut self, action: Action) -> Incident {
        self.block.line("do", action.written());
        self
    }
}

impl Mode {
    /// A program for when it is entered. May be said again.
    pub fn enter(mut self, program: impl Into<Program>) -> Mode {
        push_program(&mut self.block, "enter run", program.into());
        self
    }

    /// A program for when it is left. May be said again.
    pub fn exit(mut self, program: impl Into<Program>) -> Mode {
        push_program(&mut self.block, "exit run", program.into());
        self
    }

    /// How many tasks start at a time right after it was left.
    pub fn restart(mut self, n: u32) -> Mode {
        self.block.line("restart", format!("{n} at a time"));
        self
    }

    /// Ends the work in progress when it is entered.
    pub fn cancel_running(mut self) -> Mode {
        self.block.line("cancel", "running");
        self
    }
}

impl Recurring {
    /// When it takes place.
    pub fn every(mut self, every: Every) -> Recurring {
        self.block.line("every", every.written());
        self
    }

    /// Who takes part.
    pub fn participants(mut self, who: impl Into<Who>) -> Recurring {
        self.block.line("participants", who.into().written());
        self
    }

    /// Something that a participant confirms. May be said again.
    pub fn require(mut self, text: impl AsRef<str>) -> Recurring {
        self.block.line("require", quoted(text.as_ref()));
        self
    }

    /// What is talked about. May be said again.
    pub fn agenda(mut self, text: impl AsRef<str>) -> Recurring {
        self.block.line("agenda", quoted(text.as_ref()));
        self
    }

    /// How long the confirmations may take.
    pub fn within(mut self, limit: impl Into<Limit>) -> Recurring {
        self.block.line("within", limit.into().written());
        self
    }
}

/// What is done when something happens.
///
/// ```
/// use coord::build::{Action, Draft, Human, Reaction, Task};
/// use std::time::Duration;
///
/// let project = Draft::new("demo")
///     .with(Human::new("lead"))
///     .with(Task::new("build").run(["make"]))
///     .with(
///         Reaction::on("task.blocked")
///             .lasting(Duration::from_secs(1800))
///             .because("nobody looks at the board all day")
///             .action(Action::notify("lead")),
///     )
///     .compile()?;
/// assert_eq!(project.model().reactions.len(), 1);
/// # Ok::<(), coord::Mistakes>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Reaction {
    pub(super) block: Block,
}

impl Reaction {
    /// Takes the event as it is written behind `on`: `task.failed`, `task.failed deploy`,
    /// `change "api/**"`, `metric errors > 5%`. Another one is a mistake that compiling tells.
    pub fn on(event: impl AsRef<str>) -> Reaction {
        let mut block = Block::unnamed("on");
        block.tail = event.as_ref().replace(['\n', '\r'], " ");
        Reaction { block }
    }

    /// Only when it lasts that long.
    pub fn lasting(mut self, time: Duration) -> Reaction {
        self.block
            .tail
            .push_str(&format!(" for {}", duration(time)));
        self
    }

    /// Only when this holds.
    pub fn when(mut self, condition: Condition) -> Reaction {
        self.block
            .tail
            .push_str(&format!(" when {}", condition.written()));
        self
    }

    /// Why, for people.
    pub fn because(mut self, reason: impl AsRef<str>) -> Reaction {
        self.block
            .tail
            .push_str(&format!(" because {}", quoted(reason.as_ref())));
        self
    }

    /// What there is to say about it: a doc comment.
    pub fn doc(mut self, doc: impl AsRef<str>) -> Reaction {
        self.block.set_doc(doc.as_ref());
        self
    }

    /// What is done. May be said again. A reaction without any is a mistake that compiling tells.
    pub fn action(mut self, action: Action) -> Reaction {
        self.block.line("do", action.written());
        self
    }
}
