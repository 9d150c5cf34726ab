//! Worktrees: made, looked up, removed.
//!
//! Beside the folder of an attempt lie its `.base` (the commit it started from and its git
//! folder) and its `.index` (an index that the agent has no hand in).

use super::git::{At, Git, GitError};
use super::{Repository, Stand, Works};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What coord wrote down of a worktree when it made it.
pub(super) struct Origin {
    pub(super) base: String,
    /// The git folder of this worktree alone.
    pub(super) git: PathBuf,
}

impl Works {
    pub(super) fn repository(&self) -> Result<&Repository, GitError> {
        self.layout.repository.as_ref().ok_or(GitError::Call {
            what: "worktree".into(),
            why: "the run has no repository".into(),
        })
    }

    pub(super) fn store(&self, args: &[&str]) -> Result<Git, GitError> {
        Ok(Git::new(At::Store(&self.repository()?.store), args))
    }

    pub(super) fn worktree(&self, stem: &str) -> PathBuf {
        self.layout.worktrees().join(stem)
    }

    pub(super) fn beside(&self, stem: &str, kind: &str) -> PathBuf {
        self.layout.worktrees().join(format!("{stem}.{kind}"))
    }

    pub(super) fn branch(&self, stem: &str) -> String {
        format!("refs/heads/coord/{}/{stem}", self.layout.run)
    }

    /// Makes the worktree of an attempt, anew where there is one of it; a person's stays as it
    /// is. What was done for an earlier attempt lies in it, where it still fits.
    pub(crate) fn open(&mut self, stand: &Stand, fresh: bool) -> Result<(), GitError> {
        let stem = stand.stem();
        if !fresh && self.origin(&stem).is_some() {
            self.watch.begin(stand, true);
            return Ok(());
        }
        self.remove(&stem, false)?;
        self.sync()?;
        let base = self.tip()?;
        let path = self.worktree(&stem);
        std::fs::create_dir_all(self.layout.worktrees()).map_err(|e| io_error("worktree", &e))?;
        let branch = format!("coord/{}/{stem}", self.layout.run);
        let add = self.store(&["worktree", "add", "-q", "-f", "-b", &branch])?;
        add.arg(&path).arg(&base).run()?;
        self.note_origin(&stem, &base)?;
        if let Some(before) = &stand.before {
            self.carry_over(&path, &base, before)?;
        }
        self.watch.begin(stand, true);
        Ok(())
    }

    fn note_origin(&self, stem: &str, base: &str) -> Result<(), GitError> {
        let io = |error: io::Error| io_error("worktree", &error);
        let link = std::fs::read_to_string(self.worktree(stem).join(".git")).map_err(io)?;
        let git = link.trim().strip_prefix("gitdir: ").unwrap_or_default();
        std::fs::copy(Path::new(git).join("index"), self.beside(stem, "index")).map_err(io)?;
        let text = format!("{base}\n{git}\n");
        std::fs::write(self.beside(stem, "base"), text).map_err(io)
    }

    /// What coord noted when it made the worktree; None: there is none, or not all of it.
    pub(super) fn origin(&self, stem: &str) -> Option<Origin> {
        let text = std::fs::read_to_string(self.beside(stem, "base")).ok()?;
        let mut lines = text.lines();
        let base = lines.next()?.to_string();
        let git = PathBuf::from(lines.next()?);
        let there = self.worktree(stem).is_dir();
        there.then_some(Origin { base, git })
    }

    /// Puts what an earlier attempt did on top of what has landed since, if that goes together.
    fn carry_over(&self, path: &Path, base: &str, before: &str) -> Result<(), GitError> {
        let merge = self.store(&["merge-tree", "--write-tree", base, before])?;
        let output = merge.output()?;
        if !output.status.success() {
            return Ok(());
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        let tree = tree.lines().next().unwrap_or_default().to_string();
        Git::new(At::Folder(path), &["read-tree", "-m", "-u", "HEAD", &tree]).run()
    }

    /// Takes the worktree of an attempt away, with its branch; a patch of what it did stays
    /// where `keep` says so.
    pub(crate) fn close(&mut self, stem: &str, keep: bool) -> Result<(), GitError> {
        self.watch.forget(stem);
        if keep && let Some(origin) = self.origin(stem) {
            // the best that can be done for work that does not land
            let _kept = self.keep_patch(stem, &origin);
        }
        self.remove(stem, false)
    }

    fn keep_patch(&self, stem: &str, origin: &Origin) -> Result<(), GitError> {
        let tree = self.tree_of(stem, origin)?;
        self.patch(stem, &origin.base, &tree).map(|_| ())
    }

    /// Takes the worktree of an attempt away; its branch only where it is not to be kept.
    pub(super) fn remove(&self, stem: &str, keep_branch: bool) -> Result<(), GitError> {
        let path = self.worktree(stem);
        if path.exists() {
            let removed = self
                .store(&["worktree", "remove", "-f", "-f"])?
                .arg(&path)
                .run();
            if removed.is_err() || path.exists() {
                match std::fs::remove_dir_all(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(io_error("worktree", &error));
                    }
                    Ok(()) | Err(_) => {}
                }
                self.store(&["worktree", "prune"])?.run()?;
            }
        }
        for kind in ["base", "index", "index.lock"] {
            let _not_there = std::fs::remove_file(self.beside(stem, kind));
        }
        if keep_branch {
            return Ok(());
        }
        self.store(&["update-ref", "-d", &self.branch(stem)])?.run()
    }

    /// A worktree whose work has landed, or is to stay on its branch.
    pub(crate) fn close_landed(&mut self, stem: &str) -> Result<(), GitError> {
        self.watch.forget(stem);
        self.remove(stem, !self.layout.land)
    }

    /// Removes every worktree of the run but those of `kept`: what another process left behind.
    pub(crate) fn sweep(&mut self, kept: &BTreeSet<String>) -> Result<(), GitError> {
        let mut left = BTreeSet::new();
        if let Ok(entries) = std::fs::read_dir(self.layout.worktrees()) {
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let stem = (name.strip_suffix(".base"))
                    .or_else(|| name.strip_suffix(".index.lock"))
                    .or_else(|| name.strip_suffix(".index"));
                left.insert(stem.unwrap_or(&name).to_string());
            }
        }
        if self.layout.land {
            let under = format!("refs/heads/coord/{}/", self.layout.run);
            let list = self.store(&["for-each-ref", "--format=%(refname)", &under])?;
            let refs = list.line()?;
            let stems = refs.lines().filter_map(|name| name.strip_prefix(&under));
            left.extend(
                stems
                    .filter(|s| *s != super::merge::LANDED)
                    .map(str::to_string),
            );
        }
        for stem in left.difference(kept) {
            self.close(stem, true)?;
        }
        // a worktree that was being made when its maker died is known to git alone
        self.store(&["worktree", "prune"])?.run()
    }
}

pub(super) fn io_error(what: &str, error: &io::Error) -> GitError {
    GitError::Call {
        what: what.to_string(),
        why: error.to_string(),
    }
}
