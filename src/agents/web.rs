//! Requests to the host that a project names: sent again while nothing was done, waited with as
//! long as that host asks for, and never anywhere else.

use crate::address::{Guarded, Origin};
use crate::exit;
use coord_host::reach::{Done, Job, Stop};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use ureq::http::header::{LOCATION, RETRY_AFTER};
use ureq::http::{HeaderName, HeaderValue, Response, StatusCode, Uri};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, RequestBuilder, Timeout};

/// Largest answer.
const MAX_ANSWER: u64 = 2 << 20;
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// An answer that takes longer is asked for later: `202` and a place to look at.
const ANSWER_PATIENCE: Duration = Duration::from_secs(600);
/// Of a look at how far it is.
const LOOK_PATIENCE: Duration = Duration::from_secs(30);
/// Of calling it off.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a host that is busy, or not there, is asked again.
const BUSY_PATIENCE: Duration = Duration::from_secs(900);
const ABSENT_TRIES: u32 = 4;
/// Longest pause that a host may ask for at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const MAX_REDIRECTS: u32 = 3;

/// A way to one host.
pub(crate) struct Web<'j> {
    job: &'j Job,
    stop: &'j Stop,
    url: Uri,
    origin: Origin,
    agent: Agent,
    /// Sent with everything.
    header: Option<(&'static str, &'static str)>,
    /// The name of a header, and a secret as its value.
    auth: Option<(HeaderName, HeaderValue)>,
}

/// An answer that came.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Where it points to, within the same host.
    pub(crate) location: Option<Uri>,
    /// How long it asks to wait.
    pub(crate) pause: Option<Duration>,
    pub(crate) body: String,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) enum Send<'b> {
    Post(&'b str),
    Get,
    Delete,
}

/// A client of the host that the project names, and of no other: no redirects, no proxies, no
/// addresses where machines tell about themselves.
pub(crate) fn client() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .timeout_resolve(Some(CONNECT_PATIENCE))
        .timeout_connect(Some(CONNECT_PATIENCE))
        .user_agent(concat!("coord/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Guarded::default())
}

/// What requests carry, from the secret that the project names. It is marked as such, so that no
/// debug output has it.
pub(crate) fn auth(job: &Job) -> Result<Option<(HeaderName, HeaderValue)>, Done> {
    let Some(auth) = &job.auth else {
        return Ok(None);
    };
    let cannot = |why: &str| {
        let name = &auth.secret;
        Done::exit(exit::CONFIG, format!("secret `{name}` {why}"))
    };
    let secret = job.bench.secret(&auth.secret);
    let secret = secret.ok_or_else(|| cannot("is not there"))?;
    let (name, mut value) = match &auth.header {
        Some(header) => (header.as_str(), Vec::new()),
        None => ("authorization", b"Bearer ".to_vec()),
    };
    value.extend_from_slice(secret);
    let name = HeaderName::from_bytes(name.as_bytes());
    let name = name.map_err(|_| cannot("goes with no such header"))?;
    let value = HeaderValue::from_bytes(&value);
    let mut value = value.map_err(|_| cannot("has what no header may have"))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

impl<'j> Web<'j> {
    pub(crate) fn open(job: &'j Job, stop: &'j Stop, url: &str) -> Result<Web<'j>, Done> {
        let wrong = |why: String| Done::exit(exit::CONFIG, why);
        let parsed: Uri = url
            .parse()
            .map_err(|_| wrong(format!("`{url}` is no address")))?;
        let origin = Origin::of(&parsed).map_err(wrong)?;
        Ok(Web {
            job,
            stop,
            url: parsed,
            origin,
            agent: client(),
            header: None,
            auth: auth(job)?,
        })
    }

    /// With a header that every request has.
    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// An address of the same host; the error is a sentence.
    pub(crate) fn within(&self, to: &str) -> Result<Uri, String> {
        self.origin.within(&self.url, to)
    }

    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    /// Sends, again while the host says that it is busy or cannot be reached; what went wrong for
    /// good is the end of the attempt.
    pub(crate) fn ask(&self, url: &Uri, what: Send<'_>) -> Result<Answer, Done> {
        let since = Instant::now();
        let mut url = url.clone();
        let (mut absent, mut busy, mut redirects) = (0, 0, 0);
        loop {
            let pause = match self.once(&url, what) {
                Ok(answer) => match self.again(&answer, &mut busy, since)? {
                    Again::No if is_redirect(answer.status) => {
                        redirects += 1;
                        url = self.redirected(&answer, redirects)?;
                        continue;
                    }
                    Again::No => return Ok(answer),
                    Again::In(pause) => pause,
                },
                Err(trouble) => self.survives(trouble, what, &mut absent)?,
            };
            if self.stop.wait(pause) {
                return Err(Done::exit(exit::LATER, "it was ended while it waited"));
            }
        }
    }

    /// A busy host was asked and did nothing.
    fn again(&self, answer: &Answer, busy: &mut u32, since: Instant) -> Result<Again, Done> {
        if !matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            return Ok(Again::No);
        }
        let own = Duration::from_secs(1 << (*busy).min(6));
        *busy += 1;
        let pause = answer.pause.unwrap_or(own);
        if since.elapsed() + pause > BUSY_PATIENCE {
            return Err(Done::exit(
                exit::LATER,
                format!("it is busy: it answered {}", answer.status),
            ));
        }
        self.say(&format!(
            "it is busy ({}); asked again in {:.1} s",
            answer.status.as_u16(),
            pause.as_secs_f64()
        ));
        Ok(Again::In(pause))
    }

    /// What a failure to ask means: a pause before the next try, or the end.
    fn survives(
        &self,
        trouble: Trouble,
        what: Send<'_>,
        absent: &mut u32,
    ) -> Result<Duration, Done> {
        let (why, code) = match (trouble, what) {
            (Trouble::Refused(why), _) => return Err(Done::exit(exit::CONFIG, why)),
            (Trouble::TooLong, _) => {
                return Err(Done::exit(
                    exit::PROTOCOL,
                    "its answer is longer than 2 MiB",
                ));
            }
            (Trouble::Unknown(why), Send::Post(_)) => {
                let why = format!("it got the request and gave no answer: {why}");
                self.say(&why);
                return Err(Done::lost(why));
            }
            (Trouble::Unknown(why) | Trouble::Absent(why), _) => (why, exit::LATER),
        };
        *absent += 1;
        if *absent >= ABSENT_TRIES {
            return Err(Done::exit(code, format!("it cannot be reached: {why}")));
        }
        self.say(&format!("it cannot be reached: {why}"));
        Ok(Duration::from_millis(250) * 4_u32.pow(*absent - 1))
    }

    /// The same request at another path of the same host; anything else is refused.
    fn redirected(&self, answer: &Answer, count: u32) -> Result<Uri, Done> {
        let same = matches!(
            answer.status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        match &answer.location {
            Some(to) if same && count <= MAX_REDIRECTS => Ok(to.clone()),
            Some(to) => Err(Done::exit(
                exit::CONFIG,
                format!(
                    "it answered {} and points to {to}; write that address into the project",
                    answer.status
                ),
            )),
            None => Err(Done::exit(
                exit::CONFIG,
                format!("it answered {} and points nowhere", answer.status),
            )),
        }
    }

    fn once(&self, url: &Uri, what: Send<'_>) -> Result<Answer, Trouble> {
        let sent = match what {
            Send::Post(body) => self
                .headed(self.agent.post(url))
                .config()
                .timeout_recv_response(Some(ANSWER_PATIENCE))
                .timeout_recv_body(Some(ANSWER_PATIENCE))
                .build()
                .header("content-type", "application/json")
                .header("idempotency-key", &self.job.idempotency_key)
                .send(body),
            Send::Get => self
                .headed(self.agent.get(url))
                .config()
                .timeout_global(Some(LOOK_PATIENCE))
                .build()
                .call(),
            Send::Delete => self
                .headed(self.agent.delete(url))
                .config()
                .timeout_global(Some(GOODBYE_PATIENCE))
                .build()
                .call(),
        };
        let mut response = sent.map_err(Trouble::of)?;
        self.answer(&mut response)
    }

    fn headed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let (name, value) = self.header.unwrap_or(("accept", "application/json"));
        let request = request.header(name, value);
        match &self.auth {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    fn answer(&self, response: &mut Response<Body>) -> Result<Answer, Trouble> {
        let body = response.body_mut().with_config().limit(MAX_ANSWER);
        let body = body.lossy_utf8(true).read_to_string();
        let header = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::trim)
        };
        let location = match header(LOCATION) {
            None => None,
            Some(to) => Some(
                self.origin
                    .within(&self.url, to)
                    .map_err(Trouble::Refused)?,
            ),
        };
        Ok(Answer {
            status: response.status(),
            location,
            pause: header(RETRY_AFTER).and_then(pause),
            body: body.map_err(Trouble::of)?,
        })
    }

    /// Tells of what happens, in the log.
    pub(crate) fn say(&self, text: &str) {
        self.job.bench.say(text);
    }
}

