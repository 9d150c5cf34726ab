//! Agents and humans.

use super::args::{Args, shown};
use super::declare::Declared;
use super::select::{By, Chosen};
use super::{Field, Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::AgentId;
use crate::model::{Auth, Callback, Driver, Health, Party, Program, Template};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};
use crate::value;
use std::collections::HashSet;

impl<'s> Lower<'_, 's> {
    pub(super) fn agents(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.agents {
            let place = place_of(statement);
            let Some(row) = crate::schema::find(Place::File, statement.word) else {
                continue;
            };
            let mut args = Args::new(statement, row);
            args.next();
            self.model.agents[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            for field in self.fields(place, statement) {
                self.agent_field(*id, &field);
            }
            self.over_the_web(*id);
        }
    }

    fn agent_field(&mut self, id: AgentId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "id" => self.model.agents[id].id = args.text_or_word(self, "a name").map(|t| t.value),
            "role" => {
                self.model.agents[id].role = args.text(self, "a text in quotes").map(|t| t.value)
            }
            "focus" => {
                self.model.agents[id].focus = args.text(self, "a text in quotes").map(|t| t.value)
            }
            "contact" => {
                self.model.agents[id].contact = args.text(self, "a text in quotes").map(|t| t.value)
            }
            "does" => {
                let does = args.text(self, "a text in quotes");
                self.model.agents[id].does.extend(does.map(|t| t.value));
            }
            "tool" => {
                let tool = args.text(self, "a text in quotes");
                self.model.agents[id].tools.extend(tool.map(|t| t.value));
            }
            "owns" => self.owns(id, &mut args),
            "produces" => {
                let artifact = self.artifact(&mut args);
                self.model.agents[id].produces.extend(artifact);
            }
            "capacity" => {
                if let Some(n) = args.count(self, "a number of tasks", 1..=100_000) {
                    self.model.agents[id].capacity = n.value;
                }
            }
            "via" => {
                if let Some(driver) = self.driver(&mut args) {
                    self.model.agents[id].driver = driver;
                }
            }
            "env" => {
                if let Some((name, _)) = self.env_name(&mut args)
                    && let Some(text) = args.text(self, "a value in quotes")
                {
                    self.model.agents[id].env.push((name, text.value));
                }
            }
            "meta" => {
                let pair = self.meta(&mut args);
                self.model.agents[id].meta.extend(pair);
            }
            "tier" => {
                self.model.agents[id].tier = args.named(self, Kind::Tier, "a tier");
            }
            "authority" => {
                let authority = args.text_or_word(self, "what it may decide");
                self.model.agents[id].authority = authority.map(|t| t.value);
            }
            "can" => {
                let skills = self.marks(&mut args, "a skill");
                self.model.agents[id].skills.extend(skills);
            }
            "tag" => {
                let tags = self.marks(&mut args, "a tag");
                self.model.agents[id].tags.extend(tags);
            }
            "calendar" => {
                let calendar = args.named(self, Kind::Calendar, "a calendar");
                self.model.agents[id].calendar = calendar;
            }
            "cost" => {
                let rate = self.rate(&mut args);
                self.model.agents[id].cost = rate;
            }
            "budget" => {
                let given = self.model.agents[id].budgets.clone();
                let budget = self.budget(&given, &mut args);
                self.model.agents[id].budgets.extend(budget);
            }
            "secret" => {
                let secrets = args.all_named(self, Kind::Secret, "a secret");
                self.model.agents[id].secrets.extend(secrets);
            }
            "auth" => {
                let auth = self.auth(&mut args);
                self.model.agents[id].auth = auth;
            }
            "callback" => {
                let callback = self.callback(&mut args);
                self.model.agents[id].callback = callback;
            }
            "command" => self.command(id, &mut args),
            "health" => {
                let health = self.health(&mut args);
                self.model.agents[id].health = health;
            }
            // these need every agent and every group to be known first
            "needs" | "wants" | "talks" | "standby" => return,
            _ => {}
        }
        args.end(self);
    }

    /// Fields that name other agents.
    pub(super) fn ties(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.agents {
            let place = place_of(statement);
            for inner in statement.block.iter().flat_map(|b| b.statements()) {
                let Some(row) = crate::schema::find(place, inner.word) else {
                    continue;
                };
                if inner.is_broken() {
                    continue;
                }
                let mut args = Args::new(inner, row);
                match inner.word {
                    "needs" => {
                        let found = self.contract(*id, &mut args);
                        self.model.agents[*id].needs.extend(found);
                    }
                    "wants" => {
                        let found = self.contract(*id, &mut args);
                        self.model.agents[*id].wants.extend(found);
                    }
                    "talks" => self.talks(*id, &mut args),
                    "standby" => self.standby(*id, &mut args),
                    _ => continue,
                }
                args.end(self);
            }
        }
    }

    /// `to WHO`.
    fn talks(&mut self, id: AgentId, args: &mut Args<'_, 's>) {
        let span = args.statement.head_span();
        if args.eat("to").is_none() {
            args.expected(self, "`to` and whom it writes to");
            return;
        }
        let Some(found) = self.select(args, "whom it writes to") else {
            return;
        };
        let party = self.model.agents[id].talks_to.get_or_insert(Party {
            span,
            ..Party::default()
        });
        let mut known: HashSet<AgentId> = party.agents.iter().copied().collect();
        for Chosen { agent, by, .. } in found {
            party.everybody |= by == By::All;
            if agent != id && known.insert(agent) {
                party.agents.push(agent);
            }
        }
    }

    fn standby(&mut self, id: AgentId, args: &mut Args<'_, 's>) {
        let Some(found) = self.select(args, "who takes over") else {
            return;
        };
        for Chosen { agent, span, by } in found {
            if agent == id {
                if by == By::Name {
                    self.stands_by_itself(id, span);
                }
                continue;
            }
            if self.model.agents[agent].driver.is_human() && self.model.agents[id].driver.is_shell()
            {
                self.human_standby(id, agent, span);
                continue;
            }
            let standby = &mut self.model.agents[id].standby;
            if standby.iter().all(|s| s.value != agent) {
                standby.push(Spanned::new(agent, span));
            }
        }
    }

    fn stands_by_itself(&mut self, id: AgentId, span: Span) {
        let name = &self.model.agents[id].name;
        let d = Diagnostic::new(
            "E0105",
            span,
            format!(
                "`standby` expects another agent, found `{}` itself",
                name.value
            ),
        )
        .label("cannot take over from itself")
        .related(name.span, "declared here")
        .help("name another agent");
        self.report(d);
    }

    /// E0203: who is asked cannot take over from what is started.
    fn human_standby(&mut self, id: AgentId, standby: AgentId, span: Span) {
        let (own, other) = (
            &self.model.agents[id].name,
            &self.model.agents[standby].name,
        );
        let d = Diagnostic::new(
            "E0203",
            span,
            format!(
                "`{}` is a human; `standby` of `{}` takes an agent that runs programs",
                other.value, own.value
            ),
        )
        .label("no program runs there")
        .related(other.span, "declared here")
        .help("name an agent, or escalate to this person when the agent fails");
        self.report(d);
    }

    /// Words that are declared by being written: skills, tags.
    fn marks(&mut self, args: &mut Args<'_, 's>, what: &str) -> Vec<Spanned<String>> {
        if args.peek().is_none() {
            args.expected(self, what);
        }
        let word = args.statement.word;
        let mut found = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Text(pieces),
                        span,
                    },
                ] => found.extend(self.plain(pieces, *span)),
                [arg] if arg.word().is_some() => {
                    let mark = self.sources.text(arg.span).to_string();
                    found.push(Spanned::new(mark, arg.span));
                }
                other => self.not_a_name(other, word),
            }
        }
        found
    }

    /// `12USD/h`.
    fn rate(&mut self, args: &mut Args<'_, 's>) -> Option<crate::model::Rate> {
        let Some(Arg {
            kind: ArgKind::Number(text),
            span,
        }) = args.peek()
        else {
            args.expected(self, "a rate such as `12USD/h`");
            return None;
        };
        args.next();
        if let Some(rate) = value::rate(text) {
            return Some(rate);
        }
        self.report(
            Diagnostic::new(
                "E0501",
                *span,
                format!("expected a rate, found {}", shown(text)),
            )
            .label("not an amount, a currency and a unit of time")
            .help("as in `cost 12USD/h` or `cost 800EUR/d`"),
        );
        None
    }

    /// `NAME [argv]`.
    fn command(&mut self, id: AgentId, args: &mut Args<'_, 's>) {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a name and an argument list");
            return;
        };
        let Some(program) = self.program(args) else {
            return;
        };
        let commands = &mut self.model.agents[id].commands;
        let first = commands.iter().find(|(n, _)| n.value == name);
        let name = Spanned::new(name.to_string(), span);
        match first.map(|(n, _)| n.span) {
            Some(first) => self.twice(&name, first),
            None => commands.push((name, program)),
        }
    }

    /// `SECRET [as "Header"]`.
    fn auth(&mut self, args: &mut Args<'_, 's>) -> Option<Auth> {
        let secret = args.named(self, Kind::Secret, "a secret")?;
        let header = match args.eat("as") {
            Some(_) => Some(self.header(args)?),
            None => None,
        };
        Some(Auth {
            secret: secret.value,
            header,
            span: args.up_to(args.statement.word_span),
        })
    }

    fn header(&mut self, args: &mut Args<'_, 's>) -> Option<String> {
        let header = args.text(self, "the name of a header in quotes")?;
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !header.value.is_empty() && header.value.chars().all(fine) {
            return Some(header.value);
        }
        self.report(
            Diagnostic::new(
                "E0501",
                header.span,
                format!(
                    "expected the name of a header, found {}",
                    shown(&header.value)
                ),
            )
            .label("letters, digits and hyphens")
            .help("as in `auth deploy-token as \"X-Api-Key\"`"),
        );
        None
    }

    /// `SECRET at "URL"`.
    fn callback(&mut self, args: &mut Args<'_, 's>) -> Option<Callback> {
        let secret = args.named(self, Kind::Secret, "a secret")?;
        self.word_behind(args, "at")?;
        Some(Callback {
            secret: secret.value,
            at: self.url(args)?,
            span: args.up_to(args.statement.word_span),
        })
    }

    /// What only an agent that is reached over the web has a use for. It may know the secrets.
    fn over_the_web(&mut self, id: AgentId) {
        let agent = &self.model.agents[id];
        let web = match &agent.driver {
            Driver::Http(_) | Driver::A2a(_) | Driver::McpWeb { .. } => true,
            Driver::Shell
            | Driver::Human
            | Driver::Acp(_)
            | Driver::Mcp { .. }
            | Driver::Remote(_) => false,
        };
        let answers = matches!(agent.driver, Driver::Http(_));
        let auth = agent.auth.as_ref().map(|of| (of.secret, of.span));
        let callback = agent.callback.as_ref().map(|of| (of.secret, of.span));
        let via = agent.driver.word();
        let name = agent.name.value.clone();
        for (word, of, fits, whom) in [
            (
                "auth",
                auth,
                web,
                "`via http`, `via a2a` or `via mcp \"URL\"`",
            ),
            ("callback", callback, answers, "`via http`"),
        ] {
            match of {
                Some((secret, span)) if fits => {
                    let secret = Spanned::new(secret, span);
                    self.model.agents[id].secrets.push(secret);
                }
                Some((_, span)) => self.report(
                    Diagnostic::new(
                        "E0105",
                        span,
                        format!("`{word}` is for an agent {whom}; `{name}` is `via {via}`"),
                    )
                    .label("nothing is sent there")
                    .help("take it away, or say how it is reached"),
                ),
                None => {}
            }
        }
    }

    /// `run [argv] every 30s`.
    fn health(&mut self, args: &mut Args<'_, 's>) -> Option<Health> {
        let span = args.statement.head_span();
        if args.eat("run").is_none() {
            args.expected(self, "`run` and an argument list");
            return None;
        }
        let run = self.program(args)?;
        if args.eat("every").is_none() {
            args.expected(self, "`every` and how often");
            return None;
        }
        let every = args.duration(self, "how often")?;
        if every.value == 0 {
            self.report(
                Diagnostic::new(
                    "E0105",
                    every.span,
                    "`every` expects a period, found no time",
                )
                .label("this would never stop")
                .help("as in `every 30s`"),
            );
            return None;
        }
        Some(Health {
            run,
            every_ms: every.value,
            span,
        })
    }

    fn driver(&mut self, args: &mut Args<'_, 's>) -> Option<Driver> {
        let choices = DRIVERS.map(|word| (word, word));
        match args.choice(self, "a driver", &choices)?.value {
            "human" => Some(Driver::Human),
            "http" => Some(Driver::Http(self.url(args)?)),
            "a2a" => Some(Driver::A2a(self.url(args)?)),
            "acp" => Some(Driver::Acp(self.argument_list(args)?)),
            "mcp" => {
                let is_text = args
                    .peek()
                    .is_some_and(|a| matches!(a.kind, ArgKind::Text(_)));
                let url = match is_text {
                    true => Some(self.url(args)?),
                    false => None,
                };
                let argv = match url {
                    Some(_) => Vec::new(),
                    None => self.argument_list(args)?,
                };
                if args.eat("tool").is_none() {
                    args.expected(self, "`tool` and the tool's name");
                    return None;
                }
                let tool = args.text_or_word(self, "the tool's name")?.value;
                Some(match url {
                    Some(url) => Driver::McpWeb { url, tool },
                    None => Driver::Mcp { argv, tool },
                })
            }
            "remote" => Some(Driver::Remote(args.text_or_word(self, "a label")?.value)),
            _ => Some(Driver::Shell),
        }
    }

    fn argument_list(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<Spanned<Template>>> {
        if !matches!(args.peek().map(|a| &a.kind), Some(ArgKind::List(_))) {
            args.expected(self, "an argument list such as `[\"agent\", \"--acp\"]`");
            return None;
        }
        match self.program(args)? {
            Program::Argv(argv, _) => Some(argv),
            Program::Script { .. } => None,
        }
    }

    /// A URL in quotes.
    fn url(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<String>> {
        let url = args.text(self, "a URL in quotes")?;
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| url.value.strip_prefix(scheme));
        let host = rest.map_or("", |r| r.split(['/', '?', '#']).next().unwrap_or(""));
        let clean = !url
            .value
            .contains(|c: char| c.is_whitespace() || c.is_control());
        if clean && !host.is_empty() {
            return Some(url);
        }
        let d = Diagnostic::new(
            "E0501",
            url.span,
            format!("expected a URL, found {}", shown(&url.value)),
        )
        .label("not the address of a service");
        let bare = rest.is_none() && clean && url.value.contains('.') && !url.value.contains(':');
        self.report(if bare {
            let right = format!("\"https://{}\"", url.value);
            d.fix(url.span, right.clone(), format!("write `{right}`"))
        } else {
            d.help("as in `\"https://agents.example.org/backend\"`")
        });
        None
    }

    pub(super) fn env_name(&mut self, args: &mut Args<'_, 's>) -> Option<(String, Span)> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a variable's name and its value");
            return None;
        };
        let fine = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !fine {
            self.report(
                Diagnostic::new(
                    "E0105",
                    span,
                    format!("`{name}` is no name for an environment variable"),
                )
                .label("only letters, digits and `_`")
                .help(format!("write `{}`", name.replace(['-', '.'], "_"))),
            );
            return None;
        }
        Some((name.to_string(), span))
    }
}

const DRIVERS: [&str; 7] = ["shell", "human", "http", "acp", "mcp", "a2a", "remote"];

fn place_of(statement: &Statement<'_>) -> Place {
    if statement.word == "human" {
        Place::Human
    } else {
        Place::Agent
    }
}
