//! The living file tree of a run: how it stands, for people and agents who read files.
//!
//! `global/` tells of the whole, `agents/` of each agent, `components/` of each domain (of each
//! phase, where there are no domains). Written by coord alone, in the folder that the project
//! names; only what has changed, each file at once, and nothing is ever taken away.

use crate::digest::{self, minute, names, one_line};
use crate::driver::Driver;
use crate::notices::agent_state;
use crate::place;
use crate::speech::Speech;
use coord_engine::{Event, Fact, Of, RuleFact, State, Status};
use coord_lang::ids::{AgentId, DomainId, NodeId, PhaseId};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::rules::Party;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Between two looks at the whole tree.
const PAUSE_MS: i64 = 250;
/// How much longer a pause is than the look before it: a large tree takes no more than its share.
const SHARE: i64 = 20;
/// Notices and decisions that a file shows.
const REMEMBERED: usize = 20;

/// What is known of the tree.
pub(crate) struct Context {
    folder: PathBuf,
    written: HashMap<PathBuf, blake3::Hash>,
    /// Something has happened since it was written.
    stale: bool,
    written_ms: i64,
    /// How long the last look took.
    took_ms: i64,
    told: BTreeMap<AgentId, VecDeque<String>>,
    decided: BTreeMap<Option<DomainId>, VecDeque<String>>,
    /// It was said that it cannot be written.
    complained: bool,
}

impl Context {
    pub(crate) fn new(folder: PathBuf) -> Context {
        Context {
            folder,
            written: HashMap::new(),
            stale: true,
            written_ms: i64::MIN,
            took_ms: 0,
            told: BTreeMap::new(),
            decided: BTreeMap::new(),
            complained: false,
        }
    }

    /// When the tree is to be looked at next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let pause = PAUSE_MS.max(self.took_ms.saturating_mul(SHARE));
        self.stale.then(|| self.written_ms.saturating_add(pause))
    }

    /// Something happened, durably.
    pub(crate) fn see(&mut self, plan: &Plan, event: &Event) {
        self.stale = true;
        match &event.fact {
            Fact::Rule(RuleFact::NoticeSent { of, text, .. }) => {
                let line = format!("{}: {}", minute(event.at_ms), one_line(text));
                let everybody: Vec<AgentId> = plan.agents.ids().collect();
                let of = if of.is_empty() { &everybody } else { of };
                for agent in of {
                    remember(self.told.entry(*agent).or_default(), line.clone());
                }
            }
            Fact::Rule(RuleFact::DecisionRecorded {
                domain, by, title, ..
            }) => {
                let by = by.as_deref().unwrap_or("somebody");
                let line = format!("{}: {} ({by})", minute(event.at_ms), one_line(title));
                remember(self.decided.entry(*domain).or_default(), line);
            }
            _ => {}
        }
    }
}

fn remember(lines: &mut VecDeque<String>, line: String) {
    // the same through several channels is told once
    if lines.back() == Some(&line) {
        return;
    }
    lines.push_back(line);
    if lines.len() > REMEMBERED {
        lines.pop_front();
    }
}

impl Driver {
    /// Brings the tree up to date, when something has happened and it is time.
    pub(crate) fn keep_context(&mut self, at_once: bool) {
        let now = self.clock.now_ms();
        let Some(mut context) = self.context.take() else {
            return;
        };
        if context.next_due().is_some_and(|due| at_once || due <= now) {
            context.stale = false;
            context.written_ms = now;
            let files = Tree {
                plan: &self.run.plan,
                state: &self.run.state,
                speech: self.speech,
                context: &context,
            }
            .files();
            let written = context.write(files);
            context.took_ms = self.clock.now_ms() - now;
            if let Err(error) = written
                && !context.complained
            {
                context.complained = true;
                self.owed.push(coord_engine::Input::Note {
                    text: format!(
                        "the context in {} cannot be written: {error}",
                        context.folder.display()
                    ),
                });
            }
        }
        self.context = Some(context);
    }
}

