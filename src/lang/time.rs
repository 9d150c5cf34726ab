//! Durations, dates and estimates as they are written.
//!
//! Units carry the calendar: `2d` is 48 elapsed hours, `2wd` is two working days of the calendar
//! in force. Nothing here knows a calendar or a time zone: a plan lays these on one.

use std::fmt;

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
pub const WEEK_MS: i64 = 7 * DAY_MS;
/// The longest duration that the language takes: ten years.
pub const MAX_DURATION_MS: i64 = 3_653 * DAY_MS;

/// A civil date that exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    pub year: i16,
    pub month: i8,
    pub day: i8,
}

impl Date {
    /// None when there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Date> {
        let exists = (1..=9998).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month);
        exists.then_some(Date { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn days_in_month(year: i16, month: i8) -> i8 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A point in time as written: a day, or an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A day in the project's time zone. As a start it is its first working instant, as a
    /// deadline its end.
    Day(Date),
    /// Seconds of the day and minutes east of UTC; without an offset, the project's time zone.
    Instant {
        date: Date,
        second: u32,
        offset_minutes: Option<i32>,
    },
}

impl Moment {
    pub fn date(self) -> Date {
        match self {
            Moment::Day(date) | Moment::Instant { date, .. } => date,
        }
    }
}

/// An amount of time that work takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effort {
    /// Milliseconds on the clock.
    Elapsed(i64),
    /// Thousandths of a working day.
    WorkingDays(i64),
    /// Milliseconds of working time.
    Working(i64),
}

impl Effort {
    pub const ZERO: Effort = Effort::Elapsed(0);

    /// True when the calendar decides how long this is.
    pub fn is_working(self) -> bool {
        !matches!(self, Effort::Elapsed(_))
    }

    /// The bare number, in the unit's own measure.
    pub fn amount(self) -> i64 {
        match self {
            Effort::Elapsed(n) | Effort::WorkingDays(n) | Effort::Working(n) => n,
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effort::Elapsed(ms) => f.write_str(&format_ms(*ms)),
            Effort::WorkingDays(milli) if milli % 1000 == 0 => write!(f, "{}wd", milli / 1000),
            Effort::WorkingDays(milli) => write!(f, "{}wd", *milli as f64 / 1000.0),
            Effort::Working(ms) if ms % HOUR_MS == 0 => write!(f, "{}wh", ms / HOUR_MS),
            Effort::Working(ms) => write!(f, "{}wh", *ms as f64 / HOUR_MS as f64),
        }
    }
}

/// `takes 4wd..5wd` or `takes 2d..3d..6d`; a single value three times for `takes 2d`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Estimate {
    pub low: Effort,
    pub likely: Effort,
    pub high: Effort,
}

/// `90000` as `1m30s`: the largest units first, exact.
pub fn format_ms(ms: i64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    let mut rest = ms.unsigned_abs();
    if ms < 0 {
        out.push('-');
    }
    for (unit, name) in [
        (DAY_MS, "d"),
        (HOUR_MS, "h"),
        (MINUTE_MS, "m"),
        (SECOND_MS, "s"),
        (1, "ms"),
    ] {
        let n = rest / unit as u64;
        rest %= unit as u64;
        if n > 0 {
            out.push_str(&n.to_string());
            out.push_str(name);
        }
    }
    out
}
