//! The journal as its users meet it: what is stored, what is refused, what survives.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coord_host::home::Home;
use coord_host::journal::{
    Done, EventRow, IoFault, Journal, JournalError, JournalRead, MemoryJournal, NewEvent, Reader,
    RunKey, RunRow, RunSummary, SeqRange, SqliteJournal, StoredRun, adopt,
};
use tempfile::TempDir;

// ---------------------------------------------------------------- the small language of the tests

/// A project's home in a folder that goes away.
struct Project {
    _folder: TempDir,
    home: Home,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("home")).unwrap();
        Self {
            _folder: folder,
            home,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    #[track_caller]
    fn open(&self) -> SqliteJournal {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::open(&self.home, self.home.lock("coord test")?)
    }

    fn read(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.home.journal_path())
    }

    /// Refused for reading and for writing, by the same rule.
    #[track_caller]
    fn refused(&self) -> JournalError {
        let before = contents(self.home.path());
        let reader = self.read().err().expect("the reader accepts it");
        let writer = self.try_open().err().expect("the writer accepts it");
        assert_eq!(
            std::mem::discriminant(&reader),
            std::mem::discriminant(&writer)
        );
        let after = contents(self.home.path());
        assert_eq!(
            before.get("journal.db"),
            after.get("journal.db"),
            "the file was changed"
        );
        reader
    }
}

type Contents = std::collections::BTreeMap<String, Vec<u8>>;

/// Every regular file of a folder but the lock.
fn contents(folder: &Path) -> Contents {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name != "lock")
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

fn run_row(id: &str) -> RunRow {
    RunRow {
        id: id.into(),
        created_at_ms: 1_700_000_000_000,
        file: "release.coord".into(),
        source_digest: "b3:0123".into(),
        plan: br#"{"tasks":["a","b"]}"#.repeat(20),
        meta: r#"{"by":"test"}"#.into(),
    }
}

/// An event whose content follows from its number, so that a reader can tell a wrong one.
fn event(run: RunKey, number: i64) -> NewEvent {
    NewEvent {
        run,
        at_ms: 1_700_000_000_000 + number,
        kind: "task.output".into(),
        subject: (number % 3 != 0).then(|| format!("TASK-{number}")),
        generation: number % 2,
        body: format!(
            r#"{{"n":{number},"text":"{}"}}"#,
            "ä".repeat((number % 50) as usize)
        ),
    }
}

fn completed(run: RunKey, subject: &str, generation: i64) -> NewEvent {
    NewEvent {
        run,
        at_ms: 0,
        kind: "task.completed".into(),
        subject: Some(subject.into()),
        generation,
        body: "{}".into(),
    }
}

fn expected(run: RunKey, seq: i64, number: i64) -> EventRow {
    let NewEvent {
        at_ms,
        kind,
        subject,
        generation,
        body,
        ..
    } = event(run, number);
    EventRow {
        seq,
        run,
        at_ms,
        kind: kind.into_owned(),
        subject,
        generation,
        body,
    }
}

fn report() -> (Done, Receiver<Result<SeqRange, JournalError>>) {
    let (send, receive) = channel();
    (Box::new(move |result| send.send(result).unwrap()), receive)
}

#[track_caller]
fn create(journal: &mut dyn Journal, id: &str) -> RunKey {
    let (done, told) = report();
    let run = journal.create_run(run_row(id), done).unwrap();
    told.recv().unwrap().unwrap();
    run
}

/// Appends and waits; the numbers given at once must be those reported later.
fn append(journal: &mut dyn Journal, batch: Vec<NewEvent>) -> Result<SeqRange, JournalError> {
    let (done, told) = report();
    let range = journal.append(batch, done)?;
    let durable = told.recv().unwrap()?;
    assert_eq!(range, durable);
    assert!(journal.durable_seq() >= range.last);
    Ok(range)
}

fn append_numbered(journal: &mut dyn Journal, run: RunKey, numbers: std::ops::RangeInclusive<i64>) {
    append(journal, numbers.map(|number| event(run, number)).collect()).unwrap();
}

/// Everything a reader can see.
type Everything = (Vec<RunSummary>, Vec<StoredRun>, Vec<EventRow>);

fn everything(reader: &dyn JournalRead) -> Result<Everything, JournalError> {
    let runs = reader.runs()?;
    let mut stored = Vec::new();
    let mut events = Vec::new();
    for summary in &runs {
        stored.extend(reader.run(&summary.id)?);
        events.extend(reader.events(summary.run, 0)?);
    }
    Ok((runs, stored, events))
}

struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = match std::env::var("COORD_TEST_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap()
                    .as_nanos() as u64
                    | 1
            }
        };
        eprintln!("COORD_TEST_SEED={seed}");
        Self(seed)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn we_are_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

// ------------------------------------------------------------------------------ the one boundary

