//! A plan as one page that needs nothing else: no network, no font, no library.
//!
//! The file is the same for the same plan; only what is *today* is found out by whoever looks.

use super::{Row, escaped, rows};
use crate::cli::render::heat::{busiest, heat};
use crate::cli::render::outlook::Outlook;
use crate::cli::render::sheet::tame;
use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use coord_plan::schedule::promise::Verdict;
use serde::Serialize;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Stretches of time that the load of an agent is told for, and the most agents.
const STRETCHES: i64 = 240;
const AGENTS: usize = 40;
/// Days off that are drawn, at most.
const MOST_DAYS: usize = 4_000;

#[derive(Serialize)]
struct Data {
    origin: Option<i64>,
    zone: String,
    from: i64,
    to: i64,
    tasks: usize,
    midnights: Vec<i64>,
    /// The number of the first midnight that begins a Monday.
    monday: usize,
    rest: Vec<(i64, i64)>,
    phases: Vec<PhaseData>,
    agents: Vec<AgentData>,
    nodes: Vec<NodeData>,
    rows: Vec<i64>,
    edges: Vec<(u32, u32)>,
    busy: Vec<BusyData>,
}

#[derive(Serialize)]
struct PhaseData {
    t: String,
    s: Option<i64>,
    f: Option<i64>,
}

#[derive(Serialize)]
struct AgentData {
    n: String,
    load: i64,
}

/// Names are short: there may be ten thousand.
#[derive(Serialize)]
struct NodeData {
    /// Name and title.
    n: String,
    t: String,
    /// 0 a task, 1 a sync, 2 a milestone, 3 what only ties needs together.
    k: u8,
    /// Its phase; -1 without one.
    p: i64,
    a: Vec<u32>,
    /// Start, finish, latest finish by needs alone, slack.
    s: i64,
    f: i64,
    l: i64,
    sl: i64,
    /// Critical by needs alone; a link of what holds the end; late; off the plan.
    c: bool,
    h: bool,
    late: bool,
    off: bool,
    /// When it is due.
    d: Option<i64>,
    /// What it takes, in words.
    e: String,
    /// What holds it, of what holds the end.
    w: String,
}

#[derive(Serialize)]
struct BusyData {
    a: u32,
    /// Percents; null where it does not work.
    h: Vec<Option<u32>>,
}

pub(crate) fn page(plan: &Plan, schedule: &Schedule) -> String {
    let outlook = Outlook::new(plan, schedule);
    let data = serde_json::to_string(&data(&outlook)).unwrap_or_default();
    // nothing in it ends the element that it stands in
    let data = data.replace('<', "\\u003c");
    let title = plan.title.as_deref().unwrap_or(&plan.project);
    let filled = [
        ("{{title}}", escaped(&tame(title))),
        ("{{style}}", STYLE.to_string()),
        ("{{facts}}", facts(&outlook)),
        ("{{data}}", data),
        ("{{script}}", SCRIPT.to_string()),
    ];
    fill(TEMPLATE, &filled)
}

/// Puts each value into its place, once: what is put in is not looked through again.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    loop {
        let next = values
            .iter()
            .filter_map(|(name, value)| Some((rest.find(name)?, *name, value)))
            .min_by_key(|(at, _, _)| *at);
        let Some((at, name, value)) = next else {
            out.push_str(rest);
            return out;
        };
        out.push_str(&rest[..at]);
        out.push_str(value);
        rest = &rest[at + name.len()..];
    }
}

/// What matters most, above the picture.
fn facts(outlook: &Outlook) -> String {
    let schedule = outlook.schedule;
    let mut facts = vec![
        ("ends", outlook.at(schedule.makespan_ms), ""),
        (
            "by needs alone",
            outlook.at(schedule.logical_makespan_ms),
            "",
        ),
    ];
    if let Some(forecast) = schedule.forecast.as_deref().filter(|f| f.is_uncertain()) {
        facts.push(("with 80 %", outlook.at(forecast.percentile(80)), ""));
    }
    let path = schedule.critical_path.iter().map(|step| step.node);
    facts.push(("critical", way(outlook, path), ""));
    facts.push((
        "holds the end",
        way(outlook, schedule.chain.iter().map(|l| l.node)),
        "",
    ));
    if let Some(agent) = busiest(outlook).first() {
        let percent = (schedule.agents[*agent].per_mille() + 5) / 10;
        let words = format!("{} {percent}%", outlook.agent(*agent));
        facts.push(("busiest", words, ""));
    }
    let dues = || schedule.deadlines.iter().chain(&schedule.milestones);
    match dues().filter(|due| !due.is_met()).count() {
        0 if dues().next().is_none() => {}
        0 => facts.push(("deadlines", "all met".into(), "good")),
        n => facts.push(("deadlines", format!("{n} missed"), "late")),
    }
    let broken = |v| matches!(v, Verdict::Broken | Verdict::Impossible);
    match schedule
        .promises
        .iter()
        .filter(|p| broken(p.verdict))
        .count()
    {
        0 => {}
        n => facts.push(("promises", format!("{n} broken"), "late")),
    }
    let one = |(name, value, class): &(&str, String, &str)| {
        format!(
            "<div><dt>{name}</dt><dd class=\"{class}\">{}</dd></div>",
            escaped(value)
        )
    };
    facts.iter().map(one).collect()
}

