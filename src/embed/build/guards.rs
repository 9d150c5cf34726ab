//! What work has to hold against: resources and gates.

use super::action::{Action, Approval, Condition, Who, push_program};
use super::block::Block;
use super::value::{Names, Program, quoted};

super::statement! {
    /// A pool that tasks take from while they are at work.
    Resource, "resource"
}

super::statement! {
    /// Conditions that stand before or behind work.
    Gate, "gate"
}

impl Resource {
    /// How much there is; 1 when it is not said. 0 is a mistake that compiling tells.
    pub fn capacity(mut self, n: u32) -> Resource {
        self.block.line("capacity", n.to_string());
        self
    }
}

/// One condition of a gate or of a handoff, and what decides it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Check {
    title: String,
    evidence: Evidence,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Evidence {
    None,
    Run(Program),
    Written(String),
}

impl Check {
    fn of(title: impl AsRef<str>, evidence: Evidence) -> Check {
        Check {
            title: quoted(title.as_ref()),
            evidence,
        }
    }

    /// Somebody has to confirm it: compiling warns that nothing proves it.
    pub fn by_hand(title: impl AsRef<str>) -> Check {
        Check::of(title, Evidence::None)
    }

    /// A program decides it: it holds when the program exits with 0.
    pub fn run(title: impl AsRef<str>, program: impl Into<Program>) -> Check {
        Check::of(title, Evidence::Run(program.into()))
    }

    /// A condition decides it.
    pub fn when(title: impl AsRef<str>, condition: Condition) -> Check {
        let when = format!("when {}", condition.written());
        Check::of(title, Evidence::Written(when))
    }

    /// One of these confirms it.
    pub fn by(title: impl AsRef<str>, who: impl Into<Who>) -> Check {
        let by = format!("by {}", who.into().written());
        Check::of(title, Evidence::Written(by))
    }

    /// It holds when a file of the project is there.
    pub fn exists(title: impl AsRef<str>, path: impl AsRef<str>) -> Check {
        let exists = format!("exists {}", quoted(path.as_ref()));
        Check::of(title, Evidence::Written(exists))
    }

    pub(super) fn add_to(self, block: &mut Block) {
        let title = self.title;
        match self.evidence {
            Evidence::None => block.line("check", title),
            Evidence::Run(program) => push_program(block, &format!("check {title} run"), program),
            Evidence::Written(how) => block.line("check", format!("{title} {how}")),
        }
    }
}

impl Gate {
    /// A condition. May be said again.
    pub fn check(mut self, check: Check) -> Gate {
        check.add_to(&mut self.block);
        self
    }

    /// People who have to agree. May be said again.
    pub fn approve(mut self, approval: impl Into<Approval>) -> Gate {
        self.block.line("approve", approval.into().written());
        self
    }

    /// What happens when it does not hold.
    pub fn on_fail(mut self, action: Action) -> Gate {
        self.block.line("on fail", action.written());
        self
    }

    /// Every task of these agents ensures it without naming it.
    pub fn applies_to_agents(mut self, agents: impl Into<Names>) -> Gate {
        self.block.line("applies to agent", agents.into().written());
        self
    }

    /// Every task of these domains ensures it without naming it.
    pub fn applies_to_domains(mut self, domains: impl Into<Names>) -> Gate {
        self.block
            .line("applies to domain", domains.into().written());
        self
    }
}
