//! From a model to a frozen plan: structure becomes nodes and needs, parameters become values.
//!
//! Owns the meaning of `sequence`, of the order of phases and of their barriers. Reports what
//! only the whole graph can show; gives no plan for a graph with a cycle in it.

use crate::anchor::{self, Anchor};
use crate::calendar::Hours;
use crate::claims;
use crate::cycles::{self, Edge};
use crate::drawings;
use crate::graph::Graph;
use crate::plan::{
    self, Agent, Approval, Artifact, By, Check, Driver, Estimate, Evidence, Gate, GateFailure, IR,
    Limit, Milestone, Need, Node, NodeKind, OnFail, Origin, Otherwise, Phase, Plan, Profile,
    Program, Requirement, Resource, Retry, Secret, SecretSource, Span, Sync, Task, TaskRules, Want,
    Wanted,
};
use crate::waves;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::expr::Value;
use coord_lang::ids::{
    Id, MilestoneId, NodeId, ParamId, PhaseId, SyncId, Table, TaskId, WorkflowId,
};
use coord_lang::lower::{INTERPRETERS, param_value};
use coord_lang::model::{self, After, Model, OnFailure, RetryOn, Template, Work, WorkRef};
use coord_lang::source;
use std::collections::BTreeMap;

/// Values of parameters by name, in their text form.
pub type Bindings = BTreeMap<String, String>;

/// A plan when the graph has one, and what there is to say about it.
pub struct Frozen {
    pub plan: Option<Plan>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Freezes a model. `bindings` holds what `--set` gave; with `need_values` a parameter without a
/// value is an error (a run needs it, a look at the plan does not).
pub fn freeze(
    model: &Model,
    entry: Option<WorkflowId>,
    bindings: &Bindings,
    need_values: bool,
) -> Frozen {
    let mut freezer = Freezer::new(model, entry);
    freezer.bind(bindings, need_values);
    freezer.known_zones();
    freezer.nodes();
    freezer.order_of_work();
    freezer.declared_needs();
    let waves = waves::waves(model, &mut freezer.diagnostics);
    drawings::drawings(model, &mut freezer.diagnostics);
    freezer.finish(waves)
}

pub(crate) struct Freezer<'m> {
    pub(crate) model: &'m Model,
    /// The workflow that is to be run; `main` when absent.
    entry: Option<WorkflowId>,
    pub(crate) anchor: Anchor,
    /// The working hours that `1wd` is a day of.
    pub(crate) hours: Hours,
    values: Vec<Option<Value>>,
    nodes: Table<NodeId, Node>,
    /// Where each need of each node was declared, beside `nodes[..].needs`.
    spans: Vec<Vec<source::Span>>,
    phases: Table<PhaseId, Phase>,
    diagnostics: Vec<Diagnostic>,
}

