//! Why a task is when it is: the chain that holds it, and what would move it; as words and as
//! JSON (`coord.why/1`).

use super::explain_plan::{hold, step_length};
use super::outlook::Outlook;
use super::plan_json::{Secs, held, id_of};
use super::sheet::{Ink, Line, Look, Sheet, columns, cut, tame};
use coord_lang::ids::NodeId;
use coord_plan::clock::Clock;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use coord_plan::schedule::why::{self, Change, Move, Step};
use schemars::JsonSchema;
use serde::Serialize;

/// Of a long chain, the links next to the task, and its start.
const LINKS: usize = 30;
/// Of many changes that help, those that help most.
const MOVES: usize = 12;
const STILL: usize = 6;

// ---- words -------------------------------------------------------------------------------------

pub(crate) fn text(plan: &Plan, schedule: &Schedule, found: &why::Why, look: Look) -> String {
    let outlook = Outlook::new(plan, schedule);
    let mut sheet = Sheet::new(look);
    head(&outlook, found.node, &mut sheet);
    if outlook.is_contingent(found.node) {
        let words = "off the plan: it waits for something that the plan does not expect";
        sheet.wrapped(2, Ink::Plain, words);
        return sheet.into_text();
    }
    chain(&outlook, found, &mut sheet);
    moves(&outlook, found, &mut sheet);
    sheet.into_text()
}

/// What it is, when, by whom, and with how much room.
fn head(outlook: &Outlook, node: NodeId, sheet: &mut Sheet) {
    let line = Line::new().add(Ink::Strong, outlook.name(node));
    sheet.line(line.plain("  ").plain(outlook.title(node)));
    let times = &outlook.schedule.nodes[node];
    let when = match times.start_ms == times.finish_ms {
        true => outlook.at(times.finish_ms),
        false => format!(
            "{} to {}",
            outlook.at(times.start_ms),
            outlook.at(times.finish_ms)
        ),
    };
    let who = outlook.who(node);
    let by = if who.is_empty() {
        String::new()
    } else {
        format!(", by {who}")
    };
    let takes = outlook.takes(node);
    let takes = if takes.is_empty() {
        String::new()
    } else {
        format!(", takes {takes}")
    };
    let room = match times.logical.critical {
        true => "critical: any delay delays the end".to_string(),
        false if outlook.is_in_chain(node) => "it holds the end, with who is there".to_string(),
        false => format!(
            "by needs alone it could be {} later",
            outlook.between(
                times.logical.earliest_finish_ms,
                times.logical.latest_finish_ms
            )
        ),
    };
    sheet.wrapped(0, Ink::Faint, &format!("{when}{by}{takes}; {room}"));
}

fn chain(outlook: &Outlook, found: &why::Why, sheet: &mut Sheet) {
    sheet.heading(
        "Why it is then",
        "from the start; each waits for the one before",
    );
    let skipped = match found.chain.len() {
        n if n > LINKS => 1..n - LINKS + 1,
        _ => 0..0,
    };
    let names = found
        .chain
        .iter()
        .map(|step| columns(&label(outlook, step)));
    let room = names.max().unwrap_or(0).min(sheet.width() * 3 / 10);
    for (number, step) in found.chain.iter().enumerate() {
        if skipped.contains(&number) {
            if number == skipped.start {
                let more = format!("… {} more", skipped.len());
                sheet.line(Line::new().to(6).add(Ink::Faint, more));
            }
            continue;
        }
        let node = step.link.node;
        let line = Line::new().fit_right(Ink::Faint, &(number + 1).to_string(), 4);
        let line = line
            .plain("  ")
            .fit(Ink::Plain, &cut(&label(outlook, step), room), room);
        let line = line.fit_right(Ink::Strong, &step_length(outlook, node), 10);
        let at = outlook.schedule.nodes[node].start_ms;
        let line = line.plain("  ").fit(Ink::Plain, &outlook.at(at), 17);
        sheet.hanging(line, Ink::Faint, &because(outlook, step));
    }
}

fn label(outlook: &Outlook, step: &Step) -> String {
    let title = outlook.title(step.link.node);
    let between = if title.is_empty() { "" } else { " " };
    format!("{}{between}{title}", outlook.name(step.link.node))
}

/// What holds a link, and the pause behind that.
fn because(outlook: &Outlook, step: &Step) -> String {
    let reason = hold(outlook, step.link.node, step.link.holds);
    let start = outlook.schedule.nodes[step.link.node].start_ms;
    // a night is no news
    if start - step.free_ms < NIGHT_MS {
        return reason;
    }
    let who = outlook.who(step.link.node);
    let who = if who.is_empty() { "nobody" } else { &who };
    let rests = if who == "nobody" { "works" } else { "rests" };
    format!(
        "{reason}; {who} {rests} from {} on",
        outlook.at(step.free_ms)
    )
}

const NIGHT_MS: i64 = 24 * 60 * 60 * 1000;

