//! The files of a project: the one that a command is given, and all that it reaches by `use`.
//!
//! A project keeps to the folder of its first file. What cannot be reached is said at the `use`,
//! by the compiler: here it is only found out.

use super::exit::Failure;
use super::project::{self, folder_of};
use coord_lang::editor::walk::{may_use, used_file, uses};
use coord_lang::source::{FileId, Link, Sources};
use coord_lang::syntax::{Limits, parse};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Files that use one another in a chain, at most.
const DEPTH: usize = 16;

/// Reads `file` and everything that it reaches by `use`.
pub(crate) fn read(file: &Path, limits: &Limits) -> Result<Sources, Failure> {
    Ok(gather(project::read(file)?, limits))
}

/// The same for standard input, which counts as a file of that name.
pub(crate) fn read_stdin(name: &str, limits: &Limits) -> Result<Sources, Failure> {
    Ok(gather(project::read_stdin(name)?, limits))
}

/// The files that are a project each: given ones, and those of given folders that no other file
/// there reaches by `use`.
pub(crate) fn projects_of(paths: &[PathBuf], limits: &Limits) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for part in project::parts_of(paths)? {
        match part {
            project::Part::File(file) => found.push(file),
            project::Part::Folder(files) => found.extend(tops(files, limits)),
        }
    }
    Ok(found)
}

/// The given files, and all files of the projects in given folders, each once.
pub(crate) fn files_of(paths: &[PathBuf], limits: &Limits) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |file: PathBuf| {
        if seen.insert(canonical(&file)) {
            found.push(file);
        }
    };
    for part in project::parts_of(paths)? {
        match part {
            project::Part::File(file) => add(file),
            project::Part::Folder(files) => {
                for file in files {
                    let reached = reached(&file, limits);
                    add(file);
                    reached.into_iter().for_each(&mut add);
                }
            }
        }
    }
    Ok(found)
}

/// Those of `files` that no other one reaches; of files that reach each other, the first.
fn tops(files: Vec<PathBuf>, limits: &Limits) -> Vec<PathBuf> {
    let each: Vec<BTreeSet<PathBuf>> = files
        .iter()
        .map(|file| {
            let others = reached(file, limits).into_iter();
            others.map(|other| canonical(&other)).collect()
        })
        .collect();
    let names: Vec<PathBuf> = files.iter().map(|file| canonical(file)).collect();
    let mut order: Vec<usize> = (0..files.len()).collect();
    // one that reaches back to what reaches it is no part of it: `main.coord` comes first
    order.sort_by_key(|i| (files[*i].file_name().is_none_or(|n| n != "main.coord"), *i));
    let is_part = |i: usize| {
        (0..files.len())
            .any(|j| j != i && each[j].contains(&names[i]) && !each[i].contains(&names[j]))
    };
    let mut covered: BTreeSet<&PathBuf> = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for i in order {
        if is_part(i) || covered.contains(&names[i]) {
            continue;
        }
        covered.extend(&each[i]);
        kept.insert(i);
    }
    let all = files.into_iter().enumerate();
    all.filter(|(i, _)| kept.contains(i))
        .map(|(_, file)| file)
        .collect()
}

/// What `file` reaches by `use`, without itself; nothing when it cannot be read, which is said
/// where it is compiled.
fn reached(file: &Path, limits: &Limits) -> Vec<PathBuf> {
    let Ok(sources) = read(file, limits) else {
        return Vec::new();
    };
    let others = sources.iter().skip(1);
    others.map(|(_, file)| PathBuf::from(file.name())).collect()
}

fn canonical(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf())
}

fn gather(sources: Sources, limits: &Limits) -> Sources {
    let Some((_, main)) = sources.iter().next() else {
        return sources;
    };
    if !may_use(main.text()) {
        return sources;
    }
    let file = PathBuf::from(main.name());
    let mut gathering = Gathering {
        root: canonical(&folder_of(&file)),
        known: HashMap::from([(canonical(&file), FileId(0))]),
        depth: vec![1],
        bytes: main.text().len(),
        sources,
        limits,
    };
    let mut next = 0;
    while next < gathering.depth.len() {
        gathering.follow(FileId(next as u32));
        next += 1;
    }
    gathering.sources
}

