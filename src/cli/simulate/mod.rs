//! `coord simulate`: many runs of a plan in virtual time, drawn from a seed.

mod report;
mod tally;
mod world;

use super::Screen;
use super::args::{Common, Simulate, TextOrJson};
use super::exit::{Exit, Outcome};
use super::project;
use super::virtual_time::{self, CORES, LONGEST_MS, STEPS};
use coord_engine::simulation::{Dice, Simulation};
use coord_plan::compile::Settings;
use coord_plan::plan::Plan;
use tally::Ran;
use world::{Drawn, Odds};

pub(crate) fn simulate(common: &Common, screen: &Screen, args: &Simulate) -> Outcome {
    let project = &args.project;
    let settings = Settings {
        workflow: project.workflow.clone(),
        ..Settings::default()
    };
    let loaded = project::load(common, project.file.as_deref(), &project.set, settings)?;
    let plan = loaded.whole(screen)?;
    let odds = Odds {
        fail: u64::from(args.fail),
        silent: u64::from(args.silent),
    };
    let ran = all(plan, args.runs as usize, args.seed, odds);
    let tally = tally::tally(plan, &ran, CORES);
    match args.format {
        TextOrJson::Json => screen.json(&report::json(plan, &tally, args.seed)),
        TextOrJson::Text => screen.out(&report::text(plan, &tally, args.seed)),
    }
    Ok(Exit::Done)
}

/// Every run, in order; shared out among the cores.
fn all(plan: &Plan, runs: usize, seed: u64, odds: Odds) -> Vec<Ran> {
    let mut dice = Dice(seed);
    let seeds: Vec<u64> = (0..runs).map(|_| dice.roll()).collect();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let share = runs.div_ceil(cores).max(1);
    let play = |seeds: &[u64]| -> Vec<Ran> {
        let seeds = seeds.iter();
        seeds.map(|seed| one(plan, *seed, odds)).collect()
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = seeds
            .chunks(share)
            .map(|some| (some, scope.spawn(|| play(some))))
            .collect();
        let ended = shares.into_iter().flat_map(|(some, thread)| {
            // a thread that was lost is made up for here
            thread.join().unwrap_or_else(|_| play(some))
        });
        ended.collect()
    })
}

fn one(plan: &Plan, seed: u64, odds: Odds) -> Ran {
    let start_ms = virtual_time::start_ms(plan);
    let mut simulation = Simulation::new(plan, Drawn { seed, odds }, start_ms);
    // a fresh run takes a start
    drop(simulation.start("simulated", virtual_time::options(plan)));
    let mut too_long = false;
    for step in 0.. {
        let ended = simulation.state().status().is_ended();
        let Some(next) = simulation.next_of_work_ms().filter(|_| !ended) else {
            break;
        };
        too_long = step > STEPS || next > start_ms + LONGEST_MS;
        if too_long || !simulation.advance() {
            break;
        }
    }
    let (state, events) = (simulation.state(), simulation.events());
    tally::ran(plan, state, events, start_ms, CORES, too_long)
}
