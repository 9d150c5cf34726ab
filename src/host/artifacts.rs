//! What a task promised to leave behind: looked for, digested, and copied into the home.

use crate::place;
use crate::work::Finished;
use coord_engine::Outcome;
use coord_plan::plan::Artifact;
use std::io;
use std::path::{Path, PathBuf};

/// Files of a folder that are kept as an artifact.
const MAX_FILES: usize = 1_000;
/// Largest artifact that is copied into the home.
const MAX_ARTIFACT_BYTES: u64 = 256 << 20;

/// What a task promised to leave behind.
pub(crate) struct Keep {
    /// The project's folder.
    pub(crate) root: PathBuf,
    /// Where copies go.
    pub(crate) folder: PathBuf,
    pub(crate) produces: Vec<Artifact>,
}

/// Copies a file of the project, or a folder, into `folder` under a name, and returns its path
/// with its digest. What lies outside the project is refused.
pub fn attach(root: &Path, folder: &Path, name: &str, path: &str) -> io::Result<String> {
    place::inside(root, path)?;
    let keep = Keep {
        root: root.to_path_buf(),
        folder: folder.to_path_buf(),
        produces: Vec::new(),
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

    /// Copies a file, or the files of a folder, and returns the digest of all of it.
    /// They lie in a folder of the artifact's name, so that two of one file name do not meet.
    fn one(&self, artifact: &str, path: &str) -> io::Result<String> {
        read(&self.root.join(path), |from, name, bytes| {
            if bytes <= MAX_ARTIFACT_BYTES {
                let to = self.folder.join(artifact).join(name);
                std::fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
                std::fs::copy(from, &to)?;
            }
            Ok(())
        })
    }
}

/// The digest of a file, or of the files of a folder, as it is recorded of artifacts.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    read(path, |_, _, _| Ok(()))
}

/// Shows each file with its name inside and its size, and returns the digest of all of it.
fn read(
    from: &Path,
    mut each: impl FnMut(&Path, &Path, u64) -> io::Result<()>,
) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
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
            hasher.update(name.as_os_str().as_encoded_bytes());
            io::copy(&mut std::fs::File::open(&from)?, &mut hasher)?;
            each(&from, &name, meta.len())?;
        }
    }
    Ok(hasher.finalize().to_hex()[..16].to_string())
}
