//! `via http "URL"`: the brief as JSON goes there; what comes back is the outcome.
//!
//! An answer at once is `200` with what the agent says. One that takes longer is `202` with a place
//! to look at (`Location`), which answers `202` until it is done, or without one where the project
//! names a place for answers ([`crate::callback`]). A service has no folder to work in:
//! the files that its answer names are written here, where the task claims them.

use crate::callback::{Expected, Heard};
use crate::claims::Claims;
use crate::exit;
use crate::said::{Said, Status};
use crate::web::{Answer, Send, Web};
use coord_host::reach::{Done, Job, Stop};
use coord_plan::plan::Driver;
use serde_json::json;
use std::time::{Duration, Instant};
use ureq::http::{StatusCode, Uri};

/// Between two looks, when the host does not say it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How soon an answer that came by itself is heard.
const HEAR_EVERY: Duration = Duration::from_millis(20);

pub(crate) fn attempt(job: &Job, stop: &Stop) -> Done {
    let Driver::Http(url) = &job.via else {
        return Done::exit(exit::CONFIG, "it has no address");
    };
    let outcome = Web::open(job, stop, url).and_then(|web| {
        // an answer may come before the request is answered
        let expected = Expected::of(job)?;
        let body = request(job, expected.as_ref());
        let answer = web.ask(web.url(), Send::Post(&body))?;
        match answer.status {
            StatusCode::ACCEPTED => {
                let follow = Follow {
                    job,
                    stop,
                    web: &web,
                    at: answer.location.clone(),
                    expected,
                };
                follow.to_its_end(answer)
            }
            _ => Ok(judged(job, answer)),
        }
    });
    outcome.unwrap_or_else(|done| done)
}

/// The brief, as data and as text, and where an answer may go.
fn request(job: &Job, expected: Option<&Expected>) -> String {
    let mut request = json!(job.told);
    request["text"] = job.brief.clone().into();
    if let Some(expected) = expected {
        request["callback"] = expected.invitation();
    }
    request.to_string()
}

/// Work that takes longer.
struct Follow<'f> {
    job: &'f Job,
    stop: &'f Stop,
    web: &'f Web<'f>,
    /// Where to look.
    at: Option<Uri>,
    /// The answer that comes by itself.
    expected: Option<Expected>,
}

/// What ended a pause.
enum Pause {
    Over,
    Stopped,
    Answered(String),
}

impl Follow<'_> {
    /// Looks at how far it is, where there is a place for that, and hears what comes.
    fn to_its_end(&self, mut answer: Answer) -> Result<Done, Done> {
        if self.at.is_none() && self.expected.is_none() {
            return Err(Done::exit(
                exit::PROTOCOL,
                "it answered 202 and does not say where to look (`Location`)",
            ));
        }
        let mut told = String::new();
        loop {
            let log = Said::parse(&answer.body).log;
            if !log.is_empty() && log != told {
                self.web.say(&log);
                told = log;
            }
            match self.pause(answer.pause.unwrap_or(LOOK_EVERY)) {
                Pause::Stopped => return Err(self.called_off()),
                Pause::Answered(body) => return Ok(taken(self.job, Said::parse(&body))),
                Pause::Over => {}
            }
            let Some(at) = &self.at else { continue };
            answer = self.look(at)?;
            let working = answer.status == StatusCode::OK
                && Said::parse(&answer.body).status == Status::Working;
            if answer.status != StatusCode::ACCEPTED && !working {
                return Ok(judged(self.job, answer));
            }
        }
    }

    fn look(&self, at: &Uri) -> Result<Answer, Done> {
        self.web.ask(at, Send::Get).map_err(|done| match done.exit {
            exit::LATER if self.stop.is_asked() => self.called_off(),
            exit::LATER => Done::lost(format!("it is at work, and {}", done.log)),
            _ => done,
        })
    }

    fn pause(&self, time: Duration) -> Pause {
        let over = Instant::now() + time;
        loop {
            match self.expected.as_ref().and_then(Expected::heard) {
                Some(Heard::Answer(body)) => return Pause::Answered(body),
                Some(Heard::Refused(why)) => self.web.say(why),
                None => {}
            }
            let left = over.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Pause::Over;
            }
            let at_once = match self.expected {
                Some(_) => left.min(HEAR_EVERY),
                None => left,
            };
            if self.stop.wait(at_once) {
                return Pause::Stopped;
            }
        }
    }

    /// Tells the agent that nobody waits any more.
    fn called_off(&self) -> Done {
        if let Some(at) = &self.at {
            let _told_or_not = self.web.ask(at, Send::Delete);
        }
        Done::exit(exit::FAILED, "it was called off")
    }
}

fn judged(job: &Job, answer: Answer) -> Done {
    let status = answer.status;
    if status.is_success() {
        return taken(job, Said::parse(&answer.body));
    }
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => exit::DENIED,
        status if status.is_server_error() => exit::LATER,
        _ => exit::FAILED,
    };
    let said = Said::parse(&answer.body).log;
    Done::exit(code, format!("it answered {status}\n{said}").trim_end())
}

/// What it says of its work, with its files written.
fn taken(job: &Job, said: Said) -> Done {
    if said.status != Status::Done || said.files.is_empty() {
        return said.done();
    }
    let claims = Claims::of(job);
    let refused: Vec<String> = (said.files.keys())
        .filter_map(|path| {
            Some(format!(
                "refused: write {path}: {}",
                claims.write(path).err()?
            ))
        })
        .collect();
    if !refused.is_empty() {
        // half of its work is no work: nothing is written
        let log = format!("{}\n{}", said.log, refused.join("\n"));
        return Done::exit(exit::DENIED, log.trim_start());
    }
    for (path, text) in &said.files {
        match claims.put(path, text) {
            Ok(()) => job.bench.say(&format!("wrote {path}")),
            Err(why) => return Done::failed(why),
        }
    }
    said.done()
}
