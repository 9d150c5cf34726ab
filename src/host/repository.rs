//! The files of a project, as its globs mean them.

use coord_lang::glob::Glob;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// More files than this are not looked through.
pub(crate) const MOST: usize = 50_000;

/// The paths of all files in `root`, from there, in order; None where `root` is no repository's root
/// (the files that a project speaks of may lie elsewhere then), cannot be read, or holds too many.
pub fn files(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let hidden = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(".git")
    };
    let mut found = Vec::new();
    let whole = walk(root, "", &hidden, &mut |path| {
        found.push(path.to_string());
        found.len() <= MOST
    });
    found.sort_unstable();
    whole.then_some(found)
}

/// The paths of the files in `root` that one of `globs` matches, from there, but for what is in
/// `skipped`. What links point to is not looked at, what cannot be read is not there. None: there
/// are more than [`MOST`].
pub(crate) fn matching(
    root: &Path,
    globs: &[String],
    skipped: &[PathBuf],
) -> Option<BTreeSet<String>> {
    let globs: Vec<Glob> = (globs.iter())
        .filter_map(|glob| Glob::parse(glob).ok())
        .collect();
    let skipped = |path: &Path| path.ends_with(".git") || skipped.iter().any(|s| s == path);
    let mut found = BTreeSet::new();
    for glob in &globs {
        let lead = glob.literal_prefix();
        if std::fs::symlink_metadata(root.join(lead)).is_ok_and(|meta| meta.is_file()) {
            found.insert(lead.to_string());
            continue;
        }
        walk(root, lead, &skipped, &mut |path| {
            if glob.matches(path) && !skipped(&root.join(path)) {
                found.insert(path.to_string());
            }
            found.len() <= MOST
        });
        if found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

/// Shows every file below the folder `from` of `root`, by its path from there, until `see` has
/// enough. False: something could not be read, or `see` had enough.
fn walk(
    root: &Path,
    from: &str,
    skipped: &dyn Fn(&Path) -> bool,
    see: &mut dyn FnMut(&str) -> bool,
) -> bool {
    let mut whole = true;
    let mut folders = vec![root.join(from)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            whole = false;
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                whole = false;
                continue;
            };
            if kind.is_dir() {
                if !skipped(&path) {
                    folders.push(path);
                }
            } else if kind.is_file()
                && let Some(inside) = path.strip_prefix(root).ok().and_then(Path::to_str)
                && !see(inside)
            {
                return false;
            }
        }
    }
    whole
}
