//! A machine that is in the way: disks, permissions, programs, output, names.

use crate::live::{fine, of_task, project, run, script, start, timeless};
use crate::space::{Ran, Space};
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a call said, without the time of day.
#[track_caller]
fn said(space: &Space, args: &[&str]) -> String {
    timeless(space.coord(args).run())
}

fn witness() -> Space {
    project(&script("t", "", "echo started > started"))
}

#[track_caller]
fn nothing_was_started(space: &Space) {
    assert!(!space.path("started").exists());
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

// ---------------------------------------------------------------- the home

/// Runs a shell script in the space, with `$COORD_HOME` on a small disk of its own; None where
/// none can be had. `$COORD` is the program.
fn on_a_small_disk(space: &Space, size: &str, text: &str) -> Option<String> {
    let home = space.path(".coord-state");
    std::fs::create_dir_all(&home).unwrap();
    let mount = format!("mount -t tmpfs -o size={size},mode=0700 tmpfs \"$COORD_HOME\"");
    let in_namespace = |text: &str| {
        let mut command = Command::new("unshare");
        command
            .arg(if is_root() { "-m" } else { "-Urm" })
            .args(["sh", "-c", text])
            .current_dir(space.path(""));
        command
            .env("COORD_HOME", &home)
            .env("COORD", env!("CARGO_BIN_EXE_coord"))
            .env("NO_COLOR", "1");
        command.output()
    };
    if !in_namespace(&mount).is_ok_and(|able| able.status.success()) {
        eprintln!("SKIPPED: cannot mount a tmpfs in a namespace here");
        return None;
    }
    let output = in_namespace(&format!("{mount} && {{\n{text}\n}} 2>&1")).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(timeless(text.replace(home.to_str().unwrap(), "[HOME]")))
}

#[test]
fn a_full_disk_is_noticed_before_anything_starts() {
    let space = witness();
    let Some(said) = on_a_small_disk(&space, "512k", "$COORD run --run-id r; echo exit $?") else {
        return;
    };
    assert_snapshot!(said, @r#"
    error: cannot write to `[HOME]`: the disk is full; free some space there and run the command again
    exit 4
    "#);
    nothing_was_started(&space);
}

#[test]
fn a_disk_that_fills_up_stops_the_run_and_loses_nothing() {
    let fill = script(
        "fill",
        "",
        "dd if=/dev/zero of=$COORD_HOME/ballast bs=4k 2>/dev/null || true",
    );
    let many: String = (0..200)
        .map(|i| {
            script(
                &format!("t{i}"),
                "needs fill\n  idempotent",
                "echo $COORD_TASK >> ran",
            )
        })
        .collect();
    let space = project(&(fill + &many));
    let text = "$COORD run --run-id r --progress none; echo exit $?
rm $COORD_HOME/ballast
$COORD resume r --no-wait --progress none; echo exit $?
$COORD done fill 2>/dev/null; $COORD resume --progress none; echo exit $?";
    let Some(said) = on_a_small_disk(&space, "4m", text) else {
        return;
    };
    assert!(
        said.contains("exit 4") && said.contains("disk is full"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("exit 0"), "{said}");
    let ran = std::fs::read_to_string(space.path("ran")).unwrap();
    assert!(
        (0..200).all(|i| ran.lines().any(|line| line == format!("t{i}"))),
        "{said}"
    );
}

#[test]
fn a_home_that_may_not_be_written_is_refused() {
    let space = witness().folder("home");
    std::fs::set_permissions(space.path("home"), std::fs::Permissions::from_mode(0o500)).unwrap();
    if !is_root() {
        let ran = space.coord(&["--home", "home", "run"]).run().exits(4);
        assert!(ran.stderr.contains("permission denied"), "{ran}");
    } else if let Some(ran) = as_nobody(&space, &["--home", "elsewhere/home", "run"]) {
        assert_snapshot!(ran, @r#"
        exit status: 4
        error: cannot make `elsewhere/home`: permission denied; check its owner and mode or set COORD_HOME to another folder
        "#);
    }
    nothing_was_started(&space);
}

/// A call by a user who owns nothing here; None where that cannot be had.
fn as_nobody(space: &Space, args: &[&str]) -> Option<String> {
    std::fs::set_permissions(space.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        env!("CARGO_BIN_EXE_coord"),
    ];
    let call = |args: &[&str]| {
        Command::new("setpriv")
            .args(nobody)
            .args(args)
            .current_dir(space.path(""))
            .env("NO_COLOR", "1")
            .output()
    };
    if !call(&["--version"]).is_ok_and(|able| able.status.success()) {
        eprintln!("SKIPPED: cannot become another user here");
        return None;
    }
    let output = call(args).unwrap();
    let space = std::fs::canonicalize(space.path("")).unwrap();
    let text = String::from_utf8_lossy(&output.stderr).replace(space.to_str().unwrap(), "[SPACE]");
    Some(format!(
        "exit status: {}\n{text}",
        output.status.code().unwrap()
    ))
}

#[test]
fn a_home_of_somebody_else_is_refused() {
    let space = witness().folder(".coord-state");
    if !is_root() {
        eprintln!("SKIPPED: only root can be somebody else");
        return;
    }
    let Some(ran) = as_nobody(&space, &["--home", ".coord-state", "run"]) else {
        return;
    };
    assert_snapshot!(ran, @r#"
    exit status: 4
    error: `[SPACE]/.coord-state` cannot hold a journal: it belongs to user 0 and this is user 65534; set COORD_HOME to a folder of your own
    "#);
    nothing_was_started(&space);
}

#[test]
fn a_home_that_is_a_file_is_refused() {
    let space = witness().file(".coord-state", "");
    assert_snapshot!(said(&space, &["run"]), @r#"
    exit status: 4
    --- stderr
    error: `[SPACE]/.coord-state` cannot hold a journal: it is not a folder; set COORD_HOME to one
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 4
    --- stderr
    error: `[SPACE]/.coord-state` cannot hold a journal: it is not a folder; set COORD_HOME to one
    "#);
    nothing_was_started(&space);
}

#[test]
fn a_home_that_others_can_write_to_is_refused() {
    let space = witness().folder(".coord-state");
    std::fs::set_permissions(
        space.path(".coord-state"),
        std::fs::Permissions::from_mode(0o777),
    )
    .unwrap();
    assert_snapshot!(said(&space, &["run"]), @r#"
    exit status: 4
    --- stderr
    error: `[SPACE]/.coord-state` cannot hold a journal: other users can write to it; run `chmod 700 [SPACE]/.coord-state`
    "#);
    nothing_was_started(&space);
}

#[test]
fn looking_before_the_first_run_says_so() {
    let space = witness();
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 2
    --- stderr
    error: there are no runs in `[SPACE]/.coord-state`: there is no such folder
      help: start one with `coord run`
    "#);
    let space = space.folder(".coord-state");
    std::fs::set_permissions(
        space.path(".coord-state"),
        std::fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    assert_snapshot!(said(&space, &["inbox"]), @r#"
    exit status: 2
    --- stderr
    error: there are no runs here yet
      help: start one with `coord run`
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 2
    --- stderr
    error: there are no runs here yet
      help: start one with `coord run`
    "#);
}

// ---------------------------------------------------------------- programs and folders

#[test]
fn a_missing_program_is_found_before_anything_starts() {
    let space = project(
        &(script("t", "", "echo started > started")
            + "task u {\n  timeout 1m\n  run [\"no-such-program\"]\n}\ntask v {\n  timeout 1m\n  run [\"no-other-program\"]\n}\n"),
    );
    assert_snapshot!(said(&space, &["run"]), @r#"
    exit status: 4
    --- stderr
    error: E0710 not on this machine: `no-other-program` for `v`, `no-such-program` for `u`
      help: install it, or put its folder into PATH; nothing was started
    "#);
    nothing_was_started(&space);
}

#[test]
fn a_program_that_may_not_be_run_fails_its_task() {
    let space =
        project("task t {\n  timeout 1m\n  run [\"./tool\"]\n}\n").file("tool", "#!/bin/sh\n");
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ t
    [TIME] · t: could not start: no permission to execute `./tool`
    [TIME] ✘ t failed: could not start: no permission to execute `./tool`
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
    let space = project("task t {\n  timeout 1m\n  run [\"./tool\"]\n}\n");
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ t
    [TIME] · t: could not start: program `./tool` not found
    [TIME] ✘ t failed: could not start: program `./tool` not found
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
}

#[test]
fn a_folder_that_is_not_there_fails_its_task() {
    let space = project(&script("t", "dir \"nowhere\"", "true"));
    assert_snapshot!(timeless(run(&space, &[])), @r#"
    exit status: 1
    --- stderr
    run r of main.coord
    [TIME] ▶ t
    [TIME] · t: could not start: cannot enter the working directory `[SPACE]/nowhere`: No such file or directory
    [TIME] ✘ t failed: could not start: cannot enter the working directory `[SPACE]/nowhere`: No such file or directory
    run r failed in [TOOK]: 1 failed
      `coord why TASK` says why, `coord retry TASK` tries again
    "#);
}

// ---------------------------------------------------------------- output

#[test]
fn a_hundred_megabytes_of_output_are_taken_in_little_memory() {
    let space = project(&script(
        "t",
        "",
        "yes 'all work and no play' | head -c 100000000",
    ));
    let started = Instant::now();
    let mut live = start(&space, &[]);
    let mut most = 0;
    while !live.has_ended() {
        most = most.max(memory_kib(live.pid()));
        std::thread::sleep(Duration::from_millis(10));
    }
    live.wait().exits(0);
    assert!(most > 0 && most < 100_000, "{most} KiB");
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    // the end is cut, and that is said
    let kept = fine(&space, &["logs", "t"]).stdout;
    assert!(kept.len() < 17 << 20);
    assert_snapshot!(kept.lines().next_back().unwrap(), @"… output cut: 16 MiB kept, 83222784 bytes dropped");
}

fn memory_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))
        .unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[test]
fn what_a_task_prints_is_no_order_to_the_terminal() {
    let print = "printf '\\033[31mred\\007\\033]0;title\\007\\302\\233 \\377\\000 end\\n'\nexit 1";
    let space = project(
        &(script("t", "", print)
            + &script(
                "u",
                "needs t finished",
                "printf 'k=\\033[31mred\\n' >> $COORD_OUTPUTS",
            )),
    );
    let ran = run(&space, &[]).exits(1);
    let seen = [
        ran.to_string(),
        said(&space, &["status"]),
        said(&space, &["why", "t"]),
        said(&space, &["why", "u"]),
    ]
    .concat();
    assert!(
        !seen.contains(|c: char| c.is_control() && c != '\n'),
        "{seen:?}"
    );
    // a log is what was printed
    assert!(
        fine(&space, &["logs", "t"])
            .stdout
            .contains("\u{1b}[31mred")
    );
}

// ---------------------------------------------------------------- names

#[test]
fn names_of_runs_are_looked_at() {
    let space = witness();
    run(&space, &[]).exits(0);
    assert_snapshot!(said(&space, &["run", "--run-id", "r"]), @r#"
    exit status: 2
    --- stderr
    error: there is a run `r` already
      help: go on with it by `coord resume r`, or choose another name
    "#);
    assert_snapshot!(said(&space, &["run", "--run-id", "../r"]), @r#"
    exit status: 2
    --- stderr
    error: `../r` is no name for a run
      help: use letters, digits, `-`, `_` and `.`, at most 64
    "#);
    assert_snapshot!(said(&space, &["run", "--run-id", ""]), @r#"
    exit status: 2
    --- stderr
    error: `` is no name for a run
      help: use letters, digits, `-`, `_` and `.`, at most 64
    "#);
    assert_snapshot!(said(&space, &["run", "--run-id", &"x".repeat(65)]), @r#"
    exit status: 2
    --- stderr
    error: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is no name for a run
      help: use letters, digits, `-`, `_` and `.`, at most 64
    "#);
}

#[test]
fn unknown_runs_and_tasks_are_named_with_what_may_be_meant() {
    let space =
        project(&(script("compile", "", "true") + &script("publish", "needs compile", "true")));
    space
        .coord(&["run", "--run-id", "release-one"])
        .run()
        .exits(0);
    let calls: [&[&str]; 9] = [
        &["status", "release-on"],
        &["status", "nothing-like-it"],
        &["why", "release-one", "compil"],
        &["why", "compil"],
        &["why", "release-one"],
        &["logs", "relaese-one", "compile"],
        &["retry", "publsh"],
        &["approve", "publsh", "--as", "ann"],
        &["resume", "release-tow"],
    ];
    let all: Vec<String> = calls.iter().map(|args| said(&space, args)).collect();
    assert_snapshot!(all.concat(), @r#"
    exit status: 2
    --- stderr
    error: there is no run `release-on`
      help: did you mean `release-one`?
    exit status: 2
    --- stderr
    error: there is no run `nothing-like-it`
      help: `coord runs` lists them
    exit status: 2
    --- stderr
    error: run `release-one` has no task `compil`
      help: did you mean `compile`?
    exit status: 2
    --- stderr
    error: run `release-one` has no task `compil`
      help: did you mean `compile`?
    exit status: 2
    --- stderr
    error: `release-one` is a run; which of its tasks?
      help: name the task behind it
    exit status: 2
    --- stderr
    error: there is no run `relaese-one`
      help: did you mean `release-one`?
    exit status: 2
    --- stderr
    error: run `release-one` has no task `publsh`
      help: did you mean `publish`?
    exit status: 2
    --- stderr
    error: nothing is asked about `publsh` in run `release-one`
      help: no item is open
    exit status: 2
    --- stderr
    error: there is no run `release-tow`
      help: did you mean `release-one`?
    "#);
}

// ---------------------------------------------------------------- readers that go away

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let many: String = (0..300)
        .map(|i| script(&format!("task-with-a-long-name-{i}"), "", "true"))
        .collect();
    let space = project(&many);
    for call in [
        "run --run-id r --progress json",
        "status",
        "status --format json",
        "logs --events",
        "runs",
        "why task-with-a-long-name-1",
    ] {
        let line = format!("{{ $COORD {call}; echo \"exit $?\" >&2; }} | head -c 1 > /dev/null");
        let mut sh = Command::new("sh");
        sh.args(["-c", &line])
            .current_dir(space.path(""))
            .env("COORD", env!("CARGO_BIN_EXE_coord"))
            .env("NO_COLOR", "1");
        let output = sh.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.ends_with("exit 0\n") && !said.contains("panicked"),
            "{call}: {said}"
        );
    }
    assert_eq!(
        of_task(&space, "task-with-a-long-name-299", "state"),
        "COMPLETED"
    );
}

// ---------------------------------------------------------------- paths

#[test]
fn a_project_deep_below_can_be_answered_while_it_runs() {
    // names of sockets are shorter than paths may be
    let deep = "a-folder-with-a-long-name/".repeat(6);
    let text = format!(
        "edition 2026\n\nhuman bob \"Bob\"\n\n{}",
        script("t", "approve by bob", "true")
    );
    let space = Space::new().file(&format!("{deep}main.coord"), text);
    let (home, file) = (format!("{deep}.coord-state"), format!("{deep}main.coord"));
    let live = space
        .coord(&["--home", &home, "run", &file, "--run-id", "r"])
        .start();
    crate::live::until("the item", || {
        let Ran { stdout, .. } = space.coord(&["--home", &home, "inbox"]).run();
        stdout.contains("item 1").then_some(())
    });
    fine(&space, &["--home", &home, "approve", "t", "--as", "bob"]);
    live.wait().exits(0);
}

/// Texts of the project reach the terminal without what it would obey.
#[test]
fn titles_with_escapes_are_shown_as_text() {
    let space = Space::new().file(
        "main.coord",
        "edition 2026\n\nproject p \"T\\u{1b}[31m\" {\n  starts 2026-01-05\n}\n\nhuman bob \"B\\u{1b}]0;evil\\u{7}\" {\n  role \"r\\u{1b}[2J\"\n}\n\nphase one \"O\\u{1b}[5m\" {\n  task a \"A\\u{1b}[31m\" {\n    by bob\n    takes 1wd\n    do \"x\\u{1b}[31mstep\"\n  }\n\n  sync done {\n    require \"R\\u{1b}[1m\" by bob\n    within 1h\n  }\n}\n",
    );
    for args in [
        &["plan"][..],
        &["graph"],
        &["run", "--dry-run"],
        &["run", "--run-id", "r", "--no-wait"],
        &["inbox"],
        &["status"],
        &["why", "done"],
        &["done", "a"],
        &["resume", "--no-wait"],
        &["inbox"],
    ] {
        let ran = space.coord(args).run();
        assert!(
            !(ran.stdout + &ran.stderr).contains('\u{1b}'),
            "{args:?} passes an escape on"
        );
    }
}

/// An empty file must not pass for a result.
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let space = Space::new().file(
        "main.coord",
        "edition 2026\n\ntask a {\n  run [\"true\"]\n}\n",
    );
    let program = env!("CARGO_BIN_EXE_coord");
    let shell = format!("'{program}' plan > /dev/full");
    let ran = Command::new("sh")
        .args(["-c", &shell])
        .current_dir(space.path(""))
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(4));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("cannot write standard output"), "{said}");
}

/// Nothing is written behind damage, also when it is another run's.
#[test]
fn a_new_run_is_refused_by_a_damaged_journal() {
    let space = Space::new();
    space.coord(&["init", "demo"]).run().exits(0);
    space.coord(&["run", "-q"]).within("demo").run().exits(0);
    let path = space.path("demo/.coord-state/journal.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // wherever it stands: the file also holds pages that are free
    let kind = b"task.started";
    let starts = |bytes: &[u8]| bytes.windows(kind.len()).position(|w| w == kind);
    while let Some(at) = starts(&bytes) {
        bytes[at] ^= 1;
    }
    std::fs::write(&path, &bytes).unwrap();
    let refused = space.coord(&["run", "-q"]).within("demo").run().exits(4);
    assert!(refused.stderr.contains("damaged"), "{}", refused.stderr);
    assert!(
        std::fs::read(&path).unwrap() == bytes,
        "the journal was changed"
    );
}
