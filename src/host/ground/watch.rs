//! What is written past the worktrees: the user's own tree, and what all worktrees share.
//!
//! Everything there is looked at when an attempt begins and when one ends. Who wrote a file is
//! not to be seen on it, so a change between two looks is held against those at work then: what
//! is in the claims of one that works in the tree is its own; the rest is a breach of the only
//! one at work, and of nobody for sure when there were several. Programs of gates and rules that
//! ran meanwhile may have written anything, and so may coord itself: nothing is said then.
//!
//! The user may be at work in his tree, too. What he commits there is told by the log of his HEAD:
//! neither the refs nor the files are held against anybody. What he does not commit looks as if
//! an agent had left its worktree: it is held against one where the project asks for that with
//! `conflict ownership`, and is only told elsewhere. So is a new branch whose commit no branch had
//! and no HEAD of the user's was at. Files that git ignores are looked at where the project asks for
//! it; folders that it ignores whole, such as those of builds, are not.

use super::git::{At, Git, parts};
use super::{Claims, Layout, Repository, Stand};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More files than this are not watched.
const MOST: usize = 50_000;
/// How much of the end of a HEAD's log is read.
const LOG_BYTES: usize = 16 << 10;

type Seen = BTreeMap<String, String>;

/// A write of which it is not known who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsure {
    pub(crate) path: String,
    /// The tasks that were at work.
    pub(crate) tasks: Vec<String>,
}

struct Live {
    task: String,
    claims: Claims,
    /// It has a worktree, and nothing to write here.
    apart: bool,
    strange: Vec<String>,
}

pub(super) struct Watch {
    /// What paths are from.
    top: PathBuf,
    repository: Option<Repository>,
    landed: String,
    /// Not looked at, from `top`.
    skipped: Vec<String>,
    prefix: String,
    /// The project asks for it.
    strict: bool,
    seen: Option<Seen>,
    live: BTreeMap<String, Live>,
    unsure: Vec<Unsure>,
}

impl Watch {
    pub(super) fn new(layout: &Layout) -> Watch {
        let repository = layout.repository.clone();
        let top = repository.as_ref().map_or(&layout.root, |r| &r.top).clone();
        let prefix = repository
            .as_ref()
            .map_or(String::new(), |r| r.prefix.clone());
        let home = layout.home.strip_prefix(&top).ok();
        let home = home.map(|path| path.to_string_lossy().into_owned());
        let own = layout.own.iter().map(|path| format!("{prefix}{path}"));
        Watch {
            landed: format!("refs/heads/coord/{}/{}", layout.run, super::merge::LANDED),
            skipped: home.into_iter().chain(own).collect(),
            strict: layout.strict,
            top,
            repository,
            prefix,
            seen: None,
            live: BTreeMap::new(),
            unsure: Vec::new(),
        }
    }

    /// An attempt is about to begin.
    pub(super) fn begin(&mut self, stand: &Stand, apart: bool) {
        self.observe(false);
        let live = Live {
            task: stand.task.clone(),
            claims: stand.claims.clone(),
            apart,
            strange: Vec::new(),
        };
        self.live.insert(stand.stem(), live);
    }

    /// What an attempt that has ended is known to have written past its claims.
    pub(super) fn end(&mut self, stem: &str) -> Vec<(String, String)> {
        let live = self.live.remove(stem);
        let strange = live.map_or(Vec::new(), |live| live.strange);
        let what = match &self.repository {
            Some(_) => "it was changed in the tree of the project",
            None => "it was changed",
        };
        strange
            .into_iter()
            .map(|path| (path, what.to_string()))
            .collect()
    }

    pub(super) fn forget(&mut self, stem: &str) {
        self.live.remove(stem);
    }

    /// Writes that nobody is known to have done, since the last time this was asked.
    pub(super) fn unsure(&mut self) -> Vec<Unsure> {
        std::mem::take(&mut self.unsure)
    }

