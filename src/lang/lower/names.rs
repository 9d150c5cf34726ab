//! The namespaces: who, work, and one for each remaining kind.

use super::{Kind, Lower, Reference};
use crate::diagnostic::Diagnostic;
use crate::ids::{
    AgentId, EscalationId, GateId, GroupId, Id, ParamId, PhaseId, ResourceId, TaskId, WorkflowId,
};
use crate::model::{Role, WorkRef};
use crate::schema::{closest, one_of};
use crate::source::{FileId, Span, Spanned};
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Agent(AgentId),
    Group(GroupId),
}

/// `use "FILE" as NAME`.
#[derive(Clone, Copy)]
pub(super) struct Alias {
    pub(super) file: FileId,
    pub(super) span: Span,
}

/// Every declared name with its id.
#[derive(Default)]
pub(super) struct Names<'s> {
    pub(super) aliases: HashMap<&'s str, Alias>,
    pub(super) who: HashMap<&'s str, Who>,
    pub(super) work: HashMap<&'s str, WorkRef>,
    pub(super) resources: HashMap<&'s str, ResourceId>,
    pub(super) gates: HashMap<&'s str, GateId>,
    pub(super) params: HashMap<&'s str, ParamId>,
    /// Every other kind: the index in its table and where it is declared.
    pub(super) named: HashMap<(Kind, &'s str), (u32, Span)>,
    /// Parameters of workflows.
    pub(super) workflow_params: HashMap<(WorkflowId, &'s str), ParamId>,
    /// The levels of each ladder, from the first.
    pub(super) levels: HashMap<EscalationId, Vec<Spanned<&'s str>>>,
    /// Tasks with `each`: everything that one name stands for.
    pub(super) each: HashMap<&'s str, (Vec<TaskId>, Span)>,
    /// The tasks that those were written out to.
    pub(super) written: HashMap<String, TaskId>,
}

impl<'s> Names<'s> {
    /// What kinds of things bear `name`, for "`finance` is a human".
    fn kinds(&self, name: &str) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        match self.who.get(name) {
            Some(Who::Agent(_)) => kinds.push("an agent"),
            Some(Who::Group(_)) => kinds.push("a group"),
            None => {}
        }
        match self.work.get(name) {
            Some(WorkRef::Task(_)) => kinds.push("a task"),
            Some(WorkRef::Phase(_)) => kinds.push("a phase"),
            Some(WorkRef::Sync(_)) => kinds.push("a sync"),
            Some(WorkRef::Milestone(_)) => kinds.push("a milestone"),
            None => {}
        }
        let others = [
            (self.resources.contains_key(name), "a resource"),
            (self.gates.contains_key(name), "a gate"),
            (self.params.contains_key(name), "a parameter"),
        ];
        kinds.extend(
            others
                .iter()
                .filter(|(there, _)| *there)
                .map(|(_, kind)| *kind),
        );
        let mut rest: Vec<Kind> = (self.named.keys())
            .filter(|(_, n)| *n == name)
            .map(|(kind, _)| *kind)
            .collect();
        rest.sort_unstable();
        kinds.extend(rest.into_iter().map(Kind::one));
        kinds
    }
}

/// Most names that are looked at to find what was meant, over all mistakes of a project: guessing
/// among them must not take longer than all the rest.
const MOST_GUESSES: usize = 1_000_000;

