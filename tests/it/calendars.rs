//! Working hours of a project's own.

use crate::space::Space;
use insta::assert_snapshot;

fn planned(calendar: &str) -> String {
    let text = format!(
        "edition 2026\n\nproject shop {{\n  timezone Europe/Berlin\n  starts 2025-03-27\n}}\n\n{calendar}\nagent dev {{\n  via human\n}}\n\ntask a {{\n  by dev\n  takes 2wd\n}}\n\ntask b {{\n  by dev\n  needs a\n  takes 6wh\n}}\n"
    );
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["plan", "--format", "json"]).run().exits(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let tasks = plan["tasks"].as_array().unwrap();
    // hours since the midnight that the project starts with
    let hour = |t: &serde_json::Value, field: &str| t[field].as_i64().unwrap() as f64 / 3600.0;
    let times = tasks.iter().map(|t| {
        let (start, finish) = (hour(t, "start_s"), hour(t, "finish_s"));
        format!("{} from {start} to {finish}\n", t["id"])
    });
    times.collect()
}

#[test]
fn without_a_calendar_work_is_done_from_nine_to_five() {
    assert_snapshot!(planned(""), @r#"
    "a" from 9 to 41
    "b" from 104 to 110
    "#);
}

#[test]
fn the_calendar_default_applies_to_all_work() {
    // over the change of clocks on Sunday, with a free Friday and short days
    let calendar = "calendar default {\n  working [monday, thursday, friday, sunday]\n  hours [08:00..12:00, 13:00..15:00]\n  holiday 2025-03-28..2025-03-29 \"Fair\"\n}\n";
    assert_snapshot!(planned(calendar), @r#"
    "a" from 8 to 86
    "b" from 103 to 110
    "#);
}

#[test]
fn its_hours_are_those_of_its_own_zone() {
    let calendar = "calendar default {\n  timezone America/New_York\n}\n";
    assert_snapshot!(planned(calendar), @r#"
    "a" from 14 to 46
    "b" from 110 to 116
    "#);
}

/// Of each task when it starts and ends, in the project's zone, and what it takes.
fn told(team: &str) -> String {
    let text = format!(
        "edition 2026\n\nproject shop {{\n  timezone Europe/Berlin\n  starts 2025-03-24\n}}\n\n{team}"
    );
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["plan", "--format", "json"]).run().exits(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let origin: jiff::Timestamp = plan["origin"].as_str().unwrap().parse().unwrap();
    let at = |t: &serde_json::Value| {
        let at = origin + jiff::SignedDuration::from_secs(t.as_i64().unwrap());
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        at.to_zoned(zone).strftime("%a %d %b %H:%M").to_string()
    };
    let tasks = plan["tasks"].as_array().unwrap().iter();
    let lines = tasks.map(|t| {
        format!(
            "{} by {}: {} to {}\n",
            t["id"],
            t["agents"],
            at(&t["start_s"]),
            at(&t["finish_s"])
        )
    });
    lines.collect()
}

const TEAM: &str = "calendar new-york {
  timezone America/New_York
  hours 09:00..15:00
  holiday 2025-03-27 \"Fair\"
}

calendar weekend {
  working [saturday, sunday]
}

human ann

human bob {
  calendar new-york
}

human eve {
  calendar weekend
}

agent bot {
  via http \"https://bot.example\"
}

";

/// Over the change of clocks in Berlin; New York has changed already.
#[test]
fn each_agent_works_in_its_own_hours() {
    let tasks = "task alone {\n  by bob\n  takes 4wd\n}\n\n\
                 task together {\n  by [ann, bob]\n  needs alone\n  takes 1wd\n}\n\n\
                 task helped {\n  by [eve, bot]\n  takes 3wd\n}\n\n\
                 task machine {\n  by bot\n  takes 1wd\n}\n\n\
                 task either {\n  by any of [ann, eve]\n  needs helped\n  takes 2wh\n}\n";
    assert_snapshot!(told(&format!("{TEAM}{tasks}")), @r#"
    "alone" by ["bob"]: Mon 24 Mar 14:00 to Fri 28 Mar 20:00
    "together" by ["ann","bob"]: Mon 31 Mar 15:00 to Wed 02 Apr 17:00
    "helped" by ["eve","bot"]: Sat 29 Mar 09:00 to Sat 05 Apr 17:00
    "machine" by ["bot"]: Mon 24 Mar 09:00 to Mon 24 Mar 17:00
    "either" by ["eve"]: Sun 06 Apr 09:00 to Sun 06 Apr 11:00
    "#);
}

#[test]
fn loads_and_lengths_are_told_in_days_of_who_does_it() {
    let text = format!(
        "edition 2026\n\nproject shop {{\n  starts 2025-03-24\n}}\n\n{TEAM}task alone {{\n  by bob\n  takes 4wd\n}}\n"
    );
    let ran = Space::new()
        .file("main.coord", text)
        .coord(&["plan", "--width", "90"])
        .run()
        .exits(0);
    let busy = ran
        .stdout
        .lines()
        .find(|l| l.contains("in 1 task"))
        .unwrap();
    assert_snapshot!(busy.trim(), @"bob  ████████████████████ 100%  4wd in 1 task");
}
