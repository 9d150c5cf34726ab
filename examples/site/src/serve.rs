//! `site serve`: a small static server on a free port of this machine.
//!
//! One thread accepts, one thread serves each connection, the calling thread watches for the
//! end. Every wait has a limit: the head of a request, an answer, the number of connections,
//! the life of the server.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::args::{Accepts, Flags};
use crate::error::Error;
use crate::request::{Refusal, Request, content_type};
use crate::{files, say, time};

pub(crate) const FLAGS: Accepts = Accepts {
    required: &["public", "url-file", "until"],
    optional: &["max"],
    switches: &["fresh"],
};

const DEFAULT_MAX: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);
/// A browser opens six connections at most; the rest is room for checks beside it.
const CONNECTIONS_MAX: usize = 32;
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEAD_TIME_MAX: Duration = Duration::from_secs(3);
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long answers under way may take once the end has come.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);
/// How much of an unread request is read away, so that closing does not cut the answer off.
const LINGER_BYTES_MAX: usize = 64 * 1024;
const LINGER_TIME_MAX: Duration = Duration::from_millis(200);

const MISSING_PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>Not found</title>\
    <h1>Not found</h1><p>There is no page at this address.</p>\n";

pub(crate) fn run(flags: &Flags) -> Result<String, Error> {
    let (url_file, until) = (flags.path("url-file"), flags.path("until"));
    let max = flags.duration("max", DEFAULT_MAX)?;
    let site = Arc::new(Site::open(&flags.path("public"))?);
    if flags.has("fresh") {
        files::remove_if_there(&until)?;
    }
    files::remove_if_there(&url_file)?;
    let (listener, address) = listen()?;
    let state = Arc::new(State::default());
    let acceptor = {
        let (site, state) = (Arc::clone(&site), Arc::clone(&state));
        std::thread::spawn(move || accept(&listener, &site, &state))
    };
    let url = format!("http://{address}");
    files::write_whole(&url_file, format!("{url}\n").as_bytes())?;
    say(&format!(
        "serving {} at {url} until {} exists",
        site.root.display(),
        until.display()
    ));

    let started = Instant::now();
    let asked_to_stop = wait_for_end(&until, max);
    state.stop(address);
    let _ = acceptor.join();
    state.drain();
    let (life, served) = (started.elapsed(), state.served.load(Ordering::Relaxed));
    let (life, until) = (life.as_secs_f64(), until.display());
    if !asked_to_stop {
        return Err(Error::new(
            format!("stopped after {life:.1} s: {until} did not appear in time"),
            "create that file to stop the server, or give it longer with --max",
        ));
    }
    Ok(format!(
        "stopped after {life:.1} s and {served} requests: {until} is there"
    ))
}

fn listen() -> Result<(TcpListener, SocketAddr), Error> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
        .map_err(|error| {
            Error::new(
                format!("cannot listen on 127.0.0.1: {error}"),
                "check that this machine has a loopback interface and free ports",
            )
        })
}

/// Whether the file appeared, rather than the time ran out.
fn wait_for_end(until: &Path, max: Duration) -> bool {
    let started = Instant::now();
    loop {
        if until.exists() {
            return true;
        }
        let Some(left) = max.checked_sub(started.elapsed()) else {
            return false;
        };
        std::thread::sleep(POLL.min(left));
    }
}

/// What the threads share: three numbers, no locks.
#[derive(Default)]
struct State {
    stopping: AtomicBool,
    open: AtomicUsize,
    served: AtomicUsize,
}

