//! `embed`: release notes by a team of agents, coordinated by this program itself.
//!
//! ```text
//! embed show           the coordination as .coord text, for people to review
//! embed plan           when it would be done, and what is critical
//! embed rehearse       the whole run in virtual time
//! embed run FOLDER     for real; a second call goes on with what is left
//! ```
//!
//! `project` puts the coordination together, `writer` is the driver that speaks for its agents.

mod project;
mod writer;

use coord::{Answer, Local, Project, Question, Reach, Report, Seen, Virtual};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// The label of the agents that this program speaks for.
const LABEL: &str = "writer";

fn main() -> ExitCode {
    // lets this program start the programs of tasks: always the first line
    coord::helper();
    match embed(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn embed(args: Vec<String>) -> Result<(), Box<dyn Error>> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // its mistakes would be the diagnostics that `coord check` has for its text
    let project = project::release_notes(&["parser", "planner", "runner"]).compile()?;
    match args.as_slice() {
        ["show"] => print!("{}", project.text()),
        ["plan"] => plan(&project),
        ["rehearse"] => told(&rehearse(&project)?)?,
        ["run", folder] => told(&run(&project, folder)?)?,
        _ => return Err("embed show | plan | rehearse | run FOLDER".into()),
    }
    Ok(())
}

fn plan(project: &Project) {
    let (plan, schedule) = (project.plan(), project.schedule());
    let hours = |ms: i64| ms as f64 / 3_600_000.0;
    println!(
        "{} tasks, done after {} hours",
        plan.tasks().count(),
        hours(schedule.makespan_ms)
    );
    for step in &schedule.critical_path {
        println!("  critical: {}", plan.nodes[step.node].name);
    }
}

/// In virtual time: the same driver, and an editor who takes her time.
fn rehearse(project: &Project) -> Result<Report, coord::Error> {
    Virtual::new()
        .drive(Reach::Label(LABEL.into()), writer::Writer)
        .people(|_: &Question| Some(Answer::yes().after(Duration::from_secs(3 * 3600))))
        .run(project)
}

/// For real. Whatever was left by an earlier call is finished first.
fn run(project: &Project, folder: &str) -> Result<Report, coord::Error> {
    let here = || {
        Local::new(folder)
            .drive(Reach::Label(LABEL.into()), writer::Writer)
            .people(|asked: &Question| {
                println!("asked: {} ({})", asked.text, asked.of.join(", "));
                Some(Answer::yes().note("reads well"))
            })
            .watch(|seen: &Seen<'_>| {
                if seen.kind() == "task.completed" {
                    println!("done: {}", seen.about().unwrap_or_default());
                }
            })
    };
    match here().resume(None) {
        Err(coord::Error::NothingLeft) => here().run(project),
        gone_on => gone_on,
    }
}

fn told(report: &Report) -> Result<(), String> {
    for name in report.tasks() {
        let status = report.status(name).map_or("unknown", |s| s.name());
        println!(
            "{name}: {status}, tries: {}",
            report.attempts(name).unwrap_or(0)
        );
    }
    match report.took_ms() {
        _ if !report.is_completed() => Err(format!("the run ended {:?}", report.end())),
        Some(took) if took >= 60_000 => {
            println!("completed after {} minutes", took / 60_000);
            Ok(())
        }
        _ => {
            println!("completed");
            Ok(())
        }
    }
}
