//! What runs keep on disk: snapshots, backups, and what may go.

use crate::live::{events, fine, project, run, script, start, status, timeless, until};
use crate::space::Space;
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

const EVERY: (&str, &str) = ("COORD_SNAPSHOT_EVERY", "20");

fn chain(tasks: usize) -> String {
    let task = |n: usize| {
        let needs = match n {
            0 => String::new(),
            n => format!("needs t{}", n - 1),
        };
        script(&format!("t{n}"), &needs, "true")
    };
    (0..tasks).map(task).collect()
}

fn snapshot(space: &Space) -> std::path::PathBuf {
    space.path(".coord-state/snapshots/r.state")
}

/// A run that was killed behind a snapshot, and has much left to do.
fn cut_off() -> Space {
    let space = project(&chain(60));
    let live = space
        .coord(&["run", "--run-id", "r"])
        .env(EVERY.0, EVERY.1)
        .start();
    until("a snapshot", || snapshot(&space).exists().then_some(()));
    kill_process(Pid::from_raw(live.pid() as i32).unwrap(), Signal::KILL).unwrap();
    live.wait();
    space
}

/// What a run has come to, without what only a fold of all its events knows.
fn state(space: &Space) -> String {
    status(space).to_string()
}

#[test]
fn a_run_goes_on_from_a_snapshot_as_from_its_log() {
    let space = cut_off();
    let with = state(&space);
    std::fs::rename(snapshot(&space), space.path("kept")).unwrap();
    assert_eq!(state(&space), with, "the fold of the log says otherwise");
    std::fs::rename(space.path("kept"), snapshot(&space)).unwrap();
    let goes_on = ["resume", "--no-wait"];
    space.coord(&goes_on).env(EVERY.0, EVERY.1).run();
    while status(&space)["state"] != "completed" {
        for item in status(&space)["items"].as_array().unwrap() {
            fine(&space, &["retry", item["task"].as_str().unwrap()]);
        }
        space.coord(&goes_on).run();
    }
    let completed = |e: &&serde_json::Value| e["kind"] == "task.completed";
    assert_eq!(events(&space).iter().filter(completed).count(), 60);
    let with = state(&space);
    std::fs::remove_dir_all(space.path(".coord-state/snapshots")).unwrap();
    assert_eq!(state(&space), with);
}

/// An order that is recorded while nobody runs the project holds its lock for a moment.
#[test]
fn going_on_waits_for_an_order_that_is_being_recorded() {
    let space = project(&script("a", "", "false"));
    start(&space, &[]).wait().exits(1);
    fine(&space, &["retry", "a"]);
    let lock = std::fs::File::open(space.path(".coord-state/lock")).unwrap();
    lock.lock().unwrap();
    let live = space.coord(&["resume", "r"]).start();
    let opened = std::path::PathBuf::from(format!("/proc/{}/fd", live.pid()));
    until("a try to lock", || {
        let files = std::fs::read_dir(&opened).ok()?.flatten();
        let mut links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        links
            .any(|link| link.ends_with(".coord-state/lock"))
            .then_some(())
    });
    lock.unlock().unwrap();
    live.wait().exits(1);
    assert_eq!(status(&space)["state"], "failed");
}

#[test]
fn a_snapshot_that_does_not_fit_counts_for_nothing() {
    let space = cut_off();
    let wanted = state(&space);
    let whole = std::fs::read(snapshot(&space)).unwrap();
    let tries = (0..whole.len()).step_by(whole.len() / 12 + 1);
    for at in tries.chain((0..136).step_by(9)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(snapshot(&space), &bytes).unwrap();
        assert_eq!(state(&space), wanted, "byte {at} flipped");
    }
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(snapshot(&space), &whole[..length]).unwrap();
        assert_eq!(state(&space), wanted, "cut to {length}");
    }
    // of another journal
    let other = cut_off();
    std::fs::copy(snapshot(&other), snapshot(&space)).unwrap();
    assert_eq!(state(&space), wanted);
}

