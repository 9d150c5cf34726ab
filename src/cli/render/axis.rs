//! Time as columns: where an instant is drawn, and the ruler above.
//!
//! Two scales. By **days**, each day has the same room, and inside a day only working time counts
//! when the plan estimates in nothing else, so that `2wd` fills two days. By the **clock**, every
//! ms has the same room.

use super::outlook::Outlook;
use super::sheet::{Cells, Ink, columns};
use coord_lang::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_ms};
use std::ops::Range;

/// Steps of a ruler by the clock.
const CLOCK_STEPS_MS: [i64; 24] = [
    1,
    10,
    100,
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
    28 * DAY_MS,
];
/// Days between the labels of a ruler by days, where one for each day has no room.
const DAY_STEPS: [usize; 9] = [7, 14, 28, 56, 91, 182, 364, 1820, 3640];
/// A plan that is shorter is drawn by the clock.
const DAYS_FROM_MS: i64 = 2 * DAY_MS;

pub(crate) struct Axis<'a> {
    outlook: &'a Outlook<'a>,
    columns: usize,
    scale: Scale,
}

enum Scale {
    /// Starts of the days, and the end of the last.
    Days(Vec<i64>),
    Clock {
        from_ms: i64,
        to_ms: i64,
    },
}

impl<'a> Axis<'a> {
    /// All of the plan from its start to `end_ms`, in at most `room` columns.
    pub(crate) fn new(outlook: &'a Outlook<'a>, end_ms: i64, room: usize) -> Axis<'a> {
        let first = outlook
            .schedule
            .nodes
            .values()
            .map(|node| node.start_ms)
            .min()
            .unwrap_or(0);
        let by_days = end_ms - first >= DAYS_FROM_MS || (outlook.uses_working && end_ms > DAY_MS);
        let days = if by_days {
            day_starts(outlook, first, end_ms)
        } else {
            Vec::new()
        };
        if days.len() < 2 {
            let from_ms = if outlook.clock.is_dated() {
                first.div_euclid(HOUR_MS) * HOUR_MS
            } else {
                0
            };
            let scale = Scale::Clock {
                from_ms,
                to_ms: end_ms.max(from_ms + 1),
            };
            return Axis {
                outlook,
                columns: room,
                scale,
            };
        }
        // a whole number of columns for each day looks calm; it is done where it costs little
        let whole = room / (days.len() - 1) * (days.len() - 1);
        let columns = if whole * 4 >= room * 3 { whole } else { room };
        Axis {
            outlook,
            columns,
            scale: Scale::Days(days),
        }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The column of an instant, with its fraction.
    fn position(&self, ms: i64) -> f64 {
        let share = match &self.scale {
            Scale::Days(days) => self.day_position(days, ms) / (days.len() - 1) as f64,
            Scale::Clock { from_ms, to_ms } => (ms - from_ms) as f64 / (to_ms - from_ms) as f64,
        };
        share.clamp(0.0, 1.0) * self.columns as f64
    }

    fn day_position(&self, days: &[i64], ms: i64) -> f64 {
        let last = days.len() - 1;
        let day = days.partition_point(|&start| start <= ms).saturating_sub(1);
        if day >= last {
            return last as f64;
        }
        let (start, end) = (days[day], days[day + 1]);
        let worked = self.outlook.calendar.working_between(start, end);
        let inside = if worked > 0 && !self.outlook.uses_elapsed {
            self.outlook.calendar.working_between(start, ms) as f64 / worked as f64
        } else {
            (ms - start) as f64 / (end - start) as f64
        };
        day as f64 + inside.clamp(0.0, 1.0)
    }

    /// The columns of something that takes time: at least one.
    pub(crate) fn bar(&self, from_ms: i64, to_ms: i64) -> Range<usize> {
        let start = (self.position(from_ms).round() as usize).min(self.columns.saturating_sub(1));
        let end = self.position(to_ms).round() as usize;
        start..end.max(start + 1)
    }

    /// The column of an instant; the end of everything has one of its own.
    pub(crate) fn at(&self, ms: i64) -> usize {
        self.position(ms).round() as usize
    }

    /// The instants at which columns begin, and the end of the last.
    pub(crate) fn bounds(&self) -> Vec<i64> {
        let (from_ms, to_ms) = match &self.scale {
            Scale::Days(days) => (days[0], days[days.len() - 1]),
            Scale::Clock { from_ms, to_ms } => (*from_ms, *to_ms),
        };
        let first = |column: usize| {
            let (mut low, mut high) = (from_ms, to_ms);
            while low < high {
                let middle = low + (high - low) / 2;
                match self.position(middle) >= column as f64 {
                    true => high = middle,
                    false => low = middle + 1,
                }
            }
            low
        };
        (0..=self.columns).map(first).collect()
    }

    /// Draws the days on which nobody works, where they have a column of their own.
    pub(crate) fn shade(&self, cells: &mut Cells) {
        for (from_ms, to_ms) in self.free_days() {
            cells.fill(self.at(from_ms)..self.at(to_ms), '·', Ink::Faint);
        }
    }

    /// Whether there is anything to shade.
    pub(crate) fn has_free_days(&self) -> bool {
        self.free_days().next().is_some()
    }

    fn free_days(&self) -> impl Iterator<Item = (i64, i64)> {
        let days = match &self.scale {
            Scale::Days(days) if self.shades(days.len()) => days.as_slice(),
            Scale::Days(_) | Scale::Clock { .. } => &[],
        };
        let days = days.windows(2).map(|day| (day[0], day[1]));
        days.filter(|&(from, to)| self.outlook.calendar.working_between(from, to) == 0)
    }

