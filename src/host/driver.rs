//! The one select loop: everything that can happen to a run comes in here, goes through the
//! engine, is made durable, and only then has effects.

use crate::apart::{self, Disturbed};
use crate::artifacts::{Keep, Store};
use crate::bench::{self, Discretion, Service};
use crate::brief;
use crate::clock::Clock;
use crate::context::Context;
use crate::control::{Asked, Listener, Reply};
use crate::environment::{passed_on, variable};
use crate::gates::{Looks, Seen, Then};
use crate::ground::{Ground, Unsure};
use crate::home::Home;
use crate::journal::{Journal, JournalError, SqliteJournal};
use crate::landing::{self, Queue};
use crate::notices::Outbox;
use crate::place;
use crate::process::{LiveLine, Marker, ProcessIdentity, Reaper, boot_id, sweep};
use crate::reach::{self, Done, Drivers, Job as Work, People, Question};
use crate::record;
use crate::run::{self, Run};
use crate::secrets::{SecretText, Vault, variables};
use crate::snapshot::Keeper;
use crate::speech::Speech;
use crate::witness::{self, Witness};
use crate::work::{self, Finished, Job};
use coord_engine::{
    Action, Ask, CheckId, DutyId, Event, Fact, Input, ItemId, Landing, Options, Outcome, Process,
    RunStatus, State, Status, Termination, Waiting, action_of, apply, key, pending_actions, step,
};
use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, ChannelId, MetricId, NodeId};
use coord_plan::plan::{Plan, Program, Task};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Happenings that are taken in one turn of the loop, so that effects are not starved.
const PER_TURN: usize = 512;
/// While tasks end faster than this, their ends share a flush, where nothing waits for it.
const GATHERING: Duration = Duration::from_millis(2);
/// Events that may wait for that.
const MOST_HELD: usize = 512;
/// Longest sleep: a machine that was suspended looks at its timers this soon after waking.
const MAX_SLEEP: Duration = Duration::from_secs(1);
/// Lines of output that a slow display may lag behind before it misses some.
const LIVE_LINES: usize = 256;

/// Everything that a run needs to move.
pub struct Setup {
    pub home: Home,
    pub run: Run,
    pub journal: SqliteJournal,
    /// Starts programs; without one, none can be started.
    pub reaper: Option<Reaper>,
    pub options: Options,
    /// Who speaks for agents that are no programs.
    pub drivers: Drivers,
    /// Who answers before the inbox does.
    pub people: Option<Box<dyn People>>,
    /// Signals pause the run and end it. They are this process's own affair otherwise.
    pub signals: bool,
    /// Stop instead of waiting for people.
    pub no_wait: bool,
    /// Between the polite request to end and the kill.
    pub grace: Duration,
    /// The words of what the run writes for people.
    pub speech: Speech,
    /// The project's secrets.
    pub vault: Vault,
    /// Events between two snapshots, at least.
    pub snapshot_every: u64,
}

/// Who watches a run. Called on the loop's own thread: it must return at once.
pub trait Watcher {
    /// An event that is durable.
    fn event(&mut self, plan: &Plan, state: &State, seq: i64, event: &Event);
    /// A line that a task printed; some may be missing.
    fn line(&mut self, _plan: &Plan, _node: NodeId, _line: &LiveLine) {}
    /// Something beside the work went wrong, after the end of the journal.
    fn trouble(&mut self, _text: &str) {}
    /// What a channel tells standard output.
    fn say(&mut self, _text: &str) {}
    /// Some time has passed.
    fn tick(&mut self, _plan: &Plan, _state: &State, _now_ms: i64) {}
    /// How often `tick` is wanted.
    fn interval(&self) -> Option<Duration> {
        None
    }
    /// Whether `line` is of any use.
    fn wants_lines(&self) -> bool {
        false
    }
    /// A signal asked for the end.
    fn stopping(&mut self, _again: bool) {}
}

/// How the drive ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// All of it ended well.
    Completed,
    /// Something failed, and nothing else could move.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// Paused by an order, not by a signal.
    Paused,
    /// Nothing moves before a person answers, and nobody wants to wait.
    WaitingForPeople,
    /// A signal paused it, or cut it off.
    Signalled(i32),
}

#[derive(Debug, Error)]
pub enum DriveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot {doing}: {source}")]
    Io { doing: String, source: io::Error },
    #[error("{0}")]
    Refused(String),
}

/// What wakes the loop.
pub(crate) enum Happening {
    Spawned {
        node: NodeId,
        attempt: u32,
        process: Process,
    },
    Ended {
        node: NodeId,
        attempt: u32,
        finished: Finished,
    },
    CheckEnded {
        check: CheckId,
        passed: bool,
        evidence: String,
    },
    ActionEnded {
        duty: DutyId,
        ok: bool,
        evidence: String,
    },
    UndoEnded {
        node: NodeId,
        ok: bool,
        evidence: String,
    },
    Measured {
        metric: MetricId,
        found: Result<Value, String>,
    },
    HealthChecked {
        agent: AgentId,
        well: bool,
        evidence: String,
    },
    /// A web hook took notices, or did not.
    Posted {
        channel: ChannelId,
        seqs: Vec<i64>,
        failure: Option<String>,
    },
    Looked(Seen),
    /// A batch that is to land was merged and tried.
    Tried(Box<landing::Trial>),
    LandingsEnded {
        ended: Vec<((NodeId, u32), Landing)>,
        said: Option<String>,
    },
    /// Writes past all claims of which it is not known who did them.
    Strange(Vec<Unsure>),
    /// Something for the record.
    Remark(String),
    Durable(Result<i64, JournalError>),
}

