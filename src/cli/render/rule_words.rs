//! What coordination brought about, as sentences for people.

use super::words::plain;
use coord_engine::{About, Ask, How, Item, Of, Part, RuleFact, Situation, SituationId, State};
use coord_lang::ids::AgentId;
use coord_plan::plan::Plan;

/// What an item of a situation asks.
pub(crate) fn question(plan: &Plan, state: &State, item: &Item) -> String {
    let Ask::Situation { situation, part } = item.ask else {
        return String::new();
    };
    let Some(of) = state.situation(situation) else {
        return format!("situation {}", situation.0);
    };
    let title = state.title(plan, of.of);
    let about = about(plan, &of.about);
    let note = match of.note.is_empty() {
        true => String::new(),
        false => format!(": {}", plain(&of.note)),
    };
    match part {
        Part::Level(level) => {
            let rung = rung(plan, of.of, level);
            format!("decide {title}{about}, level {rung}{note}")
        }
        Part::Decide => format!("decide {title}{about}{note}"),
        Part::View => format!("say what you think of {title}{about}{note}"),
        Part::Respond => format!("respond to {title}{about}{note}"),
        Part::Confirm(line) => {
            let text = match of.of {
                Of::Incident(id) => plan.rules.incidents[id].confirms.get(line as usize),
                _ => None,
            };
            match text {
                Some((text, _)) => format!("confirm \"{}\" for {title}", plain(text)),
                None => format!("say that {title} is resolved{note}"),
            }
        }
        Part::Give(line) => {
            let text = match of.of {
                Of::Handoff(id) => plan.rules.handoffs[id].requires.get(line as usize),
                _ => None,
            };
            let text = text.map_or("", |(text, _)| text.as_str());
            format!(
                "confirm \"{}\" for {title}{}",
                plain(text),
                handed(plan, &of.about)
            )
        }
        Part::Accept => format!("accept {title}{}, or ask back", handed(plan, &of.about)),
    }
}

/// An open situation as what somebody waits for.
pub(crate) fn waits_for(plan: &Plan, state: &State, id: SituationId) -> String {
    let Some(of) = state.situation(id) else {
        return format!("waits for situation {}", id.0);
    };
    let title = state.title(plan, of.of);
    let rung = match of.level {
        Some(level) => format!(", level {}", rung(plan, of.of, level)),
        None => String::new(),
    };
    let asked = match of.passed_on.and_then(|next| state.situation(next)) {
        Some(next) => format!(": passed on to {}", state.title(plan, next.of)),
        None => after_colon(plan, state, of),
    };
    match of.of {
        Of::Handoff(_) => format!("waits for {title}{}{asked}", handed(plan, &of.about)),
        Of::Escalation(_) | Of::Conflict(_) | Of::Incident(_) => {
            format!("waits for a decision: {title}{rung}{asked}")
        }
    }
}

/// Who is asked in a situation now.
fn after_colon(plan: &Plan, state: &State, of: &Situation) -> String {
    let asked: Vec<String> = (of.asking.open.iter())
        .filter_map(|item| Some((item, state.item(*item)?)))
        .map(|(id, item)| format!("{} (item {})", any_of(plan, &item.of), id.0))
        .collect();
    match asked.as_slice() {
        [] => String::new(),
        asked => format!(": {}", asked.join(", ")),
    }
}

fn handed(plan: &Plan, about: &About) -> String {
    match (about.giver, about.node) {
        (Some(giver), Some(node)) => format!(
            " from {} to {}",
            plan.nodes[giver].name, plan.nodes[node].name
        ),
        _ => String::new(),
    }
}

pub(crate) fn about(plan: &Plan, about: &About) -> String {
    if let Some(node) = about.node {
        return format!(" about {}", plan.nodes[node].name);
    }
    match about.agents.as_slice() {
        [] => String::new(),
        agents => format!(" between {}", names(plan, agents)),
    }
}

/// The name of a rung.
pub(crate) fn rung(plan: &Plan, of: Of, level: u32) -> String {
    let levels = match of {
        Of::Escalation(id) => &plan.rules.escalations[id].levels,
        Of::Conflict(id) => &plan.rules.conflicts[id].levels,
        Of::Incident(_) | Of::Handoff(_) => return level.to_string(),
    };
    let found = levels.get(level as usize);
    found.map_or_else(|| level.to_string(), |level| level.name.clone())
}

