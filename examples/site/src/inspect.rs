//! Asks a running site for its health, its page and every file that the page refers to.

use std::fmt;
use std::time::Instant;

use crate::client::{self, BaseUrl};
use crate::html;

/// One GET and how it went.
pub(crate) struct Check {
    pub(crate) path: String,
    pub(crate) bytes: usize,
    pub(crate) ms: f64,
    pub(crate) outcome: Result<u16, String>,
}

impl Check {
    /// The reason why this check does not pass.
    pub(crate) fn fault(&self) -> Option<String> {
        match &self.outcome {
            Ok(200) if self.bytes > 0 => None,
            Ok(200) => Some("empty".to_owned()),
            Ok(status) => Some(format!("status {status}")),
            Err(why) => Some(why.clone()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(status) => write!(f, "{status}, {} bytes, {:.1} ms", self.bytes, self.ms),
            Err(why) => f.write_str(why),
        }
    }
}

pub(crate) struct Inspection {
    pub(crate) checks: Vec<Check>,
    /// The page as it is served; empty where there was none.
    pub(crate) page: String,
    /// References to other sites; they are named, never visited.
    pub(crate) elsewhere: Vec<String>,
}

impl Inspection {
    pub(crate) fn faults(&self) -> usize {
        self.checks
            .iter()
            .filter(|check| check.fault().is_some())
            .count()
    }
}

pub(crate) fn inspect(base: &BaseUrl) -> Inspection {
    let (health, _) = check(base, "/healthz");
    let (front, body) = check(base, "/");
    let page = String::from_utf8_lossy(&body).into_owned();
    let mut inspection = Inspection {
        checks: vec![health, front],
        page,
        elsewhere: Vec::new(),
    };
    for reference in html::references(&inspection.page) {
        match path_of(&reference) {
            Target::Here(path) if inspection.checks.iter().all(|check| check.path != path) => {
                inspection.checks.push(check(base, &path).0);
            }
            Target::Elsewhere => inspection.elsewhere.push(reference),
            Target::Here(_) | Target::SamePage => {}
        }
    }
    inspection
}

fn check(base: &BaseUrl, path: &str) -> (Check, Vec<u8>) {
    let started = Instant::now();
    let answer = client::get(base, path);
    let ms = started.elapsed().as_secs_f64() * 1_000.0;
    let (outcome, body) = match answer {
        Ok(answer) => (Ok(answer.status), answer.body),
        Err(why) => (Err(why), Vec::new()),
    };
    (
        Check {
            path: path.to_owned(),
            bytes: body.len(),
            ms,
            outcome,
        },
        body,
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    Here(String),
    SamePage,
    Elsewhere,
}

/// What a reference on the front page means.
fn path_of(reference: &str) -> Target {
    let reference = reference.trim();
    let path = reference.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Target::SamePage;
    }
    let first = path.split(['/', '?']).next().unwrap_or_default();
    if path.starts_with("//") || first.contains(':') {
        return Target::Elsewhere;
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Target::Here(encode(&format!("{slash}{path}")))
}

/// What may not stand in a request line as it is: white space, controls and beyond ASCII.
fn encode(path: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_graphic() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_the_front_page() {
        let here = |path: &str| Target::Here(path.to_owned());
        for (reference, target) in [
            ("style.css", here("/style.css")),
            ("./a b.css?v=1#x", here("/a%20b.css?v=1")),
            ("/img/ü.svg", here("/img/%C3%BC.svg")),
            ("?q=a:b", here("/?q=a:b")),
            ("#log", Target::SamePage),
            ("", Target::SamePage),
            ("mailto:a@b", Target::Elsewhere),
            ("data:image/png;base64,AA/A", Target::Elsewhere),
            ("//example/x.js", Target::Elsewhere),
        ] {
            assert_eq!(path_of(reference), target, "{reference}");
        }
    }
}
