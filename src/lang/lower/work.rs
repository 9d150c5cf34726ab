//! Phases, syncs and milestones.

use super::args::Args;
use super::declare::Declared;
use super::{Field, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{MilestoneId, PhaseId, SyncId};
use crate::model::{After, Weeks};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};
use crate::time::Moment;

impl<'s> Lower<'_, 's> {
    pub(super) fn phases(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = crate::schema::find(Place::File, "phase") else {
            return;
        };
        for (id, statement) in &declared.phases {
            let mut args = Args::new(statement, row);
            args.next();
            self.workflow = self.model.phases[*id].workflow;
            self.model.phases[*id].title = args.maybe_text(self).map(|t| t.value);
            self.workflow = None;
            args.end(self);
            // what a phase's block may hold was judged when its work was declared
            for inner in statement.block.iter().flat_map(|b| b.statements()) {
                if let Some(row) = crate::schema::find(Place::Phase, inner.word)
                    && !inner.is_broken()
                {
                    self.phase_field(
                        *id,
                        &Field {
                            row,
                            statement: inner,
                        },
                    );
                }
            }
        }
        self.syncs(declared);
    }

    fn phase_field(&mut self, id: PhaseId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "after" => {
                let after = self.after(&mut args);
                self.model.phases[id].after =
                    after.map(|a| Spanned::new(a, field.statement.head_span()));
            }
            "weeks" => {
                let weeks = self.weeks(&mut args);
                self.model.phases[id].weeks = weeks;
            }
            "window" => {
                let window = self.window(&mut args);
                self.model.phases[id].window = window;
            }
            _ => return,
        }
        args.end(self);
    }

    /// `FIRST..LAST`.
    fn window(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<(Moment, Moment)>> {
        let first = args.moment(self, "the first day")?;
        if !args.eat_op("..") {
            args.expected(self, "`..` and the last day");
            return None;
        }
        let last = args.moment(self, "the last day")?;
        let span = first.span.to(last.span);
        if last.value.date() < first.value.date() {
            let text = |s: Span| self.sources.text(s).to_string();
            let right = format!("{}..{}", text(last.span), text(first.span));
            self.report(
                Diagnostic::new("E0505", span, "this range is backwards")
                    .label("the last day comes before the first")
                    .fix(span, right.clone(), format!("write `window {right}`")),
            );
            return None;
        }
        Some(Spanned::new((first.value, last.value), span))
    }

    fn after(&mut self, args: &mut Args<'_, 's>) -> Option<After> {
        if args.eat("start").is_some() {
            if args.eat("of").is_none() {
                return Some(After::Start);
            }
            let Some((name, span)) = args.word() else {
                args.expected(self, "a phase");
                return None;
            };
            return self.phase_named(name, span).map(After::StartOf);
        }
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
        {
            args.expected(self, "a phase, or `start`");
            return None;
        }
        let mut phases = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => phases.push(self.phase_named(name, *span)?),
                other => self.not_a_name(other, "after"),
            }
        }
        Some(After::Phases(phases))
    }

    fn weeks(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Weeks>> {
        let first = args.count(self, "the number of a week, from 1", 1..=1000)?;
        if !args.eat_op("..") {
            let weeks = Weeks {
                first: first.value,
                last: Some(first.value),
            };
            return Some(Spanned::new(weeks, first.span));
        }
        if args.peek().is_none() {
            return Some(Spanned::new(
                Weeks {
                    first: first.value,
                    last: None,
                },
                first.span,
            ));
        }
        let last = args.count(self, "the number of a week", 1..=1000)?;
        let span = first.span.to(last.span);
        if last.value < first.value {
            self.report(
                Diagnostic::new("E0505", span, "this range is backwards")
                    .label(format!(
                        "week {} comes before week {}",
                        last.value, first.value
                    ))
                    .fix(
                        span,
                        format!("{}..{}", last.value, first.value),
                        format!("write `weeks {}..{}`", last.value, first.value),
                    ),
            );
            return None;
        }
        Some(Spanned::new(
            Weeks {
                first: first.value,
                last: Some(last.value),
            },
            span,
        ))
    }

    fn syncs(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = crate::schema::find(Place::Phase, "sync") else {
            return;
        };
        for (id, statement) in &declared.syncs {
            let mut args = Args::new(statement, row);
            args.next();
            self.workflow = self.model.syncs[*id].workflow;
            self.model.syncs[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            for field in self.fields(Place::Sync, statement) {
                self.sync_field(*id, &field);
            }
            self.workflow = None;
        }
    }

    fn sync_field(&mut self, id: SyncId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "at" => {
                args.choice(self, "a time", &[("end", ())]);
            }
            "participants" => {
                let agents = self
                    .agents_of(&mut args, "who takes part")
                    .unwrap_or_default();
                self.model.syncs[id].participants.extend(agents);
            }
            "require" => {
                let requirement = self.requirement(&mut args);
                self.model.syncs[id].requires.extend(requirement);
            }
            "gate" => {
                let gates = self.gates(&mut args);
                self.model.syncs[id].gates.extend(gates);
            }
            "agenda" => {
                let line = args.text(self, "a text in quotes");
                self.model.syncs[id].agenda.extend(line.map(|t| t.value));
            }
            "within" => {
                let limit = self.limit_value(&mut args, field.statement.word_span);
                self.model.syncs[id].within = limit;
            }
            _ => {}
        }
        args.end(self);
    }

    pub(super) fn milestones(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = crate::schema::find(Place::File, "milestone") else {
            return;
        };
        for (id, statement) in &declared.milestones {
            let mut args = Args::new(statement, row);
            args.next();
            self.workflow = self.model.milestones[*id].workflow;
            self.model.milestones[*id].title = args.maybe_text(self).map(|t| t.value);
            self.workflow = None;
            args.end(self);
            for field in self.fields(Place::Milestone, statement) {
                self.milestone_field(*id, &field);
            }
        }
    }

    fn milestone_field(&mut self, id: MilestoneId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "needs" => {
                let before = self.out.len();
                if let Some((needs, artifacts)) = self.need(&mut args, None) {
                    let fit = self.count_edges(needs.len(), args.statement.word_span);
                    for artifact in artifacts {
                        self.report(
                            Diagnostic::new(
                                "E0105",
                                artifact.span,
                                "a milestone needs work, found an artifact",
                            )
                            .label("name the task that makes it")
                            .help("as in `needs build`"),
                        );
                    }
                    if fit {
                        self.model.milestones[id].needs.extend(needs);
                    }
                }
                if self.out[before..].iter().any(Diagnostic::is_error) {
                    self.facts.incomplete_graph = true;
                }
            }
            "due" => {
                let due = self.due(&mut args);
                self.model.milestones[id].due = due;
            }
            _ => {}
        }
        args.end(self);
    }
}
