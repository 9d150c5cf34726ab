//! Conditions over the names of [`PRELUDE`].

use super::choices::Choices;

/// What conditions speak of.
pub const PRELUDE: &str = "edition 2026
param n: int default 3
param share: percent default 90%
param wait: duration default 2h
param on: bool default true
param name: text default \"eu\"
task build { run [\"true\"] }
";

const OPERANDS: [&str; 34] = [
    "n",
    "share",
    "wait",
    "on",
    "name",
    "param.n",
    "build.state",
    "build.outputs.x",
    "build.output.x",
    "true",
    "false",
    "0",
    "3",
    "4.5",
    "-1",
    "9223372036854775807",
    "9999999999999999999",
    "0.0001",
    "90%",
    "100.5%",
    "2h",
    "1h30m",
    "3wd",
    "10w",
    "\"eu\"",
    "\"completed\"",
    "\"failed\"",
    "\"3\"",
    "'4'",
    "\"${name}\"",
    "2025-08-13",
    "build",
    "other.state",
    "build.nothing",
];
const COMPARISONS: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "="];

/// A condition, which mostly makes sense.
pub fn text(choices: &mut Choices<'_>) -> String {
    let mut out = String::new();
    any(choices, &mut out, 0);
    out
}

fn any(choices: &mut Choices<'_>, out: &mut String, depth: usize) {
    let word = choices.pick(&[" and ", " or "]);
    for i in 0..=choices.below(4) {
        if i > 0 {
            out.push_str(if choices.rarely(24) { " or " } else { word });
        }
        one(choices, out, depth);
    }
}

fn one(choices: &mut Choices<'_>, out: &mut String, depth: usize) {
    match choices.below(12) {
        0..3 if depth < 70 => {
            out.push('(');
            any(choices, out, depth + 1);
            out.push(')');
        }
        3 => {
            out.push_str("not ");
            one(choices, out, depth);
        }
        4 => out.push_str(choices.pick(&["on", "true", "false", "build", "", "and", "not"])),
        5 => out.push(char::from(choices.byte() & 0x7f)),
        _ => {
            out.push_str(choices.pick(&OPERANDS));
            out.push_str(choices.pick(&["", " "]));
            out.push_str(choices.pick(&COMPARISONS));
            out.push_str(choices.pick(&["", " "]));
            out.push_str(choices.pick(&OPERANDS));
        }
    }
    if out.len() > 4_000 {
        out.truncate(out.floor_char_boundary(4_000));
    }
}
