//! The procedures of the five systems, once for real: every ladder and conflict to its end with
//! short limits, every incident to its people, every workflow through the shell and the humans
//! that do it. And what is found without anybody saying so: waits, ill agents, who gives way.

use crate::live::{events, fine, project, script, status, until, until_file};
use crate::space::{Space, Started};
use serde_json::{Value, json};
use std::path::Path;

/// Keeps a run open in which nothing else is to be done.
const STANDING_BY: &str = "edition 2026

human keeper \"Keeps the run open\"

workflow standing-by \"Standing by\" {
  task stand-by \"Stand by\" {
    by keeper
  }
}
";

/// A copy of one of the systems, with every limit of people as short as `limit`.
struct System {
    space: Space,
    text: String,
}

impl System {
    fn new(name: &str, limit: &str) -> System {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("workflows")
            .join(name);
        let (mut space, mut all) = (Space::new(), String::new());
        let mut folders = vec![from.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let inside = path
                    .strip_prefix(&from)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string();
                let mode = std::fs::metadata(&path).unwrap().permissions();
                let mut text = std::fs::read_to_string(&path).unwrap();
                if inside.ends_with(".coord") && inside != "tests.coord" {
                    text = scaled(&text, limit);
                    all.push_str(&text);
                }
                if inside == "scripts/resources" {
                    // how full this machine is says nothing about the procedures
                    text = text.replace("most=90", "most=101");
                }
                if inside == "main.coord" {
                    text = text.replace("use \"tests.coord\"\n", "use \"standing-by.coord\"\n");
                }
                space = space.file(&inside, text);
                std::fs::set_permissions(space.path(&inside), mode).unwrap();
            }
        }
        let space = space.file("standing-by.coord", STANDING_BY);
        stand_ins(&space, &all);
        System { space, text: all }
    }

    /// Names that statements of a kind declare, with their heads.
    fn declared(&self, kind: &str) -> Vec<(String, String)> {
        let heads = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
        heads
            .map(|head| {
                let name = head.split([' ', '(', '{']).next().unwrap();
                (name.to_string(), head.to_string())
            })
            .collect()
    }

    /// The names of the rungs of a ladder.
    fn rungs(&self, ladder: &str) -> Vec<String> {
        let start = self.text.find(&format!("\nescalation {ladder} ")).unwrap();
        let block = self.text[start..].split("\n}").next().unwrap();
        let levels = block
            .lines()
            .filter_map(|line| line.trim().strip_prefix("level "));
        levels
            .map(|line| line.split(' ').next().unwrap().to_string())
            .collect()
    }

    /// A run in which nothing is done but what is raised.
    fn stands_by(&self, run: &str) -> Started<'_> {
        let call = ["run", "--run-id", run, "--workflow", "standing-by"];
        let live = self
            .space
            .coord(&call)
            .env("PATH", &with_stand_ins(&self.space))
            .start();
        until("somebody stands by", || {
            let items = inbox(&self.space);
            items
                .iter()
                .any(|item| item["task"] == "stand-by")
                .then_some(())
        });
        live
    }
}

