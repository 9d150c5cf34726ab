//! An approval holds for what was approved: change any of it, and it is asked again.

use crate::live::{events, fine, project, start, status, until, until_file};
use crate::space::Space;
use serde_json::Value;

/// Waits for the open item that asks `who`, past item number `after`.
#[track_caller]
fn asked(space: &Space, who: &str, after: u64) -> Value {
    until(&format!("an item for {who} after {after}"), || {
        let ran = space.coord(&["inbox", "--format", "json"]).run();
        let items: Value = serde_json::from_str(&ran.stdout).ok()?;
        let fits = |item: &&Value| {
            item["item"].as_u64() > Some(after)
                && item["for"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|name| name == who)
                && !item["subject"].is_null()
        };
        items.as_array()?.iter().find(fits).cloned()
    })
}

fn of(item: &Value) -> u64 {
    item["item"].as_u64().unwrap()
}

#[track_caller]
fn approve(space: &Space, item: &Value, who: &str) {
    let number = of(item).to_string();
    let _ = fine(space, &["approve", &number, "--as", who]);
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no \"{part}\" in\n{text}");
}

fn part<'v>(item: &'v Value, what: &str) -> &'v str {
    let parts = item["subject"]["parts"].as_array().unwrap();
    let found = parts.iter().find(|part| part["what"] == what);
    let found = found.unwrap_or_else(|| panic!("no {what} in {item}"));
    found["value"].as_str().unwrap()
}

fn voided(space: &Space) -> Vec<Value> {
    let all = events(space).into_iter();
    all.filter(|event| event["kind"] == "approval.voided")
        .collect()
}

const REVIEWED: &str = "agent builder { owns \"out/**\" }

human ann

human bob

