//! A program that is spoken with, on the thread of its driver: its pipes, and how long it may be
//! silent.

use crate::exit;
use coord_host::reach::{Done, Job, Stop};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::net::unix::pipe;

/// How long an agent may say nothing, when `env COORD_SILENCE` does not say it.
const SILENCE: Duration = Duration::from_secs(600);
/// How often the driver looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The two ways of a conversation.
pub(crate) struct Pipes {
    pub(crate) input: pipe::Sender,
    pub(crate) output: pipe::Receiver,
}

/// Starts the agent's program, and has `talk` on a runtime of its own.
pub(crate) fn with_program<F>(job: &Job, argv: &[String], talk: impl FnOnce(Pipes) -> F) -> Done
where
    F: Future<Output = Done>,
{
    let cannot = |error: std::io::Error| Done::exit(exit::NOT_THERE, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return cannot(error),
    };
    let program = match job.bench.start(argv, &job.environment, &job.folder) {
        Ok(program) => program,
        Err(why) => return Done::exit(exit::NOT_THERE, why),
    };
    runtime.block_on(async {
        let pipes = pipe::Sender::from_owned_fd(program.input).and_then(|input| {
            let output = pipe::Receiver::from_owned_fd(program.output)?;
            Ok(Pipes { input, output })
        });
        match pipes {
            Ok(pipes) => talk(pipes).await,
            Err(error) => cannot(error),
        }
    })
}

/// Why a conversation is ended from this side.
pub(crate) enum Enough {
    /// The attempt should end.
    Stopped,
    /// Nothing was said for too long.
    Silent(Duration),
}

impl Enough {
    pub(crate) fn done(&self) -> Done {
        match self {
            Enough::Stopped => Done::exit(exit::FAILED, "it was called off"),
            Enough::Silent(time) => Done::exit(
                exit::LATER,
                format!("it said nothing for {} s", time.as_secs_f64()),
            ),
        }
    }
}

/// Returns when there is reason to end: asked for, or silence since the instant that `heard` tells.
pub(crate) async fn enough(job: &Job, stop: &Stop, heard: impl Fn() -> Instant) -> Enough {
    let said = job.env.get("COORD_SILENCE");
    let said = said.and_then(|text| coord_lang::value::duration_ms(text));
    let patience = said.map_or(SILENCE, |ms| Duration::from_millis(ms.max(1) as u64));
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if stop.is_asked() {
            return Enough::Stopped;
        }
        if heard().elapsed() > patience {
            return Enough::Silent(patience);
        }
    }
}
