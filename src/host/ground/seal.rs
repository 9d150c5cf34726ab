//! What an attempt did, taken and judged: one commit under its agent's name, or a breach.
//!
//! Nothing of what git keeps for the worktree itself is believed: the files are read with an
//! index of coord's own, so that flags, a sparse checkout or a moved HEAD hide nothing. What a
//! project ignores never lands and is no breach, unless it lies in ground that others own.

use super::git::{At, Git, GitError, parts, path_of};
use super::worktree::{Origin, io_error};
use super::{Stand, Works};
use crate::work::tail_of;
use coord_engine::Breach;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Paths of a breach that are named one by one.
const SHOWN: usize = 8;
/// Ignored files of one folder that are looked through.
const MOST_IGNORED: usize = 10_000;

/// What an attempt came to.
pub(crate) enum Sealing {
    Done(Sealed),
    Breach(Breach),
}

/// Its commit, which is the base itself when it changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) commit: String,
    pub(crate) tree: String,
    pub(crate) base: String,
}

/// What is wrong, by path.
#[derive(Default)]
pub(super) struct Faults {
    by_path: BTreeMap<String, String>,
    owners: BTreeSet<String>,
}

impl Faults {
    pub(super) fn add(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.by_path.entry(path.into()).or_insert(what.into());
    }

    pub(super) fn owned(&mut self, path: &str, owner: &str, what: &str) {
        self.owners.insert(owner.to_string());
        self.add(path, format!("{what}, the ground of `{owner}`"));
    }

    pub(super) fn breach(self, evidence: Option<&Path>) -> Option<Breach> {
        if self.by_path.is_empty() {
            return None;
        }
        let shown = self.by_path.iter().take(SHOWN);
        Some(Breach {
            paths: shown
                .map(|(path, what)| format!("`{path}` ({what})"))
                .collect(),
            more: self.by_path.len().saturating_sub(SHOWN) as u32,
            owners: self.owners.into_iter().collect(),
            evidence: evidence.map_or(String::new(), |path| path.display().to_string()),
        })
    }
}

/// One path that differs from the base.
struct Change {
    old_mode: String,
    mode: String,
    oid: String,
    path: String,
}

const GITLINK: &str = "160000";
const SYMLINK: &str = "120000";

impl Works {
    /// Takes what an attempt did. Done again, it does the same.
    pub(crate) fn seal(&mut self, stand: &Stand, disturbed: bool) -> Result<Sealing, GitError> {
        let stem = stand.stem();
        self.watch.observe(disturbed);
        let strange = self.watch.end(&stem);
        let Some(origin) = self.origin(&stem) else {
            return Err(GitError::Call {
                what: "worktree".into(),
                why: format!("the worktree of `{}` is gone", stand.task),
            });
        };
        let mut faults = Faults::default();
        for (path, what) in strange {
            faults.add(path, what);
        }
        self.judge_head(&stem, &origin, stand, &mut faults)?;
        let tree = match self.tree_of(&stem, &origin) {
            Ok(tree) => tree,
            // such as a repository inside of it that has no commit yet
            Err(error) => {
                faults.add(format!("{stem}/"), tail_of(error.said()));
                origin.base.clone()
            }
        };
        let changes = self.changes(&origin.base, &tree)?;
        self.judge_changes(&origin, &changes, stand, &mut faults)?;
        self.judge_ignored(&stem, stand, &mut faults)?;
        if !faults.by_path.is_empty() {
            let patch = self.patch(&stem, &origin.base, &tree)?;
            return Ok(match faults.breach(Some(&patch)) {
                Some(breach) => Sealing::Breach(breach),
                None => Sealing::Breach(Breach::default()),
            });
        }
        let commit = if changes.is_empty() {
            origin.base.clone()
        } else {
            self.commit(stand, &origin, &tree)?
        };
        let branch = self.branch(&stem);
        self.store(&["update-ref", &branch, &commit])?.run()?;
        Ok(Sealing::Done(Sealed {
            commit,
            tree,
            base: origin.base,
        }))
    }

    /// A git call on the files of a worktree, with coord's own index of it.
    fn on_files(&self, stem: &str, args: &[&str]) -> Result<Git, GitError> {
        let store = &self.repository()?.store;
        let path = self.worktree(stem);
        let call = Git::new(At::Folder(&path), args).env("GIT_DIR", store);
        let call = call.env("GIT_WORK_TREE", &path);
        Ok(call.env("GIT_INDEX_FILE", self.beside(stem, "index")))
    }

    /// The files of a worktree as a tree.
    pub(super) fn tree_of(&self, stem: &str, origin: &Origin) -> Result<String, GitError> {
        let _left_by_a_crash = std::fs::remove_file(self.beside(stem, "index.lock"));
        if !self.beside(stem, "index").exists() {
            self.on_files(stem, &["read-tree", &origin.base])?.run()?;
        }
        self.on_files(stem, &["add", "-A", "--", "."])?.run()?;
        self.on_files(stem, &["write-tree"])?.line()
    }

