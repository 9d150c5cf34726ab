//! `via acp ["argv"]`: an AI coding agent over the Agent Client Protocol.
//!
//! One attempt is one turn: `initialize`, a session in the folder of the task, the brief as the
//! prompt. What the agent says and does meanwhile goes into the log. Its files are read and written
//! here, and its requests for permission are answered here, from what the task claims.

use crate::claims::{Claims, MAX_FILE};
use crate::exit;
use crate::permission::{Calls, choose};
use crate::said::value_of;
use crate::talk::{Enough, Pipes, enough, with_program};
use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    CancelNotification, ClientCapabilities, ContentBlock, EnvVariable, FileSystemCapabilities,
    Implementation, InitializeRequest, InitializeResponse, LoadSessionRequest, McpServer,
    McpServerStdio, NewSessionRequest, PromptRequest, PromptResponse, ReadTextFileRequest,
    ReadTextFileResponse, RequestPermissionRequest, RequestPermissionResponse, SessionId,
    SessionNotification, SessionUpdate, StopReason, TextContent, WriteTextFileRequest,
    WriteTextFileResponse,
};
use agent_client_protocol::{
    Agent, ByteStreams, Client, Error, ErrorCode, is_incoming_transport_closed,
};
use coord_host::bench::Bench;
use coord_host::reach::{Done, Job, Stop};
use coord_plan::plan::Driver;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

/// Longest text of one message that is kept as an output.
const MAX_MESSAGE: usize = 64 << 10;
/// What an agent gets to end its turn when it is called off.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Acp {
    /// The program that serves tools of the run.
    pub(crate) coord: Option<PathBuf>,
}

impl coord_host::reach::Driver for Acp {
    fn attempt(&self, job: &Job, stop: &Stop) -> Done {
        let Driver::Acp(argv) = &job.via else {
            return Done::exit(exit::CONFIG, "it has no program");
        };
        let tools = self.coord.as_deref().and_then(|coord| tools(job, coord));
        with_program(job, argv, |pipes| talk(job, stop, argv, tools, pipes))
    }
}

/// The run as a server of tools, for the agent alone whose work this is.
fn tools(job: &Job, coord: &Path) -> Option<McpServer> {
    let agent = job.agents.first()?;
    let home = job
        .environment
        .iter()
        .find(|(name, _)| name == "COORD_HOME");
    let home = home?.1.to_str()?;
    let args = ["mcp", "--as", agent, "--run", &job.run].map(str::to_string);
    let server = McpServerStdio::new("coord", coord)
        .args(args.to_vec())
        .env(vec![EnvVariable::new("COORD_HOME", home)]);
    Some(McpServer::Stdio(server))
}

