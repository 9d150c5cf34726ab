//! `site`: the sample web site that coord's first workflow deploys for real. Standard library
//! only, so that a machine with nothing but cargo can build it and run it.
//!
//! In the order of a deployment: `serve` → `health` → `shot` → `report` → `handoff`.

mod args;
mod error;
mod files;
mod time;

mod request;
mod serve;

mod client;
mod html;
mod inspect;

mod health;

mod browser;
mod png;
mod shot;

mod record;

mod handoff;
mod report;

use std::io::Write;
use std::process::ExitCode;

use crate::args::Flags;
use crate::error::Error;

const HELP: &str = "\
site: serves, checks, pictures and hands over a small web site

  site serve   --public DIR --url-file FILE --until FILE [--max 10m] [--fresh]
  site health  --url-file FILE [--within 30s]
  site shot    --url-file FILE --png FILE --text FILE
  site report  --url-file FILE --png FILE --text FILE --out FILE [--expect HEADING]
  site handoff --report FILE --out FILE [--to NAME]

serve runs until the file of --until exists; --fresh removes what an earlier run left.
SITE_BROWSER names the browser of `shot`; `none` saves the page's text only.
COORD_OUTPUTS, COORD_AGENT and COORD_RUN are used where coord sets them.
Exit status: 0 done well, 1 not.
";

fn main() -> ExitCode {
    match dispatch(std::env::args_os()) {
        Ok(line) => {
            say(line.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: impl Iterator<Item = std::ffi::OsString>) -> Result<String, Error> {
    let words = args::utf8(words.skip(1))?;
    let Some((command, rest)) = words.split_first() else {
        return Err(Error::new(
            "no command given",
            "run `site --help` for the list",
        ));
    };
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(HELP.to_owned());
    }
    match command.as_str() {
        "serve" => serve::run(&Flags::parse(rest, &serve::FLAGS)?),
        "health" => health::run(&Flags::parse(rest, &health::FLAGS)?),
        "shot" => shot::run(&Flags::parse(rest, &shot::FLAGS)?),
        "report" => report::run(&Flags::parse(rest, &report::FLAGS)?),
        "handoff" => handoff::run(&Flags::parse(rest, &handoff::FLAGS)?),
        "--help" | "-h" | "help" => Ok(HELP.to_owned()),
        "--version" | "-V" => Ok(format!("site {}", env!("CARGO_PKG_VERSION"))),
        other => Err(Error::new(
            format!("there is no command `{other}`"),
            "one of serve, health, shot, report, handoff",
        )),
    }
}

/// One line to standard output. A reader that went away is no reason to stop serving.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
