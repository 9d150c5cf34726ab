//! `--name value` and `--name=value`, and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::time;

/// What a command accepts.
pub(crate) struct Accepts {
    pub(crate) required: &'static [&'static str],
    pub(crate) optional: &'static [&'static str],
    pub(crate) switches: &'static [&'static str],
}

/// What was given: every required flag is there, and no unknown one.
#[derive(Debug)]
pub(crate) struct Flags {
    values: BTreeMap<String, String>,
}

impl Flags {
    pub(crate) fn parse(words: &[String], accepts: &Accepts) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, value) = accepts.take(word, &mut words)?;
            if values.insert(name.clone(), value).is_some() {
                return Err(Error::new(
                    format!("`--{name}` is given twice"),
                    "give it once",
                ));
            }
        }
        let missing = accepts
            .required
            .iter()
            .find(|name| !values.contains_key(**name));
        match missing {
            Some(name) => Err(Error::new(format!("`--{name}` is missing"), SEE_HELP)),
            None => Ok(Self { values }),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn has(&self, switch: &str) -> bool {
        self.values.contains_key(switch)
    }

    /// The path of a required flag.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(
            self.text(name)
                .unwrap_or_else(|| panic!("BUG: --{name} is not required")),
        )
    }

    pub(crate) fn duration(&self, name: &str, default: Duration) -> Result<Duration, Error> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        time::parse_duration(text).ok_or_else(|| {
            Error::new(
                format!("`--{name} {text}` is no length of time"),
                "write a number with a unit: 500ms, 30s, 10m or 1h",
            )
        })
    }
}

const SEE_HELP: &str = "run `site --help` for the flags of each command";

impl Accepts {
    fn take<'a>(
        &self,
        word: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(String, String), Error> {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let unknown = || Error::new(format!("`{word}` is not understood"), SEE_HELP);
        let name = name.strip_prefix("--").ok_or_else(unknown)?;
        if self.switches.contains(&name) && inline.is_none() {
            return Ok((name.to_owned(), String::new()));
        }
        if !self.required.contains(&name) && !self.optional.contains(&name) {
            return Err(unknown());
        }
        let value = inline
            .or_else(|| rest.next().cloned())
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            Error::new(
                format!("`--{name}` has no value"),
                format!("write `--{name} VALUE`"),
            )
        })?;
        Ok((name.to_owned(), value))
    }
}

pub(crate) fn utf8(words: impl Iterator<Item = OsString>) -> Result<Vec<String>, Error> {
    words
        .map(|word| {
            word.into_string().map_err(|word| {
                Error::new(
                    format!("{word:?} is no UTF-8 text"),
                    "use a path of plain characters",
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTS: Accepts = Accepts {
        required: &["out"],
        optional: &["max"],
        switches: &["fresh"],
    };

    fn parse(line: &str) -> Result<Flags, Error> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Flags::parse(&words, &ACCEPTS)
    }

    #[test]
    fn both_ways_to_write_a_value() {
        let flags = parse("--out=a=b --max 2s --fresh").unwrap();
        assert_eq!(flags.path("out"), PathBuf::from("a=b"));
        assert_eq!(
            flags.duration("max", Duration::ZERO).unwrap(),
            Duration::from_secs(2)
        );
        assert!(flags.has("fresh"));
    }

    #[test]
    fn every_mistake_names_its_flag() {
        for (line, says) in [
            ("", "`--out` is missing"),
            ("--out", "`--out` has no value"),
            ("--out a --out b", "`--out` is given twice"),
            ("--out a --colour red", "`--colour` is not understood"),
            ("--out a extra", "`extra` is not understood"),
            ("--out a --fresh=yes", "`--fresh=yes` is not understood"),
        ] {
            assert!(
                parse(line).unwrap_err().to_string().contains(says),
                "{line}"
            );
        }
        let flags = parse("--out a --max soon").unwrap();
        let error = flags
            .duration("max", Duration::ZERO)
            .unwrap_err()
            .to_string();
        assert!(error.contains("10m"), "{error}");
    }
}
