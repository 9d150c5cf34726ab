//! `isolate worktree`: work that is done apart, held against its claims, and landed in order.

use crate::live::{run, timeless};
use crate::space::Space;
use insta::assert_snapshot;
use std::path::Path;
use std::process::Command;

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
const AGENTS: &str = "agent ann { owns \"a/**\" }\nagent bea { owns \"b/**\" }\n";

fn task(name: &str, by: &str, more: &str, text: &str) -> String {
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
fn nothing_is_left(space: &Space) {
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