/// What every journal does, on disk or in memory.
fn check_boundary(journal: &mut dyn Journal) {
    let first = create(journal, "first");
    let second = create(journal, "second");
    append_numbered(journal, first, 1..=3);
    append_numbered(journal, second, 4..=4);
    append_numbered(journal, first, 5..=5);
    assert!(append(journal, vec![]).unwrap().is_empty());

    let ids: Vec<_> = journal
        .runs()
        .unwrap()
        .into_iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(ids, ["first", "second"]);
    assert_eq!(journal.run("first").unwrap().unwrap().row, run_row("first"));
    assert_eq!(journal.run("third").unwrap(), None);
    let rows = |run, numbers: &[i64]| -> Vec<EventRow> {
        numbers
            .iter()
            .map(|&number| expected(run, number, number))
            .collect()
    };
    assert_eq!(
        journal.events(first, 0).unwrap(),
        rows(first, &[1, 2, 3, 5])
    );
    assert_eq!(journal.events(first, 2).unwrap(), rows(first, &[3, 5]));
    assert_eq!(journal.events(first, 4).unwrap(), rows(first, &[5]));
    assert_eq!(journal.events(second, 0).unwrap(), rows(second, &[4]));
    assert_eq!(journal.events(second, 9).unwrap(), []);
    assert_eq!((journal.last_seq().unwrap(), journal.durable_seq()), (5, 5));

    let (done, _told) = report();
    let again = journal.create_run(run_row("first"), done).unwrap_err();
    assert_eq!(again, JournalError::RunExists { id: "first".into() });
    let unknown = append(journal, vec![event(RunKey(3), 6)]).unwrap_err();
    assert_eq!(unknown, JournalError::UnknownRun { run: RunKey(3) });
    assert_eq!(journal.events(RunKey(3), 0).unwrap_err(), unknown);

    append(
        journal,
        vec![completed(first, "A", 0), completed(second, "A", 0)],
    )
    .unwrap();
    append(
        journal,
        vec![completed(first, "A", 1), completed(first, "B", 0)],
    )
    .unwrap();
    let twice = append(journal, vec![event(first, 10), completed(first, "A", 1)]).unwrap_err();
    assert!(
        matches!(&twice, JournalError::Refused { what } if what.contains("`A`")),
        "{twice}"
    );
    assert_eq!(journal.failure(), Some(twice.clone()));
    assert_eq!(append(journal, vec![event(first, 11)]).unwrap_err(), twice);
    assert_eq!(
        journal.last_seq().unwrap(),
        9,
        "nothing of the refused batch is there"
    );
}

#[test]
fn sqlite_keeps_the_boundary() {
    let project = Project::new();
    let mut journal = project.open();
    check_boundary(&mut journal);
    drop(journal);
    let reader = project.read().unwrap();
    reader.verify().unwrap();
    assert_eq!(reader.last_seq().unwrap(), 9);
}

#[test]
fn memory_keeps_the_boundary() {
    check_boundary(&mut MemoryJournal::new());
}

#[test]
fn memory_gives_what_a_restart_would_find() {
    let mut journal = MemoryJournal::held();
    let (done, _told) = report();
    let run = journal.create_run(run_row("r"), done).unwrap();
    let told: Vec<_> = (1..=3)
        .map(|number| {
            let (done, told) = report();
            journal.append(vec![event(run, number)], done).unwrap();
            told
        })
        .collect();
    assert_eq!(journal.crash().runs().unwrap(), []);
    journal.commit(3);
    assert_eq!(
        told[1].try_recv().unwrap().unwrap(),
        SeqRange { first: 2, last: 2 }
    );
    assert!(told[2].try_recv().is_err());
    assert_eq!(journal.crash().events(run, 0).unwrap().len(), 2);
    assert_eq!(journal.crash_at(1).events(run, 0).unwrap().len(), 1);
    journal.fail(JournalError::WriterGone);
    assert_eq!(told[2].try_recv().unwrap(), Err(JournalError::WriterGone));
}

// ------------------------------------------------------------------------------------- at work

#[test]
fn a_closed_journal_reads_the_same_and_is_one_file() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    append_numbered(&mut journal, run, 1..=300);
    let live = everything(&journal).unwrap();
    journal.close().unwrap();
    let names: Vec<_> = contents(project.home.path()).into_keys().collect();
    assert_eq!(names, ["journal.db", "journal.head"]);

    let before = contents(project.home.path());
    assert_eq!(everything(&project.read().unwrap()).unwrap(), live);
    assert_eq!(
        contents(project.home.path()),
        before,
        "reading left a trace"
    );

    let mut journal = project.open();
    append_numbered(&mut journal, run, 301..=301);
    assert_eq!(journal.events(run, 300).unwrap(), [expected(run, 301, 301)]);
}

