//! The thread that compiles: a snapshot of all texts in, the analyses of all projects out.

use super::analysis::Analysis;
use super::project::{Disk, Project, projects};
use coord_host::repository;
use coord_lang::syntax::{Limits, Parsed};
use coord_plan::compile::Settings;
use coord_plan::levelling::Options;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// What the documents are at one revision.
pub(super) struct Snapshot {
    pub(super) revision: u64,
    pub(super) open: BTreeMap<String, Arc<Parsed>>,
    pub(super) folders: Vec<String>,
    /// Counts what happened to files on disk.
    pub(super) disk_revision: u64,
}

/// What came of a snapshot.
pub(super) struct Compiled {
    pub(super) revision: u64,
    pub(super) projects: Vec<Arc<Analysis>>,
}

/// Starts the thread. It takes one snapshot at a time, so neither channel holds more than one.
pub(super) fn start(limits: Limits) -> std::io::Result<(Sender<Snapshot>, Receiver<Compiled>)> {
    let (work, snapshots) = bounded::<Snapshot>(1);
    let (results, done) = bounded::<Compiled>(1);
    let thread = std::thread::Builder::new().name("compiler".into());
    let started = thread.spawn(move || {
        let mut compiler = Compiler::new(limits);
        for snapshot in snapshots {
            if results.send(compiler.compile(&snapshot)).is_err() {
                return;
            }
        }
    });
    started.map(|_| (work, done))
}

struct Compiler {
    limits: Limits,
    grounds: HashMap<String, Ground>,
    disk: Disk,
    last: Vec<Arc<Analysis>>,
}

impl Compiler {
    fn new(limits: Limits) -> Compiler {
        Compiler {
            limits,
            grounds: HashMap::new(),
            disk: Disk::new(limits),
            last: Vec::new(),
        }
    }

    fn compile(&mut self, snapshot: &Snapshot) -> Compiled {
        // A defect of the compiler must not end the session: the last good answers stay.
        let compiled = catch_unwind(AssertUnwindSafe(|| self.analyses(snapshot)));
        if let Ok(analyses) = compiled {
            self.last = analyses;
        }
        Compiled {
            revision: snapshot.revision,
            projects: self.last.clone(),
        }
    }

    fn analyses(&mut self, snapshot: &Snapshot) -> Vec<Arc<Analysis>> {
        let found = projects(&snapshot.open, &snapshot.folders, &mut self.disk);
        let limits = self.limits;
        let analyses = found.into_iter().map(|project| {
            let ground = self.grounds.entry(project.root().to_string());
            let ground = ground.or_insert_with(|| Ground::new(limits));
            ground.look(&project, snapshot.disk_revision);
            let last = self
                .last
                .iter()
                .find(|a| a.project.root() == project.root());
            match last {
                Some(last) if !ground.has_moved && last.project.is_same(&project) => last.clone(),
                last => Arc::new(Analysis::new(
                    project,
                    &ground.settings,
                    last.map(|last| &**last),
                )),
            }
        });
        analyses.collect()
    }
}

/// What one project is compiled with: the files around it, as they were when last looked at.
struct Ground {
    settings: Settings,
    /// The state of the disk then.
    looked: Option<u64>,
    /// Others than at the look before.
    has_moved: bool,
}

impl Ground {
    fn new(limits: Limits) -> Ground {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Ground {
            settings: Settings {
                limits,
                schedule: Options {
                    cores,
                    ..Options::default()
                },
                ..Settings::default()
            },
            looked: None,
            has_moved: false,
        }
    }

    /// Looks at the disk when something happened there, and only for a project that owns any of it.
    fn look(&mut self, project: &Project, disk_revision: u64) {
        self.has_moved = false;
        if self.looked == Some(disk_revision) || !project.may_own() {
            return;
        }
        self.looked = Some(disk_revision);
        let root = Path::new(project.root());
        let folder = root.parent().filter(|_| root.is_absolute());
        let now = folder.and_then(repository::files);
        self.has_moved = now != self.settings.paths;
        self.settings.paths = now;
    }
}
