//! Working time: when there is work, and how long an amount of it takes on the clock.
//!
//! A [`Calendar`] owns the working hours of one kind of agent as a sorted table of shifts, in ms
//! from the plan's origin. It does not know tasks, agents or plans. Hours are civil hours of a
//! time zone: a day of 09:00 to 17:00 stays that on both sides of a change of clocks. jiff knows
//! the zones; an unknown name counts as UTC.
//!
//! The table holds 40 years. Before and after it plain weeks repeat, without holidays and changes
//! of clocks, so that every question has an answer, at the price of a binary search.
//!
//! An amount of work is turned into a point on a second axis, the working time that has gone by
//! ([`Calendar::worked`]), which stands still during pauses. Its two inverses are all there is:
//! work *ends* at the earliest instant that has it done, and *starts* at the latest instant
//! before more is done.

use coord_lang::time::{DAY_MS, Date, MINUTE_MS, WEEK_MS};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

const TABLE_WEEKS: i64 = 40 * 53;
/// Real weeks before the origin's own, for looking back.
const WEEKS_BEFORE: i64 = 8;
/// The day number (days since 1970) of Monday 2026-01-05: where a plan without a start is laid.
const ANY_MONDAY: i64 = 20_458;
/// Instants further out are cut to this, far past the language's limits.
const FAR_MS: i64 = i64::MAX / 8;

/// Which hours are worked: the civil side of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    pub weekdays: [bool; 7],
    /// Minutes of the day, from and to, inside one day, in order; a night shift is two of them.
    pub ranges: Vec<(u32, u32)>,
    pub holidays: BTreeSet<Date>,
}

impl Default for Hours {
    /// Monday to Friday, 09:00 to 17:00.
    fn default() -> Hours {
        Hours {
            weekdays: [true, true, true, true, true, false, false],
            ranges: vec![(9 * 60, 17 * 60)],
            holidays: BTreeSet::new(),
        }
    }
}

impl Hours {
    /// The working time of one day: what `1wd` is.
    pub fn day_ms(&self) -> i64 {
        self.ranges
            .iter()
            .map(|&(from, to)| i64::from(to.saturating_sub(from)) * MINUTE_MS)
            .sum()
    }

    fn on_weekday(&self, day: i64) -> bool {
        self.weekdays[(day + 3).rem_euclid(7) as usize]
    }

    fn on(&self, day: i64) -> bool {
        self.on_weekday(day) && !self.is_holiday(day)
    }

    fn is_holiday(&self, day: i64) -> bool {
        if self.holidays.is_empty() {
            return false;
        }
        let date = civil_date(day);
        Date::new(date.year(), date.month(), date.day())
            .is_some_and(|date| self.holidays.contains(&date))
    }
}

/// A stretch of work without a pause, in ms from the origin.
#[derive(Clone, Copy, Debug)]
struct Shift {
    start: i64,
    end: i64,
    /// Working time of all shifts before this one.
    before: i64,
}

/// Working hours laid out in time, counted from a plan's origin.
#[derive(Clone, Debug)]
pub struct Calendar {
    day_ms: i64,
    shifts: Vec<Shift>,
    /// Working time of a plain week; 0 when nothing is ever worked: then all time counts.
    week_ms: i64,
    /// Starts of the first and the last week of the table, the ones that repeat outwards.
    first: i64,
    last: i64,
    total: i64,
}

impl Calendar {
    /// The default working hours. Without an origin, time counts from 09:00 of a Monday in UTC,
    /// so that `2wd` means something and no change of clocks is in the way.
    pub fn standard(timezone: &str, origin_ms: Option<i64>) -> Calendar {
        Calendar::new(&Hours::default(), timezone, origin_ms)
    }

    /// `hours` laid out from `origin_ms` (ms since 1970 UTC). Without an origin, time counts from
    /// the first working instant of a week in UTC.
    pub fn new(hours: &Hours, timezone: &str, origin_ms: Option<i64>) -> Calendar {
        match origin_ms {
            Some(origin) => {
                let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
                Layout::new(hours, zone, origin).lay()
            }
            None => {
                let origin = first_instant(hours);
                Layout::new(hours, TimeZone::UTC, origin).lay()
            }
        }
    }

    /// The working time of one whole day.
    pub fn day_ms(&self) -> i64 {
        self.day_ms
    }

