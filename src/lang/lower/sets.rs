//! Sets of agents, and limits: the parts that many statements share.

use super::Lower;
use super::args::Args;
use crate::diagnostic::Diagnostic;
use crate::ids::AgentId;
use crate::model::{Approval, Limit, Model};
use crate::syntax::tree::{Arg, ArgKind};

impl<'s> Lower<'_, 's> {
    /// The set of agents that comes next; groups stand for their members, `all` for everybody that
    /// the project declares.
    pub(super) fn agents_of(
        &mut self,
        args: &mut Args<'_, 's>,
        what: &str,
    ) -> Option<Vec<AgentId>> {
        let found = self.select(args, what)?;
        let mut seen = std::collections::HashSet::new();
        let agents = found.iter().map(|c| c.agent);
        Some(agents.filter(|a| seen.insert(*a)).collect())
    }

    /// Every declared agent and human; `local` only runs what names nobody.
    pub(super) fn everybody(&self) -> Vec<AgentId> {
        self.model
            .agents
            .ids()
            .filter(|id| *id != Model::LOCAL)
            .collect()
    }

    /// Every declared agent that is no person.
    pub(super) fn workers(&self) -> Vec<AgentId> {
        let agents = self.model.agents.iter();
        agents
            .filter(|(id, agent)| *id != Model::LOCAL && !agent.person)
            .map(|(id, _)| id)
            .collect()
    }

    pub(super) fn not_a_name(&mut self, element: &[Arg<'s>], word: &str) {
        let (Some(first), Some(last)) = (element.first(), element.last()) else {
            return;
        };
        if element.iter().any(Arg::is_broken) {
            return;
        }
        let span = first.span.to(last.span);
        if element.iter().all(|a| a.word().is_some()) && element.len() > 1 {
            let gap = first.span.after();
            self.report(
                Diagnostic::new("E0005", gap, "missing `,` between list items")
                    .label("put a comma here")
                    .fix(gap, ",", "write `,` behind this item"),
            );
            return;
        }
        let found = super::args::shown(self.sources.text(span));
        self.report(
            Diagnostic::new(
                "E0105",
                span,
                format!("`{word}` expects a name here, found {found}"),
            )
            .label("not a name")
            .help("names stand without quotes, as in `[a, b]`"),
        );
    }

    /// `within D [else ACTION]` when it comes next.
    pub(super) fn limit(&mut self, args: &mut Args<'_, 's>) -> Option<Limit> {
        let span = args.eat("within")?;
        self.limit_value(args, span)
    }

    /// `by WHO [within …]` or `N of WHO [within …]`.
    pub(super) fn approval(&mut self, args: &mut Args<'_, 's>) -> Option<Approval> {
        let span = args.statement.head_span();
        let (quorum, of) = if args.eat("by").is_some() {
            // `by any of [a, b]` is how tasks say it
            if args.follows("any", "of") {
                args.skip(2);
            }
            (None, self.agents_of(args, "who approves")?)
        } else if matches!(
            args.peek(),
            Some(Arg {
                kind: ArgKind::Number(_),
                ..
            })
        ) {
            let n = args.count(self, "a number of people", 1..=1000)?;
            if args.eat("of").is_none() {
                args.expected(self, "`of` and a group");
                return None;
            }
            (Some(n), self.agents_of(args, "who approves")?)
        } else {
            args.expected(self, "`by WHO` or `2 of GROUP`");
            return None;
        };
        let limit = self.limit(args);
        if args.peek().is_some() {
            // what is left may be its limit: nothing is concluded from what it lacks
            args.end(self);
            return None;
        }
        if let Some(n) = &quorum
            && n.value as usize > of.len()
            && !of.is_empty()
        {
            self.report(
                Diagnostic::new(
                    "E0816",
                    n.span,
                    format!("{} approvals of a set of {}", n.value, of.len()),
                )
                .label("can never be reached")
                .help(format!("ask for at most {}, or name more people", of.len())),
            );
        }
        if of.is_empty() {
            return None;
        }
        Some(Approval {
            span,
            quorum: quorum.map_or(1, |n| n.value),
            of,
            within: limit,
        })
    }
}
