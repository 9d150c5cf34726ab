//! Agents that are reached without a process of ours: the program around coord speaks for them.
//!
//! A [`Driver`] does one attempt of a task on a thread of its own, and says how it went. It is
//! under the same rules as a program: written ahead before it is called, ended when its time is
//! up, in doubt when a crash cut it off. [`People`] answers what is asked through the inbox.

use crate::bench::Bench;
use crate::brief::{self, Brief};
use coord_engine::{Ask, ItemId, Outcome, State, Termination, Verdict, key};
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{self, Plan, Program};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Nodes that are looked through for outputs to hand on.
const MAX_UPSTREAM: usize = 256;

/// Does the attempts of agents.
///
/// Implemented by every `Fn(&Job, &Stop) -> Done` that threads may share.
pub trait Driver: Send + Sync {
    /// Does one attempt and says how it went. Called on a thread of its own, for several attempts
    /// at once where the agent's capacity allows it.
    ///
    /// It should look at `stop` and return soon when it is asked for: a little later the run goes
    /// on without it, and what it returns then counts for nothing. A panic fails the attempt: how
    /// far it came is not known.
    fn attempt(&self, job: &Job, stop: &Stop) -> Done;
}

impl<F> Driver for F
where
    F: Fn(&Job, &Stop) -> Done + Send + Sync,
{
    fn attempt(&self, job: &Job, stop: &Stop) -> Done {
        self(job, stop)
    }
}

/// Which agents a driver speaks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// The agent of this name, however it is reached, `local` included. A program of its tasks is
    /// not started: the driver finds it in [`Job::program`]. A human is not driven but asked:
    /// see [`People`].
    Agent(String),
    /// Agents `via remote LABEL`.
    Label(String),
    /// Agents `via` this word: `http`, `acp`, `mcp`, `a2a`, `remote`.
    Via(String),
}

/// What a driver is given.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// The run's name.
    pub run: String,
    /// The task's name.
    pub task: String,
    /// Its title.
    pub title: Option<String>,
    /// Who does it, by name.
    pub agents: Vec<String>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// What an agent is told, as Markdown: the task, its check-list, its paths, feedback.
    pub brief: String,
    /// The same as data.
    pub told: Brief,
    /// How the agent that is spoken for is reached.
    pub via: plan::Driver,
    /// The prompt, when the task has one.
    pub ask: Option<String>,
    /// The program, when the task has one.
    pub program: Option<Program>,
    /// Declared variables, those of the agents and then of the task.
    pub env: BTreeMap<String, String>,
    /// What the tasks before it have put out: by task, by name.
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
    /// Where its program would run.
    pub folder: PathBuf,
    /// What the paths of its brief are relative to.
    pub root: PathBuf,
    /// The same for every try at the same work: for services that take a request once.
    pub idempotency_key: String,
    /// The whole environment of a program that the driver starts, `env` included.
    pub environment: Vec<(OsString, OsString)>,
    /// What requests to it carry, when it is reached over the web: the name of a secret of
    /// [`Bench::secret`].
    pub auth: Option<plan::Auth>,
    /// Where it may answer later, and the name of the secret that it signs with.
    pub callback: Option<plan::Callback>,
    /// The log, a file for notes, and programs to speak with.
    pub bench: Bench,
}

