//! Measures the planner on instances of the resource-constrained project scheduling problem.
//!
//! ```sh
//! cargo bench -p coord-plan --bench planning -- INSTANCES.jsonl BEST.csv [BUDGET_MS] [EVERY] [SEED]
//! cargo bench -p coord-plan --bench planning -- made large [BUDGET_MS] [EVERY] [SEED]
//! cargo bench -p coord-plan --bench planning -- made skills [BUDGET_MS] [EVERY] [SEED]
//! ```
//!
//! `made` draws instances, always the same ones: `large` has 300 tasks with four resources, `skills`
//! 20 tasks that each need one of those who can do it.
//!
//! An instance is one line of JSON: `{"name", "set", "resources": [{"id", "capacity"}], "tasks":
//! [{"id", "duration", "deps": [id], "demand": {id: amount}}]}`. The CSV has the columns `name, set,
//! cpl, lb, ub`: the critical path's length and the best bounds known; what it does not name is held
//! against the bound that is proven here. Beside demands a task may have `"who": [agent]`, one of
//! whom does it. Of the instances every
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
    let (known, all) = match (instances.as_str(), best.as_str()) {
        ("made", "large") => (BTreeMap::new(), made::large()),
        ("made", "skills") => (BTreeMap::new(), made::skills()),
        _ => (
            known(&std::fs::read_to_string(best)?)?,
            read(&std::fs::read_to_string(instances)?)?,
        ),
    };
    let lines: Vec<Value> = all
        .into_iter()
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

fn read(text: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
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

fn measure(instance: &Value, known: &BTreeMap<String, Known>, options: &Options) -> Option<Row> {
    let (name, plan) = (instance["name"].as_str()?, plan(instance)?);
    let before = cpu_s();
    let schedule = schedule(&plan, options);
    let cpu_s = cpu_s() - before;
    assert_eq!(validate(&plan, &schedule), Ok(()), "{name}");
    Some(Row {
        set: instance["set"].as_str()?.to_string(),
        known: known.get(name).copied().unwrap_or(Known {
            critical_path: schedule.logical_makespan_ms / UNIT_MS,
            lower: schedule.lower_bound.ms / UNIT_MS,
            upper: schedule.lower_bound.ms / UNIT_MS,
        }),
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

/// Instances that are drawn.
mod made {
    use serde_json::{Value, json};

    /// Numbers that look random: SplitMix64, Steele, Lea & Flood 2014.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ (z >> 31)) % n
        }

        fn from(&mut self, low: u64, high: u64) -> u64 {
            low + self.below(high - low + 1)
        }

        /// Some of those before `at`, none further back than `reach`; `tenths` of a need for each
        /// task on average.
        fn needs(&mut self, at: u64, tenths: u64, reach: u64) -> Vec<String> {
            let wanted = tenths / 10 + u64::from(self.below(10) < tenths % 10);
            let back = reach.min(at);
            let mut needs: Vec<u64> = (0..wanted.min(back))
                .map(|_| at - self.from(1, back))
                .collect();
            needs.sort_unstable();
            needs.dedup();
            needs.iter().map(u64::to_string).collect()
        }
    }

    /// By how many resources a task takes, how scarce they are, and how far back needs reach.
    pub(super) fn large() -> Vec<Value> {
        let mut all = Vec::new();
        for used in 1..=4 {
            for scarce in [20, 40, 60] {
                for reach in [15, 50, 150] {
                    let seed = used * 1_000_000 + scarce * 1_000 + reach;
                    all.push(one_large(&mut Dice(seed), used, scarce, reach));
                }
            }
        }
        all
    }

    fn one_large(dice: &mut Dice, used: u64, scarce: u64, reach: u64) -> Value {
        // the mean demand of 5.5 is `scarce` percent of the capacity
        let capacity = (550 / scarce).max(10);
        let task = |at: u64| {
            let mut demand = serde_json::Map::new();
            let first = dice.below(4);
            for resource in (0..used).map(|n| (first + n) % 4) {
                demand.insert(format!("r{resource}"), dice.from(1, 10).into());
            }
            json!({
                "id": at.to_string(),
                "duration": dice.from(1, 10),
                "deps": dice.needs(at, 18, reach),
                "demand": demand,
            })
        };
        let tasks: Vec<Value> = (0..300).map(task).collect();
        let resources = (0..4).map(|n| json!({"id": format!("r{n}"), "capacity": capacity}));
        json!({
            "name": format!("large-{used}-{scarce}-{reach}"),
            "set": "300 tasks, 4 resources",
            "resources": resources.collect::<Vec<_>>(),
            "tasks": tasks,
        })
    }

    /// 216 projects: 4 to 8 agents who can do 1 to 3 of 4 things, and 1.5 to 2.1 needs a task.
    pub(super) fn skills() -> Vec<Value> {
        let mut all = Vec::new();
        for agents in [4, 6, 8] {
            for tenths in [15, 18, 21] {
                for number in 0..24 {
                    let seed = agents * 1_000_000 + tenths * 1_000 + number;
                    all.push(with_skills(&mut Dice(seed), agents, tenths, number));
                }
            }
        }
        all
    }

    fn with_skills(dice: &mut Dice, agents: u64, tenths: u64, number: u64) -> Value {
        let mut able: Vec<Vec<String>> = vec![Vec::new(); 4];
        for agent in 0..agents {
            let first = dice.below(4);
            // the first four can do one thing each, so that somebody can do everything
            let first = if agent < 4 { agent } else { first };
            for skill in 0..dice.from(1, 3) {
                able[((first + skill) % 4) as usize].push(format!("a{agent}"));
            }
        }
        let task = |at: u64| {
            json!({
                "id": at.to_string(),
                "duration": dice.from(1, 10),
                "deps": dice.needs(at, tenths, 8),
                "demand": {},
                "who": able[dice.below(4) as usize],
            })
        };
        let tasks: Vec<Value> = (0..20).map(task).collect();
        json!({
            "name": format!("skills-{agents}-{tenths}-{number}"),
            "set": format!("20 tasks, {agents} agents"),
            "resources": [],
            "agents": (0..agents).map(|n| format!("a{n}")).collect::<Vec<_>>(),
            "tasks": tasks,
        })
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
    for agent in instance["agents"].as_array().into_iter().flatten() {
        text += &format!("human {}\n", agent.as_str()?);
    }
    for task in tasks {
        text += &format!("task t{} {{\n", task["id"].as_str()?);
        match task["who"].as_array() {
            None => text += "  by crew\n",
            Some(who) => {
                let who: Option<Vec<&str>> = who.iter().map(Value::as_str).collect();
                text += &format!("  by any of [{}]\n", who?.join(", "));
            }
        }
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
