//! Documents that a run leaves for people: digests of recurring syncs, records of decisions,
//! papers of handoffs.

use crate::digest::{self, headline, list, minute, names, one_line};
use crate::driver::Driver;
use crate::notices::Notice;
use crate::page;
use crate::place::{self, slug};
use coord_engine::{Fact, Of, RuleFact, SituationId};
use coord_lang::ids::{DomainId, NodeId, RecurringId};
use coord_plan::plan::Plan;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Driver {
    // ---- digests -------------------------------------------------------------------------------

    pub(crate) fn write_digest(&mut self, seq: i64, sync: RecurringId) {
        let plan = Arc::clone(&self.run.plan);
        let Some(rule) = plan.rules.recurring.get(sync) else {
            return;
        };
        let (mut number, mut since_ms, mut at_ms) = (0u32, None, self.clock.now_ms());
        let (mut told, mut decided) = (Vec::new(), Vec::new());
        let kinds = ["sync.held", "notice.sent", "decision.recorded"];
        let read = self.each_event(&kinds, |at, event| match &event.fact {
            _ if at > seq => {}
            Fact::Rule(RuleFact::SyncHeld { sync: of }) if *of == sync => {
                number += 1;
                if at == seq {
                    at_ms = event.at_ms;
                } else {
                    since_ms = Some(event.at_ms);
                    told.clear();
                    decided.clear();
                }
            }
            Fact::Rule(RuleFact::NoticeSent { of, text, .. }) => {
                told.push(format!("{}: {text}", names(&plan, of)));
            }
            Fact::Rule(RuleFact::DecisionRecorded { by, title, .. }) => {
                let by = by.as_deref().unwrap_or("somebody");
                decided.push(format!("{title} ({by})"));
            }
            _ => {}
        });
        if let Err(error) = read {
            return self.unwritten("a digest", &error.to_string());
        }
        let of = digest::Of {
            plan: &plan,
            state: &self.run.state,
            speech: self.speech,
            name: &rule.name,
            title: rule.title.as_deref(),
            since_ms,
            now_ms: at_ms,
        };
        let mut digest = of.digest();
        digest.agenda.clone_from(&rule.agenda);
        (digest.notices, digest.decided) = (told, decided);
        let text = digest.markdown(Some(number));
        let path = self
            .papers("digests")
            .join(format!("{}-{number}.md", slug(&rule.name)));
        match rule.via {
            Some(channel) => self.put(
                channel,
                Notice {
                    seq,
                    at_ms,
                    kind: "digest",
                    to: rule.participants.clone(),
                    node: None,
                    agent: None,
                    subject: format!("{} #{number}", rule.title.as_deref().unwrap_or(&rule.name)),
                    text,
                    digest: Some(digest.fields()),
                },
            ),
            None => self.leave(seq, "a digest", place::replace(&path, &text)),
        }
    }

    /// Where papers of one kind go: beside the context of the project, else in the home.
    fn papers(&self, kind: &str) -> PathBuf {
        let context = self.run.plan.rules.context.as_deref();
        let inside = context.and_then(|path| place::inside(&self.run.meta.root, path).ok());
        match inside {
            Some(folder) => folder.join(kind),
            None => self.home.path().join(kind).join(&self.run.id),
        }
    }

    fn leave(&mut self, seq: i64, what: &str, written: io::Result<()>) {
        if let Err(error) = written {
            self.unwritten(what, &error.to_string());
        }
        self.outbox_over(&[seq]);
    }

    fn unwritten(&mut self, what: &str, why: &str) {
        let text = format!("{what} could not be written: {}", one_line(why));
        self.owed.push(coord_engine::Input::Note { text });
    }

    // ---- decisions -----------------------------------------------------------------------------

    pub(crate) fn write_decision(
        &mut self,
        seq: i64,
        domain: Option<DomainId>,
        by: Option<&str>,
        title: &str,
        text: &str,
    ) {
        let rule = domain.and_then(|id| self.run.plan.rules.domains.get(id));
        let folder = match rule.and_then(|domain| domain.record.as_deref()) {
            Some(folder) => place::inside(&self.run.meta.root, folder),
            None => Ok(self.home.path().join("decisions")),
        };
        let written = folder.and_then(|folder| {
            let body = |number: u32| self.decision(number, domain, by, title, text);
            numbered(&folder, title, body)
        });
        self.leave(seq, "a decision", written);
    }

    fn decision(
        &self,
        number: u32,
        domain: Option<DomainId>,
        by: Option<&str>,
        title: &str,
        text: &str,
    ) -> String {
        let (plan, state) = (&self.run.plan, &self.run.state);
        let mut out = format!("# {number}. {}\n\n", one_line(title));
        let _ = writeln!(out, "- Date: {}", minute(self.clock.now_ms()));
        let _ = writeln!(out, "- Decided by: {}", by.unwrap_or("somebody"));
        if let Some(domain) = domain.and_then(|id| plan.rules.domains.get(id)) {
            let _ = writeln!(out, "- Domain: {}", domain.name);
            for (word, party) in [
                ("Lead", &domain.lead),
                ("Support", &domain.support),
                ("Reviewers", &domain.reviewers),
            ] {
                if let Some(party) = party.as_ref().filter(|p| !p.agents.is_empty()) {
                    let _ = writeln!(out, "- {word}: {}", names(plan, &party.agents));
                }
            }
        }
        let _ = writeln!(out, "- Status: accepted");
        let _ = write!(
            out,
            "\n## Context\n\nRun `{}` of {}: {}\n",
            self.run.id,
            plan.project,
            headline(plan, state)
        );
        let open: Vec<String> = (state.open_situations())
            .map(|(_, of)| format!("{}{}", state.title(plan, of.of), digest::about(plan, of)))
            .collect();
        if !open.is_empty() {
            let _ = write!(out, "\nOpen at that time:\n\n{}\n", list(&open));
        }
        let said = text.trim();
        let said = if said.is_empty() { title.trim() } else { said };
        let _ = write!(out, "\n## Decision\n\n{said}\n");
        out
    }

    // ---- handoffs ------------------------------------------------------------------------------

    /// The paper of a handoff that was accepted.
    pub(crate) fn write_handoff(&mut self, seq: i64, id: SituationId) {
        let plan = Arc::clone(&self.run.plan);
        let state = &self.run.state;
        let Some(of) = state.situation(id) else {
            return;
        };
        let (Of::Handoff(handoff), Some(giver), Some(taker)) =
            (of.of, of.about.giver, of.about.node)
        else {
            return;
        };
        let rule = &plan.rules.handoffs[handoff];
        let paper = Paper::of(self, &plan, id, giver, taker);
        let page = rule.format.and_then(|id| plan.rules.templates.get(id));
        let text = match page {
            Some(page) => {
                let mut fields = self.always();
                paper.fill(&mut fields);
                page::fill(&page.text, &fields)
            }
            None => paper.markdown(),
        };
        let (from, to) = (&plan.nodes[giver].name, &plan.nodes[taker].name);
        let name = format!("{}-to-{}.md", slug(from), slug(to));
        let written = place::replace(&self.papers("handoffs").join(name), &text);
        self.leave(seq, "a handoff", written);
    }
}

