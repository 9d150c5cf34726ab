//! How situations go: rungs that open in time, questions, and an end that always comes.
//!
//! - A ladder (and a conflict with rungs) asks one rung after the other. A rung that nobody
//!   answers in time opens the next; after the last one, or after the time of the whole ladder,
//!   its `otherwise` applies. Each rung opens once.
//! - A conflict without rungs asks its reviewers for their view and its decider (else its owner,
//!   else those it concerns) for a decision; unanswered, it goes to its ladder.
//! - An incident asks its lead and everybody who has to be there to answer within its time;
//!   then, when the workflow that it started is over, to confirm that it is resolved.
//! - What came out of a conflict decides it: when that closes, so does the conflict.

use std::collections::BTreeSet;

use coord_lang::ids::{AgentId, EscalationId, Id, ModeId, NodeId};
use coord_plan::plan::Plan;
use coord_plan::rules::{Conflict, Ending as Last, Level};

use crate::apply::known;
use crate::duty::Source;
use crate::event::Fact;
use crate::interventions::may_be_skipped;
use crate::item::{Ask, Closed, Item, ItemId, Part};
use crate::occasion::{Kind, Occasion};
use crate::outcome::{FailReason, SkipReason, Stopping, Termination};
use crate::rule_fact::RuleFact;
use crate::rules::stopped;
use crate::situation::{About, How, Of, Pending, Resolution, Situation, SituationId};
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus, Status};
use crate::timers::RuleTimer;
use crate::turn::Turn;

/// What is to be decided about a situation now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Withdraw(ItemId),
    Close(Resolution),
    Reach(u32),
    Ask(Vec<(Part, Vec<AgentId>, u32, Option<i64>)>),
    /// Everybody who had to has answered an incident.
    Answered,
    /// To the ladder that comes after it.
    PassOn(EscalationId),
}

impl State {
    pub(crate) fn next_of(&self, plan: &Plan, id: SituationId) -> Option<Next> {
        let of = &self.situations[id];
        if let Some(item) = of.leftovers.first() {
            return Some(Next::Withdraw(*item));
        }
        if !of.is_open() {
            return None;
        }
        if let Some(resolution) = &of.decided {
            return Some(Next::Close(resolution.clone()));
        }
        match of.of {
            Of::Escalation(ladder) => {
                let ladder = &plan.rules.escalations[ladder];
                self.next_rung(plan, id, &ladder.levels, None, None)
            }
            Of::Conflict(conflict) => {
                self.next_of_conflict(plan, id, &plan.rules.conflicts[conflict])
            }
            Of::Incident(_) => self.next_of_incident(plan, id),
            Of::Handoff(_) => self.next_of_handoff(plan, id),
        }
    }

    fn next_rung(
        &self,
        plan: &Plan,
        id: SituationId,
        levels: &[Level],
        usual_ms: Option<i64>,
        then: Option<EscalationId>,
    ) -> Option<Next> {
        let of = &self.situations[id];
        if of.passed_on.is_some() {
            return None;
        }
        let exhausted = || match then {
            Some(ladder) => Next::PassOn(ladder),
            None => Next::Close(exhausted()),
        };
        if of.overdue {
            return Some(exhausted());
        }
        let Some(level) = of.level else {
            let start = of.start.min((levels.len() as u32).saturating_sub(1));
            return Some(if levels.is_empty() {
                exhausted()
            } else {
                Next::Reach(start)
            });
        };
        if of.expired {
            let next = level + 1;
            let more = (next as usize) < levels.len();
            return Some(if more { Next::Reach(next) } else { exhausted() });
        }
        (of.asking.asked == 0).then(|| {
            let rung = &levels[level as usize];
            let who = self.who(plan, &rung.by, &self.context(id));
            let within = rung.within_ms.or(usual_ms);
            Next::Ask(vec![(Part::Level(level), who, rung.quorum, within)])
        })
    }

