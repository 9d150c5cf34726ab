//! Health checks of agents: their program, with as much time as lies between two checks.

use crate::driver::{Driver, Happening, latest, verdict};
use crate::work::{self, Job};
use coord_lang::ids::AgentId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A check that takes longer than the time between two, or than this, has failed.
const PATIENCE: Duration = Duration::from_secs(60);

impl Driver {
    /// The run does not wait for its end, and the next one waits for this one.
    pub(crate) fn check_health(&mut self, agent: AgentId) {
        let plan = Arc::clone(&self.run.plan);
        let of = &plan.agents[agent];
        let health = of.profile.as_ref().and_then(|of| of.health.as_ref());
        let (Some(health), Some(reaper)) = (health, self.reaper.clone()) else {
            return;
        };
        if !self.checking.insert(agent) {
            return;
        }
        let stem = format!("health.{}", of.name);
        let (well, evidence) = (false, "the script cannot be written".to_string());
        let Ok(argv) = work::argv(&health.program, &self.logs.join(format!("{stem}.script")))
        else {
            return self.send(Happening::HealthChecked {
                agent,
                well,
                evidence,
            });
        };
        let mut env = self.environment.clone();
        env.push(("COORD_AGENT".into(), of.name.clone().into()));
        env.extend(of.env.iter().map(|(k, v)| (k.into(), v.into())));
        let job = Job {
            argv,
            env: latest(env),
            cwd: self.folder(None),
            log: self.logs.join(format!("{stem}.log")),
            outputs: None,
            grace: self.grace,
            viewer: None,
            masker: self.vault.masker(),
        };
        let patience = PATIENCE.min(Duration::from_millis(health.every_ms.max(1_000) as u64));
        let sender = self.sender.clone();
        let _check = tokio::task::spawn_local(async move {
            // held until the end: dropping the work ends the program
            let (_stop, stopped) = mpsc::unbounded_channel();
            let working = work::run(&reaper, job, stopped, |_| {});
            let (well, evidence) = match tokio::time::timeout(patience, working).await {
                Ok(finished) => verdict(&finished),
                Err(_) => (
                    false,
                    format!("no answer within {}ms", patience.as_millis()),
                ),
            };
            let _loop_is_gone = sender.send(Happening::HealthChecked {
                agent,
                well,
                evidence,
            });
        });
    }
}
