//! `coord plan --why` says what holds a task, link by link, and what would move it.

use crate::schemas::{holds, strict};
use crate::space::Space;
use serde_json::Value;

/// A chain over everything that may hold a task.
const YARD: &str = "\
edition 2026
project yard \"A yard\" {
  starts 2025-08-04
}
human ann \"Ann\"
human bob
resource crane { capacity 1 }
task dig \"Dig\" {
  by ann
  takes 3wd
  writes \"ground/**\"
}
task pour \"Pour\" {
  by bob
  takes 1wd
  needs dig
  uses crane 1
}
task beams {
  by ann
  takes 1wd
  uses crane 1
  needs dig
}
task paint {
  by ann
  takes 2wd
  needs dig
}
task plan-ground {
  by bob
  takes 1wd
  writes \"ground/map.md\"
}
phase later \"Later\" {
  weeks 3..3
  task roof {
    by bob
    takes 1wd
  }
}
milestone done { needs [pour, paint, roof] }
";

fn yard() -> Space {
    Space::new().file("main.coord", YARD)
}

#[test]
fn each_link_has_its_holder_and_each_holder_its_weight() {
    let space = yard();
    let mut told = String::new();
    for task in ["paint", "pour", "beams", "roof", "done", "later", "dig"] {
        let ran = space.coord(&["plan", "--why", task]).run().exits(0);
        told.push_str(&ran.stdout);
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[test]
fn programs_read_the_same_as_json() {
    let space = yard();
    let schema = strict("why");
    for task in ["paint", "roof", "done", "later"] {
        let args = ["plan", "--why", task, "--format", "json"];
        let ran = space.coord(&args).run().exits(0);
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        holds(&schema, &found, task);
        assert_eq!(found["schema"], "coord.why/1");
    }
}

/// What a change is said to bring is what the plan with that change comes to.
#[test]
fn a_promised_gain_is_there() {
    let space = yard();
    let json = |args: &[&str]| -> Value {
        let args = [&["plan", "--format", "json"], args].concat();
        serde_json::from_str(&space.coord(&args).run().stdout).unwrap()
    };
    let why = json(&["--why", "beams"]);
    let moves = why["moves"].as_array().unwrap();
    let hands = moves.iter().find(|m| m["change"] == "hands").unwrap();
    let changed = json(&["--what-if", hands["what_if"].as_str().unwrap()]);
    let beams = &changed["tasks"].as_array().unwrap()[2];
    assert_eq!(beams["id"], "beams");
    assert_eq!(beams["finish_s"], hands["finish_s"]);
}

#[test]
fn what_is_not_there_is_named_with_what_is_meant() {
    let ran = yard()
        .coord(&["plan", "-q", "--why", "pant"])
        .run()
        .exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: no task, sync, milestone or phase is called `pant`
      help: did you mean `paint`?
    ");
}

#[test]
fn what_is_off_the_plan_says_so() {
    let text = format!("{YARD}task mend {{\n  by bob\n  takes 1wd\n  needs roof failed\n}}\n");
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["plan", "-q", "--why", "mend"]).run().exits(0);
    assert!(ran.stdout.contains("off the plan"), "{ran}");
}
