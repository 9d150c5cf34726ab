//! A plan and its schedule, with words for its names, times and lengths: what every picture of a
//! plan is drawn from.
//!
//! Lengths are working time (`2wd 4wh`) when the plan estimates in working time, else time on
//! the clock (`2d 4h`). It decides nothing about layout.

use super::explain_plan::hold;
use super::sheet::tame;
use coord_lang::ids::{AgentId, NodeId, PhaseId, Table};
use coord_lang::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS};
use coord_plan::calendar::Calendar;
use coord_plan::calendars::Calendars;
use coord_plan::clock::{Clock, lasting};
use coord_plan::plan::{By, Estimate, NodeKind, Plan, Span};
use coord_plan::schedule::Schedule;
use coord_plan::schedule::chain::Hold;
use std::collections::BTreeMap;

pub(crate) struct Outlook<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) schedule: &'a Schedule,
    pub(crate) clock: Clock,
    /// The project's.
    pub(crate) calendar: Calendar,
    calendars: Calendars,
    /// Some work is estimated in working time; some on the clock.
    pub(crate) uses_working: bool,
    pub(crate) uses_elapsed: bool,
    /// The phase that each node is shown in.
    phase_of: Table<NodeId, Option<PhaseId>>,
    on_path: Table<NodeId, bool>,
    in_chain: Table<NodeId, bool>,
    /// What holds each link of the levelled schedule's chain.
    holds: BTreeMap<NodeId, Hold>,
}

impl<'a> Outlook<'a> {
    pub(crate) fn new(plan: &'a Plan, schedule: &'a Schedule) -> Outlook<'a> {
        let uses = |working: bool| {
            let mut likely = plan
                .tasks()
                .filter_map(|(_, _, task)| Some(task.estimate?.likely));
            likely.any(|span| span.ms > 0 && span.working == working)
        };
        let calendars = Calendars::of(plan);
        Outlook {
            plan,
            schedule,
            clock: Clock::of(plan).lasting_for(schedule.makespan_ms),
            calendar: calendars.project().clone(),
            calendars,
            uses_working: uses(true),
            uses_elapsed: uses(false),
            phase_of: phases_of(plan),
            on_path: marked(plan, schedule.critical_path.iter().map(|step| step.node)),
            in_chain: marked(plan, schedule.chain.iter().map(|link| link.node)),
            holds: schedule.chain.iter().map(|l| (l.node, l.holds)).collect(),
        }
    }

    // ---- names -------------------------------------------------------------------------------

    pub(crate) fn name(&self, node: NodeId) -> String {
        tame(&self.plan.nodes[node].name)
    }

    pub(crate) fn title(&self, node: NodeId) -> String {
        self.plan.nodes[node]
            .title
            .as_deref()
            .map(tame)
            .unwrap_or_default()
    }

    pub(crate) fn agent(&self, agent: AgentId) -> String {
        tame(&self.plan.agents[agent].name)
    }

    pub(crate) fn phase(&self, phase: PhaseId) -> String {
        let phase = &self.plan.phases[phase];
        tame(phase.title.as_deref().unwrap_or(&phase.name))
    }

    /// Who does it; for what takes no time, who could.
    pub(crate) fn who(&self, node: NodeId) -> String {
        let Some(task) = self.plan.task(node) else {
            return String::new();
        };
        let placed = &self.schedule.nodes[node].agents;
        let (agents, between) = match &task.by {
            _ if !placed.is_empty() => (placed.as_slice(), "+"),
            By::All(agents) => (agents.as_slice(), "+"),
            By::Any(agents) => (agents.as_slice(), "|"),
        };
        let names: Vec<String> = agents.iter().map(|agent| self.agent(*agent)).collect();
        names.join(between)
    }

    /// The phase that a node is shown in; milestones of a phase are among its nodes here.
    pub(crate) fn phase_of(&self, node: NodeId) -> Option<PhaseId> {
        self.phase_of[node]
    }

    /// `week 1`, `weeks 2–3`, `from week 6`; empty for a phase without weeks.
    pub(crate) fn weeks(&self, phase: PhaseId) -> String {
        // half a day more, so that a change of clocks does not matter
        let week = |ms: i64| (ms + DAY_MS / 2) / WEEK_MS;
        match self.plan.phases[phase].window_ms {
            None => String::new(),
            Some((from, None)) => format!("from week {}", week(from) + 1),
            Some((from, Some(until))) if week(until) == week(from) + 1 => {
                format!("week {}", week(until))
            }
            Some((from, Some(until))) => format!("weeks {}–{}", week(from) + 1, week(until)),
        }
    }

    // ---- what is critical --------------------------------------------------------------------

    pub(crate) fn is_critical(&self, node: NodeId) -> bool {
        self.schedule.nodes[node].logical.critical
    }

    pub(crate) fn is_on_path(&self, node: NodeId) -> bool {
        self.on_path[node]
    }

    /// Whether a node is a link of what holds the levelled schedule.
    pub(crate) fn is_in_chain(&self, node: NodeId) -> bool {
        self.in_chain[node]
    }

    /// What holds a link of what holds the end, in words.
    pub(crate) fn held(&self, node: NodeId) -> Option<String> {
        let holds = self.holds.get(&node)?;
        Some(hold(self, node, *holds))
    }

    pub(crate) fn is_contingent(&self, node: NodeId) -> bool {
        self.schedule.nodes[node].logical.contingent
    }

    /// When a task or milestone should have ended.
    pub(crate) fn due_ms(&self, node: NodeId) -> Option<i64> {
        match &self.plan.nodes[node].kind {
            NodeKind::Task(task) => task.deadline_ms,
            NodeKind::Milestone(milestone) => milestone.due_ms,
            NodeKind::Sync(_) | NodeKind::Join => None,
        }
    }

    pub(crate) fn is_late(&self, node: NodeId) -> bool {
        let missed = |due| self.schedule.nodes[node].finish_ms > due;
        !self.is_contingent(node) && self.due_ms(node).is_some_and(missed)
    }

    // ---- times and lengths -------------------------------------------------------------------

    /// `Fri 15 Aug 17:00`, or `2d 4h after the start`.
    pub(crate) fn at(&self, ms: i64) -> String {
        if self.clock.is_dated() {
            return self.clock.at(ms);
        }
        match ms {
            0 => "at the start".into(),
            ms => format!("{} after the start", self.between(0, ms)),
        }
    }

    /// An instant by which something has to be done; midnight is the end of the day before.
    pub(crate) fn by(&self, ms: i64) -> String {
        let at = self.at(ms);
        if at.ends_with(" 00:00") {
            return self.at(ms - 1).trim_end_matches(" 23:59").to_string();
        }
        at
    }

    /// The time between two instants that counts for the load of an agent.
    pub(crate) fn counted(&self, agent: AgentId, from_ms: i64, to_ms: i64) -> i64 {
        match self.uses_working {
            true => self.calendars.agent(agent).working_between(from_ms, to_ms),
            false => to_ms - from_ms,
        }
    }

    /// The time between two instants: working time when the plan has any.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> String {
        match self.calendar.working_between(from_ms, to_ms) {
            ms if ms != 0 && self.uses_working => working(ms, self.calendar.day_ms()),
            _ => elapsed(to_ms - from_ms),
        }
    }

    /// A time that [`Outlook::counted`] counts, in days of that agent.
    pub(crate) fn counted_in_words(&self, agent: AgentId, ms: i64) -> String {
        match self.uses_working {
            true => working(ms, self.calendars.agent(agent).day_ms()),
            false => elapsed(ms),
        }
    }

    /// A length of what these agents do, in days of theirs.
    pub(crate) fn length(&self, agents: &[AgentId], span: Span) -> String {
        if !span.working {
            return elapsed(span.ms);
        }
        let calendars = self.calendars.each_of(agents).into_iter();
        let day_ms = calendars.map(Calendar::day_ms).min();
        working(span.ms, day_ms.unwrap_or(0))
    }

    /// What a task is thought to take: `2wd`, `4wd..5wd`; empty without an estimate.
    pub(crate) fn takes(&self, node: NodeId) -> String {
        let Some(task) = self.plan.task(node) else {
            return String::new();
        };
        let length = |estimate: Estimate| self.length(task.by.agents(), estimate.likely);
        task.estimate.map_or_else(String::new, length)
    }
}

