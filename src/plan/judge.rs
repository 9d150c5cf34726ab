//! Judgements that need the whole graph or its schedule: dates, slack, loads, redundancies.

use crate::anchor::Anchor;
use crate::calendars::Calendars;
use crate::clock::Clock;
use crate::graph::{Graph, reached_by};
use crate::plan::{By, Node, Origin, Plan};
use crate::rules::{Claim, Expect, Measured};
use crate::schedule::Schedule;
use crate::schedule::promise::{Figure, Promise, Verdict};
use coord_lang::diagnostic::Diagnostic;
use coord_lang::ids::{AgentId, Id, MilestoneId, NodeId, PhaseId};
use coord_lang::model::{Criticality, Evidence, Model, Task};
use coord_lang::source::Span;

/// Up to so many nodes, needs are looked at for what they imply.
const REDUNDANCY_LIMIT: usize = 3_000;

/// Everything there is to say about a plan and its schedule. `all` is the plan with the work of
/// all workflows. Unless `whole`, something of a task could not be read: then only what more work
/// could not make right is said.
pub(crate) fn judge(
    model: &Model,
    plan: &Plan,
    all: &Plan,
    schedule: &Schedule,
    calendars: &Calendars,
    whole: bool,
) -> Vec<Diagnostic> {
    let clock = Clock::of(plan);
    let mut judge = Judge {
        model,
        plan,
        all,
        schedule,
        calendars,
        clock,
        out: Vec::new(),
    };
    judge.deadlines();
    judge.milestones();
    if whole {
        judge.missing_estimates();
        let overloaded = judge.loads();
        judge.phases(&overloaded);
        judge.criticality();
        judge.turns();
        judge.never_together();
        judge.promises();
    } else {
        judge.out.retain(Diagnostic::is_error);
    }
    judge.weekends();
    judge.wants();
    judge.conditions();
    if plan.nodes.len() <= REDUNDANCY_LIMIT {
        judge.redundant();
    }
    judge.out
}

struct Judge<'a> {
    model: &'a Model,
    plan: &'a Plan,
    all: &'a Plan,
    schedule: &'a Schedule,
    calendars: &'a Calendars,
    clock: Clock,
    out: Vec<Diagnostic>,
}