    /// When work of `work_ms` that starts at `start` is done. Nothing to do ends at once, also
    /// during a pause.
    pub fn add_working(&self, start: i64, work_ms: i64) -> i64 {
        if work_ms <= 0 {
            return start;
        }
        self.end_of(self.worked(start).saturating_add(work_ms))
    }

    /// The latest start from which work of `work_ms` is done by `finish`.
    pub fn sub_working(&self, finish: i64, work_ms: i64) -> i64 {
        if work_ms <= 0 {
            return finish;
        }
        self.start_of(self.worked(finish).saturating_sub(work_ms))
    }

    /// `t` itself when there is work at it, else the next instant when there is.
    pub fn next_working(&self, t: i64) -> i64 {
        self.start_of(self.worked(t))
    }

    /// The working time between two instants; negative when they are the other way round.
    pub fn working_between(&self, from: i64, to: i64) -> i64 {
        self.worked(to) - self.worked(from)
    }

    /// The working time that has gone by at `t`, from a fixed instant: the working axis.
    pub fn worked(&self, t: i64) -> i64 {
        if self.week_ms == 0 {
            return t;
        }
        let t = t.clamp(-FAR_MS, FAR_MS);
        let weeks = self.weeks_outside(t);
        let t = t - weeks * WEEK_MS;
        let after = self.shifts.partition_point(|shift| shift.start <= t);
        let inside = match after.checked_sub(1) {
            Some(at) => {
                let shift = self.shifts[at];
                shift.before + t.min(shift.end) - shift.start
            }
            None => 0,
        };
        inside + weeks * self.week_ms
    }

    /// The earliest instant that has `worked` behind it: where work ends.
    pub fn end_of(&self, worked: i64) -> i64 {
        if self.week_ms == 0 {
            return worked;
        }
        let weeks = match worked {
            w if w <= 0 => (w - 1).div_euclid(self.week_ms),
            w if w > self.total => (w - self.total - 1) / self.week_ms + 1,
            _ => 0,
        };
        let worked = worked - weeks * self.week_ms;
        let at = self
            .shifts
            .partition_point(|shift| shift.before < worked)
            .saturating_sub(1);
        let shift = self.shifts[at];
        shift.start + worked - shift.before + weeks * WEEK_MS
    }

    /// The latest instant that has no more than `worked` behind it: where work starts.
    pub fn start_of(&self, worked: i64) -> i64 {
        if self.week_ms == 0 {
            return worked;
        }
        let weeks = match worked {
            w if w < 0 => w.div_euclid(self.week_ms),
            w if w >= self.total => (w - self.total) / self.week_ms + 1,
            _ => 0,
        };
        let worked = worked - weeks * self.week_ms;
        let at = self
            .shifts
            .partition_point(|shift| shift.before <= worked)
            .saturating_sub(1);
        let shift = self.shifts[at];
        shift.start + worked - shift.before + weeks * WEEK_MS
    }

    /// By how many weeks `t` has to be moved to be in the table.
    fn weeks_outside(&self, t: i64) -> i64 {
        if t < self.first {
            (t - self.first).div_euclid(WEEK_MS)
        } else if t >= self.last + WEEK_MS {
            (t - self.last) / WEEK_MS
        } else {
            0
        }
    }
}

/// The first working instant of the week that undated plans are laid on, as if in UTC.
fn first_instant(hours: &Hours) -> i64 {
    let day = (ANY_MONDAY..ANY_MONDAY + 7).find(|&day| hours.on_weekday(day));
    let minute = hours.ranges.first().map_or(0, |&(from, _)| i64::from(from));
    day.unwrap_or(ANY_MONDAY) * DAY_MS + minute * MINUTE_MS
}

fn civil_date(day: i64) -> civil::Date {
    at(day * DAY_MS).to_zoned(TimeZone::UTC).date()
}

