//! What rules have the host do: run their programs, take work back, tell people.

use crate::driver::{Driver, Happening, latest, verdict, with_secrets};
use crate::work::{self, Job};
use coord_engine::{About, Action, DutyId};
use coord_lang::ids::NodeId;
use coord_plan::plan::Program;
use std::ffi::OsString;
use std::sync::Arc;
use tokio::sync::mpsc;

impl Driver {
    pub(crate) fn perform_rule(&mut self, seq: i64, action: Action) {
        match action {
            Action::RunProgram { duty } => self.run_duty(duty),
            Action::Undo { node } => self.run_undo(node),
            Action::Tell {
                of,
                via,
                about,
                text,
            } => self.tell(seq, &of, via, &about, &text),
            Action::Digest { sync } => self.write_digest(seq, sync),
            Action::Record {
                domain,
                by,
                title,
                text,
            } => self.write_decision(seq, domain, by.as_deref(), &title, &text),
            Action::Measure { metric } => self.measure(metric),
            Action::CheckHealth { agent } => self.check_health(agent),
            Action::HandOver { situation } => self.write_handoff(seq, situation),
            Action::Land { node, attempt } => self.land(node, attempt),
            Action::Spawn { .. }
            | Action::RunCheck { .. }
            | Action::Terminate { .. }
            | Action::TerminateCheck { .. }
            | Action::Look { .. }
            | Action::Notify { .. } => {}
        }
    }

    fn run_duty(&mut self, duty: DutyId) {
        let plan = Arc::clone(&self.run.plan);
        let state = &self.run.state;
        let about = state.duty_about(duty).cloned().unwrap_or_default();
        let Some(program) = state.duty_program(&plan, duty) else {
            return;
        };
        let number = state.duty_number(duty);
        let env = self.rule_environment(&about);
        self.run_program(
            program,
            &format!("action.{}.{number}", duty.0),
            env,
            None,
            move |ok, evidence| Happening::ActionEnded { duty, ok, evidence },
        );
    }

    fn run_undo(&mut self, node: NodeId) {
        let plan = Arc::clone(&self.run.plan);
        let Some(task) = plan.task(node) else { return };
        let Some(program) = task.more.as_ref().and_then(|more| more.undo.as_ref()) else {
            return;
        };
        let name = &plan.nodes[node].name;
        let attempt = self.run.state.node(node).attempt.as_ref();
        let agents = attempt.map(|a| a.agents.clone()).unwrap_or_default();
        let secrets = match self.vault.of_attempt(&plan, task, &agents) {
            Ok(secrets) => secrets,
            Err(error) => {
                self.programs += 1;
                let evidence = error.to_string();
                return self.send(Happening::UndoEnded {
                    node,
                    ok: false,
                    evidence,
                });
            }
        };
        let outputs = self.logs.join(format!("{name}.undo.outputs"));
        let env = self.task_environment(&plan, node, task, &agents, &outputs);
        let env = with_secrets(env, secrets);
        self.run_program(
            program,
            &format!("{name}.undo"),
            env,
            task.dir.as_deref(),
            move |ok, evidence| Happening::UndoEnded { node, ok, evidence },
        );
    }

    /// What it is about, for a program of a rule.
    fn rule_environment(&self, about: &About) -> Vec<(OsString, OsString)> {
        let plan = &self.run.plan;
        let mut env = self.environment.clone();
        let mut set = |key: &str, value: String| env.push((key.into(), value.into()));
        let names: Vec<&str> = (about.agents.iter())
            .map(|a| plan.agents[*a].name.as_str())
            .collect();
        set("COORD_AGENT", names.join(","));
        if let Some(node) = about.node {
            set("COORD_TASK", plan.nodes[node].name.clone());
        }
        if let Some(gate) = about.gate {
            set("COORD_GATE", plan.gates[gate].name.clone());
        }
        if let Some(resource) = about.resource {
            set("COORD_RESOURCE", plan.resources[resource].name.clone());
        }
        env
    }

    fn run_program(
        &mut self,
        program: &Program,
        stem: &str,
        env: Vec<(OsString, OsString)>,
        dir: Option<&str>,
        end: impl FnOnce(bool, String) -> Happening + 'static,
    ) {
        self.programs += 1;
        self.disturbed.set(true);
        let argv = match work::argv(program, &self.logs.join(format!("{stem}.script"))) {
            Ok(argv) => argv,
            Err(error) => {
                return self.send(end(false, format!("the script cannot be written: {error}")));
            }
        };
        let job = Job {
            argv,
            env: latest(env),
            cwd: self.folder(dir),
            log: self.logs.join(format!("{stem}.log")),
            outputs: None,
            grace: self.grace,
            viewer: None,
            masker: self.vault.masker(),
        };
        let Some(reaper) = self.reaper.clone() else {
            return self.send(end(false, "no program can be started here".into()));
        };
        let sender = self.sender.clone();
        let _program = tokio::task::spawn_local(async move {
            // held until the end: nobody stops it half-way
            let (_stop, stopped) = mpsc::unbounded_channel();
            let finished = work::run(&reaper, job, stopped, |_| {}).await;
            let (ok, evidence) = verdict(&finished);
            let _loop_is_gone = sender.send(end(ok, evidence));
        });
    }
}
