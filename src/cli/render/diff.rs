//! What lies between two versions of a project: `coord.diff/1`, and the same as text and as
//! Markdown.
//!
//! One document is made; the texts only write it down. What people wrote stands in Markdown as
//! code, where nothing in it is obeyed.

mod markdown;
mod text;

pub(crate) use markdown::markdown;
pub(crate) use text::text;

use super::outlook::Outlook;
use super::plan_json::Secs;
use super::sheet::tame;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::difference::{Change, Entry, Fate, Pair, difference};
use coord_lang::ids::NodeId;
use coord_lang::source::Sources;
use coord_plan::compile::Compiled;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::promise::{Promise, Verdict};
use coord_plan::schedule::{Due, Schedule};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// One version, read and planned.
pub(crate) struct Side {
    /// As it was named.
    pub(crate) label: String,
    /// Where its files are: no part of their names in what is told.
    pub(crate) folder: PathBuf,
    pub(crate) sources: Sources,
    pub(crate) compiled: Compiled,
    pub(crate) entries: Vec<Entry>,
}

impl Side {
    fn planned(&self) -> Option<(&Plan, &Schedule)> {
        let compiled = &self.compiled;
        compiled.plan.as_ref().zip(compiled.schedule.as_ref())
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.compiled.diagnostics.iter().filter(|d| d.is_error())
    }
}

/// `coord.diff/1`. Times are seconds from the origin of their version.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Diff {
    schema: &'static str,
    project: String,
    old: String,
    new: String,
    counts: Counts,
    /// Null when one of the two has no plan.
    cost: Option<Cost>,
    /// All that are not kept.
    entries: Vec<EntryJson>,
    /// Tasks that say the same and end at another time; the most first.
    moves: Vec<MoveJson>,
    /// Mistakes of the new version outside of its declarations.
    errors: Vec<ErrorJson>,
    /// How many mistakes the old version has.
    old_errors: usize,
}

#[derive(Serialize, JsonSchema)]
struct Counts {
    kept: usize,
    changed: usize,
    new: usize,
    gone: usize,
    /// Declarations of the new version that do not check.
    illegal: usize,
}

#[derive(Serialize, JsonSchema)]
struct EntryJson {
    /// `task`, `agent`, `gate`, `on`, …
    kind: String,
    name: String,
    title: Option<String>,
    /// `changed`, `new`, `gone` or `illegal`.
    status: &'static str,
    fields: Vec<FieldJson>,
    errors: Vec<ErrorJson>,
    old_finish_s: Option<Secs>,
    new_finish_s: Option<Secs>,
    /// In words, where it is planned.
    ends: Option<String>,
}

