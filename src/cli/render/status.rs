//! The state of a run: as a table, as JSON, and the causes behind a task's state.

use super::{coordination, words};
use coord_engine::{
    Ask, GateRun, GateRunId, GateStage, ItemId, NodeState, Place, Reason, RunStatus, Status,
    Waiting, Why, reasons,
};
use coord_host::clock::rfc3339;
use coord_host::run::Run;
use coord_lang::ids::NodeId;
use coord_plan::plan::NodeKind;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// Tasks that a table shows before it counts the rest.
const MAX_ROWS: usize = 200;

/// What the display calls a task's state: BLOCKED is derived from why it does not start.
fn shown_state(run: &Run, node: NodeId) -> &'static str {
    let status = run.state.node(node).status;
    let waits = matches!(status, Status::Created | Status::Assigned)
        && !reasons(&run.plan, &run.state, node).is_empty();
    if waits {
        "blocked"
    } else {
        words::status(status)
    }
}

fn mark(state: &str) -> (char, &'static str) {
    match state {
        "completed" => ('✔', "32"),
        "failed" => ('✘', "1;31"),
        "skipped" => ('↷', "33"),
        "cancelled" => ('⊘', "2"),
        "in-progress" => ('▶', "36"),
        "review" => ('◎', "36"),
        "in-doubt" => ('?', "1;33"),
        "blocked" => ('⏸', "33"),
        _ => ('·', "2"),
    }
}

