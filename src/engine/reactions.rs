//! Reactions: what happens, how long it has to last, and what follows.
//!
//! A fact that begins something (a task fails, a conflict opens) makes every reaction to it due:
//! at once, or when it has lasted as long as the reaction says. What ends before that is
//! forgotten. `when` is asked at the moment the reaction is due.

use std::sync::Arc;

use coord_lang::expr::{Outcome as Truth, Value};
use coord_lang::ids::{MetricId, NodeId};
use coord_plan::plan::Plan;
use coord_plan::rules::Happening;

use crate::apply::known;
use crate::duty::{Duty, DutyId, DutyStage, Source};
use crate::index::Slot;
use crate::occasion::{Kind, Occasion};
use crate::rule_fact::RuleFact;
use crate::scope::Values;
use crate::situation::About;
use crate::state::{NeedState, State};
use crate::status::{IllegalTransition, Status};
use crate::timers::RuleTimer;
use crate::turn::Turn;

impl State {
    /// Something begins, or happens.
    pub(crate) fn begins(&mut self, plan: &Plan, kind: Kind, on: Occasion) {
        let index = Arc::clone(&self.index);
        for reaction in index.reactions.get(&kind).into_iter().flatten() {
            let rule = &plan.rules.reactions[*reaction as usize];
            if !self.concerns(&rule.on, on) {
                continue;
            }
            match rule.for_ms {
                None => {
                    self.reactions_due.insert((*reaction, on));
                }
                Some(ms) if !self.watches.contains_key(&(*reaction, on)) => {
                    let due = self.now_ms.saturating_add(ms);
                    self.watches.insert((*reaction, on), due);
                    self.rule_timers
                        .insert((due, RuleTimer::Watch(*reaction, on)));
                }
                Some(_) => {}
            }
        }
    }

    /// Something that lasted is over.
    pub(crate) fn ceases(&mut self, kind: Kind, on: Occasion) {
        let index = Arc::clone(&self.index);
        for reaction in index.reactions.get(&kind).into_iter().flatten() {
            self.forget_watch(*reaction, on);
        }
    }

    fn forget_watch(&mut self, reaction: u32, on: Occasion) {
        if let Some(due) = self.watches.remove(&(reaction, on)) {
            self.rule_timers
                .remove(&(due, RuleTimer::Watch(reaction, on)));
        }
    }

    /// What a node's way from one status to another means to reactions.
    pub(crate) fn notice_status(&mut self, plan: &Plan, node: NodeId, from: Status) {
        if self.index.reactions.is_empty() {
            return;
        }
        let on = Occasion::Node(node);
        let to = self.nodes[node].status;
        if from == to {
            return;
        }
        if plan.task(node).is_some() {
            match to {
                Status::Failed => self.begins(plan, Kind::TaskFailed, on),
                Status::Completed => {
                    self.begins(plan, Kind::TaskCompleted, on);
                    if self.index.changers.contains(&node) {
                        self.begins(plan, Kind::ChangeMade, on);
                    }
                }
                _ => {}
            }
        }
        if from == Status::Failed {
            self.ceases(Kind::TaskFailed, on);
        }
        if from == Status::InProgress {
            self.ceases(Kind::TaskLate, on);
            self.ceases(Kind::TaskStalled, on);
            self.nodes[node].late = false;
            self.overdue.remove(&node);
            self.nodes[node].stalled = false;
        }
    }

