//! Agents, humans and groups.

use super::args::Args;
use super::declare::Declared;
use super::names::Who;
use super::{Field, Lower};
use crate::diagnostic::Diagnostic;
use crate::glob::{Glob, GlobErrorKind};
use crate::ids::{AgentId, GroupId};
use crate::model::{Artifact, Contract, Driver, Owns};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};

impl<'s> Lower<'_, 's> {
    pub(super) fn agents(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.agents {
            let place = if statement.word == "human" {
                Place::Human
            } else {
                Place::Agent
            };
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
            // contracts need every agent to be known first
            "needs" | "wants" => return,
            _ => {}
        }
        args.end(self);
    }

    fn driver(&mut self, args: &mut Args<'_, 's>) -> Option<Driver> {
        let choices = [("shell", false), ("human", true)];
        let human = args.choice(self, "a driver", &choices)?.value;
        Some(if human { Driver::Human } else { Driver::Shell })
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

    fn owns(&mut self, id: AgentId, args: &mut Args<'_, 's>) {
        if args.eat("area").is_some() {
            let area = args.text(self, "an area in quotes");
            self.model.agents[id].areas.extend(area);
            return;
        }
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Text(_) | ArgKind::List(_)))
        {
            args.expected(self, "a glob in quotes");
            return;
        }
        let globs = self.globs(args);
        let mut shared = false;
        let mut except = Vec::new();
        loop {
            if args.eat("shared").is_some() {
                shared = true;
            } else if args.eat("except").is_some() {
                except.extend(self.globs(args));
            } else {
                break;
            }
        }
        for glob in globs {
            self.model.agents[id].owns.push(Owns {
                glob,
                shared,
                except: except.clone(),
            });
        }
    }

    /// One glob in quotes or a list of them.
    pub(super) fn globs(&mut self, args: &mut Args<'_, 's>) -> Vec<Spanned<Glob>> {
        if args.peek().is_none() {
            args.expected(self, "a glob in quotes");
            return Vec::new();
        }
        let mut found = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Text(pieces),
                        span,
                    },
                ] => {
                    let Some(text) = self.plain(pieces, *span) else {
                        continue;
                    };
                    if let Some(glob) = self.glob(&text) {
                        found.push(Spanned::new(glob, *span));
                    }
                }
                [] => {}
                [first, ..] if first.is_broken() => {}
                [first, ..] => {
                    let text = super::args::shown(self.sources.text(first.span));
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            first.span,
                            format!(
                                "`{}` expects a glob in quotes, found {text}",
                                args.statement.word
                            ),
                        )
                        .label("not in quotes")
                        .help("as in `\"api/**\"`"),
                    );
                }
            }
        }
        found
    }

    fn glob(&mut self, text: &Spanned<String>) -> Option<Glob> {
        let error = match Glob::parse(&text.value) {
            Ok(glob) => return Some(glob),
            Err(error) => error,
        };
        let (code, label) = match error.kind {
            GlobErrorKind::LeavesRoot(_) => ("E0408", "leads out of the project"),
            _ => ("E0406", "this part"),
        };
        // Where the text holds escapes, offsets in it are not offsets in the file.
        let verbatim = text.span.len() == text.value.len() + 2;
        let start = text.span.start as usize + 1 + error.offset;
        let span = if verbatim {
            Span::new(text.span.file, start, start + error.len)
        } else {
            text.span
        };
        self.report(
            Diagnostic::new(code, span, error.to_string())
                .label(label)
                .help(error.help()),
        );
        None
    }

    pub(super) fn artifact(&mut self, args: &mut Args<'_, 's>) -> Option<Artifact> {
        let Some((name, span)) = args.word() else {
            args.expected(
                self,
                "a name, as in `report \"Test report\" \"out/report.md\"`",
            );
            return None;
        };
        let title = args.maybe_text(self);
        let path = args.maybe_text(self);
        if let (Some(title), None) = (&title, &path)
            && title.value.contains(['/', '.'])
            && !title.value.contains(' ')
        {
            self.report(
                Diagnostic::new(
                    "W0112",
                    title.span,
                    format!("`{}` is the title here, and looks like a path", title.value),
                )
                .label("the title comes first, the path second")
                .fix(
                    title.span,
                    format!("\"{name}\" \"{}\"", title.value),
                    format!("write `produces {name} \"{name}\" \"{}\"`", title.value),
                ),
            );
        }
        if let Some(path) = &path {
            self.path_stays_inside(path);
        }
        Some(Artifact {
            name: Spanned::new(name.to_string(), span),
            title: title.map(|t| t.value),
            path,
        })
    }

    /// E0905 for a path that leaves the project.
    pub(super) fn path_stays_inside(&mut self, path: &Spanned<String>) {
        let leaves = path.value.starts_with(['/', '~']) || path.value.split('/').any(|s| s == "..");
        if leaves || path.value.is_empty() {
            self.report(
                Diagnostic::new(
                    "E0905",
                    path.span,
                    if path.value.is_empty() {
                        "this path is empty".to_string()
                    } else {
                        format!("`{}` leaves the project", path.value)
                    },
                )
                .label("paths are relative to the project's folder")
                .help("name a path inside the project"),
            );
        }
    }

    pub(super) fn groups(&mut self, declared: &Declared<'_, 's>) {
        let mut members: Vec<(GroupId, Vec<(Who, Span)>)> = Vec::new();
        for (id, statement) in &declared.groups {
            let Some(row) = crate::schema::find(Place::File, "group") else {
                continue;
            };
            let mut args = Args::new(statement, row);
            args.next();
            self.model.groups[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            let mut direct = Vec::new();
            for field in self.fields(Place::Group, statement) {
                direct.extend(self.members(&field));
            }
            members.push((*id, direct));
        }
        let mut loops = Vec::new();
        for index in 0..members.len() {
            self.expand_group(index, &members, &mut loops);
        }
    }

    fn members(&mut self, field: &Field<'_, 's>) -> Vec<(Who, Span)> {
        let mut args = field.args();
        if args.peek().is_none() {
            args.expected(self, "agents");
        }
        let mut found = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word("all"),
                        span,
                    },
                ] => found.extend(self.everybody().into_iter().map(|a| (Who::Agent(a), *span))),
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => {
                    let who = self.who_named(name, *span);
                    found.extend(who.map(|w| (w, *span)));
                }
                other => self.not_a_name(other, field.statement.word),
            }
        }
        args.end(self);
        found
    }

    /// Follows groups in groups; E0209 when one contains itself. `loops` holds the groups that do
    /// so, each with all that it reaches: a loop is reported once.
    fn expand_group(
        &mut self,
        index: usize,
        members: &[(GroupId, Vec<(Who, Span)>)],
        loops: &mut Vec<(GroupId, Vec<GroupId>)>,
    ) {
        let (id, direct) = &members[index];
        let mut flat = Vec::new();
        let mut visited = vec![*id];
        let mut back = None;
        let mut queue: Vec<(Who, Span, GroupId)> =
            direct.iter().rev().map(|(w, s)| (*w, *s, *id)).collect();
        while let Some((who, span, through)) = queue.pop() {
            match who {
                Who::Agent(agent) if !flat.contains(&agent) => flat.push(agent),
                Who::Agent(_) => {}
                Who::Group(inner) if inner == *id => back = Some((span, through)),
                Who::Group(inner) if visited.contains(&inner) => {}
                Who::Group(inner) => {
                    visited.push(inner);
                    self.use_of(super::Kind::Group, inner);
                    if let Some((_, list)) = members.iter().find(|(g, _)| *g == inner) {
                        queue.extend(list.iter().rev().map(|(w, s)| (*w, *s, inner)));
                    }
                }
            }
        }
        self.model.groups[*id].members = flat;
        let known = loops
            .iter()
            .any(|(other, reached)| visited.contains(other) && reached.contains(id));
        if let Some((span, through)) = back.filter(|_| !known) {
            self.group_loop(*id, span, through);
            loops.push((*id, visited));
        }
    }

    fn group_loop(&mut self, id: GroupId, span: Span, through: GroupId) {
        let own = self.model.groups[id].name.clone();
        let (message, help) = if through == id {
            (
                format!("group `{}` contains itself", own.value),
                "delete it".to_string(),
            )
        } else {
            let other = &self.model.groups[through].name.value;
            (
                format!("group `{}` contains itself through `{other}`", own.value),
                format!("take it out of `{other}`"),
            )
        };
        self.report(
            Diagnostic::new("E0209", span, message)
                .label("leads back")
                .related(own.span, "declared here")
                .help(help),
        );
    }

    /// `needs` and `wants` of agents.
    pub(super) fn contracts(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.agents {
            let place = if statement.word == "human" {
                Place::Human
            } else {
                Place::Agent
            };
            for inner in statement.block.iter().flat_map(|b| b.statements()) {
                let Some(row) = crate::schema::find(place, inner.word) else {
                    continue;
                };
                if !matches!(inner.word, "needs" | "wants") || inner.is_broken() {
                    continue;
                }
                let found = self.contract(
                    *id,
                    &Field {
                        row,
                        statement: inner,
                    },
                );
                let agent = &mut self.model.agents[*id];
                if inner.word == "needs" {
                    agent.needs.extend(found)
                } else {
                    agent.wants.extend(found)
                }
            }
        }
    }

    fn contract(&mut self, own: AgentId, field: &Field<'_, 's>) -> Vec<Contract> {
        let mut args = field.args();
        let elements: Vec<(&str, Span)> = match self.contract_words(field, &mut args) {
            Some(words) => words,
            None => return Vec::new(),
        };
        args.end(self);
        let mut found = Vec::new();
        for (word, span) in elements {
            if word == "all" {
                let others = self.everybody().into_iter().filter(|a| *a != own);
                found.extend(others.map(|on| Contract {
                    on,
                    span,
                    from_all: true,
                }));
                continue;
            }
            match self.who_named(word, span) {
                Some(Who::Agent(on)) => found.push(Contract {
                    on,
                    span,
                    from_all: false,
                }),
                Some(Who::Group(group)) => {
                    self.use_of(super::Kind::Group, group);
                    let members = self.model.groups[group].members.clone();
                    found.extend(
                        members
                            .into_iter()
                            .filter(|a| *a != own)
                            .map(|on| Contract {
                                on,
                                span,
                                from_all: false,
                            }),
                    );
                }
                None => {}
            }
        }
        found
    }

    fn contract_words(
        &mut self,
        field: &Field<'_, 's>,
        args: &mut Args<'_, 's>,
    ) -> Option<Vec<(&'s str, Span)>> {
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
        {
            args.expected(self, "agents");
            return None;
        }
        let mut words = Vec::new();
        for element in args.each() {
            match element {
                [arg] if arg.word().is_some() => words.extend(arg.word().map(|w| (w, arg.span))),
                other => self.not_a_name(other, field.statement.word),
            }
        }
        Some(words)
    }
}
