//! What is to be done: tasks, phases, syncs, milestones, workflows.

use super::action::{Action, Approval, Condition, Limit, Who, push_program};
use super::block::Block;
use super::value::{Day, Due, Names, Program, Takes, Text, decimal, duration, name, quoted};
use super::who::Artifact;
use std::time::Duration;

super::statement! {
    /// The unit of work.
    Task, "task"
}

super::statement! {
    /// A part of the work. Phases run in the order in which they are added, each after the sync of
    /// the one before it.
    Phase, "phase"
}

super::statement! {
    /// A barrier at the end of a phase: it passes when all its tasks ended well, every `require`
    /// is confirmed and every gate holds.
    Sync, "sync"
}

super::statement! {
    /// An instant that others may need.
    Milestone, "milestone"
}

super::statement! {
    /// A procedure with its own graph, started by name, by an event, by a schedule, or by a task.
    Workflow, "workflow"
}

/// Something that may stand where work is: a task, a milestone, a parallel or a sequence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Work(pub(super) Block);

macro_rules! work {
    ($($name:ident),*) => {$(
        impl From<$name> for Work {
            fn from(work: $name) -> Work {
                Work(work.block)
            }
        }
    )*};
}

work!(Task, Milestone, Parallel, Sequence);

/// Work that has no order of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Parallel {
    pub(super) block: Block,
}

/// Work in which each waits for the one before.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Sequence {
    pub(super) block: Block,
}

macro_rules! group_of_work {
    ($name:ident, $word:literal) => {
        impl $name {
            /// Without anything in it yet.
            pub fn new() -> $name {
                $name {
                    block: Block::unnamed($word),
                }
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new()
            }
        }
    };
}

group_of_work!(Parallel, "parallel");
group_of_work!(Sequence, "sequence");

macro_rules! holds_work {
    ($($name:ident),*) => {$(
        impl $name {
            /// With this in it, behind what is in it already.
            pub fn with(mut self, work: impl Into<Work>) -> $name {
                self.block.block(work.into().0);
                self
            }

            /// With all of these in it.
            pub fn with_all<W: Into<Work>>(self, work: impl IntoIterator<Item = W>) -> $name {
                work.into_iter().fold(self, |whole, one| whole.with(one))
            }
        }
    )*};
}

holds_work!(Phase, Workflow, Parallel, Sequence);

/// How urgent a task is among those that could start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[expect(missing_docs, reason = "from the most urgent to the least")]
pub enum Priority {
    P0,
    P1,
    #[default]
    P2,
    P3,
}

impl Priority {
    pub(super) fn written(self) -> &'static str {
        match self {
            Priority::P0 => "P0",
            Priority::P1 => "P1",
            Priority::P2 => "P2",
            Priority::P3 => "P3",
        }
    }
}

/// A claim about how much slack a task has, held against the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "from no slack to much")]
pub enum Criticality {
    Critical,
    High,
    Medium,
    Low,
}

impl Criticality {
    fn written(self) -> &'static str {
        match self {
            Criticality::Critical => "critical",
            Criticality::High => "high",
            Criticality::Medium => "medium",
            Criticality::Low => "low",
        }
    }
}

/// Who does a task. A name is that agent, a list of names does it together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct By(String);

impl By {
    /// One of these, or of the members of a group.
    pub fn any_of(names: impl Into<Names>) -> By {
        By(format!("any of {}", names.into().written()))
    }

    /// One of those who have a skill. One that nobody has is a mistake that compiling tells.
    pub fn who_can(skill: &str) -> By {
        By(format!("who can {}", name(skill)))
    }
}

impl<N: Into<Names>> From<N> for By {
    fn from(names: N) -> By {
        By(names.into().written())
    }
}

/// What a task or a milestone waits for: names of work, or artifacts as `agent.artifact`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Needs {
    on: String,
    end: &'static str,
    limit: Option<Limit>,
}

