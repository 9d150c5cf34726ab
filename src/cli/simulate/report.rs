//! The findings of a simulation, for people and for programs.

use super::tally::{Tally, percentile};
use crate::cli::gc::runs;
use coord_plan::clock::{Clock, lasting};
use coord_plan::plan::Plan;
use serde_json::{Value, json};
use std::fmt::Write;

/// Lines of each list.
const LISTED: usize = 8;
/// Bars of the histogram.
const BARS: usize = 10;
const BAR_WIDTH: usize = 40;

pub(super) fn text(plan: &Plan, tally: &Tally, seed: u64) -> String {
    let mut out = String::new();
    if !plan.project.is_empty() {
        let _ = write!(out, "{}: ", plan.project);
    }
    let _ = writeln!(out, "{}, seed {seed}", runs(tally.runs));
    ends(&mut out, tally);
    finish(&mut out, plan, tally);
    agents(&mut out, plan, tally);
    fired(&mut out, tally);
    starved(&mut out, plan, tally);
    missed(&mut out, plan, tally);
    out
}

/// What happens at times is never 0 %, and what does not always happen is never 100 %.
fn percent(part: f64) -> String {
    if part > 0.0 && part < 0.01 {
        return "<1 %".to_string();
    }
    if part > 0.99 && part < 1.0 {
        return ">99 %".to_string();
    }
    format!("{:.0} %", part * 100.0)
}

fn of_runs(times: usize, tally: &Tally) -> String {
    percent(times as f64 / tally.runs.max(1) as f64)
}

fn ends(out: &mut String, tally: &Tally) {
    out.push_str("\nHow they ended\n");
    for (end, times) in &tally.ends {
        let part = of_runs(*times, tally);
        let _ = writeln!(out, "  {part:>6}  {} ({times})", end.sentence());
    }
    for (what, times) in tally.unanswered.iter().take(LISTED) {
        let part = of_runs(*times, tally);
        let _ = writeln!(out, "          {part} for: {what}; nothing limits how long");
    }
}

fn finish(out: &mut String, plan: &Plan, tally: &Tally) {
    let sorted = tally.lasts_ms.as_slice();
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return;
    };
    let clock = Clock::of(plan);
    let at = |ms: i64| match clock.is_dated() {
        true => format!("{} ({})", lasting(ms), clock.at(ms)),
        false => lasting(ms),
    };
    let runs = match (sorted.len(), tally.completes) {
        (1, true) => "1 run that completed".to_string(),
        (n, true) => format!("{n} runs that completed"),
        (n, false) => format!("{n} that ended, as none completed"),
    };
    let _ = writeln!(out, "\nFinish, of the {runs}");
    for (name, part) in [("p50", 50), ("p80", 80), ("p95", 95)] {
        if let Some(ms) = percentile(sorted, part) {
            let _ = writeln!(out, "  {name}  {}", at(ms));
        }
    }
    let _ = writeln!(out, "  min  {}", at(*first));
    let _ = writeln!(out, "  max  {}", at(*last));
    let bars = histogram(sorted);
    let most = bars.iter().map(|(_, n)| *n).max().unwrap_or(1).max(1);
    for (until, n) in bars.iter().filter(|_| last > first) {
        let length = (n * BAR_WIDTH).div_ceil(most);
        let bar = "█".repeat(length);
        let _ = writeln!(out, "  ≤ {:<10} {bar} {n}", lasting(*until));
    }
}

/// How many runs lasted up to each of some lengths, and longer than the one before.
fn histogram(sorted: &[i64]) -> Vec<(i64, usize)> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let width = ((last - first) as f64 / BARS as f64).max(1.0);
    let mut seen = 0;
    let mut bars = Vec::new();
    for bar in 1..=BARS {
        let until = match bar {
            BARS => *last,
            _ => first + (width * bar as f64) as i64,
        };
        let below = sorted.partition_point(|ms| *ms <= until);
        bars.push((until, below - seen));
        seen = below;
    }
    bars
}

fn agents(out: &mut String, plan: &Plan, tally: &Tally) {
    if tally.agents.is_empty() {
        return;
    }
    out.push_str("\nAgents (load; part of the time in which ready work waited for them)\n");
    let width = |name: &str| name.chars().count();
    let shown = || tally.agents.iter().take(2 * LISTED);
    let longest = shown()
        .map(|of| width(&plan.agents[of.agent].name))
        .max()
        .unwrap_or(0);
    for (i, of) in shown().enumerate() {
        let name = &plan.agents[of.agent].name;
        let narrow = i == 0 && of.waited_for >= 0.005;
        let mark = if narrow { "  ← the bottleneck" } else { "" };
        let (load, waited) = (percent(of.load), percent(of.waited_for));
        let _ = writeln!(out, "  {name:<longest$}  {load:>6}  {waited:>6}{mark}");
    }
    more(out, tally.agents.len(), 2 * LISTED);
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "  and {} more", all - shown);
    }
}

