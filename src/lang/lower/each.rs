//! `each x in [a, b]`: a task that is written once and stands for many.

use super::args::Args;
use super::declare::{Declared, Home};
use super::{Lower, args};
use crate::diagnostic::Diagnostic;
use crate::model::{Task, Work, WorkRef};
use crate::schema::{self, Place};
use crate::source::Spanned;
use crate::syntax::tree::{Arg, ArgKind, Statement, statements};

/// The values of the variables of one written-out task.
type Values = Vec<(String, String)>;

impl<'s> Lower<'_, 's> {
    pub(super) fn declare_task<'a>(
        &mut self,
        name: &Spanned<String>,
        statement: &'a Statement<'s>,
        home: Home,
        into: &mut Declared<'a, 's>,
    ) -> Option<Work> {
        let task = Task {
            name: name.clone(),
            doc: self.doc(statement),
            phase: home.phase,
            workflow: home.workflow,
            ..Task::default()
        };
        let combinations = self.combinations(statement);
        let count = combinations.as_ref().map_or(1, Vec::len);
        if into.past_limit.is_some() || into.tasks.len() + count > self.limits.tasks {
            // counted, and not written out: there may be a thousand of each
            into.past_limit.get_or_insert(statement.head_span());
            into.unwritten += count;
            return None;
        }
        let Some(combinations) = combinations else {
            let id = self.model.tasks.push(task);
            self.name_work(name, WorkRef::Task(id));
            into.tasks.push((id, statement));
            return Some(Work::Task(id));
        };
        let mut written = Vec::new();
        for values in combinations {
            let mut full = name.value.clone();
            for (_, value) in &values {
                full.push('-');
                full.push_str(&as_name(value));
            }
            let mut one = task.clone();
            one.name = Spanned::new(full.clone(), name.span);
            one.each = values;
            let id = self.model.tasks.push(one);
            self.name_written(full, name, id);
            into.tasks.push((id, statement));
            written.push(id);
        }
        let key = self.sources.text(name.span);
        let taken = self.names.work.get(key).map(|w| self.model.work_span(*w));
        if let Some(first) = taken.or_else(|| self.names.each.get(key).map(|(_, s)| *s)) {
            self.twice(name, first);
        }
        let all = written.iter().map(|id| Work::Task(*id)).collect();
        self.names.each.insert(key, (written, name.span));
        Some(Work::Parallel(all, statement.word_span))
    }

    fn name_written(&mut self, full: String, name: &Spanned<String>, id: crate::ids::TaskId) {
        let first = self
            .names
            .work
            .get(full.as_str())
            .map(|w| self.model.work_span(*w))
            .or_else(|| self.names.written.get(&full).map(|_| name.span));
        if let Some(first) = first {
            let again = Spanned::new(full.clone(), name.span);
            self.twice(&again, first);
        }
        self.names.written.insert(full, id);
    }

    /// Every combination of the values of its `each` lines; None when it has none.
    fn combinations(&mut self, statement: &Statement<'s>) -> Option<Vec<Values>> {
        let row = schema::find(Place::Task, "each")?;
        let block = statement.block.as_ref()?;
        let mut combinations: Option<Vec<Values>> = None;
        for line in statements(&block.items).filter(|s| s.word == "each" && !s.is_broken()) {
            let mut args = Args::new(line, row);
            let Some((name, values)) = self.each_line(&mut args) else {
                continue;
            };
            args.end(self);
            let before = combinations.unwrap_or_else(|| vec![Vec::new()]);
            let count = before.len().saturating_mul(values.len());
            if count > self.limits.each {
                self.too_many(line, count);
                return Some(before);
            }
            combinations = Some(
                before
                    .iter()
                    .flat_map(|so_far| {
                        let name = name.clone();
                        values.iter().map(move |value| {
                            let mut next = so_far.clone();
                            next.push((name.clone(), value.clone()));
                            next
                        })
                    })
                    .collect(),
            );
        }
        combinations
    }

    fn each_line(&mut self, args: &mut Args<'_, 's>) -> Option<(String, Vec<String>)> {
        let Some((name, _)) = args.word() else {
            args.expected(self, "a variable, as in `each region in [eu, us]`");
            return None;
        };
        if args.eat("in").is_none() {
            args.expected(self, "`in` and a list");
            return None;
        }
        let values = match args.peek() {
            Some(Arg {
                kind: ArgKind::List(elements),
                ..
            }) => {
                args.next();
                elements.iter().filter_map(|e| self.each_value(e)).collect()
            }
            Some(Arg {
                kind: ArgKind::Number(_),
                ..
            }) => self.each_range(args)?,
            Some(arg) => {
                let found = args::shown(self.sources.text(arg.span));
                self.report(
                    Diagnostic::new(
                        "E0708",
                        arg.span,
                        format!("`each` over {found}, whose values are not known here"),
                    )
                    .label("no list and no range")
                    .help("write the values out, as in `each region in [eu, us]`"),
                );
                return None;
            }
            None => {
                args.expected(self, "a list");
                return None;
            }
        };
        if values.is_empty() {
            self.report(
                Diagnostic::new(
                    "E0708",
                    args.statement.head_span(),
                    "`each` over an empty list: this task would not exist",
                )
                .label("no values")
                .help("write at least one value, or delete the task"),
            );
            return None;
        }
        Some((name.to_string(), values))
    }

    fn each_value(&mut self, element: &[Arg<'s>]) -> Option<String> {
        match element {
            [Arg { kind, span }] => match kind {
                ArgKind::Text(pieces) => self.plain(pieces, *span).map(|t| t.value),
                ArgKind::Word(text) | ArgKind::Number(text) | ArgKind::Date(text) => {
                    Some((*text).to_string())
                }
                _ => {
                    self.not_a_name(element, "each");
                    None
                }
            },
            _ => {
                self.not_a_name(element, "each");
                None
            }
        }
    }

    /// `1..5`, both ends included; E0708 when it is open.
    fn each_range(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<String>> {
        let first = args.count(self, "a number", 0..=1_000_000)?;
        if !args.eat_op("..") {
            args.expected(self, "`..` and the last number");
            return None;
        }
        if args.peek().is_none() {
            self.report(
                Diagnostic::new(
                    "E0708",
                    args.statement.head_span(),
                    "`each` over an unbounded set",
                )
                .label("no end")
                .help(format!("write the last value too: `{}..9`", first.value)),
            );
            return None;
        }
        let last = args.count(self, "a number", 0..=1_000_000)?;
        if last.value < first.value {
            self.report(
                Diagnostic::new(
                    "E0505",
                    first.span.to(last.span),
                    format!("this range is backwards: {}..{}", first.value, last.value),
                )
                .label("ends before it begins")
                .fix(
                    first.span.to(last.span),
                    format!("{}..{}", last.value, first.value),
                    "turn it round",
                ),
            );
            return None;
        }
        let count = (last.value - first.value) as usize + 1;
        if count > self.limits.each {
            self.too_many(args.statement, count);
            return None;
        }
        Some((first.value..=last.value).map(|n| n.to_string()).collect())
    }

    fn too_many(&mut self, line: &Statement<'s>, count: usize) {
        let limit = self.limits.each;
        self.report(
            Diagnostic::new(
                "E0908",
                line.head_span(),
                format!("this makes {count} tasks of one; the limit `each` is {limit}"),
            )
            .label("too many combinations")
            .help(format!(
                "raise it with `--limit each={count}`, or split the task"
            )),
        );
    }
}

/// A value as a part of a name: letters, digits, `-` and `_`.
fn as_name(value: &str) -> String {
    let name: String = value
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    name.trim_matches('-').to_string()
}
