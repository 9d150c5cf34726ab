//! `isolate worktree`: work that is done apart, held against its claims, and landed in order.

use crate::live::{events, fine, of_task, run, start, status, timeless, until, until_file};
use crate::space::{Space, Started};
use crate::totality::Dice;
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A call of git in the space, with nothing of this machine's configuration.
#[track_caller]
pub(crate) fn git(space: &Space, args: &[&str]) -> String {
    git_in(&space.path("."), args)
}

#[track_caller]
pub(crate) fn git_in(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "you")
        .env("GIT_AUTHOR_EMAIL", "you@example.org")
        .env("GIT_COMMITTER_NAME", "you")
        .env("GIT_COMMITTER_EMAIL", "you@example.org")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_string()
}

/// A project in a repository of its own, with everything committed.
pub(crate) fn repository(space: Space) -> Space {
    let space = space.file(".gitignore", ".coord-state/\n*.log\nout/\n");
    git(&space, &["init", "-q", "-b", "main"]);
    git(&space, &["add", "-A"]);
    git(&space, &["commit", "-q", "-m", "begin"]);
    space
}

/// Agents `ann`, who owns `a/`, and `bea`, who owns `b/`.
pub(crate) const AGENTS: &str = "agent ann { owns \"a/**\" }\nagent bea { owns \"b/**\" }\n";

pub(crate) fn task(name: &str, by: &str, more: &str, text: &str) -> String {
    let text = text.replace('\n', "\n    ");
    format!(
        "task {name} {{\n  by {by}\n  isolate worktree\n  timeout 60s\n  {more}\n  run ```sh\n    {text}\n  ```\n}}\n"
    )
}

fn team(tasks: &[String]) -> Space {
    let text = format!("edition 2026\n\n{AGENTS}{}", tasks.concat());
    let space = Space::new().file("main.coord", text);
    let space = space.file("a/one.txt", "one\ntwo\nthree\n");
    repository(space.file("b/two.txt", "alpha\n").file("shared.txt", "s\n"))
}

fn log(space: &Space) -> String {
    git(space, &["log", "--format=%an <%ae>: %s", "main"])
}

/// Nothing of the run is left among branches and worktrees, nor anything of his own lost.
#[track_caller]
pub(crate) fn nothing_is_left(space: &Space) {
    let branches = git(
        space,
        &["for-each-ref", "--format=%(refname)", "refs/heads/coord"],
    );
    assert_eq!(branches, "");
    let worktrees = git(space, &["worktree", "list", "--porcelain"]);
    assert_eq!(worktrees.matches("worktree ").count(), 1, "{worktrees}");
    let folder = space.path(".coord-state/worktrees/r");
    let left = std::fs::read_dir(folder).map_or(0, |entries| entries.count());
    assert_eq!(left, 0);
    assert_eq!(git(space, &["status", "--porcelain"]), "");
}