/// Runs until there is nothing left to do, and returns how it ended together with the final run.
pub async fn drive(setup: Setup, watcher: &mut dyn Watcher) -> Result<(End, Run), DriveError> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (asking, asked) = mpsc::unbounded_channel();
    let listener = Listener::start(&setup.home, asking).map_err(|source| DriveError::Io {
        doing: "listen for other commands".into(),
        source,
    })?;
    let mut driver = Driver::new(setup, sender, watcher.wants_lines())?;
    driver.begin()?;
    let end = driver.run(receiver, asked, watcher).await?;
    listener.finish().await;
    if let Some(text) = driver.leave_ground().await {
        watcher.trouble(&text);
    }
    let Driver {
        home,
        run,
        journal,
        mut keeper,
        ..
    } = driver;
    keeper.last_look(&home, &run, &journal);
    journal.close()?;
    Ok((end, run))
}

/// Names a run on this machine; no other project's run has it.
fn uid(home: &Home, run: &Run) -> String {
    let home = std::fs::canonicalize(home.path()).unwrap_or_else(|_| home.path().to_path_buf());
    let text = format!("{}\0{}\0{}", home.display(), run.id, run.created_at_ms);
    blake3::hash(text.as_bytes()).to_hex()[..32].to_string()
}

/// A line and the task that printed it.
type TaskLine = (NodeId, LiveLine);

pub(crate) struct Driver {
    pub(crate) home: Home,
    pub(crate) run: Run,
    journal: SqliteJournal,
    pub(crate) reaper: Option<Reaper>,
    options: Options,
    drivers: Drivers,
    people: Option<Box<dyn People>>,
    signals: bool,
    no_wait: bool,
    pub(crate) grace: Duration,
    pub(crate) clock: Clock,
    /// What the last process may have spawned; None when that is not known.
    spawned: Option<std::collections::HashSet<(NodeId, u32)>>,
    /// The brief of all tasks that need none of their own.
    plain_brief: PathBuf,
    witness: Witness,
    uid: String,
    /// What every program of this run gets.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) logs: PathBuf,
    pub(crate) sender: mpsc::UnboundedSender<Happening>,
    /// The journal position of each node's last `task.assigned`.
    assigned_seq: HashMap<NodeId, i64>,
    /// What the resume has made of the attempts it found: durable before anything is spawned.
    resumed_seq: i64,
    /// When events were last sent to the disk.
    stored: Instant,
    /// Effects that wait for their event to be durable, in order.
    effects: VecDeque<(i64, Action)>,
    /// Events that nobody has been shown yet, in order.
    unseen: VecDeque<(i64, Event)>,
    /// Answers that wait for their events to be durable.
    answers: VecDeque<(i64, oneshot::Sender<Reply>)>,
    attempts: HashMap<NodeId, mpsc::UnboundedSender<Termination>>,
    pub(crate) checks: BTreeMap<CheckId, mpsc::UnboundedSender<Termination>>,
    /// Agents whose health check is at work.
    pub(crate) checking: HashSet<AgentId>,
    /// Programs of rules at work.
    pub(crate) programs: usize,
    pub(crate) speech: Speech,
    pub(crate) vault: Vault,
    keeper: Keeper,
    pub(crate) outbox: Outbox,
    pub(crate) context: Option<Context>,
    /// What the host itself has to say to the engine.
    pub(crate) owed: Vec<Input>,
    /// Where work is done apart, or watched.
    pub(crate) ground: Option<Ground>,
    pub(crate) landing: Queue,
    pub(crate) looks: Looks,
    pub(crate) disturbed: Disturbed,
    lines: (mpsc::Sender<TaskLine>, mpsc::Receiver<TaskLine>),
    wants_lines: bool,
    signalled: Option<i32>,
    /// Paused because only people can move it, and nobody wants to wait for them.
    left_to_people: bool,
}

impl Driver {
    fn new(
        setup: Setup,
        sender: mpsc::UnboundedSender<Happening>,
        wants_lines: bool,
    ) -> Result<Driver, DriveError> {
        let io = |doing: &str| {
            let doing = doing.to_string();
            move |source| DriveError::Io { doing, source }
        };
        let boot = boot_id().map_err(io("read the boot id"))?;
        let logs = setup.run.logs(&setup.home);
        std::fs::create_dir_all(&logs).map_err(io("make the folder for logs"))?;
        let plain_brief =
            std::path::absolute(logs.join("brief.md")).map_err(io("find the folder for logs"))?;
        std::fs::write(&plain_brief, brief::plain(&setup.run.id)).map_err(io("write a brief"))?;
        let witness = witness_path(&setup.home, &setup.run.id);
        let spawned = witness::spawned(&witness, &boot);
        let witness = Witness::new(witness, boot);
        let uid = uid(&setup.home, &setup.run);
        let folder = setup.run.plan.rules.context.as_deref();
        let context = folder
            .map(|folder| place::inside(&setup.run.meta.root, folder))
            .transpose()
            .map_err(io("find the folder of the context"))?
            .map(Context::new);
        let mut environment = passed_on();
        environment.retain(|(name, _)| !setup.vault.is_source(name));
        environment.push(("COORD_RUN".into(), setup.run.id.clone().into()));
        environment.push(("COORD_RUN_UID".into(), uid.clone().into()));
        let keeper = Keeper::new(&setup.run, setup.snapshot_every);
        let mut driver = Driver {
            clock: Clock::start(setup.run.state.now_ms()),
            home: setup.home,
            run: setup.run,
            journal: setup.journal,
            reaper: setup.reaper,
            options: setup.options,
            drivers: setup.drivers,
            people: setup.people,
            signals: setup.signals,
            no_wait: setup.no_wait,
            grace: setup.grace,
            spawned,
            plain_brief,
            witness,
            uid,
            environment,
            logs,
            sender,
            assigned_seq: HashMap::new(),
            resumed_seq: 0,
            stored: Instant::now(),
            effects: VecDeque::new(),
            unseen: VecDeque::new(),
            answers: VecDeque::new(),
            attempts: HashMap::new(),
            checks: BTreeMap::new(),
            checking: HashSet::new(),
            programs: 0,
            speech: setup.speech,
            vault: setup.vault,
            keeper,
            outbox: Outbox::default(),
            context,
            owed: Vec::new(),
            ground: None,
            landing: Queue::default(),
            looks: Looks::default(),
            disturbed: Disturbed::default(),
            lines: mpsc::channel(LIVE_LINES),
            wants_lines,
            signalled: None,
            left_to_people: false,
        };
        let ground = apart::ground(driver.layout(), &driver.run.plan);
        driver.ground = ground.map_err(io("start a thread"))?;
        Ok(driver)
    }

