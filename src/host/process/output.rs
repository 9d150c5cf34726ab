//! What a program prints, on its way to the log file and to those who watch.
//!
//! The pump reads everything, so that the program never blocks, keeps what the cap allows, and
//! holds no more than one read in memory. It does not know what the log is for.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::child::OutputStreams;
use super::live_line::{LineCutter, LiveLine, Stream};

/// What is kept of one attempt unless the spec says otherwise.
pub const DEFAULT_CAP_BYTES: u64 = 16 * 1024 * 1024;
/// A pipe holds 64 KiB; half of that keeps the writer busy while we write.
const READ_BYTES: usize = 32 * 1024;
/// Most programs that end sooner than this say nothing, or not more than a pipe holds: what they
/// said is read when they have ended, and nothing is set up to watch their pipes.
const UNWATCHED: Duration = Duration::from_millis(3);
/// After so many reads other tasks of the runtime get their turn.
const READS_PER_TURN: usize = 8;
/// What a pipe can be made to hold; if there is more, somebody outside of the tree goes on writing.
const MAX_PIPE_BYTES: usize = 1024 * 1024;
/// Spans of stderr that are remembered; a program that alternates more often is not told apart.
const MAX_SPANS: usize = 4096;

/// Replaces secrets in one stream, also those that are split over two reads.
pub trait Mask: Send {
    /// Appends to `output` what is safe to show of `input`; may hold some back.
    fn feed(&mut self, input: &[u8], output: &mut Vec<u8>);
    /// Appends what was held back.
    fn finish(&mut self, output: &mut Vec<u8>);
}

/// Where output goes and how much of it.
pub struct OutputSpec {
    /// Created with the first byte; its folder has to exist. What is there already stays.
    pub log_path: PathBuf,
    pub cap_bytes: u64,
    /// Gets lines while it has room.
    pub viewer: Option<Sender<LiveLine>>,
    /// For stdout and stderr.
    pub masks: Option<[Box<dyn Mask>; 2]>,
}

impl OutputSpec {
    /// The default cap, no viewer, no masks.
    pub fn new(log_path: &Path) -> Self {
        OutputSpec {
            log_path: log_path.to_owned(),
            cap_bytes: DEFAULT_CAP_BYTES,
            viewer: None,
            masks: None,
        }
    }
}

impl fmt::Debug for OutputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSpec")
            .field("log_path", &self.log_path)
            .field("cap_bytes", &self.cap_bytes)
            .finish_non_exhaustive()
    }
}

/// What became of the output.
#[derive(Debug, Default)]
pub struct OutputSummary {
    /// In the log file, the mark of the cut not counted.
    pub kept_bytes: u64,
    /// Beyond the cap, or after the log could not be written any more.
    pub dropped_bytes: u64,
    /// Which bytes of the log came from stderr; the first 4,096 spans only.
    pub stderr_spans: Vec<Range<u64>>,
    /// Why the log is incomplete, such as a full disk.
    pub log_error: Option<io::Error>,
}

/// Reads both streams until they end. `tree_dead` is for writers that are not of the tree, such as
/// a daemon that was handed the pipe: when it fires (or its sender is dropped), what is in the
/// pipes is read, and nothing is waited for any more.
pub async fn pump(
    streams: OutputStreams,
    spec: OutputSpec,
    mut tree_dead: oneshot::Receiver<()>,
) -> OutputSummary {
    let mut sink = Sink::new(spec);
    tokio::select! {
        biased;
        _ = &mut tree_dead => {
            let stdout = streams.stdout.map(|pipe| (pipe, Stream::Stdout));
            for (pipe, stream) in stdout.into_iter().chain([(streams.stderr, Stream::Stderr)]) {
                if rustix::io::ioctl_fionbio(&pipe, true).is_ok() {
                    drain(&pipe, stream, &mut sink);
                }
            }
            return sink.finish();
        }
        () = sleep(UNWATCHED) => {}
    }
    let mut stdout = Source::watched(streams.stdout, &mut sink);
    let mut stderr = Source::watched(Some(streams.stderr), &mut sink);
    while stdout.is_open() || stderr.is_open() {
        tokio::select! {
            // First, because a writer outside of the tree may never pause.
            biased;
            _ = &mut tree_dead => break,
            () = stdout.readable() => stdout.read_some(Stream::Stdout, &mut sink),
            () = stderr.readable() => stderr.read_some(Stream::Stderr, &mut sink),
        }
        yield_now().await;
    }
    for (source, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
        if let Some(pipe) = source.0 {
            drain(&pipe, stream, &mut sink);
        }
    }
    sink.finish()
}

/// Reads what is there, past tokio, which would answer "nothing there" before its next look at the
/// pipes. The pipe must not block.
fn drain(pipe: impl AsFd, stream: Stream, sink: &mut Sink) {
    let read = |buffer: &mut [u8]| Ok(rustix::io::read(&pipe, buffer)?);
    read_up_to(MAX_PIPE_BYTES / READ_BYTES, read, stream, sink);
}