    /// Notes what cannot go on without help: the tasks right behind what failed or is late, also
    /// across milestones, joins and syncs.
    pub(crate) fn refresh_blocked(&mut self, plan: &Plan, node: NodeId) {
        if !self.index.tracks_blocked {
            return;
        }
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            let held = self.is_held(node);
            let blocked = self.is_blocked_now(node);
            let was_blocked = self.nodes[node].blocked_since_ms.is_some();
            if blocked != was_blocked {
                self.nodes[node].blocked_since_ms = blocked.then_some(self.now_ms);
                self.note_held(plan, node);
                self.note_blocked(plan, node, blocked);
            }
            let now_held = self.is_held(node);
            if now_held != self.nodes[node].was_held || held != now_held {
                self.nodes[node].was_held = now_held;
                let index = Arc::clone(&self.index);
                todo.extend(index.dependents(node).iter().map(|edge| edge.node));
            }
        }
    }

    fn note_blocked(&mut self, plan: &Plan, node: NodeId, blocked: bool) {
        if plan.task(node).is_none() {
            return;
        }
        let agents = self.doers(plan, node).to_vec();
        if blocked {
            self.begins(plan, Kind::TaskBlocked, Occasion::Node(node));
        } else {
            self.ceases(Kind::TaskBlocked, Occasion::Node(node));
        }
        for agent in agents {
            let of = &mut self.agent_states[agent];
            of.blocked = if blocked {
                of.blocked + 1
            } else {
                of.blocked.saturating_sub(1)
            };
            let (now, idle) = (of.blocked, self.agents[agent] == 0);
            if blocked && now == 1 && idle {
                self.begins(plan, Kind::AgentBlocked, Occasion::Agent(agent));
            } else if now == 0 {
                self.ceases(Kind::AgentBlocked, Occasion::Agent(agent));
            }
        }
    }

    /// True for work that does not end well, or not in its time, without help.
    fn is_held(&self, node: NodeId) -> bool {
        let of = &self.nodes[node];
        match of.status {
            Status::Failed | Status::InDoubt => true,
            // a task that waits is no obstacle of its own: those behind it wait for the same
            Status::Created | Status::Assigned => {
                of.blocked_since_ms.is_some() && self.index.team_of(node).is_none()
            }
            Status::InProgress => of.late,
            Status::Cancelled | Status::Review | Status::Completed | Status::Skipped => false,
        }
    }

    /// A created node that waits for what is held, or for an agent who is not there.
    fn is_blocked_now(&self, node: NodeId) -> bool {
        let of = &self.nodes[node];
        let waits = matches!(of.status, Status::Created | Status::Assigned);
        if !waits || self.started_ms.is_none() || of.doom.is_some() {
            return false;
        }
        if of.unmet == 0 {
            let gone = |agent: &coord_lang::ids::AgentId| self.agent_states[*agent].isolated;
            return self.index.team_of(node).is_some_and(|team| {
                let mut agents = team.agents.iter();
                !team.agents.is_empty()
                    && if team.any {
                        agents.all(gone)
                    } else {
                        agents.any(gone)
                    }
            });
        }
        of.held_up > 0
    }

    /// Tells those who wait for a node that it is held, or is no longer.
    pub(crate) fn note_held(&mut self, plan: &Plan, node: NodeId) {
        let held = self.index.tracks_blocked && self.is_held(node);
        if std::mem::replace(&mut self.nodes[node].held, held) == held {
            return;
        }
        let index = Arc::clone(&self.index);
        for edge in index.dependents(node) {
            if let Slot::Need(slot) = edge.slot {
                self.note_need(plan, edge.node, slot);
            }
        }
    }

    /// After a need, or what it waits for, has changed.
    pub(crate) fn note_need(&mut self, plan: &Plan, node: NodeId, slot: u32) {
        let need = &plan.nodes[node].needs[(slot - self.index.first_need(node)) as usize];
        let open = self.needs[slot as usize] == NeedState::Open;
        let held = open && need.nodes().all(|on| self.nodes[on].held);
        let was = std::mem::replace(&mut self.needs_held[slot as usize], held);
        let count = &mut self.nodes[node].held_up;
        *count = *count + u32::from(held) - u32::from(was);
    }

    /// What keeps a blocked node from starting: failed, doubtful or late work.
    pub(crate) fn obstacles(&self, plan: &Plan, node: NodeId) -> Vec<NodeId> {
        let mut found = std::collections::BTreeSet::new();
        let mut seen = std::collections::BTreeSet::from([node]);
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            let first = self.index.first_need(node);
            for (i, need) in (0..).zip(&plan.nodes[node].needs) {
                if self.needs[(first + i) as usize] != NeedState::Open {
                    continue;
                }
                for on in need.nodes().filter(|on| self.is_held(*on)) {
                    if self.nodes[on].status != Status::Created {
                        found.insert(on);
                    } else if seen.insert(on) {
                        todo.push(on);
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    /// The nodes that have `obstacle` among what keeps them from starting; None when looking at
    /// more than `most` dependents would not tell.
    pub(crate) fn behind_obstacle(
        &self,
        obstacle: NodeId,
        most: usize,
    ) -> Option<std::collections::BTreeSet<NodeId>> {
        let mut left = most;
        let mut found = std::collections::BTreeSet::new();
        let mut todo = vec![obstacle];
        while let Some(on) = todo.pop() {
            for edge in self.index.dependents(on) {
                left = left.checked_sub(1)?;
                let Slot::Need(slot) = edge.slot else {
                    continue;
                };
                let waits = self.needs[slot as usize] == NeedState::Open;
                if waits && found.insert(edge.node) {
                    let passes_on = self.nodes[edge.node].status == Status::Created;
                    todo.extend((passes_on && self.is_held(edge.node)).then_some(edge.node));
                }
            }
        }
        Some(found)
    }

    /// The failed work that `node` waits for, near or far, in the order of the plan.
    pub fn failed_before(&self, plan: &Plan, node: NodeId) -> Vec<NodeId> {
        let mut seen = std::collections::BTreeSet::from([node]);
        let mut todo = vec![node];
        let mut failed = std::collections::BTreeSet::new();
        while let Some(node) = todo.pop() {
            let first = self.index.first_need(node);
            for (i, need) in (0..).zip(&plan.nodes[node].needs) {
                if self.needs[(first + i) as usize] != NeedState::Open {
                    continue;
                }
                for on in need.nodes() {
                    match self.nodes[on].status {
                        Status::Failed => drop(failed.insert(on)),
                        Status::Created if seen.insert(on) => todo.push(on),
                        _ => {}
                    }
                }
            }
        }
        failed.into_iter().collect()
    }

    pub(crate) fn add_duties(&mut self, plan: &Plan, source: Source, about: About) {
        for chain in 0..self.chain_count(plan, source) {
            self.add_duty(source, chain, about.clone());
        }
    }

    pub(crate) fn add_duty(&mut self, source: Source, chain: u32, about: About) {
        let id = DutyId(self.duties_seen);
        self.duties_seen += 1;
        self.duties_due.insert(id);
        self.duties.insert(
            id,
            Duty {
                source,
                chain,
                step: 0,
                stage: DutyStage::Due,
                about,
                failure: String::new(),
            },
        );
    }

    pub(crate) fn on_reaction_fired(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        reaction: u32,
        on: Occasion,
        fires: bool,
    ) -> Result<(), IllegalTransition> {
        let there = (reaction as usize) < plan.rules.reactions.len();
        known(there, kind, "reaction", reaction)?;
        known(self.there_is(on), kind, "occasion of reaction", reaction)?;
        self.reactions_due.remove(&(reaction, on));
        self.forget_watch(reaction, on);
        if fires {
            let about = self.about(plan, on);
            self.add_duties(plan, Source::Reaction(reaction), about);
        }
        Ok(())
    }

    pub(crate) fn on_measured(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        metric: MetricId,
        value: &Value,
    ) -> Result<(), IllegalTransition> {
        known(
            plan.rules.metrics.get(metric).is_some(),
            kind,
            "metric",
            metric.0,
        )?;
        let before = self.metrics.insert(metric, value.clone());
        let index = Arc::clone(&self.index);
        for reaction in index.reactions.get(&Kind::Metric).into_iter().flatten() {
            let rule = &plan.rules.reactions[*reaction as usize];
            let Happening::Metric {
                metric: wanted,
                op,
                value: limit,
            } = &rule.on
            else {
                continue;
            };
            if *wanted != metric {
                continue;
            }
            let holds = |v: &Value| crate::scope::compares(v, *op, limit);
            let on = Occasion::Metric(metric);
            match (before.as_ref().is_some_and(holds), holds(value)) {
                (false, true) => match rule.for_ms {
                    None => drop(self.reactions_due.insert((*reaction, on))),
                    Some(ms) => {
                        let due = self.now_ms.saturating_add(ms);
                        self.watches.insert((*reaction, on), due);
                        self.rule_timers
                            .insert((due, RuleTimer::Watch(*reaction, on)));
                    }
                },
                (true, false) => self.forget_watch(*reaction, on),
                (true, true) | (false, false) => {}
            }
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// Lets the first reaction that is due happen, if its condition holds.
    pub(crate) fn react(&mut self) -> bool {
        let may = self.state.status.is_live();
        let Some((reaction, on)) = self.state.reactions_due.first().copied().filter(|_| may) else {
            return false;
        };
        self.judge_reaction(reaction, on);
        true
    }

    pub(crate) fn judge_reaction(&mut self, reaction: u32, on: Occasion) {
        let rule = &self.plan.rules.reactions[reaction as usize];
        let found = rule.when.as_ref().and_then(|when| {
            let about = self.state.about(self.plan, on);
            let values = Values {
                plan: self.plan,
                state: self.state,
                about: Some(&about),
            };
            match when.holds(&values) {
                Truth::True => None,
                Truth::False => Some(when.explain(&values)),
                Truth::Unknown(why) => Some(why),
            }
        });
        self.rule(match found {
            None => RuleFact::ReactionFired { reaction, on },
            Some(found) => RuleFact::ReactionPassedOver {
                reaction,
                on,
                found,
            },
        });
    }
}