#[test]
fn batches_that_wait_share_a_commit() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    let (send, told) = channel();
    for number in 1..=2000 {
        let send = send.clone();
        let told = move |range: Result<SeqRange, _>| send.send(range.unwrap()).unwrap();
        journal
            .append(vec![event(run, number)], Box::new(told))
            .unwrap();
    }
    let mut last = 0;
    let mut groups = 0;
    let mut durable = 0;
    for _ in 0..2000 {
        let range = told.recv().unwrap();
        assert_eq!(range.first, last + 1, "acknowledged out of order");
        last = range.last;
        if last > durable {
            durable = journal.durable_seq();
            groups += 1;
        }
    }
    eprintln!("2000 batches in at most {groups} commits");
    assert!(groups < 1000, "{groups} commits for 2000 batches");
    assert_eq!(journal.events(run, 0).unwrap().len(), 2000);
}

#[test]
fn what_is_held_is_stored_with_what_comes_after() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    let range = journal.hold(vec![event(run, 1), event(run, 2)]).unwrap();
    assert_eq!((range.first, range.last, journal.held()), (1, 2, 2));
    let (done, told) = report();
    journal.append(vec![event(run, 3)], done).unwrap();
    let stored = told.recv().unwrap().unwrap();
    assert_eq!((stored.first, stored.last), (1, 3));
    assert_eq!((journal.durable_seq(), journal.held()), (3, 0));

    // a run is made after what is held, and a journal that is closed holds nothing back
    journal.hold(vec![event(run, 4)]).unwrap();
    let other = create(&mut journal, "other");
    journal.hold(vec![event(other, 5)]).unwrap();
    journal.close().unwrap();
    let reader = project.read().unwrap();
    reader.verify().unwrap();
    assert_eq!(reader.last_seq().unwrap(), 5);
    assert_eq!(reader.run("other").unwrap().unwrap().after_seq, 4);
}

#[test]
fn readers_follow_a_live_writer_and_outlive_it() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    let outside = project.read().unwrap();
    let inside = journal.reader().unwrap();
    for number in 1..=50 {
        append_numbered(&mut journal, run, number..=number);
        assert_eq!(
            outside.events(run, number - 1).unwrap(),
            [expected(run, number, number)]
        );
    }
    assert_eq!(inside.last_seq().unwrap(), 50);
    journal.close().unwrap();
    assert_eq!(outside.events(run, 0).unwrap().len(), 50);
    drop((outside, inside));
    // The log stayed because of the readers; nothing is lost and nothing is refused.
    assert_eq!(project.read().unwrap().events(run, 0).unwrap().len(), 50);
    assert_eq!(project.open().events(run, 0).unwrap().len(), 50);
}

#[test]
fn a_visit_can_stop() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    append_numbered(&mut journal, run, 1..=10_000);
    let mut seen = 0;
    let mut visit = |event: coord_host::journal::EventView<'_>| {
        seen = event.seq;
        if event.seq == 5000 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    journal.visit_events(run, 0, &mut visit).unwrap();
    assert_eq!(seen, 5000);
    assert_eq!(journal.events(run, 0).unwrap().len(), 10_000);
}

#[test]
fn a_backup_of_a_live_journal_can_take_its_place() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    append_numbered(&mut journal, run, 1..=100);
    let copy = project.file("copy.db");
    journal.reader().unwrap().backup(&copy).unwrap();
    append_numbered(&mut journal, run, 101..=101);
    assert!(matches!(
        journal.reader().unwrap().backup(&copy),
        Err(JournalError::Io { .. })
    ));
    journal.close().unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        Reader::open(&copy).unwrap().events(run, 0).unwrap().len(),
        100
    );

    fs::rename(&copy, project.home.journal_path()).unwrap();
    assert!(matches!(project.refused(), JournalError::Truncated { .. }));
    fs::remove_file(project.file("journal.head")).unwrap();
    append_numbered(&mut project.open(), run, 101..=110);
    project.read().unwrap().verify().unwrap();
}

#[test]
fn files_are_private_under_any_umask() {
    for umask in ["000", "077", "777"] {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let mut child = child("writer", &home, &format!("umask {umask}; exec \"$@\""));
        first_ack(&mut child);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&home), 0o700, "umask {umask}");
        for name in [
            "journal.db",
            "journal.db-wal",
            "journal.db-shm",
            "journal.head",
            "lock",
        ] {
            assert_eq!(mode(&home.join(name)), 0o600, "{name} under umask {umask}");
        }
        kill(child);
    }
}

// ------------------------------------------------------------------------------- what is refused

#[test]
fn what_is_no_journal_is_refused_by_name() {
    let project = Project::new();
    let path = project.home.journal_path();
    for text in [
        &b"hello, this is a text file\n"[..],
        b"",
        &[0; 8192],
        b"SQLite format 3\0",
    ] {
        fs::write(&path, text).unwrap();
        let error = project.refused();
        let named = error.to_string();
        assert!(named.contains("journal.db"), "{named}");
        assert!(
            matches!(
                error,
                JournalError::NotAJournal { .. } | JournalError::Truncated { .. }
            ),
            "{named}"
        );
    }
    fs::write(&path, "text\n".repeat(100)).unwrap();
    assert!(
        project
            .refused()
            .to_string()
            .contains("is not a coord journal")
    );

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        project.refused(),
        JournalError::NotAJournal { .. }
    ));
    fs::remove_dir(&path).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        project.read(),
        Err(JournalError::NotAJournal { .. })
    ));
    let uri = Reader::open(Path::new("file:j.db?mode=memory"));
    assert!(matches!(uri, Err(JournalError::Unsafe { .. })));
    let missing = Reader::open(Path::new("/nonexistent/journal.db"))
        .err()
        .unwrap();
    assert!(
        matches!(
            missing,
            JournalError::Io {
                fault: IoFault::Missing,
                ..
            }
        ),
        "{missing}"
    );
}

