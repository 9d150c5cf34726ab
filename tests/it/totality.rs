//! Whatever the text, there is an answer: a model or diagnostics, soon, and never a panic.

use crate::fixture::{coord_files, projects};
use coord_lang::schema::ROWS;
use coord_lang::source::Sources;
use coord_plan::compile::{Settings, compile};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// No text of a few hundred bytes takes longer, not even in a debug build.
const SOON: Duration = Duration::from_secs(2);

const PLACES: usize = 80;

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
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
    let started = Instant::now();
    let compiled = catch_unwind(|| {
        compile(&Sources::single("main.coord", text), &Settings::default()).diagnostics
    });
    let took = started.elapsed();
    let why = match compiled {
        Err(_) => "panicked".to_string(),
        Ok(_) if took > SOON => format!("took {took:?}"),
        Ok(found)
            if found.iter().any(|d| {
                !text.is_char_boundary(d.primary.span.start as usize)
                    || d.primary.span.end as usize > text.len()
            }) =>
        {
            "points outside of the text".to_string()
        }
        Ok(_) => return None,
    };
    Some(format!("{why}:\n{text}"))
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
    all_answer(4_000, |index| {
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
    all_answer(1_500, |index| {
        let mut dice = Dice::new(1_000_000 + index as u64);
        let length = 1 + dice.roll(60);
        let soup: Vec<&str> = (0..length).map(|_| *dice.pick(&lines)).collect();
        soup.join("\n")
    });
}

#[test]
fn random_bytes_are_answered() {
    all_answer(3_000, |index| {
        let mut dice = Dice::new(2_000_000 + index as u64);
        let bytes: Vec<u8> = (0..dice.roll(300)).map(|_| dice.roll(256) as u8).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    });
}
