//! A server of the Model Context Protocol with a few tools, for agents `via mcp`.
//!
//! ```text
//! agent counter { via mcp ["target/debug/examples/tool"] tool count }
//! task count-words by counter { env text "how many words" }
//! ```
//!
//! It speaks over its standard input and output, or, with `--http [ADDRESS]`, at an address that its
//! first line says.
//!
//! The tool `work` does what its prompt says line by line, in the folder that it was started in:
//! `write PATH TEXT` and `append PATH TEXT`; `first LINE` is for the first try alone. It asks nobody.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{ProgressNotificationParam, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
struct Text {
    /// What is counted.
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Counted {
    words: usize,
    letters: usize,
}

#[derive(Deserialize, JsonSchema)]
struct Told {
    /// What is to be done, as Markdown.
    brief: String,
    attempt: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// What is to be done, line by line.
    prompt: String,
    attempt: u32,
}

#[derive(Clone)]
struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "Counts words and letters.")]
    async fn count(
        &self,
        Parameters(of): Parameters<Text>,
        context: RequestContext<RoleServer>,
    ) -> Json<Counted> {
        if let Some(token) = context.meta.get_progress_token() {
            let half = ProgressNotificationParam::new(token, 1.0)
                .with_total(2.0)
                .with_message("words are counted");
            let _nobody_listens = context.peer.notify_progress(half).await;
        }
        Json(Counted {
            words: of.text.split_whitespace().count(),
            letters: of.text.chars().filter(|c| c.is_alphabetic()).count(),
        })
    }

    #[tool(description = "Says the first line of its brief; fails at the first try.")]
    async fn title(&self, Parameters(of): Parameters<Told>) -> Result<String, ErrorData> {
        match of.attempt {
            1 => Err(ErrorData::internal_error("not at the first try", None)),
            _ => Ok(of.brief.lines().next().unwrap_or_default().to_string()),
        }
    }

    #[tool(description = "Writes what its prompt says.")]
    async fn work(&self, Parameters(of): Parameters<Asked>) -> Result<String, ErrorData> {
        let mut done = String::new();
        for line in of.prompt.lines().map(str::trim) {
            let line = match line.strip_prefix("first ") {
                Some(_) if of.attempt > 1 => continue,
                Some(line) => line,
                None => line,
            };
            let mut words = line.splitn(3, ' ');
            let (verb, path) = (words.next(), words.next().unwrap_or_default());
            let text = words.next().unwrap_or_default().replace("\\n", "\n");
            let written = match verb {
                Some("write") => write(path, &text),
                Some("append") => append(path, &text),
                _ => continue,
            };
            written.map_err(|e| ErrorData::internal_error(format!("{path}: {e}"), None))?;
            done.push_str(&format!("{line}\n"));
        }
        Ok(done)
    }

    #[tool(description = "Never answers.")]
    async fn hang(&self, context: RequestContext<RoleServer>) -> String {
        if let Some(token) = context.meta.get_progress_token() {
            let begun = ProgressNotificationParam::new(token, 0.0).with_message("it hangs");
            let _nobody_listens = context.peer.notify_progress(begun).await;
        }
        std::future::pending().await
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

fn write(path: &str, text: &str) -> std::io::Result<()> {
    let folder = Path::new(path).parent();
    folder.map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}

fn append(path: &str, text: &str) -> std::io::Result<()> {
    let there = std::fs::read_to_string(path).unwrap_or_default();
    write(path, &format!("{there}{text}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--http") {
        return listen(args.next().as_deref().unwrap_or("127.0.0.1:0")).await;
    }
    let tools = Tools.serve(rmcp::transport::stdio()).await?;
    tools.waiting().await?;
    Ok(())
}

async fn listen(at: &str) -> Result<(), Box<dyn std::error::Error>> {
    let service: StreamableHttpService<Tools, LocalSessionManager> = StreamableHttpService::new(
        || Ok(Tools),
        Arc::default(),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind(at).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let _client_is_gone = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
