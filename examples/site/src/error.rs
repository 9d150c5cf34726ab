//! What a command tells a person when it cannot do its work: the cause, and the way out.

use std::fmt;

#[derive(Debug)]
pub(crate) struct Error {
    cause: String,
    way_out: String,
}

impl Error {
    pub(crate) fn new(cause: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            way_out: way_out.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "site: {}\n  help: {}", self.cause, self.way_out)
    }
}
