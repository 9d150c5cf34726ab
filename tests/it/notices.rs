//! What a run writes for people: notices through channels, digests, records, papers, the context.

use crate::live::fine;
use crate::space::Space;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

fn read(space: &Space, path: &str) -> String {
    let text = std::fs::read_to_string(space.path(path));
    timeless(&text.unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// Days and times as `[TIME]`.
fn timeless(text: &str) -> String {
    let digits = |text: &str, form: &str| {
        text.len() >= form.len()
            && text.bytes().zip(form.bytes()).all(|(c, f)| match f {
                b'0' => c.is_ascii_digit(),
                f => c == f,
            })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let form = ["0000-00-00 00:00 UTC", "0000-00-00T00:00:00.000Z"]
            .into_iter()
            .find(|form| rest.is_char_boundary(form.len().min(rest.len())) && digits(rest, form));
        if let Some(form) = form {
            out.push_str("[TIME]");
            rest = &rest[form.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

const FAILING: &str = r#"
human lead "Team lead"

task ship "Ship it" {
  priority P1
  run ["false"]
}
"#;

fn project(rest: &str) -> Space {
    Space::new().file("main.coord", format!("edition 2026\n{FAILING}{rest}"))
}

#[test]
fn a_file_gets_a_line_a_notice_and_its_folders_are_made() {
    let space = project(
        "channel updates { file \"notes/deep/updates.md\" }\n\
         on task.failed because \"users see it\" do notify lead via updates\n",
    );
    let _ran = space.coord(&["run", "--run-id", "one"]).run().exits(1);
    let _ran = space.coord(&["run", "--run-id", "two"]).run().exits(1);
    insta::assert_snapshot!(read(&space, "notes/deep/updates.md"), @r"
    - [TIME] lead: `ship` failed: users see it
    - [TIME] lead: `ship` failed: users see it
    ");
}

#[test]
fn a_link_does_not_lead_out_of_the_project() {
    let space = project(
        "channel updates { file \"notes/updates.md\" }\n\
         on task.failed do notify lead via updates\n",
    )
    .folder("elsewhere");
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), space.path("notes")).unwrap();
    let ran = space.coord(&["run"]).run().exits(1);
    assert!(
        ran.stderr
            .contains("channel updates does not work: `notes/updates.md` leaves the project"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn standard_output_gets_what_a_template_says() {
    let space = project(
        "param region: text default \"eu\"\n\
         channel screen { stdout\n  format letter\n  reply within 4h }\n\
         template letter ```markdown\n\
         To ${notice.to}: ${notice.subject} in ${region}, ${notice.priority}\n\
         ${task.title} is ${task.state}; it cost \\$5. ${notice.kind}\n\
         ```\n\
         on task.failed do notify lead via screen\n",
    );
    let ran = space.coord(&["run"]).run().exits(1);
    insta::assert_snapshot!(ran.stdout, @r"
    To lead: `ship` failed in eu, P1
    Ship it is failed; it cost $5. request
    ");
    // a program that reads events gets nothing else
    let ran = space.coord(&["run", "--progress", "json"]).run().exits(1);
    assert!(!ran.stdout.contains("To lead"), "{}", ran.stdout);
}

#[test]
fn a_channel_that_collects_sends_together_and_at_the_end_at_the_latest() {
    let space = project(
        "task other { run [\"false\"] }\n\
         channel digest \"All of it\" { file \"digest.md\"\n  every 4h }\n\
         on task.failed do notify lead via digest\n",
    );
    let _ran = space.coord(&["run", "--parallel", "1"]).run().exits(1);
    insta::assert_snapshot!(read(&space, "digest.md"), @r"
    ## [TIME]: 2 notices

    - [TIME] lead: `ship` failed
    - [TIME] lead: `other` failed
    ");
}

/// A web server that answers each call with the next of `answers`, and tells what it was sent.
fn server(answers: &'static [&'static str]) -> (u16, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (out, calls) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            let told = serve(stream, answer);
            if out.send(told).is_err() {
                return;
            }
        }
    });
    (port, calls)
}

/// The head and the body of one call.
fn serve(stream: TcpStream, answer: &str) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    (head, String::from_utf8(body).unwrap())
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_web_hook_is_tried_again_with_the_same_key_until_it_takes_the_notice() {
    let (port, calls) = server(&["503 Busy", "200 OK"]);
    let space = project(&format!(
        "channel hook {{ http \"http://127.0.0.1:{port}/coord\" }}\n\
         on task.failed do notify lead via hook\n"
    ));
    let ran = space.coord(&["run", "--run-id", "r"]).run().exits(1);
    assert!(!ran.stderr.contains("does not work"), "{}", ran.stderr);
    let (first, second) = (
        calls.recv_timeout(PATIENCE).unwrap(),
        calls.recv_timeout(PATIENCE).unwrap(),
    );
    let key = |head: &str| {
        let lines = head.lines().map(str::to_ascii_lowercase);
        lines
            .filter(|line| line.starts_with("idempotency-key"))
            .collect::<String>()
    };
    assert!(first.0.starts_with("POST /coord HTTP/1.1"), "{}", first.0);
    assert!(!key(&first.0).is_empty());
    assert_eq!(key(&first.0), key(&second.0));
    assert_eq!(first.1, second.1);
    let body: serde_json::Value = serde_json::from_str(&second.1).unwrap();
    let shown = timeless(&format!("{body:#}"));
    let number: String = shown
        .lines()
        .find_map(|line| line.split("\"r/").nth(1))
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    insta::assert_snapshot!(shown.replace(&format!("r/{number}"), "r/[SEQ]"), @r#"
    {
      "text": "[TIME] lead: `ship` failed",
      "project": "",
      "run": "r",
      "channel": "hook",
      "notices": [
        {
          "id": "r/[SEQ]",
          "at": "[TIME]",
          "kind": "update",
          "from": "coord",
          "to": [
            "lead"
          ],
          "priority": "P1",
          "subject": "`ship` failed",
          "text": "`ship` failed",
          "task": "ship"
        }
      ]
    }
    "#);
}

#[test]
fn a_template_of_json_is_the_whole_body() {
    let (port, calls) = server(&["204 No Content"]);
    let space = project(&format!(
        "channel hook {{ http \"http://127.0.0.1:{port}/\"\n  format chat }}\n\
         template chat ```json\n{{\"content\": \"${{notice.text}}\"}}\n```\n\
         on task.failed because \"say \\\"hello\\\"\" do notify lead via hook\n"
    ));
    let _ran = space.coord(&["run"]).run().exits(1);
    let (_, body) = calls.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        body.trim(),
        r#"{"content": "`ship` failed: say \"hello\""}"#
    );
}

#[test]
fn a_hook_that_refuses_fails_nothing_and_is_told() {
    let (port, _calls) = server(&["404 Not Found"]);
    let space = Space::new().file(
        "main.coord",
        format!(
            "edition 2026\nhuman lead\nchannel hook {{ http \"http://127.0.0.1:{port}/\" }}\n\
             on run.started do notify lead via hook\ntask build {{ run [\"true\"] }}\n"
        ),
    );
    let _ran = space.coord(&["run", "--run-id", "r"]).run().exits(0);
    let log = read(&space, ".coord-state/logs/r/notices.log");
    assert!(
        log.contains("channel hook does not work: it answered 404"),
        "{log}"
    );
}

#[test]
fn a_recurring_sync_leaves_its_digest() {
    let space = Space::new().file(
        "main.coord",
        r#"edition 2026
human lead "Team lead"
sync daily "Daily stand-up" {
  every 1s
  participants all
  agenda "What is in the way?"
}
task first { run ["false"] }
task slow {
  run ["sleep", "1.3"]
}
task after "What comes after" {
  by lead
  needs slow
}
"#,
    );
    let _ran = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    insta::assert_snapshot!(read(&space, ".coord-state/digests/r/daily-1.md"), @r"
    # Daily stand-up #1

    [TIME], since [TIME].

    0 of 3 tasks completed, 1 failed; the run is running.

    ## Agenda

    - What is in the way?

    ## At work

    - slow, since [TIME]

    ## Blocked

    - first: exit status 1

    ## Next

    - lead: after
    ");
}

const CONTEXT: &str = r#"edition 2026
project demo "The demo" { context "context" }
human lead "Team lead"
human dev "Developer"
domain code "Code" {
  lead lead
  paths "src/**"
}
handoff component "Component" {
  require "It runs" by sender
  accept within 4h else fail
}
task build "Build it" {
  by lead
  domain code
  handoff component
}
task look {
  by dev
  needs build
}
"#;

#[test]
fn the_context_moves_with_the_run_and_an_accepted_handoff_leaves_its_paper() {
    let space = Space::new().file("main.coord", CONTEXT);
    let go = |args: &[&str], code| {
        let _ran = space.coord(args).run().exits(code);
    };
    go(&["run", "--run-id", "r", "--no-wait"], 3);
    insta::assert_snapshot!(read(&space, "context/agents/lead.md"), @r"
    # Team lead

    - Name: lead
    - State: at work

    ## Asked

    - item 1: do `build`

    ## At work

    - build (Build it), since [TIME]
    ");
    insta::assert_snapshot!(read(&space, "context/components/code.md"), @r"
    # Code

    - Lead: lead
    - Paths: src/**

    ## Open

    - build (Build it), since [TIME] [lead, in-progress]
    ");
    go(
        &["done", "1", "--output", "known-issues=slow on Mondays"],
        0,
    );
    go(&["resume", "--no-wait"], 3);
    insta::assert_snapshot!(read(&space, "context/global/risks.md"), @r"
    # What is in the way

    ## Situations

    - handoff component about look, open since [TIME]
    ");
    go(&["done", "2"], 0);
    go(&["resume", "--no-wait"], 3);
    go(&["done", "3", "--note", "thank you"], 0);
    // nobody ran it when it was accepted: the paper is made up for
    go(&["resume", "--no-wait"], 3);
    insta::assert_snapshot!(read(&space, "context/handoffs/build-to-look.md"), @r"
    # Component: build to look

    - From: lead
    - To: dev
    - Date: [TIME]
    - Run: r
    - Accepted: accepted by dev on [TIME]

    ## Completed work

    - Build it

    ## Artifacts

    - none

    ## Known issues

    - slow on Mondays

    ## Success criteria

    - It runs

    ## Notes

    - dev (done): thank you
    ");
    go(&["done", "4"], 0);
    go(&["resume"], 0);
    let state = read(&space, "context/global/state.md");
    assert!(
        state.contains("2 of 2 tasks completed; the run is completed."),
        "{state}"
    );
}

#[test]
fn metrics_are_measured_at_the_end_and_reactions_hear_of_them() {
    let space = Space::new().file(
        "main.coord",
        r#"edition 2026
human lead
channel screen { stdout }
metric done "Tasks done" {
  target >= 90%
  from task.completion
}
metric size "Lines" {
  target <= 100
  from run ["echo", "counted in 3 files: 420 lines"]
}
metric mood "Mood" {
  target >= 4
  from by lead
}
metric broken { from run ["sh", "-c", "echo no; exit 3"] }
on metric size > 100 because "too long" do notify lead via screen
expect "It is short" metric.size <= 100
task build { run ["true"] }
"#,
    );
    let ran = space.coord(&["run", "--run-id", "r"]).run();
    let ran = ran.exits(1);
    assert!(
        ran.stderr
            .contains("promise \"It is short\" does not hold: 420"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("broken is not measured: exit 3: no"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("lead: `size` is 420 (> 100): too long"),
        "{}",
        ran.stdout
    );
    let report = space.coord(&["report"]).run().exits(0).stdout;
    let metrics = report
        .split("## Metrics\n\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .unwrap_or_default();
    insta::assert_snapshot!(metrics, @r"
    | Metric | Value | Target | Met | From |
    |---|---|---|---|---|
    | Tasks done | 100.0% | >= 90% | yes | task.completion |
    | Lines | 420 | <= 100 | no | its program |
    | Mood | not measured | >= 4 |  | by lead |
    | broken | not measured |  |  | its program |
    ");
}

#[test]
fn a_person_says_what_a_metric_is() {
    let space = Space::new().file(
        "main.coord",
        r#"edition 2026
human lead
metric mood "Mood" {
  target >= 4
  from by lead
}
metric done { from task.completion }
task build { by lead }
"#,
    );
    let _ran = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    let asked = fine(&space, &["inbox", "--for", "lead"]).stdout;
    assert!(
        asked.contains("(told): say what `mood` is: `coord measure mood VALUE`"),
        "{asked}"
    );
    let said = |args: &[&str], code| space.coord(args).run().exits(code).stderr;
    insta::assert_snapshot!(said(&["measure", "mod", "4"], 2), @r"
    error: run `r` has no metric `mod`
      help: did you mean `mood`?
    ");
    insta::assert_snapshot!(said(&["measure", "done", "4"], 2), @r"
    error: `done` is computed by coord, from `task.completion`
      help: `coord report` shows its value
    ");
    insta::assert_snapshot!(said(&["measure", "mood", "good"], 2), @r"
    error: `good` is no number
      help: as in `coord measure quality 93%`, `4.5` or `4h`
    ");
    insta::assert_snapshot!(said(&["measure", "mood", "4", "--as", "me"], 2), @r"
    error: `mood` is measured by lead
      help: say who you are: `--as lead`
    ");
    assert!(said(&["measure", "mood", "4.5"], 0).contains("mood is 4.5"));
    let report = space.coord(&["report"]).run().exits(0).stdout;
    assert!(
        report.contains("| Mood | 4.50 | >= 4 | yes | by lead |"),
        "{report}"
    );
}

/// The notice was an event, and had not gone out when the process was killed.
#[test]
fn what_was_collected_survives_a_crash() {
    let space = Space::new().file(
        "main.coord",
        r#"edition 2026
human lead
channel digest { file "digest.md"
  every 4h }
on task.failed do notify lead via digest
task bad { run ["false"] }
task long {
  needs bad failed
  idempotent
  run ["sh", "-c", "echo > long; test -e ready || sleep 60"]
}
"#,
    );
    let live = crate::live::start(&space, &[]);
    let _long = crate::live::until_file(&space, "long");
    let pid = rustix::process::Pid::from_raw(live.pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(live.wait().status.code().is_none());
    assert!(!space.path("digest.md").exists());
    std::fs::write(space.path("ready"), "").unwrap();
    let _ran = space.coord(&["resume"]).run().exits(1);
    insta::assert_snapshot!(read(&space, "digest.md"), @r"
    ## [TIME]: 1 notice

    - [TIME] lead: `bad` failed
    ");
}

#[test]
fn a_decision_is_a_numbered_file_in_the_folder_of_its_domain() {
    let space = Space::new().file(
        "main.coord",
        CONTEXT.replace(
            "  paths \"src/**\"",
            "  paths \"src/**\"\n  record \"docs/decisions\"",
        ),
    );
    let _ran = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    let home = coord_host::home::Home::existing(&space.path(".coord-state")).unwrap();
    for (domain, title) in [
        (Some(0), "Use Rust, not C"),
        (Some(0), "Keep it small"),
        (None, "Go home"),
    ] {
        let request = coord_host::control::Request {
            run: "r".into(),
            order: coord_host::control::Order::Decide {
                domain: domain.map(coord_lang::ids::DomainId),
                by: Some("lead".into()),
                title: title.into(),
                text: "It is safer.\n".into(),
            },
        };
        coord_host::control::give(&home, request, "a test").unwrap();
    }
    // nobody ran it when they were made
    let _ran = space.coord(&["resume", "--no-wait"]).run().exits(3);
    insta::assert_snapshot!(read(&space, "docs/decisions/0001-use-rust-not-c.md"), @r"
    # 1. Use Rust, not C

    - Date: [TIME]
    - Decided by: lead
    - Domain: code
    - Lead: lead
    - Status: accepted

    ## Context

    Run `r` of demo: 0 of 2 tasks completed; the run is running.

    ## Decision

    It is safer.
    ");
    assert!(space.path("docs/decisions/0002-keep-it-small.md").exists());
    assert!(
        space
            .path(".coord-state/decisions/0001-go-home.md")
            .exists()
    );
    // once more writes nothing again
    let _ran = space.coord(&["resume", "--no-wait"]).run().exits(3);
    let count = std::fs::read_dir(space.path("docs/decisions"))
        .unwrap()
        .count();
    assert_eq!(count, 2);
    let told = space.coord(&["report"]).run().exits(0).stdout;
    assert!(
        told.contains("### Use Rust, not C\n\nlead, in code, at "),
        "{told}"
    );
    let state = read(&space, "context/global/state.md");
    assert!(state.contains("Use Rust, not C (lead)"), "{state}");
}

#[test]
fn an_inbox_shows_what_somebody_was_told_also_without_a_channel() {
    let space = Space::new().file(
        "main.coord",
        "edition 2026\nhuman lead\nhuman dev\n\
         on task.failed because \"look at it\" do notify lead\n\
         task bad { run [\"false\"] }\ntask good { by dev }\n",
    );
    let _ran = space
        .coord(&["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    let lead = space.coord(&["inbox", "--for", "lead"]).run().exits(0);
    insta::assert_snapshot!(timeless(&lead.stdout), @r"
    lead (told): `bad` failed: look at it
        at [TIME], run r
    ");
    let dev = space.coord(&["inbox", "--for", "dev"]).run().exits(0);
    assert!(!dev.stdout.contains("(told)"), "{dev}");
    assert!(dev.stdout.contains("do `good`"), "{dev}");
}