pub(crate) fn names(plan: &Plan, agents: &[AgentId]) -> String {
    let names: Vec<&str> = agents
        .iter()
        .map(|a| plan.agents[*a].name.as_str())
        .collect();
    match names.as_slice() {
        [] => "everybody".to_string(),
        names => names.join(", "),
    }
}

/// Those who may answer.
pub(crate) fn any_of(plan: &Plan, agents: &[AgentId]) -> String {
    match agents {
        [] => "anybody".to_string(),
        agents => names(plan, agents),
    }
}

/// The commands that answer an item of a situation, an undo or a recurring sync.
pub(crate) fn answers(id: u32, item: &Item) -> String {
    match item.ask {
        Ask::Undo => format!("coord answer {id} retry, done or skip"),
        Ask::Report { .. } => format!("coord done {id}"),
        Ask::Budget { .. } => format!("coord approve {id} or coord reject {id}"),
        Ask::Situation { part, .. } => match part {
            Part::Level(_) | Part::Decide if item.node.is_none() => {
                format!("coord decide {id} --note … or coord answer {id} abort")
            }
            Part::Level(_) | Part::Decide => format!(
                "coord answer {id} accept, retry, skip, reassign or abort; coord decide {id} --note …"
            ),
            Part::View => format!("coord approve {id} or coord reject {id} --note …"),
            Part::Respond | Part::Confirm(_) | Part::Give(_) => format!("coord done {id}"),
            Part::Accept => format!("coord accept {id} or coord reject {id} --note …"),
        },
        _ => String::new(),
    }
}

