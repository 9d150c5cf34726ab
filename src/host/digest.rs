//! Digests: how a run stands, and what came since the last time.

use crate::clock::rfc3339;
use crate::page::Fields;
use crate::speech::Speech;
use coord_engine::{Reason, Situation, State, Status, reasons};
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::{NodeKind, Plan, Task};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Lines of one section before the rest is counted.
const SHOWN: usize = 25;

/// What a digest is of.
pub(crate) struct Of<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: &'a State,
    pub(crate) speech: Speech,
    pub(crate) name: &'a str,
    pub(crate) title: Option<&'a str>,
    /// None: the first one.
    pub(crate) since_ms: Option<i64>,
    pub(crate) now_ms: i64,
}

/// One digest, in lines.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    name: String,
    title: String,
    at: String,
    since: String,
    head: String,
    completed: Vec<String>,
    at_work: Vec<String>,
    blocked: Vec<String>,
    pub(crate) late: Vec<String>,
    open: Vec<String>,
    next: Vec<String>,
    metrics: Vec<String>,
    pub(crate) agenda: Vec<String>,
    pub(crate) decided: Vec<String>,
    pub(crate) notices: Vec<String>,
}

impl Of<'_> {
    pub(crate) fn digest(&self) -> Digest {
        let (plan, state) = (self.plan, self.state);
        let since = self.since_ms.or(state.started_ms()).unwrap_or(self.now_ms);
        let mut digest = Digest {
            name: self.name.to_string(),
            title: self.title.unwrap_or(self.name).to_string(),
            at: minute(self.now_ms),
            since: minute(since),
            head: headline(plan, state),
            open: self.open(),
            next: self.next(),
            metrics: self.metrics(),
            ..Digest::default()
        };
        for (id, node, task) in state.tasks(plan) {
            let of = state.node(id);
            let who = self.who(id);
            match of.status {
                Status::Completed | Status::Skipped => {
                    let new = self.since_ms.is_none() || of.ended_ms.is_some_and(|at| at > since);
                    if new {
                        let skipped = of.status == Status::Skipped;
                        let how = if skipped { " (skipped)" } else { "" };
                        digest.completed.push(format!("{}{who}{how}", node.name));
                    }
                }
                Status::InProgress | Status::Review => {
                    let review = of.status == Status::Review;
                    let stage = if review { ", in review" } else { "" };
                    let lasts = of
                        .first_started_ms
                        .map_or_else(String::new, |from| format!(", since {}", minute(from)));
                    digest
                        .at_work
                        .push(format!("{}{who}{stage}{lasts}", node.name));
                }
                Status::Created | Status::Assigned | Status::Failed | Status::InDoubt => {
                    if let Some(why) = self.stuck(id) {
                        digest.blocked.push(format!("{}{who}: {why}", node.name));
                    }
                }
                Status::Cancelled => {}
            }
            if self.is_late(id, task) {
                digest.late.push(format!("{}{who}", node.name));
            }
        }
        digest
    }

    fn who(&self, node: NodeId) -> String {
        let names: Vec<&str> = (self.state.doers(self.plan, node).iter())
            .filter(|agent| **agent != AgentId(0))
            .map(|agent| self.plan.agents[*agent].name.as_str())
            .collect();
        match names.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        }
    }

    fn is_late(&self, node: NodeId, task: &Task) -> bool {
        let open = !self.state.node(node).status.is_ended();
        open && coord_engine::metrics::is_on_time(self.plan, self.state, node, task, self.now_ms)
            == Some(false)
    }

    /// Why a task does not go on by itself; None for one whose turn simply has not come.
    pub(crate) fn stuck(&self, node: NodeId) -> Option<String> {
        let status = self.state.node(node).status;
        let found = reasons(self.plan, self.state, node);
        let help = matches!(status, Status::Failed | Status::InDoubt)
            || found.iter().any(|reason| self.needs_help(reason));
        help.then(
            || match (self.speech.reasons)(self.plan, self.state, node) {
                none if none.is_empty() => status.name().to_string(),
                said => said.join("; "),
            },
        )
    }

    fn needs_help(&self, reason: &Reason) -> bool {
        match reason {
            Reason::Need { on, .. } => {
                let held = |n: &NodeId| {
                    matches!(
                        self.state.node(*n).status,
                        Status::Failed | Status::InDoubt | Status::Cancelled
                    )
                };
                on.iter().all(held)
            }
            Reason::Gate { .. } | Reason::Item { .. } => true,
            _ => false,
        }
    }

    /// What people are asked, and what is open beside the work.
    fn open(&self) -> Vec<String> {
        let (plan, state) = (self.plan, self.state);
        let situations = state.open_situations().map(|(_, of)| {
            let title = state.title(plan, of.of);
            let since = minute(of.opened_ms);
            format!("{title}{}, open since {since}", about(plan, of))
        });
        let items = state.open_items().map(|(id, item)| {
            let due = item
                .due_ms
                .map_or_else(String::new, |due| format!(", by {}", minute(due)));
            let question = (self.speech.question)(plan, state, item);
            format!("{} (item {}): {question}{due}", names(plan, &item.of), id.0)
        });
        situations.chain(items).collect()
    }

    /// The first thing that each agent will come to.
    fn next(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut lines = Vec::new();
        for id in &self.plan.order {
            let NodeKind::Task(_) = self.plan.nodes[*id].kind else {
                continue;
            };
            let waits = matches!(
                self.state.node(*id).status,
                Status::Created | Status::Assigned
            );
            if !waits || self.state.sleeps(self.plan, *id) {
                continue;
            }
            for agent in self.state.doers(self.plan, *id) {
                if seen.insert(*agent) {
                    let who = &self.plan.agents[*agent].name;
                    lines.push(format!("{who}: {}", self.plan.nodes[*id].name));
                }
            }
        }
        lines
    }

    fn metrics(&self) -> Vec<String> {
        let metrics = self.plan.rules.metrics.iter();
        metrics
            .filter_map(|(id, metric)| {
                let value = self.state.metric(id)?;
                let title = metric.title.as_deref().unwrap_or(&metric.name);
                let held = match &metric.target {
                    Some(goal) if coord_engine::metrics::meets(goal, value) => ", as wanted",
                    Some(_) => ", not as wanted",
                    None => "",
                };
                Some(format!("{title}: {value}{held}"))
            })
            .collect()
    }
}