impl Needs {
    /// All of these.
    pub fn of(names: impl Into<Names>) -> Needs {
        Needs {
            on: names.into().written(),
            end: "",
            limit: None,
        }
    }

    /// One of these is enough.
    pub fn any_of(names: impl Into<Names>) -> Needs {
        Needs {
            on: format!("any of {}", names.into().list()),
            end: "",
            limit: None,
        }
    }

    /// All other tasks of its phase.
    pub fn all() -> Needs {
        Needs {
            on: "all".into(),
            end: "",
            limit: None,
        }
    }

    /// Waits for them to fail.
    pub fn failed(mut self) -> Needs {
        self.end = " failed";
        self
    }

    /// Waits for them to end, however they do.
    pub fn finished(mut self) -> Needs {
        self.end = " finished";
        self
    }

    /// Waits for them to be skipped.
    pub fn skipped(mut self) -> Needs {
        self.end = " skipped";
        self
    }

    /// Waits no longer than this, counted from when everything else is there.
    pub fn within(mut self, limit: impl Into<Limit>) -> Needs {
        self.limit = Some(limit.into());
        self
    }

    fn written(&self) -> String {
        match &self.limit {
            Some(limit) => format!("{}{} within {}", self.on, self.end, limit.written()),
            None => format!("{}{}", self.on, self.end),
        }
    }
}

impl<N: Into<Names>> From<N> for Needs {
    fn from(names: N) -> Needs {
        Needs::of(names)
    }
}

/// How often a failed task is tried again.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Retry {
    times: u32,
    every: Option<Duration>,
    factor: Option<f64>,
    up_to: Option<Duration>,
    on: Vec<String>,
}

impl Retry {
    /// Up to so many more times, a second apart.
    pub fn times(times: u32) -> Retry {
        Retry {
            times,
            every: None,
            factor: None,
            up_to: None,
            on: Vec::new(),
        }
    }

    /// The time before the next try.
    pub fn every(mut self, pause: Duration) -> Retry {
        self.every = Some(pause);
        self
    }

    /// Each pause is so many times the one before. Less than 1 or more than 100 is a mistake that
    /// compiling tells.
    pub fn factor(mut self, factor: f64) -> Retry {
        self.factor = Some(factor);
        self
    }

    /// The longest pause.
    pub fn up_to(mut self, pause: Duration) -> Retry {
        self.up_to = Some(pause);
        self
    }

    /// Only after these exit codes. May be said again, and with [`Retry::on_timeout`].
    pub fn on_exit(mut self, codes: impl IntoIterator<Item = u8>) -> Retry {
        let codes = codes.into_iter().map(|code| format!("exit {code}"));
        self.on.extend(codes);
        self
    }

    /// Only after a timeout, or what [`Retry::on_exit`] says.
    pub fn on_timeout(mut self) -> Retry {
        self.on.push("timeout".into());
        self
    }

    fn written(&self) -> String {
        let mut out = self.times.to_string();
        if let Some(pause) = self.every {
            out.push_str(&format!(" every {}", duration(pause)));
        }
        if let Some(factor) = self.factor {
            out.push_str(&format!(" factor {}x", decimal(factor)));
        }
        if let Some(pause) = self.up_to {
            out.push_str(&format!(" up to {}", duration(pause)));
        }
        if !self.on.is_empty() {
            out.push_str(&format!(" on [{}]", self.on.join(", ")));
        }
        out
    }
}

impl From<u32> for Retry {
    fn from(times: u32) -> Retry {
        Retry::times(times)
    }
}

impl Task {
    /// Who does it. Without this, a task with a program belongs to this machine.
    pub fn by(mut self, who: impl Into<By>) -> Task {
        self.block.line("by", who.into().0);
        self
    }

    /// What it waits for. May be said again: all of it is waited for.
    pub fn needs(mut self, needs: impl Into<Needs>) -> Task {
        self.block.line("needs", needs.into().written());
        self
    }