/// False when the pipe has ended.
fn read_up_to(
    reads: usize,
    read: impl Fn(&mut [u8]) -> io::Result<usize>,
    stream: Stream,
    sink: &mut Sink,
) -> bool {
    let mut buffer = [0; READ_BYTES];
    for _ in 0..reads {
        match read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => sink.take(stream, &buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

/// One pipe whose reader is woken by what is said, until it ends.
struct Source(Option<pipe::Receiver>);

impl Source {
    fn watched(pipe: Option<OwnedFd>, sink: &mut Sink) -> Source {
        Source(pipe.and_then(|pipe| {
            pipe::Receiver::from_owned_fd(pipe)
                .map_err(|error| sink.log.summary.log_error = Some(error))
                .ok()
        }))
    }

    fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Never, once it has ended.
    async fn readable(&self) {
        match &self.0 {
            // An error here shows again in the read.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }

    fn read_some(&mut self, stream: Stream, sink: &mut Sink) {
        let Some(pipe) = &self.0 else { return };
        let read = |buffer: &mut [u8]| pipe.try_read(buffer);
        if !read_up_to(READS_PER_TURN, read, stream, sink) {
            self.0 = None;
        }
    }
}

/// Where the bytes of both streams end up.
struct Sink {
    log: Log,
    viewer: Option<Sender<LiveLine>>,
    cutters: [LineCutter; 2],
    masks: Option<[Box<dyn Mask>; 2]>,
    masked: Vec<u8>,
}

impl Sink {
    fn new(spec: OutputSpec) -> Self {
        Sink {
            log: Log::new(spec.log_path, spec.cap_bytes),
            viewer: spec.viewer,
            cutters: [
                LineCutter::new(Stream::Stdout),
                LineCutter::new(Stream::Stderr),
            ],
            masks: spec.masks,
            masked: Vec::new(),
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        self.with_masked(stream, bytes, |mask, input, output| {
            mask.feed(input, output)
        });
    }

    fn finish(mut self) -> OutputSummary {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.with_masked(stream, &[], |mask, _, output| mask.finish(output));
            if let Some(viewer) = &self.viewer {
                self.cutters[stream as usize].finish(viewer);
            }
        }
        self.log.finish()
    }

    fn with_masked(
        &mut self,
        stream: Stream,
        bytes: &[u8],
        apply: impl FnOnce(&mut dyn Mask, &[u8], &mut Vec<u8>),
    ) {
        let shown = match &mut self.masks {
            None => bytes,
            Some(masks) => {
                self.masked.clear();
                apply(masks[stream as usize].as_mut(), bytes, &mut self.masked);
                &self.masked
            }
        };
        self.log.append(stream, shown);
        if let Some(viewer) = &self.viewer {
            self.cutters[stream as usize].feed(shown, viewer);
        }
    }
}

/// The log file of one attempt.
struct Log {
    path: PathBuf,
    cap_bytes: u64,
    file: Option<File>,
    last_byte: Option<u8>,
    summary: OutputSummary,
}

impl Log {
    fn new(path: PathBuf, cap_bytes: u64) -> Self {
        let summary = OutputSummary::default();
        Log {
            path,
            cap_bytes,
            file: None,
            last_byte: None,
            summary,
        }
    }

    fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let room = usize::try_from(self.cap_bytes - self.summary.kept_bytes).unwrap_or(usize::MAX);
        let (kept, dropped) = bytes.split_at(bytes.len().min(room));
        if kept.is_empty() || self.summary.log_error.is_some() {
            self.summary.dropped_bytes += bytes.len() as u64;
            return;
        }
        self.summary.dropped_bytes += dropped.len() as u64;
        match self.write(kept) {
            Ok(()) => self.note(stream, kept),
            Err(error) => {
                self.summary.dropped_bytes += kept.len() as u64;
                self.summary.log_error = Some(error);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create_log(&self.path)?),
        };
        file.write_all(bytes)
    }

    fn note(&mut self, stream: Stream, kept: &[u8]) {
        let start = self.summary.kept_bytes;
        self.summary.kept_bytes += kept.len() as u64;
        self.last_byte = kept.last().copied();
        let end = self.summary.kept_bytes;
        match stream {
            Stream::Stdout => {}
            Stream::Stderr => self.note_stderr(start..end),
        }
    }

    fn note_stderr(&mut self, span: Range<u64>) {
        let spans = &mut self.summary.stderr_spans;
        if let Some(last) = spans.last_mut().filter(|last| last.end == span.start) {
            last.end = span.end;
        } else if spans.len() < MAX_SPANS {
            spans.push(span);
        }
    }

    fn finish(mut self) -> OutputSummary {
        if self.summary.dropped_bytes > 0 {
            let line_break = if self.last_byte == Some(b'\n') {
                ""
            } else {
                "\n"
            };
            let kept = size(self.summary.kept_bytes);
            let dropped = self.summary.dropped_bytes;
            let mark = format!("{line_break}… output cut: {kept} kept, {dropped} bytes dropped\n");
            if let Err(error) = self.write(mark.as_bytes()) {
                self.summary.log_error.get_or_insert(error);
            }
        }
        self.summary
    }
}

/// Logs may hold what only their owner should read.
fn create_log(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ => format!("{bytes} bytes"),
    }
}
