//! `coord run` and `coord resume`: from a plan to its end.

use super::args::{Common, Pace, Progress, Resume, Run};
use super::exit::{Exit, Failure, Outcome};
use super::files;
use super::home;
use super::project::{self, Loaded};
use super::render::progress::{Json, Lines, Live, Silent};
use super::render::{diagnostics, words};
use super::screen::Screen;
use coord_engine::{Options, Status};
use coord_host::driver::{DriveError, End, Setup, Watcher, drive};
use coord_host::ground::Repository;
use coord_host::home::Home;
use coord_host::journal::{JournalRead, SqliteJournal};
use coord_host::process::{Reaper, hide_from_other_processes, prepare_coordinator};
use coord_host::run::{self as stored, Meta, NewRun};
use coord_host::secrets::{SecretError, Vault};
use coord_host::support::missing_programs;
use coord_lang::ids::AgentId;
use coord_lang::source::Sources;
use coord_plan::compile::Settings;
use coord_plan::plan::{Driver, Plan, Program};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between the polite request to end and the kill; `COORD_GRACE` changes it.
const GRACE: Duration = Duration::from_millis(500);
/// Missing programs that are named one by one.
const MISSING_SHOWN: usize = 4;
/// Tasks that are written down ahead of a free slot, so that no slot waits for the disk.
const LOOKAHEAD_PER_SLOT: u32 = 16;

pub(crate) fn run(common: &Common, screen: &Screen, args: &Run) -> Outcome {
    some_slots(&args.pace)?;
    let settings = Settings {
        need_values: true,
        workflow: args.project.workflow.clone(),
        ..Settings::default()
    };
    let loaded = project::load(
        common,
        args.project.file.as_deref(),
        &args.project.set,
        settings,
    )?;
    report(common, screen, &loaded);
    if loaded.compiled.has_errors() {
        return Ok(Exit::Wrong);
    }
    let Some(active) = &loaded.compiled.plan else {
        return Ok(Exit::Wrong);
    };
    if args.dry_run {
        return dry_run(screen, &loaded, active);
    }
    let Some(plan) = loaded.compiled.whole().cloned() else {
        return Ok(Exit::Wrong);
    };
    super::support::can_run(&plan)?;
    let root = std::fs::canonicalize(loaded.root())
        .map_err(|e| Failure::environment(format!("cannot enter the project's folder: {e}")))?;
    let repository = Repository::of(&plan, &root)
        .map_err(|cannot| Failure::environment(cannot.what).help(cannot.help))?;
    programs_are_there(&plan)?;
    let vault = Vault::open(&plan, &root, &|_| true).map_err(secret_failure)?;
    stays_secret(&vault, &plan, args)?;
    let reaper = start_reaper()?;
    whole(&home::of_file(common, &loaded.file))?;
    let (home, mut journal) = open(&home::of_file(common, &loaded.file))?;
    let runs = journal.runs().map_err(home::journal_failure)?;
    let id = match &args.run_id {
        Some(id) => usable_id(id, runs.iter().map(|r| r.id.as_str()))?,
        None => stored::next_id(&runs, coord_host::clock::wall_ms()),
    };
    let new = NewRun {
        id,
        file: loaded.file.display().to_string(),
        source_digest: digest(&loaded.sources),
        meta: Meta {
            root,
            coord: env!("CARGO_PKG_VERSION").into(),
            repository,
            no_land: args.no_land,
        },
        plan,
    };
    let run = new
        .create(&mut journal)
        .map_err(|e| Failure::environment(e.to_string()))?;
    if !common.quiet && args.pace.progress != Progress::None {
        screen.err(&format!("run {} of {}\n", run.id, run.file));
    }
    let doing = Doing {
        home,
        run,
        journal,
        reaper,
        vault,
    };
    go(common, screen, &args.pace, doing)
}

