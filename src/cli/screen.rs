//! The two streams: what is a result, what is talk, and whether colour is welcome.

use super::args::Color;
use super::exit::Failure;
use super::render::diagnostics::Style;
use serde_json::Value;
use std::io::{IsTerminal, Write};

pub(crate) struct Screen {
    color_out: bool,
    color_err: bool,
}

impl Screen {
    /// `--color` over `NO_COLOR` and `CLICOLOR_FORCE` over what the streams are.
    pub(crate) fn new(color: Color) -> Screen {
        let on = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
                let forced = set("CLICOLOR_FORCE")
                    && std::env::var("CLICOLOR_FORCE").is_ok_and(|v| v != "0");
                let dumb = std::env::var("TERM").is_ok_and(|t| t == "dumb");
                !set("NO_COLOR") && (forced || (terminal && !dumb))
            }
        };
        Screen {
            color_out: on(std::io::stdout().is_terminal()),
            color_err: on(std::io::stderr().is_terminal()),
        }
    }

    /// Whether results may be coloured.
    pub(crate) fn color_out(&self) -> bool {
        self.color_out
    }

    /// Whether talk may be coloured.
    pub(crate) fn color_err(&self) -> bool {
        self.color_err
    }

    /// How diagnostics are drawn.
    pub(crate) fn style(&self) -> Style {
        Style {
            color: self.color_err,
            width: self.width().unwrap_or(100),
        }
    }

    /// Columns of the terminal, when there is one.
    pub(crate) fn width(&self) -> Option<usize> {
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)))
    }

    /// A result. A reader that has gone away ends the program quietly; any other failure to write
    /// it is an error, or an empty file would pass for a result.
    pub(crate) fn out(&self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// A result as bytes: what tasks printed.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.cannot_write(&error);
        }
    }

    fn cannot_write(&self, error: &std::io::Error) -> ! {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(super::exit::Exit::Done as i32);
        }
        self.failure(&Failure::environment(format!(
            "cannot write standard output: {error}"
        )));
        std::process::exit(super::exit::Exit::Environment as i32);
    }

    /// Talk.
    pub(crate) fn err(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// A result as JSON, one value, indented.
    pub(crate) fn json(&self, value: &Value) {
        self.out(&format!("{value:#}\n"));
    }

    /// Why the command could not do its work.
    pub(crate) fn failure(&self, failure: &Failure) {
        let (red, cyan, off) = if self.color_err {
            ("\x1b[1;31m", "\x1b[36m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        let mut text = format!("{red}error{off}: {}\n", failure.message);
        if let Some(help) = &failure.help {
            text.push_str(&format!("  {cyan}help{off}: {help}\n"));
        }
        self.err(&text);
    }

    pub(crate) fn flush(&self) {
        let _ = std::io::stdout().lock().flush();
    }
}
