//! Running for real: programs, drivers and people on this machine, with a journal.

use crate::compile::Project;
use crate::error::Error;
use crate::helper;
use crate::report::{Report, Seen, Watch};
use coord_engine::{Event, Options, State};
use coord_host::driver::{Setup, Watcher, drive};
use coord_host::ground::Repository;
use coord_host::home::Home;
use coord_host::journal::{JournalRead, SqliteJournal};
use coord_host::process::Reaper;
use coord_host::reach::{Driver, Drivers, People, Reach};
use coord_host::run::{self as stored, Meta, NewRun, Run};
use coord_host::secrets::{SecretError, Vault};
use coord_host::speech::Speech;
use coord_host::support::{cannot_do, missing_programs, starts_programs};
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder beside a project that keeps its runs.
const HOME: &str = ".coord-state";
/// Between asking an attempt to end and going on without it.
const GRACE: Duration = Duration::from_millis(500);
/// Tasks that are written down ahead of a free slot, so that no slot waits for the disk.
const LOOKAHEAD_PER_SLOT: u32 = 16;

/// This machine as the host of a run: programs are started, drivers of your own are called, people
/// are asked, and every result is on disk before anything follows from it.
///
/// What it keeps is what the command `coord` keeps: `coord status`, `coord why`, `coord inbox` and
/// the others work on it, also while it runs, and either may go on with what the other left.
///
/// ```
/// use coord::build::{Agent, Draft, Task};
/// use coord::{Done, Job, Local, Reach, Stop};
///
/// let project = Draft::new("letters")
///     .with(Agent::new("writer").via_label("letters"))
///     .with(Task::new("draft").by("writer").ask("Write to the mayor"))
///     .with(Task::new("send").by("writer").needs("draft"))
///     .compile()?;
///
/// let folder = tempfile::tempdir()?;
/// let writer = |job: &Job, _: &Stop| match job.task.as_str() {
///     "draft" => Done::well().output("text", format!("On: {}", job.ask.as_deref().unwrap_or(""))),
///     _ => match job.output("draft", "text") {
///         Some(text) => Done::well().log(format!("sent {text}")),
///         None => Done::failed("there is nothing to send"),
///     },
/// };
/// let report = Local::new(folder.path())
///     .drive(Reach::Label("letters".into()), writer)
///     .run(&project)?;
/// assert!(report.is_completed());
/// assert_eq!(report.outputs("draft").unwrap()["text"], "On: Write to the mayor");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Local {
    root: PathBuf,
    home: PathBuf,
    drivers: Drivers,
    people: Option<Box<dyn People>>,
    watch: Option<Watch>,
    parallel: Option<u32>,
    fail_fast: bool,
    no_wait: bool,
    signals: bool,
    grace: Duration,
    helper: Option<PathBuf>,
}

impl Local {
    /// Takes the project's folder: where its programs run, and what its paths are relative to. It
    /// has to be there.
    pub fn new(root: impl Into<PathBuf>) -> Local {
        let root = root.into();
        Local {
            home: root.join(HOME),
            root,
            drivers: Drivers::default(),
            people: None,
            watch: None,
            parallel: None,
            fail_fast: false,
            no_wait: false,
            signals: false,
            grace: GRACE,
            helper: None,
        }
    }

