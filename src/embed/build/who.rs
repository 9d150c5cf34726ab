//! Who acts: agents, humans and groups.

use super::action::{Budget, Who, push_program};
use super::value::{Names, Program, Text, argv, decimal, name, quoted};

super::statement! {
    /// An agent: a program, a service, an AI agent, a team. It runs programs on this machine
    /// unless [`Agent::via`] says otherwise.
    Agent, "agent"
}

super::statement! {
    /// A person, a board or a role on call: an agent that is asked instead of started.
    Human, "human"
}

super::statement! {
    /// A named set of agents, usable wherever agents are.
    Group, "group"
}

/// How an agent is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Via {
    /// Its tasks' programs run on this machine.
    Shell,
    /// It is asked, like a person.
    Human,
    /// A service at this address.
    Http(String),
    /// An agent that speaks the Agent Client Protocol, started with this argument list.
    Acp(Vec<Text>),
    /// A tool of a Model Context Protocol server, started with this argument list.
    Mcp {
        /// The program and its arguments.
        argv: Vec<Text>,
        /// The tool's name.
        tool: String,
    },
    /// A tool of a Model Context Protocol server at this address.
    McpUrl {
        /// Where it listens.
        url: String,
        /// The tool's name.
        tool: String,
    },
    /// An agent at this address, over the A2A protocol.
    A2a(String),
    /// Whoever carries this label: a driver of your own, see [`crate::Reach::Label`].
    Remote(String),
}

impl Via {
    fn written(&self) -> String {
        match self {
            Via::Shell => "shell".into(),
            Via::Human => "human".into(),
            Via::Http(url) => format!("http {}", quoted(url)),
            Via::Acp(program) => format!("acp {}", argv(program)),
            Via::Mcp {
                argv: program,
                tool,
            } => format!("mcp {} tool {}", argv(program), name(tool)),
            Via::McpUrl { url, tool } => format!("mcp {} tool {}", quoted(url), name(tool)),
            Via::A2a(url) => format!("a2a {}", quoted(url)),
            Via::Remote(label) => format!("remote {}", name(label)),
        }
    }
}

/// Paths that an agent answers for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Owns(String);

impl Owns {
    /// Takes a glob, from the project's root. One that is none is a mistake that compiling tells.
    pub fn new(glob: impl AsRef<str>) -> Owns {
        Owns(quoted(glob.as_ref()))
    }

    /// Others may own it too.
    pub fn shared(self) -> Owns {
        Owns(format!("{} shared", self.0))
    }

    /// Leaves a part of it to others. Takes a glob.
    pub fn except(self, glob: impl AsRef<str>) -> Owns {
        Owns(format!("{} except {}", self.0, quoted(glob.as_ref())))
    }
}

impl From<&str> for Owns {
    fn from(glob: &str) -> Owns {
        Owns::new(glob)
    }
}

/// Something that is made: a promise of an agent, or what a task leaves behind.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Artifact {
    name: String,
    title: Option<String>,
    path: Option<String>,
}

impl Artifact {
    /// Takes its name.
    pub fn new(name: impl Into<String>) -> Artifact {
        Artifact {
            name: name.into(),
            title: None,
            path: None,
        }
    }

    /// Its title, for people.
    pub fn title(mut self, title: impl Into<String>) -> Artifact {
        self.title = Some(title.into());
        self
    }

    /// Its file, from the project's root. Without a title, its name becomes its title.
    pub fn path(mut self, path: impl Into<String>) -> Artifact {
        self.path = Some(path.into());
        self
    }

    pub(super) fn written(&self) -> String {
        let mut out = name(&self.name);
        if let Some(title) = self
            .title
            .as_ref()
            .or(self.path.as_ref().map(|_| &self.name))
        {
            out.push_str(&format!(" {}", quoted(title)));
        }
        if let Some(path) = &self.path {
            out.push_str(&format!(" {}", quoted(path)));
        }
        out
    }
}

impl From<&str> for Artifact {
    fn from(name: &str) -> Artifact {
        Artifact::new(name)
    }
}