/// A field that reads otherwise. `owners` and `waits for` are what the plan makes of the text,
/// where that changes without a change of the text.
#[derive(Serialize, JsonSchema)]
struct FieldJson {
    field: String,
    old: Vec<String>,
    new: Vec<String>,
    removed: Vec<String>,
    added: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct ErrorJson {
    code: String,
    message: String,
    /// `file:line:column`.
    at: String,
}

#[derive(Serialize, JsonSchema)]
struct MoveJson {
    name: String,
    old_finish_s: Secs,
    new_finish_s: Secs,
    /// In words, with the day before and after.
    text: String,
}

/// What the change costs.
#[derive(Serialize, JsonSchema)]
struct Cost {
    makespan: Times,
    logical_makespan: Times,
    lower_bound: Times,
    p50: Option<Times>,
    p80: Option<Times>,
    p95: Option<Times>,
    /// By needs alone.
    critical_path: Path,
    /// What holds the levelled schedule.
    chain: Path,
    promises: Vec<PromiseJson>,
    deadlines: Vec<DueJson>,
    /// Agents whose load differs by five percent points or more.
    agents: Vec<LoadJson>,
}

#[derive(Serialize, JsonSchema)]
struct Times {
    old_s: Secs,
    new_s: Secs,
    /// The days, in words.
    old: String,
    new: String,
    /// `2wd later`, `as before`.
    text: String,
    /// -1 sooner, 0 as before, 1 later.
    sign: i8,
}

#[derive(Serialize, JsonSchema)]
struct Path {
    old: Vec<String>,
    new: Vec<String>,
    changed: bool,
}

#[derive(Serialize, JsonSchema)]
struct PromiseJson {
    text: String,
    /// `kept`, `broken`, `impossible`, `open`; null where there is no such promise.
    old: Option<&'static str>,
    new: Option<&'static str>,
    value: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct DueJson {
    name: String,
    /// Null where nothing is due.
    old_met: Option<bool>,
    new_met: Option<bool>,
    /// In words: when it is due and when it ends now.
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct LoadJson {
    name: String,
    old: f64,
    new: f64,
}

impl Diff {
    /// The new version does not check.
    pub(crate) fn is_illegal(&self) -> bool {
        self.counts.illegal > 0 || !self.errors.is_empty()
    }

    pub(crate) fn differs(&self) -> bool {
        !self.entries.is_empty() || !self.moves.is_empty() || self.is_illegal()
    }

    /// Something that was met or kept is not.
    pub(crate) fn is_worse(&self) -> bool {
        self.cost.as_ref().is_some_and(|cost| {
            let broken = |p: &PromiseJson| {
                p.old == Some("kept") && matches!(p.new, Some("broken" | "impossible"))
            };
            let missed = |d: &DueJson| d.old_met == Some(true) && d.new_met == Some(false);
            cost.promises.iter().any(broken) || cost.deadlines.iter().any(missed)
        })
    }
}

pub(crate) fn json(document: &Diff) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Compares two versions.
pub(crate) fn document(old: &Side, new: &Side) -> Diff {
    let pairs = difference(&old.entries, &new.entries);
    let plans = old.planned().zip(new.planned());
    let plans = plans.map(|(old, new)| Plans::new(old, new));
    let mut found = errors(new);
    let elsewhere = found.remove(&None).unwrap_or_default();
    let entries: Vec<EntryJson> = pairs
        .iter()
        .filter_map(|pair| entry(pair, plans.as_ref(), &mut found))
        .collect();
    let count = |status: &str| entries.iter().filter(|e| e.status == status).count();
    let counts = Counts {
        kept: pairs.len() - entries.len(),
        changed: count("changed"),
        new: count("new"),
        gone: count("gone"),
        illegal: count("illegal"),
    };
    let told: BTreeSet<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    Diff {
        schema: "coord.diff/1",
        project: project(new),
        old: old.label.clone(),
        new: new.label.clone(),
        counts,
        moves: plans.as_ref().map_or_else(Vec::new, |p| p.moves(&told)),
        cost: plans.as_ref().map(Plans::cost),
        errors: elsewhere,
        old_errors: old.errors().count(),
        entries,
    }
}

fn project(side: &Side) -> String {
    let plan = side.compiled.plan.as_ref();
    plan.map_or_else(String::new, |plan| tame(&plan.project))
}

/// The mistakes of a version by the declaration that they are in: the innermost one.
fn errors(side: &Side) -> BTreeMap<Option<(String, String)>, Vec<ErrorJson>> {
    let mut found: BTreeMap<_, Vec<ErrorJson>> = BTreeMap::new();
    for diagnostic in side.errors() {
        let span = diagnostic.primary.span;
        let around = side.entries.iter().filter(|entry| {
            let whole = entry.span;
            whole.file == span.file && whole.start <= span.start && span.end <= whole.end
        });
        let inner = around.min_by_key(|entry| entry.span.len());
        let key = inner.map(|entry| (entry.kind.clone(), entry.name.clone()));
        found.entry(key).or_default().push(error(side, diagnostic));
    }
    found
}

fn error(side: &Side, diagnostic: &Diagnostic) -> ErrorJson {
    let span = diagnostic.primary.span;
    let file = std::path::Path::new(side.sources.file(span.file).name());
    let file = file.strip_prefix(&side.folder).unwrap_or(file);
    let start = side.sources.start(span);
    ErrorJson {
        code: diagnostic.code.into(),
        message: tame(&diagnostic.message),
        at: format!("{}:{}:{}", file.display(), start.line, start.column),
    }
}

fn entry(
    pair: &Pair,
    plans: Option<&Plans>,
    errors: &mut BTreeMap<Option<(String, String)>, Vec<ErrorJson>>,
) -> Option<EntryJson> {
    let entry = pair.entry()?;
    let (kind, name) = (entry.kind.clone(), entry.name.clone());
    let errors = match pair.new {
        Some(_) => errors.remove(&Some((kind.clone(), name.clone()))),
        None => None,
    };
    let errors = errors.unwrap_or_default();
    let mut fields: Vec<FieldJson> = match &pair.fate {
        Fate::Changed(changes) => changes.iter().map(field).collect(),
        Fate::Kept | Fate::New | Fate::Gone => Vec::new(),
    };
    let both = pair.old.is_some() && pair.new.is_some();
    if let Some(plans) = plans.filter(|_| both) {
        fields.extend(plans.resolved(&name, &fields));
    }
    let status = match &pair.fate {
        _ if !errors.is_empty() => "illegal",
        Fate::New => "new",
        Fate::Gone => "gone",
        Fate::Changed(_) => "changed",
        Fate::Kept if !fields.is_empty() => "changed",
        Fate::Kept => return None,
    };
    let finish = plans.map(|plans| plans.finish(&name)).unwrap_or_default();
    Some(EntryJson {
        title: entry.title.as_deref().map(tame),
        status,
        fields,
        errors,
        old_finish_s: finish.0.map(Secs),
        new_finish_s: finish.1.map(Secs),
        ends: plans.and_then(|plans| plans.ends(finish)),
        kind,
        name: tame(&name),
    })
}

fn field(change: &Change) -> FieldJson {
    let tamed = |values: &[String]| values.iter().map(|v| tame(v)).collect::<Vec<_>>();
    let some = |values: Vec<&str>| values.into_iter().map(tame).collect();
    FieldJson {
        field: change.field.clone(),
        old: tamed(&change.old),
        new: tamed(&change.new),
        removed: some(change.removed()),
        added: some(change.added()),
    }
}

/// Both plans with their schedules.
struct Plans<'a> {
    old: Outlook<'a>,
    new: Outlook<'a>,
    old_names: BTreeMap<&'a str, NodeId>,
    new_names: BTreeMap<&'a str, NodeId>,
}

impl<'a> Plans<'a> {
    fn new(old: (&'a Plan, &'a Schedule), new: (&'a Plan, &'a Schedule)) -> Plans<'a> {
        Plans {
            old: Outlook::new(old.0, old.1),
            new: Outlook::new(new.0, new.1),
            old_names: names(old.0),
            new_names: names(new.0),
        }
    }

