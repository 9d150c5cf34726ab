//! Definition, references, highlights and rename: all over the index of the project.

use super::analysis::Analysis;
use super::position::{location, offset, range};
use super::project::joined;
use super::uri::uri_of;
use coord_lang::editor::index::Named;
use coord_lang::editor::rename;
use coord_lang::editor::walk::uses;
use coord_lang::source::{FileId, Span};
use gen_lsp_types as lsp;
use std::collections::HashMap;
use std::path::Path;

/// The name at a position.
fn named(analysis: &Analysis, file: FileId, at: lsp::Position) -> Option<Named<'_>> {
    let at = offset(analysis.source(file), at) as u32;
    analysis.index.at(file, at)
}

pub(super) fn definition(
    analysis: &Analysis,
    file: FileId,
    at: lsp::Position,
) -> Option<lsp::Location> {
    match named(analysis, file, at) {
        Some(named) => Some(location(&analysis.sources, named.declaration.span)),
        None => used_file(analysis, file, at),
    }
}

/// The file that a `use` line names.
fn used_file(analysis: &Analysis, file: FileId, at: lsp::Position) -> Option<lsp::Location> {
    let source = analysis.source(file);
    let at = offset(source, at) as u32;
    let (tree, _) = analysis.parsed(file).tree(file);
    let mut named = uses(&tree).into_iter();
    let (path, _) = named.find(|(_, span)| span.start <= at && at <= span.end)?;
    let folder = Path::new(source.name()).parent()?;
    Some(lsp::Location {
        uri: uri_of(&joined(folder, &path)),
        range: lsp::Range::default(),
    })
}

pub(super) fn references(
    analysis: &Analysis,
    file: FileId,
    at: lsp::Position,
    with_declaration: bool,
) -> Option<Vec<lsp::Location>> {
    let declaration = named(analysis, file, at)?.declaration;
    let mut places = analysis.index.uses_of(declaration);
    if with_declaration {
        places.push(declaration.span);
        places.sort_unstable();
    }
    let places = places.into_iter();
    Some(
        places
            .map(|span| location(&analysis.sources, span))
            .collect(),
    )
}

pub(super) fn highlights(
    analysis: &Analysis,
    file: FileId,
    at: lsp::Position,
) -> Option<Vec<lsp::DocumentHighlight>> {
    let declaration = named(analysis, file, at)?.declaration;
    let mut places = analysis.index.uses_of(declaration);
    places.push(declaration.span);
    places.retain(|span| span.file == file);
    places.sort_unstable();
    let kind = |span: &Span| match *span == declaration.span {
        true => lsp::DocumentHighlightKind::Write,
        false => lsp::DocumentHighlightKind::Read,
    };
    let source = analysis.source(file);
    let places = places.iter().map(|span| lsp::DocumentHighlight {
        range: range(source, *span),
        kind: Some(kind(span)),
    });
    Some(places.collect())
}

/// What a rename would start from; nothing where nothing has a name.
pub(super) fn prepare_rename(
    analysis: &Analysis,
    file: FileId,
    at: lsp::Position,
) -> Option<lsp::PrepareRenamePlaceholder> {
    let named = named(analysis, file, at)?;
    Some(lsp::PrepareRenamePlaceholder {
        range: range(analysis.source(file), named.span),
        placeholder: named.declaration.name.clone(),
    })
}

/// The edits of a rename over all files of the project, or why it cannot be.
pub(super) fn rename(
    analysis: &Analysis,
    file: FileId,
    at: lsp::Position,
    name: &str,
) -> Result<lsp::WorkspaceEdit, String> {
    let Some(named) = named(analysis, file, at) else {
        return Err("nothing here has a name that could be changed".to_string());
    };
    let mut changes: HashMap<lsp::Uri, Vec<lsp::TextEdit>> = HashMap::new();
    for span in rename::rename(&analysis.index, named.declaration, name)? {
        let place = location(&analysis.sources, span);
        changes.entry(place.uri).or_default().push(lsp::TextEdit {
            range: place.range,
            new_text: name.to_string(),
        });
    }
    Ok(lsp::WorkspaceEdit {
        changes: Some(changes),
        ..lsp::WorkspaceEdit::default()
    })
}