    fn next_of_conflict(&self, plan: &Plan, id: SituationId, rule: &Conflict) -> Option<Next> {
        let of = &self.situations[id];
        if !rule.levels.is_empty() {
            return self.next_rung(
                plan,
                id,
                &rule.levels,
                rule.escalate_after_ms,
                rule.escalate_to,
            );
        }
        if of.passed_on.is_some() {
            return None;
        }
        let at_once = rule.escalate_after_ms.is_none_or(|ms| ms <= 0);
        let nobody = rule.decide.is_none() && rule.owner.is_none() && rule.consensus.is_none();
        if let Some(ladder) = rule.escalate_to
            && (of.overdue || of.expired || (nobody && at_once))
        {
            return Some(Next::PassOn(ladder));
        }
        if of.expired || of.overdue {
            return Some(Next::Close(exhausted()));
        }
        if of.asking.asked > 0 {
            return None;
        }
        // a conflict that only does something waits for what came of it
        if nobody && self.child_of(id).is_some() {
            return None;
        }
        let about = self.context(id);
        let mut asks = Vec::new();
        for reviewer in (rule.reviewers.iter()).flat_map(|party| self.who(plan, party, &about)) {
            asks.push((Part::View, vec![reviewer], 1, None));
        }
        let decide = rule.decide.as_ref();
        let (who, quorum) = match (decide, rule.consensus, &rule.owner) {
            (Some(decide), _, _) => (self.who(plan, &decide.by, &about), 1),
            (None, Some(quorum), _) => (about.agents.clone(), quorum),
            (None, None, Some(owner)) => (self.who(plan, owner, &about), 1),
            (None, None, None) => (about.agents.clone(), 1),
        };
        asks.push((Part::Decide, who, quorum, decide.and_then(|d| d.within_ms)));
        Some(Next::Ask(asks))
    }

    fn next_of_incident(&self, plan: &Plan, id: SituationId) -> Option<Next> {
        let of = &self.situations[id];
        let rule = match of.of {
            Of::Incident(incident) => &plan.rules.incidents[incident],
            Of::Escalation(_) | Of::Conflict(_) | Of::Handoff(_) => return None,
        };
        let about = self.context(id);
        let party = |party: &Option<coord_plan::rules::Party>| {
            party
                .as_ref()
                .map_or(Vec::new(), |p| self.who(plan, p, &about))
        };
        let lead = party(&rule.lead);
        if of.stage == 0 {
            if of.asking.asked == 0 {
                let within = rule.respond.map(|span| self.elapsed(plan, span));
                let mut asks = vec![(Part::Respond, lead.clone(), 1, within)];
                for agent in party(&rule.requires) {
                    if lead != [agent] {
                        asks.push((Part::Respond, vec![agent], 1, within));
                    }
                }
                return Some(Next::Ask(asks));
            }
            return (of.over == of.asking.asked).then_some(Next::Answered);
        }
        let busy = rule.start.is_some_and(|w| self.workflow_is_running(w));
        if of.asking.asked == 0 && !busy {
            let confirm = |(i, (_, by)): (usize, &(String, Option<coord_plan::rules::Party>))| {
                let who = if by.is_some() {
                    party(by)
                } else {
                    lead.clone()
                };
                (Part::Confirm(i as u32), who, 1, None)
            };
            let mut asks: Vec<_> = rule.confirms.iter().enumerate().map(confirm).collect();
            if asks.is_empty() {
                asks.push((Part::Confirm(0), lead, 1, None));
            }
            return Some(Next::Ask(asks));
        }
        let done = of.asking.asked > 0 && of.over == of.asking.asked;
        done.then(|| {
            let item = of.asking.answered;
            Next::Close(self.resolution_of(item, How::Settled))
        })
    }

    /// The situation itself is where roles are looked up.
    pub(crate) fn context(&self, id: SituationId) -> About {
        let mut about = self.situations[id].about.clone();
        about.situation = Some(id);
        about
    }

    /// True when one of this rule stands in the row of what `about` came out of: ladders that open
    /// each other would never come to an end.
    pub(crate) fn came_out_of(&self, about: &About, of: Of) -> bool {
        let mut before = about.situation;
        while let Some(id) = before {
            let situation = &self.situations[id];
            if situation.of == of {
                return true;
            }
            before = situation.about.situation.filter(|next| *next < id);
        }
        false
    }

    /// The open situation of the same rule about the same: several tasks behind the same obstacles
    /// are one matter.
    fn same_open(&self, plan: &Plan, of: Of, about: &About) -> Option<SituationId> {
        let obstacles = |about: &About| match about.node {
            Some(node) if about.pending.is_none() => self.obstacles(plan, node),
            Some(_) | None => Vec::new(),
        };
        let ruled = |id: &SituationId| self.situations[*id].of == of;
        let equal = |id: &SituationId| self.situations[*id].about == *about;
        let equal = self
            .open_at_key(about.node)
            .find(|id| ruled(id) && equal(id));
        let cause = obstacles(about);
        let Some(obstacle) = cause.first().copied() else {
            return equal;
        };
        let same = |id: &SituationId| ruled(id) && obstacles(&self.situations[*id].about) == cause;
        let open = &self.open_situations;
        let same = match self.behind_obstacle(obstacle, open.len()) {
            Some(behind) => {
                let open = behind.into_iter().flat_map(|node| self.open_about(node));
                open.filter(same).min()
            }
            None => open.iter().copied().find(same),
        };
        equal.into_iter().chain(same).min()
    }

