//! `coord simulate` and `coord verify`: what may come of a project.

use crate::space::Space;
use std::path::Path;

const PROJECTS: [&str; 5] = [
    "candlefish",
    "multiagent",
    "operating-procedures",
    "platform",
    "services",
];

const PROJECT: &str = r#"edition 2026

project drawn {
  starts 2026-03-02T09:00
}

agent narrow {
  capacity 1
}

human lead

task first {
  by narrow
  takes 1h..2h..6h
  run ["true"]
  retry 2
  idempotent
}

task second {
  by narrow
  takes 2h
  run ["true"]
  retry 2
  idempotent
  deadline 2026-03-02T12:00
}

task third {
  by lead
  needs [first, second]
  takes 30m
}

escalation blocked {
  level L1 by lead within 1h
  otherwise halt
}

on task.failed do escalate to blocked
"#;

#[test]
fn a_simulation_is_the_same_again_and_another_under_another_seed() {
    let space = Space::new().file("main.coord", PROJECT);
    let of = |seed: &str| {
        let args = [
            "simulate", "--runs", "60", "--seed", seed, "--format", "json",
        ];
        space.coord(&args).run().exits(0).stdout
    };
    assert_eq!(of("7"), of("7"));
    assert_ne!(of("7"), of("8"));
}

#[test]
fn a_simulation_says_who_is_waited_for_and_what_is_late() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space
        .coord(&["simulate", "--runs", "40", "--format", "json"])
        .run()
        .exits(0);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["runs"], 40);
    assert_eq!(found["bottleneck"], "narrow");
    assert_eq!(found["deadlines_missed"][0]["name"], "second");
    let finish = &found["finish_s"];
    let part = |name: &str| finish[name].as_f64().unwrap();
    assert!(
        part("min") <= part("p50") && part("p50") <= part("p80"),
        "{finish}"
    );
    assert!(
        part("p80") <= part("p95") && part("p95") <= part("max"),
        "{finish}"
    );
    assert!(part("min") < part("max"), "{finish}");
}

#[test]
fn a_simulation_without_mishaps_always_completes() {
    let space = Space::new().file("main.coord", PROJECT);
    let args = ["simulate", "--runs", "20", "--fail", "0", "--silent", "0"];
    let ran = space.coord(&args).run().exits(0);
    assert!(
        ran.stdout.contains("100 %  completed (20)"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("escalation"), "{}", ran.stdout);
}

#[test]
fn a_simulation_counts_the_ladders_that_failures_open() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space
        .coord(&["simulate", "--runs", "40", "--fail", "60"])
        .run()
        .exits(0);
    assert!(ran.stdout.contains("escalation blocked"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("reaction task.failed"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_projects_that_come_along_are_simulated() {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    for name in PROJECTS {
        let folder = workflows.join(name).display().to_string();
        let space = Space::new();
        let args = ["simulate", &folder, "--runs", "10", "--format", "json"];
        let ran = space.coord(&args).run().exits(0);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let ends = found["ends"].as_object().unwrap().values();
        let ended: u64 = ends.map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(ended, 10, "{name}: {}", ran.stdout);
        assert!(
            found["ends"].get("too-long").is_none(),
            "{name}: {}",
            ran.stdout
        );
    }
}

/// A planted defect: the line, from 1, and the beginning of what is said about it.
fn planted(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    let note =
        |(i, line): (usize, &str)| Some((i + 1, line.split_once("# defect: ")?.1.to_string()));
    lines.filter_map(note).collect()
}

#[test]
fn every_planted_defect_is_found_and_named_at_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let planted = planted(&text);
        assert!(!planted.is_empty(), "{}", file.display());
        let space = Space::new().file("main.coord", &text);
        let ran = space.coord(&["verify", "main.coord"]).run().exits(1);
        let found: Vec<&str> = (ran.stdout.lines())
            .filter(|line| line.starts_with("main.coord:"))
            .collect();
        assert_eq!(
            found.len(),
            planted.len(),
            "{}: {}",
            file.display(),
            ran.stdout
        );
        for (line, says) in planted {
            let place = format!("main.coord:{line}: ");
            let said = |found: &&&str| found.starts_with(&place) && found.contains(&says);
            assert!(
                found.iter().any(|of| said(&of)),
                "{}: {place}{says}\n{}",
                file.display(),
                ran.stdout
            );
        }
    }
}

#[test]
fn a_dead_wait_is_told_from_the_start() {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify/isolated-for-good.coord"),
    )
    .unwrap();
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["verify", "--format", "json"]).run().exits(1);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = &found["findings"][0];
    assert_eq!(first["what"], "dead wait");
    let trace = first["trace"].to_string();
    assert!(
        trace.contains("build failed") && trace.contains("agent solo is isolated"),
        "{trace}"
    );
}

#[test]
fn a_sound_project_has_nothing_to_find() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space.coord(&["verify"]).run().exits(0);
    assert!(ran.stderr.contains("nothing found in "), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let ran = space.coord(&["verify", "--states", "3"]).run().exits(0);
    assert!(
        ran.stderr.contains("in 3 states; the bound was reached"),
        "{}",
        ran.stderr
    );
}

/// Work that ends in another order than it is written in is a course, too.
#[test]
fn a_gate_that_depends_on_the_order_is_not_said_to_be_closed() {
    let space = Space::new().file(
        "main.coord",
        r#"edition 2026

gate later-ones {
  check "all are done" when c.state == "completed" and d.state == "completed" and e.state == "completed"
}

task a { run ["true"] }

task b {
  run ["true"]
  needs a
  requires later-ones
}

task c { run ["true"] }

task d { run ["true"] }

task e { run ["true"] }
"#,
    );
    let ran = space.coord(&["verify", "--depth", "0"]).run();
    assert!(
        !ran.stdout.contains("passes in no course"),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("starts in no course"),
        "{}",
        ran.stdout
    );
}

#[test]
fn nothing_untrue_is_said_of_the_projects_that_come_along() {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    for name in PROJECTS {
        let folder = workflows.join(name).display().to_string();
        let space = Space::new();
        // what is found in the first states holds in all of them
        let args = ["verify", &folder, "--states", "1500"];
        let ran = space.coord(&args).run().exits(0);
        assert_eq!(ran.stdout, "", "{name}");
    }
}
