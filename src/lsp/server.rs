//! The session with one client: its documents, its questions, and what is published to it.

use super::analysis::Analysis;
use super::compiler::{self, Compiled, Snapshot};
use super::documents::{ALONE, Document, Documents};
use super::early;
use super::position::part;
use super::transport::{Connection, Outgoing};
use super::uri::{name_of, uri_of};
use super::{actions, colours, completion, diagnostics, format, hints, hover, navigation, symbols};
use coord_lang::diagnostic;
use coord_lang::editor::index::Index;
use coord_lang::source::FileId;
use coord_lang::syntax::Limits;
use crossbeam_channel::{Receiver, Sender, select};
use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Serves until the client says `exit` or is gone; true when it said `shutdown` before.
pub(super) fn run(connection: Connection, limits: Limits) -> bool {
    let Some(first) = connection.initialized() else {
        return false;
    };
    let client = Client::of(&first.params);
    let result = lsp::InitializeResult {
        capabilities: capabilities(),
        server_info: Some(lsp::ServerInfo {
            name: "coord".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        }),
    };
    let Ok((snapshots, compiled)) = compiler::start(limits) else {
        return false;
    };
    let mut server = Server {
        connection,
        client,
        limits,
        documents: Documents::new(limits),
        snapshots,
        is_compiling: false,
        revision: 0,
        projects: Vec::new(),
        waiting: Vec::new(),
        published: BTreeMap::new(),
        is_shut_down: false,
    };
    server.respond(first.id, answer(&result));
    server.serve(&compiled);
    server.is_shut_down
}

fn capabilities() -> lsp::ServerCapabilities {
    let sync = lsp::TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(lsp::TextDocumentSyncKind::Incremental),
        // what was saved, or written beside it since, is a file that a glob may match
        save: Some(true.into()),
        ..lsp::TextDocumentSyncOptions::default()
    };
    let tokens = lsp::SemanticTokensOptions {
        legend: colours::legend(),
        range: Some(true.into()),
        full: Some(true.into()),
        ..lsp::SemanticTokensOptions::default()
    };
    lsp::ServerCapabilities {
        position_encoding: Some(lsp::PositionEncodingKind::UTF16),
        text_document_sync: Some(sync.into()),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: Some(vec![" ".into(), "[".into(), ".".into()]),
            ..lsp::CompletionOptions::default()
        }),
        hover_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        workspace_symbol_provider: Some(true.into()),
        code_action_provider: Some(
            lsp::CodeActionOptions {
                code_action_kinds: Some(vec![
                    lsp::CodeActionKind::QuickFix,
                    actions::FIX_ALL.to_string().into(),
                ]),
                ..lsp::CodeActionOptions::default()
            }
            .into(),
        ),
        document_formatting_provider: Some(true.into()),
        document_range_formatting_provider: Some(true.into()),
        rename_provider: Some(
            lsp::RenameOptions {
                prepare_provider: Some(true),
                ..lsp::RenameOptions::default()
            }
            .into(),
        ),
        folding_range_provider: Some(true.into()),
        semantic_tokens_provider: Some(tokens.into()),
        inlay_hint_provider: Some(true.into()),
        ..lsp::ServerCapabilities::default()
    }
}

/// What the client told of itself.
struct Client {
    folders: Vec<String>,
    snippets: bool,
    registers_watchers: bool,
}

impl Client {
    fn of(params: &Value) -> Client {
        let flag = |path: &str| params.pointer(path).and_then(Value::as_bool) == Some(true);
        let snippets = flag("/capabilities/textDocument/completion/completionItem/snippetSupport");
        let registers_watchers =
            flag("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration");
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let folders = folders.into_iter().flatten().map(|folder| &folder["uri"]);
        let mut folders: Vec<&Value> = folders.collect();
        if folders.is_empty() {
            folders.extend(params.get("rootUri"));
        }
        let folders = folders.into_iter().filter_map(Value::as_str);
        Client {
            folders: folders.map(|uri| name_of(&lsp::Uri(uri.into()))).collect(),
            snippets,
            registers_watchers,
        }
    }
}

