//! The `project` statement and parameters.

use super::args::Args;
use super::declare::Declared;
use super::{Field, Lower};
use crate::diagnostic::Diagnostic;
use crate::model::{Allow, OnFailure, ParamType};
use crate::schema::Place;
use crate::source::Spanned;
use crate::syntax::tree::{ArgKind, Statement};
use crate::value;

impl<'s> Lower<'_, 's> {
    pub(super) fn project(&mut self, declared: &Declared<'_, 's>) {
        if let Some(first) = declared.projects.first() {
            self.project_block(first);
        }
        // A second one in the same file is E0104; this is the one of another file.
        for second in declared.projects.iter().skip(1) {
            let first = declared.projects[0];
            self.report(
                Diagnostic::new("E0202", second.head_span(), "the project is defined twice")
                    .label("defined again")
                    .related(first.head_span(), "first defined here")
                    .help("keep one `project` statement; other files belong to it by themselves"),
            );
        }
        for (id, statement) in &declared.params {
            let parsed = self.param(statement);
            if let Some((ty, default)) = parsed {
                self.model.params[*id].ty = ty;
                self.model.params[*id].default = default;
            }
        }
    }

    fn project_block(&mut self, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "project") else {
            return;
        };
        let mut args = Args::new(statement, row);
        self.model.project.name = self.declared_name(&mut args);
        self.model.project.title = args.maybe_text(self).map(|t| t.value);
        args.end(self);
        self.model.project.doc = self.doc(statement);
        for field in self.fields(Place::Project, statement) {
            self.project_field(&field);
        }
    }

    fn project_field(&mut self, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "timezone" => self.model.project.timezone = self.zone(&mut args),
            "starts" => self.model.project.starts = args.moment(self, "a day"),
            "version" => {
                self.model.project.version = args.text_or_word(self, "a version").map(|t| t.value)
            }
            "owner" => {
                self.model.project.owner = args
                    .text_or_word(self, "who answers for it")
                    .map(|t| t.value)
            }
            "review" => {
                if args.eat("every").is_none() {
                    args.expected(self, "`every` and a period");
                    return;
                }
                self.model.project.review = self.every(&mut args);
            }
            "context" => {
                let folder = args.text(self, "a folder in quotes");
                if let Some(folder) = &folder {
                    self.path_stays_inside(folder);
                }
                self.model.project.context = folder;
            }
            "meta" => {
                if let Some(pair) = self.meta(&mut args) {
                    self.model.project.meta.push(pair);
                }
            }
            "parallel" => {
                self.model.project.parallel = args.count(self, "a number of tasks", 1..=100_000)
            }
            "budget" => {
                let given = self.model.project.budgets.clone();
                let budget = self.budget(&given, &mut args);
                self.model.project.budgets.extend(budget);
            }
            "on" => {
                if args.eat("failure").is_none() {
                    args.expected(self, "`failure`");
                    return;
                }
                let choices = [("continue", OnFailure::Continue), ("stop", OnFailure::Stop)];
                if let Some(choice) = args.choice(self, "an outcome", &choices) {
                    self.model.project.on_failure = choice.value;
                }
            }
            "allow" => self.allow(&mut args),
            _ => {}
        }
        args.end(self);
    }

    pub(super) fn meta(&mut self, args: &mut Args<'_, 's>) -> Option<(String, String)> {
        let Some((key, _)) = args.word() else {
            args.expected(self, "a key and a value");
            return None;
        };
        let value = args.text_or_word(self, "a value")?;
        Some((key.to_string(), value.value))
    }

    fn allow(&mut self, args: &mut Args<'_, 's>) {
        let Some((code, span)) = args.word() else {
            args.expected(self, "the code of a warning, as in `W0603`");
            return;
        };
        let known = code.len() == 5
            && code.starts_with('W')
            && code[1..].bytes().all(|b| b.is_ascii_digit());
        if !known {
            self.report(
                Diagnostic::new(
                    "E0105",
                    span,
                    format!("`allow` expects the code of a warning, found `{code}`"),
                )
                .label("only warnings can be allowed")
                .help("as in `allow W0603 because \"…\"`"),
            );
            return;
        }
        if args.eat("because").is_none() {
            args.expected(self, "`because` and the reason why it is fine here");
            return;
        }
        let Some(because) = args.text(self, "the reason in quotes") else {
            return;
        };
        if because.value.trim().is_empty() {
            self.report(
                Diagnostic::new(
                    "E0105",
                    because.span,
                    "`allow` expects a reason, found an empty text",
                )
                .label("empty")
                .help("say why it is fine here"),
            );
            return;
        }
        self.model.project.allows.push(Allow {
            code: Spanned::new(code.to_string(), span),
            because: because.value,
        });
    }

    /// `NAME: TYPE [default VALUE]`, with the name read already.
    fn param(&mut self, statement: &Statement<'s>) -> Option<(ParamType, Option<Spanned<String>>)> {
        let row = crate::schema::find(Place::File, "param")?;
        let mut args = Args::new(statement, row);
        args.next();
        if !args.eat_op(":") {
            args.expected(self, "`:` and a type");
            return None;
        }
        let ty = args.choice(self, "a type", &ParamType::ALL)?.value;
        let mut default = None;
        if args.eat("default").is_some() {
            let arg = args.peek();
            let value = match arg.map(|a| &a.kind) {
                Some(ArgKind::Percent(text)) => {
                    args.next();
                    arg.map(|a| Spanned::new((*text).to_string(), a.span))
                }
                _ => args.text_or_word(self, "a value"),
            }?;
            self.check_param(ty, &value);
            default = Some(value);
        }
        args.end(self);
        Some((ty, default))
    }

    fn check_param(&mut self, ty: ParamType, value: &Spanned<String>) {
        if let Err(why) = param_value(ty, &value.value) {
            self.report(
                Diagnostic::new(
                    "E0501",
                    value.span,
                    format!("expected {why}, found `{}`", value.value),
                )
                .label(format!("the parameter is of type {}", ty.name()))
                .help("write a value of that type"),
            );
        }
    }
}

/// Reads a parameter's value as its type; the error names what was expected.
pub fn param_value(ty: ParamType, text: &str) -> Result<crate::expr::Value, &'static str> {
    use crate::expr::Value;
    let plain = || Ok(Value::Text(text.to_string()));
    match ty {
        ParamType::Text => plain(),
        ParamType::Int => text
            .strip_prefix('-')
            .map_or_else(|| value::integer(text), |t| value::integer(t).map(|n| -n))
            .map(Value::Int)
            .ok_or("a whole number"),
        ParamType::Percent => value::percent_milli(text)
            .map(Value::Percent)
            .ok_or("a percent such as 80%"),
        ParamType::Duration => value::duration_ms(text)
            .map(Value::Duration)
            .ok_or("a duration such as 30m"),
        ParamType::Date => value::date(text)
            .map(|d| Value::Text(d.to_string()))
            .ok_or("a date such as 2025-08-13"),
        ParamType::Url if text.contains("://") && !text.contains(char::is_whitespace) => plain(),
        ParamType::Url => Err("a URL such as https://example.org"),
        ParamType::Path if !text.is_empty() && !text.contains('\0') => plain(),
        ParamType::Path => Err("a path"),
        ParamType::Bool => text
            .parse::<bool>()
            .map(Value::Bool)
            .map_err(|_| "true or false"),
    }
}
