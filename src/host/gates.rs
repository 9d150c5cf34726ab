//! What stands at gates: looks at what is let through, and checks.
//!
//! A look may read files, which takes its time, and never holds the loop. Of one node there is one
//! look at a time, and whatever needs one waits for its turn: two at once could end in the wrong
//! order.

use crate::control::Asked;
use crate::driver::{DriveError, Driver, Happening, latest, verdict, within};
use crate::subject::Look;
use crate::work::{self, Job};
use coord_engine::{CheckId, Input, ItemId, Place, Status, Subject};
use coord_lang::ids::{AgentId, GateId, Id, NodeId};
use coord_plan::plan::Evidence;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What waits for a look, and goes on when the run knows what it saw.
pub(crate) enum Then {
    Nothing,
    Ask(ItemId),
    Answer(Asked),
    /// Needs no look of its own: only that those before it are over.
    Check(CheckId, GateId),
    Spawn(u32, Vec<AgentId>),
}

/// Looks that are under way.
#[derive(Default)]
pub(crate) struct Looks {
    /// By node; the first of each is for what is being looked at now.
    waiting: BTreeMap<NodeId, VecDeque<Then>>,
    /// Those that are over.
    pub(crate) seen: Vec<Seen>,
}

impl Looks {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// What a look came to.
pub(crate) struct Seen {
    node: NodeId,
    look: Look,
    subject: Subject,
}

impl Driver {
    // ---- looks -------------------------------------------------------------------------------

    /// The node that an open question is about, if a yes to it holds only for what it was given
    /// for.
    pub(crate) fn bound_to(&self, item: ItemId) -> Option<NodeId> {
        let of = self.run.state.item(item)?;
        of.node.filter(|_| of.is_open() && of.is_bound())
    }

    fn look_at(&self, node: NodeId) -> Option<Look> {
        Look::at(&self.home, &self.run, node, &self.environment)
    }

    /// Looks at what is let through, tells the engine, and goes on with `then`.
    pub(crate) fn look(&mut self, node: NodeId, then: Then) -> Result<(), DriveError> {
        if let Some(waiting) = self.looks.waiting.get_mut(&node) {
            waiting.push_back(then);
            return Ok(());
        }
        match self.look_at(node) {
            None => self.go_on(node, then),
            Some(look) if look.is_quick() => {
                self.looked(node, look.subject())?;
                self.go_on(node, then)
            }
            Some(look) => {
                self.looks.waiting.insert(node, VecDeque::from([then]));
                self.read(node, look);
                Ok(())
            }
        }
    }

    fn read(&self, node: NodeId, look: Look) {
        let sender = self.sender.clone();
        let _reading = tokio::task::spawn_blocking(move || {
            let subject = look.subject();
            let seen = Seen {
                node,
                look,
                subject,
            };
            let _loop_is_gone = sender.send(Happening::Looked(seen));
        });
    }

    /// Looks that are over: the engine is told, and what waited for them goes on.
    pub(crate) fn see_looks(&mut self) -> Result<(), DriveError> {
        for seen in std::mem::take(&mut self.looks.seen) {
            let node = seen.node;
            // the run went on meanwhile: only what would be looked at now counts
            match self.look_at(node) {
                Some(now) if now != seen.look => {
                    self.read(node, now);
                    continue;
                }
                Some(_) => self.looked(node, seen.subject)?,
                None => {}
            }
            let mut waiting = self.looks.waiting.remove(&node).unwrap_or_default();
            if let Some(then) = waiting.pop_front() {
                self.go_on(node, then)?;
            }
            for then in waiting {
                match then {
                    Then::Check(check, gate) => self.check_after_looks(check, node, gate),
                    then => self.look(node, then)?,
                }
            }
        }
        Ok(())
    }

    /// A run that is over meanwhile does not hear of it.
    fn looked(&mut self, node: NodeId, subject: Subject) -> Result<(), DriveError> {
        match self.step(Input::Looked { node, subject }) {
            Ok(events) => self.append(events),
            Err(_) => Ok(()),
        }
    }

