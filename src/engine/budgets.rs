//! Budgets: what attempts have used up, and what becomes of that once it is all they may.
//!
//! What an attempt used is known with its end: its time at work, and the tokens and the money that
//! its driver reports. A budget that is spent holds back every new attempt that it is for, as long
//! as there is any; then somebody is asked, its own ladder or else anybody, and a yes allows as much
//! again. What is at work comes to its end.

use std::collections::BTreeMap;

use coord_lang::ids::{AgentId, BudgetId, Id, NodeId};
use coord_plan::plan::{Driver, Plan};
use coord_plan::rules::{Budget, Spends};
use serde::{Deserialize, Serialize};

use crate::apply::known;
use crate::duty::{Source, escalates};
use crate::event::Fact;
use crate::item::{Ask, Closed, ItemId, Verdict};
use crate::rule_fact::RuleFact;
use crate::situation::{About, How, Pending, Resolution, SituationId};
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus, Status};
use crate::turn::Turn;

/// How far a budget has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// In the unit of the budget.
    pub used: i64,
    /// With what was allowed since.
    pub allowed: i64,
    /// Nothing more begins.
    pub spent: bool,
    /// The question whether it may go on.
    pub(crate) item: Option<ItemId>,
}

impl State {
    /// What has been used of a budget.
    pub fn spending(&self, budget: BudgetId) -> &Spending {
        &self.spending[budget]
    }

    /// The spent budget that keeps `agent` from work.
    pub(crate) fn spent(&self, plan: &Plan, agent: AgentId) -> Option<BudgetId> {
        let mut budgets = self.spending.iter();
        let held = |(id, of): &(BudgetId, &Spending)| {
            of.spent && is_for(plan, &plan.rules.budgets[*id], agent)
        };
        budgets.find(held).map(|(id, _)| id)
    }

    /// An attempt has ended, and this is what its driver says of it.
    pub(crate) fn note_usage(
        &mut self,
        plan: &Plan,
        node: NodeId,
        outputs: &BTreeMap<String, String>,
    ) {
        if plan.rules.budgets.is_empty() {
            return;
        }
        let Some(attempt) = &self.nodes[node].attempt else {
            return;
        };
        let since = attempt.started_ms.unwrap_or(self.now_ms);
        let time_ms = self.now_ms.saturating_sub(since);
        let agents = attempt.agents.clone();
        for (id, budget) in plan.rules.budgets.iter() {
            if agents.iter().any(|agent| is_for(plan, budget, *agent)) {
                let used = match &budget.of {
                    Spends::Time => time_ms,
                    Spends::Tokens => tokens(outputs),
                    Spends::Cost(currency) => cost(outputs, currency),
                };
                let of = &mut self.spending[id];
                of.used = of.used.saturating_add(used.max(0));
            }
        }
    }

    pub(crate) fn on_budget_spent(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        id: BudgetId,
    ) -> Result<(), IllegalTransition> {
        known(self.spending.get(id).is_some(), kind, "budget", id.0)?;
        let of = &mut self.spending[id];
        of.spent = true;
        of.item = None;
        self.refresh_budget(plan, id);
        let budget = &plan.rules.budgets[id];
        let about = About {
            agents: budget.agent.into_iter().collect(),
            pending: escalates(&budget.otherwise).then_some(Pending::Budget(id)),
            ..About::default()
        };
        self.add_duties(plan, Source::Budget(id), about);
        Ok(())
    }

    /// As much again may be used.
    pub(crate) fn raise_budget(&mut self, plan: &Plan, id: BudgetId) {
        let most = plan.rules.budgets[id].most;
        let of = &mut self.spending[id];
        of.allowed = of.allowed.max(of.used).saturating_add(most);
        of.spent = false;
        self.refresh_budget(plan, id);
    }

    /// What somebody said to the question of a budget.
    pub(crate) fn on_budget_answered(&mut self, plan: &Plan, id: BudgetId, verdict: Verdict) {
        if verdict.agrees() || verdict == Verdict::Retry {
            self.raise_budget(plan, id);
        }
    }

    /// What has failed is tried again: who said no is asked again.
    pub(crate) fn ask_for_budgets_again(&mut self, plan: &Plan) {
        for id in plan.rules.budgets.ids() {
            if self.spending[id].spent && !self.is_asked(id) {
                self.spending[id].spent = false;
                self.refresh_budget(plan, id);
            }
        }
    }

    fn refresh_budget(&mut self, plan: &Plan, id: BudgetId) {
        match plan.rules.budgets[id].agent {
            Some(agent) => self.refresh_teams_of(plan, agent),
            None => self.refresh_every_team(plan),
        }
        if self.index.tracks_blocked {
            for node in plan.nodes.ids() {
                self.refresh_blocked(plan, node);
            }
        }
    }