/// A fact of coordination as a line for people; None for what says nothing to them.
pub(crate) fn event(plan: &Plan, state: &State, fact: &RuleFact) -> Option<(char, String)> {
    let title = |id| state.situation(id).map(|of| state.title(plan, of.of));
    let node = |node: coord_lang::ids::NodeId| plan.nodes[node].name.clone();
    let agent = |agent: AgentId| plan.agents[agent].name.clone();
    Some(match fact {
        RuleFact::SituationOpened {
            situation,
            about: of,
            note,
            by,
            ..
        } => {
            let by = by
                .as_ref()
                .map_or(String::new(), |by| format!(", raised by {by}"));
            let note = match note.is_empty() {
                true => String::new(),
                false => format!(": {}", plain(note)),
            };
            (
                '▲',
                format!("{} opens{}{by}{note}", title(*situation)?, about(plan, of)),
            )
        }
        RuleFact::SituationReached { situation, level } => {
            let of = state.situation(*situation)?.of;
            (
                '▲',
                format!("{} reaches {}", title(*situation)?, rung(plan, of, *level)),
            )
        }
        RuleFact::SituationClosed {
            situation,
            resolution,
        } => {
            let by = resolution
                .by
                .as_ref()
                .map_or(String::new(), |by| format!(" by {by}"));
            let mark = match resolution.how {
                How::Exhausted | How::Abort => '!',
                _ => '▼',
            };
            let how = resolution.how.name();
            (mark, format!("{} closes: {how}{by}", title(*situation)?))
        }
        RuleFact::ActionRefused { why, .. } => {
            ('!', format!("an action of a rule: {}", plain(why)))
        }
        RuleFact::ActionEnded {
            ok: false,
            evidence,
            ..
        } => (
            '!',
            format!("a program of a rule failed: {}", plain(evidence)),
        ),
        RuleFact::NoticeSent { of, via, text, .. } => {
            let via = via.and_then(|id| plan.rules.channels.get(id));
            let via = via.map_or(String::new(), |channel| format!(" via {}", channel.name));
            ('✉', format!("{}{via}: {}", names(plan, of), plain(text)))
        }
        RuleFact::NoteRecorded { text, .. } => ('·', plain(text)),
        RuleFact::DecisionRecorded { by, title, .. } => {
            let by = by.as_deref().unwrap_or("somebody");
            ('·', format!("{by} decided: {}", plain(title)))
        }
        RuleFact::WorkflowStarted { workflow, .. } => (
            '▶',
            format!("workflow {} starts", plan.workflows[*workflow].name),
        ),
        RuleFact::WorkflowEnded { workflow, well } => {
            let how = if *well {
                "is done"
            } else {
                "ended with failures"
            };
            (
                '▶',
                format!("workflow {} {how}", plan.workflows[*workflow].name),
            )
        }
        RuleFact::SchedulePassedOver { why, .. } => ('!', plain(why)),
        RuleFact::ModeEntered { mode, because, by } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
            let because = match because.is_empty() {
                true => String::new(),
                false => format!(": {}", plain(because)),
            };
            let name = &plan.rules.modes[*mode].name;
            ('■', format!("{name} entered{by}{because}"))
        }
        RuleFact::ModeLeft { mode, by } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
            ('■', format!("{} left{by}", plan.rules.modes[*mode].name))
        }
        RuleFact::AgentFailed { agent: of, why } => {
            ('✗', format!("agent {} failed: {}", agent(*of), plain(why)))
        }
        RuleFact::AgentIsolated { agent: of } => ('!', format!("agent {} is isolated", agent(*of))),
        RuleFact::BudgetSpent { budget, used } => {
            let of = &plan.rules.budgets[*budget];
            let (title, used) = (of.title(plan), of.amount(*used));
            ('!', format!("the budget is spent, {title}: {used}"))
        }
        RuleFact::AgentBack { agent: of } => ('✓', format!("agent {} is back", agent(*of))),
        RuleFact::Reassigned { node: of, agents } => (
            '↪',
            format!("{} goes to {}", node(*of), names(plan, agents)),
        ),
        RuleFact::Preempted {
            node: of, behind, ..
        } => ('■', format!("{} gives way to {}", node(*of), node(*behind))),
        RuleFact::HealthFailed { agent: of, why } => (
            '!',
            format!("the health check of {} failed: {}", agent(*of), plain(why)),
        ),
        RuleFact::HealthPassed { agent: of } => {
            ('✓', format!("the health check of {} passed", agent(*of)))
        }
        RuleFact::ApprovalVoided {
            node: of, changed, ..
        } => (
            '!',
            format!(
                "what was let through of {} has changed: {}",
                node(*of),
                plain(&changed.join("; "))
            ),
        ),
        RuleFact::Late { node: of } => ('!', format!("{} is late", node(*of))),
        RuleFact::Stalled { node: of } => ('!', format!("{} makes no progress", node(*of))),
        RuleFact::Stopped { node: of, by, .. } => {
            let by = by.as_deref().unwrap_or("somebody");
            ('■', format!("{} is stopped by {by}", node(*of)))
        }
        RuleFact::Prioritized { node: of, priority } => {
            ('·', format!("{} has priority P{priority} now", node(*of)))
        }
        RuleFact::DomainHalted { domain, by, reason } => {
            let name = &plan.rules.domains[*domain].name;
            let by = by.as_deref().unwrap_or("somebody");
            let reason = match reason.is_empty() {
                true => String::new(),
                false => format!(": {}", plain(reason)),
            };
            ('■', format!("{by} halts {name}{reason}"))
        }
        RuleFact::ResourceExhausted { resource } => (
            '!',
            format!("{} is exhausted", plan.resources[*resource].name),
        ),
        RuleFact::ResourceBack { resource } => (
            '✓',
            format!("{} is there again", plan.resources[*resource].name),
        ),
        RuleFact::MetricMeasured { metric, value, .. } => (
            '·',
            format!("{} is {value}", plan.rules.metrics[*metric].name),
        ),
        RuleFact::MetricMissed { metric, why } if !why.is_empty() => (
            '!',
            format!(
                "{} is not measured: {}",
                plan.rules.metrics[*metric].name,
                plain(why)
            ),
        ),
        RuleFact::SyncHeld { sync } => ('◆', format!("{} held", plan.rules.recurring[*sync].name)),
        RuleFact::UndoStarted { node: of } => ('↶', format!("{} is taken back", node(*of))),
        RuleFact::UndoEnded {
            node: of,
            ok,
            evidence,
        } => match ok {
            true => ('↶', format!("{} was taken back", node(*of))),
            false => (
                '!',
                format!("{} could not be taken back: {}", node(*of), plain(evidence)),
            ),
        },
        RuleFact::SituationAnswered { .. }
        | RuleFact::SituationOverdue { .. }
        | RuleFact::LimitSettled { .. }
        | RuleFact::ReactionFired { .. }
        | RuleFact::ReactionPassedOver { .. }
        | RuleFact::ActionStarted { .. }
        | RuleFact::ActionInterrupted { .. }
        | RuleFact::ActionEnded { .. }
        | RuleFact::ActionTaken { .. }
        | RuleFact::MetricAsked { .. }
        | RuleFact::MetricMissed { .. }
        | RuleFact::RunFinishing
        | RuleFact::HealthAsked { .. }
        | RuleFact::ApprovalBound { .. }
        | RuleFact::UndoOrdered { .. }
        | RuleFact::UndoInterrupted { .. } => return None,
    })
}
