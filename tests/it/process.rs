//! Programs are started, stopped and read whatever they do to escape.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use coord_host::process::{
    Child, Ending, ExitReport, LiveLine, Marker, Mask, OutputSpec, OutputSummary, Reaper,
    SpawnError, SpawnSpec, Stdin, Stream, boot_id, pump, sweep,
};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

const MARKER: &str = "COORD_TEST_MARKER";
/// Set when this test binary plays a `coord` that gets killed; its value marks the tasks.
const STAND_IN: &str = "COORD_TEST_STAND_IN";

/// Eight processes: plain, nohup, new session, deaf to SIGTERM, double-forked, stopped, without
/// the environment marker, and the shell that waits for them.
const EVIL: &str = r#"
    trap '' TERM
    sleep 1000 &
    nohup sleep 1000 >/dev/null 2>&1 &
    setsid sleep 1000 &
    (trap '' TERM HUP; exec sleep 1000) &
    (setsid sh -c 'trap "" TERM; sleep 1000 & sleep 1000' &)
    (kill -STOP $(sh -c 'echo $PPID'); sleep 1000) &
    (setsid setsid sleep 1000 &)
    echo ready
    wait
    sleep 1000
"#;

fn reaper() -> Reaper {
    Reaper::start(Path::new(env!("CARGO_BIN_EXE_coord"))).unwrap()
}

fn sh(script: &str) -> SpawnSpec {
    let mut spec = SpawnSpec::new(["sh", "-c", script], Path::new("/"));
    spec.env = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    spec
}

fn marked(script: &str, marker: &str) -> SpawnSpec {
    let mut spec = sh(script);
    spec.env.push((MARKER.into(), marker.into()));
    spec
}

fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// Runs to the end and gives what was printed.
async fn run(reaper: &Reaper, spec: SpawnSpec) -> (ExitReport, String) {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let child = reaper.spawn(spec).await.unwrap();
    let (report, _) = finish(child, OutputSpec::new(&log)).await;
    (report, fs::read_to_string(&log).unwrap_or_default())
}

async fn finish(mut child: Child, output: OutputSpec) -> (ExitReport, OutputSummary) {
    let (dead, tree_dead) = oneshot::channel();
    let pump = tokio::spawn(pump(child.take_output().unwrap(), output, tree_dead));
    let report = child.wait().await;
    drop(dead);
    (report, pump.await.unwrap())
}

/// Living processes whose environment or arguments hold the marker.
fn marked_processes(marker: &str) -> Vec<i32> {
    let holds = |pid: i32, file: &str| {
        let content = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        content
            .windows(marker.len())
            .any(|window| window == marker.as_bytes())
    };
    pids()
        .filter(|pid| *pid != std::process::id() as i32)
        .filter(|pid| holds(*pid, "environ") || holds(*pid, "cmdline"))
        .filter(|pid| !matches!(state(*pid), None | Some('Z')))
        .collect()
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
}

