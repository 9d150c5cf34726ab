//! Calendars, tiers and secrets: what agents refer to.

use super::args::Args;
use super::declare::Declared;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{CalendarId, SecretId, TierId};
use crate::model::{Holiday, SecretSource};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};
use crate::value;

/// Monday to Friday.
const WORKING: [bool; 7] = [true, true, true, true, true, false, false];
/// 09:00 to 17:00, in seconds of the day.
const HOURS: (u32, u32) = (9 * 3600, 17 * 3600);
const DAY: u32 = 24 * 3600;

impl<'s> Lower<'_, 's> {
    pub(super) fn calendars(&mut self, declared: &Declared<'_, 's>) {
        for (kind, index, statement) in &declared.others {
            match kind {
                Kind::Calendar => self.calendar(CalendarId(*index), statement),
                Kind::Tier => self.tier(TierId(*index), statement),
                Kind::Secret => self.secret(SecretId(*index), statement),
                _ => {}
            }
        }
    }

    /// `NAME "T" rank N`.
    fn tier(&mut self, id: TierId, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "tier") else {
            return;
        };
        let mut args = Args::new(statement, row);
        args.next();
        self.model.tiers[id].title = args.maybe_text(self).map(|t| t.value);
        if args.eat("rank").is_none() {
            args.expected(self, "`rank` and a number");
            return;
        }
        if let Some(rank) = args.count(self, "a rank", 0..=1_000_000) {
            self.model.tiers[id].rank = rank.value;
        }
        args.end(self);
    }

    /// `NAME "T" [from env NAME | from file "PATH"]`.
    fn secret(&mut self, id: SecretId, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "secret") else {
            return;
        };
        let mut args = Args::new(statement, row);
        args.next();
        self.model.secrets[id].title = args.maybe_text(self).map(|t| t.value);
        if args.eat("from").is_some()
            && let Some(from) = self.secret_source(&mut args)
        {
            self.model.secrets[id].from = from;
        }
        args.end(self);
    }

    fn secret_source(&mut self, args: &mut Args<'_, 's>) -> Option<SecretSource> {
        if args.eat("env").is_some() {
            let (name, _) = self.env_name(args)?;
            return Some(SecretSource::Env(name));
        }
        if args.eat("file").is_none() {
            args.expected(self, "`env NAME` or `file \"PATH\"`");
            return None;
        }
        // secrets are kept outside of projects: any path will do
        let path = args.text(self, "a path in quotes")?;
        if path.value.trim().is_empty() {
            self.report(
                Diagnostic::new("E0905", path.span, "this path is empty")
                    .label("no file is named")
                    .help("as in `from file \"/run/secrets/token\"`"),
            );
            return None;
        }
        Some(SecretSource::File(path.value))
    }

    fn calendar(&mut self, id: CalendarId, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "calendar") else {
            return;
        };
        let mut args = Args::new(statement, row);
        args.next();
        self.model.calendars[id].title = args.maybe_text(self).map(|t| t.value);
        args.end(self);
        self.model.calendars[id].working = WORKING;
        self.model.calendars[id].hours = vec![HOURS];
        for field in self.fields(Place::Calendar, statement) {
            let mut args = field.args();
            match field.row.word {
                "working" => {
                    if let Some(days) = self.weekdays(&mut args) {
                        let working = &mut self.model.calendars[id].working;
                        *working = [false; 7];
                        for day in days {
                            working[usize::from(day) - 1] = true;
                        }
                    }
                }
                "hours" => {
                    if let Some(hours) = self.hours(&mut args) {
                        self.model.calendars[id].hours = hours;
                    }
                }
                "holiday" => {
                    let holiday = self.holiday(&mut args);
                    self.model.calendars[id].holidays.extend(holiday);
                }
                "timezone" => {
                    let zone = self.zone(&mut args);
                    self.model.calendars[id].timezone = zone;
                }
                _ => {}
            }
            args.end(self);
        }
    }

    /// `FROM..TO` or a list of them: in order, and apart.
    fn hours(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<(u32, u32)>> {
        let mut found: Vec<Spanned<(u32, u32)>> = Vec::new();
        if matches!(args.peek().map(|a| &a.kind), Some(ArgKind::List(_))) {
            for element in args.each() {
                let mut inner = args.inside(element);
                found.extend(self.stretch(&mut inner));
                inner.end(self);
            }
        } else {
            found.extend(self.stretch(args));
        }
        found.sort_by_key(|f| f.value);
        for pair in found.windows(2) {
            if pair[1].value.0 < pair[0].value.1 {
                self.overlap(pair[0].span, pair[1].span);
                return None;
            }
        }
        (!found.is_empty()).then(|| found.into_iter().map(|f| f.value).collect())
    }

    fn overlap(&mut self, first: Span, second: Span) {
        let (earlier, later) = if first.start < second.start {
            (first, second)
        } else {
            (second, first)
        };
        let (a, b) = (self.sources.text(earlier), self.sources.text(later));
        let d = Diagnostic::new("E0505", later, format!("the hours {a} and {b} overlap"))
            .label("counted twice")
            .related(earlier, "the other stretch")
            .help("write stretches that are apart, as in `[09:00..12:30, 13:30..17:00]`");
        self.report(d);
    }

    /// `09:00..17:00`, on whole minutes of one day; `24:00` ends a day.
    fn stretch(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<(u32, u32)>> {
        let from = self.minute(args)?;
        if !args.eat_op("..") {
            args.expected(self, "`..` and the time when work ends");
            return None;
        }
        let to = self.minute(args)?;
        let span = from.span.to(to.span);
        if from.value >= to.value {
            self.report(
                Diagnostic::new("E0505", span, "this range is backwards")
                    .label("ends before it starts")
                    .help("a night is two stretches, as in `[00:00..06:00, 22:00..24:00]`"),
            );
            return None;
        }
        Some(Spanned::new((from.value, to.value), span))
    }

    fn minute(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<u32>> {
        if let Some(Arg {
            kind: ArgKind::Time("24:00"),
            span,
        }) = args.peek()
        {
            args.next();
            return Some(Spanned::new(DAY, *span));
        }
        let time = self.clock(args)?;
        if time.value % 60 != 0 {
            self.report(
                Diagnostic::new(
                    "E0504",
                    time.span,
                    "working hours start and end on a minute",
                )
                .label("has seconds")
                .help("write hours and minutes, as in `09:00`"),
            );
            return None;
        }
        Some(time)
    }

    /// `DATE ["Title"]`, `FIRST..LAST ["Title"]`.
    fn holiday(&mut self, args: &mut Args<'_, 's>) -> Option<Holiday> {
        let first = self.date(args)?;
        let last = match args.eat_op("..") {
            true => self.date(args)?,
            false => first.clone(),
        };
        let span = first.span.to(last.span);
        if last.value < first.value {
            self.report(
                Diagnostic::new("E0505", span, "this range is backwards")
                    .label("ends before it starts")
                    .help("write the first day first"),
            );
            return None;
        }
        Some(Holiday {
            first: first.value,
            last: last.value,
            title: args.maybe_text(self).map(|t| t.value),
            span,
        })
    }

    fn date(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<crate::time::Date>> {
        let Some(Arg {
            kind: ArgKind::Date(text),
            span,
        }) = args.peek()
        else {
            args.expected(self, "a day such as `2025-12-25`");
            return None;
        };
        args.next();
        let date = value::date(text);
        if date.is_none() {
            self.report(
                Diagnostic::new("E0504", *span, format!("{text} does not exist"))
                    .label("no such day")
                    .help("write a day as year-month-day, as in `2025-08-13`"),
            );
        }
        date.map(|d| Spanned::new(d, *span))
    }
}