#[test]
fn what_ended_runs_left_can_go_and_nothing_else() {
    let space = project(&format!(
        "agent ada {{ via human }}\n{}task asked {{\n  by ada\n  needs t1\n  timeout 9h\n}}\n",
        chain(2)
    ));
    // ended, ended, waiting, at work
    for id in ["one", "two"] {
        space
            .coord(&["run", "--run-id", id, "--no-wait"])
            .run()
            .exits(3);
        fine(&space, &["cancel", id]);
    }
    space
        .coord(&["run", "--run-id", "open", "--no-wait"])
        .run()
        .exits(3);
    let logs = |id: &str| space.path(&format!(".coord-state/logs/{id}"));
    let refused = space.coord(&["gc"]).run().exits(2);
    assert_snapshot!(refused);
    let would = fine(&space, &["gc", "--keep", "0", "--dry-run"]).stdout;
    assert!(
        would.contains("one") && would.contains("two") && !would.contains("open"),
        "{would}"
    );
    assert!(logs("one").exists());
    fine(&space, &["gc", "--keep", "0", "--older-than", "1d"]);
    assert!(
        logs("one").exists() && logs("two").exists(),
        "younger than a day"
    );
    fine(&space, &["gc", "--keep", "1"]);
    assert!(!logs("one").exists() && logs("two").exists() && logs("open").exists());
    let live = space.coord(&["resume", "open"]).start();
    until("the run at work", || {
        let status = fine(&space, &["status", "open"]).stdout;
        (!status.contains("nobody runs it")).then_some(())
    });
    fine(&space, &["gc", "--older-than", "0s"]);
    assert!(!logs("two").exists() && logs("open").exists());
    assert_eq!(
        fine(&space, &["runs"])
            .stdout
            .lines()
            .filter(|l| l.contains("one") || l.contains("two"))
            .count(),
        2
    );
    fine(&space, &["done", "asked"]);
    live.wait().exits(0);
}

#[test]
fn a_backup_is_one_file_that_can_take_its_place() {
    let space = project(&chain(5));
    run(&space, &[]).exits(0);
    let wanted = state(&space);
    let said = fine(&space, &["backup", "copy.db"]);
    assert_snapshot!(timeless(said));
    space.coord(&["backup", "copy.db"]).run().exits(4);
    std::fs::remove_file(space.path(".coord-state/journal.head")).unwrap();
    std::fs::copy(space.path("copy.db"), space.path(".coord-state/journal.db")).unwrap();
    assert_eq!(state(&space), wanted);
    // the next run goes on behind it
    space.coord(&["run", "--run-id", "next"]).run().exits(0);
}

#[test]
fn a_backup_of_a_run_at_work_is_whole() {
    let space = project(&chain(40));
    let live = start(&space, &[]);
    until("a first result", || {
        let journal = space.path(".coord-state/journal.head");
        journal.exists().then_some(())
    });
    for number in 0..5 {
        fine(&space, &["backup", &format!("{number}.db")]);
    }
    live.wait().exits(0);
}

#[test]
fn a_crash_test_of_ones_own_finds_nothing() {
    let space = Space::new();
    let ran = fine(
        &space,
        &["doctor", "--crash-test", "--kills", "6", "--seed", "7"],
    );
    for line in [
        "ok   crashes",
        "ok   lost results",
        "ok   repeated effects",
        "ok   order",
    ] {
        assert!(ran.stdout.contains(line), "{ran}");
    }
    assert!(ran.stdout.contains("6 kills"), "{ran}");
    assert_eq!(
        std::fs::read_dir(space.path("")).unwrap().count(),
        0,
        "it leaves nothing"
    );
}

