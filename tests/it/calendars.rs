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
