//! Lines of output for people who watch: bounded, and allowed to miss some.
//!
//! It does not know who watches. What must not be lost is in the log file.

use tokio::sync::mpsc::Sender;

/// Longer lines are cut: no display shows more.
const MAX_LINE_BYTES: usize = 1024;

/// Where a program printed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A line that a program printed, without its end; invalid UTF-8 is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLine {
    pub stream: Stream,
    pub text: String,
}

/// Cuts one stream into lines and sends them as long as there is room.
#[derive(Debug)]
pub(super) struct LineCutter {
    stream: Stream,
    line: Vec<u8>,
}

impl LineCutter {
    pub(super) fn new(stream: Stream) -> Self {
        LineCutter {
            stream,
            line: Vec::new(),
        }
    }

    /// A carriage return ends a line too: that is how progress bars are drawn.
    pub(super) fn feed(&mut self, bytes: &[u8], viewer: &Sender<LiveLine>) {
        let mut pieces = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
        while let Some(piece) = pieces.next() {
            let room = MAX_LINE_BYTES - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_none() {
                break;
            }
            self.finish(viewer);
            if viewer.capacity() == 0 {
                self.skip_to_last_line(bytes);
                break;
            }
        }
    }

    /// Sends what stands in an unfinished line.
    pub(super) fn finish(&mut self, viewer: &Sender<LiveLine>) {
        if !self.line.is_empty() {
            let text = String::from_utf8_lossy(&self.line).into_owned();
            // A viewer who is slow or gone misses this line, and that is all.
            let _missed = viewer.try_send(LiveLine {
                stream: self.stream,
                text,
            });
            self.line.clear();
        }
    }

    /// Nobody has room for these lines, so they are not even cut.
    fn skip_to_last_line(&mut self, bytes: &[u8]) {
        let start = bytes.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
        let rest = start.map_or(bytes, |end| &bytes[end + 1..]);
        self.line
            .extend_from_slice(&rest[..rest.len().min(MAX_LINE_BYTES)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{Receiver, channel};

    fn drain(mut lines: Receiver<LiveLine>) -> Vec<String> {
        std::iter::from_fn(|| lines.try_recv().ok())
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn lines_are_joined_over_reads_and_cut_when_long() {
        let (viewer, lines) = channel(8);
        let mut cutter = LineCutter::new(Stream::Stdout);
        for bytes in [
            &b"on"[..],
            b"e\n\ntwo\r\nthr",
            b"ee",
            &[b'x'; 5000],
            b"\nend\xff",
        ] {
            cutter.feed(bytes, &viewer);
        }
        cutter.finish(&viewer);
        let long = format!("three{}", "x".repeat(MAX_LINE_BYTES - 5));
        assert_eq!(drain(lines), ["one", "two", &long, "end\u{fffd}"]);
    }

    #[test]
    fn a_slow_viewer_misses_lines_and_sees_whole_ones_later() {
        let (viewer, mut lines) = channel(1);
        let mut cutter = LineCutter::new(Stream::Stderr);
        cutter.feed(b"a\nb\nc\nd", &viewer);
        assert_eq!(lines.try_recv().unwrap().text, "a");
        cutter.feed(b"d\ne\n", &viewer);
        assert_eq!(drain(lines), ["dd"]);
    }
}
