//! The ground that tasks work on: git worktrees, the user's own tree, and who may write where.
//!
//! All calls of git that share something (refs, the list of worktrees, the user's tree) are made
//! by one thread, in order: git's own locks are not waited for but lost. A task that works apart
//! has a worktree of its own under the home, on a branch of its own, based on what has landed. What it
//! leaves behind is taken with an index that is coord's own, held against its claims, and
//! committed under its agent's name.
//!
//! Git is the truth about what has landed: every step looks at it first, so that a step which a
//! crash cut off is finished when it is done again.
//!
//! Reading order: `git` calls the program; `claims` says who may write what; `worktree` makes and
//! removes; `seal` commits and judges; `watch` sees what is written past the worktrees; `merge`
//! lands.

mod claims;
mod git;
mod merge;
mod seal;
mod watch;
mod worktree;

use self::git::{At, Git};
use self::watch::Watch;
use crate::environment::find_program;
use crate::support::Cannot;
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

pub(crate) use self::claims::Claims;
pub(crate) use self::git::GitError;
pub(crate) use self::merge::{Candidate, Prepared};
pub(crate) use self::seal::Sealing;
pub(crate) use self::watch::Unsure;

/// The kind of conflict that asks for the ground to be watched.
const OWNERSHIP: &str = "ownership";

/// The repository that a run works in, as it was when the run started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The user's tree.
    pub top: PathBuf,
    /// The project's folder in it: empty, or ends with `/`.
    pub prefix: String,
    /// What all worktrees share.
    pub store: PathBuf,
    /// The git folder of the user's tree.
    pub git: PathBuf,
    /// The branch that was checked out, in full; None: none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that was.
    pub base: String,
}

impl Repository {
    /// The repository of the project in `root`, when a task of `plan` works apart; or why there
    /// is none to work in.
    pub fn of(plan: &Plan, root: &Path) -> Result<Option<Repository>, Cannot> {
        let mut apart = plan.tasks().filter(|(_, _, task)| task.works_apart());
        let Some((_, node, _)) = apart.next() else {
            return Ok(None);
        };
        let works = format!("task `{}` works in a worktree of its own", node.name);
        let cannot = |why: &str, help: &'static str| Cannot {
            what: format!("{works}, and {why}"),
            help,
        };
        if find_program("git").is_none() {
            let help = "install git, or take `isolate worktree` away; nothing was started";
            return Err(cannot("`git` is not on this machine", help));
        }
        let found = git::version().unwrap_or_default();
        if found < git::OLDEST {
            let (major, minor) = found;
            let why = format!("git {major}.{minor} is too old for that");
            let help = "install git 2.38 or a later one; nothing was started";
            return Err(cannot(&why, help));
        }
        find(root).map(Some).map_err(|help| {
            let why = format!("{} is no git repository with a commit", root.display());
            cannot(&why, help)
        })
    }
}

const NO_REPOSITORY: &str = "`git init` and a first commit make one; nothing was started";
const NO_COMMIT: &str = "commit what is to be worked on first; nothing was started";

fn find(root: &Path) -> Result<Repository, &'static str> {
    let args = [
        "rev-parse",
        "--path-format=absolute",
        "--show-toplevel",
        "--git-common-dir",
        "--absolute-git-dir",
        "--show-prefix",
    ];
    let said = Git::new(At::Folder(root), &args).bytes();
    let said = String::from_utf8(said.map_err(|_| NO_REPOSITORY)?).map_err(|_| NO_REPOSITORY)?;
    let mut lines = said.lines().map(str::to_string);
    let mut next = || lines.next().unwrap_or_default();
    let (top, store, git, prefix) = (next(), next(), next(), next());
    let head = ["rev-parse", "--verify", "-q", "HEAD^{commit}"];
    let base = Git::new(At::Folder(root), &head).line();
    let branch = Git::new(At::Folder(root), &["symbolic-ref", "-q", "HEAD"]).maybe();
    Ok(Repository {
        top: top.into(),
        prefix,
        store: store.into(),
        git: git.into(),
        branch: branch.map_err(|_| NO_REPOSITORY)?,
        base: base.map_err(|_| NO_COMMIT)?,
    })
}

/// One attempt, as the ground knows it.
#[derive(Clone)]
pub(crate) struct Stand {
    pub(crate) node: NodeId,
    pub(crate) attempt: u32,
    pub(crate) task: String,
    pub(crate) title: Option<String>,
    /// Whose name its commit carries.
    pub(crate) author: String,
    pub(crate) mail: String,
    pub(crate) claims: Claims,
    /// What an earlier attempt did and people want changed.
    pub(crate) before: Option<String>,
}

