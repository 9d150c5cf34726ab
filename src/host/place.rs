//! Where a run may write for people: inside the project, or in its home.

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

/// The place of a path that a project names. It never leaves the project, neither by `..` nor
/// through a link.
pub(crate) fn inside(root: &Path, path: &str) -> io::Result<PathBuf> {
    let leaves = || {
        io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("`{path}` leaves the project"),
        )
    };
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || !Path::new(path).components().all(plain) {
        return Err(leaves());
    }
    let full = root.join(path);
    let root = std::fs::canonicalize(root)?;
    // what is there already tells where the rest will be
    let mut there = full.as_path();
    let real = loop {
        match std::fs::canonicalize(there) {
            Ok(real) => break real,
            // a link to nowhere would be made where it points to
            Err(_) if std::fs::symlink_metadata(there).is_ok() => return Err(leaves()),
            Err(_) => there = there.parent().ok_or_else(leaves)?,
        }
    };
    if real.starts_with(&root) {
        Ok(full)
    } else {
        Err(leaves())
    }
}

/// Adds to a file, and makes the folders above it.
pub(crate) fn append(path: &Path, text: &str) -> io::Result<()> {
    folders(path)?;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Puts a file in the place of another at once: a reader sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    folders(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.new"));
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}

/// Writes a file that was not there; false when it was.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<bool> {
    folders(path)?;
    let opened = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(path);
    match opened {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn folders(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// A title as part of a file's name.
pub(crate) fn slug(title: &str) -> String {
    let mut out = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= 60 {
            break;
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() {
        "untitled".into()
    } else {
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_project() {
        let folder = std::env::temp_dir().join(format!("coord-place-{}", std::process::id()));
        let (root, other) = (folder.join("project"), folder.join("other"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::os::unix::fs::symlink(&other, root.join("link")).unwrap();
        std::os::unix::fs::symlink(other.join("none"), root.join("dangling")).unwrap();
        assert!(inside(&root, "a/b/c.md").is_ok());
        assert!(inside(&root, "./a.md").is_ok());
        for out in ["../a", "a/../../b", "/etc/a", "link/a", "dangling", ""] {
            assert!(inside(&root, out).is_err(), "{out}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_title_is_a_name() {
        assert_eq!(slug("Use Rust, not C++!"), "use-rust-not-c");
        assert_eq!(slug("…"), "untitled");
    }
}
