//! What a run is worth after a crash: recorded results are final, and an interrupted effect is
//! never silently repeated.
//!
//! The oracle is a file outside of coord to which tasks append. `kill -9` ends processes, not the
//! machine, so what a task has appended is there without a flush.

use crate::live::{
    events, fine, of_task, project, run, script, start, status, timeless, until, until_file,
};
use crate::space::{Ran, Space, Started};
use crate::totality::Dice;
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a call said, without the time of day.
#[track_caller]
fn said(space: &Space, args: &[&str]) -> String {
    timeless(space.coord(args).run())
}

fn send(pid: u32, signal: Signal) {
    let _gone = kill_process(Pid::from_raw(pid as i32).unwrap(), signal);
}

/// `kill -9`.
fn crash(live: Started<'_>) {
    send(live.pid(), Signal::KILL);
    assert!(live.wait().status.code().is_none());
}

// ---------------------------------------------------------------- a hundred crashes

const KILLS: usize = 100;
const TASKS: usize = 40;

/// Tasks with up to three needs among those before them; every other one is idempotent.
struct Graph {
    text: String,
    needs: Vec<Vec<usize>>,
}

impl Graph {
    fn new(dice: &mut Dice) -> Graph {
        let mut text = String::new();
        let mut needs = Vec::new();
        for task in 0..TASKS {
            let of: BTreeSet<usize> = (0..dice.roll(4))
                .filter(|_| task > 0)
                .map(|_| dice.roll(task))
                .collect();
            let names: Vec<String> = of.iter().map(|n| format!("t{n}")).collect();
            let needed = if of.is_empty() {
                String::new()
            } else {
                format!("needs [{}]\n  ", names.join(", "))
            };
            let fields = format!("{needed}{}", if task % 2 == 0 { "idempotent" } else { "" });
            let work = format!(
                "echo $COORD_TASK $COORD_ATTEMPT $COORD_IDEMPOTENCY_KEY >> witness\nsleep 0.0{}",
                dice.roll(5)
            );
            text.push_str(&script(&format!("t{task}"), &fields, &work));
            needs.push(of.into_iter().collect());
        }
        Graph { text, needs }
    }
}

/// One begin of an attempt, as the task itself wrote it down.
#[derive(Debug)]
struct Begin {
    task: String,
    attempt: u32,
    key: String,
}

fn witness(space: &Space) -> Vec<Begin> {
    let text = std::fs::read_to_string(space.path("witness")).unwrap_or_default();
    let begin = |line: &str| {
        let mut words = line.split(' ').map(str::to_string);
        let mut next = || words.next().unwrap();
        Begin {
            task: next(),
            attempt: next().parse().unwrap(),
            key: next(),
        }
    };
    text.lines().map(begin).collect()
}

fn begins_of(space: &Space, task: &str) -> usize {
    witness(space).iter().filter(|b| b.task == task).count()
}

/// What people were told about one run.
#[derive(Default)]
struct Told {
    /// How often each task had begun when the journal first called it completed.
    completed: BTreeMap<String, usize>,
    retried: BTreeMap<String, usize>,
    /// Said to be done by a person.
    done: BTreeSet<String>,
}

impl Told {
    fn look(&mut self, space: &Space) {
        for task in status(space)["tasks"].as_array().unwrap() {
            let name = task["id"].as_str().unwrap();
            if task["state"] == "COMPLETED" {
                let begun = || begins_of(space, name);
                self.completed.entry(name.to_string()).or_insert_with(begun);
            }
        }
    }

    /// Says what became of each task in doubt.
    fn settle_doubts(&mut self, space: &Space, dice: &mut Dice) {
        let items = status(space)["items"].clone();
        for item in items.as_array().unwrap() {
            assert_eq!(item["kind"], "doubt");
            let (task, number) = (item["task"].as_str().unwrap(), item["item"].to_string());
            assert!(
                task[1..].parse::<usize>().unwrap() % 2 == 1,
                "{task} is idempotent and in doubt"
            );
            match dice.roll(4) {
                0 => {
                    self.done.insert(task.to_string());
                    fine(space, &["done", &number])
                }
                1 => fine(space, &["skip", task]),
                _ => {
                    *self.retried.entry(task.to_string()).or_default() += 1;
                    fine(space, &["retry", task])
                }
            };
        }
    }

