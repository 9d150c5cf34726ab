//! `coord test`: scenarios in virtual time.

use crate::space::Space;
use std::path::Path;

const PROJECT: &str = r#"edition 2026

human ann

human bob

escalation stuck {
  level L1 by ann within 1h
  level L2 by bob within 2h
}

task build {
  run ["true"]
  takes 2h
  retry 1 every 1h
}

task ship {
  needs build
  by ann
  takes 1h
}

on task.failed do escalate to stuck
"#;

fn with(tests: &str) -> Space {
    Space::new().file("main.coord", format!("{PROJECT}\n{tests}"))
}

/// Every procedure of the five systems, as their projects say it.
#[test]
fn the_scenarios_of_the_five_systems_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let root = root.to_string_lossy();
    let ran = Space::new().coord(&["test", &root]).run().exits(0);
    assert!(ran.stderr.ends_with("tests hold\n"), "{ran}");
    let held = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with('✓'))
        .count();
    assert!(held >= 92, "{held}: {ran}");
    let again = Space::new()
        .coord(&["test", &root, "--format", "json"])
        .run()
        .exits(0);
    assert!(again.stdout.contains("\"passed\": true"), "{again}");
}

#[test]
fn a_scenario_that_holds() {
    let space = with(
        r#"test "A build that fails twice climbs" {
  given task build fails
  given ann silent
  expect escalation stuck reaches L1 at 5h
  expect escalation stuck reaches L2 at 6h
  expect bob asked
  expect ship never starts
}

test "Once more is no failure" {
  given task build fails 1 times
  expect escalation stuck never opens
  expect ship completes
  expect run completes
}

test "A crash changes nothing" {
  given task build fails
  given ann silent
  given crash at 5h30m
  expect escalation stuck reaches L2 at 6h
}
"#,
    );
    let ran = space.coord(&["test"]).run().exits(0);
    assert_eq!(ran.stderr, "3 tests hold\n");
    let traced = space
        .coord(&["test", "--only", "climbs", "--trace"])
        .run()
        .exits(0);
    assert!(
        traced.stdout.contains("6h ▲ escalation stuck reaches L2"),
        "{traced}"
    );
}

#[test]
fn a_scenario_that_does_not_hold_says_what_was_seen() {
    let space = with(
        r#"test "Nobody is asked" {
  given task build fails
  expect escalation stuck never opens
  expect ship completes before 1h
  expect run completes
}
"#,
    );
    let ran = space.coord(&["test"]).run().exits(1);
    assert_eq!(ran.stderr, "1 of 1 tests do not hold\n");
    for line in [
        "    main.coord:28: expect escalation stuck never opens\n      it happened at 5h\n",
        "    main.coord:29: expect ship completes before 1h\n      it never happened",
        "    main.coord:30: expect run completes\n      it never happened",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
}

#[test]
fn a_project_with_mistakes_or_without_tests_is_told_so() {
    let ran = with("").coord(&["test"]).run().exits(0);
    assert_eq!(ran.stderr, "no `test` blocks here\n");
    let ran = with("task ship {\n}\n").coord(&["test"]).run().exits(2);
    assert!(
        ran.stderr.contains("E02") || ran.stderr.contains("E01"),
        "{ran}"
    );
}