    /// What the plan makes of a text that did not change: who does it and what it waits for.
    fn resolved(&self, name: &str, told: &[FieldJson]) -> Vec<FieldJson> {
        let (Some(old), Some(new)) = (self.old_names.get(name), self.new_names.get(name)) else {
            return Vec::new();
        };
        let is_told = |words: &[&str]| told.iter().any(|f| words.contains(&f.field.as_str()));
        let mut fields = Vec::new();
        let mut compare = |field: &str, old: Vec<String>, new: Vec<String>| {
            let change = Change {
                field: field.into(),
                old,
                new,
            };
            if change.old != change.new {
                fields.push(self::field(&change));
            }
        };
        if !is_told(&["by"]) {
            compare(
                "owners",
                owners(self.old.plan, *old),
                owners(self.new.plan, *new),
            );
        }
        if !is_told(&["needs", "inside"]) {
            let waits = |plan: &Plan, node: NodeId| waits_for(plan, node);
            compare(
                "waits for",
                waits(self.old.plan, *old),
                waits(self.new.plan, *new),
            );
        }
        fields
    }

    fn finish(&self, name: &str) -> (Option<i64>, Option<i64>) {
        let finish = |names: &BTreeMap<&str, NodeId>, outlook: &Outlook| {
            let node = *names.get(name)?;
            (!outlook.is_contingent(node)).then(|| outlook.schedule.nodes[node].finish_ms)
        };
        (
            finish(&self.old_names, &self.old),
            finish(&self.new_names, &self.new),
        )
    }

