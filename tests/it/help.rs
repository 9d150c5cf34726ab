//! What shells and `man` get: completions and the manual page, both from the same definition as
//! the help.

use crate::space::Space;
use std::process::{Command, Stdio};

fn commands() -> Vec<String> {
    let help = Space::new().coord(&["--help"]).run().exits(0).stdout;
    let list = help.split("Commands:").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    let names = list
        .lines()
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "));
    names
        .filter_map(|l| l.split_whitespace().next().map(str::to_string))
        .collect()
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Space::new().coord(&["completions", shell]).run().exits(0);
        for command in commands() {
            assert!(ran.stdout.contains(&command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn completions_of_bash_are_a_script_that_bash_reads() {
    let ran = Space::new().coord(&["completions", "bash"]).run().exits(0);
    let space = Space::new().file("coord.bash", &ran.stdout);
    let Ok(read) = Command::new("bash")
        .arg("-n")
        .arg(space.path("coord.bash"))
        .status()
    else {
        return; // a machine without bash
    };
    assert!(read.success());
}

#[test]
fn the_manual_page_has_every_command_with_its_options() {
    let ran = Space::new().coord(&["man"]).run().exits(0);
    let page = ran.stdout.replace("\\-", "-");
    assert!(page.contains(".TH coord 1"), "{page}");
    for command in commands() {
        assert!(
            page.contains(&format!(".SS \"coord {command}\"\n")),
            "no part about {command}"
        );
    }
    for option in ["--format", "--dry-run", "--no-wait", "--home"] {
        assert!(page.contains(option), "no {option}");
    }
}

#[test]
fn the_manual_page_is_one_that_man_reads() {
    let ran = Space::new().coord(&["man"]).run().exits(0);
    let space = Space::new().file("coord.1", &ran.stdout);
    let groff = Command::new("groff")
        .args(["-man", "-Tascii", "-ww"])
        .arg(space.path("coord.1"))
        .stdin(Stdio::null())
        .output();
    let Ok(read) = groff else {
        return; // a machine without groff
    };
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success() && said.is_empty(), "{said}");
}