fn fired(out: &mut String, tally: &Tally) {
    if tally.fired.is_empty() {
        return;
    }
    out.push_str("\nWhat fired (part of the runs; times a run)\n");
    let mut fired: Vec<_> = tally.fired.iter().collect();
    fired.sort_by_key(|(name, of)| (usize::MAX - of.runs, (*name).clone()));
    for ((kind, what), of) in fired.iter().take(2 * LISTED) {
        let part = of_runs(of.runs, tally);
        let times = of.times as f64 / tally.runs.max(1) as f64;
        // titles say what they are themselves
        let what = match *kind {
            "ladder" | "conflict" | "incident" | "handoff" => what.clone(),
            kind => format!("{kind} {what}"),
        };
        let _ = writeln!(out, "  {part:>6}  {times:>6.2}  {what}");
    }
    more(out, fired.len(), 2 * LISTED);
}

fn starved(out: &mut String, plan: &Plan, tally: &Tally) {
    if tally.starved.is_empty() {
        return;
    }
    out.push_str(
        "\nWhat starved (part of the runs in which it never started; mean wait when ready)\n",
    );
    for of in tally.starved.iter().take(LISTED) {
        let name = &plan.nodes[of.node].name;
        let (never, wait) = (of_runs(of.never, tally), lasting(of.mean_wait_ms));
        let _ = writeln!(out, "  {never:>6}  {wait:>8}  {name}");
    }
    more(out, tally.starved.len(), LISTED);
}

fn missed(out: &mut String, plan: &Plan, tally: &Tally) {
    if tally.missed.is_empty() {
        return;
    }
    out.push_str("\nDeadlines missed\n");
    for (node, times) in tally.missed.iter().take(LISTED) {
        let part = of_runs(*times, tally);
        let _ = writeln!(out, "  {part:>6}  {}", plan.nodes[*node].name);
    }
    more(out, tally.missed.len(), LISTED);
}

pub(super) fn json(plan: &Plan, tally: &Tally, seed: u64) -> Value {
    let sorted = tally.lasts_ms.as_slice();
    let seconds = |ms: Option<i64>| ms.map(|ms| ms as f64 / 1000.0);
    let ends = tally
        .ends
        .iter()
        .map(|(end, n)| (end.name().to_string(), json!(n)));
    let agents = tally.agents.iter().map(|of| {
        json!({
            "name": plan.agents[of.agent].name,
            "person": of.person,
            "load": round(of.load),
            "waited_for": round(of.waited_for),
        })
    });
    let fired = tally.fired.iter().map(|((kind, what), of)| {
        json!({ "kind": kind, "what": what, "runs": of.runs, "times": of.times })
    });
    let starved = tally.starved.iter().map(|of| {
        json!({
            "name": plan.nodes[of.node].name,
            "never_started": of.never,
            "mean_wait_s": of.mean_wait_ms as f64 / 1000.0,
        })
    });
    let missed = tally
        .missed
        .iter()
        .map(|(node, n)| json!({ "name": plan.nodes[*node].name, "runs": n }));
    let unanswered = tally
        .unanswered
        .iter()
        .map(|(what, n)| json!({ "what": what, "runs": n }));
    let bars = histogram(sorted)
        .into_iter()
        .map(|(until, n)| json!({ "until_s": until as f64 / 1000.0, "runs": n }));
    let bottleneck = tally.agents.first().filter(|of| of.waited_for > 0.0);
    json!({
        "project": plan.project,
        "runs": tally.runs,
        "seed": seed,
        "ends": ends.collect::<serde_json::Map<String, Value>>(),
        "finish_s": {
            "runs": sorted.len(),
            "completed": tally.completes,
            "p50": seconds(percentile(sorted, 50)),
            "p80": seconds(percentile(sorted, 80)),
            "p95": seconds(percentile(sorted, 95)),
            "min": seconds(sorted.first().copied()),
            "max": seconds(sorted.last().copied()),
            "histogram": bars.collect::<Vec<_>>(),
        },
        "bottleneck": bottleneck.map(|of| plan.agents[of.agent].name.clone()),
        "agents": agents.collect::<Vec<_>>(),
        "fired": fired.collect::<Vec<_>>(),
        "starved": starved.collect::<Vec<_>>(),
        "deadlines_missed": missed.collect::<Vec<_>>(),
        "unanswered": unanswered.collect::<Vec<_>>(),
    })
}

/// Shares to a tenth of a percent, so that they read well.
fn round(part: f64) -> f64 {
    (part * 1000.0).round() / 1000.0
}