impl Job {
    /// What the driver of `node` is given for its current attempt; None for what is no task.
    pub fn of(
        plan: &Plan,
        state: &State,
        node: NodeId,
        agents: &[AgentId],
        root: &Path,
    ) -> Option<Job> {
        let task = plan.task(node)?;
        let of = state.node(node);
        let name = plan.nodes[node].name.clone();
        let variables = agents.iter().flat_map(|a| plan.agents[*a].env.iter());
        let before = upstream(plan, state, node);
        let told = brief::of(plan, state, node, task, agents);
        let outputs = |n: &NodeId| (plan.nodes[*n].name.clone(), state.node(*n).outputs.clone());
        let all = agents.iter().map(|a| &plan.agents[*a]);
        let spoken_for = all.into_iter().find(|agent| is_protocol(&agent.driver));
        let profile = spoken_for.and_then(|agent| agent.profile.as_deref());
        Some(Job {
            run: state.run().to_string(),
            title: plan.nodes[node].title.clone(),
            agents: agents
                .iter()
                .map(|a| plan.agents[*a].name.clone())
                .collect(),
            attempt: of.attempt_number(),
            brief: told.markdown(),
            told,
            via: spoken_for.map_or(plan::Driver::Shell, |agent| agent.driver.clone()),
            auth: profile.and_then(|of| of.auth.clone()),
            callback: profile.and_then(|of| of.callback.clone()),
            ask: task.more.as_ref().and_then(|more| more.ask.clone()),
            program: task.program.clone(),
            env: variables.chain(&task.env).cloned().collect(),
            outputs: before.iter().map(outputs).collect(),
            folder: match &task.dir {
                Some(dir) => root.join(dir),
                None => root.to_path_buf(),
            },
            root: root.to_path_buf(),
            idempotency_key: key(state.run(), &name, of.generation),
            task: name,
            environment: Vec::new(),
            bench: Bench::default(),
        })
    }

    /// An output of a task before this one.
    pub fn output(&self, task: &str, name: &str) -> Option<&str> {
        self.outputs.get(task)?.get(name).map(String::as_str)
    }
}

/// How an attempt went.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Done {
    /// As of a program: 0 is well.
    pub exit: i32,
    /// What later tasks and conditions may read. A name is letters, digits, `_`, `-` and `.`;
    /// others are left out.
    pub outputs: BTreeMap<String, String>,
    /// What is kept as the attempt's log.
    pub log: String,
    /// How long it took in virtual time; in a real run the clock says it. None: as long as the
    /// task is likely to take.
    pub took: Option<Duration>,
    /// Nobody knows how far it came, and why: the task is in doubt, unless it is `idempotent`.
    pub lost: Option<String>,
}

impl Done {
    /// It went well.
    pub fn well() -> Done {
        Done {
            exit: 0,
            outputs: BTreeMap::new(),
            log: String::new(),
            took: None,
            lost: None,
        }
    }

    /// How far it came is not known. Takes why. It runs again only if its task is `idempotent`;
    /// otherwise people are asked.
    pub fn lost(why: impl Into<String>) -> Done {
        Done {
            exit: 1,
            lost: Some(why.into()),
            ..Done::well()
        }
    }

    /// It failed. Takes the reason, whose last lines are shown where the failure is.
    pub fn failed(why: impl Into<String>) -> Done {
        Done::exit(1, why)
    }

    /// It ended with this exit code, which `retry … on exit` may name. Takes what there is to say.
    pub fn exit(code: i32, log: impl Into<String>) -> Done {
        Done {
            exit: code,
            log: log.into(),
            ..Done::well()
        }
    }

    /// With an output. May be said again.
    pub fn output(mut self, name: impl Into<String>, value: impl Into<String>) -> Done {
        self.outputs.insert(name.into(), value.into());
        self
    }

    /// With a text that is kept as its log.
    pub fn log(mut self, text: impl Into<String>) -> Done {
        self.log = text.into();
        self
    }

    /// How long it takes in virtual time.
    pub fn took(mut self, time: Duration) -> Done {
        self.took = Some(time);
        self
    }

    /// Its outputs without those whose name would be no name.
    pub fn named_outputs(&self) -> BTreeMap<String, String> {
        let fine = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let outputs = self.outputs.clone().into_iter();
        outputs.filter(|(name, _)| fine(name)).collect()
    }
}

/// Asks an attempt to end. Clones are the same one.
#[derive(Clone, Default)]
pub struct Stop {
    shared: Arc<(Mutex<Option<Termination>>, Condvar)>,
}

