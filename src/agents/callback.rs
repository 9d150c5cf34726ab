//! Answers that come later: where coord listens for them, and what it believes.
//!
//! One listener serves all attempts of a process that name the same address. An answer is believed
//! when it is signed with the secret that the project names (HMAC-SHA256 over the body, compared in
//! constant time) and carries the ticket that went out with the brief; a ticket is good for one
//! answer, so that an answer which was heard once, or was meant for an earlier try, does nothing.

use crate::exit;
use coord_host::reach::{Done, Job};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use ureq::http::Uri;

/// Largest answer, and what may stand before it.
const MAX_BODY: usize = 2 << 20;
const MAX_HEAD: usize = 16 << 10;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are served at once; more wait.
const MOST_AT_ONCE: usize = 16;
/// What a body is signed in.
const SIGNATURE: &str = "x-coord-signature";

/// Where each listener is, and who waits there, by ticket.
static LISTENERS: Mutex<Vec<(SocketAddr, SocketAddr, Waiting)>> = Mutex::new(Vec::new());

type Waiting = std::sync::Arc<Mutex<HashMap<String, Waiter>>>;

struct Waiter {
    secret: Vec<u8>,
    answers: Sender<Heard>,
}

/// What comes to an attempt.
pub(crate) enum Heard {
    /// The body of an answer that is believed.
    Answer(String),
    /// Something that is not, and why.
    Refused(&'static str),
}

/// An answer that is waited for. Dropping it voids its ticket.
pub(crate) struct Expected {
    ticket: String,
    url: String,
    waiting: Waiting,
    answers: Receiver<Heard>,
}

impl Expected {
    /// None when the project names no place for answers.
    pub(crate) fn of(job: &Job) -> Result<Option<Expected>, Done> {
        let Some(callback) = &job.callback else {
            return Ok(None);
        };
        let wrong = |why: String| Done::exit(exit::CONFIG, why);
        let name = &callback.secret;
        let secret = job.bench.secret(name);
        let secret = secret.ok_or_else(|| wrong(format!("secret `{name}` is not there")))?;
        let (at, waiting) = listen(&callback.at).map_err(wrong)?;
        let ticket = ticket().map_err(|e| wrong(format!("no ticket can be made: {e}")))?;
        let (sender, answers) = channel();
        let waiter = Waiter {
            secret: secret.to_vec(),
            answers: sender,
        };
        locked(&waiting).insert(ticket.clone(), waiter);
        Ok(Some(Expected {
            url: told(&callback.at, at),
            ticket,
            waiting,
            answers,
        }))
    }

    /// What the service is told about it.
    pub(crate) fn invitation(&self) -> Value {
        json!({ "url": self.url, "ticket": self.ticket, "signature": SIGNATURE })
    }

