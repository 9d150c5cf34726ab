//! Order never changes meaning: the statements of a file may stand in any order, phases among
//! themselves excepted.

use crate::fixture::{Fixture, coord_files};
use crate::totality::Dice;
use coord_lang::diagnostic::one_line;
use coord_lang::source::{SourceFile, Sources};
use coord_lang::syntax::tree::statements;
use coord_lang::syntax::{Limits, parse};
use coord_plan::compile::{Settings, compile};
use std::collections::BTreeSet;

/// Orders tried for each file.
const ORDERS: u64 = 8;

/// The file's first statement, then its others in an order of the dice; phases keep theirs.
fn shuffled(text: &str, dice: &mut Dice) -> Option<String> {
    let source = SourceFile::new("main.coord", text);
    let (tree, found) = parse(Default::default(), &source, &Limits::default());
    if !found.is_empty() {
        return None; // without a tree there is nothing to move
    }
    let mut pieces: Vec<(&str, &str)> = Vec::new();
    let mut from = 0;
    for statement in statements(&tree.items) {
        let end = statement.span.end as usize;
        pieces.push((statement.word, text[from..end].trim_matches('\n')));
        from = end;
    }
    let (first, rest) = pieces.split_first()?;
    let mut order: Vec<&(&str, &str)> = rest.iter().collect();
    for i in (1..order.len()).rev() {
        order.swap(i, dice.roll(i + 1));
    }
    let mut phases = rest.iter().filter(|(word, _)| *word == "phase");
    let order = order.iter().filter_map(|piece| {
        if piece.0 == "phase" {
            phases.next()
        } else {
            Some(*piece)
        }
    });
    let texts: Vec<&str> = std::iter::once(first)
        .chain(order)
        .map(|(_, text)| *text)
        .collect();
    Some(texts.join("\n\n") + "\n")
}

/// The same statements in several files; phases and work without one keep theirs.
fn scattered(text: &str, dice: &mut Dice) -> Option<Sources> {
    let source = SourceFile::new("main.coord", text);
    let (tree, found) = parse(Default::default(), &source, &Limits::default());
    if !found.is_empty() {
        return None;
    }
    let mut files = vec![
        String::new(),
        "edition 2026\n".into(),
        "edition 2026\n".into(),
    ];
    let mut from = 0;
    for statement in statements(&tree.items) {
        let end = statement.span.end as usize;
        let stays = matches!(statement.word, "edition" | "phase");
        let file = if stays { 0 } else { dice.roll(files.len()) };
        files[file].push_str(&text[from..end]);
        files[file].push('\n');
        from = end;
    }
    let mut sources = Sources::default();
    for (i, text) in files.into_iter().enumerate() {
        sources.add(format!("{i}.coord"), text);
    }
    Some(sources)
}

/// What a text means: each node of its plan with what it needs, by name.
fn meaning(text: &str) -> BTreeSet<String> {
    meaning_of(&Sources::single("main.coord", text))
}

fn meaning_of(sources: &Sources) -> BTreeSet<String> {
    let compiled = compile(sources, &Settings::default());
    let Some(plan) = compiled.plan else {
        return compiled
            .diagnostics
            .iter()
            .map(|d| one_line(sources, d))
            .collect();
    };
    let name = |id| plan.nodes[id].name.as_str();
    let node = |n: &coord_plan::plan::Node| {
        let mut needs: Vec<String> = n
            .needs
            .iter()
            .map(|need| {
                format!(
                    "{} {:?}",
                    need.nodes().map(name).collect::<Vec<_>>().join("|"),
                    need.wanted
                )
            })
            .collect();
        needs.sort();
        format!("{} needs {needs:?}", n.name)
    };
    plan.nodes.values().map(node).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    codes_of(&Sources::single("main.coord", text))
}

fn codes_of(sources: &Sources) -> Vec<&'static str> {
    let mut codes: Vec<&str> = compile(sources, &Settings::default())
        .diagnostics
        .iter()
        .map(|d| d.code)
        .collect();
    codes.sort_unstable();
    codes
}

#[test]
fn examples_mean_the_same_in_any_order() {
    let mut dice = Dice::new(7);
    for path in coord_files("examples")
        .iter()
        .chain(&coord_files("workflows"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        let meant = meaning(&text);
        for _ in 0..ORDERS {
            let other = shuffled(&text, &mut dice).unwrap();
            assert_eq!(meant, meaning(&other), "{}:\n{other}", path.display());
        }
    }
}

#[test]
fn examples_mean_the_same_in_any_file() {
    let mut dice = Dice::new(9);
    for path in coord_files("examples")
        .iter()
        .chain(&coord_files("workflows"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        let meant = meaning(&text);
        for _ in 0..ORDERS {
            let files = scattered(&text, &mut dice).unwrap();
            assert_eq!(meant, meaning_of(&files), "{}: {files:?}", path.display());
        }
    }
}

#[test]
fn mistakes_are_the_same_in_any_file() {
    let mut dice = Dice::new(10);
    // these are about one file: its first statement, and what stands in it once
    let of_a_file = ["E0102", "E0104", "E0901", "W0902", "W0015"];
    for fixture in Fixture::all()
        .iter()
        .filter(|f| !of_a_file.iter().any(|o| f.name.starts_with(o)))
    {
        let found = codes(&fixture.text);
        for _ in 0..ORDERS {
            let Some(files) = scattered(&fixture.text, &mut dice) else {
                break;
            };
            assert_eq!(found, codes_of(&files), "{}: {files:?}", fixture.name);
        }
    }
}

#[test]
fn mistakes_are_the_same_in_any_order() {
    let mut dice = Dice::new(8);
    // where an order is the mistake, another order is another mistake
    let of_order = ["E0102-late-edition", "E0102-statement-elsewhere"];
    for fixture in Fixture::all()
        .iter()
        .filter(|f| !of_order.iter().any(|o| f.name.starts_with(o)))
    {
        let found = codes(&fixture.text);
        for _ in 0..ORDERS {
            let Some(other) = shuffled(&fixture.text, &mut dice) else {
                break;
            };
            assert_eq!(found, codes(&other), "{}:\n{other}", fixture.name);
        }
    }
}
