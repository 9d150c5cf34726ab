//! The ground under an attempt: where it works, and what is made of what it wrote.

use crate::driver::{Driver, Happening};
use crate::ground::{
    Claims, Desk, Ground, Layout, Sealing, Stand, Unsure, Works, is_watched, own_places, stem,
};
use crate::home::Home;
use crate::reach;
use crate::run::Run;
use crate::work::Finished;
use coord_engine::{About, Event, Fact, Input, Of, Outcome, State, Status};
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::Plan;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::sync::mpsc;

/// Outputs by which a sealed attempt is known.
pub(crate) const COMMIT: &str = "git.commit";
const TREE: &str = "git.tree";
const BRANCH: &str = "git.branch";

/// True when something else than a task may have written in the project's tree lately.
pub(crate) type Disturbed = Rc<Cell<bool>>;

/// One attempt on its ground, for the task that watches it.
pub(crate) struct Footing {
    desk: Desk,
    stand: Stand,
    apart: bool,
    branch: String,
    disturbed: Disturbed,
    sender: mpsc::UnboundedSender<Happening>,
}

impl Footing {
    /// Makes the ground ready; an error is why the attempt cannot begin.
    pub(crate) async fn begin(&self) -> Result<(), String> {
        let (stand, apart) = (self.stand.clone(), self.apart);
        let begun = self.desk.ask(move |works| {
            if apart {
                return works.open(&stand, true);
            }
            works.begin_here(&stand);
            Ok(())
        });
        begun
            .await
            .map_err(|error| format!("its worktree cannot be made: {error}"))
    }

    /// The same end of an attempt, once what it wrote is taken and judged.
    pub(crate) async fn end(&self, mut finished: Finished) -> Finished {
        let disturbed = self.disturbed.take();
        let stand = self.stand.clone();
        if !self.apart {
            let breach = self
                .desk
                .ask(move |works| Ok(works.end_here(&stand, disturbed)));
            if let Ok(Some(breach)) = breach.await
                && finished.outcome.is_success()
            {
                finished.outcome = Outcome::Breach(breach);
            }
        } else if finished.outcome.is_success() {
            match self
                .desk
                .ask(move |works| works.seal(&stand, disturbed))
                .await
            {
                Ok(Sealing::Done(sealed)) => {
                    let facts = [
                        (COMMIT, sealed.commit),
                        (TREE, sealed.tree),
                        (BRANCH, self.branch.clone()),
                    ];
                    let facts = facts.map(|(name, value)| (name.to_string(), value));
                    finished.outputs.extend(facts);
                }
                Ok(Sealing::Breach(breach)) => finished.outcome = Outcome::Breach(breach),
                Err(error) => {
                    let why = format!("what it did cannot be committed: {error}");
                    finished.outcome = Outcome::NoArtifact(why);
                }
            }
        }
        if let Ok(unsure) = self.desk.ask(|works| Ok(works.unsure())).await
            && !unsure.is_empty()
        {
            let _loop_is_gone = self.sender.send(Happening::Strange(unsure));
        }
        finished
    }
}

/// Starts the thread that works on the ground, when the run needs one.
pub(crate) fn ground(layout: Layout, plan: &Plan) -> std::io::Result<Option<Ground>> {
    if layout.repository.is_none() && !is_watched(plan) {
        return Ok(None);
    }
    Ground::start(layout).map(Some)
}

fn layout(home: &Home, run: &Run) -> Layout {
    let meta = &run.meta;
    Layout {
        run: run.id.clone(),
        home: std::fs::canonicalize(home.path()).unwrap_or_else(|_| home.path().to_path_buf()),
        root: meta.root.clone(),
        repository: meta.repository.clone(),
        land: !meta.no_land,
        resumed: run.state.started_ms().is_some(),
        strict: is_watched(&run.plan),
        own: own_places(&run.plan),
    }
}

fn works_apart(run: &Run, node: NodeId) -> bool {
    run.meta.repository.is_some() && run.plan.task(node).is_some_and(|t| t.works_apart())
}

/// The worktrees of a run that are still worked in or looked at.
fn kept(run: &Run) -> BTreeSet<String> {
    let kept = run.state.nodes().filter_map(|(node, of)| {
        let attempt = of.attempt.as_ref().filter(|_| works_apart(run, node))?;
        let task = run.plan.task(node)?;
        let people = !reach::is_spawned(&run.plan, task, &attempt.agents);
        let kept = match of.status {
            Status::Review | Status::InDoubt => true,
            Status::InProgress => people,
            Status::Created
            | Status::Assigned
            | Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled => false,
        };
        kept.then(|| stem(&run.plan.nodes[node].name, attempt.number))
    });
    kept.collect()
}

