//! The tutorial and the page about agents: their programs are saved, its commands are run, and what they print is on the page.
//!
//! ` ```coord main.coord ` saves the program under that name. In ` ```console ` each line with `$`
//! is a command; the lines below it are what it prints, standard output first. `echo $?` prints the
//! last exit status. Times, durations and names of runs may differ.
//! `UPDATE_DOCS=1 cargo test tutorial` writes the outputs anew.

use crate::space::Space;
use std::path::PathBuf;

const WIDTH: &str = "88";

/// A piece of the page.
enum Piece {
    /// Lines that are only read.
    Words(String),
    /// A program to save: name, text.
    Program(String, String),
    /// A session of commands.
    Console(String),
}

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        words.push_str(line);
        words.push('\n');
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        if ticks.len() < 3 {
            continue;
        }
        let inside: String = lines
            .by_ref()
            .take_while(|l| *l != ticks)
            .map(|l| format!("{l}\n"))
            .collect();
        pieces.push(Piece::Words(std::mem::take(&mut words)));
        pieces.push(match line[ticks.len()..].split_once(' ') {
            Some(("coord", name)) => Piece::Program(name.to_string(), inside),
            None if &line[ticks.len()..] == "console" => Piece::Console(inside),
            _ => Piece::Words(inside),
        });
        words = format!("{ticks}\n");
    }
    pieces.push(Piece::Words(words));
    pieces
}

/// The session with what its commands print.
fn session(space: &Space, asked: &str, status: &mut i32) -> String {
    let mut out = String::new();
    for line in asked.lines().filter(|l| l.starts_with("$ ")) {
        out.push_str(line);
        out.push('\n');
        if line == "$ echo $?" {
            out.push_str(&format!("{status}\n"));
            continue;
        }
        let words = words_of(line.trim_start_matches("$ "));
        let (program, args) = words.split_first().unwrap();
        assert_eq!(program, "coord", "only coord is called: {line}");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", space.path("bin").display());
        let call = space.coord(&args).env("COLUMNS", WIDTH).env("PATH", &path);
        let ran = call.run();
        *status = ran.status.code().unwrap_or(-1);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        for line in printed.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// The words of a command line; double quotes hold one together.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The text with what differs from run to run made equal: times of day, instants, names of runs
/// and short durations.
fn steady(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.split(' ')
                .map(steady_word)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .map(|line| line.trim_end().to_string() + "\n")
        .collect()
}

fn steady_word(word: &str) -> String {
    let bare = word.trim_end_matches([',', ';', ':', '`']);
    let shape: String = bare
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let steady = match shape.as_str() {
        "99:99:99" => "TIME",
        "9.9s" | "99.9s" => "SHORT",
        "9999-99-99-9" => "RUN",
        _ if shape.starts_with("9999-99-99T") => "INSTANT",
        _ => return word.to_string(),
    };
    format!("{steady}{}", &word[bare.len()..])
}

#[test]
fn the_tutorial_is_what_happens() {
    is_what_happens("tutorial.md", Space::new());
}

#[test]
fn the_page_about_agents_is_what_happens() {
    let space = Space::new().folder("bin");
    let agent = crate::agents::example("agent");
    std::os::unix::fs::symlink(agent, space.path("bin/claude-agent-acp")).unwrap();
    is_what_happens("agents.md", space);
}

fn is_what_happens(name: &str, mut space: Space) {
    let text = std::fs::read_to_string(page(name)).unwrap();
    let mut status = 0;
    let mut written = String::new();
    for piece in pieces(&text) {
        match piece {
            Piece::Words(words) => written.push_str(&words),
            Piece::Program(name, program) => {
                let formatted = space.coord(&["fmt", "-"]).stdin(&program).run();
                assert_eq!(formatted.stdout, program, "it is not formatted");
                space = space.file(&name, &program);
                written.push_str(&program);
            }
            Piece::Console(asked) => written.push_str(&session(&space, &asked, &mut status)),
        }
    }
    let (said, happens) = (steady(&text), steady(&written));
    if said != happens && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page(name), &written).unwrap();
        return;
    }
    let differs = said.lines().zip(happens.lines()).find(|(a, b)| a != b);
    assert!(
        said == happens,
        "docs/{name} says otherwise; look at it, then write it with \
         UPDATE_DOCS=1 cargo test tutorial. First difference: {differs:#?}"
    );
}

/// A program on the page is right, or the page shows what is wrong with it.
#[test]
fn every_program_of_the_tutorial_is_right_or_shown_to_be_wrong() {
    let text = std::fs::read_to_string(page("tutorial.md")).unwrap();
    let pieces = pieces(&text);
    let mut programs = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Program(name, program) = piece else {
            continue;
        };
        programs += 1;
        let space = Space::new().file(name, program);
        let check = space.coord(&["check", name]).run();
        let next = pieces[index..].iter().find_map(|piece| match piece {
            Piece::Console(session) => Some(session),
            Piece::Words(_) | Piece::Program(..) => None,
        });
        let shown = next.is_some_and(|session| session.starts_with("$ coord check"));
        assert!(check.status.success() || shown, "{check}");
    }
    assert!(programs >= 4);
}
