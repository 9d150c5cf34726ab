//! Measures the planner on instances of the resource-constrained scheduling problem.
use coord_lang::ids::{NodeId, ResourceId, Table};
use coord_plan::levelling::Options;
use coord_plan::plan::*;
use coord_plan::schedule::check::validate;
use coord_plan::schedule::schedule;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn cpu_s() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn plan_of(instance: &Value) -> Plan {
    let mut plan = Plan {
        ir: IR,
        project: "bench".into(),
        title: None,
        origin_ms: None,
        timezone: "UTC".into(),
        parallel: None,
        stop_on_failure: false,
        agents: Table::default(),
        resources: Table::default(),
        gates: Table::default(),
        phases: Table::default(),
        nodes: Table::default(),
        order: Vec::new(),
        workflows: Table::default(),
        entry: None,
        rules: Default::default(),
        hours: Default::default(),
    };
    let mut resources = BTreeMap::new();
    for r in instance["resources"].as_array().unwrap() {
        let id = plan.resources.push(Resource {
            name: r["id"].as_str().unwrap().into(),
            title: None,
            capacity: r["capacity"].as_u64().unwrap() as u32,
            claim: false,
        });
        resources.insert(r["id"].as_str().unwrap().to_string(), id);
    }
    let tasks = instance["tasks"].as_array().unwrap();
    let index: BTreeMap<&str, u32> = tasks
        .iter()
        .enumerate()
        .map(|(i, t)| (t["id"].as_str().unwrap(), i as u32))
        .collect();
    for t in tasks {
        let uses: Vec<(ResourceId, u32)> = t["demand"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (resources[k], v.as_u64().unwrap() as u32))
            .collect();
        let span = Span {
            ms: t["duration"].as_i64().unwrap() * 1000,
            working: false,
        };
        let task = Task {
            by: By::All(vec![]),
            when: None,
            estimate: Some(Estimate {
                low: span,
                likely: span,
                high: span,
            }),
            program: None,
            steps: vec![],
            doc: String::new(),
            writes: vec![],
            reads: vec![],
            produces: vec![],
            takes_artifacts: vec![],
            uses,
            priority: 2,
            deadline_ms: None,
            requires: vec![],
            ensures: vec![],
            approvals: vec![],
            timeout_ms: None,
            retry: None,
            idempotent: false,
            env: vec![],
            dir: None,
            on_fail: OnFail::Block,
            more: None,
        };
        let needs = t["deps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| Need {
                on: NodeId(index[d.as_str().unwrap()]),
                or: vec![],
                wanted: Wanted::Done,
                within: None,
                origin: Origin::Declared,
            })
            .collect();
        plan.nodes.push(Node {
            name: t["id"].as_str().unwrap().into(),
            title: None,
            phase: None,
            needs,
            wants: vec![],
            not_before_ms: None,
            rank_ms: 0,
            workflow: None,
            kind: NodeKind::Task(Box::new(task)),
        });
    }
    let n = plan.nodes.len();
    let mut missing: Vec<usize> = plan.nodes.values().map(|x| x.needs.len()).collect();
    let mut after = vec![vec![]; n];
    for (id, node) in plan.nodes.iter() {
        for need in &node.needs {
            after[need.on.0 as usize].push(id);
        }
    }
    let mut ready: Vec<NodeId> = plan
        .nodes
        .ids()
        .filter(|i| missing[i.0 as usize] == 0)
        .collect();
    let mut at = 0;
    while at < ready.len() {
        let id = ready[at];
        at += 1;
        for &s in &after[id.0 as usize] {
            missing[s.0 as usize] -= 1;
            if missing[s.0 as usize] == 0 {
                ready.push(s);
            }
        }
    }
    plan.order = ready;
    let order = plan.order.clone();
    for id in order.into_iter().rev() {
        let own = plan
            .task(id)
            .and_then(|t| t.estimate)
            .map_or(0, |e| e.likely.ms);
        let tail = after[id.0 as usize]
            .iter()
            .map(|&s| plan.nodes[s].rank_ms)
            .max()
            .unwrap_or(0);
        plan.nodes[id].rank_ms = own + tail;
    }
    plan
}

