//! `coord lsp`, as an editor talks to it: the real process, real messages, no waiting but for
//! messages.

use crate::space::Space;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// No answer takes longer; one that does fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// An editor with one server.
struct Editor {
    space: Space,
    child: Child,
    stdin: Option<ChildStdin>,
    messages: mpsc::Receiver<Value>,
    /// What has come and was not asked for, in order.
    heard: Vec<Value>,
    texts: HashMap<String, (i64, String)>,
    last_id: i64,
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Editor {
    /// A server that has heard nothing yet.
    fn raw(space: Space) -> Editor {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coord"))
            .arg("lsp")
            .current_dir(space.path("."))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, messages) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        Editor {
            stdin: child.stdin.take(),
            space,
            child,
            messages,
            heard: Vec::new(),
            texts: HashMap::new(),
            last_id: 0,
        }
    }

    /// A server that is ready.
    fn new(space: Space) -> Editor {
        let mut editor = Editor::raw(space);
        let folder = editor.uri("");
        let folder = folder.trim_end_matches('/');
        editor.ask(
            "initialize",
            json!({ "processId": null, "rootUri": folder, "capabilities": {},
                "workspaceFolders": [{ "uri": folder, "name": "space" }] }),
        );
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, file: &str) -> String {
        let folder = std::fs::canonicalize(self.space.path(".")).unwrap();
        format!("file://{}", folder.join(file).display())
    }

    fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.write(frame.as_bytes());
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn request(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    #[track_caller]
    fn next(&mut self) -> Value {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(_) => panic!("no message within {PATIENCE:?}; before: {:#?}", self.heard),
        }
    }

    /// The response to a request, whatever comes before it.
    #[track_caller]
    fn response(&mut self, id: i64) -> Value {
        loop {
            let message = self.next();
            if message["id"] == json!(id) && message.get("method").is_none() {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// The result of a request, which must not be an error.
    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let response = self.response(id);
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].clone()
    }

    #[track_caller]
    fn open(&mut self, file: &str) {
        let text = std::fs::read_to_string(self.space.path(file)).unwrap();
        let uri = self.uri(file);
        self.texts.insert(file.into(), (1, text.clone()));
        self.tell(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "coord", "version": 1, "text": text } }),
        );
    }

    /// Replaces the first `old` of an open file, as typing does; returns the new version.
    #[track_caller]
    fn edit(&mut self, file: &str, old: &str, new: &str) -> i64 {
        let (version, text) = self.texts[file].clone();
        let at = text.find(old).unwrap();
        let range = json!({ "start": place(&text, at), "end": place(&text, at + old.len()) });
        self.change(file, json!([{ "range": range, "text": new }]));
        let after = text.replacen(old, new, 1);
        self.texts.insert(file.into(), (version + 1, after));
        version + 1
    }

    fn change(&mut self, file: &str, changes: Value) {
        let uri = self.uri(file);
        let version = self.texts[file].0 + 1;
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": changes }),
        );
    }

    /// Replaces all of an open file; returns the new version.
    fn replace(&mut self, file: &str, text: &str) -> i64 {
        self.change(file, json!([{ "text": text }]));
        let version = self.texts[file].0 + 1;
        self.texts.insert(file.into(), (version, text.into()));
        version
    }

    /// What is said about a version of a file, one line each: `3:9-3:12 E0201 no agent …`.
    #[track_caller]
    fn diagnostics(&mut self, file: &str, version: i64) -> Vec<String> {
        let uri = self.uri(file);
        let wanted = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == json!(uri)
                && message["params"]["version"] == json!(version)
        };
        let found = match self.heard.iter().rposition(wanted) {
            Some(at) => self.heard.remove(at),
            None => self.hear(wanted),
        };
        lines(&found["params"]["diagnostics"])
    }

    /// What is said next about a file.
    #[track_caller]
    fn told(&mut self, file: &str) -> Vec<String> {
        let uri = self.uri(file);
        let found = self.hear(|message| message["params"]["uri"] == json!(uri));
        lines(&found["params"]["diagnostics"])
    }

    /// The next message of a kind.
    #[track_caller]
    fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next();
            if wanted(&message) {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// The parameters of a request at the first `mark` of a file; `|` in it is the position.
    #[track_caller]
    fn at(&self, file: &str, mark: &str) -> Value {
        let text = &self.texts[file].1;
        let plain = mark.replacen('|', "", 1);
        let found = text.find(&plain);
        let at = found.unwrap_or_else(|| panic!("no {plain:?} in\n{text}"));
        let offset = at + mark.find('|').unwrap();
        json!({ "textDocument": { "uri": self.uri(file) }, "position": place(text, offset) })
    }

    fn document(&self, file: &str) -> Value {
        json!({ "textDocument": { "uri": self.uri(file) } })
    }

    /// What completion offers at `|`.
    #[track_caller]
    fn completes(&mut self, file: &str, mark: &str) -> Vec<String> {
        let params = self.at(file, mark);
        let answer = self.ask("textDocument/completion", params);
        let items = answer["items"].as_array().unwrap().iter();
        items
            .map(|item| item["label"].as_str().unwrap().to_string())
            .collect()
    }

    /// JSON for a snapshot, without what differs between machines.
    fn shown(&self, value: &Value) -> String {
        let text = serde_json::to_string_pretty(value).unwrap();
        text.replace(self.uri("").trim_end_matches('/'), "[SPACE]")
    }

    /// The text of a file after the edits of a `WorkspaceEdit`.
    #[track_caller]
    fn applied(&self, file: &str, edit: &Value) -> String {
        let edits = edit["changes"][self.uri(file)].clone();
        apply(&self.texts[file].1, &edits)
    }

    /// Ends the session properly.
    #[track_caller]
    fn ends(mut self) -> ExitStatus {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        self.child.wait().unwrap()
    }
}

