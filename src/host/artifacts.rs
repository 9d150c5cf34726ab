//! What a task promised to leave behind: looked for, digested, and kept in the home, each content
//! once under its digest.

use crate::home::Home;
use crate::place;
use crate::run::{self, Run};
use crate::secrets::{Masker, Vault};
use crate::work::Finished;
use coord_engine::Outcome;
use coord_plan::plan::Artifact;
use std::fmt::Write;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of a folder that are kept as an artifact.
const MAX_FILES: usize = 1_000;
/// Largest artifact that is copied into the home.
const MAX_ARTIFACT_BYTES: u64 = 256 << 20;

/// What a task promised to leave behind.
pub(crate) struct Keep {
    /// The project's folder.
    pub(crate) root: PathBuf,
    /// Where they stand under their names.
    pub(crate) folder: PathBuf,
    /// Where they are kept.
    pub(crate) store: Store,
    pub(crate) produces: Vec<Artifact>,
    /// A file with a secret in it is not copied.
    pub(crate) masker: Option<Arc<Masker>>,
}

/// Keeps a file of the project, or a folder, for a task of a run under a name, and returns its path
/// with its digest. What lies outside the project is refused.
pub fn attach(home: &Home, run: &Run, task: &str, name: &str, path: &str) -> io::Result<String> {
    let root = &run.meta.root;
    place::inside(root, path)?;
    let keep = Keep {
        root: root.clone(),
        folder: run::artifacts(home, &run.id).join(task),
        store: Store(run::store(home)),
        produces: Vec::new(),
        masker: Vault::of_what_is_there(&run.plan, root).masker(),
    };
    Ok(format!("{path} blake3:{}", keep.one(name, path)?))
}

impl Keep {
    /// The same end of an attempt once its artifacts are kept, if it went well and has any;
    /// copying is no work for the loop.
    pub(crate) async fn kept(self, mut finished: Finished) -> Finished {
        if !finished.outcome.is_success() || self.produces.is_empty() {
            return finished;
        }
        let failed = |error: tokio::task::JoinError| {
            Outcome::NoArtifact(format!("its artifacts cannot be kept: {error}"))
        };
        let log = finished.log.clone();
        let copying = tokio::task::spawn_blocking(move || {
            self.artifacts(&mut finished);
            finished
        });
        copying.await.unwrap_or_else(|error| Finished {
            log,
            ..Finished::silent(failed(error))
        })
    }

    /// Copies each artifact into the home and records its digest; one that is not there fails the
    /// attempt.
    fn artifacts(&self, finished: &mut Finished) {
        for artifact in &self.produces {
            let Some(path) = &artifact.path else { continue };
            match self.one(&artifact.name, path) {
                Ok(digest) => {
                    finished.outputs.insert(
                        format!("artifacts.{}", artifact.name),
                        format!("{path} blake3:{digest}"),
                    );
                }
                Err(error) => {
                    let why = match error.kind() {
                        io::ErrorKind::NotFound => {
                            format!("it left no `{path}`, its artifact `{}`", artifact.name)
                        }
                        _ => format!("its artifact `{}` cannot be kept: {error}", artifact.name),
                    };
                    finished.outcome = Outcome::NoArtifact(why);
                    return;
                }
            }
        }
    }

    fn is_secret(&self, path: &std::path::Path) -> io::Result<bool> {
        match &self.masker {
            Some(masker) => masker.finds(std::fs::File::open(path)?),
            None => Ok(false),
        }
    }

    /// Keeps a file, or the files of a folder, and returns the digest of all of it: of a file, of
    /// its content; of a folder, of the list of its files with their digests, which is kept, too.
    /// They lie in a folder of the artifact's name, so that two of one file name do not meet.
    fn one(&self, artifact: &str, path: &str) -> io::Result<String> {
        let read = read(&self.root.join(path), |from, name, bytes| {
            self.keep_file(from, &self.folder.join(artifact).join(name), bytes)
        })?;
        match read {
            Read::File(digest) => Ok(digest),
            Read::Folder(list) => {
                let digest = self.store.put(list.as_bytes())?;
                self.name(&digest, &self.folder.join(format!("{artifact}.files")))?;
                Ok(digest)
            }
        }
    }

