//! `coord doctor --crash-test`: a run on this machine's own disk that is killed again and again.
//!
//! The oracle is outside of coord: a file that tasks append to, and the lines that the run printed
//! before it was killed, each of which it had promised to be durable.

use super::doctor::Finding;
use coord_engine::simulation::Dice;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Tasks of one run; every other one is idempotent.
const TASKS: usize = 16;
/// A run is killed at most so often, so that it also comes to its end.
const KILLS_PER_RUN: u32 = 8;
/// A call that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(1);

/// What happened over all runs.
#[derive(Default)]
struct Tally {
    runs: u32,
    kills: u32,
    told: u32,
    in_doubt: u32,
    wrong: Vec<String>,
    slowest_resume: Duration,
}

pub(crate) fn run(folder: &Path, kills: u32, seed: u64) -> Vec<Finding> {
    let mut tally = Tally::default();
    let mut dice = Dice(seed);
    let tested = (|| {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        while tally.kills < kills && tally.wrong.is_empty() {
            let left = (kills - tally.kills).min(KILLS_PER_RUN);
            Trial::new(&folder, tally.runs)?.run(left, &mut dice, &mut tally)?;
            tally.runs += 1;
        }
        Ok::<(), io::Error>(())
    })();
    // what went wrong can be looked at
    if tally.wrong.is_empty() {
        let _gone = std::fs::remove_dir_all(folder);
    } else {
        tally
            .wrong
            .push(format!("left to look at: {}", folder.display()));
    }
    if let Err(error) = tested {
        tally.wrong.push(format!("the test itself failed: {error}"));
    }
    findings(&tally, seed)
}

fn findings(tally: &Tally, seed: u64) -> Vec<Finding> {
    let crashes = Finding {
        what: "crashes",
        found: Ok(format!(
            "{} kills in {} runs of {TASKS} tasks; seed {seed}",
            tally.kills, tally.runs
        )),
    };
    if !tally.wrong.is_empty() {
        return vec![
            crashes,
            Finding {
                what: "crash test",
                found: Err(tally.wrong.join("\n     ")),
            },
        ];
    }
    let fine = |what, text: String| Finding {
        what,
        found: Ok(text),
    };
    vec![
        crashes,
        fine(
            "lost results",
            format!("0 of {} that had been told", tally.told),
        ),
        fine(
            "repeated effects",
            format!("0; {} interrupted ones were asked about", tally.in_doubt),
        ),
        fine("order", "every task after those that it needs".into()),
        fine(
            "going on",
            format!(
                "at most {} ms to be at work again",
                tally.slowest_resume.as_millis()
            ),
        ),
    ]
}

/// One run from its start, over its kills, to its end.
struct Trial {
    folder: PathBuf,
    /// Results that were told before a kill.
    told: BTreeSet<String>,
    /// Tries that a person ordered.
    ordered: BTreeMap<String, usize>,
}

