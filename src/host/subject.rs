//! What the work of a node consists of, for whoever lets it through: command, folder, variables,
//! who does it, what it takes and reads and, once it was done, what it made. Everything is hashed;
//! what is short and no secret is shown as it is.
//!
//! A look has two steps. The first says what there is to look at, from the run alone; the second
//! reads files, which may be large, and needs nothing of the run.

use crate::apart::gate_ground;
use crate::artifacts;
use crate::environment::variable;
use crate::ground::own_places;
use crate::home::Home;
use crate::reach;
use crate::repository;
use crate::run::Run;
use coord_engine::{Place, State, Subject, SubjectPart};
use coord_lang::ids::{GateId, NodeId};
use coord_plan::plan::{Evidence, NodeKind, Plan, Program, Task};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Values up to this many characters are shown; longer ones by their digest.
const SHOWN: usize = 64;
/// Digits of a digest.
const DIGITS: usize = 16;
/// Variables that say where somebody sits, not what a program does.
const OF_THE_SEAT: [&str; 6] = [
    "TERM",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "TMPDIR",
    "SHELL",
];

/// A look whose files are still to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    parts: Vec<(String, Part)>,
    /// The project's folder, where the work is done.
    root: PathBuf,
    /// What coord itself writes to.
    own: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    File(String),
    /// All files that these globs match.
    Files(Vec<String>),
}

impl Look {
    /// None where nobody lets it through and nothing can change behind the back of the run.
    /// `environment` is what every program of the run gets.
    pub(crate) fn at(
        home: &Home,
        run: &Run,
        node: NodeId,
        environment: &[(OsString, OsString)],
    ) -> Option<Look> {
        let (plan, state) = (&*run.plan, &run.state);
        let place = state.stage(plan, node)?;
        if !is_bound(plan, node, place) {
            return None;
        }
        let mut parts = Parts::default();
        if let Some(task) = plan.task(node) {
            parts.work(plan, state, node, task, place);
            if place == Place::Before {
                parts.environment(plan, state, node, task, environment);
                if !task.reads.is_empty() {
                    parts
                        .0
                        .push(("files".into(), Part::Files(task.reads.clone())));
                }
            }
            parts.made(plan, state, node, task, place);
        }
        parts.taken(plan, state, node);
        let places = own_places(plan).into_iter();
        let mut own: Vec<_> = places.map(|place| run.meta.root.join(place)).collect();
        own.extend(std::path::absolute(home.path()));
        Some(Look {
            parts: parts.0,
            root: gate_ground(home, run, node),
            own,
        })
    }

    /// True when there is no file to be read.
    pub(crate) fn is_quick(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|(_, part)| matches!(part, Part::Text(_)))
    }

    /// Reads the files. Takes as long as that takes.
    pub(crate) fn subject(&self) -> Subject {
        let root = &self.root;
        let read = self.parts.iter().map(|(what, part)| SubjectPart {
            what: what.clone(),
            value: match part {
                Part::Text(text) => text.clone(),
                Part::File(path) => file(root, path),
                Part::Files(globs) => files(root, globs, &self.own),
            },
        });
        let parts: Vec<SubjectPart> = read.collect();
        let texts = parts.iter();
        let hasher = hashed(texts.flat_map(|part| [part.what.as_bytes(), part.value.as_bytes()]));
        Subject {
            digest: digits(&hasher),
            parts,
        }
    }
}

/// People are asked at this stage, or it stands on files that may change.
fn is_bound(plan: &Plan, node: NodeId, place: Place) -> bool {
    let asks = |gate: &GateId| {
        let gate = &plan.gates[*gate];
        let person =
            |check: &coord_plan::plan::Check| matches!(check.evidence, Evidence::Person(_));
        !gate.approvals.is_empty() || gate.checks.iter().any(person)
    };
    match (&plan.nodes[node].kind, place) {
        (NodeKind::Task(task), Place::Before) => {
            let takes = !task.takes_artifacts.is_empty() || !task.reads.is_empty();
            (takes && !task.requires.is_empty()) || task.requires.iter().any(asks)
        }
        (NodeKind::Task(task), Place::After) => {
            !task.approvals.is_empty() || task.ensures.iter().any(asks)
        }
        (NodeKind::Sync(sync), _) => !sync.requires.is_empty() || sync.gates.iter().any(asks),
        (NodeKind::Task(_), Place::Sync) | (NodeKind::Milestone(_) | NodeKind::Join, _) => false,
    }
}

/// Each with its length, so that where one ends is part of it.
fn hashed<'t>(texts: impl Iterator<Item = &'t [u8]>) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher
}

#[derive(Default)]
struct Parts(Vec<(String, Part)>);

impl Parts {
    fn add(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.0.push((what.into(), Part::Text(value.into())));
    }

    fn file(&mut self, artifact: impl std::fmt::Display, path: &str) {
        self.0
            .push((format!("artifact {artifact}"), Part::File(path.into())));
    }

    fn work(&mut self, plan: &Plan, state: &State, node: NodeId, task: &Task, place: Place) {
        self.add("command", command(plan, state, node, task));
        self.add("folder", task.dir.as_deref().unwrap_or("."));
        let agents = match place {
            Place::Before => state.team(node),
            Place::After | Place::Sync => state.doers(plan, node),
        };
        let names: Vec<&str> = (agents.iter())
            .map(|agent| plan.agents[*agent].name.as_str())
            .collect();
        self.add("agent", names.join(", "));
        self.add("generation", state.node(node).generation.to_string());
    }

