//! The hash chain of a run: genesis over the run row, then one link for each event.
//!
//! Owns the encoding that is hashed: fixed-width integers and length-prefixed strings, so that no
//! two different rows have the same bytes. Changing it is a new journal format.

use super::{EventView, RunKey, RunRow};

/// A link of a hash chain.
pub type Hash = [u8; 32];

const RUN_TAG: &[u8; 16] = b"coord.run/1\0\0\0\0\0";
const EVENT_TAG: &[u8; 16] = b"coord.event/1\0\0\0";

/// A run row without its plan, as the genesis covers it.
pub(super) struct RunFacts<'a> {
    pub(super) run: RunKey,
    pub(super) after_seq: i64,
    pub(super) id: &'a str,
    pub(super) created_at_ms: i64,
    pub(super) file: &'a str,
    pub(super) source_digest: &'a str,
    pub(super) meta: &'a str,
    pub(super) plan_digest: &'a Hash,
}

impl<'a> RunFacts<'a> {
    pub(super) fn of(run: RunKey, after_seq: i64, row: &'a RunRow, plan_digest: &'a Hash) -> Self {
        Self {
            run,
            after_seq,
            id: &row.id,
            created_at_ms: row.created_at_ms,
            file: &row.file,
            source_digest: &row.source_digest,
            meta: &row.meta,
            plan_digest,
        }
    }
}

pub(super) fn plan_digest(plan: &[u8]) -> Hash {
    *blake3::hash(plan).as_bytes()
}

/// Computes links; keeps its buffer, because a million events need a million of them.
#[derive(Default)]
pub(super) struct Chain {
    bytes: Vec<u8>,
}

impl Chain {
    pub(super) fn genesis(&mut self, run: &RunFacts<'_>) -> Hash {
        self.start(RUN_TAG);
        self.integer(run.run.0);
        self.integer(run.after_seq);
        self.integer(run.created_at_ms);
        self.text(run.id);
        self.text(run.file);
        self.text(run.source_digest);
        self.text(run.meta);
        self.bytes.extend_from_slice(run.plan_digest);
        self.finish()
    }

    pub(super) fn link(&mut self, previous: &Hash, event: &EventView<'_>) -> Hash {
        self.start(EVENT_TAG);
        self.bytes.extend_from_slice(previous);
        self.integer(event.seq);
        self.integer(event.run.0);
        self.integer(event.at_ms);
        self.integer(event.generation);
        self.text(event.kind);
        match event.subject {
            Some(subject) => self.text(subject),
            None => self.integer(-1),
        }
        self.text(event.body);
        self.finish()
    }

    fn start(&mut self, tag: &[u8; 16]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(tag);
    }

    fn integer(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, value: &str) {
        self.integer(value.len() as i64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    fn finish(&self) -> Hash {
        *blake3::hash(&self.bytes).as_bytes()
    }
}
