//! `coord diff` and `coord plan --compare`: what a change to a project changes, and what it costs.

use super::args::{Common, Diff as Args, DiffFormat};
use super::exit::{Exit, Failure, Outcome};
use super::plan::{Search, deliver, look_of};
use super::project::{self, Loaded};
use super::render::diff::{self, Side};
use super::revision;
use super::screen::Screen;
use coord_lang::difference::entries;
use coord_lang::syntax::parse;
use std::path::{Path, PathBuf};

pub(crate) fn diff(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let search = Search {
        workflow: args.workflow.clone(),
        budget: args.budget,
        seed: args.seed,
        samples: args.samples,
    };
    let comparison = Comparison {
        common,
        set: &args.set,
        search: &search,
    };
    let (old, new) = comparison.sides(&args.old, args.new.as_deref())?;
    let document = diff::document(&old, &new);
    let text = match args.format {
        DiffFormat::Json => diff::json(&document),
        DiffFormat::Md => diff::markdown(&document),
        DiffFormat::Text => {
            let look = look_of(screen, args.width, args.output.is_some());
            diff::text(&document, look)
        }
    };
    deliver(screen, args.output.as_deref(), &text)?;
    Ok(exit(&document, args.exit_code))
}

/// What a comparison comes to.
pub(crate) fn exit(document: &diff::Diff, any_difference: bool) -> Exit {
    if document.is_illegal() {
        Exit::Wrong
    } else if document.is_worse() || (any_difference && document.differs()) {
        Exit::Failed
    } else {
        Exit::Done
    }
}

/// How two versions are read and planned.
pub(crate) struct Comparison<'a> {
    pub(crate) common: &'a Common,
    pub(crate) set: &'a [String],
    pub(crate) search: &'a Search,
}

impl Comparison<'_> {
    /// Reads both; without a new one, the project here.
    pub(crate) fn sides(&self, old: &str, new: Option<&str>) -> Result<(Side, Side), Failure> {
        let old = self.side(old)?;
        let new = match new {
            Some(new) => self.side(new)?,
            None => {
                let file = project::in_folder(Path::new("."))?;
                let label = file.display().to_string();
                self.read(&file, label)?
            }
        };
        Ok((old, new))
    }

    /// A file or a folder, or `REV:PATH` of the git repository here.
    fn side(&self, given: &str) -> Result<Side, Failure> {
        let path = PathBuf::from(given);
        if !path.exists()
            && let Some((revision, inside)) = revision::split(given)
        {
            let found = revision::check_out(revision, inside)?;
            let label = format!("{revision}:{}", found.inside);
            return self.read(&found.path, label);
        }
        let file = match path.is_dir() {
            true => project::in_folder(&path)?,
            false => path,
        };
        let label = file.display().to_string();
        self.read(&file, label)
    }

    fn read(&self, file: &Path, label: String) -> Result<Side, Failure> {
        let settings = self.search.settings();
        let loaded = project::load(self.common, Some(file), self.set, settings)?;
        let limits = project::limits(self.common)?;
        let trees: Vec<_> = loaded
            .sources
            .iter()
            .map(|(id, file)| parse(id, file, &limits).0)
            .collect();
        let declared = entries(&loaded.sources, &trees);
        drop(trees);
        let Loaded {
            sources,
            mut compiled,
            ..
        } = loaded;
        if let (Some(plan), Some(schedule)) = (&compiled.plan, &mut compiled.schedule) {
            self.search.foresee(plan, schedule);
        }
        Ok(Side {
            label,
            folder: project::folder_of(file),
            sources,
            compiled,
            entries: declared,
        })
    }
}
