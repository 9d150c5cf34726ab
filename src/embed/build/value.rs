//! Values as the language writes them: names, texts, times, days, programs.

use std::time::Duration;
use unicode_xid::UnicodeXID;

/// Longest inner part of a name is not judged here: the compiler has a limit and says so.
fn is_identifier(text: &str) -> bool {
    let mut parts = text.split('-');
    let starts = text
        .chars()
        .next()
        .is_some_and(|c| c == '_' || UnicodeXID::is_xid_start(c));
    starts
        && parts.all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c == '_' || UnicodeXID::is_xid_continue(c))
        })
}

/// A name as it is written: `a`, `a.b`; what is none stands in quotes, where the compiler finds it.
pub(super) fn name(text: &str) -> String {
    if text.split('.').all(is_identifier) {
        text.to_string()
    } else {
        quoted(text)
    }
}

/// A text in quotes; nothing in it is filled in.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' if matches!(chars.peek(), Some('{' | '$')) => out.push_str("\\$"),
            c => push_escaped(&mut out, c),
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        c if hides(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
        c => out.push(c),
    }
}

/// Characters that a file must not hold as they are.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text, plain or with values of parameters in it.
///
/// A `&str` or a `String` is taken as it is: `$`, quotes and line breaks in it mean themselves.
/// [`Text::filled`] is for the places where a parameter belongs.
///
/// ```
/// use coord::build::{Draft, Task, Text};
///
/// let project = Draft::new("demo")
///     .statement("param region: text default \"eu\"")
///     .with(Task::new("greet").run(["echo".into(), Text::filled("hello ${region}")]))
///     .compile()?;
/// assert!(project.text().contains(r#"run ["echo", "hello ${region}"]"#));
/// # Ok::<(), coord::Mistakes>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    text: String,
    filled: bool,
}

impl Text {
    /// A text in which `${NAME}` stands for the value of a parameter. Takes the text; a name that
    /// is not declared is a mistake that compiling tells.
    pub fn filled(text: impl Into<String>) -> Text {
        Text {
            text: text.into(),
            filled: true,
        }
    }

    pub(super) fn written(&self) -> String {
        if !self.filled {
            return quoted(&self.text);
        }
        let mut out = String::from("\"");
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find("${") {
            let end = rest[at..].find('}').map(|end| at + end + 1);
            let names = |c: char| !matches!(c, '"' | '\\') && !hides(c);
            let (plain, path, after) = match end {
                Some(end) if rest[at..end].chars().all(names) => {
                    (&rest[..at], &rest[at..end], &rest[end..])
                }
                // what would end the text, or the line, is no name
                Some(_) => (&rest[..at], "\\${", &rest[at + 2..]),
                None => (rest, "", ""),
            };
            plain.chars().for_each(|c| push_escaped(&mut out, c));
            out.push_str(path);
            rest = after;
        }
        rest.chars().for_each(|c| push_escaped(&mut out, c));
        out.push('"');
        out
    }

    /// The text, when nothing is filled in.
    pub(super) fn plain(&self) -> Option<&str> {
        (!self.filled).then_some(&self.text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.to_string())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text {
            text,
            filled: false,
        }
    }
}

/// One name, or several: `"a"`, `["a", "b"]`, a `Vec` of either.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names(Vec<String>);

impl Names {
    /// `a` or `[a, b]`.
    pub(super) fn written(&self) -> String {
        match self.0.as_slice() {
            [one] => name(one),
            _ => self.list(),
        }
    }

    /// `[a, b]`, also for one.
    pub(super) fn list(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|n| name(n)).collect();
        format!("[{}]", names.join(", "))
    }

    /// The same for texts: `"a"` or `["a", "b"]`.
    pub(super) fn texts(&self) -> String {
        let texts: Vec<String> = self.0.iter().map(|t| quoted(t)).collect();
        match texts.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", texts.join(", ")),
        }
    }
}

impl From<&str> for Names {
    fn from(one: &str) -> Names {
        Names(vec![one.to_string()])
    }
}

