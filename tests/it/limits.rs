//! Every limit of the language: what stands at it is taken, what is one past it is told, and both
//! alike in a debug and a release build (the snapshot is one) and on a thread with little stack.

use crate::space::Space;
use coord_lang::diagnostic::one_line;
use coord_lang::source::Sources;
use coord_lang::syntax::Limits;
use coord_plan::compile::{Settings, compile};
use std::fmt::Write;

/// A small thread of a server or an editor.
const LITTLE_STACK: usize = 512 << 10;

/// A limit: its name, the text at it, the text one past it, and how it is raised.
struct Limit {
    name: &'static str,
    at: String,
    past: String,
    raised: Limits,
}

fn limit(name: &'static str, text: impl Fn(usize) -> String, figure: usize) -> Limit {
    Limit {
        name,
        at: text(figure),
        past: text(figure + 1),
        raised: Limits::default(),
    }
}

/// A limit that `--limit` can change, at another figure.
fn raised(
    name: &'static str,
    text: impl Fn(usize) -> String,
    figure: usize,
    raised: Limits,
) -> Limit {
    Limit {
        raised,
        ..limit(name, text, figure)
    }
}

/// What is said of a text.
fn said(text: &str, limits: Limits) -> String {
    let sources = Sources::single("main.coord", text);
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let compiled = compile(&sources, &settings);
    let errors = compiled.diagnostics.iter().filter(|d| d.is_error());
    let lines: Vec<String> = errors.map(|d| short(&one_line(&sources, d))).collect();
    match lines.as_slice() {
        [] => "fine".to_string(),
        lines => lines.join("\n  "),
    }
}

/// A message may quote what is too long.
fn short(line: &str) -> String {
    let count = line.chars().count();
    if count <= 140 {
        return line.to_string();
    }
    let head: String = line.chars().take(60).collect();
    let tail: String = line.chars().skip(count - 60).collect();
    format!("{head}…{tail}")
}

fn with_little_stack(text: &str, limits: Limits) -> String {
    let text = text.to_string();
    let thread = std::thread::Builder::new().stack_size(LITTLE_STACK);
    let running = thread.spawn(move || said(&text, limits)).unwrap();
    running.join().unwrap()
}

fn answers(limits: Vec<Limit>) -> String {
    let mut out = String::new();
    for limit in limits {
        let at = said(&limit.at, limit.raised);
        let past = said(&limit.past, limit.raised);
        assert_ne!(at, past, "{}: no difference", limit.name);
        for (text, answer) in [(&limit.at, &at), (&limit.past, &past)] {
            assert_eq!(
                with_little_stack(text, limit.raised),
                *answer,
                "{}",
                limit.name
            );
        }
        let _ = writeln!(out, "{}\n  {at}\n  {past}", limit.name);
    }
    out
}

const HEAD: &str = "edition 2026\n";
const TASK: &str = "task t { run [\"true\"] }\n";

fn inside(open: &str, middle: &str, close: &str, depth: usize) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

/// Blocks; the task's block and its list are two more levels.
fn blocks(depth: usize) -> String {
    let inner = inside("parallel {\n", TASK, "}\n", depth - 2);
    format!("{HEAD}{inner}")
}

/// Parentheses of a condition.
fn parentheses(depth: usize) -> String {
    let condition = inside("(", "n == 1", ")", depth);
    format!("{HEAD}param n: int default 1\n{}", with_when(&condition))
}

/// Parentheses where none is read as a condition, in a task.
fn groups(depth: usize) -> String {
    with(&format!("meta {}", inside("(", "x", ")", depth - 1)))
}

/// The deepest that the frozen form of a condition gets.
fn deepest_condition(depth: usize) -> String {
    let inner = |inner: String| format!("n == 2 or not (n == 1 and not ({inner}))");
    let condition = (0..depth / 2).fold("n == 3".to_string(), |c, _| inner(c));
    format!("{HEAD}param n: int default 1\n{}", with_when(&condition))
}

fn with_when(condition: &str) -> String {
    format!("task t {{\n  when {condition}\n  run [\"true\"]\n}}\n")
}

fn name(bytes: usize) -> String {
    format!("{HEAD}task {} {{ run [\"true\"] }}\n", "n".repeat(bytes))
}

/// A text with its quotes.
fn quoted(quote: char, bytes: usize) -> String {
    let text = "x".repeat(bytes - 2);
    format!("{HEAD}task t {{ run [\"echo\", {quote}{text}{quote}] }}\n")
}

fn owned(glob: &str) -> String {
    format!(
        "{HEAD}agent a {{\n  owns \"{glob}\"\n  via human\n}}\ntask t {{\n  by a\n  do \"x\"\n  takes 1h\n}}\n"
    )
}

fn with(line: &str) -> String {
    format!("{HEAD}task t {{\n  {line}\n  run [\"true\"]\n}}\n")
}

fn chain(actions: usize) -> String {
    let chain = vec!["skip"; actions - 1].join(" else ");
    format!(
        "{HEAD}task a {{ run [\"true\"] }}\ntask t {{\n  needs a within 1h else {chain} else halt\n  run [\"true\"]\n}}\n"
    )
}

