//! An agent that is a service: it gets briefs over HTTP, for agents `via http`. Its first line says
//! where it listens: at the address that it is given, else at a free port of this machine.
//!
//! ```text
//! agent translator { owns "words/**"; via http "http://127.0.0.1:7300/do" }
//! task german by translator {
//!     ask "write words/german Hallo"
//! }
//! ```
//!
//! It does what its prompt says line by line: `write PATH TEXT` puts a file into the answer, which
//! coord writes if the task claims it; `say TEXT`; `fail TEXT`. `first LINE` is for the first try
//! alone. It answers `202` and where to look, as a service does whose work takes long. A brief that
//! comes again, with the same `Idempotency-Key`, is the same work. Where the brief names a place for
//! answers, it answers there instead, signed with the secret in `SERVICE_SECRET`.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest brief.
const MAX_BODY: u64 = 4 << 20;

/// Answers by the path where they are looked at.
type Jobs = Arc<Mutex<HashMap<String, Value>>>;

fn main() -> io::Result<()> {
    let at = std::env::args().nth(1);
    let listener = TcpListener::bind(at.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    let jobs = Jobs::default();
    for stream in listener.incoming() {
        let (stream, jobs) = (stream?, Arc::clone(&jobs));
        std::thread::spawn(move || {
            let _client_is_gone = serve(&stream, &jobs);
        });
    }
    Ok(())
}

/// One request of one connection.
fn serve(stream: &TcpStream, jobs: &Jobs) -> io::Result<()> {
    let request = Request::read(&mut BufReader::new(stream))?;
    let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let place = match request.method.as_str() {
        "POST" => format!("/jobs/{}", request.key),
        _ => request.path,
    };
    let mut looked_at = true;
    let (status, body) = match request.method.as_str() {
        "POST" => match serde_json::from_slice::<Value>(&request.body) {
            Ok(brief) => {
                let answer = jobs.entry(place.clone()).or_insert_with(|| work(&brief));
                if brief["callback"].is_object() {
                    let (callback, answer) = (brief["callback"].clone(), answer.clone());
                    std::thread::spawn(move || call_back(&callback, answer));
                    looked_at = false;
                }
                ("202 Accepted", json!({ "log": answer["log"] }))
            }
            Err(error) => ("400 Bad Request", json!({ "error": error.to_string() })),
        },
        "DELETE" => {
            jobs.remove(&place);
            ("200 OK", json!({}))
        }
        _ => match jobs.get(&place) {
            Some(answer) => ("200 OK", answer.clone()),
            None => ("404 Not Found", json!({})),
        },
    };
    drop(jobs);
    let place = Some(place).filter(|_| looked_at);
    answer(stream, status, place.as_deref(), &body.to_string())
}

fn answer(mut stream: &TcpStream, status: &str, place: Option<&str>, body: &str) -> io::Result<()> {
    let place = place.map_or(String::new(), |place| format!("location: {place}\r\n"));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n{place}retry-after: 0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Answers where the brief says, with its ticket.
fn call_back(callback: &Value, mut answer: Value) -> io::Result<()> {
    let secret = std::env::var("SERVICE_SECRET").unwrap_or_default();
    let url = callback["url"].as_str().unwrap_or_default();
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    answer["ticket"] = callback["ticket"].clone();
    let body = answer.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(io::Error::other)?;
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-coord-signature: sha256={hex}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut status = String::new();
    BufReader::new(&stream).read_line(&mut status)?;
    eprintln!("{}", status.trim());
    Ok(())
}

struct Request {
    method: String,
    path: String,
    key: String,
    body: Vec<u8>,
}

impl Request {
    fn read(from: &mut impl BufRead) -> io::Result<Request> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_string);
        let (method, path) = (words.next(), words.next());
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut header = String::new();
            from.read_line(&mut header)?;
            let Some((name, value)) = header.trim().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "idempotency-key" => key = value.trim().to_string(),
                _ => {}
            }
        }
        let mut body = Vec::new();
        let mut rest = from.take(MAX_BODY.min(length));
        rest.read_to_end(&mut body)?;
        Ok(Request {
            method: method.unwrap_or_default(),
            path: path.unwrap_or_default(),
            key,
            body,
        })
    }
}

/// What the brief asks for, done.
fn work(brief: &Value) -> Value {
    let is_first = brief["attempt"].as_u64().unwrap_or(1) <= 1;
    let (mut files, mut log, mut status) = (Map::new(), String::new(), "done");
    for line in brief["ask"].as_str().unwrap_or_default().lines() {
        let line = match line.trim().strip_prefix("first ") {
            Some(_) if !is_first => continue,
            Some(line) => line,
            None => line.trim(),
        };
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "write" => {
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                files.insert(path.to_string(), text.replace("\\n", "\n").into());
            }
            "say" => log.push_str(&format!("{rest}\n")),
            "fail" => {
                status = "failed";
                log.push_str(&format!("{rest}\n"));
            }
            _ => {}
        }
    }
    let usage = json!({ "input_tokens": 120, "output_tokens": 30, "total_tokens": 150 });
    json!({ "status": status, "log": log, "files": files, "usage": usage })
}