    /// What has come since the last look.
    pub(crate) fn heard(&self) -> Option<Heard> {
        self.answers.try_recv().ok()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        locked(&self.waiting).remove(&self.ticket);
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sixteen bytes that nobody can guess.
fn ticket() -> io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The listener of an address: the one that is there, or a new one. Gives where it really is.
fn listen(url: &str) -> Result<(SocketAddr, Waiting), String> {
    let wanted = address(url)?;
    let mut listeners = locked(&LISTENERS);
    if let Some((_, at, waiting)) = listeners.iter().find(|(of, ..)| *of == wanted) {
        return Ok((*at, Waiting::clone(waiting)));
    }
    let cannot = |error: io::Error| format!("coord cannot listen at {wanted}: {error}");
    let listener = TcpListener::bind(wanted).map_err(cannot)?;
    let at = listener.local_addr().map_err(cannot)?;
    let waiting = Waiting::default();
    let served = Waiting::clone(&waiting);
    std::thread::Builder::new()
        .name("coord callbacks".into())
        .spawn(move || serve(&listener, &served))
        .map_err(cannot)?;
    listeners.push((wanted, at, Waiting::clone(&waiting)));
    Ok((at, waiting))
}

fn address(url: &str) -> Result<SocketAddr, String> {
    let wrong = |why: &str| format!("`{url}` is no place to listen at: {why}");
    let uri: Uri = url.parse().map_err(|_| wrong("it is no address"))?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("https");
    let port = match uri.port_u16() {
        Some(port) => port,
        None if secure => return Err(wrong("coord speaks plain HTTP; put a proxy before it")),
        None => 80,
    };
    let found = (host, port).to_socket_addrs();
    let found = found.map_err(|error| wrong(&error.to_string()))?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| wrong("it has no address"))
}

/// The address with the port that it came to.
fn told(url: &str, at: SocketAddr) -> String {
    url.replacen(
        ":0",
        &format!(":{}", at.port()),
        usize::from(url.contains(":0/") || url.ends_with(":0")),
    )
}

fn serve(listener: &TcpListener, waiting: &Waiting) {
    let at_work = std::sync::Arc::new((Mutex::new(0), std::sync::Condvar::new()));
    for stream in listener.incoming().flatten() {
        let (count, freed) = &*at_work;
        let full = |count: &mut usize| *count >= MOST_AT_ONCE;
        let free = freed.wait_while(locked(count), full);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        let (waiting, at_work) = (Waiting::clone(waiting), at_work.clone());
        std::thread::spawn(move || {
            let _client_is_gone = answer(&stream, &waiting);
            let (count, freed) = &*at_work;
            *locked(count) -= 1;
            freed.notify_one();
        });
    }
}

fn answer(mut stream: &TcpStream, waiting: &Waiting) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let status = match request(stream)? {
        Some(request) => judge(&request, waiting),
        None => "400 Bad Request",
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
}

struct Request {
    signature: Vec<u8>,
    body: Vec<u8>,
}

/// A POST of known length; None for anything else.
fn request(mut stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let (head, signature, length) = loop {
        let read = stream.read(&mut piece)?;
        bytes.extend_from_slice(&piece[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(head)) if parsed.method == Some("POST") => {
                let header = |name: &str| {
                    let found = parsed.headers.iter();
                    let mut found = found.filter(|h| h.name.eq_ignore_ascii_case(name));
                    found.next().map_or(&[][..], |h| h.value)
                };
                let length = std::str::from_utf8(header("content-length"));
                let length = length
                    .ok()
                    .and_then(|text| text.trim().parse::<usize>().ok());
                let signature = header(SIGNATURE).trim_ascii().to_vec();
                match length.filter(|length| *length <= MAX_BODY) {
                    Some(length) => break (head, signature, length),
                    None => return Ok(None),
                }
            }
            Ok(httparse::Status::Partial) if read > 0 && bytes.len() <= MAX_HEAD => {}
            _ => return Ok(None),
        }
    };
    let mut body = bytes.split_off(head);
    if body.len() < length {
        let rest = (length - body.len()) as u64;
        stream.take(rest).read_to_end(&mut body)?;
    }
    body.truncate(length);
    Ok((body.len() == length).then_some(Request { signature, body }))
}

/// Hands an answer to whoever waits for it, if it is to be believed.
fn judge(request: &Request, waiting: &Waiting) -> &'static str {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let ticket = body["ticket"].as_str().unwrap_or_default();
    let mut waiting = locked(waiting);
    // nobody is told whether a ticket is wrong, used, or of an attempt that is over
    let Some(waiter) = waiting.get(ticket) else {
        return "410 Gone";
    };
    if !is_signed(&waiter.secret, request) {
        let why = "an answer came that is not signed with the secret of the project";
        let _over = waiter.answers.send(Heard::Refused(why));
        return "401 Unauthorized";
    }
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let _over = waiter.answers.send(Heard::Answer(text));
    waiting.remove(ticket);
    "204 No Content"
}

/// `sha256=HEX` of the body.
fn is_signed(secret: &[u8], request: &Request) -> bool {
    let hex = request.signature.strip_prefix(b"sha256=");
    let Some(given) = hex.and_then(bytes) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(&request.body);
    mac.verify_slice(&given).is_ok()
}

fn bytes(hex: &[u8]) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    hex.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(signature: &str) -> Request {
        Request {
            signature: signature.as_bytes().to_vec(),
            body: b"The quick brown fox jumps over the lazy dog".to_vec(),
        }
    }

    #[test]
    fn only_the_right_signature_is_one() {
        let right = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert!(is_signed(b"key", &request(right)));
        assert!(!is_signed(b"kez", &request(right)));
        for wrong in [
            "",
            "sha256=",
            &right[..right.len() - 2],
            &right[7..],
            "sha256=zz",
        ] {
            assert!(!is_signed(b"key", &request(wrong)), "{wrong}");
        }
    }

    #[test]
    fn a_place_to_listen_at_is_plain_http() {
        assert!(address("http://127.0.0.1:0/answers").is_ok());
        assert!(address("https://coord.example.org/answers").is_err());
        let at = "127.0.0.1:7400".parse().unwrap();
        assert_eq!(told("http://127.0.0.1:0/a", at), "http://127.0.0.1:7400/a");
        assert_eq!(told("http://127.0.0.1:80/a", at), "http://127.0.0.1:80/a");
    }
}
