//! Coordination from the command line: ladders, conflicts, incidents, modes, agents that fail,
//! handoffs, undo; who is asked, what the answers do, and what is told about it meanwhile.

use crate::live::{events, fine, of_task, project, script, start, status, until, until_file};
use crate::schemas::{holds, strict};
use crate::space::{Ran, Space, Started};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// `kill -9`.
fn crash(live: Started<'_>) {
    let pid = Pid::from_raw(live.pid() as i32).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert!(live.wait().status.code().is_none());
}

/// The state of the last run, once the run is in the journal.
fn state(space: &Space) -> Option<Value> {
    let ran = space.coord(&["status", "--format", "json"]).run();
    let known = ran.status.success();
    known.then(|| serde_json::from_str(&ran.stdout).unwrap())
}

/// Waits for an open item of a kind that asks `who`, and gives its number.
#[track_caller]
fn asked(space: &Space, kind: &str, who: &str) -> String {
    until(&format!("an item of kind {kind} for {who}"), || {
        let items = state(space)?["items"].clone();
        let fits = |item: &&Value| {
            let of = item["for"].as_array().unwrap();
            item["kind"] == kind && (of.is_empty() || of.iter().any(|name| name == who))
        };
        let found = items.as_array()?.iter().find(fits)?;
        Some(found["item"].to_string())
    })
}

/// Waits until an event of that kind is there, and gives the first.
#[track_caller]
fn happened(space: &Space, kind: &str) -> Value {
    until(kind, || {
        state(space)?;
        events(space)
            .into_iter()
            .find(|event| event["kind"] == kind)
    })
}

fn count(space: &Space, kind: &str) -> usize {
    let of_kind = |event: &Value| event["kind"] == kind;
    events(space).iter().filter(|event| of_kind(event)).count()
}

/// Waits until a task is in a state.
#[track_caller]
fn is(space: &Space, task: &str, wanted: &str) {
    until(&format!("{task} to be {wanted}"), || {
        state(space)?;
        (of_task(space, task, "state") == wanted).then_some(())
    });
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no \"{part}\" in\n{text}");
}

#[track_caller]
fn why(space: &Space, task: &str) -> String {
    fine(space, &["why", task]).stdout
}

/// Waits for the end of the run, and holds what it told programs against the schemas.
#[track_caller]
fn ends(space: &Space, live: Started<'_>, code: i32) -> Ran {
    let ran = live.wait().exits(code);
    as_the_schemas_say(space);
    ran
}

#[track_caller]
fn as_the_schemas_say(space: &Space) {
    let (of_events, of_status) = (strict("events"), strict("status"));
    for event in events(space) {
        holds(&of_events, &event, &event.to_string());
    }
    holds(&of_status, &status(space), "status");
}

// ---------------------------------------------------------------- ladders

const LADDER: &str = "human lead

human cto

agent ada

agent bob

escalation blocked {
  level L1 by lead within 300ms
  level L2 by cto
}
";

/// A task that fails until there is a file `ok`, or somebody else does it.
fn failing() -> Space {
    failing_under(LADDER)
}

fn failing_under(ladder: &str) -> Space {
    let build = script(
        "build",
        "by ada\n  on fail escalate to blocked",
        "test -e ok || test $COORD_AGENT = bob",
    );
    project(&format!(
        "{ladder}\n{build}\ntask after {{\n  needs build\n  run [\"touch\", \"went-on\"]\n}}\n"
    ))
}