    fn changes(&self, base: &str, tree: &str) -> Result<Vec<Change>, GitError> {
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            base,
            tree,
        ];
        let out = self.store(&args)?.bytes()?;
        Ok(changes_of(&out))
    }

    /// HEAD is where coord put it, and what was committed is held against the claims, too.
    fn judge_head(
        &self,
        stem: &str,
        origin: &Origin,
        stand: &Stand,
        faults: &mut Faults,
    ) -> Result<(), GitError> {
        let link = std::fs::read_to_string(self.worktree(stem).join(".git")).unwrap_or_default();
        if link.trim() != format!("gitdir: {}", origin.git.display()) {
            faults.add(".git", "it leads to another repository");
        }
        let head = std::fs::read_to_string(origin.git.join("HEAD")).unwrap_or_default();
        let branch = self.branch(stem);
        if head.trim() != format!("ref: {branch}") {
            let where_to = head.trim().trim_start_matches("ref: refs/heads/");
            faults.add("HEAD", format!("it was switched to {where_to}"));
        }
        if origin.git.join("info/sparse-checkout").exists() {
            faults.add("info/sparse-checkout", "it leaves files out");
        }
        let tip = self
            .store(&["rev-parse", "-q", "--verify", &branch])?
            .maybe()?;
        let Some(tip) = tip else {
            faults.add(branch, "the branch was deleted");
            return Ok(());
        };
        if tip == origin.base {
            return Ok(());
        }
        let ancestor = ["merge-base", "--is-ancestor", &origin.base, &tip];
        if !self.store(&ancestor)?.output()?.status.success() {
            faults.add(branch, "it no longer stands on what it started from");
            return Ok(());
        }
        let range = format!("{}..{tip}", origin.base);
        let args = [
            "log",
            "--format=",
            "-m",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            &range,
        ];
        let out = self.store(&args)?.bytes()?;
        for change in changes_of(&out) {
            self.judge_place(&change.path, stand, "it was committed", faults)?;
        }
        Ok(())
    }

    fn judge_changes(
        &self,
        origin: &Origin,
        changes: &[Change],
        stand: &Stand,
        faults: &mut Faults,
    ) -> Result<(), GitError> {
        for change in changes {
            if change.mode == GITLINK || change.old_mode == GITLINK {
                faults.add(&change.path, "it is a repository of its own");
                continue;
            }
            self.judge_place(&change.path, stand, said(change), faults)?;
            if change.mode == SYMLINK {
                self.judge_link(change, stand, faults)?;
            }
        }
        let added = changes.iter().filter(|change| change.old_mode == "000000");
        let added: Vec<&str> = added.map(|change| change.path.as_str()).collect();
        if added.is_empty() {
            return Ok(());
        }
        let list = self
            .store(&["ls-tree", "-r", "-z", "--name-only", &origin.base])?
            .bytes()?;
        let there: BTreeMap<String, String> = parts(&list)
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .map(|path| (path.to_lowercase(), path))
            .collect();
        for path in added {
            if let Some(other) = there
                .get(&path.to_lowercase())
                .filter(|other| *other != path)
            {
                faults.add(path, format!("only case tells it from `{other}`"));
            }
        }
        Ok(())
    }

    /// A path of the repository, by the claims of the task.
    fn judge_place(
        &self,
        path: &str,
        stand: &Stand,
        what: &str,
        faults: &mut Faults,
    ) -> Result<(), GitError> {
        let prefix = &self.repository()?.prefix;
        let Some(inside) = path.strip_prefix(prefix.as_str()) else {
            faults.add(path, "it is outside of the project");
            return Ok(());
        };
        if let Some(outside) = stand.claims.outside(inside) {
            match outside.owner {
                Some(owner) => faults.owned(path, &owner, what),
                None => faults.add(path, what),
            }
        }
        Ok(())
    }

    /// A link may lead where its task may write, and nowhere else.
    fn judge_link(
        &self,
        change: &Change,
        stand: &Stand,
        faults: &mut Faults,
    ) -> Result<(), GitError> {
        let target = self.store(&["cat-file", "blob", &change.oid])?.bytes()?;
        let target = path_of(&target);
        let leads = format!("a link to {}", tail_of(&target.display().to_string()));
        let Some(inside) = lexical(Path::new(&change.path), &target) else {
            faults.add(&change.path, format!("{leads}, out of the repository"));
            return Ok(());
        };
        let prefix = &self.repository()?.prefix;
        let inside = inside.to_string_lossy().into_owned();
        let own = inside.strip_prefix(prefix.as_str());
        if own.is_none_or(|path| stand.claims.outside(path).is_some()) {
            faults.add(&change.path, leads);
        }
        Ok(())
    }

    /// What is ignored never lands; in the ground of others it does not belong, either.
    fn judge_ignored(
        &self,
        stem: &str,
        stand: &Stand,
        faults: &mut Faults,
    ) -> Result<(), GitError> {
        let args = [
            "ls-files",
            "-z",
            "-o",
            "-i",
            "--exclude-standard",
            "--directory",
        ];
        let list = self.on_files(stem, &args)?.bytes()?;
        let prefix = &self.repository()?.prefix;
        for path in parts(&list) {
            let path = String::from_utf8_lossy(path).into_owned();
            let Some(inside) = path.strip_prefix(prefix.as_str()) else {
                continue;
            };
            let files = match inside.strip_suffix('/') {
                Some(folder) if stand.claims.others_own_beneath(folder) => {
                    files_in(&self.layout.folder(stem), folder)
                }
                Some(_) => continue,
                None => vec![inside.to_string()],
            };
            for file in files {
                let outside = stand.claims.outside(&file);
                if let Some(owner) = outside.and_then(|outside| outside.owner) {
                    faults.owned(&file, &owner, "an ignored file");
                }
            }
        }
        Ok(())
    }

    fn commit(&self, stand: &Stand, origin: &Origin, tree: &str) -> Result<String, GitError> {
        let message = self.message(stand);
        let call = self.store(&["commit-tree", tree, "-p", &origin.base])?;
        signed(call, &stand.author, &stand.mail)
            .input(message.into_bytes())
            .line()
    }

    fn message(&self, stand: &Stand) -> String {
        let title = stand.title.as_deref().unwrap_or(&stand.task);
        let title: String = title
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let run = &self.layout.run;
        let Stand { task, attempt, .. } = stand;
        format!(
            "{title}\n\nCoord-Run: {run}\nCoord-Task: {task}\nCoord-Attempt: {}\n",
            self.mark(task, *attempt)
        )
    }

    /// What tells the commit of an attempt from all others.
    pub(super) fn mark(&self, task: &str, attempt: u32) -> String {
        format!("{}/{task}.{attempt}", self.layout.run)
    }

    /// Writes what was done where people find it.
    pub(super) fn patch(&self, stem: &str, base: &str, tree: &str) -> Result<PathBuf, GitError> {
        let folder = self.layout.home.join("patches").join(&self.layout.run);
        let args = [
            "diff",
            "--binary",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            base,
            tree,
        ];
        let text = self.store(&args)?.bytes()?;
        let path = folder.join(format!("{stem}.patch"));
        if text.is_empty() {
            return Ok(path);
        }
        let io = |error: std::io::Error| io_error("diff", &error);
        std::fs::create_dir_all(&folder).map_err(io)?;
        std::fs::write(&path, text).map_err(io)?;
        Ok(path)
    }
}

