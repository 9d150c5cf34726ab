//! `textDocument/inlayHint`: when a task ends, and whether it is critical, behind its head.

use super::analysis::Analysis;
use super::position::{bytes, position};
use coord_lang::editor::walk::walk;
use coord_lang::source::{FileId, Span};
use gen_lsp_types as lsp;

pub(super) fn hints(analysis: &Analysis, file: FileId, range: lsp::Range) -> Vec<lsp::InlayHint> {
    let source = analysis.source(file);
    let shown = bytes(source, range);
    let mut places: Vec<(String, Span)> = Vec::new();
    let part = shown.start as u32..shown.end as u32 + 1;
    let (tree, _) = analysis.parsed(file).tree_of(file, part);
    walk(&tree, &mut |visit| {
        let planned = matches!(
            visit.statement.word,
            "task" | "phase" | "sync" | "milestone"
        );
        let head = visit.statement.head_span();
        if let Some((name, _)) = visit.declares()
            && planned
            && shown.contains(&(head.end as usize))
        {
            places.push((name.to_string(), head));
        }
    });
    let hints = places.into_iter().filter_map(|(name, head)| {
        Some(lsp::InlayHint {
            position: position(source, head.end),
            label: text(analysis, &name)?.into(),
            kind: None,
            text_edits: None,
            tooltip: None,
            padding_left: Some(true),
            padding_right: None,
            data: None,
        })
    });
    hints.collect()
}

fn text(analysis: &Analysis, name: &str) -> Option<String> {
    let (outlook, clock) = analysis.outlook(name)?;
    if outlook.contingent {
        return None;
    }
    let ends = clock.at(outlook.finish_ms);
    Some(match outlook.critical {
        true => format!("ends {ends}, critical"),
        false => format!("ends {ends}, slack {}", clock.lasting(outlook.slack_ms)),
    })
}
