//! `coord simulate`: many runs of a plan in virtual time, drawn from a seed.

mod report;
mod tally;
mod world;

use super::Screen;
use super::args::{Common, Simulate, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::project;
use super::render::diagnostics;
use coord_engine::Options;
use coord_engine::simulation::{Dice, Simulation};
use coord_plan::calendar::Calendar;
use coord_plan::compile::Settings;
use coord_plan::plan::Plan;
use tally::Ran;
use world::{Drawn, Odds};

const DAY_MS: i64 = 86_400_000;
/// Monday, 2025-01-06: where a project that does not say when it starts begins.
const SOME_MONDAY_MS: i64 = 1_736_121_600_000;
/// No run goes on for longer.
const LONGEST_MS: i64 = 3 * 366 * DAY_MS;
/// More than this many things that happen are a loop.
const STEPS: usize = 2_000_000;
/// Machine tasks at work at once, as on a machine of some size: the same on every machine.
const CORES: u32 = 8;

pub(crate) fn simulate(common: &Common, screen: &Screen, args: &Simulate) -> Outcome {
    let project = &args.project;
    let settings = Settings {
        workflow: project.workflow.clone(),
        ..Settings::default()
    };
    let loaded = project::load(common, project.file.as_deref(), &project.set, settings)?;
    let compiled = &loaded.compiled;
    let Some(plan) = compiled.whole().filter(|_| !compiled.has_errors()) else {
        screen.err(&diagnostics::text(
            &loaded.sources,
            &compiled.diagnostics,
            screen.style(),
        ));
        return Err(
            Failure::wrong(format!("{} has mistakes", loaded.file.display()))
                .help("`coord check` shows them alone"),
        );
    };
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
    let calendar = Calendar::of(plan);
    let mut dice = Dice(seed);
    let seeds: Vec<u64> = (0..runs).map(|_| dice.roll()).collect();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let share = runs.div_ceil(cores).max(1);
    let play = |seeds: &[u64]| -> Vec<Ran> {
        let seeds = seeds.iter();
        seeds
            .map(|seed| one(plan, &calendar, *seed, odds))
            .collect()
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

fn one(plan: &Plan, calendar: &Calendar, seed: u64, odds: Odds) -> Ran {
    let start_ms = plan.origin_ms.unwrap_or(SOME_MONDAY_MS);
    let world = Drawn {
        calendar,
        origin_ms: start_ms,
        seed,
        odds,
    };
    let options = Options {
        cores: CORES,
        respect_calendar: plan.origin_ms.is_some(),
        ..Options::default()
    };
    let mut simulation = Simulation::new(plan, world, start_ms);
    // a fresh run takes a start
    drop(simulation.start("simulated", options));
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
