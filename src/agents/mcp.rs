//! `via mcp ["argv"] tool NAME`, `via mcp "URL" tool NAME`: a tool of a server of the Model Context
//! Protocol does the task. The server is a program that is started, or listens somewhere
//! ([`crate::mcp_web`]).
//!
//! The tool gets what it asks for by name: the brief, the prompt, declared variables, outputs of
//! the tasks before. Its result becomes the outputs, its progress goes into the log.

use crate::exit;
use crate::mcp_web;
use crate::said::{Said, value_of};
use crate::talk::{Pipes, enough, with_program};
use coord_host::bench::Bench;
use coord_host::reach::{Done, Job, Stop};
use coord_plan::plan::Driver;
#[expect(deprecated, reason = "servers of today tell their progress with it")]
use rmcp::model::LoggingMessageNotificationParam;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientConfig, Implementation, JsonObject,
    ProgressNotificationParam, Tool,
};
use rmcp::service::{NotificationContext, RoleClient, RunningService};
use rmcp::transport::IntoTransport;
use rmcp::{ClientHandler, ServiceError, ServiceExt};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Tools of a server that are looked through.
const MAX_TOOLS: usize = 10_000;

pub(crate) fn attempt(job: &Job, stop: &Stop) -> Done {
    match &job.via {
        Driver::Mcp { argv, tool } => with_program(job, argv, |pipes| {
            let Pipes { input, output } = pipes;
            talk(job, stop, tool, (output, input))
        }),
        Driver::McpWeb { url, tool } => match mcp_web::transport(job, url) {
            Ok((transport, runtime)) => {
                let trouble = transport.trouble();
                let done =
                    runtime.block_on(async { talk(job, stop, tool, transport.open()).await });
                // what still waits for the host waits alone
                runtime.shutdown_background();
                match trouble.code() {
                    Some(code) if done.exit == exit::PROTOCOL => Done::exit(code, done.log),
                    _ => done,
                }
            }
            Err(done) => done,
        },
        _ => Done::exit(exit::CONFIG, "it has no program"),
    }
}

async fn talk<T, E, A>(job: &Job, stop: &Stop, tool: &str, transport: T) -> Done
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let ears = Ears {
        bench: job.bench.clone(),
        last: Arc::new(Mutex::new(Instant::now())),
    };
    let last = Arc::clone(&ears.last);
    let heard = || *last.lock().unwrap_or_else(PoisonError::into_inner);
    let call = async {
        let server = ears.serve(transport).await;
        let server = server.map_err(|error| protocol(error.to_string()))?;
        let done = called(job, tool, &server).await;
        // the server reads the end of its input as the end of the conversation
        let _closed = server.cancel().await;
        done
    };
    tokio::select! {
        done = call => done.unwrap_or_else(|done| done),
        why = enough(job, stop, heard) => why.done(),
    }
}

async fn called(
    job: &Job,
    name: &str,
    server: &RunningService<RoleClient, Ears>,
) -> Result<Done, Done> {
    let tools = server.list_all_tools().await.map_err(failed)?;
    let found = tools.iter().take(MAX_TOOLS).find(|tool| tool.name == name);
    let Some(tool) = found else {
        let names: Vec<&str> = tools.iter().take(20).map(|tool| &*tool.name).collect();
        return Err(Done::exit(
            exit::CONFIG,
            format!("there is no tool `{name}`; there are: {}", names.join(", ")),
        ));
    };
    let given = arguments(job, tool).map_err(|why| Done::exit(exit::CONFIG, why))?;
    let request = CallToolRequestParams::new(name.to_string()).with_arguments(given);
    let result = server.call_tool(request).await;
    let result = result.map_err(|error| match (&job.via, error) {
        // what a program did ends with it; who knows how far a host came
        (Driver::McpWeb { .. }, ServiceError::TransportClosed | ServiceError::TransportSend(_)) => {
            Done::lost("it got the call and gave no answer")
        }
        (_, error) => failed(error),
    })?;
    Ok(judged(&result))
}

