//! Globs and paths.

use super::choices::Choices;

const PIECES: [&str; 40] = [
    "a",
    "b",
    "x",
    "src",
    ".rs",
    "main",
    "é",
    ".",
    "..",
    "/",
    "/",
    "/",
    "*",
    "*",
    "**",
    "/**",
    "**/",
    "/**/",
    "?",
    "[ab]",
    "[!a]",
    "[^ab]",
    "[a-z]",
    "[!\\]]",
    "[]a]",
    "[",
    "]",
    "\\*",
    "\\.",
    "\\",
    "{",
    "{",
    ",",
    "}",
    "}",
    "{a,b}",
    "{a,}",
    "{/,b}",
    "{a/**,b/*}",
    "!",
];

/// Three globs and a path.
pub fn pieces(choices: &mut Choices<'_>) -> [String; 4] {
    [(); 4].map(|()| {
        let length = 1 + choices.below(12);
        let times = if choices.rarely(16) { 40 } else { 1 };
        let text: String = (0..length).map(|_| choices.pick(&PIECES)).collect();
        text.repeat(times)
    })
}

/// The same from lines.
pub fn lines(text: &str) -> [String; 4] {
    let mut lines = text.split('\n');
    [(); 4].map(|()| lines.next().unwrap_or("**").to_string())
}
