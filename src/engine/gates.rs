//! Gates: checks in written order, then approvals; bound to what they guard and to the attempt.
//!
//! Gates of a node go one after the other. `requires` gates are passed once, before the first
//! attempt; `ensures` gates are passed anew by every attempt. A no to an approval makes a task
//! that has done its work do it again; before work, and for a sync, it fails the gate. A no is
//! never a mere warning, whatever `on fail` says: that speaks of checks.

use coord_lang::expr::Outcome as Truth;
use coord_lang::ids::{GateId, Id, NodeId};
use coord_plan::plan::{Check, Evidence, GateFailure, Plan};

use crate::apply::known;
use crate::duty::{Source, escalates};
use crate::event::Fact;
use crate::gate_run::{CheckId, CheckResult, Due, GateRun, GateRunId, GateStage, Place};
use crate::item::{Ask, ItemId};
use crate::occasion::{Kind, Occasion};
use crate::outcome::{Doom, Ending, FailReason, GateFault};
use crate::refusal::Refusal;
use crate::scope::Values;
use crate::situation::Pending;
use crate::state::State;
use crate::status::{IllegalTransition, RunStatus};
use crate::turn::Turn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateStep {
    /// A check that the machine evaluates itself.
    Evaluate,
    AskConfirmation,
    TakeConfirmation(ItemId),
    AfterFailure,
    Refused(ItemId),
    AskApproval,
    Overrule,
    Pass,
}

impl State {
    /// What the gate is waiting for the machine to do; None: for a check, or for people.
    pub(crate) fn gate_step(&self, run: GateRunId) -> Option<GateStep> {
        let gate = &self.gate_runs[run];
        match gate.stage {
            GateStage::CheckDue => self.due_step(run),
            GateStage::CheckAsked(item) => {
                let answered = self.items[item].deciding().is_some();
                answered.then_some(GateStep::TakeConfirmation(item))
            }
            GateStage::CheckFailed => Some(GateStep::AfterFailure),
            GateStage::Overruled => Some(GateStep::Overrule),
            GateStage::Approving => self.approving_step(run),
            GateStage::CheckAtWork
            | GateStage::Held
            | GateStage::Passed
            | GateStage::Warned
            | GateStage::Failed
            | GateStage::Dropped => None,
        }
    }

    /// Checks for the host stand in `checks_due` instead.
    fn due_step(&self, run: GateRunId) -> Option<GateStep> {
        match self.gate_runs[run].due {
            Due::Machine => Some(GateStep::Evaluate),
            Due::Person => Some(GateStep::AskConfirmation),
            Due::Host => None,
        }
    }

    fn approving_step(&self, run: GateRunId) -> Option<GateStep> {
        let gate = &self.gate_runs[run];
        if let Some(item) = gate.asking.rejected {
            return Some(GateStep::Refused(item));
        }
        if gate.asking.asked < gate.approvals {
            return Some(GateStep::AskApproval);
        }
        (gate.asking.settled == gate.approvals).then_some(GateStep::Pass)
    }
}

fn due(check: &Check) -> Due {
    match check.evidence {
        Evidence::When(_) => Due::Machine,
        Evidence::Person(_) => Due::Person,
        Evidence::Run(_) | Evidence::Exists(_) => Due::Host,
    }
}