impl<'m> Freezer<'m> {
    fn new(model: &'m Model, entry: Option<WorkflowId>) -> Freezer<'m> {
        Freezer {
            model,
            entry,
            anchor: Anchor::of(&model.project),
            hours: Hours::of_project(model),
            values: Vec::new(),
            nodes: Table::default(),
            spans: Vec::new(),
            phases: Table::default(),
            diagnostics: Vec::new(),
        }
    }

    // ---- parameters --------------------------------------------------------------------------

    fn bind(&mut self, bindings: &Bindings, need_values: bool) {
        for param in self.model.params.values() {
            // parameters of other workflows get their values when those start
            if param.workflow.is_some() && param.workflow != self.entry {
                self.values.push(None);
                continue;
            }
            let given = bindings.get(&param.name.value);
            let text = given.or(param.default.as_ref().map(|d| &d.value));
            let value = match text.map(|t| param_value(param.ty, t)) {
                Some(Ok(value)) => Some(value),
                Some(Err(_)) if given.is_none() => None, // reported where the default stands
                Some(Err(why)) => {
                    self.diagnostics.push(
                        Diagnostic::new(
                            "E0501",
                            param.name.span,
                            format!(
                                "parameter `{}` expects {why}, found `{}`",
                                param.name.value,
                                text.map_or("", String::as_str)
                            ),
                        )
                        .label(format!("of type {}", param.ty.name()))
                        .help(format!("give it with `--set {}=VALUE`", param.name.value)),
                    );
                    None
                }
                None if need_values => {
                    self.diagnostics.push(
                        Diagnostic::new(
                            "E0516",
                            param.name.span,
                            format!(
                                "parameter `{}` has no value and no default",
                                param.name.value
                            ),
                        )
                        .label("declared here")
                        .help(format!("give it with `--set {}=VALUE`", param.name.value)),
                    );
                    None
                }
                None => None,
            };
            self.values.push(value);
        }
    }

    pub(crate) fn fill(&self, template: &Template) -> String {
        template.fill(|id: ParamId| {
            let unknown = || format!("${{{}}}", self.model.params[id].name.value);
            self.value_text(id).unwrap_or_else(unknown)
        })
    }

    fn value_text(&self, param: ParamId) -> Option<String> {
        match self.values.get(param.index())?.as_ref()? {
            Value::Text(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// A title or a line for people, with the values of its workflow's parameters filled in; what
    /// has no value stays as it is written.
    fn words(&self, workflow: Option<WorkflowId>, text: &str) -> String {
        let Some(workflow) = workflow.filter(|_| text.contains("${")) else {
            return text.to_string();
        };
        let params = &self.model.workflows[workflow].params;
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let filled = after.split_once('}').and_then(|(name, behind)| {
                let named = |id: &&ParamId| self.model.params[**id].name.value == name;
                Some((self.value_text(*params.iter().find(named)?)?, behind))
            });
            rest = match filled {
                Some((value, behind)) => {
                    out.push_str(&value);
                    behind
                }
                None => {
                    out.push_str("${");
                    after
                }
            };
        }
        out.push_str(rest);
        out
    }

    fn title_of(&self, workflow: Option<WorkflowId>, title: Option<&String>) -> Option<String> {
        title.map(|title| self.words(workflow, title))
    }

    pub(crate) fn expr(&self, expr: &coord_lang::expr::Expr) -> coord_lang::expr::Expr {
        expr.bind(&|id: ParamId| self.values.get(id.index()).cloned().flatten())
    }

    /// E0517: time zones that nobody knows. Their hours are then laid out in UTC.
    fn known_zones(&mut self) {
        let model = self.model;
        let calendars = model.calendars.values().map(|c| &c.timezone);
        for zone in calendars.chain([&model.project.timezone]).flatten() {
            self.known_zone(&zone.value, zone.span, true);
        }
        let every = (model.project.review.iter())
            .chain(model.recurring.values().filter_map(|r| r.every.as_ref()))
            .chain(model.workflows.values().filter_map(|w| w.every.as_ref()))
            .chain(model.channels.values().filter_map(|c| c.every.as_ref()));
        for every in every {
            let zone = every.at.as_ref().and_then(|at| at.zone.as_ref());
            if let Some(zone) = zone {
                self.known_zone(zone, every.span, false);
            }
        }
    }

    /// `alone`: nothing else stands in `span`.
    fn known_zone(&mut self, zone: &str, span: source::Span, alone: bool) {
        if anchor::zone(zone).is_some() {
            return;
        }
        let message = format!("there is no time zone `{zone}`");
        let d = Diagnostic::new("E0517", span, message).label("not known");
        self.diagnostics.push(match anchor::zone_like(zone) {
            Some(meant) if alone => {
                let help = format!("did you mean `{meant}`?");
                d.fix(span, meant, help)
            }
            Some(meant) => d.help(format!("did you mean `{meant}`?")),
            None => d.help("write `UTC`, or a place such as `Europe/Berlin`"),
        });
    }

    // ---- nodes -------------------------------------------------------------------------------

    fn add(
        &mut self,
        name: &str,
        title: Option<&String>,
        phase: Option<PhaseId>,
        workflow: Option<WorkflowId>,
        kind: NodeKind,
    ) -> NodeId {
        self.spans.push(Vec::new());
        let title = self.title_of(workflow, title);
        self.nodes.push(Node {
            name: name.to_string(),
            title,
            phase,
            needs: Vec::new(),
            wants: Vec::new(),
            not_before_ms: None,
            rank_ms: 0,
            workflow,
            kind,
        })
    }

    fn nodes(&mut self) {
        let model = self.model;
        for task in model.tasks.values() {
            let kind = NodeKind::Task(Box::new(self.task(task)));
            let title = task.title.as_ref();
            self.add(&task.name.value, title, task.phase, task.workflow, kind);
        }
        for sync in model.syncs.values() {
            let kind = NodeKind::Sync(Box::new(self.sync(sync)));
            let title = sync.title.as_ref();
            self.add(&sync.name.value, title, sync.phase, sync.workflow, kind);
        }
        for milestone in model.milestones.values() {
            let due_ms = milestone
                .due
                .as_ref()
                .and_then(|d| self.anchor.due(d.value));
            self.add(
                &milestone.name.value,
                milestone.title.as_ref(),
                None,
                milestone.workflow,
                NodeKind::Milestone(Milestone { due_ms }),
            );
        }
    }

    fn task_node(id: TaskId) -> NodeId {
        Plan::task_node(id)
    }

    fn sync_node(&self, id: SyncId) -> NodeId {
        NodeId::from_index(self.model.tasks.len() + id.index())
    }

    fn milestone_node(&self, id: MilestoneId) -> NodeId {
        NodeId::from_index(self.model.tasks.len() + self.model.syncs.len() + id.index())
    }

    pub(crate) fn node_of(&self, work: WorkRef) -> NodeId {
        match work {
            WorkRef::Task(id) => Self::task_node(id),
            WorkRef::Sync(id) => self.sync_node(id),
            WorkRef::Milestone(id) => self.milestone_node(id),
            WorkRef::Phase(id) => self.phases[id].end,
        }
    }

    fn need(&mut self, of: NodeId, on: NodeId, origin: Origin, span: source::Span) {
        self.push_need(
            of,
            Need {
                on,
                or: Vec::new(),
                wanted: Wanted::Done,
                within: None,
                origin,
            },
            span,
        );
    }

    fn push_need(&mut self, of: NodeId, need: Need, span: source::Span) {
        if need.within.is_some() {
            self.drop_unlimited(of, &need);
        }
        self.nodes[of].needs.push(need);
        self.spans[of.index()].push(span);
    }

    /// A limit on something that the order of work makes it wait for anyway takes the place of
    /// that: else it would count from when there is nothing left to wait for.
    fn drop_unlimited(&mut self, of: NodeId, limited: &Need) {
        let same = |n: &Need| {
            n.on == limited.on
                && n.or.is_empty()
                && limited.or.is_empty()
                && n.within.is_none()
                && n.wanted == limited.wanted
        };
        if let Some(i) = self.nodes[of].needs.iter().position(same) {
            self.nodes[of].needs.remove(i);
            self.spans[of.index()].remove(i);
        }
    }

    fn join(&mut self, name: &str, phase: Option<PhaseId>, workflow: Option<WorkflowId>) -> NodeId {
        self.add(name, None, phase, workflow, NodeKind::Join)
    }

    // ---- order -------------------------------------------------------------------------------

    fn order_of_work(&mut self) {
        let model = self.model;
        self.phase_nodes();
        let bodies = model.workflows.values().flat_map(|w| &w.body);
        for work in model.body.iter().chain(bodies) {
            self.shape(work);
        }
        self.phase_order();
    }

    /// Gives every phase its end node; the inner structure follows in `shape`.
    fn phase_nodes(&mut self) {
        let model = self.model;
        for (id, phase) in model.phases.iter() {
            let end = match phase.sync {
                Some(sync) => self.sync_node(sync),
                None => self.join(&phase.name.value, Some(id), phase.workflow),
            };
            let weeks = phase.weeks.as_ref().and_then(|w| {
                let first = self.anchor.week_start(w.first)?;
                Some((first, w.last.and_then(|l| self.anchor.week_end(l))))
            });
            let window_ms = phase.window.as_ref().map_or(weeks, |w| {
                let (first, last) = w.value;
                Some((self.anchor.opening(first)?, self.anchor.deadline(last)))
            });
            self.phases.push(Phase {
                name: phase.name.value.clone(),
                title: self.title_of(phase.workflow, phase.title.as_ref()),
                open: None,
                end,
                window_ms,
                workflow: phase.workflow,
            });
        }
    }

    /// The nodes of `work` that wait for nothing inside it, and those that nothing inside waits
    /// for, by written order alone.
    fn shape(&mut self, work: &Work) -> (Vec<NodeId>, Vec<NodeId>) {
        match work {
            Work::Task(id) => one(Self::task_node(*id)),
            Work::Milestone(id) => one(self.milestone_node(*id)),
            Work::Sync(_) => (Vec::new(), Vec::new()),
            Work::Phase(id) => {
                self.phase_shape(*id);
                (Vec::new(), Vec::new())
            }
            Work::Parallel(inner, _) => {
                let (mut heads, mut tails) = (Vec::new(), Vec::new());
                for child in inner {
                    let (h, t) = self.shape(child);
                    heads.extend(h);
                    tails.extend(t);
                }
                (heads, tails)
            }
            Work::Sequence(inner, span) => self.sequence(inner, *span),
        }
    }

    fn sequence(&mut self, inner: &[Work], span: source::Span) -> (Vec<NodeId>, Vec<NodeId>) {
        let mut first = None;
        let mut tails: Vec<NodeId> = Vec::new();
        for child in inner {
            let (heads, ends) = self.shape(child);
            if heads.is_empty() {
                continue;
            }
            if first.is_none() {
                first = Some(heads.clone());
            } else {
                self.connect(&tails, &heads, span);
            }
            tails = ends;
        }
        (first.unwrap_or_default(), tails)
    }

    /// Every head waits for every tail; a join keeps that linear.
    fn connect(&mut self, tails: &[NodeId], heads: &[NodeId], span: source::Span) {
        let through = if tails.len() > 1 && heads.len() > 1 {
            let Node {
                phase, workflow, ..
            } = self.nodes[heads[0]];
            let join = self.join("sequence", phase, workflow);
            for tail in tails {
                self.need(join, *tail, Origin::Sequence, span);
            }
            vec![join]
        } else {
            tails.to_vec()
        };
        for head in heads {
            for tail in &through {
                self.need(*head, *tail, Origin::Sequence, span);
            }
        }
    }

    fn phase_shape(&mut self, id: PhaseId) {
        let phase = &self.model.phases[id];
        for work in &phase.body {
            self.shape(work);
        }
        let end = self.phases[id].end;
        let span = phase.name.span;
        for node in self.inside(id) {
            self.need(end, node, Origin::Phase, span);
        }
    }

    /// Tasks and milestones of a phase, however deep.
    fn inside(&self, id: PhaseId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut stack: Vec<&Work> = self.model.phases[id].body.iter().rev().collect();
        while let Some(work) = stack.pop() {
            match work {
                Work::Task(task) => found.push(Self::task_node(*task)),
                Work::Milestone(milestone) => found.push(self.milestone_node(*milestone)),
                Work::Parallel(inner, _) | Work::Sequence(inner, _) => {
                    stack.extend(inner.iter().rev())
                }
                Work::Phase(_) | Work::Sync(_) => {}
            }
        }
        found
    }

    fn phase_order(&mut self) {
        let model = self.model;
        for (id, phase) in model.phases.iter() {
            let span = phase.after.as_ref().map_or(phase.name.span, |a| a.span);
            self.phases[id].open = match phase.after.as_ref().map(|a| &a.value) {
                None => self.phase_before(id).map(|before| self.phases[before].end),
                Some(After::Start | After::StartOf(_)) => None,
                Some(After::Phases(phases)) => match phases.as_slice() {
                    [one] => Some(self.phases[*one].end),
                    many => Some(self.join_of(&phase.name.value, many, span)),
                },
            };
        }
        for (id, phase) in model.phases.iter() {
            let span = phase.after.as_ref().map_or(phase.name.span, |a| a.span);
            if let Some(After::StartOf(_)) = phase.after.as_ref().map(|a| &a.value) {
                self.phases[id].open = self
                    .opens_with(id)
                    .and_then(|other| self.phases[other].open);
            }
            self.open_phase(id, span);
        }
    }

    /// The phase of the same workflow that is written before.
    fn phase_before(&self, id: PhaseId) -> Option<PhaseId> {
        let workflow = self.model.phases[id].workflow;
        (0..id.index())
            .rev()
            .map(PhaseId::from_index)
            .find(|p| self.model.phases[*p].workflow == workflow)
    }

    /// The phase at the end of a chain of `after start of`, which may lead to later ones; None,
    /// and a report at the first of them, when it leads back.
    fn opens_with(&mut self, id: PhaseId) -> Option<PhaseId> {
        let mut way = vec![id];
        let mut at = id;
        while let Some(After::StartOf(next)) =
            self.model.phases[at].after.as_ref().map(|a| &a.value)
        {
            at = *next;
            if at == id {
                if way.iter().all(|p| *p >= id) {
                    self.start_loop(&way);
                }
                return None;
            }
            if way.contains(&at) {
                return None;
            }
            way.push(at);
        }
        Some(at)
    }

    fn start_loop(&mut self, way: &[PhaseId]) {
        let model = self.model;
        let names: Vec<String> = way
            .iter()
            .map(|p| format!("`{}`", model.phases[*p].name.value))
            .collect();
        let message = format!(
            "phases that start with each other never start: {} → {}",
            names.join(" → "),
            names[0]
        );
        let at = |p: PhaseId| {
            model.phases[p]
                .after
                .as_ref()
                .map_or(model.phases[p].name.span, |a| a.span)
        };
        let mut d = Diagnostic::new("E0301", at(way[0]), message)
            .label("leads back")
            .help("let one of them come `after start`");
        for phase in &way[1..] {
            d = d.related(at(*phase), "through this");
        }
        self.diagnostics.push(d);
    }

    fn join_of(&mut self, name: &str, phases: &[PhaseId], span: source::Span) -> NodeId {
        let ends: Vec<NodeId> = phases.iter().map(|p| self.phases[*p].end).collect();
        let workflow = phases.first().and_then(|p| self.model.phases[*p].workflow);
        let join = self.join(&format!("{name} opens"), None, workflow);
        for end in ends {
            self.need(join, end, Origin::Phase, span);
        }
        join
    }

    /// Everything in the phase waits for its opening; what waits for something else inside the
    /// phase by order does so already.
    fn open_phase(&mut self, id: PhaseId, span: source::Span) {
        let window = self.phases[id]
            .window_ms
            .map(|(first, _)| first)
            .filter(|first| *first > 0);
        let open = self.phases[id].open;
        let mut inside = self.inside(id);
        if inside.is_empty() {
            inside.push(self.phases[id].end);
        }
        for node in inside {
            self.nodes[node].not_before_ms = window;
            let ordered = self.nodes[node]
                .needs
                .iter()
                .any(|n| n.origin == Origin::Sequence);
            if let Some(open) = open
                && !ordered
            {
                self.need(node, open, Origin::Phase, span);
            }
        }
    }

    // ---- declared needs ----------------------------------------------------------------------

    fn declared_needs(&mut self) {
        let model = self.model;
        for (id, task) in model.tasks.iter() {
            let node = Self::task_node(id);
            self.add_needs(node, &task.needs);
            for artifact in &task.needs_artifacts {
                if let Some(producer) = artifact.producer {
                    self.need(
                        node,
                        Self::task_node(producer),
                        Origin::Artifact,
                        artifact.span,
                    );
                }
            }
            let wants = task.wants.iter().map(|w| Want {
                on: self.node_of(w.on),
                within_ms: w.within_ms,
            });
            let wants: Vec<Want> = wants.collect();
            self.nodes[node].wants = wants;
        }
        for (id, milestone) in model.milestones.iter() {
            let node = self.milestone_node(id);
            self.add_needs(node, &milestone.needs);
        }
    }

    fn add_needs(&mut self, node: NodeId, needs: &[model::Need]) {
        for need in needs {
            let wanted = match need.wanted {
                model::Wanted::Done => Wanted::Done,
                model::Wanted::Failed => Wanted::Failed,
                model::Wanted::Finished => Wanted::Finished,
                model::Wanted::Skipped => Wanted::Skipped,
            };
            let within = need.within.as_ref().map(|l| Box::new(self.limit(l)));
            self.push_need(
                node,
                Need {
                    on: self.node_of(need.on),
                    or: need.or.iter().map(|w| self.node_of(*w)).collect(),
                    wanted,
                    within,
                    origin: Origin::Declared,
                },
                need.span,
            );
        }
    }

    // ---- values ------------------------------------------------------------------------------

    fn task(&self, task: &model::Task) -> Task {
        let day_ms = self.day_of(task);
        let estimate = task.takes.as_ref().map(|e| Estimate {
            low: Span::from_effort(e.low, day_ms),
            likely: Span::from_effort(e.likely, day_ms),
            high: Span::from_effort(e.high, day_ms),
        });
        let deadline = task
            .deadline
            .as_ref()
            .and_then(|d| self.anchor.deadline(d.value));
        let due = task.due.as_ref().and_then(|d| self.anchor.due(d.value));
        Task {
            by: match task.by.as_ref().map(|b| &b.value) {
                None => By::All(vec![Model::LOCAL]),
                Some(model::By::All(agents)) => By::All(agents.clone()),
                Some(model::By::Any(agents)) => By::Any(agents.clone()),
            },
            when: task.when.as_ref().map(|e| self.expr(&e.value)),
            estimate,
            program: task.run.as_ref().map(|p| self.program(p)),
            steps: (task.steps.iter())
                .map(|step| self.words(task.workflow, step))
                .collect(),
            doc: task.doc.clone(),
            writes: task
                .writes
                .iter()
                .map(|g| g.value.as_str().to_string())
                .collect(),
            reads: task
                .reads
                .iter()
                .map(|g| g.value.as_str().to_string())
                .collect(),
            produces: (task.produces.iter())
                .map(|a| self.artifact(task.workflow, a))
                .collect(),
            takes_artifacts: (task.needs_artifacts.iter())
                .map(|need| self.taken(task.workflow, need))
                .collect(),
            uses: task.uses.iter().map(|u| (u.resource, u.amount)).collect(),
            priority: task.priority as u8,
            deadline_ms: match (deadline, due) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            requires: task.requires.iter().map(|g| g.value).collect(),
            ensures: (task.ensures.iter().map(|g| g.value))
                .chain(self.applied(task))
                .collect(),
            approvals: (task.approvals.iter().map(|a| self.approval(a)))
                .chain(self.of_domain(task))
                .collect(),
            timeout_ms: task.timeout_ms.as_ref().map(|t| t.value),
            retry: task.retry.as_ref().map(retry),
            idempotent: task.idempotent,
            env: task
                .env
                .iter()
                .map(|(k, v)| (k.clone(), self.fill(v)))
                .collect(),
            dir: (task.dir.as_ref()).map(|d| self.words(task.workflow, &d.value)),
            on_fail: match task.on_fail {
                model::OnFail::Block => OnFail::Block,
                model::OnFail::Halt => OnFail::Halt,
                model::OnFail::Skip => OnFail::Skip,
            },
            more: self.more(task),
        }
    }

    /// The working time of a day of those who do a task: of the shortest of their days. A machine
    /// without hours of its own has none.
    fn day_of(&self, task: &model::Task) -> i64 {
        let doers = task.by.iter().flat_map(|by| by.value.agents());
        let days = doers.filter_map(|agent| {
            let agent = &self.model.agents[*agent];
            match own_hours(self.model, agent) {
                Some(hours) => Some(hours.day_ms()),
                None if matches!(agent.driver, model::Driver::Human) => Some(self.hours.day_ms()),
                None => None,
            }
        });
        days.min().unwrap_or_else(|| self.hours.day_ms())
    }

    /// What only some tasks have; None for all others.
    fn more(&self, task: &model::Task) -> Option<Box<TaskRules>> {
        let more = TaskRules {
            ask: task.ask.as_ref().map(|a| self.fill(&a.value)),
            call: (task.call.as_ref()).map(|c| (c.workflow, self.arguments(&c.arguments))),
            undo: task.undo.as_ref().map(|p| self.program(p)),
            handoff: task.handoff.as_ref().map(|h| h.value),
            domain: task.domain.as_ref().map(|d| d.value),
            secrets: (task.secrets.iter())
                .map(|s| self.model.secrets[s.value].name.value.clone())
                .collect(),
            isolate: task.isolate,
            after_hours: task.after_hours,
            on_fail: task
                .on_fail_do
                .as_ref()
                .map_or_else(Vec::new, |c| self.chain(c)),
            criticality: task.criticality.as_ref().map(|c| {
                let known = model::Criticality::ALL.iter().find(|(_, k)| *k == c.value);
                known.map_or("", |(name, _)| name).to_string()
            }),
        };
        (more != TaskRules::default()).then(|| Box::new(more))
    }

    /// Gates that apply to this task without being named in it.
    fn applied(&self, task: &model::Task) -> impl Iterator<Item = coord_lang::ids::GateId> {
        let by: Vec<_> = task.by.iter().flat_map(|b| b.value.agents()).collect();
        let domain = task.domain.as_ref().map(|d| d.value);
        let gates = self.model.gates.iter().filter(|(id, gate)| {
            let agent = gate.applies_to.iter().any(|a| by.contains(&a));
            let named = task.ensures.iter().any(|g| g.value == *id);
            let domain = domain.is_some_and(|d| gate.applies_to_domains.contains(&d));
            (agent || domain) && !named
        });
        gates.map(|(id, _)| id).collect::<Vec<_>>().into_iter()
    }

    /// What the task's domain adds: its approvals, and one of its reviewers.
    fn of_domain(&self, task: &model::Task) -> Vec<Approval> {
        let Some(domain) = task.domain.as_ref().map(|d| &self.model.domains[d.value]) else {
            return Vec::new();
        };
        let mut found: Vec<Approval> = domain.approvals.iter().map(|a| self.approval(a)).collect();
        let doers: Vec<_> = task.by.iter().flat_map(|b| b.value.agents()).collect();
        let reviewers: Vec<_> = (domain.reviewers.iter())
            .flat_map(|p| p.agents.iter().copied())
            .filter(|a| !doers.contains(&a))
            .collect();
        if !reviewers.is_empty() {
            found.push(Approval {
                quorum: 1,
                of: reviewers,
                within: None,
            });
        }
        found
    }

    fn artifact(&self, workflow: Option<WorkflowId>, from: &model::Artifact) -> Artifact {
        Artifact {
            name: from.name.value.clone(),
            title: self.title_of(workflow, from.title.as_ref()),
            path: (from.path.as_ref()).map(|p| self.words(workflow, &p.value)),
        }
    }

    /// The path of a needed artifact: from the task that makes it, else from the promise.
    fn taken(
        &self,
        workflow: Option<WorkflowId>,
        need: &model::NeedArtifact,
    ) -> (String, Option<String>) {
        let agent = &self.model.agents[need.agent];
        let made = need
            .producer
            .iter()
            .flat_map(|t| &self.model.tasks[*t].produces)
            .chain(&agent.produces);
        let path = made
            .filter(|a| a.name.value == need.artifact)
            .find_map(|a| a.path.as_ref());
        (
            format!("{}.{}", agent.name.value, need.artifact),
            path.map(|p| self.words(workflow, &p.value)),
        )
    }

    pub(crate) fn program(&self, program: &model::Program) -> Program {
        match program {
            model::Program::Argv(argv, _) => {
                Program::Argv(argv.iter().map(|a| self.fill(&a.value)).collect())
            }
            model::Program::Script { language, text, .. } => {
                let known = INTERPRETERS
                    .iter()
                    .find(|(name, _)| *name == language.value);
                let interpreter = known.map_or(language.value.as_str(), |(_, program)| program);
                Program::Script {
                    language: interpreter.to_string(),
                    text: text.clone(),
                }
            }
        }
    }

    fn sync(&self, sync: &model::Sync) -> Sync {
        Sync {
            participants: sync.participants.clone(),
            requires: sync
                .requires
                .iter()
                .map(|r| Requirement {
                    text: self.words(sync.workflow, &r.text.value),
                    by: if r.by.is_empty() {
                        sync.participants.clone()
                    } else {
                        r.by.clone()
                    },
                })
                .collect(),
            gates: sync.gates.iter().map(|g| g.value).collect(),
            agenda: (sync.agenda.iter())
                .map(|line| self.words(sync.workflow, line))
                .collect(),
            within: sync.within.as_ref().map(|l| self.limit(l)),
        }
    }

    fn gate(&self, gate: &model::Gate) -> Gate {
        Gate {
            name: gate.name.value.clone(),
            title: gate.title.clone(),
            checks: gate.checks.iter().map(|c| self.check(c)).collect(),
            approvals: gate.approvals.iter().map(|a| self.approval(a)).collect(),
            on_fail: match gate.on_fail {
                model::GateFailure::Halt => GateFailure::Halt,
                model::GateFailure::Warn => GateFailure::Warn,
                model::GateFailure::Retry(n) => GateFailure::Retry(n),
            },
            on_fail_do: gate
                .on_fail_do
                .as_ref()
                .map_or_else(Vec::new, |c| self.chain(c)),
        }
    }

    pub(crate) fn check(&self, check: &model::Check) -> Check {
        Check {
            title: check.title.value.clone(),
            evidence: match &check.evidence {
                model::Evidence::Run(program) => Evidence::Run(self.program(program)),
                model::Evidence::When(expr) => Evidence::When(self.expr(expr)),
                model::Evidence::Person(agents) => Evidence::Person(agents.clone()),
                model::Evidence::Exists(path) => Evidence::Exists(path.clone()),
            },
        }
    }

    pub(crate) fn limit(&self, from: &model::Limit) -> Limit {
        Limit {
            ms: from.ms,
            otherwise: match from.otherwise {
                _ if from.also.as_ref().is_some_and(|c| escalates(c)) => Otherwise::Escalate,
                model::Otherwise::Fail => Otherwise::Fail,
                model::Otherwise::Skip => Otherwise::Skip,
                model::Otherwise::Proceed => Otherwise::Proceed,
                model::Otherwise::Halt => Otherwise::Halt,
            },
            also: from.also.as_ref().map_or_else(Vec::new, |c| self.chain(c)),
        }
    }

    pub(crate) fn approval(&self, from: &model::Approval) -> Approval {
        Approval {
            quorum: from.quorum,
            of: from.of.clone(),
            within: from.within.as_ref().map(|l| self.limit(l)),
        }
    }

    fn workflow(&self, workflow: WorkflowId, from: &model::Workflow) -> plan::Workflow {
        let params = from.params.iter().map(|id| {
            let param = &self.model.params[*id];
            // of the workflow that the run is about, the value that it was given
            let given = self
                .value_text(*id)
                .filter(|_| self.entry == Some(workflow));
            let default = param.default.as_ref().map(|d| d.value.clone());
            (param.name.value.clone(), given.or(default))
        });
        plan::Workflow {
            name: from.name.value.clone(),
            title: self.title_of(Some(workflow), from.title.as_ref()),
            params: params.collect(),
            param_ids: from.params.clone(),
            every: from.every.as_ref().map(|e| self.every(&e.value)),
        }
    }

    fn agent(&self, agent: &model::Agent, wave: u32) -> Agent {
        Agent {
            name: agent.name.value.clone(),
            title: agent.title.clone(),
            role: agent.role.clone(),
            capacity: agent.capacity,
            driver: self.driver(&agent.driver),
            env: agent.env.clone(),
            wave,
            profile: self.profile(agent),
        }
    }

    fn profile(&self, agent: &model::Agent) -> Option<Box<Profile>> {
        let mut profile = profile(self.model, agent);
        if let Some(health) = &agent.health {
            profile.get_or_insert_default().health = Some(plan::Health {
                program: self.program(&health.run),
                every_ms: health.every_ms,
            });
        }
        profile
    }

    fn driver(&self, from: &model::Driver) -> Driver {
        let words = |argv: &[source::Spanned<Template>]| -> Vec<String> {
            argv.iter().map(|a| self.fill(&a.value)).collect()
        };
        match from {
            model::Driver::Shell => Driver::Shell,
            model::Driver::Human => Driver::Human,
            model::Driver::Http(url) => Driver::Http(url.value.clone()),
            model::Driver::Acp(argv) => Driver::Acp(words(argv)),
            model::Driver::Mcp { argv, tool } => Driver::Mcp {
                argv: words(argv),
                tool: tool.clone(),
            },
            model::Driver::McpWeb { url, tool } => Driver::McpWeb {
                url: url.value.clone(),
                tool: tool.clone(),
            },
            model::Driver::A2a(url) => Driver::A2a(url.value.clone()),
            model::Driver::Remote(label) => Driver::Remote(label.clone()),
        }
    }

    // ---- the whole ---------------------------------------------------------------------------

    fn finish(mut self, waves: Vec<u32>) -> Frozen {
        let edges: Vec<Edge> = self.edges();
        self.apart(&edges);
        let graph = Graph::new(
            self.nodes.len(),
            edges.iter().map(|e| (e.from.index(), e.to.index())),
        );
        let order = match graph.topological() {
            Ok(order) => order,
            Err(components) => {
                let reports = cycles::explain(self.model, &self.nodes, &edges, &graph, &components);
                self.diagnostics.extend(reports);
                return Frozen {
                    plan: None,
                    diagnostics: self.diagnostics,
                };
            }
        };
        self.rank(&order);
        let model = self.model;
        let mut resources: Table<_, Resource> = model
            .resources
            .values()
            .map(|r| Resource {
                name: r.name.value.clone(),
                title: r.title.clone(),
                capacity: r.capacity,
                claim: false,
            })
            .collect();
        claims::add(model, &mut resources, &mut self.nodes);
        let rules = self.rules();
        let workflows = (model.workflows.iter())
            .map(|(id, w)| self.workflow(id, w))
            .collect();
        let plan = Plan {
            ir: IR,
            project: model
                .project
                .name
                .as_ref()
                .map_or_else(String::new, |n| n.value.clone()),
            title: model.project.title.clone(),
            origin_ms: self.anchor.origin_ms,
            timezone: self.anchor.zone.iana_name().unwrap_or("UTC").to_string(),
            hours: self.hours.clone(),
            parallel: model.project.parallel.as_ref().map(|p| p.value),
            stop_on_failure: model.project.on_failure == OnFailure::Stop,
            agents: model
                .agents
                .iter()
                .map(|(id, a)| self.agent(a, waves[id.index()]))
                .collect(),
            resources,
            gates: model.gates.values().map(|g| self.gate(g)).collect(),
            phases: self.phases,
            nodes: self.nodes,
            order: order.into_iter().map(NodeId::from_index).collect(),
            workflows,
            entry: self.entry,
            secrets: model.secrets.values().map(secret).collect(),
            rules,
        };
        Frozen {
            plan: Some(plan),
            diagnostics: self.diagnostics,
        }
    }

    /// E0316: work that waits for work of another workflow, which may never start.
    fn apart(&mut self, edges: &[Edge]) {
        for edge in edges {
            let (from, to) = (&self.nodes[edge.from], &self.nodes[edge.to]);
            if from.workflow == to.workflow {
                continue;
            }
            let home = |of: &Node| match of.workflow {
                Some(id) => format!("workflow `{}`", self.model.workflows[id].name.value),
                None => "the main workflow".to_string(),
            };
            let d = Diagnostic::new(
                "E0316",
                edge.span,
                format!(
                    "`{}` of {} waits for `{}` of {}",
                    to.name,
                    home(to),
                    from.name,
                    home(from)
                ),
            )
            .label("another workflow")
            .help("each workflow has a graph of its own: start the other one with `call`");
            self.diagnostics.push(d);
        }
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (to, node) in self.nodes.iter() {
            for (need, span) in node.needs.iter().zip(&self.spans[to.index()]) {
                edges.extend(need.nodes().map(|from| Edge {
                    from,
                    to,
                    origin: need.origin,
                    span: *span,
                }));
            }
        }
        edges
    }

    /// The longest way from each node's start to the end, in ms of likely estimates. A working
    /// hour counts for the 4.2 hours of the week that it stands for.
    fn rank(&mut self, order: &[usize]) {
        let mut rank = vec![0i64; order.len()];
        for index in order.iter().rev() {
            let id = NodeId::from_index(*index);
            let own = match &self.nodes[id].kind {
                NodeKind::Task(task) => task.estimate.map_or(0, |e| weight(e.likely)),
                NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => 0,
            };
            let total = rank[*index].saturating_add(own);
            self.nodes[id].rank_ms = total;
            for need in &self.nodes[id].needs {
                for before in need.nodes() {
                    rank[before.index()] = rank[before.index()].max(total);
                }
            }
        }
    }
}

fn weight(span: plan::Span) -> i64 {
    if span.working {
        span.ms.saturating_mul(168) / 40
    } else {
        span.ms
    }
}

fn one(node: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
    (vec![node], vec![node])
}

fn secret(secret: &model::Secret) -> Secret {
    Secret {
        name: secret.name.value.clone(),
        from: match &secret.from {
            model::SecretSource::Env(variable) => SecretSource::Env(variable.clone()),
            model::SecretSource::File(path) => SecretSource::File(path.clone()),
        },
    }
}

/// The calendar that an agent names.
fn own_hours(model: &Model, agent: &model::Agent) -> Option<Hours> {
    let calendar = agent.calendar.as_ref()?;
    Some(Hours::of(&model.calendars[calendar.value]))
}

/// What the brief of an agent and the rules about it need; None for a plain one.
fn profile(model: &Model, agent: &model::Agent) -> Option<Box<Profile>> {
    let globs = |owns: &model::Owns| owns.glob.value.as_str().to_string();
    let profile = Profile {
        tier: (agent.tier.as_ref()).map(|t| {
            let tier = &model.tiers[t.value];
            (tier.name.value.clone(), tier.rank)
        }),
        focus: agent.focus.clone(),
        authority: agent.authority.clone(),
        contact: agent.contact.clone(),
        does: agent.does.clone(),
        tools: agent.tools.clone(),
        owns: agent.owns.iter().map(globs).collect(),
        shared: (agent.owns.iter().filter(|o| o.shared))
            .map(globs)
            .collect(),
        except: (agent.owns.iter())
            .flat_map(|owns| {
                let of = globs(owns);
                let except = owns.except.iter();
                except.map(move |e| (of.clone(), e.value.as_str().to_string()))
            })
            .collect(),
        skills: agent.skills.iter().map(|s| s.value.clone()).collect(),
        standby: agent.standby.iter().map(|s| s.value).collect(),
        secrets: (agent.secrets.iter())
            .map(|s| model.secrets[s.value].name.value.clone())
            .collect(),
        auth: agent.auth.as_ref().map(|of| plan::Auth {
            secret: model.secrets[of.secret].name.value.clone(),
            header: of.header.clone(),
        }),
        callback: agent.callback.as_ref().map(|of| plan::Callback {
            secret: model.secrets[of.secret].name.value.clone(),
            at: of.at.value.clone(),
        }),
        hours: own_hours(model, agent),
        health: None,
    };
    (profile != Profile::default()).then(|| Box::new(profile))
}

fn retry(retry: &model::Retry) -> Retry {
    Retry {
        times: retry.times,
        every_ms: retry.every_ms,
        factor_milli: retry.factor_milli,
        up_to_ms: retry.up_to_ms,
        on_exit: retry
            .on
            .iter()
            .filter_map(|on| {
                if let RetryOn::Exit(code) = on {
                    Some(*code)
                } else {
                    None
                }
            })
            .collect(),
        on_timeout: retry.on.contains(&RetryOn::Timeout),
    }
}

/// True when a chain ends with people who decide what becomes of it.
fn escalates(chain: &model::Chain) -> bool {
    chain
        .actions()
        .any(|action| matches!(action, model::Action::Escalate { .. }))
}
