//! The journal of the virtual host: the same boundary, in memory.
//!
//! Refuses what the SQLite journal refuses, in the same words where it can. Holds no chain: memory
//! is not tampered with. What is durable is under the test's control, and [`MemoryJournal::crash`]
//! gives what a restart would find.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use super::{
    Done, EventRow, EventView, Journal, JournalError, JournalRead, NewEvent, RunKey, RunRow,
    RunSummary, SeqRange, StoredRun,
};

/// A journal in memory. Batches become durable at once, or when [`MemoryJournal::commit`] says so.
#[derive(Default)]
pub struct MemoryJournal {
    runs: Vec<StoredRun>,
    events: Vec<EventRow>,
    /// `(run, subject, generation)` of every `task.completed`.
    completed: BTreeSet<(RunKey, String, i64)>,
    durable: Extent,
    waiting: VecDeque<Waiting>,
    held: bool,
    failure: Option<JournalError>,
}

/// How much of a journal is meant: so many runs, so many events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Extent {
    runs: usize,
    events: usize,
}

struct Waiting {
    extent: Extent,
    range: SeqRange,
    done: Done,
}

impl MemoryJournal {
    /// Every batch is durable before `append` returns; `done` is called inside of it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Batches wait for [`MemoryJournal::commit`].
    pub fn held() -> Self {
        Self {
            held: true,
            ..Self::default()
        }
    }

    /// Makes the oldest `batches` waiting ones durable, in order, and tells their owners.
    pub fn commit(&mut self, batches: usize) {
        for _ in 0..batches {
            let Some(waiting) = self.waiting.pop_front() else {
                return;
            };
            self.durable = waiting.extent;
            (waiting.done)(Ok(waiting.range));
        }
    }

    /// Batches appended and not durable.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The disk breaks: everything that waits and everything after it gets `error`.
    pub fn fail(&mut self, error: JournalError) {
        for waiting in self.waiting.drain(..) {
            (waiting.done)(Err(error.clone()));
        }
        self.failure.get_or_insert(error);
    }

    /// What a restart finds after a crash now: the durable part.
    pub fn crash(&self) -> Self {
        self.extent(self.durable)
    }

    /// What a restart finds had the crash come when `last_seq` was the last durable event. A run
    /// is there when it was made at or before that position.
    pub fn crash_at(&self, last_seq: i64) -> Self {
        let runs = self
            .runs
            .iter()
            .take_while(|run| run.after_seq <= last_seq)
            .count();
        let events = usize::try_from(last_seq)
            .unwrap_or(0)
            .min(self.events.len());
        self.extent(Extent { runs, events })
    }

    fn extent(&self, extent: Extent) -> Self {
        let events = self.events[..extent.events].to_vec();
        Self {
            runs: self.runs[..extent.runs].to_vec(),
            completed: events.iter().filter_map(completion).collect(),
            events,
            durable: extent,
            held: self.held,
            ..Self::default()
        }
    }

    fn enqueue(&mut self, range: SeqRange, done: Done) {
        let extent = Extent {
            runs: self.runs.len(),
            events: self.events.len(),
        };
        self.waiting.push_back(Waiting {
            extent,
            range,
            done,
        });
        if !self.held {
            self.commit(usize::MAX);
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// A batch that breaks a rule stops the journal, as it does on disk.
    fn take(&mut self, rows: Vec<EventRow>) -> Result<(), JournalError> {
        for row in rows {
            if let Some(key) = completion(&row) {
                if !self.completed.insert(key) {
                    return Err(second_completion(&row));
                }
            } else if row.kind == COMPLETED {
                let what = format!("`{COMPLETED}` needs a subject");
                return Err(JournalError::Refused { what });
            }
            self.events.push(row);
        }
        Ok(())
    }
}

impl Journal for MemoryJournal {
    fn create_run(&mut self, run: RunRow, done: Done) -> Result<RunKey, JournalError> {
        self.check()?;
        if self.runs.iter().any(|stored| stored.row.id == run.id) {
            return Err(JournalError::RunExists { id: run.id });
        }
        let key = RunKey(self.runs.len() as i64 + 1);
        let range = SeqRange::after(self.events.len() as i64, 0);
        self.runs.push(StoredRun {
            run: key,
            after_seq: range.last,
            row: run,
        });
        self.enqueue(range, done);
        Ok(key)
    }

    fn append(&mut self, batch: Vec<NewEvent>, done: Done) -> Result<SeqRange, JournalError> {
        self.check()?;
        let known = 1..=self.runs.len() as i64;
        if let Some(event) = batch.iter().find(|event| !known.contains(&event.run.0)) {
            return Err(JournalError::UnknownRun { run: event.run });
        }
        let before = self.events.len();
        let range = SeqRange::after(before as i64, batch.len());
        let rows = (range.first..)
            .zip(&batch)
            .map(|(seq, event)| event.view(seq).to_row());
        match self.take(rows.collect()) {
            Ok(()) => self.enqueue(range, done),
            Err(error) => {
                self.events.truncate(before);
                self.fail(error.clone());
                done(Err(error));
            }
        }
        Ok(range)
    }

    fn durable_seq(&self) -> i64 {
        self.durable.events as i64
    }

    fn failure(&self) -> Option<JournalError> {
        self.failure.clone()
    }
}

impl JournalRead for MemoryJournal {
    fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        Ok(self.runs[..self.durable.runs].iter().map(summary).collect())
    }

    fn run(&self, id: &str) -> Result<Option<StoredRun>, JournalError> {
        let durable = &self.runs[..self.durable.runs];
        Ok(durable.iter().find(|run| run.row.id == id).cloned())
    }

    fn visit_events(
        &self,
        run: RunKey,
        after_seq: i64,
        visit: &mut dyn FnMut(EventView<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        if !(1..=self.durable.runs as i64).contains(&run.0) {
            return Err(JournalError::UnknownRun { run });
        }
        let start = usize::try_from(after_seq)
            .unwrap_or(0)
            .min(self.durable.events);
        let rows = self.events[start..self.durable.events].iter();
        for row in rows.filter(|row| row.run == run) {
            if visit(view(row)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn last_seq(&self) -> Result<i64, JournalError> {
        Ok(self.durable_seq())
    }
}

const COMPLETED: &str = "task.completed";

fn completion(row: &EventRow) -> Option<(RunKey, String, i64)> {
    let subject = row.subject.as_ref().filter(|_| row.kind == COMPLETED)?;
    Some((row.run, subject.clone(), row.generation))
}

fn second_completion(row: &EventRow) -> JournalError {
    let subject = row.subject.as_deref().unwrap_or("-");
    let (generation, run) = (row.generation, row.run);
    let what = format!(
        "`{COMPLETED}` of `{subject}` (generation {generation}) in run number {run}: \
         it is there already"
    );
    JournalError::Refused { what }
}

fn view(row: &EventRow) -> EventView<'_> {
    EventView {
        seq: row.seq,
        run: row.run,
        at_ms: row.at_ms,
        kind: &row.kind,
        subject: row.subject.as_deref(),
        generation: row.generation,
        body: &row.body,
    }
}

fn summary(stored: &StoredRun) -> RunSummary {
    RunSummary {
        run: stored.run,
        id: stored.row.id.clone(),
        created_at_ms: stored.row.created_at_ms,
        file: stored.row.file.clone(),
        source_digest: stored.row.source_digest.clone(),
        meta: stored.row.meta.clone(),
        plan_bytes: stored.row.plan.len() as i64,
    }
}