    fn child_of(&self, id: SituationId) -> Option<SituationId> {
        let under = (id, SituationId(0))..=(id, SituationId(u32::MAX));
        let mut open = self.open_under.range(under);
        open.next().map(|(_, child)| *child)
    }

    fn resolution_of(&self, item: Option<ItemId>, how: How) -> Resolution {
        let answer = item.and_then(|item| self.items[item].answers.last());
        Resolution {
            how,
            by: answer.and_then(|a| a.by.clone()),
            to: answer.and_then(|a| a.to),
            note: answer.map_or(String::new(), |a| a.note.clone()),
        }
    }

    pub(crate) fn refresh_situation(&mut self, plan: &Plan, id: SituationId) {
        let due = self.next_of(plan, id).is_some();
        if due {
            self.situations_due.insert(id);
        } else {
            self.situations_due.remove(&id);
        }
        let wanted = self.timers_of_situation(plan, id);
        let of = &mut self.situations[id];
        if of.timers == wanted {
            return;
        }
        for timer in std::mem::replace(&mut of.timers, wanted.clone()) {
            self.rule_timers.remove(&timer);
        }
        self.rule_timers.extend(wanted);
    }

    fn timers_of_situation(&self, plan: &Plan, id: SituationId) -> Vec<(i64, RuleTimer)> {
        let of = &self.situations[id];
        if !of.is_open() {
            return Vec::new();
        }
        let mut timers: Vec<(i64, RuleTimer)> = Vec::new();
        for item in &of.asking.open {
            timers.extend(
                self.items[*item]
                    .due_ms
                    .map(|due| (due, RuleTimer::Item(*item))),
            );
        }
        timers.extend(
            self.whole_time(plan, of)
                .map(|due| (due, RuleTimer::Overdue(id))),
        );
        timers.sort();
        timers
    }

    /// When the time of an open situation as a whole is over.
    pub fn situation_due(&self, plan: &Plan, id: SituationId) -> Option<i64> {
        let of = self.situations.get(id).filter(|of| of.is_open())?;
        self.whole_time(plan, of)
    }

    fn whole_time(&self, plan: &Plan, of: &Situation) -> Option<i64> {
        let whole = match of.of {
            Of::Escalation(ladder) => plan.rules.escalations[ladder].sla_ms,
            Of::Conflict(conflict) => {
                let rule = &plan.rules.conflicts[conflict];
                rule.escalate_after_ms.filter(|_| rule.levels.is_empty())
            }
            Of::Incident(_) | Of::Handoff(_) => None,
        };
        let runs = !of.overdue && of.passed_on.is_none();
        whole
            .filter(|_| runs)
            .map(|ms| of.opened_ms.saturating_add(ms))
    }
}

fn list<T: Ord>(set: &mut BTreeSet<T>, of: impl IntoIterator<Item = T>, in_it: bool) {
    for one in of {
        if in_it {
            set.insert(one);
        } else {
            set.remove(&one);
        }
    }
}

fn exhausted() -> Resolution {
    Resolution {
        how: How::Exhausted,
        by: None,
        to: None,
        note: String::new(),
    }
}

