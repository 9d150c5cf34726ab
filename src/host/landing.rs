//! The queue of what is to land: merged together, tried together, and moved in order.
//!
//! All that wait are one batch. Their gates run on the tree of all of them; when one does not
//! hold, the batch is halved until it is known whose work is at fault: it is turned back, those
//! before it land, and those after it are tried again without it. Nothing is moved before the
//! engine still wants every one of them to land.

use crate::apart::COMMIT;
use crate::driver::{Driver, Happening, latest, verdict};
use crate::ground::{Candidate, Desk, Prepared};
use crate::process::Reaper;
use crate::reach;
use crate::secrets::Masker;
use crate::work::{self, Job};
use coord_engine::{Input, Landing};
use coord_lang::ids::{GateId, NodeId};
use coord_plan::plan::{Evidence, GateFailure, Program, Task};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What waits, and whether something is being landed.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Vec<(NodeId, u32)>,
    busy: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        !self.busy && self.waiting.is_empty()
    }
}

type Who = (NodeId, u32);

/// A batch that was tried: what is to be moved, and what came of the others.
#[derive(Debug)]
pub(crate) struct Trial {
    from: String,
    to: String,
    landed: Vec<(Who, Landing)>,
    settled: Vec<(Who, Landing)>,
    again: Vec<Who>,
}

/// One check of a gate, as it is run on a merged tree.
#[derive(Clone)]
struct Check {
    gate: GateId,
    gate_name: String,
    title: String,
    number: usize,
    evidence: Looked,
    dir: Option<String>,
    task: String,
}

#[derive(Clone)]
enum Looked {
    Run(Program),
    Exists(String),
}

/// What it takes to run checks.
struct Bench {
    reaper: Option<Reaper>,
    environment: Vec<(OsString, OsString)>,
    logs: PathBuf,
    grace: Duration,
    masker: Option<Arc<Masker>>,
}

impl Driver {
    pub(crate) fn land(&mut self, node: NodeId, attempt: u32) {
        self.landing.waiting.push((node, attempt));
        self.land_next();
    }

