//! A cursor over one statement's arguments, with the sentences for what does not fit.

use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::expr::{Comparison, Value};
use crate::ids::Id;
use crate::model::{Template, TemplatePart};
use crate::schema::{Row, closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Piece, Statement};
use crate::time::{Effort, Moment};
use crate::value::{self, UnitError};

pub(super) struct Args<'a, 's> {
    pub(super) statement: &'a Statement<'s>,
    row: &'static Row,
    args: &'a [Arg<'s>],
}

impl<'a, 's> Args<'a, 's> {
    pub(super) fn new(statement: &'a Statement<'s>, row: &'static Row) -> Args<'a, 's> {
        Args {
            statement,
            row,
            args: &statement.args,
        }
    }

    pub(super) fn peek(&self) -> Option<&'a Arg<'s>> {
        self.args.first()
    }

    pub(super) fn second(&self) -> Option<&'a Arg<'s>> {
        self.args.get(1)
    }

    pub(super) fn next(&mut self) -> Option<&'a Arg<'s>> {
        let (first, rest) = self.args.split_first()?;
        self.args = rest;
        Some(first)
    }

    /// A cursor over an element or a group of this statement.
    pub(super) fn inside(&self, args: &'a [Arg<'s>]) -> Args<'a, 's> {
        Args {
            statement: self.statement,
            row: self.row,
            args,
        }
    }

    pub(super) fn rest(&mut self) -> &'a [Arg<'s>] {
        std::mem::take(&mut self.args)
    }

    /// Steps over `word` when it comes next.
    pub(super) fn eat(&mut self, word: &str) -> Option<Span> {
        let arg = self.peek()?;
        (arg.word() == Some(word)).then(|| {
            self.args = &self.args[1..];
            arg.span
        })
    }

    /// Steps over so many, as far as they are there.
    pub(super) fn skip(&mut self, count: usize) {
        self.args = self.args.get(count..).unwrap_or_default();
    }

    /// `==`, `<=` and the like, when one comes next.
    pub(super) fn comparison(&mut self) -> Option<Comparison> {
        let Some(Arg {
            kind: ArgKind::Op(op),
            ..
        }) = self.peek()
        else {
            return None;
        };
        let (_, found) = Comparison::ALL.iter().find(|(symbol, _)| symbol == op)?;
        self.next();
        Some(*found)
    }

    /// True when these two words come next.
    pub(super) fn follows(&self, first: &str, second: &str) -> bool {
        matches!(self.args, [a, b, ..] if a.word() == Some(first) && b.word() == Some(second))
    }

    /// True when `word` and then a name come next.
    pub(super) fn follows_name(&self, word: &str) -> bool {
        matches!(self.args, [a, b, ..] if a.word() == Some(word)
            && matches!(b.kind, ArgKind::Word(_) | ArgKind::List(_)))
    }

    /// True when a list comes next that begins with such a name.
    pub(super) fn is_list_of(&self, fits: impl Fn(&'s str) -> bool) -> bool {
        let Some(ArgKind::List(elements)) = self.peek().map(|a| &a.kind) else {
            return false;
        };
        let first = elements.first().and_then(|e| e.first());
        first.and_then(Arg::word).is_some_and(fits)
    }

    /// Takes everything up to the first of these words.
    pub(super) fn up_to_word(&mut self, words: &[&str]) -> &'a [Arg<'s>] {
        let is_stop = |arg: &Arg<'s>| arg.word().is_some_and(|w| words.contains(&w));
        let end = self.args.iter().position(is_stop);
        let (taken, rest) = self.args.split_at(end.unwrap_or(self.args.len()));
        self.args = rest;
        taken
    }

    /// One name of that kind.
    pub(super) fn named<I: Id>(
        &mut self,
        lower: &mut Lower<'_, 's>,
        kind: Kind,
        what: &str,
    ) -> Option<Spanned<I>> {
        let Some((name, span)) = self.word() else {
            self.expected(lower, what);
            return None;
        };
        let id = lower.named(kind, name, span)?;
        Some(Spanned::new(id, span))
    }

    /// One name of that kind, or a list of them.
    pub(super) fn all_named<I: Id>(
        &mut self,
        lower: &mut Lower<'_, 's>,
        kind: Kind,
        what: &str,
    ) -> Vec<Spanned<I>> {
        if !matches!(
            self.peek().map(|a| &a.kind),
            Some(ArgKind::Word(_) | ArgKind::List(_))
        ) {
            self.expected(lower, what);
            return Vec::new();
        }
        let word = self.statement.word;
        let mut found = Vec::new();
        for element in self.each() {
            match element {
                [arg] if arg.word().is_some() => {
                    let id = arg
                        .word()
                        .and_then(|name| lower.named(kind, name, arg.span));
                    found.extend(id.map(|id| Spanned::new(id, arg.span)));
                }
                other => lower.not_a_name(other, word),
            }
        }
        found
    }

    pub(super) fn eat_op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Some(Arg { kind: ArgKind::Op(o), .. }) if *o == op);
        if found {
            self.args = &self.args[1..];
        }
        found
    }

    /// Takes `by MOMENT` off the end, when it stands there.
    pub(super) fn by_tail(&mut self) -> Option<&'a Arg<'s>> {
        let [rest @ .., by, moment] = self.args else {
            return None;
        };
        let fits = by.word() == Some("by")
            && matches!(moment.kind, ArgKind::Date(_) | ArgKind::DateTime(_));
        fits.then(|| {
            self.args = rest;
            moment
        })
    }

    /// From `start` to the argument that was taken last.
    pub(super) fn up_to(&self, start: Span) -> Span {
        let taken = self.statement.args.len() - self.args.len();
        let last = taken
            .checked_sub(1)
            .and_then(|i| self.statement.args.get(i));
        last.map_or(start, |a| start.to(a.span))
    }

    /// A word that comes next, whatever it is.
    pub(super) fn word(&mut self) -> Option<(&'s str, Span)> {
        let arg = self.peek()?;
        let word = arg.word()?;
        self.args = &self.args[1..];
        Some((word, arg.span))
    }

    /// E0105: names what was expected and what stands there.
    pub(super) fn expected(&self, lower: &mut Lower<'_, 's>, what: &str) {
        let word = self.statement.word;
        let diagnostic = match self.peek() {
            Some(arg) => {
                let found = shown(lower.sources.text(arg.span));
                Diagnostic::new(
                    "E0105",
                    arg.span,
                    format!("`{word}` expects {what}, found {found}"),
                )
                .label(format!("this is {}", arg.describe()))
            }
            None => Diagnostic::new(
                "E0105",
                self.statement.head_span(),
                format!("`{word}` expects {what}"),
            )
            .label("nothing follows"),
        };
        lower.report(diagnostic.help(format!("as in `{}`", self.row.example)));
    }

    /// E0107 for whatever is left over.
    pub(super) fn end(&self, lower: &mut Lower<'_, 's>) {
        let Some(arg) = self.peek() else { return };
        if arg.is_broken() || lower.just_reported(self.statement.head_span()) {
            return;
        }
        let behind = Span {
            end: arg.span.start,
            ..self.statement.word_span
        };
        let before = lower.sources.text(behind).trim_end().to_string();
        let word = arg.word();
        let clause = word.and_then(|w| {
            let words = self
                .row
                .shape
                .split(|c: char| !c.is_alphabetic())
                .filter(|w| w.len() > 2 && w.chars().all(char::is_lowercase));
            closest(w, words).first().map(|c| (w, c.to_string()))
        });
        let found = shown(lower.sources.text(arg.span));
        match clause {
            Some((w, meant)) if w != meant => lower.report(
                Diagnostic::new(
                    "E0109",
                    arg.span,
                    format!("unknown modifier `{w}` of `{}`", self.statement.word),
                )
                .label("not known here")
                .fix(arg.span, meant.clone(), format!("did you mean `{meant}`?")),
            ),
            _ => {
                let field = word.and_then(crate::schema::rows_of_first);
                let d = match field {
                    Some(field) if field != self.statement.word => {
                        let start = arg.span.start;
                        let file = lower.sources.file(arg.span.file);
                        let (from, line_break) = file.line_break_before(start);
                        let at = Span::new(arg.span.file, from, start as usize);
                        let d = Diagnostic::new(
                            "E0007",
                            arg.span,
                            format!("only one statement per line: move {found} down"),
                        )
                        .label("another statement starts here");
                        match self.statement.block {
                            Some(_) => d.help("put it on a line of its own inside the braces"),
                            None => d.fix(at, line_break, "start a new line here"),
                        }
                    }
                    _ => Diagnostic::new(
                        "E0107",
                        arg.span,
                        format!("unexpected {found} after `{}`", shown_plain(&before)),
                    )
                    .label("nothing belongs here")
                    .help(format!(
                        "the shape is `{}`",
                        format!("{} {}", self.row.word, self.row.shape).trim_end()
                    )),
                };
                lower.report(d);
            }
        }
    }

    // ---- single values ---------------------------------------------------------------------

    /// A quoted text without anything to fill in.
    pub(super) fn text(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<String>> {
        let Some(Arg {
            kind: ArgKind::Text(pieces),
            span,
        }) = self.peek()
        else {
            self.expected(lower, what);
            return None;
        };
        self.args = &self.args[1..];
        lower.plain(pieces, *span)
    }

    /// A quoted text when one comes next.
    pub(super) fn maybe_text(&mut self, lower: &mut Lower<'_, 's>) -> Option<Spanned<String>> {
        match self.peek()?.kind {
            ArgKind::Text(_) => self.text(lower, "a text"),
            _ => None,
        }
    }

    /// A quoted text or a plain word or number, as text.
    pub(super) fn text_or_word(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<String>> {
        match self.peek() {
            Some(Arg {
                kind: ArgKind::Text(_),
                ..
            }) => self.text(lower, what),
            Some(
                arg @ Arg {
                    kind: ArgKind::Word(_) | ArgKind::Number(_) | ArgKind::Date(_),
                    ..
                },
            ) => {
                self.args = &self.args[1..];
                Some(Spanned::new(
                    lower.sources.text(arg.span).to_string(),
                    arg.span,
                ))
            }
            _ => {
                self.expected(lower, what);
                None
            }
        }
    }

    /// A text whose `${…}` are filled in at the start of a run.
    pub(super) fn template(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<Template>> {
        match self.peek() {
            Some(Arg {
                kind: ArgKind::Text(pieces),
                span,
            }) => {
                self.args = &self.args[1..];
                Some(Spanned::new(lower.template(pieces), *span))
            }
            _ => {
                self.expected(lower, what);
                None
            }
        }
    }

    pub(super) fn count(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<Spanned<u32>> {
        let number = match self.peek() {
            Some(Arg {
                kind: ArgKind::Number(text),
                span,
            }) => value::integer(text).map(|n| (n, *span)),
            _ => None,
        };
        let Some((n, span)) = number else {
            self.expected(lower, what);
            return None;
        };
        self.args = &self.args[1..];
        match u32::try_from(n).ok().filter(|n| range.contains(n)) {
            Some(n) => Some(Spanned::new(n, span)),
            None => {
                lower.report(
                    Diagnostic::new(
                        "E0105",
                        span,
                        format!("`{}` expects {what}, found {n}", self.statement.word),
                    )
                    .label("out of range")
                    .help(format!(
                        "write a number from {} to {}",
                        range.start(),
                        range.end()
                    )),
                );
                None
            }
        }
    }

    /// An elapsed duration in ms.
    pub(super) fn duration(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<i64>> {
        let effort = self.effort(lower, what)?;
        match effort.value {
            Effort::Elapsed(ms) => Some(Spanned::new(ms, effort.span)),
            Effort::WorkingDays(_) | Effort::Working(_) => {
                lower.report(
                    Diagnostic::new(
                        "E0501",
                        effort.span,
                        format!("expected {what} on the clock, found working time"),
                    )
                    .label("limits and waits run on the clock")
                    .help("write it as `4h` or `2d`"),
                );
                None
            }
        }
    }

    /// A duration, elapsed or of working time.
    pub(super) fn effort(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<Effort>> {
        let Some(arg) = self.peek() else {
            self.expected(lower, what);
            return None;
        };
        let text = match arg.kind {
            ArgKind::Number(text) => text,
            ArgKind::Word("immediately") => "immediately",
            ArgKind::Percent(_) | ArgKind::Date(_) | ArgKind::DateTime(_) | ArgKind::Time(_) => {
                let found = lower.sources.text(arg.span).to_string();
                lower.report(
                    Diagnostic::new(
                        "E0501",
                        arg.span,
                        format!("expected {what}, found {} `{found}`", arg.describe()),
                    )
                    .label(format!("this is {}", arg.describe()))
                    .help(format!("as in `{}`", self.row.example)),
                );
                return None;
            }
            _ => {
                self.expected(lower, what);
                return None;
            }
        };
        self.args = &self.args[1..];
        match value::effort(text) {
            Ok(effort) => Some(Spanned::new(effort, arg.span)),
            Err(UnitError::Missing) if self.unit_apart(text).is_some() => {
                let (right, unit) = self.unit_apart(text)?;
                let span = arg.span.to(unit);
                lower.report(
                    Diagnostic::new("E0501", span, "a number and its unit stand together")
                        .label("no space in between")
                        .fix(span, right.clone(), format!("write `{right}`")),
                );
                None
            }
            Err(error) => {
                lower.report(unit_error(&error, text, arg.span));
                None
            }
        }
    }

    /// `10 minutes` as `10m`, with the place of the unit.
    fn unit_apart(&self, number: &str) -> Option<(String, Span)> {
        let arg = self.peek()?;
        let text = format!("{number}{}", arg.word()?);
        match value::effort(&text) {
            Ok(_) => Some((text, arg.span)),
            Err(UnitError::Unknown {
                meant: Some(meant), ..
            }) => Some((format!("{number}{meant}"), arg.span)),
            Err(_) => None,
        }
    }

    /// A day or an instant.
    pub(super) fn moment(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
    ) -> Option<Spanned<Moment>> {
        let Some(arg) = self.peek() else {
            self.expected(lower, what);
            return None;
        };
        let (ArgKind::Date(text) | ArgKind::DateTime(text)) = arg.kind else {
            self.expected(lower, what);
            return None;
        };
        let moment = moment_of(arg);
        self.args = &self.args[1..];
        if moment.is_none() {
            lower.report(
                Diagnostic::new("E0504", arg.span, format!("{text} does not exist"))
                    .label("no such day or time")
                    .help("write a day as year-month-day, as in `2025-08-13`"),
            );
        }
        moment.map(|m| Spanned::new(m, arg.span))
    }

    /// One word of a fixed choice.
    pub(super) fn choice<T: Copy>(
        &mut self,
        lower: &mut Lower<'_, 's>,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<Spanned<T>> {
        let list = one_of(choices.iter().map(|(name, _)| *name));
        let Some(arg) = self.peek() else {
            self.expected(lower, &list);
            return None;
        };
        let Some(word) = arg.word() else {
            self.expected(lower, &list);
            return None;
        };
        self.args = &self.args[1..];
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(Spanned::new(*value, arg.span));
        }
        let near = closest(word, choices.iter().map(|(name, _)| *name));
        let d = Diagnostic::new("E0109", arg.span, format!("`{word}` is not {what}"))
            .label("not known here");
        lower.report(match near.first() {
            Some(meant) => d.fix(
                arg.span,
                (*meant).to_string(),
                format!("did you mean `{meant}`? There are {list}"),
            ),
            None => d.help(format!("write {list}")),
        });
        None
    }

    /// The single arguments of a list that comes next, or the one argument in its place.
    pub(super) fn each(&mut self) -> Vec<&'a [Arg<'s>]> {
        match self.peek() {
            Some(Arg {
                kind: ArgKind::List(elements),
                ..
            }) => {
                self.args = &self.args[1..];
                elements.iter().map(Vec::as_slice).collect()
            }
            Some(_) => {
                let (first, rest) = self.args.split_at(1);
                self.args = rest;
                vec![first]
            }
            None => Vec::new(),
        }
    }
}

impl<'s> Lower<'_, 's> {
    /// Text with nothing to fill in; E0511 when there is something.
    pub(super) fn plain(&mut self, pieces: &[Piece<'s>], span: Span) -> Option<Spanned<String>> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(t) => text.push_str(t),
                Piece::Interpolation(path, at) => {
                    if let Some(value) = self.each_of(path, *at) {
                        text.push_str(&value);
                        continue;
                    }
                    // a parameter of a workflow is filled in when its plan is made
                    if self.own_param(path, *at).is_some() {
                        text.push_str(&format!("${{{path}}}"));
                        continue;
                    }
                    self.report(
                        Diagnostic::new(
                            "E0511",
                            *at,
                            format!("`${{{path}}}` is not filled in here"),
                        )
                        .label("only `run` lists, `env` and texts of a workflow take parameters")
                        .help("write `\\$` for a plain dollar sign"),
                    );
                    return None;
                }
            }
        }
        Some(Spanned::new(text, span))
    }

    /// The value of an `each` variable of the task that is being read, somewhere in `span`.
    fn each_of(&mut self, name: &str, span: Span) -> Option<String> {
        let found = self.each.iter().find(|(variable, _)| variable == name);
        let value = found.map(|(_, value)| value.clone())?;
        let mut declared = self.each_places.iter();
        let declared = declared.find(|(variable, _)| *variable == name);
        self.refer(name, span, declared.map(|(_, at)| *at));
        Some(value)
    }

    pub(super) fn template(&mut self, pieces: &[Piece<'s>]) -> Template {
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) if text.is_empty() => {}
                Piece::Text(text) => parts.push(TemplatePart::Text(text.clone())),
                Piece::Interpolation(path, at) => {
                    if let Some(value) = self.each_of(path, *at) {
                        parts.push(TemplatePart::Text(value));
                    } else if let Some(id) = self.param_named(path, *at) {
                        parts.push(TemplatePart::Param(id));
                    }
                }
            }
        }
        Template { parts }
    }

    /// The value that a literal argument stands for.
    pub(super) fn literal(&mut self, arg: &Arg<'s>) -> Option<Value> {
        match &arg.kind {
            ArgKind::Number(text) => match value::integer(text) {
                Some(n) => Some(Value::Int(n)),
                None if value::decimal_milli(text).is_some() => {
                    value::decimal_milli(text).map(Value::Decimal)
                }
                None => match value::effort(text) {
                    Ok(Effort::Elapsed(ms)) => Some(Value::Duration(ms)),
                    Ok(_) => {
                        self.report(
                            Diagnostic::new(
                                "E0501",
                                arg.span,
                                "expected a duration on the clock, found working time",
                            )
                            .label("here")
                            .help("write it as `4h` or `2d`"),
                        );
                        None
                    }
                    Err(error) => {
                        self.report(unit_error(&error, text, arg.span));
                        None
                    }
                },
            },
            ArgKind::Percent(text) => value::percent_milli(text).map(Value::Percent),
            ArgKind::Text(pieces) => self.plain(pieces, arg.span).map(|t| Value::Text(t.value)),
            ArgKind::Word("true") => Some(Value::Bool(true)),
            ArgKind::Word("false") => Some(Value::Bool(false)),
            ArgKind::Date(text) => Some(Value::Text((*text).to_string())),
            _ => None,
        }
    }
}