    /// What it would like to have, and does not wait for.
    pub fn wants(mut self, names: impl Into<Names>) -> Task {
        self.block.line("wants", names.into().written());
        self
    }

    /// What it waits for, but no longer than that; then it goes ahead with a warning.
    pub fn wants_within(mut self, names: impl Into<Names>, within: Duration) -> Task {
        let within = duration(within);
        self.block.line(
            "wants",
            format!("{} within {within}", names.into().written()),
        );
        self
    }

    /// Decided when everything needed is there; when it does not hold, the task is skipped.
    pub fn when(mut self, condition: Condition) -> Task {
        self.block.line("when", condition.written());
        self
    }

    /// How long the work takes. Takes a [`Duration`] (on the clock), [`super::wd`] or
    /// [`super::wh`], a range `low..high`, or `[low, likely, high]`.
    pub fn takes(mut self, takes: impl Into<Takes>) -> Task {
        self.block.line("takes", takes.into().written());
        self
    }

    /// The program that does it: an argument list, or a script.
    pub fn run(mut self, program: impl Into<Program>) -> Task {
        push_program(&mut self.block, "run", program.into());
        self
    }

    /// A command of its agent does it: its name, see [`super::Agent::command`].
    pub fn command(mut self, command: impl AsRef<str>) -> Task {
        self.block.line("run", name(command.as_ref()));
        self
    }

    /// The prompt for the agent that does it.
    pub fn ask(mut self, prompt: impl Into<Text>) -> Task {
        let prompt = prompt.into();
        match prompt.plain().filter(|text| reads_well_in_a_fence(text)) {
            Some(text) => self.block.fence("ask".into(), "", text),
            None => self.block.line("ask", prompt.written()),
        }
        self
    }

    /// A workflow does it. Takes its name and its arguments, each with a text for its value.
    pub fn call<N: AsRef<str>, V: Into<Text>>(
        mut self,
        workflow: impl AsRef<str>,
        arguments: impl IntoIterator<Item = (N, V)>,
    ) -> Task {
        let arguments: Vec<String> = arguments
            .into_iter()
            .map(|(key, value)| format!("{}: {}", name(key.as_ref()), value.into().written()))
            .collect();
        let mut call = name(workflow.as_ref());
        if !arguments.is_empty() {
            call.push_str(&format!("({})", arguments.join(", ")));
        }
        self.block.line("call", call);
        self
    }

    /// A line of the check-list in its brief. May be said again.
    pub fn step(mut self, text: impl AsRef<str>) -> Task {
        self.block.line("do", quoted(text.as_ref()));
        self
    }

    /// Paths that it changes: globs. Two tasks whose paths meet are never at work at once.
    pub fn writes(mut self, globs: impl Into<Names>) -> Task {
        self.block.line("writes", globs.into().texts());
        self
    }

    /// Paths that it looks at: globs.
    pub fn reads(mut self, globs: impl Into<Names>) -> Task {
        self.block.line("reads", globs.into().texts());
        self
    }

    /// What it leaves behind. May be said again.
    pub fn produces(mut self, artifact: impl Into<Artifact>) -> Task {
        self.block.line("produces", artifact.into().written());
        self
    }

    /// Takes so much from a resource while it is at work. May be said again.
    pub fn uses(mut self, resource: impl AsRef<str>, amount: u32) -> Task {
        self.block
            .line("uses", format!("{} {amount}", name(resource.as_ref())));
        self
    }

    /// How urgent it is.
    pub fn priority(mut self, priority: Priority) -> Task {
        self.block.line("priority", priority.written());
        self
    }

    /// The day by whose end it has to be done.
    pub fn deadline(mut self, day: Day) -> Task {
        self.block.line("deadline", day.written());
        self
    }

    /// The same, also as a week of the project or a weekday of its first week.
    pub fn due(mut self, due: impl Into<Due>) -> Task {
        self.block.line("due", due.into().written());
        self
    }

