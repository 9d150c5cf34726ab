//! Runs with drivers of their own: what they are given, how they end, and what a crash leaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use coord::build::{Agent, Approval, Draft, Human, Resource, Retry, Task};
use coord::{
    Answer, Ask, Done, End, Error, Job, Local, Orders, Project, Question, Reach, Status, Stop,
    Verdict, Virtual,
};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

fn mine() -> Reach {
    Reach::Label("mine".into())
}

/// Tasks `a` and `b`, one after the other, of an agent of ours.
fn pair() -> Project {
    Draft::new("pair")
        .with(Agent::new("me").via_label("mine").env("TONE", "dry"))
        .with(Task::new("a").by("me").doc("Think.").ask("What?"))
        .with(Task::new("b").by("me").needs("a").env("TONE", "warm"))
        .compile()
        .unwrap()
}

fn one(task: Task) -> Project {
    Draft::new("one")
        .with(Agent::new("me").via_label("mine"))
        .with(Human::new("lead"))
        .with(Human::new("boss"))
        .with(task.by("me"))
        .compile()
        .unwrap()
}

#[test]
fn a_driver_is_given_all_that_a_program_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&jobs);
    let report = Local::new(folder.path())
        .drive(mine(), move |job: &Job, _: &Stop| {
            seen.lock().unwrap().push(job.clone());
            Done::well().output("answer", "42").output("no name!", "")
        })
        .run(&pair())
        .unwrap();
    assert_eq!(report.end(), End::Completed);
    assert_eq!(report.outputs("a").unwrap().len(), 1);
    let jobs = jobs.lock().unwrap();
    let [a, b] = jobs.as_slice() else {
        panic!("{jobs:?}")
    };
    assert_eq!(a.ask.as_deref(), Some("What?"));
    assert!(a.brief.contains("Think."), "{}", a.brief);
    assert_eq!(a.env["TONE"], "dry");
    assert_eq!((b.env["TONE"].as_str(), b.attempt), ("warm", 1));
    assert_eq!(b.output("a", "answer"), Some("42"));
    assert_eq!(b.run, report.run());
    assert_ne!(a.idempotency_key, b.idempotency_key);
    assert_eq!(b.folder, std::fs::canonicalize(folder.path()).unwrap());
}

#[test]
fn a_failure_is_tried_again_and_keeps_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let retry = Retry::times(2)
        .every(Duration::from_millis(1))
        .on_exit([75]);
    let report = Local::new(folder.path())
        .drive(mine(), |job: &Job, _: &Stop| match job.attempt {
            1 => Done::exit(75, "the service is busy"),
            _ => Done::failed("the service\nsaid no"),
        })
        .run(&one(Task::new("a").retry(retry)))
        .unwrap();
    assert_eq!((report.end(), report.attempts("a")), (End::Failed, Some(2)));
    let log = folder.path().join(".coord-state/logs");
    let log = log.join(report.run()).join("a.2.log");
    assert_eq!(
        std::fs::read_to_string(log).unwrap(),
        "the service\nsaid no\n"
    );
}

#[test]
fn a_driver_that_is_too_slow_is_asked_to_stop_and_then_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let task = || Task::new("a").timeout(Duration::from_millis(20));
    let report = Local::new(folder.path())
        .drive(mine(), |_: &Job, stop: &Stop| {
            assert!(stop.wait(Duration::from_secs(60)));
            Done::well()
        })
        .run(&one(task()))
        .unwrap();
    assert_eq!(report.end(), End::Failed);

    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let report = Local::new(folder.path())
        .grace(Duration::from_millis(1))
        .drive(mine(), move |_: &Job, _: &Stop| {
            let _let_go = held.lock().unwrap().recv();
            Done::well()
        })
        .run(&one(task()))
        .unwrap();
    assert_eq!(report.end(), End::Failed);
    drop(let_go);
}

#[test]
fn a_driver_that_panics_leaves_a_doubt_that_people_settle() {
    let folder = tempfile::tempdir().unwrap();
    let report = Local::new(folder.path())
        .drive(mine(), |job: &Job, _: &Stop| match job.attempt {
            1 => panic!("no such case"),
            _ => Done::well(),
        })
        .people(|asked: &Question| (asked.ask == Ask::Doubt).then(Answer::retry))
        .run(&one(Task::new("a")))
        .unwrap();
    assert_eq!(
        (report.end(), report.attempts("a")),
        (End::Completed, Some(2))
    );
}

#[test]
fn capacity_and_resources_hold_for_drivers() {
    let folder = tempfile::tempdir().unwrap();
    let mut draft = Draft::new("many")
        .with(Agent::new("me").via_label("mine").capacity(5))
        .with(Resource::new("desk").capacity(2));
    for i in 0..8 {
        draft.push(Task::new(format!("t{i}")).by("me").uses("desk", 1));
    }
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&most);
    let report = Local::new(folder.path())
        .parallel(4)
        .drive(mine(), move |_: &Job, _: &Stop| {
            let at_work = now.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(at_work, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            Done::well()
        })
        .run(&draft.compile().unwrap())
        .unwrap();
    assert!(report.is_completed());
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[test]
fn people_answer_here_and_the_rest_waits_in_the_inbox() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::new("a").approve(Approval::quorum(2, ["lead", "boss"]));
    let report = Local::new(folder.path())
        .no_wait()
        .drive(mine(), |_: &Job, _: &Stop| Done::well())
        .people(|asked: &Question| {
            let lead = asked.of.iter().find(|name| *name == "lead")?;
            Some(Answer::yes().by(lead))
        })
        .run(&one(task))
        .unwrap();
    assert_eq!(report.end(), End::WaitingForPeople);
    let orders = Orders::new(folder.path().join(".coord-state"), report.run()).unwrap();
    let look = orders.look().unwrap();
    let (item, _) = look.state.open_items().next().unwrap();
    orders
        .answer(item.0, "lead", Verdict::Approve, "again")
        .unwrap_err();
    orders.answer(item.0, "boss", Verdict::Approve, "").unwrap();
    let report = Local::new(folder.path())
        .drive(mine(), |_: &Job, _: &Stop| Done::failed("called again"))
        .resume(None)
        .unwrap();
    assert!(report.is_completed());
}

