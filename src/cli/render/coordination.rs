//! What is going on beside the work: open situations, the mode, agents that are out, undo.

use super::rule_words;
use super::words;
use coord_engine::{Of, Situation, SituationId};
use coord_host::clock::rfc3339;
use coord_host::run::Run;
use coord_plan::rules::Spends;
use serde_json::{Value, json};

/// Lines of `coord status`; empty when nothing is.
pub(crate) fn text(run: &Run) -> String {
    let mut lines: Vec<String> = (run.state.open_situations())
        .map(|(id, of)| format!("▲ {}", situation(run, id, of)))
        .collect();
    lines.extend(mode(run).map(|name| format!("■ {name} is on: nothing new starts")));
    lines.extend(agents(run));
    for domain in run.state.halted_domains() {
        let name = &run.plan.rules.domains[domain].name;
        lines.push(format!("■ the work of {name} was halted"));
    }
    for resource in run.state.exhausted() {
        let name = &run.plan.resources[resource].name;
        lines.push(format!("! {name} is exhausted"));
    }
    for (id, of) in run.state.workflows().filter(|(_, of)| of.is_running()) {
        let name = &run.plan.workflows[id].name;
        let since = since(of.started_ms);
        lines.push(format!("▶ workflow {name} is under way{since}"));
    }
    lines.extend(budgets(run));
    lines.extend(undo(run));
    match lines.is_empty() {
        true => String::new(),
        false => format!("\nbeside the work\n  {}\n", lines.join("\n  ")),
    }
}

fn since(at_ms: Option<i64>) -> String {
    at_ms.map_or_else(String::new, |at| format!(", since {}", rfc3339(at)))
}

fn mode(run: &Run) -> Option<&str> {
    let mode = run.state.mode()?;
    Some(&run.plan.rules.modes[mode].name)
}

fn situation(run: &Run, id: SituationId, of: &Situation) -> String {
    let (plan, state) = (&run.plan, &run.state);
    let mut out = format!(
        "{}{}",
        state.title(plan, of.of),
        rule_words::about(plan, &of.about)
    );
    if let Some(level) = of.level {
        out.push_str(&format!(", level {}", rule_words::rung(plan, of.of, level)));
    }
    out.push_str(&since(Some(of.opened_ms)));
    if let Some(next) = of.passed_on.and_then(|next| state.situation(next)) {
        out.push_str(&format!("; passed on to {}", state.title(plan, next.of)));
    }
    let due = |at: Option<i64>| at.map_or_else(String::new, |at| format!(", due {}", rfc3339(at)));
    for item in &of.asking.open {
        if let Some(asked) = state.item(*item) {
            let who = rule_words::any_of(plan, &asked.of);
            out.push_str(&format!(
                "; item {} asks {who}{}",
                item.0,
                due(asked.due_ms)
            ));
        }
    }
    if let Some(at) = state.situation_due(plan, id) {
        out.push_str(&format!(
            "; over{}",
            due(Some(at)).replacen(", due", " at", 1)
        ));
    }
    match of.note.is_empty() {
        true => out,
        false => format!("{out}\n      {}", words::plain(&of.note).replace('\n', " ")),
    }
}

fn agents(run: &Run) -> Vec<String> {
    let agents = run
        .plan
        .agents
        .iter()
        .map(|(id, agent)| (agent, run.state.agent(id)));
    agents
        .filter_map(|(agent, of)| {
            let name = &agent.name;
            let since = since(of.failed_since_ms);
            match (of.isolated, of.failed_since_ms) {
                (true, _) => Some(format!("! agent {name} is isolated{since}")),
                (false, Some(_)) => Some(format!("! agent {name} has failed{since}")),
                (false, None) => None,
            }
        })
        .collect()
}

fn budgets(run: &Run) -> Vec<String> {
    let budgets = run.plan.rules.budgets.iter();
    budgets
        .map(|(id, budget)| {
            let of = run.state.spending(id);
            let mark = if of.spent { '!' } else { '·' };
            let (used, most) = (budget.amount(of.used), budget.amount(of.allowed));
            format!(
                "{mark} budget, {}: {used} of {most}",
                budget.title(&run.plan)
            )
        })
        .collect()
}

fn undo(run: &Run) -> Option<String> {
    let undoing = run.state.undoing();
    if undoing.left.is_empty() {
        return None;
    }
    let left: Vec<&str> = (undoing.left.iter().rev())
        .map(|node| run.plan.nodes[*node].name.as_str())
        .collect();
    let asked = undoing.asked.map_or_else(String::new, |item| {
        format!("; item {} asks about the first", item.0)
    });
    Some(format!("↶ to be taken back: {}{asked}", left.join(", ")))
}