impl Judge<'_> {
    fn logical(&self, node: NodeId) -> &crate::critical_path::Logical {
        &self.schedule.nodes[node].logical
    }

    // ---- dates -------------------------------------------------------------------------------

    fn deadlines(&mut self) {
        for (id, task) in self.model.tasks.iter() {
            let node = Plan::task_node(id);
            let Some(due_ms) = self.plan.task(node).and_then(|t| t.deadline_ms) else {
                continue;
            };
            let Some(span) = task
                .deadline
                .as_ref()
                .map(|d| d.span)
                .or(task.due.as_ref().map(|d| d.span))
            else {
                continue;
            };
            self.one_deadline(node, &task.name.value, due_ms, span);
        }
    }

    fn one_deadline(&mut self, node: NodeId, name: &str, due_ms: i64, span: Span) {
        let logical = self.logical(node);
        let finish = logical.earliest_finish_ms;
        if finish <= due_ms {
            let levelled = self.schedule.nodes[node].finish_ms;
            if levelled > due_ms {
                self.out.push(
                    Diagnostic::new("W0612", span, format!("`{name}` misses its deadline by {} in the levelled schedule", self.clock.lasting(levelled - due_ms)))
                        .label(format!("it would end {}", self.clock.at(levelled)))
                        .help("possible by its needs alone, not with who is there: give it a higher priority, or more people"),
                );
            }
            return;
        }
        let path = self.path_to(node);
        if let Some(phase) = self.plan.nodes[node].phase
            && let Some((opens, _)) = self.plan.phases[phase].window_ms
            && due_ms <= opens
        {
            let phase = &self.model.phases[phase];
            let at = phase.weeks.as_ref().map_or(phase.name.span, |w| w.span);
            self.out.push(
                Diagnostic::new(
                    "E0602",
                    span,
                    format!("the deadline of `{name}` is before its phase opens"),
                )
                .label(format!("ends {}", self.clock.at(due_ms)))
                .related(at, format!("opens {}", self.clock.at(opens)))
                .help("move the deadline, or the task into an earlier phase"),
            );
            return;
        }
        self.out.push(
            Diagnostic::new(
                "E0601",
                span,
                format!(
                    "the deadline of `{name}` is {} before its earliest finish, {}",
                    self.clock.lasting(finish - due_ms),
                    self.clock.at(finish)
                ),
            )
            .label(format!("ends {}", self.clock.at(due_ms)))
            .help(format!(
                "the way there is {path}: shorten it, or move the deadline"
            )),
        );
    }

    fn milestones(&mut self) {
        for due in &self.schedule.milestones {
            let node = &self.plan.nodes[due.node];
            // behind the tasks and the syncs: see the order of nodes in `plan`
            let before = self.model.tasks.len() + self.model.syncs.len();
            let index = due.node.index().checked_sub(before);
            let Some(milestone) = index.and_then(|index| {
                let id = MilestoneId::from_index(index);
                self.model.milestones.get(id)
            }) else {
                continue;
            };
            let span = milestone
                .due
                .as_ref()
                .map_or(milestone.name.span, |d| d.span);
            if due.logical_late_ms() > 0 {
                let (late, finish, path) = (
                    due.logical_late_ms(),
                    due.logical_finish_ms,
                    self.path_to(due.node),
                );
                let d = Diagnostic::new(
                    "E0601",
                    span,
                    format!(
                        "`{}` is due {} before its earliest finish, {}",
                        node.name,
                        self.clock.lasting(late),
                        self.clock.at(finish)
                    ),
                )
                .label(format!("due {}", self.clock.at(due.due_ms)))
                .help(format!(
                    "the way there is {path}: shorten it, or move the day"
                ));
                self.out.push(d);
            } else if due.late_ms() > 0 {
                let d = Diagnostic::new("W0612", span, format!("`{}` comes {} late in the levelled schedule", node.name, self.clock.lasting(due.late_ms())))
                    .label(format!("it would come {}", self.clock.at(due.finish_ms)))
                    .help("possible by its needs alone, not with who is there: raise priorities, or add people");
                self.out.push(d);
            }
        }
    }

    /// E0611: promises that no schedule keeps.
    fn promises(&mut self) {
        let schedule = self.schedule;
        let never = |promise: &&Promise| promise.verdict == Verdict::Impossible;
        for promise in schedule.promises.iter().filter(never) {
            let (Some(written), Some(expect)) = (
                self.model.expects.get(promise.number),
                self.plan.rules.expects.get(promise.number),
            ) else {
                continue;
            };
            let fact = self.best_of(promise, expect);
            let help = if promise.by_bound {
                let day_ms = self.calendars.project().day_ms();
                let why = schedule.lower_bound.describe(self.plan, day_ms);
                format!("{why}: change that, or promise less")
            } else if promise.path.is_empty() {
                "promise less".to_string()
            } else {
                let path = self.way(&promise.path);
                format!("the way there is {path}: shorten it, or promise less")
            };
            let message = format!("`{}` cannot hold: {fact}", expect.title);
            self.out.push(
                Diagnostic::new("E0611", written.claim.span, message)
                    .label("no schedule of this plan keeps it")
                    .help(help),
            );
        }
    }

    /// What is better in no schedule.
    fn best_of(&self, promise: &Promise, expect: &Expect) -> String {
        let figure = promise.best.or(promise.figure);
        let length = figure.map(Figure::in_words).unwrap_or_default();
        let until = match figure {
            Some(Figure::Instant(ms)) if self.clock.is_dated() => {
                format!(", until {}", self.clock.at(ms))
            }
            _ => String::new(),
        };
        let name = |node: NodeId| &self.plan.nodes[node].name;
        let ends = |node: NodeId| {
            let at = until.replace("until ", "on ");
            format!("`{}` ends after at least {length}{at}", name(node))
        };
        match &expect.claim {
            Claim::Measure { of, .. } => match *of {
                Measured::Finish => format!("the plan takes at least {length}{until}"),
                Measured::Percentile(_) => {
                    format!("the low estimates alone take {length}{until}")
                }
                Measured::CriticalPath => format!("the critical path takes {length}{until}"),
                Measured::LowerBound => format!("the lower bound is {length}{until}"),
                Measured::EndOf(node) => ends(node),
                Measured::Slack(node) => format!("`{}` has {length} of slack", name(node)),
                Measured::Load(agent) => {
                    let agent = &self.plan.agents[agent].name;
                    format!("`{agent}` is busy between 0% and {length} of its time")
                }
            },
            Claim::Condition(_) | Claim::Metric { .. } | Claim::Person => promise
                .path
                .last()
                .map_or_else(String::new, |last| ends(*last)),
        }
    }

    /// The chain of needs that makes `node` as late as it is.
    fn path_to(&self, node: NodeId) -> String {
        let mut way = vec![node];
        let mut at = node;
        for _ in 0..64 {
            let start = self.logical(at).earliest_start_ms;
            let holds = self.plan.nodes[at]
                .needs
                .iter()
                .flat_map(|n| n.nodes())
                .filter(|b| self.logical(*b).earliest_finish_ms <= start)
                .max_by_key(|b| (self.logical(*b).earliest_finish_ms, std::cmp::Reverse(*b)));
            let Some(before) = holds else { break };
            at = before;
            if self.plan.task(at).is_some() {
                way.push(at);
            }
        }
        way.reverse();
        self.way(&way)
    }

    /// The last names of a way.
    fn way(&self, nodes: &[NodeId]) -> String {
        let skip = nodes.len().saturating_sub(6);
        let shown: Vec<String> = nodes[skip..]
            .iter()
            .map(|node| format!("`{}`", self.plan.nodes[*node].name))
            .collect();
        let dots = if skip > 0 { "… → " } else { "" };
        format!("{dots}{}", shown.join(" → "))
    }

    fn weekends(&mut self) {
        let deadlines = self
            .model
            .tasks
            .values()
            .filter_map(|t| t.deadline.as_ref());
        for deadline in deadlines {
            let day = Anchor::weekday(deadline.value.date());
            let name = match day {
                Some(6) => "Saturday",
                Some(7) => "Sunday",
                _ => continue,
            };
            self.out.push(
                Diagnostic::new("W0608", deadline.span, format!("this deadline is a {name}"))
                    .label("nobody works that day")
                    .help("name the Friday before or the Monday after"),
            );
        }
    }

    // ---- estimates and loads -----------------------------------------------------------------

    fn missing_estimates(&mut self) {
        let any_estimate = self.model.tasks.values().any(|t| t.takes.is_some());
        if !any_estimate {
            return; // this project does not estimate
        }
        let schedule = self.schedule;
        for id in schedule
            .missing_estimates
            .iter()
            .filter(|id| schedule.nodes[**id].logical.critical)
        {
            let task = &self.model.tasks[coord_lang::ids::TaskId(id.0)];
            self.out.push(
                Diagnostic::new(
                    "W0603",
                    task.name.span,
                    format!(
                        "`{}` is on the critical path and has no estimate",
                        task.name.value
                    ),
                )
                .label("counts as no time at all")
                .help("write `takes 2d`, or a range such as `takes 1wd..3wd`"),
            );
        }
    }

    /// W0604, where W0606 has not said why already.
    fn phases(&mut self, overloaded: &[PhaseId]) {
        for (id, phase) in self.model.phases.iter() {
            let Some(weeks) = &phase.weeks else { continue };
            let span = &self.schedule.phases[id];
            let Some(late) = span.late_ms.filter(|late| *late > 0) else {
                continue;
            };
            let by_logic = span.logical_late_ms.is_some_and(|late| late > 0);
            if !by_logic && overloaded.contains(&id) {
                continue;
            }
            let why = if by_logic {
                "by its needs alone"
            } else {
                "with who is there"
            };
            self.out.push(
                Diagnostic::new(
                    "W0604",
                    weeks.span,
                    format!(
                        "`{}` ends {} after its window, {why}",
                        phase.name.value,
                        self.clock.lasting(late)
                    ),
                )
                .label(format!("it would end {}", self.clock.at(span.end_ms)))
                .help("widen the weeks, or take work out of the phase"),
            );
        }
    }

    fn criticality(&mut self) {
        for (id, task) in self.model.tasks.iter() {
            let Some(claim) = &task.criticality else {
                continue;
            };
            let logical = self.logical(Plan::task_node(id));
            let slack = logical.slack_ms;
            let wrong = match claim.value {
                Criticality::Critical => !logical.critical,
                Criticality::High | Criticality::Medium | Criticality::Low => logical.critical,
            };
            if !wrong {
                continue;
            }
            let name = Criticality::ALL
                .iter()
                .find(|(_, c)| *c == claim.value)
                .map_or("", |(n, _)| *n);
            let fact = if logical.critical {
                "has no slack: it is critical".to_string()
            } else {
                format!("has {} of slack", self.clock.lasting(slack))
            };
            self.out.push(
                Diagnostic::new(
                    "W0605",
                    claim.span,
                    format!("`{}` is marked `{name}`, but {fact}", task.name.value),
                )
                .label("the plan says otherwise")
                .help("correct the mark, or look for a missing `needs`"),
            );
        }
    }

    /// W0606: more work than fits into a phase's window.
    fn loads(&mut self) -> Vec<PhaseId> {
        let mut overloaded = Vec::new();
        for (id, phase) in self.model.phases.iter() {
            let (Some(weeks), Some((first, Some(last)))) =
                (&phase.weeks, self.plan.phases[id].window_ms)
            else {
                continue;
            };
            for (agent, work) in self.work_of_phase(id) {
                let calendar = self.calendars.agent(agent);
                let room = calendar.working_between(first, last);
                let capacity = i64::from(self.plan.agents[agent].capacity.max(1));
                if work > room.saturating_mul(capacity) {
                    overloaded.push(id);
                    let day = calendar.day_ms().max(1);
                    let days =
                        |ms: i64| format!("{}wd", (ms as f64 / day as f64 * 10.0).round() / 10.0);
                    let agent = &self.model.agents[agent];
                    self.out.push(
                        Diagnostic::new(
                            "W0606",
                            weeks.span,
                            format!(
                                "`{}` has {} of work in `{}`, whose window has {}",
                                agent.name.value,
                                days(work),
                                phase.name.value,
                                days(room * capacity)
                            ),
                        )
                        .label("too short for it")
                        .related(
                            agent.name.span,
                            format!(
                                "{capacity} task{} at a time",
                                if capacity == 1 { "" } else { "s" }
                            ),
                        )
                        .help("widen the weeks, raise `capacity`, or give work to somebody else"),
                    );
                }
            }
        }
        overloaded
    }

    /// W0613: work in working time, of agents whose hours never meet.
    fn never_together(&mut self) {
        for (id, task) in self.model.tasks.iter() {
            let node = Plan::task_node(id);
            let Some(frozen) = self.plan.task(node) else {
                continue;
            };
            let By::All(agents) = &frozen.by else {
                continue;
            };
            let works = frozen.estimate.is_some_and(|e| e.likely.working);
            let calendar = self.calendars.placed(node, agents);
            if !works || agents.len() < 2 || !calendar.never_works() {
                continue;
            }
            let names = agents
                .iter()
                .map(|a| format!("`{}`", self.plan.agents[*a].name));
            let names: Vec<String> = names.collect();
            let span = task.by.as_ref().map_or(task.name.span, |by| by.span);
            self.out.push(
                Diagnostic::new(
                    "W0613",
                    span,
                    format!("{} are never at work at the same time", names.join(" and ")),
                )
                .label(format!(
                    "`{}` is laid out as if they had no pauses",
                    task.name.value
                ))
                .help("give them hours that meet, or split the task"),
            );
        }
    }

    fn work_of_phase(&self, phase: PhaseId) -> Vec<(AgentId, i64)> {
        let mut work = vec![0i64; self.plan.agents.len()];
        for id in &self.model.phases[phase].tasks {
            let Some(task) = self.plan.task(Plan::task_node(*id)) else {
                continue;
            };
            let Some(estimate) = task.estimate.filter(|e| e.likely.working) else {
                continue;
            };
            if let By::All(agents) = &task.by {
                agents
                    .iter()
                    .for_each(|a| work[a.index()] += estimate.likely.ms);
            }
        }
        work.into_iter()
            .enumerate()
            .filter(|(_, ms)| *ms > 0)
            .map(|(a, ms)| (AgentId::from_index(a), ms))
            .collect()
    }

    // ---- the graph ---------------------------------------------------------------------------

    /// W0309: a loop of `wants`.
    fn wants(&mut self) {
        let edges: Vec<(usize, usize)> = self
            .plan
            .nodes
            .iter()
            .flat_map(|(id, n)| n.wants.iter().map(move |w| (w.on.index(), id.index())))
            .collect();
        if edges.is_empty() {
            return;
        }
        let graph = Graph::new(self.plan.nodes.len(), edges);
        let Err(components) = graph.topological() else {
            return;
        };
        for component in components {
            let way = graph.shortest_cycle(&component);
            let steps: Vec<(NodeId, NodeId)> = (0..way.len())
                .rev()
                .map(|i| {
                    (
                        NodeId::from_index(way[(i + 1) % way.len()]),
                        NodeId::from_index(way[i]),
                    )
                })
                .collect();
            self.want_loop(steps);
        }
    }

    /// `steps` are the wanting and the wanted, closed.
    fn want_loop(&mut self, mut steps: Vec<(NodeId, NodeId)>) {
        let name = |id: NodeId| format!("`{}`", self.plan.nodes[id].name);
        let span = |(of, on): (NodeId, NodeId)| {
            let task = self.model.tasks.get(coord_lang::ids::TaskId(of.0))?;
            let index = self.plan.nodes[of].wants.iter().position(|w| w.on == on)?;
            task.wants.get(index).map(|w| w.span)
        };
        let Some(first) = (0..steps.len()).min_by_key(|i| span(steps[*i])) else {
            return;
        };
        steps.rotate_left(first);
        let Some(at) = span(steps[0]) else { return };
        let names: Vec<String> = steps.iter().map(|(of, _)| name(*of)).collect();
        let message = match names.as_slice() {
            [own] => format!("{own} wants itself, which is not waited for"),
            many => format!(
                "these `wants` form a loop; none will be waited for: {} → {}",
                many.join(" → "),
                many[0]
            ),
        };
        let mut d = Diagnostic::new("W0309", at, message).help("delete one of them");
        for (index, step) in steps.iter().enumerate() {
            let text = format!("{} wants {}", name(step.0), name(step.1));
            d = match (index, span(*step)) {
                (0, _) => d.label(text),
                (_, Some(span)) => d.related(span, text),
                (_, None) => d,
            };
        }
        self.out.push(d);
    }

    /// W0410: tasks that could run together but take turns.
    fn turns(&mut self) {
        for turn in self.schedule.turns.iter().take(20) {
            let (a, b) = (&self.plan.nodes[turn.first], &self.plan.nodes[turn.then]);
            let Some(task) = self.model.tasks.get(coord_lang::ids::TaskId(turn.then.0)) else {
                continue;
            };
            let span = task.writes.first().map_or(task.name.span, |w| w.span);
            let other = self.model.tasks.get(coord_lang::ids::TaskId(turn.first.0));
            let glob = &self.plan.resources[turn.claim].name;
            let mut d = Diagnostic::new(
                "W0410",
                span,
                format!(
                    "`{}` and `{}` could run together, but both write `{glob}`, so they take turns",
                    a.name, b.name
                ),
            )
            .label(format!(
                "`{}` waits {} for it",
                b.name,
                self.clock.lasting(turn.waited_ms)
            ));
            if let Some(other) = other {
                d = d.related(
                    other.writes.first().map_or(other.name.span, |w| w.span),
                    format!("claimed by `{}`", a.name),
                );
            }
            self.out
                .push(d.help("name narrower globs, or put one behind the other with `needs`"));
        }
    }

    /// E0315 and E0817: conditions that look at tasks which may not have ended yet.
    fn conditions(&mut self) {
        for (id, task) in self.model.tasks.iter() {
            let node = Plan::task_node(id);
            if let Some(when) = &task.when {
                for other in when.value.tasks() {
                    if !self.waits_for(node, Plan::task_node(other)) {
                        let name = self.model.tasks[other].name.value.clone();
                        self.out.push(
                            Diagnostic::new(
                                "E0315",
                                when.span,
                                format!(
                                    "`{}` looks at `{name}`, but does not wait for it",
                                    task.name.value
                                ),
                            )
                            .label(format!("`{name}` may not have ended yet"))
                            .related(self.model.tasks[other].name.span, "declared here")
                            .help(format!("write `needs {name}` or `needs {name} finished`")),
                        );
                    }
                }
            }
            for gate in &task.requires {
                self.circular_gate(node, task, gate.value, gate.span);
            }
        }
    }

    fn circular_gate(
        &mut self,
        node: NodeId,
        task: &Task,
        gate: coord_lang::ids::GateId,
        span: Span,
    ) {
        for check in &self.model.gates[gate].checks {
            let Evidence::When(expr) = &check.evidence else {
                continue;
            };
            for other in expr.tasks() {
                let before = Plan::task_node(other);
                if before == node || self.waits_for(before, node) {
                    let name = &self.model.tasks[other].name.value;
                    self.out.push(
                        Diagnostic::new(
                            "E0817",
                            span,
                            format!(
                                "gate `{}` waits for `{name}`, which waits for `{}`",
                                self.model.gates[gate].name.value, task.name.value
                            ),
                        )
                        .label(format!("`{}` starts only after this gate", task.name.value))
                        .related(check.title.span, format!("looks at `{name}`"))
                        .help("require the gate later, or look at something else"),
                    );
                }
            }
        }
    }

    /// True when `after` starts only when `before` has ended, however far apart.
    fn waits_for(&self, after: NodeId, before: NodeId) -> bool {
        let mut seen = vec![false; self.all.nodes.len()];
        let mut stack = vec![after];
        while let Some(at) = stack.pop() {
            for need in &self.all.nodes[at].needs {
                for other in need.nodes() {
                    if other == before {
                        return true;
                    }
                    if !std::mem::replace(&mut seen[other.index()], true) {
                        stack.push(other);
                    }
                }
            }
        }
        false
    }

    /// W0306: a written need that another one implies.
    fn redundant(&mut self) {
        let order: Vec<usize> = self.plan.order.iter().map(|n| n.index()).collect();
        for (id, task) in self.model.tasks.iter() {
            let node = Plan::task_node(id);
            let declared: Vec<(usize, Span)> = task
                .needs
                .iter()
                .filter(|n| {
                    n.or.is_empty()
                        && n.wanted == coord_lang::model::Wanted::Done
                        && n.within.is_none()
                })
                .filter_map(|n| self.direct(node, n.span).map(|on| (on.index(), n.span)))
                .collect();
            if declared.len() < 2 || declared.len() > 64 {
                continue;
            }
            let sources: Vec<usize> = declared.iter().map(|(on, _)| *on).collect();
            let bits = reached_by(&order, &sources, |at| {
                written(&self.plan.nodes[NodeId::from_index(at)])
            });
            for (bit, (on, span)) in declared.iter().enumerate() {
                let through = declared
                    .iter()
                    .find(|(other, _)| other != on && bits[*other] & (1 << bit) != 0);
                if let Some((through, at)) = through {
                    let (a, b) = (
                        &self.plan.nodes[NodeId::from_index(*on)].name,
                        &self.plan.nodes[NodeId::from_index(*through)].name,
                    );
                    self.out.push(
                        Diagnostic::new(
                            "W0306",
                            *span,
                            format!("`needs {a}` is already implied through `{b}`"),
                        )
                        .label("says nothing new")
                        .related(*at, format!("`{b}` waits for `{a}`"))
                        .help("delete it, unless it is there for the reader"),
                    );
                }
            }
        }
    }

    fn direct(&self, node: NodeId, span: Span) -> Option<NodeId> {
        let task = self.model.tasks.get(coord_lang::ids::TaskId(node.0))?;
        let index = task.needs.iter().position(|n| n.span == span)?;
        let mut declared = self.plan.nodes[node]
            .needs
            .iter()
            .filter(|n| n.origin == Origin::Declared);
        declared.nth(index).map(|n| n.on)
    }
}

/// What a node waits for by what is written, not by the order of phases.
fn written(node: &Node) -> impl Iterator<Item = usize> + '_ {
    node.needs
        .iter()
        .filter(|n| n.origin != Origin::Phase && n.or.is_empty())
        .map(|n| n.on.index())
}
