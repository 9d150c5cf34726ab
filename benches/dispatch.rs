//! Measures how well a run hands out its work: the makespan of real workflows on so many workers,
//! beside what simple orders would give.
//!
//! ```sh
//! cargo bench -p coord-engine --bench dispatch -- WORKFLOWS.jsonl
//! cargo bench -p coord-engine --bench dispatch -- made
//! ```
//!
//! A workflow is one line of JSON: `{"name", "tasks": [{"id", "duration": ms, "deps": [id]}]}`;
//! `made` draws random ones. Each becomes a project for a machine of 2, 4, 8, 16 and 32 cores, and the machine of `coord run` plays it in virtual time: once with the durations
//! that the plan knows, and once with durations that are off by a log-normal factor (sigma 0.5).
//! Figures are makespans by what no schedule can be below: the longest way, or the work divided by
//! the cores.

#![expect(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program reads files"
)]

use coord_engine::simulation::{Deed, Dice, Finding, Reply, Simulation, World};
use coord_engine::{CheckId, ItemId, Options, Outcome, State};
use coord_lang::ids::{Id, NodeId};
use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use coord_plan::levelling::{Options as Levelling, PLACEMENTS_PER_SECOND};
use coord_plan::plan::Plan;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::error::Error;

const SLOTS: [usize; 5] = [2, 4, 8, 16, 32];
/// Random workflows that `made` draws.
const MADE: u64 = 60;
const SMALLEST: usize = 20;

/// Tasks with what they take and what they need, in an order that needs allow.
struct Workflow {
    takes_ms: Vec<i64>,
    needs: Vec<Vec<usize>>,
}

/// Which of the tasks that are ready goes first.
#[derive(Clone, Copy)]
enum Order {
    /// The one that became ready first.
    First,
    Shortest,
    Longest,
    /// The one with the longest way to the end: what `coord run` goes by.
    Rank,
}

