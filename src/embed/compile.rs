//! From texts to a project that can be planned and run, or to its mistakes.

use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::editor::walk::{used_file, uses};
use coord_lang::model::Model;
use coord_lang::source::{FileId, Link, Sources};
use coord_lang::syntax::parse;
use coord_plan::calendars::Calendars;
use coord_plan::compile::{Settings, compile};
use coord_plan::levelling::{self, Stop};
use coord_plan::plan::Plan;
use coord_plan::schedule::{Schedule, schedule_on};
use std::fmt;
use std::path::{Path, PathBuf};

/// Compiles one text with the default settings.
///
/// Takes the text of a whole project. Refuses what has errors, with every one of them; warnings
/// are kept in [`Project::warnings`].
///
/// ```
/// let project = coord::compile("edition 2026\n\ntask hello {\n  run [\"echo\", \"hello\"]\n}\n")?;
/// assert_eq!(project.plan().tasks().count(), 1);
///
/// let wrong = coord::compile("edition 2026\n\ntask hello {\n  needs nobody\n}\n").unwrap_err();
/// assert!(wrong.to_string().starts_with("main.coord:4:9: E0201 "));
/// # Ok::<(), coord::Mistakes>(())
/// ```
pub fn compile_text(text: impl Into<String>) -> Result<Project, Mistakes> {
    Compile::new().file("main.coord", text).finish()
}

/// A compilation that is being set up: files, values of parameters, a workflow.
///
/// ```
/// let project = coord::Compile::new()
///     .file("main.coord", "edition 2026\nuse \"team.coord\"\nparam who: text\n\
///         task hello {\n  by greeter\n  run [\"echo\", \"${who}\"]\n}\n")
///     .file("team.coord", "edition 2026\nagent greeter\n")
///     .set("who", "world")
///     .finish()?;
/// assert_eq!(project.plan().agents.len(), 2); // with `local`, which is always there
/// # Ok::<(), coord::Mistakes>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Compile {
    files: Vec<(String, String)>,
    settings: Settings,
}

impl Compile {
    /// Without any file yet.
    pub fn new() -> Compile {
        Compile::default()
    }

    /// Adds a file. Takes its path, relative to the project's folder, and its text. The first one
    /// is the project's own; the others are what its `use` lines lead to. Nothing is read from
    /// disk: a `use` that leads to no added file is a mistake.
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Compile {
        self.files.push((name.into(), text.into()));
        self
    }

    /// Gives a parameter its value, in its text form. One that is not declared, or does not fit
    /// its type, is a mistake.
    pub fn set(mut self, param: impl Into<String>, value: impl Into<String>) -> Compile {
        self.settings.bindings.insert(param.into(), value.into());
        self
    }

    /// Plans and runs that workflow instead of `main`. One that is not declared is a mistake.
    pub fn workflow(mut self, name: impl Into<String>) -> Compile {
        self.settings.workflow = Some(name.into());
        self
    }

    /// How much the search for a short schedule may do, and how many cores this machine counts
    /// as. Without this, good rules alone make a schedule, at once.
    pub fn search(mut self, options: levelling::Options) -> Compile {
        self.settings.schedule = options;
        self
    }

    /// Compiles. Refuses what has errors, with every one of them. Parameters without a value are
    /// an error: a project is compiled to be planned and run.
    pub fn finish(self) -> Result<Project, Mistakes> {
        let Compile {
            mut files,
            mut settings,
        } = self;
        if files.is_empty() {
            files.push(("main.coord".into(), String::new()));
        }
        settings.need_values = true;
        let sources = linked(files, &settings);
        let compiled = compile(&sources, &settings);
        let unknown = settings.workflow.filter(|name| {
            !compiled
                .model
                .workflows
                .values()
                .any(|w| w.name.value == *name)
        });
        let whole = compiled.full;
        let (plan, schedule) = match (compiled.plan, compiled.schedule) {
            (Some(plan), Some(schedule))
                if unknown.is_none() && !diagnostic::has_errors(&compiled.diagnostics) =>
            {
                (plan, schedule)
            }
            _ => {
                return Err(Mistakes {
                    sources,
                    diagnostics: compiled.diagnostics,
                    unknown_workflow: unknown,
                });
            }
        };
        Ok(Project {
            sources,
            model: compiled.model,
            whole,
            plan,
            schedule,
            warnings: compiled.diagnostics,
        })
    }
}