/// One message; None at the end.
fn read(from: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().ok()?,
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// A byte offset as the protocol has it.
fn place(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": before.matches('\n').count(), "character": before[start..].encode_utf16().count() })
}

/// The byte offset of a place.
fn offset(text: &str, place: &Value) -> usize {
    let line = place["line"].as_u64().unwrap() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut units = place["character"].as_u64().unwrap() as usize;
    let mut at = start;
    for c in text[start..].chars() {
        if units == 0 {
            break;
        }
        units -= c.len_utf16();
        at += c.len_utf8();
    }
    at
}

/// Diagnostics, one line each.
fn lines(diagnostics: &Value) -> Vec<String> {
    let line = |d: &Value| {
        let message = d["message"].as_str().unwrap().lines().next().unwrap();
        let code = d["code"].as_str().unwrap();
        format!("{} {code} {message}", span(&d["range"]))
    };
    diagnostics.as_array().unwrap().iter().map(line).collect()
}

fn span(range: &Value) -> String {
    let at = |place: &Value| format!("{}:{}", place["line"], place["character"]);
    format!("{}-{}", at(&range["start"]), at(&range["end"]))
}

/// The text after edits that do not overlap.
fn apply(text: &str, edits: &Value) -> String {
    let mut edits: Vec<(usize, usize, &str)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
            (
                offset(text, start),
                offset(text, end),
                edit["newText"].as_str().unwrap(),
            )
        })
        .collect();
    edits.sort_unstable();
    let mut out = text.to_string();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, new);
    }
    out
}

const SHOP: &str = r#"edition 2026

project shop "The web shop" {
  timezone UTC
  starts 2025-08-11
}

param region: text default "eu"

## Writes the services.
agent backend "Backend" {
  does "Write the API"
  owns "api/**"
  produces endpoints "Endpoints" "api/openapi.json"
}

agent frontend "Frontend" {
  needs backend
  owns "web/**"
}

human lead "Lead" {
  contact "lead@example.org"
}

resource gpu {
  capacity 2
}

gate tested "Tests pass" {
  check "unit tests" run ["make", "test"]
}

phase build "Build" {
  ## Everything that clients call.
  task api "The API" {
    by backend
    takes 4wd
    produces endpoints
    uses gpu 1
    ensures tested
  }

  task pages "The pages" {
    by frontend
    needs backend.endpoints
    takes 2wd
    env REGION "${region}"
  }

  task notes {
    by lead
    takes 1wd
    when api.state == "completed"
  }

  sync built {
    require "It works" by lead
  }
}
"#;

fn shop() -> Editor {
    let mut editor = Editor::new(Space::new().file("main.coord", SHOP));
    editor.open("main.coord");
    editor
}

#[test]
fn it_says_what_it_can_do() {
    let mut editor = Editor::raw(Space::new());
    let answer = editor.ask("initialize", json!({ "capabilities": {} }));
    insta::assert_snapshot!(editor.shown(&answer["capabilities"]));
    assert_eq!(editor.ends().code(), Some(0));
}

#[test]
fn diagnostics_are_those_of_check() {
    let mut editor = shop();
    let live = editor.diagnostics("main.coord", 1);
    let ran = editor.space.coord(&["check", "--format", "json"]).run();
    let published: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checked = published[0]["diagnostics"].as_array().unwrap().iter();
    let codes: Vec<&str> = checked.map(|d| d["code"].as_str().unwrap()).collect();
    let live_codes: Vec<&str> = live.iter().map(|d| d.split(' ').nth(1).unwrap()).collect();
    assert_eq!(live_codes, codes);
    assert_eq!(editor.ends().code(), Some(0));
}

#[test]
fn a_broken_line_takes_nothing_else_away() {
    let mut editor = shop();
    let clean = editor.diagnostics("main.coord", 1);
    let version = editor.edit("main.coord", "by frontend", "by \"fron");
    let broken = editor.diagnostics("main.coord", version);
    assert!(broken.iter().any(|d| d.contains("E0001")), "{broken:?}");
    // everything else is still known: names, colours, and the plan of before
    let params = editor.at("main.coord", "needs back|end\n");
    let hover = editor.ask("textDocument/hover", params);
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("Writes the services.")
    );
    let params = editor.at("main.coord", "task pa|ges");
    let hover = editor.ask("textDocument/hover", params);
    insta::assert_snapshot!(hover["contents"]["value"].as_str().unwrap());
    assert_eq!(
        editor.completes("main.coord", "ensures |tested"),
        ["tested"]
    );
    let version = editor.edit("main.coord", "by \"fron", "by frontend");
    assert_eq!(editor.diagnostics("main.coord", version), clean);
}