impl Context {
    fn write(&mut self, files: Vec<(String, String)>) -> std::io::Result<()> {
        for (name, text) in files {
            let path = self.folder.join(name);
            let hash = blake3::hash(text.as_bytes());
            if self.written.get(&path) != Some(&hash) {
                // what another run left as it is to be now needs no writing
                if !is_there(&path, &text) {
                    place::replace(&path, &text)?;
                }
                self.written.insert(path, hash);
            }
        }
        Ok(())
    }
}

fn is_there(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|old| old == text)
}

/// The texts of the tree.
struct Tree<'a> {
    plan: &'a Plan,
    state: &'a State,
    speech: Speech,
    context: &'a Context,
}

impl Tree<'_> {
    fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            ("global/state.md".to_string(), self.global()),
            ("global/dependencies.md".to_string(), self.dependencies()),
            ("global/risks.md".to_string(), self.risks()),
        ];
        let tasks = self.tasks_by_agent();
        for (agent, tasks) in &tasks {
            let name = &self.plan.agents[*agent].name;
            files.push((format!("agents/{name}.md"), self.agent(*agent, tasks)));
        }
        for (id, domain) in self.plan.rules.domains.iter() {
            files.push((format!("components/{}.md", domain.name), self.domain(id)));
        }
        if self.plan.rules.domains.is_empty() {
            for id in self.plan.active_phases() {
                let name = &self.plan.phases[id].name;
                files.push((format!("components/{name}.md"), self.phase(id)));
            }
        }
        files
    }

    fn of(&self) -> digest::Of<'_> {
        digest::Of {
            plan: self.plan,
            state: self.state,
            speech: self.speech,
            name: &self.plan.project,
            title: self.plan.title.as_deref(),
            since_ms: None,
            now_ms: self.state.now_ms(),
        }
    }

    fn global(&self) -> String {
        let mut out = self.of().digest().page(self.state.run());
        let decided: Vec<String> = self.context.decided.values().flatten().cloned().collect();
        digest::section(&mut out, "Decided", &decided);
        out.push_str("\nWritten by coord as the run moves; what you write here is written over.\n");
        out
    }

    fn dependencies(&self) -> String {
        let mut out = String::from("# What needs what\n\n");
        for (_, node, _) in self.state.tasks(self.plan) {
            let needs: Vec<&str> = (node.needs.iter())
                .flat_map(|need| need.nodes())
                .filter(|on| !matches!(self.plan.nodes[*on].kind, NodeKind::Join))
                .map(|on| self.plan.nodes[on].name.as_str())
                .collect();
            let _ = match needs.as_slice() {
                [] => writeln!(out, "- {}", node.name),
                needs => writeln!(out, "- {} needs {}", node.name, needs.join(", ")),
            };
        }
        let mut waves: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for agent in self.plan.agents.values() {
            waves.entry(agent.wave).or_default().push(&agent.name);
        }
        out.push_str("\n## Agents, those who need nobody first\n\n");
        for agents in waves.values() {
            let _ = writeln!(out, "- {}", agents.join(", "));
        }
        out
    }

    fn risks(&self) -> String {
        let (plan, state) = (self.plan, self.state);
        let mut out = String::from("# What is in the way\n");
        let stuck: Vec<String> = (state.tasks(plan))
            .filter(|(id, _, _)| !matches!(state.node(*id).status, Status::InProgress))
            .filter(|(id, _, _)| {
                let status = state.node(*id).status;
                !status.is_ended() || status == Status::Failed
            })
            .filter_map(|(id, node, _)| Some(format!("{}: {}", node.name, self.of().stuck(id)?)))
            .collect();
        let open: Vec<String> = (state.open_situations())
            .map(|(_, of)| {
                let title = state.title(plan, of.of);
                let since = minute(of.opened_ms);
                format!("{title}{}, open since {since}", digest::about(plan, of))
            })
            .collect();
        let gone: Vec<String> = (plan.agents.iter())
            .filter(|(id, _)| state.agent(*id).isolated)
            .map(|(_, agent)| format!("{} is isolated", agent.name))
            .collect();
        let short: Vec<String> = (plan.resources.iter())
            .filter(|(id, _)| state.is_exhausted(*id))
            .map(|(_, resource)| format!("{} is exhausted", resource.name))
            .collect();
        let missed: Vec<String> = (plan.rules.metrics.iter())
            .filter_map(|(id, metric)| {
                let (value, goal) = (state.metric(id)?, metric.target.as_ref()?);
                let missed = !coord_engine::metrics::meets(goal, value);
                missed.then(|| format!("{} is {value}", metric.name))
            })
            .collect();
        let late = self.of().digest().late;
        for (title, lines) in [
            ("Situations", &open),
            ("Tasks that need help", &stuck),
            ("Late", &late),
            ("Agents", &gone),
            ("Resources", &short),
            ("Metrics that miss their target", &missed),
        ] {
            digest::section(&mut out, title, lines);
        }
        if out.lines().count() == 1 {
            out.push_str("\nNothing.\n");
        }
        out
    }

    fn tasks_by_agent(&self) -> BTreeMap<AgentId, Vec<NodeId>> {
        let mut tasks: BTreeMap<AgentId, Vec<NodeId>> = BTreeMap::new();
        for (id, agent) in self.plan.agents.iter() {
            // the shell of this machine is nobody who reads
            if id != AgentId(0) || agent.profile.is_some() {
                tasks.insert(id, Vec::new());
            }
        }
        for (id, _, _) in self.state.tasks(self.plan) {
            for agent in self.state.doers(self.plan, id) {
                if let Some(of) = tasks.get_mut(agent) {
                    of.push(id);
                }
            }
        }
        tasks
    }

    fn agent(&self, id: AgentId, tasks: &[NodeId]) -> String {
        let (plan, state) = (self.plan, self.state);
        let agent = &plan.agents[id];
        let title = agent.title.as_deref().unwrap_or(&agent.name);
        let mut out = format!("# {title}\n\n");
        let _ = writeln!(out, "- Name: {}", agent.name);
        if let Some(role) = &agent.role {
            let _ = writeln!(out, "- Role: {role}");
        }
        let _ = writeln!(out, "- State: {}", agent_state(state, id));
        if let Some(profile) = &agent.profile {
            for (word, lines) in [("Does", &profile.does), ("Owns", &profile.owns)] {
                if !lines.is_empty() {
                    let _ = writeln!(out, "- {word}: {}", lines.join(", "));
                }
            }
        }
        let in_state = |wanted: &[Status]| -> Vec<String> {
            (tasks.iter())
                .filter(|n| wanted.contains(&state.node(**n).status))
                .map(|n| self.task(*n))
                .collect()
        };
        let asked: Vec<String> = (state.open_items())
            .filter(|(_, item)| item.of.contains(&id))
            .map(|(number, item)| {
                let question = (self.speech.question)(plan, state, item);
                let due = item
                    .due_ms
                    .map_or_else(String::new, |due| format!(", by {}", minute(due)));
                format!("item {}: {question}{due}", number.0)
            })
            .collect();
        let handoffs: Vec<String> = (state.open_situations())
            .filter(|(_, of)| matches!(of.of, Of::Handoff(_)))
            .filter_map(|(_, of)| Some((of.about.giver?, of.about.node?)))
            .filter(|(giver, taker)| {
                [giver, taker]
                    .iter()
                    .any(|n| state.doers(plan, **n).contains(&id))
            })
            .map(|(giver, taker)| {
                format!("{} to {}", plan.nodes[giver].name, plan.nodes[taker].name)
            })
            .collect();
        let told: Vec<String> = self
            .context
            .told
            .get(&id)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for (title, lines) in [
            ("Asked", &asked),
            ("At work", &in_state(&[Status::InProgress, Status::Review])),
            ("To do", &in_state(&[Status::Created, Status::Assigned])),
            ("Needs help", &in_state(&[Status::Failed, Status::InDoubt])),
            ("Handoffs", &handoffs),
            (
                "Done",
                &in_state(&[Status::Completed, Status::Skipped, Status::Cancelled]),
            ),
            ("Told", &told),
        ] {
            digest::section(&mut out, title, lines);
        }
        out
    }

    /// One task as a line: with what is in its way, or what it left.
    fn task(&self, node: NodeId) -> String {
        let of = self.state.node(node);
        let name = &self.plan.nodes[node].name;
        let mut line = match &self.plan.nodes[node].title {
            Some(title) => format!("{name} ({title})"),
            None => name.clone(),
        };
        match of.status {
            Status::Completed => {
                let artifacts = (of.outputs.iter()).filter_map(|(key, value)| {
                    let name = key.strip_prefix("artifacts.")?;
                    Some(format!("{name} in {value}"))
                });
                let artifacts: Vec<String> = artifacts.collect();
                if !artifacts.is_empty() {
                    let _ = write!(line, ": {}", artifacts.join("; "));
                }
            }
            Status::InProgress => {
                if let Some(since) = of.first_started_ms {
                    let _ = write!(line, ", since {}", minute(since));
                }
            }
            Status::Created | Status::Assigned | Status::Failed | Status::InDoubt => {
                let why = (self.speech.reasons)(self.plan, self.state, node);
                if !why.is_empty() {
                    let _ = write!(line, ": {}", why.join("; "));
                }
            }
            other => {
                let _ = write!(line, ", {}", other.name());
            }
        }
        line
    }

    fn domain(&self, id: DomainId) -> String {
        let domain = &self.plan.rules.domains[id];
        let mut out = format!("# {}\n\n", domain.title.as_deref().unwrap_or(&domain.name));
        for (word, party) in [
            ("Lead", &domain.lead),
            ("Support", &domain.support),
            ("Reviewers", &domain.reviewers),
            ("May halt it", &domain.may_halt),
        ] {
            let party: Option<&Party> = party.as_ref().filter(|p| !p.agents.is_empty());
            if let Some(party) = party {
                let _ = writeln!(out, "- {word}: {}", names(self.plan, &party.agents));
            }
        }
        for approval in &domain.approvals {
            let _ = writeln!(out, "- Approval: {}", names(self.plan, &approval.of));
        }
        if !domain.paths.is_empty() {
            let _ = writeln!(out, "- Paths: {}", domain.paths.join(", "));
        }
        let tasks = self.state.tasks(self.plan).filter(|(_, _, task)| {
            task.more
                .as_ref()
                .is_some_and(|more| more.domain == Some(id))
        });
        let tasks: Vec<NodeId> = tasks.map(|(node, _, _)| node).collect();
        self.work(&mut out, &tasks);
        let decided = self.context.decided.get(&Some(id)).into_iter().flatten();
        digest::section(&mut out, "Decided", &decided.cloned().collect::<Vec<_>>());
        out
    }

    fn phase(&self, id: PhaseId) -> String {
        let phase = &self.plan.phases[id];
        let mut out = format!("# {}\n", phase.title.as_deref().unwrap_or(&phase.name));
        let tasks = self.state.tasks(self.plan);
        let tasks: Vec<NodeId> = (tasks.filter(|(_, node, _)| node.phase == Some(id)))
            .map(|(node, _, _)| node)
            .collect();
        self.work(&mut out, &tasks);
        out
    }

    fn work(&self, out: &mut String, tasks: &[NodeId]) {
        let lines = |open: bool| -> Vec<String> {
            (tasks.iter())
                .filter(|n| {
                    let status = self.state.node(**n).status;
                    (status.is_ended() && status != Status::Failed) != open
                })
                .map(|n| {
                    let who = names(self.plan, self.state.doers(self.plan, *n));
                    let state = self.state.node(*n).status.name();
                    format!("{} [{who}, {state}]", self.task(*n))
                })
                .collect()
        };
        digest::section(out, "Open", &lines(true));
        digest::section(out, "Done", &lines(false));
    }
}