fn moves(outlook: &Outlook, found: &why::Why, sheet: &mut Sheet) {
    let gist = "each alone, with all other work in the order that it has";
    sheet.heading("What would move it", gist);
    if found.moves.is_empty() {
        let words = match found.still.is_empty() {
            true => "nothing: it starts with the plan and takes no time",
            false => "nothing alone: something else holds it as long",
        };
        sheet.wrapped(2, Ink::Plain, words);
    }
    let lengths = found.moves.iter().map(|m| columns(&sooner(outlook, m)));
    let room = lengths.max().unwrap_or(0);
    for one in found.moves.iter().take(MOVES) {
        let line = Line::new()
            .to(2)
            .fit_right(Ink::Good, &sooner(outlook, one), room)
            .plain("  ");
        sheet.hanging(line, Ink::Plain, &gain(outlook, one));
    }
    if found.moves.len() > MOVES {
        let more = format!("… {} more that bring less", found.moves.len() - MOVES);
        sheet.wrapped(2, Ink::Faint, &more);
    }
    if !found.moves.is_empty() && !found.still.is_empty() {
        let told = found.still.iter().take(STILL);
        let told: Vec<String> = told.map(|c| in_words(outlook, *c)).collect();
        let more = match found.still.len().saturating_sub(STILL) {
            0 => String::new(),
            n => format!("; and {n} more"),
        };
        let words = format!("brings nothing alone: {}{more}", told.join("; "));
        sheet.wrapped(2, Ink::Faint, &words);
    }
    if found.untried > 0 {
        let words = format!("not tried: {} changes further up the chain", found.untried);
        sheet.wrapped(2, Ink::Faint, &words);
    }
}

fn sooner(outlook: &Outlook, one: &Move) -> String {
    let times = outlook.schedule.makespan_ms;
    match one.sooner_ms {
        0 => "–".into(),
        ms => {
            let ends = one.finish_ms.min(times);
            format!("{} sooner", outlook.between(ends, ends + ms))
        }
    }
}

/// The change, the new end, what it does to the whole, and how to see more of it.
fn gain(outlook: &Outlook, one: &Move) -> String {
    let words = in_words(outlook, one.change);
    let ends = match one.sooner_ms {
        0 => String::new(),
        _ => format!("; ends {}", outlook.at(one.finish_ms)),
    };
    let whole = match one.makespan_sooner_ms {
        0 => "; the whole ends as before".to_string(),
        ms => format!(
            "; the whole ends {} sooner",
            outlook.between(one.makespan_ms, one.makespan_ms + ms)
        ),
    };
    let ends_all = outlook.schedule.makespan_ms == one.finish_ms + one.sooner_ms;
    let whole = if ends_all && one.sooner_ms == one.makespan_sooner_ms {
        String::new()
    } else {
        whole
    };
    let more = match what_if(outlook.plan, outlook.schedule, one.change) {
        Some(change) => format!(" (--what-if \"{}\")", tame(&change)),
        None => String::new(),
    };
    format!("{words}{ends}{whole}{more}")
}

fn in_words(outlook: &Outlook, change: Change) -> String {
    let name = |node: NodeId| outlook.name(node);
    let resource = |id| tame(&outlook.plan.resources[id].name);
    match change {
        Change::Drop { node, on } => format!("if {} did not wait for {}", name(node), name(on)),
        Change::Hands(agent) => {
            format!("if {} did one task more at a time", outlook.agent(agent))
        }
        Change::Units(id, units) => format!("with {units} more of {}", resource(id)),
        Change::Elsewhere { node, claim } => {
            format!("if {} did not write to {}", name(node), resource(claim))
        }
        Change::Parallel => {
            let most = outlook.plan.parallel.unwrap_or_default();
            format!("with `parallel {}`", most.saturating_add(1))
        }
        Change::Undated(node) => {
            let at = outlook.plan.nodes[node].not_before_ms.unwrap_or(0);
            let day = outlook.at(at);
            let day = day.trim_end_matches(" 00:00");
            format!("if {} could start before {day}", name(node))
        }
        Change::NoDaysOff => "if weekends and days off were worked".into(),
        Change::ProjectHours(agent) => {
            format!("if {} worked in the project's hours", outlook.agent(agent))
        }
        Change::Half(node) => format!("if {} took half as long", name(node)),
    }
}

/// The same change as `--what-if` takes it, where it does.
fn what_if(plan: &Plan, schedule: &Schedule, change: Change) -> Option<String> {
    match change {
        Change::Hands(agent) => Some(format!(
            "agent {} capacity {}",
            plan.agents[agent].name,
            schedule.agents[agent].slots + 1
        )),
        Change::Units(id, units) => Some(format!(
            "resource {} capacity {}",
            plan.resources[id].name,
            plan.resources[id].capacity.saturating_add(units)
        )),
        Change::Drop { .. }
        | Change::Elsewhere { .. }
        | Change::Parallel
        | Change::Undated(_)
        | Change::NoDaysOff
        | Change::ProjectHours(_)
        | Change::Half(_) => None,
    }
}

// ---- JSON --------------------------------------------------------------------------------------