    fn land_next(&mut self) {
        if self.landing.busy || self.landing.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.landing.waiting);
        let state = &self.run.state;
        let wanted = waiting
            .into_iter()
            .filter(|(node, n)| state.is_landing(*node, *n));
        let who: Vec<Who> = wanted.collect();
        let Some(ground) = &self.ground else {
            return self.no_ground(&who);
        };
        let candidates: Vec<Candidate> = (who.iter())
            .filter_map(|(node, attempt)| self.candidate(*node, *attempt))
            .collect();
        if candidates.is_empty() {
            return;
        }
        let checks = candidates
            .iter()
            .map(|of| self.checks_of(of.stand.node))
            .collect();
        let bench = Bench {
            reaper: self.reaper.clone(),
            environment: self.environment.clone(),
            logs: self.logs.clone(),
            grace: self.grace,
            masker: self.vault.masker(),
        };
        self.landing.busy = true;
        let (desk, sender) = (ground.desk(), self.sender.clone());
        let _landing = tokio::task::spawn_local(async move {
            let trial = tried(&desk, &bench, candidates, checks).await;
            let _loop_is_gone = sender.send(Happening::Tried(Box::new(trial)));
        });
    }

    fn no_ground(&mut self, who: &[Who]) {
        for (node, attempt) in who {
            self.owed.push(Input::LandingEnded {
                node: *node,
                attempt: *attempt,
                landing: Landing::Failed("the run has no repository".into()),
            });
        }
    }

    fn candidate(&self, node: NodeId, attempt: u32) -> Option<Candidate> {
        let plan = &self.run.plan;
        let of = self.run.state.node(node);
        let agents = of.attempt.as_ref().map(|a| a.agents.clone())?;
        let stand = self.stand(node, &agents)?;
        let branch = format!("coord/{}/{}", self.run.id, stand.stem());
        let spawned = reach::is_spawned(plan, plan.task(node)?, &agents);
        // an earlier attempt's, or what a person says, is no commit of this one
        let sealed = spawned && of.outputs.get("git.branch") == Some(&branch);
        let commit = of
            .outputs
            .get(COMMIT)
            .filter(|_| sealed && attempt == stand.attempt);
        Some(Candidate {
            commit: commit.cloned(),
            stand,
        })
    }

    /// What its gates run or look for. What people confirmed is not asked again.
    fn checks_of(&self, node: NodeId) -> Vec<Check> {
        let plan = &self.run.plan;
        let Some(task) = plan.task(node) else {
            return Vec::new();
        };
        let mut checks = Vec::new();
        for id in &task.ensures {
            let gate = &plan.gates[*id];
            if gate.on_fail == GateFailure::Warn {
                continue;
            }
            for (number, check) in gate.checks.iter().enumerate() {
                let evidence = match &check.evidence {
                    Evidence::Run(program) => Looked::Run(program.clone()),
                    Evidence::Exists(path) => Looked::Exists(path.clone()),
                    Evidence::When(_) | Evidence::Person(_) => continue,
                };
                checks.push(Check {
                    gate: *id,
                    gate_name: gate.name.clone(),
                    title: check.title.clone(),
                    number,
                    evidence,
                    dir: folder_of(task),
                    task: plan.nodes[node].name.clone(),
                });
            }
        }
        checks
    }

    /// A batch was tried: what is still wanted is moved.
    pub(crate) fn tried(&mut self, trial: Trial) {
        let state = &self.run.state;
        let wanted = |((node, attempt), _): &(Who, Landing)| state.is_landing(*node, *attempt);
        let all = trial.landed.iter().all(wanted);
        let Trial {
            from,
            to,
            landed,
            settled,
            again,
        } = trial;
        if !all {
            // somebody ended one of them meanwhile: the others are tried without it
            let others = landed.into_iter().map(|(who, _)| who);
            self.landing.waiting.extend(others.chain(again));
            return self.landed(settled, None);
        }
        self.landing.waiting.extend(again);
        let Some(ground) = &self.ground else { return };
        let (desk, sender) = (ground.desk(), self.sender.clone());
        let _moving = tokio::task::spawn_local(async move {
            let moved = desk.ask(move |works| works.advance(&from, &to)).await;
            let (mut ended, said) = match moved {
                Ok(said) => (landed, said),
                Err(error) => {
                    let failed = Landing::Failed(format!("it cannot land: {error}"));
                    let failed = landed.into_iter().map(|(who, _)| (who, failed.clone()));
                    (failed.collect(), None)
                }
            };
            ended.extend(settled);
            let _loop_is_gone = sender.send(Happening::LandingsEnded { ended, said });
        });
    }

    pub(crate) fn landed(&mut self, ended: Vec<(Who, Landing)>, said: Option<String>) {
        self.landing.busy = false;
        for ((node, attempt), landing) in ended {
            self.owed.push(Input::LandingEnded {
                node,
                attempt,
                landing,
            });
        }
        self.owed.extend(said.map(|text| Input::Note { text }));
        self.land_next();
    }
}

fn folder_of(task: &Task) -> Option<String> {
    task.dir.clone()
}

/// Merges and tries a batch. Moves nothing.
async fn tried(
    desk: &Desk,
    bench: &Bench,
    candidates: Vec<Candidate>,
    checks: Vec<Vec<Check>>,
) -> Trial {
    let who: Vec<Who> = (candidates.iter())
        .map(|of| (of.stand.node, of.stand.attempt))
        .collect();
    let prepared = desk.ask(move |works| works.prepare(&candidates)).await;
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let failed = Landing::Failed(format!("it cannot be merged: {error}"));
            return Trial {
                from: String::new(),
                to: String::new(),
                landed: Vec::new(),
                settled: who.into_iter().map(|who| (who, failed.clone())).collect(),
                again: Vec::new(),
            };
        }
    };
    let (good, fault) = fitting(desk, bench, &prepared, &checks).await;
    let steps = &prepared.steps;
    let landed = steps[..good].iter().map(|step| {
        let (commit, tree) = (step.commit.clone(), step.tree.clone());
        (who[step.of], Landing::Landed { commit, tree })
    });
    let mut settled: Vec<(Who, Landing)> = (prepared.settled.iter())
        .map(|(of, landing)| (who[*of], landing.clone()))
        .collect();
    let mut again = Vec::new();
    if let Some(fault) = fault {
        settled.push((who[steps[good].of], fault));
        again.extend(steps[good + 1..].iter().map(|step| who[step.of]));
    }
    let last = good.checked_sub(1).map(|last| steps[last].commit.clone());
    Trial {
        to: last.unwrap_or_else(|| prepared.from.clone()),
        from: prepared.from.clone(),
        landed: landed.collect(),
        settled,
        again,
    }
}

