use super::{format, keeps_text, layout, token};
use crate::diagnostic::Severity;
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::tree::{Arg, ArgKind, Item, Statement, Tree};
use crate::syntax::{Limits, parse};

/// Statements of every kind, in need of formatting.
const SAMPLE: &str = r#"edition   2026
use "agents.coord"   as  team # the team


## The shop.
project shop    "The \"shop\" for ${who}"{
	timezone  Europe/Berlin
	starts 2025-08-11
  review every month
  meta  colour   'blue'
  allow W0603  because "we know; really"   # said so

}
param rate:percent default 90%
param since : date default 2025-08-10T14:00+02:00
secret  TOKEN
calendar default { working [monday,tuesday , wednesday,]
  hours 09:00 .. 17:00
}
agent backend "Back" {
  owns "src/**" shared except "src/ui/**"
  needs [security-specialist,db]
  produces api "End" ["api/*.json"]
  via mcp ["server"]tool search
  cost 12USD/h
  health run ["curl","-f"] every 30s
}
human board "The board" { contact "board@example.org" }
tier  lead "Leads" rank 1
group  seniors { agents where tier.rank<=2 }

# work
task build "Build" { # opens
  by any of [a, # first
    b] # second
  needs any of [a,b] within 24h else escalate to seniors
  when  not(rate>=90%and build.state==completed)or build.exit!=75
  takes 4wd .. 5wd
  takes 2d..3d..6d
  takes 6 ..
  approve by 2 of seniors within 1d else halt
  retry 3 every 10s factor 2x up to 5m on exit 75
  run ```sh
    set -e

    cargo build # ${HOME}
      indented
    ```
}
task calls{call deploy (env:prod,at : 2d)}
phase one "First" {
  after start of zero
  weeks 2 .. 3
  parallel {
    sequence {
      task a {}
      task b {

      }
    }
  }
  sync s "Sync" { at end
    require "works"by lead
    within 4h else escalate to ladder }
}
sync daily { every day at 09:00 UTC }
milestone done "Done" { due week 8 }
workflow deploy (env:text, at: duration) "Deploy" {
  on task.failed
}
resource gpu { capacity 4 }
gate ready { check "time" when plan.p80<=8w
  on fail retry 2 }
escalation ladder { level L1 "First" by lead within 4h
  otherwise safe-mode }
conflict ownership { decide lead within 24h }
domain core { paths "src/**" }
handoff contract { field  url:url }
incident P0 "Down" { start hotfix (who:any) }
on task.late for 2d when task.slack<0 because "late"{ do notify lead via ops }
mode safe-mode { restart 2 at a time }
channel ops { every 4h batch }
template brief ````md
# ${title}
```
   x
````
metric on-time { target >=90% }
dashboard main { widget progress-bar|agent-status }
diagram flow { edge A->B
}
expect "p80" plan.p80<=8w by 2025-09-01
test "T" {
  given agent y fails at 2h
}
"#;

/// Things that lexers stumble on.
const PIECES: [&str; 78] = [
    "task",
    "a",
    "b-c",
    "needs",
    "when",
    "and",
    "not",
    "call",
    "workflow",
    "x.y",
    "x.*",
    "_z",
    "naïve",
    "1",
    "4wd",
    "1h30m",
    "2x",
    "1USD/month",
    "0.5",
    "1_000",
    "90%",
    "2025-08-13",
    "2025-08-10T14:00Z",
    "2025-08-10T14:00+02:00",
    "09:00",
    "09:00:30",
    "13",
    "-",
    "->",
    ">=",
    "<=",
    "==",
    "!=",
    "..",
    ">",
    "<",
    "|",
    "=",
    "+",
    "*",
    "/",
    ":",
    "?",
    "~",
    "\"text\"",
    "\"a ${b.c} \\n\"",
    "'raw'",
    "\"open",
    "'open",
    "[",
    "]",
    "(",
    ")",
    ",",
    "[a, b]",
    "(a: b,)",
    "{",
    "}",
    "{}",
    " {\n",
    "\n}\n",
    "# comment",
    "## doc",
    "\n# own\n",
    "\n## doc\n",
    "[ # c\n",
    ", # d\n",
    "```",
    "```sh\n  x\n\n    y\n  ```",
    "````\n```\n````",
    "\u{a0}",
    "@",
    ";",
    "$",
    "…",
    "\u{feff}",
    "\r",
    "\u{200b}",
];
const GLUE: [&str; 12] = [
    "", "", "", " ", " ", " ", "  ", "\t", "\n", "\n", "\n\n\n", "\r\n",
];

struct Formatted {
    text: String,
    shape: Vec<String>,
    errors: usize,
}