/// A commit with these words: the agent wrote it, coord made it.
pub(super) fn signed(call: Git, author: &str, mail: &str) -> Git {
    call.env("GIT_AUTHOR_NAME", author)
        .env("GIT_AUTHOR_EMAIL", mail)
        .env("GIT_COMMITTER_NAME", "coord")
        .env("GIT_COMMITTER_EMAIL", "coord@coord.invalid")
}

fn said(change: &Change) -> &'static str {
    let Change { old_mode, mode, .. } = change;
    match (old_mode.as_str(), mode.as_str()) {
        ("000000", _) => "it is new",
        (_, "000000") => "it was deleted",
        (old, new) if old == new => "it was changed",
        (_, SYMLINK) => "it became a link",
        ("100644", "100755") | ("100755", "100644") => "its mode was changed",
        _ => "it became another kind of file",
    }
}

/// Raw records of a diff: `:MODE MODE OID OID STATUS`, then the path.
fn changes_of(out: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut parts = parts(out);
    while let Some(head) = parts.next() {
        let head = String::from_utf8_lossy(head).into_owned();
        let Some(head) = head.trim_start_matches('\n').strip_prefix(':') else {
            continue;
        };
        let mut words = head.split(' ').map(str::to_string);
        let mut word = || words.next().unwrap_or_default();
        let (old_mode, mode, _, oid) = (word(), word(), word(), word());
        let Some(path) = parts.next() else { break };
        changes.push(Change {
            old_mode,
            mode,
            oid,
            path: String::from_utf8_lossy(path).into_owned(),
        });
    }
    changes
}

/// Where a link of the repository leads, by its words alone; None: out of it.
fn lexical(link: &Path, target: &Path) -> Option<PathBuf> {
    let mut at: Vec<&std::ffi::OsStr> = link.parent()?.iter().collect();
    for part in target.components() {
        match part {
            Component::Normal(name) => at.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(at.into_iter().collect())
}

/// The files in a folder, from `root`; not more than can be looked through.
fn files_in(root: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(root) {
                found.push(String::from_utf8_lossy(inside.as_os_str().as_bytes()).into_owned());
            }
            if found.len() > MOST_IGNORED {
                return found;
            }
        }
    }
    found
}
