//! The editors' descriptions of the language say what the compiler says.
//!
//! editors/words.json is held to the table of statements here, and the two highlighters that are
//! written from it are held to it, so that none of this needs Node. What they make of a text is
//! tested by editors/test.

use coord_lang::schema::ROWS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// In shapes, but no words of the language.
const PROSE: [&str; 5] = ["fence", "then", "it", "turns", "round"];

const AGAIN: &str = "put it into editors/words.json and run `editors/test --update`";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap()
}

/// The words behind one statement, and its values.
struct Behind {
    words: Vec<String>,
    values: Vec<String>,
}

fn statements() -> BTreeMap<String, Behind> {
    let list = |entry: &Value, key: &str| -> Vec<String> {
        let text = entry[key].as_str().unwrap_or("");
        text.split_whitespace().map(String::from).collect()
    };
    let file = json("editors/words.json");
    let entries = file.as_object().unwrap().iter();
    entries
        .map(|(word, entry)| {
            let behind = Behind {
                words: list(entry, "words"),
                values: list(entry, "values"),
            };
            (word.clone(), behind)
        })
        .collect()
}

/// The words that a row's shape writes out: lower case, outside of texts, or a priority.
fn words_of(shape: &str) -> BTreeSet<String> {
    let outside: String = shape.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    outside
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | '_')))
        .filter(|word| is_word(word) && !PROSE.contains(word))
        .map(String::from)
        .collect()
}

fn is_word(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let priority = matches!(text, "P0" | "P1" | "P2" | "P3");
    priority || plain && text.starts_with(|c: char| c.is_ascii_lowercase())
}

#[test]
fn editors_know_the_statements_of_the_table_and_no_others() {
    let table: BTreeSet<&str> = ROWS.iter().map(|row| row.word).collect();
    let known = statements();
    for word in &table {
        assert!(known.contains_key(*word), "`{word}` is missing: {AGAIN}");
    }
    for word in known.keys() {
        assert!(
            table.contains(word.as_str()),
            "`{word}` is no statement: take it out of editors/words.json and run `editors/test --update`"
        );
    }
}

#[test]
fn editors_know_the_words_behind_each_statement() {
    let known = statements();
    for row in ROWS {
        let behind = &known[row.word];
        for word in words_of(row.shape) {
            let there = behind.words.contains(&word) || behind.values.contains(&word);
            assert!(there, "`{word}` behind `{}` is missing: {AGAIN}", row.word);
        }
    }
}

#[test]
fn the_highlight_query_is_written_from_the_words() {
    let query = read("editors/tree-sitter-coord/queries/highlights.scm");
    let has = |wanted: &str, what: &str| {
        assert!(
            query.contains(wanted),
            "{what}: run `editors/test --update`"
        );
    };
    let keywords: BTreeSet<&str> = query
        .lines()
        .filter(|line| line.starts_with("(keyword ["))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect();
    for (word, behind) in statements() {
        assert!(
            keywords.contains(word.as_str()),
            "`{word}`: run `editors/test --update`"
        );
        let lists = [
            ("@keyword.modifier", &behind.words),
            ("@constant.builtin", &behind.values),
        ];
        for (colour, words) in lists.into_iter().filter(|(_, words)| !words.is_empty()) {
            let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
            let test = format!("(#any-of? {colour} {})", quoted.join(" "));
            has(
                &behind_keyword(&word, colour, &test),
                &format!("what stands behind `{word}`"),
            );
        }
    }
}

#[test]
fn the_parser_is_generated_from_the_words() {
    let grammar = json("editors/tree-sitter-coord/src/grammar.json");
    let keywords = grammar["rules"]["keyword"]["members"].as_array().unwrap();
    let keywords = keywords.iter().filter(|member| member["type"] == "STRING");
    let keywords: BTreeSet<&str> = keywords.map(|k| k["value"].as_str().unwrap()).collect();
    let words = statements();
    let words: BTreeSet<&str> = words.keys().map(String::as_str).collect();
    assert_eq!(keywords, words, "run `editors/test --update`");
}

/// The pattern for what stands behind a statement's word.
fn behind_keyword(word: &str, colour: &str, test: &str) -> String {
    let places = ["list", "group", "range"].map(|node| format!("({node} (word) {colour})"));
    let places = places.join(" ");
    format!("((statement keyword: (keyword \"{word}\")\n  [(word) {colour} {places}])\n  {test})")
}

#[test]
fn the_textmate_grammar_is_written_from_the_words() {
    let grammar = json("editors/vscode/syntaxes/coord.tmLanguage.json");
    let rules = grammar["repository"].as_object().unwrap();
    let includes = grammar["patterns"].to_string();
    for (word, behind) in statements() {
        let name = format!("statement-{word}");
        assert!(
            rules.contains_key(&name) && includes.contains(&format!("#{name}\"")),
            "`{word}`: run `editors/test --update`"
        );
        let patterns = rules[&name]["patterns"].to_string();
        for words in [behind.words, behind.values] {
            assert!(
                words.is_empty() || patterns.contains(&format!("(?:{})", words.join("|"))),
                "what stands behind `{word}`: run `editors/test --update`"
            );
        }
    }
}

#[test]
fn the_grammars_have_the_same_operators() {
    let pest = read("grammar/coord.pest");
    let line = pest.lines().find(|line| line.starts_with("op ")).unwrap();
    let ours: BTreeSet<&str> = line.split('"').skip(1).step_by(2).collect();
    let script = read("editors/tree-sitter-coord/grammar.js");
    let rule = script.split("    operator: _ =>").nth(1).unwrap();
    let rule = rule.split("),\n").next().unwrap();
    let theirs: BTreeSet<&str> = rule.split('\'').skip(1).step_by(2).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn snippets_begin_with_statements() {
    let table: BTreeSet<&str> = ROWS.iter().map(|row| row.word).collect();
    let snippets = json("editors/vscode/snippets/coord.json");
    for (name, snippet) in snippets.as_object().unwrap() {
        for line in snippet["body"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                let word = line.split([' ', '$']).next().unwrap();
                assert!(
                    table.contains(word),
                    "snippet `{name}`: `{word}` is no statement"
                );
            }
        }
    }
}

/// The status of editors/test when its tools could not be had.
const WITHOUT_TOOLS: i32 = 77;

#[test]
fn the_editors_own_tools_find_nothing_wrong() {
    let ran = Command::new("bash")
        .args(["editors/test", "--quick"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COORD", env!("CARGO_BIN_EXE_coord"))
        .output()
        .unwrap();
    // not by `eprint`, which a passing test keeps to itself
    std::io::stderr().write_all(&ran.stderr).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() != Some(WITHOUT_TOOLS) {
        let steps = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{steps}{said}");
    }
}
