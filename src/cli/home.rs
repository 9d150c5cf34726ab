//! Finds the home of a project and the run that a command means.

use super::args::Common;
use super::exit::{Exit, Failure};
use super::project;
use coord_host::control::ControlError;
use coord_host::home::Home;
use coord_host::journal::{JournalError, JournalRead, Reader, RunSummary, SqliteJournal};
use coord_host::run::{Run, RunError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const DEFAULT: &str = ".coord-state";
/// How long a writer may be at opening its journal.
const OPENING: Duration = Duration::from_secs(5);
const OPENING_PAUSE: Duration = Duration::from_millis(20);

/// Where the home of a project file is.
pub(crate) fn path(common: &Common, root: &Path) -> PathBuf {
    common.home.clone().unwrap_or_else(|| root.join(DEFAULT))
}

/// The home for commands that look at runs: `COORD_HOME`, the one here, or that of the project
/// file here.
pub(crate) fn existing(common: &Common) -> Result<Home, Failure> {
    let path = match &common.home {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT).is_dir() => PathBuf::from(DEFAULT),
        None => only_below().ok_or_else(|| {
            Failure::wrong("there are no runs here: no `.coord-state` folder")
                .help("run a project with `coord run`, or name its state with `--home DIR`")
        })?,
    };
    if !path.exists() {
        return Err(Failure::wrong(format!(
            "there are no runs in `{}`: there is no such folder",
            path.display()
        ))
        .help("start one with `coord run`"));
    }
    Home::existing(&path).map_err(journal_failure)
}

/// The state folder of the only folder below that has one: `workflows/` of a repository.
fn only_below() -> Option<PathBuf> {
    let mut found = std::fs::read_dir(".")
        .ok()?
        .flatten()
        .map(|e| e.path().join(DEFAULT))
        .filter(|p| p.is_dir());
    let first = found.next()?;
    found.next().is_none().then(|| {
        first
            .strip_prefix(".")
            .map(Path::to_path_buf)
            .unwrap_or(first)
    })
}

pub(crate) fn reader(home: &Home) -> Result<Reader, Failure> {
    if !home.journal_path().exists() {
        return Err(Failure::wrong("there are no runs here yet").help("start one with `coord run`"));
    }
    read_or_mend(home).map_err(journal_failure)
}

/// A crash while a journal was opened or closed leaves it so that only a writer can finish that.
/// A writer that is just at it finishes by itself; without one it is done here.
fn read_or_mend(home: &Home) -> Result<Reader, JournalError> {
    let until = Instant::now() + OPENING;
    loop {
        let error = match Reader::open(&home.journal_path()) {
            Err(error) if only_a_writer_can_tell(&error) => error,
            other => return other,
        };
        match mend(home) {
            Ok(()) => return Reader::open(&home.journal_path()),
            Err(JournalError::Locked { .. }) if Instant::now() < until => {
                std::thread::sleep(OPENING_PAUSE)
            }
            Err(other) if only_a_writer_can_tell(&other) => return Err(other),
            Err(_) => return Err(error),
        }
    }
}

/// A missing log: either nothing was in it yet, or somebody took it away.
pub(crate) fn only_a_writer_can_tell(error: &JournalError) -> bool {
    matches!(
        error,
        JournalError::HalfClosed { .. } | JournalError::Truncated { .. }
    )
}

fn mend(home: &Home) -> Result<(), JournalError> {
    let lock = home.lock(&command_line())?;
    SqliteJournal::open(home, lock)?.close()
}

/// The run of that name, or the last one.
pub(crate) fn run(reader: &Reader, id: Option<&str>) -> Result<Run, Failure> {
    let id = match id {
        Some(id) => id.to_string(),
        None => last(reader)?.id,
    };
    Run::load(reader, &id).map_err(|error| run_failure(reader, error))
}

fn last(reader: &Reader) -> Result<RunSummary, Failure> {
    let runs = reader.runs().map_err(journal_failure)?;
    runs.into_iter().next_back().ok_or_else(|| {
        Failure::wrong("there are no runs here yet").help("start one with `coord run`")
    })
}

/// The last run that has not ended; the last of all when none is open.
pub(crate) fn open_run(reader: &Reader, id: Option<&str>) -> Result<Run, Failure> {
    if id.is_some() {
        return run(reader, id);
    }
    let runs = reader.runs().map_err(journal_failure)?;
    for summary in runs.iter().rev() {
        let found = run(reader, Some(&summary.id))?;
        if !found.state.status().is_ended() {
            return Ok(found);
        }
    }
    run(reader, None)
}

pub(crate) fn run_failure(reader: &Reader, error: RunError) -> Failure {
    match error {
        RunError::Unknown(id) => {
            let runs = reader.runs().unwrap_or_default();
            let names = runs.iter().map(|r| r.id.as_str());
            let failure = Failure::wrong(format!("there is no run `{id}`"));
            match coord_lang::schema::closest(&id, names).first() {
                Some(meant) => failure.help(format!("did you mean `{meant}`?")),
                None => failure.help("`coord runs` lists them"),
            }
        }
        RunError::Journal(error) => journal_failure(error),
        other => Failure::environment(other.to_string())
            .help("restore the journal from a backup; nothing was changed"),
    }
}

pub(crate) fn journal_failure(error: JournalError) -> Failure {
    Failure {
        exit: Exit::Environment,
        message: error.to_string(),
        help: None,
    }
}

pub(crate) fn control_failure(error: ControlError) -> Failure {
    match error {
        ControlError::Refused(why) => Failure {
            exit: Exit::Wrong,
            message: why,
            help: None,
        },
        ControlError::Journal(error) | ControlError::Run(RunError::Journal(error)) => {
            journal_failure(error)
        }
        other => Failure::environment(other.to_string()),
    }
}

/// `RUN TASK`, or a task of the last run alone.
pub(crate) fn run_and_task(
    reader: &Reader,
    first: &str,
    second: Option<&str>,
) -> Result<(Run, String), Failure> {
    if let Some(task) = second {
        return Ok((run(reader, Some(first))?, task.to_string()));
    }
    let known = reader
        .runs()
        .map_err(journal_failure)?
        .iter()
        .any(|r| r.id == first);
    if known {
        return Err(
            Failure::wrong(format!("`{first}` is a run; which of its tasks?"))
                .help("name the task behind it"),
        );
    }
    Ok((open_run(reader, None)?, first.to_string()))
}

/// The node of a task, with a helping hand for names that are not there.
pub(crate) fn node(run: &Run, task: &str) -> Result<coord_lang::ids::NodeId, Failure> {
    run.plan.find(task).ok_or_else(|| {
        let names = run.plan.nodes.values().map(|n| n.name.as_str());
        let failure = Failure::wrong(format!("run `{}` has no task `{task}`", run.id));
        match coord_lang::schema::closest(task, names).first() {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure.help(format!("`coord status {}` lists them", run.id)),
        }
    })
}

/// The command line as the lock shows it to others.
pub(crate) fn command_line() -> String {
    let args: Vec<String> = std::env::args().skip(1).collect();
    format!("coord {}", args.join(" "))
}

/// Where the project of `file` has its home.
pub(crate) fn of_file(common: &Common, file: &Path) -> PathBuf {
    path(common, &project::folder_of(file))
}
