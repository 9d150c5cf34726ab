//! What an agent is permitted when it asks: decided from what its task claims.
//!
//! What the agent says a tool *is* (its kind, its title) decides nothing, as it may say anything.
//! Every path that it names, wherever it names it, has to be one that the task writes; what names
//! no path, or is a command, is for agents with `authority full` alone.

use crate::claims::Claims;
use agent_client_protocol::v1::schema::{
    PermissionOption, PermissionOptionKind, RequestPermissionOutcome, SelectedPermissionOutcome,
    ToolCallContent, ToolCallLocation,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Most calls that are remembered.
const MAX_CALLS: usize = 4_096;
/// Names that hold a path in the input of tools.
const PATHS: [&str; 9] = [
    "path",
    "file",
    "filename",
    "filepath",
    "abspath",
    "absolutepath",
    "notebookpath",
    "target",
    "destination",
];
/// Names that hold a command.
const COMMANDS: [&str; 5] = ["command", "cmd", "script", "shell", "argv"];

/// What is known of the calls of tools, by their ids.
#[derive(Default)]
pub(crate) struct Calls(HashMap<String, Named>);

/// What a call names.
#[derive(Clone, Default, Debug)]
struct Named {
    paths: BTreeSet<String>,
    command: bool,
    title: String,
}

impl Calls {
    /// What people are told that a call is; it decides nothing.
    pub(crate) fn title(&self, id: &str) -> String {
        let title = self.0.get(id).map(|named| named.title.clone());
        title
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| id.to_string())
    }

    pub(crate) fn entitle(&mut self, id: &str, title: &str) {
        if let Some(named) = self.0.get_mut(id) {
            named.title = coord_host::brief::cut(title, 200);
        }
    }

    /// Notes what a call names. What was named once stays named.
    pub(crate) fn note(
        &mut self,
        id: &str,
        locations: &[ToolCallLocation],
        content: &[ToolCallContent],
        input: Option<&Value>,
    ) {
        if self.0.len() >= MAX_CALLS && !self.0.contains_key(id) {
            return;
        }
        let named = self.0.entry(id.to_string()).or_default();
        for location in locations {
            named.paths.insert(location.path.display().to_string());
        }
        for part in content {
            match part {
                ToolCallContent::Diff(diff) => {
                    named.paths.insert(diff.path.display().to_string());
                }
                ToolCallContent::Terminal(_) => named.command = true,
                _ => {}
            }
        }
        if let Some(input) = input {
            named.look_into(input, 0);
        }
    }

    /// Why a call may not be made; None when it may.
    pub(crate) fn refusal(&self, id: &str, claims: &Claims, full: bool) -> Option<String> {
        let named = self.0.get(id).cloned().unwrap_or_default();
        let outside = named.paths.iter().find_map(|path| claims.write(path).err());
        match () {
            () if outside.is_some() => outside,
            () if full => None,
            () if named.command => Some("it is a command; `authority full` allows them".into()),
            () if named.paths.is_empty() => Some("it names no path that the task writes".into()),
            () => None,
        }
    }
}

impl Named {
    fn look_into(&mut self, value: &Value, depth: usize) {
        if depth > 8 {
            // what is hidden this deep is not looked at, and so not trusted
            self.command = true;
            return;
        }
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let name: String = (name.chars())
                        .filter(char::is_ascii_alphanumeric)
                        .flat_map(char::to_lowercase)
                        .collect();
                    self.command |= COMMANDS.contains(&name.as_str());
                    match value {
                        Value::String(path) if PATHS.contains(&name.as_str()) => {
                            self.paths.insert(path.clone());
                        }
                        other => self.look_into(other, depth + 1),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|v| self.look_into(v, depth + 1)),
            // a path wherever it is said
            Value::String(text) if text.starts_with('/') && !text.contains(['\n', ' ']) => {
                self.paths.insert(text.clone());
            }
            _ => {}
        }
    }
}

/// The option that says so, by its kind: what would hold for later too is never chosen.
pub(crate) fn choose(options: &[PermissionOption], allowed: bool) -> RequestPermissionOutcome {
    let wanted: &[PermissionOptionKind] = match allowed {
        true => &[PermissionOptionKind::AllowOnce],
        false => &[
            PermissionOptionKind::RejectOnce,
            PermissionOptionKind::RejectAlways,
        ],
    };
    let found = wanted
        .iter()
        .find_map(|kind| options.iter().find(|option| option.kind == *kind));
    match found {
        Some(option) => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(
            option.option_id.clone(),
        )),
        None => RequestPermissionOutcome::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coord_host::brief::Brief;
    use serde_json::json;

    fn claims() -> Claims {
        let root = std::env::temp_dir();
        let told = Brief {
            writes: vec!["src/**".into()],
            ..Brief::default()
        };
        Claims::new(&told, &root, &root, None)
    }

    fn refused(input: Value, locations: &[&str], full: bool) -> Option<String> {
        let mut calls = Calls::default();
        let locations: Vec<_> = locations.iter().map(ToolCallLocation::new).collect();
        calls.note("1", &locations, &[], Some(&input));
        calls.refusal("1", &claims(), full)
    }

    #[test]
    fn paths_decide_and_nothing_else() {
        assert_eq!(refused(json!({"file_path": "src/a.rs"}), &[], false), None);
        assert_eq!(refused(json!({}), &["src/a.rs"], false), None);
        // one path shown, another one meant
        assert!(refused(json!({"file_path": "/etc/passwd"}), &["src/a.rs"], false).is_some());
        assert!(refused(json!({"edits": [{"absPath": "a.rs"}]}), &["src/a.rs"], true).is_some());
        assert!(
            refused(
                json!({"kind": "read", "title": "Read src/a.rs"}),
                &[],
                false
            )
            .is_some()
        );
        assert!(refused(json!({"args": ["/etc/passwd"]}), &["src/a.rs"], false).is_some());
    }

    #[test]
    fn commands_are_for_full_authority() {
        let command = json!({"command": "cargo test"});
        assert!(refused(command.clone(), &[], false).is_some());
        assert!(refused(command.clone(), &["src/a.rs"], false).is_some());
        assert_eq!(refused(command, &[], true), None);
    }

    #[test]
    fn an_option_is_chosen_by_its_kind() {
        use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
        let option = |id: &str, kind| PermissionOption::new(id.to_string(), "x", kind);
        let all = [
            option("always", AllowAlways),
            option("once", AllowOnce),
            option("no", RejectOnce),
        ];
        let chosen = |options: &[PermissionOption], allowed| match choose(options, allowed) {
            RequestPermissionOutcome::Selected(chosen) => chosen.option_id.to_string(),
            _ => "cancelled".into(),
        };
        assert_eq!(chosen(&all, true), "once");
        assert_eq!(chosen(&all, false), "no");
        assert_eq!(chosen(&all[..1], true), "cancelled");
        assert_eq!(chosen(&all[..2], false), "cancelled");
    }
}
