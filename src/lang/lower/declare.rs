//! First pass: every declaration of every file gets its name and its id.

use super::names::Who;
use super::{Field, Kind, Lower, file_start};
use crate::diagnostic::Diagnostic;
use crate::ids::{
    AgentId, GateId, GroupId, MilestoneId, ParamId, PhaseId, RecurringId, ResourceId, SyncId,
    TaskId, WorkflowId,
};
use crate::model::{
    Agent, Driver, Gate, Group, Milestone, Param, ParamType, Phase, Resource, Sync, Work, WorkRef,
};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Item, Statement, Tree, statements};

/// Where work is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Home {
    pub(super) phase: Option<PhaseId>,
    pub(super) workflow: Option<WorkflowId>,
}

/// Which statement declared what.
#[derive(Default)]
pub(super) struct Declared<'a, 's> {
    pub(super) projects: Vec<&'a Statement<'s>>,
    pub(super) params: Vec<(ParamId, &'a Statement<'s>)>,
    pub(super) agents: Vec<(AgentId, &'a Statement<'s>)>,
    pub(super) groups: Vec<(GroupId, &'a Statement<'s>)>,
    pub(super) resources: Vec<(ResourceId, &'a Statement<'s>)>,
    pub(super) gates: Vec<(GateId, &'a Statement<'s>)>,
    pub(super) phases: Vec<(PhaseId, &'a Statement<'s>)>,
    pub(super) tasks: Vec<(TaskId, &'a Statement<'s>)>,
    pub(super) syncs: Vec<(SyncId, &'a Statement<'s>)>,
    pub(super) milestones: Vec<(MilestoneId, &'a Statement<'s>)>,
    pub(super) recurring: Vec<(RecurringId, &'a Statement<'s>)>,
    pub(super) workflows: Vec<(WorkflowId, &'a Statement<'s>)>,
    /// Every other declaration with a name, by its kind and its index.
    pub(super) others: Vec<(Kind, u32, &'a Statement<'s>)>,
    pub(super) reactions: Vec<&'a Statement<'s>>,
    pub(super) expects: Vec<&'a Statement<'s>>,
    pub(super) scenarios: Vec<&'a Statement<'s>>,
    pub(super) uses: Vec<&'a Statement<'s>>,
    /// The first task past the limit.
    pub(super) past_limit: Option<Span>,
    /// Tasks that an `each` stands for and that were not written out, for they are past it.
    pub(super) unwritten: usize,
}

