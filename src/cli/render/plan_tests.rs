//! What people see of a plan: whole pictures, and what holds for every picture.

use super::sheet::{Look, columns};
use super::{explain_plan, graph, plan_json};
use coord_lang::source::Sources;
use coord_plan::compile::{Compiled, Settings, compile};
use coord_plan::plan::Plan;
use coord_plan::schedule::Schedule;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const CANDLEFISH: &str = include_str!("plan_tests/candlefish.coord");
const DEPLOYMENT: &str = include_str!("plan_tests/deployment.coord");
const ODD: &str = include_str!("plan_tests/odd.coord");
const EMPTY: &str = "edition 2026\nproject empty\n";
const SINGLE: &str = "edition 2026\ntask hello { run [\"true\"] }\n";

fn compiled(text: &str) -> Compiled {
    let compiled = compile(
        &Sources::single("sample.coord", text.to_string()),
        &Settings::default(),
    );
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|d| d.is_error())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    compiled
}

fn with<T>(text: &str, look: impl Fn(&Plan, &Schedule) -> T) -> T {
    let compiled = compiled(text);
    look(
        compiled.plan.as_ref().unwrap(),
        compiled.schedule.as_ref().unwrap(),
    )
}

fn picture(text: &str, width: usize) -> String {
    with(text, |plan, schedule| {
        explain_plan::text(
            plan,
            schedule,
            Look {
                width,
                color: false,
                now_ms: None,
            },
        )
    })
}

/// Six phases of 50 tasks that form chains.
fn many() -> String {
    let mut text = String::from("edition 2026\nproject many { starts 2026-01-05 }\n");
    (0..5).for_each(|agent| writeln!(text, "human team-{agent}").unwrap());
    for phase in 0..6 {
        writeln!(text, "phase p{phase} {{").unwrap();
        for task in 0..50 {
            writeln!(
                text,
                "  task T-{phase}-{task} {{ by team-{}",
                (phase + task * 3) % 5
            )
            .unwrap();
            writeln!(text, "    takes {}wd", 1 + (task * 7 + phase) % 4).unwrap();
            if task >= 8 {
                writeln!(text, "    needs T-{phase}-{}", task - 8).unwrap();
            }
            text.push_str("  }\n");
        }
        text.push_str("}\n");
    }
    text
}

#[test]
fn a_dated_project_at_100_columns() {
    insta::assert_snapshot!(picture(CANDLEFISH, 100));
}

#[test]
fn a_dated_project_at_80_columns() {
    insta::assert_snapshot!(picture(CANDLEFISH, 80));
}

#[test]
fn a_dated_project_at_160_columns() {
    insta::assert_snapshot!(picture(CANDLEFISH, 160));
}

#[test]
fn colour_adds_to_the_same_picture() {
    let colored = with(DEPLOYMENT, |plan, schedule| {
        explain_plan::text(
            plan,
            schedule,
            Look {
                width: 100,
                color: true,
                now_ms: None,
            },
        )
    });
    insta::assert_snapshot!(colored.replace('\x1b', "␛"));
    assert_eq!(without_escapes(&colored), picture(DEPLOYMENT, 100));
}

fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn seconds_without_a_date() {
    insta::assert_snapshot!(picture(DEPLOYMENT, 80));
}

#[test]
fn odd_names_stay_in_their_columns() {
    insta::assert_snapshot!(picture(ODD, 80));
}

#[test]
fn nothing_to_plan_is_said_in_words() {
    insta::assert_snapshot!(picture(EMPTY, 80), @r"
    empty
      nothing to plan: it has no task
    ");
    insta::assert_snapshot!(picture(SINGLE, 80), @r"
    (no project statement)
    1 task, 1 agent; no start date, times count from the start

      no time to show: say with `takes 2d` how long tasks take

    Without an estimate  1 task counts as no time at all
      hello
    ");
}

#[test]
fn of_many_tasks_those_that_matter_have_rows() {
    let picture = picture(&many(), 100);
    assert!(picture.contains("more tasks"));
    assert!(picture.contains("tasks without a row of their own"));
    assert!(picture.lines().count() < 200, "{picture}");
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for text in [CANDLEFISH, DEPLOYMENT, ODD, EMPTY, SINGLE, &many()] {
        let compiled = compiled(text);
        let (plan, schedule) = (
            compiled.plan.as_ref().unwrap(),
            compiled.schedule.as_ref().unwrap(),
        );
        for width in 60..=220 {
            let picture = explain_plan::text(
                plan,
                schedule,
                Look {
                    width,
                    color: false,
                    now_ms: None,
                },
            );
            for line in picture.lines() {
                assert!(
                    columns(line) <= width,
                    "{} columns of {width}: {line}",
                    columns(line)
                );
            }
        }
    }
}

#[test]
fn no_width_is_too_small() {
    for text in [CANDLEFISH, DEPLOYMENT, ODD, EMPTY, SINGLE] {
        (0..60).for_each(|width| drop(picture(text, width)));
    }
}

#[test]
fn the_json_has_its_shape() {
    let text = with(DEPLOYMENT, plan_json::text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_json_holds_what_was_promised() {
    let value: Value = serde_json::from_str(&with(CANDLEFISH, plan_json::text)).unwrap();
    assert_eq!(value["schema"], "coord.plan/1");
    assert_eq!(value["origin"], "2025-08-11T00:00:00Z");
    let task = &value["tasks"][0];
    let promised = [
        "id",
        "title",
        "phase",
        "agent",
        "duration_s",
        "needs",
        "uses",
        "earliest_start_s",
        "earliest_finish_s",
        "latest_start_s",
        "latest_finish_s",
        "slack_s",
        "critical",
        "criticality_index",
        "start_s",
        "finish_s",
    ];
    let fields: BTreeSet<&str> = task
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        promised.iter().all(|field| fields.contains(field)),
        "{fields:?}"
    );
    assert!(value.as_object().unwrap().contains_key("eta"));
    assert!(value["makespan_s"].is_i64());
}

#[test]
fn everything_that_is_needed_is_in_the_json() {
    for text in [CANDLEFISH, DEPLOYMENT, ODD, &many()] {
        let value: Value = serde_json::from_str(&with(text, plan_json::text)).unwrap();
        let nodes = || {
            ["tasks", "events", "joins"]
                .iter()
                .flat_map(|kind| value[kind].as_array().unwrap())
        };
        let ids: BTreeSet<&str> = nodes().map(|node| node["id"].as_str().unwrap()).collect();
        let needs = nodes().flat_map(|node| node["needs"].as_array().unwrap());
        for need in needs {
            assert!(ids.contains(need.as_str().unwrap()), "{need}");
        }
    }
}

#[test]
fn the_graph_in_mermaid() {
    insta::assert_snapshot!(with(CANDLEFISH, graph::mermaid));
}

#[test]
fn odd_names_are_escaped_in_mermaid() {
    insta::assert_snapshot!(with(ODD, graph::mermaid));
}

#[test]
fn the_graph_in_dot() {
    insta::assert_snapshot!(with(CANDLEFISH, graph::dot));
}

#[test]
fn odd_names_are_escaped_in_dot() {
    insta::assert_snapshot!(with(ODD, graph::dot));
}

#[test]
fn the_graph_in_json() {
    insta::assert_snapshot!(with(ODD, graph::json));
}