#[test]
fn a_doctor_says_what_is_wrong() {
    let space = project(&chain(2));
    run(&space, &[]).exits(0);
    fine(&space, &["doctor"]);
    let journal = space.path(".coord-state/journal.db");
    let mut bytes = std::fs::read(&journal).unwrap();
    let body = b"\"exit\":0";
    let at = bytes.windows(body.len()).position(|w| w == body).unwrap();
    bytes[at + body.len() - 1] = b'7';
    std::fs::write(&journal, bytes).unwrap();
    let ran = space.coord(&["doctor"]).run().exits(4);
    assert!(ran.stdout.contains("BAD  journal"), "{ran}");
}

// ---------------------------------------------------------------- a journal that cannot grow

/// Files of a call may hold so many bytes and no more, as on a disk that is nearly full.
fn with_small_files(space: &Space, kib: u32, args: &str) -> std::process::Output {
    let coord = env!("CARGO_BIN_EXE_coord");
    std::process::Command::new("bash")
        .args(["-c", &format!("ulimit -f {kib}; exec {coord} {args}")])
        .current_dir(space.path(""))
        .env("COORD_HOME", space.path(".coord-state"))
        .output()
        .unwrap()
}

#[test]
fn a_journal_that_cannot_grow_stops_the_run_honestly() {
    let task = |n: usize| {
        let needs = match n {
            0 => String::new(),
            n => format!("needs t{}", n - 1),
        };
        script(&format!("t{n}"), &needs, "echo $COORD_TASK >> begun")
    };
    let text: String = (0..40).map(task).collect();
    for kib in [8, 40, 56, 72] {
        let space = project(&text);
        let first = with_small_files(&space, kib, "run --run-id r");
        let said = String::from_utf8_lossy(&first.stderr);
        assert_eq!(first.status.code(), Some(4), "{kib} KiB: {said}");
        let begun = || std::fs::read_to_string(space.path("begun")).unwrap_or_default();
        let before = begun().lines().count();
        assert!(before < 40, "{kib} KiB: all of it ran");
        // with room again, it goes on where it was
        let mut ran = match fine_or_none(&space) {
            true => space.coord(&["resume", "--no-wait"]).run(),
            false => space.coord(&["run", "--run-id", "r", "--no-wait"]).run(),
        };
        let mut ordered = 0;
        while ran.status.code() == Some(3) {
            for item in status(&space)["items"].as_array().unwrap() {
                fine(&space, &["retry", item["task"].as_str().unwrap()]);
                ordered += 1;
            }
            ran = space.coord(&["resume", "--no-wait"]).run();
        }
        let ran = ran.exits(0);
        let begun = begun();
        assert!(
            begun.lines().count() <= 40 + ordered,
            "{kib} KiB: {ran}\n{begun}"
        );
        for n in 0..40 {
            assert!(
                begun.contains(&format!("t{n}\n")),
                "{kib} KiB: t{n} never ran"
            );
        }
    }
}

/// True when the run is in the journal.
fn fine_or_none(space: &Space) -> bool {
    space.coord(&["status", "r"]).run().status.code() == Some(0)
}

// ---------------------------------------------------------------- journals of earlier versions

/// What each version wrote is read, and gone on with, by every later one.
#[test]
fn a_journal_of_every_version_goes_on() {
    for version in 1..=coord_host::journal::FORMAT {
        let of_then = format!(
            "{}/tests/cases/journal/v{version}.db",
            env!("CARGO_MANIFEST_DIR")
        );
        let space = Space::new().folder(".coord-state");
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(space.path(".coord-state"), private).unwrap();
        std::fs::copy(&of_then, space.path(".coord-state/journal.db")).unwrap();
        assert_snapshot!(format!("v{version}"), fine(&space, &["status"]).stdout);
        fine(&space, &["doctor"]);
        fine(&space, &["done", "review", "--as", "ada"]);
        let ran = space.coord(&["resume", "--no-wait"]).run().exits(0);
        assert!(ran.stderr.contains("completed"), "{ran}");
        let completed = |e: &&serde_json::Value| e["kind"] == "task.completed";
        assert_eq!(events(&space).iter().filter(completed).count(), 3);
    }
}
