//! A server of the Model Context Protocol that listens at an address: streamable HTTP.
//!
//! The protocol is that of the crate; the requests are made here, so that they go to the host that
//! the project names and nowhere else, as those of [`crate::web`] do. What the server tells comes
//! with the answer to a call; there is no standing stream beside.

use crate::address::Origin;
use crate::exit;
use crate::web;
use coord_host::reach::{Done, Job};
use futures_util::stream::{BoxStream, StreamExt, poll_fn};
use rmcp::model::{ClientJsonRpcMessage, ErrorData, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};
use std::collections::HashMap;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderName, HeaderValue, Response, StatusCode, Uri};
use ureq::{Agent, Body};

/// Longest answer.
const MAX_ANSWER: u64 = 16 << 20;
/// Longest pause within one; [`crate::talk::enough`] ends a conversation earlier.
const PATIENCE: Duration = Duration::from_secs(3_600);
const SESSION: &str = "mcp-session-id";

/// What is known of the host before the first request.
pub(crate) struct Transport {
    client: Client,
    url: String,
}

impl Transport {
    pub(crate) fn trouble(&self) -> Trouble {
        self.client.trouble.clone()
    }

    /// Within a runtime.
    pub(crate) fn open(self) -> StreamableHttpClientTransport<Client> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url);
        StreamableHttpClientTransport::with_client(self.client, config)
    }
}

pub(crate) fn transport(job: &Job, url: &str) -> Result<(Transport, Runtime), Done> {
    let wrong = |why: String| Done::exit(exit::CONFIG, why);
    let uri: Uri = (url.parse()).map_err(|_| wrong(format!("`{url}` is no address")))?;
    Origin::of(&uri).map_err(wrong)?;
    let client = Client {
        agent: web::client(),
        auth: web::auth(job)?,
        trouble: Trouble::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Done::exit(exit::NOT_THERE, error.to_string()))?;
    let transport = Transport {
        client,
        url: url.to_string(),
    };
    Ok((transport, runtime))
}

/// Makes requests, each on a thread of its own.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    auth: Option<(HeaderName, HeaderValue)>,
    trouble: Trouble,
}

/// What kept the last request from an answer, as an exit code.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<i32>>>);

impl Trouble {
    pub(crate) fn code(&self) -> Option<i32> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, code: i32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    fn of_error(&self, error: &ureq::Error) {
        self.is(match error {
            ureq::Error::Io(e) if e.kind() == ErrorKind::PermissionDenied => exit::CONFIG,
            _ => exit::LATER,
        });
    }

    fn of_status(&self, status: StatusCode) {
        self.is(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => exit::DENIED,
            StatusCode::TOO_MANY_REQUESTS => exit::LATER,
            status if status.is_server_error() => exit::LATER,
            status if status.is_redirection() => exit::CONFIG,
            _ => exit::PROTOCOL,
        });
    }
}

/// Why there is no answer that can be understood.
#[derive(Debug)]
pub(crate) struct Unanswered(String);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unanswered {}

type Failed = StreamableHttpError<Unanswered>;
type Headers = HashMap<HeaderName, HeaderValue>;

fn unanswered(why: impl fmt::Display) -> Failed {
    StreamableHttpError::Client(Unanswered(why.to_string()))
}

impl Client {
    async fn send(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        headers: Headers,
        body: Option<String>,
    ) -> Result<Response<Body>, Failed> {
        let client = self.clone();
        let (sender, answer) = oneshot::channel();
        let asked = std::thread::Builder::new().name("coord mcp request".into());
        let asked = asked.spawn(move || {
            let _nobody_waits = sender.send(client.ask(&uri, session.as_deref(), &headers, body));
        });
        asked.map_err(StreamableHttpError::Io)?;
        let answer = answer.await.map_err(unanswered)?;
        answer.map_err(|error| {
            self.trouble.of_error(&error);
            unanswered(error)
        })
    }

