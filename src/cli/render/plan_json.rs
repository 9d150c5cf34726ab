//! A plan as JSON: `coord.plan/1`.
//!
//! Times are seconds from the origin: whole numbers where they are whole, else to the ms. Fields
//! may be added; none goes away or changes its meaning within version 1. What a forecast says
//! (`eta`, `criticality_index`, `probability`) is null without one.

use coord_lang::ids::{AgentId, NodeId, PhaseId};
use coord_plan::calendar::Calendar;
use coord_plan::clock::Clock;
use coord_plan::critical_path::Why;
use coord_plan::levelling::End;
use coord_plan::levelling::forecast::Forecast;
use coord_plan::plan::{NodeKind, Plan, Task};
use coord_plan::rules::{Claim, Expect, Measured};
use coord_plan::schedule::chain::Hold;
use coord_plan::schedule::promise::{Figure, Open, Promise, Verdict};
use coord_plan::schedule::{Due, NodeSchedule, Schedule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// The whole document, with a line break at its end.
pub(crate) fn text(plan: &Plan, schedule: &Schedule) -> String {
    let view = View {
        plan,
        schedule,
        calendar: Calendar::of(plan),
    };
    let mut text = serde_json::to_string_pretty(&view.document()).unwrap_or_default();
    text.push('\n');
    text
}

/// A node's name; a join has none, and gets its number.
pub(crate) fn id_of(plan: &Plan, node: NodeId) -> Cow<'_, str> {
    match &plan.nodes[node].kind {
        NodeKind::Join => Cow::Owned(format!("#{}", node.0)),
        NodeKind::Task(_) | NodeKind::Sync(_) | NodeKind::Milestone(_) => {
            Cow::Borrowed(&plan.nodes[node].name)
        }
    }
}

/// Ms, told in seconds.
#[derive(Clone, Copy)]
pub(super) struct Secs(pub(super) i64);

impl JsonSchema for Secs {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "Seconds from the origin, or a length." })
    }
}

impl Serialize for Secs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1000 {
            0 => serializer.serialize_i64(self.0 / 1000),
            _ => serializer.serialize_f64(self.0 as f64 / 1000.0),
        }
    }
}

/// How the schedule was searched for.
#[derive(Serialize)]
struct SearchJson {
    end: &'static str,
    seed: u64,
    placements: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    project: &'a str,
    title: Option<&'a str>,
    origin: Option<String>,
    timezone: &'a str,
    makespan_s: Secs,
    logical_makespan_s: Secs,
    logical_low_s: Secs,
    logical_high_s: Secs,
    lower_bound_s: Secs,
    lower_bound_reason: String,
    optimal: bool,
    search: SearchJson,
    critical_path: Vec<&'a str>,
    critical_steps: Vec<StepJson<'a>>,
    levelled_chain: Vec<StepJson<'a>>,
    eta: Option<EtaJson>,
    drivers: Vec<&'a str>,
    tasks: Vec<TaskJson<'a>>,
    events: Vec<EventJson<'a>>,
    joins: Vec<JoinJson<'a>>,
    phases: Vec<PhaseJson<'a>>,
    agents: Vec<AgentJson<'a>>,
    waves: Vec<Vec<&'a str>>,
    deadlines: Vec<DueJson<'a>>,
    missing_estimates: Vec<&'a str>,
    promises: Vec<PromiseJson<'a>>,
}

/// By when so many percent of the samples have ended.
#[derive(Serialize)]
struct EtaJson {
    p50_s: Secs,
    p80_s: Secs,
    p95_s: Secs,
    samples: u32,
}

/// What becomes of a promise.
#[derive(Serialize)]
struct PromiseJson<'a> {
    /// Its title.
    text: &'a str,
    /// `plan.finish <= 8w`; null for what has no words of its own.
    claim: Option<String>,
    by_s: Option<Secs>,
    /// Null: not decided by the plan.
    holds: Option<bool>,
    /// `kept`, `broken` (by this schedule), `impossible` (for every schedule) or `open`.
    verdict: &'static str,
    /// `plan`, `forecast`, `run` or `person`.
    judged_by: &'static str,
    /// In words; null where there is no figure.
    value: Option<String>,
    value_s: Option<Secs>,
    /// What no schedule is better than, where that is not the value.
    best_s: Option<Secs>,
    /// The tasks on the way that decides.
    path: Vec<&'a str>,
}

