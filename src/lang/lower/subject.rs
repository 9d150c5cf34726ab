//! Conditions of reactions: what they may ask of what is reacted to.

use super::condition::{Cursor, Typed};
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::expr::{Comparison, Expr, Subject, Value};
use crate::model::{Criticality, Happening, Priority, WorkRef};
use crate::schema::{closest, one_of};
use crate::source::Span;
use crate::syntax::tree::ArgKind;

impl<'s> Lower<'_, 's> {
    /// `task.priority` and the like.
    pub(super) fn subject(&mut self, path: &str, on: &Happening, span: Span) -> Option<Typed> {
        let Some((_, subject)) = Subject::ALL.iter().find(|(name, _)| *name == path) else {
            let names = || Subject::ALL.iter().map(|(name, _)| *name);
            let d = Diagnostic::new("E0508", span, format!("there is no `{path}` to ask for"))
                .label("not known here");
            self.report(match closest(path, names()).first() {
                Some(meant) => d.fix(
                    span,
                    (*meant).to_string(),
                    format!("did you mean `{meant}`?"),
                ),
                None => d.help(format!("a reaction may ask for {}", one_of(names()))),
            });
            return None;
        };
        if !speaks_of(on, *subject) {
            let noun = path.split('.').next().unwrap_or(path);
            self.report(
                Diagnostic::new("E0508", span, format!("`{}` is about no {noun}", on.word()))
                    .label("nothing to ask here")
                    .help("ask for what the event is about, or react to another event"),
            );
            return None;
        }
        Some(Typed {
            expr: Expr::Subject(*subject),
            ty: subject.ty(),
            span,
        })
    }

    /// What a subject is compared with: a name or a word of its kind, with or without quotes.
    pub(super) fn asked(
        &mut self,
        subject: Subject,
        op: Comparison,
        cursor: &mut Cursor<'_, 's>,
    ) -> Option<Typed> {
        let first = cursor.first();
        let word = first.and_then(|a| match &a.kind {
            ArgKind::Word(word) if !word.contains('.') => Some((*word, a.span)),
            _ => None,
        });
        let right = match word {
            Some((word, span)) if subject != Subject::AgentsFailed => {
                cursor.step();
                let value = Value::Text(word.to_string());
                Typed {
                    ty: value.ty(),
                    expr: Expr::Literal(value),
                    span,
                }
            }
            _ => self.operand(cursor)?,
        };
        let ordering = !matches!(op, Comparison::Equal | Comparison::NotEqual);
        if ordering && !subject.is_ordered() {
            self.report(
                Diagnostic::new(
                    "E0506",
                    right.span,
                    format!("`{}` has no order", subject.name()),
                )
                .label(format!("`{}` means nothing here", op.symbol()))
                .help("compare it with `==` or `!=`"),
            );
            return None;
        }
        if let Expr::Literal(Value::Text(text)) = &right.expr
            && subject != Subject::AgentsFailed
        {
            self.known_to(subject, &text.clone(), right.span)?;
        }
        Some(right)
    }

    /// E0201 for a name that nothing of the subject's kind has.
    fn known_to(&mut self, subject: Subject, text: &str, span: Span) -> Option<()> {
        let known = self.values_of(subject);
        if known.iter().any(|name| name == text) {
            return Some(());
        }
        let d = Diagnostic::new(
            "E0201",
            span,
            format!("`{}` is never `{text}`", subject.name()),
        )
        .label("there is none of this name");
        let names = || known.iter().map(String::as_str);
        self.report(match closest(text, names()).first() {
            Some(meant) => d.fix(
                span,
                format!("\"{meant}\""),
                format!("did you mean \"{meant}\"?"),
            ),
            None if known.is_empty() => d.help("the project declares none"),
            None if known.len() <= 6 => d.help(format!("it may be {}", one_of(names()))),
            None => d.help("name something that the project declares"),
        });
        None
    }

    fn values_of(&self, subject: Subject) -> Vec<String> {
        let model = &self.model;
        let mut known: Vec<String> = match subject {
            Subject::TaskPriority | Subject::IncidentLevel => Priority::ALL
                .iter()
                .map(|(n, _)| (*n).to_string())
                .collect(),
            Subject::TaskCriticality => Criticality::ALL
                .iter()
                .map(|(n, _)| (*n).to_string())
                .collect(),
            Subject::TaskName => model.tasks.values().map(|t| t.name.value.clone()).collect(),
            Subject::TaskAgent | Subject::AgentName => model
                .agents
                .values()
                .map(|a| a.name.value.clone())
                .collect(),
            Subject::TaskPhase => {
                let work = self.names.work.iter();
                work.filter(|(_, w)| matches!(w, WorkRef::Phase(_)))
                    .map(|(name, _)| (*name).to_string())
                    .collect()
            }
            Subject::GateName => model.gates.values().map(|g| g.name.value.clone()).collect(),
            Subject::ConflictKind => {
                let declared = self.names.named.keys();
                let found = ["ownership", "resource", "priority"];
                declared
                    .filter(|(kind, _)| *kind == Kind::Conflict)
                    .map(|(_, name)| (*name).to_string())
                    .chain(found.map(str::to_string))
                    .collect()
            }
            Subject::IncidentName => {
                let incidents = model.incidents.values();
                incidents.map(|i| i.name.value.clone()).collect()
            }
            Subject::AgentsFailed => Vec::new(),
        };
        known.sort_unstable();
        known.dedup();
        known
    }
}

fn speaks_of(on: &Happening, subject: Subject) -> bool {
    match subject {
        Subject::TaskName
        | Subject::TaskPriority
        | Subject::TaskCriticality
        | Subject::TaskAgent
        | Subject::TaskPhase => on.is_about_a_task(),
        Subject::AgentName => on.is_about_an_agent(),
        Subject::GateName => matches!(on, Happening::GateFailed(_)),
        Subject::ConflictKind => matches!(on, Happening::ConflictOpen(_)),
        Subject::IncidentName | Subject::IncidentLevel => {
            matches!(on, Happening::IncidentOpen(_))
        }
        Subject::AgentsFailed => true,
    }
}
