//! How other commands speak to the process that runs a project: one JSON line each way over a
//! Unix socket in the project's home. With nobody listening, a command takes the lock itself and
//! appends what it has to say.

use crate::environment::passed_on;
use crate::home::Home;
use crate::journal::{Journal, JournalError, ProjectLock, SqliteJournal};
use crate::record;
use crate::run::{Run, RunError};
use crate::secrets::Vault;
use crate::subject::Look;
use coord_engine::{About, Event, Input, ItemId, Of, Refusal, RunStatus, State, Verdict, step};
use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, DomainId, MetricId, ModeId, NodeId, ResourceId, WorkflowId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Longest request line.
const MAX_REQUEST_BYTES: u64 = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(30);
const HELLO_PATIENCE: Duration = Duration::from_millis(500);
/// How long a process may hold the lock without listening before others give up on it.
const PASSING: Duration = Duration::from_secs(5);
const PASSING_PAUSE: Duration = Duration::from_millis(20);
/// How long an ending process waits for those who have not read their reply.
const GOODBYE: Duration = Duration::from_secs(1);
/// After a connection that could not be taken: there may be too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What somebody wants of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub run: String,
    pub order: Order,
}

impl Request {
    /// The item that it answers.
    pub(crate) fn answers(&self) -> Option<ItemId> {
        self.order.answers()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    Answer {
        item: u32,
        by: Option<String>,
        verdict: Verdict,
        /// Whom a reassignment names.
        #[serde(default)]
        to: Option<AgentId>,
        note: String,
        outputs: BTreeMap<String, String>,
    },
    Retry {
        node: NodeId,
        by: Option<String>,
    },
    Skip {
        node: NodeId,
        by: Option<String>,
        reason: String,
    },
    Cancel {
        by: Option<String>,
        reason: String,
    },
    Stop {
        by: Option<String>,
    },
    Reassign {
        node: NodeId,
        to: Option<AgentId>,
        by: Option<String>,
    },
    Raise {
        of: Of,
        about: About,
        by: Option<String>,
        note: String,
    },
    EnterMode {
        mode: ModeId,
        by: Option<String>,
        because: String,
    },
    LeaveMode {
        mode: ModeId,
        by: Option<String>,
    },
    HaltDomain {
        domain: DomainId,
        by: Option<String>,
        reason: String,
    },
    StartWorkflow {
        workflow: WorkflowId,
        arguments: Vec<(String, String)>,
    },
    Measured {
        metric: MetricId,
        value: Value,
        by: Option<String>,
    },
    AgentFailed {
        agent: AgentId,
        why: String,
    },
    AgentBack {
        agent: AgentId,
    },
    ResourceExhausted {
        resource: ResourceId,
    },
    ResourceBack {
        resource: ResourceId,
    },
    Decide {
        domain: Option<DomainId>,
        by: Option<String>,
        title: String,
        text: String,
    },
    /// Something for the record.
    Note {
        text: String,
    },
    /// Are you at this run? Changes nothing.
    Hello,
}

impl Order {
    fn answers(&self) -> Option<ItemId> {
        match self {
            Order::Answer { item, .. } => Some(ItemId(*item)),
            _ => None,
        }
    }

    /// What the engine makes of it, if it is anything to it.
    pub(crate) fn input(self) -> Option<Input> {
        Some(match self {
            Order::Answer {
                item,
                by,
                verdict,
                to,
                note,
                outputs,
            } => Input::Answer {
                item: ItemId(item),
                by,
                verdict,
                to,
                note,
                outputs,
            },
            Order::Retry { node, by } => Input::Retry { node, by },
            Order::Skip { node, by, reason } => Input::Skip { node, by, reason },
            Order::Cancel { by, reason } => Input::Cancel { by, reason },
            Order::Stop { by } => Input::Stop { by },
            Order::Reassign { node, to, by } => Input::Reassign { node, to, by },
            Order::Raise {
                of,
                about,
                by,
                note,
            } => Input::Raise {
                of,
                about,
                by,
                note,
            },
            Order::EnterMode { mode, by, because } => Input::EnterMode { mode, by, because },
            Order::LeaveMode { mode, by } => Input::LeaveMode { mode, by },
            Order::HaltDomain { domain, by, reason } => Input::HaltDomain { domain, by, reason },
            Order::StartWorkflow {
                workflow,
                arguments,
            } => Input::StartWorkflow {
                workflow,
                arguments,
            },
            Order::Measured { metric, value, by } => Input::Measured { metric, value, by },
            Order::AgentFailed { agent, why } => Input::AgentFailed { agent, why },
            Order::AgentBack { agent } => Input::AgentBack { agent },
            Order::ResourceExhausted { resource } => Input::ResourceExhausted { resource },
            Order::ResourceBack { resource } => Input::ResourceBack { resource },
            Order::Decide {
                domain,
                by,
                title,
                text,
            } => Input::Decide {
                domain,
                by,
                title,
                text,
            },
            Order::Note { text } => Input::Note { text },
            Order::Hello => return None,
        })
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It is recorded, durably.
    Accepted,
    Refused(String),
    /// Nothing was done: the run has just ended, and its process is about to go.
    Ending,
}

#[derive(Debug, Error)]
pub enum ControlError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "the running coord does not answer: {0}; `coord status` shows whether it took the order"
    )]
    Silent(io::Error),
    #[error("the run is ending; try again in a moment")]
    Ending,
}

