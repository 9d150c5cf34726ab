//! Longer runs of this project's own: `cargo xtask torture`.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program looks at the clock and at its arguments"
)]

mod torture;
mod trials;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask torture [NAME...] [--count N] [--seed S] [--threads T] [--coord PATH]

Holds what is promised against many courses of events. Without a name, every trial runs with the
count that its promise asks for; `--seed S --count 1` repeats one.
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("torture") => match torture::Order::read(words) {
            Ok(order) => torture::run(&order),
            Err(why) => refuse(&why),
        },
        Some(other) => refuse(&format!("there is no task `{other}`")),
        None => refuse("say what to do"),
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}\n\n{HELP}");
    eprintln!("Trials:\n{}", torture::list());
    ExitCode::from(2)
}
