//! What has to hold. A panic says that it does not.

use super::choices::Choices;
use super::condition::PRELUDE;
use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::expr::{Expr, Outcome, Scope, Value};
use coord_lang::format::format;
use coord_lang::glob::{Glob, Relation, Remainder};
use coord_lang::ids::{ParamId, TaskId};
use coord_lang::lower::lower;
use coord_lang::model::Model;
use coord_lang::source::{FileId, SourceFile, Sources};
use coord_lang::syntax::tree::Tree;
use coord_lang::syntax::{Limits, Pieces, parse};
use coord_plan::compile::{Compiled, Settings, plan, understand};
use std::fmt::Write;

/// Limits on what a text multiplies to, smaller than those of the program, so that many texts can be
/// tried: what happens at a limit does not depend on where it lies. The program's own are tried in
/// `tests/it/limits.rs`.
fn limits() -> Limits {
    Limits {
        needs: 1_000,
        edges: 10_000,
        each: 32,
        ..Limits::default()
    }
}

/// Of any text: it is compiled, with every place inside of it; a text that is not read says which
/// limit forbids that; formatting is idempotent and changes no meaning; and what an editor parses
/// in pieces is what the compiler parses.
pub fn text(text: &str) {
    let sources = Sources::single("main.coord", text);
    let limits = limits();
    let source = sources.file(FileId(0));
    let (tree, found) = parse(FileId(0), source, &limits);
    let past_a_limit = found.iter().any(|d| matches!(d.code, "E0908" | "E0011"));
    assert!(!tree.unread || past_a_limit, "not read for no reason");
    // one in four will do: it costs as much as all the rest
    if text.len().is_multiple_of(4) {
        in_pieces(source, &tree, &found);
    }
    let formatted = format(source, &tree);
    let broken = diagnostic::has_errors(&found);
    let compiled = compiled(&sources, tree, found);
    places(text, &compiled.diagnostics);
    // an argument behind a comment that ends in a lone carriage return is a known exception
    let lone_return = text.replace("\r\n", "").contains('\r');
    if !broken && !lone_return && formatted != text {
        let before = Meaning::of(&compiled);
        // a model may be large: never two at a time
        drop(compiled);
        formatting(&before, &formatted);
    }
}

/// What a text means, in few bytes.
#[derive(PartialEq, Debug)]
struct Meaning {
    /// The codes that it is told. Messages quote the text and tell places; warnings about its
    /// layout are answered.
    told: Vec<&'static str>,
    model: u64,
}

impl Meaning {
    fn of(compiled: &Compiled) -> Meaning {
        let codes = compiled.diagnostics.iter().map(|d| d.code);
        Meaning {
            told: codes.filter(|code| !code.starts_with("W00")).collect(),
            model: without_places(&compiled.model),
        }
    }
}

fn compiled(sources: &Sources, tree: Tree<'_>, found: Vec<Diagnostic>) -> Compiled {
    let settings = Settings {
        limits: limits(),
        ..Settings::default()
    };
    plan(understand(sources, &[tree], found, &settings), &settings)
}

fn in_pieces(source: &SourceFile, tree: &Tree<'_>, found: &[Diagnostic]) {
    let parsed = Pieces::default().parse(source.clone(), &limits());
    let (same, mut same_found) = parsed.tree(FileId(0));
    assert_eq!(format!("{tree:?}"), format!("{same:?}"), "in pieces");
    let mut found = found.to_vec();
    diagnostic::sort(&mut found);
    diagnostic::sort(&mut same_found);
    assert_eq!(found, same_found, "found in pieces");
}

fn formatting(before: &Meaning, formatted: &str) {
    let sources = Sources::single("main.coord", formatted);
    let source = sources.file(FileId(0));
    let (tree, found) = parse(FileId(0), source, &limits());
    assert_eq!(formatted, format(source, &tree), "formatted twice");
    let after = Meaning::of(&compiled(&sources, tree, found));
    assert_eq!(before, &after, "understood otherwise");
}

