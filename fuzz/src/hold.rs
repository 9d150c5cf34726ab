//! What has to hold. A panic says that it does not.

use crate::choices::Choices;
use crate::condition::PRELUDE;
use coord_lang::diagnostic::{self, Diagnostic};
use coord_lang::expr::{Expr, Outcome, Scope, Value};
use coord_lang::format::format;
use coord_lang::glob::{Glob, Relation, Remainder};
use coord_lang::ids::{ParamId, TaskId};
use coord_lang::model::Model;
use coord_lang::source::{FileId, SourceFile, Sources};
use coord_lang::syntax::{Limits, Pieces, parse};
use coord_plan::compile::{Compiled, Settings, compile};

/// Of any text: it is compiled, with every place inside of it; a text that is not read says which
/// limit forbids that; formatting is idempotent and changes no meaning; and what an editor parses
/// in pieces is what the compiler parses.
pub fn text(text: &str) {
    let compiled = compiled(text);
    places(text, &compiled.diagnostics);
    let limits = Limits::default();
    let source = SourceFile::new("main.coord", text);
    let (tree, found) = parse(FileId(0), &source, &limits);
    let past_a_limit = found.iter().any(|d| matches!(d.code, "E0908" | "E0011"));
    assert!(!tree.unread || past_a_limit, "not read for no reason");
    let in_pieces = Pieces::default().parse(source.clone(), &limits);
    let (same, mut same_found) = in_pieces.tree(FileId(0));
    assert_eq!(format!("{tree:?}"), format!("{same:?}"), "in pieces");
    let formatted = format(&source, &tree);
    let mut found = found;
    diagnostic::sort(&mut found);
    diagnostic::sort(&mut same_found);
    assert_eq!(found, same_found, "found in pieces");
    // an argument behind a comment that ends in a lone carriage return is a known exception
    let lone_return = text.replace("\r\n", "").contains('\r');
    if diagnostic::has_errors(&found) || lone_return || formatted == text {
        return;
    }
    formatting(&compiled, &formatted);
}

fn formatting(before: &Compiled, formatted: &str) {
    let source = SourceFile::new("main.coord", formatted);
    let (tree, _) = parse(FileId(0), &source, &Limits::default());
    let twice = format(&source, &tree);
    assert_eq!(formatted, twice, "formatted twice");
    let after = compiled(formatted);
    let told = |d: &Diagnostic| (d.code, d.message.clone());
    let told = |c: &Compiled| c.diagnostics.iter().map(told).collect::<Vec<_>>();
    assert_eq!(told(before), told(&after), "told otherwise");
    assert_eq!(
        without_places(&before.model),
        without_places(&after.model),
        "understood otherwise"
    );
}

fn compiled(text: &str) -> Compiled {
    compile(
        &Sources::single("main.coord", text),
        &Settings::default(),
    )
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

/// The model as text, without where its parts stand.
pub fn without_places(model: &Model) -> String {
    let shown = format!("{model:?}");
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some(at) = rest.find("Span { file: ") {
        let end = rest[at..].find(" }").map_or(rest.len(), |n| at + n);
        out.push_str(&rest[..at]);
        rest = &rest[end..];
    }
    out + rest
}

/// Of any condition: it has an answer, its opposite has the opposite one, and its values are what
/// the same condition with its parameters filled in has.
pub fn condition(condition: &str, choices: &mut Choices<'_>) {
    let line = condition.replace(['\n', '\r', '{', '}', '#'], " ");
    let program = format!(
        "{PRELUDE}task x {{\n  needs build\n  when {line}\n  run [\"true\"]\n}}\n\
         task y {{\n  needs build\n  when not ({line})\n  run [\"true\"]\n}}\n"
    );
    text(&program);
    let model = compiled(&program).model;
    let values = Values::new(choices);
    let of = |name: &str| {
        let (_, task) = model.tasks.iter().find(|(_, t)| t.name.value == name)?;
        task.when.as_ref().map(|when| &when.value)
    };
    let Some(when) = of("x") else { return };
    let outcome = answered(when, &values);
    let Some(opposite) = of("y").map(|y| answered(y, &values)) else {
        return;
    };
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
    assert_eq!(outcome, bound.holds(values), "with its parameters filled in");
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
                            "3", " 4.5\n", "nan", "inf", "-1e308", "90%", "2h", "1h30m", "true",
                            "", "completed", "9999999999999999999w",
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
            assert!(a.matches(&left) && !b.matches(&left), "{a} without {b}: {left}");
        }
        Remainder::Nothing => assert!(!a.matches(path) || b.matches(path), "{a} {b} {path}"),
        Remainder::Unknown => {}
    }
}