#[test]
fn links_put_in_the_way_are_not_followed() {
    for name in ["journal.db", "journal.head", "lock"] {
        let project = Project::new();
        let victim = project.file("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, project.file(name)).unwrap();
        let error = project.try_open().err().expect(name);
        eprintln!("{error}");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}

/// A closed journal with two runs and about 64 kB.
fn sample() -> (Project, Everything) {
    let project = Project::new();
    let mut journal = project.open();
    let first = create(&mut journal, "first");
    let second = create(&mut journal, "second");
    for number in 1..=160 {
        let run = if number % 3 == 0 { second } else { first };
        let batch = vec![event(run, number), completed(run, &format!("T{number}"), 0)];
        append(&mut journal, batch).unwrap();
    }
    append(&mut journal, vec![event(second, 999)]).unwrap();
    let all = everything(&journal).unwrap();
    journal.close().unwrap();
    (project, all)
}

#[test]
fn a_newer_journal_is_left_untouched() {
    let (project, _) = sample();
    let file = File::options()
        .write(true)
        .open(project.home.journal_path())
        .unwrap();
    file.write_all_at(&7_u32.to_be_bytes(), 60).unwrap();
    let before = contents(project.home.path());
    let error = project.refused();
    assert!(
        matches!(
            error,
            JournalError::Newer {
                found: 7,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(contents(project.home.path()), before);
}

#[test]
fn a_newer_journal_after_a_crash_is_left_untouched() {
    let project = crashed();
    let file = File::options()
        .write(true)
        .open(project.home.journal_path())
        .unwrap();
    file.write_all_at(&2_u32.to_be_bytes(), 60).unwrap();
    let before = contents(project.home.path());
    assert!(matches!(
        project.refused(),
        JournalError::Newer { found: 2, .. }
    ));
    assert_eq!(contents(project.home.path()), before);
}

#[test]
fn every_flipped_byte_is_detected_or_harmless() {
    let (project, all) = sample();
    let whole = fs::read(project.home.journal_path()).unwrap();
    let head = fs::read(project.file("journal.head")).unwrap();
    // Every byte in an optimised build; one in eight, at a random place, while developing.
    let step = if cfg!(debug_assertions) { 8 } else { 1 };
    let seed = Dice::new().roll(u64::MAX);
    let started = Instant::now();
    let halves: Vec<Vec<(usize, bool)>> = thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let (whole, head, all) = (&whole, &head, &all);
            scope.spawn(move || flip_half(whole, head, all, half, step, seed))
        });
        halves
            .into_iter()
            .map(|half| half.join().unwrap())
            .collect()
    });
    let flips = halves.concat();
    let used = used_bytes(&whole);
    let used: Vec<_> = flips.iter().filter(|(at, _)| used[*at]).collect();
    let detected = used.iter().filter(|(_, detected)| *detected).count();
    eprintln!(
        "{} bytes, {} flipped, {} in use, {detected} of these detected ({:.2} %); all others read \
         back the same; {:?}",
        whole.len(),
        flips.len(),
        used.len(),
        100.0 * detected as f64 / used.len() as f64,
        started.elapsed()
    );
    assert!(detected * 100 >= used.len() * 99);
}

/// Which bytes of a database are not in the gap between a page's cell pointers and its cells.
fn used_bytes(whole: &[u8]) -> Vec<bool> {
    let mut used = vec![true; whole.len()];
    for (page, bytes) in whole.chunks(4096).enumerate() {
        let at = if page == 0 { 100 } else { 0 };
        let word = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let header = match bytes[at] {
            2 | 5 => 12,
            10 | 13 => 8,
            _ => continue,
        };
        let gap = at + header + 2 * word(at + 3)..word(at + 5);
        used[page * 4096..][gap].fill(false);
    }
    used
}

/// Flips one random bit of every `2 * step`-th byte; says of each whether it was detected.
fn flip_half(
    whole: &[u8],
    head: &[u8],
    all: &Everything,
    half: usize,
    step: usize,
    seed: u64,
) -> Vec<(usize, bool)> {
    let project = Project::new();
    let path = project.home.journal_path();
    fs::write(&path, whole).unwrap();
    fs::write(project.file("journal.head"), head).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let mut dice = Dice(seed | 1);
    let mut flips = Vec::new();
    let first = half * step + dice.roll(step as u64) as usize;
    for at in (first..whole.len()).step_by(2 * step) {
        file.write_all_at(&[whole[at] ^ (1 << dice.roll(8))], at as u64)
            .unwrap();
        let read = project.read().and_then(|reader| everything(&reader));
        flips.push((at, read.is_err()));
        if let Ok(read) = read {
            assert!(read == *all, "byte {at} changed what is read, unseen");
        }
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    assert_eq!(
        &project
            .read()
            .and_then(|reader| everything(&reader))
            .unwrap(),
        all
    );
    flips
}

#[test]
fn every_flipped_byte_of_the_witness_is_detected() {
    let (project, _) = sample();
    let path = project.file("journal.head");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert!(
            matches!(project.read(), Err(JournalError::Damaged { .. })),
            "byte {at}"
        );
    }
}

#[test]
fn a_file_cut_short_is_refused_at_every_length() {
    let (project, all) = sample();
    let path = project.home.journal_path();
    let whole = fs::read(&path).unwrap();
    let mut dice = Dice::new();
    let pages = (0..whole.len()).step_by(512);
    let odd = (0..200)
        .map(|_| dice.roll(whole.len() as u64) as usize)
        .collect::<Vec<_>>();
    for len in pages
        .chain(odd)
        .chain([1, 15, 16, 17, 99, 100, 101, whole.len() - 1])
    {
        fs::write(&path, &whole[..len]).unwrap();
        let error = project
            .read()
            .err()
            .unwrap_or_else(|| panic!("accepted at {len} bytes"));
        assert!(
            matches!(
                error,
                JournalError::Truncated { .. } | JournalError::NotAJournal { .. }
            ),
            "{len}: {error}"
        );
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(everything(&project.read().unwrap()).unwrap(), all);
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        project.try_open(),
        Err(JournalError::Truncated { .. })
    ));
}

