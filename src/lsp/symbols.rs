//! Outlines of a file and of a project.

use super::analysis::Analysis;
use super::documents::{ALONE, Document};
use super::position::{location, range};
use coord_lang::editor::folding::{Kind, folds};
use coord_lang::editor::outline::{Symbol, outline};
use coord_lang::source::SourceFile;
use gen_lsp_types as lsp;

/// Most symbols of one answer to a search.
const MAX_FOUND: usize = 256;

pub(super) fn document(document: &Document) -> Vec<lsp::DocumentSymbol> {
    let (tree, _) = document.parsed.tree(ALONE);
    let symbols = outline(&tree).into_iter();
    symbols.map(|s| converted(document.source(), s)).collect()
}

#[expect(
    deprecated,
    reason = "the type still has a field that the protocol has given up"
)]
fn converted(source: &SourceFile, symbol: Symbol) -> lsp::DocumentSymbol {
    let children = symbol.children.into_iter();
    let children: Vec<_> = children.map(|child| converted(source, child)).collect();
    lsp::DocumentSymbol {
        name: symbol.name,
        detail: Some(match symbol.title {
            Some(title) => format!("{} \"{title}\"", symbol.kind),
            None => symbol.kind.to_string(),
        }),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: range(source, symbol.whole),
        selection_range: range(source, symbol.name_span),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}

/// The declarations of all projects whose name holds `query`.
pub(super) fn workspace<'a>(
    projects: impl Iterator<Item = &'a Analysis>,
    query: &str,
) -> Vec<lsp::WorkspaceSymbol> {
    let query = query.to_lowercase();
    let mut found = Vec::new();
    for analysis in projects {
        let declared = analysis.index.declarations().iter();
        let fitting = declared.filter(|d| d.name.to_lowercase().contains(&query));
        found.extend(fitting.map(|d| lsp::WorkspaceSymbol {
            location: location(&analysis.sources, d.span).into(),
            data: None,
            base_symbol_information: lsp::BaseSymbolInformation {
                name: d.name.clone(),
                kind: kind(d.kind),
                tags: None,
                container_name: d.owner.clone(),
            },
        }));
    }
    found.truncate(MAX_FOUND);
    found
}

pub(super) fn folding(document: &Document) -> Vec<lsp::FoldingRange> {
    let (tree, _) = document.parsed.tree(ALONE);
    let found = folds(document.source(), &tree).into_iter();
    found
        .map(|fold| lsp::FoldingRange {
            start_line: fold.first as u32,
            end_line: fold.last as u32,
            kind: (fold.kind == Kind::Comment).then_some(lsp::FoldingRangeKind::Comment),
            ..lsp::FoldingRange::default()
        })
        .collect()
}

fn kind(word: &str) -> lsp::SymbolKind {
    match word {
        "agent" | "human" => lsp::SymbolKind::Class,
        "group" | "tier" => lsp::SymbolKind::Interface,
        "task" => lsp::SymbolKind::Function,
        "phase" | "workflow" | "parallel" | "sequence" => lsp::SymbolKind::Module,
        "sync" | "milestone" => lsp::SymbolKind::Event,
        "project" => lsp::SymbolKind::Package,
        "param" | "secret" | "env" | "parameter" | "each" => lsp::SymbolKind::Variable,
        "level" => lsp::SymbolKind::EnumMember,
        "field" => lsp::SymbolKind::Field,
        "resource" => lsp::SymbolKind::Struct,
        "produces" => lsp::SymbolKind::Property,
        _ => lsp::SymbolKind::Object,
    }
}
