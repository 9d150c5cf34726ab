//! The one integration binary: one file a subject, over the tools of `space`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arrows;
mod bad_input;
mod critical_path;
mod diagnostics;
mod documents;
mod examples;
mod explain;
mod fixture;
mod journal;
mod live;
mod order;
mod process;
mod recovery;
mod running;
mod space;
mod surroundings;
mod totality;
