//! Notices: what rules tell people, through the channels of the project.
//!
//! A notice is an event; delivering it is an effect, with its number kept once it is over, so
//! that a run that is taken up delivers what a crash left. A channel with `every` collects, and
//! sends together; what is left goes out when the run ends or pauses. A channel that does not
//! work never stops the run: that is written into the run's `notices.log` and into the journal.

use crate::clock::rfc3339;
use crate::digest::{self, Digest, minute, names, one_line};
use crate::driver::{DriveError, Driver};
use crate::page::{self, Fields};
use crate::place;
use crate::post::{Letter, Post};
use coord_engine::{About, Action, Input, State, Waiting, action_of};
use coord_lang::ids::{AgentId, ChannelId, NodeId};
use coord_plan::plan::Plan;
use coord_plan::recurrence::next_after;
use coord_plan::rules::{Channel, Target};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// Notices that a channel collects before they are sent out of turn.
const MOST_TOGETHER: usize = 1_000;

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The number of its event.
    pub(crate) seq: i64,
    pub(crate) at_ms: i64,
    pub(crate) kind: &'static str,
    pub(crate) to: Vec<AgentId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) subject: String,
    pub(crate) text: String,
    /// Filled in with its page, when it is a digest.
    pub(crate) digest: Option<Fields>,
}

/// What is on its way to people.
#[derive(Default)]
pub(crate) struct Outbox {
    posts: HashMap<ChannelId, Post>,
    collected: BTreeMap<ChannelId, Vec<Notice>>,
    due: BTreeMap<ChannelId, i64>,
    /// When a channel last sent what it had collected.
    sent_ms: BTreeMap<ChannelId, i64>,
    pub(crate) in_flight: usize,
    /// For standard output: whoever watches prints it.
    pub(crate) said: Vec<String>,
}

impl Outbox {
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.values().min().copied()
    }
}

impl Driver {
    pub(crate) fn tell(
        &mut self,
        seq: i64,
        of: &[AgentId],
        via: Option<ChannelId>,
        about: &About,
        text: &str,
    ) {
        let Some(channel) = via else {
            return; // it is in the journal, where inboxes and reports find it
        };
        let kind = match () {
            () if about.situation.is_some() => "alert",
            () if (self.run.plan.rules.channels[channel].reply_ms).is_some() => "request",
            () => "update",
        };
        let notice = Notice {
            seq,
            at_ms: self.clock.now_ms(),
            kind,
            to: of.to_vec(),
            node: about.node,
            agent: about.agents.first().copied(),
            subject: one_line(text.lines().next().unwrap_or_default()),
            text: text.to_string(),
            digest: None,
        };
        self.put(channel, notice);
    }

    /// Sends a notice, or keeps it until its channel's time has come.
    pub(crate) fn put(&mut self, id: ChannelId, notice: Notice) {
        let plan = std::sync::Arc::clone(&self.run.plan);
        let Some(channel) = plan.rules.channels.get(id) else {
            return;
        };
        let Some(every) = &channel.every else {
            return self.deliver(id, channel, vec![notice]);
        };
        if !self.outbox.due.contains_key(&id)
            && let Some(due) = next_after(every, &plan.hours, self.clock.now_ms())
        {
            self.outbox.due.insert(id, due);
        }
        let collected = self.outbox.collected.entry(id).or_default();
        collected.push(notice);
        if collected.len() >= MOST_TOGETHER {
            self.send_collected(id);
        }
    }

    /// What has been collected for long enough.
    pub(crate) fn send_due(&mut self) {
        let now = self.clock.now_ms();
        let due: Vec<ChannelId> = (self.outbox.due.iter())
            .filter(|(_, due)| **due <= now)
            .map(|(id, _)| *id)
            .collect();
        due.into_iter().for_each(|id| self.send_collected(id));
    }

    /// Nothing more will come, for now: what was collected goes out.
    pub(crate) fn send_rest(&mut self) {
        let over = matches!(self.run.state.waiting(), Waiting::Ended | Waiting::Paused);
        if over && self.effects_are_done() {
            let left: Vec<ChannelId> = self.outbox.collected.keys().copied().collect();
            left.into_iter().for_each(|id| self.send_collected(id));
        }
    }

    fn send_collected(&mut self, id: ChannelId) {
        self.outbox.due.remove(&id);
        let notices = self.outbox.collected.remove(&id).unwrap_or_default();
        let plan = std::sync::Arc::clone(&self.run.plan);
        if let Some(channel) = plan.rules.channels.get(id)
            && !notices.is_empty()
        {
            self.deliver(id, channel, notices);
            self.outbox.sent_ms.insert(id, self.clock.now_ms());
        }
    }

