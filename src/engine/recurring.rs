//! What comes again and again: syncs outside of the phases, and workflows with a schedule.
//!
//! The next time follows from the clock alone. A time that passed while nobody was at it is
//! caught up with once, not as often as it was missed; a workflow that is still under way when
//! its time comes is passed by.

use coord_lang::ids::{Id, RecurringId, WorkflowId};
use coord_plan::plan::Plan;
use coord_plan::recurrence::next_after;
use coord_plan::rules::Every;

use crate::apply::known;
use crate::event::Fact;
use crate::item::{Ask, ItemId};
use crate::rule_fact::RuleFact;
use crate::situation::About;
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus};
use crate::timers::Background;
use crate::turn::Turn;

impl State {
    /// Sets the clocks of everything that recurs, when the run starts.
    pub(crate) fn start_recurring(&mut self, plan: &Plan) {
        for (id, sync) in plan.rules.recurring.iter() {
            self.set_next(plan, Background::Sync(id), sync.every.as_ref());
        }
        for (id, workflow) in plan
            .workflows
            .iter()
            .filter(|(id, _)| plan.entry != Some(*id))
        {
            self.set_next(plan, Background::Workflow(id), workflow.every.as_ref());
        }
    }

    fn set_next(&mut self, plan: &Plan, what: Background, every: Option<&Every>) {
        self.background.retain(|(_, other)| *other != what);
        let next = every.and_then(|every| next_after(every, &plan.hours, self.now_ms));
        self.background.extend(next.map(|due| (due, what)));
    }

    pub(crate) fn on_sync_held(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        sync: RecurringId,
    ) -> Result<(), IllegalTransition> {
        let Some(rule) = plan.rules.recurring.get(sync) else {
            return known(false, kind, "sync", sync.0);
        };
        for i in 0..rule.requires.len() as u32 {
            self.reports_due.insert((sync, i));
        }
        self.set_next(plan, Background::Sync(sync), rule.every.as_ref());
        Ok(())
    }

    /// A schedule's time came and its workflow was started, or is under way still.
    pub(crate) fn after_schedule(&mut self, plan: &Plan, workflow: WorkflowId) {
        let every = plan.workflows[workflow].every.as_ref();
        self.set_next(plan, Background::Workflow(workflow), every);
    }
}

impl Turn<'_> {
    pub(crate) fn fire_background(&mut self, what: Background) {
        match what {
            Background::Health(agent) => self.rule(RuleFact::HealthAsked { agent }),
            Background::Sync(sync) => self.rule(RuleFact::SyncHeld { sync }),
            Background::Workflow(workflow) => {
                let started = self.start_workflow(workflow, Vec::new(), About::default());
                if let Err(why) = started {
                    self.rule(RuleFact::SchedulePassedOver { workflow, why });
                }
            }
        }
    }

    /// Asks what a recurring sync wants to have confirmed.
    pub(crate) fn ask_report(&mut self) -> bool {
        let may = self.state.status.is_live() && self.state.status != RunStatus::Cancelling;
        let Some((sync, requirement)) = self.state.reports_due.first().copied().filter(|_| may)
        else {
            return false;
        };
        let rule = &self.plan.rules.recurring[sync];
        let named = &rule.requires[requirement as usize].by;
        let of = if named.is_empty() {
            &rule.participants
        } else {
            named
        };
        let due_ms = rule
            .within
            .as_ref()
            .map(|limit| self.at_ms.saturating_add(limit.ms));
        self.emit(Fact::ItemOpened {
            item: ItemId::from_index(self.state.items.len()),
            node: None,
            attempt: 0,
            ask: Ask::Report { sync, requirement },
            of: of.clone(),
            quorum: 1,
            due_ms,
        });
        true
    }
}
