//! A run as it goes: plain lines, a live display, journal events, or nothing.

use super::words;
use crate::cli::screen::Screen;
use coord_engine::{Event, RunStatus, State, Status, Waiting};
use coord_host::driver::Watcher;
use coord_host::process::LiveLine;
use coord_host::{published, record};
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Says nothing.
pub(crate) struct Silent;

impl Watcher for Silent {
    fn event(&mut self, _: &Plan, _: &State, _: i64, _: &Event) {}

    fn say(&mut self, text: &str) {
        print(text);
    }
}

/// A channel of the project that goes to standard output.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(words::plain(text).as_bytes());
    let _gone = out.flush();
}

/// One JSON object a line on standard output, in journal order.
pub(crate) struct Json {
    out: std::io::BufWriter<std::io::Stdout>,
    run: String,
}

impl Json {
    pub(crate) fn new(run: &str) -> Json {
        Json {
            out: std::io::BufWriter::new(std::io::stdout()),
            run: run.to_string(),
        }
    }
}

impl Watcher for Json {
    fn event(&mut self, plan: &Plan, state: &State, seq: i64, event: &Event) {
        let body = record::body(event);
        let value = published::event(plan, state, &self.run, seq, event.at_ms, &body);
        let _gone = writeln!(self.out, "{value}");
        let _gone = self.out.flush();
    }
}

/// A line per thing that people care about, on standard error.
pub(crate) struct Lines {
    color: bool,
    quiet: bool,
    waiting: bool,
}

impl Lines {
    pub(crate) fn new(screen: &Screen, quiet: bool) -> Lines {
        Lines {
            color: screen.color_err(),
            quiet,
            waiting: false,
        }
    }
}

/// One event as a line, with the time and a colour for its mark.
fn line(plan: &Plan, state: &State, event: &Event, color: bool) -> Option<String> {
    let (mark, text) = words::event(plan, state, event)?;
    let time = coord_host::clock::rfc3339(event.at_ms);
    let time = time.get(11..19).unwrap_or("");
    if !color {
        return Some(format!("{time} {mark} {text}"));
    }
    let code = match mark {
        '✔' | '◆' | '◇' | '✓' => "32",
        '✘' => "1;31",
        '!' | '?' | '↷' => "33",
        '▶' => "36",
        '─' => "1",
        _ => "2",
    };
    Some(format!(
        "\x1b[2m{time}\x1b[0m \x1b[{code}m{mark}\x1b[0m {text}"
    ))
}

/// The tail of a failed attempt's output, indented.
fn tail(event: &Event) -> Option<String> {
    match &event.fact {
        coord_engine::Fact::Exited {
            log: Some(log),
            outcome,
            ..
        } if !outcome.is_success() && !log.tail.is_empty() => Some(
            log.tail
                .lines()
                .map(|l| format!("           │ {}\n", words::plain(l)))
                .collect(),
        ),
        _ => None,
    }
}

impl Watcher for Lines {
    fn event(&mut self, plan: &Plan, state: &State, _: i64, event: &Event) {
        let mut err = std::io::stderr().lock();
        let failed = matches!(event.fact, coord_engine::Fact::Failed { .. });
        if let Some(line) = line(plan, state, event, self.color)
            && (!self.quiet || failed)
        {
            let _gone = writeln!(err, "{line}");
        }
        if let Some(tail) = tail(event) {
            let _gone = err.write_all(tail.as_bytes());
        }
        self.waiting = state.waiting() == Waiting::ForPeople;
    }

    fn say(&mut self, text: &str) {
        print(text);
    }

    fn trouble(&mut self, text: &str) {
        say_trouble(text);
    }

    fn stopping(&mut self, again: bool) {
        say_stopping(again);
    }
}

fn say_trouble(text: &str) {
    let _gone = writeln!(std::io::stderr().lock(), "warning: {}", words::plain(text));
}

fn say_stopping(again: bool) {
    let text = if again {
        "stopping now: what is at work is ended; `coord resume` goes on\n"
    } else {
        "stopping: what is at work may end, nothing more is started; once more to stop at once\n"
    };
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Lines above, and below them what is at work now.
pub(crate) struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    at_work: BTreeMap<NodeId, ProgressBar>,
    color: bool,
}

impl Live {
    pub(crate) fn new(screen: &Screen, tasks: usize) -> Live {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let total = bars.add(ProgressBar::new(tasks as u64));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            total.set_style(style.progress_chars("━╸─"));
        }
        Live {
            bars,
            total,
            at_work: BTreeMap::new(),
            color: screen.color_err(),
        }
    }

    fn follow(&mut self, plan: &Plan, state: &State, node: NodeId) {
        let of = state.node(node);
        let busy =
            of.status == Status::InProgress && plan.task(node).is_some_and(|t| t.program.is_some());
        if !busy {
            if let Some(bar) = self.at_work.remove(&node) {
                bar.finish_and_clear();
            }
            return;
        }
        if self.at_work.contains_key(&node) {
            return;
        }
        let bar = self
            .bars
            .insert_before(&self.total, ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix} {elapsed} {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(plan.nodes[node].name.clone());
        self.at_work.insert(node, bar);
    }

    fn count(&self, plan: &Plan, state: &State) {
        let ended = state
            .tasks(plan)
            .filter(|(id, _, _)| state.node(*id).status.is_ended())
            .count();
        self.total.set_position(ended as u64);
        let mut parts = Vec::new();
        if state.failed() > 0 {
            parts.push(format!("{} failed", state.failed()));
        }
        let asked = state.open_items().count();
        if asked > 0 {
            parts.push(format!("{asked} waiting for people"));
        }
        self.total.set_message(parts.join(", "));
    }
}

impl Watcher for Live {
    fn event(&mut self, plan: &Plan, state: &State, _: i64, event: &Event) {
        if let Some(node) = event.fact.subject() {
            self.follow(plan, state, node);
        }
        let started = matches!(event.fact, coord_engine::Fact::Started { .. });
        if let Some(line) = line(plan, state, event, self.color)
            && !started
        {
            let _gone = self.bars.println(line);
        }
        if let Some(tail) = tail(event) {
            let _gone = self.bars.println(tail.trim_end());
        }
        if state.status() != RunStatus::Running {
            self.count(plan, state);
        }
        if matches!(state.waiting(), Waiting::Ended | Waiting::Paused) {
            self.total.finish_and_clear();
        }
    }

    fn line(&mut self, _: &Plan, node: NodeId, line: &LiveLine) {
        if let Some(bar) = self.at_work.get(&node) {
            bar.set_message(words::plain(&line.text));
        }
    }

    fn tick(&mut self, plan: &Plan, state: &State, _: i64) {
        self.at_work.values().for_each(ProgressBar::tick);
        self.count(plan, state);
    }

    fn interval(&self) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }

    fn say(&mut self, text: &str) {
        self.bars.suspend(|| print(text));
    }

    fn trouble(&mut self, text: &str) {
        self.bars.suspend(|| say_trouble(text));
    }

    fn wants_lines(&self) -> bool {
        true
    }

    fn stopping(&mut self, again: bool) {
        self.bars.suspend(|| say_stopping(again));
    }
}