    /// Waits for what is still to be done on the ground, and says what is left there.
    async fn leave_ground(&mut self) -> Option<String> {
        let ground = self.ground.take()?;
        let repository = self.run.meta.repository.is_some();
        let said = match repository {
            true => ground.desk().ask(|works| works.settle()).await,
            false => Ok(None),
        };
        ground.finish();
        said.unwrap_or_else(|error| Some(format!("worktrees are left: {error}")))
    }

    // ---- starting and taking up --------------------------------------------------------------

    fn begin(&mut self) -> Result<(), DriveError> {
        if self.run.state.started_ms().is_none() {
            self.witness.begin().map_err(|source| DriveError::Io {
                doing: "open the record of spawns".into(),
                source,
            })?;
            let input = Input::Start {
                run: self.run.id.clone(),
                options: self.options.clone(),
            };
            return self.take(input);
        }
        if let Some(masker) = self.vault.masker() {
            masker.outputs_in(&self.logs);
        }
        let left_to_tell = self.left_to_tell()?;
        self.remember()?;
        let never_spawned = self.recover()?;
        let input = Input::Resume {
            never_spawned,
            options: Some(self.options.clone()),
        };
        self.take(input)?;
        // what the fold counts on being under way is asked for anew, with what the step added;
        // what people are to be told is no part of that
        self.effects.retain(|(_, action)| is_for_people(action));
        self.effects.extend(left_to_tell);
        self.sweep_ground();
        let seq = self.run.last_seq;
        self.resumed_seq = seq;
        let pending = pending_actions(&self.run.state);
        self.effects
            .extend(pending.into_iter().map(|action| (seq, action)));
        Ok(())
    }

    /// What the context tells of the time before.
    fn remember(&mut self) -> Result<(), DriveError> {
        let Some(mut context) = self.context.take() else {
            return Ok(());
        };
        let plan = Arc::clone(&self.run.plan);
        self.each_event(&["notice.sent", "decision.recorded"], |_, event| {
            context.see(&plan, event)
        })?;
        self.context = Some(context);
        Ok(())
    }

    /// Kills what the last process left, and says which attempts never ran.
    fn recover(&mut self) -> Result<Vec<(NodeId, u32)>, DriveError> {
        let open = self.open_attempts();
        let identities: Vec<ProcessIdentity> = open
            .iter()
            .filter(|_| self.spawned.is_some())
            .filter_map(|(node, _)| {
                self.run
                    .state
                    .node(*node)
                    .attempt
                    .as_ref()?
                    .process
                    .as_ref()
            })
            .filter_map(|p| {
                Some(ProcessIdentity {
                    pid: p.pid as i32,
                    start_time: p.identity.parse().ok()?,
                })
            })
            .collect();
        let marker = Marker {
            name: "COORD_RUN_UID".into(),
            value: self.uid.clone().into(),
        };
        sweep(&identities, Some(&marker)).map_err(|source| DriveError::Io {
            doing: "look for processes of the last run".into(),
            source,
        })?;
        let never_ran = |key: &(NodeId, u32)| match &self.spawned {
            Some(spawned) => !spawned.contains(key),
            // the machine has booted since: only of a run that was paused is it known
            None => self.run.state.status() == RunStatus::Paused,
        };
        let (never_spawned, may_have_run): (Vec<_>, Vec<_>) = open.into_iter().partition(never_ran);
        self.record_lost_starts(&may_have_run)?;
        Ok(never_spawned)
    }

    /// Attempts of programs and drivers that are written down and have no recorded end.
    fn open_attempts(&self) -> Vec<(NodeId, u32)> {
        let plan = &self.run.plan;
        let is_open = |(node, of): (NodeId, &coord_engine::NodeState)| {
            let attempt = of.attempt.as_ref()?;
            let live =
                matches!(of.status, Status::Assigned | Status::InProgress) && attempt.end.is_none();
            let task = plan.task(node);
            let here = task.is_some_and(|t| reach::is_spawned(plan, t, &attempt.agents));
            (live && here).then_some((node, attempt.number))
        };
        self.run.state.nodes().filter_map(is_open).collect()
    }

    /// An attempt is spawned as soon as its assignment is durable, so a crash can swallow the
    /// record of its start. That is made up for here: what may have run is never simply started.
    fn record_lost_starts(&mut self, may_have_run: &[(NodeId, u32)]) -> Result<(), DriveError> {
        let at_ms = self.clock.now_ms();
        let mut lost = Vec::new();
        for (node, attempt) in may_have_run {
            if self.run.state.node(*node).status == Status::Assigned {
                let event = Event {
                    at_ms,
                    fact: Fact::Started {
                        node: *node,
                        attempt: *attempt,
                    },
                };
                apply(&self.run.plan, &mut self.run.state, &event)
                    .map_err(|e| DriveError::Refused(e.to_string()))?;
                lost.push(event);
            }
        }
        self.append(lost)
    }

    // ---- the loop ----------------------------------------------------------------------------

