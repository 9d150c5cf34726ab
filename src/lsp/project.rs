//! Which files belong together, and what stands in those that are not open.
//!
//! A project is a file and everything that it reaches by `use`. The project of a text is the one
//! of a file that reaches it, found in its folder and the folders above it up to the workspace;
//! else the text is a project of its own.

use coord_lang::editor::walk::{may_use, used_file, uses};
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::{Limits, Parsed, Pieces};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The texts of one project, its first file first.
#[derive(Clone)]
pub(super) struct Project {
    pub(super) files: Vec<(String, Arc<Parsed>)>,
}

impl Project {
    pub(super) fn root(&self) -> &str {
        &self.files[0].0
    }

    /// False for projects without an `owns`, which the files on disk do not matter to.
    pub(super) fn may_own(&self) -> bool {
        let mut texts = self.files.iter().map(|(_, parsed)| parsed.source().text());
        texts.any(|text| text.contains("owns"))
    }

    /// True when both hold the very same texts.
    pub(super) fn is_same(&self, other: &Project) -> bool {
        let pairs = || self.files.iter().zip(&other.files);
        self.files.len() == other.files.len()
            && pairs().all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1))
    }
}

/// Files as they were read from the disk, until they change there.
pub(super) struct Disk {
    limits: Limits,
    read: HashMap<String, (SystemTime, u64, Arc<Parsed>)>,
}

impl Disk {
    pub(super) fn new(limits: Limits) -> Disk {
        Disk {
            limits,
            read: HashMap::new(),
        }
    }

    fn parsed(&mut self, name: &str) -> Option<Arc<Parsed>> {
        let meta = std::fs::metadata(name).ok()?;
        let stamp = (meta.modified().ok()?, meta.len());
        if let Some((time, length, parsed)) = self.read.get(name)
            && (*time, *length) == stamp
        {
            return Some(parsed.clone());
        }
        if !meta.is_file() || meta.len() > self.limits.file_bytes as u64 {
            return None;
        }
        let text = std::fs::read_to_string(name).ok()?;
        let parsed = Pieces::default().parse(SourceFile::new(name, text), &self.limits);
        let parsed = Arc::new(parsed);
        self.read
            .insert(name.to_string(), (stamp.0, stamp.1, parsed.clone()));
        Some(parsed)
    }
}

/// All texts that can be reached: open ones as the client has them, others from the disk.
struct Texts<'d> {
    open: &'d BTreeMap<String, Arc<Parsed>>,
    disk: &'d mut Disk,
}

impl Texts<'_> {
    fn get(&mut self, name: &str) -> Option<Arc<Parsed>> {
        match self.open.get(name) {
            Some(parsed) => Some(parsed.clone()),
            None => self.disk.parsed(name),
        }
    }

    /// `root` and everything that it reaches by `use`, in the order of the lines.
    fn reached(&mut self, root: &str) -> Option<Project> {
        let mut files = vec![(root.to_string(), self.get(root)?)];
        let mut at = 0;
        while at < files.len() {
            for name in used(&files[at].0, &files[at].1) {
                if !files.iter().any(|(known, _)| *known == name)
                    && let Some(parsed) = self.get(&name)
                {
                    files.push((name, parsed));
                }
            }
            at += 1;
        }
        Some(Project { files })
    }
}

/// The files that a text names with `use`.
fn used(name: &str, parsed: &Parsed) -> Vec<String> {
    if !may_use(parsed.source().text()) {
        return Vec::new();
    }
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let (tree, _) = parsed.tree(FileId(0));
    let named = uses(&tree).into_iter();
    named.map(|(path, _)| joined(folder, &path)).collect()
}

/// The file that `use "PATH"` names in a file of `folder`.
pub(super) fn joined(folder: &Path, path: &str) -> String {
    used_file(folder, path).display().to_string()
}

/// The projects of all open texts and of the workspace's own folders, in order of their roots.
pub(super) fn projects(
    open: &BTreeMap<String, Arc<Parsed>>,
    folders: &[String],
    disk: &mut Disk,
) -> Vec<Project> {
    let mut texts = Texts { open, disk };
    let mut found: Vec<Project> = Vec::new();
    let mut covered: BTreeSet<String> = BTreeSet::new();
    let mains = folders
        .iter()
        .map(|folder| joined(Path::new(folder), "main.coord"));
    let mains: Vec<String> = mains.collect();
    for name in mains.iter().chain(open.keys()) {
        if covered.contains(name) {
            continue;
        }
        let root = root_of(name, folders, &mut texts).unwrap_or_else(|| name.clone());
        if let Some(project) = texts.reached(&root) {
            covered.extend(project.files.iter().map(|(name, _)| name.clone()));
            found.push(project);
        }
    }
    found.sort_by(|a, b| a.root().cmp(b.root()));
    found
}

/// A file that reaches `name` and that no other file reaches.
fn root_of(name: &str, folders: &[String], texts: &mut Texts<'_>) -> Option<String> {
    let mut reaching: Vec<Project> = Vec::new();
    for folder in Path::new(name).ancestors().skip(1) {
        for candidate in coord_files(folder, texts.open) {
            let reaches = candidate != name
                && texts
                    .reached(&candidate)
                    .is_some_and(|p| p.files.iter().any(|(file, _)| file == name));
            if reaches {
                reaching.extend(texts.reached(&candidate));
            }
        }
        let inside = folders
            .iter()
            .any(|f| folder.starts_with(f) && Path::new(f) != folder);
        if !inside {
            break;
        }
    }
    let tops: Vec<&Project> = reaching
        .iter()
        .filter(|project| {
            let others = reaching
                .iter()
                .filter(|other| other.root() != project.root());
            let mut files = others.flat_map(|other| &other.files);
            !files.any(|(file, _)| file == project.root())
        })
        .collect();
    let main = tops.iter().find(|p| p.root().ends_with("/main.coord"));
    main.or(tops.first())
        .or(reaching.first().as_ref())
        .map(|project| project.root().to_string())
}

/// The `.coord` files of a folder, on disk or only open, in order.
fn coord_files(folder: &Path, open: &BTreeMap<String, Arc<Parsed>>) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let on_disk = entries.map(|entry| entry.path());
    let open = open.keys().map(PathBuf::from);
    let here = open.filter(|path| path.parent() == Some(folder));
    on_disk
        .chain(here)
        .filter(|path| path.extension().is_some_and(|e| e == "coord"))
        .map(|path| path.display().to_string())
        .collect()
}