pub(crate) fn resume(common: &Common, screen: &Screen, args: &Resume) -> Outcome {
    some_slots(&args.pace)?;
    let home = home::existing(common)?;
    // read before it is opened for writing: what cannot be trusted is left as it is
    let (run, last_seq) = {
        let reader = home::reader(&home)?;
        (
            home::open_run(&reader, args.run.as_deref())?,
            reader.last_seq().map_err(home::journal_failure)?,
        )
    };
    if let Some(exit) = has_ended(screen, &run) {
        leave_ground(&home, screen, &run);
        return Ok(exit);
    }
    super::support::can_go_on(&run)?;
    let left = |node| !run.state.node(node).status.is_ended();
    let vault = Vault::open(&run.plan, &run.meta.root, &left).map_err(secret_failure)?;
    let reaper = start_reaper()?;
    let (home, journal) = open(home.path())?;
    let run = if journal.last_seq().map_err(home::journal_failure)? == last_seq {
        run
    } else {
        home::run(
            &journal.reader().map_err(home::journal_failure)?,
            Some(&run.id),
        )?
    };
    if let Some(exit) = has_ended(screen, &run) {
        return Ok(exit);
    }
    changed_since(common, screen, &run);
    if !common.quiet && args.pace.progress != Progress::None {
        screen.err(&format!("run {} of {} goes on\n", run.id, run.file));
        for (id, item) in run.state.open_items() {
            let asked = words::asked(&run.plan, &run.state, id);
            let answers = words::answers(&run.plan, id, item);
            screen.err(&format!("  ? {asked}\n      {answers}\n"));
        }
    }
    let doing = Doing {
        home,
        run,
        journal,
        reaper,
        vault,
    };
    go(common, screen, &args.pace, doing)
}

/// Nothing is written behind damage, also when it is another run's.
fn whole(path: &Path) -> Result<(), Failure> {
    match Home::existing(path) {
        Ok(home) if home.journal_path().exists() => {
            home::reader(&home)?.verify().map_err(home::journal_failure)
        }
        _ => Ok(()),
    }
}