impl From<String> for Names {
    fn from(one: String) -> Names {
        Names(vec![one])
    }
}

impl From<&String> for Names {
    fn from(one: &String) -> Names {
        Names(vec![one.clone()])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Names {
    fn from(names: [S; N]) -> Names {
        Names(names.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>> From<Vec<S>> for Names {
    fn from(names: Vec<S>) -> Names {
        Names(names.into_iter().map(Into::into).collect())
    }
}

/// A duration on the clock, as in `1h30m`; less than a millisecond counts as one.
pub(super) fn duration(duration: Duration) -> String {
    let mut ms = duration.as_nanos().div_ceil(1_000_000);
    if ms == 0 {
        return "0s".to_string();
    }
    let mut out = String::new();
    for (unit, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        let n = ms / size;
        ms %= size;
        if n > 0 {
            out.push_str(&format!("{n}{unit}"));
        }
    }
    out
}

/// An amount of time that work takes: on the clock, or of working time.
///
/// A [`Duration`] is time on the clock: two days of it are 48 hours, also over a weekend.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Time {
    /// Time on the clock.
    Clock(Duration),
    /// Working days of the calendar in force; three decimals count.
    WorkingDays(f64),
    /// Working hours of the calendar in force; three decimals count.
    WorkingHours(f64),
}

impl Time {
    pub(super) fn written(self) -> String {
        match self {
            Time::Clock(time) => duration(time),
            Time::WorkingDays(n) => format!("{}wd", decimal(n)),
            Time::WorkingHours(n) => format!("{}wh", decimal(n)),
        }
    }
}

/// At most three decimals, and none that say nothing.
pub(super) fn decimal(n: f64) -> String {
    let text = format!("{n:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_string()
}

impl From<Duration> for Time {
    fn from(time: Duration) -> Time {
        Time::Clock(time)
    }
}

/// Working days: `wd(2.0)` is `2wd`. Takes their number; one that is negative or over ten years is
/// a mistake that compiling tells.
pub fn wd(days: f64) -> Time {
    Time::WorkingDays(days)
}

/// Working hours: `wh(6.0)` is `6wh`. Takes their number; refuses as [`wd`] does.
pub fn wh(hours: f64) -> Time {
    Time::WorkingHours(hours)
}

/// How long a task takes: one value, a range, or low, likely and high.
#[derive(Clone, PartialEq, Debug)]
pub struct Takes(Vec<Time>);

impl Takes {
    pub(super) fn written(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|t| t.written()).collect();
        parts.join("..")
    }
}

impl<T: Into<Time>> From<T> for Takes {
    fn from(time: T) -> Takes {
        Takes(vec![time.into()])
    }
}

impl<T: Into<Time>> From<std::ops::Range<T>> for Takes {
    /// From the low to the high estimate.
    fn from(range: std::ops::Range<T>) -> Takes {
        Takes(vec![range.start.into(), range.end.into()])
    }
}

impl<T: Into<Time>> From<[T; 3]> for Takes {
    /// Low, likely and high.
    fn from(three: [T; 3]) -> Takes {
        Takes(three.into_iter().map(Into::into).collect())
    }
}

/// A day, or an instant: `2026-03-02`, `2026-03-02T14:00Z`.
///
/// Numbers that make no day (the 31st of June) are a mistake that compiling tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
    time: Option<(u8, u8)>,
}

impl Day {
    /// A day in the project's time zone. Takes year, month from 1 and day from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Day {
        Day {
            year,
            month,
            day,
            time: None,
        }
    }

    /// An instant of that day, in UTC. Takes the hour and the minute.
    pub fn at(self, hour: u8, minute: u8) -> Day {
        Day {
            time: Some((hour, minute)),
            ..self
        }
    }

    pub(super) fn written(self) -> String {
        let Day {
            year, month, day, ..
        } = self;
        let date = format!("{year:04}-{month:02}-{day:02}");
        match self.time {
            Some((hour, minute)) => format!("{date}T{hour:02}:{minute:02}Z"),
            None => date,
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    pub(super) fn written(self) -> &'static str {
        match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        }
    }
}

/// By when something has to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// By the end of a day, or by an instant.
    Day(Day),
    /// By the end of a week of the project, from 1.
    Week(u32),
    /// By the end of the first such day on or after the project's start.
    Weekday(Weekday),
}

impl Due {
    pub(super) fn written(self) -> String {
        match self {
            Due::Day(day) => day.written(),
            Due::Week(week) => format!("week {week}"),
            Due::Weekday(day) => day.written().to_string(),
        }
    }
}

impl From<Day> for Due {
    fn from(day: Day) -> Due {
        Due::Day(day)
    }
}

impl From<Weekday> for Due {
    fn from(day: Weekday) -> Due {
        Due::Weekday(day)
    }
}

/// Again and again: `every 4h`, `every day at 09:00 UTC`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Every {
    period: String,
    at: String,
}