impl Turn<'_> {
    /// Opens one, unless the same thing is open already.
    pub(crate) fn open_situation(
        &mut self,
        of: Of,
        about: About,
        by: Option<String>,
        note: String,
        start: u32,
    ) -> SituationId {
        match self.state.same_open(self.plan, of, &about) {
            Some(open) => open,
            None => self.open_another(of, about, by, note, start),
        }
    }

    pub(crate) fn open_another(
        &mut self,
        of: Of,
        about: About,
        by: Option<String>,
        note: String,
        start: u32,
    ) -> SituationId {
        let situation = SituationId::from_index(self.state.situations.len());
        self.rule(RuleFact::SituationOpened {
            situation,
            of,
            about,
            by,
            note,
            start,
        });
        situation
    }

    pub(crate) fn advance_situation(&mut self) -> bool {
        if self.state.status == RunStatus::Cancelling || !self.state.status.is_live() {
            return false;
        }
        let Some(id) = self.state.situations_due.first().copied() else {
            return false;
        };
        let Some(next) = self.state.next_of(self.plan, id) else {
            panic!("BUG: situation {} is due with nothing to decide", id.0)
        };
        match next {
            Next::Withdraw(item) => {
                let node = self.state.items[item].node;
                self.emit(Fact::ItemClosed {
                    item,
                    node,
                    why: Closed::Withdrawn,
                });
            }
            Next::Close(resolution) => self.close_situation(id, resolution),
            Next::Reach(level) => self.rule(RuleFact::SituationReached {
                situation: id,
                level,
            }),
            Next::Ask(asks) => {
                for (part, of, quorum, within) in asks {
                    self.ask_in_situation(id, part, of, quorum, within);
                }
            }
            Next::Answered => self.rule(RuleFact::SituationAnswered { situation: id }),
            Next::PassOn(ladder) => {
                // its own, even where others are behind the same obstacle: its answer is for this one
                let about = self.state.context(id);
                self.open_another(Of::Escalation(ladder), about, None, String::new(), 0);
            }
        }
        true
    }

    fn ask_in_situation(
        &mut self,
        id: SituationId,
        part: Part,
        of: Vec<AgentId>,
        quorum: u32,
        within: Option<i64>,
    ) {
        let item = ItemId::from_index(self.state.items.len());
        let node = self.state.situations[id].about.node;
        // more voices than there are people would never come together
        let most = if of.is_empty() {
            u32::MAX
        } else {
            of.len() as u32
        };
        self.emit(Fact::ItemOpened {
            item,
            node,
            attempt: node.map_or(0, |node| self.state.nodes[node].attempt_number()),
            ask: Ask::Situation {
                situation: id,
                part,
            },
            of,
            quorum: quorum.clamp(1, most),
            due_ms: within.map(|ms| self.at_ms.saturating_add(ms)),
        });
    }

    /// The consequences come first, so that none is lost with the power: done twice, they do
    /// nothing more.
    pub(crate) fn close_situation(&mut self, id: SituationId, resolution: Resolution) {
        let of = self.state.situations[id].clone();
        match resolution.how {
            // the ladder that it was passed on to had its own end
            How::Exhausted if of.passed_on.is_some() => {}
            How::Exhausted => self.exhaust(&of),
            how if !self.decides_another(&of, how) => self.resolve(&of.about, how, &resolution),
            _ => {}
        }
        self.rule(RuleFact::SituationClosed {
            situation: id,
            resolution,
        });
    }

    /// True for a ladder that came out of a conflict or a handoff: what it came to is carried
    /// out there.
    fn decides_another(&self, of: &Situation, how: How) -> bool {
        let parent = of.about.situation.map(|id| &self.state.situations[id]);
        how != How::Withdrawn
            && matches!(of.of, Of::Escalation(_))
            && parent
                .is_some_and(|p| p.is_open() && matches!(p.of, Of::Conflict(_) | Of::Handoff(_)))
    }

    /// Nobody answered.
    fn exhaust(&mut self, of: &Situation) {
        let last = match of.of {
            Of::Escalation(id) => self.plan.rules.escalations[id].otherwise,
            Of::Conflict(id) => self.plan.rules.conflicts[id].otherwise,
            Of::Incident(_) | Of::Handoff(_) => Last::Halt,
        };
        let name = self.state.title(self.plan, of.of);
        let why = format!("{name} was not answered");
        match last {
            Last::Halt => self.halt_by_rule(why),
            Last::Enter(mode) => self.enter_mode(mode, why),
            Last::Fail => match of.about.node {
                Some(node) => self.fail_by_rule(node, why),
                None => self.halt_by_rule(why),
            },
        }
    }

    fn enter_mode(&mut self, mode: ModeId, because: String) {
        if self.state.mode.is_none() {
            self.rule(RuleFact::ModeEntered {
                mode,
                by: None,
                because,
            });
        }
    }

    pub(crate) fn halt_by_rule(&mut self, why: String) {
        if matches!(self.state.status, RunStatus::Running | RunStatus::Draining) {
            self.emit(Fact::RunStopping {
                why: Stopping::Rule { why },
            });
        }
    }

    /// True when it could be done.
    pub(crate) fn fail_by_rule(&mut self, node: NodeId, why: String) {
        match self.state.nodes[node].status {
            Status::Created | Status::Assigned | Status::Review | Status::InDoubt => {
                self.fail(node, FailReason::Rule { why }, false);
            }
            Status::InProgress
            | Status::Completed
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled => {}
        }
    }

    /// What an answer does to what it is about.
    fn resolve(&mut self, about: &About, how: How, answer: &Resolution) {
        if about.pending.is_some() {
            match how {
                How::Settled | How::Accepted => return self.settle_pending(about, true),
                How::Retry | How::Reassign => self.settle_pending(about, false),
                How::Skip | How::Abort | How::Exhausted | How::Withdrawn => {}
            }
        }
        match how {
            How::Settled | How::Withdrawn | How::Exhausted => {}
            // of a handoff: it is taken as it is, and the work that waited for it goes on
            How::Accepted if about.giver.is_some() || about.behind.is_some() => {}
            How::Retry if about.behind.is_some() => {
                if let Some(holder) = about.behind {
                    self.give_way(holder);
                }
            }
            How::Abort => self.abort(about, answer),
            How::Skip if self.is_at_work(about) => self.stop_by_answer(about, answer, true),
            How::Accepted | How::Skip => {
                for node in self.causes(about) {
                    self.skip_by_answer(node, answer);
                }
            }
            How::Retry => {
                for node in self.late(about) {
                    if !self.reopen(node, answer.by.clone()) && about.pending.is_none() {
                        self.take_away(node, Termination::TakenAway);
                    }
                }
            }
            How::Reassign => {
                for node in self.late(about) {
                    let to = answer.to;
                    if self.reassign(node, to).is_ok() {
                        self.reopen(node, answer.by.clone());
                    }
                }
            }
        }
    }

    fn abort(&mut self, about: &About, answer: &Resolution) {
        let why = stopped(answer.by.as_deref(), &answer.note);
        match about.node {
            Some(_) if self.is_at_work(about) => self.stop_by_answer(about, answer, false),
            Some(node) if !self.state.nodes[node].status.is_ended() => self.fail_by_rule(node, why),
            Some(_) | None => self.halt_by_rule(why),
        }
    }

    fn is_at_work(&self, about: &About) -> bool {
        about
            .node
            .is_some_and(|node| self.state.nodes[node].is_at_work())
    }

    /// What is at work is ended first, and comes to its end then.
    fn stop_by_answer(&mut self, about: &About, answer: &Resolution, skipped: bool) {
        let Some(node) = about.node else { return };
        self.rule(RuleFact::Stopped {
            node,
            by: answer.by.clone(),
            reason: answer.note.clone(),
            skipped,
        });
        self.take_away(node, Termination::Halted);
    }

    pub(crate) fn settle_pending(&mut self, about: &About, waived: bool) {
        if let Some(pending) = about.pending
            && self.state.is_pending(pending)
        {
            self.rule(RuleFact::LimitSettled { pending, waived });
        }
    }

    /// What failed, of what a situation is about: the task itself, or what keeps it from
    /// starting.
    fn causes(&self, about: &About) -> Vec<NodeId> {
        let Some(node) = about.node else {
            return Vec::new();
        };
        if self.state.nodes[node].status.is_ended() || about.pending.is_some() {
            return vec![node];
        }
        let mut causes = self.state.failed_before(self.plan, node);
        if causes.is_empty() {
            causes.push(node);
        }
        causes
    }

    /// The same of a limit that passed: what did not come in time.
    fn late(&self, about: &About) -> Vec<NodeId> {
        let Some(Pending::Need { node, need }) = about.pending else {
            return self.causes(about);
        };
        let needed = &self.plan.nodes[node].needs[need as usize];
        let open = |node: &NodeId| !self.state.nodes[*node].status.is_ended();
        let mut late = self.state.failed_before(self.plan, node);
        if late.is_empty() {
            late.extend(needed.nodes().filter(open));
        }
        late
    }

    fn skip_by_answer(&mut self, node: NodeId, answer: &Resolution) {
        let status = self.state.nodes[node].status;
        // whoever was asked stands above the reviewers
        let in_review = status == Status::Review;
        if in_review || may_be_skipped(&self.plan.nodes[node].kind, status) {
            self.emit(Fact::Skipped {
                node,
                why: SkipReason::Person {
                    by: answer.by.clone(),
                    reason: answer.note.clone(),
                },
            });
        }
    }

    /// True when the node had failed and is tried again.
    pub(crate) fn reopen(&mut self, node: NodeId, by: Option<String>) -> bool {
        let failed = self.state.nodes[node].status == Status::Failed;
        if failed {
            self.emit(Fact::Reopened { node, by });
            self.void_behind(node);
        }
        failed
    }
}

