//! `coord plan --format json` against a critical path worked out here, by relaxation, on random
//! graphs: the times agree to the second, and no schedule breaks a dependency, an agent's capacity
//! or a resource.

use crate::space::Space;
use serde_json::Value;
use std::fmt::Write;

const GRAPHS: u64 = 1_000;

/// A small generator of its own (xorshift), so that a failing seed replays for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

struct Graph {
    seconds: Vec<u64>,
    needs: Vec<Vec<usize>>,
    agent: Vec<usize>,
    gpu: Vec<u64>,
}

fn graph(seed: u64) -> Graph {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let n = 2 + dice.below(40) as usize;
    let needs = (0..n)
        .map(|i| (0..i).filter(|_| dice.below(i as u64 + 3) < 2).collect())
        .collect();
    Graph {
        seconds: (0..n).map(|_| 1 + dice.below(5_000)).collect(),
        needs,
        agent: (0..n).map(|_| dice.below(3) as usize).collect(),
        gpu: (0..n).map(|_| dice.below(3)).collect(),
    }
}

fn program(graph: &Graph) -> String {
    let mut text = String::from(
        "edition 2026\n\nproject random {\n  starts 2026-01-05\n}\n\nresource gpu {\n  capacity 3\n}\n\n",
    );
    for agent in 0..3 {
        let _ = writeln!(
            text,
            "agent agent-{agent} {{\n  via human\n  capacity {}\n}}\n",
            agent + 1
        );
    }
    for i in 0..graph.needs.len() {
        let _ = writeln!(
            text,
            "task task-{i} {{\n  by agent-{}\n  takes {}s",
            graph.agent[i], graph.seconds[i]
        );
        if !graph.needs[i].is_empty() {
            let names: Vec<String> = graph.needs[i].iter().map(|b| format!("task-{b}")).collect();
            let _ = writeln!(text, "  needs [{}]", names.join(", "));
        }
        if graph.gpu[i] > 0 {
            let _ = writeln!(text, "  uses gpu {}", graph.gpu[i]);
        }
        text.push_str("}\n\n");
    }
    text
}

/// Earliest starts and latest starts by relaxing every edge until nothing changes.
fn relaxed(graph: &Graph) -> (Vec<u64>, Vec<u64>, u64) {
    let n = graph.needs.len();
    let mut early = vec![0; n];
    let mut changed = true;
    while changed {
        changed = false;
        for i in 0..n {
            for b in &graph.needs[i] {
                let at = early[*b] + graph.seconds[*b];
                if at > early[i] {
                    early[i] = at;
                    changed = true;
                }
            }
        }
    }
    let end = (0..n).map(|i| early[i] + graph.seconds[i]).max().unwrap();
    let mut late: Vec<u64> = (0..n).map(|i| end - graph.seconds[i]).collect();
    changed = true;
    while changed {
        changed = false;
        for i in 0..n {
            for b in &graph.needs[i] {
                let at = late[i] - graph.seconds[*b];
                if at < late[*b] {
                    late[*b] = at;
                    changed = true;
                }
            }
        }
    }
    (early, late, end)
}

fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn the_plan_agrees_to_the_second_and_its_schedule_breaks_nothing() {
    for seed in 1..=GRAPHS {
        let graph = graph(seed);
        let space = Space::new().file("main.coord", program(&graph));
        // the quick rule for most of them; a search, short as debug builds are slow, for some
        let budget = if seed % 50 == 0 { "10ms" } else { "0s" };
        let out = space
            .coord(&["plan", "--format", "json", "--budget", budget])
            .run()
            .exits(0);
        let plan: Value = serde_json::from_str(&out.stdout).unwrap();
        let tasks = plan["tasks"].as_array().unwrap();
        let (early, late, end) = relaxed(&graph);
        assert_eq!(number(&plan, "logical_makespan_s"), end, "seed {seed}");
        for (i, task) in tasks.iter().enumerate() {
            assert_eq!(task["id"], format!("task-{i}"));
            assert_eq!(
                number(task, "earliest_start_s"),
                early[i],
                "seed {seed}, task {i}"
            );
            assert_eq!(
                number(task, "latest_start_s"),
                late[i],
                "seed {seed}, task {i}"
            );
            assert_eq!(
                number(task, "slack_s"),
                late[i] - early[i],
                "seed {seed}, task {i}"
            );
            assert_eq!(
                task["critical"],
                late[i] == early[i],
                "seed {seed}, task {i}"
            );
        }
        schedule_holds(seed, &graph, tasks);
        let (bound, makespan) = (
            plan["lower_bound_s"].as_f64().unwrap(),
            number(&plan, "makespan_s") as f64,
        );
        assert!(
            end as f64 <= bound && bound <= makespan,
            "seed {seed}: {end} ≤ {bound} ≤ {makespan}"
        );
    }
}

fn schedule_holds(seed: u64, graph: &Graph, tasks: &[Value]) {
    let span: Vec<(u64, u64)> = tasks
        .iter()
        .map(|t| (number(t, "start_s"), number(t, "finish_s")))
        .collect();
    for (i, (start, finish)) in span.iter().enumerate() {
        assert_eq!(finish - start, graph.seconds[i]);
        for b in &graph.needs[i] {
            assert!(
                span[*b].1 <= *start,
                "seed {seed}: task {i} starts before {b} has ended"
            );
        }
        let now: Vec<usize> = (0..span.len())
            .filter(|o| span[*o].0 <= *start && *start < span[*o].1)
            .collect();
        let busy = now
            .iter()
            .filter(|o| graph.agent[**o] == graph.agent[i])
            .count();
        assert!(
            busy <= graph.agent[i] + 1,
            "seed {seed}: agent {} does {busy} at once",
            graph.agent[i]
        );
        let used: u64 = now.iter().map(|o| graph.gpu[*o]).sum();
        assert!(used <= 3, "seed {seed}: {used} of 3 gpu in use");
    }
}
