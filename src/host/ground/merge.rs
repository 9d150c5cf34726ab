//! Landing: what was done apart is merged in order, on a branch of coord's own, and from there
//! goes to the branch of the user.
//!
//! What has landed is `coord/RUN/landed`: only this file moves it, and only forward. The user's
//! branch follows where that loses nothing: his files are touched by git's own fast-forward,
//! which refuses to overwrite what is not committed, and refuses whole.

use super::git::{At, Git, GitError, failure, parts};
use super::seal::{Faults, Sealed, Sealing, signed};
use super::{Stand, Works};
use crate::work::tail_of;
use coord_engine::{Breach, Landing};
use std::path::PathBuf;

/// The branch of what has landed, under the run's own.
pub(super) const LANDED: &str = "landed";
/// Paths of a clash that are shown with both sides.
const PATHS_SHOWN: usize = 5;
/// Lines of one path that are shown.
const LINES_SHOWN: usize = 40;

/// What is to land.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) stand: Stand,
    /// Its commit; None: nobody has taken what it did yet.
    pub(crate) commit: Option<String>,
}

/// One candidate on top of those before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Which of the candidates.
    pub(crate) of: usize,
    pub(crate) commit: String,
    pub(crate) tree: String,
}

/// Candidates merged, and nothing moved yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    /// What had landed before.
    pub(crate) from: String,
    pub(crate) steps: Vec<Step>,
    /// Those of which it is known already what came of them.
    pub(crate) settled: Vec<(usize, Landing)>,
}

enum Merged {
    Tree(String),
    Clash { paths: Vec<String>, note: String },
}

impl Works {
    fn landed_ref(&self) -> String {
        self.branch(LANDED)
    }

    /// What everybody builds on.
    pub(super) fn tip(&self) -> Result<String, GitError> {
        let name = self.landed_ref();
        if let Some(tip) = self.resolve(&name)? {
            return Ok(tip);
        }
        let repository = self.repository()?;
        let base = repository.base.clone();
        let of_user = match &repository.branch {
            Some(branch) if self.layout.land => self.resolve(branch)?,
            Some(_) | None => None,
        };
        let tip = match of_user {
            Some(tip) if self.descends(&tip, &base)? => tip,
            Some(_) | None => base,
        };
        self.store(&["update-ref", &name, &tip, ""])?.run()?;
        Ok(tip)
    }

    fn resolve(&self, name: &str) -> Result<Option<String>, GitError> {
        let commit = format!("{name}^{{commit}}");
        self.store(&["rev-parse", "-q", "--verify", &commit])?
            .maybe()
    }

    fn descends(&self, commit: &str, from: &str) -> Result<bool, GitError> {
        if commit == from {
            return Ok(true);
        }
        let output = self
            .store(&["merge-base", "--is-ancestor", from, commit])?
            .output()?;
        Ok(output.status.success())
    }

    /// Takes up what the user has committed meanwhile, where it goes together with what has
    /// landed.
    pub(super) fn sync(&mut self) -> Result<(), GitError> {
        let tip = self.tip()?;
        let branch = match &self.repository()?.branch {
            Some(branch) if self.layout.land => branch.clone(),
            Some(_) | None => return Ok(()),
        };
        let Some(of_user) = self.resolve(&branch)? else {
            return Ok(());
        };
        if self.descends(&tip, &of_user)? {
            return Ok(());
        }
        let new = if self.descends(&of_user, &tip)? {
            of_user
        } else {
            match self.merged(&tip, &of_user, "")? {
                Merged::Clash { .. } => return Ok(()),
                Merged::Tree(tree) => {
                    let call = self.store(&["commit-tree", &tree, "-p", &tip, "-p", &of_user])?;
                    let short = branch.trim_start_matches("refs/heads/");
                    let message = format!("Merge {short} into what has landed\n");
                    let signed = signed(call, "coord", "coord@coord.invalid");
                    signed.input(message.into_bytes()).line()?
                }
            }
        };
        self.move_landed(&tip, &new)?;
        self.watch.refresh();
        Ok(())
    }

    fn move_landed(&self, from: &str, to: &str) -> Result<(), GitError> {
        let name = self.landed_ref();
        self.store(&["update-ref", "-m", "coord: landed", &name, to, from])?
            .run()
    }

    /// Merges the candidates, one on top of the other; those that do not fit are settled.
    pub(crate) fn prepare(&mut self, candidates: &[Candidate]) -> Result<Prepared, GitError> {
        self.sync()?;
        let mut tip = self.tip()?;
        let mut prepared = Prepared {
            from: tip.clone(),
            ..Prepared::default()
        };
        for (of, candidate) in candidates.iter().enumerate() {
            match self.step(candidate, &tip) {
                Ok(Ok((commit, tree))) => {
                    tip.clone_from(&commit);
                    prepared.steps.push(Step { of, commit, tree });
                }
                Ok(Err(landing)) => prepared.settled.push((of, landing)),
                Err(error) => {
                    let why = format!("it cannot be merged: {error}");
                    prepared.settled.push((of, Landing::Failed(why)));
                }
            }
        }
        Ok(prepared)
    }