/// The folds of `situation.*`.
impl State {
    #[expect(clippy::too_many_arguments, reason = "they are the fields of the fact")]
    pub(crate) fn on_situation_opened(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: SituationId,
        of: Of,
        about: &About,
        by: &Option<String>,
        note: &str,
        start: u32,
    ) -> Result<(), IllegalTransition> {
        known(id.index() == self.situations.len(), kind, "situation", id.0)?;
        let there = match of {
            Of::Escalation(e) => plan.rules.escalations.get(e).is_some(),
            Of::Conflict(c) => plan.rules.conflicts.get(c).is_some(),
            Of::Incident(i) => plan.rules.incidents.get(i).is_some(),
            Of::Handoff(h) => plan.rules.handoffs.get(h).is_some(),
        };
        known(there, kind, "rule", id.0)?;
        self.expect_about(plan, kind, about)?;
        self.situations.push(Situation {
            of,
            about: about.clone(),
            by: by.clone(),
            note: note.to_string(),
            opened_ms: self.now_ms,
            level: None,
            level_since_ms: self.now_ms,
            asking: Default::default(),
            passed_on: None,
            closed: None,
            start,
            stage: 0,
            over: 0,
            expired: false,
            overdue: false,
            decided: None,
            leftovers: Vec::new(),
            timers: Vec::new(),
        });
        self.list_open(id, true);
        if let (Some(node), Some(behind)) = (about.node, about.behind) {
            self.found.insert(self.pair(node, behind));
        }
        let context = self.context(id);
        let on = Occasion::Situation(id);
        match of {
            Of::Escalation(_) => {
                if let Some(parent) = about.situation
                    && matches!(self.situations[parent].of, Of::Conflict(_) | Of::Handoff(_))
                {
                    self.situations[parent].passed_on = Some(id);
                    self.refresh_situation(plan, parent);
                }
                self.begins(plan, Kind::EscalationOpen, on);
            }
            Of::Conflict(conflict) => {
                self.add_duties(plan, Source::Conflict(conflict), context);
                self.begins(plan, Kind::ConflictOpen, on);
            }
            Of::Incident(incident) => {
                self.add_duties(plan, Source::Incident(incident), context);
                self.begins(plan, Kind::IncidentOpen, on);
            }
            Of::Handoff(_) => {}
        }
        self.refresh_situation(plan, id);
        if let Some(node) = about.node {
            self.refresh(plan, node);
        }
        Ok(())
    }

