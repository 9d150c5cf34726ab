//! Conditions: arguments to a typed expression.
//!
//! `or` binds weaker than `and`, which binds weaker than `not` and comparisons; where `and` meets
//! `or` parentheses are asked for, so that nobody has to remember that.

use super::args::Args;
use super::{Lower, args};
use crate::diagnostic::Diagnostic;
use crate::expr::{Comparison, Expr, Subject, Type, Value};
use crate::model::{ParamType, WorkRef};
use crate::schema::{closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};

/// The states that a task's `state` is compared with.
pub const STATES: [&str; 9] = [
    "created",
    "assigned",
    "in-progress",
    "review",
    "completed",
    "failed",
    "skipped",
    "cancelled",
    "in-doubt",
];

/// Most parentheses of a condition inside each other. In the frozen plan each takes three levels of
/// JSON, of which readers take no more than about a hundred.
pub const MAX_CONDITION_DEPTH: usize = 32;

pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Type,
    pub(super) span: Span,
}

pub(super) struct Cursor<'a, 's> {
    args: &'a [Arg<'s>],
    whole: Span,
    depth: usize,
}

impl<'a, 's> Cursor<'a, 's> {
    fn word(&self) -> Option<&'s str> {
        self.args.first().and_then(Arg::word)
    }

    fn op(&self) -> Option<&'s str> {
        match self.args.first()?.kind {
            ArgKind::Op(op) => Some(op),
            _ => None,
        }
    }

    pub(super) fn first(&self) -> Option<&'a Arg<'s>> {
        self.args.first()
    }

    pub(super) fn step(&mut self) -> Option<&'a Arg<'s>> {
        let (first, rest) = self.args.split_first()?;
        self.args = rest;
        Some(first)
    }
}

