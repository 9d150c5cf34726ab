//! Messages over standard input and output. A message that cannot be read is answered with an
//! error, and the session goes on.

use crossbeam_channel::{Receiver, Sender, bounded};
use lsp_server::{ErrorCode, Message, Request, RequestId};
use serde_json::json;
use std::io::{self, ErrorKind, Write};
use std::thread::{self, JoinHandle};

/// Messages that wait to be handled: a client that sends faster waits, as on a full pipe.
const WAITING: usize = 256;

/// A message to the client. Results and parameters are JSON already: a large answer is written
/// once, and never becomes a tree of values.
pub(super) enum Outgoing {
    Result(RequestId, String),
    Error(RequestId, ErrorCode, String),
    Notification(&'static str, String),
    Request(RequestId, &'static str, String),
}

impl Outgoing {
    fn text(&self) -> String {
        match self {
            Outgoing::Result(id, result) => {
                format!(
                    r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
                    json!(id)
                )
            }
            Outgoing::Error(id, code, message) => failure(&json!(id), *code, message),
            Outgoing::Notification(method, params) => {
                format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
            }
            Outgoing::Request(id, method, params) => format!(
                r#"{{"jsonrpc":"2.0","id":{},"method":"{method}","params":{params}}}"#,
                json!(id)
            ),
        }
    }
}

fn failure(id: &serde_json::Value, code: ErrorCode, message: &str) -> String {
    let error = json!({ "code": code as i32, "message": message });
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

/// The client.
pub(super) struct Connection {
    pub(super) receiver: Receiver<Message>,
    sender: Sender<Outgoing>,
}

impl Connection {
    /// A client that is gone hears nothing; the receiver notices.
    pub(super) fn send(&self, message: Outgoing) {
        let _nobody_listens = self.sender.send(message);
    }

    /// Waits for `initialize`; whatever is asked before is refused. None when the client leaves.
    pub(super) fn initialized(&self) -> Option<Request> {
        loop {
            match self.receiver.recv().ok()? {
                Message::Request(request) if request.method == "initialize" => {
                    return Some(request);
                }
                Message::Request(request) => {
                    let code = ErrorCode::ServerNotInitialized;
                    let why = "the first request is `initialize`".to_string();
                    self.send(Outgoing::Error(request.id, code, why));
                }
                Message::Notification(note) if note.method == "exit" => return None,
                Message::Notification(_) | Message::Response(_) => {}
            }
        }
    }
}

/// What runs beside the server.
pub(super) struct Threads {
    writer: JoinHandle<()>,
}

impl Threads {
    /// Waits until everything that was sent is written. The reader ends with the process: it may
    /// be waiting for a message that never comes.
    pub(super) fn finish(self) {
        let _ended_anyway = self.writer.join();
    }
}

/// The client on standard input and output.
pub(super) fn stdio() -> io::Result<(Connection, Threads)> {
    let (sender, out) = bounded::<Outgoing>(WAITING);
    let (incoming, receiver) = bounded::<Message>(WAITING);
    let named = |name: &str| thread::Builder::new().name(name.into());
    let writer = named("writer").spawn(move || write_all(&out))?;
    named("reader").spawn(move || read_all(&incoming))?;
    Ok((Connection { receiver, sender }, Threads { writer }))
}

fn write_all(out: &Receiver<Outgoing>) {
    for message in out {
        if write(&message.text()).is_err() {
            return; // the client is gone
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    stdout.flush()
}

fn read_all(incoming: &Sender<Message>) {
    let mut stdin = io::stdin().lock();
    loop {
        match Message::read(&mut stdin) {
            Ok(Some(message)) => {
                let exit = matches!(&message, Message::Notification(n) if n.method == "exit");
                if incoming.send(message).is_err() || exit {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                let why = "this message cannot be read";
                let answer = failure(&serde_json::Value::Null, ErrorCode::ParseError, why);
                if write(&answer).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}
