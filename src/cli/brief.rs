//! `coord brief`: what somebody is told of a task.

use super::args::{Brief as Args, Common, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::project;
use super::screen::Screen;
use coord_engine::State;
use coord_host::brief::{self, Brief};
use coord_lang::schema::closest;
use coord_plan::compile::Settings;
use coord_plan::plan::Plan;
use serde_json::json;
use std::path::Path;

pub(crate) fn brief(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let (first, second) = (args.file_or_task.as_str(), args.task.as_deref());
    let told = match second {
        Some(task) if is_a_project(first) => of_project(common, screen, first, task, &args.set)?,
        _ => {
            let home = home::existing(common)?;
            let (run, task) = home::run_and_task(&home::reader(&home)?, first, second)?;
            of(&run.plan, &run.state, &task)?
        }
    };
    match args.format {
        TextOrJson::Text => screen.out(&told.markdown()),
        TextOrJson::Json => screen.json(&json!(told)),
    }
    Ok(Exit::Done)
}

fn is_a_project(word: &str) -> bool {
    word.ends_with(".coord") || Path::new(word).exists()
}

/// Before a run: what would be told first.
fn of_project(
    common: &Common,
    screen: &Screen,
    file: &str,
    task: &str,
    set: &[String],
) -> Result<Brief, Failure> {
    let loaded = project::load(common, Some(Path::new(file)), set, Settings::default())?;
    let plan = loaded.whole(screen)?;
    of(plan, &State::new(plan), task)
}

/// Of a task of a plan, for those who do it.
pub(crate) fn of(plan: &Plan, state: &State, name: &str) -> Result<Brief, Failure> {
    let found = plan.find(name);
    let found = found.and_then(|node| Some((node, plan.task(node)?)));
    let Some((node, task)) = found else {
        let failure = Failure::wrong(format!("there is no task `{name}`"));
        let names = plan.tasks().map(|(_, node, _)| node.name.as_str());
        return Err(match closest(name, names).first() {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure.help("`coord plan` lists them"),
        });
    };
    let attempt = state.node(node).attempt.as_ref();
    let agents = match attempt {
        Some(attempt) => attempt.agents.as_slice(),
        None => task.by.agents(),
    };
    Ok(brief::of(plan, state, node, task, agents))
}
