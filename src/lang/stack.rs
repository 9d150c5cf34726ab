//! Room for what goes as deep as a text is nested, on whatever thread it is called.

/// More than any text within the hard limit of nesting takes, in a debug build too.
const ROOM: usize = 2 << 20;

/// Runs `work`, on a stack of its own when this thread has little left.
pub fn with_room<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(ROOM, 2 * ROOM, work)
}
