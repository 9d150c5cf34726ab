//! What an agent may touch: what its task claims, whatever the agent says about itself.

use coord_host::brief::{Brief, globs};
use coord_host::reach::Job;
use coord_lang::glob::Glob;
use std::path::{Component, Path, PathBuf};

/// Largest file that is read or written for an agent.
pub(crate) const MAX_FILE: u64 = 16 << 20;

/// The ground of one attempt.
pub(crate) struct Claims {
    /// The folder that the globs are relative to, without links.
    root: PathBuf,
    /// Where the agent works: relative paths are from there.
    folder: PathBuf,
    writes: Vec<Glob>,
    forbidden: Vec<Glob>,
    /// Where runs are kept: nobody's to touch.
    home: Option<PathBuf>,
}

impl Claims {
    pub(crate) fn of(job: &Job) -> Claims {
        let mut environment = job.environment.iter();
        let home = environment.find(|(name, _)| name == "COORD_HOME");
        let home = home.map(|(_, home)| Path::new(home));
        Claims::new(&job.told, &job.root, &job.folder, home)
    }

    pub(crate) fn new(told: &Brief, root: &Path, folder: &Path, home: Option<&Path>) -> Claims {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let root = real(root);
        Claims {
            folder: real(folder),
            writes: globs(&told.writes),
            forbidden: globs(&told.forbidden),
            // worktrees are kept there, too, and leaving one is refused anyway
            home: home.map(real).filter(|home| !root.starts_with(home)),
            root,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a text for the agent, or says why not.
    pub(crate) fn put(&self, path: &str, text: &str) -> Result<(), String> {
        if text.len() as u64 > MAX_FILE {
            return Err(format!("`{path}` is larger than 16 MiB"));
        }
        let real = self.write(path)?;
        let folder = real.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = folder.and_then(|()| std::fs::write(&real, text));
        written.map_err(|error| format!("`{path}`: {error}"))
    }

    /// The real place of a path that may be written, or why not.
    pub(crate) fn write(&self, path: &str) -> Result<PathBuf, String> {
        let (full, name) = self.place(path)?;
        if name
            .split('/')
            .any(|part| part.eq_ignore_ascii_case(".git"))
        {
            return Err(format!("`{name}` is git's own"));
        }
        let is_of = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(&name));
        match () {
            () if self.writes.is_empty() => Err(format!(
                "the task claims nothing to write, so not `{name}`; `writes \"…\"` claims it"
            )),
            () if !is_of(&self.writes) => Err(format!("`{name}` is not what the task writes")),
            () if is_of(&self.forbidden) => Err(format!("`{name}` belongs to another agent")),
            () => Ok(full),
        }
    }

    /// The real place of a path that may be read: anything in the project.
    pub(crate) fn read(&self, path: &str) -> Result<PathBuf, String> {
        self.place(path).map(|(full, _)| full)
    }

    /// Where a path is, and what it is called from the root. It leaves the root neither by `..`
    /// nor through a link.
    fn place(&self, path: &str) -> Result<(PathBuf, String), String> {
        let outside = || format!("`{path}` is outside the project");
        if path.is_empty() || path.contains('\0') {
            return Err("no path is named".into());
        }
        let mut plain = self.folder.clone();
        for part in Path::new(path).components() {
            match part {
                Component::RootDir => plain = PathBuf::from("/"),
                Component::CurDir => {}
                Component::Normal(name) => plain.push(name),
                Component::ParentDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        let real = resolved(&plain).ok_or_else(outside)?;
        if self
            .home
            .as_ref()
            .is_some_and(|home| real.starts_with(home))
        {
            return Err(format!("`{path}` is where coord keeps its runs"));
        }
        let name = real.strip_prefix(&self.root).map_err(|_| outside())?;
        let name = name.to_str().ok_or_else(outside)?.to_string();
        Ok((real, name))
    }
}

/// The path without links; what is not there yet is where it would be made.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut rest = Vec::new();
    let mut there = path;
    loop {
        match std::fs::canonicalize(there) {
            Ok(mut real) => {
                real.extend(rest.iter().rev());
                return Some(real);
            }
            // a link to nowhere would be made where it points to
            Err(_) if std::fs::symlink_metadata(there).is_ok() => return None,
            Err(_) => {
                rest.push(there.file_name()?);
                there = there.parent()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_task_claims_is_written() {
        let folder = std::env::temp_dir().join(format!("coord-claims-{}", std::process::id()));
        let (root, other) = (folder.join("project"), folder.join("other"));
        std::fs::create_dir_all(root.join("src/api")).unwrap();
        std::fs::create_dir_all(root.join("src/home")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::os::unix::fs::symlink(&other, root.join("src/link")).unwrap();
        std::os::unix::fs::symlink(other.join("none"), root.join("src/dangling")).unwrap();
        let told = Brief {
            writes: vec!["src/**".into()],
            forbidden: vec!["src/api/**".into()],
            ..Brief::default()
        };
        let claims = Claims::new(&told, &root, &root, Some(&root.join("src/home")));
        assert!(claims.write("src/a.rs").is_ok());
        assert!(
            claims
                .write(root.join("src/deep/b.rs").to_str().unwrap())
                .is_ok()
        );
        for no in [
            "src/api/a.rs",
            "Cargo.toml",
            "../other/a",
            "src/../Cargo.toml",
            "src/link/a",
            "src/dangling",
            "src/home/journal",
            "/etc/passwd",
            "",
            "src/a\0b",
            "src/.git",
            "src/.GIT/config",
        ] {
            assert!(claims.write(no).is_err(), "{no}");
        }
        assert!(claims.read("Cargo.toml").is_ok());
        assert!(claims.read("/etc/passwd").is_err() && claims.read("src/link/a").is_err());
        // a worktree is beneath where runs are kept
        let apart = Claims::new(&told, &root, &root, Some(&folder));
        assert!(apart.write("src/a.rs").is_ok());
        assert!(apart.write(other.join("a").to_str().unwrap()).is_err());
        let none = Claims::new(&Brief::default(), &root, &root, None);
        assert!(
            none.write("src/a.rs")
                .unwrap_err()
                .contains("claims nothing")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
