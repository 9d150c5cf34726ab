//! Sets of agents: names, groups, `all except x`, `agents where …`, `agents tagged x`.
//!
//! A set ends where its own words end, so that `within 4h` may follow it.

use super::args::{Args, shown};
use super::names::Who;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::expr::Comparison;
use crate::ids::{AgentId, TierId};
use crate::model::{Agent, Model};
use crate::schema::{closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};
use crate::value;
use std::collections::{BTreeSet, HashSet};

/// The words that an agent was chosen by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Name,
    Group,
    All,
    Condition,
}

/// One agent of a set.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub(super) agent: AgentId,
    pub(super) span: Span,
    pub(super) by: By,
}

const FIELDS: [&str; 7] = [
    "tier.rank",
    "tier",
    "capacity",
    "skill",
    "can",
    "tag",
    "name",
];

/// What `agents where` asks of an agent.
enum Wanted<'s> {
    Rank(Comparison, i64),
    Capacity(Comparison, i64),
    Tier(bool, TierId),
    Skill(bool, &'s str),
    Tag(bool, &'s str),
    Name(bool, &'s str),
    All(Vec<Wanted<'s>>),
    Any(Vec<Wanted<'s>>),
    Not(Box<Wanted<'s>>),
}

impl Wanted<'_> {
    fn holds(&self, model: &Model, agent: &Agent) -> bool {
        let has = |list: &[Spanned<String>], name: &str| list.iter().any(|s| s.value == name);
        match self {
            Wanted::Rank(op, n) => agent
                .tier
                .as_ref()
                .is_some_and(|tier| op.holds(i64::from(model.tiers[tier.value].rank).cmp(n))),
            Wanted::Capacity(op, n) => op.holds(i64::from(agent.capacity).cmp(n)),
            Wanted::Tier(equal, id) => {
                agent.tier.as_ref().is_some_and(|t| t.value == *id) == *equal
            }
            Wanted::Skill(equal, name) => has(&agent.skills, name) == *equal,
            Wanted::Tag(equal, name) => has(&agent.tags, name) == *equal,
            Wanted::Name(equal, name) => (agent.name.value == *name) == *equal,
            Wanted::All(parts) => parts.iter().all(|p| p.holds(model, agent)),
            Wanted::Any(parts) => parts.iter().any(|p| p.holds(model, agent)),
            Wanted::Not(part) => !part.holds(model, agent),
        }
    }
}

impl<'s> Lower<'_, 's> {
    /// The set that comes next; None when there is none, which is reported.
    pub(super) fn select(&mut self, args: &mut Args<'_, 's>, what: &str) -> Option<Vec<Chosen>> {
        let arg = args.peek();
        match arg.map(|a| &a.kind) {
            Some(ArgKind::Word("all" | "any")) => {
                let span = args.next()?.span;
                Some(self.all_except(args, span))
            }
            Some(ArgKind::Word("agents")) => self.agents_that(args, what),
            Some(ArgKind::Word(name)) => {
                let span = args.next()?.span;
                Some(self.one_or_group(name, span))
            }
            Some(ArgKind::List(_)) => Some(self.select_each(args, what)),
            _ => {
                args.expected(self, what);
                None
            }
        }
    }

    /// Every element of the list that comes next.
    fn select_each(&mut self, args: &mut Args<'_, 's>, what: &str) -> Vec<Chosen> {
        let word = args.statement.word;
        let mut found = Vec::new();
        for element in args.each() {
            let set =
                matches!(element, [first, _, ..] if matches!(first.word(), Some("all" | "agents")));
            if !set && !matches!(element, [arg] if arg.word().is_some()) {
                self.not_a_name(element, word);
                continue;
            }
            let mut inner = args.inside(element);
            if let Some(part) = self.select(&mut inner, what) {
                found.extend(part);
            }
            inner.end(self);
        }
        let mut seen = HashSet::new();
        found.retain(|chosen: &Chosen| seen.insert(chosen.agent));
        found
    }

    fn one_or_group(&mut self, name: &'s str, span: Span) -> Vec<Chosen> {
        match self.who_named(name, span) {
            Some(Who::Agent(agent)) => vec![Chosen {
                agent,
                span,
                by: By::Name,
            }],
            Some(Who::Group(id)) => {
                self.use_of(Kind::Group, id);
                let members = self.model.groups[id].members.iter();
                chosen(members.copied(), span, By::Group)
            }
            None => Vec::new(),
        }
    }

    /// What may follow `all`: `except a`, `except [a, b]`.
    fn all_except(&mut self, args: &mut Args<'_, 's>, all: Span) -> Vec<Chosen> {
        let mut found = chosen(self.everybody().into_iter(), all, By::All);
        let Some(except) = args.eat("except") else {
            return found;
        };
        let Some(left_out) = self.select(args, "who is left out") else {
            return Vec::new();
        };
        let left_out: HashSet<AgentId> = left_out.iter().map(|c| c.agent).collect();
        found.retain(|c| !left_out.contains(&c.agent));
        if found.is_empty() {
            self.nobody(all.to(except), "`all except` leaves nobody", "name fewer");
        }
        found
    }

    /// `agents tagged x`, `agents where …`; a plain name when neither follows.
    fn agents_that(&mut self, args: &mut Args<'_, 's>, what: &str) -> Option<Vec<Chosen>> {
        let start = args.next()?.span;
        if let Some(tagged) = args.eat("tagged") {
            self.tagged(args, start.to(tagged))
        } else if args.eat("where").is_some() {
            let (wanted, end) = self.wanted(args)?;
            let found = self.agents_with(&wanted);
            let span = start.to(end);
            if found.is_empty() {
                let text = self.sources.text(span).to_string();
                self.nobody(
                    span,
                    &format!("`{text}` selects nobody"),
                    "loosen the condition, or give the agents what it asks for",
                );
            }
            Some(chosen(found.into_iter(), span, By::Condition))
        } else if self.names.who.contains_key("agents") {
            Some(self.one_or_group("agents", start))
        } else {
            args.expected(
                self,
                &format!("{what}: `agents where …` or `agents tagged …`"),
            );
            None
        }
    }

    fn agents_with(&self, wanted: &Wanted<'s>) -> Vec<AgentId> {
        let everybody = self.everybody().into_iter();
        everybody
            .filter(|id| wanted.holds(&self.model, &self.model.agents[*id]))
            .collect()
    }

    fn tagged(&mut self, args: &mut Args<'_, 's>, start: Span) -> Option<Vec<Chosen>> {
        let Some(tag) = self.bare_text(args) else {
            args.expected(self, "a tag");
            return None;
        };
        let span = start.to(tag.span);
        let found = self.agents_with(&Wanted::Tag(true, tag.value));
        if found.is_empty() {
            self.no_such_tag(&tag, span);
        }
        Some(chosen(found.into_iter(), span, By::Condition))
    }

    /// E0208 for a tag that nobody carries.
    fn no_such_tag(&mut self, tag: &Spanned<&'s str>, span: Span) {
        let known: BTreeSet<&str> = (self.model.agents.values())
            .flat_map(|a| &a.tags)
            .map(|s| s.value.as_str())
            .collect();
        let near = closest(tag.value, known.into_iter());
        let near: Vec<String> = near.into_iter().map(str::to_string).collect();
        let d = Diagnostic::new(
            "E0208",
            span,
            format!("nobody carries the tag `{}`", tag.value),
        )
        .label("selects nobody");
        let near: Vec<&str> = near.iter().map(String::as_str).collect();
        self.report(match near.first() {
            Some(meant) => {
                let help = format!("did you mean `{meant}`?");
                d.fix(tag.span, *meant, help).guessed(tag.value, &near)
            }
            None => d.help(format!("write `tag {}` in an agent", tag.value)),
        });
    }

    /// E0208, unless a group without an end is the reason.
    fn nobody(&mut self, span: Span, message: &str, help: &str) {
        if self.out.iter().any(|d| d.code == "E0209") {
            return;
        }
        self.report(
            Diagnostic::new("E0208", span, message)
                .label("an empty set")
                .help(help),
        );
    }

    // ---- conditions --------------------------------------------------------------------------

    /// A condition on agents, and where it ends.
    fn wanted(&mut self, args: &mut Args<'_, 's>) -> Option<(Wanted<'s>, Span)> {
        let (first, mut end) = self.wanted_one(args)?;
        let Some(join @ ("and" | "or")) = args.peek().and_then(Arg::word) else {
            return Some((first, end));
        };
        let mut parts = vec![first];
        while let Some(word @ ("and" | "or")) = args.peek().and_then(Arg::word) {
            let at = args.next()?.span;
            if word != join {
                self.report(
                    Diagnostic::new("E0509", at, "put parentheses where `and` meets `or`")
                        .label(format!("`{word}` after `{join}`"))
                        .help("as in `(a and b) or c`"),
                );
                return None;
            }
            let (part, behind) = self.wanted_one(args)?;
            parts.push(part);
            end = behind;
        }
        let joined = match join {
            "and" => Wanted::All(parts),
            _ => Wanted::Any(parts),
        };
        Some((joined, end))
    }

    fn wanted_one(&mut self, args: &mut Args<'_, 's>) -> Option<(Wanted<'s>, Span)> {
        let mut turned = false;
        while args.eat("not").is_some() {
            turned = !turned;
        }
        let (found, end) = match args.peek() {
            Some(Arg {
                kind: ArgKind::Group(inner),
                span,
            }) => {
                args.next();
                let mut nested = args.inside(inner);
                let (found, _) = self.wanted(&mut nested)?;
                nested.end(self);
                (found, *span)
            }
            _ => self.wanted_field(args)?,
        };
        let found = if turned {
            Wanted::Not(Box::new(found))
        } else {
            found
        };
        Some((found, end))
    }

    fn wanted_field(&mut self, args: &mut Args<'_, 's>) -> Option<(Wanted<'s>, Span)> {
        let Some((field, span)) = args.word() else {
            args.expected(
                self,
                "a condition such as `tier.rank <= 2` or `skill == review`",
            );
            return None;
        };
        if !FIELDS.contains(&field) {
            self.no_such_field(field, span);
            return None;
        }
        // `can review` reads well without an operator
        let op = match args.comparison() {
            Some(op) => op,
            None if field == "can" => Comparison::Equal,
            None => {
                args.expected(self, &format!("`==` or another comparison after `{field}`"));
                return None;
            }
        };
        let end = args.peek().map_or(span, |a| a.span);
        let wanted = match field {
            "tier.rank" => Wanted::Rank(op, self.number(args, field)?),
            "capacity" => Wanted::Capacity(op, self.number(args, field)?),
            _ => self.wanted_name(args, field, op, span)?,
        };
        Some((wanted, end))
    }

    fn number(&mut self, args: &mut Args<'_, 's>, field: &str) -> Option<i64> {
        let arg = args.peek();
        if let Some(ArgKind::Number(text)) = arg.map(|a| &a.kind)
            && let Some(n) = value::integer(text)
        {
            args.next();
            return Some(n);
        }
        match arg {
            Some(arg) => {
                let found = shown(self.sources.text(arg.span));
                self.report(
                    Diagnostic::new(
                        "E0506",
                        arg.span,
                        format!("`{field}` is a number and cannot be compared with {found}"),
                    )
                    .label(format!("this is {}", arg.describe()))
                    .help(format!("as in `{field} <= 2`")),
                );
            }
            None => args.expected(self, "a number"),
        }
        None
    }

    fn wanted_name(
        &mut self,
        args: &mut Args<'_, 's>,
        field: &str,
        op: Comparison,
        at: Span,
    ) -> Option<Wanted<'s>> {
        let equal = match op {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => {
                let symbol = op.symbol();
                self.report(
                    Diagnostic::new(
                        "E0506",
                        at,
                        format!("names have no order: `{field} {symbol}`"),
                    )
                    .label("this is a name")
                    .help(match field {
                        "tier" => "compare `tier.rank`, or use `==`".to_string(),
                        _ => format!("write `{field} == NAME`"),
                    }),
                );
                return None;
            }
        };
        let Some(name) = self.bare_text(args) else {
            args.expected(self, "a name");
            return None;
        };
        Some(match field {
            "tier" => Wanted::Tier(equal, self.named(Kind::Tier, name.value, name.span)?),
            "tag" => Wanted::Tag(equal, name.value),
            "name" => {
                self.who_named(name.value, name.span)?;
                Wanted::Name(equal, name.value)
            }
            _ => Wanted::Skill(equal, name.value),
        })
    }

    /// A word, or a quoted text without anything special in it.
    fn bare_text(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<&'s str>> {
        let arg = args.peek()?;
        let text = match arg.kind {
            ArgKind::Word(word) => word,
            ArgKind::Text(_) => self.sources.text(arg.span).trim_matches(['"', '\'']),
            _ => return None,
        };
        args.next();
        Some(Spanned::new(text, arg.span))
    }

    fn no_such_field(&mut self, field: &str, span: Span) {
        let near = closest(field, FIELDS.into_iter());
        let d = Diagnostic::new("E0508", span, format!("an agent has no `{field}`"))
            .label("not known here");
        self.report(match near.first() {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean `{meant}`?"),
            ),
            None => d.help(format!("there are {}", one_of(FIELDS))),
        });
    }
}

fn chosen(agents: impl Iterator<Item = AgentId>, span: Span, by: By) -> Vec<Chosen> {
    agents.map(|agent| Chosen { agent, span, by }).collect()
}
