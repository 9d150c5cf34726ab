//! Tasks.

use super::args::{Args, shown};
use super::declare::Declared;
use super::{Field, Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{AgentId, TaskId};
use crate::model::{
    By, Criticality, Due, Need, NeedArtifact, Priority, Program, Retry, RetryOn, Template, Uses,
    Want, Wanted, WorkRef,
};
use crate::schema::{Place, closest};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};
use crate::time::{DAY_MS, Effort, Estimate};
use crate::value;

impl<'s> Lower<'_, 's> {
    pub(super) fn tasks(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = crate::schema::find(Place::File, "task") else {
            return;
        };
        for (id, statement) in &declared.tasks {
            self.incomplete = statement.is_broken();
            self.each.clone_from(&self.model.tasks[*id].each);
            let inner = statement.block.iter().flat_map(|b| b.statements());
            let each = inner.filter(|s| s.word == "each" && !self.each.is_empty());
            let names = each.filter_map(|s| s.args.first());
            self.each_places = names.filter_map(|a| Some((a.word()?, a.span))).collect();
            self.workflow = self.model.tasks[*id].workflow;
            self.situation = self.situation_in(self.workflow);
            let mut args = Args::new(statement, row);
            args.next();
            self.model.tasks[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            // who does it decides what a command is, wherever the lines stand
            let (by, rest): (Vec<_>, Vec<_>) = (self.fields(Place::Task, statement).into_iter())
                .partition(|field| field.row.word == "by");
            for field in by.iter().chain(&rest) {
                self.task_field(*id, field);
            }
            if self.incomplete {
                self.facts.incomplete_tasks.insert(*id);
            }
        }
        self.incomplete = false;
        self.each.clear();
        self.each_places.clear();
        self.workflow = None;
        self.situation = None;
        self.suspicious_minutes();
    }

    fn task_field(&mut self, id: TaskId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "by" => {
                let by = self.by(&mut args);
                self.model.tasks[id].by = by;
            }
            "needs" => {
                self.needs(id, &mut args);
            }
            "wants" => self.wants(id, &mut args),
            "when" => {
                let condition = self.condition(&mut args);
                self.model.tasks[id].when = condition;
            }
            "takes" => {
                let takes = self.estimate(&mut args);
                self.model.tasks[id].takes = takes;
            }
            "run" => {
                let program = self.task_program(id, &mut args);
                self.model.tasks[id].run = program;
            }
            "ask" => self.model.tasks[id].ask = self.prompt(&mut args),
            "call" => self.model.tasks[id].call = self.call(&mut args),
            "undo" => {
                if args.eat("run").is_none() {
                    args.expected(self, "`run` and a program");
                    return;
                }
                self.model.tasks[id].undo = self.program(&mut args);
            }
            "domain" => {
                let named = args.named(self, Kind::Domain, "a domain");
                self.model.tasks[id].domain = named;
            }
            "handoff" => {
                let named = args.named(self, Kind::Handoff, "a handoff");
                self.model.tasks[id].handoff = named;
            }
            "secret" => {
                let secrets = args.all_named(self, Kind::Secret, "a secret");
                self.model.tasks[id].secrets.extend(secrets);
            }
            "isolate" => {
                args.choice(self, "a way to work apart", &[("worktree", ())]);
                self.model.tasks[id].isolate = true;
            }
            "after" => {
                if args.eat("hours").is_none() || args.eat("ok").is_none() {
                    args.expected(self, "`hours ok`");
                    return;
                }
                self.model.tasks[id].after_hours = true;
            }
            "meta" => {
                let pair = self.meta(&mut args);
                self.model.tasks[id].meta.extend(pair);
            }
            "do" => {
                let step = args.text(self, "a text in quotes");
                self.model.tasks[id].steps.extend(step.map(|t| t.value));
            }
            "writes" => {
                let globs = self.globs(&mut args);
                self.model.tasks[id].writes.extend(globs);
                self.count_globs(id, args.statement.word_span);
            }
            "reads" => {
                let globs = self.globs(&mut args);
                self.model.tasks[id].reads.extend(globs);
                self.count_globs(id, args.statement.word_span);
            }
            "produces" => {
                let artifact = self.artifact(&mut args);
                self.model.tasks[id].produces.extend(artifact);
            }
            "uses" => self.uses(id, &mut args),
            "priority" => {
                if let Some(p) = args.choice(self, "a priority", &Priority::ALL) {
                    self.model.tasks[id].priority = p.value;
                }
            }
            "deadline" => self.model.tasks[id].deadline = args.moment(self, "a day"),
            "due" => {
                let due = self.due(&mut args);
                self.model.tasks[id].due = due;
            }
            "criticality" => {
                self.model.tasks[id].criticality =
                    args.choice(self, "a criticality", &Criticality::ALL)
            }
            "requires" => {
                let gates = self.gates(&mut args);
                self.model.tasks[id].requires.extend(gates);
            }
            "ensures" => {
                let gates = self.gates(&mut args);
                self.model.tasks[id].ensures.extend(gates);
            }
            "approve" => {
                let approval = self.approval(&mut args);
                self.model.tasks[id].approvals.extend(approval);
                return;
            }
            "timeout" => self.timeout(id, &mut args),
            "retry" => {
                let retry = self.retry(&mut args);
                self.model.tasks[id].retry = retry;
            }
            // read when the task was declared
            "each" => return,
            "idempotent" => self.model.tasks[id].idempotent = true,
            "env" => {
                if let Some((name, _)) = self.env_name(&mut args)
                    && let Some(value) = args.template(self, "a value in quotes")
                {
                    self.model.tasks[id].env.push((name, value.value));
                }
            }
            "dir" => {
                let dir = args.text(self, "a path in quotes");
                if let Some(dir) = &dir {
                    self.path_stays_inside(dir);
                }
                self.model.tasks[id].dir = dir;
            }
            "on" => {
                let Some((on_fail, on_fail_do)) = self.on_fail(&mut args) else {
                    return;
                };
                let task = &mut self.model.tasks[id];
                task.on_fail = on_fail;
                task.on_fail_do = on_fail_do;
            }
            _ => {}
        }
        args.end(self);
    }

    /// `A`, `[A, B]`, `any of G`, `any of [A, B]`.
    fn by(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<By>> {
        let start = args.statement.head_span();
        if args.eat("who").is_some() {
            return self
                .able(args)
                .map(|agents| Spanned::new(By::Any(agents), start));
        }
        if args.follows("any", "of") && args.eat("any").is_some() {
            args.eat("of");
            let agents = self.agents_of(args, "a group or a list of agents")?;
            return (!agents.is_empty()).then(|| Spanned::new(By::Any(agents), start));
        }
        if let Some(Arg {
            kind: ArgKind::Word("any"),
            ..
        }) = args.peek()
        {
            args.next();
            let able = self.workers();
            return (!able.is_empty()).then(|| Spanned::new(By::Any(able), start));
        }
        // `local` may be written out
        let agents = self.agents_of(args, "an agent")?;
        (!agents.is_empty()).then(|| Spanned::new(By::All(agents), start))
    }

    /// `can SKILL`: everybody who can.
    fn able(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<AgentId>> {
        if args.eat("can").is_none() {
            args.expected(self, "`can` and a skill, as in `by who can review`");
            return None;
        }
        let Some((skill, span)) = args.word() else {
            args.expected(self, "a skill");
            return None;
        };
        let able: Vec<AgentId> = (self.model.agents.iter())
            .filter(|(_, agent)| agent.skills.iter().any(|s| s.value == skill))
            .map(|(id, _)| id)
            .collect();
        if able.is_empty() {
            let mut known: Vec<&str> = (self.model.agents.values())
                .flat_map(|a| a.skills.iter().map(|s| s.value.as_str()))
                .collect();
            known.sort_unstable();
            known.dedup();
            let near = closest(skill, known.iter().copied());
            let d = Diagnostic::new("E0208", span, format!("no agent can `{skill}`"))
                .label("selects nobody");
            let d = match near.first() {
                Some(meant) => d.fix(
                    span,
                    (*meant).to_string(),
                    format!("did you mean `{meant}`?"),
                ),
                None => d.help(format!("write `can {skill}` in the agents who can")),
            };
            self.report(d);
            return None;
        }
        Some(able)
    }

    /// A text or a fence without a tag of an interpreter.
    fn prompt(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Template>> {
        if let Some(Arg {
            kind: ArgKind::Fence(fence),
            span,
        }) = args.peek()
        {
            args.next();
            return Some(Spanned::new(Template::text(fence.text.trim_end()), *span));
        }
        args.template(self, "a text in quotes, or a fence")
    }

    /// A program, or the name of a command of the agent who does the task.
    fn task_program(&mut self, id: TaskId, args: &mut Args<'_, 's>) -> Option<Program> {
        let Some((name, span)) = args.word() else {
            return self.program(args);
        };
        let doers = self.model.tasks[id]
            .by
            .iter()
            .flat_map(|b| b.value.agents());
        let known: Vec<&(Spanned<String>, Program)> = doers
            .flat_map(|a| self.model.agents[*a].commands.iter())
            .collect();
        if let Some((_, program)) = known.iter().find(|(n, _)| n.value == name) {
            return Some(program.clone());
        }
        let near = closest(name, known.iter().map(|(n, _)| n.value.as_str()));
        let d = Diagnostic::new(
            "E0201",
            span,
            format!("no command named `{name}` of the agent who does this"),
        )
        .label("not declared");
        let d = match near.first() {
            Some(meant) => d.fix(
                span,
                (*meant).to_string(),
                format!("did you mean `{meant}`?"),
            ),
            None => d.help(format!(
                "write `command {name} [\"program\"]` in the agent, or a list: `run [\"{name}\"]`"
            )),
        };
        self.report(d);
        None
    }

    pub(super) fn gates(&mut self, args: &mut Args<'_, 's>) -> Vec<Spanned<crate::ids::GateId>> {
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
        {
            args.expected(self, "a gate");
            return Vec::new();
        }
        let word = args.statement.word;
        let mut found = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => {
                    let gate = self.gate_named(name, *span);
                    found.extend(gate.map(|g| Spanned::new(g, *span)));
                }
                other => self.not_a_name(other, word),
            }
        }
        found
    }

    /// Adds what follows `needs` to a task.
    fn needs(&mut self, id: TaskId, args: &mut Args<'_, 's>) {
        let before = self.out.len();
        if let Some((needs, artifacts)) = self.need(args, Some(id)) {
            let fit = self.count_edges(needs.len(), args.statement.word_span);
            let task = &mut self.model.tasks[id];
            if fit {
                task.needs.extend(needs);
            }
            if !artifacts.is_empty() {
                task.needs_artifacts.extend(artifacts);
            }
        }
        if self.out[before..].iter().any(Diagnostic::is_error) {
            self.facts.incomplete_graph = true;
        }
        let count = self.model.tasks[id].needs.len();
        if count > self.limits.needs {
            let limit = self.limits.needs;
            self.report(
                Diagnostic::new(
                    "E0908",
                    args.statement.word_span,
                    format!("this task needs {count} others; the limit `needs` is {limit}"),
                )
                .label("too many")
                .help("put a milestone between them"),
            );
        }
    }

    /// False where the project's dependencies become too many, which is said once, and from there
    /// on.
    pub(super) fn count_edges(&mut self, more: usize, span: Span) -> bool {
        let limit = self.limits.edges;
        let before = self.edges;
        self.edges += more;
        if before <= limit && self.edges > limit {
            self.report(
                Diagnostic::new(
                    "E0908",
                    span,
                    format!("the tasks up to here need more than {limit} others; the limit `edges` is {limit}"),
                )
                .label("one too many")
                .help("put a milestone between many and many, or raise it with `--limit edges=N`"),
            );
        }
        self.edges <= limit
    }

    /// The needs of a task or a milestone.
    pub(super) fn need(
        &mut self,
        args: &mut Args<'_, 's>,
        own: Option<TaskId>,
    ) -> Option<(Vec<Need>, Vec<NeedArtifact>)> {
        let span = args.statement.head_span();
        if args.eat("any").is_some() {
            if args.eat("of").is_none() {
                args.expected(self, "`of` and a list, as in `needs any of [a, b]`");
                return None;
            }
            let words = self.work_words(args)?;
            let works: Vec<WorkRef> = words
                .into_iter()
                .flat_map(|(w, s)| self.works_named(w, s))
                .collect();
            let (wanted, within) = self.need_tail(args)?;
            let need = works.split_first().map(|(on, or)| Need {
                on: *on,
                or: or.to_vec(),
                wanted,
                within: within.map(Box::new),
                span,
            });
            return Some((need.into_iter().collect(), Vec::new()));
        }
        let words = self.work_words(args)?;
        let (wanted, within) = self.need_tail(args)?;
        let within = within.map(Box::new);
        let mut needs = Vec::new();
        let mut artifacts = Vec::new();
        for (word, at) in words {
            if word == "all" {
                needs.extend(self.all_others(own, at, wanted));
            } else if let Some((agent, artifact)) = self.bare(word).split_once('.') {
                artifacts.extend(self.need_artifact(agent, artifact, at));
            } else {
                for work in self.works_named(word, at) {
                    needs.push(Need {
                        on: work,
                        or: Vec::new(),
                        wanted,
                        within: within.clone(),
                        span: at,
                    });
                }
            }
        }
        Some((needs, artifacts))
    }

    fn work_words(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<(&'s str, Span)>> {
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
        {
            args.expected(self, "the name of a task");
            return None;
        }
        let word = args.statement.word;
        let mut words = Vec::new();
        for element in args.each() {
            match element {
                [arg] if arg.word().is_some() => words.extend(arg.word().map(|w| (w, arg.span))),
                other => self.not_a_name(other, word),
            }
        }
        Some(words)
    }

    fn need_tail(
        &mut self,
        args: &mut Args<'_, 's>,
    ) -> Option<(Wanted, Option<crate::model::Limit>)> {
        let states = [
            ("failed", Wanted::Failed),
            ("finished", Wanted::Finished),
            ("skipped", Wanted::Skipped),
        ];
        let mut wanted = Wanted::Done;
        if let Some(word) = args.peek().and_then(Arg::word)
            && word != "within"
        {
            if let Some((_, found)) = states.iter().find(|(name, _)| *name == word) {
                wanted = *found;
                args.next();
            } else {
                return Some((wanted, None)); // `end` reports it
            }
        }
        Some((wanted, self.limit(args)))
    }

    /// `needs all`: the other tasks of the phase.
    fn all_others(&mut self, own: Option<TaskId>, span: Span, wanted: Wanted) -> Vec<Need> {
        let Some(own) = own else {
            self.report(
                Diagnostic::new("E0105", span, "`needs all` has a meaning in a task only")
                    .label("all of what?")
                    .help("name the work that is needed"),
            );
            return Vec::new();
        };
        let phase = self.model.tasks[own].phase;
        let others: Vec<TaskId> = match phase {
            Some(phase) => self.model.phases[phase].tasks.clone(),
            None => self
                .model
                .tasks
                .iter()
                .filter(|(_, t)| t.phase.is_none())
                .map(|(id, _)| id)
                .collect(),
        };
        others
            .into_iter()
            .filter(|t| *t != own)
            .map(|t| Need {
                on: WorkRef::Task(t),
                or: Vec::new(),
                wanted,
                within: None,
                span,
            })
            .collect()
    }

    fn need_artifact(
        &mut self,
        agent: &'s str,
        artifact: &str,
        span: Span,
    ) -> Option<NeedArtifact> {
        if !self.names.who.contains_key(agent) && self.names.work.contains_key(artifact) {
            self.report(
                Diagnostic::new(
                    "E0203",
                    span,
                    format!("`{agent}` is no agent, and work has no path"),
                )
                .label("only artifacts have a dot")
                .fix(span, artifact.to_string(), format!("write `{artifact}`")),
            );
            return None;
        }
        let start = span.start as usize;
        let id = self.agent_named(agent, Span::new(span.file, start, start + agent.len()))?;
        // who makes it is looked for when every task is known
        Some(NeedArtifact {
            agent: id,
            artifact: artifact.to_string(),
            producer: None,
            span,
        })
    }

    /// Finds the task behind each needed artifact; E0206 where there is none.
    pub(super) fn artifacts(&mut self) {
        let mut found: Vec<(TaskId, usize, TaskId)> = Vec::new();
        let mut reports = Vec::new();
        let mut made: std::collections::HashMap<(crate::ids::AgentId, &str), TaskId> =
            std::collections::HashMap::new();
        for (id, task) in self.model.tasks.iter() {
            for by in task.by.iter().flat_map(|b| b.value.agents()) {
                for artifact in &task.produces {
                    made.entry((*by, artifact.name.value.as_str()))
                        .or_insert(id);
                }
            }
        }
        for (id, task) in self.model.tasks.iter() {
            for (index, need) in task.needs_artifacts.iter().enumerate() {
                match made.get(&(need.agent, need.artifact.as_str())) {
                    Some(producer) => found.push((id, index, *producer)),
                    None => reports.push(self.no_artifact(need)),
                }
            }
        }
        self.artifact_references(&found);
        for (id, index, producer) in found {
            self.model.tasks[id].needs_artifacts[index].producer = Some(producer);
        }
        for report in reports {
            self.facts.incomplete_graph = true;
            self.report(report);
        }
    }

    /// An artifact is declared by its agent's promise; without one, by the task that makes it.
    fn artifact_references(&mut self, needed: &[(TaskId, usize, TaskId)]) {
        let promise = |agent: crate::ids::AgentId, name: &str| {
            let promises = &self.model.agents[agent].produces;
            let promise = promises.iter().find(|a| a.name.value == name);
            promise.map(|a| a.name.span)
        };
        let made = |task: TaskId, name: &str| {
            let made = &self.model.tasks[task].produces;
            let made = made.iter().find(|a| a.name.value == name);
            made.map(|a| a.name.span)
        };
        let mut found = Vec::new();
        for (task, index, producer) in needed {
            let need = &self.model.tasks[*task].needs_artifacts[*index];
            let declared =
                promise(need.agent, &need.artifact).or_else(|| made(*producer, &need.artifact));
            let start = need.span.end as usize - need.artifact.len();
            let span = Span::new(need.span.file, start, need.span.end as usize);
            found.extend(declared.map(|declared| (need.artifact.clone(), span, declared)));
        }
        for task in self.model.tasks.values() {
            for by in task.by.iter().flat_map(|by| by.value.agents()) {
                for artifact in &task.produces {
                    let declared = promise(*by, &artifact.name.value);
                    found.extend(
                        declared.map(|d| (artifact.name.value.clone(), artifact.name.span, d)),
                    );
                }
            }
        }
        for (name, span, declared) in found {
            self.refer(&name, span, Some(declared));
        }
    }

    fn no_artifact(&self, need: &NeedArtifact) -> Diagnostic {
        let agent = &self.model.agents[need.agent];
        let name = &agent.name.value;
        let promised = agent
            .produces
            .iter()
            .find(|a| a.name.value == need.artifact);
        if let Some(promise) = promised {
            return Diagnostic::new(
                "E0206",
                need.span,
                format!("no task completes `{}` of `{name}`", need.artifact),
            )
            .label("nothing makes it")
            .related(promise.name.span, "promised here")
            .help(format!(
                "write `produces {}` in the task of `{name}` that makes it",
                need.artifact
            ));
        }
        let made = self
            .model
            .tasks
            .values()
            .filter(|t| t.by.iter().any(|b| b.value.agents().contains(&need.agent)));
        let mut all: Vec<&str> = made
            .flat_map(|t| t.produces.iter())
            .chain(agent.produces.iter())
            .map(|a| a.name.value.as_str())
            .collect();
        all.sort_unstable();
        all.dedup();
        let near = crate::schema::closest(&need.artifact, all.iter().copied());
        let d = Diagnostic::new(
            "E0206",
            need.span,
            format!("`{name}` produces no `{}`", need.artifact),
        )
        .label("not produced");
        match near.first() {
            Some(meant) => d
                .fix(
                    need.span,
                    format!("{name}.{meant}"),
                    format!("did you mean `{name}.{meant}`?"),
                )
                .guessed(&need.artifact, &near),
            None => d.help(format!(
                "write `produces {}` in the task of `{name}` that makes it",
                need.artifact
            )),
        }
    }

    fn wants(&mut self, id: TaskId, args: &mut Args<'_, 's>) {
        let Some(words) = self.work_words(args) else {
            return;
        };
        let limit = match args.eat("within") {
            Some(_) => args.duration(self, "a duration").map_or(0, |d| d.value),
            None => 0,
        };
        for (word, span) in words {
            if let Some(on) = self.work_named(word, span) {
                self.model.tasks[id].wants.push(Want {
                    on,
                    within_ms: limit,
                    span,
                });
            }
        }
    }

    /// `2d`, `4wd..5wd`, `2d..3d..6d`.
    fn estimate(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Estimate>> {
        let first = args.effort(self, "a duration")?;
        let mut values = vec![first];
        while args.eat_op("..") {
            values.push(args.effort(self, "the other end of the range")?);
        }
        let span = values[0].span.to(values[values.len() - 1].span);
        let estimate = match values.as_slice() {
            [one] => Estimate {
                low: one.value,
                likely: one.value,
                high: one.value,
            },
            [low, high] => Estimate {
                low: low.value,
                likely: middle(low.value, high.value),
                high: high.value,
            },
            [low, likely, high] => Estimate {
                low: low.value,
                likely: likely.value,
                high: high.value,
            },
            _ => {
                self.report(
                    Diagnostic::new("E0105", span, "an estimate has at most three values")
                        .label("too many")
                        .help("write `low..likely..high`"),
                );
                return None;
            }
        };
        self.range_makes_sense(&values, span)?;
        Some(Spanned::new(estimate, span))
    }

    fn range_makes_sense(&mut self, values: &[Spanned<Effort>], span: Span) -> Option<()> {
        for pair in values.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if a.value.is_working() != b.value.is_working() {
                self.report(
                    Diagnostic::new("E0514", b.span, "calendar days mixed with working days")
                        .label(if b.value.is_working() {
                            "working time"
                        } else {
                            "on the clock"
                        })
                        .related(
                            a.span,
                            if a.value.is_working() {
                                "working time"
                            } else {
                                "on the clock"
                            },
                        )
                        .help("write both ends in one kind of unit, as in `4wd..5wd`"),
                );
                return None;
            }
            if std::mem::discriminant(&a.value) != std::mem::discriminant(&b.value) {
                self.report(
                    Diagnostic::new("E0512", span, "the ends of the range have different units")
                        .label("working days and working hours")
                        .help("write both ends in one unit, as in `4wd..5wd`"),
                );
                return None;
            }
            if a.value.amount() > b.value.amount() {
                let mut texts: Vec<(i64, &str)> = values
                    .iter()
                    .map(|v| (v.value.amount(), self.sources.text(v.span)))
                    .collect();
                texts.sort_by_key(|(amount, _)| *amount);
                let right = texts
                    .iter()
                    .map(|(_, text)| *text)
                    .collect::<Vec<_>>()
                    .join("..");
                self.report(
                    Diagnostic::new("E0505", span, "this range is backwards")
                        .label(format!("{} is more than {}", a.value, b.value))
                        .fix(span, right.clone(), format!("write `{right}`")),
                );
                return None;
            }
        }
        Some(())
    }

    /// W0507: `takes 2m` beside estimates in days is probably no two minutes.
    fn suspicious_minutes(&mut self) {
        let estimates: Vec<Spanned<Estimate>> = self
            .model
            .tasks
            .values()
            .filter_map(|t| t.takes.clone())
            .collect();
        let days = estimates
            .iter()
            .filter(|e| at_least_half_a_day(e.likely))
            .count();
        if days * 2 <= estimates.len() {
            return;
        }
        for estimate in estimates {
            let mut start = estimate.span.start as usize;
            for part in self.sources.text(estimate.span).split("..") {
                let text = part.trim();
                let span = Span::new(
                    estimate.span.file,
                    start + part.len() - part.trim_start().len(),
                    start + part.trim_end().len(),
                );
                start += part.len() + "..".len();
                if let Some(n) = text
                    .strip_suffix('m')
                    .and_then(value::integer)
                    .filter(|n| *n <= 12)
                {
                    self.minutes(text, n, span);
                }
            }
        }
    }

    fn minutes(&mut self, text: &str, n: i64, span: Span) {
        let plural = if n == 1 { "" } else { "s" };
        self.report(
            Diagnostic::new(
                "W0507",
                span,
                format!("`takes {text}` is {n} minute{plural}"),
            )
            .label("`m` is minutes; a month is no unit")
            .help(format!(
                "write `{}w` if you meant {n} month{plural}, or `{}s` to be plain about it",
                n * 4,
                n * 60
            )),
        );
    }

    fn uses(&mut self, id: TaskId, args: &mut Args<'_, 's>) {
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Word(_) | ArgKind::List(_)))
        {
            args.expected(self, "a resource");
            return;
        }
        let word = args.statement.word;
        let mut named = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => {
                    let resource = self.resource_named(name, *span);
                    named.extend(resource.map(|r| (r, *span)));
                }
                other => self.not_a_name(other, word),
            }
        }
        let amount = match args.peek() {
            Some(Arg {
                kind: ArgKind::Number(_),
                ..
            }) => match args.count(self, "how much of it", 1..=1_000_000) {
                Some(n) => n.value,
                None => return,
            },
            _ => 1,
        };
        for (resource, span) in named {
            let pool = &self.model.resources[resource];
            if amount > pool.capacity {
                let (message, at) = (
                    format!(
                        "`{}` has {}, and this task takes {amount}",
                        pool.name.value, pool.capacity
                    ),
                    pool.name.span,
                );
                self.report(
                    Diagnostic::new("E0105", span, message)
                        .label("can never start")
                        .related(at, "declared here")
                        .help("raise its capacity, or take less"),
                );
                continue;
            }
            self.model.tasks[id].uses.push(Uses {
                resource,
                amount,
                span,
            });
        }
    }

    pub(super) fn due(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Due>> {
        if let Some(span) = args.eat("week") {
            let week = args.count(self, "the number of a week", 1..=1000)?;
            return Some(Spanned::new(Due::Week(week.value), span.to(week.span)));
        }
        if let Some((word, span)) = args.peek().and_then(|a| a.word().map(|w| (w, a.span))) {
            args.next();
            if let Some(day) = value::weekday(word) {
                return Some(Spanned::new(Due::Weekday(day), span));
            }
            let days = [
                "monday",
                "tuesday",
                "wednesday",
                "thursday",
                "friday",
                "saturday",
                "sunday",
            ];
            let near = crate::schema::closest(word, days.into_iter());
            let d = Diagnostic::new(
                "E0105",
                span,
                format!(
                    "`due` expects a date, a weekday or `week N`, found {}",
                    shown(word)
                ),
            )
            .label("not a day");
            self.report(match near.first() {
                Some(meant) => d.fix(
                    span,
                    (*meant).to_string(),
                    format!("did you mean `{meant}`?"),
                ),
                None => d.help("as in `due 2025-08-13`, `due friday` or `due week 8`"),
            });
            return None;
        }
        args.moment(self, "a date, a weekday or `week N`")
            .map(|m| Spanned::new(Due::Moment(m.value), m.span))
    }

    fn timeout(&mut self, id: TaskId, args: &mut Args<'_, 's>) {
        let Some(d) = args.duration(self, "a duration") else {
            return;
        };
        if d.value <= 0 {
            self.report(
                Diagnostic::new(
                    "E0105",
                    d.span,
                    "a timeout of zero ends every attempt at once",
                )
                .label("nothing can finish in no time")
                .help("write a duration, or leave `timeout` out"),
            );
            return;
        }
        self.model.tasks[id].timeout_ms = Some(d);
    }

    fn retry(&mut self, args: &mut Args<'_, 's>) -> Option<Retry> {
        let span = args.statement.head_span();
        let times = args.count(self, "how many times", 0..=100)?.value;
        let mut retry = Retry {
            times,
            every_ms: 1_000,
            factor_milli: 1_000,
            up_to_ms: DAY_MS,
            on: Vec::new(),
            span,
        };
        loop {
            if args.eat("every").is_some() {
                retry.every_ms = args.duration(self, "a duration")?.value;
            } else if args.eat("factor").is_some() {
                retry.factor_milli = self.factor(args)?;
            } else if args.eat("up").is_some() {
                if args.eat("to").is_none() {
                    args.expected(self, "`to` and a duration");
                    return None;
                }
                retry.up_to_ms = args.duration(self, "a duration")?.value.min(DAY_MS);
            } else if args.eat("on").is_some() {
                retry.on = self.retry_on(args)?;
            } else {
                return Some(retry);
            }
        }
    }

    fn factor(&mut self, args: &mut Args<'_, 's>) -> Option<i64> {
        let factor = match args.peek() {
            Some(Arg {
                kind: ArgKind::Number(text),
                ..
            }) => value::factor_milli(text).or_else(|| value::milli(text)),
            _ => None,
        };
        match factor {
            Some(milli) if (1_000..=100_000).contains(&milli) => {
                args.next();
                Some(milli)
            }
            _ => {
                args.expected(self, "a factor from `1x` to `100x`");
                None
            }
        }
    }

    /// `exit 75`, `timeout`, `exit [75, 76]` or `[exit 75, timeout]`.
    fn retry_on(&mut self, args: &mut Args<'_, 's>) -> Option<Vec<RetryOn>> {
        if args.peek().is_none() {
            args.expected(self, "`exit CODE` or `timeout` behind `on`");
            return None;
        }
        let mut rest: Vec<&Arg<'s>> = Vec::new();
        for arg in args.rest() {
            match &arg.kind {
                ArgKind::List(elements) => rest.extend(elements.iter().flatten()),
                _ => rest.push(arg),
            }
        }
        let mut found = Vec::new();
        for arg in rest {
            match arg.kind {
                ArgKind::Word("timeout") => found.push(RetryOn::Timeout),
                ArgKind::Word("exit") => {}
                ArgKind::Number(text) => match value::integer(text)
                    .and_then(|n| i32::try_from(n).ok())
                    .filter(|n| *n < 256)
                {
                    Some(code) => found.push(RetryOn::Exit(code)),
                    None => {
                        self.report(
                            Diagnostic::new("E0105", arg.span, format!("`{text}` is no exit code"))
                                .label("out of range")
                                .help("exit codes are 0 to 255"),
                        );
                        return None;
                    }
                },
                _ => {
                    let found = shown(self.sources.text(arg.span));
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            arg.span,
                            format!("`retry … on` expects `exit CODE` or `timeout`, found {found}"),
                        )
                        .label("not known here")
                        .help("as in `retry 3 on [exit 75, timeout]`"),
                    );
                    return None;
                }
            }
        }
        Some(found)
    }
}

fn at_least_half_a_day(effort: Effort) -> bool {
    match effort {
        Effort::Elapsed(ms) => ms >= DAY_MS / 2,
        Effort::WorkingDays(_) | Effort::Working(_) => true,
    }
}

/// The likely value of `low..high`: its middle, in the same unit.
fn middle(low: Effort, high: Effort) -> Effort {
    let mid = |a: i64, b: i64| a + (b - a) / 2;
    match (low, high) {
        (Effort::Elapsed(a), Effort::Elapsed(b)) => Effort::Elapsed(mid(a, b)),
        (Effort::WorkingDays(a), Effort::WorkingDays(b)) => Effort::WorkingDays(mid(a, b)),
        (Effort::Working(a), Effort::Working(b)) => Effort::Working(mid(a, b)),
        (low, _) => low,
    }
}