#[test]
fn a_ladder_climbs_and_its_answer_is_a_retry() {
    let space = failing();
    let live = start(&space, &[]);
    let item = asked(&space, "decide", "cto");
    let shown = status(&space);
    let open = &shown["situations"][0];
    assert_eq!(open["kind"], "escalation");
    assert_eq!(open["name"], "blocked");
    assert_eq!(open["level"], "L2");
    assert_eq!(open["task"], "build");
    assert_eq!(open["items"][0].to_string(), item);
    as_the_schemas_say(&space);
    let text = fine(&space, &["status"]).stdout;
    has(&text, "▲ escalation blocked about build, level L2, since ");
    has(&text, &format!("item {item} asks cto"));
    has(
        &why(&space, "after"),
        "waits for a decision: escalation blocked, level L2: cto",
    );
    let inbox = fine(&space, &["inbox", "--for", "cto"]).stdout;
    has(&inbox, "decide escalation blocked about build, level L2");
    has(
        &inbox,
        &format!("coord answer {item} accept, retry, skip, reassign or abort"),
    );

    let early = space
        .coord(&["answer", &item, "retry", "--as", "lead"])
        .run()
        .exits(2);
    has(&early.stderr, "is not for lead, but for cto");
    std::fs::write(space.path("ok"), "").unwrap();
    let said = fine(
        &space,
        &["answer", &item, "retry", "--note", "it is there now"],
    );
    has(&said.stderr, &format!("item {item}: to be tried again"));
    let ran = ends(&space, live, 0);
    has(&ran.stderr, "escalation blocked closes: retry by cto");
    assert_eq!(count(&space, "situation.reached"), 2);
    assert_eq!(status(&space)["situations"], Value::Array(Vec::new()));
}

#[test]
fn a_ladder_can_accept_skip_reassign_or_abort() {
    for (answer, code, left) in [
        ("accept", 0, true),
        ("skip", 0, true),
        ("reassign", 0, true),
        ("abort", 1, false),
    ] {
        let space = failing_under(&LADDER.replace(" within 300ms", ""));
        let live = start(&space, &[]);
        let _item = asked(&space, "decide", "lead");
        let to: &[&str] = match answer {
            "reassign" => &["--to", "bob"],
            _ => &[],
        };
        let _said = fine(&space, &[&["answer", "build", answer], to].concat());
        let _ran = ends(&space, live, code);
        assert_eq!(space.path("went-on").exists(), left, "{answer}");
        let closed = happened(&space, "situation.closed");
        let how = if answer == "accept" {
            "accepted"
        } else {
            answer
        };
        assert_eq!(closed["how"], how, "{answer}");
        assert_eq!(closed["rule"], "escalation blocked");
        if answer == "reassign" {
            assert_eq!(closed["to"], "bob");
            assert_eq!(of_task(&space, "build", "agent"), "bob");
        }
    }
}

#[test]
fn a_ladder_goes_on_after_a_crash_and_opens_each_rung_once() {
    let space = failing();
    let live = start(&space, &[]);
    let _first = happened(&space, "situation.reached");
    crash(live);
    let live = space.coord(&["resume", "r"]).start();
    let item = asked(&space, "decide", "cto");
    crash(live);
    std::fs::write(space.path("ok"), "").unwrap();
    let said = fine(&space, &["answer", &item, "retry"]);
    has(&said.stderr, "nobody runs it now: `coord resume r` goes on");
    let _ran = fine(&space, &["resume", "r"]);
    let rungs: Vec<Value> = (events(&space).into_iter())
        .filter(|event| event["kind"] == "situation.reached")
        .map(|event| event["rung"].clone())
        .collect();
    assert_eq!(rungs, ["L1", "L2"]);
    assert_eq!(count(&space, "situation.opened"), 1);
    assert!(space.path("went-on").exists());
}