/// The files, with their `use` lines led to each other by name.
fn linked(files: Vec<(String, String)>, settings: &Settings) -> Sources {
    let mut sources = Sources::default();
    for (name, text) in files {
        let _id = sources.add(name, text);
    }
    let mut links = Vec::new();
    for (from, file) in sources.iter() {
        let (tree, _) = parse(from, file, &settings.limits);
        let folder = Path::new(file.name()).parent().unwrap_or(Path::new(""));
        for (path, _) in uses(&tree) {
            links.push((from, link(&sources, &used_file(folder, &path)), path));
        }
    }
    for (from, link, path) in links {
        sources.link(from, path, link);
    }
    sources
}

fn link(sources: &Sources, wanted: &Path) -> Link {
    let is_it = |name: &str| used_file(Path::new(""), name) == wanted;
    let found: Option<FileId> = sources
        .iter()
        .find(|(_, file)| is_it(file.name()))
        .map(|(id, _)| id);
    found.map_or_else(
        || Link::Unreadable {
            why: "no such file was added".into(),
            near: None,
        },
        Link::File,
    )
}

/// A project without mistakes: what it says, its frozen plan and its schedule.
#[derive(Debug)]
pub struct Project {
    sources: Sources,
    model: Model,
    /// With the work of all workflows, where there are any beside `main`.
    whole: Option<Plan>,
    plan: Plan,
    schedule: Schedule,
    warnings: Vec<Diagnostic>,
}

impl Project {
    /// What the texts declare, with names resolved.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The frozen plan: nodes, needs, agents, and nothing left to decide. It has the work of one
    /// workflow; [`Project::run_plan`] has that of all.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What a run is pinned to: the same plan with the work of workflows that may start in it.
    pub fn run_plan(&self) -> &Plan {
        self.whole.as_ref().unwrap_or(&self.plan)
    }

    /// When each task starts and ends, with agents and resources counted; what is critical; a
    /// proven lower bound.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Looks for a shorter schedule. Takes how much the search may do, and a flag that ends it
    /// early when another thread raises it.
    ///
    /// ```
    /// use coord::levelling::{Options, PLACEMENTS_PER_SECOND, Stop};
    ///
    /// let project = coord::compile("edition 2026\ntask a {\n  takes 2h\n  run [\"true\"]\n}\n")?;
    /// let options = Options { budget: PLACEMENTS_PER_SECOND / 10, ..Options::default() };
    /// let schedule = project.reschedule(&options, &Stop::default());
    /// assert_eq!(schedule.makespan_ms, 2 * 3_600_000);
    /// assert!(schedule.optimal);
    /// # Ok::<(), coord::Mistakes>(())
    /// ```
    pub fn reschedule(&self, options: &levelling::Options, stop: &Stop) -> Schedule {
        schedule_on(&self.plan, &Calendars::of(&self.plan), options, stop)
    }

    /// What is doubtful and no error, in stable order.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The texts that it was compiled from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The text of its first file.
    pub fn text(&self) -> &str {
        self.sources.file(FileId(0)).text()
    }

    /// The compiled form as JSON: what `coord graph --format ir` prints.
    pub fn ir(&self) -> serde_json::Value {
        // a plan is plain data: names, numbers and lists of them
        serde_json::to_value(&self.plan).unwrap_or_default()
    }

    /// The name of its first file.
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(self.sources.file(FileId(0)).name())
    }
}

/// Why a project could not be compiled: every error and warning, with the texts they are about.
///
/// As text it is one line each (`main.coord:3:9: E0201 no agent named …`) with the way out below
/// it; `coord explain CODE` tells more about a code. [`Mistakes::iter`] has them as data: labels,
/// related places, edits.
#[derive(Debug)]
pub struct Mistakes {
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    unknown_workflow: Option<String>,
}

impl Mistakes {
    /// All of them, in stable order: file, place, code.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.diagnostics.iter()
    }

    /// The texts that they are about.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }
}

impl<'m> IntoIterator for &'m Mistakes {
    type Item = &'m Diagnostic;
    type IntoIter = std::slice::Iter<'m, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = Vec::new();
        for d in self.iter().take(diagnostic::MAX_SHOWN) {
            lines.push(diagnostic::one_line(&self.sources, d));
            lines.extend(d.help.iter().map(|help| format!("  help: {help}")));
        }
        if self.diagnostics.len() > diagnostic::MAX_SHOWN {
            let more = self.diagnostics.len() - diagnostic::MAX_SHOWN;
            lines.push(format!("… and {more} more"));
        }
        if let Some(name) = &self.unknown_workflow {
            lines.push(format!("there is no workflow named `{name}`"));
        }
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}