impl Turn<'_> {
    pub(crate) fn open_gate(&mut self, node: NodeId, gate: GateId, place: Place) {
        let run = GateRunId::from_index(self.state.gate_runs.len());
        self.emit(Fact::GateOpened {
            run,
            node,
            gate,
            place,
        });
    }

    pub(crate) fn advance_gate(&mut self, run: GateRunId) {
        let node = self.state.gate_runs[run].node;
        match self.state.gate_step(run) {
            Some(GateStep::Evaluate) => self.evaluate(run),
            Some(GateStep::AskConfirmation) => self.ask_confirmation(run),
            Some(GateStep::TakeConfirmation(item)) => self.take_confirmation(run, item),
            Some(GateStep::AfterFailure) => self.after_failed_check(run),
            Some(GateStep::Refused(item)) => self.after_refusal(run, item),
            Some(GateStep::AskApproval) => {
                let (gate, next) = (
                    self.state.gate_runs[run].gate,
                    self.state.gate_runs[run].asking.asked,
                );
                let approval = &self.plan.gates[gate].approvals[next as usize];
                self.ask_to_approve(node, Some(run), next, approval);
            }
            Some(GateStep::Overrule) => {
                let why = self.fault(run);
                self.emit(Fact::GateWarned { run, node, why });
            }
            Some(GateStep::Pass) => self.emit(Fact::GatePassed { run, node }),
            None => {}
        }
    }

    /// Hands a check to the host while there is room among the cores.
    pub(crate) fn start_check(&mut self) -> bool {
        let room = self.state.checks_at_work.len() < self.state.options.cores.max(1) as usize;
        if self.state.status != RunStatus::Running || !room {
            return false;
        }
        let Some(run) = self.state.checks_due.first().copied() else {
            return false;
        };
        let gate = &self.state.gate_runs[run];
        let (check, node) = (gate.current(run), gate.node);
        self.emit(Fact::CheckStarted { check, node });
        true
    }

    pub(crate) fn take_check(
        &mut self,
        check: CheckId,
        passed: bool,
        evidence: String,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        let run = self.state.gate_runs.get(check.gate);
        let at_work = self.state.checks_at_work.contains(&check.gate);
        match run.filter(|run| at_work && run.current(check.gate) == check) {
            Some(run) => {
                let node = run.node;
                self.emit(Fact::CheckEnded {
                    check,
                    node,
                    passed,
                    evidence,
                });
                Ok(())
            }
            None => Err(Refusal::NotThisCheck { check }),
        }
    }

    fn evaluate(&mut self, run: GateRunId) {
        let gate = &self.state.gate_runs[run];
        let (check, node) = (gate.current(run), gate.node);
        let checks = &self.plan.gates[gate.gate].checks;
        let Evidence::When(expr) = &checks[gate.check as usize].evidence else {
            return;
        };
        let values = Values {
            plan: self.plan,
            state: self.state,
            about: None,
        };
        let (passed, evidence) = match expr.holds(&values) {
            Truth::True => (true, expr.explain(&values)),
            Truth::False => (false, expr.explain(&values)),
            Truth::Unknown(why) => (false, why),
        };
        self.emit(Fact::CheckEnded {
            check,
            node,
            passed,
            evidence,
        });
    }

    fn ask_confirmation(&mut self, run: GateRunId) {
        let gate = &self.state.gate_runs[run];
        let (node, check) = (gate.node, gate.check);
        let evidence = &self.plan.gates[gate.gate].checks[check as usize].evidence;
        let of = match evidence {
            Evidence::Person(of) => of.clone(),
            Evidence::Run(_) | Evidence::When(_) | Evidence::Exists(_) => Vec::new(),
        };
        self.ask(node, Ask::Confirm { gate: run, check }, of, None);
    }

    fn take_confirmation(&mut self, run: GateRunId, item: ItemId) {
        let gate = &self.state.gate_runs[run];
        let (check, node) = (gate.current(run), gate.node);
        let Some(answer) = self.state.items[item].deciding() else {
            return;
        };
        let (passed, evidence) = (answer.verdict.agrees(), answer.note.clone());
        self.emit(Fact::CheckEnded {
            check,
            node,
            passed,
            evidence,
        });
    }

    fn after_failed_check(&mut self, run: GateRunId) {
        let gate = &self.state.gate_runs[run];
        let (node, round) = (gate.node, gate.round);
        let why = self.fault(run);
        match self.plan.gates[gate.gate].on_fail {
            GateFailure::Retry(more) if round <= more => {
                self.emit(Fact::GateRetried {
                    run,
                    node,
                    round: round + 1,
                });
            }
            GateFailure::Halt | GateFailure::Retry(_)
                if escalates(&self.plan.gates[gate.gate].on_fail_do) =>
            {
                self.emit(Fact::GateHeld { run, node, why });
            }
            GateFailure::Halt | GateFailure::Retry(_) => {
                self.emit(Fact::GateFailed { run, node, why });
            }
            GateFailure::Warn => self.emit(Fact::GateWarned { run, node, why }),
        }
    }

    fn fault(&self, run: GateRunId) -> GateFault {
        let gate = &self.state.gate_runs[run];
        let last = gate.results.last();
        GateFault::Check {
            check: gate.check,
            evidence: last.map_or(String::new(), |r| r.evidence.clone()),
        }
    }

    fn after_refusal(&mut self, run: GateRunId, item: ItemId) {
        let gate = &self.state.gate_runs[run];
        let (node, place) = (gate.node, gate.place);
        match place {
            Place::After => self.rework(node, item),
            Place::Before | Place::Sync => {
                self.emit(Fact::GateFailed {
                    run,
                    node,
                    why: GateFault::Rejected { item },
                });
            }
        }
    }
}