impl<'s> Lower<'_, 's> {
    /// Everything left of the statement, as a condition.
    pub(super) fn condition(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Expr>> {
        if args.peek().is_none() {
            args.expected(self, "a condition");
            return None;
        }
        let whole = args.statement.head_span();
        self.condition_of(args.rest(), whole)
    }

    /// The arguments up to the first of these words, as a condition.
    pub(super) fn condition_before(
        &mut self,
        args: &mut Args<'_, 's>,
        words: &[&str],
    ) -> Option<Spanned<Expr>> {
        let whole = args.up_to(args.statement.word_span);
        let part = args.up_to_word(words);
        self.condition_of(part, whole)
    }

    fn condition_of(&mut self, args: &[Arg<'s>], whole: Span) -> Option<Spanned<Expr>> {
        let mut cursor = Cursor {
            args,
            whole,
            depth: 0,
        };
        let typed = self.any_of(&mut cursor)?;
        if let Some(left) = cursor.args.first() {
            let found = args::shown(self.sources.text(left.span));
            let d = Diagnostic::new(
                "E0107",
                left.span,
                format!("unexpected {found} after the condition"),
            )
            .label("nothing belongs here");
            self.report(if matches!(left.kind, ArgKind::Op("=")) {
                d.fix(left.span, "==", "write `==` to compare")
            } else {
                d.help("join conditions with `and` or `or`")
            });
            return None;
        }
        self.must_be_condition(&typed)?;
        self.constant(&typed);
        Some(Spanned::new(typed.expr, typed.span))
    }

    fn must_be_condition(&mut self, typed: &Typed) -> Option<()> {
        if matches!(typed.ty, Type::Bool) {
            return Some(());
        }
        self.report(
            Diagnostic::new(
                "E0510",
                typed.span,
                format!("a condition is needed, found {}", typed.ty.name()),
            )
            .label(format!("this is {}", typed.ty.name()))
            .help("compare it, as in `build.outputs.version == \"2\"` or `retries > 3`"),
        );
        None
    }

    /// W0513: a condition without any name in it.
    fn constant(&mut self, typed: &Typed) {
        if typed.expr.has_names() {
            return;
        }
        struct Nothing;
        impl crate::expr::Scope for Nothing {
            fn param(&self, _: crate::ids::ParamId) -> Option<Value> {
                None
            }
            fn output(&self, _: crate::ids::TaskId, _: &str) -> Option<String> {
                None
            }
            fn state(&self, _: crate::ids::TaskId) -> String {
                String::new()
            }
            fn task_name(&self, _: crate::ids::TaskId) -> String {
                String::new()
            }
        }
        let always = match typed.expr.holds(&Nothing) {
            crate::expr::Outcome::True => "true",
            _ => "false",
        };
        self.report(
            Diagnostic::new(
                "W0513",
                typed.span,
                format!("this condition is always {always}"),
            )
            .label("no name in it can change")
            .help("compare with a parameter or with what a task wrote"),
        );
    }

    fn any_of(&mut self, cursor: &mut Cursor<'_, 's>) -> Option<Typed> {
        let first = self.unary(cursor)?;
        let Some(word @ ("and" | "or")) = cursor.word() else {
            return Some(first);
        };
        self.must_be_condition(&first)?;
        let mut span = first.span;
        let mut parts = vec![first.expr];
        while let Some(next) = cursor.word() {
            let at = cursor.step()?.span;
            if next != word {
                if !matches!(next, "and" | "or") {
                    let found = args::shown(next);
                    self.report(
                        Diagnostic::new(
                            "E0107",
                            at,
                            format!("unexpected {found} after the condition"),
                        )
                        .label("nothing belongs here")
                        .help("join conditions with `and` or `or`"),
                    );
                    return None;
                }
                self.report(
                    Diagnostic::new("E0509", at, "put parentheses where `and` meets `or`")
                        .label(format!("`{next}` after `{word}`"))
                        .help("as in `(a and b) or c`"),
                );
                return None;
            }
            let part = self.unary(cursor)?;
            self.must_be_condition(&part)?;
            span = span.to(part.span);
            parts.push(part.expr);
        }
        let expr = if word == "and" {
            Expr::And(parts)
        } else {
            Expr::Or(parts)
        };
        Some(Typed {
            expr,
            ty: Type::Bool,
            span,
        })
    }

    fn unary(&mut self, cursor: &mut Cursor<'_, 's>) -> Option<Typed> {
        // any number of them is at most one, so that no text makes an expression deep
        let mut first = None;
        let mut turned = false;
        while cursor.word() == Some("not") {
            let at = cursor.step()?.span;
            first.get_or_insert(at);
            turned = !turned;
        }
        if let Some(at) = first {
            let inner = self.comparison(cursor)?;
            self.must_be_condition(&inner)?;
            let expr = if turned {
                Expr::Not(Box::new(inner.expr))
            } else {
                inner.expr
            };
            return Some(Typed {
                expr,
                ty: Type::Bool,
                span: at.to(inner.span),
            });
        }
        self.comparison(cursor)
    }

    fn comparison(&mut self, cursor: &mut Cursor<'_, 's>) -> Option<Typed> {
        let left = self.operand(cursor)?;
        let Some((_, op)) = cursor
            .op()
            .and_then(|o| Comparison::ALL.iter().find(|(s, _)| *s == o))
        else {
            return Some(left);
        };
        cursor.step();
        let right = match left.expr {
            Expr::Subject(subject) => self.asked(subject, *op, cursor)?,
            _ => self.operand(cursor)?,
        };
        self.comparable(*op, &left, &right)?;
        let span = left.span.to(right.span);
        Some(Typed {
            expr: Expr::Compare {
                op: *op,
                left: Box::new(left.expr),
                right: Box::new(right.expr),
            },
            ty: Type::Bool,
            span,
        })
    }

    fn comparable(&mut self, op: Comparison, left: &Typed, right: &Typed) -> Option<()> {
        let ordered = matches!(op, Comparison::Equal | Comparison::NotEqual)
            || (left.ty.ordered() && right.ty.ordered());
        if left.ty.comparable(right.ty) && ordered {
            self.state_name(left, right);
            self.state_name(right, left);
            return Some(());
        }
        let d = Diagnostic::new(
            "E0506",
            right.span,
            format!(
                "{} cannot be compared with {} by `{}`",
                left.ty.name(),
                right.ty.name(),
                op.symbol()
            ),
        )
        .label(format!("this is {}", right.ty.name()))
        .related(left.span, format!("this is {}", left.ty.name()));
        self.report(d.help("compare values of one kind"));
        None
    }

    /// A state is compared with one of the state names.
    fn state_name(&mut self, state: &Typed, text: &Typed) {
        let (Type::State, Expr::Literal(Value::Text(name))) = (state.ty, &text.expr) else {
            return;
        };
        if STATES.contains(&name.as_str()) {
            return;
        }
        let near = closest(name, STATES.into_iter());
        let d = Diagnostic::new("E0109", text.span, format!("there is no state `{name}`"))
            .label("not a state");
        self.report(match near.first() {
            Some(meant) => d.fix(
                text.span,
                format!("\"{meant}\""),
                format!("did you mean \"{meant}\"?"),
            ),
            None => d.help(format!("states are {}", one_of(STATES))),
        });
    }

    pub(super) fn operand(&mut self, cursor: &mut Cursor<'_, 's>) -> Option<Typed> {
        let Some(arg) = cursor.step() else {
            self.report(
                Diagnostic::new(
                    "E0510",
                    cursor.whole.after(),
                    "the condition ends too early",
                )
                .label("something is missing here")
                .help("as in `region == \"eu\"`"),
            );
            return None;
        };
        match &arg.kind {
            ArgKind::Group(inner) => {
                let mut nested = Cursor {
                    args: inner,
                    whole: arg.span,
                    depth: cursor.depth + 1,
                };
                if nested.depth > MAX_CONDITION_DEPTH {
                    self.too_deep(arg.span);
                    return None;
                }
                let typed = self.any_of(&mut nested)?;
                if let Some(left) = nested.args.first() {
                    let found = args::shown(self.sources.text(left.span));
                    self.report(
                        Diagnostic::new(
                            "E0107",
                            left.span,
                            format!("unexpected {found} inside these parentheses"),
                        )
                        .label("nothing belongs here")
                        .help("join conditions with `and` or `or`"),
                    );
                    return None;
                }
                Some(Typed {
                    span: arg.span,
                    ..typed
                })
            }
            ArgKind::Word("true" | "false")
            | ArgKind::Number(_)
            | ArgKind::Percent(_)
            | ArgKind::Text(_)
            | ArgKind::Date(_) => {
                let value = self.literal(arg)?;
                Some(Typed {
                    ty: value.ty(),
                    expr: Expr::Literal(value),
                    span: arg.span,
                })
            }
            ArgKind::Word(path) => self.name_in_condition(path, arg.span),
            ArgKind::Broken => None,
            _ => {
                let found = args::shown(self.sources.text(arg.span));
                self.report(
                    Diagnostic::new(
                        "E0510",
                        arg.span,
                        format!("a condition holds names and values, found {found}"),
                    )
                    .label(arg.describe())
                    .help("as in `region == \"eu\"`"),
                );
                None
            }
        }
    }

    fn too_deep(&mut self, at: Span) {
        let depth = MAX_CONDITION_DEPTH + 1;
        self.report(
            Diagnostic::new(
                "E0011",
                at,
                format!("parentheses are {depth} levels deep here; the limit of a condition is {MAX_CONDITION_DEPTH}"),
            )
            .label("these are one too many")
            .help("leave out those that change nothing, or let a task decide and ask for its output"),
        );
    }

    fn name_in_condition(&mut self, path: &'s str, span: Span) -> Option<Typed> {
        let path = self.bare(path);
        let Some((head, field)) = path.split_once('.') else {
            return self.param_in_condition(path, span);
        };
        if head == "param" {
            return self.param_in_condition(field, span);
        }
        if let Some(on) = self.about.clone()
            && Subject::ALL
                .iter()
                .any(|(n, _)| n.split('.').next() == Some(head))
        {
            return self.subject(path, &on, span);
        }
        let work = self.work_named(head, span)?;
        let WorkRef::Task(task) = work else {
            let at = self.model.work_span(work);
            self.report(
                Diagnostic::new(
                    "E0203",
                    span,
                    format!("`{head}` is no task: only tasks have a state and outputs"),
                )
                .label("a task is needed here")
                .related(at, "declared here")
                .help("name a task"),
            );
            return None;
        };
        match field.split_once('.') {
            None if field == "state" => Some(Typed {
                expr: Expr::State(task),
                ty: Type::State,
                span,
            }),
            Some(("outputs" | "output", name)) if !name.contains('.') => Some(Typed {
                expr: Expr::Output {
                    task,
                    name: name.to_string(),
                },
                ty: Type::Output,
                span,
            }),
            _ => {
                let right = closest(
                    field.split('.').next().unwrap_or(""),
                    ["state", "outputs"].into_iter(),
                );
                let d = Diagnostic::new("E0508", span, format!("a task has no `{field}`"))
                    .label("not known here");
                let way = format!("write `{head}.state` or `{head}.outputs.NAME`");
                self.report(match right.first() {
                    Some(meant) if *meant == "state" => d.fix(
                        span,
                        format!("{head}.state"),
                        format!("did you mean `{head}.state`?"),
                    ),
                    _ => d.help(way),
                });
                None
            }
        }
    }

    fn param_in_condition(&mut self, name: &'s str, span: Span) -> Option<Typed> {
        if let Some(id) = self.param_in_scope(name) {
            self.use_of(super::Kind::Param, id);
            self.refer(name, span, Some(self.model.params[id].name.span));
            let ty = match self.model.params[id].ty {
                ParamType::Text | ParamType::Date | ParamType::Url | ParamType::Path => Type::Text,
                ParamType::Int => Type::Int,
                ParamType::Percent => Type::Percent,
                ParamType::Duration => Type::Duration,
                ParamType::Bool => Type::Bool,
            };
            return Some(Typed {
                expr: Expr::Param(id),
                ty,
                span,
            });
        }
        let params = self.guesses(&self.names.params);
        let near = closest(name, params.into_iter().flatten());
        let d = Diagnostic::new("E0201", span, format!("no parameter named `{name}`"))
            .label("not declared");
        self.report(match near.first() {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean `{meant}`?"),
            ),
            None if self.names.work.contains_key(name) => d.help(format!(
                "write `{name}.state` or `{name}.outputs.NAME` for the task"
            )),
            None => d.help(format!(
                "declare it with `param {name}: text`, or put a text in quotes"
            )),
        });
        None
    }
}
