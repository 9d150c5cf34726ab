//! What a driver may use of the run around it: the log of its attempt, a file for notes, and
//! programs that it speaks with.
//!
//! Such a program is started as that of a task is: by the reaper, so that its whole tree ends with
//! the attempt, and with coord. The driver's thread asks for it; the loop's thread starts it and
//! ends it.

use crate::brief::clean;
use crate::driver::with_secrets;
use crate::process::Mask;
use crate::process::{
    Child, LiveLine, OutputSpec, OutputSummary, Reaper, SpawnSpec, Stdin, Stream, pump,
};
use crate::secrets::{Masker, SecretText};
use crate::work;
use coord_engine::{LogFacts, Process};
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// What is kept of what one attempt says.
const MAX_LOG_BYTES: u64 = 16 << 20;
/// How long a program gets to end by itself once nobody speaks with it any more.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where a driver works. Clones are the same one; [`Bench::default`] keeps nothing and starts
/// nothing.
#[derive(Clone, Default)]
pub struct Bench(Option<Arc<Shared>>);

struct Shared {
    log: Mutex<Log>,
    notes: PathBuf,
    programs: mpsc::UnboundedSender<Wanted>,
    secrets: BTreeMap<String, SecretText>,
}

/// What an attempt may know, and what must not show.
pub(crate) struct Discretion {
    pub(crate) secrets: BTreeMap<String, SecretText>,
    pub(crate) masker: Option<Arc<Masker>>,
}

/// A tool is no part of a job.
impl PartialEq for Bench {
    fn eq(&self, _: &Bench) -> bool {
        true
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.is_some() { "real" } else { "none" };
        f.debug_tuple("Bench").field(&kind).finish()
    }
}

/// A request for a program.
struct Wanted {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: PathBuf,
    stdin: OwnedFd,
    started: oneshot::Sender<Result<OwnedFd, String>>,
}

/// A program that is spoken with over its standard input and output. What it writes to standard
/// error is kept in the log. It ends with the attempt.
#[derive(Debug)]
pub struct Talk {
    /// What it reads. Dropping it tells the program that nothing more comes.
    pub input: OwnedFd,
    /// What it says.
    pub output: OwnedFd,
}

impl Bench {
    /// Keeps a text in the log of the attempt, as lines that are shown at once, without what a
    /// terminal would obey.
    pub fn say(&self, text: &str) {
        let Some(shared) = &self.0 else { return };
        let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.say(text);
    }

    /// How long nothing has been said.
    pub fn silence(&self) -> Duration {
        let Some(shared) = &self.0 else {
            return Duration::ZERO;
        };
        let log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.last.elapsed()
    }

    /// A file that outlives this attempt, for the next one at the same task.
    pub fn notes(&self) -> Option<&Path> {
        self.0.as_ref().map(|shared| shared.notes.as_path())
    }

    /// A secret that the task or those who do it name. There are none in virtual time.
    pub fn secret(&self, name: &str) -> Option<&[u8]> {
        let shared = self.0.as_ref()?;
        shared.secrets.get(name).map(SecretText::reveal)
    }

    /// Starts a program in `folder` with this environment and the secrets that it may
    /// have, and waits until it runs. The error is a
    /// sentence.
    pub fn start(
        &self,
        argv: &[String],
        env: &[(OsString, OsString)],
        folder: &Path,
    ) -> Result<Talk, String> {
        let nobody = || "no program can be started here".to_string();
        let shared = self.0.as_ref().ok_or_else(nobody)?;
        let (stdin, input) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| e.to_string())?;
        let (started, is_started) = oneshot::channel();
        let wanted = Wanted {
            argv: argv.iter().map(OsString::from).collect(),
            env: env.to_vec(),
            folder: folder.to_path_buf(),
            stdin,
            started,
        };
        shared.programs.send(wanted).map_err(|_| nobody())?;
        let output = is_started.blocking_recv().map_err(|_| nobody())??;
        Ok(Talk { input, output })
    }
}

/// What an attempt says, on its way to the file and to those who watch.
struct Log {
    path: PathBuf,
    file: Option<File>,
    kept: u64,
    dropped: u64,
    viewer: Option<mpsc::Sender<LiveLine>>,
    mask: Option<Box<dyn Mask>>,
    last: Instant,
}

impl Log {
    fn say(&mut self, text: &str) {
        self.last = Instant::now();
        let mut text = clean(text).to_string();
        if let Some(mask) = &mut self.mask {
            text.push('\n');
            let mut shown = Vec::with_capacity(text.len());
            mask.feed(text.as_bytes(), &mut shown);
            text = String::from_utf8_lossy(&shown).into_owned();
        }
        self.show(&text);
    }

    /// What may have been the beginning of a secret.
    fn say_the_rest(&mut self) {
        let mut shown = Vec::new();
        if let Some(mask) = &mut self.mask {
            mask.finish(&mut shown);
        }
        self.show(&String::from_utf8_lossy(&shown));
    }

    fn show(&mut self, text: &str) {
        for line in text.lines() {
            self.keep(line);
            if let Some(viewer) = &self.viewer {
                let _slow = viewer.try_send(LiveLine {
                    stream: Stream::Stdout,
                    text: line.chars().take(1024).collect(),
                });
            }
        }
    }