/// Clears the ground of a run that has ended: a crash can come between its last event and that.
/// Says what is left for the user. Whoever calls it holds the lock of the project.
pub fn leave_ground(home: &Home, run: &Run) -> Option<String> {
    run.meta.repository.as_ref()?;
    let mut works = Works::new(layout(home, run));
    let cleared = works.sweep(&kept(run)).and_then(|()| works.settle());
    cleared.unwrap_or_else(|error| Some(format!("worktrees are left: {error}")))
}

fn ground_of(home: &Home, run: &Run, node: NodeId) -> PathBuf {
    if !works_apart(run, node) {
        return run.meta.root.clone();
    }
    let attempt = run.state.node(node).attempt_number();
    let stem = stem(&run.plan.nodes[node].name, attempt);
    layout(home, run).folder(&stem)
}

/// Where the gates of a task, and those who let it through, look.
pub(crate) fn gate_ground(home: &Home, run: &Run, node: NodeId) -> PathBuf {
    match run.state.node(node).status {
        Status::Review => ground_of(home, run, node),
        _ => run.meta.root.clone(),
    }
}

impl Driver {
    pub(crate) fn layout(&self) -> Layout {
        layout(&self.home, &self.run)
    }

    /// The current attempt, as the ground knows it.
    pub(crate) fn stand(&self, node: NodeId, agents: &[AgentId]) -> Option<Stand> {
        let plan = &self.run.plan;
        let task = plan.task(node)?;
        let of = self.run.state.node(node);
        let attempt = of.attempt_number();
        let name = &plan.nodes[node].name;
        let author = agents.first().map(|id| &plan.agents[*id]);
        let contact = author.and_then(|agent| agent.profile.as_ref()?.contact.clone());
        let mail =
            contact.filter(|contact| contact.contains('@') && !contact.contains(['<', '\n']));
        let author = author
            .map_or("coord", |agent| agent.name.as_str())
            .to_string();
        let reworked = of.feedback.last().is_some_and(|f| f.attempt + 1 == attempt);
        let before = of
            .outputs
            .get(COMMIT)
            .filter(|_| reworked && task.works_apart());
        Some(Stand {
            node,
            attempt,
            task: name.clone(),
            title: plan.nodes[node].title.clone(),
            mail: mail.unwrap_or_else(|| format!("{author}@coord.invalid")),
            author,
            claims: Claims::of(plan, task, agents),
            before: before.cloned(),
        })
    }

    /// What an attempt stands on; None when nobody looks at the ground.
    pub(crate) fn footing(&self, node: NodeId, agents: &[AgentId]) -> Option<Footing> {
        let ground = self.ground.as_ref()?;
        let stand = self.stand(node, agents)?;
        let apart = self.works_apart(node);
        Some(Footing {
            desk: ground.desk(),
            branch: self.branch(&stand),
            stand,
            apart,
            disturbed: Rc::clone(&self.disturbed),
            sender: self.sender.clone(),
        })
    }

    fn branch(&self, stand: &Stand) -> String {
        format!("coord/{}/{}", self.run.id, stand.stem())
    }

    pub(crate) fn works_apart(&self, node: NodeId) -> bool {
        works_apart(&self.run, node)
    }

    /// The project's folder, where the current attempt of a task has it.
    pub(crate) fn ground_of(&self, node: NodeId) -> PathBuf {
        ground_of(&self.home, &self.run, node)
    }

    /// Where the gates of a task look: at what it did, before that at what there is.
    pub(crate) fn ground_of_gate(&self, node: NodeId) -> PathBuf {
        gate_ground(&self.home, &self.run, node)
    }

    /// What the program of a task that works apart finds beside the rest.
    pub(crate) fn apart_environment(
        &self,
        node: NodeId,
        footing: &Footing,
    ) -> Vec<(OsString, OsString)> {
        let mut env: Vec<(OsString, OsString)> = Vec::new();
        let Stand { author, mail, .. } = &footing.stand;
        let mut set = |key: &str, value: OsString| env.push((key.into(), value));
        set("COORD_WORKTREE", self.ground_of(node).into());
        set("COORD_BRANCH", footing.branch.clone().into());
        set("GIT_AUTHOR_NAME", author.into());
        set("GIT_AUTHOR_EMAIL", mail.into());
        set("GIT_COMMITTER_NAME", author.into());
        set("GIT_COMMITTER_EMAIL", mail.into());
        env
    }