#[test]
fn a_ladder_that_nobody_answers_comes_to_its_end() {
    let space = project(
        "human lead

escalation short {
  level L1 by lead within 100ms
  otherwise fail
}

task build {
  run [\"false\"]
  on fail escalate to short
}

task other {
  needs build
  run [\"true\"]
}
",
    );
    let ran = ends(&space, start(&space, &[]), 1);
    has(&ran.stderr, "escalation short closes: unanswered");
}

#[test]
fn a_ladder_goes_when_somebody_helps_without_it() {
    let space = failing();
    let live = start(&space, &[]);
    let _item = asked(&space, "decide", "cto");
    std::fs::write(space.path("ok"), "").unwrap();
    let _again = fine(&space, &["retry", "build"]);
    let ran = ends(&space, live, 0);
    has(&ran.stderr, "escalation blocked closes: withdrawn");
}

#[test]
fn work_at_hand_is_stopped_by_an_answer() {
    let slow = script("slow", "", "echo at-work > at-work; sleep 60");
    let space = project(&format!(
        "human lead\n\nescalation late {{ level L1 by lead }}\n\n{slow}"
    ));
    let live = start(&space, &[]);
    let _at_work = until_file(&space, "at-work");
    let about = ["--task", "slow", "--as", "lead"];
    let _raised = fine(
        &space,
        &[&["raise", "escalation", "late"][..], &about].concat(),
    );
    let _stopped = fine(&space, &["answer", "slow", "abort", "--note", "it hangs"]);
    let _ran = ends(&space, live, 1);
    has(&why(&space, "slow"), "lead decided to stop: it hangs");
    assert_eq!(happened(&space, "task.stopped")["by"], "lead");
}

// ---------------------------------------------------------------- limits and gates

#[test]
fn people_decide_about_a_need_an_approval_and_a_gate_past_their_limits() {
    let space = project(
        "human lead

human boss

human slow-one

escalation late { level L1 by lead }

gate tidy {
  check \"it is tidy\" run [\"test\", \"-e\", \"tidy\"]
  on fail escalate to late
}

task slow { by slow-one }

task needy {
  needs slow within 200ms else escalate to late
  run [\"touch\", \"needy-ran\"]
}

task approved {
  run [\"true\"]
  approve by boss within 200ms else escalate to late
}

task guarded {
  run [\"touch\", \"guarded-ran\"]
  requires tidy
}
",
    );
    let live = start(&space, &[]);
    let about = |task: &str| {
        until(&format!("a decision about {task}"), || {
            let items = state(&space)?["items"].clone();
            let fits = |item: &&Value| item["task"] == task && item["kind"] == "decide";
            let found = items.as_array()?.iter().find(fits)?.clone();
            Some(found["item"].to_string())
        })
    };
    let (needy, approved, guarded) = (about("needy"), about("approved"), about("guarded"));
    let shown = why(&space, "needy");
    has(&shown, "waits for `slow` to be done\n");
    has(
        &shown,
        &format!("waits for a decision: escalation late, level L1: lead (item {needy})"),
    );
    has(
        &why(&space, "approved"),
        "waits for a decision: escalation late",
    );
    let shown = why(&space, "guarded");
    has(&shown, "is held at gate `tidy`, which does not hold");
    has(&shown, &format!("lead (item {guarded})"));
    let _gate_again = fine(&space, &["answer", &guarded, "retry"]);
    let again = until("the gate to be held again", || {
        Some(about("guarded")).filter(|item| *item != guarded)
    });
    std::fs::write(space.path("tidy"), "").unwrap();
    let _gate_again = fine(&space, &["answer", &again, "retry"]);
    let _without = fine(&space, &["answer", &needy, "accept"]);
    let _waived = fine(&space, &["accept", &approved]);
    is(&space, "needy", "COMPLETED");
    is(&space, "approved", "COMPLETED");
    is(&space, "guarded", "COMPLETED");
    let _done = fine(&space, &["done", "slow"]);
    let _ran = ends(&space, live, 0);
    let waived: Vec<Value> = (events(&space).into_iter())
        .filter(|event| event["kind"] == "limit.settled")
        .map(|event| event["pending"].clone())
        .collect();
    assert!(waived.contains(&serde_json::json!({ "need": { "need": 0, "task": "needy" } })));
}

// ---------------------------------------------------------------- conflicts and incidents

const TEAM: &str = "human ann

human ben

human lead

task work { by ann }
";

#[test]
fn a_conflict_is_raised_heard_and_decided() {
    let space = project(&format!(
        "{TEAM}
conflict schema \"Two writers\" {{
  reviewers ben
  decide lead within 1h
}}

conflict style {{ decide [ann, ben] }}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let wrong = space
        .coord(&["raise", "conflict", "shema", "both"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `schema`?");
    let between = ["--between", "ann,ben", "--task", "work", "--as", "ann"];
    let call = ["raise", "conflict", "schema", "both write the orders table"];
    let rehearsed = fine(&space, &[&call[..], &between, &["--dry-run"]].concat()).stdout;
    has(
        &rehearsed,
        "at once would follow\n  ▲ conflict schema opens about work, raised by ann",
    );
    assert_eq!(count(&space, "situation.opened"), 0);

    let said = fine(&space, &[&call[..], &between].concat());
    has(&said.stderr, "conflict schema is raised");
    let view = asked(&space, "view", "ben");
    let decision = asked(&space, "decide", "lead");
    has(
        &fine(&space, &["inbox", "--for", "ben"]).stdout,
        "say what you think of conflict schema",
    );
    let _heard = fine(&space, &["reject", &view, "--note", "ann owns it"]);
    let not_so = space
        .coord(&["decide", &decision, "accept", "--to", "ben"])
        .run()
        .exits(2);
    has(&not_so.stderr, "`--to` says who takes over");
    let _decided = fine(
        &space,
        &["decide", &decision, "--note", "ann owns the table"],
    );
    let closed = happened(&space, "situation.closed");
    assert_eq!(
        (&closed["how"], &closed["by"]),
        (&"settled".into(), &"lead".into())
    );
    assert_eq!(closed["note"], "ann owns the table");
    let opened = happened(&space, "situation.opened");
    assert_eq!(opened["of"], serde_json::json!({ "conflict": "schema" }));
    assert_eq!(
        opened["about"],
        serde_json::json!({ "agents": ["ann", "ben"], "task": "work" })
    );
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 0);
}

#[test]
fn an_incident_asks_its_people_starts_its_workflow_and_is_closed() {
    let space = project(&format!(
        "{TEAM}
workflow hotfix {{
  task mend {{ run [\"touch\", \"mended\"] }}
}}

incident P0 \"Down\" {{
  respond within 1h
  declare by [ann, ben]
  lead lead
  requires ben
  require \"the page is up again\" by ben
  start hotfix
}}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let not_him = space
        .coord(&["raise", "P0", "fire", "--as", "carl"])
        .run()
        .exits(2);
    has(
        &not_him.stderr,
        "carl may not declare incident P0: ann, ben may",
    );
    let _raised = fine(&space, &["raise", "P0", "the shop is down", "--as", "ben"]);
    let (lead, ben) = (
        asked(&space, "respond", "lead"),
        asked(&space, "respond", "ben"),
    );
    as_the_schemas_say(&space);
    let text = fine(&space, &["status"]).stdout;
    has(&text, "▲ incident P0, since ");
    has(&text, "      the shop is down\n");
    let _here = fine(&space, &["done", &lead]);
    let _here = fine(&space, &["accept", &ben]);
    let confirm = asked(&space, "confirm", "ben");
    assert!(
        space.path("mended").exists(),
        "before it is said to be resolved, the workflow is over"
    );
    let shown = status(&space);
    assert_eq!(shown["workflows"][0]["name"], "hotfix");
    assert_eq!(shown["workflows"][0]["running"], false);
    let _up = fine(&space, &["approve", &confirm]);
    let closed = happened(&space, "situation.closed");
    assert_eq!(closed["rule"], "incident P0");
    assert_eq!(happened(&space, "workflow.started")["workflow"], "hotfix");
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 0);
}

#[test]
fn a_workflow_starts_inside_a_run_by_hand() {
    let space = project(&format!(
        "{TEAM}
workflow rollback(service: text, deep: bool default false) {{
  task undeploy {{ run [\"touch\", \"undeployed\"] }}
}}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let wrong = space.coord(&["start", "rolback"]).run().exits(2);
    has(&wrong.stderr, "did you mean `rollback`?");
    let wrong = space.coord(&["start", "rollback"]).run().exits(2);
    has(&wrong.stderr, "`service` has no value");
    let wrong = space
        .coord(&["start", "rollback", "--set", "servce=api"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `service`?");
    let _started = fine(&space, &["start", "rollback", "--set", "service=api"]);
    is(&space, "undeploy", "COMPLETED");
    let started = happened(&space, "workflow.started");
    assert_eq!(
        started["arguments"],
        serde_json::json!({ "service": "api" })
    );
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 0);
}

// ---------------------------------------------------------------- modes, domains, resources

#[test]
fn safe_mode_holds_new_work_until_it_is_left() {
    let space = project(&format!(
        "{TEAM}
mode safe-mode {{
  enter run [\"touch\", \"entered\"]
  exit run [\"touch\", \"left\"]
  restart 1 at a time
}}

task next {{
  needs work
  run [\"touch\", \"next-ran\"]
}}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let not_on = space.coord(&["safe-mode", "exit"]).run().exits(2);
    has(&not_on.stderr, "run `r` is in no mode");
    let _on = fine(
        &space,
        &["safe-mode", "enter", "r", "--note", "the disk is full"],
    );
    let twice = space.coord(&["safe-mode", "enter"]).run().exits(2);
    has(&twice.stderr, "run `r` is in safe-mode already");
    has(&twice.stderr, "`coord safe-mode exit` leaves it");
    let _done = fine(&space, &["done", "work"]);
    has(&why(&space, "next"), "nothing new starts: safe-mode is on");
    let shown = status(&space);
    assert_eq!(shown["mode"], "safe-mode");
    assert_eq!(of_task(&space, "next", "state"), "BLOCKED");
    has(
        &fine(&space, &["status"]).stdout,
        "■ safe-mode is on: nothing new starts",
    );
    has(
        &fine(&space, &["status"]).stdout,
        "running, waits for people",
    );
    let entered = happened(&space, "mode.entered");
    assert_eq!(
        (&entered["mode"], &entered["because"]),
        (&"safe-mode".into(), &"the disk is full".into())
    );
    let _off = fine(&space, &["safe-mode", "exit"]);
    let _ran = ends(&space, live, 0);
    for file in ["entered", "left", "next-ran"] {
        assert!(space.path(file).exists(), "{file}");
    }
}

#[test]
fn a_domain_is_halted_by_whoever_may() {
    let work = script("pay", "domain payments", "echo at-work > at-work; sleep 60");
    let space = project(&format!(
        "human security

domain payments {{ may halt security }}

{work}
task later {{
  needs pay
  domain payments
  run [\"true\"]
}}
"
    ));
    let live = start(&space, &[]);
    let _at_work = until_file(&space, "at-work");
    let not_them = space
        .coord(&["halt", "payments", "--as", "ann"])
        .run()
        .exits(2);
    has(&not_them.stderr, "ann may not halt payments: security may");
    let wrong = space
        .coord(&["halt", "payment", "--as", "security"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `payments`?");
    let _halted = fine(
        &space,
        &[
            "halt",
            "payments",
            "--as",
            "security",
            "--note",
            "a key leaked",
        ],
    );
    let _ran = ends(&space, live, 1);
    has(
        &why(&space, "pay"),
        "security halted payments: a key leaked",
    );
    assert_eq!(status(&space)["halted"], serde_json::json!(["payments"]));
    assert_eq!(happened(&space, "domain.halted")["domain"], "payments");
}

#[test]
fn an_exhausted_resource_stops_who_takes_from_it_until_it_is_there_again() {
    let space = project(&format!(
        "{TEAM}
resource gpu {{ capacity 2 }}

task train {{
  needs work
  uses gpu
  run [\"true\"]
}}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let _gone = fine(&space, &["raise", "resource", "gpu"]);
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 1);
    has(&why(&space, "train"), "`gpu` is exhausted");
    assert_eq!(status(&space)["exhausted"], serde_json::json!(["gpu"]));
    let there = fine(
        &space,
        &["raise", "resource", "gpu", "--over", "--run", "r"],
    );
    has(&there.stderr, "gpu is there again; nobody runs it now");
    let _ran = fine(&space, &["resume", "r"]);
    is(&space, "train", "COMPLETED");
}

// ---------------------------------------------------------------- agents

#[test]
fn the_work_of_a_failed_agent_goes_to_its_standby_and_recovery_brings_it_back() {
    let job = script(
        "job",
        "by worker",
        "echo $COORD_AGENT >> did\ntest $COORD_AGENT = spare || sleep 60",
    );
    let space = project(&format!(
        "{TEAM}
agent worker {{ standby spare }}

agent spare

on agent.failed {{
  do isolate agent
  do redistribute
  do recover run [\"touch\", \"recovered\"]
}}

{job}
"
    ));
    let live = start(&space, &[]);
    let _begun = until_file(&space, "did");
    let wrong = space
        .coord(&["raise", "agent", "woker", "silent"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `worker`?");
    let _failed = fine(&space, &["raise", "agent", "worker", "does not answer"]);
    is(&space, "job", "COMPLETED");
    let _back = happened(&space, "agent.back");
    assert_eq!(until_file(&space, "did"), "worker\nspare\n");
    assert!(space.path("recovered").exists());
    assert_eq!(happened(&space, "agent.failed")["agent"], "worker");
    assert_eq!(
        happened(&space, "task.reassigned")["agents"],
        serde_json::json!(["spare"])
    );
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 0);
}

#[test]
fn a_run_that_failed_for_want_of_an_agent_goes_on_when_it_is_back() {
    let space = project(&format!(
        "{TEAM}
agent worker

task job {{
  by worker
  needs work
  run [\"true\"]
}}
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let _failed = fine(&space, &["raise", "agent", "worker"]);
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 1);
    has(&why(&space, "job"), "`worker` is isolated");
    let text = fine(&space, &["status"]).stdout;
    has(&text, "! agent worker is isolated, since ");
    let _back = fine(&space, &["raise", "agent", "worker", "--over"]);
    let _ran = fine(&space, &["resume", "r"]);
    is(&space, "job", "COMPLETED");
}

#[test]
fn a_task_is_given_to_somebody_else() {
    let job = script(
        "job",
        "by worker",
        "echo $COORD_AGENT >> did\ntest $COORD_AGENT = spare || sleep 60",
    );
    let space = project(&format!(
        "agent worker\n\nagent spare\n\nhuman ann\n\n{job}"
    ));
    let live = start(&space, &[]);
    let _begun = until_file(&space, "did");
    let wrong = space
        .coord(&["reassign", "r", "job", "--to", "spar"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `spare`?");
    let nobody = space.coord(&["reassign", "r", "job"]).run().exits(2);
    has(
        &nobody.stderr,
        "`job` cannot be given to somebody else: nobody else can do it",
    );
    let person = space
        .coord(&["reassign", "job", "--to", "ann"])
        .run()
        .exits(2);
    has(&person.stderr, "`ann` is a person, and a program does it");
    let _given = fine(&space, &["reassign", "r", "job", "--to", "spare"]);
    let _ran = ends(&space, live, 0);
    assert_eq!(until_file(&space, "did"), "worker\nspare\n");
}

// ---------------------------------------------------------------- handoffs

#[test]
fn a_handoff_is_asked_back_and_then_accepted() {
    let space = project(
        "human designer

human developer

handoff component {
  require \"Known issues are listed\"
  accept within 1h
}

task draw {
  by designer
  do \"Draw it\"
  handoff component
}

task build {
  by developer
  needs draw
  do \"Build it\"
}
",
    );
    let live = start(&space, &[]);
    let work = asked(&space, "work", "designer");
    let issues = [
        "--issue",
        "no dark mode",
        "--criterion",
        "it has four pages",
    ];
    let _drawn = fine(&space, &[&["done", &work[..]][..], &issues].concat());
    let outputs = &status(&space)["tasks"][0]["outputs"];
    assert_eq!(outputs["known-issues"], "no dark mode");
    assert_eq!(outputs["success-criteria"], "it has four pages");
    let give = asked(&space, "confirm", "designer");
    has(
        &why(&space, "build"),
        "waits for handoff component from draw to build: designer",
    );
    let _given = fine(&space, &["done", &give]);
    let accept = asked(&space, "accept", "developer");
    let inbox = fine(&space, &["inbox", "--for", "developer"]).stdout;
    has(
        &inbox,
        "accept handoff component from draw to build, or ask back",
    );
    has(&inbox, "known issue: no dark mode");
    has(&inbox, "good when: it has four pages");
    let no_work = space
        .coord(&["accept", &accept, "--issue", "x"])
        .run()
        .exits(2);
    has(&no_work.stderr, "there is nothing to hand over");
    let _asked_back = fine(&space, &["reject", &accept, "--note", "where is the logo?"]);
    let again = asked(&space, "confirm", "designer");
    assert_ne!(again, give);
    let _given = fine(&space, &["done", &again]);
    let accept = asked(&space, "accept", "developer");
    let _accepted = fine(&space, &["accept", &accept]);
    let _built = fine(&space, &["done", &asked(&space, "work", "developer")]);
    let _ran = ends(&space, live, 0);
    assert_eq!(happened(&space, "situation.closed")["how"], "settled");
}

#[test]
fn a_handoff_that_nobody_accepts_goes_up_the_ladder() {
    let space = project(
        "human designer

human developer

human lead

escalation blocked { level L1 by lead }

handoff component { accept within 200ms else escalate to blocked }

task draw {
  by designer
  handoff component
}

task build {
  by developer
  needs draw
}
",
    );
    let live = start(&space, &[]);
    let _drawn = fine(&space, &["done", &asked(&space, "work", "designer")]);
    let item = asked(&space, "decide", "lead");
    has(&why(&space, "build"), "passed on to escalation blocked");
    let _accepted = fine(&space, &["accept", &item]);
    let _built = fine(&space, &["done", &asked(&space, "work", "developer")]);
    let _ran = ends(&space, live, 0);
}

// ---------------------------------------------------------------- undo

/// `deploy` can be taken back, unless there is a file `stuck`.
fn deployed(more: &str) -> Space {
    let undo = "undo run [\"sh\", \"-c\", \"test ! -e stuck && touch undone\"]";
    project(&format!(
        "{TEAM}
task deploy {{
  run [\"true\"]
  {undo}
}}

{more}"
    ))
}

#[test]
fn a_rollback_takes_back_what_was_done() {
    let space =
        deployed("task test-it {\n  needs deploy\n  run [\"false\"]\n  on fail rollback\n}\n");
    let live = start(&space, &[]);
    let ended = happened(&space, "undo.ended");
    assert_eq!(
        (&ended["task"], &ended["ok"]),
        (&"deploy".into(), &true.into())
    );
    assert!(space.path("undone").exists());
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 1);
}

#[test]
fn a_cancelled_run_is_taken_back_and_a_failing_undo_asks_a_person() {
    let space = deployed("");
    std::fs::write(space.path("stuck"), "").unwrap();
    let live = start(&space, &[]);
    is(&space, "deploy", "COMPLETED");
    let rehearsed = fine(&space, &["cancel", "--dry-run", "--as", "ann"]).stdout;
    has(&rehearsed, "cancelled by ann");
    let _cancelled = fine(&space, &["cancel", "--note", "wrong version"]);
    let item = asked(&space, "undo", "whoever");
    let shown = status(&space);
    as_the_schemas_say(&space);
    assert_eq!(shown["undo"]["left"], serde_json::json!(["deploy"]));
    assert_eq!(shown["undo"]["item"].to_string(), item);
    has(
        &fine(&space, &["status"]).stdout,
        "↶ to be taken back: deploy",
    );
    has(
        &fine(&space, &["inbox"]).stdout,
        &format!("coord answer {item} retry, done or skip"),
    );
    std::fs::remove_file(space.path("stuck")).unwrap();
    let _again = fine(&space, &["answer", &item, "retry"]);
    let _ran = ends(&space, live, 1);
    assert!(space.path("undone").exists());
    assert_eq!(status(&space)["state"], "cancelled");
}

// ---------------------------------------------------------------- reactions

#[test]
fn a_crash_takes_nothing_of_an_undo_and_of_a_rule_that_were_under_way() {
    let slow =
        |file: &str| format!("[\"sh\", \"-c\", \"echo on >> {file}; test -e go || sleep 60\"]");
    let space = project(&format!(
        "{TEAM}
agent worker

task deploy {{
  run [\"true\"]
  undo run {}
}}

on agent.failed do recover run {}
",
        slow("undone"),
        slow("recovered")
    ));
    let live = start(&space, &[]);
    is(&space, "deploy", "COMPLETED");
    let _failed = fine(&space, &["raise", "agent", "worker"]);
    let _under_way = until_file(&space, "recovered");
    crash(live);
    std::fs::write(space.path("go"), "").unwrap();
    let live = space.coord(&["resume", "r"]).start();
    let _back = happened(&space, "agent.back");
    assert_eq!(until_file(&space, "recovered"), "on\non\n");
    std::fs::remove_file(space.path("go")).unwrap();
    let _cancelled = fine(&space, &["cancel", "r"]);
    let _under_way = until_file(&space, "undone");
    crash(live);
    std::fs::write(space.path("go"), "").unwrap();
    let _ran = ends(&space, space.coord(&["resume", "r"]).start(), 1);
    assert_eq!(until_file(&space, "undone"), "on\non\n");
    assert_eq!(count(&space, "undo.interrupted"), 1);
    assert_eq!(count(&space, "action.interrupted"), 1);
}

#[test]
fn a_reaction_tries_again_and_then_tells_somebody() {
    let flaky = script("flaky", "", "echo tried >> tries; exit 1");
    let space = project(&format!(
        "human lead

channel updates {{ file \"updates.txt\" }}

{flaky}
on task.failed do retry else notify lead via updates
"
    ));
    let _ran = ends(&space, start(&space, &[]), 1);
    assert_eq!(until_file(&space, "tries"), "tried\ntried\n");
    has(&until_file(&space, "updates.txt"), "lead");
    let sent = happened(&space, "notice.sent");
    assert_eq!(
        (&sent["of"], &sent["via"]),
        (&serde_json::json!(["lead"]), &"updates".into())
    );
    assert_eq!(count(&space, "notice.sent"), 1);
}

// ---------------------------------------------------------------- words

#[test]
fn what_cannot_be_raised_gets_a_way_out() {
    let space = project(&format!("{TEAM}\nincident P0 {{ lead lead }}\n"));
    let live = start(&space, &["--no-wait"]);
    let _ran = ends(&space, live, 3);
    let refused = |args: &[&str], what: &str| {
        let ran = space.coord(args).run().exits(2);
        has(&ran.stderr, what);
    };
    refused(&["raise", "P1"], "did you mean `P0`?");
    refused(
        &["raise", "confict", "schema"],
        "did you mean `coord raise conflict NAME`?",
    );
    refused(
        &["raise", "conflict"],
        "`coord raise conflict` needs a name",
    );
    refused(
        &["raise", "conflict", "schema"],
        "its project declares no kind of conflict at all",
    );
    refused(
        &["raise", "the", "shop", "is"],
        "put a text of several words in quotes",
    );
    refused(
        &["raise", "P0", "--over"],
        "a situation is closed by answering it",
    );
    refused(&["safe-mode", "enter"], "declares no mode");
    refused(
        &["measure", "speed", "3"],
        "its project declares no metric at all",
    );
    refused(
        &["answer", "1", "retry"],
        "`retry` does not answer item 1: do `work`",
    );
    refused(&["answer", "1", "retry"], "answer it with coord done 1");
    refused(&["answer", "99", "done"], "there is no item 99");
}

#[test]
fn metrics_and_decisions_are_said_from_the_command_line() {
    let space = project(&format!(
        "{TEAM}
metric coverage {{
  target >= 90%
  from by lead
}}

domain storage {{ lead lead }}

on metric coverage < 50% do record \"coverage is low\"
"
    ));
    let live = start(&space, &[]);
    let _work = asked(&space, "work", "ann");
    let _low = fine(&space, &["measure", "coverage", "42.5%", "--as", "lead"]);
    let measured = happened(&space, "metric.measured");
    assert_eq!(
        (&measured["metric"], &measured["value"]),
        (&"coverage".into(), &"42.5%".into())
    );
    assert_eq!(happened(&space, "note.recorded")["text"], "coverage is low");
    let call = [
        "decide",
        "--domain",
        "storage",
        "One database",
        "--text",
        "two cost twice",
    ];
    let _decided = fine(&space, &[&call[..], &["--as", "lead"]].concat());
    let decided = happened(&space, "decision.recorded");
    assert_eq!(
        (&decided["domain"], &decided["title"]),
        (&"storage".into(), &"One database".into())
    );
    assert_eq!(decided["text"], "two cost twice");
    let wrong = space
        .coord(&["decide", "--domain", "strage", "x"])
        .run()
        .exits(2);
    has(&wrong.stderr, "did you mean `storage`?");
    let _done = fine(&space, &["done", "work"]);
    let _ran = ends(&space, live, 0);
}