fn stat(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn program_name(pid: i32) -> Option<String> {
    Some(
        fs::read_to_string(format!("/proc/{pid}/comm"))
            .ok()?
            .trim_end()
            .to_owned(),
    )
}

fn state(pid: i32) -> Option<char> {
    stat(pid)?.first()?.chars().next()
}

/// Gone, or a zombie that whoever adopted it has not reaped.
fn dead(pid: i32) -> bool {
    state(pid).is_none_or(|state| state == 'Z')
}

fn parent(pid: i32) -> Option<i32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// Waits for a condition, at most `limit`; gives the time it took.
async fn eventually(limit: Duration, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "still not so after {limit:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

async fn count_reaches(marker: &str, count: usize) {
    eventually(Duration::from_secs(10), || {
        marked_processes(marker).len() >= count
    })
    .await;
}

/// Waits for a `sleep`: a shell that has just forked one may lose a signal, the sleep does not.
async fn sleeps(marker: &str) {
    let is_sleep = |pid: &i32| program_name(*pid).is_some_and(|name| name == "sleep");
    let limit = Duration::from_secs(10);
    eventually(limit, || marked_processes(marker).iter().any(is_sleep)).await;
}

async fn gone(marker: &str) -> Duration {
    eventually(Duration::from_secs(1), || {
        marked_processes(marker).is_empty()
    })
    .await
}

#[tokio::test]
async fn exit_codes_and_signals_are_exact() {
    let reaper = reaper();
    for code in [0, 1, 2, 42, 126, 127, 128, 137, 255] {
        let (report, _) = run(&reaper, sh(&format!("exit {code}"))).await;
        assert_eq!((report.ending, report.killed), (Ending::Exited(code), 0));
    }
    for signal in [1, 2, 3, 6, 9, 11, 13, 15, 25, 34, 64] {
        let (report, _) = run(&reaper, sh(&format!("kill -{signal} $$; sleep 5"))).await;
        assert_eq!(report.ending, Ending::Signaled(signal));
    }
}

#[tokio::test]
async fn cpu_time_and_memory_of_the_tree_are_reported() {
    let reaper = reaper();
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let (report, _) = run(&reaper, sh(&format!("sh -c '{script}'; true"))).await;
    assert!(report.user > Duration::from_millis(20), "{report:?}");
    assert!((500..100_000).contains(&report.max_rss_kib), "{report:?}");
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let script = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let closed = script("closed", "#!/bin/sh\n", 0o644);
    let lost = script("lost", "#!/no/such/interpreter\n", 0o755);
    let text = script("text", "hello\n", 0o755);
    let error = async |spec: SpawnSpec| reaper.spawn(spec).await.err().map(|e| e.to_string());
    let of = |program: &Path| SpawnSpec::new([program], folder.path());
    let says = |text: String| Some(text);

    let missing = error(of(Path::new("no-such-program"))).await;
    assert_eq!(missing, says("program `no-such-program` not found".into()));
    let missing = error(of(Path::new("./no-such-program"))).await;
    assert_eq!(
        missing,
        says("program `./no-such-program` not found".into())
    );
    let forbidden = error(of(&closed)).await;
    assert_eq!(
        forbidden,
        says(format!("no permission to execute `{}`", closed.display()))
    );
    let no_interpreter = error(of(&lost)).await;
    assert_eq!(
        no_interpreter,
        says(format!(
            "the interpreter of `{}` was not found",
            lost.display()
        ))
    );
    assert_eq!(
        error(of(&text)).await,
        says(format!("`{}` is not a program", text.display()))
    );
    let nowhere = error(SpawnSpec::new(["true"], Path::new("/no/such/folder"))).await;
    assert_eq!(
        nowhere,
        says("cannot enter the working directory `/no/such/folder`".into())
    );
    let nul = error(SpawnSpec::new(["true", "a\0b"], Path::new("/"))).await;
    assert_eq!(
        nul,
        says("cannot pass an argument with a NUL byte to a program".into())
    );
    let long = error(SpawnSpec::new(
        ["true".to_owned(), "x".repeat(200_000)],
        Path::new("/"),
    ))
    .await;
    assert_eq!(
        long,
        says("arguments and environment of `true` are too long".into())
    );
    let (report, _) = run(&reaper, sh("exit 3")).await;
    assert_eq!(report.ending, Ending::Exited(3));
}

#[tokio::test]
async fn a_program_planted_in_the_working_directory_is_not_found_by_name() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let planted = folder.path().join("planted");
    fs::copy("/bin/true", &planted).unwrap();
    let mut spec = SpawnSpec::new(["planted"], folder.path());
    spec.env = vec![("PATH".into(), "::.:bin:/usr/bin".into())];
    assert!(matches!(
        reaper.spawn(spec).await,
        Err(SpawnError::NotFound { .. })
    ));
    let by_path = SpawnSpec::new(["./planted"], folder.path());
    assert_eq!(run(&reaper, by_path).await.0.ending, Ending::Exited(0));
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_may_be_big() {
    let reaper = reaper();
    let mut spec = SpawnSpec::new(["/usr/bin/env"], Path::new("/"));
    spec.env = vec![("ONE".into(), "1".into()), ("TWO".into(), "a=b c".into())];
    assert_eq!(run(&reaper, spec).await.1, "ONE=1\nTWO=a=b c\n");

    let mut big = sh("echo ${#BIG_0} ${#BIG_9}");
    big.env.extend((0..10).map(|i| {
        (
            OsString::from(format!("BIG_{i}")),
            "x".repeat(100_000).into(),
        )
    }));
    assert_eq!(run(&reaper, big).await.1, "100000 100000\n");
}

#[tokio::test]
async fn a_task_inherits_three_descriptors_default_signals_and_its_own_session() {
    let reaper = reaper();
    let (_, fds) = run(&reaper, sh("ls -l /proc/self/fd; readlink /proc/self/cwd")).await;
    let places: Vec<&str> = fds
        .lines()
        .filter_map(|line| line.split(' ').rev().nth(2))
        .collect();
    assert_eq!(
        places,
        ["0", "1", "2", "3"],
        "3 is the folder that ls reads:\n{fds}"
    );
    assert!(
        fds.contains("0 -> /dev/null") && fds.ends_with("\n/\n"),
        "{fds}"
    );

    let (_, masks) = run(
        &reaper,
        sh("grep -E '^Sig(Blk|Ign)|^NoNewPrivs' /proc/self/status"),
    )
    .await;
    let zero = "0000000000000000";
    assert_eq!(
        masks,
        format!("SigBlk:\t{zero}\nSigIgn:\t{zero}\nNoNewPrivs:\t0\n")
    );

    let session = "cut -d' ' -f1,5,6 /proc/$$/stat";
    let (_, ids) = run(&reaper, sh(session)).await;
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
}

#[tokio::test]
async fn a_task_reads_the_stdin_it_is_given() {
    let reaper = reaper();
    let (read_end, mut write_end) = std::io::pipe().unwrap();
    let mut spec = sh("cat");
    spec.stdin = Stdin::Fd(read_end.into());
    std::io::Write::write_all(&mut write_end, b"hello").unwrap();
    drop(write_end);
    assert_eq!(run(&reaper, spec).await.1, "hello");
}

#[tokio::test]
async fn an_evil_tree_is_gone_after_kill() {
    let reaper = reaper();
    let marker = unique("evil-kill");
    let mut child = reaper.spawn(marked(EVIL, &marker)).await.unwrap();
    count_reaches(&marker, 9).await;
    let start = Instant::now();
    child.kill();
    let report = child.wait().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!((report.ending, report.survivors), (Ending::Signaled(9), 0));
    assert!(report.killed >= 8, "{report:?}");
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn an_evil_tree_is_gone_after_a_timeout_with_grace() {
    let reaper = reaper();
    let marker = unique("evil-stop");
    let mut child = reaper.spawn(marked(EVIL, &marker)).await.unwrap();
    count_reaches(&marker, 9).await;
    let report = child.stop(Duration::from_millis(200)).await;
    assert_eq!((report.ending, report.survivors), (Ending::Signaled(9), 0));
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_polite_tree_ends_at_sigterm_within_its_grace() {
    let reaper = reaper();
    let marker = unique("polite");
    let script = "trap 'exit 7' TERM; setsid sleep 1000 & kill -STOP $$; wait";
    let mut child = reaper.spawn(marked(script, &marker)).await.unwrap();
    sleeps(&marker).await;
    let pid = child.identity().pid;
    eventually(Duration::from_secs(5), || state(pid) == Some('T')).await;
    let report = child.stop(Duration::from_secs(20)).await;
    assert_eq!((report.ending, report.killed), (Ending::Exited(7), 0));
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn all_of_a_tree_has_the_grace_not_only_its_main_program() {
    let reaper = reaper();
    let marker = unique("grace");
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let script =
        "(trap 'sleep 0.2; echo flushed; exit' TERM; echo ready; sleep 1000 & wait) & wait";
    let mut child = reaper.spawn(marked(script, &marker)).await.unwrap();
    let (_dead, tree_dead) = oneshot::channel();
    let streams = child.take_output().unwrap();
    let pump = tokio::spawn(pump(streams, OutputSpec::new(&log), tree_dead));
    sleeps(&marker).await;
    let report = child.stop(Duration::from_secs(20)).await;
    assert_eq!((report.ending, report.killed), (Ending::Signaled(15), 0));
    pump.await.unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "ready\nflushed\n");
}

#[tokio::test]
async fn dropping_the_child_kills_its_tree() {
    let reaper = reaper();
    let marker = unique("evil-drop");
    let child = reaper.spawn(marked(EVIL, &marker)).await.unwrap();
    count_reaches(&marker, 9).await;
    drop(child);
    gone(&marker).await;
}

#[tokio::test]
async fn an_evil_tree_is_gone_after_kill_9_of_coord() {
    let marker = unique("evil-orphan");
    let mut coord = stand_in(&marker);
    count_reaches(&marker, 27).await;
    coord.kill().unwrap();
    coord.wait().unwrap();
    gone(&marker).await;
}

#[tokio::test]
async fn an_evil_tree_is_gone_after_kill_9_of_coord_and_the_shims() {
    let marker = unique("evil-both");
    let mut coord = stand_in(&marker);
    count_reaches(&marker, 27).await;
    let reaper = pids()
        .find(|pid| parent(*pid) == Some(coord.id() as i32))
        .unwrap();
    let shims: Vec<i32> = pids().filter(|pid| parent(*pid) == Some(reaper)).collect();
    assert_eq!(shims.len(), 3);
    coord.kill().unwrap();
    shims.iter().for_each(|shim| kill_9(*shim));
    coord.wait().unwrap();
    gone(&marker).await;
    eventually(Duration::from_secs(1), || dead(reaper)).await;
}

#[tokio::test]
async fn a_sweep_finds_what_outlived_coord_reaper_and_shims() {
    let marker = unique("evil-all");
    let mut coord = stand_in(&marker);
    count_reaches(&marker, 27).await;
    let reaper = pids()
        .find(|pid| parent(*pid) == Some(coord.id() as i32))
        .unwrap();
    let shims: Vec<i32> = pids().filter(|pid| parent(*pid) == Some(reaper)).collect();
    kill_9(reaper);
    shims.iter().for_each(|shim| kill_9(*shim));
    coord.kill().unwrap();
    coord.wait().unwrap();
    assert!(marked_processes(&marker).len() >= 24);
    let name = Marker {
        name: MARKER.into(),
        value: (&marker).into(),
    };
    assert!(sweep(&[], Some(&name)).unwrap() >= 24);
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
    assert_eq!(boot_id().unwrap().len(), 36);
}

/// One that has ended meanwhile by itself is fine.
fn kill_9(pid: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let _gone = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

/// A `coord` of our own, with three evil tasks, that waits to be killed.
fn stand_in(marker: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "process::plays_a_coord_that_is_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(STAND_IN, marker)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "run by other tests as a process of its own"]
async fn plays_a_coord_that_is_killed() {
    let Ok(marker) = std::env::var(STAND_IN) else {
        return;
    };
    let reaper = reaper();
    let mut children = Vec::new();
    for _ in 0..3 {
        children.push(reaper.spawn(marked(EVIL, &marker)).await.unwrap());
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_shim_is_a_lost_task_and_leaves_no_orphan() {
    let reaper = reaper();
    let marker = unique("evil-shim");
    let mut child = reaper.spawn(marked(EVIL, &marker)).await.unwrap();
    count_reaches(&marker, 9).await;
    kill_9(parent(child.identity().pid).unwrap());
    assert_eq!(child.wait().await.ending, Ending::Lost);
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
    assert_eq!(run(&reaper, sh("exit 4")).await.0.ending, Ending::Exited(4));
}

#[tokio::test]
async fn without_a_reaper_a_killed_shim_leaves_nothing_of_the_session() {
    let reaper = reaper();
    let marker = unique("shim-and-reaper");
    let script = "trap '' TERM; nohup sleep 1000 & (sleep 1000 &); wait";
    let mut child = reaper.spawn(marked(script, &marker)).await.unwrap();
    count_reaches(&marker, 3).await;
    kill_9(reaper.pid() as i32);
    assert_eq!(run(&reaper, sh("exit 5")).await.0.ending, Ending::Exited(5));
    kill_9(parent(child.identity().pid).unwrap());
    assert_eq!(child.wait().await.ending, Ending::Lost);
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[test]
fn a_reaper_started_by_hand_ends_at_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_coord"))
        .arg("reaper")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "coord reaper: only coord itself can start this\n");
}

#[tokio::test]
async fn killed_idle_shims_and_a_killed_reaper_are_replaced() {
    let reaper = reaper();
    assert_eq!(run(&reaper, sh("exit 4")).await.0.ending, Ending::Exited(4));
    let old = reaper.pid() as i32;
    let shims: Vec<i32> = pids().filter(|pid| parent(*pid) == Some(old)).collect();
    kill_9(old);
    shims.iter().for_each(|shim| kill_9(*shim));
    eventually(Duration::from_secs(1), || {
        shims.iter().all(|shim| dead(*shim))
    })
    .await;
    assert_eq!(run(&reaper, sh("exit 5")).await.0.ending, Ending::Exited(5));
    assert_ne!(reaper.pid() as i32, old);
}

#[tokio::test]
async fn four_hundred_forks_are_gone_after_kill() {
    let reaper = reaper();
    let marker = unique("forker");
    let script = "i=0; while [ $i -lt 400 ]; do setsid sleep 1000 & i=$((i+1)); done; wait";
    let mut child = reaper.spawn(marked(script, &marker)).await.unwrap();
    count_reaches(&marker, 401).await;
    let start = Instant::now();
    child.kill();
    let report = child.wait().await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(report.killed, 400);
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_process_that_keeps_moving_to_a_new_pid_and_session_is_caught() {
    let reaper = reaper();
    let marker = unique("hopper");
    let hop = "echo hop; setsid sh -c \"$HOP\" & exit";
    let mut spec = marked(hop, &marker);
    spec.env.push(("HOP".into(), hop.into()));
    spec.leftover_grace = Duration::from_millis(200);
    let (report, hops) = run(&reaper, spec).await;
    assert_eq!((report.ending, report.survivors), (Ending::Exited(0), 0));
    assert!(
        hops.lines().count() > 1 && report.killed > 0,
        "{report:?}\n{hops}"
    );
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn a_stopped_program_is_killed() {
    let reaper = reaper();
    let marker = unique("stopped");
    let mut child = reaper
        .spawn(marked("kill -STOP $$", &marker))
        .await
        .unwrap();
    let pid = child.identity().pid;
    eventually(Duration::from_secs(5), || state(pid) == Some('T')).await;
    child.kill();
    assert_eq!(child.wait().await.ending, Ending::Signaled(9));
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn what_the_main_program_leaves_behind_is_killed_and_counted() {
    let reaper = reaper();
    let marker = unique("leftover");
    let spec = marked(
        "setsid sleep 1000 & (sleep 1000 &) ; echo done; exit 5",
        &marker,
    );
    let (report, output) = run(&reaper, spec).await;
    assert_eq!((report.ending, report.killed), (Ending::Exited(5), 2));
    assert_eq!(output, "done\n");
    assert_eq!(marked_processes(&marker), Vec::<i32>::new());
}

#[tokio::test]
async fn leftovers_may_end_by_themselves_within_the_grace() {
    let reaper = reaper();
    let mut spec = sh("(sleep 0.1; echo late) & echo early");
    spec.leftover_grace = Duration::from_secs(20);
    let (report, output) = run(&reaper, spec).await;
    assert_eq!((report.killed, output.as_str()), (0, "early\nlate\n"));
}

#[tokio::test]
async fn a_writer_outside_of_the_tree_does_not_hold_up_the_pump() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let mut child = reaper.spawn(sh("echo mine; sleep 1000")).await.unwrap();
    let pid = child.identity().pid;
    let stolen = fs::File::options()
        .write(true)
        .open(format!("/proc/{pid}/fd/1"))
        .unwrap();
    let (dead, tree_dead) = oneshot::channel();
    let pump = tokio::spawn(pump(
        child.take_output().unwrap(),
        OutputSpec::new(&log),
        tree_dead,
    ));
    eventually(Duration::from_secs(5), || log.exists()).await;
    child.kill();
    child.wait().await;
    std::io::Write::write_all(&mut &stolen, b"last\n").unwrap();
    drop(dead);
    let summary = tokio::time::timeout(Duration::from_secs(5), pump)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(summary.kept_bytes, 10);
    assert_eq!(fs::read_to_string(&log).unwrap(), "mine\nlast\n");
}

#[tokio::test]
async fn output_beyond_the_cap_is_dropped_and_marked_without_blocking() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let child = reaper
        .spawn(sh("yes | head -c 300000000; echo; exit 6"))
        .await
        .unwrap();
    let before = memory_kib();
    let (report, summary) = finish(child, OutputSpec::new(&log)).await;
    assert_eq!(report.ending, Ending::Exited(6));
    assert_eq!(
        (summary.kept_bytes, summary.dropped_bytes),
        (16 << 20, 300_000_001 - (16 << 20))
    );
    let text = fs::read_to_string(&log).unwrap();
    let mark = "… output cut: 16 MiB kept, 283222785 bytes dropped\n";
    assert_eq!(text.len(), (16 << 20) + mark.len());
    assert!(text.ends_with(mark));
    assert!(memory_kib() < before + 65_536);
}

fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_line_without_an_end_is_kept_to_the_cap_and_shown_cut() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let (viewer, mut lines) = mpsc::channel(8);
    let mut output = OutputSpec::new(&folder.path().join("log"));
    output.cap_bytes = 1000;
    output.viewer = Some(viewer);
    let child = reaper
        .spawn(sh("yes x | tr -d '\\n' | head -c 100000000"))
        .await
        .unwrap();
    let (_, summary) = finish(child, output).await;
    assert_eq!(
        (summary.kept_bytes, summary.dropped_bytes),
        (1000, 99_999_000)
    );
    assert_eq!(lines.recv().await.unwrap().text, "x".repeat(1024));
    let text = fs::read_to_string(folder.path().join("log")).unwrap();
    let mark = "\n… output cut: 1000 bytes kept, 99999000 bytes dropped\n";
    assert_eq!(text, "x".repeat(1000) + mark);
}

#[tokio::test]
async fn any_bytes_are_kept_as_they_are() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let script = r"printf '\000\377\376a\000\r\n\303'";
    let child = reaper.spawn(sh(script)).await.unwrap();
    finish(child, OutputSpec::new(&log)).await;
    assert_eq!(fs::read(&log).unwrap(), b"\0\xff\xfea\0\r\n\xc3");
}

#[tokio::test]
async fn nothing_printed_makes_no_log() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let child = reaper.spawn(sh("true")).await.unwrap();
    finish(child, OutputSpec::new(&log)).await;
    assert!(!log.exists());
}

#[tokio::test]
async fn a_log_that_cannot_be_written_does_not_stop_the_task() {
    let reaper = reaper();
    let log = Path::new("/no/such/folder/log");
    let child = reaper
        .spawn(sh("yes | head -c 1000000; exit 8"))
        .await
        .unwrap();
    let (report, summary) = finish(child, OutputSpec::new(log)).await;
    assert_eq!(report.ending, Ending::Exited(8));
    assert_eq!((summary.kept_bytes, summary.dropped_bytes), (0, 1_000_000));
    assert!(summary.log_error.is_some());
}

#[tokio::test]
async fn the_streams_are_told_apart() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let (viewer, mut lines) = mpsc::channel(8);
    let mut output = OutputSpec::new(&log);
    output.viewer = Some(viewer);
    let script = "echo out; sleep 0.1; echo err >&2; sleep 0.1; echo out";
    let child = reaper.spawn(sh(script)).await.unwrap();
    let (_, summary) = finish(child, output).await;
    assert_eq!(fs::read_to_string(&log).unwrap(), "out\nerr\nout\n");
    let [span] = summary.stderr_spans.as_slice() else {
        panic!("{summary:?}")
    };
    assert_eq!(*span, 4..8);
    let line = |stream, text: &str| LiveLine {
        stream,
        text: text.into(),
    };
    let shown: Vec<LiveLine> = std::iter::from_fn(|| lines.try_recv().ok()).collect();
    let (out, err) = (line(Stream::Stdout, "out"), line(Stream::Stderr, "err"));
    assert_eq!(shown, [out.clone(), err, out]);
}

/// Hides the letter x, and holds back a final x until it knows what follows.
struct HideX(bool);

impl Mask for HideX {
    fn feed(&mut self, input: &[u8], output: &mut Vec<u8>) {
        for byte in input {
            if std::mem::replace(&mut self.0, *byte == b'x') {
                output.push(b'*');
            }
            if *byte != b'x' {
                output.push(*byte);
            }
        }
    }

    fn finish(&mut self, output: &mut Vec<u8>) {
        if self.0 {
            output.push(b'*');
        }
    }
}

#[tokio::test]
async fn masks_are_applied_to_each_stream_to_its_end() {
    let reaper = reaper();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let mut output = OutputSpec::new(&log);
    output.masks = Some([Box::new(HideX(false)), Box::new(HideX(false))]);
    let child = reaper
        .spawn(sh("printf axbx; sleep 0.1; printf cx >&2"))
        .await
        .unwrap();
    finish(child, output).await;
    assert_eq!(fs::read_to_string(&log).unwrap(), "a*bc**");
}

#[test]
fn two_thousand_short_tasks_leave_nothing() {
    let name = "process::runs_two_thousand_short_tasks";
    let status = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--quiet"])
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
#[ignore = "run as a process of its own, because other tests open descriptors too"]
async fn runs_two_thousand_short_tasks() {
    let reaper = reaper();
    let mut counts = Vec::new();
    for round in 0..2_000 {
        run(&reaper, SpawnSpec::new(["/bin/true"], Path::new("/"))).await;
        if round == 20 || round == 1_999 {
            let pid = reaper.pid();
            counts.push((
                fd_count("self"),
                fd_count(&pid.to_string()),
                family(pid as i32),
            ));
        }
    }
    assert_eq!(
        counts[0], counts[1],
        "own descriptors, the reaper's, shims and below"
    );
}

fn fd_count(pid: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Children and grandchildren of the reaper, zombies too.
fn family(reaper: i32) -> usize {
    let all: Vec<(i32, i32)> = pids().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let below = |parent: i32| {
        all.iter()
            .filter(move |(_, p)| *p == parent)
            .map(|(pid, _)| *pid)
    };
    below(reaper).map(|shim| 1 + below(shim).count()).sum()
}
