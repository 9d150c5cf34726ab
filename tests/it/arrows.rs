//! The house stands as it is drawn: which crate may name what.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Lines of code, without comments, that name one of `words`.
fn mentions(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(&root().join(folder)) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if words.iter().any(|w| code.contains(w)) {
                found.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    found
}

fn dependencies(krate: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("src").join(krate).join("Cargo.toml")).unwrap();
    let section = text.split("[dependencies]").nth(1).unwrap_or("");
    let section = section.split("\n[").next().unwrap_or("");
    let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or("").to_string();
    section
        .lines()
        .map(name)
        .filter(|n| !n.is_empty() && !n.starts_with('#'))
        .collect()
}

#[test]
fn crates_depend_downwards_only() {
    let own = |krate: &str| {
        let mut own: Vec<String> = dependencies(krate)
            .into_iter()
            .filter(|d| d.starts_with("coord-"))
            .collect();
        own.sort();
        own
    };
    assert_eq!(own("lang"), Vec::<String>::new());
    assert_eq!(own("plan"), ["coord-lang"]);
    for dependency in own("engine") {
        assert!(
            ["coord-lang", "coord-plan"].contains(&dependency.as_str()),
            "engine ↛ {dependency}"
        );
    }
    assert!(!own("host").contains(&"coord-cli".to_string()));
    assert!(!own("embed").contains(&"coord-cli".to_string()));
}

#[test]
fn each_floor_keeps_out_what_is_not_its_own() {
    let forbidden = [
        (
            "lang",
            &["petgraph", "tokio", "rusqlite", "miette", "jiff"][..],
        ),
        ("plan", &["pest", "tokio", "rusqlite", "miette"][..]),
        (
            "engine",
            &[
                "tokio",
                "rusqlite",
                "jiff",
                "rand",
                "petgraph",
                "pest",
                "miette",
                "serde_json",
            ][..],
        ),
        (
            "host",
            &[
                "clap",
                "miette",
                "indicatif",
                "anstream",
                "pest",
                "petgraph",
            ][..],
        ),
    ];
    for (krate, words) in forbidden {
        for dependency in dependencies(krate) {
            assert!(
                !words.contains(&dependency.as_str()),
                "{krate} ↛ {dependency}"
            );
        }
    }
}

#[test]
fn the_pure_crates_have_no_clock_disk_or_environment() {
    let impure = [
        "std::fs",
        "std::env",
        "Instant::now",
        "SystemTime",
        "std::process",
        "std::net",
        "thread_rng",
    ];
    for krate in ["src/lang", "src/engine", "src/plan"] {
        let found: Vec<String> = mentions(krate, &impure)
            .into_iter()
            .filter(|l| !l.contains("tests"))
            .collect();
        assert!(
            found.is_empty(),
            "a pure crate looks outside:\n{}",
            found.join("\n")
        );
    }
}

#[test]
fn the_rooms_of_the_top_floor_do_not_know_each_other() {
    let found = mentions("src/cli", &["crate::lsp"]);
    assert!(found.is_empty(), "cli ↛ lsp:\n{}", found.join("\n"));
    let found = mentions("src/lsp", &["crate::cli", "println!", "eprintln!"]);
    assert!(found.is_empty(), "lsp ↛ cli:\n{}", found.join("\n"));
    let found = mentions("src/lang/editor", &["lsp", "json", "utf16", "Utf16"]);
    assert!(
        found.is_empty(),
        "editor answers know no protocol:\n{}",
        found.join("\n")
    );
}

#[test]
fn petgraph_stays_behind_one_file() {
    let found = mentions("src/plan", &["petgraph"]);
    assert!(
        found.iter().all(|l| l.contains("graph.rs")),
        "{}",
        found.join("\n")
    );
}

#[test]
fn unsafe_code_lives_in_one_file() {
    let found = mentions("src", &["unsafe {", "unsafe fn", "unsafe impl"]);
    assert!(
        found.iter().all(|l| l.contains("process/kernel.rs")),
        "{}",
        found.join("\n")
    );
}

#[test]
fn the_host_does_not_talk_to_the_terminal() {
    let mut found = mentions(
        "src/host",
        &["println!", "eprintln!", "print!(", "stdout()", "stderr()"],
    );
    // the reaper is a process of its own, with nobody else to tell
    found.retain(|line| !line.contains("process/reaper.rs"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
