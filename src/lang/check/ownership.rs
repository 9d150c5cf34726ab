//! Who owns which paths, decided by automata, with a path as witness.

use crate::diagnostic::Diagnostic;
use crate::glob::{Glob, Relation, Remainder, intersecting_pairs};
use crate::ids::AgentId;
use crate::model::{Model, Owns, Task};
use std::collections::BTreeMap;

/// One claimed glob with its owner.
struct Ground<'m> {
    agent: AgentId,
    owns: &'m Owns,
}

impl Ground<'_> {
    fn glob(&self) -> &Glob {
        &self.owns.glob.value
    }
}

pub(super) fn check(model: &Model, paths: Option<&[String]>, out: &mut Vec<Diagnostic>) {
    let grounds: Vec<Ground<'_>> = model
        .agents
        .iter()
        .flat_map(|(agent, a)| a.owns.iter().map(move |owns| Ground { agent, owns }))
        .collect();
    let globs: Vec<&Glob> = grounds.iter().map(Ground::glob).collect();
    for (a, b) in intersecting_pairs(&globs) {
        overlap(model, &grounds[a], &grounds[b], out);
    }
    for ground in &grounds {
        direct_children(ground.owns, out);
    }
    if let Some(paths) = paths {
        matches_nothing(&grounds, paths, out);
    }
    areas(model, out);
    foreign_writes(model, &grounds, out);
}

fn overlap(model: &Model, a: &Ground<'_>, b: &Ground<'_>, out: &mut Vec<Diagnostic>) {
    if a.agent == b.agent || (a.owns.shared && b.owns.shared) {
        return;
    }
    // report at the later one
    let (first, second) = if a.owns.glob.span <= b.owns.glob.span {
        (a, b)
    } else {
        (b, a)
    };
    let except: Vec<&Glob> = first
        .owns
        .except
        .iter()
        .chain(&second.owns.except)
        .map(|g| &g.value)
        .collect();
    let witness = match second.glob().intersect_minus(first.glob(), &except) {
        Remainder::Nothing => return,
        Remainder::Path(path) => path,
        Remainder::Unknown => second.glob().intersect(first.glob()).unwrap_or_default(),
    };
    let (x, y) = (
        &model.agents[first.agent].name.value,
        &model.agents[second.agent].name.value,
    );
    let (f, s) = (first.glob(), second.glob());
    let other = first.owns.glob.span;
    let span = second.owns.glob.span;
    let d = match s.relation(f) {
        Relation::Disjoint => return,
        Relation::Equal => Diagnostic::new(
            "E0401",
            span,
            format!("`{x}` and `{y}` both own `{}`", s.as_str()),
        )
        .label(format!("owned by `{y}`"))
        .related(other, format!("owned by `{x}`"))
        .help("delete one of the two, or write `shared` behind both"),
        Relation::ContainedIn | Relation::Contains => {
            let inside = matches!(s.relation(f), Relation::ContainedIn);
            let (inner, outer) = if inside {
                (second, first)
            } else {
                (first, second)
            };
            if inner.owns.shared || outer.owns.shared {
                return;
            }
            let (inner_name, outer_name) = (
                &model.agents[inner.agent].name.value,
                &model.agents[outer.agent].name.value,
            );
            Diagnostic::new(
                "W0403",
                inner.owns.glob.span,
                format!("`{}` of `{inner_name}` is carved out of `{}` of `{outer_name}`; the more specific wins", inner.glob().as_str(), outer.glob().as_str()),
            )
            .label(format!("owned by `{inner_name}`"))
            .related(outer.owns.glob.span, format!("the ground of `{outer_name}`"))
            .help(format!("write `except \"{}\"` behind the outer glob to say that it is meant", inner.glob().as_str()))
        }
        Relation::Crossing | Relation::Unknown => Diagnostic::new(
            "E0402",
            span,
            format!("`{x}` and `{y}` both own, for example, `{witness}`"),
        )
        .label(format!("owned by `{y}`"))
        .related(other, format!("owned by `{x}`"))
        .help("make one of them narrower, write `except` behind one, or `shared` behind both"),
    };
    out.push(d);
}