impl<'s> Lower<'_, 's> {
    pub(super) fn declare<'a>(&mut self, trees: &'a [Tree<'s>]) -> Declared<'a, 's> {
        let mut declared = Declared::default();
        self.names
            .who
            .insert("local", Who::Agent(crate::model::Model::LOCAL));
        for tree in trees {
            self.edition(tree);
            let fields = self.fields_of(Place::File, &tree.items, None);
            let body = self.declare_all(fields, Home::default(), &mut declared);
            self.model.body.extend(body);
        }
        self.task_limit(&declared);
        declared
    }

    /// Too many tasks: told before any of them is read.
    fn task_limit(&mut self, declared: &Declared<'_, 's>) {
        let Some(at) = declared.past_limit else {
            return;
        };
        let count = declared.tasks.len() + declared.unwritten;
        let limit = self.limits.tasks;
        self.report(
            Diagnostic::new(
                "E0908",
                at,
                format!("this project has {count} tasks; the limit `tasks` is {limit}"),
            )
            .label("the first task past the limit")
            .help(format!("raise it with `--limit tasks={count}`")),
        );
    }

    /// W0902, E0901 and a misplaced `edition`.
    fn edition(&mut self, tree: &Tree<'s>) {
        let Some(first) = statements(&tree.items).next() else {
            let broken = tree.unread || tree.items.iter().any(|i| matches!(i, Item::Broken(_)));
            if !broken {
                self.report(
                    Diagnostic::new("W0902", file_start(tree.file), "this file declares nothing")
                        .label("no statement in it")
                        .help("start with `coord init`, or write `edition 2026` and a `task`"),
                );
            }
            return;
        };
        if first.word != "edition" {
            let at = Span::new(tree.file, 0, 0);
            self.report(
                Diagnostic::new("W0902", first.head_span(), "no `edition`: 2026 assumed")
                    .label("the first statement should be `edition`")
                    .fix(at, "edition 2026\n\n", "write `edition 2026` at the top"),
            );
        }
        // a second one is E0104
        if let Some(statement) = statements(&tree.items).find(|s| s.word == "edition") {
            self.one_edition(statement, std::ptr::eq(statement, first));
        }
    }

    fn one_edition(&mut self, statement: &Statement<'s>, is_first: bool) {
        let Some(row) = crate::schema::find(Place::File, "edition") else {
            return;
        };
        if statement.is_broken() {
            return;
        }
        let mut args = super::Args::new(statement, row);
        let Some(year) = args.count(self, "a year", 1..=9999) else {
            return;
        };
        args.end(self);
        if year.value != 2026 {
            let newer = year.value > 2026;
            let message = if newer {
                format!("edition {} is newer than this coord (2026)", year.value)
            } else {
                format!("there is no edition {}", year.value)
            };
            let help = if newer {
                "update coord, or write `edition 2026`"
            } else {
                "write `edition 2026`"
            };
            self.report(
                Diagnostic::new("E0901", year.span, message)
                    .label("not known here")
                    .fix(year.span, "2026", help),
            );
        } else if !is_first {
            self.report(
                Diagnostic::new(
                    "E0102",
                    statement.head_span(),
                    "`edition` belongs at the top of its file",
                )
                .label("too late")
                .help("make it the first statement"),
            );
        }
    }

    pub(super) fn declare_all<'a>(
        &mut self,
        fields: Vec<Field<'a, 's>>,
        scope: Home,
        into: &mut Declared<'a, 's>,
    ) -> Vec<Work> {
        fields
            .into_iter()
            .filter_map(|field| self.declare_one(&field, scope, into))
            .collect()
    }

    fn declare_one<'a>(
        &mut self,
        field: &Field<'a, 's>,
        scope: Home,
        into: &mut Declared<'a, 's>,
    ) -> Option<Work> {
        let statement = field.statement;
        match field.row.word {
            "project" => into.projects.push(statement),
            "param" => {
                let name = self.new_name(field)?;
                let id = self.model.params.push(Param {
                    name: name.clone(),
                    ty: ParamType::Text,
                    default: None,
                    doc: self.doc(statement),
                    workflow: None,
                });
                let key = self.sources.text(name.span);
                if let Some(first) = self.names.params.insert(key, id) {
                    self.names.params.insert(key, first);
                    self.twice(&name, self.model.params[first].name.span);
                }
                into.params.push((id, statement));
            }
            "agent" | "human" => {
                let name = self.new_name(field)?;
                let driver = if statement.word == "human" {
                    Driver::Human
                } else {
                    Driver::Shell
                };
                let agent = Agent {
                    name: name.clone(),
                    doc: self.doc(statement),
                    person: statement.word == "human",
                    capacity: 1,
                    driver,
                    ..Agent::default()
                };
                let id = self.model.agents.push(agent);
                self.name_who(&name, Who::Agent(id));
                into.agents.push((id, statement));
            }
            "group" => {
                let name = self.new_name(field)?;
                let id = self.model.groups.push(Group {
                    name: name.clone(),
                    title: None,
                    members: Vec::new(),
                });
                self.name_who(&name, Who::Group(id));
                into.groups.push((id, statement));
            }
            "resource" => {
                let name = self.new_name(field)?;
                let id = self.model.resources.push(Resource {
                    name: name.clone(),
                    title: None,
                    capacity: 1,
                });
                let key = self.sources.text(name.span);
                if let Some(first) = self.names.resources.insert(key, id) {
                    self.names.resources.insert(key, first);
                    self.twice(&name, self.model.resources[first].name.span);
                }
                into.resources.push((id, statement));
            }
            "gate" => {
                let name = self.new_name(field)?;
                let gate = Gate {
                    name: name.clone(),
                    doc: self.doc(statement),
                    ..Gate::default()
                };
                let id = self.model.gates.push(gate);
                let key = self.sources.text(name.span);
                if let Some(first) = self.names.gates.insert(key, id) {
                    self.names.gates.insert(key, first);
                    self.twice(&name, self.model.gates[first].name.span);
                }
                into.gates.push((id, statement));
            }
            "phase" => return self.declare_phase(field, scope.workflow, into),
            "parallel" | "sequence" => {
                let place = if statement.word == "parallel" {
                    Place::Parallel
                } else {
                    Place::Sequence
                };
                field.args().end(self);
                let inner = self.fields(place, statement);
                let body = self.declare_all(inner, scope, into);
                let span = statement.word_span;
                return Some(if place == Place::Parallel {
                    Work::Parallel(body, span)
                } else {
                    Work::Sequence(body, span)
                });
            }
            "task" => {
                let name = self.new_name(field)?;
                return self.declare_task(&name, statement, scope, into);
            }
            "sync" => {
                let name = self.new_name(field)?;
                let comes_again = statement
                    .block
                    .iter()
                    .flat_map(|b| b.statements())
                    .any(|s| s.word == "every");
                if scope.phase.is_none() || comes_again {
                    self.declare_recurring(&name, statement, into);
                    return None;
                }
                let sync = Sync {
                    name: name.clone(),
                    doc: self.doc(statement),
                    phase: scope.phase,
                    workflow: scope.workflow,
                    ..Sync::default()
                };
                if self.second_barrier(&sync, statement) {
                    return None;
                }
                let id = self.model.syncs.push(sync);
                self.name_work(&name, WorkRef::Sync(id));
                if let Some(phase) = scope.phase {
                    self.model.phases[phase].sync = Some(id);
                }
                into.syncs.push((id, statement));
                return Some(Work::Sync(id));
            }
            "milestone" => {
                let name = self.new_name(field)?;
                let milestone = Milestone {
                    name: name.clone(),
                    doc: self.doc(statement),
                    workflow: scope.workflow,
                    ..Milestone::default()
                };
                let id = self.model.milestones.push(milestone);
                self.name_work(&name, WorkRef::Milestone(id));
                into.milestones.push((id, statement));
                return Some(Work::Milestone(id));
            }
            _ => self.declare_rule(field, into),
        }
        None
    }

    /// E0104: a phase ends with one sync.
    fn second_barrier(&mut self, sync: &Sync, statement: &Statement<'s>) -> bool {
        let first = sync.phase.and_then(|p| self.model.phases[p].sync);
        let Some(first) = first.map(|id| self.model.syncs[id].name.span) else {
            return false;
        };
        let at = self.sources.start(first);
        self.report(
            Diagnostic::new(
                "E0104",
                statement.word_span,
                format!("`sync` given twice (first: {at})"),
            )
            .label("given again")
            .related(first, "first given here")
            .help("a phase ends with one sync; write `every …` in one that comes again"),
        );
        true
    }

    fn declare_phase<'a>(
        &mut self,
        field: &Field<'a, 's>,
        workflow: Option<WorkflowId>,
        into: &mut Declared<'a, 's>,
    ) -> Option<Work> {
        let statement = field.statement;
        let name = self.new_name(field)?;
        let id = self.model.phases.push(Phase {
            name: name.clone(),
            doc: self.doc(statement),
            workflow,
            ..Phase::default()
        });
        self.name_work(&name, WorkRef::Phase(id));
        into.phases.push((id, statement));
        let first = into.tasks.len();
        let inner = self.fields(Place::Phase, statement);
        let scope = Home {
            phase: Some(id),
            workflow,
        };
        let body = self.declare_all(inner, scope, into);
        self.model.phases[id].body = body;
        self.model.phases[id].tasks = into.tasks[first..].iter().map(|(id, _)| *id).collect();
        Some(Work::Phase(id))
    }

    /// The name that a statement declares; built-in words cannot be taken.
    pub(super) fn new_name(&mut self, field: &Field<'_, 's>) -> Option<Spanned<String>> {
        let mut args = field.args();
        let name = self.declared_name(&mut args)?;
        if is_built_in(&name.value) {
            let what = if name.value == "local" {
                "the shell on this machine"
            } else {
                "a word of the language"
            };
            self.report(
                Diagnostic::new(
                    "E0205",
                    name.span,
                    format!("`{}` is built in and cannot be declared", name.value),
                )
                .label(format!("`{}` is {what}", name.value))
                .help("choose another name"),
            );
            return None;
        }
        if name.value.contains('.') {
            let right = name.value.replace('.', "-");
            self.report(
                Diagnostic::new(
                    "E0106",
                    name.span,
                    format!("a name has no dots: `{}`", name.value),
                )
                .label("a dot leads from an agent to its artifact")
                .fix(name.span, right.clone(), format!("write `{right}`")),
            );
            return None;
        }
        Some(name)
    }

    fn name_who(&mut self, name: &Spanned<String>, who: Who) {
        let key = self.sources.text(name.span);
        if let Some(first) = self.names.who.insert(key, who) {
            self.names.who.insert(key, first);
            let span = match first {
                Who::Agent(id) => self.model.agents[id].name.span,
                Who::Group(id) => self.model.groups[id].name.span,
            };
            self.twice(name, span);
        }
    }

    pub(super) fn name_work(&mut self, name: &Spanned<String>, work: WorkRef) {
        let key = self.sources.text(name.span);
        if let Some(first) = self.names.work.insert(key, work) {
            self.names.work.insert(key, first);
            self.twice(name, self.model.work_span(first));
        }
    }

    pub(super) fn twice(&mut self, name: &Spanned<String>, first: Span) {
        self.report(
            Diagnostic::new(
                "E0202",
                name.span,
                format!("`{}` is defined twice", name.value),
            )
            .label("defined again")
            .related(first, "first defined here")
            .help("give one of them another name"),
        );
    }
}

/// Words of the language that no declaration may take for its name.
pub fn is_built_in(name: &str) -> bool {
    matches!(name, "all" | "any" | "local" | "start" | "except")
}