const ORDERS: [(Order, &str); 4] = [
    (Order::Rank, "upward rank, by a plain list scheduler"),
    (Order::Longest, "longest first"),
    (Order::First, "first come, first served"),
    (Order::Shortest, "shortest first"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let workflows = match args.first().map(String::as_str) {
        None => {
            println!("nothing to measure: give WORKFLOWS.jsonl, or `made`");
            return Ok(());
        }
        Some("made") => (1..=MADE).map(made).collect(),
        Some(file) => read(&std::fs::read_to_string(file)?)?,
    };
    let mut sums: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    let (mut count, mut planned) = (0, 0.0);
    for workflow in workflows.iter().filter(|w| w.takes_ms.len() >= SMALLEST) {
        for slots in SLOTS {
            let plan = workflow.planned(slots);
            planned += plan.1 as f64 / workflow.bound(&workflow.takes_ms, slots) as f64;
            count += 1;
            for (column, actual) in [workflow.takes_ms.clone(), workflow.noisy()]
                .iter()
                .enumerate()
            {
                let bound = workflow.bound(actual, slots) as f64;
                let mut add = |name, makespan: i64| {
                    sums.entry(name).or_default()[column] += makespan as f64 / bound;
                };
                add("coord run", play(&plan.0, actual, slots));
                for (order, name) in ORDERS {
                    add(name, workflow.list(order, actual, slots));
                }
            }
        }
    }
    println!(
        "{count} runs: {} workflows, {SLOTS:?} slots\n",
        count / SLOTS.len()
    );
    println!("| | as planned | off by a factor |\n|---|---|---|");
    println!(
        "| coord plan --budget 100ms | {:.4} | |",
        planned / count as f64
    );
    let names = ["coord run"]
        .into_iter()
        .chain(ORDERS.map(|(_, name)| name));
    for name in names {
        let [exact, noisy] = sums[name].map(|sum| sum / count as f64);
        println!("| {name} | {exact:.4} | {noisy:.4} |");
    }
    Ok(())
}

fn read(text: &str) -> Result<Vec<Workflow>, Box<dyn Error>> {
    text.lines()
        .map(|line| workflow(&serde_json::from_str(line)?).ok_or("not a workflow".into()))
        .collect()
}

fn workflow(json: &Value) -> Option<Workflow> {
    let tasks = json["tasks"].as_array()?;
    let numbers = tasks.iter().enumerate();
    let numbers: BTreeMap<&str, usize> = numbers
        .map(|(at, task)| Some((task["id"].as_str()?, at)))
        .collect::<Option<_>>()?;
    let need = |id: &Value| numbers.get(id.as_str()?).copied();
    let needs = |task: &Value| task["deps"].as_array()?.iter().map(need).collect();
    Some(Workflow {
        takes_ms: tasks
            .iter()
            .map(|task| Some(task["duration"].as_i64()?.max(1)))
            .collect::<Option<_>>()?,
        needs: tasks.iter().map(needs).collect::<Option<_>>()?,
    })
}

/// 50 to 150 tasks of 1 to 20 s that need up to three of those before.
fn made(seed: u64) -> Workflow {
    let mut dice = Dice(seed);
    let tasks = 50 + dice.below(101) as usize;
    let reach = 3 + dice.below(30);
    let needs = |dice: &mut Dice, at: usize| {
        let count = dice.below(4).min(at as u64);
        let back = |dice: &mut Dice| at - 1 - dice.below(reach.min(at as u64)) as usize;
        let mut needs: Vec<usize> = (0..count).map(|_| back(dice)).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    };
    Workflow {
        takes_ms: (0..tasks)
            .map(|_| 1_000 * (1 + dice.below(20) as i64))
            .collect(),
        needs: (0..tasks).map(|at| needs(&mut dice, at)).collect(),
    }
}

impl Workflow {
    fn project(&self) -> String {
        let mut text = "edition 2026\n".to_string();
        for (at, (takes, needs)) in self.takes_ms.iter().zip(&self.needs).enumerate() {
            let needs: Vec<String> = needs.iter().map(|need| format!("t{need}")).collect();
            text += &format!("task t{at} {{\n  run [\"true\"]\n  takes {takes}ms\n");
            if !needs.is_empty() {
                text += &format!("  needs [{}]\n", needs.join(", "));
            }
            text += "}\n";
        }
        text
    }

    /// The plan, and how long its own schedule is.
    fn planned(&self, slots: usize) -> (Plan, i64) {
        let sources = Sources::single("workflow.coord", self.project());
        let settings = Settings {
            schedule: Levelling {
                budget: PLACEMENTS_PER_SECOND / 10,
                cores: slots as u32,
                ..Levelling::default()
            },
            ..Settings::default()
        };
        let compiled = compile(&sources, &settings);
        let (Some(plan), Some(schedule)) = (compiled.plan, compiled.schedule) else {
            panic!("no plan: {:#?}", compiled.diagnostics);
        };
        (plan, schedule.makespan_ms)
    }

    fn noisy(&self) -> Vec<i64> {
        let mut dice = Dice(self.takes_ms.len() as u64);
        let mut unit = || (dice.below(1 << 52) + 1) as f64 / (1u64 << 52) as f64;
        let mut factor = || {
            let normal = (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos();
            (0.5 * normal).exp()
        };
        let takes = self.takes_ms.iter();
        takes
            .map(|&ms| ((ms as f64 * factor()) as i64).max(1))
            .collect()
    }

    /// The longest way from each task to the end, with the task.
    fn ranks(&self, takes: &[i64]) -> Vec<i64> {
        let mut ranks = vec![0; takes.len()];
        for at in self.in_order().into_iter().rev() {
            ranks[at] += takes[at];
            for &need in &self.needs[at] {
                ranks[need] = ranks[need].max(ranks[at]);
            }
        }
        ranks
    }

    /// Every task after what it needs.
    fn in_order(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let followers = self.followers();
        let mut order: Vec<usize> = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            for &follower in &followers[at] {
                missing[follower] -= 1;
                if missing[follower] == 0 {
                    order.push(follower);
                }
            }
        }
        order
    }

    fn followers(&self) -> Vec<Vec<usize>> {
        let mut followers = vec![Vec::new(); self.needs.len()];
        for (at, needs) in self.needs.iter().enumerate() {
            needs.iter().for_each(|&need| followers[need].push(at));
        }
        followers
    }

    fn bound(&self, takes: &[i64], slots: usize) -> i64 {
        let way = self.ranks(takes).into_iter().max().unwrap_or(0);
        way.max((takes.iter().sum::<i64>() as u64).div_ceil(slots as u64) as i64)
            .max(1)
    }

    /// The makespan when a free slot always takes the first by `order`, judged by what the plan
    /// knows, while tasks take what they `actually` take.
    fn list(&self, order: Order, actually: &[i64], slots: usize) -> i64 {
        let ranks = self.ranks(&self.takes_ms);
        let followers = self.followers();
        let mut missing: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut came = 0;
        let mut entry = |at: usize| {
            came += 1;
            let key = match order {
                Order::First => came,
                Order::Shortest => self.takes_ms[at],
                Order::Longest => -self.takes_ms[at],
                Order::Rank => -ranks[at],
            };
            Reverse((key, at))
        };
        let mut ready: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        ready.extend(
            (0..missing.len())
                .filter(|&at| missing[at] == 0)
                .map(&mut entry),
        );
        let mut running: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut now = 0;
        loop {
            while running.len() < slots
                && let Some(Reverse((_, at))) = ready.pop()
            {
                running.push(Reverse((now + actually[at], at)));
            }
            let Some(&Reverse((end, _))) = running.peek() else {
                return now;
            };
            now = end;
            while let Some(&Reverse((end, at))) = running.peek()
                && end == now
            {
                running.pop();
                for &follower in &followers[at] {
                    missing[follower] -= 1;
                    if missing[follower] == 0 {
                        ready.push(entry(follower));
                    }
                }
            }
        }
    }
}

/// A world in which everything is done well, in the time that it takes.
struct Steady<'t> {
    takes_ms: &'t [i64],
}

impl World for Steady<'_> {
    fn attempt(&mut self, plan: &Plan, _: &State, node: NodeId) -> Option<Deed> {
        let number = plan.nodes[node]
            .name
            .trim_start_matches('t')
            .parse::<usize>();
        Some(Deed {
            takes_ms: self.takes_ms[number.unwrap_or(node.index())],
            outcome: Outcome::Exit(0),
            outputs: BTreeMap::new(),
        })
    }

    fn check(&mut self, _: &Plan, _: &State, _: CheckId) -> Finding {
        Finding::fine()
    }

    fn replies(&mut self, _: &Plan, _: &State, _: ItemId) -> Vec<Reply> {
        Vec::new()
    }
}

/// How long the run takes in virtual time.
fn play(plan: &Plan, takes_ms: &[i64], slots: usize) -> i64 {
    // as the command line has it
    let options = Options {
        cores: slots as u32,
        parallel: Some(slots as u32),
        lookahead: (16 * slots as u32).min(512),
        ..Options::default()
    };
    let mut simulation = Simulation::new(plan, Steady { takes_ms }, 0);
    if let Err(refusal) = simulation.start("bench", options) {
        panic!("it does not start: {refusal}");
    }
    while simulation.advance() {}
    simulation.now_ms()
}
