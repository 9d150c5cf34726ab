//! From an input to the facts that follow from it.

use coord_plan::plan::Plan;

use crate::event::{Event, Fact};
use crate::input::Input;
use crate::outcome::Stopping;
use crate::refusal::Refusal;
use crate::state::State;
use crate::status::RunStatus;
use crate::turn::Turn;

/// Takes one input: checks it against the state, then records what follows, in order.
///
/// The events are already applied to `state`. The host makes them durable, then performs
/// [`crate::action_of`] each. A refused input leaves the state as it was.
pub fn step(
    plan: &Plan,
    state: &mut State,
    at_ms: i64,
    input: Input,
) -> Result<Vec<Event>, Refusal> {
    let mut turn = Turn::new(plan, state, at_ms);
    turn.take(input)?;
    turn.settle();
    Ok(turn.events)
}

impl Turn<'_> {
    fn take(&mut self, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Start { run, options } => {
                if self.state.status != RunStatus::NotStarted {
                    return Err(Refusal::AlreadyStarted);
                }
                self.emit(Fact::RunStarted { run, options });
                Ok(())
            }
            Input::Resume {
                never_spawned,
                options,
            } => self.resume(&never_spawned, options),
            Input::AttemptSpawned {
                node,
                attempt,
                process,
            } => {
                self.check_attempt(node, attempt)?;
                self.emit(Fact::Spawned {
                    node,
                    attempt,
                    process,
                });
                Ok(())
            }
            Input::AttemptEnded {
                node,
                attempt,
                outcome,
                outputs,
                log,
            } => {
                self.check_attempt(node, attempt)?;
                self.emit(Fact::Exited {
                    node,
                    attempt,
                    outcome,
                    outputs,
                    log,
                });
                Ok(())
            }
            Input::CheckEnded {
                check,
                passed,
                evidence,
            } => self.take_check(check, passed, evidence),
            Input::Answer {
                item,
                by,
                verdict,
                note,
                outputs,
            } => {
                self.check_answer(item, by.as_deref(), verdict)?;
                let node = self.state.items[item].node;
                let by = by.or_else(|| self.only_addressee(item));
                self.emit(Fact::ItemAnswered {
                    item,
                    node,
                    by,
                    verdict,
                    note,
                    outputs,
                });
                Ok(())
            }
            Input::Retry { node, by } => self.order_retry(node, by),
            Input::Skip { node, by, reason } => self.order_skip(node, by, reason),
            Input::Cancel { by, reason } => self.order_cancel(by, reason),
            Input::Stop { by } => self.order_stop(by),
            Input::Tick => Ok(()),
        }
    }

    /// Refuses what comes before the start or after the end.
    pub(crate) fn check_open(&self) -> Result<(), Refusal> {
        let status = self.state.status;
        match status {
            RunStatus::NotStarted => Err(Refusal::NotStarted),
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
                Err(Refusal::RunEnded { status })
            }
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling
            | RunStatus::Paused => Ok(()),
        }
    }

    fn order_cancel(&mut self, by: Option<String>, reason: String) -> Result<(), Refusal> {
        self.check_open()?;
        if self.state.status == RunStatus::Cancelling {
            return Err(Refusal::AlreadyStopping {
                status: self.state.status,
            });
        }
        self.emit(Fact::RunStopping {
            why: Stopping::Cancel { by, reason },
        });
        Ok(())
    }

    fn order_stop(&mut self, by: Option<String>) -> Result<(), Refusal> {
        self.check_open()?;
        let status = self.state.status;
        match status {
            RunStatus::Running => {
                self.emit(Fact::RunStopping {
                    why: Stopping::Drain { by },
                });
                Ok(())
            }
            RunStatus::NotStarted
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling
            | RunStatus::Paused
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled => Err(Refusal::AlreadyStopping { status }),
        }
    }
}
