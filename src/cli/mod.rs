//! The command line: people and programs on one side, the crates on the other.
//!
//! One file a command. No decisions here: conversion and rendering only. Results go to standard
//! output, everything else to standard error.

mod answer;
mod args;
mod brief;
mod check;
mod crash_test;
mod diff;
mod doctor;
mod exit;
mod experience;
mod explain;
mod files;
mod fix;
mod fmt;
mod gc;
mod graph;
mod home;
mod init;
mod logs;
mod look;
mod man;
mod mcp;
mod order;
mod plan;
mod project;
mod raise;
mod render;
mod report;
mod revision;
mod rules;
mod run;
mod scenario;
mod schema;
mod screen;
mod simulate;
mod since;
mod support;
mod told;
mod verify;
mod virtual_time;

use args::{Cli, Command};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use coord_engine::Verdict;
use exit::{Exit, Outcome};
use screen::Screen;

/// The language server, which this floor does not know: given the limits, it serves until its
/// client leaves and returns the exit status.
pub(crate) type Serve = fn(coord_lang::syntax::Limits) -> i32;

/// Parses the arguments, runs the command, and returns the exit status.
pub(crate) fn main(lsp: Serve) -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let _ = error.print();
            return if shown {
                Exit::Done as i32
            } else {
                Exit::Wrong as i32
            };
        }
    };
    let screen = Screen::new(cli.common.color);
    let outcome = match cli.command {
        Command::Lsp => project::limits(&cli.common).map(lsp),
        _ => dispatch(&cli, &screen).map(|exit| exit as i32),
    };
    screen.flush();
    match outcome {
        Ok(status) => status,
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
        Command::Test(args) => scenario::test(common, screen, args),
        Command::Simulate(args) => simulate::simulate(common, screen, args),
        Command::Verify(args) => verify::verify(common, screen, args),
        Command::Plan(args) => plan::plan(common, screen, args),
        Command::Diff(args) => diff::diff(common, screen, args),
        Command::Graph(args) => graph::graph(common, screen, args),
        Command::Init(args) => init::init(common, screen, args),
        Command::Fmt(args) => fmt::fmt(common, screen, args),
        Command::Run(args) => run::run(common, screen, args),
        Command::Resume(args) => run::resume(common, screen, args),
        Command::Cancel(args) => order::cancel(common, screen, args),
        Command::Runs(args) => look::runs(common, screen, args),
        Command::Status(args) => look::status(common, screen, args),
        Command::Logs(args) => logs::logs(common, screen, args),
        Command::Why(args) => look::why_is_it(common, screen, args),
        Command::Brief(args) => brief::brief(common, screen, args),
        Command::Inbox(args) => look::inbox(common, screen, args),
        Command::Done(args) => answer::answer(common, screen, args, Verdict::Done),
        Command::Approve(args) => answer::answer(common, screen, args, Verdict::Approve),
        Command::Reject(args) => answer::answer(common, screen, args, Verdict::Reject),
        Command::Accept(args) => answer::answer(common, screen, args, Verdict::Accept),
        Command::Answer(args) => answer::choose(common, screen, args),
        Command::Decide(args) => answer::decide(common, screen, args),
        Command::Retry(args) => order::retry(common, screen, args),
        Command::Skip(args) => order::skip(common, screen, args),
        Command::Report(args) => report::report(common, screen, args),
        Command::Reassign(args) => order::reassign(common, screen, args),
        Command::Raise(args) => raise::raise(common, screen, args),
        Command::SafeMode(args) => raise::safe_mode(common, screen, args),
        Command::Halt(args) => raise::halt(common, screen, args),
        Command::Start(args) => raise::start(common, screen, args),
        Command::Measure(args) => raise::measure(common, screen, args),
        Command::Backup(args) => gc::backup(common, screen, args),
        Command::Gc(args) => gc::gc(common, screen, args),
        Command::Doctor(args) => doctor::doctor(common, screen, args),
        Command::Fix(args) => fix::fix(common, screen, args),
        Command::Schema(args) => schema::schema(screen, args),
        Command::Mcp(args) => mcp::mcp(common, args),
        Command::Man => man::man(screen),
        Command::Explain(args) => explain::explain(screen, args),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "coord", &mut text);
            screen.raw(&text);
            Ok(Exit::Done)
        }
        Command::Lsp | Command::Reaper => Ok(Exit::Done),
    }
}