/// A timestamp, cut to what jiff can tell.
fn at(epoch_ms: i64) -> Timestamp {
    let earliest = Timestamp::MIN.as_millisecond();
    let latest = Timestamp::MAX.as_millisecond();
    Timestamp::from_millisecond(epoch_ms.clamp(earliest, latest)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Writes the table of shifts, week by week.
struct Layout<'h> {
    hours: &'h Hours,
    zone: TimeZone,
    origin: i64,
    /// The change of clocks that comes next, in ms since 1970.
    change: i64,
    shifts: Vec<Shift>,
    total: i64,
}

impl<'h> Layout<'h> {
    fn new(hours: &'h Hours, zone: TimeZone, origin: i64) -> Layout<'h> {
        Layout {
            hours,
            zone,
            origin,
            change: i64::MIN,
            shifts: Vec::new(),
            total: 0,
        }
    }

    fn lay(mut self) -> Calendar {
        let monday = self.monday_of_origin() - 7 * WEEKS_BEFORE;
        let first = self.plain_week(monday);
        let week_ms = self.total;
        for week in 1..TABLE_WEEKS {
            self.real_week(monday + 7 * week);
        }
        let last = self.plain_week(monday + 7 * TABLE_WEEKS);
        Calendar {
            day_ms: self.hours.day_ms(),
            shifts: self.shifts,
            week_ms,
            first,
            last,
            total: self.total,
        }
    }

    fn monday_of_origin(&self) -> i64 {
        let local = self.origin + self.offset_at(self.origin);
        let day = local.div_euclid(DAY_MS);
        day - (day + 3).rem_euclid(7)
    }

    /// A week that ignores holidays and changes of clocks; says when it starts.
    fn plain_week(&mut self, monday: i64) -> i64 {
        let offset = self.offset_at(monday * DAY_MS);
        for day in monday..monday + 7 {
            if self.hours.on_weekday(day) {
                self.day(day, |local| local - offset);
            }
        }
        monday * DAY_MS - offset - self.origin
    }

    fn real_week(&mut self, monday: i64) {
        let (from, to) = ((monday - 2) * DAY_MS, (monday + 9) * DAY_MS);
        if self.change < from {
            self.change = self.next_change(from);
        }
        let offset = (self.change > to).then(|| self.offset_at(from));
        for day in (monday..monday + 7).filter(|&day| self.hours.on(day)) {
            match offset {
                Some(offset) => self.day(day, |local| local - offset),
                None => {
                    let zone = self.zone.clone();
                    self.day(day, |local| to_instant(&zone, local));
                }
            }
        }
    }

    fn day(&mut self, day: i64, instant: impl Fn(i64) -> i64) {
        let hours = self.hours;
        for &(from, to) in &hours.ranges {
            let start = instant(day * DAY_MS + i64::from(from) * MINUTE_MS) - self.origin;
            let end = instant(day * DAY_MS + i64::from(to) * MINUTE_MS) - self.origin;
            self.push(start, end);
        }
    }

    fn push(&mut self, start: i64, end: i64) {
        let start = self
            .shifts
            .last()
            .map_or(start, |shift| shift.end.max(start));
        if start < end {
            self.shifts.push(Shift {
                start,
                end,
                before: self.total,
            });
            self.total += end - start;
        }
    }

    /// ms east of UTC.
    fn offset_at(&self, epoch_ms: i64) -> i64 {
        i64::from(self.zone.to_offset(at(epoch_ms)).seconds()) * 1000
    }

    fn next_change(&self, epoch_ms: i64) -> i64 {
        let next = self.zone.following(at(epoch_ms)).next();
        next.map_or(i64::MAX, |change| change.timestamp().as_millisecond())
    }
}

/// The instant of a civil time; one that the clocks skip or show twice is told by the offset
/// before the change.
fn to_instant(zone: &TimeZone, local_ms: i64) -> i64 {
    let civil = at(local_ms).to_zoned(TimeZone::UTC).datetime();
    let instant = zone.to_ambiguous_timestamp(civil).compatible();
    instant.map_or(local_ms, |instant| instant.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use coord_lang::time::HOUR_MS;
    use proptest::prelude::*;

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    /// Whether a minute is worked, asked of jiff alone.
    fn oracle_works(hours: &Hours, zone: &TimeZone, epoch_ms: i64) -> bool {
        let local = Timestamp::from_millisecond(epoch_ms)
            .unwrap()
            .to_zoned(zone.clone());
        let weekday = local.weekday().to_monday_zero_offset() as usize;
        let minute = local.hour() as u32 * 60 + local.minute() as u32;
        let date = Date::new(local.year(), local.month(), local.day()).unwrap();
        hours.weekdays[weekday]
            && !hours.holidays.contains(&date)
            && hours
                .ranges
                .iter()
                .any(|&(from, to)| (from..to).contains(&minute))
    }

    fn oracle_add(hours: &Hours, zone: &TimeZone, mut t: i64, mut minutes: i64) -> i64 {
        while minutes > 0 {
            minutes -= i64::from(oracle_works(hours, zone, t));
            t += MINUTE_MS;
        }
        t
    }

    fn oracle_sub(hours: &Hours, zone: &TimeZone, mut t: i64, minutes: i64) -> i64 {
        let mut rest = minutes;
        // the latest start: step back until the work is done, then on over no pause
        while rest > 0 {
            t -= MINUTE_MS;
            rest -= i64::from(oracle_works(hours, zone, t));
        }
        t
    }

    fn hours_of(kind: u8) -> Hours {
        match kind {
            0 => Hours::default(),
            1 => Hours {
                weekdays: [true; 7],
                ranges: vec![(0, 5 * 60), (8 * 60, 12 * 60), (13 * 60, 24 * 60)],
                holidays: BTreeSet::new(),
            },
            _ => Hours {
                weekdays: [false, true, false, true, false, true, true],
                ranges: vec![(6 * 60 + 30, 10 * 60)],
                holidays: [
                    Date::new(2025, 3, 29),
                    Date::new(2025, 11, 2),
                    Date::new(2025, 10, 28),
                ]
                .into_iter()
                .flatten()
                .collect(),
            },
        }
    }

    const ZONES: [&str; 5] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
    ];
    const AROUND: [&str; 4] = [
        "2025-03-27T00:00:00Z",
        "2025-03-06T12:34:00Z",
        "2025-10-23T05:00:00Z",
        "2025-10-31T22:00:00Z",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn agrees_with_minute_stepping(
            kind in 0u8..3, zone in 0usize..5, around in 0usize..4,
            from in 0i64..8_000, origin in -20_000i64..20_000, minutes in 1i64..3_000,
        ) {
            let hours = hours_of(kind);
            let base = instant(AROUND[around]);
            let origin = base + origin * MINUTE_MS;
            let calendar = Calendar::new(&hours, ZONES[zone], Some(origin));
            let tz = TimeZone::get(ZONES[zone]).unwrap();
            let t = base + from * MINUTE_MS;
            let end = oracle_add(&hours, &tz, t, minutes);
            prop_assert_eq!(calendar.add_working(t - origin, minutes * MINUTE_MS) + origin, end);
            prop_assert_eq!(
                calendar.working_between(t - origin, end - origin), minutes * MINUTE_MS);
            let start = oracle_sub(&hours, &tz, t, minutes);
            prop_assert_eq!(
                calendar.sub_working(t - origin, minutes * MINUTE_MS) + origin, start);
            let next = oracle_add(&hours, &tz, t, 1) - MINUTE_MS;
            prop_assert_eq!(calendar.next_working(t - origin) + origin, next);
        }

        #[test]
        fn start_and_finish_belong_together(
            t in -4_000_000_000_000i64..4_000_000_000_000, work in 1i64..2_000_000_000_000,
        ) {
            let calendar = Calendar::standard("Europe/Berlin", Some(1_754_899_200_000));
            let start = calendar.next_working(t);
            let finish = calendar.add_working(start, work);
            prop_assert_eq!(calendar.add_working(t, work), finish);
            prop_assert_eq!(calendar.sub_working(finish, work), start);
            prop_assert_eq!(calendar.working_between(start, finish), work);
            prop_assert_eq!(calendar.next_working(start), start);
        }
    }

    #[test]
    fn without_an_origin_two_days_end_on_tuesday_evening() {
        let calendar = Calendar::standard("America/New_York", None);
        assert_eq!(calendar.day_ms(), 8 * HOUR_MS);
        assert_eq!(calendar.next_working(0), 0);
        assert_eq!(
            calendar.add_working(0, 2 * calendar.day_ms()),
            DAY_MS + 8 * HOUR_MS
        );
        assert_eq!(
            calendar.add_working(0, 6 * calendar.day_ms()),
            WEEK_MS + 8 * HOUR_MS
        );
    }

    #[test]
    fn a_calendar_without_work_counts_all_time() {
        let hours = Hours {
            weekdays: [false; 7],
            ..Hours::default()
        };
        let calendar = Calendar::new(&hours, "UTC", Some(0));
        assert_eq!(calendar.add_working(5, 7), 12);
        assert_eq!(calendar.sub_working(12, 7), 5);
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        let day = 8 * HOUR_MS;
        let unknown = Calendar::standard("Mars/Olympus", Some(0));
        let utc = Calendar::standard("UTC", Some(0));
        assert_eq!(unknown.add_working(0, 9 * day), utc.add_working(0, 9 * day));
    }
}
