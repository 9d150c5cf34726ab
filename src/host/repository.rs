//! The files of a repository, as the globs of a project mean them.

use std::path::Path;

/// More files than this are not looked through.
const MOST: usize = 50_000;

/// The paths of all files in `root`, from there, in order; None where `root` is no repository's root
/// (the files that a project speaks of may lie elsewhere then), cannot be read, or holds too many.
pub fn files(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).ok()?.flatten() {
            let path = entry.path();
            let kind = entry.file_type().ok()?;
            let hidden = entry.file_name().to_string_lossy().starts_with(".git");
            if kind.is_dir() && !hidden {
                folders.push(path);
            } else if kind.is_file() {
                let inside = path.strip_prefix(root).ok().and_then(Path::to_str);
                found.extend(inside.map(str::to_string));
            }
            if found.len() > MOST {
                return None;
            }
        }
    }
    found.sort_unstable();
    Some(found)
}
