//! Numbers with units: what `30m`, `2wd`, `2x` or `90%` mean.
//!
//! The lexer takes any number with letters; units are judged here, so that `4hours` gets "write
//! `4h`". Every function returns None or a typed error, never panics, never overflows.

use crate::model::Rate;
use crate::time::{
    DAY_MS, Date, Effort, HOUR_MS, MAX_DURATION_MS, MINUTE_MS, Moment, SECOND_MS, WEEK_MS,
};

/// Why a number with letters is no duration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UnitError {
    /// No letters: `30`.
    Missing,
    /// Letters that are no unit, with the unit that was probably meant: `4hours` → `h`.
    Unknown {
        unit: String,
        meant: Option<&'static str>,
    },
    /// A unit that is no fixed length: `1month`.
    NotFixed { unit: String },
    /// `1h2d`: units must fall.
    Order,
    /// Over ten years.
    TooLong,
    /// `1wd2h`.
    Mixed,
}

const ELAPSED: [(&str, i64); 6] = [
    ("ms", 1),
    ("s", SECOND_MS),
    ("m", MINUTE_MS),
    ("h", HOUR_MS),
    ("d", DAY_MS),
    ("w", WEEK_MS),
];

const MEANT: [(&[&str], &str); 8] = [
    (&["millis", "millisecond", "milliseconds", "msec"], "ms"),
    (&["sec", "secs", "second", "seconds"], "s"),
    (&["min", "mins", "minute", "minutes", "M"], "m"),
    (&["hour", "hours", "hr", "hrs", "H"], "h"),
    (&["day", "days", "D"], "d"),
    (&["week", "weeks", "wk", "wks", "W"], "w"),
    (
        &[
            "workday",
            "workdays",
            "bd",
            "WD",
            "businessday",
            "businessdays",
        ],
        "wd",
    ),
    (&["workhour", "workhours", "bh", "WH"], "wh"),
];

/// Reads `1h30m`, `2wd`, `90s`, `immediately`.
pub fn effort(text: &str) -> Result<Effort, UnitError> {
    if text == "immediately" {
        return Ok(Effort::Elapsed(0));
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut smallest = i64::MAX;
    let mut working: Option<Effort> = None;
    while !rest.is_empty() {
        let (number, unit, tail) = split_part(rest);
        rest = tail;
        let milli = milli(number).ok_or(UnitError::TooLong)?;
        if unit == "wd" || unit == "wh" {
            if working.is_some() {
                return Err(UnitError::Order);
            }
            working = Some(working_part(milli, unit)?);
            continue;
        }
        let size = unit_ms(unit)?;
        if size >= smallest {
            return Err(UnitError::Order);
        }
        smallest = size;
        let part = milli
            .checked_mul(size)
            .map(|n| n / 1000)
            .ok_or(UnitError::TooLong)?;
        total = total.checked_add(part).ok_or(UnitError::TooLong)?;
        if total > MAX_DURATION_MS {
            return Err(UnitError::TooLong);
        }
    }
    match working {
        Some(effort) if smallest == i64::MAX => Ok(effort),
        Some(_) => Err(UnitError::Mixed),
        None => Ok(Effort::Elapsed(total)),
    }
}

fn working_part(milli: i64, unit: &str) -> Result<Effort, UnitError> {
    let limit = 3_653_000;
    match unit {
        "wd" if milli <= limit => Ok(Effort::WorkingDays(milli)),
        "wh" if milli <= limit * 24 => Ok(Effort::Working(milli.saturating_mul(HOUR_MS) / 1000)),
        _ => Err(UnitError::TooLong),
    }
}

fn unit_ms(unit: &str) -> Result<i64, UnitError> {
    if unit.is_empty() {
        return Err(UnitError::Missing);
    }
    if let Some((_, ms)) = ELAPSED.iter().find(|(name, _)| *name == unit) {
        return Ok(*ms);
    }
    if matches!(
        unit,
        "mo" | "month" | "months" | "y" | "yr" | "year" | "years"
    ) {
        return Err(UnitError::NotFixed { unit: unit.into() });
    }
    let meant = MEANT
        .iter()
        .find(|(names, _)| names.contains(&unit))
        .map(|(_, unit)| *unit);
    Err(UnitError::Unknown {
        unit: unit.into(),
        meant,
    })
}

/// `1h30m` → (`1`, `h`, `30m`).
fn split_part(text: &str) -> (&str, &str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
    let (number, rest) = text.split_at(digits.unwrap_or(text.len()));
    let letters = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(letters);
    if number.is_empty() && unit.is_empty() {
        return ("", text, "");
    }
    (number, unit, tail)
}

/// A decimal number in thousandths, exact; None when it is too large or has more than three
/// decimals that matter.
pub fn milli(number: &str) -> Option<i64> {
    let plain = number.replace('_', "");
    let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
    let whole: i64 = whole.parse().ok()?;
    let mut fraction = 0;
    for (i, digit) in decimals.chars().take(3).enumerate() {
        fraction += i64::from(digit.to_digit(10)?) * [100, 10, 1][i];
    }
    whole.checked_mul(1000)?.checked_add(fraction)
}

/// Milliseconds of an elapsed duration.
pub fn duration_ms(text: &str) -> Option<i64> {
    match effort(text) {
        Ok(Effort::Elapsed(ms)) => Some(ms),
        _ => None,
    }
}

/// A whole number with `_` allowed between digits.
pub fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    (!plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit())).then(|| plain.parse().ok())?
}

