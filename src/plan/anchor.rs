//! Dates of a project as milliseconds from its origin.
//!
//! The origin is the first instant of the day the project starts, in its time zone. Weeks count
//! from there: week 1 is the first seven days.

use coord_lang::model::{Due, Project};
use coord_lang::time::{Date, MINUTE_MS, Moment, SECOND_MS};
use jiff::civil;
use jiff::tz::TimeZone;

/// Where a project stands in time.
#[derive(Clone, Debug)]
pub struct Anchor {
    pub zone: TimeZone,
    /// None when the project does not say when it starts.
    pub origin_ms: Option<i64>,
    start: Option<civil::Date>,
}

impl Anchor {
    /// The zone falls back to UTC when it is unknown; `check` reports that.
    pub fn of(project: &Project) -> Anchor {
        let zone = project
            .timezone
            .as_ref()
            .and_then(|z| zone(&z.value))
            .unwrap_or(TimeZone::UTC);
        let start = project.starts.as_ref().and_then(|s| civil(s.date()));
        let origin_ms = project
            .starts
            .as_ref()
            .and_then(|s| instant_ms(s.value, &zone, false));
        Anchor {
            zone,
            origin_ms,
            start,
        }
    }

    /// Ms from the origin to a deadline: the end of its day, or its instant.
    pub fn deadline(&self, moment: Moment) -> Option<i64> {
        Some(instant_ms(moment, &self.zone, true)? - self.origin_ms?)
    }

    /// Ms from the origin to the first instant of a day, or to an instant.
    pub fn opening(&self, moment: Moment) -> Option<i64> {
        Some(instant_ms(moment, &self.zone, false)? - self.origin_ms?)
    }

    /// Ms from the origin to the first instant of week `week`, from 1.
    pub fn week_start(&self, week: u32) -> Option<i64> {
        self.day_start(i64::from(week - 1) * 7)
    }

    /// Ms from the origin to the end of week `week`, from 1.
    pub fn week_end(&self, week: u32) -> Option<i64> {
        self.day_start(i64::from(week) * 7)
    }

    /// Ms from the origin to the end of what `due` names.
    pub fn due(&self, due: Due) -> Option<i64> {
        match due {
            Due::Moment(moment) => self.deadline(moment),
            Due::Week(week) => self.week_end(week),
            Due::Weekday(day) => {
                let first = self.start?.weekday().to_monday_one_offset();
                let ahead = (i64::from(day) - i64::from(first)).rem_euclid(7);
                self.day_start(ahead + 1)
            }
        }
    }

    fn day_start(&self, days: i64) -> Option<i64> {
        let start = self.start?;
        let origin = self.origin_ms?;
        let day = start
            .checked_add(jiff::Span::new().try_days(days).ok()?)
            .ok()?;
        Some(midnight_ms(day, &self.zone)? - origin)
    }

    /// The weekday of a date, 1 for Monday.
    pub fn weekday(date: Date) -> Option<i8> {
        civil(date).map(|d| d.weekday().to_monday_one_offset())
    }
}

/// The known name that is written most like `name`.
pub fn zone_like(name: &str) -> Option<String> {
    let place = name.rsplit('/').next().unwrap_or(name);
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|n| n.as_str().to_string())
        .collect();
    let near = |wanted: &str, of: &dyn Fn(&str) -> bool| {
        let names = known.iter().map(String::as_str).filter(|n| of(n));
        coord_lang::schema::closest(wanted, names)
            .first()
            .map(|n| (*n).to_string())
    };
    let by_place = known.iter().find(|n| {
        n.rsplit('/')
            .next()
            .is_some_and(|p| p.eq_ignore_ascii_case(place))
    });
    by_place
        .cloned()
        .or_else(|| near(name, &|n| n.contains('/') == name.contains('/')))
}

/// A time zone by its IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn civil(date: Date) -> Option<civil::Date> {
    civil::Date::new(date.year, date.month, date.day).ok()
}

fn midnight_ms(day: civil::Date, zone: &TimeZone) -> Option<i64> {
    day.to_zoned(zone.clone())
        .ok()
        .map(|z| z.timestamp().as_millisecond())
}

fn instant_ms(moment: Moment, zone: &TimeZone, end: bool) -> Option<i64> {
    match moment {
        Moment::Day(date) => {
            let day = civil(date)?;
            midnight_ms(if end { day.tomorrow().ok()? } else { day }, zone)
        }
        Moment::Instant {
            date,
            second,
            offset_minutes,
        } => {
            let second_ms = i64::from(second) * SECOND_MS;
            match offset_minutes {
                Some(offset) => {
                    let utc = midnight_ms(civil(date)?, &TimeZone::UTC)?;
                    Some(utc + second_ms - i64::from(offset) * MINUTE_MS)
                }
                None => {
                    let time = civil::Time::new(
                        (second / 3600) as i8,
                        (second / 60 % 60) as i8,
                        (second % 60) as i8,
                        0,
                    )
                    .ok()?;
                    civil(date)?
                        .to_datetime(time)
                        .to_zoned(zone.clone())
                        .ok()
                        .map(|z| z.timestamp().as_millisecond())
                }
            }
        }
    }
}