impl Every {
    fn of(period: impl Into<String>) -> Every {
        Every {
            period: period.into(),
            at: String::new(),
        }
    }

    /// Each time that long has passed on the clock.
    pub fn elapsed(time: Duration) -> Every {
        Every::of(duration(time))
    }

    /// Each day.
    pub fn day() -> Every {
        Every::of("day")
    }

    /// Each working day of the calendar in force.
    pub fn working_day() -> Every {
        Every::of("working day")
    }

    /// Each week.
    pub fn week() -> Every {
        Every::of("week")
    }

    /// Each month.
    pub fn month() -> Every {
        Every::of("month")
    }

    /// On these days of each week.
    pub fn on(days: impl IntoIterator<Item = Weekday>) -> Every {
        let days: Vec<&str> = days.into_iter().map(Weekday::written).collect();
        Every::of(format!("[{}]", days.join(", ")))
    }

    /// At that time of the day. Takes hour, minute and the name of a time zone, as in
    /// `Europe/Berlin`; one that does not exist is a mistake that compiling tells.
    #[must_use]
    pub fn at(mut self, hour: u8, minute: u8, zone: &str) -> Every {
        self.at = format!(" at {hour:02}:{minute:02} {}", zone_written(zone));
        self
    }

    pub(super) fn written(&self) -> String {
        format!("{}{}", self.period, self.at)
    }
}

/// A zone is words with slashes; what is not stands in quotes, where the compiler finds it.
pub(super) fn zone_written(zone: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    if zone.chars().all(fine) && zone.starts_with(|c: char| c.is_ascii_alphabetic()) {
        zone.to_string()
    } else {
        quoted(zone)
    }
}

/// A program: an argument list, which no shell reads, or a script for an interpreter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// The program and its arguments.
    Argv(Vec<Text>),
    /// A script, as it stands: nothing is filled in.
    Script {
        /// `sh`, `bash`, `zsh`, `python`, `node`, `ruby` or `perl`.
        language: String,
        /// Its lines.
        text: String,
    },
}

impl Program {
    /// A script for `sh`, which stops at the first command that fails.
    pub fn sh(text: impl Into<String>) -> Program {
        Program::script("sh", text)
    }

    /// A script. Takes the interpreter's name and the text; an interpreter that is not known is a
    /// mistake that compiling tells.
    pub fn script(language: impl Into<String>, text: impl Into<String>) -> Program {
        Program::Script {
            language: language.into(),
            text: text.into(),
        }
    }
}

impl<T: Into<Text>, const N: usize> From<[T; N]> for Program {
    fn from(argv: [T; N]) -> Program {
        Program::Argv(argv.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Text>> From<Vec<T>> for Program {
    fn from(argv: Vec<T>) -> Program {
        Program::Argv(argv.into_iter().map(Into::into).collect())
    }
}

/// `["a", "b"]`.
pub(super) fn argv(argv: &[Text]) -> String {
    let parts: Vec<String> = argv.iter().map(Text::written).collect();
    format!("[{}]", parts.join(", "))
}
