//! What a user sees of a run: how it goes, what it asks, how one helps it.

use crate::live::{
    events, fine, lines, of_task, project, run, script, start, status, timeless, until, until_file,
};
use crate::space::{Ran, Space};
use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a call said, without the time of day.
#[track_caller]
fn said(space: &Space, args: &[&str]) -> String {
    timeless(space.coord(args).run())
}

// ---------------------------------------------------------------- to the end

#[test]
fn the_project_of_init_runs_as_it_stands() {
    let space = Space::new();
    assert_snapshot!(said(&space, &["init", "."]), @r#"
    exit status: 0
    --- stderr
    wrote ./main.coord
    next: coord check && coord plan && coord run
    "#);
    assert_snapshot!(timeless(run(&space, &["--parallel", "1"])), @r#"
    exit status: 0
    --- stderr
    run r of main.coord
    [TIME] ▶ build
    [TIME] ✔ build  [TOOK]
    [TIME] ▶ unit-tests
    [TIME] ✔ unit-tests  [TOOK]
    [TIME] ▶ docs
    [TIME] ✔ docs  [TOOK]
    [TIME] ✓ gate release-ready holds for publish
    [TIME] ▶ publish
    [TIME] ✔ publish  [TOOK]
    [TIME] ◇ released reached
    run r completed in [TOOK]: 4 completed
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: completed
    started [AT], took [TOOK]

    ✔ build      completed   builder            [TOOK]
    ✔ docs       completed   builder            [TOOK]
    ✔ unit-tests completed   builder            [TOOK]
    ✔ publish    completed   publisher          [TOOK]
    ✔ released   completed
    "#);
    assert_snapshot!(said(&space, &["runs"]), @r#"
    exit status: 0
    --- stdout
    r  completed   4/4 tasks      [TOOK]  [AT]  main.coord
    "#);
    assert_snapshot!(said(&space, &["why", "unit-tests"]), @r#"
    exit status: 0
    --- stdout
    ✔ unit-tests is completed
        started [AT], ended [AT]
    "#);
    let report =
        std::fs::read_to_string(space.path(".coord-state/artifacts/r/build/app/app.txt")).unwrap();
    assert_eq!(report, "built by builder in run r\n");
}

#[test]
fn outputs_and_conditions_choose_the_way() {
    let text = std::fs::read_to_string("examples/08-conditions-and-outputs.coord").unwrap();
    let space = Space::new().file("main.coord", text);
    assert_snapshot!(timeless(run(&space, &["--set", "region=us"])), @r#"
    exit status: 0
    --- stderr
    run r of main.coord
    [TIME] ▶ look
    [TIME] ✔ look  [TOOK]
    [TIME] ▶ deploy
    [TIME] ✔ deploy  [TOOK]
    [TIME] ↷ mourn skipped: `deploy` ended another way
    [TIME] ▶ clean
    [TIME] ✔ clean  [TOOK]
    run r completed in [TOOK]: 3 completed, 1 skipped
    "#);
    assert_snapshot!(said(&space, &["logs", "deploy"]), @r#"
    exit status: 0
    --- stdout
    deploying to us
    "#);
    let space = space.file(
        "main.coord",
        std::fs::read_to_string("examples/08-conditions-and-outputs.coord").unwrap(),
    );
    let ran = space
        .coord(&["run", "--set", "dry=true", "--run-id", "dry"])
        .run()
        .exits(0);
    assert_snapshot!(timeless(ran), @r#"
    exit status: 0
    --- stderr
    run dry of main.coord
    [TIME] ▶ look
    [TIME] ✔ look  [TOOK]
    [TIME] ↷ deploy skipped: its condition does not hold: look.outputs.changed ("yes") == "yes" and not (true)
    [TIME] ↷ mourn skipped: `deploy` ended another way
    [TIME] ▶ clean
    [TIME] ✔ clean  [TOOK]
    run dry completed in [TOOK]: 2 completed, 2 skipped
    "#);
}

#[test]
fn a_task_is_tried_again_with_a_growing_pause() {
    let space = project(&script(
        "flaky",
        "retry 3 every 100ms factor 2x",
        "echo try $COORD_ATTEMPT\ntest $COORD_ATTEMPT -ge 3",
    ));
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 0
    --- stderr
    1 warning; `coord check` shows them
    run r of main.coord
    [TIME] ▶ flaky
    [TIME] · flaky: exit status 1
               │ try 1
    [TIME] ↻ flaky is tried again in [TOOK]
    [TIME] ▶ flaky (attempt 2)
    [TIME] · flaky: exit status 1
               │ try 2
    [TIME] ↻ flaky is tried again in [TOOK]
    [TIME] ▶ flaky (attempt 3)
    [TIME] ✔ flaky  [TOOK]
    run r completed in [TOOK]: 1 completed
    "#);
    let pauses: Vec<i64> = events(&space)
        .iter()
        .filter(|e| e["kind"] == "task.retry-scheduled")
        .map(|e| e["due_ms"].as_i64().unwrap() - at_ms(e))
        .collect();
    assert_eq!(pauses, [100, 200]);
    assert_eq!(
        fine(&space, &["logs", "r", "flaky", "--attempt", "1"]).stdout,
        "try 1\n"
    );
    assert_eq!(fine(&space, &["logs", "r", "flaky"]).stdout, "try 3\n");
}

fn at_ms(event: &Value) -> i64 {
    event["at"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_millisecond()
}

#[test]
fn a_task_is_tried_again_only_for_what_it_names() {
    let space = project(&script("picky", "retry 3 on exit 75", "exit 1"));
    let ran = run(&space, &[]).exits(1);
    assert_eq!(of_task(&space, "picky", "attempts"), "1", "{ran}");
}

#[test]
fn a_task_that_takes_too_long_is_ended() {
    let space = project("task slow {\n  timeout 200ms\n  run [\"sleep\", \"60\"]\n}\n");
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ slow
    [TIME] · slow timed out
    [TIME] ✘ slow failed: timed out
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
}

// ---------------------------------------------------------------- failures and help

#[test]
fn a_failure_blocks_what_follows_until_it_is_tried_again() {
    let build = script(
        "build",
        "",
        "echo compiling\ntest -e mended || { echo 'no such header' >&2; exit 2; }",
    );
    let space = project(
        &(build
            + &script("ship", "needs build", "echo shipped")
            + &script("tell", "needs ship", "echo told")),
    );
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ build
    [TIME] · build: exit status 2
               │ compiling
               │ no such header
    [TIME] ✘ build failed: exit status 2
    run r failed in [TOOK]: 1 failed, 2 not done
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: failed
    started [AT], took [TOOK]

    ✘ build failed      local              [TOOK]      exit status 2
    ⏸ ship  blocked     local                        waits for `build` to be done
    ⏸ tell  blocked     local                        waits for `ship` to be done
    "#);
    assert_snapshot!(said(&space, &["why", "tell"]), @r#"
    exit status: 0
    --- stdout
    ⏸ tell is blocked
        waits for `ship` to be done
        the run failed before its turn
      ⏸ ship is blocked
          waits for `build` to be done
          the run failed before its turn
        ✘ build has failed
            exit status 2
            started [AT], ended [AT]
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 1
    --- stderr
    run r has ended: it has failed
      help: `coord status` shows why; a failed task is tried again with `coord retry TASK`
    "#);
    let space = space.file("mended", "");
    assert_snapshot!(said(&space, &["retry", "build", "--as", "ann"]), @r#"
    exit status: 0
    --- stderr
    build: to be tried again; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ build (attempt 2)
    [TIME] ✔ build  [TOOK]
    [TIME] ▶ ship
    [TIME] ✔ ship  [TOOK]
    [TIME] ▶ tell
    [TIME] ✔ tell  [TOOK]
    run r completed in [TOOK]: 3 completed
    "#);
}

#[test]
fn a_failed_task_can_be_skipped() {
    let space =
        project(&(script("docs", "", "false") + &script("ship", "needs docs", "echo shipped")));
    run(&space, &[]).exits(1);
    assert_snapshot!(said(&space, &["skip", "r", "docs", "--as", "ann", "--note", "next time"]), @r#"
    exit status: 0
    --- stderr
    docs: skipped; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ ship
    [TIME] ✔ ship  [TOOK]
    run r completed in [TOOK]: 1 completed, 1 skipped
    "#);
    assert_snapshot!(said(&space, &["why", "docs"]), @r#"
    exit status: 0
    --- stdout
    ↷ docs is skipped
        skipped by ann: next time
        started [AT], ended [AT]
    "#);
}

#[test]
fn a_finished_task_can_neither_be_retried_nor_skipped() {
    let space = project(&script("build", "", "true"));
    run(&space, &[]).exits(0);
    assert_snapshot!(said(&space, &["retry", "build"]), @r#"
    exit status: 2
    --- stderr
    error: the run has ended: it is completed
    "#);
    assert_snapshot!(said(&space, &["skip", "build"]), @r#"
    exit status: 2
    --- stderr
    error: the run has ended: it is completed
    "#);
    assert_snapshot!(said(&space, &["cancel"]), @r#"
    exit status: 2
    --- stderr
    error: the run has ended: it is completed
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r has ended: it is completed
    "#);
}

#[test]
fn a_promised_file_that_is_not_there_fails_its_task() {
    let space = project(&script(
        "build",
        "produces app \"The program\" \"out/app\"",
        "echo nothing to do",
    ));
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ build
    [TIME] · build: it left no `out/app`, its artifact `app`
    [TIME] ✘ build failed: it left no `out/app`, its artifact `app`
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    assert_snapshot!(said(&space, &["why", "build"]), @r#"
    exit status: 0
    --- stdout
    ✘ build has failed
        it left no `out/app`, its artifact `app`
        started [AT], ended [AT]
    "#);
}

#[test]
fn artifacts_are_copied_with_their_folders() {
    let make = script(
        "make",
        "by smith\n  produces site \"The site\" \"out/site\"\n  produces one \"One file\" \"out/one.txt\"",
        "mkdir -p out/site/a\necho x > out/site/a/x\necho 1 > out/one.txt",
    );
    let take = script(
        "take",
        "needs make\n  needs smith.site",
        "cat \"$COORD_ARTIFACT_SITE/a/x\"",
    );
    let space = project(&format!("agent smith \"Smith\"\n{make}{take}"));
    run(&space, &[]).exits(0);
    for (name, text) in [("site/site/a/x", "x\n"), ("one/one.txt", "1\n")] {
        let kept = space.path(".coord-state/artifacts/r/make").join(name);
        assert_eq!(std::fs::read_to_string(kept).unwrap(), text);
    }
    let before = of_task(&space, "make", "outputs");
    // the same files have the same digest in every run
    space.coord(&["run", "--run-id", "again"]).run().exits(0);
    assert_eq!(of_task(&space, "make", "outputs"), before);
}

#[test]
fn fail_fast_starts_nothing_after_a_failure() {
    let both = script("bad", "priority P0", "false") + &script("other", "", "true");
    let space = project(&both);
    assert_snapshot!(timeless(run(&space, &["--fail-fast", "--parallel", "1"])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ bad
    [TIME] · bad: exit status 1
    [TIME] ✘ bad failed: exit status 1
    [TIME] ■ starts nothing more: `bad` failed
    run r failed in [TOOK]: 1 failed, 1 not done
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: failed
    started [AT], took [TOOK]

    ✘ bad   failed      local              [TOOK]      exit status 1
    ⏸ other blocked     local                        the run failed before its turn
    "#);
    let space = project(&format!(
        "project p \"P\" {{\n  on failure stop\n  parallel 1\n}}\n{both}"
    ));
    run(&space, &[]).exits(1);
    assert_eq!(of_task(&space, "other", "attempts"), "0");
    // without it, the rest goes on
    let space = project(&both);
    run(&space, &["--parallel", "1"]).exits(1);
    assert_eq!(of_task(&space, "other", "state"), "COMPLETED");
}

// ---------------------------------------------------------------- gates

#[test]
fn gates_pass_fail_warn_and_try_again() {
    let gates = "gate good { check \"one is one\" run [\"true\"] }
gate bad { check \"there is a file\" exists \"nowhere\" }
gate soft {
  check \"it would be nice\" run [\"sh\", \"-c\", \"echo not nice; exit 3\"]
  on fail warn
}
gate slow {
  check \"it comes later\" run [\"sh\", \"-c\", \"test -e seen || { touch seen; exit 1; }\"]
  on fail retry 2
}
";
    let tasks = script("a", "requires good", "true")
        + &script("b", "needs a\n  ensures soft", "true")
        + &script("c", "needs b\n  requires slow", "true")
        + &script("d", "needs c\n  requires bad", "true");
    let space = project(&format!("{gates}{tasks}"));
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ✓ gate good holds for a
    [TIME] ▶ a
    [TIME] ✔ a  [TOOK]
    [TIME] ▶ b
    [TIME] ! b goes ahead although "it would be nice" does not hold: exit 3: not nice
    [TIME] ✔ b  [TOOK]
    [TIME] ↻ gate slow does not hold for c, and is tried again (round 2)
    [TIME] ✓ gate slow holds for c
    [TIME] ▶ c
    [TIME] ✔ c  [TOOK]
    [TIME] ✘ d failed: gate `bad`: "there is a file" does not hold: `nowhere` is not there
    run r failed in [TOOK]: 3 completed, 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    let space = space.file("nowhere", "");
    fine(&space, &["retry", "d"]);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ✓ gate bad holds for d
    [TIME] ▶ d
    [TIME] ✔ d  [TOOK]
    run r completed in [TOOK]: 4 completed
    "#);
}

// ---------------------------------------------------------------- people

const PEOPLE: &str = "human ann \"Ann\"\nhuman bob \"Bob\"\nhuman eve \"Eve\"\n\ngroup chiefs \"Chiefs\" { members [ann, bob, eve] }\n\n";

#[test]
fn a_person_does_a_task_and_gives_its_outputs() {
    let text = format!(
        "{PEOPLE}task sign \"Sign the paper\" {{\n  by ann\n  do \"Read it\"\n  do \"Sign it\"\n}}\n{}",
        script(
            "post",
            "needs sign",
            "echo \"sent to $COORD_OUTPUT_SIGN_PLACE\""
        )
    );
    let space = project(&text);
    assert_snapshot!(timeless(run(&space, &["--no-wait"])), @r#"
    exit status: 3
    --- stderr
    1 warning; `coord check` shows them
    run r of main.coord
    [TIME] ? ann (item 1: do `sign`)
          coord done 1
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 2 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: paused, waits for people
    started [AT]

    ▶ sign in-progress ann                          waits for ann (item 1: do `sign`)
    ⏸ post blocked     local                        waits for `sign` to be done

    asked of people
      ann (item 1: do `sign`)
        coord done 1

    `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["inbox"]), @r#"
    exit status: 0
    --- stdout
    ann (item 1: do `sign`)
        Sign the paper
        - Read it
        - Sign it
        open since [AT], run r
        coord done 1
    "#);
    assert_snapshot!(said(&space, &["inbox", "--for", "bob"]), @r#"
    exit status: 0
    --- stderr
    nothing is asked of bob
    "#);
    assert_snapshot!(said(&space, &["done", "sign", "--output", "place=Bonn"]), @r#"
    exit status: 0
    --- stderr
    item 1: done; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ post
    [TIME] ✔ post  [TOOK]
    run r completed in [TOOK]: 2 completed
    "#);
    assert_eq!(fine(&space, &["logs", "post"]).stdout, "sent to Bonn\n");
}

#[test]
fn an_approval_needs_distinct_people_other_than_the_doer() {
    let text = format!("{PEOPLE}task deed \"The deed\" {{\n  by ann\n  approve 2 of chiefs\n}}\n");
    let space = project(&text);
    run(&space, &["--no-wait"]).exits(3);
    fine(&space, &["done", "deed"]);
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 3
    --- stderr
    run r of main.coord goes on
      ? ann, bob, eve (item 2: approve `deed`)
          coord approve 2 or coord reject 2 --note …
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "ann"]), @r#"
    exit status: 2
    --- stderr
    error: ann does `deed` and may not approve it
    "#);
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "mallory"]), @r#"
    exit status: 2
    --- stderr
    error: item 2 is not for mallory, but for ann, bob, eve
    "#);
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "bob"]), @r#"
    exit status: 0
    --- stderr
    item 2: approved; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "bob"]), @r#"
    exit status: 2
    --- stderr
    error: bob has already answered item 2
    "#);
    assert_snapshot!(said(&space, &["inbox"]), @r"
    exit status: 0
    --- stdout
    ann, bob, eve (item 2: approve `deed`)
        The deed
        a yes is for 595c67e9c09e0a09:
          command: as in its brief
          folder: .
          agent: ann
          generation: 0
          attempt: 1
        1 of 2 have agreed
        open since [AT], run r
        coord approve 2 or coord reject 2 --note …
    ");
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "eve"]), @r#"
    exit status: 0
    --- stderr
    item 2: approved; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["approve", "2", "--as", "eve"]), @r#"
    exit status: 2
    --- stderr
    error: item 2 is already answered by eve
    "#);
    assert_snapshot!(said(&space, &["approve", "deed", "--as", "eve"]), @r#"
    exit status: 2
    --- stderr
    error: nothing is asked about `deed` in run `r`
      help: no item is open
    "#);
    assert_snapshot!(said(&space, &["approve", "78", "--as", "eve"]), @r#"
    exit status: 2
    --- stderr
    error: there is no item 78 in run `r`
      help: no item is open
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    run r completed in [TOOK]: 1 completed
    "#);
}

#[test]
fn a_no_sends_the_task_back_with_the_reason() {
    let text = format!(
        "{PEOPLE}{}",
        script(
            "draft",
            "approve by bob",
            "echo \"attempt $COORD_ATTEMPT\"\ngrep -A9 'Changes asked for' \"$COORD_BRIEF\" || true"
        )
    );
    let space = project(&text.replace("task draft", "task draft \"Draft\""));
    run(&space, &["--no-wait"]).exits(3);
    assert_snapshot!(said(&space, &["reject", "draft", "--as", "bob", "--note", "too long"]), @r#"
    exit status: 0
    --- stderr
    item 1: rejected; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 3
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ draft (attempt 2)
    [TIME] ? bob (item 2: approve `draft`)
          coord approve 2 or coord reject 2 --note …
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["logs", "draft"]), @r#"
    exit status: 0
    --- stdout
    attempt 2
      grep -A9 'Changes asked for' "$COORD_BRIEF" || true

    ## Changes asked for

    - bob: too long

    ## It is approved by

    - bob

    ## Time
    "#);
    fine(&space, &["approve", "draft", "--as", "bob"]);
    fine(&space, &["resume"]);
}

#[test]
fn an_approval_that_does_not_come_in_time_has_its_end() {
    let text = format!(
        "{PEOPLE}{}",
        script("late", "approve by bob within 200ms else fail", "true")
    );
    let space = project(&text);
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    1 warning; `coord check` shows them
    run r of main.coord
    [TIME] ▶ late
    [TIME] ? bob (item 1: approve `late`)
          coord approve 1 or coord reject 1 --note …
    [TIME] ! nobody answered item 1 in time: it fails
    [TIME] ✘ late failed: nobody approved it in time
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    let text = format!(
        "{PEOPLE}{}",
        script("late", "approve by bob within 200ms else proceed", "true")
    );
    run(&project(&text), &[]).exits(0);
}

#[test]
fn a_sync_waits_for_what_it_requires() {
    let text = format!(
        "{PEOPLE}phase one \"One\" {{\n  {}\n  sync gather \"Gather\" {{\n    participants [bob]\n    require \"all is written\" by bob\n  }}\n}}\nphase two \"Two\" {{\n  {}\n}}\n",
        script("a", "", "true").replace('\n', "\n  "),
        script("b", "", "true").replace('\n', "\n  ")
    );
    let space = project(&text);
    assert_snapshot!(timeless(run(&space, &["--no-wait"])), @r#"
    exit status: 3
    --- stderr
    2 warnings; `coord check` shows them
    run r of main.coord
    [TIME] ─ One opens
    [TIME] ▶ a
    [TIME] ✔ a  [TOOK]
    [TIME] ? bob (item 1: confirm "all is written" for `gather`)
          coord approve 1 or coord reject 1 --note …
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 completed, 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["why", "b"]), @r#"
    exit status: 0
    --- stdout
    ⏸ b is blocked
        waits for `gather` to be done
        the run is paused; `coord resume` goes on
      ◎ gather is in review
          waits for bob (item 1: confirm "all is written" for `gather`)
    "#);
    assert_snapshot!(said(&space, &["done", "gather"]), @r#"
    exit status: 0
    --- stderr
    item 1: done; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ─ Two opens
    [TIME] ▶ b
    [TIME] ✔ b  [TOOK]
    run r completed in [TOOK]: 2 completed
    "#);
}

#[test]
fn an_answer_reaches_a_live_run() {
    let text = format!(
        "{PEOPLE}{}{}",
        script("ask", "approve by bob", "true"),
        script("after", "needs ask", "true")
    );
    let space = project(&text);
    let live = start(&space, &[]);
    until("the item", || {
        fine_json(&space, &["inbox", "--format", "json"])
            .as_array()
            .filter(|a| !a.is_empty())
            .cloned()
    });
    assert_snapshot!(said(&space, &["approve", "ask", "--as", "bob"]), @r#"
    exit status: 0
    --- stderr
    item 1: approved
    "#);
    let ran = live.wait().exits(0);
    assert!(ran.stderr.contains("approved by bob"), "{ran}");
}

#[test]
fn the_last_answer_of_a_live_run_is_confirmed() {
    // the answer ends the run, and the process with it
    for _ in 0..10 {
        let space = project(&format!(
            "{PEOPLE}{}",
            script("ask", "approve by bob", "true")
        ));
        let live = start(&space, &[]);
        until("the item", || {
            fine_json(&space, &["inbox", "--format", "json"])
                .as_array()
                .filter(|a| !a.is_empty())
                .cloned()
        });
        fine(&space, &["approve", "ask", "--as", "bob"]);
        live.wait().exits(0);
    }
}

#[track_caller]
fn fine_json(space: &Space, args: &[&str]) -> Value {
    match space.coord(args).run() {
        Ran { stdout, .. } if !stdout.is_empty() => serde_json::from_str(&stdout).unwrap(),
        // the run is not there yet
        _ => Value::Null,
    }
}

// ---------------------------------------------------------------- the end by order

#[test]
fn a_live_run_is_cancelled() {
    let space = project(
        &(script("long", "", "echo on > on\nexec sleep 60")
            + &script("next", "needs long", "true")),
    );
    let live = start(&space, &[]);
    until_file(&space, "on");
    assert_snapshot!(said(&space, &["cancel", "--as", "ann", "--note", "not needed"]), @r#"
    exit status: 0
    --- stderr
    run r is being cancelled
    "#);
    assert_snapshot!(timeless(live.wait()), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ long
    [TIME] ■ cancelled by ann: not needed
    [TIME] · long is being ended
    [TIME] ⊘ long cancelled
    run r cancelled in [TOOK]: 2 cancelled
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: cancelled
    started [AT], took [TOOK]

    ⊘ long cancelled   local              [TOOK]
    ⊘ next cancelled   local
    "#);
}

#[test]
fn a_stopped_run_is_cancelled() {
    let space = project(&format!("{PEOPLE}task sign \"Sign\" {{ by ann }}\n"));
    run(&space, &["--no-wait"]).exits(3);
    assert_snapshot!(said(&space, &["cancel"]), @r#"
    exit status: 0
    --- stderr
    run r is cancelled
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 1
    --- stderr
    run r has ended: it is cancelled
    "#);
    assert_snapshot!(said(&space, &["inbox"]), @r#"
    exit status: 0
    --- stderr
    nobody is asked anything
    "#);
}

// ---------------------------------------------------------------- capacity

/// The most intervals of `name begin|end` lines that are open at once.
fn most_at_once(witness: &str) -> usize {
    let (mut open, mut most) = (BTreeSet::new(), 0);
    for line in witness.lines() {
        match line.split_once(' ') {
            Some((name, "begin")) => assert!(open.insert(name.to_string()), "{line}"),
            Some((name, "end")) => assert!(open.remove(name), "{line}"),
            other => panic!("{other:?}"),
        }
        most = most.max(open.len());
    }
    most
}

/// Tasks that write down when they are at work.
fn at_work(count: usize, fields: &str) -> String {
    (0..count)
        .map(|i| {
            script(
                &format!("t{i}"),
                fields,
                "echo $COORD_TASK begin >> witness\nsleep 0.05\necho $COORD_TASK end >> witness",
            )
        })
        .collect()
}

#[test]
fn resources_claims_and_parallel_are_never_oversubscribed() {
    let cases = [
        (
            format!(
                "resource gpu \"Cards\" {{ capacity 3 }}\n{}",
                at_work(12, "uses gpu")
            ),
            "8",
            3,
        ),
        (
            format!(
                "resource gpu \"Cards\" {{ capacity 3 }}\n{}",
                at_work(8, "uses gpu 2")
            ),
            "8",
            1,
        ),
        (at_work(8, "writes \"same/*.txt\""), "8", 1),
        (at_work(8, ""), "2", 2),
        (at_work(6, ""), "1", 1),
    ];
    for (text, parallel, most) in cases {
        let space = project(&text);
        run(&space, &["--parallel", parallel]).exits(0);
        let witness = std::fs::read_to_string(space.path("witness")).unwrap();
        assert_eq!(most_at_once(&witness), most, "{text}\n{witness}");
    }
}

#[test]
fn nothing_runs_with_no_slots() {
    let space = project(&script("t", "", "true"));
    assert_snapshot!(said(&space, &["run", "--parallel", "0"]), @r#"
    exit status: 2
    --- stderr
    error: `--parallel 0` lets nothing run
      help: give at least 1
    "#);
    assert_snapshot!(said(&space, &["runs"]), @r#"
    exit status: 2
    --- stderr
    error: there are no runs in `[SPACE]/.coord-state`: there is no such folder
      help: start one with `coord run`
    "#);
}

// ---------------------------------------------------------------- before and beside

#[test]
fn a_dry_run_shows_the_order_and_does_nothing() {
    let space = Space::new();
    fine(&space, &["init", "."]);
    assert_snapshot!(said(&space, &["run", "--dry-run"]), @r#"
    exit status: 0
    --- stdout
    docs  (builder)  sh -c mkdir -p out && echo 'what is new' > out/notes.txt
    build  (builder)  sh: mkdir -p out
    unit-tests  (builder)  grep built by out/app.txt
    publish  (publisher)  sh: mkdir -p published
    "#);
    assert!(!space.path(".coord-state").exists() && !space.path("out").exists());
}

#[test]
fn progress_as_json_is_the_journal_in_order() {
    let space =
        project(&(script("a", "", "echo k=v >> $COORD_OUTPUTS") + &script("b", "needs a", "true")));
    let ran = run(&space, &["--progress", "json"]).exits(0);
    assert_eq!(
        ran.stderr,
        "run r of main.coord\nrun r completed in [TOOK]: 2 completed\n"
            .replace("[TOOK]", took(&ran)),
        "{ran}"
    );
    let seen = lines(&ran.stdout);
    assert_eq!(seen, events(&space));
    let seqs: Vec<i64> = seen.iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    for event in &seen {
        assert!(
            event["at"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
        assert_eq!(event["run"], "r");
        assert!(event["kind"].as_str().unwrap().contains('.'));
        assert!(
            event.get("node").is_none(),
            "a number of the inside: {event}"
        );
    }
    let kinds: Vec<&str> = seen.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_snapshot!(kinds.join("\n"), @r#"
    run.started
    task.assigned
    task.started
    task.spawned
    task.exited
    task.completed
    task.assigned
    task.started
    task.spawned
    task.exited
    task.completed
    run.completed
    "#);
}

fn took(ran: &Ran) -> &str {
    ran.stderr
        .split(" in ")
        .nth(1)
        .and_then(|t| t.split(':').next())
        .unwrap_or("")
}

#[test]
fn status_as_json_has_its_documented_shape() {
    let space = project(&format!(
        "{PEOPLE}{}task sign \"Sign\" {{\n  by ann\n  needs a\n}}\n",
        script("a", "", "echo k=v >> $COORD_OUTPUTS")
    ));
    run(&space, &["--no-wait"]).exits(3);
    let mut status = status(&space);
    for path in [
        "/started_at",
        "/tasks/0/started_at",
        "/tasks/0/finished_at",
        "/tasks/1/started_at",
        "/items/0/opened_at",
    ] {
        let at = status.pointer_mut(path).unwrap_or_else(|| panic!("{path}"));
        assert!(
            at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(),
            "{path}"
        );
        *at = "[AT]".into();
    }
    assert_snapshot!(format!("{status:#}"), @r#"
    {
      "schema": "coord.status/1",
      "run": "r",
      "file": "main.coord",
      "state": "paused",
      "mode": "normal",
      "started_at": "[AT]",
      "finished_at": null,
      "tasks": [
        {
          "id": "a",
          "title": null,
          "state": "COMPLETED",
          "agent": "local",
          "attempts": 1,
          "started_at": "[AT]",
          "finished_at": "[AT]",
          "reason": "",
          "outputs": {
            "k": "v"
          }
        },
        {
          "id": "sign",
          "title": "Sign",
          "state": "IN_PROGRESS",
          "agent": "ann",
          "attempts": 1,
          "started_at": "[AT]",
          "finished_at": null,
          "reason": "waits for ann (item 1: do `sign`)",
          "outputs": {}
        }
      ],
      "barriers": [],
      "items": [
        {
          "run": "r",
          "item": 1,
          "kind": "work",
          "task": "sign",
          "question": "do `sign`",
          "situation": null,
          "answer_with": "coord done 1",
          "for": [
            "ann"
          ],
          "quorum": 1,
          "subject": null,
          "changed": [],
          "answers": [],
          "opened_at": "[AT]",
          "due_at": null
        }
      ],
      "situations": [],
      "agents": [
        {
          "id": "local",
          "state": "well",
          "since": null,
          "at_work": 0
        },
        {
          "id": "ann",
          "state": "well",
          "since": null,
          "at_work": 1
        },
        {
          "id": "bob",
          "state": "well",
          "since": null,
          "at_work": 0
        },
        {
          "id": "eve",
          "state": "well",
          "since": null,
          "at_work": 0
        }
      ],
      "workflows": [],
      "halted": [],
      "exhausted": [],
      "budgets": [],
      "undo": null
    }
    "#);
}

#[test]
fn the_environment_of_a_task_is_what_is_promised() {
    let text = format!(
        "{PEOPLE}agent smith \"Smith\" {{ env CRAFT \"iron\" }}\n{}",
        script(
            "show",
            "by smith\n  env MODE \"fast\"\n  produces log-file \"Log\" \"log.txt\"",
            "env > log.txt\necho size=3 >> $COORD_OUTPUTS"
        ) + &script("next", "needs [show, smith.log-file]", "env | sort")
    );
    let space = project(&text);
    let ran = space
        .coord(&["run", "--run-id", "r"])
        .env("FOO_TOKEN", "hunter2")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2")
        .env("LC_TIME", "C")
        .run();
    ran.exits(0);
    let shown = std::fs::read_to_string(space.path("log.txt")).unwrap()
        + &fine(&space, &["logs", "next"]).stdout;
    assert!(!shown.contains("hunter2"), "{shown}");
    let tidy = |text: &str| {
        let text = text.replace(
            space.path("").to_str().unwrap().trim_end_matches('/'),
            "[SPACE]",
        );
        // the shell's own, and where this machine has its programs
        let of_shell = |line: &&str| {
            ["PATH=", "_=", "SHLVL=", "OLDPWD="]
                .iter()
                .any(|name| line.starts_with(name))
        };
        let mut lines: Vec<String> = text
            .lines()
            .filter(|l| !of_shell(l))
            .map(hide_hex)
            .collect();
        lines.sort();
        lines.join("\n")
    };
    assert_snapshot!(tidy(&std::fs::read_to_string(space.path("log.txt")).unwrap()), @r#"
    COORD_AGENT=smith
    COORD_ATTEMPT=1
    COORD_BRIEF=[SPACE]/.coord-state/logs/r/show.1.brief.md
    COORD_HOME=[SPACE]/.coord-state
    COORD_IDEMPOTENCY_KEY=[HEX]
    COORD_OUTPUTS=[SPACE]/.coord-state/logs/r/show.1.outputs
    COORD_RUN=r
    COORD_RUN_UID=[HEX]
    COORD_TASK=show
    CRAFT=iron
    HOME=[SPACE]
    LANG=C.UTF-8
    LC_TIME=C
    MODE=fast
    PWD=[SPACE]
    TERM=dumb
    TZ=UTC
    "#);
    assert_snapshot!(tidy(&fine(&space, &["logs", "next"]).stdout), @r#"
    COORD_AGENT=local
    COORD_ARTIFACT_LOG_FILE=[SPACE]/log.txt
    COORD_ATTEMPT=1
    COORD_BRIEF=[SPACE]/.coord-state/logs/r/next.1.brief.md
    COORD_HOME=[SPACE]/.coord-state
    COORD_IDEMPOTENCY_KEY=[HEX]
    COORD_OUTPUTS=[SPACE]/.coord-state/logs/r/next.1.outputs
    COORD_OUTPUT_SHOW_ARTIFACTS_LOG_FILE=log.txt blake3:[DIGEST]
    COORD_OUTPUT_SHOW_SIZE=3
    COORD_RUN=r
    COORD_RUN_UID=[HEX]
    COORD_TASK=next
    HOME=[SPACE]
    LANG=C.UTF-8
    LC_TIME=C
    PWD=[SPACE]
    TERM=dumb
    TZ=UTC
    "#);
}

fn hide_hex(line: &str) -> String {
    match line.split_once('=') {
        Some((name, value))
            if value.len() == 32 && value.chars().all(|c| c.is_ascii_hexdigit()) =>
        {
            format!("{name}=[HEX]")
        }
        Some((name, value)) if value.contains("blake3:") => format!("{name}={}", timeless(value)),
        _ => line.to_string(),
    }
}

// ---------------------------------------------------------------- logs

#[test]
fn logs_of_all_tasks_are_told_apart() {
    let space = project(
        &(script("a", "", "echo one; printf two")
            + &script("b", "needs a", "echo three >&2")
            + &script("c", "needs b", "true")),
    );
    run(&space, &[]).exits(0);
    assert_snapshot!(said(&space, &["logs"]), @r#"
    exit status: 0
    --- stdout
    ── a
    one
    two
    ── b
    three
    "#);
    assert_snapshot!(said(&space, &["logs", "r", "c"]), @r#"
    exit status: 0
    --- stderr
    nothing was printed
    "#);
    assert_snapshot!(said(&space, &["logs", "r", "nobody"]), @r#"
    exit status: 2
    --- stderr
    error: run `r` has no task `nobody`
      help: `coord status r` lists them
    "#);
    assert_snapshot!(said(&space, &["logs", "nobody"]), @r#"
    exit status: 2
    --- stderr
    error: there is no run `nobody`
      help: `coord runs` lists them
    "#);
}

#[test]
fn logs_are_followed_to_the_end_however_long() {
    let space = project(&script(
        "much",
        "",
        "echo on > on\nuntil test -e go; do sleep 0.01; done\nseq 1 200000",
    ));
    let live = start(&space, &[]);
    until_file(&space, "on");
    let follower = space.coord(&["logs", "r", "much", "-f"]).start();
    let of_events = space.coord(&["logs", "r", "--events", "-f"]).start();
    std::fs::write(space.path("go"), "").unwrap();
    live.wait().exits(0);
    let followed = follower.wait().exits(0).stdout;
    assert_eq!(followed.lines().count(), 200_000);
    assert!(followed.ends_with("\n200000\n"));
    assert_eq!(lines(&of_events.wait().exits(0).stdout), events(&space));
}