    fn ends(&self, finish: (Option<i64>, Option<i64>)) -> Option<String> {
        match finish {
            (Some(old), Some(new)) => {
                let times = self.times(old, new);
                (times.sign != 0).then(|| format!("{} → {} ({})", times.old, times.new, times.text))
            }
            (None, Some(new)) => Some(self.new.at(new)),
            (Some(old), None) => Some(format!("was {}", self.old.at(old))),
            (None, None) => None,
        }
    }

    /// An instant of both plans; they may start on other days.
    fn times(&self, old_ms: i64, new_ms: i64) -> Times {
        let apart = match (self.old.plan.origin_ms, self.new.plan.origin_ms) {
            (Some(old), Some(new)) => old - new,
            _ => 0,
        };
        let was = old_ms + apart;
        let (sign, text) = match new_ms - was {
            0 => (0, "as before".to_string()),
            ..0 => (-1, format!("{} sooner", self.new.between(new_ms, was))),
            _ => (1, format!("{} later", self.new.between(was, new_ms))),
        };
        Times {
            old_s: Secs(old_ms),
            new_s: Secs(new_ms),
            old: self.old.at(old_ms),
            new: self.new.at(new_ms),
            text,
            sign,
        }
    }

    fn moves(&self, told: &BTreeSet<&str>) -> Vec<MoveJson> {
        let mut moves = Vec::new();
        for (id, node, _) in self.new.plan.tasks() {
            let Some(old) = self.old_names.get(node.name.as_str()) else {
                continue;
            };
            if told.contains(node.name.as_str()) {
                continue;
            }
            let finish = |outlook: &Outlook, id: NodeId| outlook.schedule.nodes[id].finish_ms;
            let (old_ms, new_ms) = (finish(&self.old, *old), finish(&self.new, id));
            let times = self.times(old_ms, new_ms);
            if times.sign != 0 {
                moves.push(((old_ms - new_ms).abs(), id, self.moved(&node.name, times)));
            }
        }
        moves.sort_by_key(|(far, id, _)| (std::cmp::Reverse(*far), *id));
        moves.into_iter().map(|(_, _, one)| one).collect()
    }

    fn moved(&self, name: &str, times: Times) -> MoveJson {
        MoveJson {
            name: tame(name),
            text: format!("{} → {} ({})", times.old, times.new, times.text),
            old_finish_s: times.old_s,
            new_finish_s: times.new_s,
        }
    }

    fn cost(&self) -> Cost {
        let (old, new) = (self.old.schedule, self.new.schedule);
        let forecasts = old.forecast.as_deref().zip(new.forecast.as_deref());
        let forecasts = forecasts.filter(|(old, new)| old.is_uncertain() || new.is_uncertain());
        let percentile = |percent| {
            let (old, new) = forecasts?;
            Some(self.times(old.percentile(percent), new.percentile(percent)))
        };
        let path = |outlook: &Outlook, nodes: &mut dyn Iterator<Item = NodeId>| -> Vec<String> {
            nodes.map(|node| outlook.name(node)).collect()
        };
        Cost {
            makespan: self.times(old.makespan_ms, new.makespan_ms),
            logical_makespan: self.times(old.logical_makespan_ms, new.logical_makespan_ms),
            lower_bound: self.times(old.lower_bound.ms, new.lower_bound.ms),
            p50: percentile(50),
            p80: percentile(80),
            p95: percentile(95),
            critical_path: Path::new(
                path(&self.old, &mut old.critical_path.iter().map(|s| s.node)),
                path(&self.new, &mut new.critical_path.iter().map(|s| s.node)),
            ),
            chain: Path::new(
                path(&self.old, &mut old.chain.iter().map(|l| l.node)),
                path(&self.new, &mut new.chain.iter().map(|l| l.node)),
            ),
            promises: self.promises(),
            deadlines: self.deadlines(),
            agents: self.loads(),
        }
    }