/// `coord.why/1`. Times are seconds from the origin.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Why {
    schema: &'static str,
    project: String,
    origin: Option<String>,
    timezone: String,
    id: String,
    /// `task`, `sync`, `milestone` or `phase`.
    kind: &'static str,
    title: Option<String>,
    agents: Vec<String>,
    start_s: Secs,
    finish_s: Secs,
    slack_s: Secs,
    critical: bool,
    /// Off the plan: it waits for something that the plan does not expect.
    contingent: bool,
    makespan_s: Secs,
    /// From what starts with the plan, or a date, to the node itself.
    chain: Vec<StepJson>,
    /// What brings it forward, the most first.
    moves: Vec<MoveJson>,
    /// What brings nothing alone, in words.
    still: Vec<String>,
    /// How many more changes were not tried.
    untried: usize,
}

#[derive(Serialize, JsonSchema)]
struct StepJson {
    id: String,
    title: Option<String>,
    agents: Vec<String>,
    start_s: Secs,
    finish_s: Secs,
    /// `start`, `window`, `need`, `claim`, `agent`, `resource` or `parallel`.
    because: &'static str,
    /// The node that holds it.
    after: Option<String>,
    /// The agent, resource or claim that both take.
    of: Option<String>,
    /// When what holds it has ended; until `start_s` nobody works.
    free_s: Secs,
}

#[derive(Serialize, JsonSchema)]
struct MoveJson {
    /// `drop`, `hands`, `units`, `elsewhere`, `parallel`, `undated`, `no-days-off`,
    /// `project-hours` or `half`.
    change: &'static str,
    /// The change in words.
    text: String,
    /// The same change for `--what-if`, where it takes it.
    what_if: Option<String>,
    start_s: Secs,
    finish_s: Secs,
    sooner_s: Secs,
    makespan_s: Secs,
    makespan_sooner_s: Secs,
}

pub(crate) fn json(plan: &Plan, schedule: &Schedule, found: &why::Why) -> String {
    let outlook = Outlook::new(plan, schedule);
    let times = &schedule.nodes[found.node];
    let document = Why {
        schema: "coord.why/1",
        project: plan.project.clone(),
        origin: Clock::of(plan).rfc3339(0),
        timezone: plan.timezone.clone(),
        id: id_of(plan, found.node).into_owned(),
        kind: kind(plan, found.node),
        title: plan.nodes[found.node].title.clone(),
        agents: agents(plan, schedule, found.node),
        start_s: Secs(times.start_ms),
        finish_s: Secs(times.finish_ms),
        slack_s: Secs(times.logical.slack_ms),
        critical: times.logical.critical,
        contingent: times.logical.contingent,
        makespan_s: Secs(schedule.makespan_ms),
        chain: found
            .chain
            .iter()
            .map(|step| step_json(plan, schedule, step))
            .collect(),
        moves: found.moves.iter().map(|m| move_json(&outlook, m)).collect(),
        still: found.still.iter().map(|c| in_words(&outlook, *c)).collect(),
        untried: found.untried,
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn kind(plan: &Plan, node: NodeId) -> &'static str {
    match plan.nodes[node].kind {
        NodeKind::Task(_) => "task",
        NodeKind::Sync(_) => "sync",
        NodeKind::Milestone(_) => "milestone",
        NodeKind::Join => "phase",
    }
}

fn agents(plan: &Plan, schedule: &Schedule, node: NodeId) -> Vec<String> {
    let placed = schedule.nodes[node].agents.iter();
    placed
        .map(|agent| plan.agents[*agent].name.clone())
        .collect()
}

fn step_json(plan: &Plan, schedule: &Schedule, step: &Step) -> StepJson {
    let node = step.link.node;
    let (because, after, of) = held(plan, step.link.holds);
    StepJson {
        id: plan.nodes[node].name.clone(),
        title: plan.nodes[node].title.clone(),
        agents: agents(plan, schedule, node),
        start_s: Secs(schedule.nodes[node].start_ms),
        finish_s: Secs(schedule.nodes[node].finish_ms),
        because,
        after: after.map(str::to_string),
        of: of.map(str::to_string),
        free_s: Secs(step.free_ms),
    }
}

fn move_json(outlook: &Outlook, one: &Move) -> MoveJson {
    MoveJson {
        change: match one.change {
            Change::Drop { .. } => "drop",
            Change::Hands(_) => "hands",
            Change::Units(..) => "units",
            Change::Elsewhere { .. } => "elsewhere",
            Change::Parallel => "parallel",
            Change::Undated(_) => "undated",
            Change::NoDaysOff => "no-days-off",
            Change::ProjectHours(_) => "project-hours",
            Change::Half(_) => "half",
        },
        text: in_words(outlook, one.change),
        what_if: what_if(outlook.plan, outlook.schedule, one.change),
        start_s: Secs(one.start_ms),
        finish_s: Secs(one.finish_ms),
        sooner_s: Secs(one.sooner_ms),
        makespan_s: Secs(one.makespan_ms),
        makespan_sooner_s: Secs(one.makespan_sooner_ms),
    }
}