/// How an order was carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carried {
    /// By the process that runs the project.
    Live,
    /// Written into the journal, which left the run so; nobody runs the project now.
    Recorded(RunStatus),
}

/// Gives an order to whoever runs the project, or records it when nobody does.
///
/// A process that starts holds the lock before it listens, and one that ends still holds it when
/// it no longer listens: both pass soon.
pub fn give(home: &Home, request: Request, command: &str) -> Result<Carried, ControlError> {
    let until = Instant::now() + PASSING;
    loop {
        let given = match connect(home.path()) {
            Ok(stream) => ask(stream, &request, PATIENCE).map(|()| Carried::Live),
            Err(_) => record_order(home, &request, command),
        };
        let passes = matches!(
            &given,
            Err(ControlError::Ending | ControlError::Journal(JournalError::Locked { .. }))
        );
        if !passes || Instant::now() >= until {
            return given;
        }
        std::thread::sleep(PASSING_PAUSE);
    }
}

fn ask(mut stream: UnixStream, request: &Request, patience: Duration) -> Result<(), ControlError> {
    let said = (|| {
        stream.set_read_timeout(Some(patience))?;
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        stream.write_all(line.as_bytes())?;
        let mut answer = String::new();
        if BufReader::new(&stream).read_line(&mut answer)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it was ended meanwhile",
            ));
        }
        serde_json::from_str(&answer).map_err(io::Error::from)
    })();
    match said.map_err(ControlError::Silent)? {
        Reply::Accepted => Ok(()),
        Reply::Refused(why) => Err(ControlError::Refused(why)),
        Reply::Ending => Err(ControlError::Ending),
    }
}

/// Makes this process the one that runs the project. A lock that an order holds while it is
/// recorded passes soon, and is waited for; one of a process that listens is not.
pub fn take_over(home: &Home, command: &str) -> Result<ProjectLock, JournalError> {
    let until = Instant::now() + PASSING;
    loop {
        match home.lock(command) {
            Err(JournalError::Locked { .. })
                if Instant::now() < until && connect(home.path()).is_err() =>
            {
                std::thread::sleep(PASSING_PAUSE);
            }
            lock => return lock,
        }
    }
}

fn record_order(home: &Home, request: &Request, command: &str) -> Result<Carried, ControlError> {
    let lock = home.lock(command)?;
    let mut journal = SqliteJournal::open(home, lock)?;
    let mut run = Run::load(&journal, &request.run)?;
    let now = crate::clock::Clock::start(run.state.now_ms()).now_ms();
    let vault = Vault::of_what_is_there(&run.plan, &run.meta.root);
    let Some(input) = request.order.clone().input().map(|i| vault.input(i)) else {
        return Ok(Carried::Recorded(run.state.status()));
    };
    let item = request.order.answers();
    let mut events = look(home, &mut run, now, item);
    let answer = step(&run.plan, &mut run.state, now, input);
    // what a look found out is true, whatever becomes of the answer
    if let Ok(answered) = &answer {
        events.extend(answered.iter().cloned());
    }
    if !events.is_empty() {
        let rows = record::rows(run.key, &run.plan, &run.state, &events);
        journal.append(rows, Box::new(|_| {}))?;
    }
    journal.close()?;
    answer.map_err(|refusal: Refusal| ControlError::Refused(refusal.to_string()))?;
    Ok(Carried::Recorded(run.state.status()))
}

