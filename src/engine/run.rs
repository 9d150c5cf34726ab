//! The run as a whole: how it starts, stops and ends.
//!
//! A run completes when every node ended well. It fails when a failure stops it, when everything
//! has ended and something failed, or when nothing can move any more: no work, no check, no open
//! question, no timer and no mode that somebody has to leave. A failed run is reopened by whoever
//! helps it: a retry, a skip, another agent, or a resource that is there again; its open items
//! wait with it. Draining and halting wait for processes and checks, not for people.

use coord_lang::ids::{NodeId, PhaseId};
use coord_plan::plan::Plan;

use crate::apply::known;
use crate::event::Fact;
use crate::occasion::{Kind, Occasion};
use crate::options::Options;
use crate::outcome::Stopping;
use crate::rule_fact::RuleFact;
use crate::state::{PhaseState, PhaseStep, State};
use crate::status::{IllegalTransition, Move, RunStatus, Status};
use crate::turn::Turn;

/// How many nodes a `run.failed` lists of each kind.
const LISTED: usize = 100;

impl Turn<'_> {
    pub(crate) fn halt(&mut self) -> bool {
        let may = matches!(self.state.status, RunStatus::Running | RunStatus::Draining);
        let Some(node) = self.state.halt_wanted.filter(|_| may) else {
            return false;
        };
        self.emit(Fact::RunStopping {
            why: Stopping::Halt { node },
        });
        true
    }

    pub(crate) fn mark_phase(&mut self) -> bool {
        if !self.state.status.is_live() {
            return false;
        }
        match self.state.phases_due.first().copied() {
            Some((PhaseStep::Open, phase)) => self.emit(Fact::PhaseOpened { phase }),
            Some((PhaseStep::Close, phase)) => self.emit(Fact::PhaseClosed { phase }),
            None => return false,
        }
        true
    }

    /// Called when nothing else is left to do at this moment.
    pub(crate) fn end(&mut self) -> bool {
        if !self.state.is_drained() {
            return false;
        }
        let over = self.state.is_over();
        let stays = (self.state.options.stay_until_ms).is_some_and(|until| self.at_ms < until);
        let halts = self.state.status == RunStatus::Halting && crate::metrics::measures(self.plan);
        if !stays && (over || halts) && self.tell_finish() {
            return true;
        }
        match self.state.status {
            RunStatus::Running if stays => return false,
            RunStatus::Running if over => self.conclude(),
            RunStatus::Draining if self.state.has_ended() => self.conclude(),
            RunStatus::Draining => self.emit(Fact::RunPaused),
            RunStatus::Halting => self.emit_failure(),
            RunStatus::Cancelling if !self.state.undoing.left.is_empty() => return false,
            RunStatus::Cancelling => self.emit(Fact::RunCancelled),
            RunStatus::Running
            | RunStatus::NotStarted
            | RunStatus::Paused
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => return false,
        }
        true
    }

    /// Reactions to the end of the run, and the last measurements, are due before it.
    fn tell_finish(&mut self) -> bool {
        let live = matches!(
            self.state.status,
            RunStatus::Running | RunStatus::Draining | RunStatus::Halting
        );
        let told = self.state.finish_told;
        let asked = self.state.index.reactions.contains_key(&Kind::RunFinished)
            || crate::metrics::measures(self.plan);
        if !live || told || !asked {
            return false;
        }
        self.rule(RuleFact::RunFinishing);
        true
    }

    fn conclude(&mut self) {
        let settled = self.state.open_situations.is_empty() && self.state.undoing.left.is_empty();
        if self.state.unfinished == 0 && self.state.failed == 0 && settled {
            self.emit(Fact::RunCompleted);
        } else {
            self.emit_failure();
        }
    }

    fn emit_failure(&mut self) {
        let state = &self.state;
        let of = |wanted: fn(Status) -> bool| {
            let nodes = state
                .nodes
                .iter()
                .filter(move |(_, node)| wanted(node.status));
            nodes
                .map(|(id, _)| id)
                .take(LISTED)
                .collect::<Vec<NodeId>>()
        };
        let failed_nodes = of(|status| status == Status::Failed);
        let blocked_nodes = of(|status| !status.is_ended());
        let (failed, blocked) = (state.failed, state.unfinished);
        self.emit(Fact::RunFailed {
            failed,
            blocked,
            failed_nodes,
            blocked_nodes,
        });
    }
}

impl State {
    pub(crate) fn is_stuck(&self) -> bool {
        self.open_items.is_empty()
            && self.timers.is_empty()
            && self.rule_timers.is_empty()
            && self.checks_due.is_empty()
            && self.undoing.left.is_empty()
            && self.mode.is_none()
            && self.next_hope().is_none()
    }