impl Stop {
    /// True once the attempt should end: its time is up, or the run is cancelled.
    pub fn is_asked(&self) -> bool {
        self.why().is_some()
    }

    /// Waits until the attempt should end, at most so long; true when it should.
    pub fn wait(&self, at_most: Duration) -> bool {
        let (asked, changed) = &*self.shared;
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, _) = changed
            .wait_timeout_while(asked, at_most, |asked| asked.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        asked.is_some()
    }

    /// Asks for the end.
    pub fn ask(&self, why: Termination) {
        let (asked, changed) = &*self.shared;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        changed.notify_all();
    }

    fn why(&self) -> Option<Termination> {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("why", &self.why()).finish()
    }
}

/// All drivers of a program. The first that fits an agent speaks for it: one of its name before
/// one of its label, that before one of its `via`.
#[derive(Clone, Default)]
pub struct Drivers(Vec<(Reach, Arc<dyn Driver>)>);

impl Drivers {
    /// Adds one.
    pub fn add(&mut self, reach: Reach, driver: impl Driver + 'static) {
        self.0.push((reach, Arc::new(driver)));
    }

    /// Who speaks for this agent.
    pub fn of(&self, agent: &plan::Agent) -> Option<Arc<dyn Driver>> {
        let (label, via) = match &agent.driver {
            plan::Driver::Remote(label) => (Some(label.as_str()), "remote"),
            plan::Driver::Shell => (None, "shell"),
            plan::Driver::Human => (None, "human"),
            plan::Driver::Http(_) => (None, "http"),
            plan::Driver::Acp(_) => (None, "acp"),
            plan::Driver::Mcp { .. } | plan::Driver::McpWeb { .. } => (None, "mcp"),
            plan::Driver::A2a(_) => (None, "a2a"),
        };
        let find = |fits: &dyn Fn(&Reach) -> bool| self.0.iter().find(|(reach, _)| fits(reach));
        let found = find(&|r| matches!(r, Reach::Agent(name) if *name == agent.name))
            .or_else(|| find(&|r| matches!(r, Reach::Label(own) if Some(own.as_str()) == label)))
            .or_else(|| find(&|r| matches!(r, Reach::Via(word) if word == via)));
        found.map(|(_, driver)| Arc::clone(driver))
    }

    /// Who does an attempt of these agents: the driver of the first of them that has one.
    pub fn of_first(&self, plan: &Plan, agents: &[AgentId]) -> Option<Arc<dyn Driver>> {
        agents.iter().find_map(|a| self.of(&plan.agents[*a]))
    }
}

impl fmt::Debug for Drivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(reach, _)| reach))
            .finish()
    }
}

/// Something that people are asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// Its number, as `coord inbox` shows it.
    pub item: ItemId,
    /// What kind of question it is.
    pub ask: Ask,
    /// The task, or the sync, that it is about; None for a situation that is about none.
    pub task: Option<String>,
    /// What is asked, in the project's words: a title, a check, a requirement.
    pub text: String,
    /// Who may answer and has not yet, by name; empty: anybody.
    pub of: Vec<String>,
    /// How many distinct people have to agree.
    pub quorum: u32,
}

impl Question {
    /// The question of an item; None when there is no such item.
    pub fn of(plan: &Plan, state: &State, id: ItemId) -> Option<Question> {
        let item = state.item(id)?;
        let node = item.node.map(|node| &plan.nodes[node]);
        let name = node.map(|node| node.name.clone());
        let title = node.and_then(|node| node.title.clone());
        Some(Question {
            item: id,
            ask: item.ask,
            text: asked(plan, state, item)
                .or(title)
                .or_else(|| name.clone())
                .unwrap_or_else(|| item.ask.name().to_string()),
            task: name,
            of: may_answer(plan, state, item),
            quorum: item.quorum,
        })
    }
}

