//! `coord gc` and `coord backup`: what runs keep on disk.

use super::args::{Backup, Common, Gc};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::screen::Screen;
use coord_host::clock;
use coord_host::journal::{JournalRead, Reader};
use coord_host::leftovers::{self, Leftover, Which};

/// Removes what runs that have ended keep beside the journal.
pub(crate) fn gc(common: &Common, screen: &Screen, args: &Gc) -> Outcome {
    if args.keep.is_none() && args.older_than.is_none() {
        return Err(Failure::wrong("`coord gc` alone removes nothing").help(
            "say what may go: `--keep 10` keeps what the last ten runs left, `--older-than 30d` what is younger",
        ));
    }
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let age = args.older_than.as_deref().map(age).transpose()?;
    let which = Which {
        keep: args.keep,
        ended_before_ms: age.map(|ms| clock::wall_ms().saturating_sub(ms)),
    };
    let found =
        leftovers::find(&home, &reader, which).map_err(|e| home::run_failure(&reader, e))?;
    for leftover in &found {
        if !args.dry_run {
            leftovers::remove(leftover).map_err(|error| {
                Failure::environment(format!(
                    "what run {} left cannot be removed: {error}",
                    leftover.run
                ))
                .help("make it writable for you, and call this again")
            })?;
        }
        screen.out(&line(leftover));
    }
    if !args.dry_run {
        leftovers::prune(&home).map_err(|error| {
            Failure::environment(format!("what nobody needs cannot be removed: {error}"))
                .help("make it writable for you, and call this again")
        })?;
    }
    let bytes = found.iter().map(|left| left.bytes).sum();
    let did = match args.dry_run {
        true => "would go",
        false => "removed",
    };
    screen.out(&format!(
        "{} of {} {did}; the journal keeps what happened\n",
        size(bytes),
        runs(found.len())
    ));
    Ok(Exit::Done)
}

/// Copies the journal, also while a run is at work, and verifies the copy.
pub(crate) fn backup(common: &Common, screen: &Screen, args: &Backup) -> Outcome {
    let home = home::existing(common)?;
    if args.file.exists() {
        let file = args.file.display();
        return Err(Failure::environment(format!("`{file}` is there already"))
            .help("name a new file; nothing was written"));
    }
    let reader = home::reader(&home)?;
    reader.backup(&args.file).map_err(home::journal_failure)?;
    let copy = Reader::open(&args.file).map_err(home::journal_failure)?;
    copy.verify().map_err(home::journal_failure)?;
    let count = copy.runs().map_err(home::journal_failure)?.len();
    let events = copy.last_seq().map_err(home::journal_failure)?;
    screen.out(&format!(
        "{} and {events} events in {}, verified\n  to go back to it, put it in place of {} and remove journal.head beside it\n",
        runs(count),
        args.file.display(),
        home.journal_path().display()
    ));
    Ok(Exit::Done)
}

fn age(text: &str) -> Result<i64, Failure> {
    coord_lang::value::duration_ms(text)
        .filter(|ms| *ms >= 0)
        .ok_or_else(|| {
            Failure::wrong(format!("`{text}` is no length of time"))
                .help("as in `--older-than 30d` or `--older-than 12h`")
        })
}

fn line(left: &Leftover) -> String {
    format!(
        "{}  ended {}  {} files  {}\n",
        left.run,
        clock::rfc3339(left.ended_ms),
        left.files,
        size(left.bytes)
    )
}

pub(crate) fn runs(count: usize) -> String {
    match count {
        1 => "1 run".into(),
        n => format!("{n} runs"),
    }
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
