//! What an agent may touch: what its task claims, whatever the agent says about itself.

use coord_host::brief::{Brief, globs};
use coord_lang::glob::Glob;
use std::path::{Component, Path, PathBuf};

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
    pub(crate) fn new(told: &Brief, root: &Path, folder: &Path, home: Option<&Path>) -> Claims {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        Claims {
            root: real(root),
            folder: real(folder),
            writes: globs(&told.writes),
            forbidden: globs(&told.forbidden),
            home: home.map(real),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The real place of a path that may be written, or why not.
    pub(crate) fn write(&self, path: &str) -> Result<PathBuf, String> {
        let (full, name) = self.place(path)?;
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
        ] {
            assert!(claims.write(no).is_err(), "{no}");
        }
        assert!(claims.read("Cargo.toml").is_ok());
        assert!(claims.read("/etc/passwd").is_err() && claims.read("src/link/a").is_err());
        let none = Claims::new(&Brief::default(), &root, &root, None);
        assert!(
            none.write("src/a.rs")
                .unwrap_err()
                .contains("claims nothing")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
