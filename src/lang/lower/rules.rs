//! Conflicts, domains, incidents and modes; and the way to every kind of rule.

use super::args::Args;
use super::declare::Declared;
use super::party::Situation;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{
    ChannelId, ConflictId, DomainId, EscalationId, HandoffId, IncidentId, ModeId, TemplateId,
};
use crate::model::{Confirmation, Decision, EscalateAfter, Priority, Program};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{ArgKind, Statement};

impl<'s> Lower<'_, 's> {
    pub(super) fn rules(&mut self, declared: &Declared<'_, 's>) {
        for (kind, index, statement) in &declared.others {
            match kind {
                Kind::Escalation => self.escalation(EscalationId(*index), statement),
                Kind::Conflict => self.conflict(ConflictId(*index), statement),
                Kind::Domain => self.domain(DomainId(*index), statement),
                Kind::Handoff => self.handoff(HandoffId(*index), statement),
                Kind::Incident => self.incident(IncidentId(*index), statement),
                Kind::Mode => self.mode(ModeId(*index), statement),
                Kind::Channel => self.channel(ChannelId(*index), statement),
                Kind::Template => self.page(TemplateId(*index), statement),
                Kind::Param
                | Kind::Group
                | Kind::Resource
                | Kind::Gate
                | Kind::Secret
                | Kind::Calendar
                | Kind::Tier
                | Kind::Workflow
                | Kind::Recurring
                | Kind::Metric
                | Kind::Dashboard
                | Kind::Diagram => {}
            }
        }
        self.reactions(declared);
    }

    fn conflict(&mut self, id: ConflictId, statement: &Statement<'s>) {
        self.situation = Some(Situation::Conflict);
        self.model.conflicts[id].title = self.title(statement.word, statement);
        let mut after = None;
        for field in self.fields(Place::Conflict, statement) {
            let mut args = field.args();
            match field.row.word {
                "detect" => {
                    let text = args.text(self, "a text in quotes");
                    self.model.conflicts[id]
                        .detect
                        .extend(text.map(|t| t.value));
                }
                "owner" => {
                    let party = self.party(&mut args, "who is asked first");
                    self.model.conflicts[id].owner = party;
                }
                "reviewers" => {
                    let party = self.party(&mut args, "who is heard");
                    self.model.conflicts[id].reviewers = party;
                }
                "consensus" => {
                    let n = args.count(self, "how many have to agree", 1..=1000);
                    self.model.conflicts[id].consensus = n;
                }
                "decide" => {
                    let decision = self.decision(&mut args);
                    self.model.conflicts[id].decide = decision;
                }
                "level" => {
                    let before = self.model.conflicts[id].levels.clone();
                    let level = self.level(&field, &before);
                    self.model.conflicts[id].levels.extend(level);
                    continue;
                }
                "escalate" => {
                    if let Some((time, to)) = self.escalate_after(&mut args) {
                        after = time;
                        self.model.conflicts[id].escalate = Some(EscalateAfter {
                            after_ms: time.unwrap_or_default(),
                            to,
                            span: field.statement.head_span(),
                        });
                    }
                }
                "otherwise" => {
                    if let Some(ending) = self.ending(&mut args) {
                        self.model.conflicts[id].otherwise = ending;
                    }
                }
                "do" => {
                    let chain = self.chain(&mut args);
                    self.model.conflicts[id].actions.extend(chain);
                }
                _ => {}
            }
            args.end(self);
        }
        self.conflict_times(id, after);
        self.situation = None;
    }

    /// Order does not matter, so these are known at the end only: levels without a time have that
    /// of `escalate after`; a ladder without one takes over when the decider's time has passed.
    fn conflict_times(&mut self, id: ConflictId, after: Option<i64>) {
        let conflict = &mut self.model.conflicts[id];
        let decided = conflict
            .decide
            .as_ref()
            .and_then(|d| d.within_ms.as_ref())
            .map(|ms| ms.value);
        let Some(escalate) = &mut conflict.escalate else {
            return;
        };
        match after {
            Some(ms) => {
                for level in &mut conflict.levels {
                    let span = escalate.span;
                    level.within_ms.get_or_insert(Spanned::new(ms, span));
                }
            }
            None => escalate.after_ms = decided.unwrap_or_default(),
        }
    }

    fn decision(&mut self, args: &mut Args<'_, 's>) -> Option<Decision> {
        let by = self.party(args, "who decides")?;
        let within_ms = match args.eat("within") {
            Some(_) => Some(self.some_time(args)?),
            None => None,
        };
        Some(Decision { by, within_ms })
    }

    /// `after D [to LADDER]`, `to LADDER [after D]`.
    fn escalate_after(
        &mut self,
        args: &mut Args<'_, 's>,
    ) -> Option<(Option<i64>, Option<EscalationId>)> {
        let (mut after, mut to) = (None, None);
        loop {
            if after.is_none() && args.eat("after").is_some() {
                after = Some(args.duration(self, "a duration")?.value);
            } else if to.is_none() && args.eat("to").is_some() {
                to = Some(args.named(self, Kind::Escalation, "an escalation")?.value);
            } else if after.is_none() && to.is_none() {
                args.expected(self, "`after` and a duration, or `to` and an escalation");
                return None;
            } else {
                return Some((after, to));
            }
        }
    }

    fn domain(&mut self, id: DomainId, statement: &Statement<'s>) {
        self.model.domains[id].title = self.title(statement.word, statement);
        for field in self.fields(Place::Domain, statement) {
            let mut args = field.args();
            match field.row.word {
                "lead" => {
                    let party = self.party(&mut args, "who leads");
                    self.model.domains[id].lead = party;
                }
                "support" => {
                    let party = self.party(&mut args, "who helps");
                    self.model.domains[id].support = party;
                }
                "reviewers" => {
                    let party = self.party(&mut args, "who reviews");
                    self.model.domains[id].reviewers = party;
                }
                "approve" => {
                    let approval = self.approval(&mut args);
                    self.model.domains[id].approvals.extend(approval);
                    continue;
                }
                "may" => {
                    if self.word_behind(&mut args, "halt").is_none() {
                        continue;
                    }
                    let party = self.party(&mut args, "who may halt it");
                    self.model.domains[id].may_halt = party;
                }
                "paths" => {
                    let globs = self.globs(&mut args);
                    self.model.domains[id].paths.extend(globs);
                }
                "record" => {
                    let folder = args.text(self, "a path in quotes");
                    if let Some(folder) = &folder {
                        self.path_stays_inside(folder);
                    }
                    self.model.domains[id].record = folder;
                }
                _ => {}
            }
            args.end(self);
        }
    }

    fn incident(&mut self, id: IncidentId, statement: &Statement<'s>) {
        self.situation = Some(Situation::Incident);
        self.model.incidents[id].title = self.title(statement.word, statement);
        let name = &self.model.incidents[id].name.value;
        let named = Priority::ALL.iter().find(|(word, _)| word == name);
        self.model.incidents[id].priority = named.map_or(Priority::P0, |(_, p)| *p);
        for field in self.fields(Place::Incident, statement) {
            let mut args = field.args();
            match field.row.word {
                "priority" => {
                    if let Some(p) = args.choice(self, "a priority", &Priority::ALL) {
                        self.model.incidents[id].priority = p.value;
                    }
                }
                "respond" => {
                    if self.word_behind(&mut args, "within").is_none() {
                        continue;
                    }
                    let time = args.effort(self, "a duration");
                    self.model.incidents[id].respond = time;
                }
                "declare" => {
                    if self.word_behind(&mut args, "by").is_none() {
                        continue;
                    }
                    let party = self.party(&mut args, "who may declare it");
                    self.model.incidents[id].declare = party;
                }
                "lead" => {
                    let party = self.party(&mut args, "who leads");
                    self.model.incidents[id].lead = party;
                }
                "requires" => {
                    let party = self.party(&mut args, "who takes part");
                    self.model.incidents[id].requires = party;
                }
                "require" => {
                    let confirmation = self.confirmation(&mut args);
                    self.model.incidents[id].confirms.extend(confirmation);
                }
                "start" => {
                    let workflow = args.named(self, Kind::Workflow, "a workflow");
                    if let Some(workflow) = &workflow {
                        // E0516 for parameters that nothing gives a value
                        let given = self.arguments(workflow.value, workflow.span, &mut args);
                        self.model.incidents[id].arguments = given;
                    }
                    self.model.incidents[id].start = workflow;
                }
                "preempts" => self.model.incidents[id].preempts = true,
                "do" => {
                    let chain = self.chain(&mut args);
                    self.model.incidents[id].actions.extend(chain);
                }
                _ => {}
            }
            args.end(self);
        }
        self.situation = None;
    }

    /// `"…" [by WHO]`.
    pub(super) fn confirmation(&mut self, args: &mut Args<'_, 's>) -> Option<Confirmation> {
        let text = args.text(self, "a text in quotes")?;
        let by = match args.eat("by") {
            Some(_) => Some(self.party(args, "who confirms it")?),
            None => None,
        };
        Some(Confirmation { text, by })
    }

    fn mode(&mut self, id: ModeId, statement: &Statement<'s>) {
        self.model.modes[id].title = self.title(statement.word, statement);
        for field in self.fields(Place::Mode, statement) {
            let mut args = field.args();
            match field.row.word {
                "enter" => {
                    let program = self.program_behind_run(&mut args);
                    self.model.modes[id].enter.extend(program);
                }
                "exit" => {
                    let program = self.program_behind_run(&mut args);
                    self.model.modes[id].exit.extend(program);
                }
                "restart" => {
                    let n = self.restart(&mut args);
                    self.model.modes[id].restart = n;
                }
                "cancel" => {
                    let running = self.word_behind(&mut args, "running");
                    self.model.modes[id].cancels = running.is_some();
                }
                _ => {}
            }
            args.end(self);
        }
    }

    /// `N at a time`.
    fn restart(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<u32>> {
        let n = args.count(self, "a number of tasks", 1..=100_000)?;
        for word in ["at", "a", "time"] {
            self.word_behind(args, word)?;
        }
        Some(n)
    }

    pub(super) fn program_behind_run(&mut self, args: &mut Args<'_, 's>) -> Option<Program> {
        self.word_behind(args, "run")?;
        self.program(args)
    }

    /// `applies to WHO…`, `to DOMAIN…`; E0204 for a name that is both, unless it says which.
    pub(super) fn applies_to(&mut self, id: crate::ids::GateId, args: &mut Args<'_, 's>) {
        if self.word_behind(args, "to").is_none() {
            return;
        }
        if args.follows_name("domain") {
            args.next();
            let domains = args.all_named::<DomainId>(self, Kind::Domain, "a domain");
            let domains = domains.into_iter().map(|d| d.value);
            self.model.gates[id].applies_to_domains.extend(domains);
            return;
        }
        if args.follows_name("agent") {
            args.next();
        } else if let Some(ArgKind::Word(name)) = args.peek().map(|a| &a.kind) {
            let is_domain = self.names.named.contains_key(&(Kind::Domain, *name));
            let is_who = self.names.who.contains_key(name);
            let span = args.peek().map_or(args.statement.word_span, |a| a.span);
            if is_domain && is_who {
                self.both(name, span);
                args.next();
                return;
            }
            if is_domain {
                let domain = args.named::<DomainId>(self, Kind::Domain, "a domain");
                let domain = domain.map(|d| d.value);
                self.model.gates[id].applies_to_domains.extend(domain);
                return;
            }
        } else if args.is_list_of(|name| self.names.named.contains_key(&(Kind::Domain, name))) {
            let domains = args.all_named::<DomainId>(self, Kind::Domain, "a domain");
            let domains = domains.into_iter().map(|d| d.value);
            self.model.gates[id].applies_to_domains.extend(domains);
            return;
        }
        if let Some(party) = self.party(args, "agents, groups or domains") {
            self.model.gates[id].applies_to.extend(party.agents);
        }
    }

    fn both(&mut self, name: &str, span: Span) {
        self.report(
            Diagnostic::new(
                "E0204",
                span,
                format!("`{name}` is both an agent and a domain here"),
            )
            .label("which one?")
            .help(format!(
                "write `applies to agent {name}` or `applies to domain {name}`"
            )),
        );
    }
}
