//! The command line: people and programs on one side, the crates on the other.
//!
//! One file a command. No decisions here: conversion and rendering only. Results go to standard
//! output, everything else to standard error.

mod args;
mod check;
mod exit;
mod project;
mod render;
mod screen;

use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use exit::{Exit, Outcome};
use screen::Screen;

/// Parses the arguments, runs the command, and returns the exit status.
pub(crate) fn main() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if shown { Exit::Done as i32 } else { Exit::Wrong as i32 };
        }
    };
    let screen = Screen::new(cli.common.color);
    let outcome = dispatch(&cli, &screen);
    screen.flush();
    match outcome {
        Ok(exit) => exit as i32,
        Err(failure) => {
            screen.failure(&failure);
            failure.exit as i32
        }
    }
}

fn dispatch(cli: &Cli, screen: &Screen) -> Outcome {
    let common = &cli.common;
    match &cli.command {
        Command::Check(args) => check::check(common, screen, args),
        _ => Err(exit::Failure::wrong("not built yet")),
    }
}