#[test]
fn every_prefix_of_a_file_is_answered() {
    let mut editor = shop();
    editor.diagnostics("main.coord", 1);
    for cut in (0..SHOP.len()).step_by(61) {
        let version = editor.replace("main.coord", &SHOP[..cut]);
        let end = json!({ "textDocument": { "uri": editor.uri("main.coord") }, "position": place(&SHOP[..cut], cut) });
        editor.ask("textDocument/completion", end.clone());
        editor.ask("textDocument/hover", end);
        let mut document = editor.document("main.coord");
        document["options"] = json!({ "tabSize": 2, "insertSpaces": true });
        for method in [
            "documentSymbol",
            "foldingRange",
            "formatting",
            "semanticTokens/full",
        ] {
            editor.ask(&format!("textDocument/{method}"), document.clone());
        }
        editor.diagnostics("main.coord", version);
    }
    assert_eq!(editor.ends().code(), Some(0));
}

#[test]
fn completion_knows_its_place() {
    let mut editor = shop();
    let mut seen = String::new();
    let mut offers = |editor: &mut Editor, old: &str, new: &str, mark: &str| {
        editor.edit("main.coord", old, new);
        let found = editor.completes("main.coord", mark);
        seen.push_str(&format!("{}\n  {}\n", mark.trim(), found.join(" ")));
        editor.replace("main.coord", SHOP);
    };
    let e = &mut editor;
    offers(e, "param region", "\nparam region", "}\n\n|\nparam");
    offers(e, "    takes 2wd\n", "    \n", "endpoints\n    |\n");
    offers(e, "by frontend\n", "by \n", "by |\n");
    offers(e, "by frontend\n", "by any of \n", "by any of |\n");
    offers(
        e,
        "needs backend.endpoints\n",
        "needs \n",
        "needs |\n    takes 2wd",
    );
    offers(
        e,
        "needs backend.endpoints\n",
        "needs api \n",
        "needs api |\n",
    );
    offers(
        e,
        "needs backend.endpoints\n",
        "needs api within 24h else \n",
        "else |\n",
    );
    offers(
        e,
        "needs backend.endpoints\n",
        "needs backend.\n",
        "needs backend.|\n",
    );
    offers(
        e,
        "needs backend.endpoints\n",
        "needs [api, \n",
        "needs [api, |\n",
    );
    offers(e, "takes 2wd", "takes 2", "takes 2|\n");
    offers(e, "takes 2wd", "uses ", "uses |\n");
    offers(e, "takes 2wd", "priority ", "priority |\n");
    offers(e, "takes 2wd", "criticality c", "criticality c|\n");
    offers(
        e,
        "when api.state == \"completed\"",
        "when api.",
        "when api.|\n",
    );
    offers(e, "text default", " default", "region: | default");
    offers(e, "does \"Write the API\"", "does \"Wr\"", "does \"Wr|\"");
    insta::assert_snapshot!(seen);
}

#[test]
fn statements_that_stand_once_are_offered_once() {
    let mut editor = shop();
    editor.edit("main.coord", "    takes 2wd\n", "    takes 2wd\n    \n");
    let found = editor.completes("main.coord", "takes 2wd\n    |\n");
    assert!(!found.contains(&"takes".to_string()) && !found.contains(&"by".to_string()));
    assert!(found.contains(&"needs".to_string()));
}