/// Linters, cloud tools and the like, which end well: it is the rules that are played here.
fn stand_ins(space: &Space, text: &str) {
    let folder = space.path("stand-ins");
    std::fs::create_dir(&folder).unwrap();
    for part in text.split("run [\"").skip(1) {
        let name = part.split('"').next().unwrap();
        let path = folder.join(name);
        if !name.contains(['/', '$']) && !SHELL.contains(&name) && !path.exists() {
            std::fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
}

/// Programs that every machine has.
const SHELL: [&str; 7] = ["sh", "true", "false", "cp", "mkdir", "test", "touch"];

/// Where programs are found, also those that this machine may not have.
fn with_stand_ins(space: &Space) -> String {
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", space.path("stand-ins").display())
}

/// `within`, `after` and a time: that time is `limit` then; ladders as a whole have long enough.
fn scaled(text: &str, limit: &str) -> String {
    let mut out = String::new();
    let mut before = "";
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let time = bare.starts_with(|c: char| c.is_ascii_digit())
            && bare.ends_with(['m', 'h', 'd', 's', 'w'])
            && !bare.contains('.');
        let with = match before {
            "within" | "after" if time => limit,
            "sla" if time => "1h",
            _ => bare,
        };
        out.push_str(with);
        out.push_str(&word[bare.len()..]);
        if !bare.is_empty() {
            before = bare;
        }
    }
    out
}

fn inbox(space: &Space) -> Vec<Value> {
    let ran = space.coord(&["inbox", "--format", "json"]).run();
    serde_json::from_str(&ran.stdout).unwrap_or_default()
}

/// The answer that lets things go on.
fn yes(item: &Value) -> Vec<String> {
    let id = item["item"].to_string();
    let words: &[&str] = match item["kind"].as_str().unwrap() {
        "approve" | "confirm" | "require" | "report" => &["approve", &id],
        "decide" | "doubt" | "undo" => &["answer", &id, "done"],
        "accept" => &["accept", &id],
        _ => &["done", &id],
    };
    words.iter().map(|word| word.to_string()).collect()
}

/// Everybody who may says yes to an item; false when nobody could.
fn answer(space: &Space, item: &Value) -> bool {
    let mut names: Vec<String> = item["for"].as_array().unwrap().iter().map(text).collect();
    let said: Vec<String> = (item["answers"].as_array().unwrap().iter())
        .map(|answer| text(&answer["by"]))
        .collect();
    names.retain(|name| !said.contains(name));
    if names.is_empty() {
        names.push("keeper".into());
    }
    names.iter().any(|name| {
        let words = yes(item);
        let mut call: Vec<&str> = words.iter().map(String::as_str).collect();
        call.extend(["--as", name]);
        space.coord(&call).run().status.success()
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// Says yes to everything until the run has ended.
fn agree(space: &Space, live: &mut Started<'_>, but: &str) {
    until("the end of a run in which everybody agrees", || {
        if live.has_ended() {
            return Some(());
        }
        for item in inbox(space).iter().filter(|item| item["task"] != but) {
            let _may_be_answered_by_now = answer(space, item);
        }
        None
    });
}

fn all(space: &Space, kind: &str) -> Vec<Value> {
    let events = events(space).into_iter();
    events.filter(|event| event["kind"] == kind).collect()
}

/// Waits for the end of situation 1; whoever is asked without a limit answers.
fn closed(space: &Space) -> Value {
    until("the end of a situation", || {
        let closed = all(space, "situation.closed");
        if let Some(first) = closed.iter().find(|event| event["situation"] == 1) {
            return Some(first.clone());
        }
        let asked = inbox(space);
        let asked = asked.iter().filter(|item| item["task"] != "stand-by");
        for item in asked.filter(|item| item["due_at"].is_null()) {
            let _may_be_closed_by_now = answer(space, item);
        }
        None
    })
}

fn leave(space: &Space, mut live: Started<'_>) {
    if !live.has_ended() {
        let _may_have_ended = space.coord(&["cancel"]).run();
    }
    let _ = live.wait();
}

/// Each ladder from its first rung to its end, each conflict to its decision.
fn ladders_and_conflicts(name: &str, ladders: usize, conflicts: usize) {
    let system = System::new(name, "100ms");
    let space = &system.space;
    let found = system.declared("escalation");
    assert_eq!(found.len(), ladders, "{found:?}");
    for (ladder, _) in &found {
        let live = system.stands_by(&format!("ladder-{ladder}"));
        let _ = fine(space, &["raise", "escalation", ladder]);
        let end = closed(space);
        let reached = all(space, "situation.reached").into_iter();
        let rungs: Vec<String> = reached
            .filter(|event| event["situation"] == 1)
            .map(|event| text(&event["rung"]))
            .collect();
        assert_eq!(rungs, system.rungs(ladder), "{name}: {ladder}: {end}");
        leave(space, live);
    }
    let found = system.declared("conflict");
    assert_eq!(found.len(), conflicts, "{found:?}");
    for (kind, _) in &found {
        let live = system.stands_by(&format!("conflict-{kind}"));
        let call = [
            "raise",
            "conflict",
            kind,
            "they disagree",
            "--task",
            "stand-by",
        ];
        let _ = fine(space, &call);
        let end = closed(space);
        let how = ["settled", "exhausted", "accepted"];
        assert!(
            how.iter().any(|how| end["how"] == *how),
            "{name}: {kind}: {end}"
        );
        leave(space, live);
    }
}

/// Each incident: declared by who may, its people are asked, its procedure starts, and when
/// everybody did their part it is closed.
fn incidents(name: &str, count: usize) {
    let system = System::new(name, "30s");
    let space = &system.space;
    let found = system.declared("incident");
    assert_eq!(found.len(), count, "{found:?}");
    for (incident, _) in &found {
        let mut live = system.stands_by(&format!("incident-{incident}"));
        let call = ["raise", incident, "it is down"];
        let ran = space
            .coord(&[&call[..], &["--as", "keeper"]].concat())
            .run();
        if !ran.status.success() {
            let (_, may) = ran.stderr.split_once(": ").unwrap();
            let (_, may) = may.split_once(": ").unwrap_or(("", may));
            let first = may.split([',', ' ']).next().unwrap().trim();
            let _ = fine(space, &[&call[..], &["--as", first]].concat());
        }
        until("the end of an incident", || {
            let over = |event: &Value| event["situation"] == 1;
            if all(space, "situation.closed").iter().any(over) || live.has_ended() {
                return Some(());
            }
            for item in inbox(space)
                .iter()
                .filter(|item| item["task"] != "stand-by")
            {
                let _may_be_closed_by_now = answer(space, item);
            }
            None
        });
        leave(space, live);
    }
}

/// Every procedure, and the work itself where `main` says so, with people who agree.
fn workflows(name: &str, main: bool, wanted: &[(&str, &str)]) {
    let system = System::new(name, "30s");
    let space = &system.space;
    let mut came: Vec<(String, String)> = Vec::new();
    let mut calls: Vec<(String, Vec<String>)> = Vec::new();
    if main {
        calls.push(("main".into(), Vec::new()));
    }
    for (workflow, head) in system.declared("workflow") {
        let mut more = vec!["--workflow".to_string(), workflow.clone()];
        let params = head
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        for param in params.iter().flat_map(|(params, _)| params.split(", ")) {
            let (param, _) = param.split_once(':').unwrap();
            more.extend(["--set".to_string(), format!("{param}=it")]);
        }
        calls.push((workflow, more));
    }
    for (what, more) in calls {
        // what one procedure leaves behind (an agent that is isolated, a mark of safe mode) is not
        // what the next one begins with
        let _there_may_be_none = std::fs::remove_dir_all(space.path("state"));
        let run = format!("run-{what}");
        let more = more.iter().map(String::as_str);
        let call: Vec<&str> = ["run", "--run-id", &run].into_iter().chain(more).collect();
        let mut live = space
            .coord(&call)
            .env("PATH", &with_stand_ins(space))
            .start();
        agree(space, &mut live, "");
        let _ = live.wait();
        came.push((what, text(&status(space)["state"])));
    }
    let other: Vec<(&str, &str)> = (came.iter())
        .map(|(what, state)| (what.as_str(), state.as_str()))
        .filter(|(_, state)| *state != "completed")
        .collect();
    assert_eq!(other, wanted, "{name}");
}

#[test]
fn ladders_and_conflicts_of_the_platform() {
    ladders_and_conflicts("platform", 5, 9);
}

#[test]
fn ladders_and_conflicts_of_candlefish() {
    ladders_and_conflicts("candlefish", 2, 3);
}

#[test]
fn ladders_and_conflicts_of_the_operating_procedures() {
    ladders_and_conflicts("operating-procedures", 2, 6);
}

#[test]
fn ladders_of_the_other_systems() {
    ladders_and_conflicts("services", 1, 0);
    ladders_and_conflicts("multiagent", 1, 0);
}

#[test]
fn incidents_of_the_platform_and_candlefish() {
    incidents("platform", 3);
    incidents("candlefish", 4);
}

#[test]
fn incidents_of_the_services() {
    incidents("services", 8);
}

#[test]
fn incidents_of_the_operating_procedures() {
    incidents("operating-procedures", 6);
}

#[test]
fn workflows_of_the_platform_and_candlefish() {
    workflows("platform", false, &[]);
    workflows("candlefish", false, &[]);
}

#[test]
fn workflows_of_the_services() {
    workflows("services", false, &[]);
}

#[test]
fn workflows_of_multiagent() {
    workflows("multiagent", false, &[]);
}

#[test]
fn workflows_of_the_operating_procedures() {
    workflows("operating-procedures", false, &[]);
}

// ---------------------------------------------------------------- what is found

#[track_caller]
fn first(space: &Space, kind: &str) -> Value {
    until(kind, || all_if_any(space, kind).into_iter().next())
}

fn all_if_any(space: &Space, kind: &str) -> Vec<Value> {
    let ran = space.coord(&["logs", "--events"]).run();
    if !ran.status.success() {
        return Vec::new();
    }
    all(space, kind)
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no \"{part}\" in\n{text}");
}

fn begin(space: &Space) -> Started<'_> {
    space.coord(&["run", "--run-id", "r"]).start()
}

/// `hold` has what `want` waits for, and does not give it back when it should.
fn contended(kind: &str, of_hold: &str, of_want: &str) -> Space {
    let hold = script(
        "hold",
        &format!("takes 50ms\n  idempotent\n  {of_hold}"),
        "mkdir -p a\necho held >> a/held\nuntil test -e a/go; do sleep 0.02; done",
    );
    let want = script(
        "want",
        &format!("needs ready\n  {of_want}"),
        "cat a/held > a/wanted; touch a/go",
    );
    let ready = script("ready", "", "until test -e a/held; do sleep 0.02; done");
    project(&format!(
        "human lead

agent ann {{ owns \"a/**\" shared }}

agent ben {{ owns \"a/**\" shared }}

resource db {{ capacity 1 }}

conflict {kind} {{ decide lead }}

{hold}
{ready}
{want}"
    ))
}

#[test]
fn a_wait_beyond_what_the_holder_promised_is_a_conflict_of_its_kind() {
    for (kind, hold, want, what) in [
        ("resource", "by ann\n  uses db", "by ben\n  uses db", "`db`"),
        (
            "ownership",
            "by ann\n  writes \"a/**\"",
            "by ben\n  writes \"a/**\"",
            "`a/**",
        ),
    ] {
        let space = contended(kind, hold, want);
        let live = begin(&space);
        let opened = first(&space, "situation.opened");
        assert_eq!(opened["rule"], format!("conflict {kind}"));
        assert_eq!(opened["about"]["task"], "want");
        assert_eq!(opened["about"]["behind"], "hold");
        assert_eq!(opened["about"]["agents"], json!(["ben", "ann"]));
        let note = text(&opened["note"]);
        has(&note, &format!("`want` waits for {what}"));
        has(&note, "which `hold` holds for longer than it promised");
        has(
            &fine(&space, &["why", "want"]).stdout,
            &format!("conflict {kind}"),
        );
        has(
            &fine(&space, &["status"]).stdout,
            "for longer than it promised",
        );
        std::fs::write(space.path("a/go"), "").unwrap();
        let _ = live.wait().exits(0);
        let closed = all(&space, "situation.closed");
        assert_eq!(closed[0]["how"], "withdrawn", "{kind}");
        assert_eq!(all(&space, "situation.opened").len(), 1, "it is found once");
        has(
            &fine(&space, &["report"]).stdout,
            &format!("conflict {kind}"),
        );
    }
}

#[test]
fn urgent_work_behind_work_that_is_late_is_a_conflict_and_a_retry_makes_it_give_way() {
    let space = contended("priority", "by ann\n  priority P3", "by ann\n  priority P0");
    let live = begin(&space);
    let opened = first(&space, "situation.opened");
    assert_eq!(opened["rule"], "conflict priority");
    let item = until("a decision", || {
        let items = inbox(&space).into_iter();
        items
            .filter(|item| item["kind"] == "decide")
            .map(|item| item["item"].to_string())
            .next()
    });
    let _ = fine(&space, &["answer", &item, "retry"]);
    let _ = live.wait().exits(0);
    assert_eq!(
        std::fs::read_to_string(space.path("a/wanted")).unwrap(),
        "held\n"
    );
    assert_eq!(
        std::fs::read_to_string(space.path("a/held")).unwrap(),
        "held\nheld\n"
    );
}

#[test]
fn an_incident_takes_what_it_needs_from_work_that_can_begin_again() {
    let slow = script(
        "slow",
        "uses db\n  idempotent",
        "echo begun >> begun\nuntil test -e fixed; do sleep 0.02; done",
    );
    let space = project(&format!(
        "human lead

resource db {{ capacity 1 }}

incident P0 {{
  lead lead
  start hotfix(service: \"a $(b) 'c'\")
  preempts
}}

workflow hotfix(service: text) {{
  task fix {{
    uses db
    timeout 60s
    run [\"sh\", \"-c\", \"echo \\\"$1\\\" > argv\", \"sh\", \"${{service}}\"]
  }}
  task tell {{
    needs fix
    timeout 60s
    run ```sh
      echo \"$COORD_PARAM_SERVICE\" > fixed
    ```
  }}
}}

{slow}"
    ));
    let mut live = begin(&space);
    let _begun = until_file(&space, "begun");
    let _ = fine(&space, &["raise", "P0", "down", "--as", "lead"]);
    let given = first(&space, "task.preempted");
    assert_eq!(
        (&given["task"], &given["behind"]),
        (&json!("slow"), &json!("fix"))
    );
    agree(&space, &mut live, "");
    let _ = live.wait().exits(0);
    for file in ["argv", "fixed"] {
        assert_eq!(
            std::fs::read_to_string(space.path(file)).unwrap(),
            "a $(b) 'c'\n",
            "{file}"
        );
    }
    assert_eq!(
        std::fs::read_to_string(space.path("begun")).unwrap(),
        "begun\nbegun\n"
    );
    assert_eq!(first(&space, "task.prioritized")["priority"], 0);
}

#[test]
fn an_agent_whose_check_fails_is_relieved_and_comes_back_when_it_passes() {
    let job = script(
        "job",
        "by worker",
        "echo $COORD_AGENT >> did\ntest $COORD_AGENT = spare || sleep 60",
    );
    let space = project(&format!(
        "human lead

agent worker {{
  standby spare
  health run [\"test\", \"-e\", \"well\"] every 200ms
}}

agent spare

task stay {{ by lead }}

{job}"
    ))
    .file("well", "");
    let live = begin(&space);
    let _begun = until_file(&space, "did");
    std::fs::remove_file(space.path("well")).unwrap();
    let failed = first(&space, "agent.failed");
    assert_eq!(failed["agent"], "worker");
    has(&text(&failed["why"]), "its health check failed: exit 1");
    let _isolated = first(&space, "agent.isolated");
    assert_eq!(first(&space, "task.reassigned")["agents"], json!(["spare"]));
    until("the job to be done", || {
        all(&space, "task.completed")
            .iter()
            .any(|e| e["task"] == "job")
            .then_some(())
    });
    std::fs::write(space.path("well"), "").unwrap();
    assert_eq!(first(&space, "agent.back")["agent"], "worker");
    let _ = fine(&space, &["done", "stay"]);
    let _ = live.wait().exits(0);
    assert_eq!(
        std::fs::read_to_string(space.path("did")).unwrap(),
        "worker\nspare\n"
    );
}
