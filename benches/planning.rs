//! Measures the planner on instances of the resource-constrained project scheduling problem.
//!
//! ```sh
//! cargo bench -p coord-plan --bench planning -- INSTANCES.jsonl BEST.csv [BUDGET_MS] [EVERY] [SEED]
//! ```
//!
//! An instance is one line of JSON: `{"name", "set", "resources": [{"id", "capacity"}], "tasks":
//! [{"id", "duration", "deps": [id], "demand": {id: amount}}]}`. The CSV has the columns `name, set,
//! cpl, lb, ub`: the critical path's length and the best bounds known. Of the instances every
//! EVERYth is taken. Each schedule is held against its plan by the checker, and each bound against
//! what is known. The CPU time is that of one of the search's two threads.

#![expect(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program reads files"
)]

use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use coord_plan::levelling::{Options, PLACEMENTS_PER_SECOND};
use coord_plan::plan::Plan;
use coord_plan::schedule::check::validate;
use coord_plan::schedule::schedule;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Instances at a time.
const JOBS: usize = 2;
const UNIT_MS: i64 = 3_600_000;

/// What is known of an instance.
#[derive(Clone, Copy, Default)]
struct Known {
    critical_path: i64,
    lower: i64,
    upper: i64,
}

struct Row {
    set: String,
    name: String,
    known: Known,
    makespan: i64,
    bound: i64,
    optimal: bool,
    cpu_s: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let [instances, best, rest @ ..] = &args[..] else {
        println!("nothing to measure: give INSTANCES.jsonl BEST.csv [BUDGET_MS] [EVERY] [SEED]");
        return Ok(());
    };
    let number = |at: usize, default: u64| rest.get(at).map_or(Ok(default), |text| text.parse());
    let options = Options {
        budget: number(0, 1_000)? * PLACEMENTS_PER_SECOND / 1_000,
        seed: number(2, 1)?,
        ..Options::default()
    };
    let known = known(&std::fs::read_to_string(best)?)?;
    let text = std::fs::read_to_string(instances)?;
    let lines: Vec<&str> = text
        .lines()
        .step_by(number(1, 1)?.max(1) as usize)
        .collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = measure(line, &known, &options).expect("an instance in this form");
                    rows.lock().expect("no job panics").push(row);
                }
            });
        }
    });
    report(&rows.into_inner().expect("no job panics"));
    Ok(())
}

fn known(csv: &str) -> Result<BTreeMap<String, Known>, Box<dyn Error>> {
    let mut known = BTreeMap::new();
    for line in csv.lines().skip(1) {
        if let [name, _, critical_path, lower, upper, ..] = line.split(',').collect::<Vec<_>>()[..]
        {
            let row = Known {
                critical_path: critical_path.parse()?,
                lower: lower.parse()?,
                upper: upper.parse()?,
            };
            known.insert(name.to_string(), row);
        }
    }
    Ok(known)
}

fn measure(line: &str, known: &BTreeMap<String, Known>, options: &Options) -> Option<Row> {
    let instance: Value = serde_json::from_str(line).ok()?;
    let (name, plan) = (instance["name"].as_str()?, plan(&instance)?);
    let before = cpu_s();
    let schedule = schedule(&plan, options);
    let cpu_s = cpu_s() - before;
    assert_eq!(validate(&plan, &schedule), Ok(()), "{name}");
    Some(Row {
        set: instance["set"].as_str()?.to_string(),
        known: known.get(name).copied().unwrap_or_default(),
        makespan: schedule.makespan_ms / UNIT_MS,
        bound: schedule.lower_bound.ms / UNIT_MS,
        optimal: schedule.optimal,
        name: name.to_string(),
        cpu_s,
    })
}

fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn report(rows: &[Row]) {
    let mut sets: Vec<&str> = rows.iter().map(|row| row.set.as_str()).collect();
    sets.sort_unstable();
    sets.dedup();
    println!(
        "| set | instances | % above the critical path | % above the best known | as good as the best known | proven | mean gap % | CPU s mean | max |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for set in sets {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.set == set).collect();
        let mean = |value: &dyn Fn(&Row) -> f64| {
            rows.iter().map(|row| value(row)).sum::<f64>() / rows.len() as f64
        };
        let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count();
        println!(
            "| {set} | {} | {:.3} | {:.4} | {} | {} of {} | {:.2} | {:.4} | {:.3} |",
            rows.len(),
            mean(&|row| above(row.makespan, row.known.critical_path)),
            mean(&|row| above(row.makespan, row.known.upper)),
            count(&|row| row.makespan <= row.known.upper),
            count(&|row| row.optimal),
            count(&|row| row.known.lower == row.known.upper),
            mean(&|row| above(row.makespan, row.bound)),
            mean(&|row| row.cpu_s),
            rows.iter().map(|row| row.cpu_s).fold(0.0, f64::max),
        );
    }
    for row in rows.iter().filter(|row| row.is_wrong()) {
        println!(
            "WRONG: {} has {} and bound {}",
            row.name, row.makespan, row.bound
        );
    }
}

fn above(value: i64, base: i64) -> f64 {
    (value - base) as f64 * 100.0 / base.max(1) as f64
}

impl Row {
    /// Contradicts what is known.
    fn is_wrong(&self) -> bool {
        self.bound > self.known.upper
            || self.makespan < self.known.lower
            || (self.optimal && self.makespan > self.known.upper)
    }
}

/// The instance as a project, an hour for each unit of time.
fn project(instance: &Value) -> Option<String> {
    let tasks = instance["tasks"].as_array()?;
    let mut text = format!("edition 2026\nhuman crew {{ capacity {} }}\n", tasks.len());
    for resource in instance["resources"].as_array()? {
        let (name, capacity) = (resource["id"].as_str()?, resource["capacity"].as_u64()?);
        text += &format!("resource {name} {{ capacity {capacity} }}\n");
    }
    for task in tasks {
        text += &format!("task t{} {{\n  by crew\n", task["id"].as_str()?);
        match task["duration"].as_u64()? {
            0 => {}
            hours => text += &format!("  takes {hours}h\n"),
        }
        for (resource, amount) in task["demand"].as_object()? {
            text += &format!("  uses {resource} {amount}\n");
        }
        for need in task["deps"].as_array()? {
            text += &format!("  needs t{}\n", need.as_str()?);
        }
        text += "}\n";
    }
    Some(text)
}

fn plan(instance: &Value) -> Option<Plan> {
    let sources = Sources::single("instance.coord", project(instance)?);
    let compiled = compile(&sources, &Settings::default());
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|d| d.is_error())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    compiled.plan
}
