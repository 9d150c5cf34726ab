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

use crate::plan::Plan;
use coord_lang::model::{self, Model};
use coord_lang::time::{DAY_MS, Date, MINUTE_MS, WEEK_MS};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const TABLE_WEEKS: i64 = 40 * 53;
/// Real weeks before the origin's own, for looking back.
const WEEKS_BEFORE: i64 = 8;
/// So many weeks before the first of the table, every table repeats plain weeks.
const PLAIN_WEEKS_BEFORE: i64 = 4;
/// The day number (days since 1970) of Monday 2026-01-05: where a plan without a start is laid.
const ANY_MONDAY: i64 = 20_458;
/// Instants further out are cut to this, far past the language's limits.
const FAR_MS: i64 = i64::MAX / 8;

/// Which hours are worked: the civil side of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hours {
    /// Monday first.
    pub weekdays: [bool; 7],
    /// Minutes of the day, from and to, inside one day, in order; a night shift is two of them.
    pub ranges: Vec<(u32, u32)>,
    /// First and last days without work, in days since 1970-01-01, in order and apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<(i64, i64)>,
    /// An IANA name; absent: the project's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

impl Default for Hours {
    /// Monday to Friday, 09:00 to 17:00.
    fn default() -> Hours {
        Hours {
            weekdays: [true, true, true, true, true, false, false],
            ranges: vec![(9 * 60, 17 * 60)],
            holidays: Vec::new(),
            timezone: None,
        }
    }
}

impl Hours {
    /// What a calendar of the model says.
    pub fn of(calendar: &model::Calendar) -> Hours {
        let minutes = |(from, to): &(u32, u32)| (from / 60, to / 60);
        let days = calendar.holidays.iter();
        let days = days.filter_map(|h| Some((day_number(h.first)?, day_number(h.last)?)));
        Hours {
            weekdays: calendar.working,
            ranges: calendar.hours.iter().map(minutes).collect(),
            holidays: apart(days.collect()),
            timezone: calendar.timezone.as_ref().map(|z| z.value.clone()),
        }
    }

    /// The hours that apply wherever nothing else is said: the calendar `default`.
    pub fn of_project(model: &Model) -> Hours {
        let mut named = model.calendars.values();
        let default = named.find(|c| c.name.value == "default");
        default.map(Hours::of).unwrap_or_default()
    }

    /// True for Monday to Friday, 09:00 to 17:00, in the project's zone.
    pub fn is_default(&self) -> bool {
        *self == Hours::default()
    }

    /// The working time of one day: what `1wd` is.
    pub fn day_ms(&self) -> i64 {
        self.ranges
            .iter()
            .map(|&(from, to)| i64::from(to.saturating_sub(from)) * MINUTE_MS)
            .sum()
    }

    /// The same hours, without work on some days.
    #[must_use]
    pub(crate) fn without(mut self, days: (i64, i64)) -> Hours {
        self.holidays.push(days);
        self.holidays = apart(self.holidays);
        self
    }

    fn on_weekday(&self, day: i64) -> bool {
        self.weekdays[(day + 3).rem_euclid(7) as usize]
    }

    fn on(&self, day: i64) -> bool {
        self.on_weekday(day) && !self.is_holiday(day)
    }

