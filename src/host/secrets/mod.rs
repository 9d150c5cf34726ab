//! Secrets of a project: read when they are used, handed to the programs that name them, and kept
//! out of everything that is written down.
//!
//! - [`forms`]: how programs write a value
//! - [`masker`]: finds these forms in a stream
//! - [`words`]: masks what the engine is told

mod forms;
mod masker;
mod words;

pub use masker::Masker;

use crate::environment::variable;
use crate::process::Mask;
use coord_engine::Input;
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{Plan, SecretSource, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Longest value. All forms of it are looked for in all output, so it costs a hundred times that.
pub const MOST_BYTES: usize = 16 * 1024;

/// Why a secret cannot be used. Says nothing of its value.
#[derive(Debug, Error)]
pub enum SecretError {
    #[error("secret `{name}` is not there: the variable {variable} is not set")]
    NotSet { name: String, variable: String },
    #[error("secret `{name}` cannot be read from `{}`: {source}", path.display())]
    NotRead {
        name: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "secret `{name}` has {found} characters that are no blanks; at least {} are needed",
        forms::SHORTEST
    )]
    TooShort { name: String, found: usize },
    #[error("secret `{name}` is longer than {MOST_BYTES} bytes")]
    TooLong { name: String },
    #[error("secret `{name}` has a NUL byte, which no variable can hold")]
    Nul { name: String },
    #[error("the {where_} holds the value of secret `{name}`, and a run keeps it")]
    InTheOpen { name: String, where_: String },
    #[error("the secrets are too much to look for: {0}")]
    TooMuch(String),
}

impl SecretError {
    /// The way out.
    pub fn help(&self) -> &'static str {
        match self {
            SecretError::NotSet { .. } => "set it where coord is started; nothing was started",
            SecretError::NotRead { .. } => {
                "put it there, readable for you alone; nothing was started"
            }
            SecretError::TooShort { .. } => {
                "a shorter one cannot be told from ordinary text in what programs print: take a longer one, or pass it with `env`"
            }
            SecretError::TooLong { .. } => "hand over the path of its file with `env` instead",
            SecretError::Nul { .. } => "encode it, for example as base64",
            SecretError::InTheOpen { .. } => {
                "take it out: a secret reaches programs by `secret NAME` alone"
            }
            SecretError::TooMuch(_) => "declare fewer or shorter ones",
        }
    }
}

/// A value that shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Vec<u8>);

