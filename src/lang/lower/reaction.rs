//! Reactions: what happens, and what is done about it.

use super::args::Args;
use super::declare::Declared;
use super::party::Situation;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::model::{Action, Chain, Happening, Reaction};
use crate::schema::{Place, closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{ArgKind, Statement};

const EVENTS: [&str; 17] = [
    "task.failed",
    "task.blocked",
    "task.late",
    "task.stalled",
    "task.completed",
    "agent.failed",
    "agent.blocked",
    "conflict.open",
    "gate.failed",
    "approval.waiting",
    "incident.open",
    "resource.exhausted",
    "escalation.open",
    "run.started",
    "run.finished",
    "change",
    "metric",
];

/// Words that end the part before them.
const CLAUSES: [&str; 4] = ["for", "when", "because", "do"];

impl<'s> Lower<'_, 's> {
    pub(super) fn reactions(&mut self, declared: &Declared<'_, 's>) {
        for statement in &declared.reactions {
            self.situation = Some(Situation::Reaction);
            self.reaction(statement);
            self.situation = None;
            self.about = None;
        }
    }

    fn reaction(&mut self, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "on") else {
            return;
        };
        let mut args = Args::new(statement, row);
        let before = self.out.len();
        let on = self.happening(&mut args);
        let mut reaction = on.map(|on| {
            self.about = Some(on.value.clone());
            Reaction {
                on,
                for_ms: None,
                when: None,
                because: None,
                actions: Vec::new(),
                doc: self.doc(statement),
                span: statement.head_span(),
            }
        });
        if let Some(reaction) = &mut reaction
            && self.clauses(&mut args, reaction).is_some()
        {
            args.end(self);
        }
        // the block is read in any case, so that its mistakes are told as well
        let mut actions = Vec::new();
        for field in self.fields(Place::On, statement) {
            let mut args = field.args();
            actions.extend(self.chain(&mut args));
            args.end(self);
        }
        let Some(mut reaction) = reaction else { return };
        reaction.actions.extend(actions);
        for chain in &reaction.actions {
            self.actions_fit(&reaction.on, chain);
        }
        let failed = self.out[before..].iter().any(Diagnostic::is_error);
        if reaction.actions.is_empty() && !failed {
            self.report(
                Diagnostic::new(
                    "E0105",
                    statement.head_span(),
                    "`on` expects `do` and an action",
                )
                .label("nothing is done")
                .help("as in `on task.failed do notify lead`"),
            );
        }
        self.model.reactions.push(reaction);
    }

    /// `[for D] [when E] [because "…"] [do ACTION]`, in any order, `do` last.
    fn clauses(&mut self, args: &mut Args<'_, 's>, into: &mut Reaction) -> Option<()> {
        let mut seen: Vec<(&str, Span)> = Vec::new();
        loop {
            let Some((word, span)) = args
                .peek()
                .and_then(|a| a.word().map(|w| (w, a.span)))
                .filter(|(w, _)| CLAUSES.contains(w))
            else {
                return Some(());
            };
            args.next();
            if let Some((_, first)) = seen.iter().find(|(w, _)| *w == word) {
                self.report(
                    Diagnostic::new("E0104", span, format!("`{word}` given twice"))
                        .label("given again")
                        .related(*first, "first given here")
                        .help("keep one of them; several actions stand in a block"),
                );
                return None;
            }
            seen.push((word, span));
            match word {
                "for" => into.for_ms = Some(args.duration(self, "a duration")?),
                "when" => into.when = Some(self.condition_before(args, &CLAUSES)?),
                "because" => {
                    into.because = Some(args.text(self, "the reason in quotes")?.value);
                }
                _ => {
                    let chain = self.chain(args)?;
                    into.actions.push(chain);
                    return Some(());
                }
            }
        }
    }

    /// `EVENT [NAME]`.
    pub(super) fn happening(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Happening>> {
        let Some((word, span)) = args.word() else {
            args.expected(self, "an event such as `task.failed`");
            return None;
        };
        let happening = match word {
            "metric" => self.metric_event(args)?,
            "change" => Happening::ChangeMade(self.changed(args)?),
            "approval.waiting" => Happening::ApprovalWaiting,
            "run.started" => Happening::RunStarted,
            "run.finished" => Happening::RunFinished,
            _ if EVENTS.contains(&word) => self.event_of(word, args)?,
            _ => {
                self.no_event(word, span);
                return None;
            }
        };
        Some(Spanned::new(happening, args.up_to(span)))
    }

    fn event_of(&mut self, word: &str, args: &mut Args<'_, 's>) -> Option<Happening> {
        let name = args
            .peek()
            .and_then(|a| a.word().map(|w| (w, a.span)))
            .filter(|(w, _)| !CLAUSES.contains(w));
        if name.is_some() {
            args.next();
        }
        macro_rules! of {
            ($event:ident, $find:expr) => {
                Happening::$event(match name {
                    Some((name, at)) => Some($find(self, name, at)?),
                    None => None,
                })
            };
        }
        Some(match word {
            "task.failed" => of!(TaskFailed, Self::task_named),
            "task.blocked" => of!(TaskBlocked, Self::task_named),
            "task.late" => of!(TaskLate, Self::task_named),
            "task.stalled" => of!(TaskStalled, Self::task_named),
            "task.completed" => of!(TaskCompleted, Self::task_named),
            "agent.failed" => of!(AgentFailed, Self::agent_named),
            "agent.blocked" => of!(AgentBlocked, Self::agent_named),
            "gate.failed" => of!(GateFailed, Self::gate_named),
            "resource.exhausted" => of!(ResourceExhausted, Self::resource_named),
            "conflict.open" => of!(ConflictOpen, |l: &mut Self, n, s| l.named(
                Kind::Conflict,
                n,
                s
            )),
            "incident.open" => of!(IncidentOpen, |l: &mut Self, n, s| l.named(
                Kind::Incident,
                n,
                s
            )),
            "escalation.open" => of!(EscalationOpen, |l: &mut Self, n, s| l.named(
                Kind::Escalation,
                n,
                s
            )),
            _ => return None,
        })
    }

    /// `NAME > V`.
    fn metric_event(&mut self, args: &mut Args<'_, 's>) -> Option<Happening> {
        let metric = args.named(self, Kind::Metric, "the name of a metric")?;
        let Some(op) = args.comparison() else {
            args.expected(self, "a comparison such as `> 5%`");
            return None;
        };
        let Some(arg) = args.peek() else {
            args.expected(self, "the value that it is compared with");
            return None;
        };
        let before = self.out.len();
        let value = self.literal(arg);
        if value.is_none() && self.out.len() == before {
            args.expected(self, "a percent, a number or a duration");
        }
        args.next();
        Some(Happening::Metric {
            metric: metric.value,
            op,
            value: value?,
        })
    }

    fn changed(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<Spanned<crate::glob::Glob>>> {
        let is_glob = matches!(
            args.peek().map(|a| &a.kind),
            Some(ArgKind::Text(_) | ArgKind::List(_))
        );
        if !is_glob {
            args.expected(self, "a glob in quotes, as in `change \"api/**\"`");
            return None;
        }
        let globs = self.globs(args);
        (!globs.is_empty()).then_some(globs)
    }

    fn no_event(&mut self, word: &str, span: Span) {
        let near = closest(word, EVENTS.into_iter());
        let d = Diagnostic::new("E0109", span, format!("`{word}` is not an event"))
            .label("not known here");
        self.report(match near.first() {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean {}?", one_of(near.iter().copied())),
            ),
            None => d.help(format!("there are {}", one_of(EVENTS))),
        });
    }

    /// E0819: an action that needs a task or an agent, where the event is about none.
    fn actions_fit(&mut self, on: &Spanned<Happening>, chain: &Chain) {
        let mut next = Some(chain);
        while let Some(link) = next {
            if let Some(lack) = lacks(&on.value, &link.action) {
                let event = on.value.word();
                self.report(
                    Diagnostic::new(
                        "E0819",
                        link.span,
                        format!("`{event}` is about no {lack} that this could be done to"),
                    )
                    .label(format!("which {lack}?"))
                    .related(on.span, "the event")
                    .help("react to an event of a task or of an agent, or start a workflow"),
                );
            }
            next = link.otherwise.as_deref();
        }
    }
}

/// What the action is done to, when the event is not about one.
fn lacks(on: &Happening, action: &Action) -> Option<&'static str> {
    let (noun, there) = match action {
        Action::Retry(_)
        | Action::Reassign(_)
        | Action::SetPriority(_)
        | Action::Fail
        | Action::Skip
        | Action::Proceed
        | Action::Continue => ("task", on.is_about_a_task()),
        Action::Isolate => ("agent", on.is_about_an_agent()),
        // with no agent, the work that waits is spread anew
        Action::Redistribute
        | Action::Notify { .. }
        | Action::Escalate { .. }
        | Action::Recover(_)
        | Action::Rollback
        | Action::Start { .. }
        | Action::Halt
        | Action::Enter(_)
        | Action::Leave(_)
        | Action::Record(_)
        | Action::Warn => return None,
    };
    (!there).then_some(noun)
}
