//! A task is tried as often as its `retry` says and no more, over all crashes, and a crash in a
//! back-off neither shortens nor renews it.

use coord_lang::ids::NodeId;
use coord_plan::plan::{Plan, Retry};

use super::draft::Draft;
use crate::audit::audit;
use crate::simulation::{Deed, Dice, Finding, Reply, Simulation, World};
use crate::{CheckId, Fact, ItemId, Options, Outcome, State};

/// A world in which nothing works.
struct Fails(Dice);

impl World for Fails {
    fn attempt(&mut self, _: &Plan, _: &State, _: NodeId) -> Option<Deed> {
        Some(Deed {
            takes_ms: self.0.below(500) as i64,
            outcome: Outcome::Exit(1),
            outputs: Default::default(),
        })
    }

    fn check(&mut self, _: &Plan, _: &State, _: CheckId) -> Finding {
        Finding::fine()
    }

    fn replies(&mut self, _: &Plan, _: &State, _: ItemId) -> Vec<Reply> {
        Vec::new()
    }
}

/// Crashes in every back-off of a task that always fails. The number of crashes.
pub fn trial(seed: u64) -> Result<u64, String> {
    let mut dice = Dice(seed ^ 0xBAC0);
    let times = dice.below(6) as u32;
    let mut draft = Draft::new();
    let node = draft.task("t", |task| {
        task.retry = Some(Retry {
            times,
            every_ms: 1_000 + dice.below(9_000) as i64,
            factor_milli: 1_000 + dice.below(2_000) as i64,
            up_to_ms: if dice.percent(50) { 20_000 } else { 0 },
            on_exit: vec![],
            on_timeout: false,
        });
        task.idempotent = dice.percent(50);
    });
    let plan = draft.plan;
    let mut simulation = Simulation::new(&plan, Fails(Dice(seed)), 0);
    (simulation.start("r", Options::default())).map_err(|refusal| refusal.to_string())?;
    let mut crashes = 0;
    loop {
        while let Some(due) = simulation.state().node(node).backoff_until_ms
            && dice.percent(70)
        {
            let now = simulation.now_ms();
            let now = now + dice.below((due - now).max(1) as u64) as i64;
            let events = simulation.events().to_vec();
            simulation = Simulation::recover(&plan, simulation.world, &events, now, vec![])
                .map_err(|illegal| illegal.to_string())?;
            crashes += 1;
            let after = simulation.state().node(node).backoff_until_ms;
            if after != Some(due) {
                return Err(format!(
                    "due at {due} before a crash, at {after:?} after it"
                ));
            }
        }
        if !simulation.advance() {
            break;
        }
    }
    audit(&plan, simulation.events()).map_err(|breach| format!("{breach:?}"))?;
    let attempts = simulation.state().node(node).attempts;
    if attempts != times + 1 {
        return Err(format!("{attempts} attempts of {}", times + 1));
    }
    let mut due = None;
    for event in simulation.events() {
        match event.fact {
            Fact::RetryScheduled { due_ms, .. } => due = Some(due_ms),
            Fact::RetryDue { .. } if due != Some(event.at_ms) => {
                return Err(format!("due at {due:?}, tried at {}", event.at_ms));
            }
            _ => {}
        }
    }
    Ok(crashes)
}
