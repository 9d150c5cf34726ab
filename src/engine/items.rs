//! Questions to people: who may answer, when an answer decides, what a limit does.
//!
//! One answer settles work, confirmations, requirements and doubts. An approval is settled by a
//! quorum of distinct names, or by one no. Whoever does a task may not approve it.

use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{Approval, Otherwise, Plan};

use crate::apply::{check_agents, known};
use crate::duty::Source;
use crate::event::Fact;
use crate::gate_run::GateStage;
use crate::item::{Answer, Ask, Asking, Closed, Item, ItemId, Verdict};
use crate::occasion::{Kind, Occasion};
use crate::outcome::{Doom, Ending, FailReason, SkipReason};
use crate::refusal::Refusal;
use crate::situation::Pending;
use crate::state::State;
use crate::status::IllegalTransition;
use crate::subject::Subject;
use crate::timers::RuleTimer;
use crate::turn::Turn;

impl Turn<'_> {
    pub(crate) fn ask(
        &mut self,
        node: NodeId,
        ask: Ask,
        of: Vec<AgentId>,
        approval: Option<&Approval>,
    ) {
        let item = ItemId::from_index(self.state.items.len());
        let attempt = self.state.nodes[node].attempt_number();
        let quorum = approval.map_or(1, |approval| approval.quorum.max(1));
        let limit = approval.and_then(|approval| approval.within.as_ref());
        let due_ms = limit.map(|limit| self.at_ms.saturating_add(limit.ms));
        self.emit(Fact::ItemOpened {
            item,
            node: Some(node),
            attempt,
            ask,
            of,
            quorum,
            due_ms,
        });
    }

    /// One thing at a time that a left stage leaves behind.
    pub(crate) fn withdraw(&mut self, node: NodeId) {
        let leftovers = &self.state.nodes[node].leftovers;
        if let Some(item) = leftovers.items.first().copied() {
            self.emit(Fact::ItemClosed {
                item,
                node: Some(node),
                why: self.state.why_withdrawn(item, node),
            });
        } else if let Some(run) = leftovers.check {
            let check = self.state.gate_runs[run].current(run);
            self.emit(Fact::CheckTerminating { check, node });
        }
    }

    pub(crate) fn check_answer(
        &self,
        id: ItemId,
        by: Option<&str>,
        verdict: Verdict,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        let item = self
            .state
            .items
            .get(id)
            .ok_or(Refusal::NoSuchItem { item: id })?;
        if let Some(how) = item.closed {
            let by = item.deciding().and_then(|answer| answer.by.clone());
            return Err(Refusal::ItemClosed { item: id, how, by });
        }
        if !item.ask.takes(verdict) {
            return Err(Refusal::VerdictDoesNotFit {
                verdict,
                ask: item.ask.name(),
            });
        }
        let name = self.check_name(id, item, by)?;
        match name {
            Some(name) => self.check_voice(id, item, name),
            None => Ok(()),
        }
    }

    /// The name that the answer counts for.
    fn check_name<'n>(
        &'n self,
        id: ItemId,
        item: &Item,
        by: Option<&'n str>,
    ) -> Result<Option<&'n str>, Refusal> {
        let names = || {
            item.of
                .iter()
                .map(|agent| self.plan.agents[*agent].name.as_str())
        };
        match by {
            Some(name) if item.of.is_empty() || names().any(|other| other == name) => Ok(by),
            Some(name) => Err(Refusal::NotYours {
                item: id,
                by: name.to_string(),
                of: names().map(str::to_string).collect(),
            }),
            None if item.of.len() == 1 => Ok(Some(&self.plan.agents[item.of[0]].name)),
            None if item.of.is_empty() && item.quorum <= 1 => Ok(None),
            None => Err(Refusal::NameNeeded {
                item: id,
                of: names().map(str::to_string).collect(),
            }),
        }
    }

    fn check_voice(&self, id: ItemId, item: &Item, name: &str) -> Result<(), Refusal> {
        if item
            .answers
            .iter()
            .any(|answer| answer.by.as_deref() == Some(name))
        {
            return Err(Refusal::AlreadyAnswered {
                item: id,
                by: name.to_string(),
            });
        }
        let approves = matches!(item.ask, Ask::Approve { .. });
        let does = |agent: &AgentId| self.plan.agents[*agent].name == name;
        let Some(node) = item.node.filter(|_| approves) else {
            return Ok(());
        };
        if self.state.sure_doers(self.plan, node).iter().any(does) {
            let task = self.name(node);
            return Err(Refusal::RequesterMayNotApprove {
                by: name.to_string(),
                task,
            });
        }
        Ok(())
    }

    /// An item for one person is answered by that person.
    pub(crate) fn only_addressee(&self, item: ItemId) -> Option<String> {
        match self.state.items[item].of.as_slice() {
            [only] => Some(self.plan.agents[*only].name.clone()),
            _ => None,
        }
    }
}