/// The next free number of a folder, and a name that says what it is about.
fn numbered(folder: &Path, title: &str, body: impl Fn(u32) -> String) -> io::Result<()> {
    loop {
        let taken = match std::fs::read_dir(folder) {
            Ok(entries) => entries
                .flatten()
                .filter_map(|entry| {
                    let name = entry.file_name();
                    let name = name.to_str()?;
                    name.split(|c: char| !c.is_ascii_digit())
                        .next()?
                        .parse::<u32>()
                        .ok()
                })
                .max(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let number = taken.unwrap_or(0).saturating_add(1);
        let path = folder.join(format!("{number:04}-{}.md", slug(title)));
        if place::create(&path, &body(number))? {
            return Ok(());
        }
    }
}

/// What is handed over.
struct Paper {
    name: String,
    title: String,
    task: String,
    from: String,
    to: String,
    to_task: String,
    at: String,
    run: String,
    completed: Vec<String>,
    artifacts: Vec<String>,
    needs: Vec<String>,
    known_issues: Vec<String>,
    criteria: Vec<String>,
    notes: Vec<String>,
    accepted: String,
    fields: Vec<(String, String)>,
}

impl Paper {
    fn of(driver: &Driver, plan: &Plan, id: SituationId, giver: NodeId, taker: NodeId) -> Paper {
        let state = &driver.run.state;
        let node = state.node(giver);
        let of = state.situation(id);
        let closed = of.and_then(|of| of.closed.as_ref());
        let rule = match of.map(|of| of.of) {
            Some(Of::Handoff(handoff)) => plan.rules.handoffs.get(handoff),
            _ => None,
        };
        let outputs = &node.outputs;
        let said = |key: &str| -> Vec<String> {
            let text = outputs.get(key).map_or("", String::as_str);
            text.lines()
                .map(str::to_string)
                .filter(|l| !l.trim().is_empty())
                .collect()
        };
        let task = plan.task(giver);
        let title = plan.nodes[giver].title.as_deref();
        let mut completed = vec![title.unwrap_or(&plan.nodes[giver].name).to_string()];
        completed.extend(task.iter().flat_map(|task| task.steps.iter().cloned()));
        let artifacts = task.iter().flat_map(|task| &task.produces).map(|artifact| {
            let path = artifact
                .path
                .as_deref()
                .map_or_else(String::new, |p| format!(" in `{p}`"));
            let kept = outputs.get(&format!("artifacts.{}", artifact.name));
            let hash = kept.and_then(|kept| kept.rsplit_once("blake3:"));
            let hash = hash.map_or_else(String::new, |(_, hash)| format!(", blake3 `{hash}`"));
            format!("{}{path}{hash}", artifact.name)
        });
        let mut criteria = said("success-criteria");
        criteria.extend(
            rule.iter()
                .flat_map(|rule| rule.requires.iter().map(|(text, _)| text.clone())),
        );
        let gates = task.iter().flat_map(|task| &task.ensures);
        criteria.extend(gates.flat_map(|g| plan.gates[*g].checks.iter().map(|c| c.title.clone())));
        let mut notes = said("notes");
        let answers = state.items().filter(|(_, item)| {
            matches!(item.ask, coord_engine::Ask::Situation { situation, .. } if situation == id)
        });
        for answer in answers.flat_map(|(_, item)| &item.answers) {
            if !answer.note.is_empty() {
                let by = answer.by.as_deref().unwrap_or("somebody");
                notes.push(format!("{by} ({}): {}", answer.verdict.name(), answer.note));
            }
        }
        let at_ms = closed.map_or(driver.clock.now_ms(), |(at, _)| *at);
        let who = closed.and_then(|(_, how)| how.by.clone());
        let how = closed.map_or("accepted", |(_, how)| how.how.name());
        let how = if how == "settled" { "accepted" } else { how };
        let fields = rule
            .iter()
            .flat_map(|rule| &rule.fields)
            .map(|(name, _, _)| {
                let value = outputs.get(name).cloned().unwrap_or_default();
                (name.clone(), value)
            });
        let needs = task.map_or_else(Vec::new, |task| {
            task.takes_artifacts
                .iter()
                .map(|(name, _)| name.clone())
                .collect()
        });
        Paper {
            name: rule.map_or_else(String::new, |rule| rule.name.clone()),
            title: rule.and_then(|rule| rule.title.clone()).unwrap_or_default(),
            task: plan.nodes[giver].name.clone(),
            from: names(plan, state.doers(plan, giver)),
            to: names(plan, state.doers(plan, taker)),
            to_task: plan.nodes[taker].name.clone(),
            at: minute(at_ms),
            run: driver.run.id.clone(),
            completed,
            artifacts: artifacts.collect(),
            needs,
            known_issues: said("known-issues"),
            criteria,
            notes,
            accepted: format!(
                "{how} by {} on {}",
                who.as_deref().unwrap_or("somebody"),
                minute(at_ms)
            ),
            fields: fields.collect(),
        }
    }

    fn markdown(&self) -> String {
        let title = if self.title.is_empty() {
            &self.name
        } else {
            &self.title
        };
        let mut out = format!("# {title}: {} to {}\n\n", self.task, self.to_task);
        let _ = writeln!(out, "- From: {}", self.from);
        let _ = writeln!(out, "- To: {}", self.to);
        let _ = writeln!(out, "- Date: {}", self.at);
        let _ = writeln!(out, "- Run: {}", self.run);
        let _ = writeln!(out, "- Accepted: {}", self.accepted);
        let filled: Vec<String> = (self.fields.iter())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        for (title, lines, always) in [
            ("Completed work", &self.completed, true),
            ("Artifacts", &self.artifacts, true),
            ("Known issues", &self.known_issues, true),
            ("Dependencies", &self.needs, false),
            ("Success criteria", &self.criteria, true),
            ("Details", &filled, false),
            ("Notes", &self.notes, false),
        ] {
            if always || !lines.is_empty() {
                let lines = match lines.as_slice() {
                    [] => "- none".to_string(),
                    lines => list(lines),
                };
                let _ = write!(out, "\n## {title}\n\n{lines}\n");
            }
        }
        out
    }

    fn fill(&self, fields: &mut page::Fields) {
        for (name, value) in &self.fields {
            fields.set(&format!("handoff.{name}"), value);
        }
        fields.set("handoff.name", &self.name);
        fields.set(
            "handoff.title",
            if self.title.is_empty() {
                &self.name
            } else {
                &self.title
            },
        );
        fields.set("handoff.from", &self.from);
        fields.set("handoff.to", &self.to);
        fields.set("handoff.at", &self.at);
        fields.set("handoff.task", &self.task);
        fields.set("handoff.run", &self.run);
        for (path, lines) in [
            ("handoff.completed", &self.completed),
            ("handoff.artifacts", &self.artifacts),
            ("handoff.dependencies", &self.needs),
            ("handoff.known-issues", &self.known_issues),
            ("handoff.success-criteria", &self.criteria),
            ("handoff.notes", &self.notes),
        ] {
            fields.set(path, list(lines));
        }
    }
}
