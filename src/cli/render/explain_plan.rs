//! A plan in words: when it ends and why, who is busy, what is met and what is missed.
//!
//! Two schedules are told side by side: *by needs alone*, as if everybody could do everything at
//! once, and *with who is there*, each agent with as many tasks at a time as it has room for.

use super::forecast;
use super::gantt;
use super::heat;
use super::outlook::Outlook;
use super::promises;
use super::sheet::{Ink, Line, Look, Sheet, columns, cut, tame};
use coord_lang::ids::{AgentId, NodeId, PhaseId};
use coord_plan::bound::Reason;
use coord_plan::critical_path::Why;
use coord_plan::levelling::End;
use coord_plan::plan::{NodeKind, Origin, Plan, Span, Wanted};
use coord_plan::schedule::chain::Hold;
use coord_plan::schedule::overload::overloads;
use coord_plan::schedule::{AgentLoad, Due, Schedule};

/// Of a longer list, the first and the last are told.
const LIST_LIMIT: usize = 24;
/// Names of a way, and of the busiest, in the first lines.
const WAY: usize = 7;
const BUSIEST: usize = 4;
/// Columns of a bar that shows a load.
const LOAD_ROOM: usize = 20;

/// The whole picture of a plan.
pub(crate) fn text(plan: &Plan, schedule: &Schedule, look: Look) -> String {
    let outlook = Outlook::new(plan, schedule);
    let mut sheet = Sheet::new(look);
    header(&outlook, &mut sheet);
    if schedule.makespan_ms > 0 {
        gantt::draw(&outlook, &mut sheet);
        phases(&outlook, &mut sheet);
        critical(&outlook, &mut sheet);
        chain(&outlook, &mut sheet);
        busy(&outlook, &mut sheet);
        waves(&outlook, &mut sheet);
        deadlines(&outlook, &mut sheet);
        forecast::forecast(&outlook, &mut sheet);
    }
    promises::promises(&outlook, &mut sheet);
    missing(&outlook, &mut sheet);
    sheet.into_text()
}

// ---- header ------------------------------------------------------------------------------------

fn header(outlook: &Outlook, sheet: &mut Sheet) {
    let (plan, schedule) = (outlook.plan, outlook.schedule);
    let name = if plan.project.is_empty() {
        "(no project statement)"
    } else {
        &plan.project
    };
    let title = plan.title.as_deref().map(tame).unwrap_or_default();
    sheet.line(
        Line::new()
            .add(Ink::Strong, tame(name))
            .plain("  ")
            .add(Ink::Plain, title),
    );
    if plan.tasks().next().is_none() {
        sheet.wrapped(2, Ink::Plain, "nothing to plan: it has no task");
        return;
    }
    sheet.wrapped(
        0,
        Ink::Faint,
        &format!("{}; {}", size(plan), start(outlook)),
    );
    if schedule.makespan_ms > 0 {
        let ends = format!("ends {}", outlook.at(schedule.makespan_ms));
        sheet.line(Line::new().add(Ink::Strong, ends));
    }
    sheet.blank();
    match schedule.makespan_ms {
        0 => sheet.wrapped(
            2,
            Ink::Plain,
            "no time to show: say with `takes 2d` how long tasks take",
        ),
        _ => {
            ends(outlook, sheet);
            gists(outlook, sheet);
        }
    }
}