/// A step of a chain, and what it starts with.
#[derive(Serialize)]
struct StepJson<'a> {
    id: &'a str,
    /// `start`, `window`, `need`, `claim`, `agent`, `resource` or `parallel`.
    because: &'static str,
    after: Option<&'a str>,
    of: Option<&'a str>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
    phase: Option<&'a str>,
    /// The first of `agents`.
    agent: Option<&'a str>,
    agents: Vec<&'a str>,
    duration_s: Option<DurationJson>,
    needs: Vec<Cow<'a, str>>,
    wants: Vec<&'a str>,
    uses: UsesJson<'a>,
    priority: u8,
    deadline_s: Option<Secs>,
    #[serde(flatten)]
    times: TimesJson,
    criticality_index: Option<f64>,
}

/// How long a task takes; with `working`, in working time, which the calendar spreads out.
#[derive(Serialize)]
struct DurationJson {
    low: Secs,
    likely: Secs,
    high: Secs,
    working: bool,
}

/// Units by resource.
struct UsesJson<'a>(Vec<(&'a str, u32)>);

impl Serialize for UsesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Serialize)]
struct TimesJson {
    earliest_start_s: Secs,
    earliest_finish_s: Secs,
    latest_start_s: Secs,
    latest_finish_s: Secs,
    slack_s: Secs,
    critical: bool,
    /// The plan does not expect it to happen.
    contingent: bool,
    start_s: Secs,
    finish_s: Secs,
}

/// A sync or a milestone.
#[derive(Serialize)]
struct EventJson<'a> {
    id: &'a str,
    kind: &'static str,
    title: Option<&'a str>,
    phase: Option<&'a str>,
    needs: Vec<Cow<'a, str>>,
    due_s: Option<Secs>,
    #[serde(flatten)]
    times: TimesJson,
}

/// What only ties needs together: the end of a phase without a sync, for one.
#[derive(Serialize)]
struct JoinJson<'a> {
    id: Cow<'a, str>,
    needs: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct PhaseJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
    window: Option<WindowJson>,
    logical: Option<IntervalJson>,
    levelled: Option<IntervalJson>,
    logical_end_s: Secs,
    end_s: Secs,
    late_s: Option<Secs>,
    /// Null until it is sampled.
    eta: Option<EtaJson>,
}

#[derive(Serialize)]
struct WindowJson {
    from_s: Secs,
    until_s: Option<Secs>,
}

#[derive(Serialize)]
struct IntervalJson {
    start_s: Secs,
    finish_s: Secs,
    /// The working time in it.
    working_s: Secs,
}

#[derive(Serialize)]
struct AgentJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
    capacity: u32,
    load: f64,
    tasks: u32,
    working_s: Secs,
    elapsed_s: Secs,
    busy_s: Secs,
    wave: u32,
}

#[derive(Serialize)]
struct DueJson<'a> {
    id: &'a str,
    kind: &'static str,
    due_s: Secs,
    finish_s: Secs,
    logical_finish_s: Secs,
    met: bool,
    late_s: Secs,
    logical_late_s: Secs,
    /// The share of samples that meet it; null until it is sampled.
    probability: Option<f64>,
}

struct View<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    calendar: Calendar,
}

