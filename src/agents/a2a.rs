//! `via a2a "URL"`: an agent over A2A, in its form of plain HTTP and JSON.
//!
//! Its card says where it listens; only the host that the project names is asked. The brief is the
//! message, as text and as data; the artifacts of its task become outputs.

use crate::exit;
use crate::said::{value_of, values};
use crate::web::{Answer, Send, Web};
use ::a2a::{
    AgentCard, AgentInterface, Message, Part, PartContent, Role, SendMessageConfiguration,
    SendMessageRequest, SendMessageResponse, Task, TaskState,
};
use coord_host::reach::{Done, Job, Stop};
use coord_plan::plan::Driver;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use ureq::http::{StatusCode, Uri};

/// Between two looks, when the host does not say it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const CARD: &str = "/.well-known/agent-card.json";
const BINDING: &str = "HTTP+JSON";
/// Longest id of a task of theirs.
const MAX_ID: usize = 256;

pub(crate) fn attempt(job: &Job, stop: &Stop) -> Done {
    let Driver::A2a(url) = &job.via else {
        return Done::exit(exit::CONFIG, "it has no address");
    };
    let outcome = Web::open(job, stop, url).and_then(|web| {
        let web = web.with_header(::a2a::SVC_PARAM_VERSION, ::a2a::VERSION);
        let base = base(&web)?;
        let to = at(&web, &base, "/message:send")?;
        let answer = web.ask(&to, Send::Post(&request(job)?))?;
        match parsed::<SendMessageResponse>(&answer)? {
            SendMessageResponse::Message(message) => Ok(said(&message)),
            SendMessageResponse::Task(task) => follow(&web, stop, &base, task),
        }
    });
    outcome.unwrap_or_else(|done| done)
}

/// Where it listens, as its card says; without a card, at the address itself.
fn base(web: &Web<'_>) -> Result<String, Done> {
    let url = web.url().to_string();
    let url = url.trim_end_matches('/');
    let card = web.ask(&at(web, url, CARD)?, Send::Get)?;
    if card.status == StatusCode::NOT_FOUND {
        return Ok(url.to_string());
    }
    let card: AgentCard = parsed(&card)?;
    let mut offered = card.supported_interfaces.iter();
    let spoken = |one: &&AgentInterface| {
        one.protocol_binding == BINDING && one.protocol_version.starts_with("1.")
    };
    match offered.find(spoken) {
        Some(one) => Ok(one.url.trim_end_matches('/').to_string()),
        None => Err(Done::exit(
            exit::CONFIG,
            format!(
                "`{}` does not offer {BINDING} of version 1, which is what coord speaks",
                card.name
            ),
        )),
    }
}

/// A path below an address, which has to be on the host that the project names.
fn at(web: &Web<'_>, base: &str, path: &str) -> Result<Uri, Done> {
    web.within(&format!("{base}{path}"))
        .map_err(|why| Done::exit(exit::CONFIG, why))
}

fn request(job: &Job) -> Result<String, Done> {
    let mut message = Message::new(
        Role::User,
        vec![Part::text(job.brief.clone()), Part::data(json!(job.told))],
    );
    // the same for every try: a service that knows it does the work once
    message.message_id = job.idempotency_key.clone();
    let request = SendMessageRequest {
        message,
        configuration: Some(SendMessageConfiguration {
            accepted_output_modes: None,
            task_push_notification_config: None,
            history_length: Some(0),
            return_immediately: Some(true),
        }),
        metadata: None,
        tenant: None,
    };
    serde_json::to_string(&request).map_err(|e| Done::exit(exit::PROTOCOL, e.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Done> {
    if !answer.status.is_success() {
        let code = match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => exit::DENIED,
            status if status.is_server_error() => exit::LATER,
            _ => exit::FAILED,
        };
        let why = format!("it answered {}\n{}", answer.status, answer.body);
        return Err(Done::exit(code, why.trim_end()));
    }
    serde_json::from_str(&answer.body).map_err(|error| {
        Done::exit(
            exit::PROTOCOL,
            format!("its answer cannot be understood: {error}"),
        )
    })
}

/// Looks at its task until that has come to an end.
fn follow(web: &Web<'_>, stop: &Stop, base: &str, mut task: Task) -> Result<Done, Done> {
    let id = task.id.clone();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > MAX_ID || id.starts_with('.') || !id.chars().all(plain) {
        return Err(Done::exit(exit::PROTOCOL, "its task has no usable id"));
    }
    let place = at(web, base, &format!("/tasks/{id}"))?;
    let mut told = String::new();
    let mut pause = None;
    loop {
        let now = task.status.message.as_ref().map(|m| text(&m.parts));
        let now = now.unwrap_or_default();
        if !now.is_empty() && now != told {
            web.say(&now);
            told = now;
        }
        if let Some(done) = judged(&task) {
            return Ok(done);
        }
        if stop.wait(pause.unwrap_or(LOOK_EVERY)) {
            let cancel = at(web, base, &format!("/tasks/{id}:cancel"))?;
            let _told_or_not = web.ask(&cancel, Send::Post("{}"));
            return Err(Done::exit(exit::FAILED, "it was called off"));
        }
        let look = web.ask(&place, Send::Get).map_err(|done| match done.exit {
            exit::LATER => Done::lost(format!("it is at work, and {}", done.log)),
            _ => done,
        })?;
        pause = look.pause;
        task = parsed(&look)?;
    }
}

/// What the state of its task means; None while it is at work.
fn judged(task: &Task) -> Option<Done> {
    let failed = |code, why: &str| Some(Done::exit(code, why));
    match task.status.state {
        TaskState::Completed => {
            let mut done = Done::well();
            done.outputs = outputs(task);
            Some(done)
        }
        TaskState::Failed => failed(exit::FAILED, "it says that it failed"),
        TaskState::Canceled => failed(exit::FAILED, "it ended its work by itself"),
        TaskState::Rejected => failed(exit::DENIED, "it refuses"),
        TaskState::AuthRequired => failed(exit::DENIED, "it asks to log in"),
        TaskState::InputRequired => failed(
            exit::FAILED,
            "it asks back, and a task has one brief: say more in it",
        ),
        TaskState::Unspecified | TaskState::Submitted | TaskState::Working => None,
    }
}

fn outputs(task: &Task) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    for artifact in task.artifacts.iter().flatten() {
        let name = artifact.name.as_ref().filter(|name| !name.is_empty());
        let name = name
            .cloned()
            .unwrap_or_else(|| artifact.artifact_id.clone());
        outputs.extend(given(&artifact.parts));
        let text = text(&artifact.parts);
        if !text.is_empty() {
            let named = json!({ name: text });
            outputs.extend(named.as_object().map(values).unwrap_or_default());
        }
    }
    outputs
}

/// An answer without a task.
fn said(message: &Message) -> Done {
    let text = text(&message.parts);
    let mut done = Done::well().log(text.clone());
    done.outputs = given(&message.parts);
    if !text.is_empty() {
        done.outputs.insert("text".into(), value_of(&text));
    }
    done
}

fn text(parts: &[Part]) -> String {
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    texts.join("\n").trim().to_string()
}

/// What it gives as data.
fn given(parts: &[Part]) -> BTreeMap<String, String> {
    let data = parts.iter().filter_map(|part| match &part.content {
        PartContent::Data(Value::Object(object)) => Some(values(object)),
        _ => None,
    });
    data.flatten().collect()
}