/// When it ends by needs alone, with who is there, and at best.
fn ends(outlook: &Outlook, sheet: &mut Sheet) {
    let schedule = outlook.schedule;
    let line = |name: &str, ms: i64| {
        let line =
            Line::new()
                .to(2)
                .fit(Ink::Plain, name, 20)
                .fit(Ink::Strong, &outlook.at(ms), 24);
        line.to(44)
    };
    let length = |ms: i64| {
        if outlook.clock.is_dated() {
            outlook.between(0, ms)
        } else {
            String::new()
        }
    };
    let row = |sheet: &mut Sheet, name: &str, ms: i64, gist: String| {
        let length = length(ms);
        let between = if length.is_empty() || gist.is_empty() {
            ""
        } else {
            "; "
        };
        sheet.hanging(
            line(name, ms),
            Ink::Faint,
            &format!("{length}{between}{gist}"),
        );
    };
    row(
        sheet,
        "by needs alone",
        schedule.logical_makespan_ms,
        estimates(outlook),
    );
    row(
        sheet,
        "with who is there",
        schedule.makespan_ms,
        longer(outlook),
    );
    row(sheet, "lower bound", schedule.lower_bound.ms, gap(outlook));
    if let Some(forecast) = forecast::told(outlook) {
        let gist = forecast::gist(outlook, forecast);
        sheet.hanging(line("finishes", forecast.percentile(50)), Ink::Faint, &gist);
    }
}

/// `18 tasks, 4 phases, 7 agents`.
fn size(plan: &Plan) -> String {
    let mut used: Vec<AgentId> = plan
        .tasks()
        .flat_map(|(_, _, task)| task.by.agents().iter().copied())
        .collect();
    used.sort_unstable();
    used.dedup();
    let counts = [
        (plan.tasks().count(), "task"),
        (plan.active_phases().count(), "phase"),
        (used.len(), "agent"),
    ];
    let words = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| count(*n, word));
    words.collect::<Vec<_>>().join(", ")
}

fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

fn start(outlook: &Outlook) -> String {
    let Some(rfc3339) = outlook.clock.rfc3339(0) else {
        return "no start date, times count from the start".into();
    };
    let year = rfc3339.split('-').next().unwrap_or_default();
    let at = outlook.at(0);
    let (day, time) = at.rsplit_once(' ').unwrap_or((&at, ""));
    let time = if time == "00:00" {
        String::new()
    } else {
        format!(" {time}")
    };
    let zone = tame(&outlook.plan.timezone);
    format!("starts {day} {year}{time} ({zone})")
}

fn estimates(outlook: &Outlook) -> String {
    let schedule = outlook.schedule;
    let (low, high) = (schedule.logical_low_ms, schedule.logical_high_ms);
    if low == high {
        return String::new();
    }
    format!(
        "{} to {} with low and high estimates",
        outlook.between(0, low),
        outlook.between(0, high)
    )
}

fn longer(outlook: &Outlook) -> String {
    let (alone, together) = (
        outlook.schedule.logical_makespan_ms,
        outlook.schedule.makespan_ms,
    );
    match together > alone {
        true => {
            let more = outlook.between(alone, together);
            match turns(outlook) {
                Some(turns) => format!("{more} more: {turns}"),
                None => format!("{more} more, because not everything can be done at once"),
            }
        }
        false => "no later: what people wait for fits into the slack".into(),
    }
}

/// Who or what makes the end wait, of what holds it.
fn turns(outlook: &Outlook) -> Option<String> {
    let chain = outlook.schedule.chain.iter();
    let mut waits = chain.filter(|link| match link.holds {
        Hold::Claim { .. } | Hold::Agent { .. } | Hold::Resource { .. } | Hold::Parallel { .. } => {
            true
        }
        Hold::Start | Hold::Window | Hold::Need { .. } => false,
    });
    let last = waits.next_back()?;
    let held = hold(outlook, last.node, last.holds);
    let more = match waits.count() {
        0 => String::new(),
        1 => ", and one more such wait".into(),
        n => format!(", and {n} more such waits"),
    };
    Some(format!("{held} before {}{more}", outlook.name(last.node)))
}

