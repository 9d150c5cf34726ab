//! Runs trials on all cores, and says what became of them in a table.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::trials::{ALL, Goal, Setting, Trial};

/// A single trial that takes longer than this does not come to its end at all.
const PATIENCE: Duration = Duration::from_secs(900);

/// How many failing seeds are kept of each trial.
/// After so many failures no more are looked for.
const GIVEN_UP: u64 = 100;
const KEPT: usize = 20;

/// What the command line asks for.
pub(crate) struct Order {
    trials: Vec<&'static Trial>,
    count: Option<u64>,
    seed: u64,
    threads: usize,
    setting: Setting,
}

impl Order {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Order, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut order = Order {
            trials: Vec::new(),
            count: None,
            seed: 0,
            threads: cores,
            setting: Setting::new(),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--count" => order.count = Some(number(&word, words.next())?),
                "--seed" => order.seed = number(&word, words.next())?,
                "--threads" => order.threads = number(&word, words.next())?.max(1) as usize,
                "--coord" => {
                    let path = words.next().ok_or("--coord wants the path of a program")?;
                    order.setting.coord = PathBuf::from(path);
                }
                name => order.trials.push(
                    (ALL.iter().find(|trial| trial.name == name))
                        .ok_or_else(|| format!("there is no trial `{name}`"))?,
                ),
            }
        }
        if order.trials.is_empty() {
            order.trials = ALL.iter().collect();
        }
        Ok(order)
    }
}

fn number(option: &str, word: Option<String>) -> Result<u64, String> {
    let word = word.ok_or_else(|| format!("{option} wants a number"))?;
    let digits = word.replace('_', "");
    (digits.parse()).map_err(|_| format!("{option} wants a number, not `{word}`"))
}

/// All trials, a line each.
pub(crate) fn list() -> String {
    let line = |trial: &Trial| {
        let Trial {
            name,
            promise,
            says,
            goal,
            ..
        } = trial;
        format!("  {name:<14} {promise:<5} {says} ({goal})")
    };
    ALL.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What became of a trial.
#[derive(Default)]
struct Found {
    trials: AtomicU64,
    counted: AtomicU64,
    failures: AtomicU64,
    first: Mutex<Vec<(u64, String)>>,
}

pub(crate) fn run(order: &Order) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        PANIC.with_borrow_mut(|place| *place = info.to_string().replace('\n', " "));
    }));
    println!(
        "{:<14} {:<5} {:>9} {:>18} {:>8} {:>8}  seeds to replay",
        "trial", "", "trials", "counted", "failures", "time"
    );
    let mut well = true;
    for trial in &order.trials {
        let start = Instant::now();
        let found = try_often(order, trial);
        print_row(trial, &found, start.elapsed());
        well &= found.failures.load(Relaxed) == 0;
    }
    match well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn try_often(order: &Order, trial: &Trial) -> Found {
    let found = Found::default();
    let next = AtomicU64::new(order.seed);
    let goal = match (trial.goal, order.count) {
        (goal, None) => goal,
        (Goal::Trials(_), Some(n)) => Goal::Trials(n),
        (Goal::Counted(_, what), Some(n)) => Goal::Counted(n, what),
    };
    let goes_on = |seed: u64| match goal {
        Goal::Trials(n) => seed - order.seed < n,
        // a trial that fails counts nothing
        Goal::Counted(n, _) => {
            found.counted.load(Relaxed) < n && found.failures.load(Relaxed) < GIVEN_UP
        }
    };
    let at_hand = Mutex::new(BTreeMap::new());
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| watch(wait, trial, &at_hand));
        for _ in 0..order.threads {
            let done = done.clone();
            let (next, found, at_hand, goes_on) = (&next, &found, &at_hand, &goes_on);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if !goes_on(seed) {
                        break;
                    }
                    note(at_hand, |seeds| {
                        seeds.insert(seed, Instant::now());
                    });
                    try_once(order, trial, seed, found);
                    note(at_hand, |seeds| {
                        seeds.remove(&seed);
                    });
                }
                drop(done);
            });
        }
        drop(done);
    });
    found
}

type AtHand = Mutex<BTreeMap<u64, Instant>>;

fn note(at_hand: &AtHand, edit: impl FnOnce(&mut BTreeMap<u64, Instant>)) {
    if let Ok(mut seeds) = at_hand.lock() {
        edit(&mut seeds);
    }
}

/// Ends everything when one trial does not end: a thread cannot be ended alone.
fn watch(done: mpsc::Receiver<()>, trial: &Trial, at_hand: &AtHand) {
    while done.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
        note(at_hand, |seeds| {
            let late = seeds.iter().find(|(_, since)| since.elapsed() > PATIENCE);
            if let Some((seed, since)) = late {
                let took = since.elapsed().as_secs();
                println!("{}: seed {seed} has not ended in {took} s", trial.name);
                std::process::exit(1);
            }
        });
    }
}

fn try_once(order: &Order, trial: &Trial, seed: u64, found: &Found) {
    let ended = catch_unwind(AssertUnwindSafe(|| (trial.run)(&order.setting, seed)));
    found.trials.fetch_add(1, Relaxed);
    let why = match ended {
        Ok(Ok(counted)) => {
            found.counted.fetch_add(counted, Relaxed);
            return;
        }
        Ok(Err(why)) => why,
        Err(_) => PANIC.take(),
    };
    found.failures.fetch_add(1, Relaxed);
    if let Ok(mut first) = found.first.lock()
        && first.len() < KEPT
    {
        first.push((seed, why));
    }
}

fn print_row(trial: &Trial, found: &Found, took: Duration) {
    let failures = found.failures.load(Relaxed);
    let mut first = found.first.lock().map_or(Vec::new(), |first| first.clone());
    first.sort();
    let seeds: Vec<String> = first.iter().map(|(seed, _)| seed.to_string()).collect();
    let what = match trial.goal {
        Goal::Trials(_) => trial.unit,
        Goal::Counted(_, what) => what,
    };
    println!(
        "{:<14} {:<5} {:>9} {:>18} {:>8} {:>7.1}s  {}",
        trial.name,
        trial.promise,
        found.trials.load(Relaxed),
        format!("{} {what}", found.counted.load(Relaxed)),
        failures,
        took.as_secs_f64(),
        if seeds.is_empty() {
            "-".to_string()
        } else {
            seeds.join(" ")
        },
    );
    for (seed, why) in first {
        let short: String = why.chars().take(300).collect();
        println!("    seed {seed}: {short}");
    }
}