/// What an answer is about may have changed since it was asked.
fn look(home: &Home, run: &mut Run, now_ms: i64, item: Option<ItemId>) -> Vec<Event> {
    let of = item.and_then(|item| run.state.item(item));
    let bound = of.filter(|of| of.is_open() && of.is_bound());
    let Some(node) = bound.and_then(|of| of.node) else {
        return Vec::new();
    };
    let Some(look) = Look::at(home, run, node, &passed_on()) else {
        return Vec::new();
    };
    let subject = look.subject();
    let looked = Input::Looked { node, subject };
    step(&run.plan, &mut run.state, now_ms, looked).unwrap_or_default()
}

/// What would follow from an order at once, and the state after it. Changes nothing.
pub fn rehearse(home: &Home, run: &Run, order: Order) -> Result<(State, Vec<Event>), ControlError> {
    let mut run = run.clone();
    let now = crate::clock::Clock::start(run.state.now_ms()).now_ms();
    let item = order.answers();
    let Some(input) = order.input() else {
        return Ok((run.state, Vec::new()));
    };
    let mut events = look(home, &mut run, now, item);
    events.extend(
        step(&run.plan, &mut run.state, now, input)
            .map_err(|refusal| ControlError::Refused(refusal.to_string()))?,
    );
    Ok((run.state, events))
}

fn socket_path(home: &Path) -> PathBuf {
    home.join("control.sock")
}

/// The path as the kernel takes it: names of sockets are short, so a long one goes through a
/// descriptor of its folder.
fn short_path(home: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    let path = socket_path(home);
    if path.as_os_str().len() < 100 {
        return Ok((path, None));
    }
    use std::os::fd::AsRawFd;
    let folder = std::fs::File::open(home)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}/control.sock", folder.as_raw_fd()));
    Ok((through, Some(folder)))
}

fn connect(home: &Path) -> io::Result<UnixStream> {
    let (path, _folder) = short_path(home)?;
    UnixStream::connect(path)
}

/// True when a process is at this run now.
pub fn is_live(home: &Home, run: &str) -> bool {
    let hello = Request {
        run: run.to_string(),
        order: Order::Hello,
    };
    // one that does not answer is there, and busy or stopped
    let denied = |stream| {
        matches!(
            ask(stream, &hello, HELLO_PATIENCE),
            Err(ControlError::Refused(_) | ControlError::Ending)
        )
    };
    connect(home.path()).is_ok_and(|stream| !denied(stream))
}

/// A request of another command, and where its reply goes once it is durable.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Reply>,
}

/// Listens until dropped; requests come out as happenings.
pub(crate) struct Listener {
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// To be called by the holder of the lock: what another process left is removed.
    pub(crate) fn start(home: &Home, out: mpsc::UnboundedSender<Asked>) -> io::Result<Listener> {
        let path = socket_path(home.path());
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let (short, _folder) = short_path(home.path())?;
        let socket = tokio::net::UnixListener::bind(short)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::task::spawn_local(listen(socket, out, stopped));
        Ok(Listener {
            path,
            stop: Some(stop),
            task,
        })
    }

    /// Takes no more requests, and lets those that were answered read their reply.
    pub(crate) async fn finish(mut self) {
        let _gone = std::fs::remove_file(&self.path);
        if let Some(stop) = self.stop.take() {
            let _gone = stop.send(());
        }
        let _in_time = tokio::time::timeout(GOODBYE, &mut self.task).await;
    }
}

async fn listen(
    socket: tokio::net::UnixListener,
    out: mpsc::UnboundedSender<Asked>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = serving.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => { serving.spawn_local(serve(stream, out.clone())); }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(socket);
    while serving.join_next().await.is_some() {}
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
        let _gone = std::fs::remove_file(&self.path);
    }
}

async fn serve(stream: tokio::net::UnixStream, out: mpsc::UnboundedSender<Asked>) {
    use tokio::io::AsyncReadExt;
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = tokio::io::BufReader::new(read.take(MAX_REQUEST_BYTES));
    if !matches!(tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await, Ok(Ok(n)) if n > 0)
    {
        return;
    }
    let reply = match serde_json::from_str::<Request>(&line) {
        Err(error) => Reply::Refused(format!("the request cannot be read: {error}")),
        Ok(request) => {
            let (answer, answered) = oneshot::channel();
            let sent = out.send(Asked { request, answer });
            match sent {
                Ok(()) => answered.await.unwrap_or(Reply::Ending),
                Err(_) => Reply::Ending,
            }
        }
    };
    let mut text = serde_json::to_string(&reply).unwrap_or_default();
    text.push('\n');
    let _gone = write.write_all(text.as_bytes()).await;
}