    /// Undated plans on the clock know no weekends, and in little room they are noise.
    fn shades(&self, days: usize) -> bool {
        let weekends = self.outlook.uses_working || self.outlook.clock.is_dated();
        weekends && self.columns * 10 >= days * 8
    }

    /// The lines above the bars.
    pub(crate) fn ruler(&self) -> Vec<Cells> {
        match &self.scale {
            Scale::Days(days) => self.day_ruler(days),
            Scale::Clock { from_ms, to_ms } => self.clock_ruler(*from_ms, *to_ms),
        }
    }

    fn day_ruler(&self, days: &[i64]) -> Vec<Cells> {
        let count = days.len() - 1;
        let day_room = self.columns as f64 / count as f64;
        let step = DAY_STEPS
            .into_iter()
            .find(|&step| step as f64 * day_room >= 9.0)
            .unwrap_or(3640);
        let weeks: Vec<(usize, String)> = (0..count)
            .step_by(step)
            .map(|day| {
                (
                    self.at(days[day]),
                    self.week_label(days, day, step as f64 * day_room),
                )
            })
            .collect();
        let single = |day: usize| (self.at(days[day]), self.day_label(days, day, day_room));
        let names: Vec<(usize, String)> = if day_room >= 3.0 {
            (0..count).map(single).collect()
        } else {
            (0..count)
                .step_by(step)
                .map(|day| (self.at(days[day]), self.date(days, day)))
                .collect()
        };
        let mut lines = Vec::new();
        if count > 5 {
            lines.push(self.labels(&weeks));
        }
        if day_room >= 3.0 || self.outlook.clock.is_dated() {
            lines.push(self.labels(&names));
        }
        lines.push(self.rule(&weeks));
        lines
    }

    fn week_label(&self, days: &[i64], day: usize, room: f64) -> String {
        let week = format!("week {}", day / 7 + 1);
        match self.outlook.clock.is_dated() && room >= 16.0 {
            true if self.columns as f64 / (days.len() - 1) as f64 >= 3.0 => {
                format!("{week}  {}", self.date(days, day))
            }
            _ => week,
        }
    }

    fn day_label(&self, days: &[i64], day: usize, room: f64) -> String {
        if !self.outlook.clock.is_dated() {
            return if room >= 8.0 {
                format!("day {}", day + 1)
            } else {
                (day + 1).to_string()
            };
        }
        // `Mon 11 Aug 00:00`
        let at = self.outlook.clock.at(days[day]);
        let words: Vec<&str> = at.split(' ').collect();
        let count = if room >= 7.0 { 0..2 } else { 1..2 };
        words
            .get(count)
            .map_or_else(String::new, |words| words.join(" "))
    }

    fn date(&self, days: &[i64], day: usize) -> String {
        self.outlook.clock.day(days[day])
    }

    fn clock_ruler(&self, from_ms: i64, to_ms: i64) -> Vec<Cells> {
        let room = |step: i64| step as f64 / (to_ms - from_ms) as f64 * self.columns as f64;
        let label = |ms: i64, step: i64| match self.outlook.clock.is_dated() && step >= MINUTE_MS {
            true => self
                .outlook
                .clock
                .at(ms)
                .split(' ')
                .next_back()
                .unwrap_or_default()
                .to_string(),
            false => format_ms(ms),
        };
        let fits =
            |step: &i64| room(*step) >= columns(&label(to_ms / step * step, *step)) as f64 + 2.0;
        let step = CLOCK_STEPS_MS
            .into_iter()
            .find(fits)
            .unwrap_or(to_ms.max(1));
        let first = from_ms + (step - from_ms.rem_euclid(step)) % step;
        let ticks = (0..)
            .map(|n| first + n * step)
            .take_while(|&ms| ms <= to_ms);
        let ticks: Vec<(usize, String)> = ticks.map(|ms| (self.at(ms), label(ms, step))).collect();
        vec![self.labels(&ticks), self.rule(&ticks)]
    }

    /// Labels from left to right, those that have room.
    fn labels(&self, labels: &[(usize, String)]) -> Cells {
        let mut cells = Cells::blank(self.columns + 1);
        let mut free_from = 0;
        for (at, text) in labels {
            let end = at + columns(text);
            if *at >= free_from && end <= self.columns + 1 {
                cells.write(*at, text, Ink::Faint);
                free_from = end + 1;
            }
        }
        cells
    }

    fn rule(&self, ticks: &[(usize, String)]) -> Cells {
        let mut cells = Cells::blank(self.columns + 1);
        cells.fill(0..self.columns, '─', Ink::Faint);
        for (at, _) in ticks.iter().filter(|(at, _)| *at < self.columns) {
            cells.put(*at, '┬', Ink::Faint);
        }
        cells
    }
}

/// From the day that `from_ms` is in to the end of the day before `to_ms`.
fn day_starts(outlook: &Outlook, from_ms: i64, to_ms: i64) -> Vec<i64> {
    let from_ms = from_ms.min(0);
    if !outlook.clock.is_dated() {
        let count = (to_ms.max(1) + DAY_MS - 1) / DAY_MS;
        return (0..=count.min(20_000)).map(|day| day * DAY_MS).collect();
    }
    let around = outlook
        .clock
        .midnights(from_ms - 2 * DAY_MS, to_ms.saturating_add(2 * DAY_MS));
    let first = around
        .partition_point(|&day| day <= from_ms)
        .saturating_sub(1);
    let last = around
        .partition_point(|&day| day < to_ms)
        .min(around.len().saturating_sub(1));
    around
        .get(first..=last)
        .map(<[i64]>::to_vec)
        .unwrap_or_default()
}