#[test]
fn work_is_done_apart_and_lands_under_its_agents_name() {
    let space = team(&[
        task("left", "ann", "", "echo four >> a/one.txt\npwd > a/where"),
        task("right", "bea", "needs left", "cat a/one.txt > b/copy.txt"),
    ]);
    run(&space, &[]).exits(0);
    assert_snapshot!(log(&space), @r"
    bea <bea@coord.invalid>: right
    ann <ann@coord.invalid>: left
    you <you@example.org>: begin
    ");
    let copy = std::fs::read_to_string(space.path("b/copy.txt")).unwrap();
    assert_eq!(copy, "one\ntwo\nthree\nfour\n");
    let place = std::fs::read_to_string(space.path("a/where")).unwrap();
    assert!(
        place
            .trim_end()
            .ends_with(".coord-state/worktrees/r/left.1"),
        "{place}"
    );
    let body = git(&space, &["log", "-1", "--format=%b", "main"]);
    assert_snapshot!(body, @r"
    Coord-Run: r
    Coord-Task: right
    Coord-Attempt: r/right.1
    ");
    nothing_is_left(&space);
}

#[test]
fn without_a_repository_nothing_starts() {
    let text = format!(
        "edition 2026\n\n{AGENTS}{}",
        task("left", "ann", "", "touch a/x")
    );
    let space = Space::new().file("main.coord", text);
    let ran = run(&space, &[]).exits(4);
    let none = ran.stderr;
    git(&space, &["init", "-q"]);
    let empty = run(&space, &[]).exits(4).stderr;
    assert_snapshot!(format!("{none}---\n{empty}"));
}

#[test]
fn what_is_written_outside_of_claims_never_lands() {
    let space = team(&[task(
        "left",
        "ann",
        "",
        "echo x >> a/one.txt; echo x > b/three.txt",
    )]);
    let ran = run(&space, &[]).exits(1);
    assert_snapshot!(timeless(&ran.stderr));
    let patch = space.path(".coord-state/patches/r/left.1.patch");
    assert!(
        std::fs::read_to_string(patch)
            .unwrap()
            .contains("b/three.txt")
    );
    assert_eq!(log(&space), "you <you@example.org>: begin");
    nothing_is_left(&space);
}

// ---------------------------------------------------------------- landing

/// Both own `s/` together.
const TOGETHER: &str = "agent ann { owns \"s/**\" shared }\nagent bea { owns \"s/**\" shared }\n";

fn together(tasks: &[String]) -> Space {
    let text = format!("edition 2026\n\n{TOGETHER}{}", tasks.concat());
    let space = Space::new().file("main.coord", text);
    repository(space.file("s/x.txt", "begin\n"))
}

/// Waits in a script until a file of that name is in the home.
fn wait_for(name: &str) -> String {
    format!("until [ -e \"$COORD_HOME/{name}\" ]; do sleep 0.02; done\n")
}

fn mark(name: &str) -> String {
    format!("echo > \"$COORD_HOME/{name}\"\n")
}

#[test]
fn a_clash_goes_back_to_its_owner_with_both_sides() {
    let left = format!("{}echo left > s/x.txt", mark("left") + &wait_for("right"));
    let right = format!(
        "if [ $COORD_ATTEMPT = 1 ]; then\n  {}{}  echo right > s/x.txt\nelse\n  cp \"$COORD_BRIEF\" \"$COORD_HOME/brief\"\n  echo right >> s/x.txt\nfi",
        mark("right"),
        wait_for("left")
    );
    // the right one lands after the left one
    let right = right.replace(
        "  echo right > s",
        &format!("  {}  echo right > s", wait_for("landed")),
    );
    let after = task("after", "ann", "needs left", &(mark("landed")));
    let space = together(&[
        task("left", "ann", "", &left),
        task("right", "bea", "", &right),
        after,
    ]);
    run(&space, &["--parallel", "4"]).exits(0);
    let text = std::fs::read_to_string(space.path("s/x.txt")).unwrap();
    assert_eq!(text, "left\nright\n");
    assert_eq!(of_task(&space, "right", "attempts"), "2");
    let brief = std::fs::read_to_string(space.path(".coord-state/brief")).unwrap();
    let asked = brief.split("## Changes asked for").nth(1).unwrap();
    let asked = asked.split("\n## ").next().unwrap();
    let asked: Vec<&str> = asked.lines().map(|l| l.trim_end()).collect();
    let asked = asked.join("\n");
    let hashless = |line: &str| match line.trim_start() {
        l if l.starts_with("<<<<<<<") => "    <<<<<<< [LANDED]".to_string(),
        l if l.starts_with(">>>>>>>") => "    >>>>>>> [YOURS]".to_string(),
        _ => line.to_string(),
    };
    let asked: Vec<String> = asked.lines().map(hashless).collect();
    assert_snapshot!(asked.join("\n"));
    nothing_is_left(&space);
}

#[test]
fn what_fails_only_together_is_turned_back_and_the_others_land() {
    let gate = "gate fits { check \"a and b do not meet\" run [\"sh\", \"-c\", \"! { test -e a/x && test -e b/x; }\"] }\n";
    let first = |name: &str, by: &str, file: &str| {
        let other = format!(
            "if [ $COORD_ATTEMPT = 1 ]; then echo > {file}/x; else rm {file}/x; echo > {file}/y; fi"
        );
        task(name, by, "ensures fits", &other)
    };
    let plain = |name: &str, by: &str, file: &str| {
        task(name, by, "ensures fits", &format!("echo > {file}/{name}"))
    };
    let space = team(&[
        gate.replace("{ check", "{\n  check").replace("] }", "]\n}"),
        plain("p1", "ann", "a").replace("isolate worktree", "isolate worktree\n  writes \"a/p1\""),
        first("left", "ann", "a")
            .replace("isolate worktree", "isolate worktree\n  writes \"a/[xy]\""),
        first("right", "bea", "b")
            .replace("isolate worktree", "isolate worktree\n  writes \"b/[xy]\""),
        plain("p2", "bea", "b").replace("isolate worktree", "isolate worktree\n  writes \"b/p2\""),
    ]);
    run(&space, &["--parallel", "4"]).exits(0);
    let there = |path: &str| space.path(path).exists();
    assert!(there("a/p1") && there("b/p2"));
    let ways = [there("a/x") && there("b/y"), there("a/y") && there("b/x")];
    assert!(
        ways.iter().any(|way| *way),
        "{}",
        git(&space, &["ls-files"])
    );
    assert!(
        events(&space)
            .iter()
            .any(|e| e["kind"] == "task.not-landed")
    );
    nothing_is_left(&space);
}

#[test]
fn what_the_user_has_not_committed_is_never_lost() {
    // elsewhere, it is no obstacle
    let left = || task("left", "ann", "", "echo four >> a/one.txt");
    let space = team(&[left()]);
    std::fs::write(space.path("b/two.txt"), "mine\n").unwrap();
    run(&space, &[]).exits(0);
    let text = |path: &str| std::fs::read_to_string(space.path(path)).unwrap();
    assert_eq!(
        (text("a/one.txt").as_str(), text("b/two.txt").as_str()),
        ("one\ntwo\nthree\nfour\n", "mine\n")
    );
    assert_eq!(git(&space, &["status", "--porcelain"]), " M b/two.txt");
    // in the same place, what has landed waits on a branch
    let space = team(&[left()]);
    std::fs::write(space.path("a/one.txt"), "mine\n").unwrap();
    let ran = run(&space, &[]).exits(0);
    let told = "what has landed is on `coord/r/landed` alone: the files of `main` stay as they are";
    assert!(ran.stderr.contains(told), "{ran}");
    let mine = std::fs::read_to_string(space.path("a/one.txt")).unwrap();
    assert_eq!(mine, "mine\n");
    let waits = git(&space, &["show", "coord/r/landed:a/one.txt"]);
    assert_eq!(waits, "one\ntwo\nthree\nfour");
}

#[test]
fn what_the_user_commits_meanwhile_is_taken_up() {
    let left = mark("began") + &wait_for("go") + "echo four >> a/one.txt";
    let after = task("after", "bea", "needs left", "cp b/two.txt b/seen.txt");
    let space = team(&[task("left", "ann", "", &left), after]);
    let live = start(&space, &[]);
    until_file(&space, ".coord-state/began");
    std::fs::write(space.path("b/two.txt"), "beta\n").unwrap();
    git(&space, &["commit", "-q", "-a", "-m", "meanwhile"]);
    std::fs::write(space.path(".coord-state/go"), "").unwrap();
    live.wait().exits(0);
    assert_snapshot!(log(&space));
    assert_eq!(
        std::fs::read_to_string(space.path("b/seen.txt")).unwrap(),
        "beta\n"
    );
    nothing_is_left(&space);
}

#[test]
fn no_land_keeps_the_branches_and_leaves_the_users_alone() {
    let space = team(&[
        task("left", "ann", "", "echo four >> a/one.txt"),
        task("right", "bea", "needs left", "cp a/one.txt b/copy.txt"),
    ]);
    let ran = run(&space, &["--no-land"]).exits(0);
    assert!(
        ran.stderr
            .contains("what has landed is on `coord/r/landed`"),
        "{ran}"
    );
    assert_eq!(log(&space), "you <you@example.org>: begin");
    let branches = git(
        &space,
        &[
            "for-each-ref",
            "--format=%(refname:short)",
            "refs/heads/coord",
        ],
    );
    assert_eq!(branches, "coord/r/landed\ncoord/r/left.1\ncoord/r/right.1");
    let copy = git(&space, &["show", "coord/r/landed:b/copy.txt"]);
    assert!(copy.ends_with("four"));
}

#[test]
fn reviewers_see_what_was_done_and_what_they_want_changed_is_done_on_top() {
    let work =
        "if [ $COORD_ATTEMPT = 1 ]; then echo four >> a/one.txt; else echo five >> a/one.txt; fi";
    let human = "human eve \"Eve\"\n".to_string();
    let space = team(&[human, task("left", "ann", "approve by eve", work)]);
    run(&space, &["--no-wait"]).exits(3);
    let place = space.path(".coord-state/worktrees/r/left.1/a/one.txt");
    assert!(std::fs::read_to_string(place).unwrap().ends_with("four\n"));
    fine(
        &space,
        &["reject", "1", "--as", "eve", "--note", "one more"],
    );
    space.coord(&["resume", "--no-wait"]).run().exits(3);
    fine(&space, &["approve", "2", "--as", "eve"]);
    fine(&space, &["resume"]);
    let text = std::fs::read_to_string(space.path("a/one.txt")).unwrap();
    assert_eq!(text, "one\ntwo\nthree\nfour\nfive\n");
    nothing_is_left(&space);
}

#[test]
fn a_person_works_apart_too() {
    let chore = "task left \"Write it\" {\n  by eve\n  isolate worktree\n  writes \"n/**\"\n}\n";
    let space = team(&[
        "human eve \"Eve\" {\n  contact \"eve@example.org\"\n}\n".into(),
        chore.into(),
    ]);
    run(&space, &["--no-wait"]).exits(3);
    let place = space.path(".coord-state/worktrees/r/left.1");
    std::fs::create_dir(place.join("n")).unwrap();
    std::fs::write(place.join("n/new.txt"), "by hand\n").unwrap();
    fine(&space, &["done", "1", "--as", "eve"]);
    fine(&space, &["resume"]);
    assert_eq!(
        git(&space, &["log", "-1", "--format=%an <%ae> %s", "main"]),
        "eve <eve@example.org> Write it"
    );
    nothing_is_left(&space);
}

#[test]
fn who_lost_his_work_to_another_lands_nothing() {
    let work = "if [ $COORD_AGENT = ann ]; then\n  trap '' TERM\n  echo zombie >> s/x.txt\n  git commit -q -a -m zombie\n  echo > \"$COORD_HOME/began\"\n  sleep 60\nfi\necho fine >> s/x.txt";
    let space = together(&[task("left", "any of [ann, bea]", "", work)]);
    let live = start(&space, &[]);
    until_file(&space, ".coord-state/began");
    fine(&space, &["reassign", "r", "left", "--to", "bea"]);
    live.wait().exits(0);
    assert_eq!(git(&space, &["log", "-1", "--format=%an", "main"]), "bea");
    assert_eq!(
        std::fs::read_to_string(space.path("s/x.txt")).unwrap(),
        "begin\nfine\n"
    );
    nothing_is_left(&space);
}

// ---------------------------------------------------------------- crashes

/// `kill -9`.
fn crash(live: Started<'_>) {
    let _gone = kill_process(Pid::from_raw(live.pid() as i32).unwrap(), Signal::KILL);
    assert!(live.wait().status.code().is_none());
}

#[test]
fn a_landing_that_a_crash_cut_off_is_finished_once() {
    // the gate holds the landing up, where it is tried
    let wait = "case $PWD in */landing) echo > $COORD_HOME/trying; until [ -e $COORD_HOME/go ]; do sleep 0.02; done;; esac";
    let gate = format!("gate fits {{\n  check \"it fits\" run [\"sh\", \"-c\", \"{wait}\"]\n}}\n")
        .replace("$COORD_HOME", "$HOME");
    for landed in [false, true] {
        let left = task("left", "ann", "ensures fits", "echo four >> a/one.txt");
        let space = team(&[gate.clone(), left]);
        let live = start(&space, &[]);
        // HOME is the space
        until_file(&space, "trying");
        crash(live);
        if landed {
            // as if it had come one step further
            git(
                &space,
                &[
                    "update-ref",
                    "refs/heads/coord/r/landed",
                    "refs/heads/coord/r/left.1",
                ],
            );
        }
        std::fs::write(space.path("go"), "").unwrap();
        fine(&space, &["resume"]);
        let log = git(&space, &["log", "--format=%an %s", "main"]);
        assert_eq!(log, "ann left\nyou begin");
        for name in ["go", "trying"] {
            std::fs::remove_file(space.path(name)).unwrap();
        }
        nothing_is_left(&space);
    }
}

#[test]
fn what_a_crash_after_the_last_event_left_is_taken_away() {
    let space = team(&[task("left", "ann", "", "echo four >> a/one.txt")]);
    run(&space, &[]).exits(0);
    // as if it had come no further than to write down that the run is complete
    let place = space.path(".coord-state/worktrees/r/left.1");
    let place = place.to_str().unwrap();
    git(&space, &["branch", "coord/r/landed"]);
    git(
        &space,
        &["worktree", "add", "-q", "-b", "coord/r/left.1", place],
    );
    fine(&space, &["resume", "r"]);
    nothing_is_left(&space);
}

const KILLS: usize = 12;

#[test]
fn after_any_crash_everything_lands_once_and_nothing_is_left() {
    let mut dice = Dice::new(20_261_125);
    let agents: String = (0..8)
        .map(|n| format!("agent a{n} {{ owns \"w{n}/**\" }}\n"))
        .collect();
    let tasks = (0..8).map(|n| {
        let needs = if n > 3 {
            format!("needs t{}\n  idempotent", n - 4)
        } else {
            "idempotent".into()
        };
        task(
            &format!("t{n}"),
            &format!("a{n}"),
            &needs,
            &format!("mkdir -p w{n}\necho $COORD_ATTEMPT > w{n}/file"),
        )
    });
    let text = format!("edition 2026\n\n{agents}{}", tasks.collect::<String>());
    let space = repository(Space::new().file("main.coord", text));
    let mut live = start(&space, &["--parallel", "8"]);
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(dice.roll(400) as u64));
        if live.has_ended() {
            break;
        }
        crash(live);
        live = space.coord(&["resume", "--parallel", "8"]).start();
    }
    live.wait().exits(0);
    let log = git(&space, &["log", "--format=%an", "main"]);
    let mut authors: Vec<&str> = log.lines().collect();
    authors.sort_unstable();
    assert_eq!(
        authors,
        ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "you"]
    );
    nothing_is_left(&space);
}

