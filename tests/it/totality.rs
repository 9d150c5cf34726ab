//! Whatever the text, there is an answer: a model or diagnostics, soon, and never a panic.

use crate::fixture::{coord_files, projects};
use coord_lang::schema::ROWS;
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::{Limits, parse};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the targets of `cargo fuzz` are made of: what has to hold of any text, and programs, conditions and globs
/// from random bytes.
#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for cargo fuzz")]
#[expect(dead_code, reason = "only its targets take all of it")]
mod attack;

use attack::choices::Choices;

/// No text of a few hundred bytes takes longer, not even in a debug build.
const SOON: Duration = Duration::from_secs(2);

const PLACES: usize = 16;

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.roll(most);
        (0..length).map(|_| self.roll(256) as u8).collect()
    }

    /// Below `limit`.
    pub(crate) fn roll(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// Compiles `count` texts on all cores and fails with those that panicked or took too long.
fn all_answer(count: usize, text: impl Fn(usize) -> String + Sync) {
    let next = AtomicUsize::new(0);
    let bad: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            if let Some(why) = answer(&text(index)) {
                bad.lock().unwrap().push(why);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let bad = bad.into_inner().unwrap();
    assert!(bad.is_empty(), "{} texts, the first: {}", bad.len(), bad[0]);
}

/// Why there was no proper answer.
fn answer(text: &str) -> Option<String> {
    why_not(|| attack::hold::text(text)).map(|why| format!("{why}:\n{text}"))
}

fn why_not(holds: impl Fn() + std::panic::UnwindSafe) -> Option<String> {
    let started = Instant::now();
    let held = catch_unwind(holds);
    let took = started.elapsed();
    match held {
        Err(_) => Some("panicked, see above".to_string()),
        Ok(()) if took > SOON => Some(format!("took {took:?}")),
        Ok(()) => None,
    }
}

fn texts() -> Vec<Vec<u8>> {
    let projects = projects().into_iter();
    let folders = ["examples", "workflows", "tests/cases/check"].map(String::from);
    let files = folders
        .into_iter()
        .chain(projects)
        .flat_map(|f| coord_files(&f));
    files.map(|path| std::fs::read(path).unwrap()).collect()
}

/// Places of every text: (text, byte). A release build tries all of them, a debug build at most
/// `PLACES` of each text.
fn places() -> Vec<(usize, usize)> {
    let step = |length: usize| {
        if cfg!(debug_assertions) {
            length.div_ceil(PLACES).max(1)
        } else {
            1
        }
    };
    let of = |(i, text): (usize, &Vec<u8>)| {
        (i % step(text.len())..text.len())
            .step_by(step(text.len()))
            .map(move |at| (i, at))
            .collect()
    };
    texts()
        .iter()
        .enumerate()
        .flat_map(|text| -> Vec<(usize, usize)> { of(text) })
        .collect()
}

#[test]
fn every_prefix_is_answered() {
    let (texts, places) = (texts(), places());
    all_answer(places.len(), |index| {
        let (text, at) = places[index];
        String::from_utf8_lossy(&texts[text][..at]).into_owned()
    });
}

#[test]
fn every_text_without_one_byte_is_answered() {
    let (texts, places) = (texts(), places());
    all_answer(places.len(), |index| {
        let (text, at) = places[index];
        let mut bytes = texts[text].clone();
        bytes.remove(at);
        String::from_utf8_lossy(&bytes).into_owned()
    });
}

#[test]
fn soups_of_words_are_answered() {
    let mut words: Vec<&str> = ROWS.iter().map(|row| row.word).collect();
    words.extend([
        "a",
        "b",
        "c",
        "all",
        "any",
        "of",
        "local",
        "start",
        "else",
        "within",
        "fail",
        "skip",
        "by",
        "except",
        "shared",
        "a.b",
        "a.state",
        "a.outputs.x",
        "and",
        "or",
        "not",
        "\"x\"",
        "\"x/**\"",
        "'y'",
        "\"${a}\"",
        "\"",
        "'",
        "```sh\n",
        "\n```\n",
        "2d",
        "3wd",
        "4",
        "0",
        "9999999999999999999",
        "2x",
        "90%",
        "2025-08-13",
        "2025-08-13T10:00Z",
        "09:00",
        "2026",
        "->",
        "..",
        "==",
        "=",
        ":",
        ",",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "{\n",
        "\n}\n",
        "\n",
        "\n",
        "\n",
        "#",
        "##",
        "@",
        ";",
        "ü",
        "\u{202e}",
        "😀",
    ]);
    all_answer(1_500, |index| {
        let mut dice = Dice::new(index as u64);
        let length = 1 + dice.roll(80);
        let soup: Vec<&str> = (0..length).map(|_| *dice.pick(&words)).collect();
        format!("edition 2026\n{}", soup.join(" "))
    });
}

/// Whole statements in the wrong company get further than words do.
#[test]
fn soups_of_lines_are_answered() {
    let texts: Vec<String> = texts()
        .iter()
        .map(|t| String::from_utf8_lossy(t).into_owned())
        .collect();
    let lines: Vec<&str> = texts
        .iter()
        .flat_map(|t| t.lines())
        .filter(|l| !l.trim_start().starts_with('#'))
        .collect();
    all_answer(500, |index| {
        let mut dice = Dice::new(1_000_000 + index as u64);
        let length = 1 + dice.roll(60);
        let soup: Vec<&str> = (0..length).map(|_| *dice.pick(&lines)).collect();
        soup.join("\n")
    });
}

#[test]
fn random_bytes_are_answered() {
    all_answer(1_500, |index| {
        let mut dice = Dice::new(2_000_000 + index as u64);
        let bytes: Vec<u8> = (0..dice.roll(300)).map(|_| dice.roll(256) as u8).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    });
}

/// Programs that follow the statement table get further than any soup.
#[test]
fn programs_of_the_statement_table_are_answered() {
    all_answer(800, |index| {
        let bytes = Dice::new(3_000_000 + index as u64).bytes(400);
        attack::program::text(&mut Choices::new(&bytes))
    });
}

#[test]
fn conditions_and_their_opposites_agree() {
    for index in 0..1_500 {
        let bytes = Dice::new(4_000_000 + index).bytes(60);
        let mut choices = Choices::new(&bytes);
        let text = attack::condition::text(&mut choices);
        attack::hold::condition(&text, &mut choices);
    }
}

#[test]
fn globs_and_their_witnesses_agree() {
    for index in 0..3_000 {
        let bytes = Dice::new(5_000_000 + index).bytes(40);
        let [a, b, c, path] = attack::globs::pieces(&mut Choices::new(&bytes));
        attack::hold::globs(&a, &b, &c, &path);
    }
}

/// Texts that once did not hold.
#[test]
fn what_once_broke_holds() {
    // the place of the next line ended in the middle of its first character
    attack::hold::text("edition 2026\ntask build {\n  run [\"make\"]\n\u{fffd} x\n");
    // a block that the end of the file closes was taken to be closed by the last byte
    attack::hold::text(
        "k\nbuild {\n  run t qa {\n  owstartnc=mmlm { sta=ta= {#h q \nl of0a ```sh\n!\n}humann\u{fffd}",
    );
    // a field of a template that goes over lines changed with their indentation
    attack::hold::text(
        "edition 2026\ntemplate note ```markdown\n  x ${a\n   b} y\n  ```\nhuman lead\n",
    );
}

/// What takes a square of its length once took minutes.
#[test]
fn long_texts_are_answered_in_time() {
    let task =
        |inside: &str| format!("edition 2026\ntask t {{\n  {inside}\n  run [\"true\"]\n}}\n");
    let unknown = |n| format!("task t{n} {{\n  needs u{n}v\n  run [\"true\"]\n}}\n");
    let each = |n| format!("task t{n} {{\n  each n in 1..1024\n  run [\"true\"]\n}}\n");
    let long = [
        ("not", task(&format!("when {} true", "not ".repeat(20_000)))),
        (
            "or",
            task(&format!("when {}", vec!["true"; 10_000].join(" or "))),
        ),
        ("quote", task(&format!("run [\"{}", " ".repeat(4_000)))),
        (
            "names",
            "edition 2026\n".to_string() + &(0..1_500).map(unknown).collect::<String>(),
        ),
        (
            "each",
            "edition 2026\n".to_string() + &(0..1_500).map(each).collect::<String>(),
        ),
    ];
    for (name, text) in long {
        let started = Instant::now();
        let sources = coord_lang::source::Sources::single("main.coord", &text);
        coord_plan::compile::compile(&sources, &coord_plan::compile::Settings::default());
        let took = started.elapsed();
        assert!(took < 10 * SOON, "{name}: {took:?}");
    }
}

/// A text, cut where its tokens start and end.
fn tokens(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let behind = |mark: &str| rest[mark.len()..].find(mark).map(|n| n + 2 * mark.len());
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '`' => behind("```").unwrap_or(rest.len()),
            '"' => behind("\"").unwrap_or(1),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        if !c.is_whitespace() && c != '#' {
            found.push(at..at + length);
        }
        at += length;
    }
    found
}

/// The text without a token, with one twice or a stray one, or with two that changed places.
fn one_token_wrong(text: &str, tokens: &[std::ops::Range<usize>], dice: &mut Dice) -> String {
    let n = dice.roll(tokens.len() - 1);
    let (this, next) = (tokens[n].clone(), tokens[n + 1].clone());
    let (before, after) = (&text[..this.start], &text[this.end..]);
    match dice.roll(3) {
        0 => format!("{before}{after}"),
        1 => {
            let stray = [
                "{", "}", "[", "]", "(", ")", ",", "x", "7", "\"s\"", "->", "=",
            ];
            let own = &text[tokens[dice.roll(tokens.len())].clone()];
            let stray = if dice.roll(2) == 0 {
                *dice.pick(&stray)
            } else {
                own
            };
            format!("{before}{stray} {}", &text[this.start..])
        }
        _ => {
            let between = &text[this.end..next.start];
            let (this, next) = (&text[this], &text[next.clone()]);
            let behind = &after[between.len() + next.len()..];
            format!("{before}{next}{between}{this}{behind}")
        }
    }
}

/// A wrong token is answered where it is: hardly ever with more than three syntax errors.
#[test]
fn one_wrong_token_stays_local() {
    let files = projects().into_iter().flat_map(|f| coord_files(&f));
    let files: Vec<String> = files
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let tokens: Vec<_> = files.iter().map(|text| tokens(text)).collect();
    let cases = if cfg!(debug_assertions) { 600 } else { 20_000 };
    let next = AtomicUsize::new(0);
    let wild: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= cases {
                return;
            }
            let mut dice = Dice::new(6_000_000 + index as u64);
            let file = dice.roll(files.len());
            let text = one_token_wrong(&files[file], &tokens[file], &mut dice);
            let source = SourceFile::new("main.coord", text.as_str());
            let (_, found) = parse(FileId(0), &source, &Limits::default());
            let errors: Vec<String> = (found.iter().filter(|d| d.is_error()))
                .map(|d| format!("{} {}", d.code, d.message))
                .collect();
            if errors.len() > 3 {
                wild.lock()
                    .unwrap()
                    .push(format!("case {index}\n{}", errors.join("\n")));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let wild = wild.into_inner().unwrap();
    let share = wild.len() as f64 / cases as f64;
    assert!(
        share <= 0.01,
        "{} of {cases}:\n{}",
        wild.len(),
        wild.join("\n\n")
    );
}