impl Trial {
    fn new(folder: &Path, number: u32) -> io::Result<Trial> {
        let folder = folder.join(number.to_string());
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("main.coord"), project())?;
        Ok(Trial {
            folder,
            told: BTreeSet::new(),
            ordered: BTreeMap::new(),
        })
    }

    fn run(mut self, kills: u32, dice: &mut Dice, tally: &mut Tally) -> io::Result<()> {
        let mut first = true;
        for _ in 0..kills {
            let mut args = going_on(first);
            args.extend(["--progress", "json", "--parallel", "4"]);
            let ended = self.cut_off(&args, Duration::from_millis(5 + dice.below(200)), tally)?;
            first = first && !self.has_begun();
            if ended {
                break;
            }
            tally.kills += 1;
            if !first {
                self.settle(tally)?;
            }
        }
        loop {
            let mut args = going_on(first);
            args.extend(["--progress", "none", "--no-wait"]);
            let done = self.call(&args)?;
            first = false;
            if self.settle(tally)? > 0 {
                continue;
            }
            if !done.status.success() && !self.is_completed()? {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                tally
                    .wrong
                    .push(format!("the run does not end well: {said}"));
            }
            break;
        }
        self.judge(tally)
    }

    /// Calls the program and kills it after a while; true when it ended before that.
    fn cut_off(&mut self, args: &[&str], after: Duration, tally: &mut Tally) -> io::Result<bool> {
        let output = std::fs::File::create(self.folder.join("told"))?;
        let started = Instant::now();
        let mut child = self
            .command(args)
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()?;
        let mut first_word = None;
        let ended = loop {
            if first_word.is_none() && self.told_bytes() > 0 {
                first_word = Some(started.elapsed());
            }
            if child.try_wait()?.is_some() {
                break true;
            }
            if started.elapsed() >= after {
                child.kill()?;
                child.wait()?;
                break false;
            }
            std::thread::sleep(PAUSE);
        };
        if let Some(took) = first_word.filter(|_| args[0] == "resume") {
            tally.slowest_resume = tally.slowest_resume.max(took);
        }
        let text = std::fs::read_to_string(self.folder.join("told"))?;
        // a kill may cut the last line
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            if event["kind"] == "task.completed"
                && let Some(task) = subject(&event)
            {
                tally.told += u32::from(self.told.insert(task));
            }
        }
        Ok(ended)
    }

    fn told_bytes(&self) -> u64 {
        std::fs::metadata(self.folder.join("told")).map_or(0, |meta| meta.len())
    }

    fn has_begun(&self) -> bool {
        let runs = self.call(&["runs", "--format", "json"]);
        runs.is_ok_and(|ran| ran.status.success() && ran.stdout.len() > 4)
    }

    /// Orders another try of what is in doubt; how many there were.
    fn settle(&mut self, tally: &mut Tally) -> io::Result<usize> {
        let status = self.json(&["status", "r", "--format", "json"])?;
        let items = status["items"].as_array().cloned().unwrap_or_default();
        let doubts = items.iter().filter(|item| item["kind"] == "doubt");
        let tasks: Vec<String> = doubts
            .filter_map(|item| item["task"].as_str().map(str::to_string))
            .collect();
        for task in &tasks {
            self.call(&["retry", "r", task])?;
            *self.ordered.entry(task.clone()).or_default() += 1;
            tally.in_doubt += 1;
        }
        Ok(tasks.len())
    }

    fn is_completed(&self) -> io::Result<bool> {
        Ok(self.json(&["status", "r", "--format", "json"])?["state"] == "completed")
    }

    fn judge(&self, tally: &mut Tally) -> io::Result<()> {
        let events = self.call(&["logs", "r", "--events"])?;
        let events = String::from_utf8_lossy(&events.stdout).into_owned();
        let mut completed: BTreeMap<String, usize> = BTreeMap::new();
        for line in events.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            if event["kind"] == "task.completed"
                && let Some(task) = subject(&event)
            {
                *completed.entry(task).or_default() += 1;
            }
        }
        let lost = self
            .told
            .iter()
            .filter(|task| !completed.contains_key(*task));
        for task in lost {
            tally
                .wrong
                .push(format!("{task} was told to be completed and is not"));
        }
        for (task, times) in completed.iter().filter(|(_, times)| **times > 1) {
            tally
                .wrong
                .push(format!("{task} is completed {times} times"));
        }
        let begun = std::fs::read_to_string(self.folder.join("begun")).unwrap_or_default();
        let begun: Vec<&str> = begun.lines().collect();
        for number in 0..TASKS {
            let name = format!("t{number}");
            let times = begun.iter().filter(|line| **line == name).count();
            let allowed = 1 + self.ordered.get(&name).copied().unwrap_or(0);
            if !is_idempotent(number) && times > allowed {
                tally.wrong.push(format!(
                    "{name} was begun {times} times and ordered {allowed} times"
                ));
            }
            if times == 0 {
                tally.wrong.push(format!("{name} never began"));
            }
            let first = |of: usize| begun.iter().position(|line| **line == format!("t{of}"));
            if let Some(before) = needs(number)
                && first(before) > first(number)
            {
                tally
                    .wrong
                    .push(format!("{name} began before t{before}, which it needs"));
            }
        }
        Ok(())
    }

    fn json(&self, args: &[&str]) -> io::Result<Value> {
        let ran = self.call(args)?;
        serde_json::from_slice(&ran.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&ran.stderr);
            io::Error::other(format!("`coord {}`: {error}: {said}", args.join(" ")))
        })
    }

    /// Calls the program and waits for its end.
    fn call(&self, args: &[&str]) -> io::Result<Output> {
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = child.id();
        let until = Instant::now() + PATIENCE;
        // events of a run this small fit into no pipe: they are read beside
        let stdout = child.stdout.take().map(read_beside);
        let stderr = child.stderr.take().map(read_beside);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= until {
                child.kill()?;
                child.wait()?;
                let what = format!("`coord {}` (pid {pid}) hangs", args.join(" "));
                return Err(io::Error::other(what));
            }
            std::thread::sleep(PAUSE);
        };
        Ok(Output {
            status,
            stdout: joined(stdout),
            stderr: joined(stderr),
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(args)
            .current_dir(&self.folder)
            .env("COORD_HOME", self.folder.join("state"))
            .stdin(Stdio::null());
        command
    }
}

/// Starts the run, or goes on with it.
fn going_on(first: bool) -> Vec<&'static str> {
    match first {
        true => vec!["run", "--run-id", "r"],
        false => vec!["resume", "r"],
    }
}

type Reading = std::thread::JoinHandle<Vec<u8>>;

fn read_beside(mut from: impl io::Read + Send + 'static) -> Reading {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _what_came = from.read_to_end(&mut bytes);
        bytes
    })
}

fn joined(reading: Option<Reading>) -> Vec<u8> {
    let read = reading.and_then(|reading| reading.join().ok());
    read.unwrap_or_default()
}

fn subject(event: &Value) -> Option<String> {
    let subject = event.get("task").or_else(|| event.get("subject"))?;
    subject.as_str().map(str::to_string)
}

fn is_idempotent(task: usize) -> bool {
    task.is_multiple_of(2)
}

/// Four chains.
fn needs(task: usize) -> Option<usize> {
    task.checked_sub(4)
}

fn project() -> String {
    let mut text = String::from("edition 2026\n");
    for task in 0..TASKS {
        let mut fields = String::new();
        if let Some(before) = needs(task) {
            fields.push_str(&format!("  needs t{before}\n"));
        }
        if is_idempotent(task) {
            fields.push_str("  idempotent\n");
        }
        text.push_str(&format!(
            "\ntask t{task} {{\n  timeout 60s\n{fields}  run ```sh\n    echo t{task} >> begun\n    sleep 0.0{}\n  ```\n}}\n",
            1 + task % 4
        ));
    }
    text
}
