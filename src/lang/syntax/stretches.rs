//! Large files, parsed a stretch at a time and on several threads.
//!
//! A file is cut between statements of its top level, where no bracket is open, and the grammar
//! reads each stretch for itself: its tokens fit into the processor's caches, and are gone before
//! the next. The result is that of the whole file: what might be read differently alone (a bracket
//! that does not match, a fence without end) is not cut, and stretches are put together in their
//! order, whichever thread was faster.

use super::group::group;
use super::parse::Stretch;
use super::plain;
use crate::source::{FileId, SourceFile};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes of a stretch, or a little more; tests have smaller files.
const LENGTH: usize = if cfg!(test) { 64 } else { 32 << 10 };
/// Stretches from which on threads are worth their start.
const MANY: usize = if cfg!(test) { 24 } else { 8 };
const MOST_THREADS: usize = 8;
/// What a main thread has, so that nesting is the same everywhere.
const STACK_BYTES: usize = 8 << 20;

/// None when the file is small, or has to be read as a whole.
pub(super) fn parse<'s>(id: FileId, source: &'s SourceFile) -> Option<Stretch<'s>> {
    let work = Work {
        id,
        source,
        stretches: cut(source.text())?,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
    };
    let mut done = work.shared();
    if work.failed.into_inner() {
        return None;
    }
    done.sort_unstable_by_key(|(at, _)| *at);
    let mut all = Stretch::default();
    all.items
        .reserve_exact(done.iter().map(|(_, s)| s.items.len()).sum());
    for (_, stretch) in done {
        all.items.extend(stretch.items);
        all.comments.extend(stretch.comments);
        all.diagnostics.extend(stretch.diagnostics);
    }
    Some(all)
}

/// Where to cut; None when there is one stretch only.
fn cut(text: &str) -> Option<Vec<Range<usize>>> {
    if text.len() < 2 * LENGTH {
        return None;
    }
    let mut stretches = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        at = group(text, at, text.len())?.end;
        if at - from >= LENGTH {
            stretches.push(from..at);
            from = at;
        }
    }
    if from < at {
        stretches.push(from..at);
    }
    (stretches.len() > 1).then_some(stretches)
}

struct Work<'s> {
    id: FileId,
    source: &'s SourceFile,
    stretches: Vec<Range<usize>>,
    next: AtomicUsize,
    /// Something cannot be read alone.
    failed: AtomicBool,
}

type Done<'s> = Vec<(usize, Stretch<'s>)>;

impl<'s> Work<'s> {
    /// Everything, done by as many threads as there are processors.
    fn shared(&self) -> Done<'s> {
        let helpers = match self.stretches.len() >= MANY {
            true => {
                std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS)) - 1
            }
            false => 0,
        };
        std::thread::scope(|scope| {
            let start = |_| {
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
                // without a thread the work is done all the same
                thread.spawn_scoped(scope, || self.share()).ok()
            };
            let helpers: Vec<_> = (0..helpers).filter_map(start).collect();
            let mut done = self.share();
            for helper in helpers {
                match helper.join() {
                    Ok(share) => done.extend(share),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        })
    }

    /// One stretch after the other, until none is left.
    fn share(&self) -> Done<'s> {
        let mut done = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(bytes) = self.stretches.get(at) else {
                break;
            };
            match self.alone(bytes.clone()) {
                Some(stretch) => done.push((at, stretch)),
                None => self.failed.store(true, Ordering::Relaxed),
            }
        }
        done
    }

    /// None when the stretch may mean something else in its file.
    fn alone(&self, bytes: Range<usize>) -> Option<Stretch<'s>> {
        plain::stretch(self.id, self.source, bytes)
    }
}