#[test]
fn files_of_two_journals_do_not_mix() {
    let (mine, _) = sample();
    let other = Project::new();
    let mut journal = other.open();
    let run = create(&mut journal, "other");
    create(&mut journal, "another");
    append_numbered(&mut journal, run, 1..=400);
    journal.close().unwrap();
    fs::copy(other.home.journal_path(), mine.home.journal_path()).unwrap();
    let error = mine.refused();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

// ------------------------------------------------------------------------------------- crashes

/// A journal whose writer was killed while it wrote, log and all.
fn crashed() -> Project {
    crashed_with_acks().0
}

fn crashed_with_acks() -> (Project, i64) {
    let project = Project::new();
    let mut child = child("writer", project.home.path(), "exec \"$@\"");
    let first = first_ack(&mut child);
    thread::sleep(Duration::from_millis(30));
    let acked = kill(child).unwrap_or(first);
    (project, acked)
}

#[test]
fn a_deleted_log_is_noticed() {
    let project = crashed();
    fs::remove_file(project.file("journal.db-wal")).unwrap();
    assert!(matches!(project.refused(), JournalError::Truncated { .. }));
    assert!(
        matches!(project.refused(), JournalError::Truncated { .. }),
        "the second time too"
    );
}

#[test]
fn a_database_copied_without_its_log_is_noticed() {
    let project = crashed();
    let copy = project.file("copy.db");
    fs::copy(project.home.journal_path(), &copy).unwrap();
    let error = Reader::open(&copy).err().unwrap();
    assert!(matches!(error, JournalError::Truncated { .. }), "{error}");
}

#[test]
fn a_log_cut_short_or_flipped_never_loses_an_acknowledged_row() {
    let (project, acked) = crashed_with_acks();
    let all = everything(&project.read().unwrap()).unwrap();
    let path = project.file("journal.db-wal");
    let whole = fs::read(&path).unwrap();
    let mut dice = Dice::new();
    let (mut refused, mut same) = (0, 0);
    for round in 0..300 {
        let at = dice.roll(whole.len() as u64) as usize;
        let mut bytes = whole.clone();
        match round % 2 {
            0 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << dice.roll(8),
        }
        fs::write(&path, &bytes).unwrap();
        match project.read().and_then(|reader| everything(&reader)) {
            Err(_) => refused += 1,
            Ok(read) if read == all => same += 1,
            Ok(read) => {
                // Killed between commit and witness: only rows nobody was told of may go.
                let rows = read.2.len() as i64;
                assert!(rows >= acked, "{rows} rows of {acked} acknowledged");
            }
        }
    }
    eprintln!(
        "log of {} bytes: {refused} refused, {same} read the same",
        whole.len()
    );
    fs::remove_file(project.file("journal.head")).unwrap();
    fs::write(&path, &whole).unwrap();
    assert!(matches!(
        project.refused(),
        JournalError::WitnessMissing { .. }
    ));
}

#[test]
fn what_is_left_can_be_adopted_by_a_person() {
    let project = crashed();
    fs::write(project.file("journal.db-wal"), b"").unwrap();
    assert!(matches!(project.refused(), JournalError::Truncated { .. }));
    let lock = project.home.lock("coord doctor").unwrap();
    let adopted = adopt(&project.home, &lock).unwrap();
    assert!(adopted.witnessed_seq.unwrap() > adopted.last_seq);
    drop(lock);
    assert_eq!(project.open().last_seq().unwrap(), adopted.last_seq);
}

#[test]
fn every_acknowledged_row_survives_a_kill() {
    let project = Project::new();
    let mut dice = Dice::new();
    let (mut kills, mut acked_rows) = (0, 0);
    for _ in 0..30 {
        let mut child = child("writer", project.home.path(), "exec \"$@\"");
        let first = first_ack(&mut child);
        thread::sleep(Duration::from_micros(dice.roll(40_000)));
        let acked = kill(child).unwrap_or(first);
        let reader = project.read().unwrap();
        reader.verify().unwrap();
        let last = reader.last_seq().unwrap();
        assert!(last >= acked, "{last} rows of {acked} acknowledged");
        for run in reader.runs().unwrap() {
            for row in reader.events(run.run, 0).unwrap() {
                assert_eq!(row, expected(run.run, row.seq, row.seq));
            }
        }
        (kills, acked_rows) = (kills + 1, acked);
    }
    eprintln!("{kills} kills, {acked_rows} acknowledged rows, 0 lost");
}

// ------------------------------------------------------------------------------------- the lock

#[test]
fn one_of_twenty_processes_owns_the_project() {
    let project = Project::new();
    for _ in 0..6 {
        let mut children: Vec<Child> = (0..20)
            .map(|_| child("lock", project.home.path(), "exec \"$@\""))
            .collect();
        let lines: Vec<String> = children
            .iter_mut()
            .map(|child| next_line(child, "lock "))
            .collect();
        let winners: Vec<u32> = (children.iter().zip(&lines))
            .filter(|(_, line)| *line == "won")
            .map(|(child, _)| child.id())
            .collect();
        assert_eq!(winners.len(), 1, "{lines:?}");
        for line in lines.iter().filter(|line| *line != "won") {
            assert_eq!(*line, format!("lost to {}", winners[0]));
        }
        for child in children {
            kill(child);
        }
    }
}

#[test]
fn one_of_twenty_threads_owns_the_project() {
    let project = Project::new();
    for _ in 0..50 {
        let start = Arc::new(Barrier::new(20));
        let racers: Vec<_> = (0..20)
            .map(|_| {
                let (start, home) = (Arc::clone(&start), project.home.clone());
                thread::spawn(move || {
                    start.wait();
                    home.lock("coord race")
                })
            })
            .collect();
        let results: Vec<_> = racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}

#[test]
fn a_loser_learns_who_has_the_lock() {
    let project = Project::new();
    let lock = project.home.lock("coord run release.coord").unwrap();
    let error = project.try_open().err().unwrap();
    let JournalError::Locked {
        by: Some(holder), ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(holder.pid, std::process::id());
    let text = error.to_string();
    assert!(
        text.contains("has been running `coord run release.coord` for 0 s"),
        "{text}"
    );
    drop(lock);
    drop(project.open());
}

#[test]
fn a_started_program_does_not_inherit_the_lock() {
    let project = Project::new();
    let lock = project.home.lock("coord run").unwrap();
    let mut task = Command::new("sleep").arg("30").spawn().unwrap();
    drop(lock);
    let again = project.home.lock("coord run");
    task.kill().unwrap();
    task.wait().unwrap();
    again.unwrap();
}

// ------------------------------------------------------------------------------------- the home

#[test]
fn a_home_others_can_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = Home::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        Home::open(&file),
        Err(JournalError::Unsafe { .. })
    ));
    assert!(Home::existing(&folder.path().join("none")).is_err());
}

