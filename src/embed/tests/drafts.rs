//! What a draft is told stays a value: it never becomes a statement, and never breaks the text.

use coord::build::{
    Action, Agent, Condition, Day, Draft, Gate, Group, Human, Level, Names, Phase, Program, Task,
    Text, Via, Who, wd,
};
use coord_lang::source::{FileId, SourceFile};
use coord_lang::syntax::tree::statements;
use coord_lang::syntax::{Limits, parse};
use proptest::prelude::*;
use std::time::Duration;

/// The words that statements start with, at the top and one block deeper.
fn shape(text: &str) -> Vec<(String, Vec<String>)> {
    let file = SourceFile::new("draft.coord", text);
    let (tree, _) = parse(FileId(0), &file, &Limits::default());
    let inside = |s: &coord_lang::syntax::tree::Statement<'_>| {
        let block = s.block.iter().flat_map(|b| b.statements());
        block.map(|s| s.word.to_string()).collect()
    };
    statements(&tree.items)
        .map(|s| (s.word.to_string(), inside(s)))
        .collect()
}

fn with_everything_named(text: &str) -> Draft {
    Draft::new(text)
        .title(text)
        .doc(text)
        .timezone(text)
        .owner(text)
        .meta(text, text)
        .allow(text, text)
        .with(
            Agent::new(text)
                .title(text)
                .role(text)
                .owns(text)
                .via(Via::Remote(text.into()))
                .can(text)
                .env(text, text)
                .needs(Who::all_except(text)),
        )
        .with(Human::new("lead").contact(text).calendar(text))
        .with(Group::new(text).members([text, "lead"]))
        .with(
            Task::new(text)
                .doc(text)
                .by(text)
                .needs(text)
                .run(Program::script("sh", text))
                .command(text)
                .ask(text)
                .step(text)
                .writes([text, text])
                .env(text, Text::filled(text))
                .call(text, [(text, text)])
                .each(text, [text])
                .on_fail(Action::reassign(Some(text)).or_else(Action::record(text)))
                .when(Condition::output(text, text, text)),
        )
}

const SHAPE: [(&str, &[&str]); 6] = [
    ("edition", &[]),
    ("project", &["timezone", "owner", "meta", "allow"]),
    ("agent", &["role", "owns", "via", "can", "env", "needs"]),
    ("human", &["contact", "calendar"]),
    ("group", &["members"]),
    (
        "task",
        &[
            "by", "needs", "run", "run", "ask", "do", "writes", "env", "call", "each", "on", "when",
        ],
    ),
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"'`${}\\[\\]()#\\\\ \\n\\r\\ta-z.,:|<>-]{0,24}",
        prop::sample::select(vec![
            "x\n}\ntask evil { run [\"rm\"] }",
            "x { }",
            "x }",
            "```",
            "```\n}\n```",
            "$${x",
            "${",
            "${x} ${",
            "\" run [\"rm\"",
            "${\"}",
            "${\"} ${x}",
            "##",
            "",
        ])
        .prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_value_becomes_a_statement(text in any_text()) {
        let draft = with_everything_named(&text);
        let written = draft.text();
        let found = shape(&written);
        let wanted: Vec<(String, Vec<String>)> = SHAPE
            .iter()
            .map(|(word, inner)| (word.to_string(), inner.iter().map(|w| w.to_string()).collect()))
            .collect();
        prop_assert_eq!(found, wanted, "{}", written);
        // whatever comes of it, it comes as diagnostics
        let _mistakes = draft.compile();
    }
}

#[test]
fn a_name_that_is_none_is_a_mistake_at_its_place() {
    let wrong = Draft::new("demo")
        .with(Task::new("my task").run(["true"]))
        .compile()
        .unwrap_err();
    let first = wrong.iter().next().unwrap();
    assert_eq!(first.code, "E0106");
    let at = wrong.sources().text(first.primary.span);
    assert_eq!(at, "task \"my task\"");
}

#[test]
fn texts_come_through_as_they_are() {
    let text = "a \"quoted\" \\ ${x} $$ {\n\t} 'é' \u{7f} \u{200b}";
    let project = Draft::new("demo")
        .with(Task::new("a").title(text).run(["echo", text]))
        .compile()
        .unwrap();
    let (_, node, task) = project.plan().tasks().next().unwrap();
    assert_eq!(node.title.as_deref(), Some(text));
    let argv = coord::plan::Program::Argv(vec!["echo".into(), text.into()]);
    assert_eq!(task.program, Some(argv));
}

#[test]
fn a_script_comes_through_whatever_stands_in_it() {
    let script = "cat <<'END'\n```\n  ````sh\n${HOME} \"$(date)\"\n\tEND\nEND";
    let project = Draft::new("demo")
        .with(Phase::new("p").with(Task::new("a").run(Program::sh(script))))
        .compile()
        .unwrap();
    let (_, _, task) = project.plan().tasks().next().unwrap();
    let wanted = coord::plan::Program::Script {
        language: "sh".into(),
        text: format!("{script}\n"),
    };
    assert_eq!(task.program, Some(wanted));
}

#[test]
fn what_is_given_twice_and_what_is_out_of_range_is_told() {
    let wrong = Draft::new("demo")
        .starts(Day::new(2026, 6, 31))
        .with(
            Task::new("a")
                .takes(wd(-1.0))
                .timeout(Duration::MAX)
                .priority(coord::build::Priority::P0)
                .priority(coord::build::Priority::P1)
                .run(["true"]),
        )
        .with(Gate::new("g"))
        .compile()
        .unwrap_err();
    let said = wrong.to_string();
    for code in ["E0504", "E0104"] {
        assert!(said.contains(code), "{code} is not in\n{said}");
    }
}

#[test]
fn lines_of_a_file_may_stand_anywhere() {
    let project = Draft::new("demo")
        .statement("resource gpu {\n  capacity 2\n}")
        .with(Task::new("a").run(["true"]).statement("uses gpu"))
        .compile()
        .unwrap();
    let gpu = project
        .plan()
        .find("a")
        .and_then(|n| project.plan().task(n));
    assert_eq!(gpu.unwrap().uses.len(), 1);
    assert!(project.text().contains("resource gpu {\n  capacity 2\n}\n"));
}

#[test]
fn a_draft_is_formatted_and_compiles_again_to_itself() {
    let long: Vec<String> = (0..30).map(|i| format!("task-number-{i}")).collect();
    let draft = Draft::new("demo")
        .with_all(long.iter().map(|name| Task::new(name).run(["true"])))
        .with(
            Task::new("last")
                .needs(Names::from(long.clone()))
                .run(["true"]),
        )
        .statement("escalation e {\n level L1 by any\n}")
        .with(coord::build::Escalation::new("f").level(Level::new("L1", Who::any())));
    let text = draft.text();
    let read = coord::compile(&text).unwrap();
    assert_eq!(read.ir(), draft.compile().unwrap().ir());
    assert!(text.contains("needs [\n    task-number-0,\n"), "{text}");
}
