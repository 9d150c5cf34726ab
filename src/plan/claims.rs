//! Write claims as resources: two tasks whose claims intersect are never at work at once.
//!
//! Every pair of claimed globs that intersects becomes a pool that both sides take from. That
//! keeps the number of pools to the number of *different* globs, however many tasks claim them.

use crate::plan::{Node, NodeKind, Resource};
use coord_lang::glob::{Glob, intersecting_pairs};
use coord_lang::ids::{AgentId, Id, NodeId, ResourceId, Table, TaskId};
use coord_lang::model::Model;
use std::collections::BTreeMap;

/// One glob and who claims it.
struct Claim<'m> {
    glob: &'m Glob,
    /// Tasks that name it with `writes`.
    explicit: Vec<TaskId>,
    /// Tasks that claim it because their agent owns it. They do not exclude each other: the
    /// agent's capacity says how many of them run at once.
    by_owner: Vec<TaskId>,
    owner: Option<AgentId>,
}

/// Adds the pools to `resources`, and what each task takes of them to `nodes`.
pub(crate) fn add(
    model: &Model,
    resources: &mut Table<ResourceId, Resource>,
    nodes: &mut Table<NodeId, Node>,
) {
    let claims = claims(model);
    let globs: Vec<&Glob> = claims.iter().map(|c| c.glob).collect();
    let mut pairs = intersecting_pairs(&globs);
    let own: Vec<usize> = (0..claims.len())
        .filter(|i| claims[*i].explicit.len() > 1)
        .collect();
    pairs.extend(own.into_iter().map(|i| (i, i)));
    pairs.sort_unstable();
    for (a, b) in pairs {
        add_pool(&claims[a], &claims[b], model, resources, nodes);
    }
}

fn claims(model: &Model) -> Vec<Claim<'_>> {
    let mut explicit: BTreeMap<&str, Claim<'_>> = BTreeMap::new();
    let mut idle: Vec<Vec<TaskId>> = vec![Vec::new(); model.agents.len()];
    for (id, task) in model.tasks.iter() {
        for glob in &task.writes {
            let claim = explicit.entry(glob.as_str()).or_insert_with(|| Claim {
                glob: &glob.value,
                explicit: Vec::new(),
                by_owner: Vec::new(),
                owner: None,
            });
            if claim.explicit.last() != Some(&id) {
                claim.explicit.push(id);
            }
        }
        if task.writes.is_empty() {
            for agent in task.by.iter().flat_map(|b| b.value.agents()) {
                idle[agent.index()].push(id);
            }
        }
    }
    if explicit.is_empty() {
        return Vec::new(); // nobody steps out of his own ground
    }
    let mut all: Vec<Claim<'_>> = explicit.into_values().collect();
    for (agent, tasks) in idle
        .into_iter()
        .enumerate()
        .filter(|(_, tasks)| !tasks.is_empty())
    {
        let id = AgentId::from_index(agent);
        for owns in model.agents[id].owns.iter().filter(|o| !o.shared) {
            all.push(Claim {
                glob: &owns.glob.value,
                explicit: Vec::new(),
                by_owner: tasks.clone(),
                owner: Some(id),
            });
        }
    }
    all
}

fn add_pool(
    a: &Claim<'_>,
    b: &Claim<'_>,
    model: &Model,
    resources: &mut Table<ResourceId, Resource>,
    nodes: &mut Table<NodeId, Node>,
) {
    if a.explicit.is_empty() && b.explicit.is_empty() {
        return;
    }
    let owner = a.owner.or(b.owner);
    let capacity = owner.map_or(1, |o| model.agents[o].capacity.max(1));
    let name = if a.glob.as_str().len() <= b.glob.as_str().len() {
        a.glob.as_str()
    } else {
        b.glob.as_str()
    };
    let mut takers: BTreeMap<TaskId, u32> = BTreeMap::new();
    for claim in [a, b] {
        takers.extend(claim.by_owner.iter().map(|t| (*t, 1)));
    }
    for claim in [a, b] {
        takers.extend(claim.explicit.iter().map(|t| (*t, capacity)));
    }
    if takers.len() < 2 {
        return;
    }
    let pool = resources.push(Resource {
        name: name.to_string(),
        title: None,
        capacity,
        claim: true,
    });
    for (task, amount) in takers {
        if let NodeKind::Task(spec) = &mut nodes[NodeId::from_index(task.index())].kind {
            spec.uses.push((pool, amount));
        }
    }
}