enum Again {
    No,
    In(Duration),
}

/// Why no answer came.
enum Trouble {
    /// Nothing was sent.
    Absent(String),
    /// It may have been done.
    Unknown(String),
    TooLong,
    /// It would lead to where nothing is sent to.
    Refused(String),
}

impl Trouble {
    fn of(error: ureq::Error) -> Trouble {
        match error {
            ureq::Error::Io(e) if e.kind() == ErrorKind::PermissionDenied => {
                Trouble::Refused(e.to_string())
            }
            ureq::Error::Io(e) if is_before_sending(e.kind()) => Trouble::Absent(e.to_string()),
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                Trouble::Absent(error.to_string())
            }
            ureq::Error::BodyExceedsLimit(_) => Trouble::TooLong,
            other => Trouble::Unknown(other.to_string()),
        }
    }
}

fn is_before_sending(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NotFound
    )
}

fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// `Retry-After`: seconds, or a date.
fn pause(text: &str) -> Option<Duration> {
    let asked = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).ok()?,
        Err(_) => {
            let at = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(text)
                .ok()?;
            let ms = at.as_millisecond() - coord_host::clock::wall_ms();
            Duration::from_millis(ms.max(0) as u64)
        }
    };
    Some(asked.clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_ask_for_time_but_not_for_all_of_it() {
        assert_eq!(pause("3"), Some(Duration::from_secs(3)));
        assert_eq!(pause("0"), Some(SHORTEST_PAUSE));
        assert_eq!(pause("99999999"), Some(LONGEST_PAUSE));
        assert_eq!(pause("Thu, 01 Jan 2015 00:00:00 GMT"), Some(SHORTEST_PAUSE));
        assert_eq!(pause("Wed, 01 Jan 2200 00:00:00 GMT"), Some(LONGEST_PAUSE));
        assert_eq!(pause("soon"), None);
        assert_eq!(pause("NaN"), pause("NaN"));
    }
}
