//! One attempt or one check as a process: how it is started, watched and ended.
//!
//! Knows nothing of plans beyond the one program it is given, and decides nothing: it reports.

use crate::process::{
    Child, Ending, ExitReport, LiveLine, OutputSpec, OutputSummary, Reaper, SpawnError, SpawnSpec,
    pump,
};
use crate::secrets::Masker;
use coord_engine::{LogFacts, Outcome, Process, Termination};
use coord_plan::plan::Program;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Largest file of outputs that is read.
const MAX_OUTPUTS_BYTES: u64 = 2 << 20;
/// Scripts up to this size are an argument; larger ones a file.
const MAX_ARGUMENT: usize = 100 << 10;
/// What a finished program's helpers, such as a `tee` of its shell, get to end by themselves.
const LEFTOVER_GRACE: Duration = Duration::from_millis(100);
const TAIL_BYTES: u64 = 2_048;
const TAIL_LINES: usize = 8;

/// What to run and where its traces go.
pub(crate) struct Job {
    pub(crate) argv: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) cwd: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) outputs: Option<PathBuf>,
    pub(crate) grace: Duration,
    pub(crate) viewer: Option<mpsc::Sender<LiveLine>>,
    /// Keeps secrets out of its traces.
    pub(crate) masker: Option<Arc<Masker>>,
}

/// How it went.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) log: LogFacts,
}

impl Finished {
    /// An end that left nothing behind.
    pub(crate) fn silent(outcome: Outcome) -> Finished {
        Finished {
            outcome,
            outputs: BTreeMap::new(),
            log: LogFacts::default(),
        }
    }
}

/// The argument vector of a program; a script goes to its interpreter, which stops at the first
/// command that fails. `script` is where a long one is written.
pub(crate) fn argv(program: &Program, script: &Path) -> std::io::Result<Vec<OsString>> {
    match program {
        Program::Argv(argv) => Ok(argv.iter().map(OsString::from).collect()),
        Program::Script { language, text } => {
            let options: &[&str] = match language.as_str() {
                "sh" | "zsh" => &["-e", "-c"],
                "bash" => &["-e", "-o", "pipefail", "-c"],
                "python3" => &["-c"],
                _ => &["-e"],
            };
            let mut argv = vec![OsString::from(language)];
            if text.len() <= MAX_ARGUMENT {
                argv.extend(options.iter().map(OsString::from));
                argv.push(text.into());
            } else {
                std::fs::write(script, text)?;
                argv.extend(
                    options
                        .iter()
                        .filter(|o| !matches!(**o, "-c") && language.ends_with("sh"))
                        .map(OsString::from),
                );
                argv.push(script.into());
            }
            Ok(argv)
        }
    }
}

/// Runs `job` to its end; `stop` ends it early, politely first.
pub(crate) async fn run(
    reaper: &Reaper,
    job: Job,
    mut stop: mpsc::UnboundedReceiver<Termination>,
    spawned: impl FnOnce(Process),
) -> Finished {
    let spec = SpawnSpec {
        env: job.env,
        leftover_grace: LEFTOVER_GRACE,
        ..SpawnSpec::new(job.argv, &job.cwd)
    };
    let mut child = match reaper.spawn(spec).await {
        Ok(child) => child,
        Err(error) => return not_started(&error),
    };
    spawned(process(&child));
    let mut output = OutputSpec::new(&job.log);
    output.viewer = job.viewer;
    output.masks = job.masker.as_ref().map(Masker::masks);
    let (tree_is_dead, tree_dead) = oneshot::channel();
    let streams = child.take_output();
    let pumping = tokio::task::spawn_local(async move {
        match streams {
            Some(streams) => pump(streams, output, tree_dead).await,
            None => OutputSummary::default(),
        }
    });
    let (report, why) = watch(&mut child, &mut stop, job.grace).await;
    let _reader_may_be_gone = tree_is_dead.send(());
    let summary = pumping.await.unwrap_or_default();
    let outcome = outcome(&report, why);
    Finished {
        outputs: (job.outputs.as_deref())
            .map(|path| take_outputs(path, job.masker.as_ref()))
            .unwrap_or_default(),
        log: log_facts(&job.log, &summary, outcome.is_success()),
        outcome,
    }
}