/// The day or instant that an argument stands for; None when there is none like it.
pub(super) fn moment_of(arg: &Arg<'_>) -> Option<Moment> {
    match arg.kind {
        ArgKind::Date(text) => value::date(text).map(Moment::Day),
        ArgKind::DateTime(text) => value::instant(text),
        _ => None,
    }
}

pub(super) fn unit_error(error: &UnitError, text: &str, span: Span) -> Diagnostic {
    match error {
        UnitError::Missing => Diagnostic::new("E0501", span, format!("expected a duration, found the number {text}"))
            .label("a unit is missing")
            .help(format!("write `{text}m` for minutes, `{text}h` for hours, `{text}d` for days or `{text}wd` for working days")),
        UnitError::Unknown { unit, meant: Some(meant) } => {
            let right = text.replace(unit.as_str(), meant);
            Diagnostic::new("E0502", span, format!("unknown unit `{unit}`")).label("not a unit").fix(span, right.clone(), format!("write `{right}`"))
        }
        UnitError::Unknown { unit, meant: None } => Diagnostic::new("E0502", span, format!("unknown unit `{unit}`"))
            .label("not a unit")
            .help("units are ms, s, m, h, d, w on the clock and wd, wh of working time"),
        UnitError::NotFixed { unit } => Diagnostic::new("E0503", span, format!("a {} has no fixed length", unit.trim_end_matches('s')))
            .label("how long this is depends on the calendar")
            .help("use weeks or days, as in `4w`"),
        UnitError::Order => Diagnostic::new("E0105", span, format!("the units of `{text}` are not in order"))
            .label("largest first, each once")
            .help("as in `1h30m`"),
        UnitError::TooLong => Diagnostic::new("E0908", span, format!("`{text}` is over the limit of ten years")).label("too long").help("write a shorter duration"),
        UnitError::Mixed => Diagnostic::new("E0514", span, format!("`{text}` mixes time on the clock with working time"))
            .label("two calendars in one number")
            .help("write `2d` for 48 hours on the clock or `2wd` for two working days"),
    }
}

/// At most 40 characters of one line, in back-ticks.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", shown_plain(text))
}

fn shown_plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut short: String = line.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
