//! `via http "URL"`: the brief as JSON goes there; what comes back is the outcome.
//!
//! An answer at once is `200` with what the agent says. One that takes longer is `202` with a place
//! to look at (`Location`), which answers `202` until it is done. A service has no folder to work in:
//! the files that its answer names are written here, where the task claims them.

use crate::claims::Claims;
use crate::exit;
use crate::said::{Said, Status};
use crate::web::{Answer, Send, Web};
use coord_host::reach::{Done, Job, Stop};
use coord_plan::plan::Driver;
use serde_json::json;
use std::time::Duration;
use ureq::http::{StatusCode, Uri};

/// Between two looks, when the host does not say it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn attempt(job: &Job, stop: &Stop) -> Done {
    let Driver::Http(url) = &job.via else {
        return Done::exit(exit::CONFIG, "it has no address");
    };
    let outcome = Web::open(job, stop, url).and_then(|web| {
        let body = request(job);
        let answer = web.ask(web.url(), Send::Post(&body))?;
        match answer.status {
            StatusCode::ACCEPTED => follow(job, &web, stop, answer),
            _ => Ok(judged(job, answer)),
        }
    });
    outcome.unwrap_or_else(|done| done)
}

/// The brief, as data and as text.
fn request(job: &Job) -> String {
    let mut request = json!(job.told);
    request["text"] = job.brief.clone().into();
    request.to_string()
}

/// Looks at how far it is until it is done.
fn follow(job: &Job, web: &Web<'_>, stop: &Stop, mut answer: Answer) -> Result<Done, Done> {
    let Some(at) = answer.location.take() else {
        return Err(Done::exit(
            exit::PROTOCOL,
            "it answered 202 and does not say where to look (`Location`)",
        ));
    };
    let mut told = String::new();
    loop {
        let log = Said::parse(&answer.body).log;
        if !log.is_empty() && log != told {
            web.say(&log);
            told = log;
        }
        if stop.wait(answer.pause.unwrap_or(LOOK_EVERY)) {
            return Err(called_off(web, &at));
        }
        answer = web.ask(&at, Send::Get).map_err(|done| match done.exit {
            exit::LATER if stop.is_asked() => called_off(web, &at),
            exit::LATER => Done::lost(format!("it is at work, and {}", done.log)),
            _ => done,
        })?;
        let working =
            answer.status == StatusCode::OK && Said::parse(&answer.body).status == Status::Working;
        if answer.status != StatusCode::ACCEPTED && !working {
            return Ok(judged(job, answer));
        }
    }
}

/// Tells the agent that nobody waits any more.
fn called_off(web: &Web<'_>, at: &Uri) -> Done {
    let _told_or_not = web.ask(at, Send::Delete);
    Done::exit(exit::FAILED, "it was called off")
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