fn needs(count: usize) -> String {
    let mut text = HEAD.to_string();
    for n in 0..count {
        let _ = writeln!(text, "task a{n} {{ run [\"true\"] }}");
    }
    let names: Vec<String> = (0..count).map(|n| format!("a{n}")).collect();
    let _ = writeln!(
        text,
        "task t {{\n  needs [{}]\n  run [\"true\"]\n}}",
        names.join(", ")
    );
    text
}

/// Of two tasks: what they need together.
fn edges(count: usize) -> String {
    let one = needs(count - 1);
    format!("{one}task u {{\n  needs t\n  run [\"true\"]\n}}\n")
}

/// What a task reads and writes.
fn globs(count: usize) -> String {
    let names: Vec<String> = (1..count).map(|n| format!("\"a{n}\"")).collect();
    with(&format!("writes \"w\"\n  reads [{}]", names.join(", ")))
}

/// Twenty arguments; each has an end of one byte.
fn arguments(bytes: usize) -> String {
    let argument = |n: usize| format!("\"{}\"", "x".repeat(n));
    let each = bytes / 20;
    let mut all = vec![argument(each - 1); 19];
    all.push(argument(bytes - 19 * each - 1));
    format!("{HEAD}task t {{ run [{}] }}\n", all.join(", "))
}

fn each(count: usize) -> String {
    format!("{HEAD}task t {{\n  each n in 1..{count}\n  run [\"true\"]\n}}\n")
}

/// Two lines that multiply.
fn each_of_each(count: usize) -> String {
    format!(
        "{HEAD}task t {{\n  each n in 1..2\n  each m in 1..{}\n  run [\"true\"]\n}}\n",
        count.div_ceil(2)
    )
}

fn tasks(count: usize) -> String {
    let task = |n| format!("task t{n} {{ run [\"true\"] }}\n");
    HEAD.to_string() + &(0..count).map(task).collect::<String>()
}

fn bytes(count: usize) -> String {
    let start = format!("{HEAD}{TASK}# ");
    let rest = "x".repeat(count - start.len());
    start + &rest
}

fn date(year: usize) -> String {
    format!("{HEAD}project p {{ starts {year:04}-01-01 }}\n{TASK}")
}

#[test]
fn at_a_limit_and_one_past_it() {
    let few = Limits {
        tasks: 20,
        needs: 30,
        each: 40,
        file_bytes: 5_000,
        ..Limits::default()
    };
    let deepest = Limits {
        nesting: 128,
        ..Limits::default()
    };
    let found = answers(vec![
        limit("nesting, of blocks", blocks, 64),
        limit("parentheses of a condition", parentheses, 32),
        limit("nesting, of parentheses", groups, 64),
        raised(
            "nesting as far as it is raised, of blocks",
            blocks,
            128,
            deepest,
        ),
        limit("name", name, 128),
        limit("text", |n| quoted('"', n), 64 << 10),
        limit("raw text", |n| quoted('\'', n), 64 << 10),
        limit("bytes of a glob", |n| owned(&"a".repeat(n)), 512),
        limit(
            "** of a glob",
            |n| owned("**/a/".repeat(n).trim_end_matches('/')),
            4,
        ),
        limit(
            "alternatives of a glob",
            |n| owned(&format!("{{{}}}", vec!["a"; n].join(","))),
            64,
        ),
        limit(
            "braces of a glob",
            |n| owned(&inside("{a,", "b", "}", n)),
            4,
        ),
        limit("chain", chain, 16),
        limit("duration", |n| with(&format!("timeout {n}d")), 3_653),
        limit(
            "duration in ms",
            |n| with(&format!("timeout {n}ms")),
            315_619_200_000,
        ),
        limit("working days", |n| with(&format!("takes {n}wd")), 3_653),
        limit(
            "working hours",
            |n| with(&format!("takes {n}wh")),
            3_653 * 24,
        ),
        limit("retries", |n| with(&format!("retry {n}")), 100),
        limit(
            "a number",
            |n| format!("{HEAD}param n: int default {n}\n{TASK}"),
            i64::MAX as usize,
        ),
        limit("a year", date, 9_998),
        raised("tasks", tasks, 20, few),
        raised("needs", needs, 30, Limits { tasks: 100, ..few }),
        raised(
            "edges",
            edges,
            30,
            Limits {
                edges: 30,
                tasks: 100,
                ..few
            },
        ),
        limit("globs of a task", globs, 256),
        limit("arguments", arguments, 1 << 20),
        raised("each", each, 40, Limits { tasks: 100, ..few }),
        raised(
            "each of each",
            each_of_each,
            40,
            Limits { tasks: 100, ..few },
        ),
        limit("each as it is", each, 1_024),
        raised("bytes of a file", bytes, 5_000, few),
    ]);
    insta::assert_snapshot!(found);
}

/// What is accepted can be recorded and read again, however deep.
#[test]
fn a_run_with_the_deepest_condition_is_read_again() {
    let space = Space::new().file("main.coord", deepest_condition(32));
    space.coord(&["run"]).run().exits(0);
    let status = space.coord(&["status"]).run().exits(0);
    assert!(status.stdout.contains("completed"), "{status}");
}