#[test]
fn a_run_takes_orders_while_a_driver_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join(".coord-state");
    let (started, at_work) = mpsc::channel();
    let started = Mutex::new(started);
    let local = Local::new(folder.path()).drive(mine(), move |job: &Job, stop: &Stop| {
        started.lock().unwrap().send(job.run.clone()).unwrap();
        stop.wait(Duration::from_secs(60));
        Done::failed("stopped")
    });
    let project = pair();
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| local.run(&project));
        let run = at_work.recv().unwrap();
        let orders = Orders::new(&home, run).unwrap();
        orders.cancel("me", "changed my mind").unwrap();
        running.join().unwrap()
    });
    let report = report.unwrap();
    assert_eq!(report.end(), End::Cancelled);
    assert_eq!(report.status("b"), Some(Status::Cancelled));
}

#[test]
fn what_cannot_be_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let local = || Local::new(folder.path());
    let refused = |said: Result<_, Error>, words: &str| {
        let said = said.map(|_: coord::Report| ()).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    };
    refused(
        local().run(&pair()),
        "`me`, who does `a`, is reached `via remote`",
    );
    let programs = |program: &str| {
        let task = Task::new("a").run([program]);
        Draft::new("p").with(task).compile().unwrap()
    };
    refused(local().run(&programs("true")), "coord::helper()");
    refused(
        local().run(&programs("no-such-program")),
        "not on this machine: `no-such-program` for `a`",
    );
    refused(local().resume(None), "no run here");
    refused(local().resume(Some("x")), "there is no run `x`");
    refused(
        Local::new(folder.path().join("gone")).run(&programs("true")),
        "cannot enter the project's folder",
    );
    refused(Virtual::new().run(&pair()), "via remote");
}

#[test]
fn it_may_be_called_where_a_runtime_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let report = runtime.block_on(async {
        Local::new(folder.path())
            .drive(mine(), |_: &Job, _: &Stop| Done::well())
            .run(&pair())
    });
    assert!(report.unwrap().is_completed());
}

#[test]
fn a_driver_may_stand_in_for_a_program() {
    let task = Task::new("a").run(["no-such-program", "--fast"]);
    let project = Draft::new("p").with(task).compile().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = Local::new(folder.path())
        .drive(Reach::Agent("local".into()), |job: &Job, _: &Stop| {
            Done::well().output("program", format!("{:?}", job.program))
        })
        .run(&project)
        .unwrap();
    assert_eq!(
        report.outputs("a").unwrap()["program"],
        "Some(Argv([\"no-such-program\", \"--fast\"]))"
    );
}

#[test]
fn the_same_happens_in_virtual_time_every_time() {
    let run = || {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let report = Virtual::new()
            .drive(mine(), |_: &Job, _: &Stop| {
                Done::well().took(Duration::from_secs(7 * 24 * 3600))
            })
            .watch(move |of| {
                let about = of.about().map(str::to_string);
                seen.lock()
                    .unwrap()
                    .push((of.event.at_ms, of.kind(), about));
            })
            .run(&pair())
            .unwrap();
        assert_eq!(report.took_ms(), Some(2 * 7 * 24 * 3_600_000));
        events.lock().unwrap().clone()
    };
    let first = run();
    assert_eq!(first.last().unwrap().1, "run.completed");
    assert_eq!(first, run());
}

// ---- a crash ----------------------------------------------------------------------------------

const FOLDER: &str = "COORD_TEST_FOLDER";

/// Not a test: the program that is killed by the ones below.
#[test]
#[ignore = "run by others"]
fn that_hangs() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let local = Local::new(folder).drive(mine(), |job: &Job, _: &Stop| {
        println!("at work on {}", job.task);
        loop {
            std::thread::park();
        }
    });
    let _never = local.run(&crashed_project());
}

fn crashed_project() -> Project {
    Draft::new("crash")
        .with(Agent::new("me").via_label("mine").capacity(2))
        .with(Task::new("once").by("me"))
        .with(Task::new("often").by("me").idempotent())
        .compile()
        .unwrap()
}

fn crash(folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["that_hangs", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at_work = lines
        .map_while(Result::ok)
        .filter(|l| l.contains("at work on"));
    assert_eq!(at_work.take(2).count(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_a_crash_cut_off_is_never_silently_repeated() {
    let folder = tempfile::tempdir().unwrap();
    crash(folder.path());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let called = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&called);
    let report = Local::new(folder.path())
        .drive(mine(), move |job: &Job, _: &Stop| {
            calls.lock().unwrap().push((job.task.clone(), job.attempt));
            Done::well()
        })
        .people(move |question: &Question| {
            heard
                .lock()
                .unwrap()
                .push((question.task.clone(), question.ask));
            Some(Answer::yes().note("I looked: it was done"))
        })
        .resume(None)
        .unwrap();
    assert!(report.is_completed(), "{:?}", report.end());
    assert_eq!(
        *asked.lock().unwrap(),
        [(Some("once".to_string()), Ask::Doubt)]
    );
    assert_eq!(*called.lock().unwrap(), [("often".to_string(), 2)]);
}
