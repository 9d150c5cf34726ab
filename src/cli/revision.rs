//! A project as it was: the `.coord` files of a revision, by the git program.

use super::exit::Failure;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// More files are no project.
const MOST_FILES: usize = 10_000;

/// Files of a revision, in a folder that goes away with this.
pub(crate) struct CheckedOut {
    folder: PathBuf,
    /// The file that was asked for.
    pub(crate) path: PathBuf,
    /// Its path in the repository.
    pub(crate) inside: String,
}

impl Drop for CheckedOut {
    fn drop(&mut self) {
        // what is left behind in the folder for temporary files harms nobody
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// `REV:PATH` or `git:REV:PATH`, taken apart; None for anything else.
pub(crate) fn split(given: &str) -> Option<(&str, &str)> {
    let given = given.strip_prefix("git:").unwrap_or(given);
    let (revision, path) = given.split_once(':')?;
    (!revision.is_empty() && !revision.starts_with('-')).then_some((revision, path))
}

/// Writes the `.coord` files at and below a path of a revision into a folder of their own.
pub(crate) fn check_out(revision: &str, path: &str) -> Result<CheckedOut, Failure> {
    // as git has it: from the top of the repository, `./` from here
    let path = if path.is_empty() { "./" } else { path };
    let names = [path.to_string(), format!("./{path}")];
    let found = names.iter().find_map(|name| {
        let name = match name.trim_end_matches('/') {
            "." => "./",
            name => name,
        };
        let kind = git(&["cat-file", "-t", &format!("{revision}:{name}")]).ok()?;
        Some((
            name.to_string(),
            String::from_utf8_lossy(&kind).trim() == "tree",
        ))
    });
    let Some((name, is_folder)) = found else {
        return Err(missing(revision, path));
    };
    let (folder, file) = match is_folder {
        true => (name.as_str(), None),
        false => match name.rsplit_once('/') {
            Some((".", file)) => ("./", Some(file)),
            Some((folder, file)) => (folder, Some(file)),
            None => ("", Some(name.as_str())),
        },
    };
    let tree = format!("{revision}:{folder}");
    let listed = git(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", &tree])?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let files: Vec<&str> = listed
        .split('\0')
        .filter(|name| name.ends_with(".coord") && is_inside(name))
        .take(MOST_FILES)
        .collect();
    let out = new_folder()?;
    let mut checked_out = CheckedOut {
        path: out.clone(),
        folder: out,
        inside: name.clone(),
    };
    for file in files {
        let between = if folder.is_empty() || folder.ends_with('/') {
            ""
        } else {
            "/"
        };
        let text = git(&["cat-file", "blob", &format!("{tree}{between}{file}")])?;
        write(&checked_out.folder.join(file), &text)?;
    }
    match file {
        Some(file) => checked_out.path = checked_out.folder.join(file),
        None => checked_out.path = super::project::in_folder(&checked_out.folder)?,
    }
    Ok(checked_out)
}

/// Names that stay in their folder.
fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

fn missing(revision: &str, path: &str) -> Failure {
    let failure = Failure::wrong(format!(
        "there is no `{path}` in revision `{revision}`, and no such file here"
    ));
    match git(&["rev-parse", "--git-dir"]) {
        Err(error) => Failure {
            help: Some(error.message),
            ..failure
        },
        Ok(_) => failure.help("paths count from the top of the repository; `./` from here"),
    }
}

/// What the git program answers.
fn git(args: &[&str]) -> Result<Vec<u8>, Failure> {
    let ran = Command::new("git")
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| {
            Failure::environment(format!("cannot run git: {error}"))
                .help("revisions are read by the git program: install it, or name files")
        })?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.lines().next().unwrap_or("it failed").to_string();
    Err(Failure::wrong(format!("git: {said}")))
}

fn new_folder() -> Result<PathBuf, Failure> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("coord-revision-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    match std::fs::create_dir(&folder) {
        Ok(()) => Ok(folder),
        Err(error) => Err(cannot_write(&folder, &error)),
    }
}

fn write(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot write `{}`: {error}", path.display()))
        .help("`TMPDIR` names the folder for temporary files")
}
