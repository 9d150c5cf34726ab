//! `coord plan --since RUN` says what happened and what is to be expected; `--learn` estimates by
//! what runs have shown.

use crate::schemas::{holds, strict};
use crate::space::Space;
use serde_json::Value;

/// A machine's task, then two people's: the run stops waiting for them.
const SHOP: &str = "\
edition 2026
project shop
human ann
human bob
task prepare {
  run [\"true\"]
  takes 100ms
  timeout 60s
}
task design {
  by ann
  takes 1h..2h..4h
  needs prepare
}
task build {
  by bob
  takes 2h
  needs design
}
task print {
  by bob
  takes 30m
  needs prepare
}
task mend {
  by bob
  takes 1h
  needs prepare failed
}
milestone shipped { needs [build, print] }
expect \"Within five hours\" plan.finish <= 5h
expect \"Printed in an hour\" print.end <= 1h
";

fn waiting() -> Space {
    let space = Space::new().file("main.coord", SHOP);
    space
        .coord(&["run", "--run-id", "one", "--no-wait"])
        .run()
        .exits(3);
    space
}

fn json(space: &Space, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    serde_json::from_str(&space.coord(&args).run().exits(0).stdout).unwrap()
}

fn state(live: &Value, task: &str) -> String {
    let tasks = live["tasks"].as_array().unwrap();
    let task = tasks.iter().find(|t| t["id"] == task).unwrap();
    task["state"].as_str().unwrap().to_string()
}

#[test]
fn what_is_done_stays_done_and_the_rest_is_laid_out_from_now() {
    let space = waiting();
    let live = json(&space, &["--since", "one"]);
    holds(&strict("live"), &live, "live");
    let states = ["prepare", "design", "build", "print", "mend"].map(|t| state(&live, t));
    assert_eq!(states, ["done", "running", "open", "running", "skipped"]);
    let chain: Vec<&str> = live["chain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(chain, ["design", "build"]);
    let tasks = live["tasks"].as_array().unwrap();
    let seconds = |value: &Value| value.as_f64().unwrap();
    for task in tasks.iter().filter(|t| t["state"] == "open") {
        assert!(seconds(&task["start_s"]) >= seconds(&live["now_s"]));
    }
    let design = &tasks[1];
    let left = seconds(&design["left_s"]);
    assert!((0.0..=7200.0).contains(&left), "{design}");
    let ends = seconds(&live["now_s"]) + left;
    assert!(
        (seconds(&design["finish_s"]) - ends).abs() < 1.0,
        "{design}"
    );
    assert!(seconds(&live["finish_s"]) >= ends + 7200.0 - 1.0);
    let kept: Vec<&Value> = live["promises"].as_array().unwrap().iter().collect();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|promise| promise["holds"] == true));
}

#[test]
fn people_read_what_holds_the_end_now() {
    let space = waiting();
    let told = space.coord(&["plan", "--since"]).run().exits(0).stdout;
    for words in [
        "shop  run one",
        "2 of 5 tasks ended, 2 at work",
        "planned end",
        "expected end",
        "At work",
        "likely 2h, about",
        "What holds the end now",
        "at work since",
        "needs design",
        "What happened",
        "1 task of 1 run took",
        "--learn",
    ] {
        assert!(told.contains(words), "no `{words}`\n{told}");
    }
}

/// A project that is planned to the millisecond: no program is started and ended that quickly.
fn tight() -> Space {
    let text = SHOP
        .replace("takes 100ms", "takes 1ms")
        .replace("print.end <= 1h", "print.end <= 1800001ms")
        + "expect \"Printing can wait\" task.print.slack >= 12600000ms\n\
           expect \"Bob has time\" agent.bob.load <= 70%\n";
    let space = Space::new().file("main.coord", text);
    space
        .coord(&["run", "--run-id", "one", "--no-wait"])
        .run()
        .exits(3);
    space
}

#[test]
fn what_is_late_is_told_with_the_way_to_it() {
    let ran = tight().coord(&["plan", "--since", "one"]).run().exits(1);
    let told = ran.stdout;
    assert!(told.contains("At risk"), "{told}");
    assert!(
        told.contains("broken now        Printed in an hour 30m"),
        "{told}"
    );
    assert!(told.contains("through print"), "{told}");
    // nothing else is broken
    assert!(
        told.contains("broken now        Printing can wait 3h 29m"),
        "{told}"
    );
    assert_eq!(told.matches("broken").count(), 2, "{told}");
}

#[test]
fn loads_and_slack_are_judged_by_what_was_and_what_is_to_come() {
    let ran = tight()
        .coord(&["plan", "--format", "json", "--since", "one"])
        .run()
        .exits(1);
    let live: Value = serde_json::from_str(&ran.stdout).unwrap();
    let promises = live["promises"].as_array().unwrap();
    let judged: Vec<_> = promises
        .iter()
        .map(|p| (p["text"].as_str().unwrap(), &p["held"], &p["holds"]))
        .collect();
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    assert_eq!(
        judged,
        [
            ("Within five hours", &yes, &yes),
            ("Printed in an hour", &yes, &no),
            ("Printing can wait", &yes, &no),
            ("Bob has time", &yes, &yes),
        ]
    );
}

#[test]
fn what_an_agent_has_done_counts_in_its_load() {
    let text = "edition 2026\nproject quick\nagent worker\ntask a {\n  by worker\n  run [\"true\"]\n  \
                takes 10s\n}\ntask b {\n  by worker\n  run [\"true\"]\n  takes 10s\n  needs a\n}\n\
                expect \"It works\" agent.worker.load > 1%\n";
    let space = Space::new().file("main.coord", text);
    space.coord(&["run", "--run-id", "one"]).run().exits(0);
    let live = json(&space, &["--since", "one"]);
    assert_eq!(live["promises"][0]["holds"], true, "{live}");
    // times of so short a plan have seconds
    let told = space.coord(&["plan", "--since", "one"]).run().exits(0);
    let planned = told
        .stdout
        .lines()
        .find(|line| line.contains("planned end"));
    let time = planned.unwrap().split_whitespace().last().unwrap();
    assert_eq!(time.split(':').count(), 3, "{told}");
}

#[test]
fn what_runs_have_shown_is_reported_and_taken_when_asked_for() {
    let text = "edition 2026\nproject quick\ntask a {\n  run [\"true\"]\n  takes 100s\n  timeout 60s\n}\n\
                task b {\n  run [\"true\"]\n  takes 100s\n  timeout 60s\n  needs a\n}\n";
    let space = Space::new().file("main.coord", text);
    for run in ["one", "two", "three"] {
        space.coord(&["run", "--run-id", run]).run().exits(0);
    }
    let live = json(&space, &["--since", "three"]);
    let experience = &live["experience"];
    assert_eq!(experience["samples"], 6);
    assert_eq!(experience["runs"], 3);
    assert_eq!(experience["used"], false);
    assert_eq!(live["state"], "completed");
    let plain = json(&space, &[]);
    assert_eq!(plain["makespan_s"], 200);
    let learned = json(&space, &["--learn"]);
    assert!(learned["makespan_s"].as_f64().unwrap() < 200.0);
    let ran = space.coord(&["plan", "--learn"]).run().exits(0);
    assert!(ran.stderr.contains("6 tasks of 3 runs took"), "{ran}");
    assert!(
        ran.stderr.contains("2 of 2 tasks are estimated by that"),
        "{ran}"
    );
}

#[test]
fn a_run_that_is_not_there_says_so() {
    let ran = waiting().coord(&["plan", "--since", "oen"]).run().exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: there is no run `oen`
      help: did you mean `one`?
    ");
}