    fn keep(&mut self, line: &str) {
        let bytes = line.len() as u64 + 1;
        let room = self.kept + bytes <= MAX_LOG_BYTES;
        match room && self.write(&format!("{line}\n")).is_ok() {
            true => self.kept += bytes,
            false => self.dropped += bytes,
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut options = File::options();
                let options = options.create(true).append(true).mode(0o600);
                self.file.insert(options.open(&self.path)?)
            }
        };
        file.write_all(line.as_bytes())
    }
}

/// The loop's side of a bench.
pub(crate) struct Service {
    pub(crate) reaper: Option<Reaper>,
    pub(crate) grace: Duration,
    log: PathBuf,
    masker: Option<Arc<Masker>>,
    shared: Arc<Shared>,
    wanted: mpsc::UnboundedReceiver<Wanted>,
}

/// A bench for one attempt: its log, and a file for notes.
pub(crate) fn open(
    log: PathBuf,
    notes: PathBuf,
    viewer: Option<mpsc::Sender<LiveLine>>,
    reaper: Option<Reaper>,
    grace: Duration,
    discretion: Discretion,
) -> (Bench, Service) {
    let (programs, wanted) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        log: Mutex::new(Log {
            path: log.clone(),
            file: None,
            kept: 0,
            dropped: 0,
            viewer,
            mask: discretion.masker.as_ref().map(Masker::mask),
            last: Instant::now(),
        }),
        notes,
        programs,
        secrets: discretion.secrets,
    });
    let service = Service {
        reaper,
        grace,
        log,
        masker: discretion.masker,
        shared: Arc::clone(&shared),
        wanted,
    };
    (Bench(Some(shared)), service)
}

impl Service {
    /// Starts what is wanted until the attempt is over; then ends all of it, and returns when no
    /// process is left.
    pub(crate) async fn serve(
        &mut self,
        mut over: oneshot::Receiver<()>,
        spawned: impl Fn(Process),
    ) {
        let mut programs = JoinSet::new();
        let mut ends = Vec::new();
        loop {
            tokio::select! {
                biased;
                _ = &mut over => break,
                Some(wanted) = self.wanted.recv() => {
                    if let Some((child, process)) = self.start(wanted).await {
                        spawned(process);
                        let (end, ended) = oneshot::channel();
                        ends.push(end);
                        programs.spawn_local(attend(child, self.output(), ended, self.grace));
                    }
                }
                Some(_) = programs.join_next() => {}
            }
        }
        self.wanted.close();
        for end in ends {
            let _ended_by_itself = end.send(());
        }
        while programs.join_next().await.is_some() {}
    }

    pub(crate) fn masker(&self) -> Option<&Arc<Masker>> {
        self.masker.as_ref()
    }

    /// Where a program complains.
    fn output(&self) -> OutputSpec {
        let mut output = OutputSpec::new(&self.log);
        output.masks = self.masker.as_ref().map(Masker::masks);
        output
    }

    async fn start(&self, wanted: Wanted) -> Option<(Child, Process)> {
        let Some(reaper) = &self.reaper else {
            let _gone = wanted
                .started
                .send(Err("no program can be started here".into()));
            return None;
        };
        let spec = SpawnSpec {
            env: with_secrets(wanted.env, self.shared.secrets.clone()),
            stdin: Stdin::Fd(wanted.stdin),
            ..SpawnSpec::new(wanted.argv, &wanted.folder)
        };
        let mut child = match reaper.spawn(spec).await {
            Ok(child) => child,
            Err(error) => {
                let _gone = wanted.started.send(Err(work::why_not_started(&error)));
                return None;
            }
        };
        let process = work::process(&child);
        let output = child.take_main_output().map_err(|e| e.to_string());
        let _gone = wanted.started.send(output);
        Some((child, process))
    }

    /// What became of the log, with a last text from the driver.
    pub(crate) fn facts(&self, last: &str, went_well: bool) -> LogFacts {
        let mut log = self
            .shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !last.is_empty() {
            log.say(last);
        }
        log.say_the_rest();
        LogFacts {
            bytes: log.kept + log.dropped,
            cut: log.dropped > 0,
            tail: match went_well {
                true => String::new(),
                false => work::tail(&log.path).unwrap_or_default(),
            },
        }
    }
}

/// Keeps what a program complains of, and ends it: it may first end by itself, as nobody speaks
/// with it any more.
async fn attend(
    mut child: Child,
    output: OutputSpec,
    mut end: oneshot::Receiver<()>,
    grace: Duration,
) {
    let (tree_is_dead, tree_dead) = oneshot::channel();
    let streams = child.take_output();
    let pumping = tokio::task::spawn_local(async move {
        match streams {
            Some(streams) => pump(streams, output, tree_dead).await,
            None => OutputSummary::default(),
        }
    });
    tokio::select! {
        _ = child.wait() => {}
        _ = &mut end => {
            if tokio::time::timeout(grace.min(GOODBYE), child.wait()).await.is_err() {
                let _ended = child.stop(grace).await;
            }
        }
    }
    let _reader_may_be_gone = tree_is_dead.send(());
    let _summary = pumping.await;
}
