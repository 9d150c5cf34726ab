//! Metrics that a program measures: its last number is the value.

use crate::driver::{Driver, Happening, latest, verdict};
use crate::work::{self, Finished, Job};
use coord_lang::expr::Value;
use coord_lang::ids::MetricId;
use coord_plan::rules::{Goal, MetricSource};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A program that takes longer gives no number; the run does not wait for it for ever.
const PATIENCE: Duration = Duration::from_secs(300);

impl Driver {
    pub(crate) fn measure(&mut self, metric: MetricId) {
        let plan = Arc::clone(&self.run.plan);
        let rule = &plan.rules.metrics[metric];
        let MetricSource::Run(program) = &rule.from else {
            return;
        };
        let stem = format!("metric.{}", rule.name);
        let like = rule.target.as_ref().map(unit_of);
        let argv = match work::argv(program, &self.logs.join(format!("{stem}.script"))) {
            Ok(argv) => argv,
            Err(error) => {
                self.programs += 1;
                let found = Err(format!("the script cannot be written: {error}"));
                return self.send(Happening::Measured { metric, found });
            }
        };
        let log = self.logs.join(format!("{stem}.log"));
        // what it printed the last time is no measurement of now
        let _none_before = std::fs::remove_file(&log);
        let mut env = self.environment.clone();
        env.push(("COORD_METRIC".into(), rule.name.clone().into()));
        let job = Job {
            argv,
            env: latest(env),
            cwd: self.folder(None),
            log: log.clone(),
            outputs: None,
            grace: self.grace,
            viewer: None,
            masker: self.vault.masker(),
        };
        let sender = self.sender.clone();
        self.programs += 1;
        let Some(reaper) = self.reaper.clone() else {
            let found = Err("this run starts no programs".to_string());
            return self.send(Happening::Measured { metric, found });
        };
        let _program = tokio::task::spawn_local(async move {
            // held until the end: nobody stops it half-way
            let (_stop, stopped) = mpsc::unbounded_channel();
            let working = work::run(&reaper, job, stopped, |_| {});
            let found = match tokio::time::timeout(PATIENCE, working).await {
                Ok(finished) => number_of(&finished, &log, like.as_ref()),
                Err(_) => Err(format!("it took longer than {}s", PATIENCE.as_secs())),
            };
            let _loop_is_gone = sender.send(Happening::Measured { metric, found });
        });
    }
}

/// A value of the unit that a target is in.
fn unit_of(goal: &Goal) -> Value {
    match goal {
        Goal::Compared { value, .. } => value.clone(),
        Goal::Between { low, .. } => low.clone(),
    }
}

fn number_of(finished: &Finished, log: &Path, like: Option<&Value>) -> Result<Value, String> {
    if !finished.outcome.is_success() {
        return Err(verdict(finished).1);
    }
    let printed = work::tail(log).unwrap_or_default();
    last_number(&printed, like).ok_or_else(|| "it printed no number".to_string())
}

/// The last number of a text, in the unit that is wanted: a plain number is a percent where
/// percents are compared, and seconds where durations are.
pub fn last_number(text: &str, like: Option<&Value>) -> Option<Value> {
    let word = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '=' | ':' | '(' | ')');
    text.split(word)
        .rev()
        .filter(|word| !word.is_empty())
        .find_map(|word| value(word.trim_end_matches('.'), like))
}

fn value(word: &str, like: Option<&Value>) -> Option<Value> {
    if let Some(number) = word.strip_suffix('%') {
        return thousandths(number).map(Value::Percent);
    }
    let Some(milli) = thousandths(word) else {
        return coord_lang::value::duration_ms(word).map(Value::Duration);
    };
    Some(match like {
        Some(Value::Percent(_)) => Value::Percent(milli),
        Some(Value::Duration(_)) => Value::Duration(milli),
        _ if milli % 1000 == 0 => Value::Int(milli / 1000),
        _ => Value::Decimal(milli),
    })
}

/// A decimal number, times a thousand.
fn thousandths(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let plain = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let milli = (number * 1000.0).round();
    (plain && milli.abs() < 9e15).then_some(milli as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_read_in_the_unit_of_the_target() {
        let percent = Value::Percent(90_000);
        let duration = Value::Duration(1);
        for (text, like, wanted) in [
            ("coverage: 93.5%\n", None, Some(Value::Percent(93_500))),
            ("12 of 40\n", None, Some(Value::Int(40))),
            ("score=4.25", None, Some(Value::Decimal(4_250))),
            ("93.5", Some(&percent), Some(Value::Percent(93_500))),
            ("1.5", Some(&duration), Some(Value::Duration(1_500))),
            ("took 4h", None, Some(Value::Duration(14_400_000))),
            ("it ends here: 7.", None, Some(Value::Int(7))),
            ("nothing, nan, inf", None, None),
        ] {
            assert_eq!(last_number(text, like), wanted, "{text}");
        }
    }
}
