//! Parties: who is asked, told or obeyed. Besides names, groups and `all`, there are roles, which
//! have a holder only in a situation.

use super::args::Args;
use super::names::Who;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{AgentId, WorkflowId};
use crate::model::{Party, Role};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement, Tree, statements};

/// What is going on where a statement applies: it decides which roles somebody holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Situation {
    Conflict,
    Handoff,
    Incident,
    /// A ladder may be climbed in any of the others.
    Escalation,
    Reaction,
    /// A workflow that something started.
    Workflow,
}

impl Situation {
    fn has(self, role: Role) -> bool {
        match role {
            Role::Owner | Role::Owners | Role::Reviewers => self != Situation::Handoff,
            Role::Lead | Role::OnCall => true,
            Role::Affected => self != Situation::Handoff,
            Role::Decider => !matches!(self, Situation::Handoff | Situation::Incident),
            Role::Sender | Role::Receiver => {
                !matches!(self, Situation::Conflict | Situation::Incident)
            }
        }
    }

    /// For "only in …".
    fn of(role: Role) -> &'static str {
        match role {
            Role::Sender | Role::Receiver => "a handoff, and where it escalates to",
            Role::Decider => "a conflict, and where it escalates to",
            Role::Owner
            | Role::Owners
            | Role::Reviewers
            | Role::Lead
            | Role::Affected
            | Role::OnCall => {
                "a conflict, an incident, an escalation, a reaction or a workflow that one starts"
            }
        }
    }
}