/// One line each about what is critical, who has most to do, and what is missed.
fn gists(outlook: &Outlook, sheet: &mut Sheet) {
    let schedule = outlook.schedule;
    let mut gist = |name: &str, ink: Ink, text: &str| {
        let line = Line::new().to(2).fit(Ink::Plain, name, 20);
        sheet.hanging(line, ink, text);
    };
    let path: Vec<NodeId> = schedule
        .critical_path
        .iter()
        .map(|step| step.node)
        .collect();
    let chain: Vec<NodeId> = schedule.chain.iter().map(|link| link.node).collect();
    gist("critical", Ink::Critical, &way(outlook, &path));
    if chain != path {
        gist("holds the end", Ink::Strong, &way(outlook, &chain));
    }
    let busy = heat::busiest(outlook);
    let busy = busy.iter().take(BUSIEST).map(|agent| {
        let percent = (schedule.agents[*agent].per_mille() + 5) / 10;
        format!("{} {percent}%", outlook.agent(*agent))
    });
    let busy: Vec<String> = busy.collect();
    if !busy.is_empty() {
        gist("busiest", Ink::Plain, &busy.join(", "));
    }
    if let Some(overloaded) = overloaded(outlook) {
        gist("overloaded", Ink::Late, &overloaded);
    }
    let dues = || schedule.deadlines.iter().chain(&schedule.milestones);
    let missed: Vec<String> = dues()
        .filter(|due| !due.is_met())
        .map(|due| {
            let late = outlook.between(due.due_ms, due.finish_ms);
            format!("{} {late} late", outlook.name(due.node))
        })
        .collect();
    let all = dues().count();
    if missed.is_empty() && all > 0 {
        gist("deadlines", Ink::Good, &format!("all {all} met"));
    } else if !missed.is_empty() {
        let met = all - missed.len();
        let words = format!("{met} of {all} met; {}", some_of(&missed));
        gist("deadlines", Ink::Late, &words);
    }
}

/// `frontend and backend with 5wd of work in Foundation, where needs alone take 2wd`.
fn overloaded(outlook: &Outlook) -> Option<String> {
    // who has as much too much in the same place is told together
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for overload in overloads(outlook.plan, outlook.schedule) {
        let (agent, ms) = (overload.agent, overload.work_ms);
        let place = match overload.phase {
            Some(phase) => format!(" in {}", outlook.phase(phase)),
            None => String::new(),
        };
        let slots = match overload.slots {
            1 => String::new(),
            slots => format!(", {slots} at a time"),
        };
        let words = format!(
            "{} of work{slots}{place}, where needs alone take {}",
            outlook.counted_in_words(agent, ms),
            outlook.counted_in_words(agent, overload.time_ms)
        );
        let name = outlook.agent(agent);
        match told.iter_mut().find(|(known, _)| *known == words) {
            Some((_, names)) => names.push(name),
            None => told.push((words, vec![name])),
        }
    }
    let told: Vec<String> = told
        .iter()
        .map(|(words, names)| format!("{} with {words}", some_of(names)))
        .collect();
    (!told.is_empty()).then(|| match &told[..] {
        [first, second, third, more @ ..] if !more.is_empty() => {
            format!("{first}; {second}; {third}; and {} more", more.len())
        }
        all => all.join("; "),
    })
}

/// `a → b → c`; of a longer one its start and its end.
fn way(outlook: &Outlook, nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(|node| outlook.name(*node)).collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [first, second, .., before, last] if names.len() > WAY => {
            let more = names.len() - 4;
            format!("{first} → {second} → … {more} more → {before} → {last}")
        }
        _ => names.join(" → "),
    }
}

fn gap(outlook: &Outlook) -> String {
    let schedule = outlook.schedule;
    let bound = &schedule.lower_bound;
    let why = match &bound.reason {
        Reason::CriticalPath => "the critical path takes that long".to_string(),
        Reason::Energy(_) | Reason::Search => {
            tame(&bound.describe(outlook.plan, outlook.calendar.day_ms()))
        }
    };
    if schedule.optimal {
        return format!("optimal: nothing shorter exists, since {why}");
    }
    let above = schedule.makespan_ms - bound.ms;
    let percent = (i128::from(above) * 1000 / i128::from(bound.ms.max(1))) as f64 / 10.0;
    let gap = outlook.between(bound.ms, schedule.makespan_ms);
    let end = searched(schedule.end);
    format!("{why}; the schedule is {gap} above that, {percent}%{end}")
}

