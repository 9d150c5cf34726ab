//! What comes again and again, and the times of day and zones that it names.

use super::Lower;
use super::args::{Args, shown};
use crate::diagnostic::Diagnostic;
use crate::model::{Every, Period, TimeOfDay};
use crate::schema::one_of;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS};
use crate::value;

const PERIODS: &str = "a period such as `4h`, `day`, `week` or `month`, or a weekday";

impl<'s> Lower<'_, 's> {
    /// What follows the word `every`: `4h`, `day at 09:00 UTC`, `[monday, friday]`.
    pub(super) fn every(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Every>> {
        let first = args.peek().map(|a| a.span);
        let period = self.period(args)?;
        let mut span = first?;
        let at = match args.eat("at") {
            Some(word) => {
                let at = self.time_of_day(args)?;
                span = span.to(at.span);
                self.fits_a_day(&period, word)?;
                Some(at.value)
            }
            None => None,
        };
        Some(Spanned::new(Every { period, at }, span))
    }

    fn period(&mut self, args: &mut Args<'_, 's>) -> Option<Period> {
        let arg = args.peek();
        match arg.map(|a| &a.kind) {
            Some(ArgKind::Number(_)) => {
                let ms = args.duration(self, "a period")?;
                if ms.value == 0 {
                    self.no_period(ms.span);
                    return None;
                }
                Some(Period::Elapsed(ms.value))
            }
            Some(ArgKind::Word(word)) => match named_period(word) {
                Some(period) => {
                    args.next();
                    Some(period)
                }
                None if *word == "working" => {
                    args.next();
                    if args.eat("day").is_none() {
                        args.expected(self, "`day` after `working`");
                        return None;
                    }
                    Some(Period::WorkingDay)
                }
                None => {
                    self.unknown_period(args);
                    None
                }
            },
            Some(ArgKind::List(_)) => self.weekdays(args).map(Period::Weekdays),
            _ => {
                args.expected(self, PERIODS);
                None
            }
        }
    }

    /// One weekday or a list of them, in order; 1 is Monday.
    pub(super) fn weekdays(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<u8>> {
        if args.peek().is_none() {
            args.expected(self, "weekdays");
            return None;
        }
        let word = args.statement.word;
        let mut days = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => match value::weekday(name) {
                    Some(day) => days.push(day),
                    None => self.no_weekday(name, *span),
                },
                [first, ..] if !first.is_broken() => {
                    let found = shown(self.sources.text(first.span));
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            first.span,
                            format!("`{word}` expects a weekday here, found {found}"),
                        )
                        .label("not a weekday")
                        .help("as in `[monday, friday]`"),
                    );
                }
                _ => {}
            }
        }
        days.sort_unstable();
        days.dedup();
        (!days.is_empty()).then_some(days)
    }

    fn no_weekday(&mut self, name: &str, span: Span) {
        let d = Diagnostic::new("E0109", span, format!("`{name}` is not a weekday"))
            .label("not known here");
        let short = value::WEEKDAYS
            .iter()
            .find(|day| name.len() >= 2 && day.starts_with(&name.to_lowercase()));
        let near = crate::schema::closest(name, value::WEEKDAYS.into_iter());
        self.report(match short.or(near.first()) {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean `{meant}`?"),
            ),
            None => d.help(format!("write {}", one_of(value::WEEKDAYS))),
        });
    }

    fn no_period(&mut self, span: Span) {
        self.report(
            Diagnostic::new(
                "E0105",
                span,
                "`every` expects a period, found no time at all",
            )
            .label("this would never stop")
            .help("as in `every 4h` or `every day at 09:00 UTC`"),
        );
    }

    fn unknown_period(&mut self, args: &Args<'_, 's>) {
        let Some(arg) = args.peek() else { return };
        let word = arg.word().unwrap_or_default();
        let meant = match word.to_lowercase().as_str() {
            "daily" => "day",
            "weekly" => "week",
            "monthly" => "month",
            "hourly" => "1h",
            "weekdays" | "workday" | "workdays" => "weekday",
            _ => return args.expected(self, PERIODS),
        };
        self.report(
            Diagnostic::new(
                "E0105",
                arg.span,
                format!("`every` expects a period or weekday, found `{word}`"),
            )
            .label("not a period")
            .fix(arg.span, meant, format!("write `every {meant}`")),
        );
    }

    /// `at` names an hour of a day: nothing shorter has one.
    fn fits_a_day(&mut self, period: &Period, at: Span) -> Option<()> {
        match period {
            Period::Elapsed(ms) if ms % DAY_MS != 0 => {
                self.report(
                    Diagnostic::new("E0105", at, "a period of hours has no time of day")
                        .label("`at` goes with days, weeks and months")
                        .help("write `every day at 09:00 UTC`, or leave `at` out"),
                );
                None
            }
            _ => Some(()),
        }
    }

    /// `09:00 [ZONE]`.
    pub(super) fn time_of_day(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<TimeOfDay>> {
        let time = self.clock(args)?;
        let zone = match args.peek().map(|a| &a.kind) {
            Some(ArgKind::Word(_) | ArgKind::Text(_)) => Some(self.zone(args)?),
            _ => {
                self.zoneless.push(time.span);
                None
            }
        };
        let span = zone.as_ref().map_or(time.span, |z| time.span.to(z.span));
        let at = TimeOfDay {
            second: time.value,
            zone: zone.map(|z| z.value),
        };
        Some(Spanned::new(at, span))
    }

    /// Seconds of the day.
    pub(super) fn clock(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<u32>> {
        let Some(Arg {
            kind: ArgKind::Time(text),
            span,
        }) = args.peek()
        else {
            args.expected(self, "a time such as `09:00`");
            return None;
        };
        args.next();
        let Some(second) = value::time_of_day(text) else {
            self.report(
                Diagnostic::new("E0504", *span, format!("{text} does not exist"))
                    .label("no such time of day")
                    .help("hours go from 00 to 23, minutes from 00 to 59"),
            );
            return None;
        };
        Some(Spanned::new(second, *span))
    }

    /// `UTC`, `Europe/Berlin` or either in quotes.
    pub(super) fn zone(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<String>> {
        match args.peek() {
            Some(Arg {
                kind: ArgKind::Text(_),
                ..
            }) => return args.text(self, "a time zone"),
            Some(Arg {
                kind: ArgKind::Word(_),
                ..
            }) => {}
            _ => {
                args.expected(self, "a time zone");
                return None;
            }
        }
        let mut span = args.next()?.span;
        // `America/New_York`, `Etc/GMT+2`: words and numbers between operators, without a gap
        while let Some(arg) = args.peek()
            && arg.span.start == span.end
            && matches!(
                arg.kind,
                ArgKind::Op("/" | "+" | "-") | ArgKind::Word(_) | ArgKind::Number(_)
            )
        {
            span = span.to(arg.span);
            args.next();
        }
        Some(Spanned::new(self.sources.text(span).to_string(), span))
    }

    /// E0515: a time of day without a zone, in a project without one.
    pub(super) fn times_without_zone(&mut self) {
        let zoneless = std::mem::take(&mut self.zoneless);
        if self.model.project.timezone.is_some() {
            return;
        }
        for span in zoneless {
            let time = self.sources.text(span).to_string();
            self.report(
                Diagnostic::new("E0515", span, format!("{time} has no time zone here"))
                    .label("the project names no zone either")
                    .fix(
                        span,
                        format!("{time} UTC"),
                        format!("write `{time} UTC`, or `timezone` in the project"),
                    ),
            );
        }
    }
}

fn named_period(word: &str) -> Option<Period> {
    Some(match word {
        "minute" => Period::Elapsed(MINUTE_MS),
        "hour" => Period::Elapsed(HOUR_MS),
        "day" => Period::Day,
        "weekday" => Period::WorkingDay,
        "week" => Period::Elapsed(WEEK_MS),
        "month" => Period::Month,
        _ => Period::Weekdays(vec![value::weekday(word)?]),
    })
}
