//! Waves of the agents' contracts, and what is wrong with them.

use crate::graph::Graph;
use crate::loops::Lines;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::ids::{AgentId, Id};
use coord_lang::model::{Contract, Model};
use std::collections::HashSet;

/// The wave of each agent: 0 needs nobody, 1 needs only agents of wave 0, and so on. Agents in a
/// cycle stay in wave 0 and are reported.
pub(crate) fn waves(model: &Model, out: &mut Vec<Diagnostic>) -> Vec<u32> {
    let mutual = both_need_all(model, out);
    let skip = |from: AgentId, c: &Contract| c.from_all && mutual.contains(&(from, c.on));
    let edges: Vec<(AgentId, &Contract)> = model
        .agents
        .iter()
        .flat_map(|(id, a)| a.needs.iter().map(move |c| (id, c)))
        .filter(|(id, c)| !skip(*id, c))
        .collect();
    for (id, agent) in model.agents.iter() {
        itself("needs", id, &agent.name.value, &agent.needs, out);
        itself("wants", id, &agent.name.value, &agent.wants, out);
    }
    let between: Vec<(usize, usize)> = edges
        .iter()
        .filter(|(id, c)| c.on != *id)
        .map(|(id, c)| (c.on.index(), id.index()))
        .collect();
    let graph = Graph::new(model.agents.len(), between.iter().copied());
    let mut waves = vec![0u32; model.agents.len()];
    match graph.topological() {
        Ok(order) => lay(&order, &between, &mut waves),
        Err(components) => {
            for component in &components {
                out.push(contract_cycle(model, &edges, &graph, component));
            }
        }
    }
    waves
}

fn itself(word: &str, id: AgentId, name: &str, contracts: &[Contract], out: &mut Vec<Diagnostic>) {
    for contract in contracts.iter().filter(|c| c.on == id) {
        out.push(
            Diagnostic::new(
                "E0302",
                contract.span,
                format!("agent `{name}` {word} itself"),
            )
            .label("leads back to itself")
            .help("delete it"),
        );
    }
}

fn lay(order: &[usize], edges: &[(usize, usize)], waves: &mut [u32]) {
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); waves.len()];
    for (before, after) in edges {
        behind[*before].push(*after);
    }
    for agent in order {
        for after in &behind[*agent] {
            waves[*after] = waves[*after].max(waves[*agent] + 1);
        }
    }
}

/// E0305: two agents that both need all contain each other.
fn both_need_all(model: &Model, out: &mut Vec<Diagnostic>) -> HashSet<(AgentId, AgentId)> {
    let needs_all: Vec<(AgentId, coord_lang::source::Span)> = model
        .agents
        .iter()
        .filter_map(|(id, a)| a.needs.iter().find(|c| c.from_all).map(|c| (id, c.span)))
        .collect();
    let mut mutual = HashSet::new();
    for (i, (a, a_span)) in needs_all.iter().enumerate() {
        for (b, b_span) in &needs_all[i + 1..] {
            let (x, y) = (&model.agents[*a].name.value, &model.agents[*b].name.value);
            out.push(
                Diagnostic::new(
                    "E0305",
                    *b_span,
                    format!("`{x}` and `{y}` both need all, so each waits for the other"),
                )
                .label(format!("`{y}` needs `{x}`, too"))
                .related(*a_span, format!("`{x}` needs `{y}`"))
                .help("name the agents that one of them really needs, as in `needs [a, b]`"),
            );
            mutual.insert((*a, *b));
            mutual.insert((*b, *a));
        }
    }
    mutual
}

fn contract_cycle(
    model: &Model,
    edges: &[(AgentId, &Contract)],
    graph: &Graph,
    component: &[usize],
) -> Diagnostic {
    let way = graph.shortest_cycle(component);
    let name = |i: usize| model.agents[AgentId::from_index(i)].name.value.as_str();
    let mut steps: Vec<(&Contract, usize, usize)> = Vec::new();
    for (index, before) in way.iter().enumerate() {
        let after = way[(index + 1) % way.len()];
        let edge = edges
            .iter()
            .find(|(id, c)| id.index() == after && c.on.index() == *before);
        steps.extend(edge.map(|(_, contract)| (*contract, after, *before)));
    }
    // read as "a needs b needs c", from the one that is written first
    steps.reverse();
    let first = steps
        .iter()
        .enumerate()
        .min_by_key(|(_, (c, ..))| c.span)
        .map_or(0, |(i, _)| i);
    steps.rotate_left(first);
    let names: Vec<String> = steps
        .iter()
        .map(|(_, after, _)| format!("`{}`", name(*after)))
        .collect();
    let closed = format!(
        "{} → {}",
        names.join(" → "),
        names.first().map_or("", String::as_str)
    );
    let labels = steps.iter().map(|(c, after, before)| {
        (
            c.span,
            format!("`{}` needs `{}`", name(*after), name(*before)),
        )
    });
    let first = steps
        .first()
        .map_or_else(coord_lang::source::Span::default, |(c, ..)| c.span);
    let more = component.len().saturating_sub(way.len());
    let also = if more > 0 {
        format!(" ({more} more are caught in it)")
    } else {
        String::new()
    };
    let message = format!("{} agents need each other: {closed}{also}", way.len());
    let help = if more > 0 {
        smallest_set(model, edges, component)
    } else {
        None
    };
    let help = help.unwrap_or_else(|| "delete one of these contracts, or make it `wants`".into());
    let mut d = Diagnostic::new("E0301", first, message).help(help);
    for (index, (span, text)) in labels.enumerate() {
        d = if index == 0 {
            d.label(text)
        } else {
            d.related(span, text)
        };
    }
    d
}

/// A smallest set of contracts without which the component has no loop, in words.
fn smallest_set(
    model: &Model,
    edges: &[(AgentId, &Contract)],
    component: &[usize],
) -> Option<String> {
    let inside = |id: AgentId| component.binary_search(&id.index()).ok();
    let name = |id: AgentId| &model.agents[id].name.value;
    let mut lines = Lines::default();
    for (dependent, contract) in edges {
        if let (Some(before), Some(after)) = (inside(contract.on), inside(*dependent)) {
            let (subject, on) = (name(*dependent), name(contract.on));
            lines.add(contract.span, subject, on, (before, after));
        }
    }
    let way_out = lines.way_out(component.len(), Vec::new())?;
    Some(format!("{way_out}; or write `wants`"))
}