impl Stand {
    /// Its name among branches and folders.
    pub(crate) fn stem(&self) -> String {
        stem(&self.task, self.attempt)
    }
}

pub(crate) fn stem(task: &str, attempt: u32) -> String {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let name: String = task
        .chars()
        .map(|c| if fine(c) { c } else { '-' })
        .collect();
    let mark = match name == task {
        true => String::new(),
        false => format!("-{}", &blake3::hash(task.as_bytes()).to_hex()[..8]),
    };
    format!("{name}{mark}.{attempt}")
}

/// What has to be known to work on it.
pub(crate) struct Layout {
    pub(crate) run: String,
    pub(crate) home: PathBuf,
    /// The project's folder.
    pub(crate) root: PathBuf,
    pub(crate) repository: Option<Repository>,
    /// What has landed goes to the branch of the user, too.
    pub(crate) land: bool,
    /// The run is taken up: some steps may have been done by the process before.
    pub(crate) resumed: bool,
    /// The project asks for what is written outside of claims to be found.
    pub(crate) strict: bool,
    /// Paths of the project that coord itself writes to.
    pub(crate) own: Vec<String>,
}

impl Layout {
    fn worktrees(&self) -> PathBuf {
        self.home.join("worktrees").join(&self.run)
    }

    /// The project's folder in the worktree of an attempt.
    pub(crate) fn folder(&self, stem: &str) -> PathBuf {
        let prefix = self.repository.as_ref().map_or("", |r| &r.prefix);
        self.worktrees().join(stem).join(prefix)
    }
}

/// All that the one thread works with.
pub(crate) struct Works {
    layout: Layout,
    watch: Watch,
    /// What was last said about the user's branch.
    complaint: Option<String>,
}

impl Works {
    pub(crate) fn new(layout: Layout) -> Works {
        Works {
            watch: Watch::new(&layout),
            layout,
            complaint: None,
        }
    }
}

type Job = Box<dyn FnOnce(&mut Works) + Send>;

/// The thread that works on the ground.
pub(crate) struct Ground {
    jobs: mpsc::Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

/// Gives jobs to the thread.
#[derive(Clone)]
pub(crate) struct Desk {
    jobs: mpsc::Sender<Job>,
}

impl Ground {
    pub(crate) fn start(layout: Layout) -> std::io::Result<Ground> {
        let (jobs, coming) = mpsc::channel::<Job>();
        let mut works = Works::new(layout);
        let thread = std::thread::Builder::new().name("coord ground".into());
        let thread = thread.spawn(move || {
            while let Ok(job) = coming.recv() {
                job(&mut works);
            }
        })?;
        Ok(Ground {
            jobs,
            thread: Some(thread),
        })
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk {
            jobs: self.jobs.clone(),
        }
    }

    /// Waits for the jobs that were given.
    pub(crate) fn finish(mut self) {
        let (jobs, _) = mpsc::channel();
        drop(std::mem::replace(&mut self.jobs, jobs));
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// The thread that works on the ground is gone: it panicked.
const GONE: &str = "the thread that works on the ground is gone";

impl Desk {
    /// Has something done, in order, and gives what came of it.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Works) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let (sender, receiver) = oneshot::channel();
        self.tell(move |works| {
            let _nobody_waits_any_more = sender.send(job(works));
        });
        receiver.await.unwrap_or_else(|_| {
            Err(GitError::Call {
                what: "worktree".into(),
                why: GONE.into(),
            })
        })
    }

    /// Has something done, in order.
    pub(crate) fn tell(&self, job: impl FnOnce(&mut Works) + Send + 'static) {
        let _gone = self.jobs.send(Box::new(job));
    }
}

/// True when a project asks for what is written outside of claims to be found, also without
/// worktrees: it says what happens then.
pub(crate) fn is_watched(plan: &Plan) -> bool {
    let mut conflicts = plan.rules.conflicts.values();
    conflicts.any(|conflict| conflict.kind == OWNERSHIP)
}

/// Where coord itself writes inside the project.
pub(crate) fn own_places(plan: &Plan) -> Vec<String> {
    use coord_plan::rules::Target;
    let rules = &plan.rules;
    let files = rules
        .channels
        .values()
        .filter_map(|channel| match &channel.target {
            Target::File(path) => Some(path.clone()),
            Target::Http(_) | Target::Stdout => None,
        });
    let records = rules
        .domains
        .values()
        .filter_map(|domain| domain.record.clone());
    files.chain(records).chain(rules.context.clone()).collect()
}