fn direct_children(owns: &Owns, out: &mut Vec<Diagnostic>) {
    let glob = &owns.glob;
    if glob.value.covers_direct_children_only() {
        let deep = format!("{}*", glob.value.as_str());
        out.push(
            Diagnostic::new(
                "W0405",
                glob.span,
                format!("`{}` covers direct children only", glob.value.as_str()),
            )
            .label("not what lies deeper")
            .fix(
                glob.span,
                format!("\"{deep}\""),
                format!("did you mean `{deep}`?"),
            ),
        );
    }
}

fn matches_nothing(grounds: &[Ground<'_>], paths: &[String], out: &mut Vec<Diagnostic>) {
    for ground in grounds {
        if !paths.iter().any(|p| ground.glob().matches(p)) {
            out.push(
                Diagnostic::new(
                    "W0404",
                    ground.owns.glob.span,
                    format!(
                        "`{}` matches no file of the project",
                        ground.glob().as_str()
                    ),
                )
                .label("nothing there yet")
                .help("look for a typing error, or leave it if the files are still to come"),
            );
        }
    }
}

fn areas(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<String, (AgentId, crate::source::Span)> = BTreeMap::new();
    for (id, agent) in model.agents.iter() {
        for area in &agent.areas {
            let key = area.value.trim().to_lowercase();
            let Some((other, first)) = seen.get(&key).copied() else {
                seen.insert(key, (id, area.span));
                continue;
            };
            let (x, y) = (&model.agents[other].name.value, &agent.name.value);
            let who = if other == id {
                format!("twice by `{y}`")
            } else {
                format!("by `{x}` and by `{y}`")
            };
            out.push(
                Diagnostic::new(
                    "E0409",
                    area.span,
                    format!("area \"{}\" is owned {who}", area.value),
                )
                .label("owned again")
                .related(first, "owned here first")
                .help("give it to one of them"),
            );
        }
    }
}

/// E0407: a task writes where somebody else owns, who does not approve it.
fn foreign_writes(model: &Model, grounds: &[Ground<'_>], out: &mut Vec<Diagnostic>) {
    if grounds.is_empty() {
        return;
    }
    let exclusive: Vec<&Ground<'_>> = grounds.iter().filter(|g| !g.owns.shared).collect();
    for task in model.tasks.values() {
        for write in &task.writes {
            if let Some((ground, witness)) = trespass(model, task, &write.value, &exclusive) {
                let owner = &model.agents[ground.agent].name.value;
                out.push(
                    Diagnostic::new(
                        "E0407",
                        write.span,
                        format!(
                            "`{}` writes `{witness}`, owned by `{owner}`, who does not approve it",
                            task.name.value
                        ),
                    )
                    .label(format!("reaches into the ground of `{owner}`"))
                    .related(ground.owns.glob.span, format!("owned by `{owner}`"))
                    .help(format!(
                        "write `approve by {owner}` in the task, or give the work to `{owner}`"
                    )),
                );
            }
        }
    }
}

fn trespass<'g, 'm>(
    model: &Model,
    task: &Task,
    write: &Glob,
    grounds: &[&'g Ground<'m>],
) -> Option<(&'g Ground<'m>, String)> {
    let doers = task.by.as_ref().map_or(&[][..], |b| b.value.agents());
    let own: Vec<&Glob> = doers
        .iter()
        .flat_map(|a| &model.agents[*a].owns)
        .map(|o| &o.glob.value)
        .collect();
    let approved = |agent: AgentId| task.approvals.iter().any(|a| a.of.contains(&agent));
    grounds
        .iter()
        .filter(|g| !doers.contains(&g.agent) && !approved(g.agent))
        .find_map(|ground| {
            let mut left_out: Vec<&Glob> = ground.owns.except.iter().map(|e| &e.value).collect();
            // inside one's own, more specific ground all is well
            let inside = |o: &&&Glob| matches!(o.relation(ground.glob()), Relation::ContainedIn);
            left_out.extend(own.iter().filter(inside));
            match write.intersect_minus(ground.glob(), &left_out) {
                Remainder::Path(witness) => Some((*ground, witness)),
                Remainder::Nothing | Remainder::Unknown => None,
            }
        })
}