    pub(crate) fn on_run_started(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        run: &str,
        options: &Options,
    ) -> Result<(), IllegalTransition> {
        self.expect_run(fact, &[RunStatus::NotStarted])?;
        self.run = run.to_string();
        self.options = options.clone();
        self.status = RunStatus::Running;
        self.started_ms = Some(self.now_ms);
        for node in plan.nodes.ids() {
            self.nodes[node].window_open = self.window(plan, node).is_none();
            self.start_clocks(plan, node);
        }
        self.refresh_all(plan);
        self.refresh_every_team(plan);
        self.start_recurring(plan);
        self.start_health(plan);
        self.begins(plan, Kind::RunStarted, Occasion::Run);
        Ok(())
    }

    pub(crate) fn on_run_resumed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        options: Option<&Options>,
    ) -> Result<(), IllegalTransition> {
        let live = [RunStatus::Running, RunStatus::Draining, RunStatus::Paused];
        match self.status {
            RunStatus::Halting | RunStatus::Cancelling => {}
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Paused
            | RunStatus::NotStarted
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => {
                self.expect_run(fact, &live)?;
                self.status = RunStatus::Running;
                self.stopping = None;
            }
        }
        if let Some(options) = options {
            self.options = options.clone();
        }
        self.refresh_all(plan);
        self.refresh_every_team(plan);
        Ok(())
    }

    pub(crate) fn on_run_stopping(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        why: &Stopping,
    ) -> Result<(), IllegalTransition> {
        match why {
            Stopping::Drain { .. } => {
                self.expect_run(fact, &[RunStatus::Running])?;
                self.status = RunStatus::Draining;
            }
            Stopping::Halt { .. } | Stopping::Rule { .. } => {
                self.expect_run(fact, &[RunStatus::Running, RunStatus::Draining])?;
                self.status = RunStatus::Halting;
            }
            Stopping::Cancel { .. } => {
                let from = [RunStatus::Running, RunStatus::Draining, RunStatus::Halting];
                self.expect_run(fact, &[&from[..], &[RunStatus::Paused]].concat())?;
                self.status = RunStatus::Cancelling;
                self.refresh_all(plan);
            }
        }
        self.stopping = Some(why.clone());
        Ok(())
    }

    pub(crate) fn on_run_paused(&mut self, fact: &Fact) -> Result<(), IllegalTransition> {
        self.expect_run(fact, &[RunStatus::Draining])?;
        self.status = RunStatus::Paused;
        Ok(())
    }

    pub(crate) fn on_run_reopened(
        &mut self,
        plan: &Plan,
        fact: &Fact,
    ) -> Result<(), IllegalTransition> {
        self.expect_run(fact, &[RunStatus::Failed])?;
        self.status = RunStatus::Running;
        self.stopping = None;
        self.finish_told = false;
        self.halt_wanted = None;
        self.ended_ms = None;
        self.refresh_all(plan);
        Ok(())
    }

    pub(crate) fn on_run_ended(
        &mut self,
        fact: &Fact,
        to: RunStatus,
    ) -> Result<(), IllegalTransition> {
        self.expect_run(
            fact,
            &[RunStatus::Running, RunStatus::Draining, RunStatus::Halting],
        )?;
        self.status = to;
        self.ended_ms = Some(self.now_ms);
        Ok(())
    }

    pub(crate) fn on_run_cancelled(
        &mut self,
        plan: &Plan,
        fact: &Fact,
    ) -> Result<(), IllegalTransition> {
        self.expect_run(fact, &[RunStatus::Cancelling])?;
        for node in plan.nodes.ids() {
            if !self.nodes[node].status.is_ended() {
                self.change(plan, fact, node, Move::Cancel, |_| {})?;
            }
        }
        self.status = RunStatus::Cancelled;
        self.ended_ms = Some(self.now_ms);
        self.end_workflows();
        self.refresh_all(plan);
        Ok(())
    }

    pub(crate) fn on_phase(
        &mut self,
        fact: &Fact,
        phase: PhaseId,
        step: PhaseStep,
    ) -> Result<(), IllegalTransition> {
        known(
            self.phases.get(phase).is_some(),
            fact.kind(),
            "phase",
            phase.0,
        )?;
        self.phases_due.remove(&(step, phase));
        self.phases[phase] = match step {
            PhaseStep::Open => PhaseState::Open,
            PhaseStep::Close => PhaseState::Closed,
        };
        Ok(())
    }

    fn expect_run(&self, fact: &Fact, from: &[RunStatus]) -> Result<(), IllegalTransition> {
        if from.contains(&self.status) {
            return Ok(());
        }
        Err(IllegalTransition::Run {
            from: self.status,
            kind: fact.kind(),
        })
    }
}