impl State {
    /// Wakes the acceptor with a connection of our own, so that it sees the end.
    fn stop(&self, address: SocketAddr) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    }

    fn drain(&self) {
        let started = Instant::now();
        while self.open.load(Ordering::SeqCst) > 0 && started.elapsed() < DRAIN_TIME_MAX {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// One open connection; counted for as long as it lives.
struct Seat(Arc<State>);

impl Seat {
    fn take(state: &Arc<State>) -> Option<Self> {
        let seat = Self(Arc::clone(state));
        (state.open.fetch_add(1, Ordering::SeqCst) < CONNECTIONS_MAX).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn accept(listener: &TcpListener, site: &Arc<Site>, state: &Arc<State>) {
    loop {
        let stream = listener.accept();
        if state.stopping.load(Ordering::SeqCst) {
            return;
        }
        match stream {
            Ok((stream, _)) => seat(stream, site, state),
            // out of descriptors, or a client that is gone already: go on in a moment
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn seat(mut stream: TcpStream, site: &Arc<Site>, state: &Arc<State>) {
    let _ = stream.set_write_timeout(Some(WRITE_TIME_MAX));
    let _ = stream.set_nodelay(true);
    let Some(seat) = Seat::take(state) else {
        let _ = Reply::plain(503, "too many connections\n").send(&mut stream, true);
        say(&log_line("-", "-", 503, 0, Duration::ZERO));
        return;
    };
    let site = Arc::clone(site);
    // that no thread could be started closes the connection, and frees the seat
    let _ = std::thread::Builder::new().spawn(move || {
        serve_one(&mut stream, &site, &seat.0);
        drop(seat);
    });
}

fn serve_one(stream: &mut TcpStream, site: &Site, state: &State) {
    let started = Instant::now();
    let head = match read_head(stream) {
        Ok(Some(head)) => Ok(head),
        Ok(None) => return,
        Err(status) => Err(status),
    };
    let request = head.and_then(|head| {
        Request::parse(&head).map_err(|refusal| match refusal {
            Refusal::Malformed => 400,
            Refusal::Outside => 404,
        })
    });
    let (method, target, reply) = match &request {
        Ok(request) => (
            request.method.as_str(),
            request.target.as_str(),
            site.answer(request),
        ),
        Err(404) => ("-", "-", site.missing()),
        Err(status) => ("-", "-", Reply::plain(*status, "")),
    };
    let _ = reply.send(stream, method != "HEAD");
    linger(stream);
    state.served.fetch_add(1, Ordering::Relaxed);
    say(&log_line(
        method,
        target,
        reply.status,
        reply.body.len(),
        started.elapsed(),
    ));
}

/// Reads to the empty line. Nothing for a connection that was opened and never used; a status
/// for one that is too long or too slow.
fn read_head(stream: &mut TcpStream) -> Result<Option<Vec<u8>>, u16> {
    let started = Instant::now();
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let left = HEAD_TIME_MAX
            .saturating_sub(started.elapsed())
            .max(Duration::from_millis(1));
        let _ = stream.set_read_timeout(Some(left));
        match stream.read(&mut chunk) {
            Ok(0) if head.is_empty() => return Ok(None),
            Ok(0) => return Err(400),
            Ok(count) => head.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) if head.is_empty() => return Ok(None),
            Err(_) => return Err(408),
        }
        if head.windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(Some(head));
        }
        if head.len() > HEAD_BYTES_MAX {
            return Err(431);
        }
        if started.elapsed() >= HEAD_TIME_MAX {
            return Err(408);
        }
    }
}

fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(LINGER_TIME_MAX));
    let started = Instant::now();
    let mut read = 0;
    let mut chunk = [0; 4096];
    while read < LINGER_BYTES_MAX && started.elapsed() < LINGER_TIME_MAX {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => read += count,
        }
    }
}

fn log_line(method: &str, target: &str, status: u16, bytes: usize, took: Duration) -> String {
    let (now, ms) = (time::now_rfc3339(), took.as_secs_f64() * 1_000.0);
    format!(
        "{now} {method} {} {status} {bytes} B {ms:.1} ms",
        target.escape_debug()
    )
}

/// The folder that is served.
struct Site {
    root: PathBuf,
}

impl Site {
    fn open(public: &Path) -> Result<Self, Error> {
        let way_out = "name the folder that holds index.html with --public";
        let root = public.canonicalize().map_err(|error| {
            Error::new(
                format!("cannot open {}: {error}", public.display()),
                way_out,
            )
        })?;
        if !root.join("index.html").is_file() {
            return Err(Error::new(
                format!("no index.html in {}", root.display()),
                way_out,
            ));
        }
        Ok(Self { root })
    }

    fn answer(&self, request: &Request) -> Reply {
        if request.method != "GET" && request.method != "HEAD" {
            let mut reply = Reply::plain(405, "only GET and HEAD\n");
            reply.extra = Some(("Allow", "GET, HEAD".to_owned()));
            return reply;
        }
        if request.parts == ["healthz"] {
            return health();
        }
        match request.file(&self.root) {
            Some(path) if path.is_dir() && request.folder => self.file(&path.join("index.html")),
            Some(path) if path.is_dir() => to_folder(request),
            Some(path) if !request.folder => self.file(&path),
            _ => self.missing(),
        }
    }

    /// Again within the root: an index.html may be a link as well.
    fn file(&self, path: &Path) -> Reply {
        let inside = path
            .canonicalize()
            .ok()
            .filter(|path| path.starts_with(&self.root));
        match inside.as_deref().and_then(read_file) {
            Some(body) => Reply {
                status: 200,
                kind: content_type(path),
                body,
                extra: None,
            },
            None => self.missing(),
        }
    }

    fn missing(&self) -> Reply {
        let page = self.root.join("404.html").canonicalize().ok();
        let body = page
            .filter(|page| page.starts_with(&self.root))
            .and_then(|p| read_file(&p));
        Reply {
            status: 404,
            kind: "text/html; charset=utf-8",
            body: body.unwrap_or_else(|| MISSING_PAGE.as_bytes().to_vec()),
            extra: None,
        }
    }
}

fn read_file(path: &Path) -> Option<Vec<u8>> {
    let facts = std::fs::metadata(path).ok()?;
    let fits = facts.is_file() && facts.len() <= FILE_BYTES_MAX;
    fits.then(|| std::fs::read(path).ok())?
}

fn health() -> Reply {
    let body = format!(
        "{{\"status\":\"ok\",\"version\":\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    Reply {
        status: 200,
        kind: "application/json",
        body: body.into_bytes(),
        extra: None,
    }
}

/// `/a` is a folder: `/a/`, so that links on its page lead where they should.
fn to_folder(request: &Request) -> Reply {
    let mut reply = Reply::plain(301, "");
    let path: String = request
        .parts
        .iter()
        .map(|part| format!("/{}", encode(part)))
        .collect();
    reply.extra = Some(("Location", format!("{path}/")));
    reply
}

fn encode(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    part.bytes().map(one).collect()
}

struct Reply {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
    extra: Option<(&'static str, String)>,
}

impl Reply {
    fn plain(status: u16, text: &str) -> Self {
        let text = if text.is_empty() {
            format!("{}\n", reason(status))
        } else {
            text.to_owned()
        };
        let kind = "text/plain; charset=utf-8";
        Self {
            status,
            kind,
            body: text.into_bytes(),
            extra: None,
        }
    }

    fn send(&self, stream: &mut TcpStream, with_body: bool) -> std::io::Result<()> {
        let extra = self
            .extra
            .as_ref()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let mut bytes = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'self'; base-uri 'none'\r\n\
             Connection: close\r\n\r\n",
            self.status,
            reason(self.status),
            self.kind,
            self.body.len(),
            extra.unwrap_or_default(),
        )
        .into_bytes();
        if with_body {
            bytes.extend_from_slice(&self.body);
        }
        stream.write_all(&bytes)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => panic!("BUG: no words for status {status}"),
    }
}