#[test]
fn hover_tells_names_facts_and_words() {
    let mut editor = shop();
    let mut seen = String::new();
    for mark in [
        "task a|pi",
        "sync bui|lt",
        "phase bu|ild",
        "by back|end",
        "uses g|pu",
        "needs backend.end|points",
        "${reg|ion}",
        "when a|pi.state",
        "tak|es 4wd",
        "contact \"lead@exam|ple.org\"",
    ] {
        let params = editor.at("main.coord", mark);
        let hover = editor.ask("textDocument/hover", params);
        let text = hover["contents"]["value"].as_str().unwrap_or("(nothing)");
        seen.push_str(&format!(
            "=== {mark} at {}\n{text}\n",
            span(&hover["range"])
        ));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn definitions_and_references() {
    let mut editor = shop();
    let mut seen = String::new();
    for mark in [
        "needs back|end\n",
        "needs backend.end|points",
        "needs ba|ckend.endpoints",
        "when a|pi.state",
        "${reg|ion}",
        "uses gp|u",
        "ensures te|sted",
        "by le|ad\n  }",
        "takes 4|wd",
    ] {
        let params = editor.at("main.coord", mark);
        let found = editor.ask("textDocument/definition", params.clone());
        let mut with = params;
        with["context"] = json!({ "includeDeclaration": true });
        let uses = editor.ask("textDocument/references", with.clone());
        let uses = uses.as_array().map_or(Vec::new(), |uses| {
            uses.iter().map(|u| span(&u["range"])).collect::<Vec<_>>()
        });
        let lights = editor.ask("textDocument/documentHighlight", with);
        let lights = lights.as_array().map_or(0, Vec::len);
        assert_eq!(
            lights,
            uses.len(),
            "one file: highlights are the references"
        );
        seen.push_str(&format!(
            "{mark:?}: {} used at {uses:?}\n",
            span(&found["range"])
        ));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn rename_writes_every_place_and_refuses_what_cannot_be() {
    let mut editor = shop();
    let rename = |editor: &mut Editor, mark: &str, name: &str| {
        let mut params = editor.at("main.coord", mark);
        params["newName"] = json!(name);
        let id = editor.request("textDocument/rename", params);
        editor.response(id)
    };
    for (mark, name) in [
        ("task a|pi", "service"),
        ("needs back|end\n", "server"),
        ("needs backend.end|points", "contract"),
        ("${reg|ion}", "area"),
        ("ensures te|sted", "proven"),
    ] {
        let answer = rename(&mut editor, mark, name);
        let text = editor.applied("main.coord", &answer["result"]);
        let file = format!("{name}.coord");
        let renamed = Space::new().file(&file, &text);
        let before = editor
            .diagnostics("main.coord", editor.texts["main.coord"].0)
            .len();
        editor.edit("main.coord", "edition", "edition");
        let checked = renamed.coord(&["check", "--format", "json", &file]).run();
        let after: Value = serde_json::from_str(&checked.stdout).unwrap();
        assert_eq!(
            after[0]["diagnostics"].as_array().unwrap().len(),
            before,
            "{text}"
        );
        assert!(text.contains(name), "{text}");
    }
    let mut refusals = String::new();
    for (mark, name) in [
        ("task a|pi", "pages"),
        ("task a|pi", "two words"),
        ("task a|pi", "9lives"),
        ("task a|pi", "local"),
        ("task a|pi", ""),
        ("by back|end", "lead"),
        ("takes 4|wd", "x"),
    ] {
        let answer = rename(&mut editor, mark, name);
        let why = answer["error"]["message"].as_str().unwrap_or("(allowed)");
        refusals.push_str(&format!("{mark} -> {name:?}: {why}\n"));
    }
    // another namespace may have the name
    let answer = rename(&mut editor, "task a|pi", "gpu");
    assert!(answer.get("error").is_none(), "{answer}");
    insta::assert_snapshot!(refusals);
    let params = editor.at("main.coord", "${reg|ion}");
    let prepared = editor.ask("textDocument/prepareRename", params);
    assert_eq!(prepared["placeholder"], "region");
    let params = editor.at("main.coord", "takes 4|wd");
    assert_eq!(
        editor.ask("textDocument/prepareRename", params),
        Value::Null
    );
}

#[test]
fn outlines_folds_and_hints() {
    let mut editor = shop();
    let document = editor.document("main.coord");
    let symbols = editor.ask("textDocument/documentSymbol", document.clone());
    let mut seen = String::new();
    tree(&symbols, 0, &mut seen);
    seen.push_str("--- workspace\n");
    let found = editor.ask("workspace/symbol", json!({ "query": "end" }));
    for symbol in found.as_array().unwrap() {
        let at = span(&symbol["location"]["range"]);
        seen.push_str(&format!(
            "{} in {} {at}\n",
            symbol["name"], symbol["containerName"]
        ));
    }
    seen.push_str("--- folds\n");
    let folds = editor.ask("textDocument/foldingRange", document.clone());
    for fold in folds.as_array().unwrap() {
        seen.push_str(&format!("{}-{}\n", fold["startLine"], fold["endLine"]));
    }
    seen.push_str("--- hints\n");
    let mut params = document;
    params["range"] =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } });
    let hints = editor.ask("textDocument/inlayHint", params);
    for hint in hints.as_array().unwrap() {
        let line = hint["position"]["line"].as_u64().unwrap() as usize;
        let text = SHOP.lines().nth(line).unwrap().trim();
        seen.push_str(&format!("{text}  «{}»\n", hint["label"].as_str().unwrap()));
    }
    insta::assert_snapshot!(seen);
}

fn tree(symbols: &Value, depth: usize, out: &mut String) {
    for symbol in symbols.as_array().into_iter().flatten() {
        let (name, detail) = (
            symbol["name"].as_str().unwrap(),
            symbol["detail"].as_str().unwrap(),
        );
        let at = span(&symbol["selectionRange"]);
        out.push_str(&format!("{}{name} ({detail}) {at}\n", "  ".repeat(depth)));
        tree(&symbol["children"], depth + 1, out);
    }
}

#[test]
fn colours() {
    let text = "edition 2026\n# plain\n## doc 😀\nagent ä \"😀 ${x}\" {\n  does 'raw'\n}\ntask t { by ä\n  run ```sh\n    a 😀\n      b\n  ```\n}\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    let legend = [
        "keyword",
        "modifier",
        "comment",
        "string",
        "macro",
        "number",
        "operator",
        "variable",
        "class",
        "function",
        "namespace",
        "parameter",
        "property",
    ];
    let document = editor.document("main.coord");
    let data = editor.ask("textDocument/semanticTokens/full", document)["data"].clone();
    let data: Vec<usize> = data
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap() as usize)
        .collect();
    let (mut line, mut column, mut seen) = (0, 0, String::new());
    for token in data.chunks(5) {
        column = if token[0] == 0 {
            column + token[1]
        } else {
            token[1]
        };
        line += token[0];
        let units: Vec<u16> = text.lines().nth(line).unwrap().encode_utf16().collect();
        let word = String::from_utf16(&units[column..column + token[2]]).unwrap();
        seen.push_str(&format!("{} {word:?} {}\n", legend[token[3]], token[4]));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn columns_are_utf16_also_beyond_the_first_plane() {
    let text = "edition 2026\n\nhuman a \"😀😀\" { does \"x\" }\ntask t \"😀\" { by b }\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    // `b` stands behind a pair of surrogates: 17 characters, 18 units
    let found = editor.diagnostics("main.coord", 1);
    assert!(
        found.iter().any(|d| d.starts_with("3:17-3:18 E0201")),
        "{found:?}"
    );
    // typing behind it lands in the right place
    let version = editor.edit("main.coord", "by b", "by a");
    let found = editor.diagnostics("main.coord", version);
    assert!(!found.iter().any(|d| d.contains("E0201")), "{found:?}");
    let params = editor.at("main.coord", "by |a }");
    let place = editor.ask("textDocument/definition", params);
    assert_eq!(span(&place["range"]), "2:6-2:7");
    let version = editor.edit("main.coord", "😀😀", "ä😀\u{10ffff}");
    let found = editor.diagnostics("main.coord", version);
    assert!(!found.iter().any(|d| d.contains("E0")), "{found:?}");
}

#[test]
fn formatting_is_that_of_fmt() {
    let untidy = "edition 2026\n\n\n\ntask   t   \"😀\"  {\n      run [\"true\"]   # why\n\n\n }\n";
    let mut editor = Editor::new(Space::new().file("main.coord", untidy));
    editor.open("main.coord");
    let mut params = editor.document("main.coord");
    params["options"] = json!({ "tabSize": 8, "insertSpaces": false });
    let edits = editor.ask("textDocument/formatting", params.clone());
    let formatted = apply(untidy, &edits);
    editor.space.coord(&["fmt"]).run().exits(0);
    assert_eq!(
        formatted,
        std::fs::read_to_string(editor.space.path("main.coord")).unwrap()
    );
    editor.edit("main.coord", "[\"true\"]", "[\"true]");
    assert_eq!(editor.ask("textDocument/formatting", params), json!([]));
}

#[test]
fn quick_fixes_are_those_of_the_diagnostics() {
    let text = "edition 2026\n\nagent backend { does \"x\" }\n\ntask t {\n  by bakend\n  takes 4hours\n}\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    let mut params = editor.document("main.coord");
    params["range"] =
        json!({ "start": { "line": 5, "character": 0 }, "end": { "line": 6, "character": 14 } });
    params["context"] = json!({ "diagnostics": [] });
    let actions = editor.ask("textDocument/codeAction", params.clone());
    let mut seen = String::new();
    for action in actions.as_array().unwrap() {
        let text = editor.applied("main.coord", &action["edit"]);
        seen.push_str(&format!(
            "=== {} ({})\n{text}",
            action["title"].as_str().unwrap(),
            action["kind"].as_str().unwrap()
        ));
    }
    insta::assert_snapshot!(seen);
    params["context"]["only"] = json!(["refactor"]);
    assert_eq!(editor.ask("textDocument/codeAction", params), json!([]));
}

#[test]
fn sessions_are_orderly() {
    let mut editor = Editor::raw(Space::new());
    let id = editor.request("textDocument/hover", json!({}));
    assert_eq!(
        editor.response(id)["error"]["code"],
        -32002,
        "not initialized"
    );
    editor.ask("initialize", json!({ "capabilities": {} }));
    editor.tell("initialized", json!({}));
    // noise is answered or passed over, and the session goes on
    editor.write(b"Content-Length: 9\r\n\r\n{\"id\": 1,");
    let answer = editor.next();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&Value::Null, &json!(-32700))
    );
    let id = editor.request("textDocument/dance", json!({}));
    assert_eq!(editor.response(id)["error"]["code"], -32601);
    let id = editor.request("textDocument/hover", json!({ "position": 7 }));
    assert_eq!(editor.response(id)["error"]["code"], -32602);
    editor.tell("$/unheardOf", json!(null));
    editor.tell("textDocument/didChange", json!({ "what": 1 }));
    editor.tell("$/cancelRequest", json!({ "id": 4711 }));
    let nowhere = json!({ "textDocument": { "uri": "file:///nowhere.coord" }, "position": { "line": 1, "character": 1 } });
    assert_eq!(
        editor.ask("textDocument/hover", nowhere.clone()),
        Value::Null
    );
    assert_eq!(editor.ask("textDocument/completion", nowhere), Value::Null);
    editor.ask("shutdown", Value::Null);
    let id = editor.request("textDocument/hover", json!({}));
    assert_eq!(
        editor.response(id)["error"]["code"],
        -32600,
        "after shutdown"
    );
    editor.tell("exit", Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(0));
}

