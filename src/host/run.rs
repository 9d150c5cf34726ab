//! A run in its journal: made, read back, folded.

use crate::home::Home;
use crate::journal::{Journal, JournalError, JournalRead, RunKey, RunRow, RunSummary};
use crate::record;
use crate::snapshot;
use coord_engine::{Event, State, apply};
use coord_plan::plan::Plan;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// What the creator of a run keeps beside its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The folder that the project's paths are relative to.
    pub root: PathBuf,
    /// The version of the program that made it.
    pub coord: String,
    /// Where tasks that work apart have their worktrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<crate::ground::Repository>,
    /// What they do stays on branches of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_land: bool,
}

/// A run read back: its plan and the state after every durable event.
#[derive(Clone)]
pub struct Run {
    /// Its number in the journal.
    pub key: RunKey,
    /// Its name, as `coord runs` lists it.
    pub id: String,
    /// The project's file, as it was named.
    pub file: String,
    /// When it was made, in ms since 1970 UTC.
    pub created_at_ms: i64,
    /// Of all texts of the project.
    pub source_digest: String,
    /// What its creator kept beside the plan.
    pub meta: Meta,
    /// What it is pinned to.
    pub plan: Arc<Plan>,
    /// After every durable event.
    pub state: State,
    /// The last event of this run.
    pub last_seq: i64,
    /// How many there are.
    pub events: u64,
    /// How many of them were read as a snapshot.
    pub skipped: u64,
}

#[derive(Debug, Error)]
pub enum RunError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("there is no run `{0}`")]
    Unknown(String),
    #[error("run `{run}` was made by a newer coord (plan version {found}, known is {known})")]
    Newer { run: String, found: u32, known: u32 },
    #[error("run `{run}` is damaged at event {seq}: {what}")]
    Damaged { run: String, seq: i64, what: String },
    #[error("the plan of run `{run}` is damaged: {what}")]
    Plan { run: String, what: String },
}

impl Run {
    /// Reads and verifies a run, every event of it.
    ///
    /// Of a long run with a snapshot only the events behind it: the snapshot is what all before it
    /// came to when they were read, and names the last of them by its link.
    pub fn load(journal: &dyn JournalRead, id: &str) -> Result<Run, RunError> {
        Run::read(journal, id, true, &mut |_, _, _, _| {})
    }

    /// The same, showing each event with its number after it was applied.
    pub fn load_with(
        journal: &dyn JournalRead,
        id: &str,
        see: &mut dyn FnMut(&Plan, i64, &Event),
    ) -> Result<Run, RunError> {
        Run::fold(journal, id, &mut |plan, _, seq, event| {
            see(plan, seq, event)
        })
    }

    /// The same, showing the state after each event, too.
    pub fn fold(
        journal: &dyn JournalRead,
        id: &str,
        see: &mut dyn FnMut(&Plan, &State, i64, &Event),
    ) -> Result<Run, RunError> {
        Run::read(journal, id, false, see)
    }