/// The folds of `item.*`.
impl State {
    pub(crate) fn on_item_opened(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        item: Item,
    ) -> Result<(), IllegalTransition> {
        check_agents(plan, fact, &item.of)?;
        let ask = item.ask;
        match ask {
            Ask::Situation { situation, .. } => {
                self.expect_situation(fact.kind(), situation)?;
                let id = self.open_item(item);
                return self.on_situation_asked(plan, fact, id, situation);
            }
            Ask::Report { sync, requirement } => {
                let of = plan.rules.recurring.get(sync);
                let there = of.is_some_and(|r| (requirement as usize) < r.requires.len());
                known(there, fact.kind(), "requirement", requirement)?;
                self.reports_due.remove(&(sync, requirement));
                if let Some(due) = item.due_ms {
                    let id = ItemId::from_index(self.items.len());
                    self.rule_timers.insert((due, RuleTimer::Item(id)));
                }
                self.open_item(item);
                return Ok(());
            }
            Ask::Undo => {
                let id = self.open_item(item);
                self.undoing.asked = Some(id);
                return Ok(());
            }
            Ask::Budget { budget } => {
                let there = self.spending.get(budget).is_some();
                known(there, fact.kind(), "budget", budget.0)?;
                let id = self.open_item(item);
                self.spending[budget].item = Some(id);
                return Ok(());
            }
            Ask::Work
            | Ask::Confirm { .. }
            | Ask::Approve { .. }
            | Ask::Require { .. }
            | Ask::Doubt => {}
        }
        let Some(node) = item.node else {
            return known(false, fact.kind(), "node of item", 0);
        };
        self.expect_ask(plan, fact, node, ask)?;
        if self.nodes[node].status.is_ended() {
            let from = self.nodes[node].status;
            return Err(IllegalTransition::Node {
                node,
                from,
                kind: fact.kind(),
            });
        }
        let id = self.open_item(item);
        if matches!(ask, Ask::Approve { .. }) {
            self.begins(plan, Kind::ApprovalWaiting, Occasion::Item(id));
        }
        if let Ask::Confirm { gate, .. } = ask {
            self.gate_runs[gate].stage = GateStage::CheckAsked(id);
        } else if let Some(asking) = self.asking(id) {
            asking.asked += 1;
            asking.open.push(id);
        }
        self.refresh(plan, node);
        Ok(())
    }

    fn open_item(&mut self, mut item: Item) -> ItemId {
        if let Some(node) = item.node.filter(|_| item.is_bound()) {
            item.subject.clone_from(&self.nodes[node].subject);
            item.changed.clone_from(&self.nodes[node].changed);
        }
        let id = self.items.push(item);
        self.open_items.insert(id);
        id
    }