#[test]
fn preflight_leaves_nothing() {
    let project = Project::new();
    project.home.preflight().unwrap();
    assert!(contents(project.home.path()).is_empty());
}

#[test]
fn a_read_only_home_is_refused_before_anything_starts() {
    if we_are_root() {
        return on_a_small_disk("read-only");
    }
    let project = Project::new();
    fs::set_permissions(project.home.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let error = project.home.preflight().unwrap_err();
    assert!(
        matches!(
            error,
            JournalError::Io {
                fault: IoFault::Permission,
                ..
            }
        ),
        "{error}"
    );
    assert!(project.home.lock("coord run").is_err());
    fs::set_permissions(project.home.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    on_a_small_disk("full-disk");
}

/// Runs a role of [`child_process`] on a tmpfs of 4 MiB in a mount namespace of its own.
fn on_a_small_disk(role: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m,mode=0700 tmpfs \"$COORD_TEST_HOME\"";
    let mut namespace = Command::new("unshare");
    namespace.args(if we_are_root() {
        &["-m"][..]
    } else {
        &["-Urm"][..]
    });
    let able = namespace
        .args(["sh", "-c", mount])
        .env("COORD_TEST_HOME", folder.path())
        .output();
    if !able.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {role}: cannot mount a tmpfs in a namespace here");
        return;
    }
    let mut namespace = Command::new("unshare");
    namespace.args(if we_are_root() {
        &["-m"][..]
    } else {
        &["-Urm"][..]
    });
    let output = namespace
        .args(["sh", "-c", &format!("{mount} && exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(CHILD_ARGS)
        .env("COORD_TEST_HOME", folder.path())
        .env("COORD_TEST_ROLE", role)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    eprintln!("{text}");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn full_disk(home: &Home) {
    home.preflight().unwrap();
    fs::write(home.path().join("ballast"), vec![1; 7 << 19]).unwrap();
    let error = home.preflight().unwrap_err();
    eprintln!("preflight: {error}");
    assert!(
        matches!(
            error,
            JournalError::Io {
                fault: IoFault::DiskFull,
                ..
            }
        ),
        "{error}"
    );

    let mut journal = SqliteJournal::open(home, home.lock("coord run").unwrap()).unwrap();
    let run = create(&mut journal, "r");
    let mut acked = 0;
    let error = loop {
        match append(&mut journal, vec![event(run, acked + 1)]) {
            Ok(range) => acked = range.last,
            Err(error) => break error,
        }
    };
    eprintln!("after {acked} rows: {error}");
    assert!(
        matches!(
            error,
            JournalError::Io {
                fault: IoFault::DiskFull,
                ..
            }
        ),
        "{error}"
    );
    fs::remove_file(home.path().join("ballast")).unwrap();
    assert_eq!(
        append(&mut journal, vec![event(run, 0)]).unwrap_err(),
        error,
        "retried"
    );
    drop(journal);
    let mut journal = SqliteJournal::open(home, home.lock("coord resume").unwrap()).unwrap();
    assert_eq!(journal.events(run, 0).unwrap().len() as i64, acked);
    append_numbered(&mut journal, run, acked + 1..=acked + 1);
    journal.reader().unwrap().verify().unwrap();
}

fn read_only(home: &Home) {
    let mut journal = SqliteJournal::open(home, home.lock("coord run").unwrap()).unwrap();
    let run = create(&mut journal, "r");
    append_numbered(&mut journal, run, 1..=10);
    journal.close().unwrap();
    let remount = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(home.path())
        .status();
    assert!(remount.unwrap().success());
    for error in [
        home.preflight().unwrap_err(),
        home.lock("coord run").unwrap_err(),
    ] {
        eprintln!("{error}");
        assert!(
            matches!(
                error,
                JournalError::Io {
                    fault: IoFault::ReadOnly,
                    ..
                }
            ),
            "{error}"
        );
    }
    let reader = Reader::open(&home.journal_path()).unwrap();
    assert_eq!(reader.events(run, 0).unwrap().len(), 10);
    assert!(matches!(
        Home::open(&home.path().join("new")),
        Err(JournalError::Io {
            fault: IoFault::ReadOnly,
            ..
        })
    ));
}

// ------------------------------------------------------------------------------ child processes

const CHILD_ARGS: [&str; 4] = [
    "journal::child_process",
    "--exact",
    "--ignored",
    "--nocapture",
];

/// This test binary again, as a process that can be killed; `shell` may set things up first.
fn child(role: &str, home: &Path, shell: &str) -> Child {
    Command::new("sh")
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(CHILD_ARGS)
        .env("COORD_TEST_ROLE", role)
        .env("COORD_TEST_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a role for other tests, started by them"]
fn child_process() {
    let Ok(role) = std::env::var("COORD_TEST_ROLE") else {
        return;
    };
    let home = Home::open(Path::new(&std::env::var("COORD_TEST_HOME").unwrap())).unwrap();
    match role.as_str() {
        "writer" => write_until_killed(&home),
        "lock" => lock_until_killed(&home),
        "full-disk" => full_disk(&home),
        "read-only" => read_only(&home),
        other => panic!("{other}"),
    }
}

/// One line to the parent, past the test harness, which keeps what `println!` prints.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Says `ack N` when all events up to N are durable.
fn write_until_killed(home: &Home) {
    let mut journal = SqliteJournal::open(home, home.lock("coord test").unwrap()).unwrap();
    let run = match journal.runs().unwrap().first() {
        Some(run) => run.run,
        None => create(&mut journal, "r"),
    };
    let mut next = journal.last_seq().unwrap() + 1;
    let mut dice = Dice(std::process::id().into());
    loop {
        let len = 1 + dice.roll(20) as i64;
        let batch = (next..next + len)
            .map(|number| event(run, number))
            .collect();
        let told = |range: Result<SeqRange, JournalError>| {
            say(&format!("ack {}", range.unwrap().last));
        };
        next = journal.append(batch, Box::new(told)).unwrap().last + 1;
        if dice.roll(4) == 0 {
            thread::sleep(Duration::from_micros(dice.roll(2000)));
        }
    }
}

fn lock_until_killed(home: &Home) {
    let lock = home.lock("coord race");
    match &lock {
        Ok(_) => say("lock won"),
        Err(JournalError::Locked {
            by: Some(holder), ..
        }) => {
            say(&format!("lock lost to {}", holder.pid));
        }
        Err(error) => say(&format!("lock {error}")),
    }
    // Until the parent kills us or closes our input.
    let _ = io::stdin().read(&mut [0]);
}

/// The rest of the next line that starts with `prefix`; bytes are read one by one so that
/// nothing is lost for the next reader.
fn next_line(child: &mut Child, prefix: &str) -> String {
    let out = child.stdout.as_mut().unwrap();
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while byte != *b"\n" {
            assert_eq!(out.read(&mut byte).unwrap(), 1, "the child ended");
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).unwrap();
        if let Some(rest) = line.trim_end().split_once(prefix).map(|(_, rest)| rest) {
            return rest.to_owned();
        }
    }
}

fn first_ack(child: &mut Child) -> i64 {
    next_line(child, "ack ").parse().unwrap()
}

/// `kill -9`; gives the last acknowledgement that came through.
fn kill(mut child: Child) -> Option<i64> {
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    lines
        .filter_map(|line| line.strip_prefix("ack ")?.parse().ok())
        .last()
}

// ------------------------------------------------------------------------------------- figures

/// `cargo test --release -- --ignored --nocapture journal::figures`
#[test]
#[ignore = "prints figures"]
fn figures() {
    for size in [1, 10, 100, 1000] {
        let project = Project::new();
        let mut journal = project.open();
        let run = create(&mut journal, "r");
        let rows = if size == 1 { 2000 } else { 100_000 };
        let batches = |count: i64| -> Vec<Vec<NewEvent>> {
            (0..count / size)
                .map(|batch| {
                    (0..size)
                        .map(|row| event(run, batch * size + row))
                        .collect()
                })
                .collect()
        };
        let strict = batches(rows / 10);
        let started = Instant::now();
        let count = strict.len();
        for batch in strict {
            append(&mut journal, batch).unwrap();
        }
        let strict = started.elapsed();
        let piped = batches(rows);
        let started = Instant::now();
        for batch in piped {
            journal.append(batch, Box::new(|_| {})).unwrap();
        }
        append(&mut journal, vec![]).unwrap();
        let piped = started.elapsed();
        eprintln!(
            "batches of {size}: {:.0} rows/s waiting for each ({:.2} ms a batch), {:.0} rows/s \
             queued ({:.2} us a row)",
            (rows / 10) as f64 / strict.as_secs_f64(),
            strict.as_secs_f64() * 1e3 / count as f64,
            rows as f64 / piped.as_secs_f64(),
            piped.as_secs_f64() * 1e6 / rows as f64
        );
    }
    read_figures();
}

fn read_figures() {
    let project = Project::new();
    let mut journal = project.open();
    let run = create(&mut journal, "r");
    let started = Instant::now();
    for chunk in 0..1000 {
        let batch = (1..=1000)
            .map(|row| event(run, chunk * 1000 + row))
            .collect();
        journal.append(batch, Box::new(|_| {})).unwrap();
    }
    append(&mut journal, vec![]).unwrap();
    eprintln!("1,000,000 events written in {:?}", started.elapsed());
    let started = Instant::now();
    let mut bytes = 0;
    let mut visit = |event: coord_host::journal::EventView<'_>| {
        bytes += event.body.len();
        std::ops::ControlFlow::Continue(())
    };
    journal.visit_events(run, 0, &mut visit).unwrap();
    eprintln!(
        "1,000,000 events read and verified in {:?}, {bytes} bytes",
        started.elapsed()
    );
    let started = Instant::now();
    journal.close().unwrap();
    let closed = started.elapsed();
    let size = fs::metadata(project.home.journal_path()).unwrap().len();
    let started = Instant::now();
    drop(project.read().unwrap());
    eprintln!(
        "{} MB: close {closed:?}, open to read {:?}",
        size >> 20,
        started.elapsed()
    );

    for thousands in [10, 40, 400] {
        let project = Project::new();
        let mut journal = project.open();
        let run = create(&mut journal, "r");
        for chunk in 0..thousands {
            append_numbered(&mut journal, run, chunk * 1000 + 1..=chunk * 1000 + 1000);
        }
        journal.close().unwrap();
        let size = fs::metadata(project.home.journal_path()).unwrap().len();
        let started = Instant::now();
        drop(project.read().unwrap());
        eprintln!(
            "{thousands},000 events, {:.1} MB: open to read {:?}",
            size as f64 / 1e6,
            started.elapsed()
        );
    }
    let (project, _) = sample();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let started = Instant::now();
        (0..100).for_each(|_| work());
        eprintln!("small journal: {what} {:?}", started.elapsed() / 100);
    };
    timed("open to read", &mut || drop(project.read().unwrap()));
    timed("open to write and close", &mut || {
        project.open().close().unwrap()
    });
    timed("preflight", &mut || project.home.preflight().unwrap());
}
