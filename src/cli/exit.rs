//! What a command's end means to whoever called it.

/// Exit status of the program; the numbers are a promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Done well.
    Done = 0,
    /// The run failed, or something checked does not hold.
    Failed = 1,
    /// The program or the call is wrong.
    Wrong = 2,
    /// Stopped waiting for a person.
    Waiting = 3,
    /// The machine, the folder or the journal is in the way.
    Environment = 4,
    /// Ctrl-C.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// Why a command could not do its work: one sentence, the way out, and the status to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Failure {
    /// The call or the program is wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Wrong,
            message: message.into(),
            help: None,
        }
    }

    /// The environment is in the way.
    pub(crate) fn environment(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Environment,
            message: message.into(),
            help: None,
        }
    }

    /// Names the way out.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }
}

/// How commands end.
pub(crate) type Outcome = Result<Exit, Failure>;
