//! Cut or not, a file has to read the same.

use super::*;
use crate::diagnostic::sort;

/// Cut or not, the answer has to be the one of a plain parse.
fn agrees(pieces: &mut Pieces, text: &str) -> bool {
    let source = SourceFile::new("a.coord", text);
    let limits = Limits::default();
    let parsed = pieces.parse(source.clone(), &limits);
    let (tree, mut found) = parsed.tree(FileId(3));
    let (whole, mut expected) = parse(FileId(3), &source, &limits);
    let mut scanned = Vec::new();
    if !scan::scan(FileId(3), text, &limits, &mut scanned) {
        let (plain, mut plainly_found) = parse_unscanned(FileId(3), &source);
        without_consequences(&source, &mut plainly_found);
        scanned.extend(plainly_found);
        assert_eq!(format!("{whole:?}"), format!("{plain:?}"), "in\n{text}");
        assert_eq!(expected, scanned, "in\n{text}");
    }
    sort(&mut found);
    sort(&mut expected);
    assert_eq!(format!("{tree:?}"), format!("{whole:?}"), "in\n{text}");
    assert_eq!(found, expected, "in\n{text}");
    parsed.pieces.is_some()
}

fn project(tasks: usize) -> String {
    let mut text = String::from("edition 2026\n\n# about\n\nphase build \"B\" {\n");
    for n in 0..tasks {
        text.push_str(&format!(
            "  ## task {n}\n  task t{n} \"T\" {{\n    needs [a, \"b\"] # why\n    run ```sh\n      x\n    ```\n    env A \"${{p}}\"\n  }}\n\n"
        ));
    }
    text.push_str("  # end\n}\n\nagent a { does \"x\" }\n## lone\n");
    text
}

#[test]
fn large_blocks_are_cut_and_agree() {
    let mut pieces = Pieces::default();
    assert!(agrees(&mut pieces, &project(40)));
    assert!(agrees(&mut pieces, &project(41)));
    assert!(pieces.known.len() > 40);
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn texts(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "coord"));
    files.sort();
    let texts = files.iter().map(|file| std::fs::read(file).unwrap());
    texts
        .filter_map(|text| String::from_utf8(text).ok())
        .collect()
}

/// Every fixture, with each line in turn left out, doubled or cut in half.
#[test]
fn every_fixture_agrees_however_it_is_broken() {
    let mut pieces = Pieces::default();
    let big = project(12);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/check");
    let texts = texts(folder);
    assert!(texts.len() > 50);
    let mut cut = Vec::new();
    for text in texts.iter().map(String::as_str).chain([big.as_str()]) {
        cut.push(agrees(&mut pieces, text));
        let inside: String = text.lines().map(|l| format!("  {l}\n")).collect();
        let wrapped = format!(
            "phase p {{\n{inside}{}}}\n",
            "  task z { by x }\n".repeat(30)
        );
        cut.push(agrees(&mut pieces, &wrapped));
        let lines: Vec<&str> = text.lines().collect();
        for at in (0..lines.len()).step_by(lines.len() / 6 + 1) {
            let join = |part: &str| {
                let mut edited = lines.clone();
                edited[at] = part;
                edited.join("\n")
            };
            let line = lines[at];
            let half = (line.len() / 2..=line.len()).find(|n| line.is_char_boundary(*n));
            cut.push(agrees(&mut pieces, &join("")));
            cut.push(agrees(&mut pieces, &join(&line[..half.unwrap_or(0)])));
            cut.push(agrees(&mut pieces, &join(&format!("{line} {{"))));
            cut.push(agrees(&mut pieces, &join(&format!("}} {line}"))));
            cut.push(agrees(&mut pieces, &join("  @ {")));
            cut.push(agrees(&mut pieces, &join("  x [")));
        }
    }
    // the comparison is worth something only where files were cut
    let share = cut.iter().filter(|cut| **cut).count();
    assert!(share * 4 > cut.len(), "{share} of {}", cut.len());
}