fn searched(end: End) -> &'static str {
    match end {
        End::Rules | End::Optimal => "",
        End::NothingBetter => "; the search finds nothing better any more",
        End::Budget => "; a larger --budget may find a better one",
        End::Stopped => "; the clock ended the search, so that another time it may be another one",
    }
}

// ---- phases ------------------------------------------------------------------------------------

fn phases(outlook: &Outlook, sheet: &mut Sheet) {
    let phases = || outlook.plan.active_phases();
    if phases().next().is_none() {
        return;
    }
    sheet.heading("How long each phase takes", "");
    let names = phases()
        .map(|phase| columns(&outlook.phase(phase)))
        .max()
        .unwrap_or(0);
    let weeks = phases()
        .map(|phase| columns(&outlook.weeks(phase)))
        .max()
        .unwrap_or(0);
    let table = PhaseTable {
        name_room: names.min(sheet.width() * 3 / 10) + 2,
        weeks_room: if weeks > 0 { weeks + 2 } else { 0 },
    };
    sheet.line(table.head());
    for phase in phases() {
        sheet.line(table.row(outlook, phase));
    }
}

/// Where the columns of phases are.
struct PhaseTable {
    name_room: usize,
    weeks_room: usize,
}

impl PhaseTable {
    const LENGTH_ROOM: usize = 12;

    fn head(&self) -> Line {
        let line = Line::new()
            .to(2 + self.name_room)
            .fit(Ink::Faint, "weeks", self.weeks_room);
        let line = line.fit_right(Ink::Faint, "needs alone", Self::LENGTH_ROOM);
        let line = line.fit_right(Ink::Faint, "who is there", Self::LENGTH_ROOM + 2);
        line.plain("  ").add(Ink::Faint, "passes")
    }

    fn row(&self, outlook: &Outlook, phase: PhaseId) -> Line {
        let span = &outlook.schedule.phases[phase];
        let length = |times: Option<(i64, i64)>| match times {
            Some((from, to)) => outlook.between(from, to),
            None => "–".into(),
        };
        let late = span.late_ms.filter(|late| *late > 0);
        let mark = if late.is_some() { "!" } else { "" };
        let line = Line::new().add(Ink::Late, mark).to(2);
        let line = line.fit(
            Ink::Plain,
            &cut(&outlook.phase(phase), self.name_room - 2),
            self.name_room,
        );
        let line = line.fit(Ink::Faint, &outlook.weeks(phase), self.weeks_room);
        let line = line.fit_right(Ink::Plain, &length(span.logical_ms), Self::LENGTH_ROOM);
        let line = line.fit_right(
            Ink::Strong,
            &length(span.levelled_ms),
            Self::LENGTH_ROOM + 2,
        );
        let line = line.plain("  ").plain(outlook.at(span.end_ms));
        let Some(late) = late else { return line };
        let late = outlook.between(span.end_ms - late, span.end_ms);
        line.add(Ink::Late, format!("  {late} past its weeks"))
    }
}

// ---- what is critical, and what holds ----------------------------------------------------------

fn critical(outlook: &Outlook, sheet: &mut Sheet) {
    let path = &outlook.schedule.critical_path;
    if path.is_empty() {
        return;
    }
    sheet.heading(
        "What is critical",
        "by needs alone: any delay here delays the end",
    );
    let steps: Vec<(NodeId, String)> = path
        .iter()
        .map(|step| (step.node, why(outlook, step.node, step.why)))
        .collect();
    list(outlook, sheet, &steps);
}

fn why(outlook: &Outlook, node: NodeId, why: Why) -> String {
    match why {
        Why::Start => "starts with the plan".into(),
        Why::Window => window(outlook, node),
        Why::Need { on, origin, wanted } => needs(outlook, node, Need { on, origin, wanted }),
    }
}