fn formatted(text: &str) -> Formatted {
    let source = SourceFile::new("test.coord", text);
    let (tree, diagnostics) = parse(FileId(0), &source, &Limits::default());
    let has_lone_cr = text.replace("\r\n", "").contains('\r');
    if !tree.items.is_empty() && !has_lone_cr {
        let printed = layout::print(&token::tokens(text, &tree.items));
        assert!(
            keeps_text(text, &printed),
            "text lost\n{text:?}\n{printed:?}"
        );
    }
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    Formatted {
        text: format(&source, &tree),
        shape: shape(text, &tree),
        errors,
    }
}

/// What the text says, without its white space: nodes and comments by place.
fn shape(text: &str, tree: &Tree<'_>) -> Vec<String> {
    let mut nodes = Vec::new();
    items(text, &tree.items, &mut nodes);
    nodes.extend(tree.comments.iter().map(|s| note(text, "comment", *s)));
    nodes.sort_by_key(|(start, _)| *start);
    nodes.into_iter().map(|(_, node)| node).collect()
}

type Node = (u32, String);

fn note(text: &str, kind: &str, span: Span) -> Node {
    (
        span.start,
        format!(
            "{kind} {}",
            text[span.range()].trim_end_matches([' ', '\t', '\r'])
        ),
    )
}

fn items(text: &str, items: &[Item<'_>], out: &mut Vec<Node>) {
    for item in items {
        match item {
            Item::Statement(s) => statement(text, s, out),
            Item::LoneDoc(span) => out.push(note(text, "lone", *span)),
            Item::Broken(span) => out.push(note(text, "broken", *span)),
        }
    }
}

fn statement(text: &str, statement: &Statement<'_>, out: &mut Vec<Node>) {
    out.extend(statement.doc.iter().map(|d| note(text, "doc", *d)));
    out.push(note(text, "word", statement.word_span));
    args(text, &statement.args, out);
    if let Some(block) = &statement.block {
        out.push((block.span.start, "{".to_string()));
        items(text, &block.items, out);
        out.push((block.span.end - 1, "}".to_string()));
    }
}

fn args(text: &str, list: &[Arg<'_>], out: &mut Vec<Node>) {
    for arg in list {
        let start = arg.span.start;
        match &arg.kind {
            ArgKind::List(elements) => {
                out.push((start, format!("list of {}", elements.len())));
                elements.iter().for_each(|e| args(text, e, out));
                out.push((arg.span.end - 1, "]".to_string()));
            }
            ArgKind::Group(inner) => {
                let count = inner.len();
                out.push((start, format!("group of {count}")));
                args(text, inner, out);
                out.push((arg.span.end - 1, ")".to_string()));
            }
            ArgKind::Fence(fence) => {
                let (tag, text) = (&fence.tag, &fence.text);
                let lines: Vec<&str> = text.split('\n').map(|l| l.trim_end_matches('\r')).collect();
                out.push((start, format!("fence {tag:?} {lines:?}")));
            }
            kind => out.push((start, format!("{} {}", name(kind), &text[arg.span.range()]))),
        }
    }
}

/// The kind alone: what it holds is in the text.
fn name(kind: &ArgKind<'_>) -> String {
    let debug = format!("{kind:?}");
    debug.split('(').next().unwrap_or_default().to_string()
}

/// Everything that must hold for any text; true if the text has no syntax error.
fn holds(text: &str) -> bool {
    let once = formatted(text);
    let has_lone_cr = text.replace("\r\n", "").contains('\r');
    if once.errors > 0 || has_lone_cr {
        return false;
    }
    let twice = formatted(&once.text);
    assert_eq!(twice.errors, 0, "now an error:\n{text:?}\n{}", once.text);
    assert_eq!(
        once.shape, twice.shape,
        "said otherwise:\n{text:?}\n{}",
        once.text
    );
    assert_eq!(once.text, twice.text, "formatted twice:\n{text:?}");
    assert!(
        once.text.is_empty() || once.text.ends_with('\n'),
        "no final line break: {text:?}"
    );
    assert!(!once.text.ends_with("\n\n"), "a blank last line: {text:?}");
    true
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert!(holds(text), "a syntax error in {text:?}");
    assert_eq!(formatted(text).text, expected);
}

/// Case `number` of a fixed sequence.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn soup(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(14) {
            text.push_str(self.pick(&PIECES));
            text.push_str(self.pick(&GLUE));
        }
        text
    }

    /// One statement of scalars, names and operators with hardly a space.
    fn line(&mut self) -> String {
        let mut text = "odd ".to_string();
        for _ in 0..=self.below(12) {
            text.push_str(PIECES[7 + self.below(39)]);
            text.push_str(self.pick(&["", "", "", " "]));
        }
        text
    }

    /// Statements with arguments that are mostly whole, so that few have errors.
    fn statements(&mut self) -> String {
        let mut text = String::new();
        let mut depth = 0;
        for _ in 0..=self.below(6) {
            match self.below(5) {
                0 => text.push_str(self.pick(&["# own  \n", "## doc\n", "\n", "\n\n\n"])),
                1 if depth > 0 => {
                    depth -= 1;
                    text.push_str(self.pick(&["}\n", "} # c\n"]));
                }
                n => {
                    text.push_str(self.pick(&["task", "  call", "\twhen", "needs"]));
                    self.arguments(&mut text, 2);
                    if n == 4 {
                        depth += 1;
                        text.push('{');
                    }
                    text.push_str(self.pick(&["\n", " # c\n", "\r\n"]));
                }
            }
        }
        text + &"}".repeat(depth)
    }

    fn arguments(&mut self, text: &mut String, levels: usize) {
        for _ in 0..self.below(9) {
            text.push_str(self.pick(&["", " ", " ", "\t "]));
            let bracket = if levels > 0 { self.below(10) } else { 9 };
            match bracket {
                0 => self.brackets(text, levels, "[", "]"),
                1 => self.brackets(text, levels, "(", ")"),
                _ => text.push_str(PIECES[self.below(47)]),
            }
        }
    }

    fn brackets(&mut self, text: &mut String, levels: usize, open: &str, close: &str) {
        text.push_str(open);
        for _ in 0..self.below(5) {
            text.push_str(self.pick(&["", " ", "\n", " # in\n", "\n# own\n\n"]));
            text.push_str("item");
            self.arguments(text, levels - 1);
            text.push_str(self.pick(&["", "\n", " # before\n"]));
            text.push(',');
        }
        text.push_str(self.pick(&["", "\n", " # last\n"]));
        text.push_str(close);
    }
}