    fn go_on(&mut self, node: NodeId, then: Then) -> Result<(), DriveError> {
        match then {
            Then::Nothing => Ok(()),
            Then::Ask(item) => self.ask(item),
            Then::Answer(asked) => self.answer(asked),
            Then::Check(check, gate) => {
                self.run_check(check, node, gate);
                Ok(())
            }
            Then::Spawn(attempt, agents) => {
                // it may have ended meanwhile, or not be let through any more
                let of = self.run.state.node(node);
                let waits = self.run.state.stage(&self.run.plan, node) == Some(Place::Before);
                let at_work = of.status == Status::InProgress && of.attempt_number() == attempt;
                match waits && at_work {
                    true => self.spawn(node, attempt, &agents),
                    false => Ok(()),
                }
            }
        }
    }

    /// What was let through is looked at once more before it starts.
    pub(crate) fn spawn_after_look(
        &mut self,
        node: NodeId,
        attempt: u32,
        agents: Vec<AgentId>,
    ) -> Result<(), DriveError> {
        match self.run.state.stage(&self.run.plan, node) {
            Some(_) => self.look(node, Then::Spawn(attempt, agents)),
            None => self.spawn(node, attempt, &agents),
        }
    }

    // ---- checks ------------------------------------------------------------------------------

    /// A check finds what its gate is known to look at.
    pub(crate) fn check_after_looks(&mut self, check: CheckId, node: NodeId, gate: GateId) {
        match self.looks.waiting.get_mut(&node) {
            Some(waiting) => waiting.push_back(Then::Check(check, gate)),
            None => self.run_check(check, node, gate),
        }
    }

    /// A check is no longer wanted, and has not begun.
    pub(crate) fn end_check_unbegun(&mut self, check: CheckId) {
        for waiting in self.looks.waiting.values_mut() {
            waiting.retain(|then| !matches!(then, Then::Check(other, _) if *other == check));
        }
        self.send(Happening::CheckEnded {
            check,
            passed: false,
            evidence: "ended".into(),
        });
    }

    fn run_check(&mut self, check: CheckId, node: NodeId, gate: GateId) {
        let plan = Arc::clone(&self.run.plan);
        let Some(of) = plan.gates[gate].checks.get(check.check as usize) else {
            return;
        };
        match &of.evidence {
            Evidence::Exists(path) => {
                let there = self.ground_of_gate(node).join(path).exists();
                let evidence = if there {
                    format!("`{path}` is there")
                } else {
                    format!("`{path}` is not there")
                };
                self.send(Happening::CheckEnded {
                    check,
                    passed: there,
                    evidence,
                });
            }
            Evidence::Run(program) => self.run_check_program(check, node, gate, program),
            // decided by the engine, or by people
            Evidence::When(_) | Evidence::Person(_) => {}
        }
    }

    fn run_check_program(
        &mut self,
        check: CheckId,
        node: NodeId,
        gate: GateId,
        program: &coord_plan::plan::Program,
    ) {
        let plan = &self.run.plan;
        let stem = format!(
            "gate.{}.{}.{}.{}",
            plan.gates[gate].name, plan.nodes[node].name, check.check, check.round
        );
        let log = self.logs.join(format!("{stem}.{}.log", check.gate.index()));
        let Ok(argv) = work::argv(program, &self.logs.join(format!("{stem}.script"))) else {
            self.send(Happening::CheckEnded {
                check,
                passed: false,
                evidence: "the script cannot be written".into(),
            });
            return;
        };
        let mut env = self.environment.clone();
        for (key, value) in [
            ("COORD_TASK", plan.nodes[node].name.clone()),
            ("COORD_GATE", plan.gates[gate].name.clone()),
        ] {
            env.push((key.into(), value.into()));
        }
        let ground = self.ground_of_gate(node);
        let cwd = within(&ground, plan.task(node).and_then(|t| t.dir.as_deref()));
        if ground == self.run.meta.root {
            self.disturbed.set(true);
        }
        let job = Job {
            argv,
            env: latest(env),
            cwd,
            log,
            outputs: None,
            grace: self.grace,
            viewer: None,
            masker: self.vault.masker(),
        };
        let (stop, stopped) = mpsc::unbounded_channel();
        self.checks.insert(check, stop);
        let sender = self.sender.clone();
        let Some(reaper) = self.reaper.clone() else {
            self.send(Happening::CheckEnded {
                check,
                passed: false,
                evidence: "no program can be started here".into(),
            });
            return;
        };
        let _check = tokio::task::spawn_local(async move {
            let finished = work::run(&reaper, job, stopped, |_| {}).await;
            let (passed, evidence) = verdict(&finished);
            let _loop_is_gone = sender.send(Happening::CheckEnded {
                check,
                passed,
                evidence,
            });
        });
    }
}
