//! Modes: while one is on, nothing new is assigned.
//!
//! Work at hand goes on, or is taken away when the mode says so. Timers and questions go on. The
//! work of workflows that an incident, a reaction or a person started goes on, too: it is what the
//! mode is there for; that of a workflow which a task calls goes on when the task may. After the mode only so many tasks start at once, until the first of them is done.

use coord_lang::ids::{ModeId, NodeId};
use coord_plan::plan::Plan;

use crate::apply::known;
use crate::duty::Source;
use crate::event::Fact;
use crate::outcome::Termination;
use crate::refusal::Refusal;
use crate::rule_fact::RuleFact;
use crate::situation::About;
use crate::state::State;
use crate::status::IllegalTransition;
use crate::turn::Turn;

impl State {
    /// The mode that is on.
    pub fn mode(&self) -> Option<ModeId> {
        self.mode
    }

    /// True for work that starts in spite of a mode.
    pub(crate) fn is_exempt(&self, plan: &Plan, node: NodeId) -> bool {
        let workflow = plan.nodes[node].workflow;
        workflow != plan.entry
            && workflow.is_some_and(|w| self.workflows.get(w).is_some_and(|of| of.exempt))
    }

    pub(crate) fn is_stopped_by_mode(&self, plan: &Plan, node: NodeId) -> bool {
        self.mode.is_some() && !self.is_exempt(plan, node)
    }

    /// Why work at hand is to be taken away: its domain was halted, or a mode cancels it.
    pub(crate) fn taken_away(&self, plan: &Plan, node: NodeId) -> Option<Termination> {
        let of = &self.nodes[node];
        let told = of.attempt.as_ref().is_some_and(|a| a.terminating.is_some());
        if told || !of.is_at_work() {
            return None;
        }
        if of.doom.is_some() {
            return Some(Termination::Halted);
        }
        let cancels = self.mode.is_some_and(|mode| plan.rules.modes[mode].cancels);
        (cancels && !self.is_exempt(plan, node)).then_some(Termination::TakenAway)
    }

    pub(crate) fn on_mode_entered(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        mode: ModeId,
    ) -> Result<(), IllegalTransition> {
        let there = plan.rules.modes.get(mode).is_some() && self.mode.is_none();
        known(there, kind, "mode", mode.0)?;
        self.mode = Some(mode);
        self.add_mode_duty(plan, mode, true);
        self.refresh_all(plan);
        Ok(())
    }

    pub(crate) fn on_mode_left(
        &mut self,
        plan: &Plan,
        kind: &'static str,
        mode: ModeId,
    ) -> Result<(), IllegalTransition> {
        known(self.mode == Some(mode), kind, "mode", mode.0)?;
        self.mode = None;
        self.ramp = plan.rules.modes[mode].restart;
        self.add_mode_duty(plan, mode, false);
        self.refresh_all(plan);
        Ok(())
    }

    fn add_mode_duty(&mut self, plan: &Plan, mode: ModeId, entered: bool) {
        let rule = &plan.rules.modes[mode];
        let programs = if entered { &rule.enter } else { &rule.exit };
        if !programs.is_empty() {
            self.add_duty(Source::Mode { mode, entered }, 0, About::default());
        }
    }
}

impl Turn<'_> {
    pub(crate) fn order_mode(
        &mut self,
        mode: ModeId,
        by: Option<String>,
        because: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        if self.plan.rules.modes.get(mode).is_none() {
            return Err(Refusal::NoSuchRule { what: "mode" });
        }
        if let Some(on) = self.state.mode {
            let name = self.plan.rules.modes[on].name.clone();
            return Err(Refusal::ModeIsOn { name });
        }
        self.rule(RuleFact::ModeEntered { mode, by, because });
        Ok(())
    }

    pub(crate) fn order_leave(&mut self, mode: ModeId, by: Option<String>) -> Result<(), Refusal> {
        self.check_open()?;
        if self.state.mode != Some(mode) {
            return Err(Refusal::ModeIsOff);
        }
        self.rule(RuleFact::ModeLeft { mode, by });
        Ok(())
    }

    /// Ends an attempt so that the task can be started anew: a process is ordered to end, what
    /// a person is at is simply withdrawn.
    pub(crate) fn take_away(&mut self, node: NodeId, why: Termination) {
        let attempt = self.state.nodes[node].attempt_number();
        let terminating =
            (self.state.nodes[node].attempt.as_ref()).is_some_and(|a| a.terminating.is_some());
        if !self.state.nodes[node].is_at_work() || terminating {
            return;
        }
        if self.state.nodes[node].holds_process {
            self.emit(Fact::Terminating { node, attempt, why });
        } else {
            self.emit(Fact::Exited {
                node,
                attempt,
                outcome: crate::outcome::Outcome::Cancelled,
                outputs: Default::default(),
                log: None,
            });
            self.emit(Fact::RetryScheduled {
                node,
                attempt,
                due_ms: self.at_ms,
                counted: false,
            });
        }
    }
}