impl<'a> View<'a> {
    fn document(&self) -> Document<'a> {
        let (plan, schedule) = (self.plan, self.schedule);
        Document {
            schema: "coord.plan/1",
            project: &plan.project,
            title: plan.title.as_deref(),
            origin: Clock::of(plan).rfc3339(0),
            timezone: &plan.timezone,
            makespan_s: Secs(schedule.makespan_ms),
            logical_makespan_s: Secs(schedule.logical_makespan_ms),
            logical_low_s: Secs(schedule.logical_low_ms),
            logical_high_s: Secs(schedule.logical_high_ms),
            lower_bound_s: Secs(schedule.lower_bound.ms),
            lower_bound_reason: schedule.lower_bound.describe(plan, self.calendar.day_ms()),
            optimal: schedule.optimal,
            search: SearchJson {
                end: match schedule.end {
                    End::Rules => "rules",
                    End::Optimal => "optimal",
                    End::NothingBetter => "nothing-better",
                    End::Budget => "budget",
                    End::Stopped => "stopped",
                },
                seed: schedule.options.seed,
                placements: schedule.work,
            },
            critical_path: schedule
                .critical_path
                .iter()
                .map(|step| self.name(step.node))
                .collect(),
            critical_steps: schedule
                .critical_path
                .iter()
                .map(|s| self.step(s.node, s.why))
                .collect(),
            levelled_chain: schedule
                .chain
                .iter()
                .map(|l| self.link(l.node, l.holds))
                .collect(),
            eta: self.eta(),
            drivers: self.drivers(),
            tasks: plan
                .tasks()
                .map(|(id, _, task)| self.task(id, task))
                .collect(),
            events: plan.nodes.ids().filter_map(|id| self.event(id)).collect(),
            joins: plan.nodes.ids().filter_map(|id| self.join(id)).collect(),
            phases: plan.active_phases().map(|id| self.phase(id)).collect(),
            agents: plan.agents.ids().map(|id| self.agent(id)).collect(),
            waves: self.waves(),
            deadlines: self.deadlines(),
            missing_estimates: schedule
                .missing_estimates
                .iter()
                .map(|&id| self.name(id))
                .collect(),
            promises: schedule
                .promises
                .iter()
                .filter_map(|promise| self.promise(promise))
                .collect(),
        }
    }

    fn forecast(&self) -> Option<&'a Forecast> {
        self.schedule.forecast.as_deref()
    }

    fn eta(&self) -> Option<EtaJson> {
        let forecast = self.forecast()?;
        Some(EtaJson {
            p50_s: Secs(forecast.percentile(50)),
            p80_s: Secs(forecast.percentile(80)),
            p95_s: Secs(forecast.percentile(95)),
            samples: forecast.samples,
        })
    }

    fn eta_of(&self, node: NodeId) -> Option<EtaJson> {
        let forecast = self.forecast()?;
        let percentile = |percent| forecast.percentile_of(node, percent).map(Secs);
        Some(EtaJson {
            p50_s: percentile(50)?,
            p80_s: percentile(80)?,
            p95_s: percentile(95)?,
            samples: forecast.samples,
        })
    }

    /// What makes the end late, the most first.
    fn drivers(&self) -> Vec<&'a str> {
        let drivers = self.forecast().map(|forecast| forecast.drivers(self.plan));
        let drivers = drivers.into_iter().flatten();
        drivers.map(|node| self.name(node)).collect()
    }

    fn promise(&self, promise: &Promise) -> Option<PromiseJson<'a>> {
        let expect = self.plan.rules.expects.get(promise.number)?;
        let claim = expect.claim(self.plan);
        let secs = |figure: Figure| match figure {
            Figure::Instant(ms) | Figure::Length(ms) => Some(Secs(ms)),
            Figure::Percent(_) => None,
        };
        let (verdict, holds) = match promise.verdict {
            Verdict::Kept => ("kept", Some(true)),
            Verdict::Broken => ("broken", Some(false)),
            Verdict::Impossible => ("impossible", Some(false)),
            Verdict::Open(_) => ("open", None),
        };
        Some(PromiseJson {
            text: &expect.title,
            claim: (!claim.is_empty()).then_some(claim),
            by_s: expect.by_ms.map(Secs),
            holds,
            verdict,
            judged_by: match promise.verdict {
                Verdict::Kept | Verdict::Broken if is_percentile(expect) => "forecast",
                Verdict::Open(Open::Forecast) => "forecast",
                Verdict::Open(Open::Run) => "run",
                Verdict::Open(Open::Person) => "person",
                Verdict::Kept | Verdict::Broken | Verdict::Impossible | Verdict::Open(_) => "plan",
            },
            value: promise.figure.map(Figure::in_words),
            value_s: promise.figure.and_then(secs),
            best_s: promise.best.and_then(secs),
            path: promise.path.iter().map(|&node| self.name(node)).collect(),
        })
    }

    fn name(&self, node: NodeId) -> &'a str {
        &self.plan.nodes[node].name
    }

    fn agent_name(&self, agent: AgentId) -> &'a str {
        &self.plan.agents[agent].name
    }

    fn step(&self, node: NodeId, why: Why) -> StepJson<'a> {
        let (because, after) = match why {
            Why::Start => ("start", None),
            Why::Window => ("window", None),
            Why::Need { on, .. } => ("need", Some(self.name(on))),
        };
        StepJson {
            id: self.name(node),
            because,
            after,
            of: None,
        }
    }

    fn link(&self, node: NodeId, hold: Hold) -> StepJson<'a> {
        let (because, after, of) = held(self.plan, hold);
        StepJson {
            id: self.name(node),
            because,
            after,
            of,
        }
    }

    fn task(&self, id: NodeId, task: &'a Task) -> TaskJson<'a> {
        let node = &self.plan.nodes[id];
        let agents = self.agents_of(id, task);
        let uses = task
            .uses
            .iter()
            .filter(|(resource, _)| !self.plan.resources[*resource].claim);
        TaskJson {
            id: &node.name,
            title: node.title.as_deref(),
            phase: node.phase.map(|phase| self.phase_name(phase)),
            agent: agents.first().copied(),
            agents,
            duration_s: task.estimate.map(|estimate| DurationJson {
                low: Secs(estimate.low.ms),
                likely: Secs(estimate.likely.ms),
                high: Secs(estimate.high.ms),
                working: estimate.likely.working,
            }),
            needs: self.needs(id),
            wants: node.wants.iter().map(|want| self.name(want.on)).collect(),
            uses: UsesJson(
                uses.map(|(id, n)| (self.plan.resources[*id].name.as_str(), *n))
                    .collect(),
            ),
            priority: task.priority,
            deadline_s: task.deadline_ms.map(Secs),
            times: times(&self.schedule.nodes[id]),
            criticality_index: self
                .forecast()
                .map(|f| f64::from(f.criticality(id)) / 1000.0),
        }
    }

    /// Who does it; for what takes no time, who could.
    fn agents_of(&self, id: NodeId, task: &Task) -> Vec<&'a str> {
        let placed = &self.schedule.nodes[id].agents;
        let agents = if placed.is_empty() {
            task.by.agents()
        } else {
            placed
        };
        agents.iter().map(|&agent| self.agent_name(agent)).collect()
    }

    /// What a node waits for, alternatives included, in the order of the plan.
    fn needs(&self, id: NodeId) -> Vec<Cow<'a, str>> {
        let mut found: Vec<NodeId> = self.plan.nodes[id]
            .needs
            .iter()
            .flat_map(|need| need.nodes())
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|on| id_of(self.plan, on)).collect()
    }

    fn join(&self, id: NodeId) -> Option<JoinJson<'a>> {
        let is_join = self.plan.nodes[id].kind == NodeKind::Join;
        is_join.then(|| JoinJson {
            id: id_of(self.plan, id),
            needs: self.needs(id),
        })
    }

    fn event(&self, id: NodeId) -> Option<EventJson<'a>> {
        let node = &self.plan.nodes[id];
        let (kind, due_ms) = match &node.kind {
            NodeKind::Sync(_) => ("sync", None),
            NodeKind::Milestone(milestone) => ("milestone", milestone.due_ms),
            NodeKind::Task(_) | NodeKind::Join => return None,
        };
        Some(EventJson {
            id: &node.name,
            kind,
            title: node.title.as_deref(),
            phase: node.phase.map(|phase| self.phase_name(phase)),
            needs: self.needs(id),
            due_s: due_ms.map(Secs),
            times: times(&self.schedule.nodes[id]),
        })
    }

    fn phase_name(&self, phase: PhaseId) -> &'a str {
        &self.plan.phases[phase].name
    }

    fn phase(&self, id: PhaseId) -> PhaseJson<'a> {
        let (phase, span) = (&self.plan.phases[id], &self.schedule.phases[id]);
        let interval = |(start, finish): (i64, i64)| IntervalJson {
            start_s: Secs(start),
            finish_s: Secs(finish),
            working_s: Secs(self.calendar.working_between(start, finish)),
        };
        PhaseJson {
            id: &phase.name,
            title: phase.title.as_deref(),
            window: phase.window_ms.map(|(from, until)| WindowJson {
                from_s: Secs(from),
                until_s: until.map(Secs),
            }),
            logical: span.logical_ms.map(interval),
            levelled: span.levelled_ms.map(interval),
            logical_end_s: Secs(span.logical_end_ms),
            end_s: Secs(span.end_ms),
            late_s: span.late_ms.map(Secs),
            eta: self.eta_of(phase.end),
        }
    }

    fn agent(&self, id: AgentId) -> AgentJson<'a> {
        let (agent, load) = (&self.plan.agents[id], &self.schedule.agents[id]);
        AgentJson {
            id: &agent.name,
            title: agent.title.as_deref(),
            capacity: load.slots,
            load: load.per_mille() as f64 / 1000.0,
            tasks: load.tasks,
            working_s: Secs(load.working_ms),
            elapsed_s: Secs(load.elapsed_ms),
            busy_s: Secs(load.busy_ms),
            wave: agent.wave,
        }
    }

    /// The declared agents by the wave of their contracts.
    fn waves(&self) -> Vec<Vec<&'a str>> {
        let mut waves: Vec<Vec<&'a str>> = Vec::new();
        for (id, agent) in self.plan.agents.iter().filter(|(id, _)| id.0 > 0) {
            let wave = agent.wave as usize;
            waves.resize_with(waves.len().max(wave + 1), Vec::new);
            waves[wave].push(self.agent_name(id));
        }
        waves
    }

    fn deadlines(&self) -> Vec<DueJson<'a>> {
        let tasks = self
            .schedule
            .deadlines
            .iter()
            .map(|due| self.due(due, "task"));
        let milestones = self
            .schedule
            .milestones
            .iter()
            .map(|due| self.due(due, "milestone"));
        tasks.chain(milestones).collect()
    }

    fn due(&self, due: &Due, kind: &'static str) -> DueJson<'a> {
        DueJson {
            id: self.name(due.node),
            kind,
            due_s: Secs(due.due_ms),
            finish_s: Secs(due.finish_ms),
            logical_finish_s: Secs(due.logical_finish_ms),
            met: due.is_met(),
            late_s: Secs(due.late_ms()),
            logical_late_s: Secs(due.logical_late_ms()),
            probability: self
                .forecast()
                .and_then(|forecast| forecast.chance(due.node, due.due_ms))
                .map(|share| f64::from(share) / 1000.0),
        }
    }
}

