//! Projects of several files.

use crate::space::Space;
use insta::assert_snapshot;

const MAIN: &str = r#"edition 2026

use "who/agents.coord" as team
use "work.coord"

project shop {
  starts 2025-08-11
}
"#;

const AGENTS: &str = r#"edition 2026

agent backend {
  owns "api/**"
}

agent frontend {
  needs backend
  owns "web/**"
}
"#;

const WORK: &str = r#"edition 2026

task api {
  by team.backend
  run ["true"]
  takes 1d
  timeout 1h
}

task web {
  by frontend
  needs api
  run ["true"]
  takes 1d
  timeout 1h
}
"#;

const LONELY: &str =
    "edition 2026\n\ntask lonely {\n  run [\"true\"]\n  takes 1d\n  timeout 1h\n}\n";

fn shop() -> Space {
    Space::new()
        .file("main.coord", MAIN)
        .file("who/agents.coord", AGENTS)
        .file("work.coord", WORK)
}

#[test]
fn names_are_known_in_every_file_of_a_project() {
    let space = shop();
    for args in [&["check"][..], &["check", "main.coord"], &["check", "."]] {
        let ran = space.coord(args).run().exits(0);
        assert_eq!(ran.stderr, "no mistakes in 3 files\n");
    }
}

#[test]
fn a_folder_holds_projects_and_their_parts() {
    let space = shop().file("lonely.coord", LONELY);
    assert_eq!(
        space.coord(&["check"]).run().exits(0).stderr,
        "no mistakes in 4 files\n"
    );
    // a part alone does not know the others
    let alone = space.coord(&["check", "work.coord"]).run().exits(2);
    assert!(alone.stderr.contains("team.backend"), "{alone}");
}

#[test]
fn files_that_use_each_other_are_one_project() {
    let space = Space::new()
        .file(
            "a.coord",
            "edition 2026\n\nuse \"b.coord\"\nuse \"a.coord\"\n",
        )
        .file(
            "b.coord",
            format!("{LONELY}\nuse \"./a.coord\"\nuse \"x/../a.coord\"\n"),
        )
        .folder("x");
    assert_eq!(
        space.coord(&["check"]).run().exits(0).stderr,
        "no mistakes in 2 files\n"
    );
}

#[test]
fn what_cannot_be_used_is_said_once_where_it_is_used() {
    let space = Space::new()
        .file("outside.coord", AGENTS)
        .file(
            "in/main.coord",
            "edition 2026\n\nuse \"agnts.coord\"\nuse \"../outside.coord\"\nuse \"/etc/hosts\"\nuse \"sub/one.coord\"\n\ntask web {\n  by frontend\n  needs api\n  run [\"true\"]\n  timeout 1h\n}\n",
        )
        .file("in/agents.coord", AGENTS)
        .file("in/sub/one.coord", "edition 2026\n\nuse \"../../outside.coord\"\nuse \"../missing/x.coord\"\nuse \"../bad.coord\"\nuse \"..\"\n")
        .file("in/bad.coord", b"edition 2026\n\xff");
    assert_snapshot!(space.coord(&["check", "in/main.coord"]).run().exits(2));
}

#[cfg(unix)]
#[test]
fn a_link_leads_no_further_than_the_project() {
    let space = Space::new()
        .file("outside.coord", AGENTS)
        .file("in/main.coord", format!("{LONELY}\nuse \"link.coord\"\n"));
    std::os::unix::fs::symlink(space.path("outside.coord"), space.path("in/link.coord")).unwrap();
    let ran = space.coord(&["check", "in"]).run().exits(2);
    assert!(ran.stderr.contains("E0905"), "{ran}");
}

#[test]
fn names_of_files_belong_to_one_file_each() {
    let space = Space::new()
        .file(
            "main.coord",
            "edition 2026\n\nuse \"a.coord\" as x\nuse \"b.coord\" as x\nuse \"a.coord\" as y\nuse \"b.coord\" as backend\n\ntask web {\n  by x.frontend\n  needs x.lonely\n  run [\"true\"]\n  takes 1d\n  timeout 1h\n}\n",
        )
        .file("a.coord", AGENTS)
        .file("b.coord", LONELY);
    assert_snapshot!(space.coord(&["check"]).run().exits(2));
}

#[test]
fn mistakes_show_both_ends_also_in_two_files() {
    let space = shop().file(
        "work.coord",
        format!("{WORK}\nproject other\n\nagent backend {{\n  owns \"web/**\"\n}}\n").replacen(
            "edition 2026\n\n",
            "",
            1,
        ),
    );
    assert_snapshot!(space.coord(&["check"]).run().exits(2));
}

#[test]
fn too_many_too_deep_and_too_large_are_said() {
    let mut space = Space::new();
    for i in 0..20 {
        let text = format!("edition 2026\n\nuse \"{}.coord\"\n", i + 1);
        space = space.file(&format!("{i}.coord"), text);
    }
    let space = space.file("20.coord", LONELY);
    let deep = space.coord(&["check", "0.coord"]).run().exits(2);
    assert!(deep.stderr.contains("more than 16 files"), "{deep}");
    let many = space
        .coord(&["check", "--limit", "files=5", "0.coord"])
        .run()
        .exits(2);
    assert!(many.stderr.contains("the limit `files`, 5"), "{many}");
    let large = space
        .coord(&["check", "--limit", "text-bytes=100", "0.coord"])
        .run()
        .exits(2);
    assert!(
        large.stderr.contains("the limit `text-bytes`, 100"),
        "{large}"
    );
}

#[test]
fn fmt_forms_every_file_of_a_project() {
    let space = shop().file("who/agents.coord", AGENTS.replace("  owns", "      owns"));
    let ran = space.coord(&["fmt", "--check"]).run().exits(1);
    assert_eq!(ran.stderr, "who/agents.coord would change\n");
    space.coord(&["fmt"]).run().exits(0);
    let text = std::fs::read_to_string(space.path("who/agents.coord")).unwrap();
    assert_eq!(text, AGENTS);
}

#[test]
fn fix_mends_every_file_of_a_project() {
    let space = shop().file("work.coord", WORK.replace("by frontend", "by frontnd"));
    space.coord(&["fix"]).run().exits(0);
    let text = std::fs::read_to_string(space.path("work.coord")).unwrap();
    assert_eq!(text, WORK);
}

#[test]
fn a_run_notices_a_change_in_any_file() {
    let gated = WORK.replace(
        "  needs api\n",
        "  needs api\n  approve by boss within 4h else fail\n",
    );
    let agents = format!("{AGENTS}\nhuman boss {{\n  contact \"boss@example.org\"\n}}\n");
    let space = shop()
        .folder("api")
        .file("work.coord", gated)
        .file("who/agents.coord", &agents);
    space.coord(&["run", "--no-wait"]).run().exits(3);
    let same = space.coord(&["resume", "--no-wait"]).run().exits(3);
    assert!(!same.stderr.contains("has changed"), "{same}");
    let space = space.file("who/agents.coord", format!("{agents}\n# more\n"));
    let other = space.coord(&["resume", "--no-wait"]).run().exits(3);
    assert!(other.stderr.contains("has changed"), "{other}");
}

#[test]
fn standard_input_uses_the_files_beside_it() {
    let ran = shop().coord(&["check", "-"]).stdin(MAIN).run().exits(0);
    assert_eq!(ran.stderr, "no mistakes in 3 files\n");
}