struct Gathering<'l> {
    /// The folder that nothing leads out of.
    root: PathBuf,
    known: HashMap<PathBuf, FileId>,
    /// Of each file: how many files lead to it, with itself.
    depth: Vec<usize>,
    bytes: usize,
    sources: Sources,
    limits: &'l Limits,
}

impl Gathering<'_> {
    fn follow(&mut self, from: FileId) {
        let source = self.sources.file(from);
        if !may_use(source.text()) {
            return;
        }
        let folder = folder_of(Path::new(source.name()));
        let (tree, _) = parse(from, source, self.limits);
        for (path, _) in uses(&tree) {
            let link = self.link(from, &folder, &path);
            self.sources.link(from, path, link);
        }
    }

    fn link(&mut self, from: FileId, folder: &Path, path: &str) -> Link {
        if path.is_empty() || Path::new(path).is_absolute() || path.starts_with('~') {
            return Link::Leaves;
        }
        let file = used_file(folder, path);
        let place = match std::fs::canonicalize(&file) {
            Ok(place) => place,
            // whether it is there is nobody's business outside of the project
            Err(_) if !self.is_inside(&file) => return Link::Leaves,
            Err(error) => return unreadable(&file, folder, &error),
        };
        if !place.starts_with(&self.root) {
            return Link::Leaves;
        }
        if let Some(known) = self.known.get(&place) {
            return Link::File(*known);
        }
        let depth = self.depth[from.0 as usize] + 1;
        if depth > DEPTH {
            return Link::TooDeep(DEPTH);
        }
        if self.depth.len() >= self.limits.files {
            return Link::TooMany(self.limits.files);
        }
        let length = std::fs::metadata(&place).map_or(0, |meta| meta.len());
        if usize::try_from(length)
            .is_ok_and(|n| self.bytes.saturating_add(n) > self.limits.text_bytes)
        {
            return Link::TooLarge(self.limits.text_bytes);
        }
        match project::read(&file) {
            Ok(read) => {
                let text = read.iter().next().map_or("", |(_, file)| file.text());
                self.bytes += text.len();
                let id = self.sources.add(file.display().to_string(), text);
                self.known.insert(place, id);
                self.depth.push(depth);
                Link::File(id)
            }
            Err(failure) => Link::Unreadable {
                why: project::reason(&failure),
                near: None,
            },
        }
    }

    /// Inside of the project's folder, as far as the words of a path tell.
    fn is_inside(&self, file: &Path) -> bool {
        let parents = file.ancestors().skip(1);
        let existing = parents.filter_map(|folder| {
            let folder = if folder == Path::new("") {
                Path::new(".")
            } else {
                folder
            };
            std::fs::canonicalize(folder).ok()
        });
        existing
            .take(1)
            .all(|folder| folder.starts_with(&self.root))
    }
}

fn unreadable(file: &Path, folder: &Path, error: &std::io::Error) -> Link {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let why = if missing {
        "there is no such file".to_string()
    } else {
        error.to_string()
    };
    let near = missing.then(|| near(file, folder)).flatten();
    Link::Unreadable { why, near }
}

/// The file of the same folder that is called most like it, as the `use` would name it.
fn near(file: &Path, folder: &Path) -> Option<String> {
    let there = project::coord_files(&folder_of(file)).ok()?;
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let names: Vec<String> = there.iter().filter_map(|path| name(path)).collect();
    let wanted = name(file)?;
    let meant = coord_lang::schema::closest(&wanted, names.iter().map(String::as_str))
        .first()
        .map(|meant| (*meant).to_string())?;
    let path = folder_of(file).join(meant);
    let shown = path.strip_prefix(folder).unwrap_or(&path);
    Some(
        shown
            .strip_prefix(".")
            .unwrap_or(shown)
            .display()
            .to_string(),
    )
}