    pub(crate) fn on_situation_reached(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: SituationId,
        level: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_situation(kind, id)?;
        let (levels, source) = match self.situations[id].of {
            Of::Escalation(e) => (
                plan.rules.escalations[e].levels.len(),
                Source::EscalationLevel(e, level),
            ),
            Of::Conflict(c) => (
                plan.rules.conflicts[c].levels.len(),
                Source::ConflictLevel(c, level),
            ),
            Of::Incident(_) | Of::Handoff(_) => (0, Source::Failover),
        };
        known((level as usize) < levels, kind, "level", level)?;
        let now_ms = self.now_ms;
        let of = &mut self.situations[id];
        of.level = Some(level);
        of.level_since_ms = now_ms;
        of.expired = false;
        let left = std::mem::take(&mut of.asking);
        of.leftovers.extend(left.open);
        let context = self.context(id);
        self.add_duties(plan, source, context);
        self.refresh_situation(plan, id);
        Ok(())
    }

    pub(crate) fn on_situation_answered(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: SituationId,
    ) -> Result<(), IllegalTransition> {
        self.expect_situation(kind, id)?;
        let of = &mut self.situations[id];
        of.stage += 1;
        of.over = 0;
        let left = std::mem::take(&mut of.asking);
        of.leftovers.extend(left.open);
        self.refresh_situation(plan, id);
        Ok(())
    }

    pub(crate) fn on_situation_overdue(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: SituationId,
    ) -> Result<(), IllegalTransition> {
        self.expect_situation(kind, id)?;
        self.situations[id].overdue = true;
        self.refresh_situation(plan, id);
        Ok(())
    }

