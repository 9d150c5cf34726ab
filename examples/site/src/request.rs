//! One HTTP request: its first line, and the file its path names. Knows nothing of sockets.

use std::path::{Path, PathBuf};

/// What a request asks for. The path is decoded and clean: no empty, hidden, `.` or `..` parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) parts: Vec<String>,
    pub(crate) folder: bool,
}

/// Why a request gets no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    Outside,
}

impl Request {
    pub(crate) fn parse(head: &[u8]) -> Result<Self, Refusal> {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(|_| Refusal::Malformed)?;
        let mut words = line.trim_end_matches('\r').split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::Malformed);
        };
        let method_is_fine = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
        if !method_is_fine || !version.starts_with("HTTP/1.") {
            return Err(Refusal::Malformed);
        }
        let path = decode(path_of(target)?)?;
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            folder: path.ends_with('/'),
            parts: parts_of(&path)?,
        })
    }

    /// The file below `root` (which is canonical), or why there is none. A link may point
    /// anywhere inside the root, and nowhere else.
    pub(crate) fn file(&self, root: &Path) -> Option<PathBuf> {
        let mut path = root.to_path_buf();
        path.extend(&self.parts);
        let path = path.canonicalize().ok()?;
        path.starts_with(root).then_some(path)
    }
}

/// The path of `/a?b` or of `http://host/a?b`, without the query.
fn path_of(target: &str) -> Result<&str, Refusal> {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(Refusal::Malformed)
    }
}

/// Percent-decoding, once.
fn decode(path: &str) -> Result<String, Refusal> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next())? * 16 + hex(bytes.next())?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).map_err(|_| Refusal::Malformed)
}

fn hex(digit: Option<u8>) -> Result<u8, Refusal> {
    let value = digit.and_then(|digit| char::from(digit).to_digit(16));
    value
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(Refusal::Malformed)
}

fn parts_of(path: &str) -> Result<Vec<String>, Refusal> {
    let mut parts = Vec::new();
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part.chars().any(char::is_control) {
            return Err(Refusal::Malformed);
        }
        if part.starts_with('.') || part.contains(['\\', ':']) {
            return Err(Refusal::Outside);
        }
        parts.push(part.to_owned());
    }
    Ok(parts)
}

pub(crate) fn content_type(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str) -> Result<Vec<String>, Refusal> {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        Request::parse(head.as_bytes()).map(|request| request.parts)
    }

    #[test]
    fn paths_are_decoded_once_and_cleaned() {
        for (target, expected) in [
            ("/", vec![]),
            ("/a/b.css?v=1#x", vec!["a", "b.css"]),
            ("//a/./b", vec!["a", "b"]),
            ("/gr%C3%BC%20n", vec!["grü n"]),
            ("/a%2Fb", vec!["a", "b"]),
            ("/100%2525", vec!["100%25"]),
            ("http://host:1/a", vec!["a"]),
            ("http://host", vec![]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(parts(target), Ok(expected), "{target}");
        }
    }

    #[test]
    fn the_way_out_is_closed() {
        for target in [
            "/..",
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/%2E./x",
            "/a%2f..%2fx",
            "/..%5cx",
            "/a\\b",
            "/C:/x",
            "/.git/config",
            "/...",
        ] {
            assert_eq!(parts(target), Err(Refusal::Outside), "{target}");
        }
    }

    #[test]
    fn malformed_requests() {
        for target in [
            "", "x", "*", "/%", "/%2", "/%zz", "/%+1", "/%ff", "/a%00b", "/a%0ab", "/a b",
        ] {
            assert_eq!(parts(target), Err(Refusal::Malformed), "{target}");
        }
        for head in [
            "",
            "GET",
            "GET /",
            "get / HTTP/1.1",
            "GET / HTTP/2",
            "\u{0}\u{1}",
        ] {
            assert_eq!(
                Request::parse(head.as_bytes()),
                Err(Refusal::Malformed),
                "{head}"
            );
        }
    }
}