struct Row {
    set: String,
    name: String,
    makespan: i64,
    bound: i64,
    optimal: bool,
    cpl: i64,
    lb: i64,
    ub: i64,
    cpu: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |k: &str| {
        args.iter()
            .position(|a| a == k)
            .map(|i| args[i + 1].clone())
    };
    let file = get("--file").unwrap();
    let budget: u64 = get("--budget").map_or(0, |b| b.parse().unwrap());
    let seed: u64 = get("--seed").map_or(1, |b| b.parse().unwrap());
    let every: usize = get("--every").map_or(1, |b| b.parse().unwrap());
    let sets = get("--sets").unwrap_or("j30,j60,j90,j120".into());
    let text = if file.ends_with(".gz") {
        String::from_utf8(
            std::process::Command::new("gzip")
                .arg("-dc")
                .arg(&file)
                .output()
                .unwrap()
                .stdout,
        )
        .unwrap()
    } else {
        std::fs::read_to_string(&file).unwrap()
    };
    let best: BTreeMap<String, (i64, i64, i64)> = get("--best")
        .map_or(String::new(), |p| std::fs::read_to_string(p).unwrap())
        .lines()
        .skip(1)
        .map(|l| {
            let f: Vec<&str> = l.split(',').collect();
            (
                f[0].into(),
                (
                    f[2].parse().unwrap(),
                    f[3].parse().unwrap(),
                    f[4].parse().unwrap(),
                ),
            )
        })
        .collect();
    let instances: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .filter(|v: &Value| sets.split(',').any(|s| v["set"] == s))
        .collect();
    let instances: Vec<Value> = instances
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0)
        .map(|(_, v)| v)
        .collect();
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<Row>> = Mutex::new(vec![]);
    let starts: Mutex<Vec<String>> = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= instances.len() {
                        break;
                    }
                    let v = &instances[i];
                    let plan = plan_of(v);
                    let t0 = cpu_s();
                    let options = Options {
                        budget,
                        seed,
                        ..Options::default()
                    };
                    let s = schedule(&plan, &options);
                    let cpu = cpu_s() - t0;
                    assert_eq!(validate(&plan, &s), Ok(()));
                    let name = v["name"].as_str().unwrap().to_string();
                    let (cpl, lb, ub) = best.get(&name).copied().unwrap_or((1, 0, i64::MAX));
                    let st: BTreeMap<&str, i64> = plan
                        .nodes
                        .iter()
                        .map(|(id, n)| (n.name.as_str(), s.nodes[id].start_ms / 1000))
                        .collect();
                    starts.lock().unwrap().push(
                        serde_json::json!({"instance": name, "starts": st, "time_s": cpu})
                            .to_string(),
                    );
                    rows.lock().unwrap().push(Row {
                        set: v["set"].as_str().unwrap().into(),
                        name,
                        makespan: s.makespan_ms / 1000,
                        bound: s.lower_bound.ms / 1000,
                        optimal: s.optimal,
                        cpl,
                        lb,
                        ub,
                        cpu,
                    });
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    if let Some(out) = get("--out") {
        let mut f = std::fs::File::create(out).unwrap();
        for s in starts.into_inner().unwrap() {
            writeln!(f, "{s}").unwrap();
        }
    }
    for set in sets.split(',') {
        let r: Vec<&Row> = rows.iter().filter(|r| r.set == set).collect();
        if r.is_empty() {
            continue;
        }
        let n = r.len() as f64;
        let cpl: f64 = r
            .iter()
            .map(|r| (r.makespan - r.cpl) as f64 / r.cpl as f64 * 100.0)
            .sum::<f64>()
            / n;
        let bks: f64 = r
            .iter()
            .map(|r| (r.makespan - r.ub) as f64 / r.ub as f64 * 100.0)
            .sum::<f64>()
            / n;
        let eq = r.iter().filter(|r| r.makespan <= r.ub).count();
        let opt = r.iter().filter(|r| r.optimal).count();
        let known = r.iter().filter(|r| r.lb == r.ub).count();
        let wrong = r
            .iter()
            .filter(|r| r.bound > r.ub || (r.optimal && r.makespan != r.ub))
            .count();
        let gap: f64 = r
            .iter()
            .map(|r| (r.makespan - r.bound) as f64 / r.bound as f64 * 100.0)
            .sum::<f64>()
            / n;
        let cpu: f64 = r.iter().map(|r| r.cpu).sum::<f64>() / n;
        let max = r.iter().map(|r| r.cpu).fold(0.0, f64::max);
        println!(
            "{set} n={} devCPL={cpl:.3} devBKS={bks:.4} ==BKS {eq} proved {opt} (known {known}) wrong {wrong} gap={gap:.3} cpu mean {cpu:.4} max {max:.3}",
            r.len()
        );
        for r in r
            .iter()
            .filter(|r| r.bound > r.ub || (r.optimal && r.makespan != r.ub))
        {
            println!("WRONG {} {} {} {}", r.name, r.makespan, r.bound, r.ub);
        }
    }
}