    /// A person's worktree is made when he is asked.
    pub(crate) fn open_for_people(&mut self, node: NodeId) {
        let of = self.run.state.node(node);
        let agents = of.attempt.as_ref().map(|a| a.agents.clone());
        let stand = self.stand(node, &agents.unwrap_or_default());
        let (Some(ground), Some(stand)) = (&self.ground, stand) else {
            return;
        };
        let sender = self.sender.clone();
        ground.desk().tell(move |works| {
            if let Err(error) = works.open(&stand, false) {
                let text = format!("the worktree of `{}` cannot be made: {error}", stand.task);
                let _loop_is_gone = sender.send(Happening::Remark(text));
            }
        });
    }

    /// Takes worktrees away whose attempt is over.
    pub(crate) fn tidy(&self, event: &Event) {
        let Some(ground) = &self.ground else { return };
        let (node, attempt, landed) = match &event.fact {
            Fact::Completed { node, attempt } => (*node, *attempt, true),
            Fact::RetryScheduled { node, attempt, .. } | Fact::Rework { node, attempt, .. } => {
                (*node, *attempt, false)
            }
            Fact::Failed { node, .. } | Fact::Skipped { node, .. } | Fact::Cancelled { node } => {
                (*node, self.run.state.node(*node).attempt_number(), false)
            }
            _ => return,
        };
        if attempt == 0 || !self.works_apart(node) {
            return;
        }
        let stem = stem(&self.run.plan.nodes[node].name, attempt);
        let sender = self.sender.clone();
        ground.desk().tell(move |works| {
            let closed = match landed {
                true => works.close_landed(&stem),
                false => works.close(&stem, true),
            };
            if let Err(error) = closed {
                let text = format!("the worktree `{stem}` cannot be removed: {error}");
                let _loop_is_gone = sender.send(Happening::Remark(text));
            }
        });
    }

    /// Takes away what the process before has left, but for what is still to be judged.
    pub(crate) fn sweep_ground(&self) {
        let Some(ground) = self
            .ground
            .as_ref()
            .filter(|_| self.run.meta.repository.is_some())
        else {
            return;
        };
        let kept = kept(&self.run);
        let sender = self.sender.clone();
        ground.desk().tell(move |works| {
            if let Err(error) = works.sweep(&kept) {
                let text = format!("worktrees that were left cannot be removed: {error}");
                let _loop_is_gone = sender.send(Happening::Remark(text));
            }
        });
    }

    /// Writes of which it is not known who did them: a conflict of all who were at work.
    pub(crate) fn strange(&self, unsure: Vec<Unsure>) -> Input {
        let plan = &self.run.plan;
        let paths: Vec<String> = unsure
            .iter()
            .map(|u| format!("`{}`", u.path))
            .take(8)
            .collect();
        let tasks: BTreeSet<String> = unsure.into_iter().flat_map(|u| u.tasks).collect();
        let named: Vec<String> = tasks.iter().map(|task| format!("`{task}`")).collect();
        let doubt = match named.len() {
            1 => "was at work in a worktree of its own",
            _ => "were at work: which of them did it is not known",
        };
        let (paths, named) = (paths.join(", "), named.join(", "));
        let note = format!("{paths} changed past all claims while {named} {doubt}");
        let mut conflicts = plan.rules.conflicts.iter();
        let conflict = conflicts.find(|(_, conflict)| conflict.kind == "ownership");
        match conflict {
            None => Input::Note { text: note },
            Some((id, _)) => Input::Raise {
                of: Of::Conflict(id),
                about: About {
                    agents: at_work(plan, &self.run.state, &tasks),
                    ..About::default()
                },
                by: None,
                note,
            },
        }
    }
}

fn at_work(plan: &Plan, state: &State, tasks: &BTreeSet<String>) -> Vec<AgentId> {
    let nodes = plan
        .nodes
        .iter()
        .filter(|(_, node)| tasks.contains(&node.name));
    let attempts = nodes.filter_map(|(id, _)| state.node(id).attempt.as_ref());
    let agents: BTreeSet<AgentId> = attempts.flat_map(|a| a.agents.iter().copied()).collect();
    agents.into_iter().collect()
}