const MANY: usize = 50;

#[test]
fn fifty_at_once_neither_race_nor_leave_anything() {
    let tasks = (0..MANY).map(|n| {
        let more = format!("idempotent\n  writes \"w/{n}.txt\"");
        let end = if n % 10 == 9 { "\nfalse" } else { "" };
        task(
            &format!("t{n}"),
            "crowd",
            &more,
            &format!("mkdir -p w\necho {n} > w/{n}.txt{end}"),
        )
    });
    let agent = format!("agent crowd {{\n  owns \"w/**\"\n  capacity {MANY}\n}}\n");
    let text = format!("edition 2026\n\n{agent}{}", tasks.collect::<String>());
    let space = repository(Space::new().file("main.coord", text));
    let parallel = MANY.to_string();
    let live = start(&space, &["--parallel", &parallel]);
    until("a worktree", || {
        space
            .path(".coord-state/worktrees/r")
            .exists()
            .then_some(())
    });
    crash(live);
    let resumed = space.coord(&["resume", "--parallel", &parallel]).run();
    assert!(!resumed.stderr.contains("lock"), "{resumed}");
    let landed = git(&space, &["log", "--author=crowd", "--format=%s", "main"]);
    assert_eq!(landed.lines().count(), MANY - MANY / 10);
    nothing_is_left(&space);
}