    /// What has not begun, and what the budget keeps from it.
    fn held_back<'a>(
        &'a self,
        plan: &'a Plan,
        budget: &'a Budget,
    ) -> impl Iterator<Item = NodeId> + 'a {
        let waits = move |node: &NodeId| {
            let Some(team) = self.index.team_of(*node) else {
                return false;
            };
            let is_for = |agent: &AgentId| is_for(plan, budget, *agent);
            let held = match team.any {
                true => !team.agents.is_empty() && team.agents.iter().all(is_for),
                false => team.agents.iter().any(is_for),
            };
            let status = self.nodes[*node].status;
            held && matches!(status, Status::Created | Status::Assigned)
        };
        plan.nodes.ids().filter(waits)
    }

    /// True while somebody can still allow more, or is about to be asked.
    fn is_asked(&self, id: BudgetId) -> bool {
        let item = self.spending[id].item;
        let mut duties = self.duties.values();
        item.is_some_and(|item| self.items[item].is_open())
            || self.ladder_of(id).is_some()
            || duties.any(|duty| duty.source == Source::Budget(id))
    }

    fn ladder_of(&self, id: BudgetId) -> Option<SituationId> {
        let mut open = self.open_situations.iter().copied();
        open.find(|of| self.situations[*of].about.pending == Some(Pending::Budget(id)))
    }
}

impl Turn<'_> {
    /// One thing at a time that is to be said of budgets.
    pub(crate) fn watch_budgets(&mut self) -> bool {
        if self.plan.rules.budgets.is_empty() || self.state.status != RunStatus::Running {
            return false;
        }
        let ids: Vec<BudgetId> = self.plan.rules.budgets.ids().collect();
        ids.into_iter().any(|id| self.watch_budget(id))
    }

    fn watch_budget(&mut self, id: BudgetId) -> bool {
        let budget = &self.plan.rules.budgets[id];
        let of = self.state.spending[id].clone();
        if of.used < of.allowed {
            return false;
        }
        let item = of.item.filter(|item| self.state.items[*item].is_open());
        let needed = self.state.held_back(self.plan, budget).next().is_some();
        match (of.spent, needed) {
            (false, true) => {
                let used = of.used;
                self.rule(RuleFact::BudgetSpent { budget: id, used });
                true
            }
            (true, true) if self.state.is_asked(id) => false,
            (true, true) if of.item.is_none() && !escalates(&budget.otherwise) => {
                self.ask_for_budget(id);
                true
            }
            (true, true) => self.fail_for_budget(id),
            (true, false) => self.withdraw_budget(id, item),
            (false, false) => false,
        }
    }

    /// Somebody said no: what would begin now does not.
    fn fail_for_budget(&mut self, id: BudgetId) -> bool {
        let budget = &self.plan.rules.budgets[id];
        let mut held = self.state.held_back(self.plan, budget);
        let Some(node) = held.find(|node| self.state.is_ready(self.plan, *node)) else {
            return false;
        };
        drop(held);
        let why = format!("the budget is spent: {}", budget.title(self.plan));
        self.fail_by_rule(node, why);
        true
    }

    fn ask_for_budget(&mut self, budget: BudgetId) {
        self.emit(Fact::ItemOpened {
            item: ItemId::from_index(self.state.items.len()),
            node: None,
            attempt: 0,
            ask: Ask::Budget { budget },
            of: Vec::new(),
            quorum: 1,
            due_ms: None,
        });
    }

    /// Nothing waits for it any more.
    fn withdraw_budget(&mut self, id: BudgetId, item: Option<ItemId>) -> bool {
        if let Some(item) = item {
            self.emit(Fact::ItemClosed {
                item,
                node: None,
                why: Closed::Withdrawn,
            });
            return true;
        }
        let ladder = self.state.ladder_of(id);
        if let Some(ladder) = ladder {
            let resolution = Resolution {
                how: How::Withdrawn,
                by: None,
                to: None,
                note: String::new(),
            };
            self.close_situation(ladder, resolution);
        }
        ladder.is_some()
    }
}

/// People are not held back by what all may use up together.
fn is_for(plan: &Plan, budget: &Budget, agent: AgentId) -> bool {
    match budget.agent {
        Some(of) => of == agent,
        None => plan.agents[agent].driver != Driver::Human,
    }
}

/// All tokens, or those that went in and came out.
fn tokens(outputs: &BTreeMap<String, String>) -> i64 {
    let number = |name: &str| -> Option<i64> {
        let value: f64 = outputs.get(name)?.parse().ok()?;
        Some(value as i64)
    };
    let parts = ["usage.input-tokens", "usage.output-tokens"];
    number("usage.total-tokens").unwrap_or_else(|| {
        let parts = parts.iter().filter_map(|name| number(name));
        parts.fold(0, i64::saturating_add)
    })
}

/// Thousandths of the currency: `0.25 USD`, or a number without one. Another currency is another
/// budget.
fn cost(outputs: &BTreeMap<String, String>, currency: &str) -> i64 {
    let Some(text) = outputs.get("usage.cost") else {
        return 0;
    };
    let mut words = text.split_whitespace();
    let amount = words.next().and_then(|word| word.parse::<f64>().ok());
    let fits = words.next().is_none_or(|word| word == currency);
    // a part of a thousandth is one: what is small adds up
    amount
        .filter(|_| fits)
        .map_or(0, |amount| (amount * 1000.0).ceil() as i64)
}