    fn environment(
        &mut self,
        plan: &Plan,
        state: &State,
        node: NodeId,
        task: &Task,
        passed: &[(OsString, OsString)],
    ) {
        let of_agents = state.team(node).iter();
        let declared = of_agents.flat_map(|agent| plan.agents[*agent].env.iter());
        let mut variables: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in declared.chain(&task.env) {
            let value = state.fill(plan, node, value).into_owned();
            variables.insert(name, format!("blake3:{}", digest(value.as_bytes())));
        }
        for (name, digest) in variables {
            self.add(format!("variable {name}"), digest);
        }
        let secrets = task.more.as_ref().map_or(&[][..], |more| &more.secrets);
        if !secrets.is_empty() {
            self.add("secrets", secrets.join(" "));
        }
        let mut passed: Vec<(&OsStr, &OsStr)> = (passed.iter())
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .filter(|(name, _)| counts(name))
            .collect();
        passed.sort();
        let hasher =
            hashed((passed.iter()).flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
        let names: Vec<_> = (passed.iter())
            .map(|(name, _)| name.to_string_lossy())
            .collect();
        let value = format!("{} blake3:{}", names.join(" "), digits(&hasher));
        self.add("environment", value);
    }

    /// After its work.
    fn made(&mut self, plan: &Plan, state: &State, node: NodeId, task: &Task, place: Place) {
        if place != Place::After {
            return;
        }
        let of = state.node(node);
        self.add("attempt", of.attempt_number().to_string());
        self.outputs(plan, state, node);
        for artifact in &task.produces {
            if let Some(path) = &artifact.path {
                let name = format!("{}.{}", plan.nodes[node].name, artifact.name);
                self.file(name, path);
            }
        }
    }

    /// What comes from the tasks before it.
    fn taken(&mut self, plan: &Plan, state: &State, node: NodeId) {
        for before in reach::upstream(plan, state, node) {
            self.outputs(plan, state, before);
        }
        let task = plan.task(node);
        for (artifact, path) in task.iter().flat_map(|task| &task.takes_artifacts) {
            if let Some(path) = path {
                self.file(artifact, path);
            }
        }
    }

    fn outputs(&mut self, plan: &Plan, state: &State, node: NodeId) {
        for (name, value) in &state.node(node).outputs {
            let what = format!("output {}.{name}", plan.nodes[node].name);
            self.add(what, shown(value));
        }
    }
}

fn command(plan: &Plan, state: &State, node: NodeId, task: &Task) -> String {
    let more = task.more.as_ref();
    match &task.program {
        Some(Program::Argv(argv)) => {
            let filled = argv.iter().map(|text| state.fill(plan, node, text));
            serde_json::to_string(&filled.collect::<Vec<_>>()).unwrap_or_default()
        }
        Some(Program::Script { language, text }) => {
            let digest = digest(text.as_bytes());
            let values = arguments(plan, state, node);
            format!("{language} script blake3:{digest}{values}")
        }
        None => match more.and_then(|more| more.call.as_ref()) {
            Some((workflow, arguments)) => {
                let name = &plan.workflows[*workflow].name;
                let given: Vec<String> =
                    arguments.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("workflow {name}({})", given.join(", "))
            }
            None => match more.and_then(|more| more.ask.as_ref()) {
                Some(prompt) => format!("prompt blake3:{}", digest(prompt.as_bytes())),
                None => "as in its brief".into(),
            },
        },
    }
}

/// The values that a script of a workflow gets, and that its text does not show.
fn arguments(plan: &Plan, state: &State, node: NodeId) -> String {
    let values: Vec<String> = (state.arguments(plan, node).into_iter())
        .map(|(name, value)| format!(" {}={}", variable(name), shown(value)))
        .collect();
    values.concat()
}

fn counts(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let own = name.starts_with("COORD_") || name.starts_with("XDG_");
    !own && !OF_THE_SEAT.contains(&name.as_ref())
}

fn file(root: &Path, path: &str) -> String {
    match artifacts::digest(&root.join(path)) {
        Ok(digest) => format!("{path} blake3:{digest}"),
        Err(_) => format!("{path} is not there"),
    }
}

/// How many files there are, and the digest of their paths and contents.
fn files(root: &Path, globs: &[String], own: &[PathBuf]) -> String {
    let Some(paths) = repository::matching(root, globs, own) else {
        return format!("more than {} files, not read", repository::MOST);
    };
    let mut hasher = blake3::Hasher::new();
    for path in &paths {
        let content = artifacts::digest(&root.join(path)).unwrap_or_default();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(content.as_bytes());
    }
    let many = match paths.len() {
        1 => "1 file".to_string(),
        many => format!("{many} files"),
    };
    format!(
        "{many} of `{}` blake3:{}",
        globs.join("`, `"),
        digits(&hasher)
    )
}

fn shown(value: &str) -> String {
    let short = value.chars().count() <= SHOWN && !value.chars().any(char::is_control);
    match short {
        true => value.to_string(),
        false => format!("blake3:{}", digest(value.as_bytes())),
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytes);
    digits(&hasher)
}

fn digits(hasher: &blake3::Hasher) -> String {
    hasher.finalize().to_hex()[..DIGITS].to_string()
}