#[test]
fn exit_without_shutdown_is_no_success() {
    let mut editor = Editor::new(Space::new());
    editor.tell("exit", Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
    let mut editor = Editor::new(Space::new());
    editor.stdin = None;
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_question_can_be_taken_back() {
    let mut editor = shop();
    editor.diagnostics("main.coord", 1);
    // an edit and a question about it, and a word that the answer is not wanted any more
    editor.edit("main.coord", "takes 4wd", "takes 5wd");
    let params = editor.at("main.coord", "task a|pi");
    let id = editor.request("textDocument/hover", params);
    editor.tell("$/cancelRequest", json!({ "id": id }));
    let answer = editor.response(id);
    let cancelled = answer["error"]["code"] == json!(-32800);
    assert!(
        cancelled || answer["result"].is_object(),
        "one answer: {answer}"
    );
    assert_eq!(editor.ends().code(), Some(0));
}

#[test]
fn what_is_closed_is_told_no_more() {
    let mut editor = Editor::new(Space::new().file("other.coord", "edition 2026\ntask t {}\n"));
    editor.open("other.coord");
    assert!(!editor.diagnostics("other.coord", 1).is_empty());
    let document = editor.document("other.coord");
    editor.tell("textDocument/didClose", document);
    assert!(editor.told("other.coord").is_empty());
}

const MAIN: &str = "edition 2026\n\nuse \"team/agents.coord\"\n\nproject shop\n\ntask api {\n  by backend\n  takes 2d\n}\n";
const TEAM: &str = "edition 2026\n\nagent backend {\n  does \"x\"\n  owns \"api/**\"\n}\n";

#[test]
fn a_project_is_all_of_its_files() {
    let space = Space::new()
        .file("main.coord", MAIN)
        .file("team/agents.coord", TEAM);
    let mut editor = Editor::new(space);
    editor.open("main.coord");
    let clean = editor.diagnostics("main.coord", 1);
    assert!(!clean.iter().any(|d| d.contains("E02")), "{clean:?}");
    // the other file is not open: definition and rename reach it on the disk
    let params = editor.at("main.coord", "by back|end");
    let place = editor.ask("textDocument/definition", params.clone());
    assert_eq!(place["uri"], json!(editor.uri("team/agents.coord")));
    let mut renaming = params;
    renaming["newName"] = json!("server");
    let edit = editor.ask("textDocument/rename", renaming);
    assert!(editor.applied("main.coord", &edit).contains("by server"));
    let there = apply(TEAM, &edit["changes"][editor.uri("team/agents.coord")]);
    assert!(there.contains("agent server {"), "{there}");
    let params = editor.at("main.coord", "use \"team/ag|ents");
    let place = editor.ask("textDocument/definition", params);
    assert_eq!(place["uri"], json!(editor.uri("team/agents.coord")));

    // an open file counts as the editor has it, and what it breaks is told of the others
    editor.open("team/agents.coord");
    editor.diagnostics("team/agents.coord", 1);
    editor.edit("team/agents.coord", "agent backend", "agent server");
    let told = editor.told("main.coord");
    assert!(told.iter().any(|d| d.contains("E0201")), "{told:?}");
    assert_eq!(editor.completes("main.coord", "by |backend")[0], "server");

    // closed again, it counts as it is on the disk; and what changes there is noticed
    let document = editor.document("team/agents.coord");
    editor.tell("textDocument/didClose", document);
    let told = editor.told("main.coord");
    assert!(!told.iter().any(|d| d.contains("E0201")), "{told:?}");
    let path = editor.space.path("team/agents.coord");
    std::fs::write(path, TEAM.replace("backend", "somebody-else")).unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    let told = editor.told("main.coord");
    assert!(told.iter().any(|d| d.contains("E0201")), "{told:?}");
}

#[test]
fn names_of_every_kind_are_known_by_the_table_alone() {
    let text = "edition 2026\n\nhuman lead {\n  does \"x\"\n}\n\nchannel board {\n  stdout\n}\n\nescalation ladder {\n  level one by lead within 4h\n}\n\ngate proven {\n  check \"x\" by lead\n  on fail escalate to ladder\n}\n\nconflict scope {\n  owner lead\n  escalate to ladder after 4h\n}\n\nincident P0 {\n  lead lead\n}\n\ntask t {\n  by lead\n  requires proven\n}\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    let mut uses = |mark: &str| {
        let mut params = editor.at("main.coord", mark);
        params["context"] = json!({ "includeDeclaration": false });
        let found = editor.ask("textDocument/references", params);
        found.as_array().map_or(0, Vec::len)
    };
    assert_eq!(uses("escalation lad|der"), 2);
    assert_eq!(uses("gate pro|ven"), 1);
    assert_eq!(uses("human le|ad"), 5);
}

#[test]
fn a_large_text_is_told_of_at_once_and_then_in_full() {
    let mut text = String::from("edition 2026\n\ntask first {\n  by nobody\n}\n");
    for n in 0..1900 {
        let task = format!(
            "\ntask task-{n} {{\n  takes 1h\n  timeout 2h\n  idempotent\n  dir \"a/b/c\"\n  run [\"true\"]\n}}\n"
        );
        text.push_str(&task);
    }
    assert!(text.len() > 128 << 10);
    let mut editor = Editor::new(Space::new().file("main.coord", &text));
    editor.open("main.coord");
    let known = editor.diagnostics("main.coord", 1);
    assert!(known[0].starts_with("3:5-3:11 E0201"), "{known:?}");
    // a line above moves what is known, and a broken line below is seen at once
    let version = editor.edit("main.coord", "edition 2026\n", "edition 2026\n# new\n");
    assert!(editor.diagnostics("main.coord", version)[0].starts_with("4:5-4:11 E0201"));
    let version = editor.edit("main.coord", "task task-9 {", "task task-9 \"x {");
    let early = editor.diagnostics("main.coord", version);
    assert!(early.iter().any(|d| d.contains("E0001")), "{early:?}");
    assert!(
        early.iter().any(|d| d.starts_with("4:5-4:11 E0201")),
        "{early:?}"
    );
    let version = editor.edit("main.coord", "by nobody", "by somebody");
    editor.diagnostics("main.coord", version);
    // the whole answer follows; what was touched and is still wrong is there again
    let told = editor.told("main.coord");
    assert!(
        told.iter().any(|d| d.starts_with("4:5-4:13 E0201")),
        "{told:?}"
    );
}

#[test]
fn a_part_is_formatted_and_the_rest_left_alone() {
    let text = "edition 2026\n\ntask  a  {\n   takes   1d\n      needs [b,c]   # why\n\n\n   run ```sh\n     x\n       y\n   ```\n}\n\ntask  b\ntask c\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    let mut seen = String::new();
    for (first, last) in [(2, 3), (4, 5), (8, 9), (13, 14), (0, 99), (6, 6), (14, 14)] {
        let mut params = editor.document("main.coord");
        params["options"] = json!({ "tabSize": 2, "insertSpaces": true });
        params["range"] = json!({ "start": { "line": first, "character": 0 }, "end": { "line": last, "character": 0 } });
        let edits = editor.ask("textDocument/rangeFormatting", params);
        let after = apply(text, &edits);
        seen.push_str(&format!("=== lines {first} to {last}\n{after}"));
    }
    insta::assert_snapshot!(seen);
    editor.edit("main.coord", "takes   1d", "takes \"1d");
    let mut params = editor.document("main.coord");
    params["options"] = json!({ "tabSize": 2, "insertSpaces": true });
    params["range"] =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    assert_eq!(
        editor.ask("textDocument/rangeFormatting", params),
        json!([])
    );
}

#[test]
fn fixing_all_makes_what_coord_fix_makes_in_this_file() {
    let text = "edition 2026\n\nagent backend {\n  via human\n}\n\ntask build {\n  run [\"make\" \"all\"]\n  takes 4hours\n}\n\ntask test {\n  by bakend\n  neds build\n  takes 1d\n}\n\ntask ship {\n  by back\n  takes 1d\n}\n";
    let mut editor = Editor::new(Space::new().file("main.coord", text));
    editor.open("main.coord");
    let mut ask = |only: Value| {
        let mut params = editor.document("main.coord");
        params["range"] =
            json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
        params["context"] = json!({ "diagnostics": [], "only": only });
        editor.ask("textDocument/codeAction", params)
    };
    let actions = ask(json!(["source.fixAll"]));
    for only in ["source", "source.fixAll.coord"] {
        assert_eq!(ask(json!([only])), actions);
    }
    assert_eq!(ask(json!(["source.organizeImports"])), json!([]));
    let action = &actions[0];
    assert_eq!(action["kind"], "source.fixAll.coord");
    let fixed = editor.applied("main.coord", &action["edit"]);
    // `back` is too far from `backend` to be mended by itself
    editor.space.coord(&["fix"]).run().exits(2);
    let by_hand = std::fs::read_to_string(editor.space.path("main.coord")).unwrap();
    assert_eq!(fixed, by_hand);
    insta::assert_snapshot!(format!("{}\n{fixed}", action["title"].as_str().unwrap()));
    let params = editor.at("main.coord", "by ba|ck\n");
    let range = json!({ "start": params["position"], "end": params["position"] });
    let mut params = editor.document("main.coord");
    params["range"] = range;
    params["context"] = json!({ "diagnostics": [] });
    let guess = editor.ask("textDocument/codeAction", params);
    assert_eq!(guess[0]["isPreferred"], json!(false), "{guess}");
}

#[test]
fn globs_that_match_no_file_are_told_as_check_tells_them() {
    let text = "edition 2026\n\nagent a {\n  via human\n  owns \"api/**\"\n}\n\ntask t {\n  by a\n  takes 1d\n}\n";
    let space = Space::new()
        .file("main.coord", text)
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file("web/x", "");
    let mut editor = Editor::new(space);
    editor.open("main.coord");
    let told = editor.diagnostics("main.coord", 1);
    assert!(
        told.iter().any(|d| d.starts_with("4:7-4:15 W0404")),
        "{told:?}"
    );
    let checked = editor.space.coord(&["check"]).run();
    assert!(checked.stderr.contains("W0404"), "{checked}");
    // the file comes to be, and something is saved
    std::fs::create_dir(editor.space.path("api")).unwrap();
    std::fs::write(editor.space.path("api/x"), "").unwrap();
    let document = editor.document("main.coord");
    editor.tell("textDocument/didSave", document);
    let told = editor.told("main.coord");
    assert!(!told.iter().any(|d| d.contains("W0404")), "{told:?}");
}

const INSIDE: &str = r#"edition 2026

human lead {
  does "x"
}

human board {
  does "x"
}

escalation delivery {
  level first by lead within 1h
  level second by board within 4h
}

escalation money {
  level first by lead within 1h
}

handoff work {
  field summary text
  accept within 4h else escalate to delivery second
  format page
}

template page ```md
${handoff.title}: ${handoff.summary}
```

## Puts it out.
workflow deploy(env: text, times: int default 3) {
  task roll {
    run ["roll", "${env}"]
    takes 1h
  }
}

workflow retire(env: text) {
  task stop {
    each zone in [a, b]
    env ZONE "${zone}"
    run ["stop", "${env}"]
    takes 1h
  }
}

on task.failed do start deploy(env: "eu")

test "Nobody answers" {
  given escalation delivery opens
  expect escalation delivery reaches second
}
"#;

#[test]
fn names_inside_of_others_are_known_by_their_owner() {
    let mut editor = Editor::new(Space::new().file("main.coord", INSIDE));
    editor.open("main.coord");
    let told = editor.diagnostics("main.coord", 1);
    assert!(!told.iter().any(|d| d.contains(" E0")), "{told:?}");
    let mut seen = String::new();
    for mark in [
        "level sec|ond",
        "delivery sec|ond\n  format",
        "reaches sec|ond",
        "field sum|mary",
        "${handoff.sum|mary}",
        "deploy(en|v: text",
        "\"roll\", \"${en|v}\"",
        "start deploy(en|v",
        "retire(en|v",
        "each zo|ne",
        "\"${zo|ne}\"",
    ] {
        let params = editor.at("main.coord", mark);
        let place = editor.ask("textDocument/definition", params.clone());
        let mut with = params.clone();
        with["context"] = json!({ "includeDeclaration": true });
        let uses = editor.ask("textDocument/references", with);
        let uses = uses.as_array().unwrap().iter();
        let uses: Vec<String> = uses.map(|u| span(&u["range"])).collect();
        let hover = editor.ask("textDocument/hover", params);
        let hover = hover["contents"]["value"].as_str().unwrap();
        let head = hover.lines().nth(1).unwrap();
        seen.push_str(&format!(
            "{mark:?}: {head} {} used at {uses:?}\n",
            span(&place["range"])
        ));
    }
    let mut rename = |mark: &str, name: &str| {
        let mut params = editor.at("main.coord", mark);
        params["newName"] = json!(name);
        let id = editor.request("textDocument/rename", params);
        let answer = editor.response(id);
        match answer["error"]["message"].as_str() {
            Some(why) => why.to_string(),
            None => editor.applied("main.coord", &answer["result"]),
        }
    };
    // the name of another level of the same ladder is taken, that of another ladder's is not
    seen.push_str(&format!("{}\n", rename("reaches sec|ond", "first")));
    assert!(!rename("deploy(en|v: text", "region").contains("already"));
    for (mark, name) in [
        ("reaches sec|ond", "last"),
        ("${handoff.sum|mary}", "gist"),
        ("deploy(en|v: text", "region"),
        ("each zo|ne", "place"),
    ] {
        let text = rename(mark, name);
        let space = Space::new().file("main.coord", &text);
        let ran = space.coord(&["check"]).run().exits(0);
        assert!(text.matches(name).count() >= 2, "{ran}\n{text}");
    }
    insta::assert_snapshot!(seen);
    editor.edit("main.coord", "reaches second", "reaches ");
    let found = editor.completes("main.coord", "reaches |\n");
    assert!(found.contains(&"second".to_string()), "{found:?}");
}