    /// One candidate on top of `tip`: its commit and tree, or what else came of it.
    fn step(
        &mut self,
        candidate: &Candidate,
        tip: &str,
    ) -> Result<Result<(String, String), Landing>, GitError> {
        let stand = &candidate.stand;
        if self.layout.resumed
            && let Some((commit, tree)) = self.landed_before(stand)?
        {
            return Ok(Err(Landing::Landed { commit, tree }));
        }
        let sealed = match &candidate.commit {
            Some(commit) => commit.clone(),
            None => match self.seal(stand, true)? {
                Sealing::Done(Sealed { commit, .. }) => commit,
                Sealing::Breach(breach) => return Ok(Err(Landing::Breach(breach))),
            },
        };
        // nothing was changed: there is nothing to merge
        if self.descends(tip, &sealed)? {
            return Ok(Ok((tip.to_string(), self.tree(tip)?)));
        }
        let tree = match self.merged(tip, &sealed, &stand.stem())? {
            Merged::Tree(tree) => tree,
            Merged::Clash { paths, note } => return Ok(Err(Landing::Clash { paths, note })),
        };
        let parent = format!("{sealed}^");
        if self.resolve(&parent)?.as_deref() == Some(tip) {
            return Ok(Ok((sealed, tree)));
        }
        let message = self
            .store(&["log", "-1", "--format=%B", &sealed])?
            .bytes()?;
        let call = self.store(&["commit-tree", &tree, "-p", tip])?;
        let commit = signed(call, &stand.author, &stand.mail)
            .input(message)
            .line()?;
        Ok(Ok((commit, tree)))
    }

    fn tree(&self, commit: &str) -> Result<String, GitError> {
        self.store(&["rev-parse", &format!("{commit}^{{tree}}")])?
            .line()
    }

    /// A crash came between the landing and its record.
    fn landed_before(&self, stand: &Stand) -> Result<Option<(String, String)>, GitError> {
        let mark = self.mark(&stand.task, stand.attempt);
        let line = format!("^Coord-Attempt: {}$", regex(&mark));
        let range = format!("{}..{}", self.repository()?.base, self.landed_ref());
        let args = ["log", "-1", "-E", "--format=%H %T", "--grep", &line, &range];
        let found = self.store(&args)?.maybe()?;
        Ok(found.and_then(|line| {
            let (commit, tree) = line.split_once(' ')?;
            Some((commit.to_string(), tree.to_string()))
        }))
    }

    fn merged(&self, ours: &str, theirs: &str, stem: &str) -> Result<Merged, GitError> {
        let args = [
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
            ours,
            theirs,
        ];
        let output = self.store(&args)?.output()?;
        let mut said = parts(&output.stdout).map(|part| String::from_utf8_lossy(part).into_owned());
        let tree = said.next().unwrap_or_default();
        match output.status.code() {
            Some(0) => Ok(Merged::Tree(tree)),
            Some(1) => {
                let mut paths: Vec<String> = said.collect();
                paths.sort();
                paths.dedup();
                let note = self.clash(&tree, &paths, stem);
                Ok(Merged::Clash { paths, note })
            }
            _ => Err(failure("merge-tree", &output)),
        }
    }

    /// Both sides of every clash, for whoever is to resolve it.
    fn clash(&self, tree: &str, paths: &[String], stem: &str) -> String {
        let named: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        let mut note = format!(
            "others have changed the same places of {}",
            named.join(", ")
        );
        if !stem.is_empty() {
            note.push_str(". Do it again on what has landed");
        }
        for path in paths.iter().take(PATHS_SHOWN) {
            let blob = format!("{tree}:{path}");
            let show = self.store(&["cat-file", "blob", &blob]);
            let Ok(text) = show.and_then(Git::bytes) else {
                continue;
            };
            let text = String::from_utf8_lossy(&text);
            let sides = sides(&text);
            if !sides.is_empty() {
                note.push_str(&format!(
                    "\n\n`{path}`, what has landed above and yours below:\n"
                ));
                note.push_str(&sides);
            }
        }
        note
    }

    /// Makes what was prepared, up to a commit, what everybody builds on; then the user's branch
    /// follows where it can. Gives what is to be said about that.
    pub(crate) fn advance(&mut self, from: &str, to: &str) -> Result<Option<String>, GitError> {
        if from != to {
            self.move_landed(from, to)?;
        }
        let said = self.publish();
        self.watch.refresh();
        Ok(said)
    }

    /// The tree that a landing is tried in, with `commit` checked out: the project's folder.
    pub(crate) fn try_out(&mut self, commit: &str) -> Result<PathBuf, GitError> {
        let path = self.worktree("landing");
        if path.join(".git").exists() {
            let checkout = ["checkout", "-q", "--detach", "-f", commit];
            Git::new(At::Folder(&path), &checkout).run()?;
            Git::new(At::Folder(&path), &["clean", "-f", "-d", "-q"]).run()?;
        } else {
            std::fs::create_dir_all(self.layout.worktrees())
                .map_err(|error| super::worktree::io_error("worktree", &error))?;
            let add = self.store(&["worktree", "add", "-q", "-f", "--detach"])?;
            add.arg(&path).arg(commit).run()?;
        }
        Ok(self.layout.folder("landing"))
    }