/// The fields of `coord status --format json`.
pub(crate) fn json(run: &Run) -> [(&'static str, Value); 7] {
    let situations = run.state.open_situations();
    let workflows = run.state.workflows().map(|(id, of)| {
        json!({
            "name": run.plan.workflows[id].name,
            "running": of.is_running(),
            "starts": of.starts,
            "started_at": of.started_ms.map(rfc3339),
            "finished_at": of.ended_ms.map(rfc3339),
        })
    });
    let agents = run.plan.agents.iter().map(|(id, agent)| {
        let of = run.state.agent(id);
        let state = match (of.isolated, of.failed_since_ms) {
            (true, _) => "isolated",
            (false, Some(_)) => "failed",
            (false, None) => "well",
        };
        json!({
            "id": agent.name,
            "state": state,
            "since": of.failed_since_ms.map(rfc3339),
            "at_work": run.state.load(id),
        })
    });
    let halted = run.state.halted_domains();
    let exhausted = run.state.exhausted();
    [
        (
            "situations",
            situations
                .map(|(id, of)| situation_json(run, id, of))
                .collect(),
        ),
        ("agents", agents.collect()),
        ("workflows", workflows.collect()),
        (
            "halted",
            halted
                .map(|id| run.plan.rules.domains[id].name.clone())
                .collect(),
        ),
        (
            "exhausted",
            exhausted
                .map(|id| run.plan.resources[id].name.clone())
                .collect(),
        ),
        ("budgets", budgets_json(run)),
        ("undo", undo_json(run)),
    ]
}

fn budgets_json(run: &Run) -> Value {
    let budgets = run.plan.rules.budgets.iter().map(|(id, budget)| {
        let of = run.state.spending(id);
        let unit = match &budget.of {
            Spends::Tokens => "tokens",
            Spends::Time => "ms",
            Spends::Cost(currency) => currency,
        };
        let scaled = |n: i64| match &budget.of {
            Spends::Tokens | Spends::Time => json!(n),
            Spends::Cost(_) => json!(n as f64 / 1000.0),
        };
        json!({
            "agent": budget.agent.map(|agent| run.plan.agents[agent].name.as_str()),
            "unit": unit,
            "used": scaled(of.used),
            "allowed": scaled(of.allowed),
            "spent": of.spent,
        })
    });
    budgets.collect()
}

fn situation_json(run: &Run, id: SituationId, of: &Situation) -> Value {
    let (plan, state) = (&run.plan, &run.state);
    let node = |node: coord_lang::ids::NodeId| plan.nodes[node].name.clone();
    let agent = |agent: &coord_lang::ids::AgentId| plan.agents[*agent].name.clone();
    let (kind, name, title) = rule(run, of.of);
    json!({
        "situation": id.0,
        "kind": kind,
        "name": name,
        "title": title,
        "task": of.about.node.map(node),
        "giver": of.about.giver.map(node),
        "behind": of.about.behind.map(node),
        "agents": of.about.agents.iter().map(agent).collect::<Vec<_>>(),
        "level": of.level.map(|level| rule_words::rung(plan, of.of, level)),
        "level_since": of.level.map(|_| rfc3339(of.level_since_ms)),
        "opened_at": rfc3339(of.opened_ms),
        "due_at": state.situation_due(plan, id).map(rfc3339),
        "by": of.by,
        "note": of.note,
        "items": of.asking.open.iter().map(|item| item.0).collect::<Vec<_>>(),
        "came_out_of": of.about.situation.map(|parent| parent.0),
        "passed_on": of.passed_on.map(|next| next.0),
    })
}

fn rule(run: &Run, of: Of) -> (&'static str, &str, Option<&str>) {
    let rules = &run.plan.rules;
    let (kind, name, title) = match of {
        Of::Escalation(id) => {
            let rule = &rules.escalations[id];
            ("escalation", &rule.name, &rule.title)
        }
        Of::Conflict(id) => {
            let rule = &rules.conflicts[id];
            ("conflict", &rule.kind, &rule.title)
        }
        Of::Incident(id) => {
            let rule = &rules.incidents[id];
            ("incident", &rule.name, &rule.title)
        }
        Of::Handoff(id) => {
            let rule = &rules.handoffs[id];
            ("handoff", &rule.name, &rule.title)
        }
    };
    (kind, name, title.as_deref())
}

fn undo_json(run: &Run) -> Value {
    let undoing = run.state.undoing();
    if undoing.left.is_empty() {
        return Value::Null;
    }
    let left = undoing.left.iter().rev();
    json!({
        "left": left.map(|node| run.plan.nodes[*node].name.clone()).collect::<Vec<_>>(),
        "at_work": undoing.at_work,
        "item": undoing.asked.map(|item| item.0),
    })
}