/// There is nothing to go on with: says what to do instead.
fn has_ended(screen: &Screen, run: &coord_host::run::Run) -> Option<Exit> {
    let status = run.state.status();
    if !status.is_ended() {
        return None;
    }
    screen.err(&format!(
        "run {} has ended: it {}\n",
        run.id,
        words::is_now(status.name())
    ));
    if status == coord_engine::RunStatus::Failed {
        screen.err("  help: `coord status` shows why; a failed task is tried again with `coord retry TASK`\n");
    }
    Some(if status == coord_engine::RunStatus::Completed {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Takes away what a crash after the last event of a run left of its worktrees and branches.
fn leave_ground(home: &Home, screen: &Screen, run: &coord_host::run::Run) {
    // whoever has the lock is at work here: it can be done later
    let Ok(_lock) = home.lock(&home::command_line()) else {
        return;
    };
    if let Some(said) = coord_host::leave_ground(home, run) {
        screen.err(&format!("{said}\n"));
    }
}

fn report(common: &Common, screen: &Screen, loaded: &Loaded) {
    let found = &loaded.compiled.diagnostics;
    if loaded.compiled.has_errors() {
        screen.err(&diagnostics::text(&loaded.sources, found, screen.style()));
        screen.err(&format!("{}\n", diagnostics::count(found)));
    } else if !found.is_empty() && !common.quiet {
        screen.err(&format!(
            "{}; `coord check` shows them\n",
            diagnostics::count(found)
        ));
    }
}

/// Over all files of the project, in the order of their `use` lines.
fn digest(sources: &Sources) -> String {
    let texts: String = sources.iter().map(|(_, f)| f.text()).collect();
    stored::digest(&texts)
}

/// A run goes on with the plan it was started with; says so when the files are others now.
fn changed_since(common: &Common, screen: &Screen, run: &coord_host::run::Run) {
    let path = if Path::new(&run.file).is_absolute() {
        PathBuf::from(&run.file)
    } else {
        run.meta
            .root
            .join(Path::new(&run.file).file_name().unwrap_or_default())
    };
    let limits = project::limits(common).unwrap_or_default();
    match files::read(&path, &limits) {
        Ok(sources) if digest(&sources) != run.source_digest => screen.err(&format!(
            "{} has changed since this run was started; the run goes on with the plan it has\n",
            run.file
        )),
        _ => {}
    }
}

fn usable_id<'r>(id: &str, mut taken: impl Iterator<Item = &'r str>) -> Result<String, Failure> {
    let fine = !id.is_empty()
        && id.len() <= 64
        && !id.starts_with(['.', '-'])
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !fine {
        return Err(Failure::wrong(format!("`{id}` is no name for a run"))
            .help("use letters, digits, `-`, `_` and `.`, at most 64"));
    }
    if taken.any(|other| other == id) {
        return Err(
            Failure::wrong(format!("there is a run `{id}` already")).help(format!(
                "go on with it by `coord resume {id}`, or choose another name"
            )),
        );
    }
    Ok(id.to_string())
}

fn start_reaper() -> Result<Reaper, Failure> {
    let reaper = Reaper::start(Path::new("/proc/self/exe"))
        .map_err(|e| Failure::environment(format!("cannot start the reaper of tasks: {e}")))?;
    prepare_coordinator();
    Ok(reaper)
}

/// Opens the home for writing, and proves that it can be written before anything starts.
fn open(path: &Path) -> Result<(Home, SqliteJournal), Failure> {
    let home = Home::open(path).map_err(home::journal_failure)?;
    let lock = coord_host::control::take_over(&home, &home::command_line())
        .map_err(home::journal_failure)?;
    home.preflight().map_err(home::journal_failure)?;
    let journal = SqliteJournal::open(&home, lock).map_err(home::journal_failure)?;
    Ok((home, journal))
}

/// E0710: every program that is named without a path has to be on this machine.
fn programs_are_there(plan: &Plan) -> Result<(), Failure> {
    let missing = missing_programs(plan, &super::support::drivers());
    if missing.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = missing
        .iter()
        .take(MISSING_SHOWN)
        .map(|(name, task)| format!("`{name}` for `{task}`"))
        .collect();
    let more = match missing.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Failure::environment(format!(
        "E0710 not on this machine: {}{more}",
        named.join(", ")
    ))
    .help("install it, or put its folder into PATH; nothing was started"))
}

/// A run keeps its plan, its file's name and its own: none of them may hold a secret.
fn stays_secret(vault: &Vault, plan: &Plan, args: &Run) -> Result<(), Failure> {
    if vault.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec(plan).unwrap_or_default();
    vault.refuse_in(&text, "project").map_err(secret_failure)?;
    let id = args.run_id.as_deref().unwrap_or_default();
    vault
        .refuse_in(id.as_bytes(), "name of the run")
        .map_err(secret_failure)
}

fn secret_failure(error: SecretError) -> Failure {
    let help = error.help();
    match error {
        SecretError::InTheOpen { .. } => Failure::wrong(error.to_string()),
        _ => Failure::environment(error.to_string()),
    }
    .help(help)
}

fn dry_run(screen: &Screen, loaded: &Loaded, plan: &Plan) -> Outcome {
    let Some(schedule) = &loaded.compiled.schedule else {
        return Ok(Exit::Wrong);
    };
    let mut order: Vec<_> = plan.tasks().collect();
    order.sort_by_key(|(id, _, _)| {
        (
            schedule.nodes[*id].start_ms,
            schedule.nodes[*id].finish_ms,
            *id,
        )
    });
    for (_, node, task) in order {
        let who: Vec<&str> = task
            .by
            .agents()
            .iter()
            .map(|a| plan.agents[*a].name.as_str())
            .collect();
        let what = match &task.program {
            Some(Program::Argv(argv)) => argv.join(" "),
            Some(Program::Script { language, text }) => format!(
                "{language}: {}",
                text.trim_start().lines().next().unwrap_or("")
            ),
            None => done_by(plan, task.by.agents()),
        };
        screen.out(&format!(
            "{}  ({})  {}\n",
            node.name,
            who.join(", "),
            words::plain(&what)
        ));
    }
    Ok(Exit::Done)
}

/// How work that runs no program is done.
fn done_by(plan: &Plan, agents: &[AgentId]) -> String {
    let drivers = agents.iter().map(|agent| &plan.agents[*agent].driver);
    let mut told = drivers.filter_map(|driver| match driver {
        Driver::Shell | Driver::Human | Driver::Remote(_) => None,
        Driver::Http(url) => Some(format!("asked over HTTP: {url}")),
        Driver::A2a(url) => Some(format!("asked over A2A: {url}")),
        Driver::Acp(argv) => Some(format!("asked over ACP: {}", argv.join(" "))),
        Driver::McpWeb { url, tool } => Some(format!("tool {tool} of {url}")),
        Driver::Mcp { argv, tool } => Some(format!("tool {tool} of {}", argv.join(" "))),
    });
    told.next()
        .unwrap_or_else(|| "asked through the inbox".into())
}

/// What is said now, else what was said at the start, else what the project and the machine say.
fn options(pace: &Pace, run: &coord_host::run::Run) -> Options {
    let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u32);
    let before = run.state.started_ms().map(|_| run.state.options());
    let parallel = pace
        .parallel
        .or(before.and_then(|o| o.parallel))
        .or(run.plan.parallel)
        .unwrap_or(cores);
    Options {
        cores: pace.parallel.map_or(cores, |p| p.max(cores)),
        parallel: Some(parallel),
        lookahead: parallel.saturating_mul(LOOKAHEAD_PER_SLOT).min(512),
        fail_fast: pace.fail_fast || before.is_some_and(|o| o.fail_fast),
        respect_calendar: false,
        stay_until_ms: pace.stay.then_some(i64::MAX),
    }
}