    async fn run(
        &mut self,
        mut receiver: mpsc::UnboundedReceiver<Happening>,
        mut asked: mpsc::UnboundedReceiver<Asked>,
        watcher: &mut dyn Watcher,
    ) -> Result<End, DriveError> {
        let mut signals = Signals::new(self.signals)?;
        loop {
            self.perform_durable(watcher)?;
            self.leave_to_people()?;
            self.send_rest();
            self.pay(watcher)?;
            self.see_looks()?;
            self.keeper.look(&self.home, &self.run, &self.journal);
            self.keep_context(self.is_quiet());
            if let Some(end) = self.ended() {
                return Ok(end);
            }
            let mut nap = self.nap(watcher);
            if let Some(patience) = self.store()? {
                nap = nap.min(patience);
            }
            tokio::select! {
                biased;
                number = signals.next() => if self.on_signal(number, watcher)? {
                    return Ok(End::Signalled(number))
                },
                // before what is frequent, so that a busy run still listens
                Some(order) = asked.recv() => self.asked(order)?,
                Some(first) = receiver.recv() => self.take_all(first, &mut receiver)?,
                Some((node, line)) = self.lines.1.recv() => watcher.line(&self.run.plan, node, &line),
                () = tokio::time::sleep(nap) => self.wake(watcher)?,
            }
        }
    }

    fn take_all(
        &mut self,
        first: Happening,
        receiver: &mut mpsc::UnboundedReceiver<Happening>,
    ) -> Result<(), DriveError> {
        let mut batch = Vec::new();
        self.happened(first, &mut batch)?;
        for _ in 1..PER_TURN {
            let Ok(next) = receiver.try_recv() else { break };
            self.happened(next, &mut batch)?;
        }
        self.append(batch)
    }

    fn happened(&mut self, happening: Happening, batch: &mut Vec<Event>) -> Result<(), DriveError> {
        let input = match happening {
            Happening::Durable(Ok(_)) => return Ok(()),
            Happening::Durable(Err(error)) => return Err(error.into()),
            Happening::Spawned {
                node,
                attempt,
                process,
            } => Input::AttemptSpawned {
                node,
                attempt,
                process,
            },
            Happening::Ended {
                node,
                attempt,
                finished,
            } => {
                self.attempts.remove(&node);
                let Finished {
                    outcome,
                    outputs,
                    log,
                } = finished;
                Input::AttemptEnded {
                    node,
                    attempt,
                    outcome,
                    outputs,
                    log: Some(log),
                }
            }
            Happening::Looked(seen) => {
                self.looks.seen.push(seen);
                return Ok(());
            }
            Happening::Tried(trial) => {
                self.tried(*trial);
                return Ok(());
            }
            Happening::LandingsEnded { ended, said } => {
                self.landed(ended, said);
                return Ok(());
            }
            Happening::Strange(unsure) => self.strange(unsure),
            Happening::Remark(text) => Input::Note { text },
            Happening::CheckEnded {
                check,
                passed,
                evidence,
            } => {
                self.disturbed.set(true);
                self.checks.remove(&check);
                Input::CheckEnded {
                    check,
                    passed,
                    evidence,
                }
            }
            Happening::ActionEnded { duty, ok, evidence } => {
                self.disturbed.set(true);
                self.programs -= 1;
                Input::ActionEnded { duty, ok, evidence }
            }
            Happening::HealthChecked {
                agent,
                well,
                evidence,
            } => {
                self.checking.remove(&agent);
                Input::HealthChecked {
                    agent,
                    well,
                    evidence,
                }
            }
            Happening::Measured { metric, found } => {
                self.programs -= 1;
                match found {
                    Ok(value) => Input::Measured {
                        metric,
                        value,
                        by: None,
                    },
                    Err(why) => Input::NotMeasured { metric, why },
                }
            }
            Happening::Posted {
                channel,
                seqs,
                failure,
            } => {
                self.posted(channel, &seqs, failure);
                return Ok(());
            }
            Happening::UndoEnded { node, ok, evidence } => {
                self.programs -= 1;
                Input::UndoEnded { node, ok, evidence }
            }
        };
        // A late result of something that is no longer at work is refused by the engine and has
        // no effect; there is nobody to tell.
        if let Ok(events) = self.step(input) {
            batch.extend(events);
        }
        Ok(())
    }

    /// An order of another command, like anything else that happens; its reply waits for the disk.
    fn asked(&mut self, asked: Asked) -> Result<(), DriveError> {
        let here = asked.request.run == self.run.id;
        let item = asked.request.answers().filter(|_| here);
        match item.and_then(|item| self.bound_to(item)) {
            Some(node) => self.look(node, Then::Answer(asked)),
            None => self.answer(asked),
        }
    }

    pub(crate) fn answer(&mut self, Asked { request, answer }: Asked) -> Result<(), DriveError> {
        let reply = if request.run != self.run.id {
            Err(format!(
                "run `{}` is the one at work now; `{}` has to wait for its end",
                self.run.id, request.run
            ))
        } else {
            request
                .order
                .input()
                .map_or(Ok(Vec::new()), |input| self.step(input))
        };
        match reply {
            Ok(events) => {
                self.append(events)?;
                self.answers.push_back((self.run.last_seq, answer));
            }
            Err(why) => {
                let _gone = answer.send(Reply::Refused(why));
            }
        }
        Ok(())
    }

    pub(crate) fn step(&mut self, input: Input) -> Result<Vec<Event>, String> {
        let now = self.clock.now_ms();
        let input = self.vault.input(input);
        step(&self.run.plan, &mut self.run.state, now, input).map_err(|refusal| refusal.to_string())
    }

    /// One input by itself.
    fn take(&mut self, input: Input) -> Result<(), DriveError> {
        let events = self.step(input).map_err(DriveError::Refused)?;
        self.append(events)
    }

