//! Pictures and texts: one file each, data in, text out.

pub(crate) mod diagnostics;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod words;