    fn deliver(&mut self, id: ChannelId, channel: &Channel, notices: Vec<Notice>) {
        let seqs: Vec<i64> = notices.iter().map(|notice| notice.seq).collect();
        match &channel.target {
            Target::Http(url) => {
                for (seqs, body) in self.bodies(id, channel, &notices) {
                    self.send_letter(id, channel, url, seqs, body);
                }
                return;
            }
            Target::Stdout => {
                let text = self.text(id, channel, &notices, "");
                self.outbox.said.push(text);
            }
            Target::File(path) => {
                let bullet = if path.ends_with(".md") { "- " } else { "" };
                let text = self.text(id, channel, &notices, bullet);
                let written = place::inside(&self.run.meta.root, path)
                    .and_then(|path| place::append(&path, &text));
                if let Err(error) = written {
                    self.undelivered(&channel.name, &error.to_string());
                }
            }
        }
        self.outbox_over(&seqs);
    }

    fn send_letter(
        &mut self,
        id: ChannelId,
        channel: &Channel,
        url: &str,
        seqs: Vec<i64>,
        body: String,
    ) {
        let letter = Letter {
            channel: id,
            key: format!("{}/{}", self.uid(), seqs.last().copied().unwrap_or(0)),
            seqs,
            body,
        };
        let sent = match self.post(id, url) {
            Ok(post) => post
                .send(letter)
                .map_err(|letter| (letter.seqs, "too many notices wait for it".to_string())),
            Err(error) => Err((letter.seqs, error.to_string())),
        };
        match sent {
            Ok(()) => self.outbox.in_flight += 1,
            Err((seqs, why)) => {
                self.undelivered(&channel.name, &why);
                self.outbox_over(&seqs);
            }
        }
    }