impl Digest {
    pub(crate) fn markdown(&self, number: Option<u32>) -> String {
        let number = number.map_or_else(String::new, |n| format!(" #{n}"));
        let mut out = format!(
            "# {}{number}\n\n{}, since {}.\n\n{}\n",
            self.title, self.at, self.since, self.head
        );
        let sections = [
            ("Agenda", &self.agenda),
            ("Done", &self.completed),
            ("At work", &self.at_work),
            ("Blocked", &self.blocked),
            ("Late", &self.late),
            ("Open", &self.open),
            ("Decided", &self.decided),
            ("Next", &self.next),
            ("Metrics", &self.metrics),
            ("Notices", &self.notices),
        ];
        for (title, lines) in sections {
            section(&mut out, title, lines);
        }
        out
    }

    /// How it stands, as a page that is written again and again.
    pub(crate) fn page(&self, run: &str) -> String {
        let mut out = format!(
            "# {}\n\nRun `{run}`, {}. {}\n",
            self.title, self.at, self.head
        );
        for (title, lines) in [
            ("At work", &self.at_work),
            ("Blocked", &self.blocked),
            ("Late", &self.late),
            ("Open", &self.open),
            ("Next", &self.next),
            ("Metrics", &self.metrics),
            ("Done", &self.completed),
        ] {
            section(&mut out, title, lines);
        }
        out
    }

    /// What templates fill in.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        fields.set("digest.name", &self.name);
        fields.set("digest.title", &self.title);
        fields.set("digest.at", &self.at);
        fields.set("digest.since", &self.since);
        for (path, lines) in [
            ("digest.completed", &self.completed),
            ("digest.in-progress", &self.at_work),
            ("digest.blocked", &self.blocked),
            ("digest.next", &self.next),
            ("digest.notices", &self.notices),
        ] {
            fields.set(path, list(lines));
        }
        fields
    }
}

/// `3 of 8 tasks are completed; the run is running.`
pub(crate) fn headline(plan: &Plan, state: &State) -> String {
    let all = state.tasks(plan).count();
    let count = |wanted: Status| {
        let tasks = state.tasks(plan);
        tasks
            .filter(|(id, _, _)| state.node(*id).status == wanted)
            .count()
    };
    let failed = match count(Status::Failed) {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    let mode = state.mode().map_or_else(String::new, |mode| {
        format!(", in {}", plan.rules.modes[mode].name)
    });
    format!(
        "{} of {all} tasks completed{failed}; the run is {}{mode}.",
        count(Status::Completed),
        state.status().name()
    )
}

pub(crate) fn about(plan: &Plan, of: &Situation) -> String {
    match (of.about.node, of.about.agents.as_slice()) {
        (Some(node), _) => format!(" about {}", plan.nodes[node].name),
        (None, []) => String::new(),
        (None, agents) => format!(" between {}", names(plan, agents)),
    }
}

pub(crate) fn names(plan: &Plan, agents: &[AgentId]) -> String {
    let names: Vec<&str> = (agents.iter())
        .map(|a| plan.agents[*a].name.as_str())
        .collect();
    match names.as_slice() {
        [] => "everybody".to_string(),
        names => names.join(", "),
    }
}

/// Lines of a list; nothing is said as such.
pub(crate) fn list(lines: &[String]) -> String {
    if lines.is_empty() {
        return "- nothing".into();
    }
    let mut out: Vec<String> = (lines.iter().take(SHOWN))
        .map(|line| format!("- {}", one_line(line)))
        .collect();
    if lines.len() > SHOWN {
        out.push(format!("- and {} more", lines.len() - SHOWN));
    }
    out.join("\n")
}

pub(crate) fn section(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = write!(out, "\n## {title}\n\n{}\n", list(lines));
    }
}

/// Text from elsewhere as one line of a document.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars().filter(|c| !c.is_control()).collect()
}

/// `2026-11-25 09:40 UTC`.
pub(crate) fn minute(at_ms: i64) -> String {
    let full = rfc3339(at_ms);
    match (full.get(..10), full.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => full,
    }
}