    pub(crate) fn on_situation_closed(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: SituationId,
        resolution: &Resolution,
    ) -> Result<(), IllegalTransition> {
        self.expect_situation(kind, id)?;
        let now_ms = self.now_ms;
        let of = &mut self.situations[id];
        of.closed = Some((now_ms, resolution.clone()));
        let left = std::mem::take(&mut of.asking);
        of.leftovers.extend(left.open);
        let (what, about, passed_on) = (of.of, of.about.clone(), of.passed_on);
        self.list_open(id, false);
        let on = Occasion::Situation(id);
        match what {
            Of::Escalation(_) => self.ceases(Kind::EscalationOpen, on),
            Of::Conflict(_) => self.ceases(Kind::ConflictOpen, on),
            Of::Incident(_) => self.ceases(Kind::IncidentOpen, on),
            Of::Handoff(_) => {}
        }
        if let Some(child) = passed_on {
            self.decide_situation(plan, child, How::Withdrawn, resolution);
        }
        if matches!(what, Of::Escalation(_))
            && let Some(parent) = about.situation
            && matches!(self.situations[parent].of, Of::Conflict(_) | Of::Handoff(_))
        {
            self.decide_situation(plan, parent, resolution.how, resolution);
        }
        self.refresh_situation(plan, id);
        if let Some(node) = about.node {
            self.refresh(plan, node);
        }
        Ok(())
    }

    /// A node ended: what rules opened because it was late, failed or waited is over with it, as
    /// long as nobody has decided it.
    pub(crate) fn withdraw_situations(&mut self, plan: &Plan, node: NodeId) {
        let well = self.nodes[node].status.ended_well();
        let over = |id: &SituationId| {
            let of = &self.situations[*id];
            let parent = of.about.situation.map(|parent| self.situations[parent].of);
            let own = matches!(of.of, Of::Escalation(_))
                && !matches!(parent, Some(Of::Conflict(_) | Of::Handoff(_)));
            match of.about.pending {
                Some(pending) => pending.node(self) == Some(node),
                None if of.about.behind.is_some() => of.about.node == Some(node),
                None => own && well && of.by.is_none() && of.about.node == Some(node),
            }
        };
        let over: Vec<_> = self.open_about(node).filter(over).collect();
        for id in over {
            self.withdraw_situation(plan, id);
        }
    }

    /// What was needed is there after all.
    pub(crate) fn withdraw_need(&mut self, plan: &Plan, node: NodeId, need: u32) {
        let wanted = Some(Pending::Need { node, need });
        let over = |id: &SituationId| self.situations[*id].about.pending == wanted;
        let over: Vec<_> = self.open_about(node).filter(over).collect();
        for id in over {
            self.withdraw_situation(plan, id);
        }
    }