/// A question that waits for the analysis of the texts that it was asked about.
struct Waiting {
    request: Request,
    revision: u64,
}

/// What was last said about a file.
#[derive(PartialEq)]
struct Published {
    revision: Option<u64>,
    diagnostics: Vec<lsp::Diagnostic>,
}

struct Server {
    connection: Connection,
    client: Client,
    limits: Limits,
    documents: Documents,
    snapshots: Sender<Snapshot>,
    is_compiling: bool,
    /// Of what `projects` were made.
    revision: u64,
    projects: Vec<Arc<Analysis>>,
    waiting: Vec<Waiting>,
    published: BTreeMap<String, Published>,
    is_shut_down: bool,
}

/// A result as JSON, or why there is none.
type Answer = Result<String, (ErrorCode, String)>;

impl Server {
    fn serve(&mut self, compiled: &Receiver<Compiled>) {
        loop {
            // edits that came together are compiled together
            if self.connection.receiver.is_empty() {
                self.compile();
            }
            select! {
                recv(self.connection.receiver) -> message => match message {
                    Ok(Message::Request(request)) => self.request(request),
                    Ok(Message::Notification(note)) if note.method == "exit" => return,
                    Ok(Message::Notification(note)) => self.notification(note),
                    Ok(Message::Response(_)) => {}
                    Err(_) => return,
                },
                recv(compiled) -> result => match result {
                    Ok(result) => self.compiled(result),
                    Err(_) => return,
                },
            }
        }
    }

    // ---- compiling -----------------------------------------------------------------------------

    fn compile(&mut self) {
        if self.is_compiling || self.revision == self.documents.revision() {
            return;
        }
        let open = self.documents.iter();
        let snapshot = Snapshot {
            revision: self.documents.revision(),
            open: open
                .map(|(name, d)| (name.clone(), d.parsed.clone()))
                .collect(),
            folders: self.client.folders.clone(),
            disk_revision: self.documents.disk_revision(),
        };
        self.is_compiling = self.snapshots.send(snapshot).is_ok();
    }