/// Every place that a diagnostic points at can be cut out of the text.
fn places(text: &str, found: &[Diagnostic]) {
    for d in found {
        let labels = d.related.iter().map(|label| label.span);
        let fix = d.fix.iter().map(|fix| fix.span);
        for span in labels.chain(fix).chain([d.primary.span]) {
            assert_eq!(span.file, FileId(0), "{d:?}");
            assert!(text.get(span.range()).is_some(), "{d:?}");
        }
    }
}

/// A hash of the model as text, without where its parts stand. The text itself may be a hundred
/// times as large as the model.
fn without_places(model: &Model) -> u64 {
    let mut text = Placeless::default();
    write!(text, "{model:?}").expect("a hash takes everything");
    text.settle(true);
    text.hash
}

#[derive(Default)]
struct Placeless {
    /// FNV-1a: it does not matter in which pieces a text comes.
    hash: u64,
    /// The end of the text, which may be in the middle of a place.
    rest: String,
}

impl Write for Placeless {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        self.rest.push_str(piece);
        if self.rest.len() > 1 << 16 {
            self.settle(false);
        }
        Ok(())
    }
}

impl Placeless {
    fn settle(&mut self, whole: bool) {
        const PLACE: &str = "Span { file: ";
        let rest = std::mem::take(&mut self.rest);
        let mut at = 0;
        while let Some(start) = rest[at..].find(PLACE).map(|n| at + n) {
            let Some(end) = rest[start..].find(" }").map(|n| start + n) else {
                break;
            };
            self.hash(&rest[at..start]);
            at = end;
        }
        let open = rest[at..].find(PLACE).map(|n| at + n);
        let safe = rest.len().saturating_sub(PLACE.len()).max(at);
        let kept = match (whole, open) {
            (true, _) => rest.len(),
            (false, Some(open)) => open,
            (false, None) => rest.floor_char_boundary(safe),
        };
        self.hash(&rest[at..kept]);
        self.rest = rest[kept..].to_string();
    }