    /// Keeps its runs in that folder instead of `.coord-state` in the project's. It is made when
    /// it is not there, for this user alone; one that is on a network is refused.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Local {
        self.home = home.into();
        self
    }

    /// A driver of your own speaks for these agents. Takes which ones, and the driver: a
    /// `Fn(&Job, &Stop) -> Done`, or what implements [`Driver`].
    pub fn drive(mut self, reach: Reach, driver: impl Driver + 'static) -> Local {
        self.drivers.add(reach, driver);
        self
    }

    /// Who answers what people are asked, before the inbox does: a
    /// `FnMut(&Question) -> Option<Answer>`, or what implements [`People`]. An answer that the run
    /// cannot take (of somebody who may not) ends it with [`Error::Drive`]; it can be taken up.
    pub fn people(mut self, people: impl People + 'static) -> Local {
        self.people = Some(Box::new(people));
        self
    }

    /// Is called with everything that happens, once it is durable. It has to return at once: the
    /// run waits for it.
    pub fn watch(mut self, watch: impl FnMut(&Seen<'_>) + Send + 'static) -> Local {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Most tasks at work at once, what people do not counted. Without this, what the project
    /// says; else as many as this machine has cores.
    pub fn parallel(mut self, n: u32) -> Local {
        self.parallel = Some(n);
        self
    }

    /// The first failure stops the run, whatever the project says.
    pub fn fail_fast(mut self) -> Local {
        self.fail_fast = true;
        self
    }

    /// Pauses when only people can move it, instead of waiting for them.
    pub fn no_wait(mut self) -> Local {
        self.no_wait = true;
        self
    }

    /// Takes SIGINT, SIGTERM and SIGHUP as the command does: the first pauses the run when what is
    /// at work has ended, the second ends it now. They stay taken for the life of the process.
    pub fn signals(mut self) -> Local {
        self.signals = true;
        self
    }

    /// How long an attempt has to end when it is asked to; half a second when it is not said.
    pub fn grace(mut self, time: Duration) -> Local {
        self.grace = time;
        self
    }

    /// The program that starts the programs of tasks, when the `main` of this one does not call
    /// [`crate::helper`]: `coord`, or one whose `main` does.
    pub fn helper(mut self, program: impl Into<PathBuf>) -> Local {
        self.helper = Some(program.into());
        self
    }

    /// Runs a project to its end, and waits for it.
    ///
    /// Takes the project; its plan is kept, and a resume goes on with that one. May be called from
    /// anywhere, also where an async runtime is at work (it blocks). Refuses, before anything
    /// starts: what a run cannot do yet, agents nobody speaks for, programs that are not on this
    /// machine ([`Error::NotPossible`]), and a home that cannot be used or is in use
    /// ([`Error::Journal`]). Tasks that fail are no error: see [`Report::end`].
    pub fn run(self, project: &Project) -> Result<Report, Error> {
        self.fits(project.run_plan(), &|_| true)?;
        let root = std::fs::canonicalize(&self.root).map_err(|source| Error::Folder {
            folder: self.root.clone(),
            source,
        })?;
        let vault = Vault::open(project.run_plan(), &root, &|_| true).map_err(no_secret)?;
        let repository = Repository::of(project.run_plan(), &root)
            .map_err(|cannot| Error::NotPossible(cannot.what, cannot.help.into()))?;
        let reaper = self.reaper(project.run_plan())?;
        let (home, mut journal) = open(&self.home)?;
        let runs = journal.runs()?;
        let texts: String = project.sources().iter().map(|(_, f)| f.text()).collect();
        let new = NewRun {
            id: stored::next_id(&runs, coord_host::clock::wall_ms()),
            file: project.file().display().to_string(),
            source_digest: stored::digest(&texts),
            meta: Meta {
                root,
                coord: env!("CARGO_PKG_VERSION").into(),
                repository,
                no_land: false,
            },
            plan: project.run_plan().clone(),
        };
        let run = new.create(&mut journal)?;
        self.go(home, run, journal, reaper, vault)
    }

    /// Goes on with a run that was paused or cut off, and waits for its end.
    ///
    /// Takes its name; None: the last one that has not ended ([`Error::NothingLeft`] when there is
    /// none). What a crash cut off runs again only if its task is `idempotent`; otherwise it is in
    /// doubt, and people are asked. A named one that has ended is reported as it is. Refuses as
    /// [`Local::run`] does, and a run that is not there or damaged ([`Error::Run`]).
    pub fn resume(self, run: Option<&str>) -> Result<Report, Error> {
        let (home, journal) = open(&self.home)?;
        let run = match run {
            Some(id) => Run::load(&journal, id)?,
            None => last_open(&journal)?.ok_or(Error::NothingLeft)?,
        };
        if run.state.status().is_ended() {
            journal.close()?;
            let end = match run.state.status() {
                coord_engine::RunStatus::Completed => crate::End::Completed,
                coord_engine::RunStatus::Cancelled => crate::End::Cancelled,
                _ => crate::End::Failed,
            };
            return Ok(report(end, run));
        }
        let left = |node| !run.state.node(node).status.is_ended();
        self.fits(&run.plan, &left)?;
        let vault = Vault::open(&run.plan, &run.meta.root, &left).map_err(no_secret)?;
        let reaper = self.reaper(&run.plan)?;
        self.go(home, run, journal, reaper, vault)
    }

    /// Refuses what it cannot do of the tasks that are left.
    fn fits(&self, plan: &Plan, left: &dyn Fn(NodeId) -> bool) -> Result<(), Error> {
        if let Some(cannot) = cannot_do(plan, &self.drivers, left) {
            return Err(Error::NotPossible(cannot.what, cannot.help.into()));
        }
        let missing = missing_programs(plan, &self.drivers);
        let named: Vec<String> = missing
            .iter()
            .map(|(name, whose)| format!("`{name}` for `{whose}`"))
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        Err(Error::NotPossible(
            format!("not on this machine: {}", named.join(", ")),
            "install it, or put its folder into PATH".into(),
        ))
    }

    /// The helper that starts programs, where it is known; refuses when it is needed and is not.
    fn reaper(&self, plan: &Plan) -> Result<Option<Reaper>, Error> {
        match helper::program(self.helper.as_deref()) {
            Some(program) => Reaper::start(&program).map(Some).map_err(Error::Helper),
            None if starts_programs(plan, &self.drivers) => Err(Error::NotPossible(
                "this run starts programs, and nothing is there to start them".into(),
                "make `coord::helper()` the first line of `main`, or name `coord` with `Local::helper`"
                    .into(),
            )),
            None => Ok(None),
        }
    }

    fn options(&self, run: &Run) -> Options {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u32);
        let before = run.state.started_ms().map(|_| run.state.options());
        let parallel = self
            .parallel
            .or(before.and_then(|o| o.parallel))
            .or(run.plan.parallel)
            .unwrap_or(cores)
            .max(1);
        Options {
            cores: self.parallel.map_or(cores, |p| p.max(cores)),
            parallel: Some(parallel),
            lookahead: parallel.saturating_mul(LOOKAHEAD_PER_SLOT).min(512),
            fail_fast: self.fail_fast || before.is_some_and(|o| o.fail_fast),
            ..Options::default()
        }
    }

    fn go(
        self,
        home: Home,
        run: Run,
        journal: SqliteJournal,
        reaper: Option<Reaper>,
        vault: Vault,
    ) -> Result<Report, Error> {
        let setup = Setup {
            options: self.options(&run),
            home,
            run,
            journal,
            reaper,
            drivers: self.drivers,
            people: self.people,
            signals: self.signals,
            no_wait: self.no_wait,
            grace: self.grace,
            speech: Speech::plain(),
            vault,
            snapshot_every: coord_host::snapshot::EVERY,
        };
        let mut watcher = Watched(self.watch);
        // on a thread of its own: the caller may be in a runtime already
        std::thread::scope(|scope| {
            let driving = scope.spawn(|| driven(setup, &mut watcher));
            match driving.join() {
                Ok(report) => report,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("root", &self.root)
            .field("home", &self.home)
            .field("drivers", &self.drivers)
            .finish_non_exhaustive()
    }
}

fn driven(setup: Setup, watcher: &mut Watched) -> Result<Report, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let local = tokio::task::LocalSet::new();
    let ended = local.block_on(&runtime, drive(setup, watcher));
    // what is still at work ends here: dropping an attempt kills its tree
    drop(local);
    let (end, run) = ended?;
    Ok(report(end, run))
}

fn report(end: crate::End, run: Run) -> Report {
    Report {
        end,
        plan: run.plan,
        state: run.state,
    }
}

fn no_secret(error: SecretError) -> Error {
    Error::NotPossible(error.to_string(), error.help().into())
}

fn last_open(journal: &SqliteJournal) -> Result<Option<Run>, Error> {
    for summary in journal.runs()?.iter().rev() {
        let run = Run::load(journal, &summary.id)?;
        if !run.state.status().is_ended() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Opens the home for writing, and proves that it can be written before anything starts.
fn open(path: &Path) -> Result<(Home, SqliteJournal), Error> {
    let home = Home::open(path)?;
    let name = format!("a program with coord in it, {}", std::process::id());
    let lock = coord_host::control::take_over(&home, &name)?;
    home.preflight()?;
    let journal = SqliteJournal::open(&home, lock)?;
    // nothing is written behind damage
    journal.reader()?.verify()?;
    Ok((home, journal))
}

struct Watched(Option<Watch>);

impl Watcher for Watched {
    fn event(&mut self, plan: &Plan, state: &State, seq: i64, event: &Event) {
        if let Some(watch) = &mut self.0 {
            watch(&Seen {
                seq,
                event,
                plan,
                state,
            });
        }
    }
}