    /// Hands events to the journal, and queues what follows from them.
    pub(crate) fn append(&mut self, events: Vec<Event>) -> Result<(), DriveError> {
        if events.is_empty() {
            return Ok(());
        }
        let rows = record::rows(self.run.key, &self.run.plan, &self.run.state, &events);
        let range = self.journal.hold(rows)?;
        for (offset, event) in events.into_iter().enumerate() {
            let seq = range.first + offset as i64;
            if let Fact::Assigned { node, .. } = event.fact {
                self.assigned_seq.insert(node, seq);
            }
            if let Some(action) = action_of(&self.run.state, &event) {
                // an attempt may run once its assignment is durable: its start is a mere fact
                let needed = match &action {
                    Action::Spawn { node, .. } => self
                        .assigned_seq
                        .get(node)
                        .copied()
                        .unwrap_or(self.resumed_seq),
                    _ => seq,
                };
                self.effects.push_back((needed, action));
            }
            self.unseen.push_back((seq, event));
            self.run.last_seq = seq;
            self.run.events += 1;
        }
        Ok(())
    }

    /// Sends what was decided to the disk: at once where something waits for it, or where nothing
    /// was sent of late. Otherwise says how long there is to gather more.
    fn store(&mut self) -> Result<Option<Duration>, DriveError> {
        let held = self.journal.held();
        if held == 0 {
            return Ok(None);
        }
        let awaited = !self.effects.is_empty() || !self.answers.is_empty();
        let patience = GATHERING.saturating_sub(self.stored.elapsed());
        if !awaited && !self.attempts.is_empty() && held < MOST_HELD && !patience.is_zero() {
            return Ok(Some(patience));
        }
        self.stored = Instant::now();
        let sender = self.sender.clone();
        self.journal.flush(Box::new(move |result| {
            let _loop_is_gone = sender.send(Happening::Durable(result.map(|range| range.last)));
        }))?;
        Ok(None)
    }

    fn perform_durable(&mut self, watcher: &mut dyn Watcher) -> Result<(), DriveError> {
        let durable = self.journal.durable_seq();
        for _ in 0..self.effects.len() {
            let Some((needed, action)) = self.effects.pop_front() else {
                break;
            };
            if needed <= durable {
                self.perform(needed, action)?;
            } else {
                self.effects.push_back((needed, action));
            }
        }
        while self.unseen.front().is_some_and(|(seq, _)| *seq <= durable) {
            if let Some((seq, event)) = self.unseen.pop_front() {
                watcher.event(&self.run.plan, &self.run.state, seq, &event);
                self.tidy(&event);
                if let Some(context) = &mut self.context {
                    context.see(&self.run.plan, &event);
                }
            }
        }
        for text in std::mem::take(&mut self.outbox.said) {
            watcher.say(&text);
        }
        while self.answers.front().is_some_and(|(seq, _)| *seq <= durable) {
            if let Some((_, answer)) = self.answers.pop_front() {
                let _gone = answer.send(Reply::Accepted);
            }
        }
        Ok(())
    }

    /// Gives the engine what the host has to say. A run that is over takes nothing more: then
    /// whoever watches is told.
    fn pay(&mut self, watcher: &mut dyn Watcher) -> Result<(), DriveError> {
        for input in std::mem::take(&mut self.owed) {
            match (self.step(input.clone()), input) {
                (Ok(events), _) => self.append(events)?,
                (Err(_), Input::Note { text }) => watcher.trouble(&self.vault.text(text)),
                (Err(_), _) => {}
            }
        }
        Ok(())
    }

    /// Pauses a run that only people can move, when nobody waits for them.
    fn leave_to_people(&mut self) -> Result<(), DriveError> {
        if !self.no_wait || self.left_to_people || !self.is_quiet() {
            return Ok(());
        }
        let state = &self.run.state;
        let tried_again = state.nodes().any(|(_, of)| of.backoff_until_ms.is_some());
        if tried_again
            || state.status() != RunStatus::Running
            || state.waiting() != Waiting::ForPeople
        {
            return Ok(());
        }
        self.left_to_people = true;
        self.take(Input::Stop {
            by: Some("--no-wait".into()),
        })
    }

    /// True when everything is durable and shown, and nothing is at work.
    fn is_quiet(&self) -> bool {
        self.unseen.is_empty()
            && self.effects.is_empty()
            && self.attempts.is_empty()
            && self.checks.is_empty()
            && self.looks.is_empty()
            && self.programs == 0
            && self.landing.is_empty()
            && self.outbox.in_flight == 0
            && self.outbox.said.is_empty()
    }