/// `2wd`, `1wd 4wh`, `2wh 30m`.
fn working(ms: i64, day_ms: i64) -> String {
    let day_ms = day_ms.max(1);
    let sign = if ms < 0 { "-" } else { "" };
    let (days, rest) = (ms.abs() / day_ms, ms.abs() % day_ms);
    let (hours, minutes) = (rest / HOUR_MS, rest % HOUR_MS / MINUTE_MS);
    let parts = [(days, "wd"), (hours, "wh"), (minutes, "m")];
    let words = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}{unit}"));
    let words: Vec<String> = words.take(2).collect();
    if words.is_empty() {
        elapsed(ms)
    } else {
        format!("{sign}{}", words.join(" "))
    }
}

/// A length on the clock in two units, rounded to the second of them.
fn elapsed(ms: i64) -> String {
    let unit = match ms.abs() {
        DAY_MS.. => HOUR_MS,
        HOUR_MS.. => MINUTE_MS,
        MINUTE_MS.. => SECOND_MS,
        _ => 1,
    };
    lasting(
        (ms.saturating_add(unit / 2))
            .div_euclid(unit)
            .saturating_mul(unit),
    )
}

fn phases_of(plan: &Plan) -> Table<NodeId, Option<PhaseId>> {
    let mut found: Table<NodeId, Option<PhaseId>> =
        plan.nodes.values().map(|node| node.phase).collect();
    for id in plan.active_phases() {
        for need in &plan.nodes[plan.phases[id].end].needs {
            if found[need.on].is_none()
                && matches!(plan.nodes[need.on].kind, NodeKind::Milestone(_))
            {
                found[need.on] = Some(id);
            }
        }
    }
    found
}

fn marked(plan: &Plan, nodes: impl Iterator<Item = NodeId>) -> Table<NodeId, bool> {
    let mut marks: Table<NodeId, bool> = plan.nodes.ids().map(|_| false).collect();
    nodes.for_each(|node| marks[node] = true);
    marks
}