    /// Brings the user's branch to what has landed; says what keeps it from that, once.
    fn publish(&mut self) -> Option<String> {
        let complaint = match self.bring() {
            Ok(complaint) => complaint,
            Err(error) => Some(error.said().to_string()),
        };
        if complaint == self.complaint {
            return None;
        }
        self.complaint.clone_from(&complaint);
        let landed = format!("coord/{}/{LANDED}", self.layout.run);
        complaint.map(|why| format!("what has landed is on `{landed}` alone: {why}"))
    }

    fn bring(&self) -> Result<Option<String>, GitError> {
        let repository = self.repository()?;
        let Some(branch) = repository.branch.as_ref().filter(|_| self.layout.land) else {
            return Ok(None);
        };
        let short = branch.trim_start_matches("refs/heads/");
        let tip = self.tip()?;
        let Some(of_user) = self.resolve(branch)? else {
            return Ok(Some(format!("there is no branch `{short}` any more")));
        };
        if of_user == tip {
            return Ok(None);
        }
        if !self.descends(&tip, &of_user)? {
            return Ok(Some(format!("`{short}` has commits that clash with it")));
        }
        match self.tree_with(branch)? {
            None => self.store(&["update-ref", branch, &tip, &of_user])?.run()?,
            Some(tree) => {
                let merge = ["merge", "--ff-only", "--no-overwrite-ignore", "-q", &tip];
                let output = Git::new(At::Folder(&tree), &merge).output()?;
                if !output.status.success() {
                    let said = failure("merge", &output);
                    let why = tail_of(said.said()).replace('\n', " ");
                    return Ok(Some(format!(
                        "the files of `{short}` stay as they are: {why}"
                    )));
                }
            }
        }
        Ok(None)
    }

    /// The tree that has a branch checked out.
    fn tree_with(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        let list = self
            .store(&["worktree", "list", "--porcelain", "-z"])?
            .bytes()?;
        let mut tree = None;
        for part in parts(&list) {
            let line = String::from_utf8_lossy(part);
            if let Some(path) = line.strip_prefix("worktree ") {
                tree = Some(PathBuf::from(path));
            } else if line.strip_prefix("branch ") == Some(branch) {
                return Ok(tree);
            }
        }
        Ok(None)
    }

    /// The last step of a run: a branch that has nothing more than the user's goes away. Gives
    /// what is to be said.
    pub(crate) fn settle(&mut self) -> Result<Option<String>, GitError> {
        self.remove("landing", true)?;
        let name = self.landed_ref();
        let Some(tip) = self.resolve(&name)? else {
            return Ok(None);
        };
        self.complaint = None;
        if self.layout.land {
            self.sync()?;
        }
        let complaint = self.publish();
        let repository = self.repository()?;
        let of_user = match &repository.branch {
            Some(branch) => self.resolve(branch)?,
            None => None,
        };
        let tip = self.resolve(&name)?.unwrap_or(tip);
        let same = tip == repository.base || of_user.as_ref() == Some(&tip);
        if same && (self.layout.land || tip == repository.base) {
            self.store(&["update-ref", "-d", &name])?.run()?;
            return Ok(None);
        }
        let landed = name.trim_start_matches("refs/heads/");
        Ok(complaint
            .map(|said| format!("{said}; `git merge {landed}` brings it over"))
            .or_else(|| Some(format!("what has landed is on `{landed}`"))))
    }

    /// Writes past the worktrees of which it is not known who did them.
    pub(crate) fn unsure(&mut self) -> Vec<super::Unsure> {
        self.watch.unsure()
    }

    /// An attempt that works in the project's own tree is about to begin.
    pub(crate) fn begin_here(&mut self, stand: &Stand) {
        self.watch.begin(stand, false);
    }

    /// It has ended: what it is known to have written past its claims.
    pub(crate) fn end_here(&mut self, stand: &Stand, disturbed: bool) -> Option<Breach> {
        self.watch.observe(disturbed);
        let mut faults = Faults::default();
        for (path, what) in self.watch.end(&stand.stem()) {
            match stand.claims.owner(&path) {
                Some(owner) => faults.owned(&path, &owner, &what),
                None => faults.add(path, what),
            }
        }
        faults.breach(None)
    }
}

/// The parts of a text with markers that have two sides.
fn sides(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        inside |= line.starts_with("<<<<<<< ");
        if inside {
            out.push_str("    ");
            out.push_str(line);
            out.push('\n');
        }
        if line.starts_with(">>>>>>> ") {
            inside = false;
        }
        if out.lines().count() >= LINES_SHOWN {
            out.push_str("    …\n");
            break;
        }
    }
    out
}

/// A text that an extended regular expression finds as it is.
fn regex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() && !matches!(c, '-' | '_' | '/') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