/// By name. Who has answered has; who does the work does not approve it.
fn may_answer(plan: &Plan, state: &State, item: &coord_engine::Item) -> Vec<String> {
    let attempt = item.node.and_then(|node| state.node(node).attempt.as_ref());
    let does = |agent: &AgentId| {
        let approves = matches!(item.ask, Ask::Approve { .. });
        approves && attempt.is_some_and(|a| a.agents.contains(agent))
    };
    let names = item.of.iter().filter(|agent| !does(agent));
    let names = names.map(|agent| plan.agents[*agent].name.clone());
    names
        .filter(|name| !item.answers.iter().any(|a| a.by.as_ref() == Some(name)))
        .collect()
}

/// The text of what is to be confirmed.
fn asked(plan: &Plan, state: &State, item: &coord_engine::Item) -> Option<String> {
    match item.ask {
        Ask::Confirm { gate, check } => {
            let gate = &plan.gates[state.gate_run(gate)?.gate];
            Some(gate.checks.get(check as usize)?.title.clone())
        }
        Ask::Require { requirement } => match &plan.nodes[item.node?].kind {
            plan::NodeKind::Sync(sync) => {
                Some(sync.requires.get(requirement as usize)?.text.clone())
            }
            plan::NodeKind::Task(_) | plan::NodeKind::Milestone(_) | plan::NodeKind::Join => None,
        },
        Ask::Report { sync, requirement } => {
            let sync = &plan.rules.recurring[sync];
            Some(sync.requires.get(requirement as usize)?.text.clone())
        }
        Ask::Budget { budget } => Some(format!(
            "as much again of the {}",
            plan.rules.budgets[budget].title(plan)
        )),
        Ask::Work | Ask::Approve { .. } | Ask::Doubt | Ask::Situation { .. } | Ask::Undo => None,
    }
}

/// What somebody says.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Answer {
    /// Who says it, by name; None: whoever may, when that is one, else nobody in particular.
    pub by: Option<String>,
    /// Yes or no, and what to do with what is in doubt.
    pub verdict: Verdict,
    /// A remark; with a no, what is to be changed.
    pub note: String,
    /// Outputs of work that a person did.
    pub outputs: BTreeMap<String, String>,
    /// When it is said in virtual time; None: at once.
    pub after: Option<Duration>,
}

impl Answer {
    fn of(verdict: Verdict, note: impl Into<String>) -> Answer {
        Answer {
            by: None,
            verdict,
            note: note.into(),
            outputs: BTreeMap::new(),
            after: None,
        }
    }

    /// Done, approved, confirmed: whatever a yes is called for the question.
    pub fn yes() -> Answer {
        Answer::of(Verdict::Done, "")
    }

    /// Not done, not approved, not confirmed. Takes why.
    pub fn no(why: impl Into<String>) -> Answer {
        Answer::of(Verdict::Reject, why)
    }

    /// Of what is in doubt: try it again.
    pub fn retry() -> Answer {
        Answer::of(Verdict::Retry, "")
    }

    /// Of what is in doubt: go on without it.
    pub fn skip() -> Answer {
        Answer::of(Verdict::Skip, "")
    }

    /// What a question of its own kind takes: `Reassign`, `Abort` and the like.
    pub fn verdict(verdict: Verdict) -> Answer {
        Answer::of(verdict, "")
    }

    /// Who says it, by name.
    pub fn by(mut self, who: impl Into<String>) -> Answer {
        self.by = Some(who.into());
        self
    }

    /// With a remark.
    pub fn note(mut self, note: impl Into<String>) -> Answer {
        self.note = note.into();
        self
    }

    /// With an output of the work. May be said again.
    pub fn output(mut self, name: impl Into<String>, value: impl Into<String>) -> Answer {
        self.outputs.insert(name.into(), value.into());
        self
    }

    /// So long after the question, in virtual time.
    pub fn after(mut self, time: Duration) -> Answer {
        self.after = Some(time);
        self
    }

