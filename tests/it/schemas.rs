//! What coord prints for other programs is as its schemas say, and the schemas leave nothing out.

use crate::fixture::{Fixture, coord_files};
use crate::space::Space;
use jsonschema::Validator;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn schema(name: &str) -> Value {
    json(&Space::new().coord(&["schema", name]).run().exits(0).stdout)
}

/// The published schema, and no field may be missing from it.
pub(crate) fn strict(name: &str) -> Validator {
    let mut schema = schema(name);
    close(&mut schema);
    jsonschema::draft202012::new(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let open = object.contains_key("properties");
            if open && !object.contains_key("additionalProperties") {
                let _ = object.insert("additionalProperties".into(), false.into());
            }
            let inside = object.iter_mut().filter(|(key, _)| *key != "if");
            inside.for_each(|(_, value)| close(value));
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
pub(crate) fn holds(validator: &Validator, value: &Value, of: &str) {
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{of}\n{}", wrong.join("\n"));
}

/// The examples and the workflows.
fn projects() -> Vec<(String, String)> {
    let mut files = coord_files("examples");
    files.extend(coord_files("workflows"));
    files
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            (path.display().to_string(), text)
        })
        .collect()
}

#[test]
fn schemas_are_schemas() {
    let list = Space::new().coord(&["schema"]).run().exits(0).stdout;
    let names: Vec<&str> = list.lines().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(
        names,
        [
            "brief", "check", "diff", "events", "ir", "live", "plan", "report", "status", "why"
        ]
    );
    for name in names {
        let schema = schema(name);
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{name}");
    }
    let wrong = Space::new().coord(&["schema", "plans"]).run().exits(2);
    assert!(wrong.stderr.contains("did you mean `plan`?"), "{wrong}");
}

#[test]
fn plans_and_their_compiled_form_are_as_their_schemas_say() {
    let (plan, ir) = (
        strict("plan"),
        jsonschema::draft202012::new(&schema("ir")).unwrap(),
    );
    for (name, text) in projects() {
        let space = Space::new().file("main.coord", text);
        let planned = space.coord(&["plan", "--format", "json"]).run();
        holds(&plan, &json(&planned.stdout), &name);
        let compiled = space.coord(&["graph", "--format", "ir"]).run().exits(0);
        let compiled = json(&compiled.stdout);
        assert_eq!(compiled["ir"], 1, "{name}");
        holds(&ir, &compiled, &name);
    }
}

/// The compiled form that is published is the one that a run is pinned to.
#[test]
fn the_compiled_form_reads_back_as_the_same_plan() {
    for (name, text) in projects() {
        let space = Space::new().file("main.coord", text);
        let printed = space.coord(&["graph", "--format", "ir"]).run().exits(0);
        let plan: coord_plan::plan::Plan = serde_json::from_str(&printed.stdout).unwrap();
        let again = serde_json::to_string_pretty(&plan).unwrap() + "\n";
        assert_eq!(again, printed.stdout, "{name}");
    }
}

#[test]
fn diagnostics_are_as_their_schema_says() {
    let check = strict("check");
    for fixture in Fixture::all() {
        let space = Space::new().file(&fixture.name, &fixture.text);
        let ran = space
            .coord(&["check", "--format", "json", &fixture.name])
            .run();
        holds(&check, &json(&ran.stdout), &fixture.name);
    }
}

#[test]
fn runs_are_as_their_schemas_say() {
    let (events, status) = (strict("events"), strict("status"));
    let report = strict("report");
    let examples = coord_files("examples");
    for path in examples {
        let name = path.display().to_string();
        let space = Space::new().file("main.coord", std::fs::read(&path).unwrap());
        let ran = space
            .coord(&["run", "--no-wait", "--progress", "json"])
            .run();
        assert!(ran.stdout.lines().count() > 2, "{name}: {ran}");
        for line in ran.stdout.lines() {
            holds(&events, &json(line), &format!("{name}: {line}"));
        }
        let shown = space.coord(&["status", "--format", "json"]).run().exits(0);
        holds(&status, &json(&shown.stdout), &name);
        let told = space.coord(&["report", "--format", "json"]).run().exits(0);
        holds(&report, &json(&told.stdout), &name);
    }
}

/// Failure, a limit that passes, a gate and a condition that do not hold: kinds that the examples
/// do not cause.
#[test]
fn a_run_that_goes_wrong_is_as_its_schemas_say() {
    let text = r#"edition 2026

gate never {
  check "never" run ["false"]
}

task broken {
  run ["false"]
  retry 1 every 10ms
  idempotent
}

task after { run ["true"] }

task skipped {
  run ["true"]
  needs after
  when after.outputs.changed == "yes"
}

task guarded {
  run ["true"]
  requires never
}

task slow {
  run ["sleep", "30"]
  timeout 50ms
}

task repair {
  run ["true"]
  needs broken failed
}
"#;
    let (events, status) = (strict("events"), strict("status"));
    let space = Space::new().file("main.coord", text);
    let ran = space
        .coord(&["run", "--no-wait", "--progress", "json"])
        .run()
        .exits(1);
    for line in ran.stdout.lines() {
        holds(&events, &json(line), line);
    }
    let shown = space.coord(&["status", "--format", "json"]).run();
    holds(&status, &json(&shown.stdout), "status");
}

/// A kind that is not in the schema is not published.
#[test]
fn every_kind_of_event_is_in_its_schema() {
    let mut kinds = BTreeSet::new();
    for (file, end) in [("event.rs", "impl Fact"), ("rule_fact.rs", "impl RuleFact")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/engine")
            .join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let facts = text.split(end).next().unwrap();
        let renamed = facts.split("#[serde(rename = \"").skip(1);
        kinds.extend(renamed.filter_map(|rest| rest.split('"').next().map(str::to_string)));
    }
    let schema = schema("events");
    let listed: BTreeSet<String> = schema["properties"]["kind"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind.as_str().unwrap().to_string())
        .collect();
    assert!(kinds.len() > 80);
    assert_eq!(
        kinds, listed,
        "src/cli/schema/events.json lists other kinds than src/engine/event.rs and rule_fact.rs"
    );
}
