//! The whole front end: texts in; model, plan, schedule and every diagnostic out.
//!
//! Never stops at the first error. A phase that cannot go on leaves its result out, and what
//! depends on it stays silent.

use crate::calendars::Calendars;
use crate::freeze::{Bindings, freeze};
use crate::judge;
use crate::levelling::{Options, Stop};
use crate::plan::Plan;
use crate::schedule::{Schedule, schedule_on};
use coord_lang::check::check;
use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::lower::{Facts, lower};
use coord_lang::model::Model;
use coord_lang::source::Sources;
use coord_lang::stack::with_room;
use coord_lang::syntax::tree::Tree;
use coord_lang::syntax::{Limits, parse};

/// What a compilation is told from outside.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub limits: Limits,
    /// Values of parameters by name.
    pub bindings: Bindings,
    /// A parameter without a value is an error.
    pub need_values: bool,
    /// The name of the workflow to plan or run; `main` when absent. An unknown one is `main`.
    pub workflow: Option<String>,
    /// The project's files, when somebody looked.
    pub paths: Option<Vec<String>>,
    pub schedule: Options,
    /// Ends the search for a schedule early.
    pub stop: Stop,
}

/// Everything that came of it.
pub struct Compiled {
    pub model: Model,
    /// What is planned: the work of one workflow, [`Plan::active`]. None when the graph is not
    /// whole or has a cycle.
    pub plan: Option<Plan>,
    /// The same with the work of all other workflows, where there are any: see
    /// [`Compiled::whole`].
    pub full: Option<Plan>,
    /// None without a plan.
    pub schedule: Option<Schedule>,
    /// In stable order; allowed warnings are left out.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compiled {
    pub fn has_errors(&self) -> bool {
        diagnostic::has_errors(&self.diagnostics)
    }

    /// What a run is pinned to: the planned work, and that of workflows that may start in it.
    pub fn whole(&self) -> Option<&Plan> {
        self.full.as_ref().or(self.plan.as_ref())
    }
}

/// Compiles all of `sources` as one project.
pub fn compile(sources: &Sources, settings: &Settings) -> Compiled {
    let mut diagnostics = Vec::new();
    let mut trees = Vec::new();
    for (id, file) in sources.iter() {
        let (tree, found) = parse(id, file, &settings.limits);
        diagnostics.extend(found);
        trees.push(tree);
    }
    let understood = understand(sources, &trees, diagnostics, settings);
    drop(trees);
    plan(understood, settings)
}

/// A project that is read and not yet planned.
pub struct Understood {
    pub model: Model,
    pub facts: Facts,
    diagnostics: Vec<Diagnostic>,
    broken_syntax: bool,
}

/// The first half of [`compile`], for hosts that parse themselves: `trees` are those of `sources`
/// in the same order, `diagnostics` what parsing found.
pub fn understand(
    sources: &Sources,
    trees: &[Tree<'_>],
    mut diagnostics: Vec<Diagnostic>,
    settings: &Settings,
) -> Understood {
    let broken_syntax = diagnostic::has_errors(&diagnostics);
    let (model, facts, found) = lower(sources, trees, &settings.limits);
    diagnostics.extend(found);
    diagnostics.extend(check(&model, &facts, settings.paths.as_deref()));
    Understood {
        model,
        facts,
        diagnostics,
        broken_syntax,
    }
}

/// The second half of [`compile`]: plan, schedule and what they show.
pub fn plan(understood: Understood, settings: &Settings) -> Compiled {
    with_room(|| plan_here(understood, settings))
}

fn plan_here(understood: Understood, settings: &Settings) -> Compiled {
    let Understood {
        model,
        facts,
        mut diagnostics,
        broken_syntax,
    } = understood;
    let entry = settings.workflow.as_ref().and_then(|name| {
        let found = model.workflows.iter().find(|(_, w)| w.name.value == *name);
        found.map(|(id, _)| id)
    });
    let frozen = freeze(&model, entry, &settings.bindings, settings.need_values);
    let whole = !broken_syntax && !facts.incomplete_graph;
    diagnostics.extend(frozen.diagnostics);
    let full = frozen
        .plan
        .filter(|_| whole || !diagnostic::has_errors(&diagnostics));
    let (plan, full) = match full {
        Some(full) if !full.workflows.is_empty() => (Some(full.active()), Some(full)),
        alone => (alone, None),
    };
    let schedule = plan.as_ref().map(|plan| {
        let calendars = Calendars::of(plan);
        let schedule = schedule_on(plan, &calendars, &settings.schedule, &settings.stop);
        let whole = facts.incomplete_tasks.is_empty();
        let all = full.as_ref().unwrap_or(plan);
        diagnostics.extend(judge::judge(
            &model, plan, all, &schedule, &calendars, whole,
        ));
        schedule
    });
    allow(&model, &mut diagnostics);
    diagnostic::sort(&mut diagnostics);
    Compiled {
        model,
        plan,
        full,
        schedule,
        diagnostics,
    }
}

/// Leaves out what the project allows, each with a reason in the text.
fn allow(model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    let allowed: Vec<&str> = model
        .project
        .allows
        .iter()
        .map(|a| a.code.value.as_str())
        .collect();
    diagnostics.retain(|d| d.is_error() || !allowed.contains(&d.code));
}