fn window(outlook: &Outlook, node: NodeId) -> String {
    let from = outlook.plan.nodes[node].not_before_ms.unwrap_or(0);
    let weeks = outlook
        .phase_of(node)
        .map(|phase| outlook.weeks(phase))
        .unwrap_or_default();
    let because = if weeks.is_empty() {
        String::new()
    } else {
        format!(" ({weeks})")
    };
    format!(
        "not before {}{because}",
        outlook.at(from).trim_end_matches(" 00:00")
    )
}

struct Need {
    on: NodeId,
    origin: Origin,
    wanted: Wanted,
}

fn needs(outlook: &Outlook, node: NodeId, need: Need) -> String {
    let name = outlook.name(need.on);
    let ended = match need.wanted {
        Wanted::Done => "",
        Wanted::Failed => " to have failed",
        Wanted::Finished => " to have ended, well or not",
        Wanted::Skipped => " to be skipped",
    };
    let closes = outlook.plan.task(node).is_none();
    match need.origin {
        Origin::Declared => format!("needs {name}{ended}"),
        Origin::Sequence => format!("comes after {name} in its sequence"),
        Origin::Phase if closes => format!("waits for its whole phase; {name} ends last"),
        Origin::Phase => format!("its phase opens after {name}"),
        Origin::Artifact => format!("needs what {name} produces"),
    }
}

fn chain(outlook: &Outlook, sheet: &mut Sheet) {
    let schedule = outlook.schedule;
    let links = &schedule.chain;
    let same = links.len() == schedule.critical_path.len()
        && links
            .iter()
            .zip(&schedule.critical_path)
            .all(|(link, step)| link.node == step.node);
    if links.is_empty() {
        return;
    }
    if same {
        sheet.heading("What holds the schedule", "the same path");
        return;
    }
    let gist = format!(
        "why it ends {} with who is there",
        outlook.at(schedule.makespan_ms)
    );
    sheet.heading("What holds the schedule", &gist);
    let links: Vec<(NodeId, String)> = links
        .iter()
        .map(|link| (link.node, hold(outlook, link.node, link.holds)))
        .collect();
    list(outlook, sheet, &links);
}

pub(super) fn hold(outlook: &Outlook, node: NodeId, hold: Hold) -> String {
    let name = |with: NodeId| outlook.name(with);
    match hold {
        Hold::Start => "starts with the plan".into(),
        Hold::Window => window(outlook, node),
        Hold::Need { on, origin, wanted } => needs(outlook, node, Need { on, origin, wanted }),
        Hold::Claim { claim, with } => {
            format!(
                "{} writes {} too",
                name(with),
                tame(&outlook.plan.resources[claim].name)
            )
        }
        Hold::Agent { agent, with } => {
            format!("{} is busy with {}", outlook.agent(agent), name(with))
        }
        Hold::Resource { resource, with } => {
            format!(
                "{} is taken by {}",
                tame(&outlook.plan.resources[resource].name),
                name(with)
            )
        }
        Hold::Parallel { with } => {
            let most = outlook.plan.parallel.unwrap_or_default();
            format!(
                "`parallel {most}`: one of the {most} at work is {}",
                name(with)
            )
        }
    }
}

/// Numbered steps, each with its reason.
fn list(outlook: &Outlook, sheet: &mut Sheet, steps: &[(NodeId, String)]) {
    let label = |node: NodeId| {
        let title = outlook.title(node);
        let between = if title.is_empty() { "" } else { " " };
        format!("{}{between}{title}", outlook.name(node))
    };
    let longest = steps
        .iter()
        .map(|(node, _)| columns(&label(*node)))
        .max()
        .unwrap_or(0);
    let room = longest.min(sheet.width() * 4 / 10);
    let skipped = LIST_LIMIT / 2..steps.len().saturating_sub(LIST_LIMIT / 2);
    for (index, (node, why)) in steps.iter().enumerate() {
        if steps.len() > LIST_LIMIT && index == skipped.start {
            sheet.line(
                Line::new()
                    .to(6)
                    .add(Ink::Faint, format!("… {} more", skipped.len())),
            );
        }
        if steps.len() > LIST_LIMIT && skipped.contains(&index) {
            continue;
        }
        let line = Line::new()
            .fit_right(Ink::Faint, &(index + 1).to_string(), 4)
            .plain("  ");
        let line = line.fit(Ink::Plain, &cut(&label(*node), room), room);
        let line = line
            .fit_right(Ink::Strong, &step_length(outlook, *node), 10)
            .plain("  ");
        sheet.hanging(line, Ink::Faint, why);
    }
}