    /// Keeps one file under its digest, and under its name in the run's own folder.
    fn keep_file(&self, from: &Path, to: &Path, bytes: u64) -> io::Result<String> {
        if bytes > MAX_ARTIFACT_BYTES || self.is_secret(from)? {
            return digest_of(from);
        }
        let digest = self.store.take(from)?;
        self.name(&digest, to)?;
        Ok(digest)
    }

    /// Lets a content stand under a name, too. One without a name is nobody's.
    fn name(&self, digest: &str, to: &Path) -> io::Result<()> {
        std::fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
        let _not_there = std::fs::remove_file(to);
        let kept = self.store.place(digest);
        if std::fs::hard_link(&kept, to).is_err() {
            std::fs::copy(&kept, to)?;
        }
        Ok(())
    }
}

/// Everything that was ever produced, each content once, under its digest.
pub(crate) struct Store(pub(crate) PathBuf);

impl Store {
    /// Where the content of a digest lies.
    fn place(&self, digest: &str) -> PathBuf {
        let (first, rest) = digest.split_at(2);
        self.0.join(first).join(rest)
    }

    /// Copies a file into it. The digest is that of the copy: the file may still be written to.
    ///
    /// Crash inside: a file without a digest's name is left.
    fn take(&self, from: &Path) -> io::Result<String> {
        let new = self.new_file()?;
        std::fs::copy(from, &new)?;
        self.settle(&new)
    }

    fn put(&self, bytes: &[u8]) -> io::Result<String> {
        let new = self.new_file()?;
        std::fs::write(&new, bytes)?;
        self.settle(&new)
    }

    fn new_file(&self) -> io::Result<PathBuf> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(&self.0)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.join(format!("new.{}.{number}", std::process::id())))
    }

    fn settle(&self, new: &Path) -> io::Result<String> {
        let digest = digest_of(new)?;
        let place = self.place(&digest);
        if place.exists() {
            std::fs::remove_file(new)?;
            return Ok(digest);
        }
        std::fs::create_dir_all(place.parent().unwrap_or(&self.0))?;
        std::fs::set_permissions(new, Permissions::from_mode(0o400))?;
        std::fs::rename(new, place)?;
        Ok(digest)
    }
}

/// The digest of a file, or of the files of a folder, as it is recorded of artifacts.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let read = read(path, |from, _, _| digest_of(from))?;
    Ok(match read {
        Read::File(digest) => digest,
        Read::Folder(list) => blake3::hash(list.as_bytes()).to_hex().to_string(),
    })
}

fn digest_of(file: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(file)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// What was found where an artifact is.
enum Read {
    /// A file, by the digest of its content.
    File(String),
    /// A folder: a line for each of its files, the digest first.
    Folder(String),
}

/// Shows each file with its name inside and its size; `each` says the digest of its content.
fn read(
    from: &Path,
    mut each: impl FnMut(&Path, &Path, u64) -> io::Result<String>,
) -> io::Result<Read> {
    let mut list = String::new();
    let mut files = vec![(
        from.to_path_buf(),
        PathBuf::from(from.file_name().unwrap_or_default()),
    )];
    let mut count = 0;
    while let Some((from, name)) = files.pop() {
        // what a link points to is not part of the project
        let meta = if count == 0 {
            std::fs::metadata(&from)?
        } else {
            std::fs::symlink_metadata(&from)?
        };
        count += 1;
        if meta.is_dir() {
            let mut inside: Vec<_> = std::fs::read_dir(&from)?
                .flatten()
                .map(|e| e.file_name())
                .collect();
            inside.sort();
            files.extend(
                inside
                    .into_iter()
                    .rev()
                    .map(|entry| (from.join(&entry), name.join(entry))),
            );
        } else if meta.is_file() && count <= MAX_FILES {
            let digest = each(&from, &name, meta.len())?;
            if count == 1 {
                return Ok(Read::File(digest));
            }
            let _ = writeln!(list, "{digest}  {}", name.display());
        }
    }
    Ok(Read::Folder(list))
}