    pub(crate) fn on_item_answered(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        id: ItemId,
        answer: Answer,
    ) -> Result<(), IllegalTransition> {
        self.expect_open(fact, id)?;
        let verdict = answer.verdict;
        let item = &mut self.items[id];
        let (node, ask, decided) = (item.node, item.ask, item.decided_by(verdict));
        let bound = item.is_bound();
        item.answers.push(answer);
        if let Some(node) = node.filter(|_| bound) {
            self.nodes[node].voided = 0;
        }
        if !decided {
            return Ok(());
        }
        self.shut(plan, id, Closed::Answered);
        match ask {
            Ask::Situation { .. } => self.on_situation_told(plan, id),
            Ask::Budget { budget } => self.on_budget_answered(plan, budget, verdict),
            Ask::Undo => {
                self.undoing.answered = Some(id);
                self.undoing.failed = false;
            }
            Ask::Work | Ask::Doubt => {
                if let Some(asking) = self.asking(id) {
                    asking.answered = Some(id);
                }
                if let (Fact::ItemAnswered { outputs, .. }, Some(node), Ask::Work) =
                    (fact, node, ask)
                {
                    self.nodes[node].outputs = outputs.clone();
                }
            }
            Ask::Confirm { .. } | Ask::Report { .. } => {}
            Ask::Approve { .. } | Ask::Require { .. } => {
                if let Some(asking) = self.asking(id) {
                    match verdict.agrees() {
                        true => asking.settled += 1,
                        false => asking.rejected = Some(id),
                    }
                }
            }
        }
        self.refresh_some(plan, node);
        Ok(())
    }

    fn why_withdrawn(&self, id: ItemId, node: NodeId) -> Closed {
        let digest = |subject: &Option<Box<Subject>>| subject.as_ref().map(|s| s.digest.clone());
        let was = digest(&self.items[id].subject);
        match was.is_some() && was != digest(&self.nodes[node].subject) {
            true if !self.nodes[node].changed.is_empty() => Closed::Voided,
            _ => Closed::Withdrawn,
        }
    }

    fn refresh_some(&mut self, plan: &Plan, node: Option<NodeId>) {
        if let Some(node) = node {
            self.refresh(plan, node);
        }
    }

    /// The question counts as answered with yes.
    pub(crate) fn let_go(&mut self, id: ItemId) {
        if let Some(asking) = self.asking(id) {
            asking.settled += 1;
        }
    }

    pub(crate) fn on_item_expired(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        id: ItemId,
        otherwise: Otherwise,
    ) -> Result<(), IllegalTransition> {
        self.expect_open(fact, id)?;
        let node = self.items[id].node;
        self.shut(plan, id, Closed::Expired);
        if matches!(self.items[id].ask, Ask::Situation { .. }) {
            let item = self.items[id].clone();
            self.on_situation_silent(plan, &item);
        }
        let (Some(node), Ask::Approve { .. }) = (node, self.items[id].ask) else {
            return Ok(());
        };
        let about = self.about(plan, Occasion::Item(id));
        match otherwise {
            Otherwise::Proceed => {
                self.let_go(id);
                self.add_duties(plan, Source::Item(id), about);
            }
            Otherwise::Escalate => {
                self.hold_for_people(plan, Source::Item(id), Pending::Item(id));
            }
            Otherwise::Fail | Otherwise::Skip | Otherwise::Halt => {
                let fail = FailReason::ApprovalExpired { item: id };
                let skip = SkipReason::ApprovalExpired { item: id };
                self.nodes[node].doom = doom(otherwise, fail, skip);
                self.add_duties(plan, Source::Item(id), about);
            }
        }
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_item_closed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        id: ItemId,
        why: Closed,
    ) -> Result<(), IllegalTransition> {
        self.expect_open(fact, id)?;
        let node = self.items[id].node;
        self.shut(plan, id, why);
        if let Ask::Situation { situation, .. } = self.items[id].ask {
            let leftovers = &mut self.situations[situation].leftovers;
            leftovers.retain(|other| *other != id);
            self.refresh_situation(plan, situation);
        }
        if let Some(node) = node {
            let leftovers = &mut self.nodes[node].leftovers.items;
            leftovers.retain(|other| *other != id);
            self.refresh(plan, node);
        }
        Ok(())
    }

