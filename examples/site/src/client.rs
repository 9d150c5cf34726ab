//! One GET over plain HTTP, with a limit on everything.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// `http://host:port`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    authority: String,
}

impl BaseUrl {
    /// What `site serve` wrote; why not, as a phrase.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        Self::parse(text.trim())
            .ok_or_else(|| format!("{} holds no http://host:port", file.display()))
    }

    /// The same for a command that needs it at once.
    pub(crate) fn read_now(file: &Path) -> Result<Self, Error> {
        Self::read(file).map_err(|why| {
            Error::new(
                why,
                "start `site serve` with the same --url-file, and wait for `site health`",
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let authority = text.strip_prefix("http://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = authority.rsplit_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.[]:".contains(c);
        let fits = !host.is_empty() && host.chars().all(plain) && port.parse::<u16>().is_ok();
        fits.then(|| Self {
            authority: authority.to_owned(),
        })
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// The whole answer; why not, as a phrase.
pub(crate) fn get(base: &BaseUrl, path: &str) -> Result<Answer, String> {
    let words = |error: std::io::Error| format!("no answer from {base}: {error}");
    let mut addresses = base.authority.to_socket_addrs().map_err(words)?;
    let address = addresses
        .next()
        .ok_or_else(|| format!("{base} has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIME_MAX).map_err(words)?;
    stream
        .set_write_timeout(Some(CONNECT_TIME_MAX))
        .map_err(words)?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        base.authority
    );
    stream.write_all(head.as_bytes()).map_err(words)?;
    parse(&read_all(&mut stream)?)
}

fn read_all(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let started = Instant::now();
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let left = ANSWER_TIME_MAX.saturating_sub(started.elapsed());
        if left.is_zero() || bytes.len() > ANSWER_BYTES_MAX {
            return Err("the answer is too slow or too long".to_owned());
        }
        stream
            .set_read_timeout(Some(left))
            .map_err(|error| error.to_string())?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("the answer broke off: {error}")),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Answer, String> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or("the answer is no HTTP")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1."));
    let status = status
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let status = status.ok_or("the answer is no HTTP")?;
    let body = bytes[end + 4..].to_vec();
    let promised = lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
    match promised {
        Some(promised) if promised != body.len() => Err(format!(
            "the answer broke off: {} of {promised} bytes",
            body.len()
        )),
        _ => Ok(Answer { status, body }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for good in [
            "http://127.0.0.1:8080",
            "http://[::1]:80/",
            "http://localhost:1",
        ] {
            assert!(BaseUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:80",
            "https://a:1",
            "http://a",
            "http://:1",
            "http://a:x",
            "http://a:1/b",
            "http://a b:1",
        ] {
            assert_eq!(BaseUrl::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn answers() {
        let good = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        assert_eq!(
            good,
            Ok(Answer {
                status: 200,
                body: b"hi".to_vec()
            })
        );
        let short = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi");
        assert_eq!(short, Err("the answer broke off: 2 of 3 bytes".to_owned()));
        assert!(parse(b"SSH-2.0").is_err());
    }
}