// ---------------------------------------------------------------- without worktrees

/// A project that asks for its ground to be watched.
fn watched(tasks: &str) -> Space {
    let conflict =
        "conflict ownership {\n  detect \"a claim was not kept\"\n  decide bea within 1h\n}\n";
    let text = format!("edition 2026\n\n{conflict}{AGENTS}{tasks}");
    Space::new()
        .file("main.coord", text)
        .file("a/one.txt", "one\n")
        .file("b/two.txt", "two\n")
}

fn here(name: &str, by: &str, text: &str) -> String {
    task(name, by, "", text).replace("  isolate worktree\n", "")
}

#[test]
fn a_write_outside_of_claims_is_found_without_git() {
    let space = watched(&here(
        "left",
        "ann",
        "echo x >> a/one.txt\necho x >> b/two.txt",
    ));
    let ran = run(&space, &["--no-wait"]);
    assert_snapshot!(timeless(ran));
    let space = watched(&here(
        "left",
        "ann",
        "echo x >> a/one.txt; echo x > a/new.txt",
    ));
    run(&space, &["--no-wait"]).exits(0);
}

#[test]
fn of_several_at_work_nobody_is_blamed() {
    let wait = |own: &str, other: &str| mark(own) + &wait_for(other);
    let space = watched(
        &(here("left", "ann", &(wait("left", "right") + "echo x >> c.txt"))
            + &here(
                "right",
                "bea",
                &(wait("right", "left") + &wait_for("../c.txt") + "echo x >> b/two.txt"),
            )),
    );
    run(&space, &["--no-wait", "--parallel", "2"]).exits(3);
    let opened = events(&space)
        .into_iter()
        .find(|e| e["kind"] == "situation.opened")
        .unwrap();
    assert_eq!(opened["about"]["agents"], serde_json::json!(["ann", "bea"]));
    let note = opened["note"].as_str().unwrap();
    assert!(
        note.starts_with("`c.txt` changed past all claims"),
        "{note}"
    );
    assert!(note.contains("`left`, `right` were at work"), "{note}");
    for name in ["left", "right"] {
        assert_eq!(of_task(&space, name, "state"), "COMPLETED");
    }
}

