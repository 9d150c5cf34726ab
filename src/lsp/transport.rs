//! Messages over standard input and output. A message that cannot be read is answered with an
//! error, and the session goes on.

use crossbeam_channel::{Receiver, Sender, bounded};
use lsp_server::{Connection, ErrorCode, Message};
use std::io::{self, ErrorKind, Write};
use std::thread::JoinHandle;

/// Messages that wait to be handled: a client that sends faster waits, as on a full pipe.
const WAITING: usize = 256;

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

/// The two ends of standard input and output.
pub(super) fn stdio() -> (Connection, Threads) {
    let (to_client, out) = bounded::<Message>(WAITING);
    let (incoming, receiver) = bounded::<Message>(WAITING);
    let writer = std::thread::spawn(move || write_all(&out));
    std::thread::spawn(move || read_all(&incoming));
    let connection = Connection {
        sender: to_client,
        receiver,
    };
    (connection, Threads { writer })
}

fn write_all(out: &Receiver<Message>) {
    for message in out {
        if message.write(&mut io::stdout().lock()).is_err() {
            return; // the client is gone
        }
    }
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
                if unreadable().is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// A response without an id, which the protocol's types do not know.
fn unreadable() -> io::Result<()> {
    let error = serde_json::json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": ErrorCode::ParseError as i32, "message": "this message cannot be read" },
    });
    let text = error.to_string();
    let mut stdout = io::stdout().lock();
    write!(stdout, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    stdout.flush()
}