    fn check(&self, space: &Space, graph: &Graph) {
        let begins = witness(space);
        let mut attempts = BTreeSet::new();
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
        for (at, begin) in begins.iter().enumerate() {
            assert!(
                attempts.insert((&begin.task, begin.attempt)),
                "the same attempt began twice: {begin:?}"
            );
            assert_eq!(
                *keys.entry(&begin.task).or_insert(&begin.key),
                begin.key,
                "another key: {begin:?}"
            );
            first.entry(&begin.task).or_insert(at);
        }
        assert_eq!(
            keys.values().collect::<BTreeSet<_>>().len(),
            keys.len(),
            "two tasks with one key"
        );
        for (task, then) in &self.completed {
            assert_eq!(
                begins_of(space, task),
                *then,
                "{task} was recorded as completed and ran again"
            );
        }
        for (number, needs) in graph.needs.iter().enumerate() {
            let name = format!("t{number}");
            let state = of_task(space, &name, "state");
            let count = begins_of(space, &name);
            let fine = state == "SKIPPED"
                || (state == "COMPLETED" && (count > 0 || self.done.contains(&name)));
            assert!(fine, "{name} is {state}, begun {count} times");
            if number % 2 == 1 {
                let retried = self.retried.get(&name).copied().unwrap_or(0);
                assert!(
                    count <= 1 + retried,
                    "{name} began {count} times and was retried {retried} times"
                );
            }
            for need in needs {
                if let (Some(at), Some(before)) = (
                    first.get(name.as_str()),
                    first.get(format!("t{need}").as_str()),
                ) {
                    assert!(before < at, "{name} began before t{need}, which it needs");
                }
            }
        }
    }
}

/// One run, crashed until it ends in spite of it; gives the number of crashes.
fn crash_one_run(dice: &mut Dice, most: usize) -> usize {
    let graph = Graph::new(dice);
    let space = project(&graph.text);
    let mut told = Told::default();
    let mut kills = 0;
    loop {
        let created = space.path(".coord-state/journal.db").exists()
            && fine(&space, &["runs", "--format", "json"])
                .stdout
                .contains("\"r\"");
        let args: &[&str] = if created {
            &["resume", "r"]
        } else {
            &["run", "--run-id", "r"]
        };
        let mut live = space
            .coord(&[args, &["--parallel", "4", "--no-wait"]].concat())
            .start();
        if kills < most {
            let until = Instant::now() + Duration::from_millis(dice.roll(90) as u64);
            while Instant::now() < until && !live.has_ended() {
                std::thread::sleep(Duration::from_millis(1));
            }
            send(live.pid(), Signal::KILL);
        }
        let ran = live.wait();
        match ran.status.code() {
            None => kills += 1,
            Some(0) => break,
            Some(3) => told.settle_doubts(&space, dice),
            Some(_) => panic!("{ran}"),
        }
        if created {
            told.look(&space);
        }
    }
    told.look(&space);
    told.check(&space, &graph);
    kills
}

