//! Everything that can wake the machine.

use std::collections::BTreeMap;

use coord_lang::ids::NodeId;

use crate::event::{LogFacts, Process};
use crate::gate_run::CheckId;
use crate::item::{ItemId, Verdict};
use crate::options::Options;
use crate::outcome::Outcome;

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start {
        run: String,
        options: Options,
    },
    /// A host takes up a run that was paused, or that another process of it left behind. By
    /// then every process of the run is dead.
    Resume {
        /// Attempts (with their numbers) that are known never to have been spawned.
        never_spawned: Vec<(NodeId, u32)>,
        /// Replaces the options of the start.
        options: Option<Options>,
    },
    AttemptSpawned {
        node: NodeId,
        attempt: u32,
        process: Process,
    },
    AttemptEnded {
        node: NodeId,
        attempt: u32,
        outcome: Outcome,
        outputs: BTreeMap<String, String>,
        log: Option<LogFacts>,
    },
    CheckEnded {
        check: CheckId,
        passed: bool,
        evidence: String,
    },
    Answer {
        item: ItemId,
        /// The name of the person; None: whoever sits at the terminal.
        by: Option<String>,
        verdict: Verdict,
        note: String,
        outputs: BTreeMap<String, String>,
    },
    /// Try a failed task or sync again.
    Retry {
        node: NodeId,
        by: Option<String>,
    },
    /// Go on without a node that has not begun, has failed, or is in doubt.
    Skip {
        node: NodeId,
        by: Option<String>,
        reason: String,
    },
    /// End everything.
    Cancel {
        by: Option<String>,
        reason: String,
    },
    /// Start nothing more; pause when running work has ended.
    Stop {
        by: Option<String>,
    },
    /// Time passed.
    Tick,
}