    fn ask(
        &self,
        uri: &str,
        session: Option<&str>,
        headers: &Headers,
        body: Option<String>,
    ) -> Result<Response<Body>, ureq::Error> {
        let own = [("accept", "application/json, text/event-stream")];
        let own = own.into_iter().chain(session.map(|id| (SESSION, id)));
        match body {
            Some(body) => {
                let request = self.agent.post(uri).config();
                let request = request
                    .timeout_recv_response(Some(PATIENCE))
                    .timeout_recv_body(Some(PATIENCE))
                    .build();
                let request = request.header(CONTENT_TYPE, "application/json");
                let request = own.fold(request, |request, (name, value)| {
                    request.header(name, value)
                });
                let all = headers.iter().chain(self.auth.iter().map(|(n, v)| (n, v)));
                all.fold(request, |request, (name, value)| {
                    request.header(name, value)
                })
                .send(body)
            }
            None => {
                let request = self.agent.delete(uri);
                let request = own.fold(request, |request, (name, value)| {
                    request.header(name, value)
                });
                let all = headers.iter().chain(self.auth.iter().map(|(n, v)| (n, v)));
                all.fold(request, |request, (name, value)| {
                    request.header(name, value)
                })
                .call()
            }
        }
    }
}

impl StreamableHttpClient for Client {
    type Error = Unanswered;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let body = serde_json::to_string(&message)?;
        let has_session = session_id.is_some();
        let answer = self
            .send(uri, session_id, custom_headers, Some(body))
            .await?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_string)
        };
        let session = header(SESSION);
        let kind = header("content-type").unwrap_or_default();
        match answer.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                Ok(StreamableHttpPostResponse::Accepted)
            }
            StatusCode::NOT_FOUND if has_session => Err(StreamableHttpError::SessionExpired),
            status if status.is_success() && kind.starts_with("text/event-stream") => {
                let events = SseStream::from_bytes_stream(pieces(answer.into_body())).boxed();
                Ok(StreamableHttpPostResponse::Sse(events, session))
            }
            status if status.is_success() => {
                let body = whole(answer.into_body()).await?;
                let message = serde_json::from_str(&body)?;
                Ok(StreamableHttpPostResponse::Json(message, session))
            }
            status => {
                self.trouble.of_status(status);
                let body = whole(answer.into_body()).await?;
                refused(&message, status, &body)
            }
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failed> {
        let gone = self.send(uri, Some(session_id), custom_headers, None).await;
        gone.map(|_| ())
    }

    async fn get_stream(
        &self,
        _: Arc<str>,
        _: Option<Arc<str>>,
        _: Option<String>,
        _: Option<String>,
        _: Headers,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}

/// A refusal in the words of the protocol, where it has such words.
fn refused(
    message: &ClientJsonRpcMessage,
    status: StatusCode,
    body: &str,
) -> Result<StreamableHttpPostResponse, Failed> {
    let said = match serde_json::from_str::<ServerJsonRpcMessage>(body) {
        Ok(ServerJsonRpcMessage::Error(error)) => Some(error.error),
        _ => None,
    };
    let denied = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    match message {
        ClientJsonRpcMessage::Request(request) if status.is_client_error() && !denied => {
            let why = format!("it answered {status}");
            let error = said.unwrap_or_else(|| ErrorData::invalid_request(why, None));
            let error = ServerJsonRpcMessage::error(error, Some(request.id.clone()));
            Ok(StreamableHttpPostResponse::Json(error, None))
        }
        _ => Err(unanswered(format!("it answered {status}"))),
    }
}

/// The whole of a body.
async fn whole(body: Body) -> Result<String, Failed> {
    let mut pieces = pieces(body);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A body as it comes, read by a thread that ends with it.
fn pieces(body: Body) -> BoxStream<'static, std::io::Result<bytes::Bytes>> {
    let (sender, mut receiver) = mpsc::channel(16);
    let read = move || {
        let mut reader = body.into_with_config().limit(MAX_ANSWER).reader();
        let mut piece = vec![0; 16 << 10];
        loop {
            let read = match reader.read(&mut piece) {
                Ok(0) => return,
                Ok(n) => Ok(bytes::Bytes::copy_from_slice(&piece[..n])),
                Err(error) => Err(error),
            };
            let over = read.is_err();
            if sender.blocking_send(read).is_err() || over {
                return;
            }
        }
    };
    std::thread::spawn(read);
    poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
}
