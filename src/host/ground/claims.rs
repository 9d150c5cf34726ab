//! Who may write what, at run time: the claims of a task against the paths it wrote.
//!
//! A task writes its `writes` globs, and what it produces; without them, what its agents own. A
//! task without either may write what nobody else owns for himself. Ground inside other ground
//! belongs to the more specific glob.

use coord_lang::glob::{Glob, Relation};
use coord_lang::ids::AgentId;
use coord_plan::plan::{Plan, Task};

/// What one task may write.
#[derive(Clone, Default)]
pub(crate) struct Claims {
    /// Named by the task itself.
    written: Vec<Glob>,
    /// Paths of what it produces.
    produced: Vec<String>,
    /// Owned by who does it.
    owned: Vec<Ground>,
    /// Owned by others for themselves.
    foreign: Vec<(String, Ground)>,
}

#[derive(Clone)]
struct Ground {
    glob: Glob,
    except: Vec<Glob>,
}

impl Ground {
    fn holds(&self, path: &str) -> bool {
        self.glob.matches(path) && !self.except.iter().any(|except| except.matches(path))
    }
}

/// Why a path may not be written.
pub(crate) struct Outside {
    /// Whose ground it is, where it is somebody's.
    pub(crate) owner: Option<String>,
}

impl Claims {
    pub(crate) fn of(plan: &Plan, task: &Task, agents: &[AgentId]) -> Claims {
        let parse = |globs: &[String]| -> Vec<Glob> {
            globs.iter().filter_map(|g| Glob::parse(g).ok()).collect()
        };
        let mut claims = Claims {
            written: parse(&task.writes),
            produced: (task.produces.iter().filter_map(|a| a.path.clone())).collect(),
            ..Claims::default()
        };
        for (id, agent) in plan.agents.iter() {
            let Some(profile) = &agent.profile else {
                continue;
            };
            for text in &profile.owns {
                let Ok(glob) = Glob::parse(text) else {
                    continue;
                };
                let except = profile.except.iter().filter(|(of, _)| of == text);
                let except = except.filter_map(|(_, glob)| Glob::parse(glob).ok());
                let ground = Ground {
                    glob,
                    except: except.collect(),
                };
                if agents.contains(&id) {
                    claims.owned.push(ground);
                } else if !profile.shared.contains(text) {
                    claims.foreign.push((agent.name.clone(), ground));
                }
            }
        }
        claims
    }

    /// None when `path`, from the project's folder, may be written.
    pub(crate) fn outside(&self, path: &str) -> Option<Outside> {
        if self.is_produced(path) || self.written.iter().any(|glob| glob.matches(path)) {
            return None;
        }
        let owner = self.owner(path);
        let own = self.owned.iter().any(|ground| ground.holds(path));
        let free = self.written.is_empty() && self.owned.is_empty();
        let fine = owner.is_none() && self.written.is_empty() && (own || free);
        (!fine).then_some(Outside { owner })
    }

    /// The agent whose ground `path` is, for himself, when it is not that of this task.
    pub(crate) fn owner(&self, path: &str) -> Option<String> {
        let own: Vec<&Ground> = self.owned.iter().filter(|g| g.holds(path)).collect();
        let of = self.foreign.iter().find(|(_, ground)| {
            let inside = |own: &&Ground| ground.glob.relation(&own.glob) == Relation::ContainedIn;
            ground.holds(path) && own.iter().all(inside)
        });
        of.map(|(agent, _)| agent.clone())
    }

    /// True when others own something beneath this folder.
    pub(crate) fn others_own_beneath(&self, folder: &str) -> bool {
        let Ok(beneath) = Glob::parse(&format!("{}/**", escaped(folder))) else {
            return true;
        };
        self.foreign.iter().any(|(_, of)| of.glob.meets(&beneath))
    }

    fn is_produced(&self, path: &str) -> bool {
        self.produced.iter().any(|produced| {
            path == produced
                || path
                    .strip_prefix(produced.trim_end_matches('/'))
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// A path as a glob that matches it alone.
fn escaped(path: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!');
    let mut out = String::new();
    for c in path.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
