//! Questions to people: who may answer, when an answer decides, what a limit does.
//!
//! One answer settles work, confirmations, requirements and doubts. An approval is settled by a
//! quorum of distinct names, or by one no. Whoever does a task may not approve it.

use coord_lang::ids::{AgentId, Id, NodeId};
use coord_plan::plan::{Approval, By, NodeKind, Otherwise, Plan};

use crate::apply::{check_agents, known};
use crate::event::Fact;
use crate::gate_run::GateStage;
use crate::item::{Answer, Ask, Asking, Closed, Item, ItemId, Verdict};
use crate::outcome::{Doom, Ending, FailReason, SkipReason};
use crate::refusal::Refusal;
use crate::state::State;
use crate::status::IllegalTransition;
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
            node,
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
                node,
                why: Closed::Withdrawn,
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
        if approves && self.doers(item.node).iter().any(does) {
            let task = self.name(item.node);
            return Err(Refusal::RequesterMayNotApprove {
                by: name.to_string(),
                task,
            });
        }
        Ok(())
    }

    /// Who does, or is going to do, the work of a node.
    fn doers(&self, node: NodeId) -> &[AgentId] {
        match (&self.state.nodes[node].attempt, &self.plan.nodes[node].kind) {
            (Some(attempt), _) => &attempt.agents,
            (None, NodeKind::Task(task)) => match &task.by {
                By::All(agents) => agents,
                By::Any(_) => &[],
            },
            (None, NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join) => &[],
        }
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
        let (node, ask) = (item.node, item.ask);
        check_agents(plan, fact, &item.of)?;
        self.expect_ask(plan, fact, node, ask)?;
        if self.nodes[node].status.is_ended() {
            let from = self.nodes[node].status;
            return Err(IllegalTransition::Node {
                node,
                from,
                kind: fact.kind(),
            });
        }
        let id = self.items.push(item);
        self.open_items.insert(id);
        match ask {
            Ask::Confirm { gate, .. } => self.gate_runs[gate].stage = GateStage::CheckAsked(id),
            Ask::Work | Ask::Approve { .. } | Ask::Require { .. } | Ask::Doubt => {
                let asking = self.asking(id);
                asking.asked += 1;
                asking.open.push(id);
            }
        }
        self.refresh(plan, node);
        Ok(())
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
        item.answers.push(answer);
        if !decided {
            return Ok(());
        }
        self.shut(id, Closed::Answered);
        match ask {
            Ask::Work => {
                self.asking(id).answered = Some(id);
                if let Fact::ItemAnswered { outputs, .. } = fact {
                    self.nodes[node].outputs = outputs.clone();
                }
            }
            Ask::Doubt => self.asking(id).answered = Some(id),
            Ask::Confirm { .. } => {}
            Ask::Approve { .. } | Ask::Require { .. } if verdict.agrees() => {
                self.asking(id).settled += 1;
            }
            Ask::Approve { .. } | Ask::Require { .. } => self.asking(id).rejected = Some(id),
        }
        self.refresh(plan, node);
        Ok(())
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
        self.shut(id, Closed::Expired);
        match otherwise {
            Otherwise::Proceed => self.asking(id).settled += 1,
            Otherwise::Fail | Otherwise::Skip | Otherwise::Halt => {
                let fail = FailReason::ApprovalExpired { item: id };
                let skip = SkipReason::ApprovalExpired { item: id };
                self.nodes[node].doom = doom(otherwise, fail, skip);
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
        self.shut(id, why);
        self.nodes[node]
            .leftovers
            .items
            .retain(|other| *other != id);
        self.refresh(plan, node);
        Ok(())
    }

    /// Leaves whatever was asked and checked; it is withdrawn by decisions that follow.
    pub(crate) fn leave_stage(&mut self, plan: &Plan, node: NodeId) {
        self.drop_gate(plan, node);
        let state = &mut self.nodes[node];
        let asking = std::mem::take(&mut state.asking);
        state.leftovers.items.extend(asking.open);
        self.refresh(plan, node);
    }

    fn shut(&mut self, id: ItemId, why: Closed) {
        self.items[id].closed = Some(why);
        self.open_items.remove(&id);
        self.asking(id).open.retain(|other| *other != id);
    }

    /// The row of questions that an item stands in.
    fn asking(&mut self, id: ItemId) -> &mut Asking {
        let item = &self.items[id];
        match item.ask {
            Ask::Confirm { gate, .. }
            | Ask::Approve {
                gate: Some(gate), ..
            } => &mut self.gate_runs[gate].asking,
            Ask::Work | Ask::Approve { gate: None, .. } | Ask::Require { .. } | Ask::Doubt => {
                &mut self.nodes[item.node].asking
            }
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
            Ask::Work | Ask::Require { .. } | Ask::Doubt => Ok(()),
        }
    }

    fn expect_open(&self, fact: &Fact, id: ItemId) -> Result<(), IllegalTransition> {
        known(self.items.get(id).is_some(), fact.kind(), "item", id.0)?;
        if self.items[id].is_open() && fact.subject() == Some(self.items[id].node) {
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
        Otherwise::Proceed => None,
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
