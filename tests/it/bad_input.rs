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
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "mian.coord"], @r#"
    exit status: 2
    --- stderr
    error: E0903 cannot read `mian.coord`: there is no such file
      help: did you mean `main.coord`?
    "#);
}

#[test]
fn text_that_is_not_utf_8() {
    snapshot!(Space::new().file("main.coord", b"edition 2026\n\xff\n"), ["check"], @r#"
    exit status: 2
    --- stderr
    error: E0903 `main.coord` is not UTF-8: byte 0xff in line 2
      help: save it as UTF-8
    "#);
}

#[test]
fn utf_16() {
    snapshot!(Space::new().file("main.coord", b"\xff\xfee\0d\0"), ["check"], @r#"
    exit status: 2
    --- stderr
    error: E0903 `main.coord` is not UTF-8: byte 0xff in line 1
      help: it looks like UTF-16: save it as UTF-8
    "#);
}

#[test]
fn an_empty_file() {
    snapshot!(Space::new().file("main.coord", ""), ["check"], @r#"
    exit status: 0
    --- stderr
    W0902

      ⚠ this file declares nothing
       ╭─[main.coord:1:1]
       ╰────
      help: start with `coord init`, or write `edition 2026` and a `task`

    1 warning in 1 file
    "#);
}

#[test]
fn a_folder_without_a_project() {
    snapshot!(Space::new(), ["check"], @r#"
    exit status: 2
    --- stderr
    error: no project in this folder: it holds no .coord file
      help: write one with `coord init`, or name the file
    "#);
}

#[test]
fn two_projects_are_checked_one_by_one() {
    snapshot!(Space::new().file("a.coord", HELLO).file("b.coord", HELLO), ["check"], @r#"
    exit status: 0
    --- stderr
    no mistakes in 2 files
    "#);
}

#[test]
fn an_unknown_command() {
    snapshot!(Space::new(), ["chek"], @r"
    exit status: 2
    --- stderr
    error: unrecognized subcommand 'chek'

      tip: some similar subcommands exist: 'schema', 'check'

    Usage: coord [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_flag() {
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--formt", "json"], @r#"
    exit status: 2
    --- stderr
    error: unexpected argument '--formt' found

      tip: a similar argument exists: '--format'

    Usage: coord check --format <FORMAT> [PATHS]...

    For more information, try '--help'.
    "#);
}

#[test]
fn a_folder_named_like_a_project() {
    snapshot!(Space::new().folder("x.coord"), ["check", "x.coord"], @r#"
    exit status: 2
    --- stderr
    error: `x.coord` holds no .coord file
      help: name a file, or another folder
    "#);
    snapshot!(Space::new().folder("x.coord"), ["check"], @r#"
    exit status: 2
    --- stderr
    error: no project in this folder: it holds no .coord file
      help: write one with `coord init`, or name the file
    "#);
}

#[test]
fn a_folder_without_files() {
    snapshot!(Space::new().folder("inner"), ["check", "inner"], @r#"
    exit status: 2
    --- stderr
    error: `inner` holds no .coord file
      help: name a file, or another folder
    "#);
}

#[test]
fn a_pipe_is_refused_before_it_is_opened() {
    let space = Space::new();
    let made = std::process::Command::new("mkfifo")
        .arg(space.path("pipe.coord"))
        .status()
        .unwrap();
    assert!(made.success());
    snapshot!(space, ["check", "pipe.coord"], @r#"
    exit status: 2
    --- stderr
    error: cannot read `pipe.coord`: it is no plain file
      help: name a .coord file, or `-` for standard input
    "#);
}

#[test]
fn a_device_that_never_ends() {
    snapshot!(Space::new(), ["check", "/dev/zero"], @r#"
    exit status: 2
    --- stderr
    error: cannot read `/dev/zero`: it is no plain file
      help: name a .coord file, or `-` for standard input
    "#);
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let space = Space::new().file("main.coord", HELLO);
    std::fs::set_permissions(
        space.path("main.coord"),
        std::fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    if std::fs::read(space.path("main.coord")).is_ok() {
        return; // root reads everything
    }
    snapshot!(space, ["check"], @"");
}

#[test]
fn standard_input() {
    let space = Space::new();
    let ran = space.coord(&["check", "-"]).stdin(HELLO).run().exits(0);
    insta::assert_snapshot!(ran, @r#"
    exit status: 0
    --- stderr
    no mistakes in 1 file
    "#);
    let ran = space
        .coord(&["check", "-", "--stdin-filename", "editor.coord"])
        .stdin("task {")
        .run()
        .exits(2);
    insta::assert_snapshot!(ran, @r#"
    exit status: 2
    --- stderr
    E0003

      × `task` is missing `}`
       ╭─[editor.coord:1:1]
     1 │ task {
       · ──┬─
       ·   ╰── opened here
       ╰────
      help: close it at the end of the file

    E0106

      × `task` needs a name, as in `task build`
       ╭─[editor.coord:1:1]
     1 │ task {
       · ──┬─
       ·   ╰── a task without a name
       ╰────
      help: names start with a letter and hold letters, digits, `-` and `_`

    W0902

      ⚠ no `edition`: 2026 assumed
       ╭─[editor.coord:1:1]
     1 │ task {
       · ──┬─
       ·   ╰── the first statement should be `edition`
       ╰────
      help: write `edition 2026` at the top

    2 errors, 1 warning in 1 file
    "#);
}

#[test]
fn a_limit_without_a_number() {
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "tasks=abc"], @r#"
    exit status: 2
    --- stderr
    error: `--limit tasks=abc` has no number
      help: as in `--limit tasks=200000`
    "#);
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "task=5"], @r"
    exit status: 2
    --- stderr
    error: there is no limit `task`
      help: limits are `file-bytes`, `nesting`, `tasks`, `needs`, `edges`, `each`, `files` or `text-bytes`
    ");
    snapshot!(Space::new().file("main.coord", HELLO), ["check", "--limit", "nesting=1000"], @r#"
    exit status: 2
    --- stderr
    error: the limit `nesting` cannot be raised past 128
      help: split the project
    "#);
}

#[test]
fn more_tasks_than_the_limit() {
    let two = format!("{HELLO}task again {{ run [\"true\"] }}\n");
    snapshot!(Space::new().file("main.coord", two), ["check", "--limit", "tasks=1"], @r#"
    exit status: 2
    --- stderr
    E0908

      × this project has 2 tasks; the limit `tasks` is 1
       ╭─[main.coord:4:1]
     3 │ task hello { run ["echo", "hello"] }
     4 │ task again { run ["true"] }
       · ─────┬────
       ·      ╰── the first task past the limit
       ╰────
      help: raise it with `--limit tasks=2`

    1 error in 1 file
    "#);
}

#[test]
fn nesting_up_to_the_limit() {
    let nested = |depth: usize| {
        format!(
            "edition 2026\n\n{}task t {{ run [\"true\"] }}\n{}",
            "parallel {\n".repeat(depth),
            "}\n".repeat(depth)
        )
    };
    // the task's block and its list are two more levels
    Space::new()
        .file("main.coord", nested(62))
        .coord(&["check"])
        .run()
        .exits(0);
    let ran = Space::new()
        .file("main.coord", nested(63))
        .coord(&["check"])
        .run()
        .exits(2);
    insta::assert_snapshot!(ran, @r#"
    exit status: 2
    --- stderr
    E0011

      × nesting is 65 levels deep here; the limit is 64
        ╭─[main.coord:66:14]
     65 │ parallel {
     66 │ task t { run ["true"] }
        ·              ┬
        ·              ╰── this bracket is one too many
     67 │ }
        ╰────
      help: move the inner blocks up into declarations of their own

    1 error in 1 file
    "#);
}

#[test]
fn json_is_what_editors_expect() {
    let text = "edition 2026\n\ntask t {\n  do \"😀\" needs x # both on one line\n  by nobdy\n}\n\nagent nobody { via human }\n";
    let ran = Space::new()
        .file("main.coord", text)
        .coord(&["check", "--format", "json"])
        .run()
        .exits(2);
    let files: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(files[0]["uri"], "file://[SPACE]/main.coord");
    let first = &files[0]["diagnostics"][0];
    insta::assert_snapshot!(format!("{first:#}"), @r#"
    {
      "range": {
        "start": {
          "line": 3,
          "character": 10
        },
        "end": {
          "line": 3,
          "character": 15
        }
      },
      "severity": 1,
      "code": "E0007",
      "source": "coord",
      "message": "only one statement per line: move `needs` down\nhelp: start a new line here",
      "relatedInformation": [],
      "data": {
        "fix": {
          "title": "start a new line here",
          "range": {
            "start": {
              "line": 3,
              "character": 9
            },
            "end": {
              "line": 3,
              "character": 10
            }
          },
          "newText": "\n  "
        }
      }
    }
    "#);
    // the emoji counts as two
    assert_eq!(
        first["range"]["start"]["character"],
        "  do \"😀\" ".encode_utf16().count()
    );
}

#[test]
fn a_clean_project_is_an_empty_list_in_json() {
    let ran = Space::new()
        .file("main.coord", HELLO)
        .coord(&["check", "--format", "json"])
        .run()
        .exits(0);
    insta::assert_snapshot!(ran, @r#"
    exit status: 0
    --- stdout
    [
      {
        "uri": "file://[SPACE]/main.coord",
        "diagnostics": []
      }
    ]
    "#);
}

#[test]
fn what_a_file_says_is_no_order_to_the_terminal() {
    let ran = Space::new()
        .file("main.coord", "edition 2026\n\u{1b}[31mtask\u{7} x\n")
        .coord(&["check"])
        .run()
        .exits(2);
    assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{ran}");
}

#[test]
fn many_mistakes_are_capped() {
    let text = "edition 2026\n".to_string() + &"banana\n".repeat(80);
    let ran = Space::new()
        .file("main.coord", text)
        .coord(&["check"])
        .run()
        .exits(2);
    assert_eq!(ran.stderr.matches("E0101").count(), 50);
    assert!(ran.stderr.contains("… and 30 more"), "{ran}");
}
