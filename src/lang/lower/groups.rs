//! Groups, and the contracts of agents.

use super::Lower;
use super::args::Args;
use super::declare::Declared;
use super::names::Who;
use super::select::By;
use crate::diagnostic::Diagnostic;
use crate::ids::{AgentId, GroupId};
use crate::model::Contract;
use crate::schema::Place;
use crate::source::Span;
use crate::syntax::tree::{Arg, ArgKind, Statement};
use std::collections::{HashMap, HashSet};

/// How far a group has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Not,
    /// It waits for the groups that it names.
    Begun,
    Done,
}

/// A group that is being read: the groups that it names, and how many were looked at.
struct Step {
    id: GroupId,
    names: Vec<(GroupId, Span)>,
    next: usize,
}

impl<'s> Lower<'_, 's> {
    /// Every group after those that it names.
    pub(super) fn groups(&mut self, declared: &Declared<'_, 's>) {
        let statements: HashMap<GroupId, &Statement<'s>> =
            declared.groups.iter().map(|(id, s)| (*id, *s)).collect();
        let mut read = vec![Read::Not; self.model.groups.len()];
        for (id, _) in &declared.groups {
            self.group_after_its_parts(*id, &statements, &mut read);
        }
    }

    fn group_after_its_parts(
        &mut self,
        first: GroupId,
        statements: &HashMap<GroupId, &Statement<'s>>,
        read: &mut [Read],
    ) {
        if read[first.0 as usize] != Read::Not {
            return;
        }
        let mut path: Vec<Step> = Vec::new();
        let mut enter = Some(first);
        loop {
            if let Some(id) = enter.take() {
                read[id.0 as usize] = Read::Begun;
                let names = statements
                    .get(&id)
                    .map(|s| self.groups_in(s))
                    .unwrap_or_default();
                path.push(Step { id, names, next: 0 });
            }
            let Some(step) = path.last_mut() else { return };
            let own = step.id;
            match step.names.get(step.next).copied() {
                Some((inner, span)) => {
                    step.next += 1;
                    match read[inner.0 as usize] {
                        Read::Not => enter = Some(inner),
                        Read::Begun => self.group_loop(inner, span, own),
                        Read::Done => {}
                    }
                }
                None => {
                    if let Some(statement) = statements.get(&own) {
                        self.group(own, statement);
                    }
                    read[own.0 as usize] = Read::Done;
                    path.pop();
                }
            }
        }
    }

    /// The groups that a group's `members` name.
    fn groups_in(&self, statement: &Statement<'s>) -> Vec<(GroupId, Span)> {
        let fields = statement.block.iter().flat_map(|b| b.statements());
        let mut found = Vec::new();
        for field in fields.filter(|f| f.word == "members") {
            self.groups_among(&field.args, &mut found);
        }
        found
    }

    fn groups_among(&self, args: &[Arg<'s>], found: &mut Vec<(GroupId, Span)>) {
        for arg in args {
            match &arg.kind {
                ArgKind::Word(name) => {
                    if let Some(Who::Group(id)) = self.names.who.get(self.bare(name)) {
                        found.push((*id, arg.span));
                    }
                }
                ArgKind::List(elements) => {
                    for element in elements {
                        self.groups_among(element, found);
                    }
                }
                _ => {}
            }
        }
    }

    fn group(&mut self, id: GroupId, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "group") else {
            return;
        };
        let mut args = Args::new(statement, row);
        args.next();
        self.model.groups[id].title = args.maybe_text(self).map(|t| t.value);
        args.end(self);
        let mut seen = HashSet::new();
        for field in self.fields(Place::Group, statement) {
            let mut args = field.args();
            let found = self.select(&mut args, "agents").unwrap_or_default();
            args.end(self);
            let new = found.iter().map(|c| c.agent).filter(|a| seen.insert(*a));
            self.model.groups[id].members.extend(new);
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

    /// What follows `needs` or `wants` of an agent. `all` stands for the other agents that are no
    /// people; a group for its members but this agent itself.
    pub(super) fn contract(&mut self, own: AgentId, args: &mut Args<'_, 's>) -> Vec<Contract> {
        let Some(found) = self.select(args, "agents") else {
            return Vec::new();
        };
        let kept = found.into_iter().filter(|c| match c.by {
            // a contract with itself is a mistake that is reported where contracts are drawn
            By::Name => true,
            By::Group | By::Condition => c.agent != own,
            By::All => c.agent != own && !self.model.agents[c.agent].person,
        });
        kept.map(|c| Contract {
            on: c.agent,
            span: c.span,
            from_all: c.by == By::All,
        })
        .collect()
    }
}