/// `a → b → c`, of a longer one its ends.
fn way(outlook: &Outlook, nodes: impl Iterator<Item = NodeId>) -> String {
    let names: Vec<String> = nodes.map(|node| outlook.name(node)).collect();
    match names.as_slice() {
        [] => "–".into(),
        [first, .., before, last] if names.len() > 6 => {
            format!("{first} → … {} more → {before} → {last}", names.len() - 3)
        }
        _ => names.join(" → "),
    }
}

fn data(outlook: &Outlook) -> Data {
    let (plan, schedule) = (outlook.plan, outlook.schedule);
    let nodes = || schedule.nodes.values();
    let from = nodes().map(|n| n.start_ms).min().unwrap_or(0).min(0);
    // what happens at the very end has a little room
    let to = schedule.makespan_ms + (schedule.makespan_ms - from) / 50;
    let to = to.max(from + 1);
    let midnights = outlook.clock.midnights(from, to);
    let agents = busiest(outlook);
    let bounds: Vec<i64> = (0..=STRETCHES)
        .map(|n| from + (i128::from(to - from) * i128::from(n) / i128::from(STRETCHES)) as i64)
        .collect();
    let percent = |share: Option<u32>| share.map(|share| (share + 5) / 10);
    let busy = agents.iter().take(AGENTS).map(|&agent| BusyData {
        a: agent.0,
        h: heat(outlook, agent, &bounds)
            .into_iter()
            .map(percent)
            .collect(),
    });
    Data {
        origin: plan.origin_ms,
        zone: plan.timezone.clone(),
        from,
        to,
        tasks: plan.tasks().count(),
        monday: midnights
            .iter()
            .position(|ms| outlook.clock.at(*ms).starts_with("Mon"))
            .unwrap_or(0),
        rest: rest(outlook, &midnights),
        midnights,
        phases: plan.phases.ids().map(|id| phase(outlook, id)).collect(),
        agents: plan.agents.ids().map(|id| agent(outlook, id)).collect(),
        nodes: plan.nodes.ids().map(|id| node(outlook, id)).collect(),
        rows: rows(outlook)
            .into_iter()
            .map(|row| match row {
                Row::Phase(phase) => -1 - phase.index() as i64,
                Row::Outside => -1 - plan.phases.len() as i64,
                Row::Node(node) => node.index() as i64,
            })
            .collect(),
        edges: edges(plan),
        busy: busy.collect(),
    }
}

/// Days on which nobody works, put together where they meet.
fn rest(outlook: &Outlook, midnights: &[i64]) -> Vec<(i64, i64)> {
    let mut rest: Vec<(i64, i64)> = Vec::new();
    for day in midnights.windows(2) {
        if rest.len() >= MOST_DAYS {
            break;
        }
        if outlook.calendar.working_between(day[0], day[1]) > 0 {
            continue;
        }
        match rest.last_mut() {
            Some(last) if last.1 == day[0] => last.1 = day[1],
            _ => rest.push((day[0], day[1])),
        }
    }
    rest
}

fn phase(outlook: &Outlook, id: coord_lang::ids::PhaseId) -> PhaseData {
    let span = outlook.schedule.phases[id].levelled_ms;
    let weeks = outlook.weeks(id);
    let between = if weeks.is_empty() { "" } else { " · " };
    PhaseData {
        t: format!("{}{between}{weeks}", outlook.phase(id)),
        s: span.map(|(from, _)| from),
        f: span.map(|(_, to)| to),
    }
}

fn agent(outlook: &Outlook, id: AgentId) -> AgentData {
    AgentData {
        n: outlook.agent(id),
        load: (outlook.schedule.agents[id].per_mille() + 5) / 10,
    }
}

fn node(outlook: &Outlook, id: NodeId) -> NodeData {
    let times = &outlook.schedule.nodes[id];
    let kind = match outlook.plan.nodes[id].kind {
        NodeKind::Task(_) => 0,
        NodeKind::Sync(_) => 1,
        NodeKind::Milestone(_) => 2,
        NodeKind::Join => 3,
    };
    let is_join = kind == 3;
    NodeData {
        n: match is_join {
            true => String::new(),
            false => outlook.name(id),
        },
        t: outlook.title(id),
        k: kind,
        p: outlook
            .phase_of(id)
            .map_or(-1, |phase| phase.index() as i64),
        a: times.agents.iter().map(|agent| agent.0).collect(),
        s: times.start_ms,
        f: times.finish_ms,
        l: times.logical.latest_finish_ms,
        sl: times.logical.slack_ms,
        c: times.logical.critical,
        h: outlook.is_in_chain(id),
        late: outlook.is_late(id),
        off: times.logical.contingent,
        d: outlook.due_ms(id),
        e: outlook.takes(id),
        w: outlook.held(id).unwrap_or_default(),
    }
}

fn edges(plan: &Plan) -> Vec<(u32, u32)> {
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for (to, node) in plan.nodes.iter() {
        let needs = node.needs.iter().flat_map(|need| need.nodes());
        let wants = node.wants.iter().map(|want| want.on);
        edges.extend(needs.chain(wants).map(|from| (from.0, to.0)));
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}
