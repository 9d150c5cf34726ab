//! Actions and chains of them: what is done when something happens or a limit passes.

use super::args::Args;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{EscalationId, ModeId, WorkflowId};
use crate::model::{Action, Chain, GateFailure, Limit, OnFail, Otherwise, Priority};
use crate::schema::{closest, one_of};
use crate::source::Span;
use crate::syntax::tree::{Arg, ArgKind};
use crate::time::MAX_DURATION_MS;

/// The words that an action starts with.
const ACTIONS: [&str; 20] = [
    "notify",
    "escalate",
    "retry",
    "reassign",
    "isolate",
    "redistribute",
    "recover",
    "rollback",
    "start",
    "halt",
    "enter",
    "leave",
    "set",
    "record",
    "fail",
    "skip",
    "proceed",
    "warn",
    "continue",
    "else",
];

/// Most actions in one chain.
const LONGEST: usize = 16;

impl<'s> Lower<'_, 's> {
    /// `ACTION [else ACTION]…`.
    pub(super) fn chain(&mut self, args: &mut Args<'_, 's>) -> Option<Chain> {
        let mut actions = Vec::new();
        loop {
            let start = args.peek().map_or(args.statement.word_span, |a| a.span);
            let action = self.action(args)?;
            actions.push((action, args.up_to(start)));
            let Some(at) = args.eat("else") else { break };
            if actions.len() == LONGEST {
                self.report(
                    Diagnostic::new(
                        "E0908",
                        at,
                        format!("this chain has more than {LONGEST} actions"),
                    )
                    .label("the first one past the limit")
                    .help("put the rest into a ladder or a workflow"),
                );
                return None;
            }
        }
        actions
            .into_iter()
            .rev()
            .fold(None, |rest, (action, span)| {
                Some(Chain {
                    action,
                    span,
                    otherwise: rest.map(Box::new),
                })
            })
    }

    fn action(&mut self, args: &mut Args<'_, 's>) -> Option<Action> {
        let Some((word, span)) = args.word() else {
            args.expected(
                self,
                "an action such as `notify lead` or `escalate to blocked`",
            );
            return None;
        };
        match word {
            "notify" => self.notify(args),
            "escalate" => self.escalate(args),
            "retry" => self.retry_action(args),
            "reassign" => match args.eat("to") {
                None => Some(Action::Reassign(None)),
                Some(_) => {
                    let (name, at) = self.behind(args, "an agent")?;
                    Some(Action::Reassign(Some(self.agent_named(name, at)?)))
                }
            },
            "isolate" => {
                self.word_behind(args, "agent")?;
                Some(Action::Isolate)
            }
            "redistribute" => Some(Action::Redistribute),
            "recover" => {
                self.word_behind(args, "run")?;
                Some(Action::Recover(self.program(args)?))
            }
            "rollback" => Some(Action::Rollback),
            "start" => {
                let (name, at) = self.behind(args, "a workflow")?;
                let workflow = self.named::<WorkflowId>(Kind::Workflow, name, at)?;
                let arguments = self.arguments(workflow, at, args);
                Some(Action::Start {
                    workflow,
                    arguments,
                })
            }
            "halt" => Some(Action::Halt),
            "enter" => Some(Action::Enter(self.mode_behind(args)?)),
            "leave" => Some(Action::Leave(self.mode_behind(args)?)),
            "set" => {
                self.word_behind(args, "priority")?;
                let priority = args.choice(self, "a priority", &Priority::ALL)?;
                Some(Action::SetPriority(priority.value))
            }
            "record" => Some(Action::Record(
                args.template(self, "a text in quotes")?.value,
            )),
            "fail" => Some(Action::Fail),
            "skip" => Some(Action::Skip),
            "proceed" => Some(Action::Proceed),
            "warn" => Some(Action::Warn),
            "continue" => Some(Action::Continue),
            _ => {
                self.no_action(word, span);
                None
            }
        }
    }

    fn no_action(&mut self, word: &str, span: Span) {
        let near = closest(word, ACTIONS.into_iter().filter(|a| *a != "else"));
        let d = Diagnostic::new("E0109", span, format!("`{word}` is not an action"))
            .label("not known here");
        self.report(match near.first() {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean `{meant}`?"),
            ),
            None => d.help(format!(
                "actions start with {}",
                one_of(ACTIONS.into_iter().filter(|a| *a != "else"))
            )),
        });
    }

    fn notify(&mut self, args: &mut Args<'_, 's>) -> Option<Action> {
        let who = self.party_or_nobody(args, "who is told")?;
        if who.is_empty() && !crate::diagnostic::has_errors(&self.out) {
            self.report(
                Diagnostic::new("W0809", who.span, "this notifies nobody")
                    .label("has no members")
                    .help("give the group members, or name somebody"),
            );
        }
        let via = match args.eat("via") {
            None => None,
            Some(_) => {
                let (name, at) = self.behind(args, "a channel")?;
                Some(self.named(Kind::Channel, name, at)?)
            }
        };
        Some(Action::Notify { who, via })
    }

    fn escalate(&mut self, args: &mut Args<'_, 's>) -> Option<Action> {
        self.word_behind(args, "to")?;
        let (name, at) = self.behind(args, "an escalation")?;
        let to = self.named::<EscalationId>(Kind::Escalation, name, at)?;
        let is_level = args
            .peek()
            .and_then(Arg::word)
            .is_some_and(|w| !matches!(w, "else" | "after" | "because" | "do"));
        let level = if is_level {
            let (level, at) = args.word()?;
            Some(self.rung_named(to, level, at)?)
        } else {
            None
        };
        Some(Action::Escalate { to, level })
    }

    /// The index of a ladder's level.
    pub(super) fn rung_named(&mut self, ladder: EscalationId, name: &str, at: Span) -> Option<u32> {
        let levels = self.names.levels.get(&ladder).cloned().unwrap_or_default();
        if let Some(index) = levels.iter().position(|l| l.value == name) {
            self.refer(name, at, Some(levels[index].span));
            return u32::try_from(index).ok();
        }
        let own = self.model.escalations[ladder].name.clone();
        let d = Diagnostic::new(
            "E0201",
            at,
            format!("`{}` has no level `{name}`", own.value),
        )
        .label("not declared")
        .related(own.span, "the ladder");
        let near = closest(name, levels.iter().map(|l| l.value));
        self.report(match near.first() {
            Some(meant) => d
                .fix(
                    at,
                    (*meant).to_string(),
                    format!("did you mean {}?", one_of(near.iter().copied())),
                )
                .guessed(name, &near),
            None if levels.is_empty() => d.help("leave the level out"),
            None => d.help(format!("it has {}", one_of(levels.iter().map(|l| l.value)))),
        });
        None
    }

    fn retry_action(&mut self, args: &mut Args<'_, 's>) -> Option<Action> {
        let number = matches!(args.peek().map(|a| &a.kind), Some(ArgKind::Number(_)));
        if !number {
            return Some(Action::Retry(None));
        }
        let n = args.count(self, "how many times", 1..=100)?;
        Some(Action::Retry(Some(n.value)))
    }

    fn mode_behind(&mut self, args: &mut Args<'_, 's>) -> Option<ModeId> {
        let (name, at) = self.behind(args, "a mode")?;
        self.named(Kind::Mode, name, at)
    }

    /// The name that comes next; E0105 when none does.
    pub(super) fn behind(
        &mut self,
        args: &mut Args<'_, 's>,
        what: &str,
    ) -> Option<(&'s str, Span)> {
        let found = args.word();
        if found.is_none() {
            args.expected(self, what);
        }
        found
    }

    /// Steps over a word that has to come next.
    pub(super) fn word_behind(&mut self, args: &mut Args<'_, 's>, word: &str) -> Option<Span> {
        let found = args.eat(word);
        if found.is_none() {
            args.expected(self, &format!("`{word}`"));
        }
        found
    }

    /// `D [else ACTION…]`. What a task does past the limit is the last of them, when it is one of
    /// `fail`, `skip`, `proceed` and `halt`; what stands before it is done beside.
    pub(super) fn limit_value(&mut self, args: &mut Args<'_, 's>, span: Span) -> Option<Limit> {
        let ms = args.duration(self, "a duration")?;
        let (also, otherwise) = match args.eat("else") {
            Some(_) => split(self.chain(args)?, otherwise),
            None => (None, None),
        };
        Some(Limit {
            ms: ms.value.min(MAX_DURATION_MS),
            otherwise: otherwise.unwrap_or_default(),
            also: also.map(Box::new),
            span: span.to(ms.span),
        })
    }

    /// What follows `on fail` of a task.
    pub(super) fn on_fail(&mut self, args: &mut Args<'_, 's>) -> Option<(OnFail, Option<Chain>)> {
        self.word_behind(args, "fail")?;
        let (rest, ending) = split(self.chain(args)?, |action| match action {
            Action::Continue | Action::Fail => Some(OnFail::Block),
            Action::Skip => Some(OnFail::Skip),
            Action::Halt => Some(OnFail::Halt),
            _ => None,
        });
        Some((ending.unwrap_or_default(), rest))
    }

    /// What follows `on fail` of a gate.
    pub(super) fn on_gate_failure(
        &mut self,
        args: &mut Args<'_, 's>,
    ) -> Option<(GateFailure, Option<Chain>)> {
        self.word_behind(args, "fail")?;
        let chain = self.chain(args)?;
        if let Action::Retry(times) = chain.action {
            let rest = chain.otherwise.map(|c| *c);
            return Some((GateFailure::Retry(times.unwrap_or(1)), rest));
        }
        let (rest, ending) = split(chain, |action| match action {
            // `halt` stays in the chain: it stops the run, not only what the gate guards
            Action::Fail => Some(GateFailure::Halt),
            Action::Warn | Action::Proceed => Some(GateFailure::Warn),
            _ => None,
        });
        Some((ending.unwrap_or_default(), rest))
    }
}

fn otherwise(action: &Action) -> Option<Otherwise> {
    match action {
        Action::Fail => Some(Otherwise::Fail),
        Action::Skip => Some(Otherwise::Skip),
        Action::Proceed => Some(Otherwise::Proceed),
        Action::Halt => Some(Otherwise::Halt),
        _ => None,
    }
}

/// Takes the last action off when it is one that `ending` knows.
fn split<T>(chain: Chain, ending: impl Fn(&Action) -> Option<T>) -> (Option<Chain>, Option<T>) {
    let mut links = Vec::new();
    let mut next = Some(chain);
    while let Some(Chain {
        action,
        span,
        otherwise,
    }) = next
    {
        links.push((action, span));
        next = otherwise.map(|c| *c);
    }
    let last = links.last().and_then(|(action, _)| ending(action));
    if last.is_some() {
        links.pop();
    }
    let rest = links.into_iter().rev().fold(None, |rest, (action, span)| {
        Some(Chain {
            action,
            span,
            otherwise: rest.map(Box::new),
        })
    });
    (rest, last)
}