/// Thousandths of a percent point of `12.5%`.
pub fn percent_milli(text: &str) -> Option<i64> {
    milli(text.strip_suffix('%')?)
}

/// Thousandths of `1.5x`.
pub fn factor_milli(text: &str) -> Option<i64> {
    milli(text.strip_suffix('x')?)
}

/// `20USD`: thousandths of a currency, and its three letters.
pub fn money(text: &str) -> Option<(i64, String)> {
    let letters = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, currency) = text.split_at(letters);
    let named = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
    named.then_some(())?;
    Some((milli(number)?, currency.to_string()))
}

/// `12USD/h`, `800.50EUR/d`: an amount, the currency's three letters, and the time it is for.
pub fn rate(text: &str) -> Option<Rate> {
    let (amount, per) = text.split_once('/')?;
    let (milli, currency) = money(amount)?;
    let per_ms = match per {
        "m" | "min" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        "w" => WEEK_MS,
        _ => return None,
    };
    Some(Rate {
        milli,
        currency,
        per_ms,
    })
}

/// Thousandths of a plain decimal such as `4.5`, or of a factor such as `2x`.
pub fn decimal_milli(text: &str) -> Option<i64> {
    let number = text.strip_suffix('x').unwrap_or(text);
    let plain = number
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_');
    (plain && number.starts_with(|c: char| c.is_ascii_digit())).then(|| milli(number))?
}

/// `2025-08-13`; None when it has another shape or does not exist.
pub fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::new(year, month, day)
}

/// Seconds of the day of `09:00` or `09:00:30`.
pub fn time_of_day(text: &str) -> Option<u32> {
    let mut parts = text.split(':').map(|p| p.parse::<u32>().ok());
    let hour = parts.next()??;
    let minute = parts.next()??;
    let second = parts.next().unwrap_or(Some(0))?;
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// `2025-08-10T14:00Z`, `2025-08-10T14:00+02:00`, `2025-08-10T14:00`.
pub fn instant(text: &str) -> Option<Moment> {
    let (day, clock) = text.split_once('T')?;
    let date = date(day)?;
    let (time, offset_minutes) = match clock.find(['Z', '+', '-']) {
        None => (clock, None),
        Some(at) if clock.as_bytes()[at] == b'Z' => (&clock[..at], Some(0)),
        Some(at) => {
            let sign = if clock.as_bytes()[at] == b'-' { -1 } else { 1 };
            let seconds = time_of_day(&clock[at + 1..])?;
            (&clock[..at], Some(sign * (seconds / 60) as i32))
        }
    };
    Some(Moment::Instant {
        date,
        second: time_of_day(time)?,
        offset_minutes,
    })
}

/// Monday first.
pub const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// 1 for `monday` … 7 for `sunday`.
pub fn weekday(word: &str) -> Option<u8> {
    WEEKDAYS
        .iter()
        .position(|d| *d == word)
        .map(|i| i as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_the_same() {
        for text in ["200ms", "1m30s", "30m", "4h", "2d", "1h30m", "0s"] {
            let ms = duration_ms(text).unwrap();
            assert_eq!(crate::time::format_ms(ms), text);
        }
        assert_eq!(duration_ms("1w"), Some(7 * DAY_MS));
        assert_eq!(duration_ms("1.5h"), Some(90 * MINUTE_MS));
        assert_eq!(effort("2wd"), Ok(Effort::WorkingDays(2000)));
        assert_eq!(effort("6wh"), Ok(Effort::Working(6 * HOUR_MS)));
        assert_eq!(effort("immediately"), Ok(Effort::Elapsed(0)));
    }

    #[test]
    fn wrong_units_say_what_was_meant() {
        let meant = |text| match effort(text) {
            Err(UnitError::Unknown { meant, .. }) => meant,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(meant("4hours"), Some("h"));
        assert_eq!(meant("3bananas"), None);
        assert_eq!(effort("30"), Err(UnitError::Missing));
        assert_eq!(
            effort("1month"),
            Err(UnitError::NotFixed {
                unit: "month".into()
            })
        );
        assert_eq!(effort("1m2h"), Err(UnitError::Order));
        assert_eq!(effort("1wd2h"), Err(UnitError::Mixed));
        assert_eq!(effort("1wd2wd"), Err(UnitError::Order));
        assert_eq!(effort("1wd2wh"), Err(UnitError::Order));
        assert_eq!(effort("99999999999999999999h"), Err(UnitError::TooLong));
        assert_eq!(effort("999999999d"), Err(UnitError::TooLong));
    }

    #[test]
    fn dates_exist() {
        assert!(date("2024-02-29").is_some());
        assert!(date("2025-02-29").is_none());
        assert!(instant("2025-08-10T14:00Z").is_some());
        assert!(instant("2025-08-10T24:00Z").is_none());
        let with_offset = instant("2025-08-10T14:00-02:30").unwrap();
        assert!(matches!(
            with_offset,
            Moment::Instant {
                offset_minutes: Some(-150),
                ..
            }
        ));
    }
}