/// What agents and humans have in common.
macro_rules! actor {
    ($name:ident) => {
        impl $name {
            /// The name that other systems know it by.
            pub fn id(mut self, id: impl AsRef<str>) -> $name {
                self.block.line("id", quoted(id.as_ref()));
                self
            }

            /// What it is, in a few words; part of its briefs.
            pub fn role(mut self, role: impl AsRef<str>) -> $name {
                self.block.line("role", quoted(role.as_ref()));
                self
            }

            /// What it attends to first; part of its briefs.
            pub fn focus(mut self, focus: impl AsRef<str>) -> $name {
                self.block.line("focus", quoted(focus.as_ref()));
                self
            }

            /// The tier that it belongs to, by name.
            pub fn tier(mut self, tier: impl AsRef<str>) -> $name {
                self.block.line("tier", name(tier.as_ref()));
                self
            }

            /// What it may decide, in its own words.
            pub fn authority(mut self, authority: impl AsRef<str>) -> $name {
                self.block.line("authority", quoted(authority.as_ref()));
                self
            }

            /// Whom it writes to.
            pub fn talks_to(mut self, who: impl Into<Who>) -> $name {
                self.block.line("talks to", who.into().written());
                self
            }

            /// What it is able to do: skills, by name.
            pub fn can(mut self, skills: impl Into<Names>) -> $name {
                self.block.line("can", skills.into().written());
                self
            }

            /// Marks that groups may collect.
            pub fn tag(mut self, tags: impl Into<Names>) -> $name {
                self.block.line("tag", tags.into().written());
                self
            }

            /// Who takes over when it fails, in order.
            pub fn standby(mut self, agents: impl Into<Names>) -> $name {
                self.block.line("standby", agents.into().written());
                self
            }

            /// When it works: a calendar, by name.
            pub fn calendar(mut self, calendar: impl AsRef<str>) -> $name {
                self.block.line("calendar", name(calendar.as_ref()));
                self
            }

            /// What an hour of its work costs. Takes the amount and the currency's three letters.
            pub fn cost_per_hour(mut self, amount: f64, currency: &str) -> $name {
                let currency: String = currency.chars().filter(char::is_ascii_alphabetic).collect();
                let rate = format!("{}{currency}/h", decimal(amount));
                self.block.line("cost", rate);
                self
            }

            /// A responsibility; part of its briefs. May be said again for the next.
            pub fn does(mut self, text: impl AsRef<str>) -> $name {
                self.block.line("does", quoted(text.as_ref()));
                self
            }

            /// A tool or an access that it has; part of its briefs. May be said again.
            pub fn tool(mut self, text: impl AsRef<str>) -> $name {
                self.block.line("tool", quoted(text.as_ref()));
                self
            }

            /// Paths that it answers for and writes. May be said again.
            pub fn owns(mut self, paths: impl Into<Owns>) -> $name {
                self.block.line("owns", paths.into().0);
                self
            }

            /// Something that it answers for and that is no path.
            pub fn owns_area(mut self, area: impl AsRef<str>) -> $name {
                self.block.line("owns area", quoted(area.as_ref()));
                self
            }

            /// A contract: it cannot work without what these agents give.
            pub fn needs(mut self, agents: impl Into<Who>) -> $name {
                self.block.line("needs", agents.into().written());
                self
            }

            /// A contract that helps and never blocks.
            pub fn wants(mut self, agents: impl Into<Who>) -> $name {
                self.block.line("wants", agents.into().written());
                self
            }

            /// A promise to make something. May be said again.
            pub fn produces(mut self, artifact: impl Into<Artifact>) -> $name {
                self.block.line("produces", artifact.into().written());
                self
            }

            /// How many tasks it is at work on at once; 1 when it is not said. 0 is a mistake
            /// that compiling tells.
            pub fn capacity(mut self, n: u32) -> $name {
                self.block.line("capacity", n.to_string());
                self
            }

            /// Anything else that you want to keep: a key and a value.
            pub fn meta(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> $name {
                let pair = format!("{} {}", name(key.as_ref()), quoted(value.as_ref()));
                self.block.line("meta", pair);
                self
            }
        }
    };
}

actor!(Agent);
actor!(Human);

impl Agent {
    /// The secret that requests to it carry, as a bearer token.
    pub fn auth(mut self, secret: impl AsRef<str>) -> Agent {
        self.block.line("auth", name(secret.as_ref()));
        self
    }

    /// The secret that requests to it carry, in a header of this name.
    pub fn auth_as(mut self, secret: impl AsRef<str>, header: impl AsRef<str>) -> Agent {
        let line = format!("{} as {}", name(secret.as_ref()), quoted(header.as_ref()));
        self.block.line("auth", line);
        self
    }

    /// Where it may answer later, signed with a secret.
    pub fn callback(mut self, secret: impl AsRef<str>, at: impl AsRef<str>) -> Agent {
        let line = format!("{} at {}", name(secret.as_ref()), quoted(at.as_ref()));
        self.block.line("callback", line);
        self
    }

    /// How it is reached.
    pub fn via(mut self, via: Via) -> Agent {
        self.block.line("via", via.written());
        self
    }

    /// A driver of your own speaks for it: `via remote LABEL`, see [`crate::Reach::Label`].
    pub fn via_label(self, label: impl Into<String>) -> Agent {
        self.via(Via::Remote(label.into()))
    }

    /// What its attempts may use up. May be said once for each kind.
    pub fn budget(mut self, budget: Budget) -> Agent {
        self.block.line("budget", budget.written());
        self
    }

    /// An environment variable for its programs.
    pub fn env(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Agent {
        let pair = format!("{} {}", name(key.as_ref()), quoted(value.as_ref()));
        self.block.line("env", pair);
        self
    }

    /// Secrets that its programs get, by name.
    pub fn secret(mut self, secrets: impl Into<Names>) -> Agent {
        self.block.line("secret", secrets.into().written());
        self
    }

    /// A program that its tasks may call by name, see [`super::Task::command`].
    pub fn command(mut self, name: impl AsRef<str>, program: impl Into<Program>) -> Agent {
        let head = format!("command {}", super::value::name(name.as_ref()));
        push_program(&mut self.block, &head, program.into());
        self
    }
}

impl Human {
    /// Where the person is reached.
    pub fn contact(mut self, contact: impl AsRef<str>) -> Human {
        self.block.line("contact", quoted(contact.as_ref()));
        self
    }
}

impl Group {
    /// Who belongs to it. May be said again.
    pub fn members(mut self, who: impl Into<Who>) -> Group {
        self.block.line("members", who.into().written());
        self
    }
}