    /// Looks, and holds what has changed against those at work.
    pub(super) fn observe(&mut self, disturbed: bool) {
        let Some(now) = self.look() else { return };
        let Some(before) = self.seen.replace(now) else {
            return;
        };
        if disturbed || self.live.is_empty() {
            return;
        }
        let Some(now) = self.seen.take() else { return };
        let mut strange = changed(&before, &now);
        let moves = strange.iter().any(|path| path.starts_with("refs/"));
        let told = match moves {
            true => self.told_moves(),
            false => BTreeSet::new(),
        };
        let committed = self.committed(&before, &now, &told);
        strange.retain(|path| {
            let explained = self.is_explained(path, now.get(path), &before, &told);
            !explained && !committed.contains(path)
        });
        self.seen = Some(now);
        let alone = self.live.len() == 1;
        for path in strange {
            let moved = path.starts_with("refs/") && before.contains_key(&path);
            let sure = self.strict || path.starts_with(".git/") || moved;
            let first = self.live.values_mut().next();
            if let Some(live) = first.filter(|live| alone && (sure || !live.apart)) {
                live.strange.push(path);
            } else {
                let tasks = self.live.values().map(|live| live.task.clone()).collect();
                self.unsure.push(Unsure { path, tasks });
            }
        }
    }

    /// Looks without holding anything against anybody: coord itself has just written.
    pub(super) fn refresh(&mut self) {
        if self.seen.is_some() {
            self.seen = self.look();
        }
    }

    fn is_explained(
        &self,
        path: &str,
        now: Option<&String>,
        before: &Seen,
        told: &BTreeSet<String>,
    ) -> bool {
        if path.starts_with("refs/") {
            let known = |oid: &String| {
                let mut refs = before.iter().filter(|(name, _)| name.starts_with("refs/"));
                !before.contains_key(path) && refs.any(|(_, had)| had == oid)
            };
            return now.is_some_and(|oid| told.contains(oid) || known(oid));
        }
        let inside = path.strip_prefix(self.prefix.as_str());
        let may = |live: &Live| {
            let outside = |path: &str| live.claims.outside(path).is_some();
            !live.apart && !inside.is_none_or(outside)
        };
        self.live.values().any(may)
    }