#[test]
fn a_hundred_crashes_repeat_nothing_and_lose_nothing() {
    let seed = std::env::var("COORD_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(20_261_121);
    eprintln!("COORD_TEST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut kills = 0;
    while kills < KILLS {
        kills += crash_one_run(&mut dice, KILLS - kills);
    }
}

// ---------------------------------------------------------------- signals

/// A task that waits for the file `go`, and one behind it.
fn waiting() -> Space {
    project(
        &(script(
            "first",
            "",
            "echo on > on\nuntil test -e go; do sleep 0.01; done",
        ) + &script("second", "needs first", "true")),
    )
}

#[test]
fn ctrl_c_lets_what_is_at_work_end() {
    let space = waiting();
    let live = start(&space, &[]);
    until_file(&space, "on");
    send(live.pid(), Signal::INT);
    until("the order to stop", || {
        (status(&space)["state"] == "stopping").then_some(())
    });
    std::fs::write(space.path("go"), "").unwrap();
    assert_snapshot!(timeless(live.wait()), @r#"
    exit status: 130
    --- stderr
    run r of main.coord
    [TIME] ▶ first
    stopping: what is at work may end, nothing more is started; once more to stop at once
    [TIME] ■ stopping (signal)
    [TIME] ✔ first  [TOOK]
    run r is stopped: 1 completed, 1 not done
      `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: paused
    started [AT]

    ✔ first  completed   local              [TOOK]
    ⏸ second blocked     local                        the run is paused; `coord resume` goes on

    `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ second
    [TIME] ✔ second  [TOOK]
    run r completed in [TOOK]: 2 completed
    "#);
}

#[test]
fn ctrl_c_twice_ends_what_is_at_work() {
    let space = waiting();
    let live = start(&space, &[]);
    until_file(&space, "on");
    send(live.pid(), Signal::INT);
    until("the order to stop", || {
        (status(&space)["state"] == "stopping").then_some(())
    });
    send(live.pid(), Signal::INT);
    assert_snapshot!(timeless(live.wait()), @r#"
    exit status: 130
    --- stderr
    run r of main.coord
    [TIME] ▶ first
    stopping: what is at work may end, nothing more is started; once more to stop at once
    [TIME] ■ stopping (signal)
    stopping now: what is at work is ended; `coord resume` goes on
    run r is stopped: 2 not done
      `coord resume r` goes on
    "#);
    // cut off: nobody knows what it has done
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 3
    --- stderr
    run r of main.coord goes on
    [TIME] ! first: attempt 1 was cut off
    [TIME] ? first is in doubt: nobody knows whether it was done
    [TIME] ? somebody (item 1: say what became of `first`: it was cut off)
          coord done 1, coord retry first, coord skip first or coord reject 1
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 in doubt, 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    std::fs::write(space.path("go"), "").unwrap();
    fine(&space, &["retry", "first"]);
    fine(&space, &["resume"]);
}

#[test]
fn sigterm_is_told_apart() {
    let space = waiting();
    let live = start(&space, &[]);
    until_file(&space, "on");
    send(live.pid(), Signal::TERM);
    until("the order to stop", || {
        (status(&space)["state"] == "stopping").then_some(())
    });
    std::fs::write(space.path("go"), "").unwrap();
    live.wait().exits(143);
    fine(&space, &["resume"]);
}

// ---------------------------------------------------------------- in doubt

/// Crashed after the effect of `pay` and before the record of its end.
fn in_doubt() -> Space {
    let space = project(
        &(script(
            "pay",
            "",
            "echo paid >> effect\necho on > on\ntest $COORD_ATTEMPT -gt 1 || exec sleep 60",
        ) + &script("thank", "needs pay", "true")),
    );
    let live = start(&space, &[]);
    until_file(&space, "on");
    crash(live);
    space
}

fn effects(space: &Space) -> usize {
    std::fs::read_to_string(space.path("effect"))
        .unwrap()
        .lines()
        .count()
}

#[test]
fn an_effect_without_a_record_is_in_doubt() {
    let space = in_doubt();
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: running; nobody runs it now
    started [AT]

    ▶ pay   in-progress local
    ⏸ thank blocked     local                        waits for `pay` to be done

    `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 3
    --- stderr
    run r of main.coord goes on
    [TIME] ! pay: attempt 1 was cut off
    [TIME] ? pay is in doubt: nobody knows whether it was done
    [TIME] ? somebody (item 1: say what became of `pay`: it was cut off)
          coord done 1, coord retry pay, coord skip pay or coord reject 1
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 in doubt, 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["status"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: paused, waits for people
    started [AT]

    ? pay   in-doubt    local                        waits for somebody (item 1: say what became of `pa…
    ⏸ thank blocked     local                        waits for `pay` to be done

    asked of people
      somebody (item 1: say what became of `pay`: it was cut off)
        coord done 1, coord retry pay, coord skip pay or coord reject 1

    `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["inbox"]), @r#"
    exit status: 0
    --- stdout
    somebody (item 1: say what became of `pay`: it was cut off)
        open since [AT], run r
        coord done 1, coord retry pay, coord skip pay or coord reject 1
    "#);
    assert_snapshot!(said(&space, &["why", "thank"]), @r#"
    exit status: 0
    --- stdout
    ⏸ thank is blocked
        waits for `pay` to be done
        the run is paused; `coord resume` goes on
      ? pay is in doubt
          waits for somebody (item 1: say what became of `pay`: it was cut off)
    "#);
    assert_snapshot!(said(&space, &["approve", "pay"]), @r#"
    exit status: 0
    --- stderr
    item 1: done; nobody runs it now: `coord resume r` goes on
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ thank
    [TIME] ✔ thank  [TOOK]
    run r completed in [TOOK]: 2 completed
    "#);
    assert_eq!(effects(&space), 1);
}

#[test]
fn a_doubt_is_settled_in_four_ways() {
    let cases: [(&[&str], i32, usize); 4] = [
        (&["done", "1"], 0, 1),
        (&["retry", "pay"], 0, 2),
        (&["skip", "pay"], 0, 1),
        (&["reject", "1", "--note", "bounced"], 1, 1),
    ];
    for (answer, code, effect) in cases {
        let space = in_doubt();
        space.coord(&["resume", "--no-wait"]).run().exits(3);
        fine(&space, answer);
        let ran = space.coord(&["resume"]).run().exits(code);
        assert_eq!(effects(&space), effect, "{answer:?}: {ran}");
    }
}

#[test]
fn a_doubt_is_settled_while_the_run_is_live() {
    let space = in_doubt();
    let live = space.coord(&["resume"]).start();
    until("the doubt", || {
        (of_task(&space, "pay", "state") == "IN_DOUBT").then_some(())
    });
    assert_snapshot!(said(&space, &["retry", "pay"]), @r#"
    exit status: 0
    --- stderr
    pay: to be tried again
    "#);
    live.wait().exits(0);
    assert_eq!(effects(&space), 2);
}

#[test]
fn a_crashed_run_is_cancelled() {
    let space = in_doubt();
    assert_snapshot!(said(&space, &["cancel"]), @r#"
    exit status: 0
    --- stderr
    run r is to be cancelled; it was cut off: `coord resume r` brings it to its end
    "#);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 1
    --- stderr
    run r of main.coord goes on
    [TIME] ! pay: attempt 1 was cut off
    [TIME] ⊘ pay cancelled
    run r cancelled in [TOOK]: 2 cancelled
    "#);
    assert_eq!(effects(&space), 1);
}

#[test]
fn an_idempotent_task_is_simply_tried_again() {
    let space = project(&script(
        "sync",
        "idempotent",
        "echo $COORD_IDEMPOTENCY_KEY >> effect\necho on > on\ntest $COORD_ATTEMPT -gt 1 || exec sleep 60",
    ));
    let live = start(&space, &[]);
    until_file(&space, "on");
    crash(live);
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ! sync: attempt 1 was cut off
    [TIME] ↻ sync is tried again
    [TIME] ▶ sync (attempt 2)
    [TIME] ✔ sync  [TOOK]
    run r completed in [TOOK]: 1 completed
    "#);
    let keys = std::fs::read_to_string(space.path("effect")).unwrap();
    let keys: Vec<&str> = keys.lines().collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
}

/// The machine has booted since: what was written without a flush may be lost.
fn boot_again(space: &Space) {
    let mark = space.path(".coord-state/logs/r/.spawned.boot");
    assert!(mark.exists());
    std::fs::write(mark, "another boot").unwrap();
}

/// One slot: `t0` is at work, the others are written down ahead of it.
fn one_slot(space: &Space) -> Started<'_> {
    let live = start(space, &["--parallel", "1"]);
    until_file(space, "t0");
    live
}

fn four_tasks() -> Space {
    let task = |name: &str| {
        script(
            name,
            "",
            "echo on > $COORD_TASK\nuntil test -e go; do sleep 0.01; done",
        )
    };
    project(&["t0", "t1", "t2", "t3"].map(task).concat())
}

fn doubts(space: &Space) -> usize {
    space.coord(&["resume", "--no-wait"]).run();
    status(space)["items"].as_array().unwrap().len()
}

#[test]
fn what_was_only_written_down_is_in_doubt_after_another_boot_alone() {
    let space = four_tasks();
    crash(one_slot(&space));
    std::fs::write(space.path("go"), "").unwrap();
    assert_eq!(doubts(&space), 1);
    assert!(
        ["t1", "t2", "t3"]
            .iter()
            .all(|t| of_task(&space, t, "state") == "COMPLETED")
    );

    let space = four_tasks();
    crash(one_slot(&space));
    std::fs::write(space.path("go"), "").unwrap();
    boot_again(&space);
    assert_eq!(doubts(&space), 4);
}

#[test]
fn nothing_of_a_paused_run_is_in_doubt_after_another_boot() {
    let space = four_tasks();
    let live = one_slot(&space);
    send(live.pid(), Signal::INT);
    until("the order to stop", || {
        (status(&space)["state"] == "stopping").then_some(())
    });
    std::fs::write(space.path("go"), "").unwrap();
    live.wait().exits(130);
    boot_again(&space);
    fine(&space, &["resume"]);
}

#[test]
fn a_pause_before_another_try_outlives_a_crash() {
    let space = project(&script(
        "flaky",
        "retry 2 every 2s",
        "echo $COORD_ATTEMPT >> tries\ntest $COORD_ATTEMPT -gt 1",
    ));
    let live = start(&space, &[]);
    let due = until("the back-off", || {
        let ran = space.coord(&["logs", "r", "--events"]).run();
        let line = ran
            .stdout
            .lines()
            .find(|l| l.contains("task.retry-scheduled"))?
            .to_string();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["due_ms"].as_i64()
    });
    crash(live);
    fine(&space, &["resume"]);
    let started = events(&space)
        .iter()
        .rfind(|e| e["kind"] == "task.started")
        .unwrap()["at"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    let late = started.as_millisecond() - due;
    assert!((0..1000).contains(&late), "{late} ms after it was due");
    assert_eq!(
        std::fs::read_to_string(space.path("tries")).unwrap(),
        "1\n2\n"
    );
}

// ---------------------------------------------------------------- orphans

/// New sessions, double forks, no ears for SIGTERM, an empty environment; each with the marker
/// among its arguments.
const EVIL: &str = "trap '' TERM
mark=$EVIL_MARK
stay='trap \"\" TERM HUP; while :; do sleep 1; done'
sh -c \"$stay\" $mark &
nohup sh -c \"$stay\" $mark >/dev/null 2>&1 &
setsid sh -c \"$stay\" $mark &
(setsid sh -c \"$stay\" $mark &)
env -i /bin/sh -c \"$stay\" $mark &
(setsid env -i /bin/sh -c \"$stay\" $mark &)
echo on > on
while :; do sleep 1; done";

fn evil(name: &str, timeout: &str) -> (Space, String) {
    let mark = format!("evil-{name}-{}", std::process::id());
    let task = script("evil", &format!("env EVIL_MARK \"{mark}\""), EVIL)
        .replace("timeout 60s", &format!("timeout {timeout}"));
    (project(&task), mark)
}

/// Living processes with the marker.
fn marked(mark: &str) -> Vec<i32> {
    let has = |pid: i32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes
            .windows(mark.len())
            .any(|part| part == mark.as_bytes())
    };
    pids()
        .filter(|pid| has(*pid, "cmdline") || has(*pid, "environ"))
        .filter(|pid| !matches!(stat(*pid), None | Some(('Z', _))))
        .collect()
}

fn pids() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
}

/// State and parent.
fn stat(pid: i32) -> Option<(char, i32)> {
    let text =
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn children(of: u32) -> Vec<u32> {
    pids()
        .filter(|pid| stat(*pid).is_some_and(|(_, parent)| parent == of as i32))
        .map(|pid| pid as u32)
        .collect()
}

#[track_caller]
fn started_evil<'s>(space: &'s Space, mark: &str) -> Started<'s> {
    let live = start(space, &[]);
    until_file(space, "on");
    assert!(marked(mark).len() >= 7, "{:?}", marked(mark));
    live
}

#[track_caller]
fn gone_within_a_second(mark: &str) {
    let since = Instant::now();
    until("the end of the tree", || {
        marked(mark).is_empty().then_some(())
    });
    assert!(
        since.elapsed() < Duration::from_secs(1),
        "{:?}",
        since.elapsed()
    );
}

#[test]
fn a_cancelled_task_leaves_nobody() {
    let (space, mark) = evil("cancel", "60s");
    let live = started_evil(&space, &mark);
    fine(&space, &["cancel"]);
    live.wait().exits(1);
    gone_within_a_second(&mark);
}

#[test]
fn a_task_that_takes_too_long_leaves_nobody() {
    let (space, mark) = evil("timeout", "500ms");
    run(&space, &[]).exits(1);
    gone_within_a_second(&mark);
}

#[test]
fn two_interrupts_leave_nobody() {
    let (space, mark) = evil("interrupt", "60s");
    let live = started_evil(&space, &mark);
    send(live.pid(), Signal::INT);
    until("the order to stop", || {
        (status(&space)["state"] == "stopping").then_some(())
    });
    send(live.pid(), Signal::INT);
    live.wait().exits(130);
    gone_within_a_second(&mark);
}

#[test]
fn kill_9_of_coord_leaves_nobody() {
    let (space, mark) = evil("kill", "60s");
    crash(started_evil(&space, &mark));
    gone_within_a_second(&mark);
}

#[test]
fn kill_9_of_coord_and_its_helpers_is_swept_up_by_resume() {
    let (space, mark) = evil("sweep", "60s");
    let live = started_evil(&space, &mark);
    let reapers = children(live.pid());
    let shims: Vec<u32> = reapers.iter().flat_map(|pid| children(*pid)).collect();
    assert!(!reapers.is_empty() && !shims.is_empty());
    let helpers = [reapers, shims].concat();
    // stopped first, so that none of them has the time to clean up
    helpers.iter().for_each(|pid| send(*pid, Signal::STOP));
    send(live.pid(), Signal::KILL);
    helpers.iter().for_each(|pid| send(*pid, Signal::KILL));
    drop(live);
    let left = marked(&mark);
    assert!(left.len() >= 7, "{left:?}");
    space.coord(&["resume", "--no-wait"]).run().exits(3);
    // With nobody left that knows the tree, who has left his session and has emptied his
    // environment cannot be told from a stranger.
    let hidden = marked(&mark);
    assert!(hidden.len() <= 1, "{hidden:?} of {left:?}");
    hidden
        .iter()
        .for_each(|pid| send(*pid as u32, Signal::KILL));
}

// ---------------------------------------------------------------- journals that cannot be trusted

fn journal(space: &Space) -> std::path::PathBuf {
    space.path(".coord-state/journal.db")
}

/// A run that has failed, so that it can be resumed or retried.
fn stopped() -> Space {
    let space = project(&script("t", "", "false"));
    run(&space, &[]).exits(1);
    space
}

#[track_caller]
fn refuses(space: &Space, spoil: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = std::fs::read(journal(space)).unwrap();
    spoil(&mut bytes);
    std::fs::write(journal(space), &bytes).unwrap();
    let mut all = String::new();
    for args in [
        &["status"][..],
        &["resume"],
        &["retry", "t"],
        &["runs"],
        &["inbox"],
        &["logs"],
    ] {
        let ran = space.coord(args).run().exits(4);
        assert!(ran.stderr.contains("journal.db"), "{args:?}: {ran}");
        assert!(
            std::fs::read(journal(space)).unwrap() == bytes,
            "{args:?} changed the file"
        );
        if all.is_empty() {
            all = ran.stderr;
        }
    }
    all
}

#[test]
fn a_journal_that_cannot_be_trusted_is_refused_and_left_alone() {
    let other = stopped();
    let cut = refuses(&stopped(), |bytes| bytes.truncate(bytes.len() / 2));
    let swapped = refuses(&stopped(), |bytes| {
        *bytes = std::fs::read(journal(&other)).unwrap()
    });
    let text = refuses(&stopped(), |bytes| {
        *bytes = b"once upon a time\n".repeat(500)
    });
    // SQLite's user version
    let newer = refuses(&stopped(), |bytes| {
        bytes[60..64].copy_from_slice(&99u32.to_be_bytes())
    });
    let flipped = refuses(&stopped(), |bytes| {
        let at = bytes
            .windows(12)
            .position(|part| part == b"task.started")
            .unwrap();
        bytes[at] ^= 1;
    });
    assert_snapshot!([cut, swapped, text, newer, flipped].concat(), @r#"
    error: the journal `[SPACE]/.coord-state/journal.db` has lost its end: it has 12288 of 24576 bytes; nothing was changed, put the missing file back or restore a backup
    error: the journal `[SPACE]/.coord-state/journal.db` is damaged at event 7: its end is not the one its witness saw; files of two journals are mixed; nothing was changed, restore a backup
    error: `[SPACE]/.coord-state/journal.db` is not a coord journal: it is not an SQLite database; move it away or set COORD_HOME to another folder
    error: `[SPACE]/.coord-state/journal.db` was written by a newer coord (journal format 99, this one knows 1); it was left untouched, use the newer coord
    error: the journal `[SPACE]/.coord-state/journal.db` is damaged at event 3 of run number 1: the hash chain is broken; nothing was changed, restore a backup
    "#);
}

// ---------------------------------------------------------------- two at once, and other files

#[test]
fn a_project_has_one_owner() {
    let space = waiting();
    let live = start(&space, &[]);
    until_file(&space, "on");
    let pid = live.pid().to_string();
    let named = |ran: Ran| {
        timeless(ran)
            .replace(&pid, "[PID]")
            .replace(&hostname(), "[HOST]")
            .replace(|c: char| c.is_ascii_digit(), "9")
    };
    assert_snapshot!(named(space.coord(&["resume"]).run().exits(4)), @r#"
    exit status: 9
    --- stderr
    error: `[SPACE]/.coord-state/lock` is in use: pid [PID] on [HOST] has been running `coord run --run-id r` for 9 s; wait for it or stop it
    "#);
    assert_snapshot!(named(space.coord(&["run"]).run().exits(4)), @r#"
    exit status: 9
    --- stderr
    error: `[SPACE]/.coord-state/lock` is in use: pid [PID] on [HOST] has been running `coord run --run-id r` for 9 s; wait for it or stop it
    "#);
    std::fs::write(space.path("go"), "").unwrap();
    live.wait().exits(0);
}

#[test]
fn a_run_that_nobody_runs_is_told_from_the_one_at_work() {
    let space = in_doubt();
    let space = space.file(
        "other.coord",
        "edition 2026\n\nhuman ann \"Ann\"\ntask sign { by ann }\n",
    );
    let live = space
        .coord(&["run", "other.coord", "--run-id", "other"])
        .start();
    until("the item", || {
        fine(&space, &["inbox"])
            .stdout
            .contains("sign")
            .then_some(())
    });
    assert_snapshot!(said(&space, &["status", "r"]), @r#"
    exit status: 0
    --- stdout
    run r of main.coord: running; nobody runs it now
    started [AT]

    ▶ pay   in-progress local
    ⏸ thank blocked     local                        waits for `pay` to be done

    `coord resume r` goes on
    "#);
    assert!(!fine(&space, &["status", "other"]).stdout.contains("resume"));
    let why = fine(&space, &["why", "r", "pay"]).stdout;
    assert!(
        why.ends_with("nobody runs it now; `coord resume r` goes on\n"),
        "{why}"
    );
    assert!(
        !fine(&space, &["why", "other", "sign"])
            .stdout
            .contains("resume")
    );
    // ends although somebody is at work here
    fine(&space, &["logs", "r", "pay", "-f"]);
    assert_snapshot!(said(&space, &["skip", "r", "pay"]), @r#"
    exit status: 2
    --- stderr
    error: run `other` is the one at work now; `r` has to wait for its end
    "#);
    fine(&space, &["done", "sign", "--run", "other"]);
    live.wait().exits(0);
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap()
        .trim()
        .to_string()
}

#[test]
fn a_run_keeps_the_plan_it_was_started_with() {
    let space = in_doubt();
    let space = space.file(
        "main.coord",
        "edition 2026\n\ntask other { run [\"false\"] }\n",
    );
    assert_snapshot!(said(&space, &["resume", "--no-wait"]), @r#"
    exit status: 3
    --- stderr
    main.coord has changed since this run was started; the run goes on with the plan it has
    run r of main.coord goes on
    [TIME] ! pay: attempt 1 was cut off
    [TIME] ? pay is in doubt: nobody knows whether it was done
    [TIME] ? somebody (item 1: say what became of `pay`: it was cut off)
          coord done 1, coord retry pay, coord skip pay or coord reject 1
    [TIME] ■ stopping (--no-wait)
    run r waits for people: 1 in doubt, 1 not done
      `coord inbox` shows what is asked, `coord resume r` goes on
    "#);
    fine(&space, &["done", "1"]);
    std::fs::remove_file(space.path("main.coord")).unwrap();
    assert_snapshot!(said(&space, &["resume"]), @r#"
    exit status: 0
    --- stderr
    run r of main.coord goes on
    [TIME] ▶ thank
    [TIME] ✔ thank  [TOOK]
    run r completed in [TOOK]: 2 completed
    "#);
}