    fn post(&mut self, id: ChannelId, url: &str) -> std::io::Result<&Post> {
        Ok(match self.outbox.posts.entry(id) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Post::open(url.to_string(), self.sender.clone())?)
            }
        })
    }

    pub(crate) fn posted(&mut self, id: ChannelId, seqs: &[i64], failure: Option<String>) {
        self.outbox.in_flight -= 1;
        if let Some(why) = failure {
            let name = self.run.plan.rules.channels[id].name.clone();
            self.undelivered(&name, &why);
        }
        self.outbox_over(seqs);
    }

    /// For the record, and for whoever watches; the run goes on.
    fn undelivered(&mut self, channel: &str, why: &str) {
        let text = format!("channel {channel} does not work: {}", one_line(why));
        let line = format!("{} {text}\n", rfc3339(self.clock.now_ms()));
        let _best_effort = place::append(&self.logs.join("notices.log"), &line);
        self.owed.push(Input::Note { text });
    }

    // ---- what a crash left ---------------------------------------------------------------------

    fn told_path(&self) -> PathBuf {
        self.logs.join(".told")
    }

    /// An effect for people is over: it is not done again when the run is taken up.
    pub(crate) fn outbox_over(&mut self, seqs: &[i64]) {
        let lines: String = seqs.iter().map(|seq| format!("{seq}\n")).collect();
        let _done_twice_at_worst = place::append(&self.told_path(), &lines);
    }

    /// What was to be told or written when the last process went away.
    pub(crate) fn left_to_tell(&self) -> Result<Vec<(i64, Action)>, DriveError> {
        let told = std::fs::read_to_string(self.told_path()).unwrap_or_default();
        let told: HashSet<i64> = told.lines().filter_map(|l| l.parse().ok()).collect();
        let mut left = Vec::new();
        self.each_event(
            &[
                "notice.sent",
                "sync.held",
                "decision.recorded",
                "situation.closed",
            ],
            |seq, event| {
                if let Some(action) =
                    action_of(&self.run.state, event).filter(|_| !told.contains(&seq))
                    && self.is_worth_telling(&action)
                {
                    left.push((seq, action));
                }
            },
        )?;
        Ok(left)
    }

    fn is_worth_telling(&self, action: &Action) -> bool {
        let channels = &self.run.plan.rules.channels;
        match action {
            Action::Tell { via, .. } => via
                .and_then(|id| channels.get(id))
                .is_some_and(|channel| channel.target != Target::Stdout),
            _ => true,
        }
    }

    /// Shows the run's durable events of some kinds, in order.
    pub(crate) fn each_event(
        &self,
        kinds: &[&str],
        mut see: impl FnMut(i64, &coord_engine::Event),
    ) -> Result<(), DriveError> {
        use crate::journal::JournalRead;
        self.journal()
            .visit_kinds(self.run.key, kinds, &mut |view| {
                let seq = view.seq;
                if let Ok(event) = crate::record::event(view) {
                    see(seq, &event);
                }
            })?;
        Ok(())
    }

    // ---- how it reads --------------------------------------------------------------------------

    fn page_of(&self, channel: &Channel) -> Option<&str> {
        let templates = &self.run.plan.rules.templates;
        channel
            .format
            .and_then(|id| templates.get(id))
            .map(|page| page.text.as_str())
    }

    fn text(&self, id: ChannelId, channel: &Channel, notices: &[Notice], bullet: &str) -> String {
        let mut out = match self.page_of(channel) {
            Some(page) => self.filled(id, channel, page, notices).join("\n"),
            None => self.plain(channel, notices, bullet),
        };
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// A page for each notice, or one for all of them where it speaks of a digest.
    fn filled(
        &self,
        id: ChannelId,
        channel: &Channel,
        page: &str,
        notices: &[Notice],
    ) -> Vec<String> {
        if page::speaks_of(page, "digest") {
            let own = notices.iter().find_map(|notice| notice.digest.clone());
            let digest =
                own.unwrap_or_else(|| self.collected_digest(id, channel, notices).fields());
            let mut fields = self.always();
            if let Some(last) = notices.last() {
                fields.extend(self.notice_fields(channel, last));
            }
            fields.extend(digest);
            return vec![page::fill(page, &fields)];
        }
        (notices.iter())
            .map(|notice| {
                let mut fields = self.always();
                fields.extend(self.notice_fields(channel, notice));
                page::fill(page, &fields)
            })
            .collect()
    }

    fn plain(&self, channel: &Channel, notices: &[Notice], bullet: &str) -> String {
        let lines = notices.iter().map(|notice| match &notice.digest {
            Some(_) => format!("{}\n", notice.text),
            None => {
                let due = self
                    .reply_by(channel, notice)
                    .map_or_else(String::new, |due| format!(" (answer by {})", minute(due)));
                let to = names(&self.run.plan, &notice.to);
                let at = minute(notice.at_ms);
                format!("{bullet}{at} {to}: {}{due}\n", one_line(&notice.text))
            }
        });
        let lines: String = lines.collect();
        if channel.every.is_none() {
            return lines;
        }
        let count = match notices.len() {
            1 => "1 notice".to_string(),
            n => format!("{n} notices"),
        };
        let mark = if bullet.is_empty() { "" } else { "## " };
        format!(
            "{mark}{}: {count}\n\n{lines}\n",
            minute(self.clock.now_ms())
        )
    }

    /// What web hooks get: `text` is all that most chats want; a page of JSON is sent as it is.
    fn bodies(
        &self,
        id: ChannelId,
        channel: &Channel,
        notices: &[Notice],
    ) -> Vec<(Vec<i64>, String)> {
        let all: Vec<i64> = notices.iter().map(|notice| notice.seq).collect();
        let pages = self
            .page_of(channel)
            .map(|page| self.filled(id, channel, page, notices));
        let text = match &pages {
            Some(pages) if pages.iter().all(|page| is_json(page)) => {
                let each = pages.len() == notices.len();
                let seqs = |i: usize| if each { vec![all[i]] } else { all.clone() };
                return (pages.iter().enumerate())
                    .map(|(i, page)| (seqs(i), page.clone()))
                    .collect();
            }
            Some(pages) => pages.join("\n"),
            None => self.plain(channel, notices, ""),
        };
        let body = json!({
            "text": text.trim_end(),
            "project": self.run.plan.project,
            "run": self.run.id,
            "channel": channel.name,
            "notices": notices.iter().map(|n| self.notice_json(channel, n)).collect::<Vec<_>>(),
        });
        vec![(all, body.to_string())]
    }

    fn notice_json(&self, channel: &Channel, notice: &Notice) -> serde_json::Value {
        let plan = &self.run.plan;
        let to = notice.to.iter().map(|a| plan.agents[*a].name.as_str());
        let mut out = json!({
            "id": self.notice_id(notice),
            "at": rfc3339(notice.at_ms),
            "kind": notice.kind,
            "from": self.sender_name(),
            "to": to.collect::<Vec<_>>(),
            "priority": priority(plan, &self.run.state, notice.node),
            "subject": notice.subject,
            "text": notice.text,
        });
        if let Some(node) = notice.node {
            out["task"] = plan.nodes[node].name.clone().into();
        }
        if let Some(due) = self.reply_by(channel, notice) {
            out["reply_by"] = rfc3339(due).into();
        }
        out
    }

    /// Who tells: the project, where it has a name.
    fn sender_name(&self) -> &str {
        match self.run.plan.project.as_str() {
            "" => "coord",
            name => name,
        }
    }

    fn reply_by(&self, channel: &Channel, notice: &Notice) -> Option<i64> {
        Some(notice.at_ms.saturating_add(channel.reply_ms?))
    }

    fn notice_id(&self, notice: &Notice) -> String {
        format!("{}/{}", self.run.id, notice.seq)
    }

    fn collected_digest(&self, id: ChannelId, channel: &Channel, notices: &[Notice]) -> Digest {
        let of = digest::Of {
            plan: &self.run.plan,
            state: &self.run.state,
            speech: self.speech,
            name: &channel.name,
            title: channel.title.as_deref(),
            since_ms: self.outbox.sent_ms.get(&id).copied(),
            now_ms: self.clock.now_ms(),
        };
        let mut digest = of.digest();
        let line = |n: &Notice| format!("{}: {}", names(&self.run.plan, &n.to), n.text);
        digest.notices = notices.iter().map(line).collect();
        digest
    }

    /// What every template may fill in.
    pub(crate) fn always(&self) -> Fields {
        let plan = &self.run.plan;
        let mut fields = Fields::default();
        fields.set("project.name", &plan.project);
        fields.set(
            "project.title",
            plan.title.as_deref().unwrap_or(&plan.project),
        );
        fields.set("run.id", &self.run.id);
        fields.set("run.name", &self.run.id);
        fields.set("run.state", self.run.state.status().name());
        fields.set("run.at", rfc3339(self.clock.now_ms()));
        fields
    }

    fn notice_fields(&self, channel: &Channel, notice: &Notice) -> Fields {
        let (plan, state) = (&*self.run.plan, &self.run.state);
        let mut fields = subject(plan, state, notice.node, notice.agent);
        let task = notice.node.and_then(|node| plan.task(node));
        let artifacts = task.map_or_else(Vec::new, |task| {
            task.produces.iter().map(|a| a.name.clone()).collect()
        });
        let needed = task.map_or_else(Vec::new, |task| {
            task.takes_artifacts
                .iter()
                .map(|(name, _)| name.clone())
                .collect()
        });
        let tags = [
            Some(notice.kind.to_string()),
            notice.node.map(|n| plan.nodes[n].name.clone()),
        ];
        let tags: Vec<String> = tags.into_iter().flatten().collect();
        let due = self.reply_by(channel, notice);
        let text = match due {
            Some(due) => format!("{} (answer by {})", notice.text, minute(due)),
            None => notice.text.clone(),
        };
        fields.set("notice.id", self.notice_id(notice));
        fields.set("notice.from", self.sender_name());
        fields.set("notice.to", names(plan, &notice.to));
        fields.set("notice.at", rfc3339(notice.at_ms));
        fields.set("notice.priority", priority(plan, state, notice.node));
        fields.set("notice.kind", notice.kind);
        fields.set("notice.subject", &notice.subject);
        fields.set("notice.text", text);
        fields.set("notice.run", &self.run.id);
        fields.set(
            "notice.task",
            notice.node.map_or("", |n| &plan.nodes[n].name),
        );
        fields.set("notice.artifacts", artifacts.join(", "));
        fields.set("notice.dependencies", needed.join(", "));
        fields.set("notice.tags", tags.join(", "));
        fields
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

fn priority(plan: &Plan, state: &State, node: Option<NodeId>) -> String {
    let of = node.and_then(|node| {
        let task = plan.task(node)?;
        Some(state.priority(node).unwrap_or(task.priority))
    });
    format!("P{}", of.unwrap_or(2))
}

/// The task and the agent that it is about.
fn subject(plan: &Plan, state: &State, node: Option<NodeId>, agent: Option<AgentId>) -> Fields {
    let mut fields = Fields::default();
    let agent = agent.or_else(|| state.doers(plan, node?).first().copied());
    if let Some(node) = node {
        let of = &plan.nodes[node];
        fields.set("task.name", &of.name);
        fields.set("task.title", of.title.as_deref().unwrap_or(&of.name));
        fields.set("task.agent", names(plan, state.doers(plan, node)));
        fields.set("task.state", state.node(node).status.name());
        fields.set("task.priority", priority(plan, state, Some(node)));
        fields.set("task.phase", of.phase.map_or("", |p| &plan.phases[p].name));
    }
    if let Some(agent) = agent {
        let of = &plan.agents[agent];
        fields.set("agent.name", &of.name);
        fields.set("agent.title", of.title.as_deref().unwrap_or(&of.name));
        fields.set("agent.role", of.role.as_deref().unwrap_or(""));
        fields.set("agent.state", agent_state(state, agent));
        fields.set(
            "agent.health",
            if state.agent(agent).failed_since_ms.is_some() {
                "failed"
            } else {
                "well"
            },
        );
        fields.set("agent.task", node.map_or("", |node| &plan.nodes[node].name));
    }
    fields
}

/// `isolated`, `at work` or `free`.
pub(crate) fn agent_state(state: &State, agent: AgentId) -> &'static str {
    match () {
        () if state.agent(agent).isolated => "isolated",
        () if state.load(agent) > 0 => "at work",
        () => "free",
    }
}