    fn is_holiday(&self, day: i64) -> bool {
        let after = self.holidays.partition_point(|&(first, _)| first <= day);
        after
            .checked_sub(1)
            .is_some_and(|at| day <= self.holidays[at].1)
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

    /// The calendar that a plan is laid on.
    pub fn of(plan: &Plan) -> Calendar {
        let zone = plan.hours.timezone.as_ref().unwrap_or(&plan.timezone);
        Calendar::new(&plan.hours, zone, plan.origin_ms)
    }

    /// `hours` laid out from `origin_ms` (ms since 1970 UTC). Without an origin, time counts from
    /// the first working instant of a week in UTC, and no day is a holiday.
    pub fn new(hours: &Hours, timezone: &str, origin_ms: Option<i64>) -> Calendar {
        match origin_ms {
            Some(origin) => {
                let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
                Layout::new(hours, zone, origin).lay(TABLE_WEEKS)
            }
            None => {
                let plain = Hours {
                    holidays: Vec::new(),
                    ..hours.clone()
                };
                let origin = first_instant(&plain);
                // every week is like any other, and the two of the table repeat outwards
                Layout::new(&plain, TimeZone::UTC, origin).lay(1)
            }
        }
    }

    /// The hours of an agent, on the same axis as the plan's own. Without an origin, zones keep the
    /// distance that they have in winter.
    pub(crate) fn of_agent(plan: &Plan, hours: &Hours) -> Calendar {
        let zone = hours.timezone.as_ref().unwrap_or(&plan.timezone);
        if plan.origin_ms.is_some() {
            return Calendar::new(hours, zone, plan.origin_ms);
        }
        let plain = Hours {
            holidays: Vec::new(),
            ..hours.clone()
        };
        let seconds = |zone: &str| {
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            zone.to_offset(at(ANY_MONDAY * DAY_MS)).seconds()
        };
        let project = plan.hours.timezone.as_ref().unwrap_or(&plan.timezone);
        let apart = Offset::from_seconds(seconds(zone) - seconds(project));
        let zone = apart.map_or(TimeZone::UTC, TimeZone::fixed);
        Layout::new(&plain, zone, first_instant(&plan.hours)).lay(TABLE_WEEKS)
    }

    /// When all of these work; they are laid out from the same origin.
    pub(crate) fn common(parts: &[&Calendar]) -> Calendar {
        let frame = parts[0];
        let weeks = (frame.last - frame.first + WEEK_MS / 2) / WEEK_MS;
        let (first, last) = (frame.first, frame.first + weeks * WEEK_MS);
        // where plain weeks repeat in all of them
        let far = PLAIN_WEEKS_BEFORE * WEEK_MS;
        let together = |from: i64, to: i64| {
            let mut parts = parts.iter().map(|part| part.intervals(from, to));
            let first = parts.next().unwrap_or_default();
            parts.fold(first, |a, b| meet(&a, &b))
        };
        let real = together(first + WEEK_MS, last);
        let mut week = together(first - far, first - far + WEEK_MS);
        if week.is_empty() && !real.is_empty() {
            week = frame.intervals(first - far, first - far + WEEK_MS);
        }
        let moved = |by: i64| week.iter().map(move |&(a, b)| (a + by, b + by));
        let mut common = Calendar {
            day_ms: parts.iter().map(|part| part.day_ms).min().unwrap_or(0),
            shifts: Vec::with_capacity(real.len() + 2 * week.len()),
            week_ms: week.iter().map(|(start, end)| end - start).sum(),
            first,
            last,
            total: 0,
        };
        let all = moved(far).chain(real.iter().copied());
        for (start, end) in all.chain(moved(far + last - first)) {
            common.shifts.push(Shift {
                start,
                end,
                before: common.total,
            });
            common.total += end - start;
        }
        common
    }

    /// True when nothing is ever worked: then all time counts.
    pub fn never_works(&self) -> bool {
        self.week_ms == 0
    }

    /// When the shift ends that is at work at `t`.
    pub(crate) fn closing(&self, t: i64) -> i64 {
        if self.week_ms == 0 {
            return FAR_MS;
        }
        let weeks = self.weeks_outside(t);
        let after = self
            .shifts
            .partition_point(|shift| shift.start <= t - weeks * WEEK_MS);
        let shift = self.shifts[after.saturating_sub(1)];
        shift.end + weeks * WEEK_MS
    }

    /// When there is work between two instants.
    fn intervals(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        let mut at = self.next_working(from);
        while at < to {
            let end = self.closing(at).min(to);
            found.push((at, end));
            at = self.next_working(end);
        }
        found
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

/// The common part of two lists of stretches, each in order.
fn meet(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while let (Some(&(from, to)), Some(&(other_from, other_to))) = (a.get(i), b.get(j)) {
        let (start, end) = (from.max(other_from), to.min(other_to));
        if start < end {
            found.push((start, end));
        }
        if to <= other_to {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// The first working instant of the week that undated plans are laid on, as if in UTC.
fn first_instant(hours: &Hours) -> i64 {
    let day = (ANY_MONDAY..ANY_MONDAY + 7).find(|&day| hours.on_weekday(day));
    let minute = hours.ranges.first().map_or(0, |&(from, _)| i64::from(from));
    day.unwrap_or(ANY_MONDAY) * DAY_MS + minute * MINUTE_MS
}

/// Days since 1970-01-01.
fn day_number(date: Date) -> Option<i64> {
    let date = civil::Date::new(date.year, date.month, date.day).ok()?;
    let midnight = date.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_millisecond().div_euclid(DAY_MS))
}

/// Days without work, as [`Hours`] keeps them.
pub(crate) fn holiday(first: Date, last: Date) -> Option<(i64, i64)> {
    day_number(first).zip(day_number(last))
}

/// The same days in order, none of them twice.
fn apart(mut days: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    days.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (first, last) in days {
        match out.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
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

    /// `weeks` real ones between two plain ones.
    fn lay(mut self, weeks: i64) -> Calendar {
        let monday = self.monday_of_origin() - 7 * WEEKS_BEFORE;
        let first = self.plain_week(monday);
        let week_ms = self.total;
        for week in 1..weeks {
            self.real_week(monday + 7 * week);
        }
        let last = self.plain_week(monday + 7 * weeks);
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

    /// Everything is a multiple of this: hours, offsets, changes of clocks.
    const STEP: i64 = 15 * MINUTE_MS;

    /// Which quarters of an hour are worked from `from`, asked of jiff alone, one by one.
    fn worked_quarters(hours: &Hours, zone: &TimeZone, from: i64, count: usize) -> Vec<bool> {
        let quarter = |i: usize| {
            let instant = from + i as i64 * STEP;
            let local = instant + i64::from(zone.to_offset(at(instant)).seconds()) * 1000;
            let day = local.div_euclid(DAY_MS);
            let weekday = (day + 3).rem_euclid(7) as usize;
            let minute = (local.rem_euclid(DAY_MS) / MINUTE_MS) as u32;
            hours.weekdays[weekday]
                && !hours.holidays.iter().any(|&(a, b)| a <= day && day <= b)
                && hours.ranges.iter().any(|&(a, b)| a <= minute && minute < b)
        };
        (0..count).map(quarter).collect()
    }

    fn hours_of(days: u8, bounds: &[u32], holidays: &[(i64, i64)], first_day: i64) -> Hours {
        // a bound in the hours when clocks change is a matter of definition, see below
        let settled = bounds.iter().map(|b| if *b < 12 { 0 } else { *b });
        let mut bounds: Vec<u32> = settled.collect();
        bounds.sort_unstable();
        bounds.dedup();
        let ranges = bounds.chunks_exact(2).map(|b| (b[0] * 15, b[1] * 15));
        let holidays = holidays
            .iter()
            .map(|(a, n)| (first_day + a, first_day + a + n));
        Hours {
            weekdays: std::array::from_fn(|i| days >> i & 1 == 1),
            ranges: ranges.collect(),
            holidays: apart(holidays.collect()),
            timezone: None,
        }
    }

    const ZONES: [&str; 7] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "Pacific/Auckland",
    ];
    /// Days before changes of clocks, and a day far from any.
    const AROUND: [&str; 6] = [
        "2025-03-21T00:00:00Z",
        "2025-03-02T12:30:00Z",
        "2025-10-19T05:00:00Z",
        "2025-10-26T22:00:00Z",
        "2025-04-01T00:15:00Z",
        "2025-07-01T00:00:00Z",
    ];
    /// Two weeks.
    const WINDOW: usize = 14 * 24 * 4;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn agrees_with_asking_every_quarter_of_an_hour(
            days in 1u8..128, bounds in proptest::collection::vec(0u32..=96, 2..7),
            holidays in proptest::collection::vec((0i64..14, 0i64..4), 0..4),
            zone in 0usize..ZONES.len(), around in 0usize..AROUND.len(),
            shift in 0i64..96, origin in -200i64..200, from in 0usize..WINDOW / 2, amount in 1usize..200,
        ) {
            let base = instant(AROUND[around]) + shift * STEP;
            let hours = hours_of(days, &bounds, &holidays, base.div_euclid(DAY_MS));
            prop_assume!(!hours.ranges.is_empty());
            let origin = base + origin * STEP;
            let tz = TimeZone::get(ZONES[zone]).unwrap();
            // a short table, for the sake of the number of cases
            let calendar = Layout::new(&hours, tz.clone(), origin).lay(16);
            let worked = worked_quarters(&hours, &tz, base, WINDOW);
            let time = |quarter: usize| base - origin + quarter as i64 * STEP;
            // forwards: the quarter that has the last of it
            let done = (from..WINDOW).filter(|q| worked[*q]).nth(amount - 1);
            let work = amount as i64 * STEP;
            if let Some(done) = done {
                prop_assert_eq!(calendar.add_working(time(from), work), time(done + 1));
                prop_assert_eq!(calendar.working_between(time(from), time(done + 1)), work);
            }
            // backwards: the quarter that has the first of it
            if let Some(first) = (0..from).rev().filter(|q| worked[*q]).nth(amount - 1) {
                prop_assert_eq!(calendar.sub_working(time(from), work), time(first));
            }
            if let Some(next) = (from..WINDOW).find(|q| worked[*q]) {
                prop_assert_eq!(calendar.next_working(time(from)), time(next));
            }
            let between = worked[from..].iter().filter(|w| **w).count() as i64 * STEP;
            prop_assert_eq!(calendar.working_between(time(from), time(WINDOW)), between);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn what_is_common_is_worked_by_everybody_every_quarter_of_an_hour(
            kinds in proptest::collection::vec((
                1u8..128, proptest::collection::vec(0u32..=96, 2..7),
                proptest::collection::vec((0i64..14, 0i64..4), 0..3), 0usize..ZONES.len(),
            ), 2..4),
            around in 0usize..AROUND.len(), shift in 0i64..96, origin in -200i64..200,
            from in 0usize..WINDOW / 2, amount in 1usize..60,
        ) {
            let base = instant(AROUND[around]) + shift * STEP;
            let origin = base + origin * STEP;
            let mut all = vec![true; WINDOW];
            let mut calendars = Vec::new();
            for (days, bounds, holidays, zone) in &kinds {
                let hours = hours_of(*days, bounds, holidays, base.div_euclid(DAY_MS));
                prop_assume!(!hours.ranges.is_empty());
                let zone = TimeZone::get(ZONES[*zone]).unwrap();
                let worked = worked_quarters(&hours, &zone, base, WINDOW);
                all.iter_mut().zip(worked).for_each(|(all, worked)| *all &= worked);
                calendars.push(Layout::new(&hours, zone, origin).lay(16));
            }
            let calendars: Vec<&Calendar> = calendars.iter().collect();
            let calendar = Calendar::common(&calendars);
            if calendar.never_works() {
                prop_assert!(all.iter().all(|worked| !worked));
                return Ok(());
            }
            let time = |quarter: usize| base - origin + quarter as i64 * STEP;
            let work = amount as i64 * STEP;
            if let Some(done) = (from..WINDOW).filter(|q| all[*q]).nth(amount - 1) {
                prop_assert_eq!(calendar.add_working(time(from), work), time(done + 1));
            }
            if let Some(first) = (0..from).rev().filter(|q| all[*q]).nth(amount - 1) {
                prop_assert_eq!(calendar.sub_working(time(from), work), time(first));
            }
            if let Some(next) = (from..WINDOW).find(|q| all[*q]) {
                prop_assert_eq!(calendar.next_working(time(from)), time(next));
            }
            let between = all[from..].iter().filter(|w| **w).count() as i64 * STEP;
            prop_assert_eq!(calendar.working_between(time(from), time(WINDOW)), between);
            // far away, plain weeks repeat
            for far in [time(from) + 60 * WEEK_MS, time(from) - 60 * WEEK_MS] {
                let start = calendar.next_working(far);
                let finish = calendar.add_working(far, work);
                prop_assert_eq!(calendar.working_between(start, finish), work);
                prop_assert_eq!(calendar.sub_working(finish, work), start);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
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

    /// A bound that clocks show twice is its first time; one that they skip is as long after
    /// midnight as on any other day.
    #[test]
    fn bounds_in_a_change_of_clocks_are_told_by_the_time_before_it() {
        let hours = Hours {
            weekdays: [true; 7],
            ranges: vec![(0, 150)],
            ..Hours::default()
        };
        for midnight in ["2025-10-25T22:00:00Z", "2025-03-29T23:00:00Z"] {
            let calendar = Calendar::new(&hours, "Europe/Berlin", Some(instant(midnight)));
            assert_eq!(calendar.working_between(0, 12 * HOUR_MS), 150 * MINUTE_MS);
            assert_eq!(calendar.add_working(0, 150 * MINUTE_MS), 150 * MINUTE_MS);
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