fn painted(text: &str, code: &str, color: bool) -> String {
    if color {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// Pads to `width` columns.
fn pad(text: &str, width: usize) -> String {
    let have = text.width();
    format!("{text}{}", " ".repeat(width.saturating_sub(have)))
}

/// Cuts to `width` columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + 1 >= width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

fn state_of_run(run: &Run, live: bool) -> String {
    let status = run.state.status();
    let asked = run.state.open_items().next().is_some();
    let waits = match run.state.waiting() {
        Waiting::ForPeople => ", waits for people",
        Waiting::Paused if asked => ", waits for people",
        Waiting::ForTime => ", waits for time",
        _ => "",
    };
    let nobody = if is_left(run, live) {
        "; nobody runs it now"
    } else {
        ""
    };
    format!("{}{waits}{nobody}", status.name())
}

/// True for a run that is at work by its journal, and that no process is at work on.
fn is_left(run: &Run, live: bool) -> bool {
    let status = run.state.status();
    !live && !status.is_ended() && status != RunStatus::Paused
}

/// What has to be known before the causes in a left run are believed; empty for all others.
pub(crate) fn nobody_runs_it(run: &Run, live: bool) -> String {
    if is_left(run, live) {
        format!("nobody runs it now; `coord resume {}` goes on\n", run.id)
    } else {
        String::new()
    }
}

/// The whole picture of a run.
pub(crate) fn text(run: &Run, live: bool, color: bool, width: usize) -> String {
    let mut out = format!(
        "run {} of {}: {}\n",
        run.id,
        run.file,
        painted(&state_of_run(run, live), "1", color)
    );
    if let Some(started) = run.state.started_ms() {
        let took = run.state.ended_ms().map_or_else(String::new, |end| {
            format!(", took {}", words::seconds(end - started))
        });
        out.push_str(&format!("started {}{took}\n", rfc3339(started)));
    }
    out.push('\n');
    out.push_str(&table(run, color, width));
    out.push_str(&coordination::text(run));
    let open: Vec<String> = run
        .state
        .open_items()
        .map(|(id, item)| {
            format!(
                "  {}\n    {}\n",
                words::asked(&run.plan, &run.state, id),
                words::answers(&run.plan, id, item)
            )
        })
        .collect();
    if !open.is_empty() {
        out.push_str("\nasked of people\n");
        out.push_str(&open.concat());
    }
    if !live && !run.state.status().is_ended() {
        out.push_str(&format!("\n`coord resume {}` goes on\n", run.id));
    }
    out
}

fn table(run: &Run, color: bool, width: usize) -> String {
    let rows: Vec<NodeId> = shown_nodes(run);
    let name_width = rows
        .iter()
        .map(|n| run.plan.nodes[*n].name.width())
        .max()
        .unwrap_or(4)
        .clamp(4, 32);
    let mut out = String::new();
    for node in rows.iter().take(MAX_ROWS) {
        out.push_str(&row(run, *node, name_width, color, width));
    }
    if rows.len() > MAX_ROWS {
        out.push_str(&format!(
            "  … and {} more; `coord status --format json` has all\n",
            rows.len() - MAX_ROWS
        ));
    }
    out
}

/// Tasks, syncs and milestones; with very many, what is done well comes last.
fn shown_nodes(run: &Run) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = run
        .plan
        .nodes
        .iter()
        .filter(|(_, n)| !matches!(n.kind, NodeKind::Join))
        .map(|(id, _)| id)
        .collect();
    if nodes.len() > MAX_ROWS {
        nodes.sort_by_key(|n| match run.state.node(*n).status {
            Status::Failed | Status::InDoubt => 0,
            Status::InProgress | Status::Review => 1,
            Status::Skipped | Status::Cancelled => 2,
            Status::Created | Status::Assigned => 3,
            Status::Completed => 4,
        });
    }
    nodes
}

fn row(run: &Run, node: NodeId, name_width: usize, color: bool, width: usize) -> String {
    let of = run.state.node(node);
    let state = shown_state(run, node);
    let (glyph, code) = mark(state);
    let who = agent(run, node);
    let took = match (of.first_started_ms, of.ended_ms) {
        (Some(from), Some(to)) => words::seconds(to - from),
        _ => String::new(),
    };
    let tries = if attempts(of) > 1 {
        format!("×{}", attempts(of))
    } else {
        String::new()
    };
    let head = format!(
        "{} {} {} {} {:>8} {:>3}",
        painted(&glyph.to_string(), code, color),
        pad(&cut(&run.plan.nodes[node].name, name_width), name_width),
        painted(&pad(state, 11), code, color),
        pad(&cut(&who, 14), 14),
        took,
        tries
    );
    let room = width
        .saturating_sub(2 + name_width + 1 + 11 + 1 + 14 + 1 + 8 + 1 + 3 + 2)
        .max(20);
    let why = first_reason(run, node);
    format!("{}\n", format!("{head}  {}", cut(&why, room)).trim_end())
}

/// Tries that were begun: the one that is written down ahead does not count.
fn attempts(of: &NodeState) -> u32 {
    of.attempts - u32::from(of.status == Status::Assigned)
}

fn agent(run: &Run, node: NodeId) -> String {
    let of = run.state.node(node);
    let chosen = of.attempt.as_ref().map(|a| a.agents.clone());
    let agents = chosen
        .or_else(|| run.plan.task(node).map(|t| t.by.agents().to_vec()))
        .unwrap_or_default();
    agents
        .iter()
        .map(|a| run.plan.agents[*a].name.as_str())
        .collect::<Vec<_>>()
        .join(",")
}

fn first_reason(run: &Run, node: NodeId) -> String {
    let mut all = reasons(&run.plan, &run.state, node);
    all.retain(|r| !matches!(r, Reason::AtWork { .. }));
    if all.iter().any(|r| !matches!(r, Reason::Run { .. })) {
        // what it has of its own says more than what all have
        all.retain(|r| !matches!(r, Reason::Run { .. }));
    }
    let said = all
        .iter()
        .map(|r| words::reason(&run.plan, &run.state, node, r));
    said.collect::<Vec<_>>().join("; ").replace('\n', " ")
}

/// `coord status --format json`.
pub(crate) fn json(run: &Run) -> Value {
    let tasks = run.state.tasks(&run.plan).map(|(id, node, _)| {
        let of = run.state.node(id);
        json!({
            "id": node.name,
            "title": node.title,
            "state": shown_state(run, id).to_uppercase().replace('-', "_"),
            "agent": agent(run, id),
            "attempts": attempts(of),
            "started_at": of.first_started_ms.map(rfc3339),
            "finished_at": of.ended_ms.map(rfc3339),
            "reason": first_reason(run, id),
            "outputs": of.outputs,
        })
    });
    let others = run.plan.nodes.iter().filter(|(_, n)| matches!(n.kind, NodeKind::Sync(_) | NodeKind::Milestone(_))).filter(|(id, _)| !run.state.sleeps(&run.plan, *id)).map(|(id, node)| {
        let kind = if matches!(node.kind, NodeKind::Sync(_)) { "sync" } else { "milestone" };
        let of = run.state.node(id);
        json!({ "id": node.name, "kind": kind, "state": shown_state(run, id).to_uppercase().replace('-', "_"), "finished_at": of.ended_ms.map(rfc3339), "reason": first_reason(run, id) })
    });
    let mut out = json!({
        "schema": "coord.status/1",
        "run": run.id,
        "file": run.file,
        "state": run.state.status().name(),
        "mode": run.state.mode().map_or("normal", |mode| run.plan.rules.modes[mode].name.as_str()),
        "started_at": run.state.started_ms().map(rfc3339),
        "finished_at": run.state.ended_ms().map(rfc3339),
        "tasks": tasks.collect::<Vec<_>>(),
        "barriers": others.collect::<Vec<_>>(),
        "items": run.state.open_items().map(|(id, _)| item_json(run, id)).collect::<Vec<_>>(),
    });
    for (name, value) in coordination::json(run) {
        out[name] = value;
    }
    out
}

/// One open item.
pub(crate) fn item_json(run: &Run, id: ItemId) -> Value {
    let Some(item) = run.state.item(id) else {
        return Value::Null;
    };
    json!({
        "run": run.id,
        "item": id.0,
        "kind": item.ask.name(),
        "task": item.node.map(|node| run.plan.nodes[node].name.clone()),
        "question": words::question(&run.plan, &run.state, item),
        "situation": match item.ask {
            Ask::Situation { situation, .. } => Some(situation.0),
            _ => None,
        },
        "answer_with": words::answers(&run.plan, id, item),
        "for": item.of.iter().map(|a| run.plan.agents[*a].name.clone()).collect::<Vec<_>>(),
        "quorum": item.quorum,
        "subject": item.subject.as_ref().map(|of| json!({
            "digest": of.digest,
            "parts": of.parts.iter().map(|p| json!({ "what": p.what, "value": p.value })).collect::<Vec<_>>(),
        })),
        "changed": item.changed,
        "answers": item.answers.iter().map(|a| json!({ "by": a.by, "verdict": a.verdict.name(), "note": a.note, "at": rfc3339(a.at_ms) })).collect::<Vec<_>>(),
        "opened_at": rfc3339(item.opened_ms),
        "due_at": item.due_ms.map(rfc3339),
    })
}

/// One run in a list.
pub(crate) fn summary_json(run: &Run) -> Value {
    json!({
        "run": run.id,
        "file": run.file,
        "project": run.plan.project,
        "state": run.state.status().name(),
        "tasks": run.state.tasks(&run.plan).count(),
        "failed": run.state.failed(),
        "created_at": rfc3339(run.created_at_ms),
        "finished_at": run.state.ended_ms().map(rfc3339),
    })
}

/// Runs, the newest first.
pub(crate) fn list(runs: &[Run], color: bool) -> String {
    let width = runs.iter().map(|r| r.id.width()).max().unwrap_or(0);
    runs.iter()
        .map(|run| {
            let done = run
                .state
                .tasks(&run.plan)
                .filter(|(id, _, _)| run.state.node(*id).status.is_ended())
                .count();
            let state = run.state.status().name();
            let code = match run.state.status() {
                RunStatus::Completed => "32",
                RunStatus::Failed | RunStatus::Cancelled => "31",
                _ => "33",
            };
            let took = match (run.state.started_ms(), run.state.ended_ms()) {
                (Some(from), Some(to)) => words::seconds(to - from),
                _ => String::new(),
            };
            let all = run.state.tasks(&run.plan).count();
            format!(
                "{}  {}  {done}/{all} tasks  {:>8}  {}  {}\n",
                pad(&run.id, width),
                painted(&pad(state, 10), code, color),
                took,
                rfc3339(run.created_at_ms).get(..16).unwrap_or(""),
                run.file
            )
        })
        .collect()
}

/// The causes behind a task's state, indented by how far behind they are.
pub(crate) fn why_text(run: &Run, chain: &Why, color: bool) -> String {
    let mut out = String::new();
    let mut shown = Vec::new();
    if let Some(first) = chain.nodes.first() {
        explain(run, chain, first.node, 0, color, &mut shown, &mut out);
    }
    if chain.cut {
        out.push_str("… and more behind these\n");
    }
    out
}

fn explain(
    run: &Run,
    chain: &Why,
    node: NodeId,
    depth: usize,
    color: bool,
    shown: &mut Vec<NodeId>,
    out: &mut String,
) {
    let Some(of) = chain.get(node) else { return };
    shown.push(node);
    let state = shown_state(run, node);
    let (glyph, code) = mark(state);
    let indent = "  ".repeat(depth);
    out.push_str(&format!(
        "{indent}{} {} {}\n",
        painted(&glyph.to_string(), code, color),
        run.plan.nodes[node].name,
        words::is_now(state)
    ));
    for line in demands(run, node) {
        out.push_str(&format!("{indent}    {line}\n"));
    }
    let (of_run, own): (Vec<&Reason>, Vec<&Reason>) = of
        .reasons
        .iter()
        .partition(|r| matches!(r, Reason::Run { .. }));
    for reason in own.into_iter().chain(of_run) {
        out.push_str(&format!(
            "{indent}    {}\n",
            words::reason(&run.plan, &run.state, node, reason)
        ));
    }
    for change in &run.state.node(node).changed {
        let change = words::plain(change);
        out.push_str(&format!("{indent}    asked again, changed: {change}\n"));
    }
    history(run, node, &indent, out);
    for behind in of.reasons.iter().flat_map(Reason::nodes) {
        if depth < 8 && !shown.contains(&behind) {
            explain(run, chain, behind, depth + 1, color, shown, out);
        }
    }
}

fn history(run: &Run, node: NodeId, indent: &str, out: &mut String) {
    let of = run.state.node(node);
    if let (Some(from), Some(to)) = (of.first_started_ms, of.ended_ms) {
        let tries = if of.attempts > 1 {
            format!(" after {} attempts", of.attempts)
        } else {
            String::new()
        };
        out.push_str(&format!(
            "{indent}    started {}, ended {}{tries}\n",
            rfc3339(from),
            rfc3339(to)
        ));
    }
    for line in evidence(run, node) {
        out.push_str(&format!("{indent}    {line}\n"));
    }
    let shown = |name: &str| !(of.landed.is_some() && name.starts_with("git."));
    for (name, value) in of.outputs.iter().filter(|(name, _)| shown(name)).take(8) {
        out.push_str(&format!(
            "{indent}    {name} = {}\n",
            cut(&words::plain(value), 80)
        ));
    }
}

/// Where its work is asked for: what the syncs of its phase require, and who has confirmed it.
fn demands(run: &Run, node: NodeId) -> Vec<String> {
    let plan = &run.plan;
    let Some(phase) = plan.nodes[node].phase.filter(|_| plan.task(node).is_some()) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (id, other) in plan.nodes.iter().filter(|(_, of)| of.phase == Some(phase)) {
        let NodeKind::Sync(sync) = &other.kind else {
            continue;
        };
        for (number, require) in (0u32..).zip(&sync.requires) {
            let text = words::plain(&require.text);
            let by = confirmed(run, id, number);
            lines.push(format!("sync `{}` requires \"{text}\"{by}", other.name));
        }
        for gate in &sync.gates {
            let gate = &plan.gates[*gate].name;
            lines.push(format!("sync `{}` requires gate `{gate}`", other.name));
        }
    }
    lines
}

/// Who said yes to a requirement, or who is asked.
fn confirmed(run: &Run, sync: NodeId, requirement: u32) -> String {
    let asks = Ask::Require { requirement };
    let asked = run.state.items();
    let asked = asked.filter(|(_, item)| item.node == Some(sync) && item.ask == asks);
    match asked.last() {
        Some((id, item)) if item.is_open() => format!(" (item {} asks)", id.0),
        Some((_, item)) => match item.deciding() {
            Some(answer) if answer.verdict.agrees() => {
                let by = answer.by.as_deref().unwrap_or("somebody");
                format!(" (confirmed by {by})")
            }
            Some(_) | None => String::new(),
        },
        None => String::new(),
    }
}

/// What its completion rests on: its gates, what people confirmed, and where it landed.
fn evidence(run: &Run, node: NodeId) -> Vec<String> {
    let (plan, state) = (&run.plan, &run.state);
    let of = state.node(node);
    let mut lines = Vec::new();
    if of.status != Status::Completed {
        return lines;
    }
    for (_, gate) in gates_held(run, node) {
        let rule = &plan.gates[gate.gate];
        for (number, check) in rule.checks.iter().enumerate() {
            let last = gate.results.iter().rfind(|r| r.check as usize == number);
            let found = last.map_or("", |result| result.evidence.as_str());
            let (title, found) = (words::plain(&check.title), words::plain(found));
            lines.push(format!("gate `{}` held: \"{title}\" ({found})", rule.name));
        }
    }
    for (_, item) in state.items().filter(|(_, item)| item.node == Some(node)) {
        let approves = matches!(item.ask, Ask::Approve { .. }) && item.attempt == of.attempts;
        if let Some(answer) = item.deciding().filter(|a| approves && a.verdict.agrees()) {
            let by = answer.by.as_deref().unwrap_or("somebody");
            lines.push(format!("approved by {by}"));
        }
    }
    if let Some(landed) = &of.landed {
        let (commit, tree) = (short(&landed.commit), short(&landed.tree));
        lines.push(format!("landed as commit {commit}, tree {tree}"));
    }
    lines
}

/// The gates that its last attempt passed.
fn gates_held(run: &Run, node: NodeId) -> impl Iterator<Item = (GateRunId, &GateRun)> {
    let attempt = run.state.node(node).attempt_number();
    let of = run.state.gate_runs();
    of.filter(move |(_, gate)| {
        let held = gate.stage == GateStage::Passed && gate.place == Place::After;
        held && gate.node == node && gate.attempt == attempt
    })
}

fn short(oid: &str) -> &str {
    oid.get(..12).unwrap_or(oid)
}

pub(crate) fn why_json(run: &Run, chain: &Why) -> Value {
    let nodes = chain.nodes.iter().map(|of| {
        let said = of.reasons.iter().map(|r| {
            json!({ "text": words::reason(&run.plan, &run.state, of.node, r), "behind": r.nodes().iter().map(|n| run.plan.nodes[*n].name.clone()).collect::<Vec<_>>() })
        });
        let mut told = json!({ "id": run.plan.nodes[of.node].name, "state": shown_state(run, of.node), "reasons": said.collect::<Vec<_>>(), "changed": run.state.node(of.node).changed });
        let gates: Vec<&str> = (gates_held(run, of.node))
            .map(|(_, gate)| run.plan.gates[gate.gate].name.as_str())
            .collect();
        if !gates.is_empty() {
            told["gates"] = json!(gates);
        }
        if let Some(landed) = &run.state.node(of.node).landed {
            told["landed"] = json!({ "commit": landed.commit, "tree": landed.tree });
        }
        told
    });
    Value::Array(nodes.collect())
}