    /// Leaves whatever was asked and checked; it is withdrawn by decisions that follow.
    pub(crate) fn leave_stage(&mut self, plan: &Plan, node: NodeId) {
        self.drop_gate(plan, node);
        let state = &mut self.nodes[node];
        let asking = std::mem::take(&mut state.asking);
        state.subject = None;
        state.changed.clear();
        state.leftovers.items.extend(asking.open);
        self.refresh(plan, node);
    }

    fn shut(&mut self, plan: &Plan, id: ItemId, why: Closed) {
        self.items[id].closed = Some(why);
        self.open_items.remove(&id);
        if let Some(asking) = self.asking(id) {
            asking.open.retain(|other| *other != id);
        }
        match self.items[id].ask {
            Ask::Approve { .. } => self.ceases(Kind::ApprovalWaiting, Occasion::Item(id)),
            Ask::Situation { situation, .. } => self.refresh_situation(plan, situation),
            Ask::Report { .. } => {
                if let Some(due) = self.items[id].due_ms {
                    self.rule_timers.remove(&(due, RuleTimer::Item(id)));
                }
            }
            Ask::Work
            | Ask::Confirm { .. }
            | Ask::Require { .. }
            | Ask::Doubt
            | Ask::Undo
            | Ask::Budget { .. } => {}
        }
    }

    /// The row of questions that an item stands in.
    fn asking(&mut self, id: ItemId) -> Option<&mut Asking> {
        let item = &self.items[id];
        match item.ask {
            Ask::Confirm { gate, .. }
            | Ask::Approve {
                gate: Some(gate), ..
            } => Some(&mut self.gate_runs[gate].asking),
            Ask::Work | Ask::Approve { gate: None, .. } | Ask::Require { .. } | Ask::Doubt => {
                Some(&mut self.nodes[item.node?].asking)
            }
            Ask::Situation { situation, .. } => Some(&mut self.situations[situation].asking),
            Ask::Report { .. } | Ask::Undo | Ask::Budget { .. } => None,
        }
    }

    fn expect_ask(
        &self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        ask: Ask,
    ) -> Result<(), IllegalTransition> {
        match ask {
            Ask::Confirm { gate, .. } => self.expect_gate(fact, gate),
            Ask::Approve {
                gate: Some(gate),
                approval,
            } => {
                self.expect_gate(fact, gate)?;
                let all = plan.gates[self.gate_runs[gate].gate].approvals.len();
                known((approval as usize) < all, fact.kind(), "approval", approval)
            }
            Ask::Approve {
                gate: None,
                approval,
            } => {
                let all = plan.task(node).map_or(0, |task| task.approvals.len());
                known((approval as usize) < all, fact.kind(), "approval", approval)
            }
            Ask::Work
            | Ask::Require { .. }
            | Ask::Doubt
            | Ask::Situation { .. }
            | Ask::Report { .. }
            | Ask::Undo
            | Ask::Budget { .. } => Ok(()),
        }
    }

    fn expect_open(&self, fact: &Fact, id: ItemId) -> Result<(), IllegalTransition> {
        known(self.items.get(id).is_some(), fact.kind(), "item", id.0)?;
        if self.items[id].is_open() && fact.subject() == self.items[id].node {
            return Ok(());
        }
        Err(IllegalTransition::Item {
            item: id.0,
            kind: fact.kind(),
        })
    }
}

/// The end that a limit brings, when it brings one.
pub(crate) fn doom(otherwise: Otherwise, fail: FailReason, skip: SkipReason) -> Option<Box<Doom>> {
    match otherwise {
        Otherwise::Proceed | Otherwise::Escalate => None,
        Otherwise::Fail => Some(Box::new(Doom {
            ending: Ending::Failed(fail),
            halts: false,
        })),
        Otherwise::Halt => Some(Box::new(Doom {
            ending: Ending::Failed(fail),
            halts: true,
        })),
        Otherwise::Skip => Some(Box::new(Doom {
            ending: Ending::Skipped(skip),
            halts: false,
        })),
    }
}
