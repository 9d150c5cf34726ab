//! `coord simulate` and `coord verify`: what may come of a project.

use crate::space::Space;

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