fn some_slots(pace: &Pace) -> Result<(), Failure> {
    match pace.parallel {
        Some(0) => Err(Failure::wrong("`--parallel 0` lets nothing run").help("give at least 1")),
        _ => Ok(()),
    }
}

fn grace() -> Duration {
    let given = std::env::var("COORD_GRACE").ok();
    let ms = given.as_deref().and_then(coord_lang::value::duration_ms);
    ms.map_or(GRACE, |ms| Duration::from_millis(ms.max(0) as u64))
}

/// `COORD_SNAPSHOT_EVERY` changes it, for tests.
fn snapshot_every() -> u64 {
    let given = std::env::var("COORD_SNAPSHOT_EVERY").ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(coord_host::snapshot::EVERY)
}

fn watcher(
    common: &Common,
    screen: &Screen,
    pace: &Pace,
    run: &coord_host::run::Run,
) -> Box<dyn Watcher> {
    let live = std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb");
    match pace.progress {
        Progress::None => Box::new(Silent),
        Progress::Json => Box::new(Json::new(&run.id)),
        Progress::Auto if live && !common.quiet => {
            Box::new(Live::new(screen, run.state.tasks(&run.plan).count()))
        }
        Progress::Plain | Progress::Auto => Box::new(Lines::new(screen, common.quiet)),
    }
}

/// All that a run is driven with.
struct Doing {
    home: Home,
    run: coord_host::run::Run,
    journal: SqliteJournal,
    reaper: Reaper,
    vault: Vault,
}

fn go(common: &Common, screen: &Screen, pace: &Pace, doing: Doing) -> Outcome {
    let Doing {
        home,
        run,
        journal,
        reaper,
        vault,
    } = doing;
    if !vault.is_empty() {
        // what was in our environment stays there, and tasks are of the same user
        hide_from_other_processes();
    }
    let (masker, logs) = (vault.masker(), run.logs(&home));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::environment(format!("cannot start the event loop: {e}")))?;
    let mut watcher = watcher(common, screen, pace, &run);
    let options = options(pace, &run);
    let setup = Setup {
        home,
        run,
        journal,
        reaper: Some(reaper),
        options,
        drivers: super::support::drivers(),
        people: None,
        signals: true,
        no_wait: pace.no_wait,
        grace: grace(),
        speech: words::speech(),
        vault,
        snapshot_every: snapshot_every(),
    };
    let local = tokio::task::LocalSet::new();
    let driven = local.block_on(&runtime, drive(setup, watcher.as_mut()));
    drop(watcher);
    // what is still at work ends here: dropping an attempt kills its tree
    drop(local);
    if let Some(masker) = masker {
        masker.outputs_in(&logs);
    }
    let (end, run) = driven.map_err(drive_failure)?;
    if pace.progress != Progress::None {
        screen.err(&summary(&run, end));
    }
    let kept = end != End::Completed || promises_hold(screen, &run);
    Ok(match end {
        End::Completed if kept => Exit::Done,
        End::Completed => Exit::Failed,
        End::Failed | End::Cancelled => Exit::Failed,
        End::Paused => Exit::Done,
        End::WaitingForPeople => Exit::Waiting,
        End::Signalled(2) => Exit::Interrupted,
        End::Signalled(_) => Exit::Terminated,
    })
}