/// What the tool asks for, by name; the error says what is missing.
fn arguments(job: &Job, tool: &Tool) -> Result<JsonObject, String> {
    let schema = &tool.input_schema;
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut given = JsonObject::new();
    for (name, of) in properties.into_iter().flatten() {
        if let Some(value) = argument(job, name, of) {
            given.insert(name.clone(), value);
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = required.filter(|name| !given.contains_key(*name)).collect();
    match missing.first() {
        None => Ok(given),
        Some(name) => Err(format!(
            "tool `{}` asks for `{name}`, and the task does not give it; `env {name} \"…\"` does",
            tool.name
        )),
    }
}

/// A declared variable of that name, else what coord knows under it.
fn argument(job: &Job, name: &str, schema: &Value) -> Option<Value> {
    if let Some(text) = job.env.get(name) {
        return Some(typed(text, schema));
    }
    let known = match name {
        "brief" => &job.brief,
        "ask" | "prompt" | "question" | "query" | "message" => job.ask.as_ref()?,
        "task" => &job.task,
        "run" => &job.run,
        "idempotency_key" => &job.idempotency_key,
        "attempt" => return Some(job.attempt.into()),
        "outputs" => return serde_json::to_value(&job.outputs).ok(),
        _ => {
            let mut before = job.outputs.values();
            return Some(typed(before.find_map(|of| of.get(name))?, schema));
        }
    };
    Some(known.clone().into())
}

/// A text as the type that the tool wants.
fn typed(text: &str, schema: &Value) -> Value {
    let wanted = schema.get("type").and_then(Value::as_str);
    match wanted {
        Some("string") | None => text.into(),
        Some(_) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn judged(result: &CallToolResult) -> Done {
    let texts = result.content.iter().filter_map(|block| block.as_text());
    let text: Vec<&str> = texts.map(|text| text.text.as_str()).collect();
    let text = text.join("\n");
    if result.is_error == Some(true) {
        return Done::exit(exit::FAILED, text);
    }
    let said = match &result.structured_content {
        Some(Value::Object(object)) if object.contains_key("outputs") => Said::of(object),
        Some(Value::Object(object)) => Said {
            outputs: crate::said::values(object),
            ..Said::default()
        },
        _ => Said::default(),
    };
    let mut done = said.done();
    if !text.trim().is_empty() {
        done.outputs
            .entry("text".into())
            .or_insert_with(|| value_of(text.trim()));
    }
    done.log = format!("{}\n{text}", done.log).trim().to_string();
    done
}

fn failed(error: ServiceError) -> Done {
    match error {
        ServiceError::McpError(error) => Done::exit(exit::FAILED, error.message.to_string()),
        ServiceError::TransportClosed | ServiceError::TransportSend(_) => {
            Done::exit(exit::FAILED, "its program ended before its work did")
        }
        other => protocol(other.to_string()),
    }
}

fn protocol(why: String) -> Done {
    Done::exit(exit::PROTOCOL, why)
}

/// What the server tells meanwhile. It is granted nothing: no model, no files, no questions.
#[derive(Clone)]
struct Ears {
    bench: Bench,
    last: Arc<Mutex<Instant>>,
}

impl Ears {
    fn heard(&self, text: &str) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.bench.say(text);
    }
}

#[expect(deprecated, reason = "servers of today tell their progress with it")]
impl ClientHandler for Ears {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.client_info = Implementation::new("coord", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn on_progress(&self, of: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let total = of.total.map(|total| format!(" of {total}"));
        let message = of.message.map(|message| format!(": {message}"));
        self.heard(&format!(
            "{}{}{}",
            of.progress,
            total.unwrap_or_default(),
            message.unwrap_or_default()
        ));
    }

    async fn on_logging_message(
        &self,
        of: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        match of.data.as_str() {
            Some(text) => self.heard(text),
            None => self.heard(&of.data.to_string()),
        }
    }
}
