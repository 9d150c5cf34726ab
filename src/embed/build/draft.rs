//! The whole project: what is added to it, and its text.

use super::action::Budget;
use super::block::Block;
use super::guards::{Gate, Resource};
use super::rules::{
    Calendar, Conflict, Domain, Escalation, Handoff, Incident, Mode, Reaction, Recurring,
};
use super::value::{Day, Every, name, quoted, zone_written};
use super::who::{Agent, Group, Human};
use super::work::{Milestone, Parallel, Phase, Sequence, Task, Workflow};
use crate::compile::{Compile, Mistakes, Project};
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::{Limits, parse};

/// The name under which a draft's text is compiled.
pub(crate) const DRAFT: &str = "draft.coord";

/// A project that is being put together. See [the module](super).
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Draft {
    project: Block,
    parts: Vec<Part>,
}

/// Something that may stand in a file: any statement of [`super`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part(Inner);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Inner {
    Block(Block),
    Raw(String),
}

macro_rules! parts {
    ($($name:ident),* $(,)?) => {$(
        impl From<$name> for Part {
            fn from(statement: $name) -> Part {
                Part(Inner::Block(statement.block))
            }
        }
    )*};
}

parts!(
    Agent, Human, Group, Resource, Gate, Calendar, Escalation, Conflict, Domain, Handoff, Incident,
    Mode, Reaction, Recurring, Task, Phase, Parallel, Sequence, Milestone, Workflow,
);

impl Draft {
    /// Takes the project's name; one that is none is a mistake that compiling tells.
    pub fn new(name: impl AsRef<str>) -> Draft {
        Draft {
            project: Block::named("project", name.as_ref()),
            parts: Vec::new(),
        }
    }

    /// Its title, for people.
    pub fn title(mut self, title: impl AsRef<str>) -> Draft {
        self.project.set_title(title.as_ref());
        self
    }

    /// What there is to say about it: a doc comment.
    pub fn doc(mut self, doc: impl AsRef<str>) -> Draft {
        self.project.set_doc(doc.as_ref());
        self
    }

    /// The time zone that days and working hours are in, as in `Europe/Berlin`; UTC when it is not
    /// said. One that does not exist is a mistake that compiling tells.
    pub fn timezone(mut self, zone: &str) -> Draft {
        self.project.line("timezone", zone_written(zone));
        self
    }

    /// The day it starts; every time of the plan counts from here.
    pub fn starts(mut self, day: Day) -> Draft {
        self.project.line("starts", day.written());
        self
    }

    /// Its version, for people.
    pub fn version(mut self, version: impl AsRef<str>) -> Draft {
        self.project.line("version", quoted(version.as_ref()));
        self
    }

    /// Who answers for it.
    pub fn owner(mut self, owner: impl AsRef<str>) -> Draft {
        self.project.line("owner", quoted(owner.as_ref()));
        self
    }

    /// How often it is looked at again.
    pub fn review(mut self, every: Every) -> Draft {
        self.project
            .line("review", format!("every {}", every.written()));
        self
    }

    /// Most tasks at work at once. 0 is a mistake that compiling tells.
    pub fn parallel(mut self, n: u32) -> Draft {
        self.project.line("parallel", n.to_string());
        self
    }

    /// What all attempts together may use up.
    pub fn budget(mut self, budget: Budget) -> Draft {
        self.project.line("budget", budget.written());
        self
    }

    /// A failed task stops the run from starting more.
    pub fn stop_on_failure(mut self) -> Draft {
        self.project.line("on failure", "stop");
        self
    }

    /// Accepts a warning. Takes its code and why it is fine here.
    pub fn allow(mut self, code: &str, because: impl AsRef<str>) -> Draft {
        let because = quoted(because.as_ref());
        self.project
            .line("allow", format!("{} because {because}", name(code)));
        self
    }

    /// Anything else that you want to keep: a key and a value.
    pub fn meta(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Draft {
        let pair = format!("{} {}", name(key.as_ref()), quoted(value.as_ref()));
        self.project.line("meta", pair);
        self
    }

    /// A value given from outside: its name, its type (`text int percent duration date url path
    /// bool`), and what it is when nobody says.
    pub fn param(mut self, param: impl AsRef<str>, ty: &str, default: Option<&str>) -> Draft {
        let mut line = format!("param {}: {}", name(param.as_ref()), name(ty));
        if let Some(default) = default {
            line.push_str(&format!(" default {}", quoted(default)));
        }
        self.parts.push(Part(Inner::Raw(line)));
        self
    }

    /// A tier: its name, its title and its rank.
    pub fn tier(mut self, tier: impl AsRef<str>, title: impl AsRef<str>, rank: u32) -> Draft {
        let (tier, title) = (name(tier.as_ref()), quoted(title.as_ref()));
        let line = format!("tier {tier} {title} rank {rank}");
        self.parts.push(Part(Inner::Raw(line)));
        self
    }

    /// A secret, read from a variable of coord's own environment: its name and the variable's.
    pub fn secret_from_env(mut self, secret: impl AsRef<str>, variable: &str) -> Draft {
        let line = format!(
            "secret {} from env {}",
            name(secret.as_ref()),
            name(variable)
        );
        self.parts.push(Part(Inner::Raw(line)));
        self
    }

    /// With this in it, behind what is in it already.
    pub fn with(mut self, part: impl Into<Part>) -> Draft {
        self.parts.push(part.into());
        self
    }

    /// With all of these in it.
    pub fn with_all<P: Into<Part>>(mut self, parts: impl IntoIterator<Item = P>) -> Draft {
        self.parts.extend(parts.into_iter().map(Into::into));
        self
    }

    /// Adds this, behind what is in it already: for loops.
    pub fn push(&mut self, part: impl Into<Part>) {
        self.parts.push(part.into());
    }

    /// Statements that have no method here, read like those of a file.
    pub fn statement(mut self, text: impl Into<String>) -> Draft {
        self.parts.push(Part(Inner::Raw(text.into())));
        self
    }

    /// The text, formatted as `coord fmt` does. Lines that could not be read stand as they are;
    /// compiling says what is wrong with them.
    pub fn text(&self) -> String {
        let mut text = String::from("edition 2026\n\n");
        self.project.write(&mut text, 0);
        for part in &self.parts {
            text.push('\n');
            match &part.0 {
                Inner::Block(block) => block.write(&mut text, 0),
                Inner::Raw(raw) => {
                    text.push_str(raw);
                    text.push('\n');
                }
            }
        }
        formatted(text)
    }

    /// Compiles it with the default settings. Refuses what has errors, with every one of them at
    /// its place in [`Draft::text`].
    pub fn compile(&self) -> Result<Project, Mistakes> {
        self.compiler().finish()
    }

    /// A compiler that has its text: for values of parameters, another workflow, other files.
    pub fn compiler(&self) -> Compile {
        Compile::new().file(DRAFT, self.text())
    }
}

fn formatted(text: String) -> String {
    let file = SourceFile::new(DRAFT, text);
    let (tree, _) = parse(FileId(0), &file, &Limits::default());
    coord_lang::format::format(&file, &tree)
}
