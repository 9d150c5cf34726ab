//! `coord diff` says what a change to a project changes, and what it costs in time.

use crate::schemas::{holds, strict};
use crate::space::Space;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const OLD: &str = "\
edition 2026
project shop \"A shop\" {
  starts 2025-08-04
}
human ann
human bob
gate tested { check \"it works\" by ann }
phase build {
  task api \"The API\" {
    by ann
    takes 3wd
  }
  task ui {
    by bob
    takes 2wd..4wd
    needs api
  }
  task old-thing {
    by bob
    takes 1wd
  }
}
task ship {
  by bob
  takes 1wd
  needs [api, ui]
  deadline 2025-08-15
}
on task.failed do notify ann
expect \"In three weeks\" plan.finish <= 3w
";

/// Another layout and order, a longer task, another owner, one more, one less.
const NEW: &str = "\
edition 2026
# a comment
project shop \"A shop\" { starts 2025-08-04 }
human bob
human ann
human cleo
gate tested {
  check \"it works\" by ann
  check \"it is `fast` | <img onerror=x>\" by bob
}
phase build {
  task ui { by any of [bob, cleo]
    takes 2wd..4wd
    needs api
  }
  task api \"The whole API\" {
    by ann
    takes 4wd
  }
  task search {
    by ann
    takes 6wd
  }
}
task ship {
  needs [ui, search, api]
  by bob
  takes 1wd
  deadline 2025-08-15
}
on task.failed do notify ann
expect \"In three weeks\" plan.finish <= 3w
";

fn versions() -> Space {
    Space::new().file("old.coord", OLD).file("new.coord", NEW)
}

#[test]
fn what_is_kept_changed_new_and_gone() {
    let space = versions();
    let ran = space.coord(&["diff", "old.coord", "new.coord"]).run();
    insta::assert_snapshot!(ran.exits(1).stdout);
    let same = space.coord(&["diff", "old.coord", "old.coord"]).run();
    insta::assert_snapshot!(same.exits(0).stdout);
    let code = |args: &[&str]| space.coord(args).run().status.code();
    assert_eq!(
        code(&["diff", "--exit-code", "old.coord", "old.coord"]),
        Some(0)
    );
    // nothing gets worse in this direction
    assert_eq!(code(&["diff", "new.coord", "old.coord"]), Some(0));
    assert_eq!(
        code(&["diff", "--exit-code", "new.coord", "old.coord"]),
        Some(1)
    );
}

#[test]
fn a_comment_on_a_pull_request() {
    let args = ["diff", "old.coord", "new.coord", "--format", "md"];
    insta::assert_snapshot!(versions().coord(&args).run().exits(1).stdout);
}

#[test]
fn programs_read_it_as_json() {
    let space = versions();
    let args = ["diff", "old.coord", "new.coord", "--format", "json"];
    let found: Value = serde_json::from_str(&space.coord(&args).run().exits(1).stdout).unwrap();
    holds(&strict("diff"), &found, "diff");
    assert_eq!(found["counts"]["new"], 2);
    let compared = space.coord(&[
        "plan",
        "--compare",
        "old.coord",
        "new.coord",
        "--format",
        "json",
    ]);
    let compared: Value = serde_json::from_str(&compared.run().exits(1).stdout).unwrap();
    assert_eq!(compared, found);
}

#[test]
fn what_does_not_check_is_illegal() {
    let broken = NEW.replace("by ann\n    takes 4wd", "by anna\n    takes 4wd");
    let space = versions().file("broken.coord", broken);
    let ran = space.coord(&["diff", "old.coord", "broken.coord"]).run();
    insta::assert_snapshot!(ran.exits(2).stdout);
    let args = ["diff", "broken.coord", "new.coord", "--format", "json"];
    let back: Value = serde_json::from_str(&space.coord(&args).run().exits(1).stdout).unwrap();
    assert_eq!(back["old_errors"], 1);
}

#[test]
fn a_sequence_changes_what_waits_without_a_word_in_the_task() {
    let text = |order: &str| {
        format!(
            "edition 2026\nproject p {{ starts 2025-08-04 }}\nhuman a\nhuman b\n\
             group both {{ members [{order}] }}\nsequence {{\n  task one {{\n    by a\n    takes 1wd\n  }}\n  \
             task two {{\n    by both\n    takes 1wd\n  }}\n}}\n"
        )
    };
    let space = Space::new()
        .file("old.coord", text("a"))
        .file("new.coord", text("a, b").replace("sequence", "parallel"));
    let ran = space.coord(&["diff", "old.coord", "new.coord"]).run();
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_side_that_is_not_there_says_so() {
    let space = versions();
    let ran = space
        .coord(&["diff", "odl.coord", "new.coord"])
        .run()
        .exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: E0903 cannot read `odl.coord`: there is no such file
      help: did you mean `old.coord`?
    ");
}

/// With the git program, where the machine has it.
#[test]
fn a_side_may_be_a_revision() {
    let space = Space::new()
        .file("plans/main.coord", format!("use \"parts.coord\"\n{OLD}"))
        .file("plans/parts.coord", "human dora\n");
    let git = |args: &[&str]| {
        let ran = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args)
            .current_dir(space.path("."))
            .env("HOME", space.path("."))
            .output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    if !git(&["init", "-q"]) {
        eprintln!("skipped: there is no git");
        return;
    }
    assert!(git(&["add", "plans"]) && git(&["commit", "-qm", "first"]));
    std::fs::write(Path::new(&space.path("plans/main.coord")), NEW).unwrap();
    let at_top = space.coord(&["diff", "HEAD:plans/main.coord", "plans/main.coord"]);
    let at_top = at_top.run().exits(1).stdout;
    for old in ["HEAD:plans", "git:HEAD:plans", "HEAD:./plans/"] {
        let ran = space.coord(&["diff", old, "plans"]).run().exits(1);
        let after = |text: &str| text.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(after(&ran.stdout), after(&at_top), "{old}");
    }
    let within = space
        .coord(&["diff", "HEAD:./main.coord"])
        .within("plans")
        .run()
        .exits(1);
    assert!(within.stdout.contains("human dora"), "{within}");
    let wrong = space
        .coord(&["diff", "HEAD:plan/main.coord", "plans"])
        .run()
        .exits(2);
    insta::assert_snapshot!(wrong.stderr, @r"
    error: there is no `plan/main.coord` in revision `HEAD`, and no such file here
      help: paths count from the top of the repository; `./` from here
    ");
}