    pub(crate) fn effects_are_done(&self) -> bool {
        self.effects.is_empty()
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn journal(&self) -> &SqliteJournal {
        &self.journal
    }

    fn ended(&self) -> Option<End> {
        let end = match self.run.state.waiting() {
            Waiting::Ended => match self.run.state.status() {
                RunStatus::Completed => End::Completed,
                RunStatus::Cancelled => End::Cancelled,
                _ => End::Failed,
            },
            Waiting::Paused => match self.signalled {
                Some(number) => End::Signalled(number),
                None if self.left_to_people => End::WaitingForPeople,
                None => End::Paused,
            },
            Waiting::NotStarted | Waiting::Running | Waiting::ForPeople | Waiting::ForTime => {
                return None;
            }
        };
        self.is_quiet().then_some(end)
    }

    fn nap(&self, watcher: &dyn Watcher) -> Duration {
        let context = self.context.as_ref().and_then(Context::next_due);
        let due = [self.run.state.next_due(), self.outbox.next_due(), context];
        let due = (due.into_iter().flatten().min())
            .map(|due| Duration::from_millis((due - self.clock.now_ms()).max(0) as u64));
        let nap = due.unwrap_or(MAX_SLEEP).min(MAX_SLEEP);
        watcher.interval().map_or(nap, |interval| nap.min(interval))
    }

    fn wake(&mut self, watcher: &mut dyn Watcher) -> Result<(), DriveError> {
        let now = self.clock.now_ms();
        watcher.tick(&self.run.plan, &self.run.state, now);
        self.send_due();
        if self.run.state.next_due().is_some_and(|due| due <= now) {
            self.take(Input::Tick)?;
        }
        Ok(())
    }

    /// The first signal drains, the second ends everything now: true.
    fn on_signal(&mut self, number: i32, watcher: &mut dyn Watcher) -> Result<bool, DriveError> {
        let again = self.signalled.is_some();
        watcher.stopping(again);
        self.signalled = Some(number);
        if again {
            // dropping the attempts kills their trees; what was cut off is in doubt at a resume
            return Ok(true);
        }
        match self.take(Input::Stop {
            by: Some("signal".into()),
        }) {
            // a run that is ending already needs no order
            Ok(()) | Err(DriveError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    // ---- effects -----------------------------------------------------------------------------

    fn perform(&mut self, seq: i64, action: Action) -> Result<(), DriveError> {
        match action {
            Action::Spawn {
                node,
                attempt,
                agents,
            } => self.spawn_after_look(node, attempt, agents),
            Action::RunCheck { check, node, gate } => {
                self.check_after_looks(check, node, gate);
                Ok(())
            }
            Action::Terminate { node, why, .. } => {
                match self.attempts.get(&node) {
                    Some(stop) => {
                        let _over = stop.send(why);
                    }
                    // It ended with the process that ran it.
                    None => self.lost(node, why),
                }
                Ok(())
            }
            Action::TerminateCheck { check } => {
                match self.checks.get(&check) {
                    Some(stop) => {
                        let _over = stop.send(Termination::Cancel);
                    }
                    None => self.end_check_unbegun(check),
                }
                Ok(())
            }
            Action::Look { node } => self.look(node, Then::Nothing),
            Action::Notify { item } => match self.bound_to(item) {
                Some(node) => self.look(node, Then::Ask(item)),
                None => self.ask(item),
            },
            rule => {
                self.perform_rule(seq, rule);
                Ok(())
            }
        }
    }

    /// Who works apart is asked when there is a place to work at.
    fn prepare_for(&mut self, item: ItemId) {
        let of = self.run.state.item(item).filter(|i| i.is_open());
        let work = of.filter(|i| i.ask == Ask::Work).and_then(|i| i.node);
        if let Some(node) = work.filter(|node| self.works_apart(*node)) {
            self.open_for_people(node);
        }
    }

    /// Asks those of this process who answer at once; what they leave is the inbox's.
    pub(crate) fn ask(&mut self, item: ItemId) -> Result<(), DriveError> {
        self.prepare_for(item);
        loop {
            let open = self.run.state.item(item).is_some_and(|i| i.is_open());
            let question = Question::of(&self.run.plan, &self.run.state, item);
            let (Some(people), Some(question)) = (&mut self.people, question.filter(|_| open))
            else {
                return Ok(());
            };
            let Some(answer) = people.answer(&question) else {
                return Ok(());
            };
            let answer = answer.to(&question);
            self.take(Input::Answer {
                item,
                by: answer.by,
                verdict: answer.verdict,
                to: None,
                note: answer.note,
                outputs: answer.outputs,
            })?;
        }
    }

    pub(crate) fn send(&self, happening: Happening) {
        let _loop_is_gone = self.sender.send(happening);
    }

    fn lost(&self, node: NodeId, why: Termination) {
        let attempt = self.run.state.node(node).attempt_number();
        let outcome = match why {
            Termination::Timeout => Outcome::TimedOut,
            Termination::Cancel | Termination::TakenAway | Termination::Halted => {
                Outcome::Cancelled
            }
        };
        self.send(Happening::Ended {
            node,
            attempt,
            finished: Finished::silent(outcome),
        });
    }

    pub(crate) fn spawn(
        &mut self,
        node: NodeId,
        attempt: u32,
        agents: &[AgentId],
    ) -> Result<(), DriveError> {
        let plan = Arc::clone(&self.run.plan);
        let Some(task) = plan.task(node) else {
            return Ok(());
        };
        if let Some(driver) = self.drivers.of_first(&plan, agents) {
            return self.call(driver, node, attempt, agents);
        }
        let name = &plan.nodes[node].name;
        let (Some(program), Some(reaper)) = (&task.program, self.reaper.clone()) else {
            let why = format!("no driver of this program speaks for who does `{name}`");
            self.cannot_start(node, attempt, why);
            return Ok(());
        };
        let secrets = match self.vault.of_attempt(&plan, task, agents) {
            Ok(secrets) => secrets,
            Err(error) => {
                self.cannot_start(node, attempt, error.to_string());
                return Ok(());
            }
        };
        let stem = format!("{name}.{attempt}");
        let program = &self.with_arguments(node, program);
        let argv = match work::argv(program, &self.logs.join(format!("{stem}.script"))) {
            Ok(argv) => argv,
            Err(error) => {
                let why = format!("the script cannot be written: {error}");
                self.cannot_start(node, attempt, why);
                return Ok(());
            }
        };
        self.witness_spawn(node, attempt)?;
        let outputs = self.logs.join(format!("{stem}.outputs"));
        let mut env = self.task_environment(&plan, node, task, agents, &outputs);
        let root = self.ground_of(node);
        let footing = self.footing(node, agents);
        if let Some(footing) = footing.as_ref().filter(|_| self.works_apart(node)) {
            env.extend(self.apart_environment(node, footing));
            env = latest(env);
        }
        if let Some(brief) = self.brief(&plan, node, task, agents, &stem) {
            env.push(("COORD_BRIEF".into(), brief.into()));
        }
        env = with_secrets(env, secrets);
        let viewer = self.viewer(node);
        let job = Job {
            argv,
            env,
            cwd: within(&root, task.dir.as_deref()),
            log: self.logs.join(format!("{stem}.log")),
            outputs: Some(outputs),
            grace: self.grace,
            viewer,
            masker: self.vault.masker(),
        };
        let (stop, stopped) = mpsc::unbounded_channel();
        self.attempts.insert(node, stop);
        let sender = self.sender.clone();
        let keep = self.keep(name, task, root);
        let _attempt = tokio::task::spawn_local(async move {
            if let Some(why) = not_begun(footing.as_ref()).await {
                let finished = Finished::silent(Outcome::SpawnFailed(why));
                let _loop_is_gone = sender.send(Happening::Ended {
                    node,
                    attempt,
                    finished,
                });
                return;
            }
            let spawned = |process| {
                let _loop_is_gone = sender.send(Happening::Spawned {
                    node,
                    attempt,
                    process,
                });
            };
            let mut finished = work::run(&reaper, job, stopped, spawned).await;
            if let Some(footing) = &footing {
                finished = footing.end(finished).await;
            }
            finished = keep.kept(finished).await;
            let _loop_is_gone = sender.send(Happening::Ended {
                node,
                attempt,
                finished,
            });
        });
        Ok(())
    }

    fn cannot_start(&self, node: NodeId, attempt: u32, why: String) {
        self.send(Happening::Ended {
            node,
            attempt,
            finished: Finished::silent(Outcome::SpawnFailed(why)),
        });
    }

    /// An attempt that a driver does, under the rules of a program's.
    fn call(
        &mut self,
        driver: Arc<dyn reach::Driver>,
        node: NodeId,
        attempt: u32,
        agents: &[AgentId],
    ) -> Result<(), DriveError> {
        let plan = Arc::clone(&self.run.plan);
        let root = self.ground_of(node);
        let job = Work::of(&plan, &self.run.state, node, agents, &root);
        let (Some(mut job), Some(task)) = (job, plan.task(node)) else {
            return Ok(());
        };
        let secrets = match self.vault.of_attempt(&plan, task, agents) {
            Ok(secrets) => secrets,
            Err(error) => {
                self.cannot_start(node, attempt, error.to_string());
                return Ok(());
            }
        };
        self.witness_spawn(node, attempt)?;
        let keep = self.keep(&job.task, task, root);
        let footing = self.footing(node, agents);
        let stem = format!("{}.{attempt}", job.task);
        let outputs = self.logs.join(format!("{stem}.outputs"));
        job.environment = self.task_environment(&plan, node, task, agents, &outputs);
        if let Some(footing) = footing.as_ref().filter(|_| self.works_apart(node)) {
            job.environment
                .extend(self.apart_environment(node, footing));
        }
        if let Some(brief) = self.brief(&plan, node, task, agents, &stem) {
            job.environment.push(("COORD_BRIEF".into(), brief.into()));
        }
        let (bench, mut service) = bench::open(
            self.logs.join(format!("{stem}.log")),
            self.logs.join(format!("{}.notes", job.task)),
            self.viewer(node),
            self.reaper.clone(),
            self.grace,
            Discretion {
                secrets,
                masker: self.vault.masker(),
            },
        );
        job.bench = bench;
        let (stop, stopped) = mpsc::unbounded_channel();
        self.attempts.insert(node, stop);
        let (sender, grace) = (self.sender.clone(), self.grace);
        let _attempt = tokio::task::spawn_local(async move {
            if let Some(why) = not_begun(footing.as_ref()).await {
                let _loop_is_gone = sender.send(Happening::Ended {
                    node,
                    attempt,
                    finished: Finished::silent(Outcome::SpawnFailed(why)),
                });
                return;
            }
            let (over, is_over) = oneshot::channel();
            let attempt_ends = async {
                let done = reach::attempt(driver, job, stopped, grace).await;
                let _served = over.send(());
                done
            };
            let spawned = |process| {
                let _loop_is_gone = sender.send(Happening::Spawned {
                    node,
                    attempt,
                    process,
                });
            };
            // what it started has ended too before its ground is free for others
            let (done, ()) = tokio::join!(attempt_ends, service.serve(is_over, spawned));
            let mut finished = finished(done, &service, &outputs);
            if let Some(footing) = &footing {
                finished = footing.end(finished).await;
            }
            finished = keep.kept(finished).await;
            let _loop_is_gone = sender.send(Happening::Ended {
                node,
                attempt,
                finished,
            });
        });
        Ok(())
    }

    /// Written before anything is started: what is not there never ran.
    fn witness_spawn(&mut self, node: NodeId, attempt: u32) -> Result<(), DriveError> {
        let written = self.witness.spawning(node, attempt);
        written.map_err(|source| DriveError::Io {
            doing: "write the record of spawns".into(),
            source,
        })
    }

    fn keep(&self, name: &str, task: &Task, root: PathBuf) -> Keep {
        let with_path = task.produces.iter().filter(|a| a.path.is_some());
        Keep {
            root,
            folder: run::artifacts(&self.home, &self.run.id).join(name),
            masker: self.vault.masker(),
            store: Store(run::store(&self.home)),
            produces: with_path.cloned().collect(),
        }
    }

    /// A program of a workflow that was started in this run, with its arguments.
    fn with_arguments(&self, node: NodeId, program: &Program) -> Program {
        let fill = |text: &String| self.run.state.fill(&self.run.plan, node, text).into_owned();
        match program {
            Program::Argv(argv) => Program::Argv(argv.iter().map(fill).collect()),
            // a script reads its parameters from its environment
            Program::Script { .. } => program.clone(),
        }
    }

    fn viewer(&self, node: NodeId) -> Option<mpsc::Sender<LiveLine>> {
        if !self.wants_lines {
            return None;
        }
        let out = self.lines.0.clone();
        let (sender, mut receiver) = mpsc::channel::<LiveLine>(16);
        let _forwarding = tokio::task::spawn_local(async move {
            while let Some(line) = receiver.recv().await {
                let _display_is_slow = out.try_send((node, line));
            }
        });
        Some(sender)
    }

    pub(crate) fn folder(&self, dir: Option<&str>) -> PathBuf {
        within(&self.run.meta.root, dir)
    }

    pub(crate) fn task_environment(
        &self,
        plan: &Plan,
        node: NodeId,
        task: &Task,
        agents: &[AgentId],
        outputs: &Path,
    ) -> Vec<(OsString, OsString)> {
        let mut env = self.environment.clone();
        let state = self.run.state.node(node);
        let name = &plan.nodes[node].name;
        let mut set = |key: &str, value: OsString| env.push((key.into(), value));
        set("COORD_TASK", name.into());
        set("COORD_ATTEMPT", state.attempt_number().to_string().into());
        let names: Vec<&str> = agents
            .iter()
            .map(|a| plan.agents[*a].name.as_str())
            .collect();
        set("COORD_AGENT", names.join(",").into());
        set(
            "COORD_IDEMPOTENCY_KEY",
            key(&self.run.id, name, state.generation).into(),
        );
        set("COORD_OUTPUTS", outputs.into());
        set(
            "COORD_HOME",
            std::path::absolute(self.home.path())
                .unwrap_or_default()
                .into(),
        );
        for (artifact, path) in &task.takes_artifacts {
            let short = artifact.rsplit('.').next().unwrap_or(artifact);
            let full = path
                .as_ref()
                .map(|p| self.run.meta.root.join(p))
                .unwrap_or_default();
            set(&format!("COORD_ARTIFACT_{}", variable(short)), full.into());
        }
        for before in reach::upstream(plan, &self.run.state, node) {
            let of = variable(&plan.nodes[before].name);
            for (key, value) in &self.run.state.node(before).outputs {
                set(
                    &format!("COORD_OUTPUT_{of}_{}", variable(key)),
                    value.into(),
                );
            }
        }
        for agent in agents {
            plan.agents[*agent]
                .env
                .iter()
                .for_each(|(k, v)| set(k, v.into()));
        }
        for (name, value) in self.run.state.arguments(plan, node) {
            set(&format!("COORD_PARAM_{}", variable(name)), value.into());
        }
        for (key, value) in &task.env {
            let filled = self.run.state.fill(plan, node, value).into_owned();
            set(key, filled.into());
        }
        latest(env)
    }

    fn brief(
        &self,
        plan: &Plan,
        node: NodeId,
        task: &Task,
        agents: &[AgentId],
        stem: &str,
    ) -> Option<PathBuf> {
        if !brief::says_something(plan, &self.run.state, node, task) {
            return Some(self.plain_brief.clone());
        }
        let path = self.logs.join(format!("{stem}.brief.md"));
        let text = brief::markdown(plan, &self.run.state, node, task, agents);
        std::fs::write(&path, text).ok()?;
        std::path::absolute(path).ok()
    }
}

pub(crate) fn within(root: &Path, dir: Option<&str>) -> PathBuf {
    dir.map_or_else(|| root.to_path_buf(), |dir| root.join(dir))
}

/// Why the ground of an attempt is not ready.
async fn not_begun(footing: Option<&apart::Footing>) -> Option<String> {
    match footing {
        Some(footing) => footing.begin().await.err(),
        None => None,
    }
}

/// What is written or sent for people to read.
fn is_for_people(action: &Action) -> bool {
    matches!(
        action,
        Action::Tell { .. }
            | Action::Digest { .. }
            | Action::Record { .. }
            | Action::HandOver { .. }
    )
}

/// What a driver did, as if a program had.
fn finished(done: Result<Done, Outcome>, service: &Service, outputs: &Path) -> Finished {
    let done = match done {
        Ok(done) => done,
        Err(outcome) => {
            return Finished {
                log: service.facts("", false),
                ..Finished::silent(outcome)
            };
        }
    };
    let mut named = work::take_outputs(outputs, service.masker());
    // what it left is looked at, not believed
    named.retain(|name, _| !name.starts_with("artifacts."));
    named.extend(done.named_outputs());
    Finished {
        log: service.facts(&done.log, done.exit == 0),
        outputs: named,
        outcome: match done.lost {
            Some(why) => Outcome::Lost(brief::clean(&why)),
            None => Outcome::Exit(done.exit),
        },
    }
}

/// The signals that pause a run, where they are its affair.
struct Signals(Option<[Signal; 3]>);

impl Signals {
    fn new(listen: bool) -> Result<Signals, DriveError> {
        if !listen {
            return Ok(Signals(None));
        }
        let on = |kind| {
            signal(kind).map_err(|source| DriveError::Io {
                doing: "listen for signals".into(),
                source,
            })
        };
        Ok(Signals(Some([
            on(SignalKind::interrupt())?,
            on(SignalKind::terminate())?,
            on(SignalKind::hangup())?,
        ])))
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        let Some([interrupt, terminate, hangup]) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
            _ = hangup.recv() => 1,
        }
    }
}

pub(crate) fn verdict(finished: &Finished) -> (bool, String) {
    let passed = finished.outcome.is_success();
    let mut evidence = match &finished.outcome {
        Outcome::Exit(code) => format!("exit {code}"),
        Outcome::Signal(signal) => format!("ended by signal {signal}"),
        Outcome::TimedOut => "timed out".into(),
        Outcome::SpawnFailed(why) | Outcome::Lost(why) | Outcome::NoArtifact(why) => why.clone(),
        Outcome::Breach(breach) => breach.sentence(),
        Outcome::Cancelled => "cancelled".into(),
        Outcome::Done | Outcome::Rejected { .. } => String::new(),
    };
    if let Some(last) = finished.log.tail.lines().last() {
        evidence = format!("{evidence}: {last}");
    }
    (passed, evidence)
}

/// The last value of each variable wins.
pub(crate) fn latest(env: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<_> = env
        .into_iter()
        .rev()
        .filter(|(key, _)| seen.insert(key.clone()))
        .collect();
    kept.reverse();
    kept
}

/// A secret wins over everything else of its name.
pub(crate) fn with_secrets(
    mut env: Vec<(OsString, OsString)>,
    secrets: BTreeMap<String, SecretText>,
) -> Vec<(OsString, OsString)> {
    if secrets.is_empty() {
        return env;
    }
    env.extend(variables(secrets));
    latest(env)
}

fn witness_path(home: &Home, run: &str) -> PathBuf {
    run::logs(home, run).join(".spawned")
}
