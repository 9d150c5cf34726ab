//! The record of a run: what it tells, in every form, and that it is the same each time.

use crate::space::Space;

const PROJECT: &str = r#"edition 2026

project demo "The <demo>"

human lead "Team lead"
human dev "Developer"

channel updates { file "updates.md" }

escalation stuck "Stuck work" {
  level L1 by lead within 4h
  level L2 by dev
}

incident P0 "Production is down" {
  respond within 15m
  declare by any
  lead lead
}

metric done "Tasks done" {
  target >= 90%
  from task.completion
}

on task.failed {
  do notify lead via updates
  do escalate to stuck
}

task build "Build | pack" {
  run ["true"]
  takes 1h..2h
}

task ship {
  needs build
  run ["sh", "-c", "test -e ready"]
}
"#;

/// Days, times and lengths of time by name.
fn timeless(text: &str) -> String {
    let mut settings = String::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| {
            let core = word.trim_end_matches(['.', ',', ')', ':']);
            let shape: String = core
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { c })
                .collect();
            let rest = &word[core.len()..];
            match shape.as_str() {
                "9999-99-99" => format!("[DAY]{rest}"),
                "99:99:99" => format!("[TIME]{rest}"),
                "9.9s" | "99s" => format!("[TOOK]{rest}"),
                _ => word.to_string(),
            }
        });
        settings.push_str(&words.collect::<Vec<_>>().join(" "));
        settings.push('\n');
    }
    settings
}

/// A run that fails, is escalated, and is brought to its end by people.
fn ended() -> Space {
    let space = Space::new().file("main.coord", PROJECT);
    let _failed = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    std::fs::write(space.path("ready"), "").unwrap();
    let _done = space
        .coord(&["retry", "ship", "--as", "dev"])
        .run()
        .exits(0);
    let _answered = space
        .coord(&["done", "1", "--note", "it was not ready"])
        .run()
        .exits(0);
    let _resumed = space.coord(&["resume"]).run().exits(0);
    space
}

#[test]
fn a_record_tells_what_happened_and_who_did_what() {
    let space = ended();
    let told = space.coord(&["report"]).run().exits(0).stdout;
    assert_eq!(told, space.coord(&["report", "r"]).run().exits(0).stdout);
    let shares = told
        .lines()
        .filter(|line| {
            !["| blocked", "| agent.u", "| coordination", "| blocker"]
                .iter()
                .any(|of| line.starts_with(of))
        })
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(timeless(&shares));
}

#[test]
fn as_html_it_is_one_page_that_needs_nothing_else() {
    let space = ended();
    let said = space
        .coord(&["report", "--format", "html", "--output", "report.html"])
        .run()
        .exits(0);
    assert_eq!(said.stdout, "");
    let page = std::fs::read_to_string(space.path("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    for needed in [
        "The &lt;demo&gt;: run r",
        "prefers-color-scheme:dark",
        "<h2 id=\"tasks\">Tasks</h2>",
        "Build | pack",
        "<td class=\"good\">completed</td>",
    ] {
        assert!(page.contains(needed), "{needed}");
    }
    for foreign in [
        "<script", "http://", "https://", "<demo>", "@import", "src=",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for element in ["section", "table", "tr", "td", "ul", "li", "div", "dl"] {
        let count = |text: &str| page.matches(text).count();
        let opened = count(&format!("<{element}>")) + count(&format!("<{element} "));
        assert_eq!(opened, count(&format!("</{element}>")), "{element}");
    }
}

#[test]
fn as_json_it_has_everything() {
    let space = ended();
    let told = space.coord(&["report", "--format", "json"]).run().exits(0);
    let report: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(report["schema"], "coord.report/1");
    assert_eq!(report["state"], "completed");
    assert_eq!(report["tasks"][1]["attempts"], 2);
    assert_eq!(report["metrics"][0]["value"], "100.0%");
    assert_eq!(report["metrics"][0]["met"], true);
    assert_eq!(report["escalations"][0]["name"], "escalation stuck");
    assert_eq!(report["notices"][0]["via"], "updates");
    let last = report["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!(last["text"], "the run is completed");
}

#[test]
fn a_run_that_is_not_over_has_a_record_too() {
    let space = Space::new().file(
        "main.coord",
        "edition 2026\nhuman lead\ntask build { by lead }\n",
    );
    let none = space.coord(&["report"]).run().exits(2);
    assert!(none.stderr.contains("there are no runs"), "{none}");
    let _paused = space.coord(&["run", "--no-wait"]).run().exits(3);
    let told = space.coord(&["report"]).run().exits(0).stdout;
    assert!(told.contains("- Tasks: 1 not done"), "{told}");
    assert!(told.contains("# main.coord: run "), "{told}");
    let none = space.coord(&["report", "nope"]).run().exits(2);
    assert!(none.stderr.contains("there is no run `nope`"), "{none}");
}

/// Declared while nobody runs the project, answered by its lead, then resolved by its lead.
#[test]
fn an_incident_has_its_post_mortem() {
    let space = Space::new().file("main.coord", PROJECT);
    let _failed = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    let home = coord_host::home::Home::existing(&space.path(".coord-state")).unwrap();
    let order = coord_host::control::Order::Raise {
        of: coord_engine::Of::Incident(coord_lang::ids::IncidentId(0)),
        about: coord_engine::About::default(),
        by: Some("dev".into()),
        note: "nobody can log in".into(),
    };
    let run = "r".into();
    let request = coord_host::control::Request { run, order };
    coord_host::control::give(&home, request, "a test").unwrap();
    std::fs::write(space.path("ready"), "").unwrap();
    let go = |args: &[&str], code| {
        let _ran = space.coord(args).run().exits(code);
    };
    go(&["done", "1"], 0);
    go(&["retry", "ship"], 0);
    go(&["resume", "--no-wait"], 3);
    go(&["done", "2", "--note", "on it"], 0);
    go(&["resume", "--no-wait"], 3);
    go(&["done", "3", "--note", "the key had expired"], 0);
    go(&["resume"], 0);
    let told = space.coord(&["report"]).run().exits(0).stdout;
    let incidents = told.split("## Incidents").nth(1).unwrap_or_default();
    let incidents = incidents.split("\n## ").next().unwrap_or_default();
    insta::assert_snapshot!(timeless(incidents));
}