    fn compiled(&mut self, result: Compiled) {
        self.is_compiling = false;
        self.revision = result.revision;
        self.projects = result.projects;
        if self.revision == self.documents.revision() {
            self.publish();
        }
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.revision > self.revision {
                self.waiting.push(waiting);
            } else if waiting.revision < self.revision {
                let moved = (ErrorCode::ContentModified, "the text has changed".into());
                self.respond(waiting.request.id, Err(moved));
            } else {
                self.answer(waiting.request);
            }
        }
    }

    /// Says what is new about each file of each project, and takes back what no longer holds.
    fn publish(&mut self) {
        let mut now: BTreeMap<String, Published> = BTreeMap::new();
        for analysis in &self.projects {
            for (id, file) in analysis.sources.iter() {
                let name = file.name().to_string();
                now.entry(name).or_insert_with(|| Published {
                    revision: self.documents.get(file.name()).map(|d| d.revision),
                    diagnostics: diagnostics::of_file(analysis, id),
                });
            }
        }
        let gone = self
            .published
            .iter()
            .filter(|(name, old)| !now.contains_key(*name) && !old.diagnostics.is_empty());
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.say(&name, Vec::new());
        }
        for (name, new) in &now {
            let is_open = new.revision.is_some();
            let said_before = match self.published.get(name) {
                Some(old) => old == new,
                None => !is_open && new.diagnostics.is_empty(),
            };
            if !said_before {
                self.say(name, new.diagnostics.clone());
            }
        }
        self.published = now;
    }

    /// A large text takes a while to compile: what is known at once is said at once.
    fn publish_early(&mut self, name: &str, edits: &[early::Edit]) {
        let (Some(document), Some(old)) = (self.documents.get(name), self.published.get(name))
        else {
            return;
        };
        if document.source().text().len() < early::LARGE {
            return;
        }
        let mut now = early::moved(&old.diagnostics, edits);
        if let Some(mut found) = document.parsed.found(ALONE) {
            found.retain(early::is_of_syntax);
            diagnostic::sort(&mut found);
            now.retain(|d| !early::is_syntax(d));
            let syntax = diagnostics::of_text(document.source(), &found);
            now.splice(0..0, syntax);
        }
        let revision = Some(document.revision);
        self.say(name, now.clone());
        self.published.insert(
            name.to_string(),
            Published {
                revision,
                diagnostics: now,
            },
        );
    }

    fn say(&self, name: &str, diagnostics: Vec<lsp::Diagnostic>) {
        let params = lsp::PublishDiagnosticsParams {
            uri: uri_of(name),
            version: self.documents.get(name).map(|d| d.version),
            diagnostics,
        };
        self.notify("textDocument/publishDiagnostics", &params);
    }

    // ---- what the client tells -----------------------------------------------------------------

    fn notification(&mut self, note: Notification) {
        let params = note.params;
        match note.method.as_str() {
            "initialized" => self.watch_files(),
            "textDocument/didOpen" => {
                if let Ok(p) = serde_json::from_value::<lsp::DidOpenTextDocumentParams>(params) {
                    let document = p.text_document;
                    let name = name_of(&document.uri);
                    self.documents.open(&name, document.version, document.text);
                }
            }
            "textDocument/didChange" => {
                if let Ok(p) = serde_json::from_value::<lsp::DidChangeTextDocumentParams>(params) {
                    let document = p.text_document;
                    let name = name_of(&document.text_document_identifier.uri);
                    let edits = early::edits(&p.content_changes);
                    self.documents
                        .change(&name, document.version, p.content_changes);
                    if let Some(edits) = edits {
                        self.publish_early(&name, &edits);
                    }
                }
            }
            "textDocument/didClose" => {
                if let Ok(p) = serde_json::from_value::<lsp::DidCloseTextDocumentParams>(params) {
                    self.documents.close(&name_of(&p.text_document.uri));
                }
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.documents.touched(),
            "$/cancelRequest" => {
                if let Ok(id) = serde_json::from_value::<RequestId>(params["id"].clone()) {
                    self.cancel(&id);
                }
            }
            _ => {}
        }
    }

    /// Asks to hear of `.coord` files that change on disk.
    fn watch_files(&self) {
        if !self.client.registers_watchers {
            return;
        }
        let options = lsp::DidChangeWatchedFilesRegistrationOptions {
            watchers: vec![lsp::FileSystemWatcher {
                glob_pattern: "**/*.coord".to_string().into(),
                kind: None,
            }],
        };
        let params = lsp::RegistrationParams {
            registrations: vec![lsp::Registration {
                id: "coord-files".into(),
                method: "workspace/didChangeWatchedFiles".into(),
                register_options: serde_json::to_value(options).ok(),
            }],
        };
        let id = RequestId::from("coord-files".to_string());
        let method = "client/registerCapability";
        self.connection
            .send(Outgoing::Request(id, method, json(&params)));
    }

    fn cancel(&mut self, id: &RequestId) {
        let Some(at) = self.waiting.iter().position(|w| w.request.id == *id) else {
            return;
        };
        let waiting = self.waiting.remove(at);
        let cancelled = (ErrorCode::RequestCanceled, "cancelled".to_string());
        self.respond(waiting.request.id, Err(cancelled));
    }

    // ---- what the client asks ------------------------------------------------------------------

    fn request(&mut self, request: Request) {
        if self.is_shut_down {
            let error = (ErrorCode::InvalidRequest, "the server is shut down".into());
            return self.respond(request.id, Err(error));
        }
        match request.method.as_str() {
            "shutdown" => self.shut_down(request.id),
            "initialize" => {
                let error = (ErrorCode::InvalidRequest, "initialized already".into());
                self.respond(request.id, Err(error));
            }
            _ if self.has_to_wait(&request) => self.waiting.push(Waiting {
                request,
                revision: self.documents.revision(),
            }),
            _ => self.answer(request),
        }
    }

    fn shut_down(&mut self, id: RequestId) {
        self.is_shut_down = true;
        for waiting in std::mem::take(&mut self.waiting) {
            let cancelled = (ErrorCode::RequestCanceled, "shutting down".to_string());
            self.respond(waiting.request.id, Err(cancelled));
        }
        self.respond(id, nothing());
    }

    /// True when the answer needs an analysis that is not there yet.
    fn has_to_wait(&self, request: &Request) -> bool {
        let is_behind = self.revision != self.documents.revision();
        match request.method.as_str() {
            "textDocument/completion" => {
                let uri = request.params.pointer("/textDocument/uri");
                let uri = uri.and_then(Value::as_str).unwrap_or_default();
                let name = name_of(&lsp::Uri(uri.into()));
                is_behind && self.analysis(&name).is_none()
            }
            "textDocument/documentSymbol"
            | "textDocument/foldingRange"
            | "textDocument/formatting"
            | "textDocument/rangeFormatting" => false,
            _ => is_behind,
        }
    }

    fn answer(&self, request: Request) {
        // A defect in one answer must not end the session.
        let answered = catch_unwind(AssertUnwindSafe(|| {
            self.answer_to(&request.method, request.params)
        }));
        let defect = || (ErrorCode::InternalError, "BUG: no answer".to_string());
        self.respond(request.id, answered.unwrap_or_else(|_| Err(defect())));
    }

    fn answer_to(&self, method: &str, params: Value) -> Answer {
        match method {
            "textDocument/completion" => self.completion(read(params)?),
            "textDocument/hover" => {
                let params: lsp::HoverParams = read(params)?;
                self.at(params.text_document_position_params, hover::hover)
            }
            "textDocument/definition" => {
                let params: lsp::DefinitionParams = read(params)?;
                self.at(params.text_document_position_params, navigation::definition)
            }
            "textDocument/references" => {
                let params: lsp::ReferenceParams = read(params)?;
                let all = params.context.include_declaration;
                self.at(params.text_document_position_params, |a, file, at| {
                    navigation::references(a, file, at, all)
                })
            }
            "textDocument/documentHighlight" => {
                let params: lsp::DocumentHighlightParams = read(params)?;
                self.at(params.text_document_position_params, navigation::highlights)
            }
            "textDocument/prepareRename" => {
                let params: lsp::PrepareRenameParams = read(params)?;
                self.at(
                    params.text_document_position_params,
                    navigation::prepare_rename,
                )
            }
            "textDocument/rename" => self.rename(read(params)?),
            "textDocument/documentSymbol" => {
                let params: lsp::DocumentSymbolParams = read(params)?;
                self.text(&params.text_document, symbols::document)
            }
            "workspace/symbol" => {
                let params: lsp::WorkspaceSymbolParams = read(params)?;
                let projects = self.projects.iter().map(|a| &**a);
                answer(&symbols::workspace(projects, &params.query))
            }
            "textDocument/foldingRange" => {
                let params: lsp::FoldingRangeParams = read(params)?;
                self.text(&params.text_document, symbols::folding)
            }
            "textDocument/formatting" => {
                let params: lsp::DocumentFormattingParams = read(params)?;
                self.text(&params.text_document, format::format_document)
            }
            "textDocument/rangeFormatting" => {
                let params: lsp::DocumentRangeFormattingParams = read(params)?;
                self.text(&params.text_document, |document| {
                    format::format_range(document, params.range)
                })
            }
            "textDocument/codeAction" => {
                let params: lsp::CodeActionParams = read(params)?;
                self.in_file(&params.text_document, |a, file| {
                    actions::actions(a, file, self.limits, &params)
                })
            }
            "textDocument/semanticTokens/full" => {
                let params: lsp::SemanticTokensParams = read(params)?;
                self.in_file(&params.text_document, |a, file| {
                    colours::colours(a, file, 0..u32::MAX)
                })
            }
            "textDocument/semanticTokens/range" => {
                let params: lsp::SemanticTokensRangeParams = read(params)?;
                self.in_file(&params.text_document, |a, file| {
                    colours::colours(a, file, part(a.source(file), params.range))
                })
            }
            "textDocument/inlayHint" => {
                let params: lsp::InlayHintParams = read(params)?;
                self.in_file(&params.text_document, |a, file| {
                    hints::hints(a, file, params.range)
                })
            }
            _ => Err((
                ErrorCode::MethodNotFound,
                format!("`{method}` is not served here"),
            )),
        }
    }

    fn completion(&self, params: lsp::CompletionParams) -> Answer {
        let place = params.text_document_position_params;
        let name = name_of(&place.text_document.uri);
        let Some(document) = self.documents.get(&name) else {
            return nothing();
        };
        let none = Index::default();
        let index = self.analysis(&name).map_or(&none, |(a, _)| &a.index);
        let snippets = self.client.snippets;
        answer(&completion::completion(
            document,
            place.position,
            index,
            snippets,
        ))
    }

    fn rename(&self, params: lsp::RenameParams) -> Answer {
        let place = params.text_document_position_params;
        let Some((analysis, file)) = self.analysis(&name_of(&place.text_document.uri)) else {
            return nothing();
        };
        match navigation::rename(analysis, file, place.position, &params.new_name) {
            Ok(edit) => answer(&edit),
            Err(why) => Err((ErrorCode::RequestFailed, why)),
        }
    }

    /// An answer about an open text alone.
    fn text<T: Serialize>(
        &self,
        document: &lsp::TextDocumentIdentifier,
        ask: impl FnOnce(&Document) -> T,
    ) -> Answer {
        let document = self.documents.get(&name_of(&document.uri));
        answer(&document.map(ask))
    }

    /// An answer about a file of a project.
    fn in_file<T: Serialize>(
        &self,
        document: &lsp::TextDocumentIdentifier,
        ask: impl FnOnce(&Analysis, FileId) -> T,
    ) -> Answer {
        let found = self.analysis(&name_of(&document.uri));
        answer(&found.map(|(analysis, file)| ask(analysis, file)))
    }

    /// An answer about a position in a file of a project.
    fn at<T: Serialize>(
        &self,
        place: lsp::TextDocumentPositionParams,
        ask: impl FnOnce(&Analysis, FileId, lsp::Position) -> Option<T>,
    ) -> Answer {
        self.in_file(&place.text_document, |analysis, file| {
            ask(analysis, file, place.position)
        })
    }

    /// The project that holds a file, and the file's number in it.
    fn analysis(&self, name: &str) -> Option<(&Analysis, FileId)> {
        let mut projects = self.projects.iter();
        projects.find_map(|analysis| Some((&**analysis, analysis.file(name)?)))
    }

    // ---- sending -------------------------------------------------------------------------------

    fn respond(&self, id: RequestId, answer: Answer) {
        self.connection.send(match answer {
            Ok(result) => Outgoing::Result(id, result),
            Err((code, message)) => Outgoing::Error(id, code, message),
        });
    }

    fn notify(&self, method: &'static str, params: &impl Serialize) {
        self.connection
            .send(Outgoing::Notification(method, json(params)));
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, (ErrorCode, String)> {
    serde_json::from_value(params)
        .map_err(|error| (ErrorCode::InvalidParams, format!("unreadable: {error}")))
}

fn answer(value: &impl Serialize) -> Answer {
    Ok(json(value))
}

fn nothing() -> Answer {
    Ok("null".into())
}

/// The protocol's types always have a JSON form.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}
