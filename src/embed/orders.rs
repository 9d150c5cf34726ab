//! What another thread, or another program, wants of a run.

use coord_engine::Verdict;
use coord_host::control::{Carried, ControlError, Order, Request, give};
use coord_host::home::Home;
use coord_host::journal::{JournalError, Reader};
use coord_host::run::{Run, RunError};
use std::collections::BTreeMap;
use std::path::Path;

/// Orders to a run: answers of people, interventions, its end.
///
/// They reach the process that runs it, this one or another, and are recorded when none does. Each
/// waits until it is durable, so none may be given from within a driver that the run waits for.
#[derive(Clone, Debug)]
pub struct Orders {
    home: Home,
    run: String,
}

impl Orders {
    /// Takes the home of the project (see [`crate::Local::home`]) and the name of the run. Refuses
    /// a home that is not there, or that others can write to.
    pub fn new(home: impl AsRef<Path>, run: impl Into<String>) -> Result<Orders, JournalError> {
        Ok(Orders {
            home: Home::existing(home.as_ref())?,
            run: run.into(),
        })
    }

    /// The run as it stands on disk: its plan and its state.
    pub fn look(&self) -> Result<Run, RunError> {
        let reader = Reader::open(&self.home.journal_path())?;
        Run::load(&reader, &self.run)
    }

    /// Answers a question by its number, in somebody's name. Refuses who may not answer it, and a
    /// verdict that does not fit.
    pub fn answer(
        &self,
        item: u32,
        by: &str,
        verdict: Verdict,
        note: &str,
    ) -> Result<Carried, ControlError> {
        self.give(Order::Answer {
            item,
            by: Some(by.into()),
            verdict,
            to: None,
            note: note.into(),
            outputs: BTreeMap::new(),
        })
    }

    /// Tries a failed task again, by name. Refuses one that is not there or has not failed.
    pub fn retry(&self, task: &str, by: &str) -> Result<Carried, ControlError> {
        let node = self.node(task)?;
        let by = Some(by.into());
        self.give(Order::Retry { node, by })
    }

    /// Goes on without a task, by name. Refuses one that is not there or has ended well.
    pub fn skip(&self, task: &str, by: &str, reason: &str) -> Result<Carried, ControlError> {
        let node = self.node(task)?;
        let (by, reason) = (Some(by.into()), reason.into());
        self.give(Order::Skip { node, by, reason })
    }

    /// Starts nothing more, and pauses when what is at work has ended.
    pub fn pause(&self, by: &str) -> Result<Carried, ControlError> {
        self.give(Order::Stop {
            by: Some(by.into()),
        })
    }

    /// Ends everything.
    pub fn cancel(&self, by: &str, reason: &str) -> Result<Carried, ControlError> {
        self.give(Order::Cancel {
            by: Some(by.into()),
            reason: reason.into(),
        })
    }

    fn node(&self, task: &str) -> Result<coord_lang::ids::NodeId, ControlError> {
        let run = self.look()?;
        let found = run.plan.find(task);
        found.ok_or_else(|| {
            ControlError::Refused(format!("run `{}` has no task `{task}`", self.run))
        })
    }

    fn give(&self, order: Order) -> Result<Carried, ControlError> {
        let request = Request {
            run: self.run.clone(),
            order,
        };
        give(&self.home, request, "a program with coord in it")
    }
}
