//! What the compiler made of one project.

use super::project::{Project, joined};
use coord_lang::diagnostic::Diagnostic;
use coord_lang::editor::index::Index;
use coord_lang::editor::walk::uses;
use coord_lang::source::{FileId, Link, SourceFile, Sources};
use coord_lang::syntax::Parsed;
use coord_lang::syntax::tree::Tree;
use coord_plan::clock::Clock;
use coord_plan::compile::{Settings, plan, understand};
use coord_plan::outlook::{Load, Outlook, load, outlook};
use coord_plan::plan::Plan;
use coord_plan::schedule::Schedule;
use std::path::Path;
use std::sync::Arc;

/// Where the `use` lines of a file lead among the files of its project.
fn links(project: &Project, tree: &Tree<'_>) -> Vec<(FileId, String, Link)> {
    let Some((name, _)) = project.files.get(tree.file.0 as usize) else {
        return Vec::new();
    };
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let link = |path: &str| {
        let meant = joined(folder, path);
        let at = project.files.iter().position(|(name, _)| *name == meant);
        match at {
            Some(at) => Link::File(FileId(at as u32)),
            None => Link::Unreadable {
                why: "there is no such file".into(),
                near: None,
            },
        }
    };
    let named = uses(tree).into_iter();
    named
        .map(|(path, _)| (tree.file, path.clone(), link(&path)))
        .collect()
}

/// One project, understood.
pub(super) struct Analysis {
    pub(super) project: Project,
    pub(super) sources: Sources,
    pub(super) index: Index,
    /// In stable order.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Of the last text that had one: a line that is being typed takes no plan away.
    plan: Option<Arc<(Plan, Schedule)>>,
    /// The plan is of this very text.
    pub(super) plan_is_current: bool,
}

impl Analysis {
    /// Compiles `project`; `last` is what came of it before.
    pub(super) fn new(project: Project, settings: &Settings, last: Option<&Analysis>) -> Analysis {
        let mut sources = Sources::default();
        for (name, parsed) in &project.files {
            sources.add(name, parsed.source().text());
        }
        let (mut trees, mut found) = (Vec::new(), Vec::new());
        for (at, (_, parsed)) in project.files.iter().enumerate() {
            let (tree, diagnostics) = parsed.tree(FileId(at as u32));
            trees.push(tree);
            found.extend(diagnostics);
        }
        let links: Vec<_> = trees
            .iter()
            .flat_map(|tree| links(&project, tree))
            .collect();
        for (from, path, link) in links {
            sources.link(from, path, link);
        }
        let mut understood = understand(&sources, &trees, found, settings);
        let references = std::mem::take(&mut understood.facts.references);
        let (index, compiled) = std::thread::scope(|scope| {
            let index = scope.spawn(|| Index::new(&sources, &trees, &references));
            let compiled = plan(understood, settings);
            (index.join().unwrap_or_default(), compiled)
        });
        drop(trees);
        let planned = compiled.plan.zip(compiled.schedule).map(Arc::new);
        let plan_is_current = planned.is_some();
        Analysis {
            sources,
            index,
            diagnostics: compiled.diagnostics,
            plan: planned.or_else(|| last.and_then(|last| last.plan.clone())),
            plan_is_current,
            project,
        }
    }

    /// The id of the file of that name.
    pub(super) fn file(&self, name: &str) -> Option<FileId> {
        let at = self.project.files.iter().position(|(n, _)| n == name)?;
        Some(FileId(at as u32))
    }

    pub(super) fn source(&self, file: FileId) -> &SourceFile {
        self.sources.file(file)
    }

    pub(super) fn parsed(&self, file: FileId) -> &Parsed {
        &self.project.files[file.0 as usize].1
    }

    /// What the plan says of a task, phase, sync or milestone, and how to tell its times.
    pub(super) fn outlook(&self, name: &str) -> Option<(Outlook, Clock)> {
        let (plan, schedule) = &**self.plan.as_ref()?;
        Some((outlook(plan, schedule, name)?, Clock::of(plan)))
    }

    /// What the plan says of an agent or a human.
    pub(super) fn load(&self, name: &str) -> Option<Load> {
        let (plan, schedule) = &**self.plan.as_ref()?;
        load(plan, schedule, name)
    }
}
