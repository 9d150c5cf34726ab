//! What people were told, below what they are asked: the notices of open runs.

use super::exit::Failure;
use super::home;
use super::render::{rule_words, words};
use coord_engine::{Fact, RuleFact};
use coord_host::clock;
use coord_host::journal::Reader;
use coord_host::run::Run;

/// The newest notices that are shown.
const SHOWN: usize = 20;

/// The last notices of `runs`, of one receiver when one is named; the same, told through several
/// channels, once.
pub(crate) fn told(reader: &Reader, runs: &[Run], who: Option<&str>) -> Result<String, Failure> {
    let mut lines: Vec<String> = Vec::new();
    for run in runs {
        Run::load_with(reader, &run.id, &mut |plan, _, event| {
            let Fact::Rule(RuleFact::NoticeSent { of, text, .. }) = &event.fact else {
                return;
            };
            let names: Vec<&str> = (of.iter())
                .map(|agent| plan.agents[*agent].name.as_str())
                .collect();
            let mine = who.is_none_or(|who| names.is_empty() || names.contains(&who));
            let line = format!(
                "{} (told): {}\n    at {}, run {}\n\n",
                rule_words::names(plan, of),
                words::plain(text),
                clock::rfc3339(event.at_ms),
                run.id
            );
            if mine && lines.last() != Some(&line) {
                lines.push(line);
            }
        })
        .map_err(|error| home::run_failure(reader, error))?;
    }
    let first = lines.len().saturating_sub(SHOWN);
    Ok(lines[first..].concat())
}
