//! The texts that the client has open, as it has them.

use super::position::bytes;
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::{Limits, Parsed, Pieces};
use gen_lsp_types::TextDocumentContentChangeEvent as Change;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One open text, read.
pub(super) struct Document {
    pub(super) version: i32,
    /// The state of all documents at its last change.
    pub(super) revision: u64,
    pub(super) parsed: Arc<Parsed>,
    pieces: Pieces,
}

impl Document {
    pub(super) fn source(&self) -> &SourceFile {
        self.parsed.source()
    }
}

/// The file id of a text that is looked at alone.
pub(super) const ALONE: FileId = FileId(0);

/// All open texts by name.
pub(super) struct Documents {
    open: BTreeMap<String, Document>,
    limits: Limits,
    /// Counts changes of any of them, and of files on disk.
    revision: u64,
    /// Counts what happened to files on disk, as far as the client tells.
    disk_revision: u64,
}

impl Documents {
    pub(super) fn new(limits: Limits) -> Documents {
        Documents {
            open: BTreeMap::new(),
            limits,
            revision: 1,
            disk_revision: 0,
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn disk_revision(&self) -> u64 {
        self.disk_revision
    }

    pub(super) fn get(&self, name: &str) -> Option<&Document> {
        self.open.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Document)> {
        self.open.iter()
    }

    pub(super) fn open(&mut self, name: &str, version: i32, text: String) {
        self.touched();
        let mut pieces = Pieces::default();
        let parsed = pieces.parse(SourceFile::new(name, text), &self.limits);
        let document = Document {
            version,
            revision: self.revision,
            parsed: Arc::new(parsed),
            pieces,
        };
        self.open.insert(name.to_string(), document);
    }

    pub(super) fn close(&mut self, name: &str) {
        self.touched();
        self.open.remove(name);
    }

    /// Something changed that is not open here.
    pub(super) fn touched(&mut self) {
        self.revision += 1;
        self.disk_revision += 1;
    }

    /// Applies edits one after the other, each to the text that the one before left.
    pub(super) fn change(&mut self, name: &str, version: i32, changes: Vec<Change>) {
        let Some(document) = self.open.get_mut(name) else {
            return;
        };
        self.revision += 1;
        document.version = version;
        document.revision = self.revision;
        let mut source = document.source().clone();
        for change in changes {
            let text = match change {
                Change::TextDocumentContentChangeWholeDocument(whole) => whole.text,
                Change::TextDocumentContentChangePartial(part) => {
                    let mut text = source.text().to_string();
                    text.replace_range(bytes(&source, part.range), &part.text);
                    text
                }
            };
            source = SourceFile::new(name, text);
        }
        document.parsed = Arc::new(document.pieces.parse(source, &self.limits));
    }
}
