//! Calls that cannot work: every one ends soon, with a sentence and the right exit status.

use crate::space::Space;

const HELLO: &str = "edition 2026\n\ntask hello { run [\"echo\", \"hello\"] }\n";

#[track_caller]
fn check(space: Space, args: &[&str], expect: impl FnOnce(String)) {
    expect(space.coord(args).run().to_string());
}

macro_rules! snapshot {
    ($space:expr, $args:expr, @$text:literal) => {
        check($space, &$args, |said| insta::assert_snapshot!(said, @$text))
    };
}

#[test]
fn a_missing_file() {
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "mian.coord"], @"");
}

#[test]
fn text_that_is_not_utf_8() {
    snapshot!(Space::new().file("main.coord", b"edition 2026\n\xff\n"), ["check"], @"");
}

#[test]
fn utf_16() {
    snapshot!(Space::new().file("main.coord", b"\xff\xfee\0d\0"), ["check"], @"");
}

#[test]
fn an_empty_file() {
    snapshot!(Space::new().file("main.coord", ""), ["check"], @"");
}

#[test]
fn a_folder_without_a_project() {
    snapshot!(Space::new(), ["check"], @"");
}

#[test]
fn two_projects_are_checked_one_by_one() {
    snapshot!(Space::new().file("a.coord", HELLO).file("b.coord", HELLO), ["check"], @"");
}

#[test]
fn an_unknown_command() {
    snapshot!(Space::new(), ["chek"], @"");
}

#[test]
fn an_unknown_flag() {
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--formt", "json"], @"");
}

#[test]
fn a_folder_named_like_a_project() {
    snapshot!(Space::new().folder("x.coord"), ["check", "x.coord"], @"");
    snapshot!(Space::new().folder("x.coord"), ["check"], @"");
}

#[test]
fn a_folder_without_files() {
    snapshot!(Space::new().folder("inner"), ["check", "inner"], @"");
}

#[test]
fn a_pipe_is_refused_before_it_is_opened() {
    let space = Space::new();
    let made = std::process::Command::new("mkfifo").arg(space.path("pipe.coord")).status().unwrap();
    assert!(made.success());
    snapshot!(space, ["check", "pipe.coord"], @"");
}

#[test]
fn a_device_that_never_ends() {
    snapshot!(Space::new(), ["check", "/dev/zero"], @"");
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let space = Space::new().file("main.coord", HELLO);
    std::fs::set_permissions(space.path("main.coord"), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(space.path("main.coord")).is_ok() {
        return; // root reads everything
    }
    snapshot!(space, ["check"], @"");
}

#[test]
fn standard_input() {
    let space = Space::new();
    let ran = space.coord(&["check", "-"]).stdin(HELLO).run().exits(0);
    insta::assert_snapshot!(ran, @"");
    let ran = space.coord(&["check", "-", "--stdin-filename", "editor.coord"]).stdin("task {").run().exits(2);
    insta::assert_snapshot!(ran, @"");
}

#[test]
fn a_limit_without_a_number() {
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "tasks=abc"], @"");
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "task=5"], @"");
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "nesting=1000"], @"");
}

#[test]
fn more_tasks_than_the_limit() {
    let two = format!("{HELLO}task again {{ run [\"true\"] }}\n");
    snapshot!(Space::new().file("main.coord", two), ["check", "--limit", "tasks=1"], @"");
}

#[test]
fn nesting_up_to_the_limit() {
    let nested = |depth: usize| format!("edition 2026\n\n{}task t {{ run [\"true\"] }}\n{}", "parallel {\n".repeat(depth), "}\n".repeat(depth));
    // the task's block and its list are two more levels
    Space::new().file("main.coord", nested(62)).coord(&["check"]).run().exits(0);
    let ran = Space::new().file("main.coord", nested(63)).coord(&["check"]).run().exits(2);
    insta::assert_snapshot!(ran, @"");
}

#[test]
fn json_is_what_editors_expect() {
    let text = "edition 2026\n\ntask t {\n  do \"😀\" needs x # both on one line\n  by nobdy\n}\n\nagent nobody { via human }\n";
    let ran = Space::new().file("main.coord", text).coord(&["check", "--format", "json"]).run().exits(2);
    insta::assert_snapshot!(ran, @"");
    let files: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = &files[0]["diagnostics"][0];
    for field in ["range", "severity", "code", "source", "message", "relatedInformation"] {
        assert!(!first[field].is_null(), "{field} is missing");
    }
    // the emoji counts as two
    assert_eq!(first["range"]["start"]["character"], "  do \"😀\" ".encode_utf16().count());
}

#[test]
fn a_clean_project_is_an_empty_list_in_json() {
    let ran = Space::new().file("main.coord", HELLO).coord(&["check", "--format", "json"]).run().exits(0);
    insta::assert_snapshot!(ran, @"");
}

#[test]
fn what_a_file_says_is_no_order_to_the_terminal() {
    let ran = Space::new().file("main.coord", "edition 2026\n\u{1b}[31mtask\u{7} x\n").coord(&["check"]).run().exits(2);
    assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{ran}");
}

#[test]
fn many_mistakes_are_capped() {
    let text = "edition 2026\n".to_string() + &"banana\n".repeat(80);
    let ran = Space::new().file("main.coord", text).coord(&["check"]).run().exits(2);
    assert_eq!(ran.stderr.matches("E0101").count(), 50);
    assert!(ran.stderr.contains("… and 30 more"), "{ran}");
}
