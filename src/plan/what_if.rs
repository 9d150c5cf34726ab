//! What would be if: a small change to a plan, said in words of the language.
//!
//! It changes the frozen plan alone, never a text. What a change does is for a schedule to say.

use crate::calendar::{Hours, holiday};
use crate::plan::{Agent, Driver, Estimate, Plan, Profile, Span};
use coord_lang::ids::{AgentId, NodeId, ResourceId};
use coord_lang::schema::{closest, one_of};
use coord_lang::time::Date;
use coord_lang::value;

/// What a change looks like.
pub const SHAPES: &str = "`agent NAME capacity 2`, `agent NAME away 2025-08-12..2025-08-15`, \
`task NAME takes 3wd`, `task NAME priority P0`, `resource NAME capacity 4` or `drop resource NAME`";

/// A change that means nothing for this plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    pub help: String,
}

fn mistake<T>(message: String, help: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake {
        message,
        help: help.into(),
    })
}

/// Changes the plan as `words` say, or says why not.
pub fn change(plan: &mut Plan, words: &str) -> Result<(), Mistake> {
    let parts: Vec<&str> = words.split_whitespace().collect();
    match parts.as_slice() {
        ["agent", name, "capacity", n] => {
            let agent = agent(plan, name)?;
            plan.agents[agent].capacity = capacity(n)?;
        }
        ["agent", name, "away", days] => {
            let agent = agent(plan, name)?;
            away(plan, agent, days)?;
        }
        ["task", name, "takes", length] => {
            let task = task(plan, name)?;
            takes(plan, task, length)?;
        }
        ["task", name, "priority", word] => {
            let task = task(plan, name)?;
            let priority = priority(word)?;
            if let Some(task) = plan.task_mut(task) {
                task.priority = priority;
            }
        }
        ["resource", name, "capacity", n] => {
            let resource = resource(plan, name)?;
            plan.resources[resource].capacity = capacity(n)?;
        }
        ["drop", "resource", name] => {
            let resource = resource(plan, name)?;
            let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
            for id in tasks {
                if let Some(task) = plan.task_mut(id) {
                    task.uses.retain(|(used, _)| *used != resource);
                }
            }
        }
        _ => {
            return mistake(
                format!("`{words}` is no change that a plan knows"),
                format!("write {SHAPES}"),
            );
        }
    }
    Ok(())
}

// ---- names -------------------------------------------------------------------------------------

fn agent(plan: &Plan, name: &str) -> Result<AgentId, Mistake> {
    let named = plan
        .agents
        .iter()
        .map(|(id, agent)| (id, agent.name.as_str()));
    named_in("agent", name, named)
}

fn task(plan: &Plan, name: &str) -> Result<NodeId, Mistake> {
    let named = plan.tasks().map(|(id, node, _)| (id, node.name.as_str()));
    named_in("task", name, named)
}

fn resource(plan: &Plan, name: &str) -> Result<ResourceId, Mistake> {
    let declared = plan
        .resources
        .iter()
        .filter(|(_, resource)| !resource.claim);
    let named = declared.map(|(id, resource)| (id, resource.name.as_str()));
    named_in("resource", name, named)
}

fn named_in<'p, Id: Copy>(
    kind: &str,
    name: &str,
    named: impl Iterator<Item = (Id, &'p str)>,
) -> Result<Id, Mistake> {
    let all: Vec<(Id, &str)> = named.collect();
    if let Some((id, _)) = all.iter().find(|(_, other)| *other == name) {
        return Ok(*id);
    }
    let near = closest(name, all.iter().map(|(_, other)| *other));
    let help = if !near.is_empty() {
        format!("did you mean {}?", one_of(near))
    } else if all.is_empty() {
        format!("the plan has no {kind}")
    } else {
        format!("there is {}", one_of(all.iter().take(8).map(|(_, n)| *n)))
    };
    mistake(format!("no {kind} is called `{name}`"), help)
}

// ---- values ------------------------------------------------------------------------------------

fn capacity(text: &str) -> Result<u32, Mistake> {
    match text.parse() {
        Ok(n @ 1..=1_000_000) => Ok(n),
        _ => mistake(
            format!("`{text}` is no capacity"),
            "write a whole number from 1 on",
        ),
    }
}

fn priority(text: &str) -> Result<u8, Mistake> {
    match text {
        "P0" => Ok(0),
        "P1" => Ok(1),
        "P2" => Ok(2),
        "P3" => Ok(3),
        _ => mistake(
            format!("`{text}` is no priority"),
            "write `P0`, `P1`, `P2` or `P3`",
        ),
    }
}

fn takes(plan: &mut Plan, id: NodeId, text: &str) -> Result<(), Mistake> {
    let day_ms = day_of(plan, id);
    let spans = text.split("..").map(|part| {
        let effort = value::effort(part).ok()?;
        Some(Span::from_effort(effort, day_ms))
    });
    let spans: Option<Vec<Span>> = spans.collect();
    let estimate = match spans.as_deref() {
        Some(&[likely]) => Some((likely, likely, likely)),
        Some(&[low, high]) => {
            let ms = low.ms + (high.ms - low.ms) / 2;
            Some((low, Span { ms, ..low }, high))
        }
        Some(&[low, likely, high]) => Some((low, likely, high)),
        _ => None,
    };
    let fits = |(low, likely, high): &(Span, Span, Span)| {
        low.ms <= likely.ms
            && likely.ms <= high.ms
            && low.working == likely.working
            && likely.working == high.working
    };
    let Some((low, likely, high)) = estimate.filter(fits) else {
        return mistake(
            format!("`{text}` is no length"),
            "write a length as in `takes`: `3wd`, `2d`, `4wd..5wd`, `2d..3d..6d`",
        );
    };
    if let Some(task) = plan.task_mut(id) {
        task.estimate = Some(Estimate { low, likely, high });
    }
    Ok(())
}

/// The shortest day of those who do a task.
fn day_of(plan: &Plan, id: NodeId) -> i64 {
    let agents = plan.task(id).map_or(&[][..], |task| task.by.agents());
    let days = agents.iter().filter_map(|agent| {
        let agent = &plan.agents[*agent];
        match own_hours(agent) {
            Some(hours) => Some(hours.day_ms()),
            None => (agent.driver == Driver::Human).then(|| plan.hours.day_ms()),
        }
    });
    days.min().unwrap_or_else(|| plan.hours.day_ms())
}

fn own_hours(agent: &Agent) -> Option<&Hours> {
    agent.profile.as_ref()?.hours.as_ref()
}

fn away(plan: &mut Plan, agent: AgentId, days: &str) -> Result<(), Mistake> {
    let (first, last) = days.split_once("..").unwrap_or((days, days));
    let range = date(first)
        .zip(date(last))
        .and_then(|(first, last)| holiday(first, last));
    let Some(range) = range.filter(|(first, last)| first <= last) else {
        return mistake(
            format!("`{days}` are no days"),
            "write the first and the last day, as in `2025-08-12..2025-08-15`",
        );
    };
    if plan.origin_ms.is_none() {
        return mistake(
            "days mean nothing in a project without a start".into(),
            "say `starts` with a day in the project",
        );
    }
    let hours = own_hours(&plan.agents[agent])
        .unwrap_or(&plan.hours)
        .clone();
    let profile = plan.agents[agent]
        .profile
        .get_or_insert_with(Box::<Profile>::default);
    profile.hours = Some(hours.without(range));
    Ok(())
}

fn date(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        [year, month, day] => Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?),
        _ => None,
    }
}
