//! Times of a plan in words: `Wed 13 Aug 17:00`, `2d 4h`.

use crate::plan::Plan;
use coord_lang::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Says when something is, in the plan's time zone; without an origin, as a time since the start.
#[derive(Clone, Debug)]
pub struct Clock {
    origin_ms: Option<i64>,
    zone: TimeZone,
    /// What it is about is so short that minutes do not say enough.
    seconds: bool,
}

impl Clock {
    pub fn of(plan: &Plan) -> Clock {
        let zone = TimeZone::get(&plan.timezone).unwrap_or(TimeZone::UTC);
        Clock {
            origin_ms: plan.origin_ms,
            zone,
            seconds: false,
        }
    }

    /// For something that lasts so long: up to an hour, times have seconds.
    pub fn lasting_for(self, ms: i64) -> Clock {
        Clock {
            seconds: (1..HOUR_MS).contains(&ms),
            ..self
        }
    }

    /// `ms` from the origin as a day and a time.
    pub fn at(&self, ms: i64) -> String {
        let how = match self.seconds {
            true => "%a %-d %b %H:%M:%S",
            false => "%a %-d %b %H:%M",
        };
        self.format(ms, how)
            .unwrap_or_else(|| format!("{} after the start", lasting(ms)))
    }

    /// `ms` from the origin as a day alone: `13 Aug`.
    pub fn day(&self, ms: i64) -> String {
        self.format(ms, "%-d %b")
            .unwrap_or_else(|| format!("day {}", ms.div_euclid(DAY_MS) + 1))
    }

    /// `ms` from the origin as RFC 3339; None without an origin.
    pub fn rfc3339(&self, ms: i64) -> Option<String> {
        self.format(ms, "%Y-%m-%dT%H:%M:%S%:z")
            .map(|s| s.replace("+00:00", "Z"))
    }

    /// True when the plan has real dates.
    pub fn is_dated(&self) -> bool {
        self.origin_ms.is_some()
    }

    /// Ms from the origin of every midnight in `from..to`, for rulers.
    pub fn midnights(&self, from_ms: i64, to_ms: i64) -> Vec<i64> {
        let origin = self.origin_ms.unwrap_or(0);
        let Ok(start) = Timestamp::from_millisecond(origin.saturating_add(from_ms)) else {
            return Vec::new();
        };
        let mut day = start.to_zoned(self.zone.clone()).date();
        let mut found = Vec::new();
        while found.len() < 20_000 {
            let Ok(zoned) = day.to_zoned(self.zone.clone()) else {
                break;
            };
            let at = zoned.timestamp().as_millisecond() - origin;
            if at > to_ms {
                break;
            }
            if at >= from_ms {
                found.push(at);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        found
    }

    /// How long `ms` is.
    pub fn lasting(&self, ms: i64) -> String {
        lasting(ms)
    }

    fn format(&self, ms: i64, how: &str) -> Option<String> {
        let at = Timestamp::from_millisecond(self.origin_ms?.checked_add(ms)?).ok()?;
        Some(at.to_zoned(self.zone.clone()).strftime(how).to_string())
    }
}

/// A length of time in at most two units: `2d 4h`, `1h 30m`, `450ms`.
pub fn lasting(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let mut rest = ms.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, name) in [
        (DAY_MS, "d"),
        (HOUR_MS, "h"),
        (MINUTE_MS, "m"),
        (SECOND_MS, "s"),
    ] {
        let n = rest / unit as u64;
        rest %= unit as u64;
        if n > 0 {
            parts.push(format!("{n}{name}"));
        }
        if parts.len() == 2 || (!parts.is_empty() && n == 0) {
            break;
        }
    }
    if parts.is_empty() {
        return if rest > 0 {
            format!("{sign}{rest}ms")
        } else {
            "0s".into()
        };
    }
    format!("{sign}{}", parts.join(" "))
}
