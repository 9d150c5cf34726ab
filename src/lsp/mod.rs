//! The language server: the Language Server Protocol on one side, plain answers on the other.
//!
//! Conversion and transport only. What is answered stands in `coord_lang::editor` and
//! `coord_plan::outlook`; positions become offsets in `position`, answers become the protocol's
//! types in the file of each question.
//!
//! Two threads beside the transport's own. The *server* ([`server`]) owns the documents and
//! answers; it reads an edited text at once, in pieces. The *compiler* ([`compiler`]) turns a
//! snapshot of all documents into [`analysis`]; one snapshot at a time, the newest next. Questions
//! about the text alone (completion, outline, folding, formatting) are answered without waiting;
//! those about names and the plan wait for the analysis of the text that they were asked about.

mod actions;
mod analysis;
mod colours;
mod compiler;
mod completion;
mod diagnostics;
mod documents;
mod early;
mod format;
mod hints;
mod hover;
mod navigation;
mod position;
mod project;
mod server;
mod symbols;
mod transport;
mod uri;

use coord_lang::syntax::Limits;

/// Serves one client over standard input and output; the exit status.
pub(crate) fn serve(limits: Limits) -> i32 {
    let Ok((connection, threads)) = transport::stdio() else {
        return 1;
    };
    let clean = server::run(connection, limits);
    threads.finish();
    i32::from(!clean)
}