impl<'s> Lower<'_, 's> {
    /// Finds the workflows that a situation starts: by an event of their own, an incident's
    /// `start`, or `start` in a chain, wherever it stands.
    pub(super) fn started(&mut self, trees: &[Tree<'s>]) {
        let mut stack: Vec<&Statement<'s>> =
            trees.iter().flat_map(|t| statements(&t.items)).collect();
        while let Some(statement) = stack.pop() {
            let inner = || statement.block.iter().flat_map(|b| b.statements());
            let words = statement.args.iter().map(|a| a.word());
            let all: Vec<Option<&str>> =
                std::iter::once(Some(statement.word)).chain(words).collect();
            for pair in all.windows(2) {
                if let [Some("start"), Some(name)] = pair {
                    self.is_started(name);
                }
            }
            if statement.word == "workflow"
                && inner().any(|s| s.word == "on")
                && let Some(Some(name)) = all.get(1)
            {
                self.is_started(name);
            }
            stack.extend(inner());
        }
    }

    fn is_started(&mut self, name: &str) {
        if let Some((index, _)) = self.names.named.get(&(Kind::Workflow, name)) {
            self.started.insert(WorkflowId(*index));
        }
    }

    /// What is going on while the work of a workflow is done.
    pub(super) fn situation_in(&self, workflow: Option<WorkflowId>) -> Option<Situation> {
        let started = workflow.is_some_and(|w| self.started.contains(&w));
        started.then_some(Situation::Workflow)
    }

    /// `A`, `[A, B]`, `all`, `all except A`, `any of G`, and roles; E0208 when that is nobody.
    pub(super) fn party(&mut self, args: &mut Args<'_, 's>, what: &str) -> Option<Party> {
        let party = self.party_or_nobody(args, what)?;
        if party.is_empty() {
            // a group that could not be read was reported
            if !crate::diagnostic::has_errors(&self.out) {
                self.report(
                    Diagnostic::new("E0208", party.span, "nobody is meant here")
                        .label("has no members")
                        .help("give the group members, or name somebody"),
                );
            }
            return None;
        }
        Some(party)
    }

    /// The same; empty when its groups are.
    pub(super) fn party_or_nobody(&mut self, args: &mut Args<'_, 's>, what: &str) -> Option<Party> {
        let first = args
            .peek()
            .filter(|a| matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)));
        let Some(first) = first else {
            args.expected(self, what);
            return None;
        };
        let word = args.statement.word;
        let mut party = Party {
            span: first.span,
            ..Party::default()
        };
        match first.word() {
            Some("any") => {
                args.next();
                if args.eat("of").is_none() {
                    party.agents = self.everybody();
                    party.everybody = true;
                    return Some(party);
                }
                if args
                    .peek()
                    .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
                {
                    args.expected(self, "a group or a list behind `any of`");
                    return None;
                }
            }
            Some("all") => {
                args.next();
                party.agents = self.everybody();
                match args.eat("except") {
                    Some(_) => self.without(args, &mut party)?,
                    None => party.everybody = true,
                }
                party.span = args.up_to(first.span);
                return Some(party);
            }
            Some("agents") => {
                let found = self.select(args, what)?;
                add(&mut party.agents, found.iter().map(|c| c.agent));
                party.span = args.up_to(first.span);
                return (!party.agents.is_empty()).then_some(party);
            }
            _ => {}
        }
        let mut whole = true;
        for element in args.each() {
            let set =
                matches!(element, [first, _, ..] if matches!(first.word(), Some("all" | "agents")));
            if set {
                let mut inner = args.inside(element);
                let found = self.select(&mut inner, what)?;
                inner.end(self);
                add(&mut party.agents, found.iter().map(|c| c.agent));
            } else {
                whole &= self.member(element, word, &mut party);
            }
        }
        party.span = args.up_to(first.span);
        // one that could not be understood was reported; the others would be half of the truth
        whole.then_some(party)
    }

    /// `N of WHO`, or WHO alone, of whom one is enough.
    pub(super) fn quorum_of(
        &mut self,
        args: &mut Args<'_, 's>,
        what: &str,
    ) -> Option<(u32, Party)> {
        let number = matches!(args.peek().map(|a| &a.kind), Some(ArgKind::Number(_)));
        if !number {
            return Some((1, self.party(args, what)?));
        }
        let n = args.count(self, "a number of people", 1..=1000)?;
        if args.eat("of").is_none() {
            args.expected(self, "`of` and who they are");
            return None;
        }
        let party = self.party(args, what)?;
        self.enough(&n, &party);
        Some((n.value, party))
    }

    /// E0816 for more answers than there are people to give them.
    fn enough(&mut self, n: &Spanned<u32>, party: &Party) {
        let open = !party.roles.is_empty();
        if open || n.value as usize <= party.agents.len() {
            return;
        }
        let of = party.agents.len();
        self.report(
            Diagnostic::new(
                "E0816",
                n.span,
                format!("{} answers of a set of {of}", n.value),
            )
            .label("can never be reached")
            .help(format!("ask for at most {of}, or name more people")),
        );
    }

    /// Takes those behind `except` out.
    fn without(&mut self, args: &mut Args<'_, 's>, party: &mut Party) -> Option<()> {
        let out = self.agents_of(args, "who is left out")?;
        party.agents.retain(|a| !out.contains(a));
        if party.agents.is_empty() {
            self.report(
                Diagnostic::new(
                    "E0208",
                    args.up_to(party.span),
                    "`all except` leaves nobody",
                )
                .label("nobody is left")
                .help("leave somebody in"),
            );
            return None;
        }
        Some(())
    }

    /// One name of a party; false when it could not be understood.
    fn member(&mut self, element: &[Arg<'s>], word: &str, party: &mut Party) -> bool {
        let [
            Arg {
                kind: ArgKind::Word(name),
                span,
            },
        ] = element
        else {
            self.not_a_name(element, word);
            return element.is_empty();
        };
        if matches!(*name, "all" | "any") {
            party.everybody = true;
            let everybody = self.everybody();
            add(&mut party.agents, everybody);
            return true;
        }
        // what the project declares comes before the words of the language
        match self.names.who.get(name).copied() {
            Some(Who::Agent(id)) => {
                add(&mut party.agents, [id]);
                return true;
            }
            Some(Who::Group(id)) => {
                self.use_of(Kind::Group, id);
                let members = self.model.groups[id].members.clone();
                add(&mut party.agents, members);
                return true;
            }
            None => {}
        }
        match Role::ALL.iter().find(|(role, _)| role == name) {
            Some((_, role)) => self.role(*role, *span, party),
            None => self.who_named(name, *span).is_some(),
        }
    }

    fn role(&mut self, role: Role, span: Span, party: &mut Party) -> bool {
        if self.situation.is_some_and(|s| s.has(role)) {
            if !party.roles.contains(&role) {
                party.roles.push(role);
            }
            return true;
        }
        self.role_elsewhere(role, span);
        false
    }

    /// E0210: a role that nobody holds here.
    pub(super) fn role_elsewhere(&mut self, role: Role, span: Span) {
        let name = role.name();
        self.report(
            Diagnostic::new("E0210", span, format!("`{name}` has no meaning here"))
                .label(format!("only in {}", Situation::of(role)))
                .help("name an agent, a human or a group"),
        );
    }
}

fn add(agents: &mut Vec<AgentId>, more: impl IntoIterator<Item = AgentId>) {
    for agent in more {
        if !agents.contains(&agent) {
            agents.push(agent);
        }
    }
}