task build {
  by builder
  writes \"out/app\"
  produces app \"The program\" \"out/app\"
  run [\"sh\", \"-c\", \"mkdir -p out && echo one > out/app && echo size=4 >> $COORD_OUTPUTS\"]
  approve by ann
  approve by bob
}
";

#[test]
fn a_review_is_void_when_what_was_made_changes() {
    let space = project(REVIEWED);
    let live = start(&space, &[]);
    let (ann, bob) = (asked(&space, "ann", 0), asked(&space, "bob", 0));
    assert_eq!(part(&ann, "agent"), "builder");
    assert_eq!(part(&ann, "output build.size"), "4");
    has(part(&ann, "artifact build.app"), "out/app blake3:");
    let inbox = fine(&space, &["inbox", "--for", "ann"]).stdout;
    let digest = ann["subject"]["digest"].as_str().unwrap();
    has(
        &inbox,
        &format!("    a yes is for {digest}:\n      command: "),
    );
    approve(&space, &ann, "ann");

    std::fs::write(space.path("out/app"), "two\n").unwrap();
    let number = of(&bob).to_string();
    let late = space.coord(&["approve", &number, "--as", "bob"]).run();
    let late = late.exits(2);
    has(
        &late.stderr,
        "asked about has changed since; it is asked again",
    );

    let again = asked(&space, "ann", of(&bob));
    let changed = again["changed"][0].as_str().unwrap();
    has(changed, "artifact build.app: was out/app blake3:");
    has(changed, ", is out/app blake3:");
    has(
        &fine(&space, &["why", "build"]).stdout,
        "asked again, changed: artifact build.app: was",
    );
    assert_eq!(voided(&space).len(), 1);
    approve(&space, &again, "ann");
    approve(&space, &asked(&space, "bob", of(&bob)), "bob");
    let _ = live.wait().exits(0);
    assert_eq!(status(&space)["state"], "completed");
}

/// `deploy` was let through and waits for its turn.
fn waiting() -> Space {
    project(
        "agent builder { owns \"out/**\" }

agent first

agent second

human ann

resource slot { capacity 1 }

task build {
  by builder
  writes \"out/app\"
  produces app \"The program\" \"out/app\"
  run [\"sh\", \"-c\", \"mkdir -p out && echo one > out/app\"]
}

task hold {
  uses slot
  timeout 60s
  run [\"sh\", \"-c\", \"echo at-work > held; until test -e go; do sleep 0.02; done\"]
}

gate go-live { approve by ann }

task deploy {
  by first
  needs builder.app
  uses slot
  requires go-live
  env REGION \"eu\"
  run [\"sh\", \"-c\", \"cp out/app deployed\"]
}
",
    )
}

#[test]
fn what_was_let_through_is_looked_at_again_before_it_starts() {
    let space = waiting();
    let live = start(&space, &[]);
    let _held = until_file(&space, "held");
    let first = asked(&space, "ann", 0);
    assert_eq!(
        part(&first, "command"),
        r#"["sh","-c","cp out/app deployed"]"#
    );
    assert_eq!(part(&first, "folder"), ".");
    has(part(&first, "variable REGION"), "blake3:");
    has(part(&first, "environment"), "PATH");
    approve(&space, &first, "ann");
    std::fs::write(space.path("out/app"), "two\n").unwrap();
    std::fs::write(space.path("go"), "").unwrap();
    let second = asked(&space, "ann", of(&first));
    assert!(
        !space.path("deployed").exists(),
        "it ran what nobody approved"
    );
    has(
        second["changed"][0].as_str().unwrap(),
        "artifact builder.app: was",
    );
    approve(&space, &second, "ann");
    let _ = live.wait().exits(0);
    assert_eq!(
        std::fs::read_to_string(space.path("deployed")).unwrap(),
        "two\n"
    );
}

#[test]
fn another_agent_needs_another_approval() {
    let space = waiting();
    let live = start(&space, &[]);
    let _held = until_file(&space, "held");
    let first = asked(&space, "ann", 0);
    approve(&space, &first, "ann");
    let _ = fine(&space, &["reassign", "deploy", "--to", "second"]);
    let second = asked(&space, "ann", of(&first));
    assert_eq!(second["changed"][0], "agent: was first, is second");
    approve(&space, &second, "ann");
    std::fs::write(space.path("go"), "").unwrap();
    let _ = live.wait().exits(0);
}

#[test]
fn what_a_task_reads_is_let_through_with_it() {
    let text = r#"agent builder
human ann
channel told { file "notes/told.md" }
on approval.waiting do notify ann via told
resource slot { capacity 1 }
gate go-live { approve by ann }

task hold {
  by builder
  uses slot
  timeout 60s
  run ["sh", "-c", "echo at-work > held; until test -e go; do sleep 0.02; done"]
}

task deploy {
  by builder
  reads "{src,notes,.coord-state}/**"
  reads "Makefile"
  uses slot
  requires go-live
  run ["cp", "src/deep/two.c", "deployed"]
}
"#;
    let files = project(text).file("Makefile", "all:\n");
    let space = (files.file("src/one.c", "one\n")).file("src/deep/two.c", "two\n");
    let live = start(&space, &[]);
    let _held = until_file(&space, "held");
    let first = asked(&space, "ann", 0);
    has(part(&first, "files"), "3 files of `{src");
    let _told = until_file(&space, "notes/told.md");
    approve(&space, &first, "ann");
    std::fs::write(space.path("src/deep/two.c"), "other\n").unwrap();
    std::fs::write(space.path("go"), "").unwrap();
    let second = asked(&space, "ann", of(&first));
    has(second["changed"][0].as_str().unwrap(), "files: was 3 files");
    assert!(!space.path("deployed").exists());
    approve(&space, &second, "ann");
    let _ = live.wait().exits(0);
    assert_eq!(voided(&space).len(), 1);
}

#[test]
fn a_check_that_writes_what_it_looks_at_is_not_repeated_for_ever() {
    let text = r#"agent builder
gate fits { check "it fits" run ["sh", "-c", "echo checked >> src/log"] }
task build {
  by builder
  reads "src/**"
  requires fits
  run ["true"]
}
"#;
    let space = project(text).file("src/log", "");
    start(&space, &[]).wait().exits(1);
    assert_eq!(voided(&space).len(), 6);
    let why = fine(&space, &["why", "build"]).stdout;
    has(
        &why,
        "has changed 6 times in a row, last files: was 1 file of `src/**`",
    );
}