/// The folds of `gate.*` and `check.*`.
impl State {
    pub(crate) fn on_gate_opened(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        node: NodeId,
        gate: GateId,
        place: Place,
    ) -> Result<(), IllegalTransition> {
        known(gate.index() < plan.gates.len(), fact.kind(), "gate", gate.0)?;
        let state = &mut self.nodes[node];
        if state.gate.is_some() || state.status.is_ended() {
            let from = state.status;
            return Err(IllegalTransition::Node {
                node,
                from,
                kind: fact.kind(),
            });
        }
        let mut run = GateRun::new(node, gate, place, state.attempt_number());
        run.approvals = plan.gates[gate].approvals.len() as u32;
        let id = self.gate_runs.push(run);
        self.nodes[node].gate = Some(id);
        self.stand_at_check(plan, id);
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_gate_retried(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        run: GateRunId,
        round: u32,
    ) -> Result<(), IllegalTransition> {
        self.expect_stage(fact, run, |stage| *stage == GateStage::CheckFailed)?;
        self.gate_runs[run].round = round;
        self.gate_runs[run].check = 0;
        self.stand_at_check(plan, run);
        self.refresh(plan, self.gate_runs[run].node);
        Ok(())
    }

    /// Passed or warned: its node goes on to the next gate.
    pub(crate) fn on_gate_settled(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        run: GateRunId,
        stage: GateStage,
    ) -> Result<(), IllegalTransition> {
        self.expect_stage(fact, run, |stage| {
            matches!(
                stage,
                GateStage::Approving | GateStage::CheckFailed | GateStage::Overruled
            )
        })?;
        self.gate_runs[run].stage = stage;
        let node = self.gate_runs[run].node;
        let state = &mut self.nodes[node];
        state.gate = None;
        match self.gate_runs[run].place {
            Place::Before => state.requires_passed += 1,
            Place::After | Place::Sync => state.ensures_passed += 1,
        }
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_gate_failed(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        run: GateRunId,
        why: &GateFault,
    ) -> Result<(), IllegalTransition> {
        self.expect_stage(fact, run, |stage| {
            matches!(stage, GateStage::Approving | GateStage::CheckFailed)
        })?;
        let gate = self.gate_runs[run].gate;
        let node = self.gate_runs[run].node;
        self.drop_gate(plan, node);
        self.gate_runs[run].stage = GateStage::Failed;
        let ending = Ending::Failed(FailReason::Gate {
            gate,
            why: why.clone(),
        });
        self.nodes[node].doom = Some(Box::new(Doom {
            ending,
            halts: false,
        }));
        let on = Occasion::Gate(run);
        self.begins(plan, Kind::GateFailed, on);
        let about = self.about(plan, on);
        self.add_duties(plan, Source::Gate(gate), about);
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_gate_held(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        run: GateRunId,
    ) -> Result<(), IllegalTransition> {
        self.expect_stage(fact, run, |stage| *stage == GateStage::CheckFailed)?;
        self.gate_runs[run].stage = GateStage::Held;
        self.begins(plan, Kind::GateFailed, Occasion::Gate(run));
        let gate = self.gate_runs[run].gate;
        self.hold_for_people(plan, Source::Gate(gate), Pending::Gate(run));
        self.refresh(plan, self.gate_runs[run].node);
        Ok(())
    }

    pub(crate) fn on_check_started(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        check: CheckId,
    ) -> Result<(), IllegalTransition> {
        self.expect_check(fact, check)?;
        self.expect_stage(fact, check.gate, |stage| *stage == GateStage::CheckDue)?;
        self.gate_runs[check.gate].stage = GateStage::CheckAtWork;
        self.checks_due.remove(&check.gate);
        self.checks_at_work.insert(check.gate);
        self.refresh(plan, self.gate_runs[check.gate].node);
        Ok(())
    }

    pub(crate) fn on_check_interrupted(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        check: CheckId,
    ) -> Result<(), IllegalTransition> {
        self.expect_check(fact, check)?;
        self.forget_check(check.gate);
        if self.gate_runs[check.gate].stage == GateStage::CheckAtWork {
            self.stand_at_check(plan, check.gate);
        }
        self.refresh(plan, self.gate_runs[check.gate].node);
        Ok(())
    }

    pub(crate) fn on_check_terminating(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        check: CheckId,
        node: NodeId,
    ) -> Result<(), IllegalTransition> {
        self.expect_check(fact, check)?;
        self.nodes[node].leftovers.check = None;
        self.refresh(plan, node);
        Ok(())
    }

    pub(crate) fn on_check_ended(
        &mut self,
        plan: &Plan,
        fact: &Fact,
        check: CheckId,
        passed: bool,
        evidence: &str,
    ) -> Result<(), IllegalTransition> {
        self.expect_check(fact, check)?;
        self.expect_stage(fact, check.gate, |stage| match stage {
            GateStage::CheckDue
            | GateStage::CheckAtWork
            | GateStage::CheckAsked(_)
            | GateStage::Failed
            | GateStage::Dropped => true,
            GateStage::CheckFailed
            | GateStage::Approving
            | GateStage::Held
            | GateStage::Overruled
            | GateStage::Passed
            | GateStage::Warned => false,
        })?;
        self.forget_check(check.gate);
        let run = &mut self.gate_runs[check.gate];
        let (number, round) = (check.check, check.round);
        run.results.push(CheckResult {
            check: number,
            round,
            passed,
            evidence: evidence.into(),
        });
        if run.is_open() {
            self.after_check(plan, check.gate, passed);
        }
        self.refresh(plan, self.gate_runs[check.gate].node);
        Ok(())
    }

    fn after_check(&mut self, plan: &Plan, run: GateRunId, passed: bool) {
        if passed {
            self.gate_runs[run].check += 1;
            self.stand_at_check(plan, run);
        } else {
            self.gate_runs[run].stage = GateStage::CheckFailed;
        }
    }

    /// Puts the gate before its next check, or before its approvals.
    pub(crate) fn stand_at_check(&mut self, plan: &Plan, run: GateRunId) {
        let gate = &mut self.gate_runs[run];
        self.checks_due.remove(&run);
        match plan.gates[gate.gate].checks.get(gate.check as usize) {
            None => gate.stage = GateStage::Approving,
            Some(check) => {
                gate.stage = GateStage::CheckDue;
                gate.due = due(check);
                if gate.due == Due::Host {
                    self.checks_due.insert(run);
                }
            }
        }
    }

    /// What the open gate of a node guards ends another way.
    pub(crate) fn drop_gate(&mut self, plan: &Plan, node: NodeId) {
        let Some(run) = self.nodes[node].gate.take() else {
            return;
        };
        let gate = &mut self.gate_runs[run];
        let asked = gate
            .asked_check()
            .filter(|item| self.items[*item].is_open());
        let leftovers = &mut self.nodes[node].leftovers;
        leftovers.items.extend(asked);
        leftovers.items.append(&mut gate.asking.open);
        leftovers.check = self.checks_at_work.contains(&run).then_some(run);
        gate.stage = GateStage::Dropped;
        self.checks_due.remove(&run);
        self.refresh(plan, node);
    }

    fn forget_check(&mut self, run: GateRunId) {
        self.checks_at_work.remove(&run);
        let leftovers = &mut self.nodes[self.gate_runs[run].node].leftovers;
        if leftovers.check == Some(run) {
            leftovers.check = None;
        }
    }

    fn expect_check(&self, fact: &Fact, check: CheckId) -> Result<(), IllegalTransition> {
        self.expect_gate(fact, check.gate)?;
        if self.gate_runs[check.gate].current(check.gate) == check {
            return Ok(());
        }
        Err(IllegalTransition::Gate {
            run: check.gate.0,
            kind: fact.kind(),
        })
    }

    /// The gate run is there and is about the node that the fact is about.
    pub(crate) fn expect_gate(&self, fact: &Fact, run: GateRunId) -> Result<(), IllegalTransition> {
        let gate = self.gate_runs.get(run);
        let fits = gate.is_some_and(|gate| fact.subject() == Some(gate.node));
        known(fits, fact.kind(), "gate run", run.0)
    }

    fn expect_stage(
        &self,
        fact: &Fact,
        run: GateRunId,
        fits: impl FnOnce(&GateStage) -> bool,
    ) -> Result<(), IllegalTransition> {
        self.expect_gate(fact, run)?;
        if fits(&self.gate_runs[run].stage) {
            return Ok(());
        }
        Err(IllegalTransition::Gate {
            run: run.0,
            kind: fact.kind(),
        })
    }
}