    /// A claim about its slack, held against the plan.
    pub fn criticality(mut self, criticality: Criticality) -> Task {
        self.block.line("criticality", criticality.written());
        self
    }

    /// Gates that have to hold before it starts, by name.
    pub fn requires(mut self, gates: impl Into<Names>) -> Task {
        self.block.line("requires", gates.into().written());
        self
    }

    /// Gates that have to hold before it counts as completed, by name.
    pub fn ensures(mut self, gates: impl Into<Names>) -> Task {
        self.block.line("ensures", gates.into().written());
        self
    }

    /// People who have to agree before it counts. May be said again.
    pub fn approve(mut self, approval: impl Into<Approval>) -> Task {
        self.block.line("approve", approval.into().written());
        self
    }

    /// Longest time at work; past it, its attempt is ended and it fails.
    pub fn timeout(mut self, time: Duration) -> Task {
        self.block.line("timeout", duration(time));
        self
    }

    /// Tries again after a failure. Takes how often, or a [`Retry`].
    pub fn retry(mut self, retry: impl Into<Retry>) -> Task {
        self.block.line("retry", retry.into().written());
        self
    }

    /// May run again after a crash without asking a person.
    pub fn idempotent(mut self) -> Task {
        self.block.line("idempotent", "");
        self
    }

    /// What takes it back: a program.
    pub fn undo(mut self, program: impl Into<Program>) -> Task {
        push_program(&mut self.block, "undo run", program.into());
        self
    }

    /// What its failure means.
    pub fn on_fail(mut self, action: Action) -> Task {
        self.block.line("on fail", action.written());
        self
    }

    /// What has to be handed over to whoever needs it: a handoff, by name.
    pub fn handoff(mut self, handoff: impl AsRef<str>) -> Task {
        self.block.line("handoff", name(handoff.as_ref()));
        self
    }

    /// The domain that it belongs to, by name.
    pub fn domain(mut self, domain: impl AsRef<str>) -> Task {
        self.block.line("domain", name(domain.as_ref()));
        self
    }

    /// Stands for one task per value: `NAME-VALUE`. Takes the variable's name and its values; in
    /// texts of the task, [`Text::filled`] takes `${VARIABLE}`.
    pub fn each(mut self, variable: impl AsRef<str>, values: impl Into<Names>) -> Task {
        let each = format!("{} in {}", name(variable.as_ref()), values.into().list());
        self.block.line("each", each);
        self
    }

    /// An environment variable for its program.
    pub fn env(mut self, key: impl AsRef<str>, value: impl Into<Text>) -> Task {
        let pair = format!("{} {}", name(key.as_ref()), value.into().written());
        self.block.line("env", pair);
        self
    }

    /// Secrets that its program gets, by name.
    pub fn secret(mut self, secrets: impl Into<Names>) -> Task {
        self.block.line("secret", secrets.into().written());
        self
    }

    /// The folder that its program runs in, from the project's root.
    pub fn dir(mut self, path: impl AsRef<str>) -> Task {
        self.block.line("dir", quoted(path.as_ref()));
        self
    }

    /// Works in a git worktree of its own.
    pub fn isolate(mut self) -> Task {
        self.block.line("isolate", "worktree");
        self
    }

    /// May be done outside of working hours.
    pub fn after_hours(mut self) -> Task {
        self.block.line("after", "hours ok");
        self
    }

    /// Anything else that you want to keep: a key and a value.
    pub fn meta(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Task {
        let pair = format!("{} {}", name(key.as_ref()), quoted(value.as_ref()));
        self.block.line("meta", pair);
        self
    }
}

/// A prompt of several lines is easier to read in a fence, which drops white space at its end.
fn reads_well_in_a_fence(text: &str) -> bool {
    let plain = |c: char| c == '\n' || !(c.is_control() || c == '\u{feff}');
    text.contains('\n')
        && text.trim_end() == text
        && text.chars().all(plain)
        && quoted(text).matches("\\u{").count() == 0
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
}

impl Phase {
    /// What it follows instead of the phase that was added before it: phases, by name.
    pub fn after(mut self, phases: impl Into<Names>) -> Phase {
        self.block.line("after", phases.into().written());
        self
    }