impl<'s> Lower<'_, 's> {
    /// The names that may have been meant, in order; None when too many mistakes came before.
    pub(super) fn guesses<'n, V>(&self, names: &HashMap<&'n str, V>) -> Option<Vec<&'n str>> {
        self.guesses_of(names.len(), names.keys().copied())
    }

    fn guesses_of<'n>(
        &self,
        count: usize,
        names: impl Iterator<Item = &'n str>,
    ) -> Option<Vec<&'n str>> {
        self.guessed.set(self.guessed.get().saturating_add(count));
        if self.guessed.get() > MOST_GUESSES {
            return None;
        }
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        Some(names)
    }

    /// `backend` for `x.backend`, when `x` is a file that declares it; any other name as it is.
    pub(super) fn bare<'n>(&self, name: &'n str) -> &'n str {
        if self.names.aliases.is_empty() {
            return name;
        }
        let Some((head, rest)) = name.split_once('.') else {
            return name;
        };
        let own = rest.split('.').next().unwrap_or(rest);
        match self.names.aliases.get(head) {
            Some(alias) if self.is_declared_in(own, alias.file) => rest,
            _ => name,
        }
    }

    fn is_declared_in(&self, name: &str, file: FileId) -> bool {
        let (model, names) = (&self.model, &self.names);
        let who = names.who.get(name).and_then(|who| self.who_span(*who));
        let work = names.work.get(name).map(|w| model.work_span(*w));
        let resource = names
            .resources
            .get(name)
            .map(|id| model.resources[*id].name.span);
        let gate = names.gates.get(name).map(|id| model.gates[*id].name.span);
        let param = names.params.get(name).map(|id| model.params[*id].name.span);
        let each = names.each.get(name).map(|(_, span)| *span);
        let written = names.written.get(name).map(|id| model.tasks[*id].name.span);
        let first = [who, work, resource, gate, param, each, written];
        let others = names.named.iter().filter(|((_, n), _)| *n == name);
        (first.into_iter().flatten())
            .chain(others.map(|(_, (_, span))| *span))
            .any(|span| span.file == file)
    }

    pub(super) fn agent_named(&mut self, name: &str, span: Span) -> Option<AgentId> {
        let name = self.bare(name);
        match self.who_named(name, span)? {
            Who::Agent(id) => Some(id),
            Who::Group(_) => {
                self.wrong_kind(name, span, "an agent", &["a group"]);
                None
            }
        }
    }

    pub(super) fn who_named(&mut self, name: &str, span: Span) -> Option<Who> {
        let name = self.bare(name);
        if let Some(who) = self.names.who.get(name).copied() {
            self.refer(name, span, self.who_span(who));
            return Some(who);
        }
        match Role::ALL.iter().find(|(role, _)| *role == name) {
            Some((_, role)) => self.role_elsewhere(*role, span),
            None => self.unknown("agent", name, span, self.guesses(&self.names.who)),
        }
        None
    }

    pub(super) fn work_named(&mut self, name: &str, span: Span) -> Option<WorkRef> {
        let name = self.bare(name);
        if let Some(work) = self.names.work.get(name).copied() {
            self.refer(name, span, Some(self.model.work_span(work)));
            return Some(work);
        }
        if let Some(id) = self.names.written.get(name).copied() {
            // `deploy-eu` begins with the name of the task that it was written out from
            let declared = self.model.tasks[id].name.span;
            self.refer(self.sources.text(declared), span, Some(declared));
            return Some(WorkRef::Task(id));
        }
        self.unknown("task", name, span, self.guesses(&self.names.work));
        None
    }

    /// Everything that a name of work stands for: one, or all that an `each` was written out to.
    pub(super) fn works_named(&mut self, name: &str, span: Span) -> Vec<WorkRef> {
        let name = self.bare(name);
        if let Some((all, declared)) = self.names.each.get(name).cloned() {
            self.refer(name, span, Some(declared));
            return all.iter().map(|id| WorkRef::Task(*id)).collect();
        }
        self.work_named(name, span).into_iter().collect()
    }

    pub(super) fn task_named(&mut self, name: &str, span: Span) -> Option<TaskId> {
        let name = self.bare(name);
        match self.work_named(name, span)? {
            WorkRef::Task(id) => Some(id),
            WorkRef::Phase(_) | WorkRef::Sync(_) | WorkRef::Milestone(_) => {
                let kinds = self.names.kinds(name);
                self.wrong_kind(name, span, "a task", &kinds);
                None
            }
        }
    }

    /// The index of what `kind` calls `name`; marks it as used.
    pub(super) fn named<I: Id>(&mut self, kind: Kind, name: &str, span: Span) -> Option<I> {
        let name = self.bare(name);
        if let Some((index, declared)) = self.names.named.get(&(kind, name)).copied() {
            self.refer(name, span, Some(declared));
            self.facts.used.insert((kind, index));
            return Some(I::from_index(index as usize));
        }
        let named = self.names.named.keys();
        let names = named.filter(|(k, _)| *k == kind).map(|(_, name)| *name);
        let known = self.guesses_of(self.names.named.len(), names);
        self.unknown(kind.noun(), name, span, known);
        None
    }

    pub(super) fn phase_named(&mut self, name: &str, span: Span) -> Option<PhaseId> {
        let name = self.bare(name);
        if let Some(WorkRef::Phase(id)) = self.names.work.get(name).copied() {
            self.refer(name, span, Some(self.model.phases[id].name.span));
            return Some(id);
        }
        let names = self.names.work.iter();
        let names = names.filter(|(_, work)| matches!(work, WorkRef::Phase(_)));
        let phases = self.guesses_of(self.names.work.len(), names.map(|(name, _)| *name));
        self.unknown("phase", name, span, phases);
        None
    }

    pub(super) fn resource_named(&mut self, name: &str, span: Span) -> Option<ResourceId> {
        let name = self.bare(name);
        let found = self.names.resources.get(name).copied();
        match found {
            Some(id) => {
                self.refer(name, span, Some(self.model.resources[id].name.span));
                self.use_of(Kind::Resource, id);
            }
            None => self.unknown("resource", name, span, self.guesses(&self.names.resources)),
        }
        found
    }

    pub(super) fn gate_named(&mut self, name: &str, span: Span) -> Option<GateId> {
        let name = self.bare(name);
        let found = self.names.gates.get(name).copied();
        match found {
            Some(id) => {
                self.refer(name, span, Some(self.model.gates[id].name.span));
                self.use_of(Kind::Gate, id);
            }
            None => self.unknown("gate", name, span, self.guesses(&self.names.gates)),
        }
        found
    }

    /// A parameter of the workflow that is being read, somewhere in `span`; counts as used.
    pub(super) fn own_param(&mut self, name: &str, span: Span) -> Option<ParamId> {
        let workflow = self.workflow?;
        let id = self.names.workflow_params.get(&(workflow, name)).copied()?;
        self.refer(name, span, Some(self.model.params[id].name.span));
        self.use_of(Kind::Param, id);
        Some(id)
    }

    /// A parameter of the workflow that is being read, or of the project.
    pub(super) fn param_in_scope(&self, name: &str) -> Option<ParamId> {
        let own = self
            .workflow
            .and_then(|w| self.names.workflow_params.get(&(w, name)));
        own.or_else(|| self.names.params.get(name)).copied()
    }

    pub(super) fn param_named(&mut self, name: &str, span: Span) -> Option<ParamId> {
        let name = self.bare(name);
        let found = self.param_in_scope(name);
        match found {
            Some(id) => {
                self.refer(name, span, Some(self.model.params[id].name.span));
                self.use_of(Kind::Param, id);
            }
            None if self.unread_files => self.incomplete = true,
            None => {
                let known = self.guesses(&self.names.params);
                let near = closest(name, known.into_iter().flatten());
                let d = Diagnostic::new("E0511", span, format!("`${{{name}}}` is unknown here"))
                    .label("no parameter of this name");
                self.report(match near.first() {
                    Some(meant) => d.fix(span, format!("${{{meant}}}"), format!("did you mean `${{{meant}}}`?")).guessed(name, &near),
                    None => d.help(format!("declare it with `param {name}: text`, or write `\\$` for a plain dollar sign")),
                });
            }
        }
        found
    }

    /// Where it is declared; `local` is nowhere.
    fn who_span(&self, who: Who) -> Option<Span> {
        match who {
            Who::Agent(crate::model::Model::LOCAL) => None,
            Who::Agent(id) => Some(self.model.agents[id].name.span),
            Who::Group(id) => Some(self.model.groups[id].name.span),
        }
    }

    /// Remembers that `name`, somewhere in `span` (`build.outputs.x`, `${region}`), is what is
    /// declared at `declared`.
    pub(super) fn refer(&mut self, name: &str, span: Span, declared: Option<Span>) {
        let Some(declared) = declared else { return };
        let text = self.sources.text(span);
        let at = match text.starts_with(name) {
            true => Some(0), // nearly always, and no search
            false => text.find(name),
        };
        let Some(at) = at else { return };
        let start = span.start as usize + at;
        self.facts.references.push(Reference {
            span: Span::new(span.file, start, start + name.len()),
            declared,
        });
    }

    /// E0201, or E0203 when the name belongs to something else.
    fn unknown(&mut self, kind: &str, name: &str, span: Span, known: Option<Vec<&str>>) {
        if self.unread_files {
            // it may stand in a file that could not be read
            self.incomplete = true;
            self.facts.incomplete_graph = true;
            return;
        }
        let kinds = self.names.kinds(name);
        if !kinds.is_empty() {
            let vowel = kind.starts_with(['a', 'e', 'i', 'o']);
            let article = if vowel { "an" } else { "a" };
            self.wrong_kind(name, span, &format!("{article} {kind}"), &kinds);
            return;
        }
        let d = Diagnostic::new("E0201", span, format!("no {kind} named `{name}`"))
            .label("not declared");
        let near = closest(name, known.iter().flatten().copied());
        let set_word = name.to_lowercase().replace(['_', '-'], "");
        self.report(
            if matches!(
                set_word.as_str(),
                "allagents" | "everyone" | "everybody" | "allofthem"
            ) {
                d.fix(span, "all", "the built-in set is `all`")
            } else if let Some(first) = near.first() {
                d.fix(
                    span,
                    (*first).to_string(),
                    format!("did you mean {}?", one_of(near.iter().copied())),
                )
                .guessed(name, &near)
            } else if known.is_some_and(|names| names.is_empty()) {
                d.help(format!(
                    "this project declares no {kind}; write `{kind} {name} {{ … }}`"
                ))
            } else {
                d.help(format!("declare it with `{kind} {name} {{ … }}`"))
            },
        );
    }

    fn wrong_kind(&mut self, name: &str, span: Span, wanted: &str, is: &[&str]) {
        let d = Diagnostic::new(
            "E0203",
            span,
            format!(
                "`{name}` is {}, and {wanted} is needed here",
                is.join(" and ")
            ),
        )
        .label(format!("{wanted} is needed here"))
        .help(format!("name {wanted}"));
        self.report(match self.declared_at(name) {
            Some(at) => d.related(at, "declared here"),
            None => d,
        });
    }

    /// Where the first thing of that name is declared.
    pub(super) fn declared_at(&self, name: &str) -> Option<Span> {
        let model = &self.model;
        let who = self.names.who.get(name).and_then(|who| self.who_span(*who));
        who.or_else(|| self.names.work.get(name).map(|w| model.work_span(*w)))
            .or_else(|| {
                self.names
                    .resources
                    .get(name)
                    .map(|id| model.resources[*id].name.span)
            })
            .or_else(|| {
                self.names
                    .gates
                    .get(name)
                    .map(|id| model.gates[*id].name.span)
            })
            .or_else(|| {
                self.names
                    .params
                    .get(name)
                    .map(|id| model.params[*id].name.span)
            })
            .or_else(|| self.names.each.get(name).map(|(_, span)| *span))
            .or_else(|| {
                let found = self.names.named.iter().filter(|((_, n), _)| *n == name);
                found
                    .map(|(_, (_, span))| *span)
                    .min_by_key(|s| (s.file, s.start))
            })
    }
}