pub(super) fn step_length(outlook: &Outlook, node: NodeId) -> String {
    match &outlook.plan.nodes[node].kind {
        NodeKind::Task(task) if task.estimate.is_none() => "?".into(),
        NodeKind::Task(_) => outlook.takes(node),
        NodeKind::Sync(_) => "sync".into(),
        NodeKind::Milestone(_) => "milestone".into(),
        NodeKind::Join => String::new(),
    }
}

// ---- who is busy -------------------------------------------------------------------------------

fn busy(outlook: &Outlook, sheet: &mut Sheet) {
    let mut loads: Vec<(AgentId, &AgentLoad)> = outlook
        .schedule
        .agents
        .iter()
        .filter(|(_, load)| load.tasks > 0)
        .collect();
    if loads.is_empty() {
        return;
    }
    loads.sort_by_key(|(agent, load)| (-load.per_mille(), *agent));
    sheet.heading(
        "Who is busy",
        "the share of the time until the end with who is there",
    );
    let names = loads
        .iter()
        .map(|(agent, _)| columns(&outlook.agent(*agent)));
    let room = names.max().unwrap_or(0).min(sheet.width() / 4);
    for (agent, load) in loads.iter().take(LIST_LIMIT) {
        sheet.line(load_line(outlook, *agent, load, room));
    }
    if loads.len() > LIST_LIMIT {
        sheet.wrapped(
            2,
            Ink::Faint,
            &format!("… {} less busy", count(loads.len() - LIST_LIMIT, "agent")),
        );
    }
    let idle = outlook
        .plan
        .agents
        .ids()
        .filter(|&agent| is_idle(outlook, agent));
    let idle: Vec<String> = idle.map(|agent| outlook.agent(agent)).collect();
    if !idle.is_empty() {
        sheet.wrapped(
            2,
            Ink::Faint,
            &format!("without work in this plan: {}", some_of(&idle)),
        );
    }
}

/// Declared, and not in the plan; nobody asks about the built-in one.
fn is_idle(outlook: &Outlook, agent: AgentId) -> bool {
    agent.0 > 0
        && outlook
            .plan
            .tasks()
            .all(|(_, _, task)| !task.by.agents().contains(&agent))
}

fn load_line(outlook: &Outlook, agent: AgentId, load: &AgentLoad, room: usize) -> Line {
    let per_mille = load.per_mille();
    let full = ((per_mille * LOAD_ROOM as i64 + 500) / 1000).clamp(0, LOAD_ROOM as i64) as usize;
    let percent = match per_mille {
        1..=9 => "<1%".into(),
        _ => format!("{}%", (per_mille + 5) / 10),
    };
    let at_once = if load.slots > 1 {
        format!(", {} at a time", load.slots)
    } else {
        String::new()
    };
    let line = Line::new()
        .to(2)
        .fit(Ink::Plain, &outlook.agent(agent), room)
        .plain("  ");
    let line = line
        .add(Ink::Work, "█".repeat(full))
        .add(Ink::Faint, "░".repeat(LOAD_ROOM - full));
    let line = line.fit_right(Ink::Strong, &percent, 5).plain("  ");
    let tasks = count(load.tasks as usize, "task");
    line.plain(format!(
        "{} in {tasks}{at_once}",
        work(outlook, agent, load)
    ))
}