    /// It follows nothing.
    pub fn after_start(mut self) -> Phase {
        self.block.line("after", "start");
        self
    }

    /// It opens when that phase does, by name.
    pub fn after_start_of(mut self, phase: impl AsRef<str>) -> Phase {
        self.block
            .line("after", format!("start of {}", name(phase.as_ref())));
        self
    }

    /// The weeks of the project, from 1, that it is meant for. Takes the first and the last.
    pub fn weeks(mut self, first: u32, last: u32) -> Phase {
        let weeks = if first == last {
            first.to_string()
        } else {
            format!("{first}..{last}")
        };
        self.block.line("weeks", weeks);
        self
    }

    /// The days that it has. Takes the first and the last.
    pub fn window(mut self, first: Day, last: Day) -> Phase {
        let window = format!("{}..{}", first.written(), last.written());
        self.block.line("window", window);
        self
    }

    /// The barrier at its end. A second one is a mistake that compiling tells.
    pub fn sync(mut self, sync: Sync) -> Phase {
        self.block.block(sync.block);
        self
    }
}

impl Sync {
    /// Who takes part, and may confirm what has no `by`.
    pub fn participants(mut self, who: impl Into<Who>) -> Sync {
        self.block.line("participants", who.into().written());
        self
    }

    /// Something that a participant confirms. May be said again.
    pub fn require(mut self, text: impl AsRef<str>) -> Sync {
        self.block.line("require", quoted(text.as_ref()));
        self
    }

    /// Something that these confirm. May be said again.
    pub fn require_by(mut self, text: impl AsRef<str>, who: impl Into<Who>) -> Sync {
        let who = who.into();
        let text = format!("{} by {}", quoted(text.as_ref()), who.written());
        self.block.line("require", text);
        self
    }

    /// Gates that have to hold, by name.
    pub fn gate(mut self, gates: impl Into<Names>) -> Sync {
        self.block.line("gate", gates.into().written());
        self
    }

    /// What is talked about. May be said again.
    pub fn agenda(mut self, text: impl AsRef<str>) -> Sync {
        self.block.line("agenda", quoted(text.as_ref()));
        self
    }

    /// How long the confirmations may take.
    pub fn within(mut self, limit: impl Into<Limit>) -> Sync {
        self.block.line("within", limit.into().written());
        self
    }
}

impl Milestone {
    /// What has to be there. May be said again.
    pub fn needs(mut self, needs: impl Into<Needs>) -> Milestone {
        self.block.line("needs", needs.into().written());
        self
    }

    /// By when it has to be reached.
    pub fn due(mut self, due: impl Into<Due>) -> Milestone {
        self.block.line("due", due.into().written());
        self
    }
}

impl Workflow {
    /// A parameter: its name, its type (`text int percent duration date url path bool`) and what
    /// it is when nobody says. May be said again, in the order of a call.
    pub fn param(mut self, param: impl AsRef<str>, ty: &str, default: Option<&str>) -> Workflow {
        let mut written = format!("{}: {}", name(param.as_ref()), name(ty));
        if let Some(default) = default {
            written.push_str(&format!(" default {}", quoted(default)));
        }
        self.block.push_param(written);
        self
    }

    /// It starts again and again.
    pub fn every(mut self, every: super::Every) -> Workflow {
        self.block.line("every", every.written());
        self
    }

    /// It starts when this happens: an event as it is written behind `on`.
    pub fn on(mut self, event: impl AsRef<str>) -> Workflow {
        self.block
            .line("on", event.as_ref().replace(['\n', '\r'], " "));
        self
    }

    /// With a phase in it.
    pub fn phase(mut self, phase: Phase) -> Workflow {
        self.block.block(phase.block);
        self
    }
}