#[test]
fn a_completed_task_shows_what_that_rests_on() {
    let gate = "gate fits {\n  check \"it has four lines\" run [\"sh\", \"-c\", \"test $(wc -l < a/one.txt) = 4\"]\n}\n";
    let more = "ensures fits\n  produces list \"The list\" \"a/one.txt\"";
    let space = team(&[
        gate.into(),
        task("left", "ann", more, "echo four >> a/one.txt"),
    ]);
    run(&space, &[]).exits(0);
    let why = fine(&space, &["why", "left"]).stdout;
    let tree = git(&space, &["rev-parse", "main^{tree}"]);
    let commit = git(&space, &["rev-parse", "main"]);
    assert!(
        why.contains(&tree[..12]) && why.contains(&commit[..12]),
        "{why}"
    );
    let why = why
        .replace(&tree[..12], "[TREE]")
        .replace(&commit[..12], "[COMMIT]");
    assert_snapshot!(timeless(&why));
    // the content is kept under its digest
    let outputs = status(&space)["tasks"][0]["outputs"].clone();
    let digest = outputs["artifacts.list"]
        .as_str()
        .unwrap()
        .rsplit_once("blake3:")
        .unwrap()
        .1
        .to_string();
    let kept = space
        .path(".coord-state/artifacts/blake3")
        .join(&digest[..2])
        .join(&digest[2..]);
    assert_eq!(
        std::fs::read_to_string(kept).unwrap(),
        "one\ntwo\nthree\nfour\n"
    );
}