    /// The same, said by the only one who may when nobody is named, with the no that fits.
    pub fn to(mut self, question: &Question) -> Answer {
        if self.by.is_none()
            && let [only] = question.of.as_slice()
        {
            self.by = Some(only.clone());
        }
        if self.verdict == Verdict::Reject && matches!(question.ask, Ask::Doubt | Ask::Undo) {
            self.verdict = Verdict::Fail;
        }
        self
    }
}

/// Answers what people are asked.
///
/// Implemented by every `FnMut(&Question) -> Option<Answer>` that may go to another thread.
pub trait People: Send {
    /// Called when a question opens, when a run with open questions is taken up, and again after
    /// each answer of a question that needs several. None leaves it in the inbox, for
    /// `coord done` and `coord approve`.
    fn answer(&mut self, question: &Question) -> Option<Answer>;
}

impl<F> People for F
where
    F: FnMut(&Question) -> Option<Answer> + Send,
{
    fn answer(&mut self, question: &Question) -> Option<Answer> {
        self(question)
    }
}

fn is_protocol(driver: &plan::Driver) -> bool {
    match driver {
        plan::Driver::Shell | plan::Driver::Human => false,
        plan::Driver::Http(_)
        | plan::Driver::Acp(_)
        | plan::Driver::Mcp { .. }
        | plan::Driver::McpWeb { .. }
        | plan::Driver::A2a(_)
        | plan::Driver::Remote(_) => true,
    }
}

/// True when an attempt of these agents is more than a question to people: what a crash cuts off
/// may have had its effect.
pub(crate) fn is_spawned(plan: &Plan, task: &plan::Task, agents: &[AgentId]) -> bool {
    let spawned = |agent: &AgentId| match plan.agents[*agent].driver {
        plan::Driver::Shell => task.program.is_some(),
        plan::Driver::Human => false,
        _ => true,
    };
    agents.iter().any(spawned)
}

/// Has the driver do the job on a thread of its own; `stop` ends it early. One that does not
/// return within `grace` then is left to itself.
pub(crate) async fn attempt(
    driver: Arc<dyn Driver>,
    job: Job,
    mut stop: mpsc::UnboundedReceiver<Termination>,
    grace: Duration,
) -> Result<Done, Outcome> {
    let asked = Stop::default();
    let (sender, mut receiver) = oneshot::channel();
    let of_driver = asked.clone();
    let name = format!("coord {}", job.task);
    let thread = std::thread::Builder::new().name(name.chars().take(15).collect());
    let spawned = thread.spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(|| driver.attempt(&job, &of_driver)));
        let _nobody_waits_any_more = sender.send(done.map_err(|panic| said(&*panic)));
    });
    if let Err(error) = spawned {
        let why = format!("no thread can be started: {error}");
        return Err(Outcome::SpawnFailed(why));
    }
    let done = tokio::select! {
        done = &mut receiver => done,
        Some(why) = stop.recv() => {
            asked.ask(why);
            let _too_late = tokio::time::timeout(grace, receiver).await;
            return Err(match why {
                Termination::Timeout => Outcome::TimedOut,
                Termination::Cancel | Termination::TakenAway | Termination::Halted => {
                    Outcome::Cancelled
                }
            });
        }
    };
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(Outcome::Lost(format!("its driver panicked: {panic}"))),
        Err(_) => Err(Outcome::Lost("its driver went away".into())),
    }
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".into())
}

/// What a node waits for, near ones first, so far as their outputs are handed on.
pub(crate) fn upstream(plan: &Plan, state: &State, node: NodeId) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([node]);
    let mut queue = VecDeque::from([node]);
    while let Some(at) = queue.pop_front() {
        for before in plan.nodes[at].needs.iter().flat_map(|n| n.nodes()) {
            if seen.len() <= MAX_UPSTREAM && seen.insert(before) {
                queue.push_back(before);
                found.push(before);
            }
        }
    }
    found.reverse(); // the nearest wins where two have the same name
    found.retain(|n| !state.node(*n).outputs.is_empty());
    found
}
