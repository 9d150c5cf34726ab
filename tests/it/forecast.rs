//! `coord plan` says how sure the end is, and what a change would do.

use crate::space::Space;
use serde_json::Value;
use std::fmt::Write as _;

const SHOP: &str = "\
edition 2026
project shop \"A shop\" {
  starts 2025-08-04
}
human ann
human bob
resource gpu { capacity 1 }
phase build \"Build\" {
  task api \"The API\" {
    by ann
    takes 3wd..8wd
    uses gpu 1
  }
  task ui \"The page\" {
    by bob
    takes 2wd..4wd
    uses gpu 1
  }
  task db \"Tables\" {
    by ann
    takes 1wd..2wd
  }
}
milestone beta \"Beta\" {
  needs ui
  due 2025-08-07
}
task ship {
  by bob
  takes 1wd..3wd
  needs [api, ui, db]
  deadline 2025-08-18
}
expect \"Sure of three weeks\" plan.p80 <= 3w
expect \"Sure of two weeks\" plan.p95 <= 2w
";

fn shop() -> Space {
    Space::new().file("main.coord", SHOP)
}

fn json(space: &Space, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    serde_json::from_str(&space.coord(&args).run().stdout).unwrap()
}

#[test]
fn the_picture_says_how_sure_the_end_is() {
    let ran = shop().coord(&["plan", "--width", "100"]).run().exits(1);
    let finishes = ran.stdout.find("  finishes").unwrap();
    let (head, _) = ran.stdout[finishes..].split_once("\n\n").unwrap();
    insta::assert_snapshot!(head);
    let section = ran.stdout.find("How it may come out").unwrap();
    insta::assert_snapshot!(&ran.stdout[section..]);
}

#[test]
fn a_forecast_has_its_own_fields() {
    let space = shop();
    let found = json(&space, &["--samples", "500"]);
    let ends = |eta: &Value| ["p50_s", "p80_s", "p95_s"].map(|p| eta[p].as_f64().unwrap());
    for eta in [&found["eta"], &found["phases"][0]["eta"]] {
        assert!(ends(eta).is_sorted(), "{eta}");
        assert_eq!(eta["samples"], 500);
    }
    let again = json(&space, &["--samples", "500"]);
    assert_eq!(found, again);
    let other = json(&space, &["--samples", "500", "--seed", "2"]);
    assert_ne!(found["eta"], other["eta"]);
    let without = json(&space, &["--samples", "0"]);
    assert_eq!(without["eta"], Value::Null);
    assert_eq!(without["tasks"][0]["criticality_index"], Value::Null);
    assert_eq!(without["promises"][0]["verdict"], "open");
    let judged = |n: usize| {
        let promise = &found["promises"][n];
        (promise["verdict"].as_str(), promise["judged_by"].as_str())
    };
    assert_eq!(judged(0), (Some("kept"), Some("forecast")));
    assert_eq!(judged(1), (Some("broken"), Some("forecast")));
}

#[test]
fn exact_lengths_need_no_forecast() {
    let text = "edition 2026\nproject p\ntask a {\n  by local\n  takes 2d\n  run [\"true\"]\n}\nexpect \"Sure\" plan.p80 <= 2d\n";
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["plan"]).run().exits(0);
    assert!(!ran.stdout.contains("How it may come out"), "{ran}");
    let found = json(&space, &[]);
    assert_eq!(found["eta"]["p80_s"], 2 * 24 * 3600);
    assert_eq!(found["eta"]["samples"], 1);
    assert_eq!(found["promises"][0]["verdict"], "kept");
}

#[test]
fn a_change_is_a_table_of_what_moves() {
    let space = shop();
    let mut told = String::new();
    let changes: [&[&str]; 5] = [
        &["agent ann capacity 2"],
        &[
            "agent ann away 2025-08-05..2025-08-06",
            "task ship takes 1wd",
        ],
        &["resource gpu capacity 2"],
        &["drop resource gpu"],
        &["task ui priority P0"],
    ];
    for change in changes {
        let mut args = vec!["plan", "--samples", "200"];
        change
            .iter()
            .for_each(|change| args.extend(["--what-if", change]));
        writeln!(told, "{}", space.coord(&args).run().stdout).unwrap();
    }
    insta::assert_snapshot!(told);
    let changed = json(&space, &["--what-if", "task api takes 20wd"]);
    assert_eq!(changed["tasks"][0]["duration_s"]["likely"], 20 * 8 * 3600);
}

#[test]
fn a_change_that_means_nothing_says_so() {
    let space = shop();
    let mut told = String::new();
    for change in [
        "agent an capacity 2",
        "agent zebra capacity 2",
        "agent ann capacity 0",
        "agent ann away friday",
        "agent ann away 2025-08-06..2025-08-05",
        "task shipp takes 2wd",
        "task ship takes 2wd..1d",
        "task ship priority P9",
        "resource cpu capacity 2",
        "more people",
        "",
    ] {
        let ran = space.coord(&["plan", "--what-if", change]).run().exits(2);
        write!(told, "{}", ran.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
}