impl SecretText {
    /// The value itself.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The secrets of one run.
#[derive(Default)]
pub struct Vault {
    root: PathBuf,
    sources: BTreeMap<String, SecretSource>,
    values: BTreeMap<String, SecretText>,
    /// Values that were replaced while the run went on are still looked for.
    forms: BTreeSet<Vec<u8>>,
    masker: Option<Arc<Masker>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Vault {
    /// Reads all secrets of a project. Those of the tasks that are `left` have to be there; others
    /// are looked for in what is written down if they are.
    pub fn open(
        plan: &Plan,
        root: &Path,
        left: &dyn Fn(NodeId) -> bool,
    ) -> Result<Vault, SecretError> {
        let needed: BTreeSet<&str> = plan
            .tasks()
            .filter(|(node, _, _)| left(*node))
            .flat_map(|(_, _, task)| named(plan, task, task.by.agents()))
            .collect();
        let mut vault = Vault {
            root: root.to_path_buf(),
            ..Vault::default()
        };
        for secret in &plan.secrets {
            match read(&secret.name, &secret.from, root) {
                Ok(value) => vault.keep(&secret.name, value),
                Err(error) if needed.contains(secret.name.as_str()) => return Err(error),
                Err(_) => {}
            }
            let from = secret.from.clone();
            vault.sources.insert(secret.name.clone(), from);
        }
        vault.look_for_all()?;
        Ok(vault)
    }

    /// Reads what is there of a project's secrets, to keep it out of what is written down.
    pub fn of_what_is_there(plan: &Plan, root: &Path) -> Vault {
        Vault::open(plan, root, &|_| false).unwrap_or_default()
    }

    fn keep(&mut self, name: &str, value: SecretText) {
        self.forms.extend(forms::of(value.reveal()));
        self.values.insert(name.to_string(), value);
    }

    fn look_for_all(&mut self) -> Result<(), SecretError> {
        if !self.forms.is_empty() {
            let masker = Masker::new(&self.forms).map_err(SecretError::TooMuch)?;
            self.masker = Some(Arc::new(masker));
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Refuses a text that a run would keep and that holds a secret.
    pub fn refuse_in(&self, text: &[u8], where_: &str) -> Result<(), SecretError> {
        let found = |text: &[u8]| {
            self.masker
                .as_ref()
                .is_some_and(|m| m.finds(text).unwrap_or(true))
        };
        if !found(text) {
            return Ok(());
        }
        let alone = |value: &SecretText| {
            Masker::new(&forms::of(value.reveal())).is_ok_and(|m| m.finds(text).unwrap_or(true))
        };
        let name = self.values.iter().find(|(_, value)| alone(value));
        Err(SecretError::InTheOpen {
            name: name.map(|(name, _)| name.clone()).unwrap_or_default(),
            where_: where_.to_string(),
        })
    }

    /// Secrets of an attempt, by name. A file is read again: it may hold another value by now.
    pub(crate) fn of_attempt(
        &mut self,
        plan: &Plan,
        task: &Task,
        agents: &[AgentId],
    ) -> Result<BTreeMap<String, SecretText>, SecretError> {
        let names: BTreeSet<&str> = named(plan, task, agents).collect();
        let mut changed = false;
        let mut values = BTreeMap::new();
        for name in names {
            let Some(from) = self.sources.get(name) else {
                continue;
            };
            let value = read(name, from, &self.root)?;
            if self.values.get(name) != Some(&value) {
                self.keep(name, value.clone());
                changed = true;
            }
            values.insert(name.to_string(), value);
        }
        if changed {
            self.look_for_all()?;
        }
        Ok(values)
    }

    /// What finds these secrets; None when there are none.
    pub fn masker(&self) -> Option<Arc<Masker>> {
        self.masker.clone()
    }

    /// True for a variable of coord's own environment that a secret is read from: programs do not
    /// get it under that name unless they name the secret.
    pub(crate) fn is_source(&self, of_environment: &OsString) -> bool {
        let is = |from: &SecretSource| matches!(from, SecretSource::Env(name) if of_environment == name.as_str());
        self.sources.values().any(is)
    }

    /// The same input without any secret.
    pub(crate) fn input(&self, input: Input) -> Input {
        match &self.masker {
            Some(masker) => words::masked(input, &|text| masker.text(text)),
            None => input,
        }
    }

    pub(crate) fn text(&self, text: String) -> String {
        match &self.masker {
            Some(masker) => masker.text(text),
            None => text,
        }
    }
}

impl Masker {
    /// A mask for one stream.
    pub(crate) fn mask(self: &Arc<Masker>) -> Box<dyn Mask> {
        Box::new(self.stream())
    }

    /// Masks for the two streams of a program.
    pub(crate) fn masks(self: &Arc<Masker>) -> [Box<dyn Mask>; 2] {
        [Box::new(self.stream()), Box::new(self.stream())]
    }

    /// Masks what programs that were cut off have put out: nobody has read it, and nobody will.
    pub fn outputs_in(self: &Arc<Masker>, logs: &Path) {
        for entry in std::fs::read_dir(logs).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "outputs") && self.file(&path).is_err() {
                let _gone = std::fs::remove_file(&path);
            }
        }
    }

    /// Masks a file in place, when it holds a secret; one that is not there is fine.
    pub(crate) fn file(self: &Arc<Masker>, path: &Path) -> io::Result<()> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        if !self.finds(bytes.as_slice())? {
            return Ok(());
        }
        let mut stream = self.stream();
        let mut shown = Vec::with_capacity(bytes.len());
        stream.feed(&bytes, &mut shown);
        stream.finish(&mut shown);
        std::fs::write(path, shown)
    }
}

/// As variables of a program's environment.
pub(crate) fn variables(values: BTreeMap<String, SecretText>) -> Vec<(OsString, OsString)> {
    let values = values.into_iter();
    values
        .map(|(name, value)| (variable(&name).into(), OsString::from_vec(value.0)))
        .collect()
}

/// What a task and those who do it name.
fn named<'p>(
    plan: &'p Plan,
    task: &'p Task,
    agents: &'p [AgentId],
) -> impl Iterator<Item = &'p str> {
    let own = task.more.iter().flat_map(|more| &more.secrets);
    let profiles = agents
        .iter()
        .filter_map(|a| plan.agents[*a].profile.as_ref());
    let theirs = profiles.flat_map(|profile| &profile.secrets);
    own.chain(theirs).map(String::as_str)
}

fn read(name: &str, from: &SecretSource, root: &Path) -> Result<SecretText, SecretError> {
    let name = || name.to_string();
    let value = match from {
        SecretSource::Env(variable) => match std::env::var_os(variable) {
            Some(value) => value.as_bytes().to_vec(),
            None => {
                return Err(SecretError::NotSet {
                    name: name(),
                    variable: variable.clone(),
                });
            }
        },
        SecretSource::File(path) => {
            let path = root.join(path);
            let read = read_file(&path);
            read.map_err(|source| SecretError::NotRead {
                name: name(),
                path,
                source,
            })?
        }
    };
    let found = forms::weight(&value);
    if value.len() > MOST_BYTES {
        return Err(SecretError::TooLong { name: name() });
    }
    if found < forms::SHORTEST {
        return Err(SecretError::TooShort {
            name: name(),
            found,
        });
    }
    if value.contains(&0) {
        return Err(SecretError::Nul { name: name() });
    }
    Ok(SecretText(value))
}

/// Without the line break that editors put at the end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut value = Vec::new();
    File::open(path)?
        .take(MOST_BYTES as u64 + 3)
        .read_to_end(&mut value)?;
    if value.ends_with(b"\n") {
        value.pop();
        if value.ends_with(b"\r") {
            value.pop();
        }
    }
    Ok(value)
}