fn cases(debug: usize, release: usize) -> usize {
    if cfg!(debug_assertions) {
        debug
    } else {
        release
    }
}

#[test]
fn sample_holds_in_both_line_ends() {
    assert!(holds(SAMPLE));
    assert!(holds(&SAMPLE.replace('\n', "\r\n")));
    let crlf = formatted(&SAMPLE.replace('\n', "\r\n")).text;
    assert_eq!(crlf, formatted(SAMPLE).text);
}

#[test]
fn every_prefix_keeps_its_text() {
    for end in (0..SAMPLE.len()).step_by(cases(23, 1)) {
        holds(&SAMPLE[..end]);
    }
}

#[test]
fn every_deletion_of_a_byte_keeps_the_text() {
    for at in (0..SAMPLE.len()).step_by(cases(23, 1)) {
        holds(&format!("{}{}", &SAMPLE[..at], &SAMPLE[at + 1..]));
    }
}

#[test]
fn soup_keeps_its_text() {
    let good = (0..cases(500, 20_000))
        .filter(|n| holds(&Random(*n as u64).soup()))
        .count();
    assert!(good > cases(10, 500), "only {good} without errors");
}

#[test]
fn tight_lines_are_read_the_same() {
    let good = (0..cases(500, 20_000))
        .filter(|n| holds(&Random(*n as u64).line()))
        .count();
    assert!(good > cases(100, 4_000), "only {good} without errors");
}

#[test]
fn random_statements_keep_their_text() {
    let good = (0..cases(500, 20_000))
        .filter(|n| holds(&Random(*n as u64).statements()))
        .count();
    assert!(good > cases(100, 4_000), "only {good} without errors");
}

#[test]
fn a_list_of_100_columns_fits_and_of_101_does_not() {
    let name = "x".repeat(89);
    check(
        &format!("needs [a,\n{name},]"),
        &format!("needs [a, {name}]\n"),
    );
    check(
        &format!("needs [a, {name}x]"),
        &format!("needs [\n  a,\n  {name}x,\n]\n"),
    );
}

#[test]
fn a_block_of_80_columns_fits_and_of_81_does_not() {
    let name = "é".repeat(60);
    check(
        &format!("task a {{ does \"{name}\" }}"),
        &format!("task a {{ does \"{name}\" }}\n"),
    );
    let longer = format!("{name}{}", "é".repeat(3));
    check(
        &format!("task a {{ does \"{longer}\" }}"),
        &format!("task a {{\n  does \"{longer}\"\n}}\n"),
    );
}

#[test]
fn digits_that_would_become_a_date_stay_together() {
    check(
        "odd  2025-08-13-x  2025-08-13->y",
        "odd 2025-08-13-x 2025-08-13-> y\n",
    );
    check("odd 2025 - 08 - 13 9 : 00", "odd 2025 - 08 - 13 9 : 00\n");
}

#[test]
fn a_byte_order_mark_and_tabs_go() {
    check(
        "\u{feff}task a {\r\n\tdoes 'x'\t\r\n}",
        "task a {\n  does 'x'\n}\n",
    );
}

#[test]
fn what_cannot_be_read_is_copied() {
    let broken = "task   a   {\n    takes  =   4d\n    does   \"x\"\n  5   oops # x\n}\n}";
    let expected = "task a {\n  takes  =   4d\n  does \"x\"\n  5   oops # x\n}\n}\n";
    assert_eq!(formatted(broken).text, expected);
}

#[test]
fn a_file_past_a_limit_is_returned_as_it_is() {
    let deep = "a  (".repeat(80);
    assert_eq!(formatted(&deep).text, deep);
}