/// The kind of what holds something, which node it is, and what it is about.
pub(super) fn held(plan: &Plan, hold: Hold) -> (&'static str, Option<&str>, Option<&str>) {
    let name = |node: NodeId| Some(plan.nodes[node].name.as_str());
    let resource = |id| Some(plan.resources[id].name.as_str());
    match hold {
        Hold::Start => ("start", None, None),
        Hold::Window => ("window", None, None),
        Hold::Need { on, .. } => ("need", name(on), None),
        Hold::Claim { claim, with } => ("claim", name(with), resource(claim)),
        Hold::Agent { agent, with } => {
            let agent = plan.agents[agent].name.as_str();
            ("agent", name(with), Some(agent))
        }
        Hold::Resource { resource: id, with } => ("resource", name(with), resource(id)),
        Hold::Parallel { with } => ("parallel", name(with), None),
    }
}

fn is_percentile(expect: &Expect) -> bool {
    matches!(
        expect.claim,
        Claim::Measure {
            of: Measured::Percentile(_),
            ..
        }
    )
}

fn times(node: &NodeSchedule) -> TimesJson {
    let logical = &node.logical;
    TimesJson {
        earliest_start_s: Secs(logical.earliest_start_ms),
        earliest_finish_s: Secs(logical.earliest_finish_ms),
        latest_start_s: Secs(logical.latest_start_ms),
        latest_finish_s: Secs(logical.latest_finish_ms),
        slack_s: Secs(logical.slack_ms),
        critical: logical.critical,
        contingent: logical.contingent,
        start_s: Secs(node.start_ms),
        finish_s: Secs(node.finish_ms),
    }
}