    /// What the user's own commits have changed.
    fn committed(&self, before: &Seen, now: &Seen, told: &BTreeSet<String>) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        let Some(repository) = &self.repository else {
            return paths;
        };
        for (name, oid) in now.iter().filter(|(name, _)| name.starts_with("refs/")) {
            let Some(old) = before
                .get(name)
                .filter(|old| *old != oid && told.contains(oid))
            else {
                continue;
            };
            let args = [
                "diff-tree",
                "-r",
                "-z",
                "--name-only",
                "--no-renames",
                old,
                oid,
            ];
            let out = Git::new(At::Store(&repository.store), &args).bytes();
            let out = out.unwrap_or_default();
            paths.extend(parts(&out).map(|path| String::from_utf8_lossy(path).into_owned()));
        }
        paths
    }

    fn look(&self) -> Option<Seen> {
        let mut seen = Seen::new();
        let files = match &self.repository {
            Some(repository) => {
                self.look_at_store(repository, &mut seen);
                self.files_of_git()?
            }
            None => self.files()?,
        };
        for path in files {
            if let Some(print) = print(&self.top.join(&path)) {
                seen.insert(path, print);
            }
        }
        Some(seen)
    }

    fn is_skipped(&self, path: &str) -> bool {
        let beneath = |of: &String| {
            let rest = path.strip_prefix(of.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.skipped.iter().any(beneath)
    }

    /// What git tracks, what it would, and, where the project asks for it, what it ignores.
    fn files_of_git(&self) -> Option<Vec<String>> {
        let mut files = self.listed(&["-c", "-o"])?;
        if self.strict {
            let ignored = self.listed(&["-o", "-i", "--directory"])?;
            files.extend(ignored.into_iter().filter(|path| !path.ends_with('/')));
        }
        (files.len() <= MOST).then_some(files)
    }

    fn listed(&self, which: &[&str]) -> Option<Vec<String>> {
        let mut args = vec!["ls-files", "-z"];
        args.extend(which);
        args.extend(["--exclude-standard", "--", "."]);
        let mut call = Git::new(At::Folder(&self.top), &args);
        for path in &self.skipped {
            call = call.arg(format!(":(exclude,top,literal){path}"));
        }
        let out = call.bytes().ok()?;
        let files = parts(&out).map(|path| String::from_utf8_lossy(path).into_owned());
        Some(files.filter(|path| !self.is_skipped(path)).collect())
    }

    fn files(&self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(self.top.join(&folder)).ok()?.flatten() {
                let path = folder.join(entry.file_name());
                let name = path.to_string_lossy().into_owned();
                if name == ".git" || self.is_skipped(&name) {
                    continue;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    Ok(_) => found.push(name),
                    Err(_) => {}
                }
            }
            if found.len() > MOST {
                return None;
            }
        }
        Some(found)
    }

    /// Configuration, hooks and the like, and where the refs are.
    fn look_at_store(&self, repository: &Repository, seen: &mut Seen) {
        let store = &repository.store;
        let mut note = |path: PathBuf, name: String| {
            if let Ok(text) = fs::read(&path) {
                seen.insert(name, blake3::hash(&text).to_hex().to_string());
            }
        };
        note(repository.git.join("HEAD"), ".git/HEAD".into());
        note(store.join("config"), ".git/config".into());
        for folder in ["hooks", "info"] {
            for entry in fs::read_dir(store.join(folder))
                .into_iter()
                .flatten()
                .flatten()
            {
                let name = entry.file_name().to_string_lossy().into_owned();
                note(entry.path(), format!(".git/{folder}/{name}"));
            }
        }
        let args = [
            "for-each-ref",
            "--format=%(refname) %(objectname)",
            "refs/heads/",
        ];
        let refs = Git::new(At::Store(store), &args).line().unwrap_or_default();
        for line in refs.lines() {
            let Some((name, oid)) = line.split_once(' ') else {
                continue;
            };
            if !name.starts_with("refs/heads/coord/") || name == self.landed {
                seen.insert(name.to_string(), oid.to_string());
            }
        }
    }

    /// Where the HEADs of the user's trees have moved lately.
    fn told_moves(&self) -> BTreeSet<String> {
        let mut told = BTreeSet::new();
        let Some(repository) = &self.repository else {
            return told;
        };
        let mut logs = vec![repository.store.join("logs/HEAD")];
        let others = fs::read_dir(repository.store.join("worktrees"));
        for entry in others.into_iter().flatten().flatten() {
            let gitdir = fs::read_to_string(entry.path().join("gitdir")).unwrap_or_default();
            // those of coord are no user's
            if !self
                .skipped
                .first()
                .is_some_and(|home| gitdir.contains(&format!("/{home}/")))
            {
                logs.push(entry.path().join("logs/HEAD"));
            }
        }
        for log in logs {
            let text = fs::read(&log).unwrap_or_default();
            let end = &text[text.len().saturating_sub(LOG_BYTES)..];
            let end = String::from_utf8_lossy(end).into_owned();
            told.extend(
                end.lines()
                    .filter_map(|line| line.split(' ').nth(1).map(str::to_string)),
            );
        }
        told
    }
}

fn changed(before: &Seen, now: &Seen) -> Vec<String> {
    let other = |(path, print): &(&String, &String)| before.get(*path) != Some(*print);
    let written = now.iter().filter(other).map(|(path, _)| path.clone());
    let gone = before
        .keys()
        .filter(|path| !now.contains_key(*path))
        .cloned();
    written.chain(gone).collect()
}

/// What changes with every write: size, times, mode and which file it is.
fn print(path: &Path) -> Option<String> {
    let of = fs::symlink_metadata(path).ok()?;
    Some(format!(
        "{} {}.{} {}.{} {:o} {}",
        of.len(),
        of.mtime(),
        of.mtime_nsec(),
        of.ctime(),
        of.ctime_nsec(),
        of.mode(),
        of.ino()
    ))
}
