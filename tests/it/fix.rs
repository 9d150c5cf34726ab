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
fn a_guess_is_made_only_when_it_is_near_and_alone() {
    let names = ["backend", "able", "axle", "task-1", "qa"];
    let people = names.map(|name| format!("human {name} {{\n  does \"x\"\n}}\n\n"));
    let head = format!("edition 2026\n\n{}", people.concat());
    for (wrong, mended) in [
        ("bakend", Some("backend")),
        ("Backend", Some("backend")),
        ("back", None),
        ("aple", None),
        ("task-3", None),
        ("qb", None),
        ("server", None),
    ] {
        let text = |name: &str| format!("{head}task t {{\n  by {name}\n  takes 1d\n}}\n");
        let ran = Space::new()
            .coord(&["fix", "-"])
            .stdin(text(wrong))
            .run()
            .exits(if mended.is_some() { 0 } else { 2 });
        assert_eq!(ran.stdout, text(mended.unwrap_or(wrong)), "{wrong}");
    }
}

#[test]
fn all_files_of_a_project_are_mended_together() {
    let main = "edition 2026\n\nuse \"team/people.coord\"\n\ntask api {\n  by backend\n  takes 4hours\n}\n";
    let team = "edition 2026\n\nagent backend {\n  via human\n  neds databse\n}\n\nagent database {\n  via human\n}\n";
    let space = Space::new()
        .file("main.coord", main)
        .file("team/people.coord", team);
    let ran = space.coord(&["fix"]).run().exits(0);
    let read = |name: &str| std::fs::read_to_string(space.path(name)).unwrap();
    let texts = [read("main.coord"), read("team/people.coord")].concat();
    insta::assert_snapshot!(format!("{ran}\n{texts}"));
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
