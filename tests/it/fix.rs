//! `coord fix`: makes the edits that diagnostics carry, and never makes it worse.

use crate::fixture::Fixture;
use crate::space::Space;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::source::Sources;

const BROKEN: &str = r#"task test {
  run ["make" "test"] timeout 10m
  takes 4hours
  neds build
}

task build {
  run "make all"
  takes 1h
}
"#;

#[test]
fn what_a_machine_can_mend_is_mended() {
    let space = Space::new().file("main.coord", BROKEN);
    let ran = space.coord(&["fix"]).run().exits(0);
    let text = std::fs::read_to_string(space.path("main.coord")).unwrap();
    insta::assert_snapshot!(format!("{ran}\n{text}"));
    let check = space.coord(&["check"]).run().exits(0);
    assert_eq!(check.stderr, "no mistakes in 1 file\n");
    let again = space.coord(&["fix"]).run().exits(0);
    assert_eq!(again.stderr, "fixed 0 in 0 files; no mistakes left\n");
}

#[test]
fn what_is_left_is_said_by_the_exit_status() {
    let text = "edition 2026\n\ntask build {\n  run [\"make\" \"all\"]\n}\n\ntask nobody\n";
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["fix"]).run().exits(2);
    assert!(
        ran.stderr.ends_with("fixed 1 in 1 file; 1 error left\n"),
        "{ran}"
    );
}

#[test]
fn a_dry_run_and_a_diff_change_nothing() {
    let space = Space::new().file("main.coord", BROKEN);
    let dry = space.coord(&["fix", "--dry-run"]).run().exits(1);
    assert!(dry.stderr.contains("would fix"), "{dry}");
    let diff = space.coord(&["fix", "--diff"]).run().exits(0);
    assert!(
        diff.stdout.contains("+  run [\"make\", \"test\"]"),
        "{diff}"
    );
    let text = std::fs::read_to_string(space.path("main.coord")).unwrap();
    assert_eq!(text, BROKEN);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let ran = Space::new()
        .coord(&["fix", "-"])
        .stdin("edition 2026\n\ntask build {\n  run \"make all\"\n}\n")
        .run()
        .exits(0);
    assert_eq!(
        ran.stdout,
        "edition 2026\n\ntask build {\n  run [\"make\", \"all\"]\n}\n"
    );
}

#[test]
fn no_fixture_gets_more_errors_and_no_edit_is_left_that_helps() {
    let errors = |all: &[Diagnostic]| all.iter().filter(|d| d.is_error()).count();
    for fixture in Fixture::all() {
        let space = Space::new();
        let ran = space.coord(&["fix", "-"]).stdin(&fixture.text).run();
        let before = fixture.compile().diagnostics;
        let after = fixture
            .compile_text(&Sources::single(&fixture.name, &ran.stdout))
            .diagnostics;
        assert!(errors(&after) <= errors(&before), "{}: {ran}", fixture.name);
        let again = space.coord(&["fix", "-"]).stdin(&ran.stdout).run();
        assert_eq!(again.stdout, ran.stdout, "{} has no end", fixture.name);
    }
}