/// What names a program in the journal.
pub(crate) fn process(child: &Child) -> Process {
    let identity = child.identity();
    Process {
        pid: identity.pid as u32,
        identity: identity.start_time.to_string(),
    }
}

async fn watch(
    child: &mut Child,
    stop: &mut mpsc::UnboundedReceiver<Termination>,
    grace: Duration,
) -> (ExitReport, Option<Termination>) {
    tokio::select! {
        report = child.wait() => (report, None),
        Some(why) = stop.recv() => (child.stop(grace).await, Some(why)),
    }
}

fn outcome(report: &ExitReport, why: Option<Termination>) -> Outcome {
    match (why, report.ending) {
        (Some(Termination::Timeout), _) => Outcome::TimedOut,
        (Some(Termination::Cancel | Termination::TakenAway | Termination::Halted), _) => {
            Outcome::Cancelled
        }
        (None, Ending::Exited(code)) => Outcome::Exit(code),
        (None, Ending::Signaled(signal)) => Outcome::Signal(signal),
        (None, Ending::Lost) => Outcome::Lost("the process that watched it was killed".into()),
    }
}

/// In one sentence.
pub(crate) fn why_not_started(error: &SpawnError) -> String {
    let text = error.to_string();
    let Some(cause) = std::error::Error::source(error) else {
        return text;
    };
    let cause = cause.to_string();
    // the number says nothing to people
    let cause = cause.split(" (os error").next().unwrap_or_default();
    format!("{text}: {cause}")
}

fn not_started(error: &SpawnError) -> Finished {
    let text = why_not_started(error);
    let outcome = match error {
        SpawnError::Lost => Outcome::Lost(text),
        _ => Outcome::SpawnFailed(text),
    };
    Finished::silent(outcome)
}

/// Reads the outputs that a program left; what stays of them in the home holds no secret.
pub(crate) fn take_outputs(path: &Path, masker: Option<&Arc<Masker>>) -> BTreeMap<String, String> {
    // before it is cut into lines: a secret may be wrapped over them
    if let Some(masker) = masker
        && masker.file(path).is_err()
    {
        let _gone = std::fs::remove_file(path);
    }
    read_outputs(path)
}

/// The `name=value` lines of a file; a name that is no identifier is left out.
fn read_outputs(path: &Path) -> BTreeMap<String, String> {
    let Ok(file) = std::fs::File::open(path) else {
        return BTreeMap::new();
    };
    let mut bytes = Vec::new();
    if file
        .take(MAX_OUTPUTS_BYTES)
        .read_to_end(&mut bytes)
        .is_err()
    {
        return BTreeMap::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let fine = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_string(), value.to_string()))
        .filter(|(name, _)| fine(name))
        .collect()
}

fn log_facts(path: &Path, summary: &OutputSummary, went_well: bool) -> LogFacts {
    LogFacts {
        bytes: summary.kept_bytes + summary.dropped_bytes,
        cut: summary.dropped_bytes > 0,
        tail: if went_well || summary.kept_bytes == 0 {
            String::new()
        } else {
            tail(path).unwrap_or_default()
        },
    }
}

/// The last lines of a log, without what a terminal would obey.
pub(crate) fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(tail_of(&String::from_utf8_lossy(&bytes)))
}

/// The last lines of a text, without what a terminal would obey.
pub(crate) fn tail_of(text: &str) -> String {
    let start = text.len().saturating_sub(TAIL_BYTES as usize);
    let start = (start..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    let lines: Vec<&str> = text[start..].lines().collect();
    let kept = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    kept.join("\n")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect()
}