    fn read(
        journal: &dyn JournalRead,
        id: &str,
        may_skip: bool,
        see: &mut dyn FnMut(&Plan, &State, i64, &Event),
    ) -> Result<Run, RunError> {
        let stored = journal
            .run(id)?
            .ok_or_else(|| RunError::Unknown(id.to_string()))?;
        let plan = plan_of(id, &stored.row)?;
        let snapshot = may_skip
            .then(|| snapshot::load(journal, stored.run, id, &plan))
            .flatten();
        let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let skipped = snapshot.as_ref().map_or(0, |snapshot| snapshot.events);
        let (mut state, mut last_seq, mut events) = match snapshot {
            Some(of) => (of.state, of.seq, of.events),
            None => (State::new(&plan), stored.after_seq, 0),
        };
        let mut damage = None;
        journal.visit_events(stored.run, from, &mut |view| {
            let seq = view.seq;
            let applied = record::event(view).and_then(|event| {
                apply(&plan, &mut state, &event).map_err(|e| e.to_string())?;
                see(&plan, &state, seq, &event);
                Ok(())
            });
            match applied {
                Ok(()) => {
                    last_seq = seq;
                    events += 1;
                    ControlFlow::Continue(())
                }
                Err(what) => {
                    damage = Some((seq, what));
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some((seq, what)) = damage {
            return Err(RunError::Damaged {
                run: id.to_string(),
                seq,
                what,
            });
        }
        let meta = serde_json::from_str(&stored.row.meta).unwrap_or_default();
        Ok(Run {
            key: stored.run,
            id: id.to_string(),
            file: stored.row.file,
            created_at_ms: stored.row.created_at_ms,
            source_digest: stored.row.source_digest,
            meta,
            plan: Arc::new(plan),
            state,
            last_seq,
            events,
            skipped,
        })
    }

    /// Where this run keeps its logs.
    pub fn logs(&self, home: &Home) -> PathBuf {
        logs(home, &self.id)
    }
}

/// Where a run keeps its logs.
pub fn logs(home: &Home, run: &str) -> PathBuf {
    home.path().join("logs").join(run)
}

/// Where a run keeps copies of what its tasks produced.
pub fn artifacts(home: &Home, run: &str) -> PathBuf {
    home.path().join("artifacts").join(run)
}

/// Where a run keeps patches of work that did not land.
pub fn patches(home: &Home, run: &str) -> PathBuf {
    home.path().join("patches").join(run)
}

/// Where everything that was ever produced is kept, under its digest.
pub fn store(home: &Home) -> PathBuf {
    home.path().join("artifacts").join("blake3")
}

fn plan_of(id: &str, row: &RunRow) -> Result<Plan, RunError> {
    #[derive(Deserialize)]
    struct Version {
        ir: u32,
    }
    let damaged = |e: serde_json::Error| RunError::Plan {
        run: id.to_string(),
        what: e.to_string(),
    };
    let version: Version = serde_json::from_slice(&row.plan).map_err(damaged)?;
    if version.ir > coord_plan::plan::IR {
        return Err(RunError::Newer {
            run: id.to_string(),
            found: version.ir,
            known: coord_plan::plan::IR,
        });
    }
    serde_json::from_slice(&row.plan).map_err(damaged)
}

/// What a new run is made of.
pub struct NewRun {
    pub id: String,
    pub file: String,
    pub source_digest: String,
    pub meta: Meta,
    pub plan: Plan,
}

impl NewRun {
    /// Stores the run; its first events may follow at once.
    pub fn create(self, journal: &mut dyn Journal) -> Result<Run, RunError> {
        let created_at_ms = crate::clock::wall_ms();
        let plan = serde_json::to_vec(&self.plan).map_err(|e| RunError::Plan {
            run: self.id.clone(),
            what: e.to_string(),
        })?;
        let row = RunRow {
            id: self.id.clone(),
            created_at_ms,
            file: self.file.clone(),
            source_digest: self.source_digest.clone(),
            plan,
            meta: serde_json::to_string(&self.meta).unwrap_or_default(),
        };
        let key = journal.create_run(row, Box::new(|_| {}))?;
        let state = State::new(&self.plan);
        Ok(Run {
            key,
            id: self.id,
            file: self.file,
            created_at_ms,
            source_digest: self.source_digest,
            meta: self.meta,
            plan: Arc::new(self.plan),
            state,
            last_seq: 0,
            events: 0,
            skipped: 0,
        })
    }
}

/// The next free name of the form `2026-11-21-1`.
pub fn next_id(runs: &[RunSummary], now_ms: i64) -> String {
    let day = crate::clock::rfc3339(now_ms);
    let day = day.get(..10).unwrap_or("run");
    let taken = runs.iter().filter_map(|r| {
        r.id.strip_prefix(day)?
            .strip_prefix('-')?
            .parse::<u32>()
            .ok()
    });
    format!("{day}-{}", taken.max().unwrap_or(0) + 1)
}

/// A digest of a source text, as a run records it.
pub fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
