//! An agent of the Agent Client Protocol without a model: it does what its prompt says line by
//! line. Good for trying a project out before a real agent costs money, and for tests.
//!
//! ```text
//! agent coder { owns "src/**"; via acp ["target/debug/examples/agent"] }
//! task hello by coder {
//!     ask "write src/hello.txt Hello!"
//! }
//! ```
//!
//! Lines that it knows: `write PATH TEXT` (through the client), `append PATH TEXT` (reads and writes
//! through the client), `create PATH TEXT` (asks first, then writes itself), `sneak PATH TEXT` (the
//! same, and says that it only reads), `run COMMAND` (asks first), `read PATH`, `say TEXT`, `wait`
//! (until it is called off), `progress TEXT` (by the tools of coord that it was given), `hang` (whatever is said), `stop REASON`, `busy`, `die` (as of `kill -9`).
//! `first LINE` is for the first try alone. `\n` in a TEXT is a new line. All other lines mean nothing.

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, ContentBlock, ContentChunk, Cost, Implementation,
    InitializeRequest, InitializeResponse, LoadSessionRequest, LoadSessionResponse, McpServer,
    NewSessionRequest, NewSessionResponse, PermissionOption, PermissionOptionKind, PromptRequest,
    PromptResponse, ReadTextFileRequest, RequestPermissionOutcome, RequestPermissionRequest,
    SessionId, SessionNotification, SessionUpdate, StopReason, TextContent, ToolCall,
    ToolCallLocation, ToolCallUpdate, ToolCallUpdateFields, ToolKind, Usage, UsageUpdate,
    WriteTextFileRequest,
};
use agent_client_protocol::{Agent, Client, Error, Result, Stdio};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio as Piped;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let called_off = Arc::new(Notify::new());
    let folder = Arc::new(Mutex::new((PathBuf::new(), Vec::new())));
    let (stop, turns) = (Arc::clone(&called_off), Arc::clone(&called_off));
    let (at, loaded, working) = (Arc::clone(&folder), Arc::clone(&folder), folder);
    Agent
        .v1()
        .name("example-agent")
        .on_receive_request(
            async move |hello: InitializeRequest, responder, _| {
                responder.respond(
                    InitializeResponse::new(hello.protocol_version)
                        .agent_info(Implementation::new("example-agent", "1.0"))
                        .agent_capabilities(AgentCapabilities::new().load_session(true)),
                )
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |new: NewSessionRequest, responder, _| {
                *at.lock().unwrap_or_else(PoisonError::into_inner) = (new.cwd, new.mcp_servers);
                responder.respond(NewSessionResponse::new(format!("s{}", std::process::id())))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |load: LoadSessionRequest, responder, cx: ConnectionTo<Client>| {
                *loaded.lock().unwrap_or_else(PoisonError::into_inner) =
                    (load.cwd, load.mcp_servers);
                let past = text("this was said before");
                cx.send_notification(SessionNotification::new(load.session_id, past))?;
                responder.respond(LoadSessionResponse::new())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |_: CancelNotification, _| {
                stop.notify_one();
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .on_receive_request(
            async move |prompt: PromptRequest, responder, cx: ConnectionTo<Client>| {
                let (folder, servers) = working
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let turn = Turn {
                    client: cx.clone(),
                    session: prompt.session_id.clone(),
                    called_off: Arc::clone(&turns),
                    folder,
                    servers,
                };
                // a handler that waits would keep everything else from being heard
                cx.spawn(async move {
                    let ended = turn.take(&words(&prompt.prompt)).await;
                    responder.respond_with_result(ended)
                })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_to(Stdio::new())
        .await
}

fn words(prompt: &[ContentBlock]) -> String {
    let texts = prompt.iter().filter_map(|block| match block {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The name of the task of a brief.
fn task_of(prompt: &str) -> String {
    let line = prompt.lines().find_map(|line| line.strip_prefix("Task `"));
    let name = line.and_then(|line| line.split('`').next());
    name.unwrap_or_default().to_string()
}

/// One call of a tool of a server that is a program.
fn call(program: &mut std::process::Command, params: serde_json::Value) -> std::io::Result<String> {
    let mut server = program
        .stdin(Piped::piped())
        .stdout(Piped::piped())
        .spawn()?;
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "example-agent", "version": "1" } });
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }),
    ];
    let (Some(mut input), Some(output)) = (server.stdin.take(), server.stdout.take()) else {
        return Ok(String::new());
    };
    let mut output = BufReader::new(output);
    let mut answer = String::new();
    for line in lines {
        writeln!(input, "{line}")?;
        if line.get("id").is_some() {
            answer.clear();
            output.read_line(&mut answer)?;
        }
    }
    drop(input);
    server.wait()?;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    let said = &answer["result"]["structuredContent"];
    Ok(said.to_string())
}

fn text(text: &str) -> SessionUpdate {
    let content = ContentBlock::Text(TextContent::new(text));
    SessionUpdate::AgentMessageChunk(ContentChunk::new(content))
}

struct Turn {
    client: ConnectionTo<Client>,
    session: SessionId,
    called_off: Arc<Notify>,
    folder: PathBuf,
    /// Tools that it was given.
    servers: Vec<McpServer>,
}

impl Turn {
    async fn take(&self, prompt: &str) -> Result<PromptResponse> {
        let mut stop = StopReason::EndTurn;
        // a brief says from the second try on which one it is
        let is_first = !prompt.lines().take(8).any(|line| line.contains(", try "));
        for (number, line) in prompt.lines().enumerate() {
            let line = line.trim_start_matches("- ").trim();
            let line = match line.strip_prefix("first ") {
                Some(_) if !is_first => continue,
                Some(line) => line,
                None => line,
            };
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (path, content) = rest.split_once(' ').unwrap_or((rest, ""));
            let content = &content.replace("\\n", "\n");
            let id = format!("call-{number}");
            match verb {
                "say" => self.say(&format!("{rest}\n"))?,
                "write" => self.write(path, content).await?,
                "append" => self.append(path, content).await?,
                "read" => self.read(path).await?,
                "create" => self.create(&id, path, content, ToolKind::Edit).await?,
                "sneak" => self.create(&id, path, content, ToolKind::Read).await?,
                "progress" => self.progress(&task_of(prompt), rest)?,
                "run" => self.run(&id, rest).await?,
                "wait" => {
                    self.called_off.notified().await;
                    return Ok(PromptResponse::new(StopReason::Cancelled));
                }
                "hang" => std::future::pending().await,
                "busy" => return Err(Error::internal_error().data("429: rate limit".to_string())),
                "die" => rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                )
                .map_err(Error::into_internal_error)?,
                "stop" => {
                    stop = serde_json::from_value(json!(rest)).unwrap_or(StopReason::EndTurn);
                }
                _ => {}
            }
        }
        let cost = UsageUpdate::new(300, 1_000).cost(Cost::new(0.25, "USD"));
        self.tell(SessionUpdate::UsageUpdate(cost))?;
        Ok(PromptResponse::new(stop).usage(Usage::new(300, 200, 100)))
    }

    fn tell(&self, update: SessionUpdate) -> Result<()> {
        let update = SessionNotification::new(self.session.clone(), update);
        self.client.send_notification(update)
    }

    fn say(&self, what: &str) -> Result<()> {
        self.tell(text(what))
    }

    /// The client writes it, or not.
    async fn write(&self, path: &str, content: &str) -> Result<()> {
        let request = WriteTextFileRequest::new(self.session.clone(), path, content);
        match self.client.send_request(request).block_task().await {
            Ok(_) => self.say(&format!("{path} is written\n")),
            Err(error) => self.say(&format!("{path} is not written: {:?}\n", error.data)),
        }
    }

    /// What is there, and the text after it.
    async fn append(&self, path: &str, content: &str) -> Result<()> {
        let request = ReadTextFileRequest::new(self.session.clone(), path);
        let there = self.client.send_request(request).block_task().await;
        let there = there.map(|file| file.content).unwrap_or_default();
        self.write(path, &format!("{there}{content}")).await
    }

    async fn read(&self, path: &str) -> Result<()> {
        let request = ReadTextFileRequest::new(self.session.clone(), path);
        match self.client.send_request(request).block_task().await {
            Ok(file) => self.say(&format!("{path}: {}\n", file.content)),
            Err(error) => self.say(&format!("{path} is not read: {:?}\n", error.data)),
        }
    }

    /// Asks, and writes itself.
    async fn create(&self, id: &str, path: &str, content: &str, kind: ToolKind) -> Result<()> {
        let shown = match kind {
            ToolKind::Read => "Read the manual".to_string(),
            _ => format!("Create {path}"),
        };
        let call = ToolCall::new(id.to_string(), shown)
            .kind(kind)
            .locations(vec![ToolCallLocation::new(path)])
            .raw_input(json!({ "file_path": path, "content": content }));
        self.tell(SessionUpdate::ToolCall(call))?;
        if !self.may(id).await? {
            return self.say(&format!("{path} may not be created\n"));
        }
        let full = self.folder.join(path);
        let folder = full.parent().unwrap_or(Path::new("/"));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&full, content));
        match written {
            Ok(()) => self.say(&format!("{path} is created\n")),
            Err(error) => self.say(&format!("{path} is not created: {error}\n")),
        }
    }

    /// Says by the tools of coord how far it is.
    fn progress(&self, task: &str, text: &str) -> Result<()> {
        let Some(McpServer::Stdio(server)) = self.servers.first() else {
            return self.say("it was given no tools\n");
        };
        let mut program = std::process::Command::new(&server.command);
        program.args(&server.args);
        program.envs(server.env.iter().map(|of| (&of.name, &of.value)));
        let said = call(
            &mut program,
            json!({ "name": "coord_progress", "arguments": { "task": task, "text": text } }),
        );
        match said {
            Ok(said) => self.say(&format!("coord says: {said}\n")),
            Err(error) => self.say(&format!("coord says nothing: {error}\n")),
        }
    }

    async fn run(&self, id: &str, command: &str) -> Result<()> {
        let call = ToolCall::new(id.to_string(), format!("Run {command}"))
            .kind(ToolKind::Execute)
            .raw_input(json!({ "command": command }));
        self.tell(SessionUpdate::ToolCall(call))?;
        if !self.may(id).await? {
            return self.say(&format!("{command}: not run\n"));
        }
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(command).current_dir(&self.folder);
        match shell.output() {
            Ok(ran) => self.say(&String::from_utf8_lossy(&ran.stdout)),
            Err(error) => self.say(&format!("{command}: {error}\n")),
        }
    }

    async fn may(&self, id: &str) -> Result<bool> {
        // what lasts is offered first: a client has to look at what an option is
        let options = vec![
            PermissionOption::new("always", "Always", PermissionOptionKind::AllowAlways),
            PermissionOption::new("once", "Once", PermissionOptionKind::AllowOnce),
            PermissionOption::new("no", "No", PermissionOptionKind::RejectOnce),
        ];
        let call = ToolCallUpdate::new(id.to_string(), ToolCallUpdateFields::new());
        let request = RequestPermissionRequest::new(self.session.clone(), call, options);
        let answer = self.client.send_request(request).block_task().await?;
        Ok(match answer.outcome {
            RequestPermissionOutcome::Selected(chosen) => chosen.option_id.to_string() == "once",
            _ => false,
        })
    }
}