    /// Open situations that `node` has to do with, in the order in which they were opened.
    pub(crate) fn open_about(&self, node: NodeId) -> impl Iterator<Item = SituationId> + '_ {
        self.open_at_key(Some(node))
    }

    fn open_at_key(&self, node: Option<NodeId>) -> impl Iterator<Item = SituationId> + '_ {
        let all = (node, SituationId(0))..=(node, SituationId(u32::MAX));
        self.open_at.range(all).map(|(_, id)| *id)
    }

    /// Keeps the lists of what is open.
    fn list_open(&mut self, id: SituationId, open: bool) {
        let of = &self.situations[id];
        let (about, what) = (&of.about, of.of);
        let pending = about.pending.and_then(|pending| pending.node(self));
        let mut at = vec![(about.node, id)];
        at.extend(pending.map(|node| (Some(node), id)));
        let under = about.situation.map(|parent| (parent, id));
        list(&mut self.open_situations, [id], open);
        list(&mut self.open_at, at, open);
        list(&mut self.open_under, under, open);
        let incident = matches!(what, Of::Incident(_)).then_some(id);
        list(&mut self.open_incidents, incident, open);
    }

    pub(crate) fn withdraw_situation(&mut self, plan: &Plan, id: SituationId) {
        self.decide_situation(plan, id, How::Withdrawn, &exhausted());
    }

    fn decide_situation(&mut self, plan: &Plan, id: SituationId, how: How, answer: &Resolution) {
        if self.situations[id].is_open() && self.situations[id].decided.is_none() {
            self.situations[id].decided = Some(Resolution {
                how,
                ..answer.clone()
            });
            self.refresh_situation(plan, id);
        }
    }

    /// An item of a situation was opened.
    pub(crate) fn on_situation_asked(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        item: ItemId,
        situation: SituationId,
    ) -> Result<(), IllegalTransition> {
        self.expect_situation(fact.kind(), situation)?;
        let asking = &mut self.situations[situation].asking;
        asking.asked += 1;
        asking.open.push(item);
        self.refresh_situation(plan, situation);
        Ok(())
    }

    /// An item of a situation got the answer that decides it.
    pub(crate) fn on_situation_told(&mut self, plan: &Plan, id: ItemId) {
        let Ask::Situation { situation, part } = self.items[id].ask else {
            return;
        };
        let verdict = self.items[id].answers.last().map(|a| a.verdict);
        let of = &mut self.situations[situation];
        of.over += 1;
        match part {
            Part::Level(_) | Part::Decide => {
                let how = verdict.map_or(How::Settled, How::of_verdict);
                let resolution = self.resolution_of(Some(id), how);
                self.situations[situation].decided = Some(resolution);
            }
            Part::Confirm(_) => of.asking.answered = Some(id),
            Part::View | Part::Respond => {}
            Part::Give(_) | Part::Accept => self.on_handoff_told(situation, id, part),
        }
        self.refresh_situation(plan, situation);
    }

    /// Nobody answered an item of a situation in time.
    pub(crate) fn on_situation_silent(&mut self, plan: &Plan, item: &Item) {
        let Ask::Situation { situation, part } = item.ask else {
            return;
        };
        let of = &mut self.situations[situation];
        of.over += 1;
        match part {
            Part::Level(_) | Part::Decide => of.expired = true,
            Part::View | Part::Respond | Part::Confirm(_) | Part::Give(_) => {}
            Part::Accept => {
                of.expired = true;
                let (Of::Handoff(handoff), context) = (of.of, self.context(situation)) else {
                    return;
                };
                self.add_duties(plan, Source::Handoff(handoff), context);
            }
        }
        self.refresh_situation(plan, situation);
    }

    /// True when what waits for a ladder still waits.
    pub(crate) fn is_pending(&self, pending: Pending) -> bool {
        match pending {
            Pending::Need { node, .. } | Pending::Sync(node) => !self.nodes[node].status.is_ended(),
            Pending::Item(item) => {
                let node = self.items[item].node;
                node.is_some_and(|node| !self.nodes[node].status.is_ended())
            }
            Pending::Budget(id) => self.spending[id].spent,
            Pending::Gate(run) => self.gate_runs[run].stage == crate::gate_run::GateStage::Held,
        }
    }

    pub(crate) fn expect_situation(
        &self,
        kind: &'static str,
        id: SituationId,
    ) -> Result<(), IllegalTransition> {
        let open = self.situations.get(id).is_some_and(Situation::is_open);
        known(open, kind, "open situation", id.0)
    }

    pub(crate) fn expect_about(
        &self,
        plan: &Plan,
        kind: &'static str,
        about: &About,
    ) -> Result<(), IllegalTransition> {
        for node in (about.node.iter()).chain(&about.giver).chain(&about.behind) {
            known(self.has(*node), kind, "node", node.0)?;
        }
        for agent in &about.agents {
            known(agent.index() < plan.agents.len(), kind, "agent", agent.0)?;
        }
        if let Some(parent) = about.situation {
            let there = self.situations.get(parent).is_some();
            known(there, kind, "situation", parent.0)?;
        }
        match about.pending {
            Some(Pending::Need { node, need }) => {
                known(self.has(node), kind, "node", node.0)?;
                let there = (need as usize) < plan.nodes[node].needs.len();
                known(there, kind, "need", need)
            }
            Some(Pending::Sync(node)) => known(self.has(node), kind, "node", node.0),
            Some(Pending::Item(item)) => {
                known(self.items.get(item).is_some(), kind, "item", item.0)
            }
            Some(Pending::Budget(id)) => {
                known(self.spending.get(id).is_some(), kind, "budget", id.0)
            }
            Some(Pending::Gate(run)) => {
                known(self.gate_runs.get(run).is_some(), kind, "gate run", run.0)
            }
            None => Ok(()),
        }
    }

    /// The name of a situation's rule, for sentences.
    pub fn title(&self, plan: &Plan, of: Of) -> String {
        match of {
            Of::Escalation(id) => format!("escalation {}", plan.rules.escalations[id].name),
            Of::Conflict(id) => format!("conflict {}", plan.rules.conflicts[id].kind),
            Of::Incident(id) => format!("incident {}", plan.rules.incidents[id].name),
            Of::Handoff(id) => format!("handoff {}", plan.rules.handoffs[id].name),
        }
    }
}
