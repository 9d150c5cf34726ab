//! When something that recurs comes next.

use crate::calendar::Hours;
use crate::rules::{Every, Period};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How many days are looked through for one that fits; holidays do not last longer.
const DAYS: i32 = 4 * 366;

/// The first time after `now_ms` (both in ms since 1970 UTC) at which `every` is due; None when
/// there is none within four years, or the time is out of all bounds.
///
/// A period on the clock counts from `now_ms`. Days are those of the zone that `every` names,
/// else of the calendar's, else of UTC; without a time of day they begin at midnight. A time that
/// a change of the clock leaves out is the one right after.
pub fn next_after(every: &Every, hours: &Hours, now_ms: i64) -> Option<i64> {
    if let Period::Elapsed(ms) = every.period {
        return Some(now_ms.saturating_add(ms.max(1)));
    }
    let (second, named) = match &every.at {
        Some((second, zone)) => (*second, Some(zone.as_str())),
        None => (0, None),
    };
    let name = named.or(hours.timezone.as_deref()).unwrap_or("UTC");
    let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let today = now.to_zoned(zone.clone()).date();
    let time = time_of_day(second)?;
    (0..DAYS)
        .filter_map(|ahead| today.checked_add(ahead.days()).ok())
        .filter(|day| fits(&every.period, hours, *day))
        .filter_map(|day| day.to_datetime(time).to_zoned(zone.clone()).ok())
        .map(|at| at.timestamp().as_millisecond())
        .find(|at| *at > now_ms)
}

fn time_of_day(second: u32) -> Option<Time> {
    let (hour, minute) = (second / 3600, second / 60 % 60);
    Time::new(hour as i8, minute as i8, (second % 60) as i8, 0).ok()
}

fn fits(period: &Period, hours: &Hours, day: Date) -> bool {
    let weekday = day.weekday().to_monday_zero_offset() as usize;
    match period {
        Period::Elapsed(_) | Period::Day => true,
        Period::WorkingDay => {
            let number = day_number(day);
            let free = hours
                .holidays
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number));
            hours.weekdays[weekday] && !free
        }
        Period::Weekdays(days) => days.contains(&(weekday as u8 + 1)),
        Period::Month => day.day() == 1,
    }
}

/// Days since 1970-01-01.
fn day_number(day: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    epoch
        .until(day)
        .map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(period: Period, at: Option<(u32, &str)>, from: &str) -> String {
        let every = Every {
            period,
            at: at.map(|(second, zone)| (second, zone.to_string())),
        };
        let from: Timestamp = from.parse().expect("an instant");
        let next = next_after(&every, &Hours::default(), from.as_millisecond());
        let next = next.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        next.map_or("never".to_string(), |at| at.to_string())
    }

    const NINE: u32 = 9 * 3600;

    #[test]
    fn days_weekdays_months_and_periods() {
        let cases = [
            (
                Period::Elapsed(90_000),
                None,
                "2025-08-11T00:00:30Z",
                "2025-08-11T00:02:00Z",
            ),
            (
                Period::Day,
                Some((NINE, "UTC")),
                "2025-08-11T08:59:59Z",
                "2025-08-11T09:00:00Z",
            ),
            (
                Period::Day,
                Some((NINE, "UTC")),
                "2025-08-11T09:00:00Z",
                "2025-08-12T09:00:00Z",
            ),
            (
                Period::Day,
                None,
                "2025-08-11T09:00:00Z",
                "2025-08-12T00:00:00Z",
            ),
            // a Friday: the next working day is Monday
            (
                Period::WorkingDay,
                Some((NINE, "UTC")),
                "2025-08-15T10:00:00Z",
                "2025-08-18T09:00:00Z",
            ),
            (
                Period::Weekdays(vec![3]),
                Some((NINE, "UTC")),
                "2025-08-15T10:00:00Z",
                "2025-08-20T09:00:00Z",
            ),
            (
                Period::Month,
                Some((NINE, "UTC")),
                "2025-12-02T00:00:00Z",
                "2026-01-01T09:00:00Z",
            ),
            (
                Period::Weekdays(vec![]),
                None,
                "2025-08-15T10:00:00Z",
                "never",
            ),
        ];
        for (period, at, from, expected) in cases {
            assert_eq!(
                next(period.clone(), at, from),
                expected,
                "{period:?} from {from}"
            );
        }
    }

    #[test]
    fn the_wall_clock_rules_across_a_change_of_the_clock() {
        let berlin = Some((NINE, "Europe/Berlin"));
        let cases = [
            ("2025-03-29T07:59:00Z", "2025-03-29T08:00:00Z"),
            ("2025-03-29T08:00:00Z", "2025-03-30T07:00:00Z"),
            ("2025-10-25T07:00:00Z", "2025-10-26T08:00:00Z"),
        ];
        for (from, expected) in cases {
            assert_eq!(next(Period::Day, berlin, from), expected, "from {from}");
        }
        let gap = Some((2 * 3600 + 1800, "Europe/Berlin"));
        assert_eq!(
            next(Period::Day, gap, "2025-03-29T12:00:00Z"),
            "2025-03-30T01:30:00Z"
        );
    }
}
