//! `site health`: waits until the site answers, then asks for everything it is made of.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::args::{Accepts, Flags};
use crate::client::{self, BaseUrl};
use crate::error::Error;
use crate::inspect::{Inspection, inspect};
use crate::{files, say};

pub(crate) const FLAGS: Accepts = Accepts {
    required: &["url-file"],
    optional: &["within"],
    switches: &[],
};

const DEFAULT_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(crate) fn run(flags: &Flags) -> Result<String, Error> {
    let within = flags.duration("within", DEFAULT_WITHIN)?;
    let started = Instant::now();
    let base = wait_for_answer(&flags.path("url-file"), within)?;
    let inspection = inspect(&base);
    print_table(&inspection);
    let (count, faults) = (inspection.checks.len(), inspection.faults());
    if let Some((check, fault)) = inspection.checks.iter().find_map(|c| Some((c, c.fault()?))) {
        return Err(Error::new(
            format!(
                "{faults} of {count} checks at {base} failed; first {}: {fault}",
                check.path
            ),
            "put the missing file into the folder of `site serve --public`, or mend the reference",
        ));
    }
    files::add_output("url", &base.to_string())?;
    let ms = started.elapsed().as_millis();
    Ok(format!("healthy: {base} passed {count} checks in {ms} ms"))
}

/// Reads the URL anew each time: a server that starts again gets another port.
fn wait_for_answer(url_file: &Path, within: Duration) -> Result<BaseUrl, Error> {
    let started = Instant::now();
    loop {
        let why = match BaseUrl::read(url_file) {
            Ok(base) => match client::get(&base, "/healthz") {
                Ok(answer) if answer.status == 200 => return Ok(base),
                Ok(answer) => format!("{base}/healthz says {}", answer.status),
                Err(why) => why,
            },
            Err(why) => why,
        };
        let Some(left) = within.checked_sub(started.elapsed()) else {
            return Err(Error::new(
                format!("not healthy within {} s: {why}", within.as_secs_f64()),
                "look at the output of `site serve`, or wait longer with --within",
            ));
        };
        std::thread::sleep(POLL.min(left));
    }
}

fn print_table(inspection: &Inspection) {
    let longest = inspection
        .checks
        .iter()
        .map(|c| c.path.chars().count())
        .max()
        .unwrap_or(0);
    let width = longest.max("check".len());
    say(&format!("{:<width$}  status     bytes        ms", "check"));
    for check in &inspection.checks {
        let status = check
            .outcome
            .as_ref()
            .map_or("-".to_owned(), u16::to_string);
        let fault = check
            .fault()
            .map(|fault| format!("  {fault}"))
            .unwrap_or_default();
        let (path, bytes, ms) = (&check.path, check.bytes, check.ms);
        say(&format!(
            "{path:<width$}  {status:>6}  {bytes:>8}  {ms:>8.1}{fault}"
        ));
    }
    for reference in &inspection.elsewhere {
        say(&format!(
            "{reference:<width$}  not of this site, not visited"
        ));
    }
}