/// `12wd`, `3h`, `12wd and 3h`.
fn work(outlook: &Outlook, agent: AgentId, load: &AgentLoad) -> String {
    let spans = [(load.working_ms, true), (load.elapsed_ms, false)];
    let spans = spans.into_iter().filter(|(ms, _)| *ms > 0);
    let words: Vec<String> = spans
        .map(|(ms, working)| outlook.length(&[agent], Span { ms, working }))
        .collect();
    words.join(" and ")
}

/// The first names, and how many more there are.
fn some_of(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(12) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn waves(outlook: &Outlook, sheet: &mut Sheet) {
    let agents = || outlook.plan.agents.iter().filter(|(id, _)| id.0 > 0);
    let last = agents().map(|(_, agent)| agent.wave).max().unwrap_or(0);
    if last == 0 {
        return;
    }
    sheet.heading(
        "Waves",
        "by the contracts of agents: each needs only agents of waves before",
    );
    for wave in 0..=last {
        let names = agents()
            .filter(|(_, agent)| agent.wave == wave)
            .map(|(id, _)| outlook.agent(id));
        let names: Vec<String> = names.collect();
        let line = Line::new()
            .to(2)
            .fit_right(Ink::Faint, &(wave + 1).to_string(), 3)
            .plain("  ");
        sheet.hanging(line, Ink::Plain, &some_of(&names));
    }
}

// ---- what is due, and what is not known --------------------------------------------------------

fn deadlines(outlook: &Outlook, sheet: &mut Sheet) {
    let schedule = outlook.schedule;
    let mut dues: Vec<_> = schedule
        .deadlines
        .iter()
        .chain(&schedule.milestones)
        .collect();
    if dues.is_empty() {
        return;
    }
    dues.sort_by_key(|due| (due.due_ms, due.node));
    let met = dues.iter().filter(|due| due.is_met()).count();
    sheet.heading("Deadlines", &format!("{met} of {} met", dues.len()));
    // with many, those that are missed matter
    let told: Vec<_> = dues
        .iter()
        .filter(|due| dues.len() <= LIST_LIMIT || !due.is_met())
        .collect();
    let names = told.iter().map(|due| columns(&outlook.name(due.node)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    for due in told {
        let (verdict, ink) = if due.is_met() {
            ("met", Ink::Good)
        } else {
            ("! missed", Ink::Late)
        };
        let line =
            Line::new()
                .to(2)
                .fit(ink, verdict, 9)
                .fit(Ink::Plain, &outlook.name(due.node), room);
        let line = line
            .plain("  ")
            .fit(Ink::Plain, &outlook.by(due.due_ms), 16)
            .plain("  ");
        sheet.hanging(line, Ink::Faint, &judged(outlook, due));
    }
}

fn judged(outlook: &Outlook, due: &Due) -> String {
    let ends = outlook.at(due.finish_ms);
    if due.is_met() {
        return match due.late_ms() {
            0 => format!("ends just then, {ends}"),
            _ => format!(
                "{} to spare, ends {ends}",
                outlook.between(due.finish_ms, due.due_ms)
            ),
        };
    }
    let late = outlook.between(due.due_ms, due.finish_ms);
    match due.logical_late_ms() {
        1.. => {
            let alone = outlook.between(due.due_ms, due.logical_finish_ms);
            format!("{late} late, ends {ends}; {alone} late by needs alone")
        }
        _ => format!("{late} late, ends {ends}; possible by needs alone"),
    }
}

fn missing(outlook: &Outlook, sheet: &mut Sheet) {
    let missing = &outlook.schedule.missing_estimates;
    if missing.is_empty() {
        return;
    }
    let verb = if missing.len() == 1 {
        "counts"
    } else {
        "count"
    };
    let gist = format!("{} {verb} as no time at all", count(missing.len(), "task"));
    sheet.heading("Without an estimate", &gist);
    let names: Vec<String> = missing.iter().map(|&node| outlook.name(node)).collect();
    sheet.wrapped(2, Ink::Plain, &some_of(&names));
}