/// How many of the steps hold together, and what is wrong with the next one.
async fn fitting(
    desk: &Desk,
    bench: &Bench,
    prepared: &Prepared,
    checks: &[Vec<Check>],
) -> (usize, Option<Landing>) {
    let steps = &prepared.steps;
    let Some(mut fault) = trouble(desk, bench, prepared, checks, steps.len()).await else {
        return (steps.len(), None);
    };
    // of the first `good` it is known that they hold, of the first `bad` that they do not
    let (mut good, mut bad) = (0, steps.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match trouble(desk, bench, prepared, checks, middle).await {
            None => good = middle,
            Some(found) => (bad, fault) = (middle, found),
        }
    }
    (good, Some(fault))
}

/// The first check that does not hold on the tree of the first `count` steps.
async fn trouble(
    desk: &Desk,
    bench: &Bench,
    prepared: &Prepared,
    checks: &[Vec<Check>],
    count: usize,
) -> Option<Landing> {
    let steps = prepared.steps.get(..count)?;
    // the same gate of several tasks is one
    let mut wanted: BTreeMap<(u32, usize, Option<String>), &Check> = BTreeMap::new();
    for check in steps.iter().flat_map(|step| &checks[step.of]) {
        let key = (check.gate.0, check.number, check.dir.clone());
        wanted.entry(key).or_insert(check);
    }
    if wanted.is_empty() {
        return None;
    }
    let commit = steps.last()?.commit.clone();
    let folder = match desk.ask(move |works| works.try_out(&commit)).await {
        Ok(folder) => folder,
        Err(error) => {
            return Some(Landing::Failed(format!("it cannot be tried: {error}")));
        }
    };
    for check in wanted.into_values() {
        if let Err(evidence) = holds(bench, check, &folder).await {
            let evidence = format!("\"{}\": {evidence}", check.title);
            let gate = check.gate;
            return Some(Landing::Gate { gate, evidence });
        }
    }
    None
}

async fn holds(bench: &Bench, check: &Check, folder: &Path) -> Result<(), String> {
    let program = match &check.evidence {
        Looked::Run(program) => program,
        Looked::Exists(path) if folder.join(path).exists() => return Ok(()),
        Looked::Exists(path) => return Err(format!("`{path}` is not there")),
    };
    let Some(reaper) = &bench.reaper else {
        return Err("no program can be started here".into());
    };
    let stem = format!("landing.{}.{}", check.gate_name, check.number);
    let argv = work::argv(program, &bench.logs.join(format!("{stem}.script")));
    let argv = argv.map_err(|error| format!("the script cannot be written: {error}"))?;
    let mut env = bench.environment.clone();
    env.push(("COORD_TASK".into(), check.task.clone().into()));
    env.push(("COORD_GATE".into(), check.gate_name.clone().into()));
    let cwd = check
        .dir
        .as_ref()
        .map_or(folder.to_path_buf(), |dir| folder.join(dir));
    let job = Job {
        argv,
        env: latest(env),
        cwd,
        log: bench.logs.join(format!("{stem}.log")),
        outputs: None,
        grace: bench.grace,
        viewer: None,
        masker: bench.masker.clone(),
    };
    // held until the end: nobody stops it half-way
    let (_stop, stopped) = mpsc::unbounded_channel();
    let finished = work::run(reaper, job, stopped, |_| {}).await;
    match verdict(&finished) {
        (true, _) => Ok(()),
        (false, evidence) => Err(evidence),
    }
}
