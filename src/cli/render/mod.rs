//! Pictures and texts: one file each, data in, text out.

pub(crate) mod diagnostics;
