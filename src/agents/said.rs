//! What an agent says of its work: data, of bounded size, and nothing that decides anything.

use crate::exit;
use coord_host::brief::clean;
use coord_host::reach::Done;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most outputs of one attempt.
const MAX_OUTPUTS: usize = 256;
/// Longest value of one.
const MAX_VALUE: usize = 64 << 10;
/// Names that drivers and coord fill in themselves.
const RESERVED: [&str; 3] = ["artifacts.", "usage.", "agent."];

/// An answer in the form that `via http` and tools of MCP may use:
/// `{"status": "done", "outputs": {…}, "files": {…}, "log": "…", "usage": {…}}`. Anything else is a
/// text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) status: Status,
    pub(crate) outputs: BTreeMap<String, String>,
    /// What it wants written, by path. Only `via http` does that, and only what the task claims.
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) log: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Done,
    Failed,
    Working,
}

impl Said {
    /// Of the body of an answer.
    pub(crate) fn parse(body: &str) -> Said {
        match serde_json::from_str::<Value>(body) {
            Ok(Value::Object(object)) => Said::of(&object),
            _ => Said {
                log: body.to_string(),
                ..Said::default()
            },
        }
    }

    pub(crate) fn of(object: &Map<String, Value>) -> Said {
        let word = |name: &str| object.get(name).and_then(Value::as_str);
        let log = word("log").or(word("message")).or(word("error"));
        let mut said = Said {
            status: match word("status") {
                Some("failed" | "error" | "rejected" | "canceled" | "cancelled") => Status::Failed,
                Some("working" | "running" | "queued" | "pending") => Status::Working,
                _ => Status::Done,
            },
            outputs: BTreeMap::new(),
            files: BTreeMap::new(),
            log: log.unwrap_or_default().to_string(),
        };
        if let Some(Value::Object(outputs)) = object.get("outputs") {
            said.outputs = values(outputs);
        }
        if let Some(Value::Object(files)) = object.get("files") {
            said.files = texts(files);
        }
        if let Some(Value::Object(usage)) = object.get("usage") {
            said.outputs.extend(used(usage));
        }
        said
    }

    pub(crate) fn done(self) -> Done {
        let exit = match self.status {
            Status::Failed => exit::FAILED,
            Status::Done | Status::Working => 0,
        };
        let mut done = Done::exit(exit, self.log);
        done.outputs = self.outputs;
        done
    }
}

/// Values as outputs: texts as they are, everything else as JSON. Names that are not an agent's
/// to give are left out.
pub(crate) fn values(object: &Map<String, Value>) -> BTreeMap<String, String> {
    let own = |name: &str| !RESERVED.iter().any(|reserved| name.starts_with(reserved));
    let named = object.iter().filter(|(name, _)| own(name));
    named
        .take(MAX_OUTPUTS)
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.clone(), value_of(&text))
        })
        .collect()
}

fn texts(files: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |(path, text): (&String, &Value)| Some((path.clone(), text.as_str()?.to_string()));
    files.iter().filter_map(text).collect()
}

/// A text as the value of an output.
pub(crate) fn value_of(text: &str) -> String {
    coord_host::brief::cut(&clean(text), MAX_VALUE)
}

/// What it cost, as it says: numbers alone.
fn used(usage: &Map<String, Value>) -> BTreeMap<String, String> {
    let numbers = usage.iter().filter(|(_, value)| value.is_number());
    numbers
        .take(16)
        .map(|(name, value)| {
            (
                format!("usage.{}", name.replace('_', "-")),
                value.to_string(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_outputs_and_a_log() {
        let said = Said::parse(
            r#"{"status": "done", "log": "well", "outputs": {"n": 3, "text": "a", "artifacts.x": "y", "usage.cost": "0"},
                "usage": {"input_tokens": 12, "model": "m"}, "approve": "yes"}"#,
        );
        assert_eq!(said.status, Status::Done);
        assert_eq!(said.log, "well");
        let outputs: Vec<_> = said
            .outputs
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        assert_eq!(outputs, ["n=3", "text=a", "usage.input-tokens=12"]);
    }

    #[test]
    fn what_is_no_answer_is_a_text() {
        assert_eq!(Said::parse("all done").log, "all done");
        assert_eq!(Said::parse("[1, 2]").log, "[1, 2]");
        assert_eq!(
            Said::parse(r#"{"status":"failed","error":"no"}"#)
                .done()
                .exit,
            1
        );
    }
}
