//! A page as Markdown.

use super::page::{Block, Page};
use std::fmt::Write;

pub(crate) fn text(page: &Page) -> String {
    let mut out = format!("# {}\n\n", line(&page.title));
    for (name, value) in &page.facts {
        let _ = writeln!(out, "- {name}: {}", line(value));
    }
    out.push_str("\nAll times are UTC.\n");
    for section in &page.sections {
        let _ = write!(out, "\n## {}\n", section.title);
        section.blocks.iter().for_each(|of| block(&mut out, of));
    }
    out
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(title) => {
            let _ = write!(out, "\n### {}\n", line(title));
        }
        Block::Text(text) => {
            let _ = write!(out, "\n{}\n", text.trim());
        }
        Block::List(lines) => {
            out.push('\n');
            for text in lines {
                let _ = writeln!(out, "- {}", line(text));
            }
        }
        Block::Table { head, rows } => {
            let _ = write!(
                out,
                "\n| {} |\n|{}\n",
                head.join(" | "),
                "---|".repeat(head.len())
            );
            for row in rows {
                let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        // the table has the times
        Block::Bars { .. } => {}
    }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