async fn talk(
    job: &Job,
    stop: &Stop,
    argv: &[String],
    tools: Option<McpServer>,
    pipes: Pipes,
) -> Done {
    let ears = Arc::new(Ears::new(job));
    let streams = ByteStreams::new(pipes.input.compat_write(), pipes.output.compat());
    let (updates, asks) = (Arc::clone(&ears), Arc::clone(&ears));
    let (writes, reads) = (Arc::clone(&ears), Arc::clone(&ears));
    let spoken = Client
        .v1()
        .name("coord")
        .on_receive_notification(
            async move |of: SessionNotification, _| {
                updates.heard(of.update);
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .on_receive_request(
            async move |of: RequestPermissionRequest, responder, _| {
                responder.respond(asks.permission(&of))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |of: WriteTextFileRequest, responder, _| {
                responder.respond_with_result(writes.write(&of))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |of: ReadTextFileRequest, responder, _| {
                responder.respond_with_result(reads.read(&of))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(streams, async |agent: ConnectionTo<Agent>| {
            let turn = Turn {
                job,
                stop,
                argv,
                tools: tools.into_iter().collect(),
                agent: &agent,
                ears: &ears,
            };
            Ok(tokio::select! {
                done = turn.take() => done,
                () = gone(&agent) => {
                    program_ended()
                }
            })
        })
        .await;
    let mut done = spoken.unwrap_or_else(|_| program_ended());
    done.outputs.extend(ears.outputs());
    done
}

/// Returns some time after the agent has closed its side: an answer that came before is heard.
async fn gone(agent: &ConnectionTo<Agent>) {
    agent.incoming_closed().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
}

/// One prompt and what it takes to get there.
struct Turn<'t> {
    job: &'t Job,
    stop: &'t Stop,
    argv: &'t [String],
    /// Servers of tools that it is given.
    tools: Vec<McpServer>,
    agent: &'t ConnectionTo<Agent>,
    ears: &'t Arc<Ears>,
}

impl Turn<'_> {
    async fn take(&self) -> Done {
        let session = tokio::select! {
            session = self.session() => session,
            why = self.enough() => return why.done(),
        };
        let session = match session {
            Ok(session) => session,
            Err(done) => return done,
        };
        let brief = ContentBlock::Text(TextContent::new(self.job.brief.clone()));
        let prompt = PromptRequest::new(session.clone(), vec![brief]);
        let mut turn = Box::pin(self.agent.send_request(prompt).block_task());
        tokio::select! {
            ended = &mut turn => match ended {
                Ok(ended) => self.judged(&ended),
                Err(error) => failed(&error),
            },
            why = self.enough() => {
                let _gone = self.agent.send_notification(CancelNotification::new(session));
                let _ended = tokio::time::timeout(CANCEL_PATIENCE, turn).await;
                why.done()
            }
        }
    }

    async fn enough(&self) -> Enough {
        enough(self.job, self.stop, || self.ears.lock().last).await
    }

    /// The session of an earlier try, else a new one.
    async fn session(&self) -> Result<SessionId, Done> {
        let hello = InitializeRequest::new(ProtocolVersion::V1)
            .client_info(Implementation::new("coord", env!("CARGO_PKG_VERSION")))
            .client_capabilities(
                ClientCapabilities::new().fs(FileSystemCapabilities::new()
                    .read_text_file(true)
                    .write_text_file(true)),
            );
        let hello = self.agent.send_request(hello).block_task().await;
        let hello = hello.map_err(|error| failed(&error))?;
        if hello.protocol_version != ProtocolVersion::V1 {
            let spoken = hello.protocol_version;
            return Err(Done::exit(
                exit::PROTOCOL,
                format!("it speaks version {spoken} of the protocol, and coord version 1"),
            ));
        }
        self.introduce(&hello);
        let folder = self.ears.claims.folder().to_path_buf();
        if let Some(session) = self.earlier(&hello) {
            self.ears.lock().replays = true;
            let load = LoadSessionRequest::new(session.clone(), folder.clone())
                .mcp_servers(self.tools.clone());
            let loaded = self.agent.send_request(load).block_task().await;
            self.ears.lock().replays = false;
            if loaded.is_ok() {
                self.ears.bench.say("it goes on in its session");
                return Ok(session);
            }
        }
        let new = NewSessionRequest::new(folder).mcp_servers(self.tools.clone());
        let new = self.agent.send_request(new).block_task().await;
        let session = new.map_err(|error| failed(&error))?.session_id;
        self.remember(&session);
        Ok(session)
    }

    fn introduce(&self, hello: &InitializeResponse) {
        if let Some(info) = &hello.agent_info {
            let text = format!("{} {} is there", info.name, info.version);
            self.ears.bench.say(&text);
        }
    }

    /// A session that an earlier try at this task had with the same program.
    fn earlier(&self, hello: &InitializeResponse) -> Option<SessionId> {
        if !hello.agent_capabilities.load_session || self.job.attempt < 2 {
            return None;
        }
        let notes = std::fs::read_to_string(self.job.bench.notes()?).ok()?;
        let (program, session) = notes.trim_end().rsplit_once('\n')?;
        (program == self.argv.join(" ")).then(|| SessionId::new(session.to_string()))
    }

    fn remember(&self, session: &SessionId) {
        let id = session.to_string();
        if let Some(notes) = self.job.bench.notes()
            && !id.contains('\n')
        {
            let _starts_anew_then =
                std::fs::write(notes, format!("{}\n{id}\n", self.argv.join(" ")));
        }
    }

    /// What the end of a turn means. That it ended well is no proof of anything: what the task
    /// leaves and what its gates say is looked at afterwards, where it has any.
    fn judged(&self, ended: &PromptResponse) -> Done {
        let mut heard = self.ears.lock();
        if let Some(usage) = &ended.usage {
            heard.used("input-tokens", usage.input_tokens.to_string());
            heard.used("output-tokens", usage.output_tokens.to_string());
            heard.used("total-tokens", usage.total_tokens.to_string());
        }
        let refused = heard.refused;
        drop(heard);
        match ended.stop_reason {
            StopReason::EndTurn if refused > 0 && !self.job.told.is_judged() => Done::exit(
                exit::DENIED,
                format!(
                    "it was refused {refused} times, and nothing looks at what it did: a gate or an artifact of the task would"
                ),
            ),
            StopReason::EndTurn => Done::well(),
            StopReason::MaxTokens => Done::exit(exit::LATER, "it ran out of tokens"),
            StopReason::MaxTurnRequests => Done::exit(
                exit::LATER,
                "it made as many requests as it may in one turn",
            ),
            StopReason::Refusal => Done::exit(exit::DENIED, "it refuses"),
            StopReason::Cancelled => Done::exit(exit::FAILED, "it ended its turn by itself"),
            _ => Done::exit(
                exit::PROTOCOL,
                "it ended for a reason that coord does not know",
            ),
        }
    }
}

fn program_ended() -> Done {
    Done::exit(exit::FAILED, "its program ended before its work did")
}

fn failed(error: &Error) -> Done {
    // what the library says of a closed pipe tells nobody anything
    if is_incoming_transport_closed(error) {
        return program_ended();
    }
    let more = error.data.as_ref().map(|data| match data.as_str() {
        Some(text) => format!(": {text}"),
        None => format!(": {data}"),
    });
    let why = format!("{}{}", error.message, more.unwrap_or_default());
    let busy = ["rate limit", "rate_limit", "overloaded", "429", "503"];
    let lower = why.to_lowercase();
    match error.code {
        ErrorCode::AUTH_REQUIRED => Done::exit(
            exit::DENIED,
            format!("it asks to log in: start its program once by hand\n{why}"),
        ),
        _ if busy.iter().any(|word| lower.contains(word)) => Done::exit(exit::LATER, why),
        _ => Done::exit(exit::FAILED, why),
    }
}

/// What is heard of an agent, on whatever thread it comes.
struct Ears {
    bench: Bench,
    claims: Claims,
    /// The project trusts it with commands.
    full: bool,
    heard: Mutex<Heard>,
}

struct Heard {
    last: Instant,
    /// A line of a message that is not at its end.
    line: String,
    /// The message so far: the last one is the answer.
    message: String,
    calls: Calls,
    refused: u32,
    /// The past is told again.
    replays: bool,
    usage: BTreeMap<String, String>,
}

impl Heard {
    fn used(&mut self, name: &str, value: String) {
        self.usage.insert(format!("usage.{name}"), value);
    }
}

impl Ears {
    fn new(job: &Job) -> Ears {
        let authority = job.told.agents.iter().map(|who| who.authority.as_deref());
        Ears {
            bench: job.bench.clone(),
            claims: Claims::of(job),
            full: authority.into_iter().all(|word| word == Some("full")),
            heard: Mutex::new(Heard {
                last: Instant::now(),
                line: String::new(),
                message: String::new(),
                calls: Calls::default(),
                refused: 0,
                replays: false,
                usage: BTreeMap::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self, update: SessionUpdate) {
        let mut heard = self.lock();
        heard.last = Instant::now();
        if heard.replays {
            return;
        }
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => {
                if let ContentBlock::Text(text) = chunk.content {
                    self.message(&mut heard, &text.text);
                }
            }
            SessionUpdate::ToolCall(call) => {
                self.end_message(&mut heard);
                let id = call.tool_call_id.to_string();
                let input = call.raw_input.as_ref();
                heard.calls.note(&id, &call.locations, &call.content, input);
                heard.calls.entitle(&id, &call.title);
                self.bench.say(&format!("→ {}", call.title));
            }
            SessionUpdate::ToolCallUpdate(call) => {
                let (id, of) = (call.tool_call_id.to_string(), call.fields);
                let locations = of.locations.unwrap_or_default();
                let content = of.content.unwrap_or_default();
                heard
                    .calls
                    .note(&id, &locations, &content, of.raw_input.as_ref());
                if let Some(status) = of.status {
                    let status = format!("{status:?}").to_lowercase();
                    let title = of.title.unwrap_or_else(|| heard.calls.title(&id));
                    self.bench.say(&format!("  {status}: {title}"));
                }
            }
            SessionUpdate::Plan(plan) => {
                for entry in plan.entries.iter().take(50) {
                    self.bench.say(&format!("· {}", entry.content));
                }
            }
            SessionUpdate::UsageUpdate(usage) => {
                heard.used("context-tokens", usage.used.to_string());
                if let Some(cost) = usage.cost {
                    heard.used("cost", format!("{} {}", cost.amount, cost.currency));
                }
            }
            _ => {}
        }
    }

    /// Messages come in pieces; the log has whole lines.
    fn message(&self, heard: &mut Heard, piece: &str) {
        if heard.message.len() + piece.len() <= MAX_MESSAGE {
            heard.message.push_str(piece);
        }
        heard.line.push_str(piece);
        if let Some(end) = heard.line.rfind('\n') {
            let rest = heard.line.split_off(end + 1);
            self.bench.say(&heard.line);
            heard.line = rest;
        }
        if heard.line.len() > MAX_MESSAGE {
            self.bench.say(&std::mem::take(&mut heard.line));
        }
    }

    /// What was said before an act is no answer.
    fn end_message(&self, heard: &mut Heard) {
        heard.message.clear();
        if !heard.line.is_empty() {
            self.bench.say(&std::mem::take(&mut heard.line));
        }
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        let mut heard = self.lock();
        if !heard.line.is_empty() {
            let line = std::mem::take(&mut heard.line);
            self.bench.say(&line);
        }
        let mut outputs = std::mem::take(&mut heard.usage);
        for value in outputs.values_mut() {
            *value = value_of(value);
        }
        if !heard.message.trim().is_empty() {
            outputs.insert("text".into(), value_of(heard.message.trim()));
        }
        outputs
    }

    fn permission(&self, of: &RequestPermissionRequest) -> RequestPermissionResponse {
        let mut heard = self.lock();
        heard.last = Instant::now();
        let (id, fields) = (of.tool_call.tool_call_id.to_string(), &of.tool_call.fields);
        let locations = fields.locations.as_deref().unwrap_or_default();
        let content = fields.content.as_deref().unwrap_or_default();
        heard
            .calls
            .note(&id, locations, content, fields.raw_input.as_ref());
        let refusal = heard.calls.refusal(&id, &self.claims, self.full);
        if let Some(title) = &fields.title {
            heard.calls.entitle(&id, title);
        }
        let title = heard.calls.title(&id);
        match &refusal {
            None => self.bench.say(&format!("permitted: {title}")),
            Some(why) => self.refuse(&mut heard, &title, why),
        }
        RequestPermissionResponse::new(choose(&of.options, refusal.is_none()))
    }

    fn refuse(&self, heard: &mut Heard, what: &str, why: &str) {
        heard.refused += 1;
        self.bench.say(&format!("refused: {what}: {why}"));
    }

    fn write(&self, of: &WriteTextFileRequest) -> Result<WriteTextFileResponse, Error> {
        let mut heard = self.lock();
        heard.last = Instant::now();
        let path = of.path.display().to_string();
        match self.claims.put(&path, &of.content) {
            Ok(()) => {
                self.bench.say(&format!("wrote {path}"));
                Ok(WriteTextFileResponse::new())
            }
            Err(why) => {
                self.refuse(&mut heard, &format!("write {path}"), &why);
                Err(Error::invalid_params().data(serde_json::Value::from(why)))
            }
        }
    }

    fn read(&self, of: &ReadTextFileRequest) -> Result<ReadTextFileResponse, Error> {
        self.lock().last = Instant::now();
        let path = of.path.display().to_string();
        let no = |why: String| Error::invalid_params().data(serde_json::Value::from(why));
        let real = self.claims.read(&path).map_err(no)?;
        let about = std::fs::metadata(&real).map_err(|error| no(error.to_string()))?;
        if !about.is_file() || about.len() > MAX_FILE {
            return Err(no(format!("`{path}` is no file of at most 16 MiB")));
        }
        let text = std::fs::read_to_string(&real).map_err(|error| no(error.to_string()))?;
        let first = of.line.unwrap_or(1).saturating_sub(1) as usize;
        let most = of.limit.map_or(usize::MAX, |limit| limit as usize);
        let text = match first == 0 && most == usize::MAX {
            true => text,
            false => text.split_inclusive('\n').skip(first).take(most).collect(),
        };
        Ok(ReadTextFileResponse::new(text))
    }
}