    fn hash(&mut self, text: &str) {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Of any condition: it has an answer, its opposite has the opposite one, and it comes to the same
/// when its parameters are filled in before.
pub fn condition(condition: &str, choices: &mut Choices<'_>) {
    let line = condition.replace(['\n', '\r', '{', '}', '#'], " ");
    let program = format!("{PRELUDE}task x {{ when {line}\n}}\n");
    if choices.rarely(32) {
        text(&program);
    }
    let sources = Sources::single("main.coord", &program);
    let limits = limits();
    let (tree, _) = parse(FileId(0), sources.file(FileId(0)), &limits);
    let (model, _, found) = lower(&sources, &[tree], &limits);
    places(&program, &found);
    let x = model.tasks.iter().find(|(_, task)| task.name.value == "x");
    let Some(when) = x.and_then(|(_, task)| task.when.as_ref()) else {
        return;
    };
    let values = Values::new(choices);
    let outcome = answered(&when.value, &values);
    let opposite = answered(&Expr::Not(Box::new(when.value.clone())), &values);
    let agree = match (&outcome, &opposite) {
        (Outcome::True, Outcome::False) | (Outcome::False, Outcome::True) => true,
        (Outcome::Unknown(why), Outcome::Unknown(other)) => why == other,
        _ => false,
    };
    assert!(agree, "{outcome:?}, with `not` {opposite:?}");
}

fn answered(when: &Expr, values: &Values) -> Outcome {
    let outcome = when.holds(values);
    let bound = when.bind(&|id| values.param(id));
    assert_eq!(
        outcome,
        bound.holds(values),
        "with its parameters filled in"
    );
    assert!(!when.explain(values).is_empty());
    assert!(when.tasks().len() <= 2);
    outcome
}

/// Parameters and outputs of any kind, or none.
struct Values {
    params: Vec<Option<Value>>,
    output: Option<String>,
    state: &'static str,
}

impl Values {
    fn new(choices: &mut Choices<'_>) -> Values {
        Values {
            params: (0..5).map(|_| value(choices)).collect(),
            output: match choices.below(5) {
                0 => None,
                1 => Some(String::from_utf8_lossy(&[choices.byte(), choices.byte()]).into_owned()),
                _ => Some(
                    choices
                        .pick(&[
                            "3",
                            " 4.5\n",
                            "nan",
                            "inf",
                            "-1e308",
                            "90%",
                            "2h",
                            "1h30m",
                            "true",
                            "",
                            "completed",
                            "9999999999999999999w",
                        ])
                        .to_string(),
                ),
            },
            state: choices.pick(&["completed", "failed", "created", ""]),
        }
    }
}

fn value(choices: &mut Choices<'_>) -> Option<Value> {
    let n = [0, 1, -1, 3, i64::MAX, i64::MIN, 90_000, 7_200_000];
    Some(match choices.below(8) {
        0 => return None,
        1 => Value::Bool(choices.below(2) == 1),
        2 => Value::Int(choices.pick(&n)),
        3 => Value::Decimal(choices.pick(&n)),
        4 => Value::Percent(choices.pick(&n)),
        5 => Value::Duration(choices.pick(&n)),
        _ => Value::Text(choices.pick(&["eu", "3", "true", ""]).to_string()),
    })
}

impl Scope for Values {
    fn param(&self, id: ParamId) -> Option<Value> {
        self.params.get(id.0 as usize).cloned().flatten()
    }
    fn output(&self, _: TaskId, _: &str) -> Option<String> {
        self.output.clone()
    }
    fn state(&self, _: TaskId) -> String {
        self.state.to_string()
    }
    fn task_name(&self, task: TaskId) -> String {
        format!("task {}", task.0)
    }
}

/// Of any globs: what is wrong is inside of the text; witnesses are what they witness; the
/// relation is the one that follows from them, the same from both sides.
pub fn globs(a: &str, b: &str, c: &str, path: &str) {
    let (Some(a), Some(b)) = (read(a), read(b)) else {
        return;
    };
    let both = a.intersect(&b);
    assert_eq!(both.is_some(), a.meets(&b), "{a} {b}");
    assert_eq!(both.is_some(), b.meets(&a), "{a} {b}");
    if let Some(both) = &both {
        assert!(a.matches(both) && b.matches(both), "{a} {b}: {both}");
    }
    if a.matches(path) && b.matches(path) {
        assert!(both.is_some(), "{a} {b} on {path}");
    }
    remainder(&a, &b, path);
    let (relation, other) = (a.relation(&b), b.relation(&a));
    let turned = match other {
        Relation::Contains => Relation::ContainedIn,
        Relation::ContainedIn => Relation::Contains,
        same => same,
    };
    assert_eq!(relation, turned, "{a} {b}");
    match relation {
        Relation::Disjoint => assert!(both.is_none()),
        Relation::Equal => assert_eq!(a.matches(path), b.matches(path), "{a} {b} {path}"),
        Relation::Contains => assert!(a.matches(path) || !b.matches(path), "{a} {b} {path}"),
        Relation::ContainedIn => assert!(b.matches(path) || !a.matches(path), "{a} {b} {path}"),
        Relation::Crossing | Relation::Unknown => {}
    }
    let Some(c) = read(c) else { return };
    match a.intersect_minus(&b, &[&c]) {
        Remainder::Path(left) => assert!(
            a.matches(&left) && b.matches(&left) && !c.matches(&left),
            "{a} {b} without {c}: {left}"
        ),
        Remainder::Nothing => {
            assert!(
                !(a.matches(path) && b.matches(path)) || c.matches(path),
                "{a} {b} {c} {path}"
            );
        }
        Remainder::Unknown => {}
    }
}

fn read(text: &str) -> Option<Glob> {
    match Glob::parse(text) {
        Ok(glob) => {
            assert!(glob.matches(&glob.example()), "{glob}: {}", glob.example());
            assert!(glob.meets(&glob), "{glob}");
            Some(glob)
        }
        Err(error) => {
            let place = error.offset..error.offset + error.len;
            assert!(text.get(place).is_some(), "{text:?}: {error:?}");
            assert!(!error.to_string().is_empty() && !error.help().is_empty());
            None
        }
    }
}

fn remainder(a: &Glob, b: &Glob, path: &str) {
    match a.minus(&[b]) {
        Remainder::Path(left) => {
            assert!(
                a.matches(&left) && !b.matches(&left),
                "{a} without {b}: {left}"
            );
        }
        Remainder::Nothing => assert!(!a.matches(path) || b.matches(path), "{a} {b} {path}"),
        Remainder::Unknown => {}
    }
}
