//! Web hooks: one thread a channel, so that a slow receiver delays neither the run nor others.

use crate::driver::Happening;
use coord_lang::ids::ChannelId;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use ureq::Agent;

/// Letters that wait for one receiver; more are not kept: a receiver that is this far behind will
/// not catch up, and every notice is in the journal.
const QUEUE: usize = 256;
/// For one try, all of it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before each try after the first.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// What goes to a receiver at once.
pub(crate) struct Letter {
    pub(crate) channel: ChannelId,
    /// The notices in it, by their events.
    pub(crate) seqs: Vec<i64>,
    /// The same for every try at the same notices.
    pub(crate) key: String,
    pub(crate) body: String,
}

/// The way to one receiver.
pub(crate) struct Post {
    sender: SyncSender<Letter>,
}

impl Post {
    pub(crate) fn open(url: String, out: UnboundedSender<Happening>) -> std::io::Result<Post> {
        let (sender, receiver) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("post".into())
            .spawn(move || carry(&url, &receiver, &out))?;
        Ok(Post { sender })
    }

    /// Gives the letter back when there is no room for it.
    pub(crate) fn send(&self, letter: Letter) -> Result<(), Letter> {
        self.sender.try_send(letter).map_err(|error| match error {
            TrySendError::Full(letter) | TrySendError::Disconnected(letter) => letter,
        })
    }
}

fn carry(url: &str, letters: &Receiver<Letter>, out: &UnboundedSender<Happening>) {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .user_agent(concat!("coord/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    while let Ok(letter) = letters.recv() {
        let failure = deliver(&agent, url, &letter).err();
        let told = out.send(Happening::Posted {
            channel: letter.channel,
            seqs: letter.seqs,
            failure,
        });
        if told.is_err() {
            return;
        }
    }
}

/// Tries until it is taken, or until trying again is of no use.
fn deliver(agent: &Agent, url: &str, letter: &Letter) -> Result<(), String> {
    let mut pauses = PAUSES.iter();
    loop {
        let sent = agent
            .post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("idempotency-key", &letter.key)
            .send(letter.body.as_str());
        let (why, again) = match sent {
            Ok(response) => {
                let status = response.status();
                if status.is_success() {
                    return Ok(());
                }
                let again = status.is_server_error() || status.as_u16() == 429;
                (format!("it answered {status}"), again)
            }
            Err(error) => (error.to_string(), true),
        };
        match pauses.next().filter(|_| again) {
            Some(pause) => std::thread::sleep(*pause),
            None => return Err(why),
        }
    }
}