    fn promises(&self) -> Vec<PromiseJson> {
        let all = |outlook: &Outlook| -> Vec<(String, &'static str, Option<String>)> {
            let promises = outlook.schedule.promises.iter();
            let told = promises.filter_map(|promise| {
                let expect = outlook.plan.rules.expects.get(promise.number)?;
                let value = promise.figure.map(|figure| figure.in_words());
                Some((tame(&expect.title), verdict(promise), value))
            });
            told.collect()
        };
        let (old, new) = (all(&self.old), all(&self.new));
        let find = |all: &[(String, &'static str, Option<String>)], text: &str| {
            all.iter().find(|(t, _, _)| t == text).map(|(_, v, _)| *v)
        };
        let mut promises: Vec<PromiseJson> = new
            .iter()
            .map(|(text, verdict, value)| PromiseJson {
                text: text.clone(),
                old: find(&old, text),
                new: Some(*verdict),
                value: value.clone(),
            })
            .collect();
        let gone = old.iter().filter(|(t, _, _)| find(&new, t).is_none());
        promises.extend(gone.map(|(text, verdict, _)| PromiseJson {
            text: text.clone(),
            old: Some(*verdict),
            new: None,
            value: None,
        }));
        promises
    }

    fn deadlines(&self) -> Vec<DueJson> {
        let all = |outlook: &Outlook| -> BTreeMap<String, Due> {
            let schedule = outlook.schedule;
            let dues = schedule.deadlines.iter().chain(&schedule.milestones);
            dues.map(|due| (outlook.name(due.node), *due)).collect()
        };
        let (old, new) = (all(&self.old), all(&self.new));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let mut dues = Vec::new();
        for name in names {
            let (before, now) = (old.get(name), new.get(name));
            let met = |due: Option<&Due>| due.map(Due::is_met);
            if met(before) == met(now) {
                continue;
            }
            let told = |outlook: &Outlook, due: &Due| {
                format!(
                    "due {}, ends {}",
                    outlook.by(due.due_ms),
                    outlook.at(due.finish_ms)
                )
            };
            let text = match (now, before) {
                (Some(now), _) => told(&self.new, now),
                (None, Some(before)) => told(&self.old, before),
                (None, None) => continue,
            };
            dues.push(DueJson {
                name: name.clone(),
                old_met: met(before),
                new_met: met(now),
                text,
            });
        }
        dues
    }

    fn loads(&self) -> Vec<LoadJson> {
        let load = |outlook: &Outlook, name: &str| {
            let agents = outlook.plan.agents.iter();
            let mut named = agents.filter(|(_, agent)| agent.name == name);
            let id = named.next().map(|(id, _)| id);
            id.map_or(0, |id| outlook.schedule.agents[id].per_mille())
        };
        let names: BTreeSet<&str> = [&self.old, &self.new]
            .iter()
            .flat_map(|outlook| outlook.plan.agents.values())
            .map(|agent| agent.name.as_str())
            .collect();
        let loads = names.into_iter().map(|name| {
            let (old, new) = (load(&self.old, name), load(&self.new, name));
            (name, old, new)
        });
        loads
            .filter(|(_, old, new)| (old - new).abs() >= 50)
            .map(|(name, old, new)| LoadJson {
                name: tame(name),
                old: old as f64 / 1000.0,
                new: new as f64 / 1000.0,
            })
            .collect()
    }
}

impl Path {
    fn new(old: Vec<String>, new: Vec<String>) -> Path {
        Path {
            changed: old != new,
            old,
            new,
        }
    }
}

fn verdict(promise: &Promise) -> &'static str {
    match promise.verdict {
        Verdict::Kept => "kept",
        Verdict::Broken => "broken",
        Verdict::Impossible => "impossible",
        Verdict::Open(_) => "open",
    }
}

fn names(plan: &Plan) -> BTreeMap<&str, NodeId> {
    let nodes = plan.nodes.iter().filter(|(_, n)| n.kind != NodeKind::Join);
    nodes.map(|(id, node)| (node.name.as_str(), id)).collect()
}

fn owners(plan: &Plan, node: NodeId) -> Vec<String> {
    let agents = plan.task(node).map_or(&[][..], |task| task.by.agents());
    agents
        .iter()
        .map(|a| plan.agents[*a].name.clone())
        .collect()
}

/// By name, in order; what ties needs together, as the end of a phase, by its own name.
fn waits_for(plan: &Plan, node: NodeId) -> Vec<String> {
    let needs = plan.nodes[node].needs.iter().flat_map(|need| need.nodes());
    let names: BTreeSet<&str> = needs.map(|on| plan.nodes[on].name.as_str()).collect();
    names.into_iter().map(str::to_string).collect()
}