/// Says which promises a completed run did not keep.
fn promises_hold(screen: &Screen, run: &coord_host::run::Run) -> bool {
    let mut hold = true;
    for promise in &run.plan.rules.expects {
        let judged = coord_engine::promises::judge(&run.plan, &run.state, promise);
        if judged.holds == Some(false) {
            hold = false;
            screen.err(&format!(
                "promise \"{}\" does not hold: {}\n",
                words::plain(&promise.title),
                words::plain(&judged.found)
            ));
        }
    }
    hold
}

fn drive_failure(error: DriveError) -> Failure {
    match error {
        DriveError::Journal(error) => home::journal_failure(error)
            .help("what is recorded is safe; mend it and `coord resume`"),
        DriveError::Io { .. } => {
            Failure::environment(error.to_string()).help("mend it and `coord resume`")
        }
        DriveError::Refused(why) => Failure::wrong(why),
    }
}

fn summary(run: &coord_host::run::Run, end: End) -> String {
    let count = |wanted: Status| {
        run.state
            .tasks(&run.plan)
            .filter(|(id, _, _)| run.state.node(*id).status == wanted)
            .count()
    };
    let mut parts = Vec::new();
    for (status, word) in [
        (Status::Completed, "completed"),
        (Status::Failed, "failed"),
        (Status::Skipped, "skipped"),
        (Status::Cancelled, "cancelled"),
        (Status::InDoubt, "in doubt"),
    ] {
        match count(status) {
            0 => {}
            n => parts.push(format!("{n} {word}")),
        }
    }
    let all = run.state.tasks(&run.plan).count();
    let ended: usize = [
        Status::Completed,
        Status::Failed,
        Status::Skipped,
        Status::Cancelled,
        Status::InDoubt,
    ]
    .into_iter()
    .map(count)
    .sum();
    if all > ended {
        parts.push(format!("{} not done", all - ended));
    }
    let took = match (run.state.started_ms(), run.state.ended_ms()) {
        (Some(from), Some(to)) => format!(" in {}", words::seconds(to - from)),
        _ => String::new(),
    };
    let id = &run.id;
    let head = match end {
        End::Completed => format!("run {id} completed{took}"),
        End::Failed => format!("run {id} failed{took}"),
        End::Cancelled => format!("run {id} cancelled{took}"),
        End::Paused => format!("run {id} is paused"),
        End::WaitingForPeople => format!("run {id} waits for people"),
        End::Signalled(_) => format!("run {id} is stopped"),
    };
    let next = match end {
        End::Completed | End::Cancelled => String::new(),
        End::Failed => "\n  `coord why TASK` says why, `coord retry TASK` tries again\n".into(),
        End::Paused | End::Signalled(_) => format!("\n  `coord resume {id}` goes on\n"),
        End::WaitingForPeople if run.state.mode().is_some() => {
            format!(
                "\n  `coord safe-mode exit {id}` lets it start work again, `coord resume {id}` goes on\n"
            )
        }
        End::WaitingForPeople => {
            format!("\n  `coord inbox` shows what is asked, `coord resume {id}` goes on\n")
        }
    };
    format!(
        "{head}: {}{}",
        parts.join(", "),
        if next.is_empty() { "\n".into() } else { next }
    )
}
